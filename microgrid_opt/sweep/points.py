"""What a sweep finds, point by point."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from microgrid_opt.audit import Audit
    from microgrid_opt.problem import Problem
    from microgrid_opt.results import Run
    from microgrid_opt.sweep.axes import Axis

INFEASIBLE, NO_PLAN, OPEN = "infeasible", "no plan", "not reached"


@dataclass(frozen=True, eq=False)
class Point:
    """One point.

    Parameters
    ----------
    number
        Its place in the sweep, from 1.
    values
        Of the parameters, in their order.
    sets
        The keys that it changes, as `--set` takes them; factors as ``key x factor``.
    status
        ``optimal``, another status of a plan that is held, ``infeasible``, ``no plan``, or ``not
        reached`` where the sweep was stopped before.
    why
        What an infeasible point cannot keep, and by how much it would have to give.
    run
        How the plan came about; ``None`` without one.
    cost
        Of the plan, as the solved model has it [currency over the horizon].
    co2_kg, year_share
        Its CO2 over the horizon [kg], and the share of a year that the horizon stands for.
    price_per_t
        What the cap on CO2 costs for one tonne less, its dual [currency/t]; NaN without a cap.
    sizes
        In operation, by ``asset.size``, with units.
    audit
        The independent re-computation of the plan.
    seconds
        Wall time.
    """

    number: int
    values: tuple[str | float, ...]
    sets: tuple[str, ...] = ()
    status: str = OPEN
    why: str = ""
    run: Run | None = None
    cost: float = math.nan
    co2_kg: float = math.nan
    year_share: float = 1.0
    price_per_t: float = math.nan
    sizes: Mapping[str, tuple[float, str]] = field(default_factory=dict)
    audit: Audit | None = None
    seconds: float = 0.0

    @property
    def has_plan(self) -> bool:
        """Whether a plan is held."""
        return self.run is not None


@dataclass(eq=False)
class Sweep:
    """All points, filled while they are solved.

    Parameters
    ----------
    problem
        The park at the first point.
    axes
        What changes.
    points
        In the order of the values.
    stopped
        Why it ended before the last point; empty where it did not.
    seconds
        Wall time.
    """

    problem: Problem
    axes: tuple[Axis, ...]
    points: list[Point] = field(default_factory=list)
    stopped: str = ""
    seconds: float = 0.0

    @property
    def has_front(self) -> bool:
        """Whether a cap on CO2 is a parameter; it is the last one then."""
        return self.axes[-1].kind == "co2"
