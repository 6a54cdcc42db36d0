"""Problem -> built model: every asset, the policies, the balances, the objective."""

from __future__ import annotations

from typing import TYPE_CHECKING

from microgrid_opt.builder import (
    POLICIES,
    Builder,
    close_balances,
    close_objective,
    new_draft,
    without_garbage_collection,
)
from microgrid_opt.carriers import CARRIERS
from microgrid_opt.errors import Finding, InputError
from microgrid_opt.finance.spec import INVESTMENT
from microgrid_opt.ledger import COST
from microgrid_opt.policies.areas import limit_areas
from microgrid_opt.policies.incentives import pay_incentives
from microgrid_opt.trading.write import write_trades

if TYPE_CHECKING:
    from microgrid_opt.draft import Draft, Inside
    from microgrid_opt.problem import Problem


def build(
    problem: Problem, *, reference_co2_kg: float | None = None, inside: Inside | None = None
) -> Draft:
    """Write the Pyomo model of a problem.

    Parameters
    ----------
    problem
        Park, time axis and arrays.
    reference_co2_kg
        CO2 of the reference plan over the horizon [kg], for caps stated relative to it.
    inside
        Where to write a stage of a pathway, whose objective is that of all stages.

    Returns
    -------
    Draft
        The model, with its columns, flows, ledger, sizes and caps.
    """
    park = problem.park
    with without_garbage_collection():
        draft = new_draft(
            problem.horizon,
            park.finance_of,
            problem.arrays,
            lambda carrier: park.carrier(carrier).flow_unit,
            inside,
        )
        draft.trades = park.trading is not None
        pens = {
            key: Builder(draft, park.owner(key), key, f"assets.{key}", park.place(key))
            for key in park.assets
        }
        for key, asset in park.assets.items():
            try:
                asset.build(pens[key])
            except InputError as error:
                raise problem.placed(error, f"assets.{key}") from None
        for key, asset in park.assets.items():
            asset.close(pens[key], park.assets)
        if draft.trades:
            write_trades(problem, draft)
        rules = Builder(draft, next(iter(park.members)), POLICIES, "")
        park.targets.build(rules)
        limit_areas(rules, park.areas)
        _refuse_misnamed_money(problem, draft)
        pay_incentives(park.finance.incentives, pens, rules)
        try:
            park.carbon.build(rules, reference_co2_kg, draft.flows, {**CARRIERS, **park.carriers})
            close_balances(draft)
        except InputError as error:
            raise problem.placed(error) from None
        if inside is None:
            close_objective(draft)
    return draft


def _refuse_misnamed_money(problem: Problem, draft: Draft) -> None:
    """Raise for growth or tax of what the ledger does not have, and incentives of what it has."""
    if problem.is_reference or problem.is_part:
        return  # they have fewer assets; what the whole plan books is judged
    assets = problem.park.assets
    booked = {(entry.asset, entry.category) for entry in draft.entries if entry.effect == COST}
    categories = sorted({category for _, category in booked})
    findings = [
        Finding(
            "is a category of the ledger: choose another key.", key=f"finance.incentives.{name}"
        )
        for name in problem.park.finance.incentives
        if name in categories
    ]
    for key, word in problem.park.finance.named():
        asset, _, category = word.rpartition(".")
        known = (asset, category) in booked if asset else word in assets or word in categories
        if not known and word != INVESTMENT:
            findings.append(
                Finding(
                    f"is neither an asset nor a category of costs: there are {', '.join(assets)}; "
                    f"{', '.join(categories)}.",
                    key=f"finance.{key}",
                )
            )
    if findings:
        raise problem.placed(InputError(findings))
