"""Rows of a model that leave no member worse off than alone, payments included."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from microgrid_opt.builder import POLICIES, Builder
from microgrid_opt.formulations.access import IN, OUT
from microgrid_opt.ledger import Linear
from microgrid_opt.trading.costs import cost_form, in_pairs, joins, paid_shares
from microgrid_opt.trading.pairs import pairs_of
from microgrid_opt.trading.payments import band_of, fixed_price

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from microgrid_opt.draft import Draft
    from microgrid_opt.problem import Problem
    from microgrid_opt.trading.modes import Study
    from microgrid_opt.trading.pairs import Pair

    Numbers = NDArray[np.float64]

RULE = "no_worse_off"
"""Name of the row that keeps a member from being worse off."""


def nobody_worse_off(study: Study, draft: Draft) -> None:
    """Write a row for each member: its cost, payments included, is at most its cost alone.

    Parameters
    ----------
    study
        What the members cost alone, and the joint plan.
    draft
        The model of all members in pairs.
    """
    problem = in_pairs(study.problem)
    members = problem.park.members
    forms = {member: cost_form(problem, draft, member) for member in members}
    for pair in filter(joins, pairs_of(problem)):
        if not _keeps_sides(study, pair):
            # Power sent back at another price would carry money past the limits on prices.
            sent = Builder(draft, pair.seller, pair.key, "")
            sent.require_sum("closed", sent.total(sent.written("sent")), "<=", 0.0)
            continue
        paid = _money(study, problem, draft, pair)
        forms[pair.buyer] += paid
        forms[pair.seller] += -paid
    for member, form in forms.items():
        pen = Builder(draft, member, POLICIES, "")
        pen.require_sum(RULE, form.merged(), "<=", study.alone[member].cost)


def _keeps_sides(study: Study, pair: Pair) -> bool:
    """Return whether its meters send and receive in the joint plan as they would in a trade."""
    of = study.together.results.of
    return bool(
        of(f"{pair.seller}.{pair.source}.{OUT}").any()
        and of(f"{pair.buyer}.{pair.sink}.{IN}").any()
    )


def _money(study: Study, problem: Problem, draft: Draft, pair: Pair) -> Linear:
    """Return what is paid in a trade, within its prices."""
    pen = Builder(draft, pair.seller, pair.key, "")

    def energy(price: float | Numbers) -> Linear:
        of_sent, of_received = paid_shares(pair)
        if pair.window == "hour":
            return pen.total(pen.written("sent"), (of_sent + of_received * pair.delivered) * price)
        return pen.total(pen.written("sent"), of_sent * price) + pen.total(
            pen.written("received"), of_received * price
        )

    price = fixed_price(problem, pair)
    if price is not None:
        return energy(price)
    money = pen.scalar("payment", lower=-np.inf, upper=np.inf)
    paid = Linear([(money, np.ones(1))])
    band = band_of(pair, study.band)
    if np.isfinite(band.low):
        pen.require_sum("least_price", energy(band.low) - paid, "<=", 0.0)
    if np.isfinite(band.high):
        pen.require_sum("highest_price", paid - energy(band.high), "<=", 0.0)
    return paid
