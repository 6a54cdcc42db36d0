from __future__ import annotations

import pytest

from microgrid_opt.errors import InputError
from tests.support import bill, day, park, solve_text, solved

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


BY_LOAD = "consumption_by_load: [{load_fraction: 0.5, kwh_per_kg: 40}, {load_fraction: 1, kwh_per_kg: 50}]"


def test_consumption_follows_the_load() -> None:
    """Proves: 100 kW make 2 kg/h at 50 kWh/kg, 50 kW 1.25 kg/h at 40, and 75 kW the mean, 1.625; below
    half load it stays at 40. On steps of 1, 2 and 0.5 h.

    Sensitivity: at 50 kWh/kg throughout 1.25 kg/h take 62.5 kW.
    """
    text = park(
        f"""
        process: {{type: hydrogen_demand, flow_kg_per_hour: {day(1.25, 2, 2, 1.625, 0.5)}}}
        {GRID}
        cell: {{type: electrolyser, power_kw: 100, {BY_LOAD}}}
        """,
        horizon="{start: 2025-03-03, steps_hours: [1, 2, 0.5, 0.5, 0.5]}",
    )
    results = solved(text)
    assert results.of("cell.input") == pytest.approx([50, 100, 75, 75, 20])
    assert results.run.kind == "LP"
    figures = results.details.set_index(["asset", "name"])["value"]
    taken, made = 50 + 200 + 37.5 + 37.5 + 10, 1.25 + 4 + 0.8125 + 0.8125 + 0.25
    assert figures["cell", "mean_consumption"] == pytest.approx(taken / made)
    plain = solved(text.replace(BY_LOAD, "consumption_kwh_per_kg: 50"))
    assert plain.of("cell.input")[0] == pytest.approx(62.5)


ALKALINE = f"""
process: {{type: hydrogen_demand, flow_kg_per_hour: {day(2, 0, 1.25)}}}
{GRID}
cell:
  type: electrolyser
  power_kw: %s
  {BY_LOAD}
  commitment:
    min_load_fraction: 0.5
    standby: {{power_fraction: 0.02}}
  stack: {{cost_per_kw: 800, life_hours: 80000, hours_per_start: 20}}
"""


@pytest.mark.parametrize(
    ("size", "fixed"),
    [("100", 0.0), ("{min_kw: 100, max_kw: 500, annual_cost_per_kw: 0.03}", 3.0)],
)
def test_standby_and_wear_of_the_stack(size: str, fixed: float) -> None:
    """Proves: a stack of 800 a kW lasts 80,000 h: 1 for each hour on of 100 kW, and 20 for a start that
    takes 20 h of life. The idle hour is spent in standby for 2 kWh at 0.1 instead of a second start.

    Sensitivity: without wear by starts the unit is off in the idle hour.
    """
    text = park(ALKALINE % size, hours=3)
    results = solved(text)
    assert results.of("cell.on").tolist() == [1, 0, 1]
    assert results.of("cell.standby").tolist() == [0, 1, 0]
    assert results.of("grid.import") == pytest.approx([100, 2, 50])
    assert bill(results, "cell", "running") == pytest.approx(2)
    assert bill(results, "cell", "start") == pytest.approx(20)
    assert results.cost == pytest.approx(15.2 + 22 + fixed)
    figures = results.details.set_index(["asset", "name"])["value"]
    assert figures["cell", "starts"] == 1
    assert figures["cell", "hours_on"] == 2
    assert figures["cell", "hours_in_standby"] == 1
    assert figures["cell", "mean_consumption"] == pytest.approx(152 / 3.25)
    cold = solved(text.replace(", hours_per_start: 20", ""))
    assert cold.of("cell.standby").tolist() == [0, 0, 0]


def test_wear_makes_a_chosen_stack_smaller() -> None:
    """Proves: wear counts the size that is on. 1.25 kg/h take 62.5 kWh from 62.5 kW and 50 from 100 kW:
    each kW saves a third of a kWh, 0.033, which pays for wear of 0.01 per kW and hour.

    Sensitivity: it does not pay for 0.04.
    """
    text = park(
        ALKALINE.replace(day(2, 0, 1.25), day(1.25)) % "{max_kw: 500, annual_cost_per_kw: 0.001}",
        hours=1,
    ).replace(", hours_per_start: 20", "")
    assert solved(text).size("cell") == pytest.approx(100)
    assert solved(text.replace("_kw: 800", "_kw: 3200")).size("cell") == pytest.approx(62.5)


def test_water_is_taken_and_oxygen_is_made() -> None:
    """Proves: 2 kg/h take 20 kg/h of water at 0.01 and leave 2 × 15.999/2.016 kg/h of oxygen.

    Sensitivity: without `water_kg_per_kg` the water is free; oxygen needs a carrier to count.
    """
    text = park(
        f"""
        {DEMAND}
        {GRID}
        well: {{type: supply, carrier: water, price_per_kg: 0.01}}
        vent: {{type: dump, carrier: oxygen}}
        cell:
          type: electrolyser
          power_kw: 100
          consumption_kwh_per_kg: 50
          water_kg_per_kg: 10
          water_carrier: water
          oxygen_carrier: oxygen
        """,
        hours=1,
        carriers="{water: {unit: kg}, oxygen: {unit: kg}}",
    )
    results = solved(text)
    assert results.of("well.purchase") == pytest.approx([20])
    assert results.of("vent.dumped") == pytest.approx([2 * 15.999 / 2.016])
    assert results.cost == pytest.approx(10 + 0.2)
    curve = BY_LOAD.replace("kwh_per_kg: 40", "kwh_per_kg: 45")
    by_load = solved(text.replace("consumption_kwh_per_kg: 50", curve))
    assert by_load.of("well.purchase") == pytest.approx([20])
    assert by_load.of("vent.dumped") == pytest.approx([2 * 15.999 / 2.016])


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ("label: cell", "`consumption_by_load` are both missing: give exactly one"),
        (f"consumption_kwh_per_kg: 50, {BY_LOAD}", "are both given: give exactly one"),
        ("consumption_kwh_per_kg: 33", r"consumption_kwh_per_kg: is below 33.33 kWh/kg, the lower"),
        (BY_LOAD.replace("40", "30"), r"consumption_by_load: is below 33.33 kWh/kg"),
        (BY_LOAD.replace("fraction: 1", "fraction: 0.9"), "ends at a load of 0.9"),
        (
            "consumption_kwh_per_kg: 50, heat_recovery_fraction: 0.4",
            r"heat_recovery_fraction: is more than 0.333, .* hydrogen at 50 kWh/kg",
        ),
        ("consumption_kwh_per_kg: 50, water_kg_per_kg: 9", "go together: give both or neither"),
        (
            "consumption_kwh_per_kg: 50, stack: {cost_per_kw: 9, life_hours: 9}",
            "stack: needs `commitment`, which knows the hours on",
        ),
        (
            "consumption_kwh_per_kg: 50, part_load: [{load_fraction: 1, efficiency_factor: 1}]",
            "part_load: is told by `consumption_by_load`",
        ),
        (
            "consumption_kwh_per_kg: 50, oxygen_carrier: heat",
            "oxygen_carrier = 'heat': is not counted in kg",
        ),
        (
            "consumption_kwh_per_kg: 50, heat_carrier: hydrogen, heat_recovery_fraction: 0.1",
            "heat_carrier = 'hydrogen': is no heat",
        ),
    ],
)
def test_bad_input_is_refused(keys: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        solve_text(park(f"{DEMAND}\n{GRID}\ncell: {{type: electrolyser, power_kw: 9, {keys}}}"))
