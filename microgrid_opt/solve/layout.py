"""Where the entries of a model stand in each of its pieces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from microgrid_opt.solve.matrix import Matrix
    from microgrid_opt.solve.pieces import Pieces

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Layout:
    """Where the entries of a model stand in one piece.

    Parameters
    ----------
    rows, own, shared
        Its rows, its own columns and the shared ones it uses, by their numbers in the model.
    spread
        Positions among the spread rows of those it has entries in.
    start, index, value
        Its rows, then its shares of the spread rows; columns in the order own, shared.
    """

    rows: Ints
    own: Ints
    shared: Ints
    spread: Ints
    start: Ints
    index: Ints
    value: Floats

    @property
    def parameters(self) -> int:
        """Number of shared columns and shares."""
        return len(self.shared) + len(self.spread)


def layouts(matrix: Matrix, pieces: Pieces) -> list[Layout]:
    """Return where the entries of the model stand in every piece."""
    entry, index = matrix.entry_row, matrix.index
    row = pieces.row[entry]
    own = pieces.column[index]
    # Entries of spread rows are the pieces' whose own columns they are of.
    inside = np.where(row >= 0, row, np.where((row == -2) & (own >= 0), own, -1))
    order, bounds = _grouped(inside, pieces.count)
    columns, column_bounds = _grouped(pieces.column, pieces.count)
    rows, row_bounds = _grouped(pieces.row, pieces.count)
    lengths_of = np.diff(matrix.start)
    place = np.full(matrix.column_count, -1, dtype=np.int64)
    found = []
    for piece in range(pieces.count):
        mine = order[bounds[piece] : bounds[piece + 1]]
        spread = pieces.row[entry[mine]] < 0
        plain, shares = mine[~spread], mine[spread]
        kept = rows[row_bounds[piece] : row_bounds[piece + 1]]
        private = columns[column_bounds[piece] : column_bounds[piece + 1]]
        common = np.unique(index[plain][own[plain] < 0]).astype(np.int64)
        place[private] = np.arange(len(private))
        place[common] = len(private) + np.arange(len(common))
        entries = np.concatenate([plain, shares])
        numbers, lengths = np.unique(entry[shares], return_counts=True)
        lengths = np.concatenate([lengths_of[kept], lengths])
        found.append(
            Layout(
                kept,
                private,
                common,
                np.searchsorted(pieces.spread, numbers),
                np.concatenate([[0], np.cumsum(lengths)]),
                place[index[entries]],
                matrix.value[entries],
            )
        )
    return found


def _grouped(piece: Ints, count: int) -> tuple[Ints, Ints]:
    """Return the numbers of all elements piece by piece, and where each piece begins and ends there.

    Parameters
    ----------
    piece
        Of each element, negative for none.
    count
        Number of pieces.
    """
    # Small numbers are sorted in one pass.
    small = piece.astype(np.int16) if count <= np.iinfo(np.int16).max else piece
    order = np.argsort(small, kind="stable")
    return order, np.searchsorted(piece[order], np.arange(count + 1))


def slopes_of(pieces: Pieces, layout: Layout, duals: Floats) -> Floats:
    """Return what row duals of the whole model price a piece's parameters at, shape (parameters,)."""
    own, rows = len(layout.own), len(layout.rows)
    y = np.concatenate([duals[layout.rows], duals[pieces.spread[layout.spread]]])
    last = layout.start[rows]
    entry = np.repeat(np.arange(rows), np.diff(layout.start[: rows + 1]))
    worth = layout.value[:last] * y[entry]
    charged = np.bincount(layout.index[:last], worth, own + len(layout.shared))
    return np.concatenate([-charged[own:], y[rows:]])
