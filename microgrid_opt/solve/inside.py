"""Windows of a plan, each solved with its whole numbers while the rest of the plan stands.

All columns outside a window are held at the plan's values, so that whatever crosses a border (least
times on, stores, ramps), a month's peak or a limit of the year is kept: the rows of a window have
what the rest leaves them. Windows are solved at the same time; of a row that several of them have
columns in, each keeps its present share. What comes out is again a plan, and never a dearer one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from microgrid_opt.solve.matrix import Block, Matrix
from microgrid_opt.solve.pieces import steps_of
from microgrid_opt.solve.priced import EVERYWHERE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from microgrid_opt.horizon import Horizon

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


def models(matrix: Matrix, values: Floats, window: Ints) -> Iterator[tuple[Matrix, Ints]]:
    """Yield the model of every window and its columns' numbers in the whole.

    Parameters
    ----------
    values
        A plan, shape (columns,).
    window
        Number of the window of each column, negative for those that are held, shape (columns,).
    """
    at = window[matrix.index]
    terms = matrix.value * values[matrix.index]
    activity = np.bincount(matrix.entry_row, terms, matrix.row_count)
    count = int(window.max()) + 1
    free = at >= 0
    pairs = np.unique(matrix.entry_row[free] * np.int64(count) + at[free])
    crowded = np.bincount(pairs // count, minlength=matrix.row_count) > 1
    order = np.argsort(at, kind="stable")
    bounds = np.searchsorted(at[order], np.arange(count + 1))
    for number in range(count):
        entries = np.sort(order[bounds[number] : bounds[number + 1]])
        columns = np.flatnonzero(window == number)
        if not len(columns):
            continue
        rows, lengths = np.unique(matrix.entry_row[entries], return_counts=True)
        own = np.bincount(matrix.entry_row[entries], terms[entries], matrix.row_count)[rows]
        low, high = (
            np.where(
                np.isinf(limit[rows]) | ~crowded[rows], limit[rows] - activity[rows] + own, own
            )
            for limit in (matrix.row_lower, matrix.row_upper)
        )
        model = Matrix(
            cost=matrix.cost[columns],
            offset=0.0,
            maximize=False,
            start=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32),
            index=np.searchsorted(columns, matrix.index[entries]).astype(np.int32),
            value=matrix.value[entries],
            # The plan itself stays within, whatever rounding does.
            row_lower=np.minimum(low, own),
            row_upper=np.maximum(high, own),
            col_lower=np.minimum(matrix.col_lower[columns], values[columns]),
            col_upper=np.maximum(matrix.col_upper[columns], values[columns]),
            integrality=matrix.integrality[columns],
            columns=(Block("column", 0, len(columns), range(len(columns))),),
            rows=(Block("row", 0, len(rows), range(len(rows))),),
        )
        yield model, columns


def shifted(matrix: Matrix, horizon: Horizon, window: Ints, shift: int) -> Ints:
    """Return the window of each column; every second time borders lie where middles were.

    Parameters
    ----------
    window
        Number of the window of each column, `EVERYWHERE` without a step, shape (columns,).
    shift
        How often borders were moved.

    Returns
    -------
    Ints
        Shape (columns,).
    """
    if shift % 2 == 0:
        return window
    step = steps_of(matrix, horizon)
    timed = step >= 0
    piece = np.zeros(len(horizon), dtype=np.int64)
    piece[step[timed]] = window[timed]
    count = np.bincount(piece)
    place = np.arange(len(horizon)) - (np.cumsum(count) - count)[piece]
    moved = piece + (2 * place >= count[piece])
    return np.where(timed, moved[step], EVERYWHERE)
