"""A REopt scenario as it is stored, and what of it has no counterpart in a park."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np

from microgrid_opt.errors import Finding, InputError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LISTS = ("PV",)
"""Blocks that may be lists of plants."""
SAYS_NOTHING: tuple[Any, ...] = (None, 0, 1, 1e9, "both", "PV", "Wind")
"""Defaults that need not be told: nothing, no limit, yes and no, names."""
EMPTY: tuple[Any, ...] = (None, "", [], {})


def known() -> Any:
    """Return what is known of REopt's inputs."""
    import yaml

    file = files("microgrid_opt") / "data" / "bridges" / "reopt.yaml"
    return yaml.safe_load(file.read_text(encoding="utf-8"))


@dataclass
class Told:
    """What an import has to say.

    Parameters
    ----------
    wrong
        What makes the scenario unreadable.
    lost
        What a park cannot say.
    taken
        Defaults of REopt that were taken, by block and key.
    notes
        What is worth knowing besides.
    """

    wrong: list[Finding] = field(default_factory=list)
    lost: list[Finding] = field(default_factory=list)
    taken: dict[str, dict[str, Any]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@dataclass
class Block:
    """A block of a scenario: its name, keys, what is known of it, and where to tell."""

    name: str
    values: dict[str, Any]
    spec: dict[str, Any]
    told: Told

    def lose(self, key: str, why: str) -> None:
        """Remember a key that a park cannot say."""
        self.told.lost.append(Finding(why, key=f"{self.name}.{key}", value=self.shown(key)))

    def wrong(self, key: str, why: str) -> None:
        """Remember a key that cannot be read."""
        self.told.wrong.append(Finding(why, key=f"{self.name}.{key}", value=self.shown(key)))

    def shown(self, key: str) -> Any:
        """Return a value as a message shows it: no long lists."""
        value = self.values.get(key)
        return f"{len(value)} values" if isinstance(value, list) and len(value) > 12 else value

    def has(self, key: str) -> bool:
        """Whether a key says anything."""
        return self.values.get(key) not in EMPTY

    def value(self, key: str) -> Any:
        """Return what a key says, or REopt's default, which is told."""
        if self.has(key):
            return self.values[key]
        default = self.spec["taken"][key]
        if default not in SAYS_NOTHING:
            self.told.taken.setdefault(self.name, {})[key] = default
        return default

    def number(self, key: str) -> float:
        """Return a number; what is none is told, and 0."""
        value = self.value(key)
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.wrong(key, "is no number." if self.has(key) else "is missing: give a number.")
            return 0.0
        return float(value)

    def truth(self, key: str) -> bool:
        """Return a truth."""
        value = self.value(key)
        if not isinstance(value, bool):
            self.wrong(key, "must be true or false.")
        return bool(value)

    def array(self, key: str, lengths: tuple[int, ...], steps: int) -> Floats:
        """Return numbers of one of some lengths, repeated to the steps; zeros where they are wrong."""
        value = self.values[key]
        try:
            numbers = np.asarray(value, float)
        except (TypeError, ValueError):
            numbers = np.full(1, np.nan)
        if numbers.ndim != 1 or len(numbers) not in lengths or not np.isfinite(numbers).all():
            allowed = " or ".join(map(str, lengths))
            self.wrong(key, f"must be a list of {allowed} numbers.")
            return np.zeros(steps)
        return np.repeat(numbers, steps // len(numbers)) if len(numbers) > 12 else numbers

    def check(self) -> None:
        """Tell every key that is not understood, or not at the value that a park has."""
        network = self.spec.get("network", ())
        for key in self.values:
            if key in self.spec["taken"] or key in self.spec["silent"] or not self.has(key):
                continue
            if key in network:
                self.lose(key, "is looked up over the network: give the rates themselves.")
            elif key not in self.spec["only"]:
                self.lose(key, "is not understood.")
            elif self.values[key] != self.spec["only"][key]:
                only = self.spec["only"][key]
                what = "" if only is None else f" Only {json.dumps(only)} has."
                self.lose(key, f"has no counterpart in a park.{what}")


class Scenario:
    """The blocks of a scenario.

    Parameters
    ----------
    path
        JSON file.

    Raises
    ------
    InputError
        When there is no such file, or it is no scenario.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.told = Told()
        self.known = known()
        try:
            self.data = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise InputError(f"{path}: there is no such file.") from error
        except ValueError as error:
            raise InputError(f"{path}: is no JSON: {error}") from error
        if not isinstance(self.data, dict) or "ElectricLoad" not in self.data:
            raise InputError(f"{path}: is no REopt scenario: it has no ElectricLoad.")
        for name in self.data:
            if name not in self.known["blocks"]:
                why = "has no counterpart in this import, or is not understood."
                self.told.lost.append(Finding(why, key=name))
        for name in self.known["blocks"]:
            for block in self.blocks(name):
                block.check()

    def blocks(self, name: str) -> list[Block]:
        """Return the blocks of a name that the scenario has."""
        found = self.data.get(name)
        several = found if isinstance(found, list) and name in LISTS else [found]
        if found is None:
            return []
        blocks = []
        for number, values in enumerate(several):
            told = f"{name}[{number}]" if len(several) > 1 else name
            if not isinstance(values, dict):
                raise InputError(f"{self.path}: {told} must be a mapping of keys.")
            blocks.append(Block(told, values, self.known["blocks"][name], self.told))
        return blocks

    def block(self, name: str) -> Block:
        """Return the one block of a name; an empty one where the scenario has none."""
        found = self.blocks(name)
        return found[0] if found else Block(name, {}, self.known["blocks"][name], self.told)
