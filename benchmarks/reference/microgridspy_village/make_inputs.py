"""Writes hourly.csv from the demo in the installed package, whose data do not ship here."""

from importlib.util import find_spec
from pathlib import Path

import pandas as pd

FOLDER = Path(find_spec("microgridspy").origin).parent / "examples/demo_typical_year/inputs"


def main():
    """Write the year of hours."""
    load = pd.read_csv(FOLDER / "load_demand.csv", sep=";", skiprows=2, header=None)
    pv = pd.read_csv(FOLDER / "resource_availability.csv", sep=";", skiprows=3, header=None)
    stamps = pd.date_range("2025-01-01", periods=len(load), freq="h").strftime("%Y-%m-%dT%H:%MZ")
    table = pd.DataFrame({"load": load[1].to_numpy(), "pv": pv[1].to_numpy()})
    table.set_index(pd.Index(stamps, name="time")).to_csv("hourly.csv")


if __name__ == "__main__":
    main()
