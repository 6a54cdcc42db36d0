r"""What each member owns, at the dual prices of the joint plan: Owen's shares of its cost.

$$ C = \sum_r \pi_r\,(A x)_r + \sum_j d_j\,x_j + c^0, \qquad
   y_i = \sum_{r \in R_i} \pi_r\,(A x)_r + \sum_{j \in J_i} d_j\,x_j + c^0_i $$

| symbol | name | unit |
|---|---|---|
| $\pi_r, (A x)_r$ | dual and value of a row: it counts only where a limit holds | currency/unit, unit |
| $d_j, x_j$ | reduced cost and value of a column: it counts only at a bound | currency/unit, unit |
| $R_i, J_i, c^0_i$ | rows, columns and constant costs of member $i$ | – |

The first equation holds at every point with duals, whatever they are; at an optimum the sums are those
of right-hand sides and bounds. In a linear plan in which every limit belongs to somebody no coalition
costs less than its members' $y$: the duals stay feasible when the others go (G. Owen, On the core of
linear production games, Mathematical Programming 9, 1975, 358-370, doi:10.1007/BF01681356).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from microgrid_opt.builder import POLICIES
from microgrid_opt.errors import InputError
from microgrid_opt.trading.costs import cost_form
from microgrid_opt.trading.pairs import line_key, pairs_of
from microgrid_opt.trading.spec import NETWORK

if TYPE_CHECKING:
    from collections.abc import Iterable

    from microgrid_opt.solve.matrix import Block
    from microgrid_opt.study import Solved

RENT = 1e-6
"""A share of the cost below which what belongs to nobody is not worth a word."""


def dual_costs(held: Solved) -> tuple[dict[str, float], tuple[str, ...]]:
    """Return the cost of each member at dual prices [currency over the horizon], and notes.

    What limits of a trade are worth is split between its two sides; what limits of nobody are worth
    (lines of the network, rules for all together) between all members, which may leave the core.

    Raises
    ------
    InputError
        The plan has no duals.
    """
    problem, matrix, solution = held.problem, held.matrix, held.solution
    if solution.row_duals is None or solution.reduced_costs is None:
        raise InputError("owen: the plan has no duals; ask for a profile that gives them.")
    members = tuple(problem.park.members)
    trades = {pair.key: (pair.seller, pair.buyer) for pair in pairs_of(problem)}
    trading = problem.park.trading
    assert trading is not None
    nobody = {line_key(k) for k, line in trading.network.lines.items() if line.owner is None}
    nobody |= {POLICIES, NETWORK}
    found = {member: cost_form(problem, held.draft, member).constant for member in members}
    unowned: dict[str, float] = {}
    sides = (
        (matrix.rows, solution.row_duals * solution.activities),
        (matrix.columns, solution.reduced_costs * solution.values),
    )
    for blocks, worth in sides:
        for block, amount in _sums(blocks, worth):
            member, asset = [*block.name.split("."), "", ""][:2]
            if asset in nobody or member not in found:
                unowned[asset] = unowned.get(asset, 0.0) + amount
                continue
            owners = trades.get(asset, (member,))
            for owner in owners:
                found[owner] += amount / len(owners)
    left = sum(unowned.values())
    for member in members:
        found[member] += left / len(members)
    return found, _notes(held, unowned)


def _sums(blocks: Iterable[Block], worth: np.ndarray) -> list[tuple[Block, float]]:
    return [(block, float(np.sum(worth[block.slice]))) for block in blocks]


def _notes(held: Solved, unowned: dict[str, float]) -> tuple[str, ...]:
    scale = max(1.0, abs(held.results.cost))
    notes = []
    worth = {name: amount for name, amount in unowned.items() if abs(amount) > RENT * scale}
    if worth:
        listed = ", ".join(f"{name} {-amount:,.2f}" for name, amount in worth.items())
        notes.append(
            f"limits that belong to nobody are worth [{held.results.currency}]: {listed}; split evenly, "
            "and no promise to be in the core"
        )
    if held.matrix.is_mip:
        notes.append("dual prices are those with whole numbers held: no promise to be in the core")
    return tuple(notes)
