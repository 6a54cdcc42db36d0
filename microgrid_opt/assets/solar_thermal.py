"""Solar thermal collectors: heat by their efficiency curve from the site's weather, or a series."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Self

import numpy as np
from pydantic import model_validator

from microgrid_opt.assets.base import Asset
from microgrid_opt.errors import Finding, InputError
from microgrid_opt.fields import (
    AreaName,
    CarrierName,
    Degrees,
    DegreesCelsius,
    Efficiency,
    Factor,
    Fraction,
    Frozen,
    HeatLossPerKelvin,
    HeatLossPerKelvin2,
    KWPerSquareMeter,
    PositiveFraction,
    PricePerKWh,
    SizedKW,
    SizedM2,
    SquareMetersPerKW,
    Tilt,
    refuse,
    require_one,
)
from microgrid_opt.policies.areas import Footing
from microgrid_opt.series import Series, SeriesField, SeriesPerUnit
from microgrid_opt.weather.output import NOTHING
from microgrid_opt.weather.pv import on_fixed_plane

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from microgrid_opt.audit import AssetAudit
    from microgrid_opt.builder import Builder
    from microgrid_opt.carriers import Carrier
    from microgrid_opt.fields import Size
    from microgrid_opt.problem import Surroundings
    from microgrid_opt.results import AssetResults, Quantity
    from microgrid_opt.weather.frame import Weather

SeriesKWPerM2 = Annotated[Series, SeriesField("kW/m2", ge=0)]
PER_KW, PER_M2 = "output_per_kw", "output_kw_per_m2"


class Collector(Frozen):
    """Orientation and efficiency curve of a collector (EN ISO 9806), per gross or aperture area."""

    tilt_deg: Tilt
    """Tilt from the horizontal."""
    azimuth_deg: Degrees = 180.0
    """Direction that the collectors face, clockwise from north."""
    mean_temperature_degc: DegreesCelsius
    """Mean temperature of the fluid in the collector: half-way between inlet and outlet."""
    optical_efficiency: Efficiency
    """Efficiency without heat loss, eta0; for the area that the size counts."""
    heat_loss_w_per_m2_k: HeatLossPerKelvin = 0.0
    """Linear heat loss, a1."""
    heat_loss_w_per_m2_k2: HeatLossPerKelvin2 = 0.0
    """Quadratic heat loss, a2."""
    incidence_b0: Fraction = 0.0
    """Coefficient of the incidence angle modifier of the beam, 1 - b0 (1/cos - 1)."""
    diffuse_modifier: PositiveFraction = 1.0
    """Incidence angle modifier of the diffuse irradiance."""
    losses_fraction: Fraction = 0.0
    """Pipes and soiling."""
    rated_kw_per_m2: KWPerSquareMeter = 0.7
    """Power by which collectors are counted in kW: 0.7 kW/m2 by convention (IEA SHC and ESTIF, 2004)."""

    def output_kw_per_m2(self, weather: Weather) -> NDArray[np.float64]:
        """Return the heat per area that the sun allows, shape (n,)."""
        weather.require("temperature_degc")
        beam, diffuse, angle_deg = on_fixed_plane(weather, self.tilt_deg, self.azimuth_deg)
        cosine = np.cos(np.radians(angle_deg))
        slope = 1.0 / np.maximum(cosine, 1e-3) - 1.0
        modifier = np.clip(1.0 - self.incidence_b0 * slope, 0.0, 1.0)
        absorbed = modifier * beam + self.diffuse_modifier * diffuse
        excess = self.mean_temperature_degc - weather.column("temperature_degc")
        loss = self.heat_loss_w_per_m2_k * excess + self.heat_loss_w_per_m2_k2 * excess**2
        heat = np.where(absorbed > 0.0, self.optical_efficiency * absorbed - loss, 0.0)
        heat = np.maximum(heat, 0.0) * (1.0 - self.losses_fraction) / 1000.0
        return np.where(heat < NOTHING, 0.0, heat)


class CollectorFooting(Frozen):
    """The shared area on which collectors stand."""

    name: AreaName
    """Name of the area in `areas`."""
    m2_per_kw: SquareMetersPerKW | None = None
    """Area that each kW takes, gaps included; for a size in kW."""
    m2_per_m2: Factor | None = None
    """Area that each m2 of collector takes, gaps included; for a size in m2."""

    @model_validator(mode="after")
    def _one_ratio(self) -> Self:
        require_one(self, "m2_per_kw", "m2_per_m2")
        return self

    @property
    def footing(self) -> Footing:
        """The same with the ratio to whatever the size counts."""
        return Footing(name=self.name, m2_per_kw=self.m2_per_kw or self.m2_per_m2 or 0.0)


class SolarThermal(Asset):
    r"""Collector field that delivers heat up to what the sun allows; surplus stagnates.

    $$ q_t \le f_t\,S, \qquad f_t = (1-\lambda)\,\max\{0,\;
       \eta_0\,(K_t\,G^b_t + K_d\,G^d_t) - a_1\,\Delta_t - a_2\,\Delta_t^2\}, \qquad
       \Delta_t = \vartheta_m - \vartheta_t $$

    | symbol | name | unit |
    |---|---|---|
    | $q_t$ | ``generation``, heat delivered | kW |
    | $S$ | ``collector_m2`` or ``power_kw`` | m² or kW |
    | $f_t$ | ``output_kw_per_m2`` or ``output_per_kw``, given or from ``collector`` and the weather | kW/m², kW/kW |
    | $G^b_t, G^d_t$ | beam and diffuse irradiance on the collector | W/m² |
    | $K_t, K_d$ | incidence angle modifier by ``incidence_b0``; ``diffuse_modifier`` | – |
    | $\eta_0$ | ``optical_efficiency`` | – |
    | $a_1, a_2$ | ``heat_loss_w_per_m2_k``, ``heat_loss_w_per_m2_k2`` | W/(m² K), W/(m² K²) |
    | $\vartheta_m, \vartheta_t$ | ``mean_temperature_degc``; outdoor air | °C |
    | $\lambda$ | ``losses_fraction`` | – |

    A size in kW counts ``rated_kw_per_m2``; $\eta_0 - a_1 \Delta/G - a_2 \Delta^2/G$ is the efficiency.

    References: EN ISO 9806:2017 (collector equation and incidence angle modifiers); irradiance on the
    plane as for PV in `microgrid_opt.weather.pv`.
    """

    type: Literal["solar_thermal"]
    heat_carrier: CarrierName = "heat"
    """Heat that is delivered, by its temperature level."""
    collector_m2: SizedM2 | None = None
    """Collector area; or the size in kW."""
    power_kw: SizedKW | None = None
    """Rated power, instead of the area."""
    output_kw_per_m2: SeriesKWPerM2 | None = None
    """Available heat per m2 of collector, instead of deriving it from the weather."""
    output_per_kw: SeriesPerUnit | None = None
    """Available heat per kW of rated power, instead of deriving it from the weather."""
    collector: Collector | None = None
    """Orientation and efficiency curve, from which the output follows with the site's weather."""
    curtailable: bool = True
    """Whether the field may stagnate; otherwise all heat must be used, stored or dumped."""
    variable_om_per_kwh: PricePerKWh = 0.0
    """Operating cost of each kWh delivered (pumps)."""
    area: CollectorFooting | None = None
    """Shared roof or plot that it stands on."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        require_one(self, "collector_m2", "power_kw")
        require_one(self, PER_M2, PER_KW, "collector")
        size, right, wrong, ratio = (
            ("power_kw", PER_KW, PER_M2, "m2_per_kw")
            if self.collector_m2 is None
            else ("collector_m2", PER_M2, PER_KW, "m2_per_m2")
        )
        if getattr(self, wrong) is not None:
            raise refuse("solar", f"does not go with `{size}`: give `{right}`.", path=(wrong,))
        if self.area is not None and getattr(self.area, ratio) is None:
            raise refuse("solar", f"needs `{ratio}` beside `{size}`.", path=("area",))
        return self

    def misfits(self, place: str, carrier: Callable[[str], Carrier]) -> Iterator[tuple[str, str]]:
        """Refuse a carrier that is not counted in kWh."""
        del place
        unit = carrier(self.heat_carrier).unit
        if unit != "kWh":
            yield "heat_carrier", f"is counted in {unit}: heat is counted in kWh."

    @property
    def _counted(self) -> tuple[str, Size, str]:
        """Name of the size, the size, and the series that says what each unit of it can give."""
        if self.collector_m2 is not None:
            return "collector", self.collector_m2, PER_M2
        if self.power_kw is not None:
            return "power", self.power_kw, PER_KW
        raise AssertionError

    def prepare(self, surroundings: Surroundings) -> Mapping[str, NDArray[np.float64]]:
        """Derive the output from the weather."""
        if self.collector is None:
            return {}
        if surroundings.site.weather is None:
            raise InputError(Finding("needs `site.weather`, which is missing.", key="collector"))
        per_m2 = self.collector.output_kw_per_m2(surroundings.weather)
        if self.collector_m2 is not None:
            return {PER_M2: per_m2}
        return {PER_KW: per_m2 / self.collector.rated_kw_per_m2}

    def build(self, b: Builder) -> None:
        """Write the heat under its profile, the area and the cost."""
        name, spec, key = self._counted
        profile, size = b.data(key), b.size(name, spec)
        heat = b.series("generation", unit="kW", upper=size, profile=profile)
        if not self.curtailable:
            share = b.param("output", profile)
            b.require("no_stagnation", lambda t: heat[t] >= share[t] * size)
        b.supply(self.heat_carrier, heat, role="generation", renewable=True)
        if self.area is not None:
            self.area.footing.build(b, size)
        if self.variable_om_per_kwh:
            b.book("variable_om", b.total(heat, self.variable_om_per_kwh))

    def audit(self, a: AssetAudit) -> None:
        """Re-derive the limit of each step, the area and the cost."""
        name, _, key = self._counted
        heat, available = a.series("generation"), a.data(key) * a.size(name)
        a.at_most("heat not negative", 0.0, heat, unit="kW")
        a.at_most("heat within the available", heat, available, unit="kW")
        if not self.curtailable:
            a.equal("no stagnation", heat, available, unit="kW")
        a.equal("heat supplied", a.supplied(self.heat_carrier), heat, unit="kW")
        if self.area is not None:
            self.area.footing.audit(a, a.size(name))
        a.booked("variable_om", float(heat @ a.horizon.hours) * self.variable_om_per_kwh)

    def summary(self, r: AssetResults) -> Mapping[str, Quantity]:
        """Return the yield and what stagnation cuts."""
        name, spec, key = self._counted
        yields = float(r.data(key) @ r.horizon.hours)
        return {
            "yield": r.quantity(yields, f"kWh/{type(spec).unit}"),
            "curtailed": r.quantity(yields * r.size(name) - r.energy("generation"), "kWh"),
        }
