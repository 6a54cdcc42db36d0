"""How money at different times is compared: rates, taxes, loans, growth of prices, incentives."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator

from microgrid_opt.fields import (
    AssetName,
    Fraction,
    Frozen,
    Money,
    MoneyPerUnit,
    MoneyPerUnitYear,
    PositiveFraction,
    PositiveRate,
    PricePerUnit,
    Rate,
    SignedRate,
    Size,
    Years,
    refuse,
    require_one,
)
from microgrid_opt.finance.annuity import (
    Method,
    annual_cost,
    capital_recovery_factor,
    real_rate,
)
from microgrid_opt.finance.capital import Purchase
from microgrid_opt.finance.contracts import Contract
from microgrid_opt.finance.levelised import levelisation_factor
from microgrid_opt.finance.terms import LoanTerms, OwnerFinance, Tax, WholeYears
from microgrid_opt.keys import Identifier

if TYPE_CHECKING:
    from collections.abc import Iterator

    from microgrid_opt.horizon import Horizon

Booking = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?$")]
"""What a growth or a tax applies to: ``asset``, ``category`` of the ledger, or ``asset.category``."""
INVESTMENT = "investment"


class Vat(Frozen):
    """Value-added tax: given back where prices include it, borne where they do not."""

    fraction: PositiveRate
    """Rate of the tax on net prices."""
    refunded_on: tuple[Booking, ...] = ()
    """What is priced with the tax, which the owner gets back: `investment`, or assets and categories
    of the ledger (`grid`, `grid.energy_import`)."""
    added_to: tuple[Booking, ...] = ()
    """What is priced without the tax, which the owner has to bear."""

    @model_validator(mode="after")
    def _either(self) -> Self:
        both = set(self.refunded_on) & set(self.added_to)
        if both:
            raise refuse("vat", f"{sorted(both)[0]} is refunded and added: keep one.")
        return self


class TaxCredit(Frozen):
    """Share of the first purchase that is taken off the income tax at the end of year 1."""

    type: Literal["tax_credit"]
    assets: Annotated[tuple[AssetName, ...], Field(min_length=1)]
    """Assets whose purchase counts."""
    fraction: PositiveFraction
    """Share of capex that is credited."""
    basis_reduction_fraction: Fraction = 0.0
    """Share of the credit that cannot be deducted as depreciation; 0.5 in the US."""
    max_amount: Money | None = None
    """Most that is credited altogether; no limit when left out."""


class Grant(Frozen):
    """Share of the first purchase that somebody else pays when it is made."""

    type: Literal["grant"]
    assets: Annotated[tuple[AssetName, ...], Field(min_length=1)]
    """Assets whose purchase counts."""
    fraction: PositiveFraction | None = None
    """Share of capex that is paid."""
    amount_per_unit: MoneyPerUnit | None = None
    """Amount for each unit of new capacity (kW, kWh, ...), instead of `fraction`."""
    size: str = "power"
    """Size whose new capacity counts for `amount_per_unit`: power, energy, ..."""
    taxable: bool = False
    """Whether it is income of year 1; if not, it cannot be deducted as depreciation."""
    max_amount: Money | None = None
    """Most that is paid altogether; no limit when left out."""

    @model_validator(mode="after")
    def _one_base(self) -> Self:
        require_one(self, "fraction", "amount_per_unit")
        return self


class ProductionPayment(Frozen):
    """Payment for each unit that the assets generate."""

    type: Literal["production"]
    assets: Annotated[tuple[AssetName, ...], Field(min_length=1)]
    """Assets whose generation counts."""
    price_per_unit: PricePerUnit
    """Payment for each kWh (or kg) generated."""
    years: WholeYears | None = None
    """How long it is paid; the whole project when left out."""
    indexed: bool = False
    """Whether it grows with inflation."""
    taxable: bool = True
    """Whether it is income."""


class CapacityPayment(Frozen):
    """Payment per year for each unit of capacity in operation."""

    type: Literal["capacity"]
    assets: Annotated[tuple[AssetName, ...], Field(min_length=1)]
    """Assets whose capacity counts."""
    size: str = "power"
    """Size that counts: power, energy, ..."""
    price_per_unit_year: MoneyPerUnitYear
    """Payment for each unit (kW, kWh, ...) and year."""
    years: WholeYears | None = None
    """How long it is paid; the whole project when left out."""
    indexed: bool = False
    """Whether it grows with inflation."""
    taxable: bool = True
    """Whether it is income."""


Incentive = Annotated[
    TaxCredit | Grant | ProductionPayment | CapacityPayment, Field(discriminator="type")
]


class Finance(Frozen):
    """How money at different times is compared."""

    discount_rate: Rate
    """Discount rate per year."""
    project_years: Years
    """Life of the project, over which replacements and residual values are counted."""
    annuity: Method = "project"
    """Yearly cost of capex: `project` (replacements and residual value within the project life),
    `lifetime` (capital recovery over the own life), `straight_line` (capex / life, no interest)."""
    investment_scaling: Literal["auto", "full"] | PositiveFraction = "auto"
    """Share of yearly fixed costs that the horizon carries: `auto` is the horizon's share of a
    year (1 for a calendar year), `full` is 1 for any horizon, or a number."""
    rates: Literal["real", "nominal"] = "real"
    """Whether discount rates are real (of constant money) or nominal."""
    inflation: SignedRate = 0.0
    """Growth of all prices per year."""
    escalation: dict[Booking, SignedRate] = Field(default_factory=dict)
    """Growth of prices per year beyond inflation, by asset, category of the ledger, or both
    (`grid`, `fixed_om`, `grid.energy_import`); the most specific holds."""
    tax: Tax | None = None
    """Tax on income; the plan then minimises the cost before tax that is worth the same."""
    loan: LoanTerms | None = None
    """Loan on what is bought."""
    vat: Vat | None = None
    """Value-added tax."""
    incentives: dict[Identifier, Incentive] = Field(default_factory=dict)
    """Grants, tax credits and payments for production or capacity, each a category of the ledger."""
    third_party: dict[Identifier, Contract] = Field(default_factory=dict)
    """Assets that an investor buys and the host pays for year by year; they split the cash flow and
    leave the plan as it is."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.real_rate <= -1.0 or self.nominal_rate <= -1.0:
            raise refuse("finance", "`discount_rate` and `inflation` leave a rate of -1 or less.")
        if self.project_years % 1 and (not self.is_simple or self.third_party):
            raise refuse(
                "finance",
                "must be whole with inflation, growth, taxes, VAT, loans, incentives or third parties.",
                path=("project_years",),
            )
        for name, incentive in self.incentives.items():
            years = getattr(incentive, "years", None)
            if years is not None and years > self.project_years:
                raise refuse(
                    "finance",
                    f"is more than the project's {self.project_years:g}: give at most these.",
                    path=("incentives", name, "years"),
                )
            if isinstance(incentive, TaxCredit) and self.tax is None:
                raise refuse(
                    "finance",
                    "is a tax credit: give `finance.tax` as well.",
                    path=("incentives", name),
                )
        return self

    @property
    def real_rate(self) -> float:
        """Discount rate in constant money [1/year]."""
        return self._real(self.discount_rate)

    @property
    def nominal_rate(self) -> float:
        """Discount rate in current money [1/year]."""
        return (1.0 + self.real_rate) * (1.0 + self.inflation) - 1.0

    @property
    def is_plain(self) -> bool:
        """Whether capital is priced without taxes and loans."""
        return self.tax is None and self.loan is None

    @property
    def is_simple(self) -> bool:
        """Whether money of all years has the same value but for interest, and nobody else's share."""
        others = self.inflation or self.escalation or self.vat or self.incentives
        return self.is_plain and not others

    @property
    def tax_rate(self) -> float:
        """Tax on income [-]."""
        return 0.0 if self.tax is None else self.tax.income_tax_fraction

    def _real(self, rate: float) -> float:
        return rate if self.rates == "real" else real_rate(rate, self.inflation)

    def of(self, owner: OwnerFinance | None) -> Finance:
        """Return the terms of an owner who has some of their own."""
        if owner is None:
            return self
        own = {name: getattr(owner, name) for name in owner.model_fields_set}
        return self.model_copy(update={k: v for k, v in own.items() if v is not None})

    def rate_of(self, spec: Size) -> float:
        """Return the real discount rate of an investment [1/year]."""
        return self.real_rate if spec.discount_rate is None else self._real(spec.discount_rate)

    def purchase(self, spec: Size) -> Purchase:
        """Return the payments that follow from one unit of a size's capex."""
        rate = self.rate_of(spec)
        life = spec.lifetime_years if spec.lifetime_years is not None else math.inf
        whole = (spec.annuity or self.annuity) == "lifetime" and math.isfinite(life)
        return Purchase(
            lifetime_years=life,
            years=life if whole else self.project_years,
            replacement_fraction=spec.replacement_fraction,
            rate=rate,
            inflation=self.inflation,
            tax=self.tax,
            loan=self.loan,
        )

    def annual_cost_factor(self, spec: Size) -> float:
        """Return the yearly cost of one unit of a size's capex, taxes and loan included [1/year]."""
        if not spec.is_invested or spec.lifetime_years is None:
            return 0.0
        net = self.vat_factor("", INVESTMENT)
        if self.is_plain:
            return net * annual_cost(
                1.0,
                spec.lifetime_years,
                self.rate_of(spec),
                self.project_years,
                method=spec.annuity or self.annuity,
                replacement_fraction=spec.replacement_fraction,
            )
        return net * self.purchase(spec).annual_cost

    def investment_share(self, horizon: Horizon) -> float:
        """Return the share of a year's fixed costs that the horizon carries [-]."""
        if self.investment_scaling == "auto":
            return horizon.year_share
        return 1.0 if self.investment_scaling == "full" else float(self.investment_scaling)

    def growth(self, asset: str, category: str) -> float:
        """Return the yearly growth of a price beyond inflation [1/year]."""
        for key in _most_specific(asset, category):
            if key in self.escalation:
                return self.escalation[key]
        return 0.0

    def vat_factor(self, asset: str, category: str) -> float:
        """Return what a price is for the owner after value-added tax, per unit of it [-]."""
        if self.vat is None:
            return 1.0
        for key in _most_specific(asset, category):
            if key in self.vat.refunded_on:
                return 1.0 / (1.0 + self.vat.fraction)
            if key in self.vat.added_to:
                return 1.0 + self.vat.fraction
        return 1.0

    def worth(self, asset: str, category: str) -> float:
        """Return the constant yearly amount that an amount of the year is worth, per unit [-].

        Capital is priced by `annual_cost_factor`, and incentives by their own rules.
        """
        if category == INVESTMENT or category in self.incentives:
            return 1.0
        growth = self.growth(asset, category)
        level = 1.0
        if growth:
            level = levelisation_factor(growth, self.real_rate, int(self.project_years))
        return level * self.vat_factor(asset, category)

    def payments_worth(self, years: int | None, *, indexed: bool, taxable: bool) -> float:
        """Return the constant yearly amount before tax that a payment for some years is worth [-]."""
        n = int(self.project_years) if years is None else years
        fall = 0.0 if indexed else 1.0 / (1.0 + self.inflation) - 1.0
        r = self.real_rate
        value = math.fsum(((1.0 + fall) / (1.0 + r)) ** t for t in range(1, n + 1))
        level = value * capital_recovery_factor(r, self.project_years)
        return level if taxable else level / (1.0 - self.tax_rate)

    def named(self) -> Iterator[tuple[str, str]]:
        """Yield (key in the file, what it names) of growth and value-added tax."""
        for key in self.escalation:
            yield f"escalation.{key}", key
        if self.vat is not None:
            for name in ("refunded_on", "added_to"):
                for number, key in enumerate(getattr(self.vat, name)):
                    yield f"vat.{name}.{number}", key


def _most_specific(asset: str, category: str) -> tuple[str, ...]:
    return (f"{asset}.{category}", category, *([] if category == INVESTMENT else [asset]))
