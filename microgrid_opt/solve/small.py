r"""Small linear and convex quadratic programs: NumPy arrays in, values and duals back.

For models of some ten columns that are solved many times (sharing rules, prices), where a
`microgrid_opt.solve.session.Session` with its own thread and its names would cost more than the
solve itself. Everything runs in the calling thread, without presolve, to tolerances of 1e-9.
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
    r"""The optimum of a small program.

    Parameters
    ----------
    values
        $x$, shape (columns,).
    objective
        $c^\top x + \tfrac12 x^\top H x$.
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
    hessian: Floats | None = None,
) -> Optimum:
    r"""Solve a small linear or convex quadratic program.

    $$ \min\; c^\top x + \tfrac12 x^\top H x \quad\text{s.t.}\quad L \le A x \le U,\;
    l \le x \le u $$

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
    hessian
        $H$, shape (columns, columns), symmetric and positive semidefinite; None for a linear one.

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
    if hessian is not None:
        _pass_hessian(highs, np.asarray(hessian, dtype=float))
    highs.run()
    _check_status(highs.getModelStatus())
    native = highs.getSolution()
    values = np.array(native.col_value, dtype=float)
    _check_residual(np.concatenate([rows @ values, values]), limits, bounds)
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


def _pass_hessian(highs: Any, hessian: Floats) -> None:
    lower = np.tril(hessian)
    column, row = np.nonzero(lower.T)
    start = np.searchsorted(column, np.arange(len(hessian) + 1)).astype(np.int32)
    status = highs.passHessian(
        len(hessian),
        len(row),
        int(highspy.HessianFormat.kTriangular),
        start,
        row.astype(np.int32),
        np.ascontiguousarray(lower[row, column]),
    )
    if status == highspy.HighsStatus.kError:
        raise InputError("HiGHS does not take the quadratic costs: they must be convex.")


def _check_status(status: Any) -> None:
    if status == highspy.HighsModelStatus.kOptimal:
        return
    if status == highspy.HighsModelStatus.kInfeasible:
        raise InfeasibleError("No point meets the limits of the small program.")
    raise NoPlanError(f"HiGHS stopped on a small program without an optimum: {status.name[1:]}.")


def _check_residual(activity: Floats, limits: list[Floats], bounds: list[Floats]) -> None:
    lower, upper = (np.concatenate(pair) for pair in zip(limits, bounds, strict=True))
    for limit, miss in ((lower, lower - activity), (upper, activity - upper)):
        finite = np.isfinite(limit)
        worst = np.max(miss[finite] / (1 + np.abs(limit[finite])), initial=0.0)
        if worst > RESIDUAL:
            raise NoPlanError(f"HiGHS returned a point that misses a limit by {worst:.2g}.")
