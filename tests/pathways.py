"""What the tests of parks with stages share."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from microgrid_opt import study, yamlio
from microgrid_opt.pathway.problem import StagedProblem, staged_problem
from microgrid_opt.problem import Origin
from microgrid_opt.yamlio.stages import stage_years

if TYPE_CHECKING:
    from microgrid_opt.pathway.plan import PathwayPlan

PLAIN = "{discount_rate: 0, project_years: 10, annuity: lifetime, investment_scaling: full}"
"""Without interest and scaling: capex 10 over 10 years costs 1 a year, one hour stands for a year."""


def staged(text: str, foresight: str | None = None) -> StagedProblem:
    """Return the problem that the text of a park with stages states."""
    document = yamlio.apply_scenario(yamlio.loads(text, "park.yaml"), None)
    return staged_problem(document, stage_years(document), Origin(), foresight)


def pathway(text: str, foresight: str | None = None, **keys: Any) -> PathwayPlan:
    """Return the optimum of a park with stages after all that must hold for each has been asserted."""
    plan = study.solve(staged(text, foresight), profile="test", **keys)
    for audit in plan.audits.values():
        audit.require()
    objective = plan.pathway.run.objective
    assert math.isclose(plan.pathway.present_value, objective, rel_tol=1e-9, abs_tol=1e-6)
    return plan


def column(plan: PathwayPlan, name: str, asset: str = "pv") -> list[float]:
    """Return a column of the table of sizes of an asset with one size, stage by stage."""
    rows = plan.pathway.sizes[plan.pathway.sizes["asset"] == asset]
    return [float(value) for value in rows[name]]
