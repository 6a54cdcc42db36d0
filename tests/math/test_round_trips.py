"""A park with everything in it: solved, written down and read again, stored and opened again."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from microgrid_opt import store, study, yamlio
from microgrid_opt.assets.base import asset_types
from microgrid_opt.store import encoding
from tests.registry import manual
from tests.support import (
    EXACT,
    day,
    dumped,
    park,
    planned,
    problem_of,
    solved,
)

if TYPE_CHECKING:
    from pathlib import Path

MEANS = "[{}]".format(", ".join(["2"] * 12))
EVERYTHING = park(
    f"""
    load:
      type: load
      member: works
      unserved_price_per_kwh: 9
      power_kw: {{annual: 87600, shape: {{weekday: {[1] * 24}, weekend: {[0.5] * 24}}}}}
    heat: {{type: heat_demand, member: works, power_kw: {day(5, 6, 7, 8)}}}
    process: {{type: hydrogen_demand, member: works, flow_kg_per_hour: 0.2}}
    grid:
      type: grid
      member: works
      connection_kw: 100
      import_price_per_kwh:
        periods: {{low: 0.3, high: 0.9}}
        calendar:
          - {{hours: "0-2", period: low}}
        otherwise: high
      export_price_per_kwh: {{monthly: {[0.1] * 12}}}
      peak_price_per_kw_month: 1
      co2_kg_per_kwh: {{seasons: {{all: {{months: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], value: 0.5}}}}}}
      exclusive: true
    gas: {{type: supply, member: works, carrier: gas, price_per_kwh: 0.4, co2_kg_per_kwh: 0.2}}
    truck: {{type: supply, member: works, carrier: hydrogen, price_per_kg: 40, yearly_limit_kg: 9 t}}
    pv:
      type: pv
      member: roof
      power_kw: {{max_kw: 20, capex_per_kw: 300, lifetime_years: 25, fixed_om_fraction: 2 %}}
      array: {{tilt_deg: 30}}
    wind:
      type: wind
      member: works
      power_kw: {{max_kw: 6, unit_kw: 3, capex_per_kw: 900, lifetime_years: 20}}
      turbine: {{power_curve: iec_class_3_composite, hub_height_m: 90, shear_exponent: 0.14}}
    cable: {{type: line, member: roof, to: works, power_kw: 30, efficiency: 0.98}}
    battery:
      type: battery
      member: works
      energy_kwh: {{existing_kwh: 2, max_kwh: 20, annual_cost_per_kwh: 0.01}}
      power_kw: 5
      charge_efficiency: 0.95
      discharge_efficiency: 0.95
    cell: {{type: electrolyser, member: works, power_kw: 12, consumption_kwh_per_kg: 54}}
    tank: {{type: hydrogen_store, member: works, capacity_kg: 3, compression_kwh_per_kg: 1.5}}
    fuel_cell: {{type: fuel_cell, member: works, power_kw: 2, electric_efficiency: 0.5}}
    electric: {{type: electric_boiler, member: works, power_kw: 3, efficiency: 0.98}}
    boiler: {{type: gas_boiler, member: works, power_kw: 9, efficiency: 0.9}}
    vent: {{type: dump, member: works, carrier: heat, cost_per_unit: 0.01}}
    collectors:
      type: solar_thermal
      member: works
      collector_m2: {{max_m2: 10, capex_per_m2: 10, lifetime_years: 20}}
      collector: {{tilt_deg: 30, mean_temperature_degc: 40, optical_efficiency: 0.8}}
      area: {{name: field, m2_per_m2: 2}}
    brook: {{type: hydro, member: works, power_kw: 1, output_per_kw: 0.6}}
    block: {{type: must_run, member: works, power_kw: 1, output_per_kw: 0.9, heat_kwh_per_kwh: 1}}
    engine: {{type: generator, member: works, fuel: gas, power_kw: 2, electric_efficiency: 0.4}}
    turbine:
      type: chp
      member: works
      power_kw: {{existing_kw: 2, fixed_om_per_kw_year: 50, retirement: whole}}
      fuels: {{coal: {{flue_co2_kg_per_kwh: 0.34}}, biomass: {{max_share: 0.5, renewable: true}}}}
      flue_co2_carrier: flue
      electric_efficiency: 0.3
      power_to_heat_ratio: 0.5
    kettle: {{type: fuel_boiler, member: works, fuel: coal, power_kw: 3, efficiency: 0.8}}
    coal: {{type: supply, member: works, carrier: coal, price_per_kwh: 0.1}}
    wood: {{type: supply, member: works, carrier: biomass, price_per_kwh: 0.2}}
    capture:
      type: carbon_capture
      member: works
      flue_carrier: flue
      flow_kg_per_hour: 1
      capture_fraction: 0.9
      electricity_kwh_per_t: 200
    flue: {{type: dump, member: works, carrier: flue, co2_kg_per_unit: 1}}
    soda: {{type: sale, member: works, carrier: co2, price_per_kg: 0.05}}
    anodes: {{type: process_emissions, member: works, co2_t_per_year: 9}}
    heat_pump:
      type: heat_pump
      member: works
      power_kw: 4
      heat_carrier: heat
      sink_temperature_degc: 55
      carnot: {{fraction: 0.45}}
      commitment: {{min_load_fraction: 0.3, start_cost: 0.2}}
    chiller: {{type: chiller, member: works, power_kw: 3, cop: 4}}
    absorber: {{type: absorption_chiller, member: works, power_kw: 2, cop: 0.7}}
    ice: {{type: cold_store, member: works, energy_kwh: 4, power_kw: 2}}
    cool: {{type: demand, member: works, carrier: cold, power_kw: 2}}
    exhaust: {{type: byproduct, member: works, carrier: steam, power_kw: 3, release_cost_per_unit: 0.01}}
    exchanger: {{type: heat_exchanger, member: works, hot: steam, cool: heat, power_kw: 2}}
    kiln: {{type: electric_kiln, member: works, output_carrier: steam, power_kw: 2, efficiency: 0.8}}
    steam_user: {{type: demand, member: works, carrier: steam, power_kw: 2}}
    salt:
      type: molten_salt
      member: works
      charge_carrier: electricity
      heat_carrier: steam
      charge_power_kw: 1
      discharge_power_kw: 1
      energy_kwh: 4
      charge_efficiency: 0.98
    tank_of_heat: {{type: heat_store, member: works, energy_kwh: 5, charge_power_kw: 2,
      discharge_power_kw: 2}}
    pond: {{type: pumped_hydro, member: works, power_kw: 1, energy_kwh: 4, charge_efficiency: 0.9,
      discharge_efficiency: 0.9}}
    pool: {{type: shared_battery, member: works, users: {{works: {{}}, roof: {{}}}}, energy_kwh: 4,
      power_kw: 2, charge_efficiency: 0.9, discharge_efficiency: 0.9}}
    water_tank: {{type: store, member: works, carrier: water, capacity_kg: 30,
      flow_kg_per_hour: 20}}
    membranes: {{type: recipe, member: works, inputs: {{electricity: 0.01}}, outputs: {{water: 1}},
      size_on: water, flow_kg_per_hour: 20}}
    drinkers: {{type: demand, member: works, carrier: water, flow_kg_per_hour: 8}}
    squeeze: {{type: compressor, member: works, flow_kg_per_hour: 1, to_carrier: dense,
      consumption_kwh_per_kg: 2}}
    trucks: {{type: demand, member: works, carrier: dense, flow_kg_per_hour: 0.1}}
    mixer: {{type: batch_process, member: works, inputs_kw: {{electricity: [1]}},
      max_batches_per_day: 2, cost_per_batch: 0.1}}
    works_access: {{type: access, member: works, power_kw: 5, wheeling: {{at: town}}}}
    roof_access: {{type: access, member: roof, power_kw: 5, wheeling: {{at: town}}}}
    offices: {{type: flexible_load, member: works, power_kw: 2, shift: {{down_fraction: 0.3, up_kw: 1,
      within: day}}}}
    servers: {{type: data_centre, member: works, it_power_kw: 1, pue: 1.3}}
    cars: {{type: ev_fleet, member: works, groups: {{vans: {{vehicles: 2, battery_kwh: 40, charger_kw: 7, charge_efficiency: 0.9,
      weekday: {{arrival: "0:30", departure: "3:00", energy_kwh: 6}}}}}}}}
    """,
    hours=4,
    members="{works: {label: Plant}, roof: {}}",
    carriers="{flue: {unit: kg}, water: {unit: kg}, steam: {temperature_degc: 180}, dense: {unit: kg}}",
    areas="{field: 100 m2}",
    trading="{network: {nodes: {town: {}}}}",
    finance="{discount_rate: 6 %, project_years: 20}",
    carbon="{price_per_t: 100, cap_t_per_year: 500}",
    targets="{min_renewable_share: 1 %, max_export_share: 90 %}",
    site="{latitude: 32, longitude: 119, timezone: Asia/Shanghai, weather: {synthetic: "
    f"{{ghi_kwh_per_m2_day: {MEANS}, temperature_degc: {MEANS}, wind_speed_m_per_s: {MEANS}}}}}}}",
)


def test_every_technology_in_one_park() -> None:
    """Proves: all technologies together pass the audit, are written down and read again the same."""
    results = solved(EVERYTHING)
    assert {asset.type for asset in problem_of(EVERYTHING).park.assets.values()} == set(
        asset_types()
    )
    assert set(results.caps["name"]) == {
        "truck.yearly_limit",
        "area_field",
        "co2_cap",
        "renewable_share",
        "export_share",
    }


def test_every_category_of_the_ledger_is_in_the_manual() -> None:
    """Proves: the page of results explains each category that any technology books."""
    told = set(re.findall(r"`(\w+)`", manual.section("results.md", "ledger")))
    results, _ = study.run(problem_of(EVERYTHING), EXACT)
    assert set(results.ledger["category"]) <= told


def test_a_stored_plan_is_the_plan(tmp_path: Path) -> None:
    """Proves: save and open give back plan and reference bit by bit, and the park solves the same."""
    plan = planned(EVERYTHING)
    store.save(plan, tmp_path / "plan")
    opened = store.open_plan(tmp_path / "plan")
    assert encoding.equal(opened.results, plan.results)
    assert plan.reference is not None
    assert opened.reference is not None
    assert encoding.equal(opened.reference, plan.reference)
    again = problem_of(json.dumps(opened.park))
    assert again.park == plan.problem.park
    assert study.run(again, EXACT)[0].cost == pytest.approx(plan.results.cost, rel=1e-9)


@pytest.mark.parametrize("case", study.case_names())
def test_a_shipped_case_is_written_down_and_read_again(case: str) -> None:
    """Proves: the validated park of a case, dumped, gives the same arrays from the same files."""
    held = study.load(case)
    folder = study.park_file(case).parent
    staged = not isinstance(held, study.Problem)
    for problem in held.stages.values() if staged else [held]:
        document = yamlio.loads(dumped(problem), "park.yaml")
        again = study.resolve(replace(document, folder=folder), staged=staged)
        assert again.park == problem.park
        assert again.arrays.keys() == problem.arrays.keys()
        for key, values in problem.arrays.items():
            np.testing.assert_array_equal(again.arrays[key], values, err_msg=key)
