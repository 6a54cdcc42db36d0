"""The build benchmark: equal models before any time, paired ratios, refusals."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks import __main__ as command
from benchmarks.drivers import build
from benchmarks.registry import BenchSpec, register, spec_of, specs
from benchmarks.tables import markdown
from benchmarks.variants import VARIANTS, ordinary_constraints
from benchmarks.worker import main as work
from benchmarks.worker import measure

if TYPE_CHECKING:
    from pathlib import Path

NAME = "wind_pv_hydrogen"


def week(variant: str) -> dict[str, Any]:
    return measure(NAME, variant, scenario=spec_of(NAME).window, solve=True)


@pytest.fixture(scope="module")
def ours() -> dict[str, Any]:
    return week("ours")


def test_appsi_holds_the_same_model(ours: dict[str, Any]) -> None:
    """Proves: both Pyomo ways give HiGHS our matrix and optimum, so their times compare.

    Sensitivity: any coefficient, bound or limit off by 1e-9, or one row more.
    """
    equal = build.compared([ours, week("appsi"), week("appsi-templates")])
    assert equal["rows"] == ours["rows"] > 168 * 15
    assert ours["objective"] > 0
    assert set(ours["parts"]) == {"model", "arrays", "pass"}
    assert ours["peak_mb"] >= ours["before_mb"] > 0


@pytest.mark.optional
def test_linopy_holds_the_same_model(ours: dict[str, Any]) -> None:
    """Proves: the linopy model is the same LP, dense and sparse."""
    pytest.importorskip("linopy", reason="linopy is not installed: pip install '.[peers]'")
    build.compared([ours, week("linopy"), week("linopy-sparse")])


def test_every_difference_stops_the_benchmark(ours: dict[str, Any]) -> None:
    changes = {
        "optimum": lambda other: other.update(objective=other["objective"] * (1 + 2e-6)),
        "the coefficients differ": lambda other: _scale(other["numbers"]["coefficients"]),
        "the costs differ": lambda other: _scale(other["numbers"]["costs"]),
        "upper bounds": lambda other: other["numbers"]["upper bounds"].pop(),
        "columns, rows, nonzeros": lambda other: other.update(rows=other["rows"] + 1),
    }
    for message, change in changes.items():
        other = copy.deepcopy(ours) | {"variant": "other"}
        change(other)
        with pytest.raises(build.UnequalError, match=message):
            build.compared([ours, other])


def _scale(values: list[float]) -> None:
    values[-1] *= 1 + 1e-7


def test_ordinary_constraints_are_expressions_of_their_own() -> None:
    """Proves: the `appsi` variant times a model without templates, `ours` one with them."""
    from microgrid_opt.model import build as build_model
    from microgrid_opt.study import load

    problem = load("minimal")
    templated = build_model(problem).model.park.balance.electricity
    with ordinary_constraints():
        ordinary = build_model(problem).model.park.balance.electricity
    again = build_model(problem).model.park.balance.electricity
    assert hasattr(templated[0], "template_expr")
    assert not hasattr(ordinary[0], "template_expr")
    assert hasattr(again[0], "template_expr")


def test_worker_writes_one_line_of_json(capfd: pytest.CaptureFixture[str]) -> None:
    work([NAME, "ours", "--scenario", "week"])
    found = json.loads(capfd.readouterr().out.splitlines()[-1])
    assert found["variant"] == "ours"
    assert found["cpu_seconds"] == pytest.approx(sum(found["parts"].values()))
    assert "objective" not in found


def _round(ours_seconds: float, linopy_seconds: float) -> dict[str, Any]:
    shape = {"columns": 3, "rows": 2, "nonzeros": 4, "wall_seconds": 1.0, "peak_mb": 10.0}
    shape |= {"before_mb": 5.0, "import_seconds": 0.5}
    return {
        name: shape | {"variant": name, "cpu_seconds": s, "parts": {"model": s}}
        for name, s in (("ours", ours_seconds), ("linopy", linopy_seconds))
    }


def test_ratios_are_taken_within_each_round(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: 1/2, 1/5 and 9/10 give 0.5, not the 1/5 of the medians (1 and 5)."""
    rounds = [_round(1, 2), _round(1, 5), _round(9, 10)]
    summary = build.summarised("linopy", rounds)
    assert summary["ours_over_this"] == {"median": 0.5, "min": 0.2, "max": 0.9}
    assert summary["cpu_seconds"] == {"median": 5, "min": 2, "max": 10}
    assert summary["target"] == 0.25
    assert "ours_over_this" not in build.summarised("ours", rounds)


def test_rounds_alternate_and_the_report_says_on_what(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, bool]] = []
    held = {"objective": 7.0, "numbers": {"costs": [1.0]}}

    def in_process(spec: BenchSpec, variant: str, *arguments: str) -> dict[str, Any]:
        asked.append((variant, "--solve" in arguments))
        found: dict[str, Any] = _round(1, 4)[variant] | held
        return found

    monkeypatch.setattr(build, "in_process", in_process)
    report = build.run(spec_of(NAME), repeats=2, variants=("ours", "linopy"))
    assert asked == [
        *(("ours", True), ("linopy", True)),
        *(("ours", False), ("linopy", False)),
        *(("linopy", False), ("ours", False)),
    ]
    assert set(report["machine"]) == {
        *("processor", "cores", "memory_gib", "system", "python", "versions"),
    }
    page = markdown(report)
    assert "| 0.250 (0.250–0.250) | ≤ 0.25 |" in page
    assert "2 paired rounds" in page
    assert all(VARIANTS[name].what in page for name in ("ours", "linopy"))


def test_registry_refuses_doubles_and_unknown_phases() -> None:
    spec = spec_of(NAME)
    with pytest.raises(ValueError, match="registered twice"):
        register(spec)
    with pytest.raises(ValueError, match=r"phases are \('build',\), not \['brew'\]"):
        register(BenchSpec("new", "minimal", "week", (), ("brew",), spec.linopy))
    with pytest.raises(ValueError, match=f"there are {NAME}"):
        spec_of("wind")
    assert "new" not in specs()


def test_command_line_lists_and_refuses(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    command.main(["list"])
    assert capsys.readouterr().out.startswith(f"{NAME}: case {NAME}")
    with pytest.raises(SystemExit, match="not \\['gurobi'\\]"):
        command.main(["build", "--variants", "ours,gurobi", "--results", str(tmp_path)])
    assert not list(tmp_path.iterdir())
