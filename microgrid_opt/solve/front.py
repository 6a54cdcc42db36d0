r"""Plans of many limits of one row as one front of cost and use, from which every limit takes a plan.

With $a^\top x \le \varepsilon$ for the row the least cost $\varphi(\varepsilon)$ is convex. Every plan of the other
rows, whatever it uses of this one, is a point $(a^\top x, C)$; two plans in proportion are a plan that
keeps a limit between what they use. So the lower hull of all points is above $\varphi$ and each point of
it is a plan (the inner approximation of a convex front; Rote, 1992, doi:10.1007/BF02238642). Its slope
is about what one unit of the limit is worth.

A search that fails to keep a limit by a little has found such a point all the same: the plan next to it
on the other side makes up for what is missed, at about what it is worth.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from microgrid_opt.solve.certify import TOLERANCE, primal_residual

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from microgrid_opt.solve.matrix import Matrix

    Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Plan:
    """What a plan uses of the row, what it costs, and its values."""

    used: float
    cost: float
    values: Floats


class Front:
    """The plans on the lower hull of use and cost.

    Parameters
    ----------
    matrix
        The model with any limit of the row.
    row
        Number of a row that has an upper limit only.
    """

    def __init__(self, matrix: Matrix, row: int) -> None:
        upper = matrix.row_upper.copy()
        upper[row] = np.inf
        self.row = row
        self._free = replace(matrix, row_upper=upper)
        self._plans: list[_Plan] = []

    def add(self, values: Floats) -> None:
        """Add a plan, unless it is above the hull of the others or breaks another row or bound."""
        matrix = self._free
        entries = slice(matrix.start[self.row], matrix.start[self.row + 1])
        used = float(matrix.value[entries] @ values[matrix.index[entries]])
        cost = matrix.offset + float(matrix.cost @ values)
        near = self._around(used)
        if near is not None and cost >= _between(*near)[0]:
            return
        if primal_residual(matrix, values)[0] > TOLERANCE:
            return
        found: list[_Plan] = []
        for one in sorted(
            [*self._plans, _Plan(used, cost, values)], key=lambda one: (one.used, one.cost)
        ):
            if found and one.cost >= found[-1].cost:
                continue
            while len(found) > 1 and _is_above(found[-2], found[-1], one):
                found.pop()
            found.append(one)
        self._plans = found

    def plan(self, limit: float) -> tuple[float, Floats] | None:
        """Return cost and values of the plan at a limit; ``None`` if no plan is that tight."""
        near = self._around(limit)
        if near is None:
            return None
        cost, share = _between(*near)
        one, other = near[:2]
        return cost, one.values if share == 0.0 else (
            1.0 - share
        ) * one.values + share * other.values

    def price(self, limit: float) -> float:
        """Return what the hull says one unit of a limit is worth, zero where it says nothing."""
        near = self._around(limit)
        if near is None or near[0] is near[1]:
            return 0.0
        one, other = near[:2]
        return (one.cost - other.cost) / (other.used - one.used)

    def _around(self, limit: float) -> tuple[_Plan, _Plan, float] | None:
        """Return the plans on both sides of a limit, and the limit; the last plan twice beyond it."""
        if not self._plans or self._plans[0].used > limit:
            return None
        number = int(np.searchsorted([one.used for one in self._plans], limit, side="right"))
        last = min(number, len(self._plans) - 1)
        return self._plans[number - 1], self._plans[last], limit


def _between(one: _Plan, other: _Plan, limit: float) -> tuple[float, float]:
    """Return the cost of two plans in proportion at a limit, and the share of the second."""
    if one is other:
        return one.cost, 0.0
    share = (limit - one.used) / (other.used - one.used)
    return (1.0 - share) * one.cost + share * other.cost, share


def _is_above(left: _Plan, middle: _Plan, right: _Plan) -> bool:
    rise = (middle.cost - left.cost) * (right.used - left.used)
    return rise >= (right.cost - left.cost) * (middle.used - left.used)
