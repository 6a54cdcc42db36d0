"""Games solved by hand and published games with their published numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from microgrid_opt.trading.allocation import (
    Game,
    Production,
    fair_least_core,
    least_core,
    nash,
    nucleolus,
    owen,
    pro_rata,
    shapley,
)
from tests.registry import manual
from tests.trading.abstract_games import by_size, indivisible, two_sellers


def shares_of(found: object) -> list[float]:
    """Return the shares in the players' order."""
    return list(found.shares.values())  # type: ignore[attr-defined]


def test_one_seller_one_buyer() -> None:
    """Proves: W1, 100 MWh worth 300 alone, 80 MWh worth 650 less a fee of 37.9, loss 2 %.

    The gain is 80 · 612.1 - 80 / 0.98 · 300 = 24,478.20; Nash, Shapley and nucleolus halve it.
    Sensitivity: the loss on the wrong side gives 24,968; equal pay per MWh would not halve it.
    """
    gain = 80 * (650 - 37.9) - 80 / 0.98 * 300
    assert gain == pytest.approx(24_478.20, abs=0.005)
    game = Game(("G", "C"), lambda s: gain if len(s) == 2 else 0.0, "yuan")
    for rule in (nash, shapley, nucleolus, fair_least_core):
        found = rule(game)
        assert shares_of(found) == pytest.approx([12_239.10] * 2, abs=0.005), rule.__name__
        assert found.in_core is True


def test_clearing_price_gives_the_gain_to_the_short_side() -> None:
    """Proves: W1 as a production game: the seller is long, so the dual of its MWh is 0.

    Sensitivity: a dual of the wrong sign or row gives the seller a part.
    """
    per_mwh = 0.98 * (650 - 37.9) - 300
    park = Production(
        profit=np.array([per_mwh]),
        use=np.array([[1.0], [0.98]]),
        owned={"G": np.array([100.0, 0.0]), "C": np.array([0.0, 80.0])},
    )
    found = owen(park.game("yuan"), park.resources(), park.prices())
    assert shares_of(found) == pytest.approx([0, 24_478.20], abs=0.005)
    assert found.residual == pytest.approx(0, abs=1e-6)


def test_two_sellers_and_a_buyer() -> None:
    """Proves: W2, Shapley and equal Nash shares lie outside the core, nucleolus and duals inside.

    Sensitivity: the buyer and one seller earn 10,000 alone; a check that forgets pairs of players
    would call all four stable.
    """
    game = two_sellers()
    value = shapley(game)
    assert shares_of(value) == pytest.approx([7000 / 3, 7000 / 3, 22000 / 3])
    assert value.in_core is False
    assert value.excess.amount == pytest.approx(10_000 - 29_000 / 3)
    assert "B" in value.excess.coalition
    assert len(value.excess.coalition) == 2
    equal = nash(game)
    assert shares_of(equal) == pytest.approx([4000] * 3)
    assert equal.in_core is False
    assert equal.excess.amount == pytest.approx(2000)
    assert all(equal.rational.values())
    stable = nucleolus(game)
    assert shares_of(stable) == pytest.approx([1000, 1000, 10_000])
    assert stable.in_core is True
    assert stable.epsilon == pytest.approx(-1000)
    energy = {"S1": {"sold": 50.0}, "S2": {"sold": 50.0}, "B": {"bought": 60.0}}
    duals = owen(game, energy, {"sold": 0.0, "bought": 200.0})
    assert shares_of(duals) == pytest.approx([0, 0, 12_000])
    assert duals.in_core is True
    assert not duals.notes


def test_empty_core() -> None:
    """Proves: W3, epsilon is 2 and (4, 4, 4) the only least-core sharing; the note says it.

    Sensitivity: with 15 for all three, the core is (5, 5, 5) and epsilon 0.
    """
    for rule in (least_core, fair_least_core, nucleolus):
        found = rule(indivisible())
        assert shares_of(found) == pytest.approx([4, 4, 4]), rule.__name__
        assert found.epsilon == pytest.approx(2)
        assert found.in_core is False
    assert least_core(indivisible()).notes == (
        "The core is empty: under every sharing some group would gain 2 yuan or more by leaving.",
    )
    enough = Game(("a", "b", "c"), lambda s: {1: 0.0, 2: 10.0, 3: 15.0}[len(s)])
    found = least_core(enough)
    assert found.epsilon == pytest.approx(0, abs=1e-8)
    assert found.in_core is True
    assert not found.notes


def test_weights_and_proportions() -> None:
    """Proves: Nash with weights 2 : 1 : 1 and disagreement, and shares by traded energy.

    By hand: 12,000 - 3000 = 9000 of surplus; 3000 + 4500, 2250, 2250. Energy 10 : 50 : 60 of 120.
    Sensitivity: weights applied to the total instead of the surplus give 6000 to the first.
    """
    game = two_sellers()
    found = nash(game, {"S1": 2, "S2": 1, "B": 1}, {"S1": 3000, "S2": 0, "B": 0})
    assert shares_of(found) == pytest.approx([7500, 2250, 2250])
    sold = pro_rata(game, {"S1": 10, "S2": 50, "B": 60})
    assert shares_of(sold) == pytest.approx([1000, 5000, 6000])
    assert sold.in_core is None  # the pairs have not been asked for
    assert sold.asked == 4


@pytest.mark.parametrize(
    ("estate", "expected"),
    [(100, [100 / 3] * 3), (200, [50, 75, 75]), (300, [50, 100, 150])],
)
def test_bankruptcy_of_the_talmud(estate: float, expected: list[float]) -> None:
    """Proves: Aumann, Maschler, Journal of Economic Theory 36 (1985) 195-213: claims 100, 200, 300.

    A group can count on what is left when all others are paid; the published nucleolus is the
    division of the Mishna.
    Sensitivity: at 200 the second level decides; a nucleolus that stops at the least core, or
    settles rows that are only tight by chance, divides otherwise.
    """
    claims = {"a": 100, "b": 200, "c": 300}

    def left(group: frozenset[str]) -> float:
        return max(0.0, estate - sum(c for name, c in claims.items() if name not in group))

    assert shares_of(nucleolus(Game(tuple(claims), left))) == pytest.approx(expected)


def test_tennessee_valley() -> None:
    """Proves: Straffin, Heaney, International Journal of Game Theory 10 (1981) 35-43.

    Costs of dams for navigation, flood control and power in thousand dollars; published charges:
    Shapley 117,829, 100,756.5, 193,998.5; nucleolus 116,234, 93,540, 202,810.
    Sensitivity: savings and costs confused, or one coalition misread, change every figure.
    """
    cost = {
        frozenset("n"): 163_520.0,
        frozenset("f"): 140_826.0,
        frozenset("p"): 250_096.0,
        frozenset("nf"): 301_607.0,
        frozenset("np"): 378_821.0,
        frozenset("fp"): 367_370.0,
        frozenset("nfp"): 412_584.0,
    }
    game = Game.from_costs("nfp", cost.__getitem__, "thousand dollars")

    def charges(shares: dict[str, float]) -> list[float]:
        return [cost[frozenset(user)] - shares[user] for user in "nfp"]

    assert charges(dict(shapley(game).shares)) == pytest.approx([117_829, 100_756.5, 193_998.5])
    assert charges(dict(nucleolus(game).shares)) == pytest.approx([116_234, 93_540, 202_810])


def test_airport() -> None:
    """Proves: Littlechild, Owen, Management Science 20 (1973) 370-372: costs 8, 11, 13, 18.

    Each runway step is shared by those who need it: 8/4, + 3/3, + 2/2, + 5: 2, 3, 4, 9.
    Sensitivity: weights of coalition sizes off by one change the figures.
    """
    need = {"A": 8.0, "B": 11.0, "C": 13.0, "D": 18.0}
    game = Game.from_costs(tuple(need), lambda group: max(need[name] for name in group))
    found = shapley(game)
    charges = [need[name] - share for name, share in found.shares.items()]
    assert charges == pytest.approx([2, 3, 4, 9])
    assert found.in_core is True


def test_nucleolus_and_prenucleolus_of_other_programs() -> None:
    """Proves: the figures in the manual of the R package CoopGame 0.2.2.

    The prenucleolus is Peleg, Sudhölter, Introduction to the theory of cooperative games (2007),
    example 5.5.12. Its nucleolus by hand: nobody below 0, so c gets 0 and a and b share 2 evenly.
    Sensitivity: without the bounds the first player of the second game gets 3 in both.
    """
    found = nucleolus(by_size(0, 0, 0, 0, 5, 5, 8, 9, 10, 8, 13, 15, 16, 17, 21))
    assert shares_of(found) == pytest.approx([3.5, 4.5, 5.5, 7.5])
    game = by_size(0, 0, 0, 10, 0, 0, 2)
    assert shares_of(nucleolus(game, rational=False)) == pytest.approx([3, 3, -4])
    assert shares_of(nucleolus(game)) == pytest.approx([1, 1, 0], abs=1e-9)


def test_fair_least_core_of_its_authors() -> None:
    """Proves: TheoryOfGames.jl (Fioriti and others), test case `three_users_mapping`.

    Their file `var_least_core/ALL_three_users_mapping.yml` has 9.25, 5.5, 9.25. By hand: epsilon is
    -1/2 (b must get 5.5, a and c 18.5 together), and even shares of 18.5 meet the rest.
    Sensitivity: the nucleolus (11.5, 5.5, 7) lies in the same least core, with more variance.
    """
    game = by_size(2, 5, 4, 14, 18, 9, 24)
    found = fair_least_core(game)
    assert shares_of(found) == pytest.approx([9.25, 5.5, 9.25])
    assert found.epsilon == pytest.approx(-0.5)
    assert shares_of(nucleolus(game)) == pytest.approx([11.5, 5.5, 7])


def test_example_of_the_manual() -> None:
    """Proves: the example of the page runs and ends with the shares that its table shows.

    Sensitivity: the names of the page are those of the package, or the example stops.
    """
    [block] = manual.blocks("allocation.md", "python")
    names: dict[str, Any] = {}
    exec(compile(block.text, "allocation.md", "exec"), names)
    assert names["found"].method == "nucleolus"
    assert names["found"].shares == pytest.approx({"S1": 1000, "S2": 1000, "B": 10_000})
    row = "| `nucleolus`, `fair_least_core` | 1000 | 1000 | 10,000 | yes |"
    assert row in manual.page("allocation.md")


def test_energy_community_of_another_tool() -> None:
    """Proves: the Shapley values of the reference community of EnergyCommunity.jl (test/refs).

    An aggregator and three users; nothing is gained without the aggregator or by one user with it.
    Published: 16,248.704 for all, 9404.772 for the aggregator with users 1 and 3, and the four
    Shapley values. The two coalitions that are not published follow from the shares of users 1 and
    2 (9122.532, 6152.254); the shares of user 3 and of the aggregator are then a check.
    Sensitivity: a user's weight for joining third (1/12) instead of fourth (1/4) misses by
    thousands.
    """
    values = {"123": 16248.704278614838, "12": 9122.531614864, "13": 9404.772014427348}
    values["23"] = 6152.254034443

    def value(group: frozenset[str]) -> float:
        users = "".join(sorted(group - {"EC"}))
        return values.get(users, 0.0) if "EC" in group else 0.0

    found = shapley(Game(("EC", "1", "2", "3"), value, "EUR"))
    assert shares_of(found) == pytest.approx(
        [6118.8058749650345, 4068.054530150764, 2983.881870155395, 3077.962003343644], abs=1e-6
    )
