"""What a search of pieces ends with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Found:
    """What a search ends with.

    Parameters
    ----------
    values
        The best plan without a miss, ``None`` without one.
    duals
        Of the rows, which prove the bound; ``None`` without one.
    objective
        Its cost, infinite without one.
    bound
        No plan costs less.
    iterations
        Of the simplex method, in all pieces.
    failed
        Why the search gave up, if it did.
    centre
        The best point, with what it misses priced; ``None`` where there is none.
    """

    values: Floats | None
    duals: Floats | None
    objective: float
    bound: float
    iterations: int
    failed: str = ""
    centre: Floats | None = None

    @property
    def gap(self) -> float:
        """Distance of plan and bound, relative to the plan."""
        if not np.isfinite(self.objective):
            return np.inf
        return (self.objective - self.bound) / max(abs(self.objective), 1e-9)
