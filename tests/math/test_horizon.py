"""Step length and weight in cost, storage, limits and caps."""

from __future__ import annotations

import pytest

from tests.support import FINANCE, bill, day, park, solved

STORE = "charge_efficiency: 1, discharge_efficiency: 1, energy_kwh: 8, power_kw: 4"
PARK = f"""
    load: {{type: load, power_kw: 10}}
    grid: {{type: grid, import_price_per_kwh: {day(1, 1, 3)}, co2_kg_per_kwh: 0.5}}
    battery: {{type: battery, {STORE}}}
"""


def test_unequal_steps_weigh_cost_and_storage() -> None:
    """Proves: 2 h at 1, then 1 h at 3: 4 kW for 2 h would be 8 kWh, but 4 kW for 1 h take out 4.

    2 × (10 + 2) × 1 + (10 − 4) × 3 = 42, CO2 0.5 × (24 + 6). Sensitivity: with 8 kW of discharge
    power the 8 kWh come out: 2 × 14 + 2 × 3.
    """
    text = park(PARK, horizon="{start: 2025-03-03, steps_hours: [2, 1]}")
    results = solved(text)
    assert results.of("battery.charge") == pytest.approx([2, 0])
    assert results.of("battery.state_of_charge") == pytest.approx([4, 0])
    assert results.cost == pytest.approx(42)
    assert results.co2_kg == pytest.approx(15)
    stronger = solved(text.replace("power_kw: 4", "power_kw: 8"))
    assert stronger.of("battery.charge") == pytest.approx([4, 0])
    assert stronger.cost == pytest.approx(34)


def test_quarters_of_an_hour() -> None:
    """Proves: 15 min at 10 kW are 2.5 kWh; 4 kW fill 1 kWh: prices 1 and 3 by the quarter.

    0.25 × (14 × 1 + 6 × 3). Sensitivity: an hourly step would cost four times as much.
    """
    quarters = [1, 3] + [0] * 94
    text = park(
        f"""
        load: {{type: load, power_kw: 10}}
        grid: {{type: grid, import_price_per_kwh: {{hourly: {quarters}}}}}
        battery: {{type: battery, {STORE}}}
        """,
        horizon="{start: 2025-03-03, hours: 0.5, step_minutes: 15}",
    )
    results = solved(text)
    assert len(results.horizon) == 2
    assert results.of("battery.state_of_charge") == pytest.approx([1, 0])
    assert results.cost == pytest.approx(8)
    assert results.prices["park.electricity"].to_list() == pytest.approx([1, 3])


def test_half_hours_with_hourly_data_cost_the_same() -> None:
    """Proves: the same data on steps half as long give the same optimum. Sensitivity: to the cent."""
    hourly = solved(park(PARK, hours=3))
    halves = solved(park(PARK, horizon="{start: 2025-03-03, hours: 3, step_minutes: 30}"))
    assert halves.cost == pytest.approx(hourly.cost)
    assert halves.co2_kg == pytest.approx(hourly.co2_kg)


def test_weights_count_in_sums_and_not_in_the_store() -> None:
    """Proves: a step that stands for 3 hours costs threefold; the store moves what one step holds.

    3 × 14 × 1 + 1 × 6 × 3 against 3 × 10 + 30: at these weights moving 4 kWh costs 12 and saves 12,
    so at a price of 4 it is worth it: 3 × 14 + 6 × 4 = 66 against 70. Sensitivity: at 2.9 the other
    way round is: 3 × 6 + 14 × 2.9 = 58.6.
    """
    text = park(
        f"""
        load: {{type: load, power_kw: 10}}
        grid: {{type: grid, import_price_per_kwh: {day(1, 4)}, co2_kg_per_kwh: 0.5}}
        battery: {{type: battery, {STORE}}}
        """,
        horizon="{start: 2025-03-03, hours: 2, weight: [3, 1]}",
    )
    results = solved(text)
    assert results.of("battery.charge") == pytest.approx([4, 0])
    assert results.cost == pytest.approx(66)
    assert results.co2_kg == pytest.approx(0.5 * (42 + 6))
    assert results.prices["park.electricity"].to_list() == pytest.approx([1, 4])
    assert solved(text.replace("[1, 4,", "[1, 2.9,")).cost == pytest.approx(58.6)


def test_weights_make_a_year() -> None:
    """Proves: two steps that stand for 4380 h each are a year: full yearly cost and yearly cap.

    Sensitivity: half the weight is half a year.
    """
    text = park(
        """
        load: {type: load, power_kw: 10}
        grid: {type: grid, import_price_per_kwh: 1}
        cheap:
          type: supply
          carrier: electricity
          price_per_kwh: 0.1
          yearly_limit_kwh: 8760
        pv:
          type: pv
          output_per_kw: 0
          power_kw: {fixed_kw: 10, capex_per_kw: 10, lifetime_years: 10}
        """,
        horizon="{start: 2025-03-03, hours: 2, weight: 4380}",
        finance=FINANCE.replace("full", "auto"),
    )
    results = solved(text)
    assert bill(results, "pv", "investment") == pytest.approx(10)
    assert bill(results, "cheap", "purchase") == pytest.approx(876)
    assert results.cost == pytest.approx(10 + 876 + 78840)
    half = solved(text.replace("weight: 4380", "weight: 2190"))
    assert half.cost == pytest.approx(results.cost / 2)


def test_leap_year_and_common_year_are_whole_years() -> None:
    """Proves: 8784 h of 2024 and 8760 h of 2025 both carry one year's cost; days of 24 h each.

    Sensitivity: 8760 h of a leap year would be 8760/8784 of a bill, not of an investment.
    """
    for year, hours in ((2024, 8784), (2025, 8760)):
        results = solved(
            park(
                """
                load: {type: load, power_kw: 1}
                grid: {type: grid, import_price_per_kwh: 1}
                pv:
                  type: pv
                  output_per_kw: 0
                  power_kw: {fixed_kw: 10, capex_per_kw: 10, lifetime_years: 10}
                """,
                horizon=f"{{year: {year}, step_minutes: 1440}}",
                finance=FINANCE.replace("full", "auto"),
            )
        )
        assert bill(results, "pv", "investment") == 10.0
        assert results.cost == pytest.approx(hours + 10)
        assert len(results.horizon.month_labels) == 12
