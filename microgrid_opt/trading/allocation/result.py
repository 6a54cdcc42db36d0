"""A sharing of what all players gain together, with what it promises and to whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from microgrid_opt.trading.allocation.excess import Excess, max_excess

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from microgrid_opt.trading.allocation.excess import Separation
    from microgrid_opt.trading.allocation.game import Floats, Game


@dataclass(frozen=True)
class Allocation:
    """Who gets how much.

    Parameters
    ----------
    method
        Name of the rule.
    shares
        What every player gets [unit].
    unit
        Label of the shares, usually the currency.
    total
        What all players gain together [unit].
    alone
        What every player gains alone [unit].
    excess
        The largest excess of a coalition.
    tolerance
        What counts as no money [unit].
    asked
        How many values of coalitions had been asked for when the sharing was done.
    epsilon
        Excess of the least core [unit], where the method knows it: positive when the core is empty.
    standard_error
        Standard error of every share [unit], where it was sampled.
    interval
        Lower and upper end of the confidence interval of every share [unit], where it was sampled.
    notes
        What a reader must know, in sentences.
    """

    method: str
    shares: Mapping[str, float]
    unit: str
    total: float
    alone: Mapping[str, float]
    excess: Excess
    tolerance: float
    asked: int
    epsilon: float | None = None
    standard_error: Mapping[str, float] | None = None
    interval: Mapping[str, tuple[float, float]] | None = None
    notes: tuple[str, ...] = ()

    @property
    def residual(self) -> float:
        """What the shares pay out beyond the total [unit]; zero for an efficient sharing."""
        return sum(self.shares.values()) - self.total

    @property
    def efficient(self) -> bool:
        """Whether the shares add up to the total."""
        return abs(self.residual) <= self.tolerance

    @property
    def advantage(self) -> dict[str, float]:
        """What every player gets beyond what it has alone [unit]; negative: better off alone."""
        return {player: share - self.alone[player] for player, share in self.shares.items()}

    @property
    def rational(self) -> dict[str, bool]:
        """Whether every player gets at least what it has alone."""
        return {player: gain >= -self.tolerance for player, gain in self.advantage.items()}

    @property
    def in_core(self) -> bool | None:
        """Whether no coalition does better on its own; None when too few values are known to say."""
        if not self.efficient or self.excess.amount > self.tolerance:
            return False
        return True if self.excess.proven else None


def assess(
    game: Game,
    method: str,
    shares: Floats,
    *,
    separation: Separation | None = None,
    excess: Excess | None = None,
    epsilon: float | None = None,
    standard_error: Floats | None = None,
    half_width: Floats | None = None,
    notes: Sequence[str] = (),
) -> Allocation:
    """Return shares as an `Allocation`.

    Parameters
    ----------
    game
        Its stand-alone values and its total are asked for.
    method
        Name of the rule.
    shares
        In the players' order, shape (players,) [unit].
    separation
        Oracle for the worst coalition. Without it, and without ``excess``, only coalitions whose
        value is known are looked at: nothing costly is started for a check.
    excess
        The largest excess, where it is known.
    epsilon, notes
        See `Allocation`.
    standard_error, half_width
        Of sampled shares and their confidence intervals, shape (players,) [unit].
    """
    alone, total = game.named(game.alone), game.total
    excess = max_excess(game, shares, separation) if excess is None else excess
    interval = None
    if half_width is not None:
        ends = zip((shares - half_width).tolist(), (shares + half_width).tolist(), strict=True)
        interval = dict(zip(game.players, ends, strict=True))
    return Allocation(
        method=method,
        shares=game.named(shares),
        unit=game.unit,
        total=total,
        alone=alone,
        excess=excess,
        tolerance=game.tolerance,
        asked=game.asked,
        epsilon=epsilon,
        standard_error=None if standard_error is None else game.named(standard_error),
        interval=interval,
        notes=tuple(notes),
    )
