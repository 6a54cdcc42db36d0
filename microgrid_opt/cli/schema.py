"""JSON Schema of ``park.yaml``, for completion and checks while typing in an editor.

Made from the same classes that read the file; nothing is listed here that stands there. What JSON
Schema cannot say (sums, exclusive keys, names of members) is left to ``microgrid-opt validate``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from microgrid_opt.completion import KEY
from microgrid_opt.fields import Frozen, unit_of
from microgrid_opt.library import library
from microgrid_opt.park import Park, park_model
from microgrid_opt.pathway.spec import PathwaySpec
from microgrid_opt.yamlio.stages import SETTINGS, STAGES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ID = "urn:microgrid-opt:park:1"
MOMENT = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})?)?$"
"""Date, or date and time with or without offset: JSON Schema's own format demands the offset."""
FROM_LIBRARY = "FromLibrary"
OF_THE_KEY = "as the key of the series"
"""Unit of numbers inside a series: the same shape serves power, prices and shares."""


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a park file.

    Every field has a title and a description, and every number the non-standard keyword ``unit``.
    Technologies that are registered by now take part.
    """
    schema = park_model().model_json_schema(by_alias=True, mode="validation")
    definitions: dict[str, Any] = schema["$defs"]
    definitions[PathwaySpec.__name__] = PathwaySpec.model_json_schema(mode="validation")
    models = tuple(_models(Frozen))
    for name, part in ((Park.__name__, schema), *definitions.items()):
        part["description"] = _first_paragraph(part.get("description", ""))
        model = _model_of(name, part["properties"], models)
        for key, field in part["properties"].items():
            _describe(key, field, part, definitions)
            _add_unit(model, key, field)
    for part in reversed(list(_objects(schema))):
        _tidy(part)
    properties = schema["properties"]
    _add_library(properties["assets"], definitions)
    keys = list(properties)
    properties[SETTINGS] = {
        "title": "Pathway",
        "description": definitions[PathwaySpec.__name__]["description"],
        "$ref": f"#/$defs/{PathwaySpec.__name__}",
    }
    properties[STAGES] = _stages(keys)
    properties["scenarios"] = _scenarios(list(properties))
    head = {
        "$schema": DIALECT,
        "$id": ID,
        "title": "Park for microgrid-opt",
        "description": schema.pop("description"),
    }
    return head | {key: value for key, value in schema.items() if key != "title"}


def _add_library(assets: dict[str, Any], definitions: dict[str, Any]) -> None:
    """Let an asset that names an entry of the library leave out what the entry gives."""
    by_type: dict[str, list[str]] = {}
    for name, entry in library().items():
        by_type.setdefault(entry.type, []).append(name)
    ((pattern, asset),) = assets["patternProperties"].items()
    cases = []
    keys: dict[str, Any] = {}
    for kind, path in asset["discriminator"]["mapping"].items():
        keys = definitions[path.removeprefix("#/$defs/")]["properties"]
        parts = {key: {"$ref": f"{path}/properties/{key}"} for key in keys}
        named = {"properties": {KEY: {"enum": by_type.get(kind, [])}}}
        then = {"properties": parts, "propertyNames": {"enum": list(keys)}}
        cases += [{"if": named, "then": then}] if kind in by_type else []
    names = [name for kind in by_type.values() for name in kind]
    definitions[FROM_LIBRARY] = {
        "title": "Asset from the technology library",
        "description": "An asset that takes from an entry of the library what it leaves out.",
        "type": "object",
        "required": [KEY],
        "properties": {KEY: {**keys[KEY], "anyOf": [{"enum": sorted(names)}]}},
        "allOf": cases,
    }
    assets["patternProperties"] = {pattern: {"anyOf": [asset, {"$ref": f"#/$defs/{FROM_LIBRARY}"}]}}


def _stages(keys: list[str]) -> dict[str, Any]:
    stage = {
        "type": ["object", "null"],
        "description": "What is different from the stage before; null removes a key.",
        "propertyNames": {"enum": keys},
    }
    return {
        "title": "Stages",
        "description": "Calendar years in which capacity is bought, each with what changes in it.",
        "type": "object",
        "minProperties": 1,
        "propertyNames": {"pattern": "^[0-9]{4}$"},
        "additionalProperties": stage,
    }


def _scenarios(keys: list[str]) -> dict[str, Any]:
    scenario = {
        "type": ["object", "null"],
        "description": "What is different: keys as in the park itself; null removes a key.",
        "propertyNames": {"enum": keys},
    }
    return {
        "title": "Scenarios",
        "description": "Changes by name, merged into the park with `--scenario NAME`.",
        "type": ["object", "null"],
        "additionalProperties": scenario,
    }


def _model_of(
    name: str, properties: dict[str, Any], models: Iterable[type[Frozen]]
) -> type[Frozen]:
    """Return the class behind a definition; pydantic puts the module before doubled names."""
    return next(
        model
        for model in models
        if name.endswith(model.__name__)
        and properties.keys() == {info.alias or key for key, info in model.model_fields.items()}
    )


def _models(model: type[Frozen]) -> Iterator[type[Frozen]]:
    for below in model.__subclasses__():
        yield below
        yield from _models(below)


def _first_paragraph(text: str) -> str:
    """Return what an editor can show beside the cursor: no formulas, no references."""
    return " ".join(text.partition("\n\n")[0].split()).replace("``", "`")


def _describe(
    key: str, field: dict[str, Any], owner: dict[str, Any], definitions: dict[str, Any]
) -> None:
    """Give a field a title and a description: its own, else that of what it holds or names."""
    field.setdefault("title", key.replace("_", " ").capitalize())
    told = owner if "const" in field else {}
    told = definitions.get(str(field.get("$ref", "")).removeprefix("#/$defs/"), told)
    field["description"] = _first_paragraph(field.get("description") or told.get("description", ""))
    if isinstance(field.get("default"), dict):
        del field["default"]


def _add_unit(model: type[Frozen], key: str, field: dict[str, Any]) -> None:
    name = next(name for name, info in model.model_fields.items() if key in {name, info.alias})
    unit = unit_of(model, name)
    if unit is None and any(part.get("type") == "number" for part in _objects(field)):
        unit = OF_THE_KEY if model.__module__.endswith(("shapes", "series", "timeofuse")) else None
    for part in _objects(field):
        part.pop("unit", None)
    if unit is not None:
        field["unit"] = unit


def _objects(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for value in list(node.values()):
            yield from _objects(value)
    elif isinstance(node, list):
        for value in node:
            yield from _objects(value)


def _tidy(part: dict[str, Any]) -> None:
    """Close mappings, relax dates, and join unions of unions."""
    if part.get("type") == "string" and part.get("format") in {"date", "date-time"}:
        del part["format"]
        part["pattern"] = MOMENT
    if "patternProperties" in part:
        part["additionalProperties"] = False
    branches = part.get("anyOf")
    if isinstance(branches, list):
        joined: list[Any] = []
        for branch in branches:
            inner = branch["anyOf"] if branch.keys() == {"anyOf"} else [branch]
            joined += [one for one in inner if one not in joined]
        part["anyOf"] = joined
