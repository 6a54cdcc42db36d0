r"""What a coarser level proved, proved again on finer steps without a solve.

A cut holds for any duals of a piece's rows (weak duality; `microgrid_opt.solve.piece`), and a block's
rows have their like in each of its steps. With $h$ for the length of a step, $H$ for that of its block
and $y$ for the dual of the block's row, a step's row takes

- $y\,h/H$ where flows are in it (balances, limits of what a unit can do, peaks): the block's costs and
  demands are those of all its steps together;
- $y$ where a store is handed from step to step: what a unit of content is worth;
- $y$ in the last step and nothing before, where contents are alone (what a store can hold): the block's
  content is that of its end.

Where prices are the same in all steps of a block and stores lose nothing within it, what these duals
prove is what the coarse ones did; where they are not, it is less, and holds as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from microgrid_opt.solve.aggregate import stores_of
from microgrid_opt.solve.days import Days
from microgrid_opt.solve.levels import LED, lead, prices, shares_alike

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from microgrid_opt.solve.bundle import Bundle
    from microgrid_opt.solve.cuts import Cuts
    from microgrid_opt.solve.levels import Level
    from microgrid_opt.solve.matrix import Block

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

NONE = -1
LOST = 0.02
"""Share of a coarse bound up to which it is as good as proved on finer steps."""


class Handed:
    """How rows of a finer level take their duals from those of a coarser one.

    Parameters
    ----------
    start, level
        The coarser and the finer one.

    Attributes
    ----------
    source, part
        Of each finer row, the coarser one or `NONE`, and what part of its dual it takes, shape (rows,).
    """

    def __init__(self, start: Level, level: Level) -> None:
        matrix, horizon = level.matrix, level.horizon
        block = np.searchsorted(start.starts, level.starts, side="right") - 1
        hours = np.asarray(horizon.step_hours) / np.asarray(start.horizon.step_hours)[block]
        last = np.append(block[1:] != block[:-1], True).astype(float)
        hands, flows = _kinds(Days(matrix, horizon))
        self.source = np.full(matrix.row_count, NONE, dtype=np.int64)
        self.part = np.ones(matrix.row_count)
        for rows in matrix.rows:
            other = start.matrix.row_blocks.get(rows.name)
            if other is None:
                continue
            mine, theirs = _steps(rows, len(block)), _steps(other, len(start.starts))
            if mine is None or theirs is None or np.array_equal(mine, theirs):
                if rows.count == other.count:
                    self.source[rows.slice] = other.start + np.arange(rows.count)
                continue
            number = np.full(len(start.starts), NONE, dtype=np.int64)
            number[theirs] = other.start + np.arange(other.count)
            self.source[rows.slice] = number[block[mine]]
            if not hands[rows.slice].any():
                self.part[rows.slice] = (hours if flows[rows.slice].any() else last)[mine]
        self.part[self.source == NONE] = 0.0

    def duals(self, duals: Floats) -> Floats:
        """Return duals of the finer level's rows from those of the coarser one's."""
        return np.asarray(duals[self.source] * self.part)


def _kinds(days: Days) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which rows hand a store from step to step, and which have flows in them."""
    matrix = days.matrix
    row, step = matrix.entry_row, days.step[matrix.index]
    content = (step >= 0) & np.isin(days.column_family[matrix.index], stores_of(days).families)
    hands = np.bincount(row, content & (step != days.home[row]), matrix.row_count) > 0
    flows = np.bincount(row, (step >= 0) & ~content, matrix.row_count) > 0
    return hands, flows


def _steps(rows: Block, count: int) -> Ints | None:
    """Return the step of each row of a family, ``None`` where it is not indexed by so many steps."""
    keys = rows.keys
    if keys is None or not set(map(type, keys)) <= {int}:
        return None
    found = np.array(keys, dtype=np.int64)
    return found if ((found >= 0) & (found < count)).all() else None


def led(start: Level, level: Level, bundle: Bundle, piece: Ints) -> list[Floats] | None:
    """Prove a coarser level's cuts on a finer one; where much of them is lost, let them lead as they are.

    Returns prices at which pieces may choose what is shared; ``None`` where there are none, or nearly all
    is proved without.

    Parameters
    ----------
    piece
        Of each of the finest steps, shape (n,).
    """
    if hand_on(start, level, bundle):
        lost = start.bound - bundle.cuts.bound()
        if lost <= LOST * abs(start.bound):
            return None
    lead(bundle, start.bundle)
    return prices(bundle, start, piece)


def hand_on(start: Level, level: Level, bundle: Bundle) -> bool:
    """Add to a finer level's cuts what a coarser level's bound and last cuts prove there.

    Returns whether both share the same, so that there is something to add.
    """
    coarse = start.bundle
    if coarse is None or start.duals is None or not shares_alike(bundle, coarse):
        return False
    handed = Handed(start, level)
    duals = handed.duals(start.duals)
    spread = duals[bundle.pieces.spread]
    bundle.prove(
        (number, np.concatenate([duals[layout.rows], spread[layout.spread]]))
        for number, layout in enumerate(bundle.cuts.layouts)
    )
    for some in _rounds(coarse.cuts):
        known = np.zeros(start.matrix.row_count)
        for number, at in some:
            known[coarse.cuts.layouts[number].rows] = coarse.cuts.cuts[at].duals
        duals = handed.duals(known)
        bundle.prove(
            (number, _of_piece(bundle, number, duals, coarse.cuts, at)) for number, at in some
        )
    return True


def _rounds(cuts: Cuts) -> Iterator[list[tuple[int, int]]]:
    """Yield the last cuts, one of each piece at a time: the piece's number and the cut's."""
    if not cuts.cuts or not len(cuts.cuts[-1].duals):
        return  # What proved them is forgotten.
    owner = np.array(cuts.owner)
    of = [np.flatnonzero(owner == number)[::-1][:LED] for number in range(cuts.pieces.count)]
    for back in range(LED):
        yield [(number, int(one[back])) for number, one in enumerate(of) if len(one) > back]


def _of_piece(bundle: Bundle, number: int, duals: Floats, cuts: Cuts, at: int) -> Floats:
    """Return duals of a piece's rows, and of its shares as a coarser cut has them."""
    layout, shared = bundle.cuts.layouts[number], len(cuts.layouts[number].shared)
    return np.concatenate([duals[layout.rows], cuts.cuts[at].slopes[shared:]])
