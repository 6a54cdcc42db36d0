"""Every shipped case against its expected.yaml."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from microgrid_opt.shipped import shipped
from microgrid_opt.study import Plan, case_names, load, solve

if TYPE_CHECKING:
    from pathlib import Path

    from microgrid_opt.pathway.plan import PathwayPlan
    from microgrid_opt.results import Results


def expected(name: str) -> dict[str, Any]:
    text = (shipped("cases") / name / "expected.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))


CASES = [
    pytest.param(name, marks=pytest.mark.slow) if expected(name).get("slow") else name
    for name in case_names()
]
WITH_SERIES = [n for n in case_names() if (shipped("cases") / n / "make_series.py").is_file()]


def check(results: Results, wanted: dict[str, Any], tolerance: float) -> None:
    if "cost" in wanted:
        assert results.cost == pytest.approx(wanted["cost"], rel=tolerance)
    if "co2_kg" in wanted:
        assert results.co2_kg == pytest.approx(wanted["co2_kg"], rel=tolerance)
    for key, size in wanted.get("sizes", {}).items():
        assert results.size(*key.split(".")) == pytest.approx(size, rel=max(tolerance, 1e-4))
    for key, energy in wanted.get("energy_kwh", {}).items():
        found = float(results.of(key) @ results.horizon.hours)
        assert found == pytest.approx(energy, rel=tolerance), key
    for key, price in wanted.get("shadow_prices", {}).items():
        row = results.caps.set_index("name").loc[key]
        assert bool(row["binding"])
        assert row["shadow_price"] == pytest.approx(price, rel=1e-3)
    for key, bounds in wanted.get("between", {}).items():
        asset, name = key.split(".")
        rows = results.details
        value = rows[(rows["asset"] == asset) & (rows["name"] == name)]["value"].iloc[0]
        assert bounds[0] <= value <= bounds[1], key


def check_stages(plan: PathwayPlan, wanted: dict[str, Any]) -> None:
    """Hold a pathway against `plan: {present_value, npv, co2_kg, stages: {2030: {cost, sizes, …}}}`,
    and the same of its reference plans against `reference: {2030: {cost, …}}`."""
    for name, audit in plan.audits.items():
        assert audit.passed, (name, audit.failures)
    tolerance = float(wanted["relative_tolerance"])
    for key in ("present_value", "npv", "co2_kg"):
        if key in wanted["plan"]:
            found = getattr(plan.pathway, key)
            assert found == pytest.approx(wanted["plan"][key], rel=tolerance), key
    for year, promised in wanted["plan"].get("stages", {}).items():
        check(plan.stages[int(year)].results, promised, tolerance)
    for year, promised in wanted.get("reference", {}).items():
        reference = plan.stages[int(year)].reference
        assert reference is not None
        check(reference, promised, tolerance)


@pytest.mark.parametrize("name", CASES)
def test_case_gives_what_it_promises(name: str) -> None:
    """Proves: the plan and its reference are those of expected.yaml, and the audit is green."""
    wanted = expected(name)
    assert wanted["origin"]
    plan = solve(load(name), gap=wanted.get("gap"))
    if not isinstance(plan, Plan):
        check_stages(plan, wanted)
        return
    assert plan.audit.passed, plan.audit.failures
    tolerance = float(wanted["relative_tolerance"])
    check(plan.results, wanted["plan"], tolerance)
    if "reference" in wanted:
        assert plan.reference is not None
        assert plan.reference_audit is not None
        assert plan.reference_audit.passed
        check(plan.reference, wanted["reference"], tolerance)


def test_yangzhou_numbers_of_the_policy_text() -> None:
    """Proves: > 1 GWh and 590 t hold with the national factor of 2021, not with Jiangsu's.

    Sensitivity: 0.5568 kg/kWh gives 590 t; 0.5978 gives 633 t.
    """
    problem = load("yangzhou")
    generated = problem.arrays["assets.pv.output_per_kw"].sum() * 1000.0
    assert generated > 1.0e6
    factor = problem.arrays["assets.grid.co2_kg_per_kwh"][0]
    assert generated * factor / 1000.0 == pytest.approx(590.0, abs=1.0)
    jiangsu = load("yangzhou", scenario="jiangsu_2022").arrays["assets.grid.co2_kg_per_kwh"][0]
    assert generated * jiangsu / 1000.0 > 630.0


@pytest.mark.parametrize("name", case_names())
def test_case_folder_is_complete(name: str) -> None:
    folder = shipped("cases") / name
    assert (folder / "README.md").is_file()
    assert (folder / "expected.yaml").is_file()


@pytest.mark.parametrize("name", WITH_SERIES)
def test_series_script_writes_the_shipped_file(name: str, tmp_path: Path) -> None:
    """Proves: the seeded script and the shipped series belong together."""
    source = shipped("cases") / name
    script = tmp_path / "make_series.py"
    script.write_bytes((source / "make_series.py").read_bytes())
    scope: dict[str, Any] = {"__name__": "script", "__file__": str(script)}
    exec(compile(script.read_text(encoding="utf-8"), str(script), "exec"), scope)
    scope["main"]()
    assert (tmp_path / "series.csv").read_bytes() == (source / "series.csv").read_bytes()
