"""Month by month: the bound holds whatever the prices, and plans are what they claim."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from microgrid_opt import study
from microgrid_opt.model import build
from microgrid_opt.solve import handoff, highs, parts
from microgrid_opt.solve.profiles import load_profile
from tests.billing import grid_text
from tests.support import EXACT, park, problem_of

if TYPE_CHECKING:
    from microgrid_opt.audit import Audit
    from microgrid_opt.results import Results

HORIZON = "{start: 2025-01-01, steps_hours: %s}" % ([120] * 36)
"""Half a year in steps of five days."""
ENERGY = {"type": "energy", "price_per_kwh": 0.05}
HIGH = {"from_kwh_per_kva_month": 200, "factor": 0.7}


def demand(**keys: Any) -> dict[str, Any]:
    return {"energy": ENERGY, "demand": {"type": "demand", **keys}}


FORMULATIONS: dict[str, dict[str, Any]] = {
    "falling energy": {
        "components": {
            "blocks": {
                "type": "tiered_energy",
                "tiers": [
                    {"up_to_kwh_month": 9000, "price_per_kwh": 0.3},
                    {"up_to_kwh_month": 14_000, "price_per_kwh": 0.2},
                    {"price_per_kwh": 0.1},
                ],
            }
        }
    },
    "falling demand": {
        "components": demand(
            tiers=[
                {"up_to_kw": 15, "price_per_kw_month": 90},
                {"up_to_kw": 22, "price_per_kw_month": 60},
                {"price_per_kw_month": 30},
            ]
        )
    },
    "bands": {
        "components": demand(
            bands=[
                {"up_to_kw": 18, "price_per_month": 400},
                {"up_to_kw": 24, "price_per_month": 900},
                {"price_per_month": 2000},
            ]
        )
    },
    "ratchet on tiers": {
        "components": demand(
            tiers=[{"up_to_kw": 20, "price_per_kw_month": 90}, {"price_per_kw_month": 40}],
            ratchet_fraction=0.8,
            ratchet_lookback_months=11,
        )
    },
    "rebate": {"components": demand(price_per_kw_month=60, rebate=HIGH)},
    "choice by month": {
        "choices": {"basic": {"options": ["kva", "kw"], "period": "month"}},
        "components": {
            "energy": ENERGY,
            "a": {"type": "capacity", "option": "kva", "price_per_kva_month": 25},
            "b": {"type": "demand", "option": "kw", "price_per_kw_month": 60},
        },
    },
}
LOADS = [14.0, 19.0, 25.0, 30.0, 12.0, 17.0]


def text(tariff: Any, loads: list[float], *, carbon: bool = False, capex: int = 1000) -> str:
    """Return half a year with sized PV and battery under a tariff."""
    shape = json.dumps({"monthly": [*loads, *loads]})
    grid = grid_text(tariff, transformer_kva=60)
    sections = {"horizon": HORIZON}
    if carbon:
        sections["carbon"] = "{cap_t_per_year: 70}"
        grid = grid.replace('"tariff"', '"co2_kg_per_kwh": 0.6, "tariff"', 1)
    return park(
        f"""
        load: {{type: load, power_kw: {shape}}}
        pv: {{type: pv, output_per_kw: {{monthly: [0.1, 0.2, 0.3, 0.3, 0.4, 0.4, 0, 0, 0, 0, 0, 0]}},
              power_kw: {{max_kw: 30, capex_per_kw: {capex}, lifetime_years: 10}}}}
        battery: {{type: battery, charge_efficiency: 0.9, discharge_efficiency: 0.9, final: cyclic,
                   energy_kwh: {{max_kwh: 3000, capex_per_kwh: 2, lifetime_years: 10}},
                   power_kw: {{max_kw: 20, capex_per_kw: 20, lifetime_years: 10}}}}
        {grid}
        """,
        **sections,
    )


def both(body: str, monkeypatch: pytest.MonkeyPatch) -> tuple[Results, Results, Audit]:
    """Return the exact optimum, and the plan of the parts to a gap of 1 %."""
    exact, _ = study.run(problem_of(body), EXACT)
    assert exact.run.strategy == "direct"
    monkeypatch.setattr(parts, "LEAST_NONZEROS", 0)
    found, audit = study.run(problem_of(body), study.Asked("test", ("mip_rel_gap=0.01",)))
    monkeypatch.undo()
    assert found.run.strategy == "parts"
    return exact, found, audit


@pytest.mark.parametrize("tariff", list(FORMULATIONS.values()), ids=list(FORMULATIONS))
def test_bound_and_plan_enclose_the_optimum(
    tariff: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves: bound ≤ optimum ≤ plan of the parts, whose bill the calculator confirms (audit)."""
    exact, found, audit = both(text(tariff, LOADS), monkeypatch)
    audit.require()
    slack = 1e-6 * abs(exact.cost)
    assert found.run.bound is not None
    assert found.run.bound <= exact.cost + slack
    assert exact.cost <= found.cost + slack
    stages = [stage.name for stage in found.run.stages]
    assert stages[0] == "relaxation"
    assert "whole numbers held" in stages


@pytest.mark.parametrize("tariff", list(FORMULATIONS.values()), ids=list(FORMULATIONS))
def test_without_a_gap_the_optimum_comes_out(
    tariff: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves: with no gap allowed the parts, or branch and bound behind them, end at the optimum."""
    exact, _ = study.run(problem_of(text(tariff, LOADS)), EXACT)
    monkeypatch.setattr(parts, "LEAST_NONZEROS", 0)
    found, _ = study.run(problem_of(text(tariff, LOADS)), study.Asked("test"))
    assert found.cost == pytest.approx(exact.cost, rel=1e-7)


def test_a_cap_of_the_year_belongs_to_no_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: with a yearly cap of CO2 that binds, the bound still holds. Sensitivity: it costs."""
    tariff = FORMULATIONS["falling demand"]
    free, _, _ = both(text(tariff, LOADS, capex=5000), monkeypatch)
    exact, found, audit = both(text(tariff, LOADS, capex=5000, carbon=True), monkeypatch)
    audit.require()
    assert exact.cost > free.cost + 1
    assert found.run.bound is not None
    assert found.run.bound <= exact.cost * (1 + 1e-6) <= found.cost * (1 + 2e-6)


loads = st.lists(st.integers(5, 40).map(float), min_size=6, max_size=6)


@pytest.mark.slow
@settings(
    max_examples=25,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(name=st.sampled_from(sorted(FORMULATIONS)), load=loads, seed=st.integers(0, 2**32 - 1))
def test_any_prices_prove_a_bound(
    name: str, load: list[float], seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves: not only prices of an optimum: random prices of all rows never prove too much.

    Sensitivity: a column that were paid for twice, or not at all, would.
    """
    problem = problem_of(text(FORMULATIONS[name], load))
    draft = build(problem)
    matrix = handoff.extract(draft.model)
    exact = highs.solve(matrix, load_profile("test"))
    assert exact.objective is not None
    monkeypatch.setattr(parts, "LEAST_NONZEROS", 0)
    split = parts.split(matrix, problem.horizon)
    assert split is not None
    assert split.count == 6
    prices = np.random.default_rng(seed).normal(0.0, 5.0, matrix.row_count)
    proven, _, _ = parts.bound(matrix, split, prices, load_profile("test"))
    assert proven <= exact.objective + 1e-6 * abs(exact.objective)


def test_ctrl_c_returns_what_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: stopped while parts are solved, the plan of the flows is returned with its bound."""
    exact, _ = study.run(problem_of(text(FORMULATIONS["falling demand"], LOADS)), EXACT)
    monkeypatch.setattr(parts, "LEAST_NONZEROS", 0)
    monkeypatch.setattr(parts, "bound", lambda *_: (-np.inf, None, True))
    found, audit = study.run(
        problem_of(text(FORMULATIONS["falling demand"], LOADS)), study.Asked("test")
    )
    audit.require()
    assert found.run.status == "interrupted"
    assert found.run.bound is not None
    assert found.run.bound <= exact.cost * (1 + 1e-9) <= found.cost * (1 + 2e-9)


def test_few_months_and_small_models_are_solved_at_once() -> None:
    problem = problem_of(text(FORMULATIONS["bands"], LOADS))
    matrix = handoff.extract(build(problem).model)
    assert parts.split(matrix, problem.horizon) is None
