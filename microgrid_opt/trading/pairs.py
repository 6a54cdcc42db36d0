r"""Which meters may trade with each other, and on which terms.

$$ f_{gc} = T(v_c) - T(\hat v_{gc}), \qquad \kappa_{gc} = (1 - \ell) \prod_{a \in w(g,c)} (1 - \ell_a) $$

The fee by formula is the network's energy price $T$ at the user's voltage $v_c$ less that at the highest
voltage $\hat v$ on the way $w$ (发改能源〔2017〕1901号); of each kWh sent the share $\kappa$ is
delivered, all of it where the network bears the losses.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from microgrid_opt.errors import Finding, InputError
from microgrid_opt.keys import LONGEST
from microgrid_opt.trading.spec import (
    NETWORK,
    AgreedTrade,
    DistanceFee,
    FormulaFee,
    TableFee,
    ValueFee,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from microgrid_opt.park import Park
    from microgrid_opt.problem import Problem
    from microgrid_opt.trading.network import Graph, Way
    from microgrid_opt.trading.spec import Bearer, Fee, Trading, Window

    Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Charge:
    """What a fee takes of a trade.

    Parameters
    ----------
    fee
        Its name in ``fees``, or ``line_NAME`` for the price of a line.
    per_kwh
        Price of each kWh delivered [currency/kWh], shape (n,).
    paid_by
        Member that pays it.
    paid_to
        Account that gets it: a member, or a party outside the park.
    """

    fee: str
    per_kwh: Numbers
    paid_by: str
    paid_to: str


@dataclass(frozen=True, eq=False)
class Pair:
    """Two meters that may trade.

    Parameters
    ----------
    key
        Name of the trade.
    seller, buyer
        Members.
    source, sink
        Assets whose meters send and receive.
    way
        The way through the network.
    delivered
        Share of each kWh sent that is delivered [-].
    charges
        Fees.
    bearer
        Who bears the losses.
    window
        Time within which what is sent and what is delivered match.
    agreed
        Terms of its own; none for a pair that the rules allow.
    """

    key: str
    seller: str
    buyer: str
    source: str
    sink: str
    way: Way
    delivered: float
    charges: tuple[Charge, ...]
    bearer: Bearer
    window: Window
    agreed: AgreedTrade | None

    @property
    def fee(self) -> Numbers | float:
        """All fees [currency per kWh delivered], shape (n,)."""
        return sum((charge.per_kwh for charge in self.charges), start=np.zeros(1))

    @property
    def entering(self) -> tuple[float, ...]:
        """Share of what is sent that enters each line on the way [-]; what the rules lose is lost before."""
        before = 1.0 if self.bearer == "network" else self.delivered / self.way.delivered
        return tuple(before * share for share in (1.0, *self.way.arrival[:-1]))


def meters(park: Park) -> dict[str, str]:
    """Return the node of the network at which each meter stands, by asset."""
    return {key: asset.meter.at for key, asset in park.assets.items() if asset.meter is not None}


def pairs_of(problem: Problem) -> tuple[Pair, ...]:
    """Return all pairs of meters of a park that may trade, in a stable order.

    Meters without a way between them do not trade, such as those of a group without the owner of a
    line; `microgrid_opt.trading.checks` refuses what a whole park lacks.
    """
    trading = problem.park.trading
    if trading is None:
        return ()
    graph = trading.network.graph
    nodes = meters(problem.park)
    found = []
    for key, source, sink, agreed in allowed(trading, problem.park):
        way = graph.way(nodes[source], nodes[sink])
        if way is not None:
            found.append(_pair(problem, trading, graph, (key, source, sink), way, agreed))
    return tuple(found)


def trade_labels(problem: Problem) -> dict[str, str]:
    """Return names for reading of what trades add to the results: trades and lines."""
    trading = problem.park.trading
    if trading is None:
        return {}
    assets = problem.park.assets

    def label(pair: Pair) -> str:
        if pair.agreed is not None and pair.agreed.label:
            return pair.agreed.label
        ends = (assets[meter].label or meter for meter in (pair.source, pair.sink))
        return pair.key if pair.agreed is not None else " → ".join(ends)

    return {
        **{pair.key: label(pair) for pair in pairs_of(problem)},
        **{line_key(key): f"Line {key}" for key in trading.network.lines},
        NETWORK: "Network",
    }


def allowed(trading: Trading, park: Park) -> Iterator[tuple[str, str, str, AgreedTrade | None]]:
    """Yield (key, source, sink, agreed terms) of the pairs that the rules allow."""
    known = meters(park)
    graph, rules = trading.network.graph, trading.rules
    agreed = {(trade.seller, trade.buyer) for trade in trading.trades.values()}
    for key, trade in trading.trades.items():
        if trade.seller in known and trade.buyer in known:
            yield key, trade.seller, trade.buyer, trade
    if rules.pairs == "listed":
        return
    sellers, buyers = (
        tuple(known) if named is None else dict.fromkeys(named)
        for named in (rules.sellers, rules.buyers)
    )
    for source, sink in product(sellers, buyers):
        if source == sink or (source, sink) in agreed or not {source, sink} <= known.keys():
            continue
        areas = {graph.network.nodes[known[meter]].area for meter in (source, sink)}
        if rules.within == "area" and len(areas) > 1:
            continue
        yield pair_key(source, sink), source, sink, None


def line_key(line: str) -> str:
    """Return the name under which the results of a line stand."""
    return f"line_{line}"


def pair_key(source: str, sink: str) -> str:
    """Return the name of a trade that the rules allow."""
    return f"{source}_to_{sink}"[: 2 * LONGEST + 4]


def _pair(
    problem: Problem,
    trading: Trading,
    graph: Graph,
    names: tuple[str, str, str],
    way: Way,
    agreed: AgreedTrade | None,
) -> Pair:
    key, source, sink = names
    rules, park = trading.rules, problem.park
    own = None if agreed is None else agreed.loss_fraction
    lost = rules.loss_fraction if own is None else own
    delivered = 1.0 if rules.loss_bearer == "network" else (1.0 - lost) * way.delivered
    seller, buyer = park.owner(source), park.owner(sink)
    payers = {"buyer": buyer, "seller": seller}
    charges = []
    for name, fee in trading.fees.items():
        if is_due(fee, key, way, graph):
            price = _price(problem, graph, name, fee, way)
            charges.append(Charge(name, price, payers[fee.paid_by], fee.paid_to))
    for leg, share in zip(way.legs, way.arrival, strict=True):
        path = f"trading.network.lines.{leg.line}.price_per_kwh"
        if path in problem.arrays:
            # Paid for what arrives at the line's end, told per kWh delivered.
            arriving = 1.0 if rules.loss_bearer == "network" else share * (1.0 - lost) / delivered
            owner = graph.line(leg).owner or NETWORK
            price = problem.arrays[path] * arriving
            charges.append(Charge(line_key(leg.line), price, buyer, owner))
    window = rules.window if agreed is None or agreed.window is None else agreed.window
    return Pair(
        key,
        seller,
        buyer,
        source,
        sink,
        way,
        delivered,
        tuple(charges),
        rules.loss_bearer,
        window,
        agreed,
    )


def is_due(fee: Fee, key: str, way: Way, graph: Graph) -> bool:
    """Return whether a fee is due for a trade."""
    if fee.trades is not None and key not in fee.trades:
        return False
    nodes = graph.network.nodes
    same = nodes[way.nodes[0]].area == nodes[way.nodes[-1]].area
    return fee.between == "any" or same == (fee.between == "same_area")


def _price(problem: Problem, graph: Graph, name: str, fee: Fee, way: Way) -> Numbers:
    """Return the price of a fee on a way [currency per kWh delivered], shape (n,)."""
    if isinstance(fee, ValueFee):
        return problem.arrays[f"trading.fees.{name}.price_per_kwh"]
    return np.full(len(problem.horizon), price_of_way(graph, name, fee, way))


def price_of_way(
    graph: Graph, name: str, fee: FormulaFee | TableFee | DistanceFee, way: Way
) -> float:
    """Return the price of a fee that follows from the way [currency per kWh delivered].

    Raises
    ------
    InputError
        The fee needs what the network does not say.
    """
    if isinstance(fee, DistanceFee):
        length = graph.length_km(way)
        if length is None:
            raise InputError(
                [
                    Finding(
                        f"has no `length_km`, which the fee {name!r} needs: give it.",
                        key=f"trading.network.lines.{leg.line}",
                    )
                    for leg in way.legs
                    if graph.line(leg).length_km is None
                ]
            )
        return fee.price_per_kwh_km * length
    highest = graph.highest_voltage(way)
    user = graph.voltage(way.nodes[-1])
    if highest is None or user is None:
        raise InputError(
            [
                Finding(
                    f"has no `voltage_kv`, which the fee {name!r} needs: give it.",
                    key=f"trading.network.nodes.{node}",
                )
                for node in way.nodes
                if graph.voltage(node) is None
            ]
        )
    return _by_voltage(fee, name, user, highest)


def _by_voltage(fee: FormulaFee | TableFee, name: str, user: float, highest: float) -> float:
    if isinstance(fee, FormulaFee):
        prices = fee.energy_price_per_kwh
        for level in (user, highest):
            if level not in prices:
                raise InputError(_no_level(f"fees.{name}.energy_price_per_kwh", level, prices))
        return prices[user] - prices[highest]
    if user not in fee.price_per_kwh:
        raise InputError(_no_level(f"fees.{name}.price_per_kwh", user, fee.price_per_kwh))
    row = fee.price_per_kwh[user]
    if highest not in row:
        raise InputError(_no_level(f"fees.{name}.price_per_kwh.{user:g}", highest, row))
    return row[highest]


def _no_level(key: str, level: float, known: Mapping[float, object]) -> Finding:
    listed = ", ".join(f"{kv:g}" for kv in known)
    return Finding(
        f"has no price for {level:g} kV (it has {listed}): add it.", key=f"trading.{key}"
    )
