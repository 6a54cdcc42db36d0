"""What of the trading section does not fit the park."""

from __future__ import annotations

from typing import TYPE_CHECKING

from microgrid_opt.errors import Finding
from microgrid_opt.trading.pairs import meters, pair_key
from microgrid_opt.trading.spec import NETWORK, STATE
from microgrid_opt.yamlio.grammar import suggest

RESERVED = frozenset(("balance", "policies", NETWORK))

if TYPE_CHECKING:
    from collections.abc import Iterator

    from microgrid_opt.park import Park
    from microgrid_opt.trading.spec import Trading


def problems(trading: Trading, park: Park) -> Iterator[Finding]:
    """Yield every problem with its key in the park file."""
    yield from _network(trading, park)
    yield from _meters(trading, park)
    yield from _fees(trading, park)


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
    elif not network.graph.is_forest:
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
        if key in park.assets or key in RESERVED:
            yield Finding(
                "is the key of an asset, or reserved: choose another.", key=f"trading.trades.{key}"
            )
        if trade.window == "period" and trading.rules.periods is None:
            yield Finding(
                "`period` needs the calendar `trading.rules.periods`.",
                key=f"trading.trades.{key}.window",
            )
    for word, named in (("sellers", trading.rules.sellers), ("buyers", trading.rules.buyers)):
        for number, meter in enumerate(named or ()):
            if meter not in known:
                yield _unknown(meter, "meter with `wheeling`", known, f"rules.{word}.{number}")


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
