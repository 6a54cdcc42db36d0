"""Fuel cell: hydrogen to electricity, with heat where it is recovered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from microgrid_opt.carriers import HYDROGEN_LHV_KWH_PER_KG
from microgrid_opt.fields import CarrierName, Efficiency, Fraction, PricePerKWh, SizedKW
from microgrid_opt.formulations.converter import Converter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from microgrid_opt.fields import Size
    from microgrid_opt.formulations.converter import InputSeries, Ratio


class FuelCell(Converter):
    r"""Fuel cell sized in kW of electricity delivered.

    $$ p_t = \eta\,H\,i_t, \qquad q_t = \phi\,H\,i_t, \qquad p_t \le P $$

    | symbol | name | unit |
    |---|---|---|
    | $i_t$ | ``input``, hydrogen | kg/h |
    | $p_t, q_t$ | electricity and heat delivered | kW |
    | $\eta$ | ``electric_efficiency`` on the lower heating value | – |
    | $\phi$ | ``heat_recovery_fraction`` on the lower heating value | – |
    | $H$ | lower heating value of hydrogen, 33.33 | kWh/kg |
    | $P$ | ``power_kw`` | kW |

    References: efficiency on the lower heating value as in IEC 62282-3-200:2015; equations in
    `microgrid_opt.formulations.converter`.
    """

    type: Literal["fuel_cell"]
    power_kw: SizedKW
    """Electricity delivered at full load."""
    size_on: Literal["output"] = "output"
    """Side on which the size is counted."""
    electric_efficiency: Efficiency
    """Electricity per lower heating value of the hydrogen."""
    heat_recovery_fraction: Fraction = 0.0
    """Heat delivered per lower heating value of the hydrogen."""
    heat_carrier: CarrierName = "heat"
    """Balance that the recovered heat serves."""
    variable_om_per_kwh: PricePerKWh = 0.0
    """Operating cost of each kWh of electricity made."""

    @property
    def size_spec(self) -> Size:
        """Electric output."""
        return self.power_kw

    @property
    def source(self) -> str:
        """Carrier that is taken."""
        return "hydrogen"

    @property
    def product(self) -> str:
        """Carrier that is made."""
        return "electricity"

    def outputs(self, given: InputSeries) -> Mapping[str, Ratio]:
        """Return electricity and heat per kg of hydrogen."""
        del given
        return {
            "electricity": self.electric_efficiency * HYDROGEN_LHV_KWH_PER_KG,
            self.heat_carrier: self.heat_recovery_fraction * HYDROGEN_LHV_KWH_PER_KG,
        }

    @property
    def variable_costs(self) -> tuple[float, float]:
        """No cost per kg taken, and the cost per kWh made."""
        return 0.0, self.variable_om_per_kwh
