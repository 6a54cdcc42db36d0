"""Line, transformer or pipe inside the park: from one place to another, directed, with loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from pydantic import model_validator

from microgrid_opt.assets.base import Asset
from microgrid_opt.fields import (
    KW,
    CarrierName,
    Efficiency,
    Fraction,
    PlaceName,
    PricePerUnit,
    SizedKW,
    refuse,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from microgrid_opt.audit import AssetAudit
    from microgrid_opt.builder import Builder
    from microgrid_opt.carriers import Carrier
    from microgrid_opt.results import AssetResults, Quantity


class Line(Asset):
    r"""Feeder, transformer or pipe between two places, as directed balances: what arrives is $\eta$ × what was sent.

    $$ a^{to}_t = \eta\, s^{from}_t, \qquad a^{from}_t = \eta\, s^{to}_t, \qquad
       s^{from}_t \le P, \; s^{to}_t \le P, \qquad \ell_t = \ell_0 + \lambda\, P $$
    $$ s^{from}_t \le \bar P\,z_t, \quad s^{to}_t \le \bar P\,(1 - z_t) \text{ (exclusive)} $$

    | symbol | name | unit |
    |---|---|---|
    | $s^{from}_t, s^{to}_t$ | ``forward``, ``backward``: sent at either end | kW |
    | $a_t$ | what arrives at the other end | kW |
    | $\eta$ | ``efficiency`` | – |
    | $\ell_t$ | ``standing_loss``, drawn at the near end in every step | kW |
    | $\ell_0, \lambda$ | ``standing_loss_kw``, ``standing_loss_fraction`` | kW, kW/kW |
    | $P, \bar P$ | ``power_kw``, counted where it is sent, and its declared bound | kW |
    | $z_t$ | ``forwarding`` | 0/1 |

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
    exclusive: bool = False
    """Whether sending both ways in one step is excluded by a binary. Without it a plan may lose on the
    line what it cannot use elsewhere, such as heat."""
    standing_loss_kw: KW = 0.0
    """Loss in every step, whatever flows (no-load loss, cooling pipe), drawn at the near end."""
    standing_loss_fraction: Fraction = 0.0
    """The same per kW of capacity, for a capacity that is chosen."""
    variable_om_per_kwh: PricePerUnit = 0.0
    """Cost of each kWh sent."""

    @model_validator(mode="after")
    def _loses_what_is_built(self) -> Self:
        if self.standing_loss_kw and self.power_kw.is_chosen:
            raise refuse(
                "line",
                "would be lost whatever is built: with a chosen capacity give "
                "`standing_loss_fraction`.",
                path=("standing_loss_kw",),
            )
        return self

    @model_validator(mode="after")
    def _excludes_with_a_bound(self) -> Self:
        if self.exclusive and not self.both_ways:
            raise refuse("line", "needs `both_ways`: remove one.", path=("exclusive",))
        if self.exclusive and self.power_kw.upper is None:
            raise refuse(
                "line",
                f"needs a bound: give {self.power_kw.key('maximum')}.",
                path=("exclusive",),
            )
        return self

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
        flows = []
        for direction in self._directions():
            sent = b.series(direction, unit="kW", upper=size)
            flows.append(sent)
            start, end = (b.place, self.to) if direction == "forward" else (self.to, b.place)
            b.draw(self.carrier, sent, role="transfer", place=start)
            b.supply(self.carrier, sent, factor=self.efficiency, role="transfer", place=end)
            if self.variable_om_per_kwh:
                b.book("variable_om", b.total(sent, self.variable_om_per_kwh))
        if self.exclusive:
            forward, backward = flows
            most = b.upper_bound(size)
            forwarding = b.series("forwarding", unit="1", binary=True)
            b.require("only_forward", lambda t: forward[t] <= most * forwarding[t])
            b.require("only_backward", lambda t: backward[t] <= most * (1.0 - forwarding[t]))
        if self.standing_loss_kw or self.standing_loss_fraction:
            b.draw(self.carrier, self._standing_loss(b, size), role="transfer")

    def _standing_loss(self, b: Builder, size: Any) -> Any:
        if not b.is_choice(size):
            loss = self.standing_loss_kw + self.standing_loss_fraction * size
            return b.given("standing_loss", np.full(len(b.horizon), loss), unit="kW")
        lost = b.series("standing_loss", unit="kW")
        share = b.param("lost_per_kw", self.standing_loss_fraction)
        b.require("standing_loss_of_size", lambda t: lost[t] == share[t] * size)
        return lost

    def audit(self, a: AssetAudit) -> None:
        """Re-derive limits, losses and cost at both ends."""
        cost, size = 0.0, a.size("power")
        lost = self.standing_loss_kw + self.standing_loss_fraction * size
        if lost:
            a.equal("standing loss", a.series("standing_loss"), lost, unit="kW")
        for direction in self._directions():
            sent = a.series(direction)
            start, end = (a.place, self.to) if direction == "forward" else (self.to, a.place)
            a.at_most(f"{direction} not negative", 0.0, sent, unit="kW")
            a.at_most(f"{direction} within capacity", sent, size, unit="kW")
            drawn = sent + lost if start == a.place else sent
            a.equal(f"{direction} sent", a.drawn(self.carrier, place=start), drawn, unit="kW")
            a.equal(
                f"{direction} arrives",
                a.supplied(self.carrier, place=end),
                sent * self.efficiency,
                unit="kW",
            )
            cost += float(sent @ a.horizon.hours) * self.variable_om_per_kwh
        a.booked("variable_om", cost)
        if self.exclusive:
            forward, backward, z = (
                a.series(name) for name in ("forward", "backward", "forwarding")
            )
            wrong = forward * (1.0 - z) + backward * z
            a.at_most("never both ways at once", np.minimum(forward, backward), 0.0, unit="kW")
            a.at_most("forwarding tells the way", wrong, 0.0, unit="kW")
        elif self.both_ways:
            one, other = a.series("forward"), a.series("backward")
            a.noted("sends both ways at once", one, other, unit="kW")

    def summary(self, r: AssetResults) -> Mapping[str, Quantity]:
        """Return what is lost on the way and standing still."""
        sent = sum(r.energy(direction) for direction in self._directions())
        standing = r.energy("standing_loss") if r.has_series("standing_loss") else 0.0
        return {"lost": r.quantity(sent * (1.0 - self.efficiency) + standing, "kWh")}
