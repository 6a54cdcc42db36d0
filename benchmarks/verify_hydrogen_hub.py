"""Case `hydrogen_hub` from another modelling tool: what no plan can beat, and a plan of its own.

    python -m benchmarks.verify_hydrogen_hub           # bound, reference and continuous scenario
    python -m benchmarks.verify_hydrogen_hub plans     # and two plans: its own, and ours by its rules

Prices, annuities, the work of the compressor, demands and calendars are stated here again, from the
README alone; taken from the project as data are the yields of wind and PV per kW. The model is
written in linopy and solved by HiGHS (HiPO).

Its relaxation is a bound of every plan. From the relaxed load an optimisation of its own, step by
step (dynamic programming over the state of a unit and how long it has been in it), makes states of on
and off, and with these held the model gives a plan. With the states of our plan held it must give the
cost of our plan. Takes about two minutes, with `plans` four; needs the extra `peers`.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping

    import linopy
    import xarray as xr
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

HIPO = {"solver": "hipo", "hipo_system": "augmented", "hipo_ordering": "amd"}
HIPO |= {"run_crossover": "off", "threads": 1, "output_flag": False}
HOURS = 8760
TIME = pd.RangeIndex(HOURS, name="time")
STAMPS = pd.date_range("2025-01-01", periods=HOURS, freq="h")
HOUR, MONTH = STAMPS.hour.to_numpy(), STAMPS.month.to_numpy()
WEEKEND = STAMPS.day_of_week.to_numpy() >= 5

RENEWABLE_SHARE = 0.88
GRID_CO2, CONNECTION_KW, EXPORT_KW, EXPORT_PRICE = 0.6849, 15_000.0, 6_000.0, 0.15
GREY_PRICE, GREY_CO2, HEAT_PRICE, HEAT_CO2 = 22.0, 20.0, 0.20, 0.396
SOLD_PRICE, SOLD_KG_PER_HOUR = 11.0, 20.0
HEAT_RECOVERY, FILLING_KG_PER_HOUR, COMPRESSOR_KG_PER_HOUR = 0.12, 200.0, 200.0
HALLS_KW = [1500, 1300, 900, 500, 200, 150, 150, 150, 250, 600, 1100, 1400]

# Largest size, capex, life, fixed O&M as a share of capex, fixed O&M per unit and year.
NEW = {
    "wind": (40_000, 5000, 20, 0.0, 80),
    "pv": (40_000, 2800, 25, 0.0, 35),
    "alkaline": (7_000, 2500, 20, 0.03, 0),
    "spheres": (10_000, 2000, 20, 0.015, 0),
}
PEM_KW, PEM_CAPEX, PEM_LIFE, PEM_FIXED, PEM_NEW_STACK = 4_000.0, 4500, 10, 0.03, 0.35


@dataclass(frozen=True)
class Unit:
    """An electrolyser: points of (load, kWh/kg), least times [h], money of a start and of an hour."""

    points: tuple[tuple[float, float], ...]
    up: int
    down: int
    start: float
    hot_start: float | None = None
    hot_within: int = 0
    wear_per_kw_hour: float = 0.0
    wear_hours_per_start: float = 0.0

    @property
    def least(self) -> float:
        """Least load."""
        return self.points[0][0]

    def lines(self) -> list[tuple[float, float]]:
        """Return slope and intercept [kg/kWh] of hydrogen over power, both per kW of size."""
        made = [(x, x / w) for x, w in self.points]
        slopes = [(h - g) / (y - x) for (x, g), (y, h) in pairwise(made)]
        return [(a, g - a * x) for a, (x, g) in zip(slopes, made, strict=False)]


UNITS = {
    "alkaline": Unit(
        ((0.25, 52.0), (0.6, 50.8), (1.0, 53.0)), 3, 2, 250.0, 60.0, 6, 700.0 / 60_000.0, 3.0
    ),
    "pem": Unit(((0.1, 51.0), (0.5, 50.0), (1.0, 52.5)), 1, 1, 20.0),
}


def annual_cost(capex: float, life: int, renewal: float = 1.0) -> float:
    """Return the yearly cost over 20 years at 6 % with renewals and a linear residual value."""
    rate, project, present, year, price = 0.06, 20, capex, life, capex
    while year < project:
        price = renewal * capex
        present += price / (1 + rate) ** year
        year += life
    present -= price * (year - project) / life / (1 + rate) ** project
    return present * rate / (1 - (1 + rate) ** -project)


def compression() -> float:
    """Return kWh per kg from 30 to 450 bar in three cooled stages."""
    power = 0.405 / 1.405
    ratio = (450.0 / 30.0) ** (power / 3.0)
    joules = 1.07 * 4124.2 * 298.15 * 3.0 / power * (ratio - 1.0) / (0.65 * 0.92)
    return joules / 3.6e6


def import_price() -> Floats:
    """Return the price of power by hour."""
    price = np.full(HOURS, 0.360)
    summer = (MONTH >= 6) & (MONTH <= 8)
    price[np.isin(HOUR, [0, 1, 2, 3, 11, 12, 13, 14, 15])] = 0.173
    price[summer & np.isin(HOUR, [6, 7, 18, 19, 20, 21])] = 0.554
    price[~summer & np.isin(HOUR, [6, 7, 20, 21])] = 0.605
    price[~summer & np.isin(HOUR, [18, 19])] = 0.726
    return price


def chemicals() -> Floats:
    """Return what the chemical plant draws [kg/h]."""
    day = np.full(24, 80.0)
    day[[0, 1, 2, 3, 4, 5, 20, 21, 22, 23]] = 60.0
    day[[6, 18, 19]] = 70.0
    return np.where(WEEKEND, 50.0, day[HOUR])


def filling() -> tuple[NDArray[np.bool_], Floats]:
    """Return which hours trucks fill in, and the kg of each day."""
    is_open = np.where(WEEKEND, (HOUR >= 8) & (HOUR < 18), (HOUR >= 6) & (HOUR < 22))
    return is_open, np.where(WEEKEND[::24], 500.0, 1200.0)


def halls() -> Floats:
    """Return the heat demand [kW]."""
    return np.array(HALLS_KW, dtype=float)[MONTH - 1]


def reference() -> tuple[float, float]:
    """Return cost and CO2 of delivered hydrogen, pressed in the cheapest hours of each window."""
    is_open, daily = filling()
    price, work = import_price(), compression()
    cost = GREY_PRICE * (chemicals().sum() + daily.sum()) + HEAT_PRICE * halls().sum()
    for day, amount in enumerate(daily):
        hours = np.arange(24 * day, 24 * day + 24)
        prices = np.sort(price[hours[is_open[hours]]])
        flows = np.clip(amount - FILLING_KG_PER_HOUR * np.arange(len(prices)), 0, 200.0)
        cost += work * float(prices @ flows)
    co2 = GREY_CO2 * (chemicals().sum() + daily.sum()) + HEAT_CO2 * halls().sum()
    return cost, co2 + GRID_CO2 * work * daily.sum()


class Hub:
    """The linopy model; units have on/off states, which may be held, or none (`continuous`)."""

    def __init__(self, states: Mapping[str, Floats] | None = None, *, flat: bool = False) -> None:
        import linopy

        self.model = linopy.Model()
        self.states = states
        self.flat = flat
        self.cost: list[Any] = []

    def flow(self, name: str, upper: Any = math.inf) -> linopy.Variable:
        """Return a variable for each hour."""
        return self.model.add_variables(0, upper, coords=[TIME], name=name)

    def rule(self, relation: Any) -> None:
        """Add a family of rows."""
        self.model.add_constraints(relation)

    def pay(self, flow: Any, price: Any) -> None:
        """Add to the cost."""
        self.cost.append((flow * price).sum())

    def size(self, name: str) -> linopy.Variable:
        """Return a size with its yearly cost."""
        most, capex, life, share, fixed = NEW[name]
        size = self.model.add_variables(0, most, name=name)
        self.cost.append(size * (annual_cost(capex, life) + share * capex + fixed))
        return size

    def electrolyser(self, name: str) -> tuple[linopy.Variable, Any]:
        """Return power and hydrogen."""
        unit = UNITS[name]
        size: Any = self.size(name) if name in NEW else PEM_KW
        power = self.flow(f"{name}_power")
        if self.flat:
            self.rule(power - 1.0 * size <= 0 if name in NEW else power <= size)
            return power, power / unit.points[-1][1]
        made = self.flow(f"{name}_made")
        held = None if self.states is None else self.states[name]
        on = self._on(f"{name}_on", held)
        change = None if held is None else held - np.roll(held, 1)
        starts = self._on(f"{name}_starts", None if change is None else np.maximum(change, 0))
        stops = self._on(f"{name}_stops", None if change is None else np.maximum(-change, 0))
        self.rule(on - on.roll(time=1) - starts + stops == 0)
        self.rule(sum(starts.roll(time=k) for k in range(unit.up)) - on <= 0)
        self.rule(sum(stops.roll(time=k) for k in range(unit.down)) + on <= 1)
        running = PEM_KW * on if name == "pem" else self._running(name, size, on)
        self.rule(power - running <= 0)
        self.rule(power - unit.least * running >= 0)
        for slope, base in unit.lines():
            self.rule(made - slope * power - base * running <= 0)
        self._pay_starts(name, unit, starts, stops, running)
        return power, made

    def _on(self, name: str, held: Floats | None) -> linopy.Variable:
        import xarray as xr

        if held is None:
            return self.flow(name, 1.0)
        values = xr.DataArray(held, coords=[TIME])
        return self.model.add_variables(values, values, coords=[TIME], name=name)

    def _running(self, name: str, size: Any, on: linopy.Variable) -> linopy.Variable:
        """Return size × on."""
        most, running = NEW[name][0], self.flow(f"{name}_running")
        self.rule(running - most * on <= 0)
        self.rule(running - 1.0 * size <= 0)
        self.rule(running - 1.0 * size - most * on >= -most)
        return running

    def _pay_starts(self, name: str, unit: Unit, starts: Any, stops: Any, running: Any) -> None:
        self.pay(starts, unit.start)
        if unit.hot_start is not None:
            hot = self.flow(f"{name}_hot", 1.0)
            self.rule(hot - starts <= 0)
            self.rule(hot - sum(stops.roll(time=k) for k in range(1, unit.hot_within)) <= 0)
            self.pay(hot, unit.hot_start - unit.start)
        if unit.wear_per_kw_hour:
            started = self.flow(f"{name}_started")
            self.rule(started - running + running.roll(time=1) >= 0)
            self.pay(started, unit.wear_per_kw_hour * unit.wear_hours_per_start)
            self.pay(running, unit.wear_per_kw_hour)

    def solve(self, yields: Mapping[str, Floats]) -> float:
        """Write all and return the cost."""
        is_open, daily = filling()
        bought, sold = self.flow("import", CONNECTION_KW), self.flow("export", EXPORT_KW)
        grey, heat = self.flow("grey"), self.flow("heat")
        surplus, rejected = self.flow("sold", SOLD_KG_PER_HOUR), self.flow("rejected")
        pressed = self.flow("pressed", series(np.where(is_open, FILLING_KG_PER_HOUR, 0.0)))
        generated = 0.0
        for name in ("wind", "pv"):
            one = self.flow(f"{name}_generation")
            self.rule(one - series(yields[name]) * self.size(name) <= 0)
            generated = generated + one
        capacity, content = self.size("spheres"), self.flow("content")
        self.rule(content - 1.0 * capacity <= 0)
        alkaline, from_alkaline = self.electrolyser("alkaline")
        pem, from_pem = self.electrolyser("pem")
        stored = content - content.roll(time=1)
        self.rule(
            from_alkaline + from_pem + grey - surplus - pressed - stored == series(chemicals())
        )
        day = series(np.repeat(np.arange(365), 24)).rename("day")
        self.rule(pressed.groupby(day).sum() == daily)
        used = alkaline + pem + compression() * pressed
        self.rule(generated + bought - sold - used == 0)
        self.rule(heat + HEAT_RECOVERY * (alkaline + pem) - rejected == series(halls()))
        local = (generated - sold).sum()
        self.rule((1 - RENEWABLE_SHARE) * local - RENEWABLE_SHARE * bought.sum() >= 0)
        self.pay(bought, series(import_price()))
        self.pay(sold, -EXPORT_PRICE)
        self.pay(grey, GREY_PRICE)
        self.pay(heat, HEAT_PRICE)
        self.pay(surplus, -SOLD_PRICE)
        self.model.add_objective(sum(self.cost[1:], self.cost[0]))
        status, condition = self.model.solve("highs", progress=False, **HIPO)
        if condition != "optimal":
            raise RuntimeError(f"{status}: {condition}")
        pem_cost = PEM_KW * PEM_CAPEX
        fixed = annual_cost(pem_cost, PEM_LIFE, PEM_NEW_STACK) + PEM_FIXED * pem_cost
        return float(self.model.objective.value) + fixed

    def value(self, name: str) -> Any:
        """Return values of a variable."""
        return self.model.solution[name].to_numpy()


def series(values: Any) -> xr.DataArray:
    """Return an array over the hours."""
    import xarray as xr

    return xr.DataArray(values, coords=[TIME])


def followed(load: Floats, unit: Unit, start: float) -> Floats:
    """Return the on/off states nearest to a relaxed load, by dynamic programming.

    Nearest: the sum of what is missing to the least load while on, what is lost while off, and
    ``start`` for each start, is least. States are hours on (the last one counts all longer), then
    hours off. The year begins and ends on, so that it can follow itself.
    """
    up, down = unit.up, unit.down
    count = up + down
    worth = np.full((HOURS + 1, count), np.inf)
    came = np.zeros((HOURS + 1, count), dtype=int)
    worth[0, up - 1] = 0.0
    for t in range(HOURS):
        here = [max(unit.least - load[t], 0.0)] * up + [load[t]] * down
        for to in range(count):
            ways = {to - 1} if to not in {0, up} else {count - 1 if to == 0 else up - 1}
            ways |= {to} if to in {up - 1, count - 1} else set()
            best = min(ways, key=lambda way: worth[t, way])
            worth[t + 1, to] = worth[t, best] + here[to] + (start if to == 0 and best >= up else 0)
            came[t + 1, to] = best
    state, on = up - 1, np.zeros(HOURS)
    for t in range(HOURS, 0, -1):
        on[t - 1] = state < up
        state = came[t, state]
    return on


def describe(hub: Hub) -> None:
    """Print sizes and yearly sums."""
    for name in NEW:
        print(f"  {name} {float(hub.value(name)):.3f}")
    for name in ("import", "export", "grey", "sold", "heat", "alkaline_power", "pem_power"):
        print(f"  {name} {hub.value(name).sum():.1f}")
    names = ("alkaline_starts", "alkaline_hot", "alkaline_on", "pem_starts", "pem_on")
    for name in names if not hub.flat else ():
        print(f"  {name} {hub.value(name).sum():.2f}")


def main(*, plans: bool) -> None:
    """Solve and print."""
    from microgrid_opt import load, solve

    problem = load("hydrogen_hub")
    yields = {key: problem.arrays[f"assets.{key}.output_per_kw"] for key in ("wind", "pv")}
    cost, co2 = reference()
    print(f"reference cost {cost:.6f} co2_kg {co2:.6f}")
    hub = Hub(flat=True)
    print(f"continuous cost {hub.solve(yields):.6f}")
    describe(hub)
    relaxed = Hub()
    bound = relaxed.solve(yields)
    print(f"bound {bound:.6f}; a plan within 1 % costs at most {bound / 0.99:.6f}")
    describe(relaxed)
    if not plans:
        return
    size = {"alkaline": float(relaxed.value("alkaline")), "pem": PEM_KW}
    loads = {name: relaxed.value(f"{name}_power") / size[name] for name in UNITS}
    own = Hub({name: followed(loads[name], unit, 0.1) for name, unit in UNITS.items()})
    cost = own.solve(yields)
    print(f"own plan {cost:.6f}, gap {1 - bound / cost:.3%}")
    describe(own)
    ours = solve(problem, gap=0.01, reference=False).results
    held = Hub({name: np.rint(ours.of(f"{name}.on")) for name in UNITS})
    cost = held.solve(yields)
    print(f"our plan {ours.cost:.6f}, bound {ours.run.bound:.6f}, gap {ours.run.gap:.3%}")
    print(f"our on and off by these rules {cost:.6f}, relative {ours.cost / cost - 1:.2e}")
    describe(held)


if __name__ == "__main__":
    main(plans="plans" in sys.argv[1:])
