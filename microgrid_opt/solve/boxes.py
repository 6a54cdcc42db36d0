r"""Finite bounds for all columns, where the rows imply them or a dearer value is never needed.

A bound that a row implies: from $\sum_j a_j x_j \le U$ follows
$a_k x_k \le U - \sum_{j \ne k} \min_{l_j \le x_j \le u_j} a_j x_j$ (Savelsbergh, 1994,
Preprocessing and probing techniques for mixed integer programming problems,
doi:10.1287/ijoc.6.4.445). One that cost implies: a column that costs and that every row only wants
large enough (a peak) need not be larger than the largest need.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from microgrid_opt.solve.matrix import Matrix

    Flags = NDArray[np.bool_]
    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

PASSES = 4
PLAUSIBLE = 1e3
"""A column without any bound is taken to stay below this many times the largest bound."""
MARGIN = 1e-6
"""By how much, relative, an implied bound is widened against rounding."""


def boxes(matrix: Matrix) -> tuple[Floats, Floats]:
    """Return bounds within which some optimal plan lies, shape (columns,) each; infinite where none.

    Declared bounds are kept as they are; only infinite ones are replaced.
    """
    lower, upper = matrix.col_lower.copy(), matrix.col_upper.copy()
    for _ in range(PASSES):
        open_before = np.isinf(lower).sum() + np.isinf(upper).sum()
        if open_before == 0:
            break
        least, most = _implied(matrix, lower, upper)
        lower = np.where(np.isinf(lower), _wider(least, -1.0), lower)
        upper = np.where(np.isinf(upper), _wider(most, 1.0), upper)
        upper = np.where(np.isinf(upper), _needed(matrix, lower, upper), upper)
        if np.isinf(lower).sum() + np.isinf(upper).sum() == open_before:
            break
    return lower, upper


def _wider(bound: Floats, sign: float) -> Floats:
    margin = np.where(np.isfinite(bound), MARGIN * (1.0 + np.abs(bound)), 0.0)
    return np.asarray(bound + sign * margin)


def _others(
    matrix: Matrix, lower: Floats, upper: Floats, chosen: Flags
) -> tuple[Ints, Floats, Floats]:
    """Return the entries of chosen columns, and the least and most that the others of their rows make.

    Parameters
    ----------
    chosen
        Of the columns, shape (columns,).

    Returns
    -------
    Numbers of the entries, and the two sums for each of them.
    """
    mine = chosen[matrix.index]
    rows = np.zeros(matrix.row_count, dtype=bool)
    rows[matrix.entry_row[mine]] = True
    part = np.flatnonzero(rows[matrix.entry_row])
    a, column, row, own = matrix.value[part], matrix.index[part], matrix.entry_row[part], mine[part]
    low, high = lower[column], upper[column]
    found = []
    for first, second, none in ((low, high, -np.inf), (high, low, np.inf)):
        with np.errstate(invalid="ignore"):
            term = a * np.where(a > 0, first, second)
        term[a == 0.0] = 0.0
        free = np.isinf(term)
        term[free] = 0.0
        total = np.bincount(row, term, matrix.row_count)[row[own]] - term[own]
        total[np.bincount(row[free], minlength=matrix.row_count)[row[own]] > free[own]] = none
        found.append(total)
    least, most = found
    return part[own], least, most


def _implied(matrix: Matrix, lower: Floats, upper: Floats) -> tuple[Floats, Floats]:
    """Return the bounds that single rows imply of the columns without one, shape (columns,) each."""
    entry, least, most = _others(matrix, lower, upper, np.isinf(lower) | np.isinf(upper))
    held = matrix.value[entry] != 0.0
    entry, least, most = entry[held], least[held], most[held]
    a, column, row = matrix.value[entry], matrix.index[entry], matrix.entry_row[entry]
    at_most, at_least = matrix.row_upper[row] - least, matrix.row_lower[row] - most
    new_low, new_high = np.full(len(lower), -np.inf), np.full(len(upper), np.inf)
    np.maximum.at(new_low, column, np.where(a > 0, at_least, at_most) / a)
    np.minimum.at(new_high, column, np.where(a > 0, at_most, at_least) / a)
    return new_low, new_high


def _needed(matrix: Matrix, lower: Floats, upper: Floats) -> Floats:
    """Return up to where columns without an upper bound that cost can be of use, infinite elsewhere."""
    entry, least, most = _others(matrix, lower, upper, np.isinf(upper) & (matrix.cost >= 0.0))
    a, row = matrix.value[entry], matrix.entry_row[entry]
    above, below = matrix.row_lower[row], matrix.row_upper[row]
    wants_more = ((a > 0) & np.isinf(below)) | ((a < 0) & np.isinf(above)) | (a == 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        need = np.where(a > 0, above - least, below - most) / a
    need = np.where(a == 0.0, -np.inf, need)
    need = np.where(wants_more & ~np.isnan(need), need, np.inf)
    most_needed = np.full(len(upper), -np.inf)
    np.maximum.at(most_needed, matrix.index[entry], need)
    cap = np.maximum(_wider(most_needed, 1.0), lower)
    # The next whole number is as good as what is needed, one below it is not.
    cap = np.where(matrix.integrality == 1, np.ceil(cap), cap)
    return np.where(matrix.cost >= 0.0, cap, np.inf)


def finite_box(matrix: Matrix) -> tuple[Floats, Floats]:
    """Return bounds within which some optimal plan lies, plausible ones where there are none."""
    return plausible(boxes(matrix))


def plausible(box: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    """Return the box with plausible limits where there are none, shape (columns,) each."""
    largest = max([1.0, *(np.abs(side[np.isfinite(side)]).max(initial=0.0) for side in box)])
    limit = PLAUSIBLE * largest
    return np.maximum(box[0], -limit), np.minimum(box[1], limit)
