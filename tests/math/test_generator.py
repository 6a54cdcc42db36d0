from __future__ import annotations

import pytest

from microgrid_opt.errors import InputError
from tests.support import bill, day, park, problem_of, solved

PARK = """
    load: {type: load, power_kw: %s}
    grid: {type: grid, import_price_per_kwh: %s}
    gas: {type: supply, carrier: gas, price_per_kwh: 0.3, co2_kg_per_kwh: 0.2}
    engine: {type: generator, fuel: gas, electric_efficiency: 0.4, %s}
"""


def test_fuel_becomes_electricity_up_to_the_size() -> None:
    """Proves: 60 of 100 kW from 150 kW of gas: 45 + 40 + 0.6, 30 kg of CO2 at the purchase.

    Sensitivity: a kW saves 1 − 0.75 − 0.01.
    """
    text = park(PARK % (100, 1, "power_kw: 60, variable_om_per_kwh: 0.01"), hours=1)
    results = solved(text)
    assert results.of("engine.fuel_gas") == pytest.approx([150])
    assert bill(results, "engine", "variable_om") == pytest.approx(0.6)
    assert bill(results, "gas", "purchase", "co2") == pytest.approx(30)
    assert results.cost == pytest.approx(45 + 40 + 0.6)
    assert results.total("generation") == pytest.approx(60)
    assert results.total("generation", renewable=True) == 0.0
    more = solved(text.replace("power_kw: 60", "power_kw: 61"))
    assert results.cost - more.cost == pytest.approx(0.24)


def test_engine_runs_when_the_grid_is_dear() -> None:
    """Proves: at 0.7 it stands, at 0.8 it runs: 0.3 / 0.4 = 0.75. Sensitivity: the price of gas."""
    text = park(PARK % (50, day(0.7, 0.8), "power_kw: 60"))
    results = solved(text)
    assert results.of("engine.fuel_gas") == pytest.approx([0, 125])
    cheap = solved(text.replace("price_per_kwh: 0.3,", "price_per_kwh: 0.27,"))
    assert cheap.of("engine.fuel_gas") == pytest.approx([125, 125])


def test_heat_is_recovered() -> None:
    """Proves: 40 kW of electricity bring 45 of heat; what nobody needs goes to a `dump`.

    45 × 0.5 are saved of 60 × 0.5; of a demand of 20 kW 25 are dumped. Sensitivity: without recovery
    all heat is bought.
    """
    keys = "power_kw: 40, heat_recovery_fraction: 0.45"
    text = park(
        PARK % (100, 1, keys)
        + f"    heat: {{type: heat_demand, power_kw: {day(60, 20)}}}\n"
        + "    district: {type: supply, carrier: heat, price_per_kwh: 0.5}\n"
        + "    outlet: {type: dump, carrier: heat}"
    )
    results = solved(text)
    assert results.of("district.purchase") == pytest.approx([15, 0])
    assert results.of("outlet.dumped") == pytest.approx([0, 25])
    assert results.cost == pytest.approx(2 * (30 + 60) + 15 * 0.5)
    without = solved(text.replace(", heat_recovery_fraction: 0.45", ""))
    assert without.of("district.purchase") == pytest.approx([60, 20])


def test_size_is_chosen_in_unequal_steps() -> None:
    """Proves: a kW saves 0.25 × 3.5 h = 0.875: bought at 0.8, not at 0.9. Sensitivity: the price."""
    text = park(
        PARK % (100, 1, "power_kw: {max_kw: 150, annual_cost_per_kw: 0.8}"),
        horizon="{start: 2025-03-03, steps_hours: [1, 2, 0.5]}",
    )
    results = solved(text)
    assert results.size("engine") == pytest.approx(100)
    assert results.cost == pytest.approx(100 * 0.75 * 3.5 + 80)
    assert solved(text.replace("kw: 0.8}", "kw: 0.9}")).size("engine") == pytest.approx(0)


def test_start_is_worth_its_cost_or_not() -> None:
    """Proves: an hour at 50 kW saves 12.5: started for 12, not for 13. Sensitivity: start cost."""
    text = park(
        PARK
        % (50, day(0.5, 1), "power_kw: 60, commitment: {start_cost: 12, min_load_fraction: 0.5}")
    )
    results = solved(text)
    assert results.of("engine.on").tolist() == [0, 1]
    assert results.cost == pytest.approx(25 + 37.5 + 12)
    dear = solved(text.replace("start_cost: 12", "start_cost: 13"))
    assert dear.of("engine.on").tolist() == [0, 0]


def test_least_load_keeps_a_small_load_off_the_engine() -> None:
    """Proves: 0.5 × 60 kW is least: 29 kW are bought, 31 are made. Sensitivity: without commitment."""
    text = park(PARK % (day(29, 31), 1, "power_kw: 60, commitment: {min_load_fraction: 0.5}"))
    results = solved(text)
    assert results.of("engine.fuel_gas") == pytest.approx([0, 77.5])
    free = solved(text.replace(", commitment: {min_load_fraction: 0.5}", ""))
    assert free.of("engine.fuel_gas") == pytest.approx([72.5, 77.5])


def test_hot_days_take_from_the_size_of_a_committed_turbine() -> None:
    """Proves: at 80 % of 50 kW it makes 40, and its least load is half of that.

    Loads of 45 and 19 in steps of 2 and 0.5 h: 40 and none; sensitivity: 21 is made.
    """
    keys = f"power_kw: 50, available_fraction: {day(0.8, 0.8, 0.8)}"
    text = park(
        PARK % (day(45, 45, 19), 1, f"{keys}, commitment: {{min_load_fraction: 0.5}}"),
        horizon="{start: 2025-03-03, steps_hours: [2, 0.5]}",
    )
    assert solved(text).of("engine.fuel_gas") == pytest.approx([100, 0])
    more = solved(text.replace("[45, 45, 19", "[45, 45, 21"))
    assert more.of("engine.fuel_gas") == pytest.approx([100, 52.5])


def test_blend_with_biogas_counts_for_a_renewable_target() -> None:
    """Proves: 30 % renewable of 100 kWh used needs 75 kWh of biogas; it costs 0.2 more each.

    Sensitivity: without the target, none; the shadow price of a kWh is 0.2 / 0.4.
    """
    fuels = "fuels: {gas: {}, biogas: {renewable: true}}, power_kw: 100"
    text = park(
        (PARK % (100, 1, fuels)).replace("fuel: gas, ", "")
        + "    biogas: {type: supply, carrier: biogas, price_per_kwh: 0.5}",
        hours=1,
        carriers="{biogas: {}}",
        targets="{min_renewable_share: 30 %}",
    )
    results = solved(text)
    assert results.of("engine.fuel_biogas") == pytest.approx([75])
    assert results.of("engine.fuel_gas") == pytest.approx([175])
    assert results.total("generation", renewable=True) == pytest.approx(30)
    (row,) = results.caps.to_dict("records")
    assert row["shadow_price"] == pytest.approx(0.5)
    free = solved(text.replace("min_renewable_share: 30 %", ""))
    assert free.of("engine.fuel_biogas") == pytest.approx([0])


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("power_kw: 1, heat_recovery_fraction: 0.9", r"gives 1\.3 kWh for each kWh of gas"),
        ("power_kw: 1, size_on: input", r"size_on = 'input': must be `output`"),
        ("power_kw: 1, fuels: {coal: {}}", "`fuel` and `fuels` are both given"),
        ("power_kw: 1, available_fraction: 1.2", "at most 1"),
        ("power_kw: {capex_per_kw: 1, lifetime_years: 9}, commitment: {}", "give max_kw"),
        ("power_kw: 1, heat_carrier: gas", "gas is also what the unit makes"),
    ],
)
def test_bad_input(keys: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        problem_of(park(PARK % (1, 1, keys)))


CURVE = (
    "part_load: [{load_fraction: 0.5, efficiency_factor: 0.8}, "
    "{load_fraction: 1, efficiency_factor: 1}]"
)


def test_efficiency_falls_with_the_load() -> None:
    """Proves: 50 of 100 kW take 50 / (0.4 × 0.8), 75 the mean of that and 250: a straight line.

    Steps of 1 and 2 h. Sensitivity: at constant efficiency 125 and 187.5.
    """
    keys = (
        f"power_kw: 100, variable_om_per_kwh: 0.01, commitment: {{min_load_fraction: 0.5}}, {CURVE}"
    )
    text = park(
        PARK % (day(50, 75, 75), 2, keys),
        horizon="{start: 2025-03-03, steps_hours: [1, 2]}",
    )
    results = solved(text)
    assert results.of("engine.output") == pytest.approx([50, 75])
    assert results.of("engine.fuel_gas") == pytest.approx([156.25, 203.125])
    assert results.cost == pytest.approx((156.25 + 406.25) * 0.3 + 2)
    assert bill(results, "engine", "variable_om") == pytest.approx(2)
    flat = solved(text.replace(f", {CURVE}", ""))
    assert flat.of("engine.fuel_gas") == pytest.approx([125, 187.5])


def test_part_load_of_a_blend_and_its_heat() -> None:
    """Proves: the curve gives the effective fuel: with a factor of 0.5 for half of it 156.25 / 0.75.

    Heat follows the fuel: 0.3 of what is effective. Sensitivity: pure gas takes 156.25.
    """
    blend = "fuels: {gas: {max_share: 0.5}, biomass: {efficiency_factor: 0.5, renewable: true}}"
    keys = f"power_kw: 100, heat_recovery_fraction: 0.3, commitment: {{min_load_fraction: 0.5}}, {CURVE}"
    text = park(
        (PARK % (50, 9, keys)).replace("fuel: gas", blend)
        + "    biomass: {type: supply, carrier: biomass, price_per_kwh: 0.9}\n"
        + "    outlet: {type: dump, carrier: heat}",
        hours=1,
    )
    results = solved(text)
    each = 156.25 / 0.75 / 2
    assert results.of("engine.fuel_gas") == pytest.approx([each])
    assert results.of("engine.fuel_biomass") == pytest.approx([each])
    assert results.of("outlet.dumped") == pytest.approx([0.3 * 156.25])
    assert results.total("generation", renewable=True) == 0.0
    pure = solved(text.replace("max_share: 0.5", "max_share: 1"))
    assert pure.of("engine.fuel_gas") == pytest.approx([156.25])


def test_standby_draws_its_fuel() -> None:
    """Proves: in standby the engine draws 0.02 × 100 kW of gas and spares a start of 5: 0.6 an hour.

    Loads of 50, 0, 50. Sensitivity: at a start cost of 0.5 it is switched off.
    """
    rules = "{start_cost: 5, min_load_fraction: 0.2, standby: {power_fraction: 0.02, carrier: gas}}"
    text = park(
        PARK % (day(50, 0, 50), 1, f"power_kw: 100, commitment: {rules}"),
        hours=3,
    )
    results = solved(text)
    assert results.of("engine.standby").tolist() == [0, 1, 0]
    assert results.of("gas.purchase") == pytest.approx([125, 2, 125])
    assert results.cost == pytest.approx(252 * 0.3 + 5)
    off = solved(text.replace("start_cost: 5", "start_cost: 0.5"))
    assert off.of("gas.purchase") == pytest.approx([125, 0, 125])


def test_part_load_without_commitment_goes_down_to_nothing() -> None:
    """Proves: below half load it follows the line to the origin: 25 kW take half of 156.25.

    Sensitivity: with a least load of 0.5 they are bought.
    """
    text = park(PARK % (day(25, 50), 9, f"power_kw: 100, {CURVE}"))
    results = solved(text)
    assert results.of("engine.fuel_gas") == pytest.approx([78.125, 156.25])
    least = solved(text.replace(CURVE, f"{CURVE}, commitment: {{min_load_fraction: 0.5}}"))
    assert least.of("engine.fuel_gas") == pytest.approx([0, 156.25])
