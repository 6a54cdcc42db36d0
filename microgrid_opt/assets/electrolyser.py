"""Electrolyser: electricity to hydrogen, with part load, standby, stack wear, heat and water."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from microgrid_opt.carriers import HYDROGEN_LHV_KWH_PER_KG
from microgrid_opt.fields import (
    CarrierName,
    Fraction,
    Frozen,
    Hours,
    KgPerKg,
    KWhPerKg,
    MoneyPerKW,
    PositiveFraction,
    PositiveHours,
    PricePerKg,
    PricePerKWh,
    SizedKW,
)
from microgrid_opt.formulations.converter import Converter
from microgrid_opt.formulations.partload import LoadPoint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from microgrid_opt.carriers import Carrier
    from microgrid_opt.fields import Size
    from microgrid_opt.formulations.commitment import Commitment
    from microgrid_opt.formulations.converter import InputSeries, Ratio
    from microgrid_opt.results import AssetResults, Quantity

OXYGEN_KG_PER_KG = 15.999 / 2.016
"""Oxygen beside each kg of hydrogen: O : H2 by standard atomic weights (IUPAC 2021)."""
SAME = 1e-9


class ConsumptionAtLoad(Frozen):
    """Specific consumption at one load."""

    load_fraction: PositiveFraction
    """Electric input as a share of the size."""
    kwh_per_kg: KWhPerKg
    """Electricity per kg of hydrogen at this load, auxiliaries included."""


class Stack(Frozen):
    """Wear of the stack, as the money that its replacement costs for each hour of its life."""

    cost_per_kw: MoneyPerKW
    """Price of a new stack for each kW of the electrolyser's size."""
    life_hours: PositiveHours
    """Hours on that a stack lasts."""
    hours_per_start: Hours = 0.0
    """Life that a start from off takes, on top of the hours on."""


class Electrolyser(Converter):
    r"""Electrolyser sized in kW of electricity, alkaline, PEM or solid oxide by its figures.

    $$ m_t = i_t / w \quad\text{or}\quad m_t \le \frac{P}{w_1}\,F(i_t / P), \;
       F(x_k) = x_k\,w_1 / w_k, \qquad i_t \le P $$
    $$ q_t = \phi\, i_t, \qquad h_t = \omega\,m_t, \qquad o_t = 7.936\,m_t $$
    $$ C_{stack} = \frac{k}{L}\,P \left( \sum_t h_t\,u_t + h_v \sum_t v_t \right) $$

    | symbol | name | unit |
    |---|---|---|
    | $i_t$ | ``input``, electricity incl. auxiliaries | kW |
    | $m_t$ | hydrogen; with part load ``output`` | kg/h |
    | $w$ | ``consumption_kwh_per_kg`` | kWh/kg |
    | $x_k, w_k$ | ``load_fraction`` and ``kwh_per_kg`` of ``consumption_by_load``; $w_1$ at full load | –, kWh/kg |
    | $q_t$ | heat that is recovered | kW |
    | $\phi$ | ``heat_recovery_fraction`` | – |
    | $h_t, \omega$ | water taken, ``water_kg_per_kg`` | kg/h, kg/kg |
    | $o_t$ | oxygen, where it has an ``oxygen_carrier`` | kg/h |
    | $P$ | ``power_kw`` | kW |
    | $k, L, h_v$ | of ``stack``: ``cost_per_kw``, ``life_hours``, ``hours_per_start`` | currency/kW, h, h |
    | $u_t, v_t$ | on, and started in this step, by ``commitment`` | 0/1 |

    Wear of the stack stands in the ledger under `running` and `start`; leave out its replacement
    elsewhere. An alkaline electrolyser typically runs down to 20–40 % of its load with cold starts of an
    hour or two, PEM to 5–10 % with starts of minutes.

    References: specific consumption as system boundary in ISO 22734:2019; part-load range, starts and
    consumption by technology in Buttler & Spliethoff (2018), Current status of water electrolysis for
    energy storage, grid balancing and sector coupling, doi:10.1016/j.rser.2017.09.003; production,
    standby and off in Varela, Mostafa & Zondervan (2021), Modeling alkaline water electrolysis for
    power-to-x applications: a scheduling approach, doi:10.1016/j.ijhydene.2020.12.111; equations in
    `microgrid_opt.formulations.converter`.
    """

    type: Literal["electrolyser"]
    power_kw: SizedKW
    """Electric input at full load."""
    size_on: Literal["input"] = "input"
    """Side on which the size is counted."""
    consumption_kwh_per_kg: KWhPerKg | None = None
    """Electricity per kg of hydrogen at every load, auxiliaries included."""
    consumption_by_load: tuple[ConsumptionAtLoad, ...] | None = None
    """Electricity per kg of hydrogen by load, up to full load, instead of one figure."""
    part_load: tuple[LoadPoint, ...] | None = None
    """Not used: `consumption_by_load` tells the same in kWh/kg."""
    heat_recovery_fraction: Fraction = 0.0
    """Heat delivered per kWh of electricity taken, at every load; at most what does not become
    hydrogen. What nobody needs has to go to a `dump`."""
    heat_carrier: CarrierName = "heat"
    """Balance that the recovered heat serves."""
    water_kg_per_kg: KgPerKg = 0.0
    """Water taken per kg of hydrogen, losses of its treatment included; needs `water_carrier`."""
    water_carrier: CarrierName | None = None
    """Carrier of the water, counted in kg; left out: water is free."""
    oxygen_carrier: CarrierName | None = None
    """Carrier that takes the oxygen, counted in kg; left out: it is blown off."""
    stack: Stack | None = None
    """Wear of the stack by hours on and starts; needs `commitment`."""
    variable_om_per_kwh: PricePerKWh = 0.0
    """Operating cost of each kWh of electricity taken for hydrogen."""
    variable_om_per_kg: PricePerKg = 0.0
    """Operating cost of each kg made (water, or stack wear by throughput)."""

    def problems(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield what does not go together."""
        one, several = self.consumption_kwh_per_kg, self.consumption_by_load
        if (one is None) == (several is None):
            told = "are both given" if several is not None else "are both missing"
            yield (
                (),
                f"`consumption_kwh_per_kg` and `consumption_by_load` {told}: give exactly one.",
            )
            return
        if self.part_load is not None:
            yield ("part_load",), "is told by `consumption_by_load`, in kWh/kg: give that instead."
        yield from super().problems()
        best = one if several is None else min(point.kwh_per_kg for point in several)
        key = "consumption_kwh_per_kg" if several is None else "consumption_by_load"
        made = HYDROGEN_LHV_KWH_PER_KG / (best or 1.0)
        if made > 1.0 + SAME:
            yield (
                (key,),
                f"is below {HYDROGEN_LHV_KWH_PER_KG} kWh/kg, the lower heating value: more energy "
                "would come out than goes in.",
            )
        elif self.heat_recovery_fraction > 1.0 - made + SAME:
            yield (
                ("heat_recovery_fraction",),
                f"is more than {1.0 - made:.3g}, what does not become hydrogen at {best:g} kWh/kg.",
            )
        if bool(self.water_kg_per_kg) != (self.water_carrier is not None):
            yield (), "`water_kg_per_kg` and `water_carrier` go together: give both or neither."
        if self.stack is not None and self.commitment is None:
            yield (
                ("stack",),
                "needs `commitment`, which knows the hours on: add it, or give the wear as "
                "`variable_om_per_kg`.",
            )

    def misfits(self, place: str, carrier: Callable[[str], Carrier]) -> Iterator[tuple[str, str]]:
        """Refuse heat in kg, and water and oxygen in kWh."""
        del place
        if self.heat_recovery_fraction and carrier(self.heat_carrier).unit != "kWh":
            yield "heat_carrier", "is no heat: name a heat carrier, counted in kWh."
        for key in ("water_carrier", "oxygen_carrier"):
            name = getattr(self, key)
            if name is not None and carrier(name).unit != "kg":
                yield key, "is not counted in kg: name a carrier that is."

    @property
    def size_spec(self) -> Size:
        """Electric input."""
        return self.power_kw

    @property
    def source(self) -> str:
        """Carrier that is taken."""
        return "electricity"

    @property
    def product(self) -> str:
        """Carrier that is made."""
        return "hydrogen"

    @property
    def full_load_kwh_per_kg(self) -> float:
        """Specific consumption at full load."""
        if self.consumption_by_load:
            return self.consumption_by_load[-1].kwh_per_kg
        return self.consumption_kwh_per_kg or np.inf

    @property
    def load_points(self) -> tuple[tuple[float, float], ...] | None:
        """Load, and efficiency relative to full load."""
        if self.consumption_by_load is None:
            return None
        full = self.full_load_kwh_per_kg
        return tuple((p.load_fraction, full / p.kwh_per_kg) for p in self.consumption_by_load)

    @property
    def load_points_key(self) -> str:
        """Key from which the points come."""
        return "consumption_by_load"

    @property
    def operation(self) -> Commitment | None:
        """The on/off rules, with the wear of the stack as cost of hours on and of starts."""
        rules, stack = self.commitment, self.stack
        if rules is None or stack is None:
            return rules
        per_hour = stack.cost_per_kw / stack.life_hours
        return rules.model_copy(
            update={
                "running_cost_per_size_hour": rules.running_cost_per_size_hour + per_hour,
                "start_cost_per_size": rules.start_cost_per_size + per_hour * stack.hours_per_start,
            }
        )

    def outputs(self, given: InputSeries) -> Mapping[str, Ratio]:
        """Return hydrogen and recovered heat per kWh of electricity."""
        del given
        return {
            "hydrogen": 1.0 / self.full_load_kwh_per_kg,
            self.heat_carrier: self.heat_recovery_fraction,
        }

    def made_per_product(self, given: InputSeries) -> Mapping[str, Ratio]:
        """Return the oxygen per kg of hydrogen."""
        del given
        return {} if self.oxygen_carrier is None else {self.oxygen_carrier: OXYGEN_KG_PER_KG}

    def taken_per_product(self, given: InputSeries) -> Mapping[str, Ratio]:
        """Return the water per kg of hydrogen."""
        del given
        return {} if self.water_carrier is None else {self.water_carrier: self.water_kg_per_kg}

    @property
    def variable_costs(self) -> tuple[float, float]:
        """Cost per kWh taken and per kg made."""
        return self.variable_om_per_kwh, self.variable_om_per_kg

    def summary(self, r: AssetResults) -> Mapping[str, Quantity]:
        """Return full-load hours, hours on, starts, and electricity per kg, standby included."""
        figures = dict(super().summary(r))
        made = float(self.made(r) @ r.horizon.hours)
        taken = r.energy("input")
        if self.commitment is not None:
            drawn = self.commitment.standby_drawn(r, r.size(self.size_name))
            taken += float(np.sum(drawn.get(self.source, 0.0) * r.horizon.hours))
        if made > 0.0:
            figures["mean_consumption"] = r.quantity(taken / made, "kWh/kg")
        return figures
