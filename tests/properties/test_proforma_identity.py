"""Under any terms the cash flow is worth what the objective says, and contracts only split it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid_opt.finance.proforma import proforma
from tests.cashflow import plan_of, text_of
from tests.support import problem_of


def numbers(least: float, most: float) -> st.SearchStrategy[float]:
    """Return numbers with four decimals, as people write them."""
    return st.integers(round(least * 1e4), round(most * 1e4)).map(lambda n: n / 1e4)


small = numbers(0.0, 0.15)
signed = numbers(-0.05, 0.08)


@st.composite
def sizes(draw: Any) -> str:
    """Return a given size with any life, price of renewal and upkeep."""
    return (
        f"{{fixed_kw: 4, capex_per_kw: {draw(numbers(0.5, 20))!r}, "
        f"lifetime_years: {draw(numbers(2.5, 30))!r}, "
        f"replacement_fraction: {draw(numbers(0, 1))!r}, "
        f"fixed_om_per_kw_year: {draw(numbers(0.01, 1))!r}}}"
    )


@st.composite
def taxes(draw: Any) -> str:
    """Return a tax on income with one of the schedules."""
    method = draw(
        st.sampled_from(
            [
                "straight_line",
                "macrs",
                "double_declining_balance",
                "sum_of_years_digits",
                "immediate",
            ]
        )
    )
    life = draw(st.sampled_from([3, 5, 7])) if method == "macrs" else draw(st.integers(1, 15))
    rest = "" if method in {"macrs", "immediate"} else f", residual_fraction: {draw(small)!r}"
    bonus = draw(numbers(0, 0.6))
    return (
        f"{{income_tax_fraction: {draw(numbers(0, 0.5))!r}, depreciation: "
        f"{{method: {method}, years: {life}, bonus_fraction: {bonus!r}{rest}}}}}"
    )


@st.composite
def loans(draw: Any) -> str:
    """Return a loan, perhaps longer than the project."""
    term = draw(st.integers(1, 20))
    return (
        f"{{share_fraction: {draw(numbers(0.1, 1))!r}, rate: {draw(small)!r}, "
        f"term_years: {term}, grace_years: {draw(st.integers(0, term - 1))}, "
        f"repayment: {draw(st.sampled_from(['annuity', 'equal_principal', 'bullet']))}}}"
    )


@st.composite
def finances(draw: Any) -> dict[str, str]:
    """Return financial terms, each of which may be there."""
    length = draw(st.integers(1, 25))
    found = {"years": length, "rate": draw(small), "inflation": repr(draw(signed))}
    found["rates"] = draw(st.sampled_from(["real", "nominal"]))
    found["escalation"] = f"{{grid: {draw(signed)!r}, pv.fixed_om: {draw(signed)!r}}}"
    is_taxed = draw(st.booleans())
    if is_taxed:
        found["tax"] = draw(taxes())
    if draw(st.booleans()):
        found["loan"] = draw(loans())
    if draw(st.booleans()):
        side = draw(
            st.sampled_from(["refunded_on: [investment], added_to: [grid]", "refunded_on: [grid]"])
        )
        found["vat"] = f"{{fraction: 0.13, {side}}}"
    incentives = [
        f"g: {{type: grant, assets: [pv, second], fraction: 0.2, max_amount: {draw(numbers(0.1, 9))!r}, "
        f"taxable: {str(draw(st.booleans())).lower()}}}",
        f"p: {{type: production, assets: [pv], price_per_unit: 1.0e-5, years: {draw(st.integers(1, length))}, "
        f"taxable: {str(draw(st.booleans())).lower()}}}",
        "q: {type: capacity, assets: [second], price_per_unit_year: 0.1, indexed: true}",
    ]
    if is_taxed:
        reduction = draw(numbers(0, 1))
        incentives.append(
            "c: {type: tax_credit, assets: [pv, second], fraction: 0.3, "
            f"basis_reduction_fraction: {reduction!r}}}"
        )
    found["incentives"] = "{" + ", ".join(i for i in incentives if draw(st.booleans())) + "}"
    return found


def second(size: str) -> str:
    return f"second: {{type: pv, output_per_kw: 0.5, power_kw: {size}}}"


@settings(max_examples=25, deadline=None)
@given(terms=finances(), size=sizes(), other=sizes())
def test_net_present_value_is_that_of_the_objective(
    terms: dict[str, Any], size: str, other: str
) -> None:
    """Proves: NPV = -(1 - tax) * (cost of the plan - cost of the reference) / CRF for random tax,
    schedule, loan, growth, inflation, VAT, incentives, lives and prices of renewal.

    Sensitivity: any payment at another date, or any deduction left out, breaks it.
    """
    plan_of(text_of(size=size, assets=second(other), **terms))


@settings(max_examples=15, deadline=None)
@given(terms=finances(), size=sizes(), other=sizes(), data=st.data())
def test_contracts_split_the_cash_flow(
    terms: dict[str, Any], size: str, other: str, data: st.DataObject
) -> None:
    """Proves: host and investors add up to the whole at every date before loans and taxes; without
    own terms and loans they add up in present value, too, where nothing is handed over.
    """
    end = data.draw(st.integers(1, terms["years"]))
    length = data.draw(st.sampled_from(["", f", years: {end}, handover_price: 3"]))
    who = data.draw(st.sampled_from(["host", "investor"]))
    text = text_of(
        size=size,
        assets=second(other),
        **terms,
        third_party=f"{{a: {{type: ppa, assets: [pv], price_per_kwh: 1.0e-4{length}, operated_by: {who}}}, "
        f"b: {{type: shared_savings, assets: [second], shares: [[{end}, 0.5]]}}}}",
    )
    plan, held = plan_of(text)
    parts = [held.hosts["park"], *(one.statement for one in held.contracts)]
    columns = zip(*(one.row("before_loan").amounts for one in parts), strict=True)
    whole = held.whole.row("before_loan").amounts
    scale = max(map(abs, whole))
    assert [sum(column) for column in columns] == pytest.approx(whole, abs=1e-9 * scale)
    alone = proforma(plan.results, plan.reference, problem_of(text).park, "park")
    assert alone.hosts["park"].net == held.hosts["park"].net
    if "tax" not in terms and "loan" not in terms:
        assert sum(one.npv for one in parts) == pytest.approx(held.whole.npv, abs=1e-8 * scale)
