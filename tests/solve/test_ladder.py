"""Sizes in steps: where a size that is chosen is too small, units have to run."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid_opt.model import build
from microgrid_opt.solve import handoff, priced, windowed
from microgrid_opt.solve.agreed import Agreed
from microgrid_opt.solve.choice import relaxed
from microgrid_opt.solve.coarse import coarser_of
from microgrid_opt.solve.ladder import Ladder, extended, ladders_of, stairs_of, strengthened
from microgrid_opt.solve.matrix import Block, Matrix
from microgrid_opt.solve.priced import EVERYWHERE, Parts
from microgrid_opt.solve.profiles import load_profile
from microgrid_opt.solve.tight import tightened, with_rows
from tests.solve.test_tight import enumerated, least
from tests.support import park, problem_of

if TYPE_CHECKING:
    from collections.abc import Sequence

SIZE = "boiler_size"


def site(
    need: Sequence[float],
    size: tuple[float, float, float],
    unit: tuple[float, float],
    other: tuple[float, float],
    each: Sequence[float] | None = None,
) -> Matrix:
    r"""Return $\min\; k v + \sum_t (p\,b_t + s\,y_t + q\,r_t + 0.5\,w_t)$ of steps with a need each.

    $b_t + e_t + r_t - w_t = d_t$, $e_t \le \kappa_t v$, $0.3 \cdot 10\,y_t \le b_t \le 10\,y_t$.

    Parameters
    ----------
    size
        Least, largest, and cost of $v$.
    unit
        Cost of what it makes, and of being on.
    other
        Limit and cost of $r$.
    each
        $\kappa$ of every step; 1 if left out.
    """
    n = len(need)
    rows: list[tuple[list[int], list[float], float, float]] = []
    groups: dict[str, int] = {}
    b, e, r, w, y = (1 + k * n + np.arange(n) for k in range(5))
    for name, found in (
        (
            "balance",
            [([b[t], e[t], r[t], w[t]], [1.0, 1.0, 1.0, -1.0], need[t], need[t]) for t in range(n)],
        ),
        (
            "sized",
            [([0, e[t]], [1.0 if each is None else each[t], -1.0], 0.0, np.inf) for t in range(n)],
        ),
        ("most", [([b[t], y[t]], [1.0, -10.0], -np.inf, 0.0) for t in range(n)]),
        ("least", [([b[t], y[t]], [1.0, -3.0], 0.0, np.inf) for t in range(n)]),
    ):
        groups[name] = len(found)
        rows += found
    starts = np.cumsum([0, *groups.values()])
    whole = np.zeros(1 + 5 * n, dtype=np.uint8)
    whole[y] = 1
    infinite = np.full(n, np.inf)
    return Matrix(
        cost=np.concatenate(
            [
                [size[2]],
                np.full(n, unit[0]),
                np.zeros(n),
                np.full(n, other[1]),
                np.full(n, 0.5),
                np.full(n, unit[1]),
            ]
        ),
        offset=0.0,
        maximize=False,
        start=np.cumsum([0, *(len(one[0]) for one in rows)]).astype(np.int32),
        index=np.concatenate([one[0] for one in rows]).astype(np.int32),
        value=np.concatenate([one[1] for one in rows]),
        row_lower=np.array([one[2] for one in rows]),
        row_upper=np.array([one[3] for one in rows]),
        col_lower=np.concatenate([[size[0]], np.zeros(5 * n)]),
        col_upper=np.concatenate(
            [[size[1]], infinite, infinite, np.full(n, other[0]), infinite, np.ones(n)]
        ),
        integrality=whole,
        columns=(
            Block(SIZE, 0, 1, None),
            *(
                Block(name, 1 + k * n, n, range(n))
                for k, name in enumerate(("made", "boiled", "other", "dumped", "on"))
            ),
        ),
        rows=tuple(
            Block(name, int(start), count, range(count))
            for start, (name, count) in zip(starts, groups.items(), strict=False)
        ),
    )


def test_a_size_in_the_middle_has_units_run_in_some_steps() -> None:
    """Proves: needs of 3 and 10, a size at 3 a unit, a unit at 1 each and 4 in each step it is on.

    By hand: without the size both steps run, 13 + 8 = 21; a size of 3 costs 9, and 7 + 4 in the second
    step, 20; one of 10 costs 30. Relaxed, the unit is on for a share of the need, b / 3 and b / 10:
    a size of 3 costs 9 + 7 + 2.8 = 18.8. With points at 2.97 and 9.9 the second step's unit is on as
    long as the size is below 9.9: 20, as with whole numbers.
    Sensitivity: a point above the need it stands for has units run that need not, 21; without the rows
    among size and points they would choose none, 18.8.
    """
    matrix = site([3.0, 10.0], (0.0, 20.0, 3.0), (1.0, 4.0), (0.0, 0.0))
    ladder = Ladder(SIZE, (2.97, 9.9))
    assert enumerated(matrix) == pytest.approx(20.0)
    assert least(relaxed(tightened(matrix))) == pytest.approx(18.8)
    # What a point lies below its need is left: a size of 2.97 is as good as 3 by half a hundredth of it.
    assert least(relaxed(strengthened(matrix, [ladder]))) == pytest.approx(20.0, abs=0.02)
    assert least(relaxed(strengthened(matrix))) == pytest.approx(20.0, abs=0.05)


def test_other_supplies_stand_in_for_what_is_missing() -> None:
    """Proves: with 2 of another supply at 1.1 each no unit runs for a need of 3, and the row says so.

    A size of 1 at most, at 3 each: by hand 3 of the unit cost 3 + 4, the other 2 and 1 of the size 5.2.
    The row of the point 0.5 reads on + other / 2.5 >= c, and the plan has c = 0.
    Sensitivity: a row without the other supply, or with less than what is missing, costs more than 5.2.
    """
    matrix = site([3.0, 3.0], (0.0, 1.0, 3.0), (1.0, 4.0), (2.0, 1.1))
    plan = enumerated(matrix)
    assert plan == pytest.approx(2 * 2.2 + 3.0)
    strong = strengthened(matrix, [Ladder(SIZE, (0.5,))])
    assert enumerated(strong) == pytest.approx(plan)
    row = strong.row_blocks["units beside sizes"]
    assert row.count == 2
    entries = slice(strong.start[row.start], strong.start[row.start + 1])
    found = dict(zip(strong.index[entries].tolist(), strong.value[entries].tolist(), strict=True))
    assert found == pytest.approx(
        {1 + 4 * 2: -1.0, 1 + 2 * 2: -1 / 2.5, strong.column_count - 1: 1}
    )


def test_a_unit_with_two_supplies_stands_once_in_a_row() -> None:
    """Proves: a second supply of the same unit, of 10 at most while it is on, adds no second decision.

    Sensitivity: HiGHS refuses a row in which a column stands twice.
    """
    matrix = site([3.0, 10.0], (0.0, 20.0, 3.0), (1.0, 4.0), (9.0, 5.0))
    other, on = 1 + 2 * 2, 1 + 4 * 2
    row, column = np.repeat([0, 1], 2), np.array([other, on, other + 1, on + 1])
    both = with_rows(matrix, "second", row, column, np.array([1.0, -10.0] * 2), np.zeros(2))
    strong = strengthened(both, [Ladder(SIZE, (2.0, 5.0))])
    part = strong.row_blocks["units beside sizes"]
    for number in range(part.start, part.start + part.count):
        columns = strong.index[strong.start[number] : strong.start[number + 1]].tolist()
        assert len(set(columns)) == len(columns)
    assert enumerated(strong) == pytest.approx(enumerated(both))


def test_no_ladder_where_it_tells_nothing() -> None:
    """Proves: none for a given size, beside ample other supplies, nor for what the weather limits.

    Sensitivity: forty columns more in a year for each size, at night some days without a row.
    """
    needs, unit = [3.0, 10.0, 6.0], (1.0, 4.0)
    assert ladders_of(site(needs, (0.0, 20.0, 3.0), unit, (1.0, 1.0)))
    assert not ladders_of(site(needs, (5.0, 5.0, 3.0), unit, (1.0, 1.0)))
    assert not ladders_of(site(needs, (0.0, 20.0, 3.0), unit, (50.0, 1.0)))
    assert not ladders_of(site(needs, (0.0, 20.0, 3.0), unit, (1.0, 1.0), [0.5, 0.0, 1.0]))
    plain = site(needs, (5.0, 5.0, 3.0), unit, (1.0, 1.0))
    assert strengthened(plain).column_count == plain.column_count


def test_points_follow_the_box_of_their_size() -> None:
    """Proves: in a box of sizes from 4 to 6 a point at 3 is not reached, one at 6 or more is."""
    matrix = site([3.0, 10.0], (0.0, 20.0, 3.0), (1.0, 4.0), (0.0, 0.0))
    ladders = [Ladder(SIZE, (3.0, 5.0, 6.0, 8.0))]
    strong, stairs = strengthened(matrix, ladders), stairs_of(matrix, ladders)
    column = np.append(np.zeros(strong.column_count - 5, dtype=int), [EVERYWHERE] * 5)
    column[0], column[-5] = EVERYWHERE, 0
    parts = Parts(column, np.zeros(strong.row_count, dtype=int), 1)
    agreed = Agreed(strong, parts, np.zeros(strong.row_count), lambda *_: [None] * 2, stairs)
    assert agreed.chosen.tolist() == [True, False, False, False, False]
    root, _ = agreed.root(np.zeros(strong.column_count))
    lower, upper = root.lower.copy(), root.upper.copy()
    lower[0], upper[0] = 4.0, 6.0
    box = agreed.followed(root, lower, upper)
    assert box.lower[1:].tolist() == [0.0, 0.0, 1.0, 1.0]
    assert box.upper[1:].tolist() == [0.0, 1.0, 1.0, 1.0]


@settings(max_examples=60, deadline=None, database=None)
@given(
    need=st.lists(st.integers(1, 9).map(float), min_size=1, max_size=4),
    size=st.tuples(st.sampled_from([0.0, 2.0]), st.sampled_from([4.0, 30.0]), st.integers(0, 6)),
    unit=st.tuples(st.integers(-2, 4).map(float), st.integers(0, 9).map(float)),
    other=st.tuples(st.sampled_from([0.5, 2.0, 50.0]), st.integers(1, 5).map(float)),
)
def test_no_plan_is_cut_off(
    need: list[float],
    size: tuple[float, float, int],
    unit: tuple[float, float],
    other: tuple[float, float],
) -> None:
    """Proves: optima by enumeration stay what they are, at any costs; the relaxation only rises.

    Sensitivity: a point that is said of a size a little above it cuts off the optimum of some costs.
    """
    matrix = site(need, size, unit, other)
    points = sorted({0.5 * one for one in (5.0, *need) if size[0] < 0.5 * one < size[1]})
    strong = strengthened(matrix, [Ladder(SIZE, tuple(points))] if points else None)
    optimum = enumerated(matrix)
    assert enumerated(strong) == pytest.approx(optimum, rel=1e-7, abs=1e-7)
    assert least(relaxed(tightened(matrix))) <= least(relaxed(strong)) + 1e-7
    assert least(relaxed(strong)) <= optimum + 1e-7


@given(value=st.floats(0.0, 20.0))
@settings(max_examples=30, deadline=None, database=None)
def test_a_plan_is_extended_by_points_that_keep_their_rows(value: float) -> None:
    """Proves: at every size the points that follow from it keep the rows among them."""
    matrix = site([3.0, 10.0], (0.0, 20.0, 3.0), (1.0, 4.0), (0.0, 0.0))
    ladders = [Ladder(SIZE, (2.0, 5.0, 9.0))]
    strong = strengthened(matrix, ladders)
    plan = np.zeros(matrix.column_count)
    plan[0] = value
    activity = strong.times(extended(plan, stairs_of(matrix, ladders)))
    rows = strong.row_blocks["points of sizes"].slice
    assert (activity[rows] <= strong.row_upper[rows] + 1e-9).all()


def test_windows_with_a_ladder_prove_more_and_keep_the_optimum() -> None:
    """Proves: of three days, bound and plan lie on both sides of HiGHS's own optimum, and the relaxation
    is above the one without a ladder.

    Sensitivity: prices of rows that are not the model's own, or points that are taken for its columns,
    make a plan that the audit of its rows refuses.
    """
    problem = problem_of(
        park(
            """
            works: {type: heat_demand, power_kw: {hourly: [3, 9, 4, 8, 5, 7, 4, 6, 3, 9, 3, 5,
                    3, 9, 4, 8, 5, 7, 4, 6, 3, 9, 3, 5]}}
            grid: {type: grid, import_price_per_kwh: {hourly: [0.2, 0.05, 0.05, 0.05, 0.05, 0.2,
                    0.2, 0.05, 0.05, 0.05, 0.05, 0.2, 0.2, 0.05, 0.05, 0.05, 0.05, 0.2,
                    0.2, 0.05, 0.05, 0.05, 0.05, 0.2]}}
            gas: {type: supply, carrier: gas, price_per_kwh: 0.15}
            boiler: {type: gas_boiler, power_kw: 10, efficiency: 0.9, commitment:
                     {min_load_fraction: 0.3, start_cost: 1, min_up_hours: 3, min_down_hours: 2}}
            electric: {type: electric_boiler, efficiency: 0.98,
                       power_kw: {max_kw: 12, capex_per_kw: 30, lifetime_years: 10}}
            """,
            horizon="{start: 2025-01-30, hours: 72}",
        )
    )
    draft = build(problem)
    matrix = handoff.extract(draft.model)
    parts = priced.split(matrix, problem.horizon, forced=True)
    assert parts is not None
    exact = least(matrix)
    assert least(relaxed(tightened(matrix))) < least(relaxed(strengthened(matrix))) - 1e-3
    outcome, stages = windowed.plan(
        draft, matrix, parts, coarser_of(problem), [load_profile()], 1e-4, None, None
    )
    assert outcome.objective is not None
    assert outcome.bound <= exact + 1e-6 * abs(exact)
    assert outcome.objective >= exact - 1e-6 * abs(exact)
    assert outcome.objective == pytest.approx(exact, rel=2e-3)
    assert stages[0].bound == pytest.approx(least(relaxed(strengthened(matrix))), rel=1e-4)
    assert outcome.solution is not None
    assert len(outcome.solution.values) == matrix.column_count


def test_whole_decisions_are_needed() -> None:
    """Proves: without on/off decisions there is nothing to force, and no ladder."""
    matrix = site([3.0, 10.0], (0.0, 20.0, 3.0), (1.0, 4.0), (0.0, 0.0))
    assert ladders_of(matrix)
    assert not ladders_of(replace(matrix, integrality=np.zeros_like(matrix.integrality)))
