r"""A demand that must be served, or left unserved at a price.

$$ s_t + u_t = D_t, \qquad 0 \le u_t \le D_t, \qquad C = \sum_t h_t\,v\,u_t $$

| symbol | name | unit |
|---|---|---|
| $D_t$ | demand | unit of the carrier per hour |
| $u_t$ | unserved demand | same |
| $v$ | price of unserved demand (value of lost load) | currency/unit |
| $h_t$ | step length × weight | h |

Source: value of lost load as in London Economics (2013), The Value of Lost Load for Electricity in
Great Britain, section 2.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar, Self

from pydantic import model_validator

from microgrid_opt.assets.base import Asset
from microgrid_opt.fields import refuse

if TYPE_CHECKING:
    from microgrid_opt.audit import AssetAudit
    from microgrid_opt.builder import Builder


class FixedDemand(Asset):
    """Equations and audit of a demand; a technology names its carrier, key and unit."""

    carrier: ClassVar[str]
    key: ClassVar[str]
    unit: ClassVar[str]

    @property
    @abstractmethod
    def unserved_price(self) -> float | None:
        """Price of unserved demand, or ``None`` when all of it must be served."""

    @model_validator(mode="after")
    def _worth_serving(self) -> Self:
        if self.unserved_price is not None and self.unserved_price < 0:
            key = next(
                name for name in type(self).model_fields if name.startswith("unserved_price")
            )
            raise refuse(
                "unserved", "must be at least 0: nobody is paid for cutting demand.", path=(key,)
            )
        return self

    def build(self, b: Builder) -> None:
        """Draw the demand; with a price, allow it to be left unserved."""
        values = b.data(self.key)
        b.draw(self.carrier, b.given("demand", values, unit=self.unit), role="demand")
        if self.unserved_price is not None:
            unserved = b.series("unserved", unit=self.unit, upper=values)
            b.supply(self.carrier, unserved, role="unserved")
            b.book("unserved", b.total(unserved, self.unserved_price))

    def audit(self, a: AssetAudit) -> None:
        """Re-derive that all demand is drawn, and what unserved demand costs."""
        values = a.data(self.key)
        a.equal("demand drawn", a.drawn(self.carrier), values, unit=self.unit)
        if self.unserved_price is not None:
            unserved = a.series("unserved")
            a.at_most("unserved within demand", unserved, values, unit=self.unit)
            a.equal("unserved covers", a.supplied(self.carrier), unserved, unit=self.unit)
            a.booked("unserved", float(unserved @ a.horizon.hours) * self.unserved_price)
