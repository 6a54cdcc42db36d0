"""Names in an object that point into the park: members, nodes, carriers, areas, assets."""

from __future__ import annotations

from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from microgrid_opt.fields import Reference

if TYPE_CHECKING:
    from collections.abc import Iterator

PLACES = frozenset({"member", "node", "place"})
"""Kinds of names that say whose or where something is."""


def references(model: BaseModel) -> Iterator[tuple[str, str, str]]:
    """Yield (dotted path, kind, name) of every name in an object that points into the park.

    Names stand in fields, in lists, and as keys or values of mappings, at any depth.
    """
    for name, field in type(model).model_fields.items():
        annotation: Any = field.annotation
        for mark in field.metadata:
            annotation = Annotated[annotation, mark]
        yield from _named(getattr(model, name), annotation, name)


def _named(value: Any, annotation: Any, path: str) -> Iterator[tuple[str, str, str]]:
    if isinstance(value, BaseModel):
        for inner, kind, name in references(value):
            yield f"{path}.{inner}", kind, name
    elif isinstance(value, str):
        named = _kind(annotation)
        if named is not None:
            yield path, named, value
    elif isinstance(value, dict):
        of_keys, of_values = _arguments(annotation, dict) or (None, None)
        for key, item in value.items():
            yield from _named(key, of_keys, f"{path}.{key}")
            yield from _named(item, of_values, f"{path}.{key}")
    elif isinstance(value, tuple | list):
        (of_items, *_) = _arguments(annotation, type(value)) or (None,)
        for number, item in enumerate(value):
            yield from _named(item, of_items, f"{path}[{number}]")


def _kind(annotation: Any) -> str | None:
    """Return what a string of this type names, through `Annotated` and `| None`."""
    for part in getattr(annotation, "__metadata__", ()):
        if isinstance(part, Reference):
            return part.kind
    if get_origin(annotation) in {Annotated, Union, UnionType}:
        return next((kind for arg in get_args(annotation) if (kind := _kind(arg))), None)
    return None


def _arguments(annotation: Any, container: type) -> tuple[Any, ...] | None:
    """Return the arguments of the `dict`, `tuple` or `list` inside a type."""
    if get_origin(annotation) is container:
        return get_args(annotation)
    if get_origin(annotation) in {Annotated, Union, UnionType}:
        return next(
            (found for arg in get_args(annotation) if (found := _arguments(arg, container))), None
        )
    return None
