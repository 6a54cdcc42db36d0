"""A model that stays in HiGHS has the optimum of a fresh one after any sequence of changes."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid_opt.errors import InputError
from microgrid_opt.model import build
from microgrid_opt.solve import highs, live, session
from microgrid_opt.solve.handoff import extract
from microgrid_opt.solve.live import Live
from microgrid_opt.solve.profiles import load_profile
from microgrid_opt.solve.status import Status
from tests.properties.strategies import parks, quarters, text_of
from tests.support import day, park, problem_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from microgrid_opt.solve.matrix import Matrix
    from microgrid_opt.solve.status import Outcome

EXACT = load_profile("test")
TWO_SOURCES = park(
    f"""
    load: {{type: load, power_kw: {day(10, 20)}}}
    grid:
      type: grid
      import_price_per_kwh: {day(1, 3)}
      import_limit_kw: 100
      co2_kg_per_kwh: 0.5
    clean: {{type: supply, carrier: electricity, price_per_kwh: 5}}
    pv:
      type: pv
      output_per_kw: {day(1, 0.5)}
      power_kw: {{max_kw: 8, annual_cost_per_kw: 2}}
    """,
    carbon="{cap_t_per_year: 1000, price_per_t: 100}",
)
"""A kW of PV costs 2 and saves 1.05 · 1 + 3.05 · 0.5 = 2.575 (0.05: 0.5 kg at 100 per t): all 8."""


def fresh(matrix: Matrix) -> Outcome:
    return highs.solve(matrix, EXACT)


def assert_same_optimum(ours: Outcome, other: Outcome) -> None:
    assert ours.status is other.status
    if other.objective is not None:
        assert ours.objective is not None
        assert math.isclose(ours.objective, other.objective, rel_tol=1e-6, abs_tol=1e-6)


# ---------------------------------------------------------------------- by hand


def test_each_change_by_hand() -> None:
    """Proves: cap, price, size bound, demand and cost change the optimum as arithmetic says.

    All in two hours; grid kWh cost 1.05 and 3.05, PV 8 kW gives 8 and 4.
    Sensitivity: a forgotten constant of the cap, a wrong sign or row, a change that does not reach
    HiGHS.
    """
    with Live.of(problem_of(TWO_SOURCES), EXACT) as model:
        first = model.solve()
        assert model.method == "fresh"
        assert first.objective == pytest.approx(16 + 2 * 1.05 + 16 * 3.05)
        model.set_column("park.pv.power_size", upper=4.0)
        smaller = model.solve()
        assert model.method == "dual"
        assert smaller.objective == pytest.approx(8 + 6 * 1.05 + 18 * 3.05)
        assert model.values("park.pv.power_size") == pytest.approx([4.0])
        model.scale_booking("policies", "co2_price", 0.0)
        free = model.solve()
        assert model.method == "primal"
        assert free.objective == pytest.approx(8 + 6 + 54)
        model.scale_booking("policies", "co2_price", 2.0)
        assert model.solve().objective == pytest.approx(8 + 6 * 1.1 + 18 * 3.1)
        model.set_cap("co2_cap", 10.0)  # 20 of 24 kWh; the cheapest 4 to replace are in hour 2
        capped = model.solve()
        assert model.method == "dual"
        assert capped.objective == pytest.approx(8 + 6 * 1.1 + 14 * 3.1 + 4 * 5)
        assert model.duals("park.policies.co2_cap") == pytest.approx([-(5 - 3.1) / 0.5])
        model.add_demand("park", "electricity", np.array([0.0, 2.0]))
        assert model.solve().objective == pytest.approx(8 + 6 * 1.1 + 14 * 3.1 + 6 * 5)
        assert model.duals("park.balance.electricity[1]") ** 2 == pytest.approx([25.0])
        model.add_demand("park", "electricity", 0.0)
        model.set_cost("park.pv.power_size", 3.0)
        assert model.solve().objective == pytest.approx(12 + 6 * 1.1 + 14 * 3.1 + 4 * 5)


def test_going_back_gives_the_first_optimum() -> None:
    """Proves: changes that cancel leave nothing behind, and an infeasible state between them neither."""
    with Live.of(problem_of(TWO_SOURCES), EXACT) as model:
        first = model.solve().objective
        model.set_row("park.policies.co2_cap", upper=-1.0)
        model.scale_booking("grid", "energy_import", 3.0)
        assert model.solve().status is Status.INFEASIBLE
        model.set_cap("co2_cap", 1e6)
        model.scale_booking("grid", "energy_import", 1.0)
        assert model.solve().objective == pytest.approx(first, rel=1e-12)


def test_only_what_changed_decides_the_method() -> None:
    """Proves: setting a number to what it is counts as no change."""
    with Live.of(problem_of(TWO_SOURCES), EXACT) as model:
        model.solve()
        model.set_column("park.pv.power_size", upper=8.0)
        model.scale_booking("grid", "energy_import", 2.0)
        model.solve()
        assert model.method == "primal"


def test_bases() -> None:
    """Proves: a neighbour's basis is taken, one that does not fit is left, and a solve that ends
    unclear is done afresh.

    Sensitivity: raising on a refused basis; iterations although the basis is optimal.
    """
    problem = problem_of(TWO_SOURCES)
    with Live.of(problem, EXACT) as model:
        optimum = model.solve().objective
        basis = model.basis()
        matrix = model.matrix
    assert basis is not None
    with Live(matrix, EXACT, basis=basis) as neighbour:
        again = neighbour.solve()
        assert (neighbour.method, again.iterations) == ("dual", 0)
        assert again.objective == pytest.approx(optimum)
    crowded = replace(basis, columns=np.ones_like(basis.columns), rows=np.ones_like(basis.rows))
    short = replace(basis, columns=basis.columns[:-1])
    for refused, method in ((short, "fresh"), (crowded, "")):
        with Live(matrix, EXACT, basis=refused) as other:
            assert other.solve().objective == pytest.approx(optimum)
            assert other.method == method or not method


def test_an_unclear_end_is_solved_afresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: when the solve from a basis ends without an answer, the next one starts from nothing."""
    with Live.of(problem_of(TWO_SOURCES), EXACT) as model:
        model.solve()
        real = session.Session.run
        ends: list[Status] = []

        def run(self: session.Session, **how: Any) -> Outcome:
            outcome = real(self, **how)
            ends.append(outcome.status)
            return replace(outcome, status=Status.UNKNOWN) if len(ends) == 1 else outcome

        monkeypatch.setattr(session.Session, "run", run)
        model.set_column("park.pv.power_size", upper=4.0)
        assert model.solve().objective == pytest.approx(8 + 6 * 1.05 + 18 * 3.05)
        assert model.method == "fresh"
        assert len(ends) == 2


def test_integer_models_go_on_from_the_last_plan() -> None:
    """Proves: HiGHS is given the last whole numbers, and prices are those of the plan's LP."""
    text = TWO_SOURCES.replace("max_kw: 8,", "max_kw: 8, unit_kw: 4,")
    with Live.of(problem_of(text), EXACT) as model:
        assert model.matrix.is_mip
        model.solve()
        model.set_column("park.pv.power_size", upper=7.0)
        second = model.solve()
        assert model.method == "start"
        assert second.objective == pytest.approx(8 + 6 * 1.05 + 18 * 3.05)
        assert any("user-supplied values of discrete" in line for line in second.log_tail)
        assert abs(model.duals("park.balance.electricity")[0]) == pytest.approx(1.05)


# ---------------------------------------------------------------------- words


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda m: m.set_column("park.pv.power_siz", upper=1.0),
            "did you mean 'park.pv.power_size'",
        ),
        (lambda m: m.set_row("park.balance.electricity[2]", upper=0.0), r"goes up to .*\[1\]"),
        (lambda m: m.set_column("park.pv.power_size", lower=9.0), "above its upper"),
        (lambda m: m.set_cost("park.pv.generation", np.zeros(3)), "one number or 2"),
        (lambda m: m.set_cost("park.pv.generation", math.nan), "NaN"),
        (lambda m: m.set_cap("co2", 1.0), "no cap 'co2'"),
        (lambda m: m.scale_booking("grid", "import", 2.0), r"there are .*grid\.energy_import"),
        (lambda m: m.add_demand("park", "heat", 1.0), r"no balance park\.heat"),
        (lambda m: m.values("park.pv.generation"), "not solved yet"),
        (lambda m: Live(m.matrix).set_cap("co2_cap", 1.0), "give `draft`"),
    ],
)
def test_what_cannot_be_changed_is_told(change: Callable[[Live], object], words: str) -> None:
    with Live.of(problem_of(TWO_SOURCES), EXACT) as model, pytest.raises(InputError, match=words):
        change(model)


def test_a_share_is_refused() -> None:
    text = TWO_SOURCES.replace("carbon:", "targets: {min_renewable_share: 0.1}\ncarbon:")
    with (
        Live.of(problem_of(text), EXACT) as model,
        pytest.raises(InputError, match="a share enters coefficients"),
    ):
        model.set_cap("renewable_share", 0.2)


def test_large_models_start_with_a_method_that_ends_at_a_basis(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Proves: after an interior-point start (forced here) the next solve goes on from its basis."""
    monkeypatch.setattr(live, "LARGE_NONZEROS", 1)
    with Live.of(problem_of(TWO_SOURCES)) as model:
        assert model.solve().profile == "hipo"
        model.set_column("park.pv.power_size", upper=4.0)
        assert model.solve().objective == pytest.approx(8 + 6 * 1.05 + 18 * 3.05)
        assert model.method == "dual"


# ---------------------------------------------------------------------- random parks

KINDS = ("cap", "co2_price", "grid_price", "pv", "demand")
Change = tuple[str, float]
CHANGES = st.lists(
    st.tuples(st.sampled_from(KINDS), st.integers(0, 16).map(lambda n: n / 4)),
    min_size=1,
    max_size=6,
)


def changed(description: dict[str, Any], state: dict[str, float]) -> dict[str, Any]:
    """Return the park as a file would state it after the changes."""
    assets = dict(description["assets"])
    grid, load = dict(assets["grid"]), dict(assets["load"])
    price = grid["import_price_per_kwh"]["hourly"]
    grid["import_price_per_kwh"] = {"hourly": [p * state["grid_price"] for p in price]}
    load["power_kw"] = {"hourly": [p + state["demand"] for p in load["power_kw"]["hourly"]]}
    assets |= {"grid": grid, "load": load}
    if "pv" in assets:
        pv = dict(assets["pv"])
        pv["power_kw"] = {**pv["power_kw"], "max_kw": 4 + state["pv"]}
        assets["pv"] = pv
    carbon = {"price_per_t": 100 * state["co2_price"], "cap_t_per_year": state["cap"] * 40}
    return {**description, "assets": assets, "carbon": carbon}


def apply(model: Live, kind: str, value: float, *, year_share: float, sized: bool) -> None:
    if kind == "cap":
        model.set_cap("co2_cap", value * 40_000 * year_share)
    elif kind == "co2_price":
        model.scale_booking("policies", "co2_price", value)
    elif kind == "grid_price":
        model.scale_booking("grid", "energy_import", value)
    elif kind == "demand":
        model.add_demand("park", "electricity", value)
    elif sized:
        model.set_column("park.pv.power_size", upper=4 + value)


@settings(max_examples=40)
@given(description=parks(), changes=CHANGES)
def test_random_changes_equal_a_fresh_build(
    description: dict[str, Any], changes: list[Change]
) -> None:
    """Proves: after each of random changes of cap, prices, size bound and demand, the optimum is that
    of the changed park built anew.

    Sensitivity: hours, weights or growth missing in a price; a constant (gas, fixed demand) missing
    in a cap; a basis that goes on to a wrong optimum.
    """
    # A size bound below what exists would be refused, and demand limits measured energy only.
    start = {"cap": 1e6, "co2_price": 1.0, "grid_price": 1.0, "pv": 8.0, "demand": 0.0}
    state = dict(start)
    problem = problem_of(text_of(changed(description, state)))
    with Live.of(problem, EXACT) as model:
        for kind, value in changes:
            state[kind] = value
            apply(
                model,
                kind,
                value,
                year_share=problem.horizon.year_share,
                sized="pv" in description["assets"],
            )
            anew = build(problem_of(text_of(changed(description, state))))
            assert_same_optimum(model.solve(), fresh(extract(anew.model)))


@settings(max_examples=40)
@given(description=parks(integers=True), data=st.data())
def test_random_numbers_equal_a_fresh_solve(
    description: dict[str, Any], data: st.DataObject
) -> None:
    """Proves: any row, bound or cost may change, integers included; infeasible states are told."""
    draft = build(problem_of(text_of(description)))
    matrix = extract(draft.model)
    with Live(matrix, EXACT) as model:
        for _ in range(data.draw(st.integers(1, 5))):
            column = data.draw(st.integers(0, matrix.column_count - 1))
            row = data.draw(st.integers(0, matrix.row_count - 1))
            value = data.draw(quarters(0, 5))
            kind = data.draw(st.sampled_from(["cost", "bound", "limit"]))
            if kind == "cost":
                model.set_cost(matrix.column_name(column), value)
            elif kind == "bound" and matrix.col_lower[column] <= value:
                model.set_column(matrix.column_name(column), upper=value)
            elif kind == "limit" and np.isfinite(matrix.row_upper[row]):
                upper = float(matrix.row_upper[row]) + value
                equal = matrix.row_lower[row] == matrix.row_upper[row]
                model.set_row(matrix.row_name(row), lower=upper if equal else None, upper=upper)
            assert_same_optimum(model.solve(), fresh(model.matrix))
