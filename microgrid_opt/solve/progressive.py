"""A year without whole numbers from coarse to fine: each level starts the next, pieces end it.

1. The year in long blocks is solved at once: first sizes, stores at midnight, prices.
2. The year in blocks of one price period, then in its own steps, is cut into pieces of some days and
   searched from there (`microgrid_opt.solve.bundle`). Only the last level's plans and cuts count: the
   coarse ones are a start, whatever they neglect.
3. Prices and cuts of a coarse level lead the first steps of the next where both share the same things.
4. Near the optimum the pieces are put together again, and the simplex method ends at a vertex of the
   whole model (`microgrid_opt.solve.stacked`).

What comes out is a plan of the model as it is, with a bound that its own dual values prove, at any gap.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from microgrid_opt.errors import InputError
from microgrid_opt.results import Stage
from microgrid_opt.solve import highs
from microgrid_opt.solve.bundle import MOST_ROUNDS, Bundle, Found
from microgrid_opt.solve.certify import dual_bound
from microgrid_opt.solve.cuts import sums
from microgrid_opt.solve.piece import layouts, slopes_of
from microgrid_opt.solve.pieces import cut, edges
from microgrid_opt.solve.session import checked_solution
from microgrid_opt.solve.stacked import Stack
from microgrid_opt.solve.status import Outcome, Progress, Status, relative_gap

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from microgrid_opt.horizon import Horizon
    from microgrid_opt.solve.coarse import Coarser
    from microgrid_opt.solve.matrix import Matrix
    from microgrid_opt.solve.pieces import Pieces
    from microgrid_opt.solve.profiles import Profile

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

EXACT = 1e-9
"""Gap of a plan that is called optimal where no gap is asked for."""
NEAR = 2e-5
"""Gap from which a vertex of the whole model is cheaper than more rounds."""
LEAST_NONZEROS = 150_000
"""Size from which it beats one run: 182,000 took 3 s in place of 8 s by simplex."""
ROWS = 1400
"""Rows of a good piece: simplex time grows faster than the rows, and each piece has a price."""
LEAST_PIECES = 6
MOST_SHARED = 3000
"""Shared columns and shares up to which their model stays small beside the pieces."""
COARSEST, FINER = 8.0, 24.0
"""Longest blocks [steps of the horizon] of the first level; of the next, inside price periods."""
BLOCKS = 3.0
"""Longest blocks of the second level where no prices tell where to cut [steps]."""
SLOW = 7e-3
"""Gap of the last coarse level above which the pieces agree so slowly that one run is as fast."""
WORTH = 0.6
"""Share of the steps up to which a coarse level is worth its time."""
COARSE_GAP, COARSE_ROUNDS = 5e-3, 25
DEARER = 4.0
"""A miss costs this many times what the coarse level pays for one unit more."""
LED = 10
"""Rounds of a coarse level whose cuts lead the next one."""
RADIUS = {"coarse": 0.5, "fine": 0.1}
"""How far the first step may go, as a share of each coordinate's scale."""


@dataclass(frozen=True, eq=False)
class Level:
    """A model on some steps, with the plan and prices found for it.

    Parameters
    ----------
    starts
        First step of each block, of the finest steps.
    horizon, matrix
        The level's.
    values, duals
        Of its columns and rows, once known.
    bundle
        What searched it; ``None`` where it was solved at once.
    """

    starts: Ints
    horizon: Horizon
    matrix: Matrix
    values: Floats | None = None
    duals: Floats | None = None
    bundle: Bundle | None = None


def pieces_of(matrix: Matrix, horizon: Horizon, *, forced: bool = False) -> Ints | None:
    """Return the piece of every step, or ``None`` where this is no way to solve the model.

    Where it is ``forced``, small models are cut as well.
    """
    if matrix.is_mip or (matrix.nonzero_count < LEAST_NONZEROS and not forced):
        return None
    rows = min(ROWS, max(matrix.row_count // LEAST_PIECES, 1)) if forced else ROWS
    piece = edges(matrix, horizon, rows)
    if int(piece.max()) + 1 < (2 if forced else LEAST_PIECES):
        return None
    pieces = cut(matrix, horizon, piece)
    return piece if len(pieces.shared) + pieces.shares(matrix) <= MOST_SHARED else None


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


class Climb:
    """From level to level; with ``box``, cuts of the last level hold within these bounds."""

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
        return None if self.limit is None else max(self.limit - self.seconds, 0.1)

    def run(
        self, fine: Level, gap: float, start: Level | None
    ) -> tuple[Outcome, tuple[Stage, ...]]:
        """Solve level by level, or this one from a start."""
        _, found, failed = self.to_the_top(fine, gap, start)
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
        fine, found, failed = self.search(fine, last, max(gap, NEAR))
        if found.values is not None:
            found = self.finished(fine, found, gap)
        return fine, found, failed

    def finished(self, level: Level, found: Found, gap: float) -> Found:
        """Return the plan, or a vertex where a closer one is asked for than a search gives."""
        if gap < found.gap <= NEAR and not found.failed:
            return self.finish(level, found, gap)
        return found

    def coarse(self, fine: Level, gap: float) -> tuple[Level, str]:
        """Solve the coarse levels; return the last one, and why it failed."""
        try:
            levels = self.levels(fine)
            last, failed = self.first(levels[0])
            for level in levels[1:]:
                if failed:
                    break
                last, found, failed = self.search(level, last, COARSE_GAP)
                if gap <= EXACT and self.limit is None and not failed and found.gap > SLOW:
                    failed = "what they share is too much to be exact"
        except InputError as error:
            return fine, f"it cannot be written on coarser steps ({error.findings[0].message})"
        return last, failed

    def finish(self, level: Level, near: Found, gap: float) -> Found:
        """Go from a plan near the optimum to a vertex; where that fails, search on."""
        begun, bundle, matrix = time.perf_counter(), level.bundle, level.matrix
        assert bundle is not None
        assert near.values is not None
        point = bundle.point(near.values)
        if bundle.solve(point) is None:
            return replace(near, failed="a piece could not be solved")
        listener = None if self.on_progress is None else self.on_progress
        vertex, outcome = Stack(bundle, point).solve(self.left, listener)
        if vertex is not None:
            objective = matrix.objective(vertex.values)
            bound = dual_bound(matrix, matrix.sign * vertex.duals)
            found = Found(
                vertex.values,
                vertex.duals,
                matrix.sign * objective,
                matrix.sign * bound,
                near.iterations + vertex.iterations,
            )
            self.stages.append(Stage("vertex", time.perf_counter() - begun, objective, bound))
            if found.gap <= EXACT:
                return found
        if outcome.status is Status.INTERRUPTED:
            return replace(near, failed="interrupted")
        found = bundle.run(
            near.values,
            gap,
            time_limit=self.left,
            on_round=told("search", matrix, self.begun, self.on_progress),
        )
        return found if found.values is not None and found.gap < near.gap else near

    def gave_up(self, why: str) -> tuple[Outcome, tuple[Stage, ...]]:
        """Return that there is no plan, and why."""
        status = Status.INTERRUPTED if why == "interrupted" else Status.UNKNOWN
        outcome = Outcome(status, None, None, -np.inf, self.seconds, message=why)
        return outcome, tuple(self.stages)

    def levels(self, fine: Level) -> list[Level]:
        """Return the coarse levels, the coarsest first."""
        horizon = fine.horizon
        hours = float(np.median(horizon.step_hours))
        day = np.asarray(horizon.day)
        found = [horizon.blocks(COARSEST * hours, day, self.piece)]
        periods = [np.asarray(one) for one in self.coarser.periods]
        second = horizon.blocks(FINER * hours, day, self.piece, *periods)
        if not len(found[0]) < len(second) <= WORTH * len(horizon):
            second = horizon.blocks(BLOCKS * hours, day, self.piece)
        found.append(second)
        return [Level(starts, *self.coarser.build(starts)) for starts in found]

    def first(self, level: Level) -> tuple[Level, str]:
        """Solve the coarsest level at once."""
        begun = time.perf_counter()
        name = f"{len(level.starts):,} blocks"
        listener = None if self.on_progress is None else self.on_progress
        tried = highs.attempts(
            level.matrix, self.profiles, time_limit=self.left, on_progress=listener
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
        lead(bundle, start.bundle)
        slopes = prices(bundle, start, self.piece)
        name = f"{len(level.starts):,} {'blocks' if coarse else 'steps'} in {pieces.count} pieces"
        found = bundle.run(
            expanded(start, level, start.values),
            gap,
            time_limit=self.left,
            rounds=COARSE_ROUNDS if coarse else MOST_ROUNDS,
            radius=RADIUS["coarse" if coarse else "fine"],
            roughly=coarse,
            slopes=slopes,
            on_round=told(name, matrix, self.begun, self.on_progress),
        )
        objective = None if found.values is None else matrix.sign * found.objective
        bound = matrix.sign * found.bound
        self.stages.append(Stage(name, time.perf_counter() - begun, objective, bound))
        failed = found.failed
        if found.values is None:
            failed = failed or "no plan was found"
        elif failed != "interrupted":
            failed = ""
        return replace(level, values=found.values, duals=found.duals, bundle=bundle), found, failed


def told(
    name: str, matrix: Matrix, begun: float, on_progress: Callable[[Progress], None] | None
) -> Callable[[int, float, float], None]:
    """Return what tells a listener of every round of a search that began at ``begun``."""

    def tell(number: int, objective: float, bound: float) -> None:
        if on_progress is None:
            return
        held = bool(np.isfinite(objective))
        on_progress(
            Progress(
                name,
                time.perf_counter() - begun,
                number,
                matrix.sign * objective if held else None,
                matrix.sign * bound if np.isfinite(bound) else None,
                relative_gap(objective, bound) if held else None,
            )
        )

    return tell


def ended(
    matrix: Matrix, found: Found, gap: float, seconds: float, limit: float | None, solver: str
) -> Outcome:
    """Return a search's plan as a solver would, with the dual values that prove the bound.

    Parameters
    ----------
    gap
        At which it may be called optimal.
    seconds, limit
        Wall time that it took and that it had [s].
    solver
        Name and version.
    """
    assert found.values is not None
    assert found.duals is not None
    reduced = matrix.cost - matrix.transposed_times(found.duals)
    solution, message = checked_solution(
        matrix,
        found.values,
        matrix.sign * found.duals,
        matrix.sign * reduced,
        vertex=found.gap <= EXACT,
    )
    status = Status.OPTIMAL
    if solution is None:
        status = Status.UNKNOWN
    elif found.failed == "interrupted":
        status = Status.INTERRUPTED
    elif found.gap > gap:
        is_late = limit is not None and seconds >= limit
        status = Status.TIME_LIMIT if is_late else Status.UNKNOWN
    objective = None if solution is None else matrix.objective(solution.values)
    bound = min(found.bound, found.objective)
    return Outcome(
        status=status,
        solution=solution,
        objective=objective,
        bound=matrix.sign * bound,
        seconds=seconds,
        iterations=found.iterations,
        message=message or found.failed,
        solver=solver,
    )


def expanded(coarse: Level, fine: Level, values: Floats | None) -> Floats:
    """Return values of a coarse level's columns for a finer one's: each step takes its block's."""
    assert values is not None
    block = np.searchsorted(coarse.starts, fine.starts, side="right") - 1
    found = np.zeros(fine.matrix.column_count)
    known = coarse.matrix.column_blocks
    for one in fine.matrix.columns:
        other = known.get(one.name)
        if other is None:
            continue
        mine = values[other.slice]
        if one.keys is not None and one.count == len(fine.starts):
            found[one.slice] = mine[block] if other.count == len(coarse.starts) else 0.0
        elif other.count == one.count:
            found[one.slice] = mine
    return found


def penalties(level: Level, start: Level, pieces: Pieces) -> Floats:
    """Return what a miss of each column and spread row costs, from the prices of a coarser level.

    One unit of a column is worth at most what its rows pay for it; columns of one family (a store at
    all midnights) share the largest.
    """
    coarse, fine = start.matrix, level.matrix
    assert start.duals is not None
    credit = np.abs(coarse.value * start.duals[coarse.entry_row])
    worth = sums(coarse.index, credit, coarse.column_count) + np.abs(coarse.cost)
    for family in coarse.columns:
        if family.count:
            worth[family.slice] = worth[family.slice].max()
    prices = expanded(start, level, worth)
    least = 1e-3 * float(np.median(prices[prices > 0.0])) if (prices > 0.0).any() else 1.0
    total = abs(float(coarse.cost @ (start.values if start.values is not None else 0.0)))
    spread = np.zeros(len(pieces.spread))
    for number, row in enumerate(pieces.spread):
        block = coarse.row_blocks.get(fine.row_name(int(row)).partition("[")[0])
        paid = 0.0 if block is None else float(np.abs(start.duals[block.slice]).max(initial=0.0))
        limits = np.abs([fine.row_lower[row], fine.row_upper[row]])
        limit = float(limits[np.isfinite(limits)].max(initial=0.0))
        spread[number] = max(paid, total / max(limit, 1.0))
    return DEARER * np.concatenate([np.maximum(prices, least), spread])


def prices(bundle: Bundle, start: Level, piece: Ints) -> list[Floats] | None:
    """Return what a coarser level prices the parameters of every piece at, where it shares the same.

    Parameters
    ----------
    piece
        Of each of the finest steps, shape (n,).
    """
    matrix = start.matrix
    pieces = cut(matrix, start.horizon, piece[start.starts])
    parts = layouts(matrix, pieces)
    names = [_families(matrix, layout.shared) for layout in parts]
    mine = [_families(bundle.matrix, model.layout.shared) for model in bundle.models]
    spread = [layout.spread.tolist() for layout in parts]
    same = names == mine and spread == [one.layout.spread.tolist() for one in bundle.models]
    if not same or start.duals is None:
        return None
    return [slopes_of(pieces, layout, start.duals) for layout in parts]


def _families(matrix: Matrix, columns: Ints) -> list[str]:
    return [matrix.column_name(int(column)).partition("[")[0] for column in columns]


def lead(bundle: Bundle, coarse: Bundle | None) -> None:
    """Let the last cuts of a coarser level lead the first steps where the same things are shared."""
    if coarse is None or _names(bundle) != _names(coarse):
        return
    known = coarse.cuts
    for number in range(max(len(known.owner) - LED * bundle.pieces.count, 0), len(known.owner)):
        bundle.cuts.guide(known.owner[number], known.cuts[number])


def _names(bundle: Bundle) -> tuple[object, ...]:
    """Return what a bundle shares, piece by piece, by the names of the families."""
    columns = [bundle.matrix.column_name(int(j)).partition("[")[0] for j in bundle.cuts.shared]
    return (columns, [one.tolist() for one in bundle.cuts.parameters])
