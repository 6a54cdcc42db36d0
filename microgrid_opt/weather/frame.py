"""The weather table: what every reader makes and every yield model takes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from microgrid_opt.errors import Finding, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import numpy.typing as npt

    from microgrid_opt.errors import Location

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.intp]
    WhereOf = Callable[[int], Location | None]

LIMITS: Final[Mapping[str, tuple[float, float]]] = MappingProxyType(
    {
        "ghi_w_per_m2": (0.0, 1800.0),
        "dni_w_per_m2": (0.0, 1500.0),
        "dhi_w_per_m2": (0.0, 1300.0),
        "temperature_degc": (-90.0, 60.0),
        "wind_speed_m_per_s": (0.0, 75.0),
        "pressure_pa": (40_000.0, 110_000.0),
        "albedo": (0.0, 1.0),
    }
)
"""The known columns and what is physically possible in them.

Irradiance: the extraterrestrial beam is at most 1415 W/m2; one-minute global values under broken
cloud have been measured up to about 1800 W/m2 (Gueymard 2017, doi:10.1016/j.solener.2017.05.004).
"""

_SHOWN_PER_KIND = 3


@dataclass(frozen=True, eq=False)
class Weather:
    """A checked weather table of one site; a stamp is the start of its step.

    Parameters
    ----------
    table
        One row per step, time-zone-aware ``DatetimeIndex`` of equal steps that divide the hour,
        columns from ``LIMITS``: irradiance in W/m2 (global horizontal, direct normal, diffuse
        horizontal), air temperature in degC, wind speed in m/s, pressure in Pa, ground albedo.
        No column is compulsory here: each model says which it needs.
    latitude, longitude
        Degrees, north and east positive.
    altitude_m
        Metres above mean sea level.
    source
        Where the data come from, in words.
    wind_height_m
        Height above ground of the wind speed.
    sun_minute
        Minutes after the start of the step for which the irradiance stands. ``None`` means the
        irradiance is the mean over the step, and the sun is taken at the middle of it.
    typical_year
        The year of the stamps is nominal (typical or synthetic year): ``align`` then goes by
        calendar position, not by date.

    Raises
    ------
    InputError
        For NaN, values that cannot be, gaps, doubled or unordered stamps, unknown columns and
        impossible site data; every finding names row, time, column and value.
    """

    table: pd.DataFrame
    latitude: float
    longitude: float
    altitude_m: float
    source: str = ""
    wind_height_m: float = 10.0
    sun_minute: float | None = None
    typical_year: bool = False

    def __post_init__(self) -> None:
        findings = check_table(self.table)
        findings += list(self._site_findings())
        if findings:
            raise InputError(findings)
        object.__setattr__(self, "table", self.table.astype("float64"))

    def _site_findings(self) -> Iterator[Finding]:
        limits = {
            "latitude": (-90.0, 90.0),
            "longitude": (-180.0, 180.0),
            "altitude_m": (-430.0, 9000.0),
            "wind_height_m": (0.1, 500.0),
        }
        for key, (low, high) in limits.items():
            value = getattr(self, key)
            if not low <= value <= high:
                yield Finding(f"must lie between {low:g} and {high:g}", key=key, value=value)
        if self.sun_minute is not None and not 0 <= self.sun_minute < 60:
            yield Finding(
                "must lie between 0 and 60 minutes after the start of the step",
                key="sun_minute",
                value=self.sun_minute,
            )

    @property
    def index(self) -> pd.DatetimeIndex:
        """Start of every step, time-zone-aware."""
        assert isinstance(self.table.index, pd.DatetimeIndex)
        return self.table.index

    @property
    def step_minutes(self) -> int:
        """Length of one step in minutes."""
        return round((self.index[1] - self.index[0]).total_seconds() / 60)

    @property
    def step_hours(self) -> float:
        """Length of one step in hours."""
        return self.step_minutes / 60

    def has(self, column: str) -> bool:
        """Whether the table has this column."""
        return column in self.table.columns

    def column(self, name: str) -> FloatArray:
        """Return one column as an array, shape (steps,); InputError if the table has none."""
        self.require(name)
        return self.table[name].to_numpy(dtype=np.float64)

    def require(self, *names: str) -> None:
        """Raise InputError for each of these columns that is missing."""
        missing = [name for name in names if not self.has(name)]
        if missing:
            held = ", ".join(map(str, self.table.columns))
            origin = f" ({self.source})" if self.source else ""
            raise InputError(
                Finding(
                    f"the weather{origin} has no column {name}; it has {held}. "
                    f"Add the column to the file or use another source",
                    key=name,
                )
                for name in missing
            )

    def sun_times(self) -> pd.DatetimeIndex:
        """Return the instant of each step at which the sun's position is taken."""
        minute = self.step_minutes / 2 if self.sun_minute is None else self.sun_minute
        return self.index + pd.Timedelta(minutes=minute)


def monthly_table(weather: Weather) -> pd.DataFrame:
    """Twelve monthly means, in the form that ``synthetic_year`` takes.

    Returns
    -------
    pandas.DataFrame
        Index ``month`` (1 to 12, only the months in the table), columns
        ``ghi_kwh_per_m2_day``, ``temperature_degc`` and ``wind_speed_m_per_s`` as far as held.
    """
    columns = {
        "ghi_w_per_m2": ("ghi_kwh_per_m2_day", 24 / 1000),
        "temperature_degc": ("temperature_degc", 1.0),
        "wind_speed_m_per_s": ("wind_speed_m_per_s", 1.0),
    }
    held = [name for name in columns if weather.has(name)]
    means = weather.table[held].groupby(weather.index.month).mean()
    means = means * [columns[name][1] for name in held]
    return means.rename(columns={name: columns[name][0] for name in held}).rename_axis("month")


def check_table(table: pd.DataFrame, where_of: WhereOf | None = None) -> list[Finding]:
    """Find everything that is wrong in a weather table.

    Parameters
    ----------
    table
        As in ``Weather``.
    where_of
        Gives the place in the file of row ``i`` (counted from 0), for the messages.
    """
    index = table.index
    if not isinstance(index, pd.DatetimeIndex) or index.tz is None:
        return [Finding("the rows of a weather table need time stamps with a time zone")]
    if len(index) < 2:
        return [Finding(f"a weather table needs two rows or more, not {len(index)}")]
    rows = _Rows(index, where_of)
    findings = list(_column_findings(table))
    findings += _stamp_findings(rows)
    if not table.columns.duplicated().any():
        for name in LIMITS:
            if name in table.columns and pd.api.types.is_numeric_dtype(table[name]):
                findings += _value_findings(rows, name, table[name].to_numpy(dtype=np.float64))
    return findings


@dataclass(frozen=True)
class _Rows:
    """Names rows in messages; shows the first few of many and counts the rest."""

    index: pd.DatetimeIndex
    where_of: WhereOf | None

    def at(self, row: int, key: str, text: str, value: float | None = None) -> Finding:
        where = self.where_of(row) if self.where_of is not None else None
        message = f"row {row + 1} ({self.index[row]}): {text}"
        return Finding(message, where=where, key=key, value=value)

    def some(self, rows: IntArray, describe: Callable[[int], Finding]) -> Iterator[Finding]:
        for count, row in enumerate(rows[:_SHOWN_PER_KIND], start=1):
            finding = describe(int(row))
            left = len(rows) - count
            if count == _SHOWN_PER_KIND and left:
                finding = replace(finding, message=f"{finding.message} (and {left} more rows)")
            yield finding


def _column_findings(table: pd.DataFrame) -> Iterator[Finding]:
    known = ", ".join(LIMITS)
    if table.columns.empty:
        yield Finding(f"the weather table has no columns; known columns: {known}")
    doubled = table.columns.duplicated()
    for name in table.columns[doubled]:
        yield Finding("this column stands twice", key=str(name))
    for name in table.columns[~doubled]:
        if name not in LIMITS:
            yield Finding(f"unknown column; known columns: {known}", key=str(name))
        elif not doubled.any() and not pd.api.types.is_numeric_dtype(table[name]):
            yield Finding("this column must hold numbers", key=str(name))


def _stamp_findings(rows: _Rows) -> list[Finding]:
    index = rows.index
    if index.hasnans:
        empty = np.flatnonzero(index.isna())
        return list(rows.some(empty, lambda row: rows.at(row, "time", "the stamp is empty")))
    minutes = np.diff(((index - index[0]) / pd.Timedelta(minutes=1)).to_numpy(dtype=np.float64))
    values, counts = np.unique(minutes, return_counts=True)
    step = float(values[counts.argmax()])
    if step <= 0 or step > 60 or 60 % step != 0:
        return [Finding(f"the step of {step:g} minutes does not divide the hour", key="time")]

    def describe(row: int) -> Finding:
        ahead = minutes[row - 1]
        if ahead == 0:
            text = "the same stamp stands twice; delete one row"
        elif ahead < 0:
            text = "the stamp is earlier than the one before; sort the rows by time"
        elif ahead % step == 0:
            text = f"gap of {round(ahead / step) - 1} steps before this row; fill the missing rows"
        else:
            text = f"{ahead:g} minutes after the row before; all steps must be {step:g} minutes"
        return rows.at(row, "time", text)

    return list(rows.some(np.flatnonzero(minutes != step) + 1, describe))


def _value_findings(rows: _Rows, name: str, values: FloatArray) -> list[Finding]:
    low, high = LIMITS[name]
    finite = np.isfinite(values)
    night = "; set small negative night readings to 0" if name.endswith("_w_per_m2") else ""
    kinds = (
        (~finite, "not a number; fill the value or take another source"),
        (finite & (values < low), f"below {low:g}{night}"),
        (finite & (values > high), f"above {high:g}; is it the file's mark for a missing value?"),
    )
    found: list[Finding] = []
    for wrong, text in kinds:

        def describe(row: int, text: str = text) -> Finding:
            return rows.at(row, name, text, float(values[row]))

        found += rows.some(np.flatnonzero(wrong), describe)
    return found
