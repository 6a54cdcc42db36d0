r"""Small linear programs and nearest points: NumPy arrays in, values and duals back.

For models of some ten columns that are solved many times (sharing rules, prices), where a
`microgrid_opt.solve.session.Session` with its own thread and its names would cost more than the
solve itself. Everything runs in the calling thread, without presolve, to tolerances of 1e-9.

The nearest point of a polyhedron is found by non-negative least squares and not by the quadratic
solver of HiGHS, which stops with an error on some polyhedra without an inside (3 of 3000 random
ones), and is exact to about 1e-7 only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import highspy
import numpy as np

from microgrid_opt.errors import InfeasibleError, InputError, NoPlanError
from microgrid_opt.solve.options import set_options

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

RESIDUAL = 1e-7
"""Largest accepted miss of a limit, relative to 1 + |limit|; HiGHS works to 1e-9 here."""

_PULL = 1e-12
"""Gradients and values below this are rounding in non-negative least squares."""

_OPTIONS = {
    "output_flag": False,
    "threads": 1,
    "parallel": "off",
    "presolve": "off",
    "primal_feasibility_tolerance": 1e-9,
    "dual_feasibility_tolerance": 1e-9,
}


@dataclass(frozen=True, eq=False)
class Optimum:
    r"""The optimum of a small linear program.

    Parameters
    ----------
    values
        $x$, shape (columns,).
    objective
        $c^\top x$.
    row_duals
        Change of the objective per unit of the row's right-hand side, shape (rows,).
    reduced_costs
        The same for the bound on which a column lies, shape (columns,).
    """

    values: Floats
    objective: float
    row_duals: Floats
    reduced_costs: Floats


def minimize(
    cost: Floats,
    rows: Floats,
    row_lower: Floats,
    row_upper: Floats,
    *,
    col_lower: Floats | float = -np.inf,
    col_upper: Floats | float = np.inf,
) -> Optimum:
    r"""Solve a small linear program, $\min c^\top x$ with $L \le A x \le U$, $l \le x \le u$.

    Parameters
    ----------
    cost
        $c$, shape (columns,).
    rows
        $A$, shape (rows, columns), dense.
    row_lower, row_upper
        $L$ and $U$, shape (rows,), infinite where there is none.
    col_lower, col_upper
        $l$ and $u$, shape (columns,) or one number; free by default.

    Raises
    ------
    InputError
        When shapes do not fit or a number is NaN.
    InfeasibleError
        When no point meets the limits.
    NoPlanError
        When HiGHS does not prove an optimum (unbounded, numerical trouble), or what it returns
        misses a limit.
    """
    cost = np.ascontiguousarray(cost, dtype=float)
    rows = np.atleast_2d(np.asarray(rows, dtype=float))
    limits = [_filled(row_lower, len(rows)), _filled(row_upper, len(rows))]
    bounds = [_filled(col_lower, len(cost)), _filled(col_upper, len(cost))]
    if rows.shape[1] != len(cost) or np.isnan(np.concatenate([cost, *limits, *bounds])).any():
        raise InputError(
            f"A small program has {len(cost)} costs, rows of shape {rows.shape} and must hold no "
            "NaN; give one cost and one bound per column."
        )
    highs: Any = highspy.Highs()
    set_options(highs, _OPTIONS)
    _pass(highs, cost, rows, limits, bounds)
    highs.run()
    _check_status(highs.getModelStatus())
    native = highs.getSolution()
    values = np.array(native.col_value, dtype=float)
    lower, upper = (np.concatenate(pair) for pair in zip(limits, bounds, strict=True))
    _check_residual(np.concatenate([rows @ values, values]), lower, upper)
    return Optimum(
        values=values,
        objective=float(highs.getInfo().objective_function_value),
        row_duals=np.array(native.row_dual, dtype=float),
        reduced_costs=np.array(native.col_dual, dtype=float),
    )


def _filled(numbers: Floats | float, count: int) -> Floats:
    return np.ascontiguousarray(np.broadcast_to(np.asarray(numbers, dtype=float), count))


def _pass(
    highs: Any, cost: Floats, rows: Floats, limits: list[Floats], bounds: list[Floats]
) -> None:
    row, column = np.nonzero(rows)
    start = np.searchsorted(row, np.arange(len(rows) + 1)).astype(np.int32)
    status = highs.passModel(
        len(cost),
        len(rows),
        len(row),
        int(highspy.MatrixFormat.kRowwise),
        int(highspy.ObjSense.kMinimize),
        0.0,
        cost,
        *bounds,
        *limits,
        start,
        column.astype(np.int32),
        np.ascontiguousarray(rows[row, column]),
        np.zeros(len(cost), np.int32),
    )
    if status == highspy.HighsStatus.kError:
        raise InputError("HiGHS does not take the small program: a coefficient is out of range.")


def _check_status(status: Any) -> None:
    if status == highspy.HighsModelStatus.kOptimal:
        return
    if status == highspy.HighsModelStatus.kInfeasible:
        raise InfeasibleError("No point meets the limits of the small program.")
    raise NoPlanError(f"HiGHS stopped on a small program without an optimum: {status.name[1:]}.")


def _check_residual(activity: Floats, lower: Floats, upper: Floats) -> None:
    for limit, miss in ((lower, lower - activity), (upper, activity - upper)):
        finite = np.isfinite(limit)
        worst = np.max(miss[finite] / (1 + np.abs(limit[finite])), initial=0.0)
        if worst > RESIDUAL:
            raise NoPlanError(f"A point that misses a limit by {worst:.2g} was returned.")


def nearest(
    point: Floats, rows: Floats, lower: Floats, equal: npt.NDArray[np.bool_] | None = None
) -> Floats:
    r"""Return the point of a polyhedron that is nearest to a given one.

    $$ \min \lVert x - p \rVert^2 \quad\text{s.t.}\quad A x \ge L,\
    a_i^\top x = L_i\ (i\ \text{equal}) $$

    Least distance programming on the space that the equalities leave (Lawson, Hanson, Solving least
    squares problems, 1974, chapter 23). Rows that the equalities settle are left out, so that
    redundant and barely contradicting ones (`RESIDUAL`) do no harm.

    Parameters
    ----------
    point
        $p$, shape (columns,).
    rows, lower
        $A$, shape (rows, columns), and $L$, shape (rows,).
    equal
        Which rows are equalities, shape (rows,); none if None.

    Raises
    ------
    InfeasibleError
        When no point meets the limits.
    NoPlanError
        When the method does not end, or its point misses a limit.
    """
    equal = np.zeros(len(rows), dtype=bool) if equal is None else equal
    base: Floats = point + np.linalg.lstsq(rows[equal], lower[equal] - rows[equal] @ point)[0]
    _, strength, directions = np.linalg.svd(rows[equal], full_matrices=True)
    free = directions[np.count_nonzero(strength > RESIDUAL) :].T
    slopes, gaps = rows[~equal] @ free, lower[~equal] - rows[~equal] @ base
    norms = np.linalg.norm(slopes, axis=1)
    moves = norms > RESIDUAL
    slopes, gaps = slopes[moves] / norms[moves, None], gaps[moves] / norms[moves]
    far = gaps.max(initial=0.0)
    if far <= 0:
        _check_residual(rows @ base, lower, np.where(equal, lower, np.inf))
        return base
    system = np.column_stack([slopes, gaps / far]).T
    target = np.append(np.zeros(free.shape[1]), 1.0)
    rest = target - system @ _non_negative(system, target)
    if np.linalg.norm(rest) < RESIDUAL:
        raise InfeasibleError("No point meets the limits of the polyhedron.")
    found: Floats = base - free @ (rest[:-1] / rest[-1] * far)
    _check_residual(rows @ found, lower, np.where(equal, lower, np.inf))
    return found


def _non_negative(system: Floats, target: Floats) -> Floats:
    """Return the non-negative least squares solution (Lawson, Hanson 1974, chapter 23)."""
    count = system.shape[1]
    values, inside = np.zeros(count), np.zeros(count, dtype=bool)
    for _ in range(10 * count + 10):
        pull = system.T @ (target - system @ values)
        pull[inside] = -np.inf
        while pull.max(initial=-np.inf) > _PULL:
            new = int(pull.argmax())
            inside[new] = True
            trial = _least_squares(system, target, inside)
            if trial[new] > 0:
                break
            inside[new], pull[new] = False, -np.inf  # rounding: it does not help
        else:
            return values
        while trial[inside].min() <= 0:
            low = inside & (trial <= 0)
            step = float((values[low] / (values[low] - trial[low])).min())
            values += step * (trial - values)
            inside &= values > _PULL
            values[~inside] = 0.0
            trial = _least_squares(system, target, inside)
        values = trial
    raise NoPlanError("Non-negative least squares did not end.")


def _least_squares(system: Floats, target: Floats, inside: npt.NDArray[np.bool_]) -> Floats:
    trial = np.zeros(system.shape[1])
    trial[inside] = np.linalg.lstsq(system[:, inside], target)[0]
    return trial
