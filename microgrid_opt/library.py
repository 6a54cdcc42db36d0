"""The technology library: cost and performance by name, each number with source, year and range.

The entries are data, in ``microgrid_opt/data/technologies``: one YAML file for each set. How a park
takes from them stands in `microgrid_opt.completion`.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from microgrid_opt.fields import Unit, marker_of
from microgrid_opt.units import CURRENCIES, to_unit, unit_label
from microgrid_opt.yamlio import loads
from microgrid_opt.yamlio.grammar import dotted
from microgrid_opt.yamlio.modelwalk import fields_of, peel

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic import BaseModel

    from microgrid_opt.park import Park

    Path = tuple[str, ...]


@dataclass(frozen=True)
class Value:
    """One number of an entry.

    Parameters
    ----------
    value, unit
        The quantity as its source has it; an empty unit for a plain number.
    low, high
        Range in which sources lie, in the same unit.
    source, year
        Where it is from, and of which year it is.
    note
        What it holds for; may be empty.
    unless
        Keys beside it that say the same in another way: given one of them, it is not used.
    """

    value: float
    unit: str
    low: float
    high: float
    source: str
    year: int
    note: str = ""
    unless: tuple[str, ...] = ()

    @property
    def currency(self) -> str | None:
        """The currency of money; ``None`` for anything else."""
        return next(
            (code for code in re.findall("[A-Z]{3}", self.unit) if code in CURRENCIES), None
        )

    def numbers(self, unit: str, rate: float | None = None) -> tuple[float, float, float]:
        """Return value and range in a field's unit, money times `rate` where that is given."""
        kept = [
            to_unit(f"{number} {self.unit}" if self.unit else number, unit, currency=self.currency)
            for number in (self.value, self.low, self.high)
        ]
        value, low, high = kept if rate is None else (number * rate for number in kept)
        return value, low, high


@dataclass(frozen=True)
class Entry:
    """One technology of the library.

    Parameters
    ----------
    name
        ``set/technology``.
    type
        Type of the assets that it fits.
    about
        What it describes, in a sentence.
    values
        Numbers by the path of the field below the asset.
    """

    name: str
    type: str
    about: str
    values: Mapping[Path, Value]


@dataclass(frozen=True)
class Used:
    """A number that a park uses, beside the library's.

    Parameters
    ----------
    key, unit, used
        The field below the asset, and the park's number in its unit.
    library, low, high, library_unit
        The library's number and range: in the park's unit too, unless an exchange rate is missing.
    value
        The quantity as its source has it.
    """

    key: str
    unit: str
    used: float
    library: float
    low: float
    high: float
    library_unit: str
    value: Value

    @property
    def is_overridden(self) -> bool:
        """Whether the park uses another number than the library's."""
        same = math.isclose(self.used, self.library, rel_tol=1e-12)
        return self.unit != self.library_unit or not same


@lru_cache(maxsize=1)
def library() -> Mapping[str, Entry]:
    """Return every entry by its name ``set/technology``, set by set."""
    found: dict[str, Entry] = {}
    folder = files("microgrid_opt") / "data" / "technologies"
    for item in sorted(folder.iterdir(), key=lambda item: item.name):
        name = item.name.removesuffix(".yaml")
        if name != item.name:
            data = loads(item.read_text(encoding="utf-8"), item.name).data
            found |= {entry.name: entry for entry in _entries(name, data)}
    return found


def _entries(family: str, data: Mapping[str, Any]) -> Iterator[Entry]:
    for name, entry in data["technologies"].items():
        values = {
            tuple(path.split(".")): _value(value, data["sources"][value["source"]])
            for path, value in entry["values"].items()
        }
        yield Entry(f"{family}/{name}", entry["type"], entry["about"], values)


def _value(data: Mapping[str, Any], source: Mapping[str, Any]) -> Value:
    low, high = data["range"]
    return Value(
        value=data["value"],
        unit=data.get("unit", ""),
        low=low,
        high=high,
        source=source["text"],
        year=source["year"],
        note=data.get("note", ""),
        unless=tuple(data.get("unless", ())),
    )


def unit_at(cls: type[BaseModel], path: Path) -> Unit:
    """Return the unit of the field at a path below a model.

    Raises
    ------
    KeyError
        There is no such field, or it is no number.
    """
    model: Any = cls
    for key in path[:-1]:
        model = peel(fields_of(model)[key]).plain
    name = next(
        (name for name, info in model.model_fields.items() if path[-1] in {name, info.alias}), None
    )
    marker = None if name is None else marker_of(model, name)
    if marker is None:
        raise KeyError(dotted(path))
    return marker


def comparison(park: Park, key: str) -> list[Used]:
    """Return what a park's asset uses beside what its entry of the library says.

    Values in a mapping that the asset does not have are left out; empty for an asset without entry.
    """
    asset = park.assets[key]
    entry = library().get(asset.technology) if asset.technology else None
    if entry is None or entry.type != getattr(asset, "type", ""):
        return []
    rows = []
    for path, value in entry.values.items():
        used = _held(asset, path)
        if used is not None:
            unit, money = unit_at(type(asset), path).unit, value.currency
            rate = park.exchange_rates.get(money or "")
            known = rate is not None or money in {None, park.currency}
            units = [unit_label(unit, code) for code in (park.currency, money)]
            numbers = value.numbers(unit, rate)
            rows.append(Used(dotted(path), units[0], used, *numbers, units[not known], value))
    return rows


def _held(owner: Any, path: Path) -> float | None:
    """Return the number at a path of file keys below a frozen object."""
    for key in path:
        if owner is None:
            return None
        fields = type(owner).model_fields
        name = next(name for name, info in fields.items() if key in {name, info.alias})
        owner = getattr(owner, name)
    # A series of one number holds it as its value.
    owner = getattr(owner, "value", owner)
    return float(owner) if isinstance(owner, (int, float)) else None
