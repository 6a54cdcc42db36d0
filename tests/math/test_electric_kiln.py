"""Electric kilns: heat or product from electricity, least load, waste heat."""

from __future__ import annotations

import pytest

from microgrid_opt.errors import InputError
from tests.support import bill, park, problem_of, solved

CARRIERS = "{hot: {temperature_degc: 1100}, glass: {unit: kg}}"


def fired(
    kiln: str, *, extra: str = "", horizon: str = "{start: 2025-03-03, steps_hours: [1, 0.5]}"
) -> str:
    """Return a park of 80 kW of high-temperature heat, dear fuel, the grid, and one kiln."""
    return park(
        f"""
        process: {{type: heat_demand, heat_carrier: hot, power_kw: 80}}
        burner: {{type: supply, carrier: hot, price_per_kwh: 5}}
        grid: {{type: grid, import_price_per_kwh: 1}}
        kiln: {{type: electric_kiln, output_carrier: hot, {kiln}}}
        {extra}
        """,
        carriers=CARRIERS,
        horizon=horizon,
    )


def test_heat_in_steps_of_unequal_length() -> None:
    """Proves: 80 kW at 0.8 take 100 kW for 1.5 h. Sensitivity: at 0.5, 160 kW."""
    results = solved(fired("power_kw: 999, efficiency: 0.8"))
    assert results.of("kiln.input") == pytest.approx([100, 100])
    assert results.cost == pytest.approx(150)
    assert solved(fired("power_kw: 999, efficiency: 0.5")).cost == pytest.approx(240)


@pytest.mark.parametrize(("side", "cost"), [("input", 50 + 40 * 5), ("output", 62.5 + 30 * 5)])
def test_size_on_either_side(side: str, cost: float) -> None:
    """Proves: 50 kW taken deliver 40; 50 kW delivered take 62.5. Sensitivity: the default is input."""
    kiln = f"power_kw: 50, efficiency: 0.8, size_on: {side}"
    assert solved(fired(kiln)).cost == pytest.approx(cost * 1.5)
    if side == "input":
        assert solved(fired("power_kw: 50, efficiency: 0.8")).cost == pytest.approx(cost * 1.5)


def test_least_load_holds_the_kiln_hot() -> None:
    """Proves: 100 kW are less than 0.6 of 200 kW: the burner serves all. Sensitivity: 0.5 runs."""
    kiln = "power_kw: 200, efficiency: 0.8, commitment: {min_load_fraction: "
    assert solved(fired(kiln + "0.6}")).cost == pytest.approx(600)
    assert solved(fired(kiln + "0.5}")).cost == pytest.approx(150)


WASTE = "power_kw: 999, efficiency: 0.8, waste_heat: {fraction: 0.1}"
OFFICES = """offices: {type: heat_demand, power_kw: %s}
        boiler: {type: supply, carrier: heat, price_per_kwh: 2}"""


@pytest.mark.parametrize(("offices", "recovered"), [(15, 10), (10, 10), (4, 4)])
def test_waste_heat_is_used_up_to_its_share(offices: float, recovered: float) -> None:
    """Proves: a tenth of 100 kW, or as much as is wanted; the rest is lost without cost.

    Sensitivity: each kWh recovered saves 2.
    """
    results = solved(fired(WASTE, extra=OFFICES % offices))
    assert results.of("kiln.recovered") == pytest.approx([recovered, recovered])
    assert results.cost == pytest.approx((100 + 2 * (offices - recovered)) * 1.5)


def test_product_by_mass() -> None:
    """Proves: 20 kg/h at 5 kWh/kg take 100 kW; 0.1 a kWh and 0.2 a kg for 1.5 h.

    Sensitivity: half the consumption takes half the electricity.
    """
    text = park(
        """
        order: {type: demand, carrier: glass, flow_kg_per_hour: 20}
        grid: {type: grid, import_price_per_kwh: 1}
        kiln:
          type: electric_kiln
          output_carrier: glass
          power_kw: {max_kw: 500, capex_per_kw: 10, lifetime_years: 10}
          consumption_kwh_per_kg: 5
          variable_om_per_kwh: 0.1
          variable_om_per_kg: 0.2
        """,
        carriers=CARRIERS,
        horizon="{start: 2025-03-03, steps_hours: [1, 0.5]}",
    )
    results = solved(text)
    assert results.size("kiln") == pytest.approx(100)
    assert bill(results, "kiln", "variable_om") == pytest.approx((10 + 4) * 1.5)
    assert results.cost == pytest.approx(150 + 21 + 100)
    assert solved(text.replace("per_kg: 5", "per_kg: 2.5")).size("kiln") == pytest.approx(50)


@pytest.mark.parametrize(
    ("kiln", "message"),
    [
        ("power_kw: 1", r"`efficiency` or `consumption_kwh_per_kg` is missing: give exactly one"),
        ("power_kw: 1, consumption_kwh_per_kg: 5", r"output_carrier = 'hot': .*in kWh: give `eff"),
        (
            "power_kw: 1, consumption_kwh_per_kg: 5, size_on: output",
            r"kiln\.size_on: counts heat in kW; with a product give `input`",
        ),
        (
            "power_kw: 1, efficiency: 0.8, variable_om_per_kg: 1",
            r"kiln\.variable_om_per_kg: is for a product in kg",
        ),
        (
            "power_kw: 1, efficiency: 0.8, waste_heat: {fraction: 0.3}",
            r"kiln\.waste_heat\.fraction: is more than the 0\.2 that the efficiency leaves",
        ),
        (
            "power_kw: 1, efficiency: 0.8, waste_heat: {heat_carrier: hot, fraction: 0.1}",
            r"kiln\.waste_heat.*gives its heat to the main output",
        ),
        (
            "power_kw: 1, efficiency: 0.8, waste_heat: {heat_carrier: glass, fraction: 0.1}",
            r"kiln\.waste_heat.*'glass' is counted in kg",
        ),
        (
            "power_kw: {capex_per_kw: 1, lifetime_years: 1}, efficiency: 0.8, "
            "commitment: {min_load_fraction: 0.5}",
            r"`commitment` needs a bound: give max_kw",
        ),
    ],
)
def test_bad_input(kiln: str, message: str) -> None:
    """Proves: keys that do not go with the output, and more heat than there is, are refused."""
    with pytest.raises(InputError, match=message):
        problem_of(fired(kiln))


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("glass", r"output_carrier = 'glass': is counted in kg: give `consumption_kwh_per_kg`"),
        ("electricity", r"output_carrier = 'electricity': is what it takes"),
    ],
)
def test_output_that_does_not_fit(output: str, message: str) -> None:
    """Proves: an output in another unit, or electricity itself, is refused."""
    text = fired("power_kw: 1, efficiency: 0.8")
    with pytest.raises(InputError, match=message):
        problem_of(text.replace("output_carrier: hot", f"output_carrier: {output}"))
