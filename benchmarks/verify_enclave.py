"""Case `enclave` from another modelling tool: every member alone and all together, linopy with HiGHS.

    python -m benchmarks.verify_enclave

Prices, fees, losses, annuities, batteries and the month's account are stated here again, from the README
alone; taken from the project as data are the loads (series.csv) and the yield of PV per kW. Takes some
minutes; needs the extra `peers`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

SERIES = Path(__file__).parents[1] / "cases" / "enclave" / "series.csv"
HOURS = 8760
STAMPS = pd.date_range("2025-01-01", periods=HOURS, freq="h")
HOUR, MONTH = STAMPS.hour.to_numpy(), STAMPS.month.to_numpy()
STEPS = pd.RangeIndex(HOURS, name="t")
MONTHS = pd.RangeIndex(1, 13, name="m")
HIPO = {
    "solver": "hipo",
    "run_crossover": "off",
    "hipo_system": "augmented",
    "hipo_ordering": "amd",
    "output_flag": False,
}
"""As in solvers/hipo.yaml."""

BUYERS = ("cement", "park", "works")
MEMBERS = ("mine", *BUYERS)
LIMIT = {"cement": 8000.0, "park": 20000.0, "works": 15000.0, "mine": 60000.0}
DEMAND_PRICE = {"cement": 0.0, "park": 51.2, "works": 44.8}
CO2 = {"cement": 0.7096, "park": 0.5978, "works": 0.5978}

# What remains of a kWh that the mine sends: to the end of the channel, and at each buyer.
AT_CHANNEL = (1 - 0.015) * (1 - 0.05)
ARRIVES = {"cement": 1 - 0.01, "park": AT_CHANNEL * (1 - 0.012), "works": AT_CHANNEL * (1 - 0.006)}
# Sending network and receiving network, or the local one, and what stays due, of a kWh delivered.
FEES = {"cement": 0.085 - 0.060, "park": 0.029 + 0.1357, "works": 0.029 + 0.0857}
RETAINED = {"cement": 0.0834, "park": 0.0694, "works": 0.0694}
CHANNEL_PRICE, CHANNEL_KW, HILLS_KW = 0.060, 14000.0, 8000.0
LEAST_GREEN = 15e6
BANK_LOSS, BANK_FEE = 0.05, 0.03
EFFICIENCY, EMPTY, C_RATE, WEAR = 0.94, 0.05, 0.5, 0.02


def annual_cost(capex: float, life: int, rate: float = 0.06, project: int = 20) -> float:
    """Return the yearly cost with replacements and a linear residual value."""
    present, year = capex, life
    while year < project:
        present += capex / (1 + rate) ** year
        year += life
    present -= capex * (year - project) / life / (1 + rate) ** project
    return present * rate / (1 - (1 + rate) ** -project)


PV, PV_UPKEEP = annual_cost(2800, 25), 35.0
BATTERY, BATTERY_UPKEEP = annual_cost(600, 12), 0.015 * 600


def export_price() -> np.ndarray:
    """Return what the market beside the mine pays [CNY/kWh]."""
    price = np.full(HOURS, 0.27)
    price[(HOUR >= 17) & (HOUR < 22)] = 0.38
    price[(HOUR >= 9) & (HOUR < 16)] = 0.12
    return price


def import_price(member: str) -> np.ndarray:
    """Return what a supplier takes [CNY/kWh]."""
    if member == "cement":
        price = np.full(HOURS, 0.50)
        price[((HOUR >= 8) & (HOUR < 11)) | ((HOUR >= 17) & (HOUR < 23))] = 0.70
        price[(HOUR < 7) | ((HOUR >= 11) & (HOUR < 13))] = 0.30
        return price
    hot_or_cold = np.isin(MONTH, [12, 1, 2, 6, 7, 8])
    price = np.full(HOURS, 0.6400)
    price[(HOUR < 22) & (np.where(hot_or_cold, 14, 15) <= HOUR)] = 0.9566
    price[hot_or_cold & ((HOUR < 6) | (HOUR == 11) | (HOUR == 12))] = 0.3828
    mild_valley = ((HOUR >= 2) & (HOUR < 6)) | ((HOUR >= 10) & (HOUR < 14))
    price[~hot_or_cold & mild_valley] = 0.3828
    return price - (0.05 if member == "works" else 0.0)


class Model:
    """The linear model of a group, with hourly matching or by the month."""

    def __init__(
        self,
        members: tuple[str, ...],
        sun: np.ndarray,
        *,
        sized: bool = True,
        by_month: bool = False,
    ) -> None:
        import linopy

        self.members, self.sun, self.sized, self.by_month = members, sun, sized, by_month
        self.m = linopy.Model()
        self.table = pd.read_csv(SERIES)
        self.cost: list[Any] = []
        self.constant = 0.0
        self.names: list[str] = []
        self.sizes: list[str] = []
        self.sent: dict[str, Any] = {}
        self.received: dict[str, Any] = {}
        if "mine" in members and sized:
            for buyer in BUYERS:
                if buyer in members:
                    self.trade(buyer)
            self.lines()
        for member in members:
            (self.mine if member == "mine" else self.buyer)(member)
        self.m.add_objective(sum(self.cost[1:], self.cost[0]))

    def series(self, values: Any) -> pd.Series:
        """Return numbers over the hours."""
        return pd.Series(values, STEPS)

    def flow(self, name: str, upper: float = np.inf, lower: float = 0.0) -> Any:
        """Return a variable for each hour."""
        self.names.append(name)
        return self.m.add_variables(lower=lower, upper=upper, coords=[STEPS], name=name)

    def trade(self, buyer: str) -> None:
        """Write what is sent and delivered, and the fees on it."""
        sent = self.sent[buyer] = self.flow(f"sent_{buyer}")
        arriving = ARRIVES[buyer] * sent
        if self.by_month:
            delivered = self.flow(f"received_{buyer}")
            late = self.flow(f"late_{buyer}")
            self.m.add_constraints(late - delivered + arriving >= 0, name=f"late_{buyer}_most")
            month = pd.Series(MONTH, STEPS, name="m")
            left = arriving - delivered - BANK_LOSS * late
            sums = left.groupby(month).sum()
            self.m.add_constraints(sums >= 0, name=f"month_{buyer}")
            self.cost.append(BANK_FEE * late.sum())
        else:
            delivered = arriving
        self.received[buyer] = delivered
        due = FEES[buyer] + RETAINED[buyer]
        if buyer != "cement":
            due += CHANNEL_PRICE * AT_CHANNEL / ARRIVES[buyer]
        self.cost.append(due * delivered.sum())
        if buyer == "park":
            self.m.add_constraints(sent.sum() >= LEAST_GREEN, name="least_green")

    def lines(self) -> None:
        """Write the capacities; by the month only the meter of the mine has one."""
        sent = list(self.sent.values())
        if not sent:
            return
        if self.by_month:
            self.m.add_constraints(sum(sent[1:], sent[0]) <= CHANNEL_KW, name="meter_out")
            return
        if "cement" in self.sent:
            self.m.add_constraints(self.sent["cement"] <= HILLS_KW, name="hills")
        far = [(1 - 0.015) * flow for buyer, flow in self.sent.items() if buyer != "cement"]
        if far:
            self.m.add_constraints(sum(far[1:], far[0]) <= CHANNEL_KW, name="channel")

    def mine(self, member: str) -> None:
        """Write PV, battery and export."""
        m = self.m
        pv = self.size("pv", PV, 100e3, 10e3)
        self.cost.append(PV_UPKEEP * pv)
        store = self.size("battery", BATTERY, 150e3)
        self.cost.append(BATTERY_UPKEEP * store)
        made, sold = self.flow("made"), self.flow("sold")
        m.add_constraints(made - self.series(self.sun) * pv <= 0, name="sun")
        self.cost.append(-1.0 * (sold * self.series(export_price())).sum())
        out = sum(self.sent.values(), sold)
        m.add_constraints(out <= LIMIT[member], name="mine_out")
        m.add_constraints(made + self.store("battery", store) - out == 0, name="mine_balance")

    def store(self, name: str, size: Any) -> Any:
        """Write a battery, in a ring over the year; return what it gives."""
        m = self.m
        into, out, held = (self.flow(f"{name}_{word}") for word in ("into", "out", "held"))
        m.add_constraints(into - C_RATE * size <= 0, name=f"{name}_into_most")
        m.add_constraints(out - C_RATE * size <= 0, name=f"{name}_out_most")
        m.add_constraints(held - size <= 0, name=f"{name}_full")
        m.add_constraints(held - EMPTY * size >= 0, name=f"{name}_empty")
        change = held - held.roll(t=1) - EFFICIENCY * into + (1 / EFFICIENCY) * out
        m.add_constraints(change == 0, name=f"{name}_content")
        self.cost.append(WEAR * out.sum())
        return out - into

    def buyer(self, member: str) -> None:
        """Write what a member takes, and its monthly peak."""
        m = self.m
        bought = self.flow(f"{member}_bought")
        self.cost.append((bought * self.series(import_price(member))).sum())
        taken = bought + self.received[member] if member in self.received else 1.0 * bought
        m.add_constraints(taken <= LIMIT[member], name=f"{member}_in")
        if DEMAND_PRICE[member]:
            top = m.add_variables(lower=0, coords=[MONTHS], name=f"{member}_top")
            for month in MONTHS:
                here = np.flatnonzero(month == MONTH)
                rows = taken.isel(t=here) - top.sel(m=month)
                m.add_constraints(rows <= 0, name=f"{member}_top{month}")
            self.cost.append(DEMAND_PRICE[member] * top.sum())
        balance = taken
        if member == "park":
            held = m.add_variables(lower=8000.0, upper=8000.0, name="park_battery")
            balance = balance + self.store("park_battery", held)
            self.constant += 0.015 * 900 * 8000.0
        load = self.series(self.table[f"{member}_kw"].to_numpy(float))
        m.add_constraints(balance == load, name=f"{member}_balance")

    def size(self, name: str, yearly: float, most: float, least: float = 0.0) -> Any:
        """Return a size; its yearly cost is that of what exceeds the least."""
        self.sizes.append(name)
        upper = most if self.sized else least
        size = self.m.add_variables(lower=least, upper=upper, name=name)
        self.cost.append(yearly * size)
        self.constant -= yearly * least
        return size

    def report(self, told: str) -> float:
        """Solve, print and return the cost."""
        self.m.solve(solver_name="highs", **HIPO)
        found, total = self.m.solution, self.m.objective.value
        assert total is not None
        cost = float(total) + self.constant
        energy = {name: float(found[name].sum()) for name in self.names}
        co2 = sum(CO2[b] * energy[f"{b}_bought"] for b in BUYERS if b in self.members)
        print(f"{told} cost {cost:.6f} co2_kg {co2:.6f}")
        for name in self.sizes:
            print(f"  {name} {float(found[name]):.4f}")
        for name, value in energy.items():
            print(f"  {name} {value:.3f}")
        if "least_green" in self.m.constraints:
            print(f"  dual of the least {float(self.m.constraints['least_green'].dual):.9f}")
        return cost


def main() -> None:
    """Solve and print."""
    from microgrid_opt import load

    sun = load("enclave").arrays["assets.pv.output_per_kw"]
    Model(MEMBERS, sun, sized=False).report("today")
    alone = {member: Model((member,), sun).report(f"{member} alone") for member in MEMBERS}
    for told, by_month in (("joint", False), ("joint by the month", True)):
        joint = Model(MEMBERS, sun, by_month=by_month).report(told)
        gain = sum(alone.values()) - joint
        part = gain / sum(alone.values())
        print(f"alone {sum(alone.values()):.6f} gain {gain:.6f} share {part:.4f}")


if __name__ == "__main__":
    main()
