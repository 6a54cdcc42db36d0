"""The rows of a cash flow: what an account pays, gets and deducts at every date."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from microgrid_opt.finance.account import snapped
from microgrid_opt.finance.loan import repayments

if TYPE_CHECKING:
    from collections.abc import Mapping

    from microgrid_opt.finance.account import Account

_NOTHING = 1e-12  # what rounding leaves of a price or a debt that is used up [-]
Of = Literal["cash", "sum", "memo"]
Dated = dict[float, float]

TITLES = {
    "before_loan": "Before loan and tax",
    "loan_drawn": "Loan drawn",
    "interest": "Interest",
    "principal": "Principal",
    "before_tax": "Before tax",
    "basis": "Bought, to be depreciated",
    "depreciation": "Depreciation",
    "book_value": "Book value at the end",
    "taxed_grant": "Grants that are income",
    "taxable_income": "Taxable income",
    "income_tax": "Income tax",
    "net": "Net cash flow",
    "cumulative": "Cumulative",
    "discount_factor": "Discount factor",
    "discounted": "Discounted",
    "cumulative_discounted": "Cumulative discounted",
    "debt": "Debt after the payment",
}


@dataclass(frozen=True)
class Row:
    """One row of a cash flow.

    Parameters
    ----------
    key
        ``group`` or ``group.name``.
    of
        ``cash`` adds to the net cash flow, ``sum`` is a sum of others, ``memo`` is neither.
    amounts
        One for each date [currency], factors [-].
    """

    key: str
    title: str
    of: Of
    amounts: tuple[float, ...]

    @property
    def group(self) -> str:
        """First word of the key."""
        return self.key.partition(".")[0]


def rows_of(account: Account, years: tuple[float, ...]) -> list[Row]:
    """Return all rows of an account but the sums, with a value for each date."""
    return _Found(account, years).rows()


class _Found:
    """The rows of an account."""

    def __init__(self, account: Account, years: tuple[float, ...]) -> None:
        self.account, self.years = account, years
        self._held: dict[str, tuple[str, Of, Dated]] = {}
        self._taxable: list[Mapping[float, float]] = []

    def rows(self) -> list[Row]:
        """Return all rows but the sums."""
        self._yearly()
        self._bought()
        self._once()
        self._borrowed()
        if self.account.tax is not None:
            self._taxed()
        return [
            Row(key, title, of, tuple(amounts.get(date, 0.0) for date in self.years))
            for key, (title, of, amounts) in self._held.items()
        ]

    def _add(
        self,
        key: str,
        title: str,
        amounts: Mapping[float, float],
        *,
        of: Of = "cash",
        taxable: bool = False,
    ) -> None:
        _, _, held = self._held.setdefault(key, (title, of, {}))
        for date, amount in amounts.items():
            held[date] = held.get(date, 0.0) + amount
        if taxable:
            self._taxable.append(dict(amounts))

    def _yearly(self) -> None:
        account = self.account
        whole = range(1, account.years + 1)
        saved = dict.fromkeys(map(float, whole), 0.0)
        for stream in account.streams:
            amounts = {float(y): stream.at(y, account.inflation) for y in whole}
            key = f"{stream.kind}.{stream.name}"
            self._add(key, stream.title, amounts, taxable=stream.is_taxable)
            if stream.kind == "saving":
                saved = {date: amount + amounts[date] for date, amount in saved.items()}
        for share in account.shares:
            paid = {t: -share.terms.share(t) * saved[t] for t in saved}
            self._add(f"contract.{share.name}", share.title, paid, taxable=True)
        for one in account.received:
            self._add(f"contract.{one.name}", one.title, one.amounts, taxable=True)

    def _bought(self) -> None:
        account = self.account
        for item in account.items:
            label = account.labels.get(item.asset, item.asset)
            own = "" if item.name.startswith("handover.") else "purchase."
            self._add(f"{own}{item.name}", item.title, {snapped(item.start): -item.first})
            if not item.base:
                continue
            again = item.renewals(account.inflation, account.years)
            paid = {date: -price for date, price in again.items()}
            self._add(f"renewal.{item.asset}", f"Renewal, {label}", paid)
            sold = {snapped(item.end): item.residual(account.inflation)}
            self._add(f"residual.{item.asset}", f"Residual value, {label}", sold, taxable=True)

    def _once(self) -> None:
        for one in self.account.payments:
            date = snapped(one.date)
            self._add(f"{one.kind}.{one.name}", one.title, {date: one.amount})
            if one.taxed_at is None:
                continue
            income = {snapped(one.taxed_at): one.amount}
            if one.kind == "grant" and self.account.tax is not None:
                self._add("taxed_grant", TITLES["taxed_grant"], income, of="memo", taxable=True)
            else:
                self._taxable.append(income)

    def _borrowed(self) -> None:
        loan, amount = self.account.loan, self.account.borrowed
        if loan is None or not amount:
            return
        end = self.account.loan_end
        plan = repayments(
            1.0,
            loan.interest,
            loan.term_years,
            repayment=loan.repayment,
            grace_years=loan.grace_years,
        )
        debt, interest, principal, open_debt = 1.0, {}, {}, {0.0: amount}
        pairs = zip(plan.interest, plan.principal, strict=True)
        for year, (cost, part) in enumerate(pairs, start=1):
            if year > end:
                break
            paid = debt if year == end else part
            debt -= paid
            interest[float(year)] = -amount * cost
            principal[float(year)] = -amount * paid
            open_debt[float(year)] = amount * debt if debt > _NOTHING else 0.0
        self._add("loan_drawn", TITLES["loan_drawn"], {0.0: amount})
        self._add("interest", TITLES["interest"], interest, taxable=True)
        self._add("principal", TITLES["principal"], principal)
        held = {t: open_debt.get(float(math.floor(t)), 0.0) for t in self.years}
        self._add("debt", TITLES["debt"], held, of="memo")

    def _taxed(self) -> None:
        account = self.account
        shares = () if account.tax is None else account.tax.depreciation.shares()
        bought: Dated = {}
        deducted: Dated = {}
        left: Dated = {}
        for item in account.items:
            end = snapped(item.end)
            basis = {snapped(item.start): item.first - item.off_basis}
            for date, price in item.renewals(account.inflation, account.years).items():
                basis[date] = basis.get(date, 0.0) + price
            for start, price in basis.items():
                bought[start] = bought.get(start, 0.0) + price
                book = price
                for year, share in enumerate(shares, start=1):
                    if start + year <= item.end + 1e-9:
                        date = snapped(start + year)
                        deducted[date] = deducted.get(date, 0.0) - price * share
                        book -= price * share
                if abs(book) > _NOTHING * abs(price):
                    left[end] = left.get(end, 0.0) - book
        self._add("basis", TITLES["basis"], bought, of="memo")
        self._add("depreciation", TITLES["depreciation"], deducted, of="memo", taxable=True)
        self._add("book_value", TITLES["book_value"], left, of="memo", taxable=True)
        income = {t: math.fsum(m.get(t, 0.0) for m in self._taxable) for t in self.years}
        self._add("taxable_income", TITLES["taxable_income"], income, of="memo")
        taxes = {date: -account.tax_rate * amount for date, amount in income.items()}
        self._add("income_tax", TITLES["income_tax"], taxes)
