"""The command `dispatch`: whose sizes, what is saved, plain errors."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest

from microgrid_opt.cli.console import console
from microgrid_opt.cli.dispatch import show_dispatch
from microgrid_opt.dispatch import Dispatch, dispatch
from microgrid_opt.solve.rolling import Windows
from microgrid_opt.store import StoredPlan, open_plan
from tests.support import EXACT, problem_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., Any]

HOURLY = ("--window-hours", "1", "--look-ahead-hours", "1")
STORE = "{type: battery, energy_kwh: 5, power_kw: 5, charge_efficiency: 1, discharge_efficiency: 1}"
BATTERY = """\
schema: 1
name: Evening
currency: CNY
horizon: {start: 2025-03-03, hours: 4}
finance: {discount_rate: 0, project_years: 10}
assets:
  load: {type: load, power_kw: 10}
  grid: {type: grid, import_price_per_kwh: {hourly: [1, 1, 1, 5, 5, 5, 5, 5, 5, 5, 5, 5,
    5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5]}}
  battery: {type: battery, energy_kwh: 10, power_kw: 10, charge_efficiency: 1,
    discharge_efficiency: 1, initial_fraction: 0, final: free}
"""
"""10 kWh bought at 1 and used at 5: 40 for 80."""


def shown(found: Dispatch) -> str:
    """Return what is printed, on one line."""
    stream = StringIO()
    show_dispatch(console(stream), found)
    return " ".join(stream.getvalue().split())


def test_sizes_of_a_plan_are_operated_and_saved(run: Run, tmp_path: Path) -> None:
    """Proves: the sizes of the folder count, and results and report are those of any plan.

    The plan built 30 kW; the park alone would build 60. Sensitivity: `compare` opens both folders.
    """
    assert run("solve", "tiny.yaml", "--scenario", "half", "--out", "half", "-q").exit_code == 0
    result = run("dispatch", "tiny.yaml", "--plan", "half", "--out", "rolled", *HOURLY)
    assert result.exit_code == 0, result.output
    assert "4 windows of 1 h, 1 h beyond seen" in result.output
    assert "Perfect foresight would save 0 CNY" in result.output
    assert "Saved in rolled: report.html, summary.json" in result.output
    held = open_plan(tmp_path / "rolled")
    assert isinstance(held, StoredPlan)
    assert held.results.sizes["total"].tolist() == pytest.approx([30.0])
    assert held.results.run.strategy == "rolling"
    assert held.summary["run"]["strategy"] == "rolling"
    assert (tmp_path / "rolled" / "report.html").exists()
    assert run("compare", "half", "rolled").exit_code == 0
    whole = run("dispatch", "tiny.yaml", "--plan", "half", "--window-hours", "99")
    assert "One window; processor time" in whole.output


def test_a_plan_is_solved_first_or_what_stands_is_operated(run: Run, tmp_path: Path) -> None:
    """Proves: without a folder the sizes are found first, with --existing nothing is built.

    Sensitivity: 60 kW of PV against none.
    """
    for options, sizes in (((), [60.0]), (("--existing",), [])):
        result = run("dispatch", "tiny.yaml", "--out", "o", "--no-report", *options, *HOURLY)
        assert result.exit_code == 0, result.output
        held = open_plan(tmp_path / "o")
        assert isinstance(held, StoredPlan)
        assert held.results.sizes["total"].tolist() == pytest.approx(sizes)
        assert not (tmp_path / "o" / "report.html").exists()


def test_what_foresight_saves_is_told(run: Run, tmp_path: Path) -> None:
    """Proves: 40 of 40 and 50 % are told, and the report does not call the plan optimal.

    Sensitivity: with a look-ahead of two hours it is 0, and it does.
    """
    (tmp_path / "evening.yaml").write_text(BATTERY, encoding="utf-8")
    short = ("--window-hours", "2", "--look-ahead-hours", "0", "--guide", "none")
    result = run("dispatch", "evening.yaml", "--out", "o", *short)
    assert result.exit_code == 0, result.output
    assert "Perfect foresight would save 0 CNY" in result.output
    hourly = ("--window-hours", "1", *short[2:])
    result = run("dispatch", "evening.yaml", "--out", "o", *hourly)
    assert result.exit_code == 0, result.output
    assert "Perfect foresight would save 40 CNY: 100.0 % of all cost" in result.output
    page = (tmp_path / "o" / "report.html").read_text(encoding="utf-8")
    assert "Window by window" in page
    assert "no other operation of the same sizes can be cheaper by more than" in page


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--window-hours", "0"), "window-hours = 0.0: must be more than 0 hours"),
        (("--look-ahead-hours", "-1"), "look-ahead-hours = -1.0: must be 0 hours or more"),
        (("--guide", "prices"), "guide = 'prices': must be `plan` or `none`"),
        (("--plan", "nowhere"), "nowhere does not exist: give the folder that a plan was saved to"),
        (("--plan", "half", "--existing"), "are two sets of sizes: give one of them"),
        (("--plan", "half", "--out", "./half"), "would replace the plan whose sizes are taken"),
        (("--plan", "other"), "The plan is one of 'Evening', the park is 'Tiny"),
        (
            ("--plan", "half", "--set", "horizon.hours=6"),
            "The plan has 4 steps from 2025-03-03 00:00:00+00:00, the park 6 from",
        ),
        (
            ("--plan", "half", "--set", "assets.pv.power_kw.max_kw=20"),
            "assets.pv.power: is 30 in the plan, and 0 to 20 is allowed here.",
        ),
        (
            ("--plan", "half", "--set", f"assets.store={STORE}"),
            "assets.store.energy: is in the park only: solve the park again.",
        ),
        (("--solver-option", "mip_gap=1"), "mip_gap"),
    ],
)
def test_bad_input_is_told_and_nothing_is_written(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    """Proves: what cannot be operated is refused with exit code 2, and no folder is made."""
    (tmp_path / "evening.yaml").write_text(BATTERY, encoding="utf-8")
    assert run("solve", "tiny.yaml", "--scenario", "half", "--out", "half", "-q").exit_code == 0
    assert run("solve", "evening.yaml", "--out", "other", "-q").exit_code == 0
    result = run("dispatch", "tiny.yaml", "--out", "rolled", *arguments)
    assert result.exit_code == 2, result.output
    assert message in result.output
    assert not (tmp_path / "rolled").exists()


def test_a_park_with_stages_is_operated_stage_by_stage(run: Run) -> None:
    """Proves: all stages at once are refused with what to do."""
    result = run("dispatch", "pathway_2035")
    assert result.exit_code == 2
    assert "give --stage YEAR" in result.output


def test_a_park_without_anything_to_operate_is_refused(run: Run, tmp_path: Path) -> None:
    """Proves: --existing on a park all of whose assets are yet to be built says so."""
    text = (
        "schema: 1\nname: Empty\ncurrency: CNY\nhorizon: {start: 2025-03-03, hours: 4}\n"
        "finance: {discount_rate: 0, project_years: 10}\nassets:\n"
        "  pv: {type: pv, output_per_kw: 0.5,\n"
        "       power_kw: {max_kw: 9, capex_per_kw: 1, lifetime_years: 10}}\n"
        "  outlet: {type: dump, carrier: electricity, in_reference: false}\n"
    )
    (tmp_path / "empty.yaml").write_text(text, encoding="utf-8")
    result = run("dispatch", "empty.yaml", "--existing")
    assert result.exit_code == 2
    assert "has no existing asset to operate" in result.output


def test_foresight_that_is_not_solved_to_the_end_may_cost_more() -> None:
    """Proves: a plan with perfect foresight that stopped early, above the rolled one, saves nothing.

    Both proofs are told. Sensitivity: the same two plans the other way round save 40.
    """
    found = dispatch(problem_of(BATTERY), Windows(1.0, 0.0, "none"), EXACT)
    assert "would save 40 CNY" in shown(found)
    early = replace(found.plan.results, run=replace(found.plan.results.run, gap=0.5))
    late = replace(found.foresight, run=replace(found.foresight.run, gap=0.02))
    text = shown(replace(found, plan=replace(found.plan, results=late), foresight=early))
    assert "costs 40 CNY less than the plan with perfect foresight" in text
    assert "proven to 50.0 %" in text
    assert "by more than 2.0 %" in text


def test_limits_that_cannot_be_met_are_named(run: Run) -> None:
    """Proves: sizes that cannot serve the park end with exit code 3 and the balance that falls short."""
    result = run("dispatch", "tiny.yaml", "--scenario", "dark", "--existing")
    assert result.exit_code == 3
    assert "electricity of park is short in 4 steps" in result.output
