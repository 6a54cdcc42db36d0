"""Writes hourly.csv from the tables in the installed package: they may be used, not shipped."""

import csv
from importlib.util import find_spec
from pathlib import Path

import pandas as pd

FOLDER = Path(find_spec("calliope").origin).parent / "example_models/urban_scale/data_tables"


def main():
    """Write the year of hours."""
    demand = pd.read_csv(FOLDER / "demand.csv", header=[0, 1], index_col=0)
    export = pd.read_csv(FOLDER / "export_power.csv", index_col=0, encoding="utf-8-sig")
    with (FOLDER / "pv_resource.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    column = next(row for row in rows if row[0] == "scaler").index("per_area")
    pv = [float(row[column]) for row in rows if row[0].startswith("2005-")]
    table = pd.DataFrame(
        {
            f"{carrier}_{node.lower()}": demand[f"demand_{carrier}", node]
            for carrier in ("electricity", "heat")
            for node in ("X1", "X2", "X3")
        }
    )
    stamps = pd.to_datetime(table.index).strftime("%Y-%m-%dT%H:%MZ")
    table["pv"] = pv
    table["chp_export_price"] = -export["X1"].to_numpy()
    table.set_index(pd.Index(stamps, name="time")).to_csv("hourly.csv")


if __name__ == "__main__":
    main()
