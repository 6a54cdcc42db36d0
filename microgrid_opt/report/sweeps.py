"""One page over a sweep: the front of cost and CO2, abatement costs, sizes, and every point."""

from __future__ import annotations

import math
from itertools import cycle
from typing import TYPE_CHECKING, Any

from microgrid_opt.ledger import KG_PER_T
from microgrid_opt.report.colours import CATEGORIES, PLAN, REFERENCE
from microgrid_opt.report.figures import figure, plain, rounded
from microgrid_opt.report.page import Page, save
from microgrid_opt.report.tables import (
    Cell,
    Column,
    Table,
    format_number,
    format_percent,
    format_quantity,
    format_seconds,
    scaled,
)
from microgrid_opt.sweep.tables import abatement_cost, audit_word, changing_sizes, fronts

if TYPE_CHECKING:
    from pathlib import Path

    from microgrid_opt.sweep import Point, Sweep

    Spec = dict[str, Any]

_SCRIPTS = ("charts.js", "stages.js")
_HEIGHT = 360


def write_sweep_page(sweep: Sweep, path: Path) -> None:
    """Write the page of a sweep; it appears at once or not at all.

    Parameters
    ----------
    sweep
        What `microgrid_opt.sweep.sweep` returned.
    path
        File to write; its folder must exist.
    """
    save(render(sweep), path)


def render(sweep: Sweep) -> str:
    """Return the page's text."""
    problem = sweep.problem
    abatement, sizes = _abatement(sweep), _sizes(sweep)
    contents = [
        ("overview", "Overview"),
        ("cost", "Cost"),
        *([("abatement", "Abatement cost")] if abatement else []),
        *([("sizes", "Sizes")] if sizes else []),
        ("points", "Points"),
        ("certificate", "Certificate"),
    ]
    context = {
        "title": problem.park.name,
        "changed": problem.origin.scenario and f"scenario {problem.origin.scenario}",
        "description": problem.park.description,
        "summary": "",
        "span": f"{len(sweep.points)} points: {', '.join(axis.title for axis in sweep.axes)}",
        "currency": problem.park.currency,
        "contents": contents,
        "verdict": _verdict(sweep),
        "cards": _cards(sweep),
        "notes": [f"Stopped before all points were solved: {sweep.stopped}."] * bool(sweep.stopped),
        "has_front": sweep.has_front,
        "fronts": _fronts(sweep),
        "abatement": abatement,
        "sizes": sizes,
        "points": _points(sweep),
        "size_table": _size_table(sweep),
        "reasons": [f"Point {p.number}: {p.why}".splitlines() for p in sweep.points if p.why],
        "failures": [
            f"point {point.number}: {check}"
            for point in sweep.points
            if point.audit is not None
            for check in point.audit.failures
        ],
        "certificate": _certificate(sweep),
    }
    return Page("sweep.html", _SCRIPTS).render(context)


# ---------------------------------------------------------------------------------------- words


def _held(sweep: Sweep) -> list[Point]:
    return [point for point in sweep.points if point.has_plan]


def _verdict(sweep: Sweep) -> list[Spec]:
    held = _held(sweep)
    proven = [point for point in held if point.status == "optimal"]
    gap = max((_gap(point) for point in held), default=math.nan)
    bad = [point.number for point in held if audit_word(point) == "FAILED"]
    others = len(sweep.points) - len(proven)
    checks = sum(len(point.audit.checks) for point in held if point.audit is not None)
    return [
        {
            "tone": "warn" if others else "good",
            "word": "Optimal" if not others else f"{len(proven)} of {len(sweep.points)} optimal",
            "text": f"no plan of a point costs less, within a gap of {format_percent(gap)}.",
        },
        {
            "tone": "bad" if bad else "good",
            "word": "Audit failed" if bad else "Audited",
            "text": f"of points {', '.join(map(str, bad))}: do not use these results."
            if bad
            else f"{checks:,} figures were computed again, independently, and agree.",
        },
    ]


def _gap(point: Point) -> float:
    gap = None if point.run is None else point.run.gap
    return 0.0 if gap is None else gap


def _cards(sweep: Sweep) -> list[Spec]:
    held, money = _held(sweep), sweep.problem.park.currency
    if not held:
        return []
    found = [
        ("Least cost", min(p.cost for p in held), money, "over all points"),
        ("Highest cost", max(p.cost for p in held), money, "over all points"),
        ("Most CO2", max(p.co2_kg for p in held), "kg", "over the horizon"),
        ("Least CO2", min(p.co2_kg for p in held), "kg", "over the horizon"),
    ]
    return [
        {"title": title, "value": format_quantity(value, unit), "note": note, "tone": ""}
        for title, value, unit, note in found
    ]


def _certificate(sweep: Sweep) -> list[tuple[str, str]]:
    runs = [point.run for point in sweep.points if point.run is not None]
    rows = [("Time", format_seconds(sweep.seconds))]
    if runs:
        run = runs[0]
        rows.insert(0, ("Model", f"{run.kind}, {run.columns:,} columns, {run.rows:,} rows"))
        rows.append(("Solver", run.solver))
        rows += [("Solved by", text) for text in dict.fromkeys(run.choice for run in runs) if text]
    return rows


# ---------------------------------------------------------------------------------------- charts


def _x(sweep: Sweep, point: Point) -> float | str | None:
    """Return where a point stands on the horizontal axis: its CO2 or the value of the parameter."""
    if sweep.has_front:
        return rounded(point.co2_kg / KG_PER_T)
    value = point.values[-1]
    return value if not isinstance(value, str) else _number(value)


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return plain(text)


def _title(sweep: Sweep) -> str:
    return "CO2 over the horizon, t" if sweep.has_front else plain(sweep.axes[-1].title)


def _named(sweep: Sweep) -> list[tuple[str, list[Point]]]:
    """Return the points with a plan by the value of the first of two parameters."""
    found = []
    for values, points in fronts(sweep).items():
        name = ", ".join(
            f"{axis.title} {value if isinstance(value, str) else format_number(value)}"
            for axis, value in zip(sweep.axes, values, strict=False)
        )
        found.append((name, [point for point in points if point.has_plan]))
    return [(name, points) for name, points in found if points]


def _fronts(sweep: Sweep) -> list[Spec]:
    money = sweep.problem.park.currency
    found = [_lines(sweep, "Cost", money, lambda point: point.cost)]
    if not sweep.has_front and any(point.co2_kg for point in _held(sweep)):
        found.append(_lines(sweep, "CO2", "kg", lambda point: point.co2_kg))
    return found


def _lines(sweep: Sweep, label: str, unit: str, value: Any) -> Spec:
    divisor, shown = scaled([value(p) for p in _held(sweep)], unit, least=1.0)
    hues = cycle((PLAN, *CATEGORIES[1:]))
    traces = [
        _trace(
            name or label, sweep, points, [value(p) / divisor for p in points], next(hues), shown
        )
        for name, points in _named(sweep)
    ]
    return _chart(f"{label} of every point", traces, _title(sweep), shown)


def _trace(
    name: str, sweep: Sweep, points: list[Point], values: list[float], hue: str, unit: str
) -> Spec:
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": plain(name),
        "x": [_x(sweep, point) for point in points],
        "y": [rounded(value) for value in values],
        "marker": {"size": 7, "color": hue},
        "line": {"color": hue, "width": 2},
        "hovertemplate": f"%{{y:,.5~r}} {unit}<br>%{{x:,.5~r}}<extra>%{{fullData.name}}</extra>",
    }


def _chart(label: str, traces: list[Spec], across: str, up: str) -> Spec:
    layout = {
        "xaxis": {"title": {"text": across}},
        "yaxis": {"title": {"text": up}},
        "legend": {"orientation": "h"},
        "showlegend": len(traces) > 1,
        "margin": {"l": 80, "r": 20, "t": 40, "b": 50},
    }
    return figure(label, traces, layout, _HEIGHT + 20 * (len(traces) // 4))


def _abatement(sweep: Sweep) -> Spec | None:
    if not sweep.has_front:
        return None
    unit, quotients = f"{sweep.problem.park.currency}/t", abatement_cost(sweep)
    traces = []
    hues = cycle((PLAN, *CATEGORIES[1:]))
    for name, points in _named(sweep):
        duals = [point.price_per_t for point in points]
        means = [quotients.get(point.number, math.nan) for point in points]
        lead = f"{name}: " if name else ""
        hue = next(hues)
        if any(map(math.isfinite, duals)):
            traces.append(_trace(f"{lead}last tonne", sweep, points, duals, hue, unit))
        if any(map(math.isfinite, means)):
            second = _trace(f"{lead}mean", sweep, points, means, hue if name else REFERENCE, unit)
            second["line"] = {**second["line"], "dash": "dot"}
            traces.append(second)
    return _chart("Cost of avoiding CO2", traces, _title(sweep), unit) if traces else None


def _sizes(sweep: Sweep) -> list[Spec]:
    """Return a chart for each unit of the sizes that change; of two parameters the tables tell."""
    groups: dict[str, list[str]] = {}
    for name, unit in changing_sizes(sweep):
        groups.setdefault(unit, []).append(name)
    named = _named(sweep)
    if len(named) != 1:
        return []
    points = named[0][1]
    found = []
    for unit, names in groups.items():
        amounts = {name: [p.sizes.get(name, (math.nan, ""))[0] for p in points] for name in names}
        divisor, shown = scaled([v for row in amounts.values() for v in row], unit)
        hues = cycle(CATEGORIES)
        traces = [
            _trace(name, sweep, points, [v / divisor for v in row], next(hues), shown)
            for name, row in amounts.items()
        ]
        # One line has no legend: the axis says whose it is.
        up = shown if len(names) > 1 else f"{plain(names[0])}, {shown}"
        found.append(_chart(f"Sizes in {shown}", traces, _title(sweep), up))
    return found


# ---------------------------------------------------------------------------------------- tables


def _points(sweep: Sweep) -> Table:
    money, quotients = sweep.problem.park.currency, abatement_cost(sweep)
    columns = [Column("Point"), *(Column(axis.title) for axis in sweep.axes)]
    columns += [Column("Status"), Column("Cost", money), Column("CO2", "kg")]
    if sweep.has_front:
        columns += [Column("Last tonne", f"{money}/t"), Column("Mean", f"{money}/t")]
    columns += [Column("Gap", "%", decimals=4), Column("Time", "s"), Column("Audit")]
    rows: list[list[Cell]] = []
    for point in sweep.points:
        values = [v if isinstance(v, str) else format_number(v) for v in point.values]
        row: list[Cell] = [str(point.number), *values, point.status]
        row += [_or_none(point.cost), _or_none(point.co2_kg)]
        if sweep.has_front:
            row += [_or_none(point.price_per_t), _or_none(quotients.get(point.number, math.nan))]
        row += [None if point.run is None else point.run.gap, point.seconds, audit_word(point)]
        rows.append(row)
    marks = {n: "muted" for n, point in enumerate(sweep.points) if not point.has_plan}
    return Table(columns, rows, marks=marks)


def _size_table(sweep: Sweep) -> Table:
    names = changing_sizes(sweep)
    rows: list[list[Cell]] = [
        [
            str(point.number),
            *(_or_none(point.sizes.get(name, (math.nan, ""))[0]) for name, _ in names),
        ]
        for point in sweep.points
        if point.has_plan
    ]
    return Table([Column("Point"), *(Column(n, u) for n, u in names)], rows if names else [])


def _or_none(value: float) -> float | None:
    return value if math.isfinite(value) else None
