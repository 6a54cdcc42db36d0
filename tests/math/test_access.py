"""Access: a meter without a supplier."""

from __future__ import annotations

import pytest

from tests.support import planned, solved
from tests.trading.markets import Market

MINE = Market(
    """
    sun: {type: pv, member: g, power_kw: 50, output_per_kw: 1}
    gate: {type: access, member: g, power_kw: 30, wheeling: {at: town}}
    c_load: {type: load, member: c, power_kw: 40}
    c_grid: {type: grid, member: c, import_price_per_kwh: 0.5, wheeling: {at: town}}
    """,
    hours=2,
    fees="{wire: {method: value, price_per_kwh: 0.1}}",
)


def test_access_is_the_capacity_of_what_is_sent() -> None:
    """Proves: 30 of 50 kW leave through the connection, the rest is cut: 2 h × 30 × (0.5 − 0.1) saved.

    Sensitivity: 5 kW more save 2 × 5 × 0.4.
    """
    results = solved(MINE.text)
    assert results.of("gate.wheeled_out") == pytest.approx([30, 30])
    assert MINE.gain == pytest.approx(24)
    assert MINE.but(("power_kw: 30", "power_kw: 35")).gain == pytest.approx(28)


def test_limits_of_both_ways() -> None:
    """Proves: `max_out_kw` and `max_in_kw` bind before the capacity. Sensitivity: the tighter of both."""
    out = MINE.but(("30, wheeling: {at: town}", "30, wheeling: {at: town, max_out_kw: 25}"))
    assert out.gain == pytest.approx(20)
    into = MINE.but(("0.5, wheeling: {at: town}", "0.5, wheeling: {at: town, max_in_kw: 15}"))
    assert into.gain == pytest.approx(12)


def test_access_is_sized() -> None:
    """Proves: a kW costs 0.5 and saves 2 × 0.4: 40 kW, what the load takes; at 0.9 none is built.

    Sensitivity: the cost of a kW on either side of 0.8.
    """
    sized = MINE.but(("power_kw: 30", "power_kw: {max_kw: 45, annual_cost_per_kw: 0.5}"))
    results = solved(sized.text)
    assert results.size("gate") == pytest.approx(40)
    assert solved(sized.but(("kw: 0.5}", "kw: 0.9}")).text).size("gate") == pytest.approx(0)


def test_a_user_without_supplier_lives_on_trades() -> None:
    """Proves: 20 of 25 kW come by wire, through 20 kW of connection, 5 are unserved at 3.

    Sensitivity: steps of 1 and 0.5 hours count by their length.
    """
    text = MINE.but(
        (
            "c_load: {type: load, member: c, power_kw: 40}",
            "c_load: {type: load, member: c, power_kw: 25, unserved_price_per_kwh: 3}",
        ),
        (
            "c_grid: {type: grid, member: c, import_price_per_kwh: 0.5, wheeling: {at: town}}",
            "c_gate: {type: access, member: c, power_kw: 20, wheeling: {at: town}}",
        ),
        sections=(("horizon", "{start: 2025-03-03, steps_hours: [1, 0.5]}"),),
    )
    results = solved(text.text)
    assert results.of("c_gate.wheeled_in") == pytest.approx([20, 20])
    assert results.cost == pytest.approx(1.5 * (20 * 0.1 + 5 * 3))


def test_without_trading_nothing_is_behind_it() -> None:
    """Proves: the reference plan has no trade, and buys all. Sensitivity: the plan buys less."""
    plan = planned(MINE.text)
    assert plan.reference is not None
    assert plan.reference.cost == pytest.approx(2 * 40 * 0.5)
    assert plan.results.cost == pytest.approx(40 - 24)
