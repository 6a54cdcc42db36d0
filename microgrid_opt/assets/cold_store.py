"""Cold store: chilled water or ice, with the electricity that making ice takes."""

from __future__ import annotations

from typing import Literal

from microgrid_opt.fields import (
    CarrierName,
    KWhPerKWh,
    PositiveHours,
    PricePerKWh,
    SizedKW,
    SizedKWh,
)
from microgrid_opt.formulations import powers
from microgrid_opt.formulations.reservoir import Reservoir


class ColdStore(Reservoir):
    r"""Cold store on the balance of one cold carrier.

    $$ e_t = (1-\sigma)^{\Delta t} e_{t-1}
       + \Delta t\,\left(\eta_c c_t - \frac{d_t}{\eta_d} - \lambda E\right), \qquad p_t = w\,c_t $$

    | symbol | name | unit |
    |---|---|---|
    | $E$ | ``energy_kwh``; with ``hours`` $H$: $E = H P_d$ | kWh |
    | $P_c, P_d$ | ``power_kw``, or apart ``charge_power_kw`` and ``discharge_power_kw`` | kW |
    | $e_t$ | ``state_of_charge``: cold held at the end of the step | kWh |
    | $c_t, d_t$ | ``charge``, ``discharge`` | kW |
    | $w$ | ``ice_penalty_kwh_per_kwh`` | kWh/kWh |
    | $p_t$ | electricity drawn beside that of the chiller | kW |
    | $\sigma, \lambda$ | ``self_discharge_per_hour``, ``standing_loss_per_hour`` | 1/h |
    | $\eta_c, \eta_d$ | ``charge_efficiency``, ``discharge_efficiency`` | – |

    The penalty is the difference of the chiller's electricity per kWh of cold when it makes ice and
    when it makes chilled water: 1/COP(ice) − 1/COP(water).

    References: Dincer & Rosen (2011), Thermal Energy Storage: Systems and Applications, 2nd edition,
    chapter on cold storage; balance as in `microgrid_opt.formulations.reservoir`.
    """

    type: Literal["cold_store"]
    cold_carrier: CarrierName = "cold"
    """Cold that is stored."""
    energy_kwh: SizedKWh | None = None
    """Cold between empty and full; may be left out with `hours`."""
    power_kw: SizedKW | None = None
    """Largest charge and largest discharge, of one size; left out: no limit."""
    charge_power_kw: SizedKW | None = None
    """Largest charge, with a size of its own."""
    discharge_power_kw: SizedKW | None = None
    """Largest discharge, with a size of its own."""
    hours: PositiveHours | None = None
    """Capacity per discharge power: instead of `energy_kwh`, or as the fixed ratio of the two."""
    ice_penalty_kwh_per_kwh: KWhPerKWh = 0.0
    """Electricity for each kWh of cold charged, beside that of the chiller: making ice at a lower
    temperature, pumping."""
    charge_cost_per_kwh: PricePerKWh = 0.0
    """Cost of each kWh charged."""
    discharge_cost_per_kwh: PricePerKWh = 0.0
    """Cost of each kWh discharged."""

    @property
    def carriers(self) -> tuple[str, str]:
        """Cold of one level both ways."""
        return self.cold_carrier, self.cold_carrier

    @property
    def power_keys(self) -> tuple[str, str]:
        """One size for both ways, or one for each."""
        return powers.keys(self, "power_kw", "charge_power_kw", "discharge_power_kw")

    @property
    def charging_work(self) -> float:
        """Electricity of making ice."""
        return self.ice_penalty_kwh_per_kwh
