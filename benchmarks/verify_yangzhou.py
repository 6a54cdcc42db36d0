"""The optimum of case `yangzhou` from another modelling tool: linopy, written from the README alone.

    python -m benchmarks.verify_yangzhou

Load, tariff periods and annuities are re-derived here in plain Python; only the yield of the PV
array per kW is taken from the project, as data. Prints the reference cost and the plan's cost that
cases/yangzhou/expected.yaml promises. Needs the extra `peers`.
"""

import numpy as np
import pandas as pd

HOURS = 8760
WEEKDAY = [45, 44, 43, 43, 44, 48, 60, 78, 95, 100, 100, 97]
WEEKDAY += [85, 96, 100, 99, 96, 90, 80, 70, 62, 56, 51, 47]
WEEKEND = [38, 37, 37, 37, 37, 39, 43, 48, 54, 56, 56, 54]
WEEKEND += [50, 53, 55, 55, 53, 51, 48, 45, 43, 41, 40, 39]


def annual_cost(capex: float, life: int, rate: float = 0.06, project: int = 20) -> float:
    """Return the yearly cost with replacements and a linear residual value."""
    present = capex
    year = life
    while year < project:
        present += capex / (1 + rate) ** year
        year += life
    present -= capex * (year - project) / life / (1 + rate) ** project
    return present * rate / (1 - (1 + rate) ** -project)


def price(stamp: pd.Timestamp) -> float:
    """Return the energy price of an hour [CNY/kWh]."""
    hour = stamp.hour
    if stamp.month in {1, 2, 6, 7, 8, 12}:
        peak, valley = 14 <= hour < 22, hour < 6 or 11 <= hour < 13
    else:
        peak, valley = 15 <= hour < 22, 2 <= hour < 6 or 10 <= hour < 14
    return 0.9566 if peak else 0.3828 if valley else 0.6400


def main() -> None:
    """Solve and print."""
    import linopy

    from microgrid_opt import load

    sun = load("yangzhou").arrays["assets.pv.output_per_kw"] * 1000.0
    stamps = pd.date_range("2025-01-01", periods=HOURS, freq="h")
    shape = np.array([(WEEKDAY if s.day_of_week < 5 else WEEKEND)[s.hour] for s in stamps], float)
    demand = shape * 6e6 / shape.sum()
    prices = np.array([price(s) for s in stamps])
    month = stamps.month.to_numpy()
    peaks = sum(demand[month == m].max() for m in range(1, 13))
    print(f"reference {demand @ prices + 51.2 * peaks:.6f}")

    steps = pd.RangeIndex(HOURS, name="t")
    m = linopy.Model()

    def flow(name: str, upper: float) -> linopy.Variable:
        return m.add_variables(lower=0, upper=upper, coords=[steps], name=name)

    buy, sell = flow("buy", 3150), flow("sell", 3150)
    charge, discharge = flow("charge", 860), flow("discharge", 860)
    content = m.add_variables(lower=172, upper=1720, coords=[steps], name="content")
    pv = m.add_variables(lower=0, upper=pd.Series(sun, steps), name="pv")
    top = m.add_variables(lower=0, coords=[pd.RangeIndex(1, 13, name="m")], name="top")
    m.add_constraints(buy + pv + discharge - charge - sell == pd.Series(demand, steps))
    m.add_constraints(
        content - content.roll(t=1) - 0.94 * charge + (1 / 0.94) * discharge == 0, name="store"
    )
    for number in range(1, 13):
        here = np.flatnonzero(month == number)
        m.add_constraints(buy.isel(t=here) - top.sel(m=number) <= 0, name=f"top{number}")
    m.add_objective((buy * pd.Series(prices, steps)).sum() - 0.34 * sell.sum() + 51.2 * top.sum())
    m.solve(solver_name="highs", output_flag=False)
    yearly = annual_cost(3000 * 1000, 25) + 40 * 1000
    yearly += annual_cost(900 * 1720, 12) + 0.015 * 900 * 1720
    print(f"plan {m.objective.value + yearly:.6f}")


if __name__ == "__main__":
    main()
