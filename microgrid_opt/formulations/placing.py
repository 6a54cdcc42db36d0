"""From relaxed starts to whole ones: runs of fixed length, so many a day, so many at once.

Each day takes its best steps by their relaxed values as long as there is room, or else its earliest.
The result keeps the rules of a batch process, and says nothing about cost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Steps = NDArray[np.int64]

HALF = 0.5


def placed(
    wanted: Floats,
    day: Steps,
    counts: Floats,
    covered: Sequence[Steps],
    most: int,
    *,
    exact: bool,
) -> Floats | None:
    """Return whole starts, shape (n,), or ``None`` where a day's number has no room.

    Parameters
    ----------
    wanted
        Relaxed starts, shape (n,).
    day
        Day to which a start in each step belongs, -1 where none is allowed, shape (n,).
    counts
        Starts of each day, shape (days,).
    covered
        Steps in which a run that starts in each step goes on.
    most
        Runs at once.
    exact
        Whether each day has its count; otherwise at most that.
    """
    starts, busy = np.zeros(len(day)), np.zeros(len(day))
    for number, count in enumerate(counts):
        steps = np.flatnonzero(day == number)
        asked = count if exact else min(count, np.floor(wanted[steps].sum() + HALF))
        best = steps[np.argsort(-wanted[steps], kind="stable")]
        for order in (best, steps):
            found = _fill(order, asked, busy, covered, most)
            if len(found) >= asked:
                break
        if exact and len(found) < asked:
            return None
        for step in found:
            starts[step] += 1.0
            busy[covered[step]] += 1.0
    return starts


def _fill(
    order: Steps, asked: float, busy: Floats, covered: Sequence[Steps], most: int
) -> list[int]:
    """Return the steps in which up to ``asked`` runs start, taken in order while there is room."""
    used, found = busy.copy(), list[int]()
    for step in order.tolist():
        while len(found) < asked and (used[covered[step]] < most - HALF).all():
            used[covered[step]] += 1.0
            found.append(step)
    return found
