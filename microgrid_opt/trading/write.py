r"""Trades between members in the model, as pairs of meters or as flows on the lines of a network.

$$ o_{g,t} = \sum_c x_{gc,t}, \qquad y_{c,t} = \sum_g r_{gc,t}, \qquad r_{gc,t} = \kappa_{gc}\,x_{gc,t} $$
$$ \sum_{t \in W} h_t\,r_{gc,t} \le \sum_{t \in W} h_t\,(\kappa_{gc}\,x_{gc,t} - \beta\,q_{gc,t}),
   \qquad q_{gc,t} \ge r_{gc,t} - \kappa_{gc}\,x_{gc,t} \qquad (\text{window } W) $$
$$ \sum_{m \in M_n} (1 - \ell)\,o_{m,t} + \sum_{a \to n} (1 - \ell_a) f_{a,t} =
   \sum_{m \in M_n} y_{m,t} + \sum_{n \to a} f_{a,t} \qquad (\text{arcs}) $$
$$ \Bigl|\sum_{m \text{ beyond } a} (W_{m,t} - J_{m,t})\Bigr| \le \bar F_a, \qquad
   C = \sum_{gc,t} h_t\,(f_{gc,t}\,r_{gc,t} + b\,q_{gc,t}) $$

| symbol | name | unit |
|---|---|---|
| $x_{gc,t}$ | ``sent`` of a trade | kW |
| $r_{gc,t}$ | ``received``, with a window longer than an hour | kW |
| $q_{gc,t}$ | ``banked``: received in another step than sent | kW |
| $f_{a,t}$ | ``forward``, ``backward`` of a line (arcs) | kW |
| $o, y, W, J$ | series of the meters (`microgrid_opt.formulations.access`) | kW |
| $\kappa, f_{gc}$ | share delivered, fees (`microgrid_opt.trading.pairs`) | –, currency/kWh |
| $\beta, b$ | ``bank_loss_fraction``, ``bank_fee_per_kwh`` | –, currency/kWh |

Payments between members cancel in the cost of the park, and do not stand here.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from microgrid_opt.builder import Builder
from microgrid_opt.errors import Finding, InputError
from microgrid_opt.formulations.access import CARRIER, IN, OUT
from microgrid_opt.ledger import Linear
from microgrid_opt.trading.form import leg_cost, takes_arcs, window_groups
from microgrid_opt.trading.network import Leg
from microgrid_opt.trading.oneway import one_way
from microgrid_opt.trading.pairs import line_key, pairs_of
from microgrid_opt.trading.spec import NETWORK, ValueFee

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from microgrid_opt.draft import Draft
    from microgrid_opt.formulations.access import Meterpoint
    from microgrid_opt.problem import Problem
    from microgrid_opt.trading.pairs import Charge, Pair

    Numbers = NDArray[np.float64]

LINE_FEE = "line_fee"
"""Category of the ledger of all that flows on a line pay, where trades are not told by pairs."""
BANK_FEE = "bank_fee"
"""Category of the ledger of what banking costs."""


def write_trades(problem: Problem, draft: Draft) -> None:
    """Write all trades of a park, once its meters are written."""
    trading = problem.park.trading
    assert trading is not None
    pairs = pairs_of(problem)
    points = {point.asset: point for point in draft.meters}
    if takes_arcs(problem, pairs):
        _write_arcs(problem, draft, points)
    else:
        _write_pairs(problem, draft, pairs, points)
    _limit_lines(problem, draft, points)
    sellers = dict.fromkeys(pair.source for pair in pairs)
    _limit_generation(problem, draft, [points[key] for key in sellers])
    one_way(problem, draft, pairs, points)


# ------------------------------------------------------------------------------------ pairs


def _write_pairs(
    problem: Problem, draft: Draft, pairs: Sequence[Pair], points: Mapping[str, Meterpoint]
) -> None:
    out: dict[str, list[tuple[Any, float]]] = {key: [] for key in points}
    into: dict[str, list[tuple[Any, float]]] = {key: [] for key in points}
    legs: dict[Leg, list[tuple[Any, float]]] = {}
    for pair in pairs:
        pen = Builder(draft, pair.seller, pair.key, f"trading.trades.{pair.key}")
        sent = _sent(pen, pair)
        out[pair.source].append((sent, 1.0))
        if pair.window == "hour":
            received, share = sent, pair.delivered
        else:
            received, share = _bank(problem, draft, pen, pair, sent), 1.0
        into[pair.sink].append((received, share))
        for charge in pair.charges:
            _pay(problem, draft, pair.key, charge, (received, share))
        for leg, entering in zip(pair.way.legs, pair.entering, strict=False):
            legs.setdefault(leg, []).append((sent, entering))
    for key, point in points.items():
        _sum_up(draft, point, IN, point.taken, into[key])
        _sum_up(draft, point, OUT, point.sent, out[key])
    _limit_trades_on_lines(problem, draft, pairs, legs)


def _sent(pen: Builder, pair: Pair) -> Any:
    """Return what is sent in a trade, within its own limits."""
    agreed = pair.agreed
    if pen.has_data("profile_kw"):
        profile = pen.data("profile_kw")
        return pen.series("sent", unit="kW", lower=profile, upper=profile)
    sent = pen.series("sent", unit="kW", upper=None if agreed is None else agreed.max_kw)
    share = pen.horizon.year_share
    for sense, limit, word in (
        (">=", None if agreed is None else agreed.min_kwh_year, "least"),
        ("<=", None if agreed is None else agreed.max_kwh_year, "most"),
    ):
        if limit is not None:
            pen.cap(
                f"{word}_energy",
                pen.total(sent),
                sense,  # type: ignore[arg-type]
                limit * share,
                unit="kWh",
                description=f"{word} energy of the trade {pair.key}",
            )
    return sent


def _bank(problem: Problem, draft: Draft, pen: Builder, pair: Pair, sent: Any) -> Any:
    """Return what is received in a trade that matches over a window."""
    trading = problem.park.trading
    assert trading is not None
    rules = trading.rules
    received = pen.series("received", unit="kW")
    account = pen.series("account", unit="kWh", lower=-np.inf)
    kept, lost = pair.delivered, rules.bank_loss_fraction
    change = [(kept, sent), (-1.0, received)]
    if rules.bank_fee_per_kwh or lost:
        banked = pen.series("banked", unit="kW")
        pen.require("banked_above", lambda t: banked[t] >= received[t] - kept * sent[t])
        change.append((-lost, banked))
        buyer = Builder(draft, pair.buyer, pair.key, "")
        buyer.book(BANK_FEE, pen.total(banked, rules.bank_fee_per_kwh))
    groups = window_groups(problem, pair.window)
    order = np.argsort(groups, kind="stable")
    first = np.append(True, groups[order][1:] != groups[order][:-1])
    before = np.empty(len(groups), dtype=np.int64)
    before[order] = np.roll(order, 1)
    going_on = np.ones(len(groups))
    going_on[order[first]] = 0.0
    earlier, carried = pen.param("before", before), pen.param("carried", going_on)
    hours = pen.param("hours", pen.horizon.hours)
    pen.require(
        "account_balance",
        lambda t: (
            account[t]
            == carried[t] * account[earlier[t]]
            + hours[t] * sum(share * flow[t] for share, flow in change)
        ),
    )
    last = order[np.append(first[1:], True)]
    pen.require("account_closed", lambda t: account[t] >= 0.0, over=np.sort(last))
    return received


def _pay(
    problem: Problem, draft: Draft, key: str, charge: Charge, energy: tuple[Any, float]
) -> None:
    """Book a fee with who pays it, and with who gets it where that is a member."""
    flow, share = energy
    pen = Builder(draft, charge.paid_by, key, "")
    amount = pen.total(flow, charge.per_kwh * share)
    pen.book(charge.fee, amount)
    if charge.paid_to in problem.park.members:
        Builder(draft, charge.paid_to, key, "").book(charge.fee, -amount)


def _sum_up(
    draft: Draft, point: Meterpoint, name: str, whole: Any, parts: list[tuple[Any, float]]
) -> None:
    pen = Builder(draft, point.member, point.asset, "", point.place)

    def rule(t: Any) -> Any:
        return whole[t] == sum(share * part[t] for part, share in parts)

    pen.require(f"{name}_sum", rule if parts else lambda t: whole[t] == 0.0)


def _limit_trades_on_lines(
    problem: Problem,
    draft: Draft,
    pairs: Sequence[Pair],
    legs: Mapping[Leg, list[tuple[Any, float]]],
) -> None:
    """Keep the trades on each line within its capacity, where the supply does not count."""
    trading = problem.park.trading
    assert trading is not None
    network = trading.network
    if network.supply_node is not None:
        return
    for key, line in network.lines.items():
        if line.capacity_kw is None:
            continue
        there = legs.get(Leg(key, forward=True), [])
        back = legs.get(Leg(key, forward=False), [])
        if not there and not back:
            continue
        waits = next((pair.key for pair in pairs if pair.window != "hour"), None)
        if waits is not None:
            message = (
                f"cannot be kept: {waits} is received in other hours than it is sent. Give "
                "`supply_node`, with which the capacity is that of all physical power, or leave the "
                "capacity out."
            )
            place = f"trading.network.lines.{key}.capacity_kw"
            raise problem.placed(InputError(Finding(message, key=place)))
        net = [*there, *((flow, -share) for flow, share in back)]
        _within(draft, problem, key, net, line.capacity_kw)


def _within(
    draft: Draft, problem: Problem, line: str, net: Sequence[tuple[Any, float]], most: float
) -> None:
    pen = _network_pen(draft, problem, line)

    def through(t: Any) -> Any:
        return sum(share * flow[t] for flow, share in net)

    pen.require("capacity_forward", lambda t: through(t) <= most)
    pen.require("capacity_backward", lambda t: through(t) >= -most)


def _network_pen(draft: Draft, problem: Problem, line: str) -> Builder:
    """Return the pen of a line: of its owner, or else of the park's first member."""
    trading = problem.park.trading
    assert trading is not None
    owner = trading.network.lines[line].owner or next(iter(problem.park.members))
    return Builder(draft, owner, line_key(line), f"trading.network.lines.{line}")


# ------------------------------------------------------------------------------------ arcs


def _write_arcs(problem: Problem, draft: Draft, points: Mapping[str, Meterpoint]) -> None:
    trading = problem.park.trading
    assert trading is not None
    network, rules = trading.network, trading.rules
    arriving: dict[str, list[tuple[Any, float]]] = {node: [] for node in network.nodes}
    for key, line in network.lines.items():
        pen = _network_pen(draft, problem, key)
        flows = []
        for name, start, end in (
            ("forward", line.start, line.end),
            ("backward", line.end, line.start),
        ):
            flow = pen.series(name, unit="kW")
            arriving[start].append((flow, -1.0))
            arriving[end].append((flow, 1.0 - line.loss_fraction))
            price = leg_cost(problem, Leg(key, forward=name == "forward"))
            if price.any():
                pen.book(LINE_FEE, pen.total(flow, price * (1.0 - line.loss_fraction)))
            flows.append((flow, 1.0 if name == "forward" else -1.0))
        if line.capacity_kw is not None and network.supply_node is None:
            _within(draft, problem, key, flows, line.capacity_kw)
    kept = 1.0 if rules.loss_bearer == "network" else 1.0 - rules.loss_fraction
    for point in points.values():
        arriving[point.node].append((point.sent, kept))
        arriving[point.node].append((point.taken, -1.0))
        pen = Builder(draft, point.member, point.asset, "", point.place)
        for side, flow in (("sellers", point.sent), ("buyers", point.taken)):
            named = getattr(rules, side)
            if named is not None and point.asset not in named:
                pen.require(f"no_{side[:-1]}", partial(_nothing, flow))
        for name, fee in trading.fees.items():
            if isinstance(fee, ValueFee):
                price = problem.arrays[f"trading.fees.{name}.price_per_kwh"]
                amount = pen.total(point.taken, price)
                Builder(draft, point.member, NETWORK, "").book(name, amount)
                if fee.paid_to in problem.park.members:
                    Builder(draft, fee.paid_to, NETWORK, "").book(name, -amount)
    pen = Builder(draft, next(iter(problem.park.members)), NETWORK, "")
    for node, terms in arriving.items():
        if terms:
            pen.require(f"node_{node}", _node_rule(terms))


def _nothing(flow: Any, t: Any) -> Any:
    return flow[t] == 0.0


def _node_rule(terms: list[tuple[Any, float]]) -> Any:
    return lambda t: sum(share * flow[t] for flow, share in terms) == 0.0


# ------------------------------------------------------------------------------------ rules


def _limit_lines(problem: Problem, draft: Draft, points: Mapping[str, Meterpoint]) -> None:
    """Keep all that passes a line within its capacity, where it is known where supply enters."""
    trading = problem.park.trading
    assert trading is not None
    network = trading.network
    if network.supply_node is None:
        return
    for key, line in network.lines.items():
        if line.capacity_kw is None:
            continue
        beyond = network.graph.beyond(key)
        net = []
        for point in points.values():
            if point.node in beyond:
                net += [(point.withdrawal, 1.0), (point.injection, -1.0)]
        if net:
            _within(draft, problem, key, net, line.capacity_kw)


def _limit_generation(problem: Problem, draft: Draft, sellers: Sequence[Meterpoint]) -> None:
    """Keep the generators behind a selling meter below the size that its voltage allows."""
    trading = problem.park.trading
    assert trading is not None
    for point in sellers:
        voltage = trading.network.nodes[point.node].voltage_kv
        limit = next(
            (
                rule.max_kw
                for rule in trading.rules.max_generation
                if voltage is not None and voltage <= rule.up_to_kv
            ),
            None,
        )
        if limit is None:
            continue
        makers = {
            flow.asset
            for flow in draft.flows
            if flow.place == point.place and flow.role == "generation" and flow.carrier == CARRIER
        }
        pen = Builder(draft, point.member, point.asset, "", point.place)
        installed = sum(
            (
                pen.times(record.total)
                for record in draft.sizes
                if record.asset in makers and type(record.spec).unit == "kW"
            ),
            Linear(),
        )
        pen.cap(
            "generation_that_may_sell",
            installed,
            "<=",
            limit,
            unit="kW",
            description=f"generation at {voltage:g} kV that may sell, of {point.asset}",
        )
