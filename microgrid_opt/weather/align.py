"""Bring a weather table to the time steps of a horizon.

Two questions are kept apart. *Which row belongs to a stamp?* By date (a real year), or by
calendar position in the weather's own standard time (a typical year), so that daylight saving and
another time zone in the horizon never shift the sun. *What about another step length?* A coarser
step takes the mean of the rows in it; a finer step needs ``interpolate=True``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from microgrid_opt.errors import Finding, InputError

if TYPE_CHECKING:
    import numpy.typing as npt

    from microgrid_opt.weather.frame import Weather

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.int64]

LeapDay = Literal["refuse", "copy_feb_28"]
By = Literal["date", "calendar"]

_MINUTE = pd.Timedelta(minutes=1)


def align(
    weather: Weather,
    stamps: pd.DatetimeIndex,
    *,
    by: By | None = None,
    leap_day: LeapDay = "refuse",
    interpolate: bool = False,
) -> Weather:
    """Weather at the given stamps.

    Parameters
    ----------
    weather
        The source table.
    stamps
        Starts of the target steps: time-zone-aware, equal steps without gaps, shape (n,), n > 1.
    by
        ``date``: the row of the same instant. ``calendar``: the row of the same month, day and
        time of day in the weather's own (standard) time; needs a whole year. ``None`` takes
        ``calendar`` for a typical year and ``date`` otherwise.
    leap_day
        What a 29 February in the horizon takes when the weather year has none.
    interpolate
        Allow steps that are finer than, or between, the weather's: linear between the instants
        for which the values stand (middle of the step, or ``sun_minute`` for the irradiance).
        It flattens peaks: a year of wind at quarter hours lost 2 % of its energy in a test.

    Returns
    -------
    Weather
        Index ``stamps``; each value is the mean over its step.

    Raises
    ------
    InputError
        Stamps without a zone or of unequal step, stamps outside the weather, a finer step without
        ``interpolate``, an unwanted leap day.
    """
    step = _step_of(stamps)
    how = by or ("calendar" if weather.typical_year else "date")
    if how == "calendar":
        _check_whole_year(weather)
    if not interpolate:
        _check_grid(weather, stamps, step)
    parts = max(1, step // weather.step_minutes)
    if interpolate and not _on_grid(weather, stamps, step):
        columns = _interpolated(weather, stamps, step, how, leap_day)
        sun_minute = None
    else:
        rows = np.stack(
            [
                _rows(weather, stamps + part * weather.step_minutes * _MINUTE, how, leap_day)
                for part in range(parts)
            ]
        )
        columns = {
            str(name): weather.column(str(name))[rows].mean(axis=0)
            for name in weather.table.columns
        }
        sun_minute = weather.sun_minute if parts == 1 else None
    table = pd.DataFrame(columns, index=stamps)
    return replace(weather, table=table, sun_minute=sun_minute, typical_year=False)


def _step_of(stamps: pd.DatetimeIndex) -> int:
    if stamps.tz is None:
        raise InputError("the horizon's stamps need a time zone to find their weather")
    if len(stamps) < 2:
        raise InputError("a horizon needs two steps or more to find its weather")
    minutes = np.diff(_minutes(stamps, stamps[0]))
    step = round(float(minutes[0]))
    if step < 1 or not np.all(minutes == step):
        raise InputError(
            "weather can only be laid on equal steps without gaps; lay it on the finest grid of "
            "the horizon and take means or single days from the result"
        )
    return step


def _minutes(stamps: pd.DatetimeIndex, origin: pd.Timestamp) -> FloatArray:
    return ((stamps - origin) / _MINUTE).to_numpy(dtype=np.float64)


def _on_grid(weather: Weather, stamps: pd.DatetimeIndex, step: int) -> bool:
    offset = (stamps[0] - weather.index[0]) / _MINUTE
    return step % weather.step_minutes == 0 and offset % weather.step_minutes == 0


def _check_grid(weather: Weather, stamps: pd.DatetimeIndex, step: int) -> None:
    if step % weather.step_minutes:
        raise InputError(
            Finding(
                f"the horizon's step of {step} minutes is not a multiple of the weather's "
                f"{weather.step_minutes} minutes; pass interpolate=True to interpolate linearly, "
                f"or use finer data",
                key="step",
                value=step,
            )
        )
    if not _on_grid(weather, stamps, step):
        raise InputError(
            Finding(
                f"the horizon's stamps fall between the weather's steps ({stamps[0]} against "
                f"{weather.index[0]}); pass interpolate=True to interpolate linearly",
                key="start",
                value=str(stamps[0]),
            )
        )


def _check_whole_year(weather: Weather) -> None:
    days = len(weather.index) * weather.step_minutes / 1440
    if days not in {365.0, 366.0}:
        raise InputError(
            f"weather by calendar position needs a whole year of 365 or 366 days; "
            f"{weather.source or 'this table'} has {days:g} days from {weather.index[0]}"
        )


def _rows(weather: Weather, stamps: pd.DatetimeIndex, how: By, leap_day: LeapDay) -> IntArray:
    """Row of the weather table for each stamp, shape of the stamps."""
    if how == "date":
        rows = weather.index.get_indexer(stamps)
        _refuse_outside(weather, stamps, rows < 0)
        return rows.astype(np.int64)
    position = _calendar_minutes(weather, stamps, leap_day)
    first = _calendar_minutes(weather, weather.index[:1], "refuse")[0]
    turned = (position - first) % (len(weather.index) * weather.step_minutes)
    return np.asarray(turned // weather.step_minutes, dtype=np.int64)


def _refuse_outside(
    weather: Weather, stamps: pd.DatetimeIndex, outside: npt.NDArray[np.bool_]
) -> None:
    if outside.any():
        raise InputError(
            f"{int(outside.sum())} of {len(stamps)} steps have no weather, the first at "
            f"{stamps[int(outside.argmax())]}; the weather runs from {weather.index[0]} to "
            f"{weather.index[-1]}. Choose a horizon inside it, or lay a whole year by calendar "
            f'position (by="calendar")'
        )


def _calendar_minutes(weather: Weather, stamps: pd.DatetimeIndex, leap_day: LeapDay) -> FloatArray:
    """Minutes since 1 January, in the weather's standard time and on its kind of calendar."""
    local = stamps.tz_convert(weather.index.tz)
    month, day = local.month.to_numpy(), local.day.to_numpy()
    leap = len(weather.index) * weather.step_minutes == 366 * 1440
    on_leap_day = (month == 2) & (day == 29)
    if not leap and on_leap_day.any():
        if leap_day == "refuse":
            raise InputError(
                f"the horizon has 29 February ({stamps[int(on_leap_day.argmax())]}) and the "
                f"weather year has not; set leap_day to copy_feb_28, or choose another year"
            )
        day = np.where(on_leap_day, 28, day)
    lengths = np.array([31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
    before = np.concatenate([[0], lengths.cumsum()[:-1]])
    days = before[month - 1] + day - 1
    seconds = local.second.to_numpy() / 60
    minutes = local.hour.to_numpy() * 60 + local.minute.to_numpy() + seconds
    return np.asarray(days * 1440.0 + minutes, dtype=np.float64)


def _interpolated(
    weather: Weather, stamps: pd.DatetimeIndex, step: int, how: By, leap_day: LeapDay
) -> dict[str, FloatArray]:
    """Columns at the middle of each target step, linear between the weather's instants."""
    length = len(weather.index) * weather.step_minutes
    if how == "calendar":
        first = _calendar_minutes(weather, weather.index[:1], "refuse")[0]
        wanted = (_calendar_minutes(weather, stamps, leap_day) - first) % length
        period: float | None = float(length)
    else:
        wanted = _minutes(stamps, weather.index[0])
        _refuse_outside(weather, stamps, (wanted < 0) | (wanted + step > length))
        period = None
    known = np.arange(len(weather.index), dtype=np.float64) * weather.step_minutes
    middle = weather.step_minutes / 2
    columns = {}
    for name in map(str, weather.table.columns):
        sunny = name.endswith("_w_per_m2") and weather.sun_minute is not None
        instant = weather.sun_minute if sunny and weather.sun_minute is not None else middle
        columns[name] = np.interp(
            wanted + step / 2, known + instant, weather.column(name), period=period
        )
    return columns
