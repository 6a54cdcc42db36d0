"""The commands beside `solve`: validate, cases, new, compare, schema, profiles, help."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from microgrid_opt import study
from microgrid_opt.cli.schema import json_schema
from microgrid_opt.solve.profiles import profile_names

if TYPE_CHECKING:
    from pathlib import Path


def test_validate_shows_what_was_understood(run: Any) -> None:
    """Proves: horizon, sizes and totals of the series are those of the file.

    Sensitivity: 4 h · 100 kW = 400 kWh; 4 h · 0.5 = 2 kWh per kW of PV.
    """
    result = run("validate", "tiny.yaml")
    assert result.exit_code == 0, result.output
    assert "2025-03-03 00:00 to 2025-03-03 04:00, UTC" in result.stdout
    assert "Scenarios  half, dark" in result.stdout
    assert "power 0 to 60 kW" in result.stdout
    series = {line.split()[0]: line.split()[1:] for line in result.stdout.splitlines() if line}
    assert series["load.power_kw"] == ["kW", "100", "100", "100", "400", "kWh"]
    assert series["pv.output_per_kw"] == [*("kW/kW", "0.5000", "0.5000", "0.5000"), "2", "kWh/kW"]
    assert series["grid.import_price_per_kwh"] == ["CNY/kWh", "1", "1", "1"]
    assert "tiny.yaml is valid." in result.stdout


def test_validate_takes_scenario_and_sets(run: Any) -> None:
    result = run("validate", "tiny.yaml", "--scenario", "half", "--set", "carbon={price_per_t: 80}")
    assert result.exit_code == 0, result.output
    assert "power 0 to 30 kW" in result.stdout
    assert "carbon.price_per_t 80" in result.stdout


def test_validate_reads_the_series(run: Any) -> None:
    wrong = "assets.load.power_kw={file: nowhere.csv, column: load_kw}"
    result = run("validate", "tiny.yaml", "--set", wrong)
    assert result.exit_code == 2
    assert "nowhere.csv" in result.stderr
    assert result.stdout == ""


def test_cases_list_has_every_case_with_hours_and_assets(run: Any) -> None:
    result = run("cases", "list")
    assert result.exit_code == 0, result.output
    rows = {line.split()[0]: line.split()[-2:] for line in result.stdout.splitlines() if line}
    assert set(study.case_names()) <= set(rows)
    assert rows["minimal"] == ["24", "4"]


def test_cases_copy_makes_a_folder_that_can_be_solved(run: Any, tmp_path: Path) -> None:
    result = run("cases", "copy", "minimal", "mine/first case")
    assert result.exit_code == 0, result.output
    assert "microgrid-opt solve 'mine/first case'" in result.stdout
    assert (tmp_path / "mine" / "first case" / "README.md").exists()
    assert run("solve", "mine/first case", "--no-report", "-q").exit_code == 0
    assert (tmp_path / "results" / "first_case" / "summary.json").exists()


def test_cases_copy_does_not_overwrite(run: Any, tmp_path: Path) -> None:
    (tmp_path / "minimal").mkdir()
    result = run("cases", "copy", "minimal")
    assert result.exit_code == 2
    assert "exists already" in result.stderr
    assert list((tmp_path / "minimal").iterdir()) == []


def test_cases_copy_knows_shipped_cases_only(run: Any, tmp_path: Path) -> None:
    (tmp_path / "park.yaml").write_text("schema: 1", encoding="utf-8")
    for name in ("minmal", "..", "../minimal", "."):
        result = run("cases", "copy", name, "copy")
        assert result.exit_code == 2, name
        assert not (tmp_path / "copy").exists()


@pytest.mark.parametrize(("path", "file"), [("yard", "yard/park.yaml"), ("a/b.yml", "a/b.yml")])
def test_new_writes_a_park_that_validates_and_solves(
    run: Any, tmp_path: Path, path: str, file: str
) -> None:
    result = run("new", path)
    assert result.exit_code == 0, result.output
    text = (tmp_path / file).read_text(encoding="utf-8")
    assert f"microgrid-opt solve {file}\n" in text
    assert "{{" not in text
    solved = run("solve", file, "--no-report")
    assert solved.exit_code == 0, solved.output
    assert "Rooftop PV" in solved.stdout


def test_every_scenario_of_the_starter_solves(run: Any) -> None:
    run("new", "park.yaml")
    for scenario in ("cheap_battery", "low_carbon"):
        result = run("solve", "park.yaml", "--scenario", scenario, "--no-report", "-q")
        assert result.exit_code == 0, result.output


def test_new_does_not_overwrite(run: Any, tmp_path: Path) -> None:
    before = (tmp_path / "tiny.yaml").read_bytes()
    for path in ("tiny.yaml", "tiny.yaml/below"):
        result = run("new", path)
        assert result.exit_code == 2
        assert result.stderr.startswith("tiny.yaml")
    assert (tmp_path / "tiny.yaml").read_bytes() == before


def test_compare_puts_two_plans_side_by_side(run: Any) -> None:
    """Proves: sizes, cost and CO2 of both plans and what the first earns against the second.

    Sensitivity: 60 kW against 30 kW over 4 h: 282.4 against 341.2 CNY, 140 against 170 kg; the extra
    30 kW cost 26,280 CNY and save 60 kWh · 1 CNY in 4 h, 131,400 CNY a year without interest.
    """
    run("solve", "tiny.yaml", "--no-report", "-q")
    run("solve", "tiny.yaml", "--no-report", "-q", "--scenario", "half")
    result = run("compare", "results/tiny", "results/tiny-half")
    assert result.exit_code == 0, result.output
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert "pv power 60 30 +30 kW" in lines
    assert "Total 282.4 341.2 -58.8" in lines
    assert "Total 140 170 -30" in lines
    assert "Extra investment 26,280 CNY" in lines
    assert "Net present value, 10 years at 0.0 % 1,287,720 CNY" in lines


def test_plans_that_cannot_be_compared_exit_with_2(run: Any) -> None:
    run("solve", "tiny.yaml", "--no-report", "-q")
    run("solve", "minimal", "--no-report", "-q")
    result = run("compare", "results/tiny", "results/minimal")
    assert result.exit_code == 2
    assert "The horizons differ" in result.stderr
    both = run("compare", "results/no", "results/nor")
    assert both.exit_code == 2
    assert both.stderr.count("does not exist") == 2


def test_schema_is_printed_or_written(run: Any, tmp_path: Path) -> None:
    printed = run("schema")
    assert json.loads(printed.stdout) == json_schema()
    assert run("schema", "--out", "park.schema.json").exit_code == 0
    assert json.loads((tmp_path / "park.schema.json").read_bytes()) == json_schema()
    refused = run("schema", "--out", "nowhere/park.schema.json")
    assert refused.exit_code == 2
    assert "nowhere/park.schema.json: No such file" in refused.stderr


def test_profiles_are_listed_with_their_purpose(run: Any) -> None:
    result = run("profiles")
    assert result.exit_code == 0
    first = [line.split()[0] for line in result.stdout.splitlines() if line[:1].strip()]
    assert first[1:] == ["auto", *profile_names()]


def test_help_and_version(run: Any) -> None:
    result = run("--help")
    assert result.exit_code == 0
    for name in ("solve", "validate", "schema", "cases", "new", "compare", "profiles"):
        assert name in result.stdout
        assert run(name, "-h").exit_code == 0
    assert run("--version").stdout.startswith("microgrid-opt ")
