r"""The relaxation of a model with on/off decisions: tight in every step, loose between pieces.

*Tight.* A unit that is off makes nothing, and one that is on no more than is asked for. In a balance
$\sum_j a_j x_j = b$ with $x \ge 0$ and $b > 0$, a unit $u$ with $a_u > 0$, $x_u \le c\, y$ and a
decision $y \in \{0, 1\}$, and any other supplies $S$ of at most $U = \sum_{j \in S} a_j \bar x_j < b$,
$$ a_u x_u + \sum_{j \in S} a_j x_j - \sum_{a_j < 0} |a_j| x_j \le U + (b - U)\, y $$
holds for every plan: with $y = 1$ the rest of the balance only lowers the left side below $b$, with
$y = 0$ it is what $S$ can make. Without it, $y = a_u x_u / c$ will do where a large boiler has a small
demand to meet. These are flow cover inequalities of one node (Padberg, Van Roy and Wolsey, 1985, Valid
linear inequalities for fixed charge problems, doi:10.1287/opre.33.4.842).

Where a unit $v \ne u$ of the balance is on, it makes at least its least load $m_v$, and leaves no room for
more than $b - m_v$ of $u$ unless the rest is got rid of. With $c'_u = \min(a_u c_u, b)$ and
$r = \max(c'_u + m_v - b, 0)$
$$ a_u x_u - \sum_{a_j < 0} |a_j| x_j \le (c'_u - r)\, y_u + r\, (1 - y_v) $$
holds for every plan. All supplies are at least zero, so that the left side is at most $b$ less the other
supplies: with both on at most $b - m_v \le c'_u - r$ (where $r = 0$: at most $c'_u$), with $u$ alone at
most $c'_u \le c'_u - r + r$; with $y_u = 0$ it is at most zero, and so is no right side below it. Without it,
halves of two units with large least loads fit into a demand that has no room for both. This is the
balance times $y_u$, with $x_v y_u \ge m_v (y_u + y_v - 1)$ (reformulation and linearisation: Sherali and
Adams, 1990, doi:10.1137/0403036), and with $c'_u$ lifted.

*Loose.* Rows among whole numbers that reach over a border of pieces by more than states (least times
on and off) are left out: each would make what it counts a matter of two pieces.

Both give a relaxation of the model with whole numbers: rows that all its plans keep, and rows fewer.

| symbol | meaning |
| --- | --- |
| $x, a, b$ | columns, coefficients and right-hand side of a balance |
| $y, c$ | on/off decision of a unit and its capacity |
| $S, U$ | other supplies and what they can make at most |
| $m_v$ | least that a unit makes while it is on, $a_v \underline{x}_v$ |
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from microgrid_opt.solve.matrix import Block, entries_of
from microgrid_opt.solve.pieces import steps_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from numpy.typing import NDArray

    from microgrid_opt.horizon import Horizon
    from microgrid_opt.solve.matrix import Matrix

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]

COVERS = "covers"
"""Name of the rows that are added."""
SURPLUS = "surplus"
"""Name of the rows of two units of which one leaves no room for the other."""
MOST_UNITS = 4
"""Units of a balance up to which every two have rows."""
LEAST_SURPLUS = 1e-6
"""Share of a demand up to which a surplus is none."""
WORTH = 0.95
"""Share of a demand up to which other supplies leave enough for a row to tell something."""


def tightened(matrix: Matrix) -> Matrix:
    """Return the model with rows behind its own that every plan of it keeps."""
    balances = Balances(matrix)
    for name, found in ((COVERS, balances.covers()), (SURPLUS, balances.surplus())):
        matrix = with_rows(matrix, name, *found)
    return matrix


def with_rows(
    matrix: Matrix, name: str, row: Ints, column: Ints, value: Floats, most: Floats
) -> Matrix:
    """Return a matrix with rows of at most ``most`` behind its own, given by their entries."""
    if not len(most):
        return matrix
    order = np.lexsort((column, row))
    count = np.bincount(row, minlength=len(most))
    return replace(
        matrix,
        start=np.concatenate([matrix.start, matrix.start[-1] + np.cumsum(count)]).astype(np.int32),
        index=np.concatenate([matrix.index, column[order]]).astype(np.int32),
        value=np.concatenate([matrix.value, value[order]]),
        row_lower=np.concatenate([matrix.row_lower, np.full(len(most), -np.inf)]),
        row_upper=np.concatenate([matrix.row_upper, most]),
        rows=(*matrix.rows, Block(name, matrix.row_count, len(most), range(len(most)))),
    )


class Balances:
    """The balances of a model whose columns are all continuous and not negative.

    Attributes
    ----------
    need, signed
        Of every entry of the matrix: the right-hand side of its row, and its coefficient, as if all
        right-hand sides were positive.
    makes, units
        Which entries are of supplies in balances, and which of these of on/off units.
    decision
        The on/off decision of every column, -1 where it has none.
    """

    def __init__(self, matrix: Matrix) -> None:
        self.matrix = matrix
        self.decision, self.capacity, self.least = _limits(matrix)
        entry = matrix.entry_row
        plain = (matrix.col_lower >= 0.0) & (matrix.integrality == 0)
        is_balance = (matrix.row_lower == matrix.row_upper) & (matrix.row_upper != 0.0)
        is_balance &= np.bincount(entry, ~plain[matrix.index], matrix.row_count) == 0
        self.need = np.abs(matrix.row_upper[entry])
        self.signed = matrix.value * np.sign(matrix.row_upper[entry])
        makes = is_balance[entry] & (self.signed > 0.0)
        self.makes, self.units = makes, makes & (self.decision[matrix.index] >= 0)

    def covers(self) -> tuple[Ints, Ints, Floats, Floats]:
        """Return entries (row, column, value) and limits of the flow covers."""
        index, row, need = self.matrix.index, self.matrix.entry_row, self.need
        with np.errstate(invalid="ignore"):
            most = self.signed * np.minimum(self.matrix.col_upper[index], self.capacity[index])
            large = self.signed * self.capacity[index] > need * (1.0 + 1e-9)
        unit = np.flatnonzero(self.units)
        unit = unit[self._anywhere(large[unit], row[unit], index[unit])]
        other, cover = entries_of(self.matrix.start.astype(np.int64), row[unit].astype(np.int64))
        beside = self.makes[other] & (other != unit[cover])
        other, cover = other[beside], cover[beside]
        useful = most[other] < WORTH * need[other]
        useful = self._anywhere(useful, row[other], index[unit[cover]], index[other])
        other, cover = other[useful], cover[useful]
        limit = np.concatenate([np.zeros(len(unit)), np.minimum(most, need)[other]])
        other = np.concatenate([np.full(len(unit), -1), other])
        unit = np.concatenate([unit, unit[cover]])
        on = (np.arange(len(unit)), self.decision[index[unit]], limit - need[unit])
        return *self._rows(unit, (unit, other), on), limit

    def surplus(self) -> tuple[Ints, Ints, Floats, Floats]:
        """Return entries (row, column, value) and limits of what a unit leaves no room for."""
        index, row = self.matrix.index, self.matrix.entry_row
        units = np.flatnonzero(self.units)
        many = np.bincount(row[units], minlength=self.matrix.row_count) > MOST_UNITS
        units = units[~many[row[units]]]
        apart = range(1, MOST_UNITS)
        before = np.concatenate([units[:-k] for k in apart])
        behind = np.concatenate([units[k:] for k in apart])
        one, other = np.concatenate([before, behind]), np.concatenate([behind, before])
        two = row[one] == row[other]
        two &= self.decision[index[one]] != self.decision[index[other]]
        one, other = one[two], other[two]
        need = self.need[one]
        most = np.minimum(self.signed[one] * self.capacity[index[one]], need)
        least = self.signed[other] * self.least[index[other]]
        over = most + least - need
        useful = (least > 0.0) & (over > LEAST_SURPLUS * need)
        useful = self._anywhere(useful, row[one], index[one], index[other])
        one, other, most, over = one[useful], other[useful], most[useful], over[useful]
        limit = np.maximum(over, 0.0)
        number = np.arange(len(one))
        on = (
            np.concatenate([number, number]),
            self.decision[index[np.concatenate([one, other])]],
            np.concatenate([limit - most, limit]),
        )
        return *self._rows(one, (one,), on), limit

    def _anywhere(
        self, useful: Flags, row: NDArray[np.integer], *columns: NDArray[np.integer]
    ) -> Flags:
        """Return which rows to take: in all steps those that tell something in any of them.

        Days with other rows than others are no days of one kind (`microgrid_opt.solve.days`).
        """
        key = container(self.matrix.rows, row)
        for one in columns:
            key = key * len(self.matrix.columns) + container(self.matrix.columns, one)
        _, group = np.unique(key, return_inverse=True)
        return np.asarray(np.bincount(group, useful)[group] > 0)

    def _rows(
        self, at: Ints, taken: tuple[Ints, ...], more: tuple[Ints, Ints, Floats]
    ) -> tuple[Ints, Ints, Floats]:
        """Return entries of rows: some of the balance of an entry, all of its sinks, and more."""
        matrix = self.matrix
        entry, number = entries_of(
            matrix.start.astype(np.int64), matrix.entry_row[at].astype(np.int64)
        )
        used = self.signed[entry] < 0.0
        for one in taken:
            used |= entry == one[number]
        entry, number = entry[used], number[used]
        return (
            np.concatenate([number, more[0]]),
            np.concatenate([matrix.index[entry], more[1]]),
            np.concatenate([self.signed[entry], more[2]]),
        )


def container(blocks: Sequence[Block], numbers: NDArray[np.integer]) -> Ints:
    """Return in which container columns or rows are."""
    starts = np.array([one.start for one in blocks])
    return np.asarray(np.searchsorted(starts, numbers, side="right") - 1)


def _limits(matrix: Matrix) -> tuple[Ints, Floats, Floats]:
    """Return what decides on each column: -1 for nothing, else it is zero without.

    Behind the decision stand its capacity and its least value with it.
    """
    decision = np.full(matrix.column_count, -1, dtype=np.int64)
    capacity = np.full(matrix.column_count, np.inf)
    least = np.zeros(matrix.column_count)
    is_decision = (matrix.integrality == 1) & (matrix.col_lower >= 0.0) & (matrix.col_upper <= 1.0)
    pairs = [one for sign in (1.0, -1.0) for one in pairs_of(matrix, is_decision, sign)]
    for column, on, flow, state in pairs:
        most = (flow > 0.0) & (state < 0.0)
        decision[column[most]] = on[most]
        capacity[column[most]] = -(state / flow)[most]
    for column, on, flow, state in pairs:
        fewest = (flow < 0.0) & (state > 0.0) & (decision[column] == on)
        least[column[fewest]] = -(state / flow)[fewest]
    return decision, capacity, least


def pairs_of(
    matrix: Matrix, beside: Flags, sign: float = 1.0
) -> Iterator[tuple[Ints, Ints, Floats, Floats]]:
    """Yield column, the one beside it and their coefficients, of rows of two, written as at most zero.

    Parameters
    ----------
    beside
        Which columns may be the second, shape (columns,); the first is continuous and not negative.
    sign
        1 for rows of at most zero, -1 for those of at least zero.
    """
    lower, upper = (matrix.row_lower, matrix.row_upper)
    is_pair = np.diff(matrix.start) == 2
    if sign > 0.0:
        is_pair &= np.isinf(lower) & (upper == 0.0)
    else:
        is_pair &= np.isinf(upper) & (lower == 0.0)
    first = matrix.start[:-1][is_pair]
    for x, y in ((first, first + 1), (first + 1, first)):
        column, other = matrix.index[x], matrix.index[y]
        one = beside[other] & (matrix.integrality[column] == 0) & (matrix.col_lower[column] >= 0.0)
        value, of = sign * matrix.value[x[one]], sign * matrix.value[y[one]]
        yield column[one], other[one], value, of


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
