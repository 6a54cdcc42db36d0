"""What every sharing rule promises, on random games, against slow independent solutions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

from microgrid_opt.trading.allocation import (
    Game,
    Production,
    fair_least_core,
    least_core,
    nash,
    nucleolus,
    owen,
    shapley,
)
from tests.trading.abstract_games import (
    LETTERS,
    Brute,
    community,
    games,
    shapley_by_orders,
    subsets,
    superadditive,
)

EXACT = pytest.approx


@given(games())
def test_every_rule_shares_out_the_total(game: Game) -> None:
    """Proves: efficiency of all rules; nobody is worse off under Nash and the nucleolus.

    Sensitivity: a level of the nucleolus that drops the row of the grand coalition fails here.
    """
    for rule in (shapley, nash, least_core, fair_least_core, nucleolus):
        found = rule(game)
        assert found.efficient, (rule.__name__, found)
        assert found.residual == EXACT(0, abs=1e-7)
        if rule in (nash, nucleolus):
            assert all(found.rational.values()), found


@given(games(most=5))
def test_shapley_is_the_mean_over_all_orders(game: Game) -> None:
    """Proves: the sum over coalitions equals the mean over all orders of joining, n <= 5.

    Sensitivity: a wrong weight of one coalition size breaks it.
    """
    assert shapley(game).shares == EXACT(shapley_by_orders(game), abs=1e-9)


@given(games(), st.integers(-5, 5))
def test_shapley_symmetry_dummy_and_renaming(game: Game, worth: int) -> None:
    """Proves: a twin gets the same, a dummy what it is worth alone, names do not matter.

    The game is doubled by a twin of player a (the two are worth only once) and by a dummy.
    Sensitivity: weights that depend on the position of a player break the symmetry.
    """
    players = ("z", *game.players, "twin")

    def value(group: frozenset[str]) -> float:
        names = {"a" if name == "twin" else name for name in group if name != "z"}
        return (game(names) if names else 0.0) + (worth if "z" in group else 0.0)

    found = shapley(Game(players, value)).shares
    assert found["a"] == EXACT(found["twin"], abs=1e-9)
    assert found["z"] == EXACT(worth, abs=1e-9)
    backwards = shapley(Game(players[::-1], value)).shares
    assert backwards == EXACT(dict(found), abs=1e-9)


@given(games(3, 3), games(3, 3))
def test_shapley_is_additive(first: Game, second: Game) -> None:
    """Proves: the value of a sum of games is the sum of the values.

    Sensitivity: any rule that picks by comparing coalitions (nucleolus) fails this.
    """
    both = shapley(Game(first.players, lambda s: first(s) + second(s))).shares
    one, two = shapley(first).shares, shapley(second).shares
    assert both == EXACT({p: one[p] + two[p] for p in first.players}, abs=1e-9)


@given(games(most=4), st.booleans())
def test_nucleolus_and_least_core_against_brute_force(game: Game, rational: bool) -> None:
    """Proves: the same epsilon and the same point as programs with all rows, settled by trial.

    The reference finds what cannot be lowered by lowering every coalition on its own, not by duals.
    Sensitivity: settling all rows that are tight at one optimum gives other points.
    """
    brute = Brute(game, rational=rational)
    least = least_core(game, rational=rational)
    assert least.epsilon == EXACT(brute.epsilon(), abs=1e-6)
    assert least.excess.amount == EXACT(least.epsilon, abs=1e-6)
    found = nucleolus(game, rational=rational)
    assert list(found.shares.values()) == EXACT(brute.nucleolus(), abs=1e-5)


@pytest.mark.parametrize("seed", range(4))
def test_nucleolus_of_five_against_brute_force(seed: int) -> None:
    """Proves: the same for five players, with whole numbers 0 to 6 so that ties abound.

    Sensitivity: as above.
    """
    random = np.random.default_rng(seed)
    values = {s: float(random.integers(0, 7)) for s in subsets("abcde")[1:]}
    values[frozenset("abcde")] = 12.0 + 6.0 * seed
    values.update({frozenset(p): 0.0 for p in "abcde"})
    game = Game.from_values(values)
    found = nucleolus(game)
    brute = Brute(game, rational=True)
    assert list(found.shares.values()) == EXACT(brute.nucleolus(), abs=1e-5)
    _check_lexicographic(brute, np.array(list(found.shares.values())), random)


def _check_lexicographic(brute: Brute, shares: np.ndarray, random: np.random.Generator) -> None:
    """Compare the sorted excesses with those of sharings near and far that leave nobody worse."""
    best, alone = brute.excesses(shares), np.array(brute.alone)
    for _ in range(300):
        weights = random.dirichlet(np.ones(len(shares)))
        other = alone + (shares.sum() - alone.sum()) * weights
        other = shares + random.choice([1e-3, 0.1, 1.0]) * (other - shares)
        gap = brute.excesses(other) - best
        first = np.flatnonzero(np.abs(gap) > 1e-6)
        assert len(first) == 0 or gap[first[0]] > 0, other


@given(games(most=4))
def test_nucleolus_is_in_the_least_core(game: Game) -> None:
    """Proves: its largest excess is epsilon, and it is in the core when epsilon is not positive.

    Sensitivity: bounds of the levels that loosen the first one (a wrong settled row) fail here.
    """
    found = nucleolus(game)
    least = least_core(game, rational=True)
    assert found.epsilon == EXACT(least.epsilon, abs=1e-7)
    assert found.excess.amount == EXACT(least.epsilon, abs=1e-6)
    assert found.in_core is (least.epsilon <= found.tolerance)


@given(games(most=4), st.booleans())
def test_fair_least_core_is_the_evenest(game: Game, rational: bool) -> None:
    """Proves: no sharing z of the least core has a lower variance: x·z >= x·x for all of them.

    The point of a convex set nearest to the origin is the one with that property; the least x·z
    over the least core is a linear program, solved by SciPy with all rows.
    Sensitivity: the point of `least_core` fails for most games.
    """
    found = fair_least_core(game, rational=rational)
    shares = np.array(list(found.shares.values()))
    brute = Brute(game, rational=rational)
    epsilon = brute.epsilon()
    assert found.excess.amount <= epsilon + 1e-6
    lowest = linprog(
        shares,
        -brute.member,
        epsilon + 1e-9 - brute.value,
        np.ones((1, game.count)),
        [game.total],
        brute.bounds,
    )
    assert lowest.status == 0
    assert lowest.fun >= shares @ shares - 1e-5 * (1 + shares @ shares)


@given(games(most=4), st.floats(0.01, 1e4), st.lists(st.integers(-1000, 1000), min_size=4))
def test_nucleolus_follows_the_scale(game: Game, factor: float, shift: list[int]) -> None:
    """Proves: other money and other stand-alone values move the shares just so (covariance).

    Sensitivity: a tolerance that is not relative to what there is to share fails at 0.01 or 1e4.
    """
    add = dict(zip(game.players, shift, strict=False))
    moved = Game(game.players, lambda s: factor * game(s) + sum(add[p] for p in s))
    expected = {p: factor * share + add[p] for p, share in nucleolus(game).shares.items()}
    assert nucleolus(moved).shares == EXACT(expected, abs=1e-6 * factor + 1e-6, rel=1e-9)


@given(st.integers(0, 10_000))
def test_dual_prices_lie_in_the_core(seed: int) -> None:
    """Proves: Owen's sharing adds up and no coalition does better, on random production games.

    Sensitivity: prices scaled by 1.01, or moved between two resources, leave the core or do not
    add up.
    """
    random = np.random.default_rng(seed)
    players, resources, activities = random.integers(2, 6, 3)
    data = Production(
        profit=random.integers(1, 10, activities).astype(float),
        use=random.integers(1, 6, (resources, activities)).astype(float),
        owned={LETTERS[i]: random.integers(0, 9, resources).astype(float) for i in range(players)},
    )
    game = data.game()
    game.table()
    found = owen(game, data.resources(), data.prices())
    assert found.in_core is True, found
    assert not found.notes
    assert least_core(game).epsilon <= found.excess.amount + found.tolerance


def test_three_users() -> None:
    """Proves: superadditive three-user games: Nash leaves nobody worse off, nucleolus is the core's.

    By hand: v = 6, 8, 10 for the pairs and 15 for all: the core is not empty; the largest excess is
    lowest when every pair has 2 more than alone: x = 15 - 10 - 2, 15 - 8 - 2, 15 - 6 - 2 = 3, 5, 7.
    Sensitivity: the sum of the pair rows is 30 = 24 + 6, so that any other excess is unequal.
    """
    pairs = {"ab": 6.0, "ac": 8.0, "bc": 10.0, "abc": 15.0}
    values = {frozenset(p): 0.0 for p in "abc"} | {frozenset(k): v for k, v in pairs.items()}
    assert superadditive(values) == values
    game = Game.from_values(values)
    assert nucleolus(game).shares == EXACT({"a": 3, "b": 5, "c": 7})
    assert least_core(game).epsilon == EXACT(-2)
    assert shapley(game).shares == EXACT({"a": 4, "b": 5, "c": 6})
    assert nash(game).in_core is True


def test_community_of_ten() -> None:
    """Proves: ten prosumers: the core is not empty, twins get the same, who has nothing gets nothing.

    Sensitivity: the member p9 without surplus and need is a dummy in every coalition; p0 and p1 have
    the same hours.
    """
    game = community()
    total = game.total
    assert total > 10
    for rule in (shapley, nucleolus, fair_least_core):
        found = rule(game)
        assert sum(found.shares.values()) == EXACT(total)
        assert found.shares["p0"] == EXACT(found.shares["p1"], abs=1e-6), rule.__name__
        assert found.shares["p9"] == EXACT(0, abs=1e-6), rule.__name__
        assert all(found.rational.values()), rule.__name__
        if rule is not shapley:
            assert found.in_core is True
    assert game.asked == 1023
