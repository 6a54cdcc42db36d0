"""Small MILPs against every choice of their integers, each a linear program in plain SciPy.

The programs below share nothing with the model: variables by position, one row at a time.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

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
