"""A plan in few words: the content of ``summary.json``, and the rows that every report opens with.

Every number stands as ``{"value": ..., "unit": ...}``; a value that does not exist or is not finite
is ``None``. Nothing here depends on the clock: one plan always gives the same summary.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from microgrid_opt.compare import investments_of
from microgrid_opt.ledger import CO2, EFFECTS, KG_PER_T
from microgrid_opt.results import Quantity

if TYPE_CHECKING:
    import pandas as pd

    from microgrid_opt.audit import Audit
    from microgrid_opt.compare import Comparison
    from microgrid_opt.park import Park
    from microgrid_opt.results import Results
    from microgrid_opt.study import Plan

CO2_CAP = "co2_cap"
_YEARLY_MONEY = frozenset({"annual_cost", "fixed_om"})


class Held(Protocol):
    """A plan with or without its reference: solved just now or read from a folder."""

    @property
    def results(self) -> Results:
        """The plan."""

    @property
    def reference(self) -> Results | None:
        """What the park does without it."""


@dataclass(frozen=True)
class Headline:
    """One figure of the plan beside that of the reference plan."""

    key: str
    label: str
    plan: Quantity | None
    reference: Quantity | None


def headline(plan: Held) -> list[Headline]:
    """Return the figures that readers ask for first, in the order in which they ask.

    Cost, investment, CO2, then the indicators of both plans; a figure that one of them does not have
    is ``None`` there.
    """
    mine = _figures(plan.results)
    theirs = {} if plan.reference is None else _figures(plan.reference)
    return [
        Headline(key, _label(key), mine.get(key), theirs.get(key))
        for key in dict.fromkeys((*mine, *theirs))
    ]


def _figures(results: Results) -> dict[str, Quantity]:
    return {
        "cost": Quantity(results.cost, results.currency),
        "investment": Quantity(_capex(results), results.currency),
        "CO2": Quantity(results.co2_kg / KG_PER_T, "t"),
        **results.indicators(),
    }


def _label(key: str) -> str:
    words = key.replace("self_", "self-").replace("_", " ")
    return words[:1].upper() + words[1:]


def _capex(results: Results) -> float:
    return math.fsum(results.sizes["capex"])


def summarise(plan: Plan) -> dict[str, Any]:
    """Return the content of ``summary.json`` as plain dicts, lists, strings and numbers."""
    park = plan.problem.park
    finance = park.finance
    return {
        **describe(plan.results, plan.audit),
        "finance": {
            "discount_rate": quantity(finance.discount_rate, "1/year"),
            "project_years": quantity(finance.project_years, "year"),
            "annuity": finance.annuity,
            "investment_scaling": finance.investment_scaling,
            "rates": finance.rates,
            "inflation": quantity(finance.inflation, "1/year"),
            "nominal_discount_rate": quantity(finance.nominal_rate, "1/year"),
        },
        "investments": _investments(plan.results, park),
        "comparison": None if plan.comparison is None else _comparison(plan.comparison),
        "reference_note": plan.reference_note,
    }


def describe(results: Results, audit: Audit | None) -> dict[str, Any]:
    """Return what `summarise` says of one set of results and its audit."""
    return {
        "name": results.name,
        "currency": results.currency,
        "labels": dict(results.labels),
        "horizon": _horizon(results),
        "run": _run(results),
        "cost": quantity(results.cost, results.currency),
        "investment": quantity(_capex(results), results.currency),
        "co2": quantity(results.co2_kg, EFFECTS[CO2].unit),
        "indicators": {k: quantity(q.value, q.unit) for k, q in results.indicators().items()},
        "sizes": _sizes(results),
        "energy": _energy(results),
        "ledger": _nested(
            results.ledger, ["member", "asset", "category", "effect"], {"amount": "unit"}
        ),
        "categories": _nested(results.ledger, ["category", "effect"], {"amount": "unit"}),
        "details": _nested(results.details, ["asset", "name"], {"value": "unit"}),
        "caps": _caps(results),
        "co2_shadow_price": _co2_shadow_price(results),
        "prices": _prices(results),
        "audit": None if audit is None else _audit(audit),
    }


def quantity(value: float | None, unit: str) -> dict[str, Any]:
    """Return a number with its unit for JSON; ``None`` for what is not finite."""
    number = None if value is None or not math.isfinite(value) else float(value)
    return {"value": number, "unit": unit}


def _horizon(results: Results) -> dict[str, Any]:
    horizon = results.horizon
    return {
        "start": horizon.stamps[0].isoformat(),
        "last_step": horizon.stamps[-1].isoformat(),
        "timezone": str(horizon.stamps.tz),
        "steps": len(horizon),
        "duration": quantity(horizon.total_hours, "h"),
        "year_share": quantity(horizon.year_share, "1"),
    }


def _run(results: Results) -> dict[str, Any]:
    run, money = results.run, results.currency
    return {
        "status": run.status,
        "kind": run.kind,
        "objective": quantity(run.objective, money),
        "bound": quantity(run.bound, money),
        "gap": quantity(run.gap, "1"),
        "profile": run.profile,
        "strategy": run.strategy,
        "solver": run.solver,
        "prices_from": run.prices_from,
        "columns": run.columns,
        "rows": run.rows,
        "nonzeros": run.nonzeros,
        "integers": run.integers,
        "stages": [
            {
                "name": stage.name,
                "objective": quantity(stage.objective, money),
                "bound": quantity(stage.bound, money),
            }
            for stage in run.stages
        ],
    }


def _nested(table: pd.DataFrame, keys: list[str], values: dict[str, str]) -> dict[str, Any]:
    """Return sums of a table by nested keys; ``values`` names the unit column of each value.

    With one value the innermost entry is its quantity, else a dict of quantities by value.
    """
    found: dict[str, Any] = {}
    for row in table.to_dict("records"):
        place = found
        for key in keys:
            place = place.setdefault(str(row[key]), {})
        for value, unit in values.items():
            here = place if len(values) == 1 else place.setdefault(value, {})
            before = here.get("value", 0.0)
            total = quantity(row[value], row[unit])
            if before and total["value"] is not None:
                total["value"] += before
            here.update(total)
    return found


def _sizes(results: Results) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for row in results.sizes.to_dict("records"):
        place = found.setdefault(row["member"], {}).setdefault(row["asset"], {})
        entry = place.setdefault(row["size"], {})
        for name, value in row.items():
            if isinstance(value, bool | np.bool_):
                entry[name] = bool(value)
            elif isinstance(value, float):
                entry[name] = quantity(value, _size_unit(str(name), row["unit"], results.currency))
    return found


def _size_unit(name: str, unit: str, currency: str) -> str:
    if name == "capex":
        return currency
    return f"{currency}/year" if name in _YEARLY_MONEY else unit


def _energy(results: Results) -> dict[str, Any]:
    table = results.energy.assign(kwh="kWh")
    keys = ["place", "asset", "carrier", "role"]
    units = {"supplied": "unit", "drawn": "unit", "supplied_kwh": "kwh", "drawn_kwh": "kwh"}
    return _nested(table, keys, units)


def _caps(results: Results) -> list[dict[str, Any]]:
    return [
        {
            "name": row["name"],
            "member": row["member"],
            "description": row["description"],
            "sense": row["sense"],
            "limit": quantity(row["limit"], row["unit"]),
            "value": quantity(row["value"], row["unit"]),
            "binding": bool(row["binding"]),
            "shadow_price": quantity(row["shadow_price"], row["price_unit"]),
        }
        for row in results.caps.to_dict("records")
    ]


def _co2_shadow_price(results: Results) -> dict[str, Any]:
    """Return what one more tonne under the CO2 cap would save; no value without cap or duals."""
    caps = results.caps
    rows = caps[(caps["name"] == CO2_CAP) & (caps["unit"] == EFFECTS[CO2].unit)]
    value = float(rows["shadow_price"].iloc[0]) * KG_PER_T if len(rows) == 1 else None
    return quantity(value, f"{results.currency}/t")


def _prices(results: Results) -> dict[str, Any]:
    """Return mean over time, least and largest of every price."""
    units = dict(zip(results.carriers["carrier"], results.carriers["unit"], strict=True))
    hours = results.horizon.hours
    found = {}
    for key in results.prices.columns:
        values = results.prices[key].to_numpy(dtype=float)
        unit = f"{results.currency}/{units[key.split('.', 1)[1]]}"
        found[key] = {
            "mean": quantity(float(values @ hours) / results.horizon.total_hours, unit),
            "min": quantity(float(values.min()), unit),
            "max": quantity(float(values.max()), unit),
        }
    return found


def _audit(audit: Audit) -> dict[str, Any]:
    return {
        "passed": audit.passed,
        "checks": len(audit.checks),
        "failures": [str(check) for check in audit.failures],
        "worst": asdict(audit.worst) | {"passed": audit.worst.passed} if audit.checks else None,
        "notes": list(audit.notes),
    }


def _investments(results: Results, park: Park) -> list[dict[str, Any]]:
    rows = results.sizes[results.sizes["capex"] != 0]
    return [
        {
            "member": row["member"],
            "asset": row["asset"],
            "size": row["size"],
            "capex": quantity(item.capex, results.currency),
            "lifetime": quantity(item.lifetime_years, "year"),
            "replacement_fraction": quantity(item.replacement_fraction, "1"),
        }
        for row, item in zip(rows.to_dict("records"), investments_of(results, park), strict=True)
    ]


def _comparison(comparison: Comparison) -> dict[str, Any]:
    flows = comparison.flows
    return {
        "with": comparison.other_name,
        "terms": comparison.terms,
        "discount_rate": quantity(comparison.discount_rate, "1/year"),
        **{name: quantity(q.value, q.unit) for name, q in comparison.quantities().items()},
        "cash_flow": None
        if flows is None
        else {"years": list(flows.years), "net": list(flows.net), "unit": comparison.currency},
        "notes": list(comparison.notes),
    }
