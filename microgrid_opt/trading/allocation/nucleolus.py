r"""The nucleolus: the excesses of all coalitions, largest first, as small as can be.

One linear program after the other lowers the largest excess, settles the coalitions that cannot do
better, and goes on with the rest (Schmeidler, The nucleolus of a characteristic function game, SIAM
Journal on Applied Mathematics 17, 1969; Maschler, Peleg, Shapley, Mathematics of Operations Research
4, 1979; Kopelowitz, Computation of the kernels of simple games and the nucleolus of n-person games,
Hebrew University of Jerusalem, 1967).

Which coalitions are settled is read from the duals and not from the point: a row that merely happens
to be tight may still improve (Guajardo, Jörnsten, Common mistakes in computing the nucleolus,
European Journal of Operational Research 241, 2015). A row with a positive dual is tight in every
optimum. Coalitions in the span of the settled ones have a fixed excess and take no further part, so
that each program raises the rank and there are at most n - 1 levels (Fromen, Reducing the number of
linear programs needed for solving the nucleolus problem of n-person game theory, European Journal of
Operational Research 98, 1997).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from microgrid_opt.trading.allocation.least_core import POSITIVE, check_imputations
from microgrid_opt.trading.allocation.levels import Level, Scaled
from microgrid_opt.trading.allocation.result import Allocation, assess

if TYPE_CHECKING:
    from microgrid_opt.trading.allocation.game import Floats, Game, Ints

SPAN = 1e-7
"""A membership vector with a smaller part outside the span of others counts as inside."""


def nucleolus(game: Game, *, rational: bool = True) -> Allocation:
    """Return the nucleolus; it is unique, and in the core when there is one.

    All values are asked for; the programs themselves hold only the rows that matter.

    Parameters
    ----------
    game
        The game.
    rational
        Whether nobody may get less than alone (the nucleolus). Without it: the prenucleolus, which
        is the same for superadditive games.

    Raises
    ------
    InputError
        With ``rational``, when all together have less than everybody alone; for too many players
        to list the coalitions.
    """
    game.table()
    if rational:
        check_imputations(game)
    scaled = Scaled(game)
    settled = {game.grand: float(scaled.worth([game.grand])[0])}
    rows = [1 << i for i in range(game.count)]
    y = np.full(game.count, settled[game.grand] / game.count)
    first: float | None = None
    while True:
        free = _free_directions(game, settled)
        if free.shape[1] == 0:
            break

        def outside(masks: Ints, free: Floats = free) -> Floats:
            return np.asarray(np.abs(game.members(masks) @ free).max(axis=1) > SPAN, dtype=float)

        rows = [mask for mask in rows if outside(np.array([mask]))[0]]
        masks, amounts = scaled.excesses.of(scaled.shares(y))
        inner = Level(y, float(amounts[outside(masks) > 0].max()) / scaled.scale, np.empty(0))
        level = scaled.lowest(
            rows,
            settled,
            inner,
            lambda y, epsilon: scaled.violated(y, epsilon, outside),
            rational=rational,
        )
        first = level.epsilon if first is None else first
        y = level.y
        _settle(scaled, settled, rows, level.duals, level.epsilon)
    members = game.members(np.array(list(settled), dtype=np.int64))
    y = np.linalg.solve(members, np.array(list(settled.values())))
    return assess(
        game, "nucleolus", scaled.shares(y), epsilon=None if first is None else first * scaled.scale
    )


def _free_directions(game: Game, settled: dict[int, float]) -> Floats:
    """Return an orthonormal basis of the shares that leave settled coalitions as they are."""
    members = game.members(np.array(list(settled), dtype=np.int64))
    _, _, directions = np.linalg.svd(members)
    free: Floats = directions[len(settled) :].T
    return free


def _settle(
    scaled: Scaled, settled: dict[int, float], rows: list[int], duals: Floats, epsilon: float
) -> None:
    """Settle rows with a positive dual, the clearest first, as long as each raises the rank."""
    for i in np.argsort(-duals, kind="stable"):
        if duals[i] <= POSITIVE:
            return
        free = _free_directions(scaled.game, settled)
        if np.abs(scaled.game.members(np.array([rows[i]])) @ free).max(initial=0.0) > SPAN:
            settled[rows[i]] = float(scaled.worth([rows[i]])[0]) - epsilon
