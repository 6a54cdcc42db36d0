"""Other tools: each runs in a process and, if need be, in a Python installation of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from microgrid_opt.bench.cases import MAKER, PEER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from microgrid_opt.bench.cases import Case
    from microgrid_opt.bench.spec import PeerSpec

HOST = Path(__file__).resolve().with_name("host.py")
TOLD = 300
"""Characters of a tool's last words that are told."""
PROBE = "import sys\nfrom importlib.util import find_spec\nsys.exit(not all(map(find_spec, sys.argv[1:])))"


@dataclass(frozen=True)
class Answer:
    """What another tool found, or why it found nothing.

    Parameters
    ----------
    objective
        Its optimum; ``None`` when it did not run.
    sizes
        Sizes by our names, in our units.
    seconds
        Wall time of building and solving its model, without imports [s].
    version
        Version that ran.
    problem
        Why there is no optimum.
    """

    objective: float | None = None
    sizes: Mapping[str, float] | None = None
    seconds: float | None = None
    version: str = ""
    problem: str = ""


@dataclass(frozen=True)
class Peer:
    """A Python installation in which other tools may be.

    Parameters
    ----------
    pythons
        Its interpreter; of several the first that has what is needed is taken.
    """

    pythons: tuple[str, ...] = (sys.executable,)

    def python_for(self, spec: PeerSpec) -> str | None:
        """Return the interpreter that has a tool, or ``None``."""
        return next((python for python in self.pythons if _has(python, spec.modules)), None)

    def run(self, case: Case, name: str) -> Answer:
        """Let the tool solve its own model of a run of a case."""
        spec = case.expected.peer
        if spec is None or not (case.folder / PEER).is_file():
            return Answer(problem="cannot be run here")
        done = self._call(case, spec, [str(HOST), PEER, name, spec.distribution, *spec.modules])
        if isinstance(done, str):
            return Answer(problem=done)
        try:
            found: dict[str, Any] = json.loads(done.stdout)
        except ValueError:
            return Answer(problem="gave no answer")
        return Answer(found["objective"], found["sizes"], found["seconds"], found["version"])

    def make_inputs(self, case: Case) -> str:
        """Write the inputs that do not ship into the case's folder; return what went wrong."""
        spec = case.expected.peer
        assert spec is not None
        done = self._call(case, spec, [MAKER])
        if isinstance(done, str):
            return done
        missing = ", ".join(case.missing_inputs)
        return f"{MAKER} did not write {missing}" if missing else ""

    def _call(
        self, case: Case, spec: PeerSpec, arguments: list[str]
    ) -> subprocess.CompletedProcess[str] | str:
        """Run a script in the case's folder; return what it said, or what went wrong."""
        python = self.python_for(spec)
        if python is None:
            return f"{spec.distribution} is not installed"
        try:
            done = subprocess.run(
                [python, *arguments],
                cwd=case.folder,
                capture_output=True,
                text=True,
                check=False,
                timeout=spec.timeout_seconds,
            )
        except subprocess.TimeoutExpired:
            return f"took more than {spec.timeout_seconds:g} s"
        if done.returncode:
            return f"failed: {done.stderr.strip()[-TOLD:]}"
        return done


@cache
def _has(python: str, modules: tuple[str, ...]) -> bool:
    done = subprocess.run([python, "-c", PROBE, *modules], capture_output=True, check=False)
    return done.returncode == 0
