"""Capture of 1000 kg/h from a kiln: 90 % of what is treated, at most 720 kg/h.

A tonne captured costs 200 kWh × 0.5 + 1000 kWh × 0.2 + 50, and 100 in the store: 450.
"""

from __future__ import annotations

import pytest

from microgrid_opt.errors import InfeasibleError, InputError
from tests.support import bill, day, park, solve_text, solved

FLUE = "{flue_co2: {unit: kg}}"
PARTS = """
kiln: {type: process_emissions, co2_kg_per_hour: 1000, flue_carrier: flue_co2}
chimney: {type: dump, carrier: flue_co2, co2_kg_per_unit: 1}
store: {type: dump, carrier: co2, cost_per_unit: 0.1}
grid: {type: grid, import_price_per_kwh: 0.5}
steam: {type: supply, carrier: heat, price_per_kwh: 0.2}
"""
UNIT = """
capture:
  type: carbon_capture
  flue_carrier: flue_co2
  flow_kg_per_hour: 720
  capture_fraction: 0.9
  electricity_kwh_per_t: 200
  heat_kwh_per_t: 1000
  variable_om_per_t: 50
"""


def kiln(price: float, *, horizon: str = "{start: 2025-03-03, hours: 1}") -> str:
    return park(PARTS + UNIT, carriers=FLUE, horizon=horizon, carbon=f"{{price_per_t: {price}}}")


def test_capture_begins_at_its_own_cost() -> None:
    """Proves: idle at 449 a tonne, at full load at 451. Sensitivity: the price on either side."""
    below = solved(kiln(449))
    assert below.of("capture.captured") == pytest.approx([0])
    assert below.cost == pytest.approx(449)
    above = solved(kiln(451))
    assert above.of("capture.captured") == pytest.approx([720])
    assert above.cost == pytest.approx(0.72 * 450 + 0.28 * 451)


def test_emissions_of_its_power_move_the_switch() -> None:
    """Proves: 200 kWh at 0.5 kg are 0.1 t a tonne, so capture pays from 450 / 0.9 = 500.

    Sensitivity: 499 and 501.
    """
    dirty = "import_price_per_kwh: 0.5, co2_kg_per_kwh: 0.5"

    def text(price: float) -> str:
        return kiln(price).replace("import_price_per_kwh: 0.5", dirty)

    assert solved(text(499)).of("capture.captured") == pytest.approx([0])
    above = solved(text(501))
    assert above.of("capture.captured") == pytest.approx([720])
    assert above.co2_kg == pytest.approx(280 + 72)


def test_carbon_is_conserved_over_unequal_steps() -> None:
    """Proves: captured + let go by the unit + past the unit = made, in steps of 1, 2 and 0.5 h.

    Treated are 720 / 0.9 = 800 of 1000 kg/h, but all of 500 kg/h. Sensitivity: each part by hand.
    """
    text = kiln(1000, horizon="{start: 2025-03-03, steps_hours: [1, 2, 0.5]}")
    results = solved(
        text.replace("co2_kg_per_hour: 1000", f"co2_kg_per_hour: {day(1000, 500, 500, 900)}")
    )
    hours = results.horizon.hours
    captured = results.of("capture.captured")
    assert captured == pytest.approx([720, 450, 720])
    assert results.of("chimney.dumped") == pytest.approx([200, 0, 100])
    assert bill(results, "capture", "vented", "co2") == pytest.approx(80 + 2 * 50 + 0.5 * 80)
    made = float(results.of("kiln.emitted") @ hours)
    assert float(captured @ hours) + results.co2_kg == pytest.approx(made)
    assert results.of("store.dumped") == pytest.approx(captured)
    found = results.details.set_index(["asset", "name"])["value"]
    assert found["capture", "captured"] == pytest.approx(1.98)
    assert found["capture", "passed_through"] == pytest.approx(0.22)


@pytest.mark.parametrize("fraction", [0.5, 0.85, 1.0])
def test_carbon_is_conserved_at_any_capture_fraction(fraction: float) -> None:
    """Proves: treated = captured / fraction, nothing is lost. Sensitivity: 1.0 lets nothing go."""
    results = solved(kiln(1000).replace("capture_fraction: 0.9", f"capture_fraction: {fraction}"))
    treated = 1000 - float(results.of("chimney.dumped")[0])
    captured = float(results.of("capture.captured")[0])
    assert captured == pytest.approx(min(720.0, 1000 * fraction))
    assert captured == pytest.approx(treated * fraction)
    assert results.co2_kg == pytest.approx(1000 - captured)


def test_energy_per_tonne_is_drawn() -> None:
    """Proves: 0.72 t take 144 kWh and 720 kWh of heat, and 36 of solvent. Sensitivity: per tonne."""
    results = solved(kiln(1000))
    assert results.of("grid.import") == pytest.approx([144])
    assert results.of("steam.purchase") == pytest.approx([720])
    assert bill(results, "capture", "variable_om") == pytest.approx(36)


def test_heat_of_a_level() -> None:
    """Proves: heat comes from the carrier that is named. Sensitivity: heat itself is not bought."""
    text = kiln(1000).replace(
        "heat_kwh_per_t: 1000", "heat_kwh_per_t: 1000\n    heat_carrier: steam_4bar"
    )
    text = text.replace("carrier: heat,", "carrier: steam_4bar,")
    results = solved(
        text.replace(FLUE, "{flue_co2: {unit: kg}, steam_4bar: {temperature_degc: 144}}")
    )
    assert results.of("steam.purchase") == pytest.approx([720])


def test_electric_capture_draws_both_from_one_carrier() -> None:
    """Proves: with heat from electricity the two add up: 0.72 × 1200 kWh. Sensitivity: the sum."""
    text = kiln(2000).replace(
        "heat_kwh_per_t: 1000", "heat_kwh_per_t: 1000\n    heat_carrier: electricity"
    )
    assert solved(text).of("grid.import") == pytest.approx([864])


def test_size_is_bought_when_the_price_pays_for_it() -> None:
    """Proves: a kg/h costs 0.2 a year and saves (p − 450) / 1000 an hour: bought above 650.

    All flue gas then: 900 kg/h. Sensitivity: 640 and 660.
    """
    sized = "{max_kg_per_hour: 2000, capex_per_kg_per_hour: 2, lifetime_years: 10}"

    def text(price: float) -> str:
        return kiln(price).replace("flow_kg_per_hour: 720", f"flow_kg_per_hour: {sized}")

    assert solved(text(640)).size("capture") == pytest.approx(0)
    results = solved(text(660))
    assert results.size("capture", "flow") == pytest.approx(900)
    assert results.cost == pytest.approx(0.9 * 450 + 0.1 * 660 + 900 * 0.2)


def test_biogenic_co2_is_removed() -> None:
    """Proves: of 40 % biogenic CO2 the captured part counts as −288 kg, the air gets fossil only.

    Chimney 200 × 0.6, unit 80 × 0.6. A tonne captured avoids 0.6 t and removes 0.4 t: the switch
    stays at 450. Sensitivity: where removal does not count it avoids 0.6 t, and the switch is 750.
    """
    text = (
        kiln(451)
        .replace("co2_kg_per_unit: 1", "co2_kg_per_unit: 0.6")
        .replace("capture_fraction: 0.9", "capture_fraction: 0.9\n    biogenic_fraction: 0.4")
    )
    results = solved(text)
    assert bill(results, "capture", "removed", "co2") == pytest.approx(-288)
    assert bill(results, "capture", "vented", "co2") == pytest.approx(48)
    assert results.co2_kg == pytest.approx(120 + 48 - 288)
    uncounted = text.replace(
        "biogenic_fraction: 0.4", "biogenic_fraction: 0.4\n    count_removal: false"
    )
    assert solved(uncounted).of("capture.captured") == pytest.approx([0])
    assert solved(uncounted.replace("451", "749")).of("capture.captured") == pytest.approx([0])
    worth = solved(uncounted.replace("451", "751"))
    assert worth.of("capture.captured") == pytest.approx([720])
    assert worth.co2_kg == pytest.approx(168)


BOILER = """
heat: {{type: heat_demand, power_kw: 1000}}
gas: {{type: supply, carrier: gas, price_per_kwh: 0.3, co2_kg_per_kwh: {fuel}}}
boiler:
  type: recipe
  inputs: {{gas: 1}}
  outputs: {{heat: 1, flue_co2: 0.2}}
  size_on: heat
  power_kw: 5000
chimney: {{type: dump, carrier: flue_co2, co2_kg_per_unit: {air}}}
store: {{type: dump, carrier: co2}}
grid: {{type: grid, import_price_per_kwh: 0.5}}
capture:
  type: carbon_capture
  flue_carrier: flue_co2
  flow_kg_per_hour: 100
  capture_fraction: 0.8
  electricity_kwh_per_t: 200
  counted: {counted}
"""


@pytest.mark.parametrize("price", [90, 110])
def test_both_ways_of_counting_give_the_same_plan(price: float) -> None:
    """Proves: 200 kg/h count with the gas less 100 captured, or where they are let go.

    Sensitivity: 200 kWh × 0.5 = 100 a tonne: nothing at 90, the size at 110, either way.
    """
    ways = [
        solved(
            park(
                BOILER.format(fuel=fuel, air=air, counted=counted),
                hours=1,
                carriers=FLUE,
                carbon=f"{{price_per_t: {price}}}",
            )
        )
        for fuel, air, counted in ((0, 1, "on_release"), (0.2, 0, "with_fuel"))
    ]
    captured = 100.0 if price > 100 else 0.0
    for results in ways:
        assert results.of("capture.captured") == pytest.approx([captured])
        assert results.co2_kg == pytest.approx(200 - captured)
    assert ways[0].cost == pytest.approx(ways[1].cost)
    assert bill(ways[1], "capture", "kept_back", "co2") == pytest.approx(-captured)
    assert bill(ways[0], "capture", "kept_back", "co2") == 0


def test_captured_co2_may_be_used() -> None:
    """Proves: CO2 made into a mineral is neither stored at a fee nor bought; 733 kg a tonne.

    0.5 t/h of product take 366.5 kg/h; the other 353.5 are stored. Sensitivity: without the plant
    all of it pays the fee.
    """
    text = kiln(1000)
    with_plant = text + (
        "  plant: {type: recipe, inputs: {co2: 733}, outputs: {mineral: 1000}, size_on: mineral, "
        "flow_kg_per_hour: 500}\n"
        "  buyer: {type: sale, carrier: mineral, price_per_kg: 0.01}\n"
    )
    results = solved(with_plant.replace(FLUE, "{flue_co2: {unit: kg}, mineral: {unit: kg}}"))
    assert results.of("store.dumped") == pytest.approx([353.5])
    saved = solved(text).cost - results.cost
    assert saved == pytest.approx(366.5 * 0.1 + 500 * 0.01)


def test_least_load_keeps_it_off() -> None:
    """Proves: with a least load of 0.5 × 720 = 360 kg/h it cannot run on 300 kg/h of flue gas.

    Sensitivity: 270 kg/h are captured without; with 0.3 as well.
    """
    text = kiln(1000).replace("co2_kg_per_hour: 1000", "co2_kg_per_hour: 300")
    assert solved(text).of("capture.captured") == pytest.approx([270])
    strict = f"{text.rstrip()}\n    commitment: {{min_load_fraction: 0.5}}\n"
    assert solved(strict).of("capture.captured") == pytest.approx([0])
    assert solved(strict.replace("0.5}\n", "0.3}\n")).of("capture.captured") == pytest.approx([270])


def test_flue_gas_needs_an_outlet() -> None:
    """Proves: what the unit cannot take needs a chimney: 200 kg/h too many. Sensitivity: the size."""
    text = kiln(1000).replace(
        "  chimney: {type: dump, carrier: flue_co2, co2_kg_per_unit: 1}\n", ""
    )
    with pytest.raises(InfeasibleError, match=r"flue_co2 of park is in surplus.*by 200 kg/h"):
        solve_text(text)
    assert solved(text.replace("720", "900")).of("capture.captured") == pytest.approx([900])


@pytest.mark.parametrize(
    ("found", "put", "told"),
    [
        (
            "flue_carrier: flue_co2\n    flow",
            "flue_carrier: co2\n    flow",
            "is what the captured CO2 enters as well: declare a carrier of its own",
        ),
        (
            "flue_carrier: flue_co2\n    flow",
            "flue_carrier: gas\n    flow",
            "flue_carrier = 'gas': is counted in kWh: name a carrier counted in kg.",
        ),
        (
            "heat_kwh_per_t: 1000",
            "heat_carrier: hydrogen",
            "heat_carrier = 'hydrogen': is counted in kg: name a carrier counted in kWh.",
        ),
        ("capture_fraction: 0.9", "capture_fraction: 90", "Write '90 %' if percent is meant."),
        ("capture_fraction: 0.9", "capture_fraction: 0", "must be more than 0."),
        (
            "flow_kg_per_hour: 720",
            "commitment: {}\n    flow_kg_per_hour: {capex_per_kg_per_hour: 2, lifetime_years: 10}",
            "commitment: needs a bound: give max_kg_per_hour.",
        ),
    ],
)
def test_bad_input_is_told(found: str, put: str, told: str) -> None:
    text = kiln(100)
    assert found in text
    with pytest.raises(InputError) as caught:
        solve_text(text.replace(found, put))
    assert told in str(caught.value)
