"""Operation window by window: each sees some hours, keeps the first of them, and the next goes on.

The windows are cut out of one model (`microgrid_opt.solve.windows`), and what they decide is put
together to one plan of it, which is checked on the whole model like that of any solver.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from microgrid_opt.errors import Finding, InfeasibleError, InputError, NoPlanError
from microgrid_opt.solve import highs
from microgrid_opt.solve.diagnosis import diagnose
from microgrid_opt.solve.reach import guide_of, reach_of
from microgrid_opt.solve.session import checked_solution
from microgrid_opt.solve.status import Outcome, Progress, Status
from microgrid_opt.solve.windows import Cutter

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from microgrid_opt.draft import Draft
    from microgrid_opt.horizon import Horizon
    from microgrid_opt.solve.matrix import Matrix
    from microgrid_opt.solve.profiles import Profile
    from microgrid_opt.solve.status import Solution
    from microgrid_opt.solve.windows import Guidance, Window

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

Forecast = Literal["perfect", "persistence"]
"""What a look-ahead sees: what comes, or the day before as if it came again."""

EPSILON = 1e-9
"""Hours below this are rounding."""


@dataclass(frozen=True)
class Windows:
    """How far each decision looks.

    Parameters
    ----------
    window_hours
        What each window decides for good [h].
    look_ahead_hours
        What it sees beyond that [h].
    guidance
        What counts beyond that: prices and shares of the plan with perfect foresight, or for what is
        stored nothing.
    forecast
        What is expected in the look-ahead: what comes, or what the days before it brought.

    Raises
    ------
    InputError
        For hours that are no window.
    """

    window_hours: float = 24.0
    look_ahead_hours: float = 24.0
    guidance: Guidance = "plan"
    forecast: Forecast = "perfect"

    def __post_init__(self) -> None:
        findings = []
        if not (math.isfinite(self.window_hours) and self.window_hours > 0.0):
            message = "must be more than 0 hours: a window decides one step or more."
            findings.append(Finding(message, key="window-hours", value=self.window_hours))
        if not (math.isfinite(self.look_ahead_hours) and self.look_ahead_hours >= 0.0):
            message = "must be 0 hours or more; 0 sees nothing beyond the window."
            findings.append(Finding(message, key="look-ahead-hours", value=self.look_ahead_hours))
        if self.guidance not in {"plan", "none"}:
            message = "must be `plan` or `none`."
            findings.append(Finding(message, key="guide", value=self.guidance))
        if self.forecast not in {"perfect", "persistence"}:
            message = "must be `perfect` or `persistence`."
            findings.append(Finding(message, key="forecast", value=self.forecast))
        if findings:
            raise InputError(findings)

    def borders(self, horizon: Horizon) -> list[tuple[int, int, int]]:
        """Return (first step, first step that is not kept, first that is not seen) of all windows."""
        n = len(horizon)
        begun = np.concatenate([[0.0], np.cumsum(horizon.step_hours)])
        found, a = [], 0
        while a < n:
            b = int(np.searchsorted(begun, begun[a] + self.window_hours - EPSILON))
            b = min(max(b, a + 1), n)
            c = int(np.searchsorted(begun, begun[b] + self.look_ahead_hours - EPSILON))
            found.append((a, b, min(max(c, b), n)))
            a = b
        return found


@dataclass(frozen=True, eq=False)
class Rolled:
    """The operation that the windows put together.

    Parameters
    ----------
    solution
        Values of the whole model, and duals of the rows that one window decided (NaN elsewhere).
    windows
        How many there were.
    seconds
        Wall time [s].
    notes
        Windows that had no plan at first, why, and what was done.
    """

    solution: Solution
    windows: int
    seconds: float
    notes: tuple[str, ...]


def roll(
    draft: Draft,
    matrix: Matrix,
    held: Flags,
    plan: Solution,
    spec: Windows,
    profile: Profile,
    on_progress: Callable[[Progress], None] | None = None,
    expected: Matrix | None = None,
) -> Rolled:
    """Walk through the horizon.

    Parameters
    ----------
    draft, matrix
        The model of the whole horizon; columns that are given are fixed in it.
    held
        Columns that are given (sizes), shape (columns,).
    plan
        Its optimum with perfect foresight, with duals.
    spec
        How far each window looks.
    profile
        Solver profile of the windows.
    on_progress
        Called after every window.
    expected
        The model as it is expected to be where a window looks ahead; the same when left out.

    Raises
    ------
    NoPlanError
        Stopped by Ctrl-C, or a window ended without a plan; the message tells how far it got.
    """
    walk = _Walk(draft, matrix, held, plan, spec, profile, on_progress, expected)
    walk.run()
    return walk.end()


class _Walk:
    """From window to window."""

    def __init__(
        self,
        draft: Draft,
        matrix: Matrix,
        held: Flags,
        plan: Solution,
        spec: Windows,
        profile: Profile,
        on_progress: Callable[[Progress], None] | None,
        expected: Matrix | None,
    ) -> None:
        self.begun = time.perf_counter()
        self.draft, self.matrix, self.profile = draft, matrix, profile
        self.plan, self.on_progress = plan, on_progress
        self.borders = spec.borders(draft.horizon)
        self.reach = reach_of(matrix, draft.horizon, held)
        duals = np.zeros(matrix.row_count) if plan.row_duals is None else plan.row_duals
        guide = guide_of(matrix, draft.horizon, self.reach, plan.values, matrix.sign * duals)
        self.cutter = Cutter(matrix, self.reach, held, guide, spec.guidance, expected)
        self.values = plan.values.copy()
        self.duals: Floats = np.full(matrix.row_count, np.nan)
        self.notes: list[str] = []
        self.done = 0
        self.expects = expected is not None

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.begun

    def run(self) -> None:
        """Decide all windows."""
        why = "Ctrl-C"
        try:
            while self.done < len(self.borders):
                outcome = self.decide(self.done)
                if outcome.interrupted:
                    break
                if outcome.solution is None:
                    why = outcome.status.value
                    break
                self.done += 1
                self.tell()
        except KeyboardInterrupt:
            pass
        if self.done < len(self.borders):
            raise NoPlanError(f"Stopped ({why}) in {self.reached()} Nothing was written.")

    def decide(self, number: int) -> Outcome:
        """Decide a window; where what was decided before it leaves no plan, with windows before it."""
        a, b, c = self.borders[number]
        window, outcome = self.solve(a, b, c)
        if outcome.status is not Status.INFEASIBLE:
            return outcome
        if self.expects and c > b:
            _, outcome = self.solve(a, b, b)
            if outcome.status is not Status.INFEASIBLE:
                self.notes.append(
                    f"{self.name(number)} had no plan for what it expected and was decided without "
                    "look-ahead."
                )
                return outcome
        why = self.cause(window)
        back = 1
        while number:
            before, _, _ = self.borders[number - back]
            after = self.reach.step >= before
            self.values[after] = self.plan.values[after]
            _, outcome = self.solve(before, b, c)
            if outcome.status is not Status.INFEASIBLE or back == number:
                break
            back = min(2 * back, number)
        if outcome.status is Status.INFEASIBLE:
            raise InfeasibleError(f"{self.name(number)} has no plan. {why}")
        if outcome.solution is not None:
            self.notes.append(
                f"{self.name(number)} had no plan after what was decided before it and was decided "
                f"again with the {back} before it. {why}"
            )
        return outcome

    def solve(self, a: int, b: int, c: int) -> tuple[Window, Outcome]:
        """Solve the steps a … c − 1, and keep what is decided before b."""
        window = self.cutter.window(self.values, a, b, c)
        outcome = self.outcome(window)
        if outcome.status is Status.UNBOUNDED:
            # What is left behind may be worth more than it costs, in any amount: keep the plan's.
            window = self.cutter.window(self.values, a, b, c, firm=True)
            outcome = self.outcome(window)
        if outcome.solution is None:
            return window, outcome
        step = self.reach.step[window.columns]
        kept = step < b
        found = outcome.solution.values[: len(step)]
        self.values[window.columns[kept]] = found[kept]
        if outcome.solution.row_duals is not None:
            first, last = self.reach.first[window.rows], self.reach.last[window.rows]
            own = (first >= a) & (last < b) & (last >= 0)
            duals = self.matrix.sign * outcome.solution.row_duals
            self.duals[window.rows[own]] = duals[own]
        return window, outcome

    def outcome(self, window: Window) -> Outcome:
        """Return the end of solving a window; an integer one without what the tolerance leaks."""
        if window.crossed is not None:
            return Outcome(Status.INFEASIBLE, None, None, math.inf, 0.0)
        outcome = highs.solve(window.matrix, self.profile)
        if window.matrix.is_mip and outcome.solution is not None:
            exact = highs.fixed_lp_duals(window.matrix, outcome.solution, self.profile)
            if exact.solution is not None:
                values = exact.solution.values
                whole = window.matrix.integrality == 1
                rounded = replace(exact.solution, values=np.where(whole, np.rint(values), values))
                stopped = outcome.interrupted or exact.interrupted
                outcome = replace(outcome, solution=rounded, interrupted=stopped)
        return outcome

    def cause(self, window: Window) -> str:
        """Return why a window has no plan."""
        if window.crossed is not None:
            name = self.matrix.column_name(window.crossed)
            return f"What was decided before leaves no value for {name}."
        return diagnose(self.draft, window.named(self.matrix))

    def name(self, number: int) -> str:
        """Return a window in words."""
        stamp = self.draft.horizon.stamps[self.borders[number][0]]
        return f"Window {number + 1} of {len(self.borders)} (from {stamp:%Y-%m-%d %H:%M})"

    def reached(self) -> str:
        """Return how far it got: the window that runs, and what the ones before it cost."""
        a = self.borders[self.done][0]
        decided = (self.reach.step >= 0) & (self.reach.step < a)
        cost = self.matrix.sign * float(self.matrix.cost[decided] @ self.values[decided])
        name = self.name(self.done)
        return f"w{name[1:]}; operation up to there costs {cost:,.6g}, without peaks and sizes."

    def tell(self) -> None:
        """Report that a window is decided."""
        if self.on_progress is not None:
            stage = f"window {self.done} of {len(self.borders)}"
            self.on_progress(Progress(stage, self.seconds))

    def end(self) -> Rolled:
        """Return the plan that the windows make; what has no step is chosen once more, for all.

        Raises
        ------
        NoPlanError
            It misses a limit of the whole model.
        """
        rest = self.cutter.rest(self.values)
        if len(rest.columns):
            outcome = self.outcome(rest)
            if outcome.solution is not None:
                self.values[rest.columns] = outcome.solution.values[: len(rest.columns)]
        solution, message = checked_solution(
            self.matrix, self.values, self.duals, None, vertex=False
        )
        if solution is None:
            raise NoPlanError(f"What the windows decided is no plan of the whole: {message}")
        return Rolled(solution, len(self.borders), self.seconds, tuple(self.notes))
