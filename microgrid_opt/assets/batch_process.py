"""Batch process: a run of fixed length and profile, so many times a day, at chosen moments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, Self

import numpy as np
from pydantic import Field, model_validator

from microgrid_opt.assets.base import Asset
from microgrid_opt.errors import Finding, InputError
from microgrid_opt.fields import (
    KW,
    CarrierName,
    Kg,
    KgPerHour,
    Money,
    PositiveHours,
    refuse,
    require_one,
)
from microgrid_opt.formulations.placing import placed
from microgrid_opt.formulations.wallclock import hours_inside, spans_by_day, step_ends, unbroken
from microgrid_opt.formulations.windows import (
    ClockHours,
    TimeLine,
    Windows,
    clock_spans,
    local_days,
    span_seconds,
)
from microgrid_opt.ledger import CO2
from microgrid_opt.series.timeofuse import Days

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from microgrid_opt.audit import AssetAudit
    from microgrid_opt.builder import Builder
    from microgrid_opt.carriers import Carrier
    from microgrid_opt.horizon import Horizon
    from microgrid_opt.problem import Surroundings
    from microgrid_opt.results import AssetResults, Quantity

    Floats = NDArray[np.float64]

SAME = 1e-9
Powers = Annotated[tuple[KW, ...], Field(min_length=1)]
Flows = Annotated[tuple[KgPerHour, ...], Field(min_length=1)]
_SIDES = ("inputs_kw", "inputs_kg_per_hour", "outputs_kw", "outputs_kg_per_hour")


class _Exchange(NamedTuple):
    """A carrier that a batch takes or gives, part by part."""

    carrier: str
    is_output: bool
    unit: str
    profile: Floats

    @property
    def name(self) -> str:
        """Name of the result series."""
        return f"{self.carrier}_{'out' if self.is_output else 'in'}"


class BatchProcess(Asset):
    r"""Process that is run in batches: $s_t$ of them start in step $t$, each with the same profile.

    $$ x_t = \sum_{k \ge 0} a_{k,t}\,s_{t-k}, \qquad a_{k,t} = \frac{1}{\Delta t}
       \int_{\tau_t - \tau_{t-k}}^{\tau_t - \tau_{t-k} + \Delta t} P(\theta)\,d\theta $$
    $$ \sum_{k:\ \tau_t - \tau_{t-k} < T} s_{t-k} \le n, \qquad
       \sum_{t \in d} s_t = B \quad\text{or}\quad \le B $$

    | symbol | name | unit |
    |---|---|---|
    | $s_t$ | ``starts`` | – |
    | $x_t$ | flow of one carrier, in or out | kW or kg/h |
    | $P(\theta)$ | ``inputs_kw``, … at the time $\theta$ after the start | kW or kg/h |
    | $T$ | length of a batch: number of parts × ``part_hours`` | h |
    | $n$ | ``max_at_once`` | – |
    | $B$ | ``batches_per_day`` or ``max_batches_per_day`` of day $d$ | – |
    | $\tau_t$ | start of step $t$ | h |

    A batch starts at the start of a step inside ``start_hours`` and belongs to the day on which these
    begin; a day whose start hours are cut by the horizon has the whole number of batches that is within
    its share. A batch that runs over the end of the horizon goes on at its beginning (with gaps: of
    each stretch of steps), so that no end is cheaper than another.

    References: Kondili, Pantelides & Sargent (1993), A general algorithm for short-term scheduling of
    batch operations I, doi:10.1016/0098-1354(93)80015-F (discrete time, start variables, tasks with a
    profile).
    """

    type: Literal["batch_process"]
    part_hours: PositiveHours = 1.0
    """Length of each part of the profiles."""
    inputs_kw: dict[CarrierName, Powers] = Field(default_factory=dict)
    """What a batch takes in each part, by carrier, for carriers counted in kWh."""
    inputs_kg_per_hour: dict[CarrierName, Flows] = Field(default_factory=dict)
    """What a batch takes in each part, by carrier, for carriers counted in kg."""
    outputs_kw: dict[CarrierName, Powers] = Field(default_factory=dict)
    """What a batch gives in each part, by carrier, for carriers counted in kWh."""
    outputs_kg_per_hour: dict[CarrierName, Flows] = Field(default_factory=dict)
    """What a batch gives in each part, by carrier, for carriers counted in kg."""
    batches_per_day: Annotated[int, Field(ge=1)] | None = None
    """Batches that each day must have."""
    max_batches_per_day: Annotated[int, Field(ge=1)] | None = None
    """Most batches of a day, instead: how many is the plan's choice."""
    start_hours: ClockHours = "0-24"
    """Hours of the day in which a batch may start, such as ``6-18``."""
    days: Days = ("all",)
    """Days that have batches: weekday, weekend, holiday, a list of them, or all."""
    max_at_once: Annotated[int, Field(ge=1)] = 1
    """Most batches that run at the same time."""
    cost_per_batch: Money = 0.0
    """Cost of a batch, beside that of what it takes."""
    co2_kg_per_batch: Kg = 0.0
    """CO2 that a batch lets go, beside that of what it takes."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        require_one(self, "batches_per_day", "max_batches_per_day")
        lengths = {len(exchange.profile) for exchange in self._exchanges()}
        if not lengths:
            raise refuse("batch", "takes and gives nothing: give `inputs_kw`, for instance.")
        if len(lengths) > 1:
            shown = ", ".join(f"{e.name} {len(e.profile)}" for e in self._exchanges())
            raise refuse(
                "batch", f"has profiles of different length ({shown}): give all the same parts."
            )
        busy = (self.batches_per_day or 0) * self.batch_hours
        if "all" in self.days and busy > 24.0 * self.max_at_once * (1 + SAME):
            raise refuse(
                "batch",
                f"means {busy:g} h of batches a day, and {self.max_at_once} at once have 24 h each: "
                "give fewer or shorter batches, or a larger `max_at_once`.",
                path=("batches_per_day",),
            )
        return self

    def _exchanges(self) -> Iterator[_Exchange]:
        for side in _SIDES:
            for carrier, profile in getattr(self, side).items():
                unit = "kW" if side.endswith("_kw") else "kg/h"
                values = np.array(profile, dtype=float)
                yield _Exchange(carrier, side.startswith("outputs"), unit, values)

    @property
    def batch_hours(self) -> float:
        """Length of a batch [h]."""
        return self.part_hours * len(next(self._exchanges()).profile)

    @property
    def _most_per_day(self) -> int:
        return self.batches_per_day or self.max_batches_per_day or 0

    def misfits(self, place: str, carrier: Callable[[str], Carrier]) -> Iterator[tuple[str, str]]:
        """Refuse carriers under a key of the other unit."""
        del place
        for side in _SIDES:
            for name in getattr(self, side):
                flow = carrier(name).flow_unit
                if flow != ("kW" if side.endswith("_kw") else "kg/h"):
                    right = side.partition("_")[0] + ("_kw" if flow == "kW" else "_kg_per_hour")
                    yield side, f"has {name}, whose flow is counted in {flow}: put it in `{right}`."

    # -------------------------------------------------------------------------------- time

    def _windows(self, horizon: Horizon) -> tuple[Windows, NDArray[np.int64]]:
        """Return the start hours of each day, and in whose each step begins; -1 in nobody's."""
        dates = local_days(horizon, self.days, split_holidays="holiday" in self.days)
        ends = [span_seconds(horizon, dates, span) for span in clock_spans(self.start_hours)]
        start, end = (np.concatenate(column) for column in zip(*ends, strict=True))
        line = TimeLine.of(horizon)
        windows = Windows.cut(line, start, end, np.tile(np.arange(len(dates)), len(ends)))
        span = np.searchsorted(windows.start, line.start, side="right") - 1
        if not len(windows.start):
            return windows, span
        inside = (span >= 0) & (line.start < windows.end[span])
        return windows, np.where(inside, windows.part[span], -1)

    def _counts(self, windows: Windows) -> NDArray[np.float64]:
        """Return the batches of each part of a day."""
        return np.floor(self._most_per_day * windows.share + SAME)

    def prepare(self, surroundings: Surroundings) -> Mapping[str, Floats]:
        """Refuse steps that do not divide a batch, and days on which it could not start."""
        horizon, hours = surroundings.horizon, self.batch_hours
        parts = hours / horizon.step_hours
        odd = np.flatnonzero(np.abs(parts - np.round(parts)) > 1e-6)
        if odd.size:
            t = int(odd[0])
            raise InputError(
                Finding(
                    f"makes a batch of {hours:g} h, which is no whole number of steps of "
                    f"{horizon.step_hours[t]:g} h (at {horizon.stamps[t]}): give steps that divide it.",
                    key="part_hours",
                )
            )
        for run in unbroken(horizon):
            length = float(horizon.step_hours[run].sum())
            if length < hours * (1 - SAME):
                raise InputError(
                    f"A batch of {hours:g} h does not fit the {length:g} h of steps from "
                    f"{horizon.stamps[run[0]]}: give a longer horizon."
                )
        windows, part_of = self._windows(horizon)
        for part, count in enumerate(self._counts(windows)):
            if count and not (part_of == part).any():
                first = horizon.stamps[int(windows.first_step[part])]
                raise InputError(
                    Finding(
                        f"has no start of a step on {first:%Y-%m-%d}: give longer "
                        "hours or shorter steps.",
                        key="start_hours",
                        value=self.start_hours,
                    )
                )
        return {}

    def _lags(self, line: TimeLine) -> Iterator[tuple[NDArray[np.int64], Floats]]:
        """Yield (step k before t within its run, around its end; hours from its start to that of t)."""
        first = line.first_step_of_run
        last = np.array([stop for _, stop in line.runs()])[line.run]
        size, length = last - first + 1, line.end[last] - line.start[first]
        here = np.arange(len(first))
        for k in range(len(first) + 1):
            back = here - first - k
            at = first + back % size
            elapsed = (line.start - line.start[at] - (back // size) * length) / 3600.0
            if not (elapsed < self.batch_hours - SAME).any():
                return
            yield at, elapsed

    # -------------------------------------------------------------------------------- model

    def build(self, b: Builder) -> None:
        """Write starts, how many a day and at once, and what the batches take and give."""
        windows, part_of = self._windows(b.horizon)
        single = self.max_at_once == 1
        most = np.where(part_of >= 0, float(self.max_at_once), 0.0)
        starts = b.series("starts", unit="1", upper=most, binary=single, integer=not single)
        counts = self._counts(windows)
        self._write_days(b, counts, part_of, starts)
        line, hours = TimeLine.of(b.horizon), b.horizon.step_hours
        lags = list(self._lags(line))
        b.round_by(self._rounding(lags, part_of, counts), starts=starts)
        at = [b.param(f"lag_{k}", steps) for k, (steps, _) in enumerate(lags)]
        running = [
            b.param(f"running_{k}", np.where(elapsed < self.batch_hours - SAME, 1.0, 0.0))
            for k, (_, elapsed) in enumerate(lags)
        ]
        b.require(
            "at_once",
            lambda t: (
                sum(on[t] * starts[step[t]] for on, step in zip(running, at, strict=True))
                <= self.max_at_once
            ),
        )
        makes = any(exchange.is_output for exchange in self._exchanges())
        for one in self._exchanges():
            means = [
                b.param(f"{one.name}_{k}", self._mean(one.profile, elapsed, hours))
                for k, (_, elapsed) in enumerate(lags)
            ]
            flow = b.series(one.name, unit=one.unit)
            self._write_flow(b, one.name, flow, starts, list(zip(means, at, strict=True)))
            if one.is_output:
                b.supply(one.carrier, flow, role="conversion")
            else:
                b.draw(one.carrier, flow, role="conversion" if makes else "demand")
        weight = b.horizon.weight
        if self.cost_per_batch:
            b.book("batches", b.times(starts, self.cost_per_batch * weight))
        if self.co2_kg_per_batch:
            b.book("batches", b.times(starts, self.co2_kg_per_batch * weight), effect=CO2)

    def _write_days(
        self, b: Builder, counts: Floats, part_of: NDArray[np.int64], starts: Any
    ) -> None:
        """Count the batches of each day, up to its number."""
        before, inside = b.previous, np.flatnonzero(part_of >= 0)
        day = np.maximum.accumulate(part_of)
        changes = np.diff(day, prepend=-1) > 0
        changes[0] = True
        goes_on = b.param("day_goes_on", np.where(changes, 0.0, 1.0))
        most, least = np.append(counts, 0.0)[day], np.zeros(len(day))
        if self.batches_per_day is not None:
            last = inside[np.diff(part_of[inside], append=len(counts)) > 0]
            least[last] = counts[part_of[last]]
        so_far = b.series("batches_so_far", unit="1", lower=least, upper=most)
        b.require("count", lambda t: so_far[t] == goes_on[t] * so_far[before[t]] + starts[t])

    def _rounding(
        self,
        lags: list[tuple[NDArray[np.int64], Floats]],
        part_of: NDArray[np.int64],
        counts: Floats,
    ) -> Callable[[Mapping[str, Floats]], Mapping[str, Floats]]:
        here = np.arange(len(part_of))
        on = [elapsed < self.batch_hours - SAME for _, elapsed in lags]
        begun = np.concatenate([at[now] for (at, _), now in zip(lags, on, strict=True)])
        goes_on = np.concatenate([here[now] for now in on])
        order = np.argsort(begun, kind="stable")
        covered = np.split(goes_on[order], np.searchsorted(begun[order], here[1:]))
        exact = self.batches_per_day is not None

        def rule(relaxed: Mapping[str, Floats]) -> Mapping[str, Floats]:
            wanted = relaxed["starts"]
            found = placed(wanted, part_of, counts, covered, self.max_at_once, exact=exact)
            return {} if found is None else {"starts": found}

        return rule

    @staticmethod
    def _write_flow(
        b: Builder, name: str, flow: Any, starts: Any, terms: list[tuple[Any, Any]]
    ) -> None:
        b.require(
            f"{name}_of_batches",
            lambda t: flow[t] == sum(mean[t] * starts[step[t]] for mean, step in terms),
        )

    def _mean(self, profile: Floats, elapsed: Floats, hours: Floats) -> Floats:
        """Return the mean flow of a batch over steps that begin ``elapsed`` hours after its start."""
        edges = self.part_hours * np.arange(len(profile) + 1)
        amounts = np.append(0.0, np.cumsum(profile * self.part_hours))
        over, begin = (np.interp(moment, edges, amounts) for moment in (elapsed + hours, elapsed))
        return np.asarray((over - begin) / hours)

    # -------------------------------------------------------------------------------- audit

    def audit(self, a: AssetAudit) -> None:
        """Replay batch by batch what each takes and gives, and count them by day and at once."""
        starts = a.series("starts")
        a.equal("starts are whole", starts, np.round(starts), unit="1")
        a.at_most("starts not negative", 0.0, starts, unit="1")
        at_once, flows = self._replayed(a, starts)
        a.at_most("batches at once", at_once, self.max_at_once, unit="1")
        for exchange, expected in zip(self._exchanges(), flows, strict=True):
            carrier, flow = exchange.carrier, a.series(exchange.name)
            a.equal(f"{exchange.name} follows the batches", flow, expected, unit=exchange.unit)
            moved = a.supplied(carrier) if exchange.is_output else a.drawn(carrier)
            a.equal(f"{exchange.name} in the balance", moved, flow, unit=exchange.unit)
        self._audit_days(a, starts)
        count = float(starts @ a.horizon.weight)
        a.booked("batches", count * self.cost_per_batch)
        a.booked("batches", count * self.co2_kg_per_batch, effect=CO2)

    def _replayed(self, a: AssetAudit, starts: Floats) -> tuple[Floats, list[Floats]]:
        hours = a.horizon.step_hours
        at_once, flows = np.zeros(len(hours)), [np.zeros(len(hours)) for _ in self._exchanges()]
        for run in unbroken(a.horizon):
            for t in run[starts[run] > SAME]:
                position, age = int(t), 0.0
                while age < self.batch_hours - SAME:
                    end = age + hours[position]
                    at_once[position] += starts[t]
                    for exchange, flow in zip(self._exchanges(), flows, strict=True):
                        for part, power in enumerate(exchange.profile):
                            begin = part * self.part_hours
                            inside = min(end, begin + self.part_hours) - max(age, begin)
                            share = max(0.0, inside) / hours[position]
                            flow[position] += starts[t] * power * share
                    age = end
                    position = position + 1 if position < run[-1] else int(run[0])
        return at_once, flows

    def _audit_days(self, a: AssetAudit, starts: Floats) -> None:
        begin, _ = step_ends(a.horizon)
        allowed = np.zeros(len(starts), dtype=bool)
        so_far = a.series("batches_so_far")
        split = "holiday" in self.days
        for spans in spans_by_day(a.horizon, self.start_hours, self.days, split_holidays=split):
            whole = sum(end - start for start, end in spans)
            inside = hours_inside(a.horizon, spans)
            mine = np.zeros(len(starts), dtype=bool)
            for start, end in spans:
                mine |= (begin > start - SAME) & (begin < end - SAME)
            allowed |= mine
            for run in unbroken(a.horizon):
                held = run[mine[run]]
                if not held.size:
                    continue
                count = np.floor(self._most_per_day * inside[run].sum() / whole + 1e-6)
                done = np.cumsum(starts[held])
                a.at_most("batches of a day", done[-1], count, unit="1")
                a.equal("batches so far", so_far[held], done, unit="1")
                if self.batches_per_day is not None:
                    a.at_most("all batches of a day", count, done[-1], unit="1")
        a.at_most("starts inside the hours", starts * ~allowed, 0.0, unit="1")

    def summary(self, r: AssetResults) -> Mapping[str, Quantity]:
        """Return how many batches were run."""
        return {"batches": r.quantity(float(r.series("starts") @ r.horizon.weight), "1")}
