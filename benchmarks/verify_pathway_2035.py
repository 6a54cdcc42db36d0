"""Case `pathway_2035` from another modelling tool: three stages in one model, and one after the other.

    python -m benchmarks.verify_pathway_2035            # what expected.yaml promises
    python -m benchmarks.verify_pathway_2035 tables     # the tables of the README as well

Prices, annuities, present values, the COP, the coal equivalents and every coefficient are stated here
again, from the README alone. Taken from the project as data are the two demands (calendar shapes of the
park file) and series.csv. The model is written in linopy and solved by HiGHS (HiPO). The reference plan has
no choice and is added up by hand. Needs the extra `peers`.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import linopy

HIPO: dict[str, Any] = {"solver": "hipo", "hipo_system": "augmented", "hipo_ordering": "amd"}
HIPO |= {"run_crossover": "off", "threads": 1, "output_flag": False}
STEPS, HOURS = 2920, 3.0
RATE, LAST_YEAR = 0.06, 2039
GRID_KW, PEAK_PRICE = 40_000.0, 35.0
GAS_PRICE, GAS_CO2, GAS_KGCE = 0.354, 0.202, 3.6 / 29.3076
BOILER_KW, BOILER_OM, BOILER_EFFICIENCY = 20_000.0, 25.0, 0.90
ELECTRODE = 0.98
LINE = 0.98
BATTERY, CYCLING = 0.94, 0.01

# Largest total, life, capex by stage, fixed O&M as a share of the capex of the stage, and per unit.
NEW: dict[str, tuple[float, int, tuple[float, float, float], float, float]] = {
    "pv": (90_000, 25, (2800, 2500, 2200), 0.0, 40),
    "wind": (80_000, 20, (5600, 5300, 4900), 0.0, 100),
    "direct_line": (80_000, 40, (500, 500, 500), 0.01, 0),
    "battery": (600_000, 12, (800, 650, 500), 0.015, 0),
    "heat_pump": (20_000, 15, (2400, 2200, 2000), 0.02, 0),
    "electrode_boiler": (20_000, 20, (550, 550, 550), 0.015, 0),
}
YEARS = (2027, 2030, 2035)
LOAD_KWH = {2027: 140e6, 2030: 150e6, 2035: 160e6}
GRID_CO2 = {2027: 0.45, 2030: 0.38, 2035: 0.27}
TARGET = {2027: 1.0, 2030: 0.7, 2035: 0.3}


@dataclass(frozen=True)
class Question:
    """What is asked of the stages.

    Parameters
    ----------
    target
        Largest tonnes of CO2 per tonne of coal equivalent by stage; none: not limited.
    tonnes
        Largest tonnes of CO2 a year by stage; none: not limited.
    kgce
        Coal equivalent of electricity [kgce/kWh].
    losses
        Whether what battery and line lose counts as consumption.
    """

    target: Mapping[int, float] = field(default_factory=lambda: TARGET)
    tonnes: Mapping[int, float] = field(default_factory=dict)
    kgce: float = 0.1229
    losses: bool = False


def annuity(life: int) -> float:
    """Return the yearly payment that repays 1 over a life."""
    return RATE / (1.0 - (1.0 + RATE) ** -life)


def years_of(stage: int) -> range:
    """Return the calendar years of a stage."""
    later = [year for year in YEARS if year > stage]
    return range(stage, later[0] if later else LAST_YEAR + 1)


def weight(stage: int) -> float:
    """Return what 1 at the end of each of its years is worth at the start of the first stage."""
    return sum((1.0 + RATE) ** -(year + 1 - YEARS[0]) for year in years_of(stage))


class Data:
    """The year that all stages share, shape (2920,) each."""

    def __init__(self) -> None:
        from microgrid_opt.problem import Problem
        from microgrid_opt.shipped import shipped
        from microgrid_opt.study import load

        first = load("pathway_2035", stage=YEARS[0])
        assert isinstance(first, Problem)
        self.shape = first.arrays["assets.factories.power_kw"] / LOAD_KWH[YEARS[0]]
        self.heat = first.arrays["assets.hot_water.power_kw"]
        table = pd.read_csv(shipped("cases") / "pathway_2035" / "series.csv")
        self.sun = table["pv_per_kw"].to_numpy()
        self.wind = table["wind_per_kw"].to_numpy()
        cold = table["temperature_degc"].to_numpy() - 5.0 + 273.15
        hot = 70.0 + 5.0 + 273.15
        self.cop = 0.42 * hot / np.maximum(hot - cold, 15.0)
        stamps = pd.date_range("2025-01-01", periods=STEPS, freq="3h")
        self.month = stamps.month.to_numpy() - 1
        peak, valley = np.isin(stamps.hour, (15, 18)), np.isin(stamps.hour, (0, 3, 12))
        self.price = np.where(peak, 0.90, np.where(valley, 0.36, 0.64))

    def load(self, stage: int) -> Any:
        """Return the load of a stage [kW]."""
        return self.shape * LOAD_KWH[stage]

    def today(self, stage: int) -> tuple[float, float, float]:
        """Return cost, CO2 [kg] and consumption [kgce] of a year with grid and gas boiler alone."""
        load, gas = self.load(stage), self.heat / BOILER_EFFICIENCY
        peaks = sum(load[self.month == month].max() for month in range(12))
        cost = HOURS * float(self.price @ load) + PEAK_PRICE * peaks + BOILER_OM * BOILER_KW
        energy, burnt = HOURS * load.sum(), HOURS * gas.sum()
        co2 = GRID_CO2[stage] * energy + GAS_CO2 * burnt
        return cost + GAS_PRICE * burnt, co2, 0.1229 * energy + GAS_KGCE * burnt


class Stage:
    """One stage in a linopy model: its variables, rules, and cost of a year."""

    def __init__(self, model: linopy.Model, data: Data, asked: Question, year: int) -> None:
        self.model, self.data, self.asked, self.year = model, data, asked, year
        self.steps = pd.RangeIndex(STEPS, name="t")
        self.cost: list[Any] = []
        self.constant = 0.0

    def series(self, values: Any) -> Any:
        """Return data over the steps."""
        import xarray as xr

        return xr.DataArray(values, coords=[self.steps])

    def flow(self, name: str, cost: Any = 0.0, upper: float = np.inf) -> Any:
        """Return a variable for each step, with its cost per kWh."""
        made = self.model.add_variables(
            lower=0, upper=upper, coords=[self.steps], name=f"{name}_{self.year}"
        )
        price = np.broadcast_to(cost, STEPS)
        if price.any():
            self.cost.append((made * self.series(HOURS * price)).sum())
        return made

    def rule(self, relation: Any, name: str) -> None:
        """Add a constraint family."""
        self.model.add_constraints(relation, name=f"{name}_{self.year}")

    def sizes(self, before: Mapping[str, Any], bought: Mapping[int, Mapping[str, Any]]) -> None:
        """Write what is kept of the boiler, what is bought, and what stands of all stages."""
        number = YEARS.index(self.year)
        kept = self.model.add_variables(lower=0, upper=BOILER_KW, name=f"boiler_{self.year}")
        if isinstance(before["boiler"], float):
            self.rule(kept <= before["boiler"], "boiler_before")
        else:
            self.rule(kept - before["boiler"] <= 0, "boiler_before")
        self.cost.append(kept * BOILER_OM)
        self.now: dict[str, Any] = {"boiler": kept}
        self.new: dict[str, Any] = {}
        for name, (most, life, capex, share, fixed) in NEW.items():
            fresh = self.model.add_variables(lower=0, name=f"{name}_new_{self.year}")
            self.new[name] = fresh
            lots = {year: lot[name] for year, lot in bought.items()} | {self.year: fresh}
            known = sum(lot for lot in lots.values() if isinstance(lot, float))
            unknown = [lot for lot in lots.values() if not isinstance(lot, float)]
            total = self.model.add_variables(lower=0, upper=most, name=f"{name}_size_{self.year}")
            self.rule(total - sum(unknown[1:], 1.0 * unknown[0]) == known, f"{name}_total")
            self.now[name] = total
            self.cost.append(total * (share * capex[number] + fixed))
            for year, lot in lots.items():
                assert self.year < year + life
                paid = capex[YEARS.index(year)] * annuity(life)
                if isinstance(lot, float):
                    self.constant += paid * lot
                else:
                    self.cost.append(lot * paid)

    def operation(self) -> None:
        """Write the year and the limits on its CO2."""
        data, now = self.data, self.now
        bought = self.flow("import", data.price, upper=GRID_KW)
        months = pd.RangeIndex(12, name="month")
        peak = self.model.add_variables(lower=0, coords=[months], name=f"peak_{self.year}")
        self.rule(bought - peak.sel(month=self.series(data.month)) <= 0, "peaks")
        self.cost.append((peak * PEAK_PRICE).sum())
        sun, wind, sent = self.flow("sun"), self.flow("wind"), self.flow("sent")
        self.rule(sun - self.series(data.sun) * now["pv"] <= 0, "sunshine")
        self.rule(wind - self.series(data.wind) * now["wind"] <= 0, "breeze")
        self.rule(wind - sent == 0, "ridge")
        self.rule(sent - now["direct_line"] <= 0, "line")
        charge, discharge = self.flow("charge"), self.flow("discharge", CYCLING)
        content = self.flow("content")
        self.rule(content - now["battery"] <= 0, "room")
        gained = charge * (HOURS * BATTERY) - discharge * (HOURS / BATTERY)
        self.rule(content - content.roll(t=1) - gained == 0, "contents")
        gas = self.flow("gas", GAS_PRICE)
        pumped, electric = self.flow("pumped"), self.flow("electric")
        self.rule(gas * BOILER_EFFICIENCY - now["boiler"] <= 0, "burning")
        self.rule(pumped - now["heat_pump"] <= 0, "pumping")
        self.rule(electric - now["electrode_boiler"] <= 0, "heating")
        self.rule(gas * BOILER_EFFICIENCY + pumped + electric == self.series(data.heat), "heat")
        taken = pumped * self.series(1.0 / data.cop) + electric / ELECTRODE + charge
        made = bought + sun + sent * LINE + discharge
        self.rule(made - taken == self.series(data.load(self.year)), "power")
        emitted = (bought * (GRID_CO2[self.year] * HOURS)).sum() + (gas * (GAS_CO2 * HOURS)).sum()
        power = bought + sun + wind
        if not self.asked.losses:
            power = power - sent * (1.0 - LINE) - charge + discharge
        consumed = (power * (self.asked.kgce * HOURS)).sum() + (gas * (GAS_KGCE * HOURS)).sum()
        self.emitted, self.consumed = emitted, consumed
        if self.year in self.asked.target:
            self.rule(emitted - consumed * self.asked.target[self.year] <= 0, "target")
        if self.year in self.asked.tonnes:
            self.rule(emitted <= self.asked.tonnes[self.year] * 1000.0, "tonnes")


@dataclass(frozen=True)
class Answer:
    """One stage solved: a year of it."""

    year: int
    cost: float
    co2_kg: float
    kgce: float
    price_per_kg: float
    sizes: Mapping[str, float]
    new: Mapping[str, float]
    sums: Mapping[str, float]


def solved(data: Data, asked: Question, groups: Iterable[tuple[int, ...]]) -> list[Answer]:
    """Return the stages, planned group by group: each without knowing the later ones."""
    import linopy

    before: dict[str, Any] = {"boiler": BOILER_KW}
    bought: dict[int, dict[str, Any]] = {}
    answers: list[Answer] = []
    for group in groups:
        model = linopy.Model()
        stages: list[Stage] = []
        for year in group:
            stage = Stage(model, data, asked, year)
            stage.sizes(before, bought)
            stage.operation()
            before, bought[year] = {"boiler": stage.now["boiler"]}, stage.new
            stages.append(stage)
        shares = {year: weight(year) / weight(group[0]) for year in group}
        total = [shares[stage.year] * term for stage in stages for term in stage.cost]
        model.add_objective(sum(total[1:], total[0]))
        model.solve("highs", progress=False, **HIPO)
        for stage in stages:
            found = _answer(stage, model, shares[stage.year])
            answers.append(found)
            bought[stage.year] = dict(found.new)
            before = {"boiler": found.sizes["boiler"]}
    return answers


def _answer(stage: Stage, model: linopy.Model, share: float) -> Answer:
    def value(form: Any) -> float:
        return float(form.solution.sum()) if hasattr(form, "solution") else float(form)

    tags = {"target": stage.asked.target, "tonnes": stage.asked.tonnes}
    price = sum(
        abs(float(model.dual[f"{name}_{stage.year}"])) / share
        for name, limits in tags.items()
        if stage.year in limits
    )
    flows = ("import", "sun", "wind", "sent", "charge", "discharge", "gas", "pumped", "electric")
    return Answer(
        stage.year,
        sum(value(term) for term in stage.cost) + stage.constant,
        value(stage.emitted),
        value(stage.consumed),
        price,
        {name: value(size) for name, size in stage.now.items()},
        {name: value(size) for name, size in stage.new.items()},
        {name: HOURS * float(model.solution[f"{name}_{stage.year}"].sum()) for name in flows},
    )


def report(title: str, answers: Iterable[Answer]) -> None:
    """Print stages and their present value."""
    answers = list(answers)
    worth = sum(weight(one.year) * one.cost for one in answers)
    emitted = sum(len(years_of(one.year)) * one.co2_kg for one in answers)
    print(f"\n{title}: present_value {worth:.6f} co2_t {emitted / 1000.0:.1f}")
    for one in answers:
        ratio = one.co2_kg / one.kgce
        print(f"  {one.year} cost {one.cost:.6f} co2_kg {one.co2_kg:.6f} t/tce {ratio:.6f}", end="")
        print(f" tce {one.kgce / 1000.0:.1f} CNY/kg {one.price_per_kg:.6f}")
        print("   ", " ".join(f"{name} {size:.3f}" for name, size in one.sizes.items()))
        print("   ", " ".join(f"{name} {kwh / 1e6:.4f}" for name, kwh in one.sums.items()), "GWh")
    sys.stdout.flush()


def main() -> None:
    """Solve and print."""
    data, asked = Data(), Question()
    for year in YEARS:
        cost, co2, kgce = data.today(year)
        print(f"{year} weight {weight(year):.9f}, today: cost {cost:.6f} co2_kg {co2:.6f}", end="")
        print(f" t/tce {co2 / kgce:.6f} tce {kgce / 1000.0:.1f}")
    plan = solved(data, asked, [YEARS])
    report("perfect foresight", plan)
    apart = [(year,) for year in YEARS]
    report("myopic", solved(data, asked, apart))
    if "tables" in sys.argv:
        report("no target", solved(data, replace(asked, target={}), [YEARS]))
        report("heat rate", solved(data, replace(asked, kgce=0.30), [YEARS]))
        report("losses count", solved(data, replace(asked, losses=True), [YEARS]))
        same = {one.year: round(one.co2_kg / 1000.0) for one in plan}
        report("same tonnes", solved(data, Question(target={}, tonnes=same), [YEARS]))


if __name__ == "__main__":
    main()
