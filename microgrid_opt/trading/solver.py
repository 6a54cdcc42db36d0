"""One coalition after another: each built alone, or in the model of all that stays in HiGHS."""

from __future__ import annotations

import contextlib
import math
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from microgrid_opt.errors import InfeasibleError, InputError, NoPlanError
from microgrid_opt.study import Asked, reference_of
from microgrid_opt.trading.coalition import CoalitionCost
from microgrid_opt.trading.members import restricted

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from microgrid_opt.draft import Draft
    from microgrid_opt.problem import Problem
    from microgrid_opt.solve.direct import Held
    from microgrid_opt.solve.matrix import Matrix
    from microgrid_opt.trading.coalition import Kind
    from microgrid_opt.trading.parted import Parted

Route = Literal["auto", "built", "live"]

SAME_COST = 1e-6
"""Relative difference up to which the two routes count as giving the same cost."""


class CoalitionSolver:
    """Solves coalitions of one park; what it holds between them makes the next one faster.

    Parameters
    ----------
    problem
        The park with all its members.
    kind
        The game.
    sizes
        Sizes to hold by ``asset.size``; empty for the resized game.
    asked
        How models are solved that are built alone.
    route
        ``built``, ``live``, or ``auto``: live where the model of all is small, falls apart, and has been
        seen to give the cost of one member that was built alone.
    """

    def __init__(
        self,
        problem: Problem,
        kind: Kind = "resized",
        sizes: Mapping[str, float] | None = None,
        asked: Asked | None = None,
        route: Route = "auto",
    ) -> None:
        self._problem, self._kind = problem, kind
        self._sizes = dict(sizes or {})
        self._asked = replace(asked or Asked(), on_progress=None)
        self._route = route
        self._parted: Parted | None = None
        self._whole_builds = False
        self._objection = (
            "" if route != "built" and len(problem.park.members) > 1 else "not asked for"
        )

    def close(self) -> None:
        """Free what is held."""
        if self._parted is not None:
            self._parted.close()
        self._parted = None

    def solve(self, members: Collection[str]) -> list[CoalitionCost]:
        """Return the cost of a coalition, and of others that came with it.

        Raises
        ------
        InputError
            The coalition is none of this park, or shares a limit with members outside; with route
            ``live``, it cannot be parted from the others.
        """
        who = frozenset(members)
        if self._wants_live(who):
            found = self._live(who)
            if found:
                return found
        return [self._built(who)]

    # ------------------------------------------------------------------ in the model of all

    def _wants_live(self, who: frozenset[str]) -> bool:
        # A member alone is a small model; it pays once the model of all is there.
        opened = self._route == "live" or self._parted is not None
        return not self._objection and (opened or len(who) > 1)

    def _live(self, who: frozenset[str]) -> list[CoalitionCost]:
        if self._parted is None:
            self._objection = self._open()
        objection = self._objection or (self._parted.objection(who) if self._parted else "")
        if objection and self._route == "live":
            raise InputError(f"{' + '.join(sorted(who))} cannot be solved live: {objection}.")
        return [] if objection or self._parted is None else self._parted.solve(who)

    def _open(self) -> str:
        """Build the model of all; return why it is not used after all, empty when it is."""
        from microgrid_opt.trading.parted import Parted

        try:
            self._parted = Parted(self._problem, self._kind, self._sizes)
        except (InputError, InfeasibleError) as error:
            return f"the model of all members cannot be built: {error}"
        if self._route == "live":
            return ""
        if self._parted.is_large:
            self.close()
            return "the model of all members is large"
        for member in self._problem.park.members:
            one = frozenset({member})
            objection = self._parted.objection(one)
            if objection:
                continue
            alone = self._built(one)
            found = {answer.members: answer for answer in self._parted.solve(one)}
            if one in found and alone.status == "optimal":
                same = math.isclose(
                    found[one].cost, alone.cost, rel_tol=SAME_COST, abs_tol=SAME_COST
                )
                return "" if same else f"it gives another cost of {member}"
        self.close()
        return "no member can be parted from the others"

    # ------------------------------------------------------------------ built alone

    def _built(self, who: frozenset[str]) -> CoalitionCost:
        started = time.perf_counter()
        part = restricted(self._problem, who)
        answer = CoalitionCost(who, self._kind, "infeasible", math.inf)
        try:
            answer = self._planned(part, answer)
        except (InfeasibleError, InputError) as error:
            # Where the park as a whole can be built, a part that cannot is an answer, no mistake.
            if isinstance(error, InputError):
                self._require_whole(who)
            answer = replace(answer, bound=math.inf, message=str(error))
        except NoPlanError as error:
            answer = replace(answer, status="no plan", cost=math.nan, message=str(error))
        return replace(answer, seconds=time.perf_counter() - started)

    def _require_whole(self, who: frozenset[str]) -> None:
        """Raise what is wrong with the park as a whole, if anything is."""
        from microgrid_opt.model import build

        if not self._whole_builds:
            whole = frozenset(self._problem.park.members)
            if who == whole and self._problem.park.carbon.needs_reference:
                reference_of(self._problem, self._asked)
            with contextlib.suppress(InfeasibleError):
                build(self._problem, reference_co2_kg=0.0)
            self._whole_builds = True

    def _planned(self, part: Problem, answer: CoalitionCost) -> CoalitionCost:
        from microgrid_opt.model import build
        from microgrid_opt.solve import direct, handoff
        from microgrid_opt.solve.coarse import coarser_of
        from microgrid_opt.trading.parted import hold_sizes, sizes_of

        if not part.park.assets:
            return replace(answer, status="optimal", cost=0.0, bound=0.0, gap=0.0)
        co2 = None
        if part.park.carbon.needs_reference:
            base, _ = reference_of(part, self._asked)
            co2 = None if base is None else base[0].co2_kg
        draft = build(part, reference_co2_kg=co2)

        def held_sizes(draft: Draft, matrix: Matrix) -> Matrix:
            return hold_sizes(matrix, draft, self._sizes)

        matrix = held_sizes(draft, handoff.extract(draft.model))
        asked = self._asked
        held: Held = direct.solve(
            draft,
            matrix,
            asked.profile,
            asked.options,
            asked.time_limit_seconds,
            coarser=coarser_of(part, reference_co2_kg=co2, amend=held_sizes),
            strategy=asked.strategy,
        )
        run = held.run
        return replace(
            answer,
            status="optimal" if run.status == "optimal" else "feasible",
            cost=run.objective,
            bound=-math.inf if run.bound is None else run.bound,
            gap=run.gap,
            sizes=sizes_of(draft, matrix, held.solution),
        )
