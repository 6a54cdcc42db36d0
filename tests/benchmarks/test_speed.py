"""`microgrid-opt bench speed`: what is run, what counts, what is refused, and the ratios."""

from __future__ import annotations

import json
import os
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks.speed import growth
from microgrid_opt.bench.machine import describe_machine
from microgrid_opt.bench.speed import page, session, verdict
from microgrid_opt.bench.speed.measure import measure
from microgrid_opt.bench.speed.neutral import Neutral
from microgrid_opt.bench.speed.plan import (
    BARE,
    EXACT,
    GAP,
    MILP,
    OURS,
    PEERS,
    ROUTES,
    YEARS,
    Park,
    Run,
    all_runs,
    chosen,
)
from microgrid_opt.cli import app
from microgrid_opt.errors import InputError
from microgrid_opt.model import build
from microgrid_opt.solve import handoff
from microgrid_opt.study import load

if TYPE_CHECKING:
    from pathlib import Path

YEAR = YEARS[0].name
SMALL = Park("small", grown=(30, 10, 2))
PYTHONS = (sys.executable, *os.environ.get("MICROGRID_OPT_PEER_PYTHON", "").split())


def record(tool: str = OURS, route: str = EXACT, **changes: Any) -> dict[str, Any]:
    """Return a record that counts: 10 s CPU, 12 s wall, objective 100."""
    return {
        "name": f"year/{YEAR}/{tool}/{route}",
        "suite": "year",
        "park": YEAR,
        "tool": tool,
        "route": route,
        "status": "ok",
        "problem": "",
        "cpu_seconds": 10.0,
        "wall_seconds": 12.0,
        "peak_mb": 300.0,
        "limit_seconds": 300.0,
        "objective": 100.0,
        "phases": {"build": 0.2, "handoff": 0.1, "solve": 9.0},
        "load_before": 0.5,
        "version": "1",
        **changes,
    }


def of(found: list[verdict.Verdict], start: str, park: str = YEAR) -> verdict.Verdict:
    return next(one for one in found if one.target.startswith(start) and one.park == park)


# ---------------------------------------------------------------------- runs


def run_of(tool: str, route: str) -> Run:
    return Run("growth", SMALL, tool, route, 1, 1.0)


@pytest.mark.slow
def test_ours_and_the_bare_matrix_agree_and_are_written_down(tmp_path: Path) -> None:
    """Proves: two processes give the same optimum, and file, page and plot hold what they took.

    Sensitivity: the matrix without the offset or with another cap of CO2, or a phase that is not
    handed through; a second call that starts the file anew would have two records, not three.
    """
    runs = [run_of(OURS, EXACT), run_of(BARE, "simplex")]
    speed = session.Session(limit_seconds=120.0)
    speed.run(runs, session.opened(tmp_path), tmp_path)
    speed.run(runs[1:], session.opened(tmp_path), tmp_path)
    found = json.loads((tmp_path / session.JSON).read_text(encoding="utf-8"))
    assert found["schema"] == 1
    assert found["machine"] == describe_machine()
    ours, bare, again = found["runs"]
    assert [one["status"] for one in found["runs"]] == ["ok"] * 3
    assert bare["objective"] == pytest.approx(ours["objective"], rel=1e-9)
    assert (bare["columns"], bare["rows"]) == (ours["columns"], ours["rows"])
    assert {"build", "handoff", "solve"} <= ours["phases"].keys()
    assert set(again["phases"]) == {"import", "load", "handoff", "solve", "save"}
    for one in found["runs"]:
        assert min(one["cpu_seconds"], one["wall_seconds"], one["peak_mb"]) > 0.0
        assert sum(one["phases"].values()) < one["wall_seconds"]
    page.write(session.opened(tmp_path), tmp_path)
    assert "| small | matrix | simplex |" in (tmp_path / page.MARKDOWN).read_text(encoding="utf-8")
    assert "CPU seconds" in (tmp_path / page.PLOT).read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.peers
@pytest.mark.parametrize("tool", PEERS)
def test_every_peer_writes_the_same_park(tool: str, tmp_path: Path) -> None:
    """Proves: PV, wind, stores, converters, monthly peaks and a CO2 cap of two members are the same.

    Sensitivity: without any of them the optimum is another one.
    """
    speed = session.Session(PYTHONS, limit_seconds=200.0)
    theirs = speed.one(run_of(tool, "simplex"), tmp_path)
    if theirs["status"] == session.MISSING:
        pytest.skip(theirs["problem"])
    assert theirs["status"] == "ok", theirs["problem"]
    bare = speed.one(run_of(BARE, "simplex"), tmp_path)
    assert theirs["objective"] == pytest.approx(bare["objective"], rel=1e-8)
    assert {"build", "handoff", "solve", "save"} <= theirs["phases"].keys()


def test_a_peer_that_is_not_installed_is_shown(tmp_path: Path) -> None:
    found = session.Session(pythons=()).one(run_of("oemof", "default"), tmp_path)
    assert found["status"] == session.MISSING
    cells = page.rows([found])[0]
    assert cells[0:3] == ("small", "oemof", "default")
    assert cells[-1] == "missing: oemof.solph is not installed"
    assert not any(one.met for one in verdict.verdicts([found]))


def test_a_run_is_ended_at_its_limit_with_what_it_started(tmp_path: Path) -> None:
    """Proves: what a run started ends with it, so that it does not slow down the next.

    Sensitivity: if only the process itself is ended, its child writes the file after a second.
    """
    file = tmp_path / "left.txt"
    child = f"import time; time.sleep(1.5); open({str(file)!r}, 'w').close()"
    script = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    found = measure([sys.executable, "-c", script], limit_seconds=0.5)
    assert found.timed_out
    time.sleep(2.0)
    assert not file.exists()


def test_a_run_that_fails_says_why() -> None:
    found = measure([sys.executable, "-c", "raise SystemExit('no licence')"], limit_seconds=60.0)
    assert (found.timed_out, found.problem) == (False, "no licence")


def test_memory_counts_what_a_run_started() -> None:
    """Proves: 200 MB in a child are seen.

    Sensitivity: the memory of the started process alone is a tenth of it.
    """
    hold = "import time; held = bytearray(200 * 2**20); time.sleep(0.8)"
    script = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {hold!r}])"
    assert measure([sys.executable, "-c", script], limit_seconds=60.0).peak_mb > 200.0


def test_memory_does_not_count_what_measures_it() -> None:
    """Proves: 300 MB that the measuring process holds are not in what a small run takes.

    Sensitivity: the kernel's maximum of a process counts the one that it was forked from.
    """
    held = b"x" * (300 * 2**20)
    found = measure([sys.executable, "-c", "import time; time.sleep(0.3)"], limit_seconds=60.0)
    assert len(held) > 0
    assert 1.0 < found.peak_mb < 200.0


def test_runs_are_chosen_by_a_part_of_their_name() -> None:
    runs = all_runs(2)
    assert len({run.name for run in runs}) == len(runs)
    assert {run.tool for run in chosen(runs, ["calliope"])} == {"calliope"}
    both = chosen(runs, ["year/yangzhou/*/hipo", "sweep"])
    assert {run.suite for run in both} == {"year", "sweep"}
    assert chosen(runs, []) == runs
    assert {run.route for run in runs if run.tool in {*PEERS, BARE}} <= ROUTES.keys()
    with pytest.raises(InputError, match="No run is called 'gurobi'"):
        chosen(runs, ["gurobi"])


def test_the_command_lists_without_running() -> None:
    done = CliRunner().invoke(app, ["bench", "speed", "--list", "--only", "yangzhou/pypsa"])
    assert done.exit_code == 0
    assert "year/yangzhou/pypsa/default" in done.output
    assert "2 runs, about" in done.output


def test_another_machine_does_not_add_to_a_file(tmp_path: Path) -> None:
    machine = describe_machine() | {"processor": "abacus"}
    session.Report(machine, [record()]).save(tmp_path)
    with pytest.raises(InputError, match="was measured on another machine"):
        session.opened(tmp_path)


# ---------------------------------------------------------------------- parks


def test_the_grown_park_grows_by_what_is_said(tmp_path: Path) -> None:
    sizes = {}
    for hours, assets, members in ((24, 5, 1), (48, 5, 1), (24, 10, 1), (24, 20, 1), (24, 5, 4)):
        folder = tmp_path / f"{hours}-{assets}-{members}"
        growth.write(folder, hours=hours, assets=assets, members=members)
        problem = load(folder)
        assert len(problem.horizon) == hours  # type: ignore[union-attr]
        sizes[hours, assets, members] = len(problem.park.assets)
    assert list(sizes.values()) == [5, 5, 10, 20, 20]
    with pytest.raises(ValueError, match="assets are 5, 10, 15"):
        growth.write(tmp_path / "odd", hours=24, assets=7, members=1)


def numbers(name: str, **changes: Any) -> Neutral:
    draft = build(load(name, **changes))  # type: ignore[arg-type]
    return Neutral(draft, handoff.extract(draft.model))


def test_numbers_of_a_park_are_those_of_its_file() -> None:
    """Proves: prices, ratios, limits and the cap stand in the numbers as in the case's YAML.

    Sensitivity: each is read off the rows of the model; a row taken for another gives another number.
    """
    sets = ("carbon={cap_t_per_year: 15000}",)
    found = numbers("wind_pv_hydrogen", scenario="week", sets=sets)
    flows = {flow["name"]: flow for flow in found.data["flows"]}
    assert flows["park.trucked_hydrogen.purchase"]["cost"] == pytest.approx(17.0)
    assert flows["park.grid.import"]["upper"] == 30000.0
    assert flows["park.electrolyser.input"]["ports"] == pytest.approx(
        {"park.electricity": -1.0, "park.hydrogen": 1 / 54}
    )
    assert flows["park.hydrogen_store.charge"]["ports"]["park.electricity"] == -1.5
    battery = found.data["stores"][0]
    assert (battery["inward"], battery["outward"]) == pytest.approx((0.94, 1 / 0.94))
    assert (battery["least"], battery["most"]) == pytest.approx((0.1, 1.0))
    assert battery["loss"] == pytest.approx(0.00004)
    (cap,) = found.data["sums"]
    assert cap["upper"] == pytest.approx(15_000_000 * 168 / 8760)
    assert cap["terms"]["park.gas.purchase"] == pytest.approx(0.202)
    (peak,) = found.data["peaks"]
    assert [found.data["levels"][name]["cost"] for name in peak["levels"]] == [28.0]
    assert found.series["demand park.heat"].shape == (168,)
    assert np.all(found.series["demand park.heat"] > 0.0)


def test_numbers_refuse_what_peers_are_not_given() -> None:
    with pytest.raises(InputError, match="is a whole number"):
        numbers("shared_storage")
    with pytest.raises(InputError, match=r"recovered_limit ties several flows"):
        numbers("heat_cascade", scenario="week", sets=("carbon={cap_t_per_year: 9000}",))


def test_the_milp_of_the_targets_has_three_committed_units() -> None:
    park = load(MILP.case, scenario=MILP.scenario, sets=MILP.sets).park
    committed = {
        name: rules
        for name, one in park.assets.items()
        if (rules := getattr(one, "commitment", None)) is not None
    }
    assert len(committed) == 3
    for rules in committed.values():
        least = (
            rules.min_load_fraction,
            rules.start_cost,
            rules.min_up_hours,
            rules.min_down_hours,
        )
        assert min(least) > 0.0


# ---------------------------------------------------------------------- what counts


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"objective": 100.00005}, "ok"),
        ({"objective": 99.99995}, "ok"),
        ({"objective": 100.0002}, "differs"),
        ({"objective": 99.9998}, "differs"),
        ({"status": "timeout"}, "timeout"),
    ],
)
def test_a_time_counts_only_where_the_objective_agrees(
    changes: dict[str, Any], status: str
) -> None:
    """Proves: 5e-7 apart is the same optimum, 2e-6 is not, above and below; its time is not shown."""
    records = [record(), record("pypsa", "hipo", **changes)]
    session.judge(records)
    assert [one["status"] for one in records] == ["ok", status]
    found = verdict.fastest(records, YEAR, "cpu_seconds")[0]
    assert (found is None) == (status == "differs")
    if status == "differs":
        assert "the objective differs by" in page.rows(records)[1][-1]


@pytest.mark.parametrize(
    ("objective", "gap", "status"),
    [
        (100.3, 0.004, "ok"),
        (100.6, 0.006, "differs"),
        (100.45, 0.004, "differs"),
        (99.9, 0.004, "differs"),
    ],
)
def test_a_plan_with_a_gap_must_hold_it(objective: float, gap: float, status: str) -> None:
    """Proves: a gap above 0.5 %, a cost further off than the gap, and one below the optimum are refused."""
    records = [record(), record(route=GAP, objective=objective, gap=gap)]
    session.judge(records)
    assert records[1]["status"] == status


# ---------------------------------------------------------------------- ratios


def test_ratios_by_hand() -> None:
    """Proves: fastest is the least of all options, the middle peer is of the defaults, rounds by median.

    Ours 8, 10, 11 s (median 10); fastest peer 40 s CPU, 60 s wall; defaults 100, 200, 300, more than
    300: between the second and the third lies 250. 10 / 40 = 0.25, 12 / 60 = 0.2, 10 / 250 = 0.04.
    """
    records = [
        *(record(cpu_seconds=seconds) for seconds in (8.0, 10.0, 11.0)),
        record(route=GAP, cpu_seconds=3.0, wall_seconds=4.0, gap=0.003),
        record("pypsa", "hipo", cpu_seconds=40.0, wall_seconds=70.0, peak_mb=600.0)
        | {"phases": {"build": 1.0, "handoff": 0.5}},
        record("oemof", "hipo", cpu_seconds=50.0, wall_seconds=60.0),
        record("pypsa", "default", cpu_seconds=100.0, wall_seconds=120.0),
        record("oemof", "default", cpu_seconds=200.0, wall_seconds=200.0),
        record("flixopt", "default", cpu_seconds=300.0, wall_seconds=280.0),
        record("calliope", "default", status="timeout"),
    ]
    found = verdict.verdicts(records)
    exact = of(found, "1 exact optimum / fastest")
    assert exact.cpu is not None
    assert exact.wall is not None
    assert (exact.cpu.value, exact.wall.value) == pytest.approx((0.25, 0.2))
    assert (exact.met, exact.against) == (False, "pypsa/hipo and oemof/hipo")
    middle = of(found, "1 exact optimum / median")
    assert middle.cpu is not None
    assert middle.wall is not None
    assert (middle.cpu.value, middle.wall.value) == pytest.approx((0.04, 12 / 240))
    assert middle.met is True
    gap = of(found, "2 gap")
    assert gap.cpu is not None
    assert gap.cpu.value == pytest.approx(3 / 40)
    assert gap.met is True
    built = of(found, "4 build and hand-off")
    assert built.wall is not None
    assert built.wall.value == pytest.approx(0.3 / 1.5)
    memory = of(found, "memory")
    assert memory.wall is not None
    assert memory.wall.value == pytest.approx(0.5)
    assert of(found, "3 MILP to 0.5%", MILP.name).met is None


def test_a_peer_that_was_ended_makes_a_ratio_an_upper_limit() -> None:
    """Proves: at most 10 / 300 meets 0.06; at most 30 / 300 proves nothing about 0.06."""
    ended = [record(tool, "default", status="timeout") for tool in PEERS]
    fast = of(verdict.verdicts([record(), *ended]), "1 exact optimum / median")
    assert fast.cpu == verdict.Figure(10 / 300, more=True)
    assert fast.met is True
    slow = record(cpu_seconds=30.0, wall_seconds=30.0)
    assert of(verdict.verdicts([slow, *ended]), "1 exact optimum / median").met is None
    assert "< 0.0333" in page.verdict_row(fast)


def test_growth_by_hand() -> None:
    """Proves: from 168 h to 8760 h (52.14 times) build 0.1 to 10.43 s is twice linear; 0.1 to 271.9 s
    of solving is the power 2.
    """
    ends = ((168, 0.1, 0.1), (8760, 0.1 * 2 * 8760 / 168, 0.1 * (8760 / 168) ** 2))
    records = [
        record(suite="growth", park=f"{hours}h-10a-1m", phases={"build": made, "solve": solved})
        for hours, made, solved in ends
    ]
    found = verdict.verdicts(records)
    words = "168 to 8760 h"
    build_ratio = of(found, "4 growth of build", words)
    power = of(found, "4 growth of solve", words)
    assert build_ratio.wall is not None
    assert power.wall is not None
    assert (build_ratio.wall.value, power.wall.value) == pytest.approx((2.0, 2.0))
    assert (build_ratio.met, power.met) == (False, False)
    assert page.series(records, "horizon", OURS, EXACT) == [(168, 10.0), (8760, 10.0)]


def test_milp_and_sweep_by_hand() -> None:
    milp = record(route=GAP, suite="milp", park=MILP.name, cpu_seconds=39.0, wall_seconds=39.0)
    records = [
        record(),
        record("flixopt", "hipo", cpu_seconds=40.0, wall_seconds=40.0),
        milp,
        milp | {"route": "gap-0.1%", "cpu_seconds": 170.0},
        record(
            route="20-points", suite="sweep", cpu_seconds=39.0, wall_seconds=50.0, objective=None
        ),
    ]
    found = verdict.verdicts(records)
    assert of(found, "3 MILP to 0.5%", MILP.name).met is True
    assert of(found, "3 MILP to 0.1%", MILP.name).met is False
    sweep = of(found, "5 sweep")
    assert sweep.cpu is not None
    assert sweep.cpu.value == pytest.approx(3.9)
    assert sweep.met is False  # 50 s of wall time are more than four times 12 s
