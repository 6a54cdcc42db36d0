"""k-medoids against all choices there are."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid_opt.solve.medoids import medoids

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def apart(points: Floats) -> Floats:
    return np.asarray(np.linalg.norm(points[:, None] - points[None], axis=2))


def total(distance: Floats, chosen: list[int]) -> float:
    return float(distance[:, chosen].min(axis=1).sum())


def test_three_heaps_have_their_middles() -> None:
    """Proves: by hand: heaps {0, 1, 2}, {10, 11, 13}, {30} on a line have middles 1, 11 and 30.

    Sensitivity: BUILD alone begins at 10, the middle of all, and keeps it: a sum of 6 in place of 5.
    """
    distance = apart(np.array([[0.0], [1], [2], [10], [11], [13], [30]]))
    assert medoids(distance, 3).tolist() == [1, 1, 1, 4, 4, 4, 6]


@settings(max_examples=60, deadline=None, database=None)
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(1, 8), wide=st.integers(1, 3))
def test_no_swap_makes_it_better_and_one_medoid_is_the_best(
    seed: int, count: int, wide: int
) -> None:
    """Proves: what ends is a local optimum of swaps, every member at its nearest medoid.

    One medoid, and all but one, are the best of all choices (brute force): there every choice is one
    swap away. Sensitivity: a wrong change of a swap ends too early, or not at all.
    """
    distance = apart(np.random.default_rng(seed).normal(size=(8, wide)))
    found = medoids(distance, count)
    chosen = sorted(set(found.tolist()))
    assert len(chosen) == count
    assert (found[chosen] == chosen).all()
    assert distance[np.arange(8), found] == pytest.approx(distance[:, chosen].min(axis=1))
    mine = total(distance, chosen)
    others = [one for one in range(8) if one not in chosen]
    for leaver in chosen:
        for newcomer in others:
            swapped = [one for one in chosen if one != leaver] + [newcomer]
            assert mine <= total(distance, swapped) + 1e-9
    best = min(total(distance, list(some)) for some in combinations(range(8), count))
    if count in {1, 7, 8}:
        assert mine == pytest.approx(best)
    assert mine <= 1.5 * best + 1e-12


@pytest.mark.parametrize("count", [0, 4])
def test_no_such_number(count: int) -> None:
    with pytest.raises(ValueError, match=f"{count} medoids of 3 members"):
        medoids(np.zeros((3, 3)), count)
