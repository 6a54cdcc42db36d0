"""Settlements as files: CSV tables, a workbook, and the page."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from openpyxl import load_workbook

from microgrid_opt.errors import InputError
from microgrid_opt.report.trades import render, write_trades_page
from microgrid_opt.trading.settlement import settle
from microgrid_opt.trading.statements import tables, unit_of, write_settlement
from tests.report.test_browser import CHROMIUM, charts, opened
from tests.trading.settling import planned

if TYPE_CHECKING:
    from pathlib import Path

    from microgrid_opt.trading.settlement import Settlement

SELLER = """
OWN_pv: {type: pv, member: OWN, power_kw: 100, output_per_kw: 1}
OWN_grid: {type: grid, member: OWN, export_price_per_kwh: 0.3, wheeling: {at: town}}
"""
BUYER = """
OWN_load: {type: load, member: OWN, power_kw: 80}
OWN_grid: {type: grid, member: OWN, import_price_per_kwh: 0.65, wheeling: {at: town}}
"""
TOWN = "network: {nodes: {town: {}}}\nfees: {use: {method: value, price_per_kwh: 0.04}}"
TRADE = "g_grid_to_c_grid"


@pytest.fixture(scope="module")
def settlement() -> Settlement:
    """80 kWh at 0.4 in each of two hours."""
    plan = planned(
        {"g": SELLER, "c": BUYER}, TOWN, horizon="hours: 2", prices={TRADE: np.array([0.4, 0.5])}
    )
    return settle(plan)


def test_csv_tables_say_what_the_settlement_says(settlement: Settlement, tmp_path: Path) -> None:
    """Proves: every table comes back number by number, with the hours of the trade that took place and of
    no other. Sensitivity: a table left out, digits lost, hours of a trade of nothing.
    """
    write_settlement(settlement, tmp_path / "out")
    names = {path.stem for path in (tmp_path / "out").iterdir()}
    assert names == {*tables(settlement), f"hours_{TRADE}"}
    for name, frame in tables(settlement).items():
        read = pd.read_csv(tmp_path / "out" / f"{name}.csv", keep_default_na=False, na_values=[""])
        numbers = frame.select_dtypes("number")
        assert list(read.columns) == list(frame.columns)
        np.testing.assert_allclose(
            read[numbers.columns].to_numpy(dtype=float), numbers.to_numpy(), rtol=1e-12
        )
    hours = pd.read_csv(tmp_path / "out" / f"hours_{TRADE}.csv")
    assert hours["payment"].tolist() == pytest.approx([32.0, 40.0])


def test_workbook_has_every_table_and_sums(settlement: Settlement, tmp_path: Path) -> None:
    """Proves: one sheet for each table, its rows as they are, its sums as formulas with their values.
    Sensitivity: a sheet without its last row, a sum over the wrong rows.
    """
    write_settlement(settlement, tmp_path / "out.xlsx")
    book = load_workbook(tmp_path / "out.xlsx")
    values = load_workbook(tmp_path / "out.xlsx", data_only=True)
    assert book.sheetnames == list(tables(settlement))
    sheet, read = book["contracts"], values["contracts"]
    column = list(settlement.contracts.columns).index("payment") + 1
    assert sheet.cell(4, column).value == "CNY"
    last = 4 + len(settlement.contracts)
    assert sheet.cell(last + 1, column).value.startswith("=SUM(")
    assert read.cell(last + 1, column).value == pytest.approx(72.0)
    assert not list(tmp_path.glob(".*part*"))


def test_columns_know_their_units() -> None:
    """Proves: money, energy, power and prices have their units, texts none.
    Sensitivity: a table of numbers that do not say what they count.
    """
    found = {
        name: unit_of(name, "EUR")
        for name in ("payment", "sent_kwh", "price_per_kwh", "trade", "highest_import_kw_before")
    }
    assert found == {
        "payment": "EUR",
        "sent_kwh": "kWh",
        "price_per_kwh": "EUR/kWh",
        "trade": "",
        "highest_import_kw_before": "kW",
    }


def test_a_folder_that_is_not_there_is_refused(settlement: Settlement, tmp_path: Path) -> None:
    """Proves: nothing is written below a folder that does not exist.
    Sensitivity: folders made for a typing error.
    """
    with pytest.raises(InputError, match="its folder does not exist"):
        write_settlement(settlement, tmp_path / "no" / "out")


def test_page_has_every_section_and_stays_in_itself(settlement: Settlement, tmp_path: Path) -> None:
    """Proves: the page tells members, the trade, every part of the gain, accounts and statements with the
    settlement's numbers, loads nothing from outside, and takes a label as text.
    Sensitivity: a table without its row, a label that becomes markup.
    """
    plan = settlement.plan
    assert plan.results is not None
    labels = {**plan.results.labels, "g": "Sun <b>& Co</b>"}
    named = replace(settlement, plan=replace(plan, results=replace(plan.results, labels=labels)))
    write_trades_page(named, tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    page, _, rest = text.partition('<script type="application/json" id="figures">')
    assert "Sun &lt;b&gt;&amp; Co&lt;/b&gt;" in page
    assert "<b>& Co" not in page
    for words in ("Nobody worse off", "Audited", "72 CNY", "Energy bought", "Fees paid", "Network"):
        assert words in page, words
    figures = json.loads(rest.partition("</script>")[0])
    assert [one["label"] for one in figures.values()] == [
        "Energy delivered by seller and buyer",
        "Prices from high to low over the energy paid for",
        "Gain of every member by part",
        "What members pay to each account, before and after",
    ]
    curve = figures["figure-1"]["data"][0]
    assert (curve["x"], curve["y"]) == ([0.0, 50.0, 100.0], [0.5, 0.4, 0.4])
    assert "http" not in page.replace("http-equiv", "")


def test_page_names_who_is_worse_off_and_what_failed(settlement: Settlement) -> None:
    """Proves: at a price below the export a seller loses, and the page says who; a statement that was
    changed says that its audit failed. Sensitivity: a page that is green whatever it shows.
    """
    plan = settlement.plan
    cheap = settle(replace(plan, prices={TRADE: np.full(2, 0.1)}))
    assert "g: at these payments it would rather stay alone" in render(cheap)
    wrong = replace(settlement, members=settlement.members.assign(paid=[1.0, 2.0]))
    text = render(wrong)
    assert "Audit failed" in text
    assert "do not use these statements" in text


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium to open the page: install chromium")
def test_a_browser_draws_every_chart(settlement: Settlement, tmp_path: Path) -> None:
    """Proves: a browser draws all charts of the page and complains of nothing.
    Sensitivity: a chart that cannot be drawn, a script that the page's policy refuses.
    """
    made, complaints = opened(render(settlement), tmp_path)
    assert complaints == ""
    drawn = charts(made)
    assert len(drawn) == 4
    assert all(drawn.values()), drawn
