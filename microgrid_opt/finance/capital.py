r"""What one unit of capex costs its owner: purchase, renewals, residual value, loan, taxes.

All payments are dated and in current (nominal) money; money that comes in is positive. Taxes are
those on the deductions and gains that follow from the purchase, at the owner's rate.

$$ a = \frac{\mathrm{CRF}(r, N)}{1-\tau}\,
   \Bigl(-\sum_j \frac{c_j}{(1+i)^{t_j}}\Bigr), \qquad 1 + i = (1+r)(1+f) $$

With one purchase, no loan and no residual value this is the capital recovery factor times NREL's
project finance factor $\frac{1 - \tau\,\mathrm{PVD}}{1-\tau}$, where $\mathrm{PVD}$ is the present
value of the deductions. A running cost of 1 a year then weighs as much as a capital cost of 1 a year,
since it is deducted from income too.

| symbol | meaning | unit |
|---|---|---|
| $a$ | constant yearly cost before tax that is worth the same, in constant money | 1/year |
| $c_j, t_j$ | payments after tax and their dates | 1, years |
| $r, i, f$ | real and nominal discount rate, inflation | 1/year |
| $\tau$ | tax on income | - |
| $N$ | years that are counted | years |

References
----------
- W. Short, D. J. Packey, T. Holt, NREL/TP-462-5173, 1995, doi 10.2172/35391, after-tax revenue
  requirements and fixed charge rate.
- NREL Annual Technology Baseline 2024, equations and variables: project finance factor.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from microgrid_opt.finance.annuity import (
    capital_recovery_factor,
    replacement_years,
    residual_value,
)
from microgrid_opt.finance.loan import Loan, repayments

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from microgrid_opt.finance.terms import LoanTerms, Tax

Dated = dict[float, float]


@dataclass(frozen=True)
class Purchase:
    """The payments that follow from one unit of capex; see the module's text.

    Parameters
    ----------
    lifetime_years, replacement_fraction
        Life of what is bought, infinite for ever; price of a renewal as a share of capex.
    years
        Years that are counted: the project, or one life.
    rate, inflation
        Real discount rate and growth of prices [1/year].
    tax, loan
        The owner's; ``None`` without.
    """

    lifetime_years: float
    years: float
    replacement_fraction: float = 1.0
    rate: float = 0.0
    inflation: float = 0.0
    tax: Tax | None = None
    loan: LoanTerms | None = None

    @property
    def nominal_rate(self) -> float:
        """Discount rate in current money [1/year]."""
        return (1.0 + self.rate) * (1.0 + self.inflation) - 1.0

    @property
    def tax_rate(self) -> float:
        """Tax on income [-]."""
        return 0.0 if self.tax is None else self.tax.income_tax_fraction

    @cached_property
    def bought(self) -> Mapping[float, float]:
        """Price of the first unit and of its renewals by date."""
        prices = {0.0: 1.0}
        for date in replacement_years(self.lifetime_years, self.years):
            prices[date] = self.replacement_fraction * self._prices(date)
        return prices

    @cached_property
    def residual(self) -> float:
        """Worth of the last unit at the end."""
        real = residual_value(1.0, self.lifetime_years, self.years, self.replacement_fraction)
        return real * self._prices(self.years)

    @cached_property
    def depreciation(self) -> Mapping[float, float]:
        """Deductions from income by date, those of the first unit and of its renewals."""
        return _added((date, amount) for start in self.bought for date, amount in self._of(start))

    @cached_property
    def first_depreciation(self) -> Mapping[float, float]:
        """Deductions of the first unit by date, with what is left of its book value at the end."""
        found = _added(self._of(0.0))
        left = 1.0 - math.fsum(found.values())
        if self.tax is not None and left > 0.0:
            found[self.years] = found.get(self.years, 0.0) + left
        return found

    @cached_property
    def book_value(self) -> float:
        """What has not been deducted at the end, of all that was bought."""
        if self.tax is None:
            return 0.0
        return math.fsum(self.bought.values()) - math.fsum(self.depreciation.values())

    @cached_property
    def interest(self) -> Mapping[float, float]:
        """Interest paid by date."""
        return self._by_year(self._debt.interest)

    @cached_property
    def principal(self) -> Mapping[float, float]:
        """Debt paid back by date; what is open at the end is paid then."""
        found = self._by_year(self._debt.principal)
        left = self.borrowed - math.fsum(found.values())
        if left > 1e-12:
            found[self.years] = found.get(self.years, 0.0) + left
        return found

    @property
    def borrowed(self) -> float:
        """Share of the first price that is borrowed."""
        return 0.0 if self.loan is None else self.loan.share_fraction

    def before_tax(self) -> Dated:
        """Return every payment but taxes, by date."""
        return _added(
            [
                *((date, -price) for date, price in self.bought.items()),
                (0.0, self.borrowed),
                (self.years, self.residual),
                *((date, -amount) for date, amount in self.interest.items()),
                *((date, -amount) for date, amount in self.principal.items()),
            ]
        )

    def taxable(self) -> Dated:
        """Return what the purchase adds to taxable income, by date; deductions are negative."""
        if self.tax is None:
            return {}
        return _added(
            [
                *((date, -amount) for date, amount in self.depreciation.items()),
                *((date, -amount) for date, amount in self.interest.items()),
                (self.years, self.residual - self.book_value),
            ]
        )

    def after_tax(self) -> Dated:
        """Return every payment, taxes included, by date."""
        taxes = ((date, -self.tax_rate * income) for date, income in self.taxable().items())
        return _added([*self.before_tax().items(), *taxes])

    def present_value(self, payments: Mapping[float, float]) -> float:
        """Return the present value of dated payments in current money."""
        return math.fsum(c / (1.0 + self.nominal_rate) ** t for t, c in payments.items())

    @cached_property
    def annual_cost(self) -> float:
        """Constant yearly cost before tax of one unit of capex [1/year]."""
        return -self.equivalent(self.present_value(self.after_tax()))

    def equivalent(self, present_value: float) -> float:
        """Return the constant yearly amount before tax that is worth a present value after tax."""
        crf = capital_recovery_factor(self.rate, self.years)
        return present_value * crf / (1.0 - self.tax_rate)

    def credit(self, *, basis_reduction: float) -> float:
        """Return the yearly worth of one unit of tax credit at the end of year 1 [1/year]."""
        lost = basis_reduction * self.tax_rate * self.present_value(self.first_depreciation)
        return self.equivalent(self.present_value({1.0: 1.0}) - lost)

    def grant(self, *, taxable: bool) -> float:
        """Return the yearly worth of one unit of grant at the purchase [1/year]."""
        taxed = {1.0: 1.0} if taxable else self.first_depreciation
        return self.equivalent(1.0 - self.tax_rate * self.present_value(taxed))

    def _prices(self, date: float) -> float:
        return math.exp(date * math.log1p(self.inflation))

    def _of(self, start: float) -> Iterator[tuple[float, float]]:
        """Yield (date, deduction) of what is bought at a date, as far as they are counted."""
        if self.tax is None:
            return
        for year, share in enumerate(self.tax.depreciation.shares(), start=1):
            if start + year <= self.years:
                yield start + year, share * self.bought[start]

    @cached_property
    def _debt(self) -> Loan:
        loan = self.loan
        if loan is None:
            return Loan((), ())
        return repayments(
            loan.share_fraction,
            loan.interest,
            loan.term_years,
            repayment=loan.repayment,
            grace_years=loan.grace_years,
        )

    def _by_year(self, amounts: tuple[float, ...]) -> Dated:
        return {float(y): a for y, a in enumerate(amounts, start=1) if y <= self.years}


def _added(payments: Iterator[tuple[float, float]] | list[tuple[float, float]]) -> Dated:
    found: dict[float, list[float]] = {}
    for date, amount in payments:
        found.setdefault(float(date), []).append(amount)
    return {date: math.fsum(amounts) for date, amounts in sorted(found.items())}
