"""What audits need of the wall clock: its windows one by one, in hours since the first stamp.

The audit walks the calendar day by day; it shares nothing with `microgrid_opt.formulations.windows`
but the reading of a text such as ``6-10, 22-6``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from microgrid_opt.formulations.windows import clock_spans

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from microgrid_opt.horizon import Horizon

    Floats = NDArray[np.float64]
    Span = tuple[float, float]

SECOND = 0.5 / 3600.0
"""Times are whole seconds; less than half of one [h] is none."""


def since_start(horizon: Horizon, local: pd.Timestamp) -> float:
    """Return the hours from the first stamp to a wall-clock time."""
    first = horizon.stamps[0]
    moment = local.tz_localize(first.tz, ambiguous=True, nonexistent="shift_forward")
    return float((moment - first).total_seconds()) / 3600.0


def days_of(
    horizon: Horizon, *, early: int = 1, split_holidays: bool = False
) -> Iterator[tuple[pd.Timestamp, str]]:
    """Yield midnight and type of each local day, from ``early`` days before the horizon on."""
    import pandas as pd

    one = pd.Timedelta(days=1)
    midnight = horizon.stamps[0].tz_localize(None).normalize() - early * one
    over = horizon.stamps[-1] + pd.Timedelta(hours=float(horizon.step_hours[-1]))
    while midnight <= over.tz_localize(None):
        kind = "weekend" if midnight.day_of_week >= 5 else "weekday"
        if split_holidays and midnight.date() in horizon.holidays:
            kind = "holiday"
        yield midnight, kind
        midnight += one


def spans_by_day(
    horizon: Horizon, hours: str, days: Sequence[str] = ("all",), *, split_holidays: bool = False
) -> Iterator[list[Span]]:
    """Yield the spans of each local day of some types, as hours since the first stamp."""
    import pandas as pd

    for midnight, kind in days_of(horizon, split_holidays=split_holidays):
        if kind in days or "all" in days:
            found = []
            for span in clock_spans(hours):
                ends = (midnight + pd.Timedelta(minutes=minute) for minute in span)
                start, end = (since_start(horizon, moment) for moment in ends)
                found.append((start, end))
            yield found


def step_ends(horizon: Horizon) -> tuple[Floats, Floats]:
    """Return start and end of each step, as hours since the first stamp."""
    start = (horizon.stamps - horizon.stamps[0]).total_seconds().to_numpy() / 3600.0
    return start, start + horizon.step_hours


def hours_inside(horizon: Horizon, spans: Sequence[Span]) -> Floats:
    """Return the hours of each step that are inside one of the spans, shape (n,)."""
    begin, over = step_ends(horizon)
    inside = np.zeros(len(horizon))
    for start, end in spans:
        inside += np.clip(np.minimum(over, end) - np.maximum(begin, start), 0.0, None)
    return np.where(inside > SECOND, inside, 0.0)


def unbroken(horizon: Horizon) -> list[NDArray[np.int64]]:
    """Return the steps in runs of one weight without a gap."""
    begin, over = step_ends(horizon)
    breaks = (begin[1:] > over[:-1] + SECOND) | (np.diff(horizon.weight) != 0.0)
    return np.split(np.arange(len(horizon)), np.flatnonzero(breaks) + 1)


def each_window(horizon: Horizon, within: str) -> list[Span]:
    """Return every day, or every span of every day, that touches the horizon."""
    begin, over = step_ends(horizon)
    found = (
        span for day in spans_by_day(horizon, "0-24" if within == "day" else within) for span in day
    )
    return [(start, end) for start, end in found if end > begin[0] and start < over[-1]]


def closed_ends(horizon: Horizon, windows: Sequence[Span]) -> NDArray[np.bool_]:
    """Return whether no window goes on after the end of each step; none goes on after a run."""
    _, over = step_ends(horizon)
    closed = np.ones(len(horizon), dtype=bool)
    for start, end in windows:
        closed &= (over <= start + SECOND) | (over >= end - SECOND)
    closed[[run[-1] for run in unbroken(horizon)]] = True
    return closed


def since_met(low: Floats, high: Floats, amounts: Floats) -> tuple[Floats, Floats, Floats]:
    """Return two curves and the sum of amounts, all counted from where the curves last met.

    A year's sum would hide what one day lacks.
    """
    met = np.isclose(low, high, rtol=1e-9, atol=1e-9)
    begun = np.maximum.accumulate(np.where(np.append(True, met[:-1]), np.arange(len(met)), 0))
    before = np.append(0.0, high[:-1])[begun]
    total = np.cumsum(amounts)
    return low - before, high - before, total - (total - amounts)[begun]
