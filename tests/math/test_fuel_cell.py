from __future__ import annotations

import numpy as np
import pytest

from microgrid_opt.errors import InputError
from tests.support import bill, day, park, solve_text, solved

TRUCK = "truck: {type: supply, carrier: hydrogen, price_per_kg: 10}"


def test_size_is_counted_on_the_electricity_made() -> None:
    """Proves: 1 kg gives 0.5 × 33.33 = 16.665 kWh: 10 kW need 0.6001 kg/h, the rest comes at 2.

    Sensitivity: a kW more saves 2 − 10/16.665.
    """
    text = park(
        f"""
        load: {{type: load, power_kw: 15}}
        grid: {{type: grid, import_price_per_kwh: 2}}
        {TRUCK}
        cell: {{type: fuel_cell, power_kw: 10, electric_efficiency: 0.5}}
        """,
        hours=1,
    )
    results = solved(text)
    assert results.of("cell.input") == pytest.approx([10 / 16.665])
    assert results.cost == pytest.approx(100 / 16.665 + 10)
    more = solved(text.replace("power_kw: 10", "power_kw: 11"))
    assert results.cost - more.cost == pytest.approx(2 - 10 / 16.665)


def test_heat_and_operating_cost() -> None:
    """Proves: 1 kg/h: 16.665 kW, 0.3 × 33.33 = 9.999 kW of heat, 0.1 per kWh made.

    Sensitivity: without recovery 9.999 kWh of heat are bought at 3.
    """
    text = park(
        f"""
        load: {{type: load, power_kw: 16.665}}
        heat: {{type: heat_demand, power_kw: 20}}
        district: {{type: supply, carrier: heat, price_per_kwh: 3}}
        {TRUCK}
        cell:
          type: fuel_cell
          power_kw: 100
          electric_efficiency: 0.5
          heat_recovery_fraction: 0.3
          variable_om_per_kwh: 0.1
        """,
        hours=1,
    )
    results = solved(text)
    assert results.of("cell.input") == pytest.approx([1])
    assert bill(results, "cell", "variable_om") == pytest.approx(1.6665)
    assert results.of("district.purchase") == pytest.approx([20 - 9.999])
    without = solved(text.replace("heat_recovery_fraction: 0.3", "heat_recovery_fraction: 0"))
    assert without.cost - results.cost == pytest.approx(3 * 9.999)


CURVE = "part_load: [{load_fraction: 0.5, efficiency_factor: 1.2}, {load_fraction: 1, efficiency_factor: 1}]"


@pytest.mark.parametrize("size", ["100", "{min_kw: 100, max_kw: 300, annual_cost_per_kw: 9}"])
def test_better_at_part_load(size: str) -> None:
    """Proves: 50 kW of 100 take 50/(0.5 × 1.2) kWh of hydrogen, 75 kW the mean of that and of 200; heat
    stays at 0.3 of the hydrogen. No binaries. On steps of 1 and 2 h.

    Sensitivity: at constant efficiency 50 kW take 100 kWh.
    """
    text = park(
        f"""
        load: {{type: load, power_kw: {day(50, 75, 75)}}}
        {TRUCK}
        sink: {{type: dump, carrier: heat}}
        cell:
          type: fuel_cell
          power_kw: {size}
          electric_efficiency: 0.5
          heat_recovery_fraction: 0.3
          {CURVE}
        """,
        horizon="{start: 2025-03-03, steps_hours: [1, 2]}",
    )
    results = solved(text)
    energy = np.array([50 / 0.6, (50 / 0.6 + 200) / 2])
    assert results.of("cell.input") * 33.33 == pytest.approx(energy)
    assert results.of("sink.dumped") == pytest.approx(0.3 * energy)
    assert results.run.kind == "LP"
    figures = results.details.set_index(["asset", "name"])["value"]
    assert figures["cell", "mean_electric_efficiency"] == pytest.approx(
        (50 + 2 * 75) / (energy[0] + 2 * energy[1])
    )
    plain = solved(text.replace(CURVE, "label: plain"))
    assert plain.of("cell.input") * 33.33 == pytest.approx([100, 150])


def test_least_load_and_start_cost() -> None:
    """Proves: with a least load of half, 20 kW are bought at 2 rather than made; two runs cost 2 × 3.

    Sensitivity: without commitment 20 kW take 40 kWh of hydrogen.
    """
    text = park(
        f"""
        load: {{type: load, power_kw: {day(60, 20, 60)}}}
        grid: {{type: grid, import_price_per_kwh: 2}}
        {TRUCK}
        cell:
          type: fuel_cell
          power_kw: 100
          electric_efficiency: 0.5
          commitment: {{min_load_fraction: 0.5, start_cost: 3}}
        """,
        hours=3,
    )
    results = solved(text)
    assert results.of("cell.on").tolist() == [1, 0, 1]
    assert results.cost == pytest.approx(2 * 1200 / 33.33 + 40 + 6)
    free = solved(
        text.replace("commitment: {min_load_fraction: 0.5, start_cost: 3}", "label: free")
    )
    assert free.cost == pytest.approx(10 * 280 / 33.33)


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ("heat_recovery_fraction: 0.7", "gives 1.2 kWh of electricity and heat .* at most 1.18"),
        (f"heat_recovery_fraction: 0.6, {CURVE}", "gives 1.2 kWh of electricity and heat"),
        ("heat_carrier: hydrogen, heat_recovery_fraction: 0.1", "'hydrogen': is no heat"),
    ],
)
def test_bad_input_is_refused(keys: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        solve_text(
            park(
                f"{TRUCK}\ncell: {{type: fuel_cell, power_kw: 9, electric_efficiency: 0.5, {keys}}}"
            )
        )
