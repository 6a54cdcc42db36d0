"""Shares of renewable electricity, self-consumption and export, on each of their bases."""

from __future__ import annotations

import pytest

from microgrid_opt.errors import InfeasibleError
from tests.support import day, park, shadow_price, solve_text, solved

PV = "pv: {type: pv, output_per_kw: %s, power_kw: {max_kw: 100, annual_cost_per_kw: 5}}"


def test_share_of_consumption() -> None:
    """Proves: a quarter of 20 kWh from a plant of 5 a kW that earns 1: 5 kW, 15 + 25.

    A kWh of renewable energy costs 4 extra: the target's price is 4 per kWh. Sensitivity: share + 5 %
    is one kWh.
    """
    text = park(
        f"""
        load: {{type: load, power_kw: 10}}
        grid: {{type: grid, import_price_per_kwh: 1}}
        {PV % day(1, 0)}
        """,
        targets="{min_renewable_share: 25 %}",
    )
    results = solved(text)
    assert results.size("pv") == pytest.approx(5)
    assert results.cost == pytest.approx(40)
    assert shadow_price(results, "renewable_share") == pytest.approx(4)
    shares = results.indicators()
    assert shares["renewable_share"].value == pytest.approx(0.25)
    assert shares["self_sufficiency"].value == pytest.approx(0.25)
    more = solved(text.replace("25 %", "30 %"))
    assert more.cost - results.cost == pytest.approx(4)


@pytest.mark.parametrize(("base", "cost"), [("consumption", 10 * 5 + 10), ("demand", 5 * 5 + 15)])
def test_denominator_of_the_renewable_share(base: str, cost: float) -> None:
    """Proves: half of 20 kWh with the boiler's, or half of the load's 10. Sensitivity: 5 kW of PV."""
    results = solved(
        park(
            f"""
            load: {{type: load, power_kw: 10}}
            heat: {{type: heat_demand, power_kw: 10}}
            boiler: {{type: electric_boiler, power_kw: 10, efficiency: 1}}
            grid: {{type: grid, import_price_per_kwh: 1}}
            {PV % 1}
            """,
            hours=1,
            targets=f"{{min_renewable_share: 0.5, renewable_share_base: {base}}}",
        )
    )
    assert results.cost == pytest.approx(cost)


EXPORT = f"""
    load: {{type: load, power_kw: 10}}
    grid: {{type: grid, import_price_per_kwh: 1, export_price_per_kwh: 0.1}}
    {PV % day(1, 0)}
"""


def test_exported_energy_deducted_or_counted() -> None:
    """Proves: 60 % of 20 kWh are 12: counted, 12 kW with 2 sold for 0.2; deducted, none can be.

    60 + 10 − 0.2. Sensitivity: at 45 % both need 9 kW.
    """
    counted = "{min_renewable_share: 0.6, renewable_share_export: counted}"
    results = solved(park(EXPORT, targets=counted))
    assert results.size("pv") == pytest.approx(12)
    assert results.cost == pytest.approx(69.8)
    with pytest.raises(InfeasibleError, match=r"renewable share of at least 60\.00%.*by 2 kWh"):
        solve_text(park(EXPORT, targets="{min_renewable_share: 0.6}"))
    for targets in (counted.replace("0.6", "0.45"), "{min_renewable_share: 0.45}"):
        assert solved(park(EXPORT, targets=targets)).size("pv") == pytest.approx(9)


def test_storage_losses_are_consumption() -> None:
    """Proves: 4 kWh of load at night through a battery of 0.8: 5 kWh consumed, all renewable.

    100 % needs 5 kW for 5 each. Sensitivity: a lossless battery needs 4 kW.
    """
    text = park(
        f"""
        load: {{type: load, power_kw: {day(0, 4)}}}
        grid: {{type: grid, import_price_per_kwh: 1}}
        battery:
          {{type: battery, energy_kwh: 50, power_kw: 50, charge_efficiency: 0.8, discharge_efficiency: 1}}
        {PV % day(1, 0)}
        """,
        targets="{min_renewable_share: 1}",
    )
    assert solved(text).cost == pytest.approx(25)
    assert solved(text.replace("0.8", "1")).cost == pytest.approx(20)


SURPLUS = """
    load: {type: load, power_kw: 4}
    grid: {type: grid, export_price_per_kwh: 0.5}
    pv: {type: pv, output_per_kw: 1, power_kw: %s}
"""


def test_self_consumption_of_the_available_energy_limits_the_size() -> None:
    """Proves: 4 of 5 kWh are 80 %: 5 kW, though each kW more would earn 0.4. 5 × 0.1 − 0.5 = 0.

    Sensitivity: at 40 % the size is 10.
    """
    text = park(
        SURPLUS % "{max_kw: 100, annual_cost_per_kw: 0.1}",
        hours=1,
        targets="{min_self_consumption: 0.8}",
    )
    results = solved(text)
    assert results.size("pv") == pytest.approx(5)
    assert results.cost == pytest.approx(0, abs=1e-9)
    assert solved(text.replace("0.8", "0.4")).size("pv") == pytest.approx(10)
    assert results.indicators()["self_consumption"].value == pytest.approx(0.8)


def test_self_consumption_of_what_is_generated_can_be_met_by_curtailment() -> None:
    """Proves: of 10 kW given, 8 are generated and 4 sold for 50 % of `generated`; of the `available`
    10 kWh only 4 can be used. Sensitivity: at 40 % both bases sell 6.
    """
    text = park(
        SURPLUS % "10",
        hours=1,
        targets="{min_self_consumption: 0.5, self_consumption_base: generated}",
    )
    results = solved(text)
    assert results.of("pv.generation") == pytest.approx([8])
    assert results.cost == pytest.approx(-2)
    available = text.replace("generated}", "available}")
    with pytest.raises(InfeasibleError, match=r"self-consumption of at least 50\.00%.*1 kWh"):
        solve_text(available)
    for mild in (text, available):
        assert solved(mild.replace("0.5, self", "0.4, self")).cost == pytest.approx(-3)


def test_largest_share_of_export() -> None:
    """Proves: 20 % of 5 kWh generated are 1 kWh sold; 5 of 10 are cut. Sensitivity: at 50 %, 4 of 8."""
    text = park(SURPLUS % "10", hours=1, targets="{max_export_share: 20 %}")
    results = solved(text)
    assert results.of("grid.export") == pytest.approx([1])
    assert results.of("pv.generation") == pytest.approx([5])
    assert results.indicators()["export_share"].value == pytest.approx(0.2)
    half = solved(text.replace("20 %", "50 %"))
    assert half.of("grid.export") == pytest.approx([4])


def test_targets_hold_for_all_members_together() -> None:
    """Proves: the share is the park's: one member's PV counts for the other. Sensitivity: 5 kW in all."""
    results = solved(
        park(
            f"""
            a: {{type: load, member: north, power_kw: 10}}
            b: {{type: load, member: south, power_kw: 10}}
            grid_a: {{type: grid, member: north, import_price_per_kwh: 1}}
            grid_b: {{type: grid, member: south, import_price_per_kwh: 1}}
            {(PV % 1).replace("type: pv", "type: pv, member: north")}
            """,
            hours=1,
            members="{north: {}, south: {}}",
            targets="{min_renewable_share: 0.25}",
        )
    )
    assert results.size("pv") == pytest.approx(5)
