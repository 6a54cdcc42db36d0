"""Write series.csv: a year of sun, wind and outdoor temperature near Xiangtan, Hunan, in steps of 3 h.

    python make_series.py

Seeded, so that the file is the same every time. Monthly means stand below, with evidence in the README;
the hours are made up: a clear sky (Haurwitz 1945) with cloudy and bright days that follow each other, wind
of a Weibull distribution (shape 2) with a memory of a day, a warm afternoon. The means over three hours are
written.
"""

from pathlib import Path

import numpy as np
import pandas as pd

YEAR, HOURS, STEP = 2025, 8760, 3
LATITUDE, LONGITUDE, UTC_OFFSET = 27.8, 112.9, 8.0
GHI_KWH_PER_M2_DAY = [1.95, 2.15, 2.50, 3.25, 3.80, 4.15, 5.30, 4.95, 3.95, 3.15, 2.55, 2.15]
TEMPERATURE_DEGC = [5.0, 7.5, 11.5, 17.5, 22.5, 26.0, 29.5, 28.5, 24.5, 19.0, 13.0, 7.5]
HUB_WIND_M_PER_S = [5.8, 6.0, 6.0, 5.8, 5.4, 5.3, 5.8, 5.2, 5.3, 5.5, 5.6, 5.7]
PV_PERFORMANCE, PV_PER_KELVIN = 0.87, -0.0035
CUT_IN, RATED, CUT_OUT, AVAILABLE = 3.0, 9.5, 22.0, 0.86


def main() -> None:
    """Write the file."""
    rng = np.random.default_rng(20350101)
    stamps = pd.date_range(f"{YEAR}-01-01", periods=HOURS, freq="h", tz="Etc/GMT-8")
    hour, day, month = (np.asarray(v) for v in (stamps.hour, stamps.day_of_year, stamps.month))

    def memory(count: int, rho: float) -> np.ndarray:
        values = np.empty(count)
        last = rng.normal()
        for t in range(count):
            last = rho * last + np.sqrt(1 - rho**2) * rng.normal()
            values[t] = last
        return values

    def monthly(values: list[float]) -> np.ndarray:
        middle = np.cumsum([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]) - 15.0
        return np.interp(day + hour / 24.0, middle, values, period=365)

    sun_time = hour + 0.5 + LONGITUDE / 15.0 - UTC_OFFSET
    declination = np.radians(23.45) * np.sin(2 * np.pi * (284 + day) / 365)
    latitude = np.radians(LATITUDE)
    height = np.sin(latitude) * np.sin(declination)
    height += np.cos(latitude) * np.cos(declination) * np.cos(np.radians(15 * (sun_time - 12)))
    up = np.clip(height, 1e-3, None)
    clear = np.where(height > 0, 1098 * up * np.exp(-0.057 / up), 0.0)
    bright = 1 / (1 + np.exp(-1.6 * memory(365, 0.5)))
    sky = clear * np.clip(bright[day - 1] * (1 + 0.25 * memory(HOURS, 0.7)), 0.05, 1.0)
    ghi = np.empty(HOURS)
    for number, mean in enumerate(GHI_KWH_PER_M2_DAY, start=1):
        there = month == number
        scale, wanted = 1.0, mean * there.sum() / 24 * 1000
        for _ in range(60):
            ghi[there] = np.minimum(sky[there] * scale, clear[there])
            scale *= wanted / ghi[there].sum()

    warm = monthly(TEMPERATURE_DEGC) + 3.5 * np.cos(2 * np.pi * (hour - 14.5) / 24)
    warm += 2.5 * memory(HOURS, 0.98)
    cell = warm + 0.03 * ghi
    pv = ghi / 1000 * PV_PERFORMANCE * (1 + PV_PER_KELVIN * (cell - 25))

    # A normal number turned into one of a Weibull distribution of shape 2 with mean 1.
    normal = memory(HOURS, 0.95) + 0.15 * np.cos(2 * np.pi * (hour - 3) / 24)
    below = 1 / (1 + np.exp(-(1.5976 * normal + 0.07056 * normal**3)))
    speed = monthly(HUB_WIND_M_PER_S) * np.sqrt(-np.log1p(-np.clip(below, 0, 1 - 1e-9))) / 0.8862
    power = np.clip((speed**3 - CUT_IN**3) / (RATED**3 - CUT_IN**3), 0, 1)
    wind = AVAILABLE * np.where(speed < CUT_OUT, power, 0.0)

    means = {
        "pv_per_kw": (pv, 4),
        "wind_per_kw": (wind, 4),
        "temperature_degc": (warm, 1),
    }
    table = pd.DataFrame(
        {"time": stamps[::STEP].strftime("%Y-%m-%dT%H:%M+08:00")}
        | {
            name: np.round(values.reshape(-1, STEP).mean(axis=1), digits)
            for name, (values, digits) in means.items()
        }
    )
    table.to_csv(Path(__file__).with_name("series.csv"), index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
