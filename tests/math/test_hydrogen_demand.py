from __future__ import annotations

import pytest

from tests.support import bill, day, park, solved

TRUCK = "truck: {type: supply, carrier: hydrogen, price_per_kg: 30}"


def test_hydrogen_is_counted_in_kg() -> None:
    """Proves: 30 × (2 + 3) kg; the energy table says 33.33 kWh per kg. Sensitivity: 1 kg/h costs 30."""
    results = solved(
        park(f"process: {{type: hydrogen_demand, flow_kg_per_hour: {day(2, 3)}}}\n{TRUCK}")
    )
    assert results.of("truck.purchase") == pytest.approx([2, 3])
    assert results.cost == pytest.approx(150)
    row = results.energy[results.energy["asset"] == "process"].iloc[0]
    assert (row["drawn"], row["unit"]) == (pytest.approx(5), "kg")
    assert row["drawn_kwh"] == pytest.approx(5 * 33.33)


def test_hydrogen_not_delivered_is_priced_per_kg() -> None:
    """Proves: 0.5 kg beyond the limit at 100. Sensitivity: the price is linear in what is missing."""
    limited = TRUCK.replace("}", ", limit_kg_per_hour: 1.5}")
    text = "process: {type: hydrogen_demand, flow_kg_per_hour: 2, unserved_price_per_kg: 100}"
    results = solved(park(f"{text}\n{limited}", hours=1))
    assert bill(results, "process", "unserved") == pytest.approx(50)
    assert results.cost == pytest.approx(45 + 50)
    tenfold = solved(park(f"{text.replace('100', '1000')}\n{limited}", hours=1))
    assert bill(tenfold, "process", "unserved") == pytest.approx(500)
