"""Battery storage: power and energy sized apart, one-way efficiencies, self-discharge."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from microgrid_opt.fields import Efficiency, PricePerKWh, SizedKW, SizedKWh
from microgrid_opt.formulations.reservoir import Reservoir

if TYPE_CHECKING:
    from microgrid_opt.fields import Size


class Battery(Reservoir):
    r"""Battery on the electricity balance.

    $$ e_t = (1-\sigma)^{\Delta t} e_{t-1} + \Delta t\,(\eta_c c_t - d_t/\eta_d), \qquad
       c_t, d_t \le P, \qquad f_{min} E \le e_t \le f_{max} E $$

    | symbol | name | unit |
    |---|---|---|
    | $E, P$ | ``energy_kwh``, ``power_kw`` | kWh, kW |
    | $e_t$ | ``state_of_charge`` at the end of the step | kWh |
    | $c_t, d_t$ | ``charge``, ``discharge`` at the AC terminals | kW |
    | $\eta_c, \eta_d$ | ``charge_efficiency``, ``discharge_efficiency`` | – |
    | $\sigma$ | ``self_discharge_per_hour`` | 1/h |
    | $f_{min}, f_{max}$ | ``min_fraction``, ``max_fraction`` | – |

    References: Pfenninger & Keirstead (2015), doi:10.1016/j.apenergy.2015.04.102; all variants of
    start, end and power limits in `microgrid_opt.formulations.reservoir`.
    """

    carrier: ClassVar[str] = "electricity"
    unit: ClassVar[str] = "kWh"
    capacity_name: ClassVar[str] = "energy"
    power_name: ClassVar[str] = "power"
    flow_unit: ClassVar[str] = "kW"

    type: Literal["battery"]
    energy_kwh: SizedKWh
    """Energy capacity between empty and full."""
    power_kw: SizedKW | None = None
    """Power of charge and discharge at the AC terminals; left out: only the C-rate limits it."""
    charge_efficiency: Efficiency
    """Share of what is charged that reaches the store, one way."""
    discharge_efficiency: Efficiency
    """Share of what leaves the store that reaches the terminals, one way."""
    charge_cost_per_kwh: PricePerKWh = 0.0
    """Cost of each kWh charged, at the terminals."""
    discharge_cost_per_kwh: PricePerKWh = 0.0
    """Cost of each kWh discharged, at the terminals (throughput, wear)."""

    @property
    def capacity_size(self) -> Size:
        """Energy capacity."""
        return self.energy_kwh

    @property
    def power_size(self) -> Size | None:
        """Power, if it has a size of its own."""
        return self.power_kw

    @property
    def flow_costs(self) -> tuple[float, float]:
        """Cost of charging and of discharging."""
        return self.charge_cost_per_kwh, self.discharge_cost_per_kwh
