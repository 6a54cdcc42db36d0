"""Fuels of one unit: shares, efficiency, CO2 in the flue gas; the units themselves have own files."""

from __future__ import annotations

from typing import Any

import pytest

from microgrid_opt.builder import Builder
from microgrid_opt.errors import InputError
from tests.support import day, park, problem_of, solve_text, solved

BOILER = """
    heat: {type: heat_demand, power_kw: 80}
    coal: {type: supply, carrier: coal, price_per_kwh: %s, co2_kg_per_kwh: 0.35}
    biomass: {type: supply, carrier: biomass, price_per_kwh: 0.2}
    boiler: {type: fuel_boiler, efficiency: 0.8, power_kw: 100, %s}
"""


def test_share_of_the_dearer_fuel_is_what_must_be() -> None:
    """Proves: 20 of 100 kW are biomass, in each step, because 20 % are asked for.

    Sensitivity: without the least share coal alone; a percent more is 1 kW.
    """
    text = park(BOILER % (0.1, "fuels: {coal: {}, biomass: {min_share: 0.2}}"))
    results = solved(text)
    assert results.of("boiler.fuel_coal") == pytest.approx([80, 80])
    assert results.of("boiler.fuel_biomass") == pytest.approx([20, 20])
    assert results.cost == pytest.approx(2 * (8 + 4))
    assert results.co2_kg == pytest.approx(2 * 28)
    more = solved(text.replace("min_share: 0.2", "min_share: 0.21"))
    assert more.of("boiler.fuel_biomass") == pytest.approx([21, 21])
    assert solved(text.replace("min_share: 0.2", "")).of("boiler.fuel_biomass").sum() == 0.0


def test_share_of_the_cheaper_fuel_is_limited() -> None:
    """Proves: at 0.3 for coal biomass is wanted, 30 % is the limit. Sensitivity: without it, all."""
    text = park(BOILER % (0.3, "fuels: {coal: {}, biomass: {max_share: 0.3}}"))
    results = solved(text)
    assert results.of("boiler.fuel_biomass") == pytest.approx([30, 30])
    free = solved(text.replace("max_share: 0.3", ""))
    assert free.of("boiler.fuel_biomass") == pytest.approx([100, 100])


def test_share_is_of_energy_and_efficiency_of_the_fuel_counts() -> None:
    """Proves: with a factor of 0.5, 0.8 × (0.75 + 0.25 × 0.5) f = 80 makes f = 800 / 7.

    Sensitivity: at equal efficiency f = 100.
    """
    fuels = "fuels: {coal: {}, biomass: {efficiency_factor: 0.5, min_share: 0.25}}"
    text = park(BOILER % (0.1, fuels), hours=1)
    results = solved(text)
    assert results.of("boiler.fuel_biomass") == pytest.approx([200 / 7])
    assert results.of("boiler.fuel_coal") == pytest.approx([600 / 7])
    equal = solved(text.replace("efficiency_factor: 0.5", "efficiency_factor: 1"))
    assert equal.of("boiler.fuel_coal") == pytest.approx([75])


@pytest.mark.parametrize(("price", "fuel"), [(0.15, "coal"), (0.17, "biomass")])
def test_cheaper_fuel_per_output_is_burnt(price: float, fuel: str) -> None:
    """Proves: biomass at 0.2 and a factor of 1.25 is worth 0.16 a kWh of coal."""
    fuels = "fuels: {coal: {}, biomass: {efficiency_factor: 1.25}}"
    results = solved(park(BOILER % (price, fuels), hours=1))
    other = {"coal": "biomass", "biomass": "coal"}[fuel]
    assert results.of(f"boiler.fuel_{fuel}")[0] > 0.0
    assert results.of(f"boiler.fuel_{other}") == pytest.approx([0])


def test_fuels_change_from_step_to_step() -> None:
    """Proves: a carbon price of 200 a tonne adds 0.07: coal at 0.1 + 0.07 below, at 0.15 + 0.07 above
    the 0.2 of biomass. Steps of 2 and 0.5 h. Sensitivity: without the carbon price coal in both.
    """
    text = park(
        BOILER % (day(0.1, 0.1, 0.15), "fuels: {coal: {}, biomass: {}}"),
        horizon="{start: 2025-03-03, steps_hours: [2, 0.5]}",
        carbon="{price_per_t: 200}",
    )
    results = solved(text)
    assert results.of("boiler.fuel_coal") == pytest.approx([100, 0])
    assert results.of("boiler.fuel_biomass") == pytest.approx([0, 100])
    assert results.cost == pytest.approx(200 * 0.17 + 50 * 0.2)
    free = solved(text.replace("price_per_t: 200", "price_per_t: 0"))
    assert free.of("boiler.fuel_coal") == pytest.approx([100, 100])


def test_three_fuels() -> None:
    """Proves: gas fills what 50 % of coal and 30 % of biomass leave. Sensitivity: shares add up to 1."""
    fuels = "fuels: {coal: {max_share: 0.5}, biomass: {max_share: 0.3}, gas: {}}"
    text = park(BOILER % (0.1, fuels) + "    gas: {type: supply, carrier: gas, price_per_kwh: 0.4}")
    results = solved(text)
    assert results.of("boiler.fuel_gas") == pytest.approx([20, 20])
    figures = results.details.set_index(["asset", "name"])["value"]
    shares = [figures["boiler", f"share_of_{name}"] for name in ("coal", "biomass", "gas")]
    assert shares == pytest.approx([0.5, 0.3, 0.2])
    assert figures["boiler", "full_load_hours"] == pytest.approx(1.6)


FLUE = (
    "flue_co2_carrier: flue, fuels: {coal: {flue_co2_kg_per_kwh: 0.35}, biomass: {min_share: 0.2}}"
)


def test_flue_gas_can_be_taken_by_another_unit() -> None:
    """Proves: 80 kW of coal leave 28 kg/h, of which a unit takes 10 and the stack the rest.

    Sensitivity: without the `dump` no more coal is burnt than those 10 kg let.
    """
    text = park(
        BOILER % (0.1, FLUE)
        + """
    stack: {type: dump, carrier: flue}
    bottling: {type: recipe, inputs: {flue: 1}, outputs: {co2: 1}, size_on: co2, flow_kg_per_hour: 10}
    buyer: {type: dump, carrier: co2, cost_per_unit: -1}
""",
        hours=1,
        carriers="{flue: {unit: kg}}",
    )
    results = solved(text)
    assert results.of("buyer.dumped") == pytest.approx([10])
    assert results.of("stack.dumped") == pytest.approx([18])
    closed = solved(text.replace("  stack: {type: dump, carrier: flue}\n", ""))
    assert closed.of("boiler.fuel_coal") == pytest.approx([10 / 0.35])
    assert closed.of("boiler.fuel_biomass") == pytest.approx([100 - 10 / 0.35])


def test_co2_is_booked_where_the_fuel_is_bought() -> None:
    """Proves: the flue gas is no second booking. Sensitivity: 0.35 kg per kWh of coal, once."""
    text = park(
        BOILER % (0.1, FLUE) + "    stack: {type: dump, carrier: flue}",
        hours=1,
        carriers="{flue: {unit: kg}}",
    )
    assert solved(text).co2_kg == pytest.approx(28)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("", "boiler: `fuel` and `fuels` are both missing: give exactly one"),
        ("fuel: coal, fuels: {coal: {}}", "boiler: `fuel` and `fuels` are both given"),
        (
            "fuels: {coal: {min_share: 0.6, max_share: 0.5}}",
            r"boiler\.fuels\.coal\.min_share: lies above `max_share` 0\.5",
        ),
        (
            "fuels: {coal: {min_share: 0.6}, biomass: {min_share: 0.5}}",
            r"fuels: have `min_share` that add up to 1\.1: at most 1",
        ),
        (
            "fuels: {coal: {max_share: 0.6}, biomass: {max_share: 0.3}}",
            r"fuels: have `max_share` that add up to 0\.9: at least 1",
        ),
        ("fuels: {coal: {max_share: 0.9}}", r"add up to 0\.9"),
        ("fuels: {coal: {max_share: 30}}", "Write '30 %'"),
        ("fuels: {coal: {efficiency_factor: 0}}", "must be more than 0"),
        ("fuels: {coal: {share: 0.3}}", "share"),
        ("fuels: {coall: {}}", r"boiler\.fuels\.coall.*did you mean 'coal'"),
        ("fuels: {coal: {}, hydrogen: {}}", "hydrogen is counted in kg"),
        (
            "fuels: {coal: {flue_co2_kg_per_kwh: 0.3}}",
            r"fuels\.coal\.flue_co2_kg_per_kwh: needs `flue_co2_carrier`",
        ),
        ("fuel: coal, flue_co2_carrier: co2", "flue_co2_carrier.*takes nothing"),
        (
            "fuels: {coal: {flue_co2_kg_per_kwh: 0.3}}, flue_co2_carrier: gas",
            "flue_co2_carrier = 'gas': is not counted in kg",
        ),
    ],
)
def test_bad_input(keys: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        problem_of(park(BOILER % (0.1, keys)))


@pytest.mark.parametrize(
    ("fuels", "coal", "rule", "found"),
    [
        ("coal: {}, biomass: {min_share: 0.2}", 0.1, "min_share_biomass", "least share of biomass"),
        ("coal: {max_share: 0.8}, biomass: {}", 0.1, "max_share_coal", "largest share of coal"),
        ("coal: {max_share: 0.6}, biomass: {}", -0.5, "within_size", "within size"),
    ],
)
def test_rule_left_out_is_found(
    monkeypatch: pytest.MonkeyPatch, fuels: str, coal: float, rule: str, found: str
) -> None:
    """Proves: the audit states each rule of a blend again. Sensitivity: with it the plan passes."""
    text = park(BOILER % (coal, f"fuels: {{{fuels}}}") + "    outlet: {type: dump, carrier: heat}")
    solved(text)
    honest = Builder.require

    def forgetful(self: Builder, name: str, *args: Any, **more: Any) -> None:
        if (self.asset, name) != ("boiler", rule):
            honest(self, name, *args, **more)

    monkeypatch.setattr(Builder, "require", forgetful)
    _, checked = solve_text(text)
    assert found in {check.what for check in checked.failures if check.subject == "park.boiler"}
