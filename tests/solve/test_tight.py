"""Rows that every plan keeps, and rows that a relaxation can do without."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid_opt.model import build
from microgrid_opt.solve import handoff, highs
from microgrid_opt.solve.choice import relaxed
from microgrid_opt.solve.matrix import Block, Matrix
from microgrid_opt.solve.pieces import cut, steps_of
from microgrid_opt.solve.profiles import load_profile
from microgrid_opt.solve.tight import loosened, tightened
from tests.support import day, park, problem_of


def node(
    need: float,
    units: list[tuple[float, float, float]],
    others: list[tuple[float, float]],
    dump: float,
) -> Matrix:
    """Return one step of a balance: units of a capacity that cost by on and by unit, others of a limit.

    Parameters
    ----------
    units
        Capacity, cost of being on, cost of a unit made; least load is 0.3.
    others
        Limit and cost of other supplies.
    dump
        Cost of what is thrown away.
    """
    u, o = len(units), len(others)
    count = 2 * u + o + 1
    rows: list[tuple[list[int], list[float], float, float]] = [
        ([*range(u), *range(2 * u, count)], [*[1.0] * (u + o), -1.0], need, need)
    ]
    for k, (capacity, _, _) in enumerate(units):
        rows.append(([k, u + k], [1.0, -capacity], -np.inf, 0.0))
        rows.append(([k, u + k], [-1.0, 0.3 * capacity], -np.inf, 0.0))
    start = np.cumsum([0, *(len(one[0]) for one in rows)]).astype(np.int32)
    return Matrix(
        cost=np.array(
            [*(c for _, _, c in units), *(f for _, f, _ in units), *(c for _, c in others), dump]
        ),
        offset=0.0,
        maximize=False,
        start=start,
        index=np.concatenate([one[0] for one in rows]).astype(np.int32),
        value=np.concatenate([one[1] for one in rows]),
        row_lower=np.array([one[2] for one in rows]),
        row_upper=np.array([one[3] for one in rows]),
        col_lower=np.zeros(count),
        col_upper=np.array([*[np.inf] * u, *[1.0] * u, *(limit for limit, _ in others), np.inf]),
        integrality=np.array([*[0] * u, *[1] * u, *[0] * (o + 1)], dtype=np.uint8),
        columns=(Block("column", 0, count, range(count)),),
        rows=(Block("row", 0, len(rows), range(len(rows))),),
    )


def least(matrix: Matrix) -> float:
    """Return the optimum of a model."""
    outcome = highs.solve(matrix, load_profile("test"))
    assert outcome.objective is not None
    return outcome.objective


def enumerated(matrix: Matrix) -> float:
    """Return the least optimum over all on/off patterns, each held exactly: no tolerance of whole
    numbers is in it."""
    whole = np.flatnonzero(matrix.integrality == 1)
    best = np.inf
    for pattern in itertools.product([0.0, 1.0], repeat=len(whole)):
        lower, upper = matrix.col_lower.copy(), matrix.col_upper.copy()
        lower[whole] = upper[whole] = pattern
        outcome = highs.solve(
            relaxed(replace(matrix, col_lower=lower, col_upper=upper)), load_profile("test")
        )
        if outcome.objective is not None:
            best = min(best, outcome.objective)
    return best


def test_a_large_unit_is_on_for_a_small_need() -> None:
    """Proves: by hand, 3 of a unit of 8 that costs 1 when on and 0.1 each, beside 1 at 1 each.

    Relaxed, on = 3 / 8: 0.375 + 0.3 = 0.675. On must be at least what the other one leaves, (3 − 1) / 2:
    on = 1, 1.3, as with whole numbers. Sensitivity: without the row for S = {the other one} it is on
    2 / 3 at most; with a need on the wrong side the model is cut off.
    """
    matrix = node(3.0, [(8.0, 1.0, 0.1)], [(1.0, 1.0)], 0.01)
    tight = tightened(matrix)
    assert tight.row_count == matrix.row_count + 2
    assert least(relaxed(matrix)) == pytest.approx(0.675)
    assert least(relaxed(tight)) == pytest.approx(1.3)
    assert least(matrix) == pytest.approx(1.3)


def test_two_units_leave_each_other_no_room() -> None:
    """Proves: by hand, 3 of a unit of 9 at 0.5 each (least load 2.7) and one of 2 at 0.1 (0.6).

    Relaxed, 2 of the cheap one and a ninth of the other: 0.2 + 0.5 = 0.7. Flow covers want the large
    one on, which leaves 0.3, half of the other's least load: 1.35 + 0.03 = 1.38. Together they make 3.3:
    with a surplus that costs 1 each that is 1.71, and the large one alone is best, 1.5, as with whole
    numbers. Sensitivity: without rows of two units it is 1.38; with a least load that is not the
    partner's it is 1.38 as well, or plans are cut off.
    """
    matrix = node(3.0, [(9.0, 0.0, 0.5), (2.0, 0.0, 0.1)], [(100.0, 20.0)], 1.0)
    assert least(relaxed(matrix)) == pytest.approx(0.7)
    assert least(relaxed(tightened(matrix))) == pytest.approx(1.5)
    assert enumerated(matrix) == pytest.approx(1.5)


def test_every_step_has_the_rows_of_any() -> None:
    """Proves: of three steps of which one has no room for two units, all have the same rows.

    Days with other rows would be no days of one kind, and none could stand for another. Sensitivity:
    rows only where they tell something are 2 + 3 + 3, of another number in each step.
    """
    problem = problem_of(
        park(
            f"""
            works: {{type: heat_demand, power_kw: {day(4, 12, 20)}}}
            grid: {{type: grid, import_price_per_kwh: 0.2}}
            large: {{type: electric_boiler, efficiency: 1, power_kw: 10, commitment:
                    {{min_load_fraction: 0.5}}}}
            small: {{type: electric_boiler, efficiency: 1, power_kw: 8, commitment:
                    {{min_load_fraction: 0.5}}}}
            district: {{type: supply, carrier: heat, price_per_kwh: 0.55}}
            """,
            hours=3,
        )
    )
    matrix = handoff.extract(build(problem).model)
    tight = tightened(matrix)
    added = np.arange(matrix.row_count, tight.row_count)
    step = steps_of(tight, problem.horizon)
    first = step[tight.index[tight.start[added]]]
    assert set(np.bincount(first, minlength=3)) == {len(added) // 3}
    assert least(tight) == pytest.approx(least(matrix))
    assert least(relaxed(tight)) >= least(relaxed(matrix)) - 1e-9


def test_a_balance_that_is_written_the_other_way_round_gives_the_same() -> None:
    matrix = node(3.0, [(8.0, 1.0, 0.1)], [(1.0, 1.0)], 0.01)
    sign = np.where(matrix.entry_row == 0, -1.0, 1.0)
    turned = replace(
        matrix,
        value=matrix.value * sign,
        row_lower=np.array([-3.0, *matrix.row_lower[1:]]),
        row_upper=np.array([-3.0, *matrix.row_upper[1:]]),
    )
    assert least(relaxed(tightened(turned))) == pytest.approx(1.3)


@settings(max_examples=60, deadline=None, database=None)
@given(
    need=st.floats(-2.0, 10.0).map(lambda x: round(x, 2)),
    units=st.lists(
        st.tuples(
            st.integers(1, 12).map(float),
            st.integers(0, 9).map(float),
            st.integers(-2, 4).map(float),
        ),
        min_size=1,
        max_size=3,
    ),
    others=st.lists(
        st.tuples(st.sampled_from([0.5, 2.0, 6.0, 50.0]), st.integers(0, 5).map(float)),
        min_size=1,
        max_size=3,
    ),
)
def test_no_plan_is_cut_off(
    need: float, units: list[tuple[float, float, float]], others: list[tuple[float, float]]
) -> None:
    """Proves: optima by enumeration stay what they are, at any costs; the relaxation only rises.

    Sensitivity: a row whose need, capacity or sign is wrong cuts off the optimum of some costs.
    """
    matrix = node(need, units, [*others, (100.0, 20.0)], 3.0)
    tight = tightened(matrix)
    optimum = enumerated(matrix)
    assert np.isfinite(optimum)
    assert enumerated(tight) == pytest.approx(optimum, rel=1e-7, abs=1e-7)
    assert least(relaxed(matrix)) <= least(relaxed(tight)) + 1e-7
    assert least(relaxed(tight)) <= optimum + 1e-7


def test_pieces_share_states_and_nothing_that_counts_them() -> None:
    """Proves: least times over a border are left out of a relaxation, states and stores stay tied.

    Sensitivity: were starts and stops of the hours before midnight shared, each border had ten more;
    were the balance of starts dropped as well, `on` would not be shared.
    """
    problem = problem_of(
        park(
            """
            works: {type: heat_demand, power_kw: {hourly: [3, 9, 2, 8, 1, 7, 4, 6, 2, 9, 3, 5,
                    3, 9, 2, 8, 1, 7, 4, 6, 2, 9, 3, 5]}}
            grid: {type: grid, import_price_per_kwh: 0.2}
            district: {type: supply, carrier: heat, price_per_kwh: 0.55}
            tank: {type: heat_store, power_kw: 5, energy_kwh: 20}
            boiler: {type: electric_boiler, efficiency: 0.95, power_kw: 10, commitment:
                     {min_load_fraction: 0.4, start_cost: 3, min_up_hours: 5, min_down_hours: 4}}
            """,
            hours=72,
        )
    )
    matrix = handoff.extract(build(problem).model)
    tight, piece = tightened(matrix), np.arange(72) // 24
    loose = loosened(tight, problem.horizon, piece, {"park.boiler.on"})
    assert not loose.is_mip
    pieces = cut(loose, problem.horizon, piece)
    shared = {loose.column_name(int(column)) for column in pieces.shared}
    assert {"park.boiler.on[23]", "park.boiler.on[47]"} <= shared
    assert not {one for one in shared if "starts" in one or "stops" in one}
    assert least(loose) <= least(relaxed(tight)) + 1e-7
    assert least(relaxed(matrix)) < least(relaxed(tight)) <= least(matrix) + 1e-7
