"""A year without whole numbers from coarse to fine: each level starts the next, pieces end it.

1. The year is written in blocks of one price period. A few typical days of it
   (`microgrid_opt.solve.typical`), or the year in long blocks where days are no measure, are solved at
   once: first sizes, stores at midnight, prices.
2. The year in blocks, then in its own steps, is cut into pieces of some days and searched from there
   (`microgrid_opt.solve.bundle`), in blocks with the shares of limits that pieces choose
   (`microgrid_opt.solve.allotted`). Only the last level's plans and cuts count: the coarse ones are a
   start, whatever they neglect.
3. Cuts of a coarse level are proved again on the next where both share the same things; where much of them
   is lost there, they and its prices lead the first steps.
4. Near the optimum the pieces are put together again, and the simplex method ends at a vertex of the
   whole model (`microgrid_opt.solve.stacked`).

What comes out is a plan of the model as it is, with a bound that its own dual values prove, at any gap.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from microgrid_opt.errors import InputError
from microgrid_opt.results import Stage
from microgrid_opt.solve import highs
from microgrid_opt.solve.allotted import allotted
from microgrid_opt.solve.bundle import ALMOST, MOST_ROUNDS, Bundle
from microgrid_opt.solve.days import Days
from microgrid_opt.solve.handed import led
from microgrid_opt.solve.levels import (
    EXACT,
    Level,
    carry,
    ended,
    expanded,
    has_few_pieces,
    penalties,
    told,
    worth,
)
from microgrid_opt.solve.pieces import cut, stages_of
from microgrid_opt.solve.profiles import LARGE_NONZEROS
from microgrid_opt.solve.stacked import Stack
from microgrid_opt.solve.status import Outcome, Status
from microgrid_opt.solve.typical import check_days
from microgrid_opt.solve.typical import start as start_from_days

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from microgrid_opt.horizon import Horizon
    from microgrid_opt.solve.coarse import Coarser
    from microgrid_opt.solve.found import Found
    from microgrid_opt.solve.matrix import Matrix
    from microgrid_opt.solve.profiles import Profile
    from microgrid_opt.solve.status import Progress

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

NEAR, SOON, REACH = 2e-5, 2e-4, 1e-3
"""Gap from which a vertex of the whole model is cheaper than more rounds; with few pieces, whose rounds
tell less and whose vertex is quick; from which it can be had."""
LEAST_SECONDS = 0.1
"""Wall time that is left when none is left."""
COARSEST, FINER = 8.0, 24.0
"""Longest blocks [steps of the horizon] of the first level; of the next, inside price periods."""
BLOCKS = 3.0
"""Longest blocks of the second level where no prices tell where to cut [steps]."""
SLOW = 0.07
"""Gap of the last coarse level above which the pieces agree so slowly that one run is as fast: at 4 to 6 %
8 weeks took 5, 15 and 28 s in place of 10, 17 and 33; at 9 and 14 % they had not agreed after 170."""
STUCK = 0.01
"""Gap of the full year after many rounds at which they will not agree: 8 weeks of 8 members have 1.6 % after
60 and 0.2 % after 200, in some five times the time of one run; 40 assets, 24 s in all, 0.5 % after 60."""
WORTH = 0.6
"""Share of the steps up to which a coarse level is worth its time."""
COARSE_GAP, COARSE_ROUNDS = 1e-3, 25
"""Where the search of a coarse level ends: a round of it takes a third of the time of a finer one. Rounds
for each stage, as each has its own to agree on."""
TYPICAL_DAYS, LEAST_DAYS, DAYS_EACH = 16, 4, 8
"""Of the first level: twice as many take longer than they spare. The least, and how many days each
stands for, in a short horizon: 12 of 56 took 14 of 57 s, 7 of them 5 of 20 s."""
ENOUGH_DAYS = 12
"""Of the shortest horizon of which a few are typical."""
RADIUS = {"coarse": 0.2, "fine": 0.05}
"""How far the first step may go, as a share of each coordinate's scale: plans of blocks are near."""


def plan(
    matrix: Matrix,
    horizon: Horizon,
    piece: Ints,
    coarser: Coarser,
    profiles: Sequence[Profile],
    gap: float,
    limit: float | None,
    on_progress: Callable[[Progress], None] | None,
    threads: int = 1,
    start: Level | None = None,
) -> tuple[Outcome, tuple[Stage, ...]]:
    """Return the plan with its bound, and the stages; status `UNKNOWN` where it gave up.

    Parameters
    ----------
    matrix, horizon
        The model without whole numbers.
    piece
        Of each step, shape (n,).
    coarser
        How it is written on coarser steps.
    profiles
        For the first level, one after another until one does not give up.
    gap
        Relative gap at which to stop.
    limit
        Wall time [s].
    on_progress
        Called while it runs.
    threads
        How many pieces are solved at a time; the result does not depend on it.
    start
        A solved model on the same steps to start from, in place of coarser ones.
    """
    climb = Climb(piece, coarser, profiles, limit, on_progress, threads)
    fine = Level(np.arange(len(horizon)), horizon, matrix)
    return climb.run(fine, gap, start)


def vertex_gap(matrix: Matrix) -> float:
    """Return the gap of a search from which a vertex of the whole model is sought."""
    return SOON if has_few_pieces(matrix) else NEAR


class Climb:
    """From level to level; with ``box``, cuts of the last level hold within these bounds.

    Attributes
    ----------
    top
        The last level of a run, with what searched it.
    """

    def __init__(
        self,
        piece: Ints,
        coarser: Coarser,
        profiles: Sequence[Profile],
        limit: float | None,
        on_progress: Callable[[Progress], None] | None,
        threads: int,
        box: tuple[Floats, Floats] | None = None,
    ) -> None:
        self.threads, self.box = threads, box
        self.piece, self.coarser, self.profiles = piece, coarser, profiles
        self.restart(limit, on_progress)
        self.solver = ""
        self.top: Level | None = None

    def restart(self, limit: float | None, on_progress: Callable[[Progress], None] | None) -> None:
        """Begin to count time and stages anew."""
        self.limit, self.on_progress = limit, on_progress
        self.begun = time.perf_counter()
        self.stages: list[Stage] = []

    @property
    def seconds(self) -> float:
        """Wall time since it began [s]."""
        return time.perf_counter() - self.begun

    @property
    def left(self) -> float | None:
        """Wall time that is left [s]."""
        return None if self.limit is None else max(self.limit - self.seconds, LEAST_SECONDS)

    def run(
        self, fine: Level, gap: float, start: Level | None
    ) -> tuple[Outcome, tuple[Stage, ...]]:
        """Solve level by level, or this one from a start."""
        self.top, found, failed = self.to_the_top(fine, gap, start)
        if found is None or found.values is None or found.duals is None:
            return self.gave_up(failed or "no plan was found")
        outcome = ended(fine.matrix, found, gap, self.seconds, self.limit, self.solver)
        return outcome, tuple(self.stages)

    def to_the_top(
        self, fine: Level, gap: float, start: Level | None = None
    ) -> tuple[Level, Found | None, str]:
        """Return the last level with what searched it, what was found there, and why not."""
        last, failed = (start, "") if start is not None else self.coarse(fine, gap)
        if failed:
            return fine, None, failed
        fine, found, failed = self.search(fine, last, max(gap, vertex_gap(fine.matrix)))
        if found.values is not None or found.failed == ALMOST:
            found = self.finished(fine, found, gap)
            failed = "" if found.values is not None else found.failed
        return fine, found, failed

    def finished(self, level: Level, found: Found, gap: float) -> Found:
        """Return the plan, or a vertex where a closer one is asked for than a search gives."""
        stopped = found.failed == "interrupted" or self.left == LEAST_SECONDS
        if (found.failed == ALMOST or gap < found.gap <= REACH) and not stopped:
            return self.finish(level, found, gap)
        return found

    def coarse(self, fine: Level, gap: float) -> tuple[Level, str]:
        """Solve the coarse levels; return the last one, and why it failed."""
        try:
            long, short = self.blocks(fine.horizon)
            middle = self.written(short)
            last, failed = self.typical(middle)
            if last is None and not failed:
                last, failed = self.first(self.written(long))
            if last is not None and not failed:
                last, found, failed = self.search(middle, last, COARSE_GAP)
                if gap <= EXACT and self.limit is None and not failed and found.gap > SLOW:
                    failed = "what they share is too much to be exact"
        except InputError as error:
            return fine, f"it cannot be written on coarser steps ({error.findings[0].message})"
        return last or fine, failed

    def typical(self, level: Level) -> tuple[Level | None, str]:
        """Return a level with the plan and prices of typical days, and whether that was stopped.

        ``None`` where days are no measure, or have no plan.
        """
        try:
            check_days(level.horizon, ENOUGH_DAYS)
        except InputError:
            return None, ""
        begun = time.perf_counter()
        days = Days(level.matrix, level.horizon)
        few = start_from_days(
            days,
            min(TYPICAL_DAYS, max(days.count // DAYS_EACH, LEAST_DAYS)),
            lambda matrix: self.profiles[0 if matrix.nonzero_count >= LARGE_NONZEROS else -1 :],
            self.left,
            self.on_progress,
        )
        self.stages.append(Stage(few.name, time.perf_counter() - begun, few.outcome.objective))
        self.solver = few.outcome.solver
        interrupted = few.outcome.status is Status.INTERRUPTED
        found = None if few.level is None else replace(few.level, starts=level.starts)
        return found, "interrupted" if interrupted else ""

    def finish(self, level: Level, near: Found, gap: float) -> Found:
        """Go from a plan near the optimum to a vertex; where that fails, search on."""
        begun, bundle, matrix = time.perf_counter(), level.bundle, level.matrix
        assert bundle is not None
        best, point = near, near.centre
        if near.failed != ALMOST and near.values is not None:
            point = bundle.point(near.values)
        assert point is not None
        if bundle.solve(point) is None:
            return replace(near, failed="a piece could not be solved")
        last = self.box is None
        vertex, outcome = Stack(bundle, point).solve(self.left, self.on_progress, last=last)
        if vertex is not None:
            found = vertex.found(matrix, near.iterations)
            objective, bound = matrix.sign * found.objective, matrix.sign * found.bound
            self.stages.append(Stage("vertex", time.perf_counter() - begun, objective, bound))
            if found.gap <= gap:
                return found
            best = min(near, found, key=lambda one: one.gap)
        if outcome.status is Status.INTERRUPTED:
            return replace(best, failed="interrupted")
        if last or near.values is None:
            return replace(best, failed="no vertex was reached")
        found = bundle.run(
            near.values,
            gap,
            time_limit=self.left,
            on_round=told("search", matrix, self.begun, self.on_progress),
        )
        return found if found.values is not None and found.gap < best.gap else best

    def gave_up(self, why: str) -> tuple[Outcome, tuple[Stage, ...]]:
        """Return that there is no plan, and why."""
        status = Status.INTERRUPTED if why == "interrupted" else Status.UNKNOWN
        outcome = Outcome(status, None, None, -np.inf, self.seconds, message=why)
        return outcome, tuple(self.stages)

    def written(self, starts: Ints) -> Level:
        """Return the model on blocks that start at these steps."""
        return Level(starts, *self.coarser.build(starts))

    def blocks(self, horizon: Horizon) -> tuple[Ints, Ints]:
        """Return the first steps of the blocks of the first level, and of the second."""
        hours = float(np.median(horizon.step_hours))
        day = np.asarray(horizon.day)
        long = horizon.blocks(COARSEST * hours, day, self.piece)
        periods = [np.asarray(one) for one in self.coarser.periods]
        second = horizon.blocks(FINER * hours, day, self.piece, *periods)
        if not len(long) < len(second) <= WORTH * len(horizon):
            second = horizon.blocks(BLOCKS * hours, day, self.piece)
        return long, second

    def first(self, level: Level) -> tuple[Level, str]:
        """Solve the coarsest level at once."""
        begun = time.perf_counter()
        name = f"{len(level.starts):,} blocks"
        tried = highs.attempts(
            level.matrix, self.profiles, time_limit=self.left, on_progress=self.on_progress
        )
        found = tried[-1]
        self.stages.append(Stage(name, time.perf_counter() - begun, found.objective))
        self.solver = found.solver
        if found.status is Status.INTERRUPTED:
            return level, "interrupted"
        if found.solution is None or found.solution.row_duals is None:
            return level, f"the coarse year has no plan ({found.status.value})"
        duals = level.matrix.sign * found.solution.row_duals
        return replace(level, values=found.solution.values, duals=duals), ""

    def search(self, level: Level, start: Level, gap: float) -> tuple[Level, Found, str]:
        """Search a level from the plan of a coarser one."""
        begun = time.perf_counter()
        matrix = level.matrix
        pieces = cut(matrix, level.horizon, self.piece[level.starts])
        coarse = len(level.starts) < len(self.piece)
        box = None if coarse else self.box
        bundle = Bundle(matrix, pieces, penalties(level, start, pieces), self.threads, box)
        slopes = led(start, level, bundle, self.piece)
        if not coarse and has_few_pieces(matrix):
            # To choose all that a large piece shares takes as long as some rounds, and spares fewer.
            slopes = None
        carry(start, level, bundle)
        if start.bundle is not None:
            start.bundle.release()
        values = expanded(start, level, start.values)
        at = bundle.point(values)
        if coarse:
            at = allotted(bundle, at, worth(level, start, pieces))
        name = f"{len(level.starts):,} {'blocks' if coarse else 'steps'} in {pieces.count} pieces"
        found = bundle.run(
            values,
            gap,
            time_limit=self.left,
            rounds=COARSE_ROUNDS * stages_of(matrix)[1] if coarse else MOST_ROUNDS,
            radius=RADIUS["coarse" if coarse else "fine"],
            roughly=coarse,
            slopes=slopes,
            at=at,
            on_round=told(name, matrix, self.begun, self.on_progress),
            close=0.0 if coarse or box is not None else gap,
            stuck=np.inf if coarse or self.limit is not None else STUCK,
        )
        objective = None if found.values is None else matrix.sign * found.objective
        bound = matrix.sign * found.bound
        self.stages.append(Stage(name, time.perf_counter() - begun, objective, bound))
        failed = found.failed
        if found.values is None:
            failed = failed or "no plan was found"
        elif failed != "interrupted":
            failed = ""
        level = replace(
            level, values=found.values, duals=found.duals, bound=found.bound, bundle=bundle
        )
        return level, found, failed
