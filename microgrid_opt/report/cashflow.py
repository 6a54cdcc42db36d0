"""The section of the cash flow: what is paid when, what it is worth, and for whom."""

from __future__ import annotations

import math
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from microgrid_opt.report.colours import categories
from microgrid_opt.report.figures import Spec, figure, rounded
from microgrid_opt.report.tables import (
    MISSING,
    Cell,
    Column,
    Table,
    format_number,
    format_percent,
    format_quantity,
    scaled,
)

if TYPE_CHECKING:
    from microgrid_opt.finance.proforma import Proforma
    from microgrid_opt.finance.statement import Statement
    from microgrid_opt.finance.worth import CashFlows
    from microgrid_opt.report.view import View

Context = dict[str, Any]
KINDS = (
    ("Investment", "investment", 0),
    ("Operating saving", "saving", 4),
    ("Replacement", "replacement", 3),
    ("Residual value", "residual", 2),
    ("Incentives", "incentive", 1),
    ("Loan", "loan", 5),
    ("Income tax", "tax", 6),
)


def section(view: View) -> Context | None:
    """Return figure and tables; ``None`` without a reference plan or a comparison by year."""
    comparison = view.plan.comparison
    flows = None if comparison is None else comparison.flows
    if flows is None or not any(flows.net):
        return None
    held = view.proforma
    found: Context = {
        "figure": _bars(view, flows, "Payments against the reference plan"),
        "hint": _hint(view, held),
        "figures": None,
        "years": None,
        "contracts": None,
        "splits": [],
        "units": None,
        "notes": () if held is None else held.notes,
    }
    if held is None:
        return found
    found["figures"] = _figures(held)
    found["years"] = _years(held.whole)
    found["contracts"] = _contracts(held)
    found["splits"] = [
        (name, _bars(view, one.flows(), f"Cash flow of {name}"))
        for name, one in held.named().items()
        if held.contracts and one is not held.whole and any(one.net)
    ]
    found["units"] = _units(held)
    return found


def _hint(view: View, held: Proforma | None) -> str:
    if held is None:
        return "Plan minus reference plan; what comes in is positive."
    money = "in current money" if held.inflation else "in constant money"
    taxes = "after tax on income" if held.is_taxed else "before tax on income"
    rate = format_percent(held.whole.rate)
    years = format_number(view.plan.problem.park.finance.project_years)
    return (
        f"Plan minus reference plan, {money}, {taxes}; what comes in is positive. Discounted at {rate} "
        f"over {years} years."
    )


def _bars(view: View, flows: CashFlows, label: str) -> Spec:
    """Return bars by date and kind, with their sum so far."""
    running = list(accumulate(flows.net))
    divisor, shown = scaled([*flows.net, *running], view.currency, least=1.0)
    years = list(flows.years)
    colours = categories(len(KINDS))
    hover = f"%{{fullData.name}}: %{{y:,.5~r}} {shown}<extra></extra>"
    traces: list[Spec] = [
        {
            "type": "bar",
            "name": name,
            "x": years,
            "y": [rounded(value / divisor) for value in getattr(flows, kind)],
            "marker": {"color": colours[number]},
            "hovertemplate": hover,
        }
        for name, kind, number in KINDS
        if any(getattr(flows, kind))
    ]
    traces.append(
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": "Sum so far",
            "x": years,
            "y": [rounded(value / divisor) for value in running],
            "line": {"color": "ink", "width": 2},
            "marker": {"color": "ink", "size": 5},
            "hovertemplate": hover,
        }
    )
    layout = {
        "barmode": "relative",
        "xaxis": {"title": {"text": "Year of the project"}},
        "yaxis": {"title": {"text": shown}, "zeroline": True},
        "hovermode": "x unified",
        "legend": {"orientation": "h"},
    }
    return figure(label, traces, layout, 340)


def _figures(held: Proforma) -> Table:
    rows: list[list[Cell]] = []
    for name, one in held.named().items():
        rows.append(
            [
                name,
                one.npv,
                format_percent(one.rate),
                format_percent(one.irr.rate),
                format_percent(one.mirr),
                _payback(one, one.payback_years),
                _payback(one, one.discounted_payback_years),
            ]
        )
    columns = [
        Column("Cash flow of"),
        Column("Net present value", held.currency),
        Column("Discounted at", "1"),
        Column("Rate of return", "1"),
        Column("Modified", "1"),
        Column("Payback", "1"),
        Column("Discounted payback", "1"),
    ]
    return Table(columns, rows)


def _payback(one: Statement, years: float) -> str:
    first = next((value for value in one.net if value), 0.0)
    if first >= 0:
        return MISSING
    return "never" if math.isinf(years) else f"{format_number(years, digits=3)} years"


def _years(one: Statement) -> Table:
    """Return a table of the years; what falls between two stands in the later one."""
    flows = one.flows()
    shown = [
        (name, one.by_year(getattr(flows, kind)))
        for name, kind, _ in KINDS
        if any(getattr(flows, kind))
    ]
    net = one.by_year(one.net)
    shown += [("Net", net), ("Sum so far", tuple(accumulate(net)))]
    columns = [Column("Year"), *(Column(name, one.currency) for name, _ in shown)]
    rows: list[list[Cell]] = [
        [str(year), *values] for year, values in enumerate(zip(*(v for _, v in shown), strict=True))
    ]
    return Table(columns, rows)


def _contracts(held: Proforma) -> Table | None:
    if not held.contracts:
        return None

    def price(value: float, unit: str) -> str:
        if unit == "1":
            return f"{format_percent(value)} of savings" if math.isfinite(value) else MISSING
        return format_quantity(value, unit)

    rows: list[list[Cell]] = [
        [
            one.name,
            held.members[one.host].title,
            *(
                price(value, one.unit)
                for value in (one.price, one.investor_break_even, one.host_break_even)
            ),
        ]
        for one in held.contracts
    ]
    columns = [
        Column("Contract"),
        Column("Host"),
        Column("Price", "1"),
        Column("Least for the investor", "1"),
        Column("Most for the host", "1"),
    ]
    return Table(columns, rows)


def _units(held: Proforma) -> Table | None:
    rows: list[list[Cell]] = [
        [
            one.title,
            one.name,
            format_quantity(one.value, one.unit),
            "what it draws is not in it" if one.draws else "",
        ]
        for one in held.unit_costs
    ]
    if not rows:
        return None
    return Table([Column("Asset"), Column("Figure"), Column("Cost", "1"), Column("Note")], rows)
