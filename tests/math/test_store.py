"""The store of any carrier: units, powers apart, hours, losses, inflow, compressed air from parts."""

from __future__ import annotations

from typing import Any

import pytest

from microgrid_opt.builder import Builder
from microgrid_opt.errors import InputError
from tests.support import bill, day, park, planned, problem_of, solve_text, solved

WATER = "{water: {unit: kg}}"


def tank(store: str, *, price: str = day(1, 5), flow: str = "2", hours: float = 2) -> str:
    """Return a park that needs `flow` of a bought gas, with a store of it."""
    return park(
        f"""
        need: {{type: hydrogen_demand, flow_kg_per_hour: {flow}}}
        shop: {{type: supply, carrier: hydrogen, price_per_kg: {price}}}
        grid: {{type: grid, import_price_per_kwh: 1}}
        tank: {{type: store, carrier: hydrogen, {store}}}
        """,
        hours=hours,
    )


def heated(store: str, *, price: str = day(1, 5), demand: str = "10", **sections: str) -> str:
    """Return a park that buys heat, with a store of it."""
    return park(
        f"""
        heat: {{type: heat_demand, power_kw: {demand}}}
        district: {{type: supply, carrier: heat, price_per_kwh: {price}}}
        tank: {{type: store, carrier: heat, {store}}}
        """,
        **sections,
    )


def test_mass_moves_with_loss_and_electricity() -> None:
    """Proves: 2 kg/h out need 2/0.8 in, 2 kWh each at 1: (2 + 2.5) × 1 + 5 = 9.5.

    Sensitivity: with 6 kWh/kg it costs (1 + 6)/0.8 > 5 a kg and stands still.
    """
    text = tank("capacity_kg: 9, discharge_efficiency: 0.8, charging_kwh_per_unit: 2")
    results = solved(text)
    assert results.of("tank.charge") == pytest.approx([2.5, 0])
    assert results.of("grid.import") == pytest.approx([5, 0])
    assert results.cost == pytest.approx(9.5)
    assert solved(text.replace("per_unit: 2", "per_unit: 6")).cost == pytest.approx(2 + 10)


def test_charge_and_discharge_have_sizes_of_their_own() -> None:
    """Proves: 1 kg/h in over two cheap hours, 2 kg/h out in the dear one; sizes cost 0.1 and 0.2.

    2 kg of 6 move: 2 + 2 + 2 × 1 + 0 + 0.1 × 1 + 0.2 × 2. Sensitivity: one flow for both is 2 kg/h.
    """
    store = (
        "capacity_kg: 9, charge_flow_kg_per_hour: {max_kg_per_hour: 9, "
        "annual_cost_per_kg_per_hour: 0.1}, "
        "discharge_flow_kg_per_hour: {max_kg_per_hour: 9, annual_cost_per_kg_per_hour: 0.2}"
    )
    text = tank(store, price=day(1, 1, 5), hours=3)
    results = solved(text)
    assert results.size("tank", "charge_flow") == pytest.approx(1)
    assert results.size("tank", "discharge_flow") == pytest.approx(2)
    assert results.cost == pytest.approx(6 + 0.1 + 0.4)
    one = "capacity_kg: 9, flow_kg_per_hour: {max_kg_per_hour: 9, annual_cost_per_kg_per_hour: 0.2}"
    assert solved(tank(one, price=day(1, 1, 5), hours=3)).size("tank", "flow") == pytest.approx(2)


def test_limits_of_both_directions_bind_apart() -> None:
    """Proves: 3 kW in, 8 kW out: 3 kWh move; with 8 in and 5 out 5 kWh. Sensitivity: each kW saves 4."""
    text = heated("energy_kwh: 50, charge_power_kw: 3, discharge_power_kw: 8")
    assert solved(text).cost == pytest.approx(60 - 3 * 4)
    text = heated("energy_kwh: 50, charge_power_kw: 8, discharge_power_kw: 5")
    assert solved(text).cost == pytest.approx(60 - 5 * 4)
    text = heated("energy_kwh: 50, charge_power_kw: 3")
    assert solved(text).cost == pytest.approx(60 - 3 * 4)


def test_rates_bind_both_sizes() -> None:
    """Proves: at most 0.2 of 50 kWh per hour: both sizes are 10 kW at least and at most.

    Sensitivity: without the least rate nothing above 4 kW is built.
    """
    sizes = ", ".join(
        f"{key}_power_kw: {{max_kw: 40, annual_cost_per_kw: 0.01}}"
        for key in ("charge", "discharge")
    )
    rates = ", min_c_rate_per_hour: 0.2, max_c_rate_per_hour: 0.2"
    results = solved(heated(f"energy_kwh: 50, {sizes}{rates}", demand="4"))
    assert results.size("tank", "charge_power") == pytest.approx(10)
    assert results.size("tank", "discharge_power") == pytest.approx(10)
    free = solved(heated(f"energy_kwh: 50, {sizes}", demand="4"))
    assert free.size("tank", "discharge_power") == pytest.approx(4)


# ------------------------------------------------------------------ hours of discharge


def test_hours_stand_for_the_capacity() -> None:
    """Proves: 2 kW for 3 h are 6 kWh, which two cheap hours fill: 6 × 4 saved.

    Steps of 2, 1 and 3 h. Sensitivity: for 2 h 4 kWh.
    """
    text = heated(
        "discharge_power_kw: 2, hours: 3",
        price=day(1, 0, 1, 5),
        horizon="{start: 2025-03-03, steps_hours: [2, 1, 3]}",
    )
    text = text.replace(day(1, 0, 1, 5), "{hourly: [1, 1, 1, 5, 5, 5, " + "1, " * 17 + "1]}")
    whole = 30 + 30 * 5
    assert solved(text).cost == pytest.approx(whole - 6 * 4)
    assert solved(text.replace("hours: 3}", "hours: 2}")).cost == pytest.approx(whole - 4 * 4)


def test_hours_size_the_capacity_with_the_power() -> None:
    """Proves: 10 kWh for one hour need 10 kW; with 2 h fixed 20 kWh must be bought with them.

    Power at 0.1, capacity at 0.2: 1 + 4. Sensitivity: free, 10 kWh: 1 + 2; without capacity, 1.
    """
    power = "discharge_power_kw: {max_kw: 99, annual_cost_per_kw: 0.1}"
    energy = "energy_kwh: {max_kwh: 99, annual_cost_per_kwh: 0.2}"
    fixed = solved(heated(f"{power}, {energy}, hours: 2"))
    assert fixed.size("tank", "energy") == pytest.approx(20)
    assert fixed.cost == pytest.approx(20 + 1 + 4)
    assert solved(heated(f"{power}, {energy}")).cost == pytest.approx(20 + 1 + 2)
    bound = solved(heated(f"{power}, hours: 2, max_fraction: 0.25"))
    assert bound.size("tank", "discharge_power") == pytest.approx(20)
    assert bound.cost == pytest.approx(20 + 2)
    figures = bound.details.set_index("name")["value"]
    assert figures["full_cycles"] == pytest.approx(1)


def test_reference_plan_of_hours_keeps_what_exists() -> None:
    """Proves: 4 kW exist and stand for 8 kWh in the reference: 4 of 10 kW move. Sensitivity: plan 10."""
    text = heated(
        "discharge_power_kw: {existing_kw: 4, max_kw: 20, capex_per_kw: 1, lifetime_years: 10}, hours: 2"
    )
    plan = planned(text)
    assert plan.results.cost == pytest.approx(20 + 0.6)
    assert plan.reference is not None
    assert plan.reference.cost == pytest.approx(60 - 4 * 4)


# ------------------------------------------------------------------ losses


def test_standing_loss_is_of_the_capacity() -> None:
    """Proves: 10 kWh lose 0.5 kWh an hour, full or empty: one hour of it is bought at 1, one at 5.

    The dear hour's loss is charged before: (10 + 10 + 2 × 0.5) × 1. Sensitivity: 20 % of 10 kWh.
    """
    text = heated("energy_kwh: 20, max_fraction: 0.525, standing_loss_per_hour: 0.025")
    results = solved(text)
    assert results.of("tank.charge") == pytest.approx([11, 0])
    assert results.of("tank.state_of_charge") == pytest.approx([10.5, 0])
    assert results.cost == pytest.approx(21)


def test_standing_loss_follows_a_chosen_size_and_the_step() -> None:
    """Proves: a kWh of size costs 0.5 and 0.1 kWh per hour: for 2 + 1 h at 1, 0.3 more.

    10 kWh serve the dear hour, but lose 0.1 of the size before its end: 10/0.9 of it.
    Sensitivity: without loss exactly 10.
    """
    text = heated(
        "energy_kwh: {max_kwh: 99, annual_cost_per_kwh: 0.5}, standing_loss_per_hour: 0.1",
        price="{hourly: [1, 1, 5, " + "1, " * 20 + "1]}",
        horizon="{start: 2025-03-03, steps_hours: [2, 1]}",
    )
    results = solved(text)
    size = 10 / 0.9
    assert results.size("tank") == pytest.approx(size)
    assert results.cost == pytest.approx(20 + 10 + 0.3 * size + 0.5 * size)
    free = solved(text.replace("standing_loss_per_hour: 0.1", "standing_loss_per_hour: 0"))
    assert free.size("tank") == pytest.approx(10)


# ------------------------------------------------------------------ inflow


def test_inflow_is_kept_while_there_is_room() -> None:
    """Proves: of 6 kW of inflow for two hours 4 kWh find room, 2 are used at once: 6 of 12 are spilled.

    Demand 0, then 2 and 10 at a price of 5: (12 − 2 − 4) × 5. Sensitivity: 1 kWh more of room.
    """
    text = heated(
        f"energy_kwh: 4, inflow_kw: {day(6, 6)}", price="5", demand=day(0, 2, 10), hours=3
    )
    results = solved(text)
    assert results.cost == pytest.approx((12 - 2 - 4) * 5)
    figures = results.details.set_index("name")["value"]
    assert figures["spilled"] == pytest.approx(6)
    assert solved(text.replace("energy_kwh: 4", "energy_kwh: 5")).cost == pytest.approx(25)
    assert results.total("generation", "heat") == pytest.approx(6)
    assert results.total("storage", "heat") == pytest.approx(6 + 6)


def test_rain_fills_a_tank_by_mass() -> None:
    """Proves: 3 kg of rain stand in for 3 of 4 kg bought at 2. Sensitivity: `inflow` of the unit in kg."""
    text = park(
        f"""
        wash: {{type: recipe, inputs: {{water: 1}}, outputs: {{heat: 1}}, size_on: heat, power_kw: 9}}
        heat: {{type: heat_demand, power_kw: {day(0, 4)}}}
        tap: {{type: supply, carrier: water, price_per_kg: 2}}
        cistern: {{type: store, carrier: water, capacity_kg: 9, inflow_kg_per_hour: {day(3)}}}
        """,
        carriers=WATER,
    )
    results = solved(text)
    assert results.cost == pytest.approx(2)
    assert solved(text.replace("capacity_kg: 9", "capacity_kg: 2")).cost == pytest.approx(4)


# ------------------------------------------------------------------ compressed air, of parts only


def test_compressed_air_from_generic_parts() -> None:
    """Proves: 10 kWh in the dear hour take 50 kg of air (7 kWh at 1) and 12 kWh of gas at 0.8: 16.6.

    A kg of air takes 0.14 kWh; 5 kg and 1.2 kWh of gas give a kWh, as in a diabatic plant.
    Sensitivity: 40 kg of cavern serve 8 kWh, 2 are bought at 3; with gas at 5 all of them.
    """
    text = park(
        f"""
        load: {{type: load, power_kw: {day(0, 10)}}}
        grid: {{type: grid, import_price_per_kwh: {day(1, 3)}}}
        gas: {{type: supply, carrier: gas, price_per_kwh: 0.8}}
        compressor: {{type: recipe, inputs: {{electricity: 0.14}}, outputs: {{air: 1}},
          size_on: electricity, power_kw: 9}}
        cavern: {{type: store, carrier: air, capacity_kg: 90}}
        turbine: {{type: recipe, inputs: {{air: 5, gas: 1.2}}, outputs: {{electricity: 1}},
          size_on: electricity, power_kw: 20}}
        """,
        carriers="{air: {unit: kg}}",
    )
    results = solved(text)
    assert results.of("cavern.state_of_charge") == pytest.approx([50, 0])
    assert results.cost == pytest.approx(7 + 9.6)
    assert solved(text.replace("_kg: 90", "_kg: 40")).cost == pytest.approx(5.6 + 7.68 + 2 * 3)
    dear = text.replace("carrier: gas, price_per_kwh: 0.8", "carrier: gas, price_per_kwh: 5")
    assert solved(dear).cost == pytest.approx(30)


# ------------------------------------------------------------------ cost and what is refused


def test_cost_of_both_flows() -> None:
    """Proves: 2 kg in at 0.25 and out at 0.5. Sensitivity: at 4 a kg it stands still."""
    text = tank("capacity_kg: 9, charge_cost_per_unit: 0.25, discharge_cost_per_unit: 0.5")
    assert bill(solved(text), "tank", "variable_om") == pytest.approx(1.5)
    still = solved(text.replace("charge_cost_per_unit: 0.25", "charge_cost_per_unit: 4"))
    assert still.cost == pytest.approx(12)


@pytest.mark.parametrize(
    ("store", "message"),
    [
        (
            "energy_kwh: 9",
            "carrier = 'hydrogen': is counted in kg: use `capacity_kg`, `flow_kg_per",
        ),
        (
            "energy_kwh: 9, flow_kg_per_hour: 2",
            "energy_kwh: does not go with `flow_kg_per_hour`: use keys of one unit",
        ),
        (
            "capacity_kg: 9, inflow_kw: 2",
            "inflow_kw: does not go with the other keys, which count in kg: give `inflow_kg_per_h",
        ),
        ("flow_kg_per_hour: 2", "capacity_kg: is missing: give it, or the hours of discharge"),
        ("capacity_kg: 9, hours: 2", "flow_kg_per_hour: is missing: the hours of discharge"),
        (
            "capacity_kg: 9, flow_kg_per_hour: 2, hours: 2",
            "capacity_kg: does not fit: 2 h of discharge at 2 kg/h are 4 kg",
        ),
        (
            "capacity_kg: 9, flow_kg_per_hour: 2, charge_flow_kg_per_hour: 2",
            "flow_kg_per_hour: does not go with .*either one power for both ways or one for each",
        ),
        (
            "capacity_kg: 9, charge_flow_kg_per_hour: 2, discharge_flow_kg_per_hour: 2, "
            "shared_power_limit: true",
            "shared_power_limit: is of one machine for both ways",
        ),
        (
            "capacity_kg: 9, charge_flow_kg_per_hour: 2, exclusive: true",
            "exclusive: needs a bound",
        ),
        (
            "flow_kg_per_hour: {max_kg_per_hour: 9}, hours: 4, max_c_rate_per_hour: 0.2",
            "max_c_rate_per_hour: does not fit the sizes given: their power per capacity is 0.25",
        ),
    ],
)
def test_what_does_not_fit_is_refused(store: str, message: str) -> None:
    """Proves: keys of the wrong unit, missing and contradicting sizes are refused by name."""
    with pytest.raises(InputError, match=message):
        problem_of(tank(store))


def test_work_of_charging_electricity_is_refused() -> None:
    """Proves: for electricity the loss of charging is its efficiency. Sensitivity: other carriers."""
    with pytest.raises(InputError, match=r"charging_kwh_per_unit.*of electricity give `charge_eff"):
        problem_of(
            park("a: {type: store, carrier: electricity, energy_kwh: 1, charging_kwh_per_unit: 1}")
        )


@pytest.mark.parametrize(
    ("method", "rule", "found"),
    [
        ("require_once", "hours_of_discharge", "hours of discharge"),
        (
            "require_once",
            "largest_c_rate_discharge_power_kw",
            "largest C-rate of discharge_power_kw",
        ),
        ("require_once", "least_c_rate_charge_power_kw", "least C-rate of charge_power_kw"),
        ("require", "state_of_charge_balance", "state of charge follows the flows"),
        ("supply", "heat", "discharge supplied"),
        ("draw", "heat", "charge drawn"),
    ],
)
def test_audit_finds_what_is_left_out(
    monkeypatch: pytest.MonkeyPatch, method: str, rule: str, found: str
) -> None:
    """Proves: ratios, balance and the terms of inflow are stated again by the audit.

    A size is dearer than the rest wherever a ratio forces it up. Sensitivity: whole, it passes.
    """
    text = heated(
        "energy_kwh: {max_kwh: 99, annual_cost_per_kwh: 0.01}, hours: 4, "
        "charge_power_kw: {max_kw: 99, annual_cost_per_kw: 0.01}, "
        "discharge_power_kw: {max_kw: 99, annual_cost_per_kw: 0.01}, "
        f"min_c_rate_per_hour: 0.25, max_c_rate_per_hour: 0.3, inflow_kw: {day(2)}",
        price=day(1, 1, 5),
        hours=3,
    )
    if "c_rate" in rule:
        text = text.replace("hours: 4, ", "")
    solved(text)
    honest = getattr(Builder, method)

    def spoiled(self: Builder, name: str, *args: Any, **more: Any) -> None:
        if self.asset == "tank" and name == rule:
            if method not in {"supply", "draw"}:
                return
            more["factor"] = 1.01 * more.get("factor", 1.0)
        honest(self, name, *args, **more)

    monkeypatch.setattr(Builder, method, spoiled)
    _, audit = solve_text(text)
    assert found in {check.what for check in audit.failures}
