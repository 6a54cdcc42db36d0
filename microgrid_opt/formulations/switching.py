r"""From relaxed on/off values to states that a unit can follow: rounding that keeps run lengths.

A state $u_t \in \{0, 1\}$ is wanted in every step. Pauses shorter than the least time off are filled,
runs shorter than the least time on are lengthened, and this is repeated until nothing changes; every
repair only turns steps on, so it ends. What the first and last steps may do is left to the caller's
convention: a run or pause that the horizon cuts counts as long enough, unless it is cyclic.

A committed unit is wanted where its relaxed load is at least half the least load. Where it may stand by,
it does so in the steps that the repair added. Too many starts are taken back by filling the shortest
pauses. The result follows the rules of `microgrid_opt.formulations.commitment`, and says nothing about
cost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from microgrid_opt.formulations.starts import SAME_HOURS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from microgrid_opt.builder import Builder
    from microgrid_opt.formulations.commitment import Commitment, States
    from microgrid_opt.formulations.converter import Ratio

    Floats = NDArray[np.float64]

HALF = 0.5
LEAST_LOAD = 1e-3
"""Share of the size from which a unit without least load is wanted [-]; interior-point solutions have
less than that where a unit is off."""


def write_rounding(
    b: Builder, rules: Commitment, flow: Any, size: Any, per_size: Ratio, states: States
) -> None:
    """Tell how the states of a committed unit follow from its relaxed load.

    Runs that must end within the horizon are left to branch and bound.
    """
    if rules.complete_runs:
        return
    horizon, standby = b.horizon, states.standby
    before = {"off": False, "on": True}.get(rules.before)

    def states_of(relaxed: Mapping[str, Floats]) -> Mapping[str, Floats]:
        full = np.broadcast_to(relaxed["size"] * per_size, len(horizon))
        least = HALF * max(rules.min_load_fraction, LEAST_LOAD) * full
        wanted = (relaxed["flow"] >= least) & (full > 0.0)
        energised = followable(
            wanted,
            horizon.step_hours,
            rules.min_up_hours,
            rules.min_down_hours,
            cyclic=rules.is_cyclic,
            before=before,
        )
        if not rules.is_cyclic:
            energised = _with_fewer_starts(energised, rules, horizon.day, b, before)
        on = energised if standby is None else wanted & energised
        known = {"free": energised[0], "cyclic": energised[-1]}.get(rules.before, before)
        change = np.diff(energised.astype(float), prepend=float(bool(known)))
        found = {"on": on, "starts": change > 0.0, "stops": change < 0.0}
        if standby is not None:
            found["standby"] = energised & ~on
        return {name: np.asarray(state, dtype=float) for name, state in found.items()}

    series = {"on": states.on, "starts": states.starts, "stops": states.stops}
    if standby is not None:
        series["standby"] = standby
    # Least times keep a start and a stop from one step: their difference tells both.
    b.round_by(states_of, follows=("starts", "stops"), flow=flow, size=size, **series)


def _with_fewer_starts(
    energised: NDArray[np.bool_],
    rules: Commitment,
    day: NDArray[np.int64],
    b: Builder,
    before: bool | None,
) -> NDArray[np.bool_]:
    """Return states with the shortest pauses filled until no day and no year has too many starts.

    A limit that no filling can keep is left to the solver.
    """
    on = energised.copy()
    daily, yearly = rules.max_starts_per_day, rules.max_starts_per_year
    weight, hours = b.horizon.weight, b.horizon.step_hours
    while True:
        edges = np.flatnonzero(on & ~np.concatenate([[bool(before)], on[:-1]]))
        starts = edges if before is not None else edges[edges > 0]
        today = np.bincount(day[starts], minlength=int(day[-1]) + 1)
        over = np.zeros(len(starts), bool)
        if daily is not None:
            over |= today[day[starts]] > daily
        if yearly is not None:
            over |= float(weight[starts].sum()) > yearly * b.horizon.year_share
        if not over.any():
            return on
        pauses = [_pause_before(on, int(start)) for start in starts[over]]
        pauses = [steps for steps in pauses if not on[steps].any()]
        if not pauses:
            return on
        on[min(pauses, key=lambda steps: float(hours[steps].sum()))] = True


def _pause_before(on: NDArray[np.bool_], start: int) -> NDArray[np.int64]:
    """Return the steps off that end where a run starts; the first step itself if it starts there."""
    earlier = np.flatnonzero(on[:start])
    return np.arange(int(earlier[-1]) + 1 if earlier.size else 0, max(start, 1))


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
