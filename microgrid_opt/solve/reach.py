"""What a window of a model needs to know of the whole: how far rows reach, what a plan pays for them.

Read from the matrix and a plan of it alone; see `microgrid_opt.solve.windows`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from microgrid_opt.solve.pieces import steps_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from microgrid_opt.horizon import Horizon
    from microgrid_opt.solve.matrix import Matrix

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]

SLOW_HOURS = 168.0
"""Time over which prices and states at a border are averaged [h]."""
PREMIUM = 0.01
"""By how much the value of a state falls away from the plan's, as a share of its price."""
STEEP = 10.0
"""How many times its price a share costs that is exceeded."""


@dataclass(frozen=True, eq=False)
class Reach:
    """From when to when columns and rows of a model reach.

    Parameters
    ----------
    step
        Of each column, -1 without one, shape (columns,).
    begin, end
        First and last step of each column; of one without a step, those of its rows. A column that no
        step has to do with ends before it begins. Shape (columns,).
    first, last
        First and last step of each row; of one that reaches around the end of the horizon to its start
        (a cyclic store), those after the start. Without steps last is below first. Shape (rows,).
    around
        Whether a row reaches around, shape (rows,).
    count
        Steps with columns in each row, shape (rows,).
    """

    step: Ints
    begin: Ints
    end: Ints
    first: Ints
    last: Ints
    around: Flags
    count: Ints


def reach_of(matrix: Matrix, horizon: Horizon, held: Flags) -> Reach:
    """Return from when to when columns and rows reach.

    Parameters
    ----------
    held
        Columns that are given (sizes), shape (columns,); nothing reaches through them.
    """
    n = len(horizon)
    step = steps_of(matrix, horizon)
    first, last, around, count = _rows_reach(matrix, step, n)
    begin, end = step.copy(), step.copy()
    loose = (step < 0) & ~held
    begin[step < 0], end[step < 0] = n, -1
    entries = np.flatnonzero(loose[matrix.index])
    row, column = matrix.entry_row[entries], matrix.index[entries]
    np.minimum.at(begin, column, first[row])
    np.maximum.at(end, column, np.where(around[row], n - 1, last[row]))
    # Through rows without a step, from column to column (a year's peak above those of its months).
    tied = np.bincount(matrix.entry_row, held[matrix.index], matrix.row_count) > 0
    inside = (last[row] < 0) & ~tied[row]
    row, column = row[inside], column[inside]
    while True:
        low, high = np.full(matrix.row_count, n), np.full(matrix.row_count, -1)
        np.minimum.at(low, row, begin[column])
        np.maximum.at(high, row, end[column])
        before = (begin.copy(), end.copy())
        np.minimum.at(begin, column, low[row])
        np.maximum.at(end, column, high[row])
        if np.array_equal(before[0], begin) and np.array_equal(before[1], end):
            return Reach(step, begin, end, first, last, around, count)


def _rows_reach(matrix: Matrix, step: Ints, n: int) -> tuple[Ints, Ints, Flags, Ints]:
    """Return first, last, around and count of all rows (see `Reach`).

    The steps of a row lie on a circle; it begins behind the widest gap between two of them.
    """
    timed = np.flatnonzero(step[matrix.index] >= 0)
    pairs = np.unique(matrix.entry_row[timed].astype(np.int64) * n + step[matrix.index[timed]])
    row, at = pairs // n, pairs % n
    rows = matrix.row_count
    first, last = np.full(rows, n), np.full(rows, -1)
    np.minimum.at(first, row, at)
    np.maximum.at(last, row, at)
    gap = np.where(np.diff(row, append=-1) == 0, np.diff(at, append=0), 0)
    widest = np.zeros(rows, dtype=np.int64)
    np.maximum.at(widest, row, gap)
    outside = first + n - last
    around = widest > outside
    break_at = (gap == widest[row]) & around[row]
    last[row[break_at]] = at[break_at]
    # A tie (two steps in all): a rule of a step has no column after it.
    for block in matrix.rows:
        if block.keys is not None and block.count == n:
            inside, here = block.slice, np.arange(n)
            tie = (widest[inside] == outside[inside]) & (last[inside] > here)
            around[inside] |= tie
            last[inside] = np.where(tie, here, last[inside])
    return first, last, around, np.bincount(row, minlength=rows).astype(np.int64)


@dataclass(frozen=True, eq=False)
class Guide:
    """A plan of the whole horizon, and what it says of the rows at the border of a window.

    Parameters
    ----------
    values
        Of its columns, shape (columns,).
    price
        Of each row, what one unit more of its limit costs as a minimisation, shape (rows,).
    shift
        From the plan's state at a border to its mean over `SLOW_HOURS`, shape (rows,).
    premium
        Cost of a unit by which a state is off, shape (rows,).
    steep
        Cost of a unit by which a share is exceeded, shape (rows,).
    """

    values: Floats
    price: Floats
    shift: Floats
    premium: Floats
    steep: Floats


def guide_of(
    matrix: Matrix, horizon: Horizon, reach: Reach, values: Floats, duals: Floats
) -> Guide:
    """Return what a plan says of the rows.

    Parameters
    ----------
    values, duals
        Of the plan's columns and rows, duals as a minimisation, shapes (columns,) and (rows,).
    """
    price: Floats = np.where(np.isinf(matrix.row_lower), np.minimum(duals, 0.0), duals)
    price = np.where(np.isinf(matrix.row_upper), np.maximum(price, 0.0), price)
    terms = matrix.value * values[matrix.index]
    gross = np.bincount(matrix.entry_row, np.abs(terms), matrix.row_count)
    worth = abs(float(matrix.cost @ values)) / np.maximum(gross, 1.0)
    before = reach.step[matrix.index] < reach.last[matrix.entry_row]
    before &= reach.step[matrix.index] >= 0
    terms = np.where(before, terms, 0.0)
    state = np.bincount(matrix.entry_row, terms, matrix.row_count).astype(float)
    steep = STEEP * np.maximum(np.abs(price), worth)
    border = ~reach.around & (reach.count == 2) & (reach.first == reach.last - 1)
    half = max(round(0.5 * SLOW_HOURS / float(horizon.step_hours.mean())), 1)
    price, shift, premium = price.copy(), np.zeros(len(price)), PREMIUM * np.abs(price)
    for block in matrix.rows:
        rows = block.start + np.flatnonzero(border[block.slice])
        if len(rows):
            premium[rows] = PREMIUM * np.abs(price[rows]).mean()
            price[rows] = _mean_around(price[rows], half)
            shift[rows] = _mean_around(state[rows], half) - state[rows]
    return Guide(values, price, shift, premium, steep)


def _mean_around(numbers: Floats, half: int) -> Floats:
    """Return the mean of each number and up to ``half`` on both sides of it."""
    total = np.concatenate([[0.0], np.cumsum(numbers)])
    here = np.arange(len(numbers))
    low, high = np.maximum(here - half, 0), np.minimum(here + half + 1, len(numbers))
    return np.asarray((total[high] - total[low]) / (high - low))
