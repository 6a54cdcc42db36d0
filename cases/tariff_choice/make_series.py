"""Write series.csv: a year of hours of the load of a made-up industrial park.

    python make_series.py

Seeded, so that the file is the same every time. Castings and plastics run in three shifts all week,
workshops from 8 to 18 on working days and half of them on Saturdays; lighting, compressed air and
cooling follow them and the season. Both stop over Spring Festival, in part over other holidays.
"""

from pathlib import Path

import numpy as np
import pandas as pd

YEAR = 2026
STEPS = 8760
SPRING_FESTIVAL = ("2026-02-14", "2026-02-23")
HOLIDAYS = ("2026-01-01", "2026-04-05", "2026-05-01", "2026-05-02", "2026-05-03", "2026-06-19")
HOLIDAYS += ("2026-09-25", "2026-10-01", "2026-10-02", "2026-10-03", "2026-10-04", "2026-10-05")


def main() -> None:
    """Write the file."""
    rng = np.random.default_rng(1192)
    stamps = pd.date_range(f"{YEAR}-01-01", periods=STEPS, freq="h", tz="Etc/GMT-8")
    hour, day = stamps.hour.to_numpy(), stamps.day_of_year.to_numpy()
    date = stamps.strftime("%Y-%m-%d").to_numpy()
    weekday = stamps.day_of_week.to_numpy()
    festival = (date >= SPRING_FESTIVAL[0]) & (date <= SPRING_FESTIVAL[1])
    holiday = np.isin(date, HOLIDAYS)

    def noise(spread: float, memory: float) -> np.ndarray:
        steps = rng.normal(0.0, spread * np.sqrt(1 - memory**2), STEPS)
        values = np.empty(STEPS)
        last = 0.0
        for t in range(STEPS):
            last = memory * last + steps[t]
            values[t] = last
        return values

    three_shifts = 4300 * (1 + noise(0.025, 0.9))
    three_shifts -= 350 * np.isin(hour, [7, 15, 23])  # a change of shift
    three_shifts = np.where(festival, 0.25, np.where(holiday, 0.85, 1.0)) * three_shifts

    share = np.where(weekday < 5, 1.0, np.where(weekday == 5, 0.5, 0.06))
    share = np.where(festival | holiday, 0.06, share)
    ramp = np.interp(
        hour + 0.5, [6.5, 9, 12, 12.5, 13.5, 14, 17.5, 19], [0, 1, 1, 0.7, 0.7, 1, 1, 0]
    )
    one_shift = 3100 * share * ramp * (1 + noise(0.04, 0.8))

    summer = np.clip(np.cos(2 * np.pi * (day - 205) / 365), 0, 1) ** 1.5
    winter = np.clip(np.cos(2 * np.pi * (day - 20) / 365), 0, 1) ** 2
    warmth = 0.6 + 0.4 * np.cos(2 * np.pi * (hour - 15) / 24)
    comfort = (
        (950 * summer * warmth + 250 * winter) * (0.35 + 0.65 * share) * (1 + noise(0.05, 0.95))
    )
    load = three_shifts + one_shift + np.where(festival, 0.3, 1.0) * comfort + 180

    table = pd.DataFrame(
        {
            "time": stamps.strftime("%Y-%m-%dT%H:%M+08:00"),
            "load_kw": np.round(np.clip(load, 0, None), 1),
        }
    )
    table.to_csv(Path(__file__).with_name("series.csv"), index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
