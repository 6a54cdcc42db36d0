"""How a model is solved: which profile, at once or rounded first; and what a run tells of itself."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from microgrid_opt.errors import InfeasibleError, InputError
from microgrid_opt.results import Run, Stage
from microgrid_opt.solve import highs, levels, parts, progressive, rounding, typical, windowed
from microgrid_opt.solve.profiles import LARGE, LARGE_NONZEROS, load_profile
from microgrid_opt.solve.status import Status
from microgrid_opt.yamlio.grammar import suggest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from microgrid_opt.draft import Draft
    from microgrid_opt.solve.coarse import Coarser
    from microgrid_opt.solve.matrix import Matrix
    from microgrid_opt.solve.priced import Parts
    from microgrid_opt.solve.profiles import Profile
    from microgrid_opt.solve.status import Outcome, Progress, Solution

AUTO = "auto"
DIRECT, PROGRESSIVE, ROUNDED, PARTS = "direct", "progressive", "rounded", "parts"
TYPICAL, WINDOWS = "typical", "windows"
STRATEGIES = (AUTO, DIRECT, PROGRESSIVE, ROUNDED, WINDOWS, PARTS)
"""Ways of solving; one that does not fit a model gives way to the usual choice, with a line."""
SMALL, MANY = "default", "mip"
MOST_THREADS = 8


@dataclass(frozen=True, eq=False)
class Held:
    """A plan and how it came about."""

    solution: Solution
    run: Run


def choose(
    name: str,
    overrides: Sequence[str],
    matrix: Matrix,
    *,
    rounds: bool = False,
    inside: Parts | None = None,
    splits: Parts | None = None,
    pieces: int = 0,
) -> tuple[Profile, str]:
    """Return the solver profile for a model, and why it was taken where nobody named one.

    ``rounds`` tells that the assets can round many of the model's whole numbers, ``inside`` the
    windows in which they are decided, ``splits`` how a
    model with few falls into months, ``pieces`` into how many a linear one is cut.
    """
    if name != AUTO:
        return load_profile(name, overrides), ""
    kind = kind_of(matrix)
    if pieces:
        gap = gap_of(overrides)
        end = "a vertex" if gap <= levels.EXACT else f"a gap of {gap:g}"
        method = f"coarse, then {pieces} pieces of the year to {end}"
        return load_profile(SMALL, overrides), f"{kind}: {method}"
    if not matrix.is_mip and matrix.nonzero_count >= LARGE_NONZEROS:
        return load_profile(LARGE, overrides), f"{kind}: interior point (HiPO)"
    whole = int(matrix.integrality.sum())
    taken, method = SMALL, "branch and bound" if matrix.is_mip else "dual simplex"
    if inside is not None:
        taken, method = MANY, f"ease, then plan and bound in {inside.count} windows of the year"
    elif rounds:
        taken, method = MANY, "relax and round"
    elif splits is not None:
        method = f"relax, then bound and hold them in {splits.count} parts of the year"
    if taken == MANY or splits is not None:
        kind += f", {whole:,} whole numbers"
    return load_profile(taken, overrides), f"{kind}: {method}"


def kind_of(matrix: Matrix) -> str:
    """Return kind and size of a model in words."""
    return f"{'MILP' if matrix.is_mip else 'LP'} with {matrix.nonzero_count:,} nonzeros"


def check_strategy(name: str) -> None:
    """Refuse what is no strategy.

    Raises
    ------
    InputError
        With those that there are.
    """
    if name not in STRATEGIES:
        hint = suggest(name, STRATEGIES, "strategies are")
        raise InputError(f"There is no strategy {name!r}{hint}")


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
        One of `STRATEGIES`.
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
    limit = time_limit_seconds
    ended = _from_coarse(
        draft, matrix, name, overrides, limit, on_progress, coarser, strategy, typical_days
    )
    if isinstance(ended, Held):
        return ended
    gave_up, spent, stages = ended
    limit = limit and max(limit - spent, 0.1)
    rounds, inside, splits = _by_whole_numbers(draft, matrix, strategy)
    profile, why = choose(name, overrides, matrix, rounds=rounds, inside=inside, splits=splits)
    why += gave_up
    taken = ROUNDED if rounds else PARTS if splits is not None else DIRECT
    taken = WINDOWS if inside is not None else taken
    if strategy not in {AUTO, taken} and not gave_up:
        why += f"; strategy {strategy} does not fit this model"
    if limit is None and "time_limit" in profile.options:
        limit = float(str(profile.options["time_limit"]))
    first: Outcome | None = None
    if taken != DIRECT:
        relaxed = with_simplex(choose(AUTO, overrides, _relaxed(matrix))[0], overrides)
        if inside is not None:
            gap, threads = rounding.allowed_gap(profile), threads_of(overrides)
            first, more = windowed.plan(
                draft, matrix, inside, coarser, relaxed, gap, limit, on_progress, threads
            )
        elif splits is None:
            first, more = rounding.plan(draft, matrix, relaxed, profile, limit, on_progress)
        else:
            first, more = parts.plan(
                draft, matrix, splits, relaxed, profile, _finer(profile), limit, on_progress
            )
        stages += more
        closed = first.status is Status.OPTIMAL and rounding.is_close_enough(first, profile)
        if closed or first.status is Status.INTERRUPTED:
            first.accepted("feasible")
            return held_of(matrix, profile, first, why, stages, taken)
        limit = limit and max(limit - first.seconds, 0.1)
    start = None if first is None or first.solution is None else first.solution.values
    # A profile that was asked for by name is not replaced by another one.
    profiles = with_simplex(profile, overrides) if why else [profile]
    tried = highs.attempts(matrix, profiles, time_limit=limit, on_progress=on_progress, start=start)
    stages += tuple(Stage(o.profile, o.seconds, o.objective, o.bound) for o in tried)
    outcome, profile = tried[-1], profiles[len(tried) - 1]
    if len(tried) > 1:
        why += ", which gave up; then dual simplex"
    if outcome.status is Status.INFEASIBLE:
        from microgrid_opt.solve.diagnosis import diagnose

        raise InfeasibleError(diagnose(draft, matrix))
    if first is not None:
        outcome = rounding.better(outcome, first)
    stopped = time_limit_seconds is not None or outcome.status is Status.INTERRUPTED
    outcome.accepted("feasible" if stopped else profile.accept)
    return held_of(matrix, profile, outcome, why, stages, taken)


def _by_whole_numbers(
    draft: Draft, matrix: Matrix, strategy: str
) -> tuple[bool, Parts | None, Parts | None]:
    """Return whether assets round whole numbers, and the windows or parts they are decided in."""
    if strategy in {AUTO, ROUNDED, WINDOWS} and rounding.is_worth_it(
        draft, matrix, forced=strategy != AUTO
    ):
        if strategy == ROUNDED or (strategy == AUTO and not windowed.has_given_sizes(draft)):
            return True, None, None
        return True, windowed.split(matrix, draft.horizon, forced=strategy == WINDOWS), None
    if strategy in {AUTO, PARTS}:
        return False, None, parts.split(matrix, draft.horizon, forced=strategy == PARTS)
    return False, None, None


def _progressive(
    draft: Draft,
    matrix: Matrix,
    coarser: Coarser,
    overrides: Sequence[str],
    limit: float | None,
    on_progress: Callable[[Progress], None] | None,
    forced: bool,
) -> Held | tuple[str, float, tuple[Stage, ...]]:
    """Solve a large linear model in pieces; else say why not, after how long and what was tried."""
    piece = levels.pieces_of(matrix, draft.horizon, forced=forced)
    if piece is None:
        return "", 0.0, ()
    profile, why = choose(AUTO, overrides, matrix, pieces=int(piece.max()) + 1)
    if limit is None and "time_limit" in profile.options:
        limit = float(str(profile.options["time_limit"]))
    outcome, stages = progressive.plan(
        matrix,
        draft.horizon,
        piece,
        coarser,
        with_simplex(load_profile(LARGE, overrides), overrides),
        gap_of(overrides),
        limit,
        on_progress,
        threads_of(overrides),
    )
    is_late = outcome.status is Status.TIME_LIMIT and outcome.solution is not None
    if is_late or outcome.status in {Status.OPTIMAL, Status.INTERRUPTED}:
        outcome.accepted("feasible")
        return held_of(matrix, profile, outcome, why, stages, PROGRESSIVE)
    return f"; pieces of the year gave up: {outcome.message}", outcome.seconds, stages


def _from_coarse(
    draft: Draft,
    matrix: Matrix,
    name: str,
    overrides: Sequence[str],
    limit: float | None,
    on_progress: Callable[[Progress], None] | None,
    coarser: Coarser | None,
    strategy: str,
    typical_days: int | None,
) -> Held | tuple[str, float, tuple[Stage, ...]]:
    """Solve from typical days or coarse steps where that is the way; else say what was tried."""
    if typical_days is not None:
        return _typical(draft, matrix, typical_days, name, overrides, limit, on_progress)
    forced = strategy == PROGRESSIVE
    if coarser is not None and (forced or (strategy == AUTO and name == AUTO)):
        return _progressive(draft, matrix, coarser, overrides, limit, on_progress, forced)
    return "", 0.0, ()


def _typical(
    draft: Draft,
    matrix: Matrix,
    count: int,
    name: str,
    overrides: Sequence[str],
    limit: float | None,
    on_progress: Callable[[Progress], None] | None,
) -> Held | tuple[str, float, tuple[Stage, ...]]:
    """Solve a linear model from typical days; else say why not, after how long and what was tried."""
    if matrix.is_mip:
        raise InputError(
            f"Typical days are for models without whole numbers, and this one has "
            f"{int(matrix.integrality.sum()):,}: leave --typical-days out, or leave out what needs "
            "them (commitment, tiers, units)."
        )

    def profiles(small: Matrix) -> list[Profile]:
        profile, why = choose(name, overrides, small)
        return with_simplex(profile, overrides) if why else [profile]

    gap = gap_of(overrides) if is_asked("mip_rel_gap", overrides) else None
    outcome, stages, done = typical.plan(
        matrix, draft.horizon, count, profiles, gap, limit, on_progress, threads_of(overrides)
    )
    if outcome.solution is None and outcome.status is not Status.INTERRUPTED:
        return f"; typical days gave up: {outcome.message}", outcome.seconds, stages
    outcome.accepted("feasible")
    profile = load_profile(SMALL if name == AUTO else name, overrides)
    why = f"{kind_of(matrix)}: {done}"
    return held_of(matrix, profile, outcome, why, stages, TYPICAL)


def gap_of(overrides: Sequence[str]) -> float:
    """Return the gap at which a linear model may stop: exact where none is asked for."""
    if not is_asked("mip_rel_gap", overrides):
        return levels.EXACT
    return max(rounding.allowed_gap(load_profile(SMALL, overrides)), levels.EXACT)


def threads_of(overrides: Sequence[str]) -> int:
    """Return how many pieces are solved at a time: all processors where nothing else is asked for."""
    if is_asked("threads", overrides):
        return max(int(str(load_profile(SMALL, overrides).options["threads"])), 1)
    return min(os.cpu_count() or 1, MOST_THREADS)


def is_asked(option: str, overrides: Sequence[str]) -> bool:
    """Return whether an option was given by the user."""
    return any(one.partition("=")[0].strip() == option for one in overrides)


def _finer(profile: Profile) -> Profile:
    """Return the profile of a part of the year, whose gap is a share of the one that is asked for."""
    return load_profile(SMALL, [f"mip_rel_gap={rounding.allowed_gap(profile) / 2.0}"])


def _relaxed(matrix: Matrix) -> Matrix:
    return replace(matrix, integrality=0 * matrix.integrality)


def with_simplex(profile: Profile, overrides: Sequence[str]) -> list[Profile]:
    """Return a profile and, behind another method, simplex: it takes longer and does not give up."""
    return [profile, *([] if profile.name == SMALL else [load_profile(SMALL, overrides)])]


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
            lp, _ = choose(AUTO, (), _relaxed(matrix))
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
