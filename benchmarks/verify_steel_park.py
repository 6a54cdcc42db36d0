"""The optimum of case `steel_park` from another modelling tool: linopy, written from its README.

    python -m benchmarks.verify_steel_park

Tariff, calendars, annuities and the CO2 account are derived here in plain Python; only series.csv and
the yield of the PV array per kW are taken from the project, as data. CO2 is counted the other way
round: not where it leaves into the air, but as all carbon that is burnt or driven out of the stone,
less what is captured. Prints what cases/steel_park/expected.yaml and the README promise. Takes some
minutes; needs the extra `peers`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Hours = NDArray[np.float64]

CASE = Path(__file__).parents[1] / "cases" / "steel_park"
GRID_CO2, COAL_CO2, COKE_GAS_CO2, GAS_CO2 = 0.1564, 0.3406, 0.160, 0.202
LIME_CO2 = 0.785
SHOP_CO2 = 20e6
STEAM_WEEKDAY = [9] * 5 + [10, 11, 12, 12, 12, 12, 11, 11, 12, 12, 12, 12, 11, 11, 10, 10, 9, 9, 9]
STEAM_WEEKEND = [8] * 6 + [9] * 13 + [8] * 5
SLAG_WEEKDAY = [3] * 6 + [3.5] + [4] * 11 + [3.5] + [3] * 5
SLAG_WEEKEND = [3] * 24
HIPO = {
    "solver": "hipo",
    "run_crossover": "off",
    "hipo_system": "augmented",
    "hipo_ordering": "amd",
    "output_flag": False,
}


def yearly(capex: float, life: int, upkeep: float, rate: float = 0.06, project: int = 20) -> float:
    """Return the yearly cost with replacements, a linear residual value and upkeep."""
    present, year = capex, life
    while year < project:
        present += capex / (1 + rate) ** year
        year += life
    present -= capex * (year - project) / life / (1 + rate) ** project
    return present * rate / (1 - (1 + rate) ** -project) + upkeep


def price(stamp: pd.Timestamp) -> float:
    """Return the energy price of an hour [CNY/kWh]: 0.40 floats, 0.0938 does not."""
    hour, summer = stamp.hour, stamp.month in {7, 8}
    if hour < 8:
        factor = 0.4
    elif summer and (hour == 13 or 21 <= hour < 23):
        factor = 1.6 * 1.2
    elif 10 <= hour < 12 or 16 <= hour < (21 if summer else 22):
        factor = 1.6
    else:
        factor = 1.0
    return 0.40 * factor + 0.0938


class Data:
    """The hours of the year 2025, and what is given in each of them."""

    def __init__(self) -> None:
        from microgrid_opt import load

        self.stamps = pd.date_range("2025-01-01", periods=8760, freq="h")
        table = pd.read_csv(CASE / "series.csv")
        self.works, self.furnace, self.coke_gas, self.town = (
            table[f"{name}_kw"].to_numpy(float) for name in ("load", "furnace", "coke_gas", "town")
        )
        self.steam = self._by_day(STEAM_WEEKDAY, STEAM_WEEKEND)
        self.slag = self._by_day(SLAG_WEEKDAY, SLAG_WEEKEND)
        self.lime = np.where(np.isin(self.stamps.month, [2, 7, 8]), 5200.0, 6000.0)
        self.price = np.array([price(stamp) for stamp in self.stamps])
        self.sun = load("steel_park").arrays["assets.pv.output_per_kw"]

    def _by_day(self, weekday: list[float], weekend: list[float]) -> Hours:
        megawatts = [(weekday if s.day_of_week < 5 else weekend)[s.hour] for s in self.stamps]
        return 1000.0 * np.array(megawatts)


class Works:
    """The works as a linopy model; with `options` also what may be built."""

    def __init__(self, data: Data, *, options: bool, capture: bool = True) -> None:
        import linopy

        self.data, self.options = data, options
        self.model = linopy.Model()
        self.steps = pd.RangeIndex(len(data.stamps), name="t")
        self.flows: dict[str, Any] = {}
        self.sizes = {
            "pv.power": self.size("pv", 0, 25e3 * options),
            "gas_holder.energy": self.size("holder", 50e3, 400e3 if options else 50e3),
            "electric_furnace.power": self.size("kiln", 0, 45e3 * options),
            "capture.flow": self.size("capture", 0, 60e3 * (options and capture)),
        }
        self._flows()
        self._balances()
        self._power_plant()
        self._limits()
        self.co2 = self._co2()
        self.cost = self._cost()

    def size(self, name: str, lower: float, upper: float) -> Any:
        """Return a size."""
        return self.model.add_variables(lower=lower, upper=upper, name=f"size_{name}")

    def flow(self, name: str, upper: Any = np.inf) -> Any:
        """Return a flow of each hour."""
        most = self.given(upper) if isinstance(upper, np.ndarray) else upper
        self.flows[name] = self.model.add_variables(
            lower=0, upper=most, coords=[self.steps], name=name
        )
        return self.flows[name]

    def given(self, values: Hours) -> Any:
        """Return data by hour."""
        import xarray as xr

        return xr.DataArray(values, coords=[self.steps])

    def _flows(self) -> None:
        self.flow("buy", 90e3)
        self.flow("sun")
        for name in ("coal", "coke_gas_to_plant", "power", "steam"):
            self.flow(name)
        for name in ("coke_gas_to_furnace", "gas", "electric"):
            self.flow(name)
        self.flow("charge", 40e3)
        self.flow("discharge", 40e3)
        self.flow("content")
        self.flow("flare")
        self.flow("to_town")
        self.flow("slag", self.data.slag)
        self.flow("captured")
        self.flow("sold", 2000.0)

    def _balances(self) -> None:
        f, d, m = self.flows, self.data, self.model
        m.add_constraints(
            f["buy"] + f["sun"] + f["power"] - f["electric"] - 0.110 * f["captured"]
            == self.given(d.works + 0.04 * d.lime),
            name="electricity",
        )
        m.add_constraints(
            f["coke_gas_to_plant"]
            + f["coke_gas_to_furnace"]
            + f["charge"]
            - f["discharge"]
            + f["flare"]
            == self.given(d.coke_gas - 1.15 * d.lime),
            name="coke_gas",
        )
        m.add_constraints(
            f["steam"] - f["to_town"] - 0.720 * f["captured"] == self.given(d.steam), name="steam"
        )
        m.add_constraints(0.98 * f["to_town"] + f["slag"] == self.given(d.town), name="town")
        burnt = f["coke_gas_to_furnace"] + f["gas"]
        m.add_constraints(
            0.58 * burnt + 0.80 * f["electric"] == self.given(d.furnace), name="furnace"
        )
        m.add_constraints(0.58 * burnt <= 45e3, name="burners")
        before = f["content"].roll(t=1)
        m.add_constraints(f["content"] - before - f["charge"] + f["discharge"] == 0, name="holder")

    def _power_plant(self) -> None:
        f, m = self.flows, self.model
        fuel = f["coal"] + f["coke_gas_to_plant"]
        full = f["power"] + 0.15 * f["steam"]
        m.add_constraints(full - 0.28 * fuel == 0, name="iso_fuel")
        m.add_constraints(full <= 30e3, name="turbine")
        m.add_constraints(f["power"] - 0.33 * f["steam"] >= 0, name="back_pressure")
        m.add_constraints(f["coke_gas_to_plant"] - 0.20 * fuel <= 0, name="burner_share")

    def _limits(self) -> None:
        f, m, size = self.flows, self.model, self.sizes
        m.add_constraints(f["sun"] - self.given(self.data.sun) * size["pv.power"] <= 0, name="roof")
        for flow, key in (
            ("content", "gas_holder.energy"),
            ("electric", "electric_furnace.power"),
            ("captured", "capture.flow"),
        ):
            m.add_constraints(f[flow] - size[key] <= 0, name=f"within_{flow}")
        flue = COAL_CO2 * f["coal"] + COKE_GAS_CO2 * f["coke_gas_to_plant"]
        of_kiln = (LIME_CO2 + 1.15 * COKE_GAS_CO2) * self.data.lime
        m.add_constraints(f["captured"] * (1 / 0.9) - flue <= self.given(of_kiln), name="flue_gas")
        m.add_constraints(f["sold"] - f["captured"] <= 0, name="sold")

    def _co2(self) -> Any:
        """Return all CO2 that comes into being, less what is captured [kg]."""
        f, lime = self.flows, float(self.data.lime.sum())
        burnt_coke_gas = f["coke_gas_to_plant"] + f["coke_gas_to_furnace"] + f["flare"]
        burnt = GRID_CO2 * f["buy"] + COAL_CO2 * f["coal"] + GAS_CO2 * f["gas"]
        fixed = SHOP_CO2 + (LIME_CO2 + 1.15 * COKE_GAS_CO2) * lime
        return (burnt + COKE_GAS_CO2 * burnt_coke_gas - f["captured"]).sum() + fixed

    def _cost(self) -> Any:
        f, d, m, size = self.flows, self.data, self.model, self.sizes
        month = d.stamps.month.to_numpy()
        top = m.add_variables(lower=0, coords=[pd.RangeIndex(1, 13, name="m")], name="top")
        for number in range(1, 13):
            here = np.flatnonzero(month == number)
            m.add_constraints(f["buy"].isel(t=here) - top.sel(m=number) <= 0, name=f"top_{number}")
        running = (
            f["buy"] * self.given(d.price)
            + 0.125 * f["coal"]
            + 0.34 * f["gas"]
            + 0.03 * f["power"]
            + 0.01 * f["discharge"]
            + (0.030 + 0.13) * f["captured"]
            - (0.08 + 0.13) * f["sold"]
        ).sum()
        stone = float(d.lime.sum()) * (0.06 * 1.785 + 0.02)
        built = (
            size["pv.power"] * yearly(3000, 25, 40)
            + size["gas_holder.energy"] * yearly(250, 30, 0.015 * 250)
            + size["electric_furnace.power"] * yearly(4000, 20, 0.03 * 4000)
            + size["capture.flow"] * yearly(7000, 20, 0.03 * 7000)
        )
        there_already = 50e3 * yearly(250, 30, 0.0)
        return running + 36.0 * top.sum() + built + (stone - there_already)

    def solve(self, name: str, *, cap_kg: float | None = None, per_kg: float = 0.0) -> float:
        """Solve and print; return the CO2 [kg]."""
        m = self.model
        if cap_kg is not None:
            m.add_constraints(self.co2 <= cap_kg, name="cap")
        total = self.cost + per_kg * self.co2
        always = float(total.const)
        m.add_objective(total - always)
        m.solve(solver_name="highs", **HIPO)
        co2 = float(self.co2.solution)
        print(f"{name} cost {m.objective.value + always:.6f} co2_kg {co2:.6f}")
        if self.options:
            for key, size in self.sizes.items():
                print(f"  {key} {float(size.solution):.6f}")
        for key in ("captured", "electric", "coal", "gas", "flare", "buy"):
            print(f"  {key} {float(self.flows[key].solution.sum()):.3f}")
        if cap_kg is not None:
            print(f"  dual of the cap {-float(m.constraints['cap'].dual):.9f}")
        return co2


def main() -> None:
    """Solve today's works, the plan and two scenarios, and print."""
    data = Data()
    today = Works(data, options=False).solve("reference")
    cap = 0.55 * today
    Works(data, options=True).solve("plan", cap_kg=cap)
    Works(data, options=True, capture=False).solve("no_capture", cap_kg=cap)
    Works(data, options=True).solve("today_price", per_kg=0.09)


if __name__ == "__main__":
    main()
