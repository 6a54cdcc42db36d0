"""Sharing the gain of a park: the game of its coalitions, settled by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from microgrid_opt.errors import InputError, NoPlanError
from microgrid_opt.trading import sharing
from microgrid_opt.trading.coalitions import Coalitions
from microgrid_opt.trading.modes import Study
from microgrid_opt.trading.sharing import Parallel, share
from tests.support import EXACT, problem_of
from tests.trading.markets import Market

if TYPE_CHECKING:
    from pathlib import Path

    from microgrid_opt.trading.coalitions import CoalitionProgress
    from microgrid_opt.trading.sharing import Shared

W2 = Market(
    """
    s1_pv: {type: must_run, member: s1, power_kw: 50, output_per_kw: 1}
    s1_grid: {type: grid, member: s1, export_price_per_kwh: 0.3, wheeling: {at: town}}
    s2_pv: {type: must_run, member: s2, power_kw: 50, output_per_kw: 1}
    s2_grid: {type: grid, member: s2, export_price_per_kwh: 0.3, wheeling: {at: town}}
    b_load: {type: load, member: b, power_kw: 60}
    b_grid: {type: grid, member: b, import_price_per_kwh: 0.5, wheeling: {at: town}}
    """,
    members="{s1: {}, s2: {}, b: {}}",
    form="auto",
)
LINE = W2.but(
    (
        "s1_pv: {type: must_run, member: s1, power_kw: 50",
        "s1_pv: {type: must_run, member: s1, power_kw: 80",
    ),
    ("s2_grid: {type: grid, member: s2, export_price_per_kwh: 0.3, wheeling: {at: town}}", ""),
    ("s2_pv: {type: must_run, member: s2, power_kw: 50, output_per_kw: 1}", ""),
    ("0.5, wheeling: {at: town}", "0.5, wheeling: {at: west}"),
    network="{nodes: {town: {}, west: {}}, lines: {l: {from: town, to: west, capacity_kw: 40OWNER}}}",
    members="{s1: {}, b: {}}",
)


def study_of(market: Market) -> Study:
    return Study(problem_of(market.text), EXACT)


def shared(market: Market, rule: str, **words: Any) -> Shared:
    return share(study_of(market), [rule], **words).by_rule[rule]


@pytest.mark.parametrize(
    ("rule", "shares", "in_core"),
    [
        ("shapley", [7 / 3, 7 / 3, 22 / 3], False),
        ("nucleolus", [1, 1, 10], True),
        ("nash", [4, 4, 4], False),
        ("owen", [0, 0, 12], True),
    ],
)
def test_w2(rule: str, shares: list[float], in_core: bool) -> None:
    """Proves: the printed shares of two sellers of 50 kWh at 0.3 and a buyer of 60 at 0.5 (here in 1000),
    each through the coalitions of a park; what each receives on top of its own cost makes it so.
    """
    game = share(study_of(W2), ["shapley", rule])
    one = game.by_rule[rule]
    assert list(one.allocation.shares.values()) == pytest.approx(shares)
    assert one.allocation.in_core is in_core
    assert sum(one.received.values()) == pytest.approx(0)
    after = {"s1": -15 - shares[0], "s2": -15 - shares[1], "b": 30 - shares[2]}
    costs = study_of(W2).joint().costs
    for member, cost in costs.items():
        assert cost - one.received[member] == pytest.approx(after[member])


def test_prices_half_way_settle_by_trades() -> None:
    """Proves: at 0.4 a kWh every trade gives 0.1 to each side: the buyer has 6, the sellers 6 together by
    what they sell.
    """
    for rule in ("mid_market", "pairs"):
        shares = shared(W2, rule).allocation.shares
        assert shares["b"] == pytest.approx(6)
        assert shares["s1"] + shares["s2"] == pytest.approx(6)


def test_one_price_of_all_or_one_of_each_pair() -> None:
    """Proves: with imports at 0.5 and 0.9 the mid-market rate is one price, 0.3 + (0.2 + 0.6) / 4 = 0.5,
    which takes all from the first buyer; by pairs each buyer has half of its own difference.
    """
    market = W2.but(
        ("s2_pv: {type: must_run, member: s2, power_kw: 50, output_per_kw: 1}", ""),
        (
            "s2_grid: {type: grid, member: s2, export_price_per_kwh: 0.3, wheeling: {at: town}}",
            "s2_load: {type: load, member: s2, power_kw: 10}\n"
            "    s2_grid: {type: grid, member: s2, import_price_per_kwh: 0.9, wheeling: {at: town}}",
        ),
        (
            "b_load: {type: load, member: b, power_kw: 60}",
            "b_load: {type: load, member: b, power_kw: 10}",
        ),
    )
    one = shared(market, "mid_market").allocation.shares
    assert one == pytest.approx({"s1": 20 * 0.2, "s2": 10 * 0.4, "b": 0.0}, abs=1e-9)
    each = shared(market, "pairs").allocation.shares
    assert each == pytest.approx({"s1": 1 + 3, "s2": 3.0, "b": 1.0})


def test_pro_rata_shares_by_volume() -> None:
    """Proves: the buyer has half of all that is sent and received, so half of the gain; without trade
    there is nothing to share by.
    """
    shares = shared(W2, "pro_rata").allocation.shares
    assert shares["b"] == pytest.approx(6)
    idle = W2.but(rules="{buyers: []}")
    with pytest.raises(InputError, match="nothing is traded"):
        shared(idle, "pro_rata")


def test_weights_are_powers_of_bargaining() -> None:
    shares = shared(W2, "nash", weights={"s1": 1, "s2": 2, "b": 3}).allocation.shares
    assert shares == pytest.approx({"s1": 2, "s2": 4, "b": 6})
    with pytest.raises(InputError, match="is no player"):
        shared(W2, "nash", weights={"s1": 1, "s2": 2, "b": 3, "x": 4})


@pytest.mark.parametrize("form", ["pairs", "arcs"])
def test_the_rent_of_a_line_goes_to_its_owner(form: str) -> None:
    """Proves: 40 of 80 kWh pass the line and gain 0.2 each; the rent of 8 is all of it. Owned by the buyer
    it is the buyer's, owned by nobody it is split evenly, and the note says so.
    """
    owned = LINE.but(network=LINE.network.replace("OWNER", ", owner: b"), form=form)
    assert shared(owned, "owen").allocation.shares == pytest.approx({"s1": 0, "b": 8}, abs=1e-9)
    free = shared(LINE.but(network=LINE.network.replace("OWNER", ""), form=form), "owen").allocation
    assert free.shares == pytest.approx({"s1": 4, "b": 4})
    assert "line_l 8.00" in free.notes[0]


UNIT = W2.but(
    (
        "s1_pv: {type: must_run, member: s1, power_kw: 50, output_per_kw: 1}",
        "s1_pv: {type: pv, member: s1, power_kw: {max_kw: 60, capex_per_kw: 4, lifetime_years: 10}, output_per_kw: 1}",
    ),
    ("s2_pv: {type: must_run, member: s2, power_kw: 50, output_per_kw: 1}", ""),
    ("s2_grid: {type: grid, member: s2, export_price_per_kwh: 0.3, wheeling: {at: town}}", ""),
    members="{s1: {}, b: {}}",
)


def test_payback_of_what_is_invested_for_the_others() -> None:
    """Proves: at 4 a kW over 10 years PV costs 0.4 a kWh of this one-hour year: too dear for export, worth
    it for the buyer. Of the 60 x 0.1 = 6 a year half goes to the owner, whose 240 come back in
    240 / (3 + 24) years; the buyer invests nothing.
    """
    one = shared(UNIT, "shapley")
    assert one.allocation.shares == pytest.approx({"s1": 3, "b": 3})
    assert one.payback_years == {"s1": pytest.approx(240 / 27), "b": None}


def test_the_frozen_game_is_another_one() -> None:
    """Proves: with the 60 kW of the plan of all the owner alone pays 24 for an export of 18: against that
    the gain of all is 12, not 6.
    """
    resized, frozen = (share(study_of(UNIT), ["nash"], kind=kind) for kind in ("resized", "frozen"))
    assert resized.by_rule["nash"].allocation.total == pytest.approx(6)
    assert frozen.by_rule["nash"].allocation.total == pytest.approx(12)
    assert frozen.by_rule["nash"].received["s1"] == pytest.approx(18 + 6)


def test_answers_outlive_the_program(tmp_path: Path) -> None:
    """Proves: the second run takes all seven coalitions from the folder; the listener is told."""
    news: list[CoalitionProgress] = []
    how = Parallel(cache=tmp_path, on_progress=news.append)
    first = share(study_of(W2), ["shapley"], how=how)
    assert (news[-1].done, news[-1].cached) == (7, 0)
    second = share(study_of(W2), ["shapley"], how=how)
    assert (news[-1].done, news[-1].cached) == (7, 7)
    assert second.table().equals(first.table())
    assert len(second.coalitions()) == 7


def test_what_cannot_be_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: an unknown rule, a member without a plan alone, and Ctrl-C each end with their own words."""
    with pytest.raises(InputError, match="no sharing rule 'fair'"):
        shared(W2, "fair")
    hungry = W2.but(
        (
            "b_grid: {type: grid, member: b, import_price_per_kwh: 0.5, wheeling: {at: town}}",
            "b_grid: {type: access, member: b, wheeling: {at: town}}",
        )
    )
    with pytest.raises(InputError, match="b: cannot be alone"):
        shared(hungry, "nash")

    class Stopped(Coalitions):
        def costs(self, coalitions: Any) -> Any:
            found = super().costs(coalitions)
            self.interrupted = True
            return found

    monkeypatch.setattr(sharing, "Coalitions", Stopped)
    with pytest.raises(NoPlanError, match="Stopped after 7 coalitions"):
        shared(W2, "shapley")
