r"""k-medoids: which few members of a set stand best for all of them.

$$ \min_{M,\;|M| = k} \sum_i \min_{m \in M} d_{im} $$

BUILD takes one member after another that lowers the sum most; SWAP then exchanges one medoid for one
other member, the best pair first, until none lowers it (Kaufman and Rousseeuw, 1990, Finding Groups in
Data, chapter 2). What all swaps change is computed at once (FastPAM1: Schubert and Rousseeuw, 2019,
doi:10.1007/978-3-030-32047-8_16). Nothing is random: ties go to the smaller number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

LEAST_GAIN = 1e-12
"""Relative gain that rounding can hide."""


def medoids(distance: Floats, count: int) -> Ints:
    """Return the medoid of every member, shape (n,).

    Parameters
    ----------
    distance
        Between all members, shape (n, n), zero on the diagonal.
    count
        Number of medoids, between 1 and n.

    Raises
    ------
    ValueError
        When ``count`` is not between 1 and n.
    """
    if not 1 <= count <= len(distance):
        raise ValueError(f"{count} medoids of {len(distance)} members")
    chosen = _swapped(distance, _built(distance, count))
    chosen.sort()
    nearest = chosen[np.argmin(distance[:, chosen], axis=1)]
    nearest[chosen] = chosen
    return np.asarray(nearest)


def _built(distance: Floats, count: int) -> Ints:
    """Return a first choice, one member after another."""
    chosen = [int(np.argmin(distance.sum(axis=0)))]
    near = distance[:, chosen[0]].copy()
    while len(chosen) < count:
        gain = np.maximum(near[:, None] - distance, 0.0).sum(axis=0)
        gain[chosen] = -1.0
        chosen.append(int(np.argmax(gain)))
        near = np.minimum(near, distance[:, chosen[-1]])
    return np.array(chosen, dtype=np.int64)


def _swapped(distance: Floats, chosen: Ints) -> Ints:
    """Return the choice after all swaps that lower the sum."""
    n, count = len(distance), len(chosen)
    if count == n:
        return chosen
    everyone = np.arange(n)
    while True:
        to_chosen = distance[:, chosen]
        nearest = np.argmin(to_chosen, axis=1)
        near = to_chosen[everyone, nearest]
        to_chosen[everyone, nearest] = np.inf
        second = to_chosen.min(axis=1)
        # Without its medoid, a member goes to the newcomer or to its second.
        kept = np.minimum(distance - near[:, None], 0.0)
        lost = np.minimum(distance, second[:, None]) - near[:, None]
        of = np.zeros((n, count))
        of[everyone, nearest] = 1.0
        change = kept.sum(axis=0)[:, None] + (lost - kept).T @ of
        change[chosen] = np.inf
        newcomer, leaver = np.unravel_index(np.argmin(change), change.shape)
        if change[newcomer, leaver] >= -LEAST_GAIN * max(float(near.sum()), 1.0):
            return chosen
        chosen[leaver] = newcomer
