r"""One meter takes or gives, not both at once: the steps in which doing both could pay.

A meter may take from its supplier or from a seller $g$, and give to its supplier or to a buyer $d$. By the
prices known before the solve, doing both pays at meter $k$ only if

$$ \max\bigl(r_k,\; \max_d \kappa_{kd} (p_d - \rho_d - f_{kd})\bigr) > c_k, \qquad
   r_k > o_g / \kappa_{gk} + f_{gk} + \rho_k, \qquad
   f_{gd} > (f_{gk} + \rho_k) / \kappa_{kd} + f_{kd} $$

| symbol | name | unit |
|---|---|---|
| $c_k, p_d$ | least and most that a kWh from the supplier costs | currency/kWh |
| $r_k, o_g$ | most that a kWh sold to the supplier earns, and what it surely does | currency/kWh |
| $\rho, f, \kappa$ | retained charges, fees, share delivered | currency/kWh, – |

The third is a relay through $k$ that is cheaper than the trade of $g$ with $d$, or does what that trade may
not. A place to which nothing else gives, or from which nothing else takes, is then told to give or take
nothing; others get a binary. In all other steps a plan that takes and gives at once is no better than one
that does not, as long as what is generated can be cut.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from microgrid_opt.builder import Builder
from microgrid_opt.draft import Given
from microgrid_opt.errors import Finding, InputError
from microgrid_opt.formulations.access import CARRIER
from microgrid_opt.ledger import KG_PER_T

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from microgrid_opt.draft import Draft, Flow
    from microgrid_opt.formulations.access import Meterpoint
    from microgrid_opt.problem import Problem
    from microgrid_opt.trading.pairs import Pair

    Numbers = NDArray[np.float64]

SAME_PRICE = 1e-9
"""Prices closer than this [currency/kWh] count as equal."""
WINDOWS = ("hour", "period", "day", "month", "year")
"""Matching windows from short to long; a period need not lie in a day."""
STORES = frozenset(("storage",))
USERS = frozenset(("demand", "conversion"))


def one_way(
    problem: Problem, draft: Draft, pairs: Sequence[Pair], points: Mapping[str, Meterpoint]
) -> None:
    """Exclude taking and giving at once where a meter asks for it, or where it could pay."""
    values = _Values(problem, draft, pairs, points)
    for key, point in points.items():
        if point.single == "never":
            continue
        steps = np.arange(len(problem.horizon))
        if point.single == "auto":
            steps = np.flatnonzero(values.both_pay(key))
        if len(steps):
            _exclude(problem, draft, point, steps)


@dataclass(frozen=True, eq=False)
class _Terms:
    """What a pair pays for each kWh delivered, over its window where that is longer than a step."""

    pair: Pair
    least: Numbers
    most: Numbers


class _Values:
    """What a kWh costs and is worth at each meter at least and at most [currency/kWh], shape (n,)."""

    def __init__(
        self,
        problem: Problem,
        draft: Draft,
        pairs: Sequence[Pair],
        points: Mapping[str, Meterpoint],
    ) -> None:
        self.n = len(problem.horizon)
        self.points = points
        carbon = problem.park.carbon
        price = carbon.price_per_t / KG_PER_T
        self.capped = carbon.cap_t_per_year is not None or carbon.reduction_fraction is not None
        self.capped |= carbon.intensity is not None
        self.cost = {key: point.price + price * point.co2 for key, point in points.items()}
        self.dear = {key: point.dearest + price * point.co2 for key, point in points.items()}
        self.gain = {key: point.gain + price * point.credit for key, point in points.items()}
        self.outlet = {key: point.outlet + price * point.credit for key, point in points.items()}
        self.terms = [self._terms(pair) for pair in pairs]
        self.known: dict[tuple[str, str], list[_Terms]] = {}
        for terms in self.terms:
            ends = (terms.pair.source, terms.pair.sink)
            self.known.setdefault(ends, []).append(terms)
        self.own = {key: _others(draft, point, 1) for key, point in points.items()}
        self.congested = self._congested(problem)
        self.willing = self._willing(draft)

    def _terms(self, pair: Pair) -> _Terms:
        fee = np.broadcast_to(pair.fee, self.n)
        if pair.window == "hour":
            return _Terms(pair, fee, fee)
        return _Terms(pair, np.full(self.n, fee.min()), np.full(self.n, fee.max()))

    @staticmethod
    def _has(draft: Draft, point: Meterpoint, sign: int, roles: frozenset[str]) -> bool:
        return any(
            flow.place == point.place
            and flow.carrier == CARRIER
            and flow.sign == sign
            and flow.role in roles
            for flow in draft.flows
        )

    @staticmethod
    def _congested(problem: Problem) -> frozenset[str]:
        """Return the lines that a relay might go round: limited ones of a network with meshes."""
        trading = problem.park.trading
        assert trading is not None
        if trading.network.graph.is_forest:
            return frozenset()
        lines = trading.network.lines
        return frozenset(key for key, line in lines.items() if line.capacity_kw is not None)

    # ------------------------------------------------------------------ what a kWh is worth

    def _willing(self, draft: Draft) -> dict[str, Numbers]:
        """Return the most that each meter would pay for a kWh.

        With a supplier it is the supplier's price. Without one, users would pay anything, a store what
        a kWh is worth elsewhere at another time, and a place that uses nothing what it may sell it for.
        """
        supplied = {key: np.isfinite(self.cost[key]).any() for key in self.points}
        users = [
            key
            for key, point in self.points.items()
            if not supplied[key] and self._has(draft, point, -1, USERS)
        ]
        ends = [
            values[np.isfinite(values)] for values in (*self.dear.values(), *self.gain.values())
        ]
        highest = (
            np.inf if users else max((float(v.max()) for v in ends if v.size), default=-np.inf)
        )
        willing = {}
        for key, point in self.points.items():
            most = np.full(self.n, -np.inf)
            if supplied[key]:
                most = self.dear[key]
            elif key in users:
                most = np.full(self.n, np.inf)
            elif self._has(draft, point, -1, STORES):
                most = np.full(self.n, highest)
            willing[key] = np.maximum(most, self.gain[key])
        apart = [key for key, point in self.points.items() if point.single == "never"]
        for _ in apart:
            # A meter that may take and give at once passes on what others would pay.
            willing |= {
                key: np.maximum(willing[key], self._best_offer(key, willing)) for key in apart
            }
        return willing

    def _best_offer(self, key: str, willing: Mapping[str, Numbers]) -> Numbers:
        """Return the most that a kWh sent from a meter is worth to any buyer."""
        best = np.full(self.n, -np.inf)
        for terms in self.terms:
            if terms.pair.source == key:
                best = np.maximum(best, self._offer(terms, willing))
        return best

    def _offer(self, terms: _Terms, willing: Mapping[str, Numbers]) -> Numbers:
        pair = terms.pair
        if _must(pair):
            return np.full(self.n, np.inf)
        offer = (
            willing[pair.sink] - self.points[pair.sink].retained - terms.least
        ) * pair.delivered
        if pair.window == "hour":
            return offer
        # What nobody receives within the window lapses, at no cost.
        return np.full(self.n, max(float(offer.max()), 0.0))

    def _taken(self, terms: _Terms) -> Numbers:
        """Return the least that a kWh from a seller costs; minus infinity where nobody knows."""
        pair = terms.pair
        if _must(pair):
            return np.full(self.n, -np.inf)
        outlet = self.outlet[pair.source]
        retained = self.points[pair.sink].retained
        if pair.window != "hour":
            outlet = np.full(self.n, outlet.min())
        return outlet / pair.delivered + terms.least + retained

    # ------------------------------------------------------------------ when both pay

    def both_pay(self, key: str) -> NDArray[np.bool_]:
        """Return the steps in which taking and giving at once could pay at a meter, shape (n,)."""
        supplied = np.isfinite(self.cost[key])
        given = np.maximum(self.gain[key], self._best_offer(key, self.willing))
        pays = (given > self.cost[key] + SAME_PRICE) & supplied
        if self.capped:
            pays |= self._emits_less(key) & supplied
        incoming = [t for t in self.terms if t.pair.sink == key and self.own[t.pair.source]]
        outgoing = [t for t in self.terms if t.pair.source == key]
        for into in incoming:
            pays |= self.gain[key] > self._taken(into) + SAME_PRICE
            for out in outgoing:
                if out.pair.sink != into.pair.source:
                    pays |= self._relay_pays(into, out)
        return pays

    def _emits_less(self, key: str) -> NDArray[np.bool_]:
        """Return where taking from the supplier and giving lowers the CO2 of the park."""
        mine = self.points[key].co2
        less = self.points[key].credit > mine
        for terms in self.terms:
            pair = terms.pair
            if pair.source == key:
                other = self.points[pair.sink].co2
                other = other if pair.window == "hour" else np.full(self.n, other.max())
                less = less | (other * pair.delivered > mine)
        return np.asarray(less)

    def _relay_pays(self, into: _Terms, out: _Terms) -> NDArray[np.bool_]:
        """Return where sending through a meter may do what sending past it does not."""
        one, two = into.pair, out.pair
        worth = self._offer(out, self.willing) > self._taken(into) + SAME_PRICE
        relayed = (into.least + self.points[one.sink].retained) / two.delivered + out.least
        for direct in self.known.get((one.source, two.sink), []):
            if self._as_free(direct.pair, one, two):
                worth = worth & (direct.most > relayed + SAME_PRICE)
        return worth

    def _as_free(self, direct: Pair, one: Pair, two: Pair) -> bool:
        """Return whether a trade may do all that two in a row may."""
        agreed = direct.agreed
        bound = agreed is not None and not (
            agreed.max_kw is None and agreed.max_kwh_year is None and agreed.profile_kw is None
        )
        longest = max((one.window, two.window), key=WINDOWS.index)
        matched = direct.window in {longest, "year"} and (
            len({one.window, two.window, "hour"}) <= 2 or direct.window == "year"
        )
        round_about = {leg.line for pair in (one, two) for leg in pair.way.legs}
        passed = {leg.line for leg in direct.way.legs} & self.congested
        kept = direct.delivered >= one.delivered * two.delivered - SAME_PRICE
        forced = _must(one) or _must(two)
        return not bound and matched and kept and not forced and passed <= round_about


def _must(pair: Pair) -> bool:
    """Return whether a trade takes place at any price."""
    agreed = pair.agreed
    return agreed is not None and (agreed.profile_kw is not None or bool(agreed.min_kwh_year))


def _others(draft: Draft, point: Meterpoint, sign: int) -> bool:
    """Return whether anything but the meter itself gives to its place, or takes from it."""
    return any(flow.role != "unserved" for flow in _elsewhere(draft, point, sign))


def _exclude(problem: Problem, draft: Draft, point: Meterpoint, steps: NDArray[np.int64]) -> None:
    pen = Builder(draft, point.member, point.asset, "", point.place)
    taken, given = point.withdrawal, point.injection
    # Where nothing else gives, all that is given was taken; where nothing else takes, the other way.
    if not _others(draft, point, 1):
        pen.require("gives_nothing", lambda t: given[t] <= 0.0, over=steps)
        return
    if not _others(draft, point, -1):
        pen.require("takes_nothing", lambda t: taken[t] <= 0.0, over=steps)
        return
    for side, most in (("withdrawal", point.most_in), ("injection", point.most_out)):
        if not np.isfinite(most[steps]).all():
            why = (
                "`single_meter: always` needs"
                if point.single == "always"
                else "takes and gives at one meter, and doing both at once could pay in "
                f"{len(steps)} steps, first at {draft.horizon.stamps[steps[0]]}: that needs"
            )
            message = (
                f"{why} a bound on the {side}. Give `connection_kw` (of an access `power_kw`) with a "
                "maximum, a limit of import and export, or `wheeling.single_meter: never` for meters "
                "that are apart."
            )
            raise problem.placed(InputError(Finding(message, key=f"assets.{point.asset}.wheeling")))
    counted = np.zeros(len(draft.horizon))
    counted[steps] = 1.0
    withdrawing = pen.series("withdrawing", unit="1", binary=True, upper=counted)
    most_in, most_out = pen.param("most_in", point.most_in), pen.param("most_out", point.most_out)
    pen.require("only_taking", lambda t: taken[t] <= most_in[t] * withdrawing[t], over=steps)
    pen.require(
        "only_giving", lambda t: given[t] <= most_out[t] * (1.0 - withdrawing[t]), over=steps
    )
    _tighten(draft, pen, point, steps)
    pen.round_by(partial(_larger_side, steps), withdrawing=withdrawing, taken=taken, given=given)


def _tighten(draft: Draft, pen: Builder, point: Meterpoint, steps: NDArray[np.int64]) -> None:
    """Let a meter give no more than its place makes, and take no more than it uses.

    True of every plan that goes one way; without it the relaxation takes and gives up to half of the
    connection, and its bound is worth little.
    """
    for name, whole, sign in (
        ("gives_own", point.injection, 1),
        ("takes_own", point.withdrawal, -1),
    ):
        sides = [
            (pen.param(f"{name}_{number}", np.asarray(flow.factor, float)), source)
            for number, flow in enumerate(_elsewhere(draft, point, sign))
            if (source := _source(pen, f"{name}_known_{number}", flow)) is not None
        ]
        pen.require(name, partial(_at_most_sum, whole, sides), over=steps)


def _elsewhere(draft: Draft, point: Meterpoint, sign: int) -> list[Flow]:
    """Return the flows of the meter's place that do not pass it, in one direction."""
    here = (point.place, CARRIER, sign)
    return [
        flow
        for flow in draft.flows
        if (flow.place, flow.carrier, flow.sign) == here and flow.asset != point.asset
    ]


def _source(pen: Builder, name: str, flow: Flow) -> Any:
    return pen.param(name, flow.source.values) if isinstance(flow.source, Given) else flow.source


def _at_most_sum(whole: Any, sides: list[tuple[Any, Any]], t: Any) -> Any:
    return whole[t] <= sum(factor[t] * flow[t] for factor, flow in sides)


def _larger_side(steps: NDArray[np.int64], relaxed: Mapping[str, Numbers]) -> dict[str, Numbers]:
    """Return the way of each step in which the relaxed meter moves more."""
    takes = np.zeros(len(relaxed["taken"]))
    takes[steps] = relaxed["taken"][steps] >= relaxed["given"][steps]
    return {"withdrawing": takes}
