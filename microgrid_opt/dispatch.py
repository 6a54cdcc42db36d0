"""Rolling operation of a park whose sizes are given, held against the same with perfect foresight.

Both are plans of one model: the park's own, with its sizes held. With perfect foresight it is solved at
once; rolled, it is decided window by window (`microgrid_opt.solve.rolling`). Both are read back and
audited like every plan.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from microgrid_opt import study
from microgrid_opt.errors import Finding, InputError
from microgrid_opt.fields import unit_of
from microgrid_opt.ledger import COST, FIXED
from microgrid_opt.problem import series_fields
from microgrid_opt.results import Stage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from microgrid_opt.audit import Audit
    from microgrid_opt.draft import Draft
    from microgrid_opt.problem import Problem
    from microgrid_opt.results import Results, Run
    from microgrid_opt.solve.coarse import Coarser
    from microgrid_opt.solve.direct import Held
    from microgrid_opt.solve.matrix import Matrix
    from microgrid_opt.solve.rolling import Rolled, Windows
    from microgrid_opt.store import StoredPlan
    from microgrid_opt.study import Plan

STATUS = "rolled"
"""Why the solver stopped, of a plan whose windows were decided one after another."""
TARIFF = "tariff"
"""Key below which series are known beforehand, as prices are."""
SAME = 1e-6
"""A rolled plan that costs no more than this above the bound is proven optimal [-]."""


@dataclass(frozen=True, eq=False)
class Dispatch:
    """Rolled operation, and the same sizes with perfect foresight.

    Parameters
    ----------
    plan
        The rolled one, with its audit.
    foresight, foresight_audit
        The one with perfect foresight.
    windows
        How many windows there were.
    notes
        Windows that had no plan at first, why, and what was done.
    cpu_seconds
        Processor time of both, by name [s].
    """

    plan: Plan
    foresight: Results
    foresight_audit: Audit
    windows: int
    notes: tuple[str, ...]
    cpu_seconds: Mapping[str, float]

    @property
    def extra(self) -> float:
        """What rolled operation costs above that with perfect foresight [currency]."""
        return self.plan.results.cost - self.foresight.cost

    @property
    def extra_fraction(self) -> float:
        """The same as a share of the cost with perfect foresight [-]."""
        return _share(self.extra, self.foresight.cost)

    @property
    def extra_fraction_of_operation(self) -> float:
        """The same as a share of what it costs without what sizes cost [-]."""
        return _share(self.extra, self.foresight.cost - _of_sizes(self.foresight))


def _share(part: float, whole: float) -> float:
    if part == 0.0:
        return 0.0
    return part / abs(whole) if whole else float("nan")


def _of_sizes(results: Results) -> float:
    rows = results.ledger
    return float(rows.loc[(rows["effect"] == COST) & rows["category"].isin(FIXED), "amount"].sum())


def dispatch(
    problem: Problem,
    spec: Windows,
    asked: study.Asked | None = None,
    *,
    stored: StoredPlan | None = None,
) -> Dispatch:
    """Operate a park window by window, and with perfect foresight.

    Parameters
    ----------
    problem
        The park; of one with sizes to choose these are found first, unless a stored plan has them.
    spec
        How far each window looks.
    asked
        How to solve.
    stored
        A plan of the same park and horizon, whose sizes are taken.

    Raises
    ------
    InputError
        The park has nothing to operate, or the stored plan does not fit it.
    InfeasibleError
        No plan can meet all limits with these sizes; the message names them.
    NoPlanError
        Stopped before the last window; the message tells how far it got.
    """
    from microgrid_opt.audit import audit
    from microgrid_opt.extract import extract
    from microgrid_opt.model import build
    from microgrid_opt.solve import handoff
    from microgrid_opt.solve.choice import AUTO
    from microgrid_opt.solve.coarse import coarser_of
    from microgrid_opt.solve.profiles import DEFAULT, load_profile
    from microgrid_opt.solve.rolling import roll

    asked = asked or study.Asked()
    profile = load_profile(DEFAULT if asked.profile == AUTO else asked.profile, asked.options)
    _require_operable(problem, stored)
    co2 = None
    if problem.park.carbon.needs_reference:
        base, _ = study.reference_of(problem, asked)
        co2 = None if base is None else base[0].co2_kg
    clock = _Cpu()
    draft = build(problem, reference_co2_kg=co2)
    matrix = handoff.extract(draft.model)
    held = _size_columns(draft, matrix)
    expected = None
    if spec.forecast == "persistence":
        later = build(as_before(problem, spec), reference_co2_kg=co2)
        expected = handoff.extract(later.model)
    clock.lap("build")
    if stored is not None:
        matrix = _with_totals(draft, matrix, stored)
    elif held.any():
        coarser = coarser_of(problem, reference_co2_kg=co2)
        planned = _solved(draft, matrix, asked, "sizes", coarser)
        matrix = _fixed(matrix, held, planned.solution.values)
        clock.lap("sizes")
    foreseen = _solved(draft, matrix, asked, "perfect foresight")
    matrix = _fixed(matrix, held, foreseen.solution.values)
    clock.lap("perfect foresight")
    listener = asked.labelled("rolling")
    rolled = roll(draft, matrix, held, foreseen.solution, spec, profile, listener, expected)
    clock.lap("rolled")
    run = _run(matrix, foreseen.run, rolled, spec)
    found = [
        extract(problem, draft, matrix, solution, how)
        for solution, how in ((rolled.solution, run), (foreseen.solution, foreseen.run))
    ]
    audits = [audit(one, problem, reference_co2_kg=co2) for one in found]
    clock.lap("results")
    wall = {"rolled": rolled.seconds, "perfect foresight": foreseen.run.seconds}
    plan = study.Plan(problem, found[0], audits[0], reference_note="not asked for", seconds=wall)
    return Dispatch(plan, found[1], audits[1], rolled.windows, rolled.notes, clock.laps)


class _Cpu:
    """Laps of processor time by name [s]."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = time.process_time()

    def lap(self, name: str) -> None:
        """Close a phase."""
        now = time.process_time()
        self.laps[name] = now - self._last
        self._last = now


def _solved(
    draft: Draft,
    matrix: Matrix,
    asked: study.Asked,
    label: str,
    coarser: Coarser | None = None,
) -> Held:
    from microgrid_opt.solve import direct

    return direct.solve(
        draft,
        matrix,
        asked.profile,
        asked.options,
        asked.time_limit_seconds,
        asked.labelled(label),
        coarser,
    )


def _run(matrix: Matrix, foreseen: Run, rolled: Rolled, spec: Windows) -> Run:
    """Return how the rolled plan came about; what is proven for these sizes bounds it too."""
    from microgrid_opt.solve.status import relative_gap

    objective = matrix.objective(rolled.solution.values)
    gap = None if foreseen.bound is None else relative_gap(objective, foreseen.bound)
    is_best = gap is not None and gap <= SAME
    windows = "one window" if rolled.windows == 1 else f"{rolled.windows} windows"
    windows += f" of {spec.window_hours:g} h"
    stages = (
        Stage("perfect foresight", foreseen.seconds, foreseen.objective, foreseen.bound),
        Stage(f"{windows} + {spec.look_ahead_hours:g} h", rolled.seconds, objective),
    )
    seen = f"{spec.look_ahead_hours:g} h beyond seen"
    if spec.forecast == "persistence":
        seen = f"{spec.look_ahead_hours:g} h beyond expected to be as days before"
    guided = "what follows counts as in the plan with perfect foresight"
    blind = "what is stored at the end counts nothing"
    return replace(
        foreseen,
        status="optimal" if is_best else STATUS,
        objective=objective,
        gap=gap,
        strategy="rolling",
        choice=f"{windows}, {seen}; {guided if spec.guidance == 'plan' else blind}",
        seconds=rolled.seconds,
        prices_from="LP of each window",
        stages=stages,
    )


def as_before(problem: Problem, spec: Windows) -> Problem:
    """Return the problem with what the weather and people do shifted by whole days.

    Each step has the values of the last day whose hours are known when it is looked ahead to; the
    first days have those of the end of the horizon. Prices and tariffs are known beforehand.

    Raises
    ------
    InputError
        Its steps do not divide a day.
    """
    steps = problem.horizon.step_hours
    per_day = 24.0 / float(steps[0])
    if not np.allclose(steps, steps[0]) or abs(per_day - round(per_day)) > 1e-9:
        raise InputError(
            "A persistence forecast needs equal steps that divide a day: give steps of one hour, or "
            "operate with perfect forecasts."
        )
    days = max(int(np.ceil(spec.look_ahead_hours / 24.0 - 1e-9)), 1)
    known = {
        ".".join(path)
        for path, owner, name in series_fields(problem.park)
        if TARIFF in path or "currency" in (unit_of(type(owner), name) or "")
    }
    shift = round(per_day) * days
    arrays = {
        key: values if key in known else np.roll(values, shift)
        for key, values in problem.arrays.items()
    }
    return replace(problem, arrays=arrays)


# ------------------------------------------------------------------------------------------ sizes


def _size_columns(draft: Draft, matrix: Matrix) -> NDArray[np.bool_]:
    """Return the columns that sizes and what they cost consist of, as flags, shape (columns,)."""
    found = np.zeros(matrix.column_count, dtype=bool)
    for record in draft.sizes:
        for form in (record.new, record.capex, record.annual, record.fixed_om):
            for container, _ in form.terms:
                found[matrix.column_blocks[container.name].slice] = True
        name = getattr(record.total, "name", "")
        if name in matrix.column_blocks:
            found[matrix.column_blocks[name].slice] = True
    return found


def _fixed(matrix: Matrix, columns: NDArray[np.bool_], values: NDArray[np.float64]) -> Matrix:
    """Return the model with columns held at their values, within their bounds."""
    at = np.clip(values, matrix.col_lower, matrix.col_upper)
    at = np.where(matrix.integrality == 1, np.rint(at), at)
    lower = np.where(columns, at, matrix.col_lower)
    return replace(matrix, col_lower=lower, col_upper=np.where(columns, at, matrix.col_upper))


def _require_operable(problem: Problem, stored: StoredPlan | None) -> None:
    """Refuse a park without assets, and a plan of another park or another horizon."""
    if not problem.park.assets:
        raise InputError(
            "The park has no existing asset to operate: give `existing_*` sizes, or leave out "
            "--existing to operate what a plan builds."
        )
    if stored is None:
        return
    found = stored.results
    if found.name != problem.title:
        raise InputError(
            f"The plan is one of {found.name!r}, the park is {problem.title!r}: give the folder "
            "that this park was solved into."
        )
    mine, its = problem.horizon, found.horizon
    if len(mine) != len(its) or not (mine.stamps == its.stamps).all():
        raise InputError(
            f"The plan has {len(its):,} steps from {its.stamps[0]}, the park {len(mine):,} from "
            f"{mine.stamps[0]}: solve the park on this horizon first."
        )


def _with_totals(draft: Draft, matrix: Matrix, stored: StoredPlan) -> Matrix:
    """Return the model with the sizes of a stored plan.

    Raises
    ------
    InputError
        It has other sizes than the park, or some that are not allowed here.
    """
    rows = stored.results.sizes.to_dict("records")
    known = {(str(row["asset"]), str(row["size"])): float(row["total"]) for row in rows}
    wanted = {(record.asset, record.name): record for record in draft.sizes}
    findings = [
        Finding(f"is in the {where} only: solve the park again.", key=".".join(("assets", *key)))
        for where, some in (("plan", known.keys() - wanted), ("park", wanted.keys() - known))
        for key in sorted(some)
    ]
    lower, upper = matrix.col_lower.copy(), matrix.col_upper.copy()
    for key, record in wanted.items():
        if key not in known:
            continue
        value, spec = known[key], record.spec
        most = np.inf if spec.upper is None else spec.upper
        if not spec.lower - SAME * (1.0 + value) <= value <= most + SAME * (1.0 + value):
            allowed = f"{spec.lower:g}" if spec.lower == most else f"{spec.lower:g} to {most:g}"
            message = f"is {value:g} in the plan, and {allowed} is allowed here."
            findings.append(Finding(message, key=".".join(("assets", *key))))
        name = getattr(record.total, "name", "")
        if name in matrix.column_blocks:
            here = matrix.column_blocks[name].slice
            lower[here] = upper[here] = np.clip(value, spec.lower, most)
    if findings:
        raise InputError(findings)
    return replace(matrix, col_lower=lower, col_upper=upper)
