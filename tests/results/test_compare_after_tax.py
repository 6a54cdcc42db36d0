"""Comparisons where money is more than one rate are those of the cash flow after tax."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from microgrid_opt import study
from microgrid_opt.compare import compare_plans, compare_stored
from microgrid_opt.errors import InputError
from microgrid_opt.finance import irr, npv
from microgrid_opt.finance.proforma import proforma
from microgrid_opt.store import open_plan, save
from microgrid_opt.summary import summarise
from tests.cashflow import TAX, plan_of, text_of
from tests.support import planned, problem_of

if TYPE_CHECKING:
    from pathlib import Path

LIFE10 = "{fixed_kw: 4, capex_per_kw: 5, lifetime_years: 10}"


def test_plain_finance_and_its_cash_flow_agree() -> None:
    """Proves: without taxes the comparison of dated payments and the cash flow are one: value, rate,
    paybacks, payments. Sensitivity: the renewal at 7.5 years is in both.
    """
    size = "{fixed_kw: 4, capex_per_kw: 5, lifetime_years: 7.5, replacement_fraction: 0.4, fixed_om_per_kw_year: 0.1}"
    plan, held = plan_of(text_of(size=size))
    found = plan.comparison
    assert found is not None
    assert found.irr is not None
    assert found.flows is not None
    assert (found.is_nominal, found.is_after_tax, found.terms) == (False, False, "")
    assert held.whole.npv == pytest.approx(found.npv, rel=1e-12)
    assert held.whole.irr.rate == pytest.approx(found.irr.rate)
    assert held.whole.payback_years == pytest.approx(found.payback_years)
    assert held.whole.discounted_payback_years == pytest.approx(found.discounted_payback_years)
    assert held.whole.flows().years == found.flows.years
    for kind in ("investment", "saving", "replacement", "residual"):
        assert getattr(held.whole.flows(), kind) == pytest.approx(getattr(found.flows, kind))


def test_rate_and_payback_are_after_tax_in_current_money() -> None:
    """Proves: 20 for 4 a year with 2 % inflation and 25 % tax on it less 4 of depreciation.

    Sensitivity: before tax and in constant money the rate is 15.1 %.
    """
    plan, _ = plan_of(text_of(size=LIFE10, inflation="0.02", tax=TAX))
    found = plan.comparison
    assert found is not None
    assert found.irr is not None
    assert found.flows is not None
    deducted = [4.0] * 5 + [0.0] * 5
    flows = [-20.0]
    flows += [4 * 1.02**t - 0.25 * (4 * 1.02**t - deducted[t - 1]) for t in range(1, 11)]
    assert found.flows.net == pytest.approx(flows)
    assert found.irr.rate == pytest.approx(irr(flows).rate)
    assert found.discount_rate == pytest.approx(1.08 * 1.02 - 1)
    assert found.npv == pytest.approx(npv(1.08 * 1.02 - 1, flows))
    assert found.terms == "nominal, after tax"
    assert found.flows.tax[1] == pytest.approx(-0.25 * 0.08)
    assert found.yearly_operating_saving == pytest.approx(4)
    assert found.notes == ()
    summary = summarise(plan)
    assert summary["comparison"]["npv"]["value"] == found.npv
    assert summary["comparison"]["terms"] == "nominal, after tax"
    assert summary["comparison"]["cash_flow"]["net"] == list(found.flows.net)
    assert summary["finance"]["inflation"] == {"value": 0.02, "unit": "1/year"}


def test_loan_and_incentives_are_in_the_flows() -> None:
    """Proves: what is drawn, granted and paid back stands in its own kind, and all kinds add up."""
    loan = "{share_fraction: 0.5, rate: 0.04, term_years: 5, repayment: bullet}"
    grant = "{g: {type: grant, assets: [pv], fraction: 0.1}}"
    plan, held = plan_of(text_of(loan=loan, incentives=grant))
    assert plan.comparison is not None
    flows = plan.comparison.flows
    assert flows is not None
    assert (flows.loan[0], flows.loan[5], flows.incentive[0]) == pytest.approx((10, -10.4, 2))
    assert flows.net == pytest.approx(held.whole.net)
    assert plan.comparison.terms == "nominal"


def test_fixed_costs_that_grow_are_in_the_yearly_cost() -> None:
    """Proves: upkeep of 0.4 growing 5 % counts with its level in the saving of a year.

    Sensitivity: at prices of the year the saving is 3.6.
    """
    size = LIFE10.replace("}", ", fixed_om_per_kw_year: 0.1}")
    plan, _ = plan_of(text_of(size=size, escalation="{fixed_om: 0.05}"))
    assert plan.comparison is not None
    crf = 0.08 / (1 - 1.08**-10)
    level = crf * sum((1.05 / 1.08) ** year for year in range(1, 11))
    assert plan.comparison.yearly_operating_saving == pytest.approx(4 - 0.4 * level)
    assert plan.comparison.notes == ()


def test_another_annuity_is_pointed_out() -> None:
    """Proves: with `lifetime` the yearly costs and the dated payments differ, and a note says so."""
    size = "{fixed_kw: 4, capex_per_kw: 5, lifetime_years: 15, annuity: lifetime}"
    text = text_of(size=size, tax=TAX)
    plan = planned(text)
    assert plan.comparison is not None
    assert any("another annuity rule" in note for note in plan.comparison.notes)
    held = proforma(plan.results, plan.reference, problem_of(text).park)
    assert plan.comparison.npv == pytest.approx(held.whole.npv)


def test_stored_plans_compare_after_tax(tmp_path: Path) -> None:
    """Proves: from folders the same figures; a plan under other terms pays its own taxes.

    Sensitivity: swapped, the value turns its sign but for the taxes' note.
    """
    text = text_of(size=LIFE10, inflation="0.02", tax=TAX)
    plan = planned(text)
    assert plan.reference is not None
    save(plan, tmp_path / "a")
    base = study.Plan(
        plan.problem, plan.reference, plan.audit, None, None, "none", None, plan.seconds
    )
    save(base, tmp_path / "b")
    stored = open_plan(tmp_path / "a")
    assert stored.described() == plan.problem.park
    found = compare_stored(stored, open_plan(tmp_path / "b"))
    assert plan.comparison is not None
    assert found.quantities() == plan.comparison.quantities()
    other = planned(text_of(size=LIFE10, inflation="0.02"))
    save(other, tmp_path / "c")
    untaxed = compare_stored(stored, open_plan(tmp_path / "c"))
    assert other.comparison is not None
    assert untaxed.npv != 0
    assert any("other financial terms" in note for note in untaxed.notes)
    back = compare_stored(open_plan(tmp_path / "c"), stored)
    assert back.npv == pytest.approx(-untaxed.npv)


def test_members_with_own_rates_are_pointed_out() -> None:
    """Proves: the value at the members' own rates stands in a note. Sensitivity: one rate, no note."""
    text = text_of(size=LIFE10, tax=TAX)
    own = text.replace("assets:\n", "members: {firm: {finance: {discount_rate: 0.02}}}\nassets:\n")
    found = planned(own).comparison
    assert found is not None
    assert found.discount_rate == pytest.approx(0.08)
    assert any("rates of their own" in note for note in found.notes)


def test_a_park_of_broken_years_is_refused_with_its_key() -> None:
    problem = problem_of(text_of(size=LIFE10, tax=TAX))
    finance: Any = problem.park.finance.model_copy(update={"project_years": 9.5})
    park = problem.park.model_copy(update={"finance": finance})
    plan = planned(text_of(size=LIFE10, tax=TAX))
    assert plan.reference is not None
    from dataclasses import replace

    with pytest.raises(InputError, match=r"finance.project_years: must be whole"):
        compare_plans(plan.results, plan.reference, replace(problem, park=park))
