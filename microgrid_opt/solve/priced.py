r"""What prices of rows prove of a model with whole numbers, from parts that are solved by themselves.

Rows and columns belong to parts; rows over many of them to none. A part that needs a column of
another one has a copy of it. With any prices $y$ of the rows, each part $p$ pays for its own columns
what they cost apart from the rows elsewhere, and for copies what its rows credit them with:
$$ z^* \ge \sum_{i \text{ in no part}} \max(y_i, 0) L_i + \min(y_i, 0) U_i +
   \sum_p \min_{x \in X_p} \Bigl\{ \sum_{j \in p} \bigl(c_j - \sum_{i \notin p} y_i a_{ij}\bigr) x_j
   + \sum_{j \notin p} \bigl(\sum_{i \in p} y_i a_{ij}\bigr) x_j \Bigr\} $$
where $X_p$ keeps the rows, bounds and whole numbers of the part. Every plan is one of all parts, with
copies that agree, so that this is a bound for any $y$: Lagrangian decomposition, Guignard & Kim
(1987), doi:10.1007/BF02592954. A part that is not solved to the end counts with its own bound.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from microgrid_opt.solve.ladder import strengthened
from microgrid_opt.solve.matrix import Block, Matrix
from microgrid_opt.solve.pieces import edges, steps_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from microgrid_opt.horizon import Horizon

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

NONE, EVERYWHERE = -2, -1
"""Part of a row that is in no part; part of columns without time, and of rows among them."""
ROWS = 1400
"""Rows of a good window, before whole numbers are taken out: two days of three units."""
LEAST_WINDOWS = 30
"""Of a year on which branch and bound raises no bound within ten minutes, and finds no better plan."""


@dataclass(frozen=True, eq=False)
class Parts:
    """Which part every column and row belongs to.

    Parameters
    ----------
    column, row
        Number of the part, `EVERYWHERE`, or (rows) `NONE`.
    count
        Number of parts, without `EVERYWHERE`.
    """

    column: Ints
    row: Ints
    count: int


def split(matrix: Matrix, horizon: Horizon, *, forced: bool = False) -> Parts | None:
    """Return the windows of a strengthened model; ``None`` where they are too few.

    Where it is ``forced``, small models have windows as well.
    """
    rows = min(ROWS, matrix.row_count // LEAST_WINDOWS) if forced else ROWS
    piece = edges(matrix, horizon, rows)
    count = int(piece.max()) + 1
    if count < (2 if forced else LEAST_WINDOWS):
        return None
    matrix = strengthened(matrix)
    step = steps_of(matrix, horizon)
    column = np.where(step >= 0, piece[step], EVERYWHERE)
    entry, of_entry = matrix.entry_row, column[matrix.index]
    timed = of_entry >= 0
    last = np.full(matrix.row_count, EVERYWHERE, dtype=np.int64)
    np.maximum.at(last, entry[timed], of_entry[timed])
    # A row over two windows belongs to the later one, which has copies of the other's columns.
    strange = timed & (of_entry != last[entry])
    low, high = np.full(matrix.row_count, count), np.full(matrix.row_count, -1)
    np.minimum.at(low, entry[strange], of_entry[strange])
    np.maximum.at(high, entry[strange], of_entry[strange])
    return Parts(column, np.where(high > low, NONE, last), count)


def joined(parts: Parts) -> Parts:
    """Return parts of which each is two of these: fewer columns have copies."""
    column, row = (np.where(one >= 0, one // 2, one) for one in (parts.column, parts.row))
    return Parts(column, row, (parts.count + 1) // 2)


class Priced:
    """A model in parts at given prices.

    Parameters
    ----------
    matrix, parts
        The model and how it is split.
    prices
        Of the rows, as a minimisation, shape (rows,); any prices prove something.
    """

    def __init__(self, matrix: Matrix, parts: Parts, prices: Floats) -> None:
        self.matrix, self.parts, self.prices = matrix, parts, prices
        loose = parts.row == NONE
        y = prices.copy()
        y[loose & (y > 0.0) & np.isinf(matrix.row_lower)] = 0.0
        y[loose & (y < 0.0) & np.isinf(matrix.row_upper)] = 0.0
        limits = np.where(y > 0.0, matrix.row_lower, matrix.row_upper)
        used = loose & (y != 0.0)
        self.fixed = matrix.offset + float(y[used] @ limits[used])
        self._part = parts.row[matrix.entry_row]
        self._credit = matrix.value * y[matrix.entry_row]
        away = self._part != parts.column[matrix.index]
        elsewhere = np.bincount(matrix.index[away], self._credit[away], matrix.column_count)
        self._own = matrix.cost - elsewhere

    @property
    def numbers(self) -> range:
        """Numbers of all parts."""
        return range(EVERYWHERE, self.parts.count)

    def costs(self, values: Floats) -> Floats:
        """Return what every part costs with values, behind `EVERYWHERE`, shape (parts + 1,)."""
        matrix, column, count = self.matrix, self.parts.column, self.parts.count + 1
        copied = (self._part != column[matrix.index]) & (self._part != NONE)
        paid = (self._credit * values[matrix.index])[copied]
        owned = np.bincount(column + 1, self._own * values, count)
        return np.asarray(owned + np.bincount(self._part[copied] + 1, paid, count))

    def model(self, number: int) -> tuple[Matrix, Ints]:
        """Return the model of one part and its columns' numbers in the whole.

        The bound is `fixed` plus what every part costs at least.
        """
        matrix, parts = self.matrix, self.parts
        entries = np.flatnonzero(self._part == number)
        rows = np.flatnonzero(parts.row == number)
        columns = np.union1d(matrix.index[entries], np.flatnonzero(parts.column == number))
        index = np.searchsorted(columns, matrix.index[entries]).astype(np.int32)
        copied = np.bincount(index, self._credit[entries], len(columns))
        lengths = np.diff(matrix.start)[rows]
        model = Matrix(
            cost=np.where(parts.column[columns] == number, self._own[columns], copied),
            offset=0.0,
            maximize=False,
            start=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32),
            index=index,
            value=matrix.value[entries],
            row_lower=matrix.row_lower[rows],
            row_upper=matrix.row_upper[rows],
            col_lower=matrix.col_lower[columns],
            col_upper=matrix.col_upper[columns],
            integrality=matrix.integrality[columns],
            columns=(Block("column", 0, len(columns), range(len(columns))),),
            rows=(Block("row", 0, len(rows), range(len(rows))),),
        )
        return model, columns
