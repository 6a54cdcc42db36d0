"""Read the two classic hourly station formats: EnergyPlus EPW and NREL TMY3.

Both give one row per hour in the site's standard time all year, numbered by the *end* of the hour
(1 to 24). A row is stored here under the *start* of its hour, so that irradiance (the sum of that
hour) keeps its place. Temperature, wind and pressure, which the formats give at the indicated
time, stay in the same row.

A typical year is put together from months of several years; its stamps get one nominal year
(``NOMINAL_YEAR``, or ``NOMINAL_LEAP_YEAR`` if it has a 29 February) and ``typical_year`` is set.
A file whose rows are consecutive in real time keeps its year.

Sources: EnergyPlus Auxiliary Programs, "EnergyPlus Weather File (EPW) Data Dictionary"; S. Wilcox
and W. Marion, Users Manual for TMY3 Data Sets, NREL/TP-581-43156, 2008, doi:10.2172/928611.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from microgrid_opt.errors import Finding, InputError, Location
from microgrid_opt.weather.frame import Weather, check_table

NOMINAL_YEAR: Final = 2001
NOMINAL_LEAP_YEAR: Final = 2004

_EPW_HEADER_LINES = 8
_EPW_FIELDS: Final = {
    "year": 0,
    "month": 1,
    "day": 2,
    "hour": 3,
    "temperature_degc": 6,
    "pressure_pa": 9,
    "ghi_w_per_m2": 13,
    "dni_w_per_m2": 14,
    "dhi_w_per_m2": 15,
    "wind_speed_m_per_s": 21,
}
_EPW_NO_PRESSURE = 999_999.0
_TMY3_FIELDS: Final = {
    "ghi_w_per_m2": "GHI (W/m^2)",
    "dni_w_per_m2": "DNI (W/m^2)",
    "dhi_w_per_m2": "DHI (W/m^2)",
    "temperature_degc": "Dry-bulb (C)",
    "wind_speed_m_per_s": "Wspd (m/s)",
    "pressure_pa": "Pressure (mbar)",
}


@dataclass(frozen=True)
class _Site:
    name: str
    utc_offset_hours: float
    latitude: float
    longitude: float
    altitude_m: float


def read_epw(path: str | Path) -> Weather:
    """Read an EnergyPlus weather file with one record per hour.

    The albedo field is left out: most files hold 0 or the mark for "missing" there. A pressure
    column that holds nothing but that mark is left out, too.

    Raises
    ------
    InputError
        With file and line: not an EPW file, several records per hour, text in a number, missing
        or impossible values, missing or doubled hours.
    """
    path = Path(path)
    lines = read_lines(path)
    if len(lines) <= _EPW_HEADER_LINES or not lines[0].startswith("LOCATION"):
        raise InputError(
            Finding(
                "not an EPW file: it must begin with LOCATION and 7 more header lines",
                where=Location(str(path), 1),
            )
        )
    _check_one_record_per_hour(path, lines)
    place = next(csv.reader([lines[0]]))
    site = _site(path, ", ".join(place[1:4]), place[6:10], order=(2, 0, 1, 3))
    first_line = _EPW_HEADER_LINES + 1
    raw = _data_frame(path, lines[_EPW_HEADER_LINES:], first_line, header=False)
    too_short = max(_EPW_FIELDS.values()) >= raw.shape[1]
    if too_short:
        raise InputError(
            Finding(
                f"{raw.shape[1]} fields in a row where an EPW file has 35",
                where=Location(str(path), first_line),
            )
        )
    fields = raw.iloc[:, list(_EPW_FIELDS.values())]
    fields.columns = pd.Index(list(_EPW_FIELDS))
    numbers = to_numbers(fields, path, first_line)
    if (numbers["pressure_pa"] >= _EPW_NO_PRESSURE).all():
        numbers = numbers.drop(columns="pressure_pa")
    dates = pd.to_datetime(numbers[["year", "month", "day"]], errors="coerce")
    ends = numbers["hour"].to_numpy()
    table = numbers.drop(columns=["year", "month", "day", "hour"])
    return _weather(path, first_line, site, _Hours(dates, ends), table)


def read_tmy3(path: str | Path) -> Weather:
    """Read an NREL TMY3 file (two header lines, then one row per hour).

    The albedo column is left out: TMY3 writes 0 with source ``?`` where it is unknown.

    Raises
    ------
    InputError
        With file and line, as ``read_epw``.
    """
    path = Path(path)
    lines = read_lines(path)
    if len(lines) < 3 or not lines[1].startswith("Date (MM/DD/YYYY)"):
        raise InputError(
            Finding(
                "not a TMY3 file: the second line must begin with Date (MM/DD/YYYY)",
                where=Location(str(path), 2),
            )
        )
    place = next(csv.reader([lines[0]]))
    site = _site(path, ", ".join(place[1:3]), place[3:7], order=(0, 1, 2, 3))
    raw = _data_frame(path, lines[1:], 2, header=True)
    missing = [name for name in _TMY3_FIELDS.values() if name not in raw.columns]
    if missing or "Time (HH:MM)" not in raw.columns:
        raise InputError(
            Finding(
                f"a TMY3 file needs the columns {', '.join(missing) or 'Time (HH:MM)'}",
                where=Location(str(path), 2),
            )
        )
    fields = raw[list(_TMY3_FIELDS.values())]
    fields.columns = pd.Index(list(_TMY3_FIELDS))
    table = to_numbers(fields, path, 3)
    table["pressure_pa"] *= 100.0
    dates = pd.to_datetime(raw["Date (MM/DD/YYYY)"], format="%m/%d/%Y", errors="coerce")
    clock = raw["Time (HH:MM)"].str.extract(r"^\s*(\d{1,2}):00\s*$")[0]
    ends = pd.to_numeric(clock, errors="coerce").to_numpy(dtype=np.float64)
    return _weather(path, 3, site, _Hours(dates, ends), table)


def read_lines(path: Path) -> list[str]:
    """Lines of a text file without trailing empty ones; InputError if it cannot be read."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(
            Finding(f"the weather file cannot be read: {error.strerror}", where=Location(str(path)))
        ) from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return text.rstrip().splitlines()


def to_numbers(texts: pd.DataFrame, path: Path, first_line: int) -> pd.DataFrame:
    """Turn columns of text into numbers; InputError names file, line and column of each failure."""
    numbers = pd.DataFrame(
        {name: pd.to_numeric(texts[name], errors="coerce") for name in texts.columns},
        dtype="float64",
    )
    findings: list[Finding] = []
    for name in texts.columns:
        failed = numbers[name].isna().to_numpy()
        findings.extend(
            Finding(
                f"not a number ({int(failed.sum())} such rows in this column)",
                where=Location(str(path), first_line + int(row)),
                key=str(name),
                value=texts[name].iloc[int(row)],
            )
            for row in np.flatnonzero(failed)[:3]
        )
    if findings:
        raise InputError(findings)
    return numbers


@dataclass(frozen=True)
class _Hours:
    """Date and number (1 to 24) of the hour that ends, per row."""

    dates: pd.Series[pd.Timestamp]
    ends: np.ndarray[tuple[int, ...], np.dtype[np.float64]]

    def findings(self, path: Path, first_line: int) -> list[Finding]:
        wrong = self.dates.isna().to_numpy() | ~((self.ends >= 0) & (self.ends <= 24))
        return [
            Finding(
                "no such date or hour; hours run from 1 to 24",
                where=Location(str(path), first_line + int(row)),
                key="time",
            )
            for row in np.flatnonzero(wrong)[:3]
        ]

    def starts(self) -> tuple[pd.DatetimeIndex, bool]:
        """Start of each hour, zone-less, and whether the year was made nominal."""
        starts = pd.DatetimeIndex(self.dates + pd.to_timedelta(self.ends - 1, unit="h"))
        consecutive = bool((np.diff(starts) == np.timedelta64(1, "h")).all())
        if consecutive or starts.year.nunique() == 1:
            return starts, False
        leap = bool(((starts.month == 2) & (starts.day == 29)).any())
        year = NOMINAL_LEAP_YEAR if leap else NOMINAL_YEAR
        days = pd.to_datetime(
            pd.DataFrame({"year": year, "month": starts.month, "day": starts.day})
        )
        return pd.DatetimeIndex(days + pd.to_timedelta(starts.hour, unit="h")), True


def _weather(
    path: Path, first_line: int, site: _Site, hours: _Hours, table: pd.DataFrame
) -> Weather:
    findings = hours.findings(path, first_line)
    if findings:
        raise InputError(findings)
    starts, typical = hours.starts()
    offset = round(site.utc_offset_hours * 3600)
    table = table.set_axis(starts.tz_localize(offset), axis="index").rename_axis("time")
    findings = check_table(table, lambda row: Location(str(path), first_line + row))
    if findings:
        raise InputError(findings)
    return Weather(
        table,
        latitude=site.latitude,
        longitude=site.longitude,
        altitude_m=site.altitude_m,
        source=f"{path.name}: {site.name}",
        typical_year=typical,
    )


def _site(path: Path, name: str, fields: list[str], order: tuple[int, ...]) -> _Site:
    """Site from four header fields; ``order``: where zone, latitude, longitude, altitude stand."""
    try:
        values = [float(fields[place]) for place in order]
    except (ValueError, IndexError) as error:
        raise InputError(
            Finding(
                "the first line must give latitude, longitude, time zone and altitude as numbers",
                where=Location(str(path), 1),
                value=", ".join(fields),
            )
        ) from error
    return _Site(name, *values)


def _check_one_record_per_hour(path: Path, lines: list[str]) -> None:
    for number, line in enumerate(lines[:_EPW_HEADER_LINES], start=1):
        fields = line.split(",")
        if fields[0].strip().upper() == "DATA PERIODS" and fields[2:3] != ["1"]:
            raise InputError(
                Finding(
                    "only EPW files with one record per hour can be read",
                    where=Location(str(path), number),
                    key="DATA PERIODS",
                    value=line,
                )
            )


def _data_frame(path: Path, lines: list[str], first_line: int, *, header: bool) -> pd.DataFrame:
    text = io.StringIO("\n".join(lines))
    try:
        return pd.read_csv(
            text, dtype=str, skip_blank_lines=False, header="infer" if header else None
        )
    except pd.errors.ParserError as error:
        raise InputError(
            Finding(
                f"the rows from here on cannot be read as a table: {error}",
                where=Location(str(path), first_line),
            )
        ) from error
