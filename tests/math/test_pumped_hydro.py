"""Pumped hydro: pump and turbine apart or one machine, hours of the reservoir, inflow and spill."""

from __future__ import annotations

import pytest

from microgrid_opt.errors import InputError
from tests.support import bill, day, park, problem_of, solved

RATES = "charge_efficiency: 0.8, discharge_efficiency: 0.9, "


def plant(
    hydro: str, *, prices: str = day(1, 3), load: str = "10", hours: float = 2, **sections: str
) -> str:
    """Return a park of load, grid and a pumped-hydro plant with 0.8 in, 0.9 out."""
    return park(
        f"""
        load: {{type: load, power_kw: {load}}}
        grid: {{type: grid, import_price_per_kwh: {prices}}}
        hydro: {{type: pumped_hydro, {RATES}{hydro}}}
        """,
        hours=hours,
        **sections,
    )


def figure(text: str, name: str) -> float:
    return float(solved(text).details.set_index("name")["value"][name])


def test_pump_and_turbine_have_powers_of_their_own() -> None:
    """Proves: 10 kW of pump lift 8 kWh, 6 kW of turbine give 6 of the 7.2: (10 + 6/0.72) + 4 × 3.

    Sensitivity: a turbine of 8 kW gives all 7.2.
    """
    text = plant("energy_kwh: 50, pump_power_kw: 10, turbine_power_kw: 6")
    results = solved(text)
    assert results.of("hydro.charge") == pytest.approx([6 / 0.72, 0])
    assert results.cost == pytest.approx(10 + 6 / 0.72 + 12)
    more = solved(text.replace("turbine_power_kw: 6", "turbine_power_kw: 8"))
    assert more.cost == pytest.approx(10 + 10 + 2.8 * 3)
    assert figure(text, "pumping_full_load_hours") == pytest.approx(6 / 7.2)
    assert figure(text, "generating_full_load_hours") == pytest.approx(1)


def test_pump_and_turbine_are_sized_apart() -> None:
    """Proves: 7.2 kWh in the dear hour from two cheap ones: pump 5 kW at 0.1, turbine 7.2 kW at 0.2.

    Sensitivity: a reversible machine is 7.2 kW.
    """
    sizes = (
        "energy_kwh: 50, pump_power_kw: {max_kw: 99, annual_cost_per_kw: 0.1}, "
        "turbine_power_kw: {max_kw: 99, annual_cost_per_kw: 0.2}"
    )
    case = {"prices": day(1, 1, 3), "load": day(0, 0, 7.2), "hours": 3}
    results = solved(plant(sizes, **case))
    assert results.size("hydro", "pump_power") == pytest.approx(5)
    assert results.size("hydro", "turbine_power") == pytest.approx(7.2)
    assert results.cost == pytest.approx(10 + 0.5 + 1.44)
    one = plant("energy_kwh: 50, power_kw: {max_kw: 99, annual_cost_per_kw: 0.1}", **case)
    assert solved(one).size("hydro", "power") == pytest.approx(7.2)


def test_reservoir_hours_are_hours_of_full_generation() -> None:
    """Proves: 2 h at 3 kW are 6 kWh out of 6/0.9 of water, on steps of 2, 1 and 3 h.

    Pumped 6/0.72 at 1 in the first two hours, 3 kW in the second and third step at 4 do not last:
    2 of their 4 hours are served. Sensitivity: with 3 h of reservoir 9 kWh.
    """
    text = plant(
        "reservoir_hours: 2, pump_power_kw: 20, turbine_power_kw: 3",
        prices="{hourly: [1, 1, " + "4, " * 21 + "4]}",
        load="{hourly: [0, 0, " + "3, " * 21 + "3]}",
        horizon="{start: 2025-03-03, steps_hours: [2, 1, 3]}",
    )
    results = solved(text)
    assert float(results.of("hydro.state_of_charge").max()) == pytest.approx(6 / 0.9)
    assert results.cost == pytest.approx(6 / 0.72 + (12 - 6) * 4)
    longer = solved(text.replace("reservoir_hours: 2", "reservoir_hours: 3"))
    assert longer.cost == pytest.approx(9 / 0.72 + (12 - 9) * 4)


def test_reservoir_hours_follow_a_chosen_turbine() -> None:
    """Proves: 10 kWh for one hour with 0.5 h of reservoir need a turbine of 20 kW: 10/0.72 + 20 × 0.1.

    Sensitivity: with an hour of reservoir 10 kW.
    """
    hydro = "reservoir_hours: %s, power_kw: {max_kw: 99, annual_cost_per_kw: 0.1}"
    results = solved(plant(hydro % 0.5, load=day(0, 10)))
    assert results.size("hydro", "power") == pytest.approx(20)
    assert results.cost == pytest.approx(10 / 0.72 + 2)
    one = solved(plant(hydro % 1, load=day(0, 10)))
    # In one hour the machine must also pump 10/0.72 kW.
    assert one.size("hydro", "power") == pytest.approx(10 / 0.72)


# ------------------------------------------------------------------ inflow

LAKE = "energy_kwh: 10, power_kw: 20, "


def test_inflow_that_finds_no_room_is_spilled() -> None:
    """Proves: 30 kWh of inflow: 10 find room, 10/0.9 go through the turbine, the rest is spilled.

    Load 10 in both hours, grid at 1 and 3: 10 of water at once are 9 kWh … all of hour 1 is served by
    10/0.9, hour 2 by the 10 kWh in store: 9 of 10. Sensitivity: 11 kWh of room give 0.9 more.
    """
    text = plant(LAKE + f"inflow_kw: {day(30)}")
    results = solved(text)
    assert results.cost == pytest.approx(3)
    assert figure(text, "spilled") == pytest.approx(30 - 10 - 10 / 0.9)
    assert solved(text.replace("energy_kwh: 10", "energy_kwh: 11")).cost == pytest.approx(0.3)


def test_inflow_counts_as_renewable_generation() -> None:
    """Proves: 10 kWh of water are 9 kWh of generation when they flow in, and charge of the same.

    Load 20, 11 bought: renewable share 9/20. Sensitivity: pumped energy is no generation.
    """
    results = solved(plant(LAKE + f"inflow_kw: {day(10)}, charge_cost_per_kwh: 9"))
    shares = results.indicators()
    assert shares["generation"].value == pytest.approx(9)
    assert shares["consumption"].value == pytest.approx(20)
    assert shares["renewable_share"].value == pytest.approx(9 / 20)
    assert results.cost == pytest.approx(10 * 1 + 1 * 3)
    pumped = solved(plant(LAKE)).indicators()
    assert pumped["generation"].value == 0.0


def test_spilled_water_was_available() -> None:
    """Proves: 30 kWh of water are 27 kWh of available generation, of which the park uses 19.

    Sensitivity: a least use of 80 % of what is available cannot be met, of 70 % it can: 19/27.
    """
    target = "{min_self_consumption: 70 %, self_consumption_base: available}"
    text = plant(LAKE + f"inflow_kw: {day(30)}", targets=target)
    results = solved(text)
    (row,) = results.caps[results.caps["name"] == "self_consumption"].to_dict("records")
    assert row["value"] == pytest.approx(19 / 27)


def test_inflow_and_pumping_share_the_reservoir() -> None:
    """Proves: 6 kWh of water leave room for 4: 5 kWh pumped; 9 kWh out at 3. (10 + 5) × 1 + 1 × 3.

    Sensitivity: without inflow all 10 are pumped for 12.5.
    """
    text = plant(LAKE.replace("20", "9") + f"inflow_kw: {day(6)}", load="10")
    results = solved(text)
    assert results.cost == pytest.approx(15 + 3)
    assert solved(plant(LAKE.replace("20", "12.5"))).cost == pytest.approx(22.5 + 3)


# ------------------------------------------------------------------ both ways at once, cost, refusals


@pytest.mark.parametrize(
    ("rule", "cost"),
    [
        # 10 kWh pumped, 7.2 generated in the same hour: 2.8 kWh burned at −1, 2 used.
        ("pump_power_kw: 10, turbine_power_kw: 10", -4.8),
        # The reversible machine turns one way in a step, or shares its power between both.
        ("power_kw: 10, exclusive: true", -2.0),
        ("pump_power_kw: 10, turbine_power_kw: 8, exclusive: true", -2.0),
        ("power_kw: 10, shared_power_limit: true", -2 - 0.28 * 10 / 1.72),
    ],
)
def test_pumping_and_generating_at_once(rule: str, cost: float) -> None:
    """Proves: what burning energy at −1 earns by the rule. Sensitivity: each rule has its optimum."""
    text = plant(f"energy_kwh: 50, {rule}", prices="-1", load="2", hours=1)
    assert solved(text).cost == pytest.approx(cost)


def test_cost_of_pumping_and_generating() -> None:
    """Proves: 10 kWh pumped at 0.05 and 7.2 generated at 0.1: 1.22. Sensitivity: at 1.2 it stands."""
    text = plant(
        "energy_kwh: 8, power_kw: 20, charge_cost_per_kwh: 0.05, discharge_cost_per_kwh: 0.1"
    )
    assert bill(solved(text), "hydro", "variable_om") == pytest.approx(1.22)
    assert solved(text.replace("charge_cost_per_kwh: 0.05", "charge_cost_per_kwh: 1.2")).cost == 40


@pytest.mark.parametrize(
    ("hydro", "message"),
    [
        ("power_kw: 1", "`energy_kwh` or `reservoir_hours` is missing|energy_kwh: is missing"),
        (
            "power_kw: 1, energy_kwh: 5, reservoir_hours: 5",
            "energy_kwh.*(both given|does not fit)",
        ),
        (
            "energy_kwh: 1",
            "power_kw: is missing: give `power_kw` for a reversible machine, or both",
        ),
        ("energy_kwh: 1, turbine_power_kw: 1", "pump_power_kw: is missing: give `power_kw`"),
        (
            "energy_kwh: 1, power_kw: 1, turbine_power_kw: 1, pump_power_kw: 1",
            "power_kw: does not go with `pump_power_kw` and `turbine_power_kw`",
        ),
        ("energy_kwh: 1, power_kw: 1, inflow_kw: -1", "inflow_kw.*must be at least 0"),
        (
            "energy_kwh: 1, pump_power_kw: {capex_per_kw: 1, lifetime_years: 9}, "
            "turbine_power_kw: 1, exclusive: true",
            "exclusive: needs a bound",
        ),
    ],
)
def test_what_does_not_fit_is_refused(hydro: str, message: str) -> None:
    """Proves: an incomplete plant and keys that contradict are refused by name."""
    with pytest.raises(InputError, match=message):
        problem_of(plant(hydro))
