r"""What a joint plan costs each member before anybody pays anybody, and what the buyers pay for.

$$ c_i = \sum_{k \in \text{ledger}_i} a_k + \frac{p}{1000} \sum_{k \in \text{CO2}_i} e_k, \qquad
   \sum_i c_i = C $$

Everything is booked with who pays it, but for two things that are booked once for all: the park's
price of CO2 $p$, which each member bears for its own entries of CO2, and fees of flows on lines, which
the buyers bear for what is traced to them (`microgrid_opt.trading.flows`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from microgrid_opt.ledger import CO2, COST, KG_PER_T, Linear
from microgrid_opt.trading.flows import charged, traded
from microgrid_opt.trading.form import takes_arcs
from microgrid_opt.trading.pairs import line_key, pairs_of
from microgrid_opt.trading.spec import NETWORK

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from microgrid_opt.draft import Draft
    from microgrid_opt.problem import Problem
    from microgrid_opt.results import Results
    from microgrid_opt.trading.pairs import Pair
    from microgrid_opt.trading.plans import Traded

    Numbers = NDArray[np.float64]

CO2_PRICE = ("policies", "co2_price")
"""Asset and category under which the price of all CO2 is booked."""
DUST = 1e-6
"""Trades below this share of the largest one are what a solver leaves of zero."""


def in_pairs(problem: Problem) -> Problem:
    """Return the same problem with its trades told between pairs of meters."""
    park = problem.park
    if park.trading is None:
        return problem
    trading = park.trading.model_copy(update={"form": "pairs"})
    return replace(problem, park=park.model_copy(update={"trading": trading}))


def member_costs(problem: Problem, results: Results) -> dict[str, float]:
    """Return the cost of each member before payments between members [currency over the horizon]."""
    ledger = results.ledger
    is_shared = (ledger["asset"] == CO2_PRICE[0]) & (ledger["category"] == CO2_PRICE[1])
    own = ledger[(ledger["effect"] == COST) & ~is_shared].groupby("member")["amount"].sum()
    emitted = ledger[ledger["effect"] == CO2].groupby("member")["amount"].sum()
    worth = ledger.loc[is_shared, "worth"].sum()  # booked once, or not at all
    per_kg = worth * problem.park.carbon.price_per_t / KG_PER_T
    moved = _fees_of_lines(problem, results)
    return {
        member: float(own.get(member, 0.0) + per_kg * emitted.get(member, 0.0)) + moved[member]
        for member in problem.park.members
    }


def _fees_of_lines(problem: Problem, results: Results) -> dict[str, float]:
    """Return what members bear and get of fees on lines, less what is booked with lines."""
    park = problem.park
    moved = dict.fromkeys(park.members, 0.0)
    pairs = pairs_of(problem)
    trading = park.trading
    if trading is None or not takes_arcs(problem, pairs):
        return moved
    goes_to = {line_key(key): line.owner or NETWORK for key, line in trading.network.lines.items()}
    ledger = results.ledger
    booked = ledger[ledger["asset"].isin(list(goes_to))].groupby("member")["amount"].sum()
    whole = float(booked.sum())
    goes_to |= {name: fee.paid_to for name, fee in trading.fees.items()}
    flat = {name for name, fee in trading.fees.items() if fee.method == "value"}
    fees = charged(problem, results)
    for pair in pairs:
        for name, amounts in fees[pair.key].items():
            if name in flat:
                continue  # booked at the meters
            amount = float(amounts.sum())
            moved[pair.buyer] += amount
            if goes_to[name] in moved:
                moved[goes_to[name]] -= amount
                continue
            # What is traced to nobody (a flow in a circle) stays where it is booked.
            for member, held in booked.items():
                moved[str(member)] -= amount * float(held) / whole if whole else 0.0
    return moved


def cost_form(problem: Problem, draft: Draft, member: str) -> Linear:
    """Return the cost of a member in a model in pairs, as `member_costs` has it in its results."""
    own = Linear()
    per_kg = 0.0
    for entry in draft.entries:
        if entry.effect != COST:
            continue
        if (entry.asset, entry.category) == CO2_PRICE:
            per_kg = entry.worth * problem.park.carbon.price_per_t / KG_PER_T
        elif entry.member == member:
            own += entry.amount
    emitted = (e.amount for e in draft.entries if e.effect == CO2 and e.member == member)
    return (own + per_kg * sum(emitted, Linear())).merged()


def joins(pair: Pair) -> bool:
    """Return whether a trade is between two members."""
    return pair.seller != pair.buyer


def paid_shares(pair: Pair) -> tuple[float, float]:
    """Return the shares of what is sent and of what is received that the buyer pays for."""
    return {"seller": (0.0, 1.0), "split": (0.5, 0.5)}.get(pair.bearer, (1.0, 0.0))


def paid_kw(trade: Traded) -> Numbers:
    """Return the power for which the buyer pays the seller [kW], shape (n,)."""
    of_sent, of_received = paid_shares(trade.pair)
    return of_sent * trade.sent + of_received * trade.received


def trades_between(problem: Problem, results: Results) -> tuple[Traded, ...]:
    """Return the trades of a plan in which something passes from one member to another."""
    trades = tuple(traded(problem, results).values())
    largest = max((float(trade.sent.max(initial=0.0)) for trade in trades), default=0.0)
    return tuple(
        trade
        for trade in trades
        if joins(trade.pair) and float(trade.sent.max(initial=0.0)) > DUST * max(largest, 1.0)
    )


def received_by(
    members: Iterable[str], pairs: Iterable[Pair], payments: Mapping[str, float]
) -> dict[str, float]:
    """Return what each member gets from the others, less what it pays them [currency]."""
    found = dict.fromkeys(members, 0.0)
    for pair in pairs:
        paid = payments.get(pair.key, 0.0)
        found[pair.seller] += paid
        found[pair.buyer] -= paid
    return found
