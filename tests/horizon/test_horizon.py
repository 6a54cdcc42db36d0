"""The time axis: local calendar, sums, blocks, coarser copies."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid_opt.errors import InputError
from microgrid_opt.horizon import Horizon

BERLIN = "Europe/Berlin"
SHANGHAI = "Asia/Shanghai"


def hours(start: str, steps: int, timezone: str = SHANGHAI, step_hours: float = 1.0) -> Horizon:
    return Horizon.regular(start, steps, timezone=timezone, step_hours=step_hours)


def unequal(lengths: list[float], start: str = "2025-01-01", timezone: str = SHANGHAI) -> Horizon:
    first = pd.Timestamp(start, tz=timezone).tz_convert("UTC")
    begun = np.concatenate([[0.0], np.cumsum(lengths)[:-1]])
    stamps = pd.DatetimeIndex(first + pd.to_timedelta(begun, unit="h")).tz_convert(timezone)
    return Horizon(stamps, np.array(lengths), np.ones(len(lengths)))


def test_regular_year_stands_for_one_year() -> None:
    year = hours("2025-01-01", 8760)
    assert len(year) == 8760
    assert year.total_hours == 8760.0
    assert year.is_calendar_year
    assert year.year_share == 1.0
    assert year.stamps[0] == pd.Timestamp("2025-01-01 00:00", tz=SHANGHAI)
    assert year.stamps[-1] == pd.Timestamp("2025-12-31 23:00", tz=SHANGHAI)


@pytest.mark.parametrize("step_hours", [0.25, 1.0, 2.0, 24.0])
def test_leap_year_stands_for_one_year(step_hours: float) -> None:
    """Proves: 8784 h across 29 February are one year. Sensitivity: 8784/8760 would be 1.00274."""
    year = hours("2024-01-01", round(8784 / step_hours), step_hours=step_hours)
    assert year.year_share == 1.0


def test_366_days_without_a_leap_day_are_more_than_a_year() -> None:
    window = hours("2025-01-01", 8784)
    assert not window.is_calendar_year
    assert window.year_share == pytest.approx(8784 / 8760, rel=1e-15)


def test_year_across_a_leap_day_from_march_to_february() -> None:
    assert hours("2023-03-01", 8784).year_share == 1.0
    assert hours("2024-03-01", 8760).year_share == 1.0


def test_week_is_its_share_of_8760_hours() -> None:
    assert hours("2025-01-06", 168).year_share == pytest.approx(168 / 8760, rel=1e-15)


def test_weights_count_in_sums() -> None:
    """Proves: four weighted days stand for a year. Sensitivity: unweighted it is 96 h."""
    stamps = pd.DatetimeIndex(
        np.concatenate(
            [
                pd.date_range(f"2024-{m:02d}-15", periods=24, freq="h").to_numpy()
                for m in (1, 4, 7, 10)
            ]
        )
    ).tz_localize(SHANGHAI)
    days = Horizon(stamps, np.ones(96), np.repeat([91.0, 92.0, 91.0, 92.0], 24))
    assert days.total_hours == 24 * 366
    assert days.year_share == 1.0
    assert days.hours[24] == 92.0


def test_daylight_saving_days_have_23_and_25_hours() -> None:
    """Proves: elapsed time is exact and the wall clock jumps. Sensitivity: 24 h days would end at 1:00."""
    spring = hours("2025-03-30", 23, BERLIN)
    assert spring.hour_of_day.tolist() == [0.0, 1.0, *range(3, 24)]
    assert len(set(spring.day)) == 1
    autumn = hours("2025-10-26", 25, BERLIN)
    assert autumn.hour_of_day.tolist() == [0.0, 1.0, 2.0, 2.0, *range(3, 24)]
    assert len(set(autumn.day)) == 1


def test_berlin_year_has_8760_hours_and_365_days() -> None:
    year = hours("2025-01-01", 8760, BERLIN)
    assert year.stamps[-1] == pd.Timestamp("2025-12-31 23:00", tz=BERLIN)
    assert year.day[-1] == 364
    assert year.month_labels[0] == "2025-01"
    assert np.bincount(year.month).tolist() == [
        *(744, 672, 743, 720, 744, 720),
        *(744, 744, 720, 745, 720, 744),
    ]


def test_month_labels_cross_the_year() -> None:
    window = hours("2024-12-31 22:00", 4)
    assert window.month_labels == ("2024-12", "2025-01")
    assert window.month.tolist() == [0, 0, 1, 1]


def test_weekends_and_holidays_are_local() -> None:
    """Proves: the day type is the local day's. Sensitivity: in UTC the first 8 hours are Friday's."""
    saturday = Horizon.regular(
        "2025-01-04", 24, timezone=SHANGHAI, holidays=frozenset({date(2025, 1, 4)})
    )
    assert saturday.is_weekend.all()
    assert saturday.is_holiday.all()
    assert not hours("2025-01-03", 24).is_weekend.any()
    assert not hours("2025-01-03", 24).is_holiday.any()


def test_quarter_hours_have_fractions_of_hours() -> None:
    assert hours("2025-01-01", 5, step_hours=0.25).hour_of_day.tolist() == [0, 0.25, 0.5, 0.75, 1.0]


def test_arrays_are_read_only_copies() -> None:
    lengths = np.ones(3)
    horizon = Horizon(hours("2025-01-01", 3).stamps, lengths, np.ones(3))
    lengths[0] = 7.0
    assert horizon.step_hours[0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        horizon.step_hours[0] = 2.0


def stamps(*texts: str) -> pd.DatetimeIndex:
    return pd.DatetimeIndex([pd.Timestamp(text, tz=SHANGHAI) for text in texts])


@pytest.mark.parametrize(
    ("index", "lengths", "weight", "message"),
    [
        (stamps().tz_localize("UTC"), [], [], "no step"),
        (pd.DatetimeIndex(["2025-01-01"]), [1.0], [1.0], "time zone"),
        (stamps("2025-01-01", "2025-01-02"), [1.0], [1.0, 1.0], "1 values for 2 steps"),
        (stamps("2025-01-01"), [0.0], [1.0], "step_hours must be finite and > 0"),
        (stamps("2025-01-01"), [np.inf], [1.0], "step_hours must be finite and > 0"),
        (stamps("2025-01-01"), [1.0], [np.nan], "weight must be finite and > 0"),
        (stamps("2025-01-02", "2025-01-01"), [1.0, 1.0], [1.0, 1.0], "increase strictly"),
        (stamps("2025-01-01", "2025-01-01"), [1.0, 1.0], [1.0, 1.0], "increase strictly"),
        (stamps("2025-01-01 00:00", "2025-01-01 00:30"), [1.0, 1.0], [1.0, 1.0], "not over when"),
    ],
)
def test_impossible_axes_are_refused(
    index: pd.DatetimeIndex, lengths: list[float], weight: list[float], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        Horizon(index, np.array(lengths), np.array(weight))


@pytest.mark.parametrize(
    ("start", "timezone"),
    [("2025-01-01", "Mars/Base"), ("2025-03-30 02:30", BERLIN), ("2025-10-26 02:30", BERLIN)],
)
def test_starts_that_do_not_exist_or_exist_twice_are_refused(start: str, timezone: str) -> None:
    with pytest.raises(InputError, match="cannot start at"):
        Horizon.regular(start, 1, timezone=timezone)


def test_blocks_end_with_the_month_and_with_a_price_period() -> None:
    """Proves: no block crosses a change. Sensitivity: by length alone it were [0, 4]."""
    window = hours("2025-01-31 21:00", 8)
    prices = np.array([1, 1, 1, 1, 1, 2, 2, 2])
    assert window.blocks(4.0).tolist() == [0, 3, 7]
    assert window.blocks(4.0, prices).tolist() == [0, 3, 5]


def test_blocks_end_at_a_gap() -> None:
    """Proves: representative days stay apart. Sensitivity: one block of 4 h would join two days."""
    index = stamps("2025-01-01 22:00", "2025-01-01 23:00", "2025-01-15 00:00", "2025-01-15 01:00")
    days = Horizon(index, np.ones(4), np.ones(4))
    assert days.blocks(24.0).tolist() == [0, 2]
    with pytest.raises(InputError, match="without a gap"):
        days.coarsen([0])


def test_blocks_of_unequal_steps_keep_their_length() -> None:
    window = unequal([1.0, 2.0, 1.0, 6.0, 1.0])
    assert window.blocks(4.0).tolist() == [0, 3, 4]
    assert window.coarsen(window.blocks(4.0)).step_hours.tolist() == [4.0, 6.0, 1.0]


def test_coarse_steps_of_different_weight_are_refused() -> None:
    window = Horizon(hours("2025-01-01", 2).stamps, np.ones(2), np.array([1.0, 2.0]))
    with pytest.raises(InputError, match="equal weight"):
        window.coarsen([0])


@pytest.mark.parametrize("starts", [[1], [0, 0], [0, 2, 1], [0, 3]])
def test_blocks_outside_the_horizon_are_refused(starts: list[int]) -> None:
    with pytest.raises(InputError, match="Blocks must begin"):
        hours("2025-01-01", 3).coarsen(starts)


@settings(max_examples=25, deadline=None)
@given(
    lengths=st.lists(st.sampled_from([0.25, 0.5, 1.0, 3.0]), min_size=1, max_size=60),
    limit=st.sampled_from([1.0, 2.5, 6.0]),
    weight=st.sampled_from([1.0, 7.5]),
    seed=st.integers(0, 1000),
)
def test_coarsening_keeps_energy_hours_and_calendar(
    lengths: list[float], limit: float, weight: float, seed: int
) -> None:
    """Proves: Σ value·hours, total hours, and the month of each block survive coarsening."""
    base = unequal(lengths, "2025-01-31 20:00")
    fine = Horizon(base.stamps, base.step_hours, np.full(len(lengths), weight))
    rng = np.random.default_rng(seed)
    values, prices = rng.normal(size=len(fine)), rng.integers(0, 2, len(fine))
    starts = fine.blocks(limit, prices)
    coarse = fine.coarsen(starts)
    means = fine.average(values, starts)
    assert coarse.total_hours == pytest.approx(fine.total_hours, rel=1e-12)
    assert (means * coarse.hours).sum() == pytest.approx((values * fine.hours).sum(), abs=1e-9)
    block_of = np.searchsorted(starts, np.arange(len(fine)), side="right") - 1
    assert (
        np.array(coarse.month_labels)[coarse.month][block_of]
        == np.array(fine.month_labels)[fine.month]
    ).all()
    assert (prices == prices[starts][block_of]).all()
    joined = np.bincount(block_of) > 1
    assert (coarse.step_hours[joined] <= limit + 1e-9).all()
