"""The green attribute, hand-solved: each kWh once, claims within what is delivered, CO2 that follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from microgrid_opt.trading.settleaudit import audit_settlement
from microgrid_opt.trading.settlement import settle
from tests.trading.settling import planned

if TYPE_CHECKING:
    from collections.abc import Mapping

    from microgrid_opt.trading.green import Green

USER = """
OWN_load: {type: load, member: OWN, power_kw: 100}
OWN_grid: {type: grid, member: OWN, import_price_per_kwh: 1, co2_kg_per_kwh: 0.5, connection_kw: 500,
  wheeling: {at: town}}
"""
TOWN = "network: {nodes: {town: {}}}\nrules: {RULES}"


def _green(
    members: Mapping[str, str],
    trades: str = "",
    rules: str = "loss_fraction: 0",
    horizon: str = "hours: 1",
) -> Green:
    plan = planned(members, TOWN.replace("RULES", rules), trades=trades, horizon=horizon)
    settlement = settle(plan)
    audit_settlement(settlement).require()
    return settlement.green


def _kwh(green: Green, **where: str) -> float:
    rows = green.buckets
    for name, value in where.items():
        rows = rows[rows[name] == value]
    return float(rows["kwh"].sum())


def test_each_bucket_of_one_hour() -> None:
    """Proves: of 100 kWh of PV 20 are used, 30 sent with certificates to b (27 arrive), 40 without to c
    (36 arrive), 10 exported; b claims 27 of its 100 kWh, c none; 7 kWh of CO2 price nothing.
    Sensitivity: a kWh in two places, losses claimed, a certificate for c.
    """
    seller = """
    OWN_pv: {type: pv, member: OWN, power_kw: 100, output_per_kw: 1}
    OWN_load: {type: load, member: OWN, power_kw: 20}
    OWN_grid: {type: grid, member: OWN, export_price_per_kwh: 0.1, wheeling: {at: town}}
    """
    trades = (
        "{to_b: {from: g_grid, to: b_grid, profile_kw: 30},"
        " to_c: {from: g_grid, to: c_grid, profile_kw: 40, certificates: false}}"
    )
    rules = "pairs: listed, loss_fraction: 0.1"
    green = _green({"g": seller, "b": USER, "c": USER}, trades, rules)
    kwh = green.buckets[green.buckets["source"] == "g_pv"].set_index("bucket")["kwh"]
    assert kwh.to_dict() == pytest.approx(
        {"used": 20, "traded_with_certificate": 30, "traded_without": 40, "exported": 10}
    )
    assert _kwh(green, bucket="lost_on_the_way") == pytest.approx(3.0)
    members = green.members.set_index("member")
    assert members["claimed_kwh"].to_dict() == pytest.approx({"g": 20.0, "b": 27.0, "c": 0.0})
    assert members["matched_share"].to_dict() == pytest.approx({"g": 1.0, "b": 0.27, "c": 0.0})
    # Bought: 73 and 64 kWh at 0.5. What c received without a claim counts at its own supply's factor.
    assert members["producer_kg"].to_dict() == pytest.approx({"g": 0.0, "b": 36.5, "c": 32.0})
    assert members["consumer_kg"].to_dict() == pytest.approx({"g": 0.0, "b": 36.5, "c": 32.0})
    assert members["market_kg"].to_dict() == pytest.approx({"g": 0.0, "b": 36.5, "c": 50.0})


def test_a_mixed_seller_sends_its_mix() -> None:
    """Proves: 60 kWh of PV and 40 of an engine with 0.8 kg/kWh, half used and half sent: 30 kWh green and
    20 kWh with 16 kg go to b; the consumer-based sum stays 32 + 25, the buyer's supply was 0.5.
    Sensitivity: green sent first, CO2 that stays with the seller in the consumer-based total.
    """
    seller = """
    OWN_pv: {type: must_run, member: OWN, power_kw: 60, output_per_kw: 1, renewable: true, curtailable: true}
    OWN_engine: {type: must_run, member: OWN, power_kw: 40, output_per_kw: 1, co2_kg_per_kwh: 0.8,
      curtailable: true}
    OWN_load: {type: load, member: OWN, power_kw: 50}
    OWN_meter: {type: access, member: OWN, wheeling: {at: town}}
    """
    green = _green({"g": seller, "b": USER})
    assert _kwh(green, source="g_pv", bucket="used") == pytest.approx(30.0)
    (trade,) = green.trades[green.trades["sent_kwh"] > 0].to_dict("records")
    assert trade["claimed_kwh"] == pytest.approx(30.0)
    assert trade["co2_kg"] == pytest.approx(16.0)
    members = green.members.set_index("member")
    assert members["producer_kg"].to_dict() == pytest.approx({"g": 32.0, "b": 25.0})
    assert members["consumer_kg"].to_dict() == pytest.approx({"g": 16.0, "b": 41.0})
    assert members["market_kg"].to_dict() == pytest.approx({"g": 32.0, "b": 35.0})


def test_a_seller_bound_to_renewable_power_sends_it_first() -> None:
    """Proves: with `sends: renewable` the 50 kWh sent are all of the 60 kWh of PV that they can be; the
    seller uses the other 10 and the engine's 40.
    Sensitivity: the mix of the place for a draw that may not take it.
    """
    seller = """
    OWN_pv: {type: must_run, member: OWN, power_kw: 60, output_per_kw: 1, renewable: true, curtailable: true}
    OWN_engine: {type: must_run, member: OWN, power_kw: 40, output_per_kw: 1, curtailable: true}
    OWN_load: {type: load, member: OWN, power_kw: 50}
    OWN_meter: {type: access, member: OWN, wheeling: {at: town, sends: renewable}}
    """
    green = _green({"g": seller, "b": USER})
    assert _kwh(green, source="g_pv", bucket="traded_with_certificate") == pytest.approx(50.0)
    assert _kwh(green, source="g_pv", bucket="used") == pytest.approx(10.0)


def test_a_store_gives_back_what_it_holds() -> None:
    """Proves: 100 kWh of PV in hour one charge a store (0.8 each way), 64 come back in hour two and are
    sent: all green, 36 lost in the store, 64 claimed.
    Sensitivity: claims of what a store lost, or a store that forgets.
    """
    pv = "{hourly: [1" + ", 0" * 23 + "]}"
    seller = f"""
    OWN_pv: {{type: pv, member: OWN, power_kw: 100, output_per_kw: {pv}}}
    OWN_bess: {{type: battery, member: OWN, energy_kwh: 80, power_kw: 100, charge_efficiency: 0.8,
      discharge_efficiency: 0.8}}
    OWN_meter: {{type: access, member: OWN, wheeling: {{at: town}}}}
    """
    user = USER.replace("power_kw: 100", "power_kw: {hourly: [0, 100" + ", 0" * 22 + "]}")
    green = _green({"g": seller, "b": user}, horizon="hours: 2")
    assert _kwh(green, source="g_pv", bucket="stored") == pytest.approx(100.0)
    assert _kwh(green, source="g_bess", bucket="traded_with_certificate") == pytest.approx(64.0)
    assert _kwh(green, source="g_bess", bucket="lost_in_store") == pytest.approx(36.0)
    assert green.members.set_index("member").loc["b", "matched_share"] == pytest.approx(0.64)


def test_a_store_mixes_green_and_bought_power_pro_rata() -> None:
    """Proves: a store that takes 30 kWh of PV in hour one and 10 kWh from the grid in hour two gives back
    three quarters green, 15 of 20 kWh in each of the two hours after.
    Sensitivity: green out first, or the share of the last hour.
    """
    rest = ", 0" * 20 + "]}"
    user = f"""
    OWN_pv: {{type: pv, member: OWN, power_kw: 30, output_per_kw: {{hourly: [1, 0, 0, 0{rest}}}
    OWN_load: {{type: load, member: OWN, power_kw: {{hourly: [0, 0, 20, 20{rest}}}
    OWN_bess: {{type: battery, member: OWN, energy_kwh: 40, power_kw: 100, charge_efficiency: 1,
      discharge_efficiency: 1, initial_fraction: 0}}
    OWN_grid: {{type: grid, member: OWN, import_price_per_kwh: {{hourly: [9, 1, 9, 9{rest}, connection_kw: 500, wheeling: {{at: town}}}}
    """
    other = "\nOWN_meter: {type: access, member: OWN, wheeling: {at: town}}\n"
    green = _green({"u": user, "o": other}, horizon="hours: 4")
    assert _kwh(green, source="u_bess", bucket="used") == pytest.approx(30.0)
    assert green.members.set_index("member").loc["u", "matched_share"] == pytest.approx(0.75)


def test_a_day_of_banking_shares_its_mix() -> None:
    """Proves: with a matching window of a day, 50 kWh of PV in hour one and 50 kWh of an engine in hour two
    reach the buyer half green in each hour, whenever it takes them.
    Sensitivity: the share of the hour in which it is taken.
    """
    pv, engine = ("{hourly: [" + values + ", 0" * 21 + "]}" for values in ("1, 0, 0", "0, 1, 0"))
    seller = f"""
    OWN_pv: {{type: pv, member: OWN, power_kw: 50, output_per_kw: {pv}}}
    OWN_engine: {{type: must_run, member: OWN, power_kw: 50, output_per_kw: {engine}, curtailable: true}}
    OWN_meter: {{type: access, member: OWN, wheeling: {{at: town}}}}
    """
    user = USER.replace("power_kw: 100", f"power_kw: {{hourly: [0, 0, 100{', 0' * 21}]}}")
    green = _green({"g": seller, "b": user}, rules="window: day", horizon="hours: 3")
    trade = green.trades.set_index("trade").loc["g_meter_to_b_grid"]
    assert trade["received_kwh"] == pytest.approx(100.0)
    assert trade["claimed_kwh"] == pytest.approx(50.0)
