r"""The model of what pieces cost: cuts over shared columns and shares, a bound and the next point.

With cuts $\theta_p \ge k + g^\top z_p$ of every piece $p$, shared columns $v$ and shares $r$ of the
spread rows, $z = (v, r)$,
$$ \min\; c_0 + c^\top v + \sum_p \theta_p \quad\text{s.t. the cuts, the rows among shared columns and
   } L \le E v + \sum_p r_p \le U \text{ for the spread rows} $$
over the box of $z$ is never above the optimum (Benders, 1962, doi:10.1007/BF01386316). What is
claimed is not the solver's objective: its dual values, made non-negative and scaled to sum to one
over the cuts of a piece, prove a bound by weak duality over the box, whatever their errors.

The next point is the optimum of the same model in a box around the best point so far (Linderoth and
Wright, 2003, doi:10.1023/A:1021858008222).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import highspy
import numpy as np

from microgrid_opt.solve.pieces import SHARED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from microgrid_opt.solve.layout import Layout
    from microgrid_opt.solve.matrix import Matrix
    from microgrid_opt.solve.piece import Cut
    from microgrid_opt.solve.pieces import Pieces

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


KEPT = 1e-7
"""Miss of a row among shared columns that is no miss."""
STALLED = 10
"""Simplex iterations per row and column after which a solve counts as failed."""
STEEPEST = 1e15
"""HiGHS's own limit of a coefficient."""
FEASIBILITY = "primal_feasibility_tolerance"
OPTIONS = {
    "output_flag": False,
    "threads": 1,
    "parallel": "off",
    # Slopes and values of the pieces lie many orders apart: misses grow when scaling is undone.
    FEASIBILITY: 1e-10,
}


class Cuts:
    """Cuts of all pieces, the bound they prove, and where to look next.

    Parameters
    ----------
    matrix, pieces, layouts
        The model and how it is cut.
    box
        Finite bounds of all its columns.
    """

    def __init__(
        self, matrix: Matrix, pieces: Pieces, layouts: Sequence[Layout], box: tuple[Floats, Floats]
    ) -> None:
        self.matrix, self.pieces, self.layouts = matrix, pieces, layouts
        self.shared = pieces.shared
        place = np.full(matrix.column_count, -1, dtype=np.int64)
        place[self.shared] = np.arange(len(self.shared))
        count = len(self.shared)
        self.parameters: list[Ints] = []
        share_row: list[int] = []
        for layout in layouts:
            shares = count + len(share_row) + np.arange(len(layout.spread))
            share_row += layout.spread.tolist()
            self.parameters.append(np.concatenate([place[layout.shared], shares]))
        self.share_row = np.array(share_row, dtype=np.int64)
        self.count = count + len(share_row)
        self.cost = np.concatenate([matrix.cost[self.shared], np.zeros(len(share_row))])
        low, high = _activity(layouts, box)
        self._box = (box[0][self.shared], box[1][self.shared])
        self.lower = np.concatenate([self._box[0], low])
        self.upper = np.concatenate([self._box[1], high])
        self._rows(place)
        self.owner: list[int] = []
        self.cuts: list[Cut] = []
        self.weight: Floats = np.zeros(0)
        self.duals: Floats = np.zeros(0)
        self._bound_model = self._model()
        self._step_model = self._model()
        self.guides = 0
        self.lowest: Floats = np.zeros(0)

    def forget_proofs(self) -> None:
        """Free the duals of the cuts, after which there are no `prices`; the cuts stay."""
        self.cuts = [replace(cut, duals=np.zeros(0)) for cut in self.cuts]

    def _rows(self, place: Ints) -> None:
        """Lay down the rows among shared columns, then the spread rows with their shares."""
        m = self.matrix
        self.plain = plain = np.flatnonzero((self.pieces.row == SHARED) & (np.diff(m.start) > 0))
        self.row_lower = np.concatenate([m.row_lower[plain], m.row_lower[self.pieces.spread]])
        self.row_upper = np.concatenate([m.row_upper[plain], m.row_upper[self.pieces.spread]])
        self.terms: list[tuple[Ints, Floats]] = []
        for number, row in enumerate([*plain, *self.pieces.spread]):
            entries = slice(m.start[row], m.start[row + 1])
            column, value = place[m.index[entries]], m.value[entries]
            column, value = column[column >= 0], value[column >= 0]
            if number >= len(plain):
                shares = np.flatnonzero(self.share_row == number - len(plain))
                column = np.concatenate([column, len(self.shared) + shares])
                value = np.concatenate([value, np.ones(len(shares))])
            self.terms.append((column, value))

    def _model(self) -> Any:
        """Return a HiGHS model of the rows, without cuts: columns z, then one θ for each piece."""
        model = highspy.Highs()
        for name, value in OPTIONS.items():
            model.setOptionValue(name, value)
        pieces = self.pieces.count
        start = np.concatenate([[0], np.cumsum([len(column) for column, _ in self.terms])])
        index = [np.zeros(0, dtype=np.int64), *(column for column, _ in self.terms)]
        values = [np.zeros(0), *(value for _, value in self.terms)]
        model.passModel(
            self.count + pieces,
            len(self.terms),
            int(start[-1]),
            int(highspy.MatrixFormat.kRowwise),
            int(highspy.ObjSense.kMinimize),
            self.matrix.offset,
            np.concatenate([self.cost, np.ones(pieces)]),
            np.concatenate([self.lower, np.full(pieces, -np.inf)]),
            np.concatenate([self.upper, np.full(pieces, np.inf)]),
            self.row_lower,
            self.row_upper,
            start.astype(np.int32),
            np.concatenate(index).astype(np.int32),
            np.concatenate(values),
            np.zeros(self.count + pieces, dtype=np.int32),
        )
        return model

    def fixed_cost(self, point: Floats) -> float:
        """Return what the shared columns cost by themselves."""
        return float(self.cost @ point) + self.matrix.offset

    def add(self, found: Iterable[tuple[int, Cut]]) -> None:
        """Add cuts, each with its piece, but those that are steeper than HiGHS takes."""
        kept = [one for one in found if np.abs(one[1].slopes).max(initial=0.0) < STEEPEST]
        self.owner += [piece for piece, _ in kept]
        self.cuts += [cut for _, cut in kept]
        self._add(kept, self._bound_model, self._step_model)

    def follow(self, matrix: Matrix) -> None:
        """Take other limits of the rows among what is shared, other costs and less room of it.

        All cuts stay, if they are valid: a cut tells what a piece costs at given shared values, whatever
        these cost by themselves and whatever limits they have to keep.
        """
        shared, count = self.shared, len(self.shared)
        every = np.arange(self.count, dtype=np.int32)
        self.cost = np.concatenate([matrix.cost[shared], np.zeros(self.count - count)])
        lower = np.maximum(self._box[0], matrix.col_lower[shared])
        upper = np.minimum(self._box[1], matrix.col_upper[shared])
        self.lower = np.append(lower, self.lower[count:])
        self.upper = np.append(upper, self.upper[count:])
        for model in (self._bound_model, self._step_model):
            model.changeColsCost(self.count, every, self.cost)
            model.changeColsBounds(self.count, every, self.lower, self.upper)
            model.changeObjectiveOffset(matrix.offset)
        rows = np.concatenate([self.plain, self.pieces.spread])
        for number, row in enumerate(rows):
            low, high = float(matrix.row_lower[row]), float(matrix.row_upper[row])
            if (low, high) != (self.row_lower[number], self.row_upper[number]):
                self.row_lower[number], self.row_upper[number] = low, high
                for model in (self._bound_model, self._step_model):
                    model.changeRowBounds(number, low, high)
        self.matrix = matrix

    def within(self, lower: Floats, upper: Floats) -> None:
        """Take other bounds of what is shared, within the first ones; all cuts stay valid.

        Parameters
        ----------
        lower, upper
            Of all coordinates, shape (count,).
        """
        self.lower, self.upper = lower, upper
        number = np.arange(self.count, dtype=np.int32)
        self._bound_model.changeColsBounds(self.count, number, lower, upper)

    def forget(self, keep: Callable[[int, Cut], bool]) -> None:
        """Drop the cuts that are not worth their time, told by their place and themselves."""
        kept = [n for n, cut in enumerate(self.cuts) if keep(n, cut)]
        self.take([(self.owner[n], self.cuts[n]) for n in kept])

    def take(self, cuts: Sequence[tuple[int, Cut]]) -> None:
        """Have these cuts, each with its piece, and no others."""
        self.owner, self.cuts = [piece for piece, _ in cuts], [cut for _, cut in cuts]
        self.weight, self.guides = np.zeros(0), 0
        self._bound_model, self._step_model = self._model(), self._model()
        self._add(cuts, self._bound_model, self._step_model)

    def guide(self, cuts: Sequence[tuple[int, Cut]]) -> None:
        """Add cuts that are only believed: they lead to the next point and prove nothing."""
        self.guides += len(cuts)
        self._add(cuts, self._step_model)

    def forget_guides(self) -> None:
        """Drop what is only believed."""
        if self.guides:
            self._step_model = self._model()
            self._add(list(zip(self.owner, self.cuts, strict=True)), self._step_model)
            self.guides = 0

    def _add(self, cuts: Sequence[tuple[int, Cut]], *models: Any) -> None:
        if not cuts:
            return
        used = [np.flatnonzero(cut.slopes) for _, cut in cuts]
        start = np.cumsum([0, *(len(one) + 1 for one in used[:-1])]).astype(np.int32)
        index, value = [], []
        for (piece, cut), some in zip(cuts, used, strict=True):
            index.append(np.append(self.parameters[piece][some], self.count + piece))
            value.append(np.append(-cut.slopes[some], 1.0))
        columns, values = np.concatenate(index).astype(np.int32), np.concatenate(value)
        low, count = np.array([cut.constant for _, cut in cuts]), len(cuts)
        high = np.full(count, np.inf)
        for model in models:
            model.addRows(count, low, high, len(columns), start, columns, values)

    def bound(self) -> float:
        """Return what the cuts prove; minus infinity when the model could not be solved.

        The weights of the cuts and the duals of the rows that prove it are kept, and the point at which
        the model is lowest.
        """
        if not _solved(self._bound_model):
            return -np.inf
        native = self._bound_model.getSolution()
        duals = np.array(native.row_dual)
        self.lowest = np.array(native.col_value)[: self.count]
        found = self._proven(duals, 1.0, self.cost, self.matrix.offset)
        if found is None:
            return -np.inf
        bound, self.weight, self.duals = found
        return bound

    def ray(self) -> Floats:
        """Return what HiGHS took as proof that the rows contradict each other in `bound`, or zeros."""
        status, found, ray = self._bound_model.getDualRay()
        if status == highspy.HighsStatus.kError or not found:
            return np.zeros(len(self.terms))
        return np.array(ray)[: len(self.terms)]

    def _proven(
        self, duals: Floats, share: float, slope: Floats, constant: float
    ) -> tuple[float, Floats, Floats] | None:
        """Return what duals prove of slopes over the box, with the weights and duals that do.

        The weights of each piece's cuts are scaled to sum to ``share``; ``None`` where there are none.
        """
        y, weight = duals[: len(self.terms)].copy(), np.maximum(duals[len(self.terms) :], 0.0)
        owner = np.array(self.owner, dtype=np.int64)
        total = np.bincount(owner, weight, self.pieces.count)
        if (total <= 0.0).any():
            return None
        weight *= (share / total)[owner]
        y[(y > 0.0) & np.isinf(self.row_lower)] = 0.0
        y[(y < 0.0) & np.isinf(self.row_upper)] = 0.0
        slope, proven = slope.copy(), constant
        for number in np.flatnonzero(weight):
            cut = self.cuts[number]
            slope[self.parameters[owner[number]]] += weight[number] * cut.slopes
            proven += float(weight[number] * cut.constant)
        for number in np.flatnonzero(y):
            column, value = self.terms[number]
            slope[column] -= y[number] * value
            limit = self.row_lower[number] if y[number] > 0.0 else self.row_upper[number]
            proven += float(y[number] * limit)
        bound = proven + float(slope @ np.where(slope > 0.0, self.lower, self.upper))
        return bound, weight, y

    def prices(self) -> Floats:
        """Return the duals of all rows of the model that prove the latest bound, shape (rows,)."""
        found = np.zeros(self.matrix.row_count)
        found[self.plain] = self.duals[: len(self.plain)]
        found[self.pieces.spread] = self.duals[len(self.plain) :]
        for number in np.flatnonzero(self.weight):
            rows = self.layouts[self.owner[number]].rows
            found[rows] += self.weight[number] * self.cuts[number].duals
        return found

    def keeps(self, point: Floats) -> bool:
        """Return whether a point keeps the box and the rows among what is shared."""
        inside = ((point >= self.lower) & (point <= self.upper)).all()
        activity = np.array([value @ point[column] for column, value in self.terms])
        low, high = self.row_lower, self.row_upper
        # A cap of a year is a sum of many shares: it is kept relative to its limit.
        slack = KEPT * (1.0 + np.minimum(np.abs(low), np.abs(high)))
        return bool(inside and ((activity >= low - slack) & (activity <= high + slack)).all())

    def nearest(self, point: Floats, scale: Floats) -> Floats | None:
        """Return the point nearest to one, in its scale, that keeps the rows; ``None`` if none does."""
        model = self._model()
        count, number = self.count, np.arange(self.count, dtype=np.int32)
        free = self.count + np.arange(self.pieces.count, dtype=np.int32)
        model.changeColsBounds(len(free), free, np.zeros(len(free)), np.zeros(len(free)))
        model.changeColsCost(count, number, np.zeros(count))
        away = self.count + self.pieces.count + np.arange(2 * count)
        model.addVars(2 * count, np.zeros(2 * count), np.full(2 * count, np.inf))
        model.changeColsCost(2 * count, away.astype(np.int32), np.tile(1.0 / scale, 2))
        index = np.column_stack([number, away[:count], away[count:]]).astype(np.int32).ravel()
        value = np.tile([1.0, 1.0, -1.0], count)
        start = 3 * np.arange(count, dtype=np.int32)
        model.addRows(count, point, point, 3 * count, start, index, value)
        if not _solved(model):
            return None
        values = np.array(model.getSolution().col_value)[:count]
        return np.asarray(np.clip(values, self.lower, self.upper))

    def step(self, centre: Floats, radius: Floats) -> tuple[Floats, float] | None:
        """Return the model's optimum near a point, and its value there; ``None`` if there is none.

        Parameters
        ----------
        centre, radius
            The point, and how far each of its coordinates may move.
        """
        low = np.maximum(self.lower, centre - radius)
        high = np.minimum(self.upper, centre + radius)
        number = np.arange(self.count, dtype=np.int32)
        self._step_model.changeColsBounds(self.count, number, low, high)
        if not _solved(self._step_model):
            return None
        values = np.array(self._step_model.getSolution().col_value)
        value = float(self._step_model.getInfo().objective_function_value)
        return np.clip(values[: self.count], low, high), value


def _solved(model: Any) -> bool:
    """Run from the last basis; a search for a point may not stall for long.

    Sums of a year may have no ten digits behind the point: what fails for them goes on from where it
    stands with fewer, and only then anew.
    """
    model.setOptionValue(
        "simplex_iteration_limit", STALLED * (model.getNumRow() + model.getNumCol())
    )
    _, tolerance = model.getOptionValue(FEASIBILITY)
    try:
        for attempt in range(3):
            if attempt == 1:
                model.setOptionValue(FEASIBILITY, KEPT)
            if attempt == 2:
                model.clearSolver()
            model.run()
            if model.getModelStatus() == highspy.HighsModelStatus.kOptimal:
                return True
        return False
    finally:
        model.setOptionValue(FEASIBILITY, tolerance)


def sums(entry: NDArray[np.integer[Any]], values: Floats, count: int) -> Floats:
    """Return the sums of the values of each entry number, shape (count,)."""
    return np.bincount(entry, values, count).astype(float)


def _activity(layouts: Sequence[Layout], box: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    """Return the least and most that the shares can be, over all pieces."""
    low: list[Floats] = [np.zeros(0)]
    high: list[Floats] = [np.zeros(0)]
    for layout in layouts:
        rows, shares = len(layout.rows), len(layout.spread)
        first = layout.start[rows]
        columns = np.concatenate([layout.own, layout.shared])[layout.index[first:]]
        entry = np.repeat(np.arange(shares), np.diff(layout.start[rows:]))
        value = layout.value[first:]
        at_low, at_high = value * box[0][columns], value * box[1][columns]
        low.append(sums(entry, np.minimum(at_low, at_high), shares))
        high.append(sums(entry, np.maximum(at_low, at_high), shares))
    return np.concatenate(low), np.concatenate(high)
