"""One measurement in one fresh process: ``python -m benchmarks.worker NAME VARIANT``, JSON out."""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.registry import spec_of
from benchmarks.variants import VARIANTS, Laps

if TYPE_CHECKING:
    from collections.abc import Sequence

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")


def measure(
    name: str, variant: str, *, scenario: str | None = None, solve: bool = False
) -> dict[str, Any]:
    """Import, load, then build and hand over once.

    Parameters
    ----------
    name, variant
        Which benchmark, and which way to the solver.
    scenario
        Scenario of the case; the whole case if None.
    solve
        Whether to solve the model and return all its numbers, sorted, to compare variants.

    Returns
    -------
    ``import_seconds``, ``load_seconds``, ``cpu_seconds`` and its ``parts``, ``wall_seconds``,
    ``peak_mb`` and ``before_mb`` of resident memory, ``columns``, ``rows``, ``nonzeros``; with
    ``solve`` also ``objective`` and ``numbers``.
    """
    spec, way = spec_of(name), VARIANTS[variant]
    start = time.process_time()
    for module in way.modules:
        import_module(module)
    imported = time.process_time()
    from microgrid_opt.study import load

    problem = load(spec.case, scenario=scenario, sets=spec.sets)
    loaded = time.process_time()
    gc.collect()
    before = reset_peak()
    wall = time.perf_counter()
    laps = Laps()
    highs = way.run(spec, problem, laps)
    wall = time.perf_counter() - wall
    found = {
        "variant": variant,
        "import_seconds": imported - start,
        "load_seconds": loaded - imported,
        "cpu_seconds": sum(laps.seconds.values()),
        "parts": laps.seconds,
        "wall_seconds": wall,
        "before_mb": before,
        "peak_mb": peak_mb(),
        "columns": highs.getNumCol(),
        "rows": highs.getNumRow(),
        "nonzeros": highs.getNumNz(),
    }
    if solve:
        found["numbers"] = numbers(highs.getLp())
        highs.setOptionValue("output_flag", False)
        highs.run()
        found["objective"] = highs.getObjectiveValue()
    return found


def numbers(lp: Any) -> dict[str, list[float]]:
    """Return all numbers of a model, each kind sorted, so that order does not matter.

    A row times -1 is the same row: coefficients are taken without sign, a row with a lower limit
    only is turned round, and so is an equality with a negative right-hand side.
    """
    low, high = (np.asarray(limits, float) for limits in (lp.row_lower_, lp.row_upper_))
    turned = (np.isposinf(high) & np.isfinite(low)) | ((low == high) & (low < 0.0))
    kinds = {
        "costs": lp.col_cost_,
        "lower bounds": lp.col_lower_,
        "upper bounds": lp.col_upper_,
        "lower limits": np.where(turned, -high, low),
        "upper limits": np.where(turned, -low, high),
        "coefficients": np.abs(lp.a_matrix_.value_),
    }
    return {kind: np.sort(np.asarray(values, float)).tolist() for kind, values in kinds.items()}


def reset_peak() -> float:
    """Begin a new peak of resident memory where the system can, and return what is held [MB]."""
    if not _CLEAR.exists():
        return peak_mb()
    _CLEAR.write_text("5", encoding="ascii")
    return peak_mb()


def peak_mb() -> float:
    """Return the largest resident memory since the last reset, else since the start [MB]."""
    if _STATUS.exists():
        text = _STATUS.read_text(encoding="ascii")
        return float(text.partition("VmHWM:")[2].split()[0]) / 1024.0
    import resource

    unit = 2.0**20 if sys.platform == "darwin" else 2.0**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure once and write one line of JSON as the last line."""
    parser = argparse.ArgumentParser(prog="benchmarks.worker")
    parser.add_argument("name")
    parser.add_argument("variant", choices=sorted(VARIANTS))
    parser.add_argument("--scenario")
    parser.add_argument("--solve", action="store_true")
    given = parser.parse_args(arguments)
    found = measure(given.name, given.variant, scenario=given.scenario, solve=given.solve)
    # HiGHS prints through C: what it holds must not land after our line.
    sys.stdout.flush()
    os.write(1, f"\n{json.dumps(found)}\n".encode())


if __name__ == "__main__":
    main()
