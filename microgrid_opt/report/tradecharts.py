"""Charts of a settlement: who sells to whom, parts of the gain, accounts, prices by duration."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np

from microgrid_opt.report.colours import CATEGORIES, PLAN, REFERENCE, faded
from microgrid_opt.report.figures import figure, plain, rounded
from microgrid_opt.report.tables import decimals_for, humanised, scaled
from microgrid_opt.trading.gains import PARTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from microgrid_opt.trading.settlement import Settlement

    Spec = dict[str, Any]

_SMALL = 1e-6
"""Parts below this share of the largest one are not drawn [-]."""
_CURVES = 12
"""Most prices drawn; those of the largest trades."""
_POINTS = 400
"""Most points of a curve."""


def flow_chart(s: Settlement) -> Spec | None:
    """Return sellers on the left, buyers on the right, and the energy delivered between them."""
    sums: dict[tuple[str, str], float] = {}
    for key, trade in s.trades.items():
        pair = (trade.pair.seller, trade.pair.buyer)
        sums[pair] = sums.get(pair, 0.0) + float(s.energy[key]["received"].sum())
    largest = max(sums.values(), default=0.0)
    kept = {pair: kwh for pair, kwh in sums.items() if kwh > _SMALL * largest}
    if not kept:
        return None
    hues = member_colours(s)
    sellers = list(dict.fromkeys(seller for seller, _ in kept))
    buyers = list(dict.fromkeys(buyer for _, buyer in kept))
    divisor, unit = scaled(kept.values(), "kWh")
    decimals = decimals_for([kwh / divisor for kwh in kept.values()])
    trace = {
        "type": "sankey",
        "arrangement": "snap",
        "textfont": {"size": 12},
        "valueformat": f",.{decimals}f",
        "valuesuffix": f" {unit}",
        "node": {
            "label": [plain(_label(s, member)) for member in (*sellers, *buyers)],
            "color": [hues[member] for member in (*sellers, *buyers)],
            "pad": 28,
            "thickness": 16,
            "line": {"width": 0},
            "hovertemplate": "%{label}: %{value}<extra></extra>",
        },
        "link": {
            "source": [sellers.index(seller) for seller, _ in kept],
            "target": [len(sellers) + buyers.index(buyer) for _, buyer in kept],
            "value": [rounded(kwh / divisor) for kwh in kept.values()],
            "color": [faded(hues[seller], 0.42) for seller, _ in kept],
            "hovertemplate": "%{source.label} → %{target.label}: %{value}<extra></extra>",
        },
    }
    height = min(140 + 46 * max(len(sellers), len(buyers)), 1000)
    margin = {"l": 4, "r": 4, "t": 12, "b": 12}
    return figure("Energy delivered by seller and buyer", [trace], {"margin": margin}, height)


def member_colours(s: Settlement) -> dict[str, str]:
    """Return a colour for every member, the same in every chart."""
    return dict(zip(s.plan.problem.park.members, cycle(CATEGORIES), strict=False))


def parts_chart(s: Settlement) -> Spec:
    """Return the parts of every member's gain as a stack, with their sum as a mark."""
    members = list(s.members["member"])
    wide = s.gains.pivot(index="part", columns="member", values="gain").fillna(0.0)
    table = wide.reindex(index=list(PARTS), columns=members).to_numpy(dtype=float)
    held = dict(zip(PARTS, table, strict=True))
    peak = float(np.abs(table).max(initial=0.0))
    divisor, unit = scaled([peak], s.currency, least=1.0)
    names = [plain(_label(s, member)) for member in members]
    hues = dict(zip(PARTS, cycle(CATEGORIES), strict=False))
    traces: list[Spec] = [
        {
            "type": "bar",
            "name": humanised(part),
            "x": names,
            "y": [rounded(float(value) / divisor) for value in held[part]],
            "marker": {"color": hues[part]},
            "hovertemplate": f"%{{fullData.name}}: %{{y:,.5~r}} {unit}<extra>%{{x}}</extra>",
        }
        for part in PARTS
        if float(np.abs(held[part]).max()) > _SMALL * peak
    ]
    traces.append(
        {
            "type": "scatter",
            "mode": "markers",
            "name": "Gain",
            "x": names,
            "y": [rounded(float(gain) / divisor) for gain in s.members["gain"]],
            "marker": {"symbol": "diamond", "size": 12, "color": "ink"},
            "hovertemplate": f"Gain: %{{y:,.5~r}} {unit}<extra>%{{x}}</extra>",
        }
    )
    return _bars("Gain of every member by part", traces, unit, "relative")


def accounts_chart(s: Settlement) -> Spec | None:
    """Return what every account gets before and after."""
    names = [name for name in s.accounts.names if (s.accounts.items["account"] == name).any()]
    if not names:
        return None
    sums = {when: [s.accounts.total(name, when) for name in names] for when in ("before", "after")}
    divisor, unit = scaled([v for part in sums.values() for v in part], s.currency, least=1.0)
    traces = [
        {
            "type": "bar",
            "name": humanised(when),
            "x": [plain(humanised(name)) for name in names],
            "y": [rounded(value / divisor) for value in values],
            "marker": {"color": REFERENCE if when == "before" else PLAN},
            "hovertemplate": f"{humanised(when)}: %{{y:,.5~r}} {unit}<extra>%{{x}}</extra>",
        }
        for when, values in sums.items()
    ]
    return _bars("What members pay to each account, before and after", traces, unit, "group")


def price_chart(s: Settlement) -> Spec | None:
    """Return the prices of the trades from high to low over the share of their energy."""
    energy = {key: float(held["paid"].sum()) for key, held in s.energy.items()}
    largest = sorted((key for key in energy if energy[key] > 0.0), key=lambda key: -energy[key])
    labels = s.contracts.groupby("trade")["label"].first().to_dict()
    traces = []
    hues = cycle(CATEGORIES)
    for key in largest[:_CURVES]:
        paid, money = s.energy[key]["paid"], s.payments[key]
        if not money.any():
            continue
        share, price = _curve(paid, money)
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": plain(str(labels[key])),
                "x": [rounded(value) for value in share],
                "y": [rounded(value) for value in price],
                "line": {"shape": "hv", "color": next(hues), "width": 2},
                "hovertemplate": f"%{{y:,.5~r}} {s.currency}/kWh<extra>%{{fullData.name}}</extra>",
            }
        )
    if not traces:
        return None
    layout = {
        "xaxis": {"title": {"text": "Share of the energy paid for, %"}, "range": [0, 100]},
        "yaxis": {"title": {"text": f"{s.currency}/kWh"}, "rangemode": "tozero"},
        "legend": {"orientation": "h"},
        "showlegend": True,
        "margin": {"l": 70, "r": 20, "t": 40, "b": 50},
    }
    height = 340 + 20 * (len(traces) // 4)
    return figure("Prices from high to low over the energy paid for", traces, layout, height)


def _curve(paid: Any, money: Any) -> tuple[list[float], list[float]]:
    """Return shares of energy [%] and the prices from there on, from high to low."""
    known = paid > _SMALL * paid.max()
    price, kwh = money[known] / paid[known], paid[known]
    order = np.argsort(-price, kind="stable")
    price, kwh = price[order], kwh[order]
    ends = 100.0 * np.cumsum(kwh) / kwh.sum()
    starts = np.append(0.0, ends[:-1])
    turns = np.flatnonzero(np.append(True, np.diff(price) != 0.0))
    if len(turns) > _POINTS:
        turns = turns[np.unique(np.linspace(0, len(turns) - 1, _POINTS).astype(int))]
    return [*starts[turns].tolist(), 100.0], [*price[turns].tolist(), float(price[-1])]


def _bars(label: str, traces: list[Spec], unit: str, mode: str) -> Spec:
    layout: Mapping[str, Any] = {
        "barmode": mode,
        "xaxis": {"type": "category"},
        "yaxis": {"title": {"text": unit}, "zeroline": True},
        "legend": {"orientation": "h"},
        "showlegend": True,
        "bargap": 0.4,
        "margin": {"l": 70, "r": 20, "t": 40, "b": 40},
    }
    return figure(label, traces, dict(layout), 340 + 20 * (len(traces) // 4))


def _label(s: Settlement, member: str) -> str:
    assert s.plan.results is not None
    return str(s.plan.results.labels.get(member, member))
