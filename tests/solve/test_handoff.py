"""The fast reading of a Pyomo model: each expression shape against the slow reading, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyomo.environ as pyo
import pytest
from pyomo.core.expr.numeric_expr import LinearExpression

from microgrid_opt.errors import InputError
from microgrid_opt.solve import handoff
from microgrid_opt.solve.handoff import extract
from microgrid_opt.solve.reference import assert_same, extract_reference

if TYPE_CHECKING:
    from collections.abc import Callable

N = 6


def blank() -> Any:
    """Return a model with the containers that the shapes below use."""
    m = pyo.ConcreteModel()
    m.T = pyo.RangeSet(0, N - 1)
    m.S = pyo.Set(initialize=["a", "b"])
    m.later = pyo.Set(initialize=[2, 3, 5])
    m.M = pyo.RangeSet(0, 1)
    m.x = pyo.Var(m.T, within=pyo.NonNegativeReals)
    m.y = pyo.Var(m.T, bounds=(-3, 8))
    m.late = pyo.Var(m.later)
    m.peak = pyo.Var(m.M)
    m.z = pyo.Var(bounds=(0, 9))
    m.two = pyo.Var(m.S, m.T)
    m.p = pyo.Param(m.T, initialize=lambda _, t: [0.0, 1.5, -2.0, 4.0, 0.25, 7.0][t])
    m.q = pyo.Param(m.T, mutable=True, initialize=lambda _, t: 1.0 + t)
    m.sparse = pyo.Param(m.T, default=2.5, initialize={1: -1.0})
    m.c = pyo.Param(mutable=True, initialize=3.0)
    m.previous = pyo.Param(m.T, initialize=lambda _, t: (t - 1) % N)
    m.month = pyo.Param(m.T, initialize=lambda _, t: t // 3)
    m.rate = pyo.Param(m.S, initialize={"a": 0.5, "b": 2.0})
    m.goal = pyo.Objective(expr=m.z)
    return m


SHAPES: dict[str, tuple[str, Callable[[Any, Any], Any]]] = {
    "variable": ("T", lambda m, t: m.x[t] <= 4),
    "size times profile": ("T", lambda m, t: m.x[t] <= m.p[t] * m.z),
    "parameter as limit": ("T", lambda m, t: m.x[t] >= m.p[t]),
    "limit on the left": ("T", lambda m, t: m.p[t] <= m.x[t]),
    "reservoir": (
        "T",
        lambda m, t: m.x[t] == 0.9 * m.x[m.previous[t]] + 0.95 * m.y[t] - m.z / 0.95,
    ),
    "month's peak": ("T", lambda m, t: m.x[t] <= m.peak[m.month[t]]),
    "nested index": ("T", lambda m, t: m.x[m.previous[m.previous[t]]] <= 1),
    "mutable parameters": ("T", lambda m, t: m.q[t] * m.x[t] + m.c * m.y[t] <= m.c / m.q[t]),
    "sparse parameter": ("T", lambda m, t: m.sparse[t] * m.x[t] == m.sparse[t]),
    "ranged": ("T", lambda m, t: pyo.inequality(-m.q[t], m.x[t] - m.y[t] + 1, m.q[t])),
    "tuple": ("T", lambda m, t: (0, m.x[t] + 2, 5)),
    "equal tuple": ("T", lambda m, t: (m.x[t], m.p[t])),
    "constants on both sides": ("T", lambda m, t: m.x[t] + 5 <= m.y[t] + 7 + m.p[t]),
    "doubled column": ("T", lambda m, t: m.x[t] + 2 * m.x[t] - m.y[t] <= 1),
    "doubled in one row only": ("T", lambda m, t: m.x[t] + m.x[m.month[t]] <= 1),
    "cancelling column": ("T", lambda m, t: m.x[t] - m.x[t] + m.y[t] <= 1),
    "index as number": ("T", lambda m, t: t * m.x[t] <= t + 1),
    "shifted index": ("later", lambda m, t: m.x[t - 2] <= m.x[t]),
    "subset with holes": ("later", lambda m, t: m.late[t] + m.x[t] <= 1),
    "products of numbers": ("T", lambda m, t: 2 * (3 * m.x[t] - (m.y[t] - 4) / 5) * m.p[t] <= 1),
    "powers of numbers": ("T", lambda m, t: m.q[t] ** 2 * m.x[t] + m.x[t] ** 1 <= 2 ** m.p[t]),
    "absolute numbers": ("T", lambda m, t: abs(m.p[t]) * m.x[t] <= abs(m.c)),
    "sum over the horizon": ("T", lambda m, t: sum(m.p[k] * m.x[k] for k in m.T) <= m.y[t]),
    "sum over another set": ("T", lambda m, t: sum(m.rate[s] * m.two[s, t] for s in m.S) == m.p[t]),
    "scaled sum": ("T", lambda m, t: m.q[t] * sum(m.two[s, t] + 1 for s in m.S) <= 9),
    "sum of sums": (
        "T",
        lambda m, t: sum(sum(m.two[s, k] for k in m.T) * m.rate[s] for s in m.S) <= m.y[t],
    ),
    "fixed first part of an index": ("T", lambda m, t: m.two["a", t] <= m.two["b", m.previous[t]]),
    "constant by a key": ("T", lambda m, t: m.rate["b"] * m.x[t] <= m.x[3]),
    "no terms": ("T", lambda m, t: 0 * m.x[t] <= m.q[t]),
    "other sign": ("T", lambda m, t: -(m.x[t] - m.y[t]) >= -m.p[t]),
    "left to Pyomo": ("T", lambda m, t: pyo.exp(m.p[t] - 3) * m.x[t] <= pyo.sqrt(m.q[t])),
}


@pytest.mark.usefixtures("templated")
@pytest.mark.parametrize("shape", SHAPES)
def test_both_readings_agree(shape: str) -> None:
    """Proves: each shape of rule gives the same entries, limits and names as row-by-row evaluation.

    Sensitivity: a dropped term, a wrong sign or an index off by one changes a named entry.
    """
    index, rule = SHAPES[shape]
    m = blank()
    m.rule = pyo.Constraint(m.component(index), rule=rule)
    fast = extract(m)
    assert fast.row_blocks["rule"].count == len(m.component(index))
    assert_same(fast, extract_reference(m))


@pytest.mark.usefixtures("templated")
@pytest.mark.parametrize("shape", sorted(set(SHAPES) - {"left to Pyomo"}))
def test_shapes_need_no_row_by_row_reading(shape: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: the speed is there; only the one marked shape goes row by row."""
    index, rule = SHAPES[shape]
    m = blank()
    m.rule = pyo.Constraint(m.component(index), rule=rule)
    singly = handoff._singly

    def refuse(entries: list[Any], *rest: Any) -> Any:
        assert entries[0].ctype is pyo.Objective, "a constraint was read row by row"
        return singly(entries, *rest)

    monkeypatch.setattr(handoff, "_singly", refuse)
    extract(m)


@pytest.mark.usefixtures("templated")
def test_two_dimensional_rules() -> None:
    m = blank()
    m.rule = pyo.Constraint(
        m.S, m.T, rule=lambda m, s, t: m.two[s, t] * m.rate[s] <= m.p[t] * m.x[m.previous[t]] + m.z
    )
    fast = extract(m)
    assert_same(fast, extract_reference(m))
    assert "rule[b,3]" in fast.row_names()


def test_rules_without_templates() -> None:
    m = blank()
    m.rule = pyo.Constraint(
        m.T, rule=lambda m, t: m.x[t] <= 5 if t == 0 else m.x[t] - m.x[t - 1] <= m.p[t]
    )
    m.skipped = pyo.Constraint(m.T, rule=lambda m, t: m.x[t] == 1 if t > 2 else pyo.Constraint.Skip)
    m.listed = pyo.ConstraintList()
    m.listed.add(m.x[0] + m.y[1] <= 3)
    m.listed.add((1, m.z, 4))
    fast = extract(m)
    assert [block.count for block in fast.rows] == [N, N - 3, 2]
    assert_same(fast, extract_reference(m))


@pytest.mark.usefixtures("templated")
def test_touched_and_deactivated_entries_keep_their_place() -> None:
    """Proves: reading one entry's expression, which makes it an ordinary one, changes nothing."""
    m = blank()
    m.rule = pyo.Constraint(m.T, rule=lambda m, t: m.x[t] + m.p[t] * m.y[t] <= t)
    before = extract(m)
    str(m.rule[2].expr)
    assert type(m.rule[2]) is not type(m.rule[3])
    assert_same(extract(m), before)
    m.rule[4].deactivate()
    after = extract(m)
    assert after.row_names() == [f"rule[{t}]" for t in (0, 1, 2, 3, 5)]
    assert after.row_upper.tolist() == [0.0, 1.0, 2.0, 3.0, 5.0]
    assert_same(after, extract_reference(m))


@pytest.mark.usefixtures("templated")
def test_fixed_variables_move_to_the_limits() -> None:
    """Proves: a fixed variable is a number in rules and objective, and keeps its column."""
    m = blank()
    m.rule = pyo.Constraint(m.T, rule=lambda m, t: 2 * m.x[t] + m.p[t] * m.z <= 10)
    m.product = pyo.Constraint(m.T, rule=lambda m, t: m.z * m.y[t] <= 6)
    m.z.fix(3.0)
    m.x[4].fix(1.0)
    fast = extract(m)
    rule, z = fast.row_blocks["rule"], fast.column_blocks["z"]
    assert fast.row_upper[rule.slice].tolist() == [10, 5.5, 16, -2, 10 - 2 - 0.75, -11]
    assert not (fast.index == z.start).any()
    assert (fast.col_lower[z.start], fast.col_upper[z.start]) == (3.0, 3.0)
    assert fast.offset == 3.0
    assert fast.cost[z.start] == 0.0
    assert_same(fast, extract_reference(m))


def test_bounds_and_domains() -> None:
    m = blank()
    limit = pyo.Param(initialize=4.0, mutable=True)
    m.limit = limit
    m.a = pyo.Var(within=pyo.Binary)
    m.b = pyo.Var(within=pyo.NonNegativeIntegers, bounds=(None, limit * 2))
    m.d = pyo.Var(m.T, within=pyo.PercentFraction)
    m.e = pyo.Var(m.T, domain=lambda _, t: pyo.Binary if t % 2 else pyo.Reals, bounds=(None, 5))
    m.d[3].setub(0.5)
    m.d[2].setlb(-7)
    m.y[1].setub(None)
    fast = extract(m)
    assert_same(fast, extract_reference(m))
    names = fast.column_names()
    upper = dict(zip(names, fast.col_upper.tolist(), strict=True))
    assert [upper[name] for name in ("a", "b", "d[3]", "y[1]", "e[0]", "e[1]")] == [
        1.0, 8.0, 0.5, np.inf, 5.0, 1.0,
    ]  # fmt: skip
    whole = [name for name, flag in zip(names, fast.integrality, strict=True) if flag]
    assert whole == ["a", "b", "e[1]", "e[3]", "e[5]"]


def test_blocks_names_and_deactivation() -> None:
    m = blank()
    m.add_component("park.pv", pyo.Block(concrete=True))
    inner = m.component("park.pv")
    inner.add_component("power", pyo.Var(m.T))
    inner.rule = pyo.Constraint(expr=inner.power[2] <= m.x[1])
    m.unit = pyo.Block([1, 2])
    for number in (1, 2):
        m.unit[number].on = pyo.Var()
        m.unit[number].rule = pyo.Constraint(expr=m.unit[number].on <= number)
    m.unit[2].deactivate()
    m.uses = pyo.Constraint(expr=m.unit[2].on + m.z <= 1)
    fast = extract(m)
    assert {"park.pv.power[2]", "unit[1].on", "unit[2].on"} <= set(fast.column_names())
    assert fast.row_names() == ["uses", "park.pv.rule", "unit[1].rule"]
    assert fast.column_name(fast.column_blocks["park.pv.power"].start + 2) == "park.pv.power[2]"
    with pytest.raises(IndexError):
        fast.column_name(fast.column_count)


def test_long_linear_expressions_and_named_expressions() -> None:
    m = blank()
    members = [*m.x.values(), m.z, *m.two.values(), m.x[0]]
    weights = [0.5 * i for i in range(len(members))]
    m.cap = pyo.Constraint(
        expr=LinearExpression(constant=4.0, linear_coefs=weights, linear_vars=members) <= 100
    )
    m.total = pyo.Expression(expr=sum(m.p[t] * m.x[t] for t in m.T) + 1)
    m.named = pyo.Constraint(expr=2 * m.total + m.z == 5)
    m.indexed = pyo.Expression(m.T, rule=lambda m, t: m.x[t] - 3)
    m.fine = pyo.Constraint(m.T, rule=lambda m, t: m.indexed[t] + m.y[t] <= 0)
    m.seen = pyo.Reference(m.two["a", :])
    m.through = pyo.Constraint(m.T, rule=lambda m, t: m.seen[t] <= 2)
    fast = extract(m)
    assert fast.row_upper[fast.row_blocks["cap"].start] == 96.0
    assert_same(fast, extract_reference(m))


@pytest.mark.usefixtures("templated")
def test_templates_through_references_and_expressions() -> None:
    m = blank()
    m.seen = pyo.Reference(m.two["a", :])
    m.indexed = pyo.Expression(m.T, initialize=lambda m, t: m.x[t] - 3)
    m.through = pyo.Constraint(m.T, rule=lambda m, t: m.seen[t] + m.x[t] <= 2)
    m.fine = pyo.Constraint(m.T, rule=lambda m, t: m.indexed[t] + m.y[t] <= 0)
    assert_same(extract(m), extract_reference(m))


def test_maximisation_is_turned_round() -> None:
    m = blank()
    m.goal.deactivate()
    m.gain = pyo.Objective(expr=3 * m.z - 2 * m.x[0] + 5, sense=pyo.maximize)
    fast = extract(m)
    assert fast.maximize
    assert fast.offset == -5.0
    assert fast.cost[fast.column_blocks["z"].start] == -3.0
    assert fast.objective(np.zeros(fast.column_count)) == 5.0
    assert_same(fast, extract_reference(m))


def test_the_model_is_left_as_it_was(park: Callable[..., Any]) -> None:
    m = park(24, sites=1, commitment=True)
    kinds = {name: type(c._data[0]) for name, c in m.site0.component_map(pyo.Constraint).items()}
    first = extract(m)
    after = {name: type(c._data[0]) for name, c in m.site0.component_map(pyo.Constraint).items()}
    assert kinds == after
    assert_same(extract(m), first, tolerance=0.0)


def test_park_model_agrees(park: Callable[..., Any]) -> None:
    m = park(48, sites=2, commitment=True)
    assert_same(extract(m), extract_reference(m))


def test_assert_same_sees_a_difference(park: Callable[..., Any]) -> None:
    m = park(24, sites=1)
    before = extract(m)
    m.price._data[7] = 0.123
    m.site0.load._data[5] += 1.0
    after = extract(m)
    with pytest.raises(AssertionError, match=r"row_lower of site0.balance\[5\]"):
        assert_same(before, after)
    m.site0.sun._data[12] += 0.5
    with pytest.raises(AssertionError, match=r"entry site0.pv_limit\[12\], site0.pv_kw"):
        assert_same(after, extract(m))


# ---------------------------------------------------------------------- refusals


def test_refuses_no_and_two_objectives() -> None:
    m = blank()
    m.goal.deactivate()
    with pytest.raises(InputError, match="0 active objectives"):
        extract(m)
    m.goal.activate()
    m.other = pyo.Objective(expr=m.z)
    with pytest.raises(InputError, match=r"2 active objectives \(goal, other\)"):
        extract(m)


def test_refuses_nonlinear_rules_by_name() -> None:
    m = blank()
    m.bent = pyo.Constraint(m.T, rule=lambda m, t: m.x[t] * m.y[t] <= 1)
    with pytest.raises(InputError, match=r"bent\[0\]: .*not linear"):
        extract(m)


def test_refuses_other_components() -> None:
    m = blank()
    m.sos = pyo.SOSConstraint(var=m.x, sos=1)
    with pytest.raises(InputError, match=r"sos: .*SOSConstraint"):
        extract(m)


def test_refuses_domains_with_gaps_and_fixing_without_value() -> None:
    m = blank()
    m.even = pyo.Var(within=pyo.RangeSet(0, 10, 2))
    with pytest.raises(InputError, match=r"even: .*gaps"):
        extract(m)
    m = blank()
    m.x[3].fix()
    with pytest.raises(InputError, match=r"x\[3\]: .*no value"):
        extract(m)


@pytest.mark.usefixtures("templated")
def test_refuses_numbers_that_are_none() -> None:
    """Proves: NaN and division by zero are named and never reach the solver."""
    m = blank()
    m.rule = pyo.Constraint(m.T, rule=lambda m, t: m.y[t] * m.p[t] <= m.x[t] / m.sparse[t])
    m.p._data[2] = float("nan")
    m.sparse._data[1] = 0.0
    with pytest.raises(InputError) as caught:
        extract(m)
    assert {finding.key for finding in caught.value.findings} == {"rule[1]", "rule[2]"}
    m = blank()
    m.y[2].setlb(9.0)
    with pytest.raises(InputError, match=r"y\[2\]: The lower bound 9 is above the upper bound 8"):
        extract(m)
