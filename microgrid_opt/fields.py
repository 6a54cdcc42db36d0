"""The types that park fields are made of: numbers that know their unit, and sizes.

A field's unit stands once, in its type (``power_kw: KW``); validation, JSON Schema, the field tables
of the docs and the tests read it from there.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Generic, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, ValidationInfo, model_validator
from pydantic_core import PydanticCustomError, core_schema
from typing_extensions import TypeVar

from microgrid_opt.fielddocs import field_docs
from microgrid_opt.units import QUANTITY_PATTERN, to_unit, unit_label

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue


class Frozen(BaseModel):
    """Base of all park objects: closed, immutable, validated whenever they are put together."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        revalidate_instances="always",
        allow_inf_nan=False,
        # A park needs the validator of the whole: those of its parts are made when asked for.
        defer_build=True,
    )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Return the JSON Schema with what stands under each field as its description."""
        made = handler(schema)
        properties = handler.resolve_ref_schema(made).get("properties", {})
        for name, text in field_docs(cls).items():
            info = cls.model_fields[name]
            properties[info.alias if info.alias in properties else name]["description"] = text
        return made


STAGED = "stages"
"""Key of the validation context of a park that is a stage of a pathway."""
SAME = 1e-9
"""Numbers of a park that agree to this are the same [-]."""


def refuse(kind: str, message: str, **context: Any) -> PydanticCustomError:
    """Return an error for a validator to raise; the finding shows ``message`` as it is."""
    return PydanticCustomError(kind, message, context)


def require_one(model: BaseModel, *names: str) -> None:
    """Raise unless exactly one of several exclusive keys is given."""
    given = [name for name in names if getattr(model, name) is not None]
    if len(given) != 1:
        word, problem = ("and", "are both given") if given else ("or", "is missing")
        listed = f" {word} ".join(f"`{name}`" for name in names)
        raise refuse("exclusive", f"{listed} {problem}: give exactly one.")


def refuse_both(model: BaseModel, *names: str) -> None:
    """Raise when more than one of several exclusive keys is given."""
    given = [f"`{name}`" for name in names if getattr(model, name) is not None]
    if len(given) > 1:
        raise refuse("exclusive", f"{' and '.join(given)} contradict: give only one.")


@dataclass(frozen=True)
class Reference:
    """Pydantic metadata: a string that names something of the park; a place is a member or a node."""

    kind: Literal["member", "carrier", "node", "place", "area", "asset", "network node"]


CarrierName = Annotated[str, Reference("carrier")]
PlaceName = Annotated[str, Reference("place")]
AreaName = Annotated[str, Reference("area")]
AssetName = Annotated[str, Reference("asset")]


@dataclass(frozen=True)
class Unit:
    """Pydantic metadata: a number in one unit, given plainly or as a quantity, within bounds.

    Parameters
    ----------
    unit
        Unit of the number as `microgrid_opt.units.to_unit` takes it; ``1`` for fractions.
    ge, gt, le, lt
        Bounds in that unit.
    """

    unit: str
    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: float | None = None

    @property
    def described(self) -> str:
        """What the field takes, in words."""
        label = unit_label(self.unit, None)
        return f"a number in {label} or a quantity such as '2 {label}'" if label else "a number"

    def convert(self, value: object, currency: str | None = None) -> float:
        """Return the number in this unit.

        Raises
        ------
        ValueError
            Not a number or quantity of this unit, or out of bounds; a plain sentence.
        """
        number = to_unit(value, self.unit, currency=currency)
        problem = self.breach(number, currency)
        if problem is not None:
            share = self.unit == "1" and 1 in {self.le, self.lt} and 1 < number <= 100
            if share and not isinstance(value, str):
                problem += f" Write '{number:g} %' if percent is meant."
            raise ValueError(problem)
        return number

    def breach(self, number: float, currency: str | None = None) -> str | None:
        """Return how a number breaks the bounds, or ``None``."""
        checks = (
            ("at least", self.ge, operator.ge),
            ("more than", self.gt, operator.gt),
            ("at most", self.le, operator.le),
            ("less than", self.lt, operator.lt),
        )
        for words, bound, holds in checks:
            if bound is None or holds(number, bound):
                continue
            limit = f"{bound:g} {unit_label(self.unit, currency)}".rstrip()
            return f"must be {words} {limit}."
        return None

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Return the schema that turns numbers and quantities into floats."""
        del source, handler
        return core_schema.with_info_plain_validator_function(self._validate)

    def _validate(self, value: object, info: ValidationInfo) -> float:
        try:
            return self.convert(value, currency_of(info))
        except ValueError as error:
            raise refuse("unit", str(error)) from None

    def number_schema(self) -> list[JsonSchemaValue]:
        """Return what JSON Schema knows of the number: plain with bounds, or a quantity."""
        bounds = {
            "minimum": self.ge,
            "exclusiveMinimum": self.gt,
            "maximum": self.le,
            "exclusiveMaximum": self.lt,
        }
        number = {key: bound for key, bound in bounds.items() if bound is not None}
        return [{"type": "number", **number}, {"type": "string", "pattern": QUANTITY_PATTERN}]

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Return a JSON Schema with the non-standard keyword ``unit``."""
        del schema, handler
        return {"anyOf": self.number_schema(), "unit": self.unit}


def currency_of(info: ValidationInfo) -> str | None:
    """Return the park's currency from the validation context ``{"currency": "CNY"}``."""
    return (info.context or {}).get("currency")


def unit_of(model: type[BaseModel], field: str) -> str | None:
    """Return the unit of a field, a size's or series' included; ``None`` if it has none."""
    marker = marker_of(model, field)
    return None if marker is None else marker.unit


def marker_of(model: type[BaseModel], field: str) -> Unit | None:
    """Return the `Unit` in a field's type, also inside optional and container types."""
    info = model.model_fields[field]
    return next((extra for extra in info.metadata if isinstance(extra, Unit)), None) or _marker(
        info.annotation
    )


def _marker(annotation: Any) -> Unit | None:
    if isinstance(annotation, type) and issubclass(annotation, Size):
        return Unit(annotation.unit)
    for part in (*getattr(annotation, "__metadata__", ()), *get_args(annotation)):
        found = part if isinstance(part, Unit) else _marker(part)
        if found is not None:
            return found
    return None


KW = Annotated[float, Unit("kW", ge=0)]
KVA = Annotated[float, Unit("kVA", ge=0)]
KV = Annotated[float, Unit("kV", gt=0)]
KWh = Annotated[float, Unit("kWh", ge=0)]
Kg = Annotated[float, Unit("kg", ge=0)]
KgPerHour = Annotated[float, Unit("kg/h", ge=0)]
Tonnes = Annotated[float, Unit("t", ge=0)]
Fraction = Annotated[float, Unit("1", ge=0, le=1)]
PositiveFraction = Annotated[float, Unit("1", gt=0, le=1)]
Efficiency = PositiveFraction
SignedFraction = Annotated[float, Unit("1", le=1)]
Rate = Annotated[float, Unit("1", ge=0, lt=1)]
PositiveRate = Annotated[float, Unit("1", gt=0, lt=1)]
SignedRate = Annotated[float, Unit("1", gt=-1, lt=1)]
Factor = Annotated[float, Unit("1", gt=0)]
Cycles = Annotated[float, Unit("1", gt=0)]
Count = Annotated[float, Unit("1", ge=0)]
IsentropicExponent = Annotated[float, Unit("1", gt=1)]
Weight = Annotated[float, Unit("1", gt=0)]
Hours = Annotated[float, Unit("h", ge=0)]
PositiveHours = Annotated[float, Unit("h", gt=0)]
Minutes = Annotated[float, Unit("min", gt=0)]
Years = Annotated[float, Unit("year", gt=0)]
PerHour = Annotated[float, Unit("1/h", ge=0)]
PerKelvin = Annotated[float, Unit("1/K")]
Kelvin = Annotated[float, Unit("K", ge=0)]
PositiveKelvin = Annotated[float, Unit("K", gt=0)]
DegreesCelsius = Annotated[float, Unit("degC", ge=-273.15)]
Degrees = Annotated[float, Unit("deg", ge=0, le=360)]
Tilt = Annotated[float, Unit("deg", ge=0, le=90)]
Latitude = Annotated[float, Unit("deg", ge=-90, le=90)]
Longitude = Annotated[float, Unit("deg", ge=-180, le=180)]
Meters = Annotated[float, Unit("m", ge=0)]
Kilometers = Annotated[float, Unit("km", ge=0)]
PositiveMeters = Annotated[float, Unit("m", gt=0)]
Irradiation = Annotated[float, Unit("kWh/m2/day", gt=0, le=14)]
DcAcRatio = Annotated[float, Unit("1", gt=0, le=5)]
Altitude = Annotated[float, Unit("m", ge=-500, le=9000)]
SquareMeters = Annotated[float, Unit("m2", ge=0)]
SquareMetersPerKW = Annotated[float, Unit("m2/kW", gt=0)]
MetersPerSecond = Annotated[float, Unit("m/s", ge=0)]
WattsPerSquareMeter = Annotated[float, Unit("W/m2", ge=0)]
KWPerSquareMeter = Annotated[float, Unit("kW/m2", gt=0)]
HeatLossPerKelvin = Annotated[float, Unit("W/m2/K", ge=0)]
HeatLossPerKelvin2 = Annotated[float, Unit("W/m2/K2", ge=0)]
KWhPerKg = Annotated[float, Unit("kWh/kg", gt=0)]
Bar = Annotated[float, Unit("bar", gt=0)]
GasConstant = Annotated[float, Unit("J/kg/K", gt=0)]
KgPerKg = Annotated[float, Unit("kg/kg", ge=0)]
KgPerKWh = Annotated[float, Unit("kg/kWh", ge=0)]
CO2PerKWh = KgPerKWh
CO2PerKg = Annotated[float, Unit("kg/kg", ge=0)]
CO2PerUnit = Annotated[float, Unit("kg/unit", ge=0)]
KWhPerUnit = Annotated[float, Unit("kWh/unit", ge=0)]
KgcePerUnit = Annotated[float, Unit("kgce/unit", ge=0)]
TonnesPerTce = Annotated[float, Unit("t/tce", ge=0)]
KWhPerKWh = Annotated[float, Unit("kWh/kWh", ge=0)]
KWhPerTonne = Annotated[float, Unit("kWh/t", ge=0)]
Money = Annotated[float, Unit("currency", ge=0)]
MoneyPerHour = Annotated[float, Unit("currency/h", ge=0)]
MoneyPerUnit = Annotated[float, Unit("currency/unit", ge=0)]
MoneyPerUnitYear = Annotated[float, Unit("currency/unit/year", ge=0)]
MoneyPerUnitHour = Annotated[float, Unit("currency/unit/h", ge=0)]
MoneyPerYear = Annotated[float, Unit("currency/year", ge=0)]
MoneyPerMonth = Annotated[float, Unit("currency/month", ge=0)]
MoneyPerDay = Annotated[float, Unit("currency/day", ge=0)]
MoneyPerKVArh = Annotated[float, Unit("currency/kvarh", ge=0)]
KVArhPerKWh = Annotated[float, Unit("kvarh/kWh", ge=0)]
KWhPerKVAMonth = Annotated[float, Unit("kWh/kVA/month", ge=0)]
KWhPerMonth = Annotated[float, Unit("kWh/month", gt=0)]
KWhPerYear = Annotated[float, Unit("kWh/year", gt=0)]
MoneyPerKW = Annotated[float, Unit("currency/kW", ge=0)]
MoneyPerKWYear = Annotated[float, Unit("currency/kW/year", ge=0)]
MoneyPerKWMonth = Annotated[float, Unit("currency/kW/month", ge=0)]
MoneyPerKWhYear = Annotated[float, Unit("currency/kWh/year", ge=0)]
CostPerKWh = Annotated[float, Unit("currency/kWh", ge=0)]
"""Price or cost of energy, or of capacity for it, that is no revenue."""
MoneyPerKgYear = Annotated[float, Unit("currency/kg/year", ge=0)]
MoneyPerTonne = Annotated[float, Unit("currency/t", ge=0)]
MoneyPerKWh = Annotated[float, Unit("currency/kWh")]
"""Running cost of energy; a revenue is negative."""
MoneyPerKWhKm = Annotated[float, Unit("currency/kWh/km", ge=0)]
MoneyPerKg = Annotated[float, Unit("currency/kg")]
"""Running cost of mass; a revenue is negative."""
PricePerKWh = MoneyPerKWh
PricePerKg = MoneyPerKg
PricePerUnit = Annotated[float, Unit("currency/unit")]
EnergyPerKg = Annotated[float, Unit("kWh/kg", ge=0)]
LossPerHour = Annotated[float, Unit("1/h", ge=0, lt=1)]
LossPerDay = Annotated[float, Unit("1/day", ge=0, lt=1)]
FadePerYear = Annotated[float, Unit("1/year", ge=0, lt=1)]

_Amount = TypeVar("_Amount", bound=float, default=float)
_Cost = TypeVar("_Cost", bound=float, default=float)
_YearlyCost = TypeVar("_YearlyCost", bound=float, default=float)
_ZERO: Any = 0.0


class Size(Frozen, Generic[_Amount, _Cost, _YearlyCost]):
    """Capacity that exists, is given, or is chosen by the plan, with what it costs.

    In a file the keys carry the unit of the capacity (``max_kw``, ``capex_per_kwh``); in Python the
    names are the same for every unit. All limits are totals, existing capacity included.
    """

    # Pydantic validates an instance again by the names of a file only, and a size has others inside.
    model_config = ConfigDict(revalidate_instances="never", serialize_by_alias=True)
    unit: ClassVar[str] = "1"

    existing: _Amount = _ZERO
    """Capacity that is there already: no capex, but fixed operating cost."""
    minimum: _Amount = _ZERO
    """Least total capacity when the plan chooses it."""
    maximum: _Amount | None = None
    """Largest total capacity when the plan chooses it; no limit when left out."""
    fixed_size: _Amount | None = None
    """Total capacity, given; what exceeds the existing capacity is bought."""
    unit_size: _Amount | None = None
    """Capacity of one unit: new capacity comes in whole units of it."""
    capex_per_unit: _Cost = _ZERO
    """Investment in new capacity."""
    capex_blocks_per_unit: tuple[tuple[_Amount, _Cost], ...] = ()
    """Investment in blocks, instead of one price: pairs of an upper end of new capacity and the price
    of each unit up to it, such as ``[[500, 1200], [2000, 900]]``."""
    fixed_capex: Money = 0.0
    """Investment that falls due once when anything new is built, whatever its size."""
    fixed_om_per_unit_year: _YearlyCost = _ZERO
    """Fixed operation and maintenance of all capacity."""
    fixed_om_fraction: Fraction = 0.0
    """Fixed operation and maintenance per year as a share of the investment that all capacity is
    worth; instead of a cost per capacity and year."""
    annual_cost_per_unit: _YearlyCost = _ZERO
    """Yearly cost of new capacity, given instead of capex and lifetime."""
    lifetime_years: Years | None = None
    """Technical life of new capacity; needed with capex."""
    replacement_fraction: Fraction = 1.0
    """Price of a replacement as a share of the first capex; 1 is the same price, in real terms."""
    discount_rate: Rate | None = None
    """Real discount rate of this investment; that of `finance` when left out."""
    annuity: Literal["project", "lifetime", "straight_line"] | None = None
    """How capex becomes a yearly cost; as in `finance` when left out."""
    retirement: Literal["none", "partial", "whole"] = "none"
    """Whether existing capacity may be given up, which saves its fixed operating cost: not at all, in
    any part, or all of it or nothing."""

    @property
    def is_chosen(self) -> bool:
        """Whether the plan chooses the capacity."""
        return self.fixed_size is None and bool(
            self.buys or self.minimum or (self.existing and self.retirement != "none")
        )

    @property
    def buys(self) -> bool:
        """Whether the plan may add capacity."""
        return self.fixed_size is None and bool(
            self.maximum is not None or self.unit_size or self.has_price
        )

    @property
    def is_invested(self) -> bool:
        """Whether new capacity is bought for money at the start."""
        return bool(self.capex_per_unit or self.fixed_capex or self.capex_blocks_per_unit)

    @property
    def has_price(self) -> bool:
        """Whether new capacity costs anything."""
        return self.is_invested or bool(self.annual_cost_per_unit)

    @property
    def fixed(self) -> float | None:
        """Total capacity where it is not chosen, else ``None``."""
        if self.is_chosen:
            return None
        return self.existing if self.fixed_size is None else self.fixed_size

    @property
    def lower(self) -> float:
        """Least total capacity that the plan can have."""
        if self.fixed is not None:
            return self.fixed
        stays: float = self.existing if self.retirement == "none" else 0.0
        return max(float(self.minimum), stays)

    @property
    def upper(self) -> float | None:
        """Largest total capacity that the plan can have; ``None`` without limit."""
        if self.fixed is not None:
            return self.fixed
        if self.retirement != "none" and not self.buys:
            return self.existing
        return self.maximum

    @property
    def blocks(self) -> tuple[tuple[float, float], ...]:
        """Width and price of each block of new capacity; none when it has one price."""
        pairs = [(0.0, 0.0), *((float(e), float(p)) for e, p in self.capex_blocks_per_unit)]
        return tuple((b - a, price) for (a, _), (b, price) in pairwise(pairs))

    def capex_of(self, new: float) -> float:
        """Return the investment in new capacity without what falls due once [currency]."""
        cost, left = self.capex_per_unit * new, new
        for width, price in self.blocks:
            cost += price * min(width, left)
            left -= min(width, left)
        return float(cost)

    def existing_only(self) -> Self:
        """Return what is there already: nothing can be bought, operation is paid."""
        changes = {
            "minimum": 0.0,
            "maximum": None,
            "fixed_size": self.existing,
            "unit_size": None,
            "fixed_capex": 0.0,
            "capex_blocks_per_unit": (),
            "retirement": "none",
        }
        return self.model_copy(update=changes)

    @model_validator(mode="after")
    def _consistent(self, info: ValidationInfo) -> Self:
        staged = STAGED in (info.context or {})
        problems = [*self._limits(staged=staged), *self._costs(), *self._blocks()]
        if problems:
            raise refuse("size", " ".join(problems))
        return self

    def _limits(self, *, staged: bool) -> Iterator[str]:
        # In a pathway of stages, purchases of earlier stages may retire as well.
        if self.retirement != "none" and not self.existing and not staged:
            yield f"retirement is of {self.key('existing')}, and there is none."
        if self.fixed_size is not None:
            yield from self._limits_of_given(self.fixed_size)
        elif self.maximum is not None:
            yield from self._limits_of_chosen(self.maximum)
        elif self.is_chosen:
            key = self.key
            for name in ("fixed_capex", "unit_size"):
                if self._has(name):
                    yield f"{key(name)} needs {key('maximum')}."
            only_retires = self.retirement != "none" and self.minimum <= self.existing
            if not (self.has_price or only_retires):
                yield f"has neither a price nor a limit: give a price or {key('maximum')}."
        elif "existing" not in self.model_fields_set:
            keys = [self.key(name) for name in ("existing", "fixed_size", "maximum")]
            yield f"says nothing about the capacity: give {keys[0]}, {keys[1]} or {keys[2]}."

    def _limits_of_given(self, total: float) -> Iterator[str]:
        key = self.key
        others = [key(name) for name in ("minimum", "maximum", "unit_size") if self._has(name)]
        others += ["retirement"] if self.retirement != "none" else []
        if others:
            yield f"{key('fixed_size')} leaves nothing to choose: remove {' and '.join(others)}."
        if total < self.existing:
            yield (
                f"{key('fixed_size')} {total:g} is less than {key('existing')} "
                f"{self.existing:g}: it is the total, existing capacity included."
            )

    def _limits_of_chosen(self, maximum: float) -> Iterator[str]:
        key = self.key
        for name in ("minimum", "existing"):
            if getattr(self, name) > maximum:
                yield (
                    f"{key(name)} {getattr(self, name):g} is more than {key('maximum')} "
                    f"{maximum:g}: both are totals."
                )
        room = maximum - (self.existing if self.retirement == "none" else 0.0)
        if self.unit_size and self.lower <= maximum and room < self.unit_size:
            yield f"no whole unit of {self.unit_size:g} fits below {key('maximum')}."

    def _costs(self) -> Iterator[str]:
        key = self.key
        invested = self.is_invested
        if invested and self.annual_cost_per_unit:
            yield (
                f"{key('annual_cost_per_unit')} stands instead of capex: remove it, or "
                f"{key('capex_per_unit')} and fixed_capex."
            )
        buys = self.is_chosen or (self.fixed or 0.0) > self.existing
        if invested and buys and self.lifetime_years is None:
            yield "capex needs lifetime_years."
        if self.fixed_om_fraction and self.fixed_om_per_unit_year:
            yield f"give either {key('fixed_om_per_unit_year')} or fixed_om_fraction."
        if self.fixed_om_fraction and not invested:
            yield f"fixed_om_fraction is a share of capex: give {key('capex_per_unit')}."

    def _blocks(self) -> Iterator[str]:
        key = self.key("capex_blocks_per_unit")
        if not self.capex_blocks_per_unit:
            return
        if self.capex_per_unit:
            yield f"give either {self.key('capex_per_unit')} or {key}."
        if self.fixed_om_fraction:
            yield f"fixed_om_fraction needs one price: give {self.key('fixed_om_per_unit_year')}."
        if any(width <= 0 for width, _ in self.blocks):
            yield f"the upper ends of {key} must rise from above 0."
            return
        stays = self.existing if self.retirement == "none" else 0.0
        most = self.maximum if self.fixed_size is None else self.fixed_size
        last = self.capex_blocks_per_unit[-1][0]
        if most is None:
            yield f"{key} needs {self.key('maximum')} or {self.key('fixed_size')}."
        elif most - stays > last * (1.0 + 1e-9):
            yield (
                f"{key} ends at {last:g}, but {most - stays:g} of new capacity are possible: add a "
                "block."
            )

    def _has(self, name: str) -> bool:
        return getattr(self, name) not in {None, 0.0}

    @classmethod
    def key(cls, name: str) -> str:
        """Return the name of a field as it stands in a file."""
        return cls.model_fields[name].alias or name


def _keys(suffix: str) -> Callable[[str], str]:
    """Return the rule that gives a size's fields their names in a file."""
    limits = {
        "existing": "existing",
        "minimum": "min",
        "maximum": "max",
        "fixed_size": "fixed",
        "unit_size": "unit",
    }

    def name_in_file(name: str) -> str:
        if name in limits:
            return f"{limits[name]}_{suffix}"
        return name.replace("per_unit", f"per_{suffix}")

    return name_in_file


class SizeKW(Size[KW, MoneyPerKW, MoneyPerKWYear]):
    """A power that exists, is given, or is chosen."""

    model_config = ConfigDict(alias_generator=_keys("kw"))
    unit: ClassVar[str] = "kW"


class SizeKVA(
    Size[
        KVA,
        Annotated[float, Unit("currency/kVA", ge=0)],
        Annotated[float, Unit("currency/kVA/year", ge=0)],
    ]
):
    """An apparent power that exists, is given, or is chosen."""

    model_config = ConfigDict(alias_generator=_keys("kva"))
    unit: ClassVar[str] = "kVA"


class SizeKWh(Size[KWh, CostPerKWh, MoneyPerKWhYear]):
    """An energy content that exists, is given, or is chosen."""

    model_config = ConfigDict(alias_generator=_keys("kwh"))
    unit: ClassVar[str] = "kWh"


class SizeKg(Size[Kg, Annotated[float, Unit("currency/kg", ge=0)], MoneyPerKgYear]):
    """A mass content that exists, is given, or is chosen."""

    model_config = ConfigDict(alias_generator=_keys("kg"))
    unit: ClassVar[str] = "kg"


class SizeKgPerHour(
    Size[
        KgPerHour,
        Annotated[float, Unit("currency/(kg/h)", ge=0)],
        Annotated[float, Unit("currency/(kg/h)/year", ge=0)],
    ]
):
    """A mass flow that exists, is given, or is chosen."""

    model_config = ConfigDict(alias_generator=_keys("kg_per_hour"))
    unit: ClassVar[str] = "kg/h"


class SizeM2(
    Size[
        SquareMeters,
        Annotated[float, Unit("currency/m2", ge=0)],
        Annotated[float, Unit("currency/m2/year", ge=0)],
    ]
):
    """An area that exists, is given, or is chosen."""

    model_config = ConfigDict(alias_generator=_keys("m2"))
    unit: ClassVar[str] = "m2"


@dataclass(frozen=True)
class Sized:
    """Pydantic metadata: a size that may also be given as a number or quantity, without costs."""

    def __get_pydantic_core_schema__(
        self, source: type[Size], handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Return the schema that turns a number into ``existing_*``."""

        def to_mapping(value: object, info: ValidationInfo) -> object:
            if isinstance(value, (Mapping, Size)):
                return value
            try:
                amount = Unit(source.unit, ge=0).convert(value, currency_of(info))
            except ValueError as error:
                raise refuse("unit", str(error)) from None
            return {source.key("existing"): amount}

        return core_schema.with_info_before_validator_function(to_mapping, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Return number, quantity or the mapping."""
        mapping = handler(schema)
        return {"anyOf": [*Unit("", ge=0).number_schema(), mapping]}


SizedKW = Annotated[SizeKW, Sized()]
SizedKVA = Annotated[SizeKVA, Sized()]
SizedKWh = Annotated[SizeKWh, Sized()]
SizedKg = Annotated[SizeKg, Sized()]
SizedKgPerHour = Annotated[SizeKgPerHour, Sized()]
SizedM2 = Annotated[SizeM2, Sized()]
