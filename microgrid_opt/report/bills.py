"""The section of the bill: what each connection is billed, by month and component, before and after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from microgrid_opt.bill.beside import is_levelised
from microgrid_opt.report.colours import PLAN, REFERENCE, categories, faded
from microgrid_opt.report.figures import Spec, figure, plain, rounded
from microgrid_opt.report.tables import (
    MISSING,
    Cell,
    Column,
    Table,
    format_number,
    humanised,
    scaled,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from microgrid_opt.bill.beside import Beside, Connection
    from microgrid_opt.report.view import View

    Numbers = NDArray[np.float64]

Context = dict[str, Any]
_PALE = 0.45
"""Opacity of what the reference plan is billed."""
_SMALL = 1e-9
_NOTABLE = 0.01
"""Negative parts of a bill from this share of it on get a mark where the total is [-]."""
_SAME = 1e-6
_POWER = "kW"
_READINGS = {"bought": "Bought", "sold": "Sold", "highest_import": "Highest import"}
PLANS = ("plan", "reference")


def section(view: View) -> Context:
    """Return the bill of every connection."""
    return {
        "connections": [_connection(view, held) for held in view.connections],
        "several": len(view.connections) > 1,
        "both": view.reference is not None,
    }


def _connection(view: View, held: Connection) -> Context:
    return {
        "title": view.asset_label(held.member, held.asset),
        "hint": _hint(view, held),
        "monthly": _monthly_figure(view, held),
        "peaks": _peaks_figure(held) if len(held.months) > 1 else None,
        "peaks_title": _demand(held),
        "components": _components(view, held),
        "months": _months(view, held) if len(held.months) > 1 else None,
        "details": [
            (f"Every month of the {name}", _detail(view, held, number))
            for number, name in enumerate(PLANS[: len(held.monthly)])
            if len(held.months) > 1
        ],
    }


def bill_label(line: Beside) -> str:
    """Return the name for reading of a component."""
    return humanised(line.label) if line.label == line.component else line.label


def _costing(held: Connection) -> list[Beside]:
    """Return the components that are not zero in every plan."""
    return [line for line in held.components if any(amount.any() for amount in line.amounts)]


def _hint(view: View, held: Connection) -> str:
    parts = ["Priced month by month from what passes the meter."]
    if is_levelised(view.results.ledger, held.asset):
        parts.append(
            "At the prices of the year; the cost above counts their growth and value-added tax."
        )
    bought = held.reading("bought")
    energies = [0.0, 0.0] if bought is None else bought.counted
    means = [
        f"{format_number(float(total.sum()) / energy)} {view.currency}/kWh in the {name}"
        for name, total, energy in zip(PLANS, held.monthly, energies, strict=False)
        if energy > 0
    ]
    if means:
        parts.append(f"Divided by the energy bought: {' and '.join(means)}.")
    return " ".join(parts)


# ------------------------------------------------------------------------------------------ figures


def _gap(months: int) -> float:
    """Return the gap between months that keeps bars slender where months are few."""
    return round(1.0 - min(0.78, 0.16 * months), 2)


def _sides(held: Connection) -> list[tuple[int, str, float]]:
    """Return number, name and opacity of each plan, from left to right: before, after."""
    both = [(1, "Reference", _PALE)] if len(held.monthly) > 1 else []
    return [*both, (0, "Plan", 1.0)]


def _monthly_figure(view: View, held: Connection) -> Spec:
    """Return stacked bars of the components by month, the reference's pale beside the plan's."""
    lines = _costing(held)
    gross = [np.sum([np.abs(a) for a in side], axis=0) for side in _by_plan(lines)]
    peak = max((float(side.max(initial=0.0)) for side in gross), default=0.0)
    divisor, unit = scaled([peak], view.currency, least=1.0)
    traces: list[Spec] = []
    for line, colour in zip(lines, categories(len(lines)), strict=True):
        for number, side, opacity in _sides(held):
            traces.append(
                {
                    "type": "bar",
                    "name": plain(bill_label(line)),
                    "legendgroup": line.component,
                    "showlegend": number == 0,
                    "offsetgroup": side,
                    "alignmentgroup": "bill",
                    "x": list(held.months),
                    "y": [rounded(value / divisor) for value in line.amounts[number]],
                    "marker": {"color": colour if opacity == 1.0 else faded(colour, opacity)},
                    "hovertemplate": f"%{{fullData.name}}: %{{y:,.5~r}} {unit}"
                    f"<extra>%{{x}}, {side.lower()}</extra>",
                }
            )
    lowest = min((float(a.min(initial=0.0)) for line in lines for a in line.amounts), default=0.0)
    if -lowest > _NOTABLE * peak:
        traces += _totals(held, divisor, unit)
    layout = {
        "barmode": "relative",
        "scattermode": "group",
        "bargap": _gap(len(held.months)),
        "scattergap": _gap(len(held.months)),
        "bargroupgap": 0.06,
        "xaxis": {"type": "category"},
        "yaxis": {"title": {"text": unit}, "zeroline": True},
        "legend": {"orientation": "h"},
    }
    label = "Bill by month and component"
    return figure(label, traces, layout, 380 + 22 * (len(lines) // 5))


def _by_plan(lines: list[Beside]) -> list[tuple[Numbers, ...]]:
    return list(zip(*(line.amounts for line in lines), strict=True))


def _totals(held: Connection, divisor: float, unit: str) -> list[Spec]:
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "name": "Total",
            "legendgroup": "total",
            "showlegend": number == 0,
            "offsetgroup": side,
            "alignmentgroup": "bill",
            "x": list(held.months),
            "y": [rounded(value / divisor) for value in held.monthly[number]],
            "marker": {
                "symbol": "diamond",
                "size": 8,
                "color": "ink",
                "line": {"width": 1.2, "color": "#ffffff"},
            },
            "hovertemplate": f"Total: %{{y:,.5~r}} {unit}<extra>%{{x}}, {side.lower()}</extra>",
        }
        for number, side, _ in _sides(held)
    ]


def _peaks(held: Connection) -> list[Beside]:
    """Return what is billed by kW, and the highest import where it is something else."""
    billed = [line for line in _costing(held) if line.unit == _POWER]
    highest = held.reading("highest_import")
    if highest is None or any(_alike(highest, line) for line in billed):
        return billed
    return [highest, *billed]


def _demand(held: Connection) -> str:
    billed = any(line in held.components for line in _peaks(held))
    return "Billed demand" if billed else "Highest import"


def _alike(one: Beside, other: Beside) -> bool:
    pairs = zip(one.quantities, other.quantities, strict=True)
    return all(np.allclose(a, b, rtol=_SAME, equal_nan=True) for a, b in pairs)


def _peaks_figure(held: Connection) -> Spec | None:
    """Return billed kW by month, a row of bars for each component, and the contract as a line."""
    lines = _peaks(held)
    if not lines:
        return None
    highest = max(_top(line) for line in (*lines, *_agreed(held)))
    traces: list[Spec] = []
    layout: Spec = {
        "barmode": "group",
        "bargap": _gap(len(held.months)),
        "legend": {"orientation": "h"},
        "annotations": [],
    }
    height = 1.0 / len(lines)
    for row, line in enumerate(lines):
        axis = str(row + 1) if row else ""
        traces += _row(held, line, axis)
        top = 1.0 - row * height
        layout[f"xaxis{axis}"] = {
            "type": "category",
            "anchor": f"y{axis}",
            "showticklabels": row == len(lines) - 1,
        }
        alone = len(lines) == 1
        inside = (0.0, 1.0) if alone else (top - 0.8 * height, top - 0.14 * height)
        layout[f"yaxis{axis}"] = {
            "title": {"text": _POWER},
            "domain": [round(end, 4) for end in inside],
            "range": [0.0, 1.05 * highest],
            "anchor": f"x{axis}",
            "nticks": 5,
        }
        if not alone:
            layout["annotations"].append(_heading(bill_label(line), top))
    return figure(f"{_demand(held)} by month", traces, layout, 110 + 150 * len(lines))


def _top(line: Beside) -> float:
    return max((float(np.nanmax(q)) for q in line.quantities if not np.isnan(q).all()), default=0.0)


def _agreed(held: Connection) -> list[Beside]:
    agreed = held.reading("contracted")
    return [] if agreed is None else [agreed]


def _heading(text: str, top: float) -> Spec:
    return {
        "text": plain(text),
        "xref": "paper",
        "yref": "paper",
        "x": 0.0,
        "y": round(top, 4),
        "xanchor": "left",
        "yanchor": "top",
        "showarrow": False,
    }


def _row(held: Connection, line: Beside, axis: str) -> list[Spec]:
    """Return the bars of one component, and the line of the contract, on the axes of its row."""
    axes = {"xaxis": f"x{axis}", "yaxis": f"y{axis}", "x": list(held.months)}
    traces: list[Spec] = []
    for number, side, _ in _sides(held):
        shown = {**axes, "showlegend": not axis}
        name = plain(bill_label(line))
        hover = f"%{{y:,.5~r}} kW<extra>%{{x}}, {side.lower()}</extra>"
        bars = {
            "type": "bar",
            "name": side,
            "legendgroup": side,
            "y": [rounded(value) for value in line.quantities[number]],
            "marker": {"color": REFERENCE if number else PLAN},
            "hovertemplate": f"{name}: {hover}",
        }
        contract = {
            "type": "scatter",
            "mode": "lines",
            "name": f"Contracted, {side.lower()}",
            "legendgroup": f"Contracted {side}",
            "line": {"color": "ink", "width": 1.4, "dash": "dot" if number else "solid"},
            "hovertemplate": f"Contracted: {hover}",
        }
        traces.append(bars | shown)
        for agreed in _agreed(held):
            values = [rounded(value) for value in agreed.quantities[number]]
            traces.append(contract | shown | {"y": values})
    return traces


# ------------------------------------------------------------------------------------------- tables


def _columns(title: str, held: Connection, unit: str) -> list[Column]:
    """Return a column for each plan, of numbers in a unit."""
    if len(held.monthly) == 1:
        return [Column(title, unit)]
    return [Column(f"{title}, plan", unit), Column(f"{title}, reference", unit)]


def _money(view: View, held: Connection) -> list[Column]:
    if len(held.monthly) == 1:
        return [Column("Plan", view.currency)]
    names = ("Plan", "Reference", "Difference")
    return [Column(name, view.currency, sign=name == "Difference") for name in names]


def _and_difference(values: list[float]) -> list[Cell]:
    return [*values, values[0] - values[1]] if len(values) > 1 else [*values]


def _components(view: View, held: Connection) -> Table:
    """Return what is charged for and what it costs over the horizon, by component."""
    columns = [Column("Component"), *_columns("Billed", held, "1"), *_money(view, held)]
    lines = _costing(held)
    scales = {
        unit: scaled([v for line in lines if line.unit == unit for v in line.counted], unit)
        for unit in {line.unit for line in lines}
    }
    rows: list[list[Cell]] = []
    for line in lines:
        billed = (_billed(value, line.unit, *scales[line.unit]) for value in line.counted)
        rows.append([bill_label(line), *billed, *_and_difference(line.sums)])
    nothing: list[Cell] = [""] * len(held.monthly)
    sums = _and_difference([float(total.sum()) for total in held.monthly])
    return Table(columns, rows, ["Total", *nothing, *sums])


def _billed(value: float, unit: str, divisor: float, shown: str) -> str:
    if not unit or np.isnan(value):
        return MISSING
    if unit == "cos φ":
        return f"cos φ {value:.2f}"
    return f"{format_number(value / divisor)} {shown}"


def _months(view: View, held: Connection) -> Table:
    """Return what the meter reads and what is paid by month."""
    readings = [
        (title, line)
        for name, title in _READINGS.items()
        if (line := held.reading(name)) is not None and any(value > 0 for value in line.counted)
    ]
    columns = [Column("Month")]
    for title, line in readings:
        columns += _columns(title, held, line.unit)
    columns += _money(view, held)
    rows: list[list[Cell]] = []
    for number, month in enumerate(held.months):
        cells: list[Cell] = [month]
        for _, line in readings:
            cells += [_cell(quantity[number]) for quantity in line.quantities]
        rows.append([*cells, *_and_difference([float(total[number]) for total in held.monthly])])
    total: list[Cell] = ["Total"]
    for _, line in readings:
        sums = line.unit != _POWER
        total += [_cell(value) if sums else "" for value in line.counted]
    total += _and_difference([float(side.sum()) for side in held.monthly])
    return Table(columns, rows, total)


def _cell(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _detail(view: View, held: Connection, number: int) -> Table:
    """Return every component of every month of one plan."""
    columns = [Column("Component")]
    columns += [Column(month, view.currency) for month in held.months]
    columns.append(Column("Total", view.currency))
    rows: list[list[Cell]] = [
        [bill_label(line), *line.amounts[number].tolist(), line.sums[number]]
        for line in _costing(held)
    ]
    side = held.monthly[number]
    total: list[Cell] = ["Total", *side.tolist(), float(side.sum())]
    return Table(columns, rows, total)
