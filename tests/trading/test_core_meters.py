"""Meters that trade: one way at a time, where power comes from, private networks, stages, time."""

from __future__ import annotations

import numpy as np
import pytest

from microgrid_opt import study
from microgrid_opt.errors import InputError
from tests.pathways import pathway
from tests.support import EXACT, bill, day, park, problem_of, solve_text, solved
from tests.trading.markets import Market
from tests.trading.test_core_rules import WORTH, contract

# -------------------------------------------------------------------------- one way at a time

SIZED = Market(
    """
    g_pv: {type: pv, member: g, power_kw: 100, output_per_kw: 1}
    g_load: {type: load, member: g, power_kw: 60}
    g_grid: {type: grid, member: g, import_price_per_kwh: 0.4, connection_kw: {max_kw: 90, annual_cost_per_kw: 0.01}, wheeling: {at: town, METER}}
    c_load: {type: load, member: c, power_kw: 100}
    c_grid: {type: grid, member: c, import_price_per_kwh: 0.5, wheeling: {at: town}}
    """
)


@pytest.mark.parametrize("meter", ["auto", "always"])
def test_a_meter_whose_connection_is_sized(meter: str) -> None:
    """Proves: the own load takes 60, 40 are sold over a connection of 40 kW: 20 − 0.4 saved, though the
    bound of the binary is 90. Sensitivity: meters apart build 90 kW, sell 90 and buy 50.
    """
    market = SIZED.but(("METER", f"single_meter: {meter}"))
    assert solved(market.text).size("g_grid") == pytest.approx(40)
    assert market.gain == pytest.approx(40 * 0.5 - 0.4)
    apart = market.but((f"single_meter: {meter}", "single_meter: never"))
    assert solved(apart.text).size("g_grid") == pytest.approx(90)
    assert apart.gain == pytest.approx(90 * 0.5 - 50 * 0.4 - 0.9)


def test_always_excludes_both_where_it_does_not_pay_too() -> None:
    """Proves: a contract of 20 kW that c must take, while c exports 30: both at once by `never`, but with
    one meter c gives only what is left, here 10 kW.

    Sensitivity: the export of the other 20 kW is worth 20 × 0.1.
    """
    market = Market(
        """
        g_pv: {type: must_run, member: g, power_kw: 20, output_per_kw: 1}
        g_grid: {type: grid, member: g, connection_kw: 20, export_price_per_kwh: 0, wheeling: {at: town}}
        c_pv: {type: pv, member: c, power_kw: 30, output_per_kw: 1}
        c_load: {type: flexible_or_not, member: c, power_kw: 20}
        c_grid: {type: grid, member: c, import_price_per_kwh: 1, export_price_per_kwh: 0.1, connection_kw: 50, wheeling: {at: town, METER}}
        """.replace("flexible_or_not", "load"),
        trades=contract(profile_kw=20),
        rules="{pairs: listed}",
    )
    one = market.but(("METER", "single_meter: auto"))
    results = solved(one.text)
    assert min(results.of("c_grid.withdrawal")[0], results.of("c_grid.injection")[0]) == 0
    # It takes 20, covers its load with them, and cuts its own 30.
    assert results.of("c_grid.export") == pytest.approx([0])
    both = market.but(("METER", "single_meter: never"))
    assert solved(both.text).of("c_grid.export") == pytest.approx([30])
    assert one.cost - both.cost == pytest.approx(3)


def test_relay_through_a_meter_is_no_way_round_a_list() -> None:
    """Proves: g may sell to c and c to d only; c has 5 kW of its own, which d gets, and no relay.

    Sensitivity: meters apart pass 30 kW on: 25 × 0.5 more.
    """
    market = Market(
        """
        g_pv: {type: pv, member: g, power_kw: 100, output_per_kw: 1}
        gate: {type: access, member: g, wheeling: {at: town}}
        c_pv: {type: pv, member: c, power_kw: 5, output_per_kw: 1}
        c_load: {type: load, member: c, power_kw: {hourly: [0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]}}
        c_grid: {type: grid, member: c, import_price_per_kwh: 0.9, connection_kw: 90, wheeling: {at: town, METER}}
        d_load: {type: load, member: d, power_kw: 30}
        d_grid: {type: grid, member: d, import_price_per_kwh: 0.5, wheeling: {at: town}}
        """,
        members="{g: {}, c: {}, d: {}}",
        trades="{one: {from: gate, to: c_grid}, two: {from: c_grid, to: d_grid}}",
        rules="{pairs: listed}",
        hours=2,
    )
    one = market.but(("METER", "single_meter: auto"))
    # Hour 0: 5 kW to d. Hour 1: c lacks 3, or takes all it needs and sends nothing.
    assert one.gain == pytest.approx(5 * 0.5 + 3 * 0.9)
    results = solved(one.text)
    assert results.of("two.sent") == pytest.approx([5, 0])
    both = market.but(("METER", "single_meter: never"))
    assert both.gain == pytest.approx(30 * 0.5 + 30 * 0.5 + 3 * 0.9)


def test_selling_what_another_sent_is_found_without_a_supplier_price() -> None:
    """Proves: c's export of 0.2 is not open to g, whose surplus it would be; c sells its own 5 only.

    Sensitivity: meters apart sell 25 more through c.
    """
    market = Market(
        """
        g_pv: {type: pv, member: g, power_kw: 25, output_per_kw: 1}
        gate: {type: access, member: g, wheeling: {at: town}}
        c_pv: {type: pv, member: c, power_kw: 5, output_per_kw: 1}
        c_fan: {type: load, member: c, power_kw: 0}
        c_grid: {type: grid, member: c, import_price_per_kwh: 0.5, export_price_per_kwh: 0.2, connection_kw: 90, wheeling: {at: town, METER}}
        """
    )
    assert market.but(("METER", "single_meter: auto")).cost == pytest.approx(-1)
    assert market.but(("METER", "single_meter: never")).cost == pytest.approx(-6)


# -------------------------------------------------------------------------- where power comes from

STORE = Market(
    """
    g_pv: {type: pv, member: g, power_kw: 10, output_per_kw: SUN}
    g_motor: {type: must_run, member: g, power_kw: 4, output_per_kw: 1}
    g_battery: {type: battery, member: g, energy_kwh: 100, power_kw: 100, charge_efficiency: 1, discharge_efficiency: 1, initial_fraction: 0, final: free}
    g_grid: {type: grid, member: g, import_price_per_kwh: PRICE, connection_kw: 100, wheeling: {at: town, SENDS}}
    c_load: {type: load, member: c, power_kw: LOAD}
    c_grid: {type: grid, member: c, import_price_per_kwh: 1, wheeling: {at: town}}
    """,
    hours=2,
).but(("SUN", day(1, 0)), ("PRICE", "0.1"), ("LOAD", day(0, 50)))


@pytest.mark.parametrize(
    ("sends", "sent", "cost"),
    [("anything", 50, 3.2), ("generation", 18, 32), ("renewable", 10, 40)],
)
def test_what_may_be_sent_through_a_store(sends: str, sent: float, cost: float) -> None:
    """Proves: of 50 kW in hour 1 the battery may send all (32 bought at 0.1), only what was generated
    (10 of sun, 4 + 4 of the motor), or only the sun; the rest c buys at 1.

    Sensitivity: the cost of each rule is its own.
    """
    market = STORE.but(("SENDS", f"sends: {sends}"))
    results = solved(market.text)
    assert results.of("g_grid.wheeled_out").sum() == pytest.approx(sent)
    assert results.cost == pytest.approx(cost)


def test_export_and_trades_share_what_was_generated() -> None:
    """Proves: with both limited to `renewable`, 10 kWh of sun are sold or sent, not both: 10 × 1 sent.

    Sensitivity: with the export limited alone, bought power is sent, and the sun is sold at 0.3.
    """
    text = (
        "connection_kw: 100, wheeling: {at: town, SENDS}",
        "export_price_per_kwh: 0.3, export_from: renewable, connection_kw: 100, wheeling: {at: town, SENDS}",
    )
    both = STORE.but(text, ("SENDS", "sends: renewable"), ("power_kw: 4", "power_kw: 0"))
    results = solved(both.text)
    total = results.of("g_grid.wheeled_out") + results.of("g_grid.export")
    assert total.sum() == pytest.approx(10)
    assert both.cost == pytest.approx(40)
    alone = both.but(("sends: renewable", "sends: anything"))
    assert alone.cost == pytest.approx(50 * 0.1 - 10 * 0.3)


def test_export_and_trades_of_different_kinds_are_refused() -> None:
    """Proves: two kinds would each need their own share of the stores. Sensitivity: the same is taken."""
    text = (
        "connection_kw: 100, wheeling: {at: town, SENDS}",
        "export_price_per_kwh: 0.3, export_from: renewable, connection_kw: 100, wheeling: {at: town, sends: generation}",
    )
    with pytest.raises(InputError, match="write the same for both"):
        problem_of(STORE.but(text).text)


# -------------------------------------------------------------------------- private networks, stores

ENCLAVE = Market(
    """
    o_gate: {type: grid, member: o, import_price_per_kwh: 0.5, connection_kw: 400, wheeling: {at: station}}
    o_pv: {type: pv, member: o, power_kw: 60, output_per_kw: SUN}
    x_load: {type: load, member: x, power_kw: 30}
    x_meter: {type: access, member: x, power_kw: 100, wheeling: {at: mill}}
    y_load: {type: load, member: y, power_kw: 50}
    y_meter: {type: access, member: y, power_kw: 100, wheeling: {at: yard}}
    """,
    network="{nodes: {station: {}, mill: {}, yard: {}}, lines: {m: {from: station, to: mill, owner: o, price_per_kwh: 0.04, capacity_kw: 45}, n: {from: station, to: yard, owner: o, price_per_kwh: 0.06, loss_fraction: 0.2}}}",
    members="{o: {}, x: {}, y: {}}",
    rules="{sellers: [o_gate], buyers: [x_meter, y_meter]}",
)


def test_incremental_network_buys_at_its_gate_and_sells_inside() -> None:
    """Proves: behind one gate the owner of the lines passes on what it buys. With meters apart 30 + 62.5
    are needed, of which 60 from its sun: 32.5 × 0.5. Internal prices stay in the park.

    Sensitivity: a single meter could not buy and sell at once; then x and y get only the sun, and the
    plan has no solution without unserved demand.
    """
    market = ENCLAVE.but(
        ("SUN", "1"), ("wheeling: {at: station}", "wheeling: {at: station, single_meter: never}")
    )
    results = solved(market.text)
    assert results.cost == pytest.approx(32.5 * 0.5)
    assert results.of("o_gate.wheeled_out") == pytest.approx([30 + 62.5])
    assert bill(results, "o_gate_to_x_meter", "line_m") == pytest.approx(0)
    rows = results.ledger[results.ledger["category"] == "line_n"]
    assert sorted(rows["amount"]) == pytest.approx([-3, 3])
    one = ENCLAVE.but(
        ("SUN", "1"),
        ("x, power_kw: 30", "x, power_kw: 30, unserved_price_per_kwh: 9"),
        ("y, power_kw: 50", "y, power_kw: 50, unserved_price_per_kwh: 9"),
    )
    assert one.cost == pytest.approx((30 + 50 - 30 - 30 * 0.8) * 9)


def test_users_of_a_shared_battery_trade() -> None:
    """Proves: c charges its account at night by wire from g, at 0.05 of fee, and lives on it by day.

    Sensitivity: a fee of 0.9 ends it.
    """
    market = Market(
        """
        g_wind: {type: must_run, member: g, power_kw: 20, output_per_kw: NIGHT}
        g_grid: {type: grid, member: g, export_price_per_kwh: 0.1, connection_kw: 90, wheeling: {at: town}}
        pool: {type: shared_battery, member: g, users: {c: {}}, energy_kwh: 30, power_kw: 30, charge_efficiency: 1, discharge_efficiency: 1}
        c_load: {type: load, member: c, power_kw: LOAD}
        c_grid: {type: grid, member: c, import_price_per_kwh: 0.8, connection_kw: 90, wheeling: {at: town}}
        """,
        hours=2,
        fees="{wire: {method: value, price_per_kwh: FEE}}",
    ).but(("NIGHT", day(1, 0)), ("LOAD", day(0, 12)))
    cheap = market.but(fees=market.fees.replace("FEE", "0.05"))
    results = solved(cheap.text)
    assert results.of("pool.discharge_c") == pytest.approx([0, 12])
    assert results.of("g_grid_to_c_grid.sent") == pytest.approx([12, 0])
    assert cheap.gain == pytest.approx(12 * (0.8 - 0.1 - 0.05))
    assert market.but(fees=market.fees.replace("FEE", "0.9")).gain == pytest.approx(0)


# -------------------------------------------------------------------------- stages and time


def test_trades_in_stages() -> None:
    """Proves: each stage trades on its own terms: 80 then 90 kW at a spread of 0.2, twice a year.

    Sensitivity: the fee of the second stage takes 0.1 of it.
    """
    stages = "{2026: {}, 2030: {assets: {c_load: {power_kw: 90}}, trading: {fees: {w: {method: value, price_per_kwh: 0.1}}}}}"
    text = WORTH.but(sections=(("stages", stages),)).text
    plan = pathway(text)
    costs = {year: one.results.cost for year, one in plan.stages.items()}
    assert list(costs.values()) == pytest.approx([2 * -0.3 * 20, 2 * (-0.3 * 10 + 0.1 * 90)])


def test_coarser_steps_trade_the_mean() -> None:
    """Proves: two hours joined into one step of 2 h send the mean, with the same energy and money where
    prices are equal. Sensitivity: without storage a plan of hours cannot move the second hour's sun.
    """
    market = Market(
        """
        g_pv: {type: must_run, member: g, power_kw: 10, output_per_kw: SUN}
        g_grid: {type: grid, member: g, export_price_per_kwh: 0.1, wheeling: {at: town}}
        c_load: {type: load, member: c, power_kw: LOAD}
        c_grid: {type: grid, member: c, import_price_per_kwh: 0.6, wheeling: {at: town}}
        """,
        hours=2,
    ).but(("SUN", day(1, 0)), ("LOAD", day(2, 8)))
    fine, _ = study.run(problem_of(market.text), EXACT)
    coarse, audit = study.run(problem_of(market.text).coarsen([0]), EXACT)
    audit.require()
    assert fine.cost == pytest.approx(-0.1 * 8 + 0.6 * 8)
    assert coarse.of("g_grid_to_c_grid.sent") == pytest.approx([5])
    assert coarse.cost == pytest.approx(0)


def test_coarser_windows_and_calendars() -> None:
    """Proves: a window of a day, with its calendar, holds on coarser steps as well.

    Sensitivity: the energy received is that of the fine plan.
    """
    from tests.trading.test_core_rules import SHIFTED

    problem = problem_of(SHIFTED.but(rules="{window: day}").text)
    coarse, audit = study.run(problem.coarsen([0, 2]), EXACT)
    audit.require()
    received = coarse.of("g_grid_to_c_grid.received")
    assert received @ np.array([2, 1]) == pytest.approx(10)
    assert coarse.cost == pytest.approx(study.run(problem, EXACT)[0].cost)


def test_steps_of_unequal_length() -> None:
    """Proves: fees, exports and lines count by hours: 1 h, 2 h and 0.5 h. Sensitivity: 3 steps of an
    hour gain 3 × 80 × 0.15.
    """
    market = WORTH.but(fees="{w: {method: value, price_per_kwh: 0.05}}")
    unequal = market.but(sections=(("horizon", "{start: 2025-03-03, steps_hours: [1, 2, 0.5]}"),))
    assert unequal.gain == pytest.approx(3.5 * 80 * 0.15)
    assert bill(solved(unequal.text), "g_grid_to_c_grid", "w") == pytest.approx(3.5 * 80 * 0.05)


def test_one_snapshot_with_a_window() -> None:
    """Proves: a window around one step is that step. Sensitivity: it gains what an hour gains."""
    for window in ("hour", "day", "year"):
        assert WORTH.but(rules=f"{{window: {window}}}", hours=1).gain == pytest.approx(16)


def test_a_cap_on_co2_counts_who_imports() -> None:
    """Proves: g's grid is cleaner than c's, and a cap would pay for selling g's sun and buying as much:
    with one meter it cannot, though all prices are equal. c's 10 kWh emit 10 kg.

    Sensitivity: meters apart emit 5 kg.
    """
    market = Market(
        """
        g_pv: {type: pv, member: g, power_kw: 10, output_per_kw: 1}
        g_load: {type: load, member: g, power_kw: 10, unserved_price_per_kwh: 9}
        g_grid: {type: grid, member: g, import_price_per_kwh: 0.5, co2_kg_per_kwh: 0.5, connection_kw: 50, wheeling: {at: town, METER}}
        c_load: {type: load, member: c, power_kw: 10, unserved_price_per_kwh: 9}
        c_grid: {type: grid, member: c, import_price_per_kwh: 0.5, co2_kg_per_kwh: 1, connection_kw: 50, wheeling: {at: town}}
        """,
        sections=(("carbon", "{cap_t_per_year: 43.8}"),),  # 5 kg in one hour
    )
    one, apart = (market.but(("METER", f"single_meter: {m}")) for m in ("auto", "never"))
    assert one.cost == pytest.approx(5 * 0.5 + 5 * 9)
    assert apart.cost == pytest.approx(10 * 0.5)
    assert market.but(("METER", "single_meter: always")).cost == pytest.approx(one.cost)


def test_a_minimum_bill_makes_energy_free_and_selling_pay() -> None:
    """Proves: below its minimum bill of 20 g's energy is free; with one meter it still does not sell its
    own 10 kWh and buy as many. Sensitivity: meters apart save 10 × 0.3.
    """
    tariff = "{name: T, components: {energy: {type: energy, price_per_kwh: 0.5}, least: {type: minimum_bill, amount_per_month: 20}}}"
    market = Market(
        f"""
        g_pv: {{type: pv, member: g, power_kw: 10, output_per_kw: 1}}
        g_load: {{type: load, member: g, power_kw: 10}}
        g_grid: {{type: grid, member: g, tariff: {tariff}, connection_kw: 50, wheeling: {{at: town, METER}}}}
        c_load: {{type: load, member: c, power_kw: 10}}
        c_grid: {{type: grid, member: c, import_price_per_kwh: 0.3, wheeling: {{at: town}}}}
        """
    )
    assert market.but(("METER", "single_meter: auto")).cost == pytest.approx(23)
    assert market.but(("METER", "single_meter: never")).cost == pytest.approx(20)


def test_no_bound_where_one_is_needed() -> None:
    """Proves: a binary needs a bound on both ways, and the message says which and how.

    Sensitivity: with the bound it solves; a place that only uses needs none.
    """
    text = SIZED.but(
        ("METER", ""), ("connection_kw: {max_kw: 90, annual_cost_per_kw: 0.01}, ", "")
    ).text
    with pytest.raises(
        InputError, match=r"assets\.g_grid\.wheeling.*needs a bound on the withdrawal"
    ):
        solve_text(text)
    always = WORTH.but(
        ("connection_kw: 500, wheeling: {at: town}", "wheeling: {at: town, single_meter: always}")
    )
    assert always.gain == pytest.approx(32)


@pytest.mark.parametrize(("mode", "cost"), [("auto", 0.0), ("always", 0.0), ("never", -2.5)])
def test_power_sent_to_nobody_is_an_outlet(mode: str, cost: float) -> None:
    """Proves: within a window, what is sent and never received lapses, so that a negative price could
    pay for sending; a meter that goes one way cannot.

    Sensitivity: 20 kW bought at -0.125 and sent away earn 2.5 in the hour if both may happen at once.
    """
    text = park(
        f"""
        buyer: {{type: access, member: a, power_kw: 20, wheeling: {{at: town}}}}
        seller:
          type: grid
          member: b
          connection_kw: 20
          import_price_per_kwh: -0.125
          wheeling: {{at: town, single_meter: {mode}}}
        """,
        hours=1,
        members="{a: {}, b: {}}",
        trading="{network: {nodes: {town: {}}}, rules: {window: day}}",
    )
    assert solved(text).cost == pytest.approx(cost)
