"""Plans of committed units over days, walked through in plain Python."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.properties.simulator import OFF, ON, STANDBY, Rules, switching
from tests.support import bill, park, solve_text

if TYPE_CHECKING:
    from microgrid_opt.results import Results

START = "2025-03-03T20:00"
SWITCHING = ("start", "stop", "running")


def states_of(results: Results) -> list[str]:
    """Return the states of the unit."""
    on = results.of("unit.on")
    ready = results.of("unit.standby") if "park.unit.standby" in results.series else on * 0.0
    return [ON if u > 0.5 else STANDBY if s > 0.5 else OFF for u, s in zip(on, ready, strict=True)]


def text_of(rules: Rules, seed: int, steps: list[float], size: str) -> str:
    """Return a park whose load and price swing, with a small store beside the unit."""
    random = np.random.default_rng(seed)
    load = (10 * random.integers(0, 11, 24)).tolist()
    price = random.choice([0.5, 1.0, 2.0, 4.0], 24).tolist()
    standby = ""
    if rules.warm is not None:
        warm = f"power_fraction: 0.02, carrier: gas, start_cost: {rules.warm}"
        standby = f", standby: {{{warm}}}"
    points = (
        "{load_fraction: 0.3, efficiency_factor: 0.8}, {load_fraction: 1, efficiency_factor: 1}"
    )
    return park(
        f"""
        heat: {{type: heat_demand, power_kw: {{hourly: {load}}}}}
        gas: {{type: supply, carrier: gas, price_per_kwh: {{hourly: {price}}}}}
        dear: {{type: supply, carrier: heat, price_per_kwh: 6}}
        unit:
          type: gas_boiler
          efficiency: 0.5
          power_kw: {size}
          part_load: [{points}]
          commitment:
            {{min_load_fraction: 0.3, ramp_fraction_per_hour: 0.5, {rules.in_yaml()}{standby}}}
        """,
        horizon=f"{{start: {START}, steps_hours: {steps}}}",
    )


@st.composite
def rules_of_units(draw: Any) -> Rules:
    """Return rules of all kinds."""
    start = draw(st.sampled_from([30.0, 120.0]))
    return Rules(
        up=draw(st.sampled_from([0.0, 2.5, 5.0])),
        down=draw(st.sampled_from([0.0, 2.0, 4.5])),
        start=start,
        hot=draw(st.sampled_from([None, 0.25 * start])),
        within=draw(st.sampled_from([2.0, 4.0])),
        stop=draw(st.sampled_from([0.0, 5.0])),
        running=draw(st.sampled_from([0.0, 6.0])),
        daily=draw(st.sampled_from([None, 1, 2])),
        warm=draw(st.sampled_from([None, 4.0])),
        before=draw(st.sampled_from(["off", "on", "free", "cyclic"])),
    )


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    rules=rules_of_units(),
    seed=st.integers(0, 10**6),
    size=st.sampled_from(["80", "{max_kw: 100, annual_cost_per_kw: 5}"]),
)
def test_plans_can_be_walked_through(rules: Rules, seed: int, size: str) -> None:
    """Proves: over two midnights, on steps of 0.5, 1 and 2 h, states keep every rule and the ledger
    holds exactly what the simulator counts for starts by kind, stops and hours on.

    Sensitivity: the simulator refuses the same states under stricter rules, see below.
    """
    steps = np.random.default_rng(seed).choice([0.5, 1.0, 1.0, 2.0], 28).tolist()
    results, audit = solve_text(text_of(rules, seed, steps, size))
    audit.require()
    states, days = states_of(results), results.horizon.day.tolist()
    paid = switching(states, steps, rules, days)
    assert paid is not None
    assert sum(bill(results, "unit", name) for name in SWITCHING) == pytest.approx(paid)
    least, load = 0.3 * results.size("unit"), results.of("unit.output")
    on = np.array([state == ON for state in states])
    assert (load[~on] < 1e-6).all()
    assert (load[on] > least - 1e-4).all()
    both = on[1:] & on[:-1]
    moved = np.abs(np.diff(load))[both]
    assert (moved <= 0.5 * results.size("unit") * np.array(steps[1:])[both] + 1e-4).all()


def test_the_simulator_refuses_what_breaks_a_rule() -> None:
    """Proves: the simulator is no rubber stamp: each rule alone turns a schedule down, or its price."""
    states, hours = [ON, OFF, ON, ON, OFF, ON], [1.0, 2.0, 1.0, 0.5, 1.0, 1.0]
    rules = Rules(start=10.0, stop=1.0, running=2.0)
    assert switching(states, hours, rules) == pytest.approx(3 * 10 + 2 * 1 + 2 * 3.5)
    assert switching(states, hours, replace(rules, up=1.5)) is None
    assert switching(states, hours, replace(rules, up=1.0)) is not None
    assert switching(states, hours, replace(rules, down=1.5)) is None
    assert switching(states, hours, replace(rules, daily=2)) is None
    assert switching(states, hours, replace(rules, daily=2), [0, 0, 0, 1, 1, 1]) is not None
    # Pauses of 2 h and 1 h: one, then both are short enough for a hot start.
    hot = replace(rules, hot=4.0, within=2.0)
    assert switching(states, hours, hot) == pytest.approx(39 - 6)
    assert switching(states, hours, replace(hot, within=2.5)) == pytest.approx(39 - 12)
    # Known, open and cyclic states before: one start less.
    for before in ("on", "free", "cyclic"):
        assert switching(states, hours, replace(rules, before=before)) == pytest.approx(29)
    # The last run of 1 h is cut by the end, unless runs must be complete.
    alone = [OFF] * 5 + [ON]
    assert switching(alone, hours, replace(rules, up=2.0)) is not None
    assert switching(alone, hours, replace(rules, up=2.0, complete=True)) is None
    # In standby there is neither stop nor start, and going on costs a warm start.
    kept = [ON, STANDBY, ON, ON, STANDBY, ON]
    assert switching(kept, hours, replace(rules, warm=3.0, up=4.0)) == pytest.approx(10 + 6 + 7)


@pytest.mark.parametrize(
    ("stricter", "dearer"),
    [
        ({"up": 5.0}, True),
        ({"down": 4.0}, True),
        ({"daily": 1}, True),
        ({"hot": 5.0, "within": 3.0}, False),
        ({"warm": 2.0}, False),
        ({"before": "on"}, False),
        ({"before": "free"}, False),
    ],
)
def test_each_rule_bites(stricter: dict[str, Any], dearer: bool) -> None:
    """Proves: on one park every rule changes the plan: stricter ones cost, new freedoms save."""
    steps = [1.0] * 26
    rules = Rules(start=30.0)
    plain, _ = solve_text(text_of(rules, 2, steps, "80"))
    other, audit = solve_text(text_of(replace(rules, **stricter), 2, steps, "80"))
    audit.require()
    days = plain.horizon.day.tolist()
    was = switching(states_of(plain), steps, replace(rules, **stricter), days)
    if dearer:
        assert was is None
        assert other.cost > plain.cost + 1.0
    else:
        assert other.cost < plain.cost - 1.0
