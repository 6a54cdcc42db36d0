"""Taxes, loans, growth, value-added tax, incentives and blocks of capex in a plan, by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from microgrid_opt.errors import InputError
from tests.support import bill, park, solved

if TYPE_CHECKING:
    from microgrid_opt.results import Results

R = 0.08
CRF = R * 1.08**20 / (1.08**20 - 1)  # 20 years at 8 %: 0.101852
SIZE = "{max_kw: 4, capex_per_kw: 1, lifetime_years: 20}"


def plan(*, size: str = SIZE, years: int = 20, price: float = 1, **terms: str) -> Results:
    """Return the plan of one hour: 10 kW from the grid, or from up to 4 kW of PV."""
    finance = {"discount_rate": str(R), "project_years": str(years), "investment_scaling": "full"}
    words = ", ".join(f"{key}: {value}" for key, value in (finance | terms).items())
    return solved(
        park(
            f"""
            grid: {{type: grid, import_price_per_kwh: {price}}}
            load: {{type: load, power_kw: 10}}
            pv: {{type: pv, output_per_kw: 1, power_kw: {size}}}
            """,
            hours=1,
            finance="{" + words + "}",
        )
    )


def test_straight_line_tax_gives_the_project_finance_factor() -> None:
    """Proves: 4 kW cost 4 · CRF · (1 - 0.25 PVD)/0.75 with 10 years of 0.1: PVD = 0.671008.

    Sensitivity: 30 % tax makes it dearer, since the deductions come late.
    """
    pvd = 0.1 * (1 - 1.08**-10) / 0.08
    tax = "{income_tax_fraction: %s, depreciation: {years: 10}}"
    results = plan(tax=tax % 0.25)
    assert bill(results, "pv", "investment") == pytest.approx(4 * CRF * (1 - 0.25 * pvd) / 0.75)
    assert results.cost == pytest.approx(6 + 4 * CRF * (1 - 0.25 * pvd) / 0.75)
    dearer = plan(tax=tax % 0.3)
    assert dearer.cost - results.cost == pytest.approx(
        4 * CRF * ((1 - 0.3 * pvd) / 0.7 - (1 - 0.25 * pvd) / 0.75)
    )


def test_tax_on_immediate_deduction_changes_next_to_nothing() -> None:
    """Proves: deducted at the end of year 1, capex costs (1 - 0.25/1.08)/0.75 of itself.

    Sensitivity: without interest the tax would cancel out.
    """
    tax = "{income_tax_fraction: 0.25, depreciation: {method: immediate, years: 1}}"
    assert bill(plan(tax=tax), "pv", "investment") == pytest.approx(
        4 * CRF * (1 - 0.25 / 1.08) / 0.75
    )
    free = plan(tax=tax, discount_rate="0.0")
    assert bill(free, "pv", "investment") == pytest.approx(4 / 20)


def test_us_credit_and_macrs() -> None:
    """Proves: 30 % credit, half of it off the basis, 5-year MACRS: capex less credit, as REopt does.

    The deductions are worth 0.26 · PVD, of which 15 % are lost. Sensitivity: full basis.
    """
    macrs = (0.2, 0.32, 0.192, 0.1152, 0.1152, 0.0576)
    pvd = sum(share / 1.08**year for year, share in enumerate(macrs, 1))
    tax = "{income_tax_fraction: 0.26, depreciation: {method: macrs, years: 5}}"
    credit = "{itc: {type: tax_credit, assets: [pv], fraction: 0.3, basis_reduction_fraction: %s}}"
    results = plan(tax=tax, incentives=credit % 0.5)
    itc = 0.3 * (1 / 1.08 - 0.5 * 0.26 * pvd) / 0.74
    assert bill(results, "pv", "investment") == pytest.approx(4 * CRF * (1 - 0.26 * pvd) / 0.74)
    assert bill(results, "pv", "itc") == pytest.approx(-4 * CRF * itc)
    more = plan(tax=tax, incentives=credit % 0)
    assert bill(more, "pv", "itc") == pytest.approx(-4 * CRF * 0.3 / 1.08 / 0.74)


def test_inflation_shrinks_deductions_but_not_the_rest() -> None:
    """Proves: deductions are fixed in current money: PVD at the nominal rate of 1.08 · 1.03 - 1.

    Sensitivity: without tax inflation changes nothing.
    """
    pvd = sum(0.1 / (1.08 * 1.03) ** year for year in range(1, 11))
    tax = "{income_tax_fraction: 0.25, depreciation: {years: 10}}"
    results = plan(tax=tax, inflation="0.03")
    assert bill(results, "pv", "investment") == pytest.approx(4 * CRF * (1 - 0.25 * pvd) / 0.75)
    assert plan(inflation="0.03").cost == pytest.approx(plan().cost)


def test_nominal_rate_is_the_real_one_with_inflation() -> None:
    """Proves: 11.24 % nominal with 3 % inflation is 8 % real. Sensitivity: read as real it is dearer."""
    nominal = plan(discount_rate="0.1124", rates="nominal", inflation="0.03")
    assert nominal.cost == pytest.approx(plan().cost)
    assert plan(discount_rate="0.1124").cost > nominal.cost + 0.05


def test_loan_below_the_discount_rate_pays() -> None:
    """Proves: half of it at 3 % over 10 years saves 0.5 · (1 - CRF(3 %, 10) · PVF(8 %, 10)) of capex.

    Sensitivity: at 8 % the loan is worth nothing; a green discount of 5 points is 3 % again.
    """
    service = 0.03 / (1 - 1.03**-10)
    saved = 0.5 * (1 - service * (1 - 1.08**-10) / 0.08)
    loan = "{share_fraction: 0.5, rate: %s, term_years: 10}"
    assert bill(plan(loan=loan % 0.03), "pv", "investment") == pytest.approx(4 * CRF * (1 - saved))
    assert bill(plan(loan=loan % 0.08), "pv", "investment") == pytest.approx(4 * CRF)
    green = "{share_fraction: 0.5, rate: 0.08, green_discount: 0.05, term_years: 10}"
    assert plan(loan=green).cost == pytest.approx(plan(loan=loan % 0.03).cost)


def test_replacement_and_residual_value_are_taxed() -> None:
    """Proves: life 15 in 20 years: bought again at 15, 10/15 left at 20, book value 50 % of it then.

    Straight line over 10 years: the second unit has 5 of 10 years deducted. Sensitivity: no tax.
    """

    def pv(amount: float, year: float) -> float:
        return float(amount / 1.08**year)

    shield = sum(pv(0.1, y) for y in range(1, 11)) + sum(pv(0.1, y) for y in range(16, 21))
    residual = 10 / 15
    cost = 1 + pv(1, 15) - 0.25 * shield - pv(residual - 0.25 * (residual - 0.5), 20)
    size = "{max_kw: 4, capex_per_kw: 1, lifetime_years: 15}"
    tax = "{income_tax_fraction: 0.25, depreciation: {years: 10}}"
    assert bill(plan(size=size, tax=tax), "pv", "investment") == pytest.approx(
        4 * CRF * cost / 0.75
    )
    untaxed = 1 + pv(1, 15) - pv(residual, 20)
    assert bill(plan(size=size), "pv", "investment") == pytest.approx(4 * CRF * untaxed)


def test_growing_price_counts_with_its_level() -> None:
    """Proves: 2 % a year on the grid's price: 6 kWh at 1 count 6 · CRF · Σ(1.02/1.08)^t.

    Sensitivity: by asset or by category it is the same; of PV's upkeep it is nothing.
    """
    level = CRF * sum((1.02 / 1.08) ** year for year in range(1, 21))
    for key in ("grid", "energy_import", "grid.energy_import"):
        results = plan(escalation=f"{{{key}: 0.02}}")
        assert bill(results, "grid", "energy_import") == pytest.approx(6 * level)
        (worth,) = results.ledger.loc[results.ledger["category"] == "energy_import", "worth"]
        assert worth == pytest.approx(level)
    assert plan(escalation="{pv: 0.02}").cost == pytest.approx(plan().cost)


def test_growth_decides_what_pays() -> None:
    """Proves: PV at 1.3 a year against power at 1.2 is not built, with 2 % growth it is.

    Sensitivity: the level of 2 % is 1.179 over 20 years at 8 %.
    """
    size = f"{{max_kw: 4, capex_per_kw: {1.3 / CRF}, lifetime_years: 20}}"
    assert plan(size=size, price=1.2).size("pv") == pytest.approx(0)
    assert plan(size=size, price=1.2, escalation="{grid: 0.02}").size("pv") == pytest.approx(4)


def test_value_added_tax() -> None:
    """Proves: refunded on capex at 13 % it costs 1/1.13; added to power at 13 % it costs 1.13.

    Sensitivity: the other side stays.
    """
    results = plan(vat="{fraction: 0.13, refunded_on: [investment], added_to: [grid]}")
    assert bill(results, "pv", "investment") == pytest.approx(4 * CRF / 1.13)
    assert bill(results, "grid", "energy_import") == pytest.approx(6 * 1.13)


def test_grants() -> None:
    """Proves: 20 % or 0.2 per kW is paid at once; at most 0.5 in all. Sensitivity: taxed, 1/1.08 later.

    Untaxed and not deductible it saves what it pays.
    """
    grant = "{g: {type: grant, assets: [pv], %s}}"
    for how in ("fraction: 0.2", "amount_per_unit: 0.2"):
        assert bill(plan(incentives=grant % how), "pv", "g") == pytest.approx(-0.8 * CRF)
    most = plan(incentives=grant % "fraction: 0.2, max_amount: 0.5")
    assert bill(most, "pv", "g") == pytest.approx(-0.5 * CRF)
    tax = "{income_tax_fraction: 0.25, depreciation: {years: 10}}"
    pvd = sum(0.1 / 1.08**year for year in range(1, 11))
    untaxed = plan(tax=tax, incentives=grant % "fraction: 0.2")
    assert bill(untaxed, "pv", "g") == pytest.approx(-0.8 * CRF * (1 - 0.25 * pvd) / 0.75)
    taxed = plan(tax=tax, incentives=grant % "fraction: 0.2, taxable: true")
    assert bill(taxed, "pv", "g") == pytest.approx(-0.8 * CRF * (1 - 0.25 / 1.08) / 0.75)


def test_payments_for_production_and_capacity() -> None:
    """Proves: 0.1 per kWh for 10 of 20 years, fixed in current money with 3 % inflation.

    Sensitivity: indexed it counts as in constant money; capacity is paid per kW.
    """
    level = CRF * sum(1 / (1.08 * 1.03) ** year for year in range(1, 11))
    paid = "{p: {type: production, assets: [pv], price_per_unit: 0.1, years: 10%s}}"
    results = plan(inflation="0.03", incentives=paid % "")
    assert bill(results, "pv", "p") == pytest.approx(-0.4 * level)
    indexed = CRF * sum(1 / 1.08**year for year in range(1, 11))
    results = plan(inflation="0.03", incentives=paid % ", indexed: true")
    assert bill(results, "pv", "p") == pytest.approx(-0.4 * indexed)
    capacity = "{c: {type: capacity, assets: [pv], price_per_unit_year: 0.05}}"
    assert bill(plan(incentives=capacity), "pv", "c") == pytest.approx(-0.2)


def test_a_part_of_a_year_has_its_part_of_the_payment_for_capacity() -> None:
    """Proves: a horizon that carries a quarter of a year's fixed costs carries a quarter of it: 0.05.

    Sensitivity: a payment that is divided by the share would be 0.8.
    """
    capacity = "{c: {type: capacity, assets: [pv], price_per_unit_year: 0.05}}"
    results = plan(incentives=capacity, investment_scaling="0.25")
    assert bill(results, "pv", "c") == pytest.approx(-0.05)


def test_blocks_of_rising_price_need_no_binaries() -> None:
    """Proves: 2 kW at 5, 2 at 7: against 0.6 a kWh for one of 20 years all pays at 5 · CRF = 0.509.

    Sensitivity: the dearer block costs 0.713 a year and is left at a price of 0.6.
    """
    size = "{max_kw: 4, capex_blocks_per_kw: [[2, 5], [4, 7]], lifetime_years: 20}"
    results = plan(size=size, price=0.6)
    assert results.size("pv") == pytest.approx(2)
    assert results.run.integers == 0
    assert bill(results, "pv", "investment") == pytest.approx(10 * CRF)
    assert plan(size=size, price=0.8).size("pv") == pytest.approx(4)


def test_blocks_of_falling_price_are_filled_in_order() -> None:
    """Proves: 2 kW at 9, then 2 at 5: 28 · CRF = 2.85 for 4 kW pays at 0.8, not at 0.7 (2.8).

    Sensitivity: taken alone the cheap block (0.509) would pay at both; all or nothing here.
    """
    size = "{max_kw: 4, capex_blocks_per_kw: [[2, 9], [4, 5]], lifetime_years: 20}"
    results = plan(size=size, price=0.8)
    assert results.size("pv") == pytest.approx(4)
    assert bill(results, "pv", "investment") == pytest.approx(28 * CRF)
    assert plan(size=size, price=0.7).size("pv") == pytest.approx(0)


def test_given_size_in_blocks() -> None:
    """Proves: 3 kW given of which 1 exists: 2 new ones at 9 each. Sensitivity: 3 new cost 23."""
    size = (
        "{fixed_kw: 3, existing_kw: %s, capex_blocks_per_kw: [[2, 9], [4, 5]], lifetime_years: 20}"
    )
    assert bill(plan(size=size % 1), "pv", "investment") == pytest.approx(18 * CRF)
    assert bill(plan(size=size % 0), "pv", "investment") == pytest.approx(23 * CRF)


def test_members_have_their_own_terms() -> None:
    """Proves: the firm at 4 % pays 4 · CRF(4 %, 20) a year, the park's rate is 8 %.

    Sensitivity: its tax is its own too.
    """
    own = 0.04 / (1 - 1.04**-20)
    text = park(
        f"""
        grid: {{type: grid, member: firm, import_price_per_kwh: 1}}
        load: {{type: load, member: firm, power_kw: 10}}
        pv: {{type: pv, member: firm, output_per_kw: 1, power_kw: {SIZE}}}
        """,
        hours=1,
        finance=f"{{discount_rate: {R}, project_years: 20, investment_scaling: full}}",
        members="{firm: {finance: {discount_rate: 0.04%s}}}",
    )
    assert bill(solved(text % ""), "pv", "investment") == pytest.approx(4 * own)
    tax = ", tax: {income_tax_fraction: 0.25, depreciation: {method: immediate, years: 1}}"
    assert bill(solved(text % tax), "pv", "investment") == pytest.approx(
        4 * own * (1 - 0.25 / 1.04) / 0.75
    )


def test_an_incentive_cannot_take_the_name_of_a_cost() -> None:
    """Proves: `energy_import` is what the grid books. Sensitivity: growth of nothing is told as well."""
    with pytest.raises(InputError, match=r"finance\.incentives\.energy_import: is a category"):
        plan(incentives="{energy_import: {type: grant, assets: [pv], fraction: 0.1}}")
    with pytest.raises(InputError, match=r"finance\.escalation\.diesel: is neither an asset nor"):
        plan(escalation="{diesel: 0.02}")
