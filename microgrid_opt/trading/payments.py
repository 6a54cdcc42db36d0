r"""Payments that leave nobody worse off, if there are any within the prices that may be agreed.

$$ g_i = c^0_i - c_i + \sum_{k: s(k) = i} m_k - \sum_{k: b(k) = i} m_k, \qquad
   p^{lo}_k E_k \le m_k \le p^{hi}_k E_k, \qquad
   \operatorname*{lex\,max}_m \; \bigl(g_{(1)}, g_{(2)}, \dots, g_{(n)}\bigr) $$

| symbol | name | unit |
|---|---|---|
| $m_k$ | what buyer $b(k)$ pays seller $s(k)$ over the horizon | currency |
| $c^0_i, c_i$ | cost of a member alone, and in the joint plan before payments | currency |
| $g_i$ | gain of a member; $g_{(1)}$ the smallest one | currency |
| $E_k$ | energy that is paid for | kWh |

Money is a sum for each trade, so that the problem stays linear in $m$; a price is $m_k / E_k$. The
smallest gain is made as large as it can be, then the next one. Without limits on prices all gains are
equal, which is Nash's bargaining solution with equal powers (J. Nash, The bargaining problem,
Econometrica 18(2), 1950, doi:10.2307/1907266).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from microgrid_opt.solve.small import minimize
from microgrid_opt.trading.costs import paid_kw

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from microgrid_opt.problem import Problem
    from microgrid_opt.trading.pairs import Pair
    from microgrid_opt.trading.plans import Traded

    Numbers = NDArray[np.float64]

WORSE = 1e-9
"""A loss below this share of the sums that are added is rounding."""
ROUNDING = 1e-12
"""Gains are given up to this share of the largest saving, so that rounding excludes none."""
BINDING = 1e-7
"""Multiplier from which on a limit holds back the smallest gain."""


@dataclass(frozen=True)
class Band:
    """Least and highest price that may be agreed [currency/kWh]; infinite without a limit."""

    low: float = -np.inf
    high: float = np.inf


def band_of(pair: Pair, otherwise: Band) -> Band:
    """Return the prices that may be agreed in a trade: its own, or those of all."""
    agreed = pair.agreed
    low = None if agreed is None else agreed.min_price_per_kwh
    high = None if agreed is None else agreed.max_price_per_kwh
    return Band(otherwise.low if low is None else low, otherwise.high if high is None else high)


def fixed_price(problem: Problem, pair: Pair) -> Numbers | None:
    """Return the price that is agreed in a trade [currency/kWh], shape (n,); ``None`` without one."""
    return problem.arrays.get(f"trading.trades.{pair.key}.price_per_kwh")


def money_limits(problem: Problem, trade: Traded, otherwise: Band) -> tuple[float, float]:
    """Return the least and the most that may be paid in a trade [currency over the horizon]."""
    energy = paid_kw(trade) * problem.horizon.hours
    price = fixed_price(problem, trade.pair)
    if price is not None:
        amount = float(price @ energy)
        return amount, amount
    band = band_of(trade.pair, otherwise)
    total = float(energy.sum())
    if not total and (np.isfinite(band.low) or np.isfinite(band.high)):
        return 0.0, 0.0
    # Without any limit the payment is free also where nothing was sent.
    return (
        band.low * total if np.isfinite(band.low) else -np.inf,
        band.high * total if np.isfinite(band.high) else np.inf,
    )


def fair_payments(
    saved: Mapping[str, float],
    ends: Sequence[tuple[str, str]],
    limits: Sequence[tuple[float, float]],
    *,
    scale: float,
    wanted: Sequence[tuple[float, float]] | None = None,
) -> list[float] | None:
    """Return the payments with the most even gains that leave nobody worse off, if there are any.

    Parameters
    ----------
    saved
        What each member saves before payments, $c^0_i - c_i$ [currency].
    ends
        Seller and buyer of each trade.
    limits
        Least and most that may be paid in each trade [currency].
    scale
        Size of the costs that were subtracted [currency]: what counts as rounding.
    wanted
        What would be paid in each trade at a price in the middle [currency], and its energy [kWh]:
        where gains do not tell the payments, prices move as little as they can from there. Nothing
        is wanted when left out.

    Returns
    -------
    list of float or None
        Payments in the order of the trades [currency].
    """
    members = {member: row for row, member in enumerate(saved)}
    before = np.array(list(saved.values()), dtype=float)
    allowed = WORSE * max(scale, 1.0)
    if not ends:
        return [] if before.min(initial=0.0) >= -allowed else None
    moves = np.zeros((len(members), len(ends)))
    for column, (seller, buyer) in enumerate(ends):
        moves[members[seller], column] += 1.0
        moves[members[buyer], column] -= 1.0
    unit = max(float(np.abs(before).max()), 1.0)
    low, high = (np.array(side, dtype=float) / unit for side in zip(*limits, strict=True))
    least = np.full(len(before), np.nan)
    while np.isnan(least).any():
        gain, held = _smallest(before / unit, moves, (low, high), least)
        if gain * unit < -allowed:
            return None
        least[held] = gain
    middle, energy = zip(*(wanted or [(0.0, 1.0)] * len(ends)), strict=True)
    found = _nearest(
        before / unit,
        moves,
        (low, high),
        least,
        (np.array(middle) / unit, np.array(energy) / max(*energy, 1e-9)),
    )
    return [float(paid) * unit for paid in found]


def _smallest(
    before: Numbers, moves: Numbers, limits: tuple[Numbers, Numbers], least: Numbers
) -> tuple[float, NDArray[np.bool_]]:
    """Return the largest smallest gain of those whose gain is still open (NaN), and who is held there."""
    still = np.isnan(least)
    cost = np.append(np.zeros(moves.shape[1]), -1.0)
    best = minimize(
        cost,
        np.column_stack([moves, -still.astype(float)]),
        np.where(still, 0.0, least) - before,
        np.full(len(before), np.inf),
        col_lower=np.append(limits[0], -np.inf),
        col_upper=np.append(limits[1], np.inf),
    )
    held = still & (np.abs(best.row_duals) > BINDING)
    return float(best.values[-1]), held if held.any() else still


def _nearest(
    before: Numbers,
    moves: Numbers,
    limits: tuple[Numbers, Numbers],
    least: Numbers,
    wanted: tuple[Numbers, Numbers],
) -> Numbers:
    """Return the payments nearest to wanted ones that give everybody its gain.

    Nearest by the squares of the differences of prices, weighted with energy; where that misses a limit, by
    the sum of the differences of money.
    """
    middle, energy = wanted
    low, high = limits
    spread = moves * energy
    more = least - before - moves @ middle
    found = middle + spread.T @ np.linalg.lstsq(spread @ moves.T, more, rcond=None)[0]
    exact = np.abs(moves @ found - least + before).max() <= ROUNDING
    if exact and (found >= low - ROUNDING).all() and (found <= high + ROUNDING).all():
        return np.asarray(found)
    count = moves.shape[1]
    best = minimize(
        np.ones(2 * count),
        np.vstack([np.hstack([moves, -moves]), np.hstack([np.eye(count), -np.eye(count)])]),
        np.concatenate([least - ROUNDING - before - moves @ middle, low - middle]),
        np.concatenate([np.full(len(before), np.inf), high - middle]),
        col_lower=0.0,
    )
    return middle + best.values[:count] - best.values[count:]
