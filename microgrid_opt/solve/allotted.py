r"""Shares of limits of the whole year (a CO2 cap, a renewable share) that pieces choose at its price.

At a price $\lambda$ of one unit, a piece has as much of a limit as is worth it to itself: its share is
left at the least that it can use, and what it uses above costs $\lambda$ in place of the price of a miss.
Prices are doubled while all pieces together use too much, or halved while they leave something over;
with the shares $r^k$ that they chose at price $\lambda_k$, and what they cost, $c_k$, without it,
$$ \min_w \sum_k w_k c_k \quad\text{s.t.}\quad L \le \sum_k w_k \sum_p r^k_p \le U,\; \sum_k w_k = 1,\;
   w \ge 0 $$
(Dantzig and Wolfe, 1960, doi:10.1287/opre.8.1.101) are shares which every piece can keep, for what is
between two of its plans is one of them. Shares of a few typical days are not: where they are missed,
it takes as many rounds to move them as the pieces differ.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from microgrid_opt.errors import MicrogridError
from microgrid_opt.solve.mending import mended
from microgrid_opt.solve.small import minimize

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from microgrid_opt.solve.bundle import Bundle
    from microgrid_opt.solve.piece import Answer

    Floats = NDArray[np.float64]

TRIES = 3
"""Prices that are tried: each takes a round."""
FIRST = 1 / 16
"""Share of the price of a miss that is tried where a limit seemed to cost nothing."""
CLOSE = 1e-3
"""Part of a limit that may be left over."""


def allotted(bundle: Bundle, point: Floats, prices: Floats) -> Floats:
    """Return a point with shares that pieces choose, and of all else what they miss there.

    Parameters
    ----------
    bundle
        Its pieces are solved; their cuts stay.
    point
        That keeps the rows among what is shared, shape (count,).
    prices
        What a unit of each spread row is worth, about, shape (spread rows,).
    """
    market = _Market(bundle)
    if not market.open.any():
        return point
    found, paid, offers = point, np.abs(prices), []
    kept = used = np.zeros(len(paid), dtype=bool)
    for _ in range(TRIES):
        market.charge(paid)
        answers = bundle.solve(market.cleared(found))
        if answers is None:
            break
        offers.append(market.taken(answers))
        found = mended(bundle, found, market.without(answers))
        room, close = market.room(found, offers[-1][1])
        kept, used = kept | (room >= -close), used | (room <= close) | (paid == 0.0)
        if (kept & used).all():
            break
        dearer = np.where(paid > 0.0, 2.0 * paid, FIRST * market.miss)
        paid = np.where(~kept, dearer, np.where(~used, 0.5 * paid, paid))
    market.close()
    return market.between(found, offers) if offers else point


class _Market:
    """The shares of a bundle that its pieces may choose: of rows with a limit on one side.

    Attributes
    ----------
    low, high
        Limits of the spread rows, infinite where their shares may not be chosen, shape (spread rows,).
    open
        Shares that may be, shape (shares,).
    dear, miss
        What misses cost before: of the parameters of each piece, and of each spread row at most.
    """

    def __init__(self, bundle: Bundle) -> None:
        cuts = bundle.cuts
        spread = slice(len(cuts.plain), None)
        self.bundle, self.first, self.row = bundle, len(cuts.shared), cuts.share_row
        self.low, self.high = cuts.row_lower[spread], cuts.row_upper[spread]
        self.terms = cuts.terms[spread]
        capped = np.isinf(self.low)
        self.edge = np.where(capped[self.row], cuts.lower[self.first :], cuts.upper[self.first :])
        endless = np.bincount(self.row, np.isinf(self.edge), len(capped)) > 0
        closed = ~(capped | np.isinf(self.high)) | endless
        self.low, self.high = (
            np.where(closed, -np.inf, self.low),
            np.where(closed, np.inf, self.high),
        )
        self.open = ~closed[self.row]
        self.of = [
            parameters[model.common :] - self.first
            for model, parameters in zip(bundle.models, cuts.parameters, strict=True)
        ]
        self.dear = [model.penalty for model in bundle.models]
        self.miss = np.zeros(len(self.low))
        for model, shares in zip(bundle.models, self.of, strict=True):
            np.maximum.at(self.miss, self.row[shares], model.penalty[model.common :])

    def close(self) -> None:
        """Let misses cost what they did before."""
        for model, most in zip(self.bundle.models, self.dear, strict=True):
            model.charge(most)

    def charge(self, paid: Floats) -> None:
        """Let pieces pay these prices for what they use of open shares, and no more than for a miss."""
        for model, shares, most in zip(self.bundle.models, self.of, self.dear, strict=True):
            penalty = most.copy()
            behind = penalty[model.common :]
            price = np.minimum(paid[self.row[shares]], behind)
            behind[:] = np.where(self.open[shares], price, behind)
            model.charge(penalty)

    def cleared(self, point: Floats) -> Floats:
        """Return the point with open shares where all that is used of them is paid for."""
        found = point.copy()
        found[self.first :] = np.where(self.open, self.edge, point[self.first :])
        return found

    def taken(self, answers: Sequence[Answer]) -> tuple[float, Floats]:
        """Return what all pieces cost but for what they paid here, and their shares."""
        cost, used = 0.0, np.zeros(len(self.row))
        for model, shares, answer in zip(self.bundle.models, self.of, answers, strict=True):
            paid = np.where(self.open[shares], (model.penalty * answer.missed)[model.common :], 0.0)
            cost += answer.cost - float(paid.sum())
            used[shares] = model.shares(model.values)
        return cost, used

    def without(self, answers: Sequence[Answer]) -> list[Answer]:
        """Return the answers with no miss of a share."""
        found = []
        for model, answer in zip(self.bundle.models, answers, strict=True):
            missed = answer.missed.copy()
            missed[model.common :] = 0.0
            found.append(replace(answer, missed=missed))
        return found

    def totals(self, point: Floats, used: Floats) -> Floats:
        """Return what is used of each spread row with these shares, shape (spread rows,)."""
        own = [
            float(value[column < self.first] @ point[column[column < self.first]])
            for column, value in self.terms
        ]
        return np.asarray(np.bincount(self.row, used, len(self.low)) + own)

    def room(self, point: Floats, used: Floats) -> tuple[Floats, Floats]:
        """Return what is left of each limit, below zero where it is short, and how little is nothing."""
        total = self.totals(point, used)
        room = np.minimum(self.high - total, total - self.low)
        limit = np.where(np.isinf(self.low), np.abs(self.high), np.abs(self.low))
        return room, CLOSE * np.maximum(limit, 1.0)

    def between(self, point: Floats, offers: Sequence[tuple[float, Floats]]) -> Floats:
        """Return the point with the cheapest mean of what pieces took that keeps the limits.

        With what they took last where rounding leaves none: it is where to start, and no more.
        """
        count, rows = len(offers), len(self.low)
        used = np.array([shares for _, shares in offers])
        sums = np.array([np.bincount(self.row, shares, rows) for shares in used]).T
        own = self.totals(point, np.zeros(len(self.row)))
        scale = np.maximum(np.abs(sums).max(axis=1), 1.0)[:, None]
        over = np.eye(rows)
        terms = np.block(
            [[sums / scale, over, -over], [np.ones((1, count)), np.zeros((1, 2 * rows))]]
        )
        cost = np.concatenate([[cost for cost, _ in offers], np.tile(self.miss * scale[:, 0], 2)])
        try:
            weight = minimize(
                cost / max(float(np.abs(cost).max()), 1.0),
                terms,
                np.append((self.low - own) / scale[:, 0], 1.0),
                np.append((self.high - own) / scale[:, 0], 1.0),
                col_lower=0.0,
            ).values[:count]
        except MicrogridError:
            weight = np.eye(count)[-1]
        found = point.copy()
        mean = weight @ used
        found[self.first :] = np.where(self.open, mean, point[self.first :])
        return found
