from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid_opt.errors import InputError
from microgrid_opt.weather.curves import PowerCurve, power_curve, power_curve_names


def test_curve_is_exact_at_its_points_and_linear_between() -> None:
    curve = PowerCurve("own", (3.0, 12.0, 25.0), (0.0, 1.0, 1.0))
    speeds = np.array([0.0, 2.99, 3.0, 7.5, 12.0, 20.0, 25.0, 25.01, 40.0])
    assert curve(speeds) == pytest.approx([0, 0, 0, 0.5, 1, 1, 1, 0, 0])
    assert curve.cut_out_m_per_s == 25.0


def test_a_curve_of_own_points_is_taken_over_rated_power() -> None:
    curve = PowerCurve.from_points("own", [4, 10, 20], [0, 1500, 3000])
    assert curve.rated_kw == 3000
    assert curve.power_fraction == (0.0, 0.5, 1.0)
    half = PowerCurve.from_points("own", [4, 10, 20], [0, 1500, 3000], rated_kw=6000)
    assert half.power_fraction == (0.0, 0.25, 0.5)
    with pytest.raises(InputError, match=r"own.rated_kw = 0.*above 0"):
        PowerCurve.from_points("own", [4, 10], [0, 0])


@pytest.mark.parametrize(
    ("speeds", "powers", "message"),
    [
        ((3.0, 3.0, 5.0), (0.0, 0.5, 1.0), "speeds must be numbers from 0 upwards"),
        ((-1.0, 3.0), (0.0, 1.0), "speeds must be numbers from 0 upwards"),
        ((3.0, float("nan")), (0.0, 1.0), "speeds must be numbers from 0 upwards"),
        ((3.0, 5.0), (0.0, 1.2), "powers must lie between 0 and the rated power"),
        ((3.0, 5.0), (-0.1, 1.0), "powers must lie between 0 and the rated power"),
        ((3.0, 5.0), (0.0, 0.0), "one must be above 0"),
        ((3.0, 5.0), (1.0,), "2 speeds and 1 powers"),
        ((3.0,), (1.0,), "at least two"),
    ],
)
def test_points_that_make_no_curve_are_refused(
    speeds: tuple[float, ...], powers: tuple[float, ...], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        PowerCurve("own", speeds, powers)


@pytest.mark.parametrize("name", power_curve_names())
def test_shipped_curves_are_sound_and_sourced(name: str) -> None:
    """Proves: every file loads, reaches rated power, and rises until then.

    Also: the power never exceeds the Betz limit 16/27 of the wind through the rotor.
    """
    curve = power_curve(name)
    assert curve.source
    assert curve.license in {"MIT", "BSD-3-Clause"}
    powers = np.array(curve.power_fraction)
    assert powers.max() == pytest.approx(1.0, abs=1e-4)
    assert (np.diff(powers[: powers.argmax() + 1]) >= 0).all()
    assert 15 <= curve.cut_out_m_per_s <= 35
    if curve.rated_kw is not None:
        assert curve.rotor_diameter_m is not None
        area = np.pi * curve.rotor_diameter_m**2 / 4
        speeds = np.array(curve.wind_speed_m_per_s)
        wind_kw = 0.5 * 1.225 * area * speeds**3 / 1000
        assert (powers * curve.rated_kw <= wind_kw * 16 / 27).all()


def test_library_values_are_those_of_their_sources() -> None:
    """windpowerlib 0.2.2: V126/3450 gives 3187 kW at 10 m/s; turbine-models 0.2.2: ATB 5.5 MW."""
    vestas = power_curve("vestas_v126_3450")
    assert float(vestas(np.array([10.0]))[0]) * 3450 == pytest.approx(3187, abs=1)
    atb = power_curve("nrel_atb_5500_175")
    assert atb(np.array([5.0, 8.0, 9.5])) * 5500 == pytest.approx([671, 2990, 5060], abs=0.1)
    composite = power_curve("iec_class_3_composite")
    assert float(composite(np.array([8.0]))[0]) == pytest.approx(0.64138)


def test_an_unknown_name_lists_the_library() -> None:
    with pytest.raises(InputError, match=r"did you mean vestas_v126_3450.*the library has enercon"):
        power_curve("Vestas_V126")


@settings(max_examples=25, deadline=None)
@given(
    name=st.sampled_from(power_curve_names()),
    speed=st.floats(0, 60, allow_nan=False),
)
def test_output_lies_between_zero_and_rated(name: str, speed: float) -> None:
    value = float(power_curve(name)(np.array([speed]))[0])
    assert 0.0 <= value <= 1.0
