r"""Who pays what to whom: every trade by step and month, every member before and after, every account.

$$ m_{gc,t} = h_t\,p_{gc,t}\,(\alpha\,x_{gc,t} + \beta\,r_{gc,t}), \qquad
   (\alpha, \beta) = (1, 0),\; (0, 1),\; (\tfrac12, \tfrac12) $$

The buyer pays for what was sent where it bears the losses (or the network does), for what it received where
the seller bears them, and for the mean of both where they share them. Statements by month are at the prices
of the year, as bills are; costs and gains of members are those of the plan, with its growth of prices and
value-added tax.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from microgrid_opt.errors import InputError
from microgrid_opt.trading.accounts import Accounts, accounts_of
from microgrid_opt.trading.costs import paid_kw
from microgrid_opt.trading.flows import charged, traded
from microgrid_opt.trading.gains import retained_of
from microgrid_opt.trading.green import Green, green_of
from microgrid_opt.trading.pairs import trade_labels
from microgrid_opt.trading.spec import NETWORK
from microgrid_opt.trading.statement import gains_of, members_of, monthly_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from microgrid_opt.horizon import Horizon
    from microgrid_opt.trading.gains import Retained
    from microgrid_opt.trading.plans import Traded, TradePlan

    Numbers = NDArray[np.float64]

QUANTITIES = ("sent", "received", "paid", "lost_seller", "lost_buyer", "lost_network", "claimed")
"""Energy of a trade [kWh]: sent, received, paid for; losses by who bears them; green with certificates."""


@dataclass(frozen=True, eq=False)
class Settlement:
    """The statement of a plan of trades.

    Parameters
    ----------
    plan
        What is settled.
    trades
        What was sent and received, by trade.
    energy
        Energies of each trade in each step [kWh] by `QUANTITIES`, each of shape (n,), by trade.
    payments, fees
        What the buyer pays the seller, and what each fee takes, in each step [currency], shape (n,).
    contracts
        ``trade, label, seller, buyer, month``, a column of kWh for each of `QUANTITIES`, ``price_per_kwh``,
        ``payment``, ``fees``, ``retained``.
    charges
        ``trade, seller, buyer, month, kind, item, label, payer, recipient, amount``; ``kind`` is ``fee`` or
        ``retained``.
    monthly
        ``member, month``; ``bill_before``, ``bill``, ``retained`` (of the bill), ``fees_paid``,
        ``fees_received``, ``paid``, ``received``, ``total_before``, ``total`` [currency]; energy [kWh].
    members
        ``member, label, cost_before, cost, paid, received, cost_after, gain`` [currency].
    gains
        ``member, part, before, after, gain`` [currency]; parts are `microgrid_opt.trading.gains.PARTS`.
    accounts
        What the supplier, the network, the state and others get.
    green
        Where the green energy went, and who claims it.
    notes
        What a reader must know.
    """

    plan: TradePlan
    trades: Mapping[str, Traded]
    energy: Mapping[str, Mapping[str, Numbers]]
    payments: Mapping[str, Numbers]
    fees: Mapping[str, Mapping[str, Numbers]]
    contracts: pd.DataFrame
    charges: pd.DataFrame
    monthly: pd.DataFrame
    members: pd.DataFrame
    gains: pd.DataFrame
    accounts: Accounts
    green: Green
    notes: tuple[str, ...] = ()

    @property
    def horizon(self) -> Horizon:
        """The time axis."""
        return self.plan.problem.horizon

    @property
    def currency(self) -> str:
        """ISO 4217 code of all money."""
        return self.plan.problem.park.currency

    def hourly(self, trade: str) -> pd.DataFrame:
        """Return a trade by step: energies [kWh], price [currency/kWh], payment and fees [currency]."""
        energy, payment = self.energy[trade], self.payments[trade]
        columns = {f"{name}_kwh": energy[name] for name in QUANTITIES}
        columns["price_per_kwh"] = _ratio(payment, energy["paid"])
        columns["payment"] = payment
        columns |= {f"fee_{name}": money for name, money in self.fees[trade].items()}
        index = pd.DatetimeIndex(self.horizon.stamps, name="stamp")
        return pd.DataFrame(columns, index=index)


def settle(plan: TradePlan) -> Settlement:
    """Return the statement of a plan of trades.

    Parameters
    ----------
    plan
        A plan of all members in one model, with what each pays the others.

    Raises
    ------
    InputError
        Each member plans alone, so that there is nothing to settle.
    """
    if plan.results is None:
        raise InputError(f"mode {plan.mode}: each member plans alone, there is nothing to settle.")
    problem, results = plan.problem, plan.results
    trades, fees = traded(problem, results), charged(problem, results)
    green = green_of(problem, results, trades)
    energy = {key: _energies(plan, one, green) for key, one in trades.items()}
    payments = {key: _payments(plan, key, energy[key]["paid"]) for key in trades}
    retained = retained_of(problem, results)
    charges = _charges(plan, trades, energy, fees, retained)
    contracts = _contracts(plan, trades, energy, payments, charges)
    gains = gains_of(plan, contracts)
    return Settlement(
        plan,
        trades,
        energy,
        payments,
        fees,
        contracts,
        charges,
        monthly_of(plan, contracts, charges, retained),
        members_of(plan, gains, contracts),
        gains,
        accounts_of(plan, charges, contracts),
        green,
        (*plan.notes, *green.notes),
    )


# ------------------------------------------------------------------------------------ trades


def _energies(plan: TradePlan, trade: Traded, green: Green) -> dict[str, Numbers]:
    hours, pair = plan.problem.horizon.hours, trade.pair
    trading = plan.problem.park.trading
    assert trading is not None
    paid = paid_kw(trade)
    lost = np.zeros(len(hours))
    if pair.bearer == "network":
        own = None if pair.agreed is None else pair.agreed.loss_fraction
        beside = trading.rules.loss_fraction if own is None else own
        lost = trade.sent * (1.0 - (1.0 - beside) * pair.way.delivered)
    found = {
        "sent": trade.sent,
        "received": trade.received,
        "paid": paid,
        "lost_seller": trade.sent - paid,
        "lost_buyer": paid - trade.received,
        "lost_network": lost,
        "claimed": green.claims[pair.key],
    }
    return {name: power * hours for name, power in found.items()}


def _payments(plan: TradePlan, key: str, paid_kwh: Numbers) -> Numbers:
    """Return what the buyer pays the seller in each step [currency], shape (n,)."""
    price, total = plan.prices.get(key), plan.payments.get(key)
    if price is not None:
        amounts = price * paid_kwh
        found = float(amounts.sum())
        return amounts if total is None or not found else amounts * (total / found)
    # A sum without a price is for every kWh alike; without any kWh, for every hour alike.
    whole = paid_kwh if paid_kwh.any() else plan.problem.horizon.hours
    return np.asarray((total or 0.0) * whole / whole.sum())


def _charges(
    plan: TradePlan,
    trades: Mapping[str, Traded],
    energy: Mapping[str, Mapping[str, Numbers]],
    fees: Mapping[str, Mapping[str, Numbers]],
    retained: list[Retained],
) -> pd.DataFrame:
    """Return every fee and every retained charge of every trade by month."""
    horizon = plan.problem.horizon
    trading = plan.problem.park.trading
    assert trading is not None
    rows = []
    for key, trade in trades.items():
        pair = trade.pair
        known = {charge.fee: charge for charge in pair.charges}
        for name, money in fees[key].items():
            charge, fee = known.get(name), trading.fees.get(name)
            payer = pair.buyer if charge is None else charge.paid_by
            line = trading.network.lines.get(name.removeprefix("line_"))
            other = NETWORK if line is None else line.owner or NETWORK
            recipient = other if fee is None else fee.paid_to
            label = name if fee is None else fee.label or name
            named = (key, pair.seller, pair.buyer)
            rows += [
                (*named, month, "fee", name, label, payer, recipient, amount)
                for month, amount in zip(
                    horizon.month_labels, _by_month(money, horizon), strict=True
                )
            ]
    for one in retained:
        into = {
            key: energy[key]["received"] for key, t in trades.items() if t.pair.sink == one.asset
        }
        whole = _by_month(sum(into.values(), start=np.zeros(len(horizon))), horizon)
        for key, received in into.items():
            share = _ratio(_by_month(received, horizon), whole, nothing=0.0)
            named = (key, trades[key].pair.seller, trades[key].pair.buyer)
            item = ("retained", one.component, one.label, one.member, one.recipient)
            rows += [
                (*named, month, *item, amount)
                for month, amount in zip(horizon.month_labels, one.amount * share, strict=True)
            ]
    names = ["trade", "seller", "buyer", "month", "kind", "item", "label"]
    return pd.DataFrame(rows, columns=[*names, "payer", "recipient", "amount"])


def _contracts(
    plan: TradePlan,
    trades: Mapping[str, Traded],
    energy: Mapping[str, Mapping[str, Numbers]],
    payments: Mapping[str, Numbers],
    charges: pd.DataFrame,
) -> pd.DataFrame:
    horizon = plan.problem.horizon
    labels = trade_labels(plan.problem)
    sums = charges.groupby(["trade", "month", "kind"])["amount"].sum().to_dict()
    rows = []
    for key, trade in trades.items():
        by_month = [_by_month(energy[key][name], horizon) for name in QUANTITIES]
        money = _by_month(payments[key], horizon)
        price = _ratio(money, by_month[QUANTITIES.index("paid")])
        for number, month in enumerate(horizon.month_labels):
            rows.append(
                (
                    *(key, labels[key], trade.pair.seller, trade.pair.buyer, month),
                    *(float(values[number]) for values in by_month),
                    *(float(price[number]), float(money[number])),
                    *(sums.get((key, month, kind), 0.0) for kind in ("fee", "retained")),
                )
            )
    names = ["trade", "label", "seller", "buyer", "month", *(f"{name}_kwh" for name in QUANTITIES)]
    return pd.DataFrame(rows, columns=[*names, "price_per_kwh", "payment", "fees", "retained"])


def _by_month(values: Numbers, horizon: Horizon) -> Numbers:
    count = len(horizon.month_labels)
    return np.bincount(horizon.month, weights=values, minlength=count).astype(np.float64)


def _ratio(part: Numbers, whole: Numbers, nothing: float = np.nan) -> Numbers:
    """Return part / whole, and ``nothing`` where there is no whole."""
    found: Numbers = np.divide(part, whole, out=np.full(len(whole), nothing), where=whole > 0.0)
    return found
