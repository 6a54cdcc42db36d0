"""HiGHS: solve a model once, and price the limits of an integer model."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from microgrid_opt.solve.bases import Basis
from microgrid_opt.solve.session import Session
from microgrid_opt.solve.status import Outcome, Status

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from microgrid_opt.solve.matrix import Matrix
    from microgrid_opt.solve.profiles import Profile
    from microgrid_opt.solve.status import Progress, Solution

    Floats = npt.NDArray[np.float64]

__all__ = ["Basis", "Session", "attempts", "fixed_lp_duals", "solve"]


def solve(
    matrix: Matrix,
    profile: Profile | None = None,
    *,
    time_limit: float | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    cancel: threading.Event | None = None,
    start: Floats | None = None,
    basis: Basis | None = None,
    log_file: Path | None = None,
    console: bool = False,
) -> Outcome:
    """Solve a model once; see `Session` for the parameters.

    When HiGHS cannot tell infeasible from unbounded, the model is solved again without costs.
    """
    with Session(matrix, profile, log_file=log_file, console=console) as session:
        if basis is not None:
            session.set_basis(basis)
        if start is not None:
            session.set_start(start)
        outcome = session.run(time_limit=time_limit, on_progress=on_progress, cancel=cancel)
    unclear = outcome.status is Status.INFEASIBLE_OR_UNBOUNDED
    if unclear or (outcome.status is Status.UNBOUNDED and matrix.is_mip):
        return _second_look(matrix, outcome, profile, time_limit, cancel)
    return outcome


def attempts(
    matrix: Matrix,
    profiles: Sequence[Profile],
    *,
    time_limit: float | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    start: Floats | None = None,
) -> list[Outcome]:
    """Solve with one profile after another until one does not give up (HiPO may on bad prices).

    Returns
    -------
    list of Outcome
        In order; the last one counts.
    """
    found: list[Outcome] = []
    for profile in profiles:
        spent = sum(outcome.seconds for outcome in found)
        left = None if time_limit is None else max(time_limit - spent, 0.1)
        found.append(solve(matrix, profile, time_limit=left, on_progress=on_progress, start=start))
        if found[-1].status is not Status.UNKNOWN:
            break
    return found


def _second_look(
    matrix: Matrix,
    outcome: Outcome,
    profile: Profile | None,
    time_limit: float | None,
    cancel: threading.Event | None,
) -> Outcome:
    free = replace(matrix, cost=np.zeros(matrix.column_count), offset=0.0)
    left = None if time_limit is None else max(time_limit - outcome.seconds, 0.1)
    with Session(free, profile) as session:
        second = session.run(time_limit=left, cancel=cancel)
    seconds = outcome.seconds + second.seconds
    if second.status is Status.INFEASIBLE:
        bound = matrix.sign * np.inf
        return replace(outcome, status=Status.INFEASIBLE, bound=bound, seconds=seconds)
    if second.solution is not None:
        return replace(outcome, status=Status.UNBOUNDED, seconds=seconds)
    return replace(outcome, status=Status.INFEASIBLE_OR_UNBOUNDED, seconds=seconds)


def fixed_lp_duals(matrix: Matrix, solution: Solution, profile: Profile | None = None) -> Outcome:
    """Solve the linear model that remains when all integers are held at their values.

    Its duals price one more unit of a limit as long as no integer changes. The integers are held at
    the next whole number; if that is infeasible within the tolerance (an integer off by 1e-7 times a
    big coefficient), at the solver's own values.

    Returns
    -------
    Outcome
        Of the linear model; its solution has duals when the status is optimal.
    """
    whole = matrix.integrality == 1
    outcome = None
    for values in (np.rint(solution.values), solution.values):
        lower, upper = matrix.col_lower.copy(), matrix.col_upper.copy()
        lower[whole] = upper[whole] = values[whole]
        integrality = np.zeros_like(matrix.integrality)
        held = replace(matrix, col_lower=lower, col_upper=upper, integrality=integrality)
        outcome = solve(held, profile)
        if outcome.status is not Status.INFEASIBLE:
            return outcome
    assert outcome is not None
    return outcome
