"""A session that is told the model as it should be and hands HiGHS the difference."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from microgrid_opt.solve.session import Session

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from microgrid_opt.solve.matrix import Matrix

    Floats = npt.NDArray[np.float64]

DUAL, PRIMAL = 1, 4
"""Values of HiGHS's ``simplex_strategy``."""

CHANGEABLE = ("cost", "row_lower", "row_upper", "col_lower", "col_upper")
"""What of a matrix may change while HiGHS holds it."""


def same_coefficients(one: Matrix, other: Matrix) -> bool:
    """Return whether two models differ in what may change only."""
    blocks = (
        [(block.name, block.count) for block in (*matrix.columns, *matrix.rows)]
        for matrix in (one, other)
    )
    return (
        one.maximize == other.maximize
        and next(blocks) == next(blocks)
        and all(
            np.array_equal(getattr(one, name), getattr(other, name))
            for name in ("start", "index", "value", "integrality")
        )
    )


def has_same_columns(one: Matrix, other: Matrix) -> bool:
    """Return whether plans cost the same in both models and their columns have the same room."""
    return one.offset == other.offset and all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for name in ("cost", "col_lower", "col_upper")
    )


def changed_columns(one: Matrix, other: Matrix) -> npt.NDArray[np.bool_] | None:
    """Return which columns of another model of the same rows cost more or less, or have less room.

    ``None`` where one has more room, or what it costs turns into what it earns or back: bounds within
    which plans were looked for need not hold then.
    """
    dearer = one.cost != other.cost
    tighter = (one.col_lower != other.col_lower) | (one.col_upper != other.col_upper)
    wider = (other.col_lower < one.col_lower) | (other.col_upper > one.col_upper)
    turned = dearer & ((one.cost >= 0.0) != (other.cost >= 0.0))
    return None if (wider | turned).any() else np.asarray(dearer | tighter)


class ChangedSession(Session):
    """A session of numbers that change; its rows, columns and coefficients do not."""

    def take(self, wanted: Mapping[str, Floats], offset: float) -> tuple[bool, bool]:
        """Hand the changed numbers to HiGHS; return whether costs and whether limits changed."""
        m = self.matrix
        changed = {name: wanted[name] != getattr(m, name) for name in CHANGEABLE}
        costs = np.flatnonzero(changed["cost"]).astype(np.int32)
        rows = np.flatnonzero(changed["row_lower"] | changed["row_upper"]).astype(np.int32)
        columns = np.flatnonzero(changed["col_lower"] | changed["col_upper"]).astype(np.int32)
        if len(costs):
            self._highs.changeColsCost(len(costs), costs, wanted["cost"][costs])
        for where, change, kind in (
            (rows, self._highs.changeRowsBounds, "row"),
            (columns, self._highs.changeColsBounds, "col"),
        ):
            if len(where):
                low, high = wanted[f"{kind}_lower"][where], wanted[f"{kind}_upper"][where]
                change(len(where), where, low, high)
        if offset != m.offset:
            self._highs.changeObjectiveOffset(offset)
        if len(costs) or len(rows) or len(columns) or offset != m.offset:
            copies: dict[str, Any] = {name: values.copy() for name, values in wanted.items()}
            self.matrix = replace(m, offset=offset, **copies)
        return bool(len(costs)), bool(len(rows) or len(columns))

    def has_basis(self) -> bool:
        """Return whether the last run left a basis."""
        return not self._abandoned and bool(self._highs.getBasis().valid)

    def forget(self) -> None:
        """Forget the last run and the options that went with it."""
        self._highs.clearSolver()
        self.set_options({"solver": "choose", "simplex_strategy": DUAL})
        self.set_options(self.profile.options)
