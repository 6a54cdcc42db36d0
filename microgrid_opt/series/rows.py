"""Which rows of a file belong to which step of a horizon: exactly, by mean, by hold, or by calendar.

All times are nanoseconds. Rows and steps are compared by a key: UTC where the file's own stamps
count, or the place in a leap year where a typical year stands for any (month, day, time of day).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from microgrid_opt.errors import Finding, InputError, Location
from microgrid_opt.series.file import raise_capped

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    from numpy.typing import NDArray

    from microgrid_opt.horizon import Horizon
    from microgrid_opt.series.file import Stamps, Table

    Nanoseconds = NDArray[np.int64]

HOUR = 3_600_000_000_000
DAY = 24 * HOUR
LEAP_DAY = 59 * DAY
"""Start of 29 February in a leap year."""
_MONTH_STARTS = np.array([0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335]) * DAY


@dataclass(frozen=True)
class Alignment:
    """How the rows of a file relate to the steps.

    Parameters
    ----------
    time_column
        Column of time stamps; a stamp is the start of its row's interval.
    timezone
        Zone of stamps without offset; the horizon's when ``None``.
    align
        ``stamps`` takes the file's own times, ``typical_year`` month, day and time of day.
    leap_day
        What 29 February gets from a file without one: ``refuse`` or ``copy_feb_28``.
    resample
        ``none``: rows are as long as the steps; ``mean``: rows are finer and averaged; ``hold``: rows
        are coarser and hold for several steps.
    """

    time_column: str
    timezone: str | None
    align: Literal["stamps", "typical_year"]
    leap_day: Literal["refuse", "copy_feb_28"]
    resample: Literal["none", "mean", "hold"]


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of a file that a horizon uses.

    Parameters
    ----------
    rows
        Row numbers in order of time, those of one step together, shape (m,).
    starts
        Position in `rows` of the first row of each step, shape (n,).
    """

    rows: NDArray[np.int64]
    starts: NDArray[np.int64]

    def mean(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the means over the steps of values by row (m,), shape (n,)."""
        if len(self.starts) == len(self.rows):
            return values
        counts = np.diff(np.append(self.starts, len(self.rows)))
        return np.asarray(np.add.reduceat(values, self.starts) / counts)


def find_rows(table: Table, how: Alignment, horizon: Horizon) -> Rows:
    """Return the rows that belong to the steps of a horizon.

    Raises
    ------
    InputError
        Stamps that cannot be read, are out of order, doubled, ambiguous or missing; other intervals
        than the steps' without leave to resample.
    """
    stamps = table.stamps(how.time_column)
    return _Search(table, how, horizon, stamps).rows()


class _Search:
    """The search for rows: what its steps share."""

    def __init__(self, table: Table, how: Alignment, horizon: Horizon, stamps: Stamps) -> None:
        self.table = table
        self.how = how
        self.zone = how.timezone or str(horizon.stamps.tz)
        self.local = str(horizon.stamps.tz)
        self.starts: Nanoseconds = np.asarray(horizon.stamps.as_unit("ns").asi8)
        self.lengths: Nanoseconds = np.rint(horizon.step_hours * HOUR).astype(np.int64)
        self.keys = self._row_keys(stamps)
        self._check_order()
        self.spacing = int(np.diff(self.keys).min()) if len(self.keys) > 1 else None

    def rows(self) -> Rows:
        """Return the rows of each step."""
        if self.how.resample == "mean":
            return self._averaged()
        if self.how.resample == "hold":
            return self._held()
        return self._exact()

    def _row_keys(self, stamps: Stamps) -> Nanoseconds:
        import pandas as pd

        times = stamps.nanoseconds
        if self.how.align == "stamps":
            return times if stamps.zoned else self._localized(times)
        if not stamps.zoned:
            return _place_in_year(pd.DatetimeIndex(times))
        return _place_in_year(pd.DatetimeIndex(times, tz="UTC").tz_convert(self.zone))

    def _localized(self, times: Nanoseconds) -> Nanoseconds:
        """Return UTC of wall-clock times; hours that DST doubles or skips are refused."""
        import pandas as pd

        naive = pd.DatetimeIndex(times)
        zoned = naive.tz_localize(self.zone, ambiguous="NaT", nonexistent="NaT")
        lost = np.flatnonzero(zoned.isna())
        if len(lost):
            some = naive[lost].tz_localize(
                self.zone, ambiguous=np.ones(len(lost), dtype=bool), nonexistent="NaT"
            )
            advice = _fixed_zone(self.zone, int(times[0]))
            raise_capped(
                self.table.problem(
                    int(row),
                    f"{naive[int(row)]:%Y-%m-%d %H:%M} {'does not exist' if missing else 'is ambiguous'} in "
                    f"{self.zone}, where clocks change: write offsets{advice}.",
                )
                for row, missing in zip(lost, some.isna(), strict=True)
            )
        return np.asarray(zoned.as_unit("ns").asi8)

    def _check_order(self) -> None:
        gaps = np.diff(self.keys)
        raise_capped(
            self.table.problem(
                int(row) + 1,
                "the time stamp stands twice."
                if gaps[row] == 0
                else "the time stamps must increase: sort the rows.",
                str(self.table.columns[self.how.time_column][int(row) + 1]),
            )
            for row in np.flatnonzero(gaps <= 0)
        )

    def _step_keys(self, times: Nanoseconds) -> Nanoseconds:
        """Return the keys of UTC times at which rows are wanted."""
        import pandas as pd

        if self.how.align == "stamps":
            return times
        keys = _place_in_year(pd.DatetimeIndex(times, tz="UTC").tz_convert(self.zone))
        leap = (keys >= LEAP_DAY) & (keys < LEAP_DAY + DAY)
        has_leap_day = ((self.keys >= LEAP_DAY) & (self.keys < LEAP_DAY + DAY)).any()
        if leap.any() and not has_leap_day:
            if self.how.leap_day == "refuse":
                message = "has no 29 February, the horizon has: give `leap_day: copy_feb_28`."
                raise InputError(Finding(message, Location(self.table.name)))
            keys[leap] -= DAY
        return keys

    def _exact(self) -> Rows:
        wanted = self._step_keys(self.starts)
        row, hit = self._lookup(wanted)
        after = np.append(self.keys, np.iinfo(np.int64).max)[row + 1]
        finer = hit & (after < wanted + self.lengths)
        if finer.any():
            t = int(np.flatnonzero(finer)[0])
            message = (
                f"the rows are {self._spacing()} apart, the steps {_span(self.lengths[t])} long: "
                "give `resample: mean`."
            )
            raise InputError(self.table.problem(int(row[t]) + 1, message))
        if not hit.all():
            self._refuse_coarser(wanted[~hit], self.lengths[~hit])
            raise_capped(self._missing(wanted, hit, self.starts, self.lengths))
        return Rows(row, np.arange(len(row)))

    def _averaged(self) -> Rows:
        spacing = self.spacing or int(self.lengths[0])
        if (self.lengths % spacing).any():
            t = int(np.flatnonzero(self.lengths % spacing)[0])
            message = (
                f"the rows are {self._spacing()} apart, which do not fill steps of "
                f"{_span(self.lengths[t])}: `resample: mean` needs whole rows in every step."
            )
            raise InputError(Finding(message, Location(self.table.name)))
        counts = self.lengths // spacing
        firsts = np.concatenate([[0], np.cumsum(counts)[:-1]])
        within = np.arange(counts.sum()) - np.repeat(firsts, counts)
        times = np.repeat(self.starts, counts) + within * spacing
        wanted = self._step_keys(times)
        row, hit = self._lookup(wanted)
        if not hit.all():
            raise_capped(self._missing(wanted, hit, times, np.full(len(times), spacing)))
        return Rows(row, firsts)

    def _held(self) -> Rows:
        if self.spacing is None:
            message = "`resample: hold` needs two rows at least, to know how long one holds."
            raise InputError(Finding(message, Location(self.table.name)))
        wanted = self._step_keys(self.starts)
        row = np.clip(np.searchsorted(self.keys, wanted, side="right") - 1, 0, None)
        into = wanted - self.keys[row]
        hit = (into >= 0) & (into + self.lengths <= self.spacing)
        if not hit.all():
            crossing = ~hit & (into >= 0) & (into < self.spacing)
            if crossing.any():
                t = int(np.flatnonzero(crossing)[0])
                message = (
                    f"the rows are {self._spacing()} apart, and the step of "
                    f"{_span(self.lengths[t])} at {self._show(self.starts[t])} lies across their "
                    "ends: `resample: hold` needs steps inside one row."
                )
                raise InputError(self.table.problem(int(row[t]), message))
            raise_capped(self._missing(wanted, hit, self.starts, self.lengths))
        return Rows(row, np.arange(len(row)))

    def _lookup(self, wanted: Nanoseconds) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        row = np.clip(np.searchsorted(self.keys, wanted), 0, len(self.keys) - 1)
        return row, self.keys[row] == wanted

    def _refuse_coarser(self, wanted: Nanoseconds, lengths: Nanoseconds) -> None:
        if self.spacing is None:
            return
        before = np.searchsorted(self.keys, wanted, side="right") - 1
        into = wanted - self.keys[np.clip(before, 0, None)]
        if (lengths < self.spacing).all() and (before >= 0).all() and (into < self.spacing).all():
            message = (
                f"the rows are {self._spacing()} apart, the steps {_span(lengths[0])} long: "
                "give `resample: hold`, or finer data."
            )
            raise InputError(Finding(message, Location(self.table.name)))

    def _missing(
        self,
        wanted: Nanoseconds,
        hit: NDArray[np.bool_],
        times: Nanoseconds,
        lengths: Nanoseconds,
    ) -> Iterator[Finding]:
        """Yield one finding for all misaligned rows, and one for each run of missing rows."""
        count = len(self.keys)
        following = np.searchsorted(self.keys, wanted)
        inside = self.keys[np.clip(following, 0, count - 1)]
        misaligned = ~hit & (following < count) & (inside < wanted + lengths)
        if misaligned.any():
            t = int(np.flatnonzero(misaligned)[0])
            also = f" ({misaligned.sum()} such rows)" if misaligned.sum() > 1 else ""
            yield self.table.problem(
                int(following[t]),
                f"lies inside the step that starts at {self._show(times[t])}{also}: a stamp must be "
                "the start of a step.",
                str(self.table.columns[self.how.time_column][int(following[t])]),
            )
        gone = np.flatnonzero(~hit & ~misaligned)
        if not len(gone):
            return
        if len(gone) == len(wanted) and self.how.align == "stamps":
            yield self._elsewhere(times)
            return
        for run in np.split(gone, np.flatnonzero(np.diff(gone) > 1) + 1):
            more = f" and {len(run) - 1} more until {self._show(times[run[-1]])}"
            yield self.table.problem(
                max(0, int(following[run[0]]) - 1),
                f"after this row, no row for {self._show(times[run[0]])}"
                f"{more if len(run) > 1 else ''}: a series may have no gaps "
                f"({count} rows for {len(wanted)} intervals).",
            )

    def _elsewhere(self, times: Nanoseconds) -> Finding:
        first, last = self._show(self.keys[0]), self._show(self.keys[-1])
        message = (
            f"the rows reach from {first} to {last}, the horizon from {self._show(times[0])} to "
            f"{self._show(times[-1])}: give data of that time, or `align: typical_year`."
        )
        return Finding(message, Location(self.table.name))

    def _spacing(self) -> str:
        return _span(self.spacing or 0)

    def _show(self, time: int | np.int64) -> str:
        import pandas as pd

        return f"{pd.Timestamp(int(time), tz='UTC').tz_convert(self.local):%Y-%m-%d %H:%M}"


def _place_in_year(index: pd.DatetimeIndex) -> Nanoseconds:
    """Return the time since the start of a leap year of local month, day and time of day."""
    local = np.asarray(index.tz_localize(None).as_unit("ns").asi8)
    days = index.day.to_numpy().astype(np.int64) - 1
    return np.asarray(_MONTH_STARTS[index.month.to_numpy() - 1] + days * DAY + local % DAY)


def _span(nanoseconds: int | np.int64) -> str:
    hours = float(nanoseconds) / HOUR
    return f"{hours:g} h" if hours >= 1 else f"{hours * 60:g} min"


def _fixed_zone(zone: str, near: int) -> str:
    """Return the advice to use the zone's standard time, where it has a name."""
    import pandas as pd

    stamp = pd.Timestamp(near, tz="UTC").tz_convert(zone)
    offset = (stamp.utcoffset() or pd.Timedelta(0)) - (stamp.dst() or pd.Timedelta(0))
    hours = offset.total_seconds() / 3600
    if hours != int(hours):
        return ""
    # The signs of these IANA names are inverted: Etc/GMT-8 is UTC+8.
    return f", or give a zone without clock changes (`timezone: Etc/GMT{-int(hours):+d}`)"
