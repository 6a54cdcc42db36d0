r"""A synthetic hourly year from twelve monthly means.

**Daily clearness index** $K$ (Graham, Hollands and Unny 1988): a Gaussian AR(1) series with
lag-one coefficient 0.29 whose ranks within each month are given the quantiles of the Hollands-Huget
(1983) distribution with the month's mean clearness index $\bar K$,

$$ p(K) \propto (K_{max} - K)\,e^{\lambda K}, \quad 0 \le K \le K_{max}, \qquad
   K_{max} = 0.6313 + 0.267\,\bar K - 11.9\,(\bar K - 0.75)^8 $$

**Hourly clearness index** $k$ (TAG, Aguiar and Collares-Pereira 1992): a Gaussian truncated to
$[0, k_{cs}]$ around a mean that depends on $K$ and the sun's height $h$,

$$ k_m = \lambda + \varepsilon\,e^{-\kappa / \sin h}, \quad
   \sigma = A\,e^{B(1 - \sin h)}, \quad k_{cs} = 0.88 \cos(\pi (t - 12) / 30), \quad
   \varphi = 0.38 + 0.06 \cos(7.4 K - 2.5) $$

with the polynomials of the paper, then scaled so that every day has its $K$ and every month its
mean, within the clear-sky limit. Diffuse share: Erbs, Klein and Duffie (1982), through pvlib.

**Temperature**: monthly means joined linearly so that each month's mean is kept; the diurnal wave
of Erbs, Klein and Beckman (1983), its amplitude 25.8 K - 5.21 K taken with the day's clearness
index; and AR(1) deviations of days. **Wind**: an hourly Gaussian AR(1) series plus a diurnal wave,
whose ranks within each month are given the quantiles of a Weibull distribution.

References: V. A. Graham, K. G. T. Hollands and T. E. Unny, Solar Energy 40 (1988) 83-92,
doi:10.1016/0038-092X(88)90075-8; K. G. T. Hollands and R. G. Huget, Solar Energy 30 (1983) 195-209,
doi:10.1016/0038-092X(83)90149-4; R. Aguiar and M. Collares-Pereira, Solar Energy 49 (1992) 167-174,
doi:10.1016/0038-092X(92)90068-L; D. G. Erbs et al., Solar Energy 28 (1982) 293-302,
doi:10.1016/0038-092X(82)90302-4; D. G. Erbs et al., ASHRAE Journal 25(6) (1983) 60-65; T. Lambert
et al. in F. A. Farret and M. G. Simões (eds.), Integration of Alternative Sources of Energy, 2006,
doi:10.1002/0471755621.ch15 (HOMER, whose wind defaults are taken: Weibull shape 2, correlation from
hour to hour 0.85, peak at 15 h).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from microgrid_opt.errors import Finding, InputError
from microgrid_opt.weather.draws import (
    autoregressive,
    rank_shares,
    weibull_quantiles,
    weibull_variation,
)
from microgrid_opt.weather.frame import Weather
from microgrid_opt.weather.output import check_options
from microgrid_opt.weather.sunshine import Sky, hourly_irradiance, split_by_erbs

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]
    _Given = Sequence[float] | FloatArray

_TEMPERATURE_LAG_ONE: Final = 0.7
_SMALLEST_AMPLITUDE_K: Final = 1.0
_STEEPEST_WAVE: Final = 1.2


def synthetic_year(
    *,
    latitude: float,
    longitude: float,
    altitude_m: float,
    timezone: str,
    year: int,
    seed: int,
    ghi_kwh_per_m2_day: _Given,
    temperature_degc: _Given,
    wind_speed_m_per_s: _Given | None = None,
    wind_height_m: float = 10.0,
    wind_shape: float = 2.0,
    wind_lag_one: float = 0.85,
    wind_diurnal_fraction: float = 0.2,
    wind_peak_hour: float = 15.0,
    day_deviation_k: float = 3.0,
    source: str = "",
) -> Weather:
    """Hourly weather of one year whose monthly means are those given.

    Parameters
    ----------
    latitude, longitude
        Degrees, north and east positive.
    altitude_m
        Metres above mean sea level.
    timezone
        IANA name; the rows stand in its standard time all year.
    year
        Calendar of the stamps; a leap year has 8784 rows.
    seed
        The same seed gives the same year; sun, temperature and wind have streams of their own.
    ghi_kwh_per_m2_day
        Global horizontal irradiation, twelve means over the days of each month, January first.
    temperature_degc
        Air temperature, twelve monthly means.
    wind_speed_m_per_s
        Wind speed at ``wind_height_m``, twelve monthly means; ``None`` leaves wind out.
    wind_shape
        Weibull shape k of the hourly speeds within a month.
    wind_lag_one
        Correlation of the Gaussian behind the wind from hour to hour, 0 to 1.
    wind_diurnal_fraction
        Amplitude of the mean day's wave over the mean speed.
    wind_peak_hour
        Solar time of the highest mean speed.
    day_deviation_k
        Standard deviation of the days' temperatures around the joined monthly means.
    source
        Where the means come from.

    Returns
    -------
    Weather
        Columns for global, beam and diffuse irradiance and temperature, and wind if given;
        ``typical_year`` is set, so that ``align`` lays it on any year.

    Raises
    ------
    InputError
        Not twelve means, options outside their range, irradiation above what a clear sky gives.
    """
    check_options(
        latitude=(latitude, -90.0, 90.0),
        longitude=(longitude, -180.0, 180.0),
        year=(year, 1900, 2200),
        seed=(seed, 0, 2**63),
        wind_shape=(wind_shape, 1.0, 5.0),
        wind_lag_one=(wind_lag_one, 0.0, 0.999),
        wind_diurnal_fraction=(wind_diurnal_fraction, 0.0, 0.6),
        wind_peak_hour=(wind_peak_hour, 0.0, 24.0),
        day_deviation_k=(day_deviation_k, 0.0, 15.0),
    )
    means = _Means.of(ghi_kwh_per_m2_day, temperature_degc, wind_speed_m_per_s)
    streams = [np.random.default_rng([seed, stream]) for stream in range(3)]
    sky = Sky.of(latitude, longitude, year, timezone)
    daily, ghi = hourly_irradiance(sky, means.ghi_kwh_per_m2_day, streams[0])
    beam, diffuse = split_by_erbs(sky, ghi)
    columns = {
        "ghi_w_per_m2": ghi,
        "dni_w_per_m2": beam,
        "dhi_w_per_m2": diffuse,
        "temperature_degc": _temperature(
            sky, means.temperature_degc, daily, day_deviation_k, streams[1]
        ),
    }
    if means.wind_speed_m_per_s is not None:
        pattern = _WindPattern(wind_shape, wind_lag_one, wind_diurnal_fraction, wind_peak_hour)
        columns["wind_speed_m_per_s"] = _wind(sky, means.wind_speed_m_per_s, pattern, streams[2])
    return Weather(
        pd.DataFrame(columns, index=sky.index),
        latitude=latitude,
        longitude=longitude,
        altitude_m=altitude_m,
        source=f"synthetic year (seed {seed}) from {source or 'monthly means'}",
        wind_height_m=wind_height_m,
        typical_year=True,
    )


@dataclass(frozen=True)
class _Means:
    """Twelve monthly means of each quantity, checked."""

    ghi_kwh_per_m2_day: FloatArray
    temperature_degc: FloatArray
    wind_speed_m_per_s: FloatArray | None

    @classmethod
    def of(cls, ghi: _Given, temperature: _Given, wind: _Given | None) -> _Means:
        given = {
            "ghi_kwh_per_m2_day": (ghi, 0.0, 12.0),
            "temperature_degc": (temperature, -60.0, 45.0),
        }
        if wind is not None:
            given["wind_speed_m_per_s"] = (wind, 0.1, 25.0)
        findings: list[Finding] = []
        arrays: dict[str, FloatArray] = {}
        for key, (values, low, high) in given.items():
            array = np.asarray(values, dtype=np.float64)
            arrays[key] = array
            if array.shape != (12,):
                text = f"needs 12 monthly means, January first, not {array.size}"
                findings.append(Finding(text, key=key))
                continue
            findings.extend(
                Finding(f"must lie between {low:g} and {high:g}", key=f"{key}[{m}]", value=value)
                for m, value in enumerate(array.tolist())
                if not low <= value <= high
            )
        if findings:
            raise InputError(findings)
        return cls(
            arrays["ghi_kwh_per_m2_day"],
            arrays["temperature_degc"],
            arrays.get("wind_speed_m_per_s"),
        )


@dataclass(frozen=True)
class _WindPattern:
    shape: float
    lag_one: float
    diurnal_fraction: float
    peak_hour: float

    def wave(self) -> float:
        """Amplitude of the wave in the Gaussian series that gives the wanted one in the speed."""
        ratio = self.diurnal_fraction / weibull_variation(self.shape)
        if ratio > _STEEPEST_WAVE:
            raise InputError(
                Finding(
                    f"too strong for a Weibull shape of {self.shape:g}; at most "
                    f"{_STEEPEST_WAVE * weibull_variation(self.shape):.2f}",
                    key="wind_diurnal_fraction",
                    value=self.diurnal_fraction,
                )
            )
        return ratio / math.sqrt(1.0 - ratio**2 / 2.0)


def _temperature(
    sky: Sky,
    means: FloatArray,
    daily: FloatArray,
    deviation_k: float,
    random: np.random.Generator,
) -> FloatArray:
    count = len(daily)
    hours = np.arange(count * 24) + 0.5
    noons = np.arange(count) * 24 + 12.0
    days = deviation_k * autoregressive(count, _TEMPERATURE_LAG_ONE, random)
    amplitude = np.maximum(25.8 * daily - 5.21, _SMALLEST_AMPLITUDE_K)
    angle = 2.0 * np.pi * (sky.solar_hour.ravel() - 1.0) / 24.0
    wave = sum(
        size * np.cos(order * angle - phase)
        for order, size, phase in (
            (1, 0.4632, 3.805),
            (2, 0.0984, 0.360),
            (3, 0.0168, 0.822),
            (4, 0.0138, 3.513),
        )
    )
    rest = np.interp(hours, noons, days) + np.interp(hours, noons, amplitude) * wave
    month = np.repeat(sky.month_of_day, 24)
    middles = np.array([hours[month == m].mean() for m in range(12)])
    period = float(count * 24)
    shapes = np.array([np.interp(hours, middles, unit, period=period) for unit in np.eye(12)])
    weights = np.array([[shape[month == m].mean() for shape in shapes] for m in range(12)])
    missing = [means[m] - rest[month == m].mean() for m in range(12)]
    nodes = np.linalg.solve(weights, np.array(missing))
    result: FloatArray = rest + nodes @ shapes
    return result


def _wind(
    sky: Sky, means: FloatArray, pattern: _WindPattern, random: np.random.Generator
) -> FloatArray:
    """Hourly wind speed [m/s] with a Weibull distribution in each month."""
    wave = pattern.wave()
    angle = 2.0 * np.pi * (sky.solar_hour.ravel() - pattern.peak_hour) / 24.0
    order = autoregressive(len(angle), pattern.lag_one, random) + wave * np.cos(angle)
    month = np.repeat(sky.month_of_day, 24)
    speed = np.empty(len(angle))
    for m in range(12):
        here = month == m
        speed[here] = weibull_quantiles(means[m], pattern.shape, rank_shares(order[here]))
    return speed
