"""A park as a PyPSA network: PyPSA finds the same optimum, and what it cannot say is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from typer.testing import CliRunner

from microgrid_opt import study
from microgrid_opt.bridges.pypsa_export import export
from microgrid_opt.bridges.pypsa_tables import write
from microgrid_opt.cli import app
from microgrid_opt.errors import InputError
from tests.bridges import peer
from tests.support import EXACT, park, problem_of

if TYPE_CHECKING:
    from pathlib import Path

    from microgrid_opt.problem import Problem

WEEK = "horizon={start: 2025-03-28, hours: 168}"
"""Monday to Sunday across a month, so that two monthly peaks are billed."""
# Steps of unequal length and weight, everything sized, a store with a start, caps of every kind.
MIXED = """
schema: 1
name: Mixed
currency: EUR
horizon: {start: 2025-01-30T20:00, steps_hours: [1, 2, 0.5, 4, 1, 1, 24, 3], weight: [1, 2, 1, 1, 3, 1, 1, 1]}
finance: {discount_rate: 0.05, project_years: 10}
carbon: {cap_t_per_year: 26, price_per_t: 50}
targets: {min_renewable_share: 10 %}
carriers: {warm: {temperature_degc: 40}}
assets:
  load: {type: load, power_kw: {hourly: [5, 3, 4, 7, 2, 5, 6, 8, 5, 3, 4, 7, 2, 5, 6, 8, 5, 3, 4, 7, 2, 5, 6, 8]}}
  heat: {type: heat_demand, power_kw: 4}
  cold: {type: demand, carrier: cold, power_kw: 2}
  grid:
    type: grid
    import_price_per_kwh: 0.2
    export_price_per_kwh: 0.05
    connection_kw: {max_kw: 30, capex_per_kw: 10, lifetime_years: 20}
    peak_price_per_kw_month: 3
    co2_kg_per_kwh: 0.4
  pv:
    type: pv
    output_per_kw: {hourly: [0, 0, 0, 0, 0, 0, 0, 0, 0.2, 0.5, 0.6, 0.7, 0.8, 0.7, 0.5, 0.3, 0, 0, 0, 0, 0, 0, 0, 0]}
    power_kw: {max_kw: 40, capex_per_kw: 300, lifetime_years: 20, fixed_om_per_kw_year: 5}
  pump: {type: heat_pump, cop: 3, power_kw: {max_kw: 10, capex_per_kw: 100, lifetime_years: 15}}
  chiller: {type: chiller, cop: 4, power_kw: 3}
  gas: {type: supply, carrier: gas, price_per_kwh: 0.05, co2_kg_per_kwh: 0.2, yearly_limit_kwh: 40000}
  boiler: {type: gas_boiler, power_kw: {fixed_kw: 10, capex_per_kw: 30, lifetime_years: 20}, efficiency: 0.9}
  chp:
    type: chp
    fuel: gas
    electric_efficiency: 0.35
    power_to_heat_ratio: 0.8
    power_loss_index: 0.15
    power_kw: {max_kw: 5, capex_per_kw: 200, lifetime_years: 20}
  tank:
    type: heat_store
    energy_kwh: 50
    self_discharge_per_hour: 0.01
    initial_fraction: 0.5
    final: at_least_initial
    min_fraction: 0.1
  battery:
    type: battery
    energy_kwh: {max_kwh: 30, capex_per_kwh: 50, lifetime_years: 15}
    power_kw: {max_kw: 20, capex_per_kw: 10, lifetime_years: 15}
    charge_efficiency: 0.95
    discharge_efficiency: 0.95
    min_fraction: 0.1
    discharge_cost_per_kwh: 0.001
    shared_power_limit: true
"""
RATE = (
    "assets.battery={type: battery, energy_kwh: {max_kwh: 180, capex_per_kwh: 365, lifetime_years: 10},"
    " max_c_rate_per_hour: 0.25, charge_efficiency: 0.9, discharge_efficiency: 0.9, min_fraction: 0.1}"
)
HYDROGEN = (
    "horizon={start: 2025-03-03, hours: 168}",
    "assets.trucks={type: demand, carrier: hydrogen_350bar, flow_kg_per_hour: 30}",
)


def parks() -> dict[str, Problem]:
    return {
        "minimal": study.load("case:minimal"),
        "rate": study.load("case:minimal", sets=[RATE]),
        "yangzhou": study.load("case:yangzhou", sets=[WEEK]),
        "sizing": study.load("case:yangzhou", scenario="sizing", sets=[WEEK]),
        "neighbours": study.load("case:neighbours", sets=[WEEK.replace("168", "72")]),
        "hydrogen": study.load("case:hydrogen_hub", scenario="continuous", sets=HYDROGEN),
        "coal": study.load("case:small_coal", sets=[WEEK.replace("168", "48")]),
        "warehouse": study.load("case:us_warehouse", sets=[WEEK.replace("168", "48")]),
        "mixed": problem_of(MIXED),
    }


NAMES = (
    "minimal",
    "rate",
    "yangzhou",
    "sizing",
    "neighbours",
    "hydrogen",
    "coal",
    "warehouse",
    "mixed",
)


@pytest.mark.peers
@pytest.mark.skipif(peer.python() is None, reason=peer.MISSING)
@pytest.mark.parametrize("name", NAMES)
def test_pypsa_finds_the_same_optimum(tmp_path: Path, name: str) -> None:
    problem = parks()[name]
    write(export(problem), tmp_path / "network")
    objective, sizes = peer.solve(tmp_path / "network")
    ours, _ = study.run(problem, EXACT)
    assert objective == pytest.approx(ours.run.objective, rel=1e-6)
    if name == "minimal":
        assert sizes["park.pv.generation"] == pytest.approx(60.0)
        assert sizes["park.battery.state_of_charge"] == pytest.approx(180.0)


def test_components_of_the_minimal_park() -> None:
    """Proves: a natural network for a plain park, with its costs and limits."""
    tables = export(study.load("case:minimal"))
    c = tables.components
    pv = c["Generator"]["park.pv.generation"]
    assert (pv["bus"], pv["p_nom_extendable"], pv["p_nom_max"]) == ("park.electricity", True, 60.0)
    # 3650 over ten years, of which the day bears 1/365.
    assert pv["capital_cost"] == pytest.approx(1.0)
    assert pv["p_max_pu"].tolist() == [0.0] * 10 + [1.0] * 4 + [0.0] * 10
    bought = c["Generator"]["park.grid.import"]
    assert bought["marginal_cost"].tolist() == pytest.approx([0.3] * 12 + [0.9] * 12)
    assert c["Load"]["park.load.demand"]["p_set"] == 100.0
    store = c["Store"]["park.battery.state_of_charge"]
    assert (store["e_cyclic"], store["e_nom_max"]) == (True, 180.0)
    assert c["Link"]["park.battery.charge"]["efficiency"] == pytest.approx(0.9)
    assert c["Link"]["park.battery.discharge"]["efficiency"] == pytest.approx(0.9)
    assert not [name for name in c["Bus"] if name.endswith((" rule", " sum", "free"))]


def test_a_cap_of_co2_is_a_global_constraint() -> None:
    problem = study.load("case:minimal", sets=["carbon={cap_t_per_year: 100}"])
    c = export(problem).components
    (limit,) = c["GlobalConstraint"].values()
    assert limit["constant"] == pytest.approx(100_000 / 365)
    assert limit["sense"] == "<="
    assert c["Carrier"]["grid.import"]["co2_emissions"] == pytest.approx(0.5)


def test_weights_and_lengths_of_steps() -> None:
    tables = export(problem_of(MIXED))
    hours = np.array([1, 2, 0.5, 4, 1, 1, 24, 3])
    assert tables.weightings["stores"].tolist() == hours.tolist()
    weighted = (hours * [1, 2, 1, 1, 3, 1, 1, 1]).tolist()
    assert tables.weightings["objective"].tolist() == weighted
    assert tables.weightings["generators"].tolist() == weighted


REFUSED = park(
    """
    load: {type: load, power_kw: 5}
    grid: {type: grid, import_price_per_kwh: 1, export_price_per_kwh: 0.1, connection_kw: 20, exclusive: true}
    pv: {type: pv, output_per_kw: 0.5, power_kw: {max_kw: 8, unit_kw: 2, annual_cost_per_kw: 1}}
    fuel: {type: supply, carrier: gas, price_per_kwh: 0.1}
    engine:
      type: generator
      fuel: gas
      electric_efficiency: 0.4
      power_kw: 4
      commitment: {min_load_fraction: 0.5}
    store:
      type: store
      carrier: gas
      energy_kwh: {max_kwh: 9, annual_cost_per_kwh: 1}
      initial_fraction: 0.5
    """,
    hours=4,
)


def test_what_has_no_counterpart_is_refused_by_key_all_at_once() -> None:
    with pytest.raises(InputError) as caught:
        export(problem_of(REFUSED))
    keys = {finding.key for finding in caught.value.findings}
    assert keys == {
        "assets.grid.exclusive",
        "assets.pv.power_kw",
        "assets.engine.commitment",
        "assets.store.initial_fraction",
    }
    text = str(caught.value)
    assert "park.grid.importing is a whole number" in text
    assert "for the export change `exclusive`" in text
    assert all(finding.where is not None for finding in caught.value.findings)


def test_command(tmp_path: Path) -> None:
    out = tmp_path / "network"
    done = CliRunner().invoke(app, ["export", "pypsa", "minimal", "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert "24 snapshots" in done.output
    assert (out / "generators-p_max_pu.csv").is_file()
    again = CliRunner().invoke(app, ["export", "pypsa", "minimal", "--out", str(out)])
    assert again.exit_code == 2
    assert "a new folder" in again.output
