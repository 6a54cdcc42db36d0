from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid_opt.errors import InputError
from microgrid_opt.weather.curves import PowerCurve
from microgrid_opt.weather.frame import Weather
from microgrid_opt.weather.wind import air_density, standard_pressure_pa, wind_per_unit

LINE = PowerCurve("line", (0.0, 20.0), (0.0, 1.0))
"""Output proportional to speed: 0.05 per m/s."""


def wind(
    *speeds: float, altitude_m: float = 0.0, height_m: float = 10.0, **columns: float
) -> Weather:
    index = pd.date_range("2024-01-01", periods=max(2, len(speeds)), freq="h", tz="UTC")
    values = speeds if len(speeds) > 1 else speeds * 2
    table = pd.DataFrame({"wind_speed_m_per_s": values, **columns}, index=index)
    return Weather(table, 41.0, 114.7, altitude_m, wind_height_m=height_m)


def hub_speed(weather: Weather, **options: Any) -> float:
    """Speed at the hub, read back from a curve that is a straight line."""
    out = wind_per_unit(
        weather, curve=LINE, losses_fraction=0.0, density_correction=False, **options
    )
    return float(out.per_unit[0]) * 20.0


def test_logarithmic_profile_by_hand() -> None:
    """6 m/s at 10 m, z0 0.03 m, hub 100 m: 6 ln(100/0.03)/ln(10/0.03) = 6 x 1.39638 = 8.3783."""
    found = hub_speed(wind(6.0), hub_height_m=100.0, roughness_length_m=0.03)
    assert found == pytest.approx(8.3783, abs=1e-4)


def test_power_law_profile_by_hand() -> None:
    """6 m/s at 10 m, exponent 1/7, hub 100 m: 6 x 10^(1/7) = 6 x 1.38950 = 8.3370."""
    found = hub_speed(wind(6.0), hub_height_m=100.0, shear_exponent=1 / 7)
    assert found == pytest.approx(8.3370, abs=1e-4)


def test_no_profile_is_needed_at_the_measured_height() -> None:
    assert hub_speed(wind(6.0, height_m=90.0), hub_height_m=90.0) == pytest.approx(6.0)


@pytest.mark.parametrize(
    ("altitude", "pascal", "density"),
    [(0.0, 101325.0, 1.2250), (1000.0, 89874.6, 1.1116), (2000.0, 79495.2, 1.0065)],
)
def test_density_of_the_standard_atmosphere(altitude: float, pascal: float, density: float) -> None:
    """Values of ISO 2533, tables of the standard atmosphere."""
    assert standard_pressure_pa(altitude) == pytest.approx(pascal, rel=2e-5)
    site = wind(5.0, altitude_m=altitude - 2.0, temperature_degc=15.0 - 0.0065 * altitude)
    assert air_density(site, 2.0)[0] == pytest.approx(density, abs=1e-4)


def test_density_from_measured_pressure_by_hand() -> None:
    """87 000 Pa, -10 degC, hub 100 m: T 262.513 K, p 87000 exp(-9.80665 x 100/(287.05 T)).

    = 87000 x 0.987070 = 85875.1 Pa; density 85875.1/(287.05 x 262.513) = 1.13962 kg/m3.
    """
    site = wind(5.0, temperature_degc=-10.0, pressure_pa=87000.0)
    assert air_density(site, 100.0)[0] == pytest.approx(1.13962, abs=2e-5)


def test_density_correction_takes_the_cube_root() -> None:
    """IEC 61400-12-1: 8 m/s at 0.9 of 1.225 kg/m3 counts as 8 x 0.9^(1/3) = 7.7239 m/s.

    Sensitivity: without the root it would be 7.2 m/s.
    """
    celsius = 20.0
    kelvin = celsius + 273.15 - 0.0065 * 8.0
    density = 0.9 * 1.225
    at_hub = density * 287.05 * kelvin
    pressure = at_hub * np.exp(9.80665 * 10.0 / (287.05 * kelvin))
    site = wind(8.0, temperature_degc=celsius, pressure_pa=float(pressure))
    out = wind_per_unit(site, curve=LINE, hub_height_m=10.0, losses_fraction=0.0)
    assert float(out.per_unit[0]) * 20.0 == pytest.approx(7.7239, abs=1e-4)


def test_losses_wakes_and_summary_by_hand() -> None:
    """Speeds 10 and 0 m/s on the line: 0.5 and 0; 10 % losses, wakes 0.8: 0.36 and 0."""
    out = wind_per_unit(
        wind(10.0, 0.0),
        curve=LINE,
        hub_height_m=10.0,
        losses_fraction=0.1,
        wake_efficiency=0.8,
        density_correction=False,
    )
    assert out.per_unit == pytest.approx([0.36, 0.0])
    assert out.summary.capacity_factor == pytest.approx(0.18)
    assert out.summary.energy_kwh_per_kw == pytest.approx(0.36)
    assert out.summary.kwh_per_kw_year == pytest.approx(0.18 * 8760)
    assert out.summary.clipped_fraction == 0.0


def test_a_shipped_curve_by_name() -> None:
    """IEC class III composite at 8 m/s: 0.64138 of rated power."""
    out = wind_per_unit(
        wind(8.0),
        curve="iec_class_3_composite",
        hub_height_m=10.0,
        losses_fraction=0.0,
        density_correction=False,
    )
    assert out.per_unit[0] == pytest.approx(0.64138)


def test_a_missing_or_doubled_profile_is_refused() -> None:
    with pytest.raises(InputError, match=r"for 10 m and the hub stands at 100 m: give roughness"):
        hub_speed(wind(6.0), hub_height_m=100.0)
    with pytest.raises(InputError, match="not both"):
        hub_speed(wind(6.0), hub_height_m=100.0, roughness_length_m=0.1, shear_exponent=0.2)
    with pytest.raises(InputError, match="smaller than the heights of 1 m and 80 m"):
        hub_speed(wind(6.0, height_m=1.0), hub_height_m=80.0, roughness_length_m=2.0)


def test_all_wrong_options_are_named_at_once() -> None:
    with pytest.raises(InputError) as caught:
        hub_speed(wind(6.0), hub_height_m=0.0, shear_exponent=2.0, wake_efficiency=1.5)
    keys = [finding.key for finding in caught.value.findings]
    assert keys == ["hub_height_m", "wake_efficiency", "shear_exponent"]


def test_density_needs_a_temperature() -> None:
    with pytest.raises(InputError, match="no column temperature_degc"):
        wind_per_unit(wind(6.0), curve=LINE, hub_height_m=10.0, losses_fraction=0.0)


@settings(max_examples=25, deadline=None)
@given(
    losses=st.floats(0, 0.99),
    more=st.floats(0, 0.5),
    hub=st.floats(20, 200),
    exponent=st.floats(0, 0.4),
    name=st.sampled_from(["vestas_v126_3450", "iec_class_2_composite", "nrel_atb_7000_200"]),
)
def test_more_losses_never_give_more_and_output_stays_within_rated(
    two_days: Weather, losses: float, more: float, hub: float, exponent: float, name: str
) -> None:
    def output(loss: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        return wind_per_unit(
            two_days, curve=name, hub_height_m=hub, losses_fraction=loss, shear_exponent=exponent
        ).per_unit

    little, much = output(losses), output(min(losses + more, 1.0))
    assert (much <= little).all()
    assert little.min() >= 0
    assert little.max() <= 1 - losses + 1e-12


def test_energy_does_not_depend_on_the_step(greensboro: Weather) -> None:
    """Proves: four equal quarter hours give the energy of their hour.

    Sensitivity: energy as a sum without the step's length would be four times as much.
    """
    stamps = pd.date_range("2001-01-01", "2001-12-31 23:45", freq="15min", tz="Etc/GMT+5")
    rows = greensboro.table.iloc[np.repeat(np.arange(8760), 4)].set_axis(stamps, axis="index")
    quarters = Weather(rows, greensboro.latitude, greensboro.longitude, greensboro.altitude_m)
    hourly, fine = (
        wind_per_unit(
            weather,
            curve="vestas_v126_3450",
            hub_height_m=100.0,
            losses_fraction=0.1,
            shear_exponent=0.2,
        ).summary
        for weather in (greensboro, quarters)
    )
    assert fine.energy_kwh_per_kw == pytest.approx(hourly.energy_kwh_per_kw, rel=1e-12)
    assert fine.capacity_factor == pytest.approx(hourly.capacity_factor, rel=1e-12)
