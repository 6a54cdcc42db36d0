"""One walk over an expression gives the coefficients of all rows of a constraint family.

A rule such as ``soc[t] == keep * soc[previous[t]] + charge[t] * eta[t]`` is kept by Pyomo once, with
a placeholder for ``t``. Here the placeholder stands for the array of all index values: parameters
become arrays, ``soc[previous[t]]`` becomes fancy indexing, and a sum becomes a list of terms. An
expression without placeholder (one row) is walked by the same code with plain numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
import pyomo.core as pyo
from pyomo.core.base.var import VarData
from pyomo.core.expr import numeric_expr as ne
from pyomo.core.expr import relational_expr as re_
from pyomo.core.expr import template_expr as te
from pyomo.core.expr.numvalue import native_numeric_types

from microgrid_opt.solve.containers import UnsupportedError
from microgrid_opt.solve.containersum import ContainerSum

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from microgrid_opt.solve.containers import ParameterTable, VariableTable

Amount: TypeAlias = "float | npt.NDArray[np.float64]"
"""A number for all rows, or one for each row."""


class Term(NamedTuple):
    """Columns and coefficients; ``rows`` is None for exactly one entry in each row."""

    columns: Any
    coefficients: Amount
    rows: npt.NDArray[np.int64] | None


@dataclass
class Form:
    """A linear form over the rows of a frame: constant plus terms."""

    constant: Amount = 0.0
    terms: list[Term] = field(default_factory=list)

    def scaled(self, factor: Amount) -> Form:
        """Return the form times a number, or times one number for each row."""
        terms = [Term(t.columns, t.coefficients * _at(factor, t.rows), t.rows) for t in self.terms]
        return Form(self.constant * factor, terms)

    def add(self, other: Form) -> None:
        """Add another form of the same frame to this one."""
        self.constant = self.constant + other.constant
        self.terms.extend(other.terms)


@dataclass
class Frame:
    """The rows that are walked at once, and what each index placeholder stands for in them."""

    size: int
    index: dict[int, Any] = field(default_factory=dict)


class Relation(NamedTuple):
    """``lower <= body <= upper`` for the rows of a frame."""

    body: Form
    lower: Amount
    upper: Amount


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray)


def _at(amount: Amount, rows: npt.NDArray[np.int64] | None) -> Amount:
    return amount[rows] if rows is not None and isinstance(amount, np.ndarray) else amount


class Walker:
    """Turns Pyomo expressions into `Form` and `Relation`.

    Parameters
    ----------
    variables, parameters
        The containers of the model.
    """

    def __init__(self, variables: VariableTable, parameters: ParameterTable) -> None:
        self.variables = variables
        self.parameters = parameters

    def relation(self, expression: Any, frame: Frame) -> Relation:
        """Return a constraint's body and limits, with the same body as Pyomo would choose.

        Raises
        ------
        UnsupportedError
            When the expression is not one of the linear shapes known here.
        """
        if expression.__class__ is tuple:
            expression = re_.tuple_to_relational_expr(expression)
        kind = expression.__class__
        if kind is re_.RangedExpression:
            low, middle, high = expression.args
            body = self.form(middle, frame)
            lower = self.constant(low, frame) if low is not None else -np.inf
            upper = self.constant(high, frame) if high is not None else np.inf
            return Relation(body, lower - body.constant, upper - body.constant)
        if kind not in (re_.EqualityExpression, re_.InequalityExpression):
            raise UnsupportedError(kind.__name__)
        left, right = expression.args
        equal = kind is re_.EqualityExpression
        if not _may_vary(right):
            body = self.form(left, frame)
            limit = self.constant(right, frame) - body.constant
            return Relation(body, limit if equal else -np.inf, limit)
        if not _may_vary(left):
            body = self.form(right, frame)
            limit = self.constant(left, frame) - body.constant
            return Relation(body, limit, limit if equal else np.inf)
        body = Form()
        body.add(self.form(left, frame))
        body.add(self.form(right, frame).scaled(-1.0))
        limit = -body.constant
        return Relation(body, limit if equal else -np.inf, limit)

    def constant(self, expression: Any, frame: Frame) -> Amount:
        """Return the value of an expression that holds no free variable."""
        return self._as_constant(self.form(expression, frame), frame)

    def form(self, expression: Any, frame: Frame) -> Form:
        """Return an expression as a linear form over the rows of ``frame``."""
        kind = expression.__class__
        if kind in native_numeric_types:
            return Form(float(expression))
        handler = _HANDLERS.get(kind)
        if handler is not None:
            return handler(self, expression, frame)
        return self._leaf(expression, frame)

    # ------------------------------------------------------------------ nodes

    def _leaf(self, node: Any, frame: Frame) -> Form:
        if not hasattr(node, "is_expression_type"):
            raise UnsupportedError(type(node).__name__)
        if node.is_expression_type():
            if node.is_named_expression_type() and node.arg(0) is not None:
                return self.form(node.arg(0), frame)
            raise UnsupportedError(type(node).__name__)
        if node.is_variable_type():
            return Form(0.0, [Term(self.variables.number(node), 1.0, None)])
        if node.is_parameter_type():
            return Form(float(pyo.value(node)))
        raise UnsupportedError(type(node).__name__)

    def _index(self, node: Any, frame: Frame) -> Form:
        try:
            value = frame.index[id(node)]
        except KeyError:
            raise UnsupportedError("an index without a value") from None
        if isinstance(value, str | tuple):
            raise UnsupportedError("an index that is no number")
        return Form(value.astype(float) if _is_array(value) else float(value))

    def _sum(self, node: Any, frame: Frame) -> Form:
        total = Form()
        for argument in node.args:
            total.add(self.form(argument, frame))
        return total

    def _by_container(self, node: ContainerSum) -> Form:
        """Take a sum over whole containers as the arrays that it holds."""
        total = Form(node.constant_part)
        for container, coefficients in node.containers or ():
            used = np.flatnonzero(coefficients)
            block = self.variables.add(container).block
            rows = np.zeros(len(used), np.int64)
            total.terms.append(Term(block.start + used, coefficients[used], rows))
        return total

    def _linear(self, node: Any, frame: Frame) -> Form:
        """Take a long linear expression apart in bulk."""
        if type(node) is ContainerSum and node.containers is not None and frame.size == 1:
            return self._by_container(node)
        arguments = node.args
        pairs = [a._args_ for a in arguments if a.__class__ is ne.MonomialTermExpression]
        if len(pairs) < 8:
            return self._sum(node, frame)
        variables = [variable for _, variable in pairs]
        if not all(issubclass(kind, VarData) for kind in set(map(type, variables))):
            return self._sum(node, frame)
        try:
            coefficients = np.array([factor for factor, _ in pairs], dtype=float)
        except TypeError:
            return self._sum(node, frame)
        total = Form()
        for argument in arguments:
            if argument.__class__ is not ne.MonomialTermExpression:
                total.add(self.form(argument, frame))
        columns = self.variables.numbers_of(variables)
        if frame.size != 1:
            rows = np.repeat(np.arange(frame.size), len(columns))
            columns, coefficients = np.tile(columns, frame.size), np.tile(coefficients, frame.size)
        else:
            rows = np.zeros(len(columns), np.int64)
        total.terms.append(Term(columns, coefficients, rows))
        return total

    def _product(self, node: Any, frame: Frame) -> Form:
        left, right = self.form(node.arg(0), frame), self.form(node.arg(1), frame)
        if not left.terms:
            return right.scaled(left.constant)
        if not right.terms:
            return left.scaled(right.constant)
        try:
            return right.scaled(self._as_constant(left, frame))
        except UnsupportedError:
            return left.scaled(self._as_constant(right, frame))

    def _division(self, node: Any, frame: Frame) -> Form:
        denominator = self.constant(node.arg(1), frame)
        with np.errstate(all="ignore"):
            return self.form(node.arg(0), frame).scaled(np.float64(1.0) / denominator)

    def _negation(self, node: Any, frame: Frame) -> Form:
        return self.form(node.arg(0), frame).scaled(-1.0)

    def _power(self, node: Any, frame: Frame) -> Form:
        exponent = self.constant(node.arg(1), frame)
        base = self.form(node.arg(0), frame)
        if not _is_array(exponent) and exponent == 1.0:
            return base
        with np.errstate(all="ignore"):
            return Form(np.float64(1.0) * self._as_constant(base, frame) ** exponent)

    def _absolute(self, node: Any, frame: Frame) -> Form:
        return Form(np.abs(self.constant(node.arg(0), frame)))

    def _get_item(self, node: Any, frame: Frame) -> Form:
        container = node.arg(0)
        parts = [self._key(part, frame) for part in node.args[1:]]
        ctype = getattr(container, "ctype", None)
        if ctype is pyo.Var:
            return Form(0.0, [Term(self.variables.numbers(container, parts), 1.0, None)])
        if ctype is pyo.Param:
            return Form(self.parameters.values(container, parts))
        if not any(map(_is_array, parts)) and hasattr(container, "__getitem__"):
            return self.form(container[parts[0] if len(parts) == 1 else tuple(parts)], frame)
        raise UnsupportedError(f"an index into {type(container).__name__}")

    def _key(self, part: Any, frame: Frame) -> Any:
        """Return a part of an index key: an array over the rows, or one plain key."""
        if part.__class__ is te.IndexTemplate and id(part) in frame.index:
            return frame.index[id(part)]
        if part.__class__ in native_numeric_types or not hasattr(part, "is_expression_type"):
            return part
        value = self.constant(part, frame)
        whole = np.rint(value).astype(np.int64)
        if not (whole == value).all():
            raise UnsupportedError("an index that is not whole")
        return whole if _is_array(value) else int(whole)

    def _template_sum(self, node: Any, frame: Frame) -> Form:
        """Walk ``sum(... for s in S)`` once, over the product of the frame and the set."""
        body, *_ = node.template_args()
        inner = Frame(frame.size, dict(frame.index))
        origin = np.arange(frame.size)
        for group in node.template_iters():
            members = group[0]._set
            if members.is_expression_type():
                raise UnsupportedError("a sum over a set that depends on the index")
            keys = [key if isinstance(key, tuple) else (key,) for key in members]
            inner = _widened(inner, list(group), keys)
            origin = np.repeat(origin, len(keys))
        form = self.form(body, inner)
        result = Form(_summed(form.constant, origin, frame.size))
        for term in form.terms:
            rows = origin if term.rows is None else origin[term.rows]
            columns = np.broadcast_to(term.columns, len(rows))
            coefficients = np.broadcast_to(term.coefficients, len(rows))
            result.terms.append(Term(columns, coefficients, rows))
        return result

    def _as_constant(self, form: Form, frame: Frame) -> Amount:
        """Return the value of a form whose variables are all fixed."""
        if not form.terms:
            return form.constant
        fixing = self.variables.fixed_values()
        total = np.zeros(frame.size) + form.constant
        for term in form.terms:
            if fixing is None or not fixing[0][term.columns].all():
                raise UnsupportedError("a product of two variables")
            amounts = term.coefficients * fixing[1][term.columns]
            if term.rows is None:
                total += amounts
            else:
                total += np.bincount(term.rows, weights=amounts, minlength=frame.size)
        return total


def _may_vary(expression: Any) -> bool:
    return (
        expression.__class__ not in native_numeric_types
        and expression is not None
        and expression.is_potentially_variable()
    )


def _widened(frame: Frame, templates: list[Any], keys: list[tuple[Any, ...]]) -> Frame:
    """Return a frame in which each row is repeated for each member of a set."""
    count = len(keys)
    index = {
        name: np.repeat(value, count) if _is_array(value) else value
        for name, value in frame.index.items()
    }
    for place, template in enumerate(templates):
        index[id(template)] = np.tile(key_array([key[place] for key in keys]), frame.size)
    return Frame(frame.size * count, index)


def key_array(keys: list[Any]) -> npt.NDArray[Any]:
    """Return index keys as an integer array, or as an object array when they are not integers."""
    if all(kind is int for kind in set(map(type, keys))):
        return np.fromiter(keys, np.int64, len(keys))
    result = np.empty(len(keys), dtype=object)
    result[:] = keys
    return result


def _summed(amount: Amount, origin: npt.NDArray[np.int64], size: int) -> Amount:
    weights = np.broadcast_to(np.asarray(amount, dtype=float), len(origin))
    return np.bincount(origin, weights, size).astype(float)


_HANDLERS: dict[type, Callable[[Walker, Any, Frame], Form]] = {
    te.IndexTemplate: Walker._index,
    te.TemplateSumExpression: Walker._template_sum,
    ne.LinearExpression: Walker._linear,
}
for _kinds, _handler in (
    ((ne.SumExpression, ne.NPV_SumExpression), Walker._sum),
    (
        (ne.ProductExpression, ne.NPV_ProductExpression, ne.MonomialTermExpression),
        Walker._product,
    ),
    ((ne.DivisionExpression, ne.NPV_DivisionExpression), Walker._division),
    ((ne.NegationExpression, ne.NPV_NegationExpression), Walker._negation),
    ((ne.PowExpression, ne.NPV_PowExpression), Walker._power),
    ((ne.AbsExpression, ne.NPV_AbsExpression), Walker._absolute),
    (
        (te.Numeric_GetItemExpression, te.NPV_Numeric_GetItemExpression),
        Walker._get_item,
    ),
):
    _HANDLERS.update(dict.fromkeys(_kinds, _handler))
