"""Case `community_eu` from another modelling tool: each member alone and all together, linopy, HiGHS.

    python -m benchmarks.verify_community_eu

Prices, shapes, fees, annuities, battery and network are stated here again, from the README alone; power
is shared through one pool, with a fee for each area of the buyers, while the project has flows on lines. Taken from the project as data are the loads of flats and houses (series.csv) and the
yields of PV per kW. Takes a minute; needs the extra `peers`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

SERIES = Path(__file__).parents[1] / "cases" / "community_eu" / "series.csv"
HOURS = 8760
STAMPS = pd.date_range("2025-01-01", periods=HOURS, freq="h", tz="Europe/Vienna")
HOUR = STAMPS.hour.to_numpy()
WEEKEND = STAMPS.day_of_week.to_numpy() >= 5
STEPS = pd.RangeIndex(HOURS, name="t")
HIPO = {
    "solver": "hipo",
    "run_crossover": "off",
    "hipo_system": "augmented",
    "hipo_ordering": "amd",
    "output_flag": False,
}
"""As in solvers/hipo.yaml."""

PRICE = {"flats": 0.285, "houses": 0.285, "bakery": 0.245, "school": 0.255, "sawmill": 0.215}
CONNECTION = {"flats": 60.0, "houses": 120.0, "bakery": 50.0, "school": 80.0, "sawmill": 120.0}
CONNECTION["coop"] = 100.0
MEMBERS = ("flats", "houses", "bakery", "school", "farm", "sawmill", "coop")
SELLERS = ("houses", "school", "farm", "coop")
BUYERS = ("flats", "houses", "bakery", "school", "sawmill", "coop")
RETAINED = 0.018
NETWORK_FEE, LOCAL, REGIONAL = 0.070, 0.0301, 0.0504
"""Whole network price, and what is left of it inside an area and between two."""
CABLES = {"cable": {"flats", "houses", "bakery"}, "barn_cable": {"farm"}, "ring": {"sawmill"}}
CABLES["transformer"] = set(MEMBERS) - {"sawmill"}
CAPACITY = {"cable": 150.0, "barn_cable": 55.0, "ring": 160.0, "transformer": 250.0}
CO2 = 0.11
EFFICIENCY, EMPTY, C_RATE, WEAR = 0.95, 0.05, 0.5, 0.005

BAKERY = [9, 14, 30, 38, 38, 36, 30, 22, 18, 16, 15, 14, 13, 12, 12, 11, 11, 10, 7, 6, 5, 5, 5, 6]
BAKERY_END = [8, 10, 20, 26, 28, 26, 22, 16, 10, 8, 6, *[5] * 12, 6]
SCHOOL = [6, 6, 6, 6, 6, 8, 16, 30, 38, 40, 40, 39, 34, 28, 22, 18, 15, 13, 12, 11, 9, 8, 7, 6]
SCHOOL_END = [6] * 8 + [7] * 9 + [6] * 7
SAWMILL = [6, 6, 6, 6, 6, 14, 62, 84, 88, 86, 88, 80, 48, 84, 88, 86, 70, 26, 10, 8, 6, 6, 6, 6]


def annual_cost(capex: float, life: int, rate: float = 0.04, project: int = 20) -> float:
    """Return the yearly cost with replacements and a linear residual value."""
    present, year = capex, life
    while year < project:
        present += capex / (1 + rate) ** year
        year += life
    present -= capex * (year - project) / life / (1 + rate) ** project
    return present * rate / (1 - (1 + rate) ** -project)


ROOFS = {
    "houses": (annual_cost(1250, 25), 15.0, 50.0, 80.0),
    "school": (annual_cost(1100, 25), 15.0, 0.0, 60.0),
    "farm": (annual_cost(950, 25), 14.0, 40.0, 120.0),
}
"""Yearly cost of a new kW, upkeep of each kW, kW today, most kW."""
BATTERY, BATTERY_UPKEEP = annual_cost(230, 15), 0.01 * 230


def loads() -> dict[str, np.ndarray]:
    """Return what each member uses [kW]."""
    table = pd.read_csv(SERIES)

    def shape(weekday: list[int], weekend: list[int]) -> np.ndarray:
        return np.where(WEEKEND, np.array(weekend)[HOUR], np.array(weekday)[HOUR]).astype(float)

    return {
        "flats": table["flats_kw"].to_numpy(),
        "houses": table["houses_kw"].to_numpy(),
        "bakery": shape(BAKERY, BAKERY_END),
        "school": shape(SCHOOL, SCHOOL_END),
        "sawmill": shape(SAWMILL, [6] * 24),
    }


def market() -> np.ndarray:
    """Return what the market pays [EUR/kWh]."""
    price = np.full(HOURS, 0.070)
    price[(HOUR >= 9) & (HOUR < 16)] = 0.045
    price[(HOUR >= 17) & (HOUR < 22)] = 0.095
    return price


class Model:
    """The linear model of a group of members.

    ``sized`` false: as the village is today. ``local``, ``regional``: fees of a kWh that is delivered.
    """

    def __init__(
        self,
        members: tuple[str, ...],
        sun: dict[str, np.ndarray],
        *,
        sized: bool = True,
        local: float = LOCAL,
        regional: float = REGIONAL,
    ) -> None:
        import linopy

        self.members, self.sun, self.sized = members, sun, sized
        self.m = linopy.Model()
        self.cost: list[Any] = []
        self.constant = 0.0
        self.names: list[str] = []
        self.sizes: list[str] = []
        self.net: dict[str, Any] = {}
        self.gives = {"west": [], "east": []} if sized else {}
        self.takes: dict[str, list[Any]] = {"west": [], "east": []}
        self.fees = (local, regional)
        use = loads()
        for member in members:
            self.member(member, use.get(member, np.zeros(HOURS)))
        self.pools()
        self.cables()
        self.m.add_objective(sum(self.cost[1:], self.cost[0]))

    def series(self, values: Any) -> pd.Series:
        """Return numbers over the hours."""
        return pd.Series(values, STEPS)

    def flow(self, name: str, upper: float = np.inf) -> Any:
        """Return a variable for each hour."""
        self.names.append(name)
        return self.m.add_variables(lower=0, upper=upper, coords=[STEPS], name=name)

    def size(self, name: str, yearly: float, most: float, least: float = 0.0) -> Any:
        """Return a size; its yearly cost is that of what exceeds the least."""
        self.sizes.append(name)
        upper = most if self.sized else least
        size = self.m.add_variables(lower=least, upper=upper, name=name)
        self.cost.append(yearly * size)
        self.constant -= yearly * least
        return size

    def member(self, member: str, use: np.ndarray) -> None:
        """Write supplier, market, shared power, plant and balance of a member."""
        m = self.m
        area = "east" if member == "sawmill" else "west"
        taken, given = [], []
        if member in PRICE:
            bought = self.flow(f"{member}_bought")
            self.cost.append(PRICE[member] * bought.sum())
            taken.append(bought)
        if member in {*ROOFS, "coop"}:
            sold = self.flow(f"{member}_sold")
            self.cost.append(-1.0 * (sold * self.series(market())).sum())
            given.append(sold)
        if self.sized and member in BUYERS:
            shared = self.flow(f"{member}_takes")
            self.takes[area].append(shared)
            taken.append(shared)
            if member != "coop":
                self.cost.append(RETAINED * shared.sum())
        if self.sized and member in SELLERS:
            shared = self.flow(f"{member}_gives")
            self.gives[area].append(shared)
            given.append(shared)
        plant = []
        if member in ROOFS:
            plant.append(self.roof(member))
        if member == "coop":
            plant.append(self.store())
        for word, parts in (("in", taken), ("out", given)):
            if parts and member in CONNECTION:
                whole = sum(parts[1:], parts[0])
                m.add_constraints(whole <= CONNECTION[member], name=f"{member}_{word}")
        inside = [*taken, *plant, *(-1.0 * part for part in given)]
        m.add_constraints(sum(inside[1:], 1.0 * inside[0]) == self.series(use), name=member)
        through = [*taken, *(-1.0 * part for part in given)]
        self.net[member] = sum(through[1:], 1.0 * through[0])

    def roof(self, member: str) -> Any:
        """Write PV."""
        yearly, upkeep, least, most = ROOFS[member]
        size = self.size(f"{member}_pv", yearly, most, least)
        self.cost.append(upkeep * size)
        made = self.flow(f"{member}_made")
        self.m.add_constraints(
            made - self.series(self.sun[member]) * size <= 0, name=f"{member}_sun"
        )
        return made

    def store(self) -> Any:
        """Write the battery, in a ring over the year; return what it gives."""
        m = self.m
        size = self.size("battery", BATTERY, 500.0)
        self.cost.append(BATTERY_UPKEEP * size)
        into, out, held = self.flow("into"), self.flow("out"), self.flow("held")
        m.add_constraints(into - C_RATE * size <= 0, name="into_most")
        m.add_constraints(out - C_RATE * size <= 0, name="out_most")
        m.add_constraints(held - size <= 0, name="full")
        m.add_constraints(held - EMPTY * size >= 0, name="empty")
        change = held - held.roll(t=1) - EFFICIENCY * into + (1 / EFFICIENCY) * out
        m.add_constraints(change == 0, name="content")
        self.cost.append(WEAR * out.sum())
        return out - into

    def pools(self) -> None:
        """Write what is shared inside the areas and over the ring: all sellers are in the west."""
        if not self.sized:
            return
        local, regional = self.fees
        west, east, gives = self.takes["west"], self.takes["east"], self.gives["west"]
        both = [*gives, *(-1.0 * part for part in [*west, *east])]
        if both:
            self.m.add_constraints(sum(both[1:], 1.0 * both[0]) == 0, name="shared")
        for fee, parts in ((local, west), (regional, east)):
            if parts:
                self.cost.append(fee * sum(parts[1:], 1.0 * parts[0]).sum())

    def cables(self) -> None:
        """Write the capacities; all that passes counts, the supply as well."""
        for line, beyond in CABLES.items():
            parts = [net for member, net in self.net.items() if member in beyond]
            if parts:
                whole = sum(parts[1:], parts[0])
                self.m.add_constraints(whole <= CAPACITY[line], name=f"{line}_in")
                self.m.add_constraints(whole >= -CAPACITY[line], name=f"{line}_out")

    def report(self, told: str) -> float:
        """Solve, print and return the cost."""
        self.m.solve(solver_name="highs", **HIPO)
        found, total = self.m.solution, self.m.objective.value
        assert total is not None
        cost = float(total) + self.constant
        energy = {name: float(found[name].sum()) for name in self.names}
        co2 = CO2 * sum(value for name, value in energy.items() if name.endswith("_bought"))
        print(f"{told} cost {cost:.6f} co2_kg {co2:.6f}")
        for name in self.sizes:
            print(f"  {name} {float(found[name]):.4f}")
        for name, value in energy.items():
            print(f"  {name} {value:.3f}")
        return cost


def main() -> None:
    """Solve and print."""
    from microgrid_opt import load

    arrays = load("community_eu").arrays
    sun = {member: arrays[f"assets.{member}_pv.output_per_kw"] for member in ROOFS}
    Model(MEMBERS, sun, sized=False).report("today")
    alone = {member: Model((member,), sun).report(f"{member} alone") for member in MEMBERS}
    total = sum(alone.values())
    for told, fees in (
        ("joint", {}),
        ("full fee", {"local": NETWORK_FEE, "regional": NETWORK_FEE}),
    ):
        joint = Model(MEMBERS, sun, **fees).report(told)
        print(f"alone {total:.6f} gain {total - joint:.6f} share {(total - joint) / total:.4f}")


if __name__ == "__main__":
    main()
