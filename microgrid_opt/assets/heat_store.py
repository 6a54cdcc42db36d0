"""Heat store: a hot-water tank, or a store of heat at any other level."""

from __future__ import annotations

from typing import Literal

from microgrid_opt.fields import CarrierName, PositiveHours, PricePerKWh, SizedKW, SizedKWh
from microgrid_opt.formulations import powers
from microgrid_opt.formulations.reservoir import Reservoir


class HeatStore(Reservoir):
    r"""Heat store on the balance of one heat carrier.

    $$ e_t = (1-\sigma)^{\Delta t} e_{t-1}
       + \Delta t\,\left(\eta_c c_t - \frac{d_t}{\eta_d} - \lambda E\right), \qquad
       c_t \le P_c, \; d_t \le P_d $$

    | symbol | name | unit |
    |---|---|---|
    | $E$ | ``energy_kwh``; with ``hours`` $H$: $E = H P_d$ | kWh |
    | $P_c, P_d$ | ``power_kw``, or apart ``charge_power_kw`` and ``discharge_power_kw`` | kW |
    | $e_t$ | ``state_of_charge`` at the end of the step, above the temperature of the return | kWh |
    | $c_t, d_t$ | ``charge``, ``discharge`` | kW |
    | $\sigma$ | ``self_discharge_per_hour``: loss in proportion to the content | 1/h |
    | $\lambda$ | ``standing_loss_per_hour``: loss of an empty tank, which is warmer than its surroundings | 1/h |
    | $\eta_c, \eta_d$ | ``charge_efficiency``, ``discharge_efficiency`` | – |

    References: losses by content and by capacity as `loss_rate` and `fixed_losses_relative` in Krien
    et al. (2020), oemof.solph, doi:10.1016/j.simpa.2020.100028; a store of one temperature, and what
    it overlooks, in Schütz, Streblow & Müller (2015), doi:10.1016/j.enbuild.2015.02.031; balance as
    in `microgrid_opt.formulations.reservoir`.
    """

    type: Literal["heat_store"]
    heat_carrier: CarrierName = "heat"
    """Heat that is stored."""
    energy_kwh: SizedKWh | None = None
    """Heat between empty and full; may be left out with `hours`."""
    power_kw: SizedKW | None = None
    """Largest charge and largest discharge, of one size; left out: no limit."""
    charge_power_kw: SizedKW | None = None
    """Largest charge, with a size of its own."""
    discharge_power_kw: SizedKW | None = None
    """Largest discharge, with a size of its own."""
    hours: PositiveHours | None = None
    """Capacity per discharge power: instead of `energy_kwh`, or as the fixed ratio of the two."""
    charge_cost_per_kwh: PricePerKWh = 0.0
    """Cost of each kWh charged."""
    discharge_cost_per_kwh: PricePerKWh = 0.0
    """Cost of each kWh discharged."""

    @property
    def carriers(self) -> tuple[str, str]:
        """Heat of one level both ways."""
        return self.heat_carrier, self.heat_carrier

    @property
    def power_keys(self) -> tuple[str, str]:
        """One size for both ways, or one for each."""
        return powers.keys(self, "power_kw", "charge_power_kw", "discharge_power_kw")
