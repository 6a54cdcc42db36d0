"""Dump: a named outlet for surplus of a carrier, free or at a price, with or without CO2."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from microgrid_opt.assets.base import Asset
from microgrid_opt.fields import CarrierName, CO2PerUnit, PricePerUnit
from microgrid_opt.ledger import CO2

if TYPE_CHECKING:
    from microgrid_opt.audit import AssetAudit
    from microgrid_opt.builder import Builder


class Dump(Asset):
    r"""Outlet for surplus; without one a balance is an equality and nothing can be thrown away.

    $$ w_t \ge 0, \qquad C = \sum_t h_t\,c\,w_t, \qquad E = \sum_t h_t\,\epsilon\,w_t $$

    | symbol | name | unit |
    |---|---|---|
    | $w_t$ | ``dumped`` | unit of the carrier per hour |
    | $c$ | ``cost_per_unit`` | currency/unit |
    | $\epsilon$ | ``co2_kg_per_unit`` | kg/unit |

    A flare is a dump with the CO2 of the gas, a chimney is one with 1 kg for each kg of CO2 in the flue,
    and a store of captured CO2 is one with a cost and no CO2.

    References: free disposal as in Koopmans (1951), Activity Analysis of Production and Allocation,
    chapter III.
    """

    type: Literal["dump"]
    carrier: CarrierName
    """Carrier whose surplus may be thrown away."""
    cost_per_unit: PricePerUnit = 0.0
    """Cost of each kWh (or kg) thrown away."""
    co2_kg_per_unit: CO2PerUnit = 0.0
    """CO2 that each kWh (or kg) thrown away lets go into the air."""

    def build(self, b: Builder) -> None:
        """Draw the surplus."""
        dumped = b.series("dumped", unit=b.flow_unit(self.carrier))
        b.draw(self.carrier, dumped, role="dump")
        if self.cost_per_unit:
            b.book("dump", b.total(dumped, self.cost_per_unit))
        if self.co2_kg_per_unit:
            b.book("dump", b.total(dumped, self.co2_kg_per_unit), effect=CO2)

    def audit(self, a: AssetAudit) -> None:
        """Re-derive what is drawn, its cost and its CO2."""
        dumped = a.series("dumped")
        unit = a.flow_unit(self.carrier)
        a.at_most("dumped not negative", 0.0, dumped, unit=unit)
        a.equal("surplus drawn", a.drawn(self.carrier), dumped, unit=unit)
        total = float(dumped @ a.horizon.hours)
        a.booked("dump", total * self.cost_per_unit)
        a.booked("dump", total * self.co2_kg_per_unit, effect=CO2)
