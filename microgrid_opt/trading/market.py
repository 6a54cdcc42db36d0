"""Market experiments: the same park under one set of rules after another, side by side.

No strategies of members are assumed: each set of rules is judged by the plan with the least cost of all
(`joint`), against every member alone under the same rules. What can be told of prices without assuming how
they are found is the range in which both sides of a trade gain.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from microgrid_opt import study as studies
from microgrid_opt.errors import InfeasibleError, InputError
from microgrid_opt.problem import Problem
from microgrid_opt.trading.costs import trades_between
from microgrid_opt.trading.modes import Study
from microgrid_opt.trading.overview import figures
from microgrid_opt.trading.prices import reservations
from microgrid_opt.trading.settlement import settle

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pandas as pd

    from microgrid_opt.study import Asked, Solved
    from microgrid_opt.trading.plans import TradePlan
    from microgrid_opt.trading.rulesets import RuleSet

INDICATORS = (
    "cost_alone",
    "cost",
    "welfare",
    "supplier",
    "network",
    "state",
    "co2_kg",
    "self_sufficiency",
    "sent_kwh",
)
"""Columns of the table: money in currency, over the horizon; `welfare` is what all members gain."""


@dataclass(frozen=True)
class Range:
    """Mean prices between which both sides of a trade gain [currency per kWh sent], and its energy."""

    trade: str
    low: float
    high: float
    sent_kwh: float


@dataclass(frozen=True, eq=False)
class Outcome:
    """A park under one set of rules.

    Parameters
    ----------
    name, label
        Of the rules.
    values
        `INDICATORS` over the horizon; NaN where there is no plan.
    accounts
        What accounts outside the park get [currency].
    ranges
        Negotiation ranges of the trades, where they are asked for.
    plan
        The joint plan.
    notes
        What a reader must know.
    """

    name: str
    label: str
    values: Mapping[str, float]
    accounts: Mapping[str, float] = field(default_factory=dict)
    ranges: tuple[Range, ...] = ()
    plan: TradePlan | None = None
    notes: tuple[str, ...] = ()


def experiments(
    park: str,
    rules: Mapping[str, RuleSet],
    *,
    scenario: str | None = None,
    sets: Sequence[str] = (),
    asked: Asked | None = None,
    ranges: bool = False,
    on_rules: Callable[[str], None] | None = None,
) -> list[Outcome]:
    """Solve a park under every set of rules.

    Parameters
    ----------
    park
        A park file, a folder, or the name of a shipped case.
    rules
        Sets of rules by name.
    scenario, sets
        Of the park file, before the rules.
    asked
        How to solve.
    ranges
        Whether to tell the prices between which both sides of each trade gain.
    on_rules
        Called with the name of each set before it is solved.

    Raises
    ------
    InputError
        With what any set of rules has wrong, before anything is solved.
    """
    problems: dict[str, Problem] = {}
    findings = []
    for name, one in rules.items():
        try:
            problems[name] = _problem(park, scenario, (*sets, *one.sets), one)
        except InputError as error:
            findings += [
                replace(f, message=f"{f.message} (rules {name!r})") for f in error.findings
            ]
    if findings:
        raise InputError(findings)
    known: dict[str, Solved | str] = {}
    found = []
    for name, problem in problems.items():
        if on_rules is not None:
            on_rules(name)
        study = Study(problem, asked, known=known)
        found.append(_outcome(study, name, rules[name].label or name, ranges=ranges))
    return found


def _problem(park: str, scenario: str | None, sets: Sequence[str], rules: RuleSet) -> Problem:
    problem = studies.load(park, scenario=scenario, sets=sets)
    if not isinstance(problem, Problem) or problem.park.trading is None:
        raise InputError(f"{park} has no `trading`, or has stages: there is no market to try.")
    return rules.applied(problem)


def _outcome(study: Study, name: str, label: str, *, ranges: bool) -> Outcome:
    """Return what a park does under its rules."""
    try:
        plan = study.joint()
    except InfeasibleError as error:
        return Outcome(name, label, dict.fromkeys(INDICATORS, math.nan), notes=(str(error),))
    results = plan.results
    assert results is not None
    one, accounts = figures(plan), settle(plan).accounts
    gets = {account: accounts.total(account, "after") for account in accounts.names}
    alone = sum(member.cost for member in study.alone.values())
    cost = sum(plan.costs.values())
    sufficiency = results.indicators().get("self_sufficiency")
    values = {
        "cost_alone": alone,
        "cost": cost,
        "welfare": alone - cost,
        "supplier": gets["supplier"],
        "network": gets["network"],
        "state": gets["state"],
        "co2_kg": results.co2_kg,
        "self_sufficiency": math.nan if sufficiency is None else sufficiency.value,
        "sent_kwh": sum(one.sent_kwh.values()),
    }
    found = _ranges(study, plan) if ranges else ()
    return Outcome(name, label, values, gets, found, plan, plan.notes)


def _ranges(study: Study, plan: TradePlan) -> tuple[Range, ...]:
    """Return the mean price range of each trade, by the energy that is sent."""
    assert plan.results is not None
    hours = plan.problem.horizon.hours
    trades = trades_between(plan.problem, plan.results)
    bands = reservations(study, [trade.pair for trade in trades])
    found = []
    for trade in trades:
        energy = trade.sent * hours
        low, high = (float(np.average(end, weights=energy)) for end in bands[trade.pair.key])
        found.append(Range(trade.pair.key, low, high, float(energy.sum())))
    return tuple(found)


def table(outcomes: Sequence[Outcome]) -> pd.DataFrame:
    """Return a row for each set of rules with all indicators."""
    import pandas as pd

    rows = [{"rules": one.name, "label": one.label, **one.values} for one in outcomes]
    return pd.DataFrame(rows, columns=["rules", "label", *INDICATORS])


def ranges_table(outcomes: Sequence[Outcome]) -> pd.DataFrame:
    """Return a row for each set of rules and trade: prices per kWh sent."""
    import pandas as pd

    rows = [
        (one.name, found.trade, found.sent_kwh, found.low, found.high)
        for one in outcomes
        for found in one.ranges
    ]
    return pd.DataFrame(rows, columns=["rules", "trade", "sent_kwh", "low", "high"])


def told(outcomes: Sequence[Outcome], currency: str) -> dict[str, Any]:
    """Return all outcomes as JSON knows them."""
    return {
        "schema": 1,
        "currency": currency,
        "rule_sets": {
            one.name: {
                "label": one.label,
                **{k: v if math.isfinite(v) else None for k, v in one.values.items()},
                "accounts": dict(one.accounts),
                "price_ranges": {r.trade: [_known(r.low), _known(r.high)] for r in one.ranges},
                "notes": list(one.notes),
            }
            for one in outcomes
        },
    }


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
