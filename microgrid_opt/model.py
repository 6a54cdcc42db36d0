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
from microgrid_opt.errors import InputError
from microgrid_opt.policies.areas import limit_areas

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
            park.finance,
            problem.arrays,
            lambda carrier: park.carrier(carrier).flow_unit,
            inside,
        )
        for key, asset in park.assets.items():
            path = f"assets.{key}"
            try:
                asset.build(Builder(draft, park.owner(key), key, path, park.place(key)))
            except InputError as error:
                raise problem.placed(error, path) from None
        for key, asset in park.assets.items():
            pen = Builder(draft, park.owner(key), key, f"assets.{key}", park.place(key))
            asset.close(pen, park.assets)
        rules = Builder(draft, next(iter(park.members)), POLICIES, "")
        park.targets.build(rules)
        limit_areas(rules, park.areas)
        try:
            park.carbon.build(rules, reference_co2_kg, draft.flows, {**CARRIERS, **park.carriers})
            close_balances(draft)
        except InputError as error:
            raise problem.placed(error) from None
        if inside is None:
            close_objective(draft)
    return draft
