from __future__ import annotations

import pytest

from tests.support import bill, day, park, shadow_price, solved

DEMAND = f"heat: {{type: heat_demand, power_kw: {day(10, 20)}}}"


def test_cheapest_source_first_within_its_limit() -> None:
    """Proves: 8 kW an hour at 0.1, the rest at 0.4. Sensitivity: limit + 1 saves 2 × 0.3."""
    text = park(
        f"""
        {DEMAND}
        cheap: {{type: supply, carrier: heat, price_per_kwh: 0.1, limit_kw: 8}}
        dear: {{type: supply, carrier: heat, price_per_kwh: 0.4}}
        """
    )
    results = solved(text)
    assert results.of("cheap.purchase") == pytest.approx([8, 8])
    assert results.of("dear.purchase") == pytest.approx([2, 12])
    assert results.cost == pytest.approx(16 * 0.1 + 14 * 0.4)
    more = solved(text.replace("limit_kw: 8", "limit_kw: 9"))
    assert results.cost - more.cost == pytest.approx(0.6)


def test_limit_and_price_may_change_by_the_hour() -> None:
    """Proves: limit and price are series: 10 × 0.1 + 5 × 0.2 + 15 × 0.4. Sensitivity: per hour."""
    results = solved(
        park(
            f"""
            {DEMAND}
            cheap: {{type: supply, carrier: heat, price_per_kwh: {day(0.1, 0.2)}, limit_kw: {day(99, 5)}}}
            dear: {{type: supply, carrier: heat, price_per_kwh: 0.4}}
            """
        )
    )
    assert results.of("cheap.purchase") == pytest.approx([10, 5])
    assert results.cost == pytest.approx(1 + 1 + 6)


def test_yearly_limit_holds_for_the_share_of_the_year() -> None:
    """Proves: 52560 kWh a year are 12 kWh in 2 of 8760 hours, so 18 kWh come at 0.4.

    Sensitivity: one more kWh of the limit saves 0.4 − 0.1, its shadow price.
    """
    text = park(
        f"""
        {DEMAND}
        cheap: {{type: supply, carrier: heat, price_per_kwh: 0.1, yearly_limit_kwh: 52560}}
        dear: {{type: supply, carrier: heat, price_per_kwh: 0.4}}
        """
    )
    results = solved(text)
    assert results.of("cheap.purchase").sum() == pytest.approx(12)
    assert results.cost == pytest.approx(12 * 0.1 + 18 * 0.4)
    (cap,) = results.caps.to_dict("records")
    assert cap["limit"] == pytest.approx(12)
    assert cap["binding"]
    assert shadow_price(results, cap["name"]) == pytest.approx(0.3)
    more = solved(text.replace("52560", "56940"))
    assert results.cost - more.cost == pytest.approx(0.3)


def test_yearly_limit_in_kg() -> None:
    """Proves: 4380 kg a year are 1 kg in 2 hours. Sensitivity: the rest costs 60 instead of 30."""
    results = solved(
        park(
            """
            process: {type: hydrogen_demand, flow_kg_per_hour: 1}
            truck: {type: supply, carrier: hydrogen, price_per_kg: 30, yearly_limit_kg: 4380}
            spot: {type: supply, carrier: hydrogen, price_per_kg: 60}
            """
        )
    )
    assert results.cost == pytest.approx(30 + 60)


def test_two_yearly_limits_are_told_apart() -> None:
    """Proves: each source has its own cap, with its own shadow price. Sensitivity: 0.3 and 0.2."""
    results = solved(
        park(
            f"""
            {DEMAND}
            first: {{type: supply, carrier: heat, price_per_kwh: 0.1, yearly_limit_kwh: 52560}}
            second: {{type: supply, carrier: heat, price_per_kwh: 0.2, yearly_limit_kwh: 26280}}
            dear: {{type: supply, carrier: heat, price_per_kwh: 0.4}}
            """
        )
    )
    assert results.cost == pytest.approx(12 * 0.1 + 6 * 0.2 + 12 * 0.4)
    assert results.caps["name"].is_unique
    assert results.caps["limit"].to_list() == pytest.approx([12, 6])
    assert results.caps["shadow_price"].to_list() == pytest.approx([0.3, 0.2])


def test_co2_is_booked_with_the_purchase() -> None:
    """Proves: 30 kWh × 0.2 kg and 2 kg × 10 kg are 26 kg. Sensitivity: linear in both factors."""
    results = solved(
        park(
            f"""
            {DEMAND}
            boiler: {{type: gas_boiler, power_kw: 100, efficiency: 1}}
            gas: {{type: supply, carrier: gas, price_per_kwh: 0.3, co2_kg_per_kwh: 0.2}}
            process: {{type: hydrogen_demand, flow_kg_per_hour: 1}}
            truck: {{type: supply, carrier: hydrogen, price_per_kg: 30, co2_kg_per_kg: 10}}
            """
        )
    )
    assert bill(results, "gas", "purchase", "co2") == pytest.approx(6)
    assert bill(results, "truck", "purchase", "co2") == pytest.approx(20)
    assert results.co2_kg == pytest.approx(26)


def test_a_carrier_of_the_park_own() -> None:
    """Proves: a carrier that the file declares has a balance. Sensitivity: its price is paid."""
    results = solved(
        park(
            """
            steam_in: {type: supply, carrier: steam, price_per_kwh: 0.3, limit_kw: 9}
            sink: {type: dump, carrier: steam, cost_per_unit: -0.5}
            """,
            hours=1,
            carriers="{steam: {unit: kWh}}",
        )
    )
    assert results.cost == pytest.approx(9 * (0.3 - 0.5))
    assert results.carriers["carrier"].to_list() == ["steam"]


def test_take_or_pay() -> None:
    """Proves: 26280 kWh a year are 6 kWh in 2 hours, taken at 0.5 though heat is to be had at 0.4.

    Sensitivity: one kWh less in the contract saves 0.1, its shadow price.
    """
    text = park(
        f"""
        {DEMAND}
        contract: {{type: supply, carrier: heat, price_per_kwh: 0.5, yearly_min_kwh: 26280}}
        spot: {{type: supply, carrier: heat, price_per_kwh: 0.4}}
        """
    )
    results = solved(text)
    assert results.of("contract.purchase").sum() == pytest.approx(6)
    assert results.cost == pytest.approx(6 * 0.5 + 24 * 0.4)
    assert shadow_price(results, "contract.yearly_minimum") == pytest.approx(0.1)
    assert solved(text.replace("26280", "21900")).cost == pytest.approx(results.cost - 0.1)


def test_least_flow_over_unequal_steps() -> None:
    """Proves: 4 kW must be taken at 0.5 in steps of 1, 2 and 0.5 h. Sensitivity: 0.1 a kWh of it."""
    text = park(
        """
        heat: {type: heat_demand, power_kw: 10}
        contract: {type: supply, carrier: heat, price_per_kwh: 0.5, min_kw: 4}
        spot: {type: supply, carrier: heat, price_per_kwh: 0.4}
        """,
        horizon="{start: 2025-03-03, steps_hours: [1, 2, 0.5]}",
    )
    results = solved(text)
    assert results.of("contract.purchase") == pytest.approx([4, 4, 4])
    assert results.cost == pytest.approx(35 * 0.4 + 14 * 0.1)
    assert solved(text.replace("min_kw: 4", "min_kw: 0")).cost == pytest.approx(14)
