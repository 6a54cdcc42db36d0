r"""Which share of the electricity at each place is green, through stores and trades.

$$ s_{p,t} = \frac{\sum_i r_{i,t} + \sum_b q_{b,t}\,d_{b,t} + \sum_k \sigma_{k,t}\,y_{k,t}}
   {\text{all supply at } p}, \qquad
   q_{b,t} = \frac{q_{b,t-1}\,(e_{b,t-1} - \delta_{b,t}) + s_{p,t}\,a_{b,t}}{e_{b,t}} $$

Whatever leaves a place carries the share of what enters it: renewable generation $r$, discharge $d$ of
stores with the green share $q$ of their content, received power $y$ with the share $\sigma$ of its trade.
A store's content $e$ is mixed pro rata: what is taken from it ($\delta$, losses included) has the mix it
holds, what is added ($a$) that of the hour. Draws that may take renewable power alone (`sends`, `export_from`)
take it first. A store that is not cyclic begins with nothing green.

The shares of all hours are found together, pass by pass, until none of them moves.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from microgrid_opt.carriers import ELECTRICITY
from microgrid_opt.formulations.access import IN, OUT
from microgrid_opt.trading.form import window_groups
from microgrid_opt.trading.pairs import meters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from microgrid_opt.problem import Problem
    from microgrid_opt.results import Results
    from microgrid_opt.trading.plans import Traded

    Numbers = NDArray[np.float64]

SAME = 1e-9
"""Shares that move less than this in a pass stand still [-]."""
PASSES = 200
"""Most passes; each carries the shares through one more store or trade."""
EMPTY = 1e-9
"""Content or power below this is nothing [kWh, kW]."""


class Term(NamedTuple):
    """A supply or a draw of electricity: asset, role, column of the results, power [kW], renewable."""

    asset: str
    role: str
    column: str
    power: Numbers
    renewable: bool


@dataclass(eq=False)
class Place:
    """A balance of electricity.

    Parameters
    ----------
    member
        Whose balance it is.
    supplies, draws
        Its terms.
    share, first
        Green share of what leaves it, and of draws that take renewable power first [-], shape (n,).
    """

    member: str
    supplies: list[Term] = field(default_factory=list)
    draws: list[Term] = field(default_factory=list)
    share: Numbers = field(default_factory=lambda: np.zeros(0))
    first: Numbers = field(default_factory=lambda: np.zeros(0))


class Mix:
    """Green shares of a plan.

    Parameters
    ----------
    problem, results
        The park and its plan.
    trades
        What was sent and received.
    certified
        Whether only trades with certificates carry the attribute on; otherwise it follows the power.
    """

    def __init__(
        self,
        problem: Problem,
        results: Results,
        trades: Mapping[str, Traded],
        *,
        certified: bool,
    ) -> None:
        self.problem, self.results, self.trades = problem, results, trades
        self.certified = certified
        self.n = len(problem.horizon)
        self.hours = problem.horizon.hours
        self.nodes = meters(problem.park)
        self.places = places_of(problem, results)
        self.stores = {
            term.asset: np.zeros(self.n)
            for place in self.places.values()
            for term in place.supplies
            if term.role == "storage"
        }
        self._held = dict.fromkeys(self.stores, 0.0)
        self.sent = {key: np.zeros(self.n) for key in trades}
        self._first = {key for key in self.nodes if self._sends_green(key)}
        self.moved = np.inf
        for _ in range(PASSES):
            self.moved = self._pass()
            if self.moved <= SAME:
                break

    def _sends_green(self, asset: str) -> bool:
        meter = self.problem.park.assets[asset].meter
        return meter is not None and meter.sends == "renewable"

    def is_first(self, term: Term) -> bool:
        """Return whether a draw takes renewable power first."""
        if term.role == "trade":
            return term.asset in self._first and term.column.endswith(f".{OUT}")
        asset = self.problem.park.assets.get(term.asset)
        return term.role == "export" and getattr(asset, "export_from", "") == "renewable"

    def trade_share(self, key: str) -> Numbers:
        """Return the green share with which a trade arrives [-], shape (n,)."""
        agreed = self.trades[key].pair.agreed
        if self.certified and agreed is not None and not agreed.certificates:
            return np.zeros(self.n)
        pair, share = self.trades[key].pair, self.sent[key]
        if pair.window == "hour":
            return share
        groups = window_groups(self.problem, pair.window)
        energy = self.trades[key].sent * self.hours
        whole = np.bincount(groups, weights=energy)
        green = np.bincount(groups, weights=energy * share)
        return np.divide(green, whole, out=np.zeros_like(whole), where=whole > EMPTY)[groups]

    def green_supply(self, place: str) -> list[tuple[Term, Numbers]]:
        """Return the supplies of a place with what of them is green [kW], shape (n,)."""
        found = []
        for term in self.places[place].supplies:
            if term.renewable and term.role == "generation":
                found.append((term, term.power))
            elif term.role == "storage":
                found.append((term, term.power * self.stores[term.asset]))
            elif term.role == "trade":
                if term.column.endswith(f".{IN}"):
                    found.append((term, self._received(term.asset)))
            elif term.role == "transfer":
                found.append((term, term.power * self._line_share(term)))
        return found

    def _received(self, meter: str) -> Numbers:
        parts = (
            one.received * self.trade_share(key)
            for key, one in self.trades.items()
            if one.pair.sink == meter
        )
        return sum(parts, start=np.zeros(self.n))

    def _line_share(self, term: Term) -> Numbers:
        """Return the share of the place at the other end of a line that is its members' own."""
        for place in self.places.values():
            for other in place.draws:
                if (other.asset, other.column, other.role) == (term.asset, term.column, term.role):
                    return place.share if len(place.share) else np.zeros(self.n)
        return np.zeros(self.n)

    def _pass(self) -> float:
        moved = 0.0
        for key, place in self.places.items():
            green = sum((power for _, power in self.green_supply(key)), start=np.zeros(self.n))
            supply = sum((term.power for term in place.supplies), start=np.zeros(self.n))
            first = sum((t.power for t in place.draws if self.is_first(t)), start=np.zeros(self.n))
            taken = np.minimum(first, green)
            share = _part(green - taken, supply - first)
            moved = max(moved, _change(place.share, share))
            place.share, place.first = share, _part(taken, first)
        for meter in self.nodes:
            share = self._leaving(meter)
            for key, one in self.trades.items():
                if one.pair.source == meter:
                    moved = max(moved, _change(self.sent[key], share))
                    self.sent[key] = share
        for store in self.stores:
            share = self._content_share(store)
            moved = max(moved, _change(self.stores[store], share))
            self.stores[store] = share
        return moved

    def _leaving(self, meter: str) -> Numbers:
        for place in self.places.values():
            for term in place.draws:
                if term.asset == meter and term.column.endswith(f".{OUT}"):
                    return place.first if self.is_first(term) else place.share
        return np.zeros(self.n)

    def charged(self, store: str) -> tuple[Numbers, Numbers]:
        """Return what is charged, and what of it is green [kW], shape (n,)."""
        whole, green = np.zeros(self.n), np.zeros(self.n)
        for place in self.places.values():
            for term in place.draws:
                if term.asset == store and term.role == "storage":
                    whole = whole + term.power
                    green = green + term.power * place.share
        return whole, green

    def discharged(self, store: str) -> Numbers:
        """Return what a store discharges [kW], shape (n,)."""
        terms = [
            term.power
            for place in self.places.values()
            for term in place.supplies
            if term.asset == store and term.role == "storage"
        ]
        return sum(terms, start=np.zeros(self.n))

    def _content_share(self, store: str) -> Numbers:
        """Return the green share of what a store discharges in each step [-], shape (n,)."""
        from microgrid_opt.formulations.reservoir import CONTENT

        whole, green = self.charged(store)
        asset = self.problem.park.assets[store]
        column = f"{self.problem.park.owner(store)}.{store}.{CONTENT}"
        if column not in self.results.series.columns:
            energy = float(whole @ self.hours)
            return np.full(self.n, float(green @ self.hours) / energy if energy > EMPTY else 0.0)
        content = np.maximum(self.results.series[column].to_numpy(), 0.0)
        steps = self.problem.horizon.step_hours
        efficiency = float(getattr(asset, "discharge_efficiency", 1.0))
        taken = self.discharged(store) * steps / efficiency
        mix = _part(green, whole)
        cyclic = getattr(asset, "final", "cyclic") == "cyclic"
        before = float(content[-1]) if cyclic else float(content[0])
        held = self._held[store] if cyclic else 0.0
        shares, self._held[store] = _mixed(content, before, held, taken, mix)
        return shares


def _mixed(
    content: Numbers, before: float, held: float, taken: Numbers, mix: Numbers
) -> tuple[Numbers, float]:
    """Return the green share of what is taken from a content in each step, and of what is left."""
    shares = np.zeros(len(content))
    share = held
    for t, (after, out, new) in enumerate(
        zip(content.tolist(), taken.tolist(), mix.tolist(), strict=True)
    ):
        change = after - before + out
        added, gone = max(change, 0.0), out + max(-change, 0.0)
        left = before - gone
        if left < 0.0:
            # More than was there goes out at once: the rest is of what comes in.
            through = min(added, -left)
            shares[t] = (share * before + new * through) / max(before + through, EMPTY)
            left, added = 0.0, added - through
        else:
            shares[t] = share if before > EMPTY else new
        if left + added > EMPTY:
            share = (share * left + new * added) / (left + added)
        before = after
    return shares, share


def places_of(problem: Problem, results: Results) -> dict[str, Place]:
    """Return the balances of electricity of a plan with their terms, by place."""
    park, places = problem.park, dict[str, Place]()
    owners = {key: node.member or next(iter(park.members)) for key, node in park.nodes.items()}
    rows = results.flows[results.flows["carrier"] == ELECTRICITY]
    for number, row in rows.iterrows():
        place = places.setdefault(row["place"], Place(owners.get(row["place"], row["place"])))
        factor = (
            results.factors[str(number)].to_numpy() if np.isnan(row["factor"]) else row["factor"]
        )
        power = np.maximum(results.series[row["column"]].to_numpy() * factor, 0.0)
        term = Term(row["asset"], row["role"], row["column"], power, bool(row["renewable"]))
        (place.supplies if row["sign"] > 0 else place.draws).append(term)
    return places


def _part(part: Numbers, whole: Numbers) -> Numbers:
    """Return a share between nothing and all [-]; nothing of nothing."""
    share = np.divide(part, whole, out=np.zeros(len(whole)), where=whole > EMPTY)
    return np.clip(share, 0.0, 1.0)


def _change(old: Numbers, new: Numbers) -> float:
    return float(np.abs(new - old).max(initial=0.0)) if len(old) else 1.0
