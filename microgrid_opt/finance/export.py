"""A cash flow as a file: CSV with every row and date, or XLSX with live formulas."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import TYPE_CHECKING

from microgrid_opt.errors import Finding, InputError, MicrogridError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from microgrid_opt.finance.proforma import Proforma
    from microgrid_opt.finance.statement import Statement

SUFFIXES = (".xlsx", ".csv")


def check_out(path: Path) -> Path:
    """Return a file name that `write` can use.

    Raises
    ------
    InputError
        It ends in something else than .xlsx or .csv, or its folder does not exist.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(Finding("must end in .xlsx or .csv.", key="--out", value=str(path)))
    if not path.resolve().parent.is_dir():
        raise InputError(Finding("its folder does not exist.", key="--out", value=str(path)))
    return path


def write(held: Proforma, path: Path) -> None:
    """Write a cash flow, as a whole or not at all.

    Raises
    ------
    InputError
        See `check_out`.
    MicrogridError
        The system refused to write.
    """
    check_out(path)
    part = path.with_name(f".{path.name}.part{path.suffix.lower()}")
    try:
        if path.suffix.lower() == ".csv":
            write_csv(held, part)
        else:
            from microgrid_opt.finance.workbook import write_workbook

            write_workbook(held, part)
        part.replace(path)
    except OSError as error:
        raise MicrogridError(f"{path} cannot be written: {error.strerror or error}.") from error
    finally:
        part.unlink(missing_ok=True)


def write_csv(held: Proforma, path: Path) -> None:
    """Write every cash flow: owner, key, title, unit, sum or figure, and a column for each date."""
    with Path(path).open("w", encoding="utf-8-sig", newline="") as file:
        out = csv.writer(file)
        dates = [f"{date:g}" for date in held.whole.years]
        out.writerow(["cash_flow", "key", "title", "unit", "sum", *dates])
        for name, one in held.named().items():
            for row in one.rows:
                unit = "1" if row.key == "discount_factor" else one.currency
                no_sum = row.group in {"cumulative", "discount_factor", "cumulative_discounted"}
                total = "" if no_sum or row.key == "debt" else repr(math.fsum(row.amounts))
                out.writerow([name, row.key, row.title, unit, total, *map(repr, row.amounts)])
            for key, title, value, unit in figures(one):
                out.writerow([name, key, title, unit, repr(value)])


def figures(one: Statement) -> Iterator[tuple[str, str, float, str]]:
    """Yield key, title, value and unit of what a cash flow is worth; what does not exist is left out."""
    found = (
        ("npv", "Net present value", one.npv, one.currency),
        ("rate", "Nominal discount rate", one.rate, "1/year"),
        ("irr", "Internal rate of return", one.irr.rate, "1/year"),
        ("mirr", "Modified internal rate of return", one.mirr, "1/year"),
        ("payback", "Payback", one.payback_years, "year"),
        ("discounted_payback", "Discounted payback", one.discounted_payback_years, "year"),
    )
    for key, title, value, unit in found:
        if math.isfinite(value):
            yield key, title, value, unit
