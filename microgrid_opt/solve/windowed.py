r"""Years with thousands of on/off decisions, in windows of some days: plans above, proven bounds below.

1. *Relaxation.* Without whole numbers, but with rows that know of them (`microgrid_opt.solve.tight`,
   `microgrid_opt.solve.ladder`), the year is linear: a first bound, sizes, and prices of all rows.
2. *Plan.* The assets round its states. With all whole numbers held the year is linear again: sizes,
   stores and flows of a plan.
3. *Inside.* Windows of the plan are improved while all else stands (`microgrid_opt.solve.inside`), at
   one border and then at another, and the year is planned anew with what they do.
4. *Windows.* At these prices every window is solved as a small model with its whole numbers and copies
   of sizes and borders. What they prove is a bound (`microgrid_opt.solve.priced`), what they do makes
   another plan. Then they have to agree on sizes (`microgrid_opt.solve.agreed`), which proves more, and
   longer windows follow inside the plan while that gains.

It ends when the gap is as asked, or nothing improves: a year of many windows then has a gap left.
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
from microgrid_opt.solve.agreed import MOST_JOINS, Agreed
from microgrid_opt.solve.boxes import finite_box
from microgrid_opt.solve.eased import Year, ease, held
from microgrid_opt.solve.ladder import extended, ladders_of, stairs_of, strengthened
from microgrid_opt.solve.levels import Level
from microgrid_opt.solve.priced import EVERYWHERE, LEAST_WINDOWS, joined
from microgrid_opt.solve.profiles import DEFAULT, load_profile
from microgrid_opt.solve.session import checked_solution
from microgrid_opt.solve.status import Outcome, Progress, Status, relative_gap

T = TypeVar("T")

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from microgrid_opt.draft import Draft
    from microgrid_opt.solve.agreed import Box
    from microgrid_opt.solve.coarse import Coarser
    from microgrid_opt.solve.matrix import Matrix
    from microgrid_opt.solve.priced import Parts
    from microgrid_opt.solve.profiles import Profile
    from microgrid_opt.solve.status import Solution

    Flags = NDArray[np.bool_]
    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

LEAST_GAIN = 0.05
"""Share of the gap that windows must close for others to follow."""
INSIDE_GAIN = 0.25
"""Share of the gap that windows inside a plan must close to go on, once both borders were tried."""
LAST_WORD = "; they gain no more (strategy direct: HiGHS alone)"
RELAXATION = "relaxation"
SHARE, CLOSER = 0.25, 0.03
"""Share of the asked gap that a linear year, or a window, may keep; that of one on which more is built."""
NARROW = 2e-3
"""Asked gap up to which windows have to raise the bound, from a relaxation that is as close."""
OPTIONS = ("mip_heuristic_run_rins=false", "mip_heuristic_run_root_reduced_cost=false")
"""Of the heuristics at the root one finds what the others find too."""


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
        deciding = replace(matrix, integrality=rounding.deciding(draft, matrix))
        self.ladders = ladders_of(deciding)
        self.stairs = stairs_of(matrix, self.ladders)
        self.model = strengthened(deciding, self.ladders)
        lower, upper = finite_box(self.model)
        self.boxed = replace(self.model, col_lower=lower, col_upper=upper)
        self.limit, self.on_progress = limit, on_progress
        self.begun = time.perf_counter()
        self.bound = -np.inf
        self.best: Outcome | None = None
        self.closest: Outcome | None = None
        """The plan whose linear year was solved closely."""
        self.stages: list[Stage] = []
        self.stopped = False
        self.tried: set[bytes] = set()

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
        found = None if self.best is None else self.best.objective
        return np.inf if found is None else self.matrix.sign * found

    @property
    def open(self) -> float:
        """The gap that is left."""
        return np.inf if np.isinf(self.objective) else relative_gap(self.objective, self.bound)

    def run(self) -> tuple[Outcome, tuple[Stage, ...]]:
        """Search until the gap is small enough, nothing improves, or time is up."""
        first = self.relaxation()
        if first.solution is None or first.solution.row_duals is None:
            return replace(first, seconds=self.seconds), tuple(self.stages)
        prices, values = self.matrix.sign * first.solution.row_duals, first.solution.values
        at = self.plan(self.own(values), replace(first, solution=self.known(first.solution)))
        self.inside()
        self.closer()
        many = self.parts.count >= LEAST_WINDOWS
        if not self.is_over:
            self.bounded(values, prices, at)
        self.closer()
        best = self.best or replace(first, status=Status.UNKNOWN, solution=None, objective=None)
        best = replace(best, solver=best.solver or first.solver)
        if self.stopped:
            best = replace(best, status=Status.INTERRUPTED)
        elif many and not self.is_over and best.solution is not None:
            best = replace(best, status=Status.GAP_LEFT)
        bound = min(self.bound, self.objective)
        return replace(best, bound=self.matrix.sign * bound, seconds=self.seconds), (*self.stages,)

    def bounded(self, values: Floats, prices: Floats, at: Outcome) -> None:
        """Raise the bound and improve the plan in windows, then in longer ones while that gains."""
        agreed = Agreed(self.boxed, self.parts, prices, self.several, self.stairs)
        before = self.objective
        found, root = self.windows(values, agreed)
        self.plan(self.own(found), at)
        if before - self.objective > LEAST_GAIN * self.open * abs(self.objective):
            self.inside()
        if self.best is None or self.best.solution is None or self.is_over:
            return
        begun, enough = self.seconds, self.objective - self.gap * abs(self.objective)
        plan = self.with_points(self.best.solution.values)
        bound = agreed.run(root, plan, enough, lambda: self.is_over)
        self.proven(bound, "windows that agree", begun)
        for _ in range(MOST_JOINS):
            before = self.open
            self.parts = joined(self.parts)
            self.inside()
            if self.open > (1.0 - LEAST_GAIN) * before:
                return

    def relaxation(self) -> Outcome:
        """Solve the year without whole numbers, for a bound, sizes and prices."""
        deciding = {
            one.name for one in self.model.columns if self.model.integrality[one.slice].any()
        }
        whole = np.zeros(self.model.column_count, self.matrix.integrality.dtype)
        whole[: self.matrix.column_count] = self.matrix.integrality
        found = self.year.relaxation(
            replace(self.model, integrality=whole),
            self.ladders,
            deciding,
            (CLOSER if self.gap <= NARROW else SHARE) * self.gap,
            self.left,
            rounding.named(RELAXATION, self.on_progress),
        )
        self.stopped |= found.status is Status.INTERRUPTED
        self.bound = self.matrix.sign * found.bound
        self.stages.append(Stage(RELAXATION, found.seconds, None, found.bound))
        return found

    def known(self, solution: Solution) -> Solution:
        """Return a solution of the strengthened model as one of the model's own."""
        assert solution.row_duals is not None
        rows, reduced = self.matrix.row_count, solution.reduced_costs
        return replace(
            solution,
            values=self.own(solution.values),
            reduced_costs=None if reduced is None else self.own(reduced),
            activities=solution.activities[:rows],
            row_duals=solution.row_duals[:rows],
        )

    def own(self, values: Floats) -> Floats:
        """Return values of the model's own columns, without the points of sizes."""
        return values[: self.matrix.column_count]

    def with_points(self, values: Floats) -> Floats:
        """Return values of the model's own columns with the points of sizes behind them."""
        return extended(values, self.stairs)

    # ------------------------------------------------------------------ plans

    @property
    def units(self) -> Flags:
        """Which own columns are whole and have no step, shape (columns,)."""
        everywhere = self.parts.column[: self.matrix.column_count] == EVERYWHERE
        return np.asarray(everywhere & (self.matrix.integrality == 1))

    def rounded_up(self, values: Floats) -> Floats:
        """Return values of own columns with enough units for what they stand for."""
        return np.where(self.units, np.ceil(values - 1e-6), values)

    def windows(self, values: Floats, agreed: Agreed) -> tuple[Floats, Box]:
        """Raise the bound by what the windows prove at prices; return what they do, and the proof.

        Whole numbers without a step (units of a size) have to agree: where there are any, the windows
        are solved once more with these held at what the values need.
        """
        begun, whole = self.seconds, self.units
        root, found = agreed.root(values)
        self.proven(agreed.fixed + root.bound, f"{self.parts.count} windows", begun)
        if whole.any() and not self.is_over:
            at, fixed = values.copy(), np.zeros(len(values), dtype=bool)
            at[: len(whole)], fixed[: len(whole)] = self.rounded_up(self.own(values)), whole
            at = np.clip(at, self.boxed.col_lower, self.boxed.col_upper)
            found = agreed.held(fixed, at).root(values)[1]
        return found, root

    def proven(self, bound: float, name: str, begun: float) -> None:
        """Take what windows prove if it is more, and note the stage that began at so many seconds."""
        self.bound = max(self.bound, bound) if np.isfinite(bound) else self.bound
        self.stages.append(Stage(name, self.seconds - begun, None, self.matrix.sign * self.bound))

    def several(self, models: Sequence[Matrix], count: int) -> list[Outcome | None]:
        """Solve windows of so many, each to its share of the gap; ``None`` for those not begun."""
        profile = _profile(SHARE * self.gap * abs(self.bound) / count)
        found: list[Outcome | None] = [None] * len(models)
        for number, outcome in self.each(
            range(len(models)), lambda k: self.one(models[k], profile)
        ):
            found[number] = outcome
        return found

    def linear(self, matrix: Matrix, at: Outcome, share: float = SHARE) -> Outcome:
        """Solve the year with its whole numbers held, from one solved before, to a share of the gap."""
        assert at.solution is not None
        assert at.solution.row_duals is not None
        horizon = self.draft.horizon
        duals = self.matrix.sign * at.solution.row_duals
        start = Level(np.arange(len(horizon)), horizon, matrix, at.solution.values, duals)
        found = self.year.solve(
            matrix, start, share * self.gap, self.left, rounding.named("plan", self.on_progress)
        )
        self.stopped |= found.status is Status.INTERRUPTED
        bound = self.matrix.sign * self.bound
        self.stages.append(Stage("plan", found.seconds, found.objective, bound))
        return found

    def plan(self, values: Floats, at: Outcome) -> Outcome:
        """Solve the year with the whole numbers that follow from values; keep a better plan."""
        found = np.clip(self.rounded_up(values), self.matrix.col_lower, self.matrix.col_upper)
        if not rounding.are_followable(self.matrix, found):
            for name, whole in rounding.whole_values(self.draft, self.matrix, found).items():
                found[self.matrix.column_blocks[name].slice] = whole
        key = np.rint(found[self.matrix.integrality == 1]).tobytes()
        if key in self.tried:
            return at
        self.tried.add(key)
        outcome = self.linear(ease(held(self.matrix, found)), at)
        if outcome.solution is None:
            return at
        return self.keep(outcome, found)

    def closer(self) -> None:
        """Solve the linear year of the best plan once more: what its search left open is in the gap."""
        best = self.best
        if best is None or best.solution is None or best is self.closest or self.is_over:
            return
        whole = best.solution.values
        outcome = self.linear(ease(held(self.matrix, whole)), best, CLOSER)
        if outcome.solution is not None:
            self.keep(outcome, whole)
        self.closest = self.best

    def is_met(self) -> bool:
        """Whether it is over, maybe since the linear year of the best plan is solved closely now."""
        if self.open <= (1.0 + SHARE) * self.gap:
            self.closer()
        return self.is_over

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
        while self.best is not None and not self.is_met():
            if shift > 1 and gained < INSIDE_GAIN * self.open:
                return
            before = self.objective
            values = self.improved(self.best, shift)
            if not self.stopped:
                self.plan(values, self.best)
            gained = (before - self.objective) / max(abs(before), 1e-9)
            shift += 1

    def improved(self, best: Outcome, shift: int) -> Floats:
        """Return a plan whose windows are each solved inside it."""
        assert best.solution is not None
        begun, values = self.seconds, self.with_points(best.solution.values)
        scale = abs(self.objective) / self.parts.count
        profile = _profile(SHARE * max(self.gap, self.open) * scale)
        window = inside.shifted(self.model, self.draft.horizon, self.parts.column, shift)
        models = list(inside.models(self.model, values, window))

        def solve(number: int) -> Outcome:
            model, columns = models[number]
            return self.one(model, profile, start=values[columns])

        for number, outcome in self.each(range(len(models)), solve):
            if outcome.solution is not None:
                values[models[number][1]] = outcome.solution.values
        self.stages.append(Stage(f"{len(models)} windows inside", self.seconds - begun, None, None))
        return self.own(values)

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


def _profile(absolute_gap: float) -> Profile:
    return load_profile(DEFAULT, [*OPTIONS, "mip_rel_gap=0", f"mip_abs_gap={absolute_gap!r}"])
