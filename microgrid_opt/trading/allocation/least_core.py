r"""Least core and fair least core: the largest excess of a coalition as small as it can be.

$$ \varepsilon^* = \min_{x(N) = v(N)} \max_{\emptyset \ne S \subset N} e(S, x) $$

The core is empty exactly when $\varepsilon^* > 0$ (Maschler, Peleg, Shapley, Geometric properties of
the kernel, nucleolus, and related solution concepts, Mathematics of Operations Research 4, 1979).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from microgrid_opt.errors import InfeasibleError, InputError
from microgrid_opt.solve.small import nearest
from microgrid_opt.trading.allocation.excess import Excess, max_excess
from microgrid_opt.trading.allocation.levels import Level, Scaled
from microgrid_opt.trading.allocation.result import Allocation, assess

if TYPE_CHECKING:
    from microgrid_opt.trading.allocation.excess import Separation
    from microgrid_opt.trading.allocation.game import Floats, Game

SLACK = 2.0
"""Room that rows get, if need be, when the evenest sharing is sought; in `Scaled.violation`."""

POSITIVE = 1e-7
"""Scaled duals above this mean a row that is tight in every optimum (they add up to 1)."""


def least_core(
    game: Game, separation: Separation | None = None, *, rational: bool = False
) -> Allocation:
    """Return a sharing whose largest excess is the smallest possible; there may be many.

    Parameters
    ----------
    game
        The game. All values are asked for, unless there is an oracle.
    separation
        Finds violated coalitions, so that only their values are asked for.
    rational
        Whether nobody may get less than alone (then the excess may have to be larger).

    Raises
    ------
    InputError
        With ``rational``, when all together have less than everybody alone.
    """
    scaled, rows = _ready(game, separation, rational)
    level = _solve(scaled, rows, separation, rational=rational)
    return _assessed(scaled, "least_core", level.y, level.epsilon)


def fair_least_core(
    game: Game, separation: Separation | None = None, *, rational: bool = False
) -> Allocation:
    r"""Return the sharing in the least core with the smallest variance of the shares; it is unique.

    $$ \min \frac1n \sum_i \Bigl(x_i - \frac{v(N)}{n}\Bigr)^2 \quad\text{s.t.}\quad
    x(N) = v(N),\ e(S, x) \le \varepsilon^* $$

    (Fioriti, Bigi, Frangioni, Passacantando, Poli, Fair least core: efficient, stable and unique
    game-theoretic reward allocation in energy communities by row-generation, IEEE Transactions on
    Energy Markets, Policy and Regulation 3(2), 2025.)

    Parameters
    ----------
    game, separation, rational
        As for `least_core`.

    Raises
    ------
    InputError
        As for `least_core`.
    """
    scaled, rows = _ready(game, separation, rational)
    level = _solve(scaled, rows, separation, rational=rational)
    tight = {mask for mask, dual in zip(rows, level.duals, strict=True) if dual > POSITIVE}
    above = level.epsilon + SLACK * scaled.violation
    while True:
        y = _most_even(scaled, rows, level.epsilon, tight, rational=rational)
        new = [mask for mask in scaled.separated(y, above, separation) if mask not in rows]
        if not new:
            return _assessed(scaled, "fair_least_core", y, level.epsilon)
        rows += new


def check_imputations(game: Game) -> None:
    """Refuse a game in which somebody must get less than alone.

    Raises
    ------
    InputError
        With both sums.
    """
    alone = float(game.alone.sum())
    if game.total < alone - game.tolerance:
        raise InputError(
            f"All together have {game.total:g} {game.unit} and everybody alone {alone:g}: no sharing "
            "leaves nobody worse off. Allow that (rational=False), or look at the values."
        )


def _ready(game: Game, separation: Separation | None, rational: bool) -> tuple[Scaled, list[int]]:
    if separation is None:
        game.table()
    if rational:
        check_imputations(game)
    return Scaled(game), [1 << i for i in range(game.count)]


def _solve(
    scaled: Scaled, rows: list[int], separation: Separation | None, *, rational: bool
) -> Level:
    game = scaled.game
    total = float(scaled.worth([game.grand])[0])
    even = np.full(game.count, total / game.count)
    worst = max_excess(game, scaled.shares(even), separation)
    return scaled.lowest(
        rows,
        {game.grand: total},
        Level(even, worst.amount / scaled.scale, np.empty(0)),
        lambda y, epsilon: scaled.separated(y, epsilon, separation),
        rational=rational,
    )


def _most_even(
    scaled: Scaled, rows: list[int], epsilon: float, tight: set[int], *, rational: bool
) -> Floats:
    """Return the scaled shares of least variance that keep to the rows; ``tight`` ones are equal."""
    masks = [scaled.game.grand, *rows]
    members = scaled.game.members(np.array(masks, dtype=np.int64))
    floor = scaled.worth(masks) - np.append(0.0, np.full(len(rows), epsilon))
    equal = np.array([mask == scaled.game.grand or mask in tight for mask in masks])
    if rational:
        count = scaled.game.count
        members = np.concatenate([members, np.eye(count)])
        floor = np.append(floor, np.zeros(count))
        equal = np.append(equal, np.zeros(count, dtype=bool))
    centre = -scaled.alone / scaled.scale
    try:
        return nearest(centre, members, floor, equal)
    except InfeasibleError:  # a least core without an inside, missed by rounding
        room = np.where(equal, 0.0, SLACK * scaled.violation)
        return nearest(centre, members, floor - room, equal)


def _assessed(scaled: Scaled, method: str, y: Floats, epsilon: float) -> Allocation:
    game, shares = scaled.game, scaled.shares(y)
    worst = max_excess(game, shares)
    amount = epsilon * scaled.scale
    notes = []
    if amount > game.tolerance:
        notes.append(
            f"The core is empty: under every sharing some group would gain {amount:.6g} "
            f"{game.unit}".rstrip()
            + " or more by leaving."
        )
    return assess(
        game,
        method,
        shares,
        excess=Excess(worst.coalition, worst.amount, proven=True),
        epsilon=amount,
        notes=notes,
    )
