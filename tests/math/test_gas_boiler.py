from __future__ import annotations

import pytest

from tests.support import bill, park, solved

PARK = """
    heat: {type: heat_demand, power_kw: 100}
    district: {type: supply, carrier: heat, price_per_kwh: 1}
    gas: {type: supply, carrier: gas, price_per_kwh: 0.4, co2_kg_per_kwh: 0.2}
    boiler: {type: gas_boiler, power_kw: 72, efficiency: 0.8%s}
"""


def test_gas_is_burned_up_to_the_size_on_output() -> None:
    """Proves: 72 kW of heat from 90 kW of gas: 36 + 28, 18 kg. Sensitivity: a kW saves 1 − 0.4/0.8."""
    text = park(PARK % ", variable_om_per_kwh: 0.05", hours=1)
    results = solved(text)
    assert results.of("gas.purchase") == pytest.approx([90])
    assert bill(results, "boiler", "variable_om") == pytest.approx(3.6)
    assert results.cost == pytest.approx(36 + 28 + 3.6)
    assert results.co2_kg == pytest.approx(18)
    more = solved(text.replace("power_kw: 72", "power_kw: 73"))
    assert results.cost - more.cost == pytest.approx(1 - 0.4 / 0.8 - 0.05)


def test_size_on_input_is_gas() -> None:
    """Proves: 72 kW of gas give 57.6 kW. Sensitivity: 14.4 kW less than with the size on output."""
    results = solved(park(PARK % ", size_on: input", hours=1))
    assert results.of("gas.purchase") == pytest.approx([72])
    assert results.of("district.purchase") == pytest.approx([100 - 57.6])
