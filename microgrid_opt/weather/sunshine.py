"""The sun of a synthetic year: geometry, daily and hourly clearness, beam and diffuse.

Methods and papers: see ``microgrid_opt.weather.synthetic``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from datetime import timezone as fixed_zone
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd

from microgrid_opt.errors import Finding, InputError
from microgrid_opt.weather.draws import (
    autoregressive,
    clearness_quantiles,
    normal_quantile,
    normal_share,
    rank_shares,
    scaled_rows,
)

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.int64]

_DAILY_LAG_ONE: Final = 0.29


@dataclass(frozen=True)
class Sky:
    """Geometry of every hour's middle; arrays of shape (days, 24) unless said otherwise."""

    index: pd.DatetimeIndex
    month_of_day: IntArray
    zenith_deg: FloatArray
    extraterrestrial_w_per_m2: FloatArray
    solar_hour: FloatArray

    @classmethod
    def of(cls, latitude: float, longitude: float, year: int, zone_name: str) -> Sky:
        """Geometry of a year in the standard time of an IANA zone."""
        from microgrid_opt.weather.solar import irradiance, solarposition

        try:
            zone = ZoneInfo(zone_name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise InputError(
                Finding("unknown IANA time zone", key="timezone", value=zone_name)
            ) from error
        offset = min(
            datetime(year, month, 1, tzinfo=UTC).astimezone(zone).utcoffset() or timedelta(0)
            for month in (1, 7)
        )
        index = pd.date_range(
            f"{year}-01-01", f"{year}-12-31 23:00", freq="h", tz=fixed_zone(offset), name="time"
        )
        middle = index.tz_convert("UTC") + pd.Timedelta(minutes=30)
        position = solarposition.get_solarposition(middle, latitude, longitude)
        zenith = position["zenith"].to_numpy().reshape(-1, 24)
        day_of_year = middle.day_of_year.to_numpy()
        normal = np.asarray(irradiance.get_extra_radiation(day_of_year)).reshape(-1, 24)
        minutes = position["equation_of_time"].to_numpy() + 4.0 * longitude
        clock = middle.hour.to_numpy() + middle.minute.to_numpy() / 60.0
        return cls(
            index=index,
            month_of_day=index.month.to_numpy().reshape(-1, 24)[:, 0].astype(np.int64) - 1,
            zenith_deg=zenith,
            extraterrestrial_w_per_m2=normal * np.maximum(np.cos(np.radians(zenith)), 0.0),
            solar_hour=((clock + minutes / 60.0) % 24.0).reshape(-1, 24),
        )

    @property
    def height(self) -> FloatArray:
        """Sine of the sun's height, at least a hundredth."""
        return np.maximum(np.cos(np.radians(self.zenith_deg)), 0.01)

    @property
    def clear_sky_index(self) -> FloatArray:
        """Highest hourly clearness index (Aguiar and Collares-Pereira 1992)."""
        return np.maximum(0.88 * np.cos(np.pi * (self.solar_hour - 12.0) / 30.0), 0.1)


def hourly_irradiance(
    sky: Sky, means: FloatArray, random: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Daily clearness index, shape (days,), and hourly global irradiance [W/m2], shape (hours,)."""
    outside = sky.extraterrestrial_w_per_m2
    limit = sky.clear_sky_index
    days = outside.sum(axis=1)
    order = autoregressive(len(days), _DAILY_LAG_ONE, random)
    daily = np.empty(len(days))
    wanted = np.empty(12)
    findings = []
    for month in range(12):
        here = sky.month_of_day == month
        wanted[month] = means[month] * 1000.0 * here.sum()
        mean = wanted[month] / max(float(days[here].sum()), 1e-9)
        highest = float((outside * limit)[here].sum()) / max(float(days[here].sum()), 1e-9)
        if mean > 0.98 * highest:
            findings.append(
                Finding(
                    f"a clear sky gives at most "
                    f"{0.98 * highest * days[here].mean() / 1000:.2f} kWh/m2 a day in month "
                    f"{month + 1} at this latitude",
                    key=f"ghi_kwh_per_m2_day[{month}]",
                    value=float(means[month]),
                )
            )
            continue
        daily[here] = clearness_quantiles(mean, rank_shares(order[here]))
    if findings:
        raise InputError(findings)
    hourly = _hourly_index(sky, daily, random)
    hourly = scaled_rows(hourly, limit, outside, daily * days)
    for month in range(12):
        here = sky.month_of_day == month
        block = (1, -1)
        hourly[here] = scaled_rows(
            hourly[here].reshape(block),
            limit[here].reshape(block),
            outside[here].reshape(block),
            wanted[month : month + 1],
        ).reshape(-1, 24)
    return daily, (hourly * outside).ravel()


def _hourly_index(sky: Sky, daily: FloatArray, random: np.random.Generator) -> FloatArray:
    """Hourly clearness index by TAG, shape (days, 24)."""
    day = daily[:, None]
    base = -0.19 + 1.12 * day + 0.24 * np.exp(-8.0 * day)
    rise = 0.32 - 1.6 * (day - 0.5) ** 2
    fall = 0.19 + 2.27 * day**2 - 2.51 * day**3
    limit = sky.clear_sky_index
    mean = np.clip(base + rise * np.exp(-fall / sky.height), 0.01, limit)
    spread = 0.14 * np.exp(-20.0 * (day - 0.35) ** 2)
    growth = 3.0 * (day - 0.45) ** 2 + 16.0 * day**5
    sigma = np.maximum(spread * np.exp(growth * (1.0 - sky.height)), 1e-3)
    lag_one = 0.38 + 0.06 * np.cos(7.4 * daily - 2.5)
    shocks = random.standard_normal(mean.shape)
    gauss = np.empty_like(mean)
    gauss[:, 0] = shocks[:, 0]
    for hour in range(1, 24):
        gauss[:, hour] = lag_one * gauss[:, hour - 1] + np.sqrt(1.0 - lag_one**2) * shocks[:, hour]
    lowest, highest = normal_share(-mean / sigma), normal_share((limit - mean) / sigma)
    share = lowest + normal_share(gauss) * (highest - lowest)
    return np.clip(mean + sigma * normal_quantile(share), 0.0, limit)


def split_by_erbs(sky: Sky, ghi: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Beam normal and diffuse horizontal irradiance [W/m2] by Erbs."""
    from microgrid_opt.weather.solar import irradiance

    day = sky.index.day_of_year.to_numpy()
    parts = irradiance.erbs(ghi, sky.zenith_deg.ravel(), day)
    return np.asarray(parts["dni"]), np.asarray(parts["dhi"])
