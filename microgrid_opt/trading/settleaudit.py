"""The audit of a settlement: its sums again, from the results of the plan alone.

Nothing of `microgrid_opt.trading.flows`, `gains`, `settlement`, `accounts` and `green` is used here: meters are
read from the series, money from the ledger and from the bill calculator.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from microgrid_opt.audit import Audit, Check
from microgrid_opt.bill import Facts, Meter, bill
from microgrid_opt.bill.of_plan import METER, bill_of_plan
from microgrid_opt.carriers import ELECTRICITY
from microgrid_opt.ledger import COST
from microgrid_opt.parkaudit import CENT, FEASIBILITY, RELATIVE
from microgrid_opt.policies.tariffs.components import EnergyCharge
from microgrid_opt.trading.pairs import meters
from microgrid_opt.trading.spec import NETWORK

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pandas as pd
    from numpy.typing import ArrayLike

    from microgrid_opt.results import Results
    from microgrid_opt.trading.settlement import Settlement

_CO2_PRICE = "co2_price"
_CLAIMED = "used"
_SOLD = ("exported", "traded_without", "dumped", "lost_in_store", "lost_on_the_way")


def audit_settlement(settlement: Settlement) -> Audit:
    """Re-derive a statement from its plan's results.

    Parameters
    ----------
    settlement
        What `microgrid_opt.trading.settlement.settle` returned.
    """
    checks = (
        *_energy(settlement),
        *_payments(settlement),
        *_bills(settlement),
        *_retained(settlement),
        *_fees(settlement),
        *_costs(settlement),
        *_accounts(settlement),
        *_green(settlement),
    )
    return Audit(tuple(checks), ())


def _check(
    subject: str, what: str, mine: ArrayLike, theirs: ArrayLike, unit: str, *, slack: float = 0.0
) -> Check:
    """Return whether two things are equal within what a solver leaves."""
    one, other = np.atleast_1d(np.asarray(mine, float)), np.atleast_1d(np.asarray(theirs, float))
    error = float(np.abs(one - other).max(initial=0.0))
    scale = float(np.maximum(np.abs(one), np.abs(other)).max(initial=0.0))
    base = CENT if unit not in {"kW", "kWh"} else FEASIBILITY
    error = math.inf if math.isnan(error) else error
    return Check(subject, what, error, max(base, RELATIVE * scale) + slack, unit)


def _most(subject: str, what: str, mine: ArrayLike, most: ArrayLike, unit: str) -> Check:
    over = np.maximum(np.asarray(mine, float) - np.asarray(most, float), 0.0)
    return _check(subject, what, over, np.zeros_like(over), unit, slack=_room(most))


def _room(values: ArrayLike) -> float:
    return RELATIVE * float(np.abs(np.asarray(values, float)).max(initial=0.0))


# ------------------------------------------------------------------------------------ trades


def _energy(s: Settlement) -> Iterator[Check]:
    """Check the trades of every meter against what it read, and their losses."""
    assert s.plan.results is not None
    series, hours = s.plan.results.series, s.horizon.hours
    for meter in meters(s.plan.problem.park):
        prefix = f"{s.plan.problem.park.owner(meter)}.{meter}"
        traded = np.zeros(len(hours))
        for key, trade in s.trades.items():
            if trade.pair.source == meter:
                traded = traded + s.energy[key]["sent"]
            if trade.pair.sink == meter:
                traded = traded - s.energy[key]["received"]
        out, into = (series[f"{prefix}.wheeled_{side}"].to_numpy() for side in ("out", "in"))
        # What a meter gives and takes at once is no trade.
        slack = _round(s, out, into)
        mine = (out - into) * hours
        yield _check(meter, "sends or receives its trades", traded, mine, "kWh", slack=slack)
    for key, energy in s.energy.items():
        gone = energy["lost_seller"] + energy["lost_buyer"]
        yield _check(
            key, "what is not lost arrives", energy["sent"] - gone, energy["received"], "kWh"
        )
        of = s.contracts[s.contracts["trade"] == key]
        for name in ("sent", "received", "paid"):
            yield _check(
                key, f"{name} by month", of[f"{name}_kwh"].sum(), energy[name].sum(), "kWh"
            )


def _round(s: Settlement, out: ArrayLike, into: ArrayLike) -> float:
    """Return what a meter that gives and takes at once may lose in itself [kWh]."""
    trading = s.plan.problem.park.trading
    assert trading is not None
    both = np.minimum(np.asarray(out), np.asarray(into)) * s.horizon.hours
    return float(both.max(initial=0.0)) * max(trading.rules.loss_fraction, RELATIVE)


def _payments(s: Settlement) -> Iterator[Check]:
    """Check that what members pay each other cancels, and is what was agreed."""
    net = s.members["paid"].sum() - s.members["received"].sum()
    gross = float(s.members["paid"].abs().sum())
    yield _check("payments", "sum to nothing", net, 0.0, s.currency, slack=RELATIVE * gross)
    for key in s.trades:
        found = float(s.contracts.loc[s.contracts["trade"] == key, "payment"].sum())
        yield _check(key, "payment by month", found, s.payments[key].sum(), s.currency)
        if key in s.plan.payments:
            yield _check(key, "payment as agreed", found, s.plan.payments[key], s.currency)
        elif key in s.plan.prices:
            due = s.plan.prices[key] * s.energy[key]["paid"]
            yield _check(key, "price times energy", found, due.sum(), s.currency)
    for side, other in (("paid", "buyer"), ("received", "seller")):
        between = s.contracts[s.contracts["seller"] != s.contracts["buyer"]]
        sums = between.groupby(other)["payment"].sum()
        for row in s.members.to_dict("records"):
            theirs = float(sums.get(row["member"], 0.0))
            yield _check(row["member"], f"{side} between members", row[side], theirs, s.currency)


# ------------------------------------------------------------------------------------ money


def _bills(s: Settlement) -> Iterator[Check]:
    """Check the bills of every member, and the total of each month."""
    assert s.plan.results is not None
    after = bill_of_plan(s.plan.results, s.plan.problem)
    fees = s.charges[s.charges["kind"] == "fee"]
    for member, mine in s.monthly.groupby("member", sort=False):
        name = str(member)
        due = _due(after, name, s.horizon.month_labels)
        yield _check(name, "bill after", mine["bill"], due, s.currency)
        alone = s.plan.alone.get(name)
        if alone is not None and alone.results is not None:
            was = _due(alone.results.bill, name, s.horizon.month_labels)
            yield _check(name, "bill before", mine["bill_before"], was, s.currency)
        given = _by_month(fees, "payer", name, s, "amount") - _by_month(
            fees, "recipient", name, s, "amount"
        )
        between = s.contracts[s.contracts["seller"] != s.contracts["buyer"]]
        paid = _by_month(between, "buyer", name, s, "payment") - _by_month(
            between, "seller", name, s, "payment"
        )
        yield _check(name, "total of each month", mine["total"], due + given + paid, s.currency)


def _retained(s: Settlement) -> Iterator[Check]:
    """Check what stays due on power of others: what its prices make of this power alone."""
    assert s.plan.results is not None
    results, problem = s.plan.results, s.plan.problem
    kept = s.charges[s.charges["kind"] == "retained"]
    for meter in meters(problem.park):
        asset, owner = problem.park.assets[meter], problem.park.owner(meter)
        wheeled = np.maximum(results.of(f"{owner}.{meter}.wheeled_in"), 0.0)
        trades = {key for key, trade in s.trades.items() if trade.pair.sink == meter}
        mine = kept[kept["trade"].isin(trades)]
        price = problem.arrays.get(f"assets.{meter}.retained_price_per_kwh")
        if price is not None:
            due = float((wheeled * price) @ s.horizon.hours)
            yield _check(meter, "retained", mine["amount"].sum(), due, s.currency)
        tariff = getattr(asset, "priced", None)
        if tariff is None:
            continue
        start = f"assets.{meter}.tariff."
        numbers = {
            k.removeprefix(start): v for k, v in problem.arrays.items() if k.startswith(start)
        }
        contract = asset.contract  # type: ignore[attr-defined]
        alone = bill(
            tariff,
            numbers,
            Meter(s.horizon, wheeled, np.zeros(len(wheeled))),
            Facts(contract, transformer_kva=1.0, contract_kw=1.0),
        )
        for name, component in tariff.components.items():
            if name in alone.amounts and isinstance(component, EnergyCharge):
                due = alone.component(name) if component.retained_when_wheeled else 0.0
                found = float(mine.loc[mine["item"] == name, "amount"].sum())
                yield _check(meter, f"retained {name}", found, due, s.currency)


def _due(table: pd.DataFrame, member: str, months: Iterable[str]) -> list[float] | np.ndarray:
    rows = table[(table["kind"] != METER) & (table["member"] == member)]
    sums = rows.groupby("month")["amount"].sum()
    return np.array([float(sums.get(month, 0.0)) for month in months])


def _by_month(rows: pd.DataFrame, who: str, member: str, s: Settlement, what: str) -> np.ndarray:
    sums = rows[rows[who] == member].groupby("month")[what].sum()
    return np.array([float(sums.get(month, 0.0)) for month in s.horizon.month_labels])


def _fees(s: Settlement) -> Iterator[Check]:
    """Check the fees against the ledger, where who pays stands with a plus, who gets it with a minus."""
    assert s.plan.results is not None
    ledger, park = s.plan.results.ledger, s.plan.problem.park
    trading = park.trading
    assert trading is not None
    lines = {f"line_{key}" for key in trading.network.lines}
    trades, known = set(s.trades), {*trading.fees, *lines, "bank_fee"}
    is_fee = ledger["asset"].isin(trades) & ledger["category"].isin(known)
    is_fee |= (ledger["asset"] == NETWORK) & ledger["category"].isin(trading.fees)
    is_fee |= ledger["asset"].isin(lines)
    rows = ledger[is_fee & (ledger["effect"] == COST)]
    amounts = rows["amount"] / rows["worth"]
    fees = s.charges[s.charges["kind"] == "fee"]
    own = fees["recipient"].isin(park.members)
    net = float(fees["amount"].sum() - fees.loc[own, "amount"].sum())
    yield _check("fees", "are those of the ledger", net, amounts.sum(), s.currency)
    if not set(s.plan.results.columns["asset"]) & lines:
        # In arc form lines book what leaves the park, without who pays it.
        for member in park.members:
            mine = float(fees.loc[fees["payer"] == member, "amount"].sum())
            mine -= float(fees.loc[fees["recipient"] == member, "amount"].sum())
            theirs = amounts[rows["member"] == member].sum()
            yield _check(member, "pays and gets fees", mine, theirs, s.currency)


def _costs(s: Settlement) -> Iterator[Check]:
    """Check that costs and gains of members add up to those of the plan."""
    assert s.plan.results is not None
    yield _check(
        "members",
        "cost what the plan costs",
        s.members["cost"].sum(),
        s.plan.results.cost,
        s.currency,
    )
    for row in s.members.to_dict("records"):
        name = row["member"]
        parts = s.gains[s.gains["member"] == name]
        after = row["cost"] + row["paid"] - row["received"]
        yield _check(name, "cost after payments", row["cost_after"], after, s.currency)
        yield _check(name, "parts of its cost", parts["after"].sum(), after, s.currency)
        if name in s.plan.costs:
            yield _check(name, "cost as planned", row["cost"], s.plan.costs[name], s.currency)
        alone = s.plan.alone.get(name)
        if alone is not None and alone.results is not None:
            gain = alone.results.cost - after
            yield _check(name, "gain", row["gain"], gain, s.currency)
            yield _check(name, "parts of its gain", parts["gain"].sum(), gain, s.currency)


def _accounts(s: Settlement) -> Iterator[Check]:
    """Check that the accounts get what the members pay."""
    assert s.plan.results is not None
    items, park = s.accounts.items, s.plan.problem.park
    fees = s.charges[(s.charges["kind"] == "fee") & ~s.charges["recipient"].isin(park.members)]
    after = _paid_out(s.plan.results) + float(fees["amount"].sum())
    alone = [one.results for one in s.plan.alone.values() if one.results is not None]
    before = sum(map(_paid_out, alone))
    yield _check("accounts", "get what members pay", items["after"].sum(), after, s.currency)
    yield _check("accounts", "got what members paid", items["before"].sum(), before, s.currency)


def _paid_out(results: Results) -> float:
    table, ledger = results.bill, results.ledger
    due = float(table.loc[table["kind"] != METER, "amount"].sum())
    priced = ledger[(ledger["effect"] == COST) & (ledger["category"] == _CO2_PRICE)]
    return due + float((priced["amount"] / priced["worth"]).sum())


# ------------------------------------------------------------------------------------ green


def _green(s: Settlement) -> Iterator[Check]:
    """Check that every renewable kWh stands once, and that no more is claimed than is delivered."""
    assert s.plan.results is not None
    energy, buckets = s.plan.results.energy, s.green.buckets
    made = energy[(energy["carrier"] == ELECTRICITY) & (energy["role"] == "generation")]
    made = made[made["renewable"].astype(bool)]
    used = buckets[(buckets["kind"] == "generation") & (buckets["bucket"] != "curtailed")]
    sums = used.groupby("source")["kwh"].sum()
    for asset, row in made.groupby("asset")["supplied"].sum().items():
        yield _check(str(asset), "each kWh in one place", sums.get(asset, 0.0), row, "kWh")
    for key, claim in s.green.claims.items():
        most = s.energy[key]["received"]
        yield _most(key, "claimed within delivered", claim * s.horizon.hours, most, "kWh")
        yield _check(key, "claimed", s.energy[key]["claimed"], claim * s.horizon.hours, "kWh")
    whole = float(made["supplied"].sum())
    claimed = float(s.green.members["claimed_kwh"].sum())
    inside = buckets[buckets["bucket"] == _CLAIMED]["kwh"].sum()
    yield _check("claims", "are what is used", claimed, inside, "kWh")
    gone = float(buckets.loc[buckets["bucket"].isin(_SOLD), "kwh"].sum())
    yield _most("claims", "and what is sold within what is made", claimed + gone, whole, "kWh")
