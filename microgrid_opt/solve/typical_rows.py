"""The rows of a model in which a few days stand for all (`microgrid_opt.solve.aggregate`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from microgrid_opt.solve.aggregate import ALONE, Columns
from microgrid_opt.solve.cuts import sums
from microgrid_opt.solve.dayrows import DayRows, enveloped, joined, summed
from microgrid_opt.solve.matrix import Block, Matrix, entries_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from microgrid_opt.solve.days import Days

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Small:
    """The small model.

    Parameters
    ----------
    columns
        How the full model's columns follow from its own.
    matrix
        Its arrays.
    origin
        Row of the full model that each of its rows was, -1 for one that links days, shape (rows,).
    again, kept
        Rows of the full model that stand for each day, and for each the one that is kept of those
        that become alike.
    """

    columns: Columns
    matrix: Matrix
    origin: Ints
    again: Ints
    kept: Ints

    def prices(self, duals: Floats) -> Floats:
        """Return duals of the full model's rows from its own: each day has its share of its medoid's."""
        days, medoid = self.columns.days, self.columns.medoid
        own = self.origin >= 0
        total = sums(self.origin[own], duals[own], days.matrix.row_count)
        found = total.copy()
        for k in np.unique(medoid):
            found[days.rows[k]] /= self.columns.size[k]
        for number, k in enumerate(medoid):
            found[days.rows[number]] = found[days.rows[k]]
        many = np.bincount(self.kept, minlength=len(found))
        found[self.again] = total[self.kept] / many[self.kept]
        return found


def small(columns: Columns) -> Small:
    """Write the small model."""
    special = _is_special(columns)
    source, own, day = _instances(columns, special)
    plain = _substituted(columns, source, own, day)
    doubtful = np.flatnonzero((day >= 0) & special[source])
    first = _firsts(plain, source, doubtful)
    stays = np.ones(len(plain), dtype=bool)
    stays[doubtful] = first == doubtful
    rows = joined([plain.only(stays), _limits(columns)])
    rows, extra = enveloped(columns, rows, special)
    rows = joined([rows, _links(columns)])
    matrix = _matrix(columns, rows, extra)
    return Small(columns, matrix, rows.origin, own[doubtful], own[first])


def _is_special(columns: Columns) -> Flags:
    """Return which rows of a medoid stand again for its other days: those with other columns there."""
    days, m = columns.days, columns.days.matrix
    strange = np.flatnonzero(days.strange)
    column = m.index[strange]
    first = days.first[days.day[days.home[m.entry_row[strange]]]]
    handed = np.isin(days.column_family[column], columns.stores.families)
    handed &= days.step[column] == (first - 1) % len(days.day)
    others = days.indexed.copy()
    others[strange[~handed]] = True
    return m.over_rows(np.logical_or, others, False)


def _instances(columns: Columns, special: Flags) -> tuple[Ints, Ints, Ints]:
    """Return the rows that are taken: whose numbers they have, whose places, and of which day."""
    days = columns.days
    timeless = np.flatnonzero(days.home < 0)
    sources, owns, of = [timeless], [timeless], [np.full(len(timeless), ALONE)]
    for number, k in enumerate(columns.medoid):
        source, own = days.rows[k], days.rows[number]
        if number != k:
            again = special[source]
            source, own = source[again], own[again]
        sources.append(source)
        owns.append(own)
        of.append(np.full(len(source), number))
    return np.concatenate(sources), np.concatenate(owns), np.concatenate(of)


def _substituted(columns: Columns, source: Ints, own: Ints, day: Ints) -> DayRows:
    """Return rows with the small model's columns in place of the full one's."""
    days, m = columns.days, columns.days.matrix
    n = len(days.day)
    entry, row = entries_of(m.start.astype(np.int64), source)
    column, value = m.index[entry].astype(np.int64), m.value[entry]
    at, step = day[row], days.step[column]
    moved = (step >= 0) & (at >= 0)
    shift = days.first[:-1] - days.first[columns.medoid]
    column[moved] += (step[moved] + shift[at[moved]]) % n - step[moved]
    other = days.indexed[entry]
    column[other] = _theirs(days, own, source)
    step = days.step[column]
    # What a store holds before the day's first step is a column of its own.
    begins = np.full(len(column), ALONE, dtype=np.int64)
    for store, family in enumerate(columns.stores.families):
        handed = (at >= 0) & (days.column_family[column] == family)
        handed &= step == (days.first[at] - 1) % n
        begins[handed] = columns.begin[store][at[handed]]
    begun = begins != ALONE
    content = columns.content[column]
    full = ~begun & (content != ALONE)
    return summed(
        own,
        day,
        days.row_family[source],
        m.row_lower[source],
        m.row_upper[source],
        np.concatenate([row, row[full]]),
        np.concatenate([np.where(begun, begins, columns.place[column]), content[full]]),
        np.concatenate([value, value[full] * columns.factor[column[full]]]),
        len(columns.kept),
    )


def _theirs(days: Days, own: Ints, source: Ints) -> Ints:
    """Return the columns of months in rows, of other rows whose numbers are taken."""
    start = days.matrix.start.astype(np.int64)
    entry, _ = entries_of(start, own)
    found = days.matrix.index[entry[days.indexed[entry]]].astype(np.int64)
    assert len(found) == days.indexed[entries_of(start, source)[0]].sum()
    return found


def _firsts(rows: DayRows, source: Ints, doubtful: Ints) -> Ints:
    """Return for each doubtful row the first one that is alike, shape (doubtful,)."""
    bounds = np.searchsorted(rows.row, np.arange(len(rows) + 1))
    seen: dict[tuple[int, bytes, bytes], int] = {}
    found = []
    for number in doubtful.tolist():
        part = slice(bounds[number], bounds[number + 1])
        key = (int(source[number]), rows.column[part].tobytes(), rows.value[part].tobytes())
        found.append(seen.setdefault(key, number))
    return np.array(found, dtype=np.int64)


def _limits(columns: Columns) -> DayRows:
    """Return the bounds of what stores hold, of days that share their medoid, as rows."""
    days, m = columns.days, columns.days.matrix
    day = np.where(days.step >= 0, days.day[days.step], 0)
    held = np.flatnonzero((columns.content != ALONE) & (columns.medoid[day] == day))
    low, high = m.col_lower[held], m.col_upper[held]
    count = len(held)
    row = np.arange(count)
    return summed(
        np.full(count, ALONE),
        day[held],
        len(m.rows) + days.column_family[held],
        low,
        high,
        np.concatenate([row, row]),
        np.concatenate([columns.place[held], columns.content[held]]),
        np.concatenate([np.ones(count), columns.factor[held]]),
        len(columns.kept),
    )


def _links(columns: Columns) -> DayRows:
    """Return the rows that hand what stores hold from day to day."""
    last = _midnights(columns)
    begin = columns.begin[:, columns.together].ravel()
    row, zeros = np.arange(len(last)), np.zeros(len(last))
    some = columns.content[last] != ALONE
    return summed(
        np.full(len(last), ALONE),
        np.full(len(last), ALONE),
        np.full(len(last), ALONE),
        zeros,
        zeros,
        np.concatenate([row, row, row[some]]),
        np.concatenate([begin, columns.place[last], columns.content[last[some]]]),
        np.concatenate([1.0 + zeros, zeros - 1.0, -columns.factor[last[some]]]),
        len(columns.kept),
    )


def _midnights(columns: Columns) -> Ints:
    """Return the columns of what stores hold before days that share their medoid, store by store."""
    days, none = columns.days, np.zeros(0, dtype=np.int64)
    before = (days.first[columns.together] - 1) % len(days.day)
    starts = [days.matrix.columns[family].start for family in columns.stores.families]
    return np.concatenate([none, *(start + before for start in starts)])


def _matrix(columns: Columns, rows: DayRows, extra: int) -> Matrix:
    """Lay down the small model."""
    m, kept = columns.days.matrix, columns.kept
    begun = columns.count - len(kept)
    free = columns.content[kept] != ALONE
    last = _midnights(columns)
    none = np.full(extra, np.inf)
    order = np.lexsort((rows.column, rows.row))
    lengths = np.bincount(rows.row, minlength=len(rows))
    cost = np.concatenate([columns.collect(m.cost), np.zeros(extra)])
    return Matrix(
        cost=cost,
        offset=m.offset,
        maximize=m.maximize,
        start=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32),
        index=rows.column[order].astype(np.int32),
        value=rows.value[order],
        row_lower=rows.lower,
        row_upper=rows.upper,
        col_lower=np.concatenate(
            [np.where(free, -np.inf, m.col_lower[kept]), m.col_lower[last], -none]
        ),
        col_upper=np.concatenate(
            [
                np.where(free, np.inf, m.col_upper[kept]),
                m.col_upper[last],
                none,
            ]
        ),
        integrality=np.concatenate([m.integrality[kept], np.zeros(begun + extra, np.uint8)]),
        columns=(Block("column", 0, len(cost), range(len(cost))),),
        rows=(Block("row", 0, len(rows), range(len(rows))),),
    )
