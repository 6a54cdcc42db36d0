"""A park with stages on the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.cli.conftest import TINY

STAGES = TINY.replace("project_years: 10}", "project_years: 10, annuity: lifetime}").replace(
    "scenarios:",
    """pathway: {end_year: 2031}
stages:
  2027: {}
  2030: {assets: {load: {power_kw: 200}, pv: {power_kw: {max_kw: 120, capex_per_kw: 438}}}}
scenarios:
  jump: {stages: {2030: {assets: {load: {power_kw: 400}}}}}""",
)
"""60 kW of PV at 87.6 CNY/year in 2027; 60 more at 43.8 CNY/year in 2030. A kW saves 4380 CNY/year."""


def test_solve_shows_stages_and_capacities(run: Any) -> None:
    """Proves: money, CO2 and sizes of each stage, per year.

    Sensitivity: 2027: 8760 × 70 + 5256 = 618,456 CNY and 306.6 t; 2030: 8760 × 140 + 5256 + 2628.
    """
    Path("tiny.yaml").write_text(STAGES, encoding="utf-8")
    result = run("solve", "tiny.yaml")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert result.stdout.startswith("Tiny [red]park[/red]")
    assert "Optimal pathway: 4,323,936 CNY present value, 2027 to 2031" in result.stdout
    rows = [line.split() for line in lines if line.startswith(("2027-2029", "2030-2031"))]
    assert rows == [
        ["2027-2029", "618,456", "876,000", "52,560"],
        ["2030-2031", "1,234,284", "1,752,000", "26,280"],
        ["2027-2029", "306.6", "438"],
        ["2030-2031", "613.2", "876"],
    ]
    sizes = [line.split() for line in lines if line.startswith("屋顶光伏 [bold]一期")]
    assert [row[3:] for row in sizes] == [["60", "120", "kW"], ["60", "60", "kW"]]
    assert "Saved in results/tiny: report.html, pathway.json" in result.stdout
    held = json.loads(Path("results/tiny/pathway.json").read_text(encoding="utf-8"))
    assert held["present_value"] == {"value": 3 * 618456.0 + 2 * 1234284.0, "unit": "CNY"}
    assert Path("results/tiny/report.html").stat().st_size > 1000
    assert Path("results/tiny/stages/2030/report.html").stat().st_size > 1000


def words(lines: list[str], start: str) -> list[str]:
    (found,) = [line for line in lines if line.startswith(start)]
    return found.removeprefix(start).split()


def test_one_stage_alone(run: Any) -> None:
    """Proves: `--stage 2030` is an ordinary plan: all 120 kW at the price of 2030."""
    Path("tiny.yaml").write_text(STAGES, encoding="utf-8")
    result = run("solve", "tiny.yaml", "--stage", "2030", "--no-report")
    assert result.exit_code == 0, result.output
    assert "Saved in results/tiny-2030: summary.json" in result.stdout
    summary = json.loads(Path("results/tiny-2030/summary.json").read_text(encoding="utf-8"))
    assert summary["sizes"]["park"]["pv"]["power"]["new"]["value"] == 120


def test_foresight_and_scenario(run: Any) -> None:
    Path("tiny.yaml").write_text(STAGES, encoding="utf-8")
    result = run("solve", "tiny.yaml", "--foresight", "myopic", "--scenario", "jump", "--no-report")
    assert result.exit_code == 0, result.output
    assert "Each stage planned without knowing the later ones" in result.stdout
    assert "Saved in results/tiny-jump: pathway.json" in result.stdout
    wrong = run("solve", "tiny.yaml", "--foresight", "late")
    assert wrong.exit_code == 2
    assert "pathway.foresight" in wrong.stderr


def test_validate_shows_the_stages(run: Any) -> None:
    Path("tiny.yaml").write_text(STAGES, encoding="utf-8")
    result = run("validate", "tiny.yaml")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert words(lines, "2027   2027-2029") == ["3.000", "3", "4"]
    assert "Planned with perfect foresight" in result.stdout
    assert run("validate", "tiny.yaml", "--stage", "2030").exit_code == 0
    missing = run("validate", "tiny.yaml", "--stage", "2031")
    assert missing.exit_code == 2
    assert "there is no stage 2031" in missing.stderr


def test_stages_can_be_compared(run: Any) -> None:
    Path("tiny.yaml").write_text(STAGES, encoding="utf-8")
    assert run("solve", "tiny.yaml", "--no-report", "--quiet").exit_code == 0
    folder = "results/tiny"
    result = run("compare", f"{folder}/stages/2030", f"{folder}/stages/2027")
    assert result.exit_code == 0, result.output
    assert "Earlier investment" in result.stdout
    whole = run("compare", folder, f"{folder}/stages/2027")
    assert whole.exit_code == 2
    assert "holds stages: give one of them" in whole.stderr
