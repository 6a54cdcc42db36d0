r"""Arithmetic checks of a solver's answer, from the matrix alone.

For $\min c^T x$ with $L \le Ax \le U$, $l \le x \le u$ and any row duals $y$, the reduced costs are
$r = c - A^T y$ and weak duality gives the bound
$$ c_0 + \sum_i \max(y_i, 0) L_i + \min(y_i, 0) U_i + \sum_j \max(r_j, 0) l_j + \min(r_j, 0) u_j $$
(the Lagrangian dual function; Bertsimas and Tsitsiklis, Introduction to Linear Optimization, 1997,
section 4.10). A feasible point whose objective equals the bound is optimal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from microgrid_opt.solve.matrix import Matrix
    from microgrid_opt.solve.status import Solution

    Floats = npt.NDArray[np.float64]

TOLERANCE = 1e-6
"""Largest relative miss of a limit in an accepted plan; HiGHS works to 1e-7 on a scaled model."""

DUAL_TOLERANCE = 1e-7
"""Reduced costs below this count as zero, relative to 1 + |cost|; HiGHS's own default."""


@dataclass(frozen=True)
class Certificate:
    """How far a point and its duals are from the conditions of Karush, Kuhn and Tucker.

    Parameters
    ----------
    primal
        Largest miss of a limit or bound, relative to ``1 + |limit|``.
    dual
        Largest dual or reduced cost of the wrong sign (pushing to a side without limit), relative
        to ``1 + |largest cost of its kind|``.
    complementarity
        Sum of |dual| times slack, relative to ``1 + |objective|``.
    gap
        ``|objective - dual bound|`` relative to ``1 + |objective|``.
    """

    primal: float
    dual: float
    complementarity: float
    gap: float

    def holds(self, tolerance: float = TOLERANCE) -> bool:
        """Return whether all four are within ``tolerance``."""
        return max(self.primal, self.dual, self.complementarity, self.gap) <= tolerance


def primal_residual(matrix: Matrix, values: Floats) -> tuple[float, str]:
    """Return the largest relative miss of a limit or bound, and the name of that row or column."""
    rows = _miss(matrix.times(values), matrix.row_lower, matrix.row_upper)
    columns = _miss(values, matrix.col_lower, matrix.col_upper)
    worst_row = int(rows.argmax()) if len(rows) else -1
    worst_column = int(columns.argmax()) if len(columns) else -1
    row_miss = float(rows[worst_row]) if len(rows) else 0.0
    column_miss = float(columns[worst_column]) if len(columns) else 0.0
    if row_miss >= column_miss:
        return row_miss, matrix.row_name(worst_row) if len(rows) else ""
    return column_miss, matrix.column_name(worst_column)


def integrality_residual(matrix: Matrix, values: Floats) -> float:
    """Return the largest distance of an integer column to the next integer."""
    whole = values[matrix.integrality == 1]
    return float(np.abs(whole - np.rint(whole)).max()) if len(whole) else 0.0


def dual_bound(matrix: Matrix, row_duals: Floats) -> float:
    """Return what any row duals prove: no plan of the (relaxed) model has an objective beyond it.

    Parameters
    ----------
    row_duals
        In the model's own sense, shape (rows,).

    Returns
    -------
    float
        In the model's own sense; infinite when the duals prove nothing.
    """
    y = matrix.sign * row_duals
    reduced = matrix.cost - matrix.transposed_times(y)
    small_y = DUAL_TOLERANCE * (1.0 + np.abs(y))
    small_r = DUAL_TOLERANCE * (1.0 + np.abs(matrix.cost))
    bound = matrix.offset
    bound += _support(y, matrix.row_lower, matrix.row_upper, small_y)
    bound += _support(reduced, matrix.col_lower, matrix.col_upper, small_r)
    return matrix.sign * bound


def certify(matrix: Matrix, solution: Solution) -> Certificate:
    """Check a linear model's solution with its duals, without trusting the solver.

    Raises
    ------
    ValueError
        When the solution has no duals.
    """
    if solution.row_duals is None:
        raise ValueError("the solution has no duals to check")
    x, y = solution.values, matrix.sign * solution.row_duals
    reduced = matrix.cost - matrix.transposed_times(y)
    activities = matrix.times(x)
    objective = matrix.objective(x)
    dual = max(
        _wrong_sign(y, matrix.row_lower, matrix.row_upper) / _scale(y),
        _wrong_sign(reduced, matrix.col_lower, matrix.col_upper) / _scale(matrix.cost),
    )
    slackness = _slackness(y, activities, matrix.row_lower, matrix.row_upper)
    slackness += _slackness(reduced, x, matrix.col_lower, matrix.col_upper)
    scale = 1.0 + abs(objective)
    bound = dual_bound(matrix, solution.row_duals)
    return Certificate(
        primal=primal_residual(matrix, x)[0],
        dual=dual,
        complementarity=slackness / scale,
        gap=abs(objective - bound) / scale,
    )


def _miss(values: Floats, lower: Floats, upper: Floats) -> Floats:
    miss = np.zeros(len(values))
    for limit, sign in ((lower, 1.0), (upper, -1.0)):
        held = np.isfinite(limit)
        short = sign * (limit[held] - values[held]) / (1.0 + np.abs(limit[held]))
        miss[held] = np.maximum(miss[held], short)
    return miss


def _support(duals: Floats, lower: Floats, upper: Floats, small: Floats) -> float:
    limits = np.where(duals > 0.0, lower, upper)
    held = np.isfinite(limits)
    if (~held & (np.abs(duals) > small)).any():
        return -np.inf
    return float(duals[held] @ limits[held])


def _wrong_sign(duals: Floats, lower: Floats, upper: Floats) -> float:
    up = np.where(np.isinf(lower), duals, 0.0)
    down = np.where(np.isinf(upper), -duals, 0.0)
    return float(max(up.max(initial=0.0), down.max(initial=0.0)))


def _slackness(duals: Floats, values: Floats, lower: Floats, upper: Floats) -> float:
    limits = np.where(duals > 0.0, lower, upper)
    held = np.isfinite(limits)
    return float(np.abs(duals[held] * (values[held] - limits[held])).sum())


def _scale(numbers: Floats) -> float:
    return 1.0 + float(np.abs(numbers).max(initial=0.0))
