"""The optimum of case `data_centre` from another modelling tool: linopy, written by hand.

    python -m benchmarks.verify_data_centre

Tariff, office shape, stays of the vehicles, COPs and annuities are re-derived here in plain Python,
and the jobs are a queue instead of a corridor; only the yields per kW of wind and PV and the outdoor
temperature are taken from the project, as data. Prints what cases/data_centre/expected.yaml
promises. Takes some minutes; needs the extra `peers`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

SERIES = Path(__file__).parents[1] / "cases" / "data_centre" / "series.csv"
HOURS = 8760
STAMPS = pd.date_range("2025-01-01", periods=HOURS, freq="h")
HOUR, MONTH = STAMPS.hour.to_numpy(), STAMPS.month.to_numpy()
WORKDAY = STAMPS.day_of_week.to_numpy() < 5
STEPS = pd.RangeIndex(HOURS, name="t")

WEEKDAY = [220, 210, 205, 205, 210, 230, 290, 420, 620, 700, 720, 710]
WEEKDAY += [640, 690, 710, 700, 670, 600, 480, 390, 340, 300, 260, 235]
WEEKEND = [200, 195, 190, 190, 190, 195, 205, 225, 260, 280, 285, 280]
WEEKEND += [270, 275, 280, 275, 265, 255, 245, 240, 235, 225, 215, 205]

DEFERRED, LATEST_HOURS, HALL_KW = 0.25, 8, 4000.0
ELECTRIC_PER_IT = 1 + 0.30 * (1 - 0.7)
COLD_PER_IT, HEAT_PER_IT = 1.02, 0.6
HEAT_PUMP_COP = 0.5 * (60 + 4 + 273.15) / ((60 + 4) - (30 - 4))
STAFF = (100 * 7.0, 150 * 14 / 0.92)
BUSES = (10 * 60.0, 10 * 160 / 0.93, 10 * 90 / 0.93)
DIESEL_CNY = 0.75 / 0.40 + 0.10
DIESEL_CO2, GRID_CO2, DISTRICT_CO2 = 0.267 / 0.40, 0.6849, 0.396
SHARE = 0.80
HIPO = {
    "solver": "hipo",
    "run_crossover": "off",
    "hipo_system": "augmented",
    "hipo_ordering": "amd",
    "output_flag": False,
}


def annual_cost(capex: float, life: int, rate: float = 0.06, project: int = 20) -> float:
    """Return the yearly cost with replacements and a linear residual value."""
    present = capex
    year = life
    while year < project:
        present += capex / (1 + rate) ** year
        year += life
    present -= capex * (year - project) / life / (1 + rate) ** project
    return present * rate / (1 - (1 + rate) ** -project)


def prices() -> np.ndarray:
    """Return the energy price of each hour [CNY/kWh]."""
    summer = np.isin(MONTH, [6, 7, 8])
    price = np.full(HOURS, 0.280)
    price[(HOUR < 4) | ((HOUR >= 11) & (HOUR < 16))] = 0.134
    edges = np.isin(HOUR, [6, 7])
    price[~summer & (edges | np.isin(HOUR, [20, 21]))] = 0.470
    price[~summer & np.isin(HOUR, [18, 19])] = 0.565
    price[summer & (edges | ((HOUR >= 18) & (HOUR < 22)))] = 0.431
    return price


def stays() -> tuple[dict[str, np.ndarray], dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return hours plugged in, number of the stay, and what the chargers give in it [kWh], by group.

    Staff 8:30-17:30 on workdays; buses from 20:00 to 6:00, the night of 31 December in two parts.
    """
    day = np.arange(HOURS) // 24
    plugged = {"staff": np.where(WORKDAY, (HOUR >= 9) & (HOUR < 17), 0).astype(float)}
    plugged["staff"][WORKDAY & ((HOUR == 8) | (HOUR == 17))] = 0.5
    plugged["buses"] = ((HOUR >= 20) | (HOUR < 6)).astype(float)
    number = {"staff": day, "buses": np.where(HOUR >= 12, day + 1, day)}
    workdays = WORKDAY[::24]
    evenings = np.append(True, workdays)  # 31 December 2024 was a Tuesday.
    need = {"staff": np.where(workdays, STAFF[1], 0.0)}
    need["buses"] = np.where(evenings, BUSES[1], BUSES[2])
    need["buses"][0] *= 6 / 10
    need["buses"][-1] *= 4 / 10
    return plugged, number, need


def on_arrival() -> np.ndarray:
    """Return the power of vehicles that charge at once, hour by hour [kW]."""
    plugged, number, need = stays()
    power = np.zeros(HOURS)
    for group, limit in (("staff", STAFF[0]), ("buses", BUSES[0])):
        left = need[group].copy()
        for t in range(HOURS):
            given = min(limit * plugged[group][t], left[number[group][t]])
            left[number[group][t]] -= given
            power[t] += given
    return power


class Campus:
    """The linear model, as the park is (`sized` false) or with everything that may be built."""

    def __init__(self, *, sized: bool, yields: dict[str, np.ndarray], outside: np.ndarray) -> None:
        import linopy

        self.sized, self.yields = sized, yields
        self.m = linopy.Model()
        table = pd.read_csv(SERIES)
        self.it, self.heat = table["it_kw"].to_numpy(), table["heat_kw"].to_numpy()
        shape = np.where(WORKDAY, np.array(WEEKDAY)[HOUR], np.array(WEEKEND)[HOUR])
        self.offices = shape.astype(float)
        lifts, cops = [0, 5, 10, 15, 20, 25], [15, 10, 7.4, 5.9, 4.9, 4.2]
        self.chiller_cop = np.interp(outside - 18.0, lifts, cops)
        self.buy = self.flow("buy", 12000.0)
        self.diesel = self.flow("diesel", 6000.0)
        self.district = self.flow("district")
        self.cost: list[Any] = []
        self.campus: list[Any] = []
        self.hall: list[Any] = []
        self.sizes: dict[str, Any] = {}
        self.write()

    def series(self, values: Any) -> pd.Series:
        """Return numbers over the hours."""
        return pd.Series(values, STEPS)

    def flow(self, name: str, upper: Any = np.inf) -> Any:
        """Return a variable for each hour."""
        most = upper if np.isscalar(upper) else self.series(upper)
        return self.m.add_variables(lower=0, upper=most, coords=[STEPS], name=name)

    def size(self, name: str, yearly: float, upper: float, lower: float = 0.0) -> Any:
        """Return a size with its yearly cost per unit."""
        size = self.m.add_variables(lower=lower, upper=upper, name=name)
        self.sizes[name] = size
        self.cost.append(yearly * size)
        return size

    def write(self) -> None:
        """Write the whole model."""
        m = self.m
        per_it, batch = self.servers()
        draw = self.vehicles()
        green = self.green() if self.sized else None
        cold = self.cold()
        made = self.heat_pump(batch) if self.sized else None
        m.add_constraints(cold - (COLD_PER_IT * batch if self.sized else 0) == COLD_PER_IT * per_it)
        m.add_constraints(
            (self.district if made is None else self.district + made) == self.series(self.heat)
        )
        sent = self.flow("sent", 7000.0)
        m.add_constraints(0.985 * sent - sum(self.hall) == self.series(per_it * ELECTRIC_PER_IT))
        supply = self.buy + self.diesel - sent + sum(self.campus)
        cut = self.cut()
        supply = supply if cut is None else supply + cut
        m.add_constraints(supply == self.series(self.offices + draw), name="campus")
        m.add_constraints(self.diesel.sum() <= 0.40 * 150e3, name="diesel_year")
        if green is not None:
            rest = self.buy.sum() + self.diesel.sum()
            m.add_constraints((1 - SHARE) * green - SHARE * rest >= 0, name="share")
        top = m.add_variables(lower=0, coords=[pd.RangeIndex(1, 13, name="m")], name="top")
        for month in range(1, 13):
            here = np.flatnonzero(month == MONTH)
            m.add_constraints(self.buy.isel(t=here) - top.sel(m=month) <= 0, name=f"top{month}")
        self.cost += [(self.buy * self.series(prices())).sum(), 28.0 * top.sum()]
        self.cost += [DIESEL_CNY * self.diesel.sum(), 0.18 * self.district.sum()]
        m.add_objective(sum(self.cost[1:], self.cost[0]))

    def servers(self) -> tuple[pd.Series, Any]:
        """Write the queue of jobs; return the IT power that is given, and that of jobs."""
        if not self.sized:
            return self.series(self.it), 0.0
        arriving = DEFERRED * self.it
        firm = self.it - arriving
        batch = self.flow("batch", HALL_KW - firm)
        total = np.append(0.0, np.cumsum(arriving))
        first = np.maximum(np.arange(HOURS) + 1 - LATEST_HOURS, 0)
        most = total[1:] - total[first]
        most[-1] = 0.0  # All jobs are done at the end, so that the roll below begins with none.
        queue = self.flow("queue", most)
        self.m.add_constraints(
            queue - queue.roll(t=1) + batch == self.series(arriving), name="queue_balance"
        )
        self.hall.append(ELECTRIC_PER_IT * batch)
        return self.series(firm), batch

    def vehicles(self) -> np.ndarray:
        """Write the charging; return what of it is given."""
        if not self.sized:
            return on_arrival()
        plugged, number, need = stays()
        for group, limit in (("staff", STAFF[0]), ("buses", BUSES[0])):
            charge = self.flow(group, limit * plugged[group])
            names = pd.Series(number[group], STEPS, name="stay")
            sums = charge.to_linexpr().groupby(names).sum()
            stay = pd.RangeIndex(len(need[group]), name="stay")
            self.m.add_constraints(sums == pd.Series(need[group], stay), name=f"{group}_need")
            self.campus.append(-1.0 * charge)
        return np.zeros(HOURS)

    def green(self) -> Any:
        """Write wind, PV and battery; return the green energy."""
        m = self.m
        per_kw = {"wind": annual_cost(6800, 20) + 100, "pv_south": annual_cost(3000, 25) + 40}
        per_kw["pv_flat"] = per_kw["pv_south"]
        energy = []
        for name, yearly in per_kw.items():
            size = self.size(name, yearly, 20e3 if name == "wind" else 10e3)
            made = self.flow(f"{name}_made")
            m.add_constraints(
                made - self.series(self.yields[name]) * size <= 0, name=f"{name}_most"
            )
            self.campus.append(made)
            energy.append(made.sum())
        area = 9.0 * self.sizes["pv_south"] + 5.0 * self.sizes["pv_flat"]
        m.add_constraints(area <= 30000, name="roofs")
        battery = self.size("battery", annual_cost(900, 12) + 0.015 * 900, 80e3)
        charge, discharge = self.flow("charge"), self.flow("discharge")
        held = self.flow("held")
        m.add_constraints(charge - 0.5 * battery <= 0, name="charge_most")
        m.add_constraints(discharge - 0.5 * battery <= 0, name="discharge_most")
        m.add_constraints(held - battery <= 0, name="held_most")
        before = held.roll(t=1)
        m.add_constraints(held - before - 0.94 * charge + (1 / 0.94) * discharge == 0, name="held")
        self.campus += [discharge, -1.0 * charge]
        self.cost.append(0.02 * discharge.sum())
        return sum(energy[1:], energy[0])

    def cold(self) -> Any:
        """Write chillers and tank; return the cold that they give."""
        made = self.flow("cold_made", 5000.0)
        into, out = self.flow("into_tank"), self.flow("out_of_tank")
        content = self.flow("tank")
        most = 20e3 if self.sized else 2000.0
        tank = self.size("cold_water", annual_cost(120, 25) + 1.2, most, lower=2000.0)
        self.m.add_constraints(content - tank <= 0, name="tank_most")
        self.m.add_constraints(
            content - 0.999 * content.roll(t=1) - into + out == 0, name="tank_balance"
        )
        self.hall.append(made * self.series(1 / self.chiller_cop))
        return made + out - into

    def heat_pump(self, batch: Any) -> Any:
        """Write the heat pump; return the heat that it makes."""
        size = self.size("heat_pump", annual_cost(2500, 15) + 0.02 * 2500, 4000.0)
        made = self.flow("pumped")
        self.m.add_constraints(made - size <= 0, name="pump_most")
        firm = self.series(HEAT_PER_IT * (1 - DEFERRED) * self.it)
        source = 1 - 1 / HEAT_PUMP_COP
        self.m.add_constraints(source * made - HEAT_PER_IT * batch <= firm, name="waste_heat")
        self.hall.append((1 / HEAT_PUMP_COP) * made)
        return made

    def cut(self) -> Any:
        """Write what the offices may do without."""
        if not self.sized:
            return None
        cut = self.flow("cut", 0.15 * self.offices)
        self.cost.append(1.5 * cut.sum())
        return cut

    def solve(self) -> None:
        """Solve and print."""
        self.m.solve(solver_name="highs", **HIPO)
        found = self.m.solution
        # The existing tank of 2 MWh is not bought.
        cost = float(self.m.objective.value) - 2000 * annual_cost(120, 25)
        total = {name: float(found[name].sum()) for name in ("buy", "diesel", "district")}
        co2 = GRID_CO2 * total["buy"] + DIESEL_CO2 * total["diesel"]
        co2 += DISTRICT_CO2 * total["district"]
        print(f"{'plan' if self.sized else 'reference'} cost {cost:.6f} co2_kg {co2:.6f}")
        for name, energy in total.items():
            print(f"  {name} {energy:.3f} kWh")
        for name in self.sizes:
            print(f"  {name} {float(found[name]):.6f}")
        if self.sized:
            # The row is in kWh, and the share counts on it as it is.
            print(f"  dual of the share {float(self.m.constraints['share'].dual):.9f}")
            print(f"  dual of the roofs {float(self.m.constraints['roofs'].dual):.9f}")


def main() -> None:
    """Solve both plans and print."""
    from microgrid_opt import load

    arrays = load("data_centre").arrays
    outside = arrays["assets.chillers.sink_temperature_degc"]
    yields = {
        name: arrays[f"assets.{name}.output_per_kw"] for name in ("wind", "pv_south", "pv_flat")
    }
    for sized in (False, True):
        Campus(sized=sized, yields=yields, outside=outside).solve()


if __name__ == "__main__":
    main()
