"""Games for the tests, and slow independent solutions of them."""

from __future__ import annotations

from itertools import combinations, permutations
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import strategies as st
from scipy.optimize import linprog

from microgrid_opt.trading.allocation import Game

if TYPE_CHECKING:
    from collections.abc import Sequence

    from microgrid_opt.trading.allocation import Coalition

LETTERS = "abcdefghij"


def subsets(players: Sequence[str]) -> list[Coalition]:
    """Return all coalitions, by size, then in the order of the players; the empty one first."""
    return [
        frozenset(members)
        for size in range(len(players) + 1)
        for members in combinations(players, size)
    ]


def by_size(*values: float) -> Game:
    """Return the game with these values: {a}, {b}, ..., {a, b}, ... (the order of R packages)."""
    players = LETTERS[: (len(values) + 1).bit_length() - 1]
    return Game.from_values(dict(zip(subsets(players)[1:], values, strict=True)))


def two_sellers() -> Game:
    """W2: two sellers of 50 MWh, a buyer of 60 MWh, 200 yuan gained per MWh."""
    return Game(
        ("S1", "S2", "B"),
        lambda s: 200.0 * min(50 * len(s & {"S1", "S2"}), 60) if "B" in s else 0.0,
        "yuan",
    )


def indivisible() -> Game:
    """W3: an indivisible shared asset; any two gain 10, all three 12."""
    return Game(("a", "b", "c"), lambda s: {1: 0.0, 2: 10.0, 3: 12.0}[len(s)], "yuan")


def community() -> Game:
    """Ten prosumers with hourly surplus and need: what is matched saves 0.3 per kWh.

    A linear model in which every kWh has an owner, so that the core is not empty; p0 and p1 are
    alike, p9 has nothing.
    """
    random = np.random.default_rng(7)
    net = random.integers(-9, 10, (10, 6)).astype(float)
    net[1], net[9] = net[0], 0.0
    players = tuple(f"p{i}" for i in range(10))
    row = {player: net[i] for i, player in enumerate(players)}

    def value(coalition: Coalition) -> float:
        rows = np.array([row[player] for player in sorted(coalition)])
        surplus, need = np.maximum(rows, 0).sum(axis=0), np.maximum(-rows, 0).sum(axis=0)
        return 0.3 * float(np.minimum(surplus, need).sum())

    return Game(players, value, "EUR")


@st.composite
def games(draw: st.DrawFn, least: int = 2, most: int = 4) -> Game:
    """Games of small whole numbers (many ties); all together have no less than everybody alone."""
    players = LETTERS[: draw(st.integers(least, most))]
    values = {s: float(draw(st.integers(-3, 12))) for s in subsets(players)[1:]}
    grand = frozenset(players)
    alone = sum(values[frozenset([player])] for player in players)
    values[grand] = alone + draw(st.integers(0, 15))
    return Game.from_values(values, "EUR")


def superadditive(values: dict[Coalition, float]) -> dict[Coalition, float]:
    """Return the superadditive cover: the best that a group has by splitting up."""
    cover: dict[Coalition, float] = {}
    for group in sorted(values, key=len):
        splits = [s for s in cover if s and s < group]
        cover[group] = max([values[group], *(cover[s] + cover[group - s] for s in splits)])
    return cover


def shapley_by_orders(game: Game) -> dict[str, float]:
    """Return the mean of what everybody adds over all orders, one by one."""
    added = dict.fromkeys(game.players, 0.0)
    orders = list(permutations(game.players))
    for order in orders:
        for place, player in enumerate(order):
            before = frozenset(order[:place])
            added[player] += game(before | {player}) - game(before)
    return {player: total / len(orders) for player, total in added.items()}


class Brute:
    """Least core and nucleolus with every coalition in every program, solved by SciPy."""

    def __init__(self, game: Game, *, rational: bool) -> None:
        self.game = game
        self.groups = [s for s in subsets(game.players)[1:] if len(s) < game.count]
        self.member = np.array([[float(p in s) for p in game.players] for s in self.groups])
        self.value = np.array([game(s) for s in self.groups])
        self.alone = [game([p]) for p in game.players]
        self.bounds = [(low if rational else None, None) for low in self.alone]

    def solve(
        self, cost: np.ndarray, limits: dict[int, float], free: list[int]
    ) -> tuple[float, np.ndarray]:
        """Minimise cost over (x, eps) with e(S) <= limit for settled and e(S) <= eps for free."""
        rows = [[*-self.member[i], 0.0] for i in limits] + [[*-self.member[i], -1.0] for i in free]
        right = [limit - self.value[i] for i, limit in limits.items()] + [
            -self.value[i] for i in free
        ]
        found = linprog(
            cost,
            rows or None,
            right or None,
            [[1.0] * self.game.count + [0.0]],
            [self.game(self.game.players)],
            [*self.bounds, (None, None)],
            options={"presolve": False},
        )
        assert found.status == 0, found.message
        return float(found.fun), found.x[:-1]

    def epsilon(self) -> float:
        """Return the smallest largest excess."""
        return self.solve(self._last(), {}, list(range(len(self.groups))))[0]

    def nucleolus(self) -> np.ndarray:
        """Return the nucleolus: settle what cannot be lowered, found by trying each coalition."""
        limits: dict[int, float] = {}
        free = list(range(len(self.groups)))
        point = np.empty(0)
        while free:
            epsilon, point = self.solve(self._last(), limits, free)
            held = {**limits, **dict.fromkeys(free, epsilon + 1e-9)}
            lowest = {
                i: self.value[i] + self.solve(np.append(-self.member[i], 0.0), held, [])[0]
                for i in free
            }
            settled = [i for i in free if lowest[i] > epsilon - 1e-6]
            assert settled
            limits.update(dict.fromkeys(settled, epsilon + 1e-9))
            free = [i for i in free if i not in settled]
        return point

    def excesses(self, shares: np.ndarray) -> np.ndarray:
        """Return all excesses, the largest first."""
        ordered: np.ndarray = np.sort(self.value - self.member @ shares)[::-1]
        return ordered

    def _last(self) -> np.ndarray:
        return np.append(np.zeros(self.game.count), 1.0)
