r"""From relaxed on/off values to states that a unit can follow: rounding that keeps run lengths.

A state $u_t \in \{0, 1\}$ is wanted in every step. Pauses shorter than the least time off are filled,
runs shorter than the least time on are lengthened, and this is repeated until nothing changes; every
repair only turns steps on, so it ends. What the first and last steps may do is left to the caller's
convention: a run or pause that the horizon cuts counts as long enough, unless it is cyclic.

The result follows the rules of `microgrid_opt.formulations.commitment`, and says nothing about cost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAME_HOURS = 1e-9


def followable(
    wanted: NDArray[np.bool_],
    step_hours: NDArray[np.float64],
    min_up_hours: float,
    min_down_hours: float,
    *,
    cyclic: bool = False,
    before: bool | None = None,
) -> NDArray[np.bool_]:
    """Return states with at least the wanted steps on, whose runs and pauses are long enough.

    Parameters
    ----------
    wanted
        Where the unit should be on, shape (n,).
    step_hours
        Lengths of the steps, shape (n,).
    min_up_hours, min_down_hours
        Least length of a run and of a pause [h].
    cyclic
        Whether the last step comes before the first.
    before
        State before the first step, in which the unit has been long enough; ``None`` leaves it open.

    Returns
    -------
    Shape (n,). All steps on where nothing else is long enough.
    """
    on = np.array(wanted, dtype=bool)
    for _ in range(len(on) + 1):
        earlier = on.copy()
        for state, least in ((False, min_down_hours), (True, min_up_hours)):
            for begins, steps in _spans(on, cyclic=cyclic):
                if on[steps[0]] != state or len(steps) == len(on):
                    continue
                starts = begins or (before is not None and before != state)
                ends = cyclic or steps[-1] < len(on) - 1
                short = float(step_hours[steps].sum()) < least - SAME_HOURS
                if starts and ends and short:
                    on[_longer(steps, step_hours, least, cyclic=cyclic) if state else steps] = True
        if (on == earlier).all():
            return on
    return np.ones_like(on)


def _spans(on: NDArray[np.bool_], *, cyclic: bool) -> list[tuple[bool, NDArray[np.int64]]]:
    """Return (whether it begins with a switch inside the horizon, steps) of every run and pause."""
    n = len(on)
    edges = np.flatnonzero(on[1:] != on[:-1]) + 1
    spans = np.split(np.arange(n), edges)
    if cyclic and len(spans) > 1 and on[0] == on[-1]:
        spans = [np.concatenate([spans[-1], spans[0]]), *spans[1:-1]]
    inside = cyclic and len(spans) > 1
    return [(inside or number > 0, steps) for number, steps in enumerate(spans)]


def _longer(
    steps: NDArray[np.int64], hours: NDArray[np.float64], least: float, *, cyclic: bool
) -> NDArray[np.int64]:
    """Return the steps of a run with later and earlier steps in turn until it is long enough."""
    n = len(hours)
    first, last = int(steps[0]), int(steps[-1])
    held, length, later = list(steps.tolist()), float(hours[steps].sum()), True
    while length < least - SAME_HOURS and len(held) < n:
        can_later, can_earlier = cyclic or last < n - 1, cyclic or first > 0
        later = can_later and (later or not can_earlier)
        if not (can_later or can_earlier):
            break
        if later:
            last = (last + 1) % n
            held.append(last)
        else:
            first = (first - 1) % n
            held.append(first)
        length = float(hours[np.unique(held)].sum())
        later = not later
    return np.unique(held)
