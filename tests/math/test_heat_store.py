"""The heat store: level, losses by content and by capacity, powers of their own."""

from __future__ import annotations

import pytest

from microgrid_opt.errors import InputError
from tests.support import bill, day, park, problem_of, solved

LONG = "{start: 2025-03-03, steps_hours: [2, 1, 0.5]}"


def tank(store: str, *, price: str = day(1, 5), demand: str = day(0, 10), **sections: str) -> str:
    """Return a park that buys heat, with a tank."""
    return park(
        f"""
        heat: {{type: heat_demand, power_kw: {demand}}}
        district: {{type: supply, carrier: heat, price_per_kwh: {price}}}
        tank: {{type: heat_store, {store}}}
        """,
        **sections,
    )


def test_loss_of_the_content_is_bought_before() -> None:
    """Proves: 10 % an hour: 10 kWh in the dear hour are 10/0.9 at its start. Sensitivity: 20 %."""
    text = tank("energy_kwh: 50, self_discharge_per_hour: 0.1")
    results = solved(text)
    assert results.of("tank.state_of_charge") == pytest.approx([10 / 0.9, 0])
    assert results.cost == pytest.approx(10 / 0.9)
    figures = results.details.set_index("name")["value"]
    assert figures["lost"] == pytest.approx(10 / 0.9 - 10)
    assert solved(text.replace("hour: 0.1", "hour: 0.2")).cost == pytest.approx(10 / 0.8)


def test_both_losses_on_unequal_steps() -> None:
    """Proves: over 2 h, 1 h and 0.5 h: standing loss of 20 kWh × 1 % an hour beside 10 % of the content.

    The last half hour needs 5 kWh: at its start (5 + 0.1)/0.9^0.5, an hour before (that + 0.2)/0.9, and
    0.4 in the first two hours. Sensitivity: without standing loss 5/0.9^1.5.
    """
    text = tank(
        "energy_kwh: 20, self_discharge_per_hour: 0.1, standing_loss_per_hour: 0.01",
        price="{hourly: [1, 1, 2, 5" + ", 1" * 20 + "]}",
        demand="{hourly: [0, 0, 0, 10" + ", 0" * 20 + "]}",
        horizon=LONG,
    )
    at_start = ((5 + 0.1) / 0.9**0.5 + 0.2) / 0.9
    assert solved(text).cost == pytest.approx(at_start + 0.4)
    still = text.replace("standing_loss_per_hour: 0.01", "standing_loss_per_hour: 0")
    assert solved(still).cost == pytest.approx(5 / 0.9**1.5)


def test_powers_are_sized_apart() -> None:
    """Proves: 10 kWh in over two hours, 5 kW; out in one, 10 kW: 0.1 × 5 + 0.2 × 10.

    Sensitivity: one power for both ways is 10 kW; given as 4 kW only 4 kWh move.
    """
    powers = (
        "energy_kwh: 50, charge_power_kw: {max_kw: 99, annual_cost_per_kw: 0.1}, "
        "discharge_power_kw: {max_kw: 99, annual_cost_per_kw: 0.2}"
    )
    dear = {"price": day(1, 1, 5), "demand": day(0, 0, 10)}
    results = solved(tank(powers, hours="3", **dear))
    assert results.size("tank", "charge_power") == pytest.approx(5)
    assert results.size("tank", "discharge_power") == pytest.approx(10)
    assert results.cost == pytest.approx(10 + 0.5 + 2)
    one = "energy_kwh: 50, power_kw: {max_kw: 99, annual_cost_per_kw: 0.1}"
    assert solved(tank(one, hours="3", **dear)).size("tank", "power") == pytest.approx(10)
    given = "energy_kwh: 50, power_kw: 4"
    assert solved(tank(given, hours="3", **dear)).cost == pytest.approx(4 + 6 * 5)


def test_heat_of_another_level_has_a_store_of_its_own() -> None:
    """Proves: a store of steam serves the steam balance, not the one of heat. Sensitivity: its level."""
    text = park(
        f"""
        process: {{type: heat_demand, heat_carrier: steam, power_kw: {day(0, 10)}}}
        hall: {{type: heat_demand, power_kw: {day(0, 10)}}}
        boiler: {{type: supply, carrier: steam, price_per_kwh: {day(1, 5)}}}
        district: {{type: supply, carrier: heat, price_per_kwh: {day(1, 5)}}}
        accumulator: {{type: heat_store, heat_carrier: steam, energy_kwh: 50}}
        """,
        carriers="{steam: {temperature_degc: 180}}",
    )
    results = solved(text)
    assert results.of("boiler.purchase") == pytest.approx([10, 0])
    assert results.of("district.purchase") == pytest.approx([0, 10])
    moved = solved(
        text.replace("heat_store, heat_carrier: steam", "heat_store, heat_carrier: heat")
    )
    assert moved.of("district.purchase") == pytest.approx([10, 0])


def test_cost_of_flows_and_hours() -> None:
    """Proves: 10 kWh at 0.1 in and 0.2 out; 5 kW for 2 h are 10 kWh. Sensitivity: for 1 h 5 kWh."""
    text = tank(
        "discharge_power_kw: 5, hours: 2, charge_cost_per_kwh: 0.1, discharge_cost_per_kwh: 0.2",
        price=day(1, 5, 5),
        demand=day(0, 10, 10),
        hours="3",
    )
    results = solved(text)
    assert bill(results, "tank", "variable_om") == pytest.approx(3)
    assert results.cost == pytest.approx(10 + 50 + 3)
    assert bill(solved(text.replace("hours: 2,", "hours: 1,")), "tank", "variable_om") == 1.5


@pytest.mark.parametrize(
    ("store", "message"),
    [
        (
            "energy_kwh: 1, heat_carrier: hydrogen",
            "heat_carrier = 'hydrogen': is counted in kg, the keys of this store in kWh",
        ),
        ("power_kw: 1", "energy_kwh: is missing: give it, or the hours of discharge"),
        (
            "energy_kwh: 1, power_kw: 1, charge_power_kw: 1",
            "power_kw: does not go with `charge_power_kw.*one power for both ways or one for each",
        ),
        ("energy_kwh: 1, heat_carrier: steem", "is no carrier of the park"),
    ],
)
def test_what_does_not_fit_is_refused(store: str, message: str) -> None:
    """Proves: carriers in kg, missing capacity and powers that contradict are refused by name."""
    with pytest.raises(InputError, match=message):
        problem_of(tank(store))
