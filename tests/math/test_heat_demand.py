from __future__ import annotations

import pytest

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
