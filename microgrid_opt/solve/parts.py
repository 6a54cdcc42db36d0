r"""A year with a few whole numbers, month by month: the prices of the year, and a bound from its months.

A tariff's tiers, bands, rebates and choices put tens of whole numbers into a year of hours. Their
relaxation is weak (what falls from tier to tier is cheapest in its far end), and branch and bound has
to solve the year again and again. But months have little to do with one another: the sizes, and what
is in a store at midnight.

1. Rows are split into parts, one for each billing month; months that share a whole number are one
   part. A column belongs to its month, sizes to a part of their own. A part that needs a column of
   another one has a copy of it. Rows over many months (a cap of the year) belong to no part.
2. With any prices of the rows the parts prove a bound (`microgrid_opt.solve.priced`).
3. The prices come from the relaxed year first. The parts' whole numbers are held, and what is left of
   the year is linear: a plan, with prices of its own, which bound again. Where no part would change
   its whole numbers at these prices, bound and plan are equal. This goes on until the gap is small, or
   nothing new comes out; then branch and bound goes on from the best plan.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from microgrid_opt.results import Stage
from microgrid_opt.solve import highs
from microgrid_opt.solve.priced import EVERYWHERE, NONE, Parts, Priced
from microgrid_opt.solve.rounding import allowed_gap, named, whole_values
from microgrid_opt.solve.session import Session
from microgrid_opt.solve.status import Status, relative_gap

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from microgrid_opt.draft import Draft
    from microgrid_opt.horizon import Horizon
    from microgrid_opt.solve.matrix import Matrix
    from microgrid_opt.solve.profiles import Profile
    from microgrid_opt.solve.status import Outcome, Progress, Solution

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

LEAST_NONZEROS = 20_000
"""Size from which it pays: branch and bound solves smaller models at once."""
MOST_WHOLE = 1000
"""Whole numbers up to which a month is solved at once."""
LEAST_PARTS = 3
MOST_STRANGERS = 8
"""Entries of other parts up to which a row has copies of them; beyond, it is in no part."""
MOST_ROUNDS = 6
NEAR = 5e-3
"""Gap below which the prices of the latest plan are tried as they are."""


def split(matrix: Matrix, horizon: Horizon, *, forced: bool = False) -> Parts | None:
    """Return the parts of a model, or ``None`` where this is no way to solve it.

    Where it is ``forced``, the size of the model does not matter.
    """
    # Whole numbers without a rule are free at any bound.
    whole = (matrix.integrality == 1) & (np.bincount(matrix.index, minlength=len(matrix.cost)) > 0)
    is_small = whole.sum() > MOST_WHOLE or matrix.nonzero_count < LEAST_NONZEROS
    if not whole.any() or (is_small and not forced):
        return None
    month = _months(matrix, horizon)
    if (month[whole] == EVERYWHERE).any():
        return None
    entry = matrix.entry_row
    # Months that meet in a row with a whole number are one part.
    of_entry = month[matrix.index]
    first, last = _span(of_entry, entry, matrix.row_count)
    has_whole = np.bincount(entry, whole[matrix.index], matrix.row_count) > 0
    number = np.arange(len(horizon.month_labels))
    for row in np.flatnonzero((last > first) & has_whole & (first >= 0)):
        inside = np.unique(of_entry[matrix.start[row] : matrix.start[row + 1]])
        inside = number[inside[inside >= 0]]
        if len(inside) <= MOST_STRANGERS:
            number[np.isin(number, inside)] = inside.min()
    number = np.unique(number, return_inverse=True)[1]
    count = int(number.max()) + 1
    if count < (2 if forced else LEAST_PARTS):
        return None
    column = np.where(month >= 0, number[month], EVERYWHERE)
    of_entry = column[matrix.index]
    first, last = _span(of_entry, entry, matrix.row_count)
    strange = (of_entry >= 0) & (of_entry != last[entry])
    strangers = np.bincount(entry, strange, matrix.row_count)
    return Parts(column, np.where(strangers > MOST_STRANGERS, NONE, last), count)


def _months(matrix: Matrix, horizon: Horizon) -> Ints:
    """Return the billing month of every column; `EVERYWHERE` for those without time."""
    found = np.full(matrix.column_count, EVERYWHERE, dtype=np.int64)
    for block in matrix.columns:
        if block.keys is not None and block.count == len(horizon):
            found[block.slice] = horizon.month
        elif block.keys is not None and block.count == len(horizon.month_labels):
            found[block.slice] = np.arange(block.count)
    return found


def _span(of_entry: Ints, entry: NDArray[np.int32], rows: int) -> tuple[Ints, Ints]:
    """Return the first and last part of the entries of each row; -1 for rows without any."""
    timed = of_entry >= 0
    first, last = np.full(rows, np.iinfo(np.int64).max), np.full(rows, -1, dtype=np.int64)
    np.minimum.at(first, entry[timed], of_entry[timed])
    np.maximum.at(last, entry[timed], of_entry[timed])
    return np.where(last < 0, -1, first), last


def bound(
    matrix: Matrix, parts: Parts, prices: Floats, profile: Profile, time_limit: float | None = None
) -> tuple[float, Floats | None, bool]:
    """Return what prices prove, as a minimisation, and the values that the parts take.

    Parameters
    ----------
    prices
        Of the rows, as a minimisation, shape (rows,); any prices prove something.
    profile
        For the parts.
    time_limit
        Wall time [s].

    Returns
    -------
    tuple
        The bound; each column's value in its own part, ``None`` where a part has none; and whether
        Ctrl-C ended it.
    """
    priced = Priced(matrix, parts, prices)
    proven = priced.fixed
    values = np.zeros(matrix.column_count)
    whole = True
    end = None if time_limit is None else time.perf_counter() + time_limit
    for number in priced.numbers:
        one, columns = priced.model(number)
        left = None if end is None else max(end - time.perf_counter(), 0.1)
        outcome = highs.solve(one, profile, time_limit=left)
        stopped = outcome.status is Status.INTERRUPTED
        if stopped or not np.isfinite(outcome.bound):
            return -np.inf, None, stopped
        proven += outcome.bound
        if outcome.solution is None:
            whole = False
            continue
        mine = parts.column[columns] == number
        values[columns[mine]] = outcome.solution.values[mine]
    return proven, values if whole else None, False


class _Year:
    """The year without whole numbers, or with them held; simplex starts again from where it was."""

    def __init__(self, matrix: Matrix, profiles: Sequence[Profile]) -> None:
        self.matrix = replace(matrix, integrality=np.zeros_like(matrix.integrality))
        self.profiles = profiles
        self.whole = np.flatnonzero(matrix.integrality == 1)
        self.basis: highs.Basis | None = None

    def solve(
        self,
        held: Floats | None,
        time_limit: float | None,
        listener: Callable[[Progress], None] | None,
    ) -> Outcome:
        """Return the optimum of the linear model with the whole numbers held at values, or free."""
        matrix = self.matrix
        if held is not None:
            lower, upper = matrix.col_lower.copy(), matrix.col_upper.copy()
            lower[self.whole] = upper[self.whole] = held
            matrix = replace(matrix, col_lower=lower, col_upper=upper)
        if len(self.profiles) > 1:
            return highs.attempts(
                matrix, self.profiles, time_limit=time_limit, on_progress=listener
            )[-1]
        with Session(matrix, self.profiles[0]) as session:
            if self.basis is not None:
                session.set_basis(self.basis)
            outcome = session.run(time_limit=time_limit, on_progress=listener)
            if outcome.status is Status.OPTIMAL:
                self.basis = session.basis()
        return outcome


def plan(
    draft: Draft,
    matrix: Matrix,
    parts: Parts,
    relaxed_profiles: Sequence[Profile],
    profile: Profile,
    part_profile: Profile,
    limit: float | None,
    on_progress: Callable[[Progress], None] | None,
) -> tuple[Outcome, tuple[Stage, ...]]:
    """Return the best plan found month by month, with its bound, and the stages.

    There is no solution where no whole numbers were found that the year can keep.

    Parameters
    ----------
    draft, matrix, parts
        The model, its arrays, and how it is split.
    relaxed_profiles
        For the year without whole numbers, one after another until one does not give up.
    profile, part_profile
        With the gap that is asked for, and for the parts.
    limit
        Wall time [s].
    on_progress
        Called while the solver runs.
    """
    search = _Search(draft, matrix, parts, relaxed_profiles, part_profile, limit, on_progress)
    return search.run(allowed_gap(profile))


class _Search:
    """Plans and bounds while they are found."""

    def __init__(
        self,
        draft: Draft,
        matrix: Matrix,
        parts: Parts,
        relaxed_profiles: Sequence[Profile],
        part_profile: Profile,
        limit: float | None,
        on_progress: Callable[[Progress], None] | None,
    ) -> None:
        self.draft, self.matrix, self.parts = draft, matrix, parts
        self.part_profile = part_profile
        self.year = _Year(matrix, relaxed_profiles)
        self.limit, self.begun = limit, time.perf_counter()
        self.on_progress = on_progress
        self.bound = -np.inf
        self.best: Outcome | None = None
        self.centre: Floats | None = None
        self.known: dict[bytes, Solution | None] = {}
        self.stopped = False
        self.stages: list[Stage] = []

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.begun

    @property
    def left(self) -> float | None:
        return None if self.limit is None else max(self.limit - self.seconds, 0.1)

    def run(self, gap: float) -> tuple[Outcome, tuple[Stage, ...]]:
        """Bound and plan in turn until the gap is small or nothing new comes out."""
        first = self.solve_year("relaxation", None)
        if first.status is not Status.OPTIMAL or first.solution is None:
            return replace(first, solution=None, objective=None), tuple(self.stages)
        self.bound = self.matrix.sign * (first.objective or 0.0)
        prices = first.solution.row_duals
        flows = first.solution.values
        if self.is_rounded_whole():
            self.next_plan(None, flows)
            if self.stopped or self.is_closed(gap):
                prices = None
        seen: set[tuple[int, bytes]] = set()
        for _ in range(MOST_ROUNDS):
            if prices is None or (self.limit is not None and self.seconds > self.limit):
                break
            values = self.bound_by_parts(prices)
            if self.stopped or self.is_closed(gap):
                break
            key = self.next_plan(values, flows)
            done = self.stopped or self.is_closed(gap)
            if key is None or done or (id(self.centre), key) in seen:
                break
            seen.add((id(self.centre), key))
            held = self.known[key]
            assert held is not None
            flows = held.values
            prices = self.between(held.row_duals)
        best = self.best or replace(first, status=Status.UNKNOWN, solution=None, objective=None)
        if self.stopped:
            best = replace(best, status=Status.INTERRUPTED)
        ended = replace(best, bound=self.matrix.sign * self.bound, seconds=self.seconds)
        return ended, tuple(self.stages)

    def is_rounded_whole(self) -> bool:
        """Return whether the assets make all whole numbers of the flows."""
        known = np.zeros(self.matrix.column_count, dtype=bool)
        for rounding in self.draft.roundings:
            for one in rounding.series.values():
                block = self.matrix.column_blocks.get(getattr(one, "name", ""))
                if block is not None:
                    known[block.slice] = True
        return bool(known[self.year.whole].all())

    def between(self, prices: Floats | None) -> Floats | None:
        """Return the prices to try next: of the latest plan, or half way to the best known ones.

        Far from the optimum the prices of two plans send the parts to and fro.
        """
        if prices is None or self.centre is None or self.is_closed(NEAR):
            return prices
        return np.asarray(0.5 * (prices + self.centre))

    def is_closed(self, gap: float) -> bool:
        """Return whether the best plan is proven to be within the gap."""
        if self.best is None or self.best.objective is None:
            return False
        return relative_gap(self.best.objective, self.matrix.sign * self.bound) <= gap

    def bound_by_parts(self, duals: Floats) -> Floats | None:
        """Raise the bound by the prices of a linear year; return the values of the parts."""
        start = self.seconds
        proven, values, self.stopped = bound(
            self.matrix, self.parts, self.matrix.sign * duals, self.part_profile, self.left
        )
        if self.centre is None or proven > self.bound:
            self.centre = duals
        self.bound = max(self.bound, proven)
        self.stages.append(
            Stage("part by part", self.seconds - start, None, self.matrix.sign * proven)
        )
        return values

    def next_plan(self, values: Floats | None, flows: Floats) -> bytes | None:
        """Return the key of a plan with the whole numbers of the parts, or those of the flows."""
        for wanted in (values, self.from_flows(values, flows)):
            if wanted is None:
                continue
            held = np.rint(wanted[self.year.whole]) + 0.0
            key = held.tobytes()
            if key not in self.known and not self.stopped:
                outcome = self.solve_year("whole numbers held", held)
                self.known[key] = outcome.solution if outcome.status is Status.OPTIMAL else None
                better = self.best is None or self.gain(outcome) > 0.0
                if self.known[key] is not None and better:
                    self.best = outcome
            if self.known.get(key) is not None:
                return key
        return None

    def gain(self, outcome: Outcome) -> float:
        """Return by how much a plan is better than the best one, as a minimisation."""
        assert self.best is not None
        return self.matrix.sign * ((self.best.objective or 0.0) - (outcome.objective or 0.0))

    def from_flows(self, values: Floats | None, latest: Floats) -> Floats:
        """Return values with the whole numbers that the assets make of the latest year's flows."""
        found = (latest if values is None else values).copy()
        for name, whole in whole_values(self.draft, self.matrix, latest).items():
            found[self.matrix.column_blocks[name].slice] = whole
        return found

    def solve_year(self, name: str, held: Floats | None) -> Outcome:
        """Solve the linear year and note the stage."""
        outcome = self.year.solve(held, self.left, named(name, self.on_progress))
        self.stopped |= outcome.status is Status.INTERRUPTED
        plan = None if held is None else outcome.objective
        bound = outcome.objective if held is None else self.matrix.sign * self.bound
        self.stages.append(Stage(name, outcome.seconds, plan, bound))
        return outcome
