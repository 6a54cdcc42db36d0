from __future__ import annotations

import pytest

from microgrid_opt.errors import InputError
from tests.support import bill, day, park, problem_of, solved

PARK = """
    heat: {type: heat_demand, power_kw: 100}
    district: {type: supply, carrier: heat, price_per_kwh: 1}
    grid: {type: grid, import_price_per_kwh: 0.3}
    boiler: {type: electric_boiler, power_kw: 90, efficiency: 0.9%s}
"""


def test_size_on_output_is_heat() -> None:
    """Proves: 90 kW of heat from 100 kW: 30 + 10 × 1. Sensitivity: a kW more saves 1 − 0.3/0.9."""
    text = park(PARK % "", hours=1)
    results = solved(text)
    assert results.of("boiler.input") == pytest.approx([100])
    assert results.cost == pytest.approx(40)
    more = solved(text.replace("power_kw: 90", "power_kw: 91"))
    assert results.cost - more.cost == pytest.approx(1 - 0.3 / 0.9)


def test_size_on_input_is_electricity() -> None:
    """Proves: 90 kW of electricity give 81 kW: 27 + 19. Sensitivity: 6 dearer than size on output."""
    results = solved(park(PARK % ", size_on: input", hours=1))
    assert results.of("boiler.input") == pytest.approx([90])
    assert results.cost == pytest.approx(46)


def test_costs_on_input_and_on_output_add_up() -> None:
    """Proves: 100 kWh in at 0.02 and 90 kWh out at 0.01 cost 2.9. Sensitivity: they shift the choice.

    With 0.64 on the input a kWh of heat costs 0.94/0.9 > 1, and the district serves it all.
    """
    text = park(PARK % ", variable_om_per_kwh: 0.01, input_cost_per_kwh: 0.02", hours=1)
    assert bill(solved(text), "boiler", "variable_om") == pytest.approx(2.9)
    dear = solved(text.replace("input_cost_per_kwh: 0.02", "input_cost_per_kwh: 0.64"))
    assert dear.cost == pytest.approx(100)


@pytest.mark.parametrize(("side", "size"), [("output", 100), ("input", 100 / 0.9)])
def test_chosen_size_on_either_side(side: str, size: float) -> None:
    """Proves: the chosen size covers 100 kW of heat, counted on its side. Sensitivity: 1/0.9 apart."""
    text = park(PARK % f", size_on: {side}", hours=1)
    priced = "power_kw: {max_kw: 500, capex_per_kw: 1, lifetime_years: 10}"
    assert solved(text.replace("power_kw: 90", priced)).size("boiler") == pytest.approx(size)


def test_electrode_boiler_makes_steam_with_a_least_load() -> None:
    """Proves: 60 kW of steam are more than 0.5 of 100 kW, 40 are less: bought at 1 for 2 h.

    Sensitivity: without least load both steps run.
    """
    text = park(
        f"""
        dryer: {{type: heat_demand, heat_carrier: steam, power_kw: {day(60, 40, 40)}}}
        network: {{type: supply, carrier: steam, price_per_kwh: 1}}
        grid: {{type: grid, import_price_per_kwh: 0.5}}
        boiler:
          type: electric_boiler
          heat_carrier: steam
          power_kw: 100
          efficiency: 1
          commitment: {{min_load_fraction: 0.5}}
        """,
        horizon="{start: 2025-03-03, steps_hours: [1, 2]}",
        carriers="{steam: {temperature_degc: 180}}",
    )
    assert solved(text).cost == pytest.approx(30 + 80)
    assert solved(text.replace("fraction: 0.5", "fraction: 0.4")).cost == pytest.approx(30 + 40)


def test_efficiency_above_one_is_refused() -> None:
    """Proves: a boiler lifts no heat from elsewhere."""
    with pytest.raises(InputError, match=r"boiler\.efficiency = 3: must be at most 1"):
        problem_of(park((PARK % "").replace("efficiency: 0.9", "efficiency: 3")))
