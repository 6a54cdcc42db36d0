"""Rolling dispatch: hand-solved windows, the optimum where one window sees all, never below it else."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from microgrid_opt import study
from microgrid_opt.dispatch import Dispatch, as_before, dispatch
from microgrid_opt.errors import InputError, NoPlanError
from microgrid_opt.horizon import Horizon
from microgrid_opt.model import build
from microgrid_opt.problem import Problem
from microgrid_opt.solve import handoff, highs
from microgrid_opt.solve.reach import reach_of
from microgrid_opt.solve.rolling import Windows
from tests.properties.strategies import parks, text_of
from tests.support import EXACT, bill, day, park, problem_of

if TYPE_CHECKING:
    from microgrid_opt.solve.status import Progress

WEEK = "horizon={start: 2025-03-03, hours: 168}"
ALL = Windows(1e6, 0.0)
LOSSLESS = "charge_efficiency: 1, discharge_efficiency: 1"


def rolled(text: str, spec: Windows) -> Dispatch:
    """Return the rolled operation of a park after what must hold for all has been asserted."""
    found = dispatch(problem_of(text), spec, EXACT)
    found.plan.audit.require()
    found.foresight_audit.require()
    run = found.plan.results.run
    assert found.plan.results.cost == pytest.approx(run.objective, rel=1e-9, abs=1e-6)
    assert run.strategy == "rolling"
    assert found.extra >= -1e-6
    return found


def evening(prices: list[float]) -> str:
    """Return a load of 10 kW with an empty battery of 10 kWh, which may be left in any state."""
    return park(
        f"""
        load: {{type: load, power_kw: 10}}
        grid: {{type: grid, import_price_per_kwh: {day(*prices)}}}
        battery: {{type: battery, energy_kwh: 10, power_kw: 10, {LOSSLESS},
                   initial_fraction: 0, final: free}}
        """,
        hours=len(prices),
    )


@pytest.mark.parametrize(
    ("look_ahead", "guidance", "cost"),
    [(0.0, "none", 140.0), (2.0, "none", 100.0), (0.0, "plan", 100.0), (2.0, "plan", 100.0)],
)
def test_a_window_that_does_not_see_the_evening_misses_it(
    look_ahead: float, guidance: Any, cost: float
) -> None:
    """Proves: 10 kWh bought at 1 and used at 5 save 40 of 140, in windows of two hours.

    No window with a price of 1 sees the 5 without look-ahead; one does with two hours of it; and the
    plan's price of what is stored, between 1 and 5, tells it as well. Sensitivity: the look-ahead.
    """
    found = rolled(evening([1, 1, 1, 1, 5, 5]), Windows(2.0, look_ahead, guidance))
    assert found.windows == 3
    assert found.foresight.cost == pytest.approx(100.0)
    assert found.plan.results.cost == pytest.approx(cost)
    assert found.extra == pytest.approx(cost - 100.0, abs=1e-9)
    assert found.extra_fraction == pytest.approx((cost - 100.0) / 100.0, abs=1e-12)
    assert found.plan.results.run.is_optimal == (cost == 100.0)
    # Hourly prices are those of the windows: the grid's, wherever something is bought.
    prices = found.plan.results.prices["park.electricity"].to_numpy()
    bought = found.plan.results.of("grid.import") > 1e-6
    assert bought.sum() >= 4
    assert prices[bought] == pytest.approx(np.array([1, 1, 1, 1, 5, 5])[bought])


@pytest.mark.parametrize(("second", "charge", "cost"), [(8.0, 0.0, 40.0), (9.0, 2.0, 42.0)])
def test_a_peak_that_was_reached_costs_nothing_further(
    second: float, charge: float, cost: float
) -> None:
    """Proves: the month's peak so far is a floor without a price, in windows of two hours.

    A battery that loses half of what it charges saves 1 for each kW that it takes off a peak at 2. In
    the first window it takes 2 of 10 kW. A second peak of 8 is left alone, of 9 it takes 1.
    Sensitivity: charged again, a peak of 8 would be lowered too, for 42 in all.
    """
    text = park(
        f"""
        load: {{type: load, power_kw: {day(2, 10, 2, second)}}}
        grid: {{type: grid, import_price_per_kwh: 1, peak_price_per_kw_month: 2}}
        battery: {{type: battery, energy_kwh: 4, power_kw: 4, charge_efficiency: 0.5, discharge_efficiency: 1,
                   initial_fraction: 0, final: free}}
        """,
        hours=4,
    )
    found = rolled(text, Windows(2.0, 0.0, "none"))
    results = found.plan.results
    assert results.of("battery.charge") == pytest.approx([4, 0, charge, 0])
    assert bill(results, "grid", "demand_charge") == pytest.approx(16.0)
    assert results.cost == pytest.approx(cost)


def test_the_plan_tells_the_peak_of_the_month() -> None:
    """Proves: a peak that the plan foresees is a floor before it comes.

    The first window would lower its peak of 6 for 1 a kW; the 12 kW of the second, of which the
    battery takes 2, make that useless. Sensitivity: not told of it, the first window pays for 1 kW.
    """
    text = park(
        f"""
        load: {{type: load, power_kw: {day(2, 6, 2, 12)}}}
        grid: {{type: grid, import_price_per_kwh: 1, peak_price_per_kw_month: 2}}
        battery: {{type: battery, energy_kwh: 2, power_kw: 4, charge_efficiency: 0.5, discharge_efficiency: 1,
                   initial_fraction: 0, final: free}}
        """,
        hours=4,
    )
    told = rolled(text, Windows(2.0, 0.0, "plan"))
    assert told.plan.results.cost == pytest.approx(8 + 6 + 10 + 20)
    assert told.extra == pytest.approx(0.0, abs=1e-9)
    alone = rolled(text, Windows(2.0, 0.0, "none"))
    assert alone.plan.results.of("battery.charge")[0] > 1.0
    assert alone.extra > 0.5


def test_a_ratchet_is_seen_in_the_month_of_its_peak() -> None:
    """Proves: January's window pays for the months that its peak will be billed in, February's is free.

    At 0.9 a kW and month it is not worth 1 to lower January's peak of 10 by a kW, but February is
    billed for it too: 2 kW are taken off. February's own 8 kW are then billed already: 24 + 0.9 × 16.
    Sensitivity: without the ratchet nothing is lowered, for 22 + 0.9 × 18.
    """
    ratchet = "ratchet_fraction: 1, ratchet_lookback_months: 1"
    text = park(
        f"""
        load: {{type: load, power_kw: {{hourly: {[2, 8, *[0] * 20, 2, 10]}}}}}
        grid: {{type: grid, tariff: {{components: {{
            energy: {{type: energy, price_per_kwh: 1}},
            demand: {{type: demand, price_per_kw_month: 0.9, {ratchet}}}}}}}}}
        battery: {{type: battery, energy_kwh: 4, power_kw: 4, charge_efficiency: 0.5,
                   discharge_efficiency: 1, initial_fraction: 0, final: free}}
        """,
        horizon="{start: 2025-01-31 22:00, hours: 4}",
    )
    for made, charge, cost in (
        (text, [4, 0, 0, 0], 24 + 14.4),
        (text.replace(f", {ratchet}", ""), [0, 0, 0, 0], 22 + 16.2),
    ):
        found = rolled(made, Windows(2.0, 0.0, "none"))
        assert found.plan.results.of("battery.charge") == pytest.approx(charge, abs=1e-6)
        assert found.plan.results.cost == pytest.approx(cost)


@pytest.mark.parametrize(
    ("look_ahead", "on", "cost"), [(0.0, [0, 1, 1, 1], 17.0), (2.0, [0] * 4, 15.0)]
)
def test_a_start_binds_the_windows_after_it(look_ahead: float, on: list[int], cost: float) -> None:
    """Proves: a least time on of three hours reaches over the border of two windows.

    The engine makes 10 kWh for 7.5. At a price of 1.2 it starts in the second hour; then it runs two
    hours at its least load, 5 kW for 3.75 beside 5 bought for 0.5: 1 + 7.5 + 2 × 4.25. Whoever sees
    that leaves it off: 1 + 12 + 1 + 1. Sensitivity: forgotten at the border, it would cost 10.5.
    """
    text = park(
        f"""
        load: {{type: load, power_kw: 10}}
        grid: {{type: grid, import_price_per_kwh: {day(0.1, 1.2, 0.1, 0.1)}}}
        gas: {{type: supply, carrier: gas, price_per_kwh: 0.3}}
        engine: {{type: generator, fuel: gas, electric_efficiency: 0.4, power_kw: 10,
                  commitment: {{min_load_fraction: 0.5, min_up_hours: 3, before: "off"}}}}
        """,
        hours=4,
    )
    found = rolled(text, Windows(2.0, look_ahead))
    assert found.foresight.cost == pytest.approx(15.0)
    assert found.plan.results.of("engine.on").tolist() == on
    assert found.plan.results.cost == pytest.approx(cost)


def test_a_cap_is_allotted_as_in_the_plan() -> None:
    """Proves: 20 kg of CO2 for four hours are kept for the hours in which they save most.

    Clean power costs 3, that of the grid 2 and later 1: clean first, for 60 + 20. Sensitivity: who
    comes first is served first would be 40 + 60.
    """
    text = park(
        f"""
        load: {{type: load, power_kw: 10}}
        grid: {{type: grid, import_price_per_kwh: {day(2, 2, 1, 1)}, co2_kg_per_kwh: 1}}
        clean: {{type: supply, carrier: electricity, price_per_kwh: 3}}
        """,
        hours=4,
        carbon=f"{{cap_t_per_year: {0.02 * 8760 / 4}}}",
    )
    found = rolled(text, Windows(1.0, 0.0, "none"))
    assert found.plan.results.of("grid.import") == pytest.approx([0, 0, 10, 10], abs=1e-6)
    assert found.plan.results.cost == pytest.approx(80.0)


def test_windows_without_a_plan_are_decided_again_and_told() -> None:
    """Proves: a store that must end full and was emptied is decided again with the window before.

    Of 4 kWh at 1 kW the first two windows use 2 each at a price of 5; the last can bring back 2 only.
    Then only the first uses any: 220 − 10 + 2. Sensitivity: a look-ahead of two hours sees it.
    """
    text = park(
        f"""
        load: {{type: load, power_kw: 10}}
        grid: {{type: grid, import_price_per_kwh: {day(5, 5, 5, 5, 1, 1)}}}
        battery: {{type: battery, energy_kwh: 4, power_kw: 1, {LOSSLESS}, initial_fraction: 1,
                   final: at_least_initial}}
        """,
        hours=6,
    )
    found = rolled(text, Windows(2.0, 0.0, "none"))
    assert found.plan.results.cost == pytest.approx(212.0)
    (note,) = found.notes
    assert note.startswith("Window 3 of 3 (from 2025-03-03 04:00) had no plan")
    assert "again with the 1 before it" in note
    assert "battery" in note
    assert not rolled(text, Windows(2.0, 2.0, "none")).notes


@pytest.mark.parametrize(
    ("first", "forecast", "cost"),
    [(0, "perfect", 10.0), (0, "persistence", 50.0), (10, "persistence", 20.0)],
)
def test_the_day_before_is_expected_once_more(first: float, forecast: Any, cost: float) -> None:
    """Proves: a look-ahead by persistence has the demand of the day before, at prices that are known.

    10 kWh are needed in the last hour of the second day, whose price is 5; on the first it is 1. Who
    expects a day without demand buys nothing ahead: 50. After a first day with the same demand it
    does, for 10 + 10. Sensitivity: a price of 1 that is expected to stay would buy nothing either.
    """
    text = park(
        f"""
        load: {{type: load, power_kw: {{weekday: {[*[0] * 23, first]}, weekend: {[*[0] * 23, 10]}}}}}
        grid: {{type: grid, import_price_per_kwh: {{weekday: {[1] * 24}, weekend: {[5] * 24}}}}}
        battery: {{type: battery, energy_kwh: 10, power_kw: 10, {LOSSLESS},
                   initial_fraction: 0, final: free}}
        """,
        horizon="{start: 2025-03-07, hours: 48}",
    )
    found = rolled(text, Windows(24.0, 24.0, "none", forecast))
    assert found.plan.results.cost == pytest.approx(cost)


def test_prices_are_known_beforehand() -> None:
    """Proves: demand and output of two days before are expected for more than a day of look-ahead.

    Prices stay. Sensitivity: a look-ahead of a day takes the day before.
    """
    problem = study.load("wind_pv_hydrogen", sets=[WEEK])
    assert isinstance(problem, Problem)
    for hours, shift in ((24.0, 24), (25.0, 48), (0.0, 24)):
        found = as_before(problem, Windows(24.0, hours, forecast="persistence")).arrays
        for key, values in problem.arrays.items():
            is_price = "price" in key
            moved = values if is_price else [*values[-shift:], *values[:-shift]]
            assert found[key].tolist() == pytest.approx(list(moved)), key


def test_a_persistence_forecast_needs_equal_steps() -> None:
    """Proves: where no step is a day after another one, it is refused with what to do."""
    text = evening([1, 1, 1]).replace("hours: 3", "steps_hours: [1, 0.5, 1]")
    with pytest.raises(InputError, match="needs equal steps that divide a day"):
        dispatch(problem_of(text), Windows(1.0, 1.0, forecast="persistence"), EXACT)


@pytest.mark.parametrize("after", [1, 2])
def test_ctrl_c_tells_what_was_reached(after: int) -> None:
    """Proves: stopped between windows, the message has the window, its start and the cost so far.

    Sensitivity: another window, another cost: 10 kW at 1 for two hours each.
    """

    def stop(progress: Progress) -> None:
        if progress.stage == f"rolling: window {after} of 3":
            raise KeyboardInterrupt

    asked = study.Asked("test", on_progress=stop)
    with pytest.raises(NoPlanError) as error:
        dispatch(problem_of(evening([1, 1, 1, 1, 5, 5])), Windows(2.0, 0.0, "none"), asked)
    message = str(error.value)
    assert f"window {after + 1} of 3 (from 2025-03-03 0{2 * after}:00)" in message
    assert f"up to there costs {20 * after}," in message


@pytest.mark.parametrize(
    "case",
    [
        "minimal",
        "wind_pv_hydrogen",
        "yangzhou",
        "data_centre",
        "heat_cascade",
        "steel_park",
        "us_warehouse",
        "shared_storage",
    ],
)
def test_a_week_in_one_window_is_the_optimum(case: str) -> None:
    """Proves: every formulation of the shipped cases is in the window as it is in the model.

    In windows of a day the cost is not below, and the audit of the whole passes. Sensitivity: a row or a
    column that the window lacks, or counts twice, changes the optimum.
    """
    problem = study.load(case, sets=[WEEK])
    assert isinstance(problem, Problem)
    whole = dispatch(problem, ALL)
    assert whole.windows == 1
    assert whole.plan.results.cost == pytest.approx(whole.foresight.cost, rel=1e-6)
    for spec in (
        Windows(24.0, 24.0),
        Windows(24.0, 24.0, "none"),
        Windows(24.0, 24.0, forecast="persistence"),
    ):
        days = dispatch(problem, spec)
        days.plan.audit.require()
        assert days.windows == 7
        assert days.extra >= -1e-6 * abs(days.foresight.cost)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    parks(integers=True),
    st.sampled_from([0.5, 1.0, 2.0]),
    st.sampled_from([0.0, 1.0, 2.0]),
    st.sampled_from(["plan", "none"]),
)
def test_random_parks_never_beat_perfect_foresight(
    made: dict[str, Any], hours: float, look_ahead: float, guidance: Any
) -> None:
    """Proves: whatever the windows, what they decide is a plan of the whole, with a passing audit.

    It never costs less than with perfect foresight, and as much where one window sees all.
    Sensitivity: state that is lost at a border is cheaper, or fails the audit.
    """
    found = rolled(text_of(made), Windows(hours, look_ahead, guidance))
    assert found.windows >= 1
    cost = found.foresight.cost
    assert rolled(text_of(made), ALL).plan.results.cost == pytest.approx(cost, rel=1e-6, abs=1e-6)


def test_borders_of_windows() -> None:
    """Proves: windows end at the first step after their hours; steps longer than that are windows.

    Sensitivity: unequal steps; the last window sees no further than the horizon.
    """
    horizon = Horizon.regular("2025-03-03", 6)
    assert Windows(2.0, 1.0).borders(horizon) == [(0, 2, 3), (2, 4, 5), (4, 6, 6)]
    assert Windows(4.0, 0.0).borders(horizon) == [(0, 4, 4), (4, 6, 6)]
    assert Windows(0.1, 0.0).borders(horizon)[-1] == (5, 6, 6)
    assert Windows(99.0, 99.0).borders(horizon) == [(0, 6, 6)]


@pytest.mark.parametrize(
    ("hours", "look_ahead", "guidance", "message"),
    [
        (0.0, 0.0, "plan", "window-hours = 0.0: must be more than 0 hours"),
        (float("nan"), 0.0, "plan", "window-hours = nan: must be more than 0 hours"),
        (24.0, -1.0, "plan", "look-ahead-hours = -1.0: must be 0 hours or more"),
        (24.0, float("inf"), "plan", "look-ahead-hours = inf: must be 0 hours or more"),
        (24.0, 0.0, "target", "guide = 'target': must be `plan` or `none`"),
    ],
)
def test_windows_that_are_none(
    hours: float, look_ahead: float, guidance: Any, message: str
) -> None:
    """Proves: hours and words that mean nothing are refused with what is allowed."""
    with pytest.raises(InputError, match=message):
        Windows(hours, look_ahead, guidance)


@pytest.mark.parametrize("hours", [2, 3, 6])
def test_a_cyclic_store_reaches_around_the_end(hours: int) -> None:
    """Proves: the first step's rule of content has the last step before it, not after it.

    It is decided with the first step; what the last one holds is known from the plan. Sensitivity: two
    steps, where both rules have the same steps; with a given start no rule reaches around.
    """
    text = evening([1.0] * hours)
    cyclic = text.replace("initial_fraction: 0, final: free", "final: cyclic")
    for park_text, around in (
        (cyclic, [True] + [False] * (hours - 1)),
        (text, [False] * (hours - 1)),
    ):
        problem = problem_of(park_text)
        draft = build(problem)
        matrix = handoff.extract(draft.model)
        held = np.zeros(matrix.column_count, dtype=bool)
        reach = reach_of(matrix, problem.horizon, held)
        column = matrix.column_blocks["park.battery.state_of_charge"]
        touched = (matrix.index >= column.start) & (matrix.index < column.start + column.count)
        count = np.bincount(matrix.entry_row, touched, matrix.row_count)
        rows = np.flatnonzero(count == 2)
        assert reach.around[rows].tolist() == around
        assert (reach.last[rows] == np.arange(hours)[-len(rows) :]).all()


def test_ctrl_c_inside_a_window_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: a window that is solved before it can be stopped still ends the walk.

    Sensitivity: the status of such a window is `optimal`.
    """
    solve = highs.solve

    def pressed(*given: Any, **named: Any) -> Any:
        return replace(solve(*given, **named), interrupted=True)

    monkeypatch.setattr(highs, "solve", pressed)
    monkeypatch.setattr(highs, "attempts", lambda m, p, **_: [solve(m, p[0])])
    with pytest.raises(NoPlanError, match=r"Stopped \(Ctrl-C\) in window 1 of 3"):
        dispatch(problem_of(evening([1, 1, 1, 1, 5, 5])), Windows(2.0, 0.0), EXACT)
