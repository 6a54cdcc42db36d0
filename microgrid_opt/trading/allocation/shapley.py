r"""The Shapley value: what a player adds, on average over all orders of joining.

$$ \varphi_i = \sum_{S \subseteq N \setminus \{i\}} \frac{|S|!\,(n - |S| - 1)!}{n!}
\bigl(v(S \cup \{i\}) - v(S)\bigr) $$

(Shapley, A value for n-person games, Annals of Mathematics Studies 28, 1953.) The only rule that is
efficient, symmetric, additive and gives nothing to a player that adds nothing; it may lie outside
the core.
"""

from __future__ import annotations

from math import comb
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from microgrid_opt.errors import InputError
from microgrid_opt.trading.allocation.result import Allocation, assess

if TYPE_CHECKING:
    from microgrid_opt.trading.allocation.excess import Separation
    from microgrid_opt.trading.allocation.game import Floats, Game, Ints

EXACT_PLAYERS = 12
"""Most players for which `shapley` asks for all coalitions (4095)."""

FEWEST_PAIRS = 32
"""Pairs of orders before the standard error is trusted."""


def shapley(
    game: Game,
    *,
    exact_players: int = EXACT_PLAYERS,
    separation: Separation | None = None,
    accuracy: float = 0.01,
    confidence: float = 0.95,
    max_pairs: int = 1000,
    seed: int = 0,
) -> Allocation:
    """Return the Shapley value: exact for few players, sampled for many.

    Parameters
    ----------
    game
        The game.
    exact_players
        Up to this many players all coalitions are asked for.
    separation, accuracy, confidence, max_pairs, seed
        See `sampled_shapley`.
    """
    if game.count <= exact_players:
        return exact_shapley(game)
    return sampled_shapley(
        game,
        separation=separation,
        accuracy=accuracy,
        confidence=confidence,
        max_pairs=max_pairs,
        seed=seed,
    )


def exact_shapley(game: Game) -> Allocation:
    """Return the Shapley value from the values of all coalitions.

    Raises
    ------
    InputError
        When there are too many players to list the coalitions.
    """
    values, count = game.table(), game.count
    masks = np.arange(game.grand + 1)
    size = np.bitwise_count(masks)
    weight = np.array([1 / (count * comb(count - 1, k)) for k in range(count)])
    shares = np.empty(count)
    for i in range(count):
        without = masks[(masks >> i) & 1 == 0]
        shares[i] = weight[size[without]] @ (values[without | (1 << i)] - values[without])
    return assess(game, "shapley", shares)


def sampled_shapley(
    game: Game,
    *,
    separation: Separation | None = None,
    accuracy: float = 0.01,
    confidence: float = 0.95,
    max_pairs: int = 1000,
    seed: int = 0,
) -> Allocation:
    r"""Estimate the Shapley value from random orders, each taken with its reverse.

    One sample is the mean of what a player adds in an order and in the reversed order (antithetic:
    who comes early in one comes late in the other); samples are independent, so that their standard
    error $s_i / \sqrt{m}$ is that of the mean (Castro, Gómez, Tejada, Polynomial calculation of the
    Shapley value based on sampling, Computers & Operations Research 36, 2009; reversed orders:
    Mitchell, Cooper, Frank, Holmes, Sampling permutations for Shapley value estimation, Journal of
    Machine Learning Research 23, 2022). The shares add up to the total exactly.

    Parameters
    ----------
    game
        The game; each pair of orders asks for at most 2 n - 2 coalitions that are not yet known.
    separation
        Oracle for the core check; see `assess`.
    accuracy
        Stop when every half interval is below this part of |v(N)|.
    confidence
        Of the interval of every single player (normal distribution).
    max_pairs
        Stop after so many pairs of orders in any case.
    seed
        Of the random orders: the same seed gives the same shares.

    Raises
    ------
    InputError
        For a confidence outside (0, 1), or fewer than `FEWEST_PAIRS` pairs.
    """
    if not 0 < confidence < 1 or max_pairs < FEWEST_PAIRS:
        raise InputError(
            f"Sampling takes a confidence between 0 and 1 (got {confidence:g}) and at least "
            f"{FEWEST_PAIRS} pairs of orders (got {max_pairs})."
        )
    random = np.random.default_rng(seed)
    quantile = NormalDist().inv_cdf((1 + confidence) / 2)
    goal = max(accuracy * abs(game.total), game.tolerance)
    samples = np.empty((0, game.count))
    while True:
        pairs = min(FEWEST_PAIRS, max_pairs - len(samples))
        orders = random.permuted(np.tile(np.arange(game.count), (pairs, 1)), axis=1)
        both = _added(game, np.concatenate([orders, orders[:, ::-1]]))
        samples = np.concatenate([samples, (both[:pairs] + both[pairs:]) / 2])
        error = samples.std(axis=0, ddof=1) / np.sqrt(len(samples))
        reached = bool(quantile * error.max() <= goal)
        if reached or len(samples) >= max_pairs:
            break
    note = (
        f"Sampled from {len(samples)} pairs of orders, seed {seed}; intervals hold for each player "
        f"with {confidence:.0%}."
    )
    missed = f"The widest half interval is above the wanted {goal:.4g} {game.unit}".rstrip() + "."
    return assess(
        game,
        "shapley_sampled",
        samples.mean(axis=0),
        separation=separation,
        standard_error=error,
        half_width=quantile * error,
        notes=[note] if reached else [note, missed],
    )


def _added(game: Game, orders: Ints) -> Floats:
    """Return what every player adds in every order, shape (orders, players)."""
    after = np.bitwise_or.accumulate(1 << orders, axis=1)
    values = game.worth(after.ravel().tolist()).reshape(after.shape)
    steps = np.diff(values, axis=1, prepend=0.0)
    added = np.empty_like(steps)
    np.put_along_axis(added, orders, steps, axis=1)
    return added
