"""Write series.csv: a year of loads and of coke-oven gas of a made-up steel works.

    python make_series.py

Seeded, so that the file is the same every time. The shapes follow what such works are known for:
a rolling mill in three shifts with a maintenance shift each Wednesday and some unplanned stops, a
reheating furnace that follows the mill, coke ovens that never stop and drift slowly, and hot water
for a town that follows the outdoor temperature.
"""

from pathlib import Path

import numpy as np
import pandas as pd

YEAR = 2025
STEPS = 8760


def main() -> None:
    """Write the file."""
    rng = np.random.default_rng(20250617)
    stamps = pd.date_range(f"{YEAR}-01-01", periods=STEPS, freq="h", tz="Etc/GMT-8")
    hour, day = stamps.hour.to_numpy(), stamps.day_of_year.to_numpy()
    weekday = stamps.day_of_week.to_numpy()

    def noise(spread: float, memory: float) -> np.ndarray:
        steps = rng.normal(0.0, spread * np.sqrt(1 - memory**2), STEPS)
        values = np.empty(STEPS)
        last = 0.0
        for t in range(STEPS):
            last = memory * last + steps[t]
            values[t] = last
        return values

    stopped = (weekday == 2) & (hour >= 8) & (hour < 16)
    for start in rng.choice(STEPS - 24, 24, replace=False):
        stopped[start : start + int(rng.integers(3, 15))] = True
    mill = np.where(stopped, 0.0, 1.0 + noise(0.08, 0.7))
    furnace = np.where(stopped, 4000.0, 31000.0 * mill)

    load = 22000 + 18500 * mill + 1800 * ((hour >= 8) & (hour < 18)) * (weekday < 5)
    load = load * (1 + noise(0.015, 0.5))

    coke_gas = 26000 * (1 + 0.03 * np.cos(2 * np.pi * (day - 40) / 365) + noise(0.06, 0.97))

    outdoor = 17.5 - 11.5 * np.cos(2 * np.pi * (day - 20) / 365)
    outdoor = outdoor - 3.0 * np.cos(2 * np.pi * (hour - 4) / 24) + 2.5 * noise(1.0, 0.985)
    bath = 1200 + 900 * np.exp(-(((hour - 20.0) / 2.5) ** 2)) + 500 * ((hour >= 6) & (hour < 9))
    town = bath + 1150 * np.clip(15.0 - outdoor, 0.0, None)

    table = pd.DataFrame(
        {
            "time": stamps.strftime("%Y-%m-%dT%H:%M+08:00"),
            "load_kw": load,
            "furnace_kw": furnace,
            "coke_gas_kw": coke_gas,
            "town_kw": town,
        }
    ).round(0)
    whole = table.columns[1:]
    table[whole] = table[whole].astype(int)
    table.to_csv(Path(__file__).with_name("series.csv"), index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
