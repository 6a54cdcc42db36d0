"""How numbers are written where people read them: digits, separators, prefixes of units.

The command line and the report share these rules. Data keep full precision; only here is rounded.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MISSING = "–"
"""What stands where there is no number."""
_ROOM = 1e-9
"""Numbers this close below a power of ten count as that power [-]."""
_PREFIXES = {
    "kWh": ((1e9, "TWh"), (1e6, "GWh"), (1e3, "MWh")),
    "kW": ((1e6, "GW"), (1e3, "MW")),
    "kg": ((1e9, "Mt"), (1e3, "t")),
    "kgce": ((1e9, "Mtce"), (1e3, "tce")),
}
_MONEY = ((1e9, "billion"), (1e6, "million"), (1e3, "thousand"))
_MONEY_ALONE = _MONEY[:2]
"""A single amount below a million is written out."""
_SPELLED = {"om": "O&M", "co2": "CO2", "pv": "PV", "kwh": "kWh", "kw": "kW", "degc": "°C"}
_NOTHING = 1e-6
"""A single number below this is what solvers leave of zero."""
_WHOLE_COLUMN = (100.0, 1000.0)
"""A column goes to the first prefix, and to a higher one, when its largest number is at least this
there: 200 MWh rather than 200,000 kWh, but 150,000 MWh rather than 150 GWh [-]."""
_WHOLE_COLUMN_MONEY = 1e4
"""The same for money, of which people want to see more digits [-]."""


def is_number(value: object) -> bool:
    """Return whether there is a finite number to show."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def is_currency(unit: str) -> bool:
    """Return whether a unit is an ISO 4217 code."""
    return len(unit) == 3 and unit.isascii() and unit.isupper() and unit.isalpha()


def scaled(values: Iterable[float | None], unit: str, *, least: float = 0.0) -> tuple[float, str]:
    """Return the divisor and the unit in which a whole column of numbers reads best.

    Parameters
    ----------
    values
        Numbers in ``unit``; missing ones are ignored.
    unit
        ``kWh``, ``kW``, ``kg``, an ISO currency, or one of these per year; others stay as they are.
    least
        Smallest leading number that the larger unit may leave [-]; 0 takes the rule for tables:
        100 for the first prefix, 1,000 for higher ones, and 10,000 for money.
    """
    base, per, period = unit.partition("/")
    if period not in {"", "year", "h", "month"}:
        return 1.0, unit
    peak = max(
        (abs(value) for value in values if value is not None and is_number(value)), default=0
    )
    money = is_currency(base)
    steps = (_MONEY_ALONE if least else _MONEY) if money else _PREFIXES.get(base, ())
    first, higher = (_WHOLE_COLUMN_MONEY, _WHOLE_COLUMN_MONEY) if money else _WHOLE_COLUMN
    for factor, name in steps:
        threshold = least or (first if factor == steps[-1][0] else higher)
        if peak >= threshold * factor * (1 - _ROOM):
            return factor, f"{name} {base}{per}{period}" if money else f"{name}{per}{period}"
    return 1.0, unit


def decimals_for(values: Iterable[float | None], digits: int = 4) -> int:
    """Return how many decimals give the largest of some numbers ``digits`` digits."""
    peak = max(
        (abs(value) for value in values if value is not None and is_number(value)), default=0
    )
    if peak == 0:
        return 0
    return max(0, digits - 1 - math.floor(math.log10(peak) + _ROOM))


def format_number(
    value: float | None, *, digits: int = 4, decimals: int | None = None, sign: bool = False
) -> str:
    """Return a number with thousands separators; `MISSING` when there is none.

    Parameters
    ----------
    value
        The number; ``None``, NaN and infinities are missing.
    digits
        Significant digits below the thousands; digits left of the point always stay.
    decimals
        Fixed decimals instead, for columns.
    sign
        Whether a positive number gets a plus.
    """
    if value is None or not is_number(value):
        return MISSING
    if decimals is None:
        if abs(value) < _NOTHING:
            return "0"
        decimals = decimals_for([value], digits)
        text = f"{value:,.{min(decimals, 12)}f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
    else:
        text = f"{value:,.{decimals}f}"
    if not text.strip("-0.,"):
        return text.lstrip("-")
    return f"+{text}" if sign and value > 0 else text


def format_quantity(
    value: float | None, unit: str = "1", *, digits: int = 4, sign: bool = False
) -> str:
    """Return one number with its unit, scaled by itself: ``12.35 MWh``, ``3.2 million CNY/year``.

    Parameters
    ----------
    value
        Number in ``unit``; missing ones give `MISSING` without a unit.
    unit
        Unit as in the results; ``1`` gives a plain number.
    digits
        Significant digits.
    sign
        Whether a positive number gets a plus.
    """
    if value is None or not is_number(value):
        return MISSING
    divisor, shown = scaled([value], unit, least=_least(unit))
    number = format_number(value / divisor, digits=digits, sign=sign)
    return number if shown == "1" else f"{number} {shown}"


def _least(unit: str) -> float:
    """Return the leading number from which a larger unit reads better: 1.2 million CNY, 12 MW."""
    base = unit.partition("/")[0]
    return 10.0 if base == "kW" else 1.0


def format_percent(fraction: float | None, *, digits: int = 3, sign: bool = False) -> str:
    """Return a fraction as a percentage: 0.2056 is ``20.6 %``."""
    if fraction is None or not is_number(fraction):
        return MISSING
    return f"{format_number(100.0 * fraction, digits=digits, sign=sign)} %"


def format_seconds(seconds: float) -> str:
    """Return a duration in s, min or h."""
    for limit, unit in ((3600.0, "h"), (60.0, "min")):
        if seconds >= limit:
            return f"{format_number(seconds / limit, digits=3)} {unit}"
    return f"{format_number(seconds, digits=2 if seconds < 1 else 3)} s"


def humanised(name: str) -> str:
    """Return an identifier as words: ``energy_import`` is ``Energy import``."""
    words = " ".join(_SPELLED.get(word, word) for word in name.replace("_", " ").split())
    return words[:1].upper() + words[1:]


@dataclass(frozen=True)
class Column:
    """One column of a table for reading; a column with a unit holds numbers in that unit."""

    title: str
    unit: str | None = None
    sign: bool = False
    decimals: int | None = None

    @property
    def is_number(self) -> bool:
        """Whether the column holds numbers."""
        return self.unit is not None


Cell = str | float | None


@dataclass(frozen=True)
class Table:
    """Rows for reading, with one scale per unit over the whole table.

    Parameters
    ----------
    columns
        Titles and units; columns of one unit share scale and decimals.
    rows
        Cells in the columns' units; numbers or text.
    total
        A last row, or empty.
    marks
        A style name for rows by number: ``bad``, ``good``, ``muted``, ``sub``.
    """

    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    total: Sequence[Cell] = ()
    marks: dict[int, str] = field(default_factory=dict)

    def _numbers(self, unit: str) -> list[float | None]:
        return [
            cell if isinstance(cell, (int, float)) else None
            for row in (*self.rows, self.total)
            for column, cell in zip(self.columns, row, strict=False)
            if column.unit == unit
        ]

    def _formats(self) -> dict[str, tuple[float, str, int]]:
        formats = {}
        for unit in {column.unit for column in self.columns if column.unit is not None}:
            numbers = self._numbers(unit)
            divisor, shown = scaled(numbers, unit)
            decimals = decimals_for([n / divisor for n in numbers if n is not None])
            formats[unit] = (divisor, "" if shown in {"1", "%"} else shown, min(decimals, 4))
        return formats

    def head(self) -> list[tuple[str, str, bool]]:
        """Return title, unit for reading, and whether it is a column of numbers."""
        formats = self._formats()
        return [
            (c.title, "" if c.unit is None else formats[c.unit][1], c.is_number)
            for c in self.columns
        ]

    def body(self) -> list[tuple[str, list[tuple[str, bool]]]]:
        """Return each row's style and its cells as text, each with whether it is a number."""
        formats = self._formats()
        rows = [*self.rows, *([self.total] if self.total else [])]
        last = len(self.rows)
        return [
            (
                "total" if number == last else self.marks.get(number, ""),
                [
                    (self._text(column, cell, formats), column.is_number)
                    for column, cell in zip(self.columns, row, strict=True)
                ],
            )
            for number, row in enumerate(rows)
        ]

    @staticmethod
    def _text(column: Column, cell: Cell, formats: dict[str, tuple[float, str, int]]) -> str:
        if cell is None:
            return MISSING if column.is_number else ""
        if isinstance(cell, str):
            return cell
        if column.unit is None:
            return format_number(cell)
        if column.unit == "%":
            decimals = 1 if column.decimals is None else column.decimals
            return (
                f"{format_number(100.0 * cell, decimals=decimals, sign=column.sign)} %"
                if (is_number(cell))
                else MISSING
            )
        divisor, _, decimals = formats[column.unit]
        if column.decimals is not None:
            decimals = column.decimals
        return format_number(cell / divisor, decimals=decimals, sign=column.sign)
