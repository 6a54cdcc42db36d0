r"""COP of machines that lift heat from a source to a sink: heat pumps and compression chillers.

$$ \varepsilon_t = \zeta\,\frac{T^{sink}_t}{L_t} \ \text{(heat)}, \qquad
   \varepsilon_t = \zeta\,\frac{T^{source}_t}{L_t} \ \text{(cold)}, \qquad
   L_t = \max(T^{sink}_t - T^{source}_t,\, L_{min}) $$

| symbol | name | unit |
|---|---|---|
| $\varepsilon_t$ | ``cop``: useful heat or cold per electricity | kWh/kWh |
| $\zeta$ | ``fraction`` of the Carnot efficiency (quality grade) | – |
| $T_t$ | absolute temperatures, approaches included | K |
| $L_{min}$ | ``least_lift_kelvin`` | K |

Instead of the Carnot efficiency: the COP itself, or a table of it by lift or by both temperatures,
linear in between. A table holds its last value on the easy side (smaller lift, warmer source, cooler
sink), which understates the machine; on the hard side it is refused.

Sources: Carnot efficiency with a quality grade as in oemof.thermal (compression heat pumps and
chillers); published regressions hold from a lift of 15 K: Staffell et al. (2012), A review of domestic
heat pumps, doi:10.1039/c2ee22653g; Ruhnau, Hirth & Praktiknjo (2019), Time series of heat demand and
heat pump efficiency for energy system modeling, doi:10.1038/s41597-019-0199-y.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, NamedTuple, Self

import numpy as np
from pydantic import model_validator

from microgrid_opt.errors import Finding, InputError
from microgrid_opt.fields import (
    DegreesCelsius,
    Factor,
    Frozen,
    Kelvin,
    PositiveFraction,
    PositiveKelvin,
    refuse,
    require_one,
)
from microgrid_opt.series import Series, SeriesDegreesCelsius, SeriesField

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from microgrid_opt.carriers import Carrier
    from microgrid_opt.formulations.converter import InputSeries, Ratio
    from microgrid_opt.problem import Surroundings

    Array = NDArray[np.float64]
    Steps = NDArray[np.bool_]

ZERO_CELSIUS = 273.15
LEAST_COP = 0.05
Side = Literal["source", "sink"]
SIDES: tuple[Side, Side] = ("source", "sink")
MODELS = ("cop", "carnot", "cop_by_lift", "cop_by_temperatures")
SeriesCop = Annotated[Series, SeriesField("1", ge=LEAST_COP)]


class End(NamedTuple):
    """The hard end of a table: key of the axis, values met, the end; 1 for an upper end, or -1."""

    key: str
    values: Array
    end: float
    sign: float

    def beyond(self) -> Steps:
        """Return in which steps the values lie beyond the end."""
        return np.asarray(self.sign * (self.values - self.end) > 0.0)


class Carnot(Frozen):
    """COP as a share of the Carnot efficiency between the two temperatures."""

    fraction: PositiveFraction
    """Share of the Carnot efficiency (quality grade): about 0.4 with outdoor air, 0.5 to 0.55 with
    water or ground as source, 0.4 to 0.6 for high-temperature heat pumps."""
    source_approach_kelvin: Kelvin = 0.0
    """How much colder the refrigerant evaporates than the source is."""
    sink_approach_kelvin: Kelvin = 0.0
    """How much hotter the refrigerant condenses than the sink is."""
    least_lift_kelvin: PositiveKelvin = 15.0
    """Lift, approaches included, below which the COP rises no further; 15 K is where published
    regressions begin."""
    icing_factor: PositiveFraction = 1.0
    """Factor on the COP while the source is colder than `icing_below_degc` (defrosting)."""
    icing_below_degc: DegreesCelsius = 2.0
    """Source temperature below which outdoor coils ice up."""

    def cops(self, source: Array, sink: Array, *, heats: bool) -> Array:
        """Return the COP at temperatures in °C, for heat or for cold, shape (n,)."""
        hot = sink + self.sink_approach_kelvin + ZERO_CELSIUS
        cold = source - self.source_approach_kelvin + ZERO_CELSIUS
        lift = np.maximum(hot - cold, self.least_lift_kelvin)
        icing = np.where(source < self.icing_below_degc, self.icing_factor, 1.0)
        return np.asarray(self.fraction * icing * (hot if heats else cold) / lift)

    def ends(self, source: Array, sink: Array) -> Iterator[End]:
        """Yield nothing: the formula has no end."""
        del source, sink
        yield from ()


class LiftTable(Frozen):
    """COP by temperature lift, linear in between."""

    lift_kelvin: tuple[Kelvin, ...]
    """Lifts from source to sink, increasing."""
    cop: tuple[Factor, ...]
    """COP at these lifts."""

    @model_validator(mode="after")
    def _is_table(self) -> Self:
        refuse_uneven("lift_kelvin", self.lift_kelvin, "cop", self.cop)
        return self

    def cops(self, source: Array, sink: Array, *, heats: bool) -> Array:
        """Return the COP at temperatures in °C, shape (n,)."""
        del heats
        return np.interp(sink - source, self.lift_kelvin, self.cop)

    def ends(self, source: Array, sink: Array) -> Iterator[End]:
        """Yield the largest lift."""
        yield End("lift_kelvin", sink - source, self.lift_kelvin[-1], 1.0)


class CopTable(Frozen):
    """COP by source and sink temperature, bilinear in between, such as test points of EN 14511."""

    source_degc: tuple[DegreesCelsius, ...]
    """Source temperatures, increasing."""
    sink_degc: tuple[DegreesCelsius, ...]
    """Sink temperatures, increasing."""
    cop: tuple[tuple[Factor, ...], ...]
    """COP: a row for each source temperature, with a value for each sink temperature."""

    @model_validator(mode="after")
    def _is_table(self) -> Self:
        refuse_uneven("source_degc", self.source_degc, "cop", self.cop)
        for number, row in enumerate(self.cop):
            refuse_uneven("sink_degc", self.sink_degc, f"cop[{number}]", row)
        return self

    def cops(self, source: Array, sink: Array, *, heats: bool) -> Array:
        """Return the COP at temperatures in °C, shape (n,)."""
        del heats
        rows = np.array([np.interp(sink, self.sink_degc, row) for row in self.cop])
        at = np.interp(source, self.source_degc, np.arange(len(rows)))
        below = np.floor(at).astype(int)
        above, steps = np.minimum(below + 1, len(rows) - 1), np.arange(len(at))
        share = at - below
        return np.asarray((1.0 - share) * rows[below, steps] + share * rows[above, steps])

    def ends(self, source: Array, sink: Array) -> Iterator[End]:
        """Yield the coldest source and the hottest sink."""
        yield End("source_degc", source, self.source_degc[0], -1.0)
        yield End("sink_degc", sink, self.sink_degc[-1], 1.0)


class Derating(Frozen):
    """Capacity by the temperature of the outdoor side, linear in between."""

    temperature_degc: tuple[DegreesCelsius, ...]
    """Temperatures, increasing."""
    fraction: tuple[Factor, ...]
    """Share of the size that is available at these temperatures."""

    @model_validator(mode="after")
    def _is_table(self) -> Self:
        refuse_uneven("temperature_degc", self.temperature_degc, "fraction", self.fraction)
        return self


def refuse_uneven(
    axis: str, values: Sequence[float], column: str, entries: Sequence[object]
) -> None:
    """Refuse an axis that does not increase, and a column of another length."""
    if not values or (np.diff(values) <= 0).any():
        raise refuse("table", "needs values that increase from entry to entry.", path=(axis,))
    if len(values) != len(entries):
        raise refuse(
            "table", f"`{column}` has {len(entries)} entries for {len(values)} of `{axis}`."
        )


class TwoTemperatures(Frozen):
    """Fields of a machine whose COP follows from the temperatures of its source and its sink."""

    heats: ClassVar[bool]
    outdoor: ClassVar[Side]
    least_cop: ClassVar[float] = LEAST_COP

    cop: SeriesCop | None = None
    """Heat (or cold) per kWh of electricity, given; otherwise one of the next three keys."""
    carnot: Carnot | None = None
    """Share of the Carnot efficiency between source and sink."""
    cop_by_lift: LiftTable | None = None
    """Table of the COP by temperature lift."""
    cop_by_temperatures: CopTable | None = None
    """Table of the COP by source and sink temperature."""
    source_temperature_degc: SeriesDegreesCelsius | None = None
    """Temperature of what heat is taken from; left out: that of the carrier which is drawn or
    cooled, or else the outdoor air of `site.weather`."""
    sink_temperature_degc: SeriesDegreesCelsius | None = None
    """Temperature at which heat is given off; left out: that of the carrier which is heated, or else
    the outdoor air of `site.weather`."""
    capacity_by_temperature: Derating | None = None
    """Share of the size by the temperature of the outdoor side: the source of a heat pump, the sink
    of a chiller."""

    @property
    @abstractmethod
    def sides(self) -> Mapping[Side, str | None]:
        """Carrier on either side, or ``None`` for the outdoor air."""

    @property
    def asked(self) -> frozenset[Side]:
        """Sides whose temperature matters."""
        outdoor = {self.outdoor} if self.capacity_by_temperature is not None else set()
        return frozenset(SIDES if self.cop is None else outdoor)

    @property
    def _model(self) -> str:
        return next(key for key in MODELS if getattr(self, key) is not None)

    def is_off(self, temperatures: Mapping[Side, Array]) -> Steps | bool:
        """Return in which steps the machine cannot run."""
        del temperatures
        return False

    @model_validator(mode="after")
    def _one_model(self) -> Self:
        require_one(self, *MODELS)
        for side in SIDES:
            key = f"{side}_temperature_degc"
            if getattr(self, key) is not None and side not in self.asked:
                raise refuse("cop", "has no effect where `cop` is given.", path=(key,))
        return self

    def missing_levels(self, carrier: Callable[[str], Carrier]) -> Iterator[tuple[str, str]]:
        """Yield (field, message) for temperatures that neither a carrier nor a key gives."""
        for side, name in self.sides.items():
            key = f"{side}_temperature_degc"
            if name is None or side not in self.asked or getattr(self, key) is not None:
                continue
            if carrier(name).temperature_degc is None:
                yield (
                    key,
                    f"is missing, and {name!r} has no temperature: give this key, or use a carrier "
                    "of the park with `temperature_degc`.",
                )

    def prepare(self, surroundings: Surroundings) -> Mapping[str, Array]:
        """Derive COP and available capacity from the temperatures."""
        found: dict[str, Array] = {}
        temperatures = {
            side: self._temperature(side, surroundings, found)
            for side in SIDES
            if side in self.asked
        }
        share = np.ones(len(surroundings.horizon))
        table = self.capacity_by_temperature
        if table is not None:
            outside = temperatures[self.outdoor]
            share = np.interp(outside, table.temperature_degc, table.fraction)
        off = np.broadcast_to(self.is_off(temperatures), len(share))
        if table is not None:
            last, sign = (-1, 1.0) if self.outdoor == "sink" else (0, -1.0)
            end = End("temperature_degc", outside, table.temperature_degc[last], sign)
            _refuse_beyond("capacity_by_temperature", end, off, surroundings)
        if table is not None or off.any():
            found["available_fraction"] = np.where(off, 0.0, share)
        found["cop"] = self._cops(temperatures, off, surroundings)
        low = np.flatnonzero((found["cop"] < self.least_cop) & ~off)
        if low.size:
            met, at = found["cop"][low[0]], surroundings.horizon.stamps[low[0]]
            problem = f"gives a COP of {met:.4g} at {at}: must be at least {self.least_cop:g}."
            raise InputError(Finding(problem, key=self._model))
        return found

    def _cops(
        self, temperatures: Mapping[Side, Array], off: Steps, surroundings: Surroundings
    ) -> Array:
        if self.cop is not None:
            return surroundings.data("cop")
        source, sink = temperatures["source"], temperatures["sink"]
        model = getattr(self, self._model)
        for end in model.ends(source, sink):
            _refuse_beyond(self._model, end, off, surroundings)
        return np.asarray(model.cops(source, sink, heats=self.heats))

    def _temperature(
        self, side: Side, surroundings: Surroundings, found: dict[str, Array]
    ) -> Array:
        key = f"{side}_temperature_degc"
        name = self.sides[side]
        level = None if name is None else surroundings.carrier(name).temperature_degc
        if getattr(self, key) is not None:
            given = surroundings.data(key)
            # A carrier is served at its own temperature or above, and taken at its own or below.
            wrong = level is not None and (
                given.min() < level if side == "sink" else given.max() > level
            )
            if wrong:
                word = "below" if side == "sink" else "above"
                raise InputError(Finding(f"lies {word} the {level:g} °C of {name!r}.", key=key))
            return given
        if level is not None:
            return np.full(len(surroundings.horizon), level)
        if surroundings.site.weather is None:
            raise InputError(
                Finding("is missing, and there is no `site.weather` for the outdoor air.", key=key)
            )
        found[key] = surroundings.weather.column("temperature_degc")
        return found[key]

    def availability(self, given: InputSeries) -> Ratio:
        """Return the share of the size that the outdoor temperature leaves [-]."""
        known = given.has_data("available_fraction")
        return given.data("available_fraction") if known else 1.0


def _refuse_beyond(table: str, end: End, off: Steps, surroundings: Surroundings) -> None:
    """Refuse the first step in which a running machine leaves its table on the hard side."""
    beyond = np.flatnonzero(end.beyond() & ~off)
    if beyond.size:
        met, at = end.values[beyond[0]], surroundings.horizon.stamps[beyond[0]]
        problem = f"ends at {end.end:g}, but {met:.4g} is met at {at}: extend the table."
        raise InputError(Finding(problem, key=f"{table}.{end.key}"))
