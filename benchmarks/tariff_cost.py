"""What each formulation of a tariff costs to solve: a full year, against the same park under plain prices.

    python -m benchmarks.tariff_cost [NAME ...] [--gap 0.001]

The park is case `yangzhou` with PV and battery sized (`--set` of the scenario `sizing`). Every tariff
charges about what the plain one does, so that the plans are alike and the formulation makes the
difference. One process, one after another, CPU seconds of the solve (one thread); the plain park is
solved first and last.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import TYPE_CHECKING, Any

from microgrid_opt import study
from microgrid_opt.errors import NoPlanError
from microgrid_opt.model import build
from microgrid_opt.solve import direct, handoff

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CALENDAR = [
    {"months": [1, 2, 6, 7, 8, 12], "hours": "14-22", "period": "peak"},
    {"months": [1, 2, 6, 7, 8, 12], "hours": "0-6, 11-13", "period": "valley"},
    {"months": [3, 4, 5, 9, 10, 11], "hours": "15-22", "period": "peak"},
    {"months": [3, 4, 5, 9, 10, 11], "hours": "2-6, 10-14", "period": "valley"},
]
MULTIPLIER = {
    "periods": {"peak": 1.4947, "flat": 1.0, "valley": 0.5981},
    "calendar": CALENDAR,
    "otherwise": "flat",
}
ENERGY: dict[str, Any] = {"type": "energy", "price_per_kwh": 0.64, "floats": True}
DEMAND: dict[str, Any] = {"type": "demand", "price_per_kw_month": 51.2}
FEED_IN: dict[str, Any] = {"type": "export", "price_per_kwh": 0.34}


def _tiers(key: str, price: str, ends: Sequence[float], prices: Sequence[float]) -> list[Any]:
    blocks: list[dict[str, float]] = [{price: value} for value in prices]
    for block, end in zip(blocks, ends, strict=False):
        block[key] = end
    return blocks


def _demand(**keys: Any) -> dict[str, Any]:
    return {"demand": {"type": "demand", **keys}}


def _bands(ends: Sequence[float]) -> dict[str, Any]:
    """Return bands that cost what 51.2 for each kW of their middle would."""
    prices = [51.2 * (end - ends[0] / 2) for end in (*ends, ends[-1] + ends[0])]
    return _demand(bands=_tiers("up_to_kw", "price_per_month", ends, prices))


def _energy_tiers(*prices: float) -> dict[str, Any]:
    blocks = _tiers("up_to_kwh_month", "price_per_kwh", (200e3, 400e3), prices)
    return {
        "energy": {**ENERGY, "price_per_kwh": 0.44},
        "blocks": {"type": "tiered_energy", "tiers": blocks},
        "demand": DEMAND,
    }


REBATE = {"from_kwh_per_kva_month": 260, "factor": 0.9}
CHOICE_PARTS = {
    "by_capacity": {"type": "capacity", "option": "capacity", "price_per_kva_month": 32.0},
    "by_demand": {"type": "demand", "option": "demand", "price_per_kw_month": 51.2},
}
CONTRACT = {
    "type": "contract_demand",
    "price_per_kw_month": 51.2,
    "at_least_transformer_share": 0.4,
    "excess_from": 1.05,
}
_KW = ("up_to_kw", "price_per_kw_month")

FORMULATIONS: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {
    # name: components (energy and feed-in are added), other keys of the grid
    "tariff, plain": ({"demand": DEMAND}, {}),
    "rising tiers of energy": (_energy_tiers(0.16, 0.20, 0.24), {}),
    "falling tiers of energy": (_energy_tiers(0.24, 0.20, 0.16), {}),
    "rising tiers of demand": (_demand(tiers=_tiers(*_KW, (400, 800), (44, 52, 60))), {}),
    "falling tiers of demand": (_demand(tiers=_tiers(*_KW, (400, 800), (60, 52, 44))), {}),
    "bands of demand, 100 kW wide": (_bands(range(100, 3000, 100)), {}),
    "bands of demand, 300 kW wide": (_bands(range(300, 3000, 300)), {}),
    "ratchet over 11 months": (
        _demand(price_per_kw_month=48.0, ratchet_fraction=0.8, ratchet_lookback_months=11),
        {},
    ),
    "demand at the clock hours": (
        _demand(price_per_kw_month=51.2, when=[{"hours": "8-22", "days": ["weekday"]}]),
        {},
    ),
    "rebate for 260 kWh/kVA": (
        _demand(price_per_kw_month=51.2, rebate=REBATE),
        {"transformer_kva": 1600},
    ),
    "contract, sized": ({"contract": CONTRACT}, {"contract_kw": {"max_kw": 3000}}),
    "choice by quarter": ({"choices": "quarter", **CHOICE_PARTS}, {}),
    "choice by month": ({"choices": "month", **CHOICE_PARTS}, {}),
    "choice by year": ({"choices": "year", **CHOICE_PARTS}, {}),
    "minimum bill": (
        {"demand": DEMAND, "least": {"type": "minimum_bill", "amount_per_month": 250e3}},
        {},
    ),
    "net metering by month": ({"demand": DEMAND, "net": {"type": "net_metering"}}, {}),
    "bins of export": (
        {
            "demand": DEMAND,
            "bins": {
                "type": "tiered_export",
                "tiers": [
                    {"up_to_import_share": 0.2, "price_per_kwh": 0.36},
                    {"price_per_kwh": 0.30},
                ],
            },
        },
        {},
    ),
}
"""Binaries of whole years stand in falling tiers, bands, rebates and choices; the others are linear."""

COARSE = 5e-3
"""Least gap for bands, whose steps of price are large beside it."""


def grid_of(name: str) -> dict[str, Any]:
    """Return the keys of the connection under a formulation."""
    parts, keys = FORMULATIONS[name]
    components = dict(parts)
    period = components.pop("choices", None)
    components.setdefault("energy", ENERGY)
    if "bins" not in components and "net" not in components:
        components["feed_in"] = FEED_IN
    tariff: dict[str, Any] = {"multiplier": MULTIPLIER, "components": components}
    if period is not None:
        tariff["choices"] = {"basic": {"options": ["capacity", "demand"], "period": period}}
    return {
        "tariff": tariff,
        "transformer_kva": 3150,
        "contract": {"power_factor": 0.95},
        **keys,
    }


def problem_of(name: str) -> Any:
    """Return the year under a formulation, or under the plain prices of the case."""
    sets = []
    if name in FORMULATIONS:
        dropped = ("import_price_per_kwh", "export_price_per_kwh", "peak_price_per_kw_month")
        sets = [f"assets.grid.{key}=null" for key in dropped[:2]]
        sets.append(f"assets.grid.{dropped[2]}=0")
        sets += [f"assets.grid.{key}={json.dumps(value)}" for key, value in grid_of(name).items()]
    return study.load("case:yangzhou", scenario="sizing", sets=sets)


def measure(name: str, gap: float, limit: float) -> dict[str, Any]:
    """Return CPU seconds and size of one solve, model building apart."""
    draft = build(problem_of(name))
    matrix = handoff.extract(draft.model)
    start = time.process_time()
    found: dict[str, Any] = {"name": name, "binaries": int(matrix.integrality.sum())}
    try:
        held = direct.solve(draft, matrix, "auto", [f"mip_rel_gap={gap}"], limit)
    except NoPlanError:
        return {**found, "seconds": time.process_time() - start, "gap": float("nan")}
    seconds = time.process_time() - start
    gap_left, cost = held.run.gap or 0.0, held.run.objective
    return {**found, "seconds": seconds, "cost": cost, "gap": gap_left, "how": held.run.choice}


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the ratios as Markdown."""
    plain = [row["seconds"] for row in rows if row["name"] not in FORMULATIONS]
    base = sum(plain) / len(plain)
    lines = [
        "| formulation | binaries | CPU seconds | ratio | proven gap |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        ratio = row["seconds"] / base
        lines.append(
            f"| {row['name']} | {row['binaries']} | {row['seconds']:.1f} | {ratio:.2f} | "
            f"{row['gap']:.3%} |"
        )
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tariff_cost", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(FORMULATIONS)}; all when left out")
    parser.add_argument("--gap", type=float, default=1e-3, help="relative gap (default 0.001)")
    parser.add_argument("--limit", type=float, default=120.0, help="wall time of each [s]")
    given = parser.parse_args(arguments)
    names = given.names or list(FORMULATIONS)
    rows = []
    for name in ["plain prices", *names, "plain prices"]:
        gap = max(given.gap, COARSE) if name.startswith("bands") else given.gap
        rows.append(measure(name, gap, given.limit))
        print(json.dumps(rows[-1]), flush=True)
    print(table(rows))


if __name__ == "__main__":
    main()
