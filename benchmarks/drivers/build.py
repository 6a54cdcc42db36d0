"""Build and hand over: CPU seconds and peak memory of every variant, in paired rounds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.variants import OURS, VARIANTS
from microgrid_opt.bench.machine import describe_machine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from benchmarks.registry import BenchSpec

ROOT = Path(__file__).resolve().parents[2]
TARGETS = {"linopy": 0.25, "appsi": 0.06}
"""Share of a peer's CPU time that we allow ourselves [-]."""
OPTIMUM = 1e-6
NUMBERS = 1e-9
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS"), "1"
)


class UnequalError(Exception):
    """The variants do not state the same model; no time is worth anything."""


def run(
    spec: BenchSpec,
    *,
    repeats: int,
    variants: Sequence[str],
    say: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Check that all variants state the same model, then time them in turn.

    Parameters
    ----------
    repeats
        Rounds; in each of them every variant runs once, in a fresh process, and the order is
        reversed from round to round.
    variants
        Which of `benchmarks.variants.VARIANTS`.
    say
        Told what is going on.

    Raises
    ------
    UnequalError
        The models differ.
    """
    say(f"checking that {', '.join(variants)} agree on `{spec.window}`")
    week = [in_process(spec, name, "--solve", "--scenario", spec.window) for name in variants]
    equal = compared(week)
    rounds: list[dict[str, Any]] = []
    for number in range(repeats):
        order = variants if number % 2 == 0 else tuple(reversed(variants))
        found = {}
        for name in order:
            found[name] = in_process(spec, name)
            say(f"round {number + 1}/{repeats}: {name} {found[name]['cpu_seconds']:.3f} s CPU")
        same_shape(found.values())
        rounds.append(found)
    return {
        "phase": "build",
        "benchmark": spec.name,
        "case": spec.case,
        "sets": list(spec.sets),
        "repeats": repeats,
        "checked": {"scenario": spec.window, **equal},
        "machine": describe_machine(),
        "variants": {name: summarised(name, rounds) for name in variants},
        "rounds": rounds,
    }


def in_process(spec: BenchSpec, variant: str, *arguments: str) -> dict[str, Any]:
    """Measure once in a fresh Python process."""
    command = [sys.executable, "-m", "benchmarks.worker", spec.name, variant, *arguments]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | ONE_THREAD,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def compared(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what was found equal: shape, all numbers and the optimum.

    Raises
    ------
    UnequalError
        With every difference.
    """
    first = found[0]
    wrong: list[str] = []
    for other in found[1:]:
        pair = f"{first['variant']} and {other['variant']}"
        if abs(first["objective"] - other["objective"]) > OPTIMUM * abs(first["objective"]):
            wrong.append(f"{pair}: optimum {first['objective']!r} and {other['objective']!r}")
        for kind, values in first["numbers"].items():
            theirs = other["numbers"][kind]
            if len(values) != len(theirs):
                wrong.append(f"{pair}: {len(values)} and {len(theirs)} {kind}")
            elif not np.allclose(values, theirs, rtol=NUMBERS, atol=NUMBERS):
                wrong.append(f"{pair}: the {kind} differ")
    if wrong:
        raise UnequalError("\n".join(wrong))
    same_shape(found)
    shape = {kind: first[kind] for kind in ("columns", "rows", "nonzeros", "objective")}
    return shape | {"relative_tolerance": OPTIMUM}


def same_shape(found: Iterable[Mapping[str, Any]]) -> None:
    """Raise unless all models have the same columns, rows and nonzeros.

    Raises
    ------
    UnequalError
        With the shapes.
    """
    shapes = {one["variant"]: (one["columns"], one["rows"], one["nonzeros"]) for one in found}
    if len(set(shapes.values())) > 1:
        raise UnequalError(f"columns, rows, nonzeros: {shapes}")


def summarised(name: str, rounds: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return median, least and largest of each figure of one variant, and of ours over it."""
    mine = [found[name] for found in rounds]
    figures = ("cpu_seconds", "wall_seconds", "peak_mb", "before_mb", "import_seconds")
    summary: dict[str, Any] = {key: _spread(one[key] for one in mine) for key in figures}
    summary["parts"] = {
        part: _spread(one["parts"][part] for one in mine) for part in mine[0]["parts"]
    }
    summary |= {key: mine[0][key] for key in ("columns", "rows", "nonzeros")}
    summary["what"] = VARIANTS[name].what
    if OURS in rounds[0] and name != OURS:
        pairs = [found[OURS]["cpu_seconds"] / found[name]["cpu_seconds"] for found in rounds]
        summary["ours_over_this"] = _spread(pairs)
        if name in TARGETS:
            summary["target"] = TARGETS[name]
    return summary


def _spread(values: Iterable[float]) -> dict[str, float]:
    listed = list(values)
    return {"median": median(listed), "min": min(listed), "max": max(listed)}
