"""Random small parks: always feasible, always bounded, in numbers that leave no rounding to argue."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

Park = dict[str, Any]
MONEY = ("price", "capex", "cost", "fixed_om_per", "variable_om")


def quarters(low: int, high: int) -> st.SearchStrategy[float]:
    """Return multiples of a quarter."""
    return st.integers(4 * low, 4 * high).map(lambda n: n / 4)


def shape(draw: Any, steps: int, low: int, high: int, *, unit: float = 1.0) -> dict[str, Any]:
    """Return a day whose first hours vary; the rest is zero and never reached."""
    values = [draw(quarters(low, high)) * unit for _ in range(steps)]
    return {"hourly": [*values, *[0.0] * (24 - steps)]}


def text_of(park: Park) -> str:
    """Return a park's text; JSON is YAML."""
    return json.dumps(park)


@st.composite
def parks(draw: Any, *, integers: bool = False, lossless_time: bool = False) -> Park:
    """Return a park of 2 to 4 hours.

    Parameters
    ----------
    integers
        Whether whole units, one-off costs and exclusive flows may appear.
    lossless_time
        Leave out self-discharge and unequal steps, so that halving the steps changes nothing.
    """
    steps = draw(st.integers(2, 4))
    assets: dict[str, Any] = {
        "load": {"type": "load", "power_kw": shape(draw, steps, 0, 10)},
        "grid": _grid(draw, steps, integers=integers),
        # Never the cheapest, never limited, free of CO2: whatever is asked for can be done.
        "clean": {"type": "supply", "carrier": "electricity", "price_per_kwh": 20},
        "sink": {"type": "dump", "carrier": "electricity", "cost_per_unit": 1},
    }
    horizon: dict[str, Any] = {"start": "2025-03-03", "hours": steps}
    if not lossless_time and draw(st.booleans()):
        lengths = [1.0, *(draw(st.sampled_from([0.5, 1.0, 2.0])) for _ in range(2))]
        horizon = {"start": "2025-03-03", "steps_hours": lengths[:steps]}
    if not lossless_time and draw(st.booleans()):
        horizon["weight"] = draw(st.integers(1, 3))
    for name, make in (
        ("pv", _pv),
        ("battery", _battery),
        ("heat", _heat),
        ("hydrogen", _hydrogen),
    ):
        if draw(st.booleans()):
            assets |= make(draw, steps, integers, lossless_time)
        del name
    return {
        "schema": 1,
        "name": "Random park",
        "currency": "CNY",
        "site": {"timezone": "Etc/GMT-8"},
        "horizon": horizon,
        "finance": {
            "discount_rate": draw(st.sampled_from([0, 0.05])),
            "project_years": 20,
            "annuity": draw(st.sampled_from(["project", "lifetime", "straight_line"])),
            "investment_scaling": "full",
        },
        "carbon": {"price_per_t": draw(st.sampled_from([0, 100, 1000]))},
        "assets": assets,
    }


def _grid(draw: Any, steps: int, *, integers: bool) -> dict[str, Any]:
    grid: dict[str, Any] = {
        "type": "grid",
        "import_price_per_kwh": shape(draw, steps, 1, 6),
        "import_limit_kw": draw(st.integers(5, 20)),
        "co2_kg_per_kwh": draw(quarters(0, 1)),
    }
    if draw(st.booleans()):
        # Cheaper than any purchase: no wash trade.
        grid["export_price_per_kwh"] = draw(st.sampled_from([0, 0.25, 0.75]))
        grid["export_limit_kw"] = draw(st.integers(0, 9))
        grid["exclusive"] = integers and draw(st.booleans())
    if draw(st.booleans()):
        grid["peak_price_per_kw_month"] = draw(quarters(0, 2))
    return grid


def _pv(draw: Any, steps: int, integers: bool, _: bool) -> dict[str, Any]:
    size: dict[str, Any] = {
        "existing_kw": draw(st.integers(0, 2)),
        "max_kw": draw(st.integers(4, 12)),
        "capex_per_kw": draw(st.integers(1, 40)),
        "lifetime_years": 10,
        "fixed_om_fraction": draw(st.sampled_from([0, 0.02])),
    }
    if integers:
        size |= draw(st.sampled_from([{}, {"unit_kw": 2}, {"fixed_capex": 25}]))
    return {
        "pv": {
            "type": "pv",
            "power_kw": size,
            "output_per_kw": shape(draw, steps, 0, 1),
            "curtailable": draw(st.booleans()),
            "variable_om_per_kwh": draw(st.sampled_from([0, 0.25])),
        }
    }


def _battery(draw: Any, _: int, integers: bool, lossless: bool) -> dict[str, Any]:
    chosen = {"max_kwh": 20, "annual_cost_per_kwh": draw(quarters(0, 2)), "existing_kwh": 1}
    battery: dict[str, Any] = {
        "type": "battery",
        "energy_kwh": draw(st.sampled_from([8, chosen])),
        "power_kw": draw(st.integers(1, 6)),
        "charge_efficiency": draw(st.sampled_from([1, 0.9, 0.75])),
        "discharge_efficiency": draw(st.sampled_from([1, 0.9])),
        "min_fraction": draw(st.sampled_from([0, 0.25])),
        "discharge_cost_per_kwh": draw(quarters(0, 1)),
        "exclusive": integers and draw(st.booleans()),
    }
    if not lossless:
        battery["self_discharge_per_hour"] = draw(st.sampled_from([0, 0.1]))
    if draw(st.booleans()):
        battery |= {"initial_fraction": 0.5, "final": draw(st.sampled_from(["cyclic", "free"]))}
    return {"battery": battery}


def _heat(draw: Any, steps: int, *_: bool) -> dict[str, Any]:
    return {
        "heat": {"type": "heat_demand", "power_kw": shape(draw, steps, 0, 8)},
        "district": {"type": "supply", "carrier": "heat", "price_per_kwh": 9},
        "gas": {
            "type": "supply",
            "carrier": "gas",
            "price_per_kwh": draw(quarters(1, 4)),
            "co2_kg_per_kwh": 0.2,
        },
        "boiler": {"type": "gas_boiler", "power_kw": draw(st.integers(0, 9)), "efficiency": 0.8},
        "electric": {
            "type": "electric_boiler",
            "efficiency": 0.95,
            "power_kw": {"max_kw": 9, "annual_cost_per_kw": draw(quarters(0, 2))},
        },
    }


def _hydrogen(draw: Any, steps: int, *_: bool) -> dict[str, Any]:
    return {
        "process": {"type": "hydrogen_demand", "flow_kg_per_hour": shape(draw, steps, 0, 1)},
        "truck": {"type": "supply", "carrier": "hydrogen", "price_per_kg": draw(quarters(20, 60))},
        "cell": {
            "type": "electrolyser",
            "consumption_kwh_per_kg": 40,
            "power_kw": {"max_kw": 30, "annual_cost_per_kw": draw(quarters(0, 2))},
        },
        "tank": {
            "type": "hydrogen_store",
            "capacity_kg": draw(st.integers(0, 3)),
            "compression_kwh_per_kg": 1.5,
        },
    }


def with_money(value: Any, factor: float, *, money: bool = False) -> Any:
    """Return a park with every amount of money multiplied."""
    if isinstance(value, dict):
        return {
            key: with_money(item, factor, money=money or any(word in key for word in MONEY))
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [with_money(item, factor, money=money) for item in value]
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return value * factor if money and number else value
