"""Rounded on/off states: they keep run lengths, keep what is wanted, and add no more than needed."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid_opt.formulations.switching import followable

HOURS = st.sampled_from([0.5, 1.0, 2.0])


def runs(on: list[bool], hours: list[float], *, cyclic: bool) -> list[tuple[bool, float, bool]]:
    """Return (state, length, whether both ends are switches inside the horizon), counted by hand."""
    n = len(on)
    if all(on) or not any(on):
        return []
    found = []
    for t in range(n):
        if on[t] == on[t - 1] or (t == 0 and not cyclic):
            continue
        length, k = 0.0, t
        while on[k % n] == on[t] and (cyclic or k < n):
            length += hours[k % n]
            k += 1
        found.append((on[t], length, cyclic or k < n))
    return found


@settings(max_examples=200, deadline=None)
@given(
    steps=st.lists(st.tuples(st.booleans(), HOURS), min_size=1, max_size=14),
    up=st.floats(0, 6),
    down=st.floats(0, 6),
    cyclic=st.booleans(),
)
def test_states_keep_run_lengths_and_what_is_wanted(
    steps: list[tuple[bool, float]], up: float, down: float, cyclic: bool
) -> None:
    wanted, hours = [s for s, _ in steps], [h for _, h in steps]
    on = followable(np.array(wanted), np.array(hours), up, down, cyclic=cyclic).tolist()
    assert all(state or not want for state, want in zip(on, wanted, strict=True))
    for state, length, whole in runs(on, hours, cyclic=cyclic):
        assert not whole or length >= (up if state else down) - 1e-9
    if not any(wanted):
        assert not any(on)


@settings(max_examples=100, deadline=None)
@given(
    wanted=st.lists(st.booleans(), min_size=2, max_size=12),
    up=st.integers(0, 5),
    down=st.integers(0, 5),
    before=st.booleans(),
)
def test_a_known_state_before_the_first_step_counts(
    wanted: list[bool], up: int, down: int, before: bool
) -> None:
    """Proves: a switch in the very first step begins a run that must be long enough too."""
    n = len(wanted)
    on = followable(np.array(wanted), np.ones(n), up, down, before=before).tolist()
    if on[0] != before:
        length = next((t for t in range(n) if on[t] != on[0]), None)
        assert length is None or length >= (up if on[0] else down)


def test_what_is_feasible_stays_and_what_is_short_is_mended() -> None:
    """Proves: by hand: a pause of 1 h is filled, a run of 1 h grows to 3 h, later step first."""
    one = np.array([0, 1, 1, 1, 0, 0, 0, 1, 1, 1], bool)
    assert (followable(one, np.ones(10), 3, 3) == one).all()
    filled = followable(np.array([1, 1, 0, 1, 1], bool), np.ones(5), 2, 2)
    assert filled.tolist() == [True] * 5
    grown = followable(np.array([0, 0, 0, 1, 0, 0, 0], bool), np.ones(7), 3, 1)
    assert grown.tolist() == [False, False, True, True, True, False, False]
