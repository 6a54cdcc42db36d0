"""Purchase of a carrier: gas from the network, hydrogen by truck, heat from a neighbour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self

from pydantic import model_validator

from microgrid_opt.assets.base import Asset
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
    ("limit_kw", "limit_kg_per_hour"),
    ("yearly_limit_kwh", "yearly_limit_kg"),
)
"""Keys for carriers counted in kWh, and for those in kg."""


class Supply(Asset):
    r"""Purchase of one carrier at a price, with CO2, a limit per hour and a limit per year.

    $$ s_t \le \bar S_t, \qquad \sum_t h_t\,s_t \le A\,y, \qquad C = \sum_t h_t\,c_t\,s_t, \qquad
       E = \sum_t h_t\,\epsilon_t\,s_t $$

    | symbol | name | unit |
    |---|---|---|
    | $s_t$ | ``purchase`` | kW or kg/h |
    | $\bar S_t$ | ``limit_kw`` or ``limit_kg_per_hour`` | kW or kg/h |
    | $A$ | ``yearly_limit_kwh`` or ``yearly_limit_kg`` | kWh or kg |
    | $c_t$ | ``price_per_kwh`` or ``price_per_kg`` | currency per unit |
    | $\epsilon_t$ | ``co2_kg_per_kwh`` or ``co2_kg_per_kg`` | kg per unit |
    | $y$ | share of a year that the horizon stands for | – |

    References: scope-1 and scope-2 factors per unit of fuel as in the GHG Protocol Corporate
    Standard (2004), chapter 6.
    """

    type: Literal["supply"]
    carrier: CarrierName
    """What is bought; carriers counted in kWh use the `_kwh` keys, those in kg the `_kg` keys."""
    price_per_kwh: SeriesPrice | None = None
    """Price, for carriers counted in kWh."""
    price_per_kg: SeriesPricePerKg | None = None
    """Price, for carriers counted in kg."""
    co2_kg_per_kwh: SeriesCO2PerKWh | None = None
    """CO2, for carriers counted in kWh."""
    co2_kg_per_kg: SeriesCO2PerKg | None = None
    """CO2, for carriers counted in kg."""
    limit_kw: SeriesKW | None = None
    """Largest purchase, for carriers counted in kWh."""
    limit_kg_per_hour: SeriesKgPerHour | None = None
    """Largest purchase, for carriers counted in kg."""
    yearly_limit_kwh: KWh | None = None
    """Most that can be bought in a year, for carriers counted in kWh."""
    yearly_limit_kg: Kg | None = None
    """Most that can be bought in a year, for carriers counted in kg."""

    @model_validator(mode="after")
    def _one_unit(self) -> Self:
        require_one(self, "price_per_kwh", "price_per_kg")
        for pair in _PAIRS:
            right, wrong = pair if self.price_per_kg is None else reversed(pair)
            if getattr(self, wrong) is not None:
                raise refuse(
                    "supply",
                    f"does not go with `{self._key('price_per_kwh', 'price_per_kg')}`: give "
                    f"`{right}`.",
                    path=(wrong,),
                )
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

    @property
    def amount_unit(self) -> str:
        """Unit in which the price counts the carrier."""
        return self._key("kWh", "kg")

    def build(self, b: Builder) -> None:
        """Write the purchase, its limits, cost and CO2."""
        limit = self._key("limit_kw", "limit_kg_per_hour")
        bought = b.series(
            "purchase",
            unit=self._key("kW", "kg/h"),
            upper=b.data(limit) if b.has_data(limit) else None,
        )
        b.supply(self.carrier, bought, role="import")
        b.book("purchase", b.total(bought, b.data(self._key("price_per_kwh", "price_per_kg"))))
        factor = self._key("co2_kg_per_kwh", "co2_kg_per_kg")
        if b.has_data(factor):
            b.book("purchase", b.total(bought, b.data(factor)), effect=CO2)
        most = self.yearly_limit_kwh if self.price_per_kg is None else self.yearly_limit_kg
        if most is not None:
            b.cap(
                "yearly_limit",
                b.total(bought),
                "<=",
                most * b.horizon.year_share,
                unit=self.amount_unit,
                description=f"yearly limit of {self.carrier} bought by {b.asset}",
            )

    def audit(self, a: AssetAudit) -> None:
        """Re-derive limits, cost and CO2 from the purchase alone."""
        bought, hours = a.series("purchase"), a.horizon.hours
        unit = self._key("kW", "kg/h")
        a.at_most("purchase not negative", 0.0, bought, unit=unit)
        limit = self._key("limit_kw", "limit_kg_per_hour")
        if a.has_data(limit):
            a.at_most("purchase limit", bought, a.data(limit), unit=unit)
        a.equal("purchase supplied", a.supplied(self.carrier), bought, unit=unit)
        price = a.data(self._key("price_per_kwh", "price_per_kg"))
        a.booked("purchase", float((bought * price) @ hours))
        factor = self._key("co2_kg_per_kwh", "co2_kg_per_kg")
        if a.has_data(factor):
            a.booked("purchase", float((bought * a.data(factor)) @ hours), effect=CO2)
        most = self.yearly_limit_kwh if self.price_per_kg is None else self.yearly_limit_kg
        if most is not None:
            total = float(bought @ hours)
            allowed = most * a.horizon.year_share
            a.capped("yearly_limit", total, "<=", allowed, unit=self.amount_unit)
