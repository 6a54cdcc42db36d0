from __future__ import annotations

import pytest

from microgrid_opt.errors import InfeasibleError, InputError
from tests.support import bill, park, solve_text, solved

PARK = """
    load: {type: load, power_kw: 10}
    pv: {type: pv, power_kw: 16, output_per_kw: 1, curtailable: false}
"""


def test_surplus_leaves_through_the_dump_only() -> None:
    """Proves: a balance is an equality: 6 kW of surplus need the dump. Sensitivity: free costs 0."""
    results = solved(park(PARK + "    sink: {type: dump, carrier: electricity}", hours=1))
    assert results.of("sink.dumped") == pytest.approx([6])
    assert results.cost == pytest.approx(0)
    with pytest.raises(InfeasibleError, match=r"pv\.\w+ in one step.*off by 6"):
        solve_text(park(PARK, hours=1))


def test_dumping_is_priced() -> None:
    """Proves: 6 kWh at 0.3. Sensitivity: paying for what is dumped earns 6 × 0.2."""
    text = park(PARK + "    sink: {type: dump, carrier: electricity, cost_per_unit: 0.3}", hours=1)
    assert bill(solved(text), "sink", "dump") == pytest.approx(1.8)
    assert solved(text.replace("0.3", "-0.2")).cost == pytest.approx(-1.2)


def test_dump_of_a_carrier_in_kg() -> None:
    """Proves: hydrogen is dumped by the kg. Sensitivity: cost_per_unit is per kg."""
    results = solved(
        park(
            """
            heat: {type: heat_demand, power_kw: 5.4}
            cell: {type: electrolyser, power_kw: 54, consumption_kwh_per_kg: 54, heat_recovery_fraction: 0.1}
            grid: {type: grid, import_price_per_kwh: 0}
            vent: {type: dump, carrier: hydrogen, cost_per_unit: 7}
            """,
            hours=1,
        )
    )
    assert results.of("vent.dumped") == pytest.approx([1])
    assert results.columns.set_index("key").loc["park.vent.dumped", "unit"] == "kg/h"
    assert results.cost == pytest.approx(7)


def test_what_is_thrown_away_may_count_as_co2() -> None:
    """Proves: 6 kWh flared at 0.2 kg are 1.2 kg, which cost 1.2 at 1000 a tonne, step by length.

    Sensitivity: without the factor nothing counts, and a sink that costs less than 0.2 is preferred.
    """
    text = park(
        """
        gas: {type: supply, carrier: gas, price_per_kwh: 0, min_kw: 3}
        flare: {type: dump, carrier: gas, co2_kg_per_unit: 0.2}
        """,
        horizon="{start: 2025-03-03, steps_hours: [1.5, 0.5]}",
        carbon="{price_per_t: 1000}",
    )
    results = solved(text)
    assert bill(results, "flare", "dump", "co2") == pytest.approx(1.2)
    assert results.cost == pytest.approx(1.2)
    assert solved(text.replace(", co2_kg_per_unit: 0.2", "")).co2_kg == pytest.approx(0)
    cheaper = solved(text + "  burner: {type: dump, carrier: gas, cost_per_unit: 0.15}\n")
    assert cheaper.cost == pytest.approx(0.9)
    assert cheaper.of("flare.dumped") == pytest.approx([0, 0])


def test_credit_for_throwing_away_is_refused() -> None:
    """Proves: a removal is booked where it is made, never by a dump. Sensitivity: the sign."""
    with pytest.raises(InputError, match=r"co2_kg_per_unit = -1: must be at least 0 kg/unit"):
        solve_text(park("vent: {type: dump, carrier: co2, co2_kg_per_unit: -1}"))
