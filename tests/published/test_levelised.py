"""Levelised figures against textbook values, numpy-financial and hand-solved cases.

Sources of the printed values:

- C. S. Park, Contemporary Engineering Economics: compressed-air system, yearly cost of 54 440 that
  grows by 7 % from the second year on, 5 years at 12 %: worth 222 283.
- L. Blank, A. Tarquin, Engineering Economy: maintenance of 1 700 that grows by 11 % from the second
  year on, 6 years at 8 %: factor 5.9559; with 8 000 to buy and 1 300 of salvage worth 17 305.85.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy_financial as npf
import pytest

from microgrid_opt.finance import (
    abatement_cost,
    annual_cost,
    capital_recovery_factor,
    lcoe,
    levelisation_factor,
    levelised_cost,
    npv,
    present_value_factor,
)

if TYPE_CHECKING:
    from collections.abc import Callable


# --- levelisation ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "growth", "rate", "years", "worth", "tolerance"),
    [(54_440.0, 0.07, 0.12, 5, 222_283.0, 1.0), (1.0, 0.11, 0.08, 6, 5.9559, 0.5e-4)],
)
def test_growing_series_are_worth_what_textbooks_print(
    first: float, growth: float, rate: float, years: int, worth: float, tolerance: float
) -> None:
    """Proves: present worth of a geometric gradient, slower and faster than the discount rate.

    Sensitivity: growth that starts a year later or earlier is off by 7 and 11 %.
    """
    # The books give the payment of year 1, here it is the price of year 0.
    constant = first / (1 + growth) * levelisation_factor(growth, rate, years)
    found = constant * present_value_factor(rate, years)
    assert found == pytest.approx(worth, abs=tolerance)
    # Another tool: the same series, payment by payment.
    flows = [0.0, *(first * (1 + growth) ** year for year in range(years))]
    assert found == pytest.approx(npf.npv(rate, flows), rel=1e-12)


def test_modified_machine_of_blank_and_tarquin() -> None:
    maintenance = (
        1_700.0 / 1.11 * levelisation_factor(0.11, 0.08, 6) / (capital_recovery_factor(0.08, 6))
    )
    total = npv(0.08, [8_000.0, 0, 0, 0, 0, 0, -1_300.0]) + maintenance
    assert total == pytest.approx(17_305.85, abs=0.1)


def test_levelisation_by_hand() -> None:
    """Proves: the factor on numbers for a pocket calculator.

    Two years, growth 10 %: without interest the mean of 1.1 and 1.21. At 10 % every payment is
    worth 1, and 2 today is 2 * CRF = 2 * 1.21 / 2.1. Sensitivity: growth from year 2 on gives 1.05
    and 1.0476.
    """
    assert levelisation_factor(0.10, 0.0, 2) == pytest.approx(1.155)
    assert levelisation_factor(0.10, 0.10, 2) == pytest.approx(2.42 / 2.1)
    assert levelisation_factor(0.10, 0.37, 1) == pytest.approx(1.10)
    assert levelisation_factor(0.0, 0.08, 25) == pytest.approx(1.0, rel=1e-14)
    # Degradation of 0.5 % a year without interest: the mean of 0.995 and 0.995^2.
    assert levelisation_factor(-0.005, 0.0, 2) == pytest.approx(0.9925125)


def test_levelisation_matches_pmt_of_numpy_financial() -> None:
    for growth, rate, years in ((0.023, 0.081, 25), (-0.01, 0.05, 20), (0.09, 0.04, 30)):
        worth = npf.npv(rate, [0.0, *((1 + growth) ** year for year in range(1, years + 1))])
        assert levelisation_factor(growth, rate, years) == pytest.approx(
            -npf.pmt(rate, years, worth), rel=1e-11
        )


# --- levelised cost ----------------------------------------------------------------------------


def test_levelised_cost_by_hand() -> None:
    """Proves: costs and quantities are both discounted.

    100 now, 10 a year, 50 units in year 1 and 40 in year 2, at 25 %: costs 100 + 8 + 6.4, units
    40 + 25.6. Sensitivity: units without discounting give 114.4 / 90.
    """
    assert levelised_cost([100, 10, 10], [0, 50, 40], 0.25) == pytest.approx(114.4 / 65.6)
    # Units of year 0 count as they are; proceeds of another product lower the price.
    assert levelised_cost([100, -20], [10, 10], 0.0) == pytest.approx(4.0)


def test_levelised_cost_of_constant_years_is_the_lcoe() -> None:
    yearly = annual_cost(1_000.0, 10, 0.10, 10) + 37.25
    found = levelised_cost([1_000.0, *[37.25] * 10], [0.0, *[400.0] * 10], 0.10)
    assert found == pytest.approx(lcoe(yearly, 400.0), rel=1e-12)
    # 10 % over 10 years, printed annuity 0.16275: 162.75 + 37.25 = 200 for 400 units.
    assert found == pytest.approx(0.50, abs=2e-5)
    assert found == pytest.approx((-npf.pmt(0.10, 10, 1_000.0) + 37.25) / 400.0, rel=1e-12)


def test_sales_at_the_levelised_cost_earn_the_discount_rate() -> None:
    """Proves: by numpy-financial's irr and mirr that the price just pays the costs.

    Sensitivity: 1 % on the price moves the rate of return by more than 0.001.
    """
    costs = [900.0, 20.0, 25.0, 120.0, 30.0, 35.0]
    energy = [0.0, 400.0, 396.0, 392.0, 388.0, 384.0]
    price = levelised_cost(costs, energy, 0.07)
    flows = [price * sold - cost for cost, sold in zip(costs, energy, strict=True)]
    assert npf.irr(flows) == pytest.approx(0.07, abs=1e-9)
    assert npf.mirr(flows, 0.07, 0.07) == pytest.approx(0.07, abs=1e-9)
    dearer = [1.01 * price * sold - cost for cost, sold in zip(costs, energy, strict=True)]
    assert npf.irr(dearer) > 0.071


def test_nominal_and_real_levelised_cost_differ_by_the_levelisation_factor() -> None:
    """Proves: a price that grows with inflation and a constant one sell the same energy.

    Sensitivity: with discounting by the real rate in both, they would be equal.
    """
    real, inflation, years = 0.05, 0.03, 20
    nominal = (1 + real) * (1 + inflation) - 1
    energy = [0.0, *[100.0] * years]
    constant = levelised_cost([1_000.0, *[5.0] * years], energy, real)
    current = levelised_cost(
        [1_000.0, *(5.0 * (1 + inflation) ** year for year in range(1, years + 1))], energy, nominal
    )
    factor = levelisation_factor(inflation, nominal, years)
    assert current == pytest.approx(constant * factor, rel=1e-12)
    assert factor > 1.2


# --- abatement ---------------------------------------------------------------------------------


def test_abatement_cost_by_hand() -> None:
    # 5 000 more for 100 t less: 50 per t; cheaper and cleaner: negative.
    assert abatement_cost(105e3, 100e3, 400e3, 500e3) == pytest.approx(50.0)
    assert abatement_cost(98e3, 100e3, 400e3, 500e3) == pytest.approx(-20.0)
    # Taken from the air: 200 t less than the reference of 100 t.
    assert abatement_cost(30e3, 0.0, -100e3, 100e3) == pytest.approx(150.0)


def test_abatement_cost_is_nan_when_nothing_is_abated() -> None:
    assert math.isnan(abatement_cost(1.0, 2.0, 5.0, 5.0))
    assert math.isnan(abatement_cost(1.0, 2.0, 6.0, 5.0))
    assert math.isnan(abatement_cost(1.0, 2.0, 0.0, 0.0))
    # Rounding of two equal emissions is not abatement; a part in a million is.
    assert math.isnan(abatement_cost(1.0, 0.0, 0.1 + 0.2, 0.3))
    assert math.isnan(abatement_cost(1.0, 0.0, 0.3, 0.1 + 0.2))
    assert abatement_cost(1.0, 0.0, 1e6 - 1.0, 1e6) == pytest.approx(1000.0)


# --- refusals ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: levelisation_factor(-1.0, 0.05, 5),
            "growth = -1.0: must be a finite number above",
        ),
        (
            lambda: levelisation_factor(0.0, math.nan, 5),
            "rate = nan: must be a finite number above",
        ),
        (lambda: levelisation_factor(0.0, 0.05, 0), "years = 0: must be > 0 and finite."),
        (
            lambda: levelisation_factor(1.0, 0.0, 5000),
            "growth = 1.0, rate = 0.0: the worth of 5000 years is beyond the reach of floating",
        ),
        (lambda: levelised_cost([], [], 0.05), "0 costs and 0 quantities: give both for the same"),
        (lambda: levelised_cost([1.0], [1.0, 2.0], 0.05), "1 costs and 2 quantities: give both"),
        (lambda: levelised_cost([math.nan], [1.0], 0.05), "costs = nan: must be finite."),
        (
            lambda: levelised_cost([1.0], [-1.0], 0.05),
            "quantities = -1.0: must be finite and >= 0.",
        ),
        (lambda: levelised_cost([1.0], [0.0], 0.05), "quantities are all 0: nothing is made"),
        (lambda: levelised_cost([1.0], [1.0], -1.0), "rate = -1.0: must be a finite number above"),
        (lambda: abatement_cost(math.nan, 1.0, 1.0, 2.0), "cost = nan: must be finite."),
        (lambda: abatement_cost(1.0, math.inf, 1.0, 2.0), "reference_cost = inf: must be finite."),
        (lambda: abatement_cost(1.0, 1.0, math.nan, 2.0), "co2_kg = nan: must be finite."),
        (
            lambda: abatement_cost(1.0, 1.0, 1.0, math.nan),
            "reference_co2_kg = nan: must be finite.",
        ),
    ],
)
def test_refusals_name_the_value_and_what_is_allowed(
    call: Callable[[], object], message: str
) -> None:
    with pytest.raises(ValueError, match=r".+") as caught:
        call()
    assert str(caught.value).startswith(message)
