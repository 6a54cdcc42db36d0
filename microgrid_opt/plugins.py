"""Technologies from outside the package: installed plugins, and modules named on the command line.

An asset's class registers when its module is imported. A distribution names such modules in the
entry-point group ``microgrid_opt.assets``; they are imported before the park's model is built.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from microgrid_opt.assets.base import asset_type
from microgrid_opt.errors import Finding, InputError, MicrogridError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from importlib.metadata import EntryPoint
GROUP = "microgrid_opt.assets"
"""Entry-point group of modules that bring technologies."""
_PACKAGE = f"{__name__.partition('.')[0]}."


@dataclass(frozen=True)
class Outside:
    """Where a technology that the package does not bring comes from.

    Parameters
    ----------
    type
        Its type in a park file.
    module
        The module that defines it.
    distribution
        Name and version of the installed distribution; empty for a file that was only imported.
    sha256
        SHA-256 of the module's file; empty when it has none.
    """

    type: str
    module: str
    distribution: str
    sha256: str

    def __str__(self) -> str:
        """Return module and distribution for reading."""
        return f"{self.module} ({self.distribution})" if self.distribution else self.module


@lru_cache(maxsize=1)
def installed() -> tuple[str, ...]:
    """Import the modules of every installed plugin, once, and return their names.

    Raises
    ------
    InputError
        With a sentence for every plugin that cannot be imported.
    """
    problems = []
    for point in _points():
        word = f"The plugin {point.name!r} of the distribution {_distribution(point)!r}"
        try:
            point.load()
        except Exception as error:
            remedy = "Install the distribution again, or remove it."
            problems.append(Finding(f"{word} cannot be imported{_why(error)} {remedy}"))
    if problems:
        raise InputError(problems)
    return tuple(point.module for point in _points())


def use(names: Iterable[str]) -> None:
    """Import modules that bring technologies, by name or by the path of a ``.py`` file.

    Names count from the working directory as well, as with ``python -m``.

    Raises
    ------
    InputError
        A module cannot be imported, or takes the type of a technology of the package.
    """
    for name in names:
        try:
            _import(name)
        except MicrogridError:
            raise
        except Exception as error:
            raise InputError(f"The module {name!r} cannot be imported{_why(error)}") from error


def outside(types: Iterable[str]) -> tuple[Outside, ...]:
    """Return where those of some types come from that the package does not bring itself."""
    known = {name: cls.__module__ for name in set(types) if (cls := asset_type(name)) is not None}
    others = {name: module for name, module in known.items() if not module.startswith(_PACKAGE)}
    homes = {point.module: _distribution(point) for point in _points()} if others else {}
    found = []
    for name, module in sorted(others.items()):
        near = (part for part in homes if f"{module}.".startswith(f"{part}."))
        found.append(Outside(name, module, homes.get(next(near, ""), ""), _sha256(module)))
    return tuple(found)


def _points() -> tuple[EntryPoint, ...]:
    from importlib.metadata import entry_points

    return tuple(sorted(entry_points(group=GROUP), key=lambda point: (point.name, point.value)))


def _distribution(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else "(unknown)"


def _import(name: str) -> None:
    if not name.endswith(".py"):
        with _working_directory_on_path():
            importlib.import_module(name)
        return
    path = Path(name).resolve()
    if not path.is_file():
        raise InputError(f"There is no file {name!r} to import.")
    held = sys.modules.get(path.stem)
    if held is not None:
        if getattr(held, "__file__", None) == str(path):
            return
        raise InputError(
            f"The file {name!r} cannot be imported: a module {path.stem!r} is loaded already. "
            "Give the file another name."
        )
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise InputError(f"The file {name!r} cannot be imported: it is no Python module.")
    module = importlib.util.module_from_spec(spec)
    # Pydantic looks up annotations in the module of a class.
    sys.modules[path.stem] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[path.stem]
        raise


@contextmanager
def _working_directory_on_path() -> Iterator[None]:
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        yield
    finally:
        sys.path.remove(here)


def _why(error: BaseException) -> str:
    return f" ({type(error).__name__}: {str(error).rstrip('.')})."


def _sha256(module: str) -> str:
    path = getattr(sys.modules.get(module), "__file__", None)
    if path is None or not Path(path).is_file():
        return ""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
