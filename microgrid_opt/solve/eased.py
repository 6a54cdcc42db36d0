r"""A model without the whole numbers of its steps, and with whole numbers held.

With $x$ for what is kept and $u \in [l, h]$ for the whole numbers, every point of $L \le a^\top x
+ g^\top u \le U$ keeps $L - \max_u g^\top u \le a^\top x \le U - \min_u g^\top u$: a relaxation, and
the model itself where $u$ is held ($l = h$).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from microgrid_opt.solve import highs, levels, progressive
from microgrid_opt.solve.coarse import Coarser
from microgrid_opt.solve.ladder import strengthened
from microgrid_opt.solve.levels import Level
from microgrid_opt.solve.pieces import edges
from microgrid_opt.solve.status import Status
from microgrid_opt.solve.tight import loosened

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from numpy.typing import NDArray

    from microgrid_opt.horizon import Horizon
    from microgrid_opt.solve.ladder import Ladder
    from microgrid_opt.solve.matrix import Matrix
    from microgrid_opt.solve.profiles import Profile
    from microgrid_opt.solve.status import Outcome, Progress

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]
    Ints = NDArray[np.int64]

PIECE_ROWS = 2800
"""Rows of a piece of a year with states: each border has some to share."""


def of_steps(matrix: Matrix) -> Flags:
    """Return which columns are whole and stand for steps or months, shape (columns,)."""
    found = np.zeros(matrix.column_count, dtype=bool)
    for block in matrix.columns:
        found[block.slice] = block.keys is not None
    return np.asarray(found & (matrix.integrality == 1))


def ease(matrix: Matrix) -> Matrix:
    """Return the model with what whole numbers of steps could add at most in their place.

    Rows and columns keep their numbers; whole numbers without a step become continuous.
    """
    out = of_steps(matrix)[matrix.index]
    value, column, row = matrix.value[out], matrix.index[out], matrix.entry_row[out]
    at_low, at_high = value * matrix.col_lower[column], value * matrix.col_upper[column]
    least = np.bincount(row, np.minimum(at_low, at_high), matrix.row_count)
    most = np.bincount(row, np.maximum(at_low, at_high), matrix.row_count)
    count = np.bincount(matrix.entry_row[~out], minlength=matrix.row_count)
    some = count > 0
    return replace(
        matrix,
        start=np.concatenate([[0], np.cumsum(count)]).astype(np.int32),
        index=matrix.index[~out],
        value=matrix.value[~out],
        row_lower=np.where(some, matrix.row_lower - most, -np.inf),
        row_upper=np.where(some, matrix.row_upper - least, np.inf),
        integrality=np.zeros_like(matrix.integrality),
    )


def held(matrix: Matrix, values: Floats) -> Matrix:
    """Return the model with all whole numbers held at the values next to them."""
    whole = matrix.integrality == 1
    lower, upper = matrix.col_lower.copy(), matrix.col_upper.copy()
    lower[whole] = upper[whole] = np.clip(np.rint(values[whole]), lower[whole], upper[whole])
    return replace(matrix, col_lower=lower, col_upper=upper)


@dataclass(frozen=True, eq=False)
class Year:
    """How linear years are solved: in pieces where that pays, else at once."""

    horizon: Horizon
    coarser: Coarser | None
    profiles: Sequence[Profile]
    threads: int

    def relaxation(
        self,
        matrix: Matrix,
        ladders: Sequence[Ladder],
        deciding: Collection[str],
        gap: float,
        limit: float | None,
        on_progress: Callable[[Progress], None] | None,
    ) -> Outcome:
        """Return the optimum of a tight relaxation (`microgrid_opt.solve.tight`) to a gap.

        Parameters
        ----------
        matrix
            The model, strengthened, with its whole numbers.
        ladders
            With which it was.
        deciding
            Names of the columns that decide.
        """
        free = replace(matrix, integrality=np.zeros_like(matrix.integrality))
        if self.coarser is None or not levels.is_large(matrix):
            return self.at_once(free, limit, on_progress)
        piece = edges(matrix, self.horizon, PIECE_ROWS)
        build = self.coarser.build

        def written(starts: Ints) -> tuple[Horizon, Matrix]:
            horizon, coarse = build(starts)
            return horizon, loosened(
                strengthened(coarse, ladders), horizon, piece[starts], deciding
            )

        loose = loosened(matrix, self.horizon, piece, deciding)
        coarser = Coarser(self.coarser.periods, written)
        return self._searched(loose, free, piece, coarser, None, gap, limit, on_progress)

    def solve(
        self,
        matrix: Matrix,
        start: Level,
        gap: float,
        limit: float | None,
        on_progress: Callable[[Progress], None] | None,
    ) -> Outcome:
        """Return the optimum of a linear model to a gap, from a start."""
        piece = levels.pieces_of(matrix, self.horizon)
        if piece is None or self.coarser is None:
            return self.at_once(matrix, limit, on_progress)
        return self._searched(matrix, matrix, piece, self.coarser, start, gap, limit, on_progress)

    def _searched(
        self,
        matrix: Matrix,
        whole: Matrix,
        piece: Ints,
        coarser: Coarser,
        start: Level | None,
        gap: float,
        limit: float | None,
        on_progress: Callable[[Progress], None] | None,
    ) -> Outcome:
        """Search a model in pieces; where they give up, solve the ``whole`` at once."""
        spent = 0.0
        if levels.is_worth_it(matrix, self.horizon, piece):
            climb = progressive.Climb(
                piece, coarser, self.profiles, limit, on_progress, self.threads
            )
            fine = Level(np.arange(len(self.horizon)), self.horizon, matrix)
            found, _ = climb.run(fine, gap, start)
            if found.solution is not None or found.status is Status.INTERRUPTED:
                return found
            spent = found.seconds
        left = None if limit is None else max(limit - spent, 0.1)
        return self.at_once(whole, left, on_progress)

    def at_once(
        self,
        matrix: Matrix,
        limit: float | None,
        on_progress: Callable[[Progress], None] | None,
    ) -> Outcome:
        """Return the optimum of a linear model, as it is."""
        tried = highs.attempts(matrix, self.profiles, time_limit=limit, on_progress=on_progress)
        return tried[-1]


def eased(coarser: Coarser) -> Coarser:
    """Return how the eased model is written on coarser steps."""

    def build(starts: Ints) -> tuple[Horizon, Matrix]:
        horizon, matrix = coarser.build(starts)
        return horizon, ease(matrix)

    return Coarser(coarser.periods, build)
