"""Parks of one hour that stands for a year, and their cash flow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from microgrid_opt.finance import capital_recovery_factor
from microgrid_opt.finance.proforma import Proforma, proforma
from tests.support import park, planned, problem_of

if TYPE_CHECKING:
    from microgrid_opt.study import Plan

YEAR = "{start: 2025-03-03, hours: 1, weight: 8760}"
"""One hour that stands for a year: 1 kW is 8760 kWh."""
PRICE = repr(1 / 8760)
"""Price of energy at which 1 kW costs 1 a year."""
SIZE = "{fixed_kw: 4, capex_per_kw: 5, lifetime_years: 20}"
TAX = "{income_tax_fraction: 0.25, depreciation: {years: 5}}"


def text_of(
    *, size: str = SIZE, years: int = 10, rate: float = 0.08, assets: str = "", **terms: str
) -> str:
    finance = {"discount_rate": str(rate), "project_years": str(years)} | terms
    words = ", ".join(f"{key}: {value}" for key, value in finance.items())
    return park(
        f"""
        grid: {{type: grid, import_price_per_kwh: {PRICE}, co2_kg_per_kwh: 0.5}}
        load: {{type: load, power_kw: 10}}
        pv: {{type: pv, output_per_kw: 1, power_kw: {size}}}
        {assets}
        """,
        horizon=YEAR,
        finance="{" + words + "}",
    )


def plan_of(text: str) -> tuple[Plan, Proforma]:
    """Return a plan and its cash flow, of which the net present value is the objective's."""
    plan = planned(text)
    described = problem_of(text).park
    held = proforma(plan.results, plan.reference, described)
    assert plan.reference is not None
    finance = described.finance
    more = plan.results.cost - plan.reference.cost
    crf = capital_recovery_factor(finance.real_rate, finance.project_years)
    assert held.whole.npv == pytest.approx(-(1 - finance.tax_rate) * more / crf, rel=1e-9, abs=1e-9)
    assert plan.comparison is not None
    assert plan.comparison.npv == pytest.approx(held.whole.npv)
    return plan, held
