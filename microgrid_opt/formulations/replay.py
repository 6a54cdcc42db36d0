"""A committed unit replayed from its states alone, step by step, for the audit.

It shares nothing with the rows of `microgrid_opt.formulations.commitment`: transitions come from
comparing neighbouring steps, durations from adding up the steps of a run.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from microgrid_opt.audit import AssetAudit
    from microgrid_opt.formulations.commitment import Commitment
    from microgrid_opt.formulations.converter import Ratio

    Floats = NDArray[np.float64]

HALF = 0.5


@dataclass(frozen=True)
class Run:
    """Steps in which the unit stays energised, or stays off."""

    first: int
    hours: float
    energised: bool
    began: bool
    """Whether it began with a switch that the horizon shows."""
    ended: bool
    """Whether it ended with one."""


def audit(
    rules: Commitment, a: AssetAudit, flow: Floats, size: float, per_size: Ratio, unit: str
) -> None:
    """Check every rule of a committed unit, and what its states cost."""
    on = a.series("on")
    standby = np.zeros_like(on) if rules.standby is None else a.series("standby")
    energised = on + standby
    a.equal("on is on or off", on * (1.0 - on), 0.0, unit="1")
    a.equal("one state at a time", energised * (1.0 - energised), 0.0, unit="1")
    was = _before(energised, rules)
    starts = ((energised > HALF) & (was < HALF)).astype(float)
    stops = ((energised < HALF) & (was > HALF)).astype(float)
    a.equal("starts follow the states", a.series("starts"), starts, unit="1")
    a.equal("stops follow the states", a.series("stops"), stops, unit="1")
    limit = size * per_size
    a.at_most("no load when off", flow, limit * on, unit=unit)
    a.at_most("least load", rules.min_load_fraction * limit * on, flow, unit=unit)
    _audit_ramp(rules, a, flow, limit, unit)
    runs = list(_runs(energised > HALF, starts + stops > HALF, a.horizon.step_hours, rules))
    _audit_durations(rules, a, runs)
    _audit_limits(rules, a, starts)
    _audit_switching_cost(rules, a, runs, starts, stops, size)
    _audit_running_cost(rules, a, size)
    for carrier, drawn in rules.standby_drawn(a, size).items():
        a.at_most("standby drawn", drawn, a.drawn(carrier), unit=a.flow_unit(carrier))


def _before(states: Floats, rules: Commitment) -> Floats:
    """Return the state of the step before each; the first step's by the rule."""
    known = {"off": 0.0, "on": 1.0, "free": states[0], "cyclic": states[-1]}
    return np.concatenate([[known[rules.before]], states[:-1]])


def _audit_ramp(rules: Commitment, a: AssetAudit, flow: Floats, limit: Ratio, unit: str) -> None:
    if rules.ramp_fraction_per_hour is None:
        return
    on = a.series("on")
    allowed = rules.ramp_fraction_per_hour * a.horizon.step_hours * limit
    stays = (on > HALF) & (np.roll(on, 1) > HALF)
    first = 0 if rules.is_cyclic else 1
    move = np.abs(flow - np.roll(flow, 1))
    a.at_most("ramp", np.where(stays, move, 0.0)[first:], allowed[first:], unit=unit)


def _runs(
    energised: NDArray[np.bool_],
    switched: NDArray[np.bool_],
    hours: Floats,
    rules: Commitment,
) -> Iterator[Run]:
    """Yield the runs and pauses in order; a cyclic one that crosses the end comes once."""
    n = len(energised)
    begins = np.flatnonzero(switched)
    if rules.is_cyclic and begins.size:
        ends = np.append(begins[1:], begins[0] + n)
        for first, end in zip(begins, ends, strict=True):
            steps = np.arange(first, end) % n
            yield Run(int(first), float(hours[steps].sum()), bool(energised[first]), True, True)
        return
    edges = np.unique(np.concatenate([[0], begins, [n]])).astype(int)
    for first, end in pairwise(edges):
        length = float(hours[first:end].sum())
        yield Run(int(first), length, bool(energised[first]), bool(switched[first]), end < n)


def _audit_durations(rules: Commitment, a: AssetAudit, runs: list[Run]) -> None:
    for what, energised, least in (
        ("up time", True, rules.min_up_hours),
        ("down time", False, rules.min_down_hours),
    ):
        lengths = [
            run.hours
            for run in runs
            if run.energised == energised and run.began and (run.ended or rules.complete_runs)
        ]
        if lengths:
            a.at_most(what, least, min(lengths), unit="h")


def _audit_limits(rules: Commitment, a: AssetAudit, starts: Floats) -> None:
    if rules.max_starts_per_day is not None:
        day = a.horizon.day
        so_far = np.cumsum(starts)
        today = so_far - np.concatenate([[0.0], so_far])[np.searchsorted(day, day)]
        a.equal("starts of the day so far", a.series("starts_today"), today, unit="1")
        a.at_most("starts of a day", np.bincount(day, starts), rules.max_starts_per_day, unit="1")
    if rules.max_starts_per_year is not None:
        most = rules.max_starts_per_year * a.horizon.year_share
        a.capped("max_starts", float(starts @ a.horizon.weight), "<=", most, unit="1")


def _audit_switching_cost(
    rules: Commitment, a: AssetAudit, runs: list[Run], starts: Floats, stops: Floats, size: float
) -> None:
    weight = a.horizon.weight
    cost = float(starts @ weight) * rules.start_cost
    if rules.hot_start_cost is not None and rules.hot_start_within_hours is not None:
        short = np.zeros_like(starts)
        for pause, run in zip(runs, [*runs[1:], *runs[:1]], strict=True):
            known = run.energised and pause.began and pause.ended
            if known and pause.hours < rules.hot_start_within_hours:
                short[run.first] = 1.0
        hot = a.series("hot_starts")
        a.at_most("hot starts not negative", 0.0, hot, unit="1")
        a.at_most("hot starts follow short pauses", hot, starts * short, unit="1")
        cost += float(hot @ weight) * (rules.hot_start_cost - rules.start_cost)
    if rules.standby is not None:
        ready = np.roll(a.series("standby"), 1)
        ready[0] *= rules.is_cyclic
        warm = a.series("on") * ready
        a.equal("warm starts follow standby", a.series("warm_starts"), warm, unit="1")
        cost += float(warm @ weight) * rules.standby.start_cost
    if rules.start_cost_per_size:
        started = size * starts
        if a.has_series("capacity_started"):
            booked = a.series("capacity_started")
            a.at_most("capacity started", started, booked, unit="1", scale=size)
            started = booked
        cost += float(started @ weight) * rules.start_cost_per_size
    a.booked("start", cost)
    a.booked("stop", float(stops @ weight) * rules.stop_cost)


def _audit_running_cost(rules: Commitment, a: AssetAudit, size: float) -> None:
    for name, state in (("capacity_on", "on"), ("capacity_in_standby", "standby")):
        if a.has_series(name):
            a.equal(name.replace("_", " "), a.series(name), size * a.series(state), unit="1")
    hours_on = float(a.series("on") @ a.horizon.hours)
    per_hour = rules.running_cost_per_hour + rules.running_cost_per_size_hour * size
    a.booked("running", hours_on * per_hour)
