"""Read any weather file, and read and write the project's own CSV form.

The CSV form: lines ``# key: value`` for the site, one header line, one row per step.

```
# latitude: 32.39
# longitude: 119.41
# altitude_m: 8
# source: station 58245, 2024
time,ghi_w_per_m2,temperature_degc,wind_speed_m_per_s
2024-01-01T00:00+08:00,0,3.1,2.4
```

``time`` is the start of the step with its offset from UTC; the column names carry the units and
are those of ``microgrid_opt.weather.frame.LIMITS``. Keys: ``latitude``, ``longitude``,
``altitude_m`` (all three needed), ``source``, ``wind_height_m``, ``sun_minute``, ``typical_year``.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, get_args

import numpy as np
import pandas as pd

from microgrid_opt.errors import Finding, InputError, Location
from microgrid_opt.weather.formats import read_epw, read_lines, read_tmy3, to_numbers
from microgrid_opt.weather.frame import LIMITS, Weather, check_table
from microgrid_opt.weather.pvgis import read_pvgis

if TYPE_CHECKING:
    from collections.abc import Callable

Format = Literal["csv", "epw", "pvgis", "tmy3"]

_NUMBER_KEYS: Final = ("latitude", "longitude", "altitude_m", "wind_height_m", "sun_minute")
_KEYS: Final = (*_NUMBER_KEYS, "source", "typical_year")
_NEEDED: Final = ("latitude", "longitude", "altitude_m")


def read_weather(path: str | Path, format: Format | None = None) -> Weather:
    """Read a weather file of any known format.

    Parameters
    ----------
    path
        The file.
    format
        ``csv`` (own form), ``epw``, ``tmy3`` or ``pvgis``; ``None`` tells it from the name's
        ending and the first lines.

    Raises
    ------
    InputError
        Unreadable or unknown file, or any problem in it, with file and line.
    """
    path = Path(path)
    if format is not None and format not in get_args(Format):
        allowed = ", ".join(get_args(Format))
        raise InputError(
            Finding(f"unknown weather format; allowed: {allowed}", key="format", value=format)
        )
    readers: dict[str, Callable[[Path], Weather]] = {
        "csv": read_csv,
        "epw": read_epw,
        "pvgis": read_pvgis,
        "tmy3": read_tmy3,
    }
    return readers[format or _detect(path)](path)


def _detect(path: Path) -> Format:
    lines = read_lines(path)
    first = lines[0] if lines else ""
    second = lines[1] if len(lines) > 1 else ""
    if first.startswith("LOCATION,"):
        return "epw"
    if second.startswith("Date (MM/DD/YYYY)"):
        return "tmy3"
    if path.suffix.lower() == ".json" or first.startswith("Latitude (decimal degrees)"):
        return "pvgis"
    header = next((line for line in lines if not line.startswith("#")), "")
    if "time" in header.lower().split(","):
        return "csv"
    raise InputError(
        Finding(
            "this is no weather file that I know: EPW begins with LOCATION, TMY3 has "
            "Date (MM/DD/YYYY) in line 2, PVGIS begins with Latitude or is JSON, and the own CSV "
            "form has a column named time",
            where=Location(str(path), 1),
            value=first[:60],
        )
    )


def read_csv(path: str | Path) -> Weather:
    """Read the own CSV form.

    Raises
    ------
    InputError
        With file and line: unknown or missing keys, columns without a known name, stamps without
        an offset, text in a number, gaps, doubled stamps, impossible values.
    """
    path = Path(path)
    lines = read_lines(path)
    count = next((i for i, line in enumerate(lines) if not line.startswith("#")), len(lines))
    site = _site_of(path, lines[:count])
    if len(lines) <= count + 1:
        raise InputError(Finding("no rows of data", where=Location(str(path), len(lines))))
    raw = pd.read_csv(io.StringIO("\n".join(lines[count:])), dtype=str, skip_blank_lines=False)
    raw.columns = raw.columns.str.strip()
    unknown = [name for name in raw.columns if name != "time" and name not in LIMITS]
    findings = [
        Finding(
            f"unknown column; allowed: time, {', '.join(LIMITS)}",
            where=Location(str(path), count + 1),
            key=name,
        )
        for name in unknown
    ]
    if "time" not in raw.columns:
        findings.append(Finding("the column time is missing", where=Location(str(path), count + 1)))
    if findings:
        raise InputError(findings)
    first_line = count + 2
    index = _index(path, raw["time"], first_line)
    table = to_numbers(raw.drop(columns="time"), path, first_line).set_axis(index, axis="index")
    findings = check_table(table, lambda row: Location(str(path), first_line + row))
    if findings:
        raise InputError(findings)
    return Weather(table, **site)  # type: ignore[arg-type]


def write_csv(weather: Weather, path: str | Path) -> None:
    """Write a weather table in the own CSV form; ``read_csv`` gives the same table back."""
    head = {key: getattr(weather, key) for key in _KEYS}
    lines = [
        f"# {key}: {str(value).lower() if isinstance(value, bool) else value}"
        for key, value in head.items()
        if value not in {None, "", False}
    ]
    table = weather.table.set_axis(
        pd.Index([stamp.isoformat() for stamp in weather.index], name="time"), axis="index"
    )
    Path(path).write_text("\n".join(lines) + "\n" + table.to_csv(), encoding="utf-8")


def _site_of(path: Path, lines: list[str]) -> dict[str, object]:
    findings = []
    site: dict[str, object] = {}
    for number, line in enumerate(lines, start=1):
        key, colon, text = (part.strip() for part in line.lstrip("#").partition(":"))
        where = Location(str(path), number)
        if not colon or key not in _KEYS:
            findings.append(
                Finding(f"unknown key; allowed: {', '.join(_KEYS)}", where=where, key=key)
            )
        elif key in _NUMBER_KEYS:
            try:
                site[key] = float(text)
            except ValueError:
                findings.append(Finding("must be a number", where=where, key=key, value=text))
        elif key == "typical_year" and text not in {"true", "false"}:
            findings.append(Finding("must be true or false", where=where, key=key, value=text))
        else:
            site[key] = text == "true" if key == "typical_year" else text
    held = {line.lstrip("#").partition(":")[0].strip() for line in lines}
    findings += [
        Finding(f"add a line '# {key}: ...'", where=Location(str(path), 1), key=key)
        for key in _NEEDED
        if key not in held
    ]
    if findings:
        raise InputError(findings)
    return {"source": path.name} | site


def _index(path: Path, texts: pd.Series[str], first_line: int) -> pd.DatetimeIndex:
    """Stamps in the offset of the first row."""
    texts = texts.fillna("").str.strip()
    offsets = texts.str.extract(r"(Z|[+-]\d{2}:?\d{2})$")[0]
    stamps = pd.to_datetime(texts, format="ISO8601", utc=True, errors="coerce")
    findings: list[Finding] = []
    for wrong, message in (
        (stamps.isna(), "not a time; write it like 2024-01-01T00:00+08:00"),
        (
            stamps.notna() & offsets.isna(),
            "the time has no offset from UTC; write it like 2024-01-01T00:00+08:00",
        ),
    ):
        findings.extend(
            Finding(
                f"{message} ({int(wrong.sum())} such rows)",
                where=Location(str(path), first_line + int(row)),
                key="time",
                value=texts.iloc[int(row)],
            )
            for row in np.flatnonzero(wrong.to_numpy())[:3]
        )
    if findings:
        raise InputError(findings)
    zone = pd.Timestamp(texts.iloc[0]).tz
    return pd.DatetimeIndex(stamps, name="time").tz_convert(zone)
