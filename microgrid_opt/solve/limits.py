r"""A large linear model in pieces, for one limit after another on what the pieces share.

What a piece costs at given shared values, $V_p(v, r)$ (`microgrid_opt.solve.bundle`), does not depend
on the limits that the shared values have to keep together, such as a cap of the year:

- Cuts found for one cap bound the cost under every other cap, as long as the box in which they hold
  has an optimal plan of that one too. So the box is made wide enough for all caps from the start,
  and compared again for each. The ones that proved the bounds of the nearest caps are kept. What shared
  columns cost by themselves (sizes), and less room of them, is no part of $V_p$ either.
- Plans of two caps, in proportion, keep every cap between them (the rows are linear). All plans make one
  front (`microgrid_opt.solve.front`), those too that miss shares of a cap.
- Duals of one cap prove a bound for every other one (only right-hand sides change). Where such a bound
  and a plan that is known are as close as asked, nothing is solved at all.
- What is best moves along a curve as a cap moves: a search begins where the plans of the next caps on
  both sides lead, and the plan in proportion is there if that is worse (`microgrid_opt.solve.known`).
- Where the best plan stays far from what the cuts promise, as at the steep end of a front, the
  pieces are put together at their best point and the simplex method ends it
  (`microgrid_opt.solve.stacked`): what is missed there costs, and goes.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from microgrid_opt.results import Stage
from microgrid_opt.solve.boxes import finite_box
from microgrid_opt.solve.bundle import ALMOST, CLOSE
from microgrid_opt.solve.certify import TOLERANCE, dual_bound, primal_residual
from microgrid_opt.solve.changes import changed_columns, has_same_columns, same_coefficients
from microgrid_opt.solve.found import Found
from microgrid_opt.solve.front import Front
from microgrid_opt.solve.handed import led
from microgrid_opt.solve.known import (
    Known,
    distance,
    in_proportion,
    is_tighter,
    limits_of,
    on_curve,
)
from microgrid_opt.solve.levels import (
    Level,
    ended,
    expanded,
    penalties,
    told,
)
from microgrid_opt.solve.mending import MISSED, counted, of_row
from microgrid_opt.solve.pieces import SHARED, SPREAD
from microgrid_opt.solve.progressive import NEAR, Climb
from microgrid_opt.solve.stacked import Stack

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from microgrid_opt.horizon import Horizon
    from microgrid_opt.solve.bundle import Bundle
    from microgrid_opt.solve.coarse import Coarser
    from microgrid_opt.solve.matrix import Matrix
    from microgrid_opt.solve.piece import Cut
    from microgrid_opt.solve.profiles import Profile
    from microgrid_opt.solve.status import Outcome, Progress

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

RECENT, NEIGHBOURS = 1, 4
"""Last rounds at a limit whose cuts are kept, whether they were of use or not; solved limits whose cuts,
plans and duals are looked at again."""
FAR = 0.1
"""Distance of the plan in proportion to what is proven from which coarser steps are a better start."""
ABOVE = 1.1
"""A miss of the row whose limit changes costs this many times what plans say that it is worth: pieces then
choose their shares at nearly one price, and the front mends the sum."""
RAISES = 4
"""How often misses may become dearer before a search."""


class Limited:
    """A model cut into pieces, with the cuts and plans that were found so far.

    Parameters
    ----------
    span
        The model with the limits at both ends of what will be asked for; the first one is solved from
        coarse to fine.
    horizon, piece
        Its time axis, and the piece of each step, shape (n,).
    coarser
        How the first model is written on coarser steps.
    profiles
        For its first level.
    threads
        How many pieces are solved at a time.
    start
        Another model on the same steps, solved, from which the first one starts.
    """

    def __init__(
        self,
        span: Sequence[Matrix],
        horizon: Horizon,
        piece: Ints,
        coarser: Coarser,
        profiles: Sequence[Profile],
        threads: int,
        start: Level | None = None,
    ) -> None:
        boxes = [finite_box(matrix) for matrix in span]
        self._box = (
            np.min([box[0] for box in boxes], axis=0),
            np.max([box[1] for box in boxes], axis=0),
        )
        self._span, self._first, self._horizon = tuple(span), span[0], horizon
        self.pieces = int(piece.max()) + 1
        self._climb = Climb(piece, coarser, profiles, None, None, threads, self._box)
        self._level: Level | None = None
        self._start_level = start
        self._known: list[Known] = []
        self._proofs: list[tuple[Floats, list[tuple[int, Cut]]]] = []
        self._front: Front | None = None

    def takes(self, matrix: Matrix) -> bool:
        """Return whether a model differs from the first only in what is shared: limits, room, costs."""
        first, columns = self._first, changed_columns(self._first, matrix)
        if columns is None or not same_coefficients(first, matrix):
            return False
        changed = np.zeros(first.row_count, dtype=bool)
        for name in ("row_lower", "row_upper"):
            mine, theirs = getattr(first, name), getattr(matrix, name)
            if not np.array_equal(np.isinf(mine), np.isinf(theirs)):
                return False
            changed |= mine != theirs
        if self._level is not None:
            pieces = _searched(self._level).pieces
            own = (pieces.column[columns] >= 0).any()
            if own or not np.isin(pieces.row[changed], (SHARED, SPREAD)).all():
                return False
        elif columns.any():
            return False
        if any(is_tighter(matrix, end) for end in self._span):
            return True
        low, high = finite_box(matrix)
        return bool((self._box[0] <= low).all() and (high <= self._box[1]).all())

    def add_plan(self, matrix: Matrix, values: Floats, duals: Floats | None = None) -> None:
        """Tell a plan of a model that `takes` accepts, found elsewhere, with duals for minimising."""
        # The latest first: of those as near it is the one whose costs are most like the next.
        self._known.insert(0, Known(limits_of(matrix), values, duals))
        if self._front is not None:
            self._front.add(values)

    def solve(
        self,
        matrix: Matrix,
        gap: float,
        limit: float | None,
        on_progress: Callable[[Progress], None] | None,
        coarser: Coarser | None = None,
    ) -> tuple[Outcome, tuple[Stage, ...]]:
        """Return the plan of a model that `takes` accepts, as `progressive.plan` does.

        ``coarser`` is how it is written on coarser steps; without, a search starts from what is known.
        """
        climb = self._climb
        climb.restart(limit, on_progress)
        if self._level is None:
            found, failed = self._anew(matrix, gap)
        else:
            found, failed = self._again(self._level, matrix, gap, coarser)
        if found is None or found.values is None or found.duals is None:
            return climb.gave_up(failed or "no plan was found")
        self.add_plan(matrix, found.values, found.duals)
        outcome = ended(matrix, found, gap, climb.seconds, limit, climb.solver)
        return outcome, tuple(climb.stages)

    def last(self) -> Level | None:
        """Return the last model with its plan and prices, from which another may start, if there is one."""
        if self._level is None or not self._known or self._known[0].duals is None:
            return None
        matrix, plan = self._level.matrix, self._known[0]
        cost = matrix.offset + float(matrix.cost @ plan.values)
        return replace(self._level, values=plan.values, duals=plan.duals, bound=cost)

    def _anew(self, matrix: Matrix, gap: float) -> tuple[Found | None, str]:
        """Search the first model, from another one if there is a plan on that way."""
        fine = Level(np.arange(len(self._horizon)), self._horizon, matrix)
        start, self._start_level = self._start_level, None
        level, found, failed = self._climb.to_the_top(fine, gap, start)
        if (
            start is not None
            and (found is None or found.values is None)
            and failed != "interrupted"
        ):
            level, found, failed = self._climb.to_the_top(fine, gap)
        if level.bundle is not None:
            self._level = level
        return found, failed

    def _again(
        self, level: Level, matrix: Matrix, gap: float, coarser: Coarser | None
    ) -> tuple[Found, str]:
        """Search with the cuts that are there, from a plan that keeps the new limits if one does."""
        climb, bundle = self._climb, _searched(level)
        self._forget(bundle, matrix)
        if not has_same_columns(bundle.matrix, matrix):
            self._front = None
        bundle.matrix = matrix
        bundle.cuts.follow(matrix)
        self._open_front(bundle, matrix)
        self._level = level = replace(level, matrix=matrix)
        first = self._start(matrix)
        proven = self._proven(bundle, first)
        if proven.gap <= gap:
            self._tell("plans and prices of other points", climb.seconds, proven)
            return proven, ""
        plan, start, slopes = proven.values, first.values, None
        coarse = None
        if coarser is not None and proven.gap > FAR:
            climb.coarser = coarser
            coarse = self._from_coarse(level, gap)
        if coarse is not None:
            start, slopes = coarse
        elif plan is not None:
            self._charge(bundle)
            _price_misses(bundle, start, self._front)
            at = self._at(matrix)
            curved = None if at is None else on_curve(self._known, *at)
            start = start if curved is None else curved
        name = f"{bundle.pieces.count} pieces again"
        found = bundle.run(
            start,
            max(gap, NEAR),
            time_limit=climb.left,
            slopes=slopes,
            on_round=told(name, matrix, climb.begun, climb.on_progress),
            plan=plan,
            close=CLOSE,
            front=self._front,
        )
        self._tell(name, climb.seconds, found)
        if found.failed == ALMOST:
            found = self._vertex(level, found)
        elif found.values is not None:
            found = climb.finished(level, found, gap)
        return found, found.failed

    def _tell(self, name: str, seconds: float, found: Found) -> None:
        """Add a stage, where it has a plan."""
        if found.values is not None:
            sign = self._first.sign
            stage = Stage(name, seconds, sign * found.objective, sign * found.bound)
            self._climb.stages.append(stage)

    def _proven(self, bundle: Bundle, first: Known) -> Found:
        """Return the best of the plans near by that keep the limits, and the best bound of any duals."""
        matrix, at = bundle.matrix, limits_of(bundle.matrix)
        near = sorted(self._known, key=lambda one: distance(one.limits, at))[:NEIGHBOURS]
        bound, duals = bundle.cuts.bound(), None
        if np.isfinite(bound):
            duals = bundle.cuts.prices()
        for one in near:
            if one.duals is not None:
                other = matrix.sign * dual_bound(matrix, matrix.sign * one.duals)
                if other > bound:
                    bound, duals = other, one.duals
        values, objective = None, np.inf
        for one in (*near, first):
            cost = matrix.offset + float(matrix.cost @ one.values)
            if cost < objective and primal_residual(matrix, one.values)[0] <= TOLERANCE:
                values, objective = one.values, cost
        return Found(values, duals, objective, min(bound, objective), 0)

    def _from_coarse(self, level: Level, gap: float) -> tuple[Floats, list[Floats] | None] | None:
        """Return a plan and slopes of coarser steps; ``None`` where they have none.

        Plans of far caps are no start for them: typical days are. What is missed is worth what it is
        worth there.
        """
        bundle = _searched(level)
        climb = self._climb
        last, failed = climb.coarse(level, gap)
        if failed or last.values is None or last.duals is None:
            return None
        worth = penalties(level, last, bundle.pieces)
        spread = worth[level.matrix.column_count :]
        for model in bundle.models:
            layout = model.layout
            model.set_penalty(np.concatenate([worth[layout.shared], spread[layout.spread]]))
        slopes = led(last, level, bundle, climb.piece)
        if last.bundle is not None:
            last.bundle.release()
        return expanded(last, level, last.values), slopes

    def _vertex(self, level: Level, near: Found) -> Found:
        """Go from the best point of a search to a vertex of the whole; as it was where that fails."""
        climb, bundle, matrix = self._climb, _searched(level), level.matrix
        begun = time.perf_counter()
        assert near.centre is not None
        if bundle.solve(near.centre) is None:
            return near
        vertex, _ = Stack(bundle, near.centre).solve(climb.left, climb.on_progress)
        if vertex is None:
            return near
        found = vertex.found(matrix, near.iterations)
        self._tell("vertex", time.perf_counter() - begun, found)
        return min(near, found, key=lambda one: one.gap)

    def _forget(self, bundle: Bundle, matrix: Matrix) -> None:
        """Have the cuts of the limits next to these: those that prove the bound, and the last ones."""
        cuts, at = bundle.cuts, limits_of(matrix)
        last = len(cuts.cuts) - RECENT * bundle.pieces.count
        kept = np.union1d(np.flatnonzero(cuts.weight), np.arange(max(last, 0), len(cuts.cuts)))
        proof = [(cuts.owner[number], cuts.cuts[number]) for number in kept]
        self._proofs.insert(0, (limits_of(bundle.matrix), proof))
        near = sorted(self._proofs, key=lambda one: distance(one[0], at))[:NEIGHBOURS]
        found = {id(cut): (piece, cut) for _, proof in near for piece, cut in proof}
        cuts.take(list(found.values()))

    def _open_front(self, bundle: Bundle, matrix: Matrix) -> None:
        """Collect plans of all limits of the row whose limit changes, where it is one spread row."""
        first = self._first
        changed = np.flatnonzero(first.row_upper != matrix.row_upper)
        if self._front is not None or len(changed) != 1:
            return
        row = int(changed[0])
        if bundle.pieces.row[row] == SPREAD and matrix.row_lower[row] == -np.inf:
            self._front = Front(matrix, row)
            for one in self._known:
                self._front.add(one.values)

    def _charge(self, bundle: Bundle) -> None:
        """Make a miss of the front's row a little dearer than one unit is worth by its plans."""
        front = self._front
        price = 0.0 if front is None else front.price(float(bundle.matrix.row_upper[front.row]))
        if front is None or not price:
            return
        for model in bundle.models:
            penalty = model.penalty.copy()
            penalty[model.common :][of_row(bundle, model, front.row)] = ABOVE * price
            model.charge(penalty)

    def _start(self, matrix: Matrix) -> Known:
        """Return the plan of the front, else that of the two nearest plans in proportion."""
        wanted = limits_of(matrix)
        if self._front is not None:
            plan = self._front.plan(float(matrix.row_upper[self._front.row]))
            if plan is not None:
                return Known(wanted, plan[1], None)
        return in_proportion(self._known, wanted)

    def _at(self, matrix: Matrix) -> tuple[int, float] | None:
        """Return which of all limits the front is about, and where it is; ``None`` without a front."""
        if self._front is None:
            return None
        row = self._front.row
        return matrix.row_count + row, float(matrix.row_upper[row])


def _price_misses(bundle: Bundle, plan: Floats, front: Front | None) -> None:
    """Make misses dearer until none pays at a plan, which needs none.

    What a tonne is worth grows as the cap tightens, and with it what a piece would pay to miss something.
    """
    point = bundle.point(plan)
    for _ in range(RAISES):
        answers = bundle.solve(point)
        missed = (
            [] if answers is None else [one > MISSED for one in counted(bundle, answers, front)]
        )
        if not any(one.any() for one in missed):
            return
        for model, one in zip(bundle.models, missed, strict=True):
            if one.any():
                model.raise_penalty(one)


def _searched(level: Level) -> Bundle:
    assert level.bundle is not None
    return level.bundle
