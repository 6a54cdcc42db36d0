from __future__ import annotations

from typing import Any

import pytest

from microgrid_opt.builder import Builder
from microgrid_opt.errors import InputError
from tests.support import bill, day, park, problem_of, solve_text, solved

GRID = "grid: {type: grid, import_price_per_kwh: 1}"
GAS = "gas: {type: supply, carrier: gas, price_per_kwh: 0.3, co2_kg_per_kwh: 0.2}"
DISTRICT = "district: {type: supply, carrier: heat, price_per_kwh: 0.5}"
FIXED = "type: chp, fuel: gas, electric_efficiency: 0.4, power_to_heat_ratio: 0.8"
EXTRACTION = (
    "type: chp, fuel: gas, electric_efficiency: 0.5, power_to_heat_ratio: 0.5, "
    "power_loss_index: 0.2"
)


def fixed(chp: str, *, load: str = "200", heat: str = "130", hours: float = 1) -> str:
    return park(
        f"""
        load: {{type: load, power_kw: {load}}}
        heat: {{type: heat_demand, power_kw: {heat}}}
        {GRID}
        {GAS}
        {DISTRICT}
        chp: {{{FIXED}, {chp}}}
        """,
        hours=hours,
    )


def turbine(
    chp: str, *, load: str = "200", heat: str = "0", hours: float = 2, **sections: str
) -> str:
    return park(
        f"""
        load: {{type: load, power_kw: {load}}}
        heat: {{type: heat_demand, power_kw: {heat}}}
        {GRID}
        {GAS}
        {DISTRICT}
        chp: {{{EXTRACTION}, {chp}}}
        """,
        hours=hours,
        **sections,
    )


def test_back_pressure_makes_heat_at_a_fixed_ratio() -> None:
    """Proves: 100 kW of 250 kW of gas bring 125 kW of heat: 75 + 100 + 2.5 of district heat, 50 kg.

    Sensitivity: one more kW saves 1 + 1.25 × 0.5 − 2.5 × 0.3 − 0.02 of operation.
    """
    text = fixed("power_kw: 100, variable_om_per_kwh: 0.02")
    results = solved(text)
    assert results.of("chp.fuel_gas") == pytest.approx([250])
    assert results.of("district.purchase") == pytest.approx([5])
    assert bill(results, "chp", "variable_om") == pytest.approx(2)
    assert results.cost == pytest.approx(75 + 100 + 2.5 + 2)
    assert results.co2_kg == pytest.approx(50)
    more = solved(text.replace("power_kw: 100", "power_kw: 101"))
    assert results.cost - more.cost == pytest.approx(1 + 1.25 * 0.5 - 0.75 - 0.02)


def test_back_pressure_is_held_by_the_heat_that_is_needed() -> None:
    """Proves: a heat demand of 50 holds electricity to 40 kW; a `dump` of heat frees it.

    With it 100 kW cost 75 and save 60 more from the grid. Sensitivity: the demand sets the load.
    """
    text = fixed("power_kw: 100", heat="50")
    results = solved(text)
    assert results.of("chp.fuel_gas") == pytest.approx([100])
    assert results.cost == pytest.approx(30 + 160)
    free = solved(text + "  outlet: {type: dump, carrier: heat}\n")
    assert free.of("chp.fuel_gas") == pytest.approx([250])
    assert free.cost == pytest.approx(75 + 100)


def test_extraction_trades_electricity_for_heat() -> None:
    """Proves: full load burns 200 kW of gas; 60 kW of heat cost 0.2 × 60 of the 100 kW.

    A kWh of heat saves 0.5 and loses 0.2 × 1. Cost: 2 × 60 + 100 + 112. Sensitivity: the loss index.
    """
    text = turbine("power_kw: 100", heat=day(0, 60))
    results = solved(text)
    assert results.of("chp.fuel_gas") == pytest.approx([200, 200])
    assert results.of("chp.electricity") == pytest.approx([100, 88])
    assert results.of("chp.heat") == pytest.approx([0, 60])
    assert results.cost == pytest.approx(2 * 60 + 100 + 112)
    dear = solved(text.replace("power_loss_index: 0.2", "power_loss_index: 0.6"))
    assert dear.of("chp.heat") == pytest.approx([0, 0])


def test_extraction_follows_the_iso_fuel_line_at_part_load() -> None:
    """Proves: 50 kW and 40 kW of heat take (50 + 0.2 × 40) / 0.5 = 116 kW of gas.

    Sensitivity: one kW of heat takes 0.4 kW of gas, one of electricity 2.
    """
    text = turbine("power_kw: 100", load="50", heat="40", hours=1)
    results = solved(text)
    assert results.of("chp.fuel_gas") == pytest.approx([116])
    assert results.cost == pytest.approx(116 * 0.3)


def test_back_pressure_line_limits_the_heat() -> None:
    """Proves: 20 kW of electricity carry 40 kW of heat at a ratio of 0.5; 20 kW come from outside.

    Sensitivity: 30 kW carry 60, or 20 kW at a ratio of 0.33.
    """
    text = turbine("power_kw: 100", load="20", heat="60")
    results = solved(text)
    assert results.of("chp.heat") == pytest.approx([40, 40])
    assert results.cost == pytest.approx(2 * (56 * 0.3 + 20 * 0.5))
    more = solved(text.replace("{type: load, power_kw: 20}", "{type: load, power_kw: 30}"))
    assert more.of("chp.heat") == pytest.approx([60, 60])
    index = text.replace("loss_index: 0.2", "loss_index: 0.4")
    flat = solved(index.replace("to_heat_ratio: 0.5", "to_heat_ratio: 0.3333333"))
    assert flat.of("chp.heat") == pytest.approx([60, 60])


def test_heat_limit_of_the_extraction() -> None:
    """Proves: 0.3 kW of heat per kW of a size, given or chosen. Sensitivity: 0.31 gives 1 kW more."""
    text = turbine("power_kw: 100, max_heat_per_kw: 0.3", heat="60")
    assert solved(text).of("chp.heat") == pytest.approx([30, 30])
    more = solved(text.replace("max_heat_per_kw: 0.3", "max_heat_per_kw: 0.31"))
    assert more.of("chp.heat") == pytest.approx([31, 31])
    chosen = solved(
        turbine("power_kw: {max_kw: 100, annual_cost_per_kw: 0.1}, max_heat_per_kw: 0.3", heat="60")
    )
    assert chosen.size("chp") == pytest.approx(100)
    assert chosen.of("chp.heat") == pytest.approx([30, 30])


def test_size_is_chosen_by_what_a_kw_saves() -> None:
    """Proves: a kW saves 1 − 0.6 an hour for two hours up to the load of 80: bought at 0.7, not 0.9."""
    text = turbine("power_kw: {max_kw: 500, annual_cost_per_kw: 0.7}", load="80")
    results = solved(text)
    assert results.size("chp") == pytest.approx(80)
    assert results.cost == pytest.approx(2 * 80 * 0.6 + 56)
    assert solved(text.replace("kw: 0.7}", "kw: 0.9}")).size("chp") == pytest.approx(0)


def test_least_load_counts_electricity_and_the_heat_taken_from_it() -> None:
    """Proves: least load 0.5: 38 kW and 60 kW of heat are 38 + 12 = 50 kW, so the turbine may run.

    It saves 38 + 30 − 0.3 × 100 in that hour. Alone, 38 kW are below the least load and it stands.
    Sensitivity: heat of 59 is too little to run for.
    """
    text = turbine(
        "power_kw: 100, commitment: {min_load_fraction: 0.5}", load="38", heat=day(0, 60)
    )
    results = solved(text)
    assert results.of("chp.on").tolist() == [0, 1]
    assert results.of("chp.electricity") == pytest.approx([0, 38])
    assert results.cost == pytest.approx(38 + 100 * 0.3)
    less = solved(text.replace("[0, 60", "[0, 59"))
    assert less.of("chp.on").tolist() == [0, 0]


def test_starts_are_paid_and_ramps_are_kept() -> None:
    """Proves: a ramp of 0.2 an hour lets 100 kW rise by 40 kW in a step of 2 h, and by 10 in half an
    hour; the start is free of it and costs 5.

    Loads of 30, 90, 90 in steps of 2, 2 and 0.5 h: 30, 70, 80 save 0.4 × 240 (a start in the second
    step would save 0.4 × 225). Sensitivity: without ramp 30, 90, 90.
    """
    text = turbine(
        "power_kw: 100, commitment: {ramp_fraction_per_hour: 0.2, start_cost: 5}",
        load=day(30, 30, 90, 90, 90),
        horizon="{start: 2025-03-03, steps_hours: [2, 2, 0.5]}",
    )
    results = solved(text)
    assert results.of("chp.electricity") == pytest.approx([30, 70, 80])
    assert bill(results, "chp", "start") == pytest.approx(5)
    energy = 2 * 30 + 2 * 70 + 0.5 * 80
    assert results.cost == pytest.approx(0.6 * energy + 2 * 20 + 0.5 * 10 + 5)
    free = solved(text.replace("ramp_fraction_per_hour: 0.2, ", ""))
    assert free.of("chp.electricity") == pytest.approx([30, 90, 90])


def test_outage_and_derating() -> None:
    """Proves: 100, 0 and 60 % of 100 kW. Sensitivity: the last step alone gives 60."""
    for text in (
        turbine(f"power_kw: 100, available_fraction: {day(1, 0, 0.6)}", hours=3),
        fixed(f"power_kw: 100, available_fraction: {day(1, 0, 0.6)}", heat="125", hours=3),
    ):
        results = solved(text)
        made = results.of("chp.fuel_gas") * (0.5 if "power_loss" in text else 0.4)
        assert made == pytest.approx([100, 0, 60])


BLEND = "fuels: {biomass: {renewable: true, max_share: 0.25}, gas: {}}"
BIOMASS = "biomass: {type: supply, carrier: biomass, price_per_kwh: 0.1}"


def test_electricity_is_renewable_to_the_share_of_the_fuel() -> None:
    """Proves: of 250 kW of fuel 62.5 are biomass, so 25 of 100 kW of electricity are renewable.

    With extraction nobody can tell which fuel made the heat: none counts unless all are renewable.
    """
    text = fixed("power_kw: 100").replace("fuel: gas", BLEND) + f"  {BIOMASS}\n"
    results = solved(text)
    assert results.of("chp.fuel_biomass") == pytest.approx([62.5])
    assert results.of("chp.fuel_gas") == pytest.approx([187.5])
    assert results.total("generation") == pytest.approx(100)
    assert results.total("generation", renewable=True) == pytest.approx(25)
    text = turbine("power_kw: 100").replace("fuel: gas", BLEND) + f"  {BIOMASS}\n"
    results = solved(text)
    assert results.total("generation") == pytest.approx(200)
    assert results.total("generation", renewable=True) == 0.0
    green = solved(text.replace(BLEND, "fuels: {biomass: {renewable: true}}"))
    assert green.total("generation", renewable=True) == pytest.approx(200)


def test_self_consumption_counts_what_a_chp_makes_as_available() -> None:
    """Proves: of 100 kW made and available, at most half may be sold. Sensitivity: without target 90."""
    text = turbine("power_kw: 100", load="10", targets="{min_self_consumption: 50 %}").replace(
        "import_price_per_kwh: 1", "import_price_per_kwh: 1, export_price_per_kwh: 0.9"
    )
    results = solved(text)
    assert results.of("grid.export").sum() == pytest.approx(20)
    assert results.of("chp.electricity").sum() == pytest.approx(40)
    free = solved(text.replace("targets: {min_self_consumption: 50 %}", "targets: {}"))
    assert free.of("grid.export") == pytest.approx([90, 90])


def test_figures() -> None:
    """Proves: 100 kW and 125 of heat from 250 of gas are 0.9; 1.5 h of full load in two half-used."""
    results = solved(fixed("power_kw: 100", load=day(100, 50), heat=day(125, 62.5), hours=2))
    figures = results.details.set_index(["asset", "name"])["value"]
    assert figures["chp", "overall_efficiency"] == pytest.approx(0.9)
    assert figures["chp", "full_load_hours"] == pytest.approx(1.5)
    results = solved(turbine("power_kw: 100", heat=day(0, 60)))
    figures = results.details.set_index(["asset", "name"])["value"]
    assert figures["chp", "overall_efficiency"] == pytest.approx((100 + 88 + 60) / 400)


@pytest.mark.parametrize(
    ("chp", "message"),
    [
        (f"{FIXED}, power_kw: 1, max_heat_per_kw: 1", r"chp\.max_heat_per_kw: needs `power_loss"),
        (
            "type: chp, fuel: gas, power_kw: 1, electric_efficiency: 0.5, power_to_heat_ratio: 0.5",
            r"chp: gives 1\.5 kWh for each kWh of gas: at most 1\.18",
        ),
        (
            "type: chp, fuel: gas, power_kw: 1, electric_efficiency: 0.5, power_to_heat_ratio: 0.1, "
            "power_loss_index: 0.2",
            r"gives 1\.83 kWh for each kWh of gas",
        ),
        (f"{FIXED}, power_kw: {{capex_per_kw: 1, lifetime_years: 9}}, commitment: {{}}", "max_kw"),
        (f"{FIXED}, power_kw: 1, heat_carrier: electricity", "heat_carrier.*is no heat"),
        (f"{FIXED}, power_kw: 1, heat_carrier: co2", "heat_carrier.*is no heat"),
        ("type: chp, fuel: gas, power_kw: 1, electric_efficiency: 0.4", "power_to_heat_ratio"),
    ],
)
def test_bad_input(chp: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        problem_of(park(f"{GAS}\nchp: {{{chp}}}"))


def test_steam_at_another_level() -> None:
    """Proves: heat goes to the carrier that is named, and hot water is not steam."""
    text = park(
        f"""
        load: {{type: load, power_kw: 50}}
        {GRID}
        {GAS}
        chp: {{{EXTRACTION}, power_kw: 100, heat_carrier: steam}}
        works: {{type: recipe, inputs: {{steam: 1}}, outputs: {{heat: 1}}, size_on: heat, power_kw: 9}}
        heat: {{type: heat_demand, power_kw: 9}}
        """,
        hours=1,
        carriers="{steam: {temperature_degc: 180}}",
    )
    results, audit = solve_text(text)
    audit.require()
    assert results.of("chp.heat") == pytest.approx([9])
    assert results.total("conversion", "steam") == pytest.approx(18)


CURVE = (
    "part_load: [{load_fraction: 0.5, efficiency_factor: 0.8}, "
    "{load_fraction: 1, efficiency_factor: 1}], commitment: {min_load_fraction: 0.5}"
)


def test_part_load_in_back_pressure() -> None:
    """Proves: 50 of 100 kW take 50 / (0.4 × 0.8) of gas, and bring 50 / 0.8 of heat all the same.

    Sensitivity: at constant efficiency 125.
    """
    text = fixed(f"power_kw: 100, {CURVE}", load="50", heat="62.5").replace(
        "import_price_per_kwh: 1", "import_price_per_kwh: 9"
    )
    results = solved(text)
    assert results.of("chp.fuel_gas") == pytest.approx([156.25])
    assert results.of("district.purchase") == pytest.approx([0])
    figures = results.details.set_index(["asset", "name"])["value"]
    assert figures["chp", "overall_efficiency"] == pytest.approx(112.5 / 156.25)
    assert solved(text.replace(f", {CURVE}", "")).of("chp.fuel_gas") == pytest.approx([125])


@pytest.mark.parametrize("power", ["100", "{min_kw: 100, max_kw: 100, annual_cost_per_kw: 1}"])
def test_part_load_of_an_extraction_turbine(power: str) -> None:
    """Proves: 38 kW and 60 kW of heat are a load of 50, which takes 50 / (0.5 × 0.8) of gas.

    80 kW without heat take 125 + 0.6 × 75. Sensitivity: at constant efficiency 100 and 160.
    """
    text = turbine(f"power_kw: {power}, {CURVE}", load=day(38, 80), heat=day(60, 0)).replace(
        "price_per_kwh: 0.5", "price_per_kwh: 9"
    )
    results = solved(text)
    assert results.of("chp.fuel_gas") == pytest.approx([125, 170])
    assert results.of("chp.heat") == pytest.approx([60, 0])
    flat = solved(text.replace(CURVE, "commitment: {min_load_fraction: 0.5}"))
    assert flat.of("chp.fuel_gas") == pytest.approx([100, 160])


@pytest.mark.parametrize(
    ("text", "rule", "found"),
    [
        (turbine("power_kw: 100", heat="60"), "iso_fuel", "iso-fuel line"),
        (turbine("power_kw: 100", load="20", heat="60"), "back_pressure", "back-pressure line"),
        (
            turbine(
                "power_kw: {min_kw: 100, max_kw: 100, annual_cost_per_kw: 1}, max_heat_per_kw: 0.3",
                heat="60",
            ),
            "heat_limit",
            "heat within its limit",
        ),
        (
            turbine("power_kw: {min_kw: 50, max_kw: 100, annual_cost_per_kw: 9}"),
            "fuel_gas_limit",
            "within size",
        ),
        (
            turbine(f"power_kw: 100, {CURVE}", load="150").replace("kwh: 1}", "kwh: 9}"),
            "part_load_1",
            "part-load curve",
        ),
    ],
)
def test_rule_left_out_is_found(
    monkeypatch: pytest.MonkeyPatch, text: str, rule: str, found: str
) -> None:
    """Proves: the audit states each rule again. Sensitivity: with the rule the plan passes."""
    solved(text)
    honest = Builder.require

    def forgetful(self: Builder, name: str, *args: Any, **more: Any) -> None:
        if (self.asset, name) != ("chp", rule):
            honest(self, name, *args, **more)

    monkeypatch.setattr(Builder, "require", forgetful)
    _, checked = solve_text(text)
    assert found in {check.what for check in checked.failures if check.subject == "park.chp"}
