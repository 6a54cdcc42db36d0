"""A settlement as files: a folder of CSV tables, or one workbook."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from microgrid_opt.errors import Finding, InputError, MicrogridError
from microgrid_opt.trading.gains import PARTS

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from microgrid_opt.trading.settlement import Settlement

_UNITS = {"_kwh": "kWh", "_kw": "kW", "_kg": "kg", "_per_kwh": "{money}/kWh", "_share": "1"}
_MONEY = frozenset(
    (
        *("cost_before", "cost", "cost_after", "gain", "paid", "received", "payment", "fees"),
        *("retained", "bill_before", "bill", "fees_paid", "fees_received", "total_before", "total"),
        *("amount", "before", "after", "change", *PARTS),
    )
)
_ABOUT = {
    "members": "Members: cost before and after payments, and gain",
    "gains": "Gain of every member by part",
    "monthly": "Statement of every member by month",
    "contracts": "Trades by month",
    "charges": "Fees and retained charges of trades by month",
    "accounts": "What supplier, network, state and others get",
    "green": "Where renewable energy went",
    "green_members": "Claims, hourly match and CO2 of members",
    "green_trades": "Green energy and CO2 of trades",
}


def tables(settlement: Settlement) -> dict[str, pd.DataFrame]:
    """Return the tables of a settlement by the name of their file or sheet."""
    gains = settlement.gains.pivot(index="member", columns="part", values="gain")
    names = settlement.members["member"]
    found = {
        "members": settlement.members,
        "gains": gains.reindex(index=names, columns=list(PARTS)).reset_index(),
        "monthly": settlement.monthly,
        "contracts": settlement.contracts,
        "charges": settlement.charges,
        "accounts": settlement.accounts.items,
        "green": settlement.green.buckets,
        "green_members": settlement.green.members,
        "green_trades": settlement.green.trades,
    }
    return {name: frame.rename_axis(columns=None) for name, frame in found.items()}


def write_settlement(settlement: Settlement, path: Path) -> None:
    """Write a settlement: a workbook where the name ends in .xlsx, otherwise a folder of CSV files.

    The folder also has the hours of every trade in which something was sent, as ``hours_TRADE.csv``.

    Parameters
    ----------
    settlement
        What `microgrid_opt.trading.settlement.settle` returned.
    path
        File or folder; the folder above it must exist.

    Raises
    ------
    InputError
        The folder above does not exist.
    MicrogridError
        The system refused to write.
    """
    if not path.resolve().parent.is_dir():
        raise InputError(Finding("its folder does not exist.", key="--out", value=str(path)))
    try:
        if path.suffix.lower() == ".xlsx":
            _write_workbook(settlement, path)
        else:
            _write_folder(settlement, path)
    except OSError as error:
        raise MicrogridError(f"{path} cannot be written: {error.strerror or error}.") from error


def _write_folder(settlement: Settlement, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    held = {name: (frame, False) for name, frame in tables(settlement).items()}
    for key, trade in settlement.trades.items():
        if trade.sent.any():
            held[f"hours_{key}"] = (settlement.hourly(key), True)
    for name, (frame, has_index) in held.items():
        part = folder / f".{name}.csv.part"
        try:
            frame.to_csv(part, index=has_index, encoding="utf-8-sig", lineterminator="\n")
            part.replace(folder / f"{name}.csv")
        finally:
            part.unlink(missing_ok=True)


def unit_of(column: str, currency: str) -> str:
    """Return the unit of a column of a settlement's tables, empty for texts."""
    if column in _MONEY:
        return currency
    found = [end for end in _UNITS if column.endswith(end) or f"{end}_" in column]
    return _UNITS[max(found, key=len)].format(money=currency) if found else _bare(column)


def _bare(column: str) -> str:
    return "kWh" if column == "kwh" else ""


def _write_workbook(settlement: Settlement, path: Path) -> None:
    import xlsxwriter

    part = path.with_name(f".{path.name}.part.xlsx")
    try:
        book = xlsxwriter.Workbook(str(part), {"in_memory": True})
        forms = {
            "title": book.add_format({"bold": True, "font_size": 13}),
            "head": book.add_format({"bold": True, "bottom": 1, "text_wrap": True}),
            "unit": book.add_format({"italic": True, "font_color": "#777777"}),
            "number": book.add_format({"num_format": "#,##0.00"}),
            "price": book.add_format({"num_format": "0.000000"}),
            "total": book.add_format({"num_format": "#,##0.00", "bold": True, "top": 1}),
        }
        for name, frame in tables(settlement).items():
            _write_sheet(book.add_worksheet(name), name, frame, settlement, forms)
        book.close()
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _write_sheet(
    sheet: Any, name: str, frame: pd.DataFrame, settlement: Settlement, forms: dict[str, Any]
) -> None:
    """Write a table with its units, and the sum of every column of money and energy as a formula."""
    from xlsxwriter.utility import xl_range

    sheet.write_string(0, 0, _ABOUT[name], forms["title"])
    sheet.freeze_panes(4, 0)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    last = 3 + len(frame)
    for column, key in enumerate(frame.columns):
        unit = unit_of(str(key), settlement.currency)
        sheet.write_string(2, column, str(key).replace("_", " "), forms["head"])
        sheet.write_string(3, column, unit, forms["unit"])
        sheet.set_column(column, column, 14 if unit else 22)
        form = forms["price" if "/" in unit or unit == "1" else "number"]
        for row, value in enumerate(frame[key]):
            if not unit:
                sheet.write_string(4 + row, column, str(value))
            elif math.isfinite(value):
                sheet.write_number(4 + row, column, float(value), form)
        if unit in {settlement.currency, "kWh", "kg"} and len(frame):
            whole = math.fsum(value for value in frame[key] if math.isfinite(value))
            area = xl_range(4, column, last, column)
            sheet.write_formula(last + 1, column, f"=SUM({area})", forms["total"], whole)
    if len(frame):
        sheet.autofilter(3, 0, last, len(frame.columns) - 1)
