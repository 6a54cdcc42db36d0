"""A model solved the way that was chosen, and what the run tells of itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from microgrid_opt.errors import InfeasibleError
from microgrid_opt.results import Run, Stage
from microgrid_opt.solve import (
    branched,
    highs,
    levels,
    parts,
    priced,
    progressive,
    rounding,
    typical,
    windowed,
)
from microgrid_opt.solve.choice import (
    AUTO,
    BRANCHED,
    DIRECT,
    PARTS,
    PROGRESSIVE,
    ROUNDED,
    SMALL,
    TYPICAL,
    WINDOWS,
    choose,
    gap_of,
    is_asked,
    kind_of,
    relaxed,
    threads_of,
    with_simplex,
)
from microgrid_opt.solve.pieces import count_of
from microgrid_opt.solve.profiles import LARGE, load_profile
from microgrid_opt.solve.status import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from microgrid_opt.draft import Draft
    from microgrid_opt.solve.coarse import Coarser
    from microgrid_opt.solve.matrix import Matrix
    from microgrid_opt.solve.priced import Parts
    from microgrid_opt.solve.profiles import Profile
    from microgrid_opt.solve.status import Outcome, Progress, Solution


@dataclass(frozen=True, eq=False)
class Held:
    """A plan and how it came about."""

    solution: Solution
    run: Run


def solve(
    draft: Draft,
    matrix: Matrix,
    name: str = AUTO,
    overrides: Sequence[str] = (),
    time_limit_seconds: float | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    coarser: Coarser | None = None,
    strategy: str = AUTO,
    typical_days: int | None = None,
) -> Held:
    """Solve a model: as it is, in pieces of the year, or relaxed and rounded first.

    Parameters
    ----------
    draft, matrix
        The model, and its arrays.
    name, overrides
        Solver profile and its overrides; `auto` chooses.
    time_limit_seconds
        Wall time.
    on_progress
        Called while the solver runs.
    coarser
        How the model is written on coarser steps, where it can be.
    strategy
        One of `microgrid_opt.solve.choice.STRATEGIES`.
    typical_days
        From how many days to start a quick study; ``None`` for none.

    Raises
    ------
    InputError
        Typical days of a model with whole numbers.
    InfeasibleError
        With the limits that contradict each other.
    NoPlanError
        Stopped before a plan was held.
    """
    ask = _Ask(
        draft,
        matrix,
        name,
        overrides,
        time_limit_seconds,
        on_progress,
        coarser,
        strategy,
        typical_days,
    )
    first = _from_coarse(ask)
    return first if isinstance(first, Held) else _in_own_steps(ask, first)


@dataclass(frozen=True, eq=False)
class _Ask:
    """A model and how it is to be solved, as the parameters of `solve`."""

    draft: Draft
    matrix: Matrix
    name: str
    overrides: Sequence[str]
    limit: float | None
    on_progress: Callable[[Progress], None] | None
    coarser: Coarser | None
    strategy: str
    typical_days: int | None

    def profiles(self, matrix: Matrix) -> list[Profile]:
        """Return the profiles for a smaller model of the same problem, in turn.

        One that was asked for by name is not replaced by another one.
        """
        profile, why = choose(self.name, self.overrides, matrix)
        return with_simplex(profile, self.overrides) if why else [profile]


@dataclass(frozen=True, eq=False)
class _Vain:
    """What was tried in vain: why it gave up, after how long [s], its stages, and what it had by then."""

    why: str = ""
    seconds: float = 0.0
    stages: tuple[Stage, ...] = ()
    outcome: Outcome | None = None


@dataclass(frozen=True, eq=False)
class _Way:
    """How whole numbers are decided first.

    Parameters
    ----------
    strategy
        Its name, `DIRECT` where they are not.
    inside, splits
        The windows, or the parts of the year, in which they are.
    piece
        Of each step, where they are branched on over cuts of the pieces.
    """

    strategy: str
    inside: Parts | None = None
    splits: Parts | None = None
    piece: NDArray[np.int64] | None = None

    def pieces(self, matrix: Matrix) -> int:
        """Return the number of pieces."""
        return 0 if self.piece is None else count_of(matrix, self.piece)


def _from_coarse(ask: _Ask) -> Held | _Vain:
    """Solve from typical days or coarse steps where that is the way; else say what was tried."""
    if ask.typical_days is not None:
        return _typical(ask, ask.typical_days)
    forced = ask.strategy == PROGRESSIVE
    if ask.coarser is not None and (forced or (ask.strategy == AUTO and ask.name == AUTO)):
        return _progressive(ask, ask.coarser, forced=forced)
    return _Vain()


def _typical(ask: _Ask, count: int) -> Held | _Vain:
    """Solve a linear model from typical days; else say why not."""
    matrix, overrides = ask.matrix, ask.overrides
    typical.check_linear(matrix)
    gap = gap_of(overrides) if is_asked("mip_rel_gap", overrides) else None
    outcome, stages, done = typical.plan(
        matrix,
        ask.draft.horizon,
        count,
        ask.profiles,
        gap,
        ask.limit,
        ask.on_progress,
        threads_of(overrides),
    )
    if outcome.solution is None and outcome.status is not Status.INTERRUPTED:
        return _Vain(f"; typical days gave up: {outcome.message}", outcome.seconds, stages)
    outcome.accepted("feasible")
    profile = load_profile(SMALL if ask.name == AUTO else ask.name, overrides)
    why = f"{kind_of(matrix)}: {done}"
    return held_of(matrix, profile, outcome, why, stages, TYPICAL)


def _progressive(ask: _Ask, coarser: Coarser, *, forced: bool) -> Held | _Vain:
    """Solve a large linear model in pieces; else say why not."""
    matrix, overrides = ask.matrix, ask.overrides
    piece = levels.pieces_of(matrix, ask.draft.horizon, forced=forced)
    if piece is None:
        return _Vain()
    profile, why = choose(AUTO, overrides, matrix, pieces=count_of(matrix, piece))
    outcome, stages = progressive.plan(
        matrix,
        ask.draft.horizon,
        piece,
        coarser,
        with_simplex(load_profile(LARGE, overrides), overrides),
        gap_of(overrides),
        _limit(ask.limit, profile),
        ask.on_progress,
        threads_of(overrides),
    )
    is_late = outcome.status is Status.TIME_LIMIT and outcome.solution is not None
    if is_late or outcome.status in {Status.OPTIMAL, Status.INTERRUPTED}:
        outcome.accepted("feasible")
        return held_of(matrix, profile, outcome, why, stages, PROGRESSIVE)
    why = f"; pieces of the year gave up: {outcome.message}"
    return _Vain(why, outcome.seconds, stages, outcome)


def _in_own_steps(ask: _Ask, before: _Vain) -> Held:
    """Solve a model as it is, whole numbers first where that pays.

    Raises
    ------
    InfeasibleError
        With the limits that contradict each other.
    NoPlanError
        Stopped before a plan was held.
    """
    matrix, way = ask.matrix, _way(ask)
    profile, why = choose(
        ask.name,
        ask.overrides,
        matrix,
        rounds=way.strategy == ROUNDED,
        inside=way.inside,
        splits=way.splits,
        pieces=way.pieces(matrix),
    )
    # A profile that was asked for by name is not replaced by another one.
    profiles = with_simplex(profile, ask.overrides) if why else [profile]
    why += before.why
    if ask.strategy not in {AUTO, way.strategy} and not before.why:
        why += f"; strategy {ask.strategy} does not fit this model"
    limit = _limit(ask.limit and _left(ask.limit, before.seconds), profile)
    stages, first, start = before.stages, before.outcome, None
    if way.strategy != DIRECT:
        first, more = _whole_numbers_first(ask, way, profile, limit)
        stages += more
        closed = first.status is Status.OPTIMAL and rounding.is_close_enough(first, profile)
        if closed or first.status in {Status.INTERRUPTED, Status.GAP_LEFT}:
            first.accepted("feasible")
            why += windowed.LAST_WORD if first.status is Status.GAP_LEFT else ""
            return held_of(matrix, profile, first, why, stages, way.strategy)
        if way.strategy == BRANCHED:
            why += f"; pieces of the year gave up: {first.message}" if first.message else ""
        limit = limit and _left(limit, first.seconds)
        start = None if first.solution is None else first.solution.values
    tried = highs.attempts(
        matrix, profiles, time_limit=limit, on_progress=ask.on_progress, start=start
    )
    stages += tuple(Stage(o.profile, o.seconds, o.objective, o.bound) for o in tried)
    outcome, profile = tried[-1], profiles[len(tried) - 1]
    if len(tried) > 1:
        why += ", which gave up; then dual simplex"
    if outcome.status is Status.INFEASIBLE:
        from microgrid_opt.solve.diagnosis import diagnose

        raise InfeasibleError(diagnose(ask.draft, matrix))
    if first is not None:
        outcome = rounding.better(outcome, first)
    stopped = ask.limit is not None or outcome.status is Status.INTERRUPTED
    outcome.accepted("feasible" if stopped else profile.accept)
    return held_of(matrix, profile, outcome, why, stages, way.strategy)


def _way(ask: _Ask) -> _Way:
    """Return how whole numbers are decided first: rounded by assets, branched on, or by months."""
    draft, matrix, strategy = ask.draft, ask.matrix, ask.strategy
    forced = strategy != AUTO
    if strategy in {AUTO, ROUNDED, WINDOWS} and rounding.is_worth_it(draft, matrix, forced=forced):
        inside = None
        if strategy != ROUNDED:
            inside = priced.split(matrix, draft.horizon, forced=forced)
        return _Way(ROUNDED if inside is None else WINDOWS, inside=inside)
    if strategy in {AUTO, BRANCHED} and ask.coarser is not None:
        piece = branched.pieces_of(matrix, draft.horizon, forced=forced)
        if piece is not None:
            return _Way(BRANCHED, piece=piece)
    if strategy in {AUTO, PARTS}:
        splits = parts.split(matrix, draft.horizon, forced=forced)
        return _Way(DIRECT if splits is None else PARTS, splits=splits)
    return _Way(DIRECT)


def _whole_numbers_first(
    ask: _Ask, way: _Way, profile: Profile, limit: float | None
) -> tuple[Outcome, tuple[Stage, ...]]:
    """Return the plan of a way, with its bound, and the stages."""
    draft, matrix, told = ask.draft, ask.matrix, ask.on_progress
    lp = with_simplex(choose(AUTO, ask.overrides, relaxed(matrix))[0], ask.overrides)
    gap, threads = rounding.allowed_gap(profile), threads_of(ask.overrides)
    if way.piece is not None and ask.coarser is not None:
        return branched.plan(
            matrix, draft.horizon, way.piece, ask.coarser, lp, gap, limit, told, threads
        )
    if way.inside is not None:
        return windowed.plan(draft, matrix, way.inside, ask.coarser, lp, gap, limit, told, threads)
    if way.splits is not None:
        finer = _finer(profile)
        return parts.plan(draft, matrix, way.splits, lp, profile, finer, limit, told)
    return rounding.plan(draft, matrix, lp, profile, limit, told)


def _limit(limit: float | None, profile: Profile) -> float | None:
    """Return the wall time [s] that was asked for, else the profile's."""
    if limit is None and "time_limit" in profile.options:
        return float(str(profile.options["time_limit"]))
    return limit


def _left(limit: float, seconds: float) -> float:
    """Return the wall time that is left [s]; a solver needs some."""
    return max(limit - seconds, 0.1)


def _finer(profile: Profile) -> Profile:
    """Return the profile of a part of the year, whose gap is a share of the one that is asked for."""
    return load_profile(SMALL, [f"mip_rel_gap={rounding.allowed_gap(profile) / 2.0}"])


def held_of(
    matrix: Matrix,
    profile: Profile,
    outcome: Outcome,
    why: str,
    stages: tuple[Stage, ...],
    strategy: str,
) -> Held:
    """Return a plan with prices: an integer one is priced by the LP with its integers held.

    That LP is the plan itself without the leaks that the integrality tolerance allows (a binary at
    1 − 1e-7).
    """
    solution = outcome.accepted("feasible")
    prices = "LP" if solution.row_duals is not None else ""
    if matrix.is_mip:
        if solution.row_duals is None:
            lp, _ = choose(AUTO, (), relaxed(matrix))
            by = profile if strategy == DIRECT else lp
            fixed = highs.fixed_lp_duals(matrix, solution, by)
            if fixed.solution is not None and fixed.solution.row_duals is not None:
                solution = fixed.solution
                outcome = replace(outcome, objective=fixed.objective)
                stages += (Stage("integers fixed", fixed.seconds, fixed.objective),)
        prices = "LP with integers fixed" if solution.row_duals is not None else ""
    return Held(solution, _run(matrix, profile, outcome, why, prices, stages, strategy))


def _run(
    matrix: Matrix,
    profile: Profile,
    outcome: Outcome,
    why: str,
    prices_from: str,
    stages: tuple[Stage, ...],
    strategy: str,
) -> Run:
    objective = outcome.objective
    return Run(
        status=outcome.status.value,
        objective=float("nan") if objective is None else objective,
        bound=outcome.bound,
        gap=outcome.gap,
        kind="MILP" if matrix.is_mip else "LP",
        profile=profile.name,
        strategy=strategy,
        choice=why,
        seconds=outcome.seconds,
        columns=matrix.column_count,
        rows=matrix.row_count,
        nonzeros=matrix.nonzero_count,
        integers=int(matrix.integrality.sum()),
        prices_from=prices_from,
        solver=outcome.solver,
        stages=stages,
        options=dict(profile.options),
    )
