"""By-products: used, stored or released; what each costs and emits."""

from __future__ import annotations

import pytest

from microgrid_opt.errors import InfeasibleError, InputError
from tests.support import bill, day, park, problem_of, solve_text, solved


def plant(byproduct: str, *, demand: str = "5", **sections: str) -> str:
    """Return a park of a demand of gas at 1 a kWh, and 8 kW of coke-oven gas."""
    return park(
        f"""
        burners: {{type: demand, carrier: gas, power_kw: {demand}}}
        network: {{type: supply, carrier: gas, price_per_kwh: 1}}
        coke_oven: {{type: byproduct, carrier: gas, power_kw: 8{byproduct}}}
        """,
        **({"horizon": "{start: 2025-03-03, steps_hours: [1, 2]}"} | sections),
    )


def test_what_is_not_used_is_released() -> None:
    """Proves: 5 of 8 kW are used for 1 h and 8 of 12 kW for 2 h; 3 kWh go to the flare.

    Sensitivity: without the by-product 5 + 24.
    """
    results = solved(plant("", demand=day(5, 12, 12)))
    assert results.of("coke_oven.used") == pytest.approx([5, 8])
    assert results.cost == pytest.approx(4 * 2)
    figures = results.details.set_index("name")["value"]
    assert figures["released"] == pytest.approx(3)
    assert figures["used_share"] == pytest.approx(21 / 24)


def test_use_and_release_cost_and_emit() -> None:
    """Proves: 15 kWh used at 0.1 and 0.2 kg, 9 kWh released at 0.5 and 0.3 kg.

    Sensitivity: each category by itself.
    """
    text = plant(
        ", use_cost_per_unit: 0.1, release_cost_per_unit: 0.5, use_co2_kg_per_unit: 0.2, "
        "release_co2_kg_per_unit: 0.3"
    )
    results = solved(text)
    assert bill(results, "coke_oven", "use") == pytest.approx(1.5)
    assert bill(results, "coke_oven", "release") == pytest.approx(4.5)
    assert bill(results, "coke_oven", "use", "co2") == pytest.approx(3)
    assert bill(results, "coke_oven", "release", "co2") == pytest.approx(2.7)
    assert results.cost == pytest.approx(6)


@pytest.mark.parametrize(("fee", "used"), [(0.3, 0), (0.5, 5)])
def test_use_that_costs_more_than_the_network(fee: float, used: float) -> None:
    """Proves: cleaning at 1.4 against gas at 1 pays only to save a release fee above 0.4."""
    results = solved(plant(f", use_cost_per_unit: 1.4, release_cost_per_unit: {fee}"))
    assert results.of("coke_oven.used") == pytest.approx([used, used])


def test_without_release_all_must_be_used_or_stored() -> None:
    """Proves: 3 kW too many are infeasible; a battery takes them for the second hour.

    Sensitivity: with release no store is needed.
    """
    with pytest.raises(InfeasibleError, match=r"gas of park.*too much|gas.*surplus|balance"):
        solve_text(plant(", releasable: false"))
    stored = park(
        f"""
        load: {{type: load, power_kw: {day(5, 11)}}}
        grid: {{type: grid, import_price_per_kwh: 1}}
        turbine: {{type: byproduct, carrier: electricity, power_kw: 8, releasable: false}}
        battery: {{type: battery, energy_kwh: 3, power_kw: 9, charge_efficiency: 1,
          discharge_efficiency: 1}}
        """
    )
    results = solved(stored)
    assert results.of("turbine.used") == pytest.approx([8, 8])
    assert results.of("battery.charge") == pytest.approx([3, 0])
    assert results.cost == pytest.approx(0)
    assert bill(results, "turbine", "use") == 0.0


def test_costs_of_a_flow_that_must_be_used() -> None:
    """Proves: a known flow books its cost and CO2: 24 kWh at 0.1 and 0.2 kg. Sensitivity: release."""
    text = plant(
        ", releasable: false, use_cost_per_unit: 0.1, use_co2_kg_per_unit: 0.2", demand="8"
    )
    results = solved(text)
    assert results.cost == pytest.approx(2.4)
    assert results.co2_kg == pytest.approx(4.8)


def test_power_of_an_expansion_turbine_counts_as_generation() -> None:
    """Proves: 16 kWh are generated of which 10 are used here; what could have been counts in full.

    Sensitivity: renewable only where it says so.
    """
    text = park(
        """
        load: {type: load, power_kw: 5}
        grid: {type: grid, import_price_per_kwh: 1}
        turbine: {type: byproduct, carrier: electricity, power_kw: 8%s}
        """,
        targets="{min_self_consumption: 0.6, self_consumption_base: available}",
    )
    results = solved(text % "")
    assert results.total("generation") == pytest.approx(10)
    assert results.total("generation", renewable=True) == 0.0
    (row,) = results.caps.to_dict("records")
    assert row["value"] == pytest.approx(10 / 16)
    green = solved(text % ", renewable: true")
    assert green.total("generation", renewable=True) == pytest.approx(10)
    with pytest.raises(InfeasibleError):
        solve_text((text % "").replace("0.6", "0.7"))


def test_flow_by_mass() -> None:
    """Proves: 3 of 4 kg/h of hydrogen off-gas are used. Sensitivity: the truck brings none."""
    results = solved(
        park(
            """
            process: {type: hydrogen_demand, flow_kg_per_hour: 3}
            truck: {type: supply, carrier: hydrogen, price_per_kg: 20}
            chlorine: {type: byproduct, carrier: hydrogen, flow_kg_per_hour: 4}
            """
        )
    )
    assert results.cost == pytest.approx(0)
    released = results.details.set_index("name").loc["released"]
    assert (released["value"], released["unit"]) == (pytest.approx(2), "kg")


@pytest.mark.parametrize(
    ("byproduct", "message"),
    [
        ("carrier: gas", r"`power_kw` or `flow_kg_per_hour` is missing: give exactly one"),
        (
            "carrier: gas, flow_kg_per_hour: 1",
            r"carrier = 'gas': is counted in kWh: give `power_kw` instead of `flow_kg_per_hour`",
        ),
        (
            "carrier: hydrogen, power_kw: 1",
            r"carrier = 'hydrogen': is counted in kg: give `flow_kg_per_hour`",
        ),
        (
            "carrier: gas, power_kw: 1, releasable: false, release_co2_kg_per_unit: 1",
            r"release_co2_kg_per_unit: has no effect with `releasable: false`",
        ),
        ("carrier: gas, power_kw: -1", r"power_kw = -1: must be at least 0 kW"),
    ],
)
def test_bad_input(byproduct: str, message: str) -> None:
    """Proves: a flow in another unit than the carrier's, and idle keys, are refused."""
    with pytest.raises(InputError, match=message):
        problem_of(park(f"off_gas: {{type: byproduct, {byproduct}}}"))
