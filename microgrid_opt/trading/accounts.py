"""What the network's owner, the supplier, the state and others get, before and after the members trade.

Every amount of a member's bill names its account (`recipient` of a tariff's component), every fee names its
own (`paid_to`), and the price of CO2 goes to the state: what the accounts get is what the members pay. Grants
and what is paid for plant, fuel and upkeep are in no account.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from microgrid_opt.bill.of_plan import METER
from microgrid_opt.ledger import COST
from microgrid_opt.trading.spec import NETWORK, STATE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from microgrid_opt.results import Results
    from microgrid_opt.trading.plans import TradePlan

SUPPLIER = "supplier"
FIRST = (SUPPLIER, NETWORK, STATE)
"""Accounts that every park has, in the order in which they are shown."""
_CO2_PRICE = "co2_price"


@dataclass(frozen=True, eq=False)
class Accounts:
    """What each account gets, before and after.

    Parameters
    ----------
    items
        ``account, item, label, before, after, change`` [currency over the horizon]: components of
        bills, fees, the price of CO2. Money of a member stands on its own statement.
    lost_kwh
        Losses of trades that the network bears [kWh].
    missing
        Members that cannot be alone: what they would pay before is not known.
    """

    items: pd.DataFrame
    lost_kwh: float
    missing: tuple[str, ...] = ()

    def total(self, account: str, when: str = "change") -> float:
        """Return what an account gets ``before`` or ``after``, or by how much it changes."""
        mine = self.items[self.items["account"] == account]
        return float(mine[when].sum())

    @property
    def names(self) -> tuple[str, ...]:
        """Accounts, in the order in which they are shown."""
        return tuple(dict.fromkeys((*FIRST, *self.items["account"])))


def accounts_of(plan: TradePlan, charges: pd.DataFrame, contracts: pd.DataFrame) -> Accounts:
    """Return what each account gets.

    Parameters
    ----------
    plan
        What is settled.
    charges, contracts
        Fees of the trades, and the trades, by month.
    """
    assert plan.results is not None
    members = plan.problem.park.members
    alone = [one.results for one in plan.alone.values() if one.results is not None]
    rows = [("before", *row) for results in alone for row in _paid(results)]
    rows += [("after", *row) for row in _paid(plan.results)]
    rows += [
        ("after", fee["recipient"], fee["item"], fee["label"], fee["amount"])
        for fee in charges[charges["kind"] == "fee"].to_dict("records")
        if fee["recipient"] not in members
    ]
    table = pd.DataFrame(rows, columns=["when", "account", "item", "label", "amount"])
    sums = table.pivot_table(
        index=["account", "item", "label"],
        columns="when",
        values="amount",
        aggfunc="sum",
        fill_value=0.0,
        sort=False,
    ).reindex(columns=["before", "after"], fill_value=0.0)
    sums["change"] = sums["after"] - sums["before"]
    items = sums.reset_index().rename_axis(columns=None)
    order = {name: number for number, name in enumerate(FIRST)}
    items = items.sort_values(
        "account", key=lambda c: c.map(order).fillna(len(order)), kind="stable"
    )
    known = {one.member for one in plan.alone.values() if one.results is not None}
    missing = tuple(member for member in members if member not in known)
    lost = float(contracts["lost_network_kwh"].sum())
    return Accounts(items.reset_index(drop=True), lost, missing)


def _paid(results: Results) -> Iterator[tuple[str, str, str, float]]:
    """Yield account, item, label and amount of what is paid in a plan, without fees of trades."""
    due = results.bill[results.bill["kind"] != METER]
    for row in due.to_dict("records"):
        yield row["recipient"], row["component"], row["label"], float(row["amount"])
    ledger = results.ledger
    priced = ledger[(ledger["effect"] == COST) & (ledger["category"] == _CO2_PRICE)]
    for row in priced.to_dict("records"):
        yield STATE, _CO2_PRICE, "CO2 price", float(row["amount"]) / float(row["worth"])
