"""The days of a model over time: what is whose, which days have one structure, what is in each.

Everything is read from the matrix; nothing here knows an asset, a tariff or a policy.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from microgrid_opt.solve.matrix import entries_of
from microgrid_opt.solve.pieces import steps_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from microgrid_opt.horizon import Horizon
    from microgrid_opt.solve.matrix import Matrix

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]

TIMELESS, SPREAD = -1, -2
"""Home of a row without columns of steps, and of one over more than a day and the one before."""


@dataclass(frozen=True, eq=False)
class Days:
    """Where the columns and rows of a model stand in the days of its horizon.

    Parameters
    ----------
    matrix, horizon
        The model and its steps.
    """

    matrix: Matrix
    horizon: Horizon

    @cached_property
    def day(self) -> Ints:
        """Day of each step, from 0, shape (n,)."""
        return np.asarray(self.horizon.day)

    @cached_property
    def first(self) -> Ints:
        """First step of each day, then the number of steps, shape (days + 1,)."""
        starts = np.flatnonzero(np.diff(self.day, prepend=-1))
        return np.append(starts, len(self.day)).astype(np.int64)

    @property
    def count(self) -> int:
        """Number of days."""
        return len(self.first) - 1

    @cached_property
    def step(self) -> Ints:
        """Step of each column, -1 without one, shape (columns,)."""
        return steps_of(self.matrix, self.horizon)

    @cached_property
    def column_family(self) -> Ints:
        """Number of the family of each column, shape (columns,)."""
        blocks = self.matrix.columns
        return np.repeat(np.arange(len(blocks)), [block.count for block in blocks])

    @cached_property
    def row_family(self) -> Ints:
        """Number of the family of each row, shape (rows,)."""
        blocks = self.matrix.rows
        return np.repeat(np.arange(len(blocks)), [block.count for block in blocks])

    @cached_property
    def home(self) -> Ints:
        """Step of each row, `TIMELESS` or `SPREAD`, shape (rows,).

        The step by which its family is indexed; else the last one of its columns.
        """
        m, n = self.matrix, len(self.day)
        step = self.step[m.index]
        timed = step >= 0
        least = m.over_rows(np.minimum, np.where(timed, step, n), n)
        last = m.over_rows(np.maximum, step, TIMELESS)
        home = last.copy()
        for block in m.rows:
            keys = block.keys
            if keys is None or not set(map(type, keys)) <= {int}:
                continue
            key, part = np.array(keys, dtype=np.int64), block.slice
            inside = (least[part] <= key) & (key <= last[part])
            home[part] = np.where(inside, key, home[part])
        apart = (self.day[home[m.entry_row]] - self.day[step]) % self.count
        far = np.bincount(m.entry_row, timed & (apart > 1), m.row_count) > 0
        return np.where(far, SPREAD, home)

    @cached_property
    def rows(self) -> list[Ints]:
        """Rows of each day, in an order that is the same for days of the same pattern."""
        own = np.flatnonzero(self.home >= 0)
        at = self.home[own]
        order = np.lexsort((own, at, self.row_family[own], self.day[at]))
        bounds = np.searchsorted(self.day[at][order], np.arange(1, self.count))
        return np.split(own[order], bounds)

    @cached_property
    def strange(self) -> Flags:
        """Entries of a day's rows whose column is of the day before, shape (nonzeros,)."""
        home, step = self.home[self.matrix.entry_row], self.step[self.matrix.index]
        return np.asarray((home >= 0) & (step >= 0) & (self.day[home] != self.day[step]))

    @cached_property
    def indexed(self) -> Flags:
        """Entries of columns that are not of a step but of many (a month's peak), (nonzeros,)."""
        many = np.array([block.count > 1 for block in self.matrix.columns], dtype=bool)
        column = self.matrix.index
        return np.asarray((self.step[column] < 0) & many[self.column_family[column]])

    @cached_property
    def pattern(self) -> Ints:
        """Number of the pattern of each day, shape (days,).

        Days of one pattern have steps at the same hours, the same rows at the same steps, and the same
        families of columns of the day before and of months in them.
        """
        m = self.matrix
        counted = m.start.astype(np.int64)
        found: dict[bytes, int] = {}
        numbers = []
        for number, rows in enumerate(self.rows):
            inside = slice(self.first[number], self.first[number + 1])
            slot = self.home[rows] - self.first[number]
            entries, owner = entries_of(counted, rows)
            marked = self.strange[entries] | self.indexed[entries]
            told = (
                self.horizon.step_hours[inside],
                self.horizon.hour_of_day[inside],
                self.row_family[rows],
                slot,
                owner[marked],
                self.column_family[m.index[entries[marked]]],
            )
            key = b"|".join(one.tobytes() for one in told)
            numbers.append(found.setdefault(key, len(found)))
        return np.array(numbers, dtype=np.int64)

    # ------------------------------------------------------------------ what a day is like

    @cached_property
    def needs(self) -> Floats:
        """What rows that hold with equality give, scaled, shape (families, n): demands."""
        m = self.matrix
        equal = m.row_lower == m.row_upper
        return self._series(np.where(equal, np.abs(m.row_lower), 0.0), self.row_family, self.home)

    @cached_property
    def offers(self) -> Floats:
        """Other limits, and how rows weigh what has no step, scaled, (families, n): availability."""
        m = self.matrix
        unequal = m.row_lower != m.row_upper
        found = [
            self._series(
                np.where(unequal & np.isfinite(side), side, 0.0), self.row_family, self.home
            )
            for side in (m.row_lower, m.row_upper)
        ]
        found += [
            self._series(np.where(np.isfinite(side), side, 0.0), self.column_family, self.step)
            for side in (m.col_lower, m.col_upper)
        ]
        family = self.row_family[m.entry_row] * len(m.columns) + self.column_family[m.index]
        sized = self.step[m.index] < 0
        home = self.home[m.entry_row]
        found.append(self._series(np.where(sized, np.abs(m.value), 0.0), family, home))
        return np.concatenate(found)

    @cached_property
    def yields(self) -> Floats:
        """How rows weigh the columns of steps, scaled, shape (families, n): efficiencies."""
        m = self.matrix
        family = self.row_family[m.entry_row] * len(m.columns) + self.column_family[m.index]
        timed = self.step[m.index] >= 0
        return self._series(np.where(timed, m.value, 0.0), family, self.home[m.entry_row])

    @cached_property
    def prices(self) -> Floats:
        """What columns cost for each hour, scaled, shape (families, n)."""
        hours = np.append(self.horizon.hours, 1.0)
        return self._series(self.matrix.cost / hours[self.step], self.column_family, self.step)

    def _series(self, values: Floats, family: Ints, step: Ints) -> Floats:
        """Return the sums by family and step that change, each scaled to [0, 1], no two alike."""
        n = len(self.day)
        # Nothing is added where a value is zero, and a family of zeros never changes.
        used = np.flatnonzero((step >= 0) & (values != 0.0))
        own = family[used]
        there = np.bincount(own, minlength=1) > 0
        number = np.cumsum(there)[own] - 1
        count = int(there.sum())
        found = np.bincount(number * n + step[used], values[used], count * n).reshape(count, n)
        low, wide = found.min(axis=1), np.ptp(found, axis=1)
        moved = wide > 1e-9 * (np.abs(low) + wide)
        scaled = (found[moved] - low[moved, None]) / wide[moved, None]
        if not len(scaled):
            return np.asarray(scaled)
        return np.asarray(scaled[_distinct(scaled)])

    def distances(self) -> Floats:
        """Return how far days are apart in all their numbers, shape (days, days).

        Days of different patterns are farther apart than any two of the same.
        """
        series = np.concatenate([self.needs, self.offers, self.yields, self.prices])
        if len(series):
            series = series[_distinct(series)]
        longest = int(np.diff(self.first).max())
        found = np.zeros((self.count, len(series), longest))
        found[self.day, :, np.arange(len(self.day)) - self.first[self.day]] = series.T
        flat = found.reshape(self.count, -1)
        square = (flat**2).sum(axis=1)
        apart = np.sqrt(np.maximum(square[:, None] + square - 2.0 * flat @ flat.T, 0.0))
        np.fill_diagonal(apart, 0.0)
        other = self.pattern[:, None] != self.pattern
        return np.asarray(np.where(other, (1.0 + apart.max()) * (1.0 + self.count), apart))

    def extremes(self) -> Ints:
        """Return the days of the largest need net of what is offered, the largest need and price."""
        hours = self.horizon.step_hours
        need, offer = self.needs.sum(axis=0), self.offers.sum(axis=0)
        net = np.bincount(self.day, (need - offer) * hours, self.count)
        peak = np.maximum.reduceat(need, self.first[:-1])
        dear = np.bincount(self.day, self.prices.sum(axis=0) * hours, self.count)
        found = [int(np.argmax(one)) for one in (net, peak, dear) if np.ptp(one) > 1e-9]
        return np.array(list(dict.fromkeys(found)), dtype=np.int64)


def _distinct(series: Floats) -> list[int]:
    """Return the numbers of the series that differ from all before them by more than rounding."""
    seen: dict[bytes, int] = {}
    for number, one in enumerate(series.round(6) + 0.0):  # minus zero is zero
        seen.setdefault(one.tobytes(), number)
    return list(seen.values())
