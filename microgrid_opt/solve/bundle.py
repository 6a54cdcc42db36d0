r"""The optimum of a linear model over time from its pieces: plans above, proven bounds below.

1. At a point (shared columns, shares of spread rows) every piece is solved by dual simplex from its
   last basis: their costs add up to that of a plan where nothing is missed, and give a cut each.
2. The cuts give a bound and the next point (`microgrid_opt.solve.cuts`), in a box around the best
   point that grows where the cuts predict well and shrinks where they do not.
3. It ends when the best plan is as close to the bound as asked. Where something is missed for good,
   misses become dearer.
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from microgrid_opt.solve.boxes import finite_box
from microgrid_opt.solve.certify import TOLERANCE, primal_residual
from microgrid_opt.solve.cuts import Cuts
from microgrid_opt.solve.found import Found
from microgrid_opt.solve.layout import layouts
from microgrid_opt.solve.memory import give_back, keep_freed
from microgrid_opt.solve.mending import MISSED, counted, mended
from microgrid_opt.solve.piece import Piece
from microgrid_opt.solve.status import relative_gap
from microgrid_opt.solve.tasks import shared_out

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from microgrid_opt.solve.front import Front
    from microgrid_opt.solve.matrix import Matrix
    from microgrid_opt.solve.piece import Answer
    from microgrid_opt.solve.pieces import Pieces

    Floats = NDArray[np.float64]

MOST_ROUNDS = 200
PATIENCE = 60
"""Rounds after which a search gives up that found no plan, or where asked for none near enough."""
CLOSE, CLOSE_ROUNDS = 1e-3, 3
"""Distance of the best point, with what it misses, to what the cuts promise, from which a search without
a plan as near may end; after how many rounds of it."""
MENDS, MENDABLE = 3, 0.01
"""How often a point is mended, and the share of the cost up to which its misses may be."""
SCALE_SHARE = 0.02
"""Least share of a coordinate's range that counts as its scale."""
FIRST_RADIUS, LEAST_RADIUS, MOST_RADIUS = 0.1, 1e-5, 100.0
FAR = 0.02
"""Gap at the first point from which it is worth its time to let pieces choose what is shared: what
coarser levels have proven is often nearer."""
NEAR, SHORT = 1e-3, 0.3
"""Gap below which the bound tells how much there is to gain, and the share of it that a step that is
not too short must promise."""
ALMOST = "the best point is not one of a plan"
"""Why a search ended that may be finished by other means."""
NOISE = 1e-11
"""Relative gain that rounding can hide."""


class Bundle:
    """A model cut into pieces, ready to be searched.

    Parameters
    ----------
    matrix, pieces
        The model and how it is cut.
    prices
        Of a miss of each column and, behind them, of each spread row: what one unit is worth.
    threads
        How many pieces are solved at a time; the result does not depend on it.
    box
        Bounds of all columns within which cuts have to hold; those of the model if left out.
    """

    def __init__(
        self,
        matrix: Matrix,
        pieces: Pieces,
        prices: Floats,
        threads: int = 1,
        box: tuple[Floats, Floats] | None = None,
    ) -> None:
        keep_freed()
        self.matrix, self.pieces, self.threads = matrix, pieces, threads
        self.box = finite_box(matrix) if box is None else box
        parts = layouts(matrix, pieces)
        self.cuts = Cuts(matrix, pieces, parts, self.box)
        spread = prices[matrix.column_count :]
        self.models = [
            Piece(
                matrix,
                pieces,
                layout,
                self.box,
                np.concatenate([prices[layout.shared], spread[layout.spread]]),
            )
            for layout in parts
        ]

    def release(self) -> None:
        """Free the pieces; the cuts stay."""
        self.models = []
        give_back()

    def close(self) -> None:
        """Free what only a further search needs: the pieces in HiGHS, and what proves the cuts."""
        for model in self.models:
            model.close()
        self.cuts.forget_proofs()
        give_back()

    def point(self, values: Floats) -> Floats:
        """Return the shared columns and shares of a plan, within their box."""
        shares = [model.shares(values[model.columns]) for model in self.models]
        point = np.concatenate([values[self.cuts.shared], *shares])
        return np.asarray(np.clip(point, self.cuts.lower, self.cuts.upper))

    def solve(self, point: Floats, only: Sequence[int] | None = None) -> list[Answer] | None:
        """Return what pieces, all or some, cost at a point; ``None`` if one could not be solved."""
        numbers = range(len(self.models)) if only is None else only
        found = shared_out(
            self.threads,
            [partial(self.models[i].solve, point[self.cuts.parameters[i]]) for i in numbers],
        )
        answers = [answer for answer in found if answer is not None]
        if len(answers) < len(found):
            return None
        self.cuts.add(zip(numbers, (answer.cut for answer in answers), strict=True))
        return answers

    def price(self, slopes: Sequence[Floats]) -> None:
        """Let all pieces choose what is shared at given prices: a cut of each."""
        found = shared_out(
            self.threads,
            [partial(model.priced, one) for model, one in zip(self.models, slopes, strict=True)],
        )
        self.cuts.add((number, cut) for number, cut in enumerate(found) if cut is not None)

    def prove(self, duals: Iterable[tuple[int, Floats]]) -> None:
        """Add the cuts that duals of pieces prove, of their rows, then of their shares, any duals."""
        self.cuts.add((number, self.models[number].proved(one)) for number, one in duals)

    def plan(self, point: Floats) -> Floats:
        """Return the values of all columns at the last solve."""
        values = np.zeros(self.matrix.column_count)
        values[self.cuts.shared] = point[: len(self.cuts.shared)]
        for model in self.models:
            values[model.layout.own] = model.values[: len(model.layout.own)]
        return values

    def run(
        self,
        start: Floats,
        gap: float,
        *,
        time_limit: float | None = None,
        rounds: int = MOST_ROUNDS,
        radius: float = FIRST_RADIUS,
        roughly: bool = False,
        slopes: Sequence[Floats] | None = None,
        at: Floats | None = None,
        cutoff: float = np.inf,
        on_round: Callable[[int, float, float], None] | None = None,
        plan: Floats | None = None,
        close: float = 0.0,
        stuck: float = np.inf,
        front: Front | None = None,
    ) -> Found:
        """Search from a point until the gap is reached.

        With ``roughly`` a plan may miss what is shared, at a price: enough for where to start. Where the
        first bound is far, what is shared is priced with ``slopes``. A point ``at`` takes the place of
        that of ``start``; a ``plan`` that is known counts as found. The search ends as well where all that
        is left costs ``cutoff`` or more, and, as `ALMOST`, where for some rounds the best point costs what
        the cuts promise but for a share ``close``, and plans still miss. Plans go to a ``front`` though
        they miss shares of its row: its plan at the limit counts. After `PATIENCE` rounds a gap of ``stuck``
        or more is not worth any further.
        """
        begun = time.perf_counter()
        at = self.point(start) if at is None else at
        search = _Search(self, at, gap, radius, slopes, cutoff, front, roughly=roughly)
        if plan is not None:
            search.values = plan
            search.objective = self.matrix.offset + float(self.matrix.cost @ plan)
        failed, agreed = search.begin(), 0
        try:
            for number in range(1, rounds + 1):
                failed = failed or search.round()
                if on_round is not None:
                    on_round(number, search.objective, search.bound)
                spent = time.perf_counter() - begun
                if failed or search.is_done or (time_limit is not None and spent > time_limit):
                    break
                agreed += close > 0.0 and search.is_close(close)
                if agreed >= CLOSE_ROUNDS:
                    failed = ALMOST
                    break
                if number >= PATIENCE and search.apart >= stuck:
                    failed = f"{search.held} after {number} rounds"
                    break
        except KeyboardInterrupt:
            failed = "interrupted"
        return Found(
            search.values,
            search.prices,
            search.objective,
            search.bound,
            sum(model.iterations for model in self.models),
            failed,
            search.centre,
        )


class _Search:
    """Best point, best plan and bound while they are found."""

    def __init__(
        self,
        bundle: Bundle,
        point: Floats,
        gap: float,
        radius: float,
        slopes: Sequence[Floats] | None,
        cutoff: float,
        front: Front | None,
        *,
        roughly: bool,
    ) -> None:
        self.bundle, self.gap, self.radius, self.roughly = bundle, gap, radius, roughly
        self.slopes, self.cutoff, self.front = slopes, cutoff, front
        cuts = bundle.cuts
        wide = SCALE_SHARE * (cuts.upper - cuts.lower)
        self.scale = np.maximum(np.abs(point), np.minimum(wide, np.abs(point).max(initial=1.0)))
        self.trial = self.centre = point
        self.cost = np.inf
        self.missed: list[Floats] = []
        self.predicted = -np.inf
        self.poor = 0
        self.values: Floats | None = None
        self.prices: Floats | None = None
        self.objective, self.bound = np.inf, -np.inf

    def begin(self) -> str:
        """Move the first point to where the rows among shared columns hold."""
        scale = np.maximum(self.scale, 1e-9)
        point = self.bundle.cuts.nearest(self.centre, scale)
        if point is None:
            return "what is shared contradicts itself"
        self.trial = self.centre = point
        return ""

    def is_close(self, share: float) -> bool:
        """Whether the best point costs nearly what the cuts promise, and the best plan more."""
        near = share * abs(self.cost)
        promised = max(self.bound, self.predicted)
        return self.cost - promised <= near < self.objective - promised

    @property
    def is_done(self) -> bool:
        """Whether plan and bound are as close as asked, or no plan is worth looking for."""
        if self.bound >= self.cutoff:
            return True
        return self.values is not None and self.objective - self.bound <= self.gap * abs(
            self.objective
        )

    @property
    def apart(self) -> float:
        """Distance of plan and bound, relative to the plan; infinite without a plan."""
        return np.inf if self.values is None else relative_gap(self.objective, self.bound)

    @property
    def held(self) -> str:
        """What is held, in words."""
        return "no plan" if self.values is None else f"still a gap of {100.0 * self.apart:.2g} %"

    def round(self) -> str:
        """Solve the pieces at the trial point, and choose the next one; return why it failed."""
        bundle = self.bundle
        answers = bundle.solve(self.trial)
        if answers is None:
            return "a piece could not be solved"
        cost = bundle.cuts.fixed_cost(self.trial) + sum(answer.cost for answer in answers)
        missed = [answer.missed for answer in answers]
        if self.roughly:
            self.keep(self.trial, cost)
        else:
            self.mend(answers, cost)
        self.judge(cost, missed)
        proven = bundle.cuts.bound()
        if self.slopes is not None and self.cost - proven > FAR * abs(self.cost):
            bundle.price(self.slopes)
            proven = bundle.cuts.bound()
        self.slopes = None
        if proven > self.bound:
            self.bound, self.prices = proven, bundle.cuts.prices()
        if self.is_done:
            return ""
        return self.next_point()

    def mend(self, answers: list[Answer], cost: float) -> None:
        """Take the trial point's plan if nothing is missed, or after what is missed was mended.

        Where what a store can hold at midnight is nearly given (cars that leave full), hardly any
        point of the cuts is one of a plan, but one beside it is.
        """
        bundle, point = self.bundle, self.trial
        if not bundle.cuts.keeps(point):
            return
        for again in range(MENDS + 1):
            missed = counted(bundle, answers, self.front)
            if not any((one > MISSED).any() for one in missed):
                self.keep(
                    point, bundle.matrix.offset + float(bundle.matrix.cost @ bundle.plan(point))
                )
                return
            dear = sum(
                model.penalty @ one for model, one in zip(bundle.models, missed, strict=True)
            )
            if again == MENDS or dear > MENDABLE * abs(cost):
                return
            other = mended(bundle, point, answers)
            changed = np.flatnonzero(other != point)
            if len(changed) == 0 or not bundle.cuts.keeps(other):
                return
            some = [
                number
                for number, parameters in enumerate(bundle.cuts.parameters)
                if np.isin(parameters, changed).any()
            ]
            better = bundle.solve(other, some)
            if better is None:
                return
            point, answers = other, list(answers)
            for number, answer in zip(some, better, strict=True):
                answers[number] = answer

    def keep(self, point: Floats, objective: float) -> None:
        """Keep the plan of the last solve if it is the best one, and keeps all limits."""
        if self.front is not None:
            self.front.add(self.bundle.plan(point))
            found = self.front.plan(float(self.bundle.matrix.row_upper[self.front.row]))
            if found is not None and found[0] < self.objective:
                self.objective, self.values = found
            return
        if objective >= self.objective:
            return
        values = self.bundle.plan(point)
        if self.roughly or primal_residual(self.bundle.matrix, values)[0] <= TOLERANCE:
            self.values, self.objective = values, objective

    def judge(self, cost: float, missed: list[Floats]) -> None:
        """Take the trial point as the best one if it is, and say how far cuts are to be believed."""
        if not np.isfinite(self.cost):
            self.cost, self.centre, self.missed = cost, self.trial, missed
            return
        hoped = max(self.cost - self.predicted, NOISE * abs(self.cost))
        gained = self.cost - cost
        if gained >= 0.1 * hoped:
            if gained >= 0.5 * hoped:
                self.radius = min(2.5 * self.radius, MOST_RADIUS)
            self.cost, self.centre, self.missed, self.poor = cost, self.trial, missed, 0
            return
        self.poor += 1
        worse = -gained / hoped * min(1.0, self.radius)
        if worse > 3.0:
            self.radius /= min(max(worse, 2.5), 5.0)
            self.poor = 0
        elif self.poor >= 3:
            self.radius /= 2.0
            self.poor = 0
        self.radius = max(self.radius, LEAST_RADIUS)

    def next_point(self) -> str:
        """Choose the next trial point; return why there is none."""
        cuts = self.bundle.cuts
        for _ in range(12):
            found = cuts.step(self.centre, self.radius * self.scale)
            if found is None:
                cuts.forget_guides()
                self.radius = min(10.0 * self.radius, MOST_RADIUS)
                continue
            self.trial, self.predicted = found
            hoped, open_ = self.cost - self.predicted, self.cost - self.bound
            is_near = open_ < NEAR * abs(self.cost)
            is_short = is_near and hoped < SHORT * open_
            if is_short and cuts.guides:
                # They promise more than cuts prove, and nothing else is in the way.
                cuts.forget_guides()
            elif is_short and self.radius < MOST_RADIUS:
                self.radius = min(4.0 * self.radius, MOST_RADIUS)
            elif hoped > 0.01 * self.gap * abs(self.cost):
                return ""
            elif cuts.guides:
                cuts.forget_guides()
            elif any((one > 0.0).any() for one in self.missed):
                self.dearer()
                return ""
            elif self.radius < MOST_RADIUS:
                self.radius = min(10.0 * self.radius, MOST_RADIUS)
            else:
                return "no point promises more"
        return "no point promises more"

    def dearer(self) -> None:
        """Make what is missed at the best point dearer, and go back there."""
        for model, missed in zip(self.bundle.models, self.missed, strict=True):
            if (missed > 0.0).any():
                model.raise_penalty(missed > 0.0)
        self.trial, self.cost = self.centre, np.inf
