"""Boilers: fuel or electricity to heat at a constant efficiency."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from microgrid_opt.fields import CarrierName, Efficiency, PricePerKWh, SizedKW
from microgrid_opt.formulations.converter import Converter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from microgrid_opt.fields import Size
    from microgrid_opt.formulations.converter import InputSeries, Ratio


class Boiler(Converter):
    """Fields of every boiler; a technology names the carrier that it burns or takes."""

    heat_carrier: CarrierName = "heat"
    """Heat that is delivered, by its temperature level."""
    power_kw: SizedKW
    """Power at full load."""
    size_on: Literal["input", "output"] = "output"
    """Side on which the size is counted: heat delivered, or what is taken."""
    efficiency: Efficiency
    """Heat delivered per kWh taken; fuels by their lower heating value."""
    variable_om_per_kwh: PricePerKWh = 0.0
    """Operating cost of each kWh of heat."""
    input_cost_per_kwh: PricePerKWh = 0.0
    """Operating cost of each kWh taken, beside the price of the carrier."""

    @property
    def size_spec(self) -> Size:
        """Power on the side of `size_on`."""
        return self.power_kw

    @property
    def product(self) -> str:
        """Heat."""
        return self.heat_carrier

    def outputs(self, given: InputSeries) -> Mapping[str, Ratio]:
        """Return the heat per kWh taken."""
        del given
        return {self.heat_carrier: self.efficiency}

    @property
    def variable_costs(self) -> tuple[float, float]:
        """Cost per kWh taken and per kWh of heat."""
        return self.input_cost_per_kwh, self.variable_om_per_kwh
