from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid_opt.errors import InputError
from microgrid_opt.weather.align import align
from microgrid_opt.weather.frame import Weather


def year_of(
    year: int, tz: str = "Asia/Shanghai", *, freq: str = "h", typical: bool = True
) -> Weather:
    """Whole year whose wind speed numbers the days (1 January is 0.01) and temperature the hours."""
    index = pd.date_range(f"{year}-01-01", f"{year}-12-31 23:59", freq=freq, tz=tz)
    table = pd.DataFrame(
        {
            "temperature_degc": index.hour.to_numpy(dtype=float),
            "wind_speed_m_per_s": index.day_of_year.to_numpy(dtype=float) / 100,
        },
        index=index,
    )
    return Weather(table, 32.4, 119.4, 8.0, typical_year=typical)


def days(weather: Weather) -> list[float]:
    return [round(value * 100) for value in weather.column("wind_speed_m_per_s")[::24]]


def test_a_typical_year_is_laid_by_calendar_on_any_year() -> None:
    stamps = pd.date_range("2025-02-27", periods=72, freq="h", tz="Asia/Shanghai")
    laid = align(year_of(2001), stamps)
    assert laid.index.equals(stamps)
    assert days(laid) == [58, 59, 60]
    assert laid.column("temperature_degc").tolist() == list(range(24)) * 3
    assert not laid.typical_year


def test_a_leap_day_is_refused_or_copied_from_the_day_before() -> None:
    stamps = pd.date_range("2024-02-28", periods=72, freq="h", tz="Asia/Shanghai")
    with pytest.raises(InputError, match=r"29 February \(2024-02-29 00:00.*copy_feb_28"):
        align(year_of(2001), stamps)
    assert days(align(year_of(2001), stamps, leap_day="copy_feb_28")) == [59, 59, 60]
    assert days(align(year_of(2004), stamps)) == [59, 60, 61]


def test_a_leap_typical_year_skips_its_leap_day_in_a_common_year() -> None:
    stamps = pd.date_range("2025-02-28", periods=48, freq="h", tz="Asia/Shanghai")
    assert days(align(year_of(2004), stamps)) == [59, 61]


def test_daylight_saving_in_the_horizon_does_not_move_the_sun() -> None:
    """Proves: rows go by standard time. Sensitivity: by wall clock, noon in July would read 12."""
    weather = year_of(2001, "Etc/GMT-1")
    stamps = pd.DatetimeIndex(["2025-07-01T12:00", "2025-07-01T13:00"]).tz_localize("Europe/Berlin")
    assert align(weather, stamps).column("temperature_degc").tolist() == [11.0, 12.0]


def test_a_typical_year_in_utc_wraps_at_new_year() -> None:
    stamps = pd.date_range("2025-01-01", periods=24, freq="h", tz="Asia/Shanghai")
    laid = align(year_of(2001, "UTC"), stamps)
    assert laid.column("temperature_degc").tolist() == [*range(16, 24), *range(16)]
    assert laid.column("wind_speed_m_per_s")[[0, 7, 8]].tolist() == [3.65, 3.65, 0.01]


def test_a_real_year_goes_by_date_and_refuses_others() -> None:
    weather = year_of(2023, typical=False)
    inside = pd.date_range("2023-06-01T05:00", periods=3, freq="h", tz="UTC")
    assert align(weather, inside).column("temperature_degc").tolist() == [13.0, 14.0, 15.0]
    outside = pd.date_range("2023-12-31 22:00", periods=4, freq="h", tz="Asia/Shanghai")
    with pytest.raises(InputError, match=r"2 of 4 steps have no weather, the first at 2024-01-01"):
        align(weather, outside)
    assert align(weather, outside, by="calendar").column("temperature_degc").tolist() == [
        22.0,
        23.0,
        0.0,
        1.0,
    ]


def test_by_calendar_needs_a_whole_year() -> None:
    half = Weather(year_of(2023).table.iloc[:4000], 32.4, 119.4, 8.0)
    stamps = pd.date_range("2023-01-01", periods=2, freq="h", tz="Asia/Shanghai")
    with pytest.raises(InputError, match="365 or 366 days"):
        align(half, stamps, by="calendar")


def test_a_coarser_step_takes_the_mean() -> None:
    quarter = year_of(2001, freq="15min")
    values = np.tile([0.0, 1.0, 2.0, 5.0], len(quarter.index) // 4)
    weather = Weather(
        quarter.table.assign(temperature_degc=values),
        32.4,
        119.4,
        8.0,
        sun_minute=1.0,
        typical_year=True,
    )
    hourly = pd.date_range("2025-05-01", periods=3, freq="h", tz="Asia/Shanghai")
    laid = align(weather, hourly)
    assert laid.column("temperature_degc").tolist() == [2.0, 2.0, 2.0]
    assert laid.sun_minute is None
    half = pd.date_range("2025-05-01", periods=2, freq="30min", tz="Asia/Shanghai")
    assert align(weather, half).column("temperature_degc").tolist() == [0.5, 3.5]
    same = pd.date_range("2025-05-01", periods=2, freq="15min", tz="Asia/Shanghai")
    assert align(weather, same).sun_minute == 1.0


def test_a_finer_step_is_refused_unless_interpolation_is_asked_for() -> None:
    """Proves: linear between the middles of the hours. Sensitivity: from stamps, 7.125 for 6.625."""
    stamps = pd.date_range("2025-05-01T07:00", periods=4, freq="15min", tz="Asia/Shanghai")
    with pytest.raises(InputError, match="15 minutes is not a multiple of the weather's 60"):
        align(year_of(2001), stamps)
    laid = align(year_of(2001), stamps, interpolate=True)
    assert laid.column("temperature_degc").tolist() == pytest.approx([6.625, 6.875, 7.125, 7.375])


def test_instant_irradiance_is_interpolated_from_its_instant() -> None:
    index = pd.date_range("2001-01-01", "2001-12-31 23:00", freq="h", tz="UTC")
    table = pd.DataFrame({"ghi_w_per_m2": index.hour * 10.0, "temperature_degc": 1.0}, index=index)
    weather = Weather(table, 32.4, 119.4, 8.0, sun_minute=10.0, typical_year=True)
    stamps = pd.date_range("2025-05-01T07:00", periods=2, freq="30min", tz="UTC")
    laid = align(weather, stamps, interpolate=True)
    assert laid.column("ghi_w_per_m2").tolist() == pytest.approx(
        [70 + 10 * 5 / 60, 75 + 10 * 5 / 60]
    )
    assert laid.sun_minute is None
    kept = align(weather, pd.date_range("2025-05-01", periods=2, freq="h", tz="UTC"))
    assert kept.sun_minute == 10.0


def test_stamps_between_the_weather_steps_need_interpolation() -> None:
    stamps = pd.date_range("2025-05-01T07:30", periods=2, freq="h", tz="Asia/Shanghai")
    with pytest.raises(InputError, match="between the weather's steps"):
        align(year_of(2001), stamps)
    laid = align(year_of(2001), stamps, interpolate=True)
    assert laid.column("temperature_degc").tolist() == pytest.approx([7.5, 8.5])


def test_interpolation_stays_inside_a_real_year() -> None:
    weather = year_of(2023, typical=False)
    stamps = pd.date_range("2022-12-31 23:30", periods=4, freq="30min", tz="Asia/Shanghai")
    with pytest.raises(InputError, match="1 of 4 steps have no weather"):
        align(weather, stamps, interpolate=True)
    laid = align(weather, stamps[1:], interpolate=True)
    assert laid.column("temperature_degc").tolist() == pytest.approx([0.0, 0.25, 0.75])


def test_unequal_or_zoneless_stamps_are_refused() -> None:
    weather = year_of(2001)
    stamps = pd.date_range("2025-05-01", periods=4, freq="h", tz="Asia/Shanghai")
    with pytest.raises(InputError, match="need a time zone"):
        align(weather, stamps.tz_localize(None))
    with pytest.raises(InputError, match="equal steps without gaps"):
        align(weather, stamps[[0, 1, 3]])
    with pytest.raises(InputError, match="two steps or more"):
        align(weather, stamps[:1])


@settings(max_examples=25, deadline=None)
@given(
    year=st.integers(2020, 2032),
    zone=st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "America/New_York", "UTC"]),
    parts=st.sampled_from([1, 2, 4, 12]),
)
def test_energy_of_a_whole_year_is_kept_by_any_coarser_grid(
    year: int, zone: str, parts: int
) -> None:
    """Proves: each row is used once. Sensitivity: one row used twice changes the sum."""
    fine = align(
        year_of(2004, "Etc/GMT-8", freq=f"{60 // parts}min"),
        pd.date_range(f"{year}-01-01", f"{year}-12-31 23:00", freq="h", tz=zone),
        leap_day="copy_feb_28",
    )
    leap = len(fine.index) == 8784
    total = sum(range(1, 367)) - (0 if leap else 60)
    assert fine.column("wind_speed_m_per_s").sum() == pytest.approx(total * 24 / 100)
