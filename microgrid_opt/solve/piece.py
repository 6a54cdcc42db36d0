r"""One piece of a model over time as a linear model of its own, with what it shares as a parameter.

With $v$ for the shared columns of a piece and $r$ for its shares of spread rows,
$$ V(v, r) = \min\; c^\top x + \rho^\top |w - v| + \sigma^\top s \quad\text{s.t.}\quad
   L \le A x + B w \le U,\; D x + s \text{ within } r $$
is never above what the piece costs with $w = v$ and $s = 0$, and always finite where the whole model
has a plan: what is shared may be missed, at a penalty. A plan of all pieces without a miss is one of
the whole. The dual values give a cut $V(v, r) \ge k + g^\top v + h^\top r$; for any row duals $y$,
$g = -B^\top y$ within $\pm\rho$ and $h$ within $\pm\sigma$ it holds with
$$ k = \sum_i \max(y_i, 0) L_i + \min(y_i, 0) U_i + \sum_j \max(d_j, 0) l_j + \min(d_j, 0) u_j $$
for the reduced costs $d$ of $x$ and $w$ (weak duality over their boxes), so that inexact dual values
weaken a cut and never falsify it.

At prices $g$, $h$ of what is shared the piece is free to choose it,
$$ k = \min\; c^\top x - g^\top w - h^\top D x \quad\text{s.t.}\quad L \le A x + B w \le U $$
so that $k + g^\top v + h^\top r$ is a cut with these slopes. Prices that clear between the pieces of a
coarser model nearly do so here, and their cuts together are a bound (Lagrangian decomposition;
Geoffrion, 1974, doi:10.1007/BFb0120690).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import highspy
import numpy as np

from microgrid_opt.solve.changes import PRIMAL
from microgrid_opt.solve.session import basis_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from microgrid_opt.solve.matrix import Matrix
    from microgrid_opt.solve.pieces import Pieces
    from microgrid_opt.solve.session import Basis

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

OPTIONS = {
    "output_flag": False,
    "threads": 1,
    "parallel": "off",
    # What a scaled piece calls optimal may miss its rows by more than a plan may.
    "simplex_scale_strategy": 0,
}
RESIDUAL = 5e-7
"""Miss of its own rows from which a piece is solved anew."""
STEEPER = 10.0
"""By how much a penalty grows where something is missed for good."""


@dataclass(frozen=True, eq=False)
class Cut:
    """A lower bound on what a piece costs: ``constant + slopes @ v``, over its parameters.

    Parameters
    ----------
    constant, slopes
        The bound.
    duals
        Of the piece's rows, which prove it.
    """

    constant: float
    slopes: Floats
    duals: Floats


@dataclass(frozen=True, eq=False)
class Answer:
    """What a piece costs at given parameters.

    Parameters
    ----------
    cost
        Its objective, with penalties.
    missed
        What is missed of each parameter, shape (parameters,).
    cut
        The bound that its dual values prove.
    """

    cost: float
    missed: Floats
    cut: Cut


@dataclass(frozen=True, eq=False)
class Layout:
    """Where the entries of a model stand in one piece.

    Parameters
    ----------
    rows, own, shared
        Its rows, its own columns and the shared ones it uses, by their numbers in the model.
    spread
        Positions among the spread rows of those it has entries in.
    start, index, value
        Its rows, then its shares of the spread rows; columns in the order own, shared.
    """

    rows: Ints
    own: Ints
    shared: Ints
    spread: Ints
    start: Ints
    index: Ints
    value: Floats

    @property
    def parameters(self) -> int:
        """Number of shared columns and shares."""
        return len(self.shared) + len(self.spread)


def layouts(matrix: Matrix, pieces: Pieces) -> list[Layout]:
    """Return where the entries of the model stand in every piece."""
    entry, index = matrix.entry_row, matrix.index
    row = pieces.row[entry]
    own = pieces.column[index]
    # Entries of spread rows are the pieces' whose own columns they are of.
    inside = np.where(row >= 0, row, np.where((row == -2) & (own >= 0), own, -1))
    order = np.argsort(inside, kind="stable")
    bounds = np.searchsorted(inside[order], np.arange(pieces.count + 1))
    columns = np.argsort(pieces.column, kind="stable")
    column_bounds = np.searchsorted(pieces.column[columns], np.arange(pieces.count + 1))
    rows = np.argsort(pieces.row, kind="stable")
    row_bounds = np.searchsorted(pieces.row[rows], np.arange(pieces.count + 1))
    place = np.full(matrix.column_count, -1, dtype=np.int64)
    found = []
    for piece in range(pieces.count):
        mine = order[bounds[piece] : bounds[piece + 1]]
        spread = pieces.row[entry[mine]] < 0
        plain, shares = mine[~spread], mine[spread]
        kept = rows[row_bounds[piece] : row_bounds[piece + 1]]
        private = columns[column_bounds[piece] : column_bounds[piece + 1]]
        common = np.unique(index[plain][own[plain] < 0]).astype(np.int64)
        place[private] = np.arange(len(private))
        place[common] = len(private) + np.arange(len(common))
        numbers, lengths = np.unique(entry[shares], return_counts=True)
        lengths = np.concatenate([np.diff(matrix.start)[kept], lengths])
        found.append(
            Layout(
                kept,
                private,
                common,
                np.searchsorted(pieces.spread, numbers),
                np.concatenate([[0], np.cumsum(lengths)]),
                place[index[np.concatenate([plain, shares])]],
                matrix.value[np.concatenate([plain, shares])],
            )
        )
    return found


def slopes_of(pieces: Pieces, layout: Layout, duals: Floats) -> Floats:
    """Return what row duals of the whole model price a piece's parameters at, shape (parameters,)."""
    own, rows = len(layout.own), len(layout.rows)
    y = np.concatenate([duals[layout.rows], duals[pieces.spread[layout.spread]]])
    last = layout.start[rows]
    entry = np.repeat(np.arange(rows), np.diff(layout.start[: rows + 1]))
    worth = layout.value[:last] * y[entry]
    charged = np.bincount(layout.index[:last], worth, own + len(layout.shared))
    return np.concatenate([-charged[own:], y[rows:]])


class Piece:
    """A piece held by HiGHS, to be solved again and again with other parameters.

    Parameters
    ----------
    matrix, pieces, layout
        The whole model, how it is cut, and where this piece's entries stand.
    box
        Bounds of all columns of the whole model, finite where possible.
    penalty
        Of a miss of each parameter, shape (parameters,).
    """

    def __init__(
        self,
        matrix: Matrix,
        pieces: Pieces,
        layout: Layout,
        box: tuple[Floats, Floats],
        penalty: Floats,
    ) -> None:
        self.layout, self.penalty = layout, penalty
        self.columns = np.concatenate([layout.own, layout.shared])
        self.box = (box[0][self.columns], box[1][self.columns])
        own, common = len(layout.own), len(layout.shared)
        cost = np.concatenate([matrix.cost[layout.own], np.zeros(common)])
        spread = pieces.spread[layout.spread]
        # A share is held on the sides on which the spread row has a limit.
        self.low = np.where(np.isinf(matrix.row_lower[spread]), -np.inf, 0.0)
        self.high = np.where(np.isinf(matrix.row_upper[spread]), np.inf, 0.0)
        self.row_lower = np.concatenate([matrix.row_lower[layout.rows], self.low])
        self.row_upper = np.concatenate([matrix.row_upper[layout.rows], self.high])
        self.cost, self.own, self.common = cost, own, common
        self.values: Floats = np.zeros(0)
        self.iterations = 0
        self._highs = highspy.Highs()
        for name, value in OPTIONS.items():
            self._highs.setOptionValue(name, value)
        misses = np.zeros(2 * len(penalty))
        self.bounds = (
            np.concatenate([matrix.col_lower[self.columns], misses]),
            np.concatenate([matrix.col_upper[self.columns], misses + np.inf]),
        )
        self._pass()

    @property
    def width(self) -> int:
        """Number of columns: own, shared, misses above, misses below."""
        return len(self.columns) + 2 * len(self.penalty)

    @property
    def height(self) -> int:
        """Number of rows: own, shares, links."""
        return len(self.layout.rows) + len(self.penalty)

    @property
    def costs(self) -> Floats:
        """Objective coefficients of all columns, shape (width,)."""
        return np.concatenate([self.cost, self.penalty, self.penalty])

    def entries(self) -> tuple[Ints, Ints, Floats]:
        """Return row, column and value of all entries: of rows, shares, and links w + p − m = v."""
        layout = self.layout
        width, shares, common = len(self.columns), len(layout.spread), self.common
        count = common + shares
        plus, minus = width + np.arange(count), width + count + np.arange(count)
        start, index, value = layout.start, layout.index, layout.value
        if shares:
            at = np.repeat(start[-shares - 1 :][1:], 2)
            pair = np.column_stack([plus[common:], minus[common:]]).ravel()
            index, value = np.insert(index, at, pair), np.insert(value, at, [1.0, -1.0] * shares)
            start = start.copy()
            start[-shares:] += 2 * np.arange(1, shares + 1)
        links = np.column_stack([self.own + np.arange(common), plus[:common], minus[:common]])
        start = np.concatenate([start, start[-1] + 3 * np.arange(1, common + 1)])
        index = np.concatenate([index, links.ravel()])
        value = np.concatenate([value, np.tile([1.0, 1.0, -1.0], common)])
        return np.repeat(np.arange(len(start) - 1), np.diff(start)), index, value

    def _pass(self) -> None:
        """Hand over the model."""
        row, index, value = self.entries()
        zeros = np.zeros(self.common)
        self._highs.passModel(
            self.width,
            self.height,
            len(value),
            int(highspy.MatrixFormat.kRowwise),
            int(highspy.ObjSense.kMinimize),
            0.0,
            self.costs,
            *self.bounds,
            np.concatenate([self.row_lower, zeros]),
            np.concatenate([self.row_upper, zeros]),
            np.searchsorted(row, np.arange(self.height + 1)).astype(np.int32),
            index.astype(np.int32),
            value.astype(float),
            np.zeros(self.width, dtype=np.int32),
        )

    def basis(self) -> Basis:
        """Return the basis of the last solve."""
        return basis_of(self._highs.getBasis())

    def close(self) -> None:
        """Free the memory of HiGHS; the piece is not solved any more."""
        self._highs.clear()

    def raise_penalty(self, missed: NDArray[np.bool_]) -> None:
        """Make misses dearer where ``missed``, a flag of each parameter."""
        self.set_penalty(np.where(missed, STEEPER * self.penalty, self.penalty))

    def set_penalty(self, penalty: Floats) -> None:
        """Make misses as dear as given, or leave them dearer, shape (parameters,)."""
        self.penalty = np.maximum(self.penalty, penalty)
        count = len(self.penalty)
        number = (len(self.columns) + np.arange(2 * count)).astype(np.int32)
        self._highs.changeColsCost(2 * count, number, np.tile(self.penalty, 2))

    def priced(self, slopes: Floats) -> Cut | None:
        """Return the cut with given slopes, where the piece chooses what is shared at these prices.

        It starts at the optimum of the last `solve`, which stays as it is; ``None`` if it failed.
        """
        count, width = len(self.penalty), len(self.columns)
        other = highspy.Highs()
        for name, value in (OPTIONS | {"simplex_strategy": PRIMAL}).items():
            other.setOptionValue(name, value)
        other.passModel(self._highs.getModel())
        other.setBasis(self._highs.getBasis())
        # w = v − p with p free: moving away from v is paid, or costs, what the slopes say.
        number = np.arange(self.width, dtype=np.int32)
        zeros, infinite = np.zeros(count), np.full(count, np.inf)
        other.changeColsCost(2 * count, number[width:], np.concatenate([slopes, zeros]))
        # Within the box of all columns, for a price may draw without end on what has no bound.
        low = np.concatenate([self.box[0], -infinite, zeros])
        high = np.concatenate([self.box[1], infinite, zeros])
        other.changeColsBounds(self.width, number, low, high)
        other.run()
        if other.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        duals = np.array(other.getSolution().row_dual)[: len(self.row_lower)]
        return self.cut(duals, slopes)

    def solve(self, parameters: Floats) -> Answer | None:
        """Return what the piece costs at parameters (shared, then shares); ``None`` if it failed."""
        rows, shares, common = len(self.layout.rows), len(self.layout.spread), self.common
        # Links stand behind the shares: both in one range of rows.
        number = (rows + np.arange(shares + common)).astype(np.int32)
        v, r = parameters[:common], parameters[common:]
        low, high = np.concatenate([self.low + r, v]), np.concatenate([self.high + r, v])
        self._highs.changeRowsBounds(len(number), number, low, high)
        if not self._run():
            return None
        native = self._highs.getSolution()
        values = np.array(native.col_value)
        duals = np.array(native.row_dual)
        width = len(self.columns)
        self.values = values[:width]
        over, under = values[width : width + common + shares], values[width + common + shares :]
        missed = np.abs(over - under)
        cost = float(self.cost @ self.values + self.penalty @ (over + under))
        return Answer(cost, missed, self.cut(duals[: rows + shares]))

    def _run(self) -> bool:
        """Solve from the last basis; anew where that fails or has lost its digits."""
        optimal = False
        for again in (False, True):
            if again:
                self._highs.clearSolver()
            self._highs.run()
            self.iterations += max(self._highs.getInfo().simplex_iteration_count, 0)
            optimal = self._highs.getModelStatus() == highspy.HighsModelStatus.kOptimal
            if optimal and self._residual() <= RESIDUAL:
                break
        return optimal

    def _residual(self) -> float:
        """Return by how much the values miss the piece's own rows at most."""
        rows = len(self.layout.rows)
        values = np.array(self._highs.getSolution().col_value)[: len(self.columns)]
        last = self.layout.start[rows]
        terms = self.layout.value[:last] * values[self.layout.index[:last]]
        entry = np.repeat(np.arange(rows), np.diff(self.layout.start[: rows + 1]))
        activity = np.bincount(entry, terms, rows)
        low, high = self.row_lower[:rows], self.row_upper[:rows]
        return float(np.maximum(low - activity, activity - high).max(initial=0.0))

    def cut(self, duals: Floats, slopes: Floats | None = None) -> Cut:
        """Return the cut that any duals of the rows and shares prove.

        Parameters
        ----------
        duals
            Of the rows, then of the shares, shape (rows + shares,).
        slopes
            Of the cut, shape (parameters,); as the duals have it when left out.
        """
        rows, common = len(self.layout.rows), self.common
        y = duals.copy()
        if slopes is not None:
            y[rows:] = slopes[common:]
        y[(y > 0.0) & np.isinf(self.row_lower)] = 0.0
        y[(y < 0.0) & np.isinf(self.row_upper)] = 0.0
        y[rows:] = np.clip(y[rows:], -self.penalty[common:], self.penalty[common:])
        entry = np.repeat(np.arange(len(y)), np.diff(self.layout.start))
        priced = np.bincount(self.layout.index, self.layout.value * y[entry], len(self.columns))
        reduced: Floats = self.cost - priced
        wanted = reduced[self.own :] if slopes is None else slopes[:common]
        held = np.clip(wanted, -self.penalty[:common], self.penalty[:common])
        reduced[self.own :] -= held
        limits = np.where(y[:rows] > 0.0, self.row_lower[:rows], self.row_upper[:rows])
        used = y[:rows] != 0.0
        bound = np.where(reduced > 0.0, *self.box)
        some = reduced != 0.0
        constant = float(y[:rows][used] @ limits[used] + reduced[some] @ bound[some])
        return Cut(constant, np.concatenate([held, y[rows:]]), y[:rows])
