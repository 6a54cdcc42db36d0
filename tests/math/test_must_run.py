from __future__ import annotations

import pytest

from microgrid_opt.errors import InfeasibleError, InputError
from tests.support import bill, day, park, problem_of, shadow_price, solve_text, solved

PARK = """
    load: {type: load, power_kw: 100}
    grid: {type: grid, import_price_per_kwh: 1, export_price_per_kwh: -0.5}
    block: {type: must_run, %s}
"""


def test_output_is_what_is_given() -> None:
    """Proves: 80 × (0.9, 1.5) kW: 28 bought, 20 sold at a loss of 0.5. Sensitivity: a kW more."""
    text = park(PARK % f"power_kw: 80, output_per_kw: {day(0.9, 1.5)}, variable_om_per_kwh: 0.1")
    results = solved(text)
    assert results.of("block.generation") == pytest.approx([72, 120])
    assert bill(results, "block", "variable_om") == pytest.approx(19.2)
    assert results.cost == pytest.approx(28 + 10 + 19.2)
    more = solved(text.replace("power_kw: 80", "power_kw: 81"))
    assert more.cost - results.cost == pytest.approx(-0.9 + 0.75 + 0.24)


def test_it_may_be_curtailed_when_it_may() -> None:
    """Proves: 20 kW are cut at 0.2 rather than sold at −0.5. Sensitivity: at 0.6 they are sold."""
    keys = "power_kw: 120, output_per_kw: 1, curtailable: true, curtailment_cost_per_kwh: 0.2"
    text = park(PARK % keys, hours=1)
    results = solved(text)
    assert results.of("block.generation") == pytest.approx([100])
    assert bill(results, "block", "curtailment") == pytest.approx(4)
    dear = solved(text.replace("cost_per_kwh: 0.2", "cost_per_kwh: 0.6"))
    assert dear.of("block.generation") == pytest.approx([120])
    assert dear.cost == pytest.approx(10)


def test_surplus_without_outlet_is_infeasible() -> None:
    """Proves: 120 kW do not fit a load of 100 without export, unless they may be cut."""
    text = "load: {type: load, power_kw: 100}\nblock: {type: must_run, power_kw: 120, output_per_kw: 1%s}"
    with pytest.raises(InfeasibleError, match="off by 20"):
        solve_text(park(text % ""))
    assert solved(park(text % ", curtailable: true")).of("block.generation").sum() == 200


def test_heat_comes_with_the_electricity() -> None:
    """Proves: 50 kW bring 75 kW of heat in steps of 1, 2 and 0.5 h; the rest is bought at 0.4.

    Sensitivity: without heat all 100 kW are bought.
    """
    text = park(
        PARK % "power_kw: 50, output_per_kw: 1, heat_kwh_per_kwh: 1.5"
        + "    heat: {type: heat_demand, power_kw: 100}\n"
        + "    district: {type: supply, carrier: heat, price_per_kwh: 0.4}",
        horizon="{start: 2025-03-03, steps_hours: [1, 2, 0.5]}",
    )
    results = solved(text)
    assert results.of("district.purchase") == pytest.approx([25, 25, 25])
    assert results.cost == pytest.approx(3.5 * (50 + 10))
    without = solved(text.replace(", heat_kwh_per_kwh: 1.5", ""))
    assert without.of("district.purchase") == pytest.approx([100, 100, 100])


def test_co2_and_renewable_share_are_as_declared() -> None:
    """Proves: 60 kWh × 0.4 = 24 kg under a cap of 24; renewable or not. Sensitivity: cap 23 cannot."""
    year = 8760 / 1000
    text = park(
        PARK % "power_kw: 60, output_per_kw: 1, co2_kg_per_kwh: 0.4, renewable: true",
        hours=1,
        carbon=f"{{cap_t_per_year: {24.0001 * year}}}",
    )
    results = solved(text)
    assert bill(results, "block", "generation", "co2") == pytest.approx(24)
    assert results.total("generation", renewable=True) == pytest.approx(60)
    fossil = solved(text.replace(", renewable: true", ""))
    assert fossil.total("generation", renewable=True) == 0.0
    with pytest.raises(InfeasibleError):
        solve_text(text.replace(f"{24.0001 * year}", f"{23 * year}"))


def test_cap_on_its_co2_cuts_it() -> None:
    """Proves: curtailable under a cap of 20 kg it makes 50 kWh, and a kg is worth 1 / 0.4."""
    text = park(
        PARK % "power_kw: 60, output_per_kw: 1, co2_kg_per_kwh: 0.4, curtailable: true",
        hours=1,
        carbon=f"{{cap_t_per_year: {20 * 8.76}}}",
    )
    results = solved(text)
    assert results.of("block.generation") == pytest.approx([50])
    assert shadow_price(results, "co2_cap") == pytest.approx(2.5)


def test_size_is_chosen_in_whole_units() -> None:
    """Proves: reactors of 40 kW: two for a load of 100 at 0.9 a kW and year, as the third sells at −0.5.

    Sensitivity: at 1.1 none.
    """
    keys = "output_per_kw: 1, power_kw: {max_kw: 200, unit_kw: 40, annual_cost_per_kw: %s}"
    results = solved(park(PARK % (keys % 0.9), hours=1))
    assert results.size("block") == pytest.approx(80)
    assert results.cost == pytest.approx(72 + 20)
    assert solved(park(PARK % (keys % 1.1), hours=1)).size("block") == pytest.approx(0)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("power_kw: 1", "output_per_kw.*required"),
        ("power_kw: 1, output_per_kw: -1", "at least 0"),
        ("power_kw: 1, output_per_kw: 1, heat_carrier: co2", "heat_carrier.*is no heat"),
        ("power_kw: 1, output_per_kw: 1, heat_carrier: electricity", "heat_carrier.*is no heat"),
        ("power_kw: 1, output_per_kw: 1, heat_kwh_per_kwh: -1", "at least 0"),
    ],
)
def test_bad_input(keys: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        problem_of(park(PARK % keys))
