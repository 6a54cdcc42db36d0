"""Small models with an answer known by hand, through the hand-off and HiGHS."""

from __future__ import annotations

import itertools
import weakref
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import highspy
import numpy as np
import pyomo.environ as pyo
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from microgrid_opt.errors import InfeasibleError, InputError, NoPlanError
from microgrid_opt.solve.certify import certify, dual_bound
from microgrid_opt.solve.handoff import extract
from microgrid_opt.solve.highs import Basis, Session, fixed_lp_duals, solve
from microgrid_opt.solve.matrix import Block, Matrix
from microgrid_opt.solve.profiles import Profile, load_profile
from microgrid_opt.solve.session import CONDITION_MAP, checked_solution
from microgrid_opt.solve.status import Status, relative_gap

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

INF = np.inf


def exact(**options: Any) -> Profile:
    shipped = load_profile("test")
    return shipped.model_copy(update={"options": {**shipped.options, **options}})


def dense(
    cost: list[float],
    rows: list[tuple[float, list[float], float]],
    *,
    upper: list[float] | None = None,
    lower: list[float] | None = None,
    whole: list[int] | None = None,
    maximize: bool = False,
) -> Matrix:
    """Return a matrix from rows ``(lower, coefficients, upper)``."""
    width = len(cost)
    filled = [np.flatnonzero(row) for _, row, _ in rows]
    return Matrix(
        cost=np.array(cost, float) * (-1 if maximize else 1),
        offset=0.0,
        maximize=maximize,
        start=np.cumsum([0] + [len(f) for f in filled]).astype(np.int32),
        index=np.concatenate([*filled, np.empty(0, np.int64)]).astype(np.int32),
        value=np.array([c for _, row, _ in rows for c in row if c], float),
        row_lower=np.array([low for low, _, _ in rows], float),
        row_upper=np.array([high for _, _, high in rows], float),
        col_lower=np.array(lower or [0.0] * width, float),
        col_upper=np.array(upper or [INF] * width, float),
        integrality=np.array(whole or [0] * width, np.uint8),
        columns=(Block("x", 0, width, list(range(width))),),
        rows=(Block("row", 0, len(rows), list(range(len(rows)))),),
    )


def merit_order() -> Any:
    """Return two generators at 20 and 50 per kWh, 60 and 100 kW, for 100 kW of demand."""
    m = pyo.ConcreteModel()
    m.cheap = pyo.Var(bounds=(0, None))
    m.dear = pyo.Var(bounds=(0, 100))
    m.limit = pyo.Constraint(expr=m.cheap <= 60)
    m.balance = pyo.Constraint(expr=m.cheap + m.dear == 100)
    m.cost = pyo.Objective(expr=20 * m.cheap + 50 * m.dear + 7)
    return m


def test_merit_order() -> None:
    """Proves: values, objective with constant, and the sign of duals.

    60·20 + 40·50 + 7 = 3207. One more kW of demand costs 50; one more kW of the cheap limit saves 30.
    """
    matrix = extract(merit_order())
    outcome = solve(matrix, exact())
    solution = outcome.accepted("optimal")
    assert outcome.status is Status.OPTIMAL
    assert outcome.objective == pytest.approx(3207)
    assert outcome.bound == outcome.objective
    assert outcome.gap == 0.0
    assert solution.values.tolist() == pytest.approx([60, 40])
    assert solution.row_duals is not None
    assert solution.row_duals.tolist() == pytest.approx([-30, 50])
    assert solution.vertex
    assert outcome.solver.startswith("HiGHS 1.")
    assert certify(matrix, solution).holds(1e-9)


@pytest.mark.parametrize("row", [0, 1])
def test_duals_are_the_change_of_the_objective(row: int) -> None:
    """Proves: dual = d objective / d right-hand side, by moving the right-hand side."""
    matrix = extract(merit_order())
    outcome = solve(matrix, exact())
    assert outcome.solution is not None
    assert outcome.solution.row_duals is not None
    lower, upper = matrix.row_lower.copy(), matrix.row_upper.copy()
    lower[row] += 1.0
    upper[row] += 1.0
    moved = solve(replace(matrix, row_lower=lower, row_upper=upper), exact())
    assert moved.objective is not None
    assert outcome.objective is not None
    change = moved.objective - outcome.objective
    assert outcome.solution.row_duals[row] == pytest.approx(change)


def test_maximisation() -> None:
    """Proves: max 3x + 2y, x + y <= 4, x + 3y <= 7, x <= 3 gives 11 at (3, 1), duals 2, 0, 1."""
    rows = [(-INF, [1.0, 1.0], 4.0), (-INF, [1.0, 3.0], 7.0), (-INF, [1.0, 0.0], 3.0)]
    matrix = dense([3, 2], rows, maximize=True)
    outcome = solve(matrix, exact())
    solution = outcome.accepted("optimal")
    assert outcome.objective == pytest.approx(11)
    assert outcome.bound == pytest.approx(11)
    assert solution.row_duals is not None
    assert solution.row_duals.tolist() == pytest.approx([2, 0, 1])
    assert dual_bound(matrix, solution.row_duals) == pytest.approx(11)
    assert certify(matrix, solution).holds(1e-9)


def test_reduced_costs_are_per_unit_of_the_bound() -> None:
    """Proves: with the cheap limit as a column bound its reduced cost is 20 - 50 = -30."""
    matrix = dense([20, 50], [(100.0, [1.0, 1.0], 100.0)], upper=[60, 100])
    solution = solve(matrix, exact()).accepted("optimal")
    assert solution.reduced_costs is not None
    assert solution.reduced_costs.tolist() == pytest.approx([-30, 0])


def test_unit_commitment_and_its_prices() -> None:
    """Proves: MILP optimum 100 + 3200 = 3300, and demand priced at 50 with the unit held on.

    Sensitivity: with the unit off, 100 kW at 50 cost 5000; the relaxation would run at 3300 too but
    price the unit's capacity.
    """
    matrix = dense(
        [100, 20, 50],
        [(-INF, [-60.0, 1.0, 0.0], 0.0), (100.0, [0.0, 1.0, 1.0], 100.0)],
        upper=[1, INF, 100],
        whole=[1, 0, 0],
    )
    outcome = solve(matrix, exact())
    solution = outcome.accepted("optimal")
    assert outcome.objective == pytest.approx(3300)
    assert solution.row_duals is None
    assert not solution.vertex
    priced = fixed_lp_duals(matrix, solution, exact())
    assert priced.objective == pytest.approx(3300)
    assert priced.solution is not None
    assert priced.solution.row_duals is not None
    assert priced.solution.row_duals.tolist() == pytest.approx([-30, 50])


def test_prices_when_the_rounded_integer_is_infeasible() -> None:
    """Proves: an integer off by a solver's tolerance times a big-M does not lose the prices.

    u = 1 - 5e-7 with 1e7·(1 - u) >= x and x >= 4: rounding u to 1 leaves no room for x.
    """
    matrix = dense(
        [0, 3],
        [(-INF, [1e7, 1.0], 1e7), (4.0, [0.0, 1.0], INF)],
        upper=[1, INF],
        whole=[1, 0],
    )
    solution, _ = checked_solution(matrix, np.array([1 - 5e-7, 4.0]), None, None, vertex=False)
    assert solution is not None
    priced = fixed_lp_duals(matrix, solution, exact())
    assert priced.status is Status.OPTIMAL
    assert priced.objective == pytest.approx(12)


@settings(max_examples=25, deadline=None)
@given(
    nps.arrays(np.int64, (2, 3), elements=st.integers(0, 6)),
    nps.arrays(np.int64, 3, elements=st.integers(-9, 9)),
    nps.arrays(np.int64, 2, elements=st.integers(1, 20)),
)
def test_integer_optimum_equals_enumeration(a: Any, c: Any, b: Any) -> None:
    """Proves: HiGHS's MILP optimum is that of trying all 5^3 points of a knapsack."""
    rows = [(-INF, a[i].astype(float).tolist(), float(b[i])) for i in range(2)]
    matrix = dense(c.tolist(), rows, upper=[4.0] * 3, whole=[1] * 3)
    points = (np.array(p) for p in itertools.product(range(5), repeat=3))
    best = min(int(c @ p) for p in points if (a @ p <= b).all())
    outcome = solve(matrix, exact())
    assert outcome.objective == pytest.approx(best)
    assert outcome.gap == pytest.approx(0.0)


# ---------------------------------------------------------------------- why it stopped


def test_every_highs_status_has_a_meaning() -> None:
    assert set(CONDITION_MAP) == set(highspy.HighsModelStatus.__members__)


def test_infeasible() -> None:
    matrix = dense([1, 1], [(5.0, [1.0, 1.0], INF)], upper=[2, 2])
    outcome = solve(matrix, exact())
    assert (outcome.status, outcome.solution, outcome.objective) == (Status.INFEASIBLE, None, None)
    assert outcome.bound == INF
    with pytest.raises(InfeasibleError):
        outcome.accepted("feasible")


@pytest.mark.parametrize("whole", [0, 1])
def test_unbounded(whole: int) -> None:
    matrix = dense([-1, 0], [(-INF, [1.0, -1.0], 0.0)], whole=[whole, 0])
    outcome = solve(matrix, exact())
    assert (outcome.status, outcome.solution) == (Status.UNBOUNDED, None)
    assert outcome.bound == -INF
    with pytest.raises(NoPlanError, match="without end"):
        outcome.accepted("feasible")


@pytest.mark.parametrize("whole", [0, 1])
@pytest.mark.parametrize("feasible", [True, False])
def test_infeasible_or_unbounded_is_told_apart(feasible: bool, whole: int) -> None:
    """Proves: costs that fall without end do not hide that no plan exists, nor the reverse."""
    rows = [(1.0, [1.0, -1.0, 0.0], 1.0), (-INF, [1.0, -1.0, 0.0], 2.0 if feasible else 0.0)]
    outcome = solve(dense([-1, -1, -1], rows, whole=[whole, 0, 0]), exact())
    assert outcome.status is (Status.UNBOUNDED if feasible else Status.INFEASIBLE)


def test_iteration_limit_keeps_the_bound_only(park: Callable[..., Any]) -> None:
    """Proves: a stopped dual simplex holds no plan, but its duals prove a bound on the cost.

    Every column has an upper bound here; without one a single wrong reduced cost proves nothing.
    """
    matrix = extract(park(96, sites=1))
    matrix = replace(matrix, col_upper=np.minimum(matrix.col_upper, 1e4))
    best = solve(matrix, exact()).objective
    assert best is not None
    options = {"solver": "simplex", "presolve": "off", "simplex_iteration_limit": 400}
    outcome = solve(matrix, exact(**options))
    assert outcome.status is Status.ITERATION_LIMIT
    assert outcome.solution is None
    assert outcome.iterations == 400
    assert -INF < outcome.bound < best
    with pytest.raises(NoPlanError, match="iteration limit"):
        outcome.accepted("feasible")


def test_time_limit_with_a_plan(hard: Matrix) -> None:
    """Proves: an integer model out of time gives its best plan, and how far it may be off."""
    outcome = solve(hard, exact(), time_limit=1.5)
    assert outcome.status is Status.TIME_LIMIT
    assert outcome.seconds < 4
    solution = outcome.accepted("feasible")
    assert solution.max_primal_residual <= 1e-6
    assert solution.max_integrality_residual <= 1e-6
    assert outcome.objective == pytest.approx(hard.objective(solution.values))
    assert outcome.gap is not None
    assert 0 < outcome.gap < 0.5
    assert outcome.bound < outcome.objective
    with pytest.raises(NoPlanError, match=r"time limit.*% from the bound.*accept: feasible"):
        outcome.accepted("optimal")


def test_time_limit_counts_for_each_run_of_a_session(park: Callable[..., Any]) -> None:
    matrix = extract(park(96, sites=1))
    with Session(matrix, exact(time_limit=30)) as session:
        for _ in range(2):
            session.set_column_bounds(np.array([0]), np.array([0.0]), np.array([9e3]))
            assert session.run(time_limit=20.0).status is Status.OPTIMAL


def test_solution_limit(hard: Matrix) -> None:
    outcome = solve(hard, exact(mip_max_improving_sols=1))
    assert outcome.status is Status.SOLUTION_LIMIT
    assert outcome.solution is not None


def test_model_without_rows_or_columns() -> None:
    boxed = dense([1.0, -1.0], [], upper=[3, 4], lower=[2, 0])
    assert solve(boxed, exact()).objective == pytest.approx(-2)
    empty = replace(dense([], []), offset=5.0)
    outcome = solve(empty, exact())
    assert (outcome.status, outcome.objective) == (Status.OPTIMAL, 5.0)


def test_gap_is_relative_to_the_objective() -> None:
    assert relative_gap(200.0, 190.0) == 0.05
    assert relative_gap(-200.0, -210.0) == 0.05
    assert relative_gap(0.0, 0.0) == 0.0
    assert relative_gap(0.0, -1.0) == INF


# ---------------------------------------------------------------------- checks


def test_interior_points_are_checked_and_labelled(park: Callable[..., Any]) -> None:
    """Proves: HiPO and IPX without crossover meet the limits and the simplex optimum, off a vertex."""
    matrix = extract(park(96, sites=2))
    vertex = solve(matrix, exact())
    assert vertex.objective is not None
    for profile in (load_profile("hipo"), exact(solver="ipx", run_crossover="off")):
        outcome = solve(matrix, profile)
        solution = outcome.accepted("optimal")
        assert not solution.vertex
        assert solution.max_primal_residual <= 1e-6
        assert certify(matrix, solution).holds(1e-5)
        assert outcome.objective == pytest.approx(vertex.objective, rel=1e-6)


def test_certificate_sees_a_wrong_point_and_wrong_duals(park: Callable[..., Any]) -> None:
    matrix = extract(park(48, sites=1))
    solution = solve(matrix, exact()).accepted("optimal")
    assert certify(matrix, solution).holds(1e-9)
    values = solution.values.copy()
    values[3] += 1.0
    assert certify(matrix, replace(solution, values=values)).primal > 1e-4
    assert solution.row_duals is not None
    turned = certify(matrix, replace(solution, row_duals=-solution.row_duals))
    assert turned.dual > 1e-3
    assert turned.gap == INF
    halved = certify(matrix, replace(solution, row_duals=0.5 * solution.row_duals))
    assert halved.primal <= 1e-9
    assert not halved.holds(1e-3)
    with pytest.raises(ValueError, match="no duals"):
        certify(matrix, replace(solution, row_duals=None))


def test_a_point_that_misses_a_limit_is_no_plan() -> None:
    matrix = dense([1, 1], [(5.0, [1.0, 1.0], INF)], upper=[9, 9], whole=[1, 0])
    held, _ = checked_solution(matrix, np.array([2.0, 3.0]), None, None, vertex=True)
    assert held is not None
    for point in ([2.0, 2.99], [1.5, 3.5], [0.0, 9.1], [np.nan, 5.0]):
        none, message = checked_solution(matrix, np.array(point), None, None, vertex=True)
        assert none is None
        assert "not taken as a plan" in message


@settings(max_examples=25, deadline=None)
@given(nps.arrays(np.float64, 3, elements=st.floats(-50, 50)))
def test_any_duals_prove_a_bound(y: Any) -> None:
    """Proves: weak duality; no row duals whatever give a bound above the optimum (here 90)."""
    rows = [(3.0, [1.0, 1.0], INF), (-INF, [1.0, -1.0], 4.0), (2.0, [2.0, 1.0], 50.0)]
    matrix = dense([30, 40], rows, upper=[100, 100])
    assert solve(matrix, exact()).objective == pytest.approx(90)
    assert dual_bound(matrix, y) <= 90 + 1e-9


@pytest.mark.parametrize("profile", ["test", "default", "mip"])
def test_same_input_same_plan(park: Callable[..., Any], profile: str) -> None:
    """Proves: a shipped profile gives the same bits twice."""
    matrix = extract(park(24, sites=1, commitment=True))
    first, second = (solve(matrix, load_profile(profile)) for _ in range(2))
    assert first.solution is not None
    assert second.solution is not None
    assert first.solution.values.tobytes() == second.solution.values.tobytes()
    assert (first.bound, first.iterations) == (second.bound, second.iterations)


# ---------------------------------------------------------------------- starting from somewhere


@pytest.mark.parametrize("whole", [[0, 0], [1, 0]], ids=["LP", "MILP"])
def test_what_was_solved_does_not_stay_in_memory(whole: list[int]) -> None:
    """Proves: HiGHS and its arrays, some 60 MB for a year, end with the session that used them.

    Sensitivity: a run that HiGHS can still call back from keeps the instance for good.
    """
    matrix = dense([1.0, 2.0], [(1.5, [1.0, 1.0], INF)], upper=[1.0, 1.0], whole=whole)
    with Session(matrix, exact()) as session:
        assert session.run().objective == pytest.approx(2.0)
        known = weakref.ref(session._highs)
    assert known() is None


def test_basis_out_and_in(park: Callable[..., Any]) -> None:
    """Proves: the optimal basis of one run needs no iteration in another."""
    matrix = extract(park(48, sites=1))
    with Session(matrix, exact()) as session:
        cold = session.run()
        basis = session.basis()
    assert basis is not None
    assert (basis.columns == 1).sum() + (basis.rows == 1).sum() == matrix.row_count
    warm = solve(matrix, exact(), basis=basis)
    assert cold.iterations > 0
    assert warm.iterations == 0
    assert warm.objective == pytest.approx(cold.objective)
    with pytest.raises(InputError, match="another model"):
        solve(matrix, exact(), basis=Basis(basis.columns[1:], basis.rows))


def test_changed_bounds_are_solved_from_the_last_basis() -> None:
    """Proves: the session solves the changed model, and its checks use the changed bounds."""
    matrix = dense([20, 50], [(100.0, [1.0, 1.0], 100.0)], upper=[60, 100])
    with Session(matrix, exact()) as session:
        assert session.run().objective == pytest.approx(3200)
        session.set_column_bounds(np.array([0]), np.array([0.0]), np.array([80.0]))
        outcome = session.run()
        assert outcome.objective == pytest.approx(2600)
        session.set_column_bounds(np.array([0, 1]), np.array([0.0, 0.0]), np.array([10.0, 10.0]))
        assert session.run().status is Status.INFEASIBLE


def test_start_of_an_integer_model(hard: Matrix) -> None:
    """Proves: a given plan is held from the start, so that a stopped run is never worse."""
    held = solve(hard, exact(), time_limit=2.0)
    assert held.solution is not None
    assert held.objective is not None
    again = solve(
        hard, exact(mip_max_improving_sols=1), start=held.solution.values, time_limit=20.0
    )
    assert again.objective is not None
    assert again.objective <= held.objective + 1e-6


# ---------------------------------------------------------------------- log and memory


def test_silent_unless_asked(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    matrix = extract(merit_order())
    log = tmp_path / "highs.log"
    outcome = solve(matrix, exact(), log_file=log)
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""
    assert any("HiGHS" in line or "Model status" in line for line in outcome.log_tail)
    assert "Optimal" in log.read_text(encoding="utf-8")
    solve(matrix, exact(), console=True)
    assert "Optimal" in capfd.readouterr().out


def test_numbers_out_of_range_are_refused() -> None:
    matrix = dense([1, 1], [(1.0, [1e16, 1.0], INF)])
    with pytest.raises(InputError, match="does not take the model"):
        solve(matrix, exact())
