"""Data centre: PUE, jobs that wait, cooling by the park, waste heat."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from microgrid_opt import study
from microgrid_opt.audit import audit
from microgrid_opt.errors import InputError
from tests.support import EXACT, day, park, problem_of, solved

if TYPE_CHECKING:
    from microgrid_opt.results import Results

HEAT = """
houses: {type: heat_demand, power_kw: 10}
district: {type: supply, carrier: heat, price_per_kwh: 1}
"""
ICE = "ice: {type: supply, carrier: cold, price_per_kwh: 0.1}"


def hall(
    spec: str,
    prices: str = "1",
    *,
    load: str = "10",
    pue: str = "pue: 1.5",
    more: str = "",
    hours: float = 4,
    **sections: str,
) -> str:
    """Return a park of a data centre and a grid."""
    pue = f"{pue}, " if pue and spec else pue
    return park(
        f"hall: {{type: data_centre, it_power_kw: {load}, {pue}{spec}}}\n"
        f"grid: {{type: grid, import_price_per_kwh: {prices}}}\n{more}",
        hours=hours,
        **sections,
    )


def figures(results: Results) -> dict[str, float]:
    rows = results.details[results.details["asset"] == "hall"]
    return dict(zip(rows["name"], rows["value"], strict=True))


# ------------------------------------------------------------------ PUE


def test_overhead_follows_the_pue() -> None:
    """Proves: 10 and 20 kW of IT at a PUE of 1.5 draw 15 and 30 kW. Sensitivity: at 1.2, 12 and 24."""
    text = hall("", load=day(10, 20), hours=2)
    results = solved(text)
    assert results.of("grid.import") == pytest.approx([15, 30])
    assert figures(results) == pytest.approx({"it_energy": 30, "mean_pue": 1.5})
    assert solved(text.replace("1.5", "1.2")).cost == pytest.approx(36)


def test_pue_may_change_with_the_hour() -> None:
    """Proves: a series of PUE: 10 × 1.2 + 20 × 1.5; the mean counts IT energy: 42 / 30."""
    results = solved(
        hall("", load=day(10, 20), pue=f"pue: {{hourly: {[1.2] + [1.5] * 23}}}", hours=2)
    )
    assert results.cost == pytest.approx(42)
    assert figures(results)["mean_pue"] == pytest.approx(1.4)


TABLE = "pue_by_temperature: {temperature_degc: [0, 20, 30], pue: [1.1, 1.2, 1.5]}"


def test_pue_follows_the_outdoor_temperature_in_straight_lines() -> None:
    """Proves: −5, 10, 25 and 35 °C give 1.1, 1.15, 1.35 and 1.5. Sensitivity: per temperature."""
    text = hall(f"outdoor_temperature_degc: {day(-5, 10, 25, 35)}", pue=TABLE)
    results = solved(text)
    assert results.of("grid.import") == pytest.approx([11, 11.5, 13.5, 15])
    assert figures(results)["mean_pue"] == pytest.approx(51 / 40)
    warmer = solved(text.replace("-5", "20"))
    assert warmer.cost - results.cost == pytest.approx(1)


def test_temperature_comes_from_the_weather_of_the_site() -> None:
    """Proves: without a series the site's temperature is taken. Sensitivity: a warmer site draws more."""
    means = "{{ghi_kwh_per_m2_day: {0}, temperature_degc: {1}, wind_speed_m_per_s: {2}, seed: 3}}"
    costs = []
    for degrees in (10, 25):
        weather = means.format([4] * 12, [degrees] * 12, [3] * 12)
        site = f"{{timezone: Etc/GMT-8, latitude: 31, longitude: 121, weather: {{synthetic: {weather}}}}}"
        text = hall("", pue=TABLE, site=site)
        problem = problem_of(text)
        outside = problem.arrays["assets.hall.outdoor_temperature_degc"]
        by_hand = sum(1.1 + 0.005 * t if t <= 20 else 1.2 + 0.03 * (t - 20) for t in outside)
        assert outside.min() > 0
        assert outside.max() < 30
        results = solved(text)
        assert results.cost == pytest.approx(10 * by_hand)
        costs.append(results.cost)
    assert costs[1] > costs[0] + 1


# ------------------------------------------------------------------ jobs that wait


DEFER = "it_capacity_kw: 14, deferral: {fraction: 50 %, "


def test_jobs_wait_for_cheap_hours() -> None:
    """Proves: of 5 kWh an hour, 9 run at 1 and 9 at 2, where the hall is full, 2 at 3 and none at 4.

    1.5 × (5 × (4 + 3 + 1 + 2) + 2 × 3 + 9 + 18). Sensitivity: a hall of 16 kW runs 11 at 1; with a
    delay of 1 h those of the first hour must run in the second: 5 × 3 + 9 + 6 × 2.
    """
    text = hall(DEFER + "max_delay_hours: 2}", day(4, 3, 1, 2))
    results = solved(text)
    assert results.of("hall.deferrable") == pytest.approx([0, 2, 9, 9])
    assert results.of("hall.done") == pytest.approx([0, 2, 11, 20])
    assert results.cost == pytest.approx(1.5 * 83)
    assert figures(results)["deferred"] == pytest.approx(5 + 3)
    assert solved(text.replace("kw: 14", "kw: 16")).cost == pytest.approx(1.5 * (50 + 11 + 18))
    assert solved(text.replace("hours: 2}", "hours: 1}")).cost == pytest.approx(1.5 * (50 + 36))


def test_no_job_runs_before_it_arrives() -> None:
    """Proves: with the cheap hour first only its own 5 kWh run in it. Sensitivity: `within` alone
    says that the day's jobs are known: 9 kWh run in it."""
    prices = day(1, 4, 3, 2)
    late = solved(hall(DEFER + "max_delay_hours: 4}", prices))
    assert late.of("hall.deferrable") == pytest.approx([5, 0, 6, 9])
    early = solved(hall(DEFER + "within: day}", prices))
    assert early.of("hall.deferrable") == pytest.approx([9, 0, 2, 9])


@pytest.mark.parametrize(
    ("rest", "firm", "deferrable"),
    [
        ("within: '0-2, 2-4'", [5, 5, 5, 5], [9, 1, 1, 9]),
        ("within: 1-3", [10, 5, 5, 10], [0, 1, 9, 0]),
        ("within: '0-2, 2-4', max_delay_hours: 9", [5, 5, 5, 5], [5, 5, 1, 9]),
        ("within: 5-6", [10, 10, 10, 10], [0, 0, 0, 0]),
    ],
)
def test_jobs_stay_in_their_window(rest: str, firm: list[float], deferrable: list[float]) -> None:
    """Proves: windows keep their jobs; outside of them jobs run when they arrive. Sensitivity: per case."""
    results = solved(hall(DEFER + rest + "}", day(1, 4, 3, 2)))
    assert results.of("hall.firm") == pytest.approx(firm)
    assert results.of("hall.deferrable") == pytest.approx(deferrable)


def test_deadline_inside_a_step() -> None:
    """Proves: at 3:00, of jobs that wait 1 h, those of 2 h are done: 10 kWh at 3, the other 7.5 at 1.

    Steps of 1, 2 and 0.5 h: 1.5 × (5 × (4 + 6 + 0.5) + 30 + 7.5). Sensitivity: with 2 h only 5 kWh
    are due by then.
    """
    text = hall(
        "deferral: {fraction: 0.5, max_delay_hours: 1}",
        day(4, 3, 3, 1),
        horizon="{start: 2025-03-03, steps_hours: [1, 2, 0.5]}",
    )
    results = solved(text)
    assert results.of("hall.deferrable") == pytest.approx([0, 5, 15])
    assert results.cost == pytest.approx(1.5 * (52.5 + 37.5))
    longer = solved(text.replace("hours: 1}", "hours: 2}"))
    assert longer.cost == pytest.approx(1.5 * (52.5 + 15 + 12.5))


def test_half_hours_and_hours_agree() -> None:
    """Proves: hourly prices and jobs give the same cost on steps of any length."""
    text = hall(DEFER + "max_delay_hours: 2}", day(4, 3, 1, 2), load=day(10, 12, 6, 8))
    fine = solved(text.replace("hours: 4", "hours: 4, step_minutes: 30"))
    assert solved(text).cost == pytest.approx(fine.cost)


def test_jobs_wait_no_longer_than_their_stretch_of_steps() -> None:
    """Proves: no job waits for steps of another weight. Sensitivity: with one weight it does."""
    text = hall(
        "deferral: {fraction: 0.5, max_delay_hours: 9}",
        day(2, 1),
        horizon="{start: 2025-03-03, steps_hours: [1, 1], weight: [9, 1]}",
    )
    assert solved(text).of("hall.deferrable") == pytest.approx([5, 5])
    assert solved(text.replace("[9, 1]", "[9, 9]")).of("hall.deferrable") == pytest.approx([0, 10])


# ------------------------------------------------------------------ cooling and heat


def test_cooling_by_the_cold_of_the_park() -> None:
    """Proves: 60 % of the overhead of 0.5 fall away, 0.9 kWh of cold are drawn: 12 × 1 + 9 × 0.1.

    Sensitivity: with all overhead being cooling, 10 × 1 remain; dearer cold is paid.
    """
    spec = "cooling: {kwh_per_kwh: 0.9, overhead_fraction: 0.6}"
    text = hall(spec, more=ICE, hours=1)
    results = solved(text)
    assert results.cost == pytest.approx(12.9)
    assert results.total("demand", "cold") == pytest.approx(9)
    assert figures(results)["mean_partial_pue"] == pytest.approx(1.2)
    assert solved(text.replace("fraction: 0.6", "fraction: 1")).cost == pytest.approx(10.9)
    assert solved(text.replace("kwh: 0.1", "kwh: 1")).cost == pytest.approx(21)


def test_jobs_wait_for_cheap_cold() -> None:
    """Proves: cold follows the jobs: 5 kWh wait for the hour in which cold costs 0.1 instead of 2."""
    spec = "cooling: {kwh_per_kwh: 1, overhead_fraction: 1}, deferral: {fraction: 0.5, within: day}"
    text = hall(spec, more=ICE.replace("0.1", day(2, 0.1)), hours=2)
    results = solved(text)
    assert results.of("ice.purchase") == pytest.approx([5, 15])
    assert results.cost == pytest.approx(20 + 10 + 1.5)


def test_waste_heat_up_to_its_share_and_limit() -> None:
    """Proves: of 8 kW that 80 % would be, 7 pass the exchanger. Sensitivity: without limit 8; for
    houses that need 3 kW it is 3: nothing must be taken."""
    text = hall("heat_recovery: {fraction: 80 %, limit_kw: 7}", more=HEAT, hours=1)
    results = solved(text)
    assert results.of("hall.heat") == pytest.approx([7])
    assert results.cost == pytest.approx(15 + 3)
    assert figures(results)["heat_recovered"] == pytest.approx(7)
    free = solved(text.replace(", limit_kw: 7", ""))
    assert free.of("hall.heat") == pytest.approx([8])
    few = solved(
        text.replace(
            "houses: {type: heat_demand, power_kw: 10", "houses: {type: heat_demand, power_kw: 3"
        )
    )
    assert few.of("hall.heat") == pytest.approx([3])


def test_jobs_run_where_their_heat_is_wanted() -> None:
    """Proves: with heat wanted in the last hour only, 14 kW run in it and give 7. Sensitivity: without
    deferral 5."""
    spec = DEFER + "within: day}, heat_recovery: {fraction: 0.5, carrier: hot_water}"
    more = (
        f"houses: {{type: heat_demand, heat_carrier: hot_water, power_kw: {day(0, 0, 0, 20)}}}\n"
        "district: {type: supply, carrier: hot_water, price_per_kwh: 1}"
    )
    text = hall(spec, more=more, carriers="{hot_water: {temperature_degc: 60}}")
    results = solved(text)
    assert results.of("hall.heat")[3] == pytest.approx(7)
    assert results.cost == pytest.approx(60 + 13)
    firm = text.replace(DEFER + "within: day}, ", "")
    assert solved(firm).of("hall.heat") == pytest.approx([0, 0, 0, 5])


# ------------------------------------------------------------------ other


def test_reference_plan_runs_jobs_when_they_arrive() -> None:
    """Proves: as usual means 10 kW throughout. Sensitivity: with `in_reference: true` jobs wait."""
    text = hall(DEFER + "max_delay_hours: 2}", day(4, 3, 1, 2))
    usual, checked = study.run(problem_of(text).reference(), EXACT)
    checked.require()
    assert usual.cost == pytest.approx(150)
    kept = text.replace("pue: 1.5", "pue: 1.5, in_reference: true")
    same, _ = study.run(problem_of(kept).reference(), EXACT)
    assert same.cost == pytest.approx(124.5)


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("deferrable", [0, 2, 10, 8], "IT power within the hall"),
        ("deferrable", [6, 0, 8, 6], "no job before it arrives"),
        ("deferrable", [0, 0, 4, 9], "no job too late"),
        ("deferrable", [0, 2, 9, 8], "all jobs done at the end"),
        ("firm", [4, 5, 5, 5], "firm jobs run when they arrive"),
        ("done", [0, 2, 12, 20], "done is the sum"),
    ],
)
def test_audit_finds_wrong_jobs(column: str, values: list[float], message: str) -> None:
    """Proves: arrivals, deadlines and the hall are checked from the load alone. Sensitivity: per case."""
    problem = problem_of(hall(DEFER + "max_delay_hours: 2}", day(4, 3, 1, 2)))
    results, honest = study.run(problem, EXACT)
    assert honest.passed
    series = results.series.copy()
    series[f"park.hall.{column}"] = np.array(values, dtype=float)
    found = audit(replace(results, series=series), problem)
    assert message in {check.what for check in found.failures}


@pytest.mark.parametrize(
    ("spec", "pue", "message"),
    [
        ("", "", "`pue` or `pue_by_temperature` is missing"),
        ("", f"pue: 1.2, {TABLE}", "are both given"),
        ("", "pue: 0.9", "must be at least 1"),
        ("outdoor_temperature_degc: 3", "pue: 1.2", "means nothing without `pue_by_temperature`"),
        ("", TABLE.replace(", 1.5", ""), "has 2 values for 3 temperatures"),
        ("", TABLE.replace("20", "40"), "temperature_degc: must increase"),
        ("", TABLE, "`site.weather` is missing"),
        ("deferral: {fraction: 0.5}", "pue: 1", "says not until when"),
        ("deferral: {fraction: 0.5, max_delay_hours: 0}", "pue: 1", "must be more than 0"),
        (
            "it_capacity_kw: 4, deferral: {fraction: 0.5, within: day}",
            "pue: 1",
            r"it_capacity_kw = 4.0: is less than what cannot wait .* 5 kW\)",
        ),
        (
            "heat_recovery: {fraction: 0.5, carrier: hydrogen}",
            "pue: 1",
            r"heat_recovery.carrier.*: hydrogen is counted in kg",
        ),
        (
            "cooling: {carrier: colt, kwh_per_kwh: 1, overhead_fraction: 1}",
            "pue: 1",
            "did you mean 'cold'",
        ),
    ],
)
def test_what_does_not_fit_is_refused(spec: str, pue: str, message: str) -> None:
    """Proves: every contradiction has a message that says what to do. Sensitivity: per case."""
    with pytest.raises(InputError, match=message):
        solved(hall(spec, pue=pue))
