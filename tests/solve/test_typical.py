"""Typical days: the same optimum where days are alike, bounds that hold, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from microgrid_opt import study
from microgrid_opt.errors import InputError
from microgrid_opt.model import build
from microgrid_opt.problem import Problem
from microgrid_opt.solve import handoff, highs
from microgrid_opt.solve.aggregate import Columns
from microgrid_opt.solve.bases import Basis
from microgrid_opt.solve.certify import certify, primal_residual
from microgrid_opt.solve.days import Days
from microgrid_opt.solve.profiles import load_profile
from microgrid_opt.solve.typical import represented
from microgrid_opt.solve.typical_rows import small
from tests.support import EXACT, day, park, problem_of

if TYPE_CHECKING:
    from microgrid_opt.results import Results
    from microgrid_opt.solve.status import Progress

WEEK = "horizon={start: 2025-03-03, hours: 168}"
CASES = (
    "wind_pv_hydrogen",
    "data_centre",
    "heat_cascade",
    "small_coal",
    "steel_park",
    "us_warehouse",
)


def run(problem: Problem, count: int, *options: str) -> Results:
    """Return the plan of a quick study, audited."""
    found, audit = study.run(problem, study.Asked(options=options, typical_days=count))
    audit.require()
    return found


def problem_with(
    load: list[float],
    price: list[float],
    *,
    step: int = 8,
    start: str = "2025-03-03",
    energy: str = "{existing_kwh: 40}",
    more: str = "",
    grid: str = "",
) -> Problem:
    """Return a load, a price and a battery in steps of equal length [h]."""
    if "charge_efficiency" not in more:
        more += ", charge_efficiency: 1"
    text = park(
        f"""
        load: {{type: load, power_kw: {day(0)}}}
        grid: {{type: grid, connection_kw: 100, import_price_per_kwh: {day(0)}{grid}}}
        battery: {{type: battery, energy_kwh: {energy}, power_kw: {{existing_kw: 10}},
                   discharge_efficiency: 1{more}}}
        """,
        horizon=f"{{start: {start}, steps_hours: {[step] * len(load)}}}",
    )
    problem = problem_of(text)
    arrays = dict(problem.arrays)
    arrays["assets.load.power_kw"] = np.array(load)
    arrays["assets.grid.import_price_per_kwh"] = np.array(price)
    return replace(problem, arrays=arrays)


def days_of(problem: Problem) -> Days:
    return Days(handoff.extract(build(problem).model), problem.horizon)


def test_a_store_hands_from_cheap_days_to_dear_ones() -> None:
    """Proves: by hand: two cheap days (0.1), two dear ones (0.5), a load of 1 kW, a store of 40 kWh.

    48 kWh of cheap days and 40 for later at 0.1, the other 8 at 0.5: 12.8. Two typical days give it,
    each cheap day filling 20 kWh. Sensitivity: typical days whose stores end as they began cost 28.8;
    a store that may hold more than 40 on the second day costs 9.6.
    """
    problem = problem_with([1.0] * 12, [0.1] * 6 + [0.5] * 6)
    found = run(problem, 2, "mip_rel_gap=1e-7")
    assert found.run.strategy == "typical"
    typical, check = found.run.stages
    assert typical.name == "2 typical days of 4"
    assert typical.objective == pytest.approx(12.8, rel=1e-7)
    assert check.objective == pytest.approx(12.8, rel=1e-6)
    assert found.cost == pytest.approx(12.8, rel=1e-6)
    assert found.run.bound == pytest.approx(12.8, rel=1e-6)


def test_what_a_store_loses_is_lost_on_every_day() -> None:
    """Proves: by hand: days of two steps, a tenth of the content is lost in each, else as above.

    Two dear days of 12 + 12 kWh need e = 12/0.9 + 12/0.81 + 12/0.729 + 12/0.6561 kWh at the end of the
    cheap ones, filled in their second steps: c on the first day is 0.81 c on the second. So 1.81 c = e,
    and 48 + 2 c kWh are bought at 0.1. Sensitivity: without losses of what was there in the morning
    1.81 is 2.
    """
    loss = 1.0 - 0.9 ** (1.0 / 12.0)
    problem = problem_with(
        [1.0] * 8,
        [0.1] * 4 + [0.5] * 4,
        step=12,
        energy="{existing_kwh: 500}",
        more=f", self_discharge_per_hour: {loss}",
    )
    found = run(problem, 2, "mip_rel_gap=1e-7")
    needed = sum(12.0 / 0.9**k for k in (1, 2, 3, 4))
    claimed = 0.1 * (48.0 + 2.0 * needed / 1.81)
    assert found.run.stages[0].objective == pytest.approx(claimed, rel=1e-6)
    assert found.cost == pytest.approx(0.1 * (48.0 + needed), rel=1e-6)


def test_one_kind_of_day_in_two_months_has_two_peaks() -> None:
    """Proves: by hand: 10 kW on each of four days in two months at 3 per kW and month is 60.

    One typical day pays the peaks of both months. Sensitivity: rows of the medoid alone know its own
    month only: 30.
    """
    problem = problem_with(
        [10.0] * 12, [0.0] * 12, start="2025-01-30", grid=", peak_price_per_kw_month: 3"
    )
    found = run(problem, 1, "mip_rel_gap=1e-7")
    assert found.run.stages[0].objective == pytest.approx(60.0)
    assert found.cost == pytest.approx(60.0)


def test_every_day_stands_as_its_medoid_does() -> None:
    """Proves: of four days for which the second and the last stand, each step has the status of that
    step of its medoid, columns and rows; what has no step keeps its own.

    Sensitivity: a day or step beside it has another number.
    """
    problem = problem_with([1.0] * 12, [0.1] * 6 + [0.5] * 6, grid=", peak_price_per_kw_month: 3")
    days = days_of(problem)
    medoid = np.array([1, 1, 3, 3])
    step, home = days.step, days.home
    marked = Basis(step.astype(np.int8), home.astype(np.int8))
    found = Columns(days, medoid).repeated(marked)
    shift = 3 * (medoid - np.arange(4))
    timed, own = step >= 0, home >= 0
    assert (found.columns[timed] == (step + shift[step // 3])[timed]).all()
    assert (found.columns[~timed] == -1).all()
    assert (found.rows[own] == (home + shift[home // 3])[own]).all()
    assert (found.rows[~own] == home[~own]).all()


@pytest.mark.parametrize("case", CASES)
def test_as_many_typical_days_as_days_are_the_model_itself(case: str) -> None:
    """Proves: with all days of a week typical, each shipped case has the optimum of one solve.

    The check's bound and prices prove the gap without the solver. Sensitivity: a row that is lost or
    stands for the wrong day changes the optimum.
    """
    problem = study.load(case, sets=[WEEK])
    assert isinstance(problem, Problem)
    co2 = None
    if problem.park.carbon.needs_reference:
        base, _ = study.reference_of(problem, study.Asked())
        assert base is not None
        co2 = base[0].co2_kg
    exact, _ = study.run(problem, EXACT, reference_co2_kg=co2)
    count = int(problem.horizon.day[-1]) + 1
    asked = study.Asked(options=("mip_rel_gap=1e-3",), typical_days=count)
    solved = study.run_model(problem, asked, reference_co2_kg=co2)
    solved.audit.require()
    run = solved.results.run
    assert run.strategy == "typical"
    assert run.stages[0].objective == pytest.approx(exact.cost, rel=1e-6)
    assert exact.cost <= solved.results.cost * (1 + 1e-6)
    assert solved.results.cost <= exact.cost * (1 + 1e-3)
    assert run.bound is not None
    assert run.bound <= exact.cost * (1 + 1e-9)
    assert run.gap is not None
    assert certify(solved.matrix, solved.solution).gap == pytest.approx(run.gap, abs=1e-6)


numbers = st.lists(st.integers(0, 9).map(float), min_size=4, max_size=4)


@settings(max_examples=25, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(
    kinds=st.lists(st.tuples(numbers, numbers), min_size=2, max_size=3),
    order=st.lists(st.integers(0, 2), min_size=5, max_size=8),
    loss=st.sampled_from([0.0, 0.02]),
)
def test_where_days_repeat_a_typical_plan_is_one_of_the_year(
    kinds: list[tuple[list[float], list[float]]], order: list[int], loss: float
) -> None:
    """Proves: days of some kinds in any order, over two months, a store with losses, a peak price.

    What the typical days do is then a plan of all days, at the cost they claim, and never below the
    optimum. Sensitivity: a content limit, a peak or a link between days that is forgotten, breaks it.
    """
    order = [one % len(kinds) for one in order]
    load = [value for one in order for value in kinds[one][0]]
    price = [0.1 * value for one in order for value in kinds[one][1]]
    problem = problem_with(
        load,
        price,
        step=6,
        start="2025-01-29",
        energy="{max_kwh: 80, capex_per_kwh: 1, lifetime_years: 10}",
        more=f", charge_efficiency: 0.9, self_discharge_per_hour: {loss}",
        grid=", peak_price_per_kw_month: 2",
    )
    days = days_of(problem)
    few = small(Columns(days, np.array([order.index(one) for one in order])))
    found = highs.solve(few.matrix, load_profile("test"))
    exact = highs.solve(days.matrix, load_profile("test"))
    assert found.solution is not None
    values = few.columns.expand(found.solution.values)
    assert primal_residual(days.matrix, values)[0] <= 1e-6
    assert days.matrix.objective(values) == pytest.approx(found.objective, rel=1e-7, abs=1e-7)
    assert exact.objective is not None
    assert found.objective is not None
    assert exact.objective <= found.objective + 1e-6 * (1.0 + abs(exact.objective))


@pytest.mark.slow
@settings(max_examples=25, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(
    load=st.lists(st.integers(5, 45).map(float), min_size=24, max_size=24),
    price=st.lists(st.integers(1, 9).map(float), min_size=24, max_size=24),
    count=st.integers(1, 6),
    gap=st.sampled_from([0.05, 1e-4]),
)
def test_the_gap_contains_the_optimum(
    load: list[float], price: list[float], count: int, gap: float
) -> None:
    """Proves: bound ≤ optimum ≤ plan for any number of typical days, and no farther apart than asked.

    Sensitivity: a bound or a plan that took anything from the typical days would show.
    """
    problem = problem_with(load, [0.1 * one for one in price], step=6, energy="{existing_kwh: 200}")
    exact, _ = study.run(problem, EXACT)
    found = run(problem, count, f"mip_rel_gap={gap}")
    assert found.run.bound is not None
    slack = 1e-9 * abs(exact.cost)
    assert found.run.bound <= exact.cost + slack
    assert exact.cost <= found.cost * (1 + 1e-6)
    assert found.cost - found.run.bound <= gap * abs(found.cost) + slack


def test_the_day_of_the_largest_need_stands_for_itself() -> None:
    """Proves: of four kinds of days, one day a little above its kind is a typical day of its own.

    Sensitivity: k-medoids alone would let another day of its kind stand for it.
    """
    levels = [10.0, 20.0, 30.0, 40.0] * 4
    levels[11] = 41.0
    days = days_of(problem_with(np.repeat(levels, 3).tolist(), [0.1] * 48))
    found = represented(days, 4)
    assert np.flatnonzero(found == 11).tolist() == [11]
    assert len(np.unique(found)) == 4


def test_days_of_other_rules_do_not_stand_for_each_other() -> None:
    """Proves: a store that begins with a given content makes the first day one of its own.

    By hand: 48 kWh and 20 more into the store at 0.1, and of the 48 kWh of dear days all but 40 at
    0.5: 10.8. Sensitivity: with its rule for all days, or for none, it is another sum.
    """
    more = ", initial_fraction: 0.5, final: free"
    problem = problem_with([1.0] * 12, [0.1] * 6 + [0.5] * 6, more=more)
    assert np.bincount(days_of(problem).pattern).tolist() == [1, 3]
    found = run(problem, 3, "mip_rel_gap=1e-7")
    assert found.run.stages[0].objective == pytest.approx(0.1 * 68 + 0.5 * 8)
    assert found.cost == pytest.approx(0.1 * 68 + 0.5 * 8)


def test_without_a_gap_the_check_ends_at_one_percent_and_says_so() -> None:
    problem = problem_with([1.0] * 12, [0.1] * 6 + [0.5] * 6)
    found = run(problem, 2)
    assert found.run.gap is not None
    assert found.run.gap <= 0.01
    assert "2 typical days of 4 claim 12.8, and their sizes and stores serve" in found.run.choice
    assert f"to a gap of 0.01: bound {found.run.bound:.6g}" in found.run.choice
    assert [stage.name[:24] for stage in found.run.stages] == [
        "2 typical days of 4",
        "check on all 4 days in 2",
    ]


def test_ctrl_c_in_the_check_gives_the_plan_that_is_held() -> None:
    """Proves: the plan of the first round with its bound. Sensitivity: it would be lost, or called done."""

    def stop(progress: Progress) -> None:
        if "check" in progress.stage and progress.objective is not None:
            raise KeyboardInterrupt

    problem = problem_with([1.0] * 12, [0.1] * 6 + [0.5] * 6)
    asked = study.Asked(options=("mip_rel_gap=1e-9",), typical_days=2, on_progress=stop)
    found, audit = study.run(problem, asked)
    audit.require()
    assert found.run.status == "interrupted"
    assert found.cost == pytest.approx(12.8)
    assert found.run.bound is not None
    assert found.run.bound <= 12.8 + 1e-9


@pytest.mark.parametrize(
    ("count", "horizon", "message"),
    [
        (0, "{start: 2025-03-03, hours: 48}", "0 typical days are too few: give at least 1"),
        (
            3,
            "{start: 2025-03-03, hours: 48}",
            "3 typical days are too many: there are 2; give at most 2",
        ),
        (1, "{start: 2025-03-03, hours: 20}", "need a horizon with a full day, and this one has"),
        (1, "{start: 2025-03-03, steps_hours: [5, 5, 5, 5, 5]}", "goes past midnight; typical"),
        (1, "{start: 2025-03-03, hours: 48, weight: 7}", "stand for others already"),
    ],
)
def test_what_cannot_have_typical_days(count: int, horizon: str, message: str) -> None:
    problem = problem_of(
        park("grid: {type: grid, import_price_per_kwh: 1, connection_kw: 5}", horizon=horizon)
    )
    with pytest.raises(InputError, match=message):
        study.solve(problem, typical_days=count)


def test_whole_numbers_stages_and_two_ways_at_once_are_refused() -> None:
    engine = """
    load: {type: load, power_kw: 20}
    engine: {type: generator, power_kw: 30, electric_efficiency: 0.4, fuel: gas,
             commitment: {min_load_fraction: 0.5, start_cost: 3}}
    gas: {type: supply, carrier: gas, price_per_kwh: 0.05}
    """
    problem = problem_of(park(engine, hours=48))
    with pytest.raises(InputError, match="Typical days are for models without whole numbers"):
        study.solve(problem, typical_days=1)
    with pytest.raises(InputError, match="--typical-days and --strategy direct are two ways"):
        study.solve(problem, typical_days=1, strategy="direct")
    with pytest.raises(InputError, match="this park is planned in stages: choose one"):
        study.solve(study.load("pathway_2035"), typical_days=1)


def test_whole_numbers_are_refused_before_anything_is_solved(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Proves: nobody waits for the reference plan of a case whose typical days are then refused."""

    def solve(*_: object, **__: object) -> None:
        raise AssertionError("something was solved")

    monkeypatch.setattr(study, "run_model", solve)
    problem = study.load("wind_pv_hydrogen", scenario="committed", sets=[WEEK])
    with pytest.raises(InputError, match="Typical days are for models without whole numbers"):
        study.solve(problem, typical_days=2)


def test_where_typical_days_have_no_plan_it_is_solved_as_it_is() -> None:
    """Proves: work with a deadline each day, counted from the first: no day can stand for a later one.

    Sensitivity: an error, or a plan without a line about it, would leave the reader in the dark.
    """
    problem = study.load("data_centre", sets=[WEEK])
    assert isinstance(problem, Problem)
    base, _ = study.reference_of(problem, study.Asked())
    assert base is not None
    found, audit = study.run(problem, study.Asked(typical_days=2), reference_co2_kg=base[0].co2_kg)
    audit.require()
    assert found.run.strategy == "direct"
    assert "; typical days gave up: 2 typical days of 7 have no plan" in found.run.choice
