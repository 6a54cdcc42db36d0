"""Hydrogen store: a tank by mass, with the electricity that compression into it takes."""

from __future__ import annotations

from typing import Literal

from microgrid_opt.fields import EnergyPerKg, PricePerKg, SizedKg, SizedKgPerHour
from microgrid_opt.formulations.reservoir import Reservoir


class HydrogenStore(Reservoir):
    r"""Hydrogen tank on the hydrogen balance.

    $$ e_t = (1-\sigma)^{\Delta t} e_{t-1} + \Delta t\,(\eta_c c_t - d_t/\eta_d), \qquad
       p_t = w\,c_t $$

    | symbol | name | unit |
    |---|---|---|
    | $E$ | ``capacity_kg``, usable mass | kg |
    | $e_t$ | ``state_of_charge`` at the end of the step | kg |
    | $c_t, d_t$ | ``charge``, ``discharge`` | kg/h |
    | $w$ | ``compression_kwh_per_kg`` | kWh/kg |
    | $p_t$ | electricity drawn for compression | kW |
    | $\eta_c, \eta_d, \sigma$ | ``charge_efficiency``, ``discharge_efficiency``, ``self_discharge_per_hour`` | –, –, 1/h |

    References: Pfenninger & Keirstead (2015), doi:10.1016/j.apenergy.2015.04.102; all variants of
    start, end and flow limits in `microgrid_opt.formulations.reservoir`.
    """

    type: Literal["hydrogen_store"]
    capacity_kg: SizedKg
    """Usable mass between empty and full."""
    flow_kg_per_hour: SizedKgPerHour | None = None
    """Largest charge and discharge; left out: only the C-rate limits it."""
    compression_kwh_per_kg: EnergyPerKg = 0.0
    """Electricity for compressing each kg that is charged."""
    charge_cost_per_kg: PricePerKg = 0.0
    """Cost of each kg charged."""
    discharge_cost_per_kg: PricePerKg = 0.0
    """Cost of each kg discharged."""

    @property
    def carriers(self) -> tuple[str, str]:
        """Hydrogen both ways."""
        return "hydrogen", "hydrogen"

    @property
    def unit(self) -> Literal["kWh", "kg"]:
        """Mass."""
        return "kg"

    @property
    def capacity_key(self) -> str:
        """Usable mass."""
        return "capacity_kg"

    @property
    def power_keys(self) -> tuple[str, str]:
        """One limit for both ways."""
        return "flow_kg_per_hour", "flow_kg_per_hour"

    @property
    def charging_work(self) -> float:
        """Electricity of compression."""
        return self.compression_kwh_per_kg
