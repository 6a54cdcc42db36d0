from __future__ import annotations

import pytest

from tests.support import bill, park, solved

TRUCK = "truck: {type: supply, carrier: hydrogen, price_per_kg: 10}"


def test_size_is_counted_on_the_electricity_made() -> None:
    """Proves: 1 kg gives 0.5 × 33.33 = 16.665 kWh: 10 kW need 0.6001 kg/h, the rest comes at 2.

    Sensitivity: a kW more saves 2 − 10/16.665.
    """
    text = park(
        f"""
        load: {{type: load, power_kw: 15}}
        grid: {{type: grid, import_price_per_kwh: 2}}
        {TRUCK}
        cell: {{type: fuel_cell, power_kw: 10, electric_efficiency: 0.5}}
        """,
        hours=1,
    )
    results = solved(text)
    assert results.of("cell.input") == pytest.approx([10 / 16.665])
    assert results.cost == pytest.approx(100 / 16.665 + 10)
    more = solved(text.replace("power_kw: 10", "power_kw: 11"))
    assert results.cost - more.cost == pytest.approx(2 - 10 / 16.665)


def test_heat_and_operating_cost() -> None:
    """Proves: 1 kg/h: 16.665 kW, 0.3 × 33.33 = 9.999 kW of heat, 0.1 per kWh made.

    Sensitivity: without recovery 9.999 kWh of heat are bought at 3.
    """
    text = park(
        f"""
        load: {{type: load, power_kw: 16.665}}
        heat: {{type: heat_demand, power_kw: 20}}
        district: {{type: supply, carrier: heat, price_per_kwh: 3}}
        {TRUCK}
        cell:
          type: fuel_cell
          power_kw: 100
          electric_efficiency: 0.5
          heat_recovery_fraction: 0.3
          variable_om_per_kwh: 0.1
        """,
        hours=1,
    )
    results = solved(text)
    assert results.of("cell.input") == pytest.approx([1])
    assert bill(results, "cell", "variable_om") == pytest.approx(1.6665)
    assert results.of("district.purchase") == pytest.approx([20 - 9.999])
    without = solved(text.replace("heat_recovery_fraction: 0.3", "heat_recovery_fraction: 0"))
    assert without.cost - results.cost == pytest.approx(3 * 9.999)
