"""Which limits stand in each other's way, where, when and by how much.

Elastic relaxation: every soft limit may be missed at a price relative to its size, and the cheapest
way to meet all the others is sought (Chinneck, Feasibility and Infeasibility in Optimization, 2008,
doi:10.1007/978-0-387-74932-7, chapter 6). What is missed there is what must give way.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import numpy as np

from microgrid_opt.solve.matrix import block_of
from microgrid_opt.solve.profiles import LARGE, LARGE_NONZEROS, Profile, load_profile
from microgrid_opt.solve.session import Session
from microgrid_opt.solve.status import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from microgrid_opt.solve.matrix import Block, Matrix
    from microgrid_opt.solve.session import Side

    Bools = npt.NDArray[np.bool_]
    Label = Callable[[Block, object], str]

SMALLEST = 1e-6
"""Misses below this, relative to 1 + |limit|, are the solver's tolerance and not a conflict."""

_ELASTIC = Profile(
    name="explain",
    solver="highs",
    purpose="Elastic relaxation.",
    options={"threads": 1, "parallel": "off", "random_seed": 0, "mip_rel_gap": 0.05},
    accept="feasible",
)


@dataclass(frozen=True)
class Conflict:
    """A limit that must give way.

    Parameters
    ----------
    name
        The row (or column) container, for instance ``park.carbon.cap``.
    key
        Index in it, a step for instance; None for a container without index.
    side
        Which side of the limit is missed.
    limit
        The limit as it stands, in the row's unit; the upper one where both sides take part.
    amount
        By how much it must give way; 0 where only membership in the conflict is known.
    label
        The row for people: from the caller's hook, else its name.
    proven
        Whether no smaller amounts would do; False when the search was cut short.
    """

    name: str
    key: object
    side: Side
    limit: float
    amount: float
    label: str
    proven: bool = True


def explain(
    matrix: Matrix,
    *,
    soft_rows: Sequence[str] = (),
    label: Label | None = None,
    time_limit: float = 60.0,
) -> list[Conflict]:
    """Return a small set of limits that, loosened by the amounts given, make the model feasible.

    Parameters
    ----------
    matrix
        The infeasible model.
    soft_rows
        Names or patterns (``*.carbon.*``) of the row containers to blame first: caps and targets.
        When loosening them does not help, any row may be blamed.
    label
        Gives a row's text for people from its container and index.
    time_limit
        Seconds for each of the up to four models solved.

    Returns
    -------
    list of Conflict
        The largest relative miss first; empty when the model is feasible after all, or when no
        answer was found in time.
    """
    soft = np.zeros(matrix.row_count, bool)
    for block in matrix.rows:
        if block.name in soft_rows or any(fnmatchcase(block.name, p) for p in soft_rows):
            soft[block.slice] = True
    everything = np.ones(matrix.row_count, bool)
    relaxed = replace(matrix, integrality=np.zeros_like(matrix.integrality))
    for model in (relaxed, matrix) if matrix.is_mip else (relaxed,):
        for rows in (soft, everything):
            if not rows.any():
                continue
            found = _elastic(model, rows, label, time_limit)
            if found:
                return found
            if found is not None:
                break
    return []


def _elastic(
    matrix: Matrix,
    soft: Bools,
    label: Label | None,
    time_limit: float,
) -> list[Conflict] | None:
    """Return the conflicts of one elastic model; None when it has no plan either."""
    model, rows, sides = _with_slacks(matrix, soft)
    large = not model.is_mip and model.nonzero_count >= LARGE_NONZEROS
    with Session(model, load_profile(LARGE) if large else _ELASTIC) as session:
        outcome = session.run(time_limit=time_limit)
    if outcome.solution is None:
        return None
    slack = outcome.solution.values[matrix.column_count :]
    limits = np.where(sides > 0, matrix.row_lower[rows], matrix.row_upper[rows])
    relative = slack / (1.0 + np.abs(limits))
    order = np.argsort(-relative, kind="stable")
    return [
        _conflict(
            matrix.rows,
            int(rows[i]),
            "lower" if sides[i] > 0 else "upper",
            float(limits[i]),
            amount=float(slack[i]),
            label=label,
            proven=outcome.status is Status.OPTIMAL,
        )
        for i in order.tolist()
        if relative[i] > SMALLEST
    ]


def _with_slacks(
    matrix: Matrix, soft: Bools
) -> tuple[Matrix, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Add a priced slack to each finite side of the soft rows; all other costs are dropped."""
    low = np.flatnonzero(soft & np.isfinite(matrix.row_lower))
    high = np.flatnonzero(soft & np.isfinite(matrix.row_upper))
    rows = np.concatenate([low, high])
    sides = np.concatenate([np.ones(len(low), np.int64), -np.ones(len(high), np.int64)])
    count, width = len(rows), matrix.column_count
    owner = np.concatenate([matrix.entry_row, rows])
    order = np.argsort(owner, kind="stable")
    index = np.concatenate([matrix.index, width + np.arange(count)])[order]
    value = np.concatenate([matrix.value, sides.astype(float)])[order]
    start = np.zeros(matrix.row_count + 1, np.int32)
    np.cumsum(np.bincount(owner, minlength=matrix.row_count), out=start[1:])
    limits = np.concatenate([matrix.row_lower[low], matrix.row_upper[high]])
    price = 1.0 / (1.0 + np.abs(limits))
    model = replace(
        matrix,
        cost=np.concatenate([np.zeros(width), price]),
        offset=0.0,
        maximize=False,
        start=start,
        index=index.astype(np.int32),
        value=value,
        col_lower=np.concatenate([matrix.col_lower, np.zeros(count)]),
        col_upper=np.concatenate([matrix.col_upper, np.full(count, np.inf)]),
        integrality=np.concatenate([matrix.integrality, np.zeros(count, np.uint8)]),
    )
    return model, rows, sides


def irreducible(matrix: Matrix, *, time_limit: float = 60.0) -> list[Conflict]:
    """Return rows and column bounds that cannot hold together, none of which can be left out.

    HiGHS finds them (``getIis``) in the linear relaxation. Amounts are 0: it is only known who takes
    part. Empty when the relaxation is feasible or time runs out.
    """
    relaxed = replace(matrix, integrality=np.zeros_like(matrix.integrality))
    options = {**_ELASTIC.options, "iis_time_limit": time_limit}
    with Session(relaxed, _ELASTIC.model_copy(update={"options": options})) as session:
        if session.run(time_limit=time_limit).status is not Status.INFEASIBLE:
            return []
        rows, columns = session.irreducible()
    sides = (
        (matrix.rows, rows, (matrix.row_lower, matrix.row_upper)),
        (matrix.columns, columns, (matrix.col_lower, matrix.col_upper)),
    )
    return [
        _conflict(blocks, number, side, float(limits[side != "lower"][number]))
        for blocks, members, limits in sides
        for number, side in members
    ]


def _conflict(
    blocks: tuple[Block, ...],
    number: int,
    side: Side,
    limit: float,
    *,
    amount: float = 0.0,
    label: Label | None = None,
    proven: bool = True,
) -> Conflict:
    block = block_of(blocks, number)
    key = None if block.keys is None else block.keys[number - block.start]
    text = block.label(number - block.start) if label is None else label(block, key)
    return Conflict(block.name, key, side, limit, amount, text, proven)
