"""Few whole numbers branched on over cuts of the pieces: the optimum, and bounds that hold."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from microgrid_opt import study
from microgrid_opt.errors import InfeasibleError, InputError, NoPlanError
from microgrid_opt.model import build
from microgrid_opt.solve import branched, bundle, handoff, highs, levels
from microgrid_opt.solve.chain import Chain
from microgrid_opt.solve.coarse import coarser_of
from microgrid_opt.solve.cuts import Cuts
from microgrid_opt.solve.matrix import Block, Matrix
from microgrid_opt.solve.nodes import Node, Nodes
from microgrid_opt.solve.pieces import SHARED, Pieces
from microgrid_opt.solve.profiles import load_profile
from tests.support import EXACT, park, problem_of

if TYPE_CHECKING:
    from microgrid_opt.problem import Problem

SUN = [0] * 8 + [0.3, 0.6, 0.8, 0.9] * 2 + [0] * 8
UNITS = "{max_kw: 60, unit_kw: 7, capex_per_kw: %s, lifetime_years: 10}"
BLOCKS = (
    "{max_kw: 60, capex_blocks_per_kw: [[20 kW, 60], [40 kW, 30], [60 kW, 10]], lifetime_years: 10}"
)
ONCE = "{max_kw: 60, fixed_capex: 400, capex_per_kw: %s, lifetime_years: 10}"
GONE = (
    "{max_kw: 60, existing_kw: 30, retirement: whole, capex_per_kw: %s, lifetime_years: 10,"
    " fixed_om_per_kw_year: 30}"
)
LOADS = [20.0, 18.0, 15.0, 30.0, 42.0, 35.0] * 4


def text(
    pv: str,
    load: list[float] = LOADS,
    *,
    battery: str = "capex_per_kwh: 1",
    cap: float | None = None,
) -> str:
    """Return six days in hours with PV and a battery, a demand charge and maybe a CO2 cap."""
    sections = {"horizon": "{start: 2025-01-29, hours: 144}"}
    if cap is not None:
        sections["carbon"] = f"{{cap_t_per_year: {cap}}}"
    return park(
        f"""
        load: {{type: load, power_kw: {{hourly: {json.dumps(load)}}}}}
        pv: {{type: pv, output_per_kw: {{hourly: {SUN}}}, power_kw: {pv}}}
        battery: {{type: battery, charge_efficiency: 0.9, discharge_efficiency: 0.9, final: cyclic,
                   energy_kwh: {{max_kwh: 300, {battery}, lifetime_years: 10}},
                   power_kw: {{max_kw: 40, capex_per_kw: 2, lifetime_years: 10}}}}
        grid: {{type: grid, connection_kw: 100, co2_kg_per_kwh: 0.6, peak_price_per_kw_month: 5,
                import_price_per_kwh: {{periods: {{high: 0.9, low: 0.3}},
                  calendar: [{{hours: "8-20", period: high}}], otherwise: low}}}}
        """,
        hours=144,
        **sections,
    )


def asked(gap: float) -> study.Asked:
    return study.Asked(options=(f"mip_rel_gap={gap}",), strategy="branched")


def matrix_of(problem: Problem) -> Matrix:
    return handoff.extract(build(problem).model)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut small models too, into pieces of some days."""
    monkeypatch.setattr(levels, "LEAST_NONZEROS", 0)
    monkeypatch.setattr(levels, "LEAST_PIECES", 2)
    monkeypatch.setattr(levels, "ROWS", 100)
    monkeypatch.setattr(levels, "FEW_NONZEROS", 0)


@pytest.mark.parametrize(
    ("price", "once", "units", "cost"),
    [(60, 0, 3, 72.0), (80, 0, 2, 92.8), (80, 500, 2, 142.8), (80, 600, 0, 144.0)],
)
def test_units_and_a_purchase_by_hand(price: int, once: int, units: int, cost: float) -> None:
    """Proves: 10 kW for 144 h cost 144 from the grid; n units of 4 kW spare 57.6 each, the third 28.8.

    A kW costs a tenth of its price, buying any a tenth of ``once``: three units for 72; two for
    64 + 28.8; the same with 50 for the purchase; none where that costs 60, for 152.8 is more than 144.
    Sensitivity: rounding the relaxed 2.5 units, or a purchase that is bought in part, costs otherwise.
    """
    fixed = f"fixed_capex: {once}, " if once else ""
    problem = problem_of(
        park(
            f"""
            load: {{type: load, power_kw: 10}}
            pv: {{type: pv, output_per_kw: {{hourly: {[1] * 24}}},
                  power_kw: {{max_kw: 20, unit_kw: 4, {fixed}capex_per_kw: {price},
                              lifetime_years: 10}}}}
            grid: {{type: grid, connection_kw: 20, import_price_per_kwh: 0.1}}
            """,
            hours=144,
        )
    )
    found, audit = study.run(problem, asked(1e-9))
    audit.require()
    assert found.run.strategy == "branched"
    assert found.cost == pytest.approx(cost, rel=1e-9)
    assert found.sizes["new"].sum() == pytest.approx(4.0 * units)
    assert found.run.bound == pytest.approx(cost, rel=1e-8)


@pytest.mark.parametrize("cap", [None, 97.0])
@pytest.mark.parametrize(
    ("pv", "battery"),
    [
        (UNITS % 30, "capex_per_kwh: 1"),
        (UNITS % 45, "capex_per_kwh: 1, fixed_capex: 300"),
        (ONCE % 40, "unit_kwh: 40, capex_per_kwh: 1"),
        (BLOCKS, "capex_per_kwh: 1, fixed_capex: 100"),
        (GONE % 40, "unit_kwh: 40, capex_per_kwh: 1, fixed_capex: 100"),
    ],
)
def test_the_optimum_is_that_of_one_run(pv: str, battery: str, cap: float | None) -> None:
    """Proves: units, purchases, falling blocks and whole retirement end at HiGHS's own optimum.

    Sensitivity: a box that is lost, or a whole number that is not one, changes it.
    """
    problem = problem_of(text(pv, battery=battery, cap=cap))
    exact, _ = study.run(problem, EXACT)
    found, audit = study.run(problem, asked(1e-9))
    audit.require()
    assert exact.run.strategy == "direct"
    assert found.run.strategy == "branched"
    assert found.cost == pytest.approx(exact.cost, rel=1e-6)
    assert found.run.gap == pytest.approx(0.0, abs=1e-8)
    assert found.run.prices_from == "LP with integers fixed"


def test_the_optimum_is_the_best_of_all_counts() -> None:
    """Proves: against every number of PV units with and without the battery, each solved as an LP.

    Sensitivity: a bound that puts the best one aside shows, whatever HiGHS's branch and bound does.
    """
    problem = problem_of(text(UNITS % 45, battery="capex_per_kwh: 1, fixed_capex: 900", cap=97.0))
    matrix = matrix_of(problem)
    whole = np.flatnonzero(matrix.integrality)
    free = replace(matrix, integrality=np.zeros_like(matrix.integrality))
    costs = {}
    for counts in itertools.product(*(range(int(matrix.col_upper[j]) + 1) for j in whole)):
        lower, upper = matrix.col_lower.copy(), matrix.col_upper.copy()
        lower[whole] = upper[whole] = counts
        outcome = highs.solve(replace(free, col_lower=lower, col_upper=upper), load_profile("test"))
        if outcome.objective is not None:
            costs[counts] = outcome.objective
    best = min(costs, key=lambda counts: costs[counts])
    assert len(costs) > 3
    found, _ = study.run(problem, asked(1e-9))
    assert found.cost == pytest.approx(costs[best], rel=1e-6)


loads = st.lists(st.integers(5, 45).map(float), min_size=24, max_size=24)


@pytest.mark.slow
@settings(
    max_examples=20,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(
    load=loads,
    capex=st.integers(5, 60),
    pv=st.sampled_from([UNITS, ONCE, GONE]),
    once=st.sampled_from([0, 300, 3000]),
    gap=st.sampled_from([0.05, 0.005, 1e-7]),
)
def test_the_gap_contains_the_optimum(
    load: list[float], capex: int, pv: str, once: int, gap: float
) -> None:
    """Proves: bound ≤ optimum ≤ plan on random parks, and no farther apart than asked.

    Sensitivity: a cut or a box that claims a cent too much, or a plan that misses a row, shows.
    """
    battery = f"unit_kwh: 25, fixed_capex: {once}, capex_per_kwh: 1"
    problem = problem_of(text(pv % capex, load, battery=battery, cap=97.0))
    exact = highs.solve(matrix_of(problem), load_profile("test"))
    if exact.objective is None:
        with pytest.raises(InfeasibleError):
            study.run(problem, asked(gap))
        return
    found, audit = study.run(problem, asked(gap))
    audit.require()
    assert found.run.strategy == "branched"
    assert found.run.bound is not None
    slack = 1e-6 * abs(exact.objective)
    assert found.run.bound <= exact.objective + slack
    assert exact.objective <= found.run.objective + slack
    assert found.run.objective - found.run.bound <= gap * abs(found.run.objective) + slack


@pytest.mark.usefixtures("small")
def test_it_is_chosen_by_itself_and_says_so() -> None:
    """Proves: `auto` branches on few whole numbers without time, `direct` leaves them to HiGHS."""
    problem = problem_of(text(UNITS % 45))
    found, audit = study.run(problem, study.Asked())
    audit.require()
    assert found.run.strategy == "branched"
    assert "1 whole number: branch on them over cuts of" in found.run.choice
    assert found.run.gap is not None
    assert 0.0 <= found.run.gap <= 1e-4
    direct, _ = study.run(problem, study.Asked(strategy="direct"))
    assert direct.run.strategy == "direct"
    assert found.run.objective == pytest.approx(direct.run.objective, rel=2e-4)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(("strategy", "way"), [("auto", "branched"), ("direct", "direct")])
def test_one_model_after_another_is_branched_too(strategy: str, way: str) -> None:
    """Proves: a sweep takes the same way as a single solve, and HiGHS alone where that is asked for."""
    problem = problem_of(text(UNITS % 45))
    draft = build(problem)
    matrix = handoff.extract(draft.model)
    with Chain(strategy=strategy) as chain:
        found = chain.solve(draft, matrix, coarser_of(problem))
    assert found.run.strategy == way
    exact = highs.solve(matrix, load_profile("test"))
    assert found.run.objective == pytest.approx(exact.objective, rel=2e-4)


ENGINE = """
engine: {type: generator, power_kw: 30, electric_efficiency: 0.4, fuel: gas,
         commitment: {min_load_fraction: 0.5, start_cost: 3}}
gas: {type: supply, carrier: gas, price_per_kwh: 0.05}
"""


def test_whole_numbers_of_steps_and_none_at_all_do_not_fit() -> None:
    """Proves: on/off states, or a model without whole numbers, are solved the usual way, with a line."""
    states = park(
        f"load: {{type: load, power_kw: 10}}\n"
        f"grid: {{type: grid, connection_kw: 20, import_price_per_kwh: 0.1}}\n{ENGINE}",
        hours=48,
    )
    for one in (states, text("10")):
        found, _ = study.run(problem_of(one), study.Asked(strategy="branched"))
        assert found.run.strategy == "direct"
        assert found.run.choice.endswith("; strategy branched does not fit this model")


def test_a_year_that_cannot_be_coarser_is_left_to_highs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: it falls back to branch and bound of HiGHS, and one line says why."""

    def refuse(*_: object) -> None:
        raise InputError("A coarser step may only join steps of equal weight.")

    problem = problem_of(text(UNITS % 45))
    exact, _ = study.run(problem, EXACT)
    monkeypatch.setattr(type(problem.horizon), "coarsen", refuse)
    found, _ = study.run(problem, asked(1e-9))
    assert "; pieces of the year gave up: it cannot be written on coarser" in found.run.choice
    assert found.cost == pytest.approx(exact.cost, rel=1e-6)


def test_contradictions_are_told_as_ever() -> None:
    """Proves: pieces that can miss what they share do not hide that no count keeps the cap."""
    with pytest.raises(InfeasibleError, match="CO2 cap"):
        study.run(problem_of(text(UNITS % 45, cap=0.1)), asked(1e-3))


def test_points_without_a_plan_end_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: after eight points none of which has a plan the model is HiGHS's, and the line says so.

    Sensitivity: hundreds of counts that cannot keep a limit would be searched one after another.
    """
    problem = problem_of(text(UNITS % 45, battery="unit_kwh: 5, capex_per_kwh: 1", cap=97.0))
    exact, _ = study.run(problem, EXACT)
    tried = set()

    def at(self: branched._Search, leaf: Node, *_: object) -> bundle.Found:
        tried.add(leaf.lower.tobytes())
        return bundle.Found(None, None, np.inf, leaf.bound, 0)

    monkeypatch.setattr(branched._Search, "at", at)
    found, _ = study.run(problem, asked(1e-9))
    assert len(tried) == branched.MOST_VAIN
    assert "gave up: no whole numbers with a plan were found" in found.run.choice
    assert found.cost == pytest.approx(exact.cost, rel=1e-6)


def test_ctrl_c_returns_the_plan_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: stopped once a plan is held, it is returned with a bound of all boxes.

    Sensitivity: a bound of the box in hand alone would be above the optimum.
    """
    problem = problem_of(text(UNITS % 45, battery="capex_per_kwh: 1, fixed_capex: 900", cap=97.0))
    exact, _ = study.run(problem, EXACT)
    proceed = branched._Search.next
    searches = []

    def stop(self: branched._Search) -> None:
        proceed(self)
        searches.append(self)
        if self.best is not None:
            raise KeyboardInterrupt

    monkeypatch.setattr(branched._Search, "next", stop)
    found, audit = study.run(problem, asked(1e-9))
    audit.require()
    assert found.run.status == "interrupted"
    assert found.run.bound is not None
    assert found.run.bound <= exact.cost * (1 + 1e-9) <= found.cost * (1 + 2e-9)
    assert searches[-1].open
    assert found.run.bound <= min(node.bound for node in searches[-1].open)


def test_ctrl_c_in_the_relaxed_year_holds_no_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: a plan without whole numbers is not passed off as one."""

    def stop(self: bundle._Search) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(bundle._Search, "round", stop)
    with pytest.raises(NoPlanError, match="interrupted"):
        study.run(problem_of(text(UNITS % 45)), asked(1e-9))


def test_ctrl_c_in_a_search_with_whole_numbers_held_ends_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Proves: no other point is searched after it, and the points' plan so far is not lost."""
    problem = problem_of(text(UNITS % 45, battery="capex_per_kwh: 1, fixed_capex: 900", cap=97.0))
    exact, _ = study.run(problem, EXACT)
    search = branched._Search.at
    calls = []

    def at(self: branched._Search, *one: object) -> bundle.Found:
        found = search(self, *one)  # type: ignore[arg-type]
        calls.append(found)
        return replace(found, failed="interrupted")

    monkeypatch.setattr(branched._Search, "at", at)
    found, _ = study.run(problem, asked(1e-9))
    assert len(calls) == 1
    assert found.run.status == "interrupted"
    assert found.run.bound is not None
    assert found.run.bound <= exact.cost * (1 + 1e-9) <= found.cost * (1 + 2e-9)


@given(
    st.lists(st.tuples(st.integers(-2, 2), st.integers(0, 3), st.integers(0, 3)), min_size=1).map(
        lambda ends: ends[:4]
    )
)
def test_boxes_around_a_point_hold_all_others_once(ends: list[tuple[int, int, int]]) -> None:
    """Proves: every point of the box but one is in exactly one of the boxes, by counting.

    Sensitivity: a box one too small loses a plan, one too large is searched twice.
    """
    point = np.array([float(at) for at, _, _ in ends])
    box = Node(
        np.array([float(at - below) for at, below, _ in ends]),
        np.array([float(at + above) for at, _, above in ends]),
        0.0,
    )
    sides = [range(int(low), int(high) + 1) for low, high in zip(box.lower, box.upper, strict=True)]
    for one in itertools.product(*sides):
        inside = sum(
            bool(((part.lower <= one) & (one <= part.upper)).all()) for part in box.around(point)
        )
        assert inside == (tuple(point) != one)


def shared_only(lower: list[float], upper: list[float], rows: list[list[float]]) -> Nodes:
    """Return nodes of a model of two shared whole numbers in 0..4, which cost 1 and 2, and rows."""
    matrix = Matrix(
        cost=np.array([1.0, 2.0]),
        offset=0.0,
        maximize=False,
        start=2 * np.arange(len(rows) + 1, dtype=np.int32),
        index=np.tile(np.arange(2), len(rows)).astype(np.int32),
        value=np.array(rows, dtype=float).ravel(),
        row_lower=np.array(lower),
        row_upper=np.array(upper),
        col_lower=np.zeros(2),
        col_upper=np.full(2, 4.0),
        integrality=np.ones(2, dtype=np.uint8),
        columns=(Block("x", 0, 2, range(2)),),
        rows=(Block("r", 0, len(rows), range(len(rows))),),
    )
    column, row = np.full(2, SHARED), np.full(len(rows), SHARED)
    pieces = Pieces(column, row, np.full(2, -1), 0)
    return Nodes(Cuts(matrix, pieces, [], (matrix.col_lower, matrix.col_upper)), np.arange(2))


def test_a_box_is_bounded_split_and_proven_empty_by_hand() -> None:
    """Proves: with 2a + 2b ≥ 5 and 2a ≤ 3 the least of a + 2b is 1.5 + 2 = 3.5 at a = 1.5, b = 1.

    With a ≤ 1 it is 1 + 3 = 4 (b = 1.5), and a ≥ 2 is empty, which the duals of the row prove.
    Sensitivity: a ray with the wrong sign proves nothing, one without the box too much.
    """
    inf = np.inf
    nodes = shared_only([5.0, -inf], [inf, 3.0], [[2.0, 2.0], [2.0, 0.0]])
    root = nodes.solve(nodes.root(-inf))
    assert root.bound == pytest.approx(3.5)
    assert nodes.values(root) == pytest.approx([1.5, 1.0])
    low, high = (nodes.solve(half) for half in nodes.split(root))
    assert (low.upper[0], high.lower[0]) == (1.0, 2.0)
    assert low.bound == pytest.approx(4.0)
    assert high.bound == inf
    last = [nodes.solve(half) for half in nodes.split(low)]
    assert [half.bound for half in last] == pytest.approx([inf, 4.5])
