r"""Incentives: grants and tax credits on what is bought, payments for production and capacity.

Each is a category of the ledger under its own key: the constant yearly amount before tax that is
worth the same over the project.

$$ -v\,g, \quad g \le \sigma\,K \;\text{or}\; \gamma\,N, \quad \sum_a g_a \le G; \qquad
   -w\,p\,E; \qquad -w\,q\,S $$

| symbol | name | unit |
|---|---|---|
| $g, G$ | amount that is granted for one asset; ``max_amount`` | currency |
| $\sigma, \gamma$ | ``fraction``, ``amount_per_unit`` | -, currency/unit |
| $K, N, S$ | capex; new size and size in operation | currency, unit |
| $v$ | yearly worth of one unit at the purchase (`finance.capital.Purchase`) | 1/year |
| $w$ | yearly worth of one unit a year for some years (`finance.spec.Finance.payments_worth`) | - |
| $p, E$ | ``price_per_unit``, generation over the horizon | currency/unit, unit |
| $q$ | ``price_per_unit_year`` | currency/unit/year |
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from microgrid_opt.finance.spec import CapacityPayment, Grant, ProductionPayment, TaxCredit
from microgrid_opt.ledger import Linear

if TYPE_CHECKING:
    from collections.abc import Mapping

    from microgrid_opt.builder import Builder
    from microgrid_opt.finance.spec import Finance, Incentive
    from microgrid_opt.formulations.sizing import SizeRecord


def pay_incentives(
    incentives: Mapping[str, Incentive], pens: Mapping[str, Builder], rules: Builder
) -> None:
    """Book what each incentive pays to each of its assets.

    Parameters
    ----------
    incentives
        By name.
    pens
        The builder of every asset in the park.
    rules
        The builder of the park's rules, for limits over several assets.
    """
    for name, incentive in incentives.items():
        present = [pens[key] for key in incentive.assets if key in pens]
        if isinstance(incentive, ProductionPayment | CapacityPayment):
            for pen in present:
                _pay_yearly(name, incentive, pen)
        else:
            _pay_once(name, incentive, present, rules)


def _pay_yearly(name: str, incentive: ProductionPayment | CapacityPayment, pen: Builder) -> None:
    worth = pen.finance.payments_worth(
        incentive.years, indexed=incentive.indexed, taxable=incentive.taxable
    )
    if isinstance(incentive, ProductionPayment):
        pen.book(name, pen.generated() * (-worth * incentive.price_per_unit))
        return
    share = pen.finance.investment_share(pen.horizon)
    for record in pen.sizes():
        if record.name == incentive.size:
            paid = pen.times(record.total, incentive.price_per_unit_year)
            pen.book(name, paid * (-worth * share))


def _pay_once(name: str, incentive: TaxCredit | Grant, pens: list[Builder], rules: Builder) -> None:
    granted: list[Linear] = []
    for pen in pens:
        share = pen.finance.investment_share(pen.horizon)
        for record in pen.sizes():
            base = _base(incentive, record)
            if not (base.terms or base.constant):
                continue
            amount = base
            if incentive.max_amount is not None:
                amount = pen.times(pen.scalar(f"{name}_{record.name}", upper=incentive.max_amount))
                pen.require_sum(f"{name}_{record.name}_base", amount - base, "<=", 0.0)
            granted.append(amount)
            pen.book(name, amount * (-_unit_worth(incentive, pen.finance, record) * share))
    if incentive.max_amount is not None and granted:
        whole = sum(granted, Linear())
        rules.require_sum(f"incentive_{name}", whole, "<=", incentive.max_amount)


def _base(incentive: TaxCredit | Grant, record: SizeRecord) -> Linear:
    if incentive.fraction is not None:
        return record.capex * incentive.fraction
    if isinstance(incentive, Grant) and incentive.amount_per_unit and record.name == incentive.size:
        return record.new * incentive.amount_per_unit
    return Linear()


def _unit_worth(incentive: TaxCredit | Grant, finance: Finance, record: SizeRecord) -> float:
    """Return the yearly worth of one unit of money that is granted for a size [1/year]."""
    purchase = finance.purchase(record.spec)
    if isinstance(incentive, TaxCredit):
        return purchase.credit(basis_reduction=incentive.basis_reduction_fraction)
    return purchase.grant(taxable=incentive.taxable)
