"""The molten-salt store: heater, salt and steam generator, each with a size of its own."""

from __future__ import annotations

import pytest

from microgrid_opt.errors import InputError
from tests.support import bill, day, park, problem_of, solved

STEAM = "{steam: {temperature_degc: 180}, hot_oil: {temperature_degc: 390}, warm: {temperature_degc: 90}}"


def salt(store: str, *, price: str = day(1, 5), demand: str = day(0, 9), **sections: str) -> str:
    """Return a park with steam to serve, electricity, hot oil and a salt store."""
    return park(
        f"""
        process: {{type: heat_demand, heat_carrier: steam, power_kw: {demand}}}
        boiler: {{type: supply, carrier: steam, price_per_kwh: 8}}
        grid: {{type: grid, import_price_per_kwh: {price}}}
        field: {{type: supply, carrier: hot_oil, price_per_kwh: 2}}
        pipe: {{type: supply, carrier: warm, price_per_kwh: 0.1}}
        salt: {{type: molten_salt, heat_carrier: steam, {store}}}
        """,
        **{"carriers": STEAM} | sections,
    )


def test_heater_and_steam_generator_lose_apart() -> None:
    """Proves: 9 kWh of steam draw 10 of salt, which take 12.5 of electricity at 1: 12.5.

    Sensitivity: 5 kWh of salt give 4.5 of steam, the other 4.5 come at 8.
    """
    text = salt("energy_kwh: 50, charge_efficiency: 0.8, discharge_efficiency: 0.9")
    results = solved(text)
    assert results.of("salt.charge") == pytest.approx([12.5, 0])
    assert results.of("salt.state_of_charge") == pytest.approx([10, 0])
    assert results.cost == pytest.approx(12.5)
    assert results.total("conversion") == pytest.approx(12.5)
    assert results.total("conversion", "steam") == pytest.approx(9)
    small = solved(text.replace("energy_kwh: 50", "energy_kwh: 5"))
    # A kWh more of steam passes straight through the salt at 5/0.72 < 8.
    assert small.cost == pytest.approx(5 / 0.8 + 4.5 * 5 / 0.72)


def test_sizes_of_heater_salt_and_steam_generator() -> None:
    """Proves: 10 kWh in over two hours, out in one: 5 kW at 0.1, 10 kW at 0.2, 10 kWh at 0.05.

    Sensitivity: a steam generator given with 6 kW leaves 3 kW to the boiler.
    """
    store = (
        "energy_kwh: {max_kwh: 99, annual_cost_per_kwh: 0.05}, charge_efficiency: 1, "
        "charge_power_kw: {max_kw: 99, annual_cost_per_kw: 0.1}, discharge_power_kw: %s"
    )
    sections = {"price": day(1, 1, 5), "demand": day(0, 0, 10), "hours": "3"}
    results = solved(salt(store % "{max_kw: 99, annual_cost_per_kw: 0.2}", **sections))
    assert results.size("salt", "charge_power") == pytest.approx(5)
    assert results.size("salt", "discharge_power") == pytest.approx(10)
    assert results.size("salt", "energy") == pytest.approx(10)
    assert results.cost == pytest.approx(10 + 0.5 + 2 + 0.5)
    limited = solved(salt(store % "6", **sections))
    assert limited.of("boiler.purchase") == pytest.approx([0, 0, 4])


def test_hours_of_steam_are_the_capacity() -> None:
    """Proves: 220 kW × 4 h of steam are 880 kWh of salt, filled in one cheap hour.

    Scaled from a steam store of 220 t/h for 4 h. Sensitivity: for 3 h 220 kWh less.
    """
    text = salt(
        "charge_efficiency: 1, discharge_power_kw: 220, hours: 4",
        price=day(1, 7, 7, 7, 7),
        demand=day(0, 220, 220, 220, 220),
        hours="5",
    )
    results = solved(text)
    assert results.cost == pytest.approx(880)
    assert solved(text.replace("hours: 4", "hours: 3")).cost == pytest.approx(660 + 220 * 7)


def test_loss_per_day_compounds_over_the_step() -> None:
    """Proves: 2 % a day: what is held for 12 h keeps 0.98^0.5, over steps of 12, 6 and 6 h.

    9 kW for 6 h: 54 kWh at the end of the last step; the six hours before it and itself lose.
    Sensitivity: `self_discharge_per_hour` of 1 − 0.98^(1/24) is the same, 2 % an hour is not.
    """
    text = salt(
        "energy_kwh: 500, charge_efficiency: 1, loss_per_day: 0.02",
        price="{hourly: [" + "1, " * 12 + "6, " * 11 + "6]}",
        demand="{hourly: [" + "0, " * 18 + "9, " * 5 + "9]}",
        horizon="{start: 2025-03-03, steps_hours: [12, 6, 6]}",
    )
    cost = 54 / 0.98**0.5
    assert solved(text).cost == pytest.approx(cost)
    hour = 1 - 0.98 ** (1 / 24)
    same = text.replace("loss_per_day: 0.02", f"self_discharge_per_hour: {hour}")
    assert solved(same).cost == pytest.approx(cost)
    assert solved(text.replace("loss_per_day: 0.02", "loss_per_day: 0.2")).cost > cost * 1.1


def test_salt_that_must_stay_in_the_hot_tank() -> None:
    """Proves: of 10 kWh 1 stays: 9 of steam from a start at 10. Sensitivity: with none 10."""
    text = salt(
        "energy_kwh: 10, charge_efficiency: 1, min_fraction: 0.1, initial_fraction: 1, final: free",
        price="9",
        demand="10",
        hours="1",
    )
    assert solved(text).of("salt.discharge") == pytest.approx([9])
    assert solved(text.replace("min_fraction: 0.1, ", "")).of("salt.discharge") == pytest.approx(
        [10]
    )


def test_charged_by_hotter_heat() -> None:
    """Proves: 10 kWh of oil at 2 with 0.95 in: 9 kWh of steam for 9/0.95 × 2, no electricity.

    Sensitivity: with a heater 9/0.95 × 1.
    """
    text = salt("charge_carrier: hot_oil, energy_kwh: 50, charge_efficiency: 0.95")
    results = solved(text)
    assert results.of("grid.import") == pytest.approx([0, 0])
    assert results.cost == pytest.approx(9 / 0.95 * 2)
    assert solved(text.replace("charge_carrier: hot_oil, ", "")).cost == pytest.approx(9 / 0.95)


def test_heater_and_generator_may_run_at_once_without_a_note() -> None:
    """Proves: salt flows through: 9 kW in and out in one step, which is no fault of a two-tank store.

    With `exclusive` it may not, and the boiler serves at 8. Sensitivity: the cost of 5 and of 8.
    """
    text = salt(
        "energy_kwh: 50, charge_efficiency: 1, charge_power_kw: 9, discharge_power_kw: 9, "
        "charge_cost_per_kwh: 0.1, discharge_cost_per_kwh: 0.2",
        price="5",
        demand="9",
        hours="1",
    )
    results = solved(text)
    assert results.cost == pytest.approx(45 + 2.7)
    assert bill(results, "salt", "variable_om") == pytest.approx(2.7)
    barred = text.replace("energy_kwh: 50", "energy_kwh: 50, exclusive: true")
    assert solved(barred).cost == pytest.approx(72)


@pytest.mark.parametrize(
    ("store", "message"),
    [
        (
            "energy_kwh: 1, charge_efficiency: 1, charge_carrier: warm",
            "charge_carrier = 'warm': has 90 °C, `heat_carrier` 180 °C: heat does not rise",
        ),
        (
            "energy_kwh: 1, charge_efficiency: 1, charge_carrier: hydrogen",
            "charge_carrier = 'hydrogen': is counted in kg",
        ),
        (
            "energy_kwh: 1, charge_efficiency: 1, loss_per_day: 0.1, self_discharge_per_hour: 0.1",
            "loss_per_day: states the loss a second time",
        ),
        ("energy_kwh: 1", "charge_efficiency: this key is required|charge_efficiency.*missing"),
        (
            "energy_kwh: 1, charge_efficiency: 1, charge_power_kw: 1, discharge_power_kw: 1, "
            "shared_power_limit: true",
            "shared_power_limit: is of one machine for both ways",
        ),
    ],
)
def test_what_does_not_fit_is_refused(store: str, message: str) -> None:
    """Proves: cooler heat, mass, two losses and a missing efficiency are refused by name."""
    with pytest.raises(InputError, match=message):
        problem_of(salt(store))
