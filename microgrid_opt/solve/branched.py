r"""A year whose few whole numbers have no time (units, purchases, blocks of a price): branched in pieces.

With whole numbers $n$ among what the pieces of the year share (`microgrid_opt.solve.pieces`), every cut
$\theta_p \ge k + g^\top z_p$ of a piece holds for all values of $n$, whole or not: a piece is linear.

1. The year without whole numbers is searched from coarse to fine: cuts, and a first bound.
2. Boxes of whole numbers are bounded by the cuts alone (`microgrid_opt.solve.nodes`), in milliseconds.
3. Where the cuts' model takes whole numbers, they are held and the rest is searched in pieces: a plan,
   and cuts that are exact there. A search that can only find what costs more than the best plan ends.
4. It ends when no box that is left may have a plan better than the best one by more than the gap.

Benders (1962), doi:10.1007/BF01386316; Geoffrion (1972), Generalized Benders decomposition,
doi:10.1007/BF00934810; cuts found anywhere in the tree serve all of it: Laporte and Louveaux (1993),
doi:10.1016/0167-6377(93)90002-X.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from microgrid_opt.results import Stage
from microgrid_opt.solve import levels
from microgrid_opt.solve.boxes import finite_box
from microgrid_opt.solve.eased import ease, eased, held, of_steps
from microgrid_opt.solve.levels import Level, ended
from microgrid_opt.solve.nodes import Node, Nodes
from microgrid_opt.solve.pieces import SHARED, cut
from microgrid_opt.solve.progressive import NEAR, Climb
from microgrid_opt.solve.status import Progress, relative_gap

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from microgrid_opt.horizon import Horizon
    from microgrid_opt.solve.bundle import Bundle
    from microgrid_opt.solve.coarse import Coarser
    from microgrid_opt.solve.found import Found
    from microgrid_opt.solve.matrix import Matrix
    from microgrid_opt.solve.profiles import Profile
    from microgrid_opt.solve.status import Outcome

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

MOST_WHOLE = 64
"""Whole numbers up to which it is tried."""
ROUGH = 2e-3
"""Gap of the year without whole numbers, and of the first search with some held: most are left soon."""
INSIDE = 0.999
"""Share of the asked gap at which a box is put aside: rounding may not lift it above all of it."""
HOPELESS = 10.0
"""A search with whole numbers held ends where it costs as many times more than the relaxed year."""
MOST_VAIN = 8
"""Points without a plan after which it gives up if there is none."""
FINE = 0.5
"""Share of the asked gap that is left to a search with whole numbers held."""


def pieces_of(matrix: Matrix, horizon: Horizon, *, forced: bool = False) -> Ints | None:
    """Return the piece of every step, or ``None`` where this is no way to solve the model.

    Where it is ``forced``, small models are cut as well.
    """
    if not matrix.is_mip or matrix.integrality.sum() > MOST_WHOLE or of_steps(matrix).any():
        return None
    free = ease(matrix)
    piece = levels.pieces_of(free, horizon, forced=forced)
    if piece is None:
        return None
    column = cut(free, horizon, piece).column
    return piece if (column[matrix.integrality == 1] == SHARED).all() else None


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
) -> tuple[Outcome, tuple[Stage, ...]]:
    """Return the best plan with its bound, and the stages; no solution where it gave up before one.

    Parameters
    ----------
    matrix, horizon
        The model.
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
    """
    climb = Climb(piece, eased(coarser), profiles, limit, on_progress, threads, finite_box(matrix))
    fine = Level(np.arange(len(horizon)), horizon, ease(matrix))
    gap = max(gap, levels.EXACT)
    level, found, failed = climb.to_the_top(fine, ROUGH)
    if found is None or found.values is None or level.bundle is None or failed == "interrupted":
        return climb.gave_up(failed or "no plan was found")
    if found.failed == "interrupted":
        outcome, stages = climb.gave_up(found.failed)
        return replace(outcome, bound=matrix.sign * found.bound), stages
    return _Search(matrix, climb, level, found, gap).run()


class _Search:
    """Plans and bounds while they are found, as a minimisation."""

    def __init__(
        self, matrix: Matrix, climb: Climb, level: Level, first: Found, gap: float
    ) -> None:
        assert level.bundle is not None
        self.matrix, self.climb, self.level, self.gap = matrix, climb, level, gap
        self.bundle: Bundle = level.bundle
        self.whole = np.flatnonzero(matrix.integrality == 1)
        shared = self.bundle.cuts.shared
        self.nodes = Nodes(self.bundle.cuts, np.searchsorted(shared, self.whole))
        self.open = [self.nodes.root(first.bound)]
        self.aside = np.inf
        self.hopeless = first.bound + HOPELESS * max(abs(first.bound), abs(first.objective))
        assert first.values is not None
        self.values: Floats = first.values
        self.best: Found | None = None
        self.known: dict[bytes, tuple[float, float, Floats | None]] = {}
        self.points = 0
        self.stopped = False

    @property
    def objective(self) -> float:
        """Cost of the best plan, infinite without one."""
        return np.inf if self.best is None else self.best.objective

    @property
    def bound(self) -> float:
        """No plan costs less."""
        return min([self.aside, self.objective, *(node.bound for node in self.open)])

    @property
    def cutoff(self) -> float:
        """Bound from which a box has no plan worth looking for."""
        return self.objective - INSIDE * self.gap * abs(self.objective) if self.best else np.inf

    @property
    def is_late(self) -> bool:
        """Whether time is up."""
        return self.climb.limit is not None and self.climb.seconds >= self.climb.limit

    @property
    def is_vain(self) -> bool:
        """Whether many points were searched and none has a plan."""
        return self.best is None and len(self.known) >= MOST_VAIN

    def run(self) -> tuple[Outcome, tuple[Stage, ...]]:
        """Branch until no box is open, or time is up."""
        begun = time.perf_counter()
        try:
            while self.open and not self.stopped and not self.is_late and not self.is_vain:
                self.next()
        except KeyboardInterrupt:
            self.stopped = True
        points = f"{self.points} point{'' if self.points == 1 else 's'}"
        name = f"{points} of whole numbers, {self.nodes.solved} boxes"
        sign, climb = self.matrix.sign, self.climb
        objective = None if self.best is None else sign * self.objective
        seconds = time.perf_counter() - begun
        climb.stages.append(Stage(name, seconds, objective, sign * self.bound))
        if self.best is None:
            outcome, stages = climb.gave_up(
                "interrupted" if self.stopped else "no whole numbers with a plan were found"
            )
            return replace(outcome, bound=sign * self.bound), stages
        why = "interrupted" if self.stopped else ""
        found = replace(self.best, bound=self.bound, failed=why)
        outcome = ended(self.matrix, found, self.gap, climb.seconds, climb.limit, climb.solver)
        return outcome, tuple(climb.stages)

    def next(self) -> None:
        """Bound the next box: put it aside, search a point of it, or split it."""
        # Until a point is known the box that was split last is next, its better half first.
        number = int(np.argmin([one.bound for one in self.open])) if self.known else -1
        node = self.nodes.solve(self.open[number])
        self.open[number] = node
        if node.bound >= self.cutoff or np.isinf(node.bound):
            self.aside = min(self.aside, node.bound)
            del self.open[number]
            return
        if self.known and node.bound > min(one.bound for one in self.open):
            return
        halves = [self.nodes.solve(half) for half in self.nodes.split(node)]
        if not halves:
            halves = self.search(node)
        # In one step: Ctrl-C in between would lose a box, and with it the bound.
        others = [*self.open[:number], *self.open[number:][1:]]
        self.open = [*others, *sorted(halves, key=lambda half: -half.bound)]

    def search(self, node: Node) -> list[Node]:
        """Hold the whole numbers of a box's lowest point; return what is left of the box.

        A point is searched roughly, then finely; then the box goes on without it.
        """
        point = np.rint(self.nodes.values(node)) + 0.0
        key = point.tobytes()
        fine = FINE * self.gap
        before, reached, values = self.known.get(key, (node.bound, np.inf, None))
        if reached <= fine:
            self.aside = min(self.aside, max(before, node.bound))
            return node.around(point)
        gap = fine if np.isfinite(reached) else max(fine, ROUGH)
        found = self.at(Node(point, point, node.bound), values, gap)
        bound = max(before, found.bound)
        self.nodes.forget()
        self.known[key] = (bound, gap, values if found.values is None else found.values)
        if found.values is not None and found.objective < self.objective:
            self.best = found
        self.stopped |= found.failed == "interrupted"
        return [node]

    def at(self, leaf: Node, start: Floats | None, gap: float) -> Found:
        """Search the year with whole numbers held, from a plan with these or where the cuts are lowest."""
        climb, bundle = self.climb, self.bundle
        self.points += 1
        self.nodes.enter(leaf)
        values = self.values.copy()
        values[self.whole] = leaf.lower
        matrix = held(self.matrix, values)
        bundle.matrix = matrix = replace(matrix, integrality=np.zeros_like(matrix.integrality))
        found = bundle.run(
            values if start is None else start,
            max(gap, NEAR),
            time_limit=climb.left,
            at=self.nodes.solve(leaf).lowest if start is None else None,
            cutoff=min(self.cutoff, self.hopeless),
            on_round=self.tell,
        )
        if found.values is not None and found.bound < self.cutoff:
            level = replace(self.level, matrix=matrix)
            found = climb.finished(level, found, gap)
        return found

    def tell(self, number: int, objective: float, _: float) -> None:
        """Tell a listener of a round of a search."""
        if self.climb.on_progress is None:
            return
        plan = min(self.objective, objective)
        is_held, sign = bool(np.isfinite(plan)), self.matrix.sign
        self.climb.on_progress(
            Progress(
                f"whole numbers held ({self.points})",
                self.climb.seconds,
                number,
                sign * plan if is_held else None,
                sign * self.bound,
                relative_gap(plan, self.bound) if is_held else None,
                self.nodes.solved,
            )
        )
