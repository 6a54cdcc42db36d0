"""What of the trading section does not fit the park."""

from __future__ import annotations

from typing import TYPE_CHECKING

from microgrid_opt.errors import Finding, InputError
from microgrid_opt.trading.pairs import (
    allowed,
    is_due,
    line_key,
    meters,
    pair_key,
    price_of_way,
)
from microgrid_opt.trading.spec import NETWORK, STATE, ValueFee
from microgrid_opt.yamlio.grammar import suggest

RESERVED = frozenset(("balance", "policies", NETWORK))

if TYPE_CHECKING:
    from collections.abc import Iterator

    from microgrid_opt.park import Park
    from microgrid_opt.trading.spec import Trading


def problems(trading: Trading, park: Park) -> Iterator[Finding]:
    """Yield every problem with its key in the park file."""
    found = [*_network(trading, park), *_meters(trading, park), *_fees(trading, park)]
    # Nodes that are not there are told with the assets.
    if not found and set(meters(park).values()) <= trading.network.nodes.keys():
        found += [*_names(trading, park), *_terms(trading, park)]
    yield from {str(finding): finding for finding in found}.values()


def _network(trading: Trading, park: Park) -> Iterator[Finding]:
    network = trading.network
    for key, line in network.lines.items():
        for word, node in (("from", line.start), ("to", line.end)):
            if node not in network.nodes:
                yield _unknown(
                    node, "node of the network", network.nodes, f"network.lines.{key}.{word}"
                )
        if line.start == line.end:
            yield Finding("begins and ends at one node.", key=f"trading.network.lines.{key}")
        if line.owner is not None and line.owner not in park.members:
            yield _unknown(line.owner, "member", park.members, f"network.lines.{key}.owner")
    supply = network.supply_node
    if supply is None:
        return
    if supply not in network.nodes:
        yield _unknown(supply, "node of the network", network.nodes, "network.supply_node")
        return
    graph = network.graph
    for key, line in network.lines.items():
        if line.capacity_kw is not None and line.start not in graph.reached(supply):
            yield Finding(
                f"is not connected to the `supply_node` {supply!r}, so that its capacity cannot be that "
                "of all power: connect it, or leave `supply_node` out.",
                key=f"trading.network.lines.{key}.capacity_kw",
            )
    if not graph.is_forest:
        yield Finding(
            "needs a network without meshes: with two ways it is not known which line carries the "
            "supply. Remove a line, or leave `supply_node` out.",
            key="trading.network.supply_node",
        )


def _meters(trading: Trading, park: Park) -> Iterator[Finding]:
    known = meters(park)
    if len(known) < 2:
        yield Finding(
            f"needs two meters at least, and there {'is' if len(known) == 1 else 'are'} "
            f"{len(known)}: give `wheeling: {{at: NODE}}` to the `grid` of each member that trades, "
            "or add an `access`.",
            key="trading",
        )
    for key, trade in trading.trades.items():
        for word, meter in (("from", trade.seller), ("to", trade.buyer)):
            if meter not in known:
                yield _unknown(meter, "meter with `wheeling`", known, f"trades.{key}.{word}")
        if trade.window == "period" and trading.rules.periods is None:
            yield Finding(
                "`period` needs the calendar `trading.rules.periods`.",
                key=f"trading.trades.{key}.window",
            )
    for word, named in (("sellers", trading.rules.sellers), ("buyers", trading.rules.buyers)):
        for number, meter in enumerate(named or ()):
            if meter not in known:
                yield _unknown(meter, "meter with `wheeling`", known, f"rules.{word}.{number}")
    for key, node in known.items():
        place = trading.network.nodes.get(node)
        if place is not None and place.voltage_kv is None and trading.rules.max_generation:
            yield Finding(
                f"has no `voltage_kv`, on which `max_generation` of the meter {key!r} depends: give it.",
                key=f"trading.network.nodes.{node}",
            )


def _names(trading: Trading, park: Park) -> Iterator[Finding]:
    """Yield names under which two things would stand in the results."""
    taken = dict.fromkeys(park.assets, "an asset") | dict.fromkeys(RESERVED, "reserved")
    if NETWORK in park.assets:
        yield Finding(
            "is what fees of the network stand under in a park with `trading`: choose another key.",
            key=f"assets.{NETWORK}",
        )
    for key in trading.network.lines:
        name = line_key(key)
        if name in taken:
            message = f"would stand under {name!r}, which is {taken[name]}: choose another key."
            yield Finding(message, key=f"trading.network.lines.{key}")
        taken[name] = f"the line {key!r}"
    for key, source, sink, agreed in allowed(trading, park):
        if key not in taken:
            taken[key] = f"the trade from {source!r} to {sink!r}"
        elif agreed is not None:
            message = f"is also the name of {taken[key]}: choose another."
            yield Finding(message, key=f"trading.trades.{key}")
        else:
            yield Finding(
                f"the trade from {source!r} to {sink!r} would be called {key!r}, which is "
                f"{taken[key]}: choose other keys.",
                key="trading",
            )


def _terms(trading: Trading, park: Park) -> Iterator[Finding]:
    """Yield what fees need and the network does not say, and agreed trades without a way."""
    graph, nodes = trading.network.graph, meters(park)
    for key, source, sink, agreed in allowed(trading, park):
        way = graph.way(nodes[source], nodes[sink])
        if way is None:
            if agreed is not None:
                yield Finding(
                    f"has no way from {nodes[source]!r} to {nodes[sink]!r}: add a line.",
                    key=f"trading.trades.{key}",
                )
            continue
        for name, fee in trading.fees.items():
            if isinstance(fee, ValueFee) or not is_due(fee, key, way, graph):
                continue
            try:
                price_of_way(graph, name, fee, way)
            except InputError as error:
                yield from error.findings


def _fees(trading: Trading, park: Park) -> Iterator[Finding]:
    known = meters(park)
    automatic = {pair_key(source, sink) for source in known for sink in known}
    for key, fee in trading.fees.items():
        for number, trade in enumerate(fee.trades or ()):
            if trade not in trading.trades and trade not in automatic:
                yield _unknown(trade, "trade", trading.trades, f"fees.{key}.trades.{number}")
        if fee.paid_to in park.assets and fee.paid_to not in {*park.members, NETWORK, STATE}:
            yield Finding(
                "is an asset: name a member, or an account outside the park.",
                key=f"trading.fees.{key}.paid_to",
                value=fee.paid_to,
            )


def _unknown(word: str, what: str, known: object, key: str) -> Finding:
    names = [str(name) for name in known]  # type: ignore[attr-defined]
    hint = suggest(word, names, "known are") if names else ": there is none."
    return Finding(f"is no {what} of the park{hint}", key=f"trading.{key}", value=word)
