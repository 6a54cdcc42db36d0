"""Molten-salt store: charged by an electric heater or by hotter heat, gives steam."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self

from pydantic import model_validator

from microgrid_opt.fields import (
    CarrierName,
    Efficiency,
    LossPerDay,
    PositiveHours,
    PricePerKWh,
    SizedKW,
    SizedKWh,
    refuse,
)
from microgrid_opt.formulations.reservoir import Reservoir

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from microgrid_opt.carriers import Carrier


class MoltenSalt(Reservoir):
    r"""Two-tank salt store: heater, hot salt and steam generator, each with a size of its own.

    $$ e_t = (1-\nu)^{\Delta t/24} e_{t-1} + \Delta t\,\left(\eta_c c_t - \frac{d_t}{\eta_d}\right),
       \qquad c_t \le P_c, \; d_t \le P_d, \qquad f_{min} E \le e_t \le E $$

    | symbol | name | unit |
    |---|---|---|
    | $E$ | ``energy_kwh``; with ``hours`` $H$: $E = H P_d$ | kWh of heat in the salt |
    | $P_c$ | ``charge_power_kw``: heater, counted on what it takes | kW |
    | $P_d$ | ``discharge_power_kw``: steam generator, counted on the heat it gives | kW |
    | $e_t$ | ``state_of_charge`` at the end of the step | kWh |
    | $c_t$ | ``charge``: what is taken of ``charge_carrier`` | kW |
    | $d_t$ | ``discharge``: heat given to ``heat_carrier`` | kW |
    | $\eta_c, \eta_d$ | ``charge_efficiency``, ``discharge_efficiency`` | – |
    | $\nu$ | ``loss_per_day`` | 1/day |
    | $f_{min}$ | ``min_fraction``: salt that stays in the hot tank | – |

    Heater and steam generator may run at once: the salt flows through.

    References: Caraballo et al. (2021), Molten Salts for Sensible Thermal Energy Storage: A Review and
    an Energy Performance Analysis, doi:10.3390/en14041197; balance as in
    `microgrid_opt.formulations.reservoir`.
    """

    type: Literal["molten_salt"]
    charge_carrier: CarrierName = "electricity"
    """What heats the salt: electricity, or heat that is at least as hot as what is given."""
    heat_carrier: CarrierName = "heat"
    """Heat that is given, such as steam."""
    energy_kwh: SizedKWh | None = None
    """Heat between cold and hot salt; may be left out with `hours`."""
    charge_power_kw: SizedKW | None = None
    """Heater, or heat exchanger, counted on what it takes; left out: no limit."""
    discharge_power_kw: SizedKW | None = None
    """Steam generator, counted on the heat it gives; left out: no limit."""
    hours: PositiveHours | None = None
    """Capacity per power of the steam generator: instead of `energy_kwh`, or as the fixed ratio."""
    charge_efficiency: Efficiency
    """Heat in the salt per kWh taken."""
    loss_per_day: LossPerDay = 0.0
    """Share of the content lost in a day, instead of `self_discharge_per_hour`."""
    charge_cost_per_kwh: PricePerKWh = 0.0
    """Cost of each kWh taken."""
    discharge_cost_per_kwh: PricePerKWh = 0.0
    """Cost of each kWh of heat given."""

    @model_validator(mode="after")
    def _one_loss(self) -> Self:
        if self.loss_per_day and self.self_discharge_per_hour:
            raise refuse(
                "molten_salt",
                "states the loss a second time: leave out this or `self_discharge_per_hour`.",
                path=("loss_per_day",),
            )
        return self

    def misfits(self, place: str, carrier: Callable[[str], Carrier]) -> Iterator[tuple[str, str]]:
        """Refuse carriers in kg, and heat that would have to rise in temperature."""
        yield from super().misfits(place, carrier)
        source, product = (
            carrier(name).temperature_degc for name in (self.charge_carrier, self.heat_carrier)
        )
        if source is not None and product is not None and source < product:
            yield (
                "charge_carrier",
                f"has {source:g} °C, `heat_carrier` {product:g} °C: heat does not rise. Charge with "
                "a hotter carrier or with electricity.",
            )

    @property
    def carriers(self) -> tuple[str, str]:
        """What heats the salt, and the heat that is given."""
        return self.charge_carrier, self.heat_carrier

    @property
    def power_keys(self) -> tuple[str, str]:
        """Heater and steam generator."""
        return "charge_power_kw", "discharge_power_kw"

    @property
    def kept_per_hour(self) -> float:
        """Share of the content that an hour leaves."""
        hour = super().kept_per_hour
        return hour if not self.loss_per_day else float((1.0 - self.loss_per_day) ** (1.0 / 24.0))
