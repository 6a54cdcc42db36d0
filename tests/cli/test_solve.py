"""`microgrid-opt solve`: the summary, the files, the exit codes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from microgrid_opt import audit as auditing
from microgrid_opt.audit import Audit, Check
from microgrid_opt.cli import all_of, default_name
from microgrid_opt.errors import Finding, InputError, NoPlanError

if TYPE_CHECKING:
    from pathlib import Path


def test_the_summary_says_what_to_build_and_what_it_is_worth(run: Any) -> None:
    """Proves: sizes, money, energy and CO2 stand in the summary with their units.

    Sensitivity: hand-solved. Reference 4 h · 100 kW · 1 CNY = 400 CNY and 200 kg. 60 kW of PV make
    120 kWh and cost 60 · 87.6 · 4/8760 = 2.40 CNY: 400 − 120 + 2.4 = 282.4 CNY and 140 kg.
    """
    result = run("solve", "tiny.yaml")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0] == "Tiny [red]park[/red] 零碳园区 :smile:"
    assert "Optimal plan: 282.4 CNY over 4 h, 117.6 CNY (29.4 %) less than the" in result.stdout
    assert words(lines, "屋顶光伏 [bold]一期  power") == ["0", "60", "kW", "max", "52,560"]
    assert words(lines, "Energy import") == ["400.0", "280.0", "-120.0"]
    assert words(lines, "Total") == ["400.0", "282.4", "-117.6"]
    assert words(lines, "屋顶光伏 [bold]一期 ", last=True) == ["0", "120", "+120"]
    assert words(lines, "CO2 over 4 h [kg]") == ["200", "140", "-30.0", "%"]
    assert words(lines, "Self-sufficiency") == ["0.0", "%", "30.0", "%"]
    assert "independent checks agree" in result.stdout
    assert "Saved in results/tiny: report.html, summary.json" in result.stdout


def words(lines: list[str], start: str, *, last: bool = False) -> list[str]:
    """Return the words after `start` in the first line (or last line of numbers) that has it."""
    found = [line.removeprefix(start).split() for line in lines if line.startswith(start)]
    found = [line for line in found if "yield" not in line]
    return found[-1 if last else 0]


def test_results_and_report_are_written(run: Any, tmp_path: Path) -> None:
    result = run("solve", "tiny.yaml", "--scenario", "half", "--set", "finance.project_years=12")
    assert result.exit_code == 0, result.output
    folder = tmp_path / "results" / "tiny-half"
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["origin"]["park_file"] == "tiny.yaml"
    assert manifest["origin"]["scenario"] == "half"
    assert manifest["origin"]["sets"] == ["finance.project_years=12"]
    assert (folder / "report.html").stat().st_size > 1000
    assert run("solve", "tiny.yaml", "--scenario", "half", "--no-report").exit_code == 0
    assert not (folder / "report.html").exists()


def test_a_shipped_case_has_no_path_of_this_machine_in_the_manifest(
    run: Any, tmp_path: Path
) -> None:
    assert run("solve", "minimal", "--no-report", "-q").exit_code == 0
    manifest = (tmp_path / "results" / "minimal" / "manifest.json").read_text(encoding="utf-8")
    assert json.loads(manifest)["origin"]["park_file"] == "case:minimal"


def test_quiet_prints_nothing(run: Any) -> None:
    result = run("solve", "tiny.yaml", "--quiet", "--no-report")
    assert (result.exit_code, result.output) == (0, "")


def test_without_reference_there_is_one_column(run: Any) -> None:
    result = run("solve", "tiny.yaml", "--no-reference", "--no-report")
    assert "Reference" not in result.stdout
    assert "Note: there is no reference plan: not asked for" in result.stdout


def test_a_binding_cap_shows_its_price_per_tonne(run: Any) -> None:
    """Proves: the shadow price of the CO2 cap stands in the summary.

    Sensitivity: an import limit of the cap in kg / 0.5. With a second, dearer and clean supply at
    2 CNY/kWh, one kg less costs (2 − 1)/0.5 = 2 CNY, which is 2,000 CNY/t.
    """
    clean = "assets.clean={type: supply, carrier: electricity, price_per_kwh: 2}"
    result = run(
        *("solve", "tiny.yaml", "--no-report", "--set", clean),
        *("--set", "carbon={cap_t_per_year: 219}"),
    )
    assert result.exit_code == 0, result.output
    assert words(result.stdout.splitlines(), "CO2 cap") == ["2,000", "CNY/t"]


def test_bad_input_gives_all_findings_at_once_and_writes_nothing(run: Any, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("keep", encoding="utf-8")
    result = run(
        *("solve", "tiny.yaml", "--out", "mine", "--profile", "defualt"),
        *("--set", "assets.pv.power_kw.max_kw=-1", "--set", "finance.discount_rate=[bold]"),
    )
    assert result.exit_code == 2
    assert result.stdout == ""
    told = result.stderr.splitlines()
    assert any("holds something else than results (letter.txt)" in line for line in told)
    assert any("no solver profile `defualt`" in line for line in told)
    assert any("max_kw = -1: must be at least 0 kW." in line for line in told)
    assert any("discount_rate = ['bold']" in line for line in told)
    assert told[-1] == "4 problems; nothing was written."
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "tiny.yaml"]


def test_the_place_in_the_file_comes_first(run: Any, tmp_path: Path) -> None:
    text = (tmp_path / "tiny.yaml").read_text(encoding="utf-8")
    (tmp_path / "bad.yaml").write_text(text.replace("max_kw: 60", "max_kw: 60 kg"), "utf-8")
    for name in ("solve", "validate"):
        result = run(name, "bad.yaml")
        assert result.exit_code == 2
        assert result.stderr.startswith("bad.yaml:12:16: assets.pv.power_kw.max_kw = '60 kg'")


def test_a_solver_option_that_is_unknown_is_refused(run: Any) -> None:
    result = run("solve", "tiny.yaml", "--solver-option", "mip_rel_gp=1")
    assert result.exit_code == 2
    assert "did you mean `mip_rel_gap`?" in result.stderr


def test_an_infeasible_park_exits_with_3_and_writes_nothing(run: Any, tmp_path: Path) -> None:
    result = run("solve", "tiny.yaml", "--scenario", "dark")
    assert result.exit_code == 3
    assert "electricity" in result.stderr
    assert not (tmp_path / "results").exists()


def test_stopping_before_a_plan_exits_with_4(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object, **__: object) -> None:
        raise NoPlanError("The solver stopped after 1.0 s (time limit) before it held any plan.")

    monkeypatch.setattr("microgrid_opt.study.solve", stop)
    result = run("solve", "tiny.yaml")
    assert result.exit_code == 4
    assert "before it held any plan" in result.stderr


def test_ctrl_c_while_reading_exits_with_4_and_no_traceback(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("microgrid_opt.study.load", stop)
    result = run("solve", "tiny.yaml")
    assert result.exit_code == 4
    assert result.stderr == "Stopped before a plan was ready; nothing was written.\n"


def test_ctrl_c_while_reporting_keeps_the_plan(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("microgrid_opt.report.html.write_report", stop)
    result = run("solve", "tiny.yaml")
    assert result.exit_code == 0
    assert "Saved in results/tiny: summary.json" in result.stdout
    assert (tmp_path / "results" / "tiny" / "manifest.json").exists()


def test_a_failed_audit_exits_with_5_saves_and_says_so(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = auditing.audit

    def suspicious(*arguments: Any, **options: Any) -> Audit:
        found = honest(*arguments, **options)
        wrong = Check("park.pv", "ledger cost investment", 3.0, 0.01, "CNY")
        return replace(found, checks=(*found.checks, wrong))

    monkeypatch.setattr("microgrid_opt.audit.audit", suspicious)
    result = run("solve", "tiny.yaml", "--no-report")
    assert result.exit_code == 5
    assert "AUDIT FAILED: 1 of " in result.stdout
    assert "AUDIT FAILED" in result.stdout.splitlines()[1]
    assert "plan: FAILED: park.pv: ledger cost investment: off by 3 CNY" in result.stderr
    summary = json.loads((tmp_path / "results/tiny/summary.json").read_text(encoding="utf-8"))
    assert summary["audit"]["passed"] is False
    assert run("solve", "tiny.yaml", "--no-report", "-q").exit_code == 5


def test_a_bug_exits_with_1_and_tells_how_to_see_the_traceback(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("oops [bold]")

    monkeypatch.setattr("microgrid_opt.study.solve", broken)
    result = run("solve", "tiny.yaml")
    assert result.exit_code == 1
    assert "bug of microgrid-opt: ZeroDivisionError: oops [bold]" in result.stderr
    assert "microgrid-opt --debug" in result.stderr
    assert "Traceback" not in result.stderr
    debugged = run("--debug", "solve", "tiny.yaml")
    assert debugged.exit_code == 1
    assert "in broken" in debugged.stderr
    monkeypatch.setenv("MICROGRID_OPT_DEBUG", "1")
    assert "in broken" in run("solve", "tiny.yaml").stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("solve",),
        ("sole", "tiny.yaml"),
        ("solve", "tiny.yaml", "--gap", "many"),
        ("solve", "tiny.yaml", "--gap", "-1"),
        ("solve", "tiny.yaml", "--time-limit", "-1"),
        ("solve", "tiny.yaml", "--fast"),
        ("solve", "nowhere.yaml"),
        ("solve", "tiny.yaml", "--scenario", "quarter"),
        ("solve", "tiny.yaml", "--set", "assets"),
    ],
)
def test_wrong_usage_exits_with_2(run: Any, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.yaml"]


@pytest.mark.parametrize(
    ("park", "scenario", "name"),
    [
        ("yangzhou", None, "yangzhou"),
        ("case:yangzhou", "sizing", "yangzhou-sizing"),
        ("parks/north.yaml", None, "north"),
        ("parks/north/park.yaml", None, "north"),
        ("parks/north/", None, "north"),
        ("扬州.yml", "零碳 a/b", "扬州-零碳_a_b"),
    ],
)
def test_the_default_folder_is_named_after_the_park(
    park: str, scenario: str | None, name: str
) -> None:
    assert default_name(park, scenario) == name


def test_the_default_folder_of_the_folder_one_is_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "north").mkdir()
    monkeypatch.chdir(tmp_path / "north")
    assert default_name(".") == default_name("park.yaml") == "north"


def test_findings_of_several_steps_are_told_once() -> None:
    def fail(*names: str) -> None:
        raise InputError([Finding(name) for name in names])

    with pytest.raises(InputError) as caught:
        all_of(lambda: fail("a", "b"), lambda: 1, lambda: fail("b", "c"))
    assert [finding.message for finding in caught.value.findings] == ["a", "b", "c"]
    assert all_of(lambda: 1, lambda: None) == [1, None]


def test_typical_days_that_there_are_not_are_refused_before_anything_is_written(
    run: Any, tmp_path: Path
) -> None:
    result = run("solve", "minimal", "--typical-days", "400")
    assert result.exit_code == 2
    assert "400 typical days are too many: there are 1; give at most 1." in result.output
    assert not (tmp_path / "results").exists()
