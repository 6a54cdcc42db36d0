"""What can be measured: one `BenchSpec` for each model, registered by its own file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from microgrid_opt.problem import Problem

PHASES = ("build",)
"""Phases with a driver in `benchmarks.drivers`."""


class InLinopy(Protocol):
    """Writes the same model in linopy, with dense or with sparse (CSR) constraints."""

    def __call__(self, problem: Problem, *, sparse: bool) -> Any:
        """Return the linopy model."""


@dataclass(frozen=True)
class BenchSpec:
    """A model that can be measured.

    Parameters
    ----------
    name
        What the command line calls it.
    case
        Shipped case, or the path of a park.
    window
        Scenario of the case that is small enough to solve in a second; the models of all peers
        must have the same optimum on it before a time is taken.
    sets
        Overrides as ``--set`` takes them.
    phases
        What is measured; each one of `PHASES`.
    linopy
        The same model written in linopy.
    """

    name: str
    case: str
    window: str
    sets: tuple[str, ...]
    phases: tuple[str, ...]
    linopy: InLinopy


_SPECS: dict[str, BenchSpec] = {}


def register(spec: BenchSpec) -> BenchSpec:
    """Add a model.

    Raises
    ------
    ValueError
        A name that is taken, or a phase without driver.
    """
    if spec.name in _SPECS:
        raise ValueError(f"The benchmark {spec.name!r} is registered twice.")
    unknown = [phase for phase in spec.phases if phase not in PHASES]
    if unknown or not spec.phases:
        raise ValueError(f"{spec.name}: phases are {PHASES}, not {unknown or 'none'}.")
    _SPECS[spec.name] = spec
    return spec


def specs() -> dict[str, BenchSpec]:
    """Return all models by name."""
    import benchmarks.models  # noqa: F401

    return dict(_SPECS)


def spec_of(name: str) -> BenchSpec:
    """Return a model by name.

    Raises
    ------
    ValueError
        There is no such model.
    """
    known = specs()
    if name not in known:
        raise ValueError(f"There is no benchmark {name!r}; there are {', '.join(known)}.")
    return known[name]
