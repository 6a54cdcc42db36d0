"""Heat exchanger: hotter heat serves a cooler balance, never back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from microgrid_opt.assets.base import Asset
from microgrid_opt.carriers import CARRIERS
from microgrid_opt.fields import CarrierName, Efficiency, PricePerKWh, SizedKW

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from microgrid_opt.audit import AssetAudit
    from microgrid_opt.builder import Builder
    from microgrid_opt.carriers import Carrier

LOWEST = "heat"


class HeatExchanger(Asset):
    r"""Heat exchanger or reducing valve between two temperature levels, in one direction.

    $$ q^{cool}_t = \eta\, q^{hot}_t, \qquad q^{cool}_t \le P, \qquad
       \vartheta^{hot} > \vartheta^{cool} $$

    | symbol | name | unit |
    |---|---|---|
    | $q^{hot}_t$ | ``input``, drawn from ``hot`` | kW |
    | $q^{cool}_t$ | heat delivered to ``cool`` | kW |
    | $\eta$ | ``efficiency`` | – |
    | $P$ | ``power_kw``, counted on the heat delivered; no limit when left out | kW |
    | $\vartheta$ | temperatures of the carriers | °C |

    Both carriers need a temperature, and the hot one the higher. The built-in `heat` has none: it
    counts as colder than every level, so it may be served but never serves. Any chain of exchangers
    thus leads downwards.

    References: second law in the statement of Clausius (1854), doi:10.1002/andp.18541691202; heat
    cascade of temperature levels as in Linnhoff & Flower (1978), Synthesis of heat exchanger
    networks I, doi:10.1002/aic.690240411.
    """

    type: Literal["heat_exchanger"]
    hot: CarrierName
    """Heat that is taken; a carrier of the park with `temperature_degc`."""
    cool: CarrierName
    """Heat that is served; a carrier with a lower `temperature_degc`, or the built-in `heat`."""
    power_kw: SizedKW | None = None
    """Heat delivered at full load; left out: no limit and no cost."""
    efficiency: Efficiency = 1.0
    """Heat delivered per heat taken."""
    variable_om_per_kwh: PricePerKWh = 0.0
    """Operating cost of each kWh delivered."""

    def misfits(self, place: str, carrier: Callable[[str], Carrier]) -> Iterator[tuple[str, str]]:
        """Refuse carriers that are no heat of known temperature, and heat that would flow upwards."""
        del place
        if self.hot == self.cool:
            yield "cool", "is what it takes: name a cooler carrier."
            return
        hot, cool = carrier(self.hot), carrier(self.cool)
        known = True
        for key, name, side in (("hot", self.hot, hot), ("cool", self.cool, cool)):
            if side.temperature_degc is not None or (key, name) == ("cool", LOWEST):
                continue
            known = False
            if name not in CARRIERS:
                advice = f"give `carriers.{name}.temperature_degc`."
            elif name == LOWEST:
                advice = "it counts as colder than every level and may only be served."
            else:
                advice = "name a heat carrier of `carriers` with `temperature_degc`."
            yield key, f"has no temperature: {advice}"
        low = -np.inf if cool.temperature_degc is None else cool.temperature_degc
        if known and hot.temperature_degc is not None and hot.temperature_degc <= low:
            yield (
                "cool",
                f"is at {low:g} °C, {self.hot!r} at {hot.temperature_degc:g} °C: heat flows from the "
                "hotter to the cooler only.",
            )
        for key, side in (("hot", hot), ("cool", cool)):
            if side.unit != "kWh":
                yield key, f"is counted in {side.unit}: heat is counted in kWh."

    def build(self, b: Builder) -> None:
        """Write what is taken and delivered, and its cost."""
        size = None if self.power_kw is None else b.size("power", self.power_kw)
        taken = b.series("input", unit="kW", upper=size, profile=1.0 / self.efficiency)
        b.draw(self.hot, taken, role="conversion")
        b.supply(self.cool, taken, factor=self.efficiency, role="conversion")
        if self.variable_om_per_kwh:
            b.book("variable_om", b.total(taken, self.variable_om_per_kwh * self.efficiency))

    def audit(self, a: AssetAudit) -> None:
        """Re-derive limit, loss and cost from the heat taken."""
        taken = a.series("input")
        delivered = taken * self.efficiency
        a.at_most("input not negative", 0.0, taken, unit="kW")
        if self.power_kw is not None:
            a.at_most("within size", delivered, a.size("power"), unit="kW")
        a.equal("hot side drawn", a.drawn(self.hot), taken, unit="kW")
        a.equal("cool side supplied", a.supplied(self.cool), delivered, unit="kW")
        a.booked("variable_om", float(delivered @ a.horizon.hours) * self.variable_om_per_kwh)
