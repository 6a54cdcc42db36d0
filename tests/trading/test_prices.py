"""Prices from duals, bands of reservation, rents of limits, uplift: by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from microgrid_opt.trading.modes import Study, gains
from tests.support import EXACT, problem_of
from tests.trading.markets import Market

if TYPE_CHECKING:
    from microgrid_opt.trading.prices import Cleared

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
DEAL = "g_grid_to_c_grid"
TOP = 0.98 * (0.65 - 0.0379)
BOTH = pytest.mark.parametrize("form", ["pairs", "arcs"])


def cleared(market: Market) -> Cleared:
    plan = Study(problem_of(market.text), EXACT).clearing()
    assert plan.audit is not None
    plan.audit.require()
    return plan


@BOTH
@pytest.mark.parametrize(
    ("made", "price", "low", "high"),
    [(100, 0.3, 0.3, 0.3), (50, TOP, TOP, TOP), (80 / 0.98, None, 0.3, TOP)],
)
def test_the_long_side_gets_its_worst_price(
    form: str, made: float, price: float | None, low: float, high: float
) -> None:
    """Proves: with power to spare the price is what an export earns, with too little what an import costs
    less fee and loss; where both just meet, any price in between clears, and the range says so.

    Sensitivity: the band of both alone is [0.3, 0.599858] in all cases.
    """
    market = W1.but(("power_kw: 100", f"power_kw: {made}"), form=form)
    plan = cleared(market)
    one = plan.by_trade[DEAL]
    assert one.reservation_low == pytest.approx([0.3])
    assert one.reservation_high == pytest.approx([TOP])
    assert one.low == pytest.approx([low])
    assert one.high == pytest.approx([high])
    if price is not None:
        assert one.clearing == pytest.approx([price])
        assert plan.payments[DEAL] == pytest.approx(price * min(made, 80 / 0.98))
        assert plan.notes == ()
    else:
        assert "the price is not unique in 1 of 1 steps" in plan.notes[0]
    assert plan.rents == {}


def test_a_fee_of_the_seller_is_in_its_price() -> None:
    """Proves: paid by the seller, the fee raises what it asks by 0.98 x 0.0379 for each kWh sent, and the
    band moves with it. Sensitivity: its gain is still nothing: it is long.
    """
    fees = "{wheeling: {method: value, price_per_kwh: 0.0379, paid_by: seller}}"
    plan = cleared(W1.but(fees=fees))
    asked = 0.3 + 0.98 * 0.0379
    assert plan.by_trade[DEAL].clearing == pytest.approx([asked])
    assert plan.by_trade[DEAL].reservation_low == pytest.approx([asked])
    assert plan.by_trade[DEAL].reservation_high == pytest.approx([0.98 * 0.65])
    assert gains(plan)["g"] == pytest.approx(0)


@pytest.mark.parametrize(("bearer", "share"), [("buyer", 1.0), ("seller", 0.98), ("split", 0.99)])
def test_the_price_is_told_of_what_is_paid_for(bearer: str, share: float) -> None:
    """Proves: 0.3 for each kWh sent is 0.3 / 0.98 for each delivered, where that is paid for; the payment
    is the same.
    """
    plan = cleared(W1.but(rules=f"{{loss_fraction: 2 %, loss_bearer: {bearer}}}"))
    assert plan.prices[DEAL] == pytest.approx([0.3 / share])
    assert plan.payments[DEAL] == pytest.approx(0.3 * 80 / 0.98)


def test_a_peak_is_no_part_of_a_price() -> None:
    """Proves: 39 a kW of peak are due for wheeled power as for any other: the seller, being short, gets
    the price of energy, 0.65, and not the 39.65 that one kWh less of load would save.
    """
    market = W1.but(
        ("power_kw: 100", "power_kw: 50"),
        ("import_price_per_kwh: 0.65", "import_price_per_kwh: 0.65, peak_price_per_kw_month: 39"),
        fees="{}",
        rules="{}",
    )
    one = cleared(market).by_trade[DEAL]
    assert one.reservation_high == pytest.approx([0.65])
    assert one.clearing == pytest.approx([0.65])


def test_retained_charges_and_co2_are_in_the_band() -> None:
    """Proves: what stays due lowers the top of the band by 0.127, a CO2 price of 100 a tonne at 0.5 kg/kWh
    lifts it by 0.05.
    """
    market = W1.but(
        (
            "import_price_per_kwh: 0.65",
            "import_price_per_kwh: 0.65, retained_price_per_kwh: 0.127, co2_kg_per_kwh: 0.5",
        ),
        fees="{}",
        rules="{}",
        sections=(("carbon", "{price_per_t: 100}"),),
    )
    assert cleared(market).by_trade[DEAL].reservation_high == pytest.approx([0.65 - 0.127 + 0.05])


# ---------------------------------------------------------------------- limits

LINE = "{{nodes: {{east: {{}}, west: {{}}}}, lines: {{l: {{from: east, to: west, capacity_kw: 50{more}}}}}}}"
ACROSS = W1.but(
    ("0.3, wheeling: {at: town}", "0.3, wheeling: {at: east}"),
    ("0.65, wheeling: {at: town}", "0.65, wheeling: {at: west}"),
    fees="{}",
    rules="{}",
)


@BOTH
def test_the_rent_of_a_line_belongs_to_its_owner(form: str) -> None:
    """Proves: a full line of 50 kW parts 0.3 from 0.65, and its limit is worth 50 x 0.35 = 17.5 to its
    owner: the network, or the member that has it.
    """
    plan = cleared(ACROSS.but(network=LINE.format(more=""), form=form))
    assert plan.by_trade[DEAL].clearing == pytest.approx([0.3])
    assert plan.by_trade[DEAL].worth == pytest.approx([0.65])
    assert plan.rents == pytest.approx({"l": 17.5})
    assert plan.owners == {"l": "network"}
    owned = cleared(ACROSS.but(network=LINE.format(more=", owner: c"), form=form))
    assert owned.rents == pytest.approx({"l": 17.5})
    assert owned.owners == {"l": "c"}
    assert "it belongs to c" in " ".join(owned.notes)


def test_the_rent_of_a_contract_belongs_to_its_sides() -> None:
    """Proves: `max_kw` of the trade itself is worth the same, and belongs to both."""
    trades = "{deal: {from: g_grid, to: c_grid, max_kw: 50}}"
    plan = cleared(W1.but(trades=trades, fees="{}", rules="{}"))
    assert plan.rents == pytest.approx({"deal": 17.5})
    assert plan.owners == {"deal": "g and c"}


def test_a_band_over_a_window_ends_at_its_best_hour() -> None:
    """Proves: what is sent at any hour of the day may be delivered when an import costs most."""
    market = W1.but(
        (
            "import_price_per_kwh: 0.65",
            f"import_price_per_kwh: {{hourly: [0.65, 0.9, {', '.join(['0.2'] * 22)}]}}",
        ),
        hours=24,
        fees="{}",
        rules="{window: day}",
    )
    one = cleared(market).by_trade[DEAL]
    assert one.reservation_high == pytest.approx(np.full(24, 0.9))
    assert np.isnan(one.worth).all()


# ---------------------------------------------------------------------- whole numbers

UNIT = Market(
    "\n".join(
        f"""
    {m}_load: {{type: load, member: {m}, power_kw: 14}}
    {m}_grid: {{type: grid, member: {m}, import_price_per_kwh: 1, connection_kw: 100, wheeling: {{at: town}}}}
    {m}_unit: {{type: pv, member: {m}, output_per_kw: 1, power_kw: {{max_kw: MAX, unit_kw: 45, annual_cost_per_kw: COST}}}}
    """
        for m in "abc"
    )
    .replace("MAX", "45")
    .replace("COST", repr(30 / 45)),
    members="{a: {}, b: {}, c: {}}",
)


def test_uplift_of_a_unit_that_nobody_pays_for() -> None:
    """Proves: one unit of 45 kW for 30 serves all three loads of 14: they save 42. More than enough power
    is worth nothing at the margin, so the owner pays 30, saves its own 14 and lacks 16.

    Sensitivity: in the joint plan all gain 12 together.
    """
    plan = cleared(UNIT)
    assert sum(gains(plan).values()) == pytest.approx(12)
    for one in plan.by_trade.values():
        assert one.clearing == pytest.approx([0.0], abs=1e-9)
    assert list(plan.uplift.values()) == pytest.approx([16.0])
    assert "uplift needed" in " ".join(plan.notes)


def test_no_uplift_where_the_price_pays_for_the_unit() -> None:
    """Proves: with loads of 20 the unit is short, the price is that of an import, and the owner gains all;
    the note says that prices hold for the whole numbers as they are.
    """
    plan = cleared(UNIT.but(("power_kw: 14", "power_kw: 20")))
    assert sorted(gains(plan).values()) == pytest.approx([0, 0, 15], abs=1e-9)
    assert plan.uplift == {}
    assert "no uplift is needed" in plan.notes[-1]
