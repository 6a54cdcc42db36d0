"""Many players: oracles that ask for few coalitions, sampling, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgrid_opt.errors import InputError
from microgrid_opt.trading.allocation import (
    Game,
    Separation,
    exact_shapley,
    fair_least_core,
    least_core,
    max_excess,
    nash,
    nucleolus,
    owen,
    pro_rata,
    sampled_shapley,
    shapley,
)
from tests.trading.abstract_games import (
    LETTERS,
    community,
    indivisible,
    subsets,
    superadditive,
    two_sellers,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from microgrid_opt.trading.allocation import Coalition


def fresh(game: Game) -> Game:
    """Return the game with nothing asked for."""
    return Game(game.players, game.value, game.unit)


def exhaustive(game: Game) -> Separation:
    """Return an oracle that knows all values by itself, as an integer program would."""
    groups = [s for s in subsets(game.players)[1:] if len(s) < game.count]
    value = {group: game.value(group) for group in groups}

    def search(shares: Mapping[str, float], above: float) -> Coalition | None:
        worst = max(groups, key=lambda s: value[s] - sum(shares[p] for p in s))
        return worst if value[worst] - sum(shares[p] for p in worst) > above else None

    return search


@st.composite
def superadditive_games(draw: st.DrawFn) -> Game:
    """Superadditive games of three to five players."""
    players = LETTERS[: draw(st.integers(3, 5))]
    values = {s: float(draw(st.integers(0, 9))) for s in subsets(players)[1:]}
    return Game.from_values(superadditive(values), "EUR")


@given(superadditive_games(), st.booleans())
def test_oracle_finds_the_same_as_all_coalitions(game: Game, rational: bool) -> None:
    """Proves: least core, fair least core and core check by row generation equal those by listing.

    Sensitivity: a search that ends while a coalition is still violated has a lower epsilon.
    """
    part = fresh(game)
    oracle = exhaustive(part)
    whole = least_core(game, rational=rational)
    found = least_core(part, oracle, rational=rational)
    assert found.epsilon == pytest.approx(whole.epsilon, abs=1e-6)
    assert found.excess.amount == pytest.approx(whole.epsilon, abs=1e-6)
    assert found.excess.proven
    fair = fair_least_core(part, oracle, rational=rational)
    expected = fair_least_core(game, rational=rational).shares
    assert fair.shares == pytest.approx(dict(expected), abs=1e-5)
    even = np.full(game.count, game.total / game.count)
    assert max_excess(part, even, oracle).amount == pytest.approx(max_excess(game, even).amount)


def test_oracle_asks_for_few_coalitions() -> None:
    """Proves: for the ten-player community fewer than 60 of the 1023 values are asked for.

    Sensitivity: one row per player and round at the corner of the rows so far, instead of half-way
    to the best sharing, takes more; without the oracle all are asked for.
    """
    game = community()
    whole = fair_least_core(fresh(game))
    assert whole.asked == 1023
    found = fair_least_core(game, exhaustive(game))
    assert found.in_core is True
    assert found.epsilon == pytest.approx(whole.epsilon, abs=1e-6)
    assert found.shares == pytest.approx(dict(whole.shares), abs=1e-5)
    assert found.asked < 60, found.asked


def test_core_check_by_oracle() -> None:
    """Proves: W2, equal shares are refused by the pair of buyer and seller, and the oracle proves it.

    Sensitivity: without the oracle the answer is open, because no pair has been asked for.
    """
    game = two_sellers()
    assert nash(game).in_core is None
    found = nash(game, separation=exhaustive(game))
    assert found.in_core is False
    assert found.excess.amount == pytest.approx(2000)
    sharing = pro_rata(game, {"S1": 0, "S2": 0, "B": 1}, separation=exhaustive(game))
    assert sharing.in_core is True


def test_oracle_that_breaks_its_promise_is_refused() -> None:
    """Proves: a coalition without the excess asked for is an error and not an endless loop.

    Sensitivity: taken as it is, it would be asked for again for ever.
    """
    with pytest.raises(InputError, match="must return None"):
        least_core(indivisible(), lambda _shares, _above: frozenset("a"))


def test_sampling_covers_the_exact_value() -> None:
    """Proves: over 40 seeds, 95 % intervals of ten players hold the exact value in 90 to 99 %.

    Sensitivity: an error without the square root of the samples, or of all orders instead of the
    pairs, is far outside.
    """
    game = community()
    exact = np.array(list(exact_shapley(game).shares.values()))
    hits = []
    for seed in range(40):
        found = sampled_shapley(game, accuracy=0.0, max_pairs=64, seed=seed)
        assert found.efficient
        ends = np.array(list(found.interval.values()))
        busy = np.array(list(found.standard_error.values())) > 1e-9
        hits.append(((ends[:, 0] <= exact) & (exact <= ends[:, 1]))[busy])
    assert 0.90 <= np.concatenate(hits).mean() <= 0.99


def test_sampling_stops_when_it_is_exact_enough() -> None:
    """Proves: a loose goal stops early, a tight one at the limit with a remark; seeds repeat.

    Sensitivity: a goal compared with the mean instead of the widest interval stops too early.
    """
    loose = sampled_shapley(community(), accuracy=0.05)
    assert len(loose.notes) == 1
    tight = sampled_shapley(community(), accuracy=1e-4, max_pairs=96)
    assert "96 pairs" in tight.notes[0]
    assert "above the wanted" in tight.notes[1]
    widest = max(high - low for low, high in loose.interval.values())
    assert widest / 2 <= 0.05 * loose.total
    again = sampled_shapley(community(), accuracy=0.05)
    assert again.shares == loose.shares
    other = sampled_shapley(community(), accuracy=0.05, seed=1)
    assert other.shares != loose.shares


def test_orders_taken_with_their_reverse_are_exact_for_pairs() -> None:
    """Proves: 40 players whose gains come from pairs: an order and its reverse give the exact value.

    Player i adds w_ij with all that are there before; in the order and its reverse together each
    pair counts once for each, so that every sample is sum_j w_ij / 2, and nothing is left to chance.
    Sensitivity: without the reverse the standard error is not zero.
    """
    random = np.random.default_rng(3)
    weight = np.triu(random.random((40, 40)), 1)
    players = tuple(f"p{i:02}" for i in range(40))

    def value(group: frozenset[str]) -> float:
        rows = [int(name[1:]) for name in group]
        return float(weight[np.ix_(rows, rows)].sum())

    found = shapley(Game(players, value))
    assert found.method == "shapley_sampled"
    expected = (weight + weight.T).sum(axis=1) / 2
    assert list(found.shares.values()) == pytest.approx(expected)
    assert max(found.standard_error.values()) < 1e-9


def test_values_are_asked_for_once_and_in_batches() -> None:
    """Proves: every value is asked for once, through the parallel function where there is one.

    Sensitivity: without the memory, three rules ask for 7 values each.
    """
    batches: list[list[Coalition]] = []

    def many(groups: list[Coalition]) -> list[float]:
        batches.append(list(groups))
        return [10.0 * (len(group) - 1) for group in groups]

    game = Game(("a", "b", "c"), lambda _: np.nan, "EUR", many)
    for rule in (shapley, nucleolus, fair_least_core):
        assert rule(game).shares == pytest.approx({"a": 20 / 3, "b": 20 / 3, "c": 20 / 3})
    asked = [group for batch in batches for group in batch]
    assert len(asked) == len(set(asked)) == game.asked == 7
    assert max(map(len, batches)) >= 6


def test_fourteen_players_need_few_rows() -> None:
    """Proves: the nucleolus of 14 players in a second: rows are generated, values all asked for.

    A symmetric game with two kinds of players, so that the answer is two numbers; excesses are equal
    within each kind.
    Sensitivity: settling by tightness at one point would tell twins apart.
    """
    players = tuple(f"p{i}" for i in range(14))
    big = frozenset(players[:4])
    game = Game(players, lambda s: float((len(s & big) * 2 + len(s)) ** 2 - 9 * len(s & big)))
    found = nucleolus(game)
    assert found.efficient
    for kind in (big, frozenset(players) - big):
        kin = [found.shares[p] for p in kind]
        assert max(kin) - min(kin) < 1e-6 * game.total
    assert found.shares["p0"] > found.shares["p13"]
    assert found.in_core is (found.epsilon <= found.tolerance)


def test_bad_input_is_refused() -> None:
    """Proves: every wrong input is named: players, values, weights, prices, sums.

    Sensitivity: each message names the culprit, so a missing check shows.
    """
    with pytest.raises(InputError, match="two or more players"):
        Game(("a",), len)
    with pytest.raises(InputError, match="different names"):
        Game(("a", "a"), len)
    with pytest.raises(InputError, match=r"\{b\} = inf: the value of this coalition is not finite"):
        nash(Game(("a", "b"), lambda s: np.inf if s == {"b"} else 0.0))
    game = two_sellers()
    with pytest.raises(InputError, match="C is no player"):
        game(["C"])
    with pytest.raises(InputError, match="Every weight must be 0 or more"):
        nash(game, {"S1": -1, "S2": 1, "B": 1})
    with pytest.raises(InputError, match="B: needs a finite number"):
        pro_rata(game, {"S1": 1, "S2": 1})
    with pytest.raises(InputError, match="X: is no player"):
        pro_rata(game, {"S1": 1, "S2": 1, "B": 1, "X": 1})
    with pytest.raises(InputError, match="nothing to bargain for"):
        nash(game, disagreement={"S1": 5000, "S2": 5000, "B": 5000})
    with pytest.raises(InputError, match=r"resources.B: has no entry"):
        owen(game, {"S1": {}, "S2": {}}, {})
    with pytest.raises(InputError, match=r"resources.B.load: has no price"):
        owen(game, {"S1": {}, "S2": {}, "B": {"load": 1.0}}, {})
    losing = Game(("a", "b"), lambda s: 3.0 if len(s) == 1 else 5.0, "yuan")
    for rule in (nucleolus, lambda g: least_core(g, rational=True)):
        with pytest.raises(InputError, match="All together have 5 yuan and everybody alone 6"):
            rule(losing)
    assert nucleolus(losing, rational=False).shares == pytest.approx({"a": 2.5, "b": 2.5})
    with pytest.raises(InputError, match="confidence between 0 and 1"):
        sampled_shapley(game, confidence=95)
    with pytest.raises(InputError, match="too many coalitions"):
        nucleolus(Game(tuple(f"p{i}" for i in range(21)), len))


def test_prices_that_do_not_add_up_are_remarked_on() -> None:
    """Proves: W3 as if it had prices: 5 each pays out 3 more than the total, and the note says so.

    Sensitivity: in an integer model no prices pay out the total and keep the pairs content.
    """
    found = owen(indivisible(), {p: {"share": 1.0} for p in "abc"}, {"share": 5.0})
    assert found.residual == pytest.approx(3)
    assert found.in_core is False
    assert "pay out +3 yuan against the total" in found.notes[0]
