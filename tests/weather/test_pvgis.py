from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
import requests
from pvlib import iotools

from microgrid_opt.errors import InputError
from microgrid_opt.weather.files import read_weather
from microgrid_opt.weather.pvgis import fetch_pvgis, read_pvgis

if TYPE_CHECKING:
    from pathlib import Path

PLACE = {"latitude": 32.39, "longitude": 119.41, "elevation": 9.0}


def hourly_json(slope: float = 0.0, minute: int = 10, *, components: bool = True) -> dict[str, Any]:
    """Form of PVGIS 5.3 seriescalc with 48 hours."""
    rows = []
    for hour in range(48):
        row: dict[str, Any] = {"time": f"201601{1 + hour // 24:02d}:{hour % 24:02d}{minute:02d}"}
        if components:
            row |= {"Gb(i)": 100.0, "Gd(i)": 50.0, "Gr(i)": 0.0}
        else:
            row |= {"G(i)": 150.0}
        rows.append(row | {"H_sun": 30.0, "T2m": 5.0, "WS10m": 3.0, "Int": 0.0})
    fixed = {"slope": {"value": slope, "optimal": False}, "azimuth": {"value": 0}, "type": "fixed"}
    inputs = {"location": PLACE, "mounting_system": {"fixed": fixed}}
    return {"inputs": inputs, "outputs": {"hourly": rows}, "meta": {"inputs": {}, "outputs": {}}}


def typical_json(offset: float | None = 0.1761) -> dict[str, Any]:
    """Form of PVGIS 5.3 tmy: months of many years, UTC, offset in the place."""
    rows = []
    for month in range(1, 13):
        days = pd.date_range(f"{2004 + month}-{month:02d}-01", periods=31, freq="D")
        for day in days[(days.month == month) & ~((days.month == 2) & (days.day == 29))]:
            rows += [
                {
                    "time(UTC)": f"{day:%Y%m%d}:{hour:02d}00",
                    "T2m": 5.0 + month,
                    "RH": 50.0,
                    "G(h)": 10.0 * hour,
                    "Gb(n)": 20.0,
                    "Gd(h)": 4.0,
                    "IR(h)": 300.0,
                    "WS10m": 3.0,
                    "WD10m": 90.0,
                    "SP": 101000.0,
                }
                for hour in range(24)
            ]
    place = PLACE | ({} if offset is None else {"irradiance_time_offset": offset})
    outputs = {"months_selected": [], "tmy_hourly": rows}
    return {"inputs": {"location": place}, "outputs": outputs, "meta": {"inputs": {}}}


def typical_csv(offset: float | None = 0.1761) -> str:
    data = typical_json(offset)
    lines = [f"Latitude (decimal degrees): {PLACE['latitude']}"]
    lines += [f"Longitude (decimal degrees): {PLACE['longitude']}", "Elevation (m): 9.0"]
    if offset is not None:
        lines.append(f"Irradiance Time Offset (h): {offset}")
    lines += ["month,year", *(f"{month},{2004 + month}" for month in range(1, 13))]
    rows = data["outputs"]["tmy_hourly"]
    lines.append(",".join(rows[0]))
    lines += [",".join(str(value) for value in row.values()) for row in rows]
    lines += ["", "T2m: 2-m air temperature (degree Celsius)"]
    return "\n".join(lines) + "\n"


def save(path: Path, content: str | dict[str, Any]) -> Path:
    text = content if isinstance(content, str) else json.dumps(content)
    path.write_text(text, encoding="utf-8")
    return path


def test_hourly_series_keeps_its_instant_of_the_hour(tmp_path: Path) -> None:
    """Proves: a stamp of 00:10 is stored under 00:00 with the sun at 10 minutes past."""
    weather = read_weather(save(tmp_path / "a.json", hourly_json()))
    assert weather.index[0] == pd.Timestamp("2016-01-01T00:00Z")
    assert weather.sun_times()[0] == pd.Timestamp("2016-01-01T00:10Z")
    assert not weather.typical_year
    assert weather.column("ghi_w_per_m2")[0] == 150.0
    assert weather.column("dhi_w_per_m2")[0] == 50.0
    assert not weather.has("dni_w_per_m2")
    assert (weather.latitude, weather.longitude, weather.altitude_m) == (32.39, 119.41, 9.0)


def test_hourly_series_without_components_has_only_the_global(tmp_path: Path) -> None:
    weather = read_pvgis(save(tmp_path / "a.json", hourly_json(components=False)))
    assert weather.column("ghi_w_per_m2")[0] == 150.0
    assert not weather.has("dhi_w_per_m2")


def test_hourly_csv_is_the_same_as_json(tmp_path: Path) -> None:
    data = hourly_json()
    rows = data["outputs"]["hourly"]
    head = [
        "Latitude (decimal degrees):\t32.39",
        "Longitude (decimal degrees):\t119.41",
        "Elevation (m):\t9",
        "Radiation database:\tPVGIS-ERA5",
        "",
        "Slope: 0 deg. ",
        "Azimuth: 0 deg. ",
        ",".join(rows[0]),
    ]
    text = "\n".join(head + [",".join(map(str, row.values())) for row in rows] + ["", "Int: 1"])
    from_csv = read_weather(save(tmp_path / "a.csv", text + "\n"))
    from_json = read_weather(save(tmp_path / "a.json", data))
    pd.testing.assert_frame_equal(from_csv.table, from_json.table)
    sloped = text.replace("Slope: 0", "Slope: 35")
    with pytest.raises(InputError, match="sloped plane"):
        read_weather(save(tmp_path / "b.csv", sloped))


def test_a_sloped_plane_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"slope = 30.0: .*sloped plane; download it with slope 0"):
        read_pvgis(save(tmp_path / "a.json", hourly_json(slope=30.0)))


@pytest.mark.parametrize(("offset", "minute"), [(0.1761, 10.566), (0.5, 30.0), (None, None)])
@pytest.mark.parametrize("form", ["csv", "json"])
def test_typical_year_takes_its_instant_from_the_header(
    tmp_path: Path, form: str, offset: float | None, minute: float | None
) -> None:
    content = typical_csv(offset) if form == "csv" else typical_json(offset)
    weather = read_weather(save(tmp_path / f"a.{form}", content))
    assert weather.typical_year
    assert len(weather.index) == 8760
    assert weather.index[0] == pd.Timestamp("2001-01-01T00:00Z")
    assert weather.sun_minute == (None if minute is None else pytest.approx(minute))
    assert weather.column("ghi_w_per_m2")[5] == 50.0
    assert weather.column("temperature_degc")[[0, -1]].tolist() == [6.0, 17.0]
    assert weather.column("pressure_pa")[0] == 101000.0


def test_a_negative_offset_belongs_to_the_hour_before(tmp_path: Path) -> None:
    """Proves: -0.25 h is 45 minutes past the hour before. Sensitivity: floor, not rounding."""
    weather = read_weather(save(tmp_path / "a.json", typical_json(-0.25)))
    assert weather.sun_minute == pytest.approx(45.0)
    assert weather.index[0] == pd.Timestamp("2000-12-31T23:00Z")


def test_problems_name_the_line_of_a_csv(tmp_path: Path) -> None:
    lines = typical_csv().splitlines()
    lines[20] = lines[20].replace(",20.0,20.0,", ",20.0,-7.0,")
    path = save(tmp_path / "a.csv", "\n".join(lines))
    with pytest.raises(InputError) as caught:
        read_weather(path)
    assert f"{path}:21: dni_w_per_m2 = -7.0: row 3" in str(caught.value)


def test_damaged_and_foreign_files_are_refused(tmp_path: Path) -> None:
    broken = hourly_json()
    for row in broken["outputs"]["hourly"]:
        del row["time"]
    with pytest.raises(InputError, match="the PVGIS file is damaged"):
        read_pvgis(save(tmp_path / "a.json", broken))
    with pytest.raises(InputError, match="not a PVGIS hourly series"):
        read_pvgis(save(tmp_path / "b.json", {"outputs": {"monthly": []}}))
    with pytest.raises(InputError, match=r"c.json:1: broken JSON"):
        read_pvgis(save(tmp_path / "c.json", "{"))


def test_fetching_reads_what_the_service_sends(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = typical_json()
    data, meta = iotools.pvgis._parse_pvgis_tmy_json(sent)
    data = data.rename(columns=iotools.pvgis.VARIABLE_MAP)
    monkeypatch.setattr(iotools, "get_pvgis_tmy", lambda *_, **__: (data, meta))
    weather = fetch_pvgis(32.39, 119.41)
    assert weather.source == "PVGIS typical_year at 32.39, 119.41"
    assert weather.sun_minute == pytest.approx(10.566)

    hourly, about = iotools.pvgis._parse_pvgis_hourly_json(hourly_json(), map_variables=True)
    asked: dict[str, Any] = {}

    def answer(*_: float, **options: Any) -> tuple[pd.DataFrame, dict[str, Any]]:
        asked.update(options)
        return hourly, about

    monkeypatch.setattr(iotools, "get_pvgis_hourly", answer)
    weather = fetch_pvgis(32.39, 119.41, kind="hourly", start_year=2016, end_year=2016)
    assert weather.sun_minute == 10.0
    assert (asked["start"], asked["end"]) == (2016, 2016)


def test_fetching_without_a_network_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: float, **__: object) -> None:
        raise requests.ConnectionError("no route to host")

    monkeypatch.setattr(iotools, "get_pvgis_tmy", unreachable)
    with pytest.raises(
        InputError, match=r"PVGIS did not answer .*no route to host.* read the file"
    ):
        fetch_pvgis(32.39, 119.41)
