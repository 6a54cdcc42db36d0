"""A quick study: a few typical days for all, then the full model started from them.

1. Days are alike in the numbers of their rows and columns (`microgrid_opt.solve.days`); extreme days
   and those of a pattern of their own stand for themselves, k-medoids choose among the others.
2. The model in which medoids stand for their days is solved at once (`microgrid_opt.solve.aggregate`):
   sizes, what stores hold at midnight, prices.
3. The full model is searched in pieces from there (`microgrid_opt.solve.bundle`) until the gap is small.
   What comes out is a plan of the model as it is, and a bound that its own dual values prove: nothing
   of the typical days gets into either.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from microgrid_opt.errors import InputError
from microgrid_opt.results import Stage
from microgrid_opt.solve import highs
from microgrid_opt.solve.aggregate import Columns
from microgrid_opt.solve.bases import standing
from microgrid_opt.solve.bundle import Bundle
from microgrid_opt.solve.days import Days
from microgrid_opt.solve.layout import slopes_of
from microgrid_opt.solve.levels import Level, carry, ended, penalties, pieces_of, told
from microgrid_opt.solve.medoids import medoids
from microgrid_opt.solve.pieces import SHARED, Pieces, cut
from microgrid_opt.solve.status import Outcome, Status
from microgrid_opt.solve.typical_rows import small

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from microgrid_opt.horizon import Horizon
    from microgrid_opt.solve.matrix import Matrix
    from microgrid_opt.solve.profiles import Profile
    from microgrid_opt.solve.status import Progress

    Ints = NDArray[np.int64]

CHECKED = 0.01
"""Gap at which the full-year check ends when none is asked for: what a quick study can tell apart."""
EXTREME_SHARE = 4
"""One of so many typical days may be an extreme one: six without their average days tell little."""
FULL_DAY = 23.0
"""Shortest full day, when clocks go forward [h]."""


def check_days(horizon: Horizon, count: int) -> None:
    """Refuse a number of typical days that a horizon cannot have.

    Raises
    ------
    InputError
        Fewer than one or more than there are, steps across midnight, weights, no full day.
    """
    there = int(horizon.day[-1]) + 1
    ends = horizon.hour_of_day + horizon.step_hours
    if count < 1:
        raise InputError(f"{count} typical days are too few: give at least 1.")
    if (np.bincount(horizon.day, horizon.step_hours) < FULL_DAY).all():
        raise InputError(
            "Typical days need a horizon with a full day, and this one has none: leave "
            "--typical-days out, or plan more hours."
        )
    if (ends > 24.0 + 1e-6).any():
        at = int(np.argmax(ends > 24.0 + 1e-6))
        raise InputError(
            f"The step of {horizon.step_hours[at]:g} h at {horizon.stamps[at]} goes past midnight; "
            "typical days need steps that divide the day: 0.25, 0.5, 1, 2, 3, 4, 6, 8, 12 or 24 h."
        )
    if (horizon.weight != 1.0).any():
        raise InputError(
            "Steps with a weight stand for others already: typical days are chosen from a horizon "
            "whose steps count once. Leave --typical-days or `weight` out."
        )
    if count > there:
        raise InputError(
            f"{count} typical days are too many: there are {there}; give at most {there}."
        )


def check_linear(matrix: Matrix) -> None:
    """Refuse a model with whole numbers.

    Raises
    ------
    InputError
        It has some.
    """
    if matrix.is_mip:
        raise InputError(
            "Typical days are for models without whole numbers, and this one has some: leave "
            "--typical-days out, or leave out what needs them (commitment, tiers, units)."
        )


def represented(days: Days, count: int) -> Ints:
    """Return the day that stands for each day, shape (days,).

    Of ``count`` days a quarter, three at most, are extreme ones that stand for themselves. There are
    more than ``count`` where days have more patterns than that.
    """
    extreme = days.extremes()[: count // EXTREME_SHARE]
    others = np.setdiff1d(np.arange(days.count), extreme)
    found = np.arange(days.count)
    if len(others) == 0:
        return found
    wanted = max(count - len(extreme), len(np.unique(days.pattern[others])))
    near = days.distances()[np.ix_(others, others)]
    found[others] = others[medoids(near, min(wanted, len(others)))]
    return found


@dataclass(frozen=True, eq=False)
class Start:
    """What typical days tell of the full model.

    Parameters
    ----------
    name
        How many they are, in words.
    outcome
        Of their model.
    level
        The full model with values and duals; ``None`` where they have no plan.
    """

    name: str
    outcome: Outcome
    level: Level | None


def start(
    days: Days,
    count: int,
    profiles: Callable[[Matrix], Sequence[Profile]],
    limit: float | None,
    on_progress: Callable[[Progress], None] | None,
) -> Start:
    """Solve the model of typical days at once; see `plan` for the parameters."""
    columns = Columns(days, represented(days, count))
    few = small(columns)
    several = len(np.unique(columns.medoid))
    name = f"{several} typical day{'s' * (several != 1)} of {days.count}"
    tried = highs.attempts(
        few.matrix, profiles(few.matrix), time_limit=limit, on_progress=on_progress
    )
    first = tried[-1]
    if first.solution is None or first.solution.row_duals is None:
        return Start(name, first, None)
    values = few.columns.expand(first.solution.values)
    duals = few.prices(days.matrix.sign * first.solution.row_duals)
    steps = np.arange(len(days.horizon))
    known = columns.repeated(standing(days.matrix, values, days.step >= 0))
    level = Level(steps, days.horizon, days.matrix, values=values, duals=duals, known=known)
    return Start(name, first, level)


def plan(
    matrix: Matrix,
    horizon: Horizon,
    count: int,
    profiles: Callable[[Matrix], Sequence[Profile]],
    gap: float | None,
    limit: float | None,
    on_progress: Callable[[Progress], None] | None,
    threads: int = 1,
) -> tuple[Outcome, tuple[Stage, ...], str]:
    """Return a plan of the full model with its bound, the stages, and what was done in words.

    The outcome is `UNKNOWN`, without a solution and with the reason, where there is no plan.

    Parameters
    ----------
    matrix, horizon
        The model without whole numbers.
    count
        Number of typical days.
    profiles
        For the model of the typical days, one after another until one does not give up.
    gap
        Relative gap at which to stop; `CHECKED` if none is asked for.
    limit
        Wall time [s].
    on_progress
        Called while it runs.
    threads
        How many pieces are solved at a time; the result does not depend on it.
    """
    begun = time.perf_counter()
    days = Days(matrix, horizon)
    few = start(days, count, profiles, limit, on_progress)
    spent = time.perf_counter() - begun
    stages: tuple[Stage, ...] = (Stage(few.name, spent, few.outcome.objective),)
    if few.level is None:
        why = f"{few.name} have no plan ({few.outcome.status.value})"
        return _without(few.outcome.status, why, spent), stages, ""
    left = None if limit is None else max(limit - spent, 0.1)
    goal = CHECKED if gap is None else gap
    check = _Check(days, few.level, on_progress, threads)
    outcome = check.run(goal, left, few.outcome.solver)
    outcome = replace(outcome, seconds=time.perf_counter() - begun)
    stages += (Stage(check.name, outcome.seconds - spent, outcome.objective, outcome.bound),)
    done = f"{few.name} claim {few.outcome.objective:.6g}, {check.told}; {check.name} to a gap of {goal:g}"
    return outcome, stages, f"{done}: bound {outcome.bound:.6g}"


def _without(status: Status, why: str, seconds: float) -> Outcome:
    """Return that there is no plan, and why."""
    interrupted = status is Status.INTERRUPTED
    status = Status.INTERRUPTED if interrupted else Status.UNKNOWN
    return Outcome(status, None, None, -np.inf, seconds, message=why)


class _Check:
    """The full model, searched from a plan of typical days."""

    def __init__(
        self,
        days: Days,
        start: Level,
        on_progress: Callable[[Progress], None] | None,
        threads: int,
    ) -> None:
        self.start = start
        pieces = pieces_for(days)
        self.bundle = Bundle(start.matrix, pieces, penalties(start, start, pieces), threads)
        carry(start, start, self.bundle)
        all_days = "the one day" if days.count == 1 else f"all {days.count} days"
        many = "" if pieces.count == 1 else f" in {pieces.count} pieces"
        self.name = f"check on {all_days}{many}"
        self.begun = time.perf_counter()
        self.tell = told(self.name, start.matrix, self.begun, on_progress)
        self.serves: bool | None = None

    def listen(self, number: int, objective: float, bound: float) -> None:
        """Note whether the first point is one of a plan, and tell the listener."""
        if self.serves is None:
            self.serves = bool(np.isfinite(objective))
        self.tell(number, objective, bound)

    @property
    def told(self) -> str:
        """Whether the plan of the typical days serves all days as it is."""
        if self.serves:
            return "and their sizes and stores serve every day"
        return "but their sizes or stores miss something on other days and were changed"

    def run(self, gap: float, limit: float | None, solver: str) -> Outcome:
        """Search until the gap is reached."""
        matrix, values, duals = self.start.matrix, self.start.values, self.start.duals
        assert values is not None
        assert duals is not None
        bundle = self.bundle
        found = bundle.run(
            values,
            gap,
            time_limit=limit,
            slopes=[slopes_of(bundle.pieces, model.layout, duals) for model in bundle.models],
            on_round=self.listen,
        )
        seconds = time.perf_counter() - self.begun
        if found.values is None or found.duals is None:
            interrupted = found.failed == "interrupted"
            status = Status.INTERRUPTED if interrupted else Status.UNKNOWN
            return _without(status, f"{self.name} found no plan ({found.failed})", seconds)
        outcome = ended(matrix, found, gap, seconds, limit, solver)
        # Rounds are over: a quick study takes the plan with the gap that is proven.
        if outcome.status is Status.UNKNOWN and outcome.solution is not None:
            return replace(outcome, status=Status.ITERATION_LIMIT)
        return outcome


def pieces_for(days: Days) -> Pieces:
    """Return how the full model is cut; in one piece that shares its sizes where it is too small."""
    piece = pieces_of(days.matrix, days.horizon, forced=True)
    if piece is not None:
        return cut(days.matrix, days.horizon, piece)
    timed = days.step >= 0
    row = np.bincount(days.matrix.entry_row, timed[days.matrix.index], days.matrix.row_count) > 0
    return Pieces(
        np.where(timed, 0, SHARED), np.where(row, 0, SHARED), np.where(timed, 0, SHARED), 1
    )
