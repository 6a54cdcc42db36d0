"""Money over time once more, for the audit: a walk through the years instead of closed forms.

Independent of `microgrid_opt.finance.capital` and of the forms in `microgrid_opt.finance.spec`; only
the tables of depreciation are shared, which are held against published ones.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from microgrid_opt.finance import annual_cost
from microgrid_opt.finance.spec import CapacityPayment, Grant, ProductionPayment, TaxCredit

if TYPE_CHECKING:
    from microgrid_opt.audit import AssetAudit, Book
    from microgrid_opt.fields import Size
    from microgrid_opt.finance.spec import Finance, Incentive


@dataclass(frozen=True)
class Worths:
    """Yearly equivalents before tax of one unit of capex, tax credit, and grant [1/year]."""

    capex: float
    credit: float
    grant: float


def worth_of_category(finance: Finance, asset: str, category: str) -> float:
    """Return what an amount of the year counts for in the objective [-]."""
    if category == "investment" or category in finance.incentives:
        return 1.0
    keys = (f"{asset}.{category}", category, asset)
    growth = next((finance.escalation[key] for key in keys if key in finance.escalation), 0.0)
    years = round(finance.project_years)
    level = 1.0
    if growth:
        level = _level([(1.0 + growth) ** t for t in range(1, years + 1)], _real(finance), years)
    return level * _vat(finance, keys)


def worth_of_payments(finance: Finance, incentive: Incentive) -> float:
    """Return what a yearly payment for some years counts for in the objective [-]."""
    years = round(finance.project_years)
    paid = getattr(incentive, "years", None) or years
    shrinks = 1.0 if getattr(incentive, "indexed", False) else 1.0 / (1.0 + finance.inflation)
    amounts = [shrinks**t if t <= paid else 0.0 for t in range(1, years + 1)]
    untaxed = not getattr(incentive, "taxable", True)
    return _level(amounts, _real(finance), years) / (1.0 - (_tax(finance) if untaxed else 0.0))


def worths_of_size(
    finance: Finance, spec: Size, basis_reduction: float = 0.0, *, taxable: bool = False
) -> Worths:
    """Return the yearly worth of money spent on a size, by walking through its years.

    Parameters
    ----------
    basis_reduction
        Share of a tax credit that cannot be deducted.
    taxable
        Whether a grant is income.
    """
    rate = _real(finance) if spec.discount_rate is None else _constant(finance, spec.discount_rate)
    life = math.inf if spec.lifetime_years is None else spec.lifetime_years
    method = spec.annuity or finance.annuity
    end = life if method == "lifetime" and math.isfinite(life) else finance.project_years
    nominal = (1.0 + rate) * (1.0 + finance.inflation)
    tax = _tax(finance)
    crf = (1.0 / end) if rate == 0 else rate / -math.expm1(-end * math.log1p(rate))
    before_tax = crf / (1.0 - tax)

    spent = deducted = 0.0
    first_shield = 0.0
    date, open_book = 0.0, 0.0
    while date < end * (1.0 - 1e-9):
        price = (1.0 if date == 0 else spec.replacement_fraction) * (
            1.0 + finance.inflation
        ) ** date
        spent += price * nominal**-date
        shield, left = _shield(finance, date, end, nominal)
        deducted += price * shield
        open_book += price * left
        if date == 0:
            first_shield = shield + left * nominal**-end
        last_price, last_date, date = price, date, date + life
    age = (end - last_date) / life
    sold = last_price / (1.0 + finance.inflation) ** last_date * max(0.0, 1.0 - age)
    sold *= (1.0 + finance.inflation) ** end
    gain = (sold - (open_book if finance.tax is not None else 0.0)) * tax
    cost = spent - tax * deducted - (sold - gain) * nominal**-end
    cost -= _loan_worth(finance, end, nominal, tax)
    net = _vat(finance, ("investment",))
    plain = finance.tax is None and finance.loan is None
    if plain and spec.lifetime_years is not None:
        yearly = annual_cost(
            1.0,
            spec.lifetime_years,
            rate,
            finance.project_years,
            method=method,
            replacement_fraction=spec.replacement_fraction,
        )
    else:
        yearly = cost * before_tax
    return Worths(
        capex=yearly * net,
        credit=(1.0 / nominal - basis_reduction * tax * first_shield) * before_tax,
        grant=(1.0 - tax * (1.0 / nominal if taxable else first_shield)) * before_tax,
    )


def audit_incentives(book: Book, share: float) -> None:
    """Re-derive what every incentive pays; ``share`` of a year is the horizon's."""
    park = book.problem.park
    for name, incentive in park.finance.incentives.items():
        granted: list[tuple[float, float, float]] = []
        for key in incentive.assets:
            if key not in park.assets:
                continue
            view = book.view(key)
            if isinstance(incentive, ProductionPayment | CapacityPayment):
                _audit_payment(book, name, incentive, view, share)
            else:
                granted += _audit_granted(book, name, incentive, view, share)
        most = getattr(incentive, "max_amount", None)
        if granted and most is not None:
            view = book.policies()
            total = sum(amount for _, amount, _ in granted)
            view.at_most(f"incentive {name}", total, most, unit=park.currency)
            # What is worth most is granted first.
            left, best = most, 0.0
            for worth, _, base in sorted(granted, reverse=True):
                best += worth * min(base, left)
                left -= min(base, left)
            paid = sum(worth * amount for worth, amount, _ in granted)
            view.at_most(f"all of {name} granted", best, paid + view.slack, unit=park.currency)


def _audit_payment(
    book: Book,
    name: str,
    incentive: ProductionPayment | CapacityPayment,
    view: AssetAudit,
    share: float,
) -> None:
    finance = book.problem.park.finance_of(view.member)
    worth = worth_of_payments(finance, incentive)
    if isinstance(incentive, ProductionPayment):
        hours = book.problem.horizon.hours
        made = sum(
            float(flow.values @ hours)
            for flow in book.flows
            if (flow.asset, flow.role, flow.sign) == (view.asset, "generation", 1)
        )
        view.booked(name, -worth * incentive.price_per_unit * made)
    else:
        rate = incentive.price_per_unit_year
        view.booked(name, -worth * rate * view.size(incentive.size) * share)


def _audit_granted(
    book: Book, name: str, incentive: TaxCredit | Grant, view: AssetAudit, share: float
) -> list[tuple[float, float, float]]:
    """Return (yearly worth of a unit, amount granted, amount that could be) of an asset's sizes."""
    park = book.problem.park
    found = []
    expected = 0.0
    for row in book.results.sizes.to_dict("records"):
        if row["asset"] != view.asset:
            continue
        spec = park.assets[view.asset].sizes()[row["size"]]
        worths = worths_of_size(
            park.finance_of(view.member),
            spec,
            getattr(incentive, "basis_reduction_fraction", 0.0),
            taxable=getattr(incentive, "taxable", False),
        )
        worth = (worths.credit if isinstance(incentive, TaxCredit) else worths.grant) * share
        base = float(row["capex"]) * (incentive.fraction or 0.0)
        if isinstance(incentive, Grant) and row["size"] == incentive.size:
            base += float(row["new"]) * (incentive.amount_per_unit or 0.0)
        expected -= worth * base
        found.append((worth, base))
    if incentive.max_amount is None:
        view.booked(name, expected)
        return []
    booked = view.ledger(name)
    view.at_most(f"{name} granted for what was bought", -booked, -expected, unit=park.currency)
    view.booked(name, booked)
    whole = sum(worth * base for worth, base in found)
    amount = -booked / whole if whole else 0.0
    return [(worth, amount * base, base) for worth, base in found]


def _shield(finance: Finance, bought: float, end: float, nominal: float) -> tuple[float, float]:
    """Return the present value of what is deducted of a purchase, and what is left of it."""
    if finance.tax is None:
        return 0.0, 1.0
    book, value, date = 1.0, 0.0, bought
    for share in finance.tax.depreciation.shares():
        date += 1.0
        if date > end:
            break
        value += share * nominal**-date
        book -= share
    return value, book


def _loan_worth(finance: Finance, end: float, nominal: float, tax: float) -> float:
    """Return the present value of borrowing, per unit of capex: what comes in less what is paid."""
    loan = finance.loan
    if loan is None:
        return 0.0
    rate = loan.rate - loan.green_discount
    debt = loan.share_fraction
    value = debt
    repaying = loan.term_years - loan.grace_years
    year = 0
    while debt > 1e-12 and year < end:
        year += 1
        interest = debt * rate
        left = loan.term_years - year + 1
        if year <= loan.grace_years:
            paid = 0.0
        elif loan.repayment == "bullet":
            paid = debt if year == loan.term_years else 0.0
        elif loan.repayment == "equal_principal":
            paid = loan.share_fraction / repaying
        else:
            grown = -math.expm1(-left * math.log1p(rate))
            service = debt * rate / grown if grown else debt / left
            paid = service - interest
        value -= (interest * (1.0 - tax) + paid) * nominal**-year
        debt -= paid
    return float(value - max(debt, 0.0) * nominal**-end)


def _level(amounts: list[float], rate: float, years: int) -> float:
    """Return the constant amount a year with the same present value."""
    present = [(1.0 + rate) ** -t for t in range(1, years + 1)]
    return math.fsum(a * p for a, p in zip(amounts, present, strict=True)) / math.fsum(present)


def _tax(finance: Finance) -> float:
    return 0.0 if finance.tax is None else finance.tax.income_tax_fraction


def _real(finance: Finance) -> float:
    return _constant(finance, finance.discount_rate)


def _constant(finance: Finance, rate: float) -> float:
    return rate if finance.rates == "real" else (1.0 + rate) / (1.0 + finance.inflation) - 1.0


def _vat(finance: Finance, keys: tuple[str, ...]) -> float:
    vat = finance.vat
    if vat is None:
        return 1.0
    for key in keys:
        if key in vat.refunded_on:
            return 1.0 / (1.0 + vat.fraction)
        if key in vat.added_to:
            return 1.0 + vat.fraction
    return 1.0
