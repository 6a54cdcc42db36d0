r"""What each part of a plan costs each member, and from which parts its gain comes.

$$ C^0_i - C_i - m_i = \sum_k (a^0_{ik} - a_{ik}) - m_i, \qquad C_i = \sum_k a_{ik} $$

with the cost $a_{ik}$ of part $k$ of member $i$, alone and together, and what it pays the others less
what it is paid, $m_i$. Every row of the ledger is in exactly one part, so that the parts add up.

Two entries of the ledger stand for several members: the park's price of CO2, which each bears for its own
emissions, and what lines take in plans in arc form, which the buyers pay as their power uses the lines.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from microgrid_opt.bill.of_plan import METER
from microgrid_opt.ledger import CO2, COST, KG_PER_T
from microgrid_opt.results import AssetResults
from microgrid_opt.trading.flows import charged
from microgrid_opt.trading.form import takes_arcs
from microgrid_opt.trading.pairs import line_key, meters, pairs_of
from microgrid_opt.trading.spec import NETWORK, ValueFee
from microgrid_opt.trading.write import BANK_FEE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from microgrid_opt.problem import Problem
    from microgrid_opt.results import Results

    Numbers = NDArray[np.float64]

ENERGY, DEMAND, EXPORT, OTHER = "energy_bought", "demand_and_capacity", "export", "other_charges"
RETAINED, FEES, INCOME = "retained", "fees_paid", "fees_received"
OWN, CARBON, PAYMENTS = "own_assets", "co2_price", "payments"
PARTS = (ENERGY, DEMAND, EXPORT, OTHER, RETAINED, FEES, INCOME, OWN, CARBON, PAYMENTS)
"""Parts of a member's cost and gain, in the order in which people read them."""
_KINDS = {
    **dict.fromkeys(("energy", "tiered_energy"), ENERGY),
    **dict.fromkeys(("demand", "contract_demand", "capacity", "standby"), DEMAND),
    **dict.fromkeys(("export", "tiered_export", "contract_for_difference", "net_metering"), EXPORT),
}
_CO2_PRICE = ("policies", "co2_price")


class Retained(NamedTuple):
    """What of a component stays due on what other members sent.

    Parameters
    ----------
    member, asset
        Who is billed, and for which connection.
    component, label, recipient
        Of the tariff, and to whom it goes.
    amount
        Money [currency], shape (months,).
    """

    member: str
    asset: str
    component: str
    label: str
    recipient: str
    amount: Numbers


def retained_of(problem: Problem, results: Results) -> list[Retained]:
    """Return what stays due on what other members sent: the bill less that with nothing retained.

    Parameters
    ----------
    problem
        The park.
    results
        A plan of it.
    """
    return list(_retained(problem, results))


def _retained(problem: Problem, results: Results) -> Iterator[Retained]:
    billed = set(results.bill["asset"])
    for key in (meter for meter in meters(problem.park) if meter in billed):
        asset, owner = problem.park.assets[key], problem.park.owner(key)
        view = AssetResults(results, owner, key, problem.arrays)
        lines = {line.component: line for line in asset.bill(view) if line.kind != METER}
        if not lines:
            continue
        free: Mapping[str, Numbers] = {
            name: line.amount for name, line in lines.items() if name != RETAINED
        }
        if getattr(asset, "tariff", None) is not None:
            free = {line.component: line.amount for line in asset.retaining_nothing().bill(view)}
        for name, line in lines.items():
            amount = line.amount - free.get(name, 0.0)
            if np.any(amount):
                yield Retained(owner, key, name, line.label, line.recipient, amount)


def costs_by_part(problem: Problem, results: Results) -> dict[str, dict[str, float]]:
    """Return the cost of each part by member [currency over the horizon], without payments.

    Parameters
    ----------
    problem
        The park with all its members.
    results
        A plan of all of them, or of some.
    """
    found = {member: dict.fromkeys(PARTS, 0.0) for member in problem.park.members}
    for member, part, amount in _rows(problem, results):
        found[member][part] += amount
    return found


def _rows(problem: Problem, results: Results) -> Iterator[tuple[str, str, float]]:
    """Yield member, part and amount of every row of the ledger."""
    ledger = results.ledger
    bill = results.bill[results.bill["kind"] != METER]
    billed = bill.groupby(["asset", "component"])["kind"].first().to_dict()
    retained: dict[tuple[str, str], float] = {}
    for one in retained_of(problem, results):
        retained[one.asset, one.component] = math.fsum(one.amount)
    trading = problem.park.trading
    lines = {line_key(key) for key in trading.network.lines} if trading is not None else set()
    shares, between = _line_payers(problem, results)
    yield from between
    emitted = ledger[ledger["effect"] == CO2].groupby("member")["amount"].sum()
    names = _fee_names(problem)
    for row in ledger[ledger["effect"] == COST].to_dict("records"):
        member, asset, category = row["member"], row["asset"], row["category"]
        amount = float(row["amount"])
        if (asset, category) == _CO2_PRICE:
            per_kg = row["worth"] * problem.park.carbon.price_per_t / KG_PER_T
            yield from ((str(who), CARBON, per_kg * float(kg)) for who, kg in emitted.items())
        elif asset in lines:
            payers = shares or {member: 1.0}
            yield from ((buyer, FEES, amount * share) for buyer, share in payers.items())
        elif (asset, category) in billed:
            kept = retained.pop((asset, category), 0.0) * float(row["worth"])
            yield member, RETAINED, kept
            yield member, _KINDS.get(billed[asset, category], OTHER), amount - kept
        elif category in names.get(asset, ()):
            yield member, FEES if amount >= 0.0 else INCOME, amount
        else:
            yield member, OWN, amount


def _fee_names(problem: Problem) -> dict[str, set[str]]:
    """Return the categories of fees by the asset under which they are booked."""
    trading = problem.park.trading
    if trading is None or not (pairs := pairs_of(problem)):
        return {}
    if takes_arcs(problem, pairs):
        return {NETWORK: set(trading.fees)}
    return {pair.key: {*(charge.fee for charge in pair.charges), BANK_FEE} for pair in pairs}


def _line_payers(
    problem: Problem, results: Results
) -> tuple[dict[str, float], list[tuple[str, str, float]]]:
    """Return who pays which share of what lines take, and what of it members pay each other.

    In arc form lines book what leaves the park, without who pays it; what goes to a member is not booked,
    as it cancels. Both are nothing for a plan of some members, who pay what is booked for them.
    """
    park, pairs = problem.park, pairs_of(problem)
    trading = park.trading
    together = set(park.members) <= set(results.columns["member"])
    if trading is None or not pairs or not together or not takes_arcs(problem, pairs):
        return {}, []
    goes_to = {line_key(key): line.owner or NETWORK for key, line in trading.network.lines.items()}
    goes_to |= {name: fee.paid_to for name, fee in trading.fees.items()}
    fees = charged(problem, results)
    paid = dict.fromkeys((pair.buyer for pair in pairs), 0.0)
    between = []
    for pair in pairs:
        for name, money in fees[pair.key].items():
            amount = float(money.sum())
            if isinstance(trading.fees.get(name), ValueFee):
                continue  # booked at the meters
            if goes_to[name] in park.members:
                between += [(pair.buyer, FEES, amount), (goes_to[name], INCOME, -amount)]
            else:
                paid[pair.buyer] += amount
    whole = math.fsum(paid.values())
    return {buyer: amount / whole for buyer, amount in paid.items()} if whole else {}, between
