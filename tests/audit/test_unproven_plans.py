"""Plans that are not proven optimal may pay too much, by what the gap leaves open and no more."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from microgrid_opt import study
from microgrid_opt.audit import audit
from tests.support import EXACT, day, park, problem_of

if TYPE_CHECKING:
    from microgrid_opt.results import Results


def dearer(results: Results, asset: str, category: str, money: float, *, proven: bool) -> Results:
    """Return results that pay more in one entry; the bound stays, or rises with the objective."""
    ledger = results.ledger.copy()
    row = (ledger["asset"] == asset) & (ledger["category"] == category)
    if row.any():
        ledger.loc[row, "amount"] += money
    else:
        ledger.loc[len(ledger)] = ["park", asset, category, "cost", "CNY", money]
    objective = results.run.objective + money
    bound = objective if proven else results.run.objective
    return replace(
        results, ledger=ledger, run=replace(results.run, objective=objective, bound=bound)
    )


@pytest.mark.parametrize("proven", [False, True])
def test_a_peak_that_is_billed_too_high(proven: bool) -> None:
    """Proves: 1 kW too much in a peak, at 2 a kW, is within a gap of 2 and not within none."""
    problem = problem_of(
        park(
            f"""
            load: {{type: load, power_kw: {day(10, 20)}}}
            grid: {{type: grid, import_price_per_kwh: 1, peak_price_per_kw_month: 2}}
            """
        )
    )
    honest, _ = study.run(problem, EXACT)
    plan = dearer(honest, "grid", "demand_charge", 2.0, proven=proven)
    found = audit(replace(plan, monthly=plan.monthly + 1.0), problem)
    assert found.passed is not proven
    assert [check.what for check in found.failures] == ["peaks billed beyond the import"] * proven


def test_a_one_off_cost_for_nothing() -> None:
    """Proves: a binary that is one without need is paid and noted; what is paid must be the one-off cost."""
    problem = problem_of(
        park(
            """
            load: {type: load, power_kw: 10}
            grid: {type: grid, import_price_per_kwh: 1}
            pv:
              type: pv
              output_per_kw: 0.1
              power_kw: {max_kw: 9, capex_per_kw: 90, fixed_capex: 30, lifetime_years: 10}
            """
        )
    )
    honest, _ = study.run(problem, EXACT)
    assert honest.size("pv") == 0.0
    for once, passes in ((30.0, True), (20.0, False)):
        plan = dearer(honest, "pv", "investment", once / 10, proven=False)
        found = audit(
            replace(plan, sizes=plan.sizes.assign(capex=once, annual_cost=once / 10)), problem
        )
        assert found.passed is passes
        assert len(found.notes) == 1
        assert "pays the one-off cost of power, but adds nothing" in found.notes[0]
