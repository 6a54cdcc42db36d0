"""Read PVGIS downloads (JSON or CSV, hourly series or typical year), or fetch them.

Parsing is done by ``pvlib.iotools``. What is added here is the meaning of the stamps. PVGIS stamps
are UTC, and its satellite irradiance is the value at one instant of the hour, not the hour's mean:
an hourly file writes the instant in the stamp (``20160101:0010`` is ten minutes past), a typical
year writes it in the header ("Irradiance Time Offset"). Rows are stored under the full hour and
the instant goes to ``Weather.sun_minute``, so that the sun stands where it stood. Where a typical
year does not tell its offset (PVGIS 5.2 and older), the values are taken as means of the hour.

Source: T. Huld, R. Müller and A. Gambardella, Solar Energy 86 (2012) 1803-1815,
doi:10.1016/j.solener.2012.03.006; PVGIS user manual, European Commission, Joint Research Centre.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import pandas as pd

from microgrid_opt.errors import Finding, InputError, Location
from microgrid_opt.weather.formats import NOMINAL_LEAP_YEAR, NOMINAL_YEAR, read_lines
from microgrid_opt.weather.frame import Weather, check_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from microgrid_opt.weather.frame import WhereOf

_COLUMNS: Final = {
    "ghi": "ghi_w_per_m2",
    "dni": "dni_w_per_m2",
    "dhi": "dhi_w_per_m2",
    "temp_air": "temperature_degc",
    "wind_speed": "wind_speed_m_per_s",
    "pressure": "pressure_pa",
}
_HOUR = pd.Timedelta(hours=1)


@dataclass(frozen=True)
class _Site:
    place: Mapping[str, Any]
    source: str
    sun_minute: float | None
    typical_year: bool


def read_pvgis(path: str | Path) -> Weather:
    """Read a file that was downloaded from PVGIS.

    Hourly series must be on the horizontal plane (slope 0), best with the components ("beam,
    diffuse and reflected radiation"); a typical year always fits.

    Raises
    ------
    InputError
        Not a PVGIS file, a sloped plane, missing or impossible values, gaps.
    """
    from pvlib import iotools

    path = Path(path)
    lines = read_lines(path)
    suffix, typical = _kind(path, lines)
    reader = iotools.read_pvgis_tmy if typical else iotools.read_pvgis_hourly
    try:
        data, meta = reader(path, pvgis_format=suffix)
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise InputError(
            Finding(f"the PVGIS file is damaged: {error}", where=Location(str(path)))
        ) from error
    before = next((i + 2 for i, line in enumerate(lines) if line.startswith("time")), 0)

    def where_of(row: int) -> Location:
        return Location(str(path), before + row if suffix == "csv" else 0)

    weather = _typical if typical else _hourly
    return weather(data, meta, path.name, where_of)


def fetch_pvgis(
    latitude: float,
    longitude: float,
    *,
    kind: Literal["typical_year", "hourly"] = "typical_year",
    start_year: int | None = None,
    end_year: int | None = None,
    database: str | None = None,
    timeout_seconds: float = 60.0,
) -> Weather:
    """Fetch weather from the PVGIS service; needs a network.

    Parameters
    ----------
    latitude, longitude
        Degrees, north and east positive.
    kind
        A typical year, or an hourly series from ``start_year`` to ``end_year``.
    database
        For instance ``PVGIS-SARAH3`` or ``PVGIS-ERA5``; ``None`` leaves the choice to PVGIS.
        Only for the hourly series.

    Raises
    ------
    InputError
        No network, or PVGIS refused the request (the sea, years without data).
    """
    from pvlib import iotools

    source = f"PVGIS {kind} at {latitude:g}, {longitude:g}"
    try:
        if kind == "typical_year":
            data, meta = iotools.get_pvgis_tmy(
                latitude, longitude, startyear=start_year, endyear=end_year, timeout=timeout_seconds
            )
            return _typical(data, meta, source)
        data, meta = iotools.get_pvgis_hourly(
            latitude,
            longitude,
            start=start_year,
            end=end_year,
            raddatabase=database,
            timeout=timeout_seconds,
        )
        return _hourly(data, meta, source)
    except OSError as error:  # every exception of requests is one
        raise InputError(
            Finding(
                f"PVGIS did not answer ({type(error).__name__}: {error}). Without a network, "
                f"download the typical year as JSON on another machine and read the file",
                key="pvgis",
                value=f"{latitude:g}, {longitude:g}",
            )
        ) from error


def _kind(path: Path, lines: list[str]) -> tuple[Literal["csv", "json"], bool]:
    """Form of the file and whether it is a typical year."""
    text = "\n".join(lines)
    if text.startswith("{"):
        try:
            outputs = json.loads(text).get("outputs", {})
        except json.JSONDecodeError as error:
            raise InputError(
                Finding(f"broken JSON: {error.msg}", where=Location(str(path), error.lineno))
            ) from error
        if "tmy_hourly" in outputs or "hourly" in outputs:
            return "json", "tmy_hourly" in outputs
    elif any(line.startswith("time(UTC),") for line in lines[:40]):
        return "csv", True
    elif any(line.startswith("time,") for line in lines[:40]):
        return "csv", False
    raise InputError(
        Finding(
            "not a PVGIS hourly series or typical year (JSON or CSV)", where=Location(str(path))
        )
    )


def _typical(
    data: pd.DataFrame, meta: Mapping[str, Any], source: str, where_of: WhereOf | None = None
) -> Weather:
    inputs = meta["inputs"]
    place = inputs.get("location", inputs)
    offset = place.get("irradiance_time_offset", inputs.get("irradiance time offset"))
    index = pd.DatetimeIndex(data.index)
    leap = bool(((index.month == 2) & (index.day == 29)).any())
    year = NOMINAL_LEAP_YEAR if leap else NOMINAL_YEAR
    days = pd.to_datetime(pd.DataFrame({"year": year, "month": index.month, "day": index.day}))
    stamps = pd.DatetimeIndex(days + pd.to_timedelta(index.hour, unit="h")).tz_localize("UTC")
    sun_minute = None
    if offset is not None:
        hours, sun_minute = divmod(float(offset) * 60, 60)
        stamps += hours * _HOUR
    table = data[[name for name in _COLUMNS if name in data.columns]].rename(columns=_COLUMNS)
    return _weather(table, stamps, _Site(place, source, sun_minute, typical_year=True), where_of)


def _hourly(
    data: pd.DataFrame, meta: Mapping[str, Any], source: str, where_of: WhereOf | None = None
) -> Weather:
    inputs = meta["inputs"]
    slope = _slope(inputs)
    if slope not in {0.0, None}:
        raise InputError(
            Finding(
                "the PVGIS series is for a sloped plane; download it with slope 0 and the "
                "radiation components, or take a typical year",
                key="slope",
                value=slope,
            )
        )
    index = pd.DatetimeIndex(data.index)
    minutes = index.minute.unique()
    if len(minutes) != 1:
        raise InputError(f"{source}: the stamps must all stand at the same minute of the hour")
    table = pd.DataFrame(index=index)
    if "poa_direct" in data.columns:
        diffuse = data["poa_sky_diffuse"] + data["poa_ground_diffuse"]
        table["ghi_w_per_m2"] = data["poa_direct"] + diffuse
        table["dhi_w_per_m2"] = diffuse
    elif "poa_global" in data.columns:
        table["ghi_w_per_m2"] = data["poa_global"]
    for name in ("temp_air", "wind_speed"):
        if name in data.columns:
            table[_COLUMNS[name]] = data[name]
    place = inputs.get("location", inputs)
    site = _Site(place, source, float(minutes[0]), typical_year=False)
    return _weather(table, index.floor("h"), site, where_of)


def _slope(inputs: Mapping[str, Any]) -> float | None:
    mounting = inputs.get("mounting_system")
    if isinstance(mounting, dict):
        fixed = mounting.get("fixed", {})
        return float(fixed["slope"]["value"]) if "slope" in fixed else None
    text = str(inputs.get("Slope", "")).split()
    return float(text[0]) if text else None


def _weather(
    table: pd.DataFrame, stamps: pd.DatetimeIndex, site: _Site, where_of: WhereOf | None
) -> Weather:
    table = table.set_axis(stamps, axis="index").rename_axis("time")
    findings = check_table(table, where_of)
    if findings:
        raise InputError(findings)
    return Weather(
        table,
        latitude=float(site.place["latitude"]),
        longitude=float(site.place["longitude"]),
        altitude_m=float(site.place["elevation"]),
        source=site.source,
        sun_minute=site.sun_minute,
        typical_year=site.typical_year,
    )
