"""Where the rows of a cash flow stand in a spreadsheet, and the formula of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from microgrid_opt.finance.inputs import quoted
from microgrid_opt.finance.statement import BEFORE_LOAN, LOAN

if TYPE_CHECKING:
    from collections.abc import Callable

    from microgrid_opt.finance.account import Account
    from microgrid_opt.finance.inputs import Inputs
    from microgrid_opt.finance.statement import Statement

FIRST = 2
"""Column of year 0: after title and sum."""
HEAD = 3
"""Row of the years."""


@dataclass
class Sheet:
    """A cash flow in the book: where its rows and columns stand."""

    name: str
    title: str
    statement: Statement
    rows: dict[str, int]
    rate: str

    def cell(self, key: str, column: int) -> str:
        """Return the reference of a row at a date, from another sheet."""
        return f"{quoted(self.name)}!{at(self.rows[key], column)}"

    def span(self, key: str) -> str:
        """Return the reference of a whole row, from another sheet."""
        last = len(self.statement.years) - 1
        row = self.rows[key]
        return f"{quoted(self.name)}!{at(row, 0, fixed=True)}:{at(row, last, fixed=True)}"

    @property
    def dates(self) -> str:
        """Reference of the years."""
        last = len(self.statement.years) - 1
        return f"{quoted(self.name)}!{at(HEAD, 0, fixed=True)}:{at(HEAD, last, fixed=True)}"


def at(row: int, column: int, *, fixed: bool = False) -> str:
    """Return the cell of a row at the date with a number."""
    from xlsxwriter.utility import xl_rowcol_to_cell

    return str(xl_rowcol_to_cell(row, column + FIRST, row_abs=fixed, col_abs=fixed))


class Rules:
    """The formula of every row of a cash flow."""

    def __init__(
        self, account: Account | None, inputs: Inputs | None, sheet: Sheet, host: Sheet | None
    ) -> None:
        self.account, self.sheet, self.host = account, sheet, host
        self._inputs = inputs

    @property
    def inputs(self) -> Inputs:
        """Where the inputs of the account stand."""
        if self._inputs is None:
            raise KeyError(self.sheet.name)
        return self._inputs

    def formula(self, key: str, number: int) -> str:
        """Return the formula of a row at the date with a number."""
        group = key.partition(".")[0]
        rule: Callable[[str, int], str] = getattr(self, f"_{group}")
        return "=" + rule(key, number)

    def _here(self, key: str, number: int) -> str:
        return at(self.sheet.rows[key], number)

    def _rows(self, *groups: str) -> list[str]:
        return [row.key for row in self.sheet.statement.rows if row.group in groups]

    def _whole(self, number: int, text: str) -> str:
        date = at(HEAD, number)
        return f"IF(AND({date}>0,{date}=INT({date})),{text},0)"

    def _column(self, keys: list[str], number: int) -> str:
        """Return the sum of rows that stand side by side."""
        if not keys:
            return "0"
        return f"SUM({self._here(keys[0], number)}:{self._here(keys[-1], number)})"

    # ------------------------------------------------------------------ yearly

    def _stream(self, key: str, number: int) -> str:
        cells = {
            name: self.inputs.column("streams", name, key)
            for name in ("amount", "growth", "indexed", "lag", "first", "last")
        }
        date = at(HEAD, number)
        rise = f"(1+{self.inputs['inflation']})^({date}*{cells['indexed']})"
        when = f"({cells['first']}<={date})*({cells['last']}>={date})"
        growth = f"(1+{cells['growth']})^({date}-{cells['lag']})"
        return self._whole(number, f"SUMPRODUCT({cells['amount']}*{growth}*{rise}*{when})")

    _saving = _stream
    _payment = _stream

    def _contract(self, key: str, number: int) -> str:
        if key in self.inputs.names.get("streams", ()):
            return self._stream(key, number)
        if key in self.inputs.names.get("shares", ()):
            cells = {n: self.inputs.column("shares", n, key) for n in ("share", "first", "last")}
            date = at(HEAD, number)
            part = (
                f"SUMPRODUCT({cells['share']}*({cells['first']}<={date})*({cells['last']}>={date}))"
            )
            return self._whole(number, f"-{part}*{self._column(self._rows('saving'), number)}")
        if self.host is None or key not in self.host.rows:
            return "0"
        return f"-{self.host.cell(key, number)}"

    # ------------------------------------------------------------------ purchases

    def _purchase(self, key: str, number: int) -> str:
        name = key.removeprefix("purchase.")
        first, start = (self.inputs.column("items", n, name) for n in ("first", "start"))
        return f"-SUMPRODUCT({first}*(ROUND({start},9)={at(HEAD, number)}))"

    def _renewal(self, key: str, number: int) -> str:
        asset = key.partition(".")[2]
        names = ("base", "again", "life", "start", "end")
        base, again, life, start, end = (self._of_asset(n, asset) for n in names)
        date = at(HEAD, number)
        turn = f"ROUND({date}/{life},0)"
        when = (
            f"(ABS({date}-{turn}*{life})<1E-8)*({turn}>=1)"
            f"*({date}>={start}-1E-8)*({date}<{end}-1E-8)"
            f"*({date}<{self.inputs['years']}*(1-1E-9))"
        )
        price = f"{base}*{again}*(1+{self.inputs['inflation']})^{date}"
        return f"-SUMPRODUCT({price}*{when})"

    def _residual(self, key: str, number: int) -> str:
        asset = key.partition(".")[2]
        worth, end = (self._of_asset(n, asset) for n in ("residual", "end"))
        date = at(HEAD, number)
        rise = f"(1+{self.inputs['inflation']})^{date}"
        return f"SUMPRODUCT({worth}*(ROUND({end},9)={date}))*{rise}"

    def _of_asset(self, column: str, asset: str) -> str:
        return self.inputs.column("assets", column, asset)

    def _handover(self, key: str, number: int) -> str:
        if key in self.inputs.names.get("items", ()):
            return self._purchase(key, number)
        return self._once(key, number)

    def _once(self, key: str, number: int) -> str:
        amount, date = (self.inputs.column("once", n, key) for n in ("amount", "date"))
        return f"SUMPRODUCT({amount}*({date}={at(HEAD, number)}))"

    _grant = _once
    _tax_credit = _once

    # ------------------------------------------------------------------ loan

    def _before_loan(self, _: str, number: int) -> str:
        return self._column(self._rows(*BEFORE_LOAN), number)

    def _loan_drawn(self, _: str, number: int) -> str:
        first, start = (self.inputs.column("items", n) for n in ("first", "start"))
        bought = f"SUMPRODUCT({first}*({start}=0))"
        return f"IF({at(HEAD, number)}=0,{self.inputs['loan_share']}*{bought},0)"

    def _interest(self, _: str, number: int) -> str:
        if not number:
            return "0"
        return self._whole(number, f"-{self._here('debt', number - 1)}*{self.inputs['loan_rate']}")

    def _principal(self, _: str, number: int) -> str:
        if not number:
            return "0"
        given, date = self.inputs, at(HEAD, number)
        debt, rate = self._here("debt", number - 1), given["loan_rate"]
        term, grace = given["loan_term"], given["loan_grace"]
        left = f"({term}-{date}+1)"
        level = f"IF({rate}=0,{debt}/{left},{debt}*{rate}/((1+{rate})^{left}-1))"
        even = f"{at(self.sheet.rows['loan_drawn'], 0, fixed=True)}/({term}-{grace})"
        kind = given["loan_kind"]
        part = f'IF({kind}="bullet",0,IF({date}<={grace},0,IF({kind}="annuity",{level},{even})))'
        return self._whole(number, f"-IF({date}>=MIN({term},{given['loan_end']}),{debt},{part})")

    def _debt(self, _: str, number: int) -> str:
        if not number:
            return self._here("loan_drawn", 0)
        return f"{self._here('debt', number - 1)}+{self._here('principal', number)}"

    def _before_tax(self, _: str, number: int) -> str:
        return f"{self._here('before_loan', number)}+{self._column(self._rows(*LOAN), number)}"

    # ------------------------------------------------------------------ tax

    def _basis(self, _: str, number: int) -> str:
        cells = [self._here(key, number) for key in self._rows("purchase", "renewal")]
        if self.inputs.has("items"):
            names = [key for key in self._rows("handover") if key in self.inputs.names["items"]]
            cells += [self._here(key, number) for key in names]
            off, start = (self.inputs.column("items", n) for n in ("off", "start"))
            lost = f"-SUMPRODUCT({off}*(ROUND({start},9)={at(HEAD, number)}))"
        else:
            lost = ""
        return f"-({'+'.join(cells) or '0'}){lost}"

    def _depreciation(self, _: str, number: int) -> str:
        date = at(HEAD, number)
        dates = f"{at(HEAD, 0, fixed=True)}:{date}"
        bought = f"{at(self.sheet.rows['basis'], 0, fixed=True)}:{self._here('basis', number)}"
        years, shares = (self.inputs.column("schedule", name) for name in ("year", "share"))
        found = f"SUMPRODUCT({bought}*SUMIF({years},ROUND({date}-{dates},6),{shares}))"
        return f"-IF({date}<={self.inputs['end']},{found},0)"

    def _book_value(self, _: str, number: int) -> str:
        spans = [
            f"SUM({at(self.sheet.rows[key], 0, fixed=True)}:{self._here(key, number)})"
            for key in ("basis", "depreciation")
        ]
        end = self.inputs["end"]
        return f"-IF({at(HEAD, number)}={end},{spans[0]}+{spans[1]},0)"

    def _taxed_grant(self, _: str, number: int) -> str:
        names = dict.fromkeys(n for n in self.inputs.names["once"] if n.startswith("grant."))
        parts = []
        for key in names:
            amount, taxed = (self.inputs.column("once", n, key) for n in ("amount", "taxed"))
            parts.append(f"SUMPRODUCT({amount}*({taxed}={at(HEAD, number)}))")
        return "+".join(parts)

    def _taxable_income(self, _: str, number: int) -> str:
        account = self.account
        free = {
            f"{one.kind}.{one.name}"
            for one in (() if account is None else account.streams)
            if not one.is_taxable
        }
        bought = set(self.inputs.names.get("items", ()))
        groups = ("saving", "payment", "contract", "residual", "handover", "interest")
        keys = self._rows(*groups, "depreciation", "book_value", "taxed_grant")
        cells = [self._here(k, number) for k in keys if k not in free and k not in bought]
        return "+".join(cells) or "0"

    def _income_tax(self, _: str, number: int) -> str:
        return f"-{self.inputs['tax']}*{self._here('taxable_income', number)}"

    # ------------------------------------------------------------------ sums

    def _net(self, _: str, number: int) -> str:
        before = "before_tax" if "before_tax" in self.sheet.rows else "before_loan"
        cells = [before, *self._rows("income_tax", "tax_credit")]
        return "+".join(self._here(key, number) for key in cells)

    def _cumulative(self, _: str, number: int) -> str:
        return self._so_far("cumulative", "net", number)

    def _discount_factor(self, _: str, number: int) -> str:
        return f"(1+{self.sheet.rate})^(-{at(HEAD, number)})"

    def _discounted(self, _: str, number: int) -> str:
        return f"{self._here('net', number)}*{self._here('discount_factor', number)}"

    def _cumulative_discounted(self, _: str, number: int) -> str:
        return self._so_far("cumulative_discounted", "discounted", number)

    def _so_far(self, key: str, flow: str, number: int) -> str:
        now = self._here(flow, number)
        return f"{self._here(key, number - 1)}+{now}" if number else now
