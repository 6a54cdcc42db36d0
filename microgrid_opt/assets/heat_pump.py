"""Heat pump: electricity lifts heat from air, ground or waste heat to a carrier, up to steam."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from microgrid_opt.fields import CarrierName, DegreesCelsius, PricePerKWh, SizedKW
from microgrid_opt.formulations.converter import Converter
from microgrid_opt.formulations.cop import Side, TwoTemperatures
from microgrid_opt.results import DUST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from microgrid_opt.audit import AssetAudit
    from microgrid_opt.builder import Builder
    from microgrid_opt.carriers import Carrier
    from microgrid_opt.fields import Size
    from microgrid_opt.formulations.converter import InputSeries, Ratio
    from microgrid_opt.results import AssetResults, Quantity


class HeatPump(TwoTemperatures, Converter):
    r"""Heat pump whose COP follows from the temperatures of source and sink in every step.

    $$ q_t = \varepsilon_t\, i_t, \qquad q^{source}_t = (1 - 1/\varepsilon_t)\, q_t, \qquad
       q_t \le a_t P \ \text{or}\ i_t \le a_t P $$

    | symbol | name | unit |
    |---|---|---|
    | $i_t$ | ``input``, electricity | kW |
    | $q_t$ | heat delivered to ``heat_carrier`` | kW |
    | $q^{source}_t$ | heat drawn from ``source_carrier``; free where none is named | kW |
    | $\varepsilon_t$ | ``cop``, given or from the temperatures | kWh/kWh |
    | $a_t$ | ``available_fraction``: ``capacity_by_temperature``, 0 below ``minimum_source_degc`` | – |
    | $P$ | ``power_kw``, counted on the side of ``size_on`` | kW |

    References: COP and capacity by source and sink temperature as tested to EN 14511:2022; COP from
    temperatures in `microgrid_opt.formulations.cop`, equations in
    `microgrid_opt.formulations.converter`.
    """

    heats: ClassVar[bool] = True
    outdoor: ClassVar[Side] = "source"
    least_cop: ClassVar[float] = 1.0

    type: Literal["heat_pump"]
    heat_carrier: CarrierName = "heat"
    """Heat that is delivered, by its temperature level; steam as well."""
    source_carrier: CarrierName | None = None
    """Heat that is drawn as source, such as waste heat; left out: air, ground or water, free and
    without limit."""
    power_kw: SizedKW
    """Power at full load."""
    size_on: Literal["input", "output"] = "output"
    """Side on which the size is counted: heat delivered, or electricity taken."""
    minimum_source_degc: DegreesCelsius | None = None
    """Source temperature below which the heat pump is off."""
    variable_om_per_kwh: PricePerKWh = 0.0
    """Operating cost of each kWh of heat."""

    @property
    def sides(self) -> Mapping[Side, str | None]:
        """Carrier that is drawn, or the outdoor air; carrier that is served."""
        return {"source": self.source_carrier, "sink": self.heat_carrier}

    @property
    def asked(self) -> frozenset[Side]:
        """Sides whose temperature matters."""
        least: set[Side] = set() if self.minimum_source_degc is None else {"source"}
        return super().asked | least

    def is_off(self, temperatures: Mapping[Side, NDArray[np.float64]]) -> NDArray[np.bool_] | bool:
        """Return in which steps the source is too cold."""
        if self.minimum_source_degc is None:
            return False
        return temperatures["source"] < self.minimum_source_degc

    def misfits(self, place: str, carrier: Callable[[str], Carrier]) -> Iterator[tuple[str, str]]:
        """Refuse carriers that are not counted in kWh, and temperatures the wrong way round."""
        del place
        named = {"heat_carrier": self.heat_carrier, "source_carrier": self.source_carrier}
        for key, name in named.items():
            if name is not None and carrier(name).unit != "kWh":
                yield key, f"is counted in {carrier(name).unit}: heat is counted in kWh."
        yield from self.missing_levels(carrier)
        if self.source_carrier is None:
            return
        source = carrier(self.source_carrier).temperature_degc
        sink = carrier(self.heat_carrier).temperature_degc
        if self.source_carrier == self.heat_carrier:
            yield "source_carrier", "is what it delivers: name a colder carrier."
        elif source is not None and sink is not None and source >= sink:
            yield (
                "source_carrier",
                f"is at {source:g} °C, no colder than the {sink:g} °C of {self.heat_carrier!r} that "
                "it delivers: it needs no heat pump.",
            )

    @property
    def size_spec(self) -> Size:
        """Power on the side of `size_on`."""
        return self.power_kw

    @property
    def source(self) -> str:
        """Carrier that is taken."""
        return "electricity"

    @property
    def product(self) -> str:
        """Heat."""
        return self.heat_carrier

    def outputs(self, given: InputSeries) -> Mapping[str, Ratio]:
        """Return the heat per kWh of electricity."""
        return {self.heat_carrier: given.data("cop")}

    @property
    def variable_costs(self) -> tuple[float, float]:
        """No cost per kWh taken, and the cost per kWh of heat."""
        return 0.0, self.variable_om_per_kwh

    def taken_per_product(self, given: InputSeries) -> Mapping[str, Ratio]:
        """Return the source heat in each kWh of heat delivered: all that is not electricity."""
        if self.source_carrier is None:
            return {}
        return {self.source_carrier: 1.0 - 1.0 / given.data("cop")}

    def problems(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield (keys, message) of what does not go together."""
        yield from super().problems()
        if self.part_load is not None and self.source_carrier is not None:
            yield (
                ("part_load",),
                "does not go with `source_carrier`, whose share is that of full load: leave one out.",
            )

    @property
    def has_own_part_load(self) -> bool:
        """The cold switches it off at any load."""
        return True

    def build(self, b: Builder) -> None:
        """Write the conversion, and that a cold source switches off."""
        super().build(b)
        if self.commitment is not None:
            on = b.written("on")
            cold = np.flatnonzero(np.equal(self.availability(b), 0.0))
            b.require("off_when_cold", lambda t: on[t] <= 0.0, over=cold)

    def audit(self, a: AssetAudit) -> None:
        """Re-derive conversion, source heat and standstill in the cold."""
        super().audit(a)
        taken, cold = a.series("input"), np.equal(self.availability(a), 0.0)
        if self.source_carrier is not None:
            heat, drawn = a.supplied(self.heat_carrier), a.drawn(self.source_carrier)
            a.equal("heat is source and electricity", heat, drawn + taken, unit="kW")
        if self.commitment is not None:
            a.equal("off when it is too cold", a.series("on") * cold, 0.0, unit="1")

    def summary(self, r: AssetResults) -> Mapping[str, Quantity]:
        """Return full-load hours and the seasonal COP."""
        taken, figures = r.energy("input"), dict(super().summary(r))
        if taken > DUST:
            heat = float(self.made(r) @ r.horizon.hours)
            figures["seasonal_cop"] = r.quantity(heat / taken, "1")
        return figures
