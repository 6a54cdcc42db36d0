"""A model that HiGHS solves again and again, its numbers handed over as arrays.

highspy turns every array of a solution into a list, every status into an object, and sorts the columns
whose bounds change: for a piece of some days that takes as long as the few steps of the simplex method
after a small change. HiGHS's C interface (`highs_c_api.h`) reads and writes arrays where they are. It is in
the library that highspy brings; where it is not to be found, highspy's own way does the same.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import highspy
import numpy as np

from microgrid_opt.solve.bases import Basis, listed, native_basis

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

OPTIMAL = int(highspy.HighsModelStatus.kOptimal)
ROWWISE, MINIMIZE = 2, 1
"""HiGHS's numbers of a matrix row by row, and of the sense of an objective."""
ITERATIONS, BASIS, VALID = b"simplex_iteration_count", b"basis_validity", 1
"""Names of what HiGHS tells of a run, and what the second is where there is a basis."""
OPTIONS: dict[type, str] = {
    bool: "Highs_setBoolOptionValue",
    int: "Highs_setIntOptionValue",
    float: "Highs_setDoubleOptionValue",
    str: "Highs_setStringOptionValue",
}
"""What sets an option of a type."""


@dataclass(frozen=True, eq=False)
class Program:
    """A linear model to be minimised.

    Parameters
    ----------
    cost, lower, upper
        Of the columns, shape (columns,) each.
    row_lower, row_upper
        Shape (rows,) each.
    start, index, value
        Entries row by row; ``start`` of each row, shape (rows + 1,).
    """

    cost: Floats
    lower: Floats
    upper: Floats
    row_lower: Floats
    row_upper: Floats
    start: Ints
    index: Ints
    value: Floats


class Listed:
    """A model in HiGHS by way of highspy.

    Parameters
    ----------
    program
        The model.
    options
        Of HiGHS.
    """

    def __init__(self, program: Program, options: Mapping[str, object]) -> None:
        self.highs = highspy.Highs()
        for name, option in options.items():
            self.highs.setOptionValue(name, option)
        columns, rows = len(program.cost), len(program.row_lower)
        self.highs.passModel(
            columns,
            rows,
            len(program.index),
            int(highspy.MatrixFormat.kRowwise),
            int(highspy.ObjSense.kMinimize),
            0.0,
            program.cost,
            program.lower,
            program.upper,
            program.row_lower,
            program.row_upper,
            program.start.astype(np.int32),
            program.index.astype(np.int32),
            program.value,
            np.zeros(columns, dtype=np.int32),
        )

    def set_costs(self, first: int, cost: Floats) -> None:
        """Change the costs of columns from one on."""
        self.highs.changeColsCost(len(cost), _range(first, cost), cost)

    def set_row_bounds(self, first: int, lower: Floats, upper: Floats) -> None:
        """Change the limits of rows from one on."""
        self.highs.changeRowsBounds(len(lower), _range(first, lower), lower, upper)

    def set_column_bounds(self, first: int, lower: Floats, upper: Floats) -> None:
        """Change the bounds of columns from one on."""
        self.highs.changeColsBounds(len(lower), _range(first, lower), lower, upper)

    def set_basis(self, basis: Basis) -> None:
        """Start from statuses that need not be a basis: HiGHS makes one of them."""
        self.highs.setBasis(native_basis(basis, alien=True))

    def forget(self) -> None:
        """Solve from nothing the next time."""
        self.highs.clearSolver()

    def run(self) -> tuple[bool, int]:
        """Solve; return whether that ended with an optimum, and the simplex iterations."""
        self.highs.run()
        count = max(self.highs.getInfo().simplex_iteration_count, 0)
        return self.highs.getModelStatus() == highspy.HighsModelStatus.kOptimal, count

    def solution(self) -> tuple[Floats, Floats, Floats]:
        """Return values and reduced costs of the columns, and duals of the rows, of the last run."""
        native = self.highs.getSolution()
        return np.array(native.col_value), np.array(native.col_dual), np.array(native.row_dual)

    def basis(self) -> Basis | None:
        """Return the basis of the last run, if there is one."""
        native = self.highs.getBasis()
        return listed(native) if native.valid else None


class Native:
    """A model in HiGHS by way of its C interface.

    What `solution` returns is written over by the next one.

    Parameters
    ----------
    program, options
        As for `Listed`.
    """

    def __init__(self, program: Program, options: Mapping[str, object]) -> None:
        library = c_library()
        assert library is not None
        self._library, self._highs = library, library.Highs_create()
        for name, option in options.items():
            # A bool is an int as well.
            kind = next(kind for kind in OPTIONS if isinstance(option, kind))
            value = option.encode() if isinstance(option, str) else option
            getattr(library, OPTIONS[kind])(self._highs, name.encode(), value)
        start, index = program.start.astype(np.int32), program.index.astype(np.int32)
        columns, rows = len(program.cost), len(program.row_lower)
        arrays = (
            program.cost,
            program.lower,
            program.upper,
            program.row_lower,
            program.row_upper,
        )
        numbers = [np.ascontiguousarray(one, dtype=float) for one in (*arrays, program.value)]
        library.Highs_passLp(
            self._highs,
            columns,
            rows,
            len(index),
            ROWWISE,
            MINIMIZE,
            0.0,
            *(_at(one) for one in numbers[:5]),
            _at(start),
            _at(index),
            _at(numbers[5]),
        )
        self._x, self._d = np.zeros(columns), np.zeros(columns)
        self._r, self._y = np.zeros(rows), np.zeros(rows)
        self._solution = tuple(_at(one) for one in (self._x, self._d, self._r, self._y))

    def __del__(self) -> None:
        """Give the memory back."""
        if hasattr(self, "_highs"):
            self._library.Highs_destroy(self._highs)

    def set_costs(self, first: int, cost: Floats) -> None:
        """Change the costs of columns from one on."""
        last = first + len(cost) - 1
        self._library.Highs_changeColsCostByRange(self._highs, first, last, _at(cost))

    def set_row_bounds(self, first: int, lower: Floats, upper: Floats) -> None:
        """Change the limits of rows from one on."""
        last = first + len(lower) - 1
        self._library.Highs_changeRowsBoundsByRange(
            self._highs, first, last, _at(lower), _at(upper)
        )

    def set_column_bounds(self, first: int, lower: Floats, upper: Floats) -> None:
        """Change the bounds of columns from one on."""
        last = first + len(lower) - 1
        self._library.Highs_changeColsBoundsByRange(
            self._highs, first, last, _at(lower), _at(upper)
        )

    def set_basis(self, basis: Basis) -> None:
        """Start from statuses that need not be a basis: HiGHS makes one of them."""
        columns, rows = basis.columns.astype(np.int32), basis.rows.astype(np.int32)
        self._library.Highs_setBasis(self._highs, _at(columns), _at(rows))

    def forget(self) -> None:
        """Solve from nothing the next time."""
        self._library.Highs_clearSolver(self._highs)

    def run(self) -> tuple[bool, int]:
        """Solve; return whether that ended with an optimum, and the simplex iterations."""
        self._library.Highs_run(self._highs)
        is_optimal = self._library.Highs_getModelStatus(self._highs) == OPTIMAL
        return is_optimal, max(self._info(ITERATIONS), 0)

    def solution(self) -> tuple[Floats, Floats, Floats]:
        """Return values and reduced costs of the columns, and duals of the rows, of the last run."""
        self._library.Highs_getSolution(self._highs, *self._solution)
        return self._x, self._d, self._y

    def basis(self) -> Basis | None:
        """Return the basis of the last run, if there is one."""
        if self._info(BASIS) != VALID:
            return None
        columns, rows = (np.zeros(len(one), dtype=np.int32) for one in (self._x, self._y))
        self._library.Highs_getBasis(self._highs, _at(columns), _at(rows))
        return Basis(columns.astype(np.int8), rows.astype(np.int8))

    def _info(self, name: bytes) -> int:
        found = ctypes.c_int32(-1)
        self._library.Highs_getIntInfoValue(self._highs, name, ctypes.byref(found))
        return found.value


def solver_of(program: Program, options: Mapping[str, object]) -> Listed | Native:
    """Return a model in HiGHS, by the C interface where it is to be found."""
    return (Listed if c_library() is None else Native)(program, options)


@cache
def c_library() -> Any:
    """Return HiGHS's C interface from the library that highspy has loaded; ``None`` if it has none."""
    from highspy import _core

    try:
        library = ctypes.CDLL(_core.__file__)
        for name, result, arguments in SIGNATURES:
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
        wide = library.Highs_getSizeofHighsInt(None) != ctypes.sizeof(ctypes.c_int32)
    except (OSError, AttributeError):
        return None
    return None if wide else library


def _at(array: NDArray[Any]) -> int:
    return int(array.ctypes.data)


def _range(first: int, values: Floats) -> NDArray[np.int32]:
    return np.arange(first, first + len(values), dtype=np.int32)


_INT, _POINTER, _NAME = ctypes.c_int32, ctypes.c_void_p, ctypes.c_char_p
_BOUNDS = (_POINTER, _INT, _INT, _POINTER, _POINTER)
SIGNATURES: tuple[tuple[str, Any, tuple[Any, ...]], ...] = (
    ("Highs_create", _POINTER, ()),
    ("Highs_destroy", None, (_POINTER,)),
    ("Highs_getSizeofHighsInt", _INT, (_POINTER,)),
    ("Highs_setBoolOptionValue", _INT, (_POINTER, _NAME, _INT)),
    ("Highs_setIntOptionValue", _INT, (_POINTER, _NAME, _INT)),
    ("Highs_setDoubleOptionValue", _INT, (_POINTER, _NAME, ctypes.c_double)),
    ("Highs_setStringOptionValue", _INT, (_POINTER, _NAME, _NAME)),
    (
        "Highs_passLp",
        _INT,
        (_POINTER, *(5 * (_INT,)), ctypes.c_double, *(8 * (_POINTER,))),
    ),
    ("Highs_changeColsCostByRange", _INT, (_POINTER, _INT, _INT, _POINTER)),
    ("Highs_changeColsBoundsByRange", _INT, _BOUNDS),
    ("Highs_changeRowsBoundsByRange", _INT, _BOUNDS),
    ("Highs_setBasis", _INT, (_POINTER, _POINTER, _POINTER)),
    ("Highs_getBasis", _INT, (_POINTER, _POINTER, _POINTER)),
    ("Highs_clearSolver", _INT, (_POINTER,)),
    ("Highs_run", _INT, (_POINTER,)),
    ("Highs_getModelStatus", _INT, (_POINTER,)),
    ("Highs_getIntInfoValue", _INT, (_POINTER, _NAME, _POINTER)),
    ("Highs_getSolution", _INT, (_POINTER, *(4 * (_POINTER,)))),
)
"""Functions of `highs_c_api.h` that are used: name, result, arguments."""
