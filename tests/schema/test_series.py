"""Series fields: calendar shapes against plain Python, and what their validation refuses."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from microgrid_opt.errors import InputError
from microgrid_opt.fields import Frozen, unit_of
from microgrid_opt.horizon import Horizon
from microgrid_opt.series import (
    AnnualSeries,
    Constant,
    DayShape,
    FileSeries,
    Monthly,
    Reader,
    Resolved,
    Seasons,
    Series,
    SeriesFraction,
    SeriesKgPerHour,
    SeriesKW,
    SeriesPrice,
    TimeOfUse,
    is_series,
    lower_bound_of,
    resolve,
    upper_bound_of,
)
from microgrid_opt.series.timeofuse import spans

if TYPE_CHECKING:
    from collections.abc import Callable

BERLIN = "Europe/Berlin"
SHANGHAI = "Asia/Shanghai"
NEW_YEAR = date(2025, 1, 1)
COUNT_UP = list(range(24))


class Tariffed(Frozen):
    """A model with series."""

    power_kw: SeriesKW = Constant(value=0.0)
    """Power."""
    flow_kg_per_hour: SeriesKgPerHour | None = None
    """Flow."""
    price_per_kwh: SeriesPrice | None = None
    """Price."""
    share: SeriesFraction | None = None
    """Share."""
    name: str = ""
    """Name."""


def build(**data: object) -> Tariffed:
    return Tariffed.model_validate(data, context={"currency": "CNY"})


def power(data: object) -> Series:
    return build(power_kw=data).power_kw


def price(data: object) -> Series:
    found = build(price_per_kwh=data).price_per_kwh
    assert found is not None
    return found


def refusals(**data: object) -> dict[tuple[object, ...], str]:
    with pytest.raises(ValidationError) as caught:
        build(**data)
    return {error["loc"]: error["msg"] for error in caught.value.errors()}


def on(spec: Series, horizon: Horizon, unit: str = "kW") -> Resolved:
    return resolve(spec, horizon, unit, reader=Reader(Path()), currency="CNY", lower=None)


def hours(start: str, steps: int, zone: str = SHANGHAI, step_hours: float = 1.0) -> Horizon:
    holidays = frozenset({NEW_YEAR, date(2025, 10, 1)})
    return Horizon.regular(start, steps, timezone=zone, step_hours=step_hours, holidays=holidays)


def unequal(lengths: list[float], start: str, zone: str) -> Horizon:
    first = pd.Timestamp(start, tz=zone).tz_convert("UTC")
    begun = np.concatenate([[0.0], np.cumsum(lengths)[:-1]])
    stamps = pd.DatetimeIndex(first + pd.to_timedelta(begun, unit="h")).tz_convert(zone)
    return Horizon(stamps, np.array(lengths), np.ones(len(lengths)), frozenset({NEW_YEAR}))


def by_quarters(
    horizon: Horizon, value_at: Callable[[datetime], float]
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return means over the steps of a function of local time, a quarter of an hour at a time."""
    zone = ZoneInfo(str(horizon.stamps.tz))
    means = []
    for stamp, length in zip(horizon.stamps, horizon.step_hours, strict=True):
        start = stamp.to_pydatetime().astimezone(UTC)
        quarters = [start + timedelta(minutes=15 * k) for k in range(round(length * 4))]
        means.append(sum(value_at(q.astimezone(zone)) for q in quarters) / len(quarters))
    return np.array(means)


# constants


def test_constants_are_numbers_or_quantities() -> None:
    assert power(5) == Constant(value=5.0)
    assert power("2 MW") == Constant(value=2000.0)
    assert on(power("2 MW"), hours("2025-01-01", 3)).values.tolist() == [2000.0] * 3
    assert price("-300 CNY/MWh") == Constant(value=-0.3)


def test_series_fields_know_unit_and_bounds() -> None:
    assert unit_of(Tariffed, "power_kw") == "kW"
    assert unit_of(Tariffed, "price_per_kwh") == "currency/kWh"
    assert is_series(Tariffed, "flow_kg_per_hour")
    assert not is_series(Tariffed, "name")
    assert lower_bound_of(Tariffed, "power_kw") == 0
    assert lower_bound_of(Tariffed, "price_per_kwh") is None
    assert upper_bound_of(Tariffed, "share") == 1
    assert upper_bound_of(Tariffed, "name") is None


# days


@settings(max_examples=25, deadline=None)
@given(
    values=st.lists(st.floats(0, 1e6), min_size=24, max_size=24),
    zone=st.sampled_from([BERLIN, SHANGHAI, "Asia/Kathmandu"]),
    start=st.sampled_from(["2025-03-29", "2025-10-25", "2024-02-28"]),
)
def test_a_day_repeats_by_the_wall_clock(values: list[float], zone: str, start: str) -> None:
    """Proves: each hour has its own value on every day, DST days included. Sensitivity: by elapsed
    hours the values would be one hour off after a change of clocks."""
    horizon = hours(start, 96, zone)
    expected = [values[stamp.hour] for stamp in horizon.stamps]
    assert on(power({"hourly": values}), horizon).values.tolist() == expected


def test_daylight_saving_days_skip_and_repeat_an_hour() -> None:
    """Proves: spring has no 2:00, autumn has two. Sensitivity: Shanghai has each once."""
    spec = power({"hourly": COUNT_UP})
    spring = on(spec, hours("2025-03-30", 23, BERLIN)).values.tolist()
    assert spring == [0, 1, *range(3, 24)]
    autumn = on(spec, hours("2025-10-26", 25, BERLIN)).values.tolist()
    assert autumn == [0, 1, 2, *range(2, 24)]


def test_quarter_hours_hold_the_value_of_their_hour() -> None:
    found = on(power({"hourly": COUNT_UP}), hours("2025-01-01", 8, step_hours=0.25))
    assert found.values.tolist() == [0.0] * 4 + [1.0] * 4


def test_a_day_in_half_hours_is_averaged_over_hours() -> None:
    """Proves: an hour is the mean of its half hours. Sensitivity: at its start it were 0, 2, 4."""
    found = on(power({"hourly": list(range(48))}), hours("2025-01-01", 3))
    assert found.values.tolist() == [0.5, 2.5, 4.5]


def test_long_steps_are_means_across_midnight_and_clock_changes() -> None:
    """Proves: 6 h from 22:00 on the night of the change are 22, 23, 0, 1, 3, 4 o'clock. Sensitivity:
    without the change the last hours are 2 and 3, and the mean is 51/6."""
    horizon = Horizon.regular("2025-03-29 22:00", 1, step_hours=6.0, timezone=BERLIN)
    found = on(power({"hourly": COUNT_UP}), horizon)
    assert found.values[0] == pytest.approx((22 + 23 + 0 + 1 + 3 + 4) / 6, rel=1e-15)


def test_day_types() -> None:
    """Proves: holidays count as such only where the shape names them (1 Jan 2025 is a Wednesday)."""
    shape = {"weekday": [1] * 24, "weekend": [2] * 24}
    days = hours("2025-01-01", 24 * 5)
    assert on(power(shape), days).values[::24].tolist() == [1, 1, 1, 2, 2]
    assert on(power({**shape, "holiday": [3] * 24}), days).values[::24].tolist() == [3, 1, 1, 2, 2]


def test_days_of_different_resolution_mix() -> None:
    shape = {"weekday": [1] * 24, "weekend": [2] * 47 + [4]}
    saturday = on(power(shape), hours("2025-01-04", 24)).values
    assert saturday.tolist() == [2.0] * 23 + [3.0]


# months and seasons


def test_months() -> None:
    year = on(power({"monthly": list(range(1, 13))}), hours("2024-01-01", 8784)).values
    assert year[59 * 24] == 2.0
    assert year[60 * 24] == 3.0
    assert year.sum() == sum(
        month * 24 * days
        for month, days in enumerate((31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31), 1)
    )


def test_seasons() -> None:
    spec = power(
        {
            "seasons": {
                "summer": {"months": [6, 7, 8], "hourly": COUNT_UP},
                "winter": {"months": [12, 1, 2], "weekday": [5] * 24, "weekend": [6] * 24},
                "between": {"months": [3, 4, 5, 9, 10, 11], "value": "1 MW"},
            }
        }
    )
    assert on(spec, hours("2025-05-31 22:00", 4)).values.tolist() == [1000, 1000, 0, 1]
    assert on(spec, hours("2025-01-03 23:00", 2)).values.tolist() == [5, 6]


# annual amounts


@settings(max_examples=25, deadline=None)
@given(
    amount=st.floats(1.0, 1e9),
    values=st.lists(st.floats(0.1, 1e3), min_size=24, max_size=24),
    steps=st.sampled_from([(8760, 1.0), (35040, 0.25), (4380, 2.0)]),
)
def test_annual_amount_is_the_sum_over_the_year(
    amount: float, values: list[float], steps: tuple[int, float]
) -> None:
    """Proves: Σ power·hours is the annual amount. Sensitivity: unscaled it is the shape's own sum."""
    spec = power({"annual": amount, "shape": {"hourly": values}})
    year = hours("2025-01-01", steps[0], BERLIN, step_hours=steps[1])
    found = on(spec, year).values
    assert (found * year.hours).sum() == pytest.approx(amount, rel=1e-12)
    shape = on(power({"hourly": values}), year).values
    assert np.allclose(found / found.sum(), shape / shape.sum(), rtol=1e-9, atol=0)


def test_annual_amount_of_a_leap_year_and_of_a_week() -> None:
    """Proves: a leap year carries the whole amount, a week 168/8760 of it, weighted steps as well."""
    spec = power({"annual": "8.76 MWh", "shape": 5})
    leap = hours("2024-01-01", 8784)
    assert on(spec, leap).values.sum() == pytest.approx(8760.0, rel=1e-12)
    week = hours("2025-01-06", 168)
    assert on(spec, week).values.tolist() == pytest.approx([1.0] * 168)
    heavy = Horizon(week.stamps, week.step_hours, np.full(168, 8760 / 168))
    assert (on(spec, heavy).values * heavy.hours).sum() == pytest.approx(8760.0, rel=1e-12)


def test_annual_mass_is_in_kg() -> None:
    spec = build(flow_kg_per_hour={"annual": "87.6 t", "shape": 1}).flow_kg_per_hour
    assert spec is not None
    assert on(spec, hours("2025-01-01", 2), "kg/h").values.tolist() == pytest.approx([10.0, 10.0])


def test_annual_amount_needs_a_shape_above_zero() -> None:
    with pytest.raises(InputError, match="zero in every step"):
        on(power({"annual": 5, "shape": 0}), hours("2025-01-01", 2))


# time of use

WINTER_SUMMER = {
    "periods": {"peak": 1.2, "flat": "0.8 CNY/kWh", "valley": "400 CNY/MWh"},
    "calendar": [
        {"period": "peak", "hours": "8:30-11, 18-21", "days": "weekday"},
        {"period": "peak", "hours": "14-16", "months": [7, 8], "days": ["weekday"]},
        {"period": "valley", "hours": "23-7"},
    ],
    "otherwise": "flat",
}


def test_tariff_by_hand() -> None:
    """Proves: half hours average and wrapped spans stay in their day (July, a Friday and a Saturday)."""
    friday = [0.4] * 7 + [0.8, 1.0, 1.2, 1.2, 0.8, 0.8, 0.8, 1.2, 1.2, 0.8, 0.8]
    friday += [1.2, 1.2, 1.2, 0.8, 0.8, 0.4]
    saturday = [0.4] * 7 + [0.8] * 16 + [0.4]
    found = on(price(WINTER_SUMMER), hours("2025-07-04", 48))
    assert found.values.tolist() == pytest.approx(friday + saturday, rel=1e-15)
    assert found.period_names == ("peak", "flat", "valley", "mixed")
    assert found.periods is not None
    assert found.periods[:12].tolist() == [2] * 7 + [1, 3, 0, 0, 1]


def test_periods_of_half_hour_steps_are_never_mixed() -> None:
    found = on(price(WINTER_SUMMER), hours("2025-07-04", 48, step_hours=0.5))
    assert found.period_names == ("peak", "flat", "valley")
    assert found.periods is not None
    values = np.array([1.2, 0.8, 0.4])[found.periods]
    assert found.values.tolist() == values.tolist()


def test_a_clock_change_inside_a_step_is_seen() -> None:
    """Proves: 3 h from midnight of the change are 0, 1 and 3 o'clock, so a third lies beyond 3:00.
    Sensitivity: by the clock at its start the step is all in the period 0-3, at 3.0."""
    data = {"periods": {"a": 3.0, "b": 0.0}, "calendar": [{"period": "a", "hours": "0-3"}]}
    spec = price({**data, "otherwise": "b"})
    found = on(spec, Horizon.regular("2025-03-30", 1, step_hours=3.0, timezone=BERLIN))
    assert found.values.tolist() == pytest.approx([2.0], rel=1e-15)
    assert found.period_names == ("a", "b", "mixed")
    plain = on(spec, Horizon.regular("2025-03-31", 1, step_hours=3.0, timezone=BERLIN))
    assert plain.values.tolist() == [3.0]


def test_holidays_have_their_own_rules() -> None:
    rules = [
        {"period": "valley", "days": "holiday"},
        {"period": "peak", "days": ["weekday", "weekend"]},
    ]
    spec = price({"periods": {"peak": 1, "valley": 0.2}, "calendar": rules})
    assert on(spec, hours("2025-01-01", 48)).values[::24].tolist() == [0.2, 1.0]


@st.composite
def calendars(draw: st.DrawFn) -> tuple[dict[str, Any], Callable[[datetime], float]]:
    """Draw a calendar without overlaps, and an independent reading of it."""
    names = ("a", "b", "c")
    prices = {name: draw(st.floats(-1, 2)) for name in names}
    summer = draw(st.sets(st.integers(1, 12), min_size=1, max_size=11))
    rules: list[dict[str, Any]] = [{"period": "b", "days": "holiday"}]
    marked: list[tuple[set[int], bool, int, int, str]] = []
    for months in (summer, set(range(1, 13)) - summer):
        for weekend in (False, True):
            cuts = sorted(draw(st.sets(st.integers(0, 95), max_size=4)))
            for first, last in pairwise(cuts):
                if not draw(st.booleans()):
                    continue
                name = draw(st.sampled_from(names))
                text = f"{first // 4}:{first % 4 * 15:02d}-{last // 4}:{last % 4 * 15:02d}"
                days = "weekend" if weekend else "weekday"
                rules.append(
                    {"period": name, "months": sorted(months), "days": days, "hours": text}
                )
                marked.append((months, weekend, first * 15, last * 15, name))
    used = {rule["period"] for rule in rules} | {"c"}
    data = {
        "periods": {name: prices[name] for name in names if name in used},
        "calendar": rules,
        "otherwise": "c",
    }

    def value_at(moment: datetime) -> float:
        if moment.date() == NEW_YEAR:
            return prices["b"]
        minute = moment.hour * 60 + moment.minute
        for months, weekend, first, last, name in marked:
            same_day = moment.month in months and weekend == (moment.weekday() >= 5)
            if same_day and first <= minute < last:
                return prices[name]
        return prices["c"]

    return data, value_at


@settings(max_examples=25, deadline=None)
@given(
    calendar=calendars(),
    lengths=st.lists(st.sampled_from([0.25, 0.5, 1.0, 3.0, 6.0]), min_size=1, max_size=40),
    start=st.sampled_from(["2024-12-30 22:00", "2025-03-29 20:00", "2025-10-25 21:30"]),
    zone=st.sampled_from([BERLIN, SHANGHAI, "Asia/Kathmandu", "Australia/Lord_Howe"]),
)
def test_tariffs_agree_with_plain_python(
    calendar: tuple[dict[str, Any], Callable[[datetime], float]],
    lengths: list[float],
    start: str,
    zone: str,
) -> None:
    """Proves: months, day types, holidays, spans, DST (half an hour on Lord Howe) and unequal steps.
    Sensitivity: prices are arbitrary, so a single quarter of an hour astray changes a mean."""
    data, value_at = calendar
    horizon = unequal(lengths, start, zone)
    found = on(price(data), horizon)
    assert found.values == pytest.approx(by_quarters(horizon, value_at), abs=1e-12)
    assert found.periods is not None
    named = list(data["periods"].values())
    pure = found.periods < len(named)
    assert found.values[pure] == pytest.approx(np.array(named)[found.periods[pure]])


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("8-11", ((480, 660),)),
        ("8:30-11:00, 13-17", ((510, 660), (780, 1020))),
        ("22-6", ((1320, 1440), (0, 360))),
        ("22-0", ((1320, 1440),)),
        ("22-24", ((1320, 1440),)),
        ("0-24", ((0, 1440),)),
        ("00:15 – 00:45", ((15, 45),)),
    ],
)
def test_spans(text: str, minutes: tuple[tuple[int, int], ...]) -> None:
    assert spans(text) == minutes


@pytest.mark.parametrize(
    "text", ["", "8", "8-11-13", "8-25", "24-8", "8-8", "8:60-9", "8-11;13-14"]
)
def test_bad_spans(text: str) -> None:
    with pytest.raises(ValueError, match=r"span of hours|beyond the day|is empty"):
        spans(text)


# refusals

FLAT = {"periods": {"a": 1}, "calendar": [{"period": "a"}]}
PART = {"period": "a", "hours": "8-11"}


@pytest.mark.parametrize(
    ("data", "below", "message"),
    [
        (True, (), "must be a number in kW or a quantity such as '2 kW'."),
        (-1, (), "must be at least 0 kW."),
        ("5 kWh", (), "is a quantity of energy (kWh); this key wants power in kW."),
        ([1, 2], (), "is a list of 2: write the values of a day under `hourly`"),
        ({}, (), "needs one of the keys `annual`, `file`, `hourly`"),
        ({"hourli": [1]}, (), "did you mean 'hourly'?"),
        ({"hourly": [1] * 23}, ("hourly",), "has 23 values: a day has 24"),
        ({"hourly": [1] * 23 + [-1]}, ("hourly", 23), "must be at least 0 kW."),
        ({"hourly": [1] * 23 + ["x"]}, ("hourly", 23), "does not begin with a number"),
        ({"hourly": 3}, ("hourly",), "must be a list of numbers or quantities."),
        ({"monthly": "5 kW"}, ("monthly",), "must be a list of numbers"),
        ({"hourly": [1] * 24, "weekend": [1] * 24}, (), "give either `hourly` or `weekend`"),
        ({"weekday": [1] * 24}, (), "give both `weekday` and `weekend`"),
        ({"hourly": None}, (), "give `hourly`, or `weekday` and `weekend`."),
        ({"monthly": [1] * 11}, (), "has 11 values: give twelve."),
        ({"file": "a.csv"}, ("column",), "this key is required."),
        ({"file": "a.csv", "column": "x", "collumn": 1}, ("collumn",), "did you mean `column`?"),
        ({"file": "a.csv", "column": "x", "zzz": 1}, ("zzz",), "allowed: file, column, unit"),
        ({"file": "a.csv", "column": "x", "timezone": "Mars"}, ("timezone",), "not a time zone"),
        ({"file": "a.csv", "column": "x", "scale": "2 kW"}, ("scale",), "wants a plain number"),
        ({"seasons": {}}, ("seasons",), "is empty: give one at least."),
        ({"seasons": {"s": {"months": [1], "value": 1}}}, (), "no season has Feb, Mar"),
        ({"seasons": {"s": {"months": [1]}}}, ("seasons", "s"), "give either `value`, or"),
        ({"seasons": {"s": {"months": [], "value": 1}}}, ("seasons", "s", "months"), "is empty"),
        (
            {"seasons": {"s": {"months": [1], "valu": 1}}},
            ("seasons", "s", "valu"),
            "did you mean `value`?",
        ),
        ({**FLAT, "calendar": [{**PART, "day": 1}]}, ("calendar", 0, "day"), "mean `days`?"),
        ({"seasons": {"s": {"months": [13], "value": 1}}}, ("seasons", "s", "months", 0), "12"),
        (
            {"seasons": {"s": {"months": list(range(1, 13)), "value": 1, "hourly": [1] * 24}}},
            ("seasons", "s"),
            "give either `value`, or",
        ),
        (
            {"seasons": {k: {"months": list(range(1, 13)), "value": 1} for k in ("s", "t")}},
            (),
            "Jan is in 's' and in 't'",
        ),
        ({"annual": 5}, ("shape",), "this key is required."),
        ({"annual": "5 kW", "shape": 1}, ("annual",), "this key wants energy in kWh."),
        ({"annual": -5, "shape": 1}, ("annual",), "must be at least 0 kWh."),
        ({"annual": 5, "shape": -1}, ("shape",), "must be at least 0."),
        (
            {"annual": 5, "shape": {"annual": 5, "shape": 1}},
            ("shape",),
            "needs one of the keys `file`",
        ),
        (
            {"annual": 5, "shape": {"hourly": [1] * 23 + [-1]}},
            ("shape", "hourly", 23),
            "at least 0.",
        ),
        ({**FLAT, "otherwise": "b"}, (), "no period is called 'b': known: a."),
        ({**FLAT, "periods": {"peak": 1}, "otherwise": "paek"}, (), "is called 'a': known: peak."),
        ({**FLAT, "periods": {"a": 1, "b": 2}}, (), "nothing uses the period 'b'"),
        ({**FLAT, "periods": {"a": "1 h"}}, ("periods", "a"), "is a quantity of time (h)"),
        ({**FLAT, "calendar": []}, ("calendar",), "is empty: give one at least."),
        ({**FLAT, "calendar": [PART]}, (), "no rule covers Jan, weekday, 0:00: add one, or give"),
        ({**FLAT, "calendar": [{**PART, "months": [3]}]}, (), "no rule covers Jan, weekday, 0:00"),
        (
            {
                **FLAT,
                "calendar": [{"period": "a", "hours": "0-8:30"}, {"period": "a", "hours": "9-0"}],
            },
            (),
            "no rule covers Jan, weekday, 8:30",
        ),
        (
            {**FLAT, "calendar": [{"period": "a"}, {**PART, "months": [3], "days": "weekend"}]},
            (),
            "rules 1 and 2 both cover Mar, weekend, 8:00.",
        ),
        (
            {**FLAT, "calendar": [{"period": "a"}, {"period": "a", "days": "holiday"}]},
            (),
            "both cover Jan, holiday, 0:00 (`days: all` includes holidays",
        ),
        ({**FLAT, "calendar": [{**PART, "hours": "8-12, 11-13"}]}, (), "of rule 1 overlap."),
        ({**FLAT, "calendar": [{**PART, "hours": "8h"}]}, ("calendar", 0, "hours"), "8:30-11:00"),
        ({**FLAT, "calendar": [{**PART, "days": "sunday"}]}, ("calendar", 0, "days", 0), "weekend"),
        ({**FLAT, "calendar": [{**PART, "days": []}]}, ("calendar", 0, "days"), "is empty"),
    ],
)
def test_refusals_stand_at_their_key(data: object, below: tuple[object, ...], message: str) -> None:
    ((loc, found),) = refusals(power_kw=data).items()
    assert loc == ("power_kw", *below)
    assert message in found


def test_nearest_period_is_offered() -> None:
    spec = {"periods": {"peak": 1}, "calendar": [{"period": "peka"}]}
    assert "did you mean 'peak'?" in refusals(power_kw=spec)["power_kw",]


def test_a_yearly_price_is_refused() -> None:
    found = refusals(price_per_kwh={"annual": 5, "shape": 1})
    assert found == {
        ("price_per_kwh", "annual"): "a yearly amount makes sense for kW and kg/h only."
    }


def test_all_problems_of_a_series_come_at_once() -> None:
    found = refusals(
        power_kw={"file": 3, "colum": "x"}, share={"hourly": [2] * 24}, price_per_kwh="1 USD/kWh"
    )
    assert {loc[:2] for loc in found} == {
        ("power_kw", "file"),
        ("power_kw", "column"),
        ("power_kw", "colum"),
        ("share", "hourly"),
        ("price_per_kwh",),
    }


def test_shapes_made_in_python_are_checked_when_resolved() -> None:
    """Proves: without a park's context plain numbers pass and bounds hold at the end."""
    shape = DayShape(hourly=(-1.0, *(1.0,) * 23))
    with pytest.raises(InputError, match=r"2025-01-01 00:00:00\+08:00: must be at least 0 kW"):
        resolve(shape, hours("2025-01-01", 24), "kW", reader=Reader(Path()), lower=0.0)
    with pytest.raises(ValidationError, match="needs a key with a unit"):
        DayShape.model_validate({"hourly": ["1 kW"] * 24})
    with pytest.raises(InputError, match="Series is not a form"):
        resolve(Series(), hours("2025-01-01", 1), "kW", reader=Reader(Path()))


def test_steps_that_cut_the_day_too_finely_are_refused() -> None:
    stamps = pd.DatetimeIndex(["2025-01-01 00:00:01"]).tz_localize(SHANGHAI)
    odd = Horizon(stamps, np.array([5e6 / 3600 + 1 / 3600]), np.ones(1))
    with pytest.raises(InputError, match="60-minute parts of the day"):
        on(power({"hourly": COUNT_UP}), odd)


# round trips and schema

FORMS: dict[str, tuple[type[Series], dict[str, Any]]] = {
    "file": (FileSeries, {"file": "a.csv", "column": "x", "unit": "MW", "resample": "mean"}),
    "day": (DayShape, {"weekday": [1.0] * 24, "weekend": [2.0] * 48, "holiday": [3.0] * 96}),
    "seasons": (Seasons, {"seasons": {"all": {"months": list(range(1, 13)), "value": 3.0}}}),
    "monthly": (Monthly, {"monthly": [float(k) for k in range(12)]}),
    "annual": (AnnualSeries, {"annual": 5.0, "shape": {"hourly": [1.0] * 24}}),
    "periods": (
        TimeOfUse,
        {
            "periods": {"a": 1.0},
            "calendar": [{"period": "a", "days": ["all"], "hours": "6-6:30"}],
            "otherwise": "a",
        },
    ),
}


@pytest.mark.parametrize("form", sorted(FORMS))
def test_every_form_survives_a_dump(form: str) -> None:
    cls, data = FORMS[form]
    first = build(power_kw=data)
    assert type(first.power_kw) is cls
    assert first.model_dump(exclude_unset=True) == {"power_kw": data}
    assert Tariffed.model_validate_json(first.model_dump_json(exclude_unset=True)) == first
    assert Tariffed.model_validate(first) == first


def test_constant_dumps_as_its_number() -> None:
    assert build(power_kw="2 MW").model_dump(exclude_unset=True) == {"power_kw": 2000.0}


def test_schema_lists_every_form_and_describes_every_key() -> None:
    schema = Tariffed.model_json_schema()
    field = schema["properties"]["power_kw"]
    assert field["unit"] == "kW"
    assert field["anyOf"][0] == {"type": "number", "minimum": 0}
    named = {part["$ref"].rpartition("/")[2] for part in field["anyOf"] if "$ref" in part}
    assert named == {*("AnnualSeries", "FileSeries", "DayShape", "Seasons", "Monthly", "TimeOfUse")}
    for name, definition in schema["$defs"].items():
        for key, inner in definition["properties"].items():
            assert inner.get("description"), f"{name}.{key}"
    days = schema["$defs"]["Rule"]["properties"]["days"]["anyOf"]
    assert {part["type"] for part in days} == {"string", "array"}
    json.dumps(schema)
