r"""What windows prove together where they have to agree on sizes: boxes of sizes, then longer windows.

At prices of the rows every window has its own copy of a size and takes what suits it: one is large where
a unit may then stay off, another small. The cost of the year is not convex in a size, so that no prices
can make them agree. Over a box of sizes they have to: every plan is in one of the boxes $B$, and
$$ z^* \ge \min_B \Bigl\{ k + \sum_p \min_{x \in X_p,\; v_p \in B} c_p(x, v_p) \Bigr\} $$
with what is fixed $k$ and the windows' costs $c_p$ at the prices (`microgrid_opt.solve.priced`). The box
with the least bound is split where its windows' copies lie on average (dual decomposition: Carøe &
Schultz, 1999, doi:10.1016/S0167-6377(98)00050-9); a window whose copy stays within keeps its
bound. Where they agree, two windows become one, those first in which a plan costs most beyond the bound.

What a window proves of a box holds in every smaller one, and two windows prove together no more than
the one that they make, so that bounds only rise. A box ends where no plan in it can be better than the
best one by more than the gap that is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from microgrid_opt.solve.priced import EVERYWHERE, Parts, Priced, joined
from microgrid_opt.solve.status import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from microgrid_opt.solve.ladder import Stair
    from microgrid_opt.solve.matrix import Matrix
    from microgrid_opt.solve.status import Outcome

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Solve = Callable[[Sequence[Matrix], int], list[Outcome | None]]

MOST_BOXES = 24
"""Boxes up to which they are split."""
MOST_JOINS = 2
"""How often windows of a box are made longer."""
AT_ONCE = 12
"""Windows that are solved before it is asked whether a box is done."""
SAMPLE = 4
"""Windows in which it is tried on what to agree: those in which a plan costs most beyond the bound."""
FLAT, ROUNDING = 1e-4, 1e-7
"""Share of what a window costs up to which a size is of no account to it; of a size that is rounding."""
AGREED = 0.01
"""Share of a size up to which copies of it agree."""


@dataclass(frozen=True, eq=False)
class Box:
    """A box of what all windows share, and what they prove of it.

    Parameters
    ----------
    lower, upper
        Its bounds, shape (shared columns,).
    bounds
        What every window costs at least, behind what is shared by itself, shape (windows + 1,).
    least, most
        From where to where every window could have its copies at the same cost, NaN where it has none,
        shape (windows + 1, shared columns).
    joins
        How often its windows were made longer.
    """

    lower: Floats
    upper: Floats
    bounds: Floats
    least: Floats
    most: Floats
    joins: int = 0

    @property
    def bound(self) -> float:
        """What the windows cost at least together."""
        return float(self.bounds.sum()) if (self.bounds > -np.inf).all() else -np.inf


class Agreed:
    """Windows of a model at given prices, and the boxes in which they have to agree.

    Parameters
    ----------
    matrix, parts, prices
        As of `microgrid_opt.solve.priced.Priced`.
    solve
        Solves some models of so many, in order; ``None`` stands for those it was stopped before.
    stairs
        Sizes in steps, whose points follow them.
    """

    def __init__(
        self,
        matrix: Matrix,
        parts: Parts,
        prices: Floats,
        solve: Solve,
        stairs: Sequence[Stair] = (),
    ) -> None:
        self.matrix, self.solve, self.stairs = matrix, solve, stairs
        self.levels = [Priced(matrix, parts, prices)]
        for _ in range(MOST_JOINS):
            self.levels.append(Priced(matrix, joined(self.levels[-1].parts), prices))
        self.shared = np.flatnonzero(parts.column == EVERYWHERE)
        self.fixed = self.levels[0].fixed
        self.chosen = np.ones(len(self.shared), dtype=bool)
        """Which of what is shared has to agree: sizes, and with them the points that follow them."""
        for stair in stairs:
            self.chosen[np.searchsorted(self.shared, stair.columns)] = False

    def held(self, chosen: NDArray[np.bool_], values: Floats) -> Agreed:
        """Return the windows of a model with chosen columns held at values, shape (columns,) each."""
        held = replace(
            self.matrix,
            col_lower=np.where(chosen, values, self.matrix.col_lower),
            col_upper=np.where(chosen, values, self.matrix.col_upper),
        )
        first = self.levels[0]
        return Agreed(held, first.parts, first.prices, self.solve, self.stairs)

    def root(self, values: Floats) -> tuple[Box, Floats]:
        """Return the box of all plans as far as windows prove, and what they do, else ``values``."""
        lower, upper = self.matrix.col_lower[self.shared], self.matrix.col_upper[self.shared]
        count = self.levels[0].parts.count + 1
        nothing = np.full((count, len(self.shared)), np.nan)
        box = Box(lower, upper, np.full(count, -np.inf), nothing, nothing)
        found = np.clip(values, self.matrix.col_lower, self.matrix.col_upper)
        return self.proven(box, range(count), found), found

    def proven(self, box: Box, numbers: Sequence[int], found: Floats | None = None) -> Box:
        """Return a box with what some of its windows prove of it; put what they do into ``found``."""
        level = self.levels[box.joins]
        models = [self.model(box, number) for number in numbers]
        outcomes = self.solve([model for model, _ in models], level.parts.count)
        bounds, least, most = box.bounds.copy(), box.least.copy(), box.most.copy()
        for number, (model, columns), outcome in zip(numbers, models, outcomes, strict=True):
            if outcome is None:
                continue
            bound = np.inf if outcome.status is Status.INFEASIBLE else outcome.bound
            bounds[number] = max(bounds[number], bound)
            if outcome.solution is None:
                continue
            values, of = outcome.solution.values, level.parts.column[columns]
            everywhere = of == EVERYWHERE
            if number:
                place = np.searchsorted(self.shared, columns[everywhere])
                room = _room(model, values, everywhere)
                least[number, place], most[number, place] = room
                if found is not None:
                    found[columns[of == number - 1]] = values[of == number - 1]
        return replace(box, bounds=bounds, least=least, most=most)

    def model(self, box: Box, number: int) -> tuple[Matrix, Ints]:
        """Return the model of a window within a box, and its columns' numbers in the whole."""
        level = self.levels[box.joins]
        model, columns = level.model(number - 1)
        everywhere = level.parts.column[columns] == EVERYWHERE
        place = np.searchsorted(self.shared, columns[everywhere])
        lower, upper = model.col_lower.copy(), model.col_upper.copy()
        lower[everywhere], upper[everywhere] = box.lower[place], box.upper[place]
        return replace(model, col_lower=lower, col_upper=upper), columns

    # ------------------------------------------------------------------ boxes

    def run(self, root: Box, plan: Floats, target: float, is_over: Callable[[], bool]) -> float:
        """Return the bound after boxes were split and windows made longer, up to a target.

        Parameters
        ----------
        root
            The box of all plans.
        plan
            The best plan's values, shape (columns,).
        target
            Bound that is enough.
        is_over
            Whether there is no time left.
        """
        target -= self.fixed
        boxes, plans = [root], [level.costs(plan) for level in self.levels]
        shared = plan[self.shared]
        worth: Floats | None = None
        while not is_over():
            number = int(np.argmin([box.bound for box in boxes]))
            box = boxes[number]
            if box.bound >= target:
                break
            local = np.maximum(plans[box.joins] - box.bounds, 0.0)
            if worth is None:
                worth = self.worth(box, shared, local)
            parts = self.split(box, shared, local, worth) if len(boxes) < MOST_BOXES else []
            if not parts and box.joins == MOST_JOINS:
                break
            parts = parts or [self.longer(box)]
            parts = [self.raised(part, plans[part.joins], target, is_over) for part in parts]
            boxes[number : number + 1] = parts
        return self.fixed + min(box.bound for box in boxes)

    def worth(self, box: Box, plan: Floats, local: Floats) -> Floats:
        """Return what some windows cost more where they have to agree with a plan on one column each.

        Shape (shared columns,).
        """
        worth = np.zeros(len(self.shared))
        sample = np.argsort(-local, kind="stable")[:SAMPLE]
        for place in np.flatnonzero(self.chosen).tolist():
            away = np.abs(near(box, plan)[sample, place] - plan[place])
            numbers = sample[away > AGREED * (1.0 + abs(plan[place]))]
            if len(numbers):
                lower, upper = box.lower.copy(), box.upper.copy()
                lower[place] = upper[place] = plan[place]
                there = self.proven(self.followed(box, lower, upper), numbers.tolist())
                gained = np.minimum(there.bounds - box.bounds, local)[numbers]
                worth[place] = gained.sum()
        return worth

    def split(self, box: Box, plan: Floats, local: Floats, worth: Floats) -> list[Box]:
        """Return two boxes, split where it is worth most, none where all agree."""
        copies = near(box, np.clip(plan, box.lower, box.upper))
        known = np.isfinite(copies)
        weight = np.where(known, (local + local.mean())[:, None], 0.0)
        total = np.maximum(weight.sum(axis=0), 1e-12)
        copies = np.where(known, copies, 0.0)
        mean = (weight * copies).sum(axis=0) / total
        apart = (weight * np.abs(copies - mean)).sum(axis=0) / total
        share = apart / (1.0 + np.abs(mean))
        score = np.where(share > AGREED, share * worth, 0.0)
        place = int(score.argmax())
        if score[place] <= 0.0:
            return []
        low = high = float(np.clip(mean[place], box.lower[place], box.upper[place]))
        if self.matrix.integrality[self.shared[place]]:
            low, high = np.floor(low), np.floor(low) + 1.0
        upper, lower = box.upper.copy(), box.lower.copy()
        upper[place], lower[place] = low, high
        return [self.followed(box, box.lower, upper), self.followed(box, lower, box.upper)]

    def followed(self, box: Box, lower: Floats, upper: Floats) -> Box:
        """Return a box with other bounds, and those of the points of sizes that follow from them."""
        lower, upper = lower.copy(), upper.copy()
        for stair in self.stairs:
            size = int(np.searchsorted(self.shared, stair.size))
            place = np.searchsorted(self.shared, stair.columns)
            lower[place] = np.maximum(lower[place], stair.reached(float(upper[size])))
            upper[place] = np.minimum(upper[place], stair.reached(float(lower[size])))
        return replace(box, lower=lower, upper=upper)

    def longer(self, box: Box) -> Box:
        """Return the box with windows of twice the length, as far as the halves prove."""
        count = self.levels[box.joins + 1].parts.count + 1
        half = np.concatenate([[0], 1 + np.arange(len(box.bounds) - 1) // 2])
        bounds = np.bincount(half, box.bounds, count).astype(float)
        # What they will take is not known: all of them are to be solved.
        anew = np.full((count, len(self.shared)), np.inf)
        return Box(box.lower, box.upper, bounds, anew, -anew, box.joins + 1)

    def raised(self, box: Box, plan: Floats, target: float, is_over: Callable[[], bool]) -> Box:
        """Return a box with windows solved that could not stay within it, until the target is met."""
        outside = ((box.most < box.lower) | (box.least > box.upper)).any(axis=1)
        numbers = np.flatnonzero(outside)
        numbers = numbers[np.argsort(-(plan - box.bounds)[numbers], kind="stable")]
        numbers = np.concatenate([[0], numbers[numbers > 0]])
        for first in range(0, len(numbers), AT_ONCE):
            if is_over() or box.bound >= target:
                break
            box = self.proven(box, numbers[first : first + AT_ONCE].tolist())
        return box


def near(box: Box, plan: Floats) -> Floats:
    """Return what every window would take nearest to a plan at its cost, not finite where unknown.

    Shape (windows + 1, shared columns).
    """
    return np.asarray(np.minimum(np.maximum(plan, box.least), box.most))


def _room(model: Matrix, values: Floats, of: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Return from where to where each of some columns could move alone at next to no cost.

    It tells which windows to solve again; no bound depends on it.
    """
    columns = np.flatnonzero(of)
    activity = model.times(values)
    used = of[model.index] & (model.value != 0.0)
    at = np.searchsorted(columns, model.index[used])
    row, value = model.entry_row[used], model.value[used]
    down = (model.row_lower[row] - activity[row]) / value
    up = (model.row_upper[row] - activity[row]) / value
    least, most = model.col_lower[columns].copy(), model.col_upper[columns].copy()
    now = values[columns]
    np.maximum.at(least, at, now[at] + np.minimum(down, up))
    np.minimum.at(most, at, now[at] + np.maximum(down, up))
    cost = np.abs(model.cost[columns]) * (1.0 + np.abs(now))
    free = cost <= FLAT * abs(float(model.cost @ values))
    slack = ROUNDING * (1.0 + np.abs(now))
    return (
        np.where(free, np.minimum(least, now), now) - slack,
        np.where(free, np.maximum(most, now), now) + slack,
    )
