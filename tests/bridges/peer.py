"""Other tools in a Python of their own, where there is one: solve a network that was written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

SOLVE = """
import json, sys, warnings
warnings.simplefilter("ignore")
import pypsa
n = pypsa.Network(sys.argv[1])
status, condition = n.optimize(solver_name="highs", log_to_console=False)
sizes = {}
for components in (n.generators, n.links, n.storage_units):
    sizes |= components["p_nom_opt"].to_dict()
sizes |= n.stores["e_nom_opt"].to_dict()
print("ANSWER" + json.dumps([condition, n.objective, sizes]))
"""
MISSING = "PyPSA is in no Python of MICROGRID_OPT_PEER_PYTHON, nor in this one"


@cache
def python(module: str = "pypsa") -> str | None:
    """Return an interpreter that has PyPSA, or another module."""
    named = os.environ.get("MICROGRID_OPT_PEER_PYTHON", "").split()
    for one in (*named, sys.executable):
        probe = [
            one,
            "-c",
            f"import importlib.util, sys; sys.exit(not importlib.util.find_spec({module!r}))",
        ]
        if subprocess.run(probe, capture_output=True, check=False).returncode == 0:
            return one
    return None


def run(script: str, *arguments: object, module: str = "pypsa") -> object:
    """Run a script there and return the JSON after ANSWER."""
    one = python(module)
    assert one is not None
    words = [one, "-c", script, *map(str, arguments)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.rpartition("ANSWER")[2])


def solve(folder: Path) -> tuple[float, dict[str, float]]:
    """Return PyPSA's optimum of a network and its sizes."""
    condition, objective, sizes = run(SOLVE, folder)  # type: ignore[misc]
    assert condition == "optimal"
    return objective, sizes
