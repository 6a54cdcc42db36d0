r"""Who sent how much to whom: read from the pairs of a plan, or traced along its flows on lines.

$$ P_n = \sum_{c \in n} y_c + \sum_{a: n \to} f_a, \qquad
   d_{nc} = \frac{y_c}{P_n} + \sum_{a: n \to m} \frac{f_a}{P_n}\,d_{mc}, \qquad
   \hat d_{nc} = \frac{y_c}{P_n} + \sum_{a: n \to m} \frac{(1 - \ell_a) f_a}{P_n}\,\hat d_{mc} $$
$$ x_{gc} = o_g\,d_{n(g)c}, \qquad r_{gc} = (1 - \ell)\,o_g\,\hat d_{n(g)c} $$

Proportional sharing: what leaves a node is mixed as what enters it. The share $d_{nc}$ of what passes
node $n$ is on its way to meter $c$, and $\hat d_{nc}$ of it arrives. Sums at every meter are those of
the plan; on lines without losses all of this is linear in one step and needs no network equations.

References: J. Bialek, Tracing the flow of electricity, IEE Proc. Generation, Transmission and
Distribution 143(4), 1996, 313-320; D. Kirschen, R. Allan, G. Strbac, Contributions of individual
generators to loads and flows, IEEE Trans. Power Systems 12(1), 1997, 52-60.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from microgrid_opt.formulations.access import IN, OUT
from microgrid_opt.trading.form import leg_prices, takes_arcs
from microgrid_opt.trading.network import Leg
from microgrid_opt.trading.pairs import line_key, meters, pairs_of
from microgrid_opt.trading.plans import Traded
from microgrid_opt.trading.spec import ValueFee
from microgrid_opt.trading.write import BANK_FEE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from microgrid_opt.problem import Problem
    from microgrid_opt.results import Results
    from microgrid_opt.trading.pairs import Pair

    Numbers = NDArray[np.float64]

STEPS_AT_ONCE = 512
"""Steps whose networks are solved together, to bound the memory."""
TURN = 1e-12
"""Share of what passes a node that ends there: a flow in a circle that nobody feeds has a way out."""


def traded(problem: Problem, results: Results) -> dict[str, Traded]:
    """Return what was sent and received between every two meters that may trade, by trade.

    A meter that takes what it gives at the same time, where that costs nothing, trades with nobody:
    both are less by as much.

    Parameters
    ----------
    problem
        The park.
    results
        A plan of all its members.
    """
    pairs = pairs_of(problem)
    if not pairs:
        return {}
    if takes_arcs(problem, pairs):
        return Tracing(problem, results).traded(pairs)
    found = {}
    for pair in pairs:
        name = f"{pair.seller}.{pair.key}"
        sent = _positive(results.of(f"{name}.sent"))
        at_once = pair.window == "hour"
        received = sent * pair.delivered if at_once else _positive(results.of(f"{name}.received"))
        found[pair.key] = Traded(pair, sent, received)
    return found


def charged(problem: Problem, results: Results) -> dict[str, dict[str, Numbers]]:
    """Return what every trade pays in fees, by trade and fee [currency of each step], shape (n,).

    Parameters
    ----------
    problem
        The park.
    results
        A plan of all its members.
    """
    pairs, hours = pairs_of(problem), problem.horizon.hours
    if not pairs:
        return {}
    trades = traded(problem, results)
    if takes_arcs(problem, pairs):
        return Tracing(problem, results).charged(pairs, trades)
    trading = problem.park.trading
    assert trading is not None
    found: dict[str, dict[str, Numbers]] = {}
    for pair in pairs:
        received = trades[pair.key].received
        fees = {charge.fee: charge.per_kwh * received * hours for charge in pair.charges}
        if pair.window != "hour" and trading.rules.bank_fee_per_kwh:
            banked = _positive(results.of(f"{pair.seller}.{pair.key}.banked"))
            fees[BANK_FEE] = trading.rules.bank_fee_per_kwh * banked * hours
        found[pair.key] = fees
    return found


@dataclass(frozen=True, eq=False)
class _Flow:
    """Flow on a line in one direction: ends as numbers of nodes, power entering, share arriving."""

    leg: Leg
    start: int
    end: int
    entering: Numbers
    arriving: float


class Tracing:
    """The trades of a plan in arc form.

    Parameters
    ----------
    problem
        The park.
    results
        A plan whose trades are flows on lines.
    """

    def __init__(self, problem: Problem, results: Results) -> None:
        trading = problem.park.trading
        assert trading is not None
        self.problem = problem
        self.nodes = {node: number for number, node in enumerate(trading.network.nodes)}
        self.meters = {key: self.nodes[node] for key, node in meters(problem.park).items()}
        rules = trading.rules
        self.kept = 1.0 if rules.loss_bearer == "network" else 1.0 - rules.loss_fraction
        owners = {key: problem.park.owner(key) for key in self.meters}
        sent = {key: _positive(results.of(f"{owners[key]}.{key}.{OUT}")) for key in self.meters}
        taken = {key: _positive(results.of(f"{owners[key]}.{key}.{IN}")) for key in self.meters}
        for key in self.meters:
            own = np.minimum(self.kept * sent[key], taken[key])
            taken[key] = taken[key] - own
            sent[key] = sent[key] - own / self.kept if self.kept else sent[key]
        self.sent, self.taken = sent, taken
        self.flows = self._flows(results)
        self.passing = self._passing()

    def _flows(self, results: Results) -> list[_Flow]:
        """Return the flows on lines; of two opposite ones without losses what is left."""
        trading = self.problem.park.trading
        assert trading is not None
        flows = []
        for key, line in trading.network.lines.items():
            owner = line.owner or next(iter(self.problem.park.members))
            there, back = (
                _positive(results.of(f"{owner}.{line_key(key)}.{name}"))
                for name in ("forward", "backward")
            )
            if not line.loss_fraction:
                both = np.minimum(there, back)
                there, back = there - both, back - both
            start, end = self.nodes[line.start], self.nodes[line.end]
            kept = 1.0 - line.loss_fraction
            flows.append(_Flow(Leg(key, forward=True), start, end, there, kept))
            flows.append(_Flow(Leg(key, forward=False), end, start, back, kept))
        return flows

    def _passing(self) -> Numbers:
        """Return what leaves every node, to lines and meters [kW], shape (n, nodes)."""
        passing = np.zeros((len(self.problem.horizon), len(self.nodes)))
        for flow in self.flows:
            passing[:, flow.start] += flow.entering
        for key, node in self.meters.items():
            passing[:, node] += self.taken[key]
        return passing

    def traded(self, pairs: Sequence[Pair]) -> dict[str, Traded]:
        """Return what was sent and received in every trade."""
        bound = self.bound(lossless=True)
        arriving = self.bound(lossless=False)
        column = {key: number for number, key in enumerate(self.meters)}
        sent: dict[str, Numbers] = {}
        received: dict[str, Numbers] = {}
        for pair in pairs:
            start, sink = self.meters[pair.source], column[pair.sink]
            given = self.sent[pair.source]
            sent[pair.key] = given * bound[:, start, sink]
            received[pair.key] = self.kept * given * arriving[:, start, sink]
        _fit(sent, self.sent, {pair.key: pair.source for pair in pairs})
        _fit(received, self.taken, {pair.key: pair.sink for pair in pairs})
        return {pair.key: Traded(pair, sent[pair.key], received[pair.key]) for pair in pairs}

    def charged(
        self, pairs: Sequence[Pair], trades: Mapping[str, Traded]
    ) -> dict[str, dict[str, Numbers]]:
        """Return what every trade pays in fees: by what it receives, and by the lines it uses."""
        trading = self.problem.park.trading
        assert trading is not None
        hours = self.problem.horizon.hours
        found: dict[str, dict[str, Numbers]] = {pair.key: {} for pair in pairs}
        for name, fee in trading.fees.items():
            if isinstance(fee, ValueFee):
                price = self.problem.arrays[f"trading.fees.{name}.price_per_kwh"]
                for pair in pairs:
                    found[pair.key][name] = price * trades[pair.key].received * hours
        column = {key: number for number, key in enumerate(self.meters)}
        prices = {flow.leg: leg_prices(self.problem, flow.leg) for flow in self.flows}
        if not any(prices.values()):
            return found
        bound, origin = self.bound(lossless=True), self.origin()
        for flow in self.flows:
            for name, price in prices[flow.leg].items():
                paid = flow.entering * flow.arriving * price * hours
                for pair in pairs:
                    source, sink = column[pair.source], column[pair.sink]
                    share = origin[:, flow.start, source] * bound[:, flow.end, sink]
                    fees = found[pair.key]
                    fees[name] = fees.get(name, 0.0) + paid * share
        return found

    def bound(self, *, lossless: bool) -> Numbers:
        """Return the share of what passes each node that goes to each meter, shape (n, nodes, meters).

        Parameters
        ----------
        lossless
            Whether losses on the way are counted to where they go; otherwise what arrives.
        """
        moves = np.zeros((*self.passing.shape, len(self.nodes)))
        for flow in self.flows:
            kept = 1.0 if lossless else flow.arriving
            moves[:, flow.start, flow.end] += flow.entering * kept
        ends = np.zeros((*self.passing.shape, len(self.meters)))
        for number, (key, node) in enumerate(self.meters.items()):
            ends[:, node, number] = self.taken[key]
        return _absorbed(self.passing, moves, ends)

    def origin(self) -> Numbers:
        """Return the share of each meter in what passes each node, shape (n, nodes, meters)."""
        entering = np.zeros_like(self.passing)
        moves = np.zeros((*self.passing.shape, len(self.nodes)))
        for flow in self.flows:
            moves[:, flow.end, flow.start] += flow.entering * flow.arriving
            entering[:, flow.end] += flow.entering * flow.arriving
        starts = np.zeros((*self.passing.shape, len(self.meters)))
        for number, (key, node) in enumerate(self.meters.items()):
            starts[:, node, number] = self.kept * self.sent[key]
            entering[:, node] += self.kept * self.sent[key]
        return _absorbed(entering, moves, starts)


def _absorbed(whole: Numbers, moves: Numbers, ends: Numbers) -> Numbers:
    """Return the share of each node's power that ends in each column.

    Parameters
    ----------
    whole
        Power of every node [kW], shape (n, nodes).
    moves
        Of it what goes on to other nodes [kW], shape (n, nodes, nodes).
    ends
        Of it what ends here [kW], shape (n, nodes, columns).
    """
    size = np.where(whole > 0.0, whole, 1.0)[..., None]
    one = np.eye(whole.shape[1]) * (1.0 + TURN)
    found = np.empty_like(ends)
    for first in range(0, len(whole), STEPS_AT_ONCE):
        part = slice(first, first + STEPS_AT_ONCE)
        found[part] = np.linalg.solve(one - moves[part] / size[part], ends[part] / size[part])
    return found


def _fit(parts: dict[str, Numbers], whole: Mapping[str, Numbers], of: Mapping[str, str]) -> None:
    """Scale parts, so that those of one meter add up to it to the last digits of a number."""
    sums = {key: np.zeros_like(values) for key, values in whole.items()}
    for trade, key in of.items():
        sums[key] += parts[trade]
    for trade, key in of.items():
        known = sums[key] > 0.0
        parts[trade] = parts[trade] * np.divide(
            whole[key], sums[key], out=np.zeros_like(sums[key]), where=known
        )


def _positive(values: Numbers) -> Numbers:
    """Return values without what a solver leaves below zero."""
    return np.maximum(values, 0.0)
