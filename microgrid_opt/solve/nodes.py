r"""Boxes of whole numbers and what the cuts of the pieces prove of each.

A node is a box of the whole numbers among what the pieces share. With the cuts
$\theta_p \ge k + g^\top z_p$ that were found anywhere (they hold for all $z$), the model of
`microgrid_opt.solve.cuts` over the node's box is below every plan with whole numbers in it; its bound
is evaluated by weak duality over that box, so that no tolerance of the solver is in it. Where no point
of the box keeps the rows among what is shared, duals $y$ of these rows prove it (Farkas, 1902,
doi:10.1515/crll.1902.124.1):
$$ \sum_i \max(y_i, 0) L_i + \min(y_i, 0) U_i + \sum_j \max(d_j, 0) l_j + \min(d_j, 0) u_j > 0,
   \qquad d = -E^\top y . $$

Boxes are split at the value that the model takes (Land and Doig, 1960, doi:10.2307/1910129); the one
with the least bound is next (best first).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from microgrid_opt.solve.cuts import Cuts

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

WHOLE = 1e-6
"""Distance to a whole number that counts as none, where to look next; no bound depends on it."""
RECENT = 3
"""Rounds whose cuts are kept, whether they bounded a box or not."""
SURE = 1e-7
"""Share of its terms by which the sum of a proof of contradiction has to be above zero."""


@dataclass(frozen=True, eq=False)
class Node:
    """A box of whole numbers.

    Parameters
    ----------
    lower, upper
        Its bounds, shape (whole numbers,).
    bound
        No plan in it costs less.
    lowest
        Where the cuts' model is lowest in it, shape (coordinates,); ``None`` where it is not known.
    cuts
        State of the cuts in which it was bounded.
    """

    lower: Floats
    upper: Floats
    bound: float
    lowest: Floats | None = None
    cuts: int = -1

    def below(self, place: int, most: float) -> Node:
        """Return the part of the box with one of its numbers at most so much."""
        upper = self.upper.copy()
        upper[place] = most
        return Node(self.lower, upper, self.bound)

    def above(self, place: int, least: float) -> Node:
        """Return the part of the box with one of its numbers at least so much."""
        lower = self.lower.copy()
        lower[place] = least
        return Node(lower, self.upper, self.bound)

    def around(self, point: Floats) -> list[Node]:
        """Return boxes that hold all whole numbers of this one but a point."""
        found, rest = [], self
        for place, value in enumerate(point):
            if value > rest.lower[place]:
                found.append(rest.below(place, value - 1.0))
            if value < rest.upper[place]:
                found.append(rest.above(place, value + 1.0))
            rest = rest.below(place, value).above(place, value)
        return found


class Nodes:
    """What the cuts prove of boxes of the whole numbers.

    Parameters
    ----------
    cuts
        Of the pieces; more of them may come.
    places
        Coordinates of the whole numbers.
    """

    def __init__(self, cuts: Cuts, places: Ints) -> None:
        self.cuts, self.places = cuts, places
        self._lower, self._upper = cuts.lower, cuts.upper
        self.solved, self.known = 0, 0
        self._useful: set[int] = set()

    def root(self, bound: float) -> Node:
        """Return the box of all whole numbers."""
        lower = np.ceil(self._lower[self.places] - WHOLE)
        return Node(lower, np.floor(self._upper[self.places] + WHOLE), bound)

    def enter(self, node: Node) -> None:
        """Hold the cuts' model, and what is searched with it, to a box."""
        lower, upper = self._lower.copy(), self._upper.copy()
        lower[self.places], upper[self.places] = node.lower, node.upper
        self.cuts.within(lower, upper)

    def solve(self, node: Node) -> Node:
        """Return a node with what all cuts prove by now, never less than before."""
        count = self.known
        if node.cuts == count:
            return node
        self.enter(node)
        self.solved += 1
        bound = self.cuts.bound()
        if np.isfinite(bound):
            self._useful |= {id(self.cuts.cuts[n]) for n in np.flatnonzero(self.cuts.weight)}
            return replace(node, bound=max(node.bound, bound), lowest=self.cuts.lowest, cuts=count)
        empty = is_empty(self.cuts)
        return replace(node, bound=np.inf if empty else node.bound, lowest=None, cuts=count)

    def forget(self) -> None:
        """Drop the cuts that bounded no box and are not recent: the model is small again.

        Boxes keep the bounds that they have.
        """
        recent = len(self.cuts.cuts) - RECENT * self.cuts.pieces.count
        self.cuts.forget(lambda number, cut: number >= recent or id(cut) in self._useful)
        self.known += 1

    def values(self, node: Node) -> Floats:
        """Return the numbers where the model is lowest, maybe not whole, or else the box's middle."""
        if node.lowest is None:
            return np.asarray(0.5 * (node.lower + node.upper))
        return np.asarray(np.clip(node.lowest[self.places], node.lower, node.upper))

    def split(self, node: Node) -> list[Node]:
        """Return the two halves at the number that is farthest from a whole one, none if all are."""
        values = self.values(node)
        away = np.abs(values - np.rint(values))
        place = int(away.argmax())
        if away[place] <= WHOLE:
            return []
        value = float(np.floor(values[place]))
        return [node.below(place, value), node.above(place, value + 1.0)]


def is_empty(cuts: Cuts) -> bool:
    """Return whether it is proven that no point of the box keeps the rows among what is shared."""
    y = cuts.ray().copy()
    y[((y > 0.0) & np.isinf(cuts.row_lower)) | ((y < 0.0) & np.isinf(cuts.row_upper))] = 0.0
    slope = np.zeros(cuts.count)
    parts = [0.0]
    for number in np.flatnonzero(y):
        column, value = cuts.terms[number]
        slope[column] -= y[number] * value
        limit = cuts.row_lower[number] if y[number] > 0.0 else cuts.row_upper[number]
        parts.append(float(y[number] * limit))
    terms = np.concatenate([parts, slope * np.where(slope > 0.0, cuts.lower, cuts.upper)])
    return bool(terms.sum() > SURE * np.abs(terms).sum())
