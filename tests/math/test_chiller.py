"""Compression chillers: EER from temperatures, and where the heat goes."""

from __future__ import annotations

import pytest

from microgrid_opt.errors import InputError
from tests.support import bill, day, park, problem_of, solved

GRID = "grid: {type: grid, import_price_per_kwh: 1}"
# Chilled water at 280 K; outdoors 300 K and 320 K: Carnot 14 and 7.
WATER, MILD, HOT = 6.85, 26.85, 46.85
CARNOT = f"carnot: {{fraction: 0.5}}, source_temperature_degc: {WATER}"


def cooled(chiller: str, *, extra: str = "", hours: float = 1, **sections: str) -> str:
    """Return a park of 7 kW of cold, dear ice, the grid and one chiller."""
    return park(
        f"""
        demand: {{type: demand, carrier: cold, power_kw: 7}}
        ice: {{type: supply, carrier: cold, price_per_kwh: 9}}
        {GRID}
        chiller: {{type: chiller, {chiller}}}
        {extra}
        """,
        hours=hours,
        **sections,
    )


def test_eer_follows_the_air_in_steps_of_unequal_length() -> None:
    """Proves: 7 kW at EER 7 for 2 h and at 3.5 for half an hour take 2 × 1 + 0.5 × 2 kWh.

    Sensitivity: at 0.25 of Carnot twice as much.
    """
    text = cooled(
        f"power_kw: 99, {CARNOT}, sink_temperature_degc: {day(MILD, MILD, HOT)}",
        horizon="{start: 2025-03-03, steps_hours: [2, 0.5]}",
    )
    results = solved(text)
    assert results.of("chiller.input") == pytest.approx([1, 2])
    assert results.cost == pytest.approx(3)
    figures = results.details.set_index("name")["value"]
    assert figures["seasonal_cop"] == pytest.approx(17.5 / 3)
    assert solved(text.replace("fraction: 0.5", "fraction: 0.25")).cost == pytest.approx(6)


def test_cold_carrier_and_outdoor_air_give_the_temperatures() -> None:
    """Proves: the carrier's 280 K and the weather's air set the EER. Sensitivity: brine at 260 K."""
    means = ", ".join(["27"] * 12)
    weather = (
        f"{{ghi_kwh_per_m2_day: [{', '.join(['4'] * 12)}], temperature_degc: [{means}], "
        f"wind_speed_m_per_s: [{', '.join(['4'] * 12)}]}}"
    )
    site = f"{{latitude: 32, longitude: 119, timezone: Asia/Shanghai, weather: {{synthetic: {weather}}}}}"

    def text(degc: float) -> str:
        return park(
            f"""
            demand: {{type: demand, carrier: chilled, power_kw: 7}}
            {GRID}
            chiller: {{type: chiller, cold_carrier: chilled, power_kw: 99, carnot: {{fraction: 0.5}}}}
            """,
            hours=6,
            site=site,
            carriers=f"{{chilled: {{temperature_degc: {degc}}}}}",
        )

    air = problem_of(text(WATER)).arrays["assets.chiller.sink_temperature_degc"]
    for degc in (WATER, -13.15):
        lift = (air - degc).clip(15)
        wanted = 7 / (0.5 * (degc + 273.15) / lift)
        assert solved(text(degc)).of("chiller.input") == pytest.approx(wanted)


def test_capacity_falls_with_the_heat_outside() -> None:
    """Proves: at 0.5 of 7 kW half of the cold is bought: 1 + 3.5 × 9. Sensitivity: 2 without."""
    chiller = f"power_kw: 7, {CARNOT}, sink_temperature_degc: {HOT}"
    table = f", capacity_by_temperature: {{temperature_degc: [{MILD}, {HOT}], fraction: [1, 0.5]}}"
    assert solved(cooled(chiller + table)).cost == pytest.approx(1 + 31.5)
    assert solved(cooled(chiller)).cost == pytest.approx(2)


def test_size_on_electricity_and_cost_of_cold() -> None:
    """Proves: 0.5 kW taken at EER 7 make 3.5 kW, at 0.1 a kWh. Sensitivity: on the output 0.5 kW."""
    chiller = f"power_kw: 0.5, {CARNOT}, sink_temperature_degc: {MILD}, variable_om_per_kwh: 0.1"
    results = solved(cooled(f"{chiller}, size_on: input"))
    assert bill(results, "chiller", "variable_om") == pytest.approx(0.35)
    assert results.cost == pytest.approx(0.5 + 0.35 + 3.5 * 9)
    assert solved(cooled(chiller)).cost == pytest.approx(0.5 / 7 + 0.05 + 6.5 * 9)


def test_chosen_size_covers_the_cold() -> None:
    """Proves: 7 kW at EER 7 cost 7 × 1 + 1. Sensitivity: at a capex of 90 the ice is cheaper."""
    size = "power_kw: {max_kw: 50, capex_per_kw: 10, lifetime_years: 10}"
    text = cooled(f"{size}, {CARNOT}, sink_temperature_degc: {MILD}")
    assert solved(text).cost == pytest.approx(8)
    assert solved(text.replace("capex_per_kw: 10", "capex_per_kw: 90")).cost == pytest.approx(63)


def test_rejection_costs_money_and_electricity() -> None:
    """Proves: 7 + 1 kW are rejected: 8 × 0.5 of cost and 8 × 0.25 of electricity.

    Sensitivity: without the tower 1.
    """
    chiller = f"power_kw: 99, {CARNOT}, sink_temperature_degc: {MILD}"
    tower = ", cooling_tower: {cost_per_kwh: 0.5, electricity_kwh_per_kwh: 0.25}"
    results = solved(cooled(chiller + tower))
    assert bill(results, "chiller", "heat_rejection") == pytest.approx(4)
    assert results.of("grid.import") == pytest.approx([3])
    assert results.cost == pytest.approx(7)
    assert solved(cooled(chiller)).cost == pytest.approx(1)


RECOVERY = ", heat_recovery: {heat_carrier: warm, fraction: 0.5}"
USERS = """showers: {type: heat_demand, heat_carrier: warm, power_kw: 5}
        boiler: {type: electric_boiler, heat_carrier: warm, power_kw: 99, efficiency: 1}"""


def test_recovered_heat_is_used_up_to_its_share() -> None:
    """Proves: condensing at 320 K takes 2 kW; half of 9 kW serve the showers, 0.5 kW the boiler.

    The other 4.5 kW are rejected at 1. Sensitivity: at a share of 0.6 the showers need no boiler,
    and 4 kW are rejected; at 0.1 kW of demand all else is rejected.
    """
    chiller = f"power_kw: 99, {CARNOT}, cooling_tower: {{cost_per_kwh: 1}}{RECOVERY}"
    text = cooled(chiller, extra=USERS, carriers=f"{{warm: {{temperature_degc: {HOT}}}}}")
    results = solved(text)
    assert results.of("chiller.input") == pytest.approx([2])
    assert results.of("chiller.recovered") == pytest.approx([4.5])
    assert bill(results, "chiller", "heat_rejection") == pytest.approx(4.5)
    assert results.cost == pytest.approx(2 + 0.5 + 4.5)
    more = solved(text.replace("warm, fraction: 0.5", "warm, fraction: 0.6"))
    assert more.cost == pytest.approx(2 + 4)
    little = solved(text.replace("power_kw: 5", "power_kw: 0.1"))
    assert bill(little, "chiller", "heat_rejection") == pytest.approx(8.9)


def test_fans_run_for_all_heat_given_off() -> None:
    """Proves: fans take 0.5 × 9 kW whether 4.5 kW are recovered or none. Sensitivity: at 0.25 half."""
    chiller = f"power_kw: 99, {CARNOT}, cooling_tower: {{electricity_kwh_per_kwh: 0.5}}{RECOVERY}"
    text = cooled(chiller, extra=USERS, carriers=f"{{warm: {{temperature_degc: {HOT}}}}}")
    assert solved(text).cost == pytest.approx(2 + 0.5 + 4.5)
    assert solved(text.replace("power_kw: 5", "power_kw: 0")).cost == pytest.approx(2 + 4.5)
    assert solved(text.replace("kwh: 0.5}", "kwh: 0.25}")).cost == pytest.approx(2 + 0.5 + 2.25)


def test_part_load_counts_in_the_heat_given_off() -> None:
    """Proves: 7 of 14 kW at EER 8.75 take 0.8 kW; 7.8 kW are rejected at 1, half of it recovered.

    Sensitivity: without the curve 1 kW and 8 kW.
    """
    chiller = (
        f"power_kw: 14, {CARNOT}, sink_temperature_degc: {MILD}, cooling_tower: {{cost_per_kwh: 1}}"
    )
    curve = (
        ", part_load: [{load_fraction: 0.5, efficiency_factor: 1.25}, "
        "{load_fraction: 1, efficiency_factor: 1}]"
    )
    assert solved(cooled(chiller + curve)).cost == pytest.approx(0.8 + 7.8)
    assert solved(cooled(chiller)).cost == pytest.approx(1 + 8)
    used = ", heat_recovery: {fraction: 0.5}"
    offices = "offices: {type: heat_demand, power_kw: 3.9}"
    assert solved(cooled(chiller + curve + used, extra=offices)).cost == pytest.approx(0.8 + 3.9)


def test_least_load() -> None:
    """Proves: 7 kW are less than 0.8 of 10 kW: ice is bought. Sensitivity: 0.7 of 10 kW runs."""
    chiller = f"power_kw: 10, {CARNOT}, sink_temperature_degc: {MILD}, commitment: "
    assert solved(cooled(chiller + "{min_load_fraction: 0.8}")).cost == pytest.approx(63)
    assert solved(cooled(chiller + "{min_load_fraction: 0.7}")).cost == pytest.approx(1)


@pytest.mark.parametrize(
    ("chiller", "message"),
    [
        (
            "power_kw: 1, carnot: {fraction: 0.5}, sink_temperature_degc: 30",
            r"source_temperature_degc.*is missing, and 'cold' has no temperature",
        ),
        (f"power_kw: 1, {CARNOT}", r"sink_temperature_degc.*no `site.weather`"),
        (
            f"power_kw: 1, {CARNOT}, heat_recovery: {{fraction: 1}}",
            r"sink_temperature_degc.*is missing, and 'heat' has no temperature",
        ),
        (
            f"power_kw: 1, {CARNOT}, sink_temperature_degc: 46{RECOVERY}",
            r"sink_temperature_degc.*lies below the 46\.85 °C of 'warm'",
        ),
        (
            "power_kw: 1, cop: 3, cold_carrier: chilled, heat_recovery: {heat_carrier: chilled, "
            "fraction: 1}",
            r"chiller\.heat_recovery.*gives its heat to what is cooled",
        ),
        (
            "power_kw: 1, cop: 3, cold_carrier: hydrogen",
            r"cold_carrier.*'hydrogen' is counted in kg",
        ),
        (
            "power_kw: 1, cop: 3, heat_recovery: {heat_carrier: hydrogen, fraction: 1}",
            r"heat_recovery.*'hydrogen' is counted in kg",
        ),
        (
            f"power_kw: 1, {CARNOT}, sink_temperature_degc: 35, "
            "capacity_by_temperature: {temperature_degc: [20, 30], fraction: [1, 0.9]}",
            r"capacity_by_temperature\.temperature_degc.*ends at 30, but 35 is met",
        ),
    ],
)
def test_bad_input(chiller: str, message: str) -> None:
    """Proves: a chiller that would cool for nothing, or heat what it cools, is refused."""
    carriers = f"{{warm: {{temperature_degc: {HOT}}}, chilled: {{temperature_degc: {WATER}}}}}"
    with pytest.raises(InputError, match=message):
        problem_of(cooled(chiller, carriers=carriers))
