"""Electrolyser: electricity to hydrogen at a constant specific consumption."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from microgrid_opt.fields import Fraction, KWhPerKg, PricePerKg, PricePerKWh, SizedKW
from microgrid_opt.formulations.converter import Converter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from microgrid_opt.fields import Size


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

    source: ClassVar[str] = "electricity"
    source_unit: ClassVar[str] = "kW"
    product: ClassVar[str] = "hydrogen"

    type: Literal["electrolyser"]
    power_kw: SizedKW
    """Electric input at full load."""
    size_on: Literal["input"] = "input"
    """Side on which the size is counted."""
    consumption_kwh_per_kg: KWhPerKg
    """Electricity per kg of hydrogen, auxiliaries included."""
    heat_recovery_fraction: Fraction = 0.0
    """Heat delivered to the heat balance per kWh of electricity."""
    variable_om_per_kwh: PricePerKWh = 0.0
    """Operating cost of each kWh of electricity taken."""
    variable_om_per_kg: PricePerKg = 0.0
    """Operating cost of each kg made (water, stack wear)."""

    @property
    def size_spec(self) -> Size:
        """Electric input."""
        return self.power_kw

    @property
    def outputs(self) -> Mapping[str, float]:
        """Hydrogen and recovered heat per kWh of electricity."""
        return {
            "hydrogen": 1.0 / self.consumption_kwh_per_kg,
            "heat": self.heat_recovery_fraction,
        }

    @property
    def variable_costs(self) -> tuple[float, float]:
        """Cost per kWh taken and per kg made."""
        return self.variable_om_per_kwh, self.variable_om_per_kg
