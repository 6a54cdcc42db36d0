"""Electrolyser: electricity to hydrogen at a constant specific consumption."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from microgrid_opt.fields import CarrierName, Fraction, KWhPerKg, PricePerKg, PricePerKWh, SizedKW
from microgrid_opt.formulations.converter import Converter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from microgrid_opt.fields import Size
    from microgrid_opt.formulations.converter import InputSeries, Ratio


class Electrolyser(Converter):
    r"""Electrolyser sized in kW of electricity.

    $$ m_t = i_t / w, \qquad q_t = \phi\, i_t, \qquad i_t \le P $$

    | symbol | name | unit |
    |---|---|---|
    | $i_t$ | ``input``, electricity incl. auxiliaries | kW |
    | $m_t$ | hydrogen | kg/h |
    | $w$ | ``consumption_kwh_per_kg`` | kWh/kg |
    | $q_t$ | heat that is recovered | kW |
    | $\phi$ | ``heat_recovery_fraction`` | – |
    | $P$ | ``power_kw`` | kW |

    References: specific consumption as system boundary in ISO 22734:2019; equations in
    `microgrid_opt.formulations.converter`.
    """

    type: Literal["electrolyser"]
    power_kw: SizedKW
    """Electric input at full load."""
    size_on: Literal["input"] = "input"
    """Side on which the size is counted."""
    consumption_kwh_per_kg: KWhPerKg
    """Electricity per kg of hydrogen, auxiliaries included."""
    heat_recovery_fraction: Fraction = 0.0
    """Heat delivered per kWh of electricity."""
    heat_carrier: CarrierName = "heat"
    """Balance that the recovered heat serves."""
    variable_om_per_kwh: PricePerKWh = 0.0
    """Operating cost of each kWh of electricity taken."""
    variable_om_per_kg: PricePerKg = 0.0
    """Operating cost of each kg made (water, stack wear)."""

    @property
    def size_spec(self) -> Size:
        """Electric input."""
        return self.power_kw

    @property
    def source(self) -> str:
        """Carrier that is taken."""
        return "electricity"

    @property
    def product(self) -> str:
        """Carrier that is made."""
        return "hydrogen"

    def outputs(self, given: InputSeries) -> Mapping[str, Ratio]:
        """Return hydrogen and recovered heat per kWh of electricity."""
        del given
        return {
            "hydrogen": 1.0 / self.consumption_kwh_per_kg,
            self.heat_carrier: self.heat_recovery_fraction,
        }

    @property
    def variable_costs(self) -> tuple[float, float]:
        """Cost per kWh taken and per kg made."""
        return self.variable_om_per_kwh, self.variable_om_per_kg
