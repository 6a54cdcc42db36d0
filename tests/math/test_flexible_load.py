"""Shifted and curtailed load: windows, moving windows against the published two-index model, prices."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import linprog

from microgrid_opt import study
from microgrid_opt.audit import audit
from microgrid_opt.errors import InputError
from tests.support import EXACT, bill, day, park, problem_of, shadow_price, solve_text, solved


def flexible(
    load: str, prices: str, *, power: str = "10", hours: float = 4, **sections: str
) -> str:
    """Return a park of one flexible load and a grid."""
    return park(
        f"""
        plant: {{type: flexible_load, power_kw: {power}, {load}}}
        grid: {{type: grid, import_price_per_kwh: {prices}}}
        """,
        hours=hours,
        **sections,
    )


def shift(rest: str) -> str:
    return f"shift: {{down_fraction: 50 %, up_kw: 8, {rest}}}"


# ------------------------------------------------------------------ within windows


def test_energy_of_a_day_stays_the_same() -> None:
    """Proves: 5 kWh less at 5 and at 3 are 8 more at 1 and 2 more at 2: 18 + 5 × 5 + 5 × 3 + 12 × 2.

    Sensitivity: one kW more upwards moves a kWh from 2 to 1; half the share moves half as much.
    """
    text = flexible(shift("within: day"), day(1, 5, 3, 2))
    results = solved(text)
    assert results.of("plant.power") == pytest.approx([18, 5, 5, 12])
    assert results.cost == pytest.approx(82)
    figures = results.details.set_index(["asset", "name"])["value"]
    assert figures["plant", "peak"] == pytest.approx(18)
    assert figures["plant", "peak_without_flexibility"] == pytest.approx(10)
    assert solved(text.replace("up_kw: 8", "up_kw: 9")).cost == pytest.approx(81)
    # 2.5 kW each from 5 and 3, and from 2 to 1: 110 − 2.5 × 4 − 2.5 × 2 − 2.5 × 1.
    assert solved(text.replace("50 %", "25 %")).cost == pytest.approx(110 - 10 - 5 - 2.5)


def test_each_window_keeps_its_own_energy() -> None:
    """Proves: 0-2 moves 5 kWh from 5 to 1, 2-4 moves 5 from 3 to 2: 110 − 20 − 5.

    Sensitivity: as one window 0-4 the plan of a day returns.
    """
    text = flexible(shift("within: '0-2, 2-4'"), day(1, 5, 3, 2))
    results = solved(text)
    assert results.of("plant.power") == pytest.approx([15, 5, 5, 15])
    assert results.cost == pytest.approx(85)
    assert solved(text.replace("0-2, 2-4", "0-4")).cost == pytest.approx(82)


def test_nothing_moves_outside_the_windows() -> None:
    """Proves: with 1-3 only, 5 kWh go from 5 to 3. Sensitivity: with 1-4 they go to 2."""
    text = flexible(shift("within: 1-3"), day(1, 5, 3, 2))
    results = solved(text)
    assert results.of("plant.power") == pytest.approx([10, 5, 15, 10])
    # Both 5 kWh at 5 and 3 kWh at 3 go to 2: 8 kW is what can be added.
    assert solved(text.replace("1-3", "1-4")).cost == pytest.approx(110 - 15 - 3)


def test_made_up_energy_may_be_more_than_what_was_taken() -> None:
    """Proves: at 80 % a kWh less at 5 costs 1.25 kWh at 3: 4 kWh for 5 at most 5 up, worth 5 − 3.75.

    Sensitivity: at 50 % it costs 6 and nothing moves.
    """
    load = "shift: {down_kw: 4, up_kw: 8, within: day, efficiency: 80 %}"
    results = solved(flexible(load, day(3, 5), hours=2))
    assert results.of("plant.power") == pytest.approx([15, 6])
    assert results.cost == pytest.approx(45 + 30)
    still = solved(flexible(load.replace("80 %", "50 %"), day(3, 5), hours=2))
    assert still.of("plant.power") == pytest.approx([10, 10])


def test_cost_of_a_shift_and_most_energy_out_of_place() -> None:
    """Proves: 3 kWh may be early at once, at 0.5 each: from 5 to 1, 110 − 12 + 1.5, and from 3 to 2.

    Sensitivity: at 1.5 for each kWh the second pair stands still.
    """
    text = flexible(
        shift("within: '0-2, 2-4', max_shifted_kwh: 3, cost_per_kwh: 0.5"), day(1, 5, 3, 2)
    )
    results = solved(text)
    assert results.of("plant.power") == pytest.approx([13, 7, 7, 13])
    assert results.of("plant.shifted") == pytest.approx([3, 0, -3, 0])
    assert bill(results, "plant", "shift") == pytest.approx(3)
    assert results.cost == pytest.approx(110 - 12 - 3 + 3)
    dear = solved(text.replace("per_kwh: 0.5", "per_kwh: 1.5"))
    assert dear.of("plant.power") == pytest.approx([13, 7, 10, 10])


def test_no_more_is_taken_away_than_there_is() -> None:
    """Proves: of 2 kW at the dear hour only 2 move, though 5 kW might. Sensitivity: at 6 kW, 5 move."""
    load = "shift: {down_kw: 5, up_kw: 8, within: day}"
    results = solved(flexible(load, day(1, 5), power=day(10, 2), hours=2))
    assert results.of("plant.power") == pytest.approx([12, 0])
    more = solved(flexible(load, day(1, 5), power=day(10, 6), hours=2))
    assert more.of("plant.power") == pytest.approx([15, 1])


def test_a_window_ends_where_the_weight_changes() -> None:
    """Proves: no kWh is taken where it counts 9 times and given back where it counts once."""
    text = flexible(
        shift("within: day"),
        "1",
        horizon="{start: 2025-03-03, steps_hours: [1, 1], weight: [9, 1]}",
    )
    assert solved(text).of("plant.power") == pytest.approx([10, 10])
    free = flexible(shift("within: day"), day(2, 1), hours=2)
    assert solved(free).of("plant.power") == pytest.approx([5, 15])


# ------------------------------------------------------------------ within hours


@pytest.mark.parametrize(
    ("rest", "prices", "power", "cost"),
    [
        # From 6 to 3 and from 3 to 1, where in the middle 5 + 3 are at most 8.
        ("delay_hours: 1", day(6, 3, 1), [5, 12, 13], 100 - 15 - 6),
        # From 6 and 3 to 1 directly: 8 can be added there.
        ("delay_hours: 2", day(6, 3, 1), [5, 7, 18], 100 - 25 - 6),
        ("advance_hours: 1", day(1, 3, 6), [13, 12, 5], 100 - 15 - 6),
        ("advance_hours: 2", day(1, 3, 6), [18, 7, 5], 100 - 25 - 6),
        # Load can only be late, and early load is dear: nothing moves.
        ("delay_hours: 2", day(1, 3, 6), [10, 10, 10], 100),
        # No time to make up for anything.
        ("delay_hours: 0", day(6, 3, 1), [10, 10, 10], 100),
    ],
)
def test_load_is_late_or_early_by_hours(
    rest: str, prices: str, power: list[float], cost: float
) -> None:
    """Proves: what is taken away is made up for in time, in the given direction.

    Sensitivity: per case.
    """
    results = solved(flexible(shift(rest), prices, hours=3))
    assert results.of("plant.power") == pytest.approx(power)
    assert results.cost == pytest.approx(cost)


def test_all_is_made_up_for_by_the_end() -> None:
    """Proves: in the last hour nothing is taken away, though it is dear. Sensitivity: one hour later."""
    results = solved(flexible(shift("delay_hours: 3"), day(1, 5), hours=2))
    assert results.of("plant.power") == pytest.approx([10, 10])
    longer = solved(flexible(shift("delay_hours: 3"), day(1, 5, 2), hours=3))
    assert longer.of("plant.power") == pytest.approx([10, 5, 15])


def test_delay_on_unequal_steps() -> None:
    """Proves: 4 kWh of the first hour must be back within the first of the next two: 4 kW for 2 h.

    Of these 8 kWh, 4 are taken away from the same two hours: u + d = 6 kW is the most that can be
    added. 10 × 5 + 20 − 4 × 4. Sensitivity: with 4 kW upwards 1.5 × d ≤ 4, so 2.667 kWh move.
    """
    text = flexible(
        "shift: {down_kw: 4, up_kw: 6, delay_hours: 1}",
        day(5, 1, 1),
        horizon="{start: 2025-03-03, steps_hours: [1, 2]}",
    )
    results = solved(text)
    assert results.of("plant.power") == pytest.approx([6, 12])
    assert results.cost == pytest.approx(70 - 16)
    assert solved(text.replace("up_kw: 6", "up_kw: 4")).cost == pytest.approx(70 - 4 * 8 / 3)


@pytest.mark.parametrize(
    "rest", ["delay_hours: 1", "within: day", "advance_hours: 2, delay_hours: 1"]
)
def test_half_hours_and_hours_agree(rest: str) -> None:
    """Proves: prices by the hour give the same cost on steps of any length. Sensitivity: per case."""
    text = flexible(shift(rest), day(2, 6, 3, 1))
    fine = solved(text.replace("hours: 4", "hours: 4, step_minutes: 30"))
    assert solved(text).cost == pytest.approx(fine.cost)
    assert fine.cost < 120 - 1


def two_index_cost(
    load: np.ndarray, price: np.ndarray, down: float, up: float, lag: int, efficiency: float
) -> float:
    """Return the least cost in the model of Zerrahn & Schill (2015), written out as it stands.

    Columns: additions u[t], then a table d[t, s] of what is taken away at s for an addition at t.
    """
    n = len(load)
    near = [(t, s) for t in range(n) for s in range(n) if abs(t - s) <= lag]
    cost = np.concatenate([price, [-price[s] for _, s in near]])
    equal = np.zeros((n, n + len(near)))
    taken = np.zeros((n, n + len(near)))
    both = np.zeros((n, n + len(near)))
    for t in range(n):
        equal[t, t] = efficiency
        both[t, t] = 1.0
    for column, (t, s) in enumerate(near, start=n):
        equal[t, column] = -1.0
        taken[s, column] = 1.0
        both[s, column] = 1.0
    found = linprog(
        cost,
        A_ub=np.vstack([taken, both]),
        b_ub=np.concatenate([np.full(n, down), np.full(n, max(up, down))]),
        A_eq=equal,
        b_eq=np.zeros(n),
        bounds=[(0, up)] * n + [(0, None)] * len(near),
    )
    return float(found.fun + load @ price)


@pytest.mark.parametrize("seed", range(6))
def test_same_cost_as_the_two_index_model(seed: int) -> None:
    """Proves: the cumulated form is the published table model, on 12 h of random loads and prices.

    Sensitivity: with a lag of one hour more the published model is cheaper.
    """
    random = np.random.default_rng(seed)
    load = random.integers(8, 20, 12).astype(float)
    price = random.integers(1, 30, 12).astype(float)
    down, up, lag, efficiency = [(5, 7, 2, 1.0), (6, 4, 1, 0.9), (4, 9, 2, 0.8)][seed % 3]
    text = flexible(
        f"shift: {{down_kw: {down}, up_kw: {up}, delay_hours: {lag}, advance_hours: {lag}, "
        f"efficiency: {efficiency}}}",
        day(*price.tolist()),
        power=day(*load.tolist()),
        hours=12,
    )
    cost = solved(text).cost
    assert cost == pytest.approx(two_index_cost(load, price, down, up, lag, efficiency))
    assert cost > two_index_cost(load, price, down, up, lag + 1, efficiency) + 1e-3
    assert cost < float(load @ price) - 1.0


# ------------------------------------------------------------------ curtailment

LEVELS = "curtail: {levels: [{fraction: 20 %, price_per_kwh: 2}, {power_kw: 3, price_per_kwh: 4}]"


def test_levels_are_cut_by_their_price() -> None:
    """Proves: at 5 both levels (2 + 3 kW), at 3 the first, at 1 none: 10 + 25 + 24 + cuts 4 + 12 + 4.

    Sensitivity: the second level at 6 is never cut: 5 − 4 more for each of its 3 kWh.
    """
    text = flexible(LEVELS + "}", day(1, 5, 3), hours=3)
    results = solved(text)
    assert results.of("plant.power") == pytest.approx([10, 5, 8])
    assert bill(results, "plant", "curtailment") == pytest.approx(2 * 2 + 3 * 4 + 2 * 2)
    assert results.cost == pytest.approx(10 + 25 + 24 + 20)
    figures = results.details.set_index(["asset", "name"])["value"]
    assert figures["plant", "curtailed_load"] == pytest.approx(7)
    assert results.total("unserved") == 0.0
    dear = solved(text.replace("per_kwh: 4", "per_kwh: 6"))
    assert dear.cost - results.cost == pytest.approx(3)


def test_energy_cut_in_a_year_is_limited() -> None:
    """Proves: 8760 kWh a year are 3 kWh in 3 h: 2 at 5 − 2, one more at 5 − 4 (the price of a kWh more).

    Sensitivity: with 5 kWh the second level is cut in full.
    """
    text = flexible(LEVELS + ", yearly_limit_kwh: 8760}", day(1, 5, 2.5), hours=3)
    results = solved(text)
    assert results.of("plant.power") == pytest.approx([10, 7, 10])
    assert results.cost == pytest.approx(10 + 35 + 25 + 4 + 4)
    assert shadow_price(results, "plant.curtailed_energy") == pytest.approx(1)
    more = solved(text.replace("8760", "14600"))
    assert more.of("plant.power") == pytest.approx([10, 5, 10])


def test_hours_with_cuts_are_limited() -> None:
    """Proves: 2920 h a year are one hour in 3: the one at 5, though another is above 2.

    Sensitivity: with two hours the one at 3 is cut as well.
    """
    text = flexible(LEVELS + ", yearly_limit_hours: 2920}", day(3, 5, 1), hours=3)
    results = solved(text)
    assert results.of("plant.power") == pytest.approx([10, 5, 10])
    assert results.of("plant.called") == pytest.approx([0, 1, 0])
    assert results.run.kind == "MILP"
    assert solved(text.replace("2920", "5840")).of("plant.power") == pytest.approx([8, 5, 10])


def test_shift_and_cut_together_leave_no_less_than_nothing() -> None:
    """Proves: 60 % shifted and 60 % cut: 6 kWh are cut at 2 for 5, 4 more move to 1.

    Sensitivity: with a cut at 6 kWh all 6 kWh move and 0 are cut.
    """
    text = flexible(
        "shift: {down_fraction: 0.6, up_kw: 8, within: day}, "
        "curtail: {levels: [{fraction: 0.6, price_per_kwh: 0.9}]}",
        day(1, 5),
        hours=2,
    )
    results = solved(text)
    assert results.of("plant.power")[1] == pytest.approx(0)
    # 10 kWh at 5 gone: 6 cut at 0.9 and 4 moved to 1; at 1 the 6 kWh of its own are cut too.
    assert results.of("plant.power")[0] == pytest.approx(10 + 4 - 6)
    assert results.cost == pytest.approx(8 + 12 * 0.9)
    dear = solved(text.replace("per_kwh: 0.9", "per_kwh: 6"))
    assert dear.of("plant.power") == pytest.approx([16, 4])


# ------------------------------------------------------------------ other


def test_reference_plan_has_no_flexibility() -> None:
    """Proves: as usual means 10 kW throughout. Sensitivity: with `in_reference: true` it is flexible."""
    text = flexible(shift("within: day") + ", " + LEVELS + "}", day(1, 5, 3, 2))
    usual, checked = study.run(problem_of(text).reference(), EXACT)
    checked.require()
    assert usual.of("plant.power") == pytest.approx([10] * 4)
    kept = text.replace("power_kw: 10,", "power_kw: 10, in_reference: true,", 1)
    same, _ = study.run(problem_of(kept).reference(), EXACT)
    assert same.cost == pytest.approx(solved(text).cost)
    absent = text.replace("power_kw: 10,", "power_kw: 10, in_reference: false,", 1)
    assert "plant" not in problem_of(absent).reference().park.assets


def test_heat_may_be_flexible_too() -> None:
    """Proves: the carrier is a field: 5 kWh of heat move from 5 to 1. Sensitivity: as electricity."""
    text = park(
        f"""
        baths: {{type: flexible_load, carrier: heat, power_kw: 10, {shift("within: day")}}}
        district: {{type: supply, carrier: heat, price_per_kwh: {day(1, 5)}}}
        """
    )
    assert solved(text).cost == pytest.approx(15 + 25)


def test_a_load_without_flexibility_is_a_load() -> None:
    """Proves: without `shift` and `curtail` it is drawn as it is."""
    assert solved(flexible("label: Plant", day(1, 5), hours=2)).cost == pytest.approx(60)


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("added", [9, 0, 0, 2], "added within its limit"),
        ("taken_away", [0, 6, 5, 0], "taken away within its limit"),
        ("taken_away", [0, 5, 4, 0], "made up for within the window"),
        ("power", [18, 5, 5, 11], "power follows load, shifts and cuts"),
        ("shifted", [8, 3, 1, 0], "shifted follows the flows"),
    ],
)
def test_audit_finds_wrong_shifts(column: str, values: list[float], message: str) -> None:
    """Proves: flows, limits and windows are checked from the load alone. Sensitivity: per case."""
    problem = problem_of(flexible(shift("within: day"), day(1, 5, 3, 2)))
    results, honest = study.run(problem, EXACT)
    assert honest.passed
    series = results.series.copy()
    series["park.plant.added"], series["park.plant.taken_away"] = [8.0, 0, 0, 2], [0.0, 5, 5, 0]
    series[f"park.plant.{column}"] = np.array(values, dtype=float)
    found = audit(replace(results, series=series), problem)
    assert message in {check.what for check in found.failures}


def test_audit_finds_load_that_is_too_late() -> None:
    """Proves: 5 kWh that are made up for two hours later break a delay of one. Sensitivity: of two."""
    for lag, late in ((1, True), (2, False)):
        problem = problem_of(flexible(shift(f"delay_hours: {lag}"), day(2, 2, 2), hours=3))
        results, _ = study.run(problem, EXACT)
        series = results.series.copy()
        series["park.plant.added"], series["park.plant.taken_away"] = [0.0, 0, 5], [5.0, 0, 0]
        found = audit(replace(results, series=series), problem)
        what = {check.what for check in found.failures}
        assert (f"load is never more than {lag} h late" in what) == late
        assert "load is never more than 0 h early" not in what


def test_taking_and_adding_at_once_is_noted() -> None:
    """Proves: a chain of shifts in the middle hour is legal, and told. Sensitivity: without it, no note."""
    told = [
        "takes away and adds load at once" in " ".join(solve_text(text)[1].notes)
        for text in (
            flexible(shift("delay_hours: 1"), day(6, 3, 1), hours=3),
            flexible(shift("delay_hours: 2"), day(6, 3, 1), hours=3),
        )
    ]
    assert told == [True, False]


@pytest.mark.parametrize(
    ("load", "message"),
    [
        ("shift: {up_kw: 1, within: day}", "`down_fraction` or `down_kw` is missing"),
        ("shift: {down_kw: 1, within: day}", "`up_fraction` or `up_kw` is missing"),
        ("shift: {down_kw: 1, up_kw: 1}", "says not when load is made up for"),
        (
            "shift: {down_kw: 1, up_kw: 1, within: day, delay_hours: 1}",
            "either `within`, or `delay",
        ),
        ("shift: {down_kw: 1, up_kw: 1, within: night}", "'night' is not a span of hours"),
        ("shift: {down_fraction: 1.2, up_kw: 1, within: day}", "must be at most 1"),
        ("shift: {down_kw: 1, up_kw: 1, within: day, cost_per_kwh: -1}", "must be at least 0"),
        ("curtail: {levels: []}", "levels"),
        ("curtail: {levels: [{price_per_kwh: 1}]}", "`fraction` or `power_kw` is missing"),
        ("carrier: hydrogen", "hydrogen is counted in kg, this demand in kWh"),
    ],
)
def test_what_does_not_fit_is_refused(load: str, message: str) -> None:
    """Proves: every contradiction has a message that says what to do. Sensitivity: per case."""
    with pytest.raises(InputError, match=message):
        solved(flexible(load, "1"))
