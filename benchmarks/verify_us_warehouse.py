"""The optimum of case `us_warehouse` from another modelling tool: linopy, written by hand.

    python -m benchmarks.verify_us_warehouse

Load, calendar with daylight saving, tariff, ratchet and the yearly worth of capex after taxes are
re-derived here in plain Python; only the yield per kW of PV is taken from the project, as data. The
reference plan is arithmetic on the load. Prints what cases/us_warehouse/expected.yaml promises, and
the same for the scenarios. Takes some minutes; needs the extra `peers`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

SERIES = Path(__file__).parents[1] / "cases" / "us_warehouse" / "series.csv"
HOURS = 8760
LOCAL = pd.date_range("2025-01-01 05:00", periods=HOURS, freq="h", tz="UTC").tz_convert(
    "America/New_York"
)
HOUR, MONTH = LOCAL.hour.to_numpy(), LOCAL.month.to_numpy()
HOLIDAYS = ["2025-01-01", "2025-05-26", "2025-07-04", "2025-09-01", "2025-11-27", "2025-12-25"]
HOLIDAY = np.isin(LOCAL.strftime("%Y-%m-%d"), HOLIDAYS)
WEEKEND = LOCAL.day_of_week.to_numpy() >= 5
STEPS = pd.RangeIndex(HOURS, name="t")

WEEKDAY_KW = [190, 185, 185, 190, 205, 235, 280, 310, 320, 320, 315, 310]
WEEKDAY_KW += [300, 310, 320, 320, 305, 285, 255, 235, 225, 215, 205, 195]
WEEKEND_KW = [165, 160, 160, 160, 165, 175, 190, 205, 210, 210, 205, 200]
WEEKEND_KW += [195, 195, 195, 190, 185, 180, 175, 170, 170, 170, 165, 165]
HOLIDAY_KW = 130.0

SUMMER = (MONTH >= 6) & (MONTH <= 9)
WORKDAY = ~WEEKEND & ~HOLIDAY
PEAK = WORKDAY & np.where(SUMMER, (HOUR >= 15) & (HOUR < 20), (HOUR >= 6) & (HOUR < 9))
ENERGY = np.where(SUMMER, np.where(PEAK, 0.130, 0.078), np.where(PEAK, 0.105, 0.072))
PEAK_USD = {month: 18.85 if 6 <= month <= 9 else 13.82 for month in range(1, 13)}
FACILITY_USD, CUSTOMER_USD, CREDIT_USD = 3.50, 425.0, 0.036
RATCHET, SALES_TAX, CO2 = 0.80, 0.07, 0.270

PV_USD, PV_OM, PV_LIFE = 1900.0, 22.0, 25
KWH_USD, KW_USD, BATTERY_OM, BATTERY_LIFE = 300.0, 842.0, 0.025, 15
EFFICIENCY, EMPTY = 0.922, 0.10

RATE, INFLATION, PROJECT, TAX = 0.05, 0.025, 25, 0.26
MACRS_5 = (0.2000, 0.3200, 0.1920, 0.1152, 0.1152, 0.0576)
"""IRS Publication 946, Appendix A, Table A-1, half-year convention."""


@dataclass(frozen=True)
class Terms:
    """What differs from scenario to scenario."""

    credit: float = 0.30
    deducted: tuple[float, ...] = MACRS_5
    ratchet: bool = True
    netting: bool = False
    battery: bool = True


SCENARIOS = {
    "plan": Terms(),
    "no_incentives": Terms(credit=0.0),
    "bonus_depreciation": Terms(deducted=(1.0,)),
    "no_battery": Terms(battery=False),
    "no_ratchet": Terms(ratchet=False),
    "net_metering": Terms(netting=True),
}


NOMINAL = (1 + RATE) * (1 + INFLATION) - 1


def payments(terms: Terms, life: int) -> np.ndarray:
    """Return what 1 USD of capex brings after tax in each year, in current money.

    Purchases, their deductions, the credit at the end of year 1 for the first of them (half of it
    cannot be deducted), and what the last one is still worth at the end, taxed in full, as nothing
    of it is left in the books.
    """
    flows = np.zeros(PROJECT + 1)
    bought = list(range(0, PROJECT, life))
    for year in bought:
        price = (1 + INFLATION) ** year
        credit = terms.credit * price if year == 0 else 0.0
        flows[year] -= price
        flows[year + 1] += credit
        for k, share in enumerate(terms.deducted, start=1):
            if year + k <= PROJECT:
                flows[year + k] += TAX * share * (price - 0.5 * credit)
    worth = (bought[-1] + life - PROJECT) / life * (1 + INFLATION) ** PROJECT
    flows[PROJECT] += worth * (1 - TAX)
    return flows


def present(flows: np.ndarray, rate: float = NOMINAL) -> float:
    """Return the present value of payments in current money."""
    return float(sum(flow / (1 + rate) ** year for year, flow in enumerate(flows)))


def yearly(terms: Terms, life: int) -> float:
    """Return the yearly cost before tax, in money of today, that 1 USD of capex is worth."""
    recovery = RATE / (1 - (1 + RATE) ** -PROJECT)
    return -recovery * present(payments(terms, life)) / (1 - TAX)


def rate_of_return(flows: np.ndarray) -> float:
    """Return the internal rate of return of payments that change their sign once, by halving."""
    low, high = 0.0, 1.0
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if present(flows, middle) > 0 else (low, middle)
    return low


def demand() -> np.ndarray:
    """Return the load of each hour [kW]."""
    docks = np.where(WEEKEND, np.array(WEEKEND_KW)[HOUR], np.array(WEEKDAY_KW)[HOUR])
    docks = np.where(HOLIDAY, HOLIDAY_KW, docks)
    return pd.read_csv(SERIES)["refrigeration_kw"].to_numpy() + docks


def bill(bought: np.ndarray, sold: np.ndarray, terms: Terms) -> dict[str, float]:
    """Return what the utility charges for a year, from the meter alone [USD]."""
    top = {month: bought[(month == MONTH) & PEAK].max() for month in range(1, 13)}
    share = RATCHET if terms.ratchet else 0.0
    billed = {m: max(kw, share * max(top.values())) for m, kw in top.items()}
    lines = {"customer": 12 * CUSTOMER_USD, "energy": float(bought @ ENERGY)}
    lines["peak_demand"] = sum(PEAK_USD[month] * kw for month, kw in billed.items())
    lines["facility_demand"] = FACILITY_USD * sum(
        bought[month == MONTH].max() for month in range(1, 13)
    )
    lines["sales_tax"] = SALES_TAX * sum(lines.values())
    lines["export"] = -CREDIT_USD * float(sold.sum())
    if terms.netting:
        for month in range(1, 13):
            for price in np.unique(ENERGY[month == MONTH]):
                here = (month == MONTH) & (price == ENERGY)
                netted = min(bought[here].sum(), sold[here].sum())
                lines["export"] -= (price - CREDIT_USD) * float(netted)
    return lines


class Warehouse:
    """The linear model."""

    def __init__(self, terms: Terms, pv_yield: np.ndarray) -> None:
        import linopy

        self.terms, self.load = terms, demand()
        self.m = linopy.Model()
        self.buy, self.sell = self.flow("buy", 2000.0), self.flow("sell", 2000.0)
        # An objective takes no constant: the customer charge is a variable without freedom.
        customer = self.m.add_variables(12 * CUSTOMER_USD, 12 * CUSTOMER_USD, name="customer")
        taxed = [customer, (self.buy * self.series(ENERGY)).sum(), *self.peaks()]
        self.cost: list[Any] = [(1 + SALES_TAX) * line for line in taxed]
        self.cost.append(-CREDIT_USD * self.sell.sum())
        pv = self.pv(pv_yield)
        battery = self.battery() if terms.battery else 0.0
        if terms.netting:
            self.net()
        self.m.add_constraints(
            self.buy - self.sell + pv + battery == self.series(self.load), name="balance"
        )
        self.m.add_objective(sum(self.cost[1:], self.cost[0]))

    def series(self, values: Any) -> pd.Series:
        """Return numbers over the hours."""
        return pd.Series(values, STEPS)

    def flow(self, name: str, upper: float = np.inf) -> Any:
        """Return a variable for each hour."""
        return self.m.add_variables(lower=0, upper=upper, coords=[STEPS], name=name)

    def size(self, name: str, per_unit: float, upper: float) -> Any:
        """Return a size with its yearly cost per unit."""
        size = self.m.add_variables(lower=0, upper=upper, name=name)
        self.cost.append(per_unit * size)
        return size

    def peaks(self) -> list[Any]:
        """Write both demand charges; return what they cost.

        Every month sees the other eleven, so that the ratchet is a share of the record of the year.
        """
        m, lines = self.m, []
        record = m.add_variables(lower=0, name="record")
        for month in range(1, 13):
            top, highest, billed = (
                m.add_variables(lower=0, name=f"{name}_{month}")
                for name in ("top", "highest", "billed")
            )
            for found, where in ((top, PEAK), (highest, np.ones(HOURS, dtype=bool))):
                here = np.flatnonzero((month == MONTH) & where)
                m.add_constraints(self.buy.isel(t=here) - found <= 0)
            m.add_constraints(record - top >= 0)
            m.add_constraints(billed - top >= 0)
            if self.terms.ratchet:
                m.add_constraints(billed - RATCHET * record >= 0)
            lines += [PEAK_USD[month] * billed, FACILITY_USD * highest]
        return lines

    def pv(self, pv_yield: np.ndarray) -> Any:
        """Write PV; return what it gives."""
        size = self.size("pv", PV_USD * yearly(self.terms, PV_LIFE) + PV_OM, 2000.0)
        made = self.flow("made")
        self.m.add_constraints(made - self.series(pv_yield) * size <= 0)
        return made

    def battery(self) -> Any:
        """Write the battery; return what it gives, less what it takes."""
        factor = yearly(self.terms, BATTERY_LIFE) + BATTERY_OM
        energy = self.size("battery_kwh", KWH_USD * factor, 6000.0)
        power = self.size("battery_kw", KW_USD * factor, 2000.0)
        charge, discharge, held = self.flow("charge"), self.flow("discharge"), self.flow("held")
        self.m.add_constraints(charge - power <= 0)
        self.m.add_constraints(discharge - power <= 0)
        self.m.add_constraints(held - energy <= 0)
        self.m.add_constraints(held - EMPTY * energy >= 0)
        change = held - held.roll(t=1) - EFFICIENCY * charge + (1 / EFFICIENCY) * discharge
        self.m.add_constraints(change == 0)
        return discharge - charge

    def net(self) -> None:
        """Write monthly net metering: sold energy cancels bought energy of the same price."""
        for month in range(1, 13):
            for price in np.unique(ENERGY[month == MONTH]):
                here = np.flatnonzero((month == MONTH) & (price == ENERGY))
                netted = self.m.add_variables(lower=0, name=f"netted_{month}_{price}")
                self.m.add_constraints(netted - self.buy.isel(t=here).sum() <= 0)
                self.m.add_constraints(netted - self.sell.isel(t=here).sum() <= 0)
                self.cost.append((CREDIT_USD - price) * netted)

    def solve(self, name: str) -> None:
        """Solve and print, and hold the bill of the plan against what the model pays."""
        self.m.solve(solver_name="highs", solver="simplex", output_flag=False, progress=False)
        found = self.m.solution
        bought, sold = found["buy"].to_numpy(), found["sell"].to_numpy()
        cost = float(self.m.objective.value)
        lines = bill(bought, sold, self.terms)
        print(f"{name} cost {cost:.6f} co2_kg {CO2 * bought.sum():.6f}")
        print(f"  buy {bought.sum():.3f} kWh, sell {sold.sum():.3f} kWh")
        capital = running = 0.0
        flows = np.zeros(PROJECT + 1)
        for key, life, usd, om in (
            ("pv", PV_LIFE, PV_USD, PV_OM),
            ("battery_kwh", BATTERY_LIFE, KWH_USD, BATTERY_OM * KWH_USD),
            ("battery_kw", BATTERY_LIFE, KW_USD, BATTERY_OM * KW_USD),
        ):
            if key in found:
                size = float(found[key])
                print(f"  {key} {size:.6f}")
                running += size * om
                capital += size * usd * yearly(self.terms, life)
                flows += size * usd * payments(self.terms, life)
        running += sum(lines.values())
        print(f"  bill and capital against the objective: {running + capital - cost:.2e} USD")
        own = bill(self.load, np.zeros(HOURS), self.terms)
        prices = (1 + INFLATION) ** np.arange(1, PROJECT + 1)
        flows[1:] += (1 - TAX) * (sum(own.values()) - running) * prices
        worth, gain = present(flows), rate_of_return(flows)
        print(f"  after tax: net present value {worth:.2f} USD, nominal return {gain:.6f}")
        top = {month: bought[(month == MONTH) & PEAK].max() for month in range(1, 13)}
        print("  on-peak kW by month:", [round(float(kw), 1) for kw in top.values()])


def main() -> None:
    """Solve all plans and print."""
    from microgrid_opt import load

    pv_yield = load("us_warehouse").arrays["assets.pv.output_per_kw"]
    print(f"yearly cost of 1 USD: PV {yearly(Terms(), PV_LIFE):.12f}")
    print(f"  battery {yearly(Terms(), BATTERY_LIFE):.12f}")
    own = demand()
    for name, terms in (
        ("reference", Terms()),
        ("reference without ratchet", Terms(ratchet=False)),
    ):
        lines = bill(own, np.zeros(HOURS), terms)
        print(f"{name} cost {sum(lines.values()):.6f} co2_kg {CO2 * own.sum():.6f}")
        print("  " + ", ".join(f"{key} {usd:.2f}" for key, usd in lines.items()))
    for name, terms in SCENARIOS.items():
        Warehouse(terms, pv_yield).solve(name)


if __name__ == "__main__":
    main()
