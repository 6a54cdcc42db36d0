"""The report as Markdown and as a plot of time against size."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Any

from microgrid_opt.bench.speed.plan import GROWTH
from microgrid_opt.bench.speed.session import OK, TIMEOUT
from microgrid_opt.bench.speed.verdict import Figure, Verdict, verdicts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from microgrid_opt.bench.speed.session import Report

MARKDOWN, PLOT = "speed.md", "speed.html"
WORDS = {True: "met", False: "**missed**", None: "–"}
HEADS = (
    "park",
    "tool",
    "options",
    "CPU s",
    "wall s",
    "peak MB",
    "build",
    "hand-off",
    "solve",
    "note",
)
VERDICT_HEADS = ("target", "park", "limit", "CPU", "wall", "against", "verdict")


def write(report: Report, folder: Path) -> None:
    """Write the page and the plot into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARKDOWN).write_text(markdown(report), encoding="utf-8")
    plot(report.records, folder / PLOT)


def markdown(report: Report) -> str:
    """Return the page."""
    machine = report.machine
    versions = ", ".join(f"{name} {v}" for name, v in machine["versions"].items() if v)
    peers = dict.fromkeys(
        f"{one['tool']} {one['version']}" for one in report.records if one.get("version")
    )
    loads = [one["load_before"] for one in report.records if one.get("load_before") is not None]
    busy = (
        f" Load before a run: median {median(loads):.1f}, most {max(loads):.1f}." if loads else ""
    )
    return "\n".join(
        [
            "# Speed beside other tools",
            "",
            "From files on disk to saved results, imports included, each run in a fresh process; medians "
            "(least–largest) of the rounds. A time counts only where the objective agrees to 1e-6. A run "
            "that was ended at the time limit counts as more than that. Build, hand-off and solve are "
            "wall seconds.",
            "",
            *table(VERDICT_HEADS, [verdict_row(one) for one in verdicts(report.records)]),
            "",
            *table(HEADS, rows(report.records)),
            "",
            f"Machine: {machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB, "
            f"{machine['system']}, {machine['python']}. {versions}; peers: {', '.join(peers)}.{busy}",
            "",
        ]
    )


def verdict_row(one: Verdict) -> tuple[str, ...]:
    """Return a target as the cells below `VERDICT_HEADS`."""
    ratios = (_ratio(one.cpu), _ratio(one.wall))
    return (one.target, one.park, f"≤ {one.limit:g}", *ratios, one.against, WORDS[one.met])


def _ratio(found: Figure | None) -> str:
    return "–" if found is None else f"{'< ' if found.more else ''}{found.value:.3g}"


def rows(records: Sequence[dict[str, Any]]) -> list[tuple[str, ...]]:
    """Return one row of cells below `HEADS` for each run, over its rounds."""
    by_name: dict[str, list[dict[str, Any]]] = {}
    for one in records:
        by_name.setdefault(one["name"], []).append(one)
    return [_row(found) for found in by_name.values()]


def _row(found: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    first, good = found[0], [one for one in found if one["status"] == OK]
    notes = dict.fromkeys(_note(one) for one in found if one["status"] != OK)
    gaps = [one["gap"] for one in good if one.get("gap")]
    if gaps:
        notes[f"gap {max(gaps):.2%}"] = None
    name = (first["park"] + (" sweep" if first["suite"] == "sweep" else ""), first["tool"])
    if not good:
        return (*name, first["route"], *["–"] * 6, "; ".join(notes))
    times = [_span([one[key] for one in good]) for key in ("cpu_seconds", "wall_seconds")]
    peak = f"{max(one['peak_mb'] for one in good):.0f}"
    phases = [
        f"{median([one['phases'][key] for one in good]):.2f}" if key in good[0]["phases"] else "–"
        for key in ("build", "handoff", "solve")
    ]
    return (*name, first["route"], *times, peak, *phases, "; ".join(notes))


def _note(one: dict[str, Any]) -> str:
    if one["status"] == TIMEOUT:
        return f"more than {one['limit_seconds']:g} s"
    problem = " ".join(one["problem"].split()).replace("|", "/")
    return f"{one['status']}: {problem[-80:]}" if problem else str(one["status"])


def _span(values: Sequence[float]) -> str:
    middle = f"{median(values):.2f}"
    return middle if len(values) == 1 else f"{middle} ({min(values):.2f}–{max(values):.2f})"


def table(heads: Sequence[str], cells: Iterable[Sequence[str]]) -> list[str]:
    """Return a Markdown table."""
    lines = [heads, ["---"] * len(heads), *cells]
    return ["| " + " | ".join(line) + " |" for line in lines]


def plot(records: Sequence[dict[str, Any]], path: Path) -> None:
    """Write CPU seconds against horizon, assets and members, both axes logarithmic, as HTML."""
    from plotly.graph_objects import Figure as Chart
    from plotly.graph_objects import Scatter
    from plotly.subplots import make_subplots

    titles = {"horizon": "hours", "assets": "assets of each member", "members": "members"}
    chart: Chart = make_subplots(rows=1, cols=3, y_title="CPU seconds")
    lines = dict.fromkeys((one["tool"], one["route"]) for one in records if one["suite"] in titles)
    for column, (axis, title) in enumerate(titles.items(), 1):
        for number, (tool, route) in enumerate(lines):
            points = series(records, axis, tool, route)
            colour = f"hsl({137 * number % 360}, 65%, 42%)"
            chart.add_trace(
                Scatter(
                    x=[size for size, _ in points],
                    y=[seconds for _, seconds in points],
                    name=f"{tool}, {route}",
                    legendgroup=f"{tool}/{route}",
                    showlegend=column == 1,
                    line={"color": colour},
                    mode="lines+markers",
                ),
                row=1,
                col=column,
            )
        chart.update_xaxes(title_text=title, type="log", row=1, col=column)
        chart.update_yaxes(type="log", row=1, col=column)
    chart.update_layout(template="plotly_white", legend={"orientation": "h", "y": -0.25})
    chart.write_html(path, include_plotlyjs=True)


def series(
    records: Sequence[dict[str, Any]], axis: str, tool: str, route: str
) -> list[tuple[int, float]]:
    """Return (size, median CPU seconds) of a line of the plot, by what varies."""
    place = tuple(GROWTH).index(axis)
    found = []
    for park in GROWTH[axis]:
        wanted = ("growth", park.name, tool, route, OK)
        keys = ("suite", "park", "tool", "route", "status")
        times = [one["cpu_seconds"] for one in records if tuple(one[key] for key in keys) == wanted]
        if times and park.grown is not None:
            found.append((park.grown[place], median(times)))
    return found
