"""CO2 accounts of members: each within its own cap, or all within the sum."""

from __future__ import annotations

import pytest

from tests.support import park, solved

ASSETS = """
a_load: {type: load, member: a, power_kw: 10}
b_load: {type: load, member: b, power_kw: 10}
a_grid:
  type: grid
  member: a
  import_price_per_kwh: 0.1
  co2_kg_per_kwh: 0.5
  wheeling: {at: town, single_meter: never}
b_grid:
  type: grid
  member: b
  import_price_per_kwh: 0.1
  co2_kg_per_kwh: 0.5
  wheeling: {at: town, sends: generation}
a_green: {type: supply, member: a, carrier: electricity, price_per_kwh: 0.3}
"""


def _park(cap_of_b_kg: float, *, pooled: bool = False) -> str:
    """Two users of 10 kW for 4 h; bought power at 0.1 with 0.5 kg/kWh, green power at a at 0.3."""
    a, b = (kg * 8760 / 4 / 1000 for kg in (5.0, cap_of_b_kg))
    return park(
        ASSETS,
        hours=4,
        members=f"{{a: {{carbon: {{cap_t_per_year: {a}}}}}, b: {{carbon: {{cap_t_per_year: {b}}}}}}}",
        trading=f"{{network: {{nodes: {{town: {{}}}}}}, rules: {{pooled_carbon: {pooled}}}}}".lower(),
    )


def test_own_caps_bind_one_by_one() -> None:
    """Proves: a may buy 10 kWh with its 5 kg and takes 30 kWh of green power; b buys 40 kWh with 20 kg.

    Sensitivity: cost 0.1 * 50 + 0.3 * 30 = 14; without the caps it is 8.
    """
    results = solved(_park(20.0))
    assert results.cost == pytest.approx(14.0)
    caps = results.caps.set_index("name")
    assert caps.loc["co2_cap_of_a", "value"] == pytest.approx(5.0)
    assert caps.loc["co2_cap_of_a", "binding"]
    # One more kg lets 2 kWh at 0.1 take the place of green power at 0.3.
    assert caps.loc["co2_cap_of_a", "shadow_price"] == pytest.approx(0.4)


def test_pooled_caps_count_together() -> None:
    """Proves: what b leaves of its cap, a may use where the caps are pooled.

    Sensitivity: b with 24 kg leaves 4 kg idle (cost 14); pooled they replace 8 kWh of green power:
    14 - 8 * 0.2 = 12.4.
    """
    assert solved(_park(24.0)).cost == pytest.approx(14.0)
    results = solved(_park(24.0, pooled=True))
    assert results.cost == pytest.approx(12.4)
    assert set(results.caps["name"]) == {"co2_cap_of_members"}


def test_a_cap_moves_power_between_members() -> None:
    """Proves: green power that a sends lets b keep its cap; b alone could not.

    Sensitivity: with 10 kg b buys 20 kWh and takes 20 kWh from a, whose 30 kWh stay green: 0.1 * 30 +
    0.3 * 50 = 18.
    """
    assert solved(_park(10.0)).cost == pytest.approx(18.0)
