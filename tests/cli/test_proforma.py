"""The command `proforma`: from a stored plan to tables and files, and plain errors."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import pytest
from openpyxl import load_workbook

from tests.cashflow import TAX, text_of
from tests.support import park

if TYPE_CHECKING:
    from pathlib import Path

CONTRACT = "{esco: {type: ppa, assets: [pv], price_per_kwh: 0.0001, years: 6}}"


@pytest.fixture
def folder(run: Any, tmp_path: Path) -> Path:
    """Return the folder of a solved plan with taxes and a third party."""
    text = text_of(tax=TAX, inflation="0.02", third_party=CONTRACT)
    (tmp_path / "park.yaml").write_text(text, encoding="utf-8")
    result = run("solve", "park.yaml", "--out", "plan", "--no-report")
    assert result.exit_code == 0, result.output
    assert "microgrid-opt proforma plan --out cash.xlsx" in result.output
    assert "10 years at 10.2 %, nominal, after tax" in " ".join(result.output.split())
    return tmp_path / "plan"


def test_cash_flow_of_a_stored_plan(run: Any, folder: Path) -> None:
    """Proves: years, worth, contract and unit costs of the plan in the folder; year 0 costs 20."""
    result = run("proforma", str(folder))
    assert result.exit_code == 0, result.output
    lines = [line.split() for line in result.stdout.splitlines()]
    (year,) = (line for line in lines if line[:1] == ["0"])
    assert year[1] == "-20.00"
    assert "after tax" in result.stdout
    assert "Investor esco" in result.stdout
    assert "LCOE, pv" in result.stdout
    assert "CNY/kWh" in result.stdout


def test_files(run: Any, folder: Path, tmp_path: Path) -> None:
    """Proves: the spreadsheet opens with formulas and values, the CSV has the same net cash flow."""
    for name in ("cash.xlsx", "cash.csv"):
        result = run("proforma", str(folder), "--out", name)
        assert result.exit_code == 0, result.output
        assert f"Wrote {name}." in result.stdout
    rows = csv.reader((tmp_path / "cash.csv").read_text(encoding="utf-8-sig").splitlines())
    (net,) = (row for row in rows if row[:2] == ["park", "net"])
    page = load_workbook(tmp_path / "cash.xlsx", data_only=True)["Cash flow park"]
    (found,) = (row for row in page.iter_rows(values_only=True) if row[0] == "Net cash flow")
    assert [float(text) for text in net[5:]] == pytest.approx(
        [v for v in found[2:] if v is not None]
    )


def test_wrong_use_is_told(run: Any, folder: Path) -> None:
    """Proves: the folder, the ending and the member are named, with exit code 2."""
    for arguments, told in (
        (("nowhere",), "nowhere does not exist"),
        ((str(folder), "--out", "cash.ods"), "--out = 'cash.ods': must end in .xlsx or .csv"),
        ((str(folder), "--member", "x"), "is no member of the park: known are park"),
    ):
        result = run("proforma", *arguments)
        assert result.exit_code == 2
        assert told in result.output


def test_without_a_reference_all_costs_are_shown(run: Any, tmp_path: Path) -> None:
    result = run("solve", "tiny.yaml", "--out", "plan", "--no-report", "--no-reference")
    assert "proforma" not in result.output
    shown = run("proforma", str(tmp_path / "plan")).stdout
    assert "Cash flow all costs" in shown
    assert "Note: There is no reference plan" in " ".join(shown.split())


def test_validate_tells_the_terms(run: Any, tmp_path: Path) -> None:
    """Proves: nominal rates are called so, and taxes and contracts are told."""
    text = text_of(rates="nominal", inflation="0.02", tax=TAX, third_party=CONTRACT)
    (tmp_path / "park.yaml").write_text(text, encoding="utf-8")
    shown = " ".join(run("validate", "park.yaml").stdout.split())
    assert "8.0 % nominal, inflation 2.0 %, 10 years" in shown
    assert "tax 25.0 %" in shown
    assert "third parties esco" in shown


def test_stages_have_no_cash_flow_of_their_own(run: Any, tmp_path: Path) -> None:
    """Proves: a pathway and a stage of several are told, with the way out; a stage planned alone has one.

    Sensitivity: the same stage from `--stage`.
    """
    assets = """
    grid: {type: grid, import_price_per_kwh: 1}
    load: {type: load, power_kw: 10}
    pv: {type: pv, output_per_kw: 1, power_kw: {max_kw: 4, capex_per_kw: 1, lifetime_years: 20}}
    """
    finance = "{discount_rate: 0.05, project_years: 10, annuity: lifetime}"
    text = park(assets, hours=1, finance=finance, stages="{2027: {}, 2030: {}}")
    (tmp_path / "park.yaml").write_text(text, encoding="utf-8")
    assert run("solve", "park.yaml", "--out", "all", "--no-report").exit_code == 0
    told = run("proforma", "all")
    assert (told.exit_code, "holds stages: give one" in told.stderr) == (2, True)
    told = run("proforma", "all/stages/2030")
    assert (told.exit_code, "is a stage of several" in told.stderr) == (2, True)
    assert (
        run("solve", "park.yaml", "--stage", "2030", "--out", "one", "--no-report").exit_code == 0
    )
    assert run("proforma", "one").exit_code == 0
