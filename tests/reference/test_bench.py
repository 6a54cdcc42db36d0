"""What holds a plan against its reference: a wrong reference fails, a tool that is missing is told."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest
import yaml
from typer.testing import CliRunner

from microgrid_opt import bench
from microgrid_opt.bench import Peer, compare
from microgrid_opt.bench.cases import case_in
from microgrid_opt.bench.page import row, summary
from microgrid_opt.cli import app
from microgrid_opt.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from microgrid_opt.bench import Case

PARK = """
schema: 1
name: Test
currency: EUR
horizon: {start: 2025-01-01, hours: 2}
finance: {discount_rate: 0, project_years: 10, annuity: straight_line, investment_scaling: full}
assets:
  load: {type: load, power_kw: 10}
  grid: {type: grid, import_price_per_kwh: 2}
  pv: {type: pv, output_per_kw: 0.5, power_kw: {max_kw: 8, annual_cost_per_kw: 1}}
"""
# 8 kW of PV cost 8 and save 8 kWh of 20 at 2: 8 + 24.
EXPECTED = {
    "exercises": "a sum",
    "source": {
        "tool": "pencil",
        "version": "2025",
        "obtained": "by hand",
        "licence": "CC0",
        "place": "here",
    },
    "runs": {"plan": {"objective": 32, "sizes": {"pv.power": 8}, "totals": {"grid.import": 12}}},
}
SAYS = 'def solve(run):\n    print("noise")\n    return {objective}, {{"pv.power": {size}}}\n'
PEER = {"distribution": "pytest", "modules": ["pytest"]}
HERE = Peer()


def case(folder: Path, script: str = "", **changes: object) -> Case:
    folder = folder / "sum"
    folder.mkdir()
    (folder / "park.yaml").write_text(PARK, encoding="utf-8")
    (folder / "expected.yaml").write_text(yaml.safe_dump(EXPECTED | changes), encoding="utf-8")
    if script:
        (folder / "peer.py").write_text(script, encoding="utf-8")
    return case_in(folder)


def runs(**changes: object) -> dict[str, object]:
    plan = EXPECTED["runs"]["plan"] | changes  # type: ignore[index, call-overload]
    return {"plan": plan}


def test_a_right_reference_passes(tmp_path: Path) -> None:
    found = compare(case(tmp_path), "plan", HERE, with_peer=False)
    assert found.passed is True
    assert found.sizes_agree is True
    assert found.objective is not None
    assert found.objective.ours == pytest.approx(32.0)
    assert row(found)[-1] == "yes"


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"objective": 32.0001}, "objective"),
        ({"sizes": {"pv.power": 7.99}}, "pv.power"),
        ({"sizes": {"grid.power": 1}}, "No single size"),
        ({"totals": {"grid.import": 12.1}}, "grid.import"),
        ({"figures": {"pv.yield": 1.1}}, "pv.yield"),
        ({"figures": {"pv.hope": 1.0}}, "pv.hope"),
        ({"measure": {"only": ["wind"]}}, "wind"),
        ({"measure": {"without": ["pv.investment"]}}, "objective"),
        ({"sets": ["assets.pv.power_kw.max_kw=-1"]}, "max_kw"),
    ],
)
def test_a_wrong_reference_fails(tmp_path: Path, changes: dict[str, object], word: str) -> None:
    found = compare(case(tmp_path, runs=runs(**changes)), "plan", HERE, with_peer=False)
    assert found.passed is False
    assert word in " ".join(found.problems)


@pytest.mark.parametrize(
    ("measure", "objective"),
    [
        ({"without": ["pv.investment"]}, 24.0),
        ({"only": ["grid"], "times": 2, "plus": -1}, 47.0),
        ({"only": ["energy_import", "pv"], "without": ["investment"]}, 24.0),
        ({"figure": "pv.yield", "times": 3}, 3.0),
        ({"effect": "co2", "plus": 5}, 5.0),
    ],
)
def test_measures(tmp_path: Path, measure: dict[str, object], objective: float) -> None:
    """Proves: categories left out, factors, constants and figures, as `expected.yaml` says."""
    wanted = runs(measure=measure, objective=objective)
    assert compare(case(tmp_path, runs=wanted), "plan", HERE, with_peer=False).problems == ()


def test_the_tool_decides_where_it_runs(tmp_path: Path) -> None:
    """Proves: a stale reference is told; what the tool finds now is what ours is held against."""
    stale = case(
        tmp_path,
        SAYS.format(objective=32, size=8),
        peer=PEER,
        runs=runs(objective=40.0),
    )
    found = compare(stale, "plan", HERE, with_peer=True)
    assert found.passed is True
    assert "now finds 32, which was 40" in found.notes[0]
    assert found.peer is not None
    assert found.peer.version == pytest.__version__
    assert compare(stale, "plan", HERE, with_peer=False).passed is False


def test_a_tool_that_disagrees_fails(tmp_path: Path) -> None:
    other = case(tmp_path, SAYS.format(objective=33, size=7), peer=PEER)
    problems = " ".join(compare(other, "plan", HERE, with_peer=True).problems)
    assert "objective is 32, the reference 33" in problems
    assert "pv.power is 8, the tool now finds 7" in problems


def test_a_convention_of_the_tool_keeps_it_beside(tmp_path: Path) -> None:
    """Proves: with `peer_objective` the tool is held against itself, and ours against the reference."""
    other = case(
        tmp_path,
        SAYS.format(objective=30, size=1),
        peer=PEER,
        runs=runs(peer_objective=30.0),
    )
    found = compare(other, "plan", HERE, with_peer=True)
    assert found.problems == found.notes == ()


@pytest.mark.parametrize(
    ("peer", "script", "word"),
    [
        (PEER | {"modules": ["not_there_at_all"]}, SAYS, "is not installed"),
        (PEER, "def solve(run):\n    raise ValueError(run + ' is odd')\n", "plan is odd"),
        (PEER, "import os\nos._exit(0)\n", "gave no answer"),
        (PEER | {"timeout_seconds": 0.2}, "import time\ntime.sleep(9)\n", "took more than 0.2 s"),
    ],
)
def test_a_tool_that_fails_is_told(
    tmp_path: Path, peer: dict[str, object], script: str, word: str
) -> None:
    found = compare(case(tmp_path, script, peer=peer), "plan", HERE, with_peer=True)
    assert word in found.notes[0]
    assert found.passed is True


MAKER = """
from pathlib import Path
Path("load.csv").write_text("time,power\\n2025-01-01T00:00Z,10\\n2025-01-01T01:00Z,10\\n")
"""


def test_inputs_are_made_in_a_copy(tmp_path: Path) -> None:
    """Proves: a series that may not ship is written from the tool's package, not into the case."""
    wanted = runs(sets=["assets.load.power_kw={file: load.csv, column: power, unit: kW}"])
    made = case(tmp_path, peer=PEER, inputs=["load.csv"], runs=wanted)
    (made.folder / "make_inputs.py").write_text(MAKER, encoding="utf-8")
    assert compare(made, "plan", HERE, with_peer=False).problems == ()
    assert not (made.folder / "load.csv").exists()


def test_missing_inputs_leave_a_case_out(tmp_path: Path) -> None:
    gone = PEER | {"modules": ["not_there_at_all"]}
    left = case(tmp_path, peer=gone, inputs=["load.csv"])
    found = compare(left, "plan", HERE, with_peer=False)
    assert found.passed is None
    assert "pytest is not installed" in found.left_out
    assert "1 left out" in summary([found])


def test_a_misspelt_expectation_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected\.yaml:\d+.*exercise"):
        case(tmp_path, exercise="a sum")
    with pytest.raises(InputError, match="there are"):
        bench.reference_case("not_there")


def test_interpreters_in_turn() -> None:
    """Proves: the first Python that has the modules is taken."""
    found = Peer(("/bin/false", sys.executable)).python_for
    from microgrid_opt.bench.spec import PeerSpec

    assert found(PeerSpec(distribution="pytest", modules=("pytest",))) == sys.executable
    assert found(PeerSpec(distribution="x", modules=("not_there_at_all",))) is None


def test_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: table, JSON and HTML; exit code 1 when a case fails."""
    right = case(tmp_path)
    monkeypatch.setattr(bench, "reference_names", lambda: ("sum",))
    monkeypatch.setattr(bench, "reference_case", lambda _: right)
    out = tmp_path / "out"
    done = CliRunner().invoke(app, ["bench", "reference", "--out", str(out), "-q"])
    assert done.exit_code == 0, done.output
    assert "1 of 1 runs of 1 cases pass" in done.output
    (found,) = json.loads((out / "reference.json").read_text(encoding="utf-8"))
    assert found["passed"] is True
    assert found["objective"]["relative_difference"] == pytest.approx(0.0, abs=1e-9)
    assert "pv.power" in (out / "reference.html").read_text(encoding="utf-8")
    (tmp_path / "wrong").mkdir()
    wrong = case(tmp_path / "wrong", runs=runs(objective=31.0))
    monkeypatch.setattr(bench, "reference_case", lambda _: wrong)
    done = CliRunner().invoke(app, ["bench", "reference", "-q", "--case", "sum"])
    assert done.exit_code == 1
    assert "sum plan: objective is 32, the reference 31" in done.output
