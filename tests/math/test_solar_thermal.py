"""Solar thermal collectors: yield by the efficiency curve, sizes in m2 and kW, stagnation, areas."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from microgrid_opt.assets.solar_thermal import Collector
from microgrid_opt.errors import InfeasibleError, InputError
from microgrid_opt.weather.frame import Weather
from tests.support import bill, day, park, problem_of, solve_text, solved

DISTRICT = "district: {type: supply, carrier: heat, price_per_kwh: 1}"
DEMAND = "demand: {type: heat_demand, power_kw: 10}"


def heated(field: str, *, extra: str = "", **sections: str) -> str:
    """Return a park of 10 kW of heat, district heat at 1, and one collector field."""
    return park(
        f"{DEMAND}\n{DISTRICT}\nfield: {{type: solar_thermal, {field}}}\n{extra}",
        **({"horizon": "{start: 2025-03-03, steps_hours: [1, 2]}"} | sections),
    )


def test_given_output_per_area_in_steps_of_unequal_length() -> None:
    """Proves: 20 m2 × 0.4 = 8 kW for 1 h; 0.6 × 20 = 12 kW stagnate to 10 for 2 h: 2 are bought.

    Sensitivity: one m2 more saves 0.4.
    """
    text = heated(f"collector_m2: 20, output_kw_per_m2: {day(0.4, 0.6, 0.6)}")
    results = solved(text)
    assert results.of("field.generation") == pytest.approx([8, 10])
    assert results.cost == pytest.approx(2)
    figures = results.details.set_index("name")["value"]
    assert figures["yield"] == pytest.approx(0.4 + 1.2)
    assert figures["curtailed"] == pytest.approx(4)
    more = solved(text.replace("collector_m2: 20", "collector_m2: 21"))
    assert results.cost - more.cost == pytest.approx(0.4)


def test_given_output_per_kw() -> None:
    """Proves: 10 kW at 0.5 and 1. Sensitivity: 5 kWh are bought."""
    assert solved(heated(f"power_kw: 10, output_per_kw: {day(0.5, 1, 1)}")).cost == pytest.approx(5)


def test_area_is_chosen_and_priced_per_m2() -> None:
    """Proves: a m2 saves 0.5 × 3 up to 20 m2 and costs 1. Sensitivity: at 1.6 none is built."""
    size = (
        "collector_m2: {max_m2: 100, capex_per_m2: 10, lifetime_years: 10}, output_kw_per_m2: 0.5"
    )
    results = solved(heated(size))
    assert results.size("field", "collector") == pytest.approx(20)
    assert results.sizes.set_index("asset").loc["field", "unit"] == "m2"
    assert results.cost == pytest.approx(20)
    assert solved(heated(size.replace("m2: 10,", "m2: 16,"))).cost == pytest.approx(30)


def test_field_without_stagnation_needs_an_outlet() -> None:
    """Proves: 2 kW too many have nowhere to go; with a dump they cost 0.5 each.

    Sensitivity: a field that may stagnate costs nothing.
    """
    field = "collector_m2: 20, output_kw_per_m2: 0.6, curtailable: false"
    with pytest.raises(InfeasibleError, match=r"no_stagnation"):
        solve_text(heated(field))
    outlet = "cooler: {type: dump, carrier: heat, cost_per_unit: 0.5}"
    assert solved(heated(field, extra=outlet)).cost == pytest.approx(3)
    assert solved(heated(field.replace("false", "true"))).cost == pytest.approx(0)


def test_cost_of_each_kwh_and_carrier() -> None:
    """Proves: 30 kWh of hot water at 0.1. Sensitivity: at 2 the district serves it."""
    text = heated(
        "collector_m2: 20, output_kw_per_m2: 0.5, heat_carrier: warm, variable_om_per_kwh: 0.1",
        carriers="{warm: {temperature_degc: 60}}",
    )
    text = text.replace("heat_demand, ", "heat_demand, heat_carrier: warm, ")
    text = text.replace("carrier: heat, price", "carrier: warm, price")
    results = solved(text)
    assert bill(results, "field", "variable_om") == pytest.approx(3)
    assert solved(text.replace("kwh: 0.1", "kwh: 2")).cost == pytest.approx(30)


@pytest.mark.parametrize(
    ("field", "size"),
    [
        ("collector_m2: {max_m2: 100}, area: {name: roof, m2_per_m2: 2}", 15),
        ("power_kw: {max_kw: 100}, area: {name: roof, m2_per_kw: 3}", 10),
    ],
)
def test_field_fits_on_the_roof(field: str, size: float) -> None:
    """Proves: 30 m2 of roof hold 15 m2 of collectors with their gaps, or 10 kW.

    The field makes 0.5 kW of each unit of size. Sensitivity: without the roof 20 are used.
    """
    output = "output_kw_per_m2: 0.5" if "m2: {" in field else "output_per_kw: 0.5"
    results = solved(heated(f"{field}, {output}", areas="{roof: 30}"))
    made = results.of("field.generation")
    assert made == pytest.approx([size / 2, size / 2])
    free = solved(heated(f"{field.partition(', area')[0]}, {output}"))
    assert free.of("field.generation") == pytest.approx([10, 10])


# ------------------------------------------------------------------ the efficiency curve


def noon(dni: float, dhi: float, air: float) -> Weather:
    """Return two hours around noon on the equator at equinox: the sun is all but overhead."""
    index = pd.date_range("2025-03-20T11:37:30Z", periods=2, freq="60min", tz="UTC")
    table = pd.DataFrame(
        {"dni_w_per_m2": dni, "dhi_w_per_m2": dhi, "temperature_degc": air}, index=index
    )
    return Weather(table, latitude=0.0, longitude=0.0, altitude_m=0.0)


CURVE = {"optical_efficiency": 0.8, "heat_loss_w_per_m2_k": 4, "heat_loss_w_per_m2_k2": 0.01}


def collector(**changes: float) -> Collector:
    """Return a flat collector with eta0 0.8, a1 4, a2 0.01 at a mean of 60 °C."""
    return Collector.model_validate(
        {"tilt_deg": 0, "mean_temperature_degc": 60, **CURVE, **changes}
    )


def test_efficiency_curve_by_hand() -> None:
    """Proves: 0.8 G − 4 × 40 − 0.01 × 1600 at 20 °C outside, G of beam and diffuse together.

    Half-way between 11:37:30 and 12:37:30 the sun is within 1° of the zenith: cos > 0.9997.
    Sensitivity: 30 °C outside gains 4 × 10 + 0.01 × (1600 − 900).
    """
    heat = collector().output_kw_per_m2(noon(800, 0, 20))[0]
    assert heat == pytest.approx((0.8 * 800 - 160 - 16) / 1000, rel=1e-3)
    warmer = collector().output_kw_per_m2(noon(800, 0, 30))[0]
    assert warmer - heat == pytest.approx((40 + 7) / 1000)


def test_losses_are_taken_off_the_heat() -> None:
    """Proves: 10 % lost in pipes. Sensitivity: the ratio."""
    whole, less = (
        collector(losses_fraction=lost).output_kw_per_m2(noon(800, 0, 20)) for lost in (0, 0.1)
    )
    assert less == pytest.approx(0.9 * whole)


def test_diffuse_light_has_its_own_modifier() -> None:
    """Proves: 0.8 × 0.9 × 500 of an overcast sky at no loss. Sensitivity: 0.8 × 500 without."""
    still = {"heat_loss_w_per_m2_k": 0.0, "heat_loss_w_per_m2_k2": 0.0}
    plain = collector(**still).output_kw_per_m2(noon(0, 500, 20))
    assert plain == pytest.approx(0.4, rel=1e-6)
    dimmed = collector(**still, diffuse_modifier=0.9).output_kw_per_m2(noon(0, 500, 20))
    assert dimmed == pytest.approx(0.9 * plain)


def test_beam_that_slants_is_reflected() -> None:
    """Proves: on a plane at 60° half of the beam arrives, and its ground sends back 0.2 × 800 / 4.

    With b0 = 0.2 a share of 0.2 × (1/cos 60° − 1) of the beam is lost: 0.8 × 400 × 0.2.
    Sensitivity: without b0 nothing is lost.
    """
    still = {"heat_loss_w_per_m2_k": 0.0, "heat_loss_w_per_m2_k2": 0.0, "tilt_deg": 60.0}
    plain = collector(**still).output_kw_per_m2(noon(800, 0, 20))[0]
    slanted = collector(**still, incidence_b0=0.2).output_kw_per_m2(noon(800, 0, 20))[0]
    assert plain == pytest.approx(0.8 * (0.4 + 0.04), rel=1e-2)
    assert plain - slanted == pytest.approx(0.8 * 0.4 * 0.2, rel=2e-2)


def test_no_heat_at_night_nor_below_the_losses() -> None:
    """Proves: weak sun makes nothing, and warm air in the dark makes nothing either."""
    assert collector().output_kw_per_m2(noon(200, 0, 20))[0] == 0.0
    warm_night = collector(mean_temperature_degc=10).output_kw_per_m2(noon(0, 0, 30))
    assert warm_night.tolist() == [0.0, 0.0]


def test_weather_of_the_site_and_both_sizes() -> None:
    """Proves: 7 kW by the convention of 0.7 kW/m2 are 10 m2. Sensitivity: night and day."""
    months = ", ".join(["4"] * 12)
    weather = (
        f"{{ghi_kwh_per_m2_day: [{months}], temperature_degc: [{months}], "
        f"wind_speed_m_per_s: [{months}]}}"
    )
    curve = (
        "{tilt_deg: 30, mean_temperature_degc: 50, optical_efficiency: 0.8, "
        "heat_loss_w_per_m2_k: 4}"
    )
    results = solved(
        park(
            f"""
            demand: {{type: heat_demand, power_kw: 100}}
            {DISTRICT}
            area: {{type: solar_thermal, collector_m2: 10, collector: {curve}}}
            power: {{type: solar_thermal, power_kw: 7, collector: {curve}}}
            """,
            horizon="{start: 2025-06-01, hours: 24}",
            site="{latitude: 32, longitude: 119, timezone: Asia/Shanghai, weather: {synthetic: "
            + weather
            + "}}",
        )
    )
    made = results.of("area.generation")
    assert made[0] == 0.0
    assert 1 < made.max() < 8
    assert results.of("power.generation") == pytest.approx(made)
    assert np.flatnonzero(made).size > 4


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ("output_per_kw: 1", r"`collector_m2` or `power_kw` is missing: give exactly one"),
        ("power_kw: 1", r"`output_kw_per_m2` or `output_per_kw` or `collector` is missing"),
        (
            "power_kw: 1, output_kw_per_m2: 1",
            r"output_kw_per_m2: does not go with `power_kw`: give `output_per_kw`",
        ),
        (
            "collector_m2: 1, output_per_kw: 1",
            r"output_per_kw: does not go with `collector_m2`: give `output_kw_per_m2`",
        ),
        (
            "collector_m2: 1, output_kw_per_m2: 1, area: {name: roof, m2_per_kw: 3}",
            r"field\.area: needs `m2_per_m2` beside `collector_m2`",
        ),
        (
            "power_kw: 1, output_per_kw: 1, area: {name: roof}",
            r"`m2_per_kw` or `m2_per_m2` is missing",
        ),
        (
            "power_kw: 1, output_per_kw: 1, area: {name: yard, m2_per_kw: 1}",
            r"field\.area\.name = 'yard': is no area of the park",
        ),
        (
            "power_kw: 1, collector: {tilt_deg: 30, mean_temperature_degc: 50, "
            "optical_efficiency: 0.8}",
            r"field\.collector: needs `site\.weather`, which is missing",
        ),
        (
            "power_kw: 1, output_per_kw: 1, heat_carrier: hydrogen",
            r"heat_carrier = 'hydrogen': is counted in kg",
        ),
    ],
)
def test_bad_input(field: str, message: str) -> None:
    """Proves: sizes, outputs and areas that do not go together are refused."""
    with pytest.raises(InputError, match=message):
        problem_of(heated(field, areas="{roof: 30}"))
