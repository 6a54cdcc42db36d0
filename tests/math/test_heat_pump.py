"""Heat pumps: COP from temperatures, source heat, capacity in the cold, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from microgrid_opt.errors import InfeasibleError, InputError
from tests.support import bill, day, park, problem_of, solve_text, solved

GRID = "grid: {type: grid, import_price_per_kwh: 1}"
DISTRICT = "district: {type: supply, carrier: heat, price_per_kwh: 9}"
# 320 K at the sink; 280 K and 300 K at the source: Carnot 8 and 16.
SINK, COLD, MILD = 46.85, 6.85, 26.85
CARNOT = f"carnot: {{fraction: 0.5}}, sink_temperature_degc: {SINK}"
LEVELS = f"{{waste: {{temperature_degc: {MILD}}}, warm: {{temperature_degc: {SINK}}}}}"


def pumped(pump: str, *, demand: str = "8", hours: float = 1, **sections: str) -> str:
    """Return a park of a heat demand, dear district heat, the grid and one heat pump."""
    return park(
        f"""
        demand: {{type: heat_demand, power_kw: {demand}}}
        {DISTRICT}
        {GRID}
        pump: {{type: heat_pump, {pump}}}
        """,
        hours=hours,
        **sections,
    )


def test_cop_follows_the_source_in_steps_of_unequal_length() -> None:
    """Proves: 8 kW at COP 4 for 1 h and at COP 8 for 2 h take 2 + 2 × 1 kWh.

    Sensitivity: at 0.4 of Carnot 5 kWh.
    """
    text = pumped(
        f"power_kw: 99, {CARNOT}, source_temperature_degc: {day(COLD, MILD, MILD)}",
        horizon="{start: 2025-03-03, steps_hours: [1, 2]}",
    )
    results = solved(text)
    assert results.of("pump.input") == pytest.approx([2, 1])
    assert results.cost == pytest.approx(4)
    figures = results.details.set_index("name")["value"]
    assert figures["seasonal_cop"] == pytest.approx(24 / 4)
    assert figures["full_load_hours"] == pytest.approx(24 / 99)
    assert solved(text.replace("fraction: 0.5", "fraction: 0.4")).cost == pytest.approx(5)


@pytest.mark.parametrize(
    ("carnot", "cop"),
    [
        # Evaporates at 280 K, condenses at 330 K: lift 50.
        ("fraction: 0.5, source_approach_kelvin: 5, sink_approach_kelvin: 10", 0.5 * 330 / 50),
        # A lift of 35 K is counted as one of 40.
        ("fraction: 0.5, least_lift_kelvin: 40", 4),
        # Ices up below 12 °C, and does not below the default of 2 °C.
        ("fraction: 0.5, icing_factor: 0.8, icing_below_degc: 12", 0.8 * 0.5 * 320 / 35),
        ("fraction: 0.5, icing_factor: 0.8", 0.5 * 320 / 35),
    ],
)
def test_what_shapes_the_carnot_efficiency(carnot: str, cop: float) -> None:
    """Proves: approaches, least lift and icing at a source of 285 K and a sink of 320 K.

    Sensitivity: each case differs from 0.5 × 320/35 but the last, where nothing ices.
    """
    text = pumped(
        f"power_kw: 99, carnot: {{{carnot}}}, sink_temperature_degc: {SINK}, "
        "source_temperature_degc: 11.85"
    )
    assert solved(text).of("pump.input") == pytest.approx([8 / cop])


def test_least_lift_holds_without_being_given() -> None:
    """Proves: a source of 318 K is no endless COP: lift 15, not 2. Sensitivity: 2 gives 80."""
    pump = f"power_kw: 99, {CARNOT}, source_temperature_degc: 44.85"
    assert solved(pumped(pump)).of("pump.input") == pytest.approx([8 / (0.5 * 320 / 15)])


def test_outdoor_air_is_the_source_when_none_is_given() -> None:
    """Proves: the weather's air temperature sets the COP. Sensitivity: it varies over the day."""
    means = ", ".join(["5"] * 12)
    weather = (
        f"{{ghi_kwh_per_m2_day: [{', '.join(['2'] * 12)}], temperature_degc: [{means}], "
        f"wind_speed_m_per_s: [{means}]}}"
    )
    site = f"{{latitude: 32, longitude: 119, timezone: Asia/Shanghai, weather: {{synthetic: {weather}}}}}"
    text = pumped(f"power_kw: 99, {CARNOT}", hours=24, site=site)
    air = problem_of(text).arrays["assets.pump.source_temperature_degc"]
    assert np.ptp(air) > 1
    assert solved(text).of("pump.input") == pytest.approx(8 / (0.5 * 320 / (SINK - air)))


def test_given_cop_needs_no_temperature() -> None:
    """Proves: 8 kW at COP 2 and 4 take 4 and 2 kW. Sensitivity: the series."""
    cop = f"{{hourly: {[2, *[4] * 23]}}}"
    assert solved(pumped(f"power_kw: 99, cop: {cop}", hours=2)).cost == pytest.approx(6)


# ------------------------------------------------------------------ tables


@pytest.mark.parametrize(
    ("source", "cop"),
    [
        (26.85, 6.0),  # the first point
        (16.85, 5.0),  # half-way to the next
        (6.85, 4.0),
        (40.0, 6.0),  # the easy side: held
    ],
)
def test_table_by_lift(source: float, cop: float) -> None:
    """Proves: COP is linear between lifts of 20 and 40 K, and held below. Sensitivity: each point."""
    table = "cop_by_lift: {lift_kelvin: [20, 40, 60], cop: [6, 4, 3]}"
    pump = (
        f"power_kw: 99, {table}, sink_temperature_degc: {SINK}, source_temperature_degc: {source}"
    )
    assert solved(pumped(pump)).of("pump.input") == pytest.approx([8 / cop])


@pytest.mark.parametrize(
    ("source", "sink", "cop"),
    [
        (-7, 35, 2.8),
        (7, 55, 2.9),
        (0, 35, 3.6),  # between rows: (2.8 + 4.4)/2
        (7, 45, 3.65),  # between columns: (4.4 + 2.9)/2
        (0, 45, (2.8 + 4.4 + 2.0 + 2.9) / 4),
        (20, 30, 4.4),  # the easy side of both: held
    ],
)
def test_table_by_source_and_sink(source: float, sink: float, cop: float) -> None:
    """Proves: bilinear between four test points. Sensitivity: each of the four corners counts."""
    table = "{source_degc: [-7, 7], sink_degc: [35, 55], cop: [[2.8, 2.0], [4.4, 2.9]]}"
    pump = (
        f"power_kw: 99, cop_by_temperatures: {table}, sink_temperature_degc: {sink}, "
        f"source_temperature_degc: {source}"
    )
    assert solved(pumped(pump)).of("pump.input") == pytest.approx([8 / cop])


def test_table_of_one_sink_temperature() -> None:
    """Proves: test points at W35 alone are a table. Sensitivity: half-way between 3 and 5."""
    table = "{source_degc: [-7, 7], sink_degc: [35], cop: [[3], [5]]}"
    pump = (
        f"power_kw: 99, cop_by_temperatures: {table}, sink_temperature_degc: 35, "
        "source_temperature_degc: 0"
    )
    assert solved(pumped(pump)).cost == pytest.approx(2)


@pytest.mark.parametrize(
    ("table", "key", "temperatures", "message"),
    [
        (
            "cop_by_lift: {lift_kelvin: [20, 40], cop: [6, 4]}",
            "cop_by_lift.lift_kelvin",
            (5, 50),
            r"ends at 40, but 45 is met at 2025-03-03 00:00",
        ),
        (
            "cop_by_temperatures: {source_degc: [-7, 7], sink_degc: [35], cop: [[3], [5]]}",
            "cop_by_temperatures.source_degc",
            (-8, 30),
            r"ends at -7, but -8 is met",
        ),
        (
            "cop_by_temperatures: {source_degc: [-7, 7], sink_degc: [35], cop: [[3], [5]]}",
            "cop_by_temperatures.sink_degc",
            (0, 36),
            r"ends at 35, but 36 is met",
        ),
    ],
)
def test_hard_side_of_a_table_is_refused(
    table: str, key: str, temperatures: tuple[float, float], message: str
) -> None:
    """Proves: no COP is made up for a harder lift than was tested."""
    source, sink = temperatures
    pump = (
        f"power_kw: 99, {table}, source_temperature_degc: {source}, sink_temperature_degc: {sink}"
    )
    with pytest.raises(InputError, match=rf"assets\.pump\.{key}.*{message}"):
        problem_of(pumped(pump))


def test_steps_in_which_it_is_off_need_no_table() -> None:
    """Proves: below the least source temperature the table may end. Sensitivity: then it is dear."""
    pump = (
        "power_kw: 99, cop_by_lift: {lift_kelvin: [20, 40], cop: [6, 4]}, minimum_source_degc: 0, "
        f"sink_temperature_degc: 35, source_temperature_degc: {day(-10, 5)}"
    )
    results = solved(pumped(pump, hours=2))
    assert results.of("pump.input") == pytest.approx([0, 8 / 5])
    assert results.cost == pytest.approx(8 * 9 + 8 / 5)


# ------------------------------------------------------------------ source heat


def with_waste(waste: float, pump: str = "") -> str:
    """Return a park whose heat pump lifts waste heat at COP 8."""
    return park(
        f"""
        demand: {{type: heat_demand, heat_carrier: warm, power_kw: 10}}
        district: {{type: supply, carrier: warm, price_per_kwh: 9}}
        off_gas: {{type: byproduct, carrier: waste, power_kw: {waste}}}
        {GRID}
        pump:
          type: heat_pump
          heat_carrier: warm
          source_carrier: waste
          power_kw: 99
          {pump or "carnot: {fraction: 0.5}"}
        """,
        hours=1,
        carriers=LEVELS,
    )


def test_source_heat_is_drawn_from_its_balance() -> None:
    """Proves: at COP 8 one kW lifts 7 kW of waste heat to 8; 2 kW are bought: 1 + 2 × 9.

    Temperatures are those of the carriers. Sensitivity: with 8.75 kW of waste heat all 10 are made.
    """
    results = solved(with_waste(7))
    assert results.of("pump.input") == pytest.approx([1])
    assert results.of("off_gas.used") == pytest.approx([7])
    assert results.cost == pytest.approx(1 + 2 * 9)
    assert solved(with_waste(8.75)).cost == pytest.approx(10 / 8)


def test_colder_source_than_its_carrier_may_be_given() -> None:
    """Proves: the source at 280 K makes COP 4: 3 kW of waste heat to 4. Sensitivity: 8 otherwise."""
    results = solved(
        with_waste(3, f"carnot: {{fraction: 0.5}}\n          source_temperature_degc: {COLD}")
    )
    assert results.cost == pytest.approx(1 + 6 * 9)


def test_steam_is_a_carrier_like_any_other() -> None:
    """Proves: 8 kW of steam at 423.15 K from 363.15 K, half of Carnot. Sensitivity: the lift of 60."""
    text = park(
        f"""
        dryer: {{type: heat_demand, heat_carrier: steam, power_kw: 8}}
        {GRID}
        condensate: {{type: byproduct, carrier: hot_water, power_kw: 50}}
        pump:
          type: heat_pump
          heat_carrier: steam
          source_carrier: hot_water
          power_kw: 8
          carnot: {{fraction: 0.5}}
        """,
        hours=1,
        carriers="{steam: {temperature_degc: 150}, hot_water: {temperature_degc: 90}}",
    )
    assert solved(text).cost == pytest.approx(8 / (0.5 * 423.15 / 60))


# ------------------------------------------------------------------ capacity


def test_capacity_falls_with_the_source() -> None:
    """Proves: at 0.5 of 8 kW in the cold 4 kW come from the district: 1 + 4 × 9, then 8/8.

    Sensitivity: without derating 2 + 1.
    """
    table = f", capacity_by_temperature: {{temperature_degc: [{COLD}, {MILD}], fraction: [0.5, 1]}}"
    pump = f"power_kw: 8, {CARNOT}, source_temperature_degc: {day(COLD, MILD)}"
    results = solved(pumped(pump + table, hours=2))
    assert results.of("pump.input") == pytest.approx([1, 1])
    assert results.cost == pytest.approx(1 + 36 + 1)
    assert solved(pumped(pump, hours=2)).cost == pytest.approx(3)


def test_derated_size_is_bought_for_the_cold() -> None:
    """Proves: 8 kW in the cold need 16 kW of size at 0.5. Sensitivity: 8 kW without derating."""
    table = f", capacity_by_temperature: {{temperature_degc: [{COLD}, {MILD}], fraction: [0.5, 1]}}"
    pump = (
        "power_kw: {max_kw: 50, capex_per_kw: 10, lifetime_years: 10}, "
        f"{CARNOT}, source_temperature_degc: {day(COLD, MILD)}"
    )
    results = solved(pumped(pump + table, hours=2))
    assert results.size("pump") == pytest.approx(16)
    assert results.cost == pytest.approx(16 + 2 + 1)
    assert solved(pumped(pump, hours=2)).size("pump") == pytest.approx(8)


def test_size_on_electricity() -> None:
    """Proves: 1.5 kW taken at COP 4 deliver 6 of 8 kW. Sensitivity: on the output 1.5 kW deliver 1.5."""
    pump = f"power_kw: 1.5, {CARNOT}, source_temperature_degc: {COLD}"
    assert solved(pumped(f"{pump}, size_on: input")).cost == pytest.approx(1.5 + 2 * 9)
    assert solved(pumped(pump)).cost == pytest.approx(1.5 / 4 + 6.5 * 9)


def test_off_when_it_is_too_cold() -> None:
    """Proves: at the limit it runs, below it does not. Sensitivity: 2 kW against 8 × 9."""
    pump = f"power_kw: 99, {CARNOT}, source_temperature_degc: {COLD}, minimum_source_degc: "
    assert solved(pumped(f"{pump}{COLD}")).cost == pytest.approx(2)
    assert solved(pumped(f"{pump}{COLD + 0.1}")).cost == pytest.approx(72)


def test_cold_spell_costs_another_start() -> None:
    """Proves: a unit cannot stay on, idle, through the cold to save a start: two starts at 5.

    Sensitivity: without the limit one start and 2 kW more.
    """
    commitment = ", commitment: {start_cost: 5, min_load_fraction: 0.5}"
    pump = f"power_kw: 8, {CARNOT}, source_temperature_degc: {day(MILD, COLD, MILD)}{commitment}"
    results = solved(pumped(f"{pump}, minimum_source_degc: 10", hours=3))
    assert results.of("pump.on") == pytest.approx([1, 0, 1])
    assert bill(results, "pump", "start") == pytest.approx(10)
    assert results.cost == pytest.approx(10 + 1 + 72 + 1)
    assert solved(pumped(pump, hours=3)).cost == pytest.approx(5 + 1 + 2 + 1)


def test_least_load_of_a_derated_unit() -> None:
    """Proves: half of the 4 kW that the cold leaves, not of 8: a demand of 2 kW is served alone.

    Sensitivity: a demand of 1.9 kW is below the least load and bought.
    """
    pump = (
        f"power_kw: 8, {CARNOT}, source_temperature_degc: {COLD}, "
        f"capacity_by_temperature: {{temperature_degc: [{COLD}, {MILD}], fraction: [0.5, 1]}}, "
        "commitment: {min_load_fraction: 0.5}"
    )
    assert solved(pumped(pump, demand="2")).cost == pytest.approx(0.5)
    assert solved(pumped(pump, demand="1.9")).cost == pytest.approx(1.9 * 9)


CURVE = (
    "part_load: [{load_fraction: 0.5, efficiency_factor: 1.25}, "
    "{load_fraction: 1, efficiency_factor: 1}]"
)


@pytest.mark.parametrize(("demand", "taken"), [("4", 0.8), ("6", 1.4), ("8", 2.0)])
def test_cop_at_part_load(demand: str, taken: float) -> None:
    """Proves: half load at COP 5, full load at 4, flows linear in between. Sensitivity: 1 kW at 4."""
    pump = f"power_kw: 8, {CARNOT}, source_temperature_degc: {COLD}"
    results = solved(pumped(f"{pump}, {CURVE}", demand=demand))
    assert results.of("pump.input") == pytest.approx([taken])
    figures = results.details.set_index("name")["value"]
    assert figures["seasonal_cop"] == pytest.approx(float(demand) / taken)
    assert solved(pumped(pump, demand="4")).of("pump.input") == pytest.approx([1])


def test_cost_of_each_kwh_of_heat() -> None:
    """Proves: 8 kWh at 0.1. Sensitivity: at 9 the district is cheaper."""
    pump = f"power_kw: 99, {CARNOT}, source_temperature_degc: {COLD}, variable_om_per_kwh: "
    assert bill(solved(pumped(f"{pump}0.1")), "pump", "variable_om") == pytest.approx(0.8)
    assert solved(pumped(f"{pump}9")).cost == pytest.approx(72)


def test_heat_pump_is_not_a_source_of_electricity() -> None:
    """Proves: without the grid there is no heat. Sensitivity: COP is no gift."""
    with pytest.raises(InfeasibleError):
        solve_text(
            park(
                """
                demand: {type: heat_demand, power_kw: 8}
                sun: {type: pv, power_kw: 1.9, output_per_kw: 1}
                pump: {type: heat_pump, power_kw: 99, cop: 4}
                """,
                hours=1,
            )
        )


# ------------------------------------------------------------------ what is refused

TABLE = "cop_by_lift: {lift_kelvin: [20, 40], cop: [6, 4]}"


@pytest.mark.parametrize(
    ("pump", "message"),
    [
        ("power_kw: 1", r"`cop_by_temperatures` is missing: give exactly one"),
        ("power_kw: 1, cop: 3, carnot: {fraction: 0.5}", r"are both given: give exactly one"),
        ("power_kw: 1, cop: 0.9", r"pump\.cop.*gives a COP of 0\.9 at .*at least 1"),
        (
            "power_kw: 1, carnot: {fraction: 0.3}, sink_temperature_degc: 200, "
            "source_temperature_degc: 5",
            r"pump\.carnot.*gives a COP of 0\.7279",
        ),
        ("power_kw: 1, cop: 0", r"pump\.cop = 0: must be at least 0\.05"),
        (
            "power_kw: 1, cop: 3, sink_temperature_degc: 40",
            r"pump\.sink_temperature_degc: has no effect where `cop` is given",
        ),
        (
            "power_kw: 1, carnot: {fraction: 0.5}, source_temperature_degc: 5",
            r"pump\.sink_temperature_degc.*is missing, and 'heat' has no temperature",
        ),
        (f"power_kw: 1, {CARNOT}", r"pump\.source_temperature_degc.*no `site.weather`"),
        (
            "power_kw: 1, cop: 3, minimum_source_degc: -10",
            r"pump\.source_temperature_degc.*no `site.weather`",
        ),
        (
            f"power_kw: 1, {TABLE.replace('[20, 40]', '[40, 20]')}",
            r"pump\.cop_by_lift\.lift_kelvin.*needs values that increase from entry to entry",
        ),
        (
            f"power_kw: 1, {TABLE.replace('[6, 4]', '[6, 4, 3]')}",
            r"pump\.cop_by_lift.*`cop` has 3 entries for 2 of `lift_kelvin`",
        ),
        (
            "power_kw: 1, cop_by_temperatures: {source_degc: [0, 7], sink_degc: [35, 55], "
            "cop: [[3, 2], [4]]}",
            r"`cop\[1\]` has 1 entries for 2 of `sink_degc`",
        ),
        ("power_kw: 1, carnot: {fraction: 45}", r"fraction = 45: must be at most 1.*'45 %'"),
        (
            f"power_kw: 1, {CARNOT}, source_temperature_degc: 0, "
            "capacity_by_temperature: {temperature_degc: [2, 7], fraction: [0.5, 1]}",
            r"capacity_by_temperature\.temperature_degc.*ends at 2, but 0 is met",
        ),
        (
            "power_kw: {capex_per_kw: 1, lifetime_years: 1}, cop: 3, commitment: {start_cost: 1}",
            r"`commitment` needs a bound: give max_kw",
        ),
        (
            f"power_kw: 1, cop: 3, source_carrier: waste, heat_carrier: warm, {CURVE}",
            r"pump\.part_load.*does not go with `source_carrier`",
        ),
        (
            "power_kw: 1, cop: 3, heat_carrier: hydrogen",
            r"heat_carrier = 'hydrogen'.*counted in kg",
        ),
        ("power_kw: 1, cop: 3, source_carrier: heat", r"source_carrier = 'heat': is what it del"),
        (
            "power_kw: 1, cop: 3, source_carrier: warm, heat_carrier: waste",
            r"source_carrier = 'warm': is at 46\.85 °C, no colder than the 26\.85 °C of 'waste'",
        ),
        (
            f"power_kw: 1, {TABLE}, source_carrier: waste, heat_carrier: warm, "
            "sink_temperature_degc: 46",
            r"sink_temperature_degc.*lies below the 46\.85 °C of 'warm'",
        ),
        (
            f"power_kw: 1, {TABLE}, source_carrier: waste, heat_carrier: warm, "
            "source_temperature_degc: 27",
            r"source_temperature_degc.*lies above the 26\.85 °C of 'waste'",
        ),
    ],
)
def test_bad_input(pump: str, message: str) -> None:
    """Proves: each contradiction is refused where it stands, with what to do."""
    with pytest.raises(InputError, match=message):
        problem_of(pumped(pump, carriers=LEVELS))


def test_a_bad_series_is_told_once() -> None:
    """Proves: a missing file is one finding, though the COP needs it too."""
    pump = f"power_kw: 1, {CARNOT}, source_temperature_degc: {{file: nowhere.csv, column: t}}"
    with pytest.raises(InputError) as caught:
        problem_of(pumped(pump))
    assert len(caught.value.findings) == 1
