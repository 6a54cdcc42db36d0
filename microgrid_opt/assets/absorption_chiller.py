"""Absorption chiller: heat to cold, with some electricity for its pumps and its cooling tower."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from microgrid_opt.carriers import ELECTRICITY
from microgrid_opt.fields import CarrierName, KWhPerKWh, PricePerKWh, SizedKW
from microgrid_opt.formulations.converter import Converter
from microgrid_opt.formulations.cop import SeriesCop
from microgrid_opt.formulations.waste_heat import CoolingTower

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from microgrid_opt.audit import AssetAudit
    from microgrid_opt.builder import Builder
    from microgrid_opt.carriers import Carrier
    from microgrid_opt.fields import Size
    from microgrid_opt.formulations.converter import InputSeries, Ratio


class AbsorptionChiller(Converter):
    r"""Absorption chiller driven by heat, sized in kW of cold (or of heat taken).

    $$ k_t = \varepsilon_t\, i_t, \qquad p_t = (\alpha + \beta\,(1 + 1/\varepsilon_t))\,k_t,
       \qquad k_t \le P \ \text{or}\ i_t \le P $$
    $$ C = \sum_t h_t\,(c_k\,k_t + c_z\,(i_t + k_t)) $$

    | symbol | name | unit |
    |---|---|---|
    | $i_t$ | ``input``, heat drawn from ``heat_carrier`` | kW |
    | $k_t$ | cold delivered to ``cold_carrier`` | kW |
    | $p_t$ | electricity drawn | kW |
    | $\varepsilon_t$ | ``cop``: cold per heat | kWh/kWh |
    | $\alpha$ | ``auxiliary_electricity_kwh_per_kwh`` of cold | kWh/kWh |
    | $\beta, c_z$ | ``electricity_kwh_per_kwh``, ``cost_per_kwh`` of ``cooling_tower`` | kWh/kWh, currency/kWh |
    | $P$ | ``power_kw``, counted on the side of ``size_on`` | kW |
    | $c_k$ | ``variable_om_per_kwh`` | currency/kWh |

    References: Herold, Radermacher & Klein (2016), Absorption Chillers and Heat Pumps, 2nd edition,
    doi:10.1201/b19625 (COP of about 0.7 with one effect, 1.2 with two); equations in
    `microgrid_opt.formulations.converter`.
    """

    type: Literal["absorption_chiller"]
    heat_carrier: CarrierName = "heat"
    """Heat that drives it, by its temperature level."""
    cold_carrier: CarrierName = "cold"
    """Cold that is delivered, by its temperature level."""
    power_kw: SizedKW
    """Power at full load."""
    size_on: Literal["input", "output"] = "output"
    """Side on which the size is counted: cold delivered, or heat taken."""
    cop: SeriesCop
    """Cold per kWh of heat: about 0.7 with one effect, 1.2 with two."""
    auxiliary_electricity_kwh_per_kwh: KWhPerKWh = 0.0
    """Electricity of its pumps for each kWh of cold."""
    cooling_tower: CoolingTower = CoolingTower()
    """What it costs to reject the heat: all that is taken from both sides."""
    variable_om_per_kwh: PricePerKWh = 0.0
    """Operating cost of each kWh of cold."""

    def misfits(self, place: str, carrier: Callable[[str], Carrier]) -> Iterator[tuple[str, str]]:
        """Refuse carriers that are not counted in kWh, and heat and cold in one carrier."""
        del place
        for key, name in (("heat_carrier", self.heat_carrier), ("cold_carrier", self.cold_carrier)):
            unit = carrier(name).unit
            if unit != "kWh":
                yield key, f"is counted in {unit}: heat and cold are counted in kWh."
        if self.heat_carrier == self.cold_carrier:
            yield "cold_carrier", "is the heat that drives it: name another carrier."

    @property
    def size_spec(self) -> Size:
        """Power on the side of `size_on`."""
        return self.power_kw

    @property
    def source(self) -> str:
        """Carrier that is taken."""
        return self.heat_carrier

    @property
    def product(self) -> str:
        """Cold."""
        return self.cold_carrier

    def outputs(self, given: InputSeries) -> Mapping[str, Ratio]:
        """Return the cold per kWh of heat."""
        return {self.cold_carrier: given.data("cop")}

    @property
    def variable_costs(self) -> tuple[float, float]:
        """No cost per kWh taken, and the cost per kWh of cold."""
        return 0.0, self.variable_om_per_kwh

    def taken_per_product(self, given: InputSeries) -> Mapping[str, Ratio]:
        """Return the electricity of pumps and cooling tower per kWh of cold."""
        pumps = self.auxiliary_electricity_kwh_per_kwh
        fans = self.cooling_tower.electricity_kwh_per_kwh
        if not (pumps or fans):
            return {}
        return {ELECTRICITY: pumps + fans * (1.0 + 1.0 / given.data("cop"))}

    @property
    def has_own_part_load(self) -> bool:
        """Heat is given off by what is taken and made, at any load."""
        return True

    def build(self, b: Builder) -> None:
        """Write the conversion and the rejection of heat."""
        super().build(b)
        taken = b.written("input")
        given_off: list[tuple[Any, Ratio]] = [(taken, 1.0 + b.data("cop"))]
        if self.curve is not None:
            given_off = [(taken, 1.0), (b.written("output"), 1.0)]
        self.cooling_tower.build(b, given_off)

    def audit(self, a: AssetAudit) -> None:
        """Re-derive the conversion and the rejection of heat."""
        super().audit(a)
        taken = a.series("input")
        cold = taken * a.data("cop") if self.curve is None else a.series("output")
        self.cooling_tower.audit(a, taken + cold)
