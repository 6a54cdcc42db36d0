"""A park file as plain data in which every key knows its line; scenarios and ``--set`` on top.

What counts as YAML, and what is refused, stands in `microgrid_opt.yamlio.grammar`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from microgrid_opt.errors import Finding, InputError, Location
from microgrid_opt.yamlio.grammar import (
    UNPRINTABLE,
    Part,
    Spot,
    dotted,
    kind,
    nearest,
    parse,
    suggest,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MAX_BYTES = 16 * 2**20
MAX_SHOWN = 10

_SECTION = "scenarios"


@dataclass(frozen=True, eq=False)
class Document:
    """The content of one file, and where each part of it stands.

    Parameters
    ----------
    data
        Plain ``dict``, ``list``, ``str``, ``int``, ``float``, ``bool`` and ``None``.
    name
        The file as the user wrote it; it stands in every location.
    folder
        The folder from which relative paths in the file count.
    text_sha256
        SHA-256 of the file's text as UTF-8 without byte order mark, before scenarios and sets.
    spot
        The places; ask `where` instead.
    """

    data: dict[str, Any]
    name: str
    folder: Path
    text_sha256: str
    spot: Spot = field(repr=False)

    def where(self, path: tuple[str | int, ...]) -> Location:
        """Return the place of the key (or list item) at `path`, else of its nearest ancestor."""
        return self._find(path).key

    def where_value(self, path: tuple[str | int, ...]) -> Location:
        """Return the place of the value at `path`, else of its nearest ancestor's value."""
        return self._find(path).value

    def _find(self, path: tuple[str | int, ...]) -> Spot:
        spot = self.spot
        for key in path:
            if key not in spot.children:
                break
            spot = spot.children[key]
        return spot


def load(path: Path) -> Document:
    """Read a YAML file.

    Raises
    ------
    InputError
        When the file cannot be read or is not strict YAML; with all problems found.
    """
    name = str(path)
    raw = _read(path)
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError(Finding("the file is UTF-16: save it as UTF-8", Location(name)))
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        head = raw[: error.start]
        line = head[head.rfind(b"\n") + 1 :].decode().removeprefix("\ufeff")
        message = (
            f"byte 0x{raw[error.start]:02x} at offset {error.start} is not UTF-8: "
            "save the file as UTF-8 (perhaps it is GBK or Latin-1)"
        )
        where = Location(name, head.count(b"\n") + 1, len(line) + 1)
        raise InputError(Finding(message, where)) from None
    return _document(text, name, path.parent)


def loads(text: str, name: str) -> Document:
    """Read YAML text; `name` stands for the file, and paths count from the current folder.

    Raises
    ------
    InputError
        When the text is not strict YAML; with all problems found.
    """
    _check_size(len(text.encode("utf-8", "surrogatepass")), Location(name))
    return _document(text, name, Path())


def apply_sets(document: Document, assignments: Sequence[str]) -> Document:
    """Return the document with ``path.to.key=value`` assignments made in order; the last one wins.

    The value is one YAML scalar or flow collection, in the file's own grammar. Everything in the
    path but the last key must exist, save for a section that the file leaves out; list items are numbers from 0. A value set this way stands at
    ``--set path.to.key=value``. Keys that hold a dot or ``=`` cannot be reached.

    Raises
    ------
    InputError
        With the findings of every assignment that cannot be read or placed.
    """
    part = Part(document.data, document.spot)
    findings: list[Finding] = []
    for text in assignments:
        try:
            part = _assign(part, text)
        except InputError as error:
            findings.extend(error.findings)
    if findings:
        raise InputError(findings)
    return replace(document, data=part.data, spot=part.spot)


def scenario_names(document: Document) -> tuple[str, ...]:
    """Return the names under ``scenarios:`` in the order of the file.

    Raises
    ------
    InputError
        When the section or one of its scenarios is not a mapping.
    """
    return tuple(_scenarios(document))


def apply_scenario(document: Document, name: str | None) -> Document:
    """Return the park with one scenario merged in (or none) and without the ``scenarios`` section.

    A mapping merges, anything else replaces, null removes its key (as in RFC 7386, except that to
    remove what is not there is an error); a mapping that changes ``type`` replaces the old one as a
    whole. `Document.where` leads to the scenario's line for what it changed or removed.

    Raises
    ------
    InputError
        When the section is malformed, the name unknown, or a key to remove does not exist.
    """
    scenarios = _scenarios(document)
    data = {key: value for key, value in document.data.items() if key != _SECTION}
    spots = {key: spot for key, spot in document.spot.children.items() if key != _SECTION}
    part = Part(data, document.spot._replace(children=spots))
    if name is not None:
        if name not in scenarios:
            near = nearest(name, scenarios)
            hint = f"; did you mean `{near}`?" if near else ""
            names = ", ".join(scenarios)
            hint += f"{' The' if near else '; the'} file has {names or 'none'}"
            where = document.where((_SECTION,)) if scenarios else Location(document.name)
            raise InputError(Finding(f"there is no scenario `{name}`{hint}", where, _SECTION))
        spot = document.spot.children[_SECTION].children[name]
        findings: list[Finding] = []
        part = overlay(part, Part(scenarios[name], spot), (), findings)
        if findings:
            raise InputError(findings)
    return replace(document, data=part.data, spot=part.spot)


def _check_size(size: int, where: Location) -> None:
    if size > MAX_BYTES:
        message = f"the file has {size} bytes, the limit is {MAX_BYTES} (16 MB)"
        raise InputError(Finding(f"{message}: put long series in files of their own", where))


def _read(path: Path) -> bytes:
    where = Location(str(path))
    try:
        if path.is_dir():
            inside = [item.name for item in path.iterdir() if item.suffix in {".yaml", ".yml"}]
            also = f": {', '.join(sorted(inside)[:MAX_SHOWN])}" if inside else ""
            raise InputError(Finding(f"this is a folder, give the YAML file in it{also}", where))
        _check_size(path.stat().st_size, where)
        return path.read_bytes()
    except FileNotFoundError:
        raise InputError(Finding(_not_there(path), where)) from None
    except OSError as error:
        raise InputError(Finding(f"the file cannot be read: {error.strerror}", where)) from error


def _not_there(path: Path) -> str:
    if not path.parent.is_dir():
        return f"there is no such file, and no folder `{path.parent}`"
    names = sorted(item.name for item in path.parent.iterdir() if item.is_file())
    yamls = [name for name in names if name.endswith((".yaml", ".yml"))]
    near = nearest(path.name, yamls) or nearest(path.name, names)
    if near:
        return f"there is no such file; did you mean `{path.with_name(near)}`?"
    return "there is no such file" + suggest(path.name, yamls[:MAX_SHOWN], "the folder has")


def _document(text: str, name: str, folder: Path) -> Document:
    text = text.removeprefix("\ufeff")

    def place(line: int, column: int) -> Location:
        return Location(name, line, column)

    _check_characters(text, place)
    part = parse(text, place)
    if part is None:
        what = "holds only comments" if "#" in text else "is empty"
        message = f"the file {what}: it must hold keys such as `assets:`"
        raise InputError(Finding(message, Location(name)))
    if not isinstance(part.data, dict):
        message = f"the file must hold keys such as `assets:`, not {kind(part.data)}"
        raise InputError(Finding(message, part.spot.value))
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Document(part.data, name, folder, digest, part.spot)


def _check_characters(text: str, place: Callable[[int, int], Location]) -> None:
    found = list(UNPRINTABLE.finditer(text))
    findings = []
    for match in found[:MAX_SHOWN]:
        start = match.start()
        where = place(text.count("\n", 0, start) + 1, start - text.rfind("\n", 0, start))
        message = f"the control character U+{ord(match[0]):04X} is refused: remove it"
        findings.append(Finding(message, where))
    if len(found) > MAX_SHOWN:
        more = f"{len(found) - MAX_SHOWN} more control characters: is this a text file?"
        findings.append(Finding(more, findings[-1].where))
    if findings:
        raise InputError(findings)


def _assign(part: Part, text: str) -> Part:
    where = Location(f"--set {text}")
    target, equals, value = text.partition("=")
    keys = target.strip().split(".")
    if not equals or not all(keys):
        raise InputError(Finding("write --set path.to.key=value", where))

    def place(_line: int, _column: int) -> Location:
        return where

    _check_characters(text, place)
    new = parse(value, place, flow_only=True)
    return _put(part, keys, new or Part(None, Spot(where, where, {})), (), where)


def _put(
    part: Part, keys: Sequence[str], new: Part, above: tuple[str | int, ...], where: Location
) -> Part:
    """Return a copy of `part` with `new` at `keys`; only what lies on the way is copied."""
    spot = part.spot
    if not above and _opens_section(part.data, keys):
        part = Part({**part.data, keys[0]: {}}, spot)
        spot = spot._replace(children={**spot.children, keys[0]: Spot(where, where, {})})
    key = _step(part.data, keys, above, where)
    if len(keys) > 1:
        new = _put(Part(part.data[key], spot.children[key]), keys[1:], new, (*above, key), where)
    data = part.data.copy()
    data[key] = new.data
    return Part(data, spot._replace(children={**spot.children, key: new.spot}))


def _opens_section(data: dict[str, Any], keys: Sequence[str]) -> bool:
    """Return whether a path begins with a section that the file leaves out (``carbon.price=3``)."""
    missing = len(keys) > 1 and data.get(keys[0]) is None
    return missing and (keys[0] in data or nearest(keys[0], data) is None)


def _step(
    data: Any, keys: Sequence[str], above: tuple[str | int, ...], where: Location
) -> str | int:
    """Return the first of `keys` as a key or index of `data`."""
    word = keys[0]
    name, full = f"`{dotted(above)}`" if above else "the file", dotted((*above, word))
    if isinstance(data, dict):
        if len(keys) == 1 or word in data:
            return word
        message = f"{name} has no key `{word}`{suggest(word, tuple(data), 'it has')}"
    elif isinstance(data, list):
        if word.isdecimal() and int(word) < len(data):
            return int(word)
        message = f"{name} is a list of {len(data)}: its items are 0 to {len(data) - 1}"
        if not data:
            message = f"{name} is an empty list: set it as a whole"
    else:
        message = f"{name} is {kind(data)}, not a mapping or list: set it as a whole"
    raise InputError(Finding(message, where, full))


def _scenarios(document: Document) -> dict[str, dict[str, Any]]:
    """Return the scenarios by name, all mappings; an empty scenario changes nothing."""
    section = document.data.get(_SECTION)
    if section is None:
        return {}
    if not isinstance(section, dict):
        message = f"must be a mapping from scenario names to changed keys, not {kind(section)}"
        raise InputError(Finding(message, document.where((_SECTION,)), _SECTION))
    findings = []
    for name, changes in section.items():
        path = (_SECTION, name)
        if changes is not None and not isinstance(changes, dict):
            message = f"must be a mapping of the keys that it changes, not {kind(changes)}"
            findings.append(Finding(message, document.where(path), dotted(path)))
        elif changes and _SECTION in changes:
            inner = (*path, _SECTION)
            message = "a scenario cannot hold scenarios"
            findings.append(Finding(message, document.where(inner), dotted(inner)))
    if findings:
        raise InputError(findings)
    return {name: changes or {} for name, changes in section.items()}


def overlay(base: Part, change: Part, path: tuple[str | int, ...], findings: list[Finding]) -> Part:
    """Return the mapping `base` with the mapping `change` merged in."""
    data, spots = dict(base.data), dict(base.spot.children)
    for key, value in change.data.items():
        spot, inner = change.spot.children[key], (*path, key)
        old = data.get(key)
        spots[key] = spot
        if value is None:
            if key not in data:
                options = suggest(key, tuple(base.data), "here are")
                message = f"null removes a key, but the park has no such key{options}"
                findings.append(Finding(message, spot.key, dotted(inner)))
            data.pop(key, None)
        elif isinstance(value, dict):
            under = Part({}, spot._replace(children={}))
            if isinstance(old, dict) and _same_type(old, value):
                under = Part(old, base.spot.children[key])
            data[key], spots[key] = overlay(under, Part(value, spot), inner, findings)
        else:
            data[key] = value
    return Part(data, Spot(base.spot.key, base.spot.value, spots))


def _same_type(old: dict[str, Any], new: dict[str, Any]) -> bool:
    return "type" not in old or "type" not in new or bool(old["type"] == new["type"])
