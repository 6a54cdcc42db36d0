"""Hydrogen by step, by day and by window; with it every convention of windows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from microgrid_opt import study
from microgrid_opt.audit import audit
from microgrid_opt.errors import InputError
from tests.support import EXACT, bill, day, park, problem_of, solved

TRUCK = "truck: {type: supply, carrier: hydrogen, price_per_kg: 30}"
PRICES = day(1, 5, 3, 2, 1)


def filled(filling: str, *, prices: str = PRICES, more: str = "", **sections: str) -> str:
    """Return a park whose hydrogen is bought at hourly prices and filled within windows."""
    return park(
        f"""
        station: {{type: hydrogen_demand, filling: {{{filling}}}{more}}}
        truck: {{type: supply, carrier: hydrogen, price_per_kg: {prices}}}
        """,
        **({"horizon": "{start: 2025-03-03, hours: 6}"} | sections),
    )


def test_hydrogen_is_counted_in_kg() -> None:
    """Proves: 30 × (2 + 3) kg; the energy table says 33.33 kWh per kg. Sensitivity: 1 kg/h costs 30."""
    results = solved(
        park(f"process: {{type: hydrogen_demand, flow_kg_per_hour: {day(2, 3)}}}\n{TRUCK}")
    )
    assert results.of("truck.purchase") == pytest.approx([2, 3])
    assert results.cost == pytest.approx(150)
    row = results.energy[results.energy["asset"] == "process"].iloc[0]
    assert (row["drawn"], row["unit"]) == (pytest.approx(5), "kg")
    assert row["drawn_kwh"] == pytest.approx(5 * 33.33)


def test_hydrogen_not_delivered_is_priced_per_kg() -> None:
    """Proves: 0.5 kg beyond the limit at 100. Sensitivity: the price is linear in what is missing."""
    limited = TRUCK.replace("}", ", limit_kg_per_hour: 1.5}")
    text = "process: {type: hydrogen_demand, flow_kg_per_hour: 2, unserved_price_per_kg: 100}"
    results = solved(park(f"{text}\n{limited}", hours=1))
    assert bill(results, "process", "unserved") == pytest.approx(50)
    assert results.cost == pytest.approx(45 + 50)
    tenfold = solved(park(f"{text.replace('100', '1000')}\n{limited}", hours=1))
    assert bill(tenfold, "process", "unserved") == pytest.approx(500)


# ------------------------------------------------------------------ by day


def test_amount_of_a_day_flows_in_its_cheapest_hours() -> None:
    """Proves: 24 kg between 1:00 and 4:00 at 12 kg/h: 12 at 3 and 12 at 2.

    Sensitivity: at 8 kg/h the hour at 5 is needed as well: 8 × (5 + 3 + 2).
    """
    text = filled("kg_per_day: 24, hours: 1-4, max_kg_per_hour: 12")
    results = solved(text)
    assert results.of("station.demand") == pytest.approx([0, 0, 12, 12, 0, 0])
    assert results.of("station.delivered") == pytest.approx([0, 0, 12, 24, 0, 0])
    assert results.cost == pytest.approx(36 + 24)
    assert solved(text.replace("hour: 12", "hour: 8")).cost == pytest.approx(80)


def test_without_a_limit_all_flows_at_the_best_moment() -> None:
    """Proves: 24 kg at 2, in one hour. Sensitivity: with hours 1-3 they cost 3 each."""
    assert solved(filled("kg_per_day: 24, hours: 1-4")).cost == pytest.approx(48)
    assert solved(filled("kg_per_day: 24, hours: 1-3")).cost == pytest.approx(72)


def test_hours_of_a_day_may_have_a_pause() -> None:
    """Proves: 10 kg in 0-1 or 2-3 or 4-6, 4 kg/h: 4 at 1, 4 at 1 (4:00), 2 at 1.5 (5:00).

    Sensitivity: without 4-6 the share of the day's hours and the price differ.
    """
    text = filled("kg_per_day: 10, hours: '0-1, 2-3, 4-6', max_kg_per_hour: 4")
    text = text.replace("1, 0, 0", "1, 1.5, 0", 1)
    results = solved(text)
    assert results.of("station.demand") == pytest.approx([4, 0, 0, 0, 4, 2])
    assert results.cost == pytest.approx(4 + 4 + 3)


def test_a_pause_takes_nothing_without_a_limit_as_well() -> None:
    """Proves: 10 kg in 0-1 or 3-4 are bought at 2; the pause at 1 is closed, though the day is not full.

    Sensitivity: an open pause would take what it may at 1.
    """
    text = filled("kg_per_day: 10, hours: '0-1, 3-4'", prices=day(5, 1, 1, 2, 1))
    results = solved(text.replace("hours: 6}", "hours: 24}"))
    assert results.of("station.demand")[:5] == pytest.approx([0, 0, 0, 10, 0])
    assert results.cost == pytest.approx(20)


@pytest.mark.parametrize(("hours", "kg"), [(12, 12), (24, 24), (36, 36)])
def test_a_cut_day_has_its_share_by_length(hours: int, kg: float) -> None:
    """Proves: 24 kg a day are 12 in half a day, at any length of steps. Sensitivity: per case."""
    horizon = f"{{start: 2025-03-03, hours: {hours}, step_minutes: 360}}"
    results = solved(filled("kg_per_day: 24", horizon=horizon))
    assert results.total("demand", "hydrogen") == pytest.approx(kg)
    last = results.of("station.delivered")[-1]
    assert last == pytest.approx(12 if hours % 24 else 24)


def test_amount_per_day_may_change_with_the_calendar() -> None:
    """Proves: 10 kg on Friday, 4 on Saturday, from one series. Sensitivity: the day's own mean counts."""
    text = filled(
        f"kg_per_day: {{weekday: {[10] * 24}, weekend: {[4] * 24}}}",
        horizon="{start: 2025-03-07, hours: 48, step_minutes: 480}",
    )
    kg = solved(text).of("station.demand") * 8
    assert kg[:3].sum() == pytest.approx(10)
    assert kg[3:].sum() == pytest.approx(4)


@pytest.mark.parametrize(
    ("windows", "friday", "saturday"),
    [
        ("a: {hours: 0-24, kg: 12}", 12, 12),
        ("a: {hours: 0-24, kg: 12, days: weekday}", 12, 0),
        ("a: {hours: 0-24, kg: 12, days: [weekday, holiday]}", 12, 0),
        ("a: {hours: 0-24, kg: 12, days: weekday}, b: {hours: 0-24, kg: 3, days: holiday}", 3, 0),
        ("a: {hours: 0-24, kg: 12, days: weekend}", 0, 12),
    ],
)
def test_day_types_and_holidays(windows: str, friday: float, saturday: float) -> None:
    """Proves: a holiday is a type of its own where a window names it, else like its day of the week.

    Friday 7 March is made a holiday. Sensitivity: per case.
    """
    horizon = "{start: 2025-03-07, hours: 48, step_minutes: 720, holidays: [2025-03-07]}"
    results = solved(filled(f"windows: {{{windows}}}", horizon=horizon))
    kg = results.of("station.demand") * 12
    assert (kg[:2].sum(), kg[2:].sum()) == (pytest.approx(friday), pytest.approx(saturday))


# ------------------------------------------------------------------ by window


def test_windows_have_amounts_of_their_own_and_may_run_past_midnight() -> None:
    """Proves: of 22-2 (8 kg) the horizon has half: 4 kg at 1; 3-5 takes 4 kg at 1 (4:00).

    Sensitivity: the second window at 3-4 costs 2 each.
    """
    text = filled("windows: {night: {hours: 22-2, kg: 8}, morning: {hours: 3-5, kg: 4}}")
    results = solved(text)
    assert results.of("station.demand") == pytest.approx([4, 0, 0, 0, 4, 0])
    assert results.of("station.delivered") == pytest.approx([4, 4, 0, 0, 4, 0])
    assert results.cost == pytest.approx(8)
    assert solved(text.replace("3-5", "3-4")).cost == pytest.approx(4 + 8)


def test_windows_by_date_cut_steps_in_part() -> None:
    """Proves: 1:30-3:30 takes 8 kg at 6 kg/h: 3 kg in the half hour at 2, 5 in half of 1-3 at 4.

    Sensitivity: at 16 kg/h all flows in the half hour.
    """
    text = filled(
        "deliveries: [{start: 2025-03-03T01:30, end: 2025-03-03T03:30, kg: 8}], max_kg_per_hour: 6",
        horizon="{start: 2025-03-03, steps_hours: [1, 2, 0.5, 1]}",
    )
    results = solved(text)
    assert results.of("station.demand") == pytest.approx([0, 2.5, 6, 0])
    assert results.cost == pytest.approx(5 * 4 + 3 * 2)
    assert solved(text.replace("hour: 6", "hour: 16")).cost == pytest.approx(16)


def test_deliveries_outside_the_horizon_are_none() -> None:
    """Proves: a window without steps takes nothing. Sensitivity: moved inside, it takes 8 kg."""
    text = filled("deliveries: [{start: 2025-04-03, end: 2025-04-04, kg: 8}]")
    assert solved(text).total("demand", "hydrogen") == pytest.approx(0)
    inside = text.replace("2025-04-03", "2025-03-03").replace("2025-04-04", "2025-03-03T05:00")
    assert solved(inside).total("demand", "hydrogen") == pytest.approx(8)


def test_a_step_across_two_windows_may_serve_both() -> None:
    """Proves: 0-2 (4 kg) and 2-6 (8 kg) on steps of 3 h at 1 and 3: all 12 kg in the first.

    Sensitivity: steps that end with the window keep them apart: 4 × 1 + 8 × 2.5.
    """
    prices = f"{{hourly: {[1, 1, 1, 3, 3, 3] * 4}}}"
    windows = "windows: {a: {hours: 0-2, kg: 4}, b: {hours: 2-6, kg: 8}}"
    coarse = filled(windows, prices=prices, horizon="{start: 2025-03-03, steps_hours: [3, 3]}")
    assert solved(coarse).cost == pytest.approx(12)
    assert solved(coarse.replace("[3, 3]", "[2, 4]")).cost == pytest.approx(4 + 8 * 2.5)


def test_days_with_clock_changes_have_23_hours() -> None:
    """Proves: on 30 March 2025 the hours 1-4 are two hours long in Berlin: 6 kg at 3 kg/h fit.

    Sensitivity: at 2.9 kg/h they do not, though three hours would do.
    """
    text = filled(
        "kg_per_day: 6, hours: 1-4, max_kg_per_hour: 3",
        site="{timezone: Europe/Berlin}",
        horizon="{start: 2025-03-30, end: 2025-03-30T06:00}",
    )
    results = solved(text)
    assert results.of("station.demand") == pytest.approx([0, 3, 3, 0, 0])
    with pytest.raises(InputError, match=r"lets 5\.8 kg flow in the window kg_per_day"):
        solved(text.replace("hour: 3", "hour: 2.9"))


def test_a_window_is_cut_where_the_weight_changes() -> None:
    """Proves: two parts of 8 h have 8 kg each: 8 × 2 × 1 + 8 × 1 × 5.

    Sensitivity: as one window all 16 kg would flow where a kg counts once and costs 1.
    """
    text = filled(
        "kg_per_day: 24",
        prices=f"{{hourly: {[2] * 8 + [5] * 16}}}",
        horizon="{start: 2025-03-03, steps_hours: [4, 4, 4, 4], weight: [1, 1, 3, 3]}",
    )
    results = solved(text)
    assert results.cost == pytest.approx(8 * 2 + 3 * 8 * 5)
    assert results.total("demand", "hydrogen") == pytest.approx(8 + 24)


def test_unserved_within_a_window_is_priced() -> None:
    """Proves: 2 kg/h of supply in 2 h leave 2 of 6 kg unserved at 50. Sensitivity: 3 kg/h leave none."""
    text = filled("kg_per_day: 6, hours: 2-4", more=", unserved_price_per_kg: 50").replace(
        "price_per_kg: {hourly", "limit_kg_per_hour: 2, price_per_kg: {hourly"
    )
    results = solved(text)
    assert results.of("station.unserved") @ np.ones(6) == pytest.approx(2)
    assert results.cost == pytest.approx(2 * 3 + 2 * 2 + 100)
    assert solved(text.replace("hour: 2,", "hour: 3,")).cost == pytest.approx(9 + 6)


def test_length_of_steps_does_not_matter() -> None:
    """Proves: hours and half hours give the same plan and cost. Sensitivity: hours 1-3:30 at 2 less."""
    text = filled("kg_per_day: 24, hours: '1-3:30', max_kg_per_hour: 12")
    fine = solved(text.replace("hours: 6", "hours: 6, step_minutes: 30"))
    assert fine.cost == pytest.approx(6 * 2 + 12 * 3 + 6 * 5)
    assert solved(text).cost == pytest.approx(fine.cost)


# ------------------------------------------------------------------ audit and messages


@pytest.mark.parametrize(
    ("demand", "message"),
    [
        ([0, 0, 12, 11, 0, 0], "windows filled by their end"),
        ([0, 0, 12, 13, 0, 0], "demand within its limit"),
        ([1, 0, 12, 11, 0, 0], "demand only in the windows"),
        ([0, 0, 12, 12, 1, 0], "windows not filled before they begin"),
    ],
)
def test_audit_finds_wrong_fillings(demand: list[float], message: str) -> None:
    """Proves: each rule of the window is checked from the flow alone. Sensitivity: per case."""
    problem = problem_of(filled("kg_per_day: 24, hours: 1-4, max_kg_per_hour: 12"))
    results, honest = study.run(problem, EXACT)
    assert honest.passed
    series = results.series.copy()
    series["park.station.demand"] = np.array(demand, dtype=float)
    found = audit(replace(results, series=series), problem)
    assert message in {check.what for check in found.failures}


@pytest.mark.parametrize(
    ("demand", "message"),
    [
        ("", "`flow_kg_per_hour` or `filling` is missing"),
        (", flow_kg_per_hour: 1, filling: {kg_per_day: 1}", "are both given"),
        (", filling: {hours: 6-22}", "no amount is given: give exactly one of `kg_per_day`"),
        (", filling: {kwh_per_day: 3}", "is in kWh, hydrogen is counted in kg"),
        (", filling: {kg_per_day: 3, hours: 6-25}", "beyond the day"),
        (", filling: {kg_per_day: 3, hours: '6-9, 8-10'}", "covers an hour twice"),
        (", filling: {kg_per_day: 3, max_kw: 3}", "does not go with an amount in kg"),
        (
            ", filling: {windows: {a: {hours: 6-9, kg: 1}}, hours: 6-9}",
            "goes with an amount per day, not `windows`",
        ),
        (", filling: {windows: {a: {hours: '6-9, 12-13', kg: 1}}}", "give one span of hours"),
        (", filling: {windows: {A: {hours: 6-9, kg: 1}}}", "begin with a small letter"),
        (", filling: {windows: {a: {hours: 6-9}}}", "either `kg` or `kwh`"),
        (
            ", filling: {windows: {a: {hours: 6-9, kg: 1}, b: {hours: 10-12, kwh: 1}}}",
            "mixes amounts in kg and in kWh",
        ),
        (
            ", filling: {windows: {a: {hours: 0-3, kg: 1}, b: {hours: 2-4, kg: 1}}}",
            "filling: the windows a and b overlap",
        ),
        (
            ", filling: {deliveries: [{start: 2025-03-03T02:00, end: 2025-03-03, kg: 1}]}",
            "must be later than `start`",
        ),
        (
            ", filling: {deliveries: [{start: noon, end: 2025-03-04, kg: 1}]}",
            "must be a local time such as",
        ),
        (
            ", filling: {kg_per_day: 100, hours: 0-2, max_kg_per_hour: 4}",
            r"filling.max_kg_per_hour: lets 8 kg flow .* which has 100 kg: give a higher limit",
        ),
    ],
)
def test_what_does_not_fit_is_refused(demand: str, message: str) -> None:
    """Proves: every contradiction has a message that says what to do. Sensitivity: per case."""
    text = park(f"station: {{type: hydrogen_demand{demand}}}\n{TRUCK}", hours=6)
    with pytest.raises(InputError, match=message):
        solved(text)
