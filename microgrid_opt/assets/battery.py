"""Battery storage: power and energy sized apart, one-way efficiencies, self-discharge, ageing."""

from __future__ import annotations

from typing import Literal

from microgrid_opt.carriers import ELECTRICITY
from microgrid_opt.fields import Efficiency, PositiveHours, PricePerKWh, SizedKW, SizedKWh
from microgrid_opt.formulations.ageing import Ageing
from microgrid_opt.formulations.reservoir import Reservoir


class Battery(Reservoir):
    r"""Battery on the electricity balance.

    $$ e_t = (1-\sigma)^{\Delta t} e_{t-1} + \Delta t\,(\eta_c c_t - d_t/\eta_d), \qquad
       c_t, d_t \le P, \qquad f_{min} E \le e_t \le f_{max} E $$

    | symbol | name | unit |
    |---|---|---|
    | $E, P$ | ``energy_kwh``, ``power_kw``; with ``hours`` $H$: $E = H P$ | kWh, kW |
    | $e_t$ | ``state_of_charge`` at the end of the step | kWh |
    | $c_t, d_t$ | ``charge``, ``discharge`` at the AC terminals | kW |
    | $\eta_c, \eta_d$ | ``charge_efficiency``, ``discharge_efficiency`` | – |
    | $\sigma$ | ``self_discharge_per_hour`` | 1/h |
    | $f_{min}, f_{max}$ | ``min_fraction``, ``max_fraction`` | – |

    Wear costs `discharge_cost_per_kwh` in proportion to throughput, or what ``ageing`` says: by the
    depth of the cycles, with fade by age, replacement or augmentation
    (`microgrid_opt.formulations.ageing`).

    References: Pfenninger & Keirstead (2015), doi:10.1016/j.apenergy.2015.04.102; Xu et al. (2018),
    doi:10.1109/TPWRS.2017.2733339; all variants of start, end and power limits in
    `microgrid_opt.formulations.reservoir`.
    """

    type: Literal["battery"]
    energy_kwh: SizedKWh | None = None
    """Energy capacity between empty and full; may be left out with `hours`."""
    power_kw: SizedKW | None = None
    """Power of charge and discharge at the AC terminals; left out: only the C-rate limits it."""
    hours: PositiveHours | None = None
    """Energy capacity per power: instead of `energy_kwh`, or as the fixed ratio of the two."""
    charge_efficiency: Efficiency
    """Share of what is charged that reaches the store, one way."""
    discharge_efficiency: Efficiency
    """Share of what leaves the store that reaches the terminals, one way."""
    charge_cost_per_kwh: PricePerKWh = 0.0
    """Cost of each kWh charged, at the terminals."""
    discharge_cost_per_kwh: PricePerKWh = 0.0
    """Cost of each kWh discharged, at the terminals (throughput, wear)."""
    ageing: Ageing | None = None
    """Wear by depth of cycle and fade by age, instead of wear in `discharge_cost_per_kwh`."""

    @property
    def carriers(self) -> tuple[str, str]:
        """Electricity both ways."""
        return ELECTRICITY, ELECTRICITY

    @property
    def wears(self) -> Ageing | None:
        """Wear by depth and fade by age."""
        return self.ageing
