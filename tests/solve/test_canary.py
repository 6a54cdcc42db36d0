"""Models that HiGHS 1.14.0 reports as optimal with a wrong answer, with its default presolve.

The defect and its repair: ERGO-Code/HiGHS pull request 2961, first released in 1.15.0.
"""

from __future__ import annotations

import highspy
import pyomo.environ as pyo
import pytest

from microgrid_opt.solve.handoff import extract
from microgrid_opt.solve.highs import solve
from microgrid_opt.solve.profiles import load_profile, profile_names


def test_version() -> None:
    version = (
        highspy.HIGHS_VERSION_MAJOR,
        highspy.HIGHS_VERSION_MINOR,
        highspy.HIGHS_VERSION_PATCH,
    )
    assert version >= (1, 15, 1)


@pytest.mark.parametrize("profile", profile_names())
def test_singleton_column_beside_an_integer(profile: str) -> None:
    """Proves: min 2x + 3z with x + z >= 4.5, z whole, is 9 at (4.5, 0); HiGHS 1.14.0 says 15.

    Origin: ERGO-Code/HiGHS issues 2957 and 3094.
    """
    m = pyo.ConcreteModel()
    m.x = pyo.Var(bounds=(0, 10))
    m.z = pyo.Var(bounds=(0, 10), within=pyo.Integers)
    m.rule = pyo.Constraint(expr=m.x + m.z >= 4.5)
    m.cost = pyo.Objective(expr=2 * m.x + 3 * m.z)
    assert solve(extract(m), load_profile(profile)).objective == pytest.approx(9)


@pytest.mark.parametrize("profile", profile_names())
def test_unit_that_should_stay_off(profile: str) -> None:
    """Proves: 10 from the grid at 2 beat a unit that costs 99999 to start; HiGHS 1.14.0 starts it.

    Origin: ERGO-Code/HiGHS issue 2975.
    """
    m = pyo.ConcreteModel()
    m.unit = pyo.Var(bounds=(0, None))
    m.grid = pyo.Var(bounds=(0, None))
    m.on = pyo.Var(within=pyo.Binary)
    m.balance = pyo.Constraint(expr=m.unit + m.grid == 10)
    m.limit = pyo.Constraint(expr=m.unit - 100 * m.on <= 0)
    m.cost = pyo.Objective(expr=2 * m.grid + 99999 * m.on)
    assert solve(extract(m), load_profile(profile)).objective == pytest.approx(20)
