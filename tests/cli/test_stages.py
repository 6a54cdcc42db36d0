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
    """Proves: two stages are named, and no money of one is told as earned by the capex of the other.

    Sensitivity: of one stage planned alone the net present value against itself is told.
    """
    Path("tiny.yaml").write_text(STAGES, encoding="utf-8")
    assert run("solve", "tiny.yaml", "--no-report", "--quiet").exit_code == 0
    folder = "results/tiny"
    result = run("compare", f"{folder}/stages/2030", f"{folder}/stages/2027")
    assert result.exit_code == 0, result.output
    assert "Earlier investment" in result.stdout
    shown = " ".join(result.stdout.split())
    assert ":smile:, stage 2030, for 2030-2031, results" in shown
    assert ":smile:, stage 2027, for 2027-2029, results" in shown
    assert "Net present value and payback are left out: purchases of earlier stages earn" in shown
    assert "Payback" not in shown
    assert "Net present value, 10 years" not in shown
    whole = run("compare", folder, f"{folder}/stages/2027")
    assert whole.exit_code == 2
    assert "holds stages: give one of them" in whole.stderr
    assert run("solve", "tiny.yaml", "--stage", "2030", "--no-report", "-q").exit_code == 0
    lone = run("compare", "results/tiny-2030", "results/tiny-2030")
    assert ":smile:, stage 2030 alone, results" in " ".join(lone.stdout.split())
    assert "Net present value, 10 years" in lone.stdout


def test_pathways_can_be_compared(run: Any) -> None:
    """Proves: perfect against myopic side by side: both hold 60 kW in 2027, 120 and 60 kW in 2030.

    With 60 kW at most in 2030, at 43.8 instead of 87.6 CNY/year, there is nothing to wait for.
    Sensitivity: B has no PV in 2030 to buy: 60 × 4380 CNY more a year, less 60 × 43.8.
    """
    Path("tiny.yaml").write_text(STAGES, encoding="utf-8")
    less = "stages.2030.assets.pv.power_kw.max_kw=60"
    assert run("solve", "tiny.yaml", "-q", "--no-report").exit_code == 0
    other = run("solve", "tiny.yaml", "--foresight", "myopic", "--set", less, "--out", "b", "-q")
    assert other.exit_code == 0, other.output
    result = run("compare", "results/tiny", "b")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert any("A: Tiny [red]park" in line and "perfect foresight" in line for line in lines)
    assert any("B: Tiny [red]park" in line and "myopic foresight" in line for line in lines)
    first, second = 4_323_936, 4_323_936 + 2 * 60 * (4380 - 43.8)
    rows = {
        "Present value of all costs": [f"{first:,.0f}", f"{second:,.0f}", f"{first - second:,.0f}"],
        "Net present value": [
            f"{6_132_000 - first:,.0f}",
            f"{6_132_000 - second:,.0f}",
            f"+{second - first:,.0f}",
        ],
        "Cost 2030": ["1,234,284", f"{(second - 3 * 618_456) / 2:,.0f}", "-260,172"],
        "CO2 2030": ["613.2", "744.6", "-131.4"],
        "pv power 2027": ["60", "60", "0"],
        "pv power 2030": ["120", "60", "+60"],
    }
    assert {name: words(lines, name)[:3] for name in rows} == rows
    assert not [line for line in lines if line.startswith("grid")]


INTENSITY = """stages:
  2027: {carbon: {intensity: {max_t_per_tce: 2, kgce_per_unit: {electricity: 0.125}}}}"""


def test_limits_of_each_stage_are_told(run: Any) -> None:
    """Proves: grid power is 0.5/0.125 = 4 t/tce; 2 leaves half of it to the grid, which binds in 2027.

    50 kW need 100 kW of PV, at 5256 CNY a kW and year against 4380 saved. It is paid and serves in all
    5 years, though only the 3 of 2027 need it: a kg is worth 5 × 876 / (3 × 2190) = 0.667 CNY.
    Sensitivity: 2.5 in 2030 is kept with room by the same PV; without limits the figure is told alone.
    """
    stages = STAGES.replace("stages:\n  2027: {}", INTENSITY).replace(
        "  2030: {assets: {load: {power_kw: 200}, pv: {power_kw: {max_kw: 120, capex_per_kw: 438}}}}",
        "  2030: {carbon: {intensity: {max_t_per_tce: 2.5}}, assets: {pv: {power_kw: {max_kw: 120}}}}",
    )
    stages = stages.replace("max_kw: 60, capex_per_kw: 876", "max_kw: 120, capex_per_kw: 52560")
    Path("tiny.yaml").write_text(stages, encoding="utf-8")
    result = run("solve", "tiny.yaml")
    assert result.exit_code == 0, result.output
    lines = [
        line.split() for line in result.stdout.splitlines() if line.startswith("CO2 intensity")
    ]
    assert lines[0] == [
        *["CO2", "intensity", "2027", "at", "most", "2", "t/tce", "2", "t/tce"],
        "666.7",
        "CNY/t",
    ]
    assert lines[1][2:-1] == ["2030", "at", "most", "2.5", "t/tce", "2", "t/tce"]
    assert lines[1][-1] == "-"
    assert len(lines) == 2
    page = Path("results/tiny/report.html").read_text(encoding="utf-8")
    assert "Limits by stage" in page
    free = stages.replace("max_t_per_tce: 2, ", "").replace(
        "carbon: {intensity: {max_t_per_tce: 2.5}}, ", ""
    )
    Path("free.yaml").write_text(free, encoding="utf-8")
    told = run("solve", "free.yaml", "--no-report").stdout.splitlines()
    found = [line.split() for line in told if line.startswith("CO2 intensity")]
    assert found == [
        ["CO2", "intensity", "2027", "-", "4", "t/tce", "-"],
        ["CO2", "intensity", "2030", "-", "4", "t/tce", "-"],
    ]
    alone = run("solve", "tiny.yaml", "--stage", "2027", "--no-report").stdout.splitlines()
    assert words(alone, "CO2 intensity [t/tce]") == ["4", "2"]
