"""Dump: a named outlet for surplus of a carrier, free or at a price."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from microgrid_opt.assets.base import Asset
from microgrid_opt.fields import CarrierName, PricePerUnit

if TYPE_CHECKING:
    from microgrid_opt.audit import AssetAudit
    from microgrid_opt.builder import Builder


class Dump(Asset):
    r"""Outlet for surplus; without one a balance is an equality and nothing can be thrown away.

    $$ w_t \ge 0, \qquad C = \sum_t h_t\,c\,w_t $$

    | symbol | name | unit |
    |---|---|---|
    | $w_t$ | ``dumped`` | unit of the carrier per hour |
    | $c$ | ``cost_per_unit`` | currency/unit |

    References: free disposal as in Koopmans (1951), Activity Analysis of Production and Allocation,
    chapter III.
    """

    type: Literal["dump"]
    carrier: CarrierName
    """Carrier whose surplus may be thrown away."""
    cost_per_unit: PricePerUnit = 0.0
    """Cost of each kWh (or kg) thrown away."""

    def build(self, b: Builder) -> None:
        """Draw the surplus."""
        dumped = b.series("dumped", unit=b.flow_unit(self.carrier))
        b.draw(self.carrier, dumped, role="dump")
        if self.cost_per_unit:
            b.book("dump", b.total(dumped, self.cost_per_unit))

    def audit(self, a: AssetAudit) -> None:
        """Re-derive what is drawn and its cost."""
        dumped = a.series("dumped")
        a.at_most("dumped not negative", 0.0, dumped, unit="1")
        a.equal("surplus drawn", a.drawn(self.carrier), dumped, unit="1")
        a.booked("dump", float(dumped @ a.horizon.hours) * self.cost_per_unit)
