r"""A large linear model in pieces, for one limit after another on what the pieces share.

What a piece costs at given shared values, $V_p(v, r)$ (`microgrid_opt.solve.bundle`), does not depend
on the limits that the shared values have to keep together, such as a cap of the year:

- Cuts found for one cap bound the cost under every other cap, as long as the box in which they hold
  has an optimal plan of that one too. So the box is made wide enough for all caps from the start,
  and compared again for each.
- Plans of two caps, in proportion, keep every cap between them (the rows are linear). This plan is
  where the search of a cap between them begins: it is never without a plan.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from microgrid_opt.results import Stage
from microgrid_opt.solve.boxes import finite_box
from microgrid_opt.solve.bundle import MISSED
from microgrid_opt.solve.changes import same_coefficients
from microgrid_opt.solve.levels import RADIUS, Level, ended, told
from microgrid_opt.solve.pieces import SHARED, SPREAD
from microgrid_opt.solve.progressive import NEAR, Climb

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from microgrid_opt.horizon import Horizon
    from microgrid_opt.solve.bundle import Bundle, Found
    from microgrid_opt.solve.coarse import Coarser
    from microgrid_opt.solve.matrix import Matrix
    from microgrid_opt.solve.piece import Cut
    from microgrid_opt.solve.profiles import Profile
    from microgrid_opt.solve.status import Outcome, Progress

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

RECENT = 5
"""Rounds whose cuts are kept from one limit to the next, whether they were of use or not."""
RAISES = 4
"""How often misses may become dearer before a search."""
ON_LINE = 1e-9
"""Relative distance from a line up to which limits lie on it."""


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
    """

    def __init__(
        self,
        span: Sequence[Matrix],
        horizon: Horizon,
        piece: Ints,
        coarser: Coarser,
        profiles: Sequence[Profile],
        threads: int,
    ) -> None:
        boxes = [finite_box(matrix) for matrix in span]
        self._box = (
            np.min([box[0] for box in boxes], axis=0),
            np.max([box[1] for box in boxes], axis=0),
        )
        self._first, self._horizon = span[0], horizon
        self._climb = Climb(piece, coarser, profiles, None, None, threads, self._box)
        self._level: Level | None = None
        self._plans: list[tuple[Floats, Floats]] = []
        self._useful: set[int] = set()

    def takes(self, matrix: Matrix) -> bool:
        """Return whether a model differs from the first in limits on what is shared only."""
        first = self._first
        if not same_coefficients(first, matrix) or first.offset != matrix.offset:
            return False
        for name in ("cost", "col_lower", "col_upper"):
            if not np.array_equal(getattr(first, name), getattr(matrix, name)):
                return False
        changed = np.zeros(first.row_count, dtype=bool)
        for name in ("row_lower", "row_upper"):
            mine, theirs = getattr(first, name), getattr(matrix, name)
            if not np.array_equal(np.isinf(mine), np.isinf(theirs)):
                return False
            changed |= mine != theirs
        if self._level is not None:
            whose = _searched(self._level).pieces.row[changed]
            if not np.isin(whose, (SHARED, SPREAD)).all():
                return False
        low, high = finite_box(matrix)
        return bool((self._box[0] <= low).all() and (high <= self._box[1]).all())

    def add_plan(self, matrix: Matrix, values: Floats) -> None:
        """Tell a plan of a model that `takes` accepts, found elsewhere."""
        self._plans.append((_limits(matrix), values))

    def solve(
        self,
        matrix: Matrix,
        gap: float,
        limit: float | None,
        on_progress: Callable[[Progress], None] | None,
    ) -> tuple[Outcome, tuple[Stage, ...]]:
        """Return the plan of a model that `takes` accepts, as `progressive.plan` does."""
        climb = self._climb
        climb.restart(limit, on_progress)
        if self._level is None:
            fine = Level(np.arange(len(self._horizon)), self._horizon, matrix)
            level, found, failed = climb.to_the_top(fine, gap)
            if level.bundle is not None:
                self._level = level
        else:
            found, failed = self._again(self._level, matrix, gap)
        if found is None or found.values is None:
            return climb.gave_up(failed or "no plan was found")
        self.add_plan(matrix, found.values)
        outcome = ended(matrix, found, gap, climb.seconds, limit, climb.solver)
        return outcome, tuple(climb.stages)

    def _again(self, level: Level, matrix: Matrix, gap: float) -> tuple[Found, str]:
        """Search with the cuts that are there, from a plan that keeps the new limits if one does."""
        climb, bundle = self._climb, _searched(level)
        self._forget(bundle)
        bundle.matrix = matrix
        bundle.cuts.follow(matrix)
        self._level = level = replace(level, matrix=matrix)
        name = f"{bundle.pieces.count} pieces again"
        start, keeps = self._start(matrix)
        if keeps:
            _price_misses(bundle, start)
        found = bundle.run(
            start,
            max(gap, NEAR),
            time_limit=climb.left,
            radius=RADIUS["fine"],
            on_round=told(name, matrix, climb.begun, climb.on_progress),
        )
        if found.values is not None:
            objective, bound = matrix.sign * found.objective, matrix.sign * found.bound
            climb.stages.append(Stage(name, climb.seconds, objective, bound))
            found = climb.finished(level, found, gap)
        return found, found.failed

    def _forget(self, bundle: Bundle) -> None:
        """Drop the cuts that proved no bound so far and are not recent."""
        cuts = bundle.cuts
        self._useful |= {id(cuts.cuts[n]) for n in np.flatnonzero(cuts.weight)}
        recent = len(cuts.cuts) - RECENT * bundle.pieces.count

        def is_kept(number: int, cut: Cut) -> bool:
            return number >= recent or id(cut) in self._useful

        cuts.forget(is_kept)

    def _start(self, matrix: Matrix) -> tuple[Floats, bool]:
        """Return the plan in proportion of the two nearest ones on both sides, which keeps the limits.

        Without two such plans it is the nearest one, and False.
        """
        wanted = _limits(matrix)
        found: list[tuple[float, Floats]] = []
        for number, (one, plan) in enumerate(self._plans):
            for other, second in self._plans[number + 1 :]:
                along, away = other - one, wanted - one
                length = float(along @ along)
                if not length:
                    continue
                share = float(along @ away) / length
                off = np.abs(away - share * along).max()
                if 0.0 <= share <= 1.0 and off <= ON_LINE * (1.0 + np.abs(wanted).max()):
                    found.append((length, (1.0 - share) * plan + share * second))
        if found:
            return min(found, key=lambda one: one[0])[1], True
        return min(self._plans, key=lambda one: float(np.abs(one[0] - wanted).max()))[1], False


def _price_misses(bundle: Bundle, plan: Floats) -> None:
    """Make misses dearer until none pays at a plan, which needs none.

    What a tonne is worth grows as the cap tightens, and with it what a piece would pay to miss its share.
    """
    point = bundle.point(plan)
    for _ in range(RAISES):
        answers = bundle.solve(point)
        missed = [] if answers is None else [answer.missed > MISSED for answer in answers]
        if not any(one.any() for one in missed):
            return
        for model, one in zip(bundle.models, missed, strict=True):
            if one.any():
                model.raise_penalty(one)


def _searched(level: Level) -> Bundle:
    assert level.bundle is not None
    return level.bundle


def _limits(matrix: Matrix) -> Floats:
    """Return all limits of the rows as one point, zero where there is none."""
    both = np.concatenate([matrix.row_lower, matrix.row_upper])
    return np.where(np.isfinite(both), both, 0.0)
