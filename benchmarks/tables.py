"""Results of a driver as text: Markdown, for the terminal and for the repository."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

HEAD = (
    "variant",
    "CPU s",
    "ours / it",
    "target",
    "wall s",
    "peak MB",
    "of it before",
    "import CPU s",
)


def markdown(report: Mapping[str, Any]) -> str:
    """Return a report as a Markdown page."""
    variants: Mapping[str, Any] = report["variants"]
    first = next(iter(variants.values()))
    checked, machine = report["checked"], report["machine"]
    versions = ", ".join(
        f"{name} {number}" for name, number in machine["versions"].items() if number
    )
    lines = [
        f"# {report['phase']}: {report['benchmark']}",
        "",
        f"{first['columns']:,} columns, {first['rows']:,} rows, {first['nonzeros']:,} nonzeros, the "
        "same in every variant. Medians (least–largest) of "
        f"{report['repeats']} paired rounds; each run in a fresh process, one thread.",
        "",
        *_table(HEAD, [_row(name, one) for name, one in variants.items()]),
        "",
        *(f"- **{name}**: {one['what']}." for name, one in variants.items()),
        "",
        "CPU seconds count from the resolved park (no file, no series to read) to the model inside "
        "HiGHS; imports stand apart. `ours / it` is the median over the rounds of our CPU seconds "
        "divided by those of the variant. `peak MB` is the largest resident memory of the process "
        "in that time, `of it before` what the process held when it began.",
        "",
        f"Checked before a time was taken: on the scenario `{checked['scenario']}` "
        f"({checked['columns']:,} columns, {checked['rows']:,} rows, {checked['nonzeros']:,} "
        "nonzeros) all variants have the same sorted costs, bounds, limits and coefficients, and "
        f"the optimum {checked['objective']:,.2f} to {checked['relative_tolerance']:g}.",
        "",
        "Parts of the CPU seconds (median): "
        + "; ".join(f"{name}: {_parts(one['parts'])}" for name, one in variants.items())
        + ".",
        "",
        f"Machine: {machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB, "
        f"{machine['system']}, {machine['python']}. {versions}.",
    ]
    return "\n".join(lines) + "\n"


def _row(name: str, one: Mapping[str, Any]) -> list[str]:
    ratio = one.get("ours_over_this")
    target = one.get("target")
    return [
        name,
        _span(one["cpu_seconds"], 3),
        "" if ratio is None else _span(ratio, 3),
        "" if target is None else f"≤ {target:g}",
        _span(one["wall_seconds"], 3),
        _span(one["peak_mb"], 0),
        f"{one['before_mb']['median']:.0f}",
        f"{one['import_seconds']['median']:.2f}",
    ]


def _span(spread: Mapping[str, float], digits: int) -> str:
    low, high = spread["min"], spread["max"]
    return f"{spread['median']:.{digits}f} ({low:.{digits}f}–{high:.{digits}f})"


def _parts(parts: Mapping[str, Mapping[str, float]]) -> str:
    return ", ".join(f"{part} {spread['median']:.3f}" for part, spread in parts.items())


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    table = [head, *rows]
    widths = [max(len(row[i]) for row in table) for i in range(len(head))]
    lines = [_line(row, widths) for row in table]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return [lines[0], rule, *lines[1:]]


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
    return "| " + " | ".join(cells) + " |"
