"""On/off years in windows: plans keep every rule across borders, and the bound holds."""

from __future__ import annotations

import _thread
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from microgrid_opt import study
from microgrid_opt.model import build
from microgrid_opt.solve import agreed, handoff, highs, inside, priced, rounding, windowed
from microgrid_opt.solve.coarse import coarser_of
from microgrid_opt.solve.eased import ease, held
from microgrid_opt.solve.pieces import steps_of
from microgrid_opt.solve.priced import Priced, joined
from microgrid_opt.solve.profiles import load_profile
from microgrid_opt.solve.session import checked_solution
from microgrid_opt.solve.status import Status
from microgrid_opt.solve.tight import tightened
from tests.support import EXACT, park, problem_of

if TYPE_CHECKING:
    from microgrid_opt.problem import Problem
    from microgrid_opt.results import Stage
    from microgrid_opt.solve.matrix import Matrix
    from microgrid_opt.solve.status import Outcome

RULES = {
    "plain": "min_load_fraction: 0.4, start_cost: 3, min_up_hours: 3, min_down_hours: 2",
    "hot and cold": "min_load_fraction: 0.3, start_cost: 6, hot_start_cost: 1, "
    "hot_start_within_hours: 4",
    "standby": "min_load_fraction: 0.4, start_cost: 8, standby: {power_fraction: 0.02}, "
    "min_up_hours: 2",
    "cyclic": "min_load_fraction: 0.5, start_cost: 2, before: cyclic, min_up_hours: 4",
    "ramps": "min_load_fraction: 0.5, stop_cost: 2, before: free, ramp_fraction_per_hour: 0.2",
}
FEW_STARTS = "min_load_fraction: 0.5, start_cost: 1, max_starts_per_day: 1, max_starts_per_year: 3"
"""No rounding keeps these: branch and bound has to."""
SIZES = {
    "given": "10",
    "chosen": "{max_kw: 12, capex_per_kw: 4, lifetime_years: 10}",
    "whole units": "{max_kw: 12, unit_kw: 4, capex_per_kw: 4, lifetime_years: 10}",
}
NEED = [3.0, 9, 2, 8, 1, 7, 4, 6, 2, 9, 3, 5] * 2
PRICE = [0.9, 0.2, 0.8, 0.1, 0.1, 0.7, 0.3, 0.9, 0.9, 0.2, 0.1, 0.6] * 2


def text(rules: str, size: str, need: list[float] = NEED, cap: float | None = None) -> str:
    """Return three days over the end of a month, with a store, a peak and maybe a CO2 cap."""
    carbon = "{}" if cap is None else f"{{cap_t_per_year: {cap}}}"
    return park(
        f"""
        works: {{type: heat_demand, power_kw: {{hourly: {json.dumps(need)}}}}}
        grid: {{type: grid, import_price_per_kwh: {{hourly: {json.dumps(PRICE)}}},
                peak_price_per_kw_month: 2, co2_kg_per_kwh: 0.6}}
        district: {{type: supply, carrier: heat, price_per_kwh: 0.55}}
        steam: {{type: dump, carrier: heat, cost_per_unit: 0.05}}
        tank: {{type: heat_store, power_kw: 5, self_discharge_per_hour: 0.01,
                energy_kwh: {{max_kwh: 20, capex_per_kwh: 1, lifetime_years: 10}}}}
        boiler: {{type: electric_boiler, efficiency: 0.95, power_kw: {size}, commitment: {{{rules}}}}}
        """,
        horizon="{start: 2025-01-30, hours: 72}",
        carbon=carbon,
    )


def solved(
    problem: Problem, gap: float, threads: int = 1, limit: float | None = None
) -> tuple[Outcome, tuple[Stage, ...]]:
    """Return what windows make of a problem, before any branch and bound."""
    draft = build(problem)
    matrix = handoff.extract(draft.model)
    parts = priced.split(matrix, problem.horizon, forced=True)
    assert parts is not None
    coarser = coarser_of(problem)
    return windowed.plan(draft, matrix, parts, coarser, [load_profile()], gap, limit, None, threads)


BOTH = [
    *((rule, "given") for rule in RULES),
    *((rule, "chosen") for rule in ("plain", "cyclic", "ramps")),
    *((rule, "whole units") for rule in ("plain", "hot and cold", "standby")),
]
"""Every rule with a given size, and with one of the two others."""


@pytest.mark.parametrize(
    ("rules", "size"),
    [(RULES[rule], SIZES[size]) for rule, size in BOTH],
    ids=["-".join(one) for one in BOTH],
)
def test_the_optimum_lies_between_bound_and_plan(rules: str, size: str) -> None:
    """Proves: bound ≤ optimum ≤ plan for every rule that crosses a border; given sizes: it is near.

    Sensitivity: a window that claims a start too few, or a plan that cuts a run, is on the wrong side.
    """
    problem = problem_of(text(rules, size))
    exact, _ = study.run(problem, EXACT)
    outcome, _ = solved(problem, 1e-3)
    slack = 1e-6 * abs(exact.cost)
    assert outcome.bound <= exact.cost + slack
    assert outcome.objective is not None
    assert exact.cost - slack <= outcome.objective
    if size == SIZES["given"]:
        assert outcome.objective <= 1.02 * exact.cost


@pytest.fixture(autouse=True)
def few_boxes(monkeypatch: pytest.MonkeyPatch) -> None:
    """End the search for what windows agree on early: it has tests of its own."""
    monkeypatch.setattr(agreed, "MOST_BOXES", 3)
    monkeypatch.setattr(agreed, "MOST_JOINS", 1)


@pytest.mark.parametrize("rules", [RULES["plain"], FEW_STARTS], ids=["plain", "few starts"])
def test_the_asked_gap_is_kept_and_the_audit_replays_the_states(rules: str) -> None:
    """Proves: the whole way, from a park to results, ends within the gap of the exact optimum."""
    problem = problem_of(text(rules, "10"))
    exact, _ = study.run(problem, EXACT)
    asked = study.Asked("auto", ("mip_rel_gap=1e-3",), strategy="windows")
    results, audit = study.run(problem, asked)
    audit.require()
    assert results.run.strategy == "windows"
    assert results.run.gap is not None
    assert results.run.gap <= 1e-3
    assert results.cost == pytest.approx(exact.cost, rel=1e-3)
    names = [stage.name for stage in results.run.stages]
    assert names[0] == "relaxation"
    assert "windows of the year" in results.run.choice
    assert results.run.prices_from == "LP with integers fixed"


@pytest.mark.parametrize(("least", "strategy"), [(2, "windows"), (30, "rounded")])
@pytest.mark.parametrize("size", [SIZES["given"], SIZES["chosen"]])
def test_windows_are_chosen_where_there_are_enough(
    size: str, least: int, strategy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounding, "MANY", 1)
    monkeypatch.setattr(priced, "ROWS", 200)
    monkeypatch.setattr(priced, "LEAST_WINDOWS", least)
    problem = problem_of(text(RULES["plain"], size))
    results, _ = study.run(problem, study.Asked("auto", ("mip_rel_gap=0.9",)))
    assert results.run.strategy == strategy


def test_one_thread_and_two_find_the_same() -> None:
    problem = problem_of(text(RULES["plain"], SIZES["chosen"]))
    one, two = (solved(problem, 1e-2, threads)[0] for threads in (1, 2))
    assert one.objective == two.objective
    assert one.bound == two.bound


@pytest.mark.slow
@settings(
    max_examples=6,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(
    need=st.lists(st.integers(0, 12).map(float), min_size=24, max_size=24),
    least=st.sampled_from([0.0, 0.3, 0.8]),
    up=st.integers(1, 9),
    down=st.integers(1, 9),
    start=st.sampled_from([0.0, 1.0, 20.0]),
    before=st.sampled_from(["off", "on", "free", "cyclic"]),
    size=st.sampled_from(list(SIZES.values())),
)
def test_bound_optimum_and_plan_of_random_parks(
    need: list[float], least: float, up: int, down: int, start: float, before: str, size: str
) -> None:
    """Proves: bound ≤ optimum ≤ plan whatever the rules, sizes and demands; HiGHS alone tells the optimum,
    or what lies on both sides of it.

    Sensitivity: a price on the wrong side, a lost copy, or a border that forgets a run shows.
    """
    rules = (
        f"min_load_fraction: {least}, min_up_hours: {up}, min_down_hours: {down}, "
        f"start_cost: {start}, before: {before}"
    )
    problem = problem_of(text(rules, size, need))
    # Some parks take either way minutes: bounds and plans hold whenever they are stopped.
    exact, _ = study.run(problem, replace(EXACT, time_limit_seconds=10.0))
    outcome, _ = solved(problem, 1e-3, limit=5.0)
    slack = 1e-6 * (1.0 + abs(exact.cost))
    assert outcome.bound <= exact.cost + slack
    assert exact.run.bound is not None
    if outcome.objective is not None:
        assert outcome.objective >= exact.run.bound - slack


def border() -> tuple[Problem, Matrix]:
    """Return two days in which a boiler pays only in the last hour of each, for three hours at least.

    5 kW of heat cost 1 an hour from the boiler and 0.5 from the district, 25 in the last hour.
    """
    district = [0.1] * 23 + [5.0]
    problem = problem_of(
        park(
            f"""
            works: {{type: heat_demand, power_kw: {{hourly: {[5] * 24}}}}}
            grid: {{type: grid, import_price_per_kwh: 0.2}}
            district: {{type: supply, carrier: heat, price_per_kwh: {{hourly: {district}}}}}
            boiler: {{type: electric_boiler, efficiency: 1, power_kw: 5,
                      commitment: {{min_load_fraction: 1, min_up_hours: 3}}}}
            """,
            hours=48,
        )
    )
    return problem, handoff.extract(build(problem).model)


def planned(problem: Problem, matrix: Matrix, on: list[int]) -> np.ndarray:
    """Return the plan of a park with the boiler on in the given hours."""
    states = np.zeros(len(problem.horizon))
    states[on] = 1.0
    values = np.zeros(matrix.column_count)
    change = np.diff(states, prepend=0.0)
    for name, series in (("on", states), ("starts", change > 0), ("stops", change < 0)):
        values[matrix.column_blocks[f"park.boiler.{name}"].slice] = series
    outcome = highs.solve(held(matrix, values), load_profile("test"))
    assert outcome.solution is not None
    return outcome.solution.values


def test_a_window_keeps_a_run_that_began_before_it() -> None:
    """Proves: the second day goes on with the run that the first one began in its last hour.

    By hand: on from 23 to 25 and in 47. The second day alone would be off in 24 and 25 (0.5 instead
    of 1 each), 1 less. It must not. Sensitivity: without the row across the border it would.
    """
    problem, matrix = border()
    plan = planned(problem, matrix, [23, 24, 25, 47])
    # 46 hours: 2 of the boiler beside 44 of the district; two last hours of the boiler.
    assert matrix.objective(plan) == pytest.approx(44 * 0.5 + 4 * 1.0)
    window = np.where(steps_of(matrix, problem.horizon) >= 24, 0, -1)
    ((model, columns),) = inside.models(matrix, plan, window)
    outcome = highs.solve(model, load_profile("test"))
    assert outcome.solution is not None
    after = plan.copy()
    after[columns] = outcome.solution.values
    on = after[matrix.column_blocks["park.boiler.on"].slice]
    assert np.flatnonzero(on > 0.5).tolist() == [23, 24, 25, 47]
    # With a run from 21 on, the second day is free.
    early = planned(problem, matrix, [21, 22, 23, 24, 47])
    ((model, columns),) = inside.models(matrix, early, window)
    free = highs.solve(model, load_profile("test"))
    assert free.solution is not None
    early[columns] = free.solution.values
    on = early[matrix.column_blocks["park.boiler.on"].slice]
    assert np.flatnonzero(on > 0.5).tolist() == [21, 22, 23, 47]
    assert checked_solution(matrix, early, None, None, vertex=False)[0] is not None


def test_windows_at_the_same_time_share_what_a_year_allows() -> None:
    """Proves: windows solved beside one another do not use the same allowance twice.

    Sensitivity: were each given all that is left of the cap, the plan would miss it.
    """
    problem = problem_of(text(RULES["plain"], "10", cap=3.0))
    draft = build(problem)
    matrix = handoff.extract(draft.model)
    first = highs.solve(matrix, load_profile("fast"))
    assert first.solution is not None
    values = first.solution.values.copy()
    step = steps_of(matrix, problem.horizon)
    for width in (24, 31):
        window = np.where(step >= 0, step // width, -1)
        before = matrix.objective(values)
        for model, columns in list(inside.models(matrix, values, window)):
            outcome = highs.solve(model, load_profile("test"), start=values[columns])
            assert outcome.solution is not None
            values[columns] = outcome.solution.values
        assert checked_solution(matrix, values, None, None, vertex=False)[0] is not None
        assert matrix.objective(values) <= before + 1e-6


def test_what_is_eased_is_a_relaxation_and_exact_where_all_is_held() -> None:
    """Proves: easing lowers the optimum or keeps it, and changes nothing once states are held.

    Sensitivity: a row that loses the held states' part, or a sum on the wrong side, moves the cost.
    """
    problem = problem_of(text(RULES["plain"], SIZES["chosen"]))
    matrix = handoff.extract(build(problem).model)
    exact = highs.solve(matrix, load_profile("test"))
    eased = highs.solve(ease(matrix), load_profile("test"))
    assert exact.solution is not None
    assert exact.objective is not None
    assert eased.objective is not None
    assert eased.objective < exact.objective
    fixed = held(matrix, exact.solution.values)
    again = highs.solve(ease(fixed), load_profile("test"))
    assert again.objective == pytest.approx(exact.objective, rel=1e-7)
    assert not ease(fixed).is_mip


def test_any_prices_bound_the_optimum_by_windows() -> None:
    problem = problem_of(text(RULES["cyclic"], SIZES["chosen"]))
    matrix = handoff.extract(build(problem).model)
    parts = priced.split(matrix, problem.horizon, forced=True)
    assert parts is not None
    exact, _ = study.run(problem, EXACT)
    tight = tightened(matrix)
    assert tight.row_count > matrix.row_count
    for seed in range(3):
        prices = np.random.default_rng(seed).uniform(-1, 1, tight.row_count)
        bounds = []
        for windows in (parts, joined(parts)):
            found = Priced(tight, windows, prices)
            least = [highs.solve(found.model(k)[0], load_profile("test")) for k in found.numbers]
            bounds.append(found.fixed + sum(one.bound for one in least))
        assert joined(parts).count < parts.count
        if np.isfinite(bounds).all():
            assert bounds[0] - 1e-6 <= bounds[1] <= exact.cost + 1e-6


def test_a_gap_that_windows_leave_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: a year of many windows ends with its plan, its proven gap and what else can be done.

    Sensitivity: were branch and bound to go on, the gap would be closed; were the plan called optimal,
    the status would say so.
    """
    for module in (windowed, priced):
        monkeypatch.setattr(module, "LEAST_WINDOWS", 2)
    for module in (windowed, agreed):
        monkeypatch.setattr(module, "MOST_JOINS", 0)
    monkeypatch.setattr(agreed, "MOST_BOXES", 1)
    problem = problem_of(text(RULES["plain"], SIZES["chosen"]))
    exact, _ = study.run(problem, EXACT)
    asked = study.Asked("auto", ("mip_rel_gap=1e-9",), strategy="windows")
    results, audit = study.run(problem, asked)
    audit.require()
    assert results.run.status == Status.GAP_LEFT.value
    assert "strategy direct" in results.run.choice
    assert results.run.gap is not None
    assert results.run.gap > 1e-9
    assert results.run.bound is not None
    assert results.run.bound <= exact.cost * (1.0 + 1e-7)
    assert exact.cost <= results.cost * (1.0 + 1e-7)


def test_the_best_plan_is_solved_closely_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: what the search of a linear year left open does not stay in the plan: though all but the
    last, close solve have wrong costs, the plan has the cost of its whole numbers in one solve of all rows.

    Sensitivity: no close look; one at other whole numbers; a worse plan that is kept.
    """
    problem = problem_of(text(RULES["plain"], SIZES["chosen"]))
    linear, wrong = windowed._Search.linear, np.random.default_rng(1)
    shares: list[float] = []

    def dearer(self: Any, matrix: Any, at: Any, share: float = windowed.SHARE) -> Any:
        shares.append(share)
        if share == windowed.SHARE:
            matrix = replace(matrix, cost=wrong.uniform(1.0, 3.0, len(matrix.cost)) * matrix.cost)
        return linear(self, matrix, at, share)

    monkeypatch.setattr(windowed._Search, "linear", dearer)
    outcome, _ = solved(problem, 1e-9)
    assert outcome.solution is not None
    assert shares[-1] == windowed.CLOSER
    matrix = handoff.extract(build(problem).model)
    there = highs.solve(held(matrix, outcome.solution.values), load_profile("test"))
    assert outcome.objective == pytest.approx(there.objective, rel=1e-6)


def test_ctrl_c_gives_the_plan_that_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: an interruption while bounds are sought returns the plan with the bound so far."""

    def pressed(search: windowed._Search, values: np.ndarray, _: object) -> tuple[np.ndarray, None]:

        def solve(number: int) -> None:
            if number == 0:
                _thread.interrupt_main()
            search.cancel.wait(10.0)

        search.each(range(2), solve)
        return values, None

    monkeypatch.setattr(windowed._Search, "windows", pressed)
    outcome, _ = solved(problem_of(text(RULES["plain"], SIZES["chosen"])), 1e-9)
    assert outcome.status is Status.INTERRUPTED
    assert outcome.solution is not None
    assert np.isfinite(outcome.bound)


def test_no_time_leaves_no_plan_and_no_false_claim() -> None:
    problem = problem_of(text(RULES["plain"], "10"))
    exact, _ = study.run(problem, EXACT)
    draft = build(problem)
    matrix = handoff.extract(draft.model)
    parts = priced.split(matrix, problem.horizon, forced=True)
    assert parts is not None
    outcome, _ = windowed.plan(draft, matrix, parts, None, [load_profile()], 1e-6, 1e-9, None)
    assert outcome.bound <= exact.cost + 1e-6
