from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pvlib
import pytest

from microgrid_opt.errors import InputError
from microgrid_opt.weather.files import read_csv, read_weather, write_csv
from microgrid_opt.weather.formats import read_epw, read_tmy3

if TYPE_CHECKING:
    from pathlib import Path

    from microgrid_opt.weather.frame import Weather

EPW_HEAD = """LOCATION,Yangzhou,Jiangsu,CHN,made,582450,32.39,119.41,8.0,8.0
DESIGN CONDITIONS,0
TYPICAL/EXTREME PERIODS,0
GROUND TEMPERATURES,0
HOLIDAYS/DAYLIGHT SAVINGS,No,0,0,0
COMMENTS 1,made for a test
COMMENTS 2,
DATA PERIODS,1,1,Data,Sunday, 1/ 1,12/31
"""


def epw_row(stamp: pd.Timestamp, hour: int, **changes: float) -> str:
    """One EPW row of 35 fields; ``stamp`` is the start of the hour that ends at ``hour``."""
    value = {"temp": 15.5, "pressure": 101000, "ghi": 10 * hour, "dni": 20, "dhi": 5, "wind": 3.2}
    value |= changes
    fields = ["0"] * 35
    fields[:6] = [str(stamp.year), str(stamp.month), str(stamp.day), str(hour), "0", "?9"]
    fields[6], fields[9] = str(value["temp"]), str(value["pressure"])
    fields[13:16] = [str(value["ghi"]), str(value["dni"]), str(value["dhi"])]
    fields[21] = str(value["wind"])
    return ",".join(fields)


def write_epw(path: Path, rows: list[str], head: str = EPW_HEAD) -> Path:
    path.write_text(head + "\n".join(rows) + "\n", encoding="utf-8")
    return path


def epw_year(years: dict[int, int], **changes: float) -> list[str]:
    """Rows of twelve months, each from its own year."""
    rows = []
    for month in range(1, 13):
        year = years.get(month, 2010)
        for stamp in pd.date_range(f"{year}-{month:02d}-01", periods=31, freq="D"):
            if stamp.month == month:
                rows += [epw_row(stamp, hour, **changes) for hour in range(1, 25)]
    return rows


def problem(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_weather(path)
    return str(caught.value)


# --- EPW


def test_epw_hours_end_and_are_stored_at_their_start(tmp_path: Path) -> None:
    """Proves: hour 1 is the hour from midnight. Sensitivity: stored at its end, index[0] is 01:00."""
    path = write_epw(tmp_path / "a.epw", epw_year({}))
    weather = read_epw(path)
    assert weather.index[0] == pd.Timestamp("2010-01-01T00:00+08:00")
    assert weather.index[-1] == pd.Timestamp("2010-12-31T23:00+08:00")
    assert weather.column("ghi_w_per_m2")[[0, 23, 24]].tolist() == [10.0, 240.0, 10.0]
    assert weather.column("pressure_pa")[0] == 101000.0
    assert (weather.latitude, weather.longitude, weather.altitude_m) == (32.39, 119.41, 8.0)
    assert weather.wind_height_m == 10.0
    assert not weather.typical_year
    assert "Yangzhou" in weather.source


def test_epw_of_mixed_years_becomes_one_nominal_year(tmp_path: Path) -> None:
    weather = read_epw(write_epw(tmp_path / "a.epw", epw_year({2: 2005, 7: 1999})))
    assert weather.typical_year
    assert set(weather.index.year) == {2001}
    assert len(weather.index) == 8760


def test_epw_of_mixed_years_with_a_leap_day_becomes_a_leap_year(tmp_path: Path) -> None:
    weather = read_epw(write_epw(tmp_path / "a.epw", epw_year({2: 2008})))
    assert weather.typical_year
    assert len(weather.index) == 8784
    assert set(weather.index.year) == {2004}


def test_epw_of_one_real_leap_year_keeps_its_year(tmp_path: Path) -> None:
    years = dict.fromkeys(range(1, 13), 2020)
    weather = read_epw(write_epw(tmp_path / "a.epw", epw_year(years)))
    assert not weather.typical_year
    assert len(weather.index) == 8784
    assert set(weather.index.year) == {2020}


def test_epw_agrees_with_pvlib(tmp_path: Path) -> None:
    path = write_epw(tmp_path / "a.epw", epw_year({}))
    ours = read_epw(path)
    theirs, _ = pvlib.iotools.read_epw(str(path))
    assert ours.index.equals(pd.DatetimeIndex(theirs.index))
    for name, key in (("ghi", "ghi_w_per_m2"), ("wind_speed", "wind_speed_m_per_s")):
        np.testing.assert_array_equal(theirs[name].to_numpy(), ours.column(key))


def test_epw_without_any_pressure_has_no_pressure(tmp_path: Path) -> None:
    path = write_epw(tmp_path / "a.epw", epw_year({}, pressure=999999))
    assert not read_epw(path).has("pressure_pa")


def test_epw_problems_name_file_line_and_value(tmp_path: Path) -> None:
    day = pd.Timestamp("2010-01-01")
    good = [epw_row(day, hour) for hour in range(1, 25)]
    path = tmp_path / "a.epw"

    write_epw(path, [*good[:4], good[4].replace("15.5", "warm"), *good[5:]])
    assert f"{path}:13: temperature_degc = 'warm': not a number" in problem(path)

    write_epw(path, [*good[:9], epw_row(day, 10, ghi=9999), *good[10:]])
    assert f"{path}:18: ghi_w_per_m2 = 9999.0: row 10 (2010-01-01 09:00:00+08:00)" in problem(path)

    write_epw(path, good[:6] + good[7:])
    assert f"{path}:15: time: row 7 (2010-01-01 07:00:00+08:00): gap of 1 steps" in problem(path)

    write_epw(path, [*good[:23], epw_row(day, 25)])
    assert f"{path}:32: time: no such date or hour" in problem(path)

    write_epw(path, [*good[:23], good[23].replace("2010,1,1", "2010,2,30")])
    assert f"{path}:32: time: no such date or hour" in problem(path)

    write_epw(path, ["2010,1,1,1"])
    assert f"{path}:9: 4 fields in a row where an EPW file has 35" in problem(path)

    write_epw(path, good, EPW_HEAD.replace("DATA PERIODS,1,1", "DATA PERIODS,1,4"))
    assert f"{path}:8: DATA PERIODS" in problem(path)

    write_epw(path, good, EPW_HEAD.replace("32.39", "north"))
    assert f"{path}:1: the first line must give latitude" in problem(path)

    write_epw(path, [good[0], good[1] + ",1,2", *good[2:]])
    assert "cannot be read as a table" in problem(path)

    with pytest.raises(InputError, match="not an EPW file"):
        read_epw(write_epw(path, good, "no head\n"))


# --- TMY3


def test_tmy3_hours_end_and_are_stored_at_their_start(greensboro: Weather) -> None:
    assert greensboro.typical_year
    assert greensboro.index[0] == pd.Timestamp("2001-01-01T00:00-05:00")
    assert greensboro.index[-1] == pd.Timestamp("2001-12-31T23:00-05:00")
    assert len(greensboro.index) == 8760
    assert greensboro.altitude_m == 273.0
    assert not greensboro.has("albedo")


def test_tmy3_agrees_with_pvlib(greensboro: Weather, greensboro_file: Path) -> None:
    """Proves: values and order as pvlib's, stamps one hour earlier.

    One stamp differs: February is from 1996, whose 28 February 24:00 pvlib moves to 1 March 0:00.
    """
    theirs, meta = pvlib.iotools.read_tmy3(greensboro_file, map_variables=True)
    stamps = pd.DatetimeIndex(theirs.index) - pd.Timedelta(hours=1)
    assert (stamps.month == greensboro.index.month).all()
    assert (stamps.hour == greensboro.index.hour).all()
    moved = greensboro.index[stamps.day != greensboro.index.day]
    assert moved.tolist() == [pd.Timestamp("2001-02-28T23:00-05:00")]
    names = {"ghi": "ghi_w_per_m2", "dni": "dni_w_per_m2", "temp_air": "temperature_degc"}
    for name, key in names.items():
        np.testing.assert_array_equal(theirs[name].to_numpy(), greensboro.column(key))
    assert greensboro.latitude == meta["latitude"]


def test_tmy3_problems_name_file_and_line(greensboro_file: Path, tmp_path: Path) -> None:
    lines = greensboro_file.read_text(encoding="utf-8").splitlines()[:50]
    path = tmp_path / "a.csv"

    path.write_text("\n".join([*lines[:9], lines[9].replace("01/01/1988,08:00", "01/01/1988,8h")]))
    assert f"{path}:10: time: no such date or hour" in problem(path)

    missing = lines[11].split(",")
    missing[4] = "-9900"
    path.write_text("\n".join([*lines[:11], ",".join(missing), *lines[12:]]))
    assert f"{path}:12: ghi_w_per_m2 = -9900.0: row 10" in problem(path)

    path.write_text("\n".join([lines[0], lines[1].replace("GHI (W/m^2)", "Global"), *lines[2:]]))
    assert "a TMY3 file needs the columns GHI (W/m^2)" in problem(path)

    path.write_text("\n".join(lines[1:]))
    with pytest.raises(InputError, match="the second line must begin with Date"):
        read_tmy3(path)


# --- own CSV


CSV = """# latitude: 32.39
# longitude: 119.41
# altitude_m: 8
# source: roof station
# wind_height_m: 12
time,ghi_w_per_m2,temperature_degc
2024-01-01T00:00+08:00,0,3.5
2024-01-01T00:30+08:00,0,3.0
2024-01-01T01:00+08:00,12,2.5
"""


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_own_csv_is_read(tmp_path: Path) -> None:
    weather = read_csv(write(tmp_path / "a.csv", CSV))
    assert weather.step_minutes == 30
    assert weather.index[2] == pd.Timestamp("2024-01-01T01:00+08:00")
    assert weather.column("ghi_w_per_m2").tolist() == [0.0, 0.0, 12.0]
    assert (weather.latitude, weather.altitude_m, weather.wind_height_m) == (32.39, 8.0, 12.0)
    assert weather.source == "roof station"


def test_own_csv_across_daylight_saving_is_one_offset(tmp_path: Path) -> None:
    head = "# latitude: 52\n# longitude: 13\n# altitude_m: 40\ntime,ghi_w_per_m2\n"
    rows = "2024-03-31T01:00+01:00,0\n2024-03-31T03:00+02:00,0\n2024-03-31T04:00+02:00,5\n"
    weather = read_csv(write(tmp_path / "a.csv", head + rows))
    assert weather.step_minutes == 60
    assert [stamp.hour for stamp in weather.index] == [1, 2, 3]


def test_own_csv_comes_back_as_it_was_written(greensboro: Weather, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    write_csv(greensboro, path)
    back = read_weather(path)
    pd.testing.assert_frame_equal(back.table, greensboro.table, check_freq=False)
    assert back.source == greensboro.source
    assert back.typical_year
    assert back.sun_minute is None


def test_own_csv_problems_name_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"

    write(path, CSV.replace("# longitude: 119.41\n", "# height: 3\n# altitude_m: high\n"))
    found = problem(path)
    assert f"{path}:2: height: unknown key; allowed: latitude" in found
    assert f"{path}:3: altitude_m = 'high': must be a number" in found
    assert "longitude: add a line '# longitude: ...'" in found

    write(path, CSV.replace("temperature_degc", "temperature"))
    assert f"{path}:6: temperature: unknown column; allowed: time, ghi_w_per_m2" in problem(path)

    write(path, CSV.replace("00:30+08:00", "00:30"))
    assert f"{path}:8: time = '2024-01-01T00:30': the time has no offset" in problem(path)

    write(path, CSV.replace("2024-01-01T00:30+08:00", "half past"))
    assert f"{path}:8: time = 'half past': not a time" in problem(path)

    write(path, CSV.replace("12,2.5", "bright,2.5"))
    assert f"{path}:9: ghi_w_per_m2 = 'bright': not a number" in problem(path)

    write(path, CSV.replace("0,3.0", ",3.0"))
    assert f"{path}:8: ghi_w_per_m2 = nan: not a number" in problem(path)

    write(path, CSV.replace("2024-01-01T01:00", "2024-01-01T01:30"))
    assert f"{path}:9: time" in problem(path)

    write(path, CSV.replace("12,2.5", "-3,2.5"))
    assert f"{path}:9: ghi_w_per_m2 = -3.0: row 3" in problem(path)

    write(path, CSV.replace("# source: roof station", "# typical_year: maybe"))
    assert "typical_year = 'maybe': must be true or false" in problem(path)

    write(path, "\n".join(CSV.splitlines()[:6]))
    assert "no rows of data" in problem(path)

    with pytest.raises(InputError, match="the column time is missing"):
        read_csv(write(path, CSV.replace("time,", "pressure_pa,")))


# --- any


def test_the_format_is_told_from_the_content(greensboro_file: Path, tmp_path: Path) -> None:
    assert read_weather(greensboro_file).latitude == 36.1
    assert read_weather(write(tmp_path / "a.txt", CSV)).latitude == 32.39
    path = write_epw(tmp_path / "b.txt", epw_year({}))
    assert read_weather(path).latitude == 32.39


def test_unknown_files_and_formats_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "hello\n")
    assert f"{path}:1: this is no weather file that I know" in problem(path)
    with pytest.raises(InputError, match="unknown weather format; allowed: csv, epw, pvgis, tmy3"):
        read_weather(path, format="grib")  # type: ignore[arg-type]
    assert "cannot be read: No such file" in problem(tmp_path / "none.epw")


def test_a_file_of_an_old_code_page_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.epw"
    text = EPW_HEAD.replace("made for a test", "fait à Orléans") + "\n".join(epw_year({}))
    path.write_bytes(text.encode("latin-1"))
    assert read_epw(path).latitude == 32.39
