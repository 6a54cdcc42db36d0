from __future__ import annotations

import pytest

from microgrid_opt.errors import InputError
from tests.support import bill, day, park, solved

STEAM = "boiler_house: {type: supply, carrier: steam, price_per_kwh: 0.3}"
WELL = "well: {type: supply, carrier: water, price_per_kg: 0.004}"
CARRIERS = "{steam: {temperature_degc: 180}, water: {unit: kg}}"


def with_carriers(assets: str, **sections: str) -> str:
    """Return a park that knows steam (kWh) and water (kg)."""
    return park(
        assets, carriers=CARRIERS, **({"horizon": "{start: 2025-03-03, hours: 4}"} | sections)
    )


def test_carriers_in_kwh_and_in_kg() -> None:
    """Proves: 0.3 × (5 + 7) kWh of steam and 0.004 × 300 kg of water. Sensitivity: prices, amounts."""
    text = with_carriers(
        f"""
        dryer: {{type: demand, carrier: steam, power_kw: {day(5, 7)}}}
        rinsing: {{type: demand, carrier: water, flow_kg_per_hour: {day(100, 200)}}}
        {STEAM}
        {WELL}
        """
    )
    results = solved(text)
    assert results.of("boiler_house.purchase") == pytest.approx([5, 7, 0, 0])
    assert results.of("well.purchase") == pytest.approx([100, 200, 0, 0])
    assert results.cost == pytest.approx(3.6 + 1.2)
    table = results.energy.set_index("asset")
    assert (table.loc["rinsing", "drawn"], table.loc["rinsing", "unit"]) == (300, "kg")
    assert table.loc["rinsing", "drawn_kwh"] == 0.0
    double = solved(text.replace("0.004", "0.008"))
    assert double.cost - results.cost == pytest.approx(1.2)


def test_cold_and_coal_are_carriers_of_every_park() -> None:
    """Proves: cold and coal are drawn like any carrier: 2 h × (10 × 0.1 + 4 × 0.05)."""
    text = park(
        """
        hall: {type: demand, carrier: cold, power_kw: 10}
        kiln: {type: demand, carrier: coal, power_kw: 4}
        ice: {type: supply, carrier: cold, price_per_kwh: 0.1}
        yard: {type: supply, carrier: coal, price_per_kwh: 0.05}
        """
    )
    results = solved(text)
    assert results.cost == pytest.approx(2 * (1 + 0.2))
    assert results.total("demand", "coal") == pytest.approx(8)


@pytest.mark.parametrize(
    ("demand", "supply", "price"),
    [
        ("carrier: steam, power_kw: 10", STEAM.replace("}", ", limit_kw: 6}"), "per_kwh: 5"),
        (
            "carrier: water, flow_kg_per_hour: 10",
            WELL.replace("}", ", limit_kg_per_hour: 6}"),
            "per_kg: 5",
        ),
    ],
)
def test_unserved_demand_is_priced(demand: str, supply: str, price: str) -> None:
    """Proves: 4 units beyond the limit at 5. Sensitivity: one more unit of supply saves 5 less its price."""
    text = with_carriers(
        f"use: {{type: demand, {demand}, unserved_price_{price}}}\n{supply}",
        horizon="{start: 2025-03-03, hours: 1}",
    )
    results = solved(text)
    assert bill(results, "use", "unserved") == pytest.approx(20)
    more = solved(text.replace("limit_kw: 6", "limit_kw: 7").replace("hour: 6", "hour: 7"))
    assert bill(more, "use", "unserved") == pytest.approx(15)


def test_amounts_by_window_in_kwh() -> None:
    """Proves: 12 kWh between 1:00 and 4:00 at 5 kW: 5 at 1, 5 at 2, 2 at 3. Sensitivity: 12 kW: 12 at 1."""
    text = with_carriers(
        f"""
        autoclave: {{type: demand, carrier: steam, filling: {{kwh_per_day: 12, hours: 1-4, max_kw: 5}}}}
        {STEAM.replace("0.3", day(0.5, 3, 1, 2))}
        """
    )
    results = solved(text)
    assert results.of("autoclave.demand") == pytest.approx([0, 2, 5, 5])
    assert results.cost == pytest.approx(6 + 5 + 10)
    assert solved(text.replace("max_kw: 5", "max_kw: 12")).cost == pytest.approx(12)


def test_unequal_steps_keep_the_amounts() -> None:
    """Proves: steps of 0.5, 2 and 1.5 h draw 4 h × 10 kW, and 20 kg by 2:30 at the cheaper price.

    Sensitivity: the first step alone costs 0.5 h of it.
    """
    text = with_carriers(
        f"""
        dryer: {{type: demand, carrier: steam, power_kw: 10}}
        tank: {{type: demand, carrier: water, filling: {{windows: {{a: {{hours: '0-2:30', kg: 20}}}}}}}}
        {STEAM}
        {WELL.replace("0.004", "{hourly: [2, 1, 1, 9" + ", 9" * 20 + "]}")}
        """,
        horizon="{start: 2025-03-03, steps_hours: [0.5, 2, 1.5]}",
    )
    results = solved(text)
    assert results.total("demand", "steam") == pytest.approx(40)
    assert results.of("tank.demand") == pytest.approx([0, 10, 0])
    assert results.cost == pytest.approx(12 + 20 * 1.25)


@pytest.mark.parametrize(
    ("demand", "message"),
    [
        ("carrier: steam", "`power_kw` or `flow_kg_per_hour` or `filling` is missing"),
        ("carrier: steam, power_kw: 1, flow_kg_per_hour: 1", "are both given"),
        ("carrier: stem, power_kw: 1", "did you mean 'steam'"),
        ("carrier: water, power_kw: 1", "is counted in kg, the demand in kWh: give `flow_kg"),
        (
            "carrier: steam, flow_kg_per_hour: 1",
            "is counted in kWh, the demand in kg: give `power_kw`",
        ),
        ("carrier: steam, filling: {kg_per_day: 1}", "or a `filling` with amounts in kWh"),
        (
            "carrier: steam, power_kw: 1, unserved_price_per_kg: 1",
            "does not go with `power_kw` in kWh: give `unserved_price_per_kwh`",
        ),
        ("carrier: steam, power_kw: 1, unserved_price_per_kwh: -1", "must be at least 0"),
        ("carrier: steam, power_kw: -1", "must be at least 0 kW"),
    ],
)
def test_what_does_not_fit_is_refused(demand: str, message: str) -> None:
    """Proves: units and keys that contradict are refused with what to do. Sensitivity: per case."""
    with pytest.raises(InputError, match=message):
        solved(with_carriers(f"use: {{type: demand, {demand}}}\n{STEAM}\n{WELL}"))
