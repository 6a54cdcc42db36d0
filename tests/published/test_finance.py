"""Finance functions against printed values, identities and hand-solved edge cases.

Sources of the printed values:

- ASHRAE Pocket Guide for Air Conditioning, Heating, Ventilation, Refrigeration, 2013: table
  "Annual Capital Recovery Factors".
- HOMER Pro 3.14 / HOMER Grid 1.1 manual, glossary: Capital Recovery Factor, Discount Factor, Real
  Discount Rate, Net Present Cost; HOMER knowledge base: Salvage Value.
- Microsoft, Excel functions: IRR, MIRR, NPV.
- numpy-financial 1.0.0: documentation examples of npv and irr, values of its own test suite.
- E. F. Brigham, J. F. Houston, Fundamentals of Financial Management: integrated case on franchises
  L and S (IRR, NPV, payback).
- S. A. Ross, R. W. Westerfield, J. Jaffe, Corporate Finance: problem "Multiple IRRs".
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from microgrid_opt.finance import (
    CashFlows,
    Investment,
    annual_cost,
    capital_recovery_factor,
    cash_flows,
    irr,
    lcoe,
    mirr,
    npv,
    payback_years,
    present_cost,
    present_value_factor,
    real_rate,
    replacement_years,
    residual_value,
)

if TYPE_CHECKING:
    from collections.abc import Callable

quick = settings(max_examples=25, deadline=None)
rates = st.floats(0.0, 0.4)
horizons = st.integers(1, 40)
lifetimes = st.floats(0.6, 60.0)
money = st.floats(1.0, 1e7)
fractions = st.floats(0.0, 1.5)

ASHRAE_RATES = (0.035, 0.045, 0.06, 0.08, 0.10)
ASHRAE_FACTORS = {
    2: (0.52640, 0.53400, 0.54544, 0.56077, 0.57619),
    4: (0.27225, 0.27874, 0.28859, 0.30192, 0.31547),
    6: (0.18767, 0.19388, 0.20336, 0.21632, 0.22961),
    8: (0.14548, 0.15161, 0.16104, 0.17401, 0.18744),
    10: (0.12024, 0.12638, 0.13587, 0.14903, 0.16275),
    12: (0.10348, 0.10967, 0.11928, 0.13270, 0.14676),
    14: (0.09157, 0.09782, 0.10758, 0.12130, 0.13575),
    16: (0.08268, 0.08902, 0.09895, 0.11298, 0.12782),
    18: (0.07582, 0.08224, 0.09236, 0.10670, 0.12193),
}
EXCEL_IRR = [-70_000.0, 12_000.0, 15_000.0, 18_000.0, 21_000.0, 26_000.0]
EXCEL_MIRR = [-120_000.0, 39_000.0, 30_000.0, 21_000.0, 37_000.0, 46_000.0]
FRANCHISE_L = [-100.0, 10.0, 60.0, 80.0]
FRANCHISE_S = [-100.0, 70.0, 50.0, 20.0]


# --- annuities ---------------------------------------------------------------------------------


@pytest.mark.parametrize("years", ASHRAE_FACTORS)
def test_capital_recovery_factor_matches_the_ashrae_table(years: int) -> None:
    """Proves: 45 printed factors. Sensitivity: a payment at the start of the year is 3-10 % off."""
    found = [capital_recovery_factor(rate, years) for rate in ASHRAE_RATES]
    assert found == pytest.approx(ASHRAE_FACTORS[years], abs=0.51e-5)


def test_factors_match_the_examples_of_homer() -> None:
    assert capital_recovery_factor(0.07, 5) == pytest.approx(0.2439, abs=0.5e-4)
    # 1000 in year 12 at 5 % are 557 today: the difference of two annuities.
    year_12 = present_value_factor(0.05, 12) - present_value_factor(0.05, 11)
    assert year_12 == pytest.approx(0.557, abs=0.5e-3)
    assert real_rate(0.08, 0.035) == pytest.approx(0.0435, abs=0.5e-4)


def test_factors_at_the_edges() -> None:
    assert capital_recovery_factor(0.0, 20) == 0.05
    assert present_value_factor(0.0, 20) == 20.0
    assert capital_recovery_factor(0.06, math.inf) == pytest.approx(0.06, rel=1e-15)
    assert present_value_factor(0.0, math.inf) == math.inf
    assert capital_recovery_factor(0.0, math.inf) == 0.0
    assert capital_recovery_factor(-0.02, math.inf) == 0.0
    assert capital_recovery_factor(-0.5, 5000) == 0.0
    # One payment after a year at -50 % : 1 / (1/0.5) = 0.5.
    assert capital_recovery_factor(-0.5, 1) == pytest.approx(0.5)


@pytest.mark.parametrize("rate", [5e-324, 1e-300, 1e-18, 1e-12, -1e-12])
def test_tiny_rates_keep_full_precision(rate: float) -> None:
    """Proves: no cancellation. Sensitivity: the textbook formula gives 0/0 or 1e-4 errors here."""
    for years in (0.3, 20.0):
        expected = (1.0 + 0.5 * (years + 1.0) * rate) / years
        assert capital_recovery_factor(rate, years) == pytest.approx(expected, rel=1e-14)


@quick
@given(st.floats(-0.2, 2.0), st.floats(0.1, 200.0))
def test_annuity_times_present_value_factor_is_one(rate: float, years: float) -> None:
    textbook = rate * (1 + rate) ** years / ((1 + rate) ** years - 1) if abs(rate) > 1e-4 else None
    found = capital_recovery_factor(rate, years)
    assert found * present_value_factor(rate, years) == pytest.approx(1.0, rel=1e-12)
    if textbook is not None:
        assert found == pytest.approx(textbook, rel=1e-9)


@quick
@given(st.floats(-0.2, 0.5), st.floats(-0.1, 0.5), horizons)
def test_discounting_real_money_equals_discounting_inflated_money(
    nominal: float, inflation: float, years: int
) -> None:
    """Proves: Fisher's rate. Sensitivity: nominal minus inflation is 3 % off at 8 % and 3.5 %."""
    inflated = [(1 + inflation) ** year for year in range(years + 1)]
    constant = npv(real_rate(nominal, inflation), [1.0] * (years + 1))
    assert constant == pytest.approx(npv(nominal, inflated), rel=1e-9)


# --- renewals and annual cost ------------------------------------------------------------------


def test_net_present_cost_of_homers_generator() -> None:
    """Proves: renewals every 3.52 years at half price, linear residual, running costs.

    HOMER prints 725,240 from a table with rounded columns; the exact sum is 725,245.
    Sensitivity: renewals moved to whole years change it by 1 %, no residual by 1.4 %.
    """
    running = 2_471.0 + 34_969.0
    capital = present_cost(96_000.0, 3.52, 0.06, 25, 0.5)
    total = capital + running * present_value_factor(0.06, 25)
    assert total == pytest.approx(725_240.0, rel=1e-5)

    yearly = annual_cost(96_000.0, 3.52, 0.06, 25, replacement_fraction=0.5) + running
    assert yearly * present_value_factor(0.06, 25) == pytest.approx(725_240.0, rel=1e-5)


def test_residual_value_of_homers_turbine() -> None:
    # 10,000 with a life of 25 years after 20 years: 5/25.
    assert residual_value(10_000.0, 25, 20) == pytest.approx(2_000.0)


def test_residual_value_by_hand() -> None:
    # Life 10, project 25: renewed at 10 and 20, the last unit has 5 of 10 years left.
    assert residual_value(100.0, 10, 25, 0.6) == pytest.approx(30.0)
    assert residual_value(100.0, 10, 30, 0.6) == 0.0
    assert residual_value(100.0, math.inf, 30, 0.6) == 100.0


def test_replacement_dates() -> None:
    assert replacement_years(10, 25) == (10, 20)
    assert replacement_years(12.5, 25) == (12.5,)
    assert replacement_years(25, 25) == ()
    assert replacement_years(30, 25) == ()
    assert replacement_years(math.inf, 25) == ()
    assert replacement_years(25 / 3 * (1 - 1e-12), 25) == pytest.approx((25 / 3, 50 / 3))
    # 45 * 1.4 is 62.99999999999999 in floating point.
    assert replacement_years(1.4, 64)[44] == 63.0


def test_annual_cost_by_hand() -> None:
    """Proves: the three methods on numbers for a pocket calculator (rate 0: no discounting).

    Sensitivity: project 25, life 10, price 100, renewal 60 %: 100 + 60 + 60 - 30 = 190 over 25
    years; without residual 220; life-time and straight line 100 / 10.
    """
    assert annual_cost(100.0, 10, 0.0, 25, replacement_fraction=0.6) == pytest.approx(7.6)
    assert annual_cost(
        100.0, 10, 0.0, 25, replacement_fraction=0.6, salvage=False
    ) == pytest.approx(8.8)
    assert annual_cost(100.0, 10, 0.0, 25, "lifetime") == pytest.approx(10.0)
    assert annual_cost(100.0, 10, 0.06, 25, "straight_line") == pytest.approx(10.0)
    # 10 % over 10 years, printed 0.16275.
    assert annual_cost(1000.0, 10, 0.10, 25, "lifetime") == pytest.approx(162.75, abs=0.005)
    # What never wears out costs its interest, by either way of counting.
    assert annual_cost(100.0, math.inf, 0.06, 25) == pytest.approx(6.0)
    assert annual_cost(100.0, math.inf, 0.06, 25, "lifetime") == pytest.approx(6.0)


@quick
@given(money, rates, horizons, st.integers(1, 4), st.booleans())
def test_project_equals_lifetime_when_the_project_is_whole_lives(
    capex: float, rate: float, life: int, lives: int, salvage: bool
) -> None:
    """Proves: renewal chains. Sensitivity: one renewal more or less breaks every example."""
    project = annual_cost(capex, life, rate, life * lives, "project", salvage=salvage)
    assert project == pytest.approx(annual_cost(capex, life, rate, 1, "lifetime"), rel=1e-10)


@quick
@given(money, lifetimes, rates, horizons, fractions, st.floats(0.1, 10.0))
def test_annual_cost_scales_and_residual_never_adds(
    capex: float, life: float, rate: float, project: int, fraction: float, factor: float
) -> None:
    cost = annual_cost(capex, life, rate, project, replacement_fraction=fraction)
    scaled = annual_cost(factor * capex, life, rate, project, replacement_fraction=fraction)
    without = annual_cost(capex, life, rate, project, replacement_fraction=fraction, salvage=False)
    assert scaled == pytest.approx(factor * cost, rel=1e-9, abs=1e-9)
    assert without >= cost * (1 - 1e-12)
    if life < project and fraction == 0:
        assert without == pytest.approx(cost, rel=1e-12)


@quick
@given(money, rates, st.integers(2, 30), fractions)
def test_cost_does_not_jump_where_a_renewal_falls_on_the_end(
    capex: float, rate: float, project: int, fraction: float
) -> None:
    """Proves: a unit bought just before the end comes back almost whole.

    Sensitivity: with residual by the price of the first unit the jump is the unpaid share.
    """
    ends = [
        annual_cost(capex, project * (1 + shift), rate, project, replacement_fraction=fraction)
        for shift in (-1e-7, 1e-7)
    ]
    assert ends[0] == pytest.approx(ends[1], rel=1e-5)


# --- net present value and rates of return -----------------------------------------------------


def test_npv_matches_printed_examples() -> None:
    # numpy-financial, documentation of npv.
    assert npv(0.08, [-40_000, 5_000, 8_000, 12_000, 30_000]) == pytest.approx(
        3065.22267, abs=0.5e-5
    )
    # numpy-financial, test_npv_decimal.
    flows = [-15_000, 1_500, 2_500, 3_500, 4_500, 6_000]
    assert npv(0.05, flows) == pytest.approx(122.894854950942692, rel=1e-12)
    # Excel counts from year 1: the printed 1,188.44 is one year's discount below ours.
    assert npv(0.10, [-10_000, 3_000, 4_200, 6_800]) / 1.10 == pytest.approx(1188.44, abs=0.005)
    # Franchise L at 8 %.
    assert npv(0.08, FRANCHISE_L) == pytest.approx(24.21, abs=0.005)


def test_npv_with_dates() -> None:
    # 121 after two years at 10 % are worth 100, wherever the payment stands in the list.
    assert npv(0.10, [121.0, -60.0, -40.0], [2.0, 0.0, 0.0]) == pytest.approx(0.0, abs=1e-12)
    assert npv(0.21, [11.0], [0.5]) == pytest.approx(10.0)


@pytest.mark.parametrize(
    ("flows", "printed", "digits"),
    [
        (EXCEL_IRR[:5], -0.021, 3),
        (EXCEL_IRR, 0.087, 3),
        (EXCEL_IRR[:3], -0.444, 3),
        (FRANCHISE_L, 0.1813, 4),
        (FRANCHISE_S, 0.2356, 4),
        ([-250_000, 100_000, 150_000, 200_000, 250_000, 300_000], 0.5672303344358536, 15),
        ([-100, 39, 59, 55, 20], 0.28095, 5),
        ([-100, 0, 0, 74], -0.0955, 4),
        ([-100, 100, 0, 7], 0.06206, 5),
        # numpy-financial issue 44: the cost in the last year adds a second root near -1.
        (
            [-1678.87, 771.96, 1814.05, 3520.30, 3552.95, 3584.99, 4789.91, -1],
            1.00426,
            4,
        ),
    ],
)
def test_irr_matches_printed_examples(flows: list[float], printed: float, digits: int) -> None:
    found = irr(flows)
    assert found.rate == pytest.approx(printed, abs=0.5 * 10.0**-digits + 1e-14)
    assert found.reason == ""
    assert found.rate in found.roots


def test_irr_finds_the_four_roots_of_ross_westerfield_jaffe() -> None:
    """Proves: every root is found. Sensitivity: a solver with a guess returns one of the four."""
    found = irr([-252, 1431, -3035, 2850, -1000])
    assert found.roots == pytest.approx((1 / 4, 1 / 3, 3 / 7, 2 / 3), rel=1e-6)
    assert math.isnan(found.rate)
    assert found.reason == (
        "The net present value is zero at several rates: 0.25, 0.3333, 0.4286, 0.6667."
    )


def test_irr_without_an_answer_says_why() -> None:
    for flows in ([100.0, 20.0], [-1.0, 0.0, -5.0], [0.0, 0.0]):
        found = irr(flows)
        assert math.isnan(found.rate)
        assert found.roots == ()
        assert found.reason == "All payments have one sign: nothing is paid back."
    # 1 - 2x + 2x^2 has no real zero: two changes of sign, no rate.
    found = irr([1.0, -2.0, 2.0])
    assert (math.isnan(found.rate), found.roots) == (True, ())
    assert found.reason == "The net present value is not zero at any rate above -1."


def test_irr_of_a_double_root_and_of_a_loan() -> None:
    # -(1 - 1.1 x)^2: touches zero at 10 % and never crosses it.
    assert irr([-1.0, 2.2, -1.21]).roots == pytest.approx((0.10,), abs=1e-5)
    # 100 now for 110 in a year: a loan at 10 %.
    assert irr([100.0, -110.0]).rate == pytest.approx(0.10)


def test_irr_with_dates() -> None:
    # 100 doubled after half a year: factor 4 a year. Order and equal dates do not matter.
    assert irr([200.0, -60.0, -40.0], [0.5, 0.0, 0.0]).rate == pytest.approx(3.0)
    # Neighbouring floating-point dates and an absurd return are no trouble.
    assert irr([-1.0, 3.0, -1.0], [0.0, 3.0, math.nextafter(3.0, 4.0)]).rate == pytest.approx(
        2.0 ** (1 / 3) - 1
    )
    assert irr([-1.0, 10.0], [0.0, 0.001]).rate == math.inf


@quick
@given(
    st.floats(0.0, 1.0),
    st.lists(st.floats(0.1, 100.0), min_size=1, max_size=30),
)
def test_irr_gives_back_the_rate_that_made_the_flows(rate: float, incomes: list[float]) -> None:
    outlay = npv(rate, [0.0, *incomes])
    assert irr([-outlay, *incomes]).rate == pytest.approx(rate, abs=1e-9)


@quick
@given(st.lists(st.integers(-100, 100), min_size=2, max_size=12))
def test_irr_finds_every_crossing(flows: list[int]) -> None:
    """Proves: no crossing on a fine grid of rates lies outside the neighbourhood of a root."""
    found = irr(flows)
    for root in found.roots:
        scale = npv(root, [abs(flow) for flow in flows])
        assert abs(npv(root, flows)) <= 1e-6 * scale
    grid = [math.expm1(-2.0 + 0.01 * step) for step in range(400)]
    signs = [npv(rate, flows) for rate in grid]
    for low, high, left, right in zip(grid, grid[1:], signs, signs[1:], strict=False):
        if min(abs(left), abs(right)) > 1e-6 * npv(low, [abs(flow) for flow in flows]):
            crossed = (left > 0) != (right > 0)
            inside = sum(low < root < high for root in found.roots)
            assert inside % 2 == crossed


@pytest.mark.parametrize(
    ("flows", "finance_rate", "reinvest_rate", "printed", "digits"),
    [
        (EXCEL_MIRR, 0.10, 0.12, 0.126094, 6),
        (EXCEL_MIRR, 0.10, 0.12, 0.13, 2),
        (EXCEL_MIRR[:4], 0.10, 0.12, -0.05, 2),
        (EXCEL_MIRR, 0.10, 0.14, 0.13, 2),
        ([-4500, -800, 800, 800, 600, 600, 800, 800, 700, 3000], 0.08, 0.055, 0.0665971750, 10),
        ([100, 200, -50, 300, -200], 0.05, 0.06, 0.3428, 4),
    ],
)
def test_mirr_matches_printed_examples(
    flows: list[float], finance_rate: float, reinvest_rate: float, printed: float, digits: int
) -> None:
    found = mirr(flows, finance_rate, reinvest_rate)
    assert found == pytest.approx(printed, abs=0.51 * 10.0**-digits)


def test_mirr_without_an_answer_and_with_dates() -> None:
    assert math.isnan(mirr([39_000, 30_000], 0.10, 0.12))
    assert math.isnan(mirr([-1.0, -2.0], 0.10, 0.12))
    assert math.isnan(mirr([-1.0, 2.0], 0.10, 0.12, [0.0, 0.0]))
    # One payment each way: the rates do not matter, 100 -> 400 in two years is 100 % a year.
    assert mirr([400.0, -100.0], 0.3, 0.7, [2.0, 0.0]) == pytest.approx(1.0)


@quick
@given(st.lists(st.floats(0.1, 100.0), min_size=1, max_size=20), st.floats(0.5, 500.0))
def test_mirr_at_the_irr_is_the_irr(incomes: list[float], outlay: float) -> None:
    rate = irr([-outlay, *incomes]).rate
    assert mirr([-outlay, *incomes], rate, rate) == pytest.approx(rate, rel=1e-7, abs=1e-9)


# --- payback and levelised cost ----------------------------------------------------------------


def test_payback_matches_printed_examples() -> None:
    assert payback_years(FRANCHISE_L) == pytest.approx(2.375)
    assert payback_years(FRANCHISE_S) == pytest.approx(1.6)
    # By hand at 10 %: L has 100 - 9.091 - 49.587 = 41.322 open before 60.105 come in year 3.
    assert payback_years(FRANCHISE_L, 0.10) == pytest.approx(2.0 + 41.3223 / 60.1052, abs=1e-5)


def test_payback_at_the_edges() -> None:
    assert payback_years([-100.0, 40.0, 40.0]) == math.inf
    assert payback_years([0.0, 10.0]) == 0.0
    assert payback_years([-100.0, 0.0, 100.0]) == 2.0
    # A battery bought again in year 3 opens the gap once more; the first date counts.
    assert payback_years([-100.0, 80.0, 80.0, -150.0, 80.0]) == pytest.approx(1.25)
    # 6 * 0.1 falls short of 0.6 by rounding alone.
    assert payback_years([-0.6, *[0.1] * 6]) == 6.0
    # Dates: 100 open, 50 after half a year, 100 after one and a half.
    assert payback_years([100.0, -100.0, 50.0], 0.0, [1.5, 0.0, 0.5]) == pytest.approx(1.0)


@quick
@given(money, rates, horizons, st.floats(0.05, 0.95))
def test_discounted_payback_of_a_constant_saving(
    capex: float, rate: float, years: int, part: float
) -> None:
    """Proves: what a saving earns in n years is paid back after n years, and later if discounted."""
    saving = capex * capital_recovery_factor(rate, years)
    flows = [-capex, *[saving] * (years + 1)]
    assert payback_years(flows, rate) == pytest.approx(years, rel=1e-7)
    assert payback_years([-capex * part, *flows[1:]], rate) < years
    assert payback_years(flows) <= payback_years(flows, rate) * (1 + 1e-9)


def test_lcoe_by_hand() -> None:
    # 1000 over 10 years at 10 % (162.75 a year) and 37.25 to run, for 400 kWh a year: 0.50.
    yearly = annual_cost(1000.0, 10, 0.10, 10) + 37.25
    assert lcoe(yearly, 400.0) == pytest.approx(0.50, abs=2e-5)


@quick
@given(money, lifetimes, rates, horizons, st.floats(1.0, 1e6))
def test_energy_sold_at_its_levelised_cost_earns_nothing(
    capex: float, life: float, rate: float, years: int, energy_kwh: float
) -> None:
    price = lcoe(annual_cost(capex, life, rate, years), energy_kwh)
    flows = cash_flows([Investment(capex, life)], [], price * energy_kwh, years)
    size = sum(abs(amount) for amount in flows.net)
    assert npv(rate, flows.net, flows.years) == pytest.approx(0.0, abs=1e-9 * size)


# --- a plan against its reference --------------------------------------------------------------


def test_cash_flows_by_hand() -> None:
    """Proves: dates and signs of the four kinds on a project of 5 years.

    Plan: 100 with a life of 2.5 years, renewed at 60 %, and 30 that lasts 6 years. The reference
    buys a boiler of 20 with a life of 4 years. The plan saves 40 a year.
    Sensitivity: the reference's renewal in year 4 is a gain of 20, its residual of 15 a loss.
    """
    flows = cash_flows(
        [Investment(100.0, 2.5, 0.6), Investment(30.0, 6)], [Investment(20.0, 4)], 40.0, 5
    )
    assert list(flows.years) == [0, 1, 2, 2.5, 3, 4, 5]
    assert list(flows.investment) == [-110, 0, 0, 0, 0, 0, 0]
    assert list(flows.saving) == [0, 40, 40, 0, 40, 40, 40]
    assert list(flows.replacement) == [0, 0, 0, -60, 0, 20, 0]
    assert flows.residual == pytest.approx((0, 0, 0, 0, 0, 0, 5 - 15))
    assert flows.net == pytest.approx((-110, 40, 40, -60, 40, 60, 30))
    assert flows.net_by_year == pytest.approx((-110, 40, 40, -20, 60, 30))

    bare = cash_flows([Investment(30.0, 6)], [], [1.0, 2.0, 3.0], 3, salvage=False)
    assert bare == CashFlows(
        years=(0, 1, 2, 3),
        investment=(-30, 0, 0, 0),
        saving=(0, 1, 2, 3),
        replacement=(0, 0, 0, 0),
        residual=(0, 0, 0, 0),
    )


investments = st.lists(st.builds(Investment, st.floats(0.0, 1e6), lifetimes, fractions), max_size=4)


@quick
@given(investments, investments, st.floats(-1e5, 1e5), horizons, rates, st.booleans())
def test_npv_of_the_flows_is_the_difference_of_annual_costs(
    plan: list[Investment],
    reference: list[Investment],
    saving: float,
    years: int,
    rate: float,
    salvage: bool,
) -> None:
    """Proves: NPV = -(annual cost of the plan - that of the reference) / CRF, to rounding.

    Sensitivity: any date, residual or price that one side counts differently breaks it.
    """

    def per_year(items: list[Investment]) -> float:
        return sum(
            annual_cost(
                item.capex,
                item.lifetime_years,
                rate,
                years,
                replacement_fraction=item.replacement_fraction,
                salvage=salvage,
            )
            for item in items
        )

    flows = cash_flows(plan, reference, saving, years, salvage=salvage)
    difference = per_year(plan) - per_year(reference) - saving
    expected = -difference / capital_recovery_factor(rate, years)
    size = sum(abs(amount) for amount in flows.net) + sum(i.capex for i in (*plan, *reference))
    assert npv(rate, flows.net, flows.years) == pytest.approx(expected, abs=1e-9 * (size + 1.0))


@quick
@given(st.floats(1e3, 1e6), st.integers(2, 30), st.floats(0.02, 0.3))
def test_a_plan_at_its_internal_rate_costs_what_the_reference_costs(
    capex: float, years: int, share: float
) -> None:
    flows = cash_flows([Investment(capex, years)], [], capex * share, years)
    rate = irr(flows.net, flows.years).rate
    assume(abs(rate) < 1.0)
    assert annual_cost(capex, years, rate, years) == pytest.approx(capex * share, rel=1e-7)


# --- refusals ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: capital_recovery_factor(-1.0, 5), "rate = -1.0: must be a finite number above -1"),
        (lambda: present_value_factor(math.nan, 5), "rate = nan: must be a finite number above"),
        (lambda: present_value_factor(math.inf, 5), "rate = inf: must be a finite number above"),
        (lambda: capital_recovery_factor(0.05, 0), "years = 0: must be > 0."),
        (lambda: capital_recovery_factor(0.05, -3), "years = -3: must be > 0."),
        (lambda: capital_recovery_factor(0.05, math.nan), "years = nan: must be > 0."),
        (lambda: real_rate(0.05, -1.0), "inflation = -1.0: must be a finite number above -1"),
        (lambda: replacement_years(0.0, 20), "lifetime_years = 0.0: must be > 0."),
        (
            lambda: annual_cost(1.0, 5, 0.05, math.inf),
            "project_years = inf: must be > 0 and finite.",
        ),
        (lambda: annual_cost(math.nan, 5, 0.05, 20), "capex = nan: must be finite."),
        (
            lambda: annual_cost(1.0, 5, 0.05, 20, replacement_fraction=-0.1),
            "replacement_fraction = -0.1: must be finite and >= 0.",
        ),
        (
            lambda: annual_cost(1.0, 5, 0.05, 20, "lifetime", replacement_fraction=0.5),
            "replacement_fraction = 0.5: method 'lifetime' renews at full price, so it must be 1",
        ),
        (
            lambda: annual_cost(1.0, 5, 0.05, 20, "annuity"),  # type: ignore[arg-type]
            "method = 'annuity': must be one of project, lifetime, straight_line.",
        ),
        (lambda: lcoe(1.0, 0.0), "annual_energy_kwh = 0.0: must be > 0 and finite."),
        (lambda: npv(0.05, []), "0 cash flows and 0 years: give at least one payment"),
        (lambda: npv(0.05, [1.0, 2.0], [0.0]), "2 cash flows and 1 years: give at least one"),
        (lambda: irr([-1.0, math.nan]), "cash_flows = nan: must be finite."),
        (lambda: payback_years([-1.0, 2.0], 0.0, [0.0, -1.0]), "years = -1.0: must be finite and"),
        (lambda: cash_flows([], [], 1.0, 0), "project_years = 0: must be a whole number >= 1."),
        (
            lambda: cash_flows([], [], 1.0, math.inf),  # type: ignore[arg-type]
            "project_years = inf: must be a whole number >= 1.",
        ),
        (lambda: cash_flows([], [], [1.0], 2), "yearly_saving has 1 values: give one, or 2."),
        (lambda: cash_flows([], [], math.nan, 2), "yearly_saving = nan: must be finite."),
    ],
)
def test_refusals_name_the_value_and_what_is_allowed(
    call: Callable[[], object], message: str
) -> None:
    with pytest.raises(ValueError, match=r".+") as caught:
        call()
    assert str(caught.value).startswith(message)
