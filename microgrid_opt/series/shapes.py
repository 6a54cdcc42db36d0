"""Series that follow the calendar: constants, days, seasons and months.

Each shape is a step function of local wall-clock time. A step of the horizon gets the mean of the
function over the step, so that power × price stays exact however long the step is.

Day types: Monday to Friday, Saturday and Sunday, and holidays (the horizon's). A shape that does not
name holidays treats them like any other Monday, Tuesday, ...
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Self, TypeVar

import numpy as np
from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, model_validator
from pydantic_core import core_schema

from microgrid_opt.errors import InputError
from microgrid_opt.fields import Frozen, Unit, currency_of, refuse
from microgrid_opt.horizon import Horizon

if TYPE_CHECKING:
    from collections.abc import Sized

    from numpy.typing import NDArray
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue

DAY_MINUTES = 1440
MONTH_NAMES = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)
DAY_TYPES = ("weekday", "weekend", "holiday")
MIXED = "mixed"
MAX_PARTS = 4_000_000

T = TypeVar("T", bound="Sized")


def some(values: T) -> T:
    """Refuse nothing where something is needed."""
    if not values:
        raise refuse("empty", "is empty: give one at least.")
    return values


# Pydantic's own min_length also counts what an inner error has removed, and tells of both.
Some = (AfterValidator(some), Field(json_schema_extra={"minItems": 1}))
Months = Annotated[tuple[Annotated[int, Field(ge=1, le=12)], ...], *Some]


@dataclass(frozen=True)
class KeyUnit:
    """Pydantic metadata: a number in the unit of the series' key, or a quantity.

    The unit comes with the validation context (``{"series": Unit}``), because the same shape serves
    power, prices and shares. ``per_year`` asks for the amount that a flow adds up to: kWh for kW.
    """

    per_year: bool = False

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Return the schema that turns numbers and quantities into floats."""
        del source, handler
        return core_schema.with_info_plain_validator_function(self._validate)

    def _validate(self, value: object, info: ValidationInfo) -> float:
        marker = (info.context or {}).get("series")
        if marker is None:
            if isinstance(value, str):
                raise refuse("unit", "a quantity needs a key with a unit: give a plain number.")
            marker = Unit("1")
        elif self.per_year:
            amounts = {"kW": "kWh", "kg/h": "kg"}
            if marker.unit not in amounts:
                raise refuse("unit", "a yearly amount makes sense for kW and kg/h only.")
            marker = Unit(amounts[marker.unit], ge=0)
        try:
            return float(marker.convert(value, currency_of(info)))
        except ValueError as error:
            raise refuse("unit", str(error)) from None

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Return number or quantity."""
        del schema, handler
        return {"anyOf": Unit("1").number_schema()}


Value = Annotated[float, KeyUnit()]


@dataclass(frozen=True, eq=False)
class Resolved:
    """A series on the steps of a horizon.

    Parameters
    ----------
    values
        Mean over each step in the unit of the key, shape (n,).
    periods
        Price period of each step as an index into `period_names`, shape (n,); ``None`` where the
        series has none.
    period_names
        Names of the price periods; the last is ``mixed`` if a step crosses from one to another.
    """

    values: NDArray[np.float64]
    periods: NDArray[np.int64] | None = None
    period_names: tuple[str, ...] = ()


class Series(Frozen):
    """Base of all forms of a series; a field of this type takes any of them."""


class CalendarSeries(Series, ABC):
    """A series that follows from the calendar alone."""

    @property
    @abstractmethod
    def slot_minutes(self) -> int:
        """Length of the parts of a day in which the value is constant [min]."""

    @abstractmethod
    def at_starts(self, horizon: Horizon) -> Resolved:
        """Return what holds at the start of each step."""

    def on(self, horizon: Horizon) -> Resolved:
        """Return means over the steps.

        Raises
        ------
        InputError
            The steps cut the day into more parts than can be handled.
        """
        split = split_steps(horizon, self.slot_minutes)
        if split is None:
            return self.at_starts(horizon)
        fine, starts = split
        parts = self.at_starts(fine)
        values = fine.average(parts.values, starts)
        if parts.periods is None:
            return Resolved(values)
        lowest = np.minimum.reduceat(parts.periods, starts)
        crosses = lowest != np.maximum.reduceat(parts.periods, starts)
        names = (*parts.period_names, MIXED) if crosses.any() else parts.period_names
        return Resolved(values, np.where(crosses, len(parts.period_names), lowest), names)


def split_steps(horizon: Horizon, slot_minutes: int) -> tuple[Horizon, NDArray[np.int64]] | None:
    """Cut steps that cross a slot of the local day.

    Returns
    -------
    The finer horizon and the first part of each step, or ``None`` if no step crosses a slot.
    """
    import pandas as pd

    slot = slot_minutes * 60
    lengths = np.rint(horizon.step_hours * 3600.0).astype(np.int64)
    into = np.rint(horizon.hour_of_day * 3600.0).astype(np.int64) % slot
    units = [slot]
    if _clock_jumps(horizon, lengths):
        # Clocks change at whole quarters of an hour everywhere (IANA time zone data base).
        units.append(900)
    elif (into + lengths <= slot).all():
        return None
    part = int(np.gcd.reduce(np.concatenate([lengths, into, units])))
    counts = lengths // part
    if counts.sum() > MAX_PARTS:
        raise InputError(
            f"The steps do not fit the {slot_minutes}-minute parts of the day: give steps whose "
            "lengths and starts are whole minutes."
        )
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    within = np.arange(counts.sum()) - np.repeat(starts, counts)
    nanoseconds = np.repeat(horizon.stamps.as_unit("ns").asi8, counts) + within * part * 10**9
    stamps = pd.DatetimeIndex(nanoseconds, tz="UTC").tz_convert(horizon.stamps.tz)
    hours = np.full(len(stamps), part / 3600.0)
    return Horizon(stamps, hours, np.repeat(horizon.weight, counts), horizon.holidays), starts


def _clock_jumps(horizon: Horizon, seconds: NDArray[np.int64]) -> bool:
    """Return whether the clock is changed inside a step."""
    import pandas as pd

    last = horizon.stamps.as_unit("ns") + pd.to_timedelta(seconds * 10**9 - 1, unit="ns")
    elapsed = last.tz_localize(None) - horizon.stamps.as_unit("ns").tz_localize(None)
    return bool((elapsed.as_unit("ns").asi8 != seconds * 10**9 - 1).any())


def day_types(horizon: Horizon, *, split_holidays: bool) -> NDArray[np.int64]:
    """Return the index into `DAY_TYPES` of each step, shape (n,)."""
    types = horizon.is_weekend.astype(np.int64)
    return np.where(horizon.is_holiday, 2, types) if split_holidays else types


def minute_of_day(horizon: Horizon) -> NDArray[np.int64]:
    """Return the local minute of the day at which each step starts, shape (n,)."""
    return np.floor(horizon.hour_of_day * 60.0 + 1e-6).astype(np.int64)


def _day(values: tuple[float, ...]) -> tuple[float, ...]:
    if len(values) not in {24, 48, 96}:
        raise refuse(
            "day",
            f"has {len(values)} values: a day has 24 (hours), 48 (half hours) or 96 (quarters).",
        )
    return values


def _list(values: object) -> object:
    if not isinstance(values, (list, tuple)):
        raise refuse("list", "must be a list of numbers or quantities.")
    return values


List = Annotated[tuple[Value, ...], BeforeValidator(_list)]
Day = Annotated[List, AfterValidator(_day)]


class Constant(CalendarSeries):
    """The same value in every step; written as the plain number or quantity."""

    value: Value
    """The value."""

    @property
    def slot_minutes(self) -> int:
        """Length of the parts of a day in which the value is constant [min]."""
        return DAY_MINUTES

    def on(self, horizon: Horizon) -> Resolved:
        """Return the value for every step."""
        return self.at_starts(horizon)

    def at_starts(self, horizon: Horizon) -> Resolved:
        """Return the value for every step."""
        return Resolved(np.full(len(horizon), self.value))


class _Days(Frozen):
    """The values of a day, the same for all or by day type."""

    hourly: Day | None = None
    """24 values from 0:00 local time (or 48, or 96), the same for every day."""
    weekday: Day | None = None
    """Values of Monday to Friday; with `weekend`, instead of `hourly`."""
    weekend: Day | None = None
    """Values of Saturday and Sunday."""
    holiday: Day | None = None
    """Values of holidays; without it, a holiday is like any other day of the week."""

    @model_validator(mode="after")
    def _one_way_to_say_it(self) -> Self:
        by_type = [name for name in DAY_TYPES if getattr(self, name) is not None]
        if self.hourly is not None and by_type:
            raise refuse("day", f"give either `hourly` or `{by_type[0]}`, not both.")
        if by_type and (self.weekday is None or self.weekend is None):
            raise refuse("day", "give both `weekday` and `weekend`, or `hourly` for all days.")
        return self

    def given(self) -> tuple[tuple[float, ...], ...]:
        """Return the values by day type: one for all, two, or three with holidays."""
        if self.hourly is not None:
            return (self.hourly,)
        return tuple(day for day in (self.weekday, self.weekend, self.holiday) if day is not None)

    def day_slot_minutes(self) -> int:
        """Return the length of the shortest slot [min]."""
        return min((DAY_MINUTES // len(day) for day in self.given()), default=DAY_MINUTES)

    def day_values(self, horizon: Horizon) -> NDArray[np.float64]:
        """Return what holds at the start of each step."""
        days = self.given()
        minute = minute_of_day(horizon)
        if len(days) == 1:
            types = np.zeros(len(horizon), dtype=np.int64)
        else:
            types = day_types(horizon, split_holidays=len(days) == 3)
        slots = DAY_MINUTES // self.day_slot_minutes()
        table = np.array([np.repeat(day, slots // len(day)) for day in days])
        return np.asarray(table[types, minute * slots // DAY_MINUTES])


class DayShape(CalendarSeries, _Days):
    """One day, repeated: `hourly`, or `weekday` and `weekend` (and `holiday`)."""

    @model_validator(mode="after")
    def _some_day(self) -> Self:
        if not self.given():
            raise refuse("day", "give `hourly`, or `weekday` and `weekend`.")
        return self

    @property
    def slot_minutes(self) -> int:
        """Length of the parts of a day in which the value is constant [min]."""
        return self.day_slot_minutes()

    def at_starts(self, horizon: Horizon) -> Resolved:
        """Return what holds at the start of each step."""
        return Resolved(self.day_values(horizon))


class Season(_Days):
    """Some months with one value, or with a day of their own."""

    months: Months
    """Months of the season, 1 to 12."""
    value: Value | None = None
    """The value of all hours of the season, instead of a day."""

    @model_validator(mode="after")
    def _value_or_day(self) -> Self:
        if (self.value is None) == (not self.given()):
            raise refuse("season", "give either `value`, or `hourly`, or `weekday` and `weekend`.")
        return self


class Seasons(CalendarSeries):
    """Seasons by name; together they hold each month once."""

    seasons: Annotated[dict[str, Season], AfterValidator(some)]
    """The seasons."""

    @model_validator(mode="after")
    def _every_month_once(self) -> Self:
        owner: dict[int, str] = {}
        for name, season in self.seasons.items():
            for month in season.months:
                if month in owner:
                    raise refuse(
                        "season",
                        f"{MONTH_NAMES[month - 1]} is in {owner[month]!r} and in {name!r}: "
                        "each month belongs to one season, once.",
                    )
                owner[month] = name
        missing = [MONTH_NAMES[month - 1] for month in range(1, 13) if month not in owner]
        if missing:
            raise refuse("season", f"no season has {', '.join(missing)}: add these months.")
        return self

    @property
    def slot_minutes(self) -> int:
        """Length of the parts of a day in which the value is constant [min]."""
        return min(season.day_slot_minutes() for season in self.seasons.values())

    def at_starts(self, horizon: Horizon) -> Resolved:
        """Return what holds at the start of each step."""
        values = np.empty(len(horizon))
        month = horizon.stamps.month.to_numpy()
        for season in self.seasons.values():
            chosen = np.isin(month, season.months)
            if season.value is not None:
                values[chosen] = season.value
            else:
                values[chosen] = season.day_values(horizon)[chosen]
        return Resolved(values)


class Monthly(CalendarSeries):
    """One value per calendar month."""

    monthly: List
    """Twelve values, January first."""

    @model_validator(mode="after")
    def _twelve(self) -> Self:
        if len(self.monthly) != 12:
            raise refuse("monthly", f"has {len(self.monthly)} values: give twelve.")
        return self

    @property
    def slot_minutes(self) -> int:
        """Length of the parts of a day in which the value is constant [min]."""
        return DAY_MINUTES

    def at_starts(self, horizon: Horizon) -> Resolved:
        """Return what holds at the start of each step."""
        return Resolved(np.array(self.monthly)[horizon.stamps.month.to_numpy() - 1])
