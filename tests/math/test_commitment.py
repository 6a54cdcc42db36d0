"""On/off operation: against PyPSA's published optima, by hand, and by enumeration."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid_opt.errors import InputError
from tests.support import bill, day, park, solve_text, solved

if TYPE_CHECKING:
    from microgrid_opt.audit import Audit
    from microgrid_opt.results import Results


def unit_park(load: list[float], units: str, *, steps: str = "", peaker: str = "") -> str:
    hours = len(load)
    values = ", ".join(f"{value:g}" for value in load)
    return f"""
schema: 1
name: Committed units
currency: EUR
horizon: {{start: 2025-01-01, {steps or f"hours: {hours}"}}}
finance: {{discount_rate: 0, project_years: 1, investment_scaling: full}}
assets:
  heat:
    type: heat_demand
    power_kw: {{hourly: [{values}, {", ".join(["0"] * (24 - hours))}]}}
  gas: {{type: supply, carrier: gas, price_per_kwh: 0}}
{units}
{peaker}
"""


def ran(results: Results, name: str = "unit") -> np.ndarray:
    return np.asarray(results.of(f"{name}.on"))


def test_sized_unit_with_starts_and_stops_as_pypsa() -> None:
    """Proves: sizing and commitment together, with start and stop cost.

    Published: PyPSA 1.4.0 documentation example, HiGHS 1.15.1: 40,088,200
    = 500 × 80,000 + 1750 × 50 + 500 + 200; the unit runs before the first step.
    Sensitivity: without the stop for the idle hour the least load of 150 could not be placed.
    """
    results, audit = solve_text(
        unit_park(
            [300, 500, 400, 0, 200, 350],
            """
  unit:
    type: gas_boiler
    efficiency: 1
    power_kw: {max_kw: 1000, annual_cost_per_kw: 80000}
    variable_om_per_kwh: 50
    commitment: {min_load_fraction: 0.3, start_cost: 500, stop_cost: 200, before: on}
""",
        )
    )
    assert results.cost == pytest.approx(40_088_200.0, rel=1e-9)
    assert results.size("unit") == pytest.approx(500.0)
    assert ran(results).tolist() == [1, 1, 1, 0, 1, 1]
    assert audit.passed, audit.failures


def test_sized_unit_with_ramps_beside_a_peaker_as_pypsa() -> None:
    """Proves: ramps as a share of a chosen size, least load, start cost.

    Published: PyPSA 1.4.0 documentation example, HiGHS 1.15.1: 768,200; 650 and 200 kW.
    """
    results, audit = solve_text(
        unit_park(
            [150, 200, 180, 500, 700, 650, 500, 180, 150, 500, 180],
            """
  unit:
    type: gas_boiler
    efficiency: 1
    power_kw: {max_kw: 800, annual_cost_per_kw: 200}
    variable_om_per_kwh: 30
    commitment:
      min_load_fraction: 0.6
      ramp_fraction_per_hour: 0.6
      start_cost: 800
      before: on
""",
            peaker="""
  peaker:
    type: gas_boiler
    efficiency: 1
    power_kw: {max_kw: 800, annual_cost_per_kw: 2000}
    variable_om_per_kwh: 140
""",
        )
    )
    assert results.cost == pytest.approx(768_200.0, rel=1e-9)
    assert results.size("unit") == pytest.approx(650.0)
    assert results.size("peaker") == pytest.approx(200.0)
    assert audit.passed, audit.failures


GIVEN = """
  unit:
    type: gas_boiler
    efficiency: 0.5
    size_on: output
    power_kw: 100
    variable_om_per_kwh: 1
    commitment: {%s}
"""
DEAR = """
  peaker: {type: gas_boiler, efficiency: 1, power_kw: 200, variable_om_per_kwh: 3}
"""


@pytest.mark.parametrize(
    ("rules", "cost", "on"),
    [
        # Load 60, 0, 60, 60: without rules the unit follows it at 1 per kWh.
        ("", 180.0, None),
        # Two starts at 50 from off; the idle hour is below the least load: 180 + 100.
        ("start_cost: 50, min_load_fraction: 0.1", 280.0, [1, 0, 1, 1]),
        # Off at least 2 h after a stop: run hours 3-4 only (peaker 60 × 3 in hour 1) or hour 1 and 4:
        # both 60 × 3 + 120.
        ("min_down_hours: 3, min_load_fraction: 0.1", 300.0, None),
        # Starting in hour 1 would need two hours on, but hour 2 has no load for 50 %.
        ("min_up_hours: 2, min_load_fraction: 0.5", 300.0, [0, 0, 1, 1]),
        # Runs must end by themselves: three hours from hour 2 on, which has no load for 50 %.
        ("min_up_hours: 3, min_load_fraction: 0.5", 300.0, [0, 0, 1, 1]),
        ("min_up_hours: 3, min_load_fraction: 0.5, complete_runs: true", 540.0, [0, 0, 0, 0]),
        # Known or free state before, or the run of hours 3 and 4 going on in hour 1: one start.
        ("start_cost: 50, before: cyclic, min_load_fraction: 0.1", 230.0, [1, 0, 1, 1]),
        ("start_cost: 50, before: on, min_load_fraction: 0.1", 230.0, [1, 0, 1, 1]),
        ("start_cost: 50, before: free, min_load_fraction: 0.1", 230.0, [1, 0, 1, 1]),
        ("stop_cost: 7, before: off, min_load_fraction: 0.1", 187.0, [1, 0, 1, 1]),
    ],
)
def test_rules_of_a_given_unit(rules: str, cost: float, on: list[float] | None) -> None:
    """Proves: each rule alone, on four hours worked out beside it; the peaker costs 3 per kWh."""
    results, audit = solve_text(unit_park([60, 0, 60, 60], GIVEN % rules, peaker=DEAR))
    assert results.cost == pytest.approx(cost, rel=1e-9)
    if on is not None:
        assert ran(results).tolist() == on
    assert audit.passed, audit.failures


def test_a_run_across_the_end_is_one() -> None:
    """Proves: in a cycle the hours 3 and 0 are one run of two, as its least time wants, and one start.

    Sensitivity: with a least time of three the least load of an idle hour has no place, so the dear
    one serves all.
    """
    rules = "min_load_fraction: 0.1, start_cost: 50, min_up_hours: %d, before: cyclic"
    text = unit_park([60, 0, 0, 60], GIVEN % (rules % 2), peaker=DEAR)
    results, audit = solve_text(text)
    assert audit.passed, audit.failures
    assert ran(results).tolist() == pytest.approx([1, 0, 0, 1])
    assert results.cost == pytest.approx(120 + 50)
    longer, audit = solve_text(text.replace("min_up_hours: 2", "min_up_hours: 3"))
    assert audit.passed, audit.failures
    assert longer.cost == pytest.approx(3 * 120)


def test_up_time_counts_hours_not_steps() -> None:
    """Proves: with half-hour steps a least up time of 2 h binds over four steps.

    Load is 60 for an hour, then 0; on for 2 h at 50 % least load is impossible, so the peaker runs.
    """
    park = unit_park(
        [60, 0, 0, 0],
        GIVEN % "min_up_hours: 2, min_load_fraction: 0.5",
        steps="hours: 4, step_minutes: 30",
        peaker=DEAR,
    )
    results, audit = solve_text(park)
    assert ran(results).sum() == 0
    assert results.cost == pytest.approx(180.0)
    assert audit.passed, audit.failures


def test_a_committed_size_needs_a_bound() -> None:
    text = unit_park(
        [60],
        """
  unit:
    type: gas_boiler
    efficiency: 1
    power_kw: {annual_cost_per_kw: 1}
    commitment: {min_load_fraction: 0.5}
""",
    )
    with pytest.raises(InputError, match=r"`commitment` needs a bound: give max_kw\."):
        solve_text(text)


def replayed(on: tuple[int, ...], up: int, down: int, before: int) -> bool:
    """Whether a schedule keeps its least up and down hours, by walking through it."""
    state, since = before, 99
    for now in on:
        if now == state:
            since += 1
            continue
        if since < (up if state else down):
            return False
        state, since = now, 1
    return True


def cheapest(
    load: list[float], least: float, up: int, down: int, start: float, before: int
) -> float:
    """Enumerate all schedules of a 100 kW unit at 1 per kWh beside a peaker at 3."""
    best = np.inf
    for on in itertools.product((0, 1), repeat=len(load)):
        if not replayed(on, up, down, before):
            continue
        cost, state = 0.0, before
        for need, now in zip(load, on, strict=True):
            if now and need < least * 100:
                cost = np.inf
                break
            cost += start * (now > state) + (need if now else 3 * need)
            state = now
        best = min(best, cost)
    return best


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    load=st.lists(st.integers(0, 10).map(lambda k: 10.0 * k), min_size=2, max_size=6),
    least=st.sampled_from([0.0, 0.3, 0.5]),
    up=st.integers(1, 4),
    down=st.integers(1, 4),
    start=st.sampled_from([0.0, 40.0, 150.0]),
    before=st.sampled_from([0, 1]),
)
def test_optimum_is_that_of_enumeration(
    load: list[float], least: float, up: int, down: int, start: float, before: int
) -> None:
    """Proves: 100 random instances of up to six hours equal brute force."""
    state = "on" if before else "off"
    rules = (
        f"min_load_fraction: {least}, min_up_hours: {up}, min_down_hours: {down}, "
        f"start_cost: {start}, before: {state}"
    )
    results, audit = solve_text(unit_park(load, GIVEN % rules, peaker=DEAR))
    wanted = cheapest(load, least, up, down, start, before)
    assert results.cost == pytest.approx(wanted, rel=1e-9, abs=1e-6)
    assert audit.passed, audit.failures


def test_tampered_schedule_fails_the_audit() -> None:
    """Proves: the audit replays the unit: a stop that is not in the states is found."""
    from dataclasses import replace

    from microgrid_opt.audit import audit as check
    from tests.support import problem_of

    text = unit_park([60, 0, 60, 60], GIVEN % "start_cost: 50, min_load_fraction: 0.1", peaker=DEAR)
    results, _ = solve_text(text)
    series = results.series.copy()
    series.loc[series.index[1], "park.unit.on"] = 1.0
    found: Audit = check(replace(results, series=series), problem_of(text))
    assert any("starts follow" in item.what for item in found.failures)


def test_up_and_down_time_on_steps_of_unequal_length() -> None:
    """Proves: a run of 2 + 1 h keeps a least time on of 3 h, and may stop after it.

    Load is 60, 60, 0, 60 on steps of 2, 1, 1, 1 h with a least load: on, on, off, then on again after
    the pause of 1 h, which keeps a least time off of 1 h.
    Sensitivity: at 3.5 h on the first run is too short for the pause; at 1.5 h off the last is.
    """
    steps = "steps_hours: [2, 1, 1, 1]"
    load = [60.0, 60, 60, 0, 60]
    rules = "min_up_hours: 3, min_down_hours: 1, min_load_fraction: 0.1"
    results, audit = solve_text(unit_park(load, GIVEN % rules, steps=steps, peaker=DEAR))
    assert ran(results).tolist() == [1, 1, 0, 1]
    assert results.cost == pytest.approx(60 * 4)
    assert audit.passed, audit.failures
    longer = rules.replace("up_hours: 3", "up_hours: 3.5")
    results, _ = solve_text(unit_park(load, GIVEN % longer, steps=steps, peaker=DEAR))
    assert results.cost == pytest.approx(60 + 3 * 180)
    pause = rules.replace("down_hours: 1", "down_hours: 1.5")
    results, _ = solve_text(unit_park(load, GIVEN % pause, steps=steps, peaker=DEAR))
    assert results.cost == pytest.approx(60 * 3 + 180)


CHOSEN = GIVEN.replace("100", "{min_kw: 60, max_kw: 300, annual_cost_per_kw: 0.5}")


@pytest.mark.parametrize(("unit", "fixed"), [(GIVEN, 0.0), (CHOSEN, 30.0)])
@pytest.mark.parametrize(
    ("rules", "cost", "figures"),
    [
        # Load 60, 0, 60, 0, 0, 60. Three cold starts at 50.
        ("start_cost: 50", 180 + 150, {"starts": 3}),
        # Pauses of 1 h and 2 h: one, both, none of them shorter than the limit.
        ("start_cost: 50, hot_start_cost: 10, hot_start_within_hours: 2", 290, {"hot_starts": 1}),
        ("start_cost: 50, hot_start_cost: 10, hot_start_within_hours: 2.5", 250, {"hot_starts": 2}),
        ("start_cost: 50, hot_start_cost: 10, hot_start_within_hours: 1", 330, {"hot_starts": 0}),
        # At most two starts a day: a third hour is bought at 3.
        ("start_cost: 50, max_starts_per_day: 2", 120 + 100 + 180, {"starts": 2}),
        ("max_starts_per_day: 0", 540, {"starts": 0}),
        # 6 h of a year: 8760/6 starts a year are one, in every horizon of 6 h.
        ("max_starts_per_year: 1460", 60 + 360, {"starts": 1}),
        ("max_starts_per_year: 2920", 120 + 180, {"starts": 2}),
        # Standby for 3 kW × 1 instead of starts at 50: 3 h of it, two warm starts at 2.
        (
            "start_cost: 50, standby: {power_fraction: 0, carrier: gas, start_cost: 2}",
            180 + 50 + 4,
            {"starts": 1, "warm_starts": 2, "hours_in_standby": 3},
        ),
        # A running hour costs 7.
        ("running_cost_per_hour: 7", 180 + 21, {"hours_on": 3}),
    ],
)
def test_starts_by_kind(
    unit: str, fixed: float, rules: str, cost: float, figures: dict[str, float]
) -> None:
    """Proves: each rule of starts alone, on six hours worked out beside it, given and chosen size.

    A least load of 10 % keeps the unit from being on in hours without load.
    """
    text = unit_park([60, 0, 60, 0, 0, 60], unit % f"min_load_fraction: 0.1, {rules}", peaker=DEAR)
    results, audit = solve_text(text)
    assert audit.passed, audit.failures
    assert results.cost == pytest.approx(cost + fixed, rel=1e-9)
    details = results.details.set_index(["asset", "name"])["value"]
    for name, value in figures.items():
        assert details["unit", name] == pytest.approx(value)


def test_standby_draws_its_share_of_the_size() -> None:
    """Proves: standby for one hour draws 0.05 × 100 = 5 kW of gas at 2, less than a start at 50; for
    twelve hours it costs more. A kWh of heat costs 2 + 1 in all.

    Sensitivity: at a share of 0.3 the hour in standby costs 60 and the unit is off instead.
    """
    rules = "min_load_fraction: 0.5, start_cost: 50, standby: {power_fraction: 0.05, carrier: gas}"
    unit = GIVEN.replace("0.5", "1") % rules
    load = [60.0, 0, 60, *[0] * 12, 60]
    text = unit_park(load, unit, peaker=DEAR).replace("price_per_kwh: 0}", "price_per_kwh: 2}")
    results, audit = solve_text(text)
    assert audit.passed, audit.failures
    assert results.of("unit.standby").tolist() == [0, 1, *[0] * 14]
    assert results.of("gas.purchase")[1] == pytest.approx(5)
    assert results.cost == pytest.approx(3 * 60 * 3 + 10 + 50 * 2)
    dear, _ = solve_text(text.replace("0.05", "0.3"))
    assert dear.of("unit.standby").sum() == 0
    assert dear.cost == pytest.approx(3 * 60 * 3 + 50 * 3)


@pytest.mark.parametrize(
    ("size", "total", "fixed"),
    [("100", 100.0, 0.0), ("{max_kw: 300, annual_cost_per_kw: 0.5}", 60.0, 30.0)],
)
def test_costs_per_size(size: str, total: float, fixed: float) -> None:
    """Proves: starts at 0.2 and hours on at 0.1 for each kW of the size; two starts, three hours on.

    Sensitivity: 60 kW are enough for the load, so a chosen unit pays for 60 and a given one for 100.
    """
    unit = GIVEN.replace("100", size)
    rules = "min_load_fraction: 0.1, start_cost_per_size: 0.2, running_cost_per_size_hour: 0.1"
    results, audit = solve_text(unit_park([60, 0, 60, 60], unit % rules, peaker=DEAR))
    assert audit.passed, audit.failures
    assert results.size("unit") == pytest.approx(total)
    assert bill(results, "unit", "start") == pytest.approx(2 * 0.2 * total)
    assert bill(results, "unit", "running") == pytest.approx(3 * 0.1 * total)
    assert results.cost == pytest.approx(180 + fixed + 0.7 * total)


@pytest.mark.parametrize("rules", ["start_cost_per_size: 0.001", "min_load_fraction: 0.5"])
def test_a_committed_unit_is_limited_by_what_is_available(rules: str) -> None:
    """Proves: 40 kW from half of the size need 80 kW, with costs by size and without.

    Sensitivity: a size times one over the share would be 20 kW.
    """
    text = park(
        f"""
        load: {{type: load, power_kw: {day(40, 40)}}}
        fuel: {{type: supply, carrier: gas, price_per_kwh: 1}}
        engine:
          type: generator
          fuel: gas
          electric_efficiency: 0.5
          available_fraction: 0.5
          power_kw: {{max_kw: 200, annual_cost_per_kw: 3}}
          commitment: {{{rules}}}
        """
    )
    results = solved(text)
    assert results.size("engine") == pytest.approx(80)
    started = bill(results, "engine", "start")
    assert results.cost == pytest.approx(240 + 160 + started)


def test_a_small_unit_stays_small_with_a_loose_bound() -> None:
    """Proves: least load and standby follow the size, not its bound of 1000: 20 kW at least half on.

    Sensitivity: with the bound as size the least load were 500.
    """
    unit = GIVEN.replace("100", "{max_kw: 1000, annual_cost_per_kw: 1}")
    rules = "min_load_fraction: 0.5, start_cost: 9, standby: {power_fraction: 0.1, carrier: gas}"
    text = unit_park([20, 0, 10], unit % rules, peaker=DEAR)
    results, audit = solve_text(text)
    assert audit.passed, audit.failures
    assert results.size("unit") == pytest.approx(20)
    assert results.of("unit.standby").tolist() == [0, 1, 0]
    assert results.of("gas.purchase") == pytest.approx([40, 2, 20])


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ("hot_start_cost: 5", r"commitment\.hot_start_cost: needs `hot_start_within_hours`"),
        ("hot_start_within_hours: 5", r"needs `hot_start_cost`: give both or neither"),
        (
            "start_cost: 4, hot_start_cost: 5, hot_start_within_hours: 2",
            r"hot_start_cost: is more than `start_cost` 4",
        ),
        ("max_starts_per_day: 1.5", r"max_starts_per_day = 1.5: must be a whole number"),
        ("max_starts_per_day: -1", r"max_starts_per_day = -1: must be >= 0"),
        ("max_starts_per_year: -1", r"max_starts_per_year = -1: must be at least 0"),
        ("standby: {}", r"standby\.power_fraction: this key is required"),
        ("standby: {power_fraction: 0.1, carrier: gaz}", r"did you mean 'gas'"),
    ],
)
def test_bad_rules_are_refused(rules: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        solve_text(unit_park([60], GIVEN % rules))


@pytest.mark.parametrize(
    ("column", "step", "value", "found"),
    [
        ("standby", 1, 0.0, "starts follow"),
        ("on", 1, 1.0, "one state at a time"),
        ("hot_starts", 3, 1.0, "hot starts follow short pauses"),
        ("warm_starts", 3, 1.0, "warm starts follow standby"),
        ("starts_today", 2, 0.0, "starts of the day so far"),
        ("capacity_on", 2, 1.0, "capacity on"),
        ("capacity_started", 0, 1.0, "capacity started"),
    ],
)
def test_tampered_states_fail_the_audit(column: str, step: int, value: float, found: str) -> None:
    """Proves: every column that commitment writes is re-derived from the states."""
    from dataclasses import replace

    from microgrid_opt.audit import audit as check
    from tests.support import problem_of

    rules = (
        "min_load_fraction: 0.1, start_cost: 50, start_cost_per_size: 0.1, hot_start_cost: 40, "
        "hot_start_within_hours: 2, max_starts_per_day: 3, "
        "standby: {power_fraction: 0.01, carrier: gas}"
    )
    text = unit_park([60, 0, 60, 60], CHOSEN % rules, peaker=DEAR)
    results, audit = solve_text(text)
    assert audit.passed, audit.failures
    assert results.of("unit.standby").tolist() == [0, 1, 0, 0]
    series = results.series.copy()
    series.loc[series.index[step], f"park.unit.{column}"] = value
    failed = check(replace(results, series=series), problem_of(text)).failures
    assert any(found in item.what for item in failed)
