"""Write weather.csv and series.csv: a typical year of Greensboro, and a made-up cold store in it.

    python make_series.py

weather.csv holds those columns of NREL's TMY3 file of station 723170 that are needed; pvlib ships
the whole file. series.csv is what the refrigeration of a warehouse draws: heat through walls and
docks in proportion to the difference of temperatures, doors and fresh goods with the shifts,
compressors that work harder when it is hot, defrosting in the small hours. Seeded, so that the
files are the same every time.
"""

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pvlib

YEAR = 2025
STATION = Path(pvlib.__file__).parent / "data" / "723170TYA.CSV"
COLUMNS = ["Date (MM/DD/YYYY)", "Time (HH:MM)", "GHI (W/m^2)", "DNI (W/m^2)", "DHI (W/m^2)"]
COLUMNS += ["Dry-bulb (C)", "Pressure (mbar)", "Wspd (m/s)"]
FREEZER_DEGC, COOLER_DEGC = -20.0, 2.0
LOADED = [20, 20, 20, 25, 40, 60, 85, 100, 100, 95, 90, 90]
LOADED += [85, 90, 95, 100, 95, 85, 70, 55, 40, 30, 25, 20]


def weather() -> np.ndarray:
    """Write weather.csv; return the temperature of each hour of standard time [degC]."""
    with STATION.open(newline="", encoding="ascii") as file:
        rows = list(csv.reader(file))
    where = [rows[1].index(name) for name in COLUMNS]
    lines = [",".join(rows[0])] + [",".join(row[k] for k in where) for row in rows[1:]]
    target = Path(__file__).with_name("weather.csv")
    target.write_text("\n".join(lines) + "\n", encoding="ascii", newline="\n")
    return np.array([float(row[where[5]]) for row in rows[2:]])


def noise(rng: np.random.Generator, spread: float, memory: float, steps: int) -> np.ndarray:
    """Return a random walk that comes back to zero."""
    kicks = rng.normal(0.0, spread * np.sqrt(1 - memory**2), steps)
    values = np.empty(steps)
    last = 0.0
    for t in range(steps):
        last = memory * last + kicks[t]
        values[t] = last
    return values


def main() -> None:
    """Write the files."""
    rng = np.random.default_rng(20250723)
    outside = weather()
    stamps = pd.date_range(f"{YEAR}-01-01", periods=len(outside), freq="h", tz="Etc/GMT+5")
    local = stamps.tz_convert("America/New_York")
    hour = local.hour.to_numpy()
    sunday = local.day_of_week.to_numpy() == 6
    saturday = local.day_of_week.to_numpy() == 5

    # Walls and goods are slow: they feel the mean of the last hours.
    felt = pd.Series(outside).ewm(halflife=3).mean().to_numpy()
    open_doors = (
        np.array(LOADED)[hour] / 100 * np.where(sunday, 0.35, np.where(saturday, 0.65, 1.0))
    )
    freezer = 12.0 * (felt - FREEZER_DEGC) * (1 + 0.45 * open_doors)
    cooler = 13.0 * np.clip(felt - COOLER_DEGC, 0, None) * (1 + 0.7 * open_doors)
    inside = 380.0 + 200.0 * open_doors
    defrost = np.where(np.isin(hour, [2, 3]), 70.0, 0.0)
    condensing = np.clip(outside + 12.0, 24.0, None)
    lift_freezer, lift_cooler = condensing - FREEZER_DEGC + 6.0, condensing - COOLER_DEGC + 6.0
    cop_freezer = 0.55 * (FREEZER_DEGC - 6.0 + 273.15) / lift_freezer
    cop_cooler = 0.55 * (COOLER_DEGC - 6.0 + 273.15) / lift_cooler
    power = (freezer + 0.6 * inside) / cop_freezer + (cooler + 0.4 * inside) / cop_cooler + defrost
    power *= 1 + noise(rng, 0.035, 0.85, len(power))

    times = [stamp.isoformat(timespec="minutes") for stamp in local]
    table = pd.DataFrame({"time": times, "refrigeration_kw": np.round(power, 1)})
    table.to_csv(Path(__file__).with_name("series.csv"), index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
