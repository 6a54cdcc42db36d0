"""A name for a problem by its content, the same in every process."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import numpy as np

from microgrid_opt.fields import Frozen

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from microgrid_opt.problem import Problem


def fingerprint(problem: Problem, *, digests: dict[int, str] | None = None, **more: object) -> str:
    """Return the SHA-256 of everything that a problem's optimum depends on.

    Mappings and sets are taken in the order of their keys, numbers in full precision, arrays by their
    bytes, so that it is the same on every machine.

    Parameters
    ----------
    digests
        Digests of arrays by their identity, for many problems with the same arrays; filled here. It
        may live as long as the arrays do.
    more
        What else the result depends on: solver options, kind of game, sizes that are held.
    """
    digest = hashlib.sha256()
    horizon = problem.horizon
    head = {
        "version": program_version(),
        "park": problem.park,
        "holidays": horizon.holidays,
        "is_reference": problem.is_reference,
        "is_part": problem.is_part,
        "standing": {".".join(key): repr(lots) for key, lots in problem.standing.items()},
        "more": more,
    }
    digest.update(json.dumps(_plain(head), sort_keys=True).encode())
    axis = {
        "stamps": np.asarray(horizon.stamps.as_unit("ns").asi8),
        "step_hours": horizon.step_hours,
        "weight": horizon.weight,
    }
    for group, arrays in (("axis", axis), ("arrays", problem.arrays), ("periods", problem.periods)):
        for key in sorted(arrays):
            held = {} if digests is None or group == "axis" else digests
            values = arrays[key]
            if id(values) not in held:
                held[id(values)] = _digest(values)
            digest.update(f"{group}|{key}|{held[id(values)]}|".encode())
    return digest.hexdigest()


def _digest(values: NDArray[Any]) -> str:
    whole = np.ascontiguousarray(values)
    digest = hashlib.sha256(f"{whole.dtype.str}|{whole.shape}|".encode())
    digest.update(whole.tobytes())
    return digest.hexdigest()


def program_version() -> str:
    """Return the version of the program; empty when it is not installed."""
    try:
        return version("microgrid-opt")
    except PackageNotFoundError:
        return ""


def _plain(value: Any) -> Any:
    """Return a value as JSON knows it, with the type of what JSON has no word for."""
    plain: Any = value
    if isinstance(value, Frozen):
        fields = {name: _plain(getattr(value, name)) for name in type(value).model_fields}
        plain = {"": type(value).__name__, **fields}
    elif isinstance(value, dict):
        plain = {str(key): _plain(item) for key, item in value.items()}
    elif isinstance(value, set | frozenset):
        plain = sorted((_plain(item) for item in value), key=json.dumps)
    elif isinstance(value, tuple | list):
        plain = [_plain(item) for item in value]
    elif isinstance(value, date):
        plain = value.isoformat()
    elif value is not None and not isinstance(value, str | int | float):
        plain = repr(value)
    return plain
