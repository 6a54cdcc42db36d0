r"""Years with thousands of on/off decisions, in windows of some days: plans above, proven bounds below.

1. *Eased.* Whole numbers of steps are taken out (`microgrid_opt.solve.eased`). What is left is linear
   and small: it gives a first bound, sizes, and prices of all rows.
2. *Windows.* Sizes are held, and every window is solved as a small model with its whole numbers; at its
   borders the prices tell what is worth how much. From what the windows do the assets make states
   that keep least times on and off across the borders as well.
3. *Plan.* With all whole numbers held the year is linear again: sizes, stores and flows of the plan,
   and prices that know of them.
4. *Bound.* At these prices each window, with a copy of the sizes of its own, costs at least what the
   root of its branch and bound proves; together they bound every plan (`microgrid_opt.solve.priced`).
5. Again from the plan's sizes and prices, until the gap is as asked or nothing improves; then windows
   inside the plan (`microgrid_opt.solve.inside`), whose borders move.

Nothing of the bound depends on how good sizes, prices or windows are.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from microgrid_opt.results import Stage
from microgrid_opt.solve import highs, inside, rounding
from microgrid_opt.solve.boxes import finite_box
from microgrid_opt.solve.eased import Year, ease, held
from microgrid_opt.solve.levels import Level
from microgrid_opt.solve.pieces import edges, steps_of
from microgrid_opt.solve.priced import EVERYWHERE, NONE, Parts, Priced
from microgrid_opt.solve.profiles import DEFAULT, load_profile
from microgrid_opt.solve.session import checked_solution
from microgrid_opt.solve.status import Outcome, Progress, Status, relative_gap

T = TypeVar("T")

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from microgrid_opt.draft import Draft
    from microgrid_opt.horizon import Horizon
    from microgrid_opt.solve.coarse import Coarser
    from microgrid_opt.solve.cuts import Cuts
    from microgrid_opt.solve.matrix import Matrix
    from microgrid_opt.solve.profiles import Profile

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

ROWS = 2800
"""Rows of a good window, before whole numbers are taken out: some days of three units."""
LEAST_WINDOWS = 30
MOST_ROUNDS = 4
LEAST_GAIN = 0.05
"""Share of the gap that a round must close to be followed by another one."""
EASED = "eased"
SHARE = 0.25
"""Share of the asked gap that a linear year, or a window with sizes held, may keep."""
ROOT = (
    "mip_max_nodes=1",
    "mip_heuristic_effort=0",
    "mip_heuristic_run_rins=false",
    "mip_heuristic_run_rens=false",
    "mip_heuristic_run_root_reduced_cost=false",
    "mip_heuristic_run_feasibility_jump=false",
)
"""For a bound: cuts at the root raise it fast, all else slowly."""
PLAN = ("mip_heuristic_run_rins=false", "mip_heuristic_run_root_reduced_cost=false")
"""For plans of windows: of the heuristics at the root one finds what the others find too."""


def split(matrix: Matrix, horizon: Horizon, *, forced: bool = False) -> Parts | None:
    """Return the windows of a model; ``None`` where they are too few.

    Where it is ``forced``, small models have windows as well.
    """
    rows = min(ROWS, matrix.row_count // LEAST_WINDOWS) if forced else ROWS
    piece = edges(matrix, horizon, rows)
    count = int(piece.max()) + 1
    if count < (2 if forced else LEAST_WINDOWS):
        return None
    step = steps_of(matrix, horizon)
    column = np.where(step >= 0, piece[step], EVERYWHERE)
    entry, of_entry = matrix.entry_row, column[matrix.index]
    timed = of_entry >= 0
    last = np.full(matrix.row_count, EVERYWHERE, dtype=np.int64)
    np.maximum.at(last, entry[timed], of_entry[timed])
    # A row over two windows belongs to the later one, which has copies of the other's columns.
    strange = timed & (of_entry != last[entry])
    low, high = np.full(matrix.row_count, count), np.full(matrix.row_count, -1)
    np.minimum.at(low, entry[strange], of_entry[strange])
    np.maximum.at(high, entry[strange], of_entry[strange])
    return Parts(column, np.where(high > low, NONE, last), count)


def plan(
    draft: Draft,
    matrix: Matrix,
    parts: Parts,
    coarser: Coarser | None,
    profiles: Sequence[Profile],
    gap: float,
    limit: float | None,
    on_progress: Callable[[Progress], None] | None,
    threads: int = 1,
) -> tuple[Outcome, tuple[Stage, ...]]:
    """Return the best plan found with its bound, and the stages; no solution where there is none.

    Parameters
    ----------
    draft, matrix, parts
        The model, its arrays, and its windows.
    coarser
        How the model is written on coarser steps, where it can be.
    profiles
        For a linear year that is not cut, one after another until one does not give up.
    gap
        Relative gap at which to stop.
    limit
        Wall time [s].
    on_progress
        Called while it runs.
    threads
        How many windows are solved at a time; the result does not depend on it.
    """
    year = Year(draft.horizon, coarser, profiles, threads)
    search = _Search(draft, matrix, parts, year, gap, limit, on_progress, threads)
    return search.run()


class _Search:
    """Plans and bounds while they are found, as a minimisation."""

    def __init__(
        self,
        draft: Draft,
        matrix: Matrix,
        parts: Parts,
        year: Year,
        gap: float,
        limit: float | None,
        on_progress: Callable[[Progress], None] | None,
        threads: int,
    ) -> None:
        self.draft, self.parts, self.year, self.gap = draft, parts, year, gap
        self.matrix, self.threads = matrix, threads
        self.model = replace(matrix, integrality=rounding.deciding(draft, matrix))
        lower, upper = finite_box(matrix)
        self.boxed = replace(self.model, col_lower=lower, col_upper=upper)
        self.limit, self.on_progress = limit, on_progress
        self.begun = time.perf_counter()
        self.bound = -np.inf
        self.best: Outcome | None = None
        self.stages: list[Stage] = []
        self.stopped = False
        self.tried: set[bytes] = set()
        self.cuts: Cuts | None = None

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.begun

    @property
    def left(self) -> float | None:
        return None if self.limit is None else max(self.limit - self.seconds, 0.1)

    @property
    def is_over(self) -> bool:
        """Whether there is nothing left to do, or no time."""
        late = self.limit is not None and self.seconds >= self.limit
        return self.stopped or late or self.open <= self.gap

    @property
    def objective(self) -> float:
        """Cost of the best plan, infinite without one."""
        if self.best is None or self.best.objective is None:
            return np.inf
        return self.matrix.sign * self.best.objective

    @property
    def open(self) -> float:
        """The gap that is left."""
        return np.inf if np.isinf(self.objective) else relative_gap(self.objective, self.bound)

    def run(self) -> tuple[Outcome, tuple[Stage, ...]]:
        """Search until the gap is small enough, nothing improves, or time is up."""
        first = self.linear(EASED, ease(self.matrix), None)
        if first.solution is None or first.solution.row_duals is None:
            return replace(first, seconds=self.seconds), tuple(self.stages)
        self.bound = self.matrix.sign * first.bound
        at = first
        for _ in range(MOST_ROUNDS):
            before = self.open
            at = self.round(at)
            gained = before - self.open if np.isfinite(before) else np.inf
            if self.is_over or self.best is None or gained < LEAST_GAIN * self.open:
                break
        self.inside()
        self.relax()
        best = self.best or replace(first, status=Status.UNKNOWN, solution=None, objective=None)
        if self.stopped:
            best = replace(best, status=Status.INTERRUPTED)
        bound = min(self.bound, self.objective)
        return replace(best, bound=self.matrix.sign * bound, seconds=self.seconds), (*self.stages,)

    def round(self, at: Outcome) -> Outcome:
        """Find a plan at the sizes of one, and a bound at its prices; return where to go on."""
        assert at.solution is not None
        assert at.solution.row_duals is not None
        values = self.windows(at.solution.values, self.matrix.sign * at.solution.row_duals)
        found = at if self.stopped else self.plan(values, at)
        if not self.is_over:
            duals = found.solution.row_duals if found.solution is not None else None
            if duals is not None:
                self.narrow()
                self.prove(self.matrix.sign * duals)
        return found

    # ------------------------------------------------------------------ plans

    def linear(self, name: str, matrix: Matrix, at: Outcome | None) -> Outcome:
        """Solve a linear year, from one that was solved before, and note the stage."""
        start, horizon = None, self.draft.horizon
        if at is not None and at.solution is not None and at.solution.row_duals is not None:
            duals = self.matrix.sign * at.solution.row_duals
            steps = np.arange(len(horizon))
            start = Level(steps, horizon, matrix, at.solution.values, duals)
        found, cuts = self.year.solve(
            matrix, start, SHARE * self.gap, self.left, rounding.named(name, self.on_progress)
        )
        if name == EASED:
            self.cuts = cuts
        self.stopped |= found.status is Status.INTERRUPTED
        objective, bound = found.objective, self.matrix.sign * self.bound
        if at is None:
            objective, bound = None, found.bound
        self.stages.append(Stage(name, found.seconds, objective, bound))
        return found

    def windows(self, values: Floats, prices: Floats) -> Floats:
        """Return what the windows do with columns without time held at values, at given prices."""
        begun = self.seconds
        lower, upper = self.boxed.col_lower.copy(), self.boxed.col_upper.copy()
        common = self.parts.column == EVERYWHERE
        at = np.clip(values, lower, upper)
        whole = common & (self.model.integrality == 1)
        at[whole] = np.ceil(at[whole] - 1e-6)
        lower[common] = upper[common] = at[common]
        priced = Priced(replace(self.boxed, col_lower=lower, col_upper=upper), self.parts, prices)
        free = Priced(self.boxed, self.parts, prices)
        scale = abs(self.bound) / self.parts.count
        profile = _profile(PLAN, SHARE * self.gap * scale)
        found = at

        def solve(number: int) -> tuple[Outcome, Ints]:
            for way in (priced, free):
                model, columns = way.model(number)
                outcome = self.one(model, profile)
                if outcome.solution is not None:
                    break
            return outcome, columns

        for number, (outcome, columns) in self.each(range(self.parts.count), solve):
            if outcome.solution is not None:
                mine = self.parts.column[columns] == number
                found[columns[mine]] = outcome.solution.values[mine]
        self.stages.append(Stage(f"{self.parts.count} windows", self.seconds - begun, None, None))
        return found

    def plan(self, values: Floats, at: Outcome) -> Outcome:
        """Solve the year with the whole numbers that follow from values; keep a better plan."""
        found = np.clip(values, self.matrix.col_lower, self.matrix.col_upper)
        if not rounding.are_followable(self.matrix, found):
            for name, whole in rounding.whole_values(self.draft, self.matrix, found).items():
                found[self.matrix.column_blocks[name].slice] = whole
        key = np.rint(found[self.matrix.integrality == 1]).tobytes()
        if key in self.tried:
            return at
        self.tried.add(key)
        outcome = self.linear("plan", ease(held(self.matrix, found)), at)
        if outcome.solution is None:
            return at
        return self.keep(outcome, found)

    def keep(self, outcome: Outcome, whole: Floats) -> Outcome:
        """Keep a plan, with its whole numbers, if it holds and is better; return it."""
        assert outcome.solution is not None
        values = outcome.solution.values.copy()
        integers = self.matrix.integrality == 1
        values[integers] = np.rint(whole[integers])
        solution, _ = checked_solution(
            self.matrix,
            values,
            outcome.solution.row_duals,
            outcome.solution.reduced_costs,
            vertex=False,
        )
        if solution is None:
            return outcome
        objective = self.matrix.objective(values)
        outcome = replace(outcome, solution=solution, objective=objective, status=Status.OPTIMAL)
        if self.matrix.sign * objective < self.objective:
            self.best = outcome
        return outcome

    def inside(self) -> None:
        """Improve the windows of the best plan, at one border and then at another."""
        shift, gained = 0, np.inf
        while self.best is not None and not self.is_over:
            before = self.objective
            values = self.improved(self.best, shift)
            if not self.stopped:
                self.plan(values, self.best)
            last, gained = gained, (before - self.objective) / max(abs(before), 1e-9)
            if max(last, gained) < LEAST_GAIN * self.gap:
                return
            shift += 1

    def improved(self, best: Outcome, shift: int) -> Floats:
        """Return a plan whose windows are each solved inside it."""
        assert best.solution is not None
        begun, values = self.seconds, best.solution.values.copy()
        scale = abs(self.objective) / self.parts.count
        profile = _profile(PLAN, SHARE * self.gap * scale)
        window = inside.shifted(self.matrix, self.draft.horizon, self.parts.column, shift)
        models = list(inside.models(self.model, values, window))

        def solve(number: int) -> Outcome:
            model, columns = models[number]
            return self.one(model, profile, start=values[columns])

        for number, outcome in self.each(range(len(models)), solve):
            if outcome.solution is not None:
                values[models[number][1]] = outcome.solution.values
        self.stages.append(Stage(f"{len(models)} windows inside", self.seconds - begun, None, None))
        return values

    # ------------------------------------------------------------------ bounds

    def narrow(self) -> None:
        """Take sizes to lie where a plan as good as the best one can have them.

        What the eased year costs at least, as a function of the sizes, is known by its cuts. A bound over
        what is left and the best plan's cost together bound every plan.
        """
        if self.cuts is None or not np.isfinite(self.objective):
            return
        begun, shared = self.seconds, self.cuts.shared
        bounded = np.isfinite(self.matrix.col_lower) & np.isfinite(self.matrix.col_upper)
        sizes = (self.parts.column == EVERYWHERE) & bounded & (self.matrix.integrality == 0)
        places = np.flatnonzero(sizes[shared])
        if len(places) == 0:
            return
        low, high = self.cuts.ranges(places.tolist(), self.objective)
        lower, upper = self.boxed.col_lower.copy(), self.boxed.col_upper.copy()
        at = shared[places]
        lower[at] = np.minimum(np.maximum(lower[at], low), upper[at])
        upper[at] = np.maximum(np.minimum(upper[at], high), lower[at])
        self.boxed = replace(self.boxed, col_lower=lower, col_upper=upper)
        self.stages.append(Stage("ranges of sizes", self.seconds - begun, None, None))

    def prove(self, prices: Floats) -> None:
        """Raise the bound by what prices prove."""
        begun = self.seconds
        priced = Priced(self.boxed, self.parts, prices)
        scale = abs(self.bound) / self.parts.count
        profile = _profile(ROOT, 0.1 * self.gap * scale)

        def solve(number: int) -> Outcome:
            return self.one(priced.model(number)[0], profile)

        proven = priced.fixed
        for _, outcome in self.each(priced.numbers, solve):
            proven += outcome.bound
        if self.stopped or not np.isfinite(proven):
            return
        self.bound = max(self.bound, proven)
        bound = self.matrix.sign * proven
        self.stages.append(Stage("bound of windows", self.seconds - begun, None, bound))

    def relax(self) -> None:
        """Raise the bound by the relaxation, which knows of whole numbers and sizes together."""
        if self.is_over:
            return
        free = replace(self.matrix, integrality=np.zeros_like(self.matrix.integrality))
        found = self.linear("relaxation", free, None)
        if np.isfinite(found.bound):
            self.bound = max(self.bound, self.matrix.sign * found.bound)

    # ------------------------------------------------------------------ many at a time

    def one(self, model: Matrix, profile: Profile, start: Floats | None = None) -> Outcome:
        """Solve one window; Ctrl-C ends it."""
        return highs.solve(model, profile, time_limit=self.left, cancel=self.cancel, start=start)

    def each(self, numbers: Iterable[int], solve: Callable[[int], T]) -> list[tuple[int, T]]:
        """Return what each window gives, in order; Ctrl-C ends those that run and drops the rest."""
        self.cancel = threading.Event()
        waiting: list[tuple[int, Future[T]]] = []
        with ThreadPoolExecutor(self.threads) as pool:
            try:
                waiting.extend((number, pool.submit(solve, number)) for number in numbers)
                wait([one for _, one in waiting])
            except KeyboardInterrupt:
                self.stopped = True
                self.cancel.set()
                for _, one in waiting:
                    one.cancel()
        return [(number, one.result()) for number, one in waiting if not one.cancelled()]


def _profile(options: Sequence[str], absolute_gap: float) -> Profile:
    return load_profile(DEFAULT, [*options, "mip_rel_gap=0", f"mip_abs_gap={absolute_gap!r}"])
