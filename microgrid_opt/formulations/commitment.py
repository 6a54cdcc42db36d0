r"""On/off operation of a unit of any size: least load, up and down times, starts, ramps.

$$ u_t - u_{t-1} = v_t - w_t, \qquad v_t + w_t \le 1 $$
$$ p_t \le S, \quad p_t \le \bar S\,u_t, \qquad p_t \ge \mu\,S - \mu\,\bar S\,(1 - u_t) $$
$$ \sum_{k \in U(t)} v_k \le u_t, \qquad \sum_{k \in D(t)} w_k \le 1 - u_t $$
$$ p_t - p_{t-1} \le \rho\,\Delta t\,S + \bar S\,v_t, \qquad
   p_{t-1} - p_t \le \rho\,\Delta t\,S + \bar S\,w_t $$
$$ C = \sum_t \omega_t\,(c_v\,v_t + c_w\,w_t) $$

| symbol | name | unit |
|---|---|---|
| $u_t, v_t, w_t$ | ``on``, ``starts``, ``stops`` | 0/1 |
| $p_t$ | flow on the side where the size is counted | kW or kg/h |
| $S, \bar S$ | size, and its declared upper bound | same |
| $\mu$ | ``min_load_fraction`` | – |
| $U(t), D(t)$ | steps that began less than ``min_up_hours`` (``min_down_hours``) before the end of $t$ | – |
| $\rho$ | ``ramp_fraction_per_hour`` | 1/h |
| $c_v, c_w$ | ``start_cost``, ``stop_cost`` | currency |
| $\omega_t$ | weight of the step | – |

A given size makes $\bar S = S$, and the load limits are the usual $\mu S u_t \le p_t \le S u_t$. The
only big-M is the declared upper bound of the size. Start and stop jumps are free of the ramp limit.

Before the first step (`before`): `off` and `on` are known states of a unit that has been in them long
enough; `free` leaves the state open and counts no start or stop in the first step; `cyclic` puts the
last step before the first. A run may be cut at the end of the horizon unless ``complete_runs``.

References: Rajan & Takriti (2005), Minimum up/down polytopes of the unit commitment problem with
start-up costs, IBM RC23628 (the turn-on/off inequalities, which describe the up/down polytope);
Morales-España, Latorre & Ramos (2013), Tight and compact MILP formulation for the thermal unit
commitment problem, doi:10.1109/TPWRS.2013.2251373.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from microgrid_opt.fields import Fraction, Frozen, Hours, Money, PerHour

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from microgrid_opt.audit import AssetAudit
    from microgrid_opt.builder import Builder
    from microgrid_opt.formulations.converter import Ratio
    from microgrid_opt.horizon import Horizon

SAME_HOURS = 1e-9


class Commitment(Frozen):
    """On/off operation; without it a unit runs anywhere between nothing and its size."""

    min_load_fraction: Fraction = 0.0
    """Least load while on, as a share of the size."""
    min_up_hours: Hours = 0.0
    """Least time on after a start."""
    min_down_hours: Hours = 0.0
    """Least time off after a stop."""
    start_cost: Money = 0.0
    """Cost of a start."""
    stop_cost: Money = 0.0
    """Cost of a stop."""
    ramp_fraction_per_hour: PerHour | None = None
    """Largest change of load while on, as a share of the size; starts and stops are free."""
    before: Literal["off", "on", "free", "cyclic"] = "off"
    """State before the first step."""
    complete_runs: bool = False
    """Whether runs and pauses that the end of the horizon would cut short are excluded."""

    def build(self, b: Builder, flow: Any, size: Any, per_size: Ratio) -> None:
        """Write the on/off rules of ``flow``, whose limit is ``per_size`` × ``size``."""
        most = b.upper_bound(size)
        if most is None:
            raise ValueError("a committed unit needs a bounded size; the schema asks for it")
        bound = b.param("load_at_bound", most * per_size)
        full = b.param("load_per_size", per_size)
        on = b.series("on", unit="1", binary=True)
        starts = b.series("starts", unit="1", binary=True)
        stops = b.series("stops", unit="1", binary=True)
        self._write_states(b, on, starts, stops)
        self._write_load(b, flow, size, full, bound, on)
        self._write_ramp(b, flow, size, per_size, bound, starts, stops)
        for name, hours, switched, room in (
            ("min_up", self.min_up_hours, starts, lambda t: on[t]),
            ("min_down", self.min_down_hours, stops, lambda t: 1.0 - on[t]),
        ):
            self._write_durations(b, name, hours, switched, room)
        for category, cost, switched in (
            ("start", self.start_cost, starts),
            ("stop", self.stop_cost, stops),
        ):
            if cost:
                b.book(category, b.times(switched, cost * b.horizon.weight))

    def _write_states(self, b: Builder, on: Any, starts: Any, stops: Any) -> None:
        before = b.previous
        cyclic = self.before == "cyclic"
        b.require(
            "switching",
            lambda t: on[t] - on[before[t]] == starts[t] - stops[t],
            over=None if cyclic else b.after_first,
        )
        b.require("one_switch", lambda t: starts[t] + stops[t] <= 1.0)
        if self.before == "free":
            b.require_once("first_switch", starts[0] + stops[0] == 0.0)
        elif not cyclic:
            state = 1.0 if self.before == "on" else 0.0
            b.require_once("first_switch", on[0] - starts[0] + stops[0] == state)

    def _write_load(self, b: Builder, flow: Any, size: Any, full: Any, bound: Any, on: Any) -> None:
        least = self.min_load_fraction
        b.require("load_when_on", lambda t: flow[t] <= bound[t] * on[t])
        if least and b.is_choice(size):
            b.require(
                "least_load",
                lambda t: flow[t] >= least * full[t] * size - least * bound[t] * (1.0 - on[t]),
            )
        elif least:
            b.require("least_load", lambda t: flow[t] >= least * bound[t] * on[t])

    def _write_ramp(
        self,
        b: Builder,
        flow: Any,
        size: Any,
        per_size: Ratio,
        bound: Any,
        starts: Any,
        stops: Any,
    ) -> None:
        rate = self.ramp_fraction_per_hour
        if rate is None:
            return
        before = b.previous
        steps = None if self.before == "cyclic" else b.after_first
        share = b.param("ramp_share", rate * per_size * b.horizon.step_hours)
        b.require(
            "ramp_up",
            lambda t: flow[t] - flow[before[t]] <= share[t] * size + bound[t] * starts[t],
            over=steps,
        )
        b.require(
            "ramp_down",
            lambda t: flow[before[t]] - flow[t] <= share[t] * size + bound[t] * stops[t],
            over=steps,
        )

    def _write_durations(
        self, b: Builder, name: str, hours: float, switched: Any, room: Any
    ) -> None:
        windows = list(_windows(b.horizon, hours, cyclic=self.before == "cyclic"))
        if len(windows) < 2:
            return
        terms = [
            (b.param(f"{name}_at_{k}", steps), b.param(f"{name}_in_{k}", inside))
            for k, (steps, inside) in enumerate(windows)
        ]
        b.require(
            f"{name}_time",
            lambda t: sum(inside[t] * switched[at[t]] for at, inside in terms) <= room(t),
        )
        if self.complete_runs and self.before != "cyclic":
            late = np.flatnonzero(_hours_left(b.horizon) < hours - SAME_HOURS)
            b.require(f"{name}_complete", lambda t: switched[t] <= 0.0, over=late)

    def audit(
        self, a: AssetAudit, flow: NDArray[np.float64], size: float, per_size: Ratio, unit: str
    ) -> None:
        """Replay the unit step by step from its on/off series and check every rule."""
        on = a.series("on")
        n = len(on)
        before = on[-1] if self.before == "cyclic" else float(self.before == "on")
        if self.before == "free":
            before = on[0]
        change = np.diff(on, prepend=before)
        starts, stops = np.maximum(change, 0.0), np.maximum(-change, 0.0)
        a.equal("on is on or off", on * (1.0 - on), 0.0, unit="1")
        a.equal("starts follow the states", a.series("starts"), starts, unit="1")
        a.equal("stops follow the states", a.series("stops"), stops, unit="1")
        limit = size * per_size
        a.at_most("no load when off", flow, limit * on, unit=unit)
        a.at_most("least load", self.min_load_fraction * limit * on, flow, unit=unit)
        a.booked("start", float(starts @ a.horizon.weight) * self.start_cost)
        a.booked("stop", float(stops @ a.horizon.weight) * self.stop_cost)
        if self.ramp_fraction_per_hour is not None:
            allowed = self.ramp_fraction_per_hour * a.horizon.step_hours * limit
            first = 0 if self.before == "cyclic" else 1
            move = (flow - np.roll(flow, 1))[first:]
            free = np.where(change != 0.0, np.inf, allowed)[first:]
            a.at_most("ramp", np.abs(move), free, unit=unit)
        for what, state, hours in (
            ("up time", 1.0, self.min_up_hours),
            ("down time", 0.0, self.min_down_hours),
        ):
            short = _shortest_run(on == state, change != 0.0, a.horizon.step_hours, self)
            if short is not None and n:
                a.at_most(what, hours, short, unit="h")


def _hours_left(horizon: Horizon) -> NDArray[np.float64]:
    """Return the time from the start of each step to the end of the horizon [h], shape (n,)."""
    return np.asarray(np.cumsum(horizon.step_hours[::-1])[::-1])


def _windows(
    horizon: Horizon, hours: float, *, cyclic: bool
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """Yield (step k before t, 1.0 where a switch there still binds at t) for k = 0, 1, …."""
    n = len(horizon)
    here = np.arange(n)
    elapsed = np.zeros(n)
    for k in range(n):
        at = (here - k) % n
        inside = (elapsed < hours - SAME_HOURS) | (k == 0)
        if not cyclic:
            inside &= here >= k
        if not inside.any():
            return
        yield at, inside.astype(float)
        elapsed = elapsed + horizon.step_hours[at]


def _shortest_run(
    state: NDArray[np.bool_],
    switched: NDArray[np.bool_],
    hours: NDArray[np.float64],
    spec: Commitment,
) -> float | None:
    """Return the length of the shortest run in a state that began with a switch [h]."""
    n = len(state)
    cyclic = spec.before == "cyclic"
    lengths = []
    for t in range(n):
        if not (state[t] and switched[t]):
            continue
        length, k = 0.0, t
        while state[k % n] and k - t < n and (cyclic or k < n):
            length += float(hours[k % n])
            k += 1
        cut = not cyclic and k >= n
        if not cut or spec.complete_runs:
            lengths.append(length)
    return min(lengths, default=None)
