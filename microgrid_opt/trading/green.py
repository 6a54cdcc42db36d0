r"""Where every renewable kWh went, and who may claim it: each is in exactly one place.

$$ G_i = \sum_s b_{is}, \qquad \sum_{\text{members}} \text{claims} + \text{exported} + \text{sold without
certificate} + \text{lost} + \text{dumped} = \sum_i G_i \le \text{made} $$
$$ E^{cons}_i = E_i - \sum_{k \text{ from } i} \epsilon_k + \sum_{k \text{ to } i} \epsilon_k, \qquad
   \epsilon_k = \sum_t h_t\,x_{k,t}\,(1 - \sigma_{k,t})\,\gamma_{i,t} $$

A kWh of a generator is used where it is made, charged, sent in a trade with or without its certificate,
exported, or dumped, each in the share that the draw has of all draws (`microgrid_opt.trading.mix`); what
stores give back is followed in the same way. A buyer claims what arrives with certificates and is used;
losses cannot be claimed. Certificates of exports and of trades without are not claimed by any member.

CO2 of members is told in three ways. *Producer*: as booked, where fuel is burnt and power is bought.
*Consumer*: the CO2 of what the seller sends follows the power, whoever holds the certificate; the sum over
members stays. *Market*: what arrives without a claim counts at the factor of the buyer's own supply (at the
seller's mix where it has none), what arrives with a claim at nothing; sellers keep what they emit, as scope 1
and scope 2 of different firms do (GHG Protocol Scope 2 Guidance, 2015, chapters 6 and 7).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from microgrid_opt.ledger import CO2
from microgrid_opt.trading.mix import EMPTY, PASSES, SAME, Mix

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from microgrid_opt.problem import Problem
    from microgrid_opt.results import Results
    from microgrid_opt.trading.mix import Place, Term
    from microgrid_opt.trading.plans import Traded

    Numbers = NDArray[np.float64]

USED, STORED, EXPORTED, DUMPED, LINE = "used", "stored", "exported", "dumped", "private_line"
CERTIFIED, BARE = "traded_with_certificate", "traded_without"
CURTAILED = "curtailed"
LOST_STORED, LOST_TRADED = "lost_in_store", "lost_on_the_way"
BUCKETS = (
    USED,
    CERTIFIED,
    BARE,
    EXPORTED,
    STORED,
    LINE,
    DUMPED,
    LOST_STORED,
    LOST_TRADED,
    CURTAILED,
)
"""Where renewable energy goes."""
_UNUSED = ("curtailed", "released")


@dataclass(frozen=True, eq=False)
class Green:
    """The ledger of the green attribute.

    Parameters
    ----------
    buckets
        ``kind, source, member, bucket, to, kwh``: where the green energy went of every source: its
        ``kind`` is ``generation``, ``storage``, ``transfer`` (a private line), ``trade_at`` (a meter that
        received it) or ``trade`` (what is lost on the way); ``to`` names the trade, store or line.
    claims
        Green power that arrives with certificates, by trade [kW], shape (n,).
    members
        ``member, load_kwh, claimed_kwh, matched_share, made_kwh, exported_kwh, without_kwh`` and the CO2
        ``producer_kg, consumer_kg, market_kg``.
    trades
        ``trade, sent_kwh, green_sent_kwh, received_kwh, claimed_kwh, co2_kg``.
    notes
        What a reader must know.
    """

    buckets: pd.DataFrame
    claims: Mapping[str, Numbers]
    members: pd.DataFrame
    trades: pd.DataFrame
    notes: tuple[str, ...] = ()

    def total(self, bucket: str, kind: str | None = None) -> float:
        """Return the energy in a bucket [kWh], of all sources or of those of one kind."""
        rows = self.buckets[self.buckets["bucket"] == bucket]
        rows = rows if kind is None else rows[rows["kind"] == kind]
        return float(rows["kwh"].sum())


def green_of(problem: Problem, results: Results, trades: Mapping[str, Traded]) -> Green:
    """Return where the renewable energy of a plan went.

    Parameters
    ----------
    problem, results
        The park and its plan.
    trades
        What was sent and received between its meters.
    """
    mix = Mix(problem, results, trades, certified=True)
    physical = Mix(problem, results, trades, certified=False)
    notes = []
    if max(mix.moved, physical.moved) > SAME:
        notes.append(f"Green shares still move by {mix.moved:.1e} after {PASSES} passes.")
    book = _Book(mix, results)
    claims = {key: one.received * mix.trade_share(key) for key, one in trades.items()}
    moved = {key: _emitted(physical, results, key) for key in trades}
    return Green(
        book.table(),
        claims,
        _members(problem, results, mix, book, moved),
        _trades(mix, claims, moved),
        tuple(notes),
    )


class _Book:
    """Energy by source and bucket while it is added up."""

    def __init__(self, mix: Mix, results: Results) -> None:
        self.mix = mix
        self.rows: dict[tuple[str, str, str, str, str], float] = {}
        self.used: dict[str, Numbers] = {}
        for key in mix.places:
            self._place(key, mix.places[key])
        for store in mix.stores:
            green = mix.charged(store)[1] - mix.discharged(store) * mix.stores[store]
            owner = mix.problem.park.owner(store)
            self._add("storage", store, owner, LOST_STORED, "", green)
        for key, one in mix.trades.items():
            if self._has_certificate(key):
                lost = one.sent * mix.sent[key] - one.received * mix.trade_share(key)
                self._add("trade", key, one.pair.buyer, LOST_TRADED, "", lost)
        for row in results.details.to_dict("records"):
            if row["name"] in _UNUSED and row["unit"] == "kWh":
                owner = mix.problem.park.owner(row["asset"])
                name = ("generation", row["asset"], owner, CURTAILED, "")
                self.rows[name] = float(row["value"])

    def _has_certificate(self, key: str) -> bool:
        agreed = self.mix.trades[key].pair.agreed
        return agreed is None or agreed.certificates

    def _add(self, kind: str, source: str, member: str, bucket: str, to: str, kw: Numbers) -> None:
        name = (kind, source, member, bucket, to)
        self.rows[name] = self.rows.get(name, 0.0) + float(kw @ self.mix.hours)

    def _place(self, key: str, place: Place) -> None:
        mix = self.mix
        sources = [(term, power) for term, power in mix.green_supply(key) if power.any()]
        green = sum((power for _, power in sources), start=np.zeros(mix.n))
        for draw in place.draws:
            share = place.first if mix.is_first(draw) else place.share
            taken = draw.power * share
            for bucket, to, part in self._of(draw, taken):
                if bucket == USED:
                    used = self.used.setdefault(place.member, np.zeros(mix.n))
                    self.used[place.member] = used + part
                for term, power in sources:
                    kind, source = _source(term, mix)
                    of = np.divide(power, green, out=np.zeros(mix.n), where=green > EMPTY)
                    self._add(kind, source, place.member, bucket, to, part * of)

    def _of(self, draw: Term, taken: Numbers) -> list[tuple[str, str, Numbers]]:
        """Return the buckets of a draw, with what goes to each [kW]."""
        mix = self.mix
        if draw.role == "storage":
            return [(STORED, draw.asset, taken)]
        if draw.role == "export":
            return [(EXPORTED, draw.asset, taken)]
        if draw.role == "dump":
            return [(DUMPED, draw.asset, taken)]
        if draw.role == "transfer":
            return [(LINE, draw.asset, taken)]
        if draw.role != "trade":
            return [(USED, "", taken)]
        parts = []
        for key, one in mix.trades.items():
            if one.pair.source == draw.asset:
                bucket = CERTIFIED if self._has_certificate(key) else BARE
                parts.append((bucket, key, one.sent * mix.sent[key]))
        return parts

    def table(self) -> pd.DataFrame:
        """Return source, bucket and energy of all that is not nothing."""
        names = ["kind", "source", "member", "bucket", "to"]
        rows = [(*name, kwh) for name, kwh in self.rows.items() if abs(kwh) > EMPTY]
        return pd.DataFrame(rows, columns=[*names, "kwh"])


def _source(term: Term, mix: Mix) -> tuple[str, str]:
    if term.role == "generation":
        return "generation", term.asset
    if term.role == "storage":
        return "storage", term.asset
    return ("trade_at" if term.role == "trade" else "transfer"), term.asset


# ------------------------------------------------------------------------------------ CO2


def _emitted(mix: Mix, results: Results, key: str) -> Numbers:
    """Return the CO2 of what a trade sends, of its seller's power that is not green [kg/h]."""
    trade = mix.trades[key]
    return trade.sent * (1.0 - mix.sent[key]) * seller_factor(mix, results, trade.pair.seller)


def seller_factor(mix: Mix, results: Results, member: str) -> Numbers:
    """Return the CO2 of a member's electricity that is not green [kg/kWh], shape (n,).

    Of what it buys the factor of its supply; of what it makes from fuel all of its other CO2, spread over
    this generation. In hours with neither, which only stores serve, the mean of all hours.
    """
    problem, n = mix.problem, mix.n
    kg, kwh, made = np.zeros(n), np.zeros(n), np.zeros(n)
    for place in mix.places.values():
        if place.member != member:
            continue
        for term in place.supplies:
            if term.role == "import":
                kg = kg + term.power * problem.arrays.get(
                    f"assets.{term.asset}.co2_kg_per_kwh", 0.0
                )
                kwh = kwh + term.power
            elif term.role == "generation" and not term.renewable:
                made = made + term.power
    ledger = results.ledger
    booked = float(
        ledger.loc[(ledger["effect"] == CO2) & (ledger["member"] == member), "amount"].sum()
    )
    energy = float(made @ mix.hours)
    if energy > EMPTY:
        kg = kg + made * max(booked - float(kg @ mix.hours), 0.0) / energy
    kwh = kwh + made
    whole = float(kwh @ mix.hours)
    mean = float(kg @ mix.hours) / whole if whole > EMPTY else 0.0
    found: Numbers = np.divide(kg, kwh, out=np.full(n, mean), where=kwh > EMPTY)
    return found


def _members(
    problem: Problem, results: Results, mix: Mix, book: _Book, moved: Mapping[str, Numbers]
) -> pd.DataFrame:
    ledger, hours = results.ledger, mix.hours
    booked = ledger[ledger["effect"] == CO2].groupby("member")["amount"].sum()
    sums = book.table().groupby(["member", "bucket"])["kwh"].sum().to_dict()
    rows = []
    for member in problem.park.members:
        mine = [place for place in mix.places.values() if place.member == member]
        load = sum(
            (t.power for p in mine for t in p.draws if t.role in {"demand", "conversion"}),
            start=np.zeros(mix.n),
        )
        made = sum(
            (t.power for p in mine for t in p.supplies if t.role == "generation" and t.renewable),
            start=np.zeros(mix.n),
        )
        claimed = book.used.get(member, np.zeros(mix.n))
        energy = float(load @ hours)
        green = float(np.minimum(claimed, load) @ hours)
        producer = float(booked.get(member, 0.0))
        consumer, market = producer, producer
        for key, kg in moved.items():
            pair = mix.trades[key].pair
            amount = float(kg @ hours)
            consumer += amount * ((pair.buyer == member) - (pair.seller == member))
            if pair.buyer == member:
                market += _unclaimed(mix, results, key)
        rows.append(
            (
                *(member, energy, float(claimed @ hours)),
                green / energy if energy > EMPTY else math.nan,
                float(made @ hours),
                sums.get((member, EXPORTED), 0.0),
                sums.get((member, BARE), 0.0),
                *(producer, consumer, market),
            )
        )
    names = ["member", "load_kwh", "claimed_kwh", "matched_share", "made_kwh", "exported_kwh"]
    names += ["without_kwh", "producer_kg", "consumer_kg", "market_kg"]
    return pd.DataFrame(rows, columns=names)


def _unclaimed(mix: Mix, results: Results, key: str) -> float:
    """Return the CO2 of what a buyer receives without a claim, at the mix of its supply [kg]."""
    trade = mix.trades[key]
    bare = trade.received * (1.0 - mix.trade_share(key))
    own = mix.problem.arrays.get(f"assets.{trade.pair.sink}.co2_kg_per_kwh")
    factor = seller_factor(mix, results, trade.pair.seller) if own is None else own
    return float((bare * factor) @ mix.hours)


def _trades(mix: Mix, claims: Mapping[str, Numbers], moved: Mapping[str, Numbers]) -> pd.DataFrame:
    hours = mix.hours
    rows = [
        (
            key,
            float(one.sent @ hours),
            float((one.sent * mix.sent[key]) @ hours),
            float(one.received @ hours),
            float(claims[key] @ hours),
            float(moved[key] @ hours),
        )
        for key, one in mix.trades.items()
    ]
    names = ["trade", "sent_kwh", "green_sent_kwh", "received_kwh", "claimed_kwh", "co2_kg"]
    return pd.DataFrame(rows, columns=names)
