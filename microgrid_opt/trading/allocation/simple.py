r"""Sharing rules in closed form: Nash bargaining and pro rata. They need $v(N)$ and the $v(\{i\})$."""

from __future__ import annotations

from typing import TYPE_CHECKING

from microgrid_opt.errors import InputError
from microgrid_opt.trading.allocation.result import Allocation, assess

if TYPE_CHECKING:
    from collections.abc import Mapping

    from microgrid_opt.trading.allocation.excess import Separation
    from microgrid_opt.trading.allocation.game import Floats, Game


def nash(
    game: Game,
    weights: Mapping[str, float] | None = None,
    disagreement: Mapping[str, float] | None = None,
    *,
    separation: Separation | None = None,
) -> Allocation:
    r"""Nash bargaining with transferable utility: the surplus is split by the weights.

    $$ \max \prod_i (x_i - d_i)^{\alpha_i}\ \text{s.t.}\ \sum_i x_i = v(N)
    \quad\Rightarrow\quad x_i = d_i + \frac{\alpha_i}{\sum_j \alpha_j}
    \Bigl(v(N) - \sum_j d_j\Bigr) $$

    (Nash, The bargaining problem, Econometrica 18, 1950; with weights: Kalai, Nonsymmetric Nash
    solutions, International Journal of Game Theory 6, 1977.) Nobody gets less than $d_i$; groups
    may.

    Parameters
    ----------
    game
        The game.
    weights
        Bargaining powers $\alpha_i \ge 0$ by player; equal if None.
    disagreement
        What every player has if there is no agreement, $d_i$ [unit]; $v(\{i\})$ if None.
    separation
        Oracle for the core check; see `assess`.

    Raises
    ------
    InputError
        For weights that are negative or all zero, and when all together have less than the
        disagreement points: then there is nothing to agree on.
    """
    fallback = game.alone if disagreement is None else game.array(disagreement)
    power = _parts(game, weights, "weight")
    surplus = game.total - float(fallback.sum())
    if surplus < -game.tolerance:
        raise InputError(
            f"All together have {-surplus:g} {game.unit} less than the players without an agreement "
            f"({game.total:g} against {fallback.sum():g}): there is nothing to bargain for."
        )
    return assess(game, "nash", fallback + surplus * power, separation=separation)


def pro_rata(
    game: Game, quantities: Mapping[str, float], *, separation: Separation | None = None
) -> Allocation:
    r"""Share the total in proportion to given quantities, $x_i = v(N)\, q_i / \sum_j q_j$.

    Simple and efficient; promises neither the core nor, where $v(\{i\}) > 0$, that nobody would be
    better off alone.

    Parameters
    ----------
    game
        The game.
    quantities
        $q_i \ge 0$ by player, for instance traded energy or stand-alone cost; any one unit.
    separation
        Oracle for the core check; see `assess`.

    Raises
    ------
    InputError
        For quantities that are negative or all zero.
    """
    return assess(
        game,
        "pro_rata",
        game.total * _parts(game, quantities, "quantity"),
        separation=separation,
    )


def _parts(game: Game, given: Mapping[str, float] | None, word: str) -> Floats:
    numbers = game.array(dict.fromkeys(game.players, 1.0) if given is None else given)
    if (numbers < 0).any() or numbers.sum() <= 0:
        raise InputError(
            f"Every {word} must be 0 or more and one of them more than 0; got {game.named(numbers)}."
        )
    parts: Floats = numbers / numbers.sum()
    return parts
