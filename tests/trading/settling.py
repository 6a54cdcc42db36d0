"""Plans of trades for tests: the members together and each alone, with prices and payments as given."""

from __future__ import annotations

from dataclasses import replace
from textwrap import dedent, indent
from typing import TYPE_CHECKING

from microgrid_opt import study
from microgrid_opt.trading.plans import Alone, TradePlan
from tests.support import EXACT, problem_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from microgrid_opt.problem import Problem

    Numbers = NDArray[np.float64]

HEAD = """
schema: 1
name: Trading
currency: CNY
site: {timezone: Asia/Shanghai}
"""
FINANCE = "{discount_rate: 0, project_years: 10, annuity: straight_line, investment_scaling: full}"


def text_of(
    members: Mapping[str, str],
    trading: str,
    *,
    trades: str = "",
    horizon: str = "hours: 1",
    more: str = "",
    start: str = "2025-06-02",
) -> str:
    """Return the text of a park whose members have these assets."""
    assets = "\n".join(
        line
        for key, text in members.items()
        for line in dedent(text.replace("OWN", key)).split("\n")
    )
    deals = f"  trades: {trades}\n" if trades else ""
    terms = "" if "finance:" in more else f"finance: {FINANCE}\n"
    return (
        f"{HEAD.strip()}\nhorizon: {{start: {start}, {horizon}}}\n{terms}{more}"
        f"members: {{{', '.join(f'{key}: {{}}' for key in members)}}}\n"
        f"trading:\n{indent(dedent(trading).strip(), '  ')}\n{deals}"
        f"assets:\n{indent(assets, '  ')}\n"
    )


def _alone(problem: Problem, member: str) -> Problem:
    """Return the problem of one member, whose meters have nobody to trade with."""
    park = problem.park
    assert park.trading is not None
    assets = {key: asset for key, asset in park.assets.items() if park.owner(key) == member}
    changes = {
        "members": {member: park.members[member]},
        "assets": assets,
        "trading": park.trading.of(assets, {member}),
    }
    return replace(problem, park=park.model_copy(update=changes))


def planned(
    members: Mapping[str, str],
    trading: str,
    *,
    trades: str = "",
    horizon: str = "hours: 1",
    more: str = "",
    start: str = "2025-06-02",
    payments: Mapping[str, float] | None = None,
    prices: Mapping[str, Numbers] | None = None,
) -> TradePlan:
    """Return the plan of all members of a text, audited, with every member's plan alone."""
    text = text_of(members, trading, trades=trades, horizon=horizon, more=more, start=start)
    return plan_of(problem_of(text), payments, prices)


def plan_of(
    problem: Problem,
    payments: Mapping[str, float] | None = None,
    prices: Mapping[str, Numbers] | None = None,
) -> TradePlan:
    """Return the plan of all members of a park, audited, with every member's plan alone."""
    results, audit = study.run(problem, EXACT)
    audit.require()
    alone = {}
    for key in problem.park.members:
        held, checked = study.run(_alone(problem, key), EXACT)
        checked.require()
        alone[key] = Alone(key, held.cost, held, checked)
    return TradePlan(problem, "joint", results, audit, alone, {}, payments or {}, prices or {})
