"""Wind, PV, battery, hydrogen and heat: the shipped case, and the same LP written in linopy.

The linopy model is what its documentation recommends: one array of variables for each series, one
vectorised expression for each constraint family. It reads the same resolved park, so that all
numbers are the same, and it states every row that the case's Pyomo model has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.registry import BenchSpec, register

if TYPE_CHECKING:
    from microgrid_opt.fields import Size
    from microgrid_opt.problem import Problem

CO2_CAP_T = 15_000
"""Binds in the week and in the year [t/year]; fixed, so that building needs no reference plan."""


class Pen:
    """A linopy model under construction, with the sums that end up in objective and cap."""

    def __init__(self, problem: Problem, *, sparse: bool) -> None:
        import linopy
        import pandas as pd
        import xarray as xr

        self.problem = problem
        self.park = problem.park
        self.model = linopy.Model(sparse=sparse)
        self.time = pd.RangeIndex(len(problem.horizon), name="time")
        self.hours = self.series(problem.horizon.hours)
        self.months = pd.RangeIndex(len(problem.horizon.month_labels), name="month")
        self.month = xr.DataArray(problem.horizon.month, coords=[self.time])
        self.share = self.park.finance.investment_share(problem.horizon)
        self.cost: list[Any] = []
        self.co2: list[Any] = []

    def series(self, values: Any) -> Any:
        """Return an array over the steps."""
        import xarray as xr

        return xr.DataArray(values, coords=[self.time])

    def data(self, key: str) -> Any:
        """Return a resolved series of the park."""
        return self.series(self.problem.arrays[f"assets.{key}"])

    def flow(self, name: str, upper: float = float("inf")) -> Any:
        """Return a variable for each step."""
        return self.model.add_variables(lower=0, upper=upper, coords=[self.time], name=name)

    def size(self, name: str, spec: Size) -> Any:
        """Return a size with its yearly cost."""
        upper = float("inf") if spec.upper is None else spec.upper
        size = self.model.add_variables(lower=spec.lower, upper=upper, name=name)
        per_unit = (
            spec.capex_per_unit * self.park.finance.annual_cost_factor(spec)
            + spec.fixed_om_per_unit_year
            + spec.capex_per_unit * spec.fixed_om_fraction
        )
        self.cost.append(size * (per_unit * self.share))
        return size

    def rule(self, relation: Any, name: str) -> None:
        """Add a constraint family."""
        self.model.add_constraints(relation, name=name)

    def store(self, name: str, asset: Any, flows: tuple[Any, Any], capacity: Any) -> None:
        """Add the content of a store, its limits, its cyclic balance and the cost of cycling."""
        charge, discharge = flows
        step = self.series(self.problem.horizon.step_hours)
        content = self.flow(f"{name}_state_of_charge")
        self.rule(content - asset.max_fraction * capacity <= 0, f"{name}_state_of_charge_limit")
        if asset.min_fraction:
            self.rule(content - asset.min_fraction * capacity >= 0, f"{name}_depth_limit")
        self.rule(
            content
            - (1 - asset.self_discharge_per_hour) ** step * content.roll(time=1)
            - step * asset.charge_efficiency * charge
            + step / asset.discharge_efficiency * discharge
            == 0,
            f"{name}_state_of_charge_balance",
        )
        for flow, cost in zip(flows, asset.flow_costs, strict=True):
            if cost:
                self.cost.append((flow * (self.hours * cost)).sum())


def in_linopy(problem: Problem, *, sparse: bool) -> Any:
    """Return the case as a linopy model."""
    pen = Pen(problem, sparse=sparse)
    assets: dict[str, Any] = dict(problem.park.assets)
    power = {"in": _grid(pen, assets["grid"]), "out": 0.0}
    gas = pen.flow("gas_purchase")
    trucked = pen.flow("trucked_hydrogen_purchase")
    for flow, key, unit in ((gas, "gas", "kwh"), (trucked, "trucked_hydrogen", "kg")):
        pen.cost.append((flow * (pen.hours * pen.data(f"{key}.price_per_{unit}"))).sum())
        pen.co2.append((flow * (pen.hours * pen.data(f"{key}.co2_kg_per_{unit}"))).sum())
    for key in ("wind", "pv"):
        size = pen.size(f"{key}_power", assets[key].power_kw)
        generation = pen.flow(f"{key}_generation")
        pen.rule(
            generation - pen.data(f"{key}.output_per_kw") * size <= 0, f"{key}_generation_limit"
        )
        power["in"] = power["in"] + generation
    power["in"] = power["in"] + _battery(pen, assets["battery"])
    hydrogen, heat, gas_burnt = _hydrogen_and_heat(pen, assets, power)
    pen.rule(power["in"] - power["out"] == pen.data("load.power_kw"), "electricity")
    pen.rule(heat == pen.data("heat.power_kw"), "heat")
    pen.rule(hydrogen + trucked == pen.data("feedstock.flow_kg_per_hour"), "hydrogen")
    pen.rule(gas - gas_burnt == 0, "gas")
    cap = problem.park.carbon.limit_kg(problem.horizon.year_share, None)
    pen.rule(sum(pen.co2[1:], pen.co2[0]) <= cap, "co2_cap")
    pen.model.add_objective(sum(pen.cost[1:], pen.cost[0]))
    return pen.model


def _grid(pen: Pen, grid: Any) -> Any:
    """Add the grid connection and return import less export."""
    most = grid.connection_kw.fixed
    bought = pen.flow("grid_import", most)
    sold = pen.flow("grid_export", min(most, float(pen.data("grid.export_limit_kw").max())))
    peak = pen.model.add_variables(lower=0, coords=[pen.months], name="grid_peak")
    pen.rule(bought - peak.sel(month=pen.month) <= 0, "grid_monthly_peak")
    pen.cost.append((bought * (pen.hours * pen.data("grid.import_price_per_kwh"))).sum())
    pen.cost.append((sold * (-pen.hours * pen.data("grid.export_price_per_kwh"))).sum())
    pen.cost.append((peak * grid.peak_price_per_kw_month).sum())
    pen.co2.append((bought * (pen.hours * pen.data("grid.co2_kg_per_kwh"))).sum())
    return bought - sold


def _battery(pen: Pen, battery: Any) -> Any:
    """Add the battery and return discharge less charge."""
    energy = pen.size("battery_energy", battery.energy_kwh)
    power = pen.size("battery_power", battery.power_kw)
    charge, discharge = pen.flow("battery_charge"), pen.flow("battery_discharge")
    pen.rule(charge - power <= 0, "battery_charge_limit")
    pen.rule(discharge - power <= 0, "battery_discharge_limit")
    pen.rule(power - battery.max_c_rate_per_hour * energy <= 0, "battery_largest_c_rate")
    pen.store("battery", battery, (charge, discharge), energy)
    return discharge - charge


def _hydrogen_and_heat(
    pen: Pen, assets: dict[str, Any], power: dict[str, Any]
) -> tuple[Any, Any, Any]:
    """Add converters and tank; return net hydrogen, net heat and the gas that is burnt."""
    taken = {}
    # Constant ratios read no series, so that no problem is needed to state them.
    converters = ("electrolyser", "fuel_cell", "electric_boiler")
    ratios = {key: assets[key].outputs(pen) for key in converters}
    for key in converters:
        asset = assets[key]
        size = pen.size(f"{key}_power", asset.power_kw)
        per_size = 1.0 if asset.size_on == "input" else 1.0 / ratios[key][asset.product]
        taken[key] = pen.flow(f"{key}_input")
        pen.rule(taken[key] - per_size * size <= 0, f"{key}_input_limit")
    burner, tank = assets["gas_boiler"], assets["hydrogen_store"]
    burnt = pen.flow("gas_boiler_input", burner.power_kw.fixed / burner.efficiency)
    pen.cost.append((burnt * (pen.hours * burner.variable_om_per_kwh * burner.efficiency)).sum())
    capacity = pen.size("hydrogen_store_capacity", tank.capacity_kg)
    charge, discharge = pen.flow("hydrogen_store_charge"), pen.flow("hydrogen_store_discharge")
    pen.store("hydrogen_store", tank, (charge, discharge), capacity)
    power["in"] = power["in"] + ratios["fuel_cell"]["electricity"] * taken["fuel_cell"]
    power["out"] = (
        taken["electrolyser"] + taken["electric_boiler"] + tank.compression_kwh_per_kg * charge
    )
    made = ratios["electrolyser"]["hydrogen"] * taken["electrolyser"]
    hydrogen = made - taken["fuel_cell"] + discharge - charge
    heat = (
        assets["electric_boiler"].efficiency * taken["electric_boiler"]
        + burner.efficiency * burnt
        + ratios["fuel_cell"]["heat"] * taken["fuel_cell"]
    )
    return hydrogen, heat, burnt


register(
    BenchSpec(
        name="wind_pv_hydrogen",
        case="wind_pv_hydrogen",
        window="week",
        sets=(f"carbon={{cap_t_per_year: {CO2_CAP_T}}}",),
        phases=("build",),
        linopy=in_linopy,
    )
)
