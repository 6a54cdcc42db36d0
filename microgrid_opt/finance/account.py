r"""What an owner buys, saves and gets because of a plan: rows from which a cash flow follows.

Amounts are those of the plan minus those of the reference plan; money that comes in is positive, and
a price is positive where the plan buys. Purchases and yearly amounts are after value-added tax.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from microgrid_opt.finance.annuity import replacement_years, residual_value
from microgrid_opt.finance.limits import discount

if TYPE_CHECKING:
    from collections.abc import Mapping

    from microgrid_opt.finance.contracts import SharedSavings
    from microgrid_opt.finance.terms import LoanTerms, Tax

DIGITS = 9
"""Dates that agree to this many digits of a year are one date."""


def snapped(date: float) -> float:
    """Return a date without rounding errors [years]."""
    return round(date, DIGITS) + 0.0


@dataclass(frozen=True)
class Item:
    """Something that is bought, renewed and sold.

    Parameters
    ----------
    asset, name, title
        Whose it is, the key of its payments, and its name for reading.
    first
        What is paid at `start` [currency], in current money.
    base
        Price of a new unit [currency], in prices of year 0, on which renewals and the residual value
        rest.
    lifetime_years, replacement_fraction
        Its life, counted from year 0; price of a renewal as a share of `base`.
    start, end
        Dates between which it is this owner's [years]; a renewal at `end` is the next owner's.
    is_sold
        Whether the residual value comes in at `end`.
    off_basis
        Part of `first` that cannot be deducted [currency].
    """

    asset: str
    name: str
    title: str
    first: float
    base: float
    lifetime_years: float
    replacement_fraction: float
    end: float
    start: float = 0.0
    is_sold: bool = True
    off_basis: float = 0.0

    def renewals(self, inflation: float, years: float) -> dict[float, float]:
        """Return the prices of renewals by date; ``years`` is the length of the project."""
        price = self.base * self.replacement_fraction
        return {
            snapped(date): price / discount(inflation, date)
            for date in replacement_years(self.lifetime_years, years)
            if self.start - 1e-9 <= date < self.end - 1e-9
        }

    def residual(self, inflation: float) -> float:
        """Return what comes in at the end, in current money."""
        if not self.is_sold or not self.base:
            return 0.0
        worth = residual_value(self.base, self.lifetime_years, self.end, self.replacement_fraction)
        return worth / discount(inflation, self.end)


Kind = Literal["saving", "payment", "contract"]


@dataclass(frozen=True)
class Stream:
    """A yearly amount from a first to a last year.

    Parameters
    ----------
    kind, name, title, asset
        ``saving`` of a category of the ledger, ``payment`` of an incentive, ``contract`` with a third
        party; its key and its name for reading; whose it is.
    amount
        Money that comes in a year [currency/year], at prices of year `lag`.
    growth, is_indexed
        Growth per year, and whether inflation comes on top of it.
    lag
        Year whose prices the amount has: 0 for the ledger, 1 for a contract.
    first, last
        Years in which it is paid.
    is_taxable
        Whether it is income.
    """

    kind: Kind
    name: str
    title: str
    asset: str
    amount: float
    last: int
    growth: float = 0.0
    is_indexed: bool = True
    lag: int = 0
    first: int = 1
    is_taxable: bool = True

    def at(self, year: int, inflation: float) -> float:
        """Return what comes in at the end of a year, in current money."""
        if not self.first <= year <= self.last:
            return 0.0
        rise = (1.0 + inflation) ** year if self.is_indexed else 1.0
        return self.amount * (1.0 + self.growth) ** (year - self.lag) * rise


@dataclass(frozen=True)
class Once:
    """A payment that comes in once: a grant, a tax credit, the price of a handover.

    Parameters
    ----------
    kind
        ``grant``, ``tax_credit`` or ``handover``.
    taxed_at
        Date at which it is income [years]; ``None`` if it is none.
    """

    kind: Literal["grant", "tax_credit", "handover"]
    name: str
    title: str
    asset: str
    date: float
    amount: float
    taxed_at: float | None = None


@dataclass(frozen=True)
class Share:
    """A contract's share of all savings of a year, which the host pays to the investor."""

    name: str
    title: str
    terms: SharedSavings


@dataclass(frozen=True)
class Received:
    """What an investor gets from its host, by date [currency]; `host` is the host's account."""

    name: str
    title: str
    host: str
    amounts: Mapping[float, float]


@dataclass(frozen=True)
class Account:
    """One owner's rows, and the terms under which they become a cash flow.

    Parameters
    ----------
    name, title, currency
        Key and name for reading of the owner; its money.
    rate, inflation
        Nominal discount rate and growth of prices [1/year].
    is_real
        Whether the park states real discount rates.
    years
        Length of the project [years].
    tax, loan
        The owner's terms; ``None`` without.
    loan_end
        Date at which an open debt is paid back [years].
    """

    name: str
    title: str
    currency: str
    rate: float
    inflation: float
    years: int
    is_real: bool = True
    tax: Tax | None = None
    loan: LoanTerms | None = None
    loan_end: int = 0
    items: tuple[Item, ...] = ()
    streams: tuple[Stream, ...] = ()
    payments: tuple[Once, ...] = ()
    shares: tuple[Share, ...] = ()
    received: tuple[Received, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def tax_rate(self) -> float:
        """Tax on income [-]."""
        return 0.0 if self.tax is None else self.tax.income_tax_fraction

    @property
    def end(self) -> float:
        """Date at which what this owner has is sold or handed over [years]."""
        return max((item.end for item in self.items), default=float(self.years))

    @property
    def borrowed(self) -> float:
        """Loan that is drawn in year 0 [currency]."""
        if self.loan is None:
            return 0.0
        bought = math.fsum(item.first for item in self.items if item.start == 0)
        return self.loan.share_fraction * bought

    def dates(self) -> tuple[float, ...]:
        """Return every date at which something is paid: all whole years, and what follows renewals."""
        found = {float(year) for year in range(self.years + 1)}
        shares = () if self.tax is None else self.tax.depreciation.shares()
        for item in self.items:
            for date in item.renewals(self.inflation, self.years):
                last = 0 if date == int(date) else len(shares)
                found.update(
                    snapped(date + year)
                    for year in range(last + 1)
                    if date + year <= item.end + 1e-9
                )
        return tuple(sorted(found))


def words(key: str) -> str:
    """Return a key for reading."""
    text = key.replace("_", " ").replace(" om", " O&M").replace("co2", "CO2")
    return text[:1].upper() + text[1:]
