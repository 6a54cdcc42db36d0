r"""Prices from the duals of the joint plan, with the band in which both sides gain.

$$ p^{lo}_{gc,t} = \lambda_{g,t} + \kappa f^s_{gc,t}, \qquad
   p^{hi}_{gc,t} = \kappa\,(\mu_{c,t} - f^b_{gc,t}), \qquad
   p^{hi}_{gc,t} - p^{lo}_{gc,t} = \text{rent of what limits the trade} $$

| symbol | name | unit |
|---|---|---|
| $\lambda_{g,t}$ | what it costs seller $g$ to send one more kWh | currency/kWh |
| $\mu_{c,t}$ | what one more kWh at its meter saves buyer $c$, retained charges taken off | currency/kWh |
| $\kappa, f^s, f^b$ | share delivered, fees of seller and buyer (`microgrid_opt.trading.pairs`) | –, currency/kWh |

All per kWh sent. Where a trade goes on and nothing limits it, both ends are one price: the clearing
price, by which the seller is paid. In the joint plan $\lambda$ and $\mu$ are the duals of what the meters
send and receive; alone they are what an export earns and an import costs (where there is one; else the
dual of the member's balance), which gives the reservation band. Peaks are no part of $\mu$: power from
another member loads the meter as bought power does.

A model with whole numbers is priced with these held (R. O'Neill et al., European Journal of Operational
Research 164, 2005, 269-285, doi:10.1016/j.ejor.2003.12.011). Then a price may leave a member worse off
than alone; what it lacks is its uplift (P. Gribik, W. Hogan, S. Pope, Market-clearing electricity prices
and energy uplift, 2007).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from microgrid_opt.errors import InputError
from microgrid_opt.formulations.access import CARRIER, IN, OUT
from microgrid_opt.ledger import KG_PER_T
from microgrid_opt.solve.live import Live
from microgrid_opt.solve.status import Status
from microgrid_opt.trading.costs import member_costs, paid_kw, trades_between
from microgrid_opt.trading.form import takes_arcs, window_groups
from microgrid_opt.trading.modes import gains
from microgrid_opt.trading.pairs import line_key, pairs_of
from microgrid_opt.trading.plans import TradePlan
from microgrid_opt.trading.spec import NETWORK

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from microgrid_opt.study import Solved
    from microgrid_opt.trading.modes import Study
    from microgrid_opt.trading.pairs import Pair
    from microgrid_opt.trading.plans import Traded

    Numbers = NDArray[np.float64]

NUDGE = 1e-4
"""Share of the largest trade by which all demands are moved to see other prices."""
SAME = 1e-6
"""Prices closer than this [currency/kWh] are one price."""
TRADED = 1e-6
"""A trade goes on in a step where it is above this share of its largest value."""


@dataclass(frozen=True, eq=False)
class Prices:
    """Prices of one trade, all in currency per kWh sent, shape (n,); NaN where nothing is traded.

    Parameters
    ----------
    clearing
        What the seller is paid.
    low, high
        Least and highest clearing price where the duals are not unique.
    worth
        What the buyer would pay at most at the margin of the joint plan.
    reservation_low, reservation_high
        What the seller has of it alone, and what it saves the buyer alone, in every step.
    """

    clearing: Numbers
    low: Numbers
    high: Numbers
    worth: Numbers
    reservation_low: Numbers
    reservation_high: Numbers


@dataclass(frozen=True, eq=False)
class Cleared(TradePlan):
    """A joint plan with prices from its duals.

    Parameters
    ----------
    by_trade
        Prices of each trade.
    rents
        What limits of lines and trades are worth [currency over the horizon], by line or trade.
    owners
        To whom these rents belong.
    uplift
        What each member lacks to be as well off as alone [currency over the horizon].
    """

    by_trade: Mapping[str, Prices] = field(default_factory=dict)
    rents: Mapping[str, float] = field(default_factory=dict)
    owners: Mapping[str, str] = field(default_factory=dict)
    uplift: Mapping[str, float] = field(default_factory=dict)


def cleared(study: Study) -> Cleared:
    """Return the joint plan of a study with prices from its duals.

    Raises
    ------
    InputError
        The plan has no duals.
    """
    held = study.together
    problem, results, duals = held.problem, held.results, held.solution.row_duals
    if duals is None:
        raise InputError("clearing: the plan has no prices; ask for a profile that gives duals.")
    hours = problem.horizon.hours
    trades = trades_between(problem, results)
    bands = reservations(study, [trade.pair for trade in trades])
    others = _nudged(held, trades)
    margins = _Margins(held)
    by_trade, payments, prices = {}, {}, {}
    for trade in trades:
        pair = trade.pair
        goes = trade.sent > TRADED * trade.sent.max()
        asked, worth = margins.ends(pair, duals)
        views = np.array([asked, *(margins.ends(pair, other)[0] for other in others)])
        ends = (asked, views.min(axis=0), views.max(axis=0), worth)
        clearing, low, high, most = (np.where(goes, end, np.nan) for end in ends)
        by_trade[pair.key] = Prices(clearing, low, high, most, *bands[pair.key])
        payments[pair.key] = float((np.where(goes, asked, 0.0) * trade.sent) @ hours)
        energy = paid_kw(trade)
        at_once = pair.window == "hour" and energy.any()
        share = energy[goes].sum() / trade.sent[goes].sum() if at_once else 1.0
        prices[pair.key] = np.where(goes, asked, 0.0) / share
    rents, owners = _rents(held, trades, margins)
    costs = member_costs(problem, results)
    plan = Cleared(
        problem,
        "clearing",
        results,
        held.audit,
        study.alone,
        costs,
        payments,
        prices,
        by_trade=by_trade,
        rents=rents,
        owners=owners,
    )
    scale = max(1.0, *(abs(cost) for cost in costs.values()))
    uplift = {member: -gain for member, gain in gains(plan).items() if gain < -SAME * scale}
    return replace(plan, uplift=uplift, notes=_notes(held, plan, uplift))


class _Margins:
    """What sending and receiving one more kWh is worth in a solved plan, read from its duals."""

    def __init__(self, held: Solved) -> None:
        self._held = held
        self._hours = held.problem.horizon.hours
        trading = held.problem.park.trading
        assert trading is not None
        self._arcs = takes_arcs(held.problem, pairs_of(held.problem))
        rules = trading.rules
        self._kept = 1.0 if rules.loss_bearer == "network" else 1.0 - rules.loss_fraction
        self._flat = {name for name, fee in trading.fees.items() if fee.method == "value"}

    def ends(self, pair: Pair, duals: Numbers) -> tuple[Numbers, Numbers]:
        """Return what the seller asks and what the buyer would pay, per kWh sent."""
        fees = dict.fromkeys((pair.seller, pair.buyer), np.zeros(len(self._hours)))
        for charge in pair.charges:
            if not (self._arcs and charge.fee in self._flat):
                fees[charge.paid_by] = fees[charge.paid_by] + charge.per_kwh
        if self._arcs:
            # Behind a node stand flat fees, before it the loss beside that of lines.
            there, here = (
                self._node(node, duals) for node in (pair.way.nodes[0], pair.way.nodes[-1])
            )
            return self._kept * there, pair.delivered * (here - fees[pair.buyer])
        asked = self._sum(pair.seller, pair.source, OUT, duals)
        asked = asked + pair.delivered * fees[pair.seller]
        if pair.window != "hour":
            return asked, np.full(len(self._hours), np.nan)  # it is received in other steps
        saved = -self._sum(pair.buyer, pair.sink, IN, duals)
        return asked, pair.delivered * (saved - fees[pair.buyer])

    def _sum(self, member: str, meter: str, side: str, duals: Numbers) -> Numbers:
        return self._dual(f"{member}.{meter}.{side}_sum", duals)

    def _node(self, node: str, duals: Numbers) -> Numbers:
        first = next(iter(self._held.problem.park.members))
        return self._dual(f"{first}.{NETWORK}.node_{node}", duals)

    def _dual(self, row: str, duals: Numbers) -> Numbers:
        block = self._held.matrix.row_blocks[self._held.draft.full(row)]
        return np.asarray(duals[block.slice] / self._hours)


def _nudged(held: Solved, trades: Sequence[Traded]) -> list[Numbers]:
    """Return the duals with a little more and a little less demand wherever a trade begins or ends.

    Where the duals of the plan are not unique, those of its two neighbours are ends of their range.
    """
    matrix = held.matrix
    if matrix.is_mip:
        whole = matrix.integrality == 1
        lower, upper = matrix.col_lower.copy(), matrix.col_upper.copy()
        lower[whole] = upper[whole] = np.rint(held.solution.values[whole])
        matrix = replace(
            matrix, integrality=0 * matrix.integrality, col_lower=lower, col_upper=upper
        )
    park = held.problem.park
    meters = (meter for trade in trades for meter in (trade.pair.source, trade.pair.sink))
    places = dict.fromkeys(park.place(meter) for meter in meters)
    step = NUDGE * max((float(trade.sent.max()) for trade in trades), default=0.0)
    found = []
    with Live(matrix, draft=held.draft) as live:
        for more in (step, -step):
            for place in places:
                live.add_demand(place, CARRIER, more)
            outcome = live.solve() if places else None
            if outcome is not None and outcome.solution is not None:
                duals = outcome.solution.row_duals
                if outcome.status is Status.OPTIMAL and duals is not None:
                    found.append(duals)
    return found


# ------------------------------------------------------------------ what each has alone


def reservations(study: Study, pairs: Sequence[Pair]) -> dict[str, tuple[Numbers, Numbers]]:
    """Return the band in which both sides of each trade gain, per kWh sent, by its key.

    The ends are what the seller earns with a kWh alone, and what one saves the buyer alone; NaN for a
    member that cannot be alone. With a window longer than an hour the buyer may take it in any step:
    the best one counts.
    """
    found = {}
    for pair in pairs:
        low, high = (
            _alone(study, pair.seller, pair.source)[0],
            _alone(study, pair.buyer, pair.sink)[1],
        )
        for charge in pair.charges:
            if charge.paid_by == pair.seller:
                low = low + pair.delivered * charge.per_kwh
            else:
                high = high - charge.per_kwh
        if pair.window != "hour":
            groups = window_groups(study.problem, pair.window)
            best = np.full(groups.max() + 1, -np.inf)
            np.maximum.at(best, groups, high)
            high = best[groups]
        found[pair.key] = (low, pair.delivered * high)
    return found


def _alone(study: Study, member: str, meter: str) -> tuple[Numbers, Numbers]:
    """Return what a kWh is worth to a member alone that it sends, and that it takes, at a meter.

    Per kWh; retained charges are off. What is sold to or bought from the supplier has its price, other
    power the dual of the balance.
    """
    n = len(study.problem.horizon)
    held = study.models[member]
    if isinstance(held, str):
        return np.full(n, np.nan), np.full(n, np.nan)
    (point,) = [point for point in held.draft.meters if point.asset == meter]
    blocks, values = held.matrix.column_blocks, held.solution.values

    def flow(container: Any) -> Numbers:
        return np.asarray(values[blocks[container.name].slice])

    inner = held.results.prices[f"{point.place}.{CARRIER}"].to_numpy()
    carbon = study.problem.park.carbon.price_per_t / KG_PER_T
    sold = flow(point.injection) - flow(point.sent)
    bought = flow(point.withdrawal) - flow(point.taken)
    earned = np.where(sold > TRADED * max(sold.max(), 1.0), point.gain, inner)
    saved = np.where(
        bought > TRADED * max(bought.max(), 1.0), point.price + carbon * point.co2, inner
    )
    return earned, saved - point.retained


# ------------------------------------------------------------------ limits


def _rents(
    held: Solved, trades: Sequence[Traded], margins: _Margins
) -> tuple[dict[str, float], dict[str, str]]:
    """Return what limits of lines and trades are worth, and to whom they belong."""
    trading, duals = held.problem.park.trading, held.solution.row_duals
    assert trading is not None
    assert duals is not None
    hours = held.problem.horizon.hours
    nothing = SAME * max(1.0, abs(held.results.cost))
    rents: dict[str, float] = {}
    owners: dict[str, str] = {}
    prices: dict[str, Numbers] = {}
    for key, line in trading.network.lines.items():
        owner = line.owner or next(iter(held.problem.park.members))
        names = [f"{owner}.{line_key(key)}.capacity_{way}" for way in ("forward", "backward")]
        blocks = [held.matrix.row_blocks.get(held.draft.full(name)) for name in names]
        if line.capacity_kw is None or blocks[0] is None or blocks[1] is None:
            continue
        there, back = (-duals[block.slice] for block in blocks if block is not None)
        prices[key] = (there + back) / hours
        rent = line.capacity_kw * float(np.sum(there - back))
        if rent > nothing:
            rents[key], owners[key] = rent, line.owner or NETWORK
    if trading.network.supply_node is not None:
        prices = {}  # then they are part of what a kWh is worth at the meters
    for trade in trades:
        pair = trade.pair
        asked, worth = margins.ends(pair, duals)
        left = worth - asked
        for leg, entering in zip(pair.way.legs, (1.0, *pair.way.arrival), strict=False):
            sign = 1.0 if leg.forward else -1.0
            left = left - sign * entering * prices.get(leg.line, 0.0)
        rent = float(np.nansum(np.where(trade.sent > 0.0, left, 0.0) * trade.sent * hours))
        if rent > nothing:
            rents[pair.key], owners[pair.key] = rent, f"{pair.seller} and {pair.buyer}"
    return rents, owners


def _notes(held: Solved, plan: Cleared, uplift: Mapping[str, float]) -> tuple[str, ...]:
    """Return what a reader of the prices must know."""
    money = plan.problem.park.currency
    notes = []
    if held.matrix.is_mip:
        notes.append("prices are those of the plan with its whole numbers held")
    for key, one in plan.by_trade.items():
        known = ~np.isnan(one.clearing)
        wide = known & (one.high - one.low > SAME)
        if wide.any():
            most = int(np.argmax(np.where(wide, one.high - one.low, 0.0)))
            notes.append(
                f"{key}: the price is not unique in {int(wide.sum())} of {int(known.sum())} steps with "
                f"trade; at {plan.problem.horizon.stamps[most]} any between {one.low[most]:.6f} and "
                f"{one.high[most]:.6f} clears"
            )
    for key, rent in plan.rents.items():
        notes.append(
            f"the limit of {key} is worth {rent:,.2f} {money}: it belongs to {plan.owners[key]}"
        )
    if uplift:
        lacks = ", ".join(f"{member} {amount:,.2f}" for member, amount in uplift.items())
        notes.append(
            f"at these prices some are worse off than alone; uplift needed [{money}]: {lacks}"
        )
    elif held.matrix.is_mip:
        notes.append("no uplift is needed: nobody is worse off than alone")
    return tuple(notes)
