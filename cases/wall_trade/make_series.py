"""Write series.csv: a year of hours of what four firms of a made-up industrial park use.

    python make_series.py

Seeded, so that the file is the same every time. The data centre follows people and the heat outside, the
foundry melts at night and on weekdays, the dye works need steam and power in two shifts six days a week;
works stop over Spring Festival and in part over other holidays.
"""

from pathlib import Path

import numpy as np
import pandas as pd

YEAR = 2026
STEPS = 8760
SPRING_FESTIVAL = ("2026-02-14", "2026-02-23")
HOLIDAYS = ("2026-01-01", "2026-04-05", "2026-05-01", "2026-05-02", "2026-05-03", "2026-06-19")
HOLIDAYS += ("2026-09-25", "2026-10-01", "2026-10-02", "2026-10-03", "2026-10-04", "2026-10-05")
ONLINE = [74, 70, 68, 67, 67, 69, 74, 81, 89, 95, 98, 99]
ONLINE += [97, 98, 99, 99, 98, 97, 96, 98, 100, 98, 91, 82]


def main() -> None:
    """Write the file."""
    rng = np.random.default_rng(1901)
    stamps = pd.date_range(f"{YEAR}-01-01", periods=STEPS, freq="h", tz="Etc/GMT-8")
    hour, day = stamps.hour.to_numpy(), stamps.day_of_year.to_numpy()
    date = stamps.strftime("%Y-%m-%d").to_numpy()
    weekday = stamps.day_of_week.to_numpy()
    festival = (date >= SPRING_FESTIVAL[0]) & (date <= SPRING_FESTIVAL[1])
    closed = festival | np.isin(date, HOLIDAYS)

    def noise(spread: float, memory: float) -> np.ndarray:
        steps = rng.normal(0.0, spread * np.sqrt(1 - memory**2), STEPS)
        values = np.empty(STEPS)
        last = 0.0
        for t in range(STEPS):
            last = memory * last + steps[t]
            values[t] = last
        return values

    season = -np.cos(2 * np.pi * (day - 20) / 365)
    outside = 17 + 12.5 * season + 3.5 * np.cos(2 * np.pi * (hour - 15) / 24) + noise(2.5, 0.98)
    cooling = 0.12 + 0.012 * np.clip(outside - 12, 0, None)
    data_centre = 2900 * np.array(ONLINE)[hour] / 100 * (1 + noise(0.02, 0.9)) * (1 + cooling)

    melting = np.where((hour >= 22) | (hour < 14), 1.0, 0.35)
    foundry = np.where(weekday == 6, 0.15, np.where(weekday == 5, 0.6, 1.0)) * melting
    foundry = (
        7800 * np.where(closed, 0.08, foundry) * np.clip(1 + noise(0.10, 0.6), 0.5, 1.25) + 500
    )

    shifts = np.where((hour >= 6) & (hour < 22), 1.0, 0.30) * np.where(weekday == 6, 0.25, 1.0)
    shifts = np.where(closed, 0.12, shifts) * np.clip(1 + noise(0.08, 0.8), 0.5, 1.3)
    steam = 3600 * shifts * (1 - 0.12 * season)
    dye_works = 300 + 1100 * shifts

    table = pd.DataFrame(
        {
            "time": stamps.strftime("%Y-%m-%dT%H:%M"),
            "data_centre_kw": np.round(data_centre),
            "foundry_kw": np.round(foundry),
            "steam_kw": np.round(steam),
            "dye_works_kw": np.round(dye_works),
        }
    )
    table.to_csv(Path(__file__).with_name("series.csv"), index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
