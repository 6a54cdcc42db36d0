"""Pumped hydro: pump, turbine and upper reservoir, with natural inflow where there is any."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self

from pydantic import model_validator

from microgrid_opt.carriers import ELECTRICITY
from microgrid_opt.fields import (
    Efficiency,
    PositiveHours,
    PricePerKWh,
    SizedKW,
    SizedKWh,
    refuse,
    require_one,
)
from microgrid_opt.formulations import powers
from microgrid_opt.formulations.reservoir import Reservoir
from microgrid_opt.results import DUST
from microgrid_opt.series import SeriesKW

if TYPE_CHECKING:
    from collections.abc import Mapping

    from microgrid_opt.results import AssetResults, Quantity


class PumpedHydro(Reservoir):
    r"""Pumped-hydro plant on the electricity balance; the content is counted as energy of the water.

    $$ e_t = (1-\sigma)^{\Delta t} e_{t-1}
       + \Delta t\,\left(\eta_c c_t - \frac{d_t}{\eta_d} + n_t\right), \qquad
       c_t \le P_c, \; d_t \le P_d, \qquad 0 \le n_t \le N_t $$

    | symbol | name | unit |
    |---|---|---|
    | $E$ | ``energy_kwh``, or ``reservoir_hours`` $H$: $E = H P_d / \eta_d$ | kWh of water |
    | $P_c$ | ``pump_power_kw``, counted on the electricity taken | kW |
    | $P_d$ | ``turbine_power_kw``, counted on the electricity given | kW |
    | $P_c = P_d$ | ``power_kw`` of one reversible machine | kW |
    | $e_t$ | ``state_of_charge`` at the end of the step | kWh of water |
    | $c_t, d_t$ | ``charge`` (pumping), ``discharge`` (generating) | kW |
    | $\eta_c, \eta_d$ | ``charge_efficiency``, ``discharge_efficiency`` | – |
    | $N_t, n_t$ | ``inflow_kw``; what of it is kept, ``inflow``; the rest is spilled | kW of water |

    The content is what the turbine draws: a full reservoir generates $\eta_d E$, and $H$ hours at full
    turbine power draw $H P_d / \eta_d$.

    References: Rehman, Al-Hadhrami & Alam (2015), Pumped hydro energy storage system: A technological
    review, Renewable and Sustainable Energy Reviews 44, 586-598; natural inflow and spill as in
    Hörsch et al. (2018), PyPSA-Eur, doi:10.1016/j.esr.2018.08.012; variants in
    `microgrid_opt.formulations.reservoir`.
    """

    type: Literal["pumped_hydro"]
    energy_kwh: SizedKWh | None = None
    """Energy of the water between lowest and highest level, as the turbine draws it."""
    reservoir_hours: PositiveHours | None = None
    """Hours for which a full reservoir drives the turbine at full power; instead of `energy_kwh`."""
    power_kw: SizedKW | None = None
    """One reversible machine: largest pumping and largest generation."""
    pump_power_kw: SizedKW | None = None
    """Largest pumping, with a size of its own; goes with `turbine_power_kw`."""
    turbine_power_kw: SizedKW | None = None
    """Largest generation, with a size of its own; goes with `pump_power_kw`."""
    charge_efficiency: Efficiency
    """Energy of the water per kWh of electricity that pumping takes."""
    discharge_efficiency: Efficiency
    """Electricity per kWh of energy of the water."""
    inflow_kw: SeriesKW | None = None
    """Natural inflow as energy of the water; what finds no room is spilled."""
    charge_cost_per_kwh: PricePerKWh = 0.0
    """Cost of each kWh taken by pumping."""
    discharge_cost_per_kwh: PricePerKWh = 0.0
    """Cost of each kWh generated."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        require_one(self, "energy_kwh", "reservoir_hours")
        for key in self.power_keys:
            if self.power_size(key) is None:
                raise refuse(
                    "pumped_hydro",
                    "is missing: give `power_kw` for a reversible machine, or both `pump_power_kw` "
                    "and `turbine_power_kw`.",
                    path=(key,),
                )
        return self

    @property
    def carriers(self) -> tuple[str, str]:
        """Electricity both ways."""
        return ELECTRICITY, ELECTRICITY

    @property
    def power_keys(self) -> tuple[str, str]:
        """One reversible machine, or pump and turbine."""
        return powers.keys(self, "power_kw", "pump_power_kw", "turbine_power_kw")

    @property
    def hours_of_discharge(self) -> float | None:
        """Energy of the water per turbine power."""
        hours = self.reservoir_hours
        return None if hours is None else hours / self.discharge_efficiency

    @property
    def inflow_key(self) -> str | None:
        """Natural inflow, where there is any."""
        return None if self.inflow_kw is None else "inflow_kw"

    def summary(self, r: AssetResults) -> Mapping[str, Quantity]:
        """Return cycles, losses and spill, and full-load hours of pumping and of generating."""
        figures = dict(super().summary(r))
        named = zip(
            ("charge", "discharge"), ("pumping", "generating"), self.power_keys, strict=True
        )
        for flow, word, key in named:
            spec = self.power_size(key)
            power = 0.0 if spec is None else r.size(powers.name_of(key, spec))
            hours = r.energy(flow) / power if power > DUST else 0.0
            figures[f"{word}_full_load_hours"] = r.quantity(hours, "h")
        return figures
