"""Runs in turn, each in a fresh process, with what they found in one file that grows."""

from __future__ import annotations

import compileall
import json
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import microgrid_opt
from microgrid_opt.bench.machine import describe_machine
from microgrid_opt.bench.peers import Peer
from microgrid_opt.bench.spec import PeerSpec
from microgrid_opt.bench.speed.measure import Measured, measure
from microgrid_opt.bench.speed.plan import BARE, OUR_ROUTES, OURS, PEERS, ROUTES
from microgrid_opt.errors import InputError
from microgrid_opt.shipped import shipped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from microgrid_opt.bench.speed.plan import Park, Run

SCHEMA = 1
JSON, GROWTH = "speed.json", "growth.py"
AGREE = 1e-6
"""Largest relative difference of objectives at which a time counts [-]."""
OK, TIMEOUT, FAILED, MISSING, DIFFERS = "ok", "timeout", "failed", "missing", "differs"
SHARE = 0.9
"""Part of the time limit after which a MILP gives the best plan it holds [-]."""
POINTS = 20
"""Points of the sweep over caps of CO2."""


@dataclass
class Report:
    """What was found so far: the machine, and one record for each run and round.

    A record has ``name``, ``suite``, ``park``, ``tool``, ``route``, ``round``, ``status``,
    ``wall_seconds``, ``cpu_seconds``, ``peak_mb``, ``phases`` (wall seconds by phase), ``objective``,
    ``gap``, ``version``, ``problem`` and ``load_before`` (processes that wanted the processor).
    """

    machine: dict[str, Any]
    records: list[dict[str, Any]] = field(default_factory=list)

    def save(self, folder: Path) -> None:
        """Write all to the folder's file."""
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(
            {"schema": SCHEMA, "machine": self.machine, "runs": self.records}, indent=1
        )
        (folder / JSON).write_text(text + "\n", encoding="utf-8")


def opened(folder: Path) -> Report:
    """Return the report in a folder, or a new one.

    Raises
    ------
    InputError
        What is there was measured on another machine, or with other versions.
    """
    machine = describe_machine()
    path = folder / JSON
    if not path.is_file():
        return Report(machine)
    found = json.loads(path.read_text(encoding="utf-8"))
    if found.get("schema") != SCHEMA or found["machine"] != machine:
        raise InputError(
            f"{path} was measured on another machine or with other versions: ratios hold within one "
            "run only. Give another folder with `--out`."
        )
    return Report(machine, found["runs"])


@dataclass(frozen=True)
class Session:
    """How runs are made.

    Parameters
    ----------
    pythons
        Interpreters in which peers may be.
    limit_seconds
        Time limit of each run [s].
    say
        Told what is going on.
    """

    pythons: tuple[str, ...] = (sys.executable,)
    limit_seconds: float = 300.0
    say: Callable[[str], None] = lambda _: None

    def run(self, runs: Sequence[Run], report: Report, folder: Path) -> None:
        """Make all runs in rounds, in turn forwards and backwards, and save after each."""
        rounds = max((run.repeats for run in runs), default=0)
        # As installing does, so that no run compiles what the peers have ready.
        compileall.compile_dir(Path(microgrid_opt.__file__).parent, quiet=2)
        with _work() as work:
            for number in range(rounds):
                due = [run for run in runs if run.repeats > number]
                for place, run in enumerate(due if number % 2 == 0 else due[::-1], 1):
                    self.say(f"round {number + 1}/{rounds}, {place}/{len(due)}: {run.name}")
                    record = self.one(run, work) | {"round": number + 1}
                    report.records.append(record)
                    judge(report.records)
                    report.save(folder)
                    self.say(f"  {told(record)}")

    def one(self, run: Run, work: Path) -> dict[str, Any]:
        """Make one run and return its record."""
        load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
        record: dict[str, Any] = {
            "name": run.name,
            "suite": run.suite,
            "park": run.park.name,
            "tool": run.tool,
            "route": run.route,
            "limit_seconds": self.limit_seconds,
            "load_before": load,
        }
        out = work / "out"
        shutil.rmtree(out, ignore_errors=True)
        command = self.ours(run, work, out) if run.tool == OURS else self.peer(run, work, out)
        if command is None:
            name = PEERS[run.tool].distribution
            return record | {"status": MISSING, "problem": f"{name} is not installed"}
        found = measure(command, limit_seconds=self.limit_seconds)
        record |= {
            "wall_seconds": found.wall_seconds,
            "cpu_seconds": found.cpu_seconds,
            "peak_mb": found.peak_mb,
        }
        if found.timed_out:
            return record | {"status": TIMEOUT, "problem": ""}
        if found.problem:
            return record | {"status": FAILED, "problem": found.problem}
        return record | {"status": OK, "problem": ""} | self.answer(run, found, out)

    # ------------------------------------------------------------------ commands

    def ours(self, run: Run, work: Path, out: Path) -> list[str]:
        """Return the command of this program."""
        park = run.park
        command = [sys.executable, "-m", "microgrid_opt"]
        ends = ["--no-report", "--quiet", "--out", str(out)]
        if run.suite == "sweep":
            return [*command, "sweep", park.case, "--co2", str(POINTS), *ends]
        command += ["solve", str(_source(park, work)), "--no-reference", *ends]
        if park.scenario:
            command += ["--scenario", park.scenario]
        for change in park.sets:
            command += ["--set", change]
        if run.suite == "milp":
            command += ["--time-limit", f"{SHARE * self.limit_seconds:g}"]
        return [*command, *OUR_ROUTES[run.route]]

    def peer(self, run: Run, work: Path, out: Path) -> list[str] | None:
        """Return the command of another tool; ``None`` where it is not installed."""
        script, python = "matrix_peer.py", sys.executable
        if run.tool != BARE:
            tool = PEERS[run.tool]
            spec = PeerSpec(distribution=tool.distribution, modules=tool.modules)
            found = Peer(self.pythons).python_for(spec)
            if found is None:
                return None
            script, python = tool.script, found
        options = json.dumps(dict(ROUTES[run.route]))
        return [
            python,
            str(shipped("speed") / script),
            str(_numbers(run.park, work)),
            str(out),
            options,
        ]

    def answer(self, run: Run, found: Measured, out: Path) -> dict[str, Any]:
        """Return what a run found: objective, phases, and what the tool says of itself."""
        if run.tool != OURS:
            said = json.loads(found.output.strip().rpartition("\n")[2])
            said["phases"] = {name: v["wall_seconds"] for name, v in said["phases"].items()}
            return dict(said)
        if run.suite == "sweep":
            return {"phases": {}, "objective": None}
        results = json.loads((out / "results.json").read_text(encoding="utf-8"))["run"]
        manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
        return {
            "objective": results["objective"],
            "bound": results["bound"],
            "gap": results["gap"],
            "phases": manifest["timings"]["phases"],
            "strategy": results["strategy"],
            "columns": results["columns"],
            "rows": results["rows"],
        }


def told(record: dict[str, Any]) -> str:
    """Return a record in a few words."""
    words = [record["status"]]
    if "cpu_seconds" in record:
        words.append(f"{record['cpu_seconds']:.1f} s CPU, {record['wall_seconds']:.1f} s")
        words.append(f"{record['peak_mb']:.0f} MB")
    if record.get("objective") is not None:
        words.append(f"objective {record['objective']:.10g}")
    return ", ".join([*words, *([record["problem"]] if record["problem"] else [])])


def judge(records: list[dict[str, Any]]) -> None:
    """Refuse the time of every run whose objective is not that of our exact plan of the same park.

    A plan with a gap may cost at most its gap more, and no plan may cost less than the optimum. MILP
    plans and sweeps have no exact plan beside them; their gap must be the one that was asked for.
    """
    exact = {
        one["park"]: one["objective"]
        for one in records
        if one["tool"] == OURS and one["route"] == "exact" and one["status"] in {OK, DIFFERS}
    }
    for one in records:
        if one["status"] not in {OK, DIFFERS} or one.get("objective") is None:
            continue
        allowed = one.get("gap") or 0.0
        asked = OUR_ROUTES.get(one["route"], ()) if one["tool"] == OURS else ()
        wrong = ""
        if asked and allowed > float(asked[1]) * (1 + AGREE):
            wrong = f"the gap is {allowed:.3g}, not {asked[1]}"
        best = None if one["suite"] == "milp" else exact.get(one["park"])
        if best is not None and not wrong:
            difference = (one["objective"] - best) / max(abs(best), 1.0)
            if not -AGREE <= difference <= (allowed if asked else 0.0) + AGREE:
                wrong = f"the objective differs by {difference:.2g} from {best:.10g}"
        one["status"], one["problem"] = (DIFFERS, wrong) if wrong else (OK, "")


@contextmanager
def _work() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="speed-") as folder:
        yield Path(folder)


def _source(park: Park, work: Path) -> str | Path:
    """Return what is solved: a case, or the folder of a park that is written now."""
    if park.grown is None:
        return park.case
    folder = work / "parks" / park.name
    if not folder.exists():
        script, sizes = shipped("speed") / GROWTH, [str(size) for size in park.grown]
        subprocess.run([sys.executable, str(script), str(folder), *sizes], check=True)
    return folder


def _numbers(park: Park, work: Path) -> Path:
    """Return the folder with the numbers of a park, written at the first call."""
    from microgrid_opt.bench.speed.neutral import Neutral
    from microgrid_opt.model import build
    from microgrid_opt.pathway.problem import StagedProblem
    from microgrid_opt.solve import handoff
    from microgrid_opt.study import load

    folder = work / "numbers" / park.name
    if not folder.exists():
        problem = load(_source(park, work), scenario=park.scenario or None, sets=park.sets)
        assert not isinstance(problem, StagedProblem)
        draft = build(problem)
        matrix = handoff.extract(draft.model)
        Neutral(draft, matrix).write(folder, matrix)
    return folder
