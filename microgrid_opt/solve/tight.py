r"""The relaxation of a model with on/off decisions: tight in every step, loose between pieces.

*Tight.* A unit that is off makes nothing, and one that is on no more than is asked for. In a balance
$\sum_j a_j x_j = b$ with $x \ge 0$ and $b > 0$, a unit $u$ with $a_u > 0$, $x_u \le c\, y$ and a
decision $y \in \{0, 1\}$, and any other supplies $S$ of at most $U = \sum_{j \in S} a_j \bar x_j < b$,
$$ a_u x_u + \sum_{j \in S} a_j x_j - \sum_{a_j < 0} |a_j| x_j \le U + (b - U)\, y $$
holds for every plan: with $y = 1$ the rest of the balance only lowers the left side below $b$, with
$y = 0$ it is what $S$ can make. Without it, $y = a_u x_u / c$ will do where a large boiler has a small
demand to meet. These are flow cover inequalities of one node (Padberg, Van Roy and Wolsey, 1985, Valid
linear inequalities for fixed charge problems, doi:10.1287/opre.33.4.842).

*Loose.* Rows among whole numbers that reach over a border of pieces by more than states (least times
on and off) are left out: each would make what it counts a matter of two pieces.

Both give a relaxation of the model with whole numbers: rows that all its plans keep, and rows fewer.

| symbol | meaning |
| --- | --- |
| $x, a, b$ | columns, coefficients and right-hand side of a balance |
| $y, c$ | on/off decision of a unit and its capacity |
| $S, U$ | other supplies and what they can make at most |
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from microgrid_opt.solve.matrix import Block, entries_of
from microgrid_opt.solve.pieces import steps_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from microgrid_opt.horizon import Horizon
    from microgrid_opt.solve.matrix import Matrix

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]

COVERS = "covers"
"""Name of the rows that are added."""
WORTH = 0.95
"""Share of a demand up to which other supplies leave enough for a row to tell something."""


def tightened(matrix: Matrix) -> Matrix:
    """Return the model with rows behind its own that every plan of it keeps."""
    unit, other, most = _covers(matrix)
    if not len(unit):
        return matrix
    row = matrix.entry_row[unit]
    sign = np.sign(matrix.row_upper[row])
    need = np.abs(matrix.row_upper[row])
    entry, cover = entries_of(matrix.start.astype(np.int64), row.astype(np.int64))
    mine = sign[cover] * matrix.value[entry]
    used = (entry == unit[cover]) | (entry == other[cover]) | (mine < 0.0)
    decision = _limits(matrix)[0][matrix.index[unit]]
    rows = np.concatenate([cover[used], np.arange(len(unit))])
    columns = np.concatenate([matrix.index[entry[used]], decision])
    values = np.concatenate([mine[used], most - need])
    order = np.lexsort((columns, rows))
    count = np.bincount(rows, minlength=len(unit))
    return replace(
        matrix,
        start=np.concatenate([matrix.start, matrix.start[-1] + np.cumsum(count)]).astype(np.int32),
        index=np.concatenate([matrix.index, columns[order]]).astype(np.int32),
        value=np.concatenate([matrix.value, values[order]]),
        row_lower=np.concatenate([matrix.row_lower, np.full(len(unit), -np.inf)]),
        row_upper=np.concatenate([matrix.row_upper, most]),
        rows=(*matrix.rows, Block(COVERS, matrix.row_count, len(unit), range(len(unit)))),
    )


def _covers(matrix: Matrix) -> tuple[Ints, Ints, Floats]:
    """Return, of every row to be added, the entries of its unit and of S (or -1), and U."""
    decision, capacity = _limits(matrix)
    entry, column, value = matrix.entry_row, matrix.index, matrix.value
    plain = (matrix.col_lower >= 0.0) & (matrix.integrality == 0)
    balance = (matrix.row_lower == matrix.row_upper) & (matrix.row_upper != 0.0)
    balance &= np.bincount(entry, ~plain[column], matrix.row_count) == 0
    makes = value * np.sign(matrix.row_upper[entry]) > 0.0
    need = np.abs(matrix.row_upper[entry])
    with np.errstate(invalid="ignore"):
        most = np.abs(value) * np.minimum(matrix.col_upper[column], capacity[column])
        units = np.abs(value) * capacity[column] > need * (1.0 + 1e-9)
    unit = np.flatnonzero(balance[entry] & makes & (decision[column] >= 0) & units)
    other, cover = entries_of(matrix.start.astype(np.int64), entry[unit].astype(np.int64))
    beside = makes[other] & (other != unit[cover]) & (most[other] < WORTH * need[other])
    return (
        np.concatenate([unit, unit[cover[beside]]]),
        np.concatenate([np.full(len(unit), -1), other[beside]]),
        np.concatenate([np.zeros(len(unit)), most[other[beside]]]),
    )


def _limits(matrix: Matrix) -> tuple[Ints, Floats]:
    """Return the decision without which a column is zero, -1 without one, and its capacity."""
    decision = np.full(matrix.column_count, -1, dtype=np.int64)
    capacity = np.full(matrix.column_count, np.inf)
    pair = (np.diff(matrix.start) == 2) & np.isinf(matrix.row_lower) & (matrix.row_upper == 0.0)
    first = matrix.start[:-1][pair]
    for x, y in ((first, first + 1), (first + 1, first)):
        column, on = matrix.index[x], matrix.index[y]
        one = (matrix.integrality[on] == 1) & (matrix.col_upper[on] <= 1.0)
        one &= (matrix.integrality[column] == 0) & (matrix.col_lower[column] >= 0.0)
        one &= (matrix.value[x] > 0.0) & (matrix.value[y] < 0.0) & (matrix.col_lower[on] >= 0.0)
        decision[column[one]] = on[one]
        capacity[column[one]] = -matrix.value[y][one] / matrix.value[x][one]
    return decision, capacity


def loosened(matrix: Matrix, horizon: Horizon, piece: Ints, deciding: Collection[str]) -> Matrix:
    """Return the relaxation of a model, without rows that tie whole numbers of two pieces.

    Parameters
    ----------
    matrix, horizon
        The model with its whole numbers, and its steps.
    piece
        Of each step, shape (n,).
    deciding
        Names of the columns that decide: states, which two pieces may share.

    Returns
    -------
    Matrix
        All rows keep their numbers; those left out are empty.
    """
    step, entry = steps_of(matrix, horizon), matrix.entry_row
    home = np.where(step >= 0, piece[step], -1)[matrix.index]
    last = np.full(matrix.row_count, -1, dtype=np.int64)
    np.maximum.at(last, entry, home)
    states = np.zeros(matrix.column_count, dtype=bool)
    for block in matrix.columns:
        states[block.slice] = block.name in deciding
    strange = (home >= 0) & (home != last[entry]) & ~states[matrix.index]
    among = np.bincount(entry, matrix.integrality[matrix.index] == 0, matrix.row_count) == 0
    dropped = among & (np.bincount(entry, strange, matrix.row_count) > 0)
    kept = ~dropped[entry]
    count = np.bincount(entry[kept], minlength=matrix.row_count)
    return replace(
        matrix,
        start=np.concatenate([[0], np.cumsum(count)]).astype(np.int32),
        index=matrix.index[kept],
        value=matrix.value[kept],
        row_lower=np.where(dropped, -np.inf, matrix.row_lower),
        row_upper=np.where(dropped, np.inf, matrix.row_upper),
        integrality=np.zeros_like(matrix.integrality),
    )
