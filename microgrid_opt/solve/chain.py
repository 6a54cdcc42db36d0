"""One model after another that differ little: each goes on from where the last one ended.

| model | how |
|---|---|
| linear | stays in HiGHS; from the last basis (`microgrid_opt.solve.live`) |
| linear, large | in pieces; cuts and plans of one cap or price of sizes serve the next, where pieces cost something else the last plan is the start (`microgrid_opt.solve.limits`) |
| with whole numbers | from the last plan; a year of many of them as `direct.solve` does |

A model with other rows, columns or coefficients than the last one is solved anew. Of a large one that
is not cut into pieces every model is solved anew. One step of a CO2 cap by dual simplex from the last
vertex (459,000 nonzeros, a twentieth of the front): 80 CPU seconds for exact steepest-edge weights alone;
with Devex weights 5,600 pivots in 19, while pieces take 3 to 6 between neighbours.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from microgrid_opt.errors import InfeasibleError, NoPlanError
from microgrid_opt.solve import branched, choice, direct, levels, parts, rounding
from microgrid_opt.solve.limits import Limited
from microgrid_opt.solve.live import Live
from microgrid_opt.solve.profiles import LARGE, LARGE_NONZEROS, load_profile
from microgrid_opt.solve.status import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Self

    import numpy as np
    from numpy.typing import NDArray

    from microgrid_opt.draft import Draft
    from microgrid_opt.solve.coarse import Coarser
    from microgrid_opt.solve.direct import Held
    from microgrid_opt.solve.levels import Level
    from microgrid_opt.solve.matrix import Matrix
    from microgrid_opt.solve.status import Progress

    Ints = NDArray[np.int64]

GAP = 1e-4
"""Gap of a model that is solved in pieces, where none is asked for."""


class Chain:
    """Solves models one after another; use it in a ``with`` statement.

    Parameters
    ----------
    profile, overrides, strategy
        As for `direct.solve`.
    on_progress
        Called while the solver runs.
    """

    def __init__(
        self,
        profile: str = choice.AUTO,
        overrides: Sequence[str] = (),
        strategy: str = choice.AUTO,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> None:
        self._profile, self._overrides, self._strategy = profile, tuple(overrides), strategy
        self.on_progress = on_progress
        self._live: Live | None = None
        self._limited: Limited | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the memory of HiGHS."""
        if self._live is not None:
            self._live.close()
        self._live = self._limited = None

    def is_in_pieces(self, draft: Draft, matrix: Matrix) -> bool:
        """Return whether a model is solved in pieces."""
        is_auto = self._strategy == choice.AUTO and self._profile == choice.AUTO
        if self._strategy != choice.PROGRESSIVE and not is_auto:
            return False
        return self._cut(draft, matrix) is not None

    def _cut(self, draft: Draft, matrix: Matrix) -> Ints | None:
        """Return the piece of every step, ``None`` where the model is not cut."""
        forced = self._strategy == choice.PROGRESSIVE
        return levels.pieces_of(matrix, draft.horizon, forced=forced)

    def solve(
        self,
        draft: Draft,
        matrix: Matrix,
        coarser: Coarser | None = None,
        limit: float | None = None,
        span: Sequence[Matrix] = (),
        starts: Sequence[tuple[Matrix, Held]] = (),
        gap: float | None = None,
    ) -> Held:
        """Solve a model.

        Parameters
        ----------
        draft, matrix
            The model, and its arrays.
        coarser
            How it is written on coarser steps, where it can be.
        limit
            Wall time [s].
        span
            The same model with the limits at both ends of what comes: cuts of a model in pieces then
            hold for all between them.
        starts
            Plans that keep the limits of such models; used where the model is in pieces.
        gap
            Of a model in pieces where none is asked for; `GAP` if left out.

        Raises
        ------
        InfeasibleError
            With the limits that contradict each other.
        NoPlanError
            Stopped before a plan was held.
        """
        if coarser is not None:
            last = None
            if self._limited is not None and not self._limited.takes(matrix):
                last = self._limited.last()
                self.close()
            if self._limited is not None or self.is_in_pieces(draft, matrix):
                return self._in_pieces(
                    draft, matrix, coarser, limit, span, starts, gap or GAP, last
                )
        if self._is_anew(draft, matrix, coarser):
            return self._anew(draft, matrix, limit, coarser=coarser)
        return self._from_last(draft, matrix, limit)

    def _is_anew(self, draft: Draft, matrix: Matrix, coarser: Coarser | None) -> bool:
        if self._strategy not in {choice.AUTO, choice.DIRECT}:
            return True
        if not matrix.is_mip:
            return matrix.nonzero_count >= LARGE_NONZEROS
        is_split = self._strategy == choice.AUTO and coarser is not None
        if is_split and branched.pieces_of(matrix, draft.horizon) is not None:
            return True
        return rounding.is_worth_it(draft, matrix) or parts.split(matrix, draft.horizon) is not None

    def _anew(
        self,
        draft: Draft,
        matrix: Matrix,
        limit: float | None,
        profile: str | None = None,
        coarser: Coarser | None = None,
    ) -> Held:
        strategy = self._strategy
        if strategy == choice.AUTO and not matrix.is_mip:
            strategy = choice.DIRECT
        return direct.solve(
            draft,
            matrix,
            profile or self._profile,
            self._overrides,
            limit,
            self.on_progress,
            coarser if matrix.is_mip else None,
            strategy=strategy,
        )

    def _from_last(self, draft: Draft, matrix: Matrix, limit: float | None) -> Held:
        """Solve in HiGHS from the last basis or plan, if there is one that fits."""
        profile, why = choice.choose(self._profile, self._overrides, matrix)
        if self._live is None or not self._live.follow(matrix, draft):
            self.close()
            self._live = Live(matrix, profile, draft=draft)
        outcome = self._live.solve(time_limit=limit, on_progress=self.on_progress)
        if outcome.status is Status.INFEASIBLE:
            from microgrid_opt.solve.diagnosis import diagnose

            raise InfeasibleError(diagnose(draft, matrix))
        stopped = limit is not None or outcome.status is Status.INTERRUPTED
        outcome.accepted("feasible" if stopped else profile.accept)
        if self._live.method in {"dual", "primal"}:
            why = f"{choice.kind_of(matrix)}: {self._live.method} simplex from the last basis"
        elif self._live.method == "start":
            why = f"{choice.kind_of(matrix)}: branch and bound from the last plan"
        return direct.held_of(matrix, profile, outcome, why, (), choice.DIRECT)

    def _in_pieces(
        self,
        draft: Draft,
        matrix: Matrix,
        coarser: Coarser,
        limit: float | None,
        span: Sequence[Matrix],
        starts: Sequence[tuple[Matrix, Held]],
        default: float,
        last: Level | None,
    ) -> Held:
        """Solve in pieces, from the cuts of the last model if they hold; else as it is."""
        overrides = self._overrides
        if not choice.is_asked("mip_rel_gap", overrides):
            overrides = (*overrides, f"mip_rel_gap={default}")
        fits = self._limited is not None
        if not fits:
            piece = self._cut(draft, matrix)
            assert piece is not None
            self.close()
            large = load_profile(LARGE, overrides)
            self._limited = Limited(
                (matrix, *span),
                draft.horizon,
                piece,
                coarser,
                choice.with_simplex(large, overrides),
                choice.threads_of(overrides),
                last,
            )
            for other, plan in starts:
                self._limited.add_plan(other, plan.solution.values)
        assert self._limited is not None
        gap = choice.gap_of(overrides)
        outcome, stages = self._limited.solve(matrix, gap, limit, self.on_progress, coarser)
        profile, why = choice.choose(choice.AUTO, overrides, matrix, pieces=self._limited.pieces)
        why += "; cuts and plans of other points" if fits else ""
        is_late = outcome.status is Status.TIME_LIMIT and outcome.solution is not None
        if not (is_late or outcome.status in {Status.OPTIMAL, Status.INTERRUPTED}):
            left = None if limit is None else max(limit - outcome.seconds, 0.1)
            try:
                # With a plan in hand, simplex on the whole is not worth its time.
                name = self._profile if outcome.solution is None else LARGE
                found = self._anew(draft, matrix, left, name)
            except NoPlanError:
                if outcome.solution is None:
                    raise
            else:
                duals = found.solution.row_duals
                mine = None if duals is None else matrix.sign * duals
                self._limited.add_plan(matrix, found.solution.values, mine)
                run = replace(found.run, stages=(*stages, *found.run.stages))
                return replace(found, run=run)
        outcome.accepted("feasible")
        return direct.held_of(matrix, profile, outcome, why, stages, choice.PROGRESSIVE)
