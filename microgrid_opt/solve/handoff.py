"""From a Pyomo model to arrays, without a file and with one walk for each constraint family.

Constraint families that Pyomo kept as a template (``TEMPLATIZE_CONSTRAINTS``) are expanded with
NumPy; single constraints are walked as they are; what neither way covers goes row by row through
Pyomo's own ``generate_standard_repn``. `microgrid_opt.solve.reference` reads the same model by
evaluating every rule at every index, for tests.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyomo.core as pyo
from pyomo.core.expr import template_expr as te
from pyomo.repn import generate_standard_repn

from microgrid_opt.errors import Finding, InputError
from microgrid_opt.solve.containers import (
    ParameterTable,
    UnsupportedError,
    VariableTable,
    full_name,
)
from microgrid_opt.solve.matrix import Block, Matrix, check_numbers
from microgrid_opt.solve.rows import Rows, laid_down, no_rows, reordered, stacked, without_fixed
from microgrid_opt.solve.template import Form, Frame, Relation, Term, Walker, key_array

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Numbers = npt.NDArray[np.int64]

PASSIVE = frozenset(
    {
        pyo.Block,
        pyo.Var,
        pyo.Constraint,
        pyo.Objective,
        pyo.Param,
        pyo.Set,
        pyo.RangeSet,
        pyo.Expression,
        pyo.Suffix,
        pyo.BuildAction,
        pyo.BuildCheck,
    }
)
"""Component types that this hand-off reads, or that say nothing to a solver."""


@dataclass
class _Reader:
    """What is shared while one model is read."""

    variables: VariableTable
    walker: Walker


def extract(model: Any) -> Matrix:
    """Read a Pyomo model into arrays.

    Parameters
    ----------
    model
        Any linear ``ConcreteModel`` (mixed-integer or not). It is not changed.

    Returns
    -------
    Matrix
        Columns for all variables of active blocks (fixed ones keep their column, with both bounds
        at the value and their terms moved to the limits), rows for all active constraints.

    Raises
    ------
    InputError
        For nonlinear expressions, component types without a linear meaning, no or several active
        objectives, domains with gaps, fixed variables without value, and non-finite numbers.
    """
    _refuse_other_components(model)
    variables = VariableTable()
    reader = _Reader(variables, Walker(variables, ParameterTable()))
    for variable in model.component_objects(pyo.Var, active=True, descend_into=pyo.Block):
        if not variable.is_reference():
            variables.add(variable)
    blocks: list[Block] = []
    parts: list[Rows] = []
    count = 0
    with np.errstate(all="ignore"):  # non-finite results are refused by name at the end
        for family in model.component_objects(pyo.Constraint, active=True, descend_into=pyo.Block):
            keys, rows = _family(reader, family)
            size = len(rows.lower)
            names = keys if family.is_indexed() else None
            blocks.append(Block(full_name(family), count, size, names))
            parts.append(rows)
            count += size
        goal = _objective(model)
        cost = _family_rows([goal], reader)
    matrix = _joined(variables, blocks, parts, cost, maximize=goal.sense == pyo.maximize)
    check_numbers(matrix)
    return matrix


def _refuse_other_components(model: Any) -> None:
    strange = model.collect_ctypes(active=True, descend_into=pyo.Block) - PASSIVE
    findings = [
        Finding(
            f"Components of type {kind.__name__} have no linear meaning for HiGHS; reformulate "
            "with Var and Constraint, or deactivate them.",
            key=full_name(component),
        )
        for kind in strange
        for component in model.component_objects(kind, active=True, descend_into=pyo.Block)
    ]
    if findings:
        raise InputError(findings)


def _objective(model: Any) -> Any:
    goals = list(model.component_data_objects(pyo.Objective, active=True, descend_into=pyo.Block))
    if len(goals) != 1:
        names = ", ".join(full_name(goal) for goal in goals) or "none"
        raise InputError(
            f"The model has {len(goals)} active objectives ({names}); it must have exactly one. "
            "Deactivate the others, or add one (a constant will do for a feasibility check)."
        )
    return goals[0]


# ---------------------------------------------------------------------- constraint families


def _family(reader: _Reader, family: Any) -> tuple[list[Any], Rows]:
    """Return the keys and rows of the active entries of one constraint container."""
    data = family._data
    active = [key for key, entry in data.items() if entry._active]
    entries = list(data.values()) if len(active) == len(data) else [data[key] for key in active]
    return active, _family_rows(entries, reader, active)


def _family_rows(entries: list[Any], reader: _Reader, keys: list[Any] | None = None) -> Rows:
    """Return the rows of constraints or objectives, templates in bulk and the others singly."""
    if not entries:
        return no_rows()
    kinds = {kind: hasattr(kind, "template_expr") for kind in set(map(type, entries))}
    if len(set(kinds.values())) == 1:
        templated = any(kinds.values())
        rows = _expanded(entries, keys, reader) if templated else None
        return _singly(entries, reader, templated) if rows is None else rows
    flags = np.array([kinds[type(entry)] for entry in entries], bool)
    order: list[int] = []
    parts: list[Rows] = []
    for templated in (True, False):
        places = np.flatnonzero(flags == templated).tolist()
        chosen = [entries[i] for i in places]
        names = None if keys is None else [keys[i] for i in places]
        rows = _expanded(chosen, names, reader) if templated else None
        parts.append(_singly(chosen, reader, templated) if rows is None else rows)
        order += places
    return reordered(stacked(parts), np.argsort(order))


def _expanded(entries: list[Any], keys: list[Any] | None, reader: _Reader) -> Rows | None:
    """Expand a template over all its rows, or return None when it is not of a known shape."""
    expression, indices = template = entries[0].template_expr()
    if len(entries) > 1 and set(map(id, [e._expr for e in entries])) != {id(template)}:
        return None
    try:
        frame = _frame(indices, keys, len(entries))
        return laid_down(_relation(expression, entries[0], frame, reader), frame.size)
    except (UnsupportedError, RecursionError):
        return None


def _frame(indices: tuple[Any, ...], keys: list[Any] | None, size: int) -> Frame:
    if not indices:
        return Frame(size)
    if keys is None or any(index._index is None for index in indices):
        raise UnsupportedError("an index of no fixed length")
    if len(indices) == 1:
        return Frame(size, {id(indices[0]): key_array(keys)})
    columns = zip(*keys, strict=True)
    pairs = zip(indices, columns, strict=True)
    return Frame(size, {id(index): key_array(list(column)) for index, column in pairs})


def _relation(expression: Any, entry: Any, frame: Frame, reader: _Reader) -> Relation:
    if entry.ctype is pyo.Constraint:
        return reader.walker.relation(expression, frame)
    form = reader.walker.form(expression, frame)
    return Relation(form, -form.constant, -form.constant)


def _singly(entries: list[Any], reader: _Reader, templated: bool) -> Rows:
    """Return constraints (or objectives) one by one; an objective's limits hold its constant."""
    counts: list[int] = []
    columns: list[int] = []
    coefficients: list[float] = []
    lower: list[float] = []
    upper: list[float] = []
    for entry in entries:
        expression = rule_expression(entry) if templated else entry.expr
        relation = _single(expression, entry, reader)
        terms = relation.body.terms
        if all(term.rows is None for term in terms):
            row: dict[int, float] = {}
            for term in terms:
                row[term.columns] = row.get(term.columns, 0.0) + float(term.coefficients)
            row = {column: number for column, number in row.items() if number != 0.0}
            counts.append(len(row))
            columns.extend(row)
            coefficients.extend(row.values())
        else:
            rows = laid_down(relation, 1)
            counts.append(int(rows.counts[0]))
            columns.extend(rows.columns.tolist())
            coefficients.extend(rows.coefficients.tolist())
        lower.append(float(np.asarray(relation.lower).reshape(-1)[0]))
        upper.append(float(np.asarray(relation.upper).reshape(-1)[0]))
    return Rows(
        np.array(counts, np.int64),
        np.array(columns, np.int64),
        np.array(coefficients, float),
        np.array(lower, float),
        np.array(upper, float),
    )


def _single(expression: Any, entry: Any, reader: _Reader) -> Relation:
    if expression is None:
        return Relation(Form(), -np.inf, np.inf)
    try:
        return _relation(expression, entry, Frame(1), reader)
    except (UnsupportedError, RecursionError):
        return _compiled(expression, entry, reader.variables)


def rule_expression(entry: Any) -> Any:
    """Evaluate the rule of a template entry at its index, leaving the entry a template."""
    owner = entry.parent_component()
    expression = owner.rule(entry.parent_block(), entry.index())
    if expression.__class__ is tuple:
        expression = te.tuple_to_relational_expr(expression)
    return expression


def _compiled(expression: Any, entry: Any, variables: VariableTable) -> Relation:
    """Return one row by Pyomo's own compiler."""
    lower = upper = 0.0
    body = expression
    if entry.ctype is pyo.Constraint:
        detached = pyo.Constraint(expr=expression)
        detached.construct()
        low, body, high = detached.to_bounded_expression(evaluate_bounds=True)
        lower = -np.inf if low is None else low
        upper = np.inf if high is None else high
    representation = generate_standard_repn(body, compute_values=True, quadratic=False)
    if representation.nonlinear_expr is not None:
        raise InputError(
            Finding(
                "The expression is not linear; HiGHS solves linear models, so products of "
                "variables need a linear reformulation.",
                key=full_name(entry),
            )
        )
    form = Form(float(representation.constant))
    for coefficient, variable in zip(
        representation.linear_coefs, representation.linear_vars, strict=True
    ):
        form.terms.append(Term(variables.number(variable), float(coefficient), None))
    return Relation(form, lower - form.constant, upper - form.constant)


def _joined(
    variables: VariableTable, blocks: list[Block], parts: list[Rows], cost: Rows, *, maximize: bool
) -> Matrix:
    """Join all families to one matrix and move the terms of fixed variables to the limits."""
    rows = stacked(parts) if parts else no_rows()
    containers = variables.containers
    fixing = variables.fixed_values()
    if fixing is not None:
        rows, cost = without_fixed(rows, *fixing), without_fixed(cost, *fixing)
    start = np.zeros(len(rows.lower) + 1, np.int32)
    np.cumsum(rows.counts, out=start[1:])
    sign = -1.0 if maximize else 1.0
    weights = np.bincount(cost.columns, weights=cost.coefficients, minlength=variables.count)
    return Matrix(
        cost=sign * weights.astype(float),
        offset=-sign * float(cost.lower[0]),
        maximize=maximize,
        start=start,
        index=rows.columns.astype(np.int32),
        value=rows.coefficients,
        row_lower=rows.lower,
        row_upper=rows.upper,
        col_lower=_concatenated([c.lower for c in containers]),
        col_upper=_concatenated([c.upper for c in containers]),
        integrality=_concatenated([c.integer for c in containers]).astype(np.uint8),
        columns=tuple(c.block for c in containers),
        rows=tuple(blocks),
    )


def _concatenated(parts: list[Any]) -> Any:
    return np.concatenate(parts) if parts else np.empty(0)
