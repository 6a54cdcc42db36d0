"""A second, slow reading of a Pyomo model, to hold the fast one to account in tests.

It knows nothing of templates: every constraint's rule is called at its index and goes through
Pyomo's ``generate_standard_repn``; every bound and domain through the public properties.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyomo.core as pyo
from pyomo.repn import generate_standard_repn

from microgrid_opt.solve.containers import full_name
from microgrid_opt.solve.handoff import rule_expression
from microgrid_opt.solve.matrix import Block, Matrix

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Numbers = npt.NDArray[np.int64]


def extract_reference(model: Any) -> Matrix:
    """Read a Pyomo model entry by entry; see `microgrid_opt.solve.handoff.extract`."""
    variables: list[Any] = []
    columns: list[Block] = []
    for container in model.component_objects(pyo.Var, active=True, descend_into=pyo.Block):
        if container.is_reference():
            continue
        keys = list(container.keys())
        names = keys if container.is_indexed() else None
        columns.append(Block(full_name(container), len(variables), len(keys), names))
        variables.extend(container[key] for key in keys)
    number = {id(variable): column for column, variable in enumerate(variables)}
    rows: list[Block] = []
    entries: list[tuple[dict[int, float], float, float]] = []
    for container in model.component_objects(pyo.Constraint, active=True, descend_into=pyo.Block):
        active = [(k, d) for k, d in container._data.items() if d.active]
        names = [key for key, _ in active] if container.is_indexed() else None
        rows.append(Block(full_name(container), len(entries), len(active), names))
        entries.extend(_row(data, number) for _, data in active)
    (goal,) = model.component_data_objects(pyo.Objective, active=True, descend_into=pyo.Block)
    form, constant = _linear(_expression(goal), number)
    sign = -1.0 if goal.sense == pyo.maximize else 1.0
    cost = np.zeros(len(variables))
    cost[list(form)] = [sign * coefficient for coefficient in form.values()]
    start = np.cumsum([0] + [len(row) for row, _, _ in entries]).astype(np.int32)
    return Matrix(
        cost=cost,
        offset=sign * constant,
        maximize=sign < 0,
        start=start,
        index=np.array([column for row, _, _ in entries for column in row], np.int32),
        value=np.array([c for row, _, _ in entries for c in row.values()], float),
        row_lower=np.array([lower for _, lower, _ in entries], float),
        row_upper=np.array([upper for _, _, upper in entries], float),
        col_lower=_bounds(variables, "lb", -np.inf),
        col_upper=_bounds(variables, "ub", np.inf),
        integrality=np.array([v.is_integer() for v in variables], np.uint8),
        columns=tuple(columns),
        rows=tuple(rows),
    )


def _expression(entry: Any) -> Any:
    return rule_expression(entry) if hasattr(entry, "template_expr") else entry.expr


def _row(entry: Any, number: dict[int, int]) -> tuple[dict[int, float], float, float]:
    detached = pyo.Constraint(expr=_expression(entry))
    detached.construct()
    lower, body, upper = detached.to_bounded_expression(evaluate_bounds=True)
    form, constant = _linear(body, number)
    low = -np.inf if lower is None else lower
    high = np.inf if upper is None else upper
    return form, low - constant, high - constant


def _linear(expression: Any, number: dict[int, int]) -> tuple[dict[int, float], float]:
    representation = generate_standard_repn(expression, compute_values=True, quadratic=False)
    if representation.nonlinear_expr is not None:
        raise ValueError(f"not linear: {expression}")
    form: dict[int, float] = {}
    pairs = zip(representation.linear_coefs, representation.linear_vars, strict=True)
    for coefficient, variable in pairs:
        column = number[id(variable)]
        form[column] = form.get(column, 0.0) + float(coefficient)
    return form, float(representation.constant)


def _bounds(variables: list[Any], side: str, none: float) -> npt.NDArray[np.float64]:
    def one(variable: Any) -> float:
        if variable.fixed:
            return float(variable.value)
        bound = getattr(variable, side)
        return none if bound is None else float(bound)

    return np.array([one(variable) for variable in variables], float)


def assert_same(a: Matrix, b: Matrix, *, tolerance: float = 1e-9) -> None:
    """Assert that two matrices state the same model, whatever the order of rows and columns.

    Raises
    ------
    AssertionError
        With the first ten differences, each by name and with both values.
    """
    differences = list(_differences(a, b, tolerance))
    if differences:
        shown = "\n".join(differences[:10])
        raise AssertionError(f"{len(differences)} differences between the matrices:\n{shown}")


def _differences(a: Matrix, b: Matrix, tolerance: float) -> Iterator[str]:
    a_columns, b_columns = a.column_names(), b.column_names()
    a_rows, b_rows = a.row_names(), b.row_names()
    for what, first, second in (("column", a_columns, b_columns), ("row", a_rows, b_rows)):
        if len(set(first)) != len(first) or len(set(second)) != len(second):
            yield f"doubled {what} names"
        yield from (f"{what} {n}: only in the first" for n in sorted(set(first) - set(second)))
        yield from (f"{what} {n}: only in the second" for n in sorted(set(second) - set(first)))
    if set(a_columns) != set(b_columns) or set(a_rows) != set(b_rows):
        return
    if a.maximize != b.maximize:
        yield f"maximize: {a.maximize} and {b.maximize}"
    if not _close(np.array([a.offset]), np.array([b.offset]), tolerance).all():
        yield f"offset: {a.offset!r} and {b.offset!r}"
    place = {name: i for i, name in enumerate(b_columns)}
    columns = np.array([place[name] for name in a_columns], np.int64)
    place = {name: i for i, name in enumerate(b_rows)}
    rows = np.array([place[name] for name in a_rows], np.int64)
    spots, ours, theirs = _entries(a, b, columns, rows)
    turned = _turned(a, b, rows, (spots, ours, theirs))
    theirs = np.where(turned[spots // b.column_count], -theirs, theirs)
    for i in np.flatnonzero(~_close(ours, theirs, tolerance)).tolist():
        row, column = divmod(int(spots[i]), b.column_count)
        name = f"{b.row_name(row)}, {b.column_name(column)}"
        yield f"entry {name}: {ours[i]!r} and {theirs[i]!r}"
    sign = np.where(turned, -1.0, 1.0)
    for field, names, left, right in (
        ("cost", a_columns, a.cost, b.cost[columns]),
        ("col_lower", a_columns, a.col_lower, b.col_lower[columns]),
        ("col_upper", a_columns, a.col_upper, b.col_upper[columns]),
        (
            "integrality",
            a_columns,
            a.integrality.astype(float),
            b.integrality[columns].astype(float),
        ),
        ("row_lower", a_rows, a.row_lower, (sign * b.row_lower)[rows]),
        ("row_upper", a_rows, a.row_upper, (sign * b.row_upper)[rows]),
    ):
        for i in np.flatnonzero(~_close(left, right, tolerance)).tolist():
            yield f"{field} of {names[i]}: {left[i]!r} and {right[i]!r}"


def _entries(
    a: Matrix, b: Matrix, columns: Numbers, rows: Numbers
) -> tuple[Numbers, Floats, Floats]:
    """Return the entries of both, side by side, at ``row * columns + column`` of the second."""
    width = b.column_count
    here = rows[a.entry_row] * width + columns[a.index]
    there = b.entry_row.astype(np.int64) * width + b.index
    spots, place = np.unique(np.concatenate([here, there]), return_inverse=True)
    ours = np.bincount(place[: len(here)], a.value, len(spots)).astype(float)
    theirs = np.bincount(place[len(here) :], b.value, len(spots)).astype(float)
    return spots, ours, theirs


def _turned(
    a: Matrix, b: Matrix, rows: Numbers, entries: tuple[Numbers, Floats, Floats]
) -> npt.NDArray[np.bool_]:
    """Return the rows of ``b`` that state the same equation with all signs turned.

    Python evaluates ``left == right`` from the right when its type is a subclass of the left one's,
    so that a template and a plain expression may differ in the side that Pyomo puts first.
    """
    spots, ours, theirs = entries
    alike = np.bincount(spots // b.column_count, ours * theirs, b.row_count).astype(float)
    equal = (b.row_lower == b.row_upper)[rows] & (a.row_lower == a.row_upper)
    limits = np.where(equal, a.row_lower, 0.0) * np.where(equal, b.row_lower[rows], 0.0)
    alike[rows] += limits
    turned = np.zeros(b.row_count, bool)
    turned[rows] = equal & (alike[rows] < 0.0)
    return turned


def _close(
    a: npt.NDArray[np.float64], b: npt.NDArray[np.float64], tolerance: float
) -> npt.NDArray[np.bool_]:
    with np.errstate(invalid="ignore"):
        near = np.abs(a - b) <= tolerance * np.maximum(1.0, np.abs(a) + np.abs(b))
        return np.asarray((a == b) | near, dtype=bool)
