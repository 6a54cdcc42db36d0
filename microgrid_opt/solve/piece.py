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

Sizes are held at $v$ where the piece has a plan with them (`microgrid_opt.solve.held`): then nothing of
them is missed, and their slopes $g = -B^\top y$ have no limit.

At prices $g$, $h$ of what is shared the piece is free to choose it,
$$ k = \min\; c^\top x - g^\top w - h^\top D x \quad\text{s.t.}\quad L \le A x + B w \le U $$
so that $k + g^\top v + h^\top r$ is a cut with these slopes. Prices that clear between the pieces of a
coarser model nearly do so here, and their cuts together are a bound (Lagrangian decomposition;
Geoffrion, 1974, doi:10.1007/BFb0120690).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import highspy
import numpy as np

from microgrid_opt.solve.bases import basis_of, native_basis
from microgrid_opt.solve.changes import PRIMAL
from microgrid_opt.solve.held import Held, Solved, program_of
from microgrid_opt.solve.native import Listed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from microgrid_opt.solve.bases import Basis
    from microgrid_opt.solve.layout import Layout
    from microgrid_opt.solve.matrix import Matrix
    from microgrid_opt.solve.pieces import Pieces

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

SCALE, FORCED = "simplex_scale_strategy", 2
OPTIONS = {
    "output_flag": False,
    "threads": 1,
    "parallel": "off",
    "presolve": "off",
    # Devex: one solve less per step than steepest edge, and hardly more steps of them.
    "simplex_dual_edge_weight_strategy": 1,
    # What a scaled piece calls optimal may miss its rows by more than a plan may.
    SCALE: 0,
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
        self._parameters: Floats = np.zeros(len(penalty))
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
        misses = np.zeros(2 * len(penalty))
        self.bounds = (
            np.concatenate([matrix.col_lower[self.columns], misses]),
            np.concatenate([matrix.col_upper[self.columns], misses + np.inf]),
        )
        self._entry = np.repeat(np.arange(len(self.row_lower)), np.diff(layout.start))
        self._held = Held(self, OPTIONS)
        self._elastic: Any = None

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

    @property
    def row_limits(self) -> tuple[Floats, Floats]:
        """Limits of all rows: own, shares, links; those held at parameters as they are at zero."""
        links = np.zeros(self.common)
        return np.append(self.row_lower, links), np.append(self.row_upper, links)

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

    def basis(self) -> Basis:
        """Return the basis of the last solve, with all rows."""
        if self._elastic is None:
            known = self._held.basis()
            assert known is not None
            return known
        known = basis_of(self._elastic, self.bounds, self.row_limits)
        assert known is not None
        return known

    def statuses(self) -> Basis:
        """Return the last statuses of own columns and rows, as far as they are known."""
        return self._held.statuses()

    def start_at(self, known: Basis) -> None:
        """Start at statuses of own columns and rows, as `statuses` gives them."""
        self._held.start_at(known)

    def close(self) -> None:
        """Free the memory of HiGHS, which only its end frees; the piece is not solved any more."""
        del self._held
        self._elastic = None

    def raise_penalty(self, missed: NDArray[np.bool_]) -> None:
        """Make misses dearer where ``missed``, a flag of each parameter."""
        self.set_penalty(np.where(missed, STEEPER * self.penalty, self.penalty))

    def set_penalty(self, penalty: Floats) -> None:
        """Make misses as dear as given, or leave them dearer, shape (parameters,)."""
        self.charge(np.maximum(self.penalty, penalty))

    def charge(self, penalty: Floats) -> None:
        """Make misses as dear as given, shape (parameters,)."""
        self.penalty = penalty
        self._held.charge(self.penalty)
        self._elastic = None

    def priced(self, slopes: Floats) -> Cut | None:
        """Return the cut with given slopes, where the piece chooses what is shared at these prices.

        It starts at the optimum of the last `solve`, which stays as it is; ``None`` if it failed.
        """
        count, width = len(self.penalty), len(self.columns)
        other = Listed(program_of(self), OPTIONS | {"simplex_strategy": PRIMAL}).highs
        # w = v − p with p free: moving away from v is paid, or costs, what the slopes say.
        number = np.arange(self.width, dtype=np.int32)
        zeros, infinite = np.zeros(count), np.full(count, np.inf)
        other.changeColsCost(2 * count, number[width:], np.concatenate([slopes, zeros]))
        # Within the box of all columns, for a price may draw without end on what has no bound.
        low = np.concatenate([self.box[0], -infinite, zeros])
        high = np.concatenate([self.box[1], infinite, zeros])
        other.changeColsBounds(self.width, number, low, high)
        self._move(other, self._parameters)
        other.setBasis(native_basis(self.basis()))
        other.run()
        if other.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        duals = np.array(other.getSolution().row_dual)[: len(self.row_lower)]
        return self.cut(duals, slopes)

    def solve(self, parameters: Floats) -> Answer | None:
        """Return what the piece costs at parameters (shared, then shares); ``None`` if it failed.

        Sizes are held where the piece has a plan with them.
        """
        self._parameters = parameters
        found, free = self._solve_held(parameters), self._held.limits.held
        if found is None:
            found, free = self._solve_elastic(parameters), np.zeros(self.common, dtype=bool)
        else:
            self._elastic = None
        if found is None:
            return None
        self.values = found.values
        over, under = found.over, found.under
        cost = float(self.cost @ self.values + self.penalty @ (over + under))
        return Answer(cost, np.abs(over - under), self.cut(found.duals, free=free))

    def _solve_held(self, parameters: Floats) -> Solved | None:
        """Solve with sizes as they are; ``None`` where they are too small."""
        if not self._held.place(parameters):
            return None
        for again in (False, True):
            found, count = self._held.run(anew=again)
            self.iterations += count
            if found is None or self._residual(found.values) <= RESIDUAL:
                return found
        return None

    def _solve_elastic(self, parameters: Floats) -> Solved | None:
        """Solve with all rows, from the last basis; where that fails or loses digits anew, then scaled."""
        if self._elastic is None:
            self._elastic = Listed(program_of(self), OPTIONS).highs
            # What was optimal at other sizes is dual feasible with misses as well.
            known = self._held.basis()
            if known is not None:
                self._elastic.setBasis(native_basis(known))
        highs, width, count = self._elastic, len(self.columns), len(self.penalty)
        self._move(highs, parameters)
        found = None
        for again in range(3):
            if again:
                highs.clearSolver()
            highs.setOptionValue(SCALE, FORCED if again == 2 else OPTIONS[SCALE])
            highs.run()
            self.iterations += max(highs.getInfo().simplex_iteration_count, 0)
            if highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
                # What was found anew stays where scaling fails.
                found = found if again == 2 else None
                continue
            native = highs.getSolution()
            x, y = np.array(native.col_value), np.array(native.row_dual)
            over, under = x[width : width + count], x[width + count :]
            found = Solved(x[:width], over, under, y[: len(self.row_lower)])
            if self._residual(found.values) <= RESIDUAL:
                break
        return found

    def _move(self, highs: Any, parameters: Floats) -> None:
        """Hand parameters to a model with all rows: links stand behind the shares, in one range."""
        v, r = parameters[: self.common], parameters[self.common :]
        first = len(self.layout.rows)
        number = (first + np.arange(len(parameters))).astype(np.int32)
        low, high = np.concatenate([self.low + r, v]), np.concatenate([self.high + r, v])
        highs.changeRowsBounds(len(number), number, low, high)

    def shares(self, values: Floats) -> Floats:
        """Return what own and shared columns at these values use of each share."""
        return self._activity(values)[len(self.layout.rows) :]

    def _activity(self, values: Floats) -> Floats:
        terms = self.layout.value * values[self.layout.index]
        return np.bincount(self._entry, terms, len(self.row_lower)).astype(float)

    def _residual(self, values: Floats) -> float:
        """Return by how much the values miss the piece's own rows at most."""
        rows = len(self.layout.rows)
        activity = self._activity(values)[:rows]
        low, high = self.row_lower[:rows], self.row_upper[:rows]
        return float(np.maximum(low - activity, activity - high).max(initial=0.0))

    def proved(self, duals: Floats) -> Cut:
        """Return the cut that any duals of the rows and shares prove where nothing is missed."""
        return self.cut(duals, free=np.ones(self.common, dtype=bool))

    def cut(
        self,
        duals: Floats,
        slopes: Floats | None = None,
        free: NDArray[np.bool_] | None = None,
    ) -> Cut:
        """Return the cut that any duals of the rows and shares prove.

        Parameters
        ----------
        duals
            Of the rows, then of the shares, shape (rows + shares,).
        slopes
            Of the cut, shape (parameters,); as the duals have it when left out.
        free
            Shared columns that may not be missed, whose slopes no penalty limits, shape (shared,).
        """
        rows, common = len(self.layout.rows), self.common
        y = duals.copy()
        if slopes is not None:
            y[rows:] = slopes[common:]
        y[(y > 0.0) & np.isinf(self.row_lower)] = 0.0
        y[(y < 0.0) & np.isinf(self.row_upper)] = 0.0
        y[rows:] = np.clip(y[rows:], -self.penalty[common:], self.penalty[common:])
        worth = self.layout.value * y[self._entry]
        priced = np.bincount(self.layout.index, worth, len(self.columns))
        reduced: Floats = self.cost - priced
        wanted = reduced[self.own :] if slopes is None else slopes[:common]
        most = self.penalty[:common]
        if free is not None:
            most = np.where(free, np.inf, most)
        held = np.clip(wanted, -most, most)
        reduced[self.own :] -= held
        limits = np.where(y[:rows] > 0.0, self.row_lower[:rows], self.row_upper[:rows])
        used = y[:rows] != 0.0
        bound = np.where(reduced > 0.0, *self.box)
        some = reduced != 0.0
        constant = float(y[:rows][used] @ limits[used] + reduced[some] @ bound[some])
        return Cut(constant, np.concatenate([held, y[rows:]]), y[:rows])
