"""Pathways in folders: what comes back, what is damaged, what is replaced."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from microgrid_opt import open_plan, save
from microgrid_opt.compare import compare_stored
from microgrid_opt.errors import InputError
from microgrid_opt.pathway.report import write_reports
from microgrid_opt.pathway.store import StoredPathway, single
from microgrid_opt.store import encoding
from tests.math.test_pathway import BUDGET, FALLING
from tests.pathways import pathway

if TYPE_CHECKING:
    from pathlib import Path

    from microgrid_opt.pathway.plan import PathwayPlan


@pytest.fixture(scope="module")
def plan() -> PathwayPlan:
    return pathway(BUDGET)


@pytest.fixture(scope="module")
def folder(plan: PathwayPlan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the pathway and its reports."""
    place = tmp_path_factory.mktemp("results") / "pathway"
    save(plan, place, command="microgrid-opt solve park.yaml")
    write_reports(plan, place)
    return place


def test_all_comes_back(plan: PathwayPlan, folder: Path) -> None:
    """Proves: tables, run and every stage are the same to the last bit."""
    held = open_plan(folder)
    assert isinstance(held, StoredPathway)
    for name, table in plan.pathway.tables().items():
        assert held.pathway.tables()[name].equals(table), name
    assert held.pathway.run == plan.pathway.run
    assert held.pathway.present_value == plan.pathway.present_value
    assert list(held.stages) == [2027, 2028]
    for year, stage in held.stages.items():
        assert encoding.equal(stage.results, plan.stages[year].results)
        assert stage.manifest["origin"]["stage"] == year
    assert held.summary["npv"] == {"value": plan.pathway.npv, "unit": "CNY"}
    assert held.summary["caps"][0]["shadow_price"]["value"] == pytest.approx(0.1)
    assert held.summary["audits_passed"]["stage 2028"] is True


def test_a_stage_is_a_plan_of_its_own(plan: PathwayPlan, folder: Path) -> None:
    """Proves: a stage's folder opens by itself, and two of them can be held side by side."""
    first, second = (single(folder / "stages" / str(year)) for year in (2027, 2028))
    found = compare_stored(second, first)
    assert found.extra_capex == pytest.approx(50 * 96360)
    assert second.results.cost == plan.stages[2028].results.cost
    with pytest.raises(InputError, match=r"holds stages: give one of them, such as .*stages/2027"):
        single(folder)


def test_one_manifest_knows_every_file(folder: Path) -> None:
    """Proves: each file has its hash at the top; a change deep in a stage is found from there."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    there = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "report.html"
    }
    assert there == {*manifest["files"], "manifest.json"}
    path = folder / "stages" / "2028" / "tables" / "sizes.parquet"
    before = path.read_bytes()
    path.write_bytes(before[:-1])
    try:
        with pytest.raises(InputError, match=r"stages/2028/tables/sizes.parquet: is damaged"):
            open_plan(folder)
    finally:
        path.write_bytes(before)


def test_results_are_replaced_as_a_whole(folder: Path, tmp_path: Path) -> None:
    """Proves: other results take the place of a pathway with reports; a user's file stops that."""
    target = tmp_path / "out"
    save(pathway(FALLING), target)
    write_reports(pathway(FALLING), target)
    save(pathway(BUDGET), target)
    assert not list(target.rglob("report.html"))
    assert {path.name for path in (target / "stages").iterdir()} == {"2027", "2028"}
    (target / "stages" / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match=r"files that are not results \(stages/notes.txt\)"):
        save(pathway(FALLING), target)
    assert folder.exists()
