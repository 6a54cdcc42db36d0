"""Series from CSV and Parquet files: rows find their steps, and every defect is told with its line."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid_opt.errors import Finding, InputError
from microgrid_opt.fields import Frozen
from microgrid_opt.horizon import Horizon
from microgrid_opt.series import FileSeries, Reader, SeriesKW, resolve
from microgrid_opt.series.file import parse_csv

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

BERLIN = "Europe/Berlin"
SHANGHAI = "Asia/Shanghai"


def hours(start: str, steps: int, zone: str = SHANGHAI, step_hours: float = 1.0) -> Horizon:
    return Horizon.regular(start, steps, timezone=zone, step_hours=step_hours)


def write(folder: Path, text: str, name: str = "a.csv") -> Path:
    (folder / name).write_bytes(text.encode())
    return folder


def rows(start: str, count: int, freq: str = "h", zone: str | None = None) -> str:
    """Return a file whose values count up from 0, its stamps with offset if a zone is given."""
    index = pd.date_range(start, periods=count, freq=freq, tz=zone)
    lines = [f"{stamp.isoformat(sep=' ')},{k}" for k, stamp in enumerate(index)]
    return "\n".join(["time,load_kw", *lines]) + "\n"


def read(
    folder: Path, horizon: Horizon, *, key_unit: str = "kW", lower: float | None = 0.0, **keys: Any
) -> NDArray[np.float64]:
    spec = FileSeries.model_validate({"file": "a.csv", "column": "load_kw", **keys})
    found = resolve(spec, horizon, key_unit, reader=Reader(folder), currency="CNY", lower=lower)
    return found.values


def findings(folder: Path, horizon: Horizon, **keys: Any) -> list[Finding]:
    with pytest.raises(InputError) as caught:
        read(folder, horizon, **keys)
    return list(caught.value.findings)


def lines_of(found: list[Finding]) -> list[int]:
    return [finding.where.line if finding.where else -1 for finding in found]


# what fits


def test_rows_find_their_steps(tmp_path: Path) -> None:
    write(tmp_path, rows("2025-01-01", 5))
    assert read(tmp_path, hours("2025-01-01", 5)).tolist() == [0, 1, 2, 3, 4]


def test_a_file_may_hold_more_than_the_horizon(tmp_path: Path) -> None:
    write(tmp_path, rows("2025-01-01", 48))
    assert read(tmp_path, hours("2025-01-01 10:00", 3)).tolist() == [10, 11, 12]


def test_representative_days_take_their_own_rows(tmp_path: Path) -> None:
    write(tmp_path, rows("2025-01-01", 72))
    index = hours("2025-01-01", 72).stamps[[0, 1, 48, 49]]
    horizon = Horizon(index, np.ones(4), np.ones(4))
    assert read(tmp_path, horizon).tolist() == [0, 1, 48, 49]


def test_unequal_steps_take_rows_of_the_same_lengths(tmp_path: Path) -> None:
    text = "time,load_kw\n2025-01-01 00:00,1\n2025-01-01 01:00,2\n2025-01-01 04:00,3\n"
    index = pd.DatetimeIndex(["2025-01-01 00:00", "2025-01-01 01:00", "2025-01-01 04:00"])
    horizon = Horizon(index.tz_localize(SHANGHAI), np.array([1.0, 3.0, 1.0]), np.ones(3))
    assert read(write(tmp_path, text), horizon).tolist() == [1, 2, 3]


def test_offsets_decide_over_the_zone_of_the_park(tmp_path: Path) -> None:
    """Proves: 16:00 UTC is midnight in Shanghai. Sensitivity: read as local it were 8 rows away."""
    write(tmp_path, rows("2024-12-31 16:00", 3, zone="UTC"))
    assert read(tmp_path, hours("2025-01-01", 3)).tolist() == [0, 1, 2]
    write(tmp_path, rows("2024-12-31 16:00", 3, zone="UTC").replace("+00:00", "Z"))
    assert read(tmp_path, hours("2025-01-01", 3)).tolist() == [0, 1, 2]


def test_timezone_of_the_file(tmp_path: Path) -> None:
    write(tmp_path, rows("2024-12-31 16:00", 3))
    found = read(tmp_path, hours("2025-01-01", 3), timezone="Etc/GMT")
    assert found.tolist() == [0, 1, 2]


def test_dst_days_with_offsets_or_a_fixed_zone(tmp_path: Path) -> None:
    """Proves: 25 rows with offsets, or in winter time, fill the long day of October."""
    day = hours("2025-10-26", 25, BERLIN)
    write(tmp_path, rows("2025-10-26", 25, zone=BERLIN))
    assert read(tmp_path, day).tolist() == list(range(25))
    write(tmp_path, rows("2025-10-25 23:00", 25))
    assert read(tmp_path, day, timezone="Etc/GMT-1").tolist() == list(range(25))


def test_byte_order_mark_crlf_and_spaces_after_commas(tmp_path: Path) -> None:
    text = "\ufefftime, load_kw\r\n2025-01-01 00:00, 1.5\r\n2025-01-01 01:00, 2e3\r\n\r\n"
    assert read(write(tmp_path, text), hours("2025-01-01", 2)).tolist() == [1.5, 2000.0]


def test_quoted_headers_and_cells(tmp_path: Path) -> None:
    text = '"time","load, net [MW]"\n"2025-01-01T00:00:00","1.5"\n'
    found = read(write(tmp_path, text), hours("2025-01-01", 1), column="load, net [MW]")
    assert found.tolist() == [1500.0]


@pytest.mark.parametrize(
    ("header", "unit", "key_unit", "expected"),
    [
        ("load_kw", None, "kW", 2.0),
        ("load_kw", "kW", "kW", 2.0),
        ("Load_kW", None, "kW", 2.0),
        ("kw", None, "kW", 2.0),
        ("load", "MW", "kW", 2000.0),
        ("load [MW]", None, "kW", 2000.0),
        ("load (MW)", "MW", "kW", 2000.0),
        ("load (net)", "MW", "kW", 2000.0),
        ("h2_kg_per_hour", None, "kg/h", 2.0),
        ("h2_kg_per_h", None, "kg/h", 2.0),
        ("price_cny_per_kwh", None, "currency/kWh", 2.0),
        ("price", "CNY/MWh", "currency/kWh", 0.002),
        ("price [CNY/MWh]", None, "currency/kWh", 0.002),
        ("pv_fraction", None, "1", 2.0),
        ("pv [-]", None, "1", 2.0),
        ("pv", "%", "1", 0.02),
        ("air [K]", None, "degC", -271.15),
        ("air_degc", None, "degC", 2.0),
    ],
)
def test_units_of_columns(
    tmp_path: Path, header: str, unit: str | None, key_unit: str, expected: float
) -> None:
    write(tmp_path, f"time,{header}\n2025-01-01 00:00,2\n")
    keys = {"unit": unit} if unit else {}
    found = read(
        tmp_path, hours("2025-01-01", 1), key_unit=key_unit, lower=None, column=header, **keys
    )
    assert found[0] == pytest.approx(expected, rel=1e-15)


def test_a_share_needs_its_unit_as_text(tmp_path: Path) -> None:
    """Proves: what the message asks for is what YAML and the schema take for a share: '1', not 1."""
    write(tmp_path, "time,yield\n2025-01-01 00:00,0.5\n")
    (found,) = findings(tmp_path, hours("2025-01-01", 1), key_unit="1", column="yield")
    assert "give `unit: '1'`" in found.message


@pytest.mark.parametrize(
    ("header", "unit", "message"),
    [
        ("load", None, "the column 'load' has no unit: give `unit: kW`"),
        ("load_mw", None, "the column 'load_mw' has no unit: give `unit: kW`"),
        ("load_mw", "kW", "the header 'load_mw' says MW, the park says kW."),
        ("load [MW]", "kW", "the header 'load [MW]' says MW, the park says kW."),
        ("load", "MWh", "is a quantity of energy (kWh); this key wants power in kW."),
        ("load [kWh]", None, "is a quantity of energy (kWh); this key wants power in kW."),
        ("load", "Kw", "the unit 'Kw' is unknown: did you mean 'kW'?"),
    ],
)
def test_wrong_units_of_columns(
    tmp_path: Path, header: str, unit: str | None, message: str
) -> None:
    write(tmp_path, f"time,{header}\n2025-01-01 00:00,2\n")
    keys = {"unit": unit} if unit else {}
    (found,) = findings(tmp_path, hours("2025-01-01", 1), column=header, **keys)
    assert message in found.message


def test_scale_multiplies(tmp_path: Path) -> None:
    write(tmp_path, rows("2025-01-01", 3))
    assert read(tmp_path, hours("2025-01-01", 3), scale=2.5).tolist() == [0, 2.5, 5]


def test_parquet_with_zone_index_text_and_nullable_numbers(tmp_path: Path) -> None:
    index = pd.date_range("2025-01-01", periods=3, freq="h", tz=SHANGHAI, name="time")
    frame = pd.DataFrame({"load_kw": [1, 2, 3]}, index=index)
    frame.to_parquet(tmp_path / "a.parquet")
    horizon = hours("2025-01-01", 3)
    assert read(tmp_path, horizon, file="a.parquet").tolist() == [1, 2, 3]
    plain = frame.reset_index()
    plain["time"] = plain["time"].dt.tz_localize(None)
    plain["load_kw"] = plain["load_kw"].astype("Float64")
    plain.to_parquet(tmp_path / "b.parquet")
    assert read(tmp_path, horizon, file="b.parquet").tolist() == [1, 2, 3]
    plain["time"] = plain["time"].astype(str)
    plain.to_parquet(tmp_path / "c.parquet")
    assert read(tmp_path, horizon, file="c.parquet").tolist() == [1, 2, 3]


def test_parquet_defects_name_the_row(tmp_path: Path) -> None:
    horizon = hours("2025-01-01", 3)
    stamps = pd.date_range("2025-01-01", periods=3, freq="h")
    frame = pd.DataFrame({"time": stamps, "load_kw": [1.0, None, -3.0], "word": ["1", "2", "x"]})
    frame.to_parquet(tmp_path / "a.parquet")
    found = findings(tmp_path, horizon, file="a.parquet")
    assert [f.message for f in found] == [
        "row 2: column 'load_kw' is blank: a series may have no gaps.",
        "row 3: column 'load_kw' must be at least 0 kW.",
    ]
    found = findings(tmp_path, horizon, file="a.parquet", column="word", unit="kW")
    assert found[0].message == "row 3: column 'word' must be a finite number."
    frame.assign(time=[stamps[0], None, stamps[2]]).to_parquet(tmp_path / "b.parquet")
    (only,) = findings(tmp_path, horizon, file="b.parquet")
    assert only.message == "row 2: column 'time' has no time stamp."
    write(tmp_path, "no parquet", "c.parquet")
    assert "is not a Parquet file" in findings(tmp_path, horizon, file="c.parquet")[0].message
    frame.iloc[:0].to_parquet(tmp_path / "d.parquet")
    assert "no rows" in findings(tmp_path, horizon, file="d.parquet")[0].message


# resampling


def test_finer_rows_are_averaged_on_request(tmp_path: Path) -> None:
    """Proves: each hour is the mean of four quarters. Sensitivity: at the start it were 0, 4, 8."""
    write(tmp_path, rows("2025-01-01", 12, "15min"))
    horizon = hours("2025-01-01", 3)
    assert read(tmp_path, horizon, resample="mean").tolist() == [1.5, 5.5, 9.5]
    (found,) = findings(tmp_path, horizon)
    assert found.message == "the rows are 15 min apart, the steps 1 h long: give `resample: mean`."


def test_averages_of_unequal_steps(tmp_path: Path) -> None:
    write(tmp_path, rows("2025-01-01", 6))
    index = pd.DatetimeIndex(["2025-01-01 00:00", "2025-01-01 01:00", "2025-01-01 04:00"])
    horizon = Horizon(index.tz_localize(SHANGHAI), np.array([1.0, 3.0, 2.0]), np.ones(3))
    assert read(tmp_path, horizon, resample="mean").tolist() == [0.0, 2.0, 4.5]


def test_coarser_rows_hold_on_request(tmp_path: Path) -> None:
    write(tmp_path, rows("2025-01-01", 2, "3h"))
    horizon = hours("2025-01-01", 6)
    assert read(tmp_path, horizon, resample="hold").tolist() == [0, 0, 0, 1, 1, 1]
    (found,) = findings(tmp_path, horizon)
    assert "the rows are 3 h apart, the steps 1 h long: give `resample: hold`" in found.message


@pytest.mark.parametrize(
    ("text", "step_hours", "resample", "message"),
    [
        (rows("2025-01-01", 8, "45min"), 1.0, "mean", "do not fill steps of 1 h"),
        (rows("2025-01-01", 8, "2h"), 1.0, "mean", "do not fill steps of 1 h"),
        (
            rows("2025-01-01", 8, "3h"),
            2.0,
            "hold",
            "the step of 2 h at 2025-01-01 02:00 lies across",
        ),
        (rows("2025-01-01", 8, "30min"), 1.0, "hold", "lies across their ends"),
        (rows("2025-01-01", 1), 1.0, "hold", "needs two rows at least"),
        (rows("2025-01-01", 2, "2h"), 1.0, "hold", "no row for 2025-01-01 04:00"),
        (rows("2025-01-01", 19, "15min"), 1.0, "mean", "no row for 2025-01-01 04:45"),
    ],
)
def test_resampling_that_does_not_fit(
    tmp_path: Path, text: str, step_hours: float, resample: str, message: str
) -> None:
    horizon = hours("2025-01-01", 5, step_hours=step_hours)
    found = findings(write(tmp_path, text), horizon, resample=resample)
    assert message in found[0].message


@settings(max_examples=25, deadline=None)
@given(
    values=st.lists(st.floats(0, 1e6), min_size=96, max_size=96),
    steps=st.sampled_from([(96, 0.25), (48, 0.5), (24, 1.0), (8, 3.0)]),
    zone=st.sampled_from([SHANGHAI, BERLIN]),
)
def test_means_keep_the_energy(
    tmp_path_factory: pytest.TempPathFactory,
    values: list[float],
    steps: tuple[int, float],
    zone: str,
) -> None:
    """Proves: Σ value·hours is the same at every step length, and equals the coarsened fine series."""
    folder = tmp_path_factory.mktemp("means")
    index = pd.date_range("2025-06-01", periods=96, freq="15min", tz=zone)
    lines = [f"{stamp.isoformat()},{value!r}" for stamp, value in zip(index, values, strict=True)]
    write(folder, "\n".join(["time,load_kw", *lines]))
    fine = hours("2025-06-01", 96, zone, step_hours=0.25)
    horizon = hours("2025-06-01", steps[0], zone, step_hours=steps[1])
    found = read(folder, horizon, resample="mean")
    starts = np.searchsorted(fine.stamps, horizon.stamps)
    assert found == pytest.approx(fine.average(np.array(values), starts), rel=1e-12)


# typical years


def test_a_typical_year_serves_any_year(tmp_path: Path) -> None:
    """Proves: month, day and hour count, not the year; 1 March follows 28 February."""
    write(tmp_path, rows("2019-01-01", 8760))
    found = read(tmp_path, hours("2025-02-28 23:00", 2), align="typical_year")
    assert found.tolist() == [59 * 24 - 1, 59 * 24]
    year = read(tmp_path, hours("2025-01-01", 8760), align="typical_year")
    assert year.tolist() == list(range(8760))


def test_months_from_different_years(tmp_path: Path) -> None:
    text = rows("2005-01-31 22:00", 2) + rows("1999-02-01", 2).partition("\n")[2]
    found = read(write(tmp_path, text), hours("2025-01-31 22:00", 4), align="typical_year")
    assert found.tolist() == [0, 1, 0, 1]


def test_leap_day_of_a_typical_year(tmp_path: Path) -> None:
    write(tmp_path, rows("2019-01-01", 8760))
    leap = hours("2024-02-28 23:00", 26)
    (found,) = findings(tmp_path, leap, align="typical_year")
    assert "give `leap_day: copy_feb_28`" in found.message
    copied = read(tmp_path, leap, align="typical_year", leap_day="copy_feb_28")
    first = 58 * 24
    assert copied.tolist() == [first + 23, *range(first, first + 24), first + 24]
    write(tmp_path, rows("2020-01-01", 8784))
    assert read(tmp_path, leap, align="typical_year").tolist() == list(
        range(first + 23, first + 49)
    )
    no_leap = read(tmp_path, hours("2025-02-28 23:00", 2), align="typical_year")
    assert no_leap.tolist() == [first + 23, first + 48]


def test_a_typical_year_in_standard_time(tmp_path: Path) -> None:
    """Proves: with a fixed zone the file's winter time holds all year. Sensitivity: by the wall clock
    July would be read one row later."""
    write(tmp_path, rows("2019-01-01", 8760))
    summer = hours("2025-07-01", 1, BERLIN)
    clock = read(tmp_path, summer, align="typical_year")
    standard = read(tmp_path, summer, align="typical_year", timezone="Etc/GMT-1")
    assert clock.tolist() == [181 * 24]
    assert standard.tolist() == [181 * 24 - 1]


def test_a_zoned_typical_year_is_read_in_the_zone(tmp_path: Path) -> None:
    write(tmp_path, rows("2019-01-01", 8760, zone="Etc/GMT-8"))
    found = read(tmp_path, hours("2025-03-01 05:00", 1), align="typical_year")
    assert found.tolist() == [59 * 24 + 5]


def test_a_finer_typical_year_is_averaged_across_new_year(tmp_path: Path) -> None:
    """Proves: rows after midnight of 31 December come from the file's first day."""
    index = pd.date_range("2019-01-01", periods=35040, freq="15min")
    lines = [f"{stamp.isoformat(sep=' ')},{k}" for k, stamp in enumerate(index)]
    write(tmp_path, "\n".join(["time,load_kw", *lines]))
    horizon = hours("2025-12-31 23:30", 1)
    found = read(tmp_path, horizon, align="typical_year", resample="mean")
    assert found.tolist() == [(35038 + 35039 + 0 + 1) / 4]


def test_gaps_of_a_typical_year_name_the_step(tmp_path: Path) -> None:
    write(tmp_path, rows("2019-01-01", 8759))
    (found,) = findings(tmp_path, hours("2025-01-01", 8760), align="typical_year")
    assert "no row for 2025-12-31 23:00" in found.message
    assert lines_of([found]) == [8760]


# defects


def test_8759_rows_name_the_missing_hour(tmp_path: Path) -> None:
    write(tmp_path, rows("2025-01-01", 8759))
    (found,) = findings(tmp_path, hours("2025-01-01", 8760))
    assert found.message == (
        "after this row, no row for 2025-12-31 23:00: a series may have no gaps "
        "(8759 rows for 8760 intervals)."
    )
    assert lines_of([found]) == [8760]


def test_each_gap_is_one_finding(tmp_path: Path) -> None:
    text = rows("2025-01-01", 24).splitlines()
    kept = [line for k, line in enumerate(text) if k not in {4, 5, 6, 10}]
    found = findings(write(tmp_path, "\n".join(kept)), hours("2025-01-01", 24))
    assert lines_of(found) == [4, 7]
    assert "2025-01-01 03:00 and 2 more until 2025-01-01 05:00" in found[0].message
    assert "no row for 2025-01-01 09:00:" in found[1].message


def test_doubled_and_unsorted_stamps(tmp_path: Path) -> None:
    text = rows("2025-01-01", 6).splitlines()
    text.insert(3, text[2])
    text[5], text[6] = text[6], text[5]
    found = findings(write(tmp_path, "\n".join(text)), hours("2025-01-01", 6))
    assert lines_of(found) == [4, 7]
    assert found[0].message == "the time stamp stands twice."
    assert found[0].value == "2025-01-01 01:00:00"
    assert found[1].message == "the time stamps must increase: sort the rows."


def test_misaligned_rows(tmp_path: Path) -> None:
    write(tmp_path, rows("2025-01-01 00:30", 5))
    (found,) = findings(tmp_path, hours("2025-01-01", 5))
    assert lines_of([found]) == [2]
    assert "lies inside the step that starts at 2025-01-01 00:00 (5 such rows)" in found.message


def test_data_of_another_year(tmp_path: Path) -> None:
    write(tmp_path, rows("2019-01-01", 48))
    (found,) = findings(tmp_path, hours("2025-01-01", 24))
    assert found.message == (
        "the rows reach from 2019-01-01 00:00 to 2019-01-02 23:00, the horizon from 2025-01-01 00:00 "
        "to 2025-01-01 23:00: give data of that time, or `align: typical_year`."
    )


def test_hours_that_clocks_skip_or_double(tmp_path: Path) -> None:
    """Proves: local stamps on DST days are not guessed."""
    spring = hours("2025-03-30", 23, BERLIN)
    (skipped,) = findings(write(tmp_path, rows("2025-03-30", 24)), spring)
    assert lines_of([skipped]) == [4]
    assert skipped.message == (
        "2025-03-30 02:00 does not exist in Europe/Berlin, where clocks change: write offsets, or "
        "give a zone without clock changes (`timezone: Etc/GMT-1`)."
    )
    autumn = hours("2025-10-26", 25, BERLIN)
    (doubled,) = findings(write(tmp_path, rows("2025-10-26", 24)), autumn)
    assert lines_of([doubled]) == [4]
    assert "2025-10-26 02:00 is ambiguous in Europe/Berlin" in doubled.message
    lord_howe = hours("2025-10-05", 23, "Australia/Lord_Howe")
    (found,) = findings(write(tmp_path, rows("2025-10-05", 24)), lord_howe)
    assert found.message.endswith("where clocks change: write offsets.")


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("", "column 'load_kw' is blank: a series may have no gaps."),
        ("  ", "column 'load_kw' is blank: a series may have no gaps."),
        ("NaN", "column 'load_kw' is blank: a series may have no gaps."),
        ("n/a", "column 'load_kw' is blank: a series may have no gaps."),
        ("abc", "column 'load_kw' must be a finite number."),
        ("inf", "column 'load_kw' must be a finite number."),
        ("1e999", "column 'load_kw' must be a finite number."),
        ("1_000", "column 'load_kw' must be a finite number."),
        ("１２", "column 'load_kw' must be a finite number."),
        ("5 kW", "column 'load_kw' must be a finite number."),
        ('"1,234.5"', "column 'load_kw' has a comma in a number: write 1234.5."),
        ('"0,5"', "column 'load_kw' has a comma in a number: write 1234.5."),
        ("-3", "column 'load_kw' must be at least 0 kW."),
    ],
)
def test_bad_cells(tmp_path: Path, cell: str, message: str) -> None:
    text = f"time,load_kw\n2025-01-01 00:00,1\n2025-01-01 01:00,{cell}\n2025-01-01 02:00,1\n"
    (found,) = findings(write(tmp_path, text), hours("2025-01-01", 3))
    assert found.message == message
    assert lines_of([found]) == [3]
    assert found.value == cell.strip('"')


def test_bad_cells_outside_the_horizon_do_not_matter(tmp_path: Path) -> None:
    text = rows("2025-01-01", 3) + "2025-01-01 03:00,oops\n"
    assert read(write(tmp_path, text), hours("2025-01-01", 3)).tolist() == [0, 1, 2]


def test_many_bad_cells_are_capped_with_a_count(tmp_path: Path) -> None:
    index = pd.date_range("2025-01-01", periods=100, freq="h")
    text = "\n".join(["time,load_kw", *(f"{stamp.isoformat()},-1" for stamp in index)])
    found = findings(write(tmp_path, text), hours("2025-01-01", 100))
    assert len(found) == 21
    assert found[-1].message == "80 more problems like these."


@pytest.mark.parametrize(
    "stamp",
    ["01/02/2025 00:00", "2025-01-01 24:00", "2025-02-30 00:00", "45658", "", "2025/1/1 0:00"],
)
def test_bad_stamps(tmp_path: Path, stamp: str) -> None:
    text = f"time,load_kw\n2025-01-01 00:00,1\n{stamp},1\n"
    (found,) = findings(write(tmp_path, text), hours("2025-01-01", 2))
    assert lines_of([found]) == [3]
    assert found.value == stamp
    assert "write 2025-01-31 13:00 or 2025-01-31T13:00+08:00" in found.message


def test_some_stamps_with_offset(tmp_path: Path) -> None:
    text = "time,load_kw\n2025-01-01 00:00,1\n2025-01-01 01:00+08:00,1\n"
    (found,) = findings(write(tmp_path, text), hours("2025-01-01", 2))
    assert lines_of([found]) == [3]
    assert "either all time stamps have an offset" in found.message


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 0, "the file is empty."),
        (" \n\n", 0, "the file is empty."),
        ("time,load_kw\n", 1, "the file has a header but no rows."),
        ("time;load_kw\n2025-01-01 00:00;1\n", 1, "must be separated by commas."),
        ("time,load_kw\n2025-01-01 00:00,1,2\n", 2, "has 3 cells, the header has 2."),
        ("time,load_kw\n2025-01-01 00:00\n", 2, "has 1 cells, the header has 2."),
        ("time,load_kw\n\n2025-01-01 00:00,1\n", 2, "the line is blank."),
        ('time,load_kw\n2025-01-01 00:00,"1\n', 2, "is not CSV"),
        ('time,"load\nnet"\n2025-01-01 00:00,1\n', 0, "a cell holds a line break"),
        ("time,load_kw,load_kw\n2025-01-01 00:00,1,2\n", 1, "two columns are called 'load_kw'"),
        (
            "time,load_kW\n2025-01-01 00:00,1\n",
            1,
            "no column 'load_kw': did you mean 'load_kW'? It has",
        ),
        ("date,load_kw\n2025-01-01 00:00,1\n", 1, "has no column 'time'"),
    ],
)
def test_bad_files(tmp_path: Path, text: str, line: int, message: str) -> None:
    (found,) = findings(write(tmp_path, text), hours("2025-01-01", 1))
    assert message in found.message
    assert lines_of([found]) == [line]
    assert str(found).startswith(str(tmp_path / "a.csv"))


def test_both_missing_columns_are_told(tmp_path: Path) -> None:
    found = findings(write(tmp_path, "date,power\n1,2\n"), hours("2025-01-01", 1))
    assert len(found) == 2


def test_files_that_are_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("time,负荷\n2025-01-01 00:00,1\n".encode("gbk"))
    (found,) = findings(tmp_path, hours("2025-01-01", 1))
    assert "is not UTF-8" in found.message
    assert lines_of([found]) == [1]


def test_missing_files_offer_the_nearest(tmp_path: Path) -> None:
    write(tmp_path, rows("2025-01-01", 1), "loads.csv")
    (found,) = findings(tmp_path, hours("2025-01-01", 1), file="load.csv")
    assert found.message.endswith(": did you mean 'loads.csv'?")
    assert found.value == "load.csv"
    (found,) = findings(tmp_path, hours("2025-01-01", 1), file="data/load.csv")
    assert "there is no folder" in found.message
    (tmp_path / "folder.csv").mkdir()
    (found,) = findings(tmp_path, hours("2025-01-01", 1), file="folder.csv")
    assert "cannot be read" in found.message
    (found,) = findings(tmp_path, hours("2025-01-01", 1), file="load.xlsx")
    assert "must be a .csv or a .parquet file" in found.message


def test_unit_and_rows_are_told_together(tmp_path: Path) -> None:
    write(tmp_path, rows("2025-01-01", 2).replace("load_kw", "load"))
    found = findings(tmp_path, hours("2025-01-01", 3), column="load")
    assert [finding.message.partition(":")[0] for finding in found] == [
        "the column 'load' has no unit",
        "after this row, no row for 2025-01-01 02",
    ]


# the reader


def test_each_file_is_read_once_and_its_hash_kept(tmp_path: Path) -> None:
    text = rows("2025-01-01", 2)
    reader = Reader(write(tmp_path, text))
    spec = FileSeries(file="a.csv", column="load_kw")
    horizon = hours("2025-01-01", 2)
    first = resolve(spec, horizon, "kW", reader=reader).values
    (tmp_path / "a.csv").unlink()
    assert resolve(spec, horizon, "kW", reader=reader).values.tolist() == first.tolist()
    assert reader.hashes == {"a.csv": hashlib.sha256(text.encode()).hexdigest()}


def test_the_second_series_of_a_bad_file_only_reminds(tmp_path: Path) -> None:
    reader = Reader(
        write(tmp_path, rows("2025-01-01", 2).replace("\n2025-01-01 01", "\n2025-01-01 00"))
    )
    spec = FileSeries(file="a.csv", column="load_kw")
    horizon = hours("2025-01-01", 2)
    with pytest.raises(InputError, match="stands twice"):
        resolve(spec, horizon, "kW", reader=reader)
    with pytest.raises(InputError, match=r"cannot be read: see the problems of a\.csv"):
        resolve(spec, horizon, "kW", reader=reader)


def test_a_file_gives_the_shape_of_an_annual_amount(tmp_path: Path) -> None:
    """Proves: only proportions count, so the column needs no unit."""

    class Load(Frozen):
        """A load."""

        power_kw: SeriesKW
        """Power."""

    write(tmp_path, rows("2025-01-01", 8760).replace("load_kw", "whatever"))
    shape = {"file": "a.csv", "column": "whatever"}
    load = Load.model_validate({"power_kw": {"annual": "1 GWh", "shape": shape}})
    year = hours("2025-01-01", 8760)
    values = resolve(load.power_kw, year, "kW", reader=Reader(tmp_path), lower=0.0).values
    assert values.sum() == pytest.approx(1e6, rel=1e-12)
    assert values[8759] / values[1] == pytest.approx(8759.0, rel=1e-12)


def test_numbers_keep_every_digit() -> None:
    """Proves: cells are the nearest doubles, as Python reads them."""
    texts = ["0.1", "1e-17", "123456789.123456789", "5e-324", "0.30000000000000004"]
    table = parse_csv("\n".join(["x", *texts]).encode(), "a.csv")
    assert table.numbers("x").tolist() == [float(text) for text in texts]


@settings(max_examples=50, deadline=None)
@given(content=st.binary(max_size=60))
def test_any_bytes_are_a_table_or_a_plain_refusal(content: bytes) -> None:
    """Proves: no content escapes with another exception than InputError."""
    try:
        table = parse_csv(b"time,x\n" + content, "a.csv")
        table.numbers("x")
        table.stamps("time")
    except InputError:
        return
    assert table.rows == len(table.numbers("x"))
