"""Optima that oemof.solph found on its own examples, reproduced from park files.

Inputs: oemof.solph 0.6.5 source distribution (MIT licence), examples/storage_investment and
tutorials/introductory/home_pv; stamps are nominal. Optima: oemof.solph 0.6.5 with CBC 2.10.8, the
same matrices solved again by HiGHS 1.15.1, and an independent rebuild in linopy (relative difference
of the latter two: 0).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from microgrid_opt import study, yamlio
from tests.support import EXACT

if TYPE_CHECKING:
    from microgrid_opt.results import Results

DATA = Path(__file__).parent / "data"

STORAGE = """
schema: 1
name: storage_investment
currency: EUR
site: {{timezone: UTC}}
horizon: {{year: 2023}}
finance: {{discount_rate: 0.05, project_years: 20, investment_scaling: full}}
assets:
  load: {{type: load, power_kw: {{file: {data}, column: load_kw}}}}
  wind:
    type: wind
    power_kw: {wind}
    output_per_kw: {{file: {data}, column: wind_per_unit}}
  pv:
    type: pv
    power_kw: {pv}
    output_per_kw: {{file: {data}, column: pv_per_unit}}
  gas_plant: {{type: supply, carrier: electricity, {gas}}}
  storage:
    type: battery
    energy_kwh: {{capex_per_kwh: 1000, lifetime_years: 20}}
    charge_efficiency: 1
    discharge_efficiency: 0.8
    max_c_rate_per_hour: 0.16666666666666666
    initial_fraction: 0
    charge_cost_per_kwh: 0.0001
"""
FREE = "{capex_per_kw: 1000, lifetime_years: 20}"


def solved(text: str) -> Results:
    document = yamlio.loads(text, str(DATA / "park.yaml"))
    results, audit = study.run(study.resolve(document), EXACT)
    assert audit.passed, audit.failures
    return results


def storage_park(wind: str, pv: str, gas: str) -> Results:
    data = DATA / "oemof_storage_investment.parquet"
    return solved(STORAGE.format(data=data, wind=wind, pv=pv, gas=gas))


def test_storage_investment_v1() -> None:
    """Proves: wind sized against gas over a year; 112,686,100.333, wind 455,670.8584 kW."""
    results = storage_park(FREE, FREE, f"price_per_kwh: {0.04 / 0.58}")
    assert results.cost == pytest.approx(112_686_100.333, rel=1e-8)
    assert results.size("wind") == pytest.approx(455_670.8584, rel=1e-6)
    assert results.size("pv") == pytest.approx(0.0, abs=1e-3)
    assert results.size("storage") == pytest.approx(0.0, abs=1e-3)


def test_storage_investment_v2() -> None:
    """Proves: given wind and PV, no storage worth its price; 34,853,801.7113."""
    results = storage_park("1000000", "600000", f"price_per_kwh: {0.04 / 0.58}")
    assert results.cost == pytest.approx(34_853_801.7113, rel=1e-8)
    assert results.size("storage") == pytest.approx(0.0, abs=1e-3)


@pytest.mark.slow
def test_storage_investment_v3_with_fossil_cap() -> None:
    """Proves: a yearly cap of gas power sizes the battery; 31,926,875.2476, 397,794.7228 kWh."""
    import pandas as pd

    load = pd.read_parquet(DATA / "oemof_storage_investment.parquet")["load_kw"].sum().item()
    cap = f"price_per_kwh: 0, yearly_limit_kwh: {0.2 * load!r}"
    results = storage_park("1000000", "600000", cap)
    assert results.cost == pytest.approx(31_926_875.2476, rel=1e-8)
    assert results.size("storage") == pytest.approx(397_794.7228, rel=1e-6)


HOME = """
schema: 1
name: home_pv
currency: EUR
site: {{timezone: UTC}}
horizon: {{year: 2020}}
finance: {{discount_rate: 0, project_years: 20, annuity: straight_line}}
assets:
  load: {{type: load, power_kw: {{file: {data}, column: load_kw}}}}
  grid: {{type: grid, import_price_per_kwh: 0.30, export_price_per_kwh: 0.06}}
  pv:
    type: pv
    power_kw: {{max_kw: 10, capex_per_kw: 1500, lifetime_years: 20}}
    output_per_kw: {{file: {data}, column: pv_per_unit}}
  battery:
    type: battery
    energy_kwh: 10
    charge_efficiency: 0.9
    discharge_efficiency: 1
    self_discharge_per_hour: 0.01
"""


def test_home_pv_step_4() -> None:
    """Proves: leap year, buying and selling, loss of 1 %/h on the content; 267.645570865.

    Sensitivity: with 8784 h the year's annuity is one year, not 8784/8760 of it.
    """
    results = solved(HOME.format(data=DATA / "oemof_home_pv.parquet"))
    assert results.cost == pytest.approx(267.645570865, rel=1e-8)
    assert results.size("pv") == pytest.approx(5.66820966, rel=1e-6)
