"""The audit of a pathway: what is changed in its tables does not go unnoticed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from microgrid_opt.pathway.audit import audit_pathway
from tests.pathways import PLAIN, pathway
from tests.support import park

if TYPE_CHECKING:
    from collections.abc import Callable

    from microgrid_opt.pathway.plan import PathwayPlan
    from microgrid_opt.pathway.results import Pathway

TEXT = park(
    """
    load: {type: load, power_kw: 100}
    grid: {type: grid, import_price_per_kwh: 1, co2_kg_per_kwh: 1}
    pv:
      type: pv
      power_kw:
        existing_kw: 10
        max_kw: 60
        capex_per_kw: 3
        lifetime_years: 4
        fixed_om_per_kw_year: 0.1
      output_per_kw: 1
    """,
    hours=1,
    finance=PLAIN.replace("rate: 0", "rate: 0.05"),
    pathway="{end_year: 2036, co2_budget_t: 5000}",
    stages="{2027: {}, 2030: {assets: {load: {power_kw: 80}}}, 2033: {}}",
)


@pytest.fixture(scope="module")
def plan() -> PathwayPlan:
    """Return a pathway: 50 kW in 2027, kept in 2030, bought again in 2033."""
    return pathway(TEXT)


def failures(plan: PathwayPlan, held: Pathway) -> set[str]:
    """Return what fails in the audit of changed tables."""
    results = {year: stage.results for year, stage in plan.stages.items()}
    references = {year: stage.reference for year, stage in plan.stages.items()}
    found = audit_pathway(plan.problem, held, results, references)
    return {check.what for check in found.failures}


def changed(table: Any, row: int, column: str, value: float) -> Any:
    made = table.copy()
    made[column] = made[column].astype(float)
    made.loc[row, column] += value
    return made


def test_nothing_changed_nothing_fails(plan: PathwayPlan) -> None:
    assert failures(plan, plan.pathway) == set()
    assert list(plan.pathway.sizes.query("asset == 'pv'")["built"]) == pytest.approx([50, 0, 50])


@pytest.mark.parametrize(
    ("table", "row", "column", "told"),
    [
        ("stages", 1, "years", "years"),
        ("stages", 1, "last_year", "last year"),
        ("stages", 1, "weight", "weight"),
        ("stages", 1, "weight", "present value = objective"),
        ("stages", 0, "cost", "cost of a year"),
        ("stages", 0, "co2_kg", "CO2 of a year"),
        ("stages", 0, "capex", "what the stage spends"),
        ("stages", 2, "reference_cost", "cost of the reference"),
        ("stages", 2, "reference_co2_kg", "CO2 of the reference"),
        ("sizes", 0, "total", "2027: total"),
        ("sizes", 0, "built", "2027: built"),
        ("sizes", 1, "before", "2030: before"),
        ("sizes", 1, "given_up", "2030: before + built - ended - given up"),
        ("lots", 0, "amount", "2027: what exists"),
        ("lots", 1, "amount", "2027: lots"),
        ("lots", 3, "amount", "2030: comes not back, of 2027"),
        ("lots", 3, "before", "2030: found of 2027"),
        ("lots", 3, "until", "2030: end of 2027"),
        ("caps", 0, "limit", "CO2 budget, limit"),
        ("caps", 0, "value", "CO2 budget, value"),
    ],
)
def test_a_changed_number_is_found(
    plan: PathwayPlan, table: str, row: int, column: str, told: str
) -> None:
    """Proves: each column is held against a derivation of its own."""
    held = getattr(plan.pathway, table)
    made = replace(plan.pathway, **{table: changed(held, row, column, 100.0)})
    assert told in failures(plan, made)


def _early_end(plan: PathwayPlan) -> PathwayPlan:
    """Return the pathway of a park whose purchases live a year less than they were planned for."""
    pv = plan.problem.stages[2027].park.assets["pv"]
    size = pv.power_kw.model_copy(update={"lifetime_years": 3.0})  # type: ignore[attr-defined]
    park_ = plan.problem.stages[2027].park
    assets = {**park_.assets, "pv": pv.model_copy(update={"power_kw": size})}
    first = replace(plan.problem.stages[2027], park=park_.model_copy(update={"assets": assets}))
    stages = {**plan.problem.stages, 2027: first}
    return replace(plan, problem=replace(plan.problem, stages=stages))


def _other_rate(plan: PathwayPlan) -> PathwayPlan:
    """Return the pathway under another discount rate."""
    first = plan.problem.stages[2027]
    finance = first.park.finance.model_copy(update={"discount_rate": 0.06})
    stages = {
        **plan.problem.stages,
        2027: replace(first, park=first.park.model_copy(update={"finance": finance})),
    }
    return replace(plan, problem=replace(plan.problem, stages=stages))


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (_early_end, "2030: within its life, of 2027"),
        (_early_end, "2030: purchases of earlier stages are paid"),
        (_other_rate, "weight"),
    ],
)
def test_a_wrong_model_is_found(
    plan: PathwayPlan, wrong: Callable[[PathwayPlan], PathwayPlan], told: str
) -> None:
    """Proves: a model with another life, or another rate, would fail."""
    assert told in failures(wrong(plan), plan.pathway)


def test_a_forgotten_purchase_is_found(plan: PathwayPlan) -> None:
    """Proves: capacity that lives cannot drop out of the table."""
    made = replace(plan.pathway, lots=plan.pathway.lots.drop(index=3).reset_index(drop=True))
    assert "2030: still there, of 2027" in failures(plan, made)


def test_an_unpaid_purchase_is_found(plan: PathwayPlan) -> None:
    """Proves: an annuity of 2027 that 2030 does not book fails in both audits."""
    from microgrid_opt.audit import audit

    stage = plan.stages[2030]
    ledger = stage.results.ledger
    results = replace(stage.results, ledger=ledger[ledger["category"] != "earlier_investment"])
    stages = {**plan.stages, 2030: replace(stage, results=results)}
    found = failures(replace(plan, stages=stages), plan.pathway)
    assert "2030: purchases of earlier stages are paid" in found
    checks = audit(results, stage.problem).failures
    assert "ledger cost earlier_investment" in {check.what for check in checks}
