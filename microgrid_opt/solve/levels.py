"""What the levels of a search from coarse to fine hand to one another, and what it ends with."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from microgrid_opt.solve.bases import UNKNOWN, Basis, standing
from microgrid_opt.solve.cuts import sums
from microgrid_opt.solve.layout import layouts, slopes_of
from microgrid_opt.solve.pieces import count_of, cut, edges, steps_of
from microgrid_opt.solve.session import checked_solution
from microgrid_opt.solve.status import Outcome, Progress, Status, relative_gap

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from microgrid_opt.horizon import Horizon
    from microgrid_opt.solve.bundle import Bundle
    from microgrid_opt.solve.found import Found
    from microgrid_opt.solve.matrix import Block, Matrix
    from microgrid_opt.solve.pieces import Pieces

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

T = TypeVar("T", np.float64, np.int8)

EXACT = 1e-9
"""Gap of a plan that is called optimal where no gap is asked for."""
LEAST_NONZEROS = 110_000
"""Size from which it beats one run: 118,000 took 5 s in place of 14 s by simplex, 105,000 1.1 for 0.8 s."""
ROWS = 2000
"""Rows of a good piece: simplex time grows faster than the rows, and each piece has a price."""
FEW_NONZEROS, FEW = 200_000, 12
"""Size up to which fewer, larger pieces are better, as many as months: what a piece costs beside its
simplex steps is most there. 171,000 to 182,000 took a quarter to a third less time than in 36 pieces,
332,000 a third more than in 47."""
MANY = 60
"""Pieces of a good search at most, as the model of their cuts grows with them: two thirds of 103 s for 155
pieces of 315,000 rows, 3 of 34 s for these."""
LEAST_PIECES = 6
MOST_SHARED = 3000
"""Shared columns and shares up to which their model stays small beside the pieces."""
DEARER = 4.0
"""A miss costs this many times what the coarse level pays for one unit more."""
LED = 10
"""Rounds of a coarse level whose cuts lead the next one."""


@dataclass(frozen=True, eq=False)
class Level:
    """A model on some steps, with the plan and prices found for it.

    Parameters
    ----------
    starts
        First step of each block, of the finest steps.
    horizon, matrix
        The level's.
    values, duals
        Of its columns and rows, once known.
    bound
        What its search proved.
    bundle
        What searched it; ``None`` where it was solved at once.
    known
        Statuses for pieces to start at where nothing searched it; those that the plan suggests if left out.
    """

    starts: Ints
    horizon: Horizon
    matrix: Matrix
    values: Floats | None = None
    duals: Floats | None = None
    bound: float = -np.inf
    bundle: Bundle | None = None
    known: Basis | None = None


def pieces_of(matrix: Matrix, horizon: Horizon, *, forced: bool = False) -> Ints | None:
    """Return the piece of every step, or ``None`` where this is no way to solve the model.

    Where it is ``forced``, small models are cut as well.
    """
    if matrix.is_mip or not (is_large(matrix) or forced):
        return None
    rows = max(ROWS, matrix.row_count // (FEW if has_few_pieces(matrix) else MANY))
    if forced:
        rows = min(rows, max(matrix.row_count // LEAST_PIECES, 1))
    piece = edges(matrix, horizon, rows)
    return piece if is_worth_it(matrix, horizon, piece, forced=forced) else None


def is_large(matrix: Matrix) -> bool:
    """Return whether a model is large enough to be cut."""
    return matrix.nonzero_count >= LEAST_NONZEROS


def has_few_pieces(matrix: Matrix) -> bool:
    """Return whether a model is cut into few pieces, each with many rows."""
    return matrix.nonzero_count <= FEW_NONZEROS


def is_worth_it(matrix: Matrix, horizon: Horizon, piece: Ints, *, forced: bool = False) -> bool:
    """Return whether there are pieces enough, and little enough that they share."""
    if count_of(matrix, piece) < (2 if forced else LEAST_PIECES):
        return False
    pieces = cut(matrix, horizon, piece)
    return len(pieces.shared) + pieces.shares(matrix) <= MOST_SHARED


def told(
    name: str, matrix: Matrix, begun: float, on_progress: Callable[[Progress], None] | None
) -> Callable[[int, float, float], None]:
    """Return what tells a listener of every round of a search that began at ``begun``."""

    def tell(number: int, objective: float, bound: float) -> None:
        if on_progress is None:
            return
        held = bool(np.isfinite(objective))
        on_progress(
            Progress(
                name,
                time.perf_counter() - begun,
                number,
                matrix.sign * objective if held else None,
                matrix.sign * bound if np.isfinite(bound) else None,
                relative_gap(objective, bound) if held else None,
            )
        )

    return tell


def ended(
    matrix: Matrix, found: Found, gap: float, seconds: float, limit: float | None, solver: str
) -> Outcome:
    """Return a search's plan as a solver would, with the dual values that prove the bound.

    Parameters
    ----------
    gap
        At which it may be called optimal.
    seconds, limit
        Wall time that it took and that it had [s].
    solver
        Name and version.
    """
    assert found.values is not None
    assert found.duals is not None
    reduced = matrix.cost - matrix.transposed_times(found.duals)
    solution, message = checked_solution(
        matrix,
        found.values,
        matrix.sign * found.duals,
        matrix.sign * reduced,
        vertex=found.gap <= EXACT,
    )
    status = Status.OPTIMAL
    if solution is None:
        status = Status.UNKNOWN
    elif found.failed == "interrupted":
        status = Status.INTERRUPTED
    elif found.gap > gap:
        is_late = limit is not None and seconds >= limit
        status = Status.TIME_LIMIT if is_late else Status.UNKNOWN
    objective = None if solution is None else matrix.objective(solution.values)
    bound = min(found.bound, found.objective)
    return Outcome(
        status=status,
        solution=solution,
        objective=objective,
        bound=matrix.sign * bound,
        seconds=seconds,
        iterations=found.iterations,
        message=message or found.failed,
        solver=solver,
    )


def expanded(coarse: Level, fine: Level, values: Floats | None) -> Floats:
    """Return values of a coarse level's columns for a finer one's: each step takes its block's."""
    assert values is not None
    return _spread_out(coarse, fine, values, coarse.matrix.columns, fine.matrix.columns)


def carry(start: Level, level: Level, bundle: Bundle) -> None:
    """Let the pieces of a level start at the bases of a coarser one's, or where its plan stands.

    Each step takes the status that its block had. That need not be a basis: HiGHS makes one of it.
    """
    known = _statuses(start)
    column = _spread_out(
        start, level, known.columns, start.matrix.columns, level.matrix.columns, UNKNOWN
    )
    row = _spread_out(start, level, known.rows, start.matrix.rows, level.matrix.rows, UNKNOWN)
    for model in bundle.models:
        model.start_at(Basis(column[model.layout.own], row[model.layout.rows]))


def _statuses(level: Level) -> Basis:
    """Return the last statuses of what is no size, as far as they are known."""
    matrix = level.matrix
    if level.bundle is None or not level.bundle.models:
        if level.known is not None:
            return level.known
        assert level.values is not None
        return standing(matrix, level.values, steps_of(matrix, level.horizon) >= 0)
    column = np.full(matrix.column_count, UNKNOWN, dtype=np.int8)
    row = np.full(matrix.row_count, UNKNOWN, dtype=np.int8)
    for model in level.bundle.models:
        known = model.statuses()
        column[model.layout.own], row[model.layout.rows] = known.columns, known.rows
    return Basis(column, row)


def _spread_out(
    coarse: Level,
    fine: Level,
    values: NDArray[T],
    of: Sequence[Block],
    to: Sequence[Block],
    unknown: int = 0,
) -> NDArray[T]:
    """Return what each block of a fine level has from the block of that name of a coarse one."""
    place = np.searchsorted(coarse.starts, fine.starts, side="right") - 1
    found = np.full(sum(one.count for one in to), unknown, dtype=values.dtype)
    known = {one.name: one for one in of}
    for one in to:
        other = known.get(one.name)
        if other is None:
            continue
        mine = values[other.slice]
        if one.keys is not None and one.count == len(fine.starts):
            if other.count == len(coarse.starts):
                found[one.slice] = mine[place]
        elif other.count == one.count:
            found[one.slice] = mine
    return found


def penalties(level: Level, start: Level, pieces: Pieces) -> Floats:
    """Return what a miss of each column and spread row costs, from the prices of a coarser level.

    One unit of a column is worth at most what its rows pay for it; columns of one family (a store at
    all midnights) share the largest.
    """
    coarse, fine = start.matrix, level.matrix
    assert start.duals is not None
    credit = np.abs(coarse.value * start.duals[coarse.entry_row])
    value = sums(coarse.index, credit, coarse.column_count) + np.abs(coarse.cost)
    for family in coarse.columns:
        if family.count:
            value[family.slice] = value[family.slice].max()
    prices = expanded(start, level, value)
    moved = np.abs(fine.value * expanded(start, level, start.values)[fine.index])
    moved = sums(fine.entry_row, moved, fine.row_count)
    least = 1e-3 * float(np.median(prices[prices > 0.0])) if (prices > 0.0).any() else 1.0
    total = abs(float(coarse.cost @ (start.values if start.values is not None else 0.0)))
    spread = worth(level, start, pieces)
    for number, row in enumerate(pieces.spread):
        limits = np.abs([fine.row_lower[row], fine.row_upper[row]])
        limit = float(limits[np.isfinite(limits)].max(initial=0.5 * moved[row]))
        spread[number] = max(spread[number], total / max(limit, 1.0))
    return DEARER * np.concatenate([np.maximum(prices, least), spread])


def worth(level: Level, start: Level, pieces: Pieces) -> Floats:
    """Return what a coarser level pays for a unit of each spread row, shape (spread rows,)."""
    assert start.duals is not None
    paid = np.zeros(len(pieces.spread))
    for number, row in enumerate(pieces.spread):
        family = level.matrix.row_name(int(row)).partition("[")[0]
        block = start.matrix.row_blocks.get(family)
        if block is not None:
            paid[number] = np.abs(start.duals[block.slice]).max(initial=0.0)
    return paid


def prices(bundle: Bundle, start: Level, piece: Ints) -> list[Floats] | None:
    """Return what a coarser level prices the parameters of every piece at, where it shares the same.

    Parameters
    ----------
    piece
        Of each of the finest steps, shape (n,).
    """
    matrix, searched = start.matrix, start.bundle
    if searched is not None and searched.models:
        pieces, parts = searched.pieces, [model.layout for model in searched.models]
    else:
        pieces = cut(matrix, start.horizon, piece[start.starts])
        parts = layouts(matrix, pieces)
    names = [_families(matrix, layout.shared) for layout in parts]
    mine = [_families(bundle.matrix, model.layout.shared) for model in bundle.models]
    spread = [layout.spread.tolist() for layout in parts]
    same = names == mine and spread == [one.layout.spread.tolist() for one in bundle.models]
    if not same or start.duals is None:
        return None
    return [slopes_of(pieces, layout, start.duals) for layout in parts]


def _families(matrix: Matrix, columns: Ints) -> list[str]:
    return [matrix.column_name(int(column)).partition("[")[0] for column in columns]


def lead(bundle: Bundle, coarse: Bundle | None) -> None:
    """Let the last cuts of a coarser level lead the first steps where the same things are shared."""
    if coarse is None or not shares_alike(bundle, coarse):
        return
    last = slice(-LED * bundle.pieces.count, None)
    bundle.cuts.guide(list(zip(coarse.cuts.owner[last], coarse.cuts.cuts[last], strict=True)))


def shares_alike(bundle: Bundle, other: Bundle) -> bool:
    """Return whether two bundles share the same, piece by piece, by the names of the families."""
    return _names(bundle) == _names(other)


def _names(bundle: Bundle) -> tuple[object, ...]:
    columns = [bundle.matrix.column_name(int(j)).partition("[")[0] for j in bundle.cuts.shared]
    return (columns, [one.tolist() for one in bundle.cuts.parameters])
