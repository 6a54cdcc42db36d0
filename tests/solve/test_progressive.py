"""From coarse to fine in pieces: the optimum of the model as it is, and bounds that hold."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from microgrid_opt import study
from microgrid_opt.errors import InfeasibleError, InputError, NoPlanError
from microgrid_opt.model import build
from microgrid_opt.problem import Problem
from microgrid_opt.solve import bundle, handed, handoff, highs, levels, progressive
from microgrid_opt.solve.boxes import boxes
from microgrid_opt.solve.certify import certify
from microgrid_opt.solve.coarse import coarser_of
from microgrid_opt.solve.matrix import Block, Matrix
from microgrid_opt.solve.pieces import SHARED, SPREAD, Pieces, cut
from microgrid_opt.solve.profiles import load_profile
from microgrid_opt.solve.status import Outcome, Status
from microgrid_opt.solve.typical import Start
from tests.support import EXACT, park, problem_of

if TYPE_CHECKING:
    from microgrid_opt.draft import Draft

GAP = ("mip_rel_gap=1e-7",)
WEEK = "horizon={start: 2025-03-03, hours: 168}"
CASES = (
    "wind_pv_hydrogen",
    "data_centre",
    "heat_cascade",
    "hydrogen_hub",
    "small_coal",
    "steel_park",
    "us_warehouse",
    "shared_storage",
)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut small models too, into pieces of some days."""
    monkeypatch.setattr(levels, "LEAST_NONZEROS", 0)
    monkeypatch.setattr(levels, "LEAST_PIECES", 2)
    monkeypatch.setattr(levels, "ROWS", 100)
    monkeypatch.setattr(levels, "FEW_NONZEROS", 0)


def relaxed(problem: Problem, co2: float | None = None) -> Matrix:
    """Return a problem's model without whole numbers."""
    draft = build(problem, reference_co2_kg=co2)
    return linear(draft, handoff.extract(draft.model))


def linear(_: Draft, matrix: Matrix) -> Matrix:
    """Return a model without its whole numbers."""
    return replace(matrix, integrality=np.zeros_like(matrix.integrality))


def in_pieces(problem: Problem, gap: float, co2: float | None = None) -> Outcome:
    """Return the plan of a problem without whole numbers, solved in pieces."""
    matrix = relaxed(problem, co2)
    piece = levels.pieces_of(matrix, problem.horizon)
    coarser = coarser_of(problem, reference_co2_kg=co2, amend=linear)
    assert piece is not None
    assert coarser is not None
    outcome, _ = progressive.plan(
        matrix, problem.horizon, piece, coarser, [load_profile()], gap, None, None
    )
    return outcome


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("case", CASES)
def test_a_week_has_the_same_optimum_with_prices_that_prove_it(case: str) -> None:
    """Proves: for every formulation of the shipped cases the pieces end at the optimum of one solve.

    The prices they give prove it without the solver (certify). Sensitivity: a shared column or a share
    of a yearly row that is lost, or a coarse level that gets into the result, changes it.
    """
    problem = study.load(case, sets=[WEEK])
    assert isinstance(problem, Problem)
    co2 = None
    if problem.park.carbon.needs_reference:
        found, _ = study.reference_of(problem, study.Asked())
        assert found is not None
        co2 = found[0].co2_kg
    exact = highs.solve(relaxed(problem, co2), load_profile("test"))
    outcome = in_pieces(problem, 1e-7, co2)
    assert outcome.status is Status.OPTIMAL, outcome.message
    assert outcome.objective == pytest.approx(exact.objective, rel=1e-6)
    assert outcome.solution is not None
    assert certify(relaxed(problem, co2), outcome.solution).holds()


@pytest.mark.usefixtures("small")
def test_few_pieces_are_not_priced_and_end_at_the_same_vertex(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Proves: a small model has a piece for each twelfth of its rows, and the optimum of one solve.

    Sensitivity: with many pieces there are more of them, all are priced on the last level as well,
    and their search goes on to a smaller gap.
    """
    problem = study.load("us_warehouse", sets=[WEEK])
    assert isinstance(problem, Problem)
    exact = highs.solve(relaxed(problem), load_profile("test"))
    priced: list[int] = []
    price = bundle.Bundle.price

    def noted(self: bundle.Bundle, slopes: list[np.ndarray]) -> None:
        priced.append(self.matrix.row_count)
        price(self, slopes)

    monkeypatch.setattr(bundle.Bundle, "price", noted)
    monkeypatch.setattr(handed, "LOST", -1.0)
    matrix = relaxed(problem)
    pieces, last = [], []
    for most in (matrix.nonzero_count - 1, matrix.nonzero_count):
        monkeypatch.setattr(levels, "FEW_NONZEROS", most)
        monkeypatch.setattr(levels, "FEW", 3)
        priced.clear()
        outcome = in_pieces(problem, 1e-9)
        assert outcome.objective == pytest.approx(exact.objective, rel=1e-9)
        piece = levels.pieces_of(matrix, problem.horizon)
        assert piece is not None
        pieces.append(int(piece.max()) + 1)
        last.append(matrix.row_count in priced)
    assert pieces[1] == 3 < pieces[0]
    assert last == [True, False]
    assert progressive.vertex_gap(matrix) == progressive.SOON > progressive.NEAR


@pytest.mark.usefixtures("small")
def test_a_short_horizon_has_few_typical_days(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: one day of eight is typical, four at least, and sixteen of a year.

    Sensitivity: 56 days have seven of them, 14 four; a year of 365 would have 45.
    """
    asked: list[int] = []

    def stopped(_: object, count: int, *__: object) -> Start:
        asked.append(count)
        return Start("", Outcome(Status.INTERRUPTED, None, None, -np.inf, 0.0), None)

    monkeypatch.setattr(progressive, "start_from_days", stopped)
    for hours in (336, 1344, 8760):
        body = text(LOADS, 30).replace("hours: 144", f"hours: {hours}")
        with pytest.raises(NoPlanError):
            study.run(problem_of(body), study.Asked())
    assert asked == [4, 7, 16]


def text(load: list[float], capex: int, *, cap: float | None = None, peak: float = 5.0) -> str:
    """Return six days in hours with sized PV and battery, a demand charge and maybe a CO2 cap."""
    sections = {"horizon": "{start: 2025-01-29, hours: 144}"}
    if cap is not None:
        sections["carbon"] = f"{{cap_t_per_year: {cap}}}"
    return park(
        f"""
        load: {{type: load, power_kw: {{hourly: {json.dumps(load)}}}}}
        pv: {{type: pv, output_per_kw: {{hourly: {[0] * 8 + [0.3, 0.6, 0.8, 0.9] * 2 + [0] * 8}}},
              power_kw: {{max_kw: 60, capex_per_kw: {capex}, lifetime_years: 10}}}}
        battery: {{type: battery, charge_efficiency: 0.9, discharge_efficiency: 0.9, final: cyclic,
                   energy_kwh: {{max_kwh: 300, capex_per_kwh: 1, lifetime_years: 10}},
                   power_kw: {{max_kw: 40, capex_per_kw: 2, lifetime_years: 10}}}}
        grid: {{type: grid, connection_kw: 100, co2_kg_per_kwh: 0.6, peak_price_per_kw_month: {peak},
                import_price_per_kwh: {{periods: {{high: 0.9, low: 0.3}},
                  calendar: [{{hours: "8-20", period: high}}], otherwise: low}}}}
        """,
        hours=144,
        **sections,
    )


LOADS = [20.0, 18.0, 15.0, 30.0, 42.0, 35.0] * 4
loads = st.lists(st.integers(5, 45).map(float), min_size=24, max_size=24)


@pytest.mark.slow
@pytest.mark.usefixtures("small")
@settings(
    max_examples=20,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(
    load=loads,
    capex=st.integers(5, 60),
    peak=st.sampled_from([0.0, 5.0, 40.0]),
    gap=st.sampled_from([0.05, 0.005, 1e-7]),
)
def test_the_gap_contains_the_optimum(
    load: list[float], capex: int, peak: float, gap: float
) -> None:
    """Proves: bound ≤ optimum ≤ plan on random parks, and no farther apart than asked.

    Sensitivity: a cut that claims a cent too much, or a plan that misses a row, shows.
    """
    problem = problem_of(text(load, capex, cap=97.0, peak=peak))
    exact = highs.solve(relaxed(problem), load_profile("test"))
    if exact.status is Status.INFEASIBLE:
        return
    outcome = in_pieces(problem, gap)
    assert exact.objective is not None
    assert outcome.objective is not None, outcome.message
    slack = 1e-9 * abs(exact.objective)
    assert outcome.bound <= exact.objective + slack
    assert exact.objective <= outcome.objective + 1e-6 * abs(exact.objective)
    assert outcome.objective - outcome.bound <= gap * abs(outcome.objective) + slack


@pytest.mark.slow
@pytest.mark.usefixtures("small")
@settings(
    max_examples=25,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(seed=st.integers(0, 2**32 - 1), size=st.sampled_from([0.01, 1.0, 30.0]))
def test_a_cut_of_any_duals_is_below_what_a_piece_costs(seed: int, size: float) -> None:
    """Proves: not only duals of an optimum: random ones never prove more than a piece costs anywhere.

    Sensitivity: a bound of a column or a penalty that were left out of the cut would.
    """
    problem = problem_of(text(LOADS, 30, cap=97.0))
    matrix = relaxed(problem)
    piece = levels.pieces_of(matrix, problem.horizon)
    assert piece is not None
    random = np.random.default_rng(seed)
    pieces = cut(matrix, problem.horizon, piece)
    prices = np.full(matrix.column_count + len(pieces.spread), 3.0)
    parts = bundle.Bundle(matrix, pieces, prices)
    cuts = parts.cuts
    point = cuts.lower + random.uniform(size=cuts.count) * np.minimum(cuts.upper - cuts.lower, 50.0)
    for number, model in enumerate(parts.models):
        at = point[cuts.parameters[number]]
        answer = model.solve(at)
        assert answer is not None
        duals = random.normal(0.0, size, len(model.row_lower))
        claim = model.cut(duals)
        slack = 1e-7 * (1.0 + abs(answer.cost))
        assert claim.constant + claim.slopes @ at <= answer.cost + slack
        assert answer.cut.constant + answer.cut.slopes @ at == pytest.approx(answer.cost, rel=1e-6)


def matrix_of(
    cost: list[float], rows: list[list[float]], lower: list[float], upper: list[float]
) -> Matrix:
    """Return a small model with columns from 0 without upper bound, but the first: at most 4."""
    width = len(cost)
    high = np.full(width, np.inf)
    high[0] = 4.0
    return Matrix(
        cost=np.array(cost),
        offset=0.0,
        maximize=False,
        start=np.arange(0, width * len(rows) + 1, width).astype(np.int32),
        index=np.tile(np.arange(width), len(rows)).astype(np.int32),
        value=np.array(rows, dtype=float).ravel(),
        row_lower=np.array(lower),
        row_upper=np.array(upper),
        col_lower=np.zeros(width),
        col_upper=high,
        integrality=np.zeros(width, dtype=np.uint8),
        columns=(Block("x", 0, width, range(width)),),
        rows=(Block("r", 0, len(rows), range(len(rows))),),
    )


def test_rows_and_cost_bound_columns() -> None:
    """Proves: 2b ≤ a + 2 with a ≤ 4 gives b ≤ 3; a peak p ≥ b that costs need not exceed 3; q, which
    costs and has no row, is 0; g, which earns and is in no row that holds it, stays free.
    """
    inf = np.inf
    matrix = matrix_of(
        [0.0, 0.0, 1.0, 1.0, -1.0],
        [[-1.0, 2.0, 0.0, 0.0, 0.0], [0.0, -1.0, 1.0, 0.0, 0.0]],
        [-inf, 0.0],
        [2.0, inf],
    )
    lower, upper = boxes(matrix)
    assert lower.tolist() == [0.0] * 5
    assert upper[:4] == pytest.approx([4.0, 3.0, 3.0, 0.0], abs=2e-5)
    assert np.isinf(upper[4])


def test_what_is_needed_of_a_whole_number_is_the_next_whole_number() -> None:
    """Proves: of units n with 2n ≥ a + 1 and a ≤ 4 three are needed, not two and a half.

    Sensitivity: with an upper bound of 2.5 no plan with a = 4 is left, and a bound says too much.
    """
    matrix = matrix_of([-3.0, 1.0], [[-1.0, 2.0]], [1.0], [np.inf])
    whole = replace(matrix, integrality=np.array([0, 1], dtype=np.uint8))
    assert boxes(matrix)[1] == pytest.approx([4.0, 2.5], abs=2e-5)
    assert boxes(whole)[1].tolist() == [4.0, 3.0]
    lower, upper = boxes(whole)
    boxed = replace(whole, col_lower=lower, col_upper=upper)
    assert highs.solve(boxed, load_profile("test")).objective == pytest.approx(-9.0)


@pytest.mark.usefixtures("small")
def test_stores_at_midnight_and_sizes_are_shared_and_a_yearly_cap_is_spread() -> None:
    """Proves: of two pieces the charge state at both ends is shared, and nothing else of a step but
    what the first step needs of the last one's balance; a month's peak with one piece is its own.
    """
    problem = problem_of(text(LOADS, 30, cap=97.0))
    matrix = relaxed(problem)
    piece = np.repeat([0, 1], 72)  # 29 to 31 January, 1 to 3 February
    pieces = cut(matrix, problem.horizon, piece)
    names = {matrix.column_name(int(j)).removeprefix("park.") for j in pieces.shared}
    assert {"battery.state_of_charge[71]", "pv.power_size", "battery.energy_size"} <= names
    assert not any(name.startswith(("grid.", "pv.generation")) for name in names)
    assert [matrix.row_name(int(i)) for i in pieces.spread] == ["park.policies.co2_cap"]
    timed = next(b for b in matrix.columns if b.name == "park.grid.import")
    assert pieces.column[timed.slice].tolist() == piece.tolist()
    assert_covers(matrix, pieces)


def assert_covers(matrix: Matrix, pieces: Pieces) -> None:
    """Assert that a row of a piece has columns of this piece and shared ones only."""
    row, column = pieces.row[matrix.entry_row], pieces.column[matrix.index]
    inside = row >= 0
    assert ((column == row) | (column == SHARED))[inside].all()
    assert (column[row == SHARED] == SHARED).all()
    assert set(np.unique(row[~inside])) <= {SHARED, SPREAD}


@pytest.mark.usefixtures("small")
def test_a_solve_says_what_it_did_and_the_audit_agrees() -> None:
    """Proves: through the main job the plan is the direct one's, audited, in two or more stages."""
    problem = problem_of(text(LOADS, 30, cap=97.0))
    direct, _ = study.run(problem, EXACT)
    found, audit = study.run(problem, study.Asked(options=GAP))
    audit.require()
    assert direct.run.strategy == "direct"
    vertex, _ = study.run(problem, study.Asked())
    assert vertex.run.strategy == "progressive"
    assert "pieces of the year to a vertex" in vertex.run.choice
    assert vertex.cost == pytest.approx(direct.cost, rel=1e-9)
    assert vertex.run.gap == pytest.approx(0.0, abs=1e-9)
    assert found.run.strategy == "progressive"
    assert "pieces of the year to a gap of 1e-07" in found.run.choice
    assert found.cost == pytest.approx(direct.cost, rel=1e-6)
    assert found.run.prices_from == "LP"
    rough, _ = study.run(problem, study.Asked(options=("mip_rel_gap=0.05",)))
    assert rough.run.gap is not None
    assert 0.0 <= rough.run.gap <= 0.05
    assert rough.run.bound is not None
    assert rough.run.bound <= direct.cost * (1 + 1e-9) <= rough.cost * (1 + 2e-9)


@pytest.mark.usefixtures("small")
def test_contradictions_are_told_as_ever() -> None:
    """Proves: pieces that can miss what they share do not hide that no plan exists."""
    with pytest.raises(InfeasibleError, match="CO2 cap"):
        study.run(problem_of(text(LOADS, 30, cap=0.1)), study.Asked(options=GAP))


@pytest.mark.usefixtures("small")
def test_a_model_that_cannot_be_coarser_is_solved_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: it falls back, and one line says why."""

    def refuse(*_: object) -> None:
        raise InputError("A coarser step may only join steps of equal weight.")

    problem = problem_of(text(LOADS, 30))
    monkeypatch.setattr(type(problem.horizon), "coarsen", refuse)
    found, _ = study.run(problem, study.Asked(options=GAP))
    assert found.run.strategy == "direct"
    assert "cannot be written on coarser steps" in found.run.choice


@pytest.mark.usefixtures("small")
def test_ctrl_c_returns_the_plan_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: stopped after some rounds, a linear year has a plan and a bound."""
    problem = problem_of(text(LOADS, 30))
    exact, _ = study.run(problem, EXACT)
    proceed = bundle._Search.round
    columns = relaxed(problem).column_count

    def stop(self: bundle._Search) -> str:
        if self.values is not None and self.bundle.matrix.column_count == columns:
            raise KeyboardInterrupt
        return proceed(self)

    monkeypatch.setattr(bundle._Search, "round", stop)
    found, audit = study.run(problem, study.Asked(options=GAP))
    audit.require()
    assert found.run.status == "interrupted"
    assert found.run.bound is not None
    assert found.run.bound <= exact.cost * (1 + 1e-9) <= found.cost * (1 + 2e-9)


@pytest.mark.usefixtures("small")
def test_pieces_that_do_not_agree_give_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: after some rounds one run takes over, and one line says why; with a time limit none does.

    Stopped in that one run, the plan of the pieces is held with what they have proven.
    Sensitivity: one run alone that is stopped before its end has no plan.
    """
    problem = problem_of(text(LOADS, 30))
    monkeypatch.setattr(bundle, "PATIENCE", 3)
    monkeypatch.setattr(progressive, "STUCK", 0.0)
    limited, _ = study.run(problem, study.Asked(options=GAP, time_limit_seconds=60.0))
    assert limited.run.strategy == "progressive"
    found, _ = study.run(problem, study.Asked(options=GAP))
    assert found.run.strategy == "direct"
    assert re.search(r"gave up: still a gap of [0-9.e-]+ % after 3 rounds", found.run.choice)
    assert found.cost == pytest.approx(limited.cost, rel=1e-6)

    attempts, columns = highs.attempts, relaxed(problem).column_count

    def stopped(matrix: Matrix, *given_: Any, **named: Any) -> list[Outcome]:
        if matrix.column_count < columns:
            return attempts(matrix, *given_, **named)
        return [Outcome(Status.INTERRUPTED, None, None, -np.inf, 0.0)]

    monkeypatch.setattr(highs, "attempts", stopped)
    held, audit = study.run(problem, study.Asked(options=GAP))
    audit.require()
    assert held.run.status == "interrupted"
    assert held.run.bound is not None
    assert held.run.bound <= found.cost * (1 + 1e-9) <= held.cost * (1 + 2e-9)
    monkeypatch.undo()
    monkeypatch.setattr(highs, "attempts", stopped)
    with pytest.raises(NoPlanError):
        study.run(problem, EXACT)


def test_small_models_are_solved_at_once() -> None:
    found, _ = study.run(problem_of(text(LOADS, 30)), study.Asked(options=GAP))
    assert found.run.strategy == "direct"


@pytest.mark.usefixtures("small")
def test_ctrl_c_in_the_typical_days_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: no other level is begun after it, and there is no plan to tell of."""

    def stopped(*_: object) -> Start:
        outcome = Outcome(Status.INTERRUPTED, None, None, -np.inf, 0.0)
        return Start("12 typical days of 14", outcome, None)

    def never(*_: object) -> None:
        raise AssertionError("a level was begun")

    monkeypatch.setattr(progressive, "start_from_days", stopped)
    monkeypatch.setattr(progressive.Climb, "first", never)
    monkeypatch.setattr(progressive.Climb, "search", never)
    body = text(LOADS, 30).replace("hours: 144", "hours: 336")
    with pytest.raises(NoPlanError):
        study.run(problem_of(body), study.Asked())
