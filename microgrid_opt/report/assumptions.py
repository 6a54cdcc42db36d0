"""What the plan was told: every field of the park with its unit, its meaning and its value."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from microgrid_opt.fielddocs import field_docs
from microgrid_opt.fields import unit_of
from microgrid_opt.library import comparison
from microgrid_opt.plugins import outside
from microgrid_opt.report.tables import Cell, Column, Table, format_number, humanised
from microgrid_opt.units import unit_label

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from microgrid_opt.park import Park
    from microgrid_opt.report.view import View

_READ_AS = {"deg": "°", "degC": "°C", "year": "years", "m2": "m²", "kg/m3": "kg/m³", "W/m2": "W/m²"}
_SHOWN_ELSEWHERE = ("type", "label", "member", "name", "description", "schema_version")
_WORDS = {"True": "yes", "False": "no", "None": "none"}
_LONGEST = 12
"""Lists up to this length are written out."""


@dataclass(frozen=True)
class Input:
    """One value that was given, or a default that holds."""

    key: str
    value: str
    meaning: str
    is_default: bool


def inputs_of(
    owner: BaseModel,
    currency: str,
    arrays: Mapping[str, NDArray[np.float64]],
    path: str,
    prefix: str = "",
) -> list[Input]:
    """Return the inputs of an object of the park, those of nested objects by dotted keys.

    Parameters
    ----------
    owner
        Frozen object of the park.
    currency
        ISO code that stands for ``currency`` in units.
    arrays
        Resolved series of the problem, for the range of each series.
    path
        Where the object's series stand in ``arrays``.
    prefix
        Put before every key.
    """
    rows: list[Input] = []
    model = type(owner)
    for name, info in model.model_fields.items():
        value = getattr(owner, name)
        given = name in owner.model_fields_set
        key = f"{prefix}{info.alias or name}"
        array = arrays.get(f"{path}.{name}")
        if name in _SHOWN_ELSEWHERE or (not given and not value and array is None):
            continue
        unit = unit_label(unit_of(model, name) or "1", currency)
        unit = _READ_AS.get(unit, unit)
        if array is not None:
            text = f"{_range(array)} {unit}".rstrip()
            form = "derived by the program" if value is None else _form(value)
            rows.append(
                Input(key, f"{text} ({form})" if form else text, _meaning(model, name), not given)
            )
        elif isinstance(value, BaseModel):
            rows += inputs_of(value, currency, arrays, f"{path}.{name}", f"{key}.")
        elif isinstance(value, dict) and any(isinstance(v, BaseModel) for v in value.values()):
            for inner, item in value.items():
                rows += inputs_of(
                    item, currency, arrays, f"{path}.{name}.{inner}", f"{key}.{inner}."
                )
        else:
            text = f"{_text(value)} {unit}".rstrip()
            rows.append(Input(key, text, _meaning(model, name), not given))
    return rows


def blocks(view: View) -> Iterator[dict[str, Any]]:
    """Yield titled groups of inputs: the park's sections, then each asset with its library entry."""
    park, arrays = view.plan.problem.park, view.plan.problem.arrays
    for name in ("site", "horizon", "finance", "carbon", "targets", "carriers"):
        section = getattr(park, name)
        if isinstance(section, BaseModel):
            rows = inputs_of(section, park.currency, arrays, name)
        else:
            rows = [
                row
                for key, item in section.items()
                for row in inputs_of(item, park.currency, arrays, f"{name}.{key}", f"{key}.")
            ]
        if rows:
            yield {
                "title": humanised(name),
                "kind": "",
                "rows": rows,
                "colour": "",
                "library": None,
            }
    for key, asset in park.assets.items():
        rows = inputs_of(asset, park.currency, arrays, f"assets.{key}")
        word = str(getattr(asset, "type", type(asset).__name__))
        kind = ", of ".join([word.replace("_", " "), *map(str, outside([word]))])
        yield {
            "title": view.asset_label(park.owner(key), key),
            "kind": kind,
            "rows": rows,
            "colour": view.colour(key),
            "library": library_table(park, key),
        }


def library_table(park: Park, key: str) -> Table | None:
    """Return what an asset uses beside what its entry of the technology library says.

    ``None`` for an asset without entry.
    """
    rows = comparison(park, key)
    columns = ("Key", "Used", "Library", "Range", "Overridden", "Source", "Year")
    cells: list[list[Cell]] = [
        [
            row.key,
            _quantity(row.unit, row.used),
            _quantity(row.library_unit, row.library),
            _quantity(row.library_unit, row.low, row.high),
            "yes" if row.is_overridden else "no",
            f"{row.value.source}. {row.value.note}".strip(),
            str(row.value.year),
        ]
        for row in rows
    ]
    return Table([Column(title) for title in columns], cells) if rows else None


def _quantity(unit: str, *numbers: float) -> str:
    """Return one number with its unit, or a range of two."""
    text = " to ".join(format_number(number, digits=5) for number in numbers)
    return f"{text} {_READ_AS.get(unit, unit)}".rstrip()


def input_label(view: View, key: str) -> tuple[str, str]:
    """Return the name for reading and the unit of a resolved series of the problem."""
    parts = key.split(".")
    park = view.plan.problem.park
    owner: Any = park
    for part in parts[:-1]:
        owner = owner.get(part) if isinstance(owner, dict) else getattr(owner, part, None)
    unit = "1"
    if isinstance(owner, BaseModel) and parts[-1] in type(owner).model_fields:
        unit = unit_of(type(owner), parts[-1]) or "1"
    name = " ".join(parts[2:] if parts[0] == "assets" else parts[1:]).replace("_", " ")
    if parts[0] == "assets":
        name = f"{view.asset_label(park.owner(parts[1]), parts[1])}: {name}"
    return name, unit_label(unit, view.currency) or "1"


def _range(values: NDArray[np.float64]) -> str:
    low, high = float(values.min()), float(values.max())
    if low == high:
        return format_number(low, digits=6)
    numbers = [format_number(v, digits=4) for v in (low, float(values.mean()), high)]
    return f"{numbers[0]} to {numbers[2]}, mean {numbers[1]}"


def _form(series: Any) -> str:
    """Return how a series was given: its form, with the texts and numbers that it names."""
    if not isinstance(series, BaseModel):
        return ""
    name = re.sub(r"(?<!^)(?=[A-Z])", " ", type(series).__name__).lower()
    if name == "constant":
        return ""
    parts = []
    for field in type(series).model_fields:
        value = getattr(series, field)
        if field not in series.model_fields_set:
            continue
        if isinstance(value, BaseModel):
            parts.append(_form(value))
        elif isinstance(value, (str, int, float)):
            parts.append(f"{field.replace('_', ' ')} {_text(value)}")
    detail = ", ".join(part for part in parts if part)
    return f"{name}: {detail}" if detail else name


def _text(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_text(item)}" for key, item in value.items())
    if isinstance(value, (list, tuple, set, frozenset)):
        items = sorted(value, key=str) if isinstance(value, (set, frozenset)) else list(value)
        if len(items) > _LONGEST:
            return f"{len(items)} values"
        return ", ".join(_text(item) for item in items)
    if isinstance(value, float):
        return format_number(value, digits=6)
    return _WORDS.get(str(value), str(value))


def _meaning(model: type[BaseModel], name: str) -> str:
    """Return a field's description on one line, without markup."""
    return " ".join(field_docs(model).get(name, "").replace("`", "").split())
