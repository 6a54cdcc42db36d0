"""Write series.csv: a year of IT load and of the heat that neighbouring dwellings take, made up.

    python make_series.py

Seeded, so that the file is the same every time. IT load is online service, which follows people, and
batch work, which arrives in campaigns. The dwellings take hot water all year, and space heat between
15 October and 15 April by a season of its own with cold spells.
"""

from pathlib import Path

import numpy as np
import pandas as pd

YEAR = 2025
STEPS = 8760
ONLINE = [62, 56, 52, 50, 50, 53, 60, 70, 82, 92, 97, 98]
ONLINE += [94, 93, 96, 98, 98, 96, 95, 98, 100, 97, 86, 73]
TAPS = [20, 15, 12, 12, 15, 40, 110, 150, 110, 80, 75, 85]
TAPS += [95, 80, 70, 70, 80, 110, 160, 190, 200, 170, 110, 50]


def main() -> None:
    """Write the file."""
    rng = np.random.default_rng(20250326)
    stamps = pd.date_range(f"{YEAR}-01-01", periods=STEPS, freq="h", tz="Etc/GMT-8")
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

    online = 1900 * np.array(ONLINE)[hour] / 100 * (1 - 0.06 * weekend) * (1 + noise(0.02, 0.9))
    arrival = np.where((hour >= 9) & (hour < 21), 1.25, 0.75) * (1 - 0.25 * weekend)
    batch = 1250 * arrival * np.clip(1 + noise(0.25, 0.98), 0.4, 1.7)
    it = np.clip(online + batch, 0, 3950)

    season = np.cos(2 * np.pi * (day - 15) / 365)
    heating = (day >= 288) | (day <= 105)
    outside = 7.0 - 17.0 * season + 3.5 * np.cos(2 * np.pi * (hour - 15) / 24) + noise(3.5, 0.985)
    space = np.where(heating, np.clip(18.0 - outside, 0, None) * 68, 0.0)
    taps = 2.4 * np.array(TAPS)[hour] * (1 + 0.15 * season)
    heat = space + taps * (1 + noise(0.05, 0.7))

    table = pd.DataFrame(
        {
            "time": stamps.strftime("%Y-%m-%dT%H:%M"),
            "it_kw": np.round(it, 1),
            "heat_kw": np.round(heat, 1),
        }
    )
    table.to_csv(Path(__file__).with_name("series.csv"), index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
