"""Completing a park's assets from the technology library, before anything is checked.

An asset that says ``technology: china_2025/lfp_battery`` takes from the entry what its own keys
leave out; the park then holds the final numbers. A value inside a size or another mapping is taken
where the park gives that mapping, be it empty; a size that the entry has a price for must be given.
Money is converted with ``exchange_rates``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from microgrid_opt.assets.base import asset_type
from microgrid_opt.errors import Finding
from microgrid_opt.fields import Size
from microgrid_opt.library import library, unit_at
from microgrid_opt.units import CURRENCIES, to_unit
from microgrid_opt.yamlio.grammar import Part, Spot, dotted, nearest
from microgrid_opt.yamlio.modelwalk import fields_of, join_or, peel

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from microgrid_opt.library import Path, Value
    from microgrid_opt.yamlio import Document

KEY, RATES, COMMAND = "technology", "exchange_rates", "microgrid-opt technologies"
_PRICES = ("capex_per_unit", "capex_blocks_per_unit", "fixed_capex", "annual_cost_per_unit")
_WANTED = ("minimum", "maximum", "fixed_size", "unit_size", *_PRICES)
_INSTEAD = {
    "annual_cost_per_unit": (
        *("capex_per_unit", "fixed_capex", "lifetime_years", "replacement_fraction"),
        "fixed_om_fraction",
    ),
    "capex_blocks_per_unit": ("capex_per_unit", "fixed_om_fraction"),
    "fixed_om_per_unit_year": ("fixed_om_fraction",),
    "fixed_om_fraction": ("fixed_om_per_unit_year",),
}
"""What an entry does not add to a size that gives the first of these itself."""


@dataclass(frozen=True, eq=False)
class Filled:
    """A document with the library's values in it.

    Parameters
    ----------
    document
        The document; a value of the library stands where its asset names the technology.
    findings
        What is wrong with the names of technologies, types and exchange rates.
    failed
        Assets that these findings are about: their own keys could not be completed.
    origin
        Entry by asset and path below it of every value that was taken.
    """

    document: Document
    findings: tuple[Finding, ...] = ()
    failed: frozenset[str] = frozenset()
    origin: Mapping[tuple[str, ...], str] = field(default_factory=dict)

    def is_about_failed(self, finding: Finding) -> bool:
        """Return whether a finding lies in an asset whose entry could not be used."""
        return any(f"{finding.key}.".startswith(f"assets.{key}.") for key in self.failed)

    def told(self, finding: Finding) -> Finding:
        """Return a finding that names the entry whose values it is about."""
        steps = finding.key.split(".")
        if len(steps) < 2 or steps[0] != "assets":
            return finding
        path = tuple(steps[1:])
        names = {
            name for taken, name in self.origin.items() if taken[: len(path)] == path[: len(taken)]
        }
        if not names:
            return finding
        return replace(finding, message=f"{finding.message} (values of {', '.join(names)})")


def fill(document: Document) -> Filled:
    """Return a park's data completed from the library; overrides have been made before.

    Parameters
    ----------
    document
        A park file, scenario and sets applied.
    """
    assets = document.data.get("assets")
    if not isinstance(assets, dict):
        return Filled(document)
    parts: dict[str, Part] = {}
    findings: list[Finding] = []
    failed: set[str] = set()
    origin: dict[tuple[str, ...], str] = {}
    for key, asset in assets.items():
        if isinstance(asset, dict) and isinstance(asset.get(KEY), str):
            job = _Job(document, key, asset)
            parts[key] = job.complete()
            findings += job.findings
            origin |= job.origin
            failed |= {key} if job.failed else set()
    if not parts:
        return Filled(document)
    spot = document.spot.children["assets"]
    data = {**assets, **{key: part.data for key, part in parts.items()}}
    spots = dict(spot.children)
    spots.update({key: part.spot for key, part in parts.items()})
    top = dict(document.spot.children)
    top["assets"] = spot._replace(children=spots)
    made = replace(
        document,
        data={**document.data, "assets": data},
        spot=document.spot._replace(children=top),
    )
    return Filled(made, tuple(findings), frozenset(failed), origin)


class _Job:
    """Completing one asset."""

    def __init__(self, document: Document, key: str, asset: Mapping[str, Any]) -> None:
        self.document = document
        self.key = key
        self.asset = asset
        self.name: str = asset[KEY]
        self.findings: list[Finding] = []
        self.failed = False
        self.told_of: set[str | None] = set()
        self.origin: dict[tuple[str, ...], str] = {}
        here = document.where_value(("assets", key, KEY))
        self.spot = Spot(document.where(("assets", key, KEY)), here, {})

    def complete(self) -> Part:
        """Return the asset with the entry's values where it gives none."""
        part = Part(self.asset, self.document.spot.children["assets"].children[self.key])
        entry = library().get(self.name)
        if entry is None:
            self._refuse(unknown(self.name), KEY, self.name)
            return part
        kind = self.asset.get("type", entry.type)
        if kind != entry.type:
            message = f"must be `{entry.type}`, the type of {self.name}, or be left out."
            self._refuse(message, "type", kind)
            return part
        cls = asset_type(entry.type)
        if cls is None:
            message = f"is of the type `{entry.type}`, which is not there: install or import it."
            self._refuse(message, KEY, self.name)
            return part
        if "type" not in self.asset:
            part = _with(part, "type", entry.type, self.spot)
        return self._merge(part, cls, entry.values, ())

    def _refuse(self, message: str, key: str, value: object) -> None:
        path = ("assets", self.key, key)
        self.failed = True
        self.findings.append(Finding(message, self.document.where(path), dotted(path), value))

    def _number(self, unit: str, value: Value) -> float | None:
        """Return a value in a field's unit and the park's currency; ``None`` without a rate."""
        currency, rates = self.document.data.get("currency"), self.document.data.get(RATES)
        money = value.currency
        if money in {None, currency}:
            return value.numbers(unit)[0]
        given = rates.get(money) if isinstance(rates, dict) else rates
        rate = _rate(given)
        if rate is not None:
            return value.numbers(unit, rate)[0]
        self.failed = True
        # Otherwise the rate or the currency itself is no good, of which the park's schema tells.
        if given is None and currency in CURRENCIES and money not in self.told_of:
            self.told_of.add(money)
            message = (
                f"has costs in {money}, and the park is in {currency}: give "
                f"`{RATES}: {{{money}: ...}}` at the top of the file, the {currency} for 1 {money}."
            )
            self._refuse(message, KEY, self.name)
        return None

    def _merge(self, part: Part, model: Any, values: Mapping[Path, Value], above: Path) -> Part:
        """Return a mapping with its own keys, and those of the mappings in it, filled in."""
        inner: dict[str, dict[Path, Value]] = {}
        for path, value in values.items():
            if len(path) > 1:
                inner.setdefault(path[0], {})[path[1:]] = value
            elif path[0] not in part.data and not _given(part.data, value.unless):
                number = self._number(unit_at(model, path).unit, value)
                if number is not None:
                    part = self._put(part, path[0], number, self.spot, above)
        for key, below in inner.items():
            given = part.data.get(key)
            child = peel(fields_of(model)[key]).plain
            is_size = isinstance(child, type) and issubclass(child, Size)
            if is_size and key not in part.data and _has_price(child, below):
                message = (
                    f"has a price per `{key}`, which is missing: give this size, or `{key}: null` if "
                    "there is none, so that no cost is lost."
                )
                self._refuse(message, KEY, self.name)
            if given is not None and (is_size or isinstance(given, dict)):
                fill = self._size if is_size else self._merge
                made = fill(Part(given, part.spot.children[key]), child, below, (*above, key))
                part = _with(part, key, made.data, made.spot)
        return part

    def _put(self, part: Part, key: str, value: object, spot: Spot, above: Path) -> Part:
        self.origin[(self.key, *above, key)] = self.name
        return _with(part, key, value, spot)

    def _size(self, part: Part, size: type[Size], values: Mapping[Path, Value], at: Path) -> Part:
        """Return a size with costs; one that only exists is not for sale."""
        key = size.key
        if not isinstance(part.data, dict):
            inside = part.spot._replace(children={key("existing"): part.spot})
            part = Part({key("existing"): part.data}, inside)
        given = {name for name in size.model_fields if part.data.get(key(name)) is not None}
        settled = {other for name in given for other in _INSTEAD.get(name, ())}
        kept = {
            path: value
            for path, value in values.items()
            if path[0] not in {key(name) for name in settled} and path[0] not in part.data
        }
        for_sale = "existing" not in given or bool(given.intersection(_WANTED))
        if not for_sale and _has_price(size, kept):
            retires = part.data.get("retirement", "none") != "none"
            limit = key("maximum" if retires else "fixed_size")
            amount = part.data[key("existing")]
            part = self._put(part, limit, amount, part.spot.children[key("existing")], at)
        return self._merge(part, size, kept, at)


def _with(part: Part, key: str, value: object, spot: Spot) -> Part:
    return Part(
        {**part.data, key: value},
        part.spot._replace(children={**part.spot.children, key: spot}),
    )


def _has_price(size: type[Size], values: Iterable[Path]) -> bool:
    """Return whether an entry's values for a size include what new capacity costs."""
    prices = {size.key(name) for name in _PRICES}
    return any(path[0] in prices for path in values)


def _given(data: Mapping[str, Any], keys: Iterable[str]) -> bool:
    return any(data.get(key) is not None for key in keys)


def _rate(given: object) -> float | None:
    """Return a raw exchange rate as a number, or ``None``: the park's schema tells what is wrong."""
    try:
        rate = to_unit(given, "1")
    except ValueError:
        return None
    return rate if rate > 0 else None


def unknown(name: str) -> str:
    """Say what may be meant by a name that no entry has."""
    known = library()
    family, _, word = name.rpartition("/")
    kind = nearest(word, {other.partition("/")[2] for other in known})
    same = [other for other in known if other.partition("/")[2] == kind]
    near = nearest(name, same or known) if family else None
    if near is not None:
        return f"is no technology of the library; did you mean `{near}`?"
    if same:
        return f"is no technology of the library: write {join_or(f'`{one}`' for one in same)}."
    return f"is no technology of the library: `{COMMAND}` lists them."
