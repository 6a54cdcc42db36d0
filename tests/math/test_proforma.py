"""Cash flows year by year, by hand; and that they are worth what the objective says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from microgrid_opt.errors import InputError
from microgrid_opt.finance import capital_recovery_factor, npv
from microgrid_opt.finance.proforma import proforma
from tests.cashflow import TAX, YEAR, plan_of, text_of
from tests.support import park, planned, problem_of

if TYPE_CHECKING:
    from microgrid_opt.finance.proforma import Proforma


def found(**terms: str | int | float) -> Proforma:
    return plan_of(text_of(**terms))[1]  # type: ignore[arg-type]


def amounts(held: Proforma, key: str, *years: int) -> list[float]:
    row = dict(zip(held.whole.years, held.whole.row(key).amounts, strict=True))
    return [row[float(year)] for year in years]


def test_tax_and_loan_by_hand() -> None:
    """Proves: 20 for 4 a year; 25 % tax on 4 - 4 depreciation - interest; 10 borrowed at 4 %.

    Year 1: 4 - 0.4 - 2 + 0.25 * 0.4 = 1.7. Year 2: 4 - 0.32 - 2 + 0.08 = 1.76. Year 6: 4 - 1 = 3.
    Year 10: the unit is worth half of 20, all of it gain: 4 + 10 - 0.25 * 14 = 10.5. Sensitivity:
    without tax year 1 is 1.6, without the loan it is 4.
    """
    loan = "{share_fraction: 0.5, rate: 0.04, term_years: 5, repayment: equal_principal}"
    held = found(tax=TAX, loan=loan)
    assert amounts(held, "net", 0, 1, 2, 6, 10) == pytest.approx([-10, 1.7, 1.76, 3, 10.5])
    assert amounts(held, "taxable_income", 1, 2, 6, 10) == pytest.approx([-0.4, -0.32, 4, 14])
    assert amounts(held, "debt", 0, 1, 4, 5, 9) == pytest.approx([10, 8, 2, 0, 0])
    assert amounts(held, "depreciation", 1, 5, 6) == pytest.approx([-4, -4, 0])
    assert amounts(held, "before_tax", 1) == pytest.approx([1.6])
    assert found(tax=TAX).whole.npv < held.whole.npv


def test_a_level_saving_has_the_rate_of_the_annuity_table() -> None:
    """Proves: 20 that save 20 * CRF a year earn the rate of the factor: 4 of 20 for 10 years is 15.1 %.

    NREL/TP-462-5173 and ASHRAE print 0.16275 for 10 % and 0.19925 for 15 %. Sensitivity: the residual
    value of a life of 20 years lifts it to 17.9 %.
    """
    held = found(size="{fixed_kw: 4, capex_per_kw: 5, lifetime_years: 10}")
    assert held.whole.irr.rate == pytest.approx(0.150984, abs=1e-6)
    assert held.whole.payback_years == pytest.approx(5.0)
    flows = [-20.0, *[4.0] * 10]
    assert held.whole.npv == pytest.approx(npv(0.08, flows))
    future = sum(4 * 1.08 ** (10 - year) for year in range(1, 11))
    assert held.whole.mirr == pytest.approx((future / 20) ** 0.1 - 1)
    assert found().whole.irr.rate == pytest.approx(0.178595, abs=1e-6)


def test_renewals_and_residual_value_in_current_money() -> None:
    """Proves: life 4 of 10 years with 2 % inflation: bought again at 4 and 8 for half, half left at 10.

    The renewal at 4 costs 10 * 1.02^4, that at 8 is worth 10 * 0.5 * 1.02^10 at the end. Sensitivity:
    depreciation of the second one is cut off at 10, and its book value is taken off the gain.
    """
    size = "{fixed_kw: 4, capex_per_kw: 5, lifetime_years: 4, replacement_fraction: 0.5}"
    held = found(size=size, inflation="0.02", tax=TAX)
    assert amounts(held, "renewal.pv", 4, 8) == pytest.approx([-10 * 1.02**4, -10 * 1.02**8])
    assert amounts(held, "residual.pv", 10) == pytest.approx([5 * 1.02**10])
    assert amounts(held, "saving.energy_import", 1, 10) == pytest.approx([4 * 1.02, 4 * 1.02**10])
    second, third = 10 * 1.02**4, 10 * 1.02**8
    assert amounts(held, "depreciation", 5, 6, 9) == pytest.approx(
        [-4 - second / 5, -second / 5, -second / 5 - third / 5]
    )
    assert amounts(held, "book_value", 10) == pytest.approx([-third * 3 / 5])


def test_a_renewal_between_two_years_stands_at_its_date() -> None:
    """Proves: life 7.5: bought again at 7.5, deducted at 8.5 and 9.5. Sensitivity: not at 8 and 9."""
    size = "{fixed_kw: 4, capex_per_kw: 5, lifetime_years: 7.5}"
    held = found(size=size, tax=TAX)
    assert set(held.whole.years) - set(map(float, range(11))) == {7.5, 8.5, 9.5}
    row = held.whole.table.loc["depreciation"]
    assert row[8.5] == pytest.approx(-4)
    assert row[9.0] == 0.0
    assert held.whole.by_year(held.whole.net)[8] == pytest.approx(
        held.whole.table.loc["net"][[7.5, 8.0]].sum()
    )


def test_growth_and_value_added_tax() -> None:
    """Proves: 4 a year at 13 % VAT growing 3 % beyond 2 % inflation; capex without its 13 %.

    Sensitivity: the reference pays the same growth, so only the difference stands here.
    """
    vat = "{fraction: 0.13, refunded_on: [investment], added_to: [grid]}"
    held = found(inflation="0.02", escalation="{grid: 0.03}", vat=vat)
    grown = 4 * 1.13 * 1.03 * 1.02
    assert amounts(held, "saving.energy_import", 1, 2) == pytest.approx(
        [grown, grown * 1.03 * 1.02]
    )
    assert amounts(held, "purchase.pv", 0) == pytest.approx([-20 / 1.13])


def test_grants_and_credits_lower_what_is_deducted() -> None:
    """Proves: an untaxed grant of 4 leaves 16 to deduct; a credit of 6 at half leaves 13 of 16.

    The taxed grant is income of year 1. Sensitivity: the credit comes in year 1, the grant at once.
    """
    grant = "{g: {type: grant, assets: [pv], fraction: 0.2%s}, %s}"
    credit = "c: {type: tax_credit, assets: [pv], fraction: 0.3, basis_reduction_fraction: 0.5}"
    held = found(tax=TAX, incentives=grant % ("", credit))
    assert amounts(held, "grant.g", 0, 1) == pytest.approx([4, 0])
    assert amounts(held, "tax_credit.c", 0, 1) == pytest.approx([0, 6])
    assert amounts(held, "basis", 0) == pytest.approx([20 - 4 - 3])
    taxed = found(tax=TAX, incentives=grant % (", taxable: true", ""))
    assert amounts(taxed, "basis", 0) == pytest.approx([20])
    assert amounts(taxed, "taxed_grant", 1) == pytest.approx([4])
    assert amounts(taxed, "taxable_income", 1) == pytest.approx([4 - 4 + 4])


def test_a_limited_grant_is_read_back_from_the_ledger() -> None:
    """Proves: of 20 % of 20 only 1.5 are granted. Sensitivity: without the limit 4."""
    grant = "{g: {type: grant, assets: [pv], fraction: 0.2, max_amount: 1.5}}"
    assert amounts(found(incentives=grant), "grant.g", 0) == pytest.approx([1.5])


def test_payments_for_some_years() -> None:
    """Proves: 0.5 per 8760 kWh for 3 years, not indexed; 0.25 per kW for 10, indexed and untaxed.

    Sensitivity: what is not taxable is not in the taxable income.
    """
    paid = (
        "{p: {type: production, assets: [pv], price_per_unit: %r, years: 3}, "
        "q: {type: capacity, assets: [pv], price_per_unit_year: 0.25, indexed: true, "
        "taxable: false}}" % (0.5 / 8760)
    )
    held = found(inflation="0.02", tax=TAX, incentives=paid)
    assert amounts(held, "payment.p", 1, 3, 4) == pytest.approx([2, 2, 0])
    assert amounts(held, "payment.q", 1, 10) == pytest.approx([1.02, 1.02**10])
    assert amounts(held, "taxable_income", 1) == pytest.approx([4 * 1.02 + 2 - 4])


def test_a_yearly_price_of_capacity_is_a_running_cost() -> None:
    """Proves: 0.5 per kW and year is 2 a year with inflation, and nothing is bought."""
    held = found(size="{fixed_kw: 4, annual_cost_per_kw: 0.5}", inflation="0.02")
    assert amounts(held, "saving.yearly_price", 1, 2) == pytest.approx([-2 * 1.02, -2 * 1.02**2])
    assert not any(row.group == "purchase" for row in held.whole.rows)


@pytest.mark.parametrize("repayment", ["annuity", "equal_principal", "bullet"])
@pytest.mark.parametrize("term", [4, 10, 14])
def test_every_loan_is_paid_back_within_the_project(repayment: str, term: int) -> None:
    """Proves: what is drawn is paid back by year 10, also of a loan of 14 years."""
    loan = f"{{share_fraction: 0.6, rate: 0.05, term_years: {term}, repayment: {repayment}, "
    held = found(tax=TAX, loan=loan + "grace_years: 2}")
    assert sum(held.whole.row("principal").amounts) == pytest.approx(-12)
    assert held.whole.row("debt").amounts[-1] == 0.0


def test_a_part_of_a_year_counts_as_a_year() -> None:
    """Proves: 2 hours of 1/4380 of a year give the cash flow of a year; investment in full or not.

    Sensitivity: unscaled, the saving of year 1 would be 4/4380.
    """
    for scaling in ("auto", "full"):
        text = text_of(tax=TAX, investment_scaling=scaling).replace(
            YEAR, "{start: 2025-03-03, hours: 2}"
        )
        plan = planned(text)
        held = proforma(plan.results, plan.reference, problem_of(text).park)
        assert amounts(held, "saving.energy_import", 1) == pytest.approx([4])
        assert plan.comparison is not None
        assert plan.comparison.npv == pytest.approx(held.whole.npv)
        assert plan.comparison.yearly_operating_saving == pytest.approx(4)


def test_levelised_costs_of_new_assets() -> None:
    """Proves: 20 * CRF(8 %, 10) less the residual over 35040 kWh, upkeep of 0.1 per kW besides.

    Sensitivity: an asset of which a part exists is not told, nor what buys for others.
    """
    size = "{fixed_kw: 4, capex_per_kw: 5, lifetime_years: 10, fixed_om_per_kw_year: 0.1}"
    (one,) = found(size=size, tax=TAX).unit_costs
    crf = capital_recovery_factor(0.08, 10)
    pvd = sum(0.2 * 1.08**-year for year in range(1, 6))
    expected = (20 * crf * (1 - 0.25 * pvd) / 0.75 + 0.4) / (4 * 8760)
    assert (one.name, one.unit, one.draws) == ("LCOE", "CNY/kWh", False)
    assert one.value == pytest.approx(expected)
    assert not found(size=size.replace("{", "{existing_kw: 1, ")).unit_costs


def test_levelised_cost_of_a_store_leaves_out_its_charging() -> None:
    """Proves: LCOS is what the store costs over what it gives back; it draws from the park."""
    text = park(
        """
        grid: {type: grid, import_price_per_kwh: {hourly: [0, 1]}}
        load: {type: load, power_kw: 2}
        battery:
          type: battery
          charge_efficiency: 1
          discharge_efficiency: 1
          power_kw: {fixed_kw: 2}
          energy_kwh: {fixed_kwh: 2, capex_per_kwh: 3, lifetime_years: 10}
        """.replace("[0, 1]", str([0, 1, *[0] * 22])),
        horizon="{start: 2025-03-03, hours: 2, weight: 4380}",
        finance="{discount_rate: 0.05, project_years: 10}",
    )
    held = plan_of(text)[1]
    (one,) = held.unit_costs
    assert (one.name, one.draws) == ("LCOS", True)
    assert one.value == pytest.approx(6 * capital_recovery_factor(0.05, 10) / (2 * 4380))


def test_cost_of_abatement_is_that_of_the_comparison() -> None:
    """Proves: (20 CRF - 4) less over 17.52 t; the comparison says the same. Sensitivity: no CO2 price."""
    plan, held = plan_of(text_of(size="{fixed_kw: 4, capex_per_kw: 5, lifetime_years: 10}"))
    assert held.abatement_cost_per_t is not None
    assert plan.comparison is not None
    expected = (20 * capital_recovery_factor(0.08, 10) - 4) / (4 * 8.76 * 0.5)
    assert held.abatement_cost_per_t == pytest.approx(expected)
    assert plan.comparison.abatement_cost_per_t == pytest.approx(expected)


def test_members_have_flows_of_their_own_that_add_up() -> None:
    """Proves: the firm's tax and rate are in its flow, the park's total is discounted at 8 %.

    Sensitivity: with one rate there is no note, and the values add up.
    """
    assets = """
        grid2: {type: grid, member: shop, import_price_per_kwh: 0.001}
        load2: {type: load, member: shop, power_kw: 2}"""
    text = text_of(assets=assets).replace("{type: grid, imp", "{type: grid, member: firm, imp")
    text = text.replace("{type: load, power_kw: 10}", "{type: load, member: firm, power_kw: 10}")
    text = text.replace("{type: pv,", "{type: pv, member: firm,")
    own = text.replace(
        "assets:\n", "members: {firm: {finance: {discount_rate: 0.05}}, shop: {}}\nassets:\n"
    )
    plan = planned(own)
    held = proforma(plan.results, plan.reference, problem_of(own).park)
    assert held.members["firm"].rate == pytest.approx(0.05)
    assert held.whole.rate == pytest.approx(0.08)
    assert held.whole.net == pytest.approx(held.members["firm"].net)
    assert held.members["shop"].npv == 0.0
    assert "discount rates of their own" in held.notes[0]
    alone = proforma(plan.results, plan.reference, problem_of(own).park, "firm")
    assert alone.whole.net == held.members["firm"].net
    with pytest.raises(InputError, match="is no member of the park: known are firm, shop"):
        proforma(plan.results, plan.reference, problem_of(own).park, "nobody")


def test_without_a_reference_all_costs_are_there() -> None:
    """Proves: 6 kW are still bought for 6 a year. Sensitivity: the note says so."""
    text = text_of()
    plan = planned(text)
    held = proforma(plan.results, None, problem_of(text).park)
    assert amounts(held, "saving.energy_import", 1) == pytest.approx([-6])
    assert held.abatement_cost_per_t is None
    assert "no reference plan" in held.notes[0]


def test_broken_years_have_no_cash_flow() -> None:
    text = text_of(years=10).replace("project_years: 10", "project_years: 10.5")
    plan = planned(text)
    with pytest.raises(InputError, match=r"finance.project_years = 10.5: must be whole"):
        proforma(plan.results, plan.reference, problem_of(text).park)
