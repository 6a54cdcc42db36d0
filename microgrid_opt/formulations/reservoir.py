r"""A lossy reservoir between an inflow and an outflow; every store of one carrier is this.

$$ e_t = (1-\sigma)^{\Delta t}\, e_{t-1} + \Delta t\,\left(\eta_c\,c_t - \frac{d_t}{\eta_d}\right),
   \qquad f_{min} E \le e_t \le f_{max} E $$
$$ c_t \le P, \quad d_t \le P, \quad \text{or } c_t + d_t \le P \text{ (one converter)}, \qquad
   r_{min} E \le P \le r_{max} E $$
$$ c_t \le \bar P\,z_t, \quad d_t \le \bar P\,(1 - z_t) \text{ (exclusive)} $$

| symbol | name | unit |
|---|---|---|
| $e_t$ | ``state_of_charge``, at the end of step $t$ | unit of the carrier |
| $E$ | capacity | same |
| $c_t, d_t$ | ``charge`` and ``discharge`` at the terminals | unit per hour |
| $P, \bar P$ | power, and its declared upper bound | unit per hour |
| $\eta_c, \eta_d$ | ``charge_efficiency``, ``discharge_efficiency`` | – |
| $\sigma$ | ``self_discharge_per_hour`` | 1/h |
| $\Delta t$ | ``step_hours`` | h |
| $f_{min}, f_{max}$ | ``min_fraction``, ``max_fraction`` | – |
| $r_{min}, r_{max}$ | ``min_c_rate_per_hour``, ``max_c_rate_per_hour`` | 1/h |
| $z_t$ | ``charging`` | 0/1 |

Sizes that are both given must keep the C-rates themselves; that is checked when the park is read. With
existing capacity alone, as in a reference plan, the flows stay within both limits.

Start and end: with no ``initial_fraction`` the store is cyclic, its state before the first step is
that after the last one and free; with ``initial_fraction`` $f_0$ the state before the first step is
$f_0 E$, and the end is the same (`cyclic`), at least that (`at_least_initial`) or `free`.

Source: energy balance of storage with one-way efficiencies and standing loss as in Pfenninger &
Keirstead (2015), Renewables, nuclear, or fossil fuels?, Applied Energy 152,
doi:10.1016/j.apenergy.2015.04.102; standing loss per hour compounded over the step.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import model_validator

from microgrid_opt.assets.base import Asset
from microgrid_opt.fields import Efficiency, Fraction, LossPerHour, PerHour, Size, refuse
from microgrid_opt.results import DUST

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from microgrid_opt.audit import AssetAudit
    from microgrid_opt.builder import Builder
    from microgrid_opt.results import AssetResults, Quantity


SAME = 1e-9


class Reservoir(Asset):
    """Fields, equations and audit of a store; a technology names its carrier, sizes and costs."""

    carrier: ClassVar[str]
    unit: ClassVar[str]
    flow_unit: ClassVar[str]
    capacity_name: ClassVar[str]
    power_name: ClassVar[str]

    charge_efficiency: Efficiency = 1.0
    """Share of what is charged that reaches the store, one way."""
    discharge_efficiency: Efficiency = 1.0
    """Share of what leaves the store that reaches the terminals, one way."""
    self_discharge_per_hour: LossPerHour = 0.0
    """Share of the content lost in an hour."""
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

    @property
    @abstractmethod
    def capacity_size(self) -> Size:
        """Size of the content."""

    @property
    @abstractmethod
    def power_size(self) -> Size | None:
        """Size of charge and discharge, or ``None`` when only the C-rate limits them."""

    @property
    @abstractmethod
    def flow_costs(self) -> tuple[float, float]:
        """Cost of each unit charged and discharged."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for key, problem in (*self._content_problems(), *self._power_problems()):
            raise refuse("reservoir", problem, path=(key,))
        return self

    def _content_problems(self) -> Iterator[tuple[str, str]]:
        if self.min_fraction > self.max_fraction:
            yield "min_fraction", f"lies above `max_fraction` {self.max_fraction:g}: correct one."
        first = self.initial_fraction
        if first is None and self.final != "cyclic":
            yield (
                "final",
                "needs `initial_fraction`: with a free start the store would begin with content "
                "that nobody paid for.",
            )
        if first is not None and not self.min_fraction <= first <= self.max_fraction:
            yield (
                "initial_fraction",
                f"lies outside `min_fraction` {self.min_fraction:g} … `max_fraction` "
                f"{self.max_fraction:g}: choose one inside.",
            )

    def _power_problems(self) -> Iterator[tuple[str, str]]:
        low, high = self.min_c_rate_per_hour, self.max_c_rate_per_hour
        if low is not None and high is not None and low > high:
            yield "min_c_rate_per_hour", f"lies above `max_c_rate_per_hour` {high:g}: correct one."
        if low is not None and self.power_size is None:
            yield "min_c_rate_per_hour", "needs a power that it can bind: give one."
        if self.shared_power_limit and self.power_size is None and high is None:
            yield "shared_power_limit", "needs a limit: give a power or `max_c_rate_per_hour`."
        if self.exclusive and self._largest_power() is None:
            yield (
                "exclusive",
                "needs a bound: give the power (or the capacity and `max_c_rate_per_hour`) a "
                "maximum.",
            )
        rate = self._given_rate()
        for key, sign in (("min_c_rate_per_hour", 1.0), ("max_c_rate_per_hour", -1.0)):
            limit = getattr(self, key)
            if rate is not None and limit is not None and sign * (limit - rate) > SAME * limit:
                yield (
                    key,
                    f"does not fit the sizes given: their power per capacity is {rate:g}. Correct a "
                    "size or the rate, or let the plan choose a size.",
                )

    def _given_rate(self) -> float | None:
        """Return power per capacity where both are given."""
        power = None if self.power_size is None else self.power_size.fixed
        return power / self.capacity_size.fixed if power and self.capacity_size.fixed else None

    def _largest_power(self) -> float | None:
        bounds = []
        if self.power_size is not None and self.power_size.upper is not None:
            bounds.append(self.power_size.upper)
        if self.max_c_rate_per_hour is not None and self.capacity_size.upper is not None:
            bounds.append(self.max_c_rate_per_hour * self.capacity_size.upper)
        return min(bounds, default=None)

    def build(self, b: Builder) -> None:
        """Write sizes, content, balance, limits and the cost of cycling."""
        capacity = b.size(self.capacity_name, self.capacity_size)
        power = None if self.power_size is None else b.size(self.power_name, self.power_size)
        rate = self.max_c_rate_per_hour
        limit = power
        if rate is not None and not b.is_choice(capacity) and not b.is_choice(power):
            limit = rate * capacity if power is None else min(power, rate * capacity)
        charge = b.series("charge", unit=self.flow_unit, upper=limit)
        discharge = b.series("discharge", unit=self.flow_unit, upper=limit)
        self._write_power(b, capacity, power, limit, charge, discharge)
        self._write_content(b, capacity, charge, discharge)
        b.draw(self.carrier, charge, role="storage")
        b.supply(self.carrier, discharge, role="storage")
        for flow, cost in zip((charge, discharge), self.flow_costs, strict=True):
            if cost:
                b.book("variable_om", b.total(flow, cost))

    def _write_power(
        self, b: Builder, capacity: Any, power: Any, limit: Any, charge: Any, discharge: Any
    ) -> None:
        low, high = self.min_c_rate_per_hour, self.max_c_rate_per_hour
        chosen = b.is_choice(power) or b.is_choice(capacity)
        if chosen and power is None and high is not None:
            b.require("charge_rate", lambda t: charge[t] <= high * capacity)
            b.require("discharge_rate", lambda t: discharge[t] <= high * capacity)
        if chosen and power is not None and high is not None:
            b.require_once("largest_c_rate", power <= high * capacity)
        if chosen and power is not None and low is not None:
            b.require_once("least_c_rate", power >= low * capacity)
        if self.shared_power_limit:
            most = high * capacity if limit is None else limit
            b.require("shared_power", lambda t: charge[t] + discharge[t] <= most)
        if self.exclusive:
            bound = self._largest_power()
            charging = b.series("charging", unit="1", binary=True)
            b.require("only_charge", lambda t: charge[t] <= bound * charging[t])
            b.require("only_discharge", lambda t: discharge[t] <= bound * (1.0 - charging[t]))

    def _write_content(self, b: Builder, capacity: Any, charge: Any, discharge: Any) -> None:
        content = b.series(
            "state_of_charge", unit=self.unit, upper=capacity, profile=self.max_fraction
        )
        if self.min_fraction:
            b.require("depth_limit", lambda t: content[t] >= self.min_fraction * capacity)
        hours = b.horizon.step_hours
        kept = b.param("kept", (1.0 - self.self_discharge_per_hour) ** hours)
        inward = b.param("inward", hours * self.charge_efficiency)
        outward = b.param("outward", hours / self.discharge_efficiency)
        before = b.previous
        first = self.initial_fraction
        b.require(
            "state_of_charge_balance",
            lambda t: (
                content[t]
                == kept[t] * content[before[t]] + inward[t] * charge[t] - outward[t] * discharge[t]
            ),
            over=None if first is None else b.after_first,
        )
        if first is None:
            return
        start = first * capacity
        b.require_once(
            "first_balance",
            content[0] == kept[0] * start + inward[0] * charge[0] - outward[0] * discharge[0],
        )
        last = len(b.horizon) - 1
        if self.final == "cyclic":
            b.require_once("final_state", content[last] == start)
        elif self.final == "at_least_initial":
            b.require_once("final_state", content[last] >= start)

    def audit(self, a: AssetAudit) -> None:
        """Re-derive the content step by step, the limits and the costs from the flows alone."""
        content, charge, discharge = (
            a.series(name) for name in ("state_of_charge", "charge", "discharge")
        )
        capacity = a.size(self.capacity_name)
        hours = a.horizon.step_hours
        before = np.roll(content, 1)
        if self.initial_fraction is not None:
            before[0] = self.initial_fraction * capacity
        gained = charge * self.charge_efficiency - discharge / self.discharge_efficiency
        expected = before * np.power(1.0 - self.self_discharge_per_hour, hours) + hours * gained
        a.equal("state of charge follows the flows", content, expected, unit=self.unit)
        a.at_most("content within capacity", content, capacity * self.max_fraction, unit=self.unit)
        a.at_most("depth of discharge", capacity * self.min_fraction, content, unit=self.unit)
        if self.initial_fraction is not None and self.final != "free":
            a.at_most("final state", capacity * self.initial_fraction, content[-1:], unit=self.unit)
        self._audit_power(a, charge, discharge, capacity)
        a.equal("charge drawn", a.drawn(self.carrier), charge, unit=self.flow_unit)
        a.equal("discharge supplied", a.supplied(self.carrier), discharge, unit=self.flow_unit)
        inward, outward = (float(flow @ a.horizon.hours) for flow in (charge, discharge))
        in_cost, out_cost = self.flow_costs
        a.booked("variable_om", inward * in_cost + outward * out_cost)

    def _audit_power(self, a: AssetAudit, charge: Any, discharge: Any, capacity: float) -> None:
        limit = np.inf if self.power_size is None else a.size(self.power_name)
        if self.max_c_rate_per_hour is not None:
            limit = min(limit, self.max_c_rate_per_hour * capacity)
        for name, flow in (("charge", charge), ("discharge", discharge)):
            a.at_most(f"{name} not negative", 0.0, flow, unit=self.flow_unit)
            a.at_most(f"{name} within power", flow, limit, unit=self.flow_unit)
        given = self.capacity_size.fixed is not None
        if self.power_size is not None and not (given and self.power_size.fixed is not None):
            power = a.size(self.power_name)
            low, high = self.min_c_rate_per_hour, self.max_c_rate_per_hour
            a.at_most("least C-rate", (low or 0.0) * capacity, power, unit=self.flow_unit)
            most = np.inf if high is None else high * capacity
            a.at_most("largest C-rate", power, most, unit=self.flow_unit)
        if self.shared_power_limit:
            a.at_most("one converter", charge + discharge, limit, unit=self.flow_unit)
        both = np.minimum(charge, discharge)
        if self.exclusive:
            charging = a.series("charging")
            wrong = charge * (1.0 - charging) + discharge * charging
            a.at_most("never both ways at once", both, 0.0, unit=self.flow_unit)
            a.at_most("charging tells the way", wrong, 0.0, unit=self.flow_unit)
        else:
            a.noted("charges and discharges at once", charge, discharge, unit=self.flow_unit)

    def summary(self, r: AssetResults) -> Mapping[str, Quantity]:
        """Return full cycles and the energy lost."""
        capacity = r.size(self.capacity_name) * (self.max_fraction - self.min_fraction)
        out, inward = r.energy("discharge"), r.energy("charge")
        cycles = out / self.discharge_efficiency / capacity if capacity > DUST else 0.0
        return {
            "full_cycles": r.quantity(cycles, "1"),
            "lost": r.quantity(inward - out, self.unit),
        }
