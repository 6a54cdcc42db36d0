r"""A lossy reservoir between an inflow and an outflow; every store of one carrier is this.

$$ e_t = (1-\sigma)^{\Delta t}\, e_{t-1}
   + \Delta t\,\left(\eta_c\,c_t - \frac{d_t}{\eta_d} + n_t - \lambda E\right),
   \qquad f_{min}\,\phi E \le e_t \le f_{max}\,\phi E $$
$$ c_t \le P_c, \quad d_t \le P_d, \quad \text{or } c_t + d_t \le P \text{ (one converter)}, \qquad
   r_{min} E \le P \le r_{max} E, \qquad E = H\,P_d $$
$$ c_t \le \bar P_c\,z_t, \quad d_t \le \bar P_d\,(1 - z_t) \text{ (exclusive)}, \qquad
   0 \le n_t \le N_t $$

| symbol | name | unit |
|---|---|---|
| $e_t$ | ``state_of_charge``, at the end of step $t$ | unit of the carrier |
| $E$ | capacity | same |
| $c_t, d_t$ | ``charge`` and ``discharge`` at the terminals | unit per hour |
| $P_c, P_d$ | power of charge and of discharge; one $P$ for a machine that does both | unit per hour |
| $\bar P$ | declared upper bound of a power | unit per hour |
| $\eta_c, \eta_d$ | ``charge_efficiency``, ``discharge_efficiency`` | – |
| $\sigma$ | ``self_discharge_per_hour`` | 1/h |
| $\lambda$ | ``standing_loss_per_hour`` | 1/h |
| $N_t, n_t$ | natural inflow, and what of it is kept: ``inflow``; the rest is spilled | unit per hour |
| $H$ | hours of discharge at full power, instead of a capacity or as a fixed ratio | h |
| $\phi$ | share of the capacity that the plan may use (ageing) | – |
| $\Delta t$ | ``step_hours`` | h |
| $f_{min}, f_{max}$ | ``min_fraction``, ``max_fraction`` | – |
| $r_{min}, r_{max}$ | ``min_c_rate_per_hour``, ``max_c_rate_per_hour``, of each power | 1/h |
| $z_t$ | ``charging`` | 0/1 |

Sizes that are both given must keep the C-rates and the hours themselves; that is checked when the
park is read. With existing capacity alone, as in a reference plan, the flows stay within all limits.

Natural inflow that is kept counts as renewable generation of $\eta_d n_t$ in the step in which it
flows in, and as charge of the same amount: the two cancel in the balance.

Start and end: with no ``initial_fraction`` the store is cyclic, its state before the first step is
that after the last one and free; with ``initial_fraction`` $f_0$ the state before the first step is
$f_0 \phi E$, and the end is the same (`cyclic`), at least that (`at_least_initial`) or `free`.

Source: energy balance of storage with one-way efficiencies and standing loss as in Pfenninger &
Keirstead (2015), Renewables, nuclear, or fossil fuels?, Applied Energy 152,
doi:10.1016/j.apenergy.2015.04.102; standing loss per hour compounded over the step. Loss in
proportion to the capacity as ``fixed_losses_relative`` of Krien et al. (2020), oemof.solph,
doi:10.1016/j.simpa.2020.100028. Natural inflow and spill as in Hörsch et al. (2018), PyPSA-Eur,
doi:10.1016/j.esr.2018.08.012.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from pydantic import model_validator

from microgrid_opt.assets.base import Asset, Holding
from microgrid_opt.carriers import ELECTRICITY
from microgrid_opt.fields import Efficiency, Fraction, LossPerHour, PerHour, Size, refuse
from microgrid_opt.formulations import content, powers
from microgrid_opt.ledger import Linear
from microgrid_opt.results import DUST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from microgrid_opt.audit import AssetAudit
    from microgrid_opt.builder import Builder
    from microgrid_opt.carriers import Carrier
    from microgrid_opt.draft import Role
    from microgrid_opt.formulations.ageing import Ageing
    from microgrid_opt.formulations.content import Scaled
    from microgrid_opt.horizon import Horizon
    from microgrid_opt.results import AssetResults, Quantity

CONTENT = "state_of_charge"


class Reservoir(Asset):
    """Fields, equations and audit of a store; a technology names its carriers, sizes and costs."""

    charge_efficiency: Efficiency = 1.0
    """Share of what is charged that reaches the store, one way."""
    discharge_efficiency: Efficiency = 1.0
    """Share of what leaves the store that reaches the terminals, one way."""
    self_discharge_per_hour: LossPerHour = 0.0
    """Share of the content lost in an hour."""
    standing_loss_per_hour: LossPerHour = 0.0
    """Loss in an hour as a share of the capacity, whatever the content; it must be made up for even
    when the store is empty."""
    min_fraction: Fraction = 0.0
    """Least filling; 1 less the depth of discharge."""
    max_fraction: Fraction = 1.0
    """Largest filling."""
    initial_fraction: Fraction | None = None
    """Filling before the first step; left out: free, and equal to that after the last step."""
    final: Literal["cyclic", "at_least_initial", "free"] = "cyclic"
    """State after the last step: as before the first, at least that, or free."""
    min_c_rate_per_hour: PerHour | None = None
    """Least power per capacity."""
    max_c_rate_per_hour: PerHour | None = None
    """Largest power per capacity; equal to the least one for a fixed ratio."""
    shared_power_limit: bool = False
    """Whether charge and discharge together stay within the power (one converter)."""
    exclusive: bool = False
    """Whether charging and discharging in one step is excluded by a binary."""

    # ------------------------------------------------------------------ what a technology names

    @property
    @abstractmethod
    def carriers(self) -> tuple[str, str]:
        """Carrier that is charged, and carrier that is discharged; both in `unit`."""

    @property
    def capacity_key(self) -> str:
        """Field with the size of the content."""
        return "energy_kwh"

    @property
    def power_keys(self) -> tuple[str, str]:
        """Fields with the power of charge and of discharge: the same one for one machine."""
        return "power_kw", "power_kw"

    @property
    def flow_costs(self) -> tuple[float, float]:
        """Cost of each unit charged and discharged, by the keys that end with the store's unit."""
        per = self.unit.casefold()
        into, out = (getattr(self, f"{way}_cost_per_{per}") for way in ("charge", "discharge"))
        return float(into), float(out)

    @property
    def unit(self) -> Literal["kWh", "kg"]:
        """Unit of the content."""
        return "kWh"

    @property
    def hours_of_discharge(self) -> float | None:
        """Capacity per discharge power [h], where it is fixed."""
        hours: float | None = getattr(self, "hours", None)
        return hours

    @property
    def inflow_key(self) -> str | None:
        """Field with the series of natural inflow, counted as content."""
        return None

    @property
    def charging_work(self) -> float:
        """Electricity for each unit charged [kWh/unit], beside what is charged."""
        return 0.0

    @property
    def kept_per_hour(self) -> float:
        """Share of the content that an hour leaves."""
        return 1.0 - self.self_discharge_per_hour

    @property
    def wears(self) -> Ageing | None:
        """Wear and fade, where they are counted."""
        return None

    @property
    def usable_fraction(self) -> float:
        """Share of the capacity when new that ageing leaves to the plan."""
        return 1.0 if self.wears is None else self.wears.usable_fraction

    @property
    def flow_unit(self) -> str:
        """Unit of the flows."""
        return "kW" if self.unit == "kWh" else f"{self.unit}/h"

    @property
    def capacity_size(self) -> Size | None:
        """Size of the content; ``None`` when it follows from the discharge power."""
        return self.power_size(self.capacity_key)

    def power_size(self, key: str) -> Size | None:
        """Return the size in a field, or ``None`` when it is left out."""
        size: Size | None = getattr(self, key)
        return size

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for key, problem in (*content.problems(self), *powers.problems(self)):
            raise refuse("reservoir", problem, path=(key,))
        if self.wears is not None:
            for path, problem in self.wears.problems(self):
                raise refuse("ageing", problem, path=path)
        return self

    def misfits(self, place: str, carrier: Callable[[str], Carrier]) -> Iterator[tuple[str, str]]:
        """Refuse carriers that are counted in another unit than the store."""
        del place
        for name in type(self).model_fields:
            if name == "carrier" or name.endswith("_carrier"):
                unit = carrier(getattr(self, name)).unit
                if unit != self.unit:
                    yield name, f"is counted in {unit}, the keys of this store in {self.unit}."

    # ------------------------------------------------------------------ model

    def build(self, b: Builder) -> None:
        """Write sizes, content, balance, limits and the cost of cycling."""
        capacity, limits = powers.write(self, b)
        charge, discharge = self.write_flows(b, limits)
        inflow = None if self.inflow_key is None else self._write_inflow(b, self.inflow_key)
        self._write_content(b, capacity, charge, discharge, inflow)
        self.write_exchange(b, capacity, charge, discharge)
        if self.wears is not None:
            self.wears.build(b, self, capacity, CONTENT)

    def write_flows(
        self, b: Builder, limits: tuple[Scaled | None, Scaled | None]
    ) -> tuple[Any, Any]:
        """Write charge and discharge within their limits, and return them."""
        charge, discharge = (
            b.series(
                name,
                unit=self.flow_unit,
                upper=None if limit is None else limit.base,
                profile=None if limit is None else limit.share,
            )
            for name, limit in zip(("charge", "discharge"), limits, strict=True)
        )
        if self.shared_power_limit and limits[0] is not None:
            most = limits[0].times(1.0)
            b.require("shared_power", lambda t: charge[t] + discharge[t] <= most)
        if self.exclusive:
            into, out = (powers.largest_power(self, key) for key in self.power_keys)
            charging = b.series("charging", unit="1", binary=True)
            b.require("only_charge", lambda t: charge[t] <= into * charging[t])
            b.require("only_discharge", lambda t: discharge[t] <= out * (1.0 - charging[t]))
        return charge, discharge

    def _write_content(
        self, b: Builder, capacity: Scaled, charge: Any, discharge: Any, inflow: Any
    ) -> None:
        content.write(self, b, CONTENT, capacity, charge, discharge, inflow=inflow)

    def _write_inflow(self, b: Builder, key: str) -> Any:
        available, carrier = b.data(key), self.carriers[1]
        kept = b.series("inflow", unit=self.flow_unit, upper=available)
        worth = self.discharge_efficiency
        b.supply(carrier, kept, factor=worth, role="generation", renewable=True)
        b.draw(carrier, kept, factor=worth, role="storage")
        if carrier == ELECTRICITY:
            total = worth * float(available @ b.horizon.hours)
            b.measure("available_generation", Linear(constant=total))
        return kept

    def write_exchange(self, b: Builder, capacity: Scaled, charge: Any, discharge: Any) -> None:
        """Write what both flows do to the balances, and what they cost."""
        del capacity
        self.write_terms(b, charge, discharge)
        self.write_costs(b, charge, discharge)

    def write_terms(
        self, b: Builder, charge: Any, discharge: Any, *, place: str | None = None
    ) -> None:
        """Write the terms of two flows in the balances of a place."""
        source, product = self.carriers
        role: Role = "storage" if source == product else "conversion"
        b.draw(source, charge, role=role, place=place)
        b.supply(product, discharge, role=role, place=place)
        if self.charging_work:
            b.draw(ELECTRICITY, charge, factor=self.charging_work, role="conversion", place=place)

    def write_costs(self, b: Builder, charge: Any, discharge: Any) -> None:
        """Book the cost of cycling."""
        for flow, cost in zip((charge, discharge), self.flow_costs, strict=True):
            if cost:
                b.book("variable_om", b.total(flow, cost))

    def holding(self, carrier: str, horizon: Horizon) -> Holding | None:
        """Return losses of what is stored; ``None`` where they do not follow from the flows alone."""
        if set(self.carriers) != {carrier} or self.standing_loss_per_hour or self.inflow_key:
            return None
        hours = horizon.step_hours
        return Holding(
            self.kept_per_hour**hours,
            hours * self.charge_efficiency,
            hours / self.discharge_efficiency,
            self.initial_fraction is None,
        )

    # ------------------------------------------------------------------ audit

    def audit(self, a: AssetAudit) -> None:
        """Re-derive the content step by step, the limits and the costs from the flows alone."""
        charge, discharge = a.series("charge"), a.series("discharge")
        inflow = np.zeros_like(charge)
        if self.inflow_key is not None:
            inflow = a.series("inflow")
            a.at_most("inflow not negative", 0.0, inflow, unit=self.flow_unit)
            a.at_most("inflow within nature", inflow, a.data(self.inflow_key), unit=self.flow_unit)
        capacity = powers.capacity_of(self, a)
        content.audit(self, a, CONTENT, capacity, charge, discharge, inflow)
        limits = powers.audited_limits(self, a, capacity)
        for name, flow in (("charge", charge), ("discharge", discharge)):
            a.at_most(f"{name} not negative", 0.0, flow, unit=self.flow_unit)
        self.audit_power(a, charge, discharge, limits)
        self.audit_exchange(a, capacity, charge, discharge, inflow)
        if self.wears is not None:
            self.wears.audit(a, self, capacity, CONTENT)

    def audit_exchange(
        self,
        a: AssetAudit,
        capacity: float,
        charge: NDArray[np.float64],
        discharge: NDArray[np.float64],
        inflow: NDArray[np.float64],
    ) -> None:
        """Re-derive the terms in the balances and the cost of cycling."""
        del capacity
        source, product = self.carriers
        native = inflow * self.discharge_efficiency
        drawn = charge + native if source == product else charge
        a.equal("charge drawn", a.drawn(source), drawn, unit=self.flow_unit)
        a.equal("discharge supplied", a.supplied(product), discharge + native, unit=self.flow_unit)
        if source != ELECTRICITY:
            work = charge * self.charging_work
            a.equal("electricity for charging", a.drawn(ELECTRICITY), work, unit="kW")
        if self.inflow_key is not None and product == ELECTRICITY:
            nature = float(a.data(self.inflow_key) @ a.horizon.hours)
            a.measure("available_generation", nature * self.discharge_efficiency)
        self.audit_costs(a, charge, discharge)

    def audit_costs(
        self, a: AssetAudit, charge: NDArray[np.float64], discharge: NDArray[np.float64]
    ) -> None:
        """Re-derive the cost of cycling."""
        amounts = (float(flow @ a.horizon.hours) for flow in (charge, discharge))
        spent = (amount * cost for amount, cost in zip(amounts, self.flow_costs, strict=True))
        a.booked("variable_om", sum(spent))

    def audit_power(
        self,
        a: AssetAudit,
        charge: NDArray[np.float64],
        discharge: NDArray[np.float64],
        limits: tuple[float, float],
    ) -> None:
        """Check both flows against their limits."""
        unit = self.flow_unit
        a.at_most("charge within power", charge, limits[0], unit=unit)
        a.at_most("discharge within power", discharge, limits[1], unit=unit)
        if self.shared_power_limit:
            a.at_most("one converter", charge + discharge, limits[0], unit=unit)
        if self.exclusive:
            charging = a.series("charging")
            wrong = charge * (1.0 - charging) + discharge * charging
            both = np.minimum(charge, discharge)
            a.at_most("never both ways at once", both, 0.0, unit=unit)
            a.at_most("charging tells the way", wrong, 0.0, unit=unit)
        elif len(set(self.carriers)) == 1:
            a.noted("charges and discharges at once", charge, discharge, unit=unit)

    # ------------------------------------------------------------------ figures

    def summary(self, r: AssetResults) -> Mapping[str, Quantity]:
        """Return full cycles, the amount lost and, of natural inflow, the amount spilled."""
        capacity = powers.capacity_of(self, r)
        swing = capacity * self.usable_fraction * (self.max_fraction - self.min_fraction)
        out, inward = r.energy("discharge"), r.energy("charge")
        cycles = out / self.discharge_efficiency / swing if swing > DUST else 0.0
        figures = {"full_cycles": r.quantity(cycles, "1")}
        if self.inflow_key is not None:
            kept = r.energy("inflow")
            nature = float(r.data(self.inflow_key) @ r.horizon.hours)
            inward += kept
            figures["spilled"] = r.quantity(nature - kept, self.unit)
        figures["lost"] = r.quantity(inward - out, self.unit)
        aged = {} if self.wears is None else self.wears.summary(r, self, capacity, CONTENT)
        return {**figures, **aged}
