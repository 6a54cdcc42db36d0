"""For any asset, loan and series: what is deducted, repaid and earned adds up, and nothing jumps."""

from __future__ import annotations

import math
from itertools import accumulate, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid_opt.finance import (
    Depreciation,
    Repayment,
    abatement_cost,
    capital_recovery_factor,
    deductions,
    levelisation_factor,
    levelised_cost,
    npv,
    repayments,
)

QUICK = settings(max_examples=60, deadline=None, database=None)
CLASSES = (3, 5, 7, 10, 15, 20)
SPREAD: tuple[Depreciation, ...] = (
    "straight_line",
    "double_declining_balance",
    "sum_of_years_digits",
)
KINDS: tuple[Repayment, ...] = ("annuity", "equal_principal", "bullet")

fraction = st.floats(0.0, 1.0)
rate = st.floats(0.0, 0.5)
positive_rate = st.floats(0.001, 0.5)
money = st.floats(1.0, 1e9)


@st.composite
def schedules(draw: st.DrawFn) -> tuple[Depreciation, int, float, float]:
    """Draw a method with years, bonus and residual value that it allows."""
    method = draw(st.sampled_from((*SPREAD, "macrs", "immediate")))
    years = draw(st.sampled_from(CLASSES) if method == "macrs" else st.integers(1, 40))
    bonus = draw(fraction)
    residual = draw(st.floats(0.0, 1.0 - bonus)) if method in SPREAD else 0.0
    return method, years, bonus, residual


@st.composite
def loans(draw: st.DrawFn) -> tuple[float, float, int, Repayment, int]:
    term = draw(st.integers(1, 40))
    return (
        draw(money),
        draw(rate),
        term,
        draw(st.sampled_from(KINDS)),
        draw(st.integers(0, term - 1)),
    )


# --- depreciation ------------------------------------------------------------------------------


@QUICK
@given(schedules())
def test_deductions_add_up_to_the_basis_without_the_residual_value(
    schedule: tuple[Depreciation, int, float, float],
) -> None:
    """Proves: sum 1 - s, no share below 0, a bonus that is whole in year 1, the promised length.

    Sensitivity: a year too many, a bonus on top of the full schedule or a last year below the
    residual value breaks one of the four.
    """
    method, years, bonus, residual = schedule
    found = deductions(method, years, bonus_fraction=bonus, residual_fraction=residual)
    assert math.fsum(found) == pytest.approx(1.0 - residual, abs=1e-12)
    assert all(0.0 <= share <= 1.0 + 1e-12 for share in found)
    assert found[0] >= bonus
    assert len(found) == {"macrs": years + 1, "immediate": 1}.get(method, years)


@QUICK
@given(st.sampled_from((*SPREAD, "macrs")), st.sampled_from(CLASSES), fraction)
def test_a_bonus_mixes_the_schedule_with_immediate_deduction(
    method: Depreciation, years: int, bonus: float
) -> None:
    plain = deductions(method, years)
    mixed = [(1.0 - bonus) * share for share in plain]
    mixed[0] += bonus
    assert deductions(method, years, bonus_fraction=bonus) == pytest.approx(mixed, abs=1e-12)


@QUICK
@given(st.sampled_from(CLASSES), positive_rate, st.floats(0.0, 0.9), st.floats(0.01, 0.1))
def test_earlier_deductions_are_worth_more(
    years: int, discount_rate: float, bonus: float, more: float
) -> None:
    """Proves: the order of the methods, and that a bonus is worth more the larger it is.

    Sensitivity: a schedule shifted by a year falls behind straight line.
    """

    def worth(method: Depreciation, share: float) -> float:
        return npv(discount_rate, [0.0, *deductions(method, years, bonus_fraction=share)])

    straight = worth("straight_line", bonus)
    digits = worth("sum_of_years_digits", bonus)
    assert straight < digits < worth("immediate", bonus)
    assert straight < worth("double_declining_balance", bonus) < worth("immediate", bonus)
    for method in (*SPREAD, "macrs"):
        assert worth(method, bonus) < worth(method, bonus + more)


@QUICK
@given(st.integers(2, 40), st.floats(0.0, 0.6))
def test_accelerated_methods_never_lag_behind_straight_line(years: int, residual: float) -> None:
    """Proves: at the end of every year at least as much has been deducted as by straight line.

    Sensitivity: from 13 years on the declining balance does lag before its two last years.
    """
    even = list(accumulate(deductions("straight_line", years, residual_fraction=residual)))
    methods: tuple[Depreciation, ...] = ("sum_of_years_digits", "double_declining_balance")
    for method in methods if years <= 12 else methods[:1]:
        faster = accumulate(deductions(method, years, residual_fraction=residual))
        assert all(ours >= theirs - 1e-12 for ours, theirs in zip(faster, even, strict=True))
    digits = deductions("sum_of_years_digits", years, residual_fraction=residual)
    assert all(later < earlier for earlier, later in pairwise(digits))


# --- loans -------------------------------------------------------------------------------------


@QUICK
@given(loans())
def test_principal_adds_up_and_the_service_is_worth_the_amount(
    drawn: tuple[float, float, int, Repayment, int],
) -> None:
    """Proves: sum of principal and present value of the service at the rate are both the amount.

    Sensitivity: interest on the wrong debt, a payment too many, or grace beyond the term.
    """
    amount, interest_rate, term, repayment, grace = drawn
    loan = repayments(amount, interest_rate, term, repayment=repayment, grace_years=grace)
    assert len(loan.interest) == len(loan.principal) == len(loan.service) == term
    assert math.fsum(loan.principal) == pytest.approx(amount, rel=1e-12)
    assert npv(interest_rate, [0.0, *loan.service]) == pytest.approx(amount, rel=1e-10)
    assert all(part == 0.0 for part in loan.principal[:grace])
    debts = [amount, *(amount - paid for paid in accumulate(loan.principal))]
    assert loan.interest == pytest.approx(
        [interest_rate * debt for debt in debts[:-1]], rel=1e-9, abs=1e-9 * amount
    )
    assert all(later <= earlier + 1e-9 * amount for earlier, later in pairwise(loan.interest))


@QUICK
@given(money, positive_rate, st.integers(2, 40))
def test_slower_repayment_costs_more_interest(amount: float, interest: float, term: int) -> None:
    """Proves: equal principal < annuity < bullet, and a year of grace adds interest."""
    totals = {
        kind: math.fsum(repayments(amount, interest, term, repayment=kind).interest)
        for kind in KINDS
    }
    assert totals["equal_principal"] < totals["annuity"] < totals["bullet"]
    for kind in ("annuity", "equal_principal"):
        delayed = repayments(amount, interest, term, repayment=kind, grace_years=1)
        assert math.fsum(delayed.interest) > totals[kind]


@QUICK
@given(money, rate, st.integers(1, 40), st.sampled_from(KINDS), st.floats(0.001, 0.1))
def test_interest_rises_with_the_rate_and_scales_with_the_amount(
    amount: float, interest: float, term: int, kind: Repayment, more: float
) -> None:
    loan = repayments(amount, interest, term, repayment=kind)
    dearer = repayments(amount, interest + more, term, repayment=kind)
    assert all(b > a for a, b in zip(loan.interest, dearer.interest, strict=True))
    double = repayments(2.0 * amount, interest, term, repayment=kind)
    assert double.service == pytest.approx([2.0 * part for part in loan.service], rel=1e-12)


# --- levelised figures -------------------------------------------------------------------------


@QUICK
@given(st.floats(-0.2, 0.3), st.floats(-0.1, 0.4), st.integers(1, 40))
def test_levelisation_is_the_definition_and_lies_between_first_and_last(
    growth: float, discount_rate: float, years: int
) -> None:
    """Proves: the closed form is the sum; the factor is a mean of the first and last payment.

    Sensitivity: a sum from t = 0 lies below 1 + g for every growth above 0.
    """
    found = levelisation_factor(growth, discount_rate, years)
    ratio = (1.0 + growth) / (1.0 + discount_rate)
    series = math.fsum(ratio**year for year in range(1, years + 1))
    assert found == pytest.approx(capital_recovery_factor(discount_rate, years) * series, rel=1e-9)
    low, high = sorted((1.0 + growth, (1.0 + growth) ** years))
    assert low * (1 - 1e-9) <= found <= high * (1 + 1e-9)
    assert found < levelisation_factor(growth + 0.01, discount_rate, years)


years_of_plant = st.lists(
    st.tuples(st.floats(0.0, 1e6), st.floats(1.0, 1e6)), min_size=1, max_size=30
)


@QUICK
@given(years_of_plant, rate, st.floats(0.1, 10.0), st.integers(0, 29))
def test_levelised_cost_is_the_price_without_profit(
    plant: list[tuple[float, float]], discount_rate: float, factor: float, year: int
) -> None:
    """Proves: no profit at that price, the unit of money and product, and what raises the price.

    Sensitivity: quantities that are not discounted leave a profit at every rate above 0.
    """
    costs = [cost for cost, _ in plant]
    made = [amount for _, amount in plant]
    price = levelised_cost(costs, made, discount_rate)
    profit = npv(discount_rate, [price * q - c for c, q in plant])
    assert profit == pytest.approx(0.0, abs=1e-9 * npv(discount_rate, costs) + 1e-9)
    assert levelised_cost([factor * cost for cost in costs], made, discount_rate) == (
        pytest.approx(factor * price, rel=1e-9)
    )
    assert levelised_cost(costs, [factor * q for q in made], discount_rate) == (
        pytest.approx(price / factor, rel=1e-9)
    )
    costs[year % len(costs)] += 1e6
    assert levelised_cost(costs, made, discount_rate) > price
    low, high = min(c / q for c, q in plant), max(c / q for c, q in plant)
    assert low * (1 - 1e-9) <= price <= high * (1 + 1e-9)


@QUICK
@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.floats(0.0, 1e6), st.floats(1.0, 1e6))
def test_a_carbon_price_at_the_abatement_cost_makes_plan_and_reference_equal(
    cost: float, reference: float, co2_kg: float, abated_kg: float
) -> None:
    """Proves: at that price per tonne both cost the same. Sensitivity: kg taken for t is 1000 off."""
    price = abatement_cost(cost, reference, co2_kg, co2_kg + abated_kg)
    plan = cost + price * co2_kg / 1000.0
    other = reference + price * (co2_kg + abated_kg) / 1000.0
    size = 1.0 + abs(cost) + abs(reference) + abs(price) * (co2_kg + abated_kg) / 1000.0
    assert plan == pytest.approx(other, abs=1e-9 * size)
    assert math.isnan(abatement_cost(cost, reference, co2_kg + abated_kg, co2_kg))
