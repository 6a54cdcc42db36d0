r"""All pieces as one model again, to go from where they stand to a vertex of the whole model.

The pieces of a search stand at a point $z$ of what they share, each at an optimal basis. Stacked, with
the shared columns and shares held at that point and two columns $d^+, d^- \ge 0$ for each of them that
stand for a step up or down,
$$ z = \hat z + d^+ - d^- , $$
their bases together are a basis of one model, primal feasible as it is. The primal simplex method goes
on from there: the closer the point, the fewer its steps. What it ends with is an optimal vertex of the
whole model with dual values of all its rows, as after the crossover of an interior-point method
(Bixby and Saltzman, 1994, doi:10.1016/0167-6377(94)90074-4), and the pieces were cheaper.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from microgrid_opt.solve.bases import BASIC, LOWER, Basis
from microgrid_opt.solve.certify import dual_bound
from microgrid_opt.solve.changes import PRIMAL
from microgrid_opt.solve.found import Found
from microgrid_opt.solve.matrix import Block, Matrix
from microgrid_opt.solve.mending import MISSED
from microgrid_opt.solve.profiles import load_profile
from microgrid_opt.solve.session import Session
from microgrid_opt.solve.status import Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from microgrid_opt.solve.bundle import Bundle
    from microgrid_opt.solve.status import Outcome, Progress

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

OPTIONS = (
    "presolve=off",
    "solver=simplex",
    f"simplex_strategy={PRIMAL}",
    # As in the pieces, whose bases are optimal for numbers that are not scaled.
    "simplex_scale_strategy=0",
    # One step that a moved bound asks for in the end took longer than all others.
    "primal_simplex_bound_perturbation_multiplier=0",
    # Thousands of updates of one factoring lose digits, and time.
    "simplex_update_limit=200",
)


@dataclass(frozen=True, eq=False)
class Vertex:
    """Values of all columns and duals of all rows of the whole model, both optimal."""

    values: Floats
    duals: Floats
    iterations: int

    def found(self, matrix: Matrix, before: int) -> Found:
        """Return it as what a search of the model ends with, after so many iterations before."""
        return Found(
            self.values,
            self.duals,
            matrix.sign * matrix.objective(self.values),
            matrix.sign * dual_bound(matrix, matrix.sign * self.duals),
            before + self.iterations,
        )


class Stack:
    """The pieces of a search as one model.

    Parameters
    ----------
    bundle
        What searched; every piece was solved at ``point`` last.
    point
        Shared columns and shares.
    """

    def __init__(self, bundle: Bundle, point: Floats) -> None:
        self.bundle, self.point = bundle, point
        widths = [model.width for model in bundle.models]
        heights = [model.height for model in bundle.models]
        self.column = np.concatenate([[0], np.cumsum(widths)])
        self.row = np.concatenate([[0], np.cumsum(heights)])
        self.first = int(self.column[-1])
        count = bundle.cuts.count
        self.held = self.first + np.arange(count)
        self.up, self.down = self.held + count, self.held + 2 * count
        self.columns = self.first + 3 * count
        self.rows = int(self.row[-1]) + len(bundle.cuts.terms)

    def solve(
        self,
        limit: float | None,
        on_progress: Callable[[Progress], None] | None,
        *,
        last: bool = False,
    ) -> tuple[Vertex | None, Outcome]:
        """Return the optimum; ``None`` where it was not reached, or misses what is shared.

        If it is the ``last`` thing to do, pieces and cuts give their memory to it.
        """
        basis: Basis | None = self.basis()
        if last:
            self.bundle.close()
        matrix = self.matrix()
        steps, count = np.concatenate([self.up, self.down]), 0
        room = matrix.col_upper[steps]
        with Session(matrix, load_profile(overrides=OPTIONS)) as session:
            # While sizes stand still a step of the simplex method is a fifth of what it is after.
            for few in (True, False):
                held = np.tile(self.is_common & few, 2)
                session.set_column_bounds(steps, np.zeros(1), np.where(held, 0.0, room))
                if basis is not None:
                    session.set_basis(basis)
                outcome = self._run(session, limit, on_progress)
                count += outcome.iterations
                limit = None if limit is None else max(limit - outcome.seconds, 0.0)
                if outcome.status in {Status.INTERRUPTED, Status.TIME_LIMIT}:
                    break
                # A step without room is at its lower end in it, wherever HiGHS has left it.
                basis = session.basis() if few and outcome.status is Status.OPTIMAL else basis
            if self.is_missing(outcome):
                # What is missed was too cheap: without it this is the whole model.
                session.set_column_bounds(self.misses, np.zeros(1), np.zeros(1))
                outcome = self._run(session, limit, on_progress)
                count += outcome.iterations
        return self.vertex(outcome), replace(outcome, iterations=count)

    @property
    def misses(self) -> Ints:
        """Columns of what the pieces miss."""
        ends = zip(self.column[1:], self.bundle.models, strict=True)
        return np.concatenate([np.arange(end - 2 * len(model.penalty), end) for end, model in ends])

    def is_missing(self, outcome: Outcome) -> bool:
        """Whether an optimum misses anything."""
        found = outcome.solution
        if outcome.status is not Status.OPTIMAL or found is None:
            return False
        return bool((np.abs(found.values[self.misses]) > MISSED).any())

    def _run(
        self,
        session: Session,
        limit: float | None,
        on_progress: Callable[[Progress], None] | None,
    ) -> Outcome:
        """Run; where thousands of steps have cost digits, the basis it ends with has them again."""
        outcome = session.run(time_limit=limit, on_progress=on_progress)
        reached = session.basis() if outcome.status is Status.UNKNOWN else None
        if reached is None:
            return outcome
        session.set_basis(reached)
        again = session.run(time_limit=limit, on_progress=on_progress)
        return replace(again, iterations=again.iterations + outcome.iterations)

    @property
    def is_common(self) -> NDArray[np.bool_]:
        """Which coordinates of the point half of the pieces share, or more: sizes, hardly stores."""
        cuts = self.bundle.cuts
        used = np.bincount(np.concatenate(cuts.parameters), minlength=cuts.count)
        return np.asarray(2 * used >= self.bundle.pieces.count)

    def matrix(self) -> Matrix:
        """Return the model: the pieces' columns, what is shared and held, steps up, steps down."""
        cuts, low, high = self.bundle.cuts, [], []
        row, column, value = [], [], []
        cost, bounds = [], []
        for number, model in enumerate(self.bundle.models):
            entry, index, values = model.entries()
            row.append(self.row[number] + entry)
            column.append(self.column[number] + index)
            value.append(values)
            # Rows of shares and links are the last ones of a piece, in the order of its parameters.
            shared = self.shared_rows(number)
            order = np.roll(np.arange(len(shared)), -model.common)
            row.append(shared)
            column.append(self.held[cuts.parameters[number][order]])
            value.append(-np.ones(len(shared)))
            cost.append(model.costs)
            bounds.append(model.bounds)
            lower, upper = model.row_limits
            low.append(lower)
            high.append(upper)
        for number, (terms, values) in enumerate(cuts.terms):
            row.append(np.full(len(terms), int(self.row[-1]) + number))
            column.append(self.held[terms])
            value.append(values)
        rows, columns, numbers = self._stepped(*map(np.concatenate, (row, column, value)))
        order = np.lexsort((columns, rows))
        point, count = self.point, cuts.count
        zeros = np.zeros(count)
        return Matrix(
            cost=np.concatenate([*cost, cuts.cost, cuts.cost, -cuts.cost]),
            offset=self.bundle.matrix.offset,
            maximize=False,
            start=np.searchsorted(rows[order], np.arange(self.rows + 1)).astype(np.int32),
            index=columns[order].astype(np.int32),
            value=numbers[order],
            row_lower=np.concatenate([*low, cuts.row_lower]),
            row_upper=np.concatenate([*high, cuts.row_upper]),
            col_lower=np.concatenate([*(one[0] for one in bounds), point, zeros, zeros]),
            col_upper=np.concatenate([*(one[1] for one in bounds), point, *self._room()]),
            integrality=np.zeros(self.columns, dtype=np.uint8),
            columns=(Block("column", 0, self.columns, range(self.columns)),),
            rows=(Block("row", 0, self.rows, range(self.rows)),),
        )

    def shared_rows(self, number: int) -> Ints:
        """Return the rows of a piece's shares, then of its links."""
        model = self.bundle.models[number]
        last = int(self.row[number + 1])
        return np.arange(last - model.layout.parameters, last)

    def _stepped(self, row: Ints, column: Ints, value: Floats) -> tuple[Ints, Ints, Floats]:
        """Return the entries with those of the steps: as of what is held, and the opposite."""
        count = len(self.held)
        held = column >= self.first
        steps = column[held]
        return (
            np.concatenate([row, row[held], row[held]]),
            np.concatenate([column, steps + count, steps + 2 * count]),
            np.concatenate([value, value[held], -value[held]]),
        )

    def _room(self) -> tuple[Floats, Floats]:
        """Return how far what is shared may go up and down; shares go as far as they like."""
        matrix, cuts = self.bundle.matrix, self.bundle.cuts
        shares = np.full(cuts.count - len(cuts.shared), np.inf)
        lower = np.concatenate([matrix.col_lower[cuts.shared], -shares])
        upper = np.concatenate([matrix.col_upper[cuts.shared], shares])
        return np.maximum(upper - self.point, 0.0), np.maximum(self.point - lower, 0.0)

    def basis(self) -> Basis:
        """Return the bases of all pieces, with what is shared at its bounds."""
        bases = [model.basis() for model in self.bundle.models]
        columns = np.full(self.columns, LOWER, dtype=np.int8)
        rows = np.full(self.rows, BASIC, dtype=np.int8)
        columns[: self.first] = np.concatenate([one.columns for one in bases])
        rows[: self.row[-1]] = np.concatenate([one.rows for one in bases])
        return Basis(columns, rows)

    def vertex(self, outcome: Outcome) -> Vertex | None:
        """Return the optimum in terms of the whole model."""
        found = outcome.solution
        if outcome.status is not Status.OPTIMAL or found is None or found.row_duals is None:
            return None
        if self.is_missing(outcome):
            return None
        bundle, x, y = self.bundle, found.values, found.row_duals
        values = np.zeros(bundle.matrix.column_count)
        duals = np.zeros(bundle.matrix.row_count)
        cuts = bundle.cuts
        steps = x[self.up] - x[self.down]
        values[cuts.shared] = (self.point + steps)[: len(cuts.shared)]
        for number, model in enumerate(bundle.models):
            mine = x[self.column[number] : self.column[number + 1]]
            values[model.layout.own] = mine[: model.own]
            rows = model.layout.rows
            duals[rows] = y[self.row[number] : self.row[number] + len(rows)]
        last = y[self.row[-1] :]
        duals[cuts.plain] = last[: len(cuts.plain)]
        duals[bundle.pieces.spread] = last[len(cuts.plain) :]
        return Vertex(values, duals, outcome.iterations)
