r"""Photovoltaic output per kW installed, by the PVWatts chain in pvlib.

Sun at the middle of the step (or at ``Weather.sun_minute``) → irradiance on the plane → losses by
reflection → cell temperature → direct current → losses → inverter:

$$ P_{dc} = \frac{G}{1000}\,(1 + \gamma\,(T_c - 25))\,(1 - \ell), \qquad
   P_{ac} = \min\left(\eta(P_{dc})\,P_{dc},\ \frac{1}{r}\right) $$

| symbol | name | unit |
|---|---|---|
| $G$ | irradiance on the plane that reaches the cells | W/m2 |
| $\gamma$ | ``temperature_coefficient_per_degc`` | 1/K |
| $T_c$ | cell temperature | degC |
| $\ell$ | ``losses_fraction`` | - |
| $r$ | ``dc_ac_ratio``: kW of direct-current peak per kW of inverter output | - |
| $\eta$ | inverter efficiency, a function of load that is ``inverter_efficiency`` at full load | - |

References: A. P. Dobos, PVWatts Version 5 Manual, NREL/TP-6A20-62641, 2014, doi:10.2172/1158421;
K. S. Anderson et al., pvlib python: 2023 project update, JOSS 8(92), 5994, 2023,
doi:10.21105/joss.05994. The models on offer are named after their papers in pvlib's documentation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import numpy as np

from microgrid_opt.weather.output import Output, check_options, output_of

if TYPE_CHECKING:
    import numpy.typing as npt

    from microgrid_opt.weather.frame import Weather

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.int32]

Tracking = Literal["fixed", "single_axis"]
Rating = Literal["dc", "ac"]
Transposition = Literal["perez", "haydavies", "isotropic"]
Decomposition = Literal["erbs", "disc"]
IncidenceModel = Literal["physical", "ashrae", "martin_ruiz", "none"]
TemperatureModel = Literal[
    "sapm_open_rack_glass_polymer",
    "sapm_open_rack_glass_glass",
    "sapm_close_mount_glass_glass",
    "sapm_insulated_back_glass_polymer",
    "faiman",
    "pvsyst_freestanding",
    "pvsyst_semi_integrated",
    "pvsyst_insulated",
]

DC_AC_RATIO: Final = 1.1
LOSSES_FRACTION: Final = 0.14
INVERTER_EFFICIENCY: Final = 0.96
GROUND_COVERAGE_FRACTION: Final = 0.4
"""PVWatts Version 5 (Dobos 2014), tables of defaults."""
TEMPERATURE_COEFFICIENT_PER_DEGC: Final = -0.004
"""Crystalline silicon in PVWatts: about -0.0047 (standard) to -0.0035 (premium)."""
TEMPERATURE_MODEL: Final = "sapm_open_rack_glass_polymer"
TRANSPOSITION: Final = "perez"
_DEFAULT_ALBEDO: Final = 0.2
_LOWEST_BEAM_ZENITH_DEG: Final = 88.0
_REFERENCE_EFFICIENCY: Final = 0.9637
_MODEL_WIND_HEIGHT_M: Final = 10.0
_OPEN_LAND_SHEAR: Final = 1 / 7


def pv_per_unit(
    weather: Weather,
    *,
    tilt_deg: float,
    azimuth_deg: float,
    tracking: Tracking = "fixed",
    rating: Rating = "dc",
    dc_ac_ratio: float = DC_AC_RATIO,
    losses_fraction: float = LOSSES_FRACTION,
    inverter_efficiency: float = INVERTER_EFFICIENCY,
    temperature_model: TemperatureModel = TEMPERATURE_MODEL,
    temperature_coefficient_per_degc: float = TEMPERATURE_COEFFICIENT_PER_DEGC,
    transposition: Transposition = TRANSPOSITION,
    decomposition: Decomposition = "erbs",
    incidence_model: IncidenceModel = "physical",
    albedo: float | None = None,
    ground_coverage_fraction: float = GROUND_COVERAGE_FRACTION,
    backtracking: bool = True,
    max_tracking_angle_deg: float = 60.0,
) -> Output:
    """Alternating-current output of a PV plant per kW installed.

    Parameters
    ----------
    weather
        Needs ``temperature_degc``, ``wind_speed_m_per_s`` and either ``ghi_w_per_m2`` (the other
        two are then estimated where missing) or both ``dni_w_per_m2`` and ``dhi_w_per_m2``.
    tilt_deg
        Angle between plane and horizon; with tracking, that of the axis (0 for most trackers).
    azimuth_deg
        Compass direction the plane faces (0 north, 90 east, 180 south, 270 west); with tracking,
        the direction of the axis.
    tracking
        Fixed plane, or one axis turned towards the sun.
    rating
        The kW that the output is per: ``dc``, the modules' peak power; ``ac``, the inverter's
        rated output.
    dc_ac_ratio
        kW of modules per kW of inverter; output above 1/dc_ac_ratio per kW of modules is cut off.
    losses_fraction
        Soiling, mismatch, wiring, age and outages together; 0.14 is the PVWatts default.
    inverter_efficiency
        At rated output.
    temperature_model
        How hot the cells get. For modules close to a roof take ``sapm_close_mount_glass_glass``.
    temperature_coefficient_per_degc
        Change of power per K of cell temperature, negative.
    transposition
        Sky model from the horizontal to the plane.
    decomposition
        Beam and diffuse from the global irradiance, where the weather has only the latter.
    incidence_model
        Reflection of the beam at the glass.
    albedo
        Reflectance of the ground; ``None`` takes the weather's column, or 0.2 without one.
    ground_coverage_fraction
        Module area over ground area; with backtracking, trackers avoid shading each other.

    Returns
    -------
    Output
        ``per_unit`` in kW/kW, shape (steps,), between 0 and 1 for ``ac`` and between 0 and
        1/dc_ac_ratio for ``dc``; ``summary`` with the year's kWh/kW and the clipped share.

    Raises
    ------
    InputError
        Options outside their range (all in one message), missing weather columns.
    """
    check_options(
        tilt_deg=(tilt_deg, 0.0, 90.0),
        azimuth_deg=(azimuth_deg, 0.0, 360.0),
        dc_ac_ratio=(dc_ac_ratio, 0.5, 3.0),
        losses_fraction=(losses_fraction, 0.0, 1.0),
        inverter_efficiency=(inverter_efficiency, 0.5, 1.0),
        temperature_coefficient_per_degc=(temperature_coefficient_per_degc, -0.02, 0.0),
        albedo=(0.0 if albedo is None else albedo, 0.0, 1.0),
        ground_coverage_fraction=(ground_coverage_fraction, 0.01, 1.0),
        max_tracking_angle_deg=(max_tracking_angle_deg, 0.0, 90.0),
        tracking=(tracking, Tracking),
        rating=(rating, Rating),
        temperature_model=(temperature_model, TemperatureModel),
        transposition=(transposition, Transposition),
        decomposition=(decomposition, Decomposition),
        incidence_model=(incidence_model, IncidenceModel),
    )
    weather.require("temperature_degc", "wind_speed_m_per_s")
    sun = _sun(weather)
    sky = _sky(weather, sun, decomposition)
    plane = _Plane(np.full(len(sky.ghi), tilt_deg), np.full(len(sky.ghi), azimuth_deg))
    if tracking == "single_axis":
        coverage = ground_coverage_fraction if backtracking else None
        plane = _tracked(sun, plane, max_tracking_angle_deg, coverage)
    incident = _on_plane(sun, sky, plane, transposition, _albedo(weather, albedo))
    absorbed = incident.beam * _transmitted(incident.angle_deg, incidence_model) + incident.diffuse
    cell_degc = _cell_temperature(weather, incident.beam + incident.diffuse, temperature_model)
    dc = absorbed / 1000.0 * (1.0 + temperature_coefficient_per_degc * (cell_degc - 25.0))
    dc = np.maximum(dc, 0.0) * (1.0 - losses_fraction)
    ac, clipped_fraction = _inverter(dc, dc_ac_ratio, inverter_efficiency)
    if rating == "ac":
        ac = ac * dc_ac_ratio
    return output_of(ac, weather.step_hours, clipped_fraction)


@dataclass(frozen=True)
class _Sun:
    day_of_year: IntArray
    zenith_deg: FloatArray
    apparent_zenith_deg: FloatArray
    azimuth_deg: FloatArray
    extraterrestrial_w_per_m2: FloatArray

    @property
    def height(self) -> FloatArray:
        """Sine of the sun's height, 0 at night."""
        height: FloatArray = np.cos(np.radians(self.zenith_deg))
        return np.maximum(height, 0.0)


class _Sky(NamedTuple):
    ghi: FloatArray
    dni: FloatArray
    dhi: FloatArray


class _Plane(NamedTuple):
    tilt_deg: FloatArray
    azimuth_deg: FloatArray


class Incident(NamedTuple):
    """What falls on a plane [W/m²], and the angle of its beam [°]; each of shape (n,)."""

    beam: FloatArray
    diffuse: FloatArray
    angle_deg: FloatArray


def _sun(weather: Weather) -> _Sun:
    from microgrid_opt.weather.solar import irradiance, solarposition

    times = weather.sun_times()
    position = solarposition.get_solarposition(
        times, weather.latitude, weather.longitude, altitude=weather.altitude_m
    )
    day_of_year = times.tz_convert("UTC").day_of_year.to_numpy()
    return _Sun(
        day_of_year,
        position["zenith"].to_numpy(),
        position["apparent_zenith"].to_numpy(),
        position["azimuth"].to_numpy(),
        np.asarray(irradiance.get_extra_radiation(day_of_year)),
    )


def _sky(weather: Weather, sun: _Sun, decomposition: Decomposition) -> _Sky:
    """Global, beam and diffuse irradiance; what is missing follows from the rest."""
    from microgrid_opt.weather.solar import irradiance

    has_dni, has_dhi = weather.has("dni_w_per_m2"), weather.has("dhi_w_per_m2")
    if has_dni and has_dhi:
        dni, dhi = weather.column("dni_w_per_m2"), weather.column("dhi_w_per_m2")
        if weather.has("ghi_w_per_m2"):
            return _Sky(weather.column("ghi_w_per_m2"), dni, dhi)
        return _Sky(dni * sun.height + dhi, dni, dhi)
    ghi = weather.column("ghi_w_per_m2")
    if has_dni:
        dni = weather.column("dni_w_per_m2")
        return _Sky(ghi, dni, np.maximum(ghi - dni * sun.height, 0.0))
    if has_dhi:
        dhi = weather.column("dhi_w_per_m2")
        height = np.where(sun.zenith_deg < _LOWEST_BEAM_ZENITH_DEG, sun.height, np.inf)
        dni = np.clip((ghi - dhi) / height, 0.0, sun.extraterrestrial_w_per_m2)
        return _Sky(ghi, dni, dhi)
    if decomposition == "erbs":
        parts = irradiance.erbs(ghi, sun.zenith_deg, sun.day_of_year)
        return _Sky(ghi, np.asarray(parts["dni"]), np.asarray(parts["dhi"]))
    dni = np.asarray(irradiance.disc(ghi, sun.zenith_deg, sun.day_of_year)["dni"])
    return _Sky(ghi, dni, np.maximum(ghi - dni * sun.height, 0.0))


def _tracked(sun: _Sun, axis: _Plane, max_angle_deg: float, coverage: float | None) -> _Plane:
    """Plane of a single-axis tracker; flat at night. No coverage: no backtracking."""
    from microgrid_opt.weather.solar import tracking

    turned = tracking.singleaxis(
        sun.apparent_zenith_deg,
        sun.azimuth_deg,
        float(axis.tilt_deg[0]),
        float(axis.azimuth_deg[0]),
        max_angle=max_angle_deg,
        backtrack=coverage is not None,
        gcr=coverage or 1.0,
    )
    return _Plane(
        np.nan_to_num(np.asarray(turned["surface_tilt"])),
        np.nan_to_num(np.asarray(turned["surface_azimuth"])),
    )


def on_fixed_plane(weather: Weather, tilt_deg: float, azimuth_deg: float) -> Incident:
    """Return beam and diffuse irradiance on a fixed plane, each of shape (n,).

    Parameters
    ----------
    weather
        Irradiance, and temperature for the sun's apparent height.
    tilt_deg, azimuth_deg
        Of the plane [°]; 180° faces south.

    Returns
    -------
    Beam and diffuse irradiance [W/m²], and the angle of incidence [°].
    """
    sun = _sun(weather)
    sky = _sky(weather, sun, "erbs")
    plane = _Plane(np.full(len(sky.ghi), tilt_deg), np.full(len(sky.ghi), azimuth_deg))
    return _on_plane(sun, sky, plane, TRANSPOSITION, _albedo(weather, None))


def _on_plane(
    sun: _Sun, sky: _Sky, plane: _Plane, transposition: Transposition, albedo: FloatArray
) -> Incident:
    from microgrid_opt.weather.solar import atmosphere, irradiance

    angle_deg = np.asarray(
        irradiance.aoi(plane.tilt_deg, plane.azimuth_deg, sun.apparent_zenith_deg, sun.azimuth_deg)
    )
    parts = irradiance.get_total_irradiance(
        plane.tilt_deg,
        plane.azimuth_deg,
        sun.apparent_zenith_deg,
        sun.azimuth_deg,
        sky.dni,
        sky.ghi,
        sky.dhi,
        dni_extra=sun.extraterrestrial_w_per_m2,
        airmass=np.asarray(atmosphere.get_relative_airmass(sun.apparent_zenith_deg)),
        albedo=albedo,
        model=transposition,
    )
    beam = np.maximum(np.nan_to_num(np.asarray(parts["poa_direct"])), 0.0)
    diffuse = np.maximum(np.nan_to_num(np.asarray(parts["poa_diffuse"])), 0.0)
    return Incident(beam, diffuse, angle_deg)


def _transmitted(angle_deg: FloatArray, model: IncidenceModel) -> FloatArray:
    """Share of the beam that passes the glass, relative to normal incidence."""
    from microgrid_opt.weather.solar import iam

    if model == "none":
        return np.ones_like(angle_deg)
    function = {"physical": iam.physical, "ashrae": iam.ashrae, "martin_ruiz": iam.martin_ruiz}
    share: FloatArray = np.nan_to_num(np.asarray(function[model](angle_deg)))
    return share


def _albedo(weather: Weather, given: float | None) -> FloatArray:
    if given is None and weather.has("albedo"):
        return weather.column("albedo")
    return np.full(len(weather.index), _DEFAULT_ALBEDO if given is None else given)


def _cell_temperature(
    weather: Weather, incident: FloatArray, model: TemperatureModel
) -> FloatArray:
    from microgrid_opt.weather.solar import temperature

    air = weather.column("temperature_degc")
    wind = weather.column("wind_speed_m_per_s")
    wind = wind * (_MODEL_WIND_HEIGHT_M / weather.wind_height_m) ** _OPEN_LAND_SHEAR
    family, _, mounting = model.partition("_")
    if family == "faiman":
        return np.asarray(temperature.faiman(incident, air, wind))
    function = {"sapm": temperature.sapm_cell, "pvsyst": temperature.pvsyst_cell}[family]
    parameters = temperature.TEMPERATURE_MODEL_PARAMETERS[family][mounting]
    return np.asarray(function(incident, air, wind, **parameters))


def _inverter(dc: FloatArray, dc_ac_ratio: float, efficiency: float) -> tuple[FloatArray, float]:
    """Alternating current per kW of modules, and the share of energy that the limit cuts off.

    PVWatts inverter (Dobos 2014, section 11); pvlib has it, but gives only the limited output.
    """
    limit = 1.0 / dc_ac_ratio
    load = dc * (efficiency / limit)
    raw = np.zeros_like(dc)
    on = load > 0
    part = -0.0162 * load[on] - 0.0059 / load[on] + 0.9858
    raw[on] = np.maximum(efficiency / _REFERENCE_EFFICIENCY * part * dc[on], 0.0)
    limited = np.minimum(raw, limit)
    total = float(raw.sum())
    return limited, float((raw - limited).sum()) / total if total > 0 else 0.0
