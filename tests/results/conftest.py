"""Results and plans made by hand: no solver, every number chosen."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from microgrid_opt.audit import Audit, Check
from microgrid_opt.compare import compare_plans
from microgrid_opt.finance import annual_cost
from microgrid_opt.horizon import Horizon
from microgrid_opt.results import Results, Run, Stage
from microgrid_opt.study import Plan, resolve
from microgrid_opt.yamlio import loads

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PARK = """
schema: 1
name: 测试园区 é
currency: CNY
site: {timezone: Asia/Shanghai}
horizon: {start: 2025-01-01, hours: 4, weight: 2190, holidays: [2025-05-01, 2025-01-01]}
finance: {discount_rate: 0.05, project_years: 20}
assets:
  roof:
    type: pv
    power_kw: {max_kw: 100, capex_per_kw: 10, lifetime_years: 8, replacement_fraction: 0.5}
    output_per_kw: 0.5
  load: {type: load, power_kw: 10}
  grid: {type: grid, import_price_per_kwh: 0.6, co2_kg_per_kwh: 0.5}
"""
SIZE_COLUMNS = (
    "member asset size unit total new existing minimum maximum chosen capex annual_cost fixed_om"
)
LEDGER_COLUMNS = "member asset category effect unit amount"


def make_run(**changes: Any) -> Run:
    run = Run(
        status="optimal",
        objective=100.0,
        bound=99.5,
        gap=0.005,
        kind="MILP",
        profile="default",
        strategy="direct",
        seconds=1.25,
        columns=10,
        rows=8,
        nonzeros=30,
        integers=1,
        prices_from="LP with integers fixed",
        solver="HiGHS 1.15.1",
        stages=(Stage("coarse", 0.5, 120.0, 90.0), Stage("full", 0.75)),
        options={"threads": 1, "time_limit": float("inf"), "presolve": "on", "mip": True},
    )
    return replace(run, **changes)


def make_horizon(
    *, weight: float = 2190.0, step_hours: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0)
) -> Horizon:
    lengths = np.array(step_hours)
    starts = pd.to_timedelta(np.cumsum(lengths) - lengths, unit="h")
    stamps = pd.DatetimeIndex(pd.Timestamp("2025-01-01", tz="Asia/Shanghai") + starts)
    days = frozenset({date(2025, 5, 1), date(2025, 1, 1)})
    return Horizon(stamps, lengths, np.full(len(lengths), weight), days)


def frame(columns: str, *rows: tuple[Any, ...]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=columns.split())


def size_row(
    *,
    asset: str = "roof",
    total: float = 100.0,
    capex: float = 1000.0,
    annual_cost: float = 80.0,
    fixed_om: float = 0.0,
) -> tuple[Any, ...]:
    limits = (0.0, 0.0, float("nan"), True)
    return ("park", asset, "power", "kW", total, total, *limits, capex, annual_cost, fixed_om)


def make_results(
    *,
    sizes: tuple[tuple[Any, ...], ...] = (),
    ledger: tuple[tuple[str, str, str, float], ...] = (),
    horizon: Horizon | None = None,
    **changes: Any,
) -> Results:
    """Return results; a ledger row is (asset, category, effect, amount)."""
    horizon = horizon or make_horizon()
    currency = changes.get("currency", "CNY")
    units = {"cost": currency, "co2": "kg"}
    n = len(horizon)
    index = pd.DatetimeIndex(horizon.stamps, name="stamp")
    ramp = np.linspace(0.1, 1.0, n)
    held: dict[str, Any] = {
        "name": "测试园区 é",
        "currency": currency,
        "horizon": horizon,
        "run": make_run(),
        "columns": frame(
            "key member asset name unit",
            ("park.roof.generation", "park", "roof", "generation", "kW"),
        ),
        "series": pd.DataFrame(
            {"park.roof.generation": ramp / 3, "park.grid.import": -0.0 * ramp}, index=index
        ),
        "monthly": pd.DataFrame(
            {"park.grid.peak": [7.5]}, index=pd.Index(["2025-01"], name="month", dtype=str)
        ),
        "flows": frame(
            "member place asset carrier sign column factor role renewable",
            (
                "park",
                "park",
                "roof",
                "electricity",
                1,
                "park.roof.generation",
                float("nan"),
                "generation",
                True,
            ),
            ("park", "park", "grid", "electricity", 1, "park.grid.import", 1.0, "import", False),
        ),
        "factors": pd.DataFrame({"0": ramp}, index=range(n)),
        "sizes": frame(SIZE_COLUMNS, *sizes),
        "energy": frame(
            "member place asset carrier role renewable unit supplied drawn supplied_kwh drawn_kwh",
            *(
                ("park", "park", asset, "electricity", role, role == "generation", "kWh", *sums)
                for asset, role, sums in (
                    ("roof", "generation", (600.0, 0.0, 600.0, 0.0)),
                    ("grid", "import", (500.0, 0.0, 500.0, 0.0)),
                    ("grid", "export", (0.0, 100.0, 0.0, 100.0)),
                    ("load", "demand", (0.0, 1000.0, 0.0, 1000.0)),
                )
            ),
        ),
        "ledger": frame(
            LEDGER_COLUMNS,
            *(
                ("park", asset, what, effect, units[effect], amount)
                for asset, what, effect, amount in ledger
            ),
        ),
        "caps": frame(
            "name member description sense limit value unit binding shadow_price price_unit",
            ("co2_cap", "park", "CO2 cap", "<=", 100.0, 100.0, "kg", True, 0.25, "CNY/kg"),
        ),
        "prices": pd.DataFrame({"park.electricity": ramp}, index=index),
        "details": frame("asset name value unit", ("roof", "full_load_hours", 1100.5, "h")),
        "carriers": frame(
            "carrier unit flow_unit energy_kwh_per_unit", ("electricity", "kWh", "kW", 1.0)
        ),
        "labels": {"roof": "屋顶光伏 ☀", "park": "Park", "grid": "Réseau"},
    }
    return Results(**held | changes)


def make_plan(**changes: Any) -> Plan:
    """Return a plan of `PARK` with a reference: 1000 CNY of PV save 300 CNY and 250 kg a year."""
    problem = resolve(loads(PARK, "park.yaml"))
    year = annual_cost(1000.0, 8.0, 0.05, 20.0, replacement_fraction=0.5)
    results = make_results(
        sizes=(size_row(annual_cost=year),),
        ledger=(
            ("grid", "energy_import", "cost", 300.0),
            ("grid", "import", "co2", 250.0),
            ("roof", "investment", "cost", year),
        ),
    )
    reference = make_results(
        ledger=(
            ("grid", "energy_import", "cost", 600.0),
            ("grid", "import", "co2", 500.0),
        ),
    )
    check = Check("park", "ledger = objective", 0.001, 0.01, "CNY")
    plan = Plan(
        problem=replace(problem, files={"load.csv": "ab" * 32}),
        results=results,
        audit=Audit((check,), ("charge and discharge at once in 1 step",)),
        reference=reference,
        reference_audit=Audit((check,), ()),
        comparison=compare_plans(results, reference, problem),
        seconds={"build": 0.1, "solve": 2.0},
    )
    return replace(plan, **changes)


@pytest.fixture(scope="session")
def results() -> Callable[..., Results]:
    return make_results


@pytest.fixture(scope="session")
def plan() -> Callable[..., Plan]:
    return make_plan


@pytest.fixture(scope="session")
def parts() -> Mapping[str, Callable[..., Any]]:
    """Makers of what results consist of, by name."""
    return {"run": make_run, "horizon": make_horizon, "size": size_row, "frame": frame}
