"""One model after another: every one has the optimum of a solve from nothing, whatever came before."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from microgrid_opt import study
from microgrid_opt.errors import InfeasibleError, NoPlanError
from microgrid_opt.model import build
from microgrid_opt.problem import Problem
from microgrid_opt.solve import (
    bundle,
    chain,
    direct,
    handoff,
    highs,
    levels,
    limits,
    progressive,
    rounding,
)
from microgrid_opt.solve.certify import certify, primal_residual
from microgrid_opt.solve.chain import Chain
from microgrid_opt.solve.changes import changed_columns
from microgrid_opt.solve.coarse import coarser_of
from microgrid_opt.solve.limits import Limited
from microgrid_opt.solve.live import Live
from microgrid_opt.solve.mending import of_row
from microgrid_opt.solve.profiles import load_profile
from microgrid_opt.solve.status import Outcome, Status
from microgrid_opt.sweep import axes_of
from microgrid_opt.sweep import sweep as run
from microgrid_opt.sweep.front import capped, emissions, ends, recapped, with_cap
from tests.support import EXACT, park, problem_of

if TYPE_CHECKING:
    from microgrid_opt.draft import Draft
    from microgrid_opt.solve.matrix import Matrix

DAYS = 6
LOADS = [20 + 7 * ((5 * hour) % 11) for hour in range(24)]
SUN = [0] * 6 + [0.1, 0.3, 0.6, 0.8, 0.9, 1.0, 1.0, 0.9, 0.7, 0.5, 0.2, 0.1] + [0] * 6
TEXT = park(
    f"""
    load: {{type: load, power_kw: {{hourly: {LOADS}}}}}
    grid: {{type: grid, connection_kw: 200, import_price_per_kwh: 0.8, peak_price_per_kw_month: 4,
           co2_kg_per_kwh: 0.6}}
    clean: {{type: supply, carrier: electricity, price_per_kwh: 3}}
    pv: {{type: pv, output_per_kw: {{hourly: {SUN}}}, power_kw: {{max_kw: 400, annual_cost_per_kw: 22}}}}
    battery:
      type: battery
      charge_efficiency: 0.9
      discharge_efficiency: 0.9
      final: cyclic
      energy_kwh: {{max_kwh: 2000, annual_cost_per_kwh: 6}}
      power_kw: {{max_kw: 400, annual_cost_per_kw: 1}}
    """,
    hours=24 * DAYS,
    carbon="{cap_t_per_year: 100}",
)
UNITS = "max_kw: 400, unit_kw: 50, annual_cost_per_kw: 22"


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut small models too, into pieces of some days."""
    monkeypatch.setattr(levels, "LEAST_NONZEROS", 0)
    monkeypatch.setattr(levels, "LEAST_PIECES", 2)
    monkeypatch.setattr(levels, "ROWS", 100)
    monkeypatch.setattr(levels, "FEW_NONZEROS", 0)


def model() -> tuple[Problem, Draft, Matrix]:
    problem = problem_of(TEXT)
    draft = build(problem)
    return problem, draft, handoff.extract(draft.model)


def limited(problem: Problem, span: tuple[Matrix, ...]) -> Limited:
    piece = levels.pieces_of(span[0], problem.horizon)
    coarser = coarser_of(problem)
    assert piece is not None
    assert coarser is not None
    return Limited(span, problem.horizon, piece, coarser, [load_profile()], 1)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("caps", [(3000, 1500, 2200, 1800), (1500, 3000, 1600, 2900)])
def test_cuts_of_one_cap_hold_for_the_others(caps: tuple[float, ...]) -> None:
    """Proves: each cap in pieces has the optimum of one solve from nothing, its bound is never above it,
    and cuts that were made for other caps are at work.

    Sensitivity: a cut that knows its cap; a box too narrow for another cap; a limit that reaches one of
    the two models only.
    """
    problem, draft, matrix = model()
    held = limited(problem, tuple(capped(draft, matrix, kg) for kg in caps[:2]))
    for number, kg in enumerate(caps):
        changed = capped(draft, matrix, kg)
        exact = highs.solve(changed, load_profile("test")).objective
        assert exact is not None
        assert held.takes(changed)
        outcome, stages = held.solve(changed, 1e-6, None, None)
        assert outcome.status is Status.OPTIMAL, outcome.message
        assert outcome.objective == pytest.approx(exact, rel=2e-6)
        assert outcome.bound <= exact * (1 + 1e-8)
        assert any("again" in stage.name for stage in stages) == (number > 0)


@pytest.mark.usefixtures("small")
def test_a_cap_between_two_begins_with_their_plans_in_proportion() -> None:
    """Proves: the start keeps all limits of the cap between, and costs no more than the chord.

    Sensitivity: proportions the wrong way round; the nearest plan, which breaks the cap.
    """
    problem, draft, matrix = model()
    loose, tight, middle = (capped(draft, matrix, kg) for kg in (3000, 1500, 2000))
    held = limited(problem, (loose, tight))
    costs = []
    for one in (loose, tight):
        outcome, _ = held.solve(one, 1e-6, None, None)
        assert outcome.objective is not None
        costs.append(outcome.objective)
    start = held._start(middle).values
    assert primal_residual(middle, start)[0] < 1e-6
    assert primal_residual(tight, start)[0] > 1e-3
    assert middle.objective(start) == pytest.approx((costs[0] + 2 * costs[1]) / 3, rel=1e-6)


@pytest.mark.usefixtures("small")
def test_plans_and_duals_of_other_caps_prove_without_a_search() -> None:
    """Proves: a looser cap that does not bind, and one solved before, need no search at all; one between
    caps that bind does. All have the optimum of one solve from nothing.

    Sensitivity: a bound of another cap's right-hand side; a plan that breaks the cap.
    """
    problem, draft, matrix = model()
    free = highs.solve(capped(draft, matrix, np.inf), load_profile("test"))
    assert free.solution is not None
    factors, rest = emissions(draft, matrix)
    most = float(factors @ free.solution.values) + rest
    caps = (2.0 * most, 0.4 * most, 1.5 * most, 0.4 * most, 0.7 * most)
    held = limited(problem, tuple(capped(draft, matrix, kg) for kg in caps[:2]))
    searched = []
    for kg in caps:
        changed = capped(draft, matrix, kg)
        outcome, stages = held.solve(changed, 1e-6, None, None)
        exact = highs.solve(changed, load_profile("test")).objective
        assert outcome.status is Status.OPTIMAL, outcome.message
        assert outcome.objective == pytest.approx(exact, rel=2e-6)
        assert outcome.solution is not None
        assert primal_residual(changed, outcome.solution.values)[0] < 1e-6
        searched.append("other points" not in stages[-1].name)
    assert searched == [True, True, False, False, True]


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("kg", [2000.0, 2600.0])
def test_a_search_without_a_plan_ends_at_a_vertex(
    monkeypatch: pytest.MonkeyPatch, kg: float
) -> None:
    """Proves: a search that is broken off early is finished by the simplex method on the whole, exactly,
    with duals that prove it.

    Sensitivity: misses that stay in the vertex; a bound of another cap.
    """
    problem, draft, matrix = model()
    loose, tight, middle = (capped(draft, matrix, one) for one in (3000, 1500, kg))
    held = limited(problem, (loose, tight))
    for one in (loose, tight):
        held.solve(one, 1e-6, None, None)
    monkeypatch.setattr(bundle, "CLOSE_ROUNDS", 1)
    monkeypatch.setattr(bundle._Search, "is_close", lambda *_: True)
    outcome, stages = held.solve(middle, 1e-12, None, None)
    assert stages[-1].name == "vertex"
    assert outcome.objective == pytest.approx(
        highs.solve(middle, load_profile("test")).objective, rel=1e-9
    )
    assert outcome.solution is not None
    assert certify(middle, outcome.solution).holds(1e-7)


@pytest.mark.usefixtures("small")
def test_a_far_cap_starts_from_coarser_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: coarser steps lead where caps are far apart, between others and tighter than all, and the
    optimum is that of one solve.

    Sensitivity: coarse cuts that count as proof; penalties that make misses pay.
    """
    monkeypatch.setattr(limits, "FAR", 0.0)
    problem, draft, matrix = model()
    loose, tight, far = (capped(draft, matrix, one) for one in (3000, 1500, 1200))
    held = limited(problem, (loose, far))
    for one in (loose, tight):
        held.solve(one, 1e-6, None, None)
    for kg in (2000, 1200):
        one = capped(draft, matrix, kg)
        park_there = with_cap(problem, kg / 1000 / problem.horizon.year_share)
        outcome, stages = held.solve(one, 1e-6, None, None, coarser_of(park_there))
        assert any("blocks" in stage.name for stage in stages)
        exact = highs.solve(one, load_profile("test")).objective
        assert outcome.objective == pytest.approx(exact, rel=2e-6)
        assert exact is not None
        assert outcome.bound <= exact * (1 + 1e-8)


@pytest.mark.usefixtures("small")
def test_plans_that_miss_their_shares_of_the_cap_count() -> None:
    """Proves: where a miss of the cap pays in every piece, plans that miss it by little make with others
    that keep it better ones in few rounds than a search has that takes plans without a miss only.

    Sensitivity: a plan that breaks the cap; misses of a share that count as misses.
    """
    problem, draft, matrix = model()
    loose, tight, middle = (capped(draft, matrix, kg) for kg in (3000, 1500, 2000))
    exact = highs.solve(middle, load_profile("test")).objective
    assert exact is not None
    found = []
    for is_shared in (False, True):
        held = limited(problem, (loose, tight))
        for one in (loose, tight):
            held.solve(one, 1e-6, None, None)
        front, level = held._front, held._level
        assert front is not None
        assert level is not None
        assert level.bundle is not None
        pieces, limit = level.bundle, float(middle.row_upper[front.row])
        pieces.matrix = middle
        pieces.cuts.follow(middle)
        for piece in pieces.models:
            penalty = piece.penalty.copy()
            penalty[piece.common :][of_row(pieces, piece, front.row)] = 0.5 * front.price(limit)
            piece.charge(penalty)
        start = front.plan(limit)
        assert start is not None
        result = pieces.run(start[1], 1e-9, rounds=6, front=front if is_shared else None)
        assert result.values is not None
        assert primal_residual(middle, result.values)[0] < 1e-6
        assert middle.objective(result.values) == pytest.approx(result.objective)
        found.append(result.objective)
    alone, together = found
    assert exact * (1 - 1e-8) <= together < exact + 0.1 * (alone - exact)


def test_a_cap_in_the_written_model_is_that_of_its_own() -> None:
    """Proves: limit and all numbers of a model with another cap are those of the park with that cap.

    Sensitivity: a cap in tonnes; a limit that the tables still tell of the first park.
    """
    problem, draft, matrix = model()
    other = with_cap(problem, 77.7)
    fresh = build(other)
    expected = handoff.extract(fresh.model)
    known, found = recapped(draft, matrix, other)
    for name in ("cost", "value", "row_lower", "row_upper", "col_lower", "col_upper"):
        assert np.array_equal(getattr(found, name), getattr(expected, name))
    assert [(cap.name, cap.limit) for cap in known.caps] == [
        (cap.name, cap.limit) for cap in fresh.caps
    ]
    assert not np.array_equal(matrix.row_upper, expected.row_upper)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(("asked", "gap"), [((), 2e-3), (("mip_rel_gap=1e-6",), 1e-6)])
def test_the_least_co2_is_found_to_the_gap_that_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, asked: tuple[str, ...], gap: float
) -> None:
    """Proves: without a gap the end of least CO2 is searched to 0.2 %, with one to that, and its CO2 is that
    close to the least there is. Least cost is searched from coarser steps, with prices in money.

    Sensitivity: a gap of its own that takes the place of the one that was asked for; least cost that
    begins where least CO2 ended, from where a year of 8760 hours took four times as long.
    """
    clean = "clean: {type: supply, carrier: electricity, price_per_kwh: 3}"
    text = TEXT.replace(
        "{max_kw: 400, annual_cost_per_kw: 22}", "{max_kw: 40, annual_cost_per_kw: 1}"
    )
    text = text.replace(clean, "")
    problem = problem_of(text)
    draft = build(problem)
    matrix = handoff.extract(draft.model)
    factors, rest = emissions(draft, matrix)
    least = highs.solve(
        replace(capped(draft, matrix, np.inf), cost=factors, offset=rest), load_profile("test")
    ).objective
    gaps: list[float] = []
    solve = Limited.solve

    def noted(self: Limited, matrix: Matrix, gap: float, *rest: Any) -> Any:
        gaps.append(gap)
        return solve(self, matrix, gap, *rest)

    monkeypatch.setattr(Limited, "solve", noted)
    with Chain(overrides=asked) as solver:
        (most, cheapest), (tight, _) = ends(problem, solver, lambda: None)
    assert gaps[0] == gap
    assert "blocks" in cheapest.run.stages[0].name
    assert least is not None
    slack = 0.03 * (most - least)
    assert least + 0.9 * slack <= tight <= least * (1 + gap) + slack * (1 + 1e-9)


def test_a_strategy_that_does_not_fit_is_told() -> None:
    """Proves: a strategy that was asked for is used, or its misfit told, for a small model as well.

    Sensitivity: a strategy that the last basis takes the place of, without a word.
    """
    problem, draft, matrix = model()
    with Chain(strategy="rounded") as solver:
        held = solver.solve(draft, matrix, coarser_of(problem))
    assert "strategy rounded does not fit" in held.run.choice
    with Chain(strategy="progressive") as solver:
        first = solver.solve(draft, matrix, coarser_of(problem))
    assert first.run.strategy == "progressive"
    assert first.run.objective == pytest.approx(held.run.objective, rel=2e-4)


@pytest.mark.usefixtures("small")
def test_what_changes_more_than_limits_of_what_is_shared_is_solved_anew() -> None:
    """Proves: other costs of pieces, more room, own rows, or a limit that comes or goes, do not fit."""
    problem, draft, matrix = model()
    loose, tight = (capped(draft, matrix, kg) for kg in (3000, 1500))
    held = limited(problem, (loose, tight))
    held.solve(loose, 1e-4, None, None)
    assert held.takes(tight)
    assert not held.takes(capped(draft, matrix, np.inf))
    assert not held.takes(replace(tight, cost=2.0 * tight.cost))
    assert not held.takes(replace(tight, col_upper=tight.col_upper + 1.0))
    upper = tight.row_upper.copy()
    upper[matrix.row_blocks["park.balance.electricity"].slice] += 1.0
    assert not held.takes(replace(tight, row_upper=upper))


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("kg", [1500.0, 3000.0])
def test_cuts_hold_at_other_costs_and_less_room_of_what_is_shared(kg: float) -> None:
    """Proves: at other costs of sizes, a part of their room, another constant and another cap, the cuts of
    the first model are at work, and each has the optimum of one solve from nothing and no bound above it.

    Sensitivity: costs, room or constant of the first model in the bound or the next point; plans of a
    front that cost what they did before.
    """
    problem, draft, matrix = model()
    loose, tight = (capped(draft, matrix, one) for one in (3000, 1500))
    held = limited(problem, (loose, tight))
    for one in (loose, tight):
        held.solve(one, 1e-6, None, None)
    level = held.last()
    assert level is not None
    # What it proved is that of the tight cap, solved last.
    assert level.bound == pytest.approx(
        highs.solve(tight, load_profile("test")).objective, rel=2e-6
    )
    assert level.bundle is not None
    shared = level.bundle.pieces.shared
    for factor, room in ((0.6, 1.0), (0.6, 0.1), (1.5, 0.5), (1.0, 0.7)):
        cost, upper = matrix.cost.copy(), matrix.col_upper.copy()
        cost[shared] *= factor
        upper[shared] *= room
        changed = replace(capped(draft, matrix, kg), cost=cost, col_upper=upper, offset=7.0)
        assert held.takes(changed)
        exact = highs.solve(changed, load_profile("test")).objective
        assert exact is not None
        outcome, stages = held.solve(changed, 1e-6, None, None)
        assert outcome.status is Status.OPTIMAL, outcome.message
        assert outcome.objective == pytest.approx(exact, rel=2e-6)
        assert outcome.bound <= exact * (1 + 1e-8)
        assert not any("blocks" in stage.name or "days" in stage.name for stage in stages)
        assert outcome.solution is not None
        assert primal_residual(changed, outcome.solution.values)[0] < 1e-6


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("fails", [False, True])
def test_another_price_of_each_hour_starts_from_the_last_plan(
    monkeypatch: pytest.MonkeyPatch, *, fails: bool
) -> None:
    """Proves: a model whose pieces cost more is searched from the last plan, without coarser steps, or
    with them where nothing is found that way; both have the optimum of one solve from nothing.

    Sensitivity: cuts of the old prices that stay; a failed start that ends it.
    """
    problem, draft, matrix = model()
    dearer = replace(matrix, cost=np.where(matrix.cost > 0.0, 1.2, 1.0) * matrix.cost)
    top = progressive.Climb.to_the_top

    def stopped(self: Any, fine: Any, gap: float, start: Any = None) -> Any:
        return (fine, None, "no") if start is not None else top(self, fine, gap)

    with Chain(overrides=("mip_rel_gap=1e-6",)) as solver:
        solver.solve(draft, matrix, coarser_of(problem))
        if fails:
            monkeypatch.setattr(progressive.Climb, "to_the_top", stopped)
        second = solver.solve(draft, dearer, coarser_of(problem))
    assert second.run.objective == pytest.approx(
        highs.solve(dearer, load_profile("test")).objective, rel=2e-6
    )
    names = [stage.name for stage in second.run.stages]
    coarse = any("days" in name or "blocks" in name for name in names)
    assert coarse == fails, names


def test_what_turns_or_widens_is_another_model() -> None:
    """Proves: dearer and tighter columns are told; more room, or a cost that turns into an income, is not
    a change for which bounds hold.

    Sensitivity: the sign of the comparison of bounds; a zero cost that counts as an income.
    """
    matrix = model()[2]
    cost, upper = matrix.cost.copy(), matrix.col_upper.copy()
    one = int(np.flatnonzero(np.isfinite(upper) & (matrix.cost > 0.0))[0])
    cost[one] *= 2.0
    dearer = changed_columns(matrix, replace(matrix, cost=cost))
    assert dearer is not None
    assert np.flatnonzero(dearer).tolist() == [one]
    upper[one] *= 0.5
    tighter = changed_columns(matrix, replace(matrix, col_upper=upper))
    assert tighter is not None
    assert np.flatnonzero(tighter).tolist() == [one]
    assert changed_columns(replace(matrix, col_upper=upper), matrix) is None
    cost[one] = -1.0
    assert changed_columns(matrix, replace(matrix, cost=cost)) is None


@pytest.mark.usefixtures("small")
def test_a_front_in_pieces_equals_fresh_solves() -> None:
    """Proves: `sweep` of a week in pieces, ends included, has the optimum of every point's own park.

    Sensitivity: an end that was found for the coarse year; points in the wrong places.
    """
    week = ("horizon={start: 2025-03-03, hours: 168}",)
    found = run(
        "wind_pv_hydrogen",
        axes_of("5"),
        sets=week,
        asked=study.Asked(options=("mip_rel_gap=1e-6",)),
    )
    caps = [float(point.values[0]) for point in found.points]
    assert caps == sorted(caps, reverse=True)
    assert any("cuts and plans" in point.run.choice for point in found.points if point.run)
    assert found.points[0].run is not None
    # The least-cost end is not searched a second time.
    assert len(found.points[0].run.stages) == 1
    for point in found.points:
        fresh = study.load("wind_pv_hydrogen", sets=[*week, *point.sets[len(week) :]])
        assert isinstance(fresh, Problem)
        results, _ = study.run(fresh, EXACT)
        assert point.cost == pytest.approx(results.cost, rel=2e-6)
        assert point.audit is not None
        assert point.audit.passed


def test_ends_are_those_of_the_model() -> None:
    """Proves: CO2 of both ends as highs alone finds it: least cost, and least CO2."""
    problem, draft, matrix = model()
    with Chain("test") as solver:
        (loose, _), (tight, _) = ends(problem, solver, lambda: None)
        free = highs.solve(capped(draft, matrix, np.inf), load_profile("test"))
        assert free.solution is not None
        values = free.solution.values
        emitted = 0.0
        for entry in draft.entries:
            if entry.effect == "co2":
                emitted += entry.amount.value(lambda c: values[matrix.column_blocks[c.name].slice])
        assert loose == pytest.approx(emitted, rel=1e-6)
    assert tight == pytest.approx(1e-6 * loose, abs=1e-6)


def test_a_model_of_another_shape_is_solved_anew() -> None:
    """Proves: numbers are taken over where rows, columns and coefficients are the same, and only there."""
    problem, draft, matrix = model()
    other = build(with_cap(problem, 50.0))
    with Live(matrix, load_profile("test"), draft=draft) as live:
        live.solve()
        assert live.follow(handoff.extract(other.model), other)
        expected = highs.solve(handoff.extract(other.model), load_profile("test")).objective
        assert live.solve().objective == pytest.approx(expected)
        assert live.method == "dual"
        assert not live.follow(replace(matrix, value=2.0 * matrix.value))
        assert live.solve().objective == pytest.approx(expected)
    with Chain("test") as solver:
        first = solver.solve(draft, matrix)
        second = solver.solve(other, handoff.extract(other.model))
        assert "from the last basis" in second.run.choice
        text = TEXT.replace(
            "max_kw: 400, annual_cost_per_kw: 22", "fixed_kw: 100, annual_cost_per_kw: 22"
        )
        fixed = build(problem_of(text))
        anew = solver.solve(fixed, handoff.extract(fixed.model))
        again = solver.solve(draft, matrix)
    assert again.run.objective == pytest.approx(first.run.objective)
    expected = highs.solve(handoff.extract(fixed.model), load_profile("test")).objective
    assert anew.run.objective == pytest.approx(expected)


@pytest.mark.usefixtures("small")
def test_where_pieces_give_up_the_whole_is_solved(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: without a plan of the pieces the model is solved as it is; with one, which is not as close
    as asked, that plan is kept with its gap where the whole gives up too.

    Sensitivity: an error where there is a plan; a plan that is called optimal.
    """
    problem, draft, matrix = model()
    exact = highs.solve(matrix, load_profile("test"))
    coarser = coarser_of(problem)
    nothing = Outcome(Status.UNKNOWN, None, None, -np.inf, 0.0, message="no plan was found")
    monkeypatch.setattr(Limited, "solve", lambda *_: (nothing, ()))
    with Chain() as solver:
        held = solver.solve(draft, matrix, coarser)
    assert held.run.objective == pytest.approx(exact.objective)
    assert held.run.strategy == "direct"
    near = replace(exact, status=Status.UNKNOWN, bound=0.99 * (exact.objective or 0.0))
    monkeypatch.setattr(Limited, "solve", lambda *_: (near, ()))

    def give_up(*_: Any, **__: Any) -> Any:
        raise NoPlanError("no")

    monkeypatch.setattr(direct, "solve", give_up)
    with Chain() as solver:
        held = solver.solve(draft, matrix, coarser)
    assert held.run.status == "unknown"
    assert held.run.gap == pytest.approx(0.01)


def test_large_models_that_are_not_cut_and_what_cannot_be_met(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Proves: a large linear model is solved anew each time; a cap out of reach names its limit."""
    _, draft, matrix = model()
    expected = highs.solve(matrix, load_profile("test")).objective
    with Chain("test") as solver, pytest.raises(InfeasibleError, match="CO2 cap"):
        solver.solve(draft, capped(draft, matrix, -1.0))
    monkeypatch.setattr(chain, "LARGE_NONZEROS", 1)
    monkeypatch.setattr(Live, "solve", None)
    with Chain("test") as solver:
        assert solver.solve(draft, matrix).run.objective == pytest.approx(expected)


def test_years_of_many_whole_numbers_are_solved_as_by_solve(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Proves: where `solve` would relax and round, each model of a chain is solved that way too.

    Sensitivity: branch and bound alone from the last plan, which finds nothing in such a year.
    """
    problem = problem_of(TEXT.replace("max_kw: 400, annual_cost_per_kw: 22", UNITS))
    draft = build(problem)
    matrix = handoff.extract(draft.model)
    expected = highs.solve(matrix, load_profile("test")).objective
    assert matrix.is_mip
    with Chain("test") as solver:
        solver.solve(draft, matrix)
        again = solver.solve(draft, matrix)
        assert "from the last plan" in again.run.choice
        monkeypatch.setattr(rounding, "is_worth_it", lambda *_, **__: True)
        monkeypatch.setattr(Live, "solve", None)
        asked: list[str] = []

        def solve(*_: Any, strategy: str, **__: Any) -> direct.Held:
            asked.append(strategy)
            return again

        monkeypatch.setattr(direct, "solve", solve)
        assert solver.solve(draft, matrix).run.objective == pytest.approx(expected)
        assert asked == ["auto"]


@pytest.mark.usefixtures("small")
def test_pieces_are_at_most_as_many_as_their_cuts_bear(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: six days of a model that is not small are three pieces by their rows, two where more are too
    many.

    Sensitivity: pieces of the same rows however many that makes.
    """
    monkeypatch.setattr(levels, "ROWS", 300)
    monkeypatch.setattr(levels, "FEW_NONZEROS", 0)
    problem, _, matrix = model()
    found = []
    for most in (levels.MANY, 2):
        monkeypatch.setattr(levels, "MANY", most)
        piece = levels.pieces_of(matrix, problem.horizon)
        assert piece is not None
        found.append(int(piece.max()) + 1)
    assert found == [3, 2]
