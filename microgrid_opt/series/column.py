"""One column of a file as a series: its unit, its rows, its cells."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import AfterValidator

from microgrid_opt.errors import Finding, InputError
from microgrid_opt.fields import Unit, refuse
from microgrid_opt.series.file import raise_capped
from microgrid_opt.series.rows import Alignment, find_rows
from microgrid_opt.series.shapes import Series
from microgrid_opt.units import conversion, unit_label

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from microgrid_opt.horizon import Horizon
    from microgrid_opt.series.file import Reader, Table

_HEADER_UNIT = re.compile(r"[\[(]\s*([^\[\]()]+?)\s*[\])]\s*$")
_SUFFIX_UNITS = {
    unit.casefold(): unit for unit in ("W", "kW", "MW", "GW", "Wh", "kWh", "MWh", "GWh")
}
_PLAIN_SUFFIXES = ("fraction", "per_unit", "pu")

ANY_UNIT = ""
"""Stands for the unit of a key to which only proportions matter."""


def _timezone(name: str) -> str:
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise refuse(
            "timezone",
            "is not a time zone of the IANA data base: write for instance Asia/Shanghai, "
            "Europe/Berlin or Etc/GMT-8 (which is UTC+8).",
        ) from None
    return name


class FileSeries(Series):
    """One column of a CSV or Parquet file."""

    file: str
    """File with one row per step and a column of time stamps; relative to the park file."""
    column: str
    """Header of the column of values."""
    unit: str | None = None
    """Unit of the column, such as `MW`; may stand in the header instead: `load [MW]`, `load_kw`."""
    scale: Annotated[float, Unit("1")] = 1.0
    """Factor on all values."""
    time_column: str = "time"
    """Header of the column of time stamps; a stamp is the start of its step."""
    timezone: Annotated[str, AfterValidator(_timezone)] | None = None
    """Zone of time stamps without offset; that of the site when left out."""
    align: Literal["stamps", "typical_year"] = "stamps"
    """`stamps`: the rows' own times count; `typical_year`: month, day and time of day count, so that
    the data of any year serve."""
    leap_day: Literal["refuse", "copy_feb_28"] = "refuse"
    """What 29 February gets from a typical year without one."""
    resample: Literal["none", "mean", "hold"] = "none"
    """`mean` averages rows finer than the steps, `hold` lets coarser rows stand for several steps."""

    def alignment(self) -> Alignment:
        """Return how the rows relate to the steps."""
        return Alignment(self.time_column, self.timezone, self.align, self.leap_day, self.resample)

    def read(
        self, horizon: Horizon, bounds: Unit, reader: Reader, currency: str | None = None
    ) -> NDArray[np.float64]:
        """Return the column on the steps in the unit of ``bounds``, shape (n,).

        Raises
        ------
        InputError
            With a finding for each problem of the file, its rows, its cells or its unit.
        """
        table = reader.table(self.file)
        absent = [table.column_problem(column) for column in (self.column, self.time_column)]
        findings = [problem for problem in absent if problem is not None]
        if findings:
            raise InputError(findings)
        factor, offset = 1.0, 0.0
        if bounds.unit != ANY_UNIT:
            try:
                factor, offset = self._conversion(bounds.unit, currency)
            except ValueError as error:
                findings.append(Finding(str(error), value=self.unit))
        how = self.alignment()
        try:
            rows = reader.once(
                (self.file, how, horizon), self.file, lambda: find_rows(table, how, horizon)
            )
        except InputError as error:
            raise InputError([*findings, *error.findings]) from None
        if findings:
            raise InputError(findings)
        values = (table.numbers(self.column)[rows.rows] * factor + offset) * self.scale
        low = -np.inf if bounds.ge is None else bounds.ge
        high = np.inf if bounds.le is None else bounds.le
        bad = ~(np.isfinite(values) & (values >= low) & (values <= high))
        if bad.any():
            cells = dict(zip(rows.rows[bad].tolist(), values[bad].tolist(), strict=True))
            raise_capped(
                self._problem(table, row, bounds.breach(value, currency))
                for row, value in cells.items()
            )
        return rows.mean(values)

    def _problem(self, table: Table, row: int, breach: str | None) -> Finding:
        if np.isnan(table.numbers(self.column)[row]) or breach is None:
            return table.number_problem(self.column, row)
        cell = table.columns[self.column][row]
        return table.problem(row, f"column {self.column!r} {breach}", cell)

    def _conversion(self, unit: str, currency: str | None) -> tuple[float, float]:
        """Return factor and offset from a column to the unit of its key.

        The unit is the one in the park, the one in brackets at the end of the header, or the key's own
        where the header ends with it (``load_kw``, ``price_cny_per_kwh``).

        Raises
        ------
        ValueError
            No unit, another kind of unit, or header and park disagree.
        """
        header = self.column
        bracket = _HEADER_UNIT.search(header)
        if bracket:
            told = "1" if bracket[1] == "-" else bracket[1]
        else:
            told = _SUFFIX_UNITS.get(header.rpartition("_")[2].casefold(), "")
        label = unit_label(unit, currency) or "1"
        if self.unit is not None:
            found = conversion(self.unit, unit, currency=currency)
            if told and _differs(told, found, unit, currency):
                raise ValueError(f"the header {header!r} says {told}, the park says {self.unit}.")
            return found
        if bracket:
            return conversion(told, unit, currency=currency)
        suffix = label.casefold().replace("/", "_per_")
        spelled = (suffix, suffix.replace("_per_h", "_per_hour"))
        if f"_{header.casefold()}".endswith(
            tuple(f"_{end}" for end in (_PLAIN_SUFFIXES if unit == "1" else spelled))
        ):
            return 1.0, 0.0
        written = "'1'" if label == "1" else label  # YAML takes a bare 1 for a number
        raise ValueError(
            f"the column {header!r} has no unit: give `unit: {written}` (or another unit of that "
            "kind)."
        )


def _differs(told: str, found: tuple[float, float], unit: str, currency: str | None) -> bool:
    """Return whether a header's unit is one of the key's kind with another size."""
    try:
        return conversion(told, unit, currency=currency) != found
    except ValueError:
        return False
