"""What coarse levels proved, proved again on finer steps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from microgrid_opt.model import build
from microgrid_opt.solve import handoff, highs
from microgrid_opt.solve.certify import dual_bound
from microgrid_opt.solve.coarse import coarser_of
from microgrid_opt.solve.handed import NONE, Handed, hand_on, led
from microgrid_opt.solve.levels import Level
from microgrid_opt.solve.pieces import cut
from microgrid_opt.solve.profiles import load_profile
from tests.solve.test_stacked import LOADS, bundle_of, days_of

STARTS = np.arange(0, 96, 2)


def levels(peak: float = 5.0) -> tuple[Level, Level]:
    """Return four days with PV, battery, a demand charge and a CO2 cap in two hours, and in one."""
    problem = days_of(LOADS, 30, peak)
    coarser = coarser_of(problem)
    assert coarser is not None
    fine = handoff.extract(build(problem).model)
    return Level(STARTS, *coarser.build(STARTS)), Level(np.arange(96), problem.horizon, fine)


def solved(level: Level) -> Level:
    """Return a level with its optimum and prices."""
    found = highs.solve(level.matrix, load_profile("test")).solution
    assert found is not None
    assert found.row_duals is not None
    return replace(level, values=found.values, duals=level.matrix.sign * found.row_duals)


@pytest.mark.parametrize("peak", [0.0, 5.0])
def test_duals_of_blocks_prove_of_hours_what_they_proved_of_blocks(peak: float) -> None:
    """Proves: prices and efficiencies are the same in both hours of a block, and loads and PV add up to
    those of the block: the duals of the blocks' optimum prove it of the hours as well.

    Sensitivity: a balance that takes all of its block's dual counts each load twice; a store's worth of
    content in halves, or its capacity paid in both hours, leaves reduced costs below zero, and less is
    proved.
    """
    coarse, fine = levels(peak)
    coarse = solved(coarse)
    assert coarse.duals is not None
    claimed = dual_bound(coarse.matrix, coarse.duals)
    assert claimed == pytest.approx(coarse.matrix.objective(coarse.values), rel=1e-7)
    proved = dual_bound(fine.matrix, Handed(coarse, fine).duals(coarse.duals))
    assert proved == pytest.approx(claimed, rel=1e-7)
    exact = solved(fine)
    assert proved <= fine.matrix.objective(exact.values) * (1 + 1e-9)


def test_rows_of_some_steps_take_the_duals_of_the_blocks_they_are_in() -> None:
    """Proves: a family of every third block finds the block of each of its hours; what is not written
    in blocks has no dual.

    Sensitivity: by place in the family, the second row would be the third hour's.
    """
    coarse, fine = levels()
    name = "park.pv.generation_limit"
    some = replace(coarse.matrix.row_blocks[name], count=16, keys=range(0, 48, 3))
    rows = tuple(some if one.name == name else one for one in coarse.matrix.rows)
    handed = Handed(replace(coarse, matrix=replace(coarse.matrix, rows=rows)), fine)
    mine = fine.matrix.row_blocks[name].slice
    wanted = [some.start + hour // 6 if hour // 2 % 3 == 0 else NONE for hour in range(96)]
    assert handed.source[mine].tolist() == wanted
    assert handed.part[mine].tolist() == [0.0 if one == NONE else 0.5 for one in wanted]


def test_rows_of_years_are_no_rows_of_steps() -> None:
    """Proves: a family numbered by years takes the dual of its like, whole, whatever steps there are.

    Sensitivity: read as steps, 2030 is none of 96 hours.
    """
    name = "park.policies.co2_cap"
    coarse, fine = (
        replace(
            one,
            matrix=replace(
                one.matrix,
                rows=tuple(
                    replace(rows, keys=[2030]) if rows.name == name else rows
                    for rows in one.matrix.rows
                ),
            ),
        )
        for one in levels()
    )
    handed = Handed(coarse, fine)
    mine, theirs = (one.matrix.row_blocks[name].start for one in (fine, coarse))
    assert (handed.source[mine], handed.part[mine]) == (theirs, 1.0)


def test_cuts_of_a_coarse_search_hold_and_lead_on_finer_steps() -> None:
    """Proves: after a search in blocks the finer level's cuts prove nearly its bound before any piece
    is solved, and never more than the optimum; each cut is what its piece costs at most.

    Sensitivity: the slopes of another piece, or of shares left out, claim more than a piece costs.
    """
    coarse, fine = levels()
    coarse = solved(coarse)
    pieces = cut(coarse.matrix, coarse.horizon, np.repeat([0, 1], 24))
    searched = bundle_of(coarse.matrix, pieces, price=1e4)
    assert coarse.values is not None
    found = searched.run(coarse.values, 1e-3)
    exact = solved(fine)
    optimum = fine.matrix.objective(exact.values)
    bundle = bundle_of(fine.matrix, cut(fine.matrix, fine.horizon, np.repeat([0, 1], 48)), 1e4)
    hand_on(replace(coarse, bundle=searched, duals=found.duals), fine, bundle)
    proved = bundle.cuts.bound()
    assert found.bound * (1 - 1e-6) <= proved <= optimum * (1 + 1e-9)

    assert exact.values is not None
    point = bundle.point(exact.values)
    answers = bundle.solve(point)
    assert answers is not None
    for owner, one in zip(bundle.cuts.owner, bundle.cuts.cuts, strict=True):
        claimed = one.constant + float(one.slopes @ point[bundle.cuts.parameters[owner]])
        assert claimed <= answers[owner].cost + 1e-6 * abs(optimum)


@pytest.mark.parametrize(("lost", "is_priced"), [(0.01, False), (0.03, True)])
def test_pieces_choose_at_prices_where_finer_steps_prove_less(lost: float, is_priced: bool) -> None:
    """Proves: where finer steps prove what the coarser ones did but for 1 %, pieces have nothing to choose
    at prices, whatever the first plan costs; where 3 % are lost, and where nothing is shared alike, they
    have.

    Sensitivity: the distance of a poor plan that counts as one of the bound.
    """
    coarse, fine = levels()
    coarse = solved(coarse)
    searched = bundle_of(
        coarse.matrix, cut(coarse.matrix, coarse.horizon, np.repeat([0, 1], 24)), price=1e4
    )
    assert coarse.values is not None
    found = searched.run(coarse.values, 1e-3)
    piece = np.repeat([0, 1], 48)
    bundle = bundle_of(fine.matrix, cut(fine.matrix, fine.horizon, piece), 1e4)
    start = replace(
        coarse, bundle=searched, duals=found.duals, bound=found.bound + lost * abs(found.bound)
    )
    assert (led(start, fine, bundle, piece) is not None) == is_priced
    assert led(replace(start, bundle=None), fine, bundle, piece) is not None


def test_cuts_without_their_proofs_are_not_handed_on() -> None:
    """Proves: where what proved the cuts is freed, the bound alone is handed on.

    Sensitivity: duals of no row have no place among the finer rows.
    """
    coarse, fine = levels()
    coarse = solved(coarse)
    pieces = cut(coarse.matrix, coarse.horizon, np.repeat([0, 1], 24))
    searched = bundle_of(coarse.matrix, pieces, price=1e4)
    assert coarse.values is not None
    searched.run(coarse.values, 1e-3)
    searched.cuts.forget_proofs()
    bundle = bundle_of(fine.matrix, cut(fine.matrix, fine.horizon, np.repeat([0, 1], 48)), 1e4)
    hand_on(replace(coarse, bundle=searched), fine, bundle)
    assert len(bundle.cuts.cuts) == 2
