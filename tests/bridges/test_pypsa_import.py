"""A PyPSA network as a park: the optimum is PyPSA's, and what a park cannot say is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from microgrid_opt import study
from microgrid_opt.bridges.pypsa_export import export
from microgrid_opt.bridges.pypsa_import import convert, unique
from microgrid_opt.bridges.pypsa_tables import write
from microgrid_opt.cli import app
from microgrid_opt.errors import InputError
from tests.bridges import peer
from tests.support import EXACT

NETWORKS = Path(__file__).with_name("networks.py")


@pytest.mark.peers
@pytest.mark.skipif(peer.python() is None, reason=peer.MISSING)
@pytest.mark.parametrize(
    "name",
    [
        *("backpressure_chp", "reservoirs", "heat_pump_tank", "electric_vehicle", "markets"),
        *("screening", "expansion"),
    ],
)
def test_the_optimum_is_that_of_pypsa(tmp_path: Path, name: str) -> None:
    script = NETWORKS.read_text(encoding="utf-8")
    answer = peer.run(script, name, tmp_path / "network", tmp_path / "network.nc")
    condition, objective, _ = answer  # type: ignore[misc]
    assert condition == "optimal"
    park = convert(tmp_path / "network", tmp_path / "park")
    assert park["horizon"]["start"][:4] == ("2030" if name == "expansion" else "2025")
    results, audit = study.run(study.load(tmp_path / "park"), EXACT)
    audit.require()
    assert results.run.objective == pytest.approx(objective, rel=1e-6)


def network(folder: Path, **files: str) -> Path:
    """Write a CSV folder of PyPSA by hand; `_` in a name is a dash."""
    folder.mkdir()
    (folder / "network.csv").write_text("name\nTiny\n")
    (folder / "snapshots.csv").write_text(
        "snapshot,objective,stores,generators\n2030-01-01 00:00,2,2,2\n2030-01-01 02:00,6,1,6\n"
    )
    (folder / "buses.csv").write_text("name,carrier\nHub,AC\nWarm water,heat\n")
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text)
    return folder


PLAIN = {
    "loads": "name,bus\nTown,Hub\nBath,Warm water\n",
    "loads-p_set": "snapshot,Town,Bath\n2030-01-01 00:00,10,4\n2030-01-01 02:00,12,4\n",
    "generators": "name,bus,p_nom,marginal_cost\nMains,Hub,100,3\n",
    "links": "name,bus0,bus1,efficiency,p_nom_extendable,capital_cost\nRod,Hub,Warm water,0.8,True,7\n",
}


def test_a_network_by_hand(tmp_path: Path) -> None:
    """Proves: (10 × 2 + 12 × 6) × 3 for the town, 5 kW × 8 h × 3 and 5 kW × 7 for the bath: 431."""
    park = convert(network(tmp_path / "network", **PLAIN), tmp_path / "park")
    assert list(park["assets"]) == ["mains", "rod", "town", "bath"]
    assert park["carriers"] == {"warm_water": {}}
    assert park["horizon"]["start"] == "2030-01-01 00:00"
    assert park["assets"]["rod"]["outputs"] == {"warm_water": 0.8}
    results, audit = study.run(study.load(tmp_path / "park"), EXACT)
    audit.require()
    assert results.run.objective == pytest.approx(431.0)


def test_there_and_back_again(tmp_path: Path) -> None:
    """Proves: a shipped case written as a network and read again has the optimum it had."""
    problem = study.load("case:minimal")
    write(export(problem), tmp_path / "network")
    convert(tmp_path / "network", tmp_path / "park")
    again, audit = study.run(study.load(tmp_path / "park"), EXACT)
    audit.require()
    assert again.run.objective == pytest.approx(study.run(problem, EXACT)[0].run.objective)


def test_a_link_both_ways(tmp_path: Path) -> None:
    """Proves: backwards half of 8 kW arrive at the start, for 0.8 of it at the end, as PyPSA has it.

    Sensitivity: a way back of the size of the way there, or with a loss of its own.
    """
    files = {
        "loads": "name,bus\nTown,Hub\n",
        "loads-p_set": "snapshot,Town\n2030-01-01 00:00,10\n2030-01-01 02:00,10\n",
        "generators": "name,bus,p_nom,marginal_cost\nMains,Hub,100,9\nSpring,Warm water,30,1\n",
        "links": "name,bus0,bus1,efficiency,p_nom,p_min_pu\nRod,Hub,Warm water,0.8,8,-0.5\n",
    }
    convert(network(tmp_path / "network", **files), tmp_path / "park")
    results, audit = study.run(study.load(tmp_path / "park"), EXACT)
    audit.require()
    # 4 kW arrive at the hub and take 3.2 kW from the spring; 6 kW are bought, all for 8 h.
    assert results.run.objective == pytest.approx(8 * (3.2 * 1 + 6 * 9))


def test_what_a_park_cannot_say_is_refused_all_at_once(tmp_path: Path) -> None:
    strange = PLAIN | {
        "lines": "name,bus0,bus1,x\nWire,Hub,Hub,0.1\n",
        "generators": "name,bus,p_nom,committable,ramp_limit_up,e_sum_max\nMains,Nowhere,100,True,0.2,7\n",
        "links": "name,bus0,bus1,p_nom_extendable,p_min_pu,delay\nRod,Hub,Warm water,True,-1,2\n",
        "loads-p_set": "snapshot,Town,Bath\n2030-01-01 00:00,10,4\n2030-01-01 02:00,-12,4\n",
        "global_constraints": "name,type,sense,constant\nland,tech_capacity_expansion_limit,<=,3\n",
    }
    with pytest.raises(InputError) as caught:
        convert(network(tmp_path / "network", **strange), tmp_path / "park")
    told = {str(finding).partition(" ")[2].partition("` ")[0] for finding in caught.value.findings}
    assert told >= {
        "'Mains': `committable",
        "'Mains': `ramp_limit_up",
        "'Mains': `e_sum_max",
        "'Mains': `bus",
        "'Rod': `p_min_pu",
        "'Rod': `delay",
        "'Town': `p_set",
        "'land': `type",
    }
    assert "make Links of them" in str(caught.value)
    assert not (tmp_path / "park").exists()


def test_defaults_and_results_of_a_run_say_nothing(tmp_path: Path) -> None:
    files = PLAIN | {
        "generators": "name,bus,p_nom,marginal_cost,committable,p_nom_opt,e_sum_max,control\n"
        "Mains,Hub,100,3,False,100,inf,Slack\n",
        "generators-p": "snapshot,Mains\n2030-01-01 00:00,15\n2030-01-01 02:00,17\n",
    }
    park = convert(network(tmp_path / "network", **files), tmp_path / "park")
    assert park["assets"]["mains"]["limit_kw"] == 100.0


def test_command(tmp_path: Path) -> None:
    source = network(tmp_path / "network", **PLAIN)
    words = ["import", "pypsa", str(source), "--out", str(tmp_path / "park")]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "4 assets" in done.output
    again = CliRunner().invoke(app, words)
    assert again.exit_code == 2
    assert "new folder" in again.output
    missing = CliRunner().invoke(app, ["import", "pypsa", "no.nc", "--out", str(tmp_path / "b")])
    assert "no such file" in missing.output


@pytest.mark.parametrize(
    ("name", "taken", "key"),
    [("DE0 0 H2", set(), "de0_0_h2"), ("1 AC", set(), "x_1_ac"), ("Gas", {"gas"}, "gas_2")],
)
def test_names_become_keys(name: str, taken: set[str], key: str) -> None:
    assert unique(name, taken) == key
