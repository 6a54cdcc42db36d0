r"""Trade of one carrier with the world outside the park, at a price: what is bought, what is sold.

$$ m_t \le x_t \le \bar x_t, \qquad M\,y \le \sum_t h_t\,x_t \le A\,y, \qquad
   C = \pm\sum_t h_t\,c_t\,x_t, \qquad E = \sum_t h_t\,\epsilon_t\,x_t $$

| symbol | name | unit |
|---|---|---|
| $x_t$ | what is traded: bought (cost positive) or sold (cost negative) | kW or kg/h |
| $m_t, \bar x_t$ | ``min_kw``, ``limit_kw``, or those in kg per hour | kW or kg/h |
| $M, A$ | ``yearly_min_kwh``, ``yearly_limit_kwh``, or those in kg | kWh or kg |
| $c_t$ | ``price_per_kwh`` or ``price_per_kg`` | currency per unit |
| $\epsilon_t$ | ``co2_kg_per_kwh`` or ``co2_kg_per_kg`` | kg per unit |
| $y$ | share of a year that the horizon stands for | – |
| $h_t$ | step length × weight | h |

The price does not depend on the amount: the park is a price taker. The least amounts are those of a
contract (take or pay, deliver or pay).

References: Masten & Crocker (1985), Efficient adaptation in long-term contracts: take-or-pay
provisions for natural gas, American Economic Review 75(5), 1083–1093.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal, Self

import numpy as np
from pydantic import model_validator

from microgrid_opt.assets.base import Asset
from microgrid_opt.errors import Finding, InputError
from microgrid_opt.fields import CarrierName, Kg, KWh, refuse, require_one
from microgrid_opt.ledger import CO2
from microgrid_opt.series import (
    SeriesCO2PerKg,
    SeriesCO2PerKWh,
    SeriesKgPerHour,
    SeriesKW,
    SeriesPrice,
    SeriesPricePerKg,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from microgrid_opt.audit import AssetAudit
    from microgrid_opt.builder import Builder
    from microgrid_opt.carriers import Carrier

_PAIRS = (
    ("co2_kg_per_kwh", "co2_kg_per_kg"),
    ("min_kw", "min_kg_per_hour"),
    ("limit_kw", "limit_kg_per_hour"),
    ("yearly_min_kwh", "yearly_min_kg"),
    ("yearly_limit_kwh", "yearly_limit_kg"),
)
"""Keys for carriers counted in kWh, and for those in kg."""


class Trade(Asset):
    """Fields, equations and audit of both directions; a technology says which one it is."""

    flow_name: ClassVar[str]
    """Name of the series, and of what is booked."""
    role: ClassVar[Literal["import", "export"]]
    """Whether the carrier enters or leaves the park."""

    carrier: CarrierName
    """What is traded; carriers counted in kWh use the `_kwh` keys, those in kg the `_kg` keys."""
    price_per_kwh: SeriesPrice | None = None
    """Price, for carriers counted in kWh."""
    price_per_kg: SeriesPricePerKg | None = None
    """Price, for carriers counted in kg."""
    co2_kg_per_kwh: SeriesCO2PerKWh | None = None
    """CO2 that the park answers for with each kWh, for carriers counted in kWh."""
    co2_kg_per_kg: SeriesCO2PerKg | None = None
    """CO2 that the park answers for with each kg, for carriers counted in kg."""
    min_kw: SeriesKW | None = None
    """Least flow, for carriers counted in kWh."""
    min_kg_per_hour: SeriesKgPerHour | None = None
    """Least flow, for carriers counted in kg."""
    limit_kw: SeriesKW | None = None
    """Largest flow, for carriers counted in kWh."""
    limit_kg_per_hour: SeriesKgPerHour | None = None
    """Largest flow, for carriers counted in kg."""
    yearly_min_kwh: KWh | None = None
    """Least amount of a year, for carriers counted in kWh."""
    yearly_min_kg: Kg | None = None
    """Least amount of a year, for carriers counted in kg."""
    yearly_limit_kwh: KWh | None = None
    """Largest amount of a year, for carriers counted in kWh."""
    yearly_limit_kg: Kg | None = None
    """Largest amount of a year, for carriers counted in kg."""

    @model_validator(mode="after")
    def _one_unit(self) -> Self:
        require_one(self, "price_per_kwh", "price_per_kg")
        for pair in _PAIRS:
            right, wrong = pair if self.price_per_kg is None else reversed(pair)
            if getattr(self, wrong) is not None:
                raise refuse(
                    "trade",
                    f"does not go with `{self._key('price_per_kwh', 'price_per_kg')}`: give "
                    f"`{right}`.",
                    path=(wrong,),
                )
        least, most = self._yearly()
        if least is not None and most is not None and least > most:
            key = self._key("yearly_min_kwh", "yearly_min_kg")
            limit = self._key("yearly_limit_kwh", "yearly_limit_kg")
            raise refuse("trade", f"is more than `{limit}` {most:g}: correct one.", path=(key,))
        return self

    def misfits(self, place: str, carrier: Callable[[str], Carrier]) -> Iterator[tuple[str, str]]:
        """Refuse a price in another unit than the carrier's."""
        del place
        unit = carrier(self.carrier).unit
        if unit != self.amount_unit:
            yield (
                "carrier",
                f"is counted in {unit}: give `price_per_{unit.casefold()}` instead of "
                f"`price_per_{self.amount_unit.casefold()}`, and the other keys likewise.",
            )

    def _key(self, per_kwh: str, per_kg: str) -> str:
        return per_kwh if self.price_per_kg is None else per_kg

    def _yearly(self) -> tuple[float | None, float | None]:
        if self.price_per_kg is None:
            return self.yearly_min_kwh, self.yearly_limit_kwh
        return self.yearly_min_kg, self.yearly_limit_kg

    @property
    def amount_unit(self) -> str:
        """Unit in which the price counts the carrier."""
        return self._key("kWh", "kg")

    @property
    def _sign(self) -> float:
        return 1.0 if self.role == "import" else -1.0

    def build(self, b: Builder) -> None:
        """Write the flow, its limits, what it costs or earns, and its CO2."""
        least = self._key("min_kw", "min_kg_per_hour")
        most = self._key("limit_kw", "limit_kg_per_hour")
        if b.has_data(least) and b.has_data(most):
            self._refuse_crossed(b, least, most)
        flow = b.series(
            self.flow_name,
            unit=self._key("kW", "kg/h"),
            lower=b.data(least) if b.has_data(least) else 0.0,
            upper=b.data(most) if b.has_data(most) else None,
        )
        balance = b.supply if self.role == "import" else b.draw
        balance(self.carrier, flow, role=self.role)
        price = b.data(self._key("price_per_kwh", "price_per_kg"))
        b.book(self.flow_name, b.total(flow, self._sign * price))
        factor = self._key("co2_kg_per_kwh", "co2_kg_per_kg")
        if b.has_data(factor):
            b.book(self.flow_name, b.total(flow, b.data(factor)), effect=CO2)
        for name, sense, limit in self._yearly_caps():
            b.cap(
                name,
                b.total(flow),
                sense,
                limit * b.horizon.year_share,
                unit=self.amount_unit,
                description=f"{name.replace('_', ' ')} of {self.carrier} in {b.asset}",
            )

    def _yearly_caps(self) -> Iterator[tuple[str, Literal["<=", ">="], float]]:
        least, most = self._yearly()
        if least is not None:
            yield "yearly_minimum", ">=", least
        if most is not None:
            yield "yearly_limit", "<=", most

    @staticmethod
    def _refuse_crossed(b: Builder, least: str, most: str) -> None:
        low, high = b.data(least), b.data(most)
        crossed = np.flatnonzero(low > high)
        if crossed.size:
            t = int(crossed[0])
            raise InputError(
                Finding(
                    f"is more than `{most}` (first at {b.horizon.stamps[t]}: {low[t]:g} and "
                    f"{high[t]:g}): correct one.",
                    key=f"assets.{b.asset}.{least}",
                )
            )

    def audit(self, a: AssetAudit) -> None:
        """Re-derive limits, money and CO2 from the flow alone."""
        flow, hours = a.series(self.flow_name), a.horizon.hours
        unit, name = self._key("kW", "kg/h"), self.flow_name
        a.at_most(f"{name} not negative", 0.0, flow, unit=unit)
        least = self._key("min_kw", "min_kg_per_hour")
        if a.has_data(least):
            a.at_most(f"least {name}", a.data(least), flow, unit=unit)
        most = self._key("limit_kw", "limit_kg_per_hour")
        if a.has_data(most):
            a.at_most(f"{name} limit", flow, a.data(most), unit=unit)
        inward = self.role == "import"
        a.equal(f"{name} supplied", a.supplied(self.carrier), flow * inward, unit=unit)
        a.equal(f"{name} drawn", a.drawn(self.carrier), flow * (not inward), unit=unit)
        price = a.data(self._key("price_per_kwh", "price_per_kg"))
        spent = float((flow * price) @ hours)
        a.booked(name, spent if inward else -spent)
        factor = self._key("co2_kg_per_kwh", "co2_kg_per_kg")
        if a.has_data(factor):
            a.booked(name, float((flow * a.data(factor)) @ hours), effect=CO2)
        total = float(flow @ hours)
        for cap, sense, limit in self._yearly_caps():
            a.capped(cap, total, sense, limit * a.horizon.year_share, unit=self.amount_unit)
