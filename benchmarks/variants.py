"""The ways from a resolved park to a model inside HiGHS that are compared."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.registry import BenchSpec
    from microgrid_opt.problem import Problem


class Laps:
    """CPU seconds of the parts of one run, in order."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.process_time()

    def lap(self, part: str) -> None:
        """End a part."""
        now = time.process_time()
        self.seconds[part] = now - self._last
        self._last = now


@dataclass(frozen=True)
class Variant:
    """One way to the solver.

    Parameters
    ----------
    name
        What the command line and the tables call it.
    what
        What is timed, in one sentence.
    modules
        Imported before the clock starts; their time is reported apart.
    run
        Builds the model, hands it over, and returns the ``highspy.Highs`` that holds it.
    """

    name: str
    what: str
    modules: tuple[str, ...]
    run: Callable[[BenchSpec, Problem, Laps], Any]


def _ours(spec: BenchSpec, problem: Problem, laps: Laps) -> Any:
    from microgrid_opt.model import build
    from microgrid_opt.solve import handoff
    from microgrid_opt.solve.session import Session

    del spec
    draft = build(problem)
    laps.lap("model")
    matrix = handoff.extract(draft.model)
    laps.lap("arrays")
    session = Session(matrix)
    laps.lap("pass")
    return session._highs


def _appsi(spec: BenchSpec, problem: Problem, laps: Laps) -> Any:
    from pyomo.contrib.appsi.solvers import Highs

    from microgrid_opt.model import build

    del spec
    draft = build(problem)
    laps.lap("model")
    solver = Highs()
    solver.set_instance(draft.model)
    laps.lap("pass")
    return solver._solver_model


def _appsi_ordinary(spec: BenchSpec, problem: Problem, laps: Laps) -> Any:
    with ordinary_constraints():
        return _appsi(spec, problem, laps)


def _linopy(spec: BenchSpec, problem: Problem, laps: Laps) -> Any:
    return _in_linopy(spec, problem, laps, sparse=False)


def _linopy_sparse(spec: BenchSpec, problem: Problem, laps: Laps) -> Any:
    import linopy

    with linopy.options as options:
        options["semantics"] = "v1"
        return _in_linopy(spec, problem, laps, sparse=True)


def _in_linopy(spec: BenchSpec, problem: Problem, laps: Laps, *, sparse: bool) -> Any:
    model = spec.linopy(problem, sparse=sparse)
    laps.lap("model")
    highs = model.to_highspy()
    laps.lap("pass")
    return highs


@contextmanager
def ordinary_constraints() -> Iterator[None]:
    """Let the builder write each row as an expression of its own, as Pyomo does by default."""
    from microgrid_opt.builder import Builder

    kept = Builder._constraint

    def one_by_one(self: Builder, name: str, constraint: Any) -> None:
        self._block.add_component(name, constraint)

    Builder._constraint = one_by_one  # type: ignore[method-assign]
    try:
        yield
    finally:
        Builder._constraint = kept  # type: ignore[method-assign]


OURS = "ours"
_PYOMO = ("microgrid_opt.model", "pyomo.contrib.appsi.solvers")

VARIANTS: dict[str, Variant] = {
    variant.name: variant
    for variant in (
        Variant(
            OURS,
            "Pyomo model with template constraints, `solve.handoff.extract`, arrays to HiGHS",
            ("microgrid_opt.model", "microgrid_opt.solve.handoff", "microgrid_opt.solve.session"),
            _ours,
        ),
        Variant(
            "linopy",
            "the same LP as `linopy.Model()`, one expression per family, `to_highspy()`",
            ("linopy", "highspy"),
            _linopy,
        ),
        Variant(
            "linopy-sparse",
            "the same with `linopy.Model(sparse=True)` and v1 semantics",
            ("linopy", "highspy"),
            _linopy_sparse,
        ),
        Variant(
            "appsi",
            "our Pyomo model written row by row, as usual; `appsi` Highs `set_instance`",
            _PYOMO,
            _appsi_ordinary,
        ),
        Variant(
            "appsi-templates",
            "our Pyomo model with template constraints; `appsi` Highs `set_instance`",
            _PYOMO,
            _appsi,
        ),
    )
}
