"""Write series.csv: a year of hours of what flats and houses of a made-up village use.

    python make_series.py

Seeded, so that the file is the same every time. Thirty flats have lights and appliances; fourteen houses
have heat pumps as well, which follow the cold outside.
"""

from pathlib import Path

import numpy as np
import pandas as pd

YEAR = 2025
STEPS = 8760
WEEKDAY = [34, 28, 25, 24, 26, 36, 62, 78, 70, 60, 58, 64]
WEEKDAY += [72, 66, 58, 58, 66, 84, 104, 112, 104, 90, 68, 48]
WEEKEND = [42, 34, 29, 27, 27, 29, 38, 56, 78, 92, 98, 104]
WEEKEND += [108, 96, 84, 80, 82, 92, 106, 110, 102, 88, 70, 52]


def main() -> None:
    """Write the file."""
    rng = np.random.default_rng(2018)
    stamps = pd.date_range(f"{YEAR}-01-01", periods=STEPS, freq="h", tz="Europe/Vienna")
    hour, day = stamps.hour.to_numpy(), stamps.day_of_year.to_numpy()
    weekend = stamps.day_of_week.to_numpy() >= 5

    def noise(spread: float, memory: float) -> np.ndarray:
        steps = rng.normal(0.0, spread * np.sqrt(1 - memory**2), STEPS)
        values = np.empty(STEPS)
        last = 0.0
        for t in range(STEPS):
            last = memory * last + steps[t]
            values[t] = last
        return values

    season = np.cos(2 * np.pi * (day - 15) / 365)
    shape = np.where(weekend, np.array(WEEKEND)[hour], np.array(WEEKDAY)[hour]) / 100
    home = shape * (1 + 0.16 * season)
    flats = 30 * 0.42 * home * np.clip(1 + noise(0.12, 0.5), 0.5, 1.6)
    outside = 10.0 - 10.5 * season + 3.0 * np.cos(2 * np.pi * (hour - 15) / 24) + noise(3.2, 0.985)
    heating = 14 * 0.115 * np.clip(15.0 - outside, 0, None)
    houses = 14 * 0.52 * home * np.clip(1 + noise(0.15, 0.5), 0.5, 1.6) + heating + 14 * 0.12

    table = pd.DataFrame(
        {
            "time": [stamp.isoformat(timespec="minutes") for stamp in stamps],
            "flats_kw": np.round(flats, 2),
            "houses_kw": np.round(houses, 2),
        }
    )
    table.to_csv(Path(__file__).with_name("series.csv"), index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
