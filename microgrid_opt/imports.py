"""Imports of libraries without the parts of them that nobody here uses."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.util import LazyLoader
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from importlib.abc import Loader
    from importlib.machinery import ModuleSpec


@contextmanager
def put_off(*names: str) -> Iterator[None]:
    """Let modules that are imported inside for the first time load when they are first used, if ever.

    Whoever imports one of them later gets the whole module, with its first attribute (the standard
    library's `importlib.util.LazyLoader`). For modules that a library imports as a whole; one from
    which it imports single names is loaded by that, and is for `promised`.

    Parameters
    ----------
    names
        Full names of modules.
    """
    with _found_by(_LateFinder(names)):
        yield


@contextmanager
def promised(*names: str) -> Iterator[None]:
    """Let single functions of modules be imported inside without loading the modules.

    What is imported is a function that loads the module and calls what it stands for, each time. For
    modules that are there already nothing changes, and behind the context the names are those of the
    modules again. A library that does more at its import than keep such a function (derive from it,
    say) fails at once.

    Parameters
    ----------
    names
        Full names of modules, packages before what is in them.
    """
    new = [name for name in names if name not in sys.modules]
    with _found_by(_PromisingFinder(new)):
        try:
            yield
        finally:
            for name in new:
                _forget(name)


def _forget(name: str) -> None:
    """Take a stand-in out of the modules that others find."""
    parent, _, child = name.rpartition(".")
    stand_in = sys.modules.pop(name, None)
    package = sys.modules.get(parent)
    if stand_in is not None and package is not None and vars(package).get(child) is stand_in:
        delattr(package, child)


@contextmanager
def _found_by(finder: _LateFinder) -> Iterator[None]:
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


class _LateFinder:
    """Finds modules of given names as all are found, but to be loaded late."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: object = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path) if name in self._names else None
        if spec is not None and spec.loader is not None:
            spec.loader = self.late(spec.loader)
        return spec

    def late(self, loader: Loader) -> Loader:
        """Return what loads a module late that this would load at once."""
        return LazyLoader(loader)


class _PromisingFinder(_LateFinder):
    """Finds stand-ins for modules of given names."""

    def late(self, loader: Loader) -> Loader:
        """Return what makes the stand-in."""
        return cast("Loader", _StandInLoader())


class _StandInLoader:
    """Makes the stand-in of a module, and reads nothing."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _StandIn(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Run nothing."""


class _StandIn(ModuleType):
    """A module of which every name is a promise."""

    def __getattr__(self, name: str) -> _Promise:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Promise(self.__name__, name)


class _Promise:
    """A function of a module that loads with the first call."""

    def __init__(self, module: str, name: str) -> None:
        self._module, self._name = module, name

    def __call__(self, *args: Any, **options: Any) -> Any:
        return getattr(import_module(self._module), self._name)(*args, **options)
