"""Rows of a model in which a few days stand for all, on their way; limits of stores by extremes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from microgrid_opt.solve.aggregate import ALONE, Columns
from microgrid_opt.solve.cuts import sums

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]

NEGLIGIBLE = 1e-9
"""Coefficient of a content that is what rounding leaves of zero, relative to those of its row."""


@dataclass(frozen=True, eq=False)
class DayRows:
    """Rows on their way: where they come from, and their entries in the small model's columns.

    Parameters
    ----------
    origin
        Row of the full model that they were, -1 for none, shape (rows,).
    day
        Day that they are of, -1 for none, shape (rows,).
    group
        Rows of one group and day have one extreme, shape (rows,).
    lower, upper
        Limits, shape (rows,).
    row, column, value
        Entries, shape (nonzeros,).
    """

    origin: Ints
    day: Ints
    group: Ints
    lower: Floats
    upper: Floats
    row: Ints
    column: Ints
    value: Floats

    def __len__(self) -> int:
        return len(self.origin)

    def only(self, chosen: Flags) -> DayRows:
        """Return some of the rows."""
        number = np.cumsum(chosen) - 1
        entry = chosen[self.row]
        return DayRows(
            self.origin[chosen],
            self.day[chosen],
            self.group[chosen],
            self.lower[chosen],
            self.upper[chosen],
            number[self.row[entry]],
            self.column[entry],
            self.value[entry],
        )


def summed(
    origin: Ints,
    day: Ints,
    group: Ints,
    lower: Floats,
    upper: Floats,
    row: Ints,
    column: Ints,
    value: Floats,
    contents: int,
) -> DayRows:
    """Return rows whose entries of one column are added up; contents that cancel are left out."""
    width = int(column.max(initial=0)) + 1
    key, inverse = np.unique(row * width + column, return_inverse=True)
    total = sums(inverse, value, len(key))
    row, column = key // width, key % width
    largest = np.zeros(len(origin))
    np.maximum.at(largest, row, np.abs(total))
    kept = (column < contents) | (np.abs(total) > NEGLIGIBLE * largest[row])
    return DayRows(origin, day, group, lower, upper, row[kept], column[kept], total[kept])


def joined(parts: list[DayRows]) -> DayRows:
    """Return rows below each other."""
    counts = np.cumsum([0, *(len(part) for part in parts)])
    return DayRows(
        np.concatenate([part.origin for part in parts]),
        np.concatenate([part.day for part in parts]),
        np.concatenate([part.group for part in parts]),
        np.concatenate([part.lower for part in parts]),
        np.concatenate([part.upper for part in parts]),
        np.concatenate([part.row + at for part, at in zip(parts, counts, strict=False)]),
        np.concatenate([part.column for part in parts]),
        np.concatenate([part.value for part in parts]),
    )


# ------------------------------------------------------------------ extremes of a medoid's profile


def enveloped(columns: Columns, rows: DayRows, special: Flags) -> tuple[DayRows, int]:
    """Return rows that hold for what stores hold on all days of a medoid; how many columns that adds."""
    day = np.where(rows.day >= 0, rows.day, 0)
    once = (rows.day >= 0) & (columns.medoid[day] == day) & columns.shared[day]
    special = np.append(special, False)  # stands for each day already
    once &= ~special[rows.origin]
    content = rows.column >= len(columns.kept)
    touched = once & (np.bincount(rows.row, content, len(rows)) > 0)
    parts = [rows.only(~touched)]
    extra = 0
    inner = rows.only(touched)
    key = inner.group * columns.days.count + inner.day
    for one in np.unique(key):
        for part in _sides(columns, inner.only(key == one), columns.count + extra):
            parts.append(part)
            extra += 1
    return joined(parts), extra


def _sides(columns: Columns, rows: DayRows, extreme: int) -> Iterator[DayRows]:
    """Yield the rows of one medoid for each side with limits: of its steps, then of all its days."""
    count = len(rows)
    content = rows.column >= len(columns.kept)
    own = ~content
    members = np.flatnonzero(columns.medoid == rows.day[0])
    stores = np.unique(rows.column[content])
    weight = np.zeros((count, len(stores)))
    np.add.at(
        weight,
        (rows.row[content], np.searchsorted(stores, rows.column[content])),
        rows.value[content],
    )
    which = np.array([int(np.flatnonzero(columns.begin[:, rows.day[0]] == s)[0]) for s in stores])
    for limits, is_upper in ((rows.upper, True), (rows.lower, False)):
        held = np.isfinite(limits)
        if not held.any():
            continue
        most = weight[held].max(axis=0) if is_upper else weight[held].min(axis=0)
        infinite, zeros = np.full(count, np.inf), np.zeros(len(members))
        steps = DayRows(
            rows.origin,
            rows.day,
            rows.group,
            -infinite if is_upper else limits,
            limits if is_upper else infinite,
            np.concatenate([rows.row[own], np.arange(count)]),
            np.concatenate([rows.column[own], np.full(count, extreme)]),
            np.concatenate([rows.value[own], np.full(count, -1.0)]),
        ).only(held)
        extreme += 1
        number = np.arange(len(members))
        all_days = DayRows(
            np.full(len(members), ALONE),
            members,
            np.full(len(members), ALONE),
            zeros - np.inf if is_upper else zeros,
            zeros if is_upper else zeros + np.inf,
            np.concatenate([number, np.repeat(number, len(stores))]),
            np.concatenate(
                [np.full(len(members), extreme - 1), columns.begin[which][:, members].T.ravel()]
            ),
            np.concatenate([1.0 + zeros, np.tile(most, len(members))]),
        )
        yield joined([steps, all_days])
