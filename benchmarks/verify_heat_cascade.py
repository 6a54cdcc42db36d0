"""The optimum of case `heat_cascade` from another modelling tool: linopy with HiGHS.

    python -m benchmarks.verify_heat_cascade

The reference plan (grid, boiler house, chillers of today) is arithmetic on the demands; a share of its
CO2 is the cap of the linopy model. Annuities and COPs are derived here in plain Python; demands,
prices, outdoor temperature and the yields of PV and collectors are taken from the project, as data.
Prints what cases/heat_cascade/expected.yaml promises and the mean value of a kWh at each level, then
cost and sizes of the scenarios `no_cascade` and `no_cap` for the README. Takes some minutes; needs the
extra `peers`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    import linopy

    from microgrid_opt.problem import Problem

REDUCTION = 0.6
RATE, PROJECT = 0.07, 20
HOT, WARM, CHILLED = 95.0, 50.0, 6.0
ZERO_CELSIUS = 273.15
DEMANDS = {
    "power": "works",
    "steam": "process_steam",
    "hot": "hot_water",
    "warm": "warm_water",
    "chilled": "cooling",
}


def annual_cost(capex: float, life: float) -> float:
    """Return the yearly cost with replacements and a linear residual value."""
    present, year = capex, life
    while year < PROJECT:
        present += capex / (1 + RATE) ** year
        year += life
    present -= capex * (year - PROJECT) / life / (1 + RATE) ** PROJECT
    return present * RATE / (1 - (1 + RATE) ** -PROJECT)


def cop(carnot: Any, low: Any, high: Any, *, heats: bool) -> Any:
    """Return the share of the Carnot COP between two temperatures [°C]."""
    cold = low - carnot.source_approach_kelvin + ZERO_CELSIUS
    hot = high + carnot.sink_approach_kelvin + ZERO_CELSIUS
    share = carnot.fraction * np.where(low < 2.0, carnot.icing_factor, 1.0)
    return share * (hot if heats else cold) / np.maximum(hot - cold, 15.0)


class Year:
    """The case's numbers, and the linopy model made of them."""

    def __init__(self, problem: Problem) -> None:
        self.park, self.assets = problem.park, dict[str, Any](problem.park.assets)
        self.data = {key.removeprefix("assets."): v for key, v in problem.arrays.items()}
        self.need = {level: self.data[f"{key}.power_kw"] for level, key in DEMANDS.items()}
        self.air = self.data["chillers.sink_temperature_degc"]
        self.old_cop = cop(self.assets["chillers"].carnot, CHILLED, self.air, heats=False)
        self.grid_co2, self.gas_co2, self.gas_price = (
            float(self.data[key][0])
            for key in ("grid.co2_kg_per_kwh", "gas.co2_kg_per_kwh", "gas.price_per_kwh")
        )

    def reference(self) -> tuple[float, float]:
        """Return cost and CO2 of the year as the park is today."""
        burner, chillers = self.assets["gas_boilers"], self.assets["chillers"]
        heat = float(sum(self.need[level].sum() for level in ("steam", "hot", "warm")))
        power = self.need["power"] + self.need["chilled"] / self.old_cop
        cost = float(power @ self.data["grid.import_price_per_kwh"])
        cost += heat * (self.gas_price / burner.efficiency + burner.variable_om_per_kwh)
        cost += chillers.variable_om_per_kwh * float(self.need["chilled"].sum())
        return cost, self.grid_co2 * float(power.sum()) + self.gas_co2 * heat / burner.efficiency

    def plan(self, cap_kg: float) -> linopy.Model:
        """Return the model under a cap on CO2."""
        import linopy

        self.m = linopy.Model()
        self.time = pd.RangeIndex(len(self.air), name="t")
        self.cost: list[Any] = []
        self.balance: dict[str, Any] = dict.fromkeys(DEMANDS, 0.0)
        bought = self.flow("bought", self.assets["grid"].connection_kw.fixed)
        self.pay(bought, self.data["grid.import_price_per_kwh"])
        self.add("power", bought)
        burnt: Any = 0.0
        for key, asset in self.assets.items():
            if asset.type == "gas_boiler":
                burnt = burnt + self.gas_boiler(key, asset)
            elif asset.type == "heat_exchanger":
                handed = self.flow(key)
                self.add(asset.hot, -handed)
                self.add(asset.cool, handed)
            elif asset.type == "byproduct":
                used = self.flow(key, self.data[f"{key}.power_kw"])
                self.add(asset.carrier, used)
                self.pay(used, asset.use_cost_per_unit)
        self.pay(burnt, self.gas_price)
        self.roofs()
        self.stores()
        self.electric_heat()
        self.cooling()
        for level, need in self.need.items():
            self.m.add_constraints(self.balance[level] == self.series(need), name=level)
        co2 = self.grid_co2 * bought + self.gas_co2 * burnt
        self.m.add_constraints(co2.sum() <= cap_kg, name="co2_cap")
        self.m.add_objective(sum(self.cost))
        return self.m

    # ------------------------------------------------------------------ pen

    def series(self, values: Any) -> Any:
        """Return an array over the steps; a number stays one."""
        return pd.Series(values, self.time) if np.ndim(values) else float(values)

    def flow(self, name: str, upper: Any = np.inf) -> Any:
        """Return a variable for each step."""
        return self.m.add_variables(
            lower=0, upper=self.series(upper), coords=[self.time], name=name
        )

    def add(self, level: str, term: Any) -> None:
        """Put a term into a balance, positive for what is supplied."""
        self.balance[level] = self.balance[level] + term

    def pay(self, flow: Any, price: Any) -> None:
        """Put the cost of a flow into the objective."""
        if np.any(price):
            self.cost.append((flow * self.series(price)).sum())

    def size(self, name: str, spec: Any) -> Any:
        """Return a size with its yearly cost."""
        size = self.m.add_variables(lower=0, upper=spec.maximum, name=name)
        yearly = annual_cost(spec.capex_per_unit, spec.lifetime_years)
        self.cost.append(size * (yearly + spec.fixed_om_fraction * spec.capex_per_unit))
        return size

    def within(self, name: str, flow: Any, limit: Any) -> None:
        """Keep a flow below a size."""
        self.m.add_constraints(flow - limit <= 0, name=f"{name}_limit")

    def machine(self, key: str, level: str, ratio: Any) -> Any:
        """Add a machine that turns electricity into heat or cold, and return what it takes."""
        asset, taken = self.assets[key], self.flow(key)
        made = taken * self.series(ratio)
        self.within(key, made, self.size(f"{key}.power", asset.power_kw))
        self.add(level, made)
        self.add("power", -taken)
        self.pay(taken, ratio * asset.variable_om_per_kwh)
        return taken

    # ------------------------------------------------------------------ technologies

    def gas_boiler(self, key: str, boiler: Any) -> Any:
        """Add a boiler of today, and return the gas that it burns."""
        burnt = self.flow(key, boiler.power_kw.fixed / boiler.efficiency)
        self.add(boiler.heat_carrier, boiler.efficiency * burnt)
        self.pay(burnt, boiler.efficiency * boiler.variable_om_per_kwh)
        return burnt

    def roofs(self) -> None:
        """Add collectors and PV on the same roofs."""
        field, plant = self.assets["solar"], self.assets["pv"]
        collectors = self.size("solar.collector", field.collector_m2)
        panels = self.size("pv.power", plant.power_kw)
        heat, power = self.flow("solar"), self.flow("pv")
        self.within("solar", heat, self.series(self.data["solar.output_kw_per_m2"]) * collectors)
        self.within("pv", power, self.series(self.data["pv.output_per_kw"]) * panels)
        self.add("hot", heat)
        self.add("power", power)
        taken = field.area.m2_per_m2 * collectors + plant.area.m2_per_kw * panels
        self.m.add_constraints(taken <= self.park.areas["roofs"], name="roofs")

    def stores(self) -> None:
        """Add salt, hot-water tank and chilled-water tank, each cyclic over the year."""
        kept = (1 - self.assets["salt"].loss_per_day) ** (1 / 24)
        charge = self.store("salt", "power", "steam", kept)
        heater = self.size("salt.charge_power", self.assets["salt"].charge_power_kw)
        self.within("salt_heater", charge, heater)
        for key, level in (("hot_tank", "hot"), ("cold_store", "chilled")):
            self.store(key, level, level, 1 - self.assets[key].self_discharge_per_hour)

    def store(self, key: str, source: str, product: str, kept: float) -> Any:
        """Add a store, and return what charges it."""
        asset = self.assets[key]
        into, out = asset.charge_efficiency, asset.discharge_efficiency
        charge, discharge = self.flow(f"{key}_in"), self.flow(f"{key}_out")
        content = self.flow(f"{key}_content")
        self.within(key, content, self.size(f"{key}.energy", asset.energy_kwh))
        self.m.add_constraints(
            content - kept * content.roll(t=1) - into * charge + (1 / out) * discharge == 0,
            name=f"{key}_balance",
        )
        self.add(source, -charge)
        self.add(product, discharge)
        self.pay(charge, asset.charge_cost_per_kwh)
        return charge

    def electric_heat(self) -> None:
        """Add the electric boiler and the heat pumps."""
        self.machine("electric_boiler", "steam", self.assets["electric_boiler"].efficiency)
        air = self.assets["air_heat_pump"].carnot
        self.machine("air_heat_pump", "warm", cop(air, self.air, WARM, heats=True))
        if "waste_heat_pump" in self.assets:
            ratio = cop(self.assets["waste_heat_pump"].carnot, WARM, HOT, heats=True)
            taken = self.machine("waste_heat_pump", "hot", ratio)
            self.add("warm", -(float(ratio) - 1) * taken)

    def cooling(self) -> None:
        """Add the chillers."""
        old, absorber = self.assets["chillers"], self.assets["absorption_chiller"]
        taken = self.flow("chillers", old.power_kw.fixed / self.old_cop)
        self.add("chilled", taken * self.series(self.old_cop))
        self.add("power", -taken)
        self.pay(taken, self.old_cop * old.variable_om_per_kwh)
        if "recovery_chiller" in self.assets:
            new = self.assets["recovery_chiller"]
            ratio = float(cop(new.carnot, CHILLED, WARM, heats=False))
            taken = self.machine("recovery_chiller", "chilled", ratio)
            recovered = self.flow("recovered")
            self.within("recovered", recovered, new.heat_recovery.fraction * (1 + ratio) * taken)
            self.add("warm", recovered)
        heat, ratio = self.flow("absorption_chiller"), float(absorber.cop.value)
        size = self.size("absorption_chiller.power", absorber.power_kw)
        self.within("absorption_chiller", ratio * heat, size)
        self.add("hot", -heat)
        self.add("chilled", ratio * heat)
        self.pay(heat, (1 + ratio) * absorber.cooling_tower.cost_per_kwh)


def solve(year: Year, cap_kg: float) -> linopy.Model:
    """Return the solved model, having printed its cost, sizes and the price of the cap."""
    model = year.plan(cap_kg)
    model.solve(
        solver_name="highs",
        solver="hipo",
        run_crossover="off",
        hipo_system="augmented",
        hipo_ordering="amd",
        output_flag=False,
        progress=False,
    )
    print(f"plan cost {model.objective.value:.6f}")
    for name, values in model.solution.items():
        if np.ndim(values) == 0:
            print(f"{name} {float(values):.6f}")
    for name in ("co2_cap", "roofs"):
        print(f"dual {name} {float(model.dual[name]):.9f}")
    return model


def main() -> None:
    """Solve and print."""
    from microgrid_opt import load

    year = Year(load("heat_cascade"))
    cost, co2_kg = year.reference()
    print(f"reference cost {cost:.6f} co2_kg {co2_kg:.6f} cap {(1 - REDUCTION) * co2_kg:.6f}")
    model = solve(year, (1 - REDUCTION) * co2_kg)
    summer = np.isin(load("heat_cascade").horizon.month, range(3, 10))
    for level in DEMANDS:
        value = 1000 * model.dual[level].values
        print(f"value {level} {value[~summer].mean():.1f} {value[summer].mean():.1f} EUR/MWh")
    print("no_cascade")
    solve(Year(load("heat_cascade", scenario="no_cascade")), (1 - REDUCTION) * co2_kg)
    print("no_cap")
    solve(year, 2 * co2_kg)


if __name__ == "__main__":
    main()
