r"""On/off operation of a unit of any size: least load, run times, starts, standby, ramps.

$$ e_t = u_t + s_t, \qquad e_t - e_{t-1} = v_t - w_t $$
$$ \sum_{k \in U(t)} v_k \le e_t, \qquad \sum_{k \in D(t)} w_k \le 1 - e_t $$
$$ z_t = S\,u_t: \quad \underline{S}\,u_t \le z_t \le \bar S\,u_t, \qquad
   S - \bar S\,(1 - u_t) \le z_t \le S - \underline{S}\,(1 - u_t) $$
$$ \mu\,z_t \le p_t \le z_t $$
$$ p_t - p_{t-1} \le \rho\,\Delta t\,S + \bar S\,(v_t + s_{t-1}), \qquad
   p_{t-1} - p_t \le \rho\,\Delta t\,S + \bar S\,(w_t + s_t) $$
$$ h_t \le v_t, \qquad h_t \le \sum_{k \in H(t)} w_k, \qquad
   u_t - u_{t-1} - v_t \le m_t \le \min(u_t, s_{t-1}) $$
$$ \sum_{t \in d} v_t \le N_d, \qquad \sum_t \omega_t v_t \le N_y\,y, \qquad
   y_t \ge (z_t + z^s_t) - (z_{t-1} + z^s_{t-1}) $$
$$ C = \sum_t \omega_t\,(c_v\,(v_t - h_t) + c_h\,h_t + c_m\,m_t + c_S\,y_t + c_w\,w_t)
   + \sum_t \omega_t\,\Delta t\,(r\,u_t + r_S\,z_t) $$

| symbol | name | unit |
|---|---|---|
| $u_t, s_t$ | ``on`` (producing), ``standby`` | 0/1 |
| $v_t, w_t$ | ``starts`` from off, ``stops`` to off | 0/1 |
| $p_t$ | flow on the side where the size is counted | kW or kg/h |
| $S, \underline{S}, \bar S$ | size, and its declared bounds | same |
| $z_t, z^s_t$ | size times state: ``capacity_on``, ``capacity_in_standby`` | same |
| $y_t$ | ``capacity_started`` | same |
| $\mu$ | ``min_load_fraction`` | – |
| $U(t), D(t)$ | steps that began less than ``min_up_hours`` (``min_down_hours``) before $t$, and $t$ | – |
| $H(t)$ | steps that began less than ``hot_start_within_hours`` before $t$ | – |
| $h_t, m_t$ | ``hot_starts``, ``warm_starts`` (from standby) | 0/1 |
| $N_d, N_y$ | ``max_starts_per_day``, ``max_starts_per_year`` | – |
| $\rho$ | ``ramp_fraction_per_hour`` | 1/h |
| $c_v, c_h, c_m, c_w$ | ``start_cost``, ``hot_start_cost``, ``standby.start_cost``, ``stop_cost`` | currency |
| $c_S$ | ``start_cost_per_size`` | currency/unit |
| $r, r_S$ | ``running_cost_per_hour``, ``running_cost_per_size_hour`` | currency/h, currency/unit/h |
| $\omega_t, y$ | weight of the step; share of a year that the horizon stands for | – |

A given size makes $z_t = S\,u_t$ a multiple of the state and needs no column; a chosen one is put out
of its way in the exact form above, and where nothing but the load limits needs $z$, as their
projection $p_t \le S$, $p_t \le \bar S u_t$, $p_t \ge \mu S - \mu \bar S (1 - u_t)$. The only big-M is
the declared upper bound of the size. Jumps at starts and stops are free of the ramp limit.

In standby the unit is energised without producing: it draws ``standby.power_fraction`` per unit of
size, and goes into operation without a start. Least times, starts and their limits are those of the
energised unit, $e_t$.

Before the first step (`before`): `off` and `on` are known states of a unit that has been in them long
enough; `free` leaves the state open and counts no start or stop in the first step; `cyclic` puts the
last step before the first. A start is hot only after a stop that the horizon shows. A run may be cut at
the end of the horizon unless ``complete_runs``.

References: Rajan & Takriti (2005), Minimum up/down polytopes of the unit commitment problem with
start-up costs, IBM RC23628 (the turn-on/off inequalities, which describe the up/down polytope);
Morales-España, Latorre & Ramos (2013), Tight and compact MILP formulation for the thermal unit
commitment problem, doi:10.1109/TPWRS.2013.2251373 (starts by the time off before); McCormick (1976),
Computability of global solutions to factorable nonconvex programs, doi:10.1007/BF01580665 (the
product of size and state, exact where the state is 0 or 1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from microgrid_opt.fields import (
    CarrierName,
    Count,
    Fraction,
    Frozen,
    Hours,
    Money,
    MoneyPerHour,
    MoneyPerUnit,
    MoneyPerUnitHour,
    PerHour,
    refuse,
)
from microgrid_opt.formulations import replay, starts, switching

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from microgrid_opt.audit import AssetAudit
    from microgrid_opt.builder import Builder
    from microgrid_opt.formulations.converter import Ratio
    from microgrid_opt.results import AssetResults, Quantity


class Standby(Frozen):
    """Energised without producing: kept warm, ready to go into operation."""

    power_fraction: Fraction
    """What is drawn in standby per unit of size: a share of the size where both are in kW."""
    carrier: CarrierName = "electricity"
    """Carrier that is drawn in standby."""
    start_cost: Money = 0.0
    """Cost of going from standby into operation (warm start)."""


class Times:
    """A number times a series, which a rule can index with a step as it does the series."""

    __slots__ = ("factor", "series")

    def __init__(self, factor: float, series: Any) -> None:
        self.factor = factor
        self.series = series

    def __getitem__(self, t: Any) -> Any:
        return self.factor * self.series[t]


class States(NamedTuple):
    """The variables of a committed unit, and what can be indexed with a step as they can."""

    on: Any
    standby: Any
    starts: Any
    stops: Any
    capacity: Any = None
    """Size times on; ``None`` where nobody needs it of a chosen size."""
    kept_warm: Any = None
    """Size times standby."""

    def energised(self, t: Any) -> Any:
        """Return whether the unit is on or in standby."""
        return self.on[t] if self.standby is None else self.on[t] + self.standby[t]

    def energised_capacity(self, t: Any) -> Any:
        """Return the capacity that is on or in standby."""
        return self.capacity[t] if self.kept_warm is None else self.capacity[t] + self.kept_warm[t]


class Commitment(Frozen):
    """On/off operation; without it a unit runs anywhere between nothing and its size."""

    min_load_fraction: Fraction = 0.0
    """Least load while on, as a share of the size."""
    min_up_hours: Hours = 0.0
    """Least time on (or in standby) after a start."""
    min_down_hours: Hours = 0.0
    """Least time off after a stop."""
    start_cost: Money = 0.0
    """Cost of a start from off; with `hot_start_cost`, of a cold one."""
    start_cost_per_size: MoneyPerUnit = 0.0
    """Cost of a start from off for each kW (or kg/h) of the size, hot or cold."""
    hot_start_cost: Money | None = None
    """Cost of a start after a short time off, instead of `start_cost`."""
    hot_start_within_hours: Hours | None = None
    """A start is hot when the unit was off for less than this."""
    stop_cost: Money = 0.0
    """Cost of a stop."""
    running_cost_per_hour: MoneyPerHour = 0.0
    """Cost of each hour on, whatever the load."""
    running_cost_per_size_hour: MoneyPerUnitHour = 0.0
    """Cost of each hour on for each kW (or kg/h) of the size, whatever the load."""
    max_starts_per_day: Annotated[int, Field(ge=0, strict=True)] | None = None
    """Most starts from off in a calendar day."""
    max_starts_per_year: Count | None = None
    """Most starts from off in a year; a shorter horizon has its share."""
    standby: Standby | None = None
    """Standby between on and off; left out: there is none."""
    ramp_fraction_per_hour: PerHour | None = None
    """Largest change of load while on, as a share of the size; starts and stops are free."""
    before: Literal["off", "on", "free", "cyclic"] = "off"
    """State before the first step."""
    complete_runs: bool = False
    """Whether runs and pauses that the end of the horizon would cut short are excluded."""

    @model_validator(mode="after")
    def _hot_is_cheaper(self) -> Self:
        hot, within = self.hot_start_cost, self.hot_start_within_hours
        if (hot is None) != (within is None):
            given, missing = ("hot_start_within_hours", "hot_start_cost")
            if within is None:
                given, missing = missing, given
            raise refuse("commitment", f"needs `{missing}`: give both or neither.", path=(given,))
        if hot is not None and hot > self.start_cost:
            raise refuse(
                "commitment",
                f"is more than `start_cost` {self.start_cost:g}, the cost of a cold start: a plan "
                "would never start hot. Correct one.",
                path=("hot_start_cost",),
            )
        return self

    # ------------------------------------------------------------------ model

    def build(
        self,
        b: Builder,
        flow: Any,
        size: Any,
        per_size: Ratio,
        *,
        capacity: bool = False,
        size_unit: str = "1",
    ) -> States:
        """Write the on/off rules of ``flow``, whose limit is ``per_size`` × ``size``.

        Parameters
        ----------
        flow
            What can be indexed with a step: a variable, or a sum of variables.
        capacity
            Whether the caller needs the capacity that is on, in ``size_unit``.
        """
        most = b.upper_bound(size)
        if most is None:
            raise ValueError("a committed unit needs a bounded size; the schema asks for it")
        states = self._states(b, size, most, size_unit, capacity=capacity)
        self._write_switching(b, states)
        self._write_load(b, flow, size, most, per_size, states)
        self._write_ramp(b, flow, size, most, per_size, states)
        starts.write_durations(b, self, states)
        starts.write_start_limits(b, self, states.starts)
        starts.write_switching_cost(b, self, states, size, size_unit)
        switching.write_rounding(b, self, flow, size, per_size, states)
        self._write_running_cost(b, states, size)
        if self.standby is not None:
            chosen = b.is_choice(size)
            kept_warm = states.kept_warm if chosen else states.standby
            power = self.standby.power_fraction * (1.0 if chosen else most)
            b.draw(self.standby.carrier, kept_warm, factor=power, role="conversion")
        return states

    @property
    def is_cyclic(self) -> bool:
        """Whether the last step comes before the first."""
        return self.before == "cyclic"

    def steps_with_one_before(self, b: Builder) -> NDArray[np.int64] | None:
        """Return the steps that follow on another, for `Builder.require`; ``None`` for all."""
        return None if self.is_cyclic else b.after_first

    def _states(self, b: Builder, size: Any, most: float, unit: str, *, capacity: bool) -> States:
        on = b.series("on", unit="1", binary=True)
        standby = None
        if self.standby is not None:
            standby = b.series("standby", unit="1", binary=True)
        starts = b.series("starts", unit="1", binary=True)
        stops = b.series("stops", unit="1", binary=True)
        states = States(on, standby, starts, stops)
        if not b.is_choice(size):
            kept_warm = None if standby is None else Times(most, standby)
            return states._replace(capacity=Times(most, on), kept_warm=kept_warm)
        per_size = self.start_cost_per_size or self.running_cost_per_size_hour
        if not (capacity or per_size or standby is not None):
            return states
        least = float(size.lb or 0.0)
        running = _product(b, "capacity_on", unit, size, least, most, on)
        if standby is None:
            return states._replace(capacity=running)
        kept_warm = _product(b, "capacity_in_standby", unit, size, least, most, standby)
        b.require(
            "capacity_in_one_state",
            lambda t: running[t] + kept_warm[t] <= size - least * (1.0 - on[t] - standby[t]),
        )
        return states._replace(capacity=running, kept_warm=kept_warm)

    def _write_switching(self, b: Builder, states: States) -> None:
        before, energised, started, stopped = b.previous, states.energised, *states[2:4]
        b.require(
            "switching",
            lambda t: energised(t) - energised(before[t]) == started[t] - stopped[t],
            over=self.steps_with_one_before(b),
        )
        if self.before == "free":
            b.require_once("first_switch", started[0] + stopped[0] == 0.0)
        elif self.before != "cyclic":
            state = 1.0 if self.before == "on" else 0.0
            b.require_once("first_switch", energised(0) - started[0] + stopped[0] == state)

    def _write_load(
        self, b: Builder, flow: Any, size: Any, most: float, per_size: Ratio, states: States
    ) -> None:
        least, on, capacity = self.min_load_fraction, states.on, states.capacity
        full = b.param("load_per_size", per_size)
        if capacity is not None:
            b.require("load_when_on", lambda t: flow[t] <= full[t] * capacity[t])
            if least:
                b.require("least_load", lambda t: flow[t] >= least * full[t] * capacity[t])
            return
        bound = b.param("load_at_bound", most * per_size)
        b.require("load_when_on", lambda t: flow[t] <= bound[t] * on[t])
        if least:
            b.require(
                "least_load",
                lambda t: flow[t] >= least * full[t] * size - least * bound[t] * (1.0 - on[t]),
            )

    def _write_ramp(
        self, b: Builder, flow: Any, size: Any, most: float, per_size: Ratio, states: States
    ) -> None:
        rate = self.ramp_fraction_per_hour
        if rate is None:
            return
        before, standby = b.previous, states.standby
        share = b.param("ramp_share", rate * per_size * b.horizon.step_hours)
        bound = b.param("ramp_jump", most * per_size)

        def jump(switched: Any, t: Any, at: Any) -> Any:
            return switched[t] if standby is None else switched[t] + standby[at]

        b.require(
            "ramp_up",
            lambda t: (
                flow[t] - flow[before[t]]
                <= share[t] * size + bound[t] * jump(states.starts, t, before[t])
            ),
            over=self.steps_with_one_before(b),
        )
        b.require(
            "ramp_down",
            lambda t: (
                flow[before[t]] - flow[t] <= share[t] * size + bound[t] * jump(states.stops, t, t)
            ),
            over=self.steps_with_one_before(b),
        )

    def _write_running_cost(self, b: Builder, states: States, size: Any) -> None:
        per_hour, per_size = self.running_cost_per_hour, self.running_cost_per_size_hour
        if not b.is_choice(size):
            per_hour, per_size = per_hour + per_size * float(size), 0.0
        if per_hour:
            b.book("running", b.total(states.on, per_hour))
        if per_size:
            b.book("running", b.total(states.capacity, per_size))

    # ------------------------------------------------------------------ audit

    def standby_drawn(self, a: AssetAudit | AssetResults, size: float) -> Mapping[str, Any]:
        """Return what is drawn in standby by carrier, each of shape (n,)."""
        if self.standby is None:
            return {}
        return {self.standby.carrier: self.standby.power_fraction * size * a.series("standby")}

    def audit(
        self, a: AssetAudit, flow: NDArray[np.float64], size: float, per_size: Ratio, unit: str
    ) -> None:
        """Replay the unit step by step from its states and check every rule."""
        replay.audit(self, a, flow, size, per_size, unit)

    def summary(self, r: AssetResults) -> Mapping[str, Quantity]:
        """Return hours on and in standby, and starts."""
        weight, hours = r.horizon.weight, r.horizon.hours
        figures = {
            "hours_on": r.quantity(float(r.series("on") @ hours), "h"),
            "starts": r.quantity(float(r.series("starts") @ weight), "1"),
        }
        if self.hot_start_cost is not None:
            figures["hot_starts"] = r.quantity(float(r.series("hot_starts") @ weight), "1")
        if self.standby is not None:
            figures["hours_in_standby"] = r.quantity(float(r.series("standby") @ hours), "h")
            figures["warm_starts"] = r.quantity(float(r.series("warm_starts") @ weight), "1")
        return figures


def _product(
    b: Builder, name: str, unit: str, size: Any, least: float, most: float, state: Any
) -> Any:
    """Return size × state as a variable; exact where the state is 0 or 1."""
    product = b.series(name, unit=unit)
    b.require(f"{name}_most", lambda t: product[t] <= most * state[t])
    b.require(f"{name}_is_size", lambda t: product[t] >= size - most * (1.0 - state[t]))
    b.require(f"{name}_of_size", lambda t: product[t] <= size - least * (1.0 - state[t]))
    if least:
        b.require(f"{name}_least", lambda t: product[t] >= least * state[t])
    return product
