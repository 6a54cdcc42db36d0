"""Pathways in pieces: every stage is cut for itself, and the optimum is that of one run."""

from __future__ import annotations

import math

import numpy as np
import pytest

from microgrid_opt import study
from microgrid_opt.pathway.plan import PathwayPlan, _Job
from microgrid_opt.pathway.problem import StagedProblem
from microgrid_opt.solve import bundle, handoff, highs, levels, progressive
from microgrid_opt.solve.coarse import coarser_of_stages
from microgrid_opt.solve.mending import mended
from microgrid_opt.solve.pieces import SHARED, SPREAD, cut, edges
from microgrid_opt.solve.profiles import load_profile
from tests.support import EXACT

CASE = "pathway_2035"
DAYS = "horizon={start: 2025-03-03, hours: 240, step_minutes: 180}"
BUDGET = "pathway.co2_budget_t=150000"


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pieces of some days agree slowly: of a year that says that one run is as fast."""
    monkeypatch.setattr(progressive, "SLOW", np.inf)
    monkeypatch.setattr(bundle, "PATIENCE", bundle.MOST_ROUNDS)


def staged(scenario: str = "", *sets: str) -> StagedProblem:
    found = study.load(CASE, scenario=scenario or None, sets=[DAYS, *sets])
    assert isinstance(found, StagedProblem)
    return found


def planned(problem: StagedProblem, strategy: str) -> PathwayPlan:
    plan = study.solve(problem, strategy=strategy, reference=False)
    for audit in plan.audits.values():
        audit.require()
    return plan


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize(
    ("scenario", "sets"),
    [("", ()), ("same_tonnes", ()), ("no_target", (BUDGET,)), ("myopic", ())],
    ids=["shares", "caps", "budget", "myopic"],
)
def test_the_optimum_is_that_of_one_run(scenario: str, sets: tuple[str, ...]) -> None:
    """Proves: limits of every stage, a budget over all of them, one stage after the other: same cost.

    Every stage is audited. Sensitivity: a stage whose purchases, stores or share of the budget were
    lost on the way to the pieces costs another sum; the budget binds, and its worth is the same.
    """
    problem = staged(scenario, *sets)
    once, found = planned(problem, "direct"), planned(problem, "progressive")
    assert once.pathway.run.strategy == "direct"
    assert found.pathway.run.strategy == "progressive"
    assert (found.pathway.run.gap or 0.0) <= levels.EXACT  # stages one after the other have none
    assert found.pathway.run.objective == pytest.approx(once.pathway.run.objective, rel=1e-6)
    assert found.pathway.present_value == pytest.approx(once.pathway.present_value, rel=1e-6)


def test_every_stage_is_cut_for_itself() -> None:
    """Proves: a piece holds steps of one stage; stages share sizes, and the budget is spread.

    Sensitivity: with the steps of all stages in one piece there are a third as many pieces.
    """
    problem = staged("no_target", BUDGET)
    root, _, whole = _Job(problem, problem.stages, {}, EXACT, {}, {}).write()
    matrix = handoff.extract(root)
    piece = edges(matrix, whole.horizon, 500)
    assert piece.max() > 0
    pieces = cut(matrix, whole.horizon, piece)
    assert pieces.count == 3 * (int(piece.max()) + 1)
    stage_of: dict[int, set[str]] = {}
    for block in matrix.columns:
        for number in np.unique(pieces.column[block.slice]):
            if number != SHARED:
                stage_of.setdefault(int(number), set()).add(block.name.partition(".")[0])
    assert all(len(stages) == 1 for stages in stage_of.values())
    assert len(stage_of) == pieces.count
    assert [matrix.row_name(int(row)) for row in np.flatnonzero(pieces.row == SPREAD)] == [
        "co2_budget"
    ]


def test_coarser_steps_are_those_of_all_stages() -> None:
    """Proves: in blocks of a day every stage has a step for each day, under the same names.

    Sensitivity: a stage left on its own steps, or left out, has other columns.
    """
    problem = staged()
    job = _Job(problem, problem.stages, {}, EXACT, {}, {})
    root, _, whole = job.write()
    coarser = coarser_of_stages(problem.stages, job._rewritten)
    fine = handoff.extract(root)
    starts = np.flatnonzero(np.diff(whole.horizon.day, prepend=-1))
    horizon, coarse = coarser.build(starts)
    assert len(horizon) == len(starts) == 10
    assert [block.name for block in coarse.columns] == [block.name for block in fine.columns]
    timed = {block.name for block in fine.columns if block.count == len(whole.horizon)}
    assert {name.partition(".")[0] for name in timed} == {"y2027", "y2030", "y2035"}
    assert {b.count for b in coarse.columns if b.name in timed} == {10}


def test_a_miss_of_a_limit_of_zero_is_worth_no_more_than_the_plan() -> None:
    """Proves: CO2 − 1.0 × energy ≤ 0 is priced by the tonnes in it, not by its limit.

    Missing all of what moves in the row costs about the plan, at `DEARER`. Sensitivity: by the limit
    alone one kg would cost as much as everything.
    """
    problem = staged()
    root, _, whole = _Job(problem, problem.stages, {}, EXACT, {}, {}).write()
    matrix = handoff.extract(root)
    piece = edges(matrix, whole.horizon, 500)
    pieces = cut(matrix, whole.horizon, piece)
    values = np.ones(matrix.column_count)
    start = levels.Level(
        np.arange(len(whole.horizon)),
        whole.horizon,
        matrix,
        values=values,
        duals=np.zeros(matrix.row_count),
    )
    found = levels.penalties(start, start, pieces)[matrix.column_count :]
    total = abs(float(matrix.cost @ values))
    for price, row in zip(found, pieces.spread, strict=True):
        inside = matrix.entry_row == row
        moved = 0.5 * float(np.abs(matrix.value[inside]).sum())
        assert moved > 10.0
        assert price == pytest.approx(levels.DEARER * total / moved)
    assert math.isfinite(total)


def test_what_a_piece_has_more_of_a_limit_is_taken_from_others() -> None:
    """Proves: a piece whose share of the budget is 10 t too small gets what it uses; the sum is kept.

    Sensitivity: without what is taken from others the budget is broken, and no plan comes of it.
    """
    problem = staged("no_target", BUDGET)
    root, _, whole = _Job(problem, problem.stages, {}, EXACT, {}, {}).write()
    matrix = handoff.extract(root)
    pieces = cut(matrix, whole.horizon, edges(matrix, whole.horizon, 500))
    optimum = highs.solve(matrix, load_profile("test")).solution
    assert optimum is not None
    shared = int((pieces.column == SHARED).sum())
    prices = np.full(matrix.column_count + len(pieces.spread), 1e9)
    search = bundle.Bundle(matrix, pieces, prices)
    point = search.point(optimum.values)
    short = shared + int(np.argmin(point[shared:]))
    long = shared + int(np.argmax(point[shared:]))
    assert search.cuts.keeps(point)
    moved = 0.5 * float(point[short])
    point[short], point[long] = point[short] - moved, point[long] + moved
    assert search.cuts.keeps(point)
    answers = search.solve(point)
    assert answers is not None
    assert any((answer.missed > bundle.MISSED).any() for answer in answers)
    found = mended(search, point, answers)
    assert found[short] > point[short]
    assert found[long] < point[long]
    assert search.cuts.keeps(found)


@pytest.mark.usefixtures("patient")
def test_a_point_that_is_nearly_a_plan_ends_at_the_vertex(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: where no point of a search is taken as a plan, it ends at the optimum all the same.

    Sensitivity: without a vertex from there the model is solved at once, and the line says so.
    """
    problem = staged()
    once = planned(problem, "direct")
    keep = bundle._Search.keep

    def roughly_only(self: bundle._Search, point: object, objective: float) -> None:
        if self.roughly:
            keep(self, point, objective)  # type: ignore[arg-type]

    monkeypatch.setattr(bundle._Search, "keep", roughly_only)
    found = planned(problem, "progressive").pathway.run
    assert found.strategy == "progressive"
    assert found.stages[-1].name == "vertex"
    assert found.objective == pytest.approx(once.pathway.run.objective, rel=1e-9)
