r"""What coalitions miss under a sharing: the excess, the core, and the search for the worst one.

$$ e(S, x) = v(S) - \sum_{i \in S} x_i,\qquad
\text{core} = \{x : x(N) = v(N),\ e(S, x) \le 0\ \forall S\} $$

A coalition with positive excess gains by leaving (Gillies, Solutions to general non-zero-sum games,
Annals of Mathematics Studies 40, 1959).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from microgrid_opt.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from microgrid_opt.trading.allocation.game import Coalition, Floats, Game, Ints

Separation: TypeAlias = "Callable[[Mapping[str, float], float], Coalition | None]"
"""Oracle: given shares by player and an amount [unit], a coalition whose excess is above the amount,
or None as a proof that no coalition has more."""


@dataclass(frozen=True)
class Excess:
    """The largest excess that was found.

    Parameters
    ----------
    coalition
        The coalition that has it.
    amount
        The excess [unit]; positive: the coalition does better on its own.
    proven
        Whether no coalition has more; otherwise only the known ones were looked at.
    """

    coalition: Coalition
    amount: float
    proven: bool


class Excesses:
    """The excesses of all known coalitions, kept as arrays while no value is added.

    Parameters
    ----------
    game
        The game; its stand-alone values are asked for.
    """

    def __init__(self, game: Game) -> None:
        self._game = game
        self._asked = -1
        self._masks: Ints
        self._values: Floats
        self._members: Floats
        _ = game.alone  # so that there is always something to look at

    def known(self) -> tuple[Ints, Floats, Floats]:
        """Return masks, values, and members (masks, players) of the known coalitions."""
        if self._asked != self._game.asked:
            self._masks, self._values = self._game.known()
            self._members = self._game.members(self._masks)
            self._asked = self._game.asked
        return self._masks, self._values, self._members

    def of(self, shares: Floats) -> tuple[Ints, Floats]:
        """Return masks and excesses [unit] of the known coalitions."""
        masks, values, members = self.known()
        return masks, values - members @ shares


def max_excess(game: Game, shares: Floats, separation: Separation | None = None) -> Excess:
    """Return the largest excess over all coalitions but the empty and the grand one.

    Parameters
    ----------
    game
        Only its stand-alone values are asked for, and what `separation` returns.
    shares
        In the players' order, shape (players,) [unit].
    separation
        Finds the worst coalition; if None, only the known coalitions are looked at.

    Raises
    ------
    InputError
        When the oracle returns a coalition that does not have the excess it promises.
    """
    excesses = Excesses(game)
    while True:
        masks, amounts = excesses.of(shares)
        worst = int(amounts.argmax())
        found = Excess(game.coalition(int(masks[worst])), float(amounts[worst]), game.all_known)
        if separation is None or found.proven:
            return found
        if not ask(game, separation, shares, found.amount + game.tolerance):
            return Excess(found.coalition, found.amount, proven=True)


def ask(game: Game, separation: Separation, shares: Floats, above: float) -> list[int]:
    """Ask an oracle for a coalition with more excess than ``above`` [unit]; its mask in a list.

    Raises
    ------
    InputError
        When the coalition that it returns has not.
    """
    coalition = separation(game.named(shares), above)
    if coalition is None:
        return []
    mask = game.mask(coalition)
    excess = game(coalition) - float((game.members(np.array([mask])) @ shares)[0])
    if mask in (0, game.grand) or excess <= above:
        raise InputError(
            f"The separation oracle returned {sorted(coalition)} with an excess of {excess:g}, which "
            f"is not above {above:g}; it must return None when no coalition has more."
        )
    return [mask]
