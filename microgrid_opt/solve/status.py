"""What a solve gives back: why it stopped, apart from what is held."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Literal

from microgrid_opt.errors import InfeasibleError, NoPlanError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]


class Status(Enum):
    """Why the solver stopped; says nothing about whether a plan is held."""

    OPTIMAL = "optimal"
    INFEASIBLE = "infeasible"
    UNBOUNDED = "unbounded"
    INFEASIBLE_OR_UNBOUNDED = "infeasible or unbounded"
    TIME_LIMIT = "time limit"
    ITERATION_LIMIT = "iteration limit"
    SOLUTION_LIMIT = "solution limit"
    OBJECTIVE_LIMIT = "objective limit"
    MEMORY_LIMIT = "memory limit"
    INTERRUPTED = "interrupted"
    GAP_LEFT = "gap left"
    UNKNOWN = "unknown"
    ERROR = "error"


@dataclass(frozen=True, eq=False)
class Solution:
    r"""A point that meets all limits within the tolerance.

    Parameters
    ----------
    values
        Values of the columns, shape (columns,).
    activities
        Row activities $Ax$, shape (rows,).
    row_duals
        $\partial\,\text{objective} / \partial\,\text{right-hand side}$ of each row, in the model's
        own sense: positive where one unit more on the binding side of the row raises the objective.
        None where the solver gives none (integer models; see
        `microgrid_opt.solve.highs.fixed_lp_duals`).
    reduced_costs
        $\partial\,\text{objective} / \partial x_j$ at the bound on which the column lies, likewise.
    vertex
        Whether the point has a basis (simplex or crossover). Without one, columns that share an
        optimal face are spread over it and are not exactly at their bounds.
    max_primal_residual
        Largest miss of a limit or bound, relative to ``1 + |limit|``.
    max_integrality_residual
        Largest distance of an integer column to the next integer.
    """

    values: Floats
    activities: Floats
    row_duals: Floats | None
    reduced_costs: Floats | None
    vertex: bool
    max_primal_residual: float
    max_integrality_residual: float


@dataclass(frozen=True, eq=False)
class Outcome:
    """The end of a solve.

    Parameters
    ----------
    status
        Why it stopped.
    solution
        The best plan held, or None.
    objective
        Objective of that plan in the model's own sense, or None.
    bound
        No plan can be better than this; infinite where nothing is known.
    seconds
        Wall time.
    iterations, nodes
        Simplex plus interior-point iterations; branch-and-bound nodes.
    message
        One sentence for people where the status alone does not say it all.
    log_tail
        The last lines of the solver's log.
    solver
        Name and version.
    profile
        Name of the option profile.
    interrupted
        Whether Ctrl-C came, even where the solver was done before it could stop.
    """

    status: Status
    solution: Solution | None
    objective: float | None
    bound: float
    seconds: float
    iterations: int = 0
    nodes: int = 0
    message: str = ""
    log_tail: tuple[str, ...] = ()
    solver: str = ""
    profile: str = ""
    interrupted: bool = False

    @property
    def gap(self) -> float | None:
        """Distance of the plan to the bound relative to the objective [-]; None without a plan."""
        return None if self.objective is None else relative_gap(self.objective, self.bound)

    def accepted(self, accept: Literal["optimal", "feasible"]) -> Solution:
        """Return the plan if it is good enough for a profile's ``accept``.

        Raises
        ------
        InfeasibleError
            When no plan can meet all limits.
        NoPlanError
            When no plan is held, or one without proof of optimality where ``optimal`` is asked.
        """
        if self.status is Status.INFEASIBLE:
            raise InfeasibleError("No plan can meet all limits at once.")
        why = f"The solver stopped after {self.seconds:.1f} s ({self.status.value})"
        tail = f" {self.message}" if self.message else ""
        if self.status is Status.UNBOUNDED:
            raise NoPlanError(
                "The cost can fall without end: some purchase earns more than it costs and has no "
                "upper limit. Check for missing upper bounds and for sale prices above purchase "
                "prices."
            )
        if self.solution is None:
            raise NoPlanError(f"{why} before it held any plan; allow more time.{tail}")
        if accept == "optimal" and self.status is not Status.OPTIMAL:
            raise NoPlanError(
                f"{why} with a plan that is {_percent(self.gap)} from the bound, but the profile "
                f"accepts only a proven optimum; allow more time or accept: feasible.{tail}"
            )
        return self.solution


def relative_gap(objective: float, bound: float) -> float:
    """Return ``|objective - bound| / |objective|`` [-]; 0 when both are equal."""
    distance = abs(objective - bound)
    if distance == 0.0:
        return 0.0
    return distance / abs(objective) if objective != 0.0 else math.inf


def _percent(gap: float | None) -> str:
    return "an unknown distance" if gap is None or math.isinf(gap) else f"{100 * gap:.3g} %"


@dataclass(frozen=True)
class Progress:
    """Where a running solve is; None for what is not known yet.

    Parameters
    ----------
    stage
        ``presolve``, ``simplex``, ``interior point``, ``crossover`` or ``branch and bound``.
    seconds
        Wall time since the start.
    iterations
        Iterations of the running method.
    objective
        Best plan (integer models) or current iterate (linear ones), in the model's own sense.
    bound
        Proven bound of an integer model.
    gap
        Relative gap between the two [-].
    nodes
        Branch-and-bound nodes.
    """

    stage: str
    seconds: float
    iterations: int | None = None
    objective: float | None = None
    bound: float | None = None
    gap: float | None = None
    nodes: int | None = None
