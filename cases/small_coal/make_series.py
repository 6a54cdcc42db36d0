"""Write series.csv: a year of steam, hot water and electricity of a made-up industrial park.

    python make_series.py

Seeded, so that the file is the same every time. The shapes follow what industry in shifts is known
for: steam runs round the clock with a day shift, a weekend dip and a few batch vessels that are
heated up together; hot water (washing, drying, offices) is higher in the cold months; the electric
load is flat. A standstill over the Spring Festival lowers all three.
"""

from pathlib import Path

import numpy as np
import pandas as pd

YEAR = 2025
STEPS = 8760


def main() -> None:
    """Write the file."""
    rng = np.random.default_rng(20250815)
    stamps = pd.date_range(f"{YEAR}-01-01", periods=STEPS, freq="h", tz="Etc/GMT-8")
    hour, day = stamps.hour.to_numpy(), stamps.day_of_year.to_numpy()
    weekend = stamps.day_of_week.to_numpy() >= 5
    shift = np.where((hour >= 8) & (hour < 20), 1.0, 0.0)
    winter = np.cos(2 * np.pi * (day - 15) / 365)
    # Spring Festival 2025: 29 January, days 28 to 34.
    running = np.where((day >= 28) & (day <= 34), 0.6, 1.0)

    def noise(spread: float, memory: float) -> np.ndarray:
        steps = rng.normal(0.0, spread * np.sqrt(1 - memory**2), STEPS)
        values = np.empty(STEPS)
        last = 0.0
        for t in range(STEPS):
            last = memory * last + steps[t]
            values[t] = last
        return values

    batches = np.zeros(STEPS)
    for start in rng.choice(STEPS - 6, 420, replace=False):
        batches[start : start + 4] += 3500
    steam = 41500 + 5500 * shift - 3500 * weekend + 1500 * winter
    steam = (steam * (1 + noise(0.04, 0.9)) + np.minimum(batches, 7000)) * running

    water = 10500 + 2500 * shift - 1500 * weekend + 3000 * winter
    water *= (1 + noise(0.06, 0.8)) * running

    load = 68000 + 6000 * shift - 4000 * weekend
    load = load * (1 + noise(0.025, 0.9)) * running

    table = pd.DataFrame(
        {
            "time": stamps.strftime("%Y-%m-%dT%H:%M+08:00"),
            "steam_kw": np.round(steam).astype(int),
            "hot_water_kw": np.round(water).astype(int),
            "load_kw": np.round(load).astype(int),
        }
    )
    table.to_csv(Path(__file__).with_name("series.csv"), index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
