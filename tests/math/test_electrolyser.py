from __future__ import annotations

import pytest

from microgrid_opt.errors import InputError
from tests.support import bill, park, solve_text, solved

GRID = "grid: {type: grid, import_price_per_kwh: 0.1}"
DEMAND = "process: {type: hydrogen_demand, flow_kg_per_hour: 2}"
TRUCK = "truck: {type: supply, carrier: hydrogen, price_per_kg: 20}"


def test_size_is_counted_on_the_electricity_taken() -> None:
    """Proves: 54 kW at 54 kWh/kg make 1 kg/h for 5.4, the other kg is trucked for 20.

    Sensitivity: 54 kW more save 20 − 5.4.
    """
    text = park(
        f"{DEMAND}\n{GRID}\n{TRUCK}\n"
        "cell: {type: electrolyser, power_kw: 54, consumption_kwh_per_kg: 54}",
        hours=1,
    )
    results = solved(text)
    assert results.of("cell.input") == pytest.approx([54])
    assert results.cost == pytest.approx(5.4 + 20)
    double = solved(text.replace("power_kw: 54", "power_kw: 108"))
    assert results.cost - double.cost == pytest.approx(14.6)


def test_size_follows_from_the_saving_per_kw() -> None:
    """Proves: a kW saves 20/54 − 0.1 = 0.27 an hour: bought at 0.2, 108 kW for 2 kg/h.

    Sensitivity: at 0.3 none is bought.
    """
    text = park(
        f"{DEMAND}\n{GRID}\n{TRUCK}\n"
        "cell: {type: electrolyser, consumption_kwh_per_kg: 54, "
        "power_kw: {max_kw: 500, capex_per_kw: 2, lifetime_years: 10}}",
        hours=1,
    )
    results = solved(text)
    assert results.size("cell") == pytest.approx(108)
    assert results.cost == pytest.approx(108 * 0.1 + 108 * 0.2)
    assert solved(text.replace("capex_per_kw: 2,", "capex_per_kw: 3,")).size("cell") == 0


def test_heat_is_recovered_and_cost_is_booked() -> None:
    """Proves: 100 kW make 2 kg, 20 kW of heat, 100 × 0.01 + 2 × 0.5 of operating cost.

    Sensitivity: heat from the district at 1 a kWh is saved by 20 kWh.
    """
    text = park(
        f"""
        {DEMAND}
        {GRID}
        heat: {{type: heat_demand, power_kw: 30}}
        district: {{type: supply, carrier: heat, price_per_kwh: 1}}
        cell:
          type: electrolyser
          power_kw: 100
          consumption_kwh_per_kg: 50
          heat_recovery_fraction: 0.2
          variable_om_per_kwh: 0.01
          variable_om_per_kg: 0.5
        """,
        hours=1,
    )
    results = solved(text)
    assert bill(results, "cell", "variable_om") == pytest.approx(2)
    assert results.of("district.purchase") == pytest.approx([10])
    assert results.cost == pytest.approx(10 + 2 + 10)
    without = solved(text.replace("heat_recovery_fraction: 0.2", "heat_recovery_fraction: 0"))
    assert without.cost - results.cost == pytest.approx(20)
    hours = results.details.set_index(["asset", "name"])["value"]
    assert hours["cell", "full_load_hours"] == pytest.approx(1)


def test_electricity_for_hydrogen_is_no_demand() -> None:
    """Proves: energy table: conversion draws 100 kWh of electricity, gives 2 kg. Sensitivity: roles."""
    results = solved(
        park(
            f"{DEMAND}\n{GRID}\ncell: {{type: electrolyser, power_kw: 100, consumption_kwh_per_kg: 50}}",
            hours=1,
        )
    )
    assert results.total("conversion") == pytest.approx(100)
    assert results.total("conversion", "hydrogen") == pytest.approx(2)
    assert results.total("demand") == 0.0


def test_size_on_output_is_refused() -> None:
    """Proves: the other way of counting is refused rather than ignored."""
    with pytest.raises(InputError, match=r"size_on = 'output': must be `input`"):
        solve_text(
            park(
                f"{GRID}\ncell: {{type: electrolyser, power_kw: 1, size_on: output, "
                "consumption_kwh_per_kg: 50}"
            )
        )
