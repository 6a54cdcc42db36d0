"""CHP and generators as other tools publish them: extraction, back-pressure, sizing.

Inputs of the first: oemof.solph 0.6.5 source distribution (MIT licence), examples/variable_chp, 192
hours of electricity and heat demand in `data/oemof_variable_chp.csv` (stamps are nominal). Optimum:
oemof.solph 0.6.5 with CBC 2.10.8, the same matrix solved again by HiGHS 1.15.1, and an independent
rebuild in linopy. The others: PyPSA 1.4.0 documentation examples (MIT licence), HiGHS 1.15.1.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from microgrid_opt import study, yamlio
from tests.support import EXACT, day, park, solved

if TYPE_CHECKING:
    from microgrid_opt.results import Results

DATA = Path(__file__).parent / "data"

VARIABLE = """
schema: 1
name: variable_chp
currency: EUR
site: {timezone: UTC}
horizon: {start: 2023-01-01, hours: 192}
finance: {discount_rate: 0, project_years: 20}
members: {extraction: {}, fixed: {}}
assets:
"""
SYSTEM = """
  {m}_gas: {{type: supply, member: {m}, carrier: gas, price_per_kwh: 50}}
  {m}_load:
    type: load
    member: {m}
    power_kw: {{file: {data}, column: demand_el, unit: kW}}
  {m}_heat:
    type: heat_demand
    member: {m}
    power_kw: {{file: {data}, column: demand_th, unit: kW, scale: 741000}}
  {m}_excess_el: {{type: dump, member: {m}, carrier: electricity}}
  {m}_excess_heat: {{type: dump, member: {m}, carrier: heat}}
  {m}_chp: {{type: chp, member: {m}, power_kw: 1e9, {chp}}}
"""
EXTRACTION = "electric_efficiency: 0.5, power_to_heat_ratio: 0.6, power_loss_index: 0.4, fuel: gas"
FIXED = "electric_efficiency: 0.3, power_to_heat_ratio: 0.6, fuel: gas"


@pytest.fixture(scope="module")
def variable() -> Results:
    data = DATA / "oemof_variable_chp.csv"
    text = VARIABLE + SYSTEM.format(m="extraction", chp=EXTRACTION, data=data)
    text += SYSTEM.format(m="fixed", chp=FIXED, data=data)
    document = yamlio.loads(text, str(DATA / "park.yaml"))
    results, audit = study.run(study.resolve(document), EXACT)
    audit.require()
    return results


def test_variable_chp_costs_what_oemof_says(variable: Results) -> None:
    """Proves: the cost of both systems over 192 h; 14,267,160,948.6."""
    assert variable.cost == pytest.approx(14_267_160_948.6, rel=1e-9)


@pytest.mark.parametrize(
    ("asset", "role", "carrier", "energy"),
    [
        ("extraction_chp", "conversion", "gas", 127_626_169.5),
        ("extraction_chp", "generation", "electricity", 47_315_114.84),
        ("extraction_chp", "conversion", "heat", 41_244_924.79),
        ("extraction_excess_el", "dump", "electricity", 56_780.44499),
        ("extraction_excess_heat", "dump", "heat", 0.0),
        ("fixed_chp", "conversion", "gas", 157_717_049.5),
        ("fixed_excess_el", "dump", "electricity", 56_780.44499),
        ("fixed_excess_heat", "dump", "heat", 37_613_599.94),
    ],
)
def test_variable_chp_runs_as_oemof_says(
    variable: Results, asset: str, role: str, carrier: str, energy: float
) -> None:
    """Proves: totals of oemof's optimum, on each balance and either side of the CHP."""
    table = variable.energy.set_index(["asset", "role", "carrier"])
    row = table.loc[(asset, role, carrier)]
    assert row["supplied"] + row["drawn"] == pytest.approx(energy, rel=1e-8, abs=1e-2)


def test_backpressure_chp_as_pypsa() -> None:
    """Proves: 10 MW of gas into the CHP (1400 each), 5 into the turbine (600 each), 15 MWh at 100.

    Published: PyPSA 1.4.0 documentation example: 18,500 = 10 × 1400 + 5 × 600 + 15 × 100. Here kW for
    MW, and capacity counted in electricity: 3 kW at 1400 / 0.3, 2 kW at 600 / 0.4.
    """
    results = solved(
        park(
            f"""
            load: {{type: load, power_kw: 5}}
            heat: {{type: heat_demand, power_kw: 3}}
            gas: {{type: supply, carrier: gas, price_per_kwh: 100, limit_kw: 100}}
            turbine:
              type: generator
              fuel: gas
              electric_efficiency: 0.4
              power_kw: {{max_kw: 100, annual_cost_per_kw: {600 / 0.4}}}
            chp:
              type: chp
              fuel: gas
              electric_efficiency: 0.3
              power_to_heat_ratio: 1
              power_kw: {{max_kw: 100, annual_cost_per_kw: {1400 / 0.3}}}
            """,
            hours=1,
        )
    )
    assert results.cost == pytest.approx(18_500.0, rel=1e-9)
    assert results.of("turbine.fuel_gas") == pytest.approx([5.0])
    assert results.of("chp.fuel_gas") == pytest.approx([10.0])
    assert results.size("turbine") == pytest.approx(2.0)
    assert results.size("chp") == pytest.approx(3.0)


def test_power_to_gas_with_extraction_chp_as_pypsa() -> None:
    """Proves: wind, power-to-gas, stores of gas and heat, and an extraction CHP, all sized together.

    Published: PyPSA 1.4.0 documentation example: 162,253.999561692 with wind 90.927022, power-to-gas
    58.648915, 28.490028 of gas into the generator (efficiency 0.468, 400 each) and 4.273504 of gas
    into the boiler that stands for the extraction (3.12, 300 each); here kW for MW, one capacity of
    0.468 × 28.490028, a loss index of 0.468 / 3.12, and as much heat as electricity at most.
    """
    capex = 400 / 0.468 + 300 / 3.12
    results = solved(
        park(
            f"""
            load: {{type: load, power_kw: 5}}
            heat: {{type: heat_demand, power_kw: 10}}
            wind:
              type: wind
              output_per_kw: {day(0, 0.2, 0.7, 0.4)}
              power_kw: {{annual_cost_per_kw: 1000}}
            p2g:
              type: recipe
              inputs: {{electricity: 1}}
              outputs: {{gas: 0.6}}
              size_on: electricity
              power_kw: {{annual_cost_per_kw: 1000}}
            holder: {{type: store, carrier: gas, energy_kwh: 1000}}
            tank: {{type: heat_store, energy_kwh: {{max_kwh: 1000}}}}
            chp:
              type: chp
              fuel: gas
              electric_efficiency: 0.468
              power_to_heat_ratio: 0.75
              power_loss_index: {0.468 / 3.12!r}
              max_heat_per_kw: 1
              power_kw: {{annual_cost_per_kw: {capex!r}}}
            """,
            hours=4,
        )
    )
    assert results.cost == pytest.approx(162_253.999561692, rel=1e-9)
    assert results.size("wind") == pytest.approx(90.927022, rel=1e-6)
    assert results.size("p2g") == pytest.approx(58.648915, rel=1e-6)
    assert results.size("chp") == pytest.approx(0.468 * 28.490028, rel=1e-6)
