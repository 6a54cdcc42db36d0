"""Case `wall_trade` from another modelling tool: every firm alone and all together, linopy with HiGHS.

    python -m benchmarks.verify_wall_trade          # what expected.yaml promises
    python -m benchmarks.verify_wall_trade week     # the week with losses in kind alone

Tariff, shapes, fees, annuities, battery and network are stated here again, from the README alone; trades
are a variable for each pair of a seller and a buyer, while the project takes flows on lines, and with
losses in kind both are pairs. Taken from the project as data are the loads (series.csv) and the yields of
PV and wind per kW. Takes some minutes; needs the extra `peers`.
"""

from __future__ import annotations

import sys
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

SERIES = Path(__file__).parents[1] / "cases" / "wall_trade" / "series.csv"
HIPO = {
    "solver": "hipo",
    "run_crossover": "off",
    "hipo_system": "augmented",
    "hipo_ordering": "amd",
    "output_flag": False,
}
"""As in solvers/hipo.yaml."""

# Hubei, January 2026, CNY/kWh.
ENERGY, LOSS = 0.384470, 0.013643
RETAINED = 0.02 + 0.0062 + 0.019 + 0.082273
TRANSMISSION = {10: 0.1263, 35: 0.1065, 110: 0.0884}
CAPACITY = {10: 26.3, 35: 26.3, 110: 24.4}
POWER_FACTOR = 0.9
NOON, OTHER = 0.20, 0.36
CO2, GAS_CO2 = 0.4364, 0.202
GAS, BOILER = 0.36, 0.90
EFFICIENCY, EMPTY, C_RATE, WEAR = 0.94, 0.1, 0.5, 0.02

NODES = {"station": 110, "middle": 35, "north": 10, "south": 10}
LINES = {"transformer": 5000.0, "feeder_north": 2500.0, "feeder_south": 4000.0}
LOST = {"transformer": 0.005, "feeder_north": 0.015, "feeder_south": 0.015}
BELOW = {"transformer": {"middle", "north", "south"}, "feeder_north": {"north"}}
BELOW["feeder_south"] = {"south"}
"""Nodes on the lower side of each line."""

PLACE = {"depot": "north", "coldstore": "south", "workshop": "north", "datahall": "middle"}
PLACE |= {"dyeworks": "middle", "foundry": "station", "windfarm": "station", "storage": "middle"}
KVA = {"depot": 5000, "coldstore": 4000, "workshop": 1600, "datahall": 6300}
KVA |= {"dyeworks": 5000, "foundry": 12500}
SELLERS = ("depot", "coldstore", "windfarm", "storage")
FIRMS = tuple(PLACE)

DEPOT_WEEKDAY = [310, 300, 300, 300, 320, 380, 520, 700, 850, 900, 920, 910]
DEPOT_WEEKDAY += [860, 900, 920, 920, 900, 850, 760, 680, 600, 500, 400, 340]
DEPOT_WEEKEND = [260, 250, 250, 250, 260, 290, 350, 430, 500, 520, 530, 520]
DEPOT_WEEKEND += [500, 510, 520, 520, 510, 480, 440, 400, 370, 330, 300, 270]
COLD_MONTHS = [520, 520, 560, 640, 800, 900, 980, 970, 860, 660, 560, 520]
SHOP_WEEKDAY = [160, 150, 150, 150, 150, 170, 260, 700, 1250, 1350, 1380, 1350]
SHOP_WEEKDAY += [900, 1250, 1380, 1380, 1350, 1200, 650, 420, 330, 260, 200, 170]
SHOP_WEEKEND = [140, 140, 140, 140, 140, 140, 160, 220, 380, 420, 430, 420]
SHOP_WEEKEND += [320, 400, 430, 430, 400, 330, 220, 180, 160, 150, 140, 140]


def annual_cost(capex: float, life: int, rate: float = 0.06, project: int = 20) -> float:
    """Return the yearly cost with replacements and a linear residual value."""
    present, year = capex, life
    while year < project:
        present += capex / (1 + rate) ** year
        year += life
    present -= capex * (year - project) / life / (1 + rate) ** project
    return present * rate / (1 - (1 + rate) ** -project)


PV = annual_cost(3000, 25)
BATTERY = annual_cost(700, 12) + 0.015 * 700
BOILER_E = annual_cost(500, 20) + 0.015 * 500
PUMP = annual_cost(5500, 15) + 0.02 * 5500


def legs(start: str, end: str) -> tuple[str, ...]:
    """Return the lines between two nodes, from start to end."""
    apart = [line for line, low in BELOW.items() if (start in low) != (end in low)]
    up = [line for line in apart if start in BELOW[line]]
    down = [line for line in apart if end in BELOW[line]]
    return (*sorted(up, key=lambda a: len(BELOW[a])), *sorted(down, key=lambda a: -len(BELOW[a])))


def highest_kv(start: str, end: str) -> int:
    """Return the highest voltage on the way between two nodes."""
    met = {start, end}
    if legs(start, end):
        met.add("station" if "station" in met else "middle")
    return max(NODES[node] for node in met)


def fee(start: str, end: str) -> float:
    """Return the wheeling fee of a kWh delivered [CNY/kWh]."""
    return TRANSMISSION[NODES[end]] - TRANSMISSION[highest_kv(start, end)]


class Town:
    """The hours of a year or a part of it, and what is given in them."""

    def __init__(self, first: int = 0, count: int = 8760) -> None:
        from microgrid_opt import load

        here = slice(first, first + count)
        self.first, self.count = first, count
        stamps = pd.date_range("2026-01-01", periods=8760, freq="h")[here]
        self.hour, self.month = stamps.hour.to_numpy(), stamps.month.to_numpy()
        self.weekend = stamps.day_of_week.to_numpy() >= 5
        self.table = pd.read_csv(SERIES).iloc[here]
        arrays = load("wall_trade").arrays
        self.sun = arrays["assets.depot_pv.output_per_kw"][here]
        self.wind = arrays["assets.wind.output_per_kw"][here]
        self.share = count / 8760
        self.sold = np.where((self.hour >= 9) & (self.hour < 16), NOON, OTHER)

    def factor(self, peak: float) -> np.ndarray:
        """Return the multiplier of what floats."""
        factor = np.ones(self.count)
        factor[self.hour >= 16] = peak
        summer = np.isin(self.month, [7, 8])
        factor[summer & np.isin(self.hour, [20, 21])] = 2.0
        factor[~summer & np.isin(self.hour, [18, 19])] = 2.0
        factor[(self.hour < 6) | np.isin(self.hour, [12, 13])] = 0.45
        return factor

    def price(self, kv: int) -> np.ndarray:
        """Return what a kWh from the supplier costs [CNY/kWh]."""
        factor = self.factor(1.495 if kv == 10 else 1.49)
        return (ENERGY + LOSS) * factor + RETAINED + TRANSMISSION[kv]

    def load(self, firm: str) -> np.ndarray:
        """Return the electric load of a firm [kW], without what makes steam."""
        by_day = {"depot": (DEPOT_WEEKDAY, DEPOT_WEEKEND), "workshop": (SHOP_WEEKDAY, SHOP_WEEKEND)}
        if firm in by_day:
            weekday, weekend = (np.array(shape, float)[self.hour] for shape in by_day[firm])
            return np.where(self.weekend, weekend, weekday)
        if firm == "coldstore":
            return np.array(COLD_MONTHS, float)[self.month - 1]
        columns = {
            "datahall": "data_centre_kw",
            "dyeworks": "dye_works_kw",
            "foundry": "foundry_kw",
        }
        if firm in columns:
            return self.table[columns[firm]].to_numpy(float)
        return np.zeros(self.count)


class Model:
    """The linear model of a group of firms.

    ``sized`` false: as the park is today. ``lost``: losses in kind instead of the charge for them.
    """

    def __init__(
        self, town: Town, firms: tuple[str, ...], *, sized: bool = True, lost: bool = False
    ) -> None:
        import linopy

        self.town, self.firms, self.sized, self.lost = town, firms, sized, lost
        self.m = linopy.Model()
        self.steps = pd.RangeIndex(town.count, name="t")
        self.cost: list[Any] = []
        self.constant = 0.0
        self.sizes: dict[str, Any] = {}
        self.flows: dict[str, Any] = {}
        self.into: dict[str, list[Any]] = {firm: [] for firm in firms}
        self.out: dict[str, list[Any]] = {firm: [] for firm in firms}
        self.on_line: dict[str, list[Any]] = {line: [] for line in LINES}
        if sized:
            self.trades()
        for firm in firms:
            self.firm(firm)
        self.m.add_objective(sum(self.cost[1:], self.cost[0]))

    def series(self, values: Any) -> pd.Series:
        """Return numbers over the hours."""
        return pd.Series(values, self.steps)

    def flow(self, name: str, upper: Any = np.inf) -> Any:
        """Return a variable for each hour."""
        most = upper if np.isscalar(upper) else self.series(upper)
        var = self.m.add_variables(lower=0, upper=most, coords=[self.steps], name=name)
        self.flows[name] = var
        return var

    def size(self, name: str, yearly: float, most: float, least: float = 0.0) -> Any:
        """Return a size; its yearly cost is that of what exceeds the least."""
        size = self.m.add_variables(lower=least, upper=most if self.sized else least, name=name)
        self.sizes[name] = size
        self.cost.append(self.town.share * yearly * size)
        self.constant -= self.town.share * yearly * least
        return size

    def trades(self) -> None:
        """Write a trade for each seller and buyer, its fees and the lines that it takes."""
        for seller, buyer in product(SELLERS, FIRMS):
            if seller == buyer or not {seller, buyer} <= set(self.firms) or buyer == "windfarm":
                continue
            start, end = PLACE[seller], PLACE[buyer]
            sent = self.flow(f"{seller}_{buyer}")
            self.out[seller].append(sent)
            left = 1.0
            for line in legs(start, end):
                way = 1.0 if end in BELOW[line] else -1.0
                self.on_line[line].append(way * left * sent)
                left *= 1 - LOST[line] if self.lost else 1.0
            self.into[buyer].append(left * sent)
            due = fee(start, end) + (0.0 if self.lost else LOSS)
            due += 0.0 if buyer == "storage" else RETAINED
            self.cost.append(left * due * sent.sum())
        for line, parts in self.on_line.items():
            if parts:
                net = sum(parts[1:], parts[0])
                self.m.add_constraints(net <= LINES[line], name=f"{line}_up")
                self.m.add_constraints(net >= -LINES[line], name=f"{line}_down")

    def firm(self, firm: str) -> None:
        """Write what one firm has."""
        town, m = self.town, self.m
        given, taken = list(self.into[firm]), list(self.out[firm])
        withdrawn, injected = list(self.into[firm]), list(self.out[firm])
        kv = NODES[PLACE[firm]]
        most = {"windfarm": 9000.0, "storage": 8000.0}.get(firm, KVA.get(firm, 0) * POWER_FACTOR)
        if firm in KVA:
            self.constant += len(set(town.month)) * KVA[firm] * CAPACITY[kv]
        if firm != "windfarm":
            bought = self.flow(f"{firm}_bought")
            self.cost.append((bought * self.series(town.price(kv))).sum())
            given.append(bought)
            withdrawn.append(bought)
            m.add_constraints(sum(withdrawn[1:], withdrawn[0]) <= most, name=f"{firm}_in")
        if firm in {"depot", "coldstore", "windfarm", "storage"}:
            sold = self.flow(f"{firm}_sold")
            self.cost.append(-1.0 * (sold * self.series(town.sold)).sum())
            taken.append(sold)
            injected.append(sold)
            m.add_constraints(sum(injected[1:], injected[0]) <= most, name=f"{firm}_out")
        plant = {
            "depot": self.roof,
            "coldstore": self.roof,
            "windfarm": self.turbines,
            "dyeworks": self.steam,
            "storage": self.store,
        }.get(firm)
        if plant is not None:
            more, less = plant(firm)
            given, taken = given + more, taken + less
        balance = sum(given[1:], given[0])
        for part in taken:
            balance = balance - part
        m.add_constraints(balance == self.series(town.load(firm)), name=f"{firm}_balance")

    def roof(self, firm: str) -> tuple[list[Any], list[Any]]:
        """Write PV."""
        least, most = {"depot": (2000.0, 7000.0), "coldstore": (1000.0, 5000.0)}[firm]
        size = self.size(f"{firm}_pv", PV, most, least)
        self.cost.append(self.town.share * 40.0 * size)
        made = self.flow(f"{firm}_made")
        self.m.add_constraints(made - self.series(self.town.sun) * size <= 0, name=f"{firm}_sun")
        return [made], []

    def turbines(self, firm: str) -> tuple[list[Any], list[Any]]:
        """Write the wind turbines, which stand already."""
        self.constant += self.town.share * 9000 * 100.0
        return [self.flow(f"{firm}_made", 9000.0 * self.town.wind)], []

    def steam(self, firm: str) -> tuple[list[Any], list[Any]]:
        """Write steam from gas and from power."""
        gas = self.flow("gas_steam", 6000.0)
        self.cost.append(GAS / BOILER * gas.sum())
        made, drawn = [gas], []
        for name, yearly, most, factor in (
            ("electric_boiler", BOILER_E, 5000.0, 0.98),
            ("heat_pump", PUMP, 3000.0, 2.2),
        ):
            size = self.size(name, yearly, most)
            heat = self.flow(f"{name}_steam")
            self.m.add_constraints(heat - size <= 0, name=f"{name}_most")
            made.append(heat)
            drawn.append((1 / factor) * heat)
        need = self.series(self.town.table["steam_kw"].to_numpy(float))
        self.m.add_constraints(sum(made[1:], made[0]) == need, name=f"{firm}_steam")
        return [], drawn

    def store(self, firm: str) -> tuple[list[Any], list[Any]]:
        """Write the battery, in a ring over the horizon."""
        del firm
        size = self.size("battery", BATTERY, 16000.0)
        charge, discharge, held = self.flow("charge"), self.flow("discharge"), self.flow("held")
        m = self.m
        m.add_constraints(charge - C_RATE * size <= 0, name="charging")
        m.add_constraints(discharge - C_RATE * size <= 0, name="discharging")
        m.add_constraints(held - size <= 0, name="full")
        m.add_constraints(held - EMPTY * size >= 0, name="empty")
        change = held - held.roll(t=1) - EFFICIENCY * charge + (1 / EFFICIENCY) * discharge
        m.add_constraints(change == 0, name="content")
        self.cost.append(WEAR * discharge.sum())
        return [discharge], [charge]

    def solve(self) -> float:
        """Solve and return the cost."""
        self.m.solve(solver_name="highs", **HIPO)
        total: Any = self.m.objective.value
        return float(total) + self.constant

    def total(self, name: str) -> float:
        """Return the energy of a flow [kWh]."""
        return float(self.m.solution[name].sum())

    def co2(self) -> float:
        """Return the CO2 of the group [kg]."""
        bought = [name for name in self.flows if name.endswith("_bought")]
        co2 = CO2 * sum(self.total(name) for name in bought)
        return co2 + (
            GAS_CO2 / BOILER * self.total("gas_steam") if "gas_steam" in self.flows else 0
        )

    def report(self, told: str) -> float:
        """Solve and print."""
        cost = self.solve()
        print(f"{told} cost {cost:.6f} co2_kg {self.co2():.6f}")
        for name in self.sizes:
            print(f"  {name} {float(self.m.solution[name]):.4f}")
        for name in self.flows:
            print(f"  {name} {self.total(name):.3f}")
        return cost


def main() -> None:
    """Solve and print."""
    town = Town()
    for start, end in (("middle", "north"), ("station", "north"), ("station", "middle")):
        print(f"fee {start} to {end} {fee(start, end):.4f}")
    week = Town(24 * 60, 168)
    Model(week, FIRMS, lost=True).report("a week with losses in kind")
    if "week" in sys.argv:
        return
    Model(town, FIRMS, sized=False).report("today")
    alone = {firm: Model(town, (firm,)).report(f"{firm} alone") for firm in FIRMS}
    joint = Model(town, FIRMS).report("joint")
    gain = sum(alone.values()) - joint
    print(f"alone {sum(alone.values()):.6f} gain {gain:.6f} share {gain / sum(alone.values()):.4f}")


if __name__ == "__main__":
    main()
