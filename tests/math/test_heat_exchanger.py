"""Heat exchangers: hot serves cool, with loss and limit, and never back."""

from __future__ import annotations

import pytest

from microgrid_opt.errors import InfeasibleError, InputError
from tests.support import bill, park, problem_of, solve_text, solved

LEVELS = (
    "{steam: {temperature_degc: 180}, water: {temperature_degc: 90}, same: {temperature_degc: 90}, "
    "vague: {unit: kWh}, slag: {unit: kg, temperature_degc: 1500}}"
)


def served(exchanger: str, *, demand: str = "water", source: str = "steam") -> str:
    """Return a park of 9 kW of demand, its dear supply, a cheap source, and one exchanger."""
    return park(
        f"""
        demand: {{type: heat_demand, heat_carrier: {demand}, power_kw: 9}}
        dear: {{type: supply, carrier: {demand}, price_per_kwh: 5}}
        cheap: {{type: supply, carrier: {source}, price_per_kwh: 1}}
        exchanger: {{type: heat_exchanger, {exchanger}}}
        """,
        horizon="{start: 2025-03-03, steps_hours: [1, 2]}",
        carriers=LEVELS,
    )


def test_hot_serves_cool_without_limit() -> None:
    """Proves: 9 kW of water from 10 kW of steam at 0.9. Sensitivity: without loss 9 kW."""
    results = solved(served("hot: steam, cool: water, efficiency: 0.9"))
    assert results.of("exchanger.input") == pytest.approx([10, 10])
    assert results.cost == pytest.approx(30)
    assert solved(served("hot: steam, cool: water")).cost == pytest.approx(27)


def test_limit_is_on_what_is_delivered() -> None:
    """Proves: 4.5 kW delivered take 5 kW of steam, 4.5 are dear. Sensitivity: 9 kW take all."""
    text = served("hot: steam, cool: water, efficiency: 0.9, power_kw: 4.5")
    assert solved(text).cost == pytest.approx((5 + 4.5 * 5) * 3)
    assert solved(text.replace("power_kw: 4.5", "power_kw: 9")).cost == pytest.approx(30)


def test_chosen_size_and_cost_of_each_kwh() -> None:
    """Proves: 9 kW at 1 a kW and 27 kWh at 0.1. Sensitivity: at 13 a kW none is built."""
    size = "hot: steam, cool: water, variable_om_per_kwh: 0.1, power_kw: "
    priced = "{max_kw: 50, capex_per_kw: 10, lifetime_years: 10}"
    results = solved(served(size + priced))
    assert results.size("exchanger") == pytest.approx(9)
    assert bill(results, "exchanger", "variable_om") == pytest.approx(2.7)
    assert results.cost == pytest.approx(27 + 2.7 + 9)
    assert solved(served(size + priced.replace("kw: 10,", "kw: 130,"))).size("exchanger") == 0


def test_every_level_serves_the_built_in_heat() -> None:
    """Proves: `heat` counts as colder than all. Sensitivity: dear at 5 otherwise."""
    assert solved(served("hot: water, cool: heat", demand="heat", source="water")).cost == (
        pytest.approx(27)
    )


def test_heat_does_not_flow_back() -> None:
    """Proves: cheap water cannot make steam, though an exchanger joins them."""
    with pytest.raises(InfeasibleError):
        solve_text(
            park(
                """
                dryer: {type: heat_demand, heat_carrier: steam, power_kw: 1}
                cheap: {type: supply, carrier: water, price_per_kwh: 1}
                exchanger: {type: heat_exchanger, hot: steam, cool: water}
                """,
                carriers=LEVELS,
            )
        )


def test_existing_exchanger_without_size_is_in_the_reference() -> None:
    """Proves: what has no size is taken as there. Sensitivity: with a price to build it is not."""

    def kept(text: str) -> bool:
        return "exchanger" in problem_of(text).reference().park.assets

    assert kept(served("hot: steam, cool: water"))
    priced = "power_kw: {max_kw: 5, capex_per_kw: 1, lifetime_years: 1}"
    assert not kept(served(f"hot: steam, cool: water, {priced}"))


@pytest.mark.parametrize(
    ("exchanger", "message"),
    [
        ("hot: water, cool: steam", r"cool = 'steam': is at 180 °C, 'water' at 90 °C: heat flows"),
        ("hot: water, cool: same", r"cool = 'same': is at 90 °C, 'water' at 90 °C"),
        ("hot: water, cool: water", r"cool = 'water': is what it takes"),
        (
            "hot: vague, cool: water",
            r"hot = 'vague': has no temp.*carriers\.vague\.temperature_degc",
        ),
        (
            "hot: water, cool: vague",
            r"cool = 'vague': has no temp.*carriers\.vague\.temperature_degc",
        ),
        ("hot: heat, cool: water", r"hot = 'heat': has no temperature: it counts as colder"),
        ("hot: gas, cool: heat", r"hot = 'gas': has no temperature: name a heat carrier"),
        ("hot: steam, cool: cold", r"cool = 'cold': has no temperature: name a heat carrier"),
        ("hot: slag, cool: water", r"hot = 'slag': is counted in kg"),
        ("hot: steam, cool: nowhere", r"cool = 'nowhere': is no carrier of the park"),
    ],
)
def test_bad_input(exchanger: str, message: str) -> None:
    """Proves: heat of unknown or equal temperature, and heat upwards, are refused."""
    with pytest.raises(InputError, match=message):
        problem_of(served(exchanger))
