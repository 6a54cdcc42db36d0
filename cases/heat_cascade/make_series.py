"""Write series.csv: a year of heat, cold and power prices of a made-up food and chemical park.

    python make_series.py

Seeded, so that the file is the same every time. Steam runs in three shifts and follows the
campaigns of the chemical works, hot water the cleaning rounds of the food plants and the harvest, cold
follows day and season. Power costs a day-ahead price with the hole that the sun digs at noon, and an
access charge by the six periods of the Spanish tariff.
"""

from pathlib import Path

import numpy as np
import pandas as pd

YEAR = 2025
STEPS = 8760
HOLIDAYS = ("01-01", "01-06", "05-01", "08-15", "10-12", "11-01", "12-06", "12-08", "12-25")
# EUR/MWh by month; and by hour of a winter and of a summer day, relative to the day's mean.
MARKET = (90, 95, 55, 32, 30, 65, 70, 70, 65, 70, 75, 85)
WINTER = (
    0.95, 0.90, 0.86, 0.84, 0.84, 0.88, 0.98, 1.12, 1.18, 1.08, 0.94, 0.84,
    0.78, 0.74, 0.74, 0.82, 0.98, 1.14, 1.30, 1.36, 1.34, 1.24, 1.12, 1.03,
)  # fmt: skip
SUMMER = (
    1.28, 1.22, 1.18, 1.16, 1.18, 1.24, 1.30, 1.28, 1.02, 0.70, 0.48, 0.38,
    0.34, 0.32, 0.34, 0.38, 0.46, 0.62, 0.92, 1.32, 1.66, 1.80, 1.66, 1.46,
)  # fmt: skip
# EUR/MWh of the periods P1 to P6, and the period of the dear and of the middle hours by season.
ACCESS = (46, 36, 19, 11, 5, 3)
DEAR = (1, 1, 2, 4, 4, 3, 1, 3, 3, 4, 2, 1)


def main() -> None:
    """Write the file."""
    rng = np.random.default_rng(20250321)
    stamps = pd.date_range(f"{YEAR}-01-01", periods=STEPS, freq="h", tz="Etc/GMT-1")
    local = stamps.tz_convert("Europe/Madrid")
    hour, day = local.hour.to_numpy(), local.day_of_year.to_numpy()
    weekend = local.day_of_week.to_numpy() >= 5
    summer = 0.5 - 0.5 * np.cos(2 * np.pi * (day - 15) / 365)

    def noise(spread: float, memory: float) -> np.ndarray:
        steps = rng.normal(0.0, spread * np.sqrt(1 - memory**2), STEPS)
        values = np.empty(STEPS)
        last = 0.0
        for t in range(STEPS):
            last = memory * last + steps[t]
            values[t] = last
        return values

    shift = np.where((hour >= 6) & (hour < 22), 1.0, 0.0)
    campaign = 1 + noise(0.08, 0.995)
    steam = (4200 + 1400 * shift - 1100 * weekend * shift) * campaign * (1 + noise(0.04, 0.7))

    rounds = np.isin(hour, (5, 6, 13, 14, 21, 22))
    harvest = (day >= 196) & (day < 300) & (local.day_of_week.to_numpy() < 6)
    hot = 2200 + 900 * shift + 1300 * rounds - (900 + 500 * shift) * weekend - 300 * summer
    hot = (hot + 2600 * harvest) * (1 + noise(0.05, 0.8))

    afternoon = np.clip(np.cos(2 * np.pi * (hour - 16) / 24), -0.4, 1.0)
    chilled = 1200 + 500 * shift - 250 * weekend + 2000 * summer * (1 + 0.35 * afternoon)
    chilled *= 1 + noise(0.06, 0.95)

    month = local.month.to_numpy() - 1
    shape = np.outer(1 - summer, WINTER) + np.outer(summer, SUMMER)
    market = np.take(MARKET, month) * shape[np.arange(STEPS), hour]
    market = np.clip(market * (1 - 0.12 * weekend) * (1 + noise(0.25, 0.97)), 0.0, None)
    holiday = np.isin(local.strftime("%m-%d"), HOLIDAYS)
    dear = ((hour >= 9) & (hour < 14)) | ((hour >= 18) & (hour < 22))
    period = np.take(DEAR, month) + ~dear
    period[weekend | holiday | (hour < 8)] = 6
    price = (market + np.take(ACCESS, period - 1)) / 1000

    table = pd.DataFrame(
        {
            "time": stamps.strftime("%Y-%m-%dT%H:%M+01:00"),
            "steam_kw": np.round(steam).astype(int),
            "hot_kw": np.round(hot).astype(int),
            "chilled_kw": np.round(chilled).astype(int),
            "price_eur_per_kwh": np.round(price, 4),
        }
    )
    table.to_csv(Path(__file__).with_name("series.csv"), index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
