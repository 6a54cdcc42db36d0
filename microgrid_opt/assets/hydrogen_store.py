"""Hydrogen store: a tank by mass, with the electricity that compression into it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from microgrid_opt.fields import EnergyPerKg, PricePerKg, SizedKg, SizedKgPerHour
from microgrid_opt.formulations.reservoir import Reservoir

if TYPE_CHECKING:
    from microgrid_opt.audit import AssetAudit
    from microgrid_opt.builder import Builder
    from microgrid_opt.fields import Size

ELECTRICITY = "electricity"


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

    carrier: ClassVar[str] = "hydrogen"
    unit: ClassVar[str] = "kg"
    capacity_name: ClassVar[str] = "capacity"
    power_name: ClassVar[str] = "flow"
    flow_unit: ClassVar[str] = "kg/h"

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
    def capacity_size(self) -> Size:
        """Usable mass."""
        return self.capacity_kg

    @property
    def power_size(self) -> Size | None:
        """Flow limit, if it has a size of its own."""
        return self.flow_kg_per_hour

    @property
    def flow_costs(self) -> tuple[float, float]:
        """Cost of charging and of discharging."""
        return self.charge_cost_per_kg, self.discharge_cost_per_kg

    def build(self, b: Builder) -> None:
        """Write the tank and the electricity of compression."""
        super().build(b)
        if self.compression_kwh_per_kg:
            b.draw(
                ELECTRICITY,
                b.written("charge"),
                factor=self.compression_kwh_per_kg,
                role="conversion",
            )

    def audit(self, a: AssetAudit) -> None:
        """Re-derive the tank and the electricity of compression."""
        super().audit(a)
        power = a.series("charge") * self.compression_kwh_per_kg
        a.equal("compression", a.drawn(ELECTRICITY), power, unit="kW")
