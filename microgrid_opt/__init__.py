"""Least-cost planning of park microgrids: sizing and dispatch under carbon caps.

```python
from microgrid_opt import load, solve

plan = solve(load("yangzhou"))
print(plan.results.sizes)
```
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from microgrid_opt.assets.base import Asset
    from microgrid_opt.compare import compare
    from microgrid_opt.errors import InputError, MicrogridError
    from microgrid_opt.park import Park
    from microgrid_opt.results import Results
    from microgrid_opt.store import open_plan, save
    from microgrid_opt.study import load, solve

_HOMES = {
    "Asset": "assets.base",
    "InputError": "errors",
    "MicrogridError": "errors",
    "Park": "park",
    "Results": "results",
    "compare": "compare",
    "load": "study",
    "open_plan": "store",
    "save": "store",
    "solve": "study",
}

__all__ = [
    "Asset",
    "InputError",
    "MicrogridError",
    "Park",
    "Results",
    "compare",
    "load",
    "open_plan",
    "save",
    "solve",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        message = f"module 'microgrid_opt' has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(import_module(f"microgrid_opt.{_HOMES[name]}"), name)


class _Package(ModuleType):
    """The package, whose public functions keep their names beside rooms of the same name.

    Importing the room ``microgrid_opt.solve`` would otherwise replace the function `solve` by it.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __dir__() -> list[str]:
    return sorted(__all__)
