"""Terms of an owner: tax on income, depreciation, loan."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from microgrid_opt.fields import Fraction, Frozen, PositiveFraction, Rate, refuse
from microgrid_opt.finance.depreciation import Depreciation, deductions

WholeYears = Annotated[int, Field(ge=1, le=100, strict=True)]


class DepreciationRule(Frozen):
    """How capex is deducted from taxable income."""

    method: Depreciation = "straight_line"
    """Schedule; `macrs` is the US one with the half-year convention."""
    years: WholeYears
    """Years over which it is deducted; the class of `macrs`: 3, 5, 7, 10, 15 or 20."""
    bonus_fraction: Fraction = 0.0
    """Share deducted at once in the first year, the rest by the schedule."""
    residual_fraction: Rate = 0.0
    """Share that is never deducted before the sale."""

    @model_validator(mode="after")
    def _in_a_table(self) -> Self:
        try:
            self.shares()
        except ValueError as error:
            raise refuse("depreciation", f"{error}") from None
        return self

    def shares(self) -> tuple[float, ...]:
        """Return the share of the basis that is deducted in year 1, 2, ..."""
        return deductions(
            self.method,
            self.years,
            bonus_fraction=self.bonus_fraction,
            residual_fraction=self.residual_fraction,
        )


class Tax(Frozen):
    """Tax on income; deductions are worth their tax, since the owner has other income."""

    income_tax_fraction: Rate
    """Tax on each unit of income."""
    depreciation: DepreciationRule
    """How capex is deducted."""


class LoanTerms(Frozen):
    """Loan on the first purchase of everything that is bought."""

    share_fraction: PositiveFraction
    """Share of capex that is borrowed."""
    rate: Rate
    """Nominal interest per year."""
    green_discount: Rate = 0.0
    """What a green loan is cheaper per year, taken off `rate`."""
    term_years: WholeYears
    """Years until it is paid back."""
    repayment: Literal["annuity", "equal_principal", "bullet"] = "annuity"
    """Equal payments, equal principal, or all at the end."""
    grace_years: Annotated[int, Field(ge=0, le=99, strict=True)] = 0
    """First years in which only interest is paid."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.green_discount > self.rate:
            raise refuse(
                "loan", "`green_discount` is more than `rate`: interest would be negative."
            )
        if self.grace_years >= self.term_years:
            raise refuse("loan", "`grace_years` must be shorter than `term_years`.")
        return self

    @property
    def interest(self) -> float:
        """Nominal interest per year after the green discount [1/year]."""
        return self.rate - self.green_discount


class OwnerFinance(Frozen):
    """Terms of one member, instead of those of the park."""

    discount_rate: Rate | None = None
    """Discount rate per year, real or nominal as the park's."""
    tax: Tax | None = None
    """Tax on income."""
    loan: LoanTerms | None = None
    """Loan on what is bought."""
