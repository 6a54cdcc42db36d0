r"""Windows of local time, and amounts that are fixed in each of them while their moment is free.

$$ d_t = d_{t-1} + \Delta t\,x_t, \qquad \sum_{w:\ \text{over at } t} A_w \le d_t \le
   \sum_{w:\ \text{begun at } t} A_w, \qquad x_t \le \frac{o_t}{\Delta t}\,X_t $$

| symbol | name | unit |
|---|---|---|
| $x_t$ | flow that is placed inside the windows | kW or kg/h |
| $d_t$ | ``delivered``, the sum of it; starts at 0 again where all windows so far are served | kWh or kg |
| $A_w$ | amount of window $w$, times the share of it that lies in the horizon | kWh or kg |
| $o_t$ | hours of step $t$ that are inside a window | h |
| $X_t$ | largest flow | kW or kg/h |

A window is half-open, from–to, on the wall clock: it has 23 or 25 hours where the clock is changed
inside it. A window that the horizon, a gap between its steps or a change of their weight cuts is cut
into parts, each with its share by length; a part without steps is no window. A step that
reaches over the border of two windows may serve either of them, so that steps of any length work.

The corridor between two cumulated amounts is exact for windows that do not overlap. Source: cumulated
arrival and deadline curves, e.g. Le Boudec & Thiran (2001), Network Calculus, chapter 1,
doi:10.1007/3-540-45318-0.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from microgrid_opt.fields import refuse
from microgrid_opt.series.timeofuse import spans

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from microgrid_opt.builder import Builder
    from microgrid_opt.horizon import Horizon

    Floats = NDArray[np.float64]
    Seconds = NDArray[np.int64]

DAY_MINUTES = 1440
ALL_DAYS = ("all",)
SAME = 1e-9


def clock_spans(hours: str) -> tuple[tuple[int, int], ...]:
    """Return the minutes of ``"6-10, 22-6"`` as spans in order; past midnight they exceed 1440."""
    found = []
    for part in hours.split(","):
        pieces = spans(part)
        over = pieces[1][1] + DAY_MINUTES if len(pieces) > 1 else pieces[0][1]
        found.append((pieces[0][0], over))
    return tuple(sorted(found))


def _hours(text: str) -> str:
    try:
        found = clock_spans(text)
    except ValueError as error:
        raise refuse("hours", str(error)) from None
    following = [*found[1:], (found[0][0] + DAY_MINUTES, 0)]
    for (_, end), (begin, _) in zip(found, following, strict=True):
        if end > begin:
            raise refuse("hours", f"{text!r} covers an hour twice: give spans that do not overlap.")
    return text


def _within(text: str) -> str:
    return text if text == "day" else _hours(text)


def _clock(value: object) -> object:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    match = re.fullmatch(r"(\d{1,2})(?::([0-5]\d))?", text) if isinstance(text, str) else None
    if match is None or int(match[1]) > 23:
        raise refuse("clock", "must be a time of day from 0:00 to 23:59, such as 17:30.")
    return f"{int(match[1])}:{match[2] or '00'}"


def _name(text: str) -> str:
    if re.fullmatch("[a-z][a-z0-9_]{0,31}", text) is None:
        raise refuse(
            "identifier",
            "is no name for a key here: begin with a small letter, go on with small letters, digits "
            "and `_`, 32 characters at most.",
        )
    return text


ClockHours = Annotated[str, AfterValidator(_hours)]
"""Hours of the day such as ``6-22`` or ``6-10, 22-6``; a span may run past midnight."""
Within = Annotated[str, AfterValidator(_within)]
"""``day``, or spans of hours that are a window each, such as ``6-14, 14-22, 22-6``."""
ClockTime = Annotated[str, BeforeValidator(_clock), WithJsonSchema({"type": ["string", "integer"]})]
"""A time of day such as ``17:30``."""
Name = Annotated[str, AfterValidator(_name)]
"""A key that becomes part of the names of results."""


def clock_minutes(time: str) -> int:
    """Return the minute of the day of a `ClockTime`."""
    hour, minute = time.split(":")
    return int(hour) * 60 + int(minute)


# ------------------------------------------------------------------------------------ time


@dataclass(frozen=True, eq=False)
class TimeLine:
    """The steps in whole seconds since the first stamp.

    Parameters
    ----------
    start, end
        Of each step [s], shape (n,).
    run
        Number of the run that each step belongs to: steps of one weight without a gap, shape (n,).
    """

    start: Seconds
    end: Seconds
    run: NDArray[np.int64]

    @classmethod
    def of(cls, horizon: Horizon) -> TimeLine:
        """Return the steps of a horizon."""
        stamps = horizon.stamps.as_unit("ns").asi8
        start = (stamps - stamps[0]) // 10**9
        end = start + np.rint(horizon.step_hours * 3600.0).astype(np.int64)
        breaks = (start[1:] > end[:-1] + 1) | (horizon.weight[1:] != horizon.weight[:-1])
        return cls(start, end, np.concatenate([[0], np.cumsum(breaks)]).astype(np.int64))

    @property
    def first_of_run(self) -> NDArray[np.bool_]:
        """Whether each step begins a run, shape (n,)."""
        return np.asarray(np.diff(self.run, prepend=-1) > 0)

    @property
    def first_step_of_run(self) -> NDArray[np.int64]:
        """First step of the run that each step belongs to, shape (n,)."""
        steps = np.where(self.first_of_run, np.arange(len(self.run)), 0)
        return np.asarray(np.maximum.accumulate(steps))

    def runs(self) -> list[tuple[int, int]]:
        """Return first and last step of every run."""
        first = np.flatnonzero(self.first_of_run)
        last = [*(first[1:] - 1).tolist(), len(self.run) - 1]
        return list(zip(first.tolist(), last, strict=True))

    def until(self, moments: NDArray[Any], hourly: Floats | float = 1.0) -> Floats:
        """Return Σ value × hours of all steps up to each moment [s]; steps count in part."""
        per_step = (self.end - self.start) / 3600.0 * hourly
        total = np.concatenate([[0.0], np.cumsum(per_step)])
        edges = np.stack([self.start, self.end], axis=1).ravel().astype(float)
        values = np.stack([total[:-1], total[1:]], axis=1).ravel()
        return np.asarray(np.interp(moments, edges, values))


def seconds_at(horizon: Horizon, local: pd.DatetimeIndex) -> Seconds:
    """Return seconds since the first stamp of wall-clock times.

    A time that a change of clocks skips is the moment of the change; of a doubled one, the first.
    """
    first = np.ones(len(local), dtype=bool)
    zoned = local.tz_localize(horizon.stamps.tz, ambiguous=first, nonexistent="shift_forward")
    origin = horizon.stamps.as_unit("ns").asi8[0]
    return np.asarray((zoned.as_unit("ns").asi8 - origin) // 10**9)


def local_days(
    horizon: Horizon,
    days: Sequence[str] = ALL_DAYS,
    *,
    split_holidays: bool = False,
    early: int = 1,
) -> pd.DatetimeIndex:
    """Return midnights of the local days of some types, from ``early`` days before the horizon on.

    Parameters
    ----------
    days
        Day types, as a calendar of prices has them.
    split_holidays
        Whether holidays are a type of their own; otherwise they are like any other day of the week.
    """
    import pandas as pd

    first = horizon.stamps[0].tz_localize(None).normalize() - pd.Timedelta(days=early)
    over = horizon.stamps[-1] + pd.Timedelta(hours=float(horizon.step_hours[-1]))
    dates = pd.date_range(first, over.tz_localize(None), freq="D")
    if "all" in days:
        return dates
    kinds = np.where(dates.day_of_week >= 5, "weekend", "weekday").astype(object)
    if split_holidays:
        kinds[[date in horizon.holidays for date in dates.date]] = "holiday"
    return dates[np.isin(kinds, list(days))]


# ------------------------------------------------------------------------------------ windows


@dataclass(frozen=True, eq=False)
class Windows:
    """Parts of windows that have steps, in order of time.

    Parameters
    ----------
    start, end
        Of each open span [s since the first stamp], shape (spans,).
    part
        Part of a window to which each span belongs, shape (spans,).
    origin
        Window of each part, as a number given to `cut`, shape (parts,).
    share
        Share of its window by length, shape (parts,).
    """

    line: TimeLine
    start: Seconds
    end: Seconds
    part: NDArray[np.int64]
    origin: NDArray[np.int64]
    share: Floats

    @classmethod
    def cut(
        cls, line: TimeLine, start: Seconds, end: Seconds, window: NDArray[np.int64]
    ) -> Windows:
        """Cut spans, each of the window of its number, to the runs of the horizon."""
        order = np.lexsort((end, start))
        start, end, window = start[order], end[order], window[order]
        whole = np.zeros(int(window.max(initial=-1)) + 1)
        np.add.at(whole, window, (end - start).astype(float))
        pieces = []
        for number, (first, last) in enumerate(line.runs()):
            low, high = np.maximum(start, line.start[first]), np.minimum(end, line.end[last])
            open_ = np.flatnonzero(high > low)
            pieces.append((low[open_], high[open_], window[open_], np.full(len(open_), number)))
        low, high, origin, run = (np.concatenate(column) for column in zip(*pieces, strict=True))
        changes = (np.diff(origin) != 0) | (np.diff(run) != 0)
        part = np.concatenate([[0], np.cumsum(changes)])[: len(low)].astype(np.int64)
        first_span = np.flatnonzero(np.diff(part, prepend=-1))
        inside = np.zeros(len(first_span))
        np.add.at(inside, part, (high - low).astype(float))
        of_part = origin[first_span].astype(np.int64)
        return cls(line, low, high, part, of_part, inside / whole[of_part])

    @classmethod
    def within(cls, horizon: Horizon, within: str) -> Windows:
        """Return every day, or every span of every day, as a window."""
        found = clock_spans("0-24" if within == "day" else within)
        dates = local_days(horizon)
        start, end = zip(*(span_seconds(horizon, dates, span) for span in found), strict=True)
        numbers = np.arange(len(dates) * len(found))
        return cls.cut(TimeLine.of(horizon), np.concatenate(start), np.concatenate(end), numbers)

    @property
    def first_step(self) -> NDArray[np.int64]:
        """First step with an open moment of each part, shape (parts,)."""
        first = np.searchsorted(self.line.end, self.start, side="right")
        return np.asarray(first[np.flatnonzero(np.diff(self.part, prepend=-1))])

    @property
    def last_step(self) -> NDArray[np.int64]:
        """Last step with an open moment of each part, shape (parts,)."""
        last = np.searchsorted(self.line.start, self.end, side="left") - 1
        return np.asarray(last[np.flatnonzero(np.diff(self.part, append=len(self.share)))])

    def open_fraction(self) -> Floats:
        """Return the share of each step that is inside a window [-], shape (n,)."""
        if not len(self.start):
            return np.zeros(len(self.line.start))
        edges = np.stack([self.start, self.end], axis=1).ravel().astype(float)
        total = np.concatenate([[0.0], np.cumsum((self.end - self.start).astype(float))])
        values = np.stack([total[:-1], total[1:]], axis=1).ravel()
        inside = np.interp(self.line.end, edges, values) - np.interp(self.line.start, edges, values)
        return np.asarray(inside / (self.line.end - self.line.start))

    def totals(self, hourly: Floats | float) -> Floats:
        """Return Σ value × hours over the open moments of each part, shape (parts,)."""
        found = np.zeros(len(self.share))
        both = (self.line.until(moments, hourly) for moments in (self.end, self.start))
        np.add.at(found, self.part, np.subtract(*both))
        return found

    def corridor(self, amounts: Floats) -> tuple[Floats, Floats]:
        """Return the least and the largest sum at the end of each step, shape (n,), from amounts."""
        steps = np.arange(len(self.line.start))
        total = np.concatenate([[0.0], np.cumsum(amounts)])
        over = np.searchsorted(self.last_step, steps, side="right")
        begun = np.searchsorted(self.first_step, steps, side="right")
        return total[over], total[begun]


def span_seconds(
    horizon: Horizon, dates: pd.DatetimeIndex, span: tuple[int, int]
) -> tuple[Seconds, Seconds]:
    """Return start and end [s since the first stamp] of a span of the clock on each day."""
    import pandas as pd

    return (
        seconds_at(horizon, dates + pd.Timedelta(minutes=span[0])),
        seconds_at(horizon, dates + pd.Timedelta(minutes=span[1])),
    )


def write_corridor(
    b: Builder, name: str, flow: Any, corridor: tuple[Floats, Floats], *, unit: str
) -> None:
    """Keep the sum of a flow between two curves, as a result series that starts anew between them.

    Parameters
    ----------
    name, unit
        Of the series: the sum since the curves last met.
    flow
        Variable in ``unit`` per hour.
    corridor
        Least and largest sum at the end of each step, both non-decreasing, shape (n,).
    """
    low, high = corridor
    hours, before = b.param(f"{name}_hours", b.horizon.step_hours), b.previous
    met = np.isclose(low, high, rtol=SAME, atol=SAME)
    fresh = np.concatenate([[True], met[:-1]])
    begun = np.maximum.accumulate(np.where(fresh, np.arange(len(met)), 0))
    base = np.concatenate([[0.0], high[:-1]])[begun]
    floor = np.where(met, high, low) - base
    kept = b.param(f"{name}_kept", np.where(fresh, 0.0, 1.0))
    content = b.series(name, unit=unit, lower=floor, upper=high - base)
    b.require(
        f"{name}_sum",
        lambda t: content[t] == kept[t] * content[before[t]] + hours[t] * flow[t],
    )


def moments(
    line: TimeLine, lag: float
) -> tuple[NDArray[np.int64], Floats, NDArray[np.int64], Floats]:
    """Return how a sum that starts anew with each run reads a lag [h] after the end of each step.

    Returns
    -------
    Two indices and two weights, shape (n,): the sum is ``w1[t] * s[i1[t]] + w2[t] * s[i2[t]]``; it is 0
    before the run and stays as it is after it.
    """
    first = line.first_step_of_run
    last = np.array([stop for _, stop in line.runs()])[line.run]
    moment = np.clip(line.end + lag * 3600.0, line.start[first], line.end[last])
    step = np.clip(np.searchsorted(line.end, moment, side="left"), first, last)
    part = (moment - line.start[step]) / (line.end[step] - line.start[step])
    rest = np.where(line.first_of_run[step], 0.0, 1.0 - part)
    return step, part, np.maximum(step - 1, 0), rest


def write_lag(b: Builder, name: str, ahead: Any, behind: Any, lag: float) -> None:
    """Require that one sum, ``lag`` hours later, is at least what another one is now.

    Both grow in straight lines inside a step, so it is enough to look at the ends of steps, and at the
    moments that are a lag apart from them.

    Parameters
    ----------
    ahead, behind
        Give the sums at the end of a step: functions of an index, both starting anew with each run.
    lag
        Hours; the first sum stays as it is after the end of a run.
    """
    line = TimeLine.of(b.horizon)
    later, early = moments(line, lag), moments(line, -lag)
    one, two = b.param(f"{name}_1", later[0]), b.param(f"{name}_2", later[2])
    w_one, w_two = b.param(f"{name}_w1", later[1]), b.param(f"{name}_w2", later[3])
    b.require(
        f"{name}_after",
        lambda t: w_one[t] * ahead(one[t]) + w_two[t] * ahead(two[t]) >= behind(t),
    )
    between = np.flatnonzero((early[1] > SAME) & (early[1] < 1.0 - SAME))
    low, high = b.param(f"{name}_3", early[0]), b.param(f"{name}_4", early[2])
    w_low, w_high = b.param(f"{name}_w3", early[1]), b.param(f"{name}_w4", early[3])
    b.require(
        f"{name}_before",
        lambda t: w_low[t] * behind(low[t]) + w_high[t] * behind(high[t]) <= ahead(t),
        over=between,
    )


def overlapping(start: Seconds, end: Seconds) -> Iterable[tuple[int, int]]:
    """Yield pairs of spans that overlap."""
    order = np.argsort(start, kind="stable")
    for one, other in zip(order[:-1].tolist(), order[1:].tolist(), strict=True):
        if start[other] < end[one]:
            yield one, other
