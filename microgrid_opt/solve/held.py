r"""A piece whose sizes are held: a row that limits one column by them is a bound of that column.

Two thirds of the rows of a park are $a x_j + b^\top v \le U$ with one own column and sizes $v$ (what a
unit of given size can do in each step). At given $v$ each of them is a bound of $x_j$, as are rows of one
column at any time; the simplex method handles bounds without a row in its basis (Dantzig, 1955,
doi:10.2307/1907845). The dual value of the row is the reduced cost of the column where that bound holds
it,
$$ y_i = d_j / a, $$
and a basis of the piece with all its rows has $x_j$ in the place of the row's slack.

What is shared and has other rows as well (stores at midnight) stays elastic, at its penalty. Held sizes
may be too small: then there is no answer, and the piece with all its rows tells what is missed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from microgrid_opt.solve.bases import BASIC, LOWER, UNKNOWN, UPPER, Basis
from microgrid_opt.solve.native import Program, solver_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from microgrid_opt.solve.layout import Layout
    from microgrid_opt.solve.piece import Piece

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]

STEEPEST = 5.0
"""Largest coefficient of a column whose row can be a bound: HiGHS keeps a bound as it keeps a row."""
CROSSED = 1e-9
"""By how much a lower bound may be above an upper one for rounding."""


@dataclass(frozen=True, eq=False)
class Solved:
    """What a run of a piece ends with.

    Parameters
    ----------
    values
        Of own and shared columns, shape (own + shared,).
    over, under
        What is missed of each parameter on either side, shape (parameters,).
    duals
        Of rows and shares, shape (rows + shares,).
    """

    values: Floats
    over: Floats
    under: Floats
    duals: Floats


class Limits:
    """Rows of a piece with one own column, all of whose shared columns are in such rows only.

    Attributes
    ----------
    row, column, value
        Row, own column and its coefficient, shape (limits,) each.
    lower, upper
        Of the rows.
    held
        Which shared columns can be held, shape (shared,).
    """

    def __init__(self, layout: Layout, row_lower: Floats, row_upper: Floats) -> None:
        rows, own = len(layout.rows), len(layout.own)
        last = layout.start[rows]
        entry = np.repeat(np.arange(rows), np.diff(layout.start[: rows + 1]))
        index, value = layout.index[:last], layout.value[:last]
        mine = index < own
        steep = mine & (np.abs(value) > STEEPEST)
        limit = (np.bincount(entry, mine, rows) == 1) & (np.bincount(entry, steep, rows) == 0)
        shared, of = index[~mine] - own, entry[~mine]
        while True:
            free = np.zeros(len(layout.shared), dtype=bool)
            free[shared[~limit[of]]] = True
            left = limit & (np.bincount(of, free[shared], rows) == 0)
            if (left == limit).all():
                break
            limit = left
        self.held = ~free
        self.row = np.flatnonzero(limit)
        number = np.cumsum(limit) - 1
        first = np.flatnonzero(mine & limit[entry])
        first = first[np.argsort(number[entry[first]], kind="stable")]
        self.column, self.value = index[first], value[first]
        terms = limit[of]
        self._of, self._shared = number[of[terms]], shared[terms]
        self._terms = value[~mine][terms]
        self.lower, self.upper = row_lower[self.row], row_upper[self.row]

    def bounds(self, shared: Floats) -> tuple[Floats, Floats]:
        """Return what each row says of its column at least and at most, where these are shared."""
        moved = np.bincount(self._of, self._terms * shared[self._shared], len(self.row))
        one, other = (self.lower - moved) / self.value, (self.upper - moved) / self.value
        return np.minimum(one, other), np.maximum(one, other)


class Held:
    """A piece at held sizes in HiGHS, to be solved again and again.

    Parameters
    ----------
    piece
        With all its rows.
    options
        Of HiGHS.
    """

    def __init__(self, piece: Piece, options: Mapping[str, object]) -> None:
        layout = piece.layout
        self.own, self.common, self.shares = piece.own, piece.common, len(layout.spread)
        self.limits = Limits(layout, piece.row_lower, piece.row_upper)
        self.held = np.flatnonzero(self.limits.held)
        self.free = np.flatnonzero(~self.limits.held)
        self.height, self.width = piece.height, piece.width
        rows = np.ones(self.height, dtype=bool)
        rows[self.limits.row] = False
        rows[self.height - self.common + self.held] = False
        columns = np.ones(self.width, dtype=bool)
        misses = self.own + self.common + self.held
        columns[np.concatenate([self.own + self.held, misses, misses + layout.parameters])] = False
        self.rows, self.columns = np.flatnonzero(rows), np.flatnonzero(columns)
        # Shares, then links of what is free: one range of rows behind the others.
        self.first = len(self.rows) - self.shares - len(self.free)
        self.low, self.high = piece.low, piece.high
        self.lower, self.upper = (one[: self.own] for one in piece.bounds)
        self.at_lower, self.at_upper, self.shared = np.zeros(0), np.zeros(0), np.zeros(0)
        self.tightest = (self.lower, self.upper)
        self._solver = solver_of(program_of(piece, rows, columns), options)

    def charge(self, penalty: Floats) -> None:
        """Take other penalties of the parameters."""
        own = self.own + len(self.free)
        kept = np.concatenate([penalty[self.free], penalty[self.common :]])
        self._solver.set_costs(own, np.tile(kept, 2))

    def place(self, parameters: Floats) -> bool:
        """Take parameters; return whether the bounds they make leave room for every column."""
        v, r = parameters[: self.common], parameters[self.common :]
        low = np.concatenate([self.low + r, v[self.free]])
        high = np.concatenate([self.high + r, v[self.free]])
        self._solver.set_row_bounds(self.first, low, high)
        self.at_lower, self.at_upper = self.limits.bounds(v)
        lower, upper = self.lower.copy(), self.upper.copy()
        np.maximum.at(lower, self.limits.column, self.at_lower)
        np.minimum.at(upper, self.limits.column, self.at_upper)
        if (lower > upper + CROSSED * (1.0 + np.abs(upper))).any():
            return False
        self.tightest, self.shared = (lower, np.maximum(lower, upper)), v
        self._solver.set_column_bounds(0, *self.tightest)
        return True

    def run(self, *, anew: bool) -> tuple[Solved | None, int]:
        """Solve from the last basis or anew; return what was found, and the simplex iterations."""
        if anew:
            self._solver.forget()
        is_optimal, count = self._solver.run()
        if not is_optimal:
            return None, count
        x, d, y = self._solver.solution()
        own, free = self.own, len(self.free)
        values = np.concatenate([x[:own], self.shared])
        values[own + self.free] = x[own : own + free]
        misses = np.zeros((2, self.common + self.shares))
        kept = np.concatenate([self.free, self.common + np.arange(self.shares)])
        misses[:, kept] = x[own + free :].reshape(2, -1)
        duals = np.zeros(self.height)
        duals[self.rows] = y
        reduced, limits = d[:own], self.limits
        at = self._holding(reduced)
        duals[limits.row[at]] = reduced[limits.column[at]] / limits.value[at]
        return Solved(values, misses[0], misses[1], duals[: self.height - self.common]), count

    def _holding(self, pushed: Floats) -> Ints:
        """Return which limits hold their columns, at most one for each column.

        Parameters
        ----------
        pushed
            Positive for an own column that lies on its lower bound, negative on its upper one; a
            column's own bound comes first where both are as tight. Shape (own,).
        """
        column, way = self.limits.column, pushed[self.limits.column]
        low, high = self.tightest
        below = (way > 0.0) & (self.at_lower >= low[column]) & (low > self.lower)[column]
        above = (way < 0.0) & (self.at_upper <= high[column]) & (high < self.upper)[column]
        holding = np.flatnonzero(below | above)
        one = np.full(self.own, -1, dtype=np.int64)
        one[column[holding]] = holding
        return one[one >= 0]

    def statuses(self) -> Basis:
        """Return the last statuses of own columns and of the piece's rows, `UNKNOWN` where held."""
        columns = np.full(self.own, UNKNOWN, dtype=np.int8)
        rows = np.full(self.height, UNKNOWN, dtype=np.int8)
        basis = self._solver.basis()
        if basis is not None:
            columns[:], rows[self.rows] = basis.columns[: self.own], basis.rows
        return Basis(columns, rows[: self.height - self.common - self.shares])

    def start_at(self, known: Basis) -> None:
        """Start at statuses of own columns and of the piece's rows, some of them `UNKNOWN`."""
        columns = np.full(self.width, LOWER, dtype=np.int8)
        rows = np.full(self.height, BASIC, dtype=np.int8)
        columns[: self.own] = np.where(known.columns == UNKNOWN, LOWER, known.columns)
        columns[self.own + self.free] = BASIC
        rows[: len(known.rows)] = np.where(known.rows == UNKNOWN, BASIC, known.rows)
        rows[self.height - self.common + self.free] = LOWER
        basis = Basis(columns[self.columns], rows[self.rows])
        self._solver.set_basis(basis)

    def basis(self) -> Basis | None:
        """Return the basis of the last run as one of the piece with all its rows, if there was one."""
        native = self._solver.basis()
        if native is None:
            return None
        reduced = self._solver.solution()[1][: self.own]
        columns = np.full(self.width, LOWER, dtype=np.int8)
        rows = np.full(self.height, BASIC, dtype=np.int8)
        columns[self.columns], rows[self.rows] = native.columns, native.rows
        columns[self.own + self.held] = BASIC
        rows[self.height - self.common + self.held] = LOWER
        own, limits = columns[: self.own], self.limits
        # A column without room is where its price pushes it.
        fixed = self.tightest[0] == self.tightest[1]
        pushed = np.where(fixed, reduced, np.where(own == UPPER, -1.0, 1.0))
        at = self._holding(np.where(own == BASIC, 0.0, pushed))
        upwards = (pushed[limits.column[at]] < 0.0) == (limits.value[at] > 0.0)
        rows[limits.row[at]] = np.where(upwards, UPPER, LOWER)
        own[limits.column[at]] = BASIC
        return Basis(columns, rows)


def program_of(piece: Piece, rows: Flags | None = None, columns: Flags | None = None) -> Program:
    """Return a piece as a model of its own, or these rows and columns of it."""
    keep = np.ones(piece.height, dtype=bool) if rows is None else rows
    mine = np.ones(piece.width, dtype=bool) if columns is None else columns
    row, index, value = piece.entries()
    inside = keep[row] & mine[index]
    row, index = (np.cumsum(keep) - 1)[row[inside]], (np.cumsum(mine) - 1)[index[inside]]
    row_lower, row_upper = piece.row_limits
    return Program(
        cost=piece.costs[mine],
        lower=piece.bounds[0][mine],
        upper=piece.bounds[1][mine],
        row_lower=row_lower[keep],
        row_upper=row_upper[keep],
        start=np.searchsorted(row, np.arange(int(keep.sum()) + 1)),
        index=index,
        value=value[inside],
    )
