from __future__ import annotations

import pytest

from microgrid_opt.errors import InputError
from tests.support import bill, day, park, problem_of, solved

PARK = """
    heat: {type: heat_demand, power_kw: 100}
    district: {type: supply, carrier: heat, price_per_kwh: 1}
    coal: {type: supply, carrier: coal, price_per_kwh: 0.1, co2_kg_per_kwh: 0.35}
    biomass: {type: supply, carrier: biomass, price_per_kwh: 0.2}
    boiler: {type: fuel_boiler, efficiency: 0.8, %s}
"""


def test_one_fuel_up_to_the_size_on_output() -> None:
    """Proves: 72 kW of heat from 90 kW of coal, 31.5 kg: 9 + 28 + 0.72 + 0.9.

    Sensitivity: a kW saves 1 − 0.1 / 0.8 and its operating costs.
    """
    text = park(
        PARK % "fuel: coal, power_kw: 72, variable_om_per_kwh: 0.01, input_cost_per_kwh: 0.01",
        hours=1,
    )
    results = solved(text)
    assert results.of("boiler.fuel_coal") == pytest.approx([90])
    assert bill(results, "boiler", "variable_om") == pytest.approx(0.72 + 0.9)
    assert results.cost == pytest.approx(9 + 28 + 1.62)
    assert results.co2_kg == pytest.approx(31.5)
    more = solved(text.replace("power_kw: 72", "power_kw: 73"))
    assert results.cost - more.cost == pytest.approx(1 - 0.125 - 0.01 - 0.0125)


def test_size_on_input_is_fuel() -> None:
    """Proves: 72 kW of coal give 57.6 kW. Sensitivity: 14.4 kW less than on output."""
    results = solved(park(PARK % "fuel: coal, power_kw: 72, size_on: input", hours=1))
    assert results.of("boiler.fuel_coal") == pytest.approx([72])
    assert results.of("district.purchase") == pytest.approx([100 - 57.6])


@pytest.mark.parametrize("side", ["output", "input"])
def test_blend_shares_one_size(side: str) -> None:
    """Proves: half and half of 0.8 × (f + 0.5 f): 48 kW on the output are 40 kW of each fuel, and 80
    kW on the input are the same. Sensitivity: each way of counting is one kW of its own.
    """
    fuels = "fuels: {coal: {max_share: 0.5}, biomass: {efficiency_factor: 0.5}}"
    power = {"output": 48, "input": 80}[side]
    text = park(PARK % f"{fuels}, size_on: {side}, power_kw: {power}", hours=1)
    results = solved(text)
    assert results.of("boiler.fuel_coal") == pytest.approx([40])
    assert results.of("boiler.fuel_biomass") == pytest.approx([40])
    assert results.cost == pytest.approx(52 + 4 + 8)
    more = solved(text.replace(f"power_kw: {power}", f"power_kw: {power + 1}"))
    heat = more.of("district.purchase") - results.of("district.purchase")
    assert heat == pytest.approx([-1 if side == "output" else -0.6])


def test_least_load_of_a_blend() -> None:
    """Proves: at least 50 kW of heat while on: in the hour of 30 kW the boiler stands.

    Sensitivity: without commitment it runs; with a least load of 0.3 as well.
    """
    text = park(
        (PARK % "fuels: {coal: {max_share: 0.5}, biomass: {}}, power_kw: 100, %s").replace(
            "heat_demand, power_kw: 100", f"heat_demand, power_kw: {day(30, 80)}"
        )
        % "commitment: {min_load_fraction: 0.5, start_cost: 3}"
    )
    results = solved(text)
    assert results.of("boiler.on").tolist() == [0, 1]
    assert results.cost == pytest.approx(30 + 80 / 0.8 * 0.15 + 3)
    free = solved(text.replace("min_load_fraction: 0.5", "min_load_fraction: 0.3"))
    assert free.of("boiler.on").tolist() == [1, 1]
    assert free.cost == pytest.approx(110 / 0.8 * 0.15 + 3)


def test_chosen_size_of_a_blend_in_unequal_steps() -> None:
    """Proves: 100 kW cost 30, and burn 125 kW for 3.5 h at 0.15. Sensitivity: at 4 per kW none."""
    text = park(
        PARK
        % (
            "fuels: {coal: {max_share: 0.5}, biomass: {}}, "
            "power_kw: {max_kw: 150, annual_cost_per_kw: 0.3}, "
            "commitment: {min_load_fraction: 0.5}"
        ),
        horizon="{start: 2025-03-03, steps_hours: [1, 2, 0.5]}",
    )
    results = solved(text)
    assert results.size("boiler") == pytest.approx(100)
    assert results.cost == pytest.approx(30 + 125 * 3.5 * 0.15)
    assert solved(text.replace("kw: 0.3}", "kw: 4}")).size("boiler") == pytest.approx(0)


def test_steam_boiler() -> None:
    """Proves: heat goes to the carrier that is named: none of it serves hot water."""
    text = park(
        PARK % "fuel: coal, power_kw: 200, heat_carrier: steam"
        + "    mill: {type: recipe, inputs: {steam: 2}, outputs: {heat: 1}, size_on: heat, power_kw: 30}",
        hours=1,
        carriers="{steam: {temperature_degc: 180}}",
    )
    results = solved(text)
    assert results.of("boiler.fuel_coal") == pytest.approx([75])
    assert results.of("district.purchase") == pytest.approx([70])


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("fuel: heat, power_kw: 1", "boiler.fuel = 'heat': heat is also what the unit makes"),
        ("fuel: hydrogen, power_kw: 1", "hydrogen is counted in kg: fuels are counted in kWh"),
        ("fuels: {coal: {efficiency_factor: 1.5}}, power_kw: 1", r"gives 1\.2 kWh .* of coal"),
        ("fuel: lignite, power_kw: 1", "boiler.fuel = 'lignite': is no carrier of the park"),
        (
            "fuel: coal, power_kw: {capex_per_kw: 1, lifetime_years: 9}, commitment: {}",
            "`commitment` needs a bound: give max_kw",
        ),
    ],
)
def test_bad_input(keys: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        problem_of(park(PARK % keys))


@pytest.mark.parametrize(("side", "power"), [("output", 80), ("input", 100)])
def test_part_load(side: str, power: float) -> None:
    """Proves: at half load the efficiency is 0.9 × 0.8: 40 kW of heat take 40 / 0.72 of coal.

    Counted on the input, half load is 50 kW of coal and 36 of heat; 4 more on a line to 80 take
    4 × 50 / 44. Sensitivity: at full load 100.
    """
    keys = (
        f"fuel: coal, size_on: {side}, power_kw: {power}, commitment: {{min_load_fraction: 0.5}}, "
        "part_load: [{load_fraction: 0.5, efficiency_factor: 0.9}, "
        "{load_fraction: 1, efficiency_factor: 1}]"
    )
    text = park(PARK % keys).replace(
        "heat_demand, power_kw: 100", f"heat_demand, power_kw: {day(40, 80)}"
    )
    taken = {"output": 40 / 0.72, "input": 50 + 4 * 50 / 44}[side]
    results = solved(text)
    assert results.of("boiler.fuel_coal") == pytest.approx([taken, 100])
    assert results.of("boiler.output") == pytest.approx([40, 80])


def test_part_load_on_the_input_of_unequal_fuels_is_refused() -> None:
    points = (
        "[{load_fraction: 0.5, efficiency_factor: 0.9}, {load_fraction: 1, efficiency_factor: 1}]"
    )
    keys = f"fuels: {{coal: {{}}, biomass: {{efficiency_factor: 0.9}}}}, size_on: input, power_kw: 9, part_load: {points}"
    with pytest.raises(
        InputError, match=r"boiler\.part_load.*does not go with `efficiency_factor`"
    ):
        problem_of(park(PARK % keys))
