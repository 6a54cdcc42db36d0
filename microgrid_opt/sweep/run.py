"""Every point of a sweep as a park of its own: built, solved from its neighbour, read back, audited.

The model of each point is written by the same code as that of `solve`, from the park with the keys of
the point (that of a year in pieces once for all caps, each of which is one number of it); only the
solve knows of the other points (`microgrid_opt.solve.chain`). So objective, plan and audit of a point
are those of ``microgrid-opt solve PARK --set ...`` with its keys.
"""

from __future__ import annotations

import gc
import math
import time
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

from microgrid_opt import study
from microgrid_opt.errors import Finding, InfeasibleError, InputError, MicrogridError, NoPlanError
from microgrid_opt.ledger import KG_PER_T
from microgrid_opt.problem import Problem
from microgrid_opt.sweep.front import CO2_CAP, capped, ends, gap_of, recapped, with_cap
from microgrid_opt.sweep.points import INFEASIBLE, NO_PLAN, OPEN, Point, Sweep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from microgrid_opt.draft import Draft
    from microgrid_opt.solve.chain import Chain
    from microgrid_opt.solve.direct import Held
    from microgrid_opt.solve.matrix import Matrix
    from microgrid_opt.study import Asked, Plan
    from microgrid_opt.sweep.axes import Axis

    OnPoint = Callable[["Sweep", "Point", Plan | None], None]


def sweep(
    park: str,
    axes: Sequence[Axis],
    *,
    scenario: str | None = None,
    sets: Sequence[str] = (),
    stage: int | None = None,
    asked: Asked | None = None,
    on_point: OnPoint | None = None,
    is_stopped: Callable[[], bool] = lambda: False,
) -> Sweep:
    """Solve a park at every combination of values.

    Parameters
    ----------
    park
        A park file, a folder, or the name of a shipped case.
    axes
        What changes, see `axes_of`.
    scenario, sets, stage
        Of the park file, as for `study.load`.
    asked
        How to solve; its time limit is for all points together.
    on_point
        Called after each point with the sweep so far, the point, and its plan if there is one.
    is_stopped
        Tells that the user asked to stop.

    Returns
    -------
    Sweep
        With the points so far when it was stopped.

    Raises
    ------
    InputError
        With what any point has wrong, before anything is solved; or no park has a front.
    InfeasibleError, NoPlanError
        The ends of the only front have no plan.
    """
    from microgrid_opt.solve.chain import Chain

    asked = asked or study.Asked()
    problems = _problems(park, axes, scenario, sets, stage)
    found = Sweep(next(iter(problems.values())), tuple(axes))
    with Chain(asked.profile, asked.options, asked.strategy, asked.on_progress) as chain:
        walk = _Walk(found, chain, asked, on_point, is_stopped)
        walk.run(problems)
    found.seconds = walk.seconds
    return found


def _problems(
    park: str,
    axes: Sequence[Axis],
    scenario: str | None,
    sets: Sequence[str],
    stage: int | None,
) -> dict[tuple[str | float, ...], Problem]:
    """Return the park at every combination of values but those of a cap on CO2."""
    others = [axis for axis in axes if axis.kind != "co2"]
    found: dict[tuple[str | float, ...], Problem] = {}
    findings: dict[str, Finding] = {}
    for values in product(*(axis.values for axis in others)):
        pairs = list(zip(others, values, strict=True))
        try:
            problem = study.load(
                park,
                scenario=scenario,
                sets=(*sets, *(f"{axis.key}={v}" for axis, v in pairs if axis.kind == "vary")),
                scales={axis.key: float(v) for axis, v in pairs if axis.kind == "scale"},
                stage=stage,
            )
        except InputError as error:
            findings |= {str(one): one for one in error.findings}
            continue
        if not isinstance(problem, Problem):
            raise InputError(
                "a park with stages is swept stage by stage: give one with --stage YEAR."
            )
        found[values] = problem
    if findings:
        raise InputError(findings.values())
    return found


class _Walk:
    """From point to point."""

    def __init__(
        self,
        sweep: Sweep,
        chain: Chain,
        asked: Asked,
        on_point: OnPoint | None,
        is_stopped: Callable[[], bool],
    ) -> None:
        self.sweep, self.chain, self.asked = sweep, chain, asked
        self.on_point, self.is_stopped = on_point, is_stopped
        self.begun = time.perf_counter()
        self.without_front: list[MicrogridError] = []
        self.written: tuple[Draft, Matrix] | None = None

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.begun

    def left(self) -> float | None:
        """Return the wall time that is left [s]."""
        limit = self.asked.time_limit_seconds
        return None if limit is None else max(limit - self.seconds, 0.1)

    @property
    def is_late(self) -> bool:
        limit = self.asked.time_limit_seconds
        return limit is not None and self.seconds >= limit

    def run(self, problems: Mapping[tuple[str | float, ...], Problem]) -> None:
        """Solve all points, until the user or the time limit stops it."""
        last = self.sweep.axes[-1]
        try:
            for values, problem in problems.items():
                if last.kind == "co2":
                    self.front(values, problem, last)
                else:
                    self.place(values, problem)
                    self.point(len(self.sweep.points) - 1, problem)
                if self.sweep.stopped:
                    break
        except KeyboardInterrupt:
            self.sweep.stopped = "interrupted"
        none = self.without_front
        if len(none) == len(problems) and (
            len(none) == 1 or all(isinstance(error, InputError) for error in none)
        ):
            raise none[0]
        # What was not begun is told as well.
        for values, problem in problems.items():
            if not any(point.values[: len(values)] == values for point in self.sweep.points):
                self.place((*values, *([""] if last.kind == "co2" else [])), problem)

    def place(self, values: tuple[str | float, ...], problem: Problem) -> None:
        """Add a point that is not solved yet."""
        number, share = len(self.sweep.points) + 1, problem.horizon.year_share
        sets = problem.origin.sets
        self.sweep.points.append(Point(number, values, sets, year_share=share))

    # ------------------------------------------------------------------ a front of CO2

    def front(self, values: tuple[str | float, ...], problem: Problem, axis: Axis) -> None:
        """Solve a park at every cap on its CO2."""
        first, begun = len(self.sweep.points), time.perf_counter()
        year = KG_PER_T * problem.horizon.year_share
        known: dict[int, Held] = {}
        caps = [float(cap) for cap in axis.values]
        self.written = None
        if not caps:
            self.progress_label("ends of the front")
            try:
                (loose, least_cost), (tight, least_co2) = ends(problem, self.chain, self.left)
            except (InputError, InfeasibleError, NoPlanError) as error:
                # One park without a front must not cost the others theirs. The listener is not told:
                # it may be the only one, and then it is an error.
                self.without_front.append(error)
                self.place((*values, ""), problem)
                found = self.without_plan(self.sweep.points[first], error)
                self.sweep.points[first] = replace(found, seconds=time.perf_counter() - begun)
                return
            steps = axis.count - 1
            caps = [(loose + (tight - loose) * k / steps) / year for k in range(steps + 1)]
            known = {0: least_cost, steps: least_co2}
        problems = [with_cap(problem, cap) for cap in caps]
        for one, cap in zip(problems, caps, strict=True):
            self.place((*values, cap), one)
        span = (min(caps) * year, max(caps) * year)
        order = self.order(problems)
        number = next(order)
        self.point(first + number, problems[number], span, known)
        with _aside() if self.written is not None else nullcontext():
            for number in order:
                if self.sweep.stopped:
                    return
                self.point(first + number, problems[number], span, known)

    def order(self, problems: Sequence[Problem]) -> Iterator[int]:
        """Yield the caps one after another; for a model in pieces both ends first, then halves."""
        from microgrid_opt.model import build
        from microgrid_opt.solve.handoff import extract

        draft = build(problems[0])
        matrix = extract(draft.model)
        if not self.chain.is_in_pieces(draft, matrix):
            self.written = None
            yield from range(len(problems))
            return
        self.written = (draft, matrix)
        yield 0
        yield len(problems) - 1
        spans = [(0, len(problems) - 1)]
        while spans:
            low, high = spans.pop(0)
            middle = (low + high) // 2
            if middle > low:
                yield middle
                spans += [(low, middle), (middle, high)]

    def progress_label(self, text: str) -> None:
        """Tell what progress is about from here."""
        self.chain.on_progress = self.asked.labelled(text)

    # ------------------------------------------------------------------ one point

    def point(
        self,
        place: int,
        problem: Problem,
        span: tuple[float, float] | None = None,
        known: Mapping[int, Held] | None = None,
    ) -> None:
        """Solve one point and put it in its place."""
        from microgrid_opt.solve.levels import LEAST_NONZEROS

        if self.is_late:
            self.sweep.stopped = "time limit"
            return
        begun = time.perf_counter()
        open_ = self.sweep.points[place]
        total = len(self.sweep.points)
        self.progress_label(f"point {place + 1} of {total}")
        plan: Plan | None = None
        try:
            gap: float | None = None
            if self.written is not None:
                others = open_.values[:-1]
                gap = gap_of([p for p in self.sweep.points if p.values[:-1] == others], open_)
            plan = self.solved(problem, span, known or {}, gap)
            found = _with_plan(open_, plan)
            status = plan.results.run.status
            if plan.results.run.nonzeros >= LEAST_NONZEROS:
                # A model refers to itself: without this some would wait in memory for their turn.
                gc.collect()
            if status in {"interrupted", "time limit"}:
                self.sweep.stopped = status
        except (InfeasibleError, NoPlanError) as error:
            found = self.without_plan(open_, error)
        found = replace(found, seconds=time.perf_counter() - begun)
        self.sweep.points[place] = found
        self.sweep.seconds = self.seconds
        if self.on_point is not None:
            self.on_point(self.sweep, found, plan)

    def without_plan(self, point: Point, error: MicrogridError) -> Point:
        """Return a point with the reason why it has no plan; note that the sweep is stopped by it."""
        if isinstance(error, InfeasibleError):
            return replace(point, status=INFEASIBLE, why=str(error))
        if isinstance(error, NoPlanError):
            stopped = "interrupted" if self.is_stopped() else "time limit" if self.is_late else ""
            self.sweep.stopped = stopped
            return replace(point, status=OPEN if stopped else NO_PLAN, why=str(error))
        return replace(point, status=NO_PLAN, why=str(error))

    def solved(
        self,
        problem: Problem,
        span: tuple[float, float] | None,
        known: Mapping[int, Held],
        gap: float | None,
    ) -> Plan:
        """Return the plan of a problem, read back and audited."""
        from microgrid_opt.audit import audit
        from microgrid_opt.extract import extract
        from microgrid_opt.model import build
        from microgrid_opt.solve import handoff
        from microgrid_opt.solve.coarse import coarser_of

        emitted: float | None = None
        if problem.park.carbon.needs_reference:
            base, _ = study.reference_of(problem, self.asked)
            emitted = None if base is None else base[0].co2_kg
        if self.written is None:
            draft = build(problem, reference_co2_kg=emitted)
            matrix = handoff.extract(draft.model)
        else:
            draft, matrix = recapped(*self.written, problem)
        ends_ = () if span is None else tuple(capped(draft, matrix, kg) for kg in span)
        coarser = coarser_of(problem, reference_co2_kg=emitted)
        starts = [(end, held) for end, held in zip(reversed(ends_), known.values(), strict=False)]
        held = self.chain.solve(draft, matrix, coarser, self.left(), ends_, starts, gap)
        results = extract(problem, draft, matrix, held.solution, held.run)
        checked = audit(results, problem, reference_co2_kg=emitted)
        return study.Plan(problem, results, checked, reference_note="not asked for")


@contextmanager
def _aside() -> Iterator[None]:
    """Leave what is there, such as the written model of a year, out of searches for cycles."""
    mine = gc.get_freeze_count() == 0
    if mine:
        gc.freeze()
    try:
        yield
    finally:
        if mine:
            gc.unfreeze()


def _with_plan(point: Point, plan: Plan) -> Point:
    """Return a point with its plan's figures."""
    results = plan.results
    caps = results.caps[results.caps["name"] == CO2_CAP]
    price = float(caps["shadow_price"].iloc[0]) * KG_PER_T if len(caps) else math.nan
    table = results.shown_sizes()
    names = table["asset"] + "." + table["size"]
    amounts = zip(table["total"].astype(float), table["unit"].astype(str), strict=True)
    sizes = dict(zip(names, amounts, strict=True))
    return replace(
        point,
        status=results.run.status,
        run=results.run,
        cost=results.run.objective,
        co2_kg=results.co2_kg,
        price_per_t=price,
        sizes=sizes,
        audit=plan.audit,
    )
