"""Which limits conflict, where and by how much."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyomo.environ as pyo
import pytest

from microgrid_opt.solve.explain import explain, irreducible
from microgrid_opt.solve.handoff import extract
from microgrid_opt.solve.highs import solve
from microgrid_opt.solve.status import Status

if TYPE_CHECKING:
    from collections.abc import Callable


def island(*, cap: float = 1e9, grid: float = 50.0) -> Any:
    """Return four hours of 40, 60, 80, 55 kW, a grid of 0.5 kg CO2/kWh and 10 kW of PV at noon."""
    m = pyo.ConcreteModel()
    m.T = pyo.RangeSet(0, 3)
    m.grid = pyo.Var(m.T, bounds=(0, grid))
    m.pv = pyo.Var(m.T, bounds=lambda _, t: (0, 10 if t == 2 else 0))
    load = [40.0, 60.0, 80.0, 55.0]
    m.balance = pyo.Constraint(m.T, rule=lambda m, t: m.grid[t] + m.pv[t] - load[t] == 0)
    m.co2 = pyo.Constraint(expr=0.5 * sum(m.grid[t] for t in m.T) <= cap)
    m.cost = pyo.Objective(expr=sum(m.grid[t] for t in m.T))
    return m


def test_a_cap_is_blamed_with_its_amount() -> None:
    """Proves: at least 0.5·(235 - 10) = 112.5 kg are emitted, so a cap of 100 misses by 12.5."""
    matrix = extract(island(cap=100.0, grid=1e3))
    assert solve(matrix).status is Status.INFEASIBLE
    (conflict,) = explain(matrix, soft_rows=["co2"])
    assert (conflict.name, conflict.key, conflict.side) == ("co2", None, "upper")
    assert conflict.limit == 100.0
    assert conflict.amount == pytest.approx(12.5)
    assert conflict.label == "co2"


def test_patterns_and_labels() -> None:
    matrix = extract(island(cap=100.0, grid=1e3))
    (conflict,) = explain(
        matrix, soft_rows=["c?2"], label=lambda block, key: f"the cap {block.name} {key}"
    )
    assert conflict.label == "the cap co2 None"


@pytest.mark.parametrize("soft", [[], ["co2"]])
def test_where_and_when_power_is_short(soft: list[str]) -> None:
    """Proves: with a grid of 50 kW hours 1, 2 and 3 are short by 10, 20 and 5 kW; the cap is not.

    Sensitivity: the soft cap cannot help, so that every row may be blamed; the worst comes first.
    """
    conflicts = explain(extract(island()), soft_rows=soft)
    assert [c.name for c in conflicts] == ["balance"] * 3
    assert [(c.key, c.side) for c in conflicts] == [(2, "lower"), (1, "lower"), (3, "lower")]
    assert [c.amount for c in conflicts] == pytest.approx([20, 10, 5])
    assert conflicts[0].label == "balance[2]"


def test_loosening_by_the_amounts_makes_the_model_feasible(park: Callable[..., Any]) -> None:
    """Proves: the answer is enough; a little less is not."""
    m = park(48, sites=2)
    for site in (m.site0, m.site1):
        site.grid_import.setub(300)
        site.gas_kw.setub(100)
        site.wind_kw.setub(200)
        site.pv_kw.setub(300)
        site.bat_kwh.setub(100)
    matrix = extract(m)
    assert solve(matrix).status is Status.INFEASIBLE
    conflicts = explain(matrix, soft_rows=["co2_cap"])
    assert {c.name.split(".")[1] for c in conflicts} <= {"balance"}
    for share, status in ((1 + 1e-6, Status.OPTIMAL), (0.99, Status.INFEASIBLE)):
        lower, upper = matrix.row_lower.copy(), matrix.row_upper.copy()
        for c in conflicts:
            row = matrix.row_blocks[c.name].start + int(str(c.key))
            if c.side == "lower":
                lower[row] -= share * c.amount
            else:
                upper[row] += share * c.amount
        loosened = replace(matrix, row_lower=lower, row_upper=np.maximum(upper, lower))
        assert solve(loosened).status is status


def test_integers_alone_in_conflict() -> None:
    """Proves: where only whole numbers are in the way, the integer model is loosened.

    2 units of 4 make 8 or 4, not the 6 that are asked for exactly: nearest is 2 off.
    """
    m = pyo.ConcreteModel()
    m.units = pyo.Var(bounds=(0, 3), within=pyo.Integers)
    m.target = pyo.Constraint(expr=4 * m.units == 6)
    m.cost = pyo.Objective(expr=m.units)
    matrix = extract(m)
    assert solve(matrix).status is Status.INFEASIBLE
    (conflict,) = explain(matrix)
    assert conflict.name == "target"
    assert conflict.amount == pytest.approx(2)
    assert irreducible(matrix) == []


def test_a_feasible_model_has_no_conflict() -> None:
    assert explain(extract(island(grid=1e3)), soft_rows=["co2"]) == []
    assert irreducible(extract(island(grid=1e3))) == []


def test_irreducible_set() -> None:
    """Proves: the two rows and nothing else are named, and the column bound that takes part."""
    m = pyo.ConcreteModel()
    m.x = pyo.Var(bounds=(0, 4))
    m.y = pyo.Var()
    m.z = pyo.Var(bounds=(0, 1))
    m.need = pyo.Constraint(expr=m.x + m.y >= 9)
    m.most = pyo.Constraint(expr=m.y <= 3)
    m.other = pyo.Constraint(expr=m.z <= 5)
    m.cost = pyo.Objective(expr=m.z)
    members = {(c.name, c.side, c.limit) for c in irreducible(extract(m))}
    assert members == {("need", "lower", 9.0), ("most", "upper", 3.0), ("x", "both", 4.0)}
