"""Costs of coalitions: by hand, the same on both routes, in both games."""

from __future__ import annotations

import json
import math
import sys
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings

from microgrid_opt.errors import InputError, NoPlanError
from microgrid_opt.study import Asked
from microgrid_opt.trading import parted
from microgrid_opt.trading.coalitions import Coalitions, gray_order
from microgrid_opt.trading.parted import Parted
from tests.support import park, problem_of
from tests.trading.games import (
    CHAIN,
    CHAIN_COSTS,
    GRIDS,
    LINES,
    NOBODY_SERVES_D,
    THREE,
    communities,
    of_names,
    sellers_and_buyer,
)

if TYPE_CHECKING:
    from microgrid_opt.trading.coalition import CoalitionCost, Kind
    from microgrid_opt.trading.coalitions import CoalitionProgress
    from microgrid_opt.trading.solver import Route

EXACT = Asked("test")


def answers(
    text: str, route: Route = "built", kind: Kind = "resized"
) -> dict[frozenset[str], CoalitionCost]:
    with Coalitions(problem_of(text), route=route, kind=kind, asked=EXACT) as game:
        return game.costs(game.every)


def objection(text: str, members: str) -> str:
    with Parted(problem_of(text), "resized", {}) as model:
        return model.objection(frozenset(members))


# ---------------------------------------------------------------------- by hand


@pytest.mark.parametrize("route", ["built", "live", "auto"])
def test_a_chain_of_lines(route: Route) -> None:
    """Proves: all seven costs by hand, sizes only of what the coalition has.

    Sensitivity: a line left open to members outside; costs of those outside counted in.
    """
    found = answers(CHAIN, route)
    assert {who: one.cost for who, one in found.items()} == pytest.approx(of_names(CHAIN_COSTS))
    assert all(one.status == "optimal" and one.gap == 0.0 for one in found.values())
    assert found[frozenset("bc")].sizes == {"line_bc.power": 6.0}
    assert not found[frozenset("ac")].sizes
    assert {one.route for one in found.values()} == {"built" if route == "built" else "live"}


@pytest.mark.parametrize("form", ["pairs", "arcs"])
@pytest.mark.parametrize("route", ["built", "live"])
def test_two_sellers_and_a_buyer(form: str, route: Route) -> None:
    """Proves: v(N) = 12000, v of the buyer with one seller 10000, all else 0; for either form.

    60 kWh change hands, of which each seller has 50; every one is worth 200 more. (Gloves game with
    quantities: Shapley and core are in the tests of the sharing methods.)
    """
    cost = {who: one.cost for who, one in answers(sellers_and_buyer(form), route).items()}
    gain = {
        tuple(sorted(who)): sum(cost[frozenset([i])] for i in who) - value
        for who, value in cost.items()
    }
    assert gain == pytest.approx(
        {
            ("b",): 0,
            ("s1",): 0,
            ("s2",): 0,
            ("s1", "s2"): 0,
            ("b", "s1"): 10_000,
            ("b", "s2"): 10_000,
            ("b", "s1", "s2"): 12_000,
        },
        abs=1e-6,
    )


def test_frozen_sizes_by_hand() -> None:
    """Proves: a coalition with sizes of the grand plan pays for them, though it would not build them.

    A line of 5 kW at 1 a year saves 2 · 5 − 5; alone, b's PV of 9 kW at 4 is the grand plan's for c.
    """
    text = park(
        GRIDS
        + "line_bc: {type: line, member: b, to: c, power_kw: {max_kw: 6, annual_cost_per_kw: 1}}\n"
        + "pv_b: {type: pv, member: b, power_kw: {max_kw: 3, annual_cost_per_kw: 6}, "
        "output_per_kw: 1}\n",
        members=THREE,
    )
    free = answers(text)
    # PV saves 2 h · 2 = 4 < 6 at b, and 8 at c while the line (1 a kW) takes it there.
    assert free[frozenset("b")].cost == pytest.approx(40)
    assert free[frozenset("bc")].cost == pytest.approx(120 + 6 * 1 - 6 * 2 * 2)
    for route in ("built", "live"):
        held = answers(text, route, "frozen")
        assert {one.kind for one in held.values()} == {"frozen"}
        assert held[frozenset("abc")].cost == pytest.approx(free[frozenset("abc")].cost)
        assert held[frozenset("b")].cost == pytest.approx(40)
    with Coalitions(
        problem_of(text), kind="frozen", sizes={"pv_b.power": 3.0, "line_bc.power": 2.0}
    ) as game:
        assert game.cost("b").cost == pytest.approx(40 + 3 * 6 - 3 * 2 * 2)
        assert game.cost("c").cost == pytest.approx(80)
        assert game.cost("bc").cost == pytest.approx(120 + 18 - 12 + 2 * (1 - 2 * 2))
        assert game.cost("bc").sizes == {"pv_b.power": 3.0, "line_bc.power": 2.0}


def test_sizes_of_no_plan_cannot_be_frozen() -> None:
    text = park(
        "load: {type: load, member: a, power_kw: 1}\n" + LINES + GRIDS.replace("load_a", "l"),
        members=THREE,
    )
    text = text.replace("price_per_kwh: 1, ", "price_per_kwh: 1, import_limit_kw: 1, ")
    with (
        Coalitions(problem_of(text.replace("power_kw: 5", "power_kw: 0")), kind="frozen") as game,
        pytest.raises(NoPlanError, match="no plan of all members to freeze"),
    ):
        game.costs(["a"])


# ---------------------------------------------------------------------- both routes


@pytest.mark.slow
@settings(max_examples=20)
@given(description=communities())
def test_live_equals_built(description: dict[str, Any]) -> None:
    """Proves: on random communities with lines, trades, fees to members and owners of network lines, both
    routes give the same costs of every coalition, and so do the frozen games.

    Sensitivity: a constant (existing plant, CO2 of it) on the wrong side; a trade whose way or payee
    is outside left open; a line of the network that stays although its owner is out.
    """
    text = json.dumps(description)
    problem = problem_of(text)
    with Coalitions(problem, route="built", asked=EXACT) as game:
        built = game.costs(game.every)
    sizes = built[frozenset("abc")].sizes
    for kind, expected in (("resized", built), ("frozen", None)):
        if expected is None:
            with Coalitions(
                problem, kind="frozen", sizes=sizes, route="built", asked=EXACT
            ) as game:
                expected = game.costs(game.every)
        with Coalitions(problem, kind=kind, sizes=sizes, asked=EXACT) as game:  # type: ignore[arg-type]
            live = game.costs(game.every)
        for who, one in expected.items():
            assert live[who].status == one.status, (who, live[who].message)
            assert live[who].cost == pytest.approx(one.cost, rel=1e-6, abs=1e-6), who
        fee = description["trading"]["fees"]["wheel"]
        if "owner" not in description["trading"]["network"]["lines"]["lb"] and "paid_to" not in fee:
            assert {one.route for one in live.values()} == {"live"}


BATTERY = """
store:
  type: shared_battery
  member: a
  users: {a: {share_fraction: 0.5}, b: {share_fraction: 0.5}}
  energy_kwh: 10
  power_kw: 10
  charge_efficiency: 1
  discharge_efficiency: 1
"""


@pytest.mark.parametrize(
    ("sections", "assets", "words"),
    [
        ({"targets": "{min_renewable_share: 0.05}"}, "", "policies.renewable_share joins members"),
        ({}, BATTERY, "store is another one for a part of its users"),
        ({"carbon": "{reduction_fraction: -1}"}, "", "relative to the coalition's own"),
        (
            {},
            "pv: {type: pv, member: c, output_per_kw: 1, power_kw: {max_kw: 9, unit_kw: 3}}\n",
            "whole numbers",
        ),
        (
            {},
            "cable: {type: line, member: a, to: b, power_kw: 9, standing_loss_kw: 1}\n",
            "cable has flows that bounds cannot close",
        ),
    ],
)
def test_what_joins_members_is_seen(sections: dict[str, str], assets: str, words: str) -> None:
    """Proves: what bounds do not part is told by name, and is built alone with the costs of the other
    route.
    """
    plants = "".join(
        f"sun_{m}: {{type: pv, member: {m}, output_per_kw: 1, power_kw: 1}}\n" for m in "abc"
    )
    text = park(GRIDS + plants + LINES + assets, members=THREE, **sections)
    if "carbon" not in sections:
        assert words in objection(text, "a")
        with (
            Coalitions(problem_of(text), route="live") as game,
            pytest.raises(InputError, match="a cannot be solved live"),
        ):
            game.costs(["a"])
    auto, built = answers(text, "auto"), answers(text, "built")
    assert {who: one.cost for who, one in auto.items()} == pytest.approx(
        {who: one.cost for who, one in built.items()}
    )
    assert auto[frozenset("ac")].route == "built"


def test_a_model_that_falls_apart_only_for_some() -> None:
    """Proves: with a battery of a and b, c alone is still parted from them live."""
    text = park(GRIDS + LINES + BATTERY, members=THREE)
    found = answers(text, "auto")
    assert found[frozenset("c")].route == "live"
    assert found[frozenset("ab")].route == "live"
    assert found[frozenset("bc")].route == "built"


def test_large_models_are_built_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parted, "MOST_NONZEROS", 1)
    assert {one.route for one in answers(CHAIN, "auto").values()} == {"built"}


def test_a_model_that_gives_another_cost_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: before the first answer the live route has to give the cost of a member built alone.

    Sensitivity: trusting the matrix where a constant is missing.
    """
    real = Parted._answer

    def off(self: Parted, *given: Any) -> CoalitionCost:
        answer = real(self, *given)
        return replace(answer, cost=answer.cost + 1e-3)

    monkeypatch.setattr(Parted, "_answer", off)
    found = answers(CHAIN, "auto")
    assert {one.route for one in found.values()} == {"built"}
    assert {who: one.cost for who, one in found.items()} == pytest.approx(of_names(CHAIN_COSTS))


def test_a_relative_cap_is_that_of_the_coalition() -> None:
    """Proves: half of its own emissions, so that the dear clean supply gives half of every coalition."""
    clean = "".join(
        f"clean_{m}: {{type: supply, member: {m}, carrier: electricity, price_per_kwh: 9, "
        "in_reference: false}\n"
        for m in "abc"
    )
    text = park(GRIDS + clean, members=THREE, carbon="{reduction_fraction: 0.5}")
    found = answers(text, "auto")
    assert found[frozenset("a")].cost == pytest.approx(10 * 1 + 10 * 9)
    # Together the cap of 10 kWh · 2 · 0.5 is used where supply is dearest to replace: at a.
    assert found[frozenset("ac")].cost == pytest.approx(20 * 1 + 20 * 9)


def test_a_member_that_cannot_be_alone() -> None:
    """Proves: it costs infinitely much alone and says why; the others are not held up.

    b buys nothing itself (kitchen without supplier); c may buy too little.
    """
    text = park(
        "grid_a: {type: grid, member: a, import_price_per_kwh: 1}\n"
        "load_b: {type: load, member: b, power_kw: 3}\n"
        "grid_c: {type: grid, member: c, import_price_per_kwh: 1, import_limit_kw: 1}\n"
        "load_c: {type: load, member: c, power_kw: 3}\n"
        "line_ab: {type: line, member: a, to: b, power_kw: 5}\n"
        "line_ac: {type: line, member: a, to: c, power_kw: 5}\n",
        members=THREE,
    )
    found = answers(text, "auto")
    alone, short = found[frozenset("b")], found[frozenset("c")]
    assert (alone.status, alone.cost, alone.bound) == ("infeasible", math.inf, math.inf)
    assert "no asset at 'b' supplies electricity" in alone.message
    assert short.status == "infeasible"
    assert "electricity of c is short" in short.message
    assert found[frozenset("ab")].cost == pytest.approx(6)
    assert found[frozenset("abc")].cost == pytest.approx(12)
    assert found[frozenset("bc")].status == "infeasible"


def test_a_mistake_in_the_park_is_none_of_the_coalition() -> None:
    """Proves: what no coalition could build is raised as what it is, not called infeasible."""
    with Coalitions(problem_of(NOBODY_SERVES_D)) as game:
        assert game.cost("a").cost == pytest.approx(20)
        with pytest.raises(InputError, match="no asset at 'd' supplies"):
            game.costs(["ad"])


def test_caps_of_the_group_are_told_before_anything_is_solved() -> None:
    """Proves: one coalition that shares a cap stops the run at once, also when it was asked for last."""
    seen: list[CoalitionProgress] = []
    problem = problem_of(park(GRIDS, members=THREE, carbon="{cap_t_per_year: 9}"))
    with (
        Coalitions(problem, on_progress=seen.append) as game,
        pytest.raises(InputError, match="cap of all members together"),
    ):
        game.costs(["abc", "ab"])
    assert not seen


def test_a_member_without_assets_costs_nothing() -> None:
    text = park(GRIDS, members="{a: {}, b: {}, c: {}, d: {}}")
    with Coalitions(problem_of(text)) as game:
        assert game.cost("d").cost == 0.0
        assert game.cost("ad").cost == pytest.approx(20)


# ---------------------------------------------------------------------- order, progress, words


def test_neighbours_in_gray_order_differ_by_one_member() -> None:
    """Proves: a coalition and those outside it stand side by side, and one member changes from one such
    pair to the next.
    """
    members = "abcde"
    with Coalitions(problem_of(park(GRIDS, members=THREE))) as game:
        assert len(game.every) == 7
    whole = frozenset(members)
    every = [frozenset(m for i, m in enumerate(members) if k >> i & 1) for k in range(1, 32)]
    order = gray_order(every, members)
    assert sorted(map(sorted, order)) == sorted(map(sorted, every))
    assert order[0] == whole
    pairs = list(zip(order[1::2], order[2::2], strict=True))
    assert all(one | other == whole and not one & other for one, other in pairs)
    for (one, _), (other, rest) in pairwise(pairs):
        assert min(len(one ^ other), len(one ^ rest)) == 1


def test_progress_counts_what_was_asked_for() -> None:
    seen: list[CoalitionProgress] = []
    with Coalitions(problem_of(CHAIN), on_progress=seen.append) as game:
        game.costs(["ab", "bc", "ab"])
        assert [(one.done, one.total, one.cached) for one in seen] == [
            (0, 2, 0),
            (1, 2, 0),
            (2, 2, 0),
        ]
        assert (seen[0].eta_seconds, seen[-1].eta_seconds) == (None, 0.0)
        assert seen[1].eta_seconds == pytest.approx(seen[1].seconds)
        assert seen[1].last is not None
        assert seen[1].last.label in {"a + b", "b + c"}
        seen.clear()
        game.cost("cb")
        assert [(one.done, one.total) for one in seen] == [(1, 1)]


def test_bad_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = problem_of(CHAIN)
    with pytest.raises(InputError, match="at least 1"):
        Coalitions(problem, workers=0)
    with Coalitions(problem) as game, pytest.raises(InputError, match="'d' is no member"):
        game.cost("ad")
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match=r"pip install 'microgrid-opt\[parallel\]'"):
        Coalitions(problem, workers=2)
    with pytest.raises(InputError, match=r"microgrid-opt\[parallel\]"):
        Coalitions(problem, scheduler="tcp://127.0.0.1:1")
    with Coalitions(problem) as game:  # one process works without Dask
        assert game.cost("a").cost == pytest.approx(20)
