"""Case `small_coal` from another modelling tool, and its switch prices of carbon by hand.

    python -m benchmarks.verify_small_coal           # what expected.yaml promises, and the checks
    python -m benchmarks.verify_small_coal sweep     # the tables of the README as well
    python -m benchmarks.verify_small_coal whole     # units kept or given up as a whole, all ways

Prices, annuities, the COP and every coefficient are stated here again, from the README alone. Taken
from the project as data are the three demands (series.csv), the outdoor temperature and the yield of
the PV array per kW. The model is written in linopy and solved by HiGHS (HiPO), half a minute for each
plan. The arithmetic by hand gives the cost of one more kWh of steam from coal and from electricity in
every hour of the tariff; `check_hours` holds both against each other. Needs the extra `peers`.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, replace
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping

    import linopy

HIPO: dict[str, Any] = {"solver": "hipo", "hipo_system": "augmented", "hipo_ordering": "amd"}
HIPO |= {"run_crossover": "off", "threads": 1, "output_flag": False}
HOURS = 8760
KG_PER_T = 1000.0
BUSY = 5.0
"""Flow from which a unit counts as running, and room that counts as free [kW]."""

COAL_PRICE, COAL_CO2 = 0.12507, 0.3406
GRID_CO2 = 0.1564
COP = 2.67
"""Mean of the heat pump in the plan, for the arithmetic by hand."""
PEAK_PRICE, CONNECTION_KW = 35.0, 200_000.0
WASTE_KW, WASTE_HEAT, WASTE_PRICE, WASTE_CO2 = 6000.0, 1.5, 0.42, 0.40
WASTE = [0.92] * 3 + [0.50] + [0.92] * 8
RIVER_KW, RIVER_PRICE = 10_000.0, 0.26
RIVER = [0.22, 0.20, 0.20, 0.25, 0.40, 0.75, 0.95, 0.95, 0.90, 0.70, 0.40, 0.28]
EXCHANGER = ELECTRODE = SALT = 0.98
SALT_LOSS_PER_DAY = 0.015
TARIFF = {
    "dry valley": 0.14 + 0.44 * 0.4,
    "dry flat": 0.14 + 0.44,
    "dry peak": 0.14 + 0.44 * 1.6,
    "wet valley": 0.14 + 0.32 * 0.4,
    "wet flat": 0.14 + 0.32,
    "wet peak": 0.14 + 0.32 * 1.6,
    "wet sharp": 0.14 + 0.32 * 1.92,
}


@dataclass(frozen=True)
class Coal:
    """An existing unit; `efficiency` of electricity, for the boilers of steam."""

    kw: float
    efficiency: float
    om: float
    fixed: float
    ratio: float = 0.0
    loss: float = 0.0


BACK_PRESSURE = Coal(kw=12_000, efficiency=0.25, om=0.03, fixed=300, ratio=0.45)
EXTRACTION = Coal(kw=25_000, efficiency=0.30, om=0.03, fixed=300, ratio=0.45, loss=0.12)
BOILERS = Coal(kw=40_000, efficiency=0.82, om=0.005, fixed=40)
UNITS = {"back_pressure": BACK_PRESSURE, "extraction": EXTRACTION, "coal_boilers": BOILERS}

# Maximum, capex per unit, life, fixed O&M as a share of capex, fixed O&M per unit and year.
NEW = {
    "pv": (400_000, 3200, 25, 0.0, 35),
    "heat_pump": (30_000, 2500, 15, 0.02, 0),
    "electric_boiler": (100_000, 550, 20, 0.015, 0),
    "salt_energy": (2_000_000, 200, 25, 0.015, 0),
    "salt_charge": (200_000, 450, 25, 0.015, 0),
    "salt_discharge": (60_000, 300, 25, 0.015, 0),
}


@dataclass(frozen=True)
class Question:
    """What is asked: a carbon price, and the circumstances that scenarios change."""

    carbon_price: float = 300.0
    grid_co2: float = GRID_CO2
    pv_kw: float = 400_000.0
    plan: bool = True
    kept: Mapping[str, float] = field(default_factory=dict)


def annual_cost(capex: float, life: int, rate: float = 0.06, project: int = 20) -> float:
    """Return the yearly cost with replacements and a linear residual value."""
    present, year = capex, life
    while year < project:
        present += capex / (1 + rate) ** year
        year += life
    present -= capex * (year - project) / life / (1 + rate) ** project
    return present * rate / (1 - (1 + rate) ** -project)


def yearly(name: str) -> float:
    """Return what a unit of new capacity costs in a year."""
    _, capex, life, share, fixed = NEW[name]
    return annual_cost(capex, life) + share * capex + fixed


def period_of(stamp: pd.Timestamp) -> str:
    """Return the period of the tariff."""
    hour = stamp.hour
    if hour < 8:
        part = "valley"
    elif stamp.month in {7, 8} and (hour == 13 or 21 <= hour < 23):
        part = "sharp"
    else:
        part = "peak" if 10 <= hour < 12 or 16 <= hour < 22 else "flat"
    return f"{'wet' if 6 <= stamp.month <= 10 else 'dry'} {part}"


class Year:
    """The data of a year, shape (8760,) each."""

    def __init__(self) -> None:
        from microgrid_opt import load

        arrays = load("small_coal").arrays
        stamps = pd.date_range("2025-01-01", periods=HOURS, freq="h")
        self.month = stamps.month.to_numpy() - 1
        self.period = np.array([period_of(stamp) for stamp in stamps])
        self.price = np.array([TARIFF[period] for period in self.period])
        self.load = arrays["assets.factories.power_kw"]
        self.steam = arrays["assets.process_steam.power_kw"]
        self.water = arrays["assets.washing_drying.power_kw"]
        self.sun = arrays["assets.pv.output_per_kw"]
        cold = arrays["assets.heat_pump.source_temperature_degc"] - 5.0 + 273.15
        hot = 65.0 + 5.0 + 273.15
        self.cop = 0.42 * hot / np.maximum(hot - cold, 15.0)
        self.waste = WASTE_KW * np.array(WASTE)[self.month]
        self.river = RIVER_KW * np.array(RIVER)[self.month]


# ---------------------------------------------------------------------- the model


class Pen:
    """A linopy model under construction, with its terms of cost, CO2 included."""

    def __init__(self, asked: Question) -> None:
        import linopy

        self.asked = asked
        self.model: linopy.Model = linopy.Model()
        self.steps = pd.RangeIndex(HOURS, name="t")
        self.cost: list[Any] = []

    def series(self, values: Any) -> Any:
        """Return data over the steps."""
        import xarray as xr

        return xr.DataArray(values, coords=[self.steps])

    def flow(self, name: str, cost: Any = 0.0, co2: float = 0.0, upper: Any = np.inf) -> Any:
        """Return a variable for each hour, with its cost and CO2 per kWh."""
        most = upper if np.isscalar(upper) else self.series(upper)
        flow = self.model.add_variables(lower=0, upper=most, coords=[self.steps], name=name)
        price = np.broadcast_to(cost + co2 * self.asked.carbon_price / KG_PER_T, HOURS)
        if price.any():
            self.cost.append((flow * self.series(price)).sum())
        return flow

    def size(self, name: str) -> Any:
        """Return new capacity, or existing capacity that may be given up."""
        if name in UNITS:
            most, yearly_cost = UNITS[name].kw, UNITS[name].fixed
            most = self.asked.kept.get(name, most)
            least = most if name in self.asked.kept or not self.asked.plan else 0.0
        else:
            most = self.asked.pv_kw if name == "pv" else NEW[name][0]
            least, yearly_cost = 0.0, yearly(name)
            most = most if self.asked.plan else 0.0
        size = self.model.add_variables(lower=least, upper=most, name=name)
        self.cost.append(size * yearly_cost)
        return size

    def rule(self, relation: Any, name: str) -> None:
        """Add a constraint family."""
        self.model.add_constraints(relation, name=name)


def in_linopy(year: Year, asked: Question) -> Pen:
    """Return the park with its plan's choices, or as it is today."""
    pen = Pen(asked)
    bought = pen.flow("import", year.price, asked.grid_co2, upper=CONNECTION_KW)
    months = pd.RangeIndex(12, name="month")
    peak = pen.model.add_variables(lower=0, coords=[months], name="peak")
    pen.rule(bought - peak.sel(month=pen.series(year.month)) <= 0, "peaks")
    pen.cost.append((peak * PEAK_PRICE).sum())

    back_power, power, heat, boiled = _coal(pen)
    charge, discharge = _salt(pen)
    river = pen.flow("river", RIVER_PRICE, upper=year.river)
    sun = pen.flow("pv_generation")
    pen.rule(sun - pen.series(year.sun) * pen.size("pv") <= 0, "sun")
    pumped = pen.flow("heat_pumped")
    pen.rule(pumped - pen.size("heat_pump") <= 0, "heat_pumps")
    electric = pen.flow("electric_steam")
    pen.rule(electric - pen.size("electric_boiler") <= 0, "electrodes")
    exchanged = pen.flow("exchanged")

    taken = pumped / pen.series(year.cop) + electric / ELECTRODE + charge
    made = bought + back_power + power + river + sun
    pen.rule(made - taken == pen.series(year.load - year.waste), "electricity")
    made = back_power / BACK_PRESSURE.ratio + heat + boiled + electric + discharge
    known = pen.series(year.steam - WASTE_HEAT * year.waste)
    pen.rule(made - exchanged / EXCHANGER == known, "steam")
    pen.rule(pumped + exchanged == pen.series(year.water), "hot_water")
    pen.model.add_objective(sum(pen.cost[1:], pen.cost[0]))
    return pen


def _coal(pen: Pen) -> tuple[Any, Any, Any, Any]:
    def burning(name: str, unit: Coal, fuel: float, om: float) -> Any:
        per_kwh = fuel / unit.efficiency
        return pen.flow(name, per_kwh * COAL_PRICE + om, per_kwh * COAL_CO2)

    back_power = burning("back_power", BACK_PRESSURE, 1.0, BACK_PRESSURE.om)
    pen.rule(back_power - pen.size("back_pressure") <= 0, "back_pressure_size")
    unit = EXTRACTION
    power = burning("power", unit, 1.0, unit.om)
    heat = burning("heat", unit, unit.loss, 0.0)
    pen.rule(power + unit.loss * heat - pen.size("extraction") <= 0, "extraction_size")
    pen.rule(power - unit.ratio * heat >= 0, "back_pressure_line")
    boiled = burning("boiled", BOILERS, 1.0, BOILERS.om)
    pen.rule(boiled - pen.size("coal_boilers") <= 0, "boilers_size")
    return back_power, power, heat, boiled


def _salt(pen: Pen) -> tuple[Any, Any]:
    charge, discharge, content = (pen.flow(f"salt_{key}") for key in ("in", "out", "content"))
    pen.rule(charge - pen.size("salt_charge") <= 0, "heaters")
    pen.rule(discharge - pen.size("salt_discharge") <= 0, "steam_generators")
    pen.rule(content - pen.size("salt_energy") <= 0, "tanks")
    kept = (1.0 - SALT_LOSS_PER_DAY) ** (1.0 / 24.0)
    gained = SALT * charge - discharge / SALT
    pen.rule(content - kept * content.roll(t=1) - gained == 0, "salt_balance")
    return charge, discharge


class Solved:
    """What a solved model says."""

    def __init__(self, year: Year, asked: Question) -> None:
        pen = in_linopy(year, asked)
        pen.model.solve("highs", progress=False, **HIPO)
        self.asked = asked
        self.values = {name: np.asarray(v) for name, v in pen.model.solution.items()}
        self.duals = {name: np.asarray(v) for name, v in pen.model.dual.items()}
        waste = WASTE_PRICE + WASTE_CO2 * asked.carbon_price / KG_PER_T
        self.cost = float(pen.model.objective.value or 0.0) + waste * float(year.waste.sum())
        turbine = self.total("power") + EXTRACTION.loss * self.total("heat")
        self.coal_kwh = self.total("back_power") / BACK_PRESSURE.efficiency
        self.coal_kwh += turbine / EXTRACTION.efficiency
        self.coal_kwh += self.total("boiled") / BOILERS.efficiency
        self.co2_kg = COAL_CO2 * self.coal_kwh + asked.grid_co2 * self.total("import")
        self.co2_kg += WASTE_CO2 * float(year.waste.sum())

    def total(self, name: str) -> float:
        """Return the sum of a flow over the year [kWh]."""
        return float(self.values[name].sum())


# ---------------------------------------------------------------------- by hand


class Step(NamedTuple):
    """What a kWh costs without its CO2 [CNY/kWh], and its CO2 [kg/kWh]; numbers or shape (n,)."""

    cost: Any
    co2: float

    def at(self, carbon_price: float) -> Any:
        """Return the cost with CO2."""
        return self.cost + self.co2 * carbon_price / KG_PER_T

    def switch_to(self, rival: Step) -> float:
        """Return the carbon price from which the rival is cheaper [CNY/t]."""
        saved = self.co2 - rival.co2
        return float((rival.cost - self.cost) / saved * KG_PER_T) if saved > 0.0 else np.inf


def coal_steam(source: str, price: Any, grid_co2: float = GRID_CO2) -> Step:
    """Return one more kWh of steam from coal while the grid gives or takes the difference of power.

    The source is a unit; `extraction` means on its back-pressure line, `tapped` means from the full
    extraction turbine, which then makes less electricity.
    """
    if source == "tapped":
        return Step(EXTRACTION.loss * (price - EXTRACTION.om), EXTRACTION.loss * grid_co2)
    unit = UNITS[source]
    if not unit.ratio:
        return Step(COAL_PRICE / unit.efficiency + unit.om, COAL_CO2 / unit.efficiency)
    fuel = (unit.ratio + unit.loss) / unit.efficiency
    cost = fuel * COAL_PRICE + unit.ratio * (unit.om - price)
    return Step(cost, fuel * COAL_CO2 - unit.ratio * grid_co2)


def condensing() -> Step:
    """Return one kWh of electricity without use of heat."""
    burnt = 1.0 / EXTRACTION.efficiency
    return Step(burnt * COAL_PRICE + EXTRACTION.om, burnt * COAL_CO2)


def rivals(price: float, found: Solved, year: Year) -> dict[str, Step]:
    """Return what may give a kWh of steam, or the hot water made of it, instead of coal.

    From the grid at its price, without capital: they stand there already. From own sun through salt
    with all capital, of the plan that was found.
    """
    sizes = {name: float(found.values[name]) for name in NEW}
    capital = sum(sizes[name] * yearly(name) for name in NEW if name.startswith("salt"))
    taken, given = found.total("salt_in"), found.total("salt_out")
    sun = yearly("pv") / float(year.sun.sum())
    return {
        "heat pump": Step(EXCHANGER * price / COP, EXCHANGER * GRID_CO2 / COP),
        "electrode": Step(price / ELECTRODE, GRID_CO2 / ELECTRODE),
        "sun and salt": Step(sun * taken / given + capital / given, 0.0),
    }


def first_heat_pump(year: Year, *, demand_charge: bool) -> float:
    """Return the carbon price at which the first kW of heat pump pays, from the grid [CNY/t].

    It replaces steam of the extraction unit in every hour in which that is dearer; with the demand
    charge it raises the peak of every month, in the valley hours at night.
    """
    valley = np.char.endswith(year.period, "valley")
    months = [1.0 / year.cop[valley & (year.month == month)].mean() for month in range(12)]
    cost = yearly("heat_pump") + (PEAK_PRICE * sum(months) if demand_charge else 0.0)
    low, high = 0.0, KG_PER_T
    while high - low > 1e-6:
        middle = (low + high) / 2.0
        worth = Step(year.price, GRID_CO2).at(middle)
        gain = coal_steam("extraction", year.price).at(middle) / EXCHANGER - worth / year.cop
        low, high = (low, middle) if np.maximum(gain, 0.0).sum() > cost else (middle, high)
    return low


def check_hours(year: Year, found: Solved) -> None:
    """Hold the arithmetic against every hour in which grid and one coal unit are marginal."""
    values, duals, price = found.values, found.duals, found.asked.carbon_price
    worth = Step(year.price, GRID_CO2).at(price)
    peak = values["peak"][year.month]
    grid = (values["import"] > BUSY) & (values["import"] < peak - BUSY)
    off = np.abs(duals["electricity"] - worth)[grid].max()
    print(f"grid marginal in {grid.sum()} h, electricity at its price within {off:.1e} CNY/kWh")
    power, heat = values["power"], values["heat"]
    steam = power + EXTRACTION.loss * heat
    on_line = power - EXTRACTION.ratio * heat < BUSY
    back, size = values["back_power"], values["extraction"]
    marginal = {
        "extraction": (heat > BUSY) & on_line & (steam < size - BUSY),
        "tapped": (heat > BUSY) & ~on_line & (steam > size - BUSY),
        "back_pressure": (back > BUSY) & (back < values["back_pressure"] - BUSY),
    }
    for source, there in marginal.items():
        hours = grid & there
        if not hours.any():
            continue
        cost = coal_steam(source, year.price).at(price)
        off = np.abs(duals["steam"] - cost)[hours].max()
        gain = cost / EXCHANGER - worth / year.cop
        pumped = values["heat_pumped"]
        full = pumped > values["heat_pump"] - BUSY
        asked = hours & (values["exchanged"] > BUSY) & (np.abs(gain) > 1e-4)
        right = np.where(gain > 0.0, full, pumped < BUSY)[asked].sum()
        print(
            f"steam from {source} in {hours.sum()} h, at its cost within {off:.1e} CNY/kWh; "
            f"heat pump as the switch price says in {right} of {asked.sum()} h"
        )
    for name, tariff in TARIFF.items():
        hours = (year.period == name) & (values["import"] < peak - BUSY)
        switch = condensing().switch_to(Step(tariff, GRID_CO2))
        energy = (power - EXTRACTION.ratio * heat)[hours].sum() / 1000.0
        print(f"condensing in {name}: switch price {switch:.1f} CNY/t, {energy:.1f} MWh")
    earned = np.maximum(duals["hot_water"] - duals["electricity"] / year.cop, 0.0).sum()
    print(f"heat pump earns {earned:.4f} a year and kW, costs {yearly('heat_pump'):.4f}")
    earned = float(duals["electricity"] @ year.sun)
    print(f"PV earns {earned:.4f} a year and kW, costs {yearly('pv'):.4f}")


def report(found: Solved) -> None:
    """Print a solved model in one line each for sum and sizes."""
    asked = found.asked
    print(f"{asked}\n  cost {found.cost:.6f} co2_kg {found.co2_kg:.6f}", end=" ")
    print(f"coal_kwh {found.coal_kwh:.6f} import_kwh {found.total('import'):.6f}")
    for name in (*UNITS, *NEW):
        print(f"  {name} {float(found.values[name]):.6f}", end="")
    print(flush=True)


def main() -> None:
    """Solve and print."""
    year, asked = Year(), Question()
    if "whole" in sys.argv:
        for price, stays in product((300.0, 400.0), product((1.0, 0.0), repeat=3)):
            kept = {name: UNITS[name].kw * stay for name, stay in zip(UNITS, stays, strict=True)}
            report(Solved(year, replace(asked, carbon_price=price, kept=kept)))
        return
    report(Solved(year, replace(asked, plan=False)))
    found = Solved(year, asked)
    report(found)
    check_hours(year, found)
    for name, price in TARIFF.items():
        for rival, step in rivals(price, found, year).items():
            row = [f"{unit} {coal_steam(unit, price).switch_to(step):.0f}" for unit in UNITS]
            print(f"{name}, {rival} instead of", ", ".join(row), "CNY/t")
    first = [first_heat_pump(year, demand_charge=charged) for charged in (False, True)]
    print(f"first heat pump from the grid: {first[0]:.1f} to {first[1]:.1f} CNY/t")
    if "sweep" in sys.argv:
        for price in (0.0, 100.0, 200.0, 400.0, 500.0, 600.0, 800.0):
            report(Solved(year, replace(asked, carbon_price=price)))
        for price in (0.0, 240.0, 270.0, 300.0, 600.0, 800.0):
            report(Solved(year, replace(asked, carbon_price=price, pv_kw=40_000.0)))
        for price in (0.0, 300.0):
            report(Solved(year, replace(asked, carbon_price=price, grid_co2=0.5306)))


if __name__ == "__main__":
    main()
