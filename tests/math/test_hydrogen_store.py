from __future__ import annotations

import pytest

from microgrid_opt.errors import InputError
from tests.support import bill, day, park, problem_of, solved

PARK = """
    process: {type: hydrogen_demand, flow_kg_per_hour: 2}
    truck: {type: supply, carrier: hydrogen, price_per_kg: %s}
    grid: {type: grid, import_price_per_kwh: 0.5}
    tank: {type: hydrogen_store, %s}
"""


def test_compression_draws_electricity() -> None:
    """Proves: 2 kg are bought at 10 instead of 30, and compressed with 3 kWh/kg at 0.5.

    4 × 10 + 2 × 1.5 = 43. Sensitivity: at 14 kWh/kg compression costs 7 a kg, 20 are saved.
    """
    text = park(PARK % (day(10, 30), "capacity_kg: 9, compression_kwh_per_kg: 3"))
    results = solved(text)
    assert results.of("tank.charge") == pytest.approx([2, 0])
    assert results.of("grid.import") == pytest.approx([6, 0])
    assert results.cost == pytest.approx(43)
    dear = solved(text.replace("compression_kwh_per_kg: 3", "compression_kwh_per_kg: 14"))
    assert dear.cost == pytest.approx(40 + 14)
    idle = solved(text.replace("compression_kwh_per_kg: 3", "compression_kwh_per_kg: 41"))
    assert idle.cost == pytest.approx(80)


def test_mass_flow_and_capacity_limit_it() -> None:
    """Proves: 1.5 kg/h of flow, then 1 kg of capacity, bind. Sensitivity: each kg saves 20."""
    limited = park(PARK % (day(10, 30), "capacity_kg: 9, flow_kg_per_hour: 1.5"))
    assert solved(limited).cost == pytest.approx(80 - 30)
    small = park(PARK % (day(10, 30), "capacity_kg: 1, flow_kg_per_hour: 1.5"))
    assert solved(small).cost == pytest.approx(80 - 20)


def test_sizes_and_flow_costs() -> None:
    """Proves: 2 kg at 3 a year, 2 kg/h at 4, 1 a kg in and 0.5 a kg out: 40 + 6 + 8 + 3.

    Sensitivity: a tank of 12 a kg does not pay: 12 + 4 + 1.5 < 20 still does, 15 does not.
    """
    tank = (
        "capacity_kg: {max_kg: 50, annual_cost_per_kg: 3}, "
        "flow_kg_per_hour: {max_kg_per_hour: 50, annual_cost_per_kg_per_hour: 4}, "
        "charge_cost_per_kg: 1, discharge_cost_per_kg: 0.5"
    )
    text = park(PARK % (day(10, 30), tank))
    results = solved(text)
    assert results.size("tank", "capacity") == pytest.approx(2)
    assert results.size("tank", "flow") == pytest.approx(2)
    assert bill(results, "tank", "variable_om") == pytest.approx(3)
    assert results.cost == pytest.approx(40 + 6 + 8 + 3)
    assert solved(text.replace("_kg: 3}", "_kg: 15}")).cost == pytest.approx(80)


def test_losses_of_a_tank() -> None:
    """Proves: boil-off of 10 % an hour: 2 kg out need 2/0.9 kg at the start of the hour.

    (2 + 2/0.9) × 10. Sensitivity: without loss 40.
    """
    text = park(PARK % (day(10, 30), "capacity_kg: 9, self_discharge_per_hour: 0.1"))
    assert solved(text).cost == pytest.approx(20 + 20 / 0.9)


def test_flow_is_per_hour_on_unequal_steps() -> None:
    """Proves: 1.5 kg/h over 2 h, 1 h and 0.5 h: 3 kg in at 10; 0.5 × 1.5 kg and 1.5 × 1 kg out at 30.

    Sensitivity: a flow limit per step instead of per hour would move 1.5 kg each.
    """
    text = park(
        PARK
        % ("{hourly: [10, 10, 30, 30" + ", 1" * 20 + "]}", "capacity_kg: 9, flow_kg_per_hour: 1.5"),
        horizon="{start: 2025-03-03, steps_hours: [2, 1, 0.5]}",
    )
    results = solved(text)
    assert results.of("tank.charge") == pytest.approx([2.25 / 2, 0, 0])
    assert results.cost == pytest.approx((4 + 2.25) * 10 + (3 - 2.25) * 30)


@pytest.mark.parametrize(
    ("tank", "message"),
    [
        ("flow_kg_per_hour: 1", "capacity_kg"),
        ("capacity_kg: 9, exclusive: true", "exclusive: needs a bound"),
        ("capacity_kg: 9, max_fraction: 0.1, min_fraction: 0.2", "min_fraction: lies above"),
    ],
)
def test_what_does_not_fit_is_refused(tank: str, message: str) -> None:
    """Proves: a tank without capacity, bound or room is refused by name."""
    with pytest.raises(InputError, match=message):
        problem_of(park(PARK % ("1", tank)))
