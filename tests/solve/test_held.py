"""Pieces at held sizes: bounds in place of rows, the same answers, cuts and bases."""

from __future__ import annotations

import ctypes
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pytest

from microgrid_opt.solve import highs, memory
from microgrid_opt.solve.bases import BASIC, LOWER, UPPER, native_basis, standing
from microgrid_opt.solve.coarse import coarser_of
from microgrid_opt.solve.held import program_of
from microgrid_opt.solve.levels import Level, carry
from microgrid_opt.solve.mending import mended
from microgrid_opt.solve.native import Listed
from microgrid_opt.solve.piece import FORCED, OPTIONS, SCALE, Piece
from microgrid_opt.solve.pieces import SHARED, Pieces, cut
from microgrid_opt.solve.profiles import load_profile
from microgrid_opt.solve.tasks import shared_out
from tests.solve.test_stacked import (
    DEAR,
    LOADS,
    PIECES,
    bundle_of,
    by_hand,
    days_of,
    matrix_of,
    park_of,
)

if TYPE_CHECKING:
    import highspy
    from numpy.typing import NDArray

    from microgrid_opt.solve.matrix import Matrix

    Floats = NDArray[np.float64]

inf = np.inf


def with_all_rows(piece: Piece, parameters: Floats) -> highspy.Highs:
    """Return the piece with all its rows at parameters, started from the basis of its last solve."""
    whole = Listed(program_of(piece), OPTIONS).highs
    v, r = parameters[: piece.common], parameters[piece.common :]
    number = (len(piece.layout.rows) + np.arange(len(parameters))).astype(np.int32)
    low, high = np.concatenate([piece.low + r, v]), np.concatenate([piece.high + r, v])
    whole.changeRowsBounds(len(number), number, low, high)
    whole.setBasis(native_basis(piece.basis()))
    whole.run()
    return whole


def two_sided(demand: float = 4.0) -> tuple[Matrix, Pieces]:
    """Return min 3 a + b with a + b = demand and, of a size v of two pieces, v / 4 ≤ a and b ≤ v.

    The rows are −a + v / 4 ≤ 0 and −2 b + 2 v ≥ 0: a limit of each side, by a coefficient below zero.
    Beside them stands 3 a ≤ 9, without a size.
    """
    rows = [
        ([1, 2], [1.0, 1.0], demand, demand),
        ([0, 1], [0.25, -1.0], -inf, 0.0),
        ([0, 2], [2.0, -2.0], 0.0, inf),
        ([1], [3.0], -inf, 9.0),
        ([0, 3], [-1.0, 1.0], -inf, 0.0),
    ]
    matrix = matrix_of(rows, np.array([0.0, 3.0, 1.0, 0.0]), np.array([40.0, inf, inf, inf]))
    pieces = Pieces(
        column=np.array([SHARED, 0, 0, 1]),
        row=np.array([0, 0, 0, 0, 1]),
        home=np.array([-1, 0, 0, 1]),
        count=2,
    )
    return matrix, pieces


@pytest.mark.parametrize(
    ("size", "cost", "slope"),
    [(2.0, 8.0, -2.0), (3.0, 6.0, -2.0), (8.0, 8.0, 0.5), (12.0, 10.0, 0.5)],
)
def test_limits_of_both_sides_have_the_slopes_of_the_hand(
    size: float, cost: float, slope: float
) -> None:
    """Proves: cost and slope where b ≤ v binds (12 − 2 v) and where a ≥ v / 4 does (4 + v / 2).

    Sensitivity: a dual without the sign or the size of the coefficient −2 would change the slope.
    """
    piece = bundle_of(*two_sided()).models[0]
    answer = piece.solve(np.array([size]))
    assert answer is not None
    assert piece._elastic is None
    assert answer.cost == pytest.approx(cost)
    assert answer.missed == pytest.approx([0.0])
    assert answer.cut.slopes == pytest.approx([slope])
    assert answer.cut.constant == pytest.approx(cost - slope * size)


def test_rows_of_sizes_are_no_rows_of_the_simplex_method() -> None:
    """Proves: one row is left of the four, without links or columns of what is held.

    Sensitivity: a limit kept as a row, or the link of a held size, adds to it.
    """
    piece = bundle_of(*two_sided()).models[0]
    assert piece.height == 5
    assert len(piece._held.rows) == 1
    assert len(piece._held.columns) == 2


def test_sizes_that_are_too_small_are_missed_at_their_price() -> None:
    """Proves: a ≤ 3 and b ≤ v with demand 6 misses 3 − v at the price; from v = 3 on nothing.

    Sensitivity: a held size without the way out would have no answer at v = 1.
    """
    piece = bundle_of(*two_sided(6.0)).models[0]
    short = piece.solve(np.array([1.0]))
    assert short is not None
    assert piece._elastic is not None
    assert short.missed == pytest.approx([2.0])
    assert short.cost == pytest.approx(9.0 + 3.0 + 2.0 * DEAR)
    assert short.cut.slopes == pytest.approx([-DEAR])
    assert with_all_rows(piece, np.array([1.0])).getInfo().simplex_iteration_count == 0
    enough = piece.solve(np.array([4.0]))
    assert enough is not None
    assert piece._elastic is None
    assert enough.missed == pytest.approx([0.0])
    assert enough.cost == pytest.approx(2.0 * 3.0 + 4.0)


def test_digits_that_are_lost_twice_are_looked_for_scaled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: a piece whose rows are missed from the last basis and anew is scaled, the third time only;
    the next solve begins without.

    Sensitivity: a piece that gives up ends the search of the whole year; one that stays scaled calls
    optimal what misses its rows.
    """

    def scaling(piece: Piece) -> int:
        return int(piece._elastic.getOptionValue(SCALE)[1])

    piece = bundle_of(*two_sided(6.0)).models[0]
    with monkeypatch.context() as lost:
        lost.setattr(Piece, "_residual", lambda self, _: float(scaling(self) != FORCED))
        short = piece.solve(np.array([1.0]))
        assert scaling(piece) == FORCED
    assert short is not None
    assert short.cost == pytest.approx(9.0 + 3.0 + 2.0 * DEAR)
    assert piece.solve(np.array([2.0])) is not None
    assert scaling(piece) == OPTIONS[SCALE]


def test_what_was_found_anew_stays_where_scaling_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: an optimum with lost digits is the answer where the scaled piece has none.

    Sensitivity: an attempt more that takes away the answer of those before.
    """
    piece = bundle_of(*two_sided(6.0)).models[0]
    assert piece.solve(np.array([1.0])) is not None
    highs = piece._elastic

    class Scaled:
        def __getattr__(self, name: str) -> object:
            return getattr(highs, name)

        def getModelStatus(self) -> object:  # noqa: N802  (name of HiGHS)
            scaled = highs.getOptionValue(SCALE)[1] == FORCED
            status = type(highs.getModelStatus())
            return status.kUnknown if scaled else highs.getModelStatus()

    piece._elastic = Scaled()
    monkeypatch.setattr(Piece, "_residual", lambda *_: 1.0)
    found = piece._solve_elastic(np.array([1.0]))
    assert found is not None
    assert found.over + found.under == pytest.approx([2.0])


def test_what_is_billed_for_a_peak_moves_with_it() -> None:
    """Proves: at a peak of 5 the second piece, which needs 6, has it, and the demand that is billed, at
    least the peak, follows; a billed demand of 8 stays.

    Sensitivity: a peak that moves alone breaks the row between both, and no plan is found beside it.
    """
    rows = [
        ([2], [1.0], 4.0, 4.0),
        ([0, 2], [-1.0, 1.0], -inf, 0.0),
        ([3], [1.0], 6.0, 6.0),
        ([0, 3], [-1.0, 1.0], -inf, 0.0),
        ([0, 1], [-1.0, 1.0], 0.0, inf),
    ]
    matrix = matrix_of(rows, np.array([0.0, 2.0, 0.0, 0.0]), np.full(4, 20.0))
    pieces = Pieces(
        column=np.array([SHARED, SHARED, 0, 1]),
        row=np.array([0, 0, 1, 1, SHARED]),
        home=np.array([-1, -1, 0, 1]),
        count=2,
    )
    bundle = bundle_of(matrix, pieces)
    for billed, expected in ((5.0, 6.0), (8.0, 8.0)):
        point = np.array([5.0, billed])
        answers = bundle.solve(point)
        assert answers is not None
        assert [float(answer.missed.max()) for answer in answers] == pytest.approx([0.0, 1.0])
        found = mended(bundle, point, answers)
        assert bundle.cuts.keeps(found)
        assert found == pytest.approx([6.0, expected])


def test_bounds_that_cross_are_sizes_that_miss() -> None:
    """Proves: 5 ≥ a ≥ v / 4 at v = 16 has room only with a miss: 3 a ≤ 9 ends at v = 12.

    Sensitivity: crossed bounds handed on would be an error of the solver, and no answer.
    """
    piece = bundle_of(*two_sided()).models[0]
    answer = piece.solve(np.array([16.0]))
    assert answer is not None
    assert answer.missed == pytest.approx([4.0])
    assert answer.cost == pytest.approx(9.0 + 1.0 + 4.0 * DEAR)


def test_shares_stay_elastic_while_a_size_is_held() -> None:
    """Proves: with v = 2.5 held, b = 1.5 misses a share of 1 by 0.5 at its price.

    Sensitivity: misses in the places of other parameters would be read as of the size.
    """
    piece = bundle_of(by_hand(), PIECES).models[0]
    answer = piece.solve(np.array([2.5, 1.0]))
    assert answer is not None
    assert piece._elastic is None
    assert answer.missed == pytest.approx([0.0, 0.5])
    assert answer.cost == pytest.approx(2.0 * 1.5 + 0.5 * DEAR)
    assert answer.cut.slopes == pytest.approx([-2.0 - DEAR, -DEAR])
    piece.raise_penalty(np.array([False, True]))
    dearer = piece.solve(np.array([2.5, 1.0]))
    assert dearer is not None
    assert dearer.cost == pytest.approx(2.0 * 1.5 + 0.5 * 10.0 * DEAR)


@pytest.mark.parametrize("capex", [30, 3000])
@pytest.mark.parametrize("more", [0.0, 1.0])
def test_what_is_held_has_the_optimum_and_the_basis_of_all_rows(capex: int, more: float) -> None:
    """Proves: from the basis that is told, the piece with all rows is optimal without a step.

    Its cost is the same, and the cut meets it there; at 3000 no PV is built, which leaves its columns no
    room. Sensitivity: a status on the wrong side, or a dual of the wrong limit, asks for steps.
    """
    matrix, pieces = park_of(LOADS, capex, 5.0)
    exact = highs.solve(matrix, load_profile("test"))
    assert exact.solution is not None
    bundle = bundle_of(matrix, pieces, price=1e4)
    cuts, random = bundle.cuts, np.random.default_rng(7)
    point = bundle.point(exact.solution.values)
    for number, piece in enumerate(bundle.models):
        here = cuts.parameters[number]
        at = point[here]
        assert piece._held.limits.held.any()
        larger = np.flatnonzero(piece._held.limits.held)
        room = cuts.upper[here][larger] - at[larger]
        at[larger] += more * np.minimum(20.0, room) * random.uniform(size=len(larger))
        answer = piece.solve(at)
        assert answer is not None
        assert piece._elastic is None
        whole = with_all_rows(piece, at)
        assert whole.getInfo().simplex_iteration_count == 0
        assert whole.getObjectiveValue() == pytest.approx(answer.cost, rel=1e-7)
        claimed = answer.cut.constant + answer.cut.slopes @ at
        assert claimed == pytest.approx(answer.cost, rel=1e-6)


def test_a_finer_level_starts_where_a_coarser_one_ended() -> None:
    """Proves: on the same steps the bases that are carried are optimal without a step, and from blocks
    of two hours what the pieces cost is the same as from no basis.

    Sensitivity: statuses of another piece, of a row for a column, or of held rows, ask for steps.
    """
    matrix, pieces = park_of(LOADS, 30, 5.0)
    exact = highs.solve(matrix, load_profile("test"))
    assert exact.solution is not None
    first, again, cold, other = (bundle_of(matrix, pieces, price=1e4) for _ in range(4))
    point = first.point(exact.solution.values)
    problem = days_of(LOADS, 30, 5.0)
    fine = Level(np.arange(96), problem.horizon, matrix)
    answers = first.solve(point)
    carry(replace(fine, bundle=first), fine, again)
    same, alone = again.solve(point), cold.solve(point)
    assert sum(model.iterations for model in again.models) == 0
    assert sum(model.iterations for model in cold.models) > 0

    coarser, starts = coarser_of(problem), np.arange(0, 96, 2)
    assert coarser is not None
    horizon, written = coarser.build(starts)
    long = bundle_of(written, cut(written, horizon, np.repeat([0, 1], 24)), price=1e4)
    found = highs.solve(written, load_profile("test")).solution
    assert found is not None
    assert long.solve(long.point(found.values)) is not None
    carry(Level(starts, horizon, written, bundle=long), fine, other)
    led = other.solve(point)
    for one in (same, alone, led):
        assert one is not None
        assert answers is not None
        costs = [answer.cost for answer in one]
        assert costs == pytest.approx([answer.cost for answer in answers], rel=1e-9)


def test_where_a_plan_stands_is_where_its_hand_says() -> None:
    """Proves: by hand: v = 6 with u₀ = 4, u₁ = 6, b = 0: u₁ stands at its limit v in place of that row,
    u₀ is basic, both b at zero. With v / 4 ≤ a and b ≤ v, both by coefficients below zero, v = 3 holds
    b = 3 at its upper bound and a = 1 nowhere, v = 4 holds a at its lower one and b nowhere.

    Sensitivity: a limit by a negative coefficient taken for one of the other side, rows for columns.
    """
    basic, low, high = BASIC, LOWER, UPPER
    own = np.array([False, True, True, True, True])
    known = standing(by_hand(), np.array([6.0, 4.0, 0.0, 6.0, 0.0]), own)
    assert known.columns.tolist() == [basic, basic, low, high, low]
    assert known.rows.tolist() == [low, basic, low, high, basic, basic]

    matrix, _ = two_sided()
    known = standing(matrix, np.array([3.0, 1.0, 3.0, 3.0]), own[:4])
    assert known.columns.tolist() == [basic, basic, high, high]
    known = standing(matrix, np.array([4.0, 1.0, 3.0, 0.0]), own[:4])
    assert known.columns.tolist() == [basic, low, basic, low]


def test_pieces_start_where_a_plan_stands() -> None:
    """Proves: from where the optimal plan stands, pieces need no more than a few steps, and cost what
    they cost from no basis.

    Sensitivity: without limits of sizes, or with rows of another day, they need as many as from nothing.
    """
    matrix, pieces = park_of(LOADS, 30, 5.0)
    exact = highs.solve(matrix, load_profile("test")).solution
    assert exact is not None
    led, cold = (bundle_of(matrix, pieces, price=1e4) for _ in range(2))
    point = led.point(exact.values)
    horizon = days_of(LOADS, 30, 5.0).horizon
    fine = Level(np.arange(96), horizon, matrix, values=exact.values)
    carry(fine, fine, led)
    found, alone = led.solve(point), cold.solve(point)
    assert found is not None
    assert alone is not None
    steps, others = (sum(model.iterations for model in one.models) for one in (led, cold))
    assert 5 * steps < others
    assert [one.cost for one in found] == pytest.approx([one.cost for one in alone], rel=1e-9)


def test_tasks_are_shared_out_and_none_is_begun_after_an_error() -> None:
    """Proves: answers come in the order of the tasks, whoever did them; after an error in one thread
    the others take no more, and it is told.

    Sensitivity: without an end for the others all tasks are done, each a hundredth of a second.
    """
    assert shared_out(3, [partial(pow, number, 2) for number in range(50)]) == [
        number**2 for number in range(50)
    ]
    done: list[int] = []

    def task(number: int) -> None:
        if number == 0:
            raise ValueError(number)
        time.sleep(0.01)
        done.append(number)

    with pytest.raises(ValueError, match="0"):
        shared_out(2, [partial(task, number) for number in range(100)])
    assert len(done) < 50


def test_what_proves_cuts_can_be_freed_and_cuts_stay() -> None:
    """Proves: after a search is over, the bound that its cuts prove is the same without their duals.

    By hand 25, at size 6. Sensitivity: slopes or owners that went with the duals would lower it.
    """
    bundle = bundle_of(by_hand(), PIECES)
    for size in (2.0, 5.0, 6.0, 8.0):
        bought = np.maximum(np.array([4.0, 6.0]) - size, 0.0)
        assert bundle.solve(np.array([size, *bought])) is not None
    before = bundle.cuts.bound()
    bundle.close()
    assert all(len(cut.duals) == 0 for cut in bundle.cuts.cuts)
    assert bundle.cuts.bound() == pytest.approx(before)
    assert before == pytest.approx(25.0)


def test_memory_is_given_back_where_the_c_library_can(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: `malloc_trim` is called once with 0; a library without it, or none, is no error.

    Sensitivity: a search on another system would end with an AttributeError or OSError.
    """
    asked = []

    class Glibc:
        @staticmethod
        def malloc_trim(pad: ctypes.c_size_t) -> None:
            asked.append(pad.value)

    def none(_: object) -> object:
        raise OSError

    monkeypatch.setattr(ctypes, "CDLL", lambda _: Glibc())
    memory.give_back()
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    memory.give_back()
    monkeypatch.setattr(ctypes, "CDLL", none)
    memory.give_back()
    assert asked == [0]
