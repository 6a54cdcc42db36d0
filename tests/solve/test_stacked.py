"""Pieces stacked to one model: from any point to a vertex of the whole; cuts at given prices."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from microgrid_opt.model import build
from microgrid_opt.solve import handoff, highs
from microgrid_opt.solve.bundle import Bundle
from microgrid_opt.solve.certify import certify
from microgrid_opt.solve.matrix import Block, Matrix
from microgrid_opt.solve.pieces import SHARED, SPREAD, Pieces, cut
from microgrid_opt.solve.profiles import load_profile
from microgrid_opt.solve.session import checked_solution
from microgrid_opt.solve.stacked import Stack
from microgrid_opt.solve.status import Status
from tests.support import park, problem_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from microgrid_opt.problem import Problem
    from microgrid_opt.solve.stacked import Vertex

    Floats = NDArray[np.float64]
    Row = tuple[list[int], list[float], float, float]

inf = np.inf
DEAR = 50.0
"""Price of a miss, above what one unit of anything here is worth."""
PIECES = Pieces(
    column=np.array([SHARED, 0, 0, 1, 1]),
    row=np.array([0, 0, 1, 1, SPREAD, SHARED]),
    home=np.array([-1, 0, 0, 1, 1]),
    count=2,
)
LOADS = [20.0, 18.0, 15.0, 30.0, 42.0, 35.0] * 4


def matrix_of(rows: Sequence[Row], cost: Floats, upper: Floats, offset: float = 0.0) -> Matrix:
    """Return the least of a cost under rows of columns, coefficients, least and most; columns from 0."""
    lengths, count = [len(columns) for columns, *_ in rows], len(cost)
    return Matrix(
        cost=cost,
        offset=offset,
        maximize=False,
        start=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32),
        index=np.concatenate([columns for columns, *_ in rows]).astype(np.int32),
        value=np.concatenate([values for _, values, *_ in rows]),
        row_lower=np.array([low for *_, low, _ in rows]),
        row_upper=np.array([high for *_, high in rows]),
        col_lower=np.zeros(count),
        col_upper=upper,
        integrality=np.zeros(count, dtype=np.uint8),
        columns=(Block("x", 0, count, range(count)),),
        rows=(Block("r", 0, len(rows), range(len(rows))),),
    )


def by_hand(cap: float = 3.0, most: float = inf, price: float = 3.0) -> Matrix:
    """Return min 7 + 3 v + 2 b₀ + 4 b₁ with u₀ + b₀ = 4, u₁ + b₁ = 6, u ≤ v, b₀ + b₁ ≤ cap, v ≤ most.

    A unit of size saves 2 + 4 and costs 3 until v = 4, then 4: v = 6, at any cap.
    """
    rows = [
        ([1, 2], [1.0, 1.0], 4.0, 4.0),
        ([0, 1], [-1.0, 1.0], -inf, 0.0),
        ([3, 4], [1.0, 1.0], 6.0, 6.0),
        ([0, 3], [-1.0, 1.0], -inf, 0.0),
        ([2, 4], [1.0, 1.0], -inf, cap),
        ([0], [1.0], 0.0, most),
    ]
    return matrix_of(
        rows,
        np.array([price, 0.0, 2.0, 0.0, 4.0]),
        np.array([20.0, inf, inf, inf, inf]),
        offset=7.0,
    )


def bundle_of(matrix: Matrix, pieces: Pieces, price: float = DEAR) -> Bundle:
    """Return a cut model where all misses have one price."""
    return Bundle(matrix, pieces, np.full(matrix.column_count + len(pieces.spread), price))


def days_of(load: list[float], capex: int, peak: float) -> Problem:
    """Return four days with sized PV and battery, a demand charge and a CO2 cap."""
    text = park(
        f"""
        load: {{type: load, power_kw: {{hourly: {load}}}}}
        pv: {{type: pv, output_per_kw: {{hourly: {[0] * 8 + [0.3, 0.6, 0.8, 0.9] * 2 + [0] * 8}}},
              power_kw: {{max_kw: 120, capex_per_kw: {capex}, lifetime_years: 10}}}}
        battery: {{type: battery, charge_efficiency: 0.9, discharge_efficiency: 0.9, final: cyclic,
                   energy_kwh: {{max_kwh: 300, capex_per_kwh: 1, lifetime_years: 10}},
                   power_kw: {{max_kw: 40, capex_per_kw: 2, lifetime_years: 10}}}}
        grid: {{type: grid, connection_kw: 100, co2_kg_per_kwh: 0.6, peak_price_per_kw_month: {peak},
                import_price_per_kwh: {{periods: {{high: 0.9, low: 0.3}},
                  calendar: [{{hours: "8-20", period: high}}], otherwise: low}}}}
        """,
        hours=96,
        carbon="{cap_t_per_year: 80}",
    )
    return problem_of(text)


def park_of(load: list[float], capex: int, peak: float, count: int = 2) -> tuple[Matrix, Pieces]:
    """Return four such days in pieces."""
    problem = days_of(load, capex, peak)
    matrix = handoff.extract(build(problem).model)
    return matrix, cut(matrix, problem.horizon, np.repeat(np.arange(count), 96 // count))


def vertex_from(bundle: Bundle, point: Floats) -> Vertex | None:
    """Return what the stack of pieces solved at a point ends with."""
    assert bundle.solve(point) is not None
    return Stack(bundle, point).solve(None, None)[0]


def assert_optimal(matrix: Matrix, vertex: Vertex | None, objective: float | None) -> None:
    """Assert that values and duals are optimal, without trusting the solver."""
    assert vertex is not None
    assert objective is not None
    assert matrix.objective(vertex.values) == pytest.approx(objective, rel=1e-9, abs=1e-9)
    reduced = matrix.cost - matrix.transposed_times(vertex.duals)
    sign = matrix.sign
    solution, message = checked_solution(
        matrix, vertex.values, sign * vertex.duals, sign * reduced, vertex=True
    )
    assert solution is not None, message
    assert certify(matrix, solution).holds(1e-8)


@pytest.mark.parametrize("size", [0.0, 2.5, 4.0, 6.0, 20.0])
@pytest.mark.parametrize("bought", [(0.0, 0.0), (1.0, 2.0), (4.0, 6.0)])
def test_from_any_point_to_the_vertex_that_is_solved_by_hand(
    size: float, bought: tuple[float, float]
) -> None:
    """Proves: cost 7 + 3·6 at v = 6, also from a size where pieces miss the cap they are given.

    Sensitivity: a share's row or a link's that meets the step of another parameter, or a step
    without its opposite, ends elsewhere.
    """
    matrix = by_hand()
    bundle = bundle_of(matrix, PIECES)
    vertex = vertex_from(bundle, np.array([size, *bought]))
    assert_optimal(matrix, vertex, 25.0)
    assert vertex is not None
    assert vertex.values == pytest.approx([6.0, 4.0, 0.0, 6.0, 0.0])


def test_what_is_missed_too_cheaply_is_not_missed_at_a_vertex() -> None:
    """Proves: by hand: v = 6 costs 7 + 18, though missing a share of the cap or of v costs half a unit
    only, less than either is worth.

    Sensitivity: an optimum with misses is none of the whole model; without another run there is none.
    """
    matrix = by_hand()
    bundle = bundle_of(matrix, PIECES, price=0.5)
    point = bundle.point(np.array([1.0, 1.0, 3.0, 1.0, 5.0]))
    assert bundle.solve(point) is not None
    vertex, _ = Stack(bundle, point).solve(None, None)
    assert vertex is not None
    assert matrix.objective(vertex.values) == pytest.approx(25.0)
    assert vertex.values[0] == pytest.approx(6.0)
    assert vertex.found(matrix, 0).gap == pytest.approx(0.0, abs=1e-9)


def test_rows_among_what_is_shared_and_of_spread_rows_have_their_duals() -> None:
    """Proves: with v ≤ 4 and 1 of cap for the 2 that have to be bought no plan is left; with 2 the
    size is at its limit, worth 1 (saves 4, costs 3), as its row among shared columns says.

    Sensitivity: duals of rows in no piece that are lost leave a gap.
    """
    matrix = by_hand(cap=2.0, most=4.0)
    vertex = vertex_from(bundle_of(matrix, PIECES), np.array([1.0, 1.0, 1.0]))
    assert_optimal(matrix, vertex, 7 + 12 + 8)
    impossible = by_hand(cap=1.0, most=4.0)
    assert vertex_from(bundle_of(impossible, PIECES), np.array([1.0, 0.5, 0.5])) is None


@pytest.mark.parametrize("shares", [(0.0, 0.0), (0.5, 2.5), (3.0, 0.0)])
def test_a_row_over_both_pieces_that_binds_has_its_price(shares: tuple[float, float]) -> None:
    """Proves: a size that costs 8 is bought only for the cap: 10 − 2 v ≤ 3 gives v = 3.5 at a cost of
    7 + 28 + 1 + 10; one unit more of cap spares half a unit of size, (8 − 2 − 4) / 2 = 1.

    Sensitivity: a share's row without its price leaves a gap of 3.
    """
    matrix = by_hand(price=8.0)
    vertex = vertex_from(bundle_of(matrix, PIECES), np.array([1.0, *shares]))
    assert_optimal(matrix, vertex, 46.0)
    assert vertex is not None
    assert vertex.values == pytest.approx([3.5, 3.5, 0.5, 3.5, 2.5])
    assert vertex.duals[4] == pytest.approx(-1.0)


def test_a_model_that_maximises_has_its_own_sense() -> None:
    """Proves: max −(...) has the same vertex, and the certificate of its own sense."""
    matrix = replace(by_hand(), maximize=True)
    vertex = vertex_from(bundle_of(matrix, PIECES), np.array([2.0, 1.0, 2.0]))
    assert_optimal(matrix, vertex, -25.0)


def test_prices_of_a_cut_by_hand() -> None:
    """Proves: at 1 per unit of size and −3 per unit of cap, piece 0 buys all (2 + 3 for each of 4) or
    uses 4 of a size that costs it 1 each: 4. Its cut is k = min(2b + 3b − 1·v) over v in its box.

    With slope 1 the piece takes the largest size, 20: k = −20 at b = 0 where g = +1, and 4 where
    g = −1 (v = 4, b = 0). Sensitivity: a slope of the wrong sign swaps the two.
    """
    bundle = bundle_of(by_hand(), PIECES)
    assert bundle.solve(np.array([2.0, 1.0, 2.0])) is not None
    piece = bundle.models[0]
    for slope, constant in ((1.0, -20.0), (-1.0, 4.0)):
        found = piece.priced(np.array([slope, -3.0]))
        assert found is not None
        assert found.slopes.tolist() == [slope, -3.0]
        assert found.constant == pytest.approx(constant)


def test_a_price_of_a_share_without_that_limit_gives_no_cut() -> None:
    """Proves: a cap has no lower limit; who is paid for using less of it would never end."""
    bundle = bundle_of(by_hand(), PIECES)
    assert bundle.solve(np.array([2.0, 1.0, 2.0])) is not None
    assert bundle.models[0].priced(np.array([-1.0, 3.0])) is None


@pytest.mark.slow
@settings(
    max_examples=10, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
@given(
    load=st.lists(st.integers(5, 45).map(float), min_size=24, max_size=24),
    capex=st.integers(5, 400),
    peak=st.sampled_from([0.0, 5.0, 40.0]),
    seed=st.integers(0, 2**32 - 1),
    far=st.sampled_from([0.0, 1e-3, 1.0]),
    count=st.sampled_from([2, 8]),
)
def test_the_vertex_is_the_optimum_of_one_run(
    load: list[float], capex: int, peak: float, seed: int, far: float, count: int
) -> None:
    """Proves: from the optimum, near it and anywhere in the box the stack ends at the optimum of one
    run, and its duals prove it (certify), with stores that move before the sizes do or together.

    Sensitivity: an entry, a bound or a dual that is lost, or a basis that does not fit, shows.
    """
    matrix, pieces = park_of(load, capex, peak, count)
    exact = highs.solve(matrix, load_profile("test"))
    if exact.status is Status.INFEASIBLE:
        return
    assert exact.solution is not None
    bundle = bundle_of(matrix, pieces, price=1e3)
    cuts, random = bundle.cuts, np.random.default_rng(seed)
    anywhere = cuts.lower + random.uniform(size=cuts.count) * (cuts.upper - cuts.lower)
    point = (1.0 - far) * bundle.point(exact.solution.values) + far * anywhere
    assert_optimal(matrix, vertex_from(bundle, point), exact.objective)


def test_stores_and_peaks_move_before_sizes() -> None:
    """Proves: of eight pieces, what at most two share is free while what all share is held.

    By hand: three sizes (PV, energy and power of the battery) and the one peak of the month are in all.
    Sensitivity: a store at the end of a piece counted as common, or a size as local, shows.
    """
    matrix, pieces = park_of(LOADS, 40, 5.0, 8)
    bundle = bundle_of(matrix, pieces, price=1e3)
    point = bundle.point(np.zeros(matrix.column_count))
    common = Stack(bundle, point).is_common[: len(bundle.cuts.shared)]
    names = {matrix.column_name(int(j)).partition("[")[0] for j in bundle.cuts.shared[common]}
    assert names == {
        "park.pv.power_size",
        "park.battery.energy_size",
        "park.battery.power_size",
        "park.grid.peak",
    }
    assert (~common).any()


@pytest.mark.slow
@settings(
    max_examples=20, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
@given(seed=st.integers(0, 2**32 - 1), size=st.sampled_from([0.01, 1.0, 30.0]))
def test_a_priced_cut_is_below_what_a_piece_costs(seed: int, size: float) -> None:
    """Proves: at random prices, above those of misses too, no cut exceeds the cost anywhere in the box.

    The cut with given slopes of any duals holds as well. Sensitivity: a price of a miss of
    the wrong sign, or a column's box left out, would claim more.
    """
    matrix, pieces = park_of(LOADS, 30, 5.0)
    bundle = bundle_of(matrix, pieces, price=3.0)
    cuts, random = bundle.cuts, np.random.default_rng(seed)
    wide = np.minimum(cuts.upper - cuts.lower, 50.0)
    points = [cuts.lower + random.uniform(size=cuts.count) * wide for _ in range(3)]
    assert bundle.solve(points[0]) is not None
    for number, model in enumerate(bundle.models):
        slopes = random.normal(0.0, size, len(model.penalty))
        # What is spread here is a cap: it has no lower limit, so that less of it earns nothing.
        slopes[model.common :] = -np.abs(slopes[model.common :])
        duals = random.normal(0.0, size, len(model.row_lower))
        claims = [model.priced(slopes), model.cut(duals, slopes)]
        for point in points:
            at = point[cuts.parameters[number]]
            answer = model.solve(at)
            assert answer is not None
            for claim in claims:
                assert claim is not None
                slack = 1e-7 * (1.0 + abs(answer.cost))
                assert claim.constant + claim.slopes @ at <= answer.cost + slack


def test_prices_of_the_optimum_close_the_gap() -> None:
    """Proves: at the duals of the optimum the pieces' cuts add up to it: the bound is not just valid.

    Sensitivity: a link's price that is taken for a share's, or a cost that is counted twice, shows.
    """
    matrix = by_hand(cap=2.0, most=4.0)
    exact = highs.solve(matrix, load_profile("test"))
    assert exact.objective == pytest.approx(27.0)
    bundle = bundle_of(matrix, PIECES)
    assert bundle.solve(np.array([1.0, 1.0, 1.0])) is not None
    # Of the size: nothing more in piece 0, 4 less for each unit in piece 1; of the cap: nothing.
    bundle.price([np.array([0.0, 0.0]), np.array([-4.0, 0.0])])
    assert bundle.cuts.bound() == pytest.approx(27.0)
