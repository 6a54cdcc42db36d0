"""Variable and parameter containers of a Pyomo model, read into arrays.

Attributes with a leading underscore are Pyomo's slots. They are read directly because a year has
10^5 variables and each public property costs a microsecond; an entry that is more than a number
goes through the public property.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyomo.core as pyo

from microgrid_opt.errors import Finding, InputError
from microgrid_opt.solve.matrix import Block

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Numbers = npt.NDArray[np.int64]


class UnsupportedError(Exception):
    """A shape of expression that the template walk leaves to Pyomo's own compiler."""


def full_name(component: Any) -> str:
    """Return the dotted name of a component; unlike Pyomo's, without quotes around inner dots."""
    parts: list[str] = []
    while component is not None:
        parent = component.parent_block()
        if parent is None:
            break
        owner = component.parent_component()
        index = "" if owner is component else f"[{_inner(component.index())}]"
        parts.append(owner.local_name + index)
        component = owner.parent_block()
    return ".".join(reversed(parts))


def _inner(key: object) -> str:
    return ",".join(map(str, key)) if isinstance(key, tuple) else str(key)


class Keys:
    """Positions of index keys inside one container.

    Integer keys are looked up by arithmetic or binary search on whole arrays, others by a dict.
    """

    def __init__(self, keys: list[Any]) -> None:
        self.keys = keys
        self._dict: dict[Any, int] | None = None
        self.integers: Numbers | None = None
        self._first: int | None = None
        if keys and all(kind is int for kind in set(map(type, keys))):
            self.integers = np.fromiter(keys, np.int64, len(keys))
            first, last = keys[0], keys[-1]
            if last - first == len(keys) - 1 and (np.diff(self.integers) == 1).all():
                self._first = first

    def find(self, parts: list[Any]) -> Any:
        """Return the position of a key (int) or of an array of keys (int array).

        Parameters
        ----------
        parts
            The key's parts; each a scalar or an array over the rows of a frame.
        """
        arrays = [part for part in parts if isinstance(part, np.ndarray)]
        if not arrays:
            return self._one(parts[0] if len(parts) == 1 else tuple(parts))
        if len(parts) == 1 and self._first is not None and arrays[0].dtype.kind == "i":
            return self._shifted(arrays[0] - self._first)
        return self._looked_up(parts, len(arrays[0]))

    def _one(self, key: Any) -> int:
        found = self._table().get(key)
        if found is None:
            raise UnsupportedError(f"no key {key!r}")
        return found

    def _shifted(self, positions: Numbers) -> Numbers:
        if len(positions) and (positions.min() < 0 or positions.max() >= len(self.keys)):
            raise UnsupportedError("a key outside the index")
        return positions

    def _looked_up(self, parts: list[Any], size: int) -> Numbers:
        table = self._table()
        columns = [p.tolist() if isinstance(p, np.ndarray) else [p] * size for p in parts]
        keys = columns[0] if len(columns) == 1 else zip(*columns, strict=True)
        try:
            return np.fromiter((table[key] for key in keys), np.int64, size)
        except KeyError as error:
            raise UnsupportedError(f"no key {error}") from error

    def _table(self) -> dict[Any, int]:
        if self._dict is None:
            self._dict = {key: position for position, key in enumerate(self.keys)}
        return self._dict


@dataclass
class Columns:
    """The variables of one container as columns of the matrix."""

    block: Block
    keys: Keys
    lower: Floats
    upper: Floats
    integer: npt.NDArray[np.uint8]
    fixed: npt.NDArray[np.bool_] | None
    values: Floats | None

    def numbers(self, parts: list[Any]) -> Any:
        """Return the column number(s) of a key or an array of keys."""
        return self.block.start + self.keys.find(parts)


class VariableTable:
    """All variable containers that the model uses, numbered in the order they are met."""

    def __init__(self) -> None:
        self.containers: list[Columns] = []
        self.count = 0
        self._by_id: dict[int, Columns] = {}
        self._references: dict[int, tuple[Keys, Numbers]] = {}
        self._kept: list[Any] = []
        self._fixing: tuple[npt.NDArray[np.bool_], Floats] | None = None

    def add(self, component: Any) -> Columns:
        """Return the columns of a variable container, numbering it when it is new."""
        known = self._by_id.get(id(component))
        if known is None:
            known = _read_columns(component, self.count)
            self._by_id[id(component)] = known
            self._kept.append(component)
            self.containers.append(known)
            self.count += known.block.count
        return known

    def numbers(self, component: Any, parts: list[Any]) -> Any:
        """Return column numbers of ``component[parts]``; a Reference points to its targets."""
        if not component.is_reference():
            return self.add(component).numbers(parts)
        known = self._references.get(id(component))
        if known is None:
            targets = list(component.values())
            known = (Keys(list(component.keys())), self.numbers_of(targets))
            self._references[id(component)] = known
            self._kept.append(component)
        keys, numbers = known
        return numbers[keys.find(parts)]

    def number(self, variable: Any) -> int:
        """Return the column number of one variable."""
        owner = variable.parent_component()
        columns = self.add(owner)
        return int(columns.numbers([variable.index()]))

    def numbers_of(self, variables: list[Any]) -> Numbers:
        """Return the column numbers of many variables, grouped by their container."""
        owners = [variable._component for variable in variables]
        ids = np.fromiter(map(id, owners), np.int64, len(owners))
        order = np.argsort(ids, kind="stable")
        breaks = np.flatnonzero(np.diff(ids[order])) + 1
        result = np.empty(len(variables), np.int64)
        for members in np.split(order, breaks) if len(order) else ():
            columns = self.add(owners[members[0]]())
            positions = members.tolist()
            keys = [variables[i]._index for i in positions]
            integers = columns.keys.integers
            parts = np.fromiter(keys, np.int64, len(keys)) if integers is not None else keys
            if isinstance(parts, np.ndarray):
                result[members] = columns.numbers([parts])
            else:
                result[members] = [columns.numbers([key]) for key in keys]
        return result

    def fixed_values(self) -> tuple[npt.NDArray[np.bool_], Floats] | None:
        """Return which columns are fixed and at which values, shape (columns,), or None."""
        if all(c.fixed is None for c in self.containers):
            return None
        if self._fixing is not None and len(self._fixing[0]) == self.count:
            return self._fixing
        fixed = np.zeros(self.count, bool)
        values = np.zeros(self.count)
        for c in self.containers:
            if c.fixed is not None and c.values is not None:
                fixed[c.block.slice] = c.fixed
                values[c.block.slice] = c.values
        self._fixing = fixed, values
        return self._fixing


def _read_columns(component: Any, start: int) -> Columns:
    """Read bounds, domains and fixing of a variable container."""
    data = list(component._data.values())
    keys = list(component._data)
    name = full_name(component)
    indexed = component.is_indexed()
    stage = full_name(component.index_set().parent_block()) if indexed else ""
    block = Block(name, start, len(data), keys if indexed else None, stage)
    lower = _bounds([v._lb for v in data], data, "lb", -np.inf)
    upper = _bounds([v._ub for v in data], data, "ub", np.inf)
    integer = np.zeros(len(data), np.uint8)
    domains = [v._domain for v in data]
    kinds = domains[:1] if len(set(map(id, domains))) == 1 else _distinct(domains)
    for domain in kinds:
        here: Any = slice(None)
        if len(kinds) > 1:
            here = np.fromiter((d is domain for d in domains), bool, len(domains))
        low, high, whole = _domain(domain, name)
        lower[here] = np.maximum(lower[here], low)
        upper[here] = np.minimum(upper[here], high)
        integer[here] = whole
    fixed = values = None
    fixing = [v._fixed for v in data]
    if True in fixing:
        fixed = np.array(fixing, bool)
        values = _fixed_values(block, data, fixed)
        lower[fixed] = upper[fixed] = values[fixed]
    return Columns(block, Keys(keys), lower, upper, integer, fixed, values)


def _distinct(domains: list[Any]) -> list[Any]:
    return list({id(domain): domain for domain in domains}.values())


def _bounds(raw: list[Any], data: list[Any], public: str, none: float) -> Floats:
    """Return bounds as an array; ``None`` becomes infinite, expressions are evaluated by Pyomo."""
    if not raw:
        return np.empty(0)
    absent = raw.count(None)
    if absent == len(raw):
        return np.full(len(raw), none)
    try:
        if absent == 0:
            return np.array(raw, dtype=float)
        return np.array([none if bound is None else bound for bound in raw], dtype=float)
    except TypeError:
        bounds = (getattr(variable, public) for variable in data)
        return np.array([none if bound is None else bound for bound in bounds], dtype=float)


def _fixed_values(block: Block, data: list[Any], fixed: npt.NDArray[np.bool_]) -> Floats:
    values = np.zeros(len(data))
    for position in np.flatnonzero(fixed).tolist():
        value = data[position]._value
        if value is None:
            raise InputError(
                Finding(
                    "The variable is fixed but has no value; fix it with a number.",
                    key=block.label(position),
                )
            )
        values[position] = value
    return values


def _domain(domain: Any, name: str) -> tuple[float, float, bool]:
    """Return lower bound, upper bound and integrality of a variable's domain."""
    interval = domain.get_interval()
    if interval is None or interval[2] not in (0, 1):
        raise InputError(
            Finding(
                f"The domain {domain} has gaps that a linear solver does not know; use reals, "
                "integers or binaries.",
                key=name,
            )
        )
    low, high, step = interval
    return (-np.inf if low is None else low), (np.inf if high is None else high), step == 1


class ParameterTable:
    """Values of parameter containers as arrays, each read once."""

    def __init__(self) -> None:
        self._read: dict[int, tuple[Keys, Floats, Any]] = {}

    def values(self, component: Any, parts: list[Any]) -> Any:
        """Return ``component[parts]`` as a number or an array over the rows of a frame."""
        known = self._read.get(id(component))
        if known is None:
            known = (*self._load(component), component)
            self._read[id(component)] = known
        keys, values, _ = known
        found = values[keys.find(parts)]
        return found if isinstance(found, np.ndarray) else float(found)

    def _load(self, component: Any) -> tuple[Keys, Floats]:
        data = component._data
        if len(data) != len(component):
            data = component.extract_values()
        try:
            return Keys(list(data)), np.fromiter(data.values(), float, len(data))
        except (TypeError, ValueError):
            return Keys(list(data)), _evaluated(data, pyo.value)


def _evaluated(data: Mapping[Any, Any], value: Callable[[Any], Any]) -> Floats:
    try:
        return np.array([value(entry) for entry in data.values()], dtype=float)
    except (TypeError, ValueError) as error:
        raise UnsupportedError("a parameter that is no number") from error
