"""HiGHS by its C interface: the same steps and the same numbers as by highspy."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid_opt.solve import native
from microgrid_opt.solve.bases import BASIC, LOWER, Basis
from microgrid_opt.solve.native import Listed, Native, Program, c_library, solver_of
from microgrid_opt.solve.piece import OPTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

inf = np.inf
needed = pytest.mark.skipif(c_library() is None, reason="highspy brings no C interface here")


@pytest.fixture
def fresh() -> Iterator[None]:
    """Look for the C interface anew, before and after."""
    c_library.cache_clear()
    yield
    c_library.cache_clear()


def two() -> Program:
    """Return max x + 2 y with x + y ≤ 4, x − y ≥ −2, x ≤ 3, y ≤ 3."""
    return Program(
        cost=np.array([-1.0, -2.0]),
        lower=np.zeros(2),
        upper=np.array([3.0, 3.0]),
        row_lower=np.array([-inf, -2.0]),
        row_upper=np.array([4.0, inf]),
        start=np.array([0, 2, 4]),
        index=np.array([0, 1, 0, 1]),
        value=np.array([1.0, 1.0, 1.0, -1.0]),
    )


@needed
@pytest.mark.parametrize("kind", [Listed, Native])
def test_a_model_by_hand_and_its_changes(kind: type[Listed | Native]) -> None:
    """Proves: values, duals and reduced costs by hand: x = 1, y = 3 at the row of four, which is worth 1,
    y at its bound for 1 more. With y up to 1 only, x is 3, both at their bounds. With a cost of 3 for x
    and a row that asks for 2, y is all there is. A model without a plan is no optimum.

    Sensitivity: arrays in another order, ranges that end one short, an infinite bound that is a number.
    """
    model = kind(two(), OPTIONS)
    assert model.run()[0]
    x, d, y = model.solution()
    assert x == pytest.approx([1.0, 3.0])
    assert d == pytest.approx([0.0, -1.0])
    assert y == pytest.approx([-1.0, 0.0])
    basis = model.basis()
    assert basis is not None
    assert basis.columns.tolist() == [1, 2]
    assert basis.rows.tolist() == [2, 1]
    model.set_column_bounds(1, np.zeros(1), np.ones(1))
    assert model.run()[0]
    assert model.solution()[0] == pytest.approx([3.0, 1.0])
    model.set_costs(0, np.array([3.0]))
    model.set_row_bounds(0, np.array([2.0, -inf]), np.array([4.0, inf]))
    assert model.run()[0]
    assert model.solution()[0] == pytest.approx([1.0, 1.0])
    model.set_row_bounds(0, np.array([9.0]), np.array([9.0]))
    assert not model.run()[0]


@needed
@settings(max_examples=60)
@given(data=st.data())
def test_both_ways_take_the_same_steps(data: st.DataObject) -> None:
    """Proves: on random models, through changes of all kinds, both have the same end, the same number of
    steps, the same numbers to the last digit and the same basis.

    Sensitivity: an option that one of them does not get; a basis that is taken for what it is not.
    """
    columns, rows = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 6))
    seed = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    value = seed.integers(-3, 4, (rows, columns)).astype(float)
    at, index = np.nonzero(value)
    middle = value @ seed.uniform(0.0, 5.0, columns)
    program = Program(
        cost=seed.integers(-4, 9, columns).astype(float),
        lower=np.zeros(columns),
        upper=seed.uniform(3.0, 9.0, columns),
        row_lower=np.where(seed.random(rows) < 0.3, -inf, middle - seed.uniform(0.0, 2.0, rows)),
        row_upper=np.where(seed.random(rows) < 0.3, inf, middle + seed.uniform(0.0, 2.0, rows)),
        start=np.searchsorted(at, np.arange(rows + 1)),
        index=index,
        value=value[at, index],
    )
    models: list[Any] = [Listed(program, OPTIONS), Native(program, OPTIONS)]
    slack = Basis(np.full(columns, LOWER, np.int8), np.full(rows, BASIC, np.int8))
    first = data.draw(st.integers(0, columns - 1))
    upper = seed.uniform(0.0, 9.0, columns - first)
    cost = seed.integers(-4, 9, columns - first).astype(float)
    changes: list[Any] = [
        lambda _: None,
        lambda one: one.set_column_bounds(first, np.zeros(columns - first), upper),
        lambda one: one.set_costs(first, cost),
        lambda one: one.set_row_bounds(0, middle - 3.0, middle + 3.0),
        lambda one: one.set_basis(slack),
        lambda one: one.forget(),
    ]
    for change in changes:
        for one in models:
            change(one)
        ends = [one.run() for one in models]
        assert ends[0] == ends[1]
        if ends[0][0]:
            for mine, theirs in zip(*(one.solution() for one in models), strict=True):
                np.testing.assert_array_equal(mine, theirs)
            bases = [one.basis() for one in models]
            assert bases[0].columns.tolist() == bases[1].columns.tolist()
            assert bases[0].rows.tolist() == bases[1].rows.tolist()


@needed
def test_there_is_no_basis_before_a_run() -> None:
    """Proves: nothing is read where there is nothing."""
    assert Native(two(), OPTIONS).basis() is None
    assert Listed(two(), OPTIONS).basis() is None


@pytest.mark.usefixtures("fresh")
def test_without_the_c_interface_highspy_does_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: a library that lacks one function is not used at all.

    Sensitivity: an error in place of the other way.
    """
    lacking = (("Highs_noSuchFunction", None, ()), *native.SIGNATURES)
    monkeypatch.setattr(native, "SIGNATURES", lacking)
    model = solver_of(two(), OPTIONS)
    assert isinstance(model, Listed)
    assert model.run()[0]


@pytest.mark.skipif(sys.platform != "linux", reason="looked at on Linux only")
def test_the_c_interface_is_there() -> None:
    """Proves: highspy as it is installed brings the C interface, so that nothing is slower unseen."""
    assert isinstance(solver_of(two(), OPTIONS), Native)
