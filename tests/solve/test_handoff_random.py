"""Random linear rules: the template walk and the row-by-row reading give the same matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyomo.environ as pyo
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyomo.core.base import constraint as pyomo_constraint

from microgrid_opt.solve.handoff import extract
from microgrid_opt.solve.reference import assert_same, extract_reference

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Piece = Callable[[Any, Any], Any]

N = 5
NUMBERS = st.integers(-4, 4).map(lambda i: i / 2)
WEIGHTS = st.integers(1, 8).map(lambda i: i / 4)


@pytest.fixture(autouse=True)
def _templates() -> Iterator[None]:
    before = pyomo_constraint.TEMPLATIZE_CONSTRAINTS
    pyomo_constraint.TEMPLATIZE_CONSTRAINTS = True
    yield
    pyomo_constraint.TEMPLATIZE_CONSTRAINTS = before


def index() -> st.SearchStrategy[Piece]:
    """Return the step, the step before it, or a fixed step."""
    return st.one_of(
        st.just(lambda _, t: t),
        st.just(lambda m, t: m.previous[t]),
        st.just(lambda m, t: m.previous[m.previous[t]]),
        st.integers(0, N - 1).map(lambda k: lambda _m, _t: k),
    )


def coefficient() -> st.SearchStrategy[Piece]:
    """Return a number or a product of parameters."""
    return st.one_of(
        NUMBERS.map(lambda a: lambda _m, _t: a),
        index().map(lambda at: lambda m, t: m.p[at(m, t)]),
        st.tuples(NUMBERS, index()).map(lambda pair: lambda m, t: pair[0] - m.p[pair[1](m, t)]),
        st.tuples(index(), WEIGHTS).map(
            lambda pair: lambda m, t: m.p[pair[0](m, t)] * m.q[t] / pair[1]
        ),
    )


def leaf() -> st.SearchStrategy[Piece]:
    """Return a variable."""
    return st.one_of(
        st.tuples(st.sampled_from("xy"), index()).map(
            lambda pair: lambda m, t: m.component(pair[0])[pair[1](m, t)]
        ),
        st.just(lambda m, _: m.z),
        st.just(lambda m, t: sum(m.p[k] * m.x[k] for k in m.T) + m.p[t]),
    )


def grown(inner: st.SearchStrategy[Piece]) -> st.SearchStrategy[Piece]:
    """Return sums, differences, scalings and negations of smaller pieces."""
    return st.one_of(
        st.tuples(inner, inner).map(lambda two: lambda m, t: two[0](m, t) + two[1](m, t)),
        st.tuples(inner, inner).map(lambda two: lambda m, t: two[0](m, t) - two[1](m, t)),
        st.tuples(coefficient(), inner).map(lambda two: lambda m, t: two[0](m, t) * two[1](m, t)),
        st.tuples(inner, WEIGHTS).map(lambda two: lambda m, t: two[0](m, t) / two[1]),
        st.tuples(inner, coefficient()).map(lambda two: lambda m, t: two[0](m, t) + two[1](m, t)),
        inner.map(lambda one: lambda m, t: -one(m, t)),
    )


PIECES = st.recursive(leaf(), grown, max_leaves=6)
RELATIONS = st.sampled_from(
    [
        lambda left, right, _: left == right,
        lambda left, right, _: left <= right,
        lambda left, right, _: left >= right,
        lambda left, _, number: left <= number,
        lambda left, _, number: pyo.inequality(number - 3.0, left, number),
        lambda left, _, number: (None, left, number),
    ]
)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(PIECES, PIECES, RELATIONS, NUMBERS, st.sets(st.integers(0, N - 1)), st.booleans())
def test_random_rules_agree(
    left: Piece,
    right: Piece,
    relation: Callable[[Any, Any, Any], Any],
    number: float,
    fixed: set[int],
    named: bool,
) -> None:
    """Proves: both readings agree on any mix of sums, products, shifts and fixed variables.

    Sensitivity: each strategy's operators change entries, so that a wrong handler is found.
    """
    m = pyo.ConcreteModel()
    m.T = pyo.RangeSet(0, N - 1)
    m.x = pyo.Var(m.T)
    m.y = pyo.Var(m.T, bounds=(0, 9))
    m.z = pyo.Var()
    m.p = pyo.Param(m.T, initialize=lambda _, t: [0.5, 0.0, -1.25, 3.0, 2.0][t])
    m.q = pyo.Param(m.T, mutable=True, initialize=lambda _, t: 1.0 + t)
    m.previous = pyo.Param(m.T, initialize=lambda _, t: (t - 1) % N)
    m.rule = pyo.Constraint(m.T, rule=lambda m, t: relation(left(m, t), right(m, t), number))
    m.goal = pyo.Objective(expr=m.z)
    for t in fixed:
        m.x[t].fix(0.75 * t)
    if named:
        m.z.fix(-2.0)
    assert_same(extract(m), extract_reference(m))
