"""Rules of trades: windows, contracts, who may trade with whom, limits of lines and generators."""

from __future__ import annotations

import pytest

from microgrid_opt.trading.pairs import pairs_of
from tests.support import bill, problem_of, solve_text, solved
from tests.trading.markets import FEEDERS, Market


def hours(*values: float, at: int = 0) -> str:
    """Return a day with these values from one hour on, and zero else."""
    full = [0.0] * at + [float(value) for value in values]
    return f"{{hourly: {[*full, *[0.0] * (24 - len(full))]}}}"


# The sun shines in the first hour of the horizon, the load comes in a later one.
LATER = """
g_pv: {type: must_run, member: g, power_kw: 1, output_per_kw: SUN}
g_grid: {type: grid, member: g, export_price_per_kwh: 0, wheeling: {at: town}}
c_load: {type: load, member: c, power_kw: LOAD}
c_grid: {type: grid, member: c, import_price_per_kwh: 1, wheeling: {at: town}}
"""
SHIFTED = Market(LATER).but(("SUN", hours(10)), ("LOAD", hours(10, at=2)), hours=3)


@pytest.mark.parametrize(
    ("window", "gain"), [("hour", 0), ("period", 0), ("day", 10), ("month", 10), ("year", 10)]
)
def test_windows_within_a_day(window: str, gain: float) -> None:
    """Proves: 10 kWh of hour 0 serve hour 2 where both lie in one window; a price period ends after
    hour 1. Sensitivity: the load one hour earlier is in the same period.
    """
    calendar = "{periods: {a: 1, b: 2}, calendar: [{hours: 0-2, period: a}], otherwise: b}"
    market = SHIFTED.but(rules=f"{{window: {window}, periods: {calendar}}}")
    assert market.gain == pytest.approx(gain)
    if window == "period":
        near = Market(LATER, hours=3, rules=market.rules)
        near = near.but(("SUN", hours(10)), ("LOAD", hours(10, at=1)))
        assert near.gain == pytest.approx(10)


@pytest.mark.parametrize(
    ("start", "window", "gain"),
    [
        ("2025-03-03T23:00", "day", 0),
        ("2025-03-03T23:00", "month", 10),
        ("2025-03-31T23:00", "month", 0),
        ("2025-03-31T23:00", "year", 10),
        ("2025-12-31T23:00", "year", 0),
    ],
)
def test_windows_end_at_midnight_of_local_time(start: str, window: str, gain: float) -> None:
    """Proves: what is sent in the last hour of a day, month or year does not serve the next.

    Sensitivity: the next longer window lets it.
    """
    market = Market(LATER).but(
        ("SUN", hours(10, at=23)),
        ("LOAD", hours(10)),
        rules=f"{{window: {window}}}",
        sections=(("horizon", f"{{start: {start}, hours: 2}}"),),
    )
    assert market.gain == pytest.approx(gain)


def test_what_is_not_sent_cannot_be_received() -> None:
    """Proves: 6 kWh sent in hour 0, 3 in hour 4: 9 of the 12 needed in hours 2 and 3 are received;
    a window also lends what is sent later. Sensitivity: 1 kWh more is received.
    """
    market = Market(LATER, hours=5, rules="{window: day}").but(
        ("SUN", hours(6, 0, 0, 0, 3)), ("LOAD", hours(7, 5, at=2))
    )
    results = solved(market.text)
    assert results.of("g_grid_to_c_grid.sent").sum() == pytest.approx(9)
    assert results.of("g_grid_to_c_grid.received").sum() == pytest.approx(9)
    assert market.gain == pytest.approx(9)
    assert market.but(("[6.0,", "[7.0,")).gain == pytest.approx(10)


def test_banking_has_its_loss_and_its_fee() -> None:
    """Proves: 4 kWh are used at once, free of both; of 6 that wait a fifth of what is taken out is kept:
    5 come back, at 0.1 each. Gain 4 + 5 − 0.5.

    Sensitivity: without the loss 6 − 0.6 more.
    """
    market = Market(
        LATER, hours=3, rules="{window: day, bank_loss_fraction: 0.2, bank_fee_per_kwh: 0.1}"
    ).but(("SUN", hours(10)), ("LOAD", hours(4, 0, 9)))
    results = solved(market.text)
    assert results.of("g_grid_to_c_grid.banked") == pytest.approx([0, 0, 5])
    assert bill(results, "g_grid_to_c_grid", "bank_fee") == pytest.approx(0.5)
    assert market.gain == pytest.approx(4 + 5 - 0.5)
    free = market.but(rules="{window: day, bank_fee_per_kwh: 0.1}")
    assert free.gain == pytest.approx(4 + 6 - 0.6)


def test_losses_come_before_the_bank() -> None:
    """Proves: of 10 sent 8 arrive; steps of 0.5 and 2 hours are counted as energy: 4 kWh, 2 kW for 2 h.

    Sensitivity: equal steps would receive 8 kW.
    """
    market = Market(LATER, rules="{window: day, loss_fraction: 0.2}").but(
        ("SUN", hours(10)),
        ("LOAD", "{hourly: [0, 9, 9, 9, 9, 9, " + "9, " * 17 + "9]}"),
        sections=(("horizon", "{start: 2025-03-03, steps_hours: [0.5, 0.5, 2]}"),),
    )
    results = solved(market.text)
    received = results.of("g_grid_to_c_grid.received")
    assert received @ [0.5, 0.5, 2] == pytest.approx(8)  # both half hours of sun are 10 kW
    assert market.gain == pytest.approx(8)


def test_weights_count_a_day_as_often_as_it_stands() -> None:
    """Proves: a day with weight 3 saves three times as much. Sensitivity: weight 1 saves 10."""
    market = SHIFTED.but(
        rules="{window: day}", sections=(("horizon", "{start: 2025-03-03, hours: 3, weight: 3}"),)
    )
    assert market.gain == pytest.approx(30)


# ------------------------------------------------------------------------------- contracts

PLANT = Market(
    """
    g_pv: {type: must_run, member: g, power_kw: 100, output_per_kw: 1}
    g_grid: {type: grid, member: g, export_price_per_kwh: 0.3, wheeling: {at: town}}
    c_load: {type: load, member: c, power_kw: 80}
    c_grid: {type: grid, member: c, import_price_per_kwh: PRICE, connection_kw: 500, wheeling: {at: town}}
    """,
    hours=2,
)
WORTH, DEAR = PLANT.but(("PRICE", "0.5")), PLANT.but(("PRICE", "0.2"))


def contract(**terms: object) -> str:
    inner = ", ".join(f"{key}: {value}" for key, value in terms.items())
    return f"{{ppa: {{from: g_grid, to: c_grid, {inner}}}}}"


def test_a_profile_is_sent_whatever_it_is_worth() -> None:
    """Proves: 50 and 20 kW are sent where nothing would be: a loss of 70 × 0.1; another meter pair does
    not step in. Sensitivity: a free contract sends nothing.
    """
    shape = "{hourly: [50, 20, " + "0, " * 21 + "0]}"
    market = DEAR.but(
        ("0.3, wheeling", "0.3, connection_kw: 500, wheeling"), trades=contract(profile_kw=shape)
    )
    results = solved(market.text)
    assert results.of("ppa.sent") == pytest.approx([50, 20])
    assert market.gain == pytest.approx(-7)
    assert DEAR.but(trades=contract(price_per_kwh=0.4)).gain == pytest.approx(0)


def test_least_and_most_energy_and_power() -> None:
    """Proves: of 160 kWh that pay, 90 kWh a contract of 90 × 4380 a year allows in 2 h; 30 kW allow
    60; 40 × 4380 a year must be sent at a loss of 0.1 each.

    Sensitivity: the shadow price of the most energy is the spread of 0.2.
    """
    most = WORTH.but(trades=contract(max_kwh_year=90 * 4380))
    results = solved(most.text)
    assert results.of("ppa.sent").sum() == pytest.approx(90)
    (row,) = results.caps.to_dict("records")
    assert row["name"] == "ppa.most_energy"
    assert abs(row["shadow_price"]) == pytest.approx(0.2)
    assert WORTH.but(trades=contract(max_kw=30)).gain == pytest.approx(60 * 0.2)
    least = DEAR.but(
        ("0.3, wheeling", "0.3, connection_kw: 500, wheeling"),
        trades=contract(min_kwh_year=40 * 4380),
    )
    assert solved(least.text).of("ppa.sent").sum() == pytest.approx(40)
    assert least.gain == pytest.approx(-4)


def test_a_contract_has_its_own_loss_and_window() -> None:
    """Proves: the rules' loss of 50 % and window of an hour hold for other trades only.

    Sensitivity: under the rules' loss nothing is worth sending.
    """
    market = SHIFTED.but(
        rules="{loss_fraction: 0.5}", trades=contract(loss_fraction=0, window="day")
    )
    assert market.gain == pytest.approx(10)
    assert market.but(trades=contract(loss_fraction=0)).gain == pytest.approx(0)


# ------------------------------------------------------------------------------- who may trade

THREE = Market(
    """
    g_pv: {type: must_run, member: g, power_kw: 100, output_per_kw: 1}
    g_grid: {type: grid, member: g, export_price_per_kwh: 0.1, wheeling: {at: north}}
    c_load: {type: load, member: c, power_kw: 30}
    c_grid: {type: grid, member: c, import_price_per_kwh: 0.5, wheeling: {at: north}}
    d_load: {type: load, member: d, power_kw: 20}
    d_grid: {type: grid, member: d, import_price_per_kwh: 0.6, wheeling: {at: south}}
    """,
    network="{nodes: {north: {area: one}, south: {area: two}}, lines: {l: {from: north, to: south}}}",
    members="{g: {}, c: {}, d: {}}",
)


@pytest.mark.parametrize(
    ("rules", "gain", "pairs"),
    [
        ("{}", 30 * 0.4 + 20 * 0.5, 6),
        ("{within: area}", 30 * 0.4, 2),
        ("{buyers: [d_grid]}", 20 * 0.5, 2),
        ("{sellers: [c_grid, d_grid]}", 0, 4),
        ("{sellers: [g_grid, g_grid], buyers: [c_grid, d_grid]}", 22, 2),
        ("{pairs: listed}", 0, 0),
    ],
)
def test_who_may_trade(rules: str, gain: float, pairs: int) -> None:
    """Proves: areas, sellers, buyers and lists leave exactly these pairs.

    Sensitivity: each gain is that of the users that are still reached.
    """
    market = THREE.but(rules=rules)
    assert len(pairs_of(problem_of(market.text))) == pairs
    assert market.gain == pytest.approx(gain)


@pytest.mark.parametrize("rules", ["{buyers: [d_grid]}", "{sellers: [c_grid, d_grid]}"])
def test_sellers_and_buyers_in_arc_form(rules: str) -> None:
    """Proves: flows keep to the lists as pairs do. Sensitivity: without the list the gain is 22."""
    market = THREE.but(rules=rules)
    assert market.but(form="arcs").gain == pytest.approx(market.gain)
    assert THREE.but(form="arcs").gain == pytest.approx(22)


def test_two_nodes_without_a_line_do_not_trade() -> None:
    """Proves: an island is left alone. Sensitivity: with the line d saves 10."""
    market = THREE.but(network="{nodes: {north: {area: one}, south: {area: two}}}")
    assert market.gain == pytest.approx(30 * 0.4)


# ------------------------------------------------------------------------------- limits


@pytest.mark.parametrize("form", ["pairs", "arcs"])
def test_line_carries_its_capacity_of_trades(form: str) -> None:
    """Proves: 12 of 20 kW pass a line of 12 kW. Sensitivity: 1 kW more gains 0.5."""
    network = THREE.network.replace("to: south}", "to: south, capacity_kw: 12}")
    market = THREE.but(network=network, form=form)
    assert market.gain == pytest.approx(30 * 0.4 + 12 * 0.5)
    wider = market.but(network=network.replace("12}", "13}"))
    assert wider.gain - market.gain == pytest.approx(0.5)


@pytest.mark.parametrize("form", ["pairs", "arcs"])
def test_the_rules_loss_comes_before_the_lines(form: str) -> None:
    """Proves: of 15 kW sent a fifth is lost, and 12 pass a line of 12 kW; fees by voltage are for what is
    delivered. Sensitivity: a loss at the end of the way would let 9.6 arrive.
    """
    network = THREE.network.replace("to: south}", "to: south, capacity_kw: 12}")
    network = network.replace("area: one", "voltage_kv: 35").replace("area: two", "voltage_kv: 10")
    fees = '{td: {method: formula, energy_price_per_kwh: {"10": 0.12, "35": 0.1}}}'
    rules = "{loss_fraction: 0.2, buyers: [d_grid]}"
    market = THREE.but(network=network, form=form, rules=rules, fees=fees)
    assert solved(market.text).of("g_grid.wheeled_out") == pytest.approx([15])
    assert market.gain == pytest.approx(12 * (0.6 - 0.02) - 15 * 0.1)


@pytest.mark.parametrize("form", ["pairs", "arcs"])
def test_trades_both_ways_net_on_a_line(form: str) -> None:
    """Proves: 20 kW southwards and 20 northwards pass a line of 1 kW, for it carries nothing.

    Sensitivity: with 18 northwards 19 go south.
    """
    text = """
    g_pv: {type: must_run, member: g, power_kw: 20, output_per_kw: 1}
    g_grid: {type: grid, member: g, export_price_per_kwh: 0.1, wheeling: {at: north}}
    c_load: {type: load, member: c, power_kw: 20}
    c_grid: {type: grid, member: c, import_price_per_kwh: 0.5, wheeling: {at: south}}
    e_pv: {type: must_run, member: e, power_kw: SUN, output_per_kw: 1}
    e_grid: {type: grid, member: e, export_price_per_kwh: 0.1, wheeling: {at: south}}
    f_load: {type: load, member: f, power_kw: 20}
    f_grid: {type: grid, member: f, import_price_per_kwh: 0.5, wheeling: {at: north}}
    """
    rules = "{sellers: [g_grid, e_grid], buyers: [c_grid, f_grid]}"
    network = (
        "{nodes: {north: {}, south: {}}, lines: {l: {from: north, to: south, capacity_kw: 1}}}"
    )
    market = Market(
        text, network=network, rules=rules, form=form, members="{g: {}, c: {}, e: {}, f: {}}"
    )
    full = market.but(("SUN", "20"))
    assert full.gain == pytest.approx(40 * 0.4)
    assert market.but(("SUN", "0")).gain == pytest.approx(
        20 * 0.4
    )  # each at home, whatever the line


def test_capacity_of_all_power_with_a_supply_node() -> None:
    """Proves: behind a line of 40 kW the load of 50 takes 40, by whatever contract, and 10 are unserved;
    a neighbour behind the same line relieves it, one before it does not.

    Sensitivity: a capacity of trades alone would let 50 in.
    """
    market = Market(
        """
        g_pv: {type: must_run, member: g, power_kw: 30, output_per_kw: 1}
        g_grid: {type: grid, member: g, export_price_per_kwh: 0.1, connection_kw: 100, wheeling: {at: WHERE}}
        c_load: {type: load, member: c, power_kw: 50, unserved_price_per_kwh: 9}
        c_grid: {type: grid, member: c, import_price_per_kwh: 0.5, connection_kw: 100, wheeling: {at: feeder}}
        """,
        network="{nodes: {station: {}, feeder: {}}, lines: {l: {from: station, to: feeder, capacity_kw: 40}}, supply_node: station}",
    )
    before, behind = market.but(("WHERE", "station")), market.but(("WHERE", "feeder"))
    assert solved(before.text).of("c_grid.withdrawal") == pytest.approx([40])
    assert before.cost == pytest.approx(10 * 9 + 10 * 0.5)
    assert solved(behind.text).of("c_grid.withdrawal") == pytest.approx([50])
    assert behind.cost == pytest.approx(20 * 0.5)
    trades = before.but(network=before.network.replace(", supply_node: station", ""))
    assert trades.cost == pytest.approx(20 * 0.5)
    assert before.but(form="arcs").cost == pytest.approx(before.cost)


@pytest.mark.parametrize(("where", "size"), [("low", 20), ("middle", 20), ("high", 50)])
def test_largest_generator_by_voltage(where: str, size: float) -> None:
    """Proves: up to 35 kV 20 MW may sell, at 110 kV 50 MW; the cap's row tells its price.

    Sensitivity: without the rule 60 MW are built.
    """
    limits = "[{up_to_kv: 35, max_kw: 20 MW}, {up_to_kv: 110, max_kw: 50 MW}]"
    market = Market(
        f"""
        g_pv: {{type: pv, member: g, power_kw: {{max_kw: 60 MW, annual_cost_per_kw: 0.1}}, output_per_kw: 1}}
        g_grid: {{type: grid, member: g, export_price_per_kwh: 0.2, wheeling: {{at: {where}}}}}
        c_load: {{type: load, member: c, power_kw: 30 MW}}
        c_grid: {{type: grid, member: c, import_price_per_kwh: 0.6, wheeling: {{at: far}}}}
        """,
        network=FEEDERS,
        rules=f"{{max_generation: {limits}, sellers: [g_grid]}}",
    )
    results = solved(market.text)
    assert results.size("g_pv") == pytest.approx(1000 * size)
    (row,) = results.caps.to_dict("records")
    assert (row["name"], row["limit"]) == ("g_grid.generation_that_may_sell", 1000 * size)
    assert solved(market.but(rules="{sellers: [g_grid]}").text).size("g_pv") == pytest.approx(
        60_000
    )


def test_capacity_with_banking_needs_a_supply_node() -> None:
    """Proves: a line of trades cannot be limited where trades wait. Sensitivity: without it it solves."""
    network = THREE.network.replace("to: south}", "to: south, capacity_kw: 12}")
    market = THREE.but(network=network, rules="{window: day}")
    from microgrid_opt.errors import InputError

    with pytest.raises(InputError, match="received in other hours than it is sent"):
        solve_text(market.text)
    assert THREE.but(rules="{window: day}").gain == pytest.approx(22)
