from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid_opt.report.tables import (
    MISSING,
    Column,
    Table,
    format_number,
    format_percent,
    format_quantity,
    format_seconds,
    humanised,
    scaled,
)

ANY_FLOAT = st.floats(allow_nan=True, allow_infinity=True)


@pytest.mark.parametrize(
    ("peak", "unit", "expected"),
    [
        (99.0, "kWh", (1.0, "kWh")),
        (99_999.0, "kWh", (1.0, "kWh")),
        (100_000.0, "kWh", (1e3, "MWh")),
        (9.9e8, "kWh", (1e3, "MWh")),
        (1e9, "kWh", (1e6, "GWh")),
        (2e5, "kg", (1e3, "t")),
        (2e5, "kg/h", (1e3, "t/h")),
        (9_999_999.0, "CNY", (1.0, "CNY")),
        (10_000_000.0, "CNY/year", (1e3, "thousand CNY/year")),
        (1e10, "CNY", (1e6, "million CNY")),
        (1e9, "CNY/kWh", (1.0, "CNY/kWh")),
        (1e9, "kWh/kW", (1.0, "kWh/kW")),
        (1e9, "1", (1.0, "1")),
    ],
)
def test_a_column_takes_the_prefix_of_its_largest_number(
    peak: float, unit: str, expected: tuple[float, str]
) -> None:
    assert scaled([1.0, -peak, None, math.nan], unit) == expected


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (12_345.678, "kWh", "12.35 MWh"),
        (999.0, "kWh", "999 kWh"),
        (1_500.0, "kW", "1,500 kW"),
        (12_000.0, "kW", "12 MW"),
        (665_219.4, "CNY/year", "665,219 CNY/year"),
        (4_548_000.0, "CNY", "4.548 million CNY"),
        (2.75e6, "kg", "2,750 t"),
        (0.1335, "1", "0.1335"),
        (2.3e-10, "kWh", "0 kWh"),
        (-0.0, "kWh", "0 kWh"),
        (None, "kWh", MISSING),
        (math.nan, "kWh", MISSING),
    ],
)
def test_a_single_quantity_is_scaled_by_itself(
    value: float | None, unit: str, expected: str
) -> None:
    assert format_quantity(value, unit) == expected


def test_signs_percentages_and_durations() -> None:
    assert format_number(5.0, sign=True) == "+5"
    assert format_number(0.0, sign=True) == "0"
    assert format_number(-0.04, decimals=1) == "0.0"
    assert format_percent(-0.2056, sign=True) == "-20.6 %"
    assert format_percent(None) == MISSING
    assert [format_seconds(s) for s in (0.314, 59.94, 90.0, 7200.0)] == [
        "0.31 s",
        "59.9 s",
        "1.5 min",
        "2 h",
    ]
    assert [humanised(n) for n in ("energy_import", "fixed_om", "co2_price")] == [
        "Energy import",
        "Fixed O&M",
        "CO2 price",
    ]


def test_columns_of_one_unit_share_scale_and_decimals() -> None:
    table = Table(
        [Column("Asset"), Column("Plan", "kWh"), Column("Change", "kWh", sign=True), Column("Share", "%")],
        [["a", 250_000.0, 1_000.0, 0.25], ["b", None, -math.inf, None]],
        ["Total", 250_000.0, "", ""],
        {1: "muted"},
    )  # fmt: skip
    assert [(title, unit) for title, unit, _ in table.head()] == [
        ("Asset", ""),
        ("Plan", "MWh"),
        ("Change", "MWh"),
        ("Share", ""),
    ]
    rows = [(mark, [text for text, _ in cells]) for mark, cells in table.body()]
    assert rows == [
        ("", ["a", "250.0", "+1.0", "25.0 %"]),
        ("muted", ["b", MISSING, MISSING, MISSING]),
        ("total", ["Total", "250.0", "", ""]),
    ]


@settings(max_examples=50)
@given(ANY_FLOAT, st.sampled_from(["kWh", "kW", "kg", "CNY", "CNY/year", "1"]))
def test_no_number_is_ever_shown_as_nan_or_infinite(value: float, unit: str) -> None:
    text = format_quantity(value, unit)
    assert "nan" not in text.lower()
    assert "inf" not in text.lower()
    table = Table([Column("x", unit), Column("y", "%")], [[value, value]])
    assert not any("nan" in t or "inf" in t for _, cells in table.body() for t, _ in cells)


@settings(max_examples=50)
@given(st.floats(1e-5, 1e15).flatmap(lambda x: st.sampled_from([x, -x])), st.integers(2, 8))
def test_rounding_keeps_the_digits_that_it_promises(value: float, digits: int) -> None:
    """Proves: the text reads back as the number, to half a unit of the last of ``digits`` digits, or
    to half a unit where the number has more than that before the point.

    Sensitivity: with one digit fewer the error would be up to ten times what is allowed.
    """
    read = float(format_number(value, digits=digits).replace(",", ""))
    half = 0.5 if abs(value) >= 10.0 ** (digits - 1) else 0.5 * 10.0 ** (1 - digits) * abs(value)
    assert abs(read - value) <= half * (1 + 1e-6) + 1e-12 * abs(value)
