r"""A window of a model over time: its columns and rows, the past put in, the future priced.

The window is cut out of the matrix of the whole horizon, so that every asset, tariff and policy is in
it as it is; nothing here knows a technology. With $x^*$ and duals $y$ of a plan of the whole horizon,
and $\hat x$ for what earlier windows decided, the steps $a \le t < c$ give

$$ \min \sum_{j \in W} c_j x_j + \sum_{i \in O} \bigl( (y_i + \delta_i) p_i + (\epsilon_i - y_i) m_i \bigr)
   \quad\text{s.t.}\quad
   L_i \le \sum_{j \in W} a_{ij} x_j + \sum_{j\ \text{past}} a_{ij} \hat x_j
   + \sum_{j\ \text{later}} a_{ij} x^*_j + p_i - m_i \le U_i $$

where $p_i, m_i \ge 0$ exist for the *open* rows $O$ alone, those with columns later than $c$. By what
stands in them open rows are of two kinds:

- *state*: columns of few steps (the content of a store at the border). What the window leaves behind
  is worth its price $y_i$, with $\delta_i = \epsilon_i$ a hundredth of it: the value falls a little away
  from the plan's state, so that among states of one price the plan's is taken. Price and state are
  means over the week around the border: what is the same all week (the water value of a seasonal
  store) is kept, what a day does beyond the look-ahead is not known.
- *allotment*: columns of many steps (a cap, a target, a sum of the month). The window has the plan's
  share and what earlier windows saved. Saving more earns the price less a hundredth; a share that
  cannot be kept is exceeded at `STEEP` times the price, to be made up by the next windows.

The price of an open row is its multiplier in the Lagrangian dual: without $\delta, \epsilon$ the plan's
own operation is optimal in every window (Geoffrion, 1974, Lagrangean relaxation for integer
programming, doi:10.1007/BFb0120690). Prices at the end of a window instead of a fixed state: water
values as in Pereira & Pinto (1991), Multi-stage stochastic optimization applied to energy planning,
doi:10.1007/BF01582895.

Columns without a step (the month's peak) are in all windows between the first and the last step of
their rows. What the past needed of them, and what the plan needs of them later, is a bound: a peak that
was reached, or is planned, is a floor that costs nothing further.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from microgrid_opt.errors import InputError
from microgrid_opt.solve.matrix import Block, Matrix, block_of, entries_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from microgrid_opt.solve.reach import Guide, Reach

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]

Guidance = Literal["plan", "none"]
"""What lies beyond a window: the plan's prices and shares, or for states nothing."""

FEW_STEPS = 3
"""Steps up to which an open row is one of a state."""
CROSSED = 1e-7
"""Bounds that cross by less, relative to 1 + |bound|, are rounding."""


@dataclass(frozen=True, eq=False)
class Window:
    """A part of a model as a model of its own.

    Parameters
    ----------
    matrix
        Its model; the columns of open rows stand behind its own.
    columns, rows
        Its columns and rows by their numbers in the whole model.
    crossed
        Number in the whole model of a column whose bounds cross, so that there is no plan; or None.
    """

    matrix: Matrix
    columns: Ints
    rows: Ints
    crossed: int | None

    def named(self, whole: Matrix) -> Matrix:
        """Return its model with the names of the whole one, for messages."""
        extra = self.matrix.column_count - len(self.columns)
        columns = _blocks(whole.columns, self.columns)
        if extra:
            beyond = Block("beyond_the_window", len(self.columns), extra, range(extra))
            columns = (*columns, beyond)
        return replace(self.matrix, columns=columns, rows=_blocks(whole.rows, self.rows))


def _blocks(blocks: tuple[Block, ...], numbers: Ints) -> tuple[Block, ...]:
    """Return the containers of some columns or rows, in order of their numbers."""
    found, at = [], 0
    while at < len(numbers):
        block = block_of(blocks, int(numbers[at]))
        count = int(np.searchsorted(numbers[at:], block.start + block.count))
        keys = block.keys
        inside = (
            [keys[j - block.start] for j in numbers[at : at + count].tolist()] if keys else None
        )
        found.append(Block(block.name, at, count, inside))
        at += count
    return tuple(found)


class Cutter:
    """Cuts windows out of a model.

    Parameters
    ----------
    matrix, reach
        The whole model.
    held
        Columns that are given, shape (columns,).
    guide
        A plan of the whole horizon.
    guidance
        What of it counts beyond a window.
    expected
        The model as it is expected to be where a window looks ahead; the same when left out.

    Raises
    ------
    InputError
        What is expected has other columns or rows.
    """

    def __init__(
        self,
        matrix: Matrix,
        reach: Reach,
        held: Flags,
        guide: Guide,
        guidance: Guidance,
        expected: Matrix | None = None,
    ) -> None:
        self.expected = matrix if expected is None else expected
        sizes = [
            [(b.name, b.count) for b in (*m.columns, *m.rows)] for m in (matrix, self.expected)
        ]
        if sizes[0] != sizes[1]:
            raise InputError(
                "What is expected has other rules than what comes: this park is operated with "
                "perfect forecasts only."
            )
        self.matrix, self.reach, self.guide, self.guidance = matrix, reach, guide, guidance
        self._by_step = np.argsort(reach.step, kind="stable")
        self._steps = reach.step[self._by_step]
        self._loose = np.flatnonzero((reach.step < 0) & ~held & (reach.end >= reach.begin))
        is_loose = np.zeros(matrix.column_count, dtype=bool)
        is_loose[self._loose] = True
        entries = np.flatnonzero(is_loose[matrix.index])
        order = np.argsort(matrix.index[entries], kind="stable")
        self._loose_rows = matrix.entry_row[entries[order]].astype(np.int64)
        self._loose_of = matrix.index[entries[order]]
        whole = matrix.integrality[matrix.index] == 1
        self._whole_rows = np.bincount(matrix.entry_row, whole, matrix.row_count) > 0
        self._around = np.flatnonzero(reach.around)
        self._place = np.full(matrix.column_count, -1, dtype=np.int64)

    def window(self, values: Floats, a: int, b: int, c: int, *, firm: bool = False) -> Window:
        """Return the window of the steps a … c − 1, from b on as they are expected to be.

        Parameters
        ----------
        values
            Of all columns: what was decided up to a, the plan's from c on, shape (columns,).
        firm
            Whether open rows keep to the plan, at `STEEP` times their price.
        """
        reach = self.reach
        timed = self._by_step[slice(*np.searchsorted(self._steps, [a, c]))]
        loose = self._loose[(reach.begin[self._loose] < c) & (reach.end[self._loose] >= a)]
        near = np.flatnonzero((reach.first < c) & (reach.last >= a))
        near = np.concatenate([near, self._around])
        columns = np.sort(np.concatenate([timed, loose]))
        return self._cut(values, columns, near, loose, (b, c), firm)

    def rest(self, values: Floats) -> Window:
        """Return what remains when all steps are decided: the columns without a step."""
        n = int(self.reach.step.max(initial=0)) + 1
        none = np.empty(0, np.int64)
        return self._cut(values, self._loose, none, self._loose, (n, n))

    def _cut(
        self,
        values: Floats,
        columns: Ints,
        near: Ints,
        loose: Ints,
        steps: tuple[int, int],
        firm: bool = False,
    ) -> Window:
        reach, place, (b, c) = self.reach, self._place, steps
        place[columns] = np.arange(len(columns))
        mine = np.isin(self._loose_of, loose)
        rows = np.unique(np.concatenate([near, self._loose_rows[mine]]))
        owner, column, value, (low, high) = self._entries(rows, b, c)
        at = place[column]
        place[columns] = -1
        active, step = at >= 0, reach.step[column]
        later = ~active & (np.where(step >= 0, step, reach.begin[column]) >= c)
        later &= (reach.end[column] >= reach.begin[column]) & ~(
            reach.around[rows][owner] & (step > reach.last[rows][owner])
        )

        def some(flags: Flags) -> Flags:
            return np.bincount(owner, flags, len(rows)) > 0

        known = np.bincount(owner, np.where(active, 0.0, value * values[column]), len(rows))
        is_open, here = some(later), some(active & (step >= 0))
        state = is_open & (reach.count[rows] <= FEW_STEPS) & (reach.count[rows] > 0)
        needs = is_open & (reach.first[rows] >= c) & (reach.last[rows] >= 0)
        dropped = ~some(active) | (state & ~needs & self._whole_rows[rows])
        if self.guidance == "none":
            dropped |= state | needs
        low, high = low - known, high - known
        single = ~dropped & ~here & (np.bincount(owner, active, len(rows)) == 1)
        single &= ~is_open | needs
        bounds = self._bounds(columns, b)
        only = active & single[owner]
        crossed = _tighten(bounds, at[only], value[only], low[owner[only]], high[owner[only]])
        kept = np.flatnonzero(~dropped & ~single)
        inside = active & (~dropped & ~single)[owner]
        elastic = is_open & ~needs
        matrix = self._assembled(
            columns,
            rows[kept],
            (np.cumsum(~dropped & ~single)[owner[inside]] - 1, at[inside], value[inside]),
            (low[kept], high[kept]),
            bounds,
            (np.flatnonzero(elastic[kept]), state[kept]),
            firm,
        )
        return Window(
            matrix, columns, rows[kept], None if crossed is None else int(columns[crossed])
        )

    def _entries(
        self, rows: Ints, b: int, c: int
    ) -> tuple[Ints, Ints, Floats, tuple[Floats, Floats]]:
        """Return position among the rows, column and value of all their entries, and their limits."""
        first, last = self.reach.first[rows], self.reach.last[rows]
        border = (last >= b) & (self.reach.count[rows] <= FEW_STEPS) & ~self.reach.around[rows]
        ahead = (first < c) & ((first >= b) | border)
        m, expected = self.matrix, self.expected
        low = np.where(ahead, expected.row_lower[rows], m.row_lower[rows])
        high = np.where(ahead, expected.row_upper[rows], m.row_upper[rows])
        found = []
        for matrix, which in ((m, np.flatnonzero(~ahead)), (expected, np.flatnonzero(ahead))):
            entry, owner = entries_of(matrix.start.astype(np.int64), rows[which])
            found.append((which[owner], matrix.index[entry], matrix.value[entry]))
        owner, column, value = (np.concatenate(pair) for pair in zip(*found, strict=True))
        return owner, column, value, (low, high)

    def _bounds(self, columns: Ints, b: int) -> tuple[Floats, Floats]:
        """Return the bounds of columns, from step b on as they are expected to be."""
        ahead = self.reach.step[columns] >= b
        m, expected = self.matrix, self.expected
        lower = np.where(ahead, expected.col_lower[columns], m.col_lower[columns])
        return lower, np.where(ahead, expected.col_upper[columns], m.col_upper[columns])

    def _assembled(
        self,
        columns: Ints,
        rows: Ints,
        entries: tuple[Ints, Ints, Floats],
        limits: tuple[Floats, Floats],
        bounds: tuple[Floats, Floats],
        opened: tuple[Ints, Flags],
        firm: bool,
    ) -> Matrix:
        """Return the model of a window; open rows get a column for more and one for less."""
        m, guide, width = self.matrix, self.guide, len(columns)
        elastic, state = opened
        price, steep = guide.price[rows[elastic]], guide.steep[rows[elastic]]
        premium = guide.premium[rows[elastic]]
        is_state = state[elastic]
        # What a row earns is a saving; the other way a share is exceeded.
        up = np.where((is_state | (price < 0.0)) & (not firm), premium, steep)
        down = np.where((is_state | (price > 0.0)) & (not firm), premium, steep)
        shift = np.where(is_state, guide.shift[rows[elastic]], 0.0)
        limits[0][elastic] += shift
        limits[1][elastic] += shift
        count = len(elastic)
        row = np.concatenate([entries[0], elastic, elastic])
        index = np.concatenate([entries[1], width + np.arange(2 * count)])
        value = np.concatenate([entries[2], np.ones(count), -np.ones(count)])
        order = np.argsort(row, kind="stable")
        start = np.zeros(len(rows) + 1, np.int32)
        np.cumsum(np.bincount(row, minlength=len(rows)), out=start[1:])
        total = width + 2 * count
        return Matrix(
            cost=np.concatenate([m.cost[columns], price + up, down - price]),
            offset=0.0,
            maximize=False,
            start=start,
            index=index[order].astype(np.int32),
            value=value[order],
            row_lower=limits[0],
            row_upper=limits[1],
            col_lower=np.concatenate([bounds[0], np.zeros(2 * count)]),
            col_upper=np.concatenate([bounds[1], np.full(2 * count, np.inf)]),
            integrality=np.concatenate([m.integrality[columns], np.zeros(2 * count, np.uint8)]),
            columns=(Block("column", 0, total, range(total)),),
            rows=(Block("row", 0, len(rows), range(len(rows))),),
        )


def _tighten(
    bounds: tuple[Floats, Floats], at: Ints, value: Floats, low: Floats, high: Floats
) -> int | None:
    """Make rows with one column bounds of it; return a column whose bounds cross, or None."""
    lower, upper = bounds
    some = value != 0.0
    at, value, low, high = at[some], value[some], low[some], high[some]
    np.maximum.at(lower, at, np.where(value > 0.0, low / value, high / value))
    np.minimum.at(upper, at, np.where(value > 0.0, high / value, low / value))
    crossing = np.where(np.isfinite(upper), lower - upper, 0.0)
    wide = np.flatnonzero(crossing > CROSSED * (1.0 + np.abs(upper)))
    np.maximum(upper, lower, out=upper)
    return int(wide[0]) if len(wide) else None
