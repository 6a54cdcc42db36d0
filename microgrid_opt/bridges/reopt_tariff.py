"""The electric tariff of a REopt scenario as a tariff of a park."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from microgrid_opt.bridges.folder import column

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from microgrid_opt.bridges.reopt_scenario import Block

    Floats = NDArray[np.float64]

ENERGY = ("tou_energy_rates_per_kwh", "monthly_energy_rates", "blended_annual_energy_rate")
"""Ways to price energy; of several REopt takes the first."""
HOUR = 8760


class TariffWriter:
    """Writes the components of one tariff.

    Parameters
    ----------
    block
        The tariff.
    kinds
        Types of components by what they charge: ``energy``, ``peak``.
    stamps
        Starts of the steps, shape (n,).
    series
        Columns of the series file.
    """

    def __init__(
        self,
        block: Block,
        kinds: dict[str, str],
        stamps: pd.DatetimeIndex,
        series: dict[str, Floats],
    ) -> None:
        self.block, self.kinds, self.stamps, self.series = block, kinds, stamps, series
        self.components: dict[str, Any] = {}

    def run(self) -> dict[str, Any]:
        """Return the tariff as a park file says it."""
        energy = self._energy()
        self._demand(energy)
        self._coincident()
        return {"currency": "USD", "components": self.components}

    def rates(self, name: str, key: str) -> Any:
        """Return a number, twelve of the months, or a column, from a scalar or a list."""
        value = self.block.values[key]
        if not isinstance(value, list):
            return self.block.number(key)
        n = len(self.stamps)
        numbers = self.block.array(key, tuple(dict.fromkeys((HOUR, n))), n)
        return column(self.series, name, numbers, "USD/kWh")

    def _energy(self) -> str | None:
        given = [key for key in ENERGY if self.block.has(key)]
        if not given:
            self.block.wrong(ENERGY[-1], "is missing: energy has no price.")
            return None
        key = given[0]
        for other in given[1:]:
            self.block.told.notes.append(f"ElectricTariff.{other} counts for nothing beside {key}.")
        if key == "monthly_energy_rates":
            price: Any = self._monthly(key)
        else:
            price = self.rates("energy_price", key)
        self.components["energy"] = {"type": self.kinds["energy"], "price_per_kwh": price}
        return key

    def _monthly(self, key: str) -> dict[str, list[float]]:
        return {"monthly": self.block.array(key, (12,), 12).tolist()}

    def _demand(self, energy: str | None) -> None:
        blended, monthly = "blended_annual_demand_rate", "monthly_demand_rates"
        price: Any = 0.0
        if self.block.has(monthly):
            price = self._monthly(monthly)
        if self.block.has(blended):
            if energy == ENERGY[-1]:
                price = self.block.number(blended)
            else:
                self.block.told.notes.append(
                    f"ElectricTariff.{blended} counts for nothing beside {energy}."
                )
        if price == 0.0 or (isinstance(price, dict) and not any(price["monthly"])):
            return
        self.components["peak"] = {
            "type": self.kinds["peak"],
            "price_per_kw_month": price,
            **self._ratchet(),
        }

    def _ratchet(self) -> dict[str, Any]:
        months, reach = "demand_lookback_months", "demand_lookback_range"
        share, span = self.block.number("demand_lookback_percent"), int(self.block.number(reach))
        named: list[int] = []
        if self.block.has(months):
            marks = self.block.array(months, (12,), 12)
            if np.any((marks != 0.0) & (marks != 1.0)):
                self.block.wrong(months, "must be twelve marks, 0 or 1, from January on.")
            named = [month for month, mark in enumerate(marks, start=1) if mark]
        if named and span:
            self.block.wrong(reach, f"contradicts `{months}`: give only one.")
        if not share or not (named or span):
            return {}
        reaches = {"ratchet_months": named} if named else {"ratchet_lookback_months": span}
        return {"ratchet_fraction": share, **reaches}

    def _coincident(self) -> None:
        steps, price = (
            "coincident_peak_load_active_time_steps",
            "coincident_peak_load_charge_per_kw",
        )
        if not self.block.has(price):
            return
        prices = self.block.values[price]
        prices = prices if isinstance(prices, list) else [prices]
        groups = self.block.value(steps) or []
        if len(self.stamps) != HOUR:
            self.block.lose(steps, "counts steps, and here whole hours: only with hourly steps.")
            return
        if len(groups) != len(prices) or not all(isinstance(group, list) for group in groups):
            self.block.wrong(
                steps, f"must be {len(prices)} lists, as there are {len(prices)} prices."
            )
            return
        for number, (group, rate) in enumerate(zip(groups, prices, strict=True), start=1):
            places = np.asarray(group, int) - 1
            if not len(places) or places.min() < 0 or places.max() >= HOUR:
                self.block.wrong(steps, f"must hold numbers of steps from 1 to {HOUR}.")
                return
            moments = self.stamps[places].strftime("%Y-%m-%dT%H:%M").tolist()
            self.components[f"coincident_{number}"] = {
                "type": self.kinds["peak"],
                "price_per_kw_year": float(rate),
                "at": moments,
            }
