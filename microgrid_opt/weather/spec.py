"""What a park file says about weather, PV arrays and wind turbines; the bridge to the models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from microgrid_opt.errors import InputError
from microgrid_opt.fields import (
    DcAcRatio,
    Degrees,
    DegreesCelsius,
    Efficiency,
    Fraction,
    Frozen,
    Irradiation,
    MetersPerSecond,
    PerKelvin,
    PositiveMeters,
    Tilt,
    refuse,
    refuse_both,
    require_one,
)
from microgrid_opt.weather import pv

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from microgrid_opt.horizon import Horizon
    from microgrid_opt.park import Site
    from microgrid_opt.weather.curves import PowerCurve
    from microgrid_opt.weather.frame import Weather


class MonthlyMeans(Frozen):
    """Twelve monthly means from which an hourly year is synthesised, seeded."""

    ghi_kwh_per_m2_day: Annotated[tuple[Irradiation, ...], Field(min_length=12, max_length=12)]
    """Global horizontal irradiation per day, January to December."""
    temperature_degc: Annotated[tuple[DegreesCelsius, ...], Field(min_length=12, max_length=12)]
    """Air temperature, January to December."""
    wind_speed_m_per_s: Annotated[tuple[MetersPerSecond, ...], Field(min_length=12, max_length=12)]
    """Wind speed at `wind_height_m`, January to December."""
    wind_height_m: PositiveMeters = 10.0
    """Height above ground of the wind speeds; 10 m is the WMO standard height of anemometers."""
    seed: int = Field(default=0, ge=0)
    """Seed of the random sequence: the same seed gives the same year."""
    source: str = ""
    """Where the means come from."""


class WeatherSpec(Frozen):
    """Weather from a file, or synthesised from monthly means."""

    file: str | None = None
    """EPW, TMY3, PVGIS (JSON or CSV) or own CSV file, relative to the park file."""
    format: Literal["csv", "epw", "pvgis", "tmy3"] | None = None
    """Format of the file; detected when left out."""
    leap_day: Literal["refuse", "copy_feb_28"] = "refuse"
    """What 29 February takes when the weather year has none."""
    interpolate: bool = False
    """Whether steps finer than the weather's are interpolated."""
    synthetic: MonthlyMeans | None = None
    """Monthly means, instead of a file."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        require_one(self, "file", "synthetic")
        return self

    def resolve(self, site: Site, horizon: Horizon, folder: Path) -> Weather:
        """Return the weather on the horizon's steps.

        Raises
        ------
        InputError
            When the file cannot be used, or the site has no position.
        """
        from microgrid_opt.weather.align import align
        from microgrid_opt.weather.files import read_weather

        if self.file is not None:
            weather = read_weather(folder / self.file, self.format)
        else:
            weather = self._synthesised(site, horizon)
        return align(weather, horizon.stamps, leap_day=self.leap_day, interpolate=self.interpolate)

    def _synthesised(self, site: Site, horizon: Horizon) -> Weather:
        from microgrid_opt.weather.synthetic import synthetic_year

        if site.latitude is None or site.longitude is None or self.synthetic is None:
            raise InputError(
                "`site.latitude` and `site.longitude` are needed to synthesise weather."
            )
        means = self.synthetic
        return synthetic_year(
            latitude=site.latitude,
            longitude=site.longitude,
            altitude_m=site.altitude_m,
            timezone=site.timezone,
            year=int(horizon.stamps[0].year),
            ghi_kwh_per_m2_day=np.array(means.ghi_kwh_per_m2_day),
            temperature_degc=np.array(means.temperature_degc),
            wind_speed_m_per_s=np.array(means.wind_speed_m_per_s),
            wind_height_m=means.wind_height_m,
            seed=means.seed,
        )


class PvArray(Frozen):
    """Orientation, losses and inverter of a PV plant; defaults are those of PVWatts Version 5."""

    tilt_deg: Tilt
    """Tilt from the horizontal; with tracking, of the axis."""
    azimuth_deg: Degrees = 180.0
    """Direction that the array faces, clockwise from north; with tracking, of the axis."""
    tracking: pv.Tracking = "fixed"
    """Mounting."""
    rating: pv.Rating = "dc"
    """Whether the size is kW of DC peak or kW of inverter output."""
    dc_ac_ratio: DcAcRatio = pv.DC_AC_RATIO
    """DC peak per inverter output; output is cut at the inverter's rating. PVWatts: 1.1."""
    losses_fraction: Fraction = pv.LOSSES_FRACTION
    """Soiling, wiring, mismatch, availability. PVWatts: 0.14."""
    inverter_efficiency: Efficiency = pv.INVERTER_EFFICIENCY
    """Inverter efficiency at full load. PVWatts: 0.96."""
    temperature_model: pv.TemperatureModel = pv.TEMPERATURE_MODEL
    """Model of the cell temperature, as pvlib names it."""
    temperature_coefficient_per_degc: PerKelvin = pv.TEMPERATURE_COEFFICIENT_PER_DEGC
    """Change of output per kelvin; crystalline silicon in PVWatts: about −0.0047 to −0.0035."""
    transposition: pv.Transposition = pv.TRANSPOSITION
    """Model of the diffuse irradiance on the plane."""
    albedo: Fraction | None = None
    """Reflectance of the ground; left out: from the weather, else 0.2."""
    ground_coverage_fraction: Fraction = pv.GROUND_COVERAGE_FRACTION
    """Ground cover of a tracking plant. PVWatts: 0.4."""
    backtracking: bool = True
    """Whether trackers avoid shading each other."""

    def output_per_kw(self, weather: Weather) -> NDArray[np.float64]:
        """Return AC output per kW of the rating, shape (n,)."""
        return pv.pv_per_unit(weather, **dict(self)).per_unit


class WindTurbine(Frozen):
    """Machine and its site conditions."""

    power_curve: str | None = None
    """Name of a shipped power curve."""
    wind_speed_m_per_s: tuple[MetersPerSecond, ...] | None = None
    """Speeds of an own power curve, increasing; instead of `power_curve`."""
    power_fraction: tuple[Fraction, ...] | None = None
    """Output per rated output at these speeds."""
    hub_height_m: PositiveMeters
    """Height of the hub above ground."""
    roughness_length_m: PositiveMeters | None = None
    """Roughness of the ground for a logarithmic profile; 0.03 open farmland, 0.5 suburbs."""
    shear_exponent: Fraction | None = None
    """Exponent of a power-law profile, instead of the roughness; 1/7 over open land."""
    losses_fraction: Fraction = 0.0
    """Electrical losses, availability."""
    wake_efficiency: Efficiency = 1.0
    """Output left by the wakes of neighbouring machines."""
    density_correction: bool = True
    """Whether the air density at the hub corrects the wind speed (IEC 61400-12-1)."""

    @model_validator(mode="after")
    def _one_curve(self) -> Self:
        require_one(self, "power_curve", "wind_speed_m_per_s")
        refuse_both(self, "roughness_length_m", "shear_exponent")
        if (self.wind_speed_m_per_s is None) != (self.power_fraction is None):
            raise refuse("curve", "`wind_speed_m_per_s` and `power_fraction` go together.")
        return self

    def output_per_kw(self, weather: Weather) -> NDArray[np.float64]:
        """Return output per kW rated, shape (n,)."""
        from microgrid_opt.weather.wind import wind_per_unit

        return wind_per_unit(
            weather,
            curve=self._curve(),
            hub_height_m=self.hub_height_m,
            losses_fraction=self.losses_fraction,
            roughness_length_m=self.roughness_length_m,
            shear_exponent=self.shear_exponent,
            wake_efficiency=self.wake_efficiency,
            density_correction=self.density_correction,
        ).per_unit

    def _curve(self) -> PowerCurve | str:
        from microgrid_opt.weather.curves import PowerCurve

        if self.power_curve is not None:
            return self.power_curve
        return PowerCurve("own curve", self.wind_speed_m_per_s or (), self.power_fraction or ())
