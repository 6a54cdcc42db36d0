"""A park as MPS and LP: read back by HiGHS it has the same optimum and the same names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import highspy
import pytest
from typer.testing import CliRunner

from microgrid_opt import study
from microgrid_opt.bridges import solver_file
from microgrid_opt.cli import app
from tests.support import EXACT, park, problem_of

if TYPE_CHECKING:
    from pathlib import Path

# Integers (whole units, one way at a time), a constant cost (a given size) and a monthly peak.
WHOLE = park(
    """
    load: {type: load, power_kw: {hourly: [3, 9, 4, 8, 2, 7, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2, 3, 8, 4, 6]}}
    grid:
      type: grid
      import_price_per_kwh: 0.7
      export_price_per_kwh: 0.1
      connection_kw: 20
      exclusive: true
      peak_price_per_kw_month: 3
    pv: {type: pv, output_per_kw: 0.7, power_kw: {max_kw: 9, unit_kw: 4, annual_cost_per_kw: 2}}
    wind: {type: wind, output_per_kw: 0.1, power_kw: {fixed_kw: 3, annual_cost_per_kw: 1.7}}
    """,
    hours=6,
)


def read(path: Path) -> highspy.Highs:
    highs = highspy.Highs()
    highs.setOptionValue("log_to_console", False)
    highs.setOptionValue("mip_rel_gap", 0.0)
    assert highs.readModel(str(path)) == highspy.HighsStatus.kOk
    return highs


@pytest.mark.parametrize("ending", solver_file.ENDINGS)
@pytest.mark.parametrize("source", ["minimal", "whole"])
def test_read_back_the_optimum_is_the_same(tmp_path: Path, source: str, ending: str) -> None:
    """Proves: costs, limits, integers and the constant all stand in the file."""
    problem = study.load("case:minimal") if source == "minimal" else problem_of(WHOLE)
    expected = study.run(problem, EXACT)[0].run.objective
    path = tmp_path / f"model{ending}"
    columns, rows = solver_file.write(problem, path)
    highs = read(path)
    assert (highs.getNumCol(), highs.getNumRow()) == (columns, rows)
    highs.run()
    assert highs.getObjectiveValue() == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("ending", "name"), [(".mps", "[5]"), (".lp", "(5)")])
def test_names_are_those_of_the_model(tmp_path: Path, ending: str, name: str) -> None:
    path = tmp_path / f"model{ending}"
    solver_file.write(problem_of(WHOLE), path)
    highs = read(path)
    columns = [highs.getColName(column)[1] for column in range(highs.getNumCol())]
    rows = [highs.getRowName(row)[1] for row in range(highs.getNumRow())]
    assert f"park.grid.import{name}" in columns
    assert "park.pv.power_units" in columns
    assert f"park.balance.electricity{name}" in rows


def test_commands(tmp_path: Path) -> None:
    """Proves: both commands take scenarios and changes, and tell what they wrote."""
    for ending in ("mps", "lp"):
        path = tmp_path / f"model.{ending}"
        words = ["export", ending, "minimal", "--out", str(path), "--set", "horizon.hours=12"]
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, done.output
        assert "columns" in done.output
        assert read(path).getNumRow() > 12


def test_a_wrong_ending_is_refused_with_the_park(tmp_path: Path) -> None:
    words = ["export", "mps", "minimal", "--out", str(tmp_path / "model.txt"), "--set", "name=1"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 2
    assert "must end with .mps" in done.output
    done = CliRunner().invoke(
        app, ["export", "lp", "minimal", "--out", str(tmp_path / "a" / "b.lp")]
    )
    assert "no such folder" in done.output
