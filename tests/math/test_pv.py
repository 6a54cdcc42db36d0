from __future__ import annotations

import pytest

from microgrid_opt.errors import InfeasibleError
from tests.support import bill, day, park, solve_text, solved

GRID = "grid: {type: grid, import_price_per_kwh: 1, export_price_per_kwh: -0.5}"
LOAD = "load: {type: load, power_kw: 10}"


def test_given_plant_follows_its_profile_and_is_curtailed() -> None:
    """Proves: 0.2 × 40 = 8 kW used, 0.5 × 40 = 20 kW cut to 10: cost 2 × 1, 10 kWh curtailed.

    Sensitivity: one more kW of size saves 0.2.
    """
    text = park(f"{LOAD}\n{GRID}\npv: {{type: pv, power_kw: 40, output_per_kw: {day(0.2, 0.5)}}}")
    results = solved(text)
    assert results.of("pv.generation") == pytest.approx([8, 10])
    assert results.cost == pytest.approx(2)
    figures = results.details.set_index("name")["value"]
    assert figures["curtailed"] == pytest.approx(10)
    assert figures["yield"] == pytest.approx(0.7)
    assert figures["capacity_factor"] == pytest.approx(0.35)
    bigger = solved(text.replace("power_kw: 40", "power_kw: 41"))
    assert results.cost - bigger.cost == pytest.approx(0.2)


def test_size_grows_while_the_next_kw_pays() -> None:
    """Proves: a kW earns 3 + 1 × 0.5 up to 10 kW, then 0.5: at a yearly cost of 2 the size is 10.

    Sensitivity: at 0.4 a year the size is 20, at 3.6 it is 0.
    """
    text = park(
        f"""
        {LOAD}
        grid: {{type: grid, import_price_per_kwh: {day(3, 1)}}}
        pv:
          type: pv
          output_per_kw: {day(1, 0.5)}
          power_kw: {{max_kw: 100, capex_per_kw: 20, lifetime_years: 10}}
        """
    )
    results = solved(text)
    assert results.size("pv") == pytest.approx(10)
    assert results.cost == pytest.approx(10 * 2 + 5 * 1)
    assert solved(text.replace("kw: 20,", "kw: 4,")).size("pv") == pytest.approx(20)
    assert solved(text.replace("kw: 20,", "kw: 36,")).size("pv") == pytest.approx(0)


def test_must_run_plant_sells_at_a_loss() -> None:
    """Proves: without curtailment 6 kW of surplus are exported at −0.5. Sensitivity: curtailed costs 0."""
    plant = "pv: {type: pv, power_kw: 16, output_per_kw: 1, curtailable: false}"
    text = park(f"{LOAD}\n{GRID}\n{plant}", hours=1)
    results = solved(text)
    assert results.of("grid.export") == pytest.approx([6])
    assert results.cost == pytest.approx(3)
    assert solved(text.replace("curtailable: false", "curtailable: true")).cost == pytest.approx(0)


def test_must_run_plant_without_outlet_is_infeasible() -> None:
    """Proves: must-run binds the size from below: 16 kW do not fit a load of 10 without outlet."""
    with pytest.raises(InfeasibleError, match=r"pv\.uncurtailed in one step.*off by 6"):
        solve_text(
            park(
                f"{LOAD}\npv: {{type: pv, power_kw: 16, output_per_kw: 1, curtailable: false}}",
                hours=1,
            )
        )


def test_cost_of_generation_and_of_curtailment() -> None:
    """Proves: 10 kWh at 0.1 and 4 kWh cut at 0.25 cost 2. Sensitivity: a premium of 0.3 earns 3."""
    text = park(
        f"""
        {LOAD}
        pv:
          type: pv
          power_kw: 14
          output_per_kw: 1
          variable_om_per_kwh: 0.1
          curtailment_cost_per_kwh: 0.25
        """,
        hours=1,
    )
    results = solved(text)
    assert bill(results, "pv", "variable_om") == pytest.approx(1)
    assert bill(results, "pv", "curtailment") == pytest.approx(1)
    premium = solved(text.replace("variable_om_per_kwh: 0.1", "variable_om_per_kwh: -0.3"))
    assert bill(premium, "pv", "variable_om") == pytest.approx(-3)


def test_curtailment_cost_counts_in_the_choice_of_size() -> None:
    """Proves: the curtailed energy of a chosen size is size × profile − generation, and is paid.

    Hour 2 has no use for a kW beyond 10: it earns 3 in hour 1 and costs 2 for cutting, 0.5 for
    itself, so 15 kW for a load of 15 in hour 1: 15 × 0.5 + 5 × 2. Sensitivity: at 2.6 per kWh cut
    the size is 10.
    """
    text = park(
        f"""
        load: {{type: load, power_kw: {day(15, 10)}}}
        grid: {{type: grid, import_price_per_kwh: 3}}
        pv:
          type: pv
          output_per_kw: 1
          curtailment_cost_per_kwh: 2
          power_kw: {{max_kw: 100, capex_per_kw: 5, lifetime_years: 10}}
        """
    )
    results = solved(text)
    assert results.size("pv") == pytest.approx(15)
    assert results.cost == pytest.approx(15 * 0.5 + 5 * 2)
    assert solved(text.replace("kwh: 2\n", "kwh: 2.6\n")).size("pv") == pytest.approx(10)


def test_output_follows_from_the_weather_of_the_site() -> None:
    """Proves: a plant described by its array gets the same numbers as one given that series.

    Sensitivity: night is dark, noon is not; a plant twice as large makes twice as much.
    """
    means = ", ".join(["2"] * 12)
    weather = (
        f"{{ghi_kwh_per_m2_day: [{means}], temperature_degc: [{means}], "
        f"wind_speed_m_per_s: [{means}]}}"
    )
    text = park(
        """
        load: {type: load, power_kw: 10}
        grid: {type: grid, import_price_per_kwh: 1, export_price_per_kwh: 0.5}
        pv: {type: pv, power_kw: 1, array: {tilt_deg: 30}}
        twice: {type: pv, power_kw: 2, array: {tilt_deg: 30}}
        """,
        hours=24,
        site="{latitude: 32, longitude: 119, timezone: Asia/Shanghai, weather: {synthetic: "
        + weather
        + "}}",
    )
    results = solved(text)
    made = results.of("pv.generation")
    assert made[0] == 0.0
    assert 0 < made.max() <= 1 / 1.1
    assert results.of("twice.generation") == pytest.approx(2 * made)


def test_degradation_counts_with_the_mean_of_the_life() -> None:
    """Proves: 10 % a year over a life of 3 years at 10 %: Σ 0.9^(y-1)/1.1^y over Σ 1/1.1^y of 4 kW.

    Sensitivity: a project of 2 years counts two of them; output from the weather wears as well.
    """
    text = park(
        """
        load: {type: load, power_kw: 10}
        grid: {type: grid, import_price_per_kwh: 1}
        pv: {type: pv, power_kw: {existing_kw: 4, lifetime_years: 3}, output_per_kw: 1, degradation_per_year: 0.1}
        """,
        hours=1,
        finance="{discount_rate: 0.1, project_years: %s}",
    )
    worth = [1.1**-year for year in (1, 2, 3)]
    three = (worth[0] + 0.9 * worth[1] + 0.81 * worth[2]) / sum(worth)
    assert solved(text % 20).of("pv.generation") == pytest.approx(4 * three)
    two = (worth[0] + 0.9 * worth[1]) / sum(worth[:2])
    assert solved(text % 2).of("pv.generation") == pytest.approx(4 * two)
