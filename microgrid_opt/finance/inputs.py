"""The sheet of inputs of a workbook: every number from which a cash flow follows, in its own cell."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from microgrid_opt.finance.account import Account

FOREVER = 1e9
"""Years that stand for an endless life in a cell."""
COLUMN = "ABCDEFGHIJKLMNOP"


@dataclass
class Inputs:
    """Where the inputs of an account stand.

    Parameters
    ----------
    sheet
        Name of the sheet.
    cells
        Absolute reference of a single input by name.
    columns
        Absolute references of the columns of each table, by table and column; ``None`` for tables
        without rows. `spans` has the first and the last row of what has one name.
    """

    sheet: str
    cells: dict[str, str] = field(default_factory=dict)
    tables: dict[str, dict[str, tuple[str, int, int]]] = field(default_factory=dict)
    names: dict[str, list[str]] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        """Return the reference of a single input."""
        return self.cells[name]

    def has(self, table: str) -> bool:
        """Return whether a table has rows."""
        return bool(self.names.get(table))

    def column(self, table: str, column: str, name: str = "") -> str:
        """Return the reference of a column of a table, or of its rows with one name."""
        letter, first, last = self.tables[table][column]
        if name:
            numbers = [n for n, held in enumerate(self.names[table]) if held == name]
            first, last = first + numbers[0], first + numbers[-1]
        return f"{quoted(self.sheet)}!${letter}${first}:${letter}${last}"


def quoted(sheet: str) -> str:
    """Return the name of a sheet for a formula."""
    return "'" + sheet.replace("'", "''") + "'"


class InputSheet:
    """Writes the inputs of an account."""

    def __init__(self, book: Any, name: str, formats: Mapping[str, Any], currency: str) -> None:
        self.sheet = book.add_worksheet(name)
        self.found = Inputs(name)
        self.formats, self.currency = formats, currency
        self.row = 0
        self.sheet.set_column(0, 0, 44)
        self.sheet.set_column(1, 12, 16)

    def write(self, account: Account) -> Inputs:
        """Write everything."""
        self._say(f"{account.title}: inputs", "title")
        self._say(
            "Blue cells can be changed. Grey cells decide at which dates something is paid; to change "
            "them, change the park and plan it again.",
            "note",
        )
        self._terms(account)
        self._schedule(account)
        self._items(account)
        self._streams(account)
        self._once(account)
        self._shares(account)
        return self.found

    def _say(self, text: str, form: str) -> None:
        self.sheet.write_string(self.row, 0, text, self.formats[form])
        self.row += 1

    def _cell(self, name: str, title: str, value: float | str, form: str) -> None:
        self.sheet.write_string(self.row, 0, title)
        self.sheet.write(self.row, 1, value, self.formats[form])
        self.found.cells[name] = f"{quoted(self.found.sheet)}!$B${self.row + 1}"
        self.row += 1

    def _formula(self, name: str, title: str, formula: str, value: float, form: str) -> None:
        self.sheet.write_string(self.row, 0, title)
        self.sheet.write_formula(self.row, 1, formula, self.formats[form], value)
        self.found.cells[name] = f"{quoted(self.found.sheet)}!$B${self.row + 1}"
        self.row += 1

    def _terms(self, account: Account) -> None:
        rate, inflation = account.rate, account.inflation
        real = (1.0 + rate) / (1.0 + inflation) - 1.0
        self.row += 1
        self._say("Terms", "head")
        self._cell("inflation", "Inflation per year", inflation, "in_percent")
        if account.is_real:
            self._cell("real", "Discount rate per year, real", real, "in_percent")
            formula = f"=(1+{self.found['real']})*(1+{self.found['inflation']})-1"
            self._formula("rate", "Discount rate per year, nominal", formula, rate, "percent")
        else:
            self._cell("rate", "Discount rate per year, nominal", rate, "in_percent")
            formula = f"=(1+{self.found['rate']})/(1+{self.found['inflation']})-1"
            self._formula("real", "Discount rate per year, real", formula, real, "percent")
        self._cell("years", "Years of the project", account.years, "fixed")
        self._cell("end", "Year in which what is left is sold or handed over", account.end, "fixed")
        if account.tax is not None:
            self._cell("tax", "Tax on income", account.tax_rate, "in_percent")
        loan = account.loan
        if loan is not None:
            self._cell(
                "loan_share",
                "Share of purchases that is borrowed",
                loan.share_fraction,
                "in_percent",
            )
            self._cell("loan_rate", "Interest per year, nominal", loan.interest, "in_percent")
            self._cell(
                "loan_term", "Years until the loan is paid back", loan.term_years, "in_years"
            )
            self._cell("loan_grace", "First years with interest only", loan.grace_years, "in_years")
            self._cell(
                "loan_end", "Year in which open debt is paid back", account.loan_end, "fixed"
            )
            self._cell(
                "loan_kind",
                "Repayment: annuity, equal_principal or bullet",
                loan.repayment,
                "in_text",
            )

    def _table(
        self, name: str, title: str, heads: Sequence[str], rows: Sequence[Sequence[Any]],
        names: Sequence[str], keys: Sequence[str], forms: Sequence[str],
    ) -> None:  # fmt: skip
        """Write a table; a text that starts with ``=`` is a formula, a pair of it and its value."""
        if not rows:
            return
        self.row += 1
        self._say(title, "head")
        for place, head in enumerate(heads):
            self.sheet.write_string(self.row, place, head, self.formats["column"])
        self.row += 1
        first = self.row + 1
        for row in rows:
            for place, (value, form) in enumerate(zip(row, forms, strict=True)):
                if isinstance(value, tuple):
                    text = value[0].replace("#", str(self.row + 1))
                    self.sheet.write_formula(self.row, place, text, self.formats[form], value[1])
                elif value is not None:
                    self.sheet.write(self.row, place, value, self.formats[form])
            self.row += 1
        self.found.names[name] = list(names)
        self.found.tables[name] = {
            key: (COLUMN[place], first, self.row) for place, key in enumerate(keys)
        }

    def _schedule(self, account: Account) -> None:
        if account.tax is None:
            return
        shares = account.tax.depreciation.shares()
        self._table(
            "schedule",
            "Depreciation: share of a price that is deducted",
            ("Year after the purchase", "Share"),
            [(year, share) for year, share in enumerate(shares, start=1)],
            [""] * len(shares),
            ("year", "share"),
            ("fixed", "in_percent"),
        )

    def _items(self, account: Account) -> None:
        rows = []
        for item in account.items:
            life = item.lifetime_years if math.isfinite(item.lifetime_years) else FOREVER
            renewed = "ROUNDUP(G#*(1-1E-9)/D#,0)-1"
            worth = f"=C#*IF({renewed}>0,E#,1)*MAX(0,({renewed}+1)*D#-G#)/D#*H#"
            flat = item.residual(0.0)
            rows.append(
                (item.title, item.first, item.base, life, item.replacement_fraction, item.start,
                 item.end, int(item.is_sold), item.off_basis, (worth, flat), item.asset)
            )  # fmt: skip
        self._table(
            "items",
            f"Purchases [{account.currency}], after value-added tax and against the reference plan",
            ("What", "Price paid at the start", "Price of a new unit in year 0", "Life [years]",
             "Renewal, share of it", "From year", "To year", "Sold then (1 or 0)",
             "Not deductible", "Residual value in prices of year 0", "Asset"),
            rows,
            [item.name for item in account.items],
            ("title", "first", "base", "life", "again", "start", "end", "sold", "off", "residual"),
            ("text", "in_money", "in_money", "fixed", "in_percent", "fixed", "fixed", "fixed",
             "in_money", "money", "text"),
        )  # fmt: skip
        self.found.names["assets"] = [item.asset for item in account.items]
        if account.items:
            self.found.tables["assets"] = self.found.tables["items"]

    def _streams(self, account: Account) -> None:
        rows = [
            (one.title, one.amount, one.growth, int(one.is_indexed), one.lag, one.first, one.last,
             account.labels.get(one.asset, one.asset))
            for one in account.streams
        ]  # fmt: skip
        self._table(
            "streams",
            f"Yearly amounts [{account.currency}/year], after value-added tax; what comes in is positive",
            ("What", "Amount a year", "Growth per year", "Inflation on top (1 or 0)",
             "In prices of year", "First year", "Last year", "Asset"),
            rows,
            [f"{one.kind}.{one.name}" for one in account.streams],
            ("title", "amount", "growth", "indexed", "lag", "first", "last"),
            ("text", "in_money", "in_percent", "in_years", "in_years", "in_years", "in_years",
             "text"),
        )  # fmt: skip

    def _once(self, account: Account) -> None:
        rows = [
            (one.title, one.amount, one.date, -1 if one.taxed_at is None else one.taxed_at)
            for one in account.payments
        ]
        self._table(
            "once",
            f"Grants, tax credits, handover [{account.currency}]",
            ("What", "Amount", "Year", "Income of year (-1: no income)"),
            rows,
            [f"{one.kind}.{one.name}" for one in account.payments],
            ("title", "amount", "date", "taxed"),
            ("text", "in_money", "fixed", "fixed"),
        )

    def _shares(self, account: Account) -> None:
        rows, names = [], []
        for share in account.shares:
            first = 1
            for last, part in share.terms.shares:
                rows.append((share.title, part, first, last))
                names.append(f"contract.{share.name}")
                first = last + 1
        self._table(
            "shares",
            "Shares of the savings of a year that are paid",
            ("What", "Share", "From year", "To year"),
            rows,
            names,
            ("title", "share", "first", "last"),
            ("text", "in_percent", "in_years", "in_years"),
        )
