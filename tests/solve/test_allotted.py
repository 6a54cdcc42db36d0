"""Shares of limits that pieces choose at a price."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from microgrid_opt.errors import NoPlanError
from microgrid_opt.model import build
from microgrid_opt.solve import allotted as allotment
from microgrid_opt.solve import handoff, highs
from microgrid_opt.solve.allotted import allotted
from microgrid_opt.solve.pieces import SPREAD, Pieces, cut
from microgrid_opt.solve.profiles import load_profile
from tests.solve.test_stacked import DEAR, LOADS, bundle_of, days_of, matrix_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from microgrid_opt.solve.bundle import Bundle

inf = np.inf
PIECES = Pieces(
    column=np.array([0, 0, 1, 1]),
    row=np.array([0, 1, SPREAD]),
    home=np.array([0, 0, 1, 1]),
    count=2,
)


def by_hand(low: float = -inf, high: float = inf) -> Bundle:
    """Return min c₀ + 3 c₁ with e₀ + c₀ = 4, e₁ + c₁ = 6 and e₀ + e₁ within limits, a piece each.

    From a price of 1 on e₀ is zero, and from 3 on e₁.
    """
    rows = [
        ([0, 1], [1.0, 1.0], 4.0, 4.0),
        ([2, 3], [1.0, 1.0], 6.0, 6.0),
        ([0, 2], [1.0, 1.0], low, high),
    ]
    return bundle_of(matrix_of(rows, np.array([0.0, 1.0, 0.0, 3.0]), np.full(4, 10.0)), PIECES)


@pytest.mark.parametrize(
    ("price", "shares", "cost"),
    [
        # 2: (0, 6), too much; 4: nothing. 5/6 of the first and 1/6 of the second keep the limit.
        (2.0, [0.0, 5.0], 7.0),
        # 4: nothing, which leaves much over; 2: (0, 6).
        (4.0, [0.0, 5.0], 7.0),
        # 0.5: (4, 6); 1: piece 0 takes either, for what it costs; 2: (0, 6), still too much. What is
        # missed costs 50, so that the nearest to the limit is taken.
        (0.5, [0.0, 6.0], 4.0),
        # A price of nothing is followed by a 16th of that of a miss: 3.125, at which nothing is taken.
        (0.0, [2.0, 3.0], 11.0),
    ],
)
def test_pieces_take_what_is_worth_its_price(
    price: float, shares: list[float], cost: float
) -> None:
    """Proves: by hand, what each piece takes of a limit of 5 at the prices tried, in proportion.

    Sensitivity: a share where a miss costs what it did, or costs that count what was paid for shares,
    choose other proportions.
    """
    bundle = by_hand(high=5.0)
    found = allotted(bundle, np.array([5.0, 0.0]), np.array([price]))
    assert found == pytest.approx(shares, abs=1e-6)
    answers = bundle.solve(found)
    assert answers is not None
    assert sum(one.cost for one in answers) == pytest.approx(cost, abs=1e-6)
    assert all((model.penalty == DEAR).all() for model in bundle.models)


def test_what_has_to_be_used_is_paid_for_in_the_same_way() -> None:
    """Proves: of a limit from below, 8 of e₀ + e₁ at least, pieces use all that is free: 10.

    Sensitivity: a piece that were paid for using less would use nothing.
    """
    bundle = by_hand(low=8.0)
    found = allotted(bundle, np.array([8.0, 0.0]), np.array([0.0]))
    assert found == pytest.approx([4.0, 6.0], abs=1e-6)


def test_what_was_taken_last_is_a_start_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: where no proportion is found for rounding, the shares at the last price are taken.

    Sensitivity: an error here would end a solve that has lost nothing yet.
    """

    def fails(*_: object, **__: object) -> None:
        raise NoPlanError("rounding")

    monkeypatch.setattr(allotment, "minimize", fails)
    found = allotted(by_hand(high=5.0), np.array([5.0, 0.0]), np.array([2.0]))
    assert found == pytest.approx([0.0, 0.0], abs=1e-6)


def test_without_a_limit_of_the_year_nothing_is_asked() -> None:
    """Proves: a point without shares, and shares of a row with both limits, stay as they are.

    Sensitivity: an equality has no side on which its price would count.
    """
    bundle = by_hand(low=5.0, high=5.0)
    point = np.array([5.0, 0.0])
    assert allotted(bundle, point, np.array([2.0])) is point
    assert bundle.cuts.cuts == []


@pytest.mark.parametrize("factor", [0.3, 1.0, 4.0])
def test_shares_of_a_cap_are_kept_by_every_piece_and_its_cuts_hold(factor: float) -> None:
    """Proves: from sizes of the optimum and shares that are all wrong, four days of a park with a CO2 cap
    choose shares that keep the cap and that no day misses, for little more than the optimum, whether
    the price is known well or not; and what their cuts prove is not above the optimum.

    Sensitivity: with the wrong shares as they are the days miss much; cuts at prices of other
    penalties than those that were charged prove too much.
    """
    problem = days_of(LOADS, 30, 5.0)
    matrix = handoff.extract(build(problem).model)
    row = matrix.row_blocks["park.policies.co2_cap"].start
    free = highs.solve(matrix, load_profile("test")).solution
    assert free is not None
    entries = slice(matrix.start[row], matrix.start[row + 1])
    matrix.row_upper[row] = 0.9 * matrix.value[entries] @ free.values[matrix.index[entries]]
    exact = highs.solve(matrix, load_profile("test")).solution
    assert exact is not None
    assert exact.row_duals is not None
    pieces = cut(matrix, problem.horizon, np.repeat(np.arange(4), 24))
    bundle = bundle_of(matrix, pieces, price=1e3)
    point = bundle.point(exact.values)
    first = len(bundle.cuts.shared)
    wrong = point.copy()
    wrong[first:] = point[first:].sum() * np.array([0.7, 0.1, 0.1, 0.1])

    def missed(at: NDArray[np.float64]) -> float:
        answers = bundle.solve(at)
        assert answers is not None
        return sum(float(one.missed.sum()) for one in answers)

    assert missed(wrong) > 10.0
    worth = np.abs(exact.row_duals[pieces.spread])
    assert worth > 0.0
    found = allotted(bundle, wrong, factor * worth)
    assert found[:first] == pytest.approx(point[:first])
    assert bundle.cuts.keeps(found)
    assert missed(found) < 1e-5
    best = matrix.objective(exact.values)
    assert best * (1 - 1e-9) <= matrix.objective(bundle.plan(found)) <= 1.02 * best
    assert bundle.cuts.bound() <= best * (1 + 1e-9)
