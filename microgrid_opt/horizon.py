"""The time axis of a plan: steps of any length, weights, local calendar, coarser copies of itself."""

from __future__ import annotations

import calendar
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from microgrid_opt.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    import pandas as pd
    from numpy.typing import NDArray

HOURS_PER_YEAR = 8760.0


@dataclass(frozen=True, eq=False)
class Horizon:
    """Consecutive steps in local time; a stamp is the start of its step.

    Parameters
    ----------
    stamps
        Starts of the steps, shape (n,), with a time zone, strictly increasing.
    step_hours
        Length of each step [h], shape (n,), > 0.
    weight
        How many times each step counts in sums over the horizon [-], shape (n,), > 0.
    holidays
        Local calendar days that tariffs and shapes treat as holidays.

    Raises
    ------
    InputError
        Empty horizon, stamps without zone or order, non-positive lengths or weights.
    """

    stamps: pd.DatetimeIndex
    step_hours: NDArray[np.float64]
    weight: NDArray[np.float64]
    holidays: frozenset[date] = field(default_factory=frozenset)

    def __post_init__(self) -> None:
        n = len(self.stamps)
        if n == 0:
            raise InputError("The horizon has no step: give at least one.")
        if self.stamps.tz is None:
            raise InputError("The horizon's stamps need a time zone.")
        for name in ("step_hours", "weight"):
            values = np.array(getattr(self, name), dtype=float)
            if values.shape != (n,):
                raise InputError(f"{name} has {values.size} values for {n} steps: give one each.")
            if not (np.isfinite(values) & (values > 0)).all():
                raise InputError(f"{name} must be finite and > 0 in every step.")
            values.flags.writeable = False
            object.__setattr__(self, name, values)
        if not self.stamps.is_monotonic_increasing or not self.stamps.is_unique:
            raise InputError("The horizon's stamps must increase strictly.")
        overlap = np.flatnonzero(self._spacing_hours < self.step_hours[:-1] * (1 - 1e-9))
        if len(overlap):
            raise InputError(
                f"The step of {self.step_hours[overlap[0]]:g} h at {self.stamps[overlap[0]]} is not "
                f"over when the next one starts, at {self.stamps[overlap[0] + 1]}."
            )

    @cached_property
    def _spacing_hours(self) -> NDArray[np.float64]:
        """Hours from each stamp to the next, shape (n - 1,)."""
        return np.asarray(np.diff(self.stamps.as_unit("ns").asi8) / 3.6e12)

    def __len__(self) -> int:
        return len(self.stamps)

    @classmethod
    def regular(
        cls,
        start: str | pd.Timestamp,
        steps: int,
        *,
        step_hours: float = 1.0,
        timezone: str = "UTC",
        weight: float = 1.0,
        holidays: frozenset[date] = frozenset(),
    ) -> Horizon:
        """Return ``steps`` equal steps from a local start; elapsed time is exact across DST.

        Raises
        ------
        InputError
            Unknown time zone, or a local start that a change of clocks doubles or skips.
        """
        import pandas as pd

        first = pd.Timestamp(start)
        try:
            if first.tzinfo is None:
                first = first.tz_localize(timezone)
            else:
                first = first.tz_convert(timezone)
        except (KeyError, ValueError) as error:
            raise InputError(
                f"The horizon cannot start at {start} in {timezone!r}: {error}."
            ) from error
        offsets = pd.to_timedelta(np.arange(steps) * step_hours, unit="h")
        stamps = (first.tz_convert("UTC") + offsets).tz_convert(timezone)
        ones = np.ones(steps)
        return cls(pd.DatetimeIndex(stamps), ones * step_hours, ones * weight, holidays)

    @cached_property
    def _gaps(self) -> NDArray[np.bool_]:
        """Whether time passes between the end of a step and the next stamp, shape (n - 1,)."""
        return np.asarray(self._spacing_hours > self.step_hours[:-1] * (1 + 1e-9))

    @cached_property
    def hours(self) -> NDArray[np.float64]:
        """Hours that each step stands for in sums: length × weight [h], shape (n,)."""
        return self.step_hours * self.weight

    @property
    def total_hours(self) -> float:
        """Hours that the whole horizon stands for [h]."""
        return float(self.hours.sum())

    @cached_property
    def is_calendar_year(self) -> bool:
        """Whether the horizon stands for one year: 8760 h, or 8784 h across a leap day."""
        first, last = self.stamps[0].date(), self.stamps[-1].date()
        leap_days = (
            first.replace(year=year, month=2, day=29)
            for year in range(first.year, last.year + 1)
            if calendar.isleap(year)
        )
        leap = any(first <= day <= last for day in leap_days)
        return bool(np.isclose(self.total_hours, HOURS_PER_YEAR + 24.0 * leap, rtol=1e-9))

    @property
    def year_share(self) -> float:
        """Share of a year that the horizon stands for [-]; exactly 1 for a calendar year."""
        return 1.0 if self.is_calendar_year else self.total_hours / HOURS_PER_YEAR

    @cached_property
    def _months(self) -> tuple[NDArray[np.int64], tuple[str, ...]]:
        keys = self.stamps.year.to_numpy() * 12 + self.stamps.month.to_numpy() - 1
        unique, index = np.unique(keys, return_inverse=True)
        return index.astype(np.int64), tuple(f"{k // 12:04d}-{k % 12 + 1:02d}" for k in unique)

    @property
    def month(self) -> NDArray[np.int64]:
        """Billing month of each step as an index into `month_labels`, shape (n,)."""
        return self._months[0]

    @property
    def month_labels(self) -> tuple[str, ...]:
        """Local calendar months of the horizon, ``YYYY-MM``, in order."""
        return self._months[1]

    @cached_property
    def day(self) -> NDArray[np.int64]:
        """Local calendar day of each step, numbered from 0 in order of time, shape (n,)."""
        days = self.stamps.tz_localize(None).normalize()
        return np.unique(days, return_inverse=True)[1].astype(np.int64)

    @cached_property
    def hour_of_day(self) -> NDArray[np.float64]:
        """Local wall-clock hour at which each step starts [h], shape (n,)."""
        stamps = self.stamps
        return (stamps.hour + stamps.minute / 60.0 + stamps.second / 3600.0).to_numpy(dtype=float)

    @cached_property
    def is_weekend(self) -> NDArray[np.bool_]:
        """Whether each step falls on a local Saturday or Sunday, shape (n,)."""
        return np.asarray(self.stamps.day_of_week >= 5)

    @cached_property
    def is_holiday(self) -> NDArray[np.bool_]:
        """Whether each step falls on one of `holidays`, shape (n,)."""
        if not self.holidays:
            return np.zeros(len(self), dtype=bool)
        return np.array([day in self.holidays for day in self.stamps.date])

    def blocks(self, max_hours: float, *keep: NDArray[np.generic]) -> NDArray[np.int64]:
        """Return first steps of blocks that never cross a month, a gap or a change in ``keep``.

        A change of weight ends a block as well, and so does a gap between steps (a horizon of
        representative days has gaps).

        Parameters
        ----------
        max_hours
            Longest block [h].
        keep
            Arrays of shape (n,); a block ends where any of them changes value.

        Returns
        -------
        ndarray of int, shape (blocks,), starting with 0: what `coarsen` takes.
        """
        n = len(self)
        change = np.zeros(n, dtype=bool)
        change[0] = True
        change[1:] |= self._gaps
        for values in (self.month, self.weight, *keep):
            change[1:] |= values[1:] != values[:-1]
        starts = []
        filled = np.inf
        for t in range(n):
            if change[t] or filled + self.step_hours[t] > max_hours * (1 + 1e-9):
                starts.append(t)
                filled = 0.0
            filled += self.step_hours[t]
        return np.array(starts, dtype=np.int64)

    def coarsen(self, starts: Sequence[int] | NDArray[np.int64]) -> Horizon:
        """Return the horizon whose steps are the blocks that begin at ``starts``.

        Raises
        ------
        InputError
            The first block does not begin at 0, or steps of one block differ in weight or have a
            gap between them.
        """
        edges = self._edges(starts)
        first = edges[:-1]
        if not np.isin(np.flatnonzero(self._gaps) + 1, first).all():
            raise InputError("A coarser step may only join steps that follow without a gap.")
        lowest = np.minimum.reduceat(self.weight, first)
        if not np.array_equal(lowest, np.maximum.reduceat(self.weight, first)):
            raise InputError("A coarser step may only join steps of equal weight.")
        lengths = np.add.reduceat(self.step_hours, first)
        return Horizon(self.stamps[first], lengths, lowest, self.holidays)

    def average(
        self, values: NDArray[np.float64], starts: Sequence[int] | NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Return time-weighted means of ``values`` (n,) over the blocks: energy is kept."""
        first = self._edges(starts)[:-1]
        lengths = np.add.reduceat(self.step_hours, first)
        return np.asarray(np.add.reduceat(values * self.step_hours, first) / lengths)

    def _edges(self, starts: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64]:
        edges = np.append(np.asarray(starts, dtype=np.int64), len(self))
        if edges[0] != 0 or (np.diff(edges) <= 0).any():
            raise InputError("Blocks must begin at step 0, increase, and stay inside the horizon.")
        return edges
