"""Generator: gas engine, gas turbine or diesel set, with heat where it is recovered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from microgrid_opt.carriers import ELECTRICITY
from microgrid_opt.fields import Efficiency, Fraction, PricePerKWh, SizedKW
from microgrid_opt.formulations.fuel import FuelConverter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from microgrid_opt.fields import Size
    from microgrid_opt.formulations.converter import InputSeries, Ratio


class Generator(FuelConverter):
    r"""Engine or turbine sized in kW of electricity, for one fuel or a blend.

    $$ p_t = \eta \sum_k \epsilon_k f_{k,t}, \qquad q_t = \phi \sum_k \epsilon_k f_{k,t}, \qquad
       p_t \le a_t\,P $$

    | symbol | name | unit |
    |---|---|---|
    | $f_{k,t}$ | ``fuel`` or each of ``fuels``, burnt | kW |
    | $\epsilon_k$ | ``efficiency_factor`` | – |
    | $p_t, q_t$ | electricity and heat delivered | kW |
    | $\eta, \phi$ | ``electric_efficiency``, ``heat_recovery_fraction`` | – |
    | $a_t$ | ``available_fraction`` | – |
    | $P$ | ``power_kw`` | kW |

    References: efficiency on the lower heating value as in ISO 3046-1:2002 (engines) and
    ISO 2314:2009 (gas turbines); equations in `microgrid_opt.formulations.fuel`.
    """

    type: Literal["generator"]
    power_kw: SizedKW
    """Electricity at full load."""
    size_on: Literal["output"] = "output"
    """Side on which the size is counted."""
    electric_efficiency: Efficiency
    """Electricity per lower heating value of the fuel."""
    heat_recovery_fraction: Fraction = 0.0
    """Heat delivered per lower heating value of the fuel; what nobody needs has to go to a `dump`."""
    variable_om_per_kwh: PricePerKWh = 0.0
    """Operating cost of each kWh of electricity."""

    @property
    def size_spec(self) -> Size:
        """Electric output."""
        return self.power_kw

    @property
    def product(self) -> str:
        """Electricity."""
        return ELECTRICITY

    @property
    def total_yield(self) -> float:
        """Electricity and heat."""
        return self.electric_efficiency + self.heat_recovery_fraction

    def outputs(self, given: InputSeries) -> Mapping[str, Ratio]:
        """Return electricity and heat per kWh of effective fuel."""
        del given
        return {
            ELECTRICITY: self.electric_efficiency,
            self.heat_carrier: self.heat_recovery_fraction,
        }

    @property
    def variable_costs(self) -> tuple[float, float]:
        """No cost per kWh of fuel, and the cost per kWh of electricity."""
        return 0.0, self.variable_om_per_kwh
