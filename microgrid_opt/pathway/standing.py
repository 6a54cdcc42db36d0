"""What the stages of a pathway leave to the later ones, in numbers.

Two programs work with it: the myopic pathway, which plans one stage after the other, and the audit,
which follows every purchase through the stages without the model.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from microgrid_opt.formulations.vintages import History, Lot
from microgrid_opt.ledger import Linear

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from microgrid_opt.fields import Size
    from microgrid_opt.problem import Problem
    from microgrid_opt.results import Results

    Standing = Mapping[tuple[str, str], tuple["Held", ...]]
    Kept = Mapping[tuple[str, str, int | None], float]

WHOLE = 2e-6
"""A binary is whole to 1e-6 only: purchases below this share of their limit are none [-]."""


@dataclass(frozen=True)
class Held:
    """Capacity of one origin that stands when a stage begins.

    Parameters
    ----------
    since
        Year of the stage that bought it; ``None`` for existing capacity.
    until
        Year in which its life is over.
    amount
        What is in operation, in the unit of its size.
    most
        Of existing capacity all that there was, of a purchase what was bought.
    annual, upkeep
        Yearly cost of the purchase, and of keeping up what was paid once [currency/year].
    """

    since: int | None
    until: float
    amount: float
    most: float
    annual: float = 0.0
    upkeep: float = 0.0


def history_of(year: int, standing: Standing) -> History:
    """Return numbers as the history that the model of a stage is written with."""
    return History(
        year,
        {
            key: tuple(
                Lot(
                    lot.since,
                    lot.until,
                    Linear(constant=lot.amount),
                    lot.most,
                    Linear(constant=lot.annual),
                    Linear(constant=lot.upkeep),
                )
                for lot in lots
            )
            for key, lots in standing.items()
        },
    )


def left_to(year: int, problem: Problem, standing: Standing) -> Standing:
    """Return what stands in a stage before it decides: what still lives, and still exists.

    Parameters
    ----------
    year, problem
        The stage.
    standing
        What the stage before it ran.
    """
    found: dict[tuple[str, str], tuple[Held, ...]] = {}
    for asset, name, spec in _sizes(problem):
        lots = standing.get((asset, name))
        if lots is not None:
            found[asset, name] = tuple(
                replace(lot, amount=min(lot.amount, spec.existing)) if lot.since is None else lot
                for lot in lots
                if year < lot.until
            )
    return found


def left_by(year: int, problem: Problem, results: Results, kept: Kept) -> Standing:
    """Return what a stage runs, for the stages after it.

    Parameters
    ----------
    year, problem, results
        The stage; its problem holds what was there before.
    kept
        What it runs of each origin, by asset, size and year of purchase.
    """
    rows = {(row["asset"], row["size"]): row for row in results.sizes.to_dict("records")}
    found: dict[tuple[str, str], tuple[Held, ...]] = {}
    for asset, name, spec in _sizes(problem):
        key = (asset, name)
        before = problem.standing.get(key)
        if before is None:
            before = (Held(None, math.inf, spec.existing, spec.existing),)
        lots = [
            replace(
                lot,
                amount=kept[(*key, lot.since)],
                most=spec.existing if lot.since is None else lot.most,
            )
            for lot in before
        ]
        if spec.lifetime_years is not None:
            lots.append(_purchase(year, spec, rows[key]))
        found[key] = tuple(lots)
    return found


def _purchase(year: int, spec: Size, row: Mapping[Any, Any]) -> Held:
    new = float(row["new"])
    once = spec.fixed_capex * spec.fixed_om_fraction if _pays_once(spec, row) else 0.0
    until = year + float(spec.lifetime_years or 0.0)
    return Held(year, until, new, new, float(row["annual_cost"]), once)


def _pays_once(spec: Size, row: Mapping[Any, Any]) -> bool:
    """Return whether a purchase paid its one-off cost."""
    new, room = float(row["new"]), spec.maximum or 0.0
    paid = float(row["capex"]) > spec.capex_of(new) + 0.5 * spec.fixed_capex
    return bool(paid or new > WHOLE * max(1.0, float(row["total"]), room))


def _sizes(problem: Problem) -> Iterable[tuple[str, str, Size]]:
    for asset, held in problem.park.assets.items():
        for name, spec in held.sizes().items():
            yield asset, name, spec
