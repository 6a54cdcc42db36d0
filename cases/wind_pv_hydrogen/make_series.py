"""Write series.csv: a year of load, heat and hydrogen demand of a made-up chemical park.

    python make_series.py

Seeded, so that the file is the same every time. The shapes follow what three-shift industry is
known for: a flat electric base with a day shift and weekend dips, process heat with a share that
follows the outdoor temperature, hydrogen as feedstock in campaigns with short stops.
"""

from pathlib import Path

import numpy as np
import pandas as pd

YEAR = 2025
STEPS = 8760


def main() -> None:
    """Write the file."""
    rng = np.random.default_rng(20250101)
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

    shift = np.where((hour >= 8) & (hour < 20), 1.0, 0.0)
    load = 8600 + 1500 * shift - 900 * weekend + 300 * np.cos(2 * np.pi * (day - 200) / 365)
    load *= 1 + noise(0.03, 0.9)

    cold = np.clip(np.cos(2 * np.pi * (day - 15) / 365), -0.2, 1.0)
    heat = 2600 + 1900 * np.clip(cold, 0, 1) + 500 * shift - 400 * weekend
    heat *= 1 + noise(0.04, 0.85)

    campaign = 1 + noise(0.05, 0.98)
    stops = np.zeros(STEPS, dtype=bool)
    for start in rng.choice(STEPS - 24, 10, replace=False):
        stops[start : start + int(rng.integers(6, 24))] = True
    hydrogen = np.where(stops, 0.0, 60 * campaign)

    table = pd.DataFrame(
        {
            "time": stamps.strftime("%Y-%m-%dT%H:%M+08:00"),
            "load_kw": np.round(load, 1),
            "heat_kw": np.round(np.clip(heat, 0, None), 1),
            "hydrogen_kg_per_hour": np.round(np.clip(hydrogen, 0, None), 2),
        }
    )
    table.to_csv(Path(__file__).with_name("series.csv"), index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
