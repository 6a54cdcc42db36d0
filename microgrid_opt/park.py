"""The park: frozen objects that say everything a plan needs to know, and nothing else.

Field descriptions and units here are the one source of the JSON Schema, the field tables in the
docs and the words of error messages.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import numpy as np
from pydantic import (
    BeforeValidator,
    Field,
    model_validator,
)

from microgrid_opt.assets.base import AnyAsset, Asset, asset_type, asset_types, registered
from microgrid_opt.carriers import CARRIERS, Carrier
from microgrid_opt.errors import Finding, InputError
from microgrid_opt.fields import (
    Altitude,
    Factor,
    Frozen,
    Hours,
    Latitude,
    Longitude,
    Minutes,
    Reference,
    Size,
    SquareMeters,
    Weight,
    refuse,
    refuse_both,
    require_one,
)
from microgrid_opt.finance.contracts import misnamed
from microgrid_opt.finance.spec import Finance
from microgrid_opt.finance.terms import OwnerFinance
from microgrid_opt.horizon import Horizon
from microgrid_opt.keys import Currency, Day, Identifier, Moment
from microgrid_opt.ledger import FIXED
from microgrid_opt.policies.carbon import Carbon, MemberCarbon
from microgrid_opt.policies.targets import Targets
from microgrid_opt.references import references
from microgrid_opt.trading.spec import Trading
from microgrid_opt.weather.spec import WeatherSpec
from microgrid_opt.yamlio.grammar import nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    import pandas as pd
    from numpy.typing import NDArray


VERSION = 1
MAX_YEARS = 100
MAX_STEPS = 2_000_000
# Words of Pyomo's blocks and, for members, of its models: a test holds them against Pyomo.
_BLOCK_WORDS = """
activate active active_blocks active_component_data active_components add_component all_blocks
all_component_data all_components block_data_objects clear clear_suffix_value clone cname
collect_ctypes component component_data_iterindex component_data_objects component_map
component_objects construct contains_component ctype deactivate del_component dim display doc
find_component fix_all_vars get_suffix_value getname id_index_map index index_set
is_component_type is_constructed is_expression_type is_indexed is_logical_type
is_named_expression_type is_numeric_type is_parameter_type is_reference is_variable_type items
iteritems iterkeys itervalues keys local_name model name parent_block parent_component pprint
private_data reclassify_component_type reconstruct register_private_data_initializer root_block
set_suffix_value set_value to_dense_data transfer_attributes_from type unfix_all_vars
valid_model_component valid_problem_types values write
"""
_MODEL_WORDS = """
compute_statistics config create_instance load nconstraints nobjectives nvariables preprocess
solutions statistics
"""
WHERE = {"network node": "trading.network.nodes"}
"""Section of the park that has the names of a kind, where it is not the kind's plural."""
RESERVED_ASSETS = frozenset(("balance", "policies", *_BLOCK_WORDS.split()))
RESERVED_MEMBERS = RESERVED_ASSETS | {
    *("steps", "months", "previous", "month", "cost"),
    *_MODEL_WORDS.split(),
}


def _zone(name: Any) -> Any:
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(name)
    except (KeyError, ValueError, TypeError, OSError) as error:
        raise refuse(
            "timezone",
            "is not a time zone of the IANA data base: write for instance Asia/Shanghai, "
            "Europe/Berlin or Etc/GMT-8.",
        ) from error
    return name


def _version(value: Any) -> Any:
    if value != VERSION or isinstance(value, bool):
        raise refuse("version", f"must be {VERSION}, the only version of this file format so far.")
    return value


class Site(Frozen):
    """Where the park stands."""

    latitude: Latitude | None = None
    """Latitude, north positive; needed for weather."""
    longitude: Longitude | None = None
    """Longitude, east positive; needed for weather."""
    altitude_m: Altitude = 0.0
    """Height above sea level."""
    timezone: Annotated[str, BeforeValidator(_zone)] = "UTC"
    """IANA time zone of calendar days, months and tariffs."""
    weather: WeatherSpec | None = None
    """Weather of the site, for assets whose output follows from it."""


class HorizonSpec(Frozen):
    """Which steps the plan covers; a calendar year of hours unless told otherwise."""

    year: int | None = Field(default=None, ge=1900, le=2200, strict=True)
    """Calendar year, from 1 January 0:00 local time; instead of `start`."""
    start: Moment | None = None
    """Local start of the first step."""
    end: Moment | None = None
    """Local end of the last step; a date means its 0:00."""
    hours: Hours | None = None
    """Length, instead of `end`."""
    step_minutes: Minutes = 60.0
    """Length of a step."""
    steps_hours: tuple[Hours, ...] | None = None
    """Lengths of unequal steps, instead of `step_minutes` and `end`."""
    weight: Weight | tuple[Weight, ...] = 1.0
    """How many times each step counts in sums; one number, or one per step."""
    holidays: frozenset[Day] = frozenset()
    """Days that shapes and tariffs treat as holidays."""

    @model_validator(mode="after")
    def _one_way_to_say_it(self) -> Self:
        require_one(self, "year", "start")
        refuse_both(self, "end", "hours", "steps_hours")
        lengths = (self.end, self.hours, self.steps_hours)
        if self.start is not None and all(length is None for length in lengths):
            raise refuse("horizon", "with `start` give `end`, `hours` or `steps_hours` as well.")
        if self.step_minutes < 1 or self.step_minutes > 24 * 60:
            raise refuse("horizon", "`step_minutes` must lie between 1 and 1440.")
        if self.steps_hours is not None and not (self.steps_hours and min(self.steps_hours) > 0):
            raise refuse("horizon", "`steps_hours` needs at least one length, and all above 0.")
        return self

    def horizon(self, timezone: str) -> Horizon:
        """Return the steps in local time."""
        import pandas as pd

        def local(moment: Any) -> pd.Timestamp:
            stamp = pd.Timestamp(moment)
            if stamp.tzinfo is not None:
                return stamp.tz_convert(timezone)
            try:
                return stamp.tz_localize(timezone)
            except ValueError:
                raise InputError(
                    f"{stamp:%Y-%m-%d %H:%M} is skipped or doubled in {timezone}, where clocks "
                    "change: give it with its offset, such as 2025-10-26T02:30+01:00."
                ) from None

        first = local(self.start if self.year is None else f"{self.year}-01-01")
        lengths = self._lengths(first, local)
        starts = np.concatenate([[0.0], np.cumsum(lengths)[:-1]])
        seconds = pd.to_timedelta(np.round(starts * 3600.0), unit="s")
        stamps = pd.DatetimeIndex((first.tz_convert("UTC") + seconds).tz_convert(timezone))
        weight = np.asarray(self.weight, dtype=float)
        if weight.ndim and len(weight) != len(lengths):
            raise InputError(
                Finding(
                    f"has {len(weight)} numbers for {len(lengths)} steps: give one each.",
                    key="weight",
                )
            )
        return Horizon(stamps, lengths, np.broadcast_to(weight, len(lengths)), self.holidays)

    def _until(self, first: pd.Timestamp, local: Callable[[Any], pd.Timestamp]) -> float:
        last = local(f"{first.year + 1}-01-01" if self.end is None else self.end)
        hours = float((last - first).total_seconds() / 3600.0)
        if hours <= 0:
            raise InputError(
                Finding(f"must be later than the start, {first:%Y-%m-%d %H:%M}.", key="end")
            )
        return hours

    def _lengths(
        self, first: pd.Timestamp, local: Callable[[Any], pd.Timestamp]
    ) -> NDArray[np.float64]:
        step = self.step_minutes / 60.0
        if self.steps_hours is not None:
            hours, count = float(np.sum(self.steps_hours)), len(self.steps_hours)
        else:
            hours = self.hours if self.hours is not None else self._until(first, local)
            count = round(hours / step)
        if count > MAX_STEPS or hours > MAX_YEARS * 8784.0:
            raise InputError(
                f"has {count:,} steps in {hours:,.0f} h: at most {MAX_STEPS:,} steps and "
                f"{MAX_YEARS} years can be planned."
            )
        if self.steps_hours is not None:
            return np.array(self.steps_hours)
        if count < 1 or abs(count * step - hours) > 1e-6:
            raise InputError(
                f"{hours:g} h are not a whole number (at least one) of {self.step_minutes:g}-minute "
                "steps: change `hours`, `end` or `step_minutes`."
            )
        return np.full(count, step)


class Member(Frozen):
    """A legal entity in the park, with its own balances and account."""

    label: str | None = None
    """Name for tables and figures; the key of the member when left out."""
    finance: OwnerFinance | None = None
    """Financial terms of its own, where they are not those of the park."""
    carbon: MemberCarbon | None = None
    """CO2 account of its own; left out: it has no cap."""


class Node(Frozen):
    """A place with balances of its own: a hall, a busbar, a branch of the heat network."""

    member: Annotated[str | None, Reference("member")] = None
    """Member whose place it is; may be left out when the park has one member. Other members' assets
    may stand there too."""
    label: str | None = None
    """Name for tables and figures; the key of the node when left out."""


class Park(Frozen):
    """A park as one file describes it."""

    schema_version: Annotated[Literal[1], BeforeValidator(_version)] = Field(alias="schema")
    """Version of this file format."""
    name: str
    """Name of the park, for titles."""
    description: str = ""
    """What the park is and what the study asks."""
    currency: Currency
    """ISO 4217 code of all money in the file, for instance CNY, EUR or USD."""
    exchange_rates: dict[Currency, Factor] = Field(default_factory=dict)
    """What one unit of another currency is worth in the park's own, for the technology library."""
    site: Site = Site()
    """Where the park stands."""
    horizon: HorizonSpec
    """Which steps the plan covers."""
    finance: Finance
    """Discount rate, project life, annuity rule."""
    carriers: dict[Identifier, Carrier] = Field(default_factory=dict)
    """Carriers beyond electricity, heat, gas and hydrogen."""
    members: dict[Identifier, Member] = Field(default={"park": Member()}, min_length=1)
    """Legal entities; a park without this key has one member, `park`."""
    nodes: dict[Identifier, Node] = Field(default_factory=dict)
    """Places inside the park with balances of their own, joined by lines."""
    areas: dict[Identifier, SquareMeters] = Field(default_factory=dict)
    """Roofs and plots that several plants share."""
    assets: dict[Identifier, Annotated[Asset, AnyAsset()]] = Field(min_length=1)
    """Technologies, demands and connections by their key."""
    carbon: Carbon = Carbon()
    """Price and cap of CO2."""
    targets: Targets = Targets()
    """Minimum and maximum shares."""
    trading: Trading | None = None
    """Trades between members over a network; left out: there are none."""

    @model_validator(mode="after")
    def _names_that_exist(self) -> Self:
        findings = list({str(finding): finding for finding in self._misnamed()}.values())
        if findings:
            raise InputError(findings)
        return self

    def _misnamed(self) -> Iterator[Finding]:
        for section, keys, reserved in (
            ("members", self.members, RESERVED_MEMBERS),
            ("nodes", self.nodes, RESERVED_MEMBERS),
            ("assets", self.assets, RESERVED_ASSETS),
        ):
            for key in keys:
                if key in reserved:
                    yield Finding("is a reserved name: choose another key.", key=f"{section}.{key}")
        if self.currency in self.exchange_rates:
            yield Finding(
                "is the park's own currency: remove it.", key=f"exchange_rates.{self.currency}"
            )
        for key in self.nodes.keys() & self.members.keys():
            yield Finding("is the key of a member: choose another key.", key=f"nodes.{key}")
        for key, carrier in self.carriers.items():
            if key in CARRIERS:
                yield Finding(
                    "every park has this carrier: choose another key.", key=f"carriers.{key}"
                )
            if carrier.unit not in {"kWh", "kg"}:
                yield Finding("must be kWh or kg.", key=f"carriers.{key}.unit", value=carrier.unit)
        for key, asset in self.assets.items():
            if asset.member is None and len(self.members) > 1:
                yield Finding(
                    f"is missing: the park has several members ({', '.join(self.members)}).",
                    key=f"assets.{key}.member",
                )
            yield from self._idle_replacements(key, asset)
            yield from self._idle_taxes(key, asset)
            yield from self._misfits(key, asset)
        yield from self._misnamed_money()
        if self.carbon.intensity is not None:
            yield from self.carbon.intensity.problems({**CARRIERS, **self.carriers})
        if self.trading is not None:
            yield from self.trading.problems(self)

    def _has(self, asset: Asset) -> bool:
        return asset.member is None or asset.member in self.members

    def _idle_replacements(self, key: str, asset: Asset) -> Iterator[Finding]:
        for name in type(asset).model_fields:
            size = getattr(asset, name)
            if not isinstance(size, Size) or size.replacement_fraction == 1.0:
                continue
            method = size.annuity or self.finance.annuity
            if method != "project":
                yield Finding(
                    f"means nothing with annuity `{method}`: leave it out, or use annuity "
                    "`project`.",
                    key=f"assets.{key}.{name}.replacement_fraction",
                    value=size.replacement_fraction,
                )

    def _idle_taxes(self, key: str, asset: Asset) -> Iterator[Finding]:
        if not self._has(asset) or self.finance_of(self.owner(key)).is_plain:
            return
        for name in type(asset).model_fields:
            size = getattr(asset, name)
            if isinstance(size, Size) and (size.annuity or self.finance.annuity) == "straight_line":
                place = f"assets.{key}.{name}.annuity" if size.annuity else "finance.annuity"
                yield Finding(
                    "knows neither taxes nor loans: use `project` or `lifetime`.",
                    key=place,
                    value="straight_line",
                )

    def _misnamed_money(self) -> Iterator[Finding]:
        """Yield what growth, value-added tax and incentives name and the park does not have."""
        for key, word in self.finance.named():
            asset = word.split(".")[0]
            if "." in word and asset not in self.assets:
                yield Finding(
                    f"{asset!r} is no asset of the park{_hint(asset, self.assets)}: known are "
                    f"{', '.join(self.assets)}.",
                    key=f"finance.{key}",
                )
        for name, incentive in self.finance.incentives.items():
            key = f"finance.incentives.{name}"
            if name in FIXED:
                yield Finding("is a category of the ledger: choose another key.", key=key)
            size = getattr(incentive, "size", None)
            counts = size is not None and getattr(incentive, "fraction", None) is None
            for number, asset in enumerate(incentive.assets):
                if asset not in self.assets:
                    yield Finding(
                        f"is no asset of the park{_hint(asset, self.assets)}: known are "
                        f"{', '.join(self.assets)}.",
                        key=f"{key}.assets.{number}",
                        value=asset,
                    )
                elif counts and size not in (sizes := self.assets[asset].sizes()):
                    yield Finding(
                        f"{asset} has no size {size!r}: it has {', '.join(sizes) or 'none'}.",
                        key=f"{key}.size",
                    )
        owners = {key: self.owner(key) for key, asset in self.assets.items() if self._has(asset)}
        yield from misnamed(self.finance.third_party, owners, self.finance.project_years)
        for key in self.members if self.finance.project_years % 1 else ():
            if not self.finance_of(key).is_plain:
                yield Finding(
                    f"has taxes or a loan: `finance.project_years` = "
                    f"{self.finance.project_years:g} must be whole.",
                    key=f"members.{key}.finance",
                )

    def _misfits(self, key: str, asset: Asset) -> Iterator[Finding]:
        """Yield names that the park does not have; where there are none, what else does not fit."""
        known = {
            "member": tuple(self.members),
            "node": tuple(self.nodes),
            "place": (*self.members, *self.nodes),
            "carrier": (*CARRIERS, *self.carriers),
            "area": tuple(self.areas),
            "asset": tuple(self.assets),
            "network node": () if self.trading is None else tuple(self.trading.network.nodes),
        }
        unknown = False
        for path, kind, value in references(asset):
            if value not in known[kind]:
                unknown = True
                names = ", ".join(known[kind]) or f"none: give `{WHERE.get(kind, f'{kind}s')}`"
                word = "member or node" if kind == "place" else kind
                yield Finding(
                    f"is no {word} of the park{_hint(value, known[kind])}: known are {names}.",
                    key=f"assets.{key}.{path}",
                    value=value,
                )
        if not unknown:
            place = asset.node or asset.member or next(iter(self.members))
            for name, problem in asset.misfits(place, self.carrier):
                yield Finding(problem, key=f"assets.{key}.{name}", value=getattr(asset, name, None))

    def owner(self, asset: str) -> str:
        """Return the key of the member that owns an asset."""
        return self.assets[asset].member or next(iter(self.members))

    def finance_of(self, member: str) -> Finance:
        """Return the financial terms of a member."""
        return self.finance.of(self.members[member].finance)

    def place(self, asset: str) -> str:
        """Return the key of the node or member where an asset's balances are held."""
        return self.assets[asset].node or self.owner(asset)

    def carrier(self, name: str) -> Carrier:
        """Return a carrier by name."""
        return self.carriers[name] if name in self.carriers else CARRIERS[name]

    def baseline(self) -> Park:
        """Return the reference plan's park: existing assets only, no cap, no target, no trade."""
        assets = {key: kept for key, asset in self.assets.items() if (kept := asset.reference())}
        return self.model_copy(
            update={
                "assets": assets,
                "carbon": self.carbon.reference(),
                "targets": Targets(),
                "trading": None,
                "members": {
                    key: member.model_copy(update={"carbon": None})
                    for key, member in self.members.items()
                },
            }
        )

    @property
    def accounts(self) -> dict[str, MemberCarbon]:
        """CO2 accounts of the members that have one."""
        found = {key: member.carbon for key, member in self.members.items()}
        return {key: account for key, account in found.items() if account is not None}

    @property
    def pools_carbon(self) -> bool:
        """Whether the members' caps of CO2 count together."""
        return self.trading is not None and self.trading.rules.pooled_carbon


def _hint(word: str, options: Iterable[str]) -> str:
    near = nearest(word, options)
    return "" if near is None else f" (did you mean {near!r}?)"


def park_model(types: Iterable[str] | None = None) -> type[Park]:
    """Return `Park` with all technologies, or at least with those that a park needs.

    Parameters
    ----------
    types
        Those that the park names; the others are left out where nothing has imported them. An
        unknown one brings all, so that the message can list them.

    Raises
    ------
    InputError
        An installed plugin cannot be imported.
    """
    from microgrid_opt.plugins import installed

    installed()
    if types is None or any(asset_type(name) is None for name in types):
        asset_types()
    return _park_with(frozenset(registered()))


def types_of(park: Mapping[str, Any]) -> set[str]:
    """Return the types of assets that a park names before anything of it was checked."""
    assets = park.get("assets")
    ones = assets.values() if isinstance(assets, dict) else ()
    named = (one.get("type") for one in ones if isinstance(one, dict))
    return {name for name in named if isinstance(name, str)}


@lru_cache(maxsize=1)
def _park_with(types: frozenset[str]) -> type[Park]:
    del types  # what the schema was last rebuilt for
    Park.model_rebuild(force=True)
    return Park
