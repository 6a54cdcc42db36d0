"""What the fields of park objects mean: the strings that stand under them in the source.

Read where people read them (JSON Schema, manual, report) and not when a class is made: parsing the
source of every technology takes longer than all else that a park's schema takes.
"""

from __future__ import annotations

import ast
import inspect
import sys
from functools import cache
from typing import TYPE_CHECKING

from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


@cache
def field_docs(model: type) -> Mapping[str, str]:
    """Return the docstring of each field of a model that has one, inherited ones included.

    A class whose source is not at hand (typed into a prompt) has none of its own.
    """
    if not issubclass(model, BaseModel) or model is BaseModel:
        return {}
    found: dict[str, str] = {}
    # As pydantic takes fields: of several bases the first one's, with all that it inherits.
    for base in reversed(model.__bases__):
        found |= field_docs(base)
    found |= _docs_of(model.__module__).get(model.__qualname__, {})
    return {name: text for name, text in found.items() if name in model.model_fields}


@cache
def _docs_of(module: str) -> Mapping[str, Mapping[str, str]]:
    """Return the fields' docstrings of all classes of a module by qualified name."""
    try:
        source = inspect.getsource(sys.modules[module])
    except (KeyError, OSError, TypeError):
        return {}
    return dict(_classes(ast.parse(source).body, ""))


def _classes(body: Iterable[ast.stmt], inside: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    for part in body:
        if isinstance(part, ast.ClassDef):
            name = f"{inside}{part.name}"
            yield name, dict(_fields(part))
            yield from _classes(part.body, f"{name}.")
        elif isinstance(part, ast.FunctionDef):
            yield from _classes(part.body, f"{inside}{part.name}.<locals>.")


def _fields(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, below in zip(node.body, node.body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(below, ast.Expr)
            and isinstance(below.value, ast.Constant)
            and isinstance(below.value.value, str)
        ):
            yield field.target.id, inspect.cleandoc(below.value.value)
