"""Bases of the simplex method as arrays and as HiGHS has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import highspy
import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

_BASIS = (
    highspy.HighsBasisStatus.kLower,
    highspy.HighsBasisStatus.kBasic,
    highspy.HighsBasisStatus.kUpper,
    highspy.HighsBasisStatus.kZero,
    highspy.HighsBasisStatus.kNonbasic,
)
LOWER, BASIC, UPPER = 0, 1, 2
"""Statuses of a `Basis` that others set."""
UNKNOWN = -1
"""In place of the status of what another basis says nothing of."""


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


def basis_of(native: Any) -> Basis:
    """Return a basis of HiGHS as arrays."""
    columns, rows = native.col_status, native.row_status
    return Basis(
        np.fromiter(map(int, columns), np.int8, len(columns)),
        np.fromiter(map(int, rows), np.int8, len(rows)),
    )


def native_basis(basis: Basis, *, alien: bool = False) -> Any:
    """Return a basis as HiGHS takes it; of an ``alien`` one it makes a basis first."""
    native = highspy.HighsBasis()
    native.col_status = [_BASIS[i] for i in basis.columns.tolist()]
    native.row_status = [_BASIS[i] for i in basis.rows.tolist()]
    native.valid, native.alien = True, alien
    return native
