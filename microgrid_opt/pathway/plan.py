"""Solving a park with stages: all at once, or one after the other; every stage audited."""

from __future__ import annotations

import math
import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from microgrid_opt.errors import InfeasibleError, InputError
from microgrid_opt.ledger import CO2, COST, KG_PER_T, Linear
from microgrid_opt.pathway.results import Staged, pathway_of
from microgrid_opt.pathway.standing import history_of, left_by, left_to
from microgrid_opt.study import Plan, reference_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from microgrid_opt.audit import Audit
    from microgrid_opt.compare import Comparison
    from microgrid_opt.draft import Draft
    from microgrid_opt.pathway.problem import StagedProblem
    from microgrid_opt.pathway.results import Pathway
    from microgrid_opt.pathway.standing import Standing
    from microgrid_opt.problem import Problem
    from microgrid_opt.results import Results, Run
    from microgrid_opt.solve.direct import Held
    from microgrid_opt.solve.matrix import Matrix
    from microgrid_opt.study import Asked

    References = Mapping[int, tuple[Results, Audit] | None]

BUDGET = "co2_budget"


@dataclass(frozen=True, eq=False)
class PathwayPlan:
    """A park with stages, solved.

    Parameters
    ----------
    problem
        What was solved.
    stages
        The plan of each stage by its first year: results, audit, reference plan, comparison, as of a
        single year. With several stages its comparison has no net present value, rate of return
        or payback: those are the pathway's.
    pathway, audit
        What is built, kept and given up over the stages, what it costs and emits, and the
        independent re-computation of that.
    seconds
        Wall time of each phase [s].
    """

    problem: StagedProblem
    stages: Mapping[int, Plan]
    pathway: Pathway
    audit: Audit
    seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def audits(self) -> dict[str, Audit]:
        """Every audit by what it is of: the pathway, each stage, each reference plan."""
        found = {"pathway": self.audit}
        for year, plan in self.stages.items():
            found[f"stage {year}"] = plan.audit
            if plan.reference_audit is not None:
                found[f"reference plan of {year}"] = plan.reference_audit
        return found


def solve_stages(problem: StagedProblem, asked: Asked, *, reference: bool = True) -> PathwayPlan:
    """Solve a park with stages.

    Parameters
    ----------
    problem
        The stages.
    asked
        How; a time limit is for each solve.
    reference
        Whether to solve the reference plan of every stage as well.
    """
    from microgrid_opt.audit import audit
    from microgrid_opt.pathway.audit import audit_pathway

    clock: dict[str, float] = {}
    began = time.perf_counter()
    bases, notes = _references(problem, asked, reference=reference)
    clock["reference"] = time.perf_counter() - began
    solve = _perfect if problem.spec.foresight == "perfect" else _myopic
    stages, run, price = solve(problem, asked, bases, clock)
    began = time.perf_counter()
    plans: dict[int, Plan] = {}
    for year, stage in stages.items():
        base = bases[year]
        co2 = None if base is None else base[0].co2_kg
        checked = audit(stage.results, stage.problem, reference_co2_kg=co2)
        plans[year] = Plan(
            stage.problem,
            stage.results,
            checked,
            None if base is None else base[0],
            None if base is None else base[1],
            notes[year],
            None if base is None else _compared(stage, base[0]),
        )
    plain = {year: None if base is None else base[0] for year, base in bases.items()}
    pathway = pathway_of(problem, stages, plain, run, price)
    held = {year: stage.results for year, stage in stages.items()}
    proof = audit_pathway(problem, pathway, held, plain)
    clock["audit"] = time.perf_counter() - began
    return PathwayPlan(problem, plans, pathway, proof, clock)


def _compared(stage: Staged, base: Results) -> Comparison:
    from microgrid_opt.compare import compare_plans, of_stages

    problem = stage.problem
    found = compare_plans(stage.results, base, problem)
    if not problem.origin.shares_purchases:
        return found
    share = problem.park.finance.investment_share(problem.horizon)
    return of_stages(found, stage.results, base, (share, share))


def _references(
    problem: StagedProblem, asked: Asked, *, reference: bool
) -> tuple[dict[int, tuple[Results, Audit] | None], dict[int, str]]:
    bases: dict[int, tuple[Results, Audit] | None] = {}
    notes: dict[int, str] = {}
    for year, stage in problem.stages.items():
        bases[year], notes[year] = None, "not asked for"
        if reference or stage.park.carbon.needs_reference:
            with _named(year):
                label = f"{year} reference plan"
                bases[year], notes[year] = reference_of(stage, asked, label=label)
    return bases, notes


@contextmanager
def _named(year: int) -> Iterator[None]:
    """Say in which stage something failed."""
    try:
        yield
    except InfeasibleError as error:
        raise InfeasibleError(f"Stage {year}: {error}") from error
    except InputError as error:
        raise InputError(
            [
                replace(finding, message=f"in stage {year}: {finding.message}")
                for finding in error.findings
            ]
        ) from error


Solved = tuple[dict[int, Staged], "Run", float]


def _perfect(
    problem: StagedProblem, asked: Asked, bases: References, clock: dict[str, float]
) -> Solved:
    """Plan all stages at once."""
    job = _Job(problem, problem.stages, {}, asked, bases, clock)
    first, *_, last = (*problem.stages, *problem.stages)
    stages, run, price = job.solve(f"stages {first} to {last}")
    return stages, run, price


def _myopic(
    problem: StagedProblem, asked: Asked, bases: References, clock: dict[str, float]
) -> Solved:
    """Plan one stage after the other, with what the earlier ones bought as given."""
    standing: Standing = {}
    stages: dict[int, Staged] = {}
    runs: list[Run] = []
    for year, stage in problem.stages.items():
        left = left_to(year, stage, standing)
        job = _Job(problem, {year: stage}, left, asked, bases, clock)
        found, run, _ = job.solve(f"stage {year}")
        held = found[year]
        stages[year] = held
        runs.append(run)
        standing = left_by(year, held.problem, held.results, held.kept)
    return stages, _joined(runs), math.nan


def _joined(runs: list[Run]) -> Run:
    """Return the runs of stages as one; that each is optimal proves no bound on their sum."""
    worst = next((run for run in runs if not run.is_optimal), runs[-1])
    return replace(
        worst,
        objective=math.fsum(run.objective for run in runs),
        bound=None,
        gap=None,
        seconds=math.fsum(run.seconds for run in runs),
        columns=sum(run.columns for run in runs),
        rows=sum(run.rows for run in runs),
        nonzeros=sum(run.nonzeros for run in runs),
        integers=sum(run.integers for run in runs),
        stages=tuple(stage for run in runs for stage in run.stages),
    )


@dataclass
class _Job:
    """One model of one or more stages."""

    problem: StagedProblem
    stages: Mapping[int, Problem]
    standing: Standing
    asked: Asked
    bases: References
    clock: dict[str, float]

    def solve(self, label: str) -> Solved:
        """Write, hand over and solve the model, and read every stage back."""
        from microgrid_opt.solve import direct, handoff
        from microgrid_opt.solve.coarse import coarser_of_stages

        root, drafts, whole = self.write()
        with self._timed("handoff"):
            matrix = handoff.extract(root)
        asked = self.asked
        with self._timed("solve"):
            held = direct.solve(
                whole,
                matrix,
                asked.profile,
                asked.options,
                asked.time_limit_seconds,
                asked.labelled(label),
                coarser_of_stages(self.stages, self._rewritten),
                asked.strategy,
            )
        with self._timed("results"):
            stages = self._read(drafts, matrix, held)
        duals = held.solution.row_duals
        price = math.nan
        if duals is not None and BUDGET in matrix.row_blocks:
            price = abs(float(duals[matrix.row_blocks[BUDGET].start]))
        return stages, held.run, price

    def write(self) -> tuple[Any, dict[int, Draft], Draft]:
        """Return the model, the draft of each stage, and what the solver has to know of all."""
        from microgrid_opt.builder import booked, close_root, new_root
        from microgrid_opt.draft import Inside
        from microgrid_opt.model import build

        root, drafts = new_root(), {}
        history = history_of(min(self.stages), self.standing)
        with self._timed("build"):
            for year, stage in self.stages.items():
                history = history.next(year)
                base = self.bases.get(year)
                with _named(year):
                    drafts[year] = build(
                        stage,
                        reference_co2_kg=None if base is None else base[0].co2_kg,
                        inside=Inside(root, f"y{year}", history),
                    )
            cost = sum(
                (booked(draft, COST) * self._weight(year) for year, draft in drafts.items()),
                Linear(),
            )
            close_root(root, cost, self._limits(drafts))
        return root, drafts, self._whole(root, drafts)

    def _rewritten(self, stages: Mapping[int, Problem]) -> Draft:
        """Return what the solver has to know of the model with other problems of the same stages."""
        return replace(self, stages=stages, clock={}).write()[2]

    def _weight(self, year: int) -> float:
        """Return what the ledger of a stage's horizon counts in the objective [-]."""
        stage = self.stages[year]
        share = stage.park.finance.investment_share(stage.horizon)
        return self.problem.weights[year] / share

    def _limits(self, drafts: Mapping[int, Draft]) -> dict[str, tuple[Linear, float]]:
        from microgrid_opt.builder import booked

        budget = self.problem.spec.co2_budget_t
        if budget is None:
            return {}
        emitted = sum(
            (
                booked(draft, CO2) * (len(self.problem.years[year]) / draft.horizon.year_share)
                for year, draft in drafts.items()
            ),
            Linear(),
        )
        return {BUDGET: (emitted, budget * KG_PER_T)}

    def _whole(self, root: Any, drafts: Mapping[int, Draft]) -> Draft:
        """Return the records of all stages as one, each named by its stage."""
        from microgrid_opt.draft import Cap, Draft

        first = next(iter(drafts.values()))
        whole = Draft(first.horizon, first.finance_of, {}, _units(drafts), root)
        for year, draft in drafts.items():
            whole.roundings += draft.roundings
            whole.caps += [
                replace(cap, description=f"Stage {year}: {cap.description or cap.name}")
                for cap in draft.caps
            ]
            whole.balances |= {
                (f"{place} in stage {year}", carrier): row
                for (place, carrier), row in draft.balances.items()
            }
        for name, (amount, limit) in self._limits(drafts).items():
            whole.caps.append(
                Cap(
                    name=name,
                    member="",
                    amount=amount,
                    whole=None,
                    sense="<=",
                    limit=limit,
                    unit="kg",
                    description="CO2 budget over all years",
                    row=name,
                    row_unit="kg",
                )
            )
        return whole

    def _read(self, drafts: Mapping[int, Draft], matrix: Matrix, held: Held) -> dict[int, Staged]:
        """Return the results of every stage, in the money of its own year."""
        from microgrid_opt.builder import booked
        from microgrid_opt.extract import extract

        solution = held.solution

        def values(container: Any) -> Any:
            return solution.values[matrix.column_blocks[container.name].slice]

        standing = self.standing
        stages: dict[int, Staged] = {}
        for year, draft in drafts.items():
            weight = self._weight(year)
            own = solution
            if solution.row_duals is not None:
                own = replace(solution, row_duals=solution.row_duals / weight)
            left = left_to(year, self.stages[year], standing) if stages else standing
            problem = replace(self.stages[year], standing=left)
            run = _of_stage(held.run, booked(draft, COST).value(values), weight)
            results = extract(problem, draft, matrix, own, run)
            kept = {
                (record.asset, record.name, stand.since): max(0.0, stand.amount.value(values))
                for record in draft.sizes
                for stand in record.stands
            }
            stages[year] = Staged(problem, results, kept)
            standing = left_by(year, problem, results, kept)
        return stages

    def _timed(self, phase: str) -> _Lap:
        return _Lap(self.clock, phase)


class _Lap:
    """Add the time of a block to a phase."""

    def __init__(self, clock: dict[str, float], phase: str) -> None:
        self._clock, self._phase = clock, phase

    def __enter__(self) -> None:
        self._began = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        spent = time.perf_counter() - self._began
        self._clock[self._phase] = self._clock.get(self._phase, 0.0) + spent


def _of_stage(run: Run, cost: float, weight: float) -> Run:
    """Return a run in the money of one stage: its cost, and what a better plan could save there."""
    bound, gap = None, run.gap
    if run.bound is not None and math.isfinite(run.bound):
        bound = cost - (run.objective - run.bound) / weight
        gap = abs(cost - bound) / abs(cost) if cost else 0.0
    return replace(run, objective=cost, bound=bound, gap=gap)


def _units(drafts: Mapping[int, Draft]) -> Callable[[str], str]:
    def unit(carrier: str) -> str:
        for draft in drafts.values():
            try:
                return draft.flow_units(carrier)
            except KeyError:
                continue
        raise KeyError(carrier)

    return unit
