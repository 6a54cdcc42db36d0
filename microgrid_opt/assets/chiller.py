"""Compression chiller: electricity to cold, with the heat rejected outdoors or put to use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from microgrid_opt.carriers import ELECTRICITY
from microgrid_opt.fields import CarrierName, PricePerKWh, SizedKW
from microgrid_opt.formulations.converter import Converter
from microgrid_opt.formulations.cop import Side, TwoTemperatures
from microgrid_opt.formulations.waste_heat import CoolingTower, HeatRecovery
from microgrid_opt.results import DUST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from microgrid_opt.audit import AssetAudit
    from microgrid_opt.builder import Builder
    from microgrid_opt.carriers import Carrier
    from microgrid_opt.fields import Size
    from microgrid_opt.formulations.converter import InputSeries, Ratio
    from microgrid_opt.results import AssetResults, Quantity


class Chiller(TwoTemperatures, Converter):
    r"""Compression chiller whose COP (EER) follows from chilled water and outdoor air in every step.

    $$ k_t = \varepsilon_t\, i_t, \qquad w_t = i_t + k_t, \qquad r_t \le \rho\, w_t, \qquad
       k_t \le a_t P \ \text{or}\ i_t \le a_t P $$
    $$ p_t = i_t + \beta\,(1 + 1/\varepsilon_t)\,k_t, \qquad
       C = \sum_t h_t\,(c_k\,k_t + c_z\,(w_t - r_t)) $$

    | symbol | name | unit |
    |---|---|---|
    | $i_t$ | ``input``, electricity of the compressor | kW |
    | $k_t$ | cold delivered to ``cold_carrier`` | kW |
    | $w_t$ | heat given off | kW |
    | $r_t$ | heat put to use by ``heat_recovery``; the rest is rejected | kW |
    | $p_t$ | electricity drawn, cooling tower included | kW |
    | $\varepsilon_t$ | ``cop``, given or from the temperatures | kWh/kWh |
    | $\rho$ | ``fraction`` of ``heat_recovery`` | – |
    | $\beta, c_z$ | ``electricity_kwh_per_kwh``, ``cost_per_kwh`` of ``cooling_tower`` | kWh/kWh, currency/kWh |
    | $a_t$ | ``available_fraction``, from ``capacity_by_temperature`` | – |
    | $P$ | ``power_kw``, counted on the side of ``size_on`` | kW |
    | $c_k$ | ``variable_om_per_kwh`` | currency/kWh |

    References: EER as tested to EN 14511:2022; COP from temperatures in
    `microgrid_opt.formulations.cop`, equations in `microgrid_opt.formulations.converter` and
    `microgrid_opt.formulations.waste_heat`.
    """

    heats: ClassVar[bool] = False
    outdoor: ClassVar[Side] = "sink"

    type: Literal["chiller"]
    cold_carrier: CarrierName = "cold"
    """Cold that is delivered, by its temperature level."""
    power_kw: SizedKW
    """Power at full load."""
    size_on: Literal["input", "output"] = "output"
    """Side on which the size is counted: cold delivered, or electricity of the compressor."""
    heat_recovery: HeatRecovery | None = None
    """Use of the heat given off; `fraction` is of all of it."""
    cooling_tower: CoolingTower = CoolingTower()
    """What it costs to reject the heat that is not recovered."""
    variable_om_per_kwh: PricePerKWh = 0.0
    """Operating cost of each kWh of cold."""

    @property
    def sides(self) -> Mapping[Side, str | None]:
        """Carrier that is cooled; the one that takes the heat, or the outdoor air."""
        used = self.heat_recovery
        return {"source": self.cold_carrier, "sink": None if used is None else used.heat_carrier}

    def misfits(self, place: str, carrier: Callable[[str], Carrier]) -> Iterator[tuple[str, str]]:
        """Refuse carriers that are not counted in kWh, and missing temperatures."""
        del place
        named = {"cold_carrier": self.cold_carrier}
        if self.heat_recovery is not None:
            named["heat_recovery"] = self.heat_recovery.heat_carrier
        for key, name in named.items():
            if carrier(name).unit != "kWh":
                unit = carrier(name).unit
                yield key, f"{name!r} is counted in {unit}: heat and cold are counted in kWh."
        if named.get("heat_recovery") == self.cold_carrier:
            yield "heat_recovery", "gives its heat to what is cooled: name another `heat_carrier`."
        yield from self.missing_levels(carrier)

    @property
    def size_spec(self) -> Size:
        """Power on the side of `size_on`."""
        return self.power_kw

    @property
    def source(self) -> str:
        """Carrier that is taken."""
        return ELECTRICITY

    @property
    def product(self) -> str:
        """Cold."""
        return self.cold_carrier

    def outputs(self, given: InputSeries) -> Mapping[str, Ratio]:
        """Return the cold per kWh of the compressor."""
        return {self.cold_carrier: given.data("cop")}

    @property
    def variable_costs(self) -> tuple[float, float]:
        """No cost per kWh taken, and the cost per kWh of cold."""
        return 0.0, self.variable_om_per_kwh

    def taken_per_product(self, given: InputSeries) -> Mapping[str, Ratio]:
        """Return the electricity of the cooling tower per kWh of cold."""
        fans = self.cooling_tower.electricity_kwh_per_kwh
        return {ELECTRICITY: fans * (1.0 + 1.0 / given.data("cop"))} if fans else {}

    @property
    def has_own_part_load(self) -> bool:
        """Heat is given off by what is taken and made, at any load."""
        return True

    def build(self, b: Builder) -> None:
        """Write the conversion, and where the heat goes."""
        super().build(b)
        taken = b.written("input")
        given_off: list[tuple[Any, Ratio]] = [(taken, 1.0 + b.data("cop"))]
        if self.curve is not None:
            given_off = [(taken, 1.0), (b.written("output"), 1.0)]
        used = self.heat_recovery
        recovered = None if used is None else used.build(b, given_off)
        self.cooling_tower.build(b, given_off, recovered)

    def audit(self, a: AssetAudit) -> None:
        """Re-derive the conversion, and where the heat goes."""
        super().audit(a)
        taken = a.series("input")
        cold = taken * a.data("cop") if self.curve is None else a.series("output")
        rejected = taken + cold
        if self.heat_recovery is not None:
            rejected = rejected - self.heat_recovery.audit(a, rejected)
        self.cooling_tower.audit(a, rejected)

    def summary(self, r: AssetResults) -> Mapping[str, Quantity]:
        """Return full-load hours and the seasonal COP."""
        taken, figures = r.energy("input"), dict(super().summary(r))
        if taken > DUST:
            cold = float(self.made(r) @ r.horizon.hours)
            figures["seasonal_cop"] = r.quantity(cold / taken, "1")
        return figures
