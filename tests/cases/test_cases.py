"""Every shipped case against its expected.yaml, which may hold:

``origin``
    Where the values come from: by hand, another tool, a published figure.
``relative_tolerance``
    Of every value; sizes have 1e-4 at least, shadow prices 1e-3.
``slow``
    True for a case of more than five seconds.
``gap``
    At which a plan with whole numbers may stop.
``plan``, ``reference``
    ``cost``, ``co2_kg``, ``sizes`` (asset.size), ``energy_kwh`` (asset.series, summed over the horizon),
    ``shadow_prices`` (of caps that bind), ``between`` (asset.figure: least, most).
    Of a case with stages: ``present_value``, ``npv``, ``co2_kg`` and, by year, ``stages`` with the same
    values; ``reference`` has them by year.
``alone``, ``gain``
    Of a case whose members trade: the cost of each without the others, and what they gain together
    against that.
``scenarios``
    By the name of a scenario of the park: ``plan`` and ``reference`` of its own, and ``relative_tolerance``,
    ``slow`` and ``gap`` where they differ from those of the case. What is left out of ``plan`` or
    ``reference`` is not checked; the case's own values never hold for a scenario.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from microgrid_opt.problem import Problem
from microgrid_opt.shipped import shipped
from microgrid_opt.study import Plan, case_names, load, solve
from microgrid_opt.trading.form import takes_arcs
from microgrid_opt.trading.modes import Study
from microgrid_opt.trading.pairs import pairs_of

if TYPE_CHECKING:
    from pathlib import Path

    from microgrid_opt.pathway.plan import PathwayPlan
    from microgrid_opt.results import Results


def expected(name: str) -> dict[str, Any]:
    text = (shipped("cases") / name / "expected.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))


KEYS = {"origin", "relative_tolerance", "slow", "gap", "plan", "reference", "scenarios"}
KEYS |= {"alone", "gain"}
VALUES = {"cost", "co2_kg", "sizes", "energy_kwh", "shadow_prices", "between"}
WHOLE = {"present_value", "npv", "stages"}
"""Values of a pathway."""
SHARED = ("relative_tolerance", "slow", "gap")
"""What a scenario takes from its case."""


def promises(whole: dict[str, Any]) -> dict[str | None, dict[str, Any]]:
    """Return what a file promises of the park as it stands (None) and of each of its scenarios."""
    shared = {key: whole[key] for key in SHARED if key in whole}
    own = {key: value for key, value in whole.items() if key != "scenarios"}
    return {None: own, **{name: shared | one for name, one in whole.get("scenarios", {}).items()}}


def unknown(whole: dict[str, Any]) -> set[str]:
    """Return the keys of a file that no test would look at."""
    found = set(whole) - KEYS
    for name, one in promises(whole).items():
        found |= set() if name is None else set(one) - {*SHARED, "plan", "reference"}
        for held in (one.get("plan", {}), one.get("reference", {})):
            by_year = held.get("stages", {}) | {y: v for y, v in held.items() if isinstance(y, int)}
            found |= set(held) - VALUES - WHOLE - set(by_year)
            for values in by_year.values():
                found |= set(values) - VALUES
    return found


PROMISES = [
    pytest.param(
        name,
        scenario,
        marks=[pytest.mark.slow] if one.get("slow") else [],
        id=name if scenario is None else f"{name}-{scenario}",
    )
    for name in case_names()
    for scenario, one in promises(expected(name)).items()
]
TRADING = [
    pytest.param(name, marks=[pytest.mark.slow] if expected(name).get("slow") else [])
    for name in case_names()
    if "alone" in expected(name)
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


@pytest.mark.parametrize(("name", "scenario"), PROMISES)
def test_case_gives_what_it_promises(name: str, scenario: str | None) -> None:
    """Proves: the plan and its reference are those of expected.yaml, and the audit is green."""
    wanted = promises(expected(name))[scenario]
    plan = solve(load(name, scenario=scenario), gap=wanted.get("gap"))
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


@pytest.mark.parametrize("name", TRADING)
def test_members_alone_cost_what_the_case_promises(name: str) -> None:
    """Proves: each member's plan without the others, and the gain of the plan of all against them."""
    wanted = expected(name)
    problem = load(name)
    assert isinstance(problem, Problem)
    alone = Study(problem).alone
    assert set(alone) == set(wanted["alone"])
    for member, cost in wanted["alone"].items():
        held = alone[member]
        assert held.audit is not None
        assert held.audit.passed, (member, held.audit.failures)
        assert held.cost == pytest.approx(cost, rel=wanted["relative_tolerance"], abs=0.01), member
    gain = sum(held.cost for held in alone.values()) - wanted["plan"]["cost"]
    assert gain == pytest.approx(wanted["gain"], rel=1e-5)


def test_fees_over_the_wall() -> None:
    """Proves: wall_trade pays the differences of Hubei's two-part network prices, downwards alone.

    Sensitivity: 10 kV via 35 kV 0.0198, via 110 kV 0.0379, 35 kV via 110 kV 0.0181; what is lost adds up.
    """
    problem = load("wall_trade", scenario="losses_in_kind")
    assert isinstance(problem, Problem)
    pairs = {(pair.seller, pair.buyer): pair for pair in pairs_of(problem)}
    for ends, fee in {
        ("storage", "workshop"): 0.0198,
        ("windfarm", "workshop"): 0.0379,
        ("windfarm", "datahall"): 0.0181,
        ("depot", "workshop"): 0.0,
        ("depot", "coldstore"): 0.1263 - 0.1065,
        ("depot", "datahall"): 0.0,
        ("coldstore", "foundry"): 0.0,
    }.items():
        assert pairs[ends].fee == pytest.approx(fee, abs=1e-9), ends
    assert pairs["windfarm", "workshop"].delivered == pytest.approx(0.995 * 0.985)
    assert pairs["depot", "coldstore"].delivered == pytest.approx(0.985**2)


def test_meters_over_the_wall_need_no_binary() -> None:
    """Proves: with what stays due, no firm gains by taking and giving at once, and the plan knows.

    Sensitivity: a power factor of 0.6, which adds a quarter to the data centre's prices, leaves room for it.
    """
    for sets, needed in (((), False), (("assets.datahall_grid.contract.power_factor=0.6",), True)):
        problem = load("wall_trade", scenario="week", sets=sets)
        assert isinstance(problem, Problem)
        plan = solve(problem, reference=False, gap=0.01)
        assert isinstance(plan, Plan)
        assert (plan.results.run.integers > 0) == needed


def test_way_over_the_border() -> None:
    """Proves: what a kWh delivered from the mine to the park pays on its way, and what is lost.

    Sensitivity: 0.029 + 0.1357 + 0.060 / 0.988 CNY; of a kWh sent 0.985 · 0.95 · 0.988 arrive. The works
    pay 0.0857 at 110 kV; the cement works nearby 0.085 − 0.060.
    """
    problem = load("enclave")
    assert isinstance(problem, Problem)
    pairs = {pair.key: pair for pair in pairs_of(problem)}
    park, works = pairs["green_park"], pairs["green_works"]
    assert park.delivered == pytest.approx(0.985 * 0.95 * 0.988)
    assert park.fee == pytest.approx(0.029 + 0.1357 + 0.060 / 0.988)
    assert works.fee == pytest.approx(0.029 + 0.0857 + 0.060 / 0.994)
    assert pairs["neighbour"].fee == pytest.approx(0.025)


def test_fees_by_line_and_by_area_come_to_the_same() -> None:
    """Proves: community_eu costs the same with flows on lines as with a variable for each pair.

    Sensitivity: the fee between areas is that inside one and the price of the ring.
    """
    costs = []
    for scenario, has_flows in (("week", True), ("week_by_area", False)):
        problem = load("community_eu", scenario=scenario)
        assert isinstance(problem, Problem)
        assert takes_arcs(problem, pairs_of(problem)) == has_flows
        plan = solve(problem, reference=False)
        assert isinstance(plan, Plan)
        assert plan.audit.passed, plan.audit.failures
        costs.append(plan.results.cost)
    assert costs[0] == pytest.approx(costs[1], rel=1e-9)


@pytest.mark.parametrize("name", case_names())
def test_every_promise_is_one_that_is_checked(name: str) -> None:
    """Proves: no key of expected.yaml is overlooked, and each scenario stands in the park and promises."""
    whole = expected(name)
    assert whole["origin"]
    assert not unknown(whole)
    park = yaml.safe_load((shipped("cases") / name / "park.yaml").read_text(encoding="utf-8"))
    for scenario, one in promises(whole).items():
        assert one["plan"]
        assert scenario is None or scenario in park["scenarios"]


def test_promises_of_scenarios() -> None:
    """Proves: a scenario has its own values, and the case's tolerance unless it has another.

    Sensitivity: keys that nobody reads are told, at every level.
    """
    whole = {"origin": "by hand", "relative_tolerance": 1e-6, "slow": True, "plan": {"cost": 1.0}}
    assert promises(whole) == {None: whole}
    both = {"dear": {"plan": {"cost": 2.0}}, "rough": {"gap": 0.01, "relative_tolerance": 1e-2}}
    assert promises({**whole, "scenarios": both}) == {
        None: whole,
        "dear": {"relative_tolerance": 1e-6, "slow": True, "plan": {"cost": 2.0}},
        "rough": {"relative_tolerance": 1e-2, "slow": True, "gap": 0.01},
    }
    assert not unknown({**whole, "scenarios": both})
    wrong = {"a": {"origin": "x", "plan": {"size": {}}, "reference": {"costs": 1.0}}}
    assert unknown({**whole, "scenario": {}, "scenarios": wrong}) == {
        *("scenario", "origin", "size", "costs"),
    }


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
