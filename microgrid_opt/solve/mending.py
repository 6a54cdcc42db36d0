"""What pieces miss of what they share, and the point beside one at which they miss less."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from microgrid_opt.solve.bundle import Bundle
    from microgrid_opt.solve.front import Front
    from microgrid_opt.solve.piece import Answer, Piece

    Floats = NDArray[np.float64]

MISSED = 1e-7
"""Miss of a shared value that is no miss: what HiGHS allows a row."""
FIRM = 1e-3
"""Of what is mended: how much rather other coordinates move to keep a limit."""


def of_row(bundle: Bundle, model: Piece, row: int) -> NDArray[np.bool_]:
    """Return which of a piece's shares is of a spread row, shape (shares,)."""
    return np.asarray(bundle.pieces.spread[model.layout.spread] == row)


def counted(bundle: Bundle, answers: Sequence[Answer], front: Front | None) -> list[Floats]:
    """Return what each piece misses of its parameters, but for its share of a front's row."""
    found = [answer.missed for answer in answers]
    if front is not None:
        found = [missed.copy() for missed in found]
        for model, missed in zip(bundle.models, found, strict=True):
            missed[model.common :][of_row(bundle, model, front.row)] = 0.0
    return found


def mended(bundle: Bundle, point: Floats, answers: Sequence[Answer]) -> Floats:
    """Return the point with what pieces miss as those pieces would have it.

    Of several that miss the same, the one that is farthest off decides (a size must do for all). What
    goes with it among shared values moves too: what is billed for a peak, shares of a limit of those with
    much where one has more of it.
    """
    found, away, cuts = point.copy(), np.zeros(len(point)), bundle.cuts
    for model, at, answer in zip(bundle.models, cuts.parameters, answers, strict=True):
        wanted = np.concatenate([model.values[model.own :], model.shares(model.values)])
        off = np.where(answer.missed > MISSED, np.abs(wanted - point[at]), 0.0)
        more = off > away[at]
        found[at[more]], away[at[more]] = wanted[more], off[more]
    if cuts.keeps(found):
        return found
    firm = np.where(away > 0.0, FIRM, 1.0)
    nearest = cuts.nearest(found, firm * np.maximum(np.abs(found), 1e-9))
    return found if nearest is None else nearest
