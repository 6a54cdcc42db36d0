from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pvlib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid_opt.errors import InputError
from microgrid_opt.weather.align import align
from microgrid_opt.weather.draws import (
    clearness_quantiles,
    normal_quantile,
    normal_share,
    rank_shares,
    scaled_rows,
    weibull_variation,
)
from microgrid_opt.weather.frame import Weather, monthly_table
from microgrid_opt.weather.pv import pv_per_unit
from microgrid_opt.weather.synthetic import synthetic_year

FloatArray = npt.NDArray[np.float64]

PLAIN: dict[str, Any] = {
    "latitude": 32.0,
    "longitude": 119.0,
    "altitude_m": 10.0,
    "timezone": "Asia/Shanghai",
    "year": 2025,
    "seed": 1,
    "ghi_kwh_per_m2_day": [2.5, 3.0, 3.5, 4.5, 5.0, 4.6, 5.0, 4.8, 4.0, 3.3, 2.7, 2.4],
    "temperature_degc": [3, 5, 10, 16, 21, 25, 28, 28, 23, 18, 11, 5],
    "wind_speed_m_per_s": [2.6, 2.8, 3.1, 3.0, 2.9, 2.8, 2.7, 2.8, 2.5, 2.3, 2.4, 2.5],
}


def from_months(weather: Weather, timezone: str, seed: int, **options: Any) -> Weather:
    """Synthetic year with the monthly means of a measured one."""
    months = monthly_table(weather)
    means: dict[str, Any] = {str(name): months[name].to_numpy() for name in months.columns}
    return synthetic_year(
        latitude=weather.latitude,
        longitude=weather.longitude,
        altitude_m=weather.altitude_m,
        timezone=timezone,
        year=2001,
        seed=seed,
        **means,
        **options,
    )


def clearness(weather: Weather) -> tuple[FloatArray, FloatArray]:
    """Hourly clearness index (NaN while the sun is below 6 degrees) and the daily one."""
    middle = weather.sun_times()
    zenith = pvlib.solarposition.get_solarposition(middle, weather.latitude, weather.longitude)
    height = np.maximum(np.cos(np.radians(zenith["zenith"].to_numpy())), 0.0)
    day = middle.tz_convert("UTC").day_of_year.to_numpy()
    outside = np.asarray(pvlib.irradiance.get_extra_radiation(day)) * height
    ghi = weather.column("ghi_w_per_m2")
    hourly = np.where(height > 0.1, ghi / np.maximum(outside, 1.0), np.nan)
    return hourly, ghi.reshape(-1, 24).sum(axis=1) / outside.reshape(-1, 24).sum(axis=1)


def lag_one(values: FloatArray) -> float:
    both = np.isfinite(values[1:]) & np.isfinite(values[:-1])
    return float(np.corrcoef(values[1:][both], values[:-1][both])[0, 1])


# --- means


@settings(max_examples=10, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    year=st.sampled_from([2023, 2024, 2025]),
    clear=st.floats(0.3, 0.7),
    latitude=st.floats(-45, 45),
)
def test_monthly_means_are_kept_for_any_seed_year_and_sky(
    seed: int, year: int, clear: float, latitude: float
) -> None:
    """Proves: irradiation, temperature and wind come back to 0.1 % (0.01 K)."""
    extraterrestrial = _daily_extraterrestrial(latitude)
    given_means = {
        "ghi_kwh_per_m2_day": clear * extraterrestrial,
        "temperature_degc": np.linspace(-20, 25, 12),
        "wind_speed_m_per_s": np.linspace(2, 9, 12),
    }
    weather = synthetic_year(
        **PLAIN | given_means | {"seed": seed, "year": year, "latitude": latitude}
    )
    assert len(weather.index) == (8784 if year == 2024 else 8760)
    months = monthly_table(weather)
    for name in ("ghi_kwh_per_m2_day", "wind_speed_m_per_s"):
        assert months[name].to_numpy() == pytest.approx(given_means[name], rel=1e-3)
    assert months["temperature_degc"].to_numpy() == pytest.approx(
        given_means["temperature_degc"], abs=0.01
    )
    hourly, _ = clearness(weather)
    assert np.nanmin(hourly) >= 0
    assert np.nanmax(hourly) <= 0.88 + 1e-6


def _daily_extraterrestrial(latitude: float) -> FloatArray:
    """Monthly mean of the daily irradiation outside the atmosphere [kWh/m2], by Klein's days.

    Duffie and Beckman, Solar Engineering of Thermal Processes, equation 1.10.3.
    """
    days = np.array([17, 47, 75, 105, 135, 162, 198, 228, 258, 288, 318, 344])
    declination = np.radians(23.45) * np.sin(2 * np.pi * (284 + days) / 365)
    phi = np.radians(latitude)
    sunset = np.arccos(np.clip(-np.tan(phi) * np.tan(declination), -1, 1))
    beam = 1.367 * (1 + 0.033 * np.cos(2 * np.pi * days / 365))
    part = np.cos(phi) * np.cos(declination) * np.sin(sunset)
    result: FloatArray = 24 / np.pi * beam * (part + sunset * np.sin(phi) * np.sin(declination))
    return result


def test_the_same_seed_gives_the_same_year_and_another_seed_another() -> None:
    first, again = synthetic_year(**PLAIN), synthetic_year(**PLAIN)
    other = synthetic_year(**PLAIN | {"seed": 2})
    pd.testing.assert_frame_equal(first.table, again.table)
    for name in first.table.columns:
        assert not np.allclose(first.column(str(name)), other.column(str(name)))


def test_wind_options_leave_the_sun_alone() -> None:
    """Proves: sun, temperature and wind have their own random streams."""
    first = synthetic_year(**PLAIN)
    calm = synthetic_year(**PLAIN | {"wind_speed_m_per_s": None})
    assert not calm.has("wind_speed_m_per_s")
    for name in calm.table.columns:
        assert calm.column(str(name)).tolist() == first.column(str(name)).tolist()


def test_the_year_stands_in_standard_time_and_can_be_laid_anywhere() -> None:
    berlin = PLAIN | {"latitude": 40.0, "longitude": 13.4, "timezone": "Europe/Berlin"}
    weather = synthetic_year(**berlin)
    assert weather.index[0] == pd.Timestamp("2025-01-01T00:00+01:00")
    assert {stamp.utcoffset() for stamp in weather.index[[0, 4000, -1]]} == {
        pd.Timedelta(hours=1).to_pytimedelta()
    }
    stamps = pd.date_range("2027-01-01", "2027-12-31 23:00", freq="h", tz="Europe/Berlin")
    laid = align(weather, stamps)
    assert laid.column("ghi_w_per_m2").sum() == pytest.approx(weather.column("ghi_w_per_m2").sum())


# --- sun


def test_global_is_beam_and_diffuse() -> None:
    weather = synthetic_year(**PLAIN)
    zenith = pvlib.solarposition.get_solarposition(weather.sun_times(), 32.0, 119.0)["zenith"]
    beam = weather.column("dni_w_per_m2") * np.maximum(np.cos(np.radians(zenith.to_numpy())), 0)
    closed = beam + weather.column("dhi_w_per_m2")
    assert closed == pytest.approx(weather.column("ghi_w_per_m2"), abs=0.5)


def test_daily_clearness_has_the_memory_of_the_paper() -> None:
    """Graham, Hollands and Unny 1988: lag-one coefficient 0.29 of the Gaussian behind K.

    Seen within months of 30 days it is lower by about (1 + 3 x 0.29)/30 = 0.06 (Marriott and Pope,
    Biometrika 41, 1954); 16 measured and typical years of all climates have 0.12 to 0.39, mean
    0.22. Mean of ten seeds. Sensitivity: white noise has -0.03.
    """
    month = pd.date_range("2025-01-01", periods=365).month.to_numpy()
    found = []
    for seed in range(10):
        _, daily = clearness(synthetic_year(**PLAIN | {"seed": seed}))
        shares = np.empty(365)
        for number in range(1, 13):
            shares[month == number] = rank_shares(daily[month == number])
        found.append(lag_one(normal_quantile(shares)))
    assert np.mean(found) == pytest.approx(0.22, abs=0.05)


def test_daily_clearness_quantiles_have_mean_and_spread_of_the_distribution() -> None:
    """Hollands and Huget 1983: Kmax 0.6313 + 0.267 x 0.5 - 11.9 x 0.25^8 = 0.7646 at mean 0.5,

    and 0.6313 + 0.267 x 0.2 - 11.9 x 0.55^8 = 0.5851 at mean 0.2. At 0.5 the median day is
    clearer than the mean: the distribution leans to clear days.
    """
    shares = (np.arange(2000) + 0.5) / 2000
    cloudy = clearness_quantiles(0.2, shares)
    assert cloudy.mean() == pytest.approx(0.2, abs=2e-3)
    assert 0.56 < cloudy.max() <= 0.5851
    values = clearness_quantiles(0.5, shares)
    assert values.mean() == pytest.approx(0.5, abs=2e-3)
    assert 0.75 < values.max() <= 0.7646
    assert values.min() >= 0
    assert (np.diff(values) >= 0).all()
    assert np.median(values) > 0.51


def test_hours_look_like_the_measured_year(greensboro: Weather) -> None:
    """Proves: hourly clearness of Greensboro: quantiles within 0.07, memory within 0.05.

    Sensitivity: without the hourly noise the lag-one correlation within days is above 0.9.
    """
    measured, _ = clearness(greensboro)
    shares = [0.05, 0.25, 0.5, 0.75, 0.95]
    for seed in range(3):
        made, _ = clearness(from_months(greensboro, "America/New_York", seed))
        both = np.nanquantile(made, shares), np.nanquantile(measured, shares)
        assert both[0] == pytest.approx(both[1], abs=0.07)
        assert lag_one(made) == pytest.approx(lag_one(measured), abs=0.05)


@pytest.mark.parametrize("tilt", [0.0, 30.0])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_pv_yield_is_that_of_the_measured_year(greensboro: Weather, tilt: float, seed: int) -> None:
    """Proves: from twelve means, the yield of the measured year to 2 % and its duration curve.

    Mean distance of the duration curves below 0.012 kW/kW, largest below 0.06. Sensitivity: with
    the mean day of each month in place of drawn days the mean distance is above 0.02.
    """
    made = from_months(greensboro, "America/New_York", seed)
    plane: dict[str, Any] = {"tilt_deg": tilt, "azimuth_deg": 180.0}
    truth, found = (pv_per_unit(weather, **plane) for weather in (greensboro, made))
    assert found.summary.kwh_per_kw_year == pytest.approx(truth.summary.kwh_per_kw_year, rel=0.02)
    distance = np.abs(np.sort(truth.per_unit) - np.sort(found.per_unit))
    assert distance.mean() < 0.012
    assert distance.max() < 0.06


def test_more_irradiation_than_a_clear_sky_gives_is_refused() -> None:
    bright = [*PLAIN["ghi_kwh_per_m2_day"]]
    bright[0], bright[11] = 6.0, 7.0
    with pytest.raises(InputError) as caught:
        synthetic_year(**PLAIN | {"ghi_kwh_per_m2_day": bright})
    january, december = map(str, caught.value.findings)
    assert january.startswith("ghi_kwh_per_m2_day[0] = 6.0: a clear sky gives at most 4.")
    assert december.startswith("ghi_kwh_per_m2_day[11] = 7.0")


def test_the_polar_night_is_dark() -> None:
    polar = PLAIN | {"latitude": 69.7, "longitude": 19.0, "timezone": "Europe/Oslo"}
    ghi = [0.0, 0.4, 1.5, 3.4, 4.4, 4.9, 4.5, 3.0, 1.6, 0.6, 0.1, 0.0]
    weather = synthetic_year(**polar | {"ghi_kwh_per_m2_day": ghi})
    months = monthly_table(weather)["ghi_kwh_per_m2_day"].to_numpy()
    assert months == pytest.approx(ghi, abs=1e-3)


# --- wind and temperature


def test_wind_is_weibull_with_the_shape_asked_for() -> None:
    """Proves: maximum likelihood finds k within 2 % in every month, for k of 1.6, 2 and 2.6."""
    for shape in (1.6, 2.0, 2.6):
        weather = synthetic_year(**PLAIN | {"wind_shape": shape})
        speed = weather.column("wind_speed_m_per_s")
        month = weather.index.month.to_numpy()
        for number in range(1, 13):
            assert _weibull_shape(speed[month == number]) == pytest.approx(shape, rel=0.02)


def _weibull_shape(speed: FloatArray) -> float:
    """Maximum-likelihood shape by bisection of its equation (Seguro and Lambert 2000)."""
    logs = np.log(speed)
    low, high = 0.5, 10.0
    for _ in range(60):
        shape = (low + high) / 2
        power = speed**shape
        if (power * logs).sum() / power.sum() - 1 / shape - logs.mean() < 0:
            low = shape
        else:
            high = shape
    return (low + high) / 2


def test_wind_has_the_memory_and_the_day_asked_for() -> None:
    flat = {"wind_diurnal_fraction": 0.0, "wind_lag_one": 0.9}
    january = synthetic_year(**PLAIN | flat).column("wind_speed_m_per_s")[:744]
    assert lag_one(normal_quantile(rank_shares(january))) == pytest.approx(0.9, abs=0.03)

    options = {"wind_diurnal_fraction": 0.3, "wind_peak_hour": 15.0}
    weather = synthetic_year(**PLAIN | options)
    day = weather.column("wind_speed_m_per_s").reshape(-1, 24).mean(axis=0)
    assert (day.max() - day.min()) / 2 / day.mean() == pytest.approx(0.3, abs=0.05)
    assert int(day.argmax()) in {14, 15}


def test_temperature_is_warmest_after_noon_and_swings_more_on_clear_days() -> None:
    weather = synthetic_year(**PLAIN | {"day_deviation_k": 0.0})
    hours = weather.column("temperature_degc").reshape(-1, 24)
    assert int(hours.mean(axis=0).argmax()) in {13, 14, 15, 16}
    assert int(hours.mean(axis=0).argmin()) in {4, 5, 6}
    _, daily = clearness(weather)
    swing = np.ptp(hours, axis=1)
    assert np.corrcoef(daily, swing)[0, 1] > 0.8


def test_days_deviate_from_the_joined_means_as_asked() -> None:
    steady = synthetic_year(**PLAIN | {"day_deviation_k": 0.0})
    lively = synthetic_year(**PLAIN | {"day_deviation_k": 4.0})
    difference = lively.column("temperature_degc") - steady.column("temperature_degc")
    days = difference.reshape(-1, 24).mean(axis=1)
    assert 2.5 < days.std() < 4.0
    assert lag_one(days) == pytest.approx(0.7, abs=0.15)


# --- messages and pieces


def test_wrong_means_and_options_are_named() -> None:
    with pytest.raises(InputError) as caught:
        synthetic_year(
            **PLAIN
            | {
                "ghi_kwh_per_m2_day": [3.0] * 11,
                "temperature_degc": [300.0, *[20.0] * 11],
                "wind_speed_m_per_s": [*[5.0] * 11, float("nan")],
            }
        )
    texts = [str(finding) for finding in caught.value.findings]
    assert texts[0] == "ghi_kwh_per_m2_day: needs 12 monthly means, January first, not 11"
    assert texts[1] == "temperature_degc[0] = 300.0: must lie between -60 and 45"
    assert texts[2] == "wind_speed_m_per_s[11] = nan: must lie between 0.1 and 25"
    with pytest.raises(InputError, match=r"wind_shape = 0\.5: must lie between 1 and 5"):
        synthetic_year(**PLAIN | {"wind_shape": 0.5})
    with pytest.raises(InputError, match="too strong for a Weibull shape of 5"):
        synthetic_year(**PLAIN | {"wind_shape": 5.0, "wind_diurnal_fraction": 0.4})
    with pytest.raises(InputError, match="timezone = 'China': unknown IANA time zone"):
        synthetic_year(**PLAIN | {"timezone": "China"})


def test_normal_table_and_weibull_variation_against_known_values() -> None:
    """Normal: P(1.96) = 0.9750021, quantile of 0.05 is -1.644854. Rayleigh: sqrt(4/pi - 1)."""
    assert normal_share(np.array([0.0, 1.96])) == pytest.approx([0.5, 0.9750021], abs=1e-6)
    assert normal_quantile(np.array([0.5, 0.05])) == pytest.approx([0.0, -1.644854], abs=1e-5)
    assert weibull_variation(2.0) == pytest.approx((4 / np.pi - 1) ** 0.5)


def test_rows_are_scaled_within_their_limits() -> None:
    """First row: 1, 2, 3 to a sum of 9, the last at its limit 4: 5/3, 10/3, 4. Second: all full."""
    index = np.array([[1.0, 2.0, 3.0], [1.0, 1.0, 1.0]])
    limit = np.array([[9.0, 9.0, 4.0], [1.5, 1.5, 1.5]])
    scaled = scaled_rows(index, limit, np.ones((2, 3)), np.array([9.0, 9.0]))
    assert scaled[0] == pytest.approx([5 / 3, 10 / 3, 4.0], abs=1e-4)
    assert scaled[1] == pytest.approx([1.5, 1.5, 1.5])
