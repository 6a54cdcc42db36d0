"""What the registry tests share: the technologies of the package, its modules, its folders."""

from __future__ import annotations

import ast
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from microgrid_opt.assets.base import Asset, asset_types
from microgrid_opt.park import park_model

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "microgrid_opt"


def technologies() -> Mapping[str, type[Asset]]:
    """Return the technologies that the package itself brings, by type."""
    park_model()
    own = "microgrid_opt.assets."
    return {name: cls for name, cls in asset_types().items() if cls.__module__.startswith(own)}


def modules() -> Iterator[tuple[str, ast.Module]]:
    """Yield path below the package and syntax tree of every module."""
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path.relative_to(PACKAGE).as_posix(), tree_of(path)


@cache
def tree_of(path: Path) -> ast.Module:
    """Return the syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"))


def texts(tree: ast.Module) -> set[str]:
    """Return the string constants of a module's code."""
    found = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return {value for value in found if isinstance(value, str)}


def imports(tree: ast.Module) -> set[str]:
    """Return the dotted names that a module imports, ``from a import b`` as ``a.b``."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def homes(cls: type[Any]) -> list[Path]:
    """Return the files of a class and of its bases within the package, most special first."""
    names = dict.fromkeys(base.__module__ for base in cls.__mro__)
    files = [Path(str(sys.modules[name].__file__)) for name in names if "microgrid_opt" in name]
    return [file for file in files if file.is_relative_to(PACKAGE)]
