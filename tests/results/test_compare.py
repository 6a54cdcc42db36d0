from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid_opt.compare import compare, compare_plans, compare_stored, investments_of
from microgrid_opt.errors import InputError
from microgrid_opt.finance import Investment, annual_cost, npv, present_value_factor
from microgrid_opt.store import open_plan, save

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from microgrid_opt.results import Results
    from microgrid_opt.study import Plan

    Make = Callable[..., Results]
    Parts = Mapping[str, Callable[..., Any]]


def bought(results: Make, parts: Parts, capex: float, running: float, **size: float) -> Results:
    """Return results that buy PV for ``capex`` and pay ``running`` for energy over the horizon."""
    return results(
        sizes=(parts["size"](capex=capex, **size),) if capex or size else (),
        ledger=(("grid", "energy_import", "cost", running),),
    )


def test_annuity_table_gives_rate_and_payback(results: Make, parts: Parts) -> None:
    """Proves: rate of return and both paybacks of a level saving. The capital recovery factor at
    10 % over 10 years is 0.16275 (NREL/TP-462-5173, appendix of discount factors), so 1000 that save
    162.745 a year earn 10 %, are back after 6.1446 years, and discounted at 10 % after 10.
    Sensitivity: counting the first saving in year 0 gives 12.6 %.
    """
    saving = 1000.0 / present_value_factor(0.10, 10)
    found = compare(
        bought(results, parts, 1000.0, 500.0, annual_cost=saving),
        bought(results, parts, 0.0, 500.0 + saving),
        discount_rate=0.10,
        project_years=10,
        investments=[Investment(1000.0, 10.0)],
    )
    assert found.irr is not None
    assert saving == pytest.approx(162.745, abs=5e-4)
    assert found.irr.rate == pytest.approx(0.10, rel=1e-9)
    assert found.npv == pytest.approx(0.0, abs=1e-9)
    assert found.payback_years == pytest.approx(6.144567, abs=1e-6)
    assert found.discounted_payback_years == pytest.approx(10.0)
    assert found.yearly_operating_saving == pytest.approx(saving)
    assert found.yearly_saving == pytest.approx(0.0, abs=1e-9)
    assert found.extra_capex == 1000.0
    assert found.notes == ()


items = st.lists(
    st.tuples(st.floats(1.0, 1e6), st.floats(0.5, 60.0), st.floats(0.0, 1.0), st.floats(0.0, 1e4)),
    max_size=4,
)


@settings(max_examples=25, deadline=None)
@given(
    mine=items,
    theirs=items,
    running=st.tuples(st.floats(0.0, 1e6), st.floats(0.0, 1e6)),
    rate=st.floats(0.0, 0.3),
    years=st.one_of(st.integers(1, 50), st.floats(0.5, 50.0)),
)
def test_npv_is_the_annuity_of_the_yearly_saving(
    results: Make,
    parts: Parts,
    mine: list[tuple[float, float, float, float]],
    theirs: list[tuple[float, float, float, float]],
    running: tuple[float, float],
    rate: float,
    years: float,
) -> None:
    """Proves: NPV = −Δ(yearly cost)/CRF for the method `project`, for any life of project and parts,
    and the same from the dated payments where the project has whole years; swapping the plans turns
    the sign. Sensitivity: leaving out fixed O&M, residual values or replacements breaks it.
    """

    def side(
        lots: list[tuple[float, float, float, float]], amount: float
    ) -> tuple[Results, list[Investment]]:
        bills = [Investment(capex, life, share) for capex, life, share, _ in lots]
        rows = [
            parts["size"](
                asset=f"a{number}",
                capex=item.capex,
                annual_cost=annual_cost(
                    item.capex,
                    item.lifetime_years,
                    rate,
                    years,
                    replacement_fraction=item.replacement_fraction,
                ),
                fixed_om=lot[3],
            )
            for number, (item, lot) in enumerate(zip(bills, lots, strict=True))
        ]
        ledger = (("grid", "energy_import", "cost", amount),)
        return results(sizes=tuple(rows), ledger=ledger), bills

    (plan, bills), (other, other_bills) = side(mine, running[0]), side(theirs, running[1])
    terms: dict[str, Any] = {"discount_rate": rate, "project_years": years}
    found = compare(plan, other, investments=bills, other_investments=other_bills, **terms)
    scale = (found.yearly_cost + found.other_yearly_cost) * present_value_factor(rate, years)
    close = 1e-9 * scale + 1e-6
    assert found.npv == pytest.approx(
        found.yearly_saving * present_value_factor(rate, years), abs=close
    )
    if found.flows is not None:
        assert years % 1 == 0
        assert found.npv == pytest.approx(npv(rate, found.flows.net, found.flows.years), abs=close)
    back = compare(other, plan, investments=other_bills, other_investments=bills, **terms)
    assert back.npv == pytest.approx(-found.npv, abs=close)


def test_other_annuity_rules_are_pointed_out(results: Make, parts: Parts) -> None:
    """Proves: with capex / life as the yearly cost (100 a year instead of 129.50) the NPV still
    discounts the payments, and a note gives both numbers. Sensitivity: 500 - 1000/10 = 400 a year
    over 10 years at 5 % is 3089, the payments are worth 500 · 7.7217 - 1000 = 2861.
    """
    found = compare(
        bought(results, parts, 1000.0, 0.0, annual_cost=100.0),
        bought(results, parts, 0.0, 500.0),
        discount_rate=0.05,
        project_years=10,
        investments=[Investment(1000.0, 10.0)],
    )
    assert found.yearly_saving == pytest.approx(400.0)
    assert found.npv == pytest.approx(2860.87, abs=0.005)
    (note,) = found.notes
    assert "3,089 CNY over the project, the net present value is 2,861 CNY" in note


@pytest.mark.parametrize("share", [1.0, 1 / 365, 0.25])
def test_a_year_is_the_same_whatever_share_of_investment_the_horizon_carries(
    results: Make, parts: Parts, share: float
) -> None:
    """Proves: one day (1/365 of a year) with running cost 10 and 73 a year of capital gives
    3650 + 73 a year, also when `investment_scaling` books all or a quarter of a year's capital.
    Sensitivity: scaling the whole ledger gives 30 295 for `full`.
    """
    day = parts["horizon"](weight=6.0)
    plan = results(
        horizon=day,
        sizes=(parts["size"](capex=500.0, annual_cost=73.0, fixed_om=7.0),),
        ledger=(
            ("grid", "energy_import", "cost", 10.0),
            ("roof", "investment", "cost", 73.0 * share),
            ("roof", "fixed_om", "cost", 7.0 * share),
            ("grid", "import", "co2", 2.0),
        ),
    )
    other = results(horizon=day, ledger=(("grid", "energy_import", "cost", 30.0),))
    found = compare(
        plan, other, discount_rate=0.0, project_years=10, investments=[Investment(500.0, 10.0)]
    )
    assert found.yearly_cost == pytest.approx(3650.0 + 73.0 + 7.0)
    assert found.other_yearly_cost == pytest.approx(10950.0)
    assert found.yearly_operating_saving == pytest.approx(7300.0 - 7.0)
    assert found.cost == pytest.approx(10.0 + 80.0 * share)
    assert found.yearly_co2_reduction_kg == pytest.approx(-730.0)


def test_a_yearly_price_instead_of_capex_is_running_cost(results: Make, parts: Parts) -> None:
    """Proves: a lease of 50 a year lowers the operating saving from 100 to 50 and invests nothing."""
    found = compare(
        bought(results, parts, 0.0, 100.0, annual_cost=50.0),
        bought(results, parts, 0.0, 200.0),
        discount_rate=0.0,
        project_years=4,
    )
    assert found.extra_capex == 0.0
    assert found.yearly_operating_saving == pytest.approx(50.0)
    assert found.npv == pytest.approx(200.0)
    assert found.payback_years == 0.0


def test_abatement_cost_leaves_out_what_is_paid_for_co2(results: Make) -> None:
    """Proves: energy cost rises by 40, CO2 falls by 2 t: 20 a tonne, whatever CO2 costs.
    Sensitivity: with the price of CO2 (100 a tonne) inside it would be (40 - 200)/2 = -80.
    """
    plan = results(
        ledger=(
            ("grid", "energy_import", "cost", 140.0),
            ("policies", "co2_price", "cost", 100.0),
            ("grid", "import", "co2", 1000.0),
        )
    )
    other = results(
        ledger=(
            ("grid", "energy_import", "cost", 100.0),
            ("policies", "co2_price", "cost", 300.0),
            ("grid", "import", "co2", 3000.0),
        )
    )
    found = compare(plan, other, discount_rate=0.05, project_years=20)
    assert found.abatement_cost_per_t == pytest.approx(20.0)
    assert found.co2_reduction_kg == 2000.0
    assert found.quantities()["co2_reduction_share"].value == pytest.approx(2 / 3)
    assert found.quantities()["abatement_cost"].unit == "CNY/t"
    assert compare(other, plan, discount_rate=0.05, project_years=20).abatement_cost_per_t is None


def test_difference_tables_hold_what_only_one_plan_has(results: Make, parts: Parts) -> None:
    plan = bought(results, parts, 100.0, 30.0, total=40.0)
    other = results(
        ledger=(
            ("boiler", "purchase", "cost", 20.0),
            ("grid", "energy_import", "cost", 70.0),
            ("boiler", "purchase", "co2", 9.0),
        )
    )
    found = compare(
        plan, other, discount_rate=0.0, project_years=1, investments=[Investment(100.0, 10.0)]
    )
    rows = [tuple(row) for row in found.by_category.itertuples(index=False)]
    assert rows == [
        ("cost", "energy_import", "CNY", 30.0, 70.0, -40.0),
        ("cost", "purchase", "CNY", 0.0, 20.0, -20.0),
        ("co2", "purchase", "kg", 0.0, 9.0, -9.0),
    ]
    by_asset = found.by_asset.set_index(["asset", "effect"])["difference"]
    assert by_asset.to_dict() == {
        ("grid", "cost"): -40.0,
        ("boiler", "cost"): -20.0,
        ("boiler", "co2"): -9.0,
    }
    assert [tuple(row) for row in found.by_size.itertuples(index=False)] == [
        ("park", "roof", "power", "kW", 40.0, 0.0, 40.0)
    ]
    cost = found.by_category[found.by_category["effect"] == "cost"]
    assert cost["difference"].sum() == pytest.approx(-found.saving)


def test_a_plan_against_itself_is_worth_nothing(results: Make, parts: Parts) -> None:
    plan = bought(results, parts, 100.0, 30.0)
    lot = [Investment(100.0, 10.0)]
    found = compare(
        plan, plan, discount_rate=0.05, project_years=20, investments=lot, other_investments=lot
    )
    assert (found.npv, found.saving, found.extra_capex) == (0.0, 0.0, 0.0)
    assert not found.by_category["difference"].any()
    assert "irr" not in found.quantities()
    assert any("nothing is paid back" in note for note in found.notes)


def test_what_never_pays_back_is_said(results: Make, parts: Parts) -> None:
    found = compare(
        bought(results, parts, 1000.0, 99.0, annual_cost=100.0),
        bought(results, parts, 0.0, 100.0),
        discount_rate=0.0,
        project_years=10,
        investments=[Investment(1000.0, 10.0)],
    )
    assert found.payback_years == math.inf
    assert "payback" not in found.quantities()
    assert "The extra money is not paid back within 10 years." in found.notes


def test_a_project_of_broken_years_has_a_value_but_no_rate(results: Make, parts: Parts) -> None:
    """Proves: 2.5 years of 100 without interest less 100 of the 200 are worth 150."""
    found = compare(
        bought(results, parts, 200.0, 0.0, annual_cost=40.0),
        bought(results, parts, 0.0, 100.0),
        discount_rate=0.0,
        project_years=2.5,
        investments=[Investment(200.0, 5.0)],
    )
    assert found.npv == pytest.approx(2.5 * 100.0 - 200.0 + 100.0)
    assert (found.irr, found.payback_years, found.flows) == (None, None, None)
    assert any("whole years, not 2.5" in note for note in found.notes)


def test_plans_that_cannot_be_compared_are_refused_with_both_reasons(
    results: Make, parts: Parts
) -> None:
    with pytest.raises(InputError) as caught:
        compare(
            results(),
            results(currency="EUR", horizon=parts["horizon"](weight=1.0)),
            discount_rate=0.05,
            project_years=20,
        )
    text = str(caught.value)
    assert len(caught.value.findings) == 2
    assert "is in CNY" in text
    assert "in EUR" in text
    assert "2025-01-01 00:00:00 to 2025-01-01 04:00:00 (8760 h)" in text
    assert "(4 h)" in text


def test_steps_may_differ_within_the_same_hours(results: Make, parts: Parts) -> None:
    coarse = results(horizon=parts["horizon"](step_hours=(2.0, 2.0)))
    assert compare(results(), coarse, discount_rate=0.05, project_years=20).npv == 0.0
    longer = results(horizon=parts["horizon"](step_hours=(2.0, 2.5)))
    with pytest.raises(InputError, match="horizons differ"):
        compare(results(), longer, discount_rate=0.05, project_years=20)


def test_investments_must_be_those_of_the_sizes(results: Make, parts: Parts) -> None:
    plan = bought(results, parts, 1000.0, 0.0)
    with pytest.raises(InputError, match="add up to 0 CNY, the capex of its sizes to 1000"):
        compare(plan, results(), discount_rate=0.05, project_years=20)


@pytest.mark.parametrize(("rate", "years"), [(-1.0, 20.0), (0.05, 0.0), (0.05, math.inf)])
def test_rates_and_lives_out_of_bounds_are_refused(
    results: Make, rate: float, years: float
) -> None:
    with pytest.raises(InputError, match="must be"):
        compare(results(), results(), discount_rate=rate, project_years=years)


def test_a_plan_that_is_not_optimal_is_pointed_out(results: Make, parts: Parts) -> None:
    stopped = results(run=parts["run"](status="time_limit"))
    found = compare(results(), stopped, discount_rate=0.05, project_years=20)
    assert any("(other) is not proven optimal" in note for note in found.notes)
    assert any("time_limit" in note for note in found.notes)


def test_investments_come_from_the_park(plan: Callable[..., Plan], parts: Parts) -> None:
    """Proves: lifetime and price of renewal are those of the park file; the yearly identity holds."""
    held = plan()
    assert held.reference is not None
    park = held.problem.park
    assert investments_of(held.results, park) == (Investment(1000.0, 8.0, 0.5),)
    found = compare_plans(held.results, held.reference, held.problem)
    assert found.discount_rate == 0.05
    assert found.npv == pytest.approx(found.yearly_saving * present_value_factor(0.05, 20))
    assert found.notes == ()
    unknown = held.results.sizes.assign(asset="barn")
    with pytest.raises(InputError, match=r"assets\.barn\.power: was bought, but the park has no"):
        investments_of(replace(held.results, sizes=unknown), park)
    load = parts["frame"]("asset size capex", ("load", "power", 5.0))
    with pytest.raises(InputError, match=r"assets\.load\.power"):
        investments_of(replace(held.results, sizes=load), park)


def test_stored_plans_compare_like_fresh_ones(plan: Callable[..., Plan], tmp_path: Path) -> None:
    held = plan()
    assert held.reference is not None
    base = replace(held, results=held.reference, comparison=None)
    save(held, tmp_path / "a")
    save(base, tmp_path / "b")
    found = compare_stored(open_plan(tmp_path / "a"), open_plan(tmp_path / "b"))
    assert held.comparison is not None
    assert found.quantities() == held.comparison.quantities()
    assert found.by_asset.equals(held.comparison.by_asset)


def test_two_rates_in_stored_plans_are_pointed_out(
    plan: Callable[..., Plan], tmp_path: Path
) -> None:
    held = plan()
    finance = held.problem.park.finance.model_copy(update={"discount_rate": 0.08})
    park = held.problem.park.model_copy(update={"finance": finance})
    save(held, tmp_path / "a")
    save(replace(held, problem=replace(held.problem, park=park)), tmp_path / "b")
    found = compare_stored(open_plan(tmp_path / "a"), open_plan(tmp_path / "b"))
    assert found.discount_rate == 0.05
    assert found.notes[0].startswith("Not used: discount_rate 0.08 of ")
