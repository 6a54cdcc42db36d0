"""Results in the table of the IAMC: its columns, sums over variables and regions, years and times."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest
from typer.testing import CliRunner

from microgrid_opt import load, open_plan, save, solve
from microgrid_opt.bridges.iamc import COLUMNS, table, write
from microgrid_opt.cli import app
from microgrid_opt.errors import InputError
from tests.bridges import peer
from tests.math.test_pathway import BUDGET
from tests.pathways import pathway

if TYPE_CHECKING:
    from pathlib import Path

DAY = "horizon={start: 2025-03-28, hours: 24}"
KEYS = list(COLUMNS[:-1])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a plan of one member and one with a plan of two."""
    place = tmp_path_factory.mktemp("results")
    save(solve(load("case:minimal")), place / "one")
    save(solve(load("case:neighbours", sets=[DAY])), place / "two")
    return place


def found(folder: Path, *, series: bool = False) -> pd.DataFrame:
    return table(open_plan(folder), model="m", series=series)


def value(rows: pd.DataFrame, variable: str, **where: object) -> float:
    chosen = rows[rows["variable"] == variable]
    for column, wanted in where.items():
        chosen = chosen[chosen[column] == wanted]
    (one,) = chosen["value"]
    return float(one)


def test_amounts_of_the_minimal_case(folder: Path) -> None:
    """Proves: the hand-solved plan and its reference plan, over the day that is its horizon."""
    rows = found(folder / "one")
    name = rows["scenario"].iloc[0]
    plan, reference = {"scenario": name}, {"scenario": f"{name}, reference"}
    assert value(rows, "Cost", **plan) == pytest.approx(1288.20)
    assert value(rows, "Cost", **reference) == pytest.approx(1440.0)
    assert value(rows, "Emissions|CO2", unit="kg CO2", **plan) == pytest.approx(1099.0)
    assert value(rows, "Capacity|battery|energy", unit="kWh", **plan) == pytest.approx(180.0)
    assert value(rows, "Supply|electricity|generation|pv", **plan) == pytest.approx(240.0)
    assert value(rows, "Use|electricity|storage|battery", **plan) == pytest.approx(200.0)
    assert value(rows, "Supply|electricity|import", unit="kWh", **plan) == pytest.approx(2198.0)
    # 0.3 at night and 0.9 by day, as what is bought sets the price.
    assert value(rows, "Price|electricity", **reference) == pytest.approx(0.6)
    assert set(rows["region"]) == {name}


@pytest.mark.parametrize("name", ["one", "two"])
def test_the_columns_are_those_of_the_format(folder: Path, name: str) -> None:
    """Proves: pyam's rules: these columns, no doubles, no gaps, whole years, a unit for each variable."""
    rows = found(folder / name)
    assert tuple(rows.columns) == COLUMNS
    assert not rows.duplicated(KEYS).any()
    assert not rows.isna().any().any()
    assert rows["year"].dtype.kind == "i"
    assert (rows.groupby("variable")["unit"].nunique() == 1).all()


@pytest.mark.parametrize("name", ["one", "two"])
def test_a_variable_is_the_sum_of_its_parts(folder: Path, name: str) -> None:
    """Proves: what pyam calls aggregates, for costs, CO2, supply and use.

    Sensitivity: an entry that is missing below or counted twice above.
    """
    rows = found(folder / name)
    checked = 0
    for _, part in rows.groupby(["scenario", "region"]):
        values = part.set_index("variable")["value"]
        for variable in values.index:
            depth = variable.count("|") + 1
            below = [
                v for v in values.index if v.startswith(f"{variable}|") and v.count("|") == depth
            ]
            if below:
                assert values[variable] == pytest.approx(values[below].sum()), variable
                checked += 1
    assert checked > 10


def test_the_park_is_the_sum_of_its_members(folder: Path) -> None:
    rows = found(folder / "two")
    whole = min(rows["region"], key=len)
    assert set(rows["region"]) == {whole, f"{whole}|works", f"{whole}|office"}
    for keys, part in rows.groupby(["scenario", "variable"]):
        values = part.set_index("region")["value"]
        if whole in values.index:
            assert values[whole] == pytest.approx(values.drop(whole).sum()), keys


def test_series_by_time(folder: Path) -> None:
    """Proves: starts of steps in universal time, and the values of the series."""
    rows = found(folder / "two", series=True)
    assert tuple(rows.columns) == tuple("time" if c == "year" else c for c in COLUMNS)
    load_kw = rows[rows["variable"] == "Series|works_load|demand"]
    stamps = pd.DatetimeIndex(pd.to_datetime(load_kw["time"]))
    assert str(stamps[0]) == "2025-03-27 23:00:00+00:00"
    assert load_kw["value"].tolist() == [100.0] * 48


def test_stages_are_years_of_one_scenario(tmp_path: Path) -> None:
    plan = pathway(BUDGET)
    save(plan, tmp_path / "stages")
    rows = found(tmp_path / "stages")
    assert set(rows["year"]) == {2027, 2028}
    assert rows["region"].nunique() == 1
    assert rows["scenario"].nunique() <= 2
    for year, stage in plan.stages.items():
        name = plan.pathway.name
        assert value(rows, "Cost", year=year, scenario=name) == pytest.approx(stage.results.cost)


def test_command_and_files(folder: Path, tmp_path: Path) -> None:
    """Proves: CSV and the workbook's sheet `data` hold the same table; names as told."""
    for name in ("a.csv", "a.xlsx"):
        words = ["export", "iamc", str(folder / "one"), "--out", str(tmp_path / name)]
        done = CliRunner().invoke(app, [*words, "--model", "mine", "--scenario", "this"])
        assert done.exit_code == 0, done.output
    text = pd.read_csv(tmp_path / "a.csv")
    sheet = pd.read_excel(tmp_path / "a.xlsx", sheet_name="data")
    pd.testing.assert_frame_equal(text, sheet)
    assert set(text["model"]) == {"mine"}
    assert set(text["scenario"]) == {"this", "this, reference"}
    wrong = CliRunner().invoke(app, ["export", "iamc", "nowhere", "--out", str(tmp_path / "a.txt")])
    assert wrong.exit_code == 2
    assert "must end with .csv or .xlsx" in wrong.output
    assert "nowhere" in wrong.output


def test_a_sheet_is_only_so_long(tmp_path: Path) -> None:
    rows = pd.DataFrame({"value": range(1_048_576)})
    with pytest.raises(InputError, match=r"1,048,575 rows"):
        write(rows, tmp_path / "a.xlsx")
    with pytest.raises(InputError, match="no such folder"):
        write(rows, tmp_path / "b" / "a.csv")


READ = """
import json, sys, warnings
warnings.simplefilter("ignore")
import pyam
answer = []
for file in sys.argv[1:]:
    df = pyam.IamDataFrame(file)
    whole = min(df.region, key=len)
    wrong = [v for v in df.variable if df.time_col == "year" and v.split("|")[0] in ("Cost", "Supply", "Use")
             and df.check_aggregate(v) is not None]
    answer.append([len(df), df.time_col, sorted(df.region), wrong])
print("ANSWER" + json.dumps(answer))
"""


@pytest.mark.peers
@pytest.mark.skipif(peer.python("pyam") is None, reason="pyam is in no Python of the peers")
def test_pyam_reads_it(folder: Path, tmp_path: Path) -> None:
    rows, times = found(folder / "two"), found(folder / "two", series=True)
    files = [tmp_path / "a.csv", tmp_path / "a.xlsx", tmp_path / "b.csv"]
    for frame, file in zip((rows, rows, times), files, strict=True):
        write(frame, file)
    answer = peer.run(READ, *files, module="pyam")
    regions = sorted(set(rows["region"]))
    assert answer[0] == answer[1] == [len(rows), "year", regions, []]  # type: ignore[index]
    assert answer[2] == [len(times), "time", regions[1:], []]  # type: ignore[index]
