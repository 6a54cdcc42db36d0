"""A problem's model on coarser steps, for strategies that go from coarse to fine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from microgrid_opt.draft import Draft
    from microgrid_opt.horizon import Horizon
    from microgrid_opt.problem import Problem
    from microgrid_opt.solve.matrix import Matrix

    Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Coarser:
    """How a model is written on coarser steps.

    Parameters
    ----------
    periods
        Arrays of shape (n,) whose changes a block of the second level must not cross.
    build
        First steps of blocks -> the coarse horizon and model.
    """

    periods: Sequence[NDArray[np.generic]]
    build: Callable[[Ints], tuple[Horizon, Matrix]]


def coarser_of(
    problem: Problem,
    *,
    reference_co2_kg: float | None = None,
    more: Callable[[Draft], None] | None = None,
    amend: Callable[[Draft, Matrix], Matrix] | None = None,
) -> Coarser | None:
    """Return how a problem is written on coarser steps; ``None`` for one that is solved exactly.

    Parameters
    ----------
    problem
        On its own steps.
    reference_co2_kg
        CO2 of the reference plan over the horizon [kg], for caps relative to it.
    more
        Writes further rules into a model once all of the park is in it.
    amend
        Changes the finished model.
    """
    if problem.is_reference:
        return None  # caps are relative to its CO2

    def build_blocks(starts: Ints) -> tuple[Horizon, Matrix]:
        from microgrid_opt.model import build
        from microgrid_opt.solve import handoff

        coarse = problem.coarsen(starts)
        draft = build(coarse, reference_co2_kg=reference_co2_kg)
        if more is not None:
            more(draft)
        matrix = handoff.extract(draft.model)
        return coarse.horizon, matrix if amend is None else amend(draft, matrix)

    return Coarser(tuple(problem.periods.values()), build_blocks)


def coarser_of_stages(
    stages: Mapping[int, Problem], write: Callable[[Mapping[int, Problem]], Draft]
) -> Coarser:
    """Return how the model of stages is written on coarser steps, the same in each of them.

    Parameters
    ----------
    stages
        By their first years, on one horizon.
    write
        Writes the model of these stages on other steps.
    """

    def build_blocks(starts: Ints) -> tuple[Horizon, Matrix]:
        from microgrid_opt.solve import handoff

        whole = write({year: stage.coarsen(starts) for year, stage in stages.items()})
        return whole.horizon, handoff.extract(whole.model)

    return Coarser(
        [one for stage in stages.values() for one in stage.periods.values()], build_blocks
    )
