"""The cold store: chilled water or ice, with the electricity of making ice."""

from __future__ import annotations

import pytest

from microgrid_opt.errors import InputError
from tests.support import bill, day, park, problem_of, solved


def tank(store: str, *, price: str = day(1, 5), demand: str = day(0, 10), **sections: str) -> str:
    """Return a park that buys cold, with a store."""
    return park(
        f"""
        cooling: {{type: demand, carrier: cold, power_kw: {demand}}}
        plant: {{type: supply, carrier: cold, price_per_kwh: {price}}}
        grid: {{type: grid, import_price_per_kwh: 2}}
        ice: {{type: cold_store, {store}}}
        """,
        **sections,
    )


def test_ice_takes_electricity_beside_the_cold() -> None:
    """Proves: 10 kWh of cold at 1 and 0.2 kWh/kWh of electricity at 2: 10 + 4. Sensitivity: at 2.1, 50.

    As chilled water, without penalty, 10.
    """
    text = tank("energy_kwh: 20, ice_penalty_kwh_per_kwh: 0.2")
    results = solved(text)
    assert results.of("grid.import") == pytest.approx([2, 0])
    assert results.cost == pytest.approx(14)
    assert solved(text.replace("per_kwh: 0.2", "per_kwh: 2.1")).cost == pytest.approx(50)
    assert solved(tank("energy_kwh: 20")).cost == pytest.approx(10)


def test_penalty_is_on_what_is_charged() -> None:
    """Proves: 8 of 10 kWh come back: 12.5 kWh charged, 2.5 kWh of electricity: 12.5 + 5.

    Sensitivity: on what is discharged it would be 2 kWh.
    """
    text = tank("energy_kwh: 20, ice_penalty_kwh_per_kwh: 0.2, charge_efficiency: 0.8")
    assert solved(text).cost == pytest.approx(12.5 + 5)


def test_losses_on_unequal_steps_and_power() -> None:
    """Proves: 2 kW of melting for half an hour: 1 kWh, held for an hour at 10 %: 1/0.9^1.5 charged.

    Sensitivity: 4 kW serve 2 kWh; the rest is bought at 5.
    """
    text = tank(
        "energy_kwh: 20, charge_power_kw: 9, discharge_power_kw: 2, self_discharge_per_hour: 0.1",
        price="{hourly: [1, 1, 4, 5" + ", 1" * 20 + "]}",
        demand="{hourly: [0, 0, 0, 10" + ", 0" * 20 + "]}",
        horizon="{start: 2025-03-03, steps_hours: [2, 1, 0.5]}",
    )
    assert solved(text).cost == pytest.approx(1 / 0.9**1.5 + 4 * 5)
    wider = solved(text.replace("discharge_power_kw: 2", "discharge_power_kw: 4"))
    assert wider.cost == pytest.approx(2 / 0.9**1.5 + 3 * 5)


def test_size_for_hours_of_melting_and_costs() -> None:
    """Proves: 10 kW for 2 h are 20 kWh of ice: 10 bought, 0.1 a kWh in, 0.2 out, power at 0.3.

    Sensitivity: for half an hour 20 kW are needed.
    """
    text = tank(
        "discharge_power_kw: {max_kw: 99, annual_cost_per_kw: 0.3}, hours: 2, "
        "charge_cost_per_kwh: 0.1, discharge_cost_per_kwh: 0.2"
    )
    results = solved(text)
    assert results.size("ice") == pytest.approx(10)
    assert bill(results, "ice", "variable_om") == pytest.approx(3)
    assert results.cost == pytest.approx(10 + 3 + 3)
    assert solved(text.replace("hours: 2,", "hours: 0.5,")).size("ice") == pytest.approx(20)


@pytest.mark.parametrize(
    ("store", "message"),
    [
        ("energy_kwh: 1, cold_carrier: co2", "cold_carrier = 'co2': is counted in kg"),
        (
            "energy_kwh: 1, ice_penalty_kwh_per_kwh: -1",
            "ice_penalty_kwh_per_kwh.*must be at least 0",
        ),
        ("hours: 2", "power_kw: is missing: the hours of discharge at full power refer to it"),
    ],
)
def test_what_does_not_fit_is_refused(store: str, message: str) -> None:
    """Proves: another unit, a negative penalty and hours of nothing are refused by name."""
    with pytest.raises(InputError, match=message):
        problem_of(tank(store))
