"""Deductions against printed tables, textbook schedules and hand-solved edge cases.

Sources of the printed values:

- Internal Revenue Service, Publication 946, How To Depreciate Property, Appendix A, Table A-1: 3-,
  5-, 7-, 10-, 15-, and 20-Year Property, Half-Year Convention.
- 财政部会计资格评价中心, 初级会计实务: fixed asset of 1 000 000 with a residual value of 4 000 over 5
  years, double declining balance and sum of years' digits.
- Sun Microsystems, OpenWindows User's Guide, chapter Calculator: examples of Ddb, Sln and Syd
  (machine of 8 000, salvage value 900, 6 years).
- Microsoft, Excel functions: SLN and SYD (30 000, salvage value 7 500, 10 years).
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest

from microgrid_opt.finance import capital_recovery_factor, deductions, npv

if TYPE_CHECKING:
    from collections.abc import Callable

# Per cent of the basis in the years 1, 2, ... as printed.
TABLE_A1 = {
    3: "33.33 44.45 14.81 7.41",
    5: "20.00 32.00 19.20 11.52 11.52 5.76",
    7: "14.29 24.49 17.49 12.49 8.93 8.92 8.93 4.46",
    10: "10.00 18.00 14.40 11.52 9.22 7.37 6.55 6.55 6.56 6.55 3.28",
    15: "5.00 9.50 8.55 7.70 6.93 6.23 5.90 5.90 5.91 5.90 5.91 5.90 5.91 5.90 5.91 2.95",
    20: (
        "3.750 7.219 6.677 6.177 5.713 5.285 4.888 4.522 4.462 4.461 4.462 4.461 4.462 4.461 4.462 "
        "4.461 4.462 4.461 4.462 4.461 2.231"
    ),
}


def amounts(price: float, shares: tuple[float, ...]) -> list[float]:
    return [price * share for share in shares]


# --- MACRS -------------------------------------------------------------------------------------


@pytest.mark.parametrize("years", TABLE_A1)
def test_macrs_is_table_a1_digit_for_digit(years: int) -> None:
    """Proves: every printed percentage of six columns, with its number of decimals.

    Sensitivity: without rounding year by year 44.45, 8.93 and 6.56 come out as 44.44, 8.92 and
    6.55; with halves rounded to even, 6.93 as 6.92.
    """
    printed = TABLE_A1[years].split()
    decimals = len(printed[0].partition(".")[2])
    found = [f"{100 * share:.{decimals}f}" for share in deductions("macrs", years)]
    assert found == printed
    assert math.fsum(deductions("macrs", years)) == pytest.approx(1.0, abs=1e-15)


@pytest.mark.parametrize("years", TABLE_A1)
def test_macrs_stays_within_rounding_of_exact_fractions(years: int) -> None:
    """Proves: the rule behind the table, in exact arithmetic and without rounding.

    Sensitivity: the other multiple of the straight-line rate or no half year is off by > 1 %.
    """
    rate = Fraction(2 if years <= 10 else Fraction(3, 2)) / years
    half = Fraction(1, 2)
    book, left, exact = Fraction(1), Fraction(years), []
    while left > 0:
        part = half if left in {years, half} else Fraction(1)
        exact.append(min(book, max(rate * part, part / left) * book))
        book -= exact[-1]
        left -= part
    unit = 1e-5 if years == 20 else 1e-4
    assert deductions("macrs", years) == pytest.approx([float(share) for share in exact], abs=unit)


def test_macrs_with_bonus_by_hand() -> None:
    # 40 % at once, 60 % by the table of 5 years: 40 + 12, 19.2, 11.52, 6.912, 6.912, 3.456.
    assert deductions("macrs", 5, bonus_fraction=0.4) == pytest.approx(
        (0.52, 0.192, 0.1152, 0.06912, 0.06912, 0.03456), rel=1e-12
    )
    assert deductions("macrs", 5, bonus_fraction=1.0) == (1.0, 0.0, 0.0, 0.0, 0.0, 0.0)


# --- declining balance and digits --------------------------------------------------------------


def test_chinese_textbook_schedules() -> None:
    """Proves: both accelerated methods of the Chinese rule on its standard example.

    Sensitivity: a declining balance that runs to the end gives 86 400 and 125 600 in years 4 and 5;
    one on the price less the residual value starts with 398 400.
    """
    declining = deductions("double_declining_balance", 5, residual_fraction=0.004)
    assert amounts(1e6, declining) == pytest.approx([400e3, 240e3, 144e3, 106e3, 106e3], abs=1e-6)
    digits = deductions("sum_of_years_digits", 5, residual_fraction=0.004)
    assert amounts(1e6, digits) == pytest.approx([332e3, 265.6e3, 199.2e3, 132.8e3, 66.4e3])


def test_calculator_examples() -> None:
    residual = 900 / 8000
    declining = deductions("double_declining_balance", 6, residual_fraction=residual)
    assert amounts(8000, declining)[3] == pytest.approx(790.12, abs=0.005)
    digits = deductions("sum_of_years_digits", 6, residual_fraction=residual)
    assert amounts(8000, digits)[3] == pytest.approx(1014.29, abs=0.005)
    straight = deductions("straight_line", 6, residual_fraction=residual)
    assert amounts(8000, straight) == pytest.approx([1183.33] * 6, abs=0.005)


def test_spreadsheet_examples() -> None:
    straight = deductions("straight_line", 10, residual_fraction=0.25)
    assert amounts(30_000, straight) == pytest.approx([2250.0] * 10)
    digits = amounts(30_000, deductions("sum_of_years_digits", 10, residual_fraction=0.25))
    assert (digits[0], digits[9]) == pytest.approx((4090.91, 409.09), abs=0.005)


def test_declining_balance_stops_at_the_residual_value() -> None:
    """Proves: nothing is deducted below the residual value, and nothing is given back.

    At 40 % a year 100 falls to 60 and 36; with a residual value of 50 the second year takes the 10
    that are left. Sensitivity: without the limit the last two years would be -14 each.
    """
    found = deductions("double_declining_balance", 5, residual_fraction=0.5)
    assert found == pytest.approx((0.4, 0.1, 0.0, 0.0, 0.0), abs=1e-15)


def test_declining_balance_of_short_lives() -> None:
    assert deductions("double_declining_balance", 1, residual_fraction=0.05) == (0.95,)
    assert deductions("double_declining_balance", 2, residual_fraction=0.1) == (0.45, 0.45)
    # 2/3 of the price, then two halves of what is left above 0.1.
    assert deductions("double_declining_balance", 3, residual_fraction=0.1) == pytest.approx(
        (2 / 3, 7 / 60, 7 / 60)
    )


def test_bonus_and_residual_value_together_by_hand() -> None:
    # 20 % at once; straight line: 80 - 5 over 3 years; digits: 75 by 3/6, 2/6, 1/6.
    both = {"bonus_fraction": 0.2, "residual_fraction": 0.05}
    assert deductions("straight_line", 3, **both) == pytest.approx((0.45, 0.25, 0.25))
    assert deductions("sum_of_years_digits", 3, **both) == pytest.approx((0.575, 0.25, 0.125))
    # Declining at 50 % of 80 and 40, then (20 - 5) / 2 twice.
    assert deductions("double_declining_balance", 4, **both) == pytest.approx(
        (0.6, 0.2, 0.075, 0.075)
    )


def test_immediate_deducts_all_in_year_1() -> None:
    assert deductions("immediate", 1) == (1.0,)
    assert deductions("immediate", 17, bonus_fraction=0.3) == (1.0,)


def test_present_value_of_straight_line_by_hand() -> None:
    # 10 % over 10 years: 0.1 a year is worth 0.1 / 0.16275 (printed annuity) = 0.61446.
    value = npv(0.10, [0.0, *deductions("straight_line", 10)])
    assert value == pytest.approx(0.61446, abs=5e-6)
    assert value == pytest.approx(0.1 / capital_recovery_factor(0.10, 10), rel=1e-12)


# --- refusals ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: deductions("units", 5),  # type: ignore[arg-type]
            "method = 'units': must be one of straight_line, macrs, double_declining_balance, "
            "sum_of_years_digits, immediate.",
        ),
        (lambda: deductions("straight_line", 0), "years = 0: must be a whole number >= 1."),
        (lambda: deductions("immediate", -1), "years = -1: must be a whole number >= 1."),
        (
            lambda: deductions("straight_line", 2.5),  # type: ignore[arg-type]
            "years = 2.5: must be a whole number >= 1.",
        ),
        (
            lambda: deductions("straight_line", math.inf),  # type: ignore[arg-type]
            "years = inf: must be a whole number >= 1.",
        ),
        (
            lambda: deductions("macrs", 6),
            "years = 6: method 'macrs' has classes of 3, 5, 7, 10, 15, 20 years.",
        ),
        (
            lambda: deductions("macrs", 5, residual_fraction=0.05),
            "residual_fraction = 0.05: method 'macrs' deducts all of the basis, so it must be 0.",
        ),
        (
            lambda: deductions("immediate", 1, residual_fraction=0.05),
            "residual_fraction = 0.05: method 'immediate' deducts all of the basis, so it must",
        ),
        (
            lambda: deductions("macrs", 5, bonus_fraction=1.2),
            "bonus_fraction = 1.2: must be between 0 and 1 (0.4 is 40 %).",
        ),
        (
            lambda: deductions("macrs", 5, bonus_fraction=-0.1),
            "bonus_fraction = -0.1: must be finite and >= 0.",
        ),
        (
            lambda: deductions("straight_line", 5, residual_fraction=math.nan),
            "residual_fraction = nan: must be finite and >= 0.",
        ),
        (
            lambda: deductions("straight_line", 5, bonus_fraction=0.5, residual_fraction=0.6),
            "residual_fraction = 0.6: must be between 0 and 0.5, which is 1 minus bonus_fraction.",
        ),
    ],
)
def test_refusals_name_the_value_and_what_is_allowed(
    call: Callable[[], object], message: str
) -> None:
    with pytest.raises(ValueError, match=r".+") as caught:
        call()
    assert str(caught.value).startswith(message)
