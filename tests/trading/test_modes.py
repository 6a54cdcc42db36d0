"""Members alone, together, and together with nobody worse off: by hand and on random parks."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid_opt.errors import AuditError, InputError, NoPlanError
from microgrid_opt.study import run_model
from microgrid_opt.trading import allocation
from microgrid_opt.trading import modes as modes_module
from microgrid_opt.trading.modes import Study, gains
from microgrid_opt.trading.payments import Band, fair_payments
from microgrid_opt.trading.sharing import share
from tests.support import EXACT, park, problem_of
from tests.trading.markets import Market

if TYPE_CHECKING:
    from microgrid_opt.study import Solved

W1 = Market(
    """
    g_pv: {type: must_run, member: g, power_kw: 100, output_per_kw: 1}
    g_grid: {type: grid, member: g, export_price_per_kwh: 0.3, wheeling: {at: town}}
    c_load: {type: load, member: c, power_kw: 80}
    c_grid: {type: grid, member: c, import_price_per_kwh: 0.65, wheeling: {at: town}}
    """,
    fees="{wheeling: {method: value, price_per_kwh: 0.0379}}",
    rules="{loss_fraction: 2 %}",
)
TWO_HOURS = Market(
    """
    g_pv: {type: must_run, member: g, power_kw: 100, output_per_kw: 1}
    g_grid: {type: grid, member: g, export_price_per_kwh: 0.3, wheeling: {at: town}}
    c_load: {type: load, member: c, power_kw: 100}
    c_grid: {type: grid, member: c, import_price_per_kwh: {hourly: [0.65, 0.4, PRICES]}, wheeling: {at: town}}
    """.replace("PRICES", ", ".join(["1"] * 22)),
    hours=2,
)


def study_of(market: Market, band: Band | None = None) -> Study:
    return Study(problem_of(market.text), EXACT, band=band)


# ---------------------------------------------------------------------- by hand


@pytest.mark.parametrize("form", ["pairs", "arcs"])
def test_costs_of_members(form: str) -> None:
    """Proves: alone −30 and 52; together the seller keeps the export of 100 − 80/0.98 and the buyer pays
    the fee of 80 kWh. Sensitivity: a fee booked with somebody else.
    """
    study = study_of(W1.but(form=form))
    alone, joint = study.standalone(), study.joint()
    assert alone.costs == pytest.approx({"g": -30.0, "c": 52.0})
    assert gains(alone) == pytest.approx({"g": 0.0, "c": 0.0})
    assert joint.costs == pytest.approx({"g": -0.3 * (100 - 80 / 0.98), "c": 80 * 0.0379})
    assert sum(gains(joint).values()) == pytest.approx(24.47820408)
    assert joint.notes == ()


def test_fees_of_lines_are_the_buyers_in_both_forms() -> None:
    """Proves: power from 10 kV over 35 kV to 10 kV pays 0.025 by formula; in arc form it is booked with a
    line, and each buyer bears what is traced to it. Sensitivity: g owns nothing of it.
    """
    market = Market(
        """
        g_pv: {type: must_run, member: g, power_kw: 100, output_per_kw: 1}
        g_grid: {type: grid, member: g, export_price_per_kwh: 0.3, wheeling: {at: low}}
        c_load: {type: load, member: c, power_kw: 50}
        c_grid: {type: grid, member: c, import_price_per_kwh: 0.65, wheeling: {at: far}}
        d_load: {type: load, member: d, power_kw: 20}
        d_grid: {type: grid, member: d, import_price_per_kwh: 0.65, wheeling: {at: middle}}
        """,
        network="{nodes: {middle: {voltage_kv: 35}, low: {voltage_kv: 10}, far: {voltage_kv: 10}},"
        " lines: {b: {from: middle, to: low}, c: {from: middle, to: far}}}",
        fees='{td: {method: formula, energy_price_per_kwh: {"10": 0.1357, "35": 0.1107}}}',
        members="{g: {}, c: {}, d: {}}",
    )
    for form in ("pairs", "arcs"):
        joint = study_of(market.but(form=form)).joint()
        assert joint.costs == pytest.approx({"g": -0.3 * 30, "c": 50 * 0.025, "d": 0.0}), form


def test_the_price_of_co2_is_borne_by_who_emits() -> None:
    """Proves: at 100 a tonne and 0.5 kg/kWh the 30 kWh that d imports cost it 1.5 more, although the
    price is booked once for all. Sensitivity: the sum of the members is the cost of the plan.
    """
    market = W1.but(
        ("c_load:", "d_load: {type: load, member: d, power_kw: 30}\n    c_load:"),
        (
            "c_grid:",
            "d_grid: {type: grid, member: d, import_price_per_kwh: 0.2, co2_kg_per_kwh: 0.5,"
            " wheeling: {at: town}}\n    c_grid:",
        ),
        members="{g: {}, c: {}, d: {}}",
        sections=(("carbon", "{price_per_t: 100}"),),
    )
    study = study_of(market)
    joint = study.joint()
    assert joint.results is not None
    assert joint.costs["d"] == pytest.approx(30 * 0.2 + 30 * 0.5 * 0.1)
    assert sum(joint.costs.values()) == pytest.approx(joint.results.cost)


# ---------------------------------------------------------------------- nobody worse off


def test_payments_share_evenly_where_prices_are_free() -> None:
    """Proves: without limits on the price each gets half of 24.478, and the plan is that of joint."""
    plan = study_of(W1).joint_ir()
    assert gains(plan) == pytest.approx({"g": 12.23910204, "c": 12.23910204})
    assert "payments alone" in plan.notes[0]


def test_payments_stay_within_the_band() -> None:
    """Proves: at 0.58 a kWh sent the buyer keeps 0.019858 x 81.63 = 1.62, the seller gets the rest."""
    plan = study_of(W1, Band(0.58, 0.6)).joint_ir()
    assert plan.prices["g_grid_to_c_grid"] == pytest.approx([0.58])
    assert gains(plan)["c"] == pytest.approx(80 / 0.98 * (0.599858 - 0.58))


def test_the_plan_is_solved_again_where_no_price_suits_all() -> None:
    """Proves: at 0.55 at least the buyer gains 0.10 in the first hour and loses 0.15 in the second: of the
    100 kWh there it takes 66.67 only, so that it ends at its cost alone; that costs 3.33 more.

    Sensitivity: at 0.5 it gains 0.15 and loses 0.10, and the joint plan stays.
    """
    study = study_of(TWO_HOURS, Band(0.55))
    plan = study.joint_ir()
    assert plan.results is not None
    assert plan.results.of("g_grid_to_c_grid.sent") == pytest.approx([100, 200 / 3])
    assert gains(plan) == pytest.approx({"g": 0.25 * 500 / 3, "c": 0.0}, abs=1e-6)
    assert min(gains(plan).values()) >= -1e-6
    assert plan.results.cost - study.together.results.cost == pytest.approx(10 / 3)
    assert plan.audit is not None
    plan.audit.require()
    loose = study_of(TWO_HOURS, Band(0.5)).joint_ir()
    assert gains(loose) == pytest.approx({"g": 0.2 * 200, "c": 0.05 * 100})


def test_prices_of_a_trade_go_before_those_of_all() -> None:
    """Proves: `min_price_per_kwh` of the trade holds although the option would allow less, and a price
    that is agreed is paid exactly.
    """
    trade = "{deal: {from: g_grid, to: c_grid, min_price_per_kwh: 0.58}}"
    plan = study_of(W1.but(trades=trade), Band(0.0, 0.59)).joint_ir()
    assert plan.prices["deal"] == pytest.approx([0.58])
    fixed = W1.but(trades="{deal: {from: g_grid, to: c_grid, price_per_kwh: 0.4}}")
    plan = study_of(fixed).joint_ir()
    assert plan.payments["deal"] == pytest.approx(0.4 * 80 / 0.98)


def test_no_money_goes_round_a_band() -> None:
    """Proves: at 0.61 at least nothing suits the buyer, and nothing is traded; power sent back at a
    higher price would carry the money round the limit. Sensitivity: cost and gains are those alone.
    """
    plan = study_of(W1, Band(0.61, 0.7)).joint_ir()
    assert plan.payments == {}
    assert gains(plan) == pytest.approx({"g": 0.0, "c": 0.0}, abs=1e-9)
    assert plan.results is not None
    assert plan.results.cost == pytest.approx(22.0)


@pytest.mark.parametrize(
    ("saved", "limits", "expected"),
    [
        ({"a": -4.0, "b": 10.0}, [(-math.inf, math.inf)], [7.0]),
        ({"a": -4.0, "b": 10.0}, [(0.0, 5.0)], [5.0]),
        ({"a": -4.0, "b": 10.0}, [(0.0, 3.0)], None),
        ({"a": -4.0, "b": 3.0}, [(-math.inf, math.inf)], None),
    ],
)
def test_even_payments(
    saved: dict[str, float], limits: list[tuple[float, float]], expected: list[float] | None
) -> None:
    """Proves: equal gains where prices allow, else as near as they do, and none that would leave somebody
    worse off. Sensitivity: a limit of 3 leaves the seller at −1; a loss of all cannot be shared.
    """
    found = fair_payments(saved, [("a", "b")], limits, scale=10.0)
    assert found == (None if expected is None else pytest.approx(expected))


def test_even_payments_of_three() -> None:
    """Proves: the smallest gain first, then the next: c pays 2 at most, so a and b share the rest."""
    saved = {"a": -6.0, "b": 0.0, "c": 18.0}
    limits = [(0.0, 2.0), (0.0, 100.0)]
    found = fair_payments(saved, [("b", "c"), ("a", "c")], limits, scale=18.0)
    assert found == pytest.approx([2.0, 11.0])  # gains: 5, 2, 5
    free = [(-math.inf, math.inf)] * 2
    assert fair_payments(saved, [("b", "c"), ("a", "c")], free, scale=18.0) == pytest.approx(
        [4, 10]
    )


def test_payments_keep_to_the_middle_where_gains_leave_them_open() -> None:
    """Proves: two trades join a and b: their difference of 6 is told by the gains, the level is not. Prices
    stay as they are wanted; where these miss the 6 by 3, the larger trade bears twice as much of it.

    Sensitivity: without a wish the 6 are split; at a limit the other trade takes the rest.
    """
    saved, ends = {"a": -6.0, "b": 6.0}, [("a", "b"), ("b", "a")]
    limits = [(0.0, 100.0)] * 2
    found = fair_payments(saved, ends, limits, scale=6.0, wanted=[(10.0, 1.0), (4.0, 1.0)])
    assert found == pytest.approx([10, 4])
    found = fair_payments(saved, ends, limits, scale=6.0, wanted=[(10.0, 2.0), (7.0, 1.0)])
    assert found == pytest.approx([12, 6])
    free = [(-math.inf, math.inf)] * 2
    assert fair_payments(saved, ends, free, scale=6.0) == pytest.approx([3, -3])
    assert fair_payments(saved, ends, limits, scale=6.0) == pytest.approx([6, 0])


# ---------------------------------------------------------------------- who cannot be alone


def test_a_member_that_cannot_be_alone() -> None:
    """Proves: a load behind a mere access has no plan alone; the joint plan has one, and what it gains
    cannot be told. Sensitivity: the message names the member.
    """
    market = W1.but(
        (
            "c_grid: {type: grid, member: c, import_price_per_kwh: 0.65, wheeling: {at: town}}",
            "c_grid: {type: access, member: c, wheeling: {at: town}}",
        )
    )
    study = study_of(market)
    alone = study.standalone()
    assert alone.costs["c"] == math.inf
    assert "c: cannot be alone" in alone.notes[0]
    assert study.joint().costs["c"] == pytest.approx(80 * 0.0379)
    with pytest.raises(InputError, match=r"members\.c: cannot be alone"):
        study.joint_ir()


def test_a_loss_of_all_is_explained() -> None:
    """Proves: an agreed profile of power worth less to the buyer makes all lose, and the note says why;
    a loss that nothing explains is an error, not a number.
    """
    market = W1.but(
        ("import_price_per_kwh: 0.65", "import_price_per_kwh: 0.1"),
        trades="{deal: {from: g_grid, to: c_grid, profile_kw: 50}}",
    )
    study = study_of(market)
    joint = study.joint()
    assert sum(gains(joint).values()) == pytest.approx(-50 * 0.3 + 49 * (0.1 - 0.0379))
    assert "agreed volumes must be sent" in joint.notes[0]
    cheap = study_of(W1)
    cheap.__dict__["alone"] = {
        member: replace(one, cost=-100.0) for member, one in cheap.alone.items()
    }
    with pytest.raises(AuditError, match="no rule of the group explains it"):
        cheap.joint()


def test_a_plan_that_was_stopped_is_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: what Ctrl-C leaves of a plan is no basis for gains."""
    real = run_model

    def stopped(*args: object, **words: object) -> Solved:
        held = real(*args, **words)  # type: ignore[arg-type]
        run = replace(held.results.run, status="interrupted")
        return replace(held, results=replace(held.results, run=run))

    monkeypatch.setattr(modes_module, "run_model", stopped)
    with pytest.raises(NoPlanError, match="stopped before its optimum"):
        study_of(W1).joint()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (park("grid: {type: grid, import_price_per_kwh: 1}"), "has no `trading`"),
        (W1.text, "no mode 'both'"),
    ],
)
def test_what_cannot_be_studied(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Study(problem_of(text), EXACT).run(["both"])


# ---------------------------------------------------------------------- on random parks

prices = st.integers(10, 90).map(lambda cents: cents / 100)
powers = st.integers(0, 12).map(float)


@st.composite
def linear_markets(draw: st.DrawFn) -> Market:
    """Three owners of PV, load and a store, whose limits all belong to somebody."""
    members = ("a", "b", "c")
    assets = []
    for name in members:
        buys = draw(prices)
        sells = draw(st.sampled_from([0.02, 0.05, 0.09]))
        hourly = [draw(st.integers(0, 4)) / 4 for _ in range(3)]
        assets += [
            f"{name}_load: {{type: load, member: {name}, power_kw: {draw(powers)}}}",
            f"{name}_pv: {{type: pv, member: {name}, power_kw: {{existing_kw: {draw(powers)}}}, "
            f"output_per_kw: {{hourly: {[*hourly, *[0] * 21]}}}}}",
            f"{name}_grid: {{type: grid, member: {name}, import_price_per_kwh: {buys}, "
            f"export_price_per_kwh: {sells}, wheeling: {{at: town, single_meter: never}}}}",
        ]
    return Market(
        "\n".join(assets),
        fees=f"{{fee: {{method: value, price_per_kwh: {draw(st.sampled_from([0, 0.02, 0.1]))}}}}}",
        rules=f"{{loss_fraction: {draw(st.sampled_from([0, 0.05]))}}}",
        form="auto",
        members="{a: {}, b: {}, c: {}}",
        hours=3,
    )


@settings(max_examples=12, deadline=None)
@given(linear_markets())
def test_promises_of_the_modes_on_linear_parks(market: Market) -> None:
    """Proves: together never costs more than alone; joint_ir leaves nobody worse off; what is paid is
    received; at clearing prices nobody of a linear park is worse off; Owen's shares add up and lie in
    the core.
    """
    study = study_of(market)
    joint, fair, cleared = study.joint(), study.joint_ir(), study.clearing()
    assert sum(gains(joint).values()) >= -1e-6
    assert min(gains(fair).values()) >= -1e-6
    for plan in (fair, cleared):
        assert sum(gains(plan).values()) == pytest.approx(sum(gains(joint).values()), abs=1e-6)
    assert min(gains(cleared).values()) >= -1e-6
    shares = share(study, ["owen", "shapley"]).by_rule["owen"].allocation
    assert isinstance(shares, allocation.Allocation)
    assert abs(shares.residual) < 1e-6
    assert shares.excess.proven
    assert shares.excess.amount <= 1e-6
