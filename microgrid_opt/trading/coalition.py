"""What a coalition costs, and the folder in which such answers outlive the program."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from microgrid_opt.store.atomic import replace_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Kind = Literal["resized", "frozen"]
"""Whether a coalition chooses its sizes, or has those of the plan of all."""

Status = Literal["optimal", "feasible", "infeasible", "no plan"]

SCHEMA = 1


@dataclass(frozen=True)
class CoalitionCost:
    """The least cost of a coalition.

    Parameters
    ----------
    members
        Who is in.
    kind
        The game.
    status
        ``optimal`` within the gap that was asked for, ``feasible`` when time ran out with a plan,
        ``infeasible`` when no plan can meet the coalition's limits, ``no plan`` when none was found.
    cost
        Cost over the horizon [currency]; infinite when infeasible, NaN without a plan.
    bound, gap
        No plan of the coalition costs less [currency]; distance to it [-].
    sizes
        Sizes of its plan by ``asset.size``, in their units.
    seconds
        Wall time [s].
    route
        ``built`` alone, or ``live`` in the model of all members.
    message
        What contradicts what, or why there is no plan.
    cached
        Whether it came from the cache.
    """

    members: frozenset[str]
    kind: Kind
    status: Status
    cost: float
    bound: float = math.nan
    gap: float | None = None
    sizes: Mapping[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    route: Literal["built", "live"] = "built"
    message: str = ""
    cached: bool = False

    @property
    def label(self) -> str:
        """The members in alphabetical order."""
        return " + ".join(sorted(self.members))


@dataclass(frozen=True)
class Cache:
    """Answers on disk: one small file each, named by what was asked.

    A file is written as a whole or not at all, and holds a checksum: one that was cut off or changed
    counts as none. Several programs may use one folder at the same time.

    Parameters
    ----------
    folder
        Made when first needed.
    """

    folder: Path

    def get(self, key: str) -> CoalitionCost | None:
        """Return the answer under a key, or ``None`` when there is none that can be trusted."""
        try:
            held = json.loads(self._path(key).read_bytes())
            answer = held["answer"]
            if (held["schema"], held["key"], held["sha256"]) != (SCHEMA, key, _checksum(answer)):
                return None
            return _read(answer)
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def put(self, key: str, answer: CoalitionCost) -> None:
        """Keep an answer.

        Raises
        ------
        OSError
            The folder cannot be written.
        """
        written = _written(answer)
        held = {"schema": SCHEMA, "key": key, "answer": written, "sha256": _checksum(written)}
        replace_file(self._path(key), (json.dumps(held, indent=1) + "\n").encode())

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.json"


def _written(answer: CoalitionCost) -> dict[str, Any]:
    found = {**asdict(answer), "members": sorted(answer.members), "sizes": dict(answer.sizes)}
    del found["cached"]
    for name in ("cost", "bound", "gap"):
        value = found[name]
        found[name] = repr(float(value)) if value is not None else None  # also inf and nan
    return found


def _read(answer: dict[str, Any]) -> CoalitionCost:
    numbers = {
        name: None if answer[name] is None else float(answer[name])
        for name in ("cost", "bound", "gap")
    }
    members = frozenset(answer["members"])
    return replace(CoalitionCost(**{**answer, **numbers, "members": members}), cached=True)


def _checksum(answer: object) -> str:
    return hashlib.sha256(json.dumps(answer, sort_keys=True).encode()).hexdigest()
