"""Case `tariff_choice` from another modelling tool: five tariffs written out by hand, linopy with HiGHS.

    python -m benchmarks.verify_tariff_choice          # what expected.yaml promises
    python -m benchmarks.verify_tariff_choice sweep    # the other figures of the README as well

Prices, hours, charges, annuities and the battery are stated here again, from the README alone. Taken
from the project as data are the load (series.csv) and the yield of PV per kW. There are no binaries:
a plan that gets the rebate for high use in every month without having to earn it costs at most as much
as any plan under the tariff, so that it is the optimum where it earns the rebate in every month; the
model says whether it does. Takes some minutes; needs the extra `peers`.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

SERIES = Path(__file__).parents[1] / "cases" / "tariff_choice" / "series.csv"
HOURS = 8760
STAMPS = pd.date_range("2026-01-01", periods=HOURS, freq="h")
HOUR, MONTH = STAMPS.hour.to_numpy(), STAMPS.month.to_numpy()
STEPS = pd.RangeIndex(HOURS, name="t")
MONTHS = pd.RangeIndex(1, 13, name="m")

# Hubei, January 2026, CNY/kWh; what floats, and what does not.
ENERGY, LOSS = 0.384470, 0.013643
FUNDS = 0.02 + 0.0062 + 0.019
SYSTEM = 0.082273
NETWORK_TWO_PART, NETWORK_SINGLE = 0.1263, 0.1903
CAPACITY, DEMAND = 26.3, 42.0
REBATE, REBATE_FROM = 0.1, 260.0
LOAD_FACTOR, HOURS_PER_MONTH = 0.5, 730.0
REWARD = 0.0075  # power factor 0.95

POWER_FACTOR = 0.95
TODAY_KVA, LIMIT_KW, KVA_OM = 12_500.0, 9_500.0, 10.0
CO2 = 0.4364
PV_MAX, BATTERY_MAX = 16_000.0, 80_000.0
EFFICIENCY, EMPTY, C_RATE, WEAR = 0.94, 0.1, 0.5, 0.02


@dataclass(frozen=True)
class Question:
    """A tariff, and circumstances that the sweep changes."""

    tariff: str
    load_factor: float = LOAD_FACTOR
    pv_max: float = PV_MAX
    battery_max: float = BATTERY_MAX
    shares: bool = True


TARIFFS = ("by_capacity", "by_demand", "single_part", "access_capacity", "shandong")


def annual_cost(capex: float, life: int, rate: float = 0.06, project: int = 20) -> float:
    """Return the yearly cost with replacements and a linear residual value."""
    present, year = capex, life
    while year < project:
        present += capex / (1 + rate) ** year
        year += life
    present -= capex * (year - project) / life / (1 + rate) ** project
    return present * rate / (1 - (1 + rate) ** -project)


PV_YEARLY = annual_cost(3000, 25) + 40
BATTERY_YEARLY = annual_cost(900, 12) + 0.015 * 900


def hubei(peak: float) -> np.ndarray:
    """Return the multiplier of what floats in Hubei."""
    factor = np.ones(HOURS)
    factor[HOUR >= 16] = peak
    summer = np.isin(MONTH, [7, 8])
    factor[summer & np.isin(HOUR, [20, 21])] = 2.0
    factor[~summer & np.isin(HOUR, [18, 19])] = 2.0
    factor[(HOUR < 6) | np.isin(HOUR, [12, 13])] = 0.45
    return factor


def shandong() -> np.ndarray:
    """Return the multiplier of what floats in Shandong, hour by hour of a day of each season."""
    sharp, peak, low, deep = 2.0, 1.7, 0.3, 0.1
    days = {
        (1, 12): [(10, 12, low), (12, 14, deep), (14, 15, low), (16, 19, sharp), (19, 22, peak)],
        (2, 3, 4, 5): [
            (10, 11, low),
            (11, 14, deep),
            (14, 15, low),
            (17, 20, sharp),
            (20, 22, peak),
        ],
        (6,): [(2, 8, low), (17, 22, peak)],
        (7, 8): [(1, 7, low), (16, 20, sharp), (20, 22, peak)],
        (9, 10, 11): [
            *((10, 11, low), (11, 14, deep), (14, 15, low)),
            *((16, 17, peak), (17, 19, sharp), (19, 21, peak)),
        ],
    }
    factor = np.ones(HOURS)
    for months, spans in days.items():
        for begin, end, value in spans:
            factor[np.isin(MONTH, months) & (begin <= HOUR) & (end > HOUR)] = value
    return factor


def energy_price(asked: Question) -> np.ndarray:
    """Return what a kWh costs in each hour [CNY/kWh], the reward for the power factor taken off."""
    if asked.tariff == "shandong":
        return (0.40 + 0.0705 + 0.01 + 0.0209) * shandong() + 0.13317
    single = asked.tariff == "single_part"
    factor = hubei(1.49 if single else 1.495)
    network = {"single_part": NETWORK_SINGLE, "access_capacity": 0.0}
    adjusted = (ENERGY + LOSS) * factor + SYSTEM + network.get(asked.tariff, NETWORK_TWO_PART)
    return (1 - REWARD) * adjusted + FUNDS


def kva_price(asked: Question) -> float:
    """Return what a kVA costs a year [CNY], upkeep included; the access charge earns no reward."""
    price = KVA_OM
    if asked.tariff in {"by_capacity", "access_capacity"}:
        price += 12 * CAPACITY * (1 - REWARD)
    if asked.tariff == "access_capacity":
        price += 12 * NETWORK_TWO_PART * asked.load_factor * HOURS_PER_MONTH
    return price


def month_sums(power: np.ndarray) -> np.ndarray:
    """Return the kWh of each month."""
    return np.array([power[month == MONTH].sum() for month in MONTHS])


def rebated(bought: np.ndarray, kva: float) -> np.ndarray:
    """Return which months use enough for the rebate; the solver keeps limits to about 1e-7."""
    return month_sums(bought) >= REBATE_FROM * kva * (1 - 1e-6)


def bill(asked: Question, bought: np.ndarray, kva: float) -> float:
    """Return what a year of purchases costs, upkeep of the transformers included."""
    cost = float(bought @ energy_price(asked)) + kva * kva_price(asked)
    if asked.tariff == "by_demand":
        peaks = np.array([bought[month == MONTH].max() for month in MONTHS])
        left = np.where(rebated(bought, kva), 1 - REBATE, 1.0)
        cost += (1 - REWARD) * DEMAND * float(left @ peaks)
    return cost


@dataclass(frozen=True)
class Plan:
    """What linopy found: cost and sizes, and the flows behind them."""

    cost: float
    pv: float
    battery: float
    kva: float
    bought: np.ndarray
    made: np.ndarray
    discharged: np.ndarray

    def billed(self, asked: Question) -> float:
        """Return the cost once more, from the flows."""
        return (
            bill(asked, self.bought, self.kva)
            + PV_YEARLY * self.pv
            + BATTERY_YEARLY * self.battery
            + WEAR * float(self.discharged.sum())
        )


def solve(asked: Question, load: np.ndarray, sun: np.ndarray) -> Plan:
    """Write and solve the model of a tariff."""
    import linopy

    m = linopy.Model()

    def series(values: Any) -> pd.Series:
        return pd.Series(values, STEPS)

    def flow(name: str, upper: float = np.inf) -> Any:
        return m.add_variables(lower=0, upper=upper, coords=[STEPS], name=name)

    def size(name: str, upper: float) -> Any:
        return m.add_variables(lower=0, upper=upper, name=name)

    bought, made = flow("bought", LIMIT_KW), flow("made")
    charge, discharge, held = flow("charge"), flow("discharge"), flow("held")
    pv, battery = size("pv", asked.pv_max), size("battery", asked.battery_max)
    kva = size("kva", TODAY_KVA)
    m.add_constraints(bought + made + discharge - charge == series(load), name="balance")
    m.add_constraints(made - series(sun) * pv <= 0, name="sun")
    m.add_constraints(bought - POWER_FACTOR * kva <= 0, name="transformers")
    m.add_constraints(charge - C_RATE * battery <= 0, name="charging")
    m.add_constraints(discharge - C_RATE * battery <= 0, name="discharging")
    m.add_constraints(held - battery <= 0, name="full")
    m.add_constraints(held - EMPTY * battery >= 0, name="empty")
    change = held - held.roll(t=1) - EFFICIENCY * charge + (1 / EFFICIENCY) * discharge
    m.add_constraints(change == 0, name="held")
    cost = (bought * series(energy_price(asked))).sum() + WEAR * discharge.sum()
    cost = cost + kva_price(asked) * kva + PV_YEARLY * pv + BATTERY_YEARLY * battery
    if asked.tariff == "by_demand":
        top = m.add_variables(lower=0, coords=[MONTHS], name="top")
        for month in MONTHS:
            here = np.flatnonzero(month == MONTH)
            m.add_constraints(bought.isel(t=here) - top.sel(m=month) <= 0, name=f"top{month}")
        cost = cost + (1 - REWARD) * DEMAND * (1 - REBATE) * top.sum()
    if asked.tariff == "access_capacity" and asked.shares:
        m.add_constraints(made.sum() >= 0.3 * load.sum(), name="share")
        m.add_constraints(made.sum() - 0.6 * sun.sum() * pv >= 0, name="own_use")
    m.add_objective(cost)
    m.solve(solver_name="highs", solver="simplex", output_flag=False)
    found = m.solution
    total: Any = m.objective.value
    return Plan(
        cost=float(total),
        pv=float(found["pv"]),
        battery=float(found["battery"]),
        kva=float(found["kva"]),
        bought=found["bought"].to_numpy(),
        made=found["made"].to_numpy(),
        discharged=found["discharge"].to_numpy(),
    )


def report(asked: Question, load: np.ndarray, sun: np.ndarray, told: str = "") -> None:
    """Print what is paid today and what the plan comes to."""
    before = bill(asked, load, TODAY_KVA)
    plan = solve(asked, load, sun)
    energy, spent = float(plan.bought.sum()), 3000 * plan.pv + 900 * plan.battery
    print(f"{asked.tariff} {told}".strip())
    print(f"  reference cost {before:.6f} co2_kg {CO2 * load.sum():.6f}")
    print(f"  plan cost {plan.cost:.6f} co2_kg {CO2 * energy:.6f}")
    if abs(plan.billed(asked) / plan.cost - 1) > 1e-9:
        print(f"  a bound only: no rebate in some month, billed {plan.billed(asked):.6f}")
    print(f"  pv {plan.pv:.6f} battery {plan.battery:.6f} kva {plan.kva:.6f} spent {spent:.0f}")
    print(f"  bought {energy:.3f} highest {plan.bought.max():.3f} made {plan.made.sum():.3f}")
    cut = 1 - plan.made.sum() / (plan.pv * sun.sum()) if plan.pv else 0.0
    print(f"  curtailed {cut:.4f} share {plan.made.sum() / load.sum():.4f}", flush=True)


def main() -> None:
    """Solve and print."""
    from microgrid_opt import load as read

    load = pd.read_csv(SERIES)["load_kw"].to_numpy()
    sun = read("tariff_choice").arrays["assets.pv.output_per_kw"]
    for tariff in TARIFFS:
        report(Question(tariff), load, sun)
    if "sweep" not in sys.argv:
        return
    for factor in (0.45, 0.55, 0.6, 0.65):
        asked = Question("access_capacity", load_factor=factor)
        report(asked, load, sun, f"at a load factor of {factor}")
    for tariff in TARIFFS:
        asked = Question(tariff, battery_max=0.0)
        report(asked, load, sun, "without battery")
        nothing = replace(asked, pv_max=0.0, shares=False)
        report(nothing, load, sun, "with nothing built")
    for tariff in ("by_capacity", "access_capacity", "shandong"):
        report(Question(tariff, pv_max=100e3), load, sun, "with more roofs")


if __name__ == "__main__":
    main()
