"""CO2 per tonne of coal equivalent consumed: what counts, the limit and its worth, the norm's figures."""

from __future__ import annotations

from dataclasses import replace

import pytest

from microgrid_opt import study
from microgrid_opt.audit import audit
from microgrid_opt.errors import InfeasibleError, InputError
from microgrid_opt.policies.intensity import KGCE_PER_KWH
from tests.support import EXACT, park, planned, problem_of, shadow_price, solve_text, solved

GRID_CO2, CALORIFIC, HEAT_RATE = 0.5306, 0.1229, 0.30
# 20 kWh, from the national mix of 2023 at 1 or clean at 3.
PARK = f"""
    load: {{type: load, power_kw: 10}}
    grid: {{type: grid, import_price_per_kwh: 1, co2_kg_per_kwh: {GRID_CO2}}}
    clean: {{type: must_run, power_kw: 20, output_per_kw: 1, curtailable: true, variable_om_per_kwh: 3}}
"""


def asked(most: float | None = None, **kgce: float) -> str:
    """Return the section `carbon`."""
    limit = "" if most is None else f"max_t_per_tce: {most}, "
    factors = ", ".join(f"{carrier}: {factor}" for carrier, factor in kgce.items())
    return f"{{intensity: {{{limit}kgce_per_unit: {{{factors}}}}}}}"


def counted(carbon: str) -> str:
    """Return the section with losses of stores and lines counted as consumption."""
    return carbon.replace("{intensity: {", "{intensity: {losses: counted, ", 1)


def figures_of_energy(assets: str, carbon: str, *, hours: float = 2) -> float:
    """Return kgce consumed of the optimum of a park."""
    found = solved(park(assets, hours=hours, carbon=carbon)).indicators()
    return found["energy_consumed"].value * 1000


def figures(assets: str, carbon: str, *, hours: float = 2, **sections: str) -> tuple[float, float]:
    """Return kgce consumed and t/tce of the optimum of a park."""
    found = solved(park(assets, hours=hours, carbon=carbon, **sections)).indicators()
    assert (found["energy_consumed"].unit, found["co2_intensity"].unit) == ("tce", "t/tce")
    return found["energy_consumed"].value * 1000, found["co2_intensity"].value


def test_all_grid_park_is_reported_without_a_limit() -> None:
    """Proves: 0.5306/0.1229 = 4.32 t/tce, known without any limit. Sensitivity: 0.30 gives 1.77."""
    consumed, intensity = figures(PARK, asked(electricity=CALORIFIC))
    assert consumed == pytest.approx(20 * CALORIFIC)
    assert intensity == pytest.approx(4.32, abs=0.005)
    assert figures(PARK, asked(electricity=HEAT_RATE))[1] == pytest.approx(GRID_CO2 / HEAT_RATE)
    assert solved(park(PARK, carbon=asked())).caps.empty


def test_carrier_without_a_factor_counts_by_its_heat() -> None:
    """Proves: a kgce is 29.3076 MJ = 8.141 kWh. Sensitivity: 0.1228 kgce a kWh, not 0.1229."""
    assert pytest.approx(1 / 8.141) == KGCE_PER_KWH
    assert figures(PARK, asked())[1] == pytest.approx(GRID_CO2 * 8.141)


@pytest.mark.parametrize(
    ("most", "kgce", "share"),
    [
        (0.2, CALORIFIC, 0.0463),
        (0.3, CALORIFIC, 0.0695),
        (0.2, HEAT_RATE, 0.1131),
        (1.0, CALORIFIC, 0.2316),
        (0.0, CALORIFIC, 0.0),
    ],
)
def test_grid_share_that_the_indicator_leaves(most: float, kgce: float, share: float) -> None:
    """Proves: at most 0.2 t/tce leaves 4.63 % of the national mix, 0.3 leaves 6.95 %; a heat rate 11 %.

    Each kg is worth the 2 that clean power costs more, for 0.5306 kg a kWh. Sensitivity: a tenth of a
    kg more at the same consumption saves a tenth of it.
    """
    results = solved(park(PARK, carbon=asked(most, electricity=kgce)))
    assert results.total("import") / 20 == pytest.approx(share, abs=5e-5)
    assert results.total("import") == pytest.approx(20 * most * kgce / GRID_CO2)
    assert shadow_price(results, "co2_intensity") == pytest.approx(2 / GRID_CO2)
    (cap,) = results.caps.to_dict("records")
    assert (cap["value"], cap["limit"]) == (pytest.approx(most), most)
    assert cap["binding"]
    assert (cap["unit"], cap["price_unit"]) == ("1", "CNY/kg")
    assert "t/tce" in cap["description"]
    more = solved(park(PARK, carbon=asked(most + 0.1 / 20 / kgce, electricity=kgce)))
    assert results.cost - more.cost == pytest.approx(0.1 * 2 / GRID_CO2)


def test_limit_that_does_not_bind() -> None:
    """Proves: at 4.4 t/tce all comes from the grid, and the limit is worth nothing."""
    results = solved(park(PARK, carbon=asked(4.4, electricity=CALORIFIC)))
    assert results.cost == pytest.approx(20)
    assert shadow_price(results, "co2_intensity") == 0.0
    assert not results.caps["binding"].any()


def test_steam_from_gas_has_a_share_too() -> None:
    """Proves: 60 kWh clean and 40 of steam: gas g with 0.2 kg burnt at 0.9, the rest electric.

    T = (60 + 40 − 0.9 g + g) / 8.141, and 0.2 g ≤ 0.2 T leaves g = 100/8.041 kWh. Sensitivity: at 0.3
    g is 150/7.991.
    """
    assets = """
        load: {type: load, power_kw: 60}
        steam: {type: heat_demand, power_kw: 40}
        sun: {type: must_run, power_kw: 200, output_per_kw: 1, curtailable: true, variable_om_per_kwh: 1}
        gas: {type: supply, carrier: gas, price_per_kwh: 0.3, co2_kg_per_kwh: 0.2}
        boiler: {type: gas_boiler, power_kw: 99, efficiency: 0.9}
        electric: {type: electric_boiler, power_kw: 99, efficiency: 1}
    """
    for most, gas in ((0.2, 100 / 8.041), (0.3, 150 / 7.991)):
        results = solved(park(assets, hours=1, carbon=asked(most)))
        assert results.total("import", "gas") == pytest.approx(gas)


def test_power_and_heat_from_fuel_count_once() -> None:
    """Proves: 100 kWh of gas give 40 of power and 50 of heat; only the gas counts, at 0.12.

    8 kWh of power are sold, which come off. Sensitivity: biomass instead is renewable and counts once
    as well, by its heat.
    """
    assets = """
        load: {type: load, power_kw: 32}
        heat: {type: heat_demand, power_kw: 50}
        grid: {type: grid, import_price_per_kwh: 9, export_price_per_kwh: 0.1}
        gas: {type: supply, carrier: gas, price_per_kwh: 0.3, co2_kg_per_kwh: 0.2}
        chp: {type: chp, power_kw: 40, fuel: gas, electric_efficiency: 0.4, power_to_heat_ratio: 0.8}
    """
    consumed, intensity = figures(assets, asked(gas=0.12, electricity=0.1), hours=1)
    assert consumed == pytest.approx(100 * 0.12 - 8 * 0.1)
    assert intensity == pytest.approx(20 / 11.2)
    green = assets.replace("carrier: gas", "carrier: biomass").replace(
        "fuel: gas", "fuels: {biomass: {renewable: true}}"
    )
    results = solved(park(green, hours=1, carbon=asked(electricity=0.1)))
    assert results.total("generation", renewable=True) == pytest.approx(40)
    found = results.indicators()["energy_consumed"].value
    assert found * 1000 == pytest.approx(100 / 8.141 - 8 * 0.1)


def test_hydrogen_counts_where_it_comes_from() -> None:
    """Proves: 3 kg bought at 33.33 kWh and 50 kWh of sun are counted, the fuel cell's power is not.

    Sensitivity: of 2 kg made from the sun and sold, 2 × 33.33 kWh come off.
    """
    bought = """
        load: {type: load, power_kw: 50}
        truck: {type: supply, carrier: hydrogen, price_per_kg: 1}
        cell: {type: fuel_cell, power_kw: 99, electric_efficiency: 0.5}
    """
    consumed, _ = figures(bought, asked(), hours=1)
    assert consumed == pytest.approx(100 / 8.141)
    sold = """
        sun: {type: must_run, power_kw: 100, output_per_kw: 1}
        electrolyser: {type: electrolyser, power_kw: 100, consumption_kwh_per_kg: 50}
        truck: {type: sale, carrier: hydrogen, price_per_kg: 1}
    """
    consumed, _ = figures(sold, asked(hydrogen=4.1), hours=1)
    assert consumed == pytest.approx(100 / 8.141 - 2 * 4.1)


def test_what_the_park_takes_from_nature_and_production() -> None:
    """Proves: sun, collectors, waste gas and a block with heat count where they enter; ambient heat of
    the heat pump and recovered heat do not.

    1 h: PV 5 of 8 (the rest curtailed), collector 4, block 10 + 5 of heat, off-gas 6 of which a
    boiler makes 6 of heat; a heat pump makes 3 from 1. Load 14 and heat 18. Sensitivity: off-gas at 0
    is taken out, heat at 0.2 counts by that.
    """
    assets = """
        load: {type: load, power_kw: 14}
        heat: {type: heat_demand, power_kw: 18}
        pv: {type: pv, power_kw: 8, output_per_kw: 1, variable_om_per_kwh: 1}
        field: {type: solar_thermal, power_kw: 4, output_per_kw: 1}
        block: {type: must_run, power_kw: 10, output_per_kw: 1, heat_kwh_per_kwh: 0.5}
        furnace: {type: byproduct, carrier: off_gas, power_kw: 6, releasable: false}
        boiler: {type: fuel_boiler, fuel: off_gas, power_kw: 9, efficiency: 1}
        pump: {type: heat_pump, power_kw: 9, cop: 3}
    """
    gas = "{off_gas: {unit: kWh}}"
    consumed, _ = figures(assets, asked(), hours=1, carriers=gas)
    assert consumed == pytest.approx((5 + 4 + 15 + 6) / 8.141)
    consumed, _ = figures(assets, asked(off_gas=0, heat=0.2), hours=1, carriers=gas)
    assert consumed == pytest.approx(15 / 8.141 + 9 * 0.2)


def test_waste_of_clean_energy_does_not_help() -> None:
    """Proves: what is dumped is taken back: free sun into a dump makes no room for the grid.

    10 kWh an hour and 5 more in the hour of sun are 25, of which 1 t/tce leaves 0.2316 to the grid.
    Sensitivity: without the 5 it is 0.2316 of 20; without the dump the plan is the same.
    """
    assets = f"""
        load: {{type: load, power_kw: 10}}
        hall: {{type: load, power_kw: {{hourly: {[0, 5] + [0] * 22}}}}}
        grid: {{type: grid, import_price_per_kwh: 1, co2_kg_per_kwh: {GRID_CO2}}}
        clean: {{type: must_run, power_kw: 10, output_per_kw: {{hourly: {[1] + [0] * 23}}}, curtailable: true,
          variable_om_per_kwh: 3}}
        sun: {{type: pv, power_kw: 50, output_per_kw: {{hourly: {[0, 1] + [0] * 22}}}}}
        sink: {{type: dump, carrier: electricity}}
    """
    text = park(assets, carbon=asked(1.0, electricity=CALORIFIC))
    results = solved(text)
    assert results.total("import") == pytest.approx(25 * CALORIFIC / GRID_CO2)
    assert results.indicators()["energy_consumed"].value * 1000 == pytest.approx(25 * CALORIFIC)
    without = "\n".join(line for line in assets.splitlines() if "sink" not in line)
    same = solved(park(without, carbon=asked(1.0, electricity=CALORIFIC)))
    assert same.cost == pytest.approx(results.cost)
    quiet = "\n".join(line for line in assets.splitlines() if "hall" not in line)
    less = solved(park(quiet, carbon=asked(1.0, electricity=CALORIFIC)))
    assert less.total("import") == pytest.approx(20 * CALORIFIC / GRID_CO2)


def test_weights_lengths_and_losses_of_a_line() -> None:
    """Proves: steps of 1 and 2 h that count twice, bought at one member, used behind a line of 0.8.

    10 kW used for 6 h count, or, with losses, the 12.5 bought. Sensitivity: CO2 is that of 12.5.
    """
    assets = """
        load: {type: load, member: works, power_kw: 10}
        grid: {type: grid, member: gate, import_price_per_kwh: 1, co2_kg_per_kwh: 0.5}
        cable: {type: line, member: gate, to: works, power_kw: 99, efficiency: 0.8}
    """
    for carbon, kwh, most in ((asked(electricity=0.1), 60, 6.25), (counted(asked()), 75, 4.0705)):
        consumed, intensity = figures(
            assets,
            carbon,
            members="{works: {}, gate: {}}",
            horizon="{start: 2025-03-03, steps_hours: [1, 2], weight: 2}",
        )
        assert consumed == pytest.approx(kwh * (0.1 if kwh == 60 else 1 / 8.141))
        assert intensity == pytest.approx(most)


def test_cycling_a_battery_does_not_help() -> None:
    """Proves: 10 kWh before sunrise, 1 of them from a battery; 1 t/tce leaves 0.2316 × 10 to the grid.

    With losses counted the free sun of 50 is burnt by charging and discharging at once: 59 kWh
    are consumed, and all 9 come from the grid. Sensitivity: the rest is bought clean at 3.
    """
    assets = f"""
        load: {{type: load, power_kw: {{hourly: {[10] + [0] * 23}}}}}
        grid: {{type: grid, import_price_per_kwh: 1, co2_kg_per_kwh: {GRID_CO2}}}
        clean: {{type: must_run, power_kw: 10, output_per_kw: {{hourly: {[1] + [0] * 23}}}, curtailable: true,
          variable_om_per_kwh: 3}}
        sun: {{type: pv, power_kw: 50, output_per_kw: {{hourly: {[0, 1] + [0] * 22}}}}}
        battery: {{type: battery, energy_kwh: 1, charge_efficiency: 0.5, discharge_efficiency: 1}}
    """
    carbon = asked(1.0, electricity=CALORIFIC)
    fair, burnt = solved(park(assets, carbon=carbon)), solved(park(assets, carbon=counted(carbon)))
    grid = 10 * CALORIFIC / GRID_CO2
    assert fair.total("import") == pytest.approx(grid)
    assert fair.cost == pytest.approx(grid + 3 * (9 - grid))
    assert fair.indicators()["energy_consumed"].value * 1000 == pytest.approx(10 * CALORIFIC)
    assert burnt.cost == pytest.approx(9)
    assert burnt.indicators()["co2_intensity"].value < 1.0


def test_energy_of_a_store_counts_where_it_comes_out() -> None:
    """Proves: of 8 kWh of inflow and 10 pumped at 0.8, 16 come out of the lake; with losses 18 count."""
    assets = f"""
        load: {{type: load, power_kw: {{hourly: {[0, 16] + [0] * 22}}}}}
        sun: {{type: pv, power_kw: 10, output_per_kw: {{hourly: {[1] + [0] * 23}}}}}
        lake: {{type: pumped_hydro, energy_kwh: 99, power_kw: 50, inflow_kw: {{hourly: {[8] + [0] * 23}}},
          charge_efficiency: 0.8, discharge_efficiency: 1}}
    """
    assert figures_of_energy(assets, asked(electricity=0.1)) == pytest.approx(1.6)
    assert figures_of_energy(assets, counted(asked(electricity=0.1))) == pytest.approx(1.8)


def test_cars_that_give_back_do_not_count_twice() -> None:
    """Proves: cars take 10 at noon, give them back, and take 10 to leave with: 20 of sun are consumed.

    Sensitivity: what they give back is no consumption taken off, nor energy of its own.
    """
    assets = f"""
        load: {{type: load, power_kw: {{hourly: {[0] * 18 + [10] + [0] * 5}}}}}
        sun: {{type: pv, power_kw: 10, output_per_kw: {{hourly: {[0] * 12 + [1] + [0] * 6 + [1] + [0] * 4}}}}}
        cars:
          type: ev_fleet
          groups:
            staff: {{vehicles: 1, battery_kwh: 60, charger_kw: 30, charge_efficiency: 1,
              vehicle_to_grid: {{discharge_efficiency: 1}}, weekday: {{arrival: "8:00", departure: "20:00", energy_kwh: 10}}}}
    """
    consumed = figures_of_energy(assets, asked(electricity=0.1), hours=24)
    assert consumed == pytest.approx(2)


def test_materials_have_no_energy_unless_told() -> None:
    """Proves: a carrier in kg without heating value counts 0, and what is told where it is told."""
    assets = """
        wanted: {type: demand, carrier: syrup, flow_kg_per_hour: 2}
        bought: {type: supply, carrier: syrup, price_per_kg: 1, co2_kg_per_kg: 1}
        load: {type: load, power_kw: 10}
        grid: {type: grid, import_price_per_kwh: 1}
    """
    syrup = "{syrup: {unit: kg}}"
    assert figures(assets, asked(), hours=1, carriers=syrup)[0] == pytest.approx(10 / 8.141)
    consumed, _ = figures(assets, asked(syrup=0.5), hours=1, carriers=syrup)
    assert consumed == pytest.approx(10 / 8.141 + 1)


def test_reference_plan_has_the_figure_and_no_limit() -> None:
    """Proves: today 4.32, the plan 0.3; a cap in tonnes goes beside it, and the lower one binds."""
    carbon = asked(0.3, electricity=CALORIFIC).removesuffix("}") + ", cap_t_per_year: 1000}"
    plan = planned(park(PARK.replace("power_kw: 20", "power_kw: {max_kw: 20}"), carbon=carbon))
    assert plan.reference is not None
    assert plan.reference.indicators()["co2_intensity"].value == pytest.approx(4.317, abs=1e-3)
    assert plan.results.indicators()["co2_intensity"].value == pytest.approx(0.3)
    caps = plan.results.caps.set_index("name")
    assert caps["binding"].to_dict() == {"co2_cap": False, "co2_intensity": True}


def test_park_that_sells_more_than_it_takes_has_no_ratio() -> None:
    """Proves: 9 kWh burnt and 8 sold at twice the factor: less than nothing is consumed."""
    assets = """
        gas: {type: supply, carrier: gas, price_per_kwh: 0.1}
        engine: {type: generator, fuel: gas, power_kw: 8, electric_efficiency: 0.8}
        grid: {type: grid, import_price_per_kwh: 9, export_price_per_kwh: 1}
    """
    results = solved(park(assets, hours=1, carbon=asked(gas=0.1, electricity=0.2)))
    assert results.indicators()["energy_consumed"].value * 1000 == pytest.approx(1 - 1.6)
    assert "co2_intensity" not in results.indicators()


def test_audit_counts_from_the_other_side() -> None:
    """Proves: a factor that the results change, or a limit that is exceeded, is noticed."""
    problem = problem_of(park(PARK, carbon=asked(0.3, electricity=CALORIFIC)))
    results, fair = study.run(problem, EXACT)
    assert fair.passed
    wrong = replace(results, carriers=results.carriers.assign(kgce_per_unit=HEAT_RATE))
    failures = [check.what for check in audit(wrong, problem).failures]
    assert failures == ["energy consumed", "CO2 of it"]
    more = replace(results, carriers=results.carriers.assign(consumed=21.0))
    told = [check.what for check in audit(more, problem).failures]
    assert told == ["electricity consumed", "energy consumed", "CO2 of it"]
    loose = problem_of(park(PARK, carbon=asked(0.4, electricity=CALORIFIC)))
    exceeded, _ = study.run(loose, EXACT)
    told = [check.what for check in audit(exceeded, problem).failures]
    assert "co2_intensity kept" in told
    assert "limit of co2_intensity" in told


@pytest.mark.parametrize(
    ("carbon", "message"),
    [
        (asked(electricty=0.12), r"electricty: is no carrier of the park \(did you mean 'electric"),
        (asked(steam=0.12), r"kgce_per_unit.steam: is no carrier of the park: known are electri"),
        (asked(electricity=122.9), r"electricity = 122.9: is 1e\+03 times its energy content"),
        (asked(gas=1.33), r"gas = 1.33: is 10.8 times .* kgce for each kWh, not for each kg or m3"),
        (asked(heat=0.03412), r"heat = 0.03412: is the factor of a MJ: for each kWh it is 0.1228"),
        (asked(co2=7), r"co2 = 7.0: is more than any fuel has"),
        (asked(electricity=-1), r"electricity = -1: must be at least 0"),
        (asked(-0.2), r"max_t_per_tce = -0.2: must be at least 0 t/tce"),
        (asked(0.2, electricity=0), r"max_t_per_tce = 0.2: .* consumes nothing that counts"),
    ],
)
def test_nonsense_is_refused(carbon: str, message: str) -> None:
    """Proves: names that the park lacks and factors of another unit are told, with what is meant."""
    with pytest.raises(InputError, match=message):
        solve_text(park(PARK, carbon=carbon))


def test_an_unknown_carrier_is_refused_before_anything_is_solved() -> None:
    """Proves: the schema refuses it with its place. Sensitivity: a carrier that the park declares."""
    with pytest.raises(InputError, match=r"kgce_per_unit\.steam: is no carrier of") as told:
        problem_of(park(PARK, carbon=asked(steam=0.12)))
    assert all(finding.where is not None for finding in told.value.findings)
    carriers = "{steam: {temperature_degc: 180}}"
    problem_of(park(PARK, carbon=asked(steam=0.12), carriers=carriers))


def test_limit_that_cannot_be_met_is_named() -> None:
    """Proves: without the clean block 20 kWh miss 0.3 t/tce by 10.612 − 0.7374 kg."""
    dirty = "\n".join(line for line in PARK.splitlines() if "clean" not in line)
    with pytest.raises(InfeasibleError, match=r"CO2 intensity of at most 0.3 t/tce.*9\.875 kg"):
        solve_text(park(dirty, carbon=asked(0.3, electricity=CALORIFIC)))
