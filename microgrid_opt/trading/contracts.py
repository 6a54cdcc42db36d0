r"""Trades with a price, tested from both sides: what each side would do if the contract were offered.

$$ g_i = c^0_i - \min_x \Bigl\{ c_i(x) \pm \sum_t h_t\,p_t\,x_t \Bigr\}, \qquad
   x^*_t = \min(x^{g}_t, x^{c}_t) $$

Each side plans alone, the other one replaced by a meter that takes or gives anything at the price. A
profile binds both; otherwise each side says how much it would want, and the shorter side decides step
by step. A contract is agreed when at that volume nobody loses.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from microgrid_opt.assets.base import Asset
from microgrid_opt.errors import InfeasibleError, InputError, NoPlanError
from microgrid_opt.formulations.access import CARRIER, Meterpoint, Wheeling
from microgrid_opt.trading.costs import (
    in_pairs,
    joins,
    member_costs,
    paid_kw,
    paid_shares,
    trades_between,
)
from microgrid_opt.trading.pairs import meters, pairs_of
from microgrid_opt.trading.payments import fixed_price
from microgrid_opt.trading.plans import TradePlan
from microgrid_opt.trading.spec import NETWORK, ValueFee

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from microgrid_opt.audit import AssetAudit
    from microgrid_opt.builder import Builder
    from microgrid_opt.problem import Problem
    from microgrid_opt.trading.modes import Study
    from microgrid_opt.trading.pairs import Pair
    from microgrid_opt.trading.spec import Fee, Trading

    Numbers = NDArray[np.float64]

SAME = 1e-6
"""Volumes and gains closer than this share of the larger one are the same."""
NOTHING = 1e-8
"""A gain or loss below this share of the cost alone is rounding."""
PRICE = "contract_price"
"""Fee as which one side sees the price."""


class _Anybody(Asset):
    """Meter of the other side of a contract: gives and takes anything."""

    wheeling: Wheeling

    def build(self, b: Builder) -> None:
        """Write what passes, without limits of its own."""
        if not b.trades:
            return
        taken, sent = self.wheeling.write(b)
        given, used = b.series("given", unit="kW"), b.series("used", unit="kW")
        b.supply(CARRIER, given, role="storage")
        b.draw(CARRIER, used, role="transfer")
        n = len(b.horizon)
        nothing, endless = np.zeros(n), np.full(n, np.inf)
        b.meter(
            Meterpoint(
                b.member,
                b.asset,
                b.place,
                self.wheeling.at,
                taken=taken,
                sent=sent,
                withdrawal=taken,
                injection=sent,
                most_in=endless,
                most_out=endless,
                price=nothing,
                dearest=nothing,
                gain=-endless,
                outlet=nothing,
                retained=nothing,
                co2=nothing,
                credit=nothing,
                single="never",
            )
        )

    def audit(self, a: AssetAudit) -> None:
        """Re-derive what the meter passes on."""
        if a.trades:
            self.wheeling.audit(a)


@dataclass(frozen=True, eq=False)
class Side:
    """What one side would do.

    Parameters
    ----------
    member
        Who.
    wanted_kwh
        What it would send or have sent at the price [kWh]; NaN where it has no plan.
    wanted_gain
        What it would save with that volume [currency].
    gain
        What it saves with the volume of both [currency]; minus infinite where that is not possible.
    note
        Why there is no plan.
    """

    member: str
    wanted_kwh: float
    wanted_gain: float
    gain: float
    note: str = ""


@dataclass(frozen=True, eq=False)
class Tested:
    """A contract as both sides see it.

    Parameters
    ----------
    pair
        Meters and terms.
    price
        Price of each kWh that is paid for [currency/kWh], shape (n,).
    sent
        Power sent if it is agreed [kW], shape (n,).
    fixed
        Whether a profile binds both.
    seller, buyer
        The sides.
    paid
        What the buyer pays for that [currency over the horizon].
    """

    pair: Pair
    price: Numbers
    sent: Numbers
    fixed: bool
    seller: Side
    buyer: Side
    paid: float

    @property
    def agreed(self) -> bool:
        """Whether something is sent and nobody loses."""
        return bool(self.sent.any()) and min(self.seller.gain, self.buyer.gain) >= 0.0

    @property
    def volumes_fit(self) -> bool:
        """Whether both sides want the same volume."""
        wants = self.seller.wanted_kwh, self.buyer.wanted_kwh
        return bool(np.isclose(*wants, rtol=SAME, atol=SAME))


@dataclass(frozen=True, eq=False)
class Contracted(TradePlan):
    """The plan of all with the contracts that are agreed, and all that were tested."""

    tested: tuple[Tested, ...] = ()


def contracted(study: Study) -> Contracted:
    """Return the contracts of a study as both sides see them, and the plan with those agreed.

    Raises
    ------
    InputError
        No trade has a price, or a member cannot be alone.
    """
    whole = in_pairs(study.problem)
    pairs = [p for p in pairs_of(whole) if fixed_price(whole, p) is not None and joins(p)]
    if not pairs:
        raise InputError("No trade has a price: give `trading.trades.NAME.price_per_kwh`.")
    study.require_alone("contract")
    tested = tuple(_test(study, whole, pair) for pair in pairs)
    agreed = {one.pair.key: one.sent for one in tested if one.agreed}
    problem = _only(whole, agreed)
    held = study.solved(problem, "contract")
    hours = problem.horizon.hours
    payments, prices = {}, {}
    for trade in trades_between(problem, held.results):
        price = fixed_price(problem, trade.pair)
        assert price is not None
        payments[trade.pair.key] = float((price * paid_kw(trade)) @ hours)
        prices[trade.pair.key] = price
    return Contracted(
        problem,
        "contract",
        held.results,
        held.audit,
        study.alone,
        member_costs(problem, held.results),
        payments,
        prices,
        tuple(note for one in tested for note in _notes(one, whole.park.currency)),
        tested,
    )


def _test(study: Study, whole: Problem, pair: Pair) -> Tested:
    """Return a contract as both sides see it, each for itself."""
    hours = whole.horizon.hours
    price = fixed_price(whole, pair)
    assert price is not None
    profile = whole.arrays.get(f"trading.trades.{pair.key}.profile_kw")
    wants: dict[str, tuple[Numbers | None, float, str]] = {}
    for member in (pair.seller, pair.buyer):
        wants[member] = _planned(study, _facing(study, whole, pair, member, profile), pair, member)
    volumes = [sent for sent, _, _ in wants.values() if sent is not None]
    if profile is not None:
        sent = profile
    elif len(volumes) == len(wants):
        sent = np.minimum(*volumes)
        sent = np.where(sent > SAME * max(float(np.max(volumes)), SAME), sent, 0.0)
    else:
        sent = np.zeros(len(hours))
    sides = []
    for member, (wanted, hoped, why) in wants.items():
        energy = np.nan if wanted is None else float(wanted @ hours)
        gain, note = hoped, why
        if wanted is not None and not np.allclose(wanted, sent, rtol=SAME, atol=SAME):
            facing = _facing(study, whole, pair, member, sent)
            _, gain, note = _planned(study, facing, pair, member)
        if abs(gain) < NOTHING * max(1.0, abs(study.alone[member].cost)):
            gain = 0.0
        sides.append(Side(member, energy, hoped, gain, note))
    of_sent, of_received = paid_shares(pair)
    paid = float((price * (of_sent + of_received * pair.delivered) * sent) @ hours)
    return Tested(pair, price, sent, profile is not None, sides[0], sides[1], paid)


def _planned(
    study: Study, problem: Problem, pair: Pair, member: str
) -> tuple[Numbers | None, float, str]:
    """Return what one side sends or has sent, what it gains, and why it cannot."""
    try:
        held = study.solved(problem, f"{member} with {pair.key}")
    except (InfeasibleError, NoPlanError) as error:
        return None, -np.inf, str(error)
    sent = np.maximum(held.results.of(f"{pair.seller}.{pair.key}.sent"), 0.0)
    return sent, study.alone[member].cost - held.results.cost, ""


def _facing(
    study: Study, whole: Problem, pair: Pair, member: str, profile: Numbers | None
) -> Problem:
    """Return the problem of one side with the contract, the other side replaced by anybody."""
    sells = member == pair.seller
    other, meter = (pair.buyer, pair.sink) if sells else (pair.seller, pair.source)
    part, trading = study.parts[member], whole.park.trading
    assert trading is not None
    nodes = meters(whole.park)
    anybody = _Anybody(member=other, wheeling=Wheeling(at=nodes[meter]))
    park = part.park.model_copy(
        update={
            "members": {**part.park.members, other: whole.park.members[other]},
            "assets": {**part.park.assets, meter: anybody},
            "trading": _terms(trading, pair, sells=sells),
        }
    )
    price = fixed_price(whole, pair)
    assert price is not None
    of_sent, of_received = paid_shares(pair)
    per_delivered = price * (of_sent + of_received * pair.delivered) / pair.delivered
    arrays = dict(whole.arrays)
    arrays[f"trading.fees.{PRICE}.price_per_kwh"] = -per_delivered if sells else per_delivered
    if profile is not None:
        arrays[f"trading.trades.{pair.key}.profile_kw"] = profile
    if sells:  # prices of lines are the buyer's
        lines = {f"trading.network.lines.{key}.price_per_kwh" for key in trading.network.lines}
        arrays = {key: values for key, values in arrays.items() if key not in lines}
    return replace(part, park=park, arrays=arrays)


def _terms(trading: Trading, pair: Pair, *, sells: bool) -> Trading:
    """Return the trading that one side sees: one trade, the fees that this side pays, the price."""
    side = "seller" if sells else "buyer"
    fees: dict[str, Fee] = {
        name: fee.model_copy(update={"paid_to": NETWORK})
        for name, fee in trading.fees.items()
        if fee.paid_by == side
    }
    fees[PRICE] = ValueFee(method="value", price_per_kwh=0.0, paid_by=side)
    only: Any = {"pairs": "listed", "sellers": None, "buyers": None}
    return trading.model_copy(
        update={
            "fees": fees,
            "rules": trading.rules.model_copy(update=only),
            "trades": {pair.key: pair.agreed},
            "form": "pairs",
        }
    )


def _only(whole: Problem, profiles: Mapping[str, Numbers]) -> Problem:
    """Return the problem of all members with some trades, each with the profile that is given."""
    trading = whole.park.trading
    assert trading is not None
    rules = trading.rules.model_copy(update={"pairs": "listed"})
    trades = {key: trade for key, trade in trading.trades.items() if key in profiles}
    park = whole.park.model_copy(
        update={"trading": trading.model_copy(update={"rules": rules, "trades": trades})}
    )
    fixed = {f"trading.trades.{key}.profile_kw": sent for key, sent in profiles.items()}
    return replace(whole, park=park, arrays={**whole.arrays, **fixed})


def _notes(one: Tested, currency: str) -> list[str]:
    """Return what became of a contract."""
    key = one.pair.key
    notes = [f"{key}: {side.member}: {side.note}" for side in (one.seller, one.buyer) if side.note]
    if one.agreed:
        if not one.fixed and not one.volumes_fit:
            short = min((one.seller, one.buyer), key=lambda side: side.wanted_kwh)
            notes.append(f"{key}: the sides want different volumes; {short.member} decides")
        return notes
    losers = [s for s in (one.seller, one.buyer) if s.gain < 0.0 and np.isfinite(s.gain)]
    if losers:
        lost = ", ".join(f"{s.member} loses {-s.gain:,.2f} {currency}" for s in losers)
        notes.append(f"{key}: not agreed: {lost}")
    elif not notes:
        notes.append(f"{key}: not agreed: at this price one side wants nothing")
    return notes
