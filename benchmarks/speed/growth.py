"""A park of any size: hours, assets of each member, and members under one cap of CO2.

``python growth.py FOLDER HOURS ASSETS MEMBERS``
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import yaml

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

START = "2025-01-01"
SEED = 20250704
CAP_SHARE = 0.6
"""CO2 cap as a share of what buying all electricity and burning gas for all heat would emit [-]."""
GRID_CO2, GAS_CO2, BOILER = 0.58, 0.202, 0.9
LOAD_KW, HEAT_KW = 1000.0, 600.0
FIRST, GROUP = 5, 5
"""Assets of the smallest park, and what each further step adds."""


def write(folder: Path, *, hours: int, assets: int, members: int) -> Path:
    """Write a park with its series and return the park file.

    Members have a load, a grid connection with monthly demand charge, PV, a battery and wind; from 10
    assets on heat, gas, a gas boiler, an electric boiler and a heat store; each five more are further
    PV, wind, battery, electric boiler and heat store at other prices and places.

    Parameters
    ----------
    folder
        New folder.
    hours
        Steps of one hour.
    assets
        Assets of each member, a multiple of 5.
    members
        How many.

    Raises
    ------
    ValueError
        A number of assets that is no multiple of 5, or nothing of something.
    """
    if assets < FIRST or assets % GROUP or min(hours, members) < 1:
        raise ValueError("assets are 5, 10, 15 and so on; hours and members are at least 1.")
    random = np.random.default_rng(SEED)
    series: dict[str, Floats] = {}
    park_assets: dict[str, Any] = {}
    emitted = 0.0
    for number in range(members):
        member = f"m{number:02d}"
        made, co2 = _member(member, hours, assets, random, series)
        park_assets |= made
        emitted += co2
    park = {
        "schema": 1,
        "name": f"{members} members with {assets} assets over {hours} h",
        "currency": "EUR",
        "site": {"timezone": "Etc/UTC"},
        "horizon": {"start": START, "hours": hours},
        "finance": {"discount_rate": 0.06, "project_years": 20},
        "carbon": {"cap_t_per_year": CAP_SHARE * emitted / 1000.0 * 8760.0 / hours},
        "members": {f"m{number:02d}": {} for number in range(members)},
        "assets": park_assets,
    }
    folder.mkdir(parents=True, exist_ok=True)
    times = pd.date_range(START, periods=hours, freq="h", name="time", tz="UTC")
    pd.DataFrame(series, times).to_csv(folder / "series.csv", date_format="%Y-%m-%dT%H:%M:%SZ")
    path = folder / "park.yaml"
    path.write_text(yaml.safe_dump(park, sort_keys=False), encoding="utf-8")
    return path


def _member(
    member: str, hours: int, count: int, random: np.random.Generator, series: dict[str, Floats]
) -> tuple[dict[str, Any], float]:
    """Return the assets of a member, and the CO2 of today's supply [kg]."""

    def column(name: str, values: Floats, unit: str = "1") -> dict[str, str]:
        series[f"{member}_{name}"] = np.round(values, 4)
        return {"file": "series.csv", "column": f"{member}_{name}", "unit": unit}

    hour = np.arange(hours)
    scale = float(random.uniform(0.5, 1.5))
    day = 1.0 + 0.35 * np.sin(2 * np.pi * (hour % 24 - 8) / 24)
    load = scale * LOAD_KW * day * random.uniform(0.9, 1.1, hours)
    price = 0.11 + 0.05 * day * random.uniform(0.8, 1.2, hours)
    found: dict[str, Any] = {
        "load": {"type": "load", "power_kw": column("load", load, "kW")},
        "grid": {
            "type": "grid",
            "connection_kw": 20 * LOAD_KW,
            "import_price_per_kwh": column("price", price, "EUR/kWh"),
            "export_price_per_kwh": 0.03,
            "peak_price_per_kw_month": 6.0,
            "co2_kg_per_kwh": GRID_CO2,
        },
        "pv": _source("pv", 0, column("pv", _sun(hour, random))),
        "wind": _source("wind", 0, column("wind", _gusts(hour, random))),
        "battery": _battery(0),
    }
    emitted = float(load.sum()) * GRID_CO2
    if count > FIRST:
        cold = 1.0 + 0.5 * np.cos(2 * np.pi * hour / 8760)
        heat = scale * HEAT_KW * cold * random.uniform(0.9, 1.1, hours)
        emitted += float(heat.sum()) * GAS_CO2 / BOILER
        found |= _heat(column("heat", heat, "kW"))
    for number in range(2, count // GROUP):
        found |= {
            f"pv_{number}": _source("pv", number, column(f"pv_{number}", _sun(hour, random))),
            f"wind_{number}": _source(
                "wind", number, column(f"wind_{number}", _gusts(hour, random))
            ),
            f"battery_{number}": _battery(number),
            f"electric_boiler_{number}": _electric_boiler(number),
            f"heat_store_{number}": _heat_store(number),
        }
    return {
        f"{member}_{name}": {**asset, "member": member} for name, asset in found.items()
    }, emitted


def _sun(hour: NDArray[np.int64], random: np.random.Generator) -> Floats:
    bell = np.maximum(0.0, np.sin(np.pi * ((hour % 24) - 6) / 12)) ** 1.3
    season = 0.75 - 0.25 * np.cos(2 * np.pi * hour / 8760)
    clouds = np.repeat(random.uniform(0.3, 1.0, len(hour) // 24 + 1), 24)[: len(hour)]
    return bell * season * clouds


def _gusts(hour: NDArray[np.int64], random: np.random.Generator) -> Floats:
    calm = np.convolve(random.normal(size=len(hour) + 23), np.ones(24) / 24, mode="valid")
    return np.clip(0.3 + 0.9 * calm, 0.0, 1.0)


def _source(kind: str, number: int, per_kw: dict[str, str]) -> dict[str, Any]:
    price, life = (800.0, 25) if kind == "pv" else (1300.0, 20)
    size = {"max_kw": 5000, "capex_per_kw": price * (1 + 0.03 * number), "lifetime_years": life}
    return {"type": kind, "power_kw": size, "output_per_kw": per_kw}


def _battery(number: int) -> dict[str, Any]:
    dearer = 1 + 0.05 * number
    return {
        "type": "battery",
        "energy_kwh": {"max_kwh": 20000, "capex_per_kwh": 180 * dearer, "lifetime_years": 15},
        "power_kw": {"max_kw": 5000, "capex_per_kw": 90 * dearer, "lifetime_years": 15},
        "charge_efficiency": 0.95,
        "discharge_efficiency": 0.95 - 0.005 * number,
        "self_discharge_per_hour": 0.0001,
    }


def _electric_boiler(number: int) -> dict[str, Any]:
    size = {"max_kw": 2000, "capex_per_kw": 120 * (1 + 0.05 * number), "lifetime_years": 18}
    return {"type": "electric_boiler", "power_kw": size, "efficiency": 0.98 - 0.005 * number}


def _heat_store(number: int) -> dict[str, Any]:
    size = {"max_kwh": 50000, "capex_per_kwh": 20 * (1 + 0.05 * number), "lifetime_years": 25}
    return {
        "type": "heat_store",
        "energy_kwh": size,
        "self_discharge_per_hour": 0.001 * (1 + number),
    }


def _heat(demand: dict[str, str]) -> dict[str, Any]:
    return {
        "heat": {"type": "heat_demand", "power_kw": demand},
        "gas": {
            "type": "supply",
            "carrier": "gas",
            "price_per_kwh": 0.045,
            "co2_kg_per_kwh": GAS_CO2,
        },
        "gas_boiler": {"type": "gas_boiler", "power_kw": 2 * LOAD_KW, "efficiency": BOILER},
        "electric_boiler": _electric_boiler(0),
        "heat_store": _heat_store(0),
    }


if __name__ == "__main__":
    target, *sizes = sys.argv[1:]
    write(Path(target), **dict(zip(("hours", "assets", "members"), map(int, sizes), strict=True)))
