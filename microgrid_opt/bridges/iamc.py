"""Results in the long table of the IAMC, as pyam and the scenario explorers of IIASA read it.

| column | content |
|---|---|
| ``model`` | this program with its version, unless told otherwise |
| ``scenario`` | the plan's name; its reference plan has ``, reference`` after it |
| ``region`` | the park; of several members each has ``park|member``, and the park their sums |
| ``variable`` | words from the general to the special, with ``|`` between them |
| ``unit`` | of the value |
| ``year`` or ``time`` | the year in which the horizon begins, or that of a stage; the start of a step |
| ``value`` | the number |

| variable | unit |
|---|---|
| ``Capacity|ASSET|SIZE``, ``Capacity Additions|ASSET|SIZE`` | kW, kWh, kg, … |
| ``Supply|CARRIER|ROLE|ASSET``, ``Use|CARRIER|ROLE|ASSET`` and what they sum up to | kWh/yr, kg/yr |
| ``Cost``, ``Cost|CATEGORY``, ``Cost|CATEGORY|ASSET`` | currency/yr |
| ``Emissions|CO2``, ``…|CATEGORY``, ``…|CATEGORY|ASSET`` | kg CO2/yr |
| ``Price|CARRIER``: mean of the shadow prices of a member's balance, by time | currency/kWh, … |
| ``Series|ASSET|NAME``, with ``time`` | of the series |

Amounts are those of the horizon; where it is not a year, the unit has no ``/yr``.

References
----------
- D. Huppmann et al. (2021), pyam: Analysis and visualisation of integrated assessment and macro-energy
  scenarios, Open Research Europe 1:74, doi:10.12688/openreseurope.13633.2: columns, ``|``, sums.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from microgrid_opt.errors import InputError
from microgrid_opt.ledger import CO2, COST
from microgrid_opt.store import StoredPlan

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    import pandas as pd

    from microgrid_opt.pathway.store import StoredPathway
    from microgrid_opt.results import Results

COLUMNS = ("model", "scenario", "region", "variable", "unit", "year", "value")
SUFFIXES = (".csv", ".xlsx")
ROWS_OF_A_SHEET = 1_048_575
"""Rows that a sheet of a workbook takes, without its head."""
Row = tuple[str, str, str, float]
"""Region, variable, unit, value."""


def table(
    held: StoredPlan | StoredPathway, *, model: str, scenario: str = "", series: bool = False
) -> pd.DataFrame:
    """Return a plan, or every stage of a pathway, with its reference plan as a long table.

    Parameters
    ----------
    held
        A folder's content.
    model, scenario
        Names in the table; the scenario is the plan's name when left out.
    series
        Whether to return the series by ``time`` instead of the amounts by ``year``.
    """
    import pandas as pd

    stages = {_year(held): held} if isinstance(held, StoredPlan) else held.stages
    whole = held.results.name if isinstance(held, StoredPlan) else held.pathway.name
    name = scenario or whole
    frames = []
    for year, stage in stages.items():
        for results, called in ((stage.results, name), (stage.reference, f"{name}, reference")):
            if results is not None:
                of_park = replace(results, name=whole)
                frame = _times(of_park) if series else _amounts(of_park, year)
                frame.insert(0, "scenario", called)
                frames.append(frame)
    found = pd.concat(frames, ignore_index=True)
    found.insert(0, "model", model)
    return found


def check_out(path: Path) -> None:
    """Refuse a file that cannot be written.

    Raises
    ------
    InputError
        It ends in something else than .csv or .xlsx, or its folder does not exist.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"{path} must end with .csv or .xlsx.")
    if not path.absolute().parent.is_dir():
        raise InputError(f"{path}: there is no such folder; make it first.")


def write(found: pd.DataFrame, path: Path) -> None:
    """Write a table: as CSV, or as the sheet ``data`` of a workbook.

    Raises
    ------
    InputError
        See `check_out`; or a sheet cannot hold so many rows.
    """
    check_out(path)
    if path.suffix.lower() == ".csv":
        found.to_csv(path, index=False)
        return
    if len(found) > ROWS_OF_A_SHEET:
        raise InputError(
            f"{path}: a sheet takes {ROWS_OF_A_SHEET:,} rows, of {len(found):,}: give .csv."
        )
    found.to_excel(path, sheet_name="data", index=False, engine="xlsxwriter")


def _year(held: StoredPlan) -> int:
    stage = held.manifest["origin"].get("stage")
    return int(stage or held.results.horizon.stamps[0].year)


def _word(text: str) -> str:
    """Return a part of a variable or region: the bar separates parts."""
    return text.replace("|", "/")


def _regions(results: Results) -> dict[str, str]:
    """Return the region of every member; the whole is that of the empty name."""
    whole = _word(results.name)
    members = dict.fromkeys(results.columns["member"])
    if len(members) <= 1:
        return dict.fromkeys([*members, ""], whole)
    return {"": whole} | {name: f"{whole}|{_word(name)}" for name in members}


def _amounts(results: Results, year: int) -> pd.DataFrame:
    import pandas as pd

    rows = [*_sizes(results), *_energy(results), *_ledger(results), *_prices(results)]
    found = pd.DataFrame(rows, columns=["region", "variable", "unit", "value"])
    # What members have alike, the park has in sum; where there is one, it is the park.
    keys = ["region", "variable", "unit"]
    found = found.groupby(keys, sort=False)[["value"]].sum().reset_index()
    found.insert(3, "year", year)
    return found


def _sizes(results: Results) -> Iterator[Row]:
    regions = _regions(results)
    for row in results.sizes.to_dict("records"):
        for head, column in (("Capacity", "total"), ("Capacity Additions", "new")):
            variable = f"{head}|{_word(row['asset'])}|{_word(row['size'])}"
            yield regions[row["member"]], variable, row["unit"], float(row[column])


def _energy(results: Results) -> Iterator[Row]:
    for row in results.energy.to_dict("records"):
        for head, column in (("Supply", "supplied"), ("Use", "drawn")):
            parts = (head, row["carrier"], row["role"], row["asset"])
            amount = float(row[column])
            if amount:
                unit = _yearly(results, row["unit"])
                yield from _with_sums(results, row["member"], parts, unit, amount)


def _ledger(results: Results) -> Iterator[Row]:
    heads = {COST: ("Cost", results.currency), CO2: ("Emissions|CO2", "kg CO2")}
    for row in results.ledger.to_dict("records"):
        head, unit = heads[row["effect"]]
        parts = (head, row["category"], row["asset"])
        amount = float(row["amount"])
        yield from _with_sums(results, row["member"], parts, _yearly(results, unit), amount)


def _with_sums(
    results: Results, member: str, parts: Iterable[str], unit: str, amount: float
) -> Iterator[Row]:
    """Yield an amount for itself and for all that it is a part of: variables and regions."""
    head, *more = parts
    words = [head, *map(_word, more)]
    regions = _regions(results)
    for region in dict.fromkeys((regions.get(member, regions[""]), regions[""])):
        for count in range(1, len(words) + 1):
            if count > 1 or head not in {"Supply", "Use"}:
                yield region, "|".join(words[:count]), unit, amount


def _prices(results: Results) -> Iterator[Row]:
    regions = _regions(results)
    units = results.carriers.set_index("carrier")["unit"]
    hours = results.horizon.hours
    for column in results.prices.columns:
        place, _, carrier = str(column).partition(".")
        if place in regions:
            mean = float(results.prices[column].to_numpy() @ hours / hours.sum())
            unit = f"{results.currency}/{units[carrier]}"
            yield regions[place], f"Price|{_word(carrier)}", unit, mean


def _yearly(results: Results, unit: str) -> str:
    return f"{unit}/yr" if results.horizon.is_calendar_year else unit


def _times(results: Results) -> pd.DataFrame:
    import pandas as pd

    regions, columns = _regions(results), results.columns
    stepwise = columns[columns["key"].isin(results.series.columns)]
    frames = [
        pd.DataFrame(
            {
                "region": regions[row["member"]],
                "variable": f"Series|{_word(row['asset'])}|{_word(row['name'])}",
                "unit": "" if row["unit"] == "1" else row["unit"],
                # Workbooks have no zones, and clocks change: universal time.
                "time": results.horizon.stamps.tz_convert("UTC").strftime("%Y-%m-%dT%H:%M:%SZ"),
                "value": np.asarray(results.series[row["key"]], float),
            }
        )
        for row in stepwise.to_dict("records")
    ]
    found: pd.DataFrame = pd.concat(frames, ignore_index=True)
    return found
