"""Pydantic's validation errors in the words of the person who wrote the park file.

Pydantic places an error by a ``loc`` that mixes the file's keys with the branches of unions that it
tried. Walking the model's annotations along ``loc`` tells the two apart, gives the keys that are
known at each place, and lets a union speak with one voice: that of the branch the user meant.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, get_args

from pydantic_core.core_schema import ErrorType

from microgrid_opt.errors import Finding, Location
from microgrid_opt.yamlio.grammar import FLOAT, dotted, kind, nearest, suggest
from microgrid_opt.yamlio.modelwalk import (
    describe,
    fields_of,
    join_or,
    peel,
    shape_of,
    shapes_of,
    tags_of,
    value_at,
    walk,
    words_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pydantic import BaseModel, ValidationError

    from microgrid_opt.yamlio import Document
    from microgrid_opt.yamlio.modelwalk import Keys, Problem

    Told = tuple[Keys, str, Any]

_BOUNDS = {
    "greater_than": (">", "gt"),
    "greater_than_equal": (">=", "ge"),
    "less_than": ("<", "lt"),
    "less_than_equal": ("<=", "le"),
}
_MISMATCHES = {"literal_error", "enum", "int_from_float", "is_instance_of"} | {
    name for name in get_args(ErrorType) if name.endswith(("_type", "_parsing"))
}
_NUMBER_AND_MORE = re.compile(r"[-+]?[0-9][0-9., _']*([A-Za-z%€$£¥].*)?")
_SWITCHES = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}


def known_keys(model: Any, loc: Sequence[str | int]) -> tuple[str, ...]:
    """Return the keys that a mapping at `loc` may have; empty where any or none are allowed.

    Parameters
    ----------
    model
        A pydantic model class, or any annotation made of models, dicts, lists and unions.
    loc
        A place as pydantic writes it in ``ValidationError.errors()``, union branches included.
    """
    raw: Any = {"type": "", "loc": tuple(loc)}
    expected = walk(model, raw, None).expected
    return tuple(
        dict.fromkeys(
            key for part in peel(expected).members or (expected,) for key in fields_of(part)
        )
    )


def findings_of(
    error: ValidationError,
    document: Document,
    model: type[BaseModel],
    *,
    prefix: tuple[str | int, ...] = (),
) -> list[Finding]:
    """Return the findings of a failed validation, in the order of the file.

    A validator may place its error at a key below its own by raising ``PydanticCustomError`` with
    ``{"path": ("roof", "member")}`` in the context.

    Parameters
    ----------
    error
        What ``model.model_validate(...)`` raised.
    document
        Where the validated data came from.
    model
        The model that was validated.
    prefix
        The path in the document of the data that was validated; empty for the whole.
    """
    data = value_at(document.data, prefix)
    problems = [walk(model, raw, data) for raw in error.errors(include_url=False)]
    found: dict[tuple[Keys, str], Finding] = {}
    top = {} if prefix else fields_of(model)
    for path, message, value in _settle(problems, 0, data, top):
        full = (*prefix, *path)
        shown = value if isinstance(value, (str, int, float, list)) else None
        finding = Finding(message, document.where(full), dotted(full), shown)
        found.setdefault((full, message), finding)
    return sorted(found.values(), key=lambda finding: finding.where or Location(""))


def _settle(
    problems: Sequence[Problem], level: int, data: Any, top: Mapping[str, Any]
) -> Iterator[Told]:
    """Give path, message and value of each problem; of each plain union only what fits the value."""
    unions: dict[Any, list[Problem]] = {}
    for problem in problems:
        if len(problem.choices) > level:
            unions.setdefault(problem.raw["loc"][: problem.choices[level].at], []).append(problem)
        else:
            yield _told(problem, top)
    for loc, group in unions.items():
        choice = group[0].choices[level]
        path = group[0].path[: choice.depth]
        outright = [problem for problem in group if len(problem.raw["loc"]) == len(loc) + 1]
        value = outright[0].raw["input"] if outright else value_at(data, path)
        branches: dict[Any, list[Problem]] = {}
        for problem in group:
            fits = shape_of(value) in shapes_of(problem.choices[level].branch)
            if fits and not (problem in outright and problem.raw["type"] in _MISMATCHES):
                branches.setdefault(problem.raw["loc"][len(loc)], []).append(problem)
        if branches:
            yield from _settle(min(branches.values(), key=len), level + 1, data, top)
        else:
            yield path, _mismatch(choice.union, value), value


def _told(problem: Problem, top: Mapping[str, Any]) -> Told:
    """Return path, message and value to show of one problem."""
    raw, path, message = problem.raw, problem.path, problem.raw["msg"]
    context, value = raw.get("ctx", {}), raw["input"]
    if raw["type"] == "missing":
        message = "this key is required"
        if problem.expected is not None:
            message += f": it must be {describe(problem.expected)}"
        value = None
    elif raw["type"] == "extra_forbidden":
        message = _unknown(problem, top)
    elif raw["type"].startswith("union_tag_"):
        path, message, value = _untagged(problem, top)
    elif raw["type"] in _BOUNDS:
        sign, name = _BOUNDS[raw["type"]]
        limit = context[name]
        message = (
            f"must be {sign} {limit:.15g}"
            if isinstance(limit, float)
            else f"must be {sign} {limit}"
        )
    elif problem.raw["type"] in _MISMATCHES and problem.expected is not None:
        message = _mismatch(problem.expected, value)
        if peel(problem.expected).discriminator:
            message += _indent_less(path, top)
    else:
        message = message.removeprefix("Value error, ").removeprefix("Assertion failed, ")
        message = re.sub(r"^\w+ should ", "must ", message).replace(" after validation", "")
        below = context.get("path", ())
        path = (*path, *((below,) if isinstance(below, str) else below))
    if problem.is_key:
        return path, f"this key is not allowed: {message}", None
    return path, message, value


def _untagged(problem: Problem, top: Mapping[str, Any]) -> Told:
    """Tell of a mapping whose kind (its ``type``) is missing or unknown."""
    here, path = peel(problem.expected), problem.path
    tags = tuple(tags_of(here))
    allowed = join_or(f"`{tag}`" for tag in tags) if tags else "another value"
    at = (*path, here.discriminator) if here.discriminator else path
    if problem.raw["type"] == "union_tag_invalid":
        tag = problem.raw["ctx"]["tag"]
        value = value_at(problem.raw["input"], at[len(path) :])
        return at, f"must be {allowed}{_did_you_mean(tag, tags)}", value
    return at, f"this key is required: it must be {allowed}{_indent_less(path, top)}", None


def _unknown(problem: Problem, top: Mapping[str, Any]) -> str:
    """Say what may be meant by an unknown key."""
    key, value = str(problem.path[-1]), problem.raw["input"]
    fields = fields_of(problem.parent)
    if len(problem.path) == 1 and "assets" in top and isinstance(value, dict) and "type" in value:
        return "unknown key; it has a `type` as assets have: indent it to stand under `assets:`"
    if isinstance(value, (dict, list)) and _indent_less(problem.path, top):
        return f"unknown key here{_indent_less(problem.path, top)}"
    if value is None and ":" in key:
        return "unknown key; put a space after the colon"
    owners = [
        f"`{name}`"
        for name, inner in fields.items()
        if any(key in fields_of(part) for part in peel(inner).members or (inner,))
    ]
    if owners:
        return f"unknown key here; it belongs under {join_or(owners)}"
    return f"unknown key{suggest(key, tuple(fields), 'allowed')}"


def _indent_less(path: Keys, top: Mapping[str, Any]) -> str:
    """Return a hint, ready to end a message, for a nested key with the name of a top one."""
    if len(path) < 2 or path[-1] not in top:
        return ""
    return f"; if `{path[-1]}` is meant for the top of the file, indent it less"


def _did_you_mean(word: object, options: Sequence[str]) -> str:
    near = nearest(word, options) if isinstance(word, str) else None
    return f"; did you mean `{near}`?" if near else ""


def _mismatch(annotation: Any, value: Any) -> str:
    """Say what is allowed instead of a value of the wrong kind."""
    allowed, given, words = describe(annotation), kind(value), words_of(annotation)
    takes = {peel(part).plain for part in peel(annotation).members or (annotation,)}
    fraction = int in takes and isinstance(value, float)
    listed = bool(words) and isinstance(value, (str, int, float)) and not isinstance(value, bool)
    if value is None:
        return f"is empty: it must be {allowed}"
    message = f"must be {allowed}"
    if not (fraction or listed or given in allowed):
        message += f", not {given}"
    message += _did_you_mean(value, words)
    if isinstance(value, str) and takes & {int, float} and FLOAT.fullmatch(value):
        message += "; write it without quotes"
    elif isinstance(value, str) and takes & {int, float} and _NUMBER_AND_MORE.fullmatch(value):
        message += "; write the number alone, without unit or separators"
    elif isinstance(value, str) and bool in takes and value.casefold() in _SWITCHES:
        message += f"; write {_SWITCHES[value.casefold()]}"
    elif isinstance(value, (int, float)) and str in takes:
        message += "; put it in quotes"
    return message
