"""Plans and duals of limits that were solved, and what they tell of the limits between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from microgrid_opt.solve.matrix import Matrix

    Floats = NDArray[np.float64]

ON_LINE = 1e-9
"""Relative distance from a line up to which limits lie on it."""
SIDE = 2
"""Limits on either side whose plans a curve goes through."""
STEEPEST = 3.0
"""Sum of the weights, without signs, from which a curve tells more of rounding than of the plans."""


@dataclass(frozen=True, eq=False)
class Known:
    """A plan of some limits of all rows, and duals where it has them."""

    limits: Floats
    values: Floats
    duals: Floats | None


def limits_of(matrix: Matrix) -> Floats:
    """Return all limits of the rows as one point, zero where there is none."""
    both = np.concatenate([matrix.row_lower, matrix.row_upper])
    return np.where(np.isfinite(both), both, 0.0)


def distance(one: Floats, other: Floats) -> float:
    """Return by how much two points of limits differ at most."""
    return float(np.abs(one - other).max(initial=0.0))


def in_proportion(known: Sequence[Known], wanted: Floats) -> Known:
    """Return the plan in proportion of the two nearest plans on both sides of limits.

    Such a plan keeps the limits. Without two on both sides it is the nearest one, which need not.
    """
    found: list[tuple[float, float, Known, Known]] = []
    for number, one in enumerate(known):
        for other in known[number + 1 :]:
            along, away = other.limits - one.limits, wanted - one.limits
            length = float(along @ along)
            if not length:
                continue
            share = float(along @ away) / length
            off = np.abs(away - share * along).max()
            if 0.0 <= share <= 1.0 and off <= ON_LINE * (1.0 + np.abs(wanted).max()):
                found.append((length, share, one, other))
    if not found:
        return min(known, key=lambda one: distance(one.limits, wanted))
    _, share, one, other = min(found, key=lambda some: some[0])
    return Known(wanted, (1.0 - share) * one.values + share * other.values, None)


def on_curve(known: Sequence[Known], place: int, at: float) -> Floats | None:
    """Return the point at a limit on the curve through the plans of the next ones on both sides.

    What is best moves along a curve as a limit moves, of which two plans in proportion are a chord. It
    is Lagrange's polynomial through up to four plans; what comes out need not be a plan. ``None`` where
    there are fewer than three, none on one side, or two so close that the others hardly count.

    Parameters
    ----------
    known
        What was solved has duals.
    place, at
        Which of the limits differs, and where it is asked for.
    """
    # Of plans at one limit, at other costs, the first one known is the latest.
    solved = [one for one in reversed(known) if one.duals is not None]
    plans = {float(one.limits[place]): one.values for one in solved}
    below = sorted(one for one in plans if one < at)[-SIDE:]
    above = sorted(one for one in plans if one > at)[:SIDE]
    chosen = [*below, *above]
    if not below or not above or len(chosen) <= SIDE or at in plans:
        return None
    weights = [
        float(np.prod([(at - other) / (one - other) for other in chosen if other != one]))
        for one in chosen
    ]
    if np.abs(weights).sum() > STEEPEST:
        return None
    curve = np.zeros(len(plans[chosen[0]]))
    for weight, one in zip(weights, chosen, strict=True):
        curve += weight * plans[one]
    return curve


def is_tighter(matrix: Matrix, other: Matrix) -> bool:
    """Return whether the box of a model holds for one with tighter upper limits of some of its rows.

    Its plans are plans of the other, so that what rows imply there holds here. No such limit may tell
    how much of a column without an upper bound is needed (`microgrid_opt.solve.boxes`).
    """
    tighter = matrix.row_upper < other.row_upper
    if not np.array_equal(matrix.row_upper[~tighter], other.row_upper[~tighter]):
        return False
    if not np.array_equal(matrix.row_lower, other.row_lower):
        return False
    for name in ("col_lower", "col_upper"):
        if not np.array_equal(getattr(matrix, name), getattr(other, name)):
            return False
    wanting = tighter[matrix.entry_row] & (matrix.value < 0.0)
    return bool(np.isfinite(matrix.col_upper[matrix.index[wanting]]).all())
