"""A model over time cut into pieces: which columns and rows are whose, and what all share.

The cut is made on the matrix: it knows the step of the columns that have one, and nothing of assets.
Any cut is valid (`microgrid_opt.solve.bundle`); a good one leaves little that is shared.

1. Every step has a piece. A row belongs to the piece of its columns' steps.
2. A row over two pieces (a store at midnight) belongs to the later one; its columns of the earlier
   one are *shared*: part of both. A row over more (a cap of the year) is *spread*: each piece has a
   share of its sum, and the shares keep the limit.
3. Columns without a step (sizes, peaks of a month) belong to the only piece that has rows with them;
   those of several pieces are shared.
4. Stages of a pathway have the same steps, and share only what they buy: each is cut for itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from microgrid_opt.horizon import Horizon
    from microgrid_opt.solve.matrix import Matrix

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]

SHARED, SPREAD = -1, -2
MOST_STRANGERS = 3
"""Entries of other pieces up to which a row shares their columns; beyond, it is spread."""
SLACK_DAYS = 2
"""How far an edge may be moved to a day with fewer rows across it."""


@dataclass(frozen=True, eq=False)
class Pieces:
    """Which piece every column and row belongs to.

    Parameters
    ----------
    column
        Piece of each column, or `SHARED`, shape (columns,).
    row
        Piece of each row, `SHARED` (only shared columns) or `SPREAD`, shape (rows,).
    home
        Piece of each column's step, -1 without one, shape (columns,).
    count
        Number of pieces.
    """

    column: Ints
    row: Ints
    home: Ints
    count: int

    @cached_property
    def shared(self) -> Ints:
        """Numbers of the shared columns."""
        return np.flatnonzero(self.column == SHARED)

    @cached_property
    def spread(self) -> Ints:
        """Numbers of the rows of which each piece has a share."""
        return np.flatnonzero(self.row == SPREAD)

    def shares(self, matrix: Matrix) -> int:
        """Return of how many spread rows each piece has a share, over all pieces."""
        row, column = matrix.entry_row, self.column[matrix.index]
        own = (self.row[row] == SPREAD) & (column >= 0)
        return len(np.unique(row[own] * np.int64(self.count) + column[own]))


def steps_of(matrix: Matrix, horizon: Horizon) -> Ints:
    """Return the step of every column, -1 for those without one, shape (columns,)."""
    found = np.full(matrix.column_count, -1, dtype=np.int64)
    for block in matrix.columns:
        if block.keys is not None and block.count == len(horizon):
            found[block.slice] = np.arange(block.count)
    return found


def stages_of(matrix: Matrix) -> tuple[Ints, int]:
    """Return the stage of every column over steps, from 0, shape (columns,), and their number."""
    names = dict.fromkeys(block.stage for block in matrix.columns if block.keys is not None)
    number = {name: place for place, name in enumerate(names)}
    stage = [number.get(block.stage, 0) for block in matrix.columns]
    return np.repeat(stage, [block.count for block in matrix.columns]), max(len(number), 1)


def count_of(matrix: Matrix, piece: Ints) -> int:
    """Return how many pieces there are, of all stages, where each step has this one, shape (n,)."""
    return (int(piece.max()) + 1) * stages_of(matrix)[1]


def edges(matrix: Matrix, horizon: Horizon, rows: int) -> Ints:
    """Return the piece of every step: equal shares of each month, cut at days where little crosses.

    Parameters
    ----------
    rows
        About how many rows a piece may have.
    """
    across = _across(matrix, steps_of(matrix, horizon), len(horizon))
    wanted = max(matrix.row_count / (rows * stages_of(matrix)[1]), 1.0)
    piece = np.zeros(len(horizon), dtype=np.int64)
    number = 0
    for month in range(len(horizon.month_labels)):
        inside = np.flatnonzero(horizon.month == month)
        days = horizon.day[inside]
        starts = inside[np.flatnonzero(np.diff(days, prepend=days[0] - 1))]
        share = max(round(wanted * len(inside) / len(horizon)), 1)
        share = min(share, max(len(starts) // 2, 1))
        cuts = [inside[0]]
        for k in range(1, share):
            middle = round(k * len(starts) / share)
            near = starts[max(middle - SLACK_DAYS, 1) : middle + SLACK_DAYS + 1]
            near = near[near > cuts[-1]]
            if len(near):
                far = np.abs(near - starts[middle]) / len(horizon)
                cuts.append(near[np.argmin(across[near] + far)])
        for first, last in zip(cuts, [*cuts[1:], inside[-1] + 1], strict=True):
            piece[first:last] = number
            number += 1
    return piece


def _across(matrix: Matrix, step: Ints, steps: int) -> Ints:
    """Return how many rows have columns before each step and at or after it, shape (steps,)."""
    first, last = _span(matrix, step)
    some = last > np.where(last >= 0, first, 0)
    change = np.zeros(steps + 1, dtype=np.int64)
    np.add.at(change, first[some] + 1, 1)
    np.add.at(change, last[some] + 1, -1)
    return np.cumsum(change)[:steps]


def _span(matrix: Matrix, of_column: Ints) -> tuple[Ints, Ints]:
    """Return the least and greatest number ≥ 0 among the columns of each row; last is -1 if none."""
    numbers = of_column[matrix.index]
    none = np.iinfo(np.int64).max
    first = matrix.over_rows(np.minimum, np.where(numbers >= 0, numbers, none), none)
    return first, matrix.over_rows(np.maximum, numbers, -1)


def cut(matrix: Matrix, horizon: Horizon, piece: Ints) -> Pieces:
    """Return whose the columns and rows are.

    Parameters
    ----------
    piece
        Of each step, shape (n,).
    """
    step = steps_of(matrix, horizon)
    stage = stages_of(matrix)[0]
    home = np.where(step >= 0, piece[step] + (int(piece.max()) + 1) * stage, -1)
    entry, index = matrix.entry_row, matrix.index
    of_entry = home[index]
    last = matrix.over_rows(np.maximum, of_entry, -1)
    strange = (of_entry >= 0) & (of_entry != last[entry])
    spread = np.bincount(entry[strange], minlength=matrix.row_count) > MOST_STRANGERS
    row = np.where(spread, SPREAD, last)
    # Where columns are met: in their own piece, and in those of their rows.
    inside = row[entry]
    met = np.where(inside == SPREAD, of_entry, inside)
    common = np.zeros(matrix.column_count, dtype=bool)
    common[index[(inside == SHARED) | (met < 0)]] = True
    first = np.where(home >= 0, home, np.iinfo(np.int64).max)
    final = home.copy()
    elsewhere = np.flatnonzero((met >= 0) & (met != of_entry))
    np.minimum.at(first, index[elsewhere], met[elsewhere])
    np.maximum.at(final, index[elsewhere], met[elsewhere])
    common |= (first != final) | (final < 0)
    column = np.where(common, SHARED, final)
    owned = matrix.over_rows(np.logical_or, ~common[index], False)
    row[~owned] = SHARED
    return Pieces(column, row, home, count_of(matrix, piece))
