"""Compressor: a gas from one carrier to another at higher pressure, with electricity."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from microgrid_opt.fields import (
    Bar,
    CarrierName,
    DegreesCelsius,
    Efficiency,
    Factor,
    GasConstant,
    IsentropicExponent,
    KWhPerKg,
    PricePerKg,
    Rate,
    SizedKgPerHour,
    SizedKW,
    refuse,
)
from microgrid_opt.formulations.converter import Converter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from microgrid_opt.carriers import Carrier
    from microgrid_opt.fields import Size
    from microgrid_opt.formulations.converter import InputSeries, Ratio
    from microgrid_opt.results import AssetResults, Quantity

ZERO_CELSIUS_K = 273.15
JOULES_PER_KWH = 3.6e6


class Compressor(Converter):
    r"""Compressor sized in kW of electricity or in kg/h of gas, with intercooled stages.

    $$ i_t = w\,g_t, \qquad d_t = \frac{g_t}{1 - \lambda}, \qquad
       i_t \le P \ \text{or}\ g_t \le G $$
    $$ w = \frac{Z\,R\,T}{\eta\,\eta_m} \cdot N\,\frac{\kappa}{\kappa - 1}
       \left[ \left( \frac{p_2}{p_1} \right)^{(\kappa - 1)/(N \kappa)} - 1 \right]
       \ \text{(adiabatic)}, \qquad
       w = \frac{Z\,R\,T}{\eta\,\eta_m} \ln \frac{p_2}{p_1} \ \text{(isothermal)} $$

    | symbol | name | unit |
    |---|---|---|
    | $i_t$ | ``input``, electricity | kW |
    | $g_t$ | gas delivered to ``to_carrier``; with part load ``output`` | kg/h |
    | $d_t, \lambda$ | gas drawn from ``from_carrier``, ``loss_fraction`` | kg/h, – |
    | $w$ | work per kg delivered, or ``consumption_kwh_per_kg`` | kWh/kg |
    | $p_1, p_2$ | ``inlet_bar``, ``outlet_bar`` (absolute) | bar |
    | $N$ | ``stages`` of equal pressure ratio, cooled back to $T$ between them | – |
    | $T$ | ``suction_temperature_degc`` in kelvin | K |
    | $Z$ | ``compressibility``, mean along the path | – |
    | $R$ | ``gas_constant_j_per_kg_k`` | J/(kg K) |
    | $\kappa$ | ``isentropic_exponent`` | – |
    | $\eta, \eta_m$ | ``efficiency`` (isentropic or isothermal), ``drive_efficiency`` | – |
    | $P, G$ | ``power_kw``, ``flow_kg_per_hour`` | kW, kg/h |

    References: work of ideal compression in stages as in Çengel & Boles (2015), Thermodynamics: an
    engineering approach, chapter 7; DOE Hydrogen and Fuel Cells Program Record 9013 (2009), Energy
    requirements for hydrogen gas compression and liquefaction: 1.05 and 1.36 kWh/kg from 20 bar to 350
    and 700 bar, isothermal, without losses; equations in `microgrid_opt.formulations.converter`.
    """

    type: Literal["compressor"]
    from_carrier: CarrierName = "hydrogen"
    """Carrier of the gas at inlet pressure, counted in kg."""
    to_carrier: CarrierName
    """Carrier of the gas at outlet pressure, counted in kg."""
    power_kw: SizedKW | None = None
    """Electric input at full load; or give `flow_kg_per_hour`."""
    flow_kg_per_hour: SizedKgPerHour | None = None
    """Gas delivered at full load; or give `power_kw`."""
    size_on: Literal["input", "output"] = "output"
    """Follows from the size that is given: input for `power_kw`, output for `flow_kg_per_hour`."""
    consumption_kwh_per_kg: KWhPerKg | None = None
    """Electricity per kg delivered; or give the pressures."""
    inlet_bar: Bar | None = None
    """Pressure at the inlet, absolute."""
    outlet_bar: Bar | None = None
    """Pressure at the outlet, absolute."""
    process: Literal["adiabatic", "isothermal"] = "adiabatic"
    """Ideal process to which `efficiency` relates."""
    stages: Annotated[int, Field(ge=1, strict=True)] = 1
    """Stages, with cooling between them; more of them come closer to isothermal."""
    efficiency: Efficiency | None = None
    """Ideal work per work at the shaft: isentropic efficiency, or isothermal efficiency; needed with
    the pressures."""
    drive_efficiency: Efficiency = 1.0
    """Work at the shaft per electricity: motor, gear, auxiliaries."""
    suction_temperature_degc: DegreesCelsius = 25.0
    """Temperature at the inlet of every stage."""
    compressibility: Factor = 1.0
    """Real-gas factor, mean along the path; hydrogen up to 350 bar 1.07, up to 700 bar 1.12."""
    gas_constant_j_per_kg_k: GasConstant = 4124.2
    """Gas constant of the gas; hydrogen when left out."""
    isentropic_exponent: IsentropicExponent = 1.405
    """Ratio of the specific heats; hydrogen at 25 °C when left out."""
    loss_fraction: Rate = 0.0
    """Share of the gas drawn that is lost."""
    variable_om_per_kg: PricePerKg = 0.0
    """Operating cost of each kg delivered."""

    @model_validator(mode="before")
    @classmethod
    def _side_of_the_size(cls, data: Any) -> Any:
        """Take the side from the size that is given, as a plain mapping has it."""
        if not isinstance(data, Mapping):
            return data
        given = [key for key in ("power_kw", "flow_kg_per_hour") if data.get(key) is not None]
        if len(given) != 1:
            told = "are both given" if given else "are both missing"
            raise refuse(
                "compressor", f"`power_kw` and `flow_kg_per_hour` {told}: give exactly one."
            )
        side = "input" if given == ["power_kw"] else "output"
        if data.get("size_on", side) != side:
            message = f"does not go with `{given[0]}`: leave it out."
            raise refuse("compressor", message, path=("size_on",))
        return {**data, "size_on": side}

    def problems(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield what does not go together."""
        yield from super().problems()
        if self.to_carrier == self.from_carrier:
            yield ("to_carrier",), "is also `from_carrier`: name a carrier of its own for each."
        pressures = ("inlet_bar", "outlet_bar", "efficiency")
        given = [key for key in pressures if getattr(self, key) is not None]
        if self.consumption_kwh_per_kg is not None:
            for key in given:
                yield (key,), "does not go with `consumption_kwh_per_kg`: remove one of them."
        elif len(given) < len(pressures):
            missing = ", ".join(f"`{key}`" for key in pressures if key not in given)
            yield (), f"give `consumption_kwh_per_kg`, or the pressures: {missing} missing."
        elif self.outlet_bar is not None and self.outlet_bar <= (self.inlet_bar or 0.0):
            yield ("outlet_bar",), f"is not above `inlet_bar` {self.inlet_bar:g}."

    def misfits(self, place: str, carrier: Callable[[str], Carrier]) -> Iterator[tuple[str, str]]:
        """Refuse gases that are not counted in kg."""
        del place
        for key in ("from_carrier", "to_carrier"):
            if carrier(getattr(self, key)).unit != "kg":
                yield key, "is not counted in kg: name a gas that is."

    @property
    def work_kwh_per_kg(self) -> float:
        """Electricity per kg delivered."""
        if self.consumption_kwh_per_kg is not None:
            return self.consumption_kwh_per_kg
        if self.inlet_bar is None or self.outlet_bar is None or self.efficiency is None:
            raise ValueError("no pressures; the schema asks for them")
        kelvin = self.suction_temperature_degc + ZERO_CELSIUS_K
        gas = self.compressibility * self.gas_constant_j_per_kg_k * kelvin
        ratio = self.outlet_bar / self.inlet_bar
        if self.process == "isothermal":
            ideal = math.log(ratio)
        else:
            power = (self.isentropic_exponent - 1.0) / self.isentropic_exponent
            ideal = self.stages / power * (ratio ** (power / self.stages) - 1.0)
        return gas * ideal / (self.efficiency * self.drive_efficiency) / JOULES_PER_KWH

    @property
    def size_spec(self) -> Size:
        """Electric input, or gas delivered."""
        size = self.power_kw if self.flow_kg_per_hour is None else self.flow_kg_per_hour
        if size is None:
            raise ValueError("no size; the schema asks for one")
        return size

    @property
    def source(self) -> str:
        """Electricity."""
        return "electricity"

    @property
    def product(self) -> str:
        """The gas at outlet pressure."""
        return self.to_carrier

    def outputs(self, given: InputSeries) -> Mapping[str, Ratio]:
        """Return the gas delivered per kWh of electricity."""
        del given
        return {self.to_carrier: 1.0 / self.work_kwh_per_kg}

    def taken_per_product(self, given: InputSeries) -> Mapping[str, Ratio]:
        """Return the gas drawn per kg delivered."""
        del given
        return {self.from_carrier: 1.0 / (1.0 - self.loss_fraction)}

    @property
    def variable_costs(self) -> tuple[float, float]:
        """No cost per kWh beside its price, and the cost per kg delivered."""
        return 0.0, self.variable_om_per_kg

    def summary(self, r: AssetResults) -> Mapping[str, Quantity]:
        """Return full-load hours, and electricity per kg at full load."""
        figures = dict(super().summary(r))
        figures["consumption"] = r.quantity(self.work_kwh_per_kg, "kWh/kg")
        return figures
