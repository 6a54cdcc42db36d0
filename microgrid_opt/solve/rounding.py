r"""Years with thousands of on/off decisions: relax, round, price; the gap is proven.

1. The relaxation (no whole numbers) gives a bound $z^{LP} \le z^*$ on every plan, and relaxed values.
2. Each asset turns its relaxed values into whole numbers that keep its own rules (run lengths, starts).
3. With those held, what remains (sizes, flows, stores; few or no whole numbers) is solved: a plan
   $z \ge z^*$, so that $(z - z^{LP}) / |z|$ bounds its distance to the optimum.
4. If that is more than the profile's gap, branch and bound goes on from the plan.

The bound holds because the relaxation has every plan of the park among its points; nothing else of
the certificate depends on how the numbers were rounded. Source of the idea: relaxation-induced
rounding as in Danna, Rothberg & Le Pape (2005), Exploring relaxation induced neighborhoods to improve
MIP solutions, doi:10.1007/s10107-004-0518-7.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from microgrid_opt.results import Stage
from microgrid_opt.solve import highs
from microgrid_opt.solve.status import Status, relative_gap

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from microgrid_opt.draft import Draft
    from microgrid_opt.solve.matrix import Matrix
    from microgrid_opt.solve.profiles import Profile
    from microgrid_opt.solve.status import Outcome, Progress

    Floats = NDArray[np.float64]

MANY = 1000
"""Whole numbers that assets can round from which it pays to round them first: a week of hours with
three of them each (504) is solved faster as it is."""


def is_worth_it(draft: Draft, matrix: Matrix, *, forced: bool = False) -> bool:
    """Return whether assets can round so many whole numbers that it pays, or any if ``forced``."""
    known = sum(
        int(matrix.integrality[matrix.column_blocks[one.name].slice].sum())
        for rounding in draft.roundings
        for one in rounding.series.values()
        if hasattr(one, "name") and one.name in matrix.column_blocks
    )
    return known >= (1 if forced else MANY)


def plan(
    draft: Draft,
    matrix: Matrix,
    relaxed_profiles: Sequence[Profile],
    profile: Profile,
    time_limit: float | None,
    on_progress: Callable[[Progress], None] | None,
) -> tuple[Outcome, tuple[Stage, ...]]:
    """Return the plan of the rounded numbers with the bound of the relaxation, and the stages.

    There is no solution where the rounded numbers contradict other limits.

    Parameters
    ----------
    draft, matrix
        The model, its arrays, and how its assets round.
    relaxed_profiles, profile
        For the models without whole numbers, one after another until one does not give up, and for
        what keeps some after rounding.
    time_limit
        Wall time [s].
    on_progress
        Called while the solver runs.
    """
    free = replace(matrix, integrality=np.zeros_like(matrix.integrality))
    listener = named("relaxation", on_progress)
    tried = highs.attempts(free, relaxed_profiles, time_limit=time_limit, on_progress=listener)
    stages = [Stage("relaxation", one.seconds, None, one.objective) for one in tried]
    first, spent = tried[-1], sum(one.seconds for one in tried)
    if first.status is not Status.OPTIMAL or first.solution is None:
        return replace(first, solution=None, objective=None, seconds=spent), tuple(stages)
    held = hold(matrix, whole_values(draft, matrix, first.solution.values))
    left = None if time_limit is None else max(time_limit - spent, 0.1)
    tried = highs.attempts(
        held,
        [profile] if held.is_mip else relaxed_profiles,
        time_limit=left,
        on_progress=named("rounded", on_progress),
    )
    second = tried[-1]
    stages += [Stage("rounded", one.seconds, one.objective, first.objective) for one in tried]
    seconds = spent + sum(one.seconds for one in tried)
    return replace(second, bound=first.bound, seconds=seconds), tuple(stages)


def whole_values(draft: Draft, matrix: Matrix, values: Floats) -> dict[str, Floats]:
    """Return the whole numbers that the assets make of relaxed values, by name of the variable."""
    found: dict[str, Floats] = {}
    for rounding in draft.roundings:
        relaxed = {name: _of(matrix, one, values) for name, one in rounding.series.items()}
        for name, whole in rounding.rule(relaxed).items():
            found[rounding.series[name].name] = np.asarray(whole, dtype=float)
    return found


def _of(matrix: Matrix, one: Any, values: Floats) -> Floats:
    """Return the relaxed values of a variable, of a weighted sum of them, or a number as it is."""
    if hasattr(one, "terms"):
        parts = [_numbers(factor) * _of(matrix, part, values) for factor, part in one.terms]
        return np.asarray(np.sum(parts, axis=0))
    if hasattr(one, "name"):
        return np.asarray(values[matrix.column_blocks[one.name].slice])
    return np.atleast_1d(np.asarray(one, dtype=float))


def _numbers(factor: Any) -> Floats:
    """Return a parameter of a rule as an array: by step, or one number."""
    if hasattr(factor, "value"):
        return np.atleast_1d(float(factor.value))
    return np.fromiter(factor.extract_values().values(), dtype=float)


def hold(matrix: Matrix, whole: dict[str, Floats]) -> Matrix:
    """Return the model with the given variables held at whole values; the rest stays as it is."""
    lower, upper = matrix.col_lower.copy(), matrix.col_upper.copy()
    integrality = matrix.integrality.copy()
    for name, values in whole.items():
        columns = matrix.column_blocks[name].slice
        lower[columns] = upper[columns] = values
        integrality[columns] = 0
    return replace(matrix, col_lower=lower, col_upper=upper, integrality=integrality)


def is_close_enough(outcome: Outcome, profile: Profile) -> bool:
    """Return whether a plan's proven gap is within the profile's ``mip_rel_gap``."""
    if outcome.objective is None:
        return False
    return relative_gap(outcome.objective, outcome.bound) <= allowed_gap(profile)


def allowed_gap(profile: Profile) -> float:
    """Return the relative gap at which a profile stops."""
    return float(str(profile.options.get("mip_rel_gap", 1e-4)))


def better(outcome: Outcome, first: Outcome) -> Outcome:
    """Return the better plan of branch and bound and of rounding, with the better of their bounds.

    Both are minimisations, as a matrix always is.
    """
    bound = max(outcome.bound, first.bound) if first.bound is not None else outcome.bound
    kept = outcome
    if outcome.objective is None or (
        first.objective is not None and first.objective < outcome.objective
    ):
        kept = replace(outcome, solution=first.solution, objective=first.objective)
    return replace(kept, bound=bound, seconds=outcome.seconds + first.seconds)


def named(
    stage: str, listener: Callable[[Progress], None] | None
) -> Callable[[Progress], None] | None:
    """Return a listener that is told the stage as well."""
    if listener is None:
        return None
    return lambda progress: listener(replace(progress, stage=f"{stage}, {progress.stage}"))


def deciding(draft: Draft, matrix: Matrix) -> NDArray[np.uint8]:
    """Return the integrality without the columns that are whole where others are."""
    found = matrix.integrality.copy()
    for rounding in draft.roundings:
        for name in rounding.follows:
            found[matrix.column_blocks[rounding.series[name].name].slice] = 0
    return found


def are_followable(matrix: Matrix, values: Floats) -> bool:
    """Return whether whole numbers keep the rows among themselves: runs across all borders."""
    whole = matrix.integrality == 1
    others = np.bincount(matrix.entry_row, ~whole[matrix.index], matrix.row_count)
    activity = matrix.times(np.where(whole, np.rint(values), 0.0))
    kept = (activity >= matrix.row_lower - 1e-6) & (activity <= matrix.row_upper + 1e-6)
    return bool(kept[others == 0].all())
