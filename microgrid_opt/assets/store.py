"""Store of any carrier: water tank, gas holder, air cavern, silo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self

from pydantic import model_validator

from microgrid_opt.carriers import ELECTRICITY
from microgrid_opt.fields import (
    CarrierName,
    KWhPerUnit,
    PositiveHours,
    PricePerUnit,
    SizedKg,
    SizedKgPerHour,
    SizedKW,
    SizedKWh,
    refuse,
)
from microgrid_opt.formulations import powers
from microgrid_opt.formulations.reservoir import Reservoir
from microgrid_opt.series import SeriesKgPerHour, SeriesKW

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from microgrid_opt.carriers import Carrier

_OF_MASS = (
    "capacity_kg",
    "flow_kg_per_hour",
    "charge_flow_kg_per_hour",
    "discharge_flow_kg_per_hour",
    "inflow_kg_per_hour",
)
_OF_ENERGY = ("energy_kwh", "power_kw", "charge_power_kw", "discharge_power_kw", "inflow_kw")


class Store(Reservoir):
    r"""Store of one carrier of the park, counted in kWh or in kg as the carrier is.

    $$ e_t = (1-\sigma)^{\Delta t} e_{t-1}
       + \Delta t\,\left(\eta_c c_t - \frac{d_t}{\eta_d} + n_t - \lambda E\right), \qquad
       c_t \le P_c, \; d_t \le P_d, \qquad p_t = w\,c_t $$

    | symbol | name | unit |
    |---|---|---|
    | $E$ | ``energy_kwh`` or ``capacity_kg``; with ``hours`` $H$: $E = H P_d$ | kWh or kg |
    | $P_c, P_d$ | ``power_kw`` or ``flow_kg_per_hour``; apart: ``charge_power_kw``, ``discharge_power_kw``, ``charge_flow_kg_per_hour``, ``discharge_flow_kg_per_hour`` | kW or kg/h |
    | $e_t$ | ``state_of_charge`` at the end of the step | kWh or kg |
    | $c_t, d_t$ | ``charge``, ``discharge`` | kW or kg/h |
    | $n_t$ | what is kept of ``inflow_kw`` or ``inflow_kg_per_hour`` | kW or kg/h |
    | $w, p_t$ | ``charging_kwh_per_unit``, and the electricity drawn | kWh/unit, kW |
    | $\sigma, \lambda$ | ``self_discharge_per_hour``, ``standing_loss_per_hour`` | 1/h |
    | $\eta_c, \eta_d$ | ``charge_efficiency``, ``discharge_efficiency`` | – |

    Compressed air is this store between a compressor and a turbine, two `recipe` plants.

    References: Pfenninger & Keirstead (2015), doi:10.1016/j.apenergy.2015.04.102; all variants of
    start, end, losses and limits in `microgrid_opt.formulations.reservoir`.
    """

    type: Literal["store"]
    carrier: CarrierName
    """What is stored; carriers counted in kWh use the keys in kWh and kW, those in kg the others."""
    energy_kwh: SizedKWh | None = None
    """Capacity of a carrier counted in kWh; may be left out with `hours`."""
    capacity_kg: SizedKg | None = None
    """Capacity of a carrier counted in kg; may be left out with `hours`."""
    power_kw: SizedKW | None = None
    """Largest charge and largest discharge, one plant for both; left out: no limit."""
    charge_power_kw: SizedKW | None = None
    """Largest charge, with a size of its own."""
    discharge_power_kw: SizedKW | None = None
    """Largest discharge, with a size of its own."""
    flow_kg_per_hour: SizedKgPerHour | None = None
    """Largest charge and largest discharge, one plant for both; left out: no limit."""
    charge_flow_kg_per_hour: SizedKgPerHour | None = None
    """Largest charge, with a size of its own."""
    discharge_flow_kg_per_hour: SizedKgPerHour | None = None
    """Largest discharge, with a size of its own."""
    hours: PositiveHours | None = None
    """Capacity per discharge: instead of a capacity, or as the fixed ratio of the two."""
    inflow_kw: SeriesKW | None = None
    """Natural inflow of a carrier counted in kWh; what finds no room is spilled."""
    inflow_kg_per_hour: SeriesKgPerHour | None = None
    """Natural inflow of a carrier counted in kg, such as rain; what finds no room is spilled."""
    charging_kwh_per_unit: KWhPerUnit = 0.0
    """Electricity for each kWh or kg charged: pumping, compression."""
    charge_cost_per_unit: PricePerUnit = 0.0
    """Cost of each kWh or kg charged."""
    discharge_cost_per_unit: PricePerUnit = 0.0
    """Cost of each kWh or kg discharged."""

    @model_validator(mode="after")
    def _one_unit(self) -> Self:
        inflow = ("inflow_kw", "inflow_kg_per_hour")
        wrong, right = inflow if self.unit == "kg" else reversed(inflow)
        if getattr(self, wrong) is not None:
            raise refuse(
                "store",
                f"does not go with the other keys, which count in {self.unit}: give `{right}`.",
                path=(wrong,),
            )
        if self.charging_kwh_per_unit and self.carrier == ELECTRICITY:
            raise refuse(
                "store",
                "is for other carriers: of electricity give `charge_efficiency`.",
                path=("charging_kwh_per_unit",),
            )
        return self

    def misfits(self, place: str, carrier: Callable[[str], Carrier]) -> Iterator[tuple[str, str]]:
        """Refuse keys in another unit than the carrier's."""
        del place
        unit = carrier(self.carrier).unit
        if unit != self.unit:
            keys = _OF_MASS if unit == "kg" else _OF_ENERGY
            yield (
                "carrier",
                f"is counted in {unit}: use `{keys[0]}`, `{keys[1]}` and the other keys in {unit}.",
            )

    @property
    def carriers(self) -> tuple[str, str]:
        """The carrier both ways."""
        return self.carrier, self.carrier

    @property
    def unit(self) -> Literal["kWh", "kg"]:
        """Unit of the keys that are given."""
        return "kg" if any(getattr(self, key) is not None for key in _OF_MASS[:-1]) else "kWh"

    @property
    def capacity_key(self) -> str:
        """Capacity in the carrier's unit."""
        return (_OF_MASS if self.unit == "kg" else _OF_ENERGY)[0]

    @property
    def power_keys(self) -> tuple[str, str]:
        """One plant for both ways, or one for each."""
        _, both, into, out, _ = _OF_MASS if self.unit == "kg" else _OF_ENERGY
        return powers.keys(self, both, into, out)

    @property
    def hours_of_discharge(self) -> float | None:
        """Capacity per discharge."""
        return self.hours

    @property
    def inflow_key(self) -> str | None:
        """Natural inflow in the carrier's unit."""
        key = (_OF_MASS if self.unit == "kg" else _OF_ENERGY)[4]
        return None if getattr(self, key) is None else key

    @property
    def flow_costs(self) -> tuple[float, float]:
        """Cost of charging and of discharging."""
        return self.charge_cost_per_unit, self.discharge_cost_per_unit

    @property
    def charging_work(self) -> float:
        """Electricity of charging."""
        return self.charging_kwh_per_unit
