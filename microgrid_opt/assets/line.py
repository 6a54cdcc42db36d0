"""Line, transformer or pipe inside the park: from one place to another, directed, with loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from microgrid_opt.assets.base import Asset
from microgrid_opt.fields import CarrierName, Efficiency, PlaceName, PricePerUnit, SizedKW

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from microgrid_opt.audit import AssetAudit
    from microgrid_opt.builder import Builder
    from microgrid_opt.carriers import Carrier


class Line(Asset):
    r"""Feeder, transformer or pipe between two places, as directed balances: what arrives is $\eta$ × what was sent.

    $$ a^{to}_t = \eta\, s^{from}_t, \qquad a^{from}_t = \eta\, s^{to}_t, \qquad
       s^{from}_t \le P, \; s^{to}_t \le P $$

    | symbol | name | unit |
    |---|---|---|
    | $s^{from}_t, s^{to}_t$ | ``forward``, ``backward``: sent at either end | kW |
    | $a_t$ | what arrives at the other end | kW |
    | $\eta$ | ``efficiency`` | – |
    | $P$ | ``power_kw``, counted where it is sent | kW |

    References: transport model with losses, e.g. Hörsch et al. (2018), Linear optimal power flow
    using cycle flows, section 2, doi:10.1016/j.epsr.2017.12.034.
    """

    type: Literal["line"]
    to: PlaceName
    """Member or node at the other end; the near end is `node`, or else `member`, who owns it."""
    carrier: CarrierName = "electricity"
    """Carrier that flows; counted in kWh."""
    power_kw: SizedKW
    """Capacity at the sending end, the same both ways."""
    efficiency: Efficiency = 1.0
    """Share of what is sent that arrives."""
    both_ways: bool = True
    """Whether it may flow back."""
    variable_om_per_kwh: PricePerUnit = 0.0
    """Cost of each kWh sent."""

    def misfits(self, place: str, carrier: Callable[[str], Carrier]) -> Iterator[tuple[str, str]]:
        """Refuse a line to its own place, and carriers that are not counted in kWh."""
        if self.to == place:
            yield "to", f"leads from {place} to itself: name the member or node at the other end."
        unit = carrier(self.carrier).unit
        if unit != "kWh":
            yield (
                "carrier",
                f"is counted in {unit}, the capacity of a line in kW: a line takes carriers counted "
                "in kWh.",
            )

    def _directions(self) -> tuple[str, ...]:
        return ("forward", "backward") if self.both_ways else ("forward",)

    def build(self, b: Builder) -> None:
        """Write both directions, their loss and cost."""
        size = b.size("power", self.power_kw)
        for direction in self._directions():
            sent = b.series(direction, unit="kW", upper=size)
            start, end = (b.place, self.to) if direction == "forward" else (self.to, b.place)
            b.draw(self.carrier, sent, role="transfer", place=start)
            b.supply(self.carrier, sent, factor=self.efficiency, role="transfer", place=end)
            if self.variable_om_per_kwh:
                b.book("variable_om", b.total(sent, self.variable_om_per_kwh))

    def audit(self, a: AssetAudit) -> None:
        """Re-derive limits, losses and cost at both ends."""
        cost = 0.0
        for direction in self._directions():
            sent = a.series(direction)
            start, end = (a.place, self.to) if direction == "forward" else (self.to, a.place)
            a.at_most(f"{direction} not negative", 0.0, sent, unit="kW")
            a.at_most(f"{direction} within capacity", sent, a.size("power"), unit="kW")
            a.equal(f"{direction} sent", a.drawn(self.carrier, place=start), sent, unit="kW")
            a.equal(
                f"{direction} arrives",
                a.supplied(self.carrier, place=end),
                sent * self.efficiency,
                unit="kW",
            )
            cost += float(sent @ a.horizon.hours) * self.variable_om_per_kwh
        a.booked("variable_om", cost)
