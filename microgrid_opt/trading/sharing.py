r"""Sharing the gain of a study: the game of its coalitions, the rules, and who pays what for it.

$$ v(S) = \sum_{i \in S} c(\{i\}) - c(S), \qquad
   \text{received}_i = x_i - \bigl(c(\{i\}) - c_i\bigr) $$

$x_i$ is the share of member $i$ by a rule (`microgrid_opt.trading.allocation`), $c_i$ its cost in the
joint plan before payments. Two rules settle by trades instead: with the mid-market rate all trades of a
step have one price, half-way between what sellers would earn and buyers would save alone, in the mean of
the energy; with `pairs` the two sides of each trade share its gain equally. Owen's shares come from the
duals of the joint plan (`microgrid_opt.trading.duals`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from microgrid_opt.errors import Finding, InputError, NoPlanError
from microgrid_opt.results import DUST
from microgrid_opt.trading import allocation
from microgrid_opt.trading.coalitions import Coalitions
from microgrid_opt.trading.costs import member_costs, received_by, trades_between
from microgrid_opt.trading.duals import dual_costs
from microgrid_opt.trading.prices import reservations

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import pandas as pd

    from microgrid_opt.results import Results
    from microgrid_opt.trading.allocation import Allocation, Game
    from microgrid_opt.trading.coalition import CoalitionCost, Kind
    from microgrid_opt.trading.coalitions import CoalitionProgress
    from microgrid_opt.trading.modes import Study

    Members = frozenset[str]

LISTED = 12
"""Most members for which all coalitions are solved unasked."""
RULES = (
    "shapley",
    "nucleolus",
    "least_core",
    "fair_least_core",
    "owen",
    "nash",
    "pro_rata",
    "mid_market",
    "pairs",
)
OF_ALL = frozenset(("shapley", "nucleolus", "least_core", "fair_least_core"))
"""Rules that ask for all coalitions."""


@dataclass(frozen=True, eq=False)
class Shared:
    """The gain shared by one rule.

    Parameters
    ----------
    allocation
        Shares, individual rationality, largest excess of a coalition.
    received
        What each member gets from the others, less what it pays them [currency over the horizon].
    payback_years
        Simple payback of what a member invests beyond its plan alone; ``None`` where it invests no
        more, infinite where it never comes back.
    """

    allocation: Allocation
    received: Mapping[str, float]
    payback_years: Mapping[str, float | None]


@dataclass(frozen=True, eq=False)
class Sharing:
    """The gain of a study, shared by some rules.

    Parameters
    ----------
    kind
        The game: ``resized`` or ``frozen``.
    currency
        Of all money.
    costs
        Coalitions that were solved.
    by_rule
        Shares by rule.
    """

    kind: Kind
    currency: str
    costs: Mapping[Members, CoalitionCost]
    by_rule: Mapping[str, Shared]

    def table(self) -> pd.DataFrame:
        """Return a row for each rule and member; money in currency over the horizon."""
        import pandas as pd

        rows = [
            (
                rule,
                member,
                share,
                one.received[member],
                one.payback_years[member],
                one.allocation.rational[member],
            )
            for rule, one in self.by_rule.items()
            for member, share in one.allocation.shares.items()
        ]
        names = ["rule", "member", "share", "received", "payback_years", "rational"]
        return pd.DataFrame(rows, columns=names)

    def coalitions(self) -> pd.DataFrame:
        """Return a row for each coalition that was solved: its cost and what it gains."""
        import pandas as pd

        alone = {next(iter(who)): one.cost for who, one in self.costs.items() if len(who) == 1}
        rows = [
            (one.label, len(who), one.cost, sum(alone[i] for i in who) - one.cost, one.status)
            for who, one in self.costs.items()
        ]
        return pd.DataFrame(rows, columns=["coalition", "members", "cost", "gain", "status"])


@dataclass(frozen=True)
class Parallel:
    """How coalitions are solved: processes, a Dask scheduler's address, folder of answers, listener."""

    workers: int = 1
    scheduler: str | None = None
    cache: Path | None = None
    on_progress: Callable[[CoalitionProgress], None] | None = None


def share(
    study: Study,
    rules: Sequence[str],
    *,
    kind: Kind = "resized",
    weights: Mapping[str, float] | None = None,
    how: Parallel | None = None,
) -> Sharing:
    """Share the gain of a study by some rules.

    Parameters
    ----------
    study
        The park and how to solve it.
    rules
        Names, of `RULES`.
    kind
        Whether coalitions choose their sizes, or have those of the plan of all.
    weights
        Bargaining powers by member, for ``nash``; equal when left out.
    how
        How coalitions are solved.

    Raises
    ------
    InputError
        An unknown rule, a member that cannot be alone, a coalition without a plan, or weights of
        somebody else.
    NoPlanError
        Ctrl-C; coalitions that were finished are in the folder of answers.
    """
    unknown = [rule for rule in rules if rule not in RULES]
    if unknown:
        raise InputError(f"There is no sharing rule {unknown[0]!r}: there are {', '.join(RULES)}.")
    study.require_alone("a sharing")
    how = how or Parallel()
    with Coalitions(
        study.problem,
        kind=kind,
        asked=study.asked,
        workers=how.workers,
        scheduler=how.scheduler,
        cache=how.cache,
        on_progress=how.on_progress,
    ) as runner:
        asked = _Asked(runner)
        wants_all = bool(OF_ALL & set(rules)) and len(runner.members) <= LISTED
        asked.solve(
            runner.every
            if wants_all
            else [*(frozenset([m]) for m in runner.members), frozenset(runner.members)]
        )
        game = asked.game(study.problem.park.currency)
        if wants_all:
            game.table()  # then every rule is checked against all coalitions
        sharer = _Sharer(study, game, asked.alone, weights)
        by_rule = {rule: sharer.shared(rule) for rule in rules}
        return Sharing(kind, study.problem.park.currency, asked.costs, by_rule)


class _Asked:
    """Costs of coalitions, each asked for once; an error where there is no plan."""

    def __init__(self, runner: Coalitions) -> None:
        self._runner = runner
        self.costs: dict[Members, CoalitionCost] = {}

    def solve(self, coalitions: Sequence[Members]) -> None:
        """Solve coalitions.

        Raises
        ------
        InputError
            One has no plan.
        NoPlanError
            Ctrl-C.
        """
        found = self._runner.costs(coalitions)
        self.costs |= found
        if self._runner.interrupted or len(found) < len(set(coalitions)):
            raise NoPlanError(
                f"Stopped after {len(self.costs)} coalitions; with a folder of answers the next run "
                "goes on from there."
            )
        lost = [one for one in found.values() if not math.isfinite(one.cost)]
        if lost:
            raise InputError([Finding(f"{one.label} has no plan: {one.message}") for one in lost])

    @property
    def alone(self) -> dict[str, float]:
        """Cost of each member alone, in this game."""
        return {member: self.costs[frozenset([member])].cost for member in self._runner.members}

    def game(self, currency: str) -> Game:
        """Return the savings game; coalitions not solved yet are solved when asked for."""
        alone = self.alone

        def worth(coalitions: Sequence[Members]) -> list[float]:
            missing = [who for who in coalitions if who not in self.costs]
            if missing:
                self.solve(missing)
            return [sum(alone[i] for i in who) - self.costs[who].cost for who in coalitions]

        loose = [one.cost - one.bound for one in self.costs.values() if math.isfinite(one.bound)]
        return allocation.Game(
            self._runner.members,
            lambda who: worth([who])[0],
            currency,
            worth,
            accuracy=2.0 * max(loose, default=0.0),
        )


class _Sharer:
    """One game, shared by any rule."""

    def __init__(
        self,
        study: Study,
        game: Game,
        alone: Mapping[str, float],
        weights: Mapping[str, float] | None,
    ) -> None:
        self._study, self._game, self._alone, self._weights = study, game, alone, weights
        held = study.together
        self._saved = {
            member: alone[member] - cost
            for member, cost in member_costs(held.problem, held.results).items()
        }

    def shared(self, rule: str) -> Shared:
        """Return the gain shared by a rule."""
        made: dict[str, Callable[[], Allocation]] = {
            "shapley": lambda: allocation.shapley(self._game),
            "nucleolus": lambda: allocation.nucleolus(self._game),
            "least_core": lambda: allocation.least_core(self._game),
            "fair_least_core": lambda: allocation.fair_least_core(self._game),
            "nash": lambda: allocation.nash(self._game, self._weights),
            "pro_rata": lambda: allocation.pro_rata(self._game, self._volumes()),
            "owen": self._owen,
            "mid_market": lambda: self._by_trades("mid_market", pooled=True),
            "pairs": lambda: self._by_trades("pairs", pooled=False),
        }
        found = made[rule]()
        received = {member: share - self._saved[member] for member, share in found.shares.items()}
        return Shared(found, received, self._paybacks(found.shares))

    def _owen(self) -> Allocation:
        costs, notes = dual_costs(self._study.together)
        shares = {member: self._alone[member] - cost for member, cost in costs.items()}
        return allocation.assess(self._game, "owen", self._game.array(shares), notes=notes)

    def _volumes(self) -> dict[str, float]:
        """Return what each member sent and received [kWh]."""
        held = self._study.together
        hours = held.problem.horizon.hours
        found = dict.fromkeys(self._game.players, 0.0)
        for trade in trades_between(held.problem, held.results):
            found[trade.pair.seller] += float(trade.sent @ hours)
            found[trade.pair.buyer] += float(trade.received @ hours)
        if not any(found.values()):
            raise InputError("pro_rata: nothing is traded, so there are no volumes to share by.")
        return found

    def _by_trades(self, rule: str, *, pooled: bool) -> Allocation:
        """Return the shares when trades are paid half-way between what both sides have alone."""
        held = self._study.together
        trades = trades_between(held.problem, held.results)
        bands = reservations(self._study, [trade.pair for trade in trades])
        hours = held.problem.horizon.hours
        sent = {trade.pair.key: trade.sent * hours for trade in trades}
        middle = {
            key: np.where(np.isfinite(low + high), 0.5 * (low + high), 0.0)
            for key, (low, high) in bands.items()
        }
        if pooled and trades:
            energy = sum(sent.values())
            money = sum(middle[key] * sent[key] for key in sent)
            one = np.divide(money, energy, out=np.zeros(len(hours)), where=energy > 0.0)
            middle = dict.fromkeys(sent, one)
        payments = {key: float(middle[key] @ amount) for key, amount in sent.items()}
        pairs = [trade.pair for trade in trades]
        received = received_by(self._game.players, pairs, payments)
        shares = {member: self._saved[member] + received[member] for member in received}
        return allocation.assess(self._game, rule, self._game.array(shares))

    def _paybacks(self, shares: Mapping[str, float]) -> dict[str, float | None]:
        problem = self._study.problem
        joint = _invested(self._study.together.results)
        found: dict[str, float | None] = {}
        for member, share in shares.items():
            results = self._study.alone[member].results
            before = (0.0, 0.0) if results is None else _invested(results).get(member, (0.0, 0.0))
            capex, annual = (
                now - then for now, then in zip(joint.get(member, (0.0, 0.0)), before, strict=True)
            )
            # What capital costs enters the gain with the share of a year that the horizon carries.
            carried = problem.park.finance_of(member).investment_share(problem.horizon)
            yearly = share / carried + annual
            if capex <= DUST:
                found[member] = None
            else:
                found[member] = capex / yearly if yearly > 0.0 else math.inf
        return found


def _invested(results: Results) -> dict[str, tuple[float, float]]:
    """Return what each member invests [currency] and its yearly cost [currency/year]."""
    sums = results.sizes.groupby("member")[["capex", "annual_cost"]].sum()
    return {str(m): (float(row["capex"]), float(row["annual_cost"])) for m, row in sums.iterrows()}
