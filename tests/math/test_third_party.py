"""Assets that an investor owns: who pays what by hand, sums, prices at which each side breaks even."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from microgrid_opt.errors import InputError
from microgrid_opt.finance.proforma import Proforma, proforma
from tests.cashflow import PRICE, TAX, YEAR, text_of
from tests.support import park, planned, problem_of

if TYPE_CHECKING:
    from microgrid_opt.finance.statement import Statement

OM = "{fixed_kw: 4, capex_per_kw: 5, lifetime_years: 20, fixed_om_per_kw_year: 0.1}"


def split_of(contract: str, **terms: str) -> Proforma:
    """Return a cash flow of which host and investor add up to the whole, before loan and tax."""
    return held_of(text_of(third_party=f"{{esco: {{assets: [pv], {contract}}}}}", **terms))  # type: ignore[arg-type]


def held_of(text: str) -> Proforma:
    plan = planned(text)
    held = proforma(plan.results, plan.reference, problem_of(text).park)
    parts = [held.hosts["park"], *(one.statement for one in held.contracts)]
    together = [
        sum(values)
        for values in zip(*(one.row("before_loan").amounts for one in parts), strict=True)
    ]
    assert together == pytest.approx(held.whole.row("before_loan").amounts, abs=1e-9)
    return held


def at(one: Statement, key: str, *years: int) -> list[float]:
    row = dict(zip(one.years, one.row(key).amounts, strict=True))
    return [row[float(year)] for year in years]


def test_ppa_by_hand() -> None:
    """Proves: 0.8 a kW-year for 4 kW, 2 % dearer each year, for 6 years; then handed over for 5.

    The investor pays 20 and upkeep of 0.4, gets 3.2, 3.264, ... and 5; the host keeps 4 - 3.2, pays
    5, then the upkeep, and has the residual value of 10. Sensitivity: the first price is not grown.
    """
    ppa = f"type: ppa, price_per_kwh: {0.8 / 8760!r}, escalation: 0.02, years: 6, handover_price: 5"
    held = split_of(ppa, size=OM)
    host, investor = held.hosts["park"], held.contracts[0].statement
    assert at(investor, "net", 0, 1, 2, 6, 7) == pytest.approx(
        [-20, 3.2 - 0.4, 3.2 * 1.02 - 0.4, 3.2 * 1.02**5 - 0.4 + 5, 0]
    )
    assert at(host, "net", 0, 1, 6, 7, 10) == pytest.approx(
        [0, 0.8, 4 - 3.2 * 1.02**5 - 5, 3.6, 13.6]
    )
    assert host.npv + investor.npv == pytest.approx(held.whole.npv)


def test_price_that_breaks_even() -> None:
    """Proves: at the price told the investor (the host) has a net present value of zero.

    Sensitivity: at the given price neither has.
    """
    ppa = "type: ppa, price_per_kwh: %r, years: 6, investor: {discount_rate: 0.1}"
    held = split_of(ppa % (0.8 / 8760), size=OM, tax=TAX)
    (one,) = held.contracts
    assert one.unit == "CNY/kWh"
    assert one.statement.npv != pytest.approx(0, abs=0.1)
    again = split_of(ppa % one.investor_break_even, size=OM, tax=TAX)
    assert again.contracts[0].statement.npv == pytest.approx(0, abs=1e-9)
    assert again.contracts[0].statement.irr.rate == pytest.approx(0.1)
    again = split_of(ppa % one.host_break_even, size=OM, tax=TAX)
    assert again.hosts["park"].npv == pytest.approx(0, abs=1e-9)


def test_tax_of_a_handover() -> None:
    """Proves: after 3 of 5 years 8 of 20 are left to deduct: the gain of 10 - 8 is taxed at 25 %.

    The host deducts its 10 over 5 years. Sensitivity: for 8 there is no gain.
    """
    lease = "type: lease, payment_per_year: 6, years: 3, handover_price: %g, operated_by: investor"
    held = split_of(lease % 10, tax=TAX)
    host, investor = held.hosts["park"], held.contracts[0].statement
    assert at(investor, "taxable_income", 1, 3) == pytest.approx([6 - 4, 6 - 4 + 10 - 8])
    assert at(investor, "net", 3) == pytest.approx([6 + 10 - 0.25 * 4])
    assert at(host, "handover.esco", 3) == pytest.approx([-10])
    assert at(host, "depreciation", 3, 4, 8, 9) == pytest.approx([0, -2, -2, 0])
    assert at(split_of(lease % 8, tax=TAX).contracts[0].statement, "taxable_income", 3) == (
        pytest.approx([2])
    )


def test_shared_savings_by_hand() -> None:
    """Proves: 80 % of 4 for 3 years, 50 % for 2, with upkeep of 0.4 at the investor; then the host's.

    Sensitivity: operated by the host, the savings that are shared are 3.6.
    """
    shared = "type: shared_savings, shares: [[3, 0.8], [5, 0.5]]"
    held = split_of(shared, size=OM)
    host, investor = held.hosts["park"], held.contracts[0].statement
    assert at(investor, "net", 0, 1, 4, 5, 6) == pytest.approx([-20, 2.8, 1.6, 1.6, 0])
    assert at(host, "net", 1, 5, 6) == pytest.approx([0.8, 2, 3.6])
    own = split_of(f"{shared}, operated_by: host", size=OM)
    assert at(own.contracts[0].statement, "net", 1) == pytest.approx([0.8 * 3.6])


def test_share_that_breaks_even_is_that_of_the_largest() -> None:
    """Proves: at the share told, the others in proportion, the investor's value is zero."""
    shared = "type: shared_savings, shares: [[3, %r], [9, %r]], handover_price: 15"
    (one,) = split_of(shared % (0.8, 0.4)).contracts
    level = one.investor_break_even
    assert (one.price, one.unit) == (0.8, "1")
    assert level < 1
    again = split_of(shared % (level, level / 2)).contracts[0]
    assert again.statement.npv == pytest.approx(0, abs=1e-9)


def test_a_lease_for_the_whole_project_leaves_the_residual_value() -> None:
    """Proves: without `years` the investor keeps what is worth 10 in year 10; the host operates."""
    held = split_of("type: lease, payment_per_year: 3", size=OM)
    host, investor = held.hosts["park"], held.contracts[0].statement
    assert at(investor, "net", 0, 1, 10) == pytest.approx([-20, 3, 13])
    assert at(host, "net", 0, 1, 10) == pytest.approx([0, 4 - 0.4 - 3, 0.6])


def test_incentives_and_loan_are_the_investors() -> None:
    """Proves: grant, credit and payments until the handover go to who owns the assets then.

    The loan of the investor is paid back at the handover. Sensitivity: payments for production of
    8 years are the host's in year 7 and 8.
    """
    incentives = (
        "{g: {type: grant, assets: [pv], fraction: 0.1}, "
        "c: {type: tax_credit, assets: [pv], fraction: 0.2}, "
        f"p: {{type: production, assets: [pv], price_per_unit: {0.5 / 8760!r}, years: 8}}}}"
    )
    lease = (
        "type: lease, payment_per_year: 3, years: 6, "
        "investor: {loan: {share_fraction: 0.5, rate: 0.04, term_years: 8, repayment: bullet}}"
    )
    held = split_of(lease, tax=TAX, incentives=incentives)
    host, investor = held.hosts["park"], held.contracts[0].statement
    assert at(investor, "grant.g", 0) == pytest.approx([2])
    assert at(investor, "tax_credit.c", 1) == pytest.approx([4])
    assert at(investor, "payment.p", 6, 7) == pytest.approx([2, 0])
    assert at(host, "payment.p", 6, 7, 8, 9) == pytest.approx([0, 2, 2, 0])
    assert at(investor, "principal", 5, 6) == pytest.approx([0, -10])
    assert not any(row.group in {"grant", "tax_credit", "loan_drawn"} for row in host.rows)


def test_surplus_has_a_price_of_its_own() -> None:
    """Proves: of 4 kW, 1 is exported: 3 at 0.8, 1 at 0.3. Sensitivity: one price gives 3.2.

    A second generator shares the export in proportion: 4 of 8 kW made, 5 exported, half used.
    """
    text = park(
        f"""
        grid: {{type: grid, import_price_per_kwh: {PRICE}, export_price_per_kwh: {0.4 / 8760!r}}}
        load: {{type: load, power_kw: 3}}
        pv: {{type: pv, output_per_kw: 1, power_kw: {{fixed_kw: 4, capex_per_kw: 1, lifetime_years: 10}}}}
        old: {{type: pv, output_per_kw: 1, power_kw: 0}}
        """,
        horizon=YEAR,
        finance="{discount_rate: 0.08, project_years: 10, third_party: {esco: {type: ppa, assets: [pv], "
        f"price_per_kwh: {0.8 / 8760!r}, surplus_price_per_kwh: {0.3 / 8760!r}}}}}}}",
    )
    assert at(held_of(text).contracts[0].statement, "contract.esco", 1) == pytest.approx(
        [3 * 0.8 + 0.3]
    )
    more = held_of(text.replace("power_kw: 0}", "power_kw: 4}"))
    assert at(more.contracts[0].statement, "contract.esco", 1) == pytest.approx(
        [1.5 * 0.8 + 2.5 * 0.3]
    )
    same = held_of(text.replace(f", surplus_price_per_kwh: {0.3 / 8760!r}", ""))
    assert at(same.contracts[0].statement, "contract.esco", 1) == pytest.approx([3.2])


def test_a_renewal_at_the_handover_is_the_hosts() -> None:
    """Proves: life 4, handed over at 4: the host buys anew at 4 and 8, the investor never."""
    size = "{fixed_kw: 4, capex_per_kw: 5, lifetime_years: 4}"
    held = split_of("type: lease, payment_per_year: 6, years: 4", size=size)
    host, investor = held.hosts["park"], held.contracts[0].statement
    assert at(host, "renewal.pv", 4, 8) == pytest.approx([-20, -20])
    assert not any(row.group == "renewal" for row in investor.rows)


def test_shared_savings_need_a_reference() -> None:
    shared = "{esco: {assets: [pv], type: shared_savings, shares: [[3, 0.8]]}}"
    text = text_of(third_party=shared)
    plan = planned(text)
    with pytest.raises(InputError, match="no reference plan to save against"):
        proforma(plan.results, None, problem_of(text).park)


def test_contracts_leave_the_plan_and_the_comparison_alone() -> None:
    """Proves: the plan, its cost and the net present value of the whole are the same without them."""
    plain = planned(text_of(tax=TAX))
    text = text_of(tax=TAX, third_party="{a: {type: lease, assets: [pv], payment_per_year: 3}}")
    plan = planned(text)
    assert plan.results.cost == plain.results.cost
    assert plan.comparison is not None
    assert plain.comparison is not None
    assert plan.comparison.quantities() == plain.comparison.quantities()
