"""What trades between many members cost to solve: a joint year against the plans of single members.

    python -m benchmarks.trade_scale [--members 16] [--hours 8760] [--coalitions 8]

Every member has a load, a roof and a battery of chosen size behind a meter at 10 kV with a
time-of-use price; half of them may build much more than they use. A tree of 10 kV feeders under a 35 kV
busbar joins them, with a fee by voltage. Shapes are seeded. One process; CPU seconds (one thread) of
build, hand-off, solve, tables and audit together.

With ``--coalitions`` the costs of all coalitions of that many members are found as well, built alone and
live in the model of all, by one process and by two.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

import numpy as np

from microgrid_opt import study, yamlio
from microgrid_opt.trading.coalitions import Coalitions
from microgrid_opt.trading.members import restricted

PRICE = {
    "periods": {"peak": 1.02, "flat": 0.65, "valley": 0.33},
    "calendar": [
        {"hours": "9-12, 16-21", "period": "peak"},
        {"hours": "0-7", "period": "valley"},
    ],
    "otherwise": "flat",
}
EXPORT = 0.3
WEATHER = {
    "ghi_kwh_per_m2_day": [2.4, 2.9, 3.5, 4.4, 4.8, 4.4, 4.7, 4.6, 3.8, 3.2, 2.6, 2.3],
    "temperature_degc": [2, 5, 11, 16, 22, 25, 28, 27, 24, 20, 10, 5],
    "wind_speed_m_per_s": [2.5] * 12,
    "wind_height_m": 10,
    "seed": 7,
}
FEEDERS = 4


def community(members: int, hours: int, *, seed: int = 6) -> str:
    """Return the text of a park of members that trade."""
    random = np.random.default_rng(seed)
    names = [f"m{number:02d}" for number in range(members)]
    assets: dict[str, Any] = {}
    for number, name in enumerate(names):
        load = float(random.uniform(200, 1500))
        shape = _shape(random)
        roof = load * (6.0 if number % 2 else 1.0)
        assets |= {
            f"{name}_load": {"type": "load", "member": name, "power_kw": _times(shape, load)},
            f"{name}_pv": {
                "type": "pv",
                "member": name,
                "array": {
                    "tilt_deg": round(float(random.uniform(5, 30)), 1),
                    "azimuth_deg": round(float(random.uniform(140, 220)), 1),
                },
                "power_kw": {
                    "max_kw": roof,
                    "capex_per_kw": 3200,
                    "lifetime_years": 25,
                    "fixed_om_per_kw_year": 45,
                },
            },
            f"{name}_battery": {
                "type": "battery",
                "member": name,
                "power_kw": {"max_kw": load, "capex_per_kw": 350, "lifetime_years": 15},
                "energy_kwh": {"max_kwh": 4 * load, "capex_per_kwh": 750, "lifetime_years": 15},
                "charge_efficiency": 0.95,
                "discharge_efficiency": 0.95,
            },
            f"{name}_grid": {
                "type": "grid",
                "member": name,
                "import_price_per_kwh": PRICE,
                "export_price_per_kwh": EXPORT,
                "retained_price_per_kwh": 0.08,
                "co2_kg_per_kwh": 0.5703,
                "connection_kw": 8000,
                "wheeling": {"at": f"feeder{number % FEEDERS}"},
            },
        }
    lines = {
        f"line{k}": {"from": f"feeder{k}", "to": "bus", "capacity_kw": 6000} for k in range(FEEDERS)
    }
    nodes: dict[str, Any] = {f"feeder{k}": {"voltage_kv": 10} for k in range(FEEDERS)}
    park = {
        "schema": 1,
        "name": f"{members} members",
        "currency": "CNY",
        "site": {
            "latitude": 32.39,
            "longitude": 119.41,
            "timezone": "Asia/Shanghai",
            "weather": {"synthetic": WEATHER},
        },
        "horizon": {"start": "2025-01-01", "hours": hours},
        "finance": {"discount_rate": 0.06, "project_years": 20},
        "members": {name: {} for name in names},
        "trading": {
            "network": {"nodes": {**nodes, "bus": {"voltage_kv": 35}}, "lines": lines},
            "fees": {
                "wheeling": {
                    "method": "formula",
                    "energy_price_per_kwh": {"10": 0.1357, "35": 0.1107},
                }
            },
        },
        "assets": assets,
    }
    return json.dumps(park)


def _shape(random: np.random.Generator) -> list[float]:
    """Return a day of use [-]: one or two shifts."""
    hours = np.arange(24)
    start, length = random.integers(5, 10), random.integers(8, 17)
    day = 0.3 + 0.7 * ((hours >= start) & (hours < start + length))
    return [round(float(v), 3) for v in day * random.uniform(0.85, 1.0, 24)]


def _times(shape: list[float], factor: float) -> dict[str, Any]:
    return {
        "weekday": [round(v * factor, 1) for v in shape],
        "weekend": [round(v * factor * 0.5, 1) for v in shape],
    }


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, default=16)
    parser.add_argument("--hours", type=int, default=8760)
    parser.add_argument("--coalitions", type=int, default=0)
    parser.add_argument("--gap", type=float, default=None)
    chosen = parser.parse_args()
    options = () if chosen.gap is None else (f"mip_rel_gap={chosen.gap}",)
    problem = study.resolve(yamlio.loads(community(chosen.members, chosen.hours), "park.yaml"))
    names = list(problem.park.members)
    asked = study.Asked("auto", options)
    single = []
    for name in (names[0], names[1]):
        start, clock = time.process_time(), time.perf_counter()
        results, audit = study.run(restricted(problem, {name}), asked)
        audit.require()
        single.append(time.process_time() - start)
        wall = time.perf_counter() - clock
        print(f"{name} alone: {single[-1]:.1f} CPU s, {wall:.1f} s, {results.cost:,.2f}")
    start, clock = time.process_time(), time.perf_counter()
    results, audit = study.run(problem, asked)
    spent, wall = time.process_time() - start, time.perf_counter() - clock
    print(f"joint: {spent:.1f} CPU s, {wall:.1f} s, {results.cost:,.2f}; {results.run.choice}")
    print(
        f"gap {results.run.gap}; {results.run.columns:,} columns, {results.run.nonzeros:,} nonzeros"
    )
    print(f"audit {'passed' if audit.passed else 'FAILED'}; ratio to one member times members: "
          f"{spent / (np.mean(single) * len(names)):.2f}")  # fmt: skip
    if chosen.coalitions:
        _coalitions(chosen.coalitions, chosen.hours)


def _coalitions(members: int, hours: int) -> None:
    problem = study.resolve(yamlio.loads(community(members, hours), "park.yaml"))
    for route, workers in (("built", 1), ("live", 1), ("auto", 1), ("auto", 2)):
        clock = time.perf_counter()
        with Coalitions(problem, workers=workers, route=route) as runner:
            costs = runner.costs(runner.every)
        wall = time.perf_counter() - clock
        print(f"{len(costs)} coalitions, {route}, {workers} process(es): {wall:.1f} s")


if __name__ == "__main__":
    main()
