"""All modes of a study side by side, as plain tables: money and CO2 by member, energy, fees by account."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from microgrid_opt.ledger import CO2
from microgrid_opt.trading.costs import paid_kw, received_by, trades_between
from microgrid_opt.trading.modes import gains
from microgrid_opt.trading.pairs import pairs_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from microgrid_opt.results import Results
    from microgrid_opt.trading.plans import TradePlan
    from microgrid_opt.trading.settlement import Settlement
    from microgrid_opt.trading.sharing import Shared, Sharing

SCHEMA = 1
"""Version of the layout of `trade.json`."""


@dataclass(frozen=True)
class ModeFigures:
    """One mode in numbers, over the horizon.

    Parameters
    ----------
    mode
        Its name.
    cost
        Cost of each member before payments [currency].
    received
        What each member gets from the others less what it pays them [currency].
    gain
        What each member saves against being alone, payments included [currency].
    co2_kg
        CO2 of each member [kg].
    sent_kwh
        Energy sent in each trade between members [kWh], by its key.
    payments
        What is paid in each trade [currency].
    price
        The same by kWh that is paid for [currency/kWh].
    accounts
        What the supplier, the network, the state and other accounts get of the members [currency]; empty
        where nobody looked.
    notes
        What a reader must know.
    """

    mode: str
    cost: Mapping[str, float]
    received: Mapping[str, float]
    gain: Mapping[str, float]
    co2_kg: Mapping[str, float]
    sent_kwh: Mapping[str, float]
    payments: Mapping[str, float]
    price: Mapping[str, float]
    accounts: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def bill(self) -> dict[str, float]:
        """Cost of each member after payments [currency]."""
        return {member: cost - self.received[member] for member, cost in self.cost.items()}


def figures(plan: TradePlan) -> ModeFigures:
    """Return a mode in numbers."""
    members = tuple(plan.problem.park.members)
    co2 = dict.fromkeys(members, 0.0)
    held = [a.results for a in plan.alone.values()] if plan.results is None else [plan.results]
    for results in held:
        if results is not None:
            for member, amount in _emitted(results).items():
                co2[member] += amount
    sent: dict[str, float] = {}
    price: dict[str, float] = {}
    if plan.results is not None:
        hours = plan.problem.horizon.hours
        for trade in trades_between(plan.problem, plan.results):
            key = trade.pair.key
            sent[key] = float(trade.sent @ hours)
            energy = float(paid_kw(trade) @ hours)
            if key in plan.payments and energy:
                price[key] = plan.payments[key] / energy
    return ModeFigures(
        plan.mode,
        plan.costs,
        received_by(members, pairs_of(plan.problem), plan.payments),
        gains(plan),
        co2,
        sent,
        plan.payments,
        price,
        notes=plan.notes,
    )


def _emitted(results: Results) -> dict[str, float]:
    ledger = results.ledger
    sums = ledger[ledger["effect"] == CO2].groupby("member")["amount"].sum()
    return {str(member): float(amount) for member, amount in sums.items()}


def side_by_side(
    plans: Mapping[str, TradePlan], settlements: Mapping[str, Settlement]
) -> dict[str, ModeFigures]:
    """Return modes in numbers, with what the accounts outside the park get in each.

    Parameters
    ----------
    plans, settlements
        By mode; a mode in which each plans alone has no settlement, and the accounts before any trade.
    """
    accounts = {name: settled.accounts for name, settled in settlements.items()}
    first = next(iter(accounts.values()), None)
    before = {} if first is None else {name: first.total(name, "before") for name in first.names}
    found = {}
    for mode, plan in plans.items():
        got = before
        if mode in accounts:
            got = {name: accounts[mode].total(name, "after") for name in accounts[mode].names}
        found[mode] = replace(figures(plan), accounts=got)
    return found


def by_member(modes: Mapping[str, ModeFigures]) -> pd.DataFrame:
    """Return a table with a row for each mode and member; money in currency, CO2 in kg."""
    import pandas as pd

    rows = [
        (
            mode,
            member,
            cost,
            one.received[member],
            one.bill[member],
            one.gain[member],
            one.co2_kg[member],
        )
        for mode, one in modes.items()
        for member, cost in one.cost.items()
    ]
    names = ["mode", "member", "cost", "received", "bill", "gain", "co2_kg"]
    return pd.DataFrame(rows, columns=names)


def by_trade(modes: Mapping[str, ModeFigures]) -> pd.DataFrame:
    """Return a table with a row for each mode and trade; price per kWh that is paid for."""
    import pandas as pd

    rows = [
        (mode, key, one.sent_kwh.get(key, 0.0), one.payments.get(key), one.price.get(key))
        for mode, one in modes.items()
        for key in dict.fromkeys((*one.sent_kwh, *one.payments))
    ]
    return pd.DataFrame(rows, columns=["mode", "trade", "sent_kwh", "payment", "price_per_kwh"])


def hourly_prices(plans: Mapping[str, TradePlan]) -> pd.DataFrame:
    """Return clearing prices by step and trade, per kWh sent; empty without them."""
    import pandas as pd

    from microgrid_opt.trading.prices import Cleared

    tables = []
    for plan in plans.values():
        if not isinstance(plan, Cleared):
            continue
        for key, one in plan.by_trade.items():
            columns = {
                "stamp": plan.problem.horizon.stamps,
                "trade": key,
                "reservation_low": one.reservation_low,
                "reservation_high": one.reservation_high,
                "low": one.low,
                "clearing": one.clearing,
                "high": one.high,
                "worth": one.worth,
            }
            tables.append(pd.DataFrame(columns))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def told(
    plans: Mapping[str, TradePlan],
    modes: Mapping[str, ModeFigures],
    shared: Sharing | None,
    skipped: Mapping[str, str],
) -> dict[str, Any]:
    """Return a study as JSON knows it; money in currency and energy in kWh over the horizon."""
    first = next(iter(plans.values()), None)
    found: dict[str, Any] = {
        "schema": SCHEMA,
        "name": "" if first is None else first.problem.title,
        "currency": "" if first is None else first.problem.park.currency,
        "modes": {name: _mode(plans[name], one) for name, one in modes.items()},
        "left_out": dict(skipped),
    }
    if shared is not None:
        found["sharing"] = {
            "game": shared.kind,
            "rules": {rule: _rule(one) for rule, one in shared.by_rule.items()},
        }
    return found


def _mode(plan: TradePlan, one: ModeFigures) -> dict[str, Any]:
    from microgrid_opt.trading.contracts import Contracted
    from microgrid_opt.trading.prices import Cleared

    found: dict[str, Any] = {
        "cost": _plain(one.cost),
        "received": _plain(one.received),
        "bill": _plain(one.bill),
        "gain": _plain(one.gain),
        "co2_kg": _plain(one.co2_kg),
        "sent_kwh": _plain(one.sent_kwh),
        "payments": _plain(one.payments),
        "price_per_kwh": _plain(one.price),
        "accounts": _plain(one.accounts),
        "notes": list(one.notes),
    }
    if plan.results is not None:
        run = plan.results.run
        found["run"] = {"status": run.status, "kind": run.kind, "gap": run.gap}
    if isinstance(plan, Cleared):
        found |= {
            "rents": _plain(plan.rents),
            "rent_owners": dict(plan.owners),
            "uplift": _plain(plan.uplift),
        }
    if isinstance(plan, Contracted):
        hours = plan.problem.horizon.hours
        found["contracts"] = {
            test.pair.key: {
                "agreed": test.agreed,
                "volume_kwh": float(test.sent @ hours),
                "paid": test.paid,
                **{
                    side: _plain(
                        {"wants_kwh": s.wanted_kwh, "wanted_gain": s.wanted_gain, "gain": s.gain}
                    )
                    for side, s in (("seller", test.seller), ("buyer", test.buyer))
                },
            }
            for test in plan.tested
        }
    return found


def _rule(one: Shared) -> dict[str, Any]:
    shares = one.allocation
    return {
        "shares": _plain(shares.shares),
        "received": _plain(one.received),
        "payback_years": _plain(one.payback_years),
        "rational": dict(shares.rational),
        "in_core": shares.in_core,
        "max_excess": {
            "coalition": sorted(shares.excess.coalition),
            "amount": shares.excess.amount,
            "proven": shares.excess.proven,
        },
        "least_core_excess": shares.epsilon,
        "interval": None if shares.interval is None else dict(shares.interval),
        "notes": list(shares.notes),
    }


def _plain(numbers: Mapping[str, float | None]) -> dict[str, float | None]:
    """Return numbers for JSON, which knows neither infinity nor NaN."""
    return {
        name: None if value is None or not math.isfinite(value) else float(value)
        for name, value in numbers.items()
    }
