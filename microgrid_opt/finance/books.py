"""From the tables of a plan to the rows of an account: what is bought, saved and paid.

The ledger holds constant yearly amounts that are worth what is paid over the project. Here they are
taken back to prices of the year: ``amount / worth`` of running categories, and what incentives pay.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from microgrid_opt.finance.account import Account, Item, Once, Stream, words
from microgrid_opt.finance.spec import (
    INVESTMENT,
    CapacityPayment,
    Grant,
    ProductionPayment,
    TaxCredit,
)
from microgrid_opt.ledger import COST, FIXED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from microgrid_opt.finance.spec import Finance, Incentive
    from microgrid_opt.park import Park
    from microgrid_opt.results import Results

LEASE = "yearly_price"
"""Name of what capacity costs a year where a park gives that instead of capex."""


def account(
    plan: Results,
    reference: Results | None,
    park: Park,
    member: str,
    *,
    years: int | None = None,
) -> Account:
    """Return a member's account of a plan, less that of the reference plan.

    Parameters
    ----------
    plan, reference
        Tables of one park; without a reference everything that the plan pays is in the account.
    years
        Length of the project [years]; the park's when left out.
    """
    finance = park.finance_of(member)
    end = int(finance.project_years) if years is None else years
    sides = [(1.0, plan)] if reference is None else [(1.0, plan), (-1.0, reference)]
    books = [_Book(results, park, member, end, sign) for sign, results in sides]
    return Account(
        name=member,
        title=plan.labels.get(member, member),
        currency=plan.currency,
        rate=finance.nominal_rate,
        inflation=finance.inflation,
        years=end,
        is_real=finance.rates == "real",
        tax=finance.tax,
        loan=finance.loan,
        loan_end=end,
        items=_merged_items(item for book in books for item in book.items),
        streams=_merged_streams(stream for book in books for stream in book.streams()),
        payments=_merged_once(one for book in books for one in book.payments),
        labels={**({} if reference is None else reference.labels), **plan.labels},
    )


def only(held: Account, assets: Iterable[str]) -> Account:
    """Return the part of an account that some assets cause."""
    kept = set(assets)
    return replace(
        held,
        items=tuple(one for one in held.items if one.asset in kept),
        streams=tuple(one for one in held.streams if one.asset in kept),
        payments=tuple(one for one in held.payments if one.asset in kept),
    )


class _Book:
    """What one set of tables says of a member."""

    def __init__(self, results: Results, park: Park, member: str, years: int, sign: float) -> None:
        self.results, self.park, self.member = results, park, member
        self.finance: Finance = park.finance_of(member)
        self.years, self.sign = years, sign
        self.share = self.finance.investment_share(results.horizon)
        self.sizes = _rows(results.sizes, member)
        ledger = results.ledger[results.ledger["effect"] == COST]
        self.ledger = _rows(ledger, member)
        self.items: list[Item] = []
        self.payments: list[Once] = []
        granted = self._granted()
        self._buy(granted)

    def _title(self, word: str, asset: str) -> str:
        return f"{word}, {self.results.labels.get(asset, asset)}"

    def _spec(self, row: Mapping[str, Any]) -> Any:
        asset = self.park.assets.get(row["asset"])
        return None if asset is None else asset.sizes().get(row["size"])

    # ------------------------------------------------------------------ what is bought

    def _buy(self, off_basis: Mapping[tuple[str, str], float]) -> None:
        net = self.finance.vat_factor("", INVESTMENT)
        for row in self.sizes:
            spec = self._spec(row)
            price = self.sign * float(row["capex"]) * net
            if not price or spec is None or spec.lifetime_years is None:
                continue
            asset = row["asset"]
            self.items.append(
                Item(
                    asset=asset,
                    name=asset,
                    title=self._title("Purchase", asset),
                    first=price,
                    base=price,
                    lifetime_years=spec.lifetime_years,
                    replacement_fraction=spec.replacement_fraction,
                    end=float(self.years),
                    off_basis=self.sign * off_basis.get((asset, row["size"]), 0.0),
                )
            )

    def _granted(self) -> dict[tuple[str, str], float]:
        """Enter grants and tax credits; return what they take off the basis of each size."""
        off: dict[tuple[str, str], float] = {}
        for name, incentive in self.finance.incentives.items():
            if not isinstance(incentive, Grant | TaxCredit):
                continue
            kind = "grant" if isinstance(incentive, Grant) else "tax_credit"
            for asset in incentive.assets:
                for size, amount in self._granted_to(name, incentive, asset):
                    self._pay_once(kind, name, incentive, asset, amount)
                    lost = (
                        incentive.basis_reduction_fraction
                        if isinstance(incentive, TaxCredit)
                        else float(not incentive.taxable)
                    )
                    key = (asset, size)
                    off[key] = off.get(key, 0.0) + lost * amount
        return off

    def _pay_once(
        self, kind: Any, name: str, incentive: Grant | TaxCredit, asset: str, amount: float
    ) -> None:
        is_grant = isinstance(incentive, Grant)
        taxed = is_grant and getattr(incentive, "taxable", False)
        self.payments.append(
            Once(
                kind=kind,
                name=name,
                title=words(name),
                asset=asset,
                date=0.0 if is_grant else 1.0,
                amount=self.sign * amount,
                taxed_at=1.0 if taxed else None,
            )
        )

    def _granted_to(
        self, name: str, incentive: Grant | TaxCredit, asset: str
    ) -> Iterator[tuple[str, float]]:
        """Yield size and amount; of several sizes the one where money is worth most comes first."""
        booked = -sum(
            row["amount"]
            for row in self.ledger
            if row["asset"] == asset and row["category"] == name
        )
        left = booked / self.share
        found = []
        for row in self.sizes:
            spec = self._spec(row)
            if row["asset"] != asset or spec is None:
                continue
            base = float(row["capex"]) * (incentive.fraction or 0.0)
            if isinstance(incentive, Grant) and row["size"] == incentive.size:
                base += float(row["new"]) * (incentive.amount_per_unit or 0.0)
            purchase = self.finance.purchase(spec)
            if isinstance(incentive, TaxCredit):
                worth = purchase.credit(basis_reduction=incentive.basis_reduction_fraction)
            else:
                worth = purchase.grant(taxable=incentive.taxable)
            if base and worth:
                found.append((worth, base, row["size"]))
        found.sort(key=lambda one: -one[0])
        for number, (worth, base, size) in enumerate(found, start=1):
            is_last = number == len(found)
            amount = left / worth if is_last else min(base, left / worth)
            left -= worth * amount
            if amount:
                yield size, amount

    # ------------------------------------------------------------------ what is paid every year

    def streams(self) -> Iterator[Stream]:
        """Yield what comes in every year; a cost is negative."""
        for row in self.sizes:
            spec = self._spec(row)
            yield self._saving(row["asset"], "fixed_om", float(row["fixed_om"]))
            leased = 0.0 if spec is None else float(row["new"]) * spec.annual_cost_per_unit
            title = "Yearly price of capacity"
            yield Stream("saving", LEASE, title, row["asset"], -self.sign * leased, self.years)
        per_year = self.results.horizon.year_share
        for row in self.ledger:
            category, amount = row["category"], float(row["amount"])
            if category in self.finance.incentives:
                found = self._payment(category, self.finance.incentives[category], row, amount)
                if found is not None:
                    yield found
            elif category not in FIXED:
                prices = amount / float(row.get("worth", 1.0)) / per_year
                yield self._saving(row["asset"], category, prices)

    def _saving(self, asset: str, category: str, cost: float) -> Stream:
        finance = self.finance
        net = cost * finance.vat_factor(asset, category)
        growth = finance.growth(asset, category)
        return Stream(
            "saving", category, words(category), asset, -self.sign * net, self.years, growth
        )

    def _payment(
        self, name: str, incentive: Incentive, row: Mapping[str, Any], amount: float
    ) -> Stream | None:
        if not isinstance(incentive, ProductionPayment | CapacityPayment):
            return None
        is_production = isinstance(incentive, ProductionPayment)
        share = self.results.horizon.year_share if is_production else self.share
        worth = self.finance.payments_worth(
            incentive.years, indexed=incentive.indexed, taxable=incentive.taxable
        )
        return Stream(
            "payment",
            name,
            words(name),
            row["asset"],
            -self.sign * amount / worth / share,
            min(self.years, incentive.years or self.years),
            is_indexed=incentive.indexed,
            is_taxable=incentive.taxable,
        )


def _rows(table: Any, member: str) -> list[dict[str, Any]]:
    return [row for row in table.to_dict("records") if row["member"] == member]


def _merged_items(items: Iterable[Item]) -> tuple[Item, ...]:
    found: dict[tuple[Any, ...], Item] = {}
    for one in items:
        key = (one.asset, one.lifetime_years, one.replacement_fraction)
        held = found.get(key)
        found[key] = (
            one
            if held is None
            else replace(
                held,
                first=held.first + one.first,
                base=held.base + one.base,
                off_basis=held.off_basis + one.off_basis,
            )
        )
    return tuple(one for one in found.values() if one.first or one.base or one.off_basis)


def _merged_streams(streams: Iterable[Stream]) -> tuple[Stream, ...]:
    """Return streams that differ in more than their amount, those of one name side by side."""
    found: dict[Stream, float] = {}
    for one in streams:
        key = replace(one, amount=0.0)
        found[key] = found.get(key, 0.0) + one.amount
    kept = [replace(key, amount=amount) for key, amount in found.items() if amount]
    order = list(dict.fromkeys((one.kind, one.name) for one in kept))
    return tuple(sorted(kept, key=lambda one: order.index((one.kind, one.name))))


def _merged_once(payments: Iterable[Once]) -> tuple[Once, ...]:
    found: dict[Once, float] = {}
    for one in payments:
        key = replace(one, amount=0.0)
        found[key] = found.get(key, 0.0) + one.amount
    return tuple(replace(key, amount=amount) for key, amount in found.items() if amount)
