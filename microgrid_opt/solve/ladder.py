r"""A size in steps: on/off units have to run wherever a size that is chosen is too small without them.

In a balance $\sum_j a_j x_j = b$ with $x \ge 0$ and $b > 0$, let units $u \in U$ make nothing while they
are off, $y_u = 0$, let a supply $e$ be limited by a size, $x_e \le \kappa v$, and let $R$ be all other
supplies. Where the size is no more than a point $p$ with $a_e \kappa p < b$ and no unit is on, $R$ makes
at least $\delta = b - a_e \kappa p$. With $c = 1$ where $v \le p$, else $c = 0$,
$$ \sum_{u \in U} y_u + \frac{1}{\delta} \sum_{j \in R} a_j x_j \ge c $$
holds for every plan. One step alone says nothing of $c$ that it does not say of $v$: with
$c \ge 1 - v / p$ half the size needs half a unit in every step, which no size needs. All steps share the
points $p_1 < \dots < p_q$ of a ladder, and $c_1 \le \dots \le c_q$, between the least size $p_0$ and the
largest $p_{q+1}$:
$$ p_q - \sum_k (p_k - p_{k-1})\, c_k \le v \le p_{q+1} - \sum_k (p_{k+1} - p_k)\, c_k $$
so that a size in the middle has a middle's worth of steps in which units run (incremental form of a
function that is not convex: Markowitz and Manne, 1957, doi:10.2307/1907744; Vielma, 2015,
doi:10.1137/130915303). Every size has such $c \in \{0, 1\}^q$: with $v \in (p_{i-1}, p_i]$ and $c_k = 1$
from $k = i$ on, the limits are $p_{i-1}$ and $p_i$.

| symbol | meaning |
| --- | --- |
| $x, a, b$ | columns, coefficients and right-hand side of a balance |
| $y_u$ | on/off decision of unit $u$ |
| $v, \kappa$ | size, and what one unit of it allows of $x_e$ |
| $p_k, c_k$ | points of the ladder, and whether the size is no more |
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from microgrid_opt.solve.matrix import Block, entries_of
from microgrid_opt.solve.tight import Balances, container, pairs_of, tightened, with_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from microgrid_opt.solve.matrix import Matrix

    Flags = NDArray[np.bool_]
    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

STEPS, POINTS = "units beside sizes", "points of sizes"
"""Names of the rows that are added: of the steps, and among what they share."""
MOST_POINTS = 40
"""Points of a ladder. On a year of three units, the relaxation of 39.113 million without is 39.133 with
20, 39.138 with 40 and 39.139 with 80, which take longer."""
MARGIN = 0.01
"""Share of a need by which a point is less than what would meet it."""
OFTEN = 0.25
"""Share of the steps in which other supplies must be less than the need for a ladder to tell something."""


@dataclass(frozen=True)
class Ladder:
    """The points of a size.

    Parameters
    ----------
    size
        Name of its column.
    points
        Increasing, between its bounds.
    """

    size: str
    points: tuple[float, ...]


def ladders_of(matrix: Matrix) -> tuple[Ladder, ...]:
    """Return the ladders of a model with on/off decisions, none where they would tell nothing."""
    beside = _Beside(matrix)
    found = []
    for size in np.unique(beside.size):
        enough = beside.enough[beside.size == size] * (1.0 - MARGIN)
        points = np.linspace(enough.min(), enough.max(), MOST_POINTS)
        low, high = matrix.col_lower[size], matrix.col_upper[size]
        points = np.unique(points[(points > low) & (points < high)])
        if len(points):
            found.append(Ladder(matrix.column_name(int(size)), tuple(points.tolist())))
    return tuple(found)


def strengthened(matrix: Matrix, ladders: Sequence[Ladder] | None = None) -> Matrix:
    """Return the tightened model with ladders, those given or its own.

    Behind the model's own columns stands one of each point, behind its rows and those of
    `microgrid_opt.solve.tight` those of the ladders.
    """
    if ladders is None:
        ladders = ladders_of(matrix)
    found = tightened(matrix)
    if not ladders:
        return found
    found = _with_columns(
        found, [f"{one.size} up to {p:.6g}" for one in ladders for p in one.points]
    )
    stairs, beside = stairs_of(matrix, ladders), _Beside(matrix)
    entries = _Entries()
    for stair in stairs:
        beside.write(stair, entries)
    found = with_rows(found, STEPS, *entries.joined())
    entries = _Entries()
    for stair in stairs:
        _among(matrix, stair, entries)
    return with_rows(found, POINTS, *entries.joined())


@dataclass(frozen=True, eq=False)
class Stair:
    """Where a ladder stands in a strengthened model.

    Parameters
    ----------
    size, first
        Column of the size, and of its first point.
    points
        Increasing, shape (points,).
    """

    size: int
    first: int
    points: Floats

    @property
    def columns(self) -> Ints:
        """Columns of the points, shape (points,)."""
        return self.first + np.arange(len(self.points))

    def reached(self, value: float) -> Floats:
        """Return one for each point that a size does not exceed, else zero, shape (points,)."""
        return np.asarray(value <= self.points, dtype=float)


def stairs_of(matrix: Matrix, ladders: Sequence[Ladder]) -> list[Stair]:
    """Return where ladders stand behind the columns of a model."""
    found, first = [], matrix.column_count
    for ladder in ladders:
        size = matrix.column_blocks[ladder.size].start
        found.append(Stair(size, first, np.array(ladder.points)))
        first += len(ladder.points)
    return found


def extended(values: Floats, stairs: Sequence[Stair]) -> Floats:
    """Return values of a model's own columns with those of the points behind them."""
    return np.concatenate([values, *(one.reached(float(values[one.size])) for one in stairs)])


def _with_columns(matrix: Matrix, names: Sequence[str]) -> Matrix:
    """Return a matrix with columns from zero to one behind its own, one of each name."""
    first, count = matrix.column_count, len(names)
    blocks = (Block(name, first + at, 1, None) for at, name in enumerate(names))
    return replace(
        matrix,
        cost=np.append(matrix.cost, np.zeros(count)),
        col_lower=np.append(matrix.col_lower, np.zeros(count)),
        col_upper=np.append(matrix.col_upper, np.ones(count)),
        integrality=np.append(matrix.integrality, np.zeros(count, matrix.integrality.dtype)),
        columns=(*matrix.columns, *blocks),
    )


class _Entries:
    """Rows of at most something, as they are written."""

    def __init__(self) -> None:
        self.count = 0
        self._found: list[tuple[Ints, Ints, Floats]] = []
        self._most: list[Floats] = []

    def add(self, most: Floats, *parts: tuple[Ints, Ints, Floats]) -> None:
        """Add rows of so many limits: number among them, column and value of their entries."""
        self._found += [(row + self.count, column, value) for row, column, value in parts]
        self._most.append(most)
        self.count += len(most)

    def joined(self) -> tuple[Ints, Ints, Floats, Floats]:
        """Return row, column and value of all entries, and the limits of all rows."""
        row, column, value = (np.concatenate(one) for one in zip(*self._found, strict=True))
        return row, column, value, np.concatenate(self._most)


class _Beside:
    """Supplies that a size limits, in balances with on/off units whose other supplies are few.

    Attributes
    ----------
    entry
        Entries of the matrix, shape (supplies,).
    size, enough
        Column of the size of each, and how much of it meets the need alone, shape (supplies,).
    """

    def __init__(self, matrix: Matrix) -> None:
        self.matrix, self.balances = matrix, Balances(matrix)
        index, row = matrix.index, matrix.entry_row
        balances = self.balances
        of_size, each = _sized(matrix)
        self.rest = balances.makes & ~balances.units
        has_units = np.bincount(row, balances.units, matrix.row_count) > 0
        entry = np.flatnonzero(self.rest & has_units[row] & (of_size[index] >= 0))
        size = of_size[index[entry]]
        enough = balances.need[entry] / (balances.signed[entry] * each[index[entry]])
        with np.errstate(invalid="ignore"):
            most = np.fmin(matrix.col_upper[index], each[index] * matrix.col_upper[of_size[index]])
            most = np.where(self.rest, balances.signed * most, 0.0)
        among = np.bincount(row, most, matrix.row_count)[row[entry]] - most[entry]
        block = container(matrix.rows, row[entry])
        _, group = np.unique(size * len(matrix.rows) + block, return_inverse=True)
        steps = np.bincount(group)
        few = np.bincount(group, among < balances.need[entry]) >= OFTEN * steps
        # What the sun or the wind limits is no size of its own.
        whole = np.array([one.count for one in matrix.rows])[block] == steps[group]
        told = few[group] & whole
        self.entry, self.size, self.enough = entry[told], size[told], enough[told]

    def write(self, stair: Stair, entries: _Entries) -> None:
        """Write the rows of all steps.

        A step without a point has its row as well: days with other rows are no days of one kind.
        """
        matrix, balances = self.matrix, self.balances
        mine = self.size == stair.size
        supply, enough = self.entry[mine], self.enough[mine]
        below = np.searchsorted(stair.points, enough * (1.0 - MARGIN) * (1.0 + 1e-12), side="right")
        some = np.flatnonzero(below)
        share = np.zeros(len(supply))
        share[some] = stair.points[below[some] - 1] / enough[some]
        missing = balances.need[supply] * (1.0 - share)
        entry, number = entries_of(
            matrix.start.astype(np.int64), matrix.entry_row[supply].astype(np.int64)
        )
        unit = balances.units[entry]
        other = self.rest[entry] & (entry != supply[number])
        made = balances.signed[entry[other]] / missing[number[other]]
        # Two supplies of one unit have one decision.
        width = matrix.column_count
        pairs = number[unit] * width + balances.decision[matrix.index[entry[unit]]]
        one, on = np.divmod(np.unique(pairs), width)
        entries.add(
            np.zeros(len(supply)),
            (one, on, -np.ones(len(on))),
            (number[other], matrix.index[entry[other]].astype(np.int64), -made),
            (some, stair.columns[below[some] - 1], np.ones(len(some))),
        )


def _sized(matrix: Matrix) -> tuple[Ints, Floats]:
    """Return the size that limits each column, -1 for none, and what one unit of it allows."""
    size = np.full(matrix.column_count, -1, dtype=np.int64)
    each = np.full(matrix.column_count, np.inf)
    alone = np.repeat(
        [one.keys is None for one in matrix.columns], [one.count for one in matrix.columns]
    )
    is_size = alone & (matrix.integrality == 0) & (matrix.col_lower < matrix.col_upper)
    is_size &= (matrix.col_lower >= 0.0) & np.isfinite(matrix.col_upper)
    pairs = [one for sign in (1.0, -1.0) for one in pairs_of(matrix, is_size, sign)]
    for column, beside, value, of in pairs:
        limits = (value > 0.0) & (of < 0.0) & ~alone[column]
        size[column[limits]] = beside[limits]
        each[column[limits]] = -(of / value)[limits]
    return size, each


def _among(matrix: Matrix, stair: Stair, entries: _Entries) -> None:
    """Write the rows among a size and its points."""
    points, columns = stair.points, stair.columns
    low, high = matrix.col_lower[stair.size], matrix.col_upper[stair.size]
    number, ones = np.arange(len(points) - 1), np.ones(len(points) - 1)
    entries.add(0.0 * ones, (number, columns[:-1], ones), (number, columns[1:], -ones))
    for sign, steps, most in (
        (1.0, np.diff(points, append=high), high),
        (-1.0, np.diff(points, prepend=low), -points[-1]),
    ):
        row = np.zeros(len(points) + 1, dtype=np.int64)
        value = sign * np.append(steps, 1.0)
        entries.add(np.array([most]), (row, np.append(columns, stair.size), value))
