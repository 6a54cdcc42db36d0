"""The spreadsheet: LibreOffice recalculates it from its inputs and finds our numbers."""

from __future__ import annotations

import csv
import math
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from openpyxl import load_workbook

from microgrid_opt.errors import InputError, MicrogridError
from microgrid_opt.finance.export import write
from microgrid_opt.finance.proforma import Proforma, proforma
from microgrid_opt.finance.workbook import write_workbook
from tests.cashflow import TAX, text_of
from tests.support import planned, problem_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OFFICE = shutil.which("soffice")
ALWAYS = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Office.Calc/Formula/Load">
<prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>0</value></prop></item>
</oor:items>
"""
"""Settings of LibreOffice: always recalculate what other programs wrote."""
SIZE = "{fixed_kw: 4, capex_per_kw: 5000, lifetime_years: 7.5, replacement_fraction: 0.8, fixed_om_per_kw_year: 90}"
TERMS: dict[str, Any] = {
    "size": SIZE,
    "years": 20,
    "rate": 0.07,
    "rates": "nominal",
    "inflation": "0.02",
    "escalation": "{grid: 0.015, pv.fixed_om: -0.01}",
    "tax": TAX,
    "loan": "{share_fraction: 0.6, rate: 0.05, term_years: 12, grace_years: 2}",
    "vat": "{fraction: 0.13, refunded_on: [investment], added_to: [grid]}",
    "incentives": "{g: {type: grant, assets: [pv], fraction: 0.1, taxable: true}, "
    "c: {type: tax_credit, assets: [pv], fraction: 0.2, basis_reduction_fraction: 0.5}, "
    "p: {type: production, assets: [pv], price_per_unit: 0.02, years: 8}, "
    "q: {type: capacity, assets: [pv], price_per_unit_year: 30, indexed: true, taxable: false}}",
}
SECOND = "second: {type: pv, output_per_kw: 0.5, power_kw: {fixed_kw: 2, capex_per_kw: 3000, lifetime_years: 12}}"


def held_of(**changes: Any) -> Proforma:
    """Return a cash flow in which everything happens, of energy at 0.11 per kWh."""
    text = text_of(**(TERMS | changes))
    text = text.replace(f"import_price_per_kwh: {1 / 8760!r}", "import_price_per_kwh: 0.11")
    plan = planned(text)
    return proforma(plan.results, plan.reference, problem_of(text).park)


def split_up(**changes: Any) -> Proforma:
    """Return the same with two members' worth of contracts."""
    contracts = (
        "{ppa: {type: ppa, assets: [pv], price_per_kwh: 0.08, escalation: 0.01, years: 9, "
        "handover_price: 3000, investor: {discount_rate: 0.1, "
        "loan: {share_fraction: 0.5, rate: 0.04, term_years: 14, repayment: equal_principal}}}, "
        "emc: {type: shared_savings, assets: [second], shares: [[4, 0.8], [7, 0.3]], "
        "investor: {loan: {share_fraction: 0.7, rate: 0.04, term_years: 5, repayment: bullet}}}}"
    )
    return held_of(assets=SECOND, third_party=contracts, **changes)


def recalculated(path: Path, folder: Path) -> Any:
    """Return a workbook as LibreOffice calculates it, in a profile of its own."""
    profile = folder / "profile"
    (profile / "user").mkdir(parents=True, exist_ok=True)
    (profile / "user" / "registrymodifications.xcu").write_text(ALWAYS, encoding="utf-8")
    out = folder / "recalculated"
    subprocess.run(
        [
            str(OFFICE),
            f"-env:UserInstallation={profile.as_uri()}",
            "--headless",
            *("--convert-to", "xlsx", "--outdir", str(out), str(path)),
        ],
        check=True,
        capture_output=True,
        timeout=180,
    )
    return load_workbook(out / path.name, data_only=True)


def labelled(sheet: Any) -> dict[str, tuple[Any, ...]]:
    """Return the rows of a cash flow by title, without title and sum."""
    rows = list(sheet.iter_rows(values_only=True))
    width = sum(1 for value in rows[3] if value is not None)
    return {str(row[0]): row[2:width] for row in rows[4:] if row[0]}


def assert_same_figures(book: Any, held: Proforma) -> None:
    """Assert that every row of every cash flow, and the summary, are ours to the cent."""
    titles = held.named()
    figures = {row[0]: row[1:7] for row in book["Summary"].iter_rows(min_row=5, values_only=True)}
    for title, one in titles.items():
        name = f"Cash flow {title}" if len(titles) > 1 else "Cash flow"
        rows = labelled(book[name])
        for row in one.rows:
            assert rows[row.title] == pytest.approx(row.amounts, abs=0.005), (title, row.key)
        back = [
            value if math.isfinite(value) else "never"
            for value in (one.payback_years, one.discounted_payback_years)
        ]
        rates = [value if math.isfinite(value) else "none" for value in (one.irr.rate, one.mirr)]
        found = figures[title]
        assert found[0] == pytest.approx(one.npv, abs=0.005)
        for mine, theirs in zip((one.rate, *rates, *back), found[1:], strict=True):
            assert theirs == (mine if isinstance(mine, str) else pytest.approx(mine, abs=1e-6))


office = pytest.mark.skipif(OFFICE is None, reason="LibreOffice (soffice) is not on the path")


@pytest.mark.slow
@pytest.mark.libreoffice
@office
@pytest.mark.parametrize("kind", ["plain", "full", "third parties", "members"])
def test_libreoffice_finds_the_same_numbers(tmp_path: Path, kind: str) -> None:
    """Proves: from zeros as cached values, all lines and figures come out by the formulas.

    Sensitivity: a file that is not recalculated holds zeros and fails.
    """
    held = {
        "plain": lambda: held_of(
            **{name: TERMS[name] for name in ("years", "rate")}, size=SIZE, **NOTHING
        ),
        "full": held_of,
        "third parties": split_up,
        "members": two_members,
    }[kind]()
    path = tmp_path / "cash.xlsx"
    write_workbook(held, path, cached=False)
    assert_same_figures(recalculated(path, tmp_path), held)


NOTHING: dict[str, Any] = {
    "rates": "real",
    "inflation": "0",
    "escalation": "{}",
    "tax": "null",
    "loan": "null",
    "vat": "null",
    "incentives": "{}",
}


def two_members() -> Proforma:
    """Return the cash flow of a park of two members with rates of their own."""
    text = text_of(
        **(TERMS | {"incentives": "{}"}),
        assets=SECOND.replace("{type: pv,", "{type: pv, member: b,"),
    )
    text = text.replace("{type: grid, imp", "{type: grid, member: a, imp")
    text = text.replace("{type: load, power_kw: 10}", "{type: load, member: a, power_kw: 10}")
    text = text.replace(
        "pv: {type: pv, output_per_kw: 1,", "pv: {type: pv, member: a, output_per_kw: 1,"
    )
    text = text.replace(f"import_price_per_kwh: {1 / 8760!r}", "import_price_per_kwh: 0.11")
    more = (
        "  shop: {type: load, member: b, power_kw: 3}\n"
        "  meter: {type: grid, member: b, import_price_per_kwh: 0.2}\n"
    )
    members = (
        "members: {a: {}, b: {finance: {discount_rate: 0.09, tax: {income_tax_fraction: 0.15, "
    )
    members += "depreciation: {method: macrs, years: 5}}}}}\n"
    text = text.replace("assets:\n", members + "assets:\n" + more)
    plan = planned(text)
    return proforma(plan.results, plan.reference, problem_of(text).park)


@pytest.mark.slow
@pytest.mark.libreoffice
@office
@pytest.mark.parametrize(
    ("title", "value", "changes"),
    [
        ("Tax on income", 0.4, {"tax": TAX.replace("0.25", "0.4")}),
        ("Interest per year, nominal", 0.09, {"loan": TERMS["loan"].replace("0.05", "0.09")}),
        ("Discount rate per year, nominal", 0.11, {"rate": 0.11}),
        (
            "Repayment: annuity, equal_principal or bullet",
            "equal_principal",
            {"loan": TERMS["loan"].replace("}", ", repayment: equal_principal}")},
        ),
    ],
)
def test_a_changed_input_is_a_changed_cash_flow(
    tmp_path: Path, title: str, value: Any, changes: dict[str, Any]
) -> None:
    """Proves: an input cell changed by hand gives the cash flow of a park with that input.

    Sensitivity: the value differs from the unchanged one by far more than a cent.
    """
    path = tmp_path / "cash.xlsx"
    before, after = held_of(), held_of(**changes)
    write_workbook(before, path)
    book = load_workbook(path)
    (cell,) = (row[1] for row in book["Inputs"].iter_rows() if row[0].value == title)
    cell.value = value
    book.save(path)
    found = recalculated(path, tmp_path)
    assert abs(before.whole.npv - after.whole.npv) > 10
    assert_same_figures(found, after)


def formulas(sheet: Any) -> Iterator[tuple[str, Any]]:
    for row in sheet.iter_rows(min_row=5, min_col=2):
        for cell in row:
            if cell.value is not None:
                yield cell.coordinate, cell.value


def test_every_cell_of_a_cash_flow_is_a_formula(tmp_path: Path) -> None:
    """Proves: no number of a cash flow is typed in, each has its cached value; inputs are numbers.

    Sensitivity: the years in the head are the only numbers there.
    """
    held = split_up()
    path = tmp_path / "cash.xlsx"
    write_workbook(held, path)
    book, cached = load_workbook(path), load_workbook(path, data_only=True)
    flows = [name for name in book.sheetnames if name.startswith("Cash flow")]
    assert len(flows) == 4
    for name in flows:
        cells = dict(formulas(book[name]))
        assert len(cells) > 200
        assert all(str(value).startswith("=") for value in cells.values())
    assert_same_figures(cached, held)
    inputs = [row[1] for row in book["Inputs park"].iter_rows(values_only=True)]
    assert {0.05, 0.02, 20} <= {value for value in inputs if isinstance(value, int | float)}
    summary = book["Summary"].iter_rows(min_row=5, max_row=8, min_col=2, max_col=7)
    assert all(str(cell.value).startswith("=") for row in summary for cell in row)


def test_csv_has_every_row_and_date(tmp_path: Path) -> None:
    """Proves: amounts to the last digit, and the figures below each cash flow."""
    held = split_up()
    path = tmp_path / "cash.csv"
    write(held, path)
    rows = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))
    assert [float(date) for date in rows[0][5:]] == list(held.whole.years)
    found = {(row[0], row[1]): row for row in rows[1:]}
    net = found["park", "net"]
    assert [float(value) for value in net[5:]] == list(held.whole.net)
    assert float(found["park", "npv"][4]) == held.whole.npv
    assert float(found["Investor ppa", "irr"][4]) == held.contracts[0].statement.irr.rate


def test_files_that_cannot_be_written_are_refused(tmp_path: Path) -> None:
    held = held_of()
    with pytest.raises(InputError, match=r"must end in .xlsx or .csv"):
        write(held, tmp_path / "cash.ods")
    with pytest.raises(InputError, match="its folder does not exist"):
        write(held, tmp_path / "nowhere" / "cash.csv")
    (tmp_path / "cash.csv").mkdir()
    with pytest.raises(MicrogridError, match="cannot be written"):
        write(held, tmp_path / "cash.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["cash.csv"]
