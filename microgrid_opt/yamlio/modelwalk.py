"""What a pydantic model expects at a place of an error, read off its annotations.

Pydantic places an error by a ``loc`` in which the keys of the file are mixed with the branches of
unions that were tried (``('assets', 'roof', 'pv', 'power_kw', 'function-after[check(), Size]',
'max')``). `walk` follows it through the annotations and gives the file's path, the type expected
there, and the unions passed on the way.
"""

from __future__ import annotations

import enum
import re
import types
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel, Discriminator, RootModel, Tag
from pydantic.fields import FieldInfo

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic_core import ErrorDetails

    Key = str | int
    Keys = tuple[Key, ...]

_CONTAINERS = (Mapping, Sequence)
_PLAIN_NAMES: dict[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    Path: "a file name",
    date: "a date such as 2030-01-31",
    datetime: "a date and time such as 2030-01-31T00:00",
    time: "a time of day such as 07:30",
}


class Expected(NamedTuple):
    """A type without its wrappers: one plain type, or the members of a union."""

    plain: Any
    members: tuple[Any, ...] = ()
    discriminator: str | None = None


class Choice(NamedTuple):
    """A plain union on the way to an error: where it stands and which branch was tried."""

    at: int
    depth: int
    union: Any
    branch: Any


class Problem(NamedTuple):
    """One pydantic error with the file's path to it and the type that was expected there."""

    raw: ErrorDetails
    path: Keys
    expected: Any
    parent: Any
    choices: tuple[Choice, ...]
    is_key: bool


def walk(annotation: Any, raw: ErrorDetails, data: Any) -> Problem:
    """Follow an error's ``loc`` through the annotations; where these say nothing, the data decide."""
    loc = raw["loc"]
    path: list[Key] = []
    choices: list[Choice] = []
    parent: Any = None
    is_named = raw["type"] in ("missing", "extra_forbidden")
    for index, key in enumerate(loc):
        if key == "[key]":
            return Problem(raw, tuple(path), None, None, tuple(choices), is_key=True)
        here = peel(annotation)
        origin = get_origin(here.plain) or here.plain
        parent = annotation
        if here.members and here.discriminator is not None:
            annotation = tags_of(here).get(str(key))
            continue
        if here.members:
            branch = _branch(here.members, str(key))
            choices.append(Choice(index, len(path), annotation, branch))
            annotation = branch
            continue
        if _is_model(here.plain):
            annotation = fields_of(here.plain).get(str(key))
        elif isinstance(origin, type) and issubclass(origin, _CONTAINERS) and origin is not str:
            arguments = [part for part in get_args(here.plain) if part is not ...]
            annotation = arguments[-1] if arguments else None
            if issubclass(origin, tuple) and isinstance(key, int) and key < len(arguments):
                annotation = arguments[key]
        else:
            annotation = None
            if value_at(data, (*path, key)) is None and not (is_named and index == len(loc) - 1):
                continue
        path.append(key)
    return Problem(raw, tuple(path), annotation, parent, tuple(choices), is_key=False)


def peel(annotation: Any, discriminator: Any = None) -> Expected:
    """Take off ``Annotated``, type aliases, new types and ``| None``."""
    while True:
        if get_origin(annotation) is Annotated:
            for extra in annotation.__metadata__:
                choices = getattr(extra, "choices", None)
                if choices is not None:
                    return Expected(annotation, tuple(choices().values()), extra.discriminator)
                if isinstance(extra, (Discriminator, FieldInfo)) and extra.discriminator:
                    discriminator = extra.discriminator
            annotation = annotation.__origin__
        elif hasattr(annotation, "__value__") or hasattr(annotation, "__supertype__"):
            annotation = getattr(annotation, "__value__", None) or annotation.__supertype__
        elif get_origin(annotation) in (Union, types.UnionType):
            members = tuple(part for part in get_args(annotation) if part is not types.NoneType)
            if len(members) > 1:
                name = getattr(discriminator, "discriminator", discriminator)
                named = None if name is None else name if isinstance(name, str) else ""
                return Expected(annotation, members, named)
            annotation = members[0]
        elif isinstance(annotation, type) and issubclass(annotation, RootModel):
            annotation = _annotation(annotation.model_fields["root"])
        else:
            return Expected(annotation)


def fields_of(annotation: Any) -> dict[str, Any]:
    """Return the keys of a model in a file with their annotations; empty for other types."""
    plain = peel(annotation).plain
    if not _is_model(plain):
        return {}
    fields = {}
    for name, info in plain.model_fields.items():
        alias = info.validation_alias if isinstance(info.validation_alias, str) else info.alias
        fields[alias or name] = _annotation(info)
    return fields


def tags_of(kinds: Expected) -> dict[str, Any]:
    """Return the members of a discriminated union by tag."""
    tags: dict[str, Any] = {}
    for member in kinds.members:
        named = [
            extra.tag for extra in getattr(member, "__metadata__", ()) if isinstance(extra, Tag)
        ]
        inner = peel(member)
        if named:
            tags[named[0]] = member
        elif inner.members:
            tags |= tags_of(inner)
        else:
            literal = peel(fields_of(member).get(kinds.discriminator or "")).plain
            tags |= {str(getattr(tag, "value", tag)): member for tag in get_args(literal)}
    return tags


def value_at(data: Any, path: Keys) -> Any:
    """Return the value at `path`; ``None`` where there is none."""
    for key in path:
        inside = isinstance(data, dict) and key in data
        if not inside and not (isinstance(data, list) and isinstance(key, int) and key < len(data)):
            return None
        data = data[key]
    return data


def shapes_of(annotation: Any) -> set[str]:
    """Return which of mapping, list and scalar a type takes; ``None`` may be any."""
    here = peel(annotation)
    if here.members:
        return set().union(*(shapes_of(member) for member in here.members))
    if here.plain is None or here.plain is Any:
        return {"mapping", "list", "scalar"}
    origin = get_origin(here.plain) or here.plain
    if not isinstance(origin, type) or origin is str:
        return {"scalar"}
    if issubclass(origin, (BaseModel, Mapping)):
        return {"mapping"}
    return {"list"} if issubclass(origin, (Sequence, set, frozenset)) else {"scalar"}


def shape_of(value: Any) -> str:
    """Return whether a value is a mapping, a list, nothing or a scalar."""
    if isinstance(value, dict):
        return "mapping"
    return "list" if isinstance(value, list) else "nothing" if value is None else "scalar"


def words_of(annotation: Any) -> tuple[str, ...]:
    """Return the texts that a type lists: those of its literals and enumerations."""
    here = peel(annotation)
    if here.members:
        return tuple(word for member in here.members for word in words_of(member))
    if isinstance(here.plain, type) and issubclass(here.plain, enum.Enum):
        return tuple(str(item.value) for item in here.plain)
    if get_origin(here.plain) is not Literal:
        return ()
    return tuple(str(getattr(item, "value", item)) for item in get_args(here.plain))


def describe(annotation: Any) -> str:
    """Return what a type takes: ``a number or a mapping with keys (min, max)``."""
    here, keys = peel(annotation), tuple(fields_of(annotation))
    words, told = words_of(annotation), _told(annotation)
    if told:
        text = told
    elif here.members and here.discriminator:
        text = f"a mapping with a `{here.discriminator}` ({', '.join(tags_of(here))})"
    elif here.members:
        text = join_or(dict.fromkeys(describe(member) for member in here.members))
    elif words:
        text = join_or(f"`{word}`" for word in words)
    elif keys:
        text = f"a mapping with keys ({', '.join(keys)})"
    elif here.plain in _PLAIN_NAMES:
        text = _PLAIN_NAMES[here.plain]
    else:
        shapes = shapes_of(annotation)
        text = f"a {shapes.pop()}" if len(shapes) == 1 else "a value"
    return text


def _told(annotation: Any) -> str:
    """Return what a field's own metadata says that it takes."""
    metadata = getattr(annotation, "__metadata__", ())
    return next((str(extra.described) for extra in metadata if hasattr(extra, "described")), "")


def join_or(options: Iterable[str]) -> str:
    """Return ``a``, ``a or b``, ``a, b or c``."""
    *head, last = options
    return f"{', '.join(head)} or {last}" if head else last


def _annotation(info: FieldInfo) -> Any:
    """Return a field's type with the discriminator that pydantic took off put on again."""
    return Annotated[info.annotation, info, *info.metadata]


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _branch(members: Sequence[Any], label: str) -> Any:
    """Return the union member to which pydantic gave this label; ``None`` when in doubt."""
    while match := re.fullmatch(r"function-\w+\[.*?\(\), (.*)\]", label):
        label = match[1]
    for member in members:
        inner = peel(member)
        origin = get_origin(inner.plain)
        if inner.members:
            hit = re.match(r"(tagged-)?union\[", label)
        elif _is_model(inner.plain):
            hit = re.fullmatch(re.escape(inner.plain.__name__), label)
        elif origin is Literal:
            hit = re.match("literal", label)
        else:
            name = getattr(origin or inner.plain, "__name__", str(inner.plain))
            hit = re.match(rf"([a-z]+-)?{re.escape(name)}(\[|$)", label)
        if hit:
            return member
    return None
