"""A metered series from a file: its time axis, its columns, energy or power.

The strict reader of the project's series does the work; this module finds out what the file holds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from microgrid_opt.bill.facts import Meter
from microgrid_opt.errors import Finding, InputError, Location
from microgrid_opt.fields import Unit
from microgrid_opt.horizon import Horizon
from microgrid_opt.series import FileSeries

if TYPE_CHECKING:
    from datetime import date

    from numpy.typing import NDArray

    from microgrid_opt.series import Reader
    from microgrid_opt.series.file import Table

_ENERGY = re.compile(r"(?:^|[_\s\[(])[kMG]?(?:Wh|varh)[\])]?\s*$", re.IGNORECASE)
MOST_STEPS = 2_000_000
WORDS = {"bought": "import", "sold": "export", "reactive": "reactive energy"}
OPTIONS = {"bought": "column", "sold": "export-column", "reactive": "reactive-column"}


@dataclass(frozen=True)
class MeterFile:
    """Which columns of a file are what; a column that is not named is looked for by its header.

    Parameters
    ----------
    file
        CSV or Parquet file with a column of time stamps, each the start of its interval.
    bought, sold, reactive
        Headers of import, export and reactive power or energy: kW, kWh or kvarh per interval, told by
        the header (``import_kwh``, ``load [MW]``).
    time_column, timezone
        Header of the time stamps, and the zone of stamps without offset.
    """

    file: str
    bought: str | None = None
    sold: str | None = None
    reactive: str | None = None
    time_column: str = "time"
    timezone: str = "UTC"


def read_meter(
    what: MeterFile, reader: Reader, *, holidays: frozenset[date] = frozenset()
) -> Meter:
    """Return a metered series.

    Parameters
    ----------
    what
        File and columns.
    reader
        Opens files.
    holidays
        Local days that tariffs treat as holidays.

    Raises
    ------
    InputError
        With every problem of the file, its columns, stamps and cells.
    """
    table = reader.table(what.file)
    horizon = _horizon(table, what, holidays)
    columns = _columns(table, what)
    found: dict[str, NDArray[np.float64]] = {}
    findings: list[Finding] = []
    for role, column in columns.items():
        try:
            found[role] = _power(column, role, what, horizon, reader)
        except InputError as error:
            told = [f if f.where else _unit_told(f, column, table) for f in error.findings]
            findings += [f for f in told if f not in findings]
    if findings:
        raise InputError(findings)
    sold = found.get("sold", np.zeros(len(horizon)))
    return Meter(horizon, found["bought"], sold, found.get("reactive"))


def _unit_told(finding: Finding, column: str, table: Table) -> Finding:
    """Return what is wrong with a header's unit, and how a header tells one."""
    message = (
        f"the header {column!r} tells no power or energy: write kW, kWh, kvar or kvarh, such as "
        "`import_kw`, `import_kwh` or `load [MW]`."
    )
    return replace(finding, message=message, where=Location(table.name, 1), key="")


def _horizon(table: Table, what: MeterFile, holidays: frozenset[date]) -> Horizon:
    import pandas as pd

    problem = table.column_problem(what.time_column)
    if problem is not None:
        raise InputError(problem)
    stamps = table.stamps(what.time_column)
    times = np.sort(stamps.nanoseconds)
    where = Location(table.name)
    if len(times) < 2:
        raise InputError(Finding("has one row: an interval needs two at least.", where))
    gaps = np.diff(times)
    # Without offsets the doubled hour of a clock change may be meant: the reader tells that.
    if (gaps == 0).any() and (stamps.zoned or not gaps.any()):
        twice = pd.Timestamp(int(times[int(np.flatnonzero(gaps == 0)[0])]))
        raise InputError(Finding(f"has two rows for {twice:%Y-%m-%d %H:%M}: keep one.", where))
    step = int(gaps[gaps > 0].min()) if gaps.any() else 0
    count = int((times[-1] - times[0]) // step) + 1 if step else 0
    if not 0 < count <= MOST_STEPS:
        raise InputError(Finding("the time stamps do not make a series of equal steps.", where))
    first = pd.Timestamp(int(stamps.nanoseconds[0]))
    if stamps.zoned:
        first = first.tz_localize("UTC")
    else:
        # Clocks that change between the first and the last stamp shift the number of steps.
        ends = [pd.Timestamp(int(t)) for t in (times[0], times[-1])]
        try:
            span = ends[1].tz_localize(what.timezone) - ends[0].tz_localize(what.timezone)
            count = int(span.value // step) + 1
        except (ValueError, KeyError):
            count = len(times)
    return Horizon.regular(
        first, count, step_hours=step / 3.6e12, timezone=what.timezone, holidays=holidays
    )


def _columns(table: Table, what: MeterFile) -> dict[str, str]:
    others = [name for name in table.columns if name != what.time_column]
    found = {}
    for role, words in (
        ("bought", ("import", "bought", "consumption", "demand_", "demand ", "load_", "load ")),
        ("sold", ("export", "sold", "feed_in")),
        ("reactive", ("reactive",)),
    ):
        named = getattr(what, role)
        if named is not None:
            found[role] = named
            continue
        near = [name for name in others if name.casefold().startswith(words)]
        if len(near) == 1:
            found[role] = near[0]
        elif len(near) > 1:
            listed = ", ".join(repr(name) for name in near)
            message = f"several columns may be the {WORDS[role]} ({listed}): name one (--{OPTIONS[role]})."
            raise InputError(Finding(message, Location(table.name)))
    free = [name for name in others if name not in found.values()]
    if "bought" not in found and len(free) == 1:
        found["bought"] = free[0]
    if "bought" not in found:
        listed = ", ".join(repr(name) for name in others)
        message = f"which column is the import? It has {listed}: name one (--column)."
        if not others:
            message = "has no column but the time stamps: add the import, such as `import_kwh`."
        raise InputError(Finding(message, Location(table.name)))
    return found


def _power(
    column: str, role: str, what: MeterFile, horizon: Horizon, reader: Reader
) -> NDArray[np.float64]:
    """Return a column as means over the steps [kW or kvar], shape (n,)."""
    spec = FileSeries(
        file=what.file, column=column, time_column=what.time_column, timezone=what.timezone
    )
    reactive = role == "reactive"
    energy = _ENERGY.search(column) is not None
    unit = ("kvarh" if energy else "kvar") if reactive else ("kWh" if energy else "kW")
    values = spec.read(horizon, Unit(unit, ge=0), reader)
    return values / horizon.step_hours if energy else values
