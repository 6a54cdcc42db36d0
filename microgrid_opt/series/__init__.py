"""Series fields: what a park may write for a value that changes over time, and its numbers.

A series is a number, a quantity, a calendar shape, a column of a file, or a yearly amount spread over
any of these. Files are opened by `resolve` only, and a `Reader` opens each of them once.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, get_args

import numpy as np
from pydantic import BaseModel, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError, core_schema

from microgrid_opt.errors import Finding, InputError
from microgrid_opt.fields import Unit, currency_of, marker_of, refuse
from microgrid_opt.series.column import ANY_UNIT, FileSeries
from microgrid_opt.series.file import Reader
from microgrid_opt.series.shapes import (
    CalendarSeries,
    Constant,
    DayShape,
    KeyUnit,
    Monthly,
    Resolved,
    Seasons,
    Series,
)
from microgrid_opt.series.timeofuse import TimeOfUse

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
    from pydantic.json_schema import JsonSchemaValue

    from microgrid_opt.horizon import Horizon

__all__ = [
    "AnnualSeries",
    "Constant",
    "DayShape",
    "FileSeries",
    "Monthly",
    "Reader",
    "Resolved",
    "Seasons",
    "Series",
    "SeriesCO2PerKWh",
    "SeriesCO2PerKg",
    "SeriesDegreesCelsius",
    "SeriesFactor",
    "SeriesField",
    "SeriesFraction",
    "SeriesKW",
    "SeriesKgPerHour",
    "SeriesMetersPerSecond",
    "SeriesPerUnit",
    "SeriesPrice",
    "SeriesPricePerKVAMonth",
    "SeriesPricePerKWMonth",
    "SeriesPricePerKg",
    "SeriesWattsPerSquareMeter",
    "TimeOfUse",
    "is_series",
    "lower_bound_of",
    "resolve",
    "upper_bound_of",
]


@dataclass(frozen=True)
class SeriesField(Unit):
    """Pydantic metadata: a series in one unit, in any of its forms, within bounds."""

    within_annual: bool = False

    @property
    def described(self) -> str:
        """What the field takes, in words."""
        return f"{super().described}, or a series ({', '.join(self._forms())})"

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Return the schema that picks the form of a series by its keys."""
        del source
        forms = dict.fromkeys(self._forms().values())
        return core_schema.with_info_wrap_validator_function(
            self._pick,
            core_schema.union_schema([handler.generate_schema(form) for form in forms]),
            serialization=core_schema.plain_serializer_function_ser_schema(_dump),
        )

    def _forms(self) -> Mapping[str, type[Series]]:
        """Return the forms by the keys that tell them apart."""
        annual = {} if self.within_annual else {"annual": AnnualSeries}
        return {**annual, **_FORMS}

    def _pick(self, value: object, handler: object, info: ValidationInfo) -> Series:
        del handler
        if isinstance(value, Series):
            return value
        if not isinstance(value, Mapping):
            return Constant.model_construct(value=self._constant(value, info))
        forms = self._forms()
        key = next((key for key in forms if key in value), None)
        if key is None:
            near = [difflib.get_close_matches(str(key), forms, n=1) for key in value]
            hint = next((f": did you mean {match[0]!r}?" for match in near if match), ".")
            allowed = ", ".join(f"`{key}`" for key in forms)
            raise refuse("series", f"needs one of the keys {allowed}{hint}")
        context = {**(info.context or {}), "series": self}
        try:
            return forms[key].model_validate(value, context=context)
        except ValidationError as error:
            raise _with_known_keys(error, forms[key]) from None

    def _constant(self, value: object, info: ValidationInfo) -> float:
        if isinstance(value, (list, tuple)):
            raise refuse(
                "series",
                f"is a list of {len(value)}: write the values of a day under `hourly`, of the "
                "months under `monthly`, and longer ones into a file.",
            )
        try:
            return self.convert(value, currency_of(info))
        except ValueError as error:
            raise refuse("unit", str(error)) from None

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Return number, quantity or one of the forms."""
        union = handler(schema["schema"])
        return {"anyOf": [*self.number_schema(), *union["anyOf"]], "unit": self.unit}


def _dump(value: object) -> object:
    """Return a series as it is written in a file."""
    if isinstance(value, Constant):
        return value.value
    return value.model_dump(mode="json", exclude_unset=True) if isinstance(value, Series) else value


def _with_known_keys(error: ValidationError, form: type[Series]) -> ValidationError:
    """Return the errors with unknown and missing keys explained: only this place knows the form."""
    details: list[InitErrorDetails] = []
    for found in error.errors(include_url=False):
        kind, message = found["type"], found["msg"]
        if kind == "extra_forbidden":
            known = _keys_around(form, found["loc"])
            near = difflib.get_close_matches(str(found["loc"][-1]), known, n=1)
            hint = f"did you mean `{near[0]}`?" if near else f"allowed: {', '.join(known)}."
            kind, message = "unknown_key", f"unknown key: {hint}"
        elif kind == "missing":
            kind, message = "missing_key", "this key is required."
        told = PydanticCustomError(kind, message, found.get("ctx"))
        details.append(InitErrorDetails(type=told, loc=found["loc"], input=found["input"]))
    return ValidationError.from_exception_data(error.title, details)


def _keys_around(form: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    """Return the keys that the mapping around a place may have."""
    for key in loc[:-1]:
        if key in form.model_fields:
            parts = [form.model_fields[str(key)].annotation]
            for part in parts:
                parts.extend(get_args(part))
            models = [p for p in parts if isinstance(p, type) and issubclass(p, BaseModel)]
            form = models[0] if models else form
    return list(form.model_fields)


_FORMS: Mapping[str, type[Series]] = {
    "file": FileSeries,
    "hourly": DayShape,
    "weekday": DayShape,
    "seasons": Seasons,
    "monthly": Monthly,
    "periods": TimeOfUse,
}


class AnnualSeries(Series):
    """A yearly amount, spread over the year in proportion to another series."""

    annual: Annotated[float, KeyUnit(per_year=True)]
    """Amount per year: kWh for a power, kg for a mass flow. A horizon of another length than a year
    gets its share by length."""
    shape: Annotated[Series, SeriesField("1", ge=0, within_annual=True)]
    """Series that gives the proportions; its own level and unit do not matter."""


SeriesKW = Annotated[Series, SeriesField("kW", ge=0)]
SeriesKgPerHour = Annotated[Series, SeriesField("kg/h", ge=0)]
SeriesPerUnit = Annotated[Series, SeriesField("1", ge=0)]
SeriesFraction = Annotated[Series, SeriesField("1", ge=0, le=1)]
SeriesFactor = Annotated[Series, SeriesField("1")]
SeriesPrice = Annotated[Series, SeriesField("currency/kWh")]
SeriesPricePerKWMonth = Annotated[Series, SeriesField("currency/kW/month", ge=0)]
SeriesPricePerKVAMonth = Annotated[Series, SeriesField("currency/kVA/month", ge=0)]
SeriesPricePerKg = Annotated[Series, SeriesField("currency/kg")]
SeriesCO2PerKWh = Annotated[Series, SeriesField("kg/kWh", ge=0)]
SeriesCO2PerKg = Annotated[Series, SeriesField("kg/kg", ge=0)]
SeriesDegreesCelsius = Annotated[Series, SeriesField("degC", ge=-273.15)]
SeriesMetersPerSecond = Annotated[Series, SeriesField("m/s", ge=0)]
SeriesWattsPerSquareMeter = Annotated[Series, SeriesField("W/m2", ge=0)]


def is_series(model: type[BaseModel], field: str) -> bool:
    """Return whether a field is a series."""
    return isinstance(marker_of(model, field), SeriesField)


def lower_bound_of(model: type[BaseModel], field: str) -> float | None:
    """Return the least value that a field may have, in its unit."""
    marker = marker_of(model, field)
    return None if marker is None else marker.ge


def upper_bound_of(model: type[BaseModel], field: str) -> float | None:
    """Return the largest value that a field may have, in its unit."""
    marker = marker_of(model, field)
    return None if marker is None else marker.le


def resolve(
    spec: Series,
    horizon: Horizon,
    unit: str,
    *,
    reader: Reader,
    currency: str | None = None,
    lower: float | None = None,
    upper: float | None = None,
) -> Resolved:
    """Return the numbers of a series on the steps of a horizon.

    Parameters
    ----------
    spec
        The series as a park describes it.
    horizon
        The time axis, n steps.
    unit
        Unit of the key (`microgrid_opt.fields.unit_of`); the numbers come in it.
    reader
        Opens the files.
    currency
        ISO 4217 code of the park's currency, for columns of money.
    lower, upper
        Bounds that every value must keep, in ``unit``.

    Returns
    -------
    Means over the steps, shape (n,), and the price periods where the series has them.

    Raises
    ------
    InputError
        With a finding for every row or cell that cannot be used, at most 20 per file and column.
    """
    bounds = Unit(unit, ge=lower, le=upper)
    if isinstance(spec, FileSeries):
        return Resolved(spec.read(horizon, bounds, reader, currency))
    if isinstance(spec, AnnualSeries):
        return Resolved(_spread(spec, horizon, reader))
    if not isinstance(spec, CalendarSeries):
        raise InputError(f"{type(spec).__name__} is not a form of series that can be resolved.")
    resolved = spec.on(horizon)
    for extreme in (int(resolved.values.argmin()), int(resolved.values.argmax())):
        value = float(resolved.values[extreme])
        problem = bounds.breach(value, currency)
        if problem is not None:
            raise InputError(Finding(f"at {horizon.stamps[extreme]}: {problem}", value=value))
    return resolved


def _spread(spec: AnnualSeries, horizon: Horizon, reader: Reader) -> NDArray[np.float64]:
    if isinstance(spec.shape, FileSeries):
        shape = spec.shape.read(horizon, Unit(ANY_UNIT, ge=0), reader)
    else:
        shape = resolve(spec.shape, horizon, "1", reader=reader, lower=0.0).values
    total = float((shape * horizon.hours).sum())
    if not total > 0:
        raise InputError(
            Finding("the shape is zero in every step: it cannot carry an annual amount.")
        )
    return np.asarray(shape * (spec.annual * horizon.year_share / total))
