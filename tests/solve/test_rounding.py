"""Relax and round: the plan keeps every rule, the bound holds, and the gap is what it says."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from microgrid_opt import study
from microgrid_opt.solve import choice, highs, rounding
from microgrid_opt.solve.status import Status
from tests.support import EXACT, park, problem_of

if TYPE_CHECKING:
    from microgrid_opt.audit import Audit
    from microgrid_opt.results import Results
    from microgrid_opt.solve.matrix import Matrix
    from microgrid_opt.solve.profiles import Profile
    from microgrid_opt.solve.status import Outcome

RULES = {
    "plain": "min_load_fraction: 0.4, start_cost: 3, min_up_hours: 3, min_down_hours: 2",
    "hot and cold": "min_load_fraction: 0.3, start_cost: 6, hot_start_cost: 1, "
    "hot_start_within_hours: 4",
    "few starts": "min_load_fraction: 0.5, start_cost: 1, max_starts_per_day: 1, "
    "max_starts_per_year: 3",
    "standby": "min_load_fraction: 0.4, start_cost: 8, standby: {power_fraction: 0.02}, "
    "min_up_hours: 2",
    "cyclic": "min_load_fraction: 0.5, start_cost: 2, before: cyclic, min_up_hours: 4",
    "free": "min_load_fraction: 0.5, stop_cost: 2, before: free, min_down_hours: 5",
    "complete": "min_load_fraction: 0.5, start_cost: 2, min_up_hours: 4, complete_runs: true",
}
HOURS = 36


def text(rules: str, size: str) -> str:
    price = [0.9, 0.2, 0.8, 0.1, 0.1, 0.7, 0.3, 0.9, 0.9, 0.2, 0.1, 0.6] * 2
    need = [3, 9, 2, 8, 1, 7, 4, 6, 2, 9, 3, 5] * 2
    return park(
        f"""
        works: {{type: heat_demand, power_kw: {{hourly: {need}}}}}
        grid: {{type: grid, import_price_per_kwh: {{hourly: {price}}}}}
        district: {{type: supply, carrier: heat, price_per_kwh: 0.55}}
        steam: {{type: dump, carrier: heat, cost_per_unit: 0.05}}
        boiler: {{type: electric_boiler, efficiency: 0.95, power_kw: {size}, commitment: {{{rules}}}}}
        """,
        hours=HOURS,
    )


def both(body: str, monkeypatch: pytest.MonkeyPatch) -> tuple[Results, Results, Audit]:
    """Return the exact optimum and the rounded plan, which may be anywhere above the bound."""
    exact, _ = study.run(problem_of(body), EXACT)
    monkeypatch.setattr(rounding, "MANY", 1)
    asked = study.Asked("test", ("mip_rel_gap=0.9",))
    rounded, audit = study.run(problem_of(body), asked)
    return exact, rounded, audit


@pytest.mark.parametrize("size", ["10", "{max_kw: 12, capex_per_kw: 4, lifetime_years: 10}"])
@pytest.mark.parametrize("rules", list(RULES.values()), ids=list(RULES))
def test_a_rounded_plan_keeps_every_rule_and_its_bound_holds(
    rules: str, size: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves: bound ≤ optimum ≤ rounded plan, and the audit replays its states.

    Sensitivity: a repair that leaves a short run fails the audit; a bound above the optimum fails.
    """
    exact, rounded, audit = both(text(rules, size), monkeypatch)
    audit.require()
    assert rounded.run.bound is not None
    slack = 1e-6 * abs(exact.cost)
    assert rounded.run.bound <= exact.cost + slack
    assert exact.cost <= rounded.cost + slack
    assert rounded.run.status == "optimal"


def test_the_strategy_is_told_and_stages_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    exact, rounded, _ = both(text(RULES["plain"], "10"), monkeypatch)
    assert exact.run.strategy == "direct"
    assert rounded.run.strategy == "rounded"
    assert [stage.name for stage in rounded.run.stages][:2] == ["relaxation", "rounded"]
    assert rounded.run.prices_from == "LP with integers fixed"
    assert not rounded.prices.empty


def test_branch_and_bound_goes_on_to_the_asked_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: with no gap allowed the optimum comes out, from the rounded plan on."""
    monkeypatch.setattr(rounding, "MANY", 1)
    body = text(RULES["plain"], "10")
    on, _ = study.run(problem_of(body), study.Asked("test"))
    monkeypatch.undo()
    exact, _ = study.run(problem_of(body), EXACT)
    assert on.cost == pytest.approx(exact.cost, rel=1e-9)
    assert len(on.run.stages) >= 3


def test_states_that_contradict_another_limit_fall_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: rounding fails where heat has no outlet, and branch and bound still finds the plan.

    One unit of 10 kW with a least load of 6 kW must give exactly 3 kW in one hour: it is off there and
    the store serves it; half the least load rounds to on.
    """
    body = park(
        """
        works: {type: heat_demand, power_kw: {hourly: [8, 3, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8,
                8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8]}}
        grid: {type: grid, import_price_per_kwh: 0.1}
        district: {type: supply, carrier: heat, price_per_kwh: 5}
        boiler: {type: electric_boiler, efficiency: 1, power_kw: 10,
                 commitment: {min_load_fraction: 0.6}}
        """,
        hours=4,
    )
    exact, rounded, audit = both(body, monkeypatch)
    audit.require()
    assert rounded.cost == pytest.approx(exact.cost)
    assert rounded.of("boiler.on").tolist() == [1, 0, 1, 1]


def test_small_models_are_solved_at_once() -> None:
    results, _ = study.run(problem_of(text(RULES["plain"], "10")), study.Asked())
    assert results.run.strategy == "direct"


def test_what_is_held_stands_and_the_rest_stays_free() -> None:
    problem = problem_of(text(RULES["plain"], "10"))
    from microgrid_opt.model import build
    from microgrid_opt.solve import handoff

    draft = build(problem)
    matrix = handoff.extract(draft.model)
    whole = rounding.whole_values(draft, matrix, np.full(matrix.column_count, 0.0))
    assert set(whole) == {f"park.boiler.{name}" for name in ("on", "starts", "stops")}
    held = rounding.hold(matrix, whole)
    assert not held.is_mip
    block = matrix.column_blocks["park.boiler.on"].slice
    assert (held.col_upper[block] == 0.0).all()


def test_a_relaxation_that_is_given_up_is_solved_by_simplex(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Proves: when the first method gives up, the next one bounds and rounds; nothing is branched.

    Sensitivity: without the next method the strategy would go to branch and bound with no bound.
    """
    real, seen = highs.solve, list[str]()

    def give_up_once(matrix: Matrix, profile: Profile, **rest: object) -> Outcome:
        outcome = real(matrix, profile, **rest)  # type: ignore[arg-type]
        seen.append(profile.name)
        if len(seen) == 1:
            return replace(outcome, status=Status.UNKNOWN, solution=None, objective=None)
        return outcome

    monkeypatch.setattr(rounding, "MANY", 1)
    monkeypatch.setattr(choice, "LARGE_NONZEROS", 1)
    monkeypatch.setattr(choice, "REACH", 0.0)
    monkeypatch.setattr(highs, "solve", give_up_once)
    asked = study.Asked("auto", ("mip_rel_gap=0.9",))
    results, audit = study.run(problem_of(text(RULES["plain"], "10")), asked)
    audit.require()
    assert seen[:2] == ["hipo", "default"]
    assert results.run.strategy == "rounded"
    names = [stage.name for stage in results.run.stages]
    assert names[:2] == ["relaxation", "relaxation"]
    assert set(names[2:]) == {"rounded"}
