"""The plain strategy: the whole model to HiGHS, once; and what a run tells about itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from microgrid_opt.errors import InfeasibleError
from microgrid_opt.results import Run, Stage
from microgrid_opt.solve import highs
from microgrid_opt.solve.status import Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from microgrid_opt.builder import Draft
    from microgrid_opt.solve.matrix import Matrix
    from microgrid_opt.solve.profiles import Profile
    from microgrid_opt.solve.status import Outcome, Progress, Solution

DIRECT = "direct"


@dataclass(frozen=True, eq=False)
class Held:
    """A plan and how it came about."""

    solution: Solution
    run: Run


def solve(
    draft: Draft,
    matrix: Matrix,
    profile: Profile,
    time_limit_seconds: float | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Held:
    """Solve a model as it is.

    Raises
    ------
    InfeasibleError
        With the limits that contradict each other.
    NoPlanError
        Stopped before a plan was held.
    """
    outcome = highs.solve(
        matrix, profile, time_limit=time_limit_seconds, on_progress=on_progress
    )
    if outcome.status is Status.INFEASIBLE:
        from microgrid_opt.solve.explain import explain_draft  # noqa: PLC0415

        raise InfeasibleError(explain_draft(draft, matrix))
    accept = "feasible" if time_limit_seconds is not None else profile.accept
    solution = outcome.accepted(accept)
    prices = "LP" if solution.row_duals is not None else ""
    stages = [Stage(DIRECT, outcome.seconds, outcome.objective, outcome.bound)]
    if matrix.is_mip:
        fixed = highs.fixed_lp_duals(matrix, solution, profile).solution
        if fixed is not None:
            solution = replace(
                solution, row_duals=fixed.row_duals, reduced_costs=fixed.reduced_costs
            )
            prices = "LP with integers fixed"
    return Held(solution, run_of(matrix, profile, outcome, DIRECT, prices, tuple(stages)))


def run_of(
    matrix: Matrix,
    profile: Profile,
    outcome: Outcome,
    strategy: str,
    prices_from: str,
    stages: tuple[Stage, ...],
) -> Run:
    """Return what the results say of a solve."""
    objective = outcome.objective
    return Run(
        status=outcome.status.value,
        objective=float("nan") if objective is None else objective,
        bound=outcome.bound,
        gap=outcome.gap,
        kind="MILP" if matrix.is_mip else "LP",
        profile=profile.name,
        strategy=strategy,
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
