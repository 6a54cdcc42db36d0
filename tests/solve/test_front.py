"""Plans of many limits of one row as one front: what it holds at every limit is a plan of that limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from microgrid_opt.solve import highs
from microgrid_opt.solve.certify import primal_residual
from microgrid_opt.solve.front import Front
from microgrid_opt.solve.profiles import load_profile
from tests.solve.test_stacked import matrix_of

if TYPE_CHECKING:
    from microgrid_opt.solve.matrix import Matrix

inf = np.inf
ROW = 4
"""Of the limit."""


def by_hand(cap: float) -> Matrix:
    """Return min 7 + 7 v + 2 b₀ + 4 b₁ with u₀ + b₀ = 4, u₁ + b₁ = 6, u ≤ v, b₀ + b₁ ≤ cap.

    A unit of size saves b₀ and b₁, worth 2 + 4, until v = 4, then 4 until v = 6, and costs 7: the cost
    falls by 7 − 4 = 3 for each unit of the cap until 2, then by 7 − 6 = 1 for two, or 0.5 for one.
    """
    rows = [
        ([1, 2], [1.0, 1.0], 4.0, 4.0),
        ([0, 1], [-1.0, 1.0], -inf, 0.0),
        ([3, 4], [1.0, 1.0], 6.0, 6.0),
        ([0, 3], [-1.0, 1.0], -inf, 0.0),
        ([2, 4], [1.0, 1.0], -inf, cap),
    ]
    return matrix_of(rows, np.array([7.0, 0.0, 2.0, 0.0, 4.0]), np.full(5, 100.0), offset=7.0)


def plan(size: float, first: float, second: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the values of a plan that draws ``first`` of 4 and ``second`` of 6."""
    return np.array([size, 4.0 - first, first, 6.0 - second, second])


def held(front: Front, limit: float) -> float:
    """Return the cost at a limit, whose plan keeps all rows with it and costs that much."""
    found = front.plan(limit)
    assert found is not None
    cost, values = found
    matrix = by_hand(limit)
    assert primal_residual(matrix, values)[0] < 1e-12
    assert matrix.objective(values) == pytest.approx(cost)
    return cost


def test_plans_in_proportion_are_plans_between() -> None:
    """Proves: the front of the plans (used, cost) = (0, 49), (2, 43), (10, 39) is (1, 46), (6, 41) between
    them, flat beyond the last and empty before the first; its slopes are 3 and 1/2.

    Sensitivity: proportions the wrong way round; the nearest plan, which breaks the limit.
    """
    front = Front(by_hand(5.0), ROW)
    assert front.plan(5.0) is None
    assert front.price(5.0) == 0.0
    front.add(plan(0.0, 4.0, 6.0))
    assert front.plan(9.0) is None
    front.add(plan(6.0, 0.0, 0.0))
    assert held(front, 2.0) == pytest.approx(47.0)
    front.add(plan(4.0, 0.0, 2.0))
    costs = [held(front, limit) for limit in (0.0, 1.0, 2.0, 6.0, 10.0, 50.0)]
    assert costs == pytest.approx([49.0, 46.0, 43.0, 41.0, 39.0, 39.0])
    assert [front.price(one) for one in (1.0, 6.0, 50.0)] == pytest.approx([3.0, 0.5, 0.0])
    for limit, cost in zip((0.0, 1.0, 2.0, 6.0, 10.0), costs, strict=False):
        assert highs.solve(by_hand(limit), load_profile("test")).objective == pytest.approx(cost)


def test_a_plan_above_the_others_or_of_other_rows_is_no_part_of_it() -> None:
    """Proves: dearer plans, plans that a new one takes out of the hull, and values that break another row
    or a bound leave the front as the optimal plans make it.

    Sensitivity: a hull that keeps what is above it; a limit of the row that is checked, or other rows
    that are not.
    """
    front = Front(by_hand(0.0), ROW)
    # 7 + 42 + 8 at 4 used, and 7 + 35 + 4 at 1 used, which is on the front; then the others.
    for one in (plan(6.0, 4.0, 0.0), plan(5.0, 0.0, 1.0), plan(0.0, 4.0, 6.0), plan(6.0, 0.0, 0.0)):
        front.add(one)
    front.add(plan(4.0, 0.0, 2.0))
    front.add(np.zeros(5))
    front.add(plan(-1.0, 5.0, 6.0))
    costs = [held(front, limit) for limit in (0.0, 1.0, 2.0, 4.0, 10.0)]
    assert costs == pytest.approx([49.0, 46.0, 43.0, 42.0, 39.0])
    front.add(plan(6.0, 0.0, 0.0))
    assert held(front, 0.0) == pytest.approx(49.0)
