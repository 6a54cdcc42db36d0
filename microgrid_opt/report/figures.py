"""Figures as plain plotly.js specifications: bars of sizes, of the ledger and of its reference.

Written as dictionaries, so that no plotting library has to be imported; fonts, grid and paper are
added in the browser, where light or dark is known.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from microgrid_opt.ledger import COST
from microgrid_opt.report.colours import PLAN, REFERENCE, categories, faded
from microgrid_opt.report.tables import format_quantity, humanised, scaled
from microgrid_opt.trading.costs import member_costs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import pandas as pd

    from microgrid_opt.report.view import View
    from microgrid_opt.results import Results

Spec = dict[str, Any]
_SMALL = 1e-9
"""Parts below this share of the largest one are not drawn [-]."""


def plain(text: str) -> str:
    """Return a text that plotly shows as it is: it takes a few HTML tags otherwise."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def rounded(value: float) -> float | None:
    """Return six significant digits, ``None`` where there is no number."""
    return float(f"{value:.6g}") if math.isfinite(value) else None


def figure(label: str, traces: list[Spec], layout: Spec, height: int) -> Spec:
    """Return a chart: traces and layout as plotly has them, the label for who cannot see it."""
    return {"label": label, "data": traces, "layout": layout, "height": height}


def sizes(view: View) -> list[Spec]:
    """Return one bar chart of existing and new capacity for every unit of sizes."""
    table = view.results.shown_sizes()
    table = table[table["total"].abs() > 0]
    figures = []
    for unit, rows in table.groupby("unit", sort=False):
        divisor, shown = scaled(rows["total"], str(unit))
        repeated = rows.duplicated(["member", "asset"], keep=False)
        names = [
            plain(view.asset_label(row["member"], row["asset"]))
            + (f" ({humanised(row['size'])})" if twice else "")
            for (_, row), twice in zip(rows.iterrows(), repeated, strict=True)
        ]
        hues = [view.colour(asset) for asset in rows["asset"]]
        # What is given up stands no more.
        kept = rows["total"] - rows["new"]
        parts = (
            ("existing", kept, [faded(c, 0.4) for c in hues]),
            ("new", rows["new"], hues),
        )
        traces = [
            {
                "type": "bar",
                "orientation": "h",
                "name": humanised(part),
                "y": names,
                "x": [rounded(value / divisor) for value in values],
                "marker": {"color": colours},
                "showlegend": False,
                "hovertemplate": f"%{{y}}<br>{part} %{{x:,.5~r}} {shown}<extra></extra>",
            }
            for part, values, colours in parts
            if (values.abs() > 0).any()
        ]
        layout = {
            "barmode": "stack",
            # Beside long names there is room for few numbers, and turned ones run into the unit.
            "xaxis": {
                "title": {"text": shown},
                "rangemode": "tozero",
                "nticks": 3,
                "tickangle": 0,
            },
            "yaxis": {"autorange": "reversed", "automargin": True},
            "bargap": 0.35,
        }
        label = f"Capacity by asset in {shown}"
        figures.append(figure(label, traces, layout, 70 + 34 * len(rows)))
    return figures


def by_category(view: View, effect: str) -> Spec | None:
    """Return plan and reference as stacked bars of an effect by category of the ledger."""
    held = [one for one in (view.results, view.reference) if one is not None]
    keys = list(dict.fromkeys(key for one in held for key in totals(view, one, effect, "category")))
    colours = dict(zip(keys, categories(len(keys)), strict=True))

    def colour(key: str) -> str:
        return colours[key]

    return _stacked(view, effect, "category", humanised, colour)


def by_asset(view: View, effect: str) -> Spec | None:
    """Return plan and reference as stacked bars of an effect by asset."""

    def name(key: str) -> str:
        return "Park rules" if key == "policies" else view.label(key)

    return _stacked(view, effect, "asset", name, view.colour)


def totals(view: View, held: Results, effect: str, column: str) -> dict[str, float]:
    """Return the sums of an effect by a column of a plan's ledger."""
    return sums_of(view.ledger(held), effect, column)


def sums_of(ledger: pd.DataFrame, effect: str, column: str) -> dict[str, float]:
    """Return the sums of an effect by a column of a ledger."""
    rows: pd.DataFrame = ledger[ledger["effect"] == effect]
    sums = rows.groupby(column, sort=False)["amount"].sum()
    return {str(key): float(value) for key, value in sums.items()}


def _stacked(
    view: View,
    effect: str,
    column: str,
    name: Callable[[str], str],
    colour: Callable[[str], str],
) -> Spec | None:
    held: dict[str, Mapping[str, float]] = {"Plan": totals(view, view.results, effect, column)}
    if view.reference is not None:
        held["Reference"] = totals(view, view.reference, effect, column)
    keys = list(dict.fromkeys(key for sums in held.values() for key in sums))
    unit = ledger_unit(view.results, effect)
    gross = _gross(held.values())
    divisor, shown = scaled([gross], unit, least=1.0)
    bars = list(held)
    traces: list[Spec] = [
        {
            "type": "bar",
            "orientation": "h",
            "name": plain(name(key)),
            "y": bars,
            "x": [rounded(held[bar].get(key, 0.0) / divisor) for bar in bars],
            "marker": {"color": colour(key)},
            "hovertemplate": f"%{{fullData.name}}: %{{x:,.5~r}} {shown}<extra>%{{y}}</extra>",
        }
        for key in keys
        if any(abs(held[bar].get(key, 0.0)) > _SMALL * gross for bar in bars)
    ]
    if not traces:
        return None
    traces += _nets(held, unit, divisor, shown)
    layout = {
        "barmode": "relative",
        "xaxis": {"title": {"text": shown}, "zeroline": True},
        "yaxis": {"autorange": "reversed", "automargin": True, "type": "category"},
        "bargap": 0.3,
        "legend": {"orientation": "h"},
        "margin": {"l": 60, "r": 150, "t": 16, "b": 40},
    }
    label = f"{effect} by {column}: {' and '.join(bars).lower()}"
    return figure(label, traces, layout, 110 + 56 * len(bars) + 22 * (len(traces) // 5))


def _nets(
    held: Mapping[str, Mapping[str, float]], unit: str, divisor: float, shown: str
) -> list[Spec]:
    """Return the total of each bar as a text at its end, and as a mark where parts are negative."""
    bars = list(held)
    nets = [sum(held[bar].values()) for bar in bars]
    ends = [sum(max(part, 0.0) for part in held[bar].values()) for bar in bars]
    words: Spec = {
        "type": "scatter",
        "mode": "text",
        "y": bars,
        "x": [rounded(end / divisor) for end in ends],
        "text": [f"  {format_quantity(net, unit)}".replace("-", "−") for net in nets],
        "textposition": "middle right",
        "cliponaxis": False,
        "hoverinfo": "skip",
        "showlegend": False,
    }
    if not any(end > net + _SMALL * abs(end) for end, net in zip(ends, nets, strict=True)):
        return [words]
    marks: Spec = {
        "type": "scatter",
        "mode": "markers",
        "name": "Net total",
        "y": bars,
        "x": [rounded(net / divisor) for net in nets],
        "marker": {
            "symbol": "diamond",
            "size": 11,
            "color": "ink",
            "line": {"width": 1.5, "color": "#ffffff"},
        },
        "hovertemplate": f"Net total: %{{x:,.5~r}} {shown}<extra>%{{y}}</extra>",
    }
    return [words, marks]


def members(view: View, effect: str) -> Spec | None:
    """Return an effect by member, plan beside reference; ``None`` for a park with one member."""
    if not view.several_members:
        return None
    held = {"Plan": (view.results, PLAN)}
    if view.reference is not None:
        held["Reference"] = (view.reference, REFERENCE)
    sums = {bar: _by_member(view, results, effect) for bar, (results, _) in held.items()}
    divisor, shown = scaled([_gross(sums.values())], ledger_unit(view.results, effect), least=1.0)
    keys = list(view.plan.problem.park.members)
    traces = [
        {
            "type": "bar",
            "name": bar,
            "x": [plain(view.label(key)) for key in keys],
            "y": [rounded(sums[bar].get(key, 0.0) / divisor) for key in keys],
            "marker": {"color": colour},
            "hovertemplate": f"%{{x}}: %{{y:,.5~r}} {shown}<extra>{bar}</extra>",
        }
        for bar, (_, colour) in held.items()
    ]
    layout = {
        "barmode": "group",
        "yaxis": {"title": {"text": shown}, "zeroline": True},
        "xaxis": {"type": "category"},
        "legend": {"orientation": "h"},
    }
    return figure(f"{effect} by member", traces, layout, 300)


def _by_member(view: View, held: Results, effect: str) -> dict[str, float]:
    """Return the sums of an effect by member; what is booked once for all goes to who causes it."""
    problem = view.plan.problem
    if effect == COST and held is view.results:
        return member_costs(problem, held)
    if effect == COST and held is view.reference:
        return member_costs(problem.reference(), held)
    return totals(view, held, effect, "member")


def ledger_unit(held: Results, effect: str) -> str:
    """Return the unit of an effect, with the park's currency in it."""
    from microgrid_opt.ledger import EFFECTS

    return EFFECTS[effect].unit.replace("currency", held.currency)


def _gross(sums: Iterable[Mapping[str, float]]) -> float:
    return max((sum(map(abs, parts.values())) for parts in sums), default=0.0)
