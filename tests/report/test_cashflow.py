"""The section of the cash flow: its tables say what the cash flow says; it stands only with one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from microgrid_opt.finance.proforma import proforma
from microgrid_opt.report import cashflow
from microgrid_opt.report.html import render
from microgrid_opt.report.view import View
from tests.cashflow import TAX, text_of
from tests.support import planned

if TYPE_CHECKING:
    from microgrid_opt.report.tables import Table
    from microgrid_opt.study import Plan

OM = "{fixed_kw: 4, capex_per_kw: 5, lifetime_years: 10, fixed_om_per_kw_year: 0.1}"
CONTRACT = "{esco: {type: lease, assets: [pv], payment_per_year: 3, years: 6}}"


@pytest.fixture(scope="module")
def split() -> Plan:
    """Return a plan after tax whose PV a third party owns for 6 years."""
    return planned(text_of(size=OM, tax=TAX, inflation="0.02", third_party=CONTRACT))


def texts(table: Table) -> dict[str, list[str]]:
    """Return the cells of a table by the first cell of their row."""
    return {cells[0][0]: [text for text, _ in cells[1:]] for _, cells in table.body()}


def test_tables_are_those_of_the_cash_flow(split: Plan) -> None:
    """Proves: figures, years, prices that break even and unit costs of the park's cash flow.

    Sensitivity: host and investor have rows of their own; year 0 is the purchase of 20.
    """
    found = cashflow.section(View(split))
    assert found is not None
    held = proforma(split.results, split.reference, split.problem.park)
    figures = texts(found["figures"])
    assert list(figures) == ["park", "park as host", "Investor esco"]
    assert figures["park"][0] == f"{held.whole.npv:.3f}"
    assert figures["park"][2] == f"{100 * held.whole.irr.rate:.3g} %"
    assert figures["park"][4] == f"{held.whole.payback_years:.3g} years"
    years = texts(found["years"])
    assert float(years["0"][0]) == -20
    assert float(years["10"][-1].replace(",", "")) == pytest.approx(sum(held.whole.net), abs=0.01)
    (contract,) = held.contracts
    row = texts(found["contracts"])["esco"]
    assert row[:2] == ["park", "3 CNY/year"]
    assert row[2].startswith(f"{contract.investor_break_even:.3f}"[:4])
    assert [name for name, _ in found["splits"]] == ["park as host", "Investor esco"]
    assert "LCOE" in texts(found["units"])["pv"]
    assert "after tax" in found["hint"]
    names = {trace["name"] for trace in found["figure"]["data"]}
    assert {"Investment", "Operating saving", "Income tax", "Sum so far"} <= names


def test_the_section_stands_in_the_page(split: Plan) -> None:
    text = render(split)
    assert "<h2>Cash flow</h2>" in text
    assert "Third parties" in text
    assert "nominal, after tax" in text


def test_without_a_reference_there_is_no_section(split: Plan) -> None:
    alone = replace(split, reference=None, comparison=None, reference_note="not asked for")
    assert cashflow.section(View(alone)) is None
    text = render(alone)
    assert "<h2>Cash flow</h2>" not in text
    assert 'href="#cash"' not in text
