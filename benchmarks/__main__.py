"""``python -m benchmarks list`` and ``python -m benchmarks build [NAME]``."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.drivers import build
from benchmarks.registry import spec_of, specs
from benchmarks.tables import markdown
from benchmarks.variants import OURS, VARIANTS

if TYPE_CHECKING:
    from collections.abc import Sequence

RESULTS = Path(__file__).parent / "results"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="what can be measured")
    phase = commands.add_parser("build", help="model and hand-off, against Pyomo's and linopy's")
    phase.add_argument("name", nargs="?", default=next(iter(specs())), help="which model")
    phase.add_argument("--repeats", type=int, default=5, help="paired rounds (default 5)")
    phase.add_argument(
        "--variants", default=",".join(VARIANTS), help=f"of {', '.join(VARIANTS)}; `{OURS}` first"
    )
    phase.add_argument("--results", type=Path, default=RESULTS, help="folder for JSON and Markdown")
    given = parser.parse_args(arguments)
    if given.command == "list":
        for spec in specs().values():
            print(f"{spec.name}: case {spec.case}, phases {', '.join(spec.phases)}")
        return
    _build(given)


def _build(given: argparse.Namespace) -> None:
    variants = tuple(given.variants.split(","))
    unknown = [name for name in variants if name not in VARIANTS]
    if unknown or given.repeats < 1:
        sys.exit(f"variants are {', '.join(VARIANTS)}, not {unknown}; repeats are at least 1")
    report = build.run(
        spec_of(given.name),
        repeats=given.repeats,
        variants=variants,
        say=lambda text: print(text, file=sys.stderr, flush=True),
    )
    page = markdown(report)
    given.results.mkdir(parents=True, exist_ok=True)
    stem = given.results / f"build-{given.name}"
    stem.with_suffix(".json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    stem.with_suffix(".md").write_text(page, encoding="utf-8")
    print(page)


if __name__ == "__main__":
    main()
