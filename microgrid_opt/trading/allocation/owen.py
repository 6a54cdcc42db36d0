r"""Sharing by dual prices in linear production games.

Every player owns resources, a coalition makes the most of what its members own:

$$ v(S) = \max\{\, c^\top z : A z \le \sum_{i \in S} b^i,\ z \ge 0 \,\},\qquad x_i = \pi^\top b^i $$

where $\pi$ are optimal dual prices of the grand coalition's program. The shares add up to $v(N)$ by
strong duality and lie in the core, because $\pi$ is feasible for the dual of every coalition (Owen,
On the core of linear production games, Mathematical Programming 9, 1975). This holds for linear
models in which every limited resource belongs to somebody; with integers or a shared limit without
owner it does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from microgrid_opt.errors import Finding, InputError
from microgrid_opt.solve.small import minimize
from microgrid_opt.trading.allocation.game import Game
from microgrid_opt.trading.allocation.result import Allocation, assess

if TYPE_CHECKING:
    from collections.abc import Mapping

    from microgrid_opt.trading.allocation.excess import Separation
    from microgrid_opt.trading.allocation.game import Coalition, Floats

MISMATCH = 1e-6
"""Prices that pay out another total than v(N), by more than this part of it, are remarked on."""


def owen(
    game: Game,
    resources: Mapping[str, Mapping[str, float]],
    prices: Mapping[str, float],
    *,
    separation: Separation | None = None,
) -> Allocation:
    r"""Pay everybody the dual prices for what it owns, $x_i = \sum_r \pi_r b^i_r$.

    Parameters
    ----------
    game
        The game; its total is compared with what the prices pay out.
    resources
        $b^i_r$ by player and resource; a resource that is missing counts as zero.
    prices
        $\pi_r$ [unit per unit of the resource] by resource.
    separation
        Oracle for the core check; see `assess`.

    Raises
    ------
    InputError
        For players without resources, and resources without a price.
    """
    findings = [
        Finding("has no entry; give {} for a player that owns nothing", key=f"resources.{player}")
        for player in game.players
        if player not in resources
    ]
    findings += [
        Finding("has no price", key=f"resources.{player}.{name}")
        for player, owned in resources.items()
        for name in owned
        if name not in prices
    ]
    if findings:
        raise InputError(findings)
    shares = game.array(
        {
            player: float(sum(prices[name] * amount for name, amount in owned.items()))
            for player, owned in resources.items()
        }
    )
    gap = float(shares.sum()) - game.total
    notes = []
    if abs(gap) > max(MISMATCH * abs(game.total), game.tolerance):
        notes.append(
            f"The prices pay out {gap:+.6g} {game.unit}".rstrip()
            + " against the total: they are not "
            "optimal duals of a linear model in which every limited resource has an owner."
        )
    return assess(game, "owen", shares, separation=separation, notes=notes)


@dataclass(frozen=True, eq=False)
class Production:
    """A linear production game by its data.

    Parameters
    ----------
    profit
        $c$ [unit per activity], shape (activities,).
    use
        $A$, shape (resources, activities).
    owned
        $b^i$ by player, shape (resources,).
    """

    profit: Floats
    use: Floats
    owned: Mapping[str, Floats]

    def game(self, unit: str = "") -> Game:
        """Return the game; each value is one small linear program."""
        return Game(tuple(self.owned), self._worth, unit)

    def prices(self) -> dict[str, float]:
        """Return optimal dual prices of all players' resources, by number as text."""
        duals = -self._solve(frozenset(self.owned))[1]
        return {str(number): float(price) for number, price in enumerate(duals)}

    def resources(self) -> dict[str, dict[str, float]]:
        """Return what everybody owns, by player and by number as text, as `owen` takes it."""
        return {
            player: {str(number): float(amount) for number, amount in enumerate(owned)}
            for player, owned in self.owned.items()
        }

    def _worth(self, coalition: Coalition) -> float:
        return -self._solve(coalition)[0]

    def _solve(self, coalition: Coalition) -> tuple[float, Floats]:
        limit = np.sum([self.owned[player] for player in coalition], axis=0)
        lower = np.full(len(limit), -np.inf)
        best = minimize(-np.asarray(self.profit), self.use, lower, limit, col_lower=0.0)
        return best.objective, best.row_duals
