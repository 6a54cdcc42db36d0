"""Tables of a settlement's page."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from microgrid_opt.report.tables import (
    Cell,
    Column,
    Table,
    format_percent,
    humanised,
)
from microgrid_opt.trading.gains import PARTS
from microgrid_opt.trading.green import BUCKETS

if TYPE_CHECKING:
    import pandas as pd

    from microgrid_opt.trading.settlement import Settlement

SHOWN = 20
"""Most trades whose months stand on the page; the files have all of them."""


def label_of(s: Settlement, member: str) -> str:
    """Return the name of a member for reading, or of an account as words."""
    assert s.plan.results is not None
    if member in s.plan.problem.park.members:
        return str(s.plan.results.labels.get(member, member))
    return humanised(member)


def members(s: Settlement) -> Table:
    """Return the cost of every member before and after, and its gain."""
    money = s.currency
    names = ("cost_before", "cost", "paid", "received", "cost_after", "gain")
    titles = ("Before", "Own cost", "Pays", "Is paid", "After", "Gain")
    rows: list[list[Cell]] = [
        [
            row["label"],
            *(row[name] if math.isfinite(row[name]) else None for name in names),
            _share(row["gain"], row["cost_before"]),
        ]
        for row in s.members.to_dict("records")
    ]
    total: list[Cell] = ["All", *(_finite(s.members[name].sum()) for name in names), ""]
    columns = [
        Column("Member"),
        *(Column(title, money, sign=title == "Gain") for title in titles),
        Column("Of its cost", "1"),
    ]
    return Table(columns, rows, total)


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _share(part: float, whole: float) -> str:
    if not (math.isfinite(part) and math.isfinite(whole) and whole):
        return ""
    return format_percent(part / abs(whole), sign=True)


def contracts(s: Settlement) -> Table:
    """Return the sums of every trade that took place."""
    sums = _kept_trades(s)
    rows: list[list[Cell]] = [
        [
            row["label"],
            label_of(s, row["seller"]),
            label_of(s, row["buyer"]),
            row["sent_kwh"],
            row["received_kwh"],
            row["claimed_kwh"],
            row["payment"] / row["paid_kwh"] if row["paid_kwh"] else None,
            row["payment"],
            row["fees"],
            row["retained"],
        ]
        for row in sums.to_dict("records")
    ]
    money = s.currency
    columns = [Column("Trade"), Column("Seller"), Column("Buyer"), Column("Sent", "kWh")]
    columns += [Column("Delivered", "kWh"), Column("With certificate", "kWh")]
    columns += [Column("Price", f"{money}/kWh"), Column("Payment", money), Column("Fees", money)]
    return Table([*columns, Column("Retained", money)], rows)


def _kept_trades(s: Settlement) -> pd.DataFrame:
    """Return the sums of the trades in which something was sent or paid, the largest first."""
    keys = ["trade", "label", "seller", "buyer"]
    sums = s.contracts.groupby(keys, sort=False).sum(numeric_only=True).reset_index()
    largest = max(float(sums["sent_kwh"].max()), 1.0) if len(sums) else 1.0
    kept = (sums["sent_kwh"] > 1e-9 * largest) | (sums["payment"].abs() > 0.0)
    return sums[kept].sort_values("sent_kwh", ascending=False, kind="stable")


def gains(s: Settlement) -> Table:
    """Return the parts of every member's gain."""
    members = list(s.members["member"])
    wide = s.gains.pivot(index="part", columns="member", values="gain")
    table = wide.reindex(index=list(PARTS), columns=members).to_numpy(dtype=float)
    rows: list[list[Cell]] = [
        [humanised(part), *map(_finite, values.tolist()), _finite(float(values.sum()))]
        for part, values in zip(PARTS, table, strict=True)
        if np.nanmax(np.abs(values), initial=0.0) > 0.0
    ]
    gains = [_finite(float(gain)) for gain in s.members["gain"]]
    whole = _finite(float(s.members["gain"].sum()))
    columns = [Column("Part")]
    columns += [Column(label_of(s, member), s.currency, sign=True) for member in members]
    return Table([*columns, Column("All", s.currency, sign=True)], rows, ["Gain", *gains, whole])


def accounts(s: Settlement) -> Table:
    """Return what every account gets, item by item."""
    rows: list[list[Cell]] = []
    marks = {}
    for name in s.accounts.names:
        mine = s.accounts.items[s.accounts.items["account"] == name]
        if mine.empty:
            continue
        for row in mine.to_dict("records"):
            text = str(row["label"])
            label = humanised(text) if text == row["item"] else text
            rows.append([humanised(name), label, row["before"], row["after"], row["change"]])
        marks[len(rows)] = "total"
        sums = [float(mine[column].sum()) for column in ("before", "after", "change")]
        rows.append([f"{humanised(name)}, all", "", *sums])
    money = s.currency
    columns = [Column("Account"), Column("Item"), Column("Before", money), Column("After", money)]
    return Table([*columns, Column("Change", money, sign=True)], rows, marks=marks)


def statements(s: Settlement) -> tuple[list[tuple[str, Table]], str]:
    """Return title and months of every member and trade, and what is left out."""
    found = [(label_of(s, str(key)), _statement(s, rows))
             for key, rows in s.monthly.groupby("member", sort=False)]  # fmt: skip
    kept = _kept_trades(s)
    for row in kept.head(SHOWN).to_dict("records"):
        months = s.contracts[s.contracts["trade"] == row["trade"]]
        title = f"{label_of(s, row['seller'])} to {label_of(s, row['buyer'])}: {row['label']}"
        found.append((title, _contract(s, months)))
    more = "" if len(kept) <= SHOWN else (
        f"The {SHOWN} largest of {len(kept)} trades; the files of the settlement have all of them."
    )  # fmt: skip
    return found, more


def _statement(s: Settlement, rows: pd.DataFrame) -> Table:
    money = s.currency
    columns = [
        ("bill_before", "Bill before", money),
        ("bill", "Bill", money),
        ("retained", "of it retained", money),
        ("fees_paid", "Fees", money),
        ("fees_received", "Fees received", money),
        ("paid", "Pays", money),
        ("received", "Is paid", money),
        ("total", "Total", money),
        ("bought_kwh_before", "Bought before", "kWh"),
        ("bought_kwh", "Bought", "kWh"),
        ("sold_kwh", "Sold", "kWh"),
        ("traded_in_kwh", "Traded in", "kWh"),
        ("traded_out_kwh", "Traded out", "kWh"),
    ]
    always = {"bill_before", "bill", "total"}
    kept = [one for one in columns if one[0] in always or rows[one[0]].abs().max() > 0.0]
    cells = [
        [row["month"], *(_finite(row[name]) for name, *_ in kept)]
        for row in rows.to_dict("records")
    ]
    total: list[Cell] = [
        "All",
        *(_finite(float(rows[name].sum(skipna=False))) for name, *_ in kept),
    ]
    head = [Column("Month"), *(Column(title, unit) for _, title, unit in kept)]
    return Table(head, cells, total if len(cells) > 1 else ())


def _contract(s: Settlement, rows: pd.DataFrame) -> Table:
    money = s.currency
    columns = [
        ("sent_kwh", "Sent", "kWh"),
        ("received_kwh", "Delivered", "kWh"),
        ("claimed_kwh", "With certificate", "kWh"),
        ("price_per_kwh", "Price", f"{money}/kWh"),
        ("payment", "Payment", money),
        ("fees", "Fees", money),
        ("retained", "Retained", money),
    ]
    cells = [
        [row["month"], *(_finite(row[name]) for name, *_ in columns)]
        for row in rows.to_dict("records")
    ]
    head = [Column("Month"), *(Column(title, unit) for _, title, unit in columns)]
    return Table(head, cells)


def green(s: Settlement) -> Table:
    """Return claims, hourly match and CO2 of every member."""
    rows: list[list[Cell]] = [
        [
            label_of(s, row["member"]),
            *(row[name] for name in ("made_kwh", "load_kwh", "claimed_kwh")),
            format_percent(row["matched_share"]),
            *(row[name] for name in ("producer_kg", "consumer_kg", "market_kg")),
        ]
        for row in s.green.members.to_dict("records")
    ]
    columns = [Column("Member"), Column("Made", "kWh"), Column("Load", "kWh")]
    columns += [Column("Claimed", "kWh"), Column("Matched", "1"), Column("CO2, producer", "kg")]
    columns += [Column("CO2, consumer", "kg"), Column("CO2, market", "kg")]
    return Table(columns, rows)


def buckets(s: Settlement) -> Table:
    """Return where the energy of each renewable generator and store went."""
    assert s.plan.results is not None
    table = s.green.buckets[s.green.buckets["kind"].isin(["generation", "storage"])]
    wide = table.pivot_table(
        index="source", columns="bucket", values="kwh", aggfunc="sum", fill_value=0.0, sort=False
    )
    wide = wide[[name for name in BUCKETS if name in wide.columns]]
    labels = s.plan.results.labels
    rows: list[list[Cell]] = [
        [str(labels.get(str(source), source)), *(float(value) for value in row)]
        for source, row in zip(wide.index, wide.to_numpy(), strict=True)
    ]
    columns = [
        Column("Generator or store"),
        *(Column(humanised(str(c)), "kWh") for c in wide.columns),
    ]
    return Table(columns, rows)
