"""Absorption chillers: cold from heat, their electricity, their cooling tower."""

from __future__ import annotations

import pytest

from microgrid_opt.errors import InputError
from tests.support import bill, park, problem_of, solved


def cooled(chiller: str = "power_kw: 99, cop: 0.7", *, heat: float = 0.1, **sections: str) -> str:
    """Return a park of 7 kW of cold, dear ice, heat, the grid and one absorption chiller."""
    return park(
        f"""
        demand: {{type: demand, carrier: cold, power_kw: 7}}
        ice: {{type: supply, carrier: cold, price_per_kwh: 9}}
        district: {{type: supply, carrier: heat, price_per_kwh: {heat}}}
        grid: {{type: grid, import_price_per_kwh: 1}}
        chiller: {{type: absorption_chiller, {chiller}}}
        """,
        **({"horizon": "{start: 2025-03-03, steps_hours: [1, 0.5]}"} | sections),
    )


def test_cold_from_heat_in_steps_of_unequal_length() -> None:
    """Proves: 7 kW of cold at COP 0.7 take 10 kW of heat for 1.5 h. Sensitivity: heat at 7 a kWh."""
    results = solved(cooled())
    assert results.of("chiller.input") == pytest.approx([10, 10])
    assert results.cost == pytest.approx(1.5)
    assert solved(cooled(heat=7)).cost == pytest.approx(7 * 9 * 1.5)


@pytest.mark.parametrize(("side", "cost"), [("output", 5 + 2 * 9), ("input", 5 * 0.7 + 3.5 * 9)])
def test_size_on_either_side(side: str, cost: float) -> None:
    """Proves: 5 kW of cold, or the 3.5 kW of cold from 5 kW of heat; the rest is ice.

    Heat costs 0.7 a kWh. Sensitivity: the sides differ by 1/0.7.
    """
    text = cooled(f"power_kw: 5, cop: 0.7, size_on: {side}", heat=0.7)
    assert solved(text).cost == pytest.approx(cost * 1.5)


def test_pumps_tower_and_cost() -> None:
    """Proves: pumps 0.1 × 7 kW, fans 0.02 × 17 kW, 17 kWh at 0.5 and 7 kWh at 0.01 an hour.

    Sensitivity: without them the heat alone.
    """
    text = cooled(
        "power_kw: 99, cop: 0.7, auxiliary_electricity_kwh_per_kwh: 0.1, variable_om_per_kwh: 0.01, "
        "cooling_tower: {cost_per_kwh: 0.5, electricity_kwh_per_kwh: 0.02}"
    )
    results = solved(text)
    assert results.of("grid.import") == pytest.approx([1.04, 1.04])
    assert bill(results, "chiller", "heat_rejection") == pytest.approx(8.5 * 1.5)
    assert bill(results, "chiller", "variable_om") == pytest.approx(0.07 * 1.5)
    assert results.cost == pytest.approx((1 + 1.04 + 8.5 + 0.07) * 1.5)


def test_cop_may_vary() -> None:
    """Proves: 0.7 in the first step, 0.35 in the second. Sensitivity: 10 and 20 kW of heat."""
    cop = f"{{hourly: {[0.7, *[0.35] * 23]}}}"
    results = solved(cooled(f"power_kw: 99, cop: {cop}"))
    assert results.of("chiller.input") == pytest.approx([10, 20])


def test_part_load_counts_in_the_heat_rejected() -> None:
    """Proves: 7 of 14 kW at COP 0.56 take 12.5 kW of heat; 19.5 kW are rejected at 0.1.

    Sensitivity: without the curve 10 and 17 kW.
    """
    chiller = "power_kw: 14, cop: 0.7, cooling_tower: {cost_per_kwh: 0.1}"
    curve = (
        ", part_load: [{load_fraction: 0.5, efficiency_factor: 0.8}, "
        "{load_fraction: 1, efficiency_factor: 1}], commitment: {min_load_fraction: 0.5}"
    )
    assert solved(cooled(chiller + curve)).cost == pytest.approx((1.25 + 1.95) * 1.5)
    assert solved(cooled(chiller)).cost == pytest.approx((1 + 1.7) * 1.5)


def test_chosen_size() -> None:
    """Proves: 7 kW of cold at 1 a kW. Sensitivity: at 13 a kW ice for 1.5 h is cheaper."""
    size = "power_kw: {max_kw: 50, capex_per_kw: 10, lifetime_years: 10}, cop: 0.7"
    assert solved(cooled(size)).size("chiller") == pytest.approx(7)
    dear = solved(cooled(size.replace("capex_per_kw: 10", "capex_per_kw: 140")))
    assert dear.size("chiller") == 0


@pytest.mark.parametrize(
    ("chiller", "message"),
    [
        ("power_kw: 1", r"chiller\.cop.*required"),
        ("power_kw: 1, cop: 0", r"chiller\.cop = 0: must be at least 0\.05"),
        ("power_kw: 1, cop: 0.7, cold_carrier: heat", r"cold_carrier = 'heat': is the heat that"),
        ("power_kw: 1, cop: 0.7, heat_carrier: hydrogen", r"heat_carrier = 'hydrogen'.*in kg"),
    ],
)
def test_bad_input(chiller: str, message: str) -> None:
    """Proves: missing COP, no COP, and carriers that do not fit are refused."""
    with pytest.raises(InputError, match=message):
        problem_of(cooled(chiller))
