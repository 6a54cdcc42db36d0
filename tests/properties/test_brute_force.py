"""Small MILPs against every choice of their integers, each a linear program in plain SciPy.

The programs below share nothing with the model: variables by position, one row at a time.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from microgrid_opt.errors import InfeasibleError
from tests.properties.simulator import OFF, ON, STANDBY, Rules, schedules, switching
from tests.support import FINANCE, day, park, solve_text

HOURS = 2
IMPORT, EXPORT, CHARGE, DISCHARGE, CONTENT, SUN = (
    slice(HOURS * k, HOURS * k + HOURS) for k in range(6)
)
SIZE = 6 * HOURS
WIDTH = SIZE + 1


@st.composite
def cases(draw: Any) -> dict[str, Any]:
    """Return numbers of a park with grid, battery and PV for two hours."""

    def two(low: int, high: int) -> list[float]:
        return [draw(st.integers(2 * low, 2 * high)) / 2 for _ in range(HOURS)]

    return {
        "load": two(0, 10),
        "price": two(-3, 6),
        "sale": draw(st.integers(-1, 4)) / 2,
        "sun": [draw(st.integers(0, 4)) / 4 for _ in range(HOURS)],
        "connection": draw(st.integers(11, 20)),
        "energy": draw(st.integers(0, 8)),
        "power": draw(st.integers(1, 6)),
        "in": draw(st.sampled_from([1, 0.75])),
        "out": draw(st.sampled_from([1, 0.5])),
        "existing": draw(st.integers(0, 2)),
        "cost": draw(st.integers(0, 8)) / 2,
        "once": draw(st.sampled_from([0, 3, 8])),
        "unit": draw(st.sampled_from([0, 2, 3])),
        "one_meter": draw(st.booleans()),
        "one_way": draw(st.booleans()),
    }


def text_of(c: dict[str, Any]) -> str:
    """Return the park of a case."""
    size = [f"existing_kw: {c['existing']}", "max_kw: 8", f"capex_per_kw: {c['cost'] * 10}"]
    size += ["lifetime_years: 10"]
    size += [f"fixed_capex: {c['once'] * 10}"] if c["once"] else []
    size += [f"unit_kw: {c['unit']}"] if c["unit"] else []
    return park(
        f"""
        load: {{type: load, power_kw: {day(*c["load"])}}}
        grid:
          type: grid
          import_price_per_kwh: {day(*c["price"])}
          export_price_per_kwh: {c["sale"]}
          connection_kw: {c["connection"]}
          exclusive: {str(c["one_meter"]).lower()}
        battery:
          type: battery
          energy_kwh: {c["energy"]}
          power_kw: {c["power"]}
          charge_efficiency: {c["in"]}
          discharge_efficiency: {c["out"]}
          exclusive: {str(c["one_way"]).lower()}
        pv: {{type: pv, output_per_kw: {day(*c["sun"])}, power_kw: {{{", ".join(size)}}}}}
        """,
        hours=HOURS,
        finance=FINANCE,
    )


def sizes(c: dict[str, Any]) -> list[tuple[float, float, float]]:
    """Return least size, largest size and one-off cost of every choice that the plant leaves."""
    room, here = 8 - c["existing"], c["existing"]
    if c["unit"]:
        built = [here + c["unit"] * n for n in range(int(room // c["unit"]) + 1)]
        return [(size, size, c["once"] if size > here else 0.0) for size in built]
    if c["once"]:
        return [(here, here, 0.0), (here, 8, c["once"])]
    return [(here, 8, 0.0)]


def program(c: dict[str, Any], meter: Any, way: Any, size: tuple[float, float, float]) -> float:
    """Return the least cost with the integers fixed; infinite where there is no plan."""
    cost = np.zeros(WIDTH)
    cost[IMPORT], cost[EXPORT], cost[SIZE] = c["price"], -c["sale"], c["cost"]
    bounds: list[tuple[float, float | None]] = [(0, None)] * WIDTH
    for t in range(HOURS):
        bounds[IMPORT.start + t] = (0, c["connection"] if meter is None or meter[t] else 0)
        bounds[EXPORT.start + t] = (0, c["connection"] if meter is None or not meter[t] else 0)
        bounds[CHARGE.start + t] = (0, c["power"] if way is None or way[t] else 0)
        bounds[DISCHARGE.start + t] = (0, c["power"] if way is None or not way[t] else 0)
        bounds[CONTENT.start + t] = (0, c["energy"])
    bounds[SIZE] = size[:2]
    equal, right, most = [], [], []
    for t in range(HOURS):
        balance = np.zeros(WIDTH)
        for flow, sign in ((IMPORT, 1), (EXPORT, -1), (CHARGE, -1), (DISCHARGE, 1), (SUN, 1)):
            balance[flow.start + t] = sign
        equal.append(balance)
        right.append(c["load"][t])
        content = np.zeros(WIDTH)
        content[CONTENT.start + t] += 1
        content[CONTENT.start + (t - 1) % HOURS] -= 1
        content[CHARGE.start + t] = -c["in"]
        content[DISCHARGE.start + t] = 1 / c["out"]
        equal.append(content)
        right.append(0.0)
        sun = np.zeros(WIDTH)
        sun[SUN.start + t], sun[SIZE] = 1, -c["sun"][t]
        most.append(sun)
    found = linprog(cost, most, np.zeros(HOURS), equal, right, bounds)
    assert found.status in {0, 2}
    return np.inf if found.status == 2 else float(found.fun) - c["cost"] * c["existing"] + size[2]


@given(cases())
def test_milp_is_the_best_of_all_choices(c: dict[str, Any]) -> None:
    """Proves: one meter, one way, whole units and one-off cost are what enumeration says they are.

    At most 2 × 2 binaries for the directions and 5 sizes: 80 linear programs.
    """
    ways = list(product([True, False], repeat=HOURS))
    best = min(
        program(c, meter, way, size)
        for meter in (ways if c["one_meter"] else [None])
        for way in (ways if c["one_way"] else [None])
        for size in sizes(c)
    )
    results, audit = solve_text(text_of(c))
    audit.require()
    assert results.cost == pytest.approx(best, rel=1e-6, abs=1e-6)


# --------------------------------------------------------------------- on/off units and part load

PEAK, EFFICIENCY = 5.0, 0.5
CURVES: dict[str, list[tuple[float, float]]] = {
    "constant": [],
    "affine": [(0.4, 0.7), (1.0, 1.0)],
    "better at part load": [(0.4, 1.2), (0.7, 1.1), (1.0, 1.0)],
    "bent the wrong way": [(0.4, 1.0), (0.7, 0.8), (1.0, 1.0)],
}


@st.composite
def units(draw: Any, *, most_steps: int) -> dict[str, Any]:
    """Return numbers of a committed boiler beside a dear purchase of heat."""
    n = draw(st.integers(2, most_steps))
    start = draw(st.sampled_from([0.0, 20.0, 90.0]))
    hot = draw(st.sampled_from([None, 0.0, 0.5]))
    return {
        "hours": [draw(st.sampled_from([1, 1, 2])) for _ in range(n)],
        "load": [
            draw(st.sampled_from([0.0, 20.0, 35.0, 40.0, 50.0, 60.0, 90.0])) for _ in range(n)
        ],
        "price": [draw(st.sampled_from([0.5, 1.0, 2.0, 3.0])) for _ in range(n)],
        "exact": draw(st.booleans()),
        "least": draw(st.sampled_from([0.4, 0.55])),
        "warm_share": draw(st.sampled_from([0.0, 0.05])),
        "rules": Rules(
            up=draw(st.sampled_from([0.0, 2.0, 3.0])),
            down=draw(st.sampled_from([0.0, 2.0, 4.0])),
            start=start,
            hot=None if hot is None else hot * start,
            within=draw(st.sampled_from([2.0, 3.0])),
            stop=draw(st.sampled_from([0.0, 5.0])),
            running=draw(st.sampled_from([0.0, 4.0])),
            daily=draw(st.sampled_from([None, None, 1])),
            warm=draw(st.sampled_from([None, 3.0])),
            before=draw(st.sampled_from(["off", "on", "free", "cyclic"])),
            complete=draw(st.booleans()),
        ),
    }


def by_hour(c: dict[str, Any], key: str) -> str:
    """Return a day's shape that holds a value for each step's hours."""
    pairs = zip(c[key], c["hours"], strict=True)
    return day(*[value for value, hours in pairs for _ in range(hours)])


def unit_park(c: dict[str, Any], size: str, *, more: str = "") -> str:
    """Return the park of a case."""
    rules: Rules = c["rules"]
    points = [f"{{load_fraction: {x}, efficiency_factor: {f}}}" for x, f in CURVES[c["curve"]]]
    curve = f"part_load: [{', '.join(points)}]" if points else "label: constant"
    if points and c["exact"]:
        curve += "\n          part_load_exact: true"
    standby = ""
    if rules.warm is not None:
        warm = f"power_fraction: {c['warm_share']}, carrier: gas, start_cost: {rules.warm}"
        standby = f", standby: {{{warm}}}"
    return park(
        f"""
        heat: {{type: heat_demand, power_kw: {by_hour(c, "load")}}}
        gas: {{type: supply, carrier: gas, price_per_kwh: {by_hour(c, "price")}}}
        dear: {{type: supply, carrier: heat, price_per_kwh: {PEAK}}}
        unit:
          type: gas_boiler
          efficiency: {EFFICIENCY}
          size_on: {c["side"]}
          power_kw: {size}
          {curve}
          commitment: {{min_load_fraction: {c["least"]}, {rules.in_yaml()}{standby}{more}}}
        """,
        horizon=f"{{start: 2025-03-03, steps_hours: {c['hours']}}}",
    )


def lines_of(c: dict[str, Any]) -> list[tuple[float, float, float, float]]:
    """Return (from, to, slope, intercept) of the curve's pieces, per kW of size."""
    full = EFFICIENCY if c["side"] == "input" else 1.0 / EFFICIENCY
    points = CURVES[c["curve"]]
    if not points:
        return [(0.0, 1.0, full, 0.0)]
    flow = [x * f if c["side"] == "input" else x / f for x, f in points]
    pieces = []
    for k in range(len(points) - 1):
        (x, _), (end, _) = points[k : k + 2]
        slope = (flow[k + 1] - flow[k]) / (end - x)
        pieces.append((x, end, full * slope, full * (flow[k] - slope * x)))
    return pieces


def may_waste(c: dict[str, Any]) -> bool:
    """Whether the plan may lie below the curve."""
    return c["curve"] == "better at part load" and not c["exact"]


def running_cost(c: dict[str, Any], size: float, t: int) -> float:
    """Return the least cost of a step on, by the corners of its curve; per hour."""
    need, price = c["load"][t], c["price"][t]
    by_input = c["side"] == "input"
    best = np.inf
    for start, end, slope, base in lines_of(c):
        low, high = max(start, c["least"]) * size, end * size
        if low > high:
            continue
        met = (need - base * size) / slope if by_input else need
        for load in {low, high, min(max(met, low), high)}:
            other = slope * load + base * size
            taken, made = (load, other) if by_input else (other, load)
            if may_waste(c) and by_input:
                made = min(made, need)
            if made <= need + 1e-9:
                best = min(best, price * taken + PEAK * (need - made))
    return best


def cheapest_given(c: dict[str, Any], size: float) -> float:
    """Return the least cost over all schedules; within a schedule every step stands alone."""
    rules: Rules = c["rules"]
    steps = range(len(c["hours"]))
    on = [running_cost(c, size, t) for t in steps]
    off = [PEAK * need for need in c["load"]]
    warm = [off[t] + c["warm_share"] * size * c["price"][t] for t in steps]
    per_hour = {ON: on, OFF: off, STANDBY: warm}
    best = np.inf
    for states in schedules(len(steps), rules):
        flows = sum(per_hour[states[t]][t] * c["hours"][t] for t in steps)
        if flows < best:
            paid = switching(states, c["hours"], rules)
            best = best if paid is None else min(best, flows + paid)
    return float(best)


def assert_optimum(text: str, cost: float) -> None:
    """Assert that a park has this optimum, or no plan where it is infinite."""
    if np.isinf(cost):
        with pytest.raises(InfeasibleError):
            solve_text(text)
        return
    results, audit = solve_text(text)
    audit.require()
    assert results.cost == pytest.approx(cost, rel=1e-6, abs=1e-6)


every_curve = pytest.mark.parametrize(("curve", "side"), list(product(CURVES, ["input", "output"])))


@every_curve
@settings(max_examples=16, deadline=None, derandomize=True)
@given(drawn=units(most_steps=6))
def test_given_unit_is_the_best_schedule(drawn: dict[str, Any], curve: str, side: str) -> None:
    """Proves: run times, hot, cold and warm starts, their limit, standby and part load of a given
    unit are what enumeration of all schedules says they are, on steps of one and two hours.

    At most 3^6 schedules; each step of a schedule by the corners of its curve.
    """
    c = drawn | {"curve": curve, "side": side}
    assert_optimum(unit_park(c, "80"), cheapest_given(c, 80.0))


def linear_cost(
    c: dict[str, Any], sized: dict[str, Any], states: tuple[str, ...], pieces: tuple[int, ...]
) -> float:
    """Return the least cost of size and loads with states and pieces of the curve held."""
    on = [t for t, state in enumerate(states) if state == ON]
    lines, by_input = lines_of(c), c["side"] == "input"
    width = 1 + 2 * len(on)
    cost, fixed = np.zeros(width), 0.0
    cost[0] = sized["price"]
    equal, right, most, limit = [], [], [], []

    def at_most(row: dict[int, float], bound: float) -> None:
        values = np.zeros(width)
        for column, value in row.items():
            values[column] += value
        most.append(values)
        limit.append(bound)

    for t, state in enumerate(states):
        hours, price = c["hours"][t], c["price"][t]
        fixed += hours * PEAK * c["load"][t]
        if state == STANDBY:
            cost[0] += hours * price * c["warm_share"]
        if state == ON:
            cost[0] += hours * sized["running"]
    cost[0] += sized["start"] * number_of_starts(states, c["rules"])
    for k, t in enumerate(on):
        hours, load, other = c["hours"][t], 1 + 2 * k, 2 + 2 * k
        taken, made = (load, other) if by_input else (other, load)
        cost[taken] += hours * c["price"][t]
        cost[made] -= hours * PEAK
        at_most({made: 1.0}, c["load"][t])
        held = lines if may_waste(c) else [lines[pieces[k]]]
        low, high = max(held[0][0], c["least"]), held[-1][1]
        at_most({load: -1.0, 0: low}, 0.0)
        at_most({load: 1.0, 0: -high}, 0.0)
        for _, _, slope, base in held:
            if may_waste(c):
                sign = 1.0 if by_input else -1.0
                at_most({other: sign, load: -sign * slope, 0: -sign * base}, 0.0)
            else:
                row = np.zeros(width)
                row[other], row[load], row[0] = 1.0, -slope, -base
                equal.append(row)
                right.append(0.0)
        before = on[k - 1] if k else None
        if sized["ramp"] and before == t - 1:
            share = sized["ramp"] * hours
            at_most({load: 1.0, load - 2: -1.0, 0: -share}, 0.0)
            at_most({load: -1.0, load - 2: 1.0, 0: -share}, 0.0)
    bounds: list[tuple[float, float | None]] = [(sized["least"], 120.0), *[(0, None)] * (width - 1)]
    found = linprog(cost, most or None, limit or None, equal or None, right or None, bounds)
    assert found.status in {0, 2}
    return np.inf if found.status == 2 else float(found.fun) + fixed


def number_of_starts(states: tuple[str, ...], rules: Rules) -> int:
    """Return the starts from off that the horizon shows."""
    first = {"off": OFF, "on": ON, "free": states[0], "cyclic": states[-1]}[rules.before]
    pairs = zip((first, *states[:-1]), states, strict=True)
    return sum(was == OFF and now != OFF for was, now in pairs)


def cheapest_chosen(c: dict[str, Any], sized: dict[str, Any]) -> float:
    """Return the least cost over all schedules and pieces of the curve."""
    best = np.inf
    count = 1 if may_waste(c) else len(lines_of(c))
    for states in schedules(len(c["hours"]), c["rules"]):
        paid = switching(states, c["hours"], c["rules"])
        if paid is None:
            continue
        for pieces in product(range(count), repeat=states.count(ON)):
            best = min(best, linear_cost(c, sized, states, pieces) + paid)
    return best


@every_curve
@settings(max_examples=10, deadline=None, derandomize=True)
@given(
    drawn=units(most_steps=3),
    sized=st.fixed_dictionaries(
        {
            "price": st.sampled_from([0.2, 1.0, 4.0]),
            "least": st.sampled_from([0.0, 30.0]),
            "start": st.sampled_from([0.0, 0.3]),
            "running": st.sampled_from([0.0, 0.1]),
            "ramp": st.sampled_from([0.0, 0.2]),
        }
    ),
)
def test_chosen_unit_is_the_best_schedule_and_size(
    drawn: dict[str, Any], sized: dict[str, Any], curve: str, side: str
) -> None:
    """Proves: the same for a chosen size, with cost per size of starts and hours on, and ramps.

    At most 3^3 schedules with 2^3 choices of pieces, each a linear program in size and loads.
    """
    c = drawn | {"curve": curve, "side": side}
    if c["rules"].before == "cyclic":
        sized["ramp"] = 0.0
    size = (
        f"{{min_kw: {sized['least']}, max_kw: 120, capex_per_kw: {10 * sized['price']}, "
        "lifetime_years: 10}"
    )
    more = (
        f", start_cost_per_size: {sized['start']}, running_cost_per_size_hour: {sized['running']}"
    )
    if sized["ramp"]:
        more += f", ramp_fraction_per_hour: {sized['ramp']}"
    assert_optimum(unit_park(c, size, more=more), cheapest_chosen(c, sized))
