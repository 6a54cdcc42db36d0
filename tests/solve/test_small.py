"""Small linear programs and nearest points: optimum, duals and what is refused, solved by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import nnls

from microgrid_opt.errors import InfeasibleError, InputError, NoPlanError
from microgrid_opt.solve.small import minimize, nearest

FREE = np.inf


def test_linear_optimum_and_duals() -> None:
    """Proves: max 3x + 2y, x + y <= 4, x <= 3 gives (3, 1), 11, duals -2 and -1 of the costs.

    Sensitivity: a dual with the other sign, or one of the two limits left out, changes the figures.
    """
    found = minimize(
        np.array([-3.0, -2.0]),
        np.array([[1.0, 1.0], [1.0, 0.0]]),
        np.full(2, -FREE),
        np.array([4.0, 3.0]),
        col_lower=0.0,
    )
    np.testing.assert_allclose(found.values, [3, 1], atol=1e-9)
    assert found.objective == pytest.approx(-11)
    np.testing.assert_allclose(found.row_duals, [-2, -1], atol=1e-9)
    np.testing.assert_allclose(found.reduced_costs, [0, 0], atol=1e-9)


def test_bound_of_a_column_has_a_reduced_cost() -> None:
    """Proves: min 5x with x >= 2 costs 10 and one more unit of the bound costs 5.

    Sensitivity: bounds passed as rows, or swapped, give another reduced cost.
    """
    found = minimize(np.array([5.0]), np.empty((0, 1)), np.empty(0), np.empty(0), col_lower=2.0)
    assert found.objective == pytest.approx(10)
    assert found.reduced_costs[0] == pytest.approx(5)


def test_nearest_point() -> None:
    """Proves: nearest to (3, 3) with x + y = 2, x >= 1.5: (1.5, 0.5); without the bound (1, 1).

    The equality is there three times, as redundant rows of a thin polyhedron are.
    Sensitivity: a projection on the equality alone stays at (1, 1).
    """
    rows = np.array([[1.0, 1.0], [2.0, 2.0], [-1.0, -1.0], [1.0, 0.0]])
    lower = np.array([2.0, 4.0, -2.0, 1.5])
    equal = np.array([True, True, False, False])
    point = np.array([3.0, 3.0])
    np.testing.assert_allclose(nearest(point, rows, lower, equal), [1.5, 0.5], atol=1e-12)
    np.testing.assert_allclose(nearest(point, rows[:3], lower[:3], equal[:3]), [1, 1], atol=1e-12)
    np.testing.assert_allclose(nearest(point, rows[3:], lower[3:]), point, atol=1e-12)
    with pytest.raises(InfeasibleError):
        nearest(point, np.array([[1.0, 0.0], [-1.0, 0.0]]), np.array([1.0, 0.0]))


@pytest.mark.parametrize("seed", range(20))
def test_nearest_point_meets_the_optimality_conditions(seed: int) -> None:
    """Proves: p - x is a non-positive mix of the rows that are tight at x (Karush, Kuhn, Tucker).

    Random polyhedra around a known point, half of them through it, so that many rows meet there.
    Sensitivity: a point that is feasible but not nearest has a part outside the cone.
    """
    random = np.random.default_rng(seed)
    rows = random.integers(-2, 3, (12, 4)).astype(float)
    lower = rows @ np.ones(4) - random.integers(0, 2, 12)
    point = random.normal(size=4) * 5
    found = nearest(point, rows, lower)
    slack = rows @ found - lower
    assert slack.min() > -1e-9
    _, rest = nnls(rows[slack < 1e-7].T, found - point)
    assert rest < 1e-8


def test_infeasible_unbounded_and_nan_are_told_apart() -> None:
    """Proves: no point, no bound and no number are three different errors, not an answer.

    Sensitivity: a status that is not read would give values of zero.
    """
    row = np.array([[1.0]])
    with pytest.raises(InfeasibleError, match="No point meets"):
        minimize(np.ones(1), row, np.array([2.0]), np.array([FREE]), col_upper=1.0)
    with pytest.raises(NoPlanError, match="Unbounded"):
        minimize(np.ones(1), row, np.array([-FREE]), np.array([1.0]))
    with pytest.raises(InputError, match="NaN"):
        minimize(np.array([np.nan]), row, np.array([0.0]), np.array([1.0]))
    with pytest.raises(InputError, match="one cost and one bound per column"):
        minimize(np.ones(2), row, np.array([0.0]), np.array([1.0]))
