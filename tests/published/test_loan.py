"""Repayments against printed schedules, numpy-financial and hand-solved edge cases.

Sources of the printed values:

- Microsoft, Excel functions: IPMT (8 000 at 10 %, 3 years) and PPMT (200 000 at 8 %, 10 years).
- Microsoft, DAX functions: ISPMT, table of a loan with even principal (4 000 at 10 %, 4 years).
- numpy-financial 1.0.0: documentation example of pmt (200 000 at 7.5 % over 180 months).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import numpy_financial as npf
import pytest

from microgrid_opt.finance import Loan, capital_recovery_factor, npv, repayments

if TYPE_CHECKING:
    from collections.abc import Callable


# --- printed values ----------------------------------------------------------------------------


def test_annuity_matches_printed_examples() -> None:
    """Proves: split of an equal payment. Sensitivity: payments at the start of the year are 9 % off."""
    assert repayments(8_000, 0.10, 3).interest[2] == pytest.approx(292.45, abs=0.005)
    assert repayments(200_000, 0.08, 10).principal[9] == pytest.approx(27_598.05, abs=0.005)
    # The functions count periods; months with a monthly rate do as well as years.
    monthly = repayments(200_000, 0.075 / 12, 180)
    assert monthly.service == pytest.approx([1854.0247200054619] * 180, rel=1e-12)
    assert repayments(8_000, 0.10 / 12, 36).interest[0] == pytest.approx(66.67, abs=0.005)


def test_equal_principal_matches_the_printed_table() -> None:
    loan = repayments(4_000, 0.10, 4, repayment="equal_principal")
    assert loan.interest == pytest.approx((400, 300, 200, 100))
    assert loan.principal == pytest.approx((1_000, 1_000, 1_000, 1_000), rel=1e-15)
    assert loan.service == pytest.approx((1_400, 1_300, 1_200, 1_100))


# --- another tool ------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [0.001, 0.035, 0.12, 0.6])
@pytest.mark.parametrize("term", [1, 2, 7, 30])
def test_annuity_matches_numpy_financial(rate: float, term: int) -> None:
    """Proves: ipmt, ppmt and pmt of every year. Sensitivity: a year shifted breaks every term > 1."""
    loan = repayments(1e6, rate, term)
    periods = np.arange(1, term + 1)
    assert loan.interest == pytest.approx(-npf.ipmt(rate, periods, term, 1e6), rel=1e-9, abs=1e-6)
    assert loan.principal == pytest.approx(-npf.ppmt(rate, periods, term, 1e6), rel=1e-9, abs=1e-6)
    assert loan.service == pytest.approx([-npf.pmt(rate, term, 1e6)] * term, rel=1e-12)


@pytest.mark.parametrize("repayment", ["annuity", "equal_principal", "bullet"])
@pytest.mark.parametrize("grace", [0, 3])
def test_internal_rate_of_a_loan_is_its_rate(repayment: str, grace: int) -> None:
    """Proves: by numpy-financial's irr and npv, whatever the repayment.

    Sensitivity: interest on the debt at the end of the year instead of its start lowers the rate.
    """
    loan = repayments(500.0, 0.045, 8, repayment=repayment, grace_years=grace)  # type: ignore[arg-type]
    flows = [-500.0, *loan.service]
    assert npf.irr(flows) == pytest.approx(0.045, abs=1e-9)
    assert npf.npv(0.045, flows) == pytest.approx(0.0, abs=1e-9)


# --- by hand -----------------------------------------------------------------------------------


def test_grace_years_by_hand() -> None:
    """Proves: interest only in the years of grace, then the debt over the years that are left.

    120 at 10 %, 4 years, 1 of grace, equal principal: 12; then 40 a year and 12, 8, 4 of interest.
    Sensitivity: a term without its years of grace would end in year 5.
    """
    loan = repayments(120.0, 0.10, 4, repayment="equal_principal", grace_years=1)
    assert loan.principal == pytest.approx((0, 40, 40, 40))
    assert loan.interest == pytest.approx((12, 12, 8, 4))

    annuity = repayments(120.0, 0.10, 4, grace_years=2)
    # 120 over two years at 10 %: 120 / (1/1.1 + 1/1.21) = 69.142857 a year.
    assert annuity.service == pytest.approx((12, 12, 69.142857142857, 69.142857142857))
    assert annuity.interest == pytest.approx((12, 12, 12, 69.142857142857 / 11))


def test_bullet_pays_all_at_the_end() -> None:
    loan = repayments(100.0, 0.05, 3, repayment="bullet")
    assert loan.interest == pytest.approx((5, 5, 5))
    assert loan.principal == pytest.approx((0, 0, 100), rel=1e-15)
    assert repayments(100.0, 0.05, 3, repayment="bullet", grace_years=2) == loan


def test_loans_at_the_edges() -> None:
    assert repayments(100.0, 0.0, 4) == Loan((0, 0, 0, 0), (25, 25, 25, 25))
    assert repayments(0.0, 0.05, 2) == Loan((0, 0), (0, 0))
    # With one payment the repayments are the same loan.
    one = [repayments(100.0, 0.06, 1, repayment=name) for name in ("annuity", "equal_principal")]
    assert one[0].service == one[1].service == pytest.approx((106,))


@pytest.mark.parametrize("rate", [-0.02, -0.999, 1e-15, 1e-9, 50.0])
def test_extreme_rates_keep_full_precision(rate: float) -> None:
    """Proves: no overflow, no cancellation, for rates in constant money below 0, too.

    Sensitivity: the textbook formula P = A i / ((1+i)^n - 1) is off by 10 % at 1e-15.
    """
    loan = repayments(1.0, rate, 200)
    assert math.fsum(loan.principal) == pytest.approx(1.0, rel=1e-12)
    payment = capital_recovery_factor(rate, 200)
    assert loan.service == pytest.approx([payment] * 200, rel=1e-9, abs=1e-12)


def test_principal_of_neighbouring_years_grows_with_the_rate() -> None:
    loan = repayments(1_000.0, 0.07, 6)
    ratios = [b / a for a, b in zip(loan.principal, loan.principal[1:], strict=False)]
    assert ratios == pytest.approx([1.07] * 5, rel=1e-12)
    assert npv(0.07, [0.0, *loan.service]) == pytest.approx(1_000.0, rel=1e-12)


# --- refusals ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: repayments(-1.0, 0.05, 3), "amount = -1.0: must be finite and >= 0."),
        (lambda: repayments(math.inf, 0.05, 3), "amount = inf: must be finite and >= 0."),
        (lambda: repayments(1.0, -1.0, 3), "rate = -1.0: must be a finite number above -1"),
        (lambda: repayments(1.0, 0.05, 0), "term_years = 0: must be a whole number >= 1."),
        (
            lambda: repayments(1.0, 0.05, 2.5),  # type: ignore[arg-type]
            "term_years = 2.5: must be a whole number >= 1.",
        ),
        (
            lambda: repayments(1.0, 0.05, math.inf),  # type: ignore[arg-type]
            "term_years = inf: must be a whole number >= 1.",
        ),
        (
            lambda: repayments(1.0, 0.05, 3, grace_years=3),
            "grace_years = 3: must be a whole number from 0 to 2, less than term_years.",
        ),
        (
            lambda: repayments(1.0, 0.05, 3, grace_years=-1),
            "grace_years = -1: must be a whole number from 0 to 2, less than term_years.",
        ),
        (
            lambda: repayments(1.0, 0.05, 3, grace_years=0.5),  # type: ignore[arg-type]
            "grace_years = 0.5: must be a whole number from 0 to 2, less than term_years.",
        ),
        (
            lambda: repayments(1.0, 0.05, 3, repayment="balloon"),  # type: ignore[arg-type]
            "repayment = 'balloon': must be one of annuity, equal_principal, bullet.",
        ),
    ],
)
def test_refusals_name_the_value_and_what_is_allowed(
    call: Callable[[], object], message: str
) -> None:
    with pytest.raises(ValueError, match=r".+") as caught:
        call()
    assert str(caught.value).startswith(message)
