r"""A cash flow year by year, in current money, before and after tax.

$$ n_t = s_t + p_t + k_t - b_t + v_t + g_t + \Delta D_t - I_t - \tau\,y_t + e_t, \qquad
   y_t = s_t + p_t + k_t - I_t - d_t + (v_t - B_t) + g^{tax}_t $$

| symbol | line | unit |
|---|---|---|
| $n_t$ | ``net`` | currency |
| $s_t, p_t, k_t$ | ``saving.*``, ``payment.*``, ``contract.*`` | currency |
| $b_t, v_t$ | ``purchase.*`` and ``renewal.*``; ``residual.*`` and ``handover.*`` | currency |
| $g_t, e_t$ | ``grant.*``, ``tax_credit.*`` | currency |
| $\Delta D_t, I_t$ | ``loan_drawn`` and ``principal``; ``interest`` | currency |
| $d_t, B_t$ | ``depreciation`` of what is bought (``basis``); ``book_value``, what is left to deduct at the sale | currency |
| $y_t, \tau$ | ``taxable_income``; tax on income | currency, - |

Lines are signed as they add up: what is paid or deducted is negative. A loss lowers the tax on other
income of the owner. Value-added tax is inside the amounts: what is refunded is taken off a price, what
is borne is added to it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING

from microgrid_opt.finance.limits import discount
from microgrid_opt.finance.rows import TITLES, Row, rows_of
from microgrid_opt.finance.worth import CashFlows, InternalRate, irr, mirr, npv, payback_years

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd

    from microgrid_opt.finance.account import Account

ORDER = (
    *("saving", "payment", "contract", "purchase", "renewal", "residual", "handover", "grant"),
    *("before_loan", "loan_drawn", "interest", "principal", "before_tax"),
    *("basis", "depreciation", "book_value", "taxed_grant", "taxable_income"),
    *("income_tax", "tax_credit"),
    *("net", "cumulative", "discount_factor", "discounted", "cumulative_discounted", "debt"),
)
BEFORE_LOAN = ORDER[:8]
LOAN = ("loan_drawn", "interest", "principal")


@dataclass(frozen=True)
class Statement:
    """A cash flow and what it is worth.

    Parameters
    ----------
    name, title, currency
        Of the owner.
    rate
        Nominal discount rate [1/year].
    years
        Dates [years], ascending: all whole years of the project and dates of renewals between them.
    rows
        In order of reading; every one has a value for each date.
    """

    name: str
    title: str
    currency: str
    rate: float
    years: tuple[float, ...]
    rows: tuple[Row, ...]

    def row(self, key: str) -> Row:
        """Return a row by its key."""
        for row in self.rows:
            if row.key == key:
                return row
        raise KeyError(f"No row {key!r}; there are: {', '.join(row.key for row in self.rows)}.")

    def total(self, *groups: str) -> tuple[float, ...]:
        """Return the sum of the rows of some groups at every date [currency]."""
        return _summed(self.rows, groups, len(self.years))

    @property
    def net(self) -> tuple[float, ...]:
        """Net cash flow at every date [currency]."""
        return self.row("net").amounts

    @cached_property
    def npv(self) -> float:
        """Net present value [currency]."""
        return npv(self.rate, self.net, self.years)

    @cached_property
    def irr(self) -> InternalRate:
        """Internal rate of return, nominal [1/year]."""
        return irr(self.net, self.years)

    @cached_property
    def mirr(self) -> float:
        """Modified internal rate of return, at the discount rate both ways [1/year]."""
        return mirr(self.net, self.rate, self.rate, self.years)

    @cached_property
    def payback_years(self) -> float:
        """Date after the first payment at which all so far add up to zero or more [years].

        Infinite when they never do, 0 where nothing is paid at all.
        """
        return self._paid_back(0.0)

    @cached_property
    def discounted_payback_years(self) -> float:
        """The same of discounted payments [years]."""
        return self._paid_back(self.rate)

    def _paid_back(self, rate: float) -> float:
        start = next((n for n, amount in enumerate(self.net) if amount), None)
        if start is None:
            return 0.0
        return payback_years(self.net[start:], rate, self.years[start:])

    def by_year(self, amounts: Sequence[float]) -> tuple[float, ...]:
        """Return amounts of the years 0, 1, ..., each date moved to the end of its year."""
        total = [0.0] * (math.ceil(self.years[-1]) + 1)
        for date, amount in zip(self.years, amounts, strict=True):
            total[math.ceil(date)] += amount
        return tuple(total)

    @property
    def table(self) -> pd.DataFrame:
        """Rows by key, a column for each date."""
        import pandas as pd

        index = pd.Index([row.key for row in self.rows], name="key")
        data = [row.amounts for row in self.rows]
        return pd.DataFrame(data, index=index, columns=pd.Index(self.years, name="year"))

    def flows(self) -> CashFlows:
        """Return the payments by kind."""
        return CashFlows(
            years=self.years,
            investment=self.total("purchase"),
            saving=self.total("saving", "payment", "contract"),
            replacement=self.total("renewal"),
            residual=self.total("residual", "handover"),
            incentive=self.total("grant", "tax_credit"),
            loan=self.total(*LOAN),
            tax=self.total("income_tax"),
        )

    def minus(self, other: Statement) -> Statement:
        """Return this cash flow without another one."""
        turned = tuple(replace(row, amounts=tuple(-a for a in row.amounts)) for row in other.rows)
        return together(self, [self, replace(other, rows=turned)])


def statement(
    account: Account, dates: Sequence[float] | None = None, *, every: bool = False
) -> Statement:
    """Return the cash flow of an account.

    Parameters
    ----------
    dates
        Dates of the table, at least those of the account; its own when left out.
    every
        Whether rows without any amount are kept.
    """
    years = tuple(account.dates() if dates is None else dates)
    rows = rows_of(account, years)
    kept = [row for row in rows if every or any(row.amounts) or row.key == "income_tax"]
    return _finished(account.name, account.title, account.currency, account.rate, years, kept)


def together(like: Statement, statements: Sequence[Statement]) -> Statement:
    """Return the sum of some cash flows, with the rate and the names of `like`."""
    years = tuple(sorted({date for one in statements for date in one.years}))
    found: dict[str, Row] = {}
    for one in statements:
        for row in one.rows:
            if row.of == "sum":
                continue
            held = dict(zip(one.years, row.amounts, strict=True))
            before = found[row.key].amounts if row.key in found else (0.0,) * len(years)
            sums = tuple(b + held.get(t, 0.0) for b, t in zip(before, years, strict=True))
            found[row.key] = replace(row, amounts=sums)
    return _finished(like.name, like.title, like.currency, like.rate, years, found.values())


def _finished(
    name: str, title: str, currency: str, rate: float, years: tuple[float, ...], rows: Iterable[Row]
) -> Statement:
    """Return a statement with its sums, in order."""
    held = list(rows)
    size = len(years)
    net = _summed([row for row in held if row.of == "cash"], None, size)
    factors = tuple(discount(rate, date) for date in years)
    discounted = tuple(n * f for n, f in zip(net, factors, strict=True))
    sums = {"before_loan": _summed(held, BEFORE_LOAN, size)}
    if any(row.group in LOAN for row in held):
        sums["before_tax"] = _summed(held, (*BEFORE_LOAN, *LOAN), size)
    sums |= {
        "net": net,
        "cumulative": tuple(accumulate(net)),
        "discount_factor": factors,
        "discounted": discounted,
        "cumulative_discounted": tuple(accumulate(discounted)),
    }
    held += [Row(key, TITLES[key], "sum", amounts) for key, amounts in sums.items()]
    held.sort(key=lambda row: ORDER.index(row.group))
    return Statement(name, title, currency, rate, years, tuple(held))


def _summed(rows: Iterable[Row], groups: Sequence[str] | None, size: int) -> tuple[float, ...]:
    chosen = [row.amounts for row in rows if groups is None or row.group in groups]
    if not chosen:
        return (0.0,) * size
    return tuple(math.fsum(parts) for parts in zip(*chosen, strict=True))
