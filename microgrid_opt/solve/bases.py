"""Bases of the simplex method as arrays and as HiGHS has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import highspy
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from microgrid_opt.solve.matrix import Matrix

    Floats = npt.NDArray[np.float64]

_BASIS = (
    highspy.HighsBasisStatus.kLower,
    highspy.HighsBasisStatus.kBasic,
    highspy.HighsBasisStatus.kUpper,
    highspy.HighsBasisStatus.kZero,
    highspy.HighsBasisStatus.kNonbasic,
)
LOWER, BASIC, UPPER, ZERO = 0, 1, 2, 3
"""Statuses of a `Basis` that others set."""
UNKNOWN = -1
"""In place of the status of what another basis says nothing of."""
NEAR = 1e-7
"""Distance, relative, from a limit at which a plan is at it."""


@dataclass(frozen=True, eq=False)
class Basis:
    """Which columns and rows are basic: 0 at lower, 1 basic, 2 at upper, 3 free at zero, 4 nonbasic.

    Parameters
    ----------
    columns, rows
        Shape (columns,) and (rows,).
    """

    columns: npt.NDArray[np.int8]
    rows: npt.NDArray[np.int8]


def standing(matrix: Matrix, values: Floats, own: npt.NDArray[np.bool_]) -> Basis:
    """Return the statuses that a plan suggests to pieces whose sizes are held.

    What is between its limits is basic. Where a row limits one own column alone, the column stands at
    its bound in place of the row (`microgrid_opt.solve.held`). Often there are too many or too few of
    them for a basis: HiGHS makes one.

    Parameters
    ----------
    matrix, values
        The model and the plan, shape (columns,).
    own
        Columns that are not held, shape (columns,).
    """
    rows = _nearest(matrix.times(values), matrix.row_lower, matrix.row_upper)
    columns = _nearest(values, matrix.col_lower, matrix.col_upper)
    entry_row, mine = matrix.entry_row, own[matrix.index]
    limits = (rows != BASIC) & (matrix.row_lower != matrix.row_upper)
    limits &= np.bincount(entry_row, mine, matrix.row_count) == 1
    at = np.flatnonzero(mine & limits[entry_row])
    at = at[columns[matrix.index[at]] == BASIC]
    upwards = (matrix.value[at] > 0.0) == (rows[entry_row[at]] == UPPER)
    columns[matrix.index[at]] = np.where(upwards, UPPER, LOWER)
    return Basis(columns, rows)


def _nearest(values: Floats, lower: Floats, upper: Floats) -> npt.NDArray[np.int8]:
    """Return at which limit values are, `BASIC` for none."""
    near = NEAR * (1.0 + np.abs(values))
    found = np.where(values <= lower + near, LOWER, np.where(values >= upper - near, UPPER, BASIC))
    return found.astype(np.int8)


def basis_of(
    highs: Any,
    columns: tuple[Floats, Floats],
    rows: tuple[Floats, Floats],
) -> Basis | None:
    """Return the basis that HiGHS ended with; ``None`` where it has none.

    Which columns and rows are basic is read as numbers, and where the others are from their values:
    highspy lists statuses as one object each, which takes many times as long and is what is left where
    HiGHS holds no factors of the basis (after presolve).

    Parameters
    ----------
    highs
        After a run.
    columns, rows
        Lower and upper bounds that they have there.
    """
    native = highs.getBasis()
    if not native.valid:
        return None
    status, basic = highs.getBasicVariables()
    if status == highspy.HighsStatus.kError:
        return listed(native)
    solution = highs.getSolution()
    found = Basis(
        _sides(*columns, lambda: solution.col_value), _sides(*rows, lambda: solution.row_value)
    )
    found.columns[basic[basic >= 0]] = BASIC
    found.rows[-1 - basic[basic < 0]] = BASIC
    return found


def _sides(lower: Floats, upper: Floats, values: Callable[[], list[float]]) -> npt.NDArray[np.int8]:
    """Return the status of each column or row if it is not basic: of two bounds the nearer one."""
    below, above = np.isfinite(lower), np.isfinite(upper)
    found = np.where(below, LOWER, np.where(above, UPPER, ZERO)).astype(np.int8)
    either = np.flatnonzero(below & above & (lower < upper))
    if len(either):
        at = np.array(values())[either]
        found[either] = np.where(at - lower[either] > upper[either] - at, UPPER, LOWER)
    return found


def listed(native: Any) -> Basis:
    """Return a basis of HiGHS from its statuses one by one."""
    columns, rows = (
        np.fromiter(map(int, one), np.int8, len(one))
        for one in (native.col_status, native.row_status)
    )
    return Basis(columns, rows)


def native_basis(basis: Basis, *, alien: bool = False) -> Any:
    """Return a basis as HiGHS takes it; of an ``alien`` one it makes a basis first."""
    native = highspy.HighsBasis()
    native.col_status = [_BASIS[i] for i in basis.columns.tolist()]
    native.row_status = [_BASIS[i] for i in basis.rows.tolist()]
    native.valid, native.alien = True, alien
    return native
