from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from microgrid_opt.errors import InputError, Location
from microgrid_opt.weather.frame import Weather, check_table, monthly_table


def make(rows: int = 48, freq: str = "h", **columns: object) -> pd.DataFrame:
    index = pd.date_range("2024-03-01", periods=rows, freq=freq, tz="Asia/Shanghai", name="time")
    return pd.DataFrame(columns or {"ghi_w_per_m2": 100.0, "temperature_degc": 10.0}, index=index)


def weather_of(table: pd.DataFrame, **site: object) -> Weather:
    place: dict[str, object] = {"latitude": 32.4, "longitude": 119.4, "altitude_m": 8.0} | site
    return Weather(table, **place)  # type: ignore[arg-type]


def messages(table: pd.DataFrame, **site: object) -> list[str]:
    with pytest.raises(InputError) as caught:
        weather_of(table, **site)
    return [str(finding) for finding in caught.value.findings]


@pytest.mark.parametrize(("freq", "minutes"), [("h", 60), ("15min", 15), ("5min", 5)])
def test_step_length_is_read_from_the_stamps(freq: str, minutes: int) -> None:
    weather = weather_of(make(freq=freq))
    assert weather.step_minutes == minutes
    assert weather.step_hours == minutes / 60


def test_sun_stands_at_the_middle_of_the_step_unless_told() -> None:
    table = make(freq="15min")
    middle = weather_of(table).sun_times()
    told = weather_of(table, sun_minute=2.0).sun_times()
    assert middle[0] == pd.Timestamp("2024-03-01T00:07:30+08:00")
    assert told[0] == pd.Timestamp("2024-03-01T00:02+08:00")


def test_every_impossible_value_is_named_with_row_time_column_and_value() -> None:
    table = make()
    table.iloc[3, 0] = np.nan
    table.iloc[5, 0] = -2.5
    table.iloc[7, 1] = 99.9
    nan, negative, hot = messages(table)
    assert nan.startswith("ghi_w_per_m2 = nan: row 4 (2024-03-01 03:00:00+08:00): not a number")
    assert negative.startswith("ghi_w_per_m2 = -2.5: row 6 (2024-03-01 05:00:00+08:00): below 0")
    assert "set small negative night readings to 0" in negative
    assert hot.startswith("temperature_degc = 99.9: row 8")
    assert "missing value" in hot


def test_many_wrong_rows_are_counted_not_listed() -> None:
    table = make()
    table["ghi_w_per_m2"] = -1.0
    found = messages(table)
    assert len(found) == 3
    assert found[-1].endswith("(and 45 more rows)")


def test_a_gap_a_doubled_and_an_unordered_stamp_are_named() -> None:
    full = make()
    gap = messages(full.drop(index=full.index[[10, 11]]))
    assert gap == [
        "time: row 11 (2024-03-01 12:00:00+08:00): gap of 2 steps before this row; "
        "fill the missing rows"
    ]
    doubled = messages(full.iloc[[0, 1, 1, 2, 3]])
    assert "row 3 (2024-03-01 01:00:00+08:00): the same stamp stands twice" in doubled[0]
    unordered = messages(full.iloc[[0, 2, 1, 3, 4, 5, 6]])
    assert any("earlier than the one before" in text for text in unordered)
    stamps = [*full.index[:-1], pd.Timestamp("2024-03-02T23:07", tz="Asia/Shanghai")]
    shifted = full.set_axis(pd.DatetimeIndex(stamps), axis="index")
    assert "67 minutes after the row before; all steps must be 60 minutes" in messages(shifted)[0]


def test_daylight_saving_is_no_gap() -> None:
    """Proves: steps are compared as instants. Sensitivity: by wall clock, 31 March has a gap."""
    index = pd.date_range("2024-03-30", periods=72, freq="h", tz="Europe/Berlin")
    assert weather_of(pd.DataFrame({"ghi_w_per_m2": 0.0}, index=index)).step_minutes == 60


def test_stamps_need_a_zone_and_a_step_that_divides_the_hour() -> None:
    table = make()
    assert "time zone" in messages(table.tz_localize(None))[0]
    assert "does not divide the hour" in messages(make(freq="7min"))[0]
    assert "does not divide the hour" in messages(make(freq="2h"))[0]
    assert "two rows or more" in messages(table.iloc[:1])[0]
    empty = table.set_axis(table.index.where(np.arange(48) != 4))
    assert "row 5" in messages(empty)[0]


def test_columns_must_be_known_numeric_and_single() -> None:
    unknown = messages(make(ghi=1.0))
    assert unknown[0].startswith("ghi: unknown column; known columns: ghi_w_per_m2")
    assert "must hold numbers" in messages(make(ghi_w_per_m2="a"))[0]
    doubled = make()
    doubled.columns = pd.Index(["ghi_w_per_m2", "ghi_w_per_m2"])
    assert "stands twice" in messages(doubled)[0]
    assert "no columns" in messages(make().drop(columns=["ghi_w_per_m2", "temperature_degc"]))[0]


def test_site_data_are_checked_together_with_the_table() -> None:
    table = make()
    table.iloc[0, 0] = -1.0
    found = messages(
        table, latitude=91.0, longitude=200.0, altitude_m=1e5, wind_height_m=0.0, sun_minute=60.0
    )
    keys = ("ghi_w_per_m2", "latitude", "longitude", "altitude_m", "wind_height_m", "sun_minute")
    assert [text.split(" ")[0] for text in found] == list(keys)


def test_findings_carry_the_place_in_the_file() -> None:
    table = make()
    table.iloc[2, 0] = np.inf
    (finding,) = check_table(table, lambda row: Location("roof.csv", row + 9))
    assert str(finding).startswith("roof.csv:11: ghi_w_per_m2 = inf")


def test_a_missing_column_says_what_is_there() -> None:
    weather = weather_of(make(), source="station 58245")
    assert not weather.has("wind_speed_m_per_s")
    with pytest.raises(InputError, match=r"\(station 58245\) has no column wind_speed_m_per_s; it"):
        weather.column("wind_speed_m_per_s")


def test_the_table_is_frozen_against_later_changes() -> None:
    table = make()
    weather = weather_of(table)
    table.iloc[0, 0] = 5.0
    assert weather.column("ghi_w_per_m2")[0] == 100.0


def test_monthly_means_are_per_day_and_local() -> None:
    """Proves: 100 W/m2 all day is 2.4 kWh/m2 a day. Sensitivity: in UTC, March would have 8 h less."""
    index = pd.date_range("2024-03-01", "2024-04-30 23:00", freq="h", tz="Asia/Shanghai")
    ghi = np.where(index.month == 3, 100.0, 200.0)
    table = pd.DataFrame({"ghi_w_per_m2": ghi, "temperature_degc": 7.0}, index=index)
    months = monthly_table(weather_of(table))
    assert list(months.columns) == ["ghi_kwh_per_m2_day", "temperature_degc"]
    assert months["ghi_kwh_per_m2_day"].to_dict() == pytest.approx({3: 2.4, 4: 4.8})
