"""Trades re-derived from the results: sums at the meters, windows, lines, fees, one way at a time.

Nothing of `microgrid_opt.trading.write` stands behind it; both read the same terms
(`microgrid_opt.trading.pairs`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from microgrid_opt.formulations.access import CARRIER, IN, OUT
from microgrid_opt.trading.form import leg_cost, takes_arcs, window_groups
from microgrid_opt.trading.network import Leg
from microgrid_opt.trading.pairs import line_key, meters, pairs_of
from microgrid_opt.trading.spec import NETWORK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from microgrid_opt.audit import AssetAudit, Book
    from microgrid_opt.trading.pairs import Pair

    Numbers = NDArray[np.float64]


def audit_trades(book: Book) -> None:
    """Check every trade, every line and every meter of a park that trades."""
    problem = book.problem
    pairs = pairs_of(problem)
    nodes = meters(problem.park)
    views = {key: book.view(key) for key in nodes}
    if takes_arcs(problem, pairs):
        _audit_arcs(book, views)
    else:
        _audit_pairs(book, pairs, views)
    _audit_supply(book, views)
    for view in views.values():
        _audit_one_way(view)
    for key in dict.fromkeys(pair.source for pair in pairs):
        _audit_generation(book, views[key])


def _audit_pairs(book: Book, pairs: Sequence[Pair], views: dict[str, AssetAudit]) -> None:
    n = len(book.problem.horizon)
    hours = book.problem.horizon.hours
    out = {key: np.zeros(n) for key in views}
    into = {key: np.zeros(n) for key in views}
    through: dict[str, Numbers] = {}
    paid: dict[tuple[str, str, str], float] = {}
    for pair in pairs:
        view = book.named(pair.seller, pair.key)
        sent, received = _audit_trade(book, view, pair)
        out[pair.source] += sent
        into[pair.sink] += received
        for charge in pair.charges:
            amount = float((received * charge.per_kwh) @ hours)
            payers = [(charge.paid_by, amount)]
            if charge.paid_to in book.problem.park.members:
                payers.append((charge.paid_to, -amount))
            for member, money in payers:
                entry = (member, pair.key, charge.fee)
                paid[entry] = paid.get(entry, 0.0) + money
        for leg, entering in zip(pair.way.legs, pair.entering, strict=False):
            flow = sent * entering * (1.0 if leg.forward else -1.0)
            through[leg.line] = through.get(leg.line, np.zeros(n)) + flow
    for (member, trade, fee), amount in paid.items():
        book.named(member, trade).booked(fee, amount)
    for key, view in views.items():
        view.equal("sends the sum of its trades", view.series(OUT), out[key], unit="kW")
        view.equal("receives the sum of its trades", view.series(IN), into[key], unit="kW")
    trading = book.problem.park.trading
    assert trading is not None
    if trading.network.supply_node is None:
        for name, flow in through.items():
            most = trading.network.lines[name].capacity_kw
            if most is not None:
                what = f"trades within the capacity of {name}"
                book.policies().at_most(what, np.abs(flow), most, unit="kW")


def _audit_trade(book: Book, view: AssetAudit, pair: Pair) -> tuple[Numbers, Numbers]:
    """Return what was sent and received in a trade, checked against its own terms."""
    horizon = book.problem.horizon
    sent = view.series("sent")
    view.at_most("sent not negative", 0.0, sent, unit="kW")
    agreed = pair.agreed
    profile = book.problem.arrays.get(f"trading.trades.{pair.key}.profile_kw")
    if profile is not None:
        view.equal("sends its profile", sent, profile, unit="kW")
    if agreed is not None:
        if agreed.max_kw is not None:
            view.at_most("sends at most", sent, agreed.max_kw, unit="kW")
        energy = float(sent @ horizon.hours)
        for word, sense, limit in (
            ("least", ">=", agreed.min_kwh_year),
            ("most", "<=", agreed.max_kwh_year),
        ):
            if limit is not None:
                bound = limit * horizon.year_share
                view.capped(f"{word}_energy", energy, sense, bound, unit="kWh")
    if pair.window == "hour":
        return sent, sent * pair.delivered
    return sent, _audit_window(book, view, pair, sent)


def _audit_window(book: Book, view: AssetAudit, pair: Pair, sent: Numbers) -> Numbers:
    trading = book.problem.park.trading
    assert trading is not None
    rules, hours = trading.rules, book.problem.horizon.hours
    received = view.series("received")
    view.at_most("received not negative", 0.0, received, unit="kW")
    arriving = sent * pair.delivered
    later = np.maximum(received - arriving, 0.0)
    groups = window_groups(book.problem, pair.window)
    have = np.bincount(groups, weights=hours * (arriving - rules.bank_loss_fraction * later))
    taken = np.bincount(groups, weights=hours * received)
    gross = float(np.bincount(groups, weights=hours * arriving).max(initial=0.0))
    what = f"received within what was sent in its {pair.window}"
    view.at_most(what, taken, have, unit="kWh", scale=gross)
    if rules.bank_fee_per_kwh or rules.bank_loss_fraction:
        banked = view.series("banked")
        view.at_most("what is banked is counted", later, banked, unit="kW")
        buyer = book.named(pair.buyer, pair.key)
        buyer.booked("bank_fee", float(banked @ hours) * rules.bank_fee_per_kwh)
    return received


def _audit_arcs(book: Book, views: dict[str, AssetAudit]) -> None:
    problem = book.problem
    trading = problem.park.trading
    assert trading is not None
    network, rules, hours = trading.network, trading.rules, problem.horizon.hours
    net = {node: np.zeros(len(problem.horizon)) for node in network.nodes}
    gross = 0.0
    for key, line in network.lines.items():
        owner = line.owner or next(iter(problem.park.members))
        view = book.named(owner, line_key(key))
        flows = {}
        paid = 0.0
        for name, start, end in (
            ("forward", line.start, line.end),
            ("backward", line.end, line.start),
        ):
            flow = flows[name] = view.series(name)
            gross = max(gross, float(flow.max(initial=0.0)))
            view.at_most(f"{name} not negative", 0.0, flow, unit="kW")
            arriving = flow * (1.0 - line.loss_fraction)
            net[start] -= flow
            net[end] += arriving
            price = leg_cost(problem, Leg(key, forward=name == "forward"))
            paid += float((arriving * price) @ hours)
        view.booked("line_fee", paid)
        if line.capacity_kw is not None and network.supply_node is None:
            across = np.abs(flows["forward"] - flows["backward"])
            view.at_most("trades within capacity", across, line.capacity_kw, unit="kW")
    kept = 1.0 if rules.loss_bearer == "network" else 1.0 - rules.loss_fraction
    nodes = meters(problem.park)
    for key, view in views.items():
        net[nodes[key]] += kept * view.series(OUT) - view.series(IN)
        for side, name in (("sellers", OUT), ("buyers", IN)):
            named = getattr(rules, side)
            if named is not None and key not in named:
                what = f"none of the {side}"
                view.equal(what, view.series(name), 0.0, unit="kW", scale=gross)
    _audit_flat_fees(book, views)
    for node, values in net.items():
        what = f"what enters the node {node} leaves it"
        book.policies().equal(what, values, 0.0, unit="kW", scale=gross)


def _audit_flat_fees(book: Book, views: dict[str, AssetAudit]) -> None:
    """Check the fees by value, which buyers pay on all that they take."""
    problem = book.problem
    trading = problem.park.trading
    assert trading is not None
    for name in trading.fees:
        price = problem.arrays.get(f"trading.fees.{name}.price_per_kwh")
        if price is None:
            continue
        paid_to = trading.fees[name].paid_to
        paid = dict.fromkeys((view.member for view in views.values()), 0.0)
        for view in views.values():
            amount = float((view.series(IN) * price) @ problem.horizon.hours)
            paid[view.member] += amount
            if paid_to in problem.park.members:
                paid[paid_to] = paid.get(paid_to, 0.0) - amount
        for member, amount in paid.items():
            book.named(member, NETWORK).booked(name, amount)


def _audit_supply(book: Book, views: dict[str, AssetAudit]) -> None:
    """Check lines whose capacity is that of all that passes them."""
    trading = book.problem.park.trading
    assert trading is not None
    network = trading.network
    if network.supply_node is None:
        return
    nodes = meters(book.problem.park)
    for key, line in network.lines.items():
        if line.capacity_kw is None:
            continue
        beyond = network.graph.beyond(key)
        net = np.zeros(len(book.problem.horizon))
        for asset, view in views.items():
            if nodes[asset] in beyond:
                # A meter supplies its place with what it withdraws from the network.
                net += view.supplied(CARRIER) - view.drawn(CARRIER)
        what = f"all power within the capacity of {key}"
        book.policies().at_most(what, np.abs(net), line.capacity_kw, unit="kW")


def _audit_one_way(view: AssetAudit) -> None:
    """Check, or note, that no meter takes and gives at once."""
    taken, given = view.supplied(CARRIER), view.drawn(CARRIER)
    meter = view.neighbours()[view.asset].meter
    single = None if meter is None else meter.single_meter
    if view.has_series("withdrawing"):
        ways = view.series("withdrawing")
        held = (ways > 0.5) | (single == "always")
        wrong = np.where(held, np.minimum(given, ways * given) + (1.0 - ways) * taken, 0.0)
        view.at_most("withdrawing tells the way", wrong, 0.0, unit="kW")
    if single == "always":
        both = np.minimum(taken, given)
        view.at_most("never takes and gives at once", both, 0.0, unit="kW")
    else:
        view.noted("takes and gives at once where it does not pay", taken, given, unit="kW")


def _audit_generation(book: Book, view: AssetAudit) -> None:
    """Check the size of the generators behind a meter that sells."""
    park = book.problem.park
    trading = park.trading
    assert trading is not None
    voltage = trading.network.nodes[meters(park)[view.asset]].voltage_kv
    if voltage is None:
        return
    fitting = [rule for rule in trading.rules.max_generation if voltage <= rule.up_to_kv]
    if not fitting:
        return
    makers = {
        flow.asset
        for flow in book.flows
        if flow.place == view.place and flow.role == "generation" and flow.carrier == CARRIER
    }
    table = book.results.sizes
    rows = table[table["asset"].isin(makers) & (table["unit"] == "kW")]
    limit = min(fitting, key=lambda rule: rule.up_to_kv).max_kw
    view.capped("generation_that_may_sell", float(rows["total"].sum()), "<=", limit, unit="kW")
