"""The main job: load a park, solve its reference plan and its plan, audit both, compare them."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, overload

from pydantic import ValidationError

from microgrid_opt.completion import fill
from microgrid_opt.errors import Finding, InfeasibleError, InputError, Location
from microgrid_opt.fields import STAGED
from microgrid_opt.park import park_model, types_of
from microgrid_opt.problem import Origin, Problem, prepare
from microgrid_opt.scales import scaled_numbers
from microgrid_opt.shipped import shipped
from microgrid_opt.yamlio import Document, apply_scenario, apply_sets
from microgrid_opt.yamlio import load as load_yaml
from microgrid_opt.yamlio.findings import findings_of
from microgrid_opt.yamlio.grammar import suggest
from microgrid_opt.yamlio.stages import apply_stages, stage_years

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from microgrid_opt.audit import Audit
    from microgrid_opt.compare import Comparison
    from microgrid_opt.draft import Draft
    from microgrid_opt.park import Park
    from microgrid_opt.pathway.plan import PathwayPlan
    from microgrid_opt.pathway.problem import StagedProblem
    from microgrid_opt.results import Results
    from microgrid_opt.solve.matrix import Matrix
    from microgrid_opt.solve.status import Progress, Solution

    OnProgress = Callable[[Progress], None]

CASE = "case:"
PARK_FILE = "park.yaml"


@dataclass(frozen=True, eq=False)
class Plan:
    """A solved park.

    Parameters
    ----------
    problem
        What was solved.
    results, audit
        The plan, and its independent re-computation.
    reference, reference_audit
        What the park does today with its existing assets; ``None`` when that is not asked for or
        not possible.
    reference_note
        Why there is no reference plan; empty when there is one.
    comparison
        Plan against reference, where there is one.
    seconds
        Wall time of each phase [s].
    """

    problem: Problem
    results: Results
    audit: Audit
    reference: Results | None = None
    reference_audit: Audit | None = None
    reference_note: str = ""
    comparison: Comparison | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)


def case_names() -> tuple[str, ...]:
    """Return the names of the shipped cases."""
    return tuple(sorted(path.parent.name for path in shipped("cases").glob(f"*/{PARK_FILE}")))


def park_file(path: str | Path) -> Path:
    """Return the park file that a path, a folder or the name of a shipped case stands for.

    Raises
    ------
    InputError
        When there is no such file and no such case.
    """
    text = str(path)
    name = text.removeprefix(CASE)
    here = Path(path)
    if not text.startswith(CASE):
        if here.is_dir():
            return here / PARK_FILE
        if here.suffix in {".yaml", ".yml"} or here.exists():
            return here
    if name in case_names():
        return shipped("cases") / name / PARK_FILE
    hint = suggest(name, case_names(), "shipped cases are")
    raise InputError(f"There is no file, folder or shipped case {text!r}{hint}")


def load(
    path: str | Path,
    *,
    scenario: str | None = None,
    sets: Sequence[str] = (),
    stage: int | None = None,
    foresight: str | None = None,
    scales: Mapping[str, float] | None = None,
) -> Problem | StagedProblem:
    """Read, check and resolve a park, or all stages of a park that has them.

    Parameters
    ----------
    path
        A park file, a folder with ``park.yaml``, or the name of a shipped case.
    scenario
        One of the file's ``scenarios``.
    sets
        Overrides ``path.to.key=value``, applied after the scenario.
    stage
        Year of the stage to plan alone, of a park with stages.
    foresight
        ``perfect`` or ``myopic``, instead of what a park with stages says.
    scales
        Factors on numbers and series by dotted key, applied last.

    Raises
    ------
    InputError
        With every problem that was found, each with its place in the file.
    """
    document = load_yaml(park_file(path))
    document = apply_scenario(document, scenario)
    if sets:
        document = apply_sets(document, sets)
    origin = Origin(_told(document), document.text_sha256, scenario or "", tuple(sets), stage)
    years = stage_years(document)
    if years and stage is None:
        from microgrid_opt.pathway.problem import staged_problem

        return staged_problem(document, years, origin, foresight)
    if foresight is not None and not years:
        raise InputError("foresight is about parks with `stages`, and this one has none.")
    document = apply_stages(document, stage)
    document, series = scaled_numbers(document, scales or {})
    changed = (*sets, *(f"{key} x {factor:g}" for key, factor in (scales or {}).items()))
    problem = resolve(document, staged=bool(years), scales=series)
    return replace(problem, origin=replace(origin, sets=changed))


def _told(document: Document) -> str:
    """Return the park file's name; a shipped case is at another place elsewhere."""
    path = Path(document.name).resolve()
    is_case = path.is_relative_to(shipped("cases").resolve())
    return f"{CASE}{path.parent.name}" if is_case else document.name


def resolve(
    document: Document, *, staged: bool = False, scales: Mapping[str, float] | None = None
) -> Problem:
    """Check a document against the schema and resolve its series; of a stage if ``staged``.

    With ``scales``, series are multiplied by the factors of their keys.

    Raises
    ------
    InputError
        With every problem that was found.
    """
    park, where = checked(document, staged=staged)
    return prepare(park, document.folder, where, scales)


def first_park(document: Document) -> Park:
    """Return the park of a document, in its first stage if it has any.

    Raises
    ------
    InputError
        With every problem that was found.
    """
    years = stage_years(document)
    first = apply_stages(document, years[0] if years else None)
    return checked(first, staged=bool(years))[0]


def checked(
    document: Document, *, staged: bool = False
) -> tuple[Park, Callable[[tuple[str | int, ...]], Location]]:
    """Complete a document from the technology library and check it against the schema.

    Parameters
    ----------
    document
        A park, scenario and sets applied.
    staged
        Whether it is one stage of a pathway, where more may retire.

    Returns
    -------
    tuple
        The park, and where each of its keys stands.

    Raises
    ------
    InputError
        With every problem that was found.
    """
    filled = fill(document)
    document = filled.document
    model = park_model(types_of(document.data))
    context: dict[str, object] = {
        "currency": document.data.get("currency"),
        "folder": document.folder,
        **({STAGED: True} if staged else {}),
    }
    try:
        park = model.model_validate(document.data, context=context)
        found: list[Finding] = []
    except ValidationError as error:
        found = findings_of(error, document, model)
    except InputError as error:
        found = list(_placed(error, document))
    # What an asset lacks for want of its library entry is not told as well.
    found = [filled.told(one) for one in found if not filled.is_about_failed(one)]
    if filled.findings:
        found = sorted([*filled.findings, *found], key=lambda one: one.where or Location(""))
    if found:
        raise InputError(found)
    return park, document.where


def _placed(error: InputError, document: Document) -> Iterator[Finding]:
    for finding in error.findings:
        place = document.where(tuple(finding.key.split("."))) if finding.key else None
        yield replace(finding, where=finding.where or place)


@overload
def solve(
    problem: Problem,
    *,
    profile: str = "auto",
    options: Sequence[str] = (),
    time_limit_seconds: float | None = None,
    gap: float | None = None,
    strategy: str = "auto",
    typical_days: int | None = None,
    reference: bool = True,
    on_progress: OnProgress | None = None,
) -> Plan: ...


@overload
def solve(
    problem: StagedProblem,
    *,
    profile: str = "auto",
    options: Sequence[str] = (),
    time_limit_seconds: float | None = None,
    gap: float | None = None,
    strategy: str = "auto",
    typical_days: int | None = None,
    reference: bool = True,
    on_progress: OnProgress | None = None,
) -> PathwayPlan: ...


def solve(
    problem: Problem | StagedProblem,
    *,
    profile: str = "auto",
    options: Sequence[str] = (),
    time_limit_seconds: float | None = None,
    gap: float | None = None,
    strategy: str = "auto",
    typical_days: int | None = None,
    reference: bool = True,
    on_progress: OnProgress | None = None,
) -> Plan | PathwayPlan:
    """Solve the reference plan and the plan, audit both and compare them; of all stages if any.

    Parameters
    ----------
    problem
        What `load` returned.
    profile
        Name of a shipped solver profile, or a file; `auto` chooses by kind and size of the model.
    options
        Overrides of native HiGHS options, ``name=value``.
    time_limit_seconds
        Wall time for the plan; the best plan held is returned with its bound.
    gap
        Relative gap at which a MILP, or a large linear model, may stop [-].
    strategy
        One of `microgrid_opt.solve.choice.STRATEGIES`; `auto` chooses by kind and size of the model.
    typical_days
        From how many typical days to start a quick study of a linear model; ``None`` for none.
    reference
        Whether to solve the reference plan as well.
    on_progress
        Called while the solver runs.

    Raises
    ------
    InfeasibleError
        No plan can meet all limits; the message names them.
    NoPlanError
        Stopped before any plan was held.
    """
    from microgrid_opt.solve.choice import AUTO, check_strategy
    from microgrid_opt.solve.options import check_options
    from microgrid_opt.solve.profiles import load_profile

    overrides = list(options)
    if gap is not None:
        overrides.append(f"mip_rel_gap={gap}")
    # A misspelt profile or option is told before minutes are spent.
    check_options(load_profile("default" if profile == AUTO else profile, overrides).options)
    check_strategy(strategy)
    if typical_days is not None:
        _check_typical(problem, typical_days, strategy)
    asked = Asked(
        profile, tuple(overrides), time_limit_seconds, on_progress, strategy, typical_days
    )
    if not isinstance(problem, Problem):
        from microgrid_opt.pathway.plan import solve_stages

        return solve_stages(problem, asked, reference=reference)
    seconds: dict[str, float] = {}
    base: tuple[Results, Audit] | None = None
    note = "" if reference else "not asked for"
    if reference or problem.park.carbon.needs_reference:
        start = time.perf_counter()
        base, failed = reference_of(problem, asked)
        note = failed or note
        seconds["reference"] = time.perf_counter() - start
    co2 = None if base is None else base[0].co2_kg
    results, audit = run(problem, asked, reference_co2_kg=co2, seconds=seconds)
    comparison = None
    if base is not None:
        from microgrid_opt.compare import compare_plans

        comparison = compare_plans(results, base[0], problem)
    return Plan(
        problem,
        results,
        audit,
        None if base is None else base[0],
        None if base is None else base[1],
        note,
        comparison,
        seconds,
    )


def _check_typical(problem: Problem | StagedProblem, count: int, strategy: str) -> None:
    """Refuse typical days where they are no way, before anything is solved."""
    import numpy as np

    from microgrid_opt.solve.coarse import coarser_of
    from microgrid_opt.solve.typical import check_days, check_linear

    if not isinstance(problem, Problem):
        raise InputError(
            "Typical days are for one year, and this park is planned in stages: choose one with "
            "--stage, or leave --typical-days out."
        )
    if strategy != "auto":
        raise InputError(
            f"--typical-days and --strategy {strategy} are two ways to solve: give one of them."
        )
    check_days(problem.horizon, count)
    # Whole numbers of the year show in a model whose steps are days, which is written at once.
    coarser = coarser_of(problem, reference_co2_kg=0.0)
    try:
        matrix = (
            None
            if coarser is None
            else coarser.build(np.flatnonzero(np.diff(problem.horizon.day, prepend=-1)))[1]
        )
    except InputError:
        return  # What cannot be written in days is looked at in its own steps.
    if matrix is not None:
        check_linear(matrix)


def _reference(problem: Problem, asked: Asked, label: str) -> tuple[Results, Audit]:
    base = problem.reference()
    if not base.park.assets:
        raise InputError("the park has no existing asset.")
    return run(base, replace(asked, time_limit_seconds=None), label=label)


@dataclass(frozen=True)
class Asked:
    """How to solve: profile and overrides, wall time [s], whom to tell, strategy, typical days."""

    profile: str = "auto"
    options: tuple[str, ...] = ()
    time_limit_seconds: float | None = None
    on_progress: OnProgress | None = None
    strategy: str = "auto"
    typical_days: int | None = None

    def labelled(self, label: str) -> OnProgress | None:
        """Return the listener that is told what is being solved as well."""
        listener = self.on_progress
        if listener is None:
            return None

        def report(progress: Progress) -> None:
            listener(replace(progress, stage=f"{label}: {progress.stage}"))

        return report


def reference_of(
    problem: Problem, asked: Asked, *, label: str = "reference plan"
) -> tuple[tuple[Results, Audit] | None, str]:
    """Return the reference plan with its audit, or ``None`` and why there is none.

    Raises
    ------
    InputError
        There is none, and a cap of the park is relative to it.
    """
    try:
        return _reference(problem, asked, label), ""
    except (InfeasibleError, InputError) as error:
        note = f"the existing assets cannot serve the demand: {error}"
        if not problem.park.carbon.needs_reference:
            return None, note
        raise InputError(
            Finding(
                f"needs a reference plan, but {note} Add what the park uses today, or give "
                "`cap_t_per_year` instead.",
                key="carbon.reduction_fraction",
            )
        ) from error


@dataclass(frozen=True, eq=False)
class Solved:
    """A solved problem, with the model in which it was solved.

    Parameters
    ----------
    problem
        What was solved.
    draft, matrix, solution
        The model, its arrays, and the values and duals of its columns and rows.
    results, audit
        The plan, and its independent re-computation.
    """

    problem: Problem
    draft: Draft
    matrix: Matrix
    solution: Solution
    results: Results
    audit: Audit


def run(
    problem: Problem,
    asked: Asked | None = None,
    *,
    reference_co2_kg: float | None = None,
    seconds: dict[str, float] | None = None,
    label: str = "plan",
) -> tuple[Results, Audit]:
    """Build, solve, read back and audit one problem, without its reference plan.

    Parameters
    ----------
    problem
        What to solve.
    asked
        How.
    reference_co2_kg
        CO2 of the reference plan over the horizon [kg], for caps relative to it.
    seconds
        Receives the wall time of each phase [s].
    label
        What progress is reported under.
    """
    solved = run_model(
        problem, asked, reference_co2_kg=reference_co2_kg, seconds=seconds, label=label
    )
    return solved.results, solved.audit


def run_model(
    problem: Problem,
    asked: Asked | None = None,
    *,
    reference_co2_kg: float | None = None,
    seconds: dict[str, float] | None = None,
    label: str = "plan",
    more: Callable[[Draft], None] | None = None,
) -> Solved:
    """Do what `run` does, and keep the model.

    Parameters
    ----------
    more
        Writes further rules into the model once all of the park is in it.
    """
    from microgrid_opt.audit import audit
    from microgrid_opt.extract import extract
    from microgrid_opt.model import build
    from microgrid_opt.solve import direct, handoff
    from microgrid_opt.solve.coarse import coarser_of

    asked = asked or Asked()
    clock = _Clock({} if seconds is None else seconds)
    draft = build(problem, reference_co2_kg=reference_co2_kg)
    if more is not None:
        more(draft)
    clock.lap("build")
    matrix = handoff.extract(draft.model)
    clock.lap("handoff")
    held = direct.solve(
        draft,
        matrix,
        asked.profile,
        asked.options,
        asked.time_limit_seconds,
        asked.labelled(label),
        coarser_of(problem, reference_co2_kg=reference_co2_kg, more=more),
        asked.strategy,
        # Caps are relative to the reference plan's CO2: it is solved exactly.
        None if problem.is_reference else asked.typical_days,
    )
    clock.lap("solve")
    results = extract(problem, draft, matrix, held.solution, held.run)
    clock.lap("results")
    checked = audit(results, problem, reference_co2_kg=reference_co2_kg)
    clock.lap("audit")
    return Solved(problem, draft, matrix, held.solution, results, checked)


class _Clock:
    """Laps of wall time, added up by phase."""

    def __init__(self, seconds: dict[str, float]) -> None:
        self._seconds = seconds
        self._last = time.perf_counter()

    def lap(self, phase: str) -> None:
        """Close a phase."""
        now = time.perf_counter()
        self._seconds[phase] = self._seconds.get(phase, 0.0) + now - self._last
        self._last = now
