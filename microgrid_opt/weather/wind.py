r"""Wind output per kW rated: speed at hub height, air density, power curve, losses.

$$ v_h = v\,\frac{\ln(h/z_0)}{\ln(h_m/z_0)} \quad\text{or}\quad v_h = v\,(h/h_m)^{\alpha},
   \qquad v_n = v_h\,(\rho/\rho_0)^{1/3}, \qquad p = f(v_n)\,\eta_w\,(1-\ell) $$

| symbol | name | unit |
|---|---|---|
| $v, h_m$ | wind speed of the weather table and its height | m/s, m |
| $h$ | ``hub_height_m`` | m |
| $z_0$ | ``roughness_length_m`` | m |
| $\alpha$ | ``shear_exponent`` | - |
| $\rho, \rho_0$ | air density at hub height, and 1.225 kg/m3 of the power curve | kg/m3 |
| $f$ | power curve over rated power | - |
| $\eta_w$ | ``wake_efficiency`` | - |
| $\ell$ | ``losses_fraction`` | - |

References: IEC 61400-12-1:2017, sections 9.1 (density, normalised speed of machines with active
power control) and 9.2; J. F. Manwell, J. G. McGowan and A. L. Rogers, Wind Energy Explained,
2nd ed., 2009, section 2.3.3 (profiles), doi:10.1002/9781119994367; ISO 2533 (standard atmosphere).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from microgrid_opt.errors import Finding, InputError
from microgrid_opt.weather.curves import PowerCurve, power_curve
from microgrid_opt.weather.output import Output, check_options, output_of

if TYPE_CHECKING:
    import numpy.typing as npt

    from microgrid_opt.weather.frame import Weather

    FloatArray = npt.NDArray[np.float64]

REFERENCE_DENSITY_KG_PER_M3: Final = 1.225
_GAS_CONSTANT_J_PER_KG_K: Final = 287.05
_GRAVITY_M_PER_S2: Final = 9.80665
_LAPSE_K_PER_M: Final = 0.0065
_SEA_LEVEL_PA: Final = 101_325.0
_SEA_LEVEL_K: Final = 288.15
_ZERO_DEGC_K: Final = 273.15


def wind_per_unit(
    weather: Weather,
    *,
    curve: PowerCurve | str,
    hub_height_m: float,
    losses_fraction: float,
    roughness_length_m: float | None = None,
    shear_exponent: float | None = None,
    wake_efficiency: float = 1.0,
    density_correction: bool = True,
) -> Output:
    """Output of wind turbines per kW of rated power.

    Parameters
    ----------
    weather
        Needs ``wind_speed_m_per_s``, and ``temperature_degc`` for the density; takes
        ``pressure_pa`` of the site if it is there, else the standard atmosphere.
    curve
        A power curve, or the name of one in the library.
    hub_height_m
        Height of the hub above ground.
    losses_fraction
        Electrical losses, outages, dirt and ice together; whole wind farms, wakes included, lose
        some 10 to 20 %.
    roughness_length_m, shear_exponent
        One of them carries the speed from ``Weather.wind_height_m`` to the hub; neither is needed
        where the heights are the same. Roughness 0.03 m stands for open farmland, 0.1 m for
        farmland with hedges, 0.4 m for villages and woods (European Wind Atlas); an exponent of
        1/7 for open land, 0.2 for the design wind of IEC 61400-1.
    wake_efficiency
        Output of the farm over that of as many turbines standing alone.
    density_correction
        Correct the speed for air density.

    Returns
    -------
    Output
        ``per_unit`` in kW/kW, shape (steps,), between 0 and 1; ``summary`` with the year's kWh/kW.

    Raises
    ------
    InputError
        Options outside their range (all in one message), missing weather columns.
    """
    check_options(
        hub_height_m=(hub_height_m, 1.0, 300.0),
        losses_fraction=(losses_fraction, 0.0, 1.0),
        wake_efficiency=(wake_efficiency, 0.0, 1.0),
        roughness_length_m=(0.03 if roughness_length_m is None else roughness_length_m, 1e-5, 3.0),
        shear_exponent=(0.0 if shear_exponent is None else shear_exponent, 0.0, 1.0),
    )
    speed = weather.column("wind_speed_m_per_s") * _height_factor(
        weather.wind_height_m, hub_height_m, roughness_length_m, shear_exponent
    )
    if density_correction:
        density = air_density(weather, hub_height_m)
        speed = speed * np.cbrt(density / REFERENCE_DENSITY_KG_PER_M3)
    chosen = power_curve(curve) if isinstance(curve, str) else curve
    per_unit = chosen(speed) * wake_efficiency * (1.0 - losses_fraction)
    return output_of(per_unit, weather.step_hours)


def air_density(weather: Weather, height_m: float) -> FloatArray:
    """Density of dry air [kg/m3] at a height above ground, shape (steps,).

    Temperature falls by 6.5 K/km from the 2 m of the weather table; pressure falls hydrostatically
    from the site's pressure, or is that of the standard atmosphere.
    """
    kelvin = weather.column("temperature_degc") + _ZERO_DEGC_K - _LAPSE_K_PER_M * (height_m - 2.0)
    if weather.has("pressure_pa"):
        fall = -_GRAVITY_M_PER_S2 * height_m / (_GAS_CONSTANT_J_PER_KG_K * kelvin)
        pascal: FloatArray = weather.column("pressure_pa") * np.exp(fall)
    else:
        pascal = np.full(len(kelvin), standard_pressure_pa(weather.altitude_m + height_m))
    density: FloatArray = pascal / (_GAS_CONSTANT_J_PER_KG_K * kelvin)
    return density


def standard_pressure_pa(altitude_m: float) -> float:
    """Pressure of the standard atmosphere (ISO 2533) up to 11 km."""
    exponent = _GRAVITY_M_PER_S2 / (_GAS_CONSTANT_J_PER_KG_K * _LAPSE_K_PER_M)
    return float(_SEA_LEVEL_PA * (1.0 - _LAPSE_K_PER_M * altitude_m / _SEA_LEVEL_K) ** exponent)


def _height_factor(
    measured_m: float, hub_m: float, roughness_m: float | None, exponent: float | None
) -> float:
    if roughness_m is not None and exponent is not None:
        raise InputError(
            Finding(
                "give roughness_length_m or shear_exponent, not both",
                key="shear_exponent",
                value=exponent,
            )
        )
    if exponent is not None:
        return float((hub_m / measured_m) ** exponent)
    if roughness_m is not None:
        if min(measured_m, hub_m) <= roughness_m:
            raise InputError(
                Finding(
                    f"must be smaller than the heights of {measured_m:g} m and {hub_m:g} m",
                    key="roughness_length_m",
                    value=roughness_m,
                )
            )
        return float(np.log(hub_m / roughness_m) / np.log(measured_m / roughness_m))
    if hub_m != measured_m:
        raise InputError(
            Finding(
                f"the wind speed is for {measured_m:g} m and the hub stands at {hub_m:g} m: give "
                f"roughness_length_m (0.03 for open farmland) or shear_exponent (0.14)",
                key="hub_height_m",
                value=hub_m,
            )
        )
    return 1.0
