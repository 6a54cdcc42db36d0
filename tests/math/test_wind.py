from __future__ import annotations

import pytest

from tests.support import day, park, solved

PARK = """
    load: {type: load, power_kw: 12}
    grid: {type: grid, import_price_per_kwh: 1}
    wind:
      type: wind
      output_per_kw: %s
      power_kw: {max_kw: 30, unit_kw: 5, capex_per_kw: 6, lifetime_years: 10}
"""


def test_turbines_come_whole() -> None:
    """Proves: 2 or 3 turbines of 5 kW, not 12 kW: 10 × 0.6 + 2 = 8 against 15 × 0.6 = 9.

    Sensitivity: for a load of 13 the third turbine pays: 15 × 0.6 = 9 against 6 + 3 = 9.0, for 14 it
    is 9 against 10.
    """
    text = park(PARK % "1", hours=1)
    results = solved(text)
    assert results.size("wind") == pytest.approx(10)
    assert results.cost == pytest.approx(8)
    assert results.run.kind == "MILP"
    more = solved(text.replace("power_kw: 12", "power_kw: 14"))
    assert more.size("wind") == pytest.approx(15)
    assert more.cost == pytest.approx(9)


def test_generation_follows_the_profile() -> None:
    """Proves: 10 kW × (0.3, 0.9) are used, the rest is bought. Sensitivity: profile + 0.1 saves 1 kWh."""
    text = park(PARK.replace("max_kw: 30, unit_kw: 5,", "fixed_kw: 10,") % day(0.3, 0.9))
    results = solved(text)
    assert results.of("wind.generation") == pytest.approx([3, 9])
    assert results.cost == pytest.approx(6 + 9 + 3)
    windier = solved(text.replace("[0.3", "[0.4"))
    assert results.cost - windier.cost == pytest.approx(1)


def test_output_follows_from_speed_and_power_curve() -> None:
    """Proves: the turbine's output is found from the weather, renewable, and at most 1 kW per kW.

    Sensitivity: with 10 % of losses there is 10 % less.
    """
    calm, windy = ", ".join(["10"] * 12), ", ".join(["9"] * 12)
    ghi = ", ".join(["2"] * 12)
    text = park(
        """
        load: {type: load, power_kw: 10}
        grid: {type: grid, import_price_per_kwh: 1, export_price_per_kwh: 0.5}
        wind: {type: wind, power_kw: 5, turbine: {power_curve: iec_class_3_composite, hub_height_m: 100, roughness_length_m: 0.05}}
        less:
          type: wind
          power_kw: 5
          turbine: {power_curve: iec_class_3_composite, hub_height_m: 100, roughness_length_m: 0.05, losses_fraction: 10 %}
        """,
        hours=12,
        site="{latitude: 41, longitude: 113, timezone: Asia/Shanghai, weather: {synthetic: "
        f"{{ghi_kwh_per_m2_day: [{ghi}], temperature_degc: [{calm}], wind_speed_m_per_s: [{windy}]}}}}}}",
    )
    results = solved(text)
    made = results.of("wind.generation")
    assert 0 < made.max() <= 5
    assert results.of("less.generation") == pytest.approx(0.9 * made)
    assert results.total("generation", renewable=True) == pytest.approx(1.9 * made.sum())
