r"""The modes of a study of trades: alone, together, together with nobody worse off.

| mode | what is solved | payments |
|---|---|---|
| `standalone` | each member without the others | none |
| `joint` | least cost of all | none: they cancel |
| `joint_ir` | least cost of all with $c_i + \text{paid}_i - \text{received}_i \le c^0_i$ | those with the most even gains |
| `contract` | each side of a trade with a price, alone against it | as agreed |
| `clearing` | as `joint` | prices from duals (`microgrid_opt.trading.prices`) |
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np

from microgrid_opt.errors import AuditError, Finding, InfeasibleError, InputError, NoPlanError
from microgrid_opt.solve.status import Status
from microgrid_opt.study import Asked, Solved, reference_of, run_model
from microgrid_opt.trading.costs import (
    in_pairs,
    joins,
    member_costs,
    paid_kw,
    received_by,
    trades_between,
)
from microgrid_opt.trading.fingerprint import fingerprint
from microgrid_opt.trading.flows import traded
from microgrid_opt.trading.members import restricted
from microgrid_opt.trading.pairs import pairs_of
from microgrid_opt.trading.payments import (
    Band,
    fair_payments,
    money_limits,
)
from microgrid_opt.trading.plans import Alone, TradePlan
from microgrid_opt.trading.rational import nobody_worse_off

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from microgrid_opt.draft import Draft
    from microgrid_opt.problem import Problem
    from microgrid_opt.results import Results
    from microgrid_opt.trading.contracts import Contracted
    from microgrid_opt.trading.plans import Traded
    from microgrid_opt.trading.prices import Cleared

    Numbers = NDArray[np.float64]

MODES = ("standalone", "joint", "joint_ir", "contract", "clearing")
LOSS = 1e-7
"""A gain of all above minus this share of the costs is no loss."""


class Study:
    """A park whose members trade, solved once for each question that is asked.

    Parameters
    ----------
    problem
        The park with all its members.
    asked
        How to solve.
    band
        Prices that may be agreed where a trade does not say.
    known
        Members alone that were solved before, by content: other rules of trade leave them as they are.

    Raises
    ------
    InputError
        The park has no trading, or one member only.
    """

    def __init__(
        self,
        problem: Problem,
        asked: Asked | None = None,
        *,
        band: Band | None = None,
        known: dict[str, Solved | str] | None = None,
    ) -> None:
        if problem.park.trading is None:
            raise InputError("The park has no `trading`: give a network, and members with meters.")
        if len(problem.park.members) < 2:
            raise InputError("Trade needs two members at least: give `members`.")
        self.problem = problem
        self.asked = asked or Asked()
        self.band = band or Band()
        self._known = {} if known is None else known

    def run(self, modes: Sequence[str]) -> dict[str, TradePlan]:
        """Return the modes that are asked for, in order.

        Raises
        ------
        InputError
            A mode is not known.
        InfeasibleError
            The members have no plan together.
        """
        made: dict[str, Callable[[], TradePlan]] = {name: getattr(self, name) for name in MODES}
        for name in modes:
            if name not in made:
                raise InputError(f"There is no mode {name!r}: there are {', '.join(MODES)}.")
        return {name: made[name]() for name in modes}

    # ------------------------------------------------------------------ what is solved once

    def solved(
        self, problem: Problem, label: str, more: Callable[[Draft], None] | None = None
    ) -> Solved:
        """Return a solved problem; its cap of CO2 counts from its own reference plan.

        Raises
        ------
        InfeasibleError
            There is no plan.
        NoPlanError
            It was stopped: a plan that is not the best one would be compared with those that are.
        """
        co2 = None
        if problem.park.carbon.needs_reference:
            reference, _ = reference_of(problem, self.asked, label=f"{label}, reference")
            assert reference is not None  # a cap without it is refused
            co2 = reference[0].co2_kg
        held = run_model(problem, self.asked, reference_co2_kg=co2, label=label, more=more)
        if held.results.run.status == Status.INTERRUPTED.value:
            raise NoPlanError(
                f"{label}: stopped before its optimum was found; nothing was compared."
            )
        return held

    @cached_property
    def parts(self) -> dict[str, Problem]:
        """The problem of each member without the others."""
        return {member: restricted(self.problem, {member}) for member in self.problem.park.members}

    @cached_property
    def models(self) -> dict[str, Solved | str]:
        """Each member without the others, or why it cannot be alone."""
        return {member: self._alone(member, part) for member, part in self.parts.items()}

    def _alone(self, member: str, part: Problem) -> Solved | str:
        key = fingerprint(_untraded(part))
        if key not in self._known:
            try:
                self._known[key] = self.solved(part, f"{member} alone")
            except (InfeasibleError, InputError) as error:
                self._known[key] = f"cannot be alone: {error}"
        return self._known[key]

    @cached_property
    def alone(self) -> dict[str, Alone]:
        """Each member without the others."""
        return {
            member: Alone(member, math.inf, note=held)
            if isinstance(held, str)
            else Alone(member, held.results.cost, held.results, held.audit)
            for member, held in self.models.items()
        }

    @cached_property
    def together(self) -> Solved:
        """All members in one plan, as the park asks for it."""
        return self.solved(self.problem, "joint")

    # ------------------------------------------------------------------ modes

    def standalone(self) -> TradePlan:
        """Return every member without the others."""
        costs = {member: alone.cost for member, alone in self.alone.items()}
        notes = tuple(f"{m}: {alone.note}" for m, alone in self.alone.items() if alone.note)
        return TradePlan(self.problem, "standalone", None, None, self.alone, costs, notes=notes)

    def joint(self) -> TradePlan:
        """Return the plan with the least cost of all members.

        Raises
        ------
        AuditError
            It costs more than the members alone, and no rule of the group explains it.
        """
        held = self.together
        costs = member_costs(self.problem, held.results)
        notes = self._explained(costs, held.results)
        return TradePlan(
            self.problem, "joint", held.results, held.audit, self.alone, costs, notes=notes
        )

    def joint_ir(self) -> TradePlan:
        """Return the plan with the least cost of all in which nobody is worse off.

        Payments within the prices that may be agreed are looked for first; only if they cannot leave
        everybody as well off as alone, the plan is solved again with that as a rule.

        Raises
        ------
        InputError
            A member cannot be alone: nobody knows how well off it must be.
        InfeasibleError
            No plan and no prices leave everybody as well off as alone.
        """
        self.require_alone("joint_ir")
        notes: tuple[str, ...] = (
            "payments alone leave nobody worse off: the plan is that of joint",
        )
        held = self.together
        payments = self.payments(held.results)
        if payments is None:
            held = self.solved(in_pairs(self.problem), "joint_ir", partial(nobody_worse_off, self))
            payments = self.payments(held.results)
            if payments is None:
                raise InfeasibleError(
                    "joint_ir: the plan does not leave everybody as well off as alone to the last "
                    "digits: ask for a smaller gap."
                )
            more = held.results.cost - self.together.results.cost
            notes = (
                "no payments within the prices that may be agreed leave everybody as well off as "
                f"alone in the joint plan; this one costs {more:,.2f} {held.results.currency} more",
            )
        costs = member_costs(held.problem, held.results)
        return TradePlan(
            held.problem,
            "joint_ir",
            held.results,
            held.audit,
            self.alone,
            costs,
            payments,
            mean_prices(held.problem, held.results, payments),
            notes,
        )

    def contract(self) -> Contracted:
        """Return the trades that have a price, as both sides of each see them alone."""
        from microgrid_opt.trading.contracts import contracted

        return contracted(self)

    def clearing(self) -> Cleared:
        """Return the joint plan with prices from its duals."""
        from microgrid_opt.trading.prices import cleared

        return cleared(self)

    # ------------------------------------------------------------------ nobody worse off

    def require_alone(self, what: str) -> None:
        """Raise when a member cannot be alone.

        Raises
        ------
        InputError
            With the members and why.
        """
        findings = [
            Finding(
                f"{alone.note} What it gains in {what} cannot be told: give it a dear way to go without "
                "(a demand that may be left unserved at a price, a connection), or leave it out.",
                key=f"members.{member}",
            )
            for member, alone in self.alone.items()
            if not math.isfinite(alone.cost)
        ]
        if findings:
            raise self.problem.placed(InputError(findings))

    def payments(self, results: Results) -> dict[str, float] | None:
        """Return payments by trade that leave nobody worse off in a plan, if there are any."""
        problem = self.problem if results is self.together.results else in_pairs(self.problem)
        costs = member_costs(problem, results)
        saved = {member: self.alone[member].cost - cost for member, cost in costs.items()}
        scale = max(abs(alone.cost) for alone in self.alone.values())
        used = trades_between(problem, results)
        # Where nothing was sent, money may still pass if no price limits it.
        everything = tuple(t for t in traded(problem, results).values() if joins(t.pair))
        for trades in (used, everything):
            ends = [(trade.pair.seller, trade.pair.buyer) for trade in trades]
            limits = [money_limits(problem, trade, self.band) for trade in trades]
            middle = self._middle(trades)
            found = fair_payments(saved, ends, limits, scale=scale, wanted=middle)
            if found is not None:
                return {trade.pair.key: paid for trade, paid in zip(trades, found, strict=True)}
        return None

    def _middle(self, trades: Sequence[Traded]) -> list[tuple[float, float]]:
        """Return what is paid in the middle of the band in which both sides gain, and the energy."""
        from microgrid_opt.trading.prices import reservations

        bands = reservations(self, [trade.pair for trade in trades])
        hours = self.problem.horizon.hours
        found = []
        for trade in trades:
            energy = trade.sent * hours
            middle = np.where(energy > 0.0, 0.5 * np.add(*bands[trade.pair.key]), 0.0)
            found.append((float(np.nan_to_num(middle) @ energy), float(energy.sum())))
        return found

    # ------------------------------------------------------------------ is there a loss?

    def _explained(self, costs: Mapping[str, float], results: Results) -> tuple[str, ...]:
        """Return why the members together cost more than alone, where they do."""
        before = sum(alone.cost for alone in self.alone.values())
        gain = before - sum(costs.values())
        scale = max(1.0, sum(abs(alone.cost) for alone in self.alone.values()))
        if not gain < -LOSS * scale:
            return ()
        currency = self.problem.park.currency
        loss = f"together the members pay {-gain:,.2f} {currency} more than alone"
        reasons = [*self._rules_of_all(results)]
        gap = results.run.objective - (results.run.bound or -math.inf)
        if gap >= -gain:
            reasons.append(
                f"the plan is proven only to {gap:,.2f} {currency}: ask for a smaller gap"
            )
        if not reasons:
            raise AuditError(f"joint: {loss}, and no rule of the group explains it.")
        return (f"{loss}: {'; '.join(reasons)}",)

    def _rules_of_all(self, results: Results) -> list[str]:
        """Return the rules that bind the members together and none of them alone."""
        caps = results.caps
        binding = caps[caps["binding"] & ~caps["name"].str.contains(".", regex=False)]
        found = [f"{text} (a rule of all together)" for text in binding["description"]]
        trading = self.problem.park.trading
        assert trading is not None
        if trading.network.supply_node is not None and any(
            line.capacity_kw is not None for line in trading.network.lines.values()
        ):
            found.append("capacities of lines hold for all that passes, which nobody alone sees")
        if any(
            trade.profile_kw is not None or trade.min_kwh_year for trade in trading.trades.values()
        ):
            found.append("agreed volumes must be sent")
        return found


def _untraded(problem: Problem) -> Problem:
    """Return a problem without rules of trade, of which nobody alone knows."""
    return replace(
        problem,
        park=problem.park.model_copy(update={"trading": None}),
        arrays={k: v for k, v in problem.arrays.items() if not k.startswith("trading.")},
        periods={k: v for k, v in problem.periods.items() if not k.startswith("trading.")},
    )


def gains(plan: TradePlan) -> dict[str, float]:
    """Return what each member gains against being alone, payments included [currency]."""
    received = received_by(plan.costs, pairs_of(plan.problem), plan.payments)
    return {
        member: plan.alone[member].cost - cost + received[member]
        for member, cost in plan.costs.items()
    }


def mean_prices(
    problem: Problem, results: Results, payments: Mapping[str, float]
) -> dict[str, Numbers]:
    """Return what is paid by kWh that is paid for [currency/kWh], one number for all steps."""
    found = {}
    hours = problem.horizon.hours
    for trade in trades_between(problem, results):
        energy = float(paid_kw(trade) @ hours)
        if trade.pair.key in payments and energy > 0.0:
            found[trade.pair.key] = np.full(len(hours), payments[trade.pair.key] / energy)
    return found
