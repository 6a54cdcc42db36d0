from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import yaml

from microgrid_opt.audit import Audit, Check
from microgrid_opt.bill.of_plan import bill_of_plan
from microgrid_opt.compare import compare_plans
from microgrid_opt.park import park_model
from microgrid_opt.problem import Problem, prepare
from microgrid_opt.results import Results, Run, Stage
from microgrid_opt.study import Plan
from tests.support import park, planned

if TYPE_CHECKING:
    from collections.abc import Callable

    from microgrid_opt.horizon import Horizon

COLUMNS = {
    "columns": "key member asset name unit",
    "flows": "member place asset carrier sign column factor role renewable",
    "sizes": "member asset size unit total new existing minimum maximum chosen capex annual_cost "
    "fixed_om",
    "energy": "member place asset carrier role renewable unit supplied drawn supplied_kwh "
    "drawn_kwh",
    "ledger": "member asset category effect unit amount worth",
    "caps": "name member description sense limit value unit binding shadow_price price_unit",
    "details": "asset name value unit",
    "carriers": "carrier unit flow_unit energy_kwh_per_unit",
}
CARRIERS = {
    "electricity": ("kWh", "kW", 1.0),
    "heat": ("kWh", "kW", 1.0),
    "gas": ("kWh", "kW", 1.0),
    "hydrogen": ("kg", "kg/h", 33.33),
}
RUN = Run(
    status="optimal", objective=0.0, bound=0.0, gap=0.0, kind="LP", profile="default",
    strategy="progressive", seconds=12.3, columns=131400, rows=166440, nonzeros=512000, integers=0,
    prices_from="LP", solver="HiGHS 1.15.1",
    stages=(Stage("sampled days", 0.2, 1.0, None), Stage("full year", 12.1, 1.0, 1.0)),
    options={"threads": 1},
)  # fmt: skip


@dataclass
class Sheet:
    """Tables of results, written row by row."""

    horizon: Horizon
    currency: str = "CNY"
    member: str = "park"
    held: dict[str, list[tuple[Any, ...]]] = field(
        default_factory=lambda: {name: [] for name in COLUMNS}
    )
    series: dict[str, Any] = field(default_factory=dict)
    factors: dict[str, Any] = field(default_factory=dict)
    monthly: dict[str, Any] = field(default_factory=dict)
    prices: dict[str, Any] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)

    def column(self, asset: str, name: str, values: Any, unit: str = "kW") -> str:
        key = f"{self.member}.{asset}.{name}"
        self.series[key] = np.broadcast_to(np.asarray(values, float), len(self.horizon)).copy()
        self.held["columns"].append((key, self.member, asset, name, unit))
        return key

    def flow(
        self, asset: str, key: str, carrier: str, sign: int, role: str, *, factor: Any = 1.0,
        renewable: bool = False, member: str = "",
    ) -> None:  # fmt: skip
        scale = np.asarray(factor, float)
        position = len(self.held["flows"])
        if scale.ndim:
            self.factors[str(position)] = scale
        shown = float("nan") if scale.ndim else float(scale)
        at = member or self.member
        owner = self.member
        self.held["flows"].append((owner, at, asset, carrier, sign, key, shown, role, renewable))
        amount = float((scale * self.series[key]) @ self.horizon.hours)
        unit, _, content = CARRIERS[carrier]
        pair = (amount, 0.0) if sign > 0 else (0.0, amount)
        place = (owner, at, asset, carrier, role, renewable, unit)
        self.held["energy"].append((*place, *pair, *(v * content for v in pair)))

    def supply(
        self, asset: str, name: str, values: Any, carrier: str, role: str, **more: Any
    ) -> None:
        self.flow(
            asset, self.column(asset, name, values, CARRIERS[carrier][1]), carrier, 1, role, **more
        )

    def draw(
        self, asset: str, name: str, values: Any, carrier: str, role: str, **more: Any
    ) -> None:
        self.flow(
            asset, self.column(asset, name, values, CARRIERS[carrier][1]), carrier, -1, role, **more
        )

    def size(
        self, asset: str, name: str, unit: str, total: float, *, existing: float = 0.0,
        capex: float = 0.0, annual: float = 0.0, fixed_om: float = 0.0, maximum: float = np.nan,
    ) -> None:  # fmt: skip
        chosen = not np.isnan(maximum)
        self.held["sizes"].append(
            (self.member, asset, name, unit, total, total - existing, existing, 0.0, maximum, chosen,
             capex, annual, fixed_om)
        )  # fmt: skip
        for category, amount in (("investment", annual), ("fixed_om", fixed_om)):
            if amount:
                self.book(asset, category, amount * self.horizon.year_share)

    def book(self, asset: str, category: str, amount: float, effect: str = "cost") -> None:
        unit = self.currency if effect == "cost" else "kg"
        row = (self.member, asset, category, effect, unit, float(amount), 1.0)
        self.held["ledger"].append(row)

    def results(self, name: str, run: Run = RUN) -> Results:
        cost = sum(row[5] for row in self.held["ledger"] if row[3] == "cost")
        used = dict.fromkeys(row[3] for row in self.held["flows"])
        self.held["carriers"] = [(carrier, *CARRIERS[carrier]) for carrier in used]
        tables = {
            key: pd.DataFrame(rows, columns=COLUMNS[key].split()) for key, rows in self.held.items()
        }
        stamps = pd.DatetimeIndex(self.horizon.stamps, name="stamp")
        months = pd.Index(self.horizon.month_labels, name="month", dtype=str)
        bound = None if run.bound is None else cost - abs(cost) * (run.gap or 0.0)
        return Results(
            name=name,
            currency=self.currency,
            horizon=self.horizon,
            run=replace(run, objective=cost, bound=bound),
            series=pd.DataFrame(self.series, index=stamps),
            monthly=pd.DataFrame(self.monthly, index=months),
            factors=pd.DataFrame(self.factors, index=range(len(self.horizon))),
            prices=pd.DataFrame(self.prices, index=stamps),
            labels=self.labels,
            **tables,
        )


def problem_of(data: dict[str, Any], arrays: dict[str, Any] | None = None) -> Problem:
    context = {"currency": data["currency"], "folder": Path()}
    park = park_model().model_validate({**data, "schema": 1}, context=context)
    problem = prepare(park, Path(), lambda path: None)
    return replace(problem, arrays={**problem.arrays, **(arrays or {})}, files={"a.csv": "ab" * 32})


def audit_of(*failed: Check) -> Audit:
    checks = [
        Check(
            f"park.asset_{n}", "generation within the available", 1e-9 * n, 1e-3, "kW", "2025-01-01"
        )
        for n in range(40)
    ]
    note = "park.battery charges and discharges at once in 3 steps (12.5 kW·h)."
    return Audit((*checks, *failed), (note,))


@dataclass(frozen=True)
class Small:
    """What a small plan may differ in."""

    steps: int = 48
    name: str = "Small park"
    label: str = "Factory"
    start: str = "2025-03-03"
    timezone: str = "Asia/Shanghai"
    step_hours: float = 1.0
    price: Any = 0.5
    member_label: str = ""
    reference: bool = False
    prices: bool = True
    run: Run = RUN
    failed: tuple[Check, ...] = ()


def small_plan(**changes: Any) -> Plan:
    """Return a plan of one load, a grid and a PV plant that is not built."""
    case = Small(**changes)
    data = {
        "name": case.name,
        "currency": "EUR",
        "site": {"timezone": case.timezone},
        "horizon": {
            "start": case.start,
            "hours": case.steps * case.step_hours,
            "step_minutes": 60 * case.step_hours,
        },
        "finance": {"discount_rate": 0.05, "project_years": 20},
        "members": {"park": {"label": case.member_label or "Owner"}},
        "assets": {
            "load": {"type": "load", "power_kw": 100, "label": case.label},
            "grid": {"type": "grid", "import_price_per_kwh": 0.5, "co2_kg_per_kwh": 0.4},
            "pv": {
                "type": "pv",
                "power_kw": {"max_kw": 50, "capex_per_kw": 1000, "lifetime_years": 20},
                "output_per_kw": 0.1,
            },
        },
    }
    problem = problem_of(data)
    sheet = Sheet(problem.horizon, "EUR", labels={"load": case.label, "grid": "Grid", "pv": "PV"})
    sheet.draw("load", "demand", 100.0, "electricity", "demand")
    sheet.supply("grid", "import", 100.0, "electricity", "import")
    sheet.supply("pv", "generation", 0.0, "electricity", "generation", renewable=True)
    sheet.size("pv", "power", "kW", 0.0, maximum=50.0)
    hours = problem.horizon.hours
    sheet.book(
        "grid", "energy_import", 100.0 * float(hours @ np.broadcast_to(case.price, len(hours)))
    )
    sheet.book("grid", "import", 40.0 * float(hours.sum()), "co2")
    if case.prices:
        sheet.prices["park.electricity"] = np.broadcast_to(case.price, len(hours))
    results = sheet.results(case.name, case.run)
    reference = results if case.reference else None
    return Plan(
        problem,
        results,
        audit_of(*case.failed),
        reference,
        audit_of() if case.reference else None,
        "" if case.reference else "the existing assets cannot serve the demand.",
        compare_plans(results, results, problem) if case.reference else None,
        {"build": 0.31, "solve": 12.3},
    )


def heat_plan() -> Plan:
    """Return a plan without any electricity: gas, a boiler and a heat demand."""
    data = {
        "name": "Heat only",
        "currency": "EUR",
        "horizon": {"start": "2025-01-01", "hours": 24},
        "finance": {"discount_rate": 0.05, "project_years": 20},
        "assets": {
            "heat": {"type": "heat_demand", "power_kw": 90},
            "gas": {"type": "supply", "carrier": "gas", "price_per_kwh": 0.05},
            "boiler": {"type": "gas_boiler", "power_kw": 200, "efficiency": 0.9},
        },
    }
    problem = problem_of(data)
    sheet = Sheet(problem.horizon, "EUR")
    sheet.draw("heat", "demand", 90.0, "heat", "demand")
    sheet.supply("gas", "purchase", 100.0, "gas", "import")
    sheet.draw("boiler", "input", 100.0, "gas", "conversion")
    sheet.flow("boiler", "park.boiler.input", "heat", 1, "conversion", factor=0.9)
    sheet.size("boiler", "power", "kW", 200.0, existing=200.0)
    sheet.book("gas", "purchase", 120.0)
    return Plan(problem, sheet.results("Heat only"), audit_of())


def member_plan() -> Plan:
    """Return a plan of two firms with a line between them, on unequal weighted steps."""
    data = {
        "name": "Two firms",
        "currency": "CNY",
        "site": {"timezone": "Asia/Shanghai"},
        "horizon": {"start": "2025-06-01", "steps_hours": [1, 2, 0.5, 4], "weight": [1, 2, 1, 3]},
        "finance": {"discount_rate": 0.05, "project_years": 20},
        "members": {"smelter": {"label": "冶炼厂"}, "dairy": {}},
        "assets": {
            "load_a": {"type": "load", "power_kw": 50, "member": "smelter"},
            "load_b": {"type": "load", "power_kw": 30, "member": "dairy"},
            "grid": {"type": "grid", "import_price_per_kwh": 0.5, "member": "smelter"},
            "line": {"type": "line", "member": "smelter", "to": "dairy", "power_kw": 60,
                     "efficiency": 0.75},
        },
    }  # fmt: skip
    problem = problem_of(data)
    sheet = Sheet(problem.horizon, member="smelter")
    sheet.draw("load_a", "demand", 50.0, "electricity", "demand")
    sheet.supply("grid", "import", [90, 90, 91, 90], "electricity", "import")
    sheet.draw("line", "forward", [40, 40, 41, 40], "electricity", "transfer")
    factor = np.array([0.75, 0.75, 30 / 41, 0.75])
    sheet.flow(
        "line", "smelter.line.forward", "electricity", 1, "transfer", member="dairy", factor=factor
    )
    sheet.size("line", "power", "kW", 60.0, existing=60.0)
    sheet.book("grid", "energy_import", 900.0)
    sheet.member = "dairy"
    sheet.draw("load_b", "demand", 30.0, "electricity", "demand")
    sheet.book("load_b", "wheeling_fee", -20.0)
    sheet.labels = {"smelter": "冶炼厂", "dairy": "dairy"}
    return Plan(problem, sheet.results("Two firms"), audit_of(), reference_note="not asked for")


def year_profiles(n: int, rng: np.random.Generator) -> dict[str, Any]:
    """Return plausible shapes of a year of hours: sun, wind, load, heat, hydrogen."""
    clock = np.arange(n)
    hour, day = clock % 24, clock // 24
    season = np.cos(2 * np.pi * (day - 15) / 365)
    clouds = np.repeat(rng.beta(4, 1.6, n // 24 + 1), 24)[:n]
    sun = np.clip(np.sin(np.pi * (hour - 6) / 12), 0, None) * (0.72 - 0.2 * season) * clouds
    noise = np.zeros(n)
    for t in range(1, n):
        noise[t] = 0.97 * noise[t - 1] + rng.normal(0, 0.24)
    wind = 1 / (1 + np.exp(-(noise + 0.3 * season - 0.6) * 1.6))
    weekend = (day + 2) % 7 >= 5
    work = np.where(weekend, 0.55, 1.0) * (0.55 + 0.45 * np.exp(-(((hour - 13.5) / 5.5) ** 4)))
    return {
        "sun": sun,
        "wind": wind,
        "load": 7500 * work + rng.normal(0, 90, n),
        "heat": np.clip(3200 + 1800 * season + 500 * work + rng.normal(0, 120, n), 400, None),
        "hydrogen": np.clip(62 + 14 * work + rng.normal(0, 2, n), 0, None),
    }


def follow(surplus: Any, power: float, energy: float) -> tuple[Any, Any, Any]:
    """Return charge, discharge and content of a battery that follows the surplus."""
    n = len(surplus)
    charge, discharge, content = np.zeros(n), np.zeros(n), np.zeros(n)
    held = 0.5 * energy
    for t, left in enumerate(surplus.tolist()):
        if left > 0:
            charge[t] = min(left, power, (energy - held) / 0.95)
        else:
            discharge[t] = min(-left, power, held * 0.95)
        held += 0.95 * charge[t] - discharge[t] / 0.95
        content[t] = held
    return charge, discharge, content


def year_plan() -> Plan:
    """Return a realistic year of hours, run by a simple rule instead of a solver."""
    data = yaml.safe_load((Path(__file__).parent / "year.yaml").read_text(encoding="utf-8"))
    problem = problem_of(data)
    horizon = problem.horizon
    shapes = year_profiles(len(horizon), np.random.default_rng(5))
    arrays = {
        **problem.arrays,
        "assets.pv.output_per_kw": shapes["sun"],
        "assets.wind.output_per_kw": shapes["wind"],
        "assets.load.power_kw": shapes["load"],
        "assets.heat.power_kw": shapes["heat"],
        "assets.feed.flow_kg_per_hour": shapes["hydrogen"],
    }
    problem = replace(problem, arrays=arrays)
    sized = ((16000.0, 9000.0, 18000.0), (0.0, 0.0, 0.0))
    results, reference = (_year_results(problem, shapes, *sizes) for sizes in sized)
    results, reference = (
        replace(held, bill=bill_of_plan(held, problem)) for held in (results, reference)
    )
    comparison = compare_plans(results, reference, problem)
    audit = audit_of()
    return Plan(problem, results, audit, reference, audit, "", comparison, {"solve": 12.3})


def _book_year(sheet: Sheet, problem: Problem, bought: Any, sold: Any, gas: Any) -> float:
    horizon, hours = problem.horizon, problem.horizon.hours
    tariff = problem.arrays["assets.grid.import_price_per_kwh"]
    sheet.book("grid", "energy_import", (bought * tariff) @ hours)
    sheet.book("grid", "energy_export", -0.3 * (sold @ hours))
    peak = np.zeros(12)
    np.maximum.at(peak, horizon.month, bought)
    sheet.monthly["park.grid.peak"] = peak
    sheet.held["columns"].append(("park.grid.peak", "park", "grid", "peak", "kW"))
    sheet.book("grid", "demand_charge", 48 * peak.sum())
    sheet.book("gas", "purchase", 0.36 * (gas @ hours))
    co2 = {"grid": 0.5568 * (bought @ hours), "gas": 0.202 * (gas @ hours)}
    for key, amount in co2.items():
        sheet.book(key, "import" if key == "grid" else "purchase", amount, "co2")
    sheet.book("policies", "co2_price", 0.06 * sum(co2.values()))
    return float(sum(co2.values()))


def _year_results(
    problem: Problem, shapes: dict[str, Any], sun: float, wind: float, store: float
) -> Results:
    horizon = problem.horizon
    sheet = Sheet(horizon)
    specs = {key: asset.sizes() for key, asset in problem.park.assets.items()}
    hours = horizon.hours
    cells = shapes["hydrogen"] * 54
    base = shapes["load"] + cells
    made = {"pv": sun * shapes["sun"], "wind": wind * shapes["wind"]}
    surplus = made["pv"] + made["wind"] - base
    rest = shapes["heat"] - 0.1 * cells
    heater = np.clip(np.minimum(surplus, np.minimum(9000.0 if sun else 0.0, rest / 0.98)), 0, None)
    surplus = surplus - heater
    charge, discharge, content = follow(surplus, 4000.0 if store else 0.0, store)
    net = surplus - charge + discharge
    sold, cut = np.clip(net, 0, 3000), np.clip(net - 3000, 0, None)
    bought = np.clip(-net, 0, None)
    lost = np.minimum(cut, made["pv"])
    made["pv"], made["wind"] = made["pv"] - lost, made["wind"] - (cut - lost)
    for key in ("pv", "wind"):
        sheet.supply(key, "generation", made[key], "electricity", "generation", renewable=True)
    sheet.draw("battery", "charge", charge, "electricity", "storage")
    sheet.supply("battery", "discharge", discharge, "electricity", "storage")
    sheet.column("battery", "state_of_charge", content, "kWh")
    for key, taken, given in (
        ("electrolyser", cells, {"hydrogen": 1 / 54, "heat": 0.1}),
        ("heater", heater, {"heat": 0.98}),
    ):
        sheet.draw(key, "input", taken, "electricity", "conversion")
        for carrier, factor in given.items():
            sheet.flow(key, f"park.{key}.input", carrier, 1, "conversion", factor=factor)
    gas = (rest - 0.98 * heater) / 0.9
    sheet.draw("boiler", "input", gas, "gas", "conversion")
    sheet.flow("boiler", "park.boiler.input", "heat", 1, "conversion", factor=0.9)
    sheet.supply("gas", "purchase", gas, "gas", "import")
    sheet.supply("grid", "import", bought, "electricity", "import")
    sheet.draw("grid", "export", sold, "electricity", "export")
    sheet.draw("load", "demand", shapes["load"], "electricity", "demand")
    sheet.draw("heat", "demand", shapes["heat"], "heat", "demand")
    sheet.draw("feed", "demand", shapes["hydrogen"], "hydrogen", "demand")
    emitted = _book_year(sheet, problem, bought, sold, gas)
    for key, name, total in (
        ("pv", "power", sun), ("wind", "power", wind), ("battery", "energy", store),
        ("heater", "power", 9000.0 if sun else 0.0),
    ):  # fmt: skip
        spec = specs[key][name]
        capex = spec.capex_per_unit * total
        annual = capex * problem.park.finance.annual_cost_factor(spec)
        sheet.size(
            key, name, type(spec).unit, total, maximum=spec.maximum or 0.0, capex=capex, annual=annual,
            fixed_om=spec.fixed_om_per_unit_year * total,
        )  # fmt: skip
    for key, name, total in (
        ("battery", "power", 4000.0), ("electrolyser", "power", 4500.0),
        ("boiler", "power", 8000.0), ("grid", "connection", 20000.0),
    ):  # fmt: skip
        sheet.size(key, name, "kW", total, existing=total)
    tariff = problem.arrays["assets.grid.import_price_per_kwh"]
    for carrier, price in (("electricity", tariff), ("heat", 0.41), ("hydrogen", tariff * 54)):
        sheet.prices[f"park.{carrier}"] = np.broadcast_to(price, len(hours))
    sheet.held["caps"] += [
        ("co2_cap", "park", "CO2 cap", "<=", 4e7, emitted, "kg", False, 0.0, "CNY/kg"),
        ("renewable_share", "park", "renewable share of at least 30 %", ">=", 0.0, 0.0, "kWh", True,
         0.118, "CNY/kWh"),
    ]  # fmt: skip
    sheet.held["details"] += [
        ("pv", "curtailed", float(lost @ hours), "kWh"),
        ("wind", "curtailed", float((cut - lost) @ hours), "kWh"),
        ("pv", "yield", float(shapes["sun"] @ hours), "kWh/kW"),
        ("battery", "full_cycles", float(discharge @ hours) / 0.95 / max(store, 1.0), "1"),
    ]
    assets = problem.park.assets
    sheet.labels = {key: asset.label or key for key, asset in assets.items()} | {"park": "park"}
    return sheet.results(problem.park.name)


TARIFF = """
load: {type: load, label: Yard, power_kw: {hourly: [4, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2]}}
grid:
  type: grid
  label: Village <grid>
  contract_kw: 5
  export_limit_kw: 100
  import_limit_kw: 100
  tariff:
    components:
      day_energy: {type: energy, price_per_kwh: 1}
      basic: {type: contract_demand, label: "需量 <b>", price_per_kw_month: 2}
      demand: {type: demand, price_per_kw_month: 3, window_minutes: 120}
      feed_in: {type: export, price_per_kwh: 0.25}
pv: {type: pv, label: Roof, power_kw: {max_kw: 6, capex_per_kw: 1, lifetime_years: 10}, output_per_kw: 0.5}
"""


def tariff_plan() -> Plan:
    """Return a solved plan of two hours in January and two in February under a tariff."""
    return planned(park(TARIFF, horizon="{start: 2025-01-31T22:00, hours: 4}"))


@pytest.fixture(scope="session")
def billed() -> Plan:
    return tariff_plan()


@pytest.fixture(scope="session")
def year() -> Plan:
    return year_plan()


@pytest.fixture(name="small_plan")
def small_plan_factory() -> Callable[..., Plan]:
    return small_plan


@pytest.fixture(name="heat_plan")
def heat_plan_factory() -> Callable[[], Plan]:
    return heat_plan


@pytest.fixture(name="member_plan")
def member_plan_factory() -> Callable[[], Plan]:
    return member_plan
