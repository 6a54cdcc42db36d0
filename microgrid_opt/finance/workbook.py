"""The cash flow as a spreadsheet whose every number follows by formulas from one sheet of inputs."""

from __future__ import annotations

import math
import re
from functools import partial
from typing import TYPE_CHECKING, Any

from microgrid_opt.finance.formulas import FIRST, HEAD, Rules, Sheet, at
from microgrid_opt.finance.inputs import InputSheet, quoted
from microgrid_opt.finance.statement import statement

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from microgrid_opt.finance.account import Account
    from microgrid_opt.finance.proforma import Proforma
    from microgrid_opt.finance.rows import Row
    from microgrid_opt.finance.statement import Statement

_STEPS = 64  # halvings of the range in which a rate of return is sought
_LOW, _HIGH = -4.6, 16.0  # that range, as ln(1 + rate)
_RATES = "Rates"


def write_workbook(held: Proforma, path: Path, *, cached: bool = True) -> None:
    """Write the cash flow as XLSX with live formulas.

    Parameters
    ----------
    held
        What `microgrid_opt.finance.proforma.proforma` returned.
    path
        File to write.
    cached
        Whether the results of the formulas stand in the file for programs that do not calculate.
    """
    import xlsxwriter

    book = xlsxwriter.Workbook(str(path), {"in_memory": True})
    book.set_calc_mode("auto")
    try:
        _Writer(book, held, cached=cached).write()
    finally:
        book.close()


class _Writer:
    def __init__(self, book: Any, held: Proforma, *, cached: bool) -> None:
        self.book, self.held, self.cached = book, held, cached
        self.formats = _formats(book)
        self.used: set[str] = set()
        self.sheets: list[Sheet] = []
        self.years = held.whole.years

    def write(self) -> None:
        """Write all sheets."""
        summary = self.book.add_worksheet("Summary")
        accounts = [*self.held.accounts.values()]
        single = len(accounts) == 1 and not self.held.host_accounts
        members = [self._account(one, "" if single else one.title) for one in accounts]
        if len(members) > 1:
            self._sum("Whole park", members, self.held.whole)
        hosts = {
            name: self._account(one, f"{one.title} as host")
            for name, one in self.held.host_accounts.items()
        }
        for one in self.held.contracts:
            self._account(one.account, f"Investor {one.name}", hosts[one.host])
        self._summary(summary)

    def _name(self, text: str) -> str:
        """Return a name for a sheet that programs accept and that no other one has."""
        plain = re.sub(r"[\[\]:*?/\\']", " ", text).strip()
        name, number = plain[:31], 1
        while name.lower() in self.used:
            number += 1
            name = f"{plain[:27]} {number}"
        self.used.add(name.lower())
        return name

    def _account(self, one: Account, suffix: str, host: Sheet | None = None) -> Sheet:
        found = statement(one, self.years, every=True)
        inputs = InputSheet(
            self.book, self._name(f"Inputs {suffix}"), self.formats, one.currency
        ).write(one)
        name = self._name(f"Cash flow {suffix}")
        sheet = Sheet(name, suffix or one.title, found, {}, inputs["rate"])
        page = self._page(sheet)
        rules = Rules(one, inputs, sheet, host)
        for row in found.rows:
            self._row(page, sheet, row, partial(rules.formula, row.key))
        self._paid_back(page, sheet)
        self.sheets.append(sheet)
        return sheet

    def _sum(self, title: str, parts: list[Sheet], held: Statement) -> None:
        name = self._name(f"Cash flow {title}")
        sheet = Sheet(name, title, held, {}, f"{quoted(name)}!$B$2")
        page = self._page(sheet)
        page.write_string(1, 0, "Discount rate per year, nominal")
        page.write_number(1, 1, held.rate, self.formats["in_percent"])
        rules = Rules(None, None, sheet, None)

        def formula(row: Row, number: int) -> str:
            if row.of == "sum" and row.group not in {"before_loan", "before_tax"}:
                return rules.formula(row.key, number)
            cells = [part.cell(row.key, number) for part in parts if row.key in part.rows]
            return "=" + "+".join(cells) if cells else "=0"

        for row in held.rows:
            self._row(page, sheet, row, partial(formula, row))
        self._paid_back(page, sheet)
        self.sheets.append(sheet)

    def _page(self, sheet: Sheet) -> Any:
        page = self.book.add_worksheet(sheet.name)
        held = sheet.statement
        page.set_column(0, 0, 34)
        page.set_column(1, 1 + len(held.years), 13)
        page.freeze_panes(HEAD + 1, FIRST)
        text = f"{held.title}: cash flow in {held.currency}, current money"
        page.write_string(0, 0, text, self.formats["title"])
        page.write_string(HEAD, 0, "Year", self.formats["column"])
        page.write_string(HEAD, 1, "Sum", self.formats["column"])
        for number, date in enumerate(held.years):
            page.write_number(HEAD, number + FIRST, date, self.formats["year"])
        for place, row in enumerate(held.rows):
            sheet.rows[row.key] = HEAD + 1 + place
        return page

    def _row(self, page: Any, sheet: Sheet, row: Row, formula: Callable[[int], str]) -> None:
        place = sheet.rows[row.key]
        is_sum = row.of == "sum" or row.key in {"taxable_income", "income_tax"}
        form = self.formats["factor" if row.key == "discount_factor" else "money"]
        if is_sum and row.key != "discount_factor":
            form = self.formats["total"]
        page.write_string(place, 0, row.title, self.formats["bold" if is_sum else "text"])
        if row.group not in {"cumulative", "discount_factor", "cumulative_discounted", "debt"}:
            first, last = at(place, 0), at(place, len(row.amounts) - 1)
            self._formula(page, place, 1, f"=SUM({first}:{last})", form, math.fsum(row.amounts))
        for number, amount in enumerate(row.amounts):
            self._formula(page, place, number + FIRST, formula(number), form, amount)

    def _formula(
        self, page: Any, row: int, column: int, text: str, form: Any, value: float | str
    ) -> None:
        page.write_formula(row, column, text, form, value if self.cached else 0)

    def _paid_back(self, page: Any, sheet: Sheet) -> None:
        """Write two rows with the date at which a sum so far first reaches zero."""
        place = HEAD + 2 + len(sheet.statement.rows)
        for key, flow in (("cumulative", "net"), ("cumulative_discounted", "discounted")):
            title = "Paid back at" if flow == "net" else "Paid back, discounted, at"
            page.write_string(place, 0, title, self.formats["note"])
            sheet.rows[f"back.{flow}"] = place
            sums, flows = sheet.rows[key], sheet.rows[flow]
            for number in range(len(sheet.statement.years)):
                now, date = at(sums, number), at(HEAD, number)
                size = f"SUMPRODUCT(ABS({at(flows, 0, fixed=True)}:{at(flows, number)}))"
                if number:
                    was, before = at(sums, number - 1), at(HEAD, number - 1)
                    part = f"MIN(1,-{was}/MAX(1E-300,{at(flows, number)}))"
                    reached = f"{before}+({date}-{before})*{part}"
                    earlier = f"COUNT({at(place, 0, fixed=True)}:{at(place, number - 1)})=0"
                    found = f"IF({_nothing(flows, number - 1)},{date},{reached})"
                    text = (
                        f"=IF(AND(NOT({_nothing(flows, number)}),{now}>=-1E-12*{size},{earlier}),"
                        f'{found},"")'
                    )
                else:
                    text = f'=IF(AND(NOT({_nothing(flows, 0)}),{now}>=0),{date},"")'
                self._formula(
                    page, place, number + FIRST, text, self.formats["factor"],
                    _back_value(sheet.statement, flow, number),
                )  # fmt: skip
            place += 1

    # ------------------------------------------------------------------ summary

    def _summary(self, page: Any) -> None:
        form = self.formats
        page.set_column(0, 0, 34)
        page.set_column(1, 6, 18)
        page.write_string(0, 0, self.held.name, form["title"])
        against = "against the reference plan" if self.held.has_reference else "all costs"
        after = "after tax" if self.held.is_taxed else "without taxes"
        page.write_string(
            1, 0, f"Plan {against}, {self.held.currency} in current money, {after}", form["note"]
        )
        heads = (
            "Cash flow of",
            "Net present value",
            "Discount rate",
            "Internal rate of return",
            "Modified rate of return",
            "Payback [years]",
            "Discounted payback [years]",
        )
        for column, head in enumerate(heads):
            page.write_string(3, column, head, form["column"])
        rates = self.book.add_worksheet(_RATES)
        rates.write_string(
            0, 0, "Search of the rates of return by halving; u = ln(1 + rate)", form["note"]
        )
        for number, sheet in enumerate(self.sheets):
            self._figures(page, 4 + number, sheet, rates, number)
        row = 6 + len(self.sheets)
        for note in self.held.notes:
            page.write_string(row, 0, note, form["note"])
            row += 1
        if self.held.unit_costs or self.held.contracts:
            text = "Calculated with the plan; these do not follow what is changed in the inputs"
            page.write_string(row, 0, text, form["note"])
            row += 1
        for one in self.held.unit_costs:
            text = f"{one.name}, {one.title} [{one.unit}, prices of year 0, own costs only]"
            page.write_string(row, 0, text)
            page.write_number(row, 1, one.value, form["factor"])
            row += 1
        for split in self.held.contracts:
            for who, value in (
                ("host", split.host_break_even),
                ("investor", split.investor_break_even),
            ):
                if math.isfinite(value):
                    unit = "share of savings" if split.unit == "1" else split.unit
                    text = f"Contract {split.name}: {who} breaks even at [{unit}]"
                    page.write_string(row, 0, text)
                    page.write_number(row, 1, value, form["factor"])
                    row += 1

    def _figures(self, page: Any, row: int, sheet: Sheet, rates: Any, number: int) -> None:
        held, form = sheet.statement, self.formats
        net, dates, rate = sheet.span("net"), sheet.dates, sheet.rate
        page.write_string(row, 0, sheet.title)
        text = f"=SUMPRODUCT({net},{sheet.span('discount_factor')})"
        self._formula(page, row, 1, text, form["total"], held.npv)
        self._formula(page, row, 2, f"={rate}", form["percent"], held.rate)
        self._formula(
            page, row, 3, self._irr(sheet, rates, number), form["percent"], _shown(held.irr.rate)
        )
        last = f"MAX({dates})"
        got = f"SUMPRODUCT(({net}>0)*{net}*(1+{rate})^({last}-{dates}))"
        paid = f"SUMPRODUCT(({net}<0)*{net}*(1+{rate})^(-{dates}))"
        text = f'=IFERROR(({got}/-{paid})^(1/{last})-1,"none")'
        self._formula(page, row, 4, text, form["percent"], _shown(held.mirr))
        for column, flow, value in (
            (5, "net", held.payback_years),
            (6, "discounted", held.discounted_payback_years),
        ):
            span = sheet.span(f"back.{flow}")
            nothing = f"SUMPRODUCT(ABS({net}))=0"
            text = f'=IF({nothing},0,IF(COUNT({span})=0,"never",MIN({span})))'
            shown = value if math.isfinite(value) else "never"
            self._formula(page, row, column, text, form["factor"], shown)

    def _irr(self, sheet: Sheet, rates: Any, number: int) -> str:
        """Return a formula for the rate of return; dates between years need a search of its own."""
        held = sheet.statement
        if math.isnan(held.irr.rate) and len(held.irr.roots) != 1:
            return '="none"'
        net, dates = sheet.span("net"), sheet.dates
        if all(date == int(date) for date in held.years):
            return f'=IFERROR(IRR({net},{held.irr.rate:.2g}),"none")'
        column = 4 * number
        rates.write_string(1, column, sheet.title)
        for place, head in enumerate(("Low", "High", "Middle")):
            rates.write_string(2, column + place, head)
        low, high = _LOW, _HIGH
        target = math.log1p(held.irr.rate)
        for step in range(_STEPS):
            cells = [_plain(3 + step, column + place) for place in range(3)]
            before = [_plain(2 + step, column + place) for place in range(3)]
            middle = 0.5 * (low + high)
            start = _plain(3, column, fixed=True)

            def worth(u: str) -> str:
                return f"SUMPRODUCT({net}*EXP(-{u}*{dates}))"

            if step:
                same = f"SIGN({worth(before[2])})=SIGN({worth(start)})"
                texts = (
                    f"=IF({same},{before[2]},{before[0]})",
                    f"=IF({same},{before[1]},{before[2]})",
                )
            else:
                texts = (f"={_LOW}", f"={_HIGH}")
            for place, (text, value) in enumerate(
                zip((*texts, f"=({cells[0]}+{cells[1]})/2"), (low, high, middle), strict=True)
            ):
                self._formula(rates, 3 + step, column + place, text, None, value)
            low, high = (low, middle) if middle > target else (middle, high)
        return f"=EXP({_RATES}!{_plain(2 + _STEPS, column + 2, fixed=True)})-1"


def _plain(row: int, column: int, *, fixed: bool = False) -> str:
    from xlsxwriter.utility import xl_rowcol_to_cell

    return str(xl_rowcol_to_cell(row, column, row_abs=fixed, col_abs=fixed))


def _shown(value: float) -> float | str:
    return value if math.isfinite(value) else "none"


def _nothing(flows: int, number: int) -> str:
    """Return a formula that tells whether nothing was paid up to a date."""
    return f"SUMPRODUCT(ABS({at(flows, 0, fixed=True)}:{at(flows, number)}))=0"


def _back_value(held: Statement, flow: str, number: int) -> float | str:
    value = held.payback_years if flow == "net" else held.discounted_payback_years
    if not math.isfinite(value):
        return ""
    reached = next(n for n, date in enumerate(held.years) if value <= date + 1e-12)
    return value if number == reached else ""


def _formats(book: Any) -> Mapping[str, Any]:
    blue = {"font_color": "#0000FF", "bg_color": "#EAF2FF"}
    grey = {"font_color": "#777777"}
    return {
        "title": book.add_format({"bold": True, "font_size": 13}),
        "head": book.add_format({"bold": True, "bottom": 1}),
        "column": book.add_format({"bold": True, "text_wrap": True, "bottom": 1}),
        "note": book.add_format({"italic": True, "font_color": "#777777"}),
        "text": book.add_format({}),
        "bold": book.add_format({"bold": True}),
        "year": book.add_format({"bold": True, "num_format": "0.###", "bottom": 1}),
        "money": book.add_format({"num_format": "#,##0.00"}),
        "total": book.add_format({"num_format": "#,##0.00", "bold": True, "top": 4}),
        "percent": book.add_format({"num_format": "0.00%"}),
        "factor": book.add_format({"num_format": "0.0000"}),
        "in_money": book.add_format({"num_format": "#,##0.00", **blue}),
        "in_percent": book.add_format({"num_format": "0.00%", **blue}),
        "in_years": book.add_format({"num_format": "0", **blue}),
        "in_text": book.add_format(blue),
        "fixed": book.add_format(grey),
    }
