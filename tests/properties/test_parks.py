"""What holds for every park, whatever it is made of."""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from microgrid_opt import study
from microgrid_opt.model import build
from microgrid_opt.solve import handoff
from microgrid_opt.solve.reference import assert_same as assert_same_matrix
from microgrid_opt.solve.reference import extract_reference
from tests.properties.strategies import Park, parks, text_of, with_money
from tests.support import EXACT, assert_same, bill, dumped, problem_of

if TYPE_CHECKING:
    from microgrid_opt.pathway.problem import StagedProblem
    from microgrid_opt.problem import Problem
    from microgrid_opt.results import Results


def optimum(park: Park) -> Results:
    """Return the audited optimum of a park."""
    results, audit = study.run(problem_of(text_of(park)), EXACT)
    audit.require()
    return results


def at_most(low: float, high: float) -> bool:
    return low <= high + 1e-6 * max(1.0, abs(high))


def changed(park: Park, *path: str, to: Any) -> Park:
    """Return a copy of a park with one value set."""
    copied = copy.deepcopy(park)
    inner = copied
    for key in path[:-1]:
        inner = inner.setdefault(key, {})
    inner[path[-1]] = to
    return copied


@given(parks(integers=True))
def test_audit_is_green_and_the_ledger_is_the_objective(park: Park) -> None:
    """Proves: every random park passes the audit, with costs that add up to the objective."""
    results = optimum(park)
    assert math.isclose(results.cost, results.run.objective, rel_tol=1e-9, abs_tol=1e-7)
    assert math.isclose(math.fsum(results.ledger.query("effect == 'cost'")["amount"]), results.cost)


@given(parks())
def test_bill_by_hand_is_the_ledger(park: Park) -> None:
    """Proves: Σ hours × price × flow, taken from the park's own text, is what the ledger says."""
    results = optimum(park)
    hours = np.array(park["horizon"].get("steps_hours", [1.0] * len(results.horizon)))
    starts = np.concatenate([[0.0], np.cumsum(hours)[:-1]])
    fine = np.repeat(park["assets"]["grid"]["import_price_per_kwh"]["hourly"], 2)
    price = np.array(
        [
            fine[round(2 * start) : round(2 * (start + length))].mean()
            for start, length in zip(starts, hours, strict=True)
        ]
    )
    weight = park["horizon"].get("weight", 1)
    bought = results.of("grid.import")
    assert bill(results, "grid", "energy_import") == pytest.approx(
        float((bought * price * hours).sum()) * weight
    )
    factor = park["assets"]["grid"]["co2_kg_per_kwh"]
    assert bill(results, "grid", "import", "co2") == pytest.approx(
        float((bought * hours).sum()) * weight * factor
    )


@given(parks(), st.integers(1, 4))
def test_relaxing_a_cap_never_costs_more(park: Park, part: int) -> None:
    """Proves: a cap at some share of the free emissions, a looser one and none: falling costs; and
    the shadow price is the slope between them or more.
    """
    free = optimum(park)
    emitted = free.co2_kg
    assume(emitted > 0.1)
    per_tonne = 8760 / free.horizon.total_hours / 1000
    tight, loose = (
        optimum(changed(park, "carbon", "cap_t_per_year", to=emitted * share * per_tonne))
        for share in (part / 5, (part + 0.5) / 5)
    )
    assert at_most(loose.cost, tight.cost)
    assert at_most(free.cost, loose.cost)
    assert tight.co2_kg <= emitted * part / 5 + 1e-6
    (price,) = tight.caps["shadow_price"]
    assert at_most(tight.cost - loose.cost, price * (loose.caps["limit"] - tight.caps["limit"])[0])


@given(parks(integers=True), st.sampled_from(["battery", "pv", "supply", "line of credit"]))
def test_more_options_never_cost_more(park: Park, option: str) -> None:
    """Proves: one more asset that need not be used cannot make the optimum dearer."""
    extra: dict[str, Any] = {
        "battery": {
            "type": "battery",
            "energy_kwh": {"max_kwh": 9, "annual_cost_per_kwh": 0.1},
            "power_kw": {"max_kw": 9, "annual_cost_per_kw": 0.1},
            "charge_efficiency": 0.9,
            "discharge_efficiency": 0.9,
        },
        "pv": {
            "type": "pv",
            "output_per_kw": 0.5,
            "power_kw": {"max_kw": 9, "annual_cost_per_kw": 0.5},
        },
        "supply": {
            "type": "supply",
            "carrier": "electricity",
            "price_per_kwh": 2,
            "limit_kw": 3,
            "co2_kg_per_kwh": 0.1,
        },
        "line of credit": {
            "type": "electric_boiler",
            "power_kw": {"max_kw": 9, "annual_cost_per_kw": 0.1},
            "efficiency": 1,
        },
    }[option]
    assume("type" not in extra or extra["type"] != "electric_boiler" or "heat" in park["assets"])
    before = optimum(park)
    after = optimum(changed(park, "assets", "option", to=extra))
    assert at_most(after.cost, before.cost)


@given(parks(integers=True), st.sampled_from([0.5, 2, 10]))
def test_cost_scales_with_money(park: Park, factor: float) -> None:
    """Proves: all money times k costs k times as much: nothing in the objective is not money."""
    assert optimum(with_money(park, factor)).cost == pytest.approx(
        factor * optimum(park).cost, rel=1e-7, abs=1e-7
    )


@given(parks().filter(lambda park: "battery" in park["assets"]))
def test_a_battery_in_two_halves(park: Park) -> None:
    """Proves: two batteries of half the size do what the whole one did."""
    whole = park["assets"]["battery"]
    half = with_money(whole, 1.0)
    if isinstance(whole["energy_kwh"], dict):
        half["energy_kwh"] = {
            key: value if "cost" in key else value / 2 for key, value in whole["energy_kwh"].items()
        }
    else:
        half["energy_kwh"] = whole["energy_kwh"] / 2
    half["power_kw"] = whole["power_kw"] / 2
    two = changed(park, "assets", "battery", to=half)
    two = changed(two, "assets", "battery_2", to=half)
    assert optimum(two).cost == pytest.approx(optimum(park).cost, rel=1e-7, abs=1e-7)


@given(parks(lossless_time=True))
def test_half_the_step_changes_nothing(park: Park) -> None:
    """Proves: hourly data on hours and on half hours have the same optimum.

    The mean of two halves is a plan for the hour: all limits are convex, and what a lossless store
    holds at the end of the hour is the same.
    """
    fine = changed(park, "horizon", "step_minutes", to=30)
    hourly, halves = optimum(park), optimum(fine)
    assert len(halves.horizon) == 2 * len(hourly.horizon)
    assert halves.cost == pytest.approx(hourly.cost, rel=1e-7, abs=1e-7)


@given(parks(), st.integers(2, 3))
def test_weight_is_repetition_without_the_rest_of_the_year(park: Park, weight: int) -> None:
    """Proves: a horizon that counts k times costs k times its running cost; sizes being given."""
    given_sizes = changed(park, "horizon", "weight", to=1)
    for asset in given_sizes["assets"].values():
        for key, size in asset.items():
            if isinstance(size, dict) and any(name.startswith("max_") for name in size):
                asset[key] = 3
        asset.pop("peak_price_per_kw_month", None)
    once = optimum(given_sizes)
    often = optimum(changed(given_sizes, "horizon", "weight", to=weight))
    assert often.cost == pytest.approx(weight * once.cost, rel=1e-7, abs=1e-7)
    assert often.co2_kg == pytest.approx(weight * once.co2_kg, rel=1e-6, abs=1e-6)


@given(parks(integers=True))
def test_templates_and_entry_by_entry_give_one_matrix(park: Park) -> None:
    """Proves: the fast reading of the model is the slow one, entry by entry."""
    model = build(problem_of(text_of(park))).model
    assert_same_matrix(handoff.extract(model), extract_reference(model))


@given(parks(integers=True))
def test_same_input_same_bits(park: Park) -> None:
    """Proves: the same park gives the same results twice, also when written down and read again."""
    problem = problem_of(text_of(park))
    results, _ = study.run(problem, EXACT)
    assert_same(results, study.run(problem_of(text_of(park)), EXACT)[0])
    assert_same(results, study.run(problem_of(dumped(problem)), EXACT)[0])


def first(problem: Problem | StagedProblem) -> Problem:
    """Return the problem, or that of its first stage."""
    return problem if isinstance(problem, study.Problem) else problem.first


WITHOUT_REFERENCE = {"private_network"}
"""Cases whose members have no power without trade."""


@pytest.mark.parametrize("case", study.case_names())
def test_templates_on_shipped_cases(case: str) -> None:
    """Proves: the two readings agree on sixty hours of every shipped case, reference plan included."""
    problem = first(study.load(case))
    if len(problem.horizon) > 60:
        minutes, year = problem.park.horizon.step_minutes, problem.horizon.stamps[0].year
        horizon = f"{{start: {year}-01-31, hours: 60, step_minutes: {minutes}}}"
        problem = first(study.load(case, sets=(f"horizon={horizon}",)))
    for side in (problem, problem.reference()):
        if side.is_reference and case in WITHOUT_REFERENCE:
            continue
        model = build(side, reference_co2_kg=1e6).model
        assert_same_matrix(handoff.extract(model), extract_reference(model))
