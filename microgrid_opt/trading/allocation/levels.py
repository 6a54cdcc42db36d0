r"""The linear program behind least core and nucleolus, grown row by row.

In the scaled game $w(S) = (v(S) - \sum_{i \in S} v_i) / s$ with $y_i = (x_i - v_i) / s$:

$$ \min \varepsilon \quad\text{s.t.}\quad y(S) + \varepsilon \ge w(S)\ (S\ \text{open}),\quad
y(S) = w(S) - \varepsilon_S\ (S\ \text{settled}),\quad [y \ge 0] $$

Least core and nucleolus do not change under this scaling, and tolerances become relative to what
there is to share.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from microgrid_opt.solve.small import minimize
from microgrid_opt.trading.allocation.excess import Excesses, ask
from microgrid_opt.trading.allocation.game import RELATIVE

if TYPE_CHECKING:
    from collections.abc import Callable

    from microgrid_opt.trading.allocation.excess import Separation
    from microgrid_opt.trading.allocation.game import Floats, Game, Ints

NEAR = 1e-3
"""Scaled gap below which the optimum of the rows so far is looked at itself."""

VIOLATION = 2e-9
"""Scaled excess above which a coalition becomes a row; HiGHS works to 1e-9 here."""


@dataclass(frozen=True, eq=False)
class Level:
    """One optimum: scaled shares, the scaled largest excess, and the dual of every open row."""

    y: Floats
    epsilon: float
    duals: Floats


class Scaled:
    """A game seen from the stand-alone values, in units of its largest known gain.

    Parameters
    ----------
    game
        Its stand-alone values and its total are asked for.
    """

    def __init__(self, game: Game) -> None:
        self.game = game
        self.alone = game.alone
        total = game.total
        self.excesses = Excesses(game)
        _, values, members = self.excesses.known()
        gains = np.append(values - members @ self.alone, total - self.alone.sum())
        largest = float(np.abs(gains).max())
        # Where there is nothing to share, rounding must not be blown up to the size of a gain.
        self.scale = largest if largest > game.tolerance else game.tolerance / RELATIVE or 1.0
        self.violation = max(VIOLATION, game.accuracy / self.scale)

    def worth(self, masks: list[int]) -> Floats:
        """Return the scaled values of coalitions."""
        members = self.game.members(np.array(masks, dtype=np.int64))
        scaled: Floats = (self.game.worth(masks) - members @ self.alone) / self.scale
        return scaled

    def shares(self, y: Floats) -> Floats:
        """Return scaled shares in units of the game."""
        return self.alone + self.scale * y

    def violated(self, y: Floats, epsilon: float, among: Callable[[Ints], Floats]) -> list[int]:
        """Return the known coalitions with the largest excess above ``epsilon``, if ``among`` them."""
        masks, amounts = self.excesses.of(self.shares(y))
        over = amounts / self.scale - epsilon
        bad = np.flatnonzero(over > self.violation)
        bad = bad[among(masks[bad]) > 0]
        if len(bad) == 0:
            return []
        # The worst coalition with and without each player: the worst ones alone are too alike.
        members = self.excesses.known()[2][bad]
        weighed = np.column_stack([members, 1 - members]) * over[bad, None]
        found: list[int] = np.unique(masks[bad[weighed.argmax(axis=0)]]).tolist()
        return found

    def separated(self, y: Floats, epsilon: float, separation: Separation | None) -> list[int]:
        """Return a coalition with an excess above ``epsilon``: a known one, or the oracle's."""
        found = self.violated(y, epsilon, lambda masks: np.ones(len(masks)))
        if found or separation is None or self.game.all_known:
            return found
        above = (epsilon + self.violation) * self.scale
        return ask(self.game, separation, self.shares(y), above)

    def lowest(
        self,
        rows: list[int],
        settled: dict[int, float],
        inner: Level,
        violated: Callable[[Floats, float], list[int]],
        *,
        rational: bool,
    ) -> Level:
        """Solve the program, adding rows until no coalition is violated at the optimum.

        Rows are looked for half-way between the optimum of the rows so far and the best sharing
        known (in-out separation: Ben-Ameur, Neto, Acceleration of cutting-plane and column
        generation algorithms, Networks 49, 2007). At the optimum itself, a corner far from the end,
        thousands of rows would be found for 16 players instead of hundreds.

        Parameters
        ----------
        rows
            Masks of the open rows to begin with; those that are needed are appended.
        settled
            Scaled $y(S)$ by mask of the settled coalitions.
        inner
            A sharing that keeps to the settled rows, and its largest excess over the open ones.
        violated
            Given scaled shares and an excess: masks of coalitions that have more.
        rational
            Whether nobody may get less than alone.
        """
        while True:
            outer = self._solve(rows, settled, rational=rational)
            new: list[int] = []
            while not new:
                gap = inner.epsilon - outer.epsilon
                if gap <= NEAR:
                    new = violated(outer.y, outer.epsilon)
                    if not new:
                        return outer
                if gap <= self.violation:
                    return Level(inner.y, outer.epsilon, outer.duals)
                middle = Level((inner.y + outer.y) / 2, outer.epsilon + gap / 2, outer.duals)
                found = violated(middle.y, middle.epsilon)
                inner = inner if found else middle
                new += found
            new = [mask for mask in dict.fromkeys(new) if mask not in rows]
            if not new:  # only rows that the solver misses within its own tolerance
                return outer
            rows += new

    def _solve(self, rows: list[int], settled: dict[int, float], *, rational: bool) -> Level:
        count = self.game.count
        lower = np.append(np.zeros(count) if rational else np.full(count, -np.inf), -np.inf)
        fixed = np.array(list(settled.values()))
        best = minimize(
            np.append(np.zeros(count), 1.0),
            np.concatenate([self._rows(list(settled), 0.0), self._rows(rows, 1.0)]),
            np.concatenate([fixed, self.worth(rows)]),
            np.concatenate([fixed, np.full(len(rows), np.inf)]),
            col_lower=lower,
        )
        return Level(best.values[:-1], float(best.values[-1]), best.row_duals[len(settled) :])

    def _rows(self, masks: list[int], epsilon: float) -> Floats:
        members = self.game.members(np.array(masks, dtype=np.int64))
        return np.column_stack([members, np.full(len(masks), epsilon)])
