"""Runs ``peer.py`` of a case in the other tool's Python, and prints what it finds as JSON.

``python host.py peer.py RUN DISTRIBUTION MODULE...``: a script of its own, with the standard library
only, since this package need not be installed beside the other tool. ``solve(run)`` of ``peer.py``
returns the objective and a mapping of sizes; what else the tool prints goes to standard error.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import runpy
import sys
import time
from importlib.util import find_spec


def main(script: str, run: str, distribution: str, *modules: str) -> None:
    """Run the script and print one line of JSON."""
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    missing = [name for name in modules if find_spec(name) is None]
    found: dict[str, object] = {"missing": missing}
    if not missing:
        sys.path.insert(0, os.path.dirname(os.path.abspath(script)))  # noqa: PTH100, PTH120
        solve = runpy.run_path(script)["solve"]
        start = time.perf_counter()
        objective, sizes = solve(run)
        found |= {
            "objective": float(objective),
            "sizes": {name: float(size) for name, size in sizes.items()},
            "seconds": time.perf_counter() - start,
            "version": importlib.metadata.version(distribution),
        }
    answer.write(json.dumps(found))
    answer.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
