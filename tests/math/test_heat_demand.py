from __future__ import annotations

import pytest

from microgrid_opt.errors import InputError
from tests.support import bill, day, park, solved

DISTRICT = "district: {type: supply, carrier: heat, price_per_kwh: 0.2}"


def test_heat_is_bought_to_the_last_kwh() -> None:
    """Proves: heat has a balance of its own: 0.2 × (30 + 50). Sensitivity: 1 kW more costs 0.2."""
    results = solved(park(f"heat: {{type: heat_demand, power_kw: {day(30, 50)}}}\n{DISTRICT}"))
    assert results.of("district.purchase") == pytest.approx([30, 50])
    assert results.cost == pytest.approx(16)
    assert results.total("demand", "heat") == pytest.approx(80)
    assert results.total("demand", "electricity") == 0.0


def test_cold_is_priced() -> None:
    """Proves: 5 kW beyond the limit stay unserved at 3. Sensitivity: limit + 1 saves 3 − 0.2."""
    limited = DISTRICT.replace("}", ", limit_kw: 25}")
    text = park(
        f"heat: {{type: heat_demand, power_kw: 30, unserved_price_per_kwh: 3}}\n{limited}", hours=1
    )
    results = solved(text)
    assert bill(results, "heat", "unserved") == pytest.approx(15)
    assert results.cost == pytest.approx(25 * 0.2 + 15)
    more = solved(text.replace("limit_kw: 25", "limit_kw: 26"))
    assert results.cost - more.cost == pytest.approx(2.8)


def test_heat_of_another_temperature_has_a_balance_of_its_own() -> None:
    """Proves: 30 kW of hot water are not served by the cheaper heat at 0.2, but bought at 0.5.

    Sensitivity: without `heat_carrier` they cost 0.2.
    """
    text = park(
        f"""
        heat: {{type: heat_demand, power_kw: 30, heat_carrier: hot_water}}
        {DISTRICT}
        boiler_house: {{type: supply, carrier: hot_water, price_per_kwh: 0.5}}
        """,
        hours=1,
        carriers="{hot_water: {temperature_degc: 90}}",
    )
    results = solved(text)
    assert results.total("demand", "hot_water") == pytest.approx(30)
    assert results.cost == pytest.approx(15)
    assert solved(text.replace(", heat_carrier: hot_water", "")).cost == pytest.approx(6)


def test_heat_is_counted_in_kwh() -> None:
    """Proves: steam counted in kg is refused where a demand is in kW. Sensitivity: in kWh it is taken."""
    text = park(
        "heat: {type: heat_demand, power_kw: 30, heat_carrier: steam}\n"
        "source: {type: supply, carrier: steam, price_per_kg: 1}",
        carriers="{steam: {unit: kg}}",
    )
    with pytest.raises(InputError, match=r"heat_carrier = 'steam': steam is counted in kg"):
        solved(text)
    in_kwh = text.replace("{unit: kg}", "{temperature_degc: 180}").replace("per_kg", "per_kwh")
    assert solved(in_kwh).cost == pytest.approx(60)
