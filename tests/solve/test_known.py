"""What plans of some limits tell of the limits between them: where to begin, and which bounds hold."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgrid_opt.solve.boxes import finite_box
from microgrid_opt.solve.known import Known, is_tighter, on_curve
from tests.solve.test_stacked import matrix_of

if TYPE_CHECKING:
    from microgrid_opt.solve.matrix import Matrix

inf = np.inf


def at(limit: float, size: float) -> Known:
    """Return a solved limit, the second of two, whose plan is one size and whose dual is twice it."""
    return Known(np.array([7.0, limit]), np.array([size]), np.array([2.0 * size]))


def test_sizes_on_a_curve_are_met_where_a_chord_misses_them() -> None:
    """Proves: of sizes 100 - e² at limits 0, 1, 3, 4 and 10 the curve through the next two on each side of 2 is
    96, the chord of the next ones 95; with one on a side three plans are enough.

    Sensitivity: the farthest limits, weights of another limit, plans without duals that count.
    """
    known = [at(e, 100.0 - e * e) for e in (0.0, 1.0, 3.0, 4.0)] + [at(10.0, 5000.0)]
    without = replace(at(2.2, -1e6), duals=None)
    curve = on_curve([*known, without], 1, 2.0)
    assert curve is not None
    assert curve == pytest.approx([96.0])
    three = on_curve(known[1:4], 1, 2.0)
    assert three is not None
    assert three == pytest.approx([96.0])


def test_no_curve_where_it_would_be_a_guess() -> None:
    """Proves: nothing is told through two plans, beyond the last limit, at a limit that was solved, or through
    two limits that lie so close that others hardly count.

    Sensitivity: extrapolation; a polynomial through two nearly equal limits, which rounding decides.
    """
    known = [at(e, 100.0 - e * e) for e in (0.0, 1.0, 3.0, 4.0)]
    assert on_curve(known[1:3], 1, 2.0) is None
    assert on_curve(known, 1, 5.0) is None
    assert on_curve(known, 1, 3.0) is None
    close = [at(0.0, 100.0), at(0.01, 99.0), at(4.0, 84.0)]
    assert on_curve(close, 1, 2.0) is None


@given(
    loose=st.floats(5.0, 50.0),
    share=st.floats(0.1, 1.0),
    factors=st.tuples(st.floats(0.1, 3.0), st.floats(0.0, 3.0), st.floats(0.1, 3.0)),
)
def test_the_box_of_a_looser_limit_holds_for_a_tighter_one(
    loose: float, share: float, factors: tuple[float, float, float]
) -> None:
    """Proves: where it is told so, the box of the tighter model lies within that of the looser one: a flow
    without an upper bound has one by the cap, a peak by the flow.

    Sensitivity: a looser limit, another lower limit or a row that wants more of a column without an upper bound that
    is told to be tighter.
    """
    first, second, third = factors

    def model(cap: float) -> Matrix:
        rows = [
            ([0, 1], [first, second], -inf, cap),
            ([0, 2], [third, -1.0], -inf, 0.5),
            ([1], [1.0], 1.0, inf),
        ]
        upper = np.array([inf, 9.0, inf])
        return matrix_of(rows, np.array([1.0, 2.0, 3.0]), upper)

    wide, narrow = model(loose), model(share * loose)
    assert is_tighter(narrow, wide)
    assert is_tighter(wide, wide)
    outer, inner = finite_box(wide), finite_box(narrow)
    assert (outer[0] <= inner[0]).all()
    assert (inner[1] <= outer[1]).all()
    if share < 1.0:
        assert not is_tighter(wide, narrow)
    # The second row tells how much of the peak is needed: more, the tighter it is.
    upper = wide.row_upper.copy()
    upper[1] = 0.25
    assert not is_tighter(replace(wide, row_upper=upper), wide)
    more = finite_box(replace(wide, row_upper=upper))[1]
    assert (more > outer[1]).any() == (third * outer[1][0] > 0.25 + 1e-9)
    lower = wide.row_lower.copy()
    lower[2] = 2.0
    assert not is_tighter(replace(wide, row_lower=lower), wide)
