"""The model of a park as every bridge needs it: written, but not solved."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from microgrid_opt.draft import Draft
    from microgrid_opt.problem import Problem


def built(problem: Problem) -> Draft:
    """Return the model of a park; its reference plan is solved first where the CO2 cap needs it.

    Raises
    ------
    InfeasibleError
        When a cap refers to a reference plan that cannot be made.
    """
    from microgrid_opt import model, study

    co2 = None
    if problem.park.carbon.needs_reference:
        co2 = study.run(problem.reference(), label="reference plan")[0].co2_kg
    return model.build(problem, reference_co2_kg=co2)
