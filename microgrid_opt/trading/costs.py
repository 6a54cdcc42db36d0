r"""What a joint plan costs each member before anybody pays anybody, and what the members paid for.

$$ c_i = \sum_{k \in \text{ledger}_i} a_k + \frac{p}{1000} \sum_{k \in \text{CO2}_i} e_k, \qquad
   \sum_i c_i = C $$

The park's price of CO2 $p$ is booked once for all; here each member bears it for its own entries of
CO2. Everything else is booked with who pays it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from microgrid_opt.ledger import CO2, COST, KG_PER_T, Linear
from microgrid_opt.trading.pairs import pairs_of
from microgrid_opt.trading.plans import Traded

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from microgrid_opt.draft import Draft
    from microgrid_opt.problem import Problem
    from microgrid_opt.results import Results
    from microgrid_opt.trading.pairs import Pair

    Numbers = NDArray[np.float64]

CO2_PRICE = ("policies", "co2_price")
"""Asset and category under which the price of all CO2 is booked."""
DUST = 1e-6
"""Trades below this share of the largest one are what a solver leaves of zero."""


def traded_in_pairs(problem: Problem, results: Results) -> tuple[Traded, ...]:
    """Return every trade of a plan that was written in pairs of meters."""
    found = []
    for pair in pairs_of(problem):
        key = f"{pair.seller}.{pair.key}"
        sent = results.of(f"{key}.sent")
        waits = pair.window != "hour"
        received = results.of(f"{key}.received") if waits else sent * pair.delivered
        found.append(Traded(pair, sent, received))
    return tuple(found)


def member_costs(problem: Problem, results: Results) -> dict[str, float]:
    """Return the cost of each member before payments between members [currency over the horizon]."""
    ledger = results.ledger
    is_shared = (ledger["asset"] == CO2_PRICE[0]) & (ledger["category"] == CO2_PRICE[1])
    own = ledger[(ledger["effect"] == COST) & ~is_shared].groupby("member")["amount"].sum()
    emitted = ledger[ledger["effect"] == CO2].groupby("member")["amount"].sum()
    worth = ledger.loc[is_shared, "worth"].sum()  # booked once, or not at all
    per_kg = worth * problem.park.carbon.price_per_t / KG_PER_T
    return {
        member: float(own.get(member, 0.0)) + per_kg * float(emitted.get(member, 0.0))
        for member in problem.park.members
    }


def cost_form(problem: Problem, draft: Draft, member: str) -> Linear:
    """Return the cost of a member in a model, as `member_costs` has it in its results."""
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


def paid_shares(pair: Pair) -> tuple[float, float]:
    """Return the shares of what is sent and of what is received that the buyer pays for."""
    return {"seller": (0.0, 1.0), "split": (0.5, 0.5)}.get(pair.bearer, (1.0, 0.0))


def paid_kw(trade: Traded) -> Numbers:
    """Return the power for which the buyer pays the seller [kW], shape (n,)."""
    of_sent, of_received = paid_shares(trade.pair)
    return of_sent * trade.sent + of_received * trade.received


def between_members(trades: Iterable[Traded]) -> tuple[Traded, ...]:
    """Return the trades in which something passes from one member to another."""
    trades = tuple(trades)
    largest = max((float(trade.sent.max(initial=0.0)) for trade in trades), default=0.0)
    return tuple(
        trade
        for trade in trades
        if trade.pair.seller != trade.pair.buyer
        and float(trade.sent.max(initial=0.0)) > DUST * max(largest, 1.0)
    )


def received_by(
    members: Iterable[str], trades: Iterable[Traded], payments: Mapping[str, float]
) -> dict[str, float]:
    """Return what each member gets from the others, less what it pays them [currency]."""
    found = dict.fromkeys(members, 0.0)
    for trade in trades:
        paid = payments.get(trade.pair.key, 0.0)
        found[trade.pair.seller] += paid
        found[trade.pair.buyer] -= paid
    return found


def in_pairs(problem: Problem) -> Problem:
    """Return the same problem with its trades told between pairs of meters."""
    park = problem.park
    if park.trading is None:
        return problem
    trading = park.trading.model_copy(update={"form": "pairs"})
    return replace(problem, park=park.model_copy(update={"trading": trading}))
