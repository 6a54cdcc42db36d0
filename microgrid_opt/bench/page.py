"""The comparison as rows for a terminal, as JSON and as one HTML page."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from microgrid_opt.bench.run import Comparison

HEADS = (
    "Case",
    "Run",
    "What it exercises",
    "Ours",
    "Reference",
    "Difference",
    "Sizes agree",
    "Our time",
    "Peer's time",
    "Pass",
)
WORDS = {True: "yes", False: "NO", None: "-"}


def row(one: Comparison) -> tuple[str, ...]:
    """Return a comparison as the cells below `HEADS`."""
    check, peer = one.objective, one.peer
    peer_time = None if peer is None else peer.seconds
    unique = sum(other.agrees for other in one.others)
    return (
        one.case,
        one.run,
        one.exercises,
        "-" if check is None else f"{check.ours:,.10g}",
        "-" if check is None else f"{check.reference:,.10g}",
        "-" if check is None else f"{check.difference:.1e}",
        f"{unique} of {len(one.others)}" if one.others else "-",
        "-" if one.seconds is None else f"{one.seconds:.2f} s",
        "-" if peer_time is None else f"{peer_time:.2f} s",
        WORDS[one.passed],
    )


def summary(found: Iterable[Comparison]) -> str:
    """Return how many runs of how many cases passed, failed and were left out."""
    runs = list(found)
    passed = sum(one.passed is True for one in runs)
    failed = sum(one.passed is False for one in runs)
    cases = len({one.case for one in runs})
    ran = sum(one.peer is not None and one.peer.objective is not None for one in runs)
    return (
        f"{passed} of {len(runs)} runs of {cases} cases pass, {failed} fail, "
        f"{len(runs) - passed - failed} left out; the other tool ran in {ran}."
    )


def as_data(found: Iterable[Comparison]) -> list[dict[str, Any]]:
    """Return comparisons as plain objects."""
    rows = []
    for one in found:
        data = asdict(one)
        data["passed"], data["sizes_agree"] = one.passed, one.sizes_agree
        if one.objective is not None:
            data["objective"]["relative_difference"] = one.objective.difference
        rows.append(data)
    return rows


def write(found: list[Comparison], folder: Path) -> None:
    """Write ``reference.json`` and ``reference.html`` into a folder, which is made.

    Raises
    ------
    OSError
        The files cannot be written.
    """
    import jinja2

    folder.mkdir(parents=True, exist_ok=True)
    data = json.dumps(as_data(found), indent=2, ensure_ascii=False) + "\n"
    (folder / "reference.json").write_text(data, encoding="utf-8", newline="\n")
    text = Path(__file__).resolve().with_name("page.html").read_text(encoding="utf-8")
    template = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(
        text
    )
    page = template.render(
        heads=HEADS, rows=[(row(one), one) for one in found], summary=summary(found)
    )
    (folder / "reference.html").write_text(page, encoding="utf-8", newline="\n")
