"""Electric kiln or furnace: electricity to high-temperature heat or to a product, with waste heat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self

from pydantic import model_validator

from microgrid_opt.carriers import ELECTRICITY
from microgrid_opt.fields import (
    CarrierName,
    Efficiency,
    KWhPerKg,
    PricePerKg,
    PricePerKWh,
    SizedKW,
    refuse,
    require_one,
)
from microgrid_opt.formulations.converter import Converter
from microgrid_opt.formulations.waste_heat import HeatRecovery

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from microgrid_opt.audit import AssetAudit
    from microgrid_opt.builder import Builder
    from microgrid_opt.carriers import Carrier
    from microgrid_opt.fields import Size
    from microgrid_opt.formulations.converter import InputSeries, Ratio


class ElectricKiln(Converter):
    r"""Electric kiln or furnace, sized in kW of electricity (or of the heat delivered).

    $$ q_t = \eta\, i_t \quad\text{or}\quad m_t = i_t / w, \qquad r_t \le \rho\, i_t, \qquad
       i_t \le P \ \text{or}\ q_t \le P $$

    | symbol | name | unit |
    |---|---|---|
    | $i_t$ | ``input``, electricity | kW |
    | $q_t$ | heat delivered to ``output_carrier``, where it is counted in kWh | kW |
    | $m_t$ | product delivered to ``output_carrier``, where it is counted in kg | kg/h |
    | $\eta$ | ``efficiency`` | – |
    | $w$ | ``consumption_kwh_per_kg`` | kWh/kg |
    | $r_t$ | heat put to use by ``waste_heat``; the rest is lost | kW |
    | $\rho$ | ``fraction`` of ``waste_heat`` | – |
    | $P$ | ``power_kw``, counted on the side of ``size_on`` | kW |

    References: energy balance of industrial furnaces by ISO 13579-1:2013; equations in
    `microgrid_opt.formulations.converter`.
    """

    type: Literal["electric_kiln"]
    output_carrier: CarrierName
    """What it delivers: high-temperature heat (kWh) or a product (kg), declared under `carriers`."""
    power_kw: SizedKW
    """Power at full load."""
    size_on: Literal["input", "output"] = "input"
    """Side on which the size is counted: electricity taken, or heat delivered."""
    efficiency: Efficiency | None = None
    """Heat delivered per kWh of electricity, where the output is heat."""
    consumption_kwh_per_kg: KWhPerKg | None = None
    """Electricity for each kg of product, where the output is a product."""
    waste_heat: HeatRecovery | None = None
    """Waste heat that can be put to use; `fraction` is of the electricity."""
    variable_om_per_kwh: PricePerKWh = 0.0
    """Operating cost of each kWh of electricity taken."""
    variable_om_per_kg: PricePerKg = 0.0
    """Operating cost of each kg of product (electrodes, lining)."""

    @model_validator(mode="after")
    def _goes_with_its_output(self) -> Self:
        require_one(self, "efficiency", "consumption_kwh_per_kg")
        if self.efficiency is None and self.size_on == "output":
            raise refuse(
                "kiln", "counts heat in kW; with a product give `input`.", path=("size_on",)
            )
        if self.efficiency is not None and self.variable_om_per_kg:
            raise refuse(
                "kiln",
                "is for a product in kg; with heat give `variable_om_per_kwh`.",
                path=("variable_om_per_kg",),
            )
        used = self.efficiency or 0.0
        if self.waste_heat is not None and self.waste_heat.fraction > 1.0 - used + 1e-9:
            raise refuse(
                "kiln",
                f"is more than the {1.0 - used:.4g} that the efficiency leaves.",
                path=("waste_heat", "fraction"),
            )
        return self

    def misfits(self, place: str, carrier: Callable[[str], Carrier]) -> Iterator[tuple[str, str]]:
        """Refuse an output in another unit than its key, and waste heat that is no other heat."""
        del place
        unit = carrier(self.output_carrier).unit
        key = "efficiency" if unit == "kWh" else "consumption_kwh_per_kg"
        if getattr(self, key) is None:
            yield "output_carrier", f"is counted in {unit}: give `{key}`."
        if self.output_carrier == ELECTRICITY:
            yield "output_carrier", "is what it takes: name a heat carrier or a product."
        if self.waste_heat is None:
            return
        waste = self.waste_heat.heat_carrier
        if waste == self.output_carrier:
            yield "waste_heat", "gives its heat to the main output: name another `heat_carrier`."
        if carrier(waste).unit != "kWh":
            yield "waste_heat", f"{waste!r} is counted in {carrier(waste).unit}: heat is in kWh."

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
        """Heat or product."""
        return self.output_carrier

    def outputs(self, given: InputSeries) -> Mapping[str, Ratio]:
        """Return heat or product per kWh of electricity."""
        del given
        if self.consumption_kwh_per_kg is not None:
            return {self.output_carrier: 1.0 / self.consumption_kwh_per_kg}
        return {self.output_carrier: self.efficiency or 0.0}

    @property
    def variable_costs(self) -> tuple[float, float]:
        """Cost per kWh taken and per kg made."""
        return self.variable_om_per_kwh, self.variable_om_per_kg

    @property
    def has_own_part_load(self) -> bool:
        """Waste heat is a share of what is taken, at any load."""
        return True

    def build(self, b: Builder) -> None:
        """Write the conversion and the waste heat that is put to use."""
        super().build(b)
        if self.waste_heat is not None:
            self.waste_heat.build(b, [(b.written("input"), 1.0)])

    def audit(self, a: AssetAudit) -> None:
        """Re-derive the conversion and the waste heat."""
        super().audit(a)
        if self.waste_heat is not None:
            self.waste_heat.audit(a, a.series("input"))
