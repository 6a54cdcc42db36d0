"""Write series.csv: a year of hours of what three made-up works and parks take.

    python make_series.py

Seeded, so that the file is the same every time. The park follows shifts and the warmth outside, the
chemical works run day and night with two stops, the cement works grind at night and rest in winter.
"""

from pathlib import Path

import numpy as np
import pandas as pd

YEAR = 2025
STEPS = 8760
SPRING_FESTIVAL = ("2025-01-27", "2025-02-05")
SHIFTS = [58, 55, 54, 54, 55, 58, 66, 80, 95, 100, 100, 97]
SHIFTS += [90, 96, 100, 100, 99, 95, 88, 84, 80, 75, 68, 62]


def main() -> None:
    """Write the file."""
    rng = np.random.default_rng(136)
    stamps = pd.date_range(f"{YEAR}-01-01", periods=STEPS, freq="h", tz="Etc/GMT-8")
    hour, day = stamps.hour.to_numpy(), stamps.day_of_year.to_numpy()
    date = stamps.strftime("%Y-%m-%d").to_numpy()
    weekday = stamps.day_of_week.to_numpy()
    festival = (date >= SPRING_FESTIVAL[0]) & (date <= SPRING_FESTIVAL[1])

    def noise(spread: float, memory: float) -> np.ndarray:
        steps = rng.normal(0.0, spread * np.sqrt(1 - memory**2), STEPS)
        values = np.empty(STEPS)
        last = 0.0
        for t in range(STEPS):
            last = memory * last + steps[t]
            values[t] = last
        return values

    season = -np.cos(2 * np.pi * (day - 22) / 365)
    days = np.where(weekday == 6, 0.62, np.where(weekday == 5, 0.85, 1.0))
    days = np.where(festival, 0.35, days) * (1 + 0.16 * np.abs(season) + 0.06 * season)
    park = 12500 * np.array(SHIFTS)[hour] / 100 * days * (1 + noise(0.03, 0.9))

    stops = ((day >= 96) & (day <= 108)) | ((day >= 281) & (day <= 288))
    works = np.where(stops, 2200.0, 11000.0) * (1 + noise(0.03, 0.97))

    grinding = np.where(
        (hour >= 22) | (hour < 8), 1.0, np.where((hour >= 11) & (hour < 17), 0.8, 0.45)
    )
    resting = (day <= 74) | (day >= 335)
    cement = 5200 * np.where(resting, 0.15, grinding) * np.clip(1 + noise(0.08, 0.7), 0.6, 1.25)

    table = pd.DataFrame(
        {
            "time": stamps.strftime("%Y-%m-%dT%H:%M"),
            "park_kw": np.round(park),
            "works_kw": np.round(works),
            "cement_kw": np.round(cement),
        }
    )
    table.to_csv(Path(__file__).with_name("series.csv"), index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
