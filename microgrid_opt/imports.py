"""Imports of libraries without the parts of them that nobody here uses."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from importlib.machinery import PathFinder
from importlib.util import LazyLoader
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from importlib.machinery import ModuleSpec


@contextmanager
def put_off(*names: str) -> Iterator[None]:
    """Let modules that are imported inside for the first time load when they are first used, if ever.

    Whoever imports one of them later gets the whole module, with its first attribute (the standard
    library's `importlib.util.LazyLoader`). For modules that a library imports as a whole; one from
    which it imports single names is loaded by that.

    Parameters
    ----------
    names
        Full names of modules.
    """
    finder = _LateFinder(names)
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
            spec.loader = LazyLoader(spec.loader)
        return spec
