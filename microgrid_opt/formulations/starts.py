"""Starts of a committed unit: how many, from which state, at what cost; run and pause times.

Rows of `microgrid_opt.formulations.commitment`, where the equations stand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from microgrid_opt.builder import Builder
    from microgrid_opt.formulations.commitment import Commitment, States
    from microgrid_opt.horizon import Horizon

SAME_HOURS = 1e-9


def write_durations(b: Builder, rules: Commitment, states: States) -> None:
    """Keep a unit on, or off, for its least time after each switch."""
    for name, hours, switched, room in (
        ("min_up", rules.min_up_hours, states.starts, states.energised),
        ("min_down", rules.min_down_hours, states.stops, lambda t: 1.0 - states.energised(t)),
    ):
        _write_duration(b, rules, name, hours, switched, room)


def _write_duration(
    b: Builder,
    rules: Commitment,
    name: str,
    hours: float,
    switched: Any,
    room: Callable[[Any], Any],
) -> None:
    earlier = _earlier(b, name, hours, switched, cyclic=rules.is_cyclic)
    b.require(f"{name}_time", lambda t: switched[t] + earlier(t) <= room(t))
    if rules.complete_runs and not rules.is_cyclic:
        late = np.flatnonzero(_hours_left(b.horizon) < hours - SAME_HOURS)
        b.require(f"{name}_complete", lambda t: switched[t] <= 0.0, over=late)


def write_start_limits(b: Builder, rules: Commitment, starts: Any) -> None:
    """Limit the starts of each day and of the year."""
    daily, yearly = rules.max_starts_per_day, rules.max_starts_per_year
    if daily is not None:
        today = b.series("starts_today", unit="1", upper=float(daily))
        new_day = np.diff(b.horizon.day, prepend=-1) != 0
        goes_on, before = b.param("same_day", np.where(new_day, 0.0, 1.0)), b.previous
        b.require("starts_of_day", lambda t: today[t] == goes_on[t] * today[before[t]] + starts[t])
    if yearly is not None:
        b.cap(
            "max_starts",
            b.times(starts, b.horizon.weight),
            "<=",
            yearly * b.horizon.year_share,
            unit="1",
            description=f"starts of {b.asset}",
        )


def write_switching_cost(
    b: Builder, rules: Commitment, states: States, size: Any, size_unit: str
) -> None:
    """Book what starts and stops cost, by the state that a start comes from."""
    weight = b.horizon.weight
    if rules.start_cost:
        b.book("start", b.times(states.starts, rules.start_cost * weight))
    if rules.stop_cost:
        b.book("stop", b.times(states.stops, rules.stop_cost * weight))
    if rules.hot_start_cost is not None and rules.hot_start_within_hours is not None:
        hot = _hot_starts(b, rules, states, rules.hot_start_within_hours)
        b.book("start", b.times(hot, (rules.hot_start_cost - rules.start_cost) * weight))
    if rules.standby is not None:
        warm = _warm_starts(b, rules, states)
        if rules.standby.start_cost:
            b.book("start", b.times(warm, rules.standby.start_cost * weight))
    per_size = rules.start_cost_per_size
    if per_size and not b.is_choice(size):
        b.book("start", b.times(states.starts, per_size * size * weight))
    elif per_size:
        started = _capacity_started(b, rules, states, size_unit)
        b.book("start", b.times(started, per_size * weight))


def _hot_starts(b: Builder, rules: Commitment, states: States, within: float) -> Any:
    hot = b.series("hot_starts", unit="1", upper=1.0)
    starts = states.starts
    stopped = _earlier(b, "hot", within, states.stops, cyclic=rules.is_cyclic)
    b.require("hot_is_a_start", lambda t: hot[t] <= starts[t])
    b.require("hot_after_stop", lambda t: hot[t] <= stopped(t))
    return hot


def _warm_starts(b: Builder, rules: Commitment, states: States) -> Any:
    warm = b.series("warm_starts", unit="1", upper=1.0)
    on, standby, starts, before = states.on, states.standby, states.starts, b.previous
    steps = rules.steps_with_one_before(b)
    b.require("warm_start", lambda t: warm[t] >= on[t] - on[before[t]] - starts[t], over=steps)
    b.require("warm_from_standby", lambda t: warm[t] <= standby[before[t]], over=steps)
    b.require("warm_into_operation", lambda t: warm[t] <= on[t])
    if not rules.is_cyclic:
        b.require_once("first_warm_start", warm[0] == 0.0)
    return warm


def _capacity_started(b: Builder, rules: Commitment, states: States, size_unit: str) -> Any:
    started, before = b.series("capacity_started", unit=size_unit), b.previous
    b.require(
        "starting",
        lambda t: started[t] >= states.energised_capacity(t) - states.energised_capacity(before[t]),
        over=rules.steps_with_one_before(b),
    )
    if rules.before == "off":
        b.require_once("first_start", started[0] >= states.energised_capacity(0))
    return started


def _earlier(
    b: Builder, name: str, hours: float, switched: Any, *, cyclic: bool
) -> Callable[[Any], Any]:
    """Return the sum of the switches in steps that began less than ``hours`` before t, without t."""
    terms = [
        (b.param(f"{name}_at_{k}", steps), b.param(f"{name}_in_{k}", inside))
        for k, (steps, inside) in enumerate(_windows(b.horizon, hours, cyclic=cyclic), start=1)
    ]
    if not terms:
        return lambda _: 0.0
    return lambda t: sum(inside[t] * switched[at[t]] for at, inside in terms)


def _windows(
    horizon: Horizon, hours: float, *, cyclic: bool
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """Yield (step k before t, 1.0 where it began less than ``hours`` before t) for k = 1, 2, …."""
    n = len(horizon)
    here = np.arange(n)
    elapsed = np.zeros(n)
    for k in range(1, n):
        at = (here - k) % n
        elapsed = elapsed + horizon.step_hours[at]
        inside = elapsed < hours - SAME_HOURS
        if not cyclic:
            inside &= here >= k
        if not inside.any():
            return
        yield at, inside.astype(float)


def _hours_left(horizon: Horizon) -> NDArray[np.float64]:
    """Return the time from the start of each step to the end of the horizon [h], shape (n,)."""
    return np.asarray(np.cumsum(horizon.step_hours[::-1])[::-1])
