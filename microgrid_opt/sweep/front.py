r"""The ends of the front of cost and CO2, and the caps between them.

The front is found by the $\varepsilon$-constraint method,
$$ \min\; C(x) \quad\text{s.t.}\quad E(x) \le \varepsilon_k,\; x \in X, \qquad
   \varepsilon_k = E_0 + \frac{k}{n - 1}\,(E_1 - E_0),\; k = 0, \dots, n - 1 $$
between the payoffs of two lexicographic optima (Mavrotas, 2009, doi:10.1016/j.amc.2009.03.037): $E_0$ is
the least CO2 of all plans of least cost, $E_1$ the least CO2, of which the last point takes the
cheapest plan. So no end is dominated: of plans that cost the same the one with less CO2 counts. For a
linear model cost falls strictly between them as the cap loosens, and every point is efficient. Of a year
in pieces $E_0$ is the CO2 of the least-cost plan that is found, and $E_1$ lies 3 % of the front above
the least CO2 that is found, whose gap is 0.2 % or the one that is asked for.

| symbol | name | unit |
|---|---|---|
| $C, E$ | cost and CO2 of the plan, sums of the ledger | currency, kg |
| $\varepsilon_k$ | cap | kg |
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from microgrid_opt.errors import InputError, NoPlanError
from microgrid_opt.ledger import CO2, KG_PER_T
from microgrid_opt.sweep.axes import CAP

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from microgrid_opt.draft import Draft
    from microgrid_opt.problem import Problem
    from microgrid_opt.solve.chain import Chain
    from microgrid_opt.solve.direct import Held
    from microgrid_opt.solve.matrix import Matrix
    from microgrid_opt.sweep.points import Point

    Floats = NDArray[np.float64]

CO2_CAP = "co2_cap"
TIE = 1e-7
"""Share of its cost that the least-cost plan may cost more for the least CO2 [-]."""
SLACK, SLACK_IN_PIECES = 1e-6, 0.03
"""Share of the front by which the last cap is looser than the least CO2. Solvers need some room; near the
least CO2 of a year a tonne costs without end, and pieces of the year find no plan in many rounds."""
NEAR_LEAST = 2e-3
"""Gap to which the least CO2 of a year in pieces is found, where none is asked for."""
STEP, MOST_GAP = 0.02, 1e-3
"""Share of what the step from the looser neighbour costs up to which the cost of a point of a year in
pieces may be open; the gap that it may have at most."""
UNBOUNDED = "without end"
"""What an unbounded model is told with."""
FLAT = 1e-6
"""Share of the CO2 below which cost and CO2 do not conflict [-]."""


def with_cap(problem: Problem, t_per_year: float) -> Problem:
    """Return a problem with another cap on its CO2, as `--set` would make it.

    Series do not depend on it, so that nothing has to be read again.
    """
    carbon = problem.park.carbon
    sets = [f"{CAP}={t_per_year!r}"]
    if carbon.reduction_fraction is not None:
        sets.insert(0, "carbon.reduction_fraction=null")
    changed = carbon.model_copy(
        update={"reduction_fraction": None, "cap_t_per_year": float(t_per_year)}
    )
    origin = replace(problem.origin, sets=(*problem.origin.sets, *sets))
    park = problem.park.model_copy(update={"carbon": changed})
    return replace(problem, park=park, origin=origin)


def cap_row(draft: Draft, matrix: Matrix) -> int:
    """Return the row of the cap on CO2.

    Raises
    ------
    InputError
        The park has no CO2, or nothing in a plan changes it.
    """
    if not any(entry.effect == CO2 for entry in draft.entries):
        raise InputError(
            "The park has no CO2 to limit: give what it buys or burns a factor, as in "
            "`assets.grid.co2_kg_per_kwh: 0.57`."
        )
    cap = next(cap for cap in draft.caps if cap.name == CO2_CAP)
    if cap.row not in matrix.row_blocks:
        raise InputError("Nothing in the plan changes the CO2 of this park: it has no front.")
    return matrix.row_blocks[cap.row].start


def emissions(draft: Draft, matrix: Matrix) -> tuple[Floats, float]:
    """Return the CO2 per unit of each column, shape (columns,), and the constant rest [kg]."""
    factors, rest = np.zeros(matrix.column_count), 0.0
    for entry in draft.entries:
        if entry.effect == CO2:
            amount = entry.amount.merged()
            rest += amount.constant
            for container, values in amount.terms:
                factors[matrix.column_blocks[container.name].slice] += values
    return factors, rest


def capped(draft: Draft, matrix: Matrix, kg: float) -> Matrix:
    """Return the model with another limit on its CO2 over the horizon."""
    cap = next(cap for cap in draft.caps if cap.name == CO2_CAP)
    upper = matrix.row_upper.copy()
    upper[cap_row(draft, matrix)] = kg - cap.amount.constant
    return replace(matrix, row_upper=upper)


def recapped(draft: Draft, matrix: Matrix, problem: Problem) -> tuple[Draft, Matrix]:
    """Return the model of a problem that differs in the cap on its CO2 only from the one written."""
    limit = problem.park.carbon.limit_kg(problem.horizon.year_share, None)
    assert limit is not None
    caps = [replace(cap, limit=limit) if cap.name == CO2_CAP else cap for cap in draft.caps]
    return replace(draft, caps=caps), capped(draft, matrix, limit)


def objective(price_per_kg: float, share_of_cost: float) -> Callable[[Draft, Matrix], Matrix]:
    """Return what changes a model: no cap, and another objective of CO2 and cost."""

    def amend(draft: Draft, matrix: Matrix) -> Matrix:
        factors, rest = emissions(draft, matrix)
        return replace(
            capped(draft, matrix, np.inf),
            cost=share_of_cost * matrix.cost + price_per_kg * factors,
            offset=share_of_cost * matrix.offset + price_per_kg * rest,
        )

    return amend


def ends(
    problem: Problem, chain: Chain, left: Callable[[], float | None]
) -> tuple[tuple[float, Held], tuple[float, Held]]:
    """Return CO2 over the horizon [kg] and plan at both ends: least cost first, then least CO2.

    Parameters
    ----------
    problem
        The park, whatever its cap.
    chain
        Solves.
    left
        Wall time that is left [s].

    Raises
    ------
    InputError
        There is no front: no CO2, CO2 that falls without end, or one plan that is both.
    """
    from microgrid_opt.model import build
    from microgrid_opt.solve.coarse import coarser_of
    from microgrid_opt.solve.handoff import extract

    loose = with_cap(problem, 0.0)
    draft = build(loose)
    matrix = extract(draft.model)
    cap_row(draft, matrix)
    factors, rest = emissions(draft, matrix)

    def solved(
        price_per_kg: float, share_of_cost: float, gap: float | None = None
    ) -> tuple[float, Held]:
        amend = objective(price_per_kg, share_of_cost)
        coarser = coarser_of(loose, amend=amend)
        held = chain.solve(draft, amend(draft, matrix), coarser, left(), gap=gap)
        return float(factors @ held.solution.values) + rest, held

    if chain.is_in_pieces(draft, matrix):
        # The slack of the last cap is many times this.
        least, plan = _least_co2(lambda price, share: solved(price, share, NEAR_LEAST))
        # What kg of CO2 are worth leads nowhere near what money is: typical days do.
        chain.close()
        amend = _nearly_free(draft, matrix)
        span = (amend(draft, matrix), capped(draft, matrix, least))
        coarser = coarser_of(loose, amend=amend)
        # The caps between the ends go on from here, so that least cost is the first of them.
        held = chain.solve(draft, span[0], coarser, left(), span, [(span[1], plan)])
        emitted, slack = float(factors @ held.solution.values) + rest, SLACK_IN_PIECES
    else:
        emitted, held = solved(0.0, 1.0)
        cost = abs(matrix.objective(held.solution.values))
        if cost and emitted:
            emitted, held = solved(TIE * cost / abs(emitted), 1.0)
        (least, plan), slack = _least_co2(solved), SLACK
    if emitted - least <= FLAT * max(abs(emitted), abs(least), 1.0):
        raise InputError(
            f"There is no front: the plan with the least cost has the least CO2 as well, "
            f"{emitted / KG_PER_T:,.6g} t over the horizon."
        )
    return (emitted, held), (least + slack * (emitted - least), plan)


def gap_of(points: Sequence[Point], point: Point) -> float:
    r"""Return the gap of a point of a front in pieces where none is asked for, at least `chain.GAP`.

    Between two points a tonne costs $(C_k - C_{k-1}) / (E_{k-1} - E_k)$ on average. Cost is convex over
    caps, so that the dual $\lambda$ of any looser cap tells what a tonne costs at least: where less than
    a share $s$ of $\lambda\,(E_{k-1} - E_k)$ is open, the average is that close.

    Parameters
    ----------
    points
        Of the front; those without a plan are not solved yet.
    point
        One of them.
    """
    from microgrid_opt.solve.chain import GAP

    caps = [float(one.values[-1]) for one in points]
    cap = float(point.values[-1])
    looser = [one for one in points if one.has_plan and float(one.values[-1]) > cap]
    if not looser:
        return GAP
    near = min(looser, key=lambda one: float(one.values[-1]))
    step_t = (min(one for one in caps if one > cap) - cap) * point.year_share
    if not near.price_per_t > 0.0 or not near.cost > 0.0:
        return GAP
    return min(max(STEP * near.price_per_t * step_t / near.cost, GAP), MOST_GAP)


def _least_co2(solved: Callable[[float, float], tuple[float, Held]]) -> tuple[float, Held]:
    """Return the least CO2 [kg] and its plan.

    Raises
    ------
    InputError
        It falls without end.
    """
    try:
        return solved(1.0, 0.0)
    except NoPlanError as error:
        if UNBOUNDED not in str(error):
            raise
        raise InputError(
            "The CO2 of this park can fall without end: something that earns credits has no upper "
            "limit. Limit it, or give caps, as in --co2 900,600,300."
        ) from error


def _nearly_free(draft: Draft, matrix: Matrix) -> Callable[[Draft, Matrix], Matrix]:
    """Return what sets a cap that no plan reaches: models with it differ from others in that number."""
    from microgrid_opt.solve.boxes import finite_box

    factors, rest = emissions(draft, matrix)
    low, high = finite_box(capped(draft, matrix, np.inf))
    most = float(np.maximum(factors * low, factors * high).sum()) + rest

    def amend(draft: Draft, matrix: Matrix) -> Matrix:
        return capped(draft, matrix, most)

    return amend
