"""Every member of a plan of trades before and after: its bills by month, its costs, whence its gain."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from microgrid_opt.bill.of_plan import METER
from microgrid_opt.trading.gains import PARTS, PAYMENTS, costs_by_part

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from microgrid_opt.results import Results
    from microgrid_opt.trading.gains import Retained
    from microgrid_opt.trading.plans import TradePlan

READ = ("bought", "sold", "highest_import")
"""Lines of a bill that say what was read, before and after."""


def gains_of(plan: TradePlan, contracts: pd.DataFrame) -> pd.DataFrame:
    """Return the cost of every part of every member before and after, and its gain.

    Parameters
    ----------
    plan
        What is settled; it has the results of all members.
    contracts
        Trades by month (`microgrid_opt.trading.settlement.Settlement`).
    """
    assert plan.results is not None
    after = costs_by_part(plan.problem, plan.results)
    paid = payments_of(after, contracts)
    rows = []
    for member, parts in after.items():
        alone = plan.alone.get(member)
        before: Mapping[str, float] = dict.fromkeys(PARTS, math.nan)
        if alone is not None and alone.results is not None:
            before = costs_by_part(plan.problem, alone.results)[member]
        for part in PARTS:
            old, new = before[part], parts[part]
            if part == PAYMENTS:
                old, new = 0.0, paid[member][0] - paid[member][1]
            rows.append((member, part, old, new, old - new))
    return pd.DataFrame(rows, columns=["member", "part", "before", "after", "gain"])


def payments_of(
    members: Sequence[str] | Mapping[str, object], contracts: pd.DataFrame
) -> dict[str, tuple[float, float]]:
    """Return what each member pays the others, and what they pay it [currency]."""
    between = contracts[contracts["seller"] != contracts["buyer"]]
    sums = {side: between.groupby(side)["payment"].sum().to_dict() for side in ("buyer", "seller")}
    return {
        member: (sums["buyer"].get(member, 0.0), sums["seller"].get(member, 0.0))
        for member in members
    }


def members_of(plan: TradePlan, gains: pd.DataFrame, contracts: pd.DataFrame) -> pd.DataFrame:
    """Return the cost of every member before and after payments, and its gain.

    Parameters
    ----------
    plan
        What is settled.
    gains, contracts
        Parts of the cost, and trades by month.
    """
    assert plan.results is not None
    labels = plan.results.labels
    paid = payments_of(plan.problem.park.members, contracts)
    cost = gains[gains["part"] != PAYMENTS].groupby("member")["after"].sum()
    rows = []
    for member in plan.problem.park.members:
        alone = plan.alone.get(member)
        before = math.inf if alone is None else alone.cost
        given, got = paid[member]
        own = float(cost[member])
        after = own + given - got
        rows.append(
            (member, labels.get(member, member), before, own, given, got, after, before - after)
        )
    names = ["member", "label", "cost_before", "cost", "paid", "received", "cost_after", "gain"]
    return pd.DataFrame(rows, columns=names)


def monthly_of(
    plan: TradePlan, contracts: pd.DataFrame, charges: pd.DataFrame, retained: list[Retained]
) -> pd.DataFrame:
    """Return the statement of every member by month.

    Parameters
    ----------
    plan
        What is settled.
    contracts, charges
        Trades, and their fees and retained charges, by month.
    retained
        What stays due on what other members sent.
    """
    assert plan.results is not None
    months = plan.results.horizon.month_labels
    index = pd.MultiIndex.from_product(
        [list(plan.problem.park.members), months], names=["member", "month"]
    )
    fees = charges[charges["kind"] == "fee"]
    between = contracts[contracts["seller"] != contracts["buyer"]]
    found = pd.DataFrame(index=index)
    alone = [one.results for one in plan.alone.values() if one.results is not None]
    known = {one.member for one in plan.alone.values() if one.results is not None}
    found["bill_before"] = _billed(alone, index).where(
        index.get_level_values("member").isin(known), np.nan
    )
    found["bill"] = _billed([plan.results], index)
    kept = pd.Series(0.0, index=index)
    for one in retained:
        for month, amount in zip(months, one.amount, strict=True):
            kept[one.member, month] += amount
    found["retained"] = kept
    found["fees_paid"] = _sums(fees, "payer", "amount", index)
    found["fees_received"] = _sums(fees, "recipient", "amount", index)
    found["paid"] = _sums(between, "buyer", "payment", index)
    found["received"] = _sums(between, "seller", "payment", index)
    found["total_before"] = found["bill_before"]
    found["total"] = (
        found["bill"]
        + (found["fees_paid"] - found["fees_received"])
        + (found["paid"] - found["received"])
    )
    found["traded_in_kwh"] = _sums(contracts, "buyer", "received_kwh", index)
    found["traded_out_kwh"] = _sums(contracts, "seller", "sent_kwh", index)
    for name in READ:
        unit = "kw" if name == "highest_import" else "kwh"
        found[f"{name}_{unit}_before"] = _read(alone, name, index)
        found[f"{name}_{unit}"] = _read([plan.results], name, index)
    return found.reset_index()


def _billed(plans: Sequence[Results], index: pd.MultiIndex) -> pd.Series[float]:
    """Return the sum of all bills by member and month [currency]."""
    found = pd.Series(0.0, index=index)
    for results in plans:
        due = results.bill[results.bill["kind"] != METER]
        found = found.add(_sums(due, "member", "amount", index))
    return found


def _read(plans: Sequence[Results], name: str, index: pd.MultiIndex) -> pd.Series[float]:
    """Return what the connections read by member and month; of peaks the sum over connections."""
    found = pd.Series(0.0, index=index)
    for results in plans:
        rows = results.bill[(results.bill["kind"] == METER) & (results.bill["component"] == name)]
        found = found.add(_sums(rows, "member", "quantity", index))
    return found


def _sums(rows: pd.DataFrame, who: str, what: str, index: pd.MultiIndex) -> pd.Series[float]:
    if rows.empty:
        return pd.Series(0.0, index=index)
    sums = rows.groupby([who, "month"])[what].sum()
    return sums.reindex(index).fillna(0.0)
