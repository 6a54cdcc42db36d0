"""The section of the bill: its tables and charts say what the bill's table says, plan by reference."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from microgrid_opt.report import bills, sections
from microgrid_opt.report.html import render
from microgrid_opt.report.view import View

if TYPE_CHECKING:
    from collections.abc import Callable

    from microgrid_opt.report.tables import Table
    from microgrid_opt.study import Plan


def texts(table: Table) -> dict[str, list[str]]:
    """Return the cells of a table by the first cell of their row."""
    return {cells[0][0]: [text for text, _ in cells[1:]] for _, cells in table.body()}


def section(plan: Plan) -> dict[str, Any]:
    (held,) = bills.section(View(plan))["connections"]
    return dict(held)


def test_components_of_a_tariff(billed: Plan) -> None:
    """Proves: loads of 1, 2, 4 and 8 kW less 3 kW of PV buy 0 + 0 + 1 + 5 kWh and sell 2 + 1; means of
    two hours are 0 and 3 kW against 1.5 and 6, billed at the highest; 5 kW contracted, 8 - 5 beyond
    in the reference. Sensitivity: plan and reference exchanged, months added up for kW.
    """
    held = section(billed)
    rows = texts(held["components"])
    assert rows["Day energy"] == ["6 kWh", "15 kWh", "6.00", "15.00", "-9.00"]
    assert rows["需量 <b>"] == ["5 kW", "8 kW", "20.00", "32.00", "-12.00"]
    assert rows["Demand"] == ["3 kW", "6 kW", "9.00", "22.50", "-13.50"]
    assert rows["Feed in"] == ["3 kWh", "0 kWh", "-0.75", "0.00", "-0.75"]
    assert rows["Total"] == ["", "", "34.25", "69.50", "-35.25"]
    assert "5.708 CNY/kWh in the plan and 4.633 CNY/kWh in the reference" in held["hint"]


def test_months_of_a_bill(billed: Plan) -> None:
    """Proves: by month energy both ways, highest import, sums; the total adds energy, not power."""
    held = section(billed)
    rows = texts(held["months"])
    numbers = {key: [float(text) if text else None for text in row] for key, row in rows.items()}
    assert numbers["2025-01"] == [0, 3, 3, 0, 0, 2, 9.25, 17.5, -8.25]
    assert numbers["2025-02"] == [6, 12, 0, 0, 5, 8, 25, 52, -27]
    assert numbers["Total"] == [6, 15, 3, 0, None, None, 34.25, 69.5, -35.25]
    (plan, table), (reference, other) = held["details"]
    assert (plan, reference) == ("Every month of the plan", "Every month of the reference")
    assert texts(table)["需量 <b>"] == ["10.00", "10.00", "20.00"]
    assert texts(other)["Total"] == ["17.50", "52.00", "69.50"]


def test_charts_of_a_bill(billed: Plan) -> None:
    """Proves: bars of a month add up to its bill; the reference is pale and comes first; names of
    users are no markup. Sensitivity: a component that is drawn for one plan only."""
    held = section(billed)
    bars = [trace for trace in held["monthly"]["data"] if trace["type"] == "bar"]
    for side, total in (("Plan", [9.25, 25.0]), ("Reference", [17.5, 52.0])):
        mine = [trace["y"] for trace in bars if trace["offsetgroup"] == side]
        assert [sum(month) for month in zip(*mine, strict=True)] == pytest.approx(total)
    assert [trace["offsetgroup"] for trace in bars[:2]] == ["Reference", "Plan"]
    assert bars[0]["marker"]["color"].startswith("rgba(")
    assert {trace["name"] for trace in bars} >= {"Day energy", "需量 &lt;b&gt;"}
    marks = [trace["y"] for trace in held["monthly"]["data"] if trace["type"] == "scatter"]
    assert marks == [[17.5, 52.0], [9.25, 25.0]]
    assert held["peaks_title"] == "Billed demand"
    peaks = held["peaks"]
    assert [note["text"] for note in peaks["layout"]["annotations"]] == [
        "Highest import",
        "需量 &lt;b&gt;",
        "Demand",
    ]
    rows = {(t["yaxis"], t["name"]): t["y"] for t in peaks["data"]}
    assert rows["y", "Plan"] == [0.0, 5.0]
    assert rows["y2", "Reference"] == [5.0, 8.0]
    assert rows["y3", "Plan"] == [0.0, 3.0]
    assert rows["y", "Contracted, plan"] == [5.0, 5.0]


def test_a_tariff_is_one_row_of_the_cost(billed: Plan) -> None:
    """Proves: chart and table of cost show the grid bill as a sum; the ledger keeps its components."""
    view = View(billed)
    cost = sections.effect(view, "cost")
    table = cost["table"]
    purposes = {row[1]: row[2] for row in table.rows}
    assert purposes["Grid bill"] == pytest.approx(34.25)
    assert set(purposes) == {"Grid bill", "Investment"}
    names = {trace["name"] for trace in cost["figures"][0][1]["data"] if "name" in trace}
    assert "Grid bill" in names
    assert "Day energy" not in names
    assert "in the section below" in cost["note"]
    assert {"day_energy", "feed_in"} <= set(billed.results.ledger["category"])


def test_plain_prices_stay_in_the_cost_and_have_a_bill(year: Plan) -> None:
    """Proves: components of plain prices are purposes of the cost; their bill is that of the ledger."""
    view = View(year)
    assert "Demand charge" in {row[1] for row in sections.effect(view, "cost")["table"].rows}
    held = section(year)
    assert {cells[0][0] for _, cells in held["components"].body()} == {
        *("Energy import", "Energy export", "Demand charge", "Total")
    }
    ledger = year.results.ledger
    mine = ledger[(ledger["asset"] == "grid") & (ledger["effect"] == "cost")]["amount"].sum()
    assert held["components"].total[3] == pytest.approx(mine)
    assert held["peaks"]["layout"]["annotations"] == []


def test_a_bill_without_reference_has_one_column(billed: Plan) -> None:
    alone = replace(billed, reference=None, comparison=None, reference_note="not asked for")
    held = section(alone)
    assert texts(held["components"])["Day energy"] == ["6 kWh", "6.00"]
    assert len(held["details"]) == 1
    assert {trace["offsetgroup"] for trace in held["monthly"]["data"]} == {"Plan"}
    assert "Pale" not in re.split(r'<section id="energy">', render(alone))[0].split('id="bill"')[1]


def test_one_month_has_no_charts_over_months(small_plan: Callable[..., Plan], billed: Plan) -> None:
    """Proves: a month alone has its components only; a plan without a bill has no section."""
    bill = billed.results.bill
    january = replace(billed.results, bill=bill[bill["month"] == "2025-01"])
    held = section(replace(billed, results=january, reference=None))
    assert held["months"] is None
    assert held["peaks"] is None
    assert held["details"] == []
    text = render(small_plan())
    assert 'id="bill"' not in text
    assert '"#bill"' not in text


def test_the_highest_import_is_shown_where_no_kw_is_billed(billed: Plan) -> None:
    bill = billed.results.bill
    energy = replace(billed.results, bill=bill[bill["kind"].isin(["meter", "energy"])])
    held = section(replace(billed, results=energy, reference=None))
    assert held["peaks_title"] == "Highest import"
    assert [trace["y"] for trace in held["peaks"]["data"]] == [[0.0, 5.0], [5.0, 5.0]]


def test_a_bill_before_growth_says_so(billed: Plan) -> None:
    ledger = billed.results.ledger
    grown = replace(billed.results, ledger=ledger.assign(worth=1.2))
    assert "At the prices of the year" in section(replace(billed, results=grown))["hint"]
    assert "At the prices of the year" not in section(billed)["hint"]
