"""YAML text to plain data and places: the grammar behind `microgrid_opt.yamlio`.

The grammar is YAML 1.2 as PyYAML reads it; plain scalars follow the YAML 1.2.2 core schema
(section 10.3.2), not the YAML 1.1 rules of ``yaml.safe_load``: ``7:00``, ``no`` and ``2030-01-01``
are text, ``1e6`` is a number and ``010`` is ten. What one YAML reader takes for one thing and the
next reader for another is refused: double keys, tags, merge keys, ``.nan``, and numbers with
underscores (YAML 1.1 reads ``1_000`` as a number, YAML 1.2 as text).
"""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import yaml

from microgrid_opt.errors import Finding, InputError, Location

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

YEARS = "stages"
"""The mapping whose keys may be whole numbers: years, which nobody puts in quotes."""
MAX_DEPTH = 100
MAX_ALIAS_VALUES = 1_000_000
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
# The complement of c-printable, YAML 1.2.2 section 5.1.
UNPRINTABLE = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INT = re.compile(r"[-+]?[0-9]+")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")

# Patterns for "context; problem" of PyYAML (libyaml and pure Python word them differently).
_UNCLOSED, _NO_COLON = "quoted scalar; found unexpected (end|doc)", "scanning a simple key"
_SYNTAX = (
    (_UNCLOSED, "the quote that opens here is never closed"),
    (_NO_COLON, "this line is neither `key: value` nor `- item`: is `: ` missing?"),
    (
        "quoted scalar",
        "in double quotes a backslash starts an escape such as `\\n`: use single quotes",
    ),
    ("start any token", "a value cannot start with `{char}`: put it in quotes"),
    (
        "mapping values",
        "a `:` too many: put text that holds `: ` in quotes, put a space after the colon of the "
        "key above, or correct the indentation",
    ),
    (
        "mapping keys|sequence entries",
        "a list or mapping cannot start here: begin it on the next line, or write [a, b]",
    ),
    (
        "parsing a block mapping",
        "this does not fit the mapping that starts on line {start}: its keys must start in one "
        "column, and nothing may follow a closing quote or bracket",
    ),
    (
        "parsing a block collection",
        "this does not fit the list that starts on line {start}: its items must start with `- ` "
        "in one column",
    ),
    ("flow sequence", "the `[` of line {start} is not closed before here: `,` or `]` is missing"),
    ("flow mapping", "the `{{` of line {start} is not closed before here: `,` or `}}` is missing"),
    ("node content", "a value is missing here, or there is a comma or bracket too many"),
    ("an anchor|an alias", "a name must follow `&` or `*`: put the value in quotes if it is text"),
    ("block scalar", "after `|` or `>` only `-`, `+`, a digit or a comment may follow on the line"),
    ("document start", "this does not fit what stands above: top keys must start in one column"),
    ("a node|a tag", "tags are refused: write the value plainly, in quotes if it is text"),
    ("directive|incompatible", "lines that start with `%` are refused: remove this one"),
)


class Spot(NamedTuple):
    """Where a value stands: its key (in a list: the item), itself, and what is inside it."""

    key: Location
    value: Location
    children: Mapping[str | int, Spot]


class Part(NamedTuple):
    """Plain data and the places of everything in it."""

    data: Any
    spot: Spot


def dotted(path: Iterable[str | int]) -> str:
    """Return a path as users read it and ``--set`` takes it: ``assets.roof.tilt``, ``shares.0``."""
    return ".".join(str(key) for key in path)


def nearest(word: str, options: Iterable[str]) -> str | None:
    """Return the option that `word` resembles, or alone begins (``capex``: ``capex_per_kw``).

    Case, ``-`` and spaces do not count.
    """
    plain, asked = {_fold(option): option for option in options}, _fold(word)
    found = difflib.get_close_matches(asked, plain, n=1, cutoff=0.65)
    if not found and len(asked) > 2:
        longer = [option for option in plain if option.startswith(asked)]
        shorter = [option for option in plain if len(option) > 2 and asked.startswith(option)]
        found = longer + shorter
    return plain[found[0]] if len(found) == 1 else None


def suggest(word: str, options: Sequence[str], label: str) -> str:
    """Return ``; did you mean `x`?``, else ``; <label>: x, y``, else nothing: a message's end."""
    near = nearest(word, options)
    if near is not None:
        return f"; did you mean `{near}`?"
    return f"; {label}: {', '.join(options)}" if options else ""


def kind(value: object) -> str:
    """Return what a value is in a YAML user's words: ``text``, ``a mapping``, ``true``."""
    if value is None:
        return "nothing (null)"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return "a list"
    return "text" if isinstance(value, str) else "a number"


def parse(
    text: str, place: Callable[[int, int], Location], *, flow_only: bool = False
) -> Part | None:
    """Parse one YAML document; ``None`` when the text holds nothing but comments.

    Parameters
    ----------
    text
        Printable text without byte order mark.
    place
        Gives the location for a line and column (from 1).
    flow_only
        Refuse mappings and lists that are not in brackets.

    Raises
    ------
    InputError
        With every problem up to the first place where the text is no YAML at all.
    """
    return _Parser(text, place, flow_only=flow_only).parse()


def resolve_plain(text: str) -> str | int | float | bool | None:
    """Resolve a scalar without quotes by the YAML 1.2.2 core schema.

    Raises
    ------
    ValueError
        With a message for the user: not finite, too large, or a number with underscores.
    """
    if text in _WORDS:
        return _WORDS[text]
    if _NOT_FINITE.fullmatch(text):
        raise ValueError(f"`{text}` is refused: write a finite number or leave the key out")
    bare = text.replace("_", "")
    if bare != text and text[0] != "_" and FLOAT.fullmatch(bare):
        raise ValueError(
            f"`{text}` is refused, YAML readers disagree on underscores: "
            f'write {bare} for the number or "{text}" for the text'
        )
    based = _BASED.fullmatch(text)
    if not based and not FLOAT.fullmatch(text):
        return text
    try:
        number = int(text, 0) if based else int(text) if _INT.fullmatch(text) else float(text)
        finite = abs(float(number)) < float("inf")
    except (OverflowError, ValueError):  # int() takes at most 4300 digits
        finite = False
    if finite:
        return number
    shown = text if len(text) <= 20 else f"{text[:17]}..."
    raise ValueError(f"`{shown}` is refused: the largest number is 1.8e308")


class _Node(NamedTuple):
    """A parsed value, its place, what is inside it, and its number of values."""

    data: Any
    at: Location
    children: Mapping[str | int, Spot]
    size: int


class _Parser:
    """Builds the data from PyYAML's events; these tell tags, quotes and aliases apart."""

    def __init__(
        self, text: str, place: Callable[[int, int], Location], *, flow_only: bool
    ) -> None:
        self.text = text
        self.place = place
        self.flow_only = flow_only
        self.findings: list[Finding] = []
        self.anchors: dict[str, _Node | None] = {}
        self.alias_values = 0
        self.events: Iterator[Any] = iter(())

    def parse(self) -> Part | None:
        root: _Node | None = None
        empty = False
        self.events = yaml.parse(self.text, Loader=_LOADER)
        try:
            for event in self.events:
                if not isinstance(event, yaml.DocumentStartEvent):
                    continue
                if root is not None:
                    message = "a second document starts here: a file holds one; remove the `---`"
                    self._stop(message, event.start_mark)
                first: Any = next(self.events)
                plain = isinstance(first, yaml.ScalarEvent) and first.implicit[0]
                empty = plain and not first.value
                root = self._node(first, (), 0)
        except yaml.MarkedYAMLError as error:
            self._syntax(error)
        if self.findings:
            raise InputError(
                sorted(self.findings, key=lambda finding: finding.where or Location(""))
            )
        if root is None or empty:
            return None
        return Part(root.data, Spot(root.at, root.at, root.children))

    def _at(self, mark: Any) -> Location:
        return self.place(mark.line + 1, mark.column + 1)

    def _report(self, message: str, mark: Any, path: tuple[str | int, ...] = ()) -> None:
        self.findings.append(Finding(message, self._at(mark), dotted(path)))

    def _stop(self, message: str, mark: Any, path: tuple[str | int, ...] = ()) -> NoReturn:
        self._report(message, mark, path)
        raise InputError(self.findings)

    def _node(self, event: Any, path: tuple[str | int, ...], depth: int) -> _Node:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, path)
        if event.tag is not None:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            message = f"the tag `{tag}` is refused: write the value plainly, text in quotes"
            self._report(message, event.start_mark, path)
        if event.anchor:
            self.anchors[event.anchor] = None
        if isinstance(event, yaml.ScalarEvent):
            node = _Node(self._scalar(event, path), self._at(event.start_mark), {}, 1)
        else:
            if depth == MAX_DEPTH:
                self._stop(f"more than {MAX_DEPTH} levels inside each other", event.start_mark)
            if self.flow_only and not event.flow_style:
                message = "write text with `: ` in quotes, mappings as {a: 1} and lists as [1, 2]"
                self._report(message, event.start_mark, path)
            build = self._list if isinstance(event, yaml.SequenceStartEvent) else self._mapping
            node = build(event, path, depth + 1)
        if event.anchor:
            self.anchors[event.anchor] = node
        return node

    def _alias(self, event: Any, path: tuple[str | int, ...]) -> _Node:
        at = self._at(event.start_mark)
        node = self.anchors.get(event.anchor)
        if node is None:
            inside = event.anchor in self.anchors
            hint = suggest(event.anchor, tuple(self.anchors), "anchors above")
            message = f"no anchor `&{event.anchor}` stands above this alias{hint}"
            if inside:
                message = f"`*{event.anchor}` stands inside `&{event.anchor}`: it would never end"
            self._report(message, event.start_mark, path)
            return _Node(None, at, {}, 1)
        self.alias_values += node.size
        if self.alias_values > MAX_ALIAS_VALUES:
            message = f"the aliases (`*name`) repeat more than {MAX_ALIAS_VALUES} values"
            self._stop(f"{message}: put long series in files", event.start_mark, path)
        return _Node(_copy(node.data), at, node.children, node.size)

    def _scalar(self, event: Any, path: tuple[str | int, ...]) -> Any:
        odd = UNPRINTABLE.search(event.value)
        if odd is not None:
            message = f"the control character U+{ord(odd[0]):04X} is refused: remove it"
            self._report(message, event.start_mark, path)
        if not event.implicit[0]:
            return event.value
        try:
            return resolve_plain(event.value)
        except ValueError as error:
            self._report(str(error), event.start_mark, path)
            return None

    def _list(self, start: Any, path: tuple[str | int, ...], depth: int) -> _Node:
        data: list[Any] = []
        children: dict[str | int, Spot] = {}
        size = 1
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            node = self._node(event, (*path, len(data)), depth)
            children[len(data)] = Spot(node.at, node.at, node.children)
            data.append(node.data)
            size += node.size
        return _Node(data, self._at(start.start_mark), children, size)

    def _mapping(self, start: Any, path: tuple[str | int, ...], depth: int) -> _Node:
        data: dict[str, Any] = {}
        children: dict[str | int, Spot] = {}
        size = 1
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key = self._key(event, path, depth)
            node = self._node(next(self.events), path if key is None else (*path, key), depth)
            size += node.size
            if key is None:
                continue
            spot = Spot(self._at(event.start_mark), node.at, node.children)
            if key in data:
                message = _double(path, key, children[key].key, spot.key)
                self._report(message, event.start_mark, (*path, key))
                continue
            data[key], children[key] = node.data, spot
        return _Node(data, self._at(start.start_mark), children, size)

    def _key(self, event: Any, path: tuple[str | int, ...], depth: int) -> str | None:
        if isinstance(event, yaml.ScalarEvent) and event.implicit[0] and event.value == "<<":
            message = (
                "the merge key `<<` is refused: repeat the keys, use an anchor for a whole value "
                "(`a: &x 5`, `b: *x`), or write the difference as a scenario under `scenarios:`"
            )
            self._report(message, event.start_mark, path)
            return None
        before = len(self.findings)
        key = self._node(event, path, depth).data
        if isinstance(key, str) and isinstance(event, yaml.ScalarEvent):
            return key
        is_year = type(key) is int and path[-1:] == (YEARS,)
        if is_year and isinstance(event, yaml.ScalarEvent) and event.value.isdecimal():
            return str(event.value)
        if len(self.findings) == before:
            if isinstance(event, yaml.ScalarEvent) and event.value:
                message = f'the key `{event.value}` is {kind(key)}: write "{event.value}" in quotes'
            else:
                given = "an alias" if isinstance(event, yaml.AliasEvent) else kind(key)
                message = f"a key must be text, not {given}"
            self._report(message, event.start_mark, path)
        return None

    def _syntax(self, error: yaml.MarkedYAMLError) -> None:
        mark: Any = error.problem_mark or error.context_mark
        start: Any = error.context_mark or mark
        words = f"{error.context}; {error.problem}"
        char = self.text[mark.index : mark.index + 1]
        if char == "\t":
            lines = [
                number
                for number, line in enumerate(self.text.splitlines(), 1)
                if "\t" in line[: len(line) - len(line.lstrip())] and number > mark.line + 1
            ]
            more = ", ".join(str(number) for number in lines[:10])
            also = f" (tabs also on lines {more})" if more else ""
            self._report(f"a tab cannot indent: use spaces{also}", mark)
            return
        for pattern, message in _SYNTAX:
            if re.search(pattern, words):
                here = start if pattern in {_UNCLOSED, _NO_COLON} else mark
                self._report(message.format(char=char, start=start.line + 1), here)
                return
        self._report(f"this is not YAML: {error.problem}", mark)


def _fold(word: str) -> str:
    return word.casefold().replace("-", "_").replace(" ", "_")


def _copy(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _copy(value) for key, value in data.items()}
    return [_copy(value) for value in data] if isinstance(data, list) else data


def _double(path: tuple[str | int, ...], key: str, first: Location, second: Location) -> str:
    """Say that a key stands twice; for ids say what that means."""
    owner = path[-1] if path else None
    lines = f"lines {first.line} and {second.line}"
    if first.line == second.line:
        lines = f"line {first.line}, columns {first.column} and {second.column}"
    if not first.line:
        lines = "in one value"
    if owner in ("assets", "members"):
        return f"two {owner} have the id `{key}` ({lines}): give each its own id"
    return f"the key `{key}` stands twice ({lines}): remove or rename one"
