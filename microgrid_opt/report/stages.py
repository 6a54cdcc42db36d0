"""One page over all stages of a pathway: capacity, cost and CO2 by stage, and where to read on."""

from __future__ import annotations

import math
from itertools import cycle
from typing import TYPE_CHECKING, Any

from microgrid_opt.bill.beside import connections
from microgrid_opt.ledger import CO2, COST, KG_PER_T
from microgrid_opt.pathway.limits import limits_of, words_of
from microgrid_opt.pathway.results import yearly_co2
from microgrid_opt.report.colours import CATEGORIES, PLAN, REFERENCE
from microgrid_opt.report.figures import plain, rounded, sums_of
from microgrid_opt.report.page import Page, save
from microgrid_opt.report.tables import (
    MISSING,
    Cell,
    Column,
    Table,
    format_number,
    format_percent,
    format_quantity,
    format_seconds,
    humanised,
    scaled,
)
from microgrid_opt.report.view import View, with_bills
from microgrid_opt.results import DUST

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from microgrid_opt.pathway.plan import PathwayPlan
    from microgrid_opt.results import Results
    from microgrid_opt.study import Plan

    Spec = dict[str, Any]

_SCRIPTS = ("charts.js", "stages.js")
_CONTENTS = (
    ("overview", "Overview"),
    ("capacity", "Capacity"),
    ("cost", "Cost"),
    ("co2", "CO2 and limits"),
    ("stages", "Stages"),
    ("certificate", "Certificate"),
)
_SMALL = 1e-9


def render(plan: PathwayPlan, links: dict[int, str]) -> str:
    """Return the page's text.

    Parameters
    ----------
    plan
        What `microgrid_opt.study.solve` returned.
    links
        Where the report of each stage is, from the page.
    """
    pathway = plan.pathway
    context = {
        "title": pathway.name,
        "changed": ", ".join(plan.problem.origin.changed),
        "description": plan.problem.park.description,
        "summary": "",
        "span": _span(plan),
        "currency": pathway.currency,
        "contents": _CONTENTS,
        "verdict": _verdict(plan),
        "cards": _cards(plan),
        "stages": _stages(plan),
        "capacity": _capacity(plan),
        "sizes": _sizes(plan),
        "cost": _by_category(plan),
        "costs": _costs(plan),
        "co2": _emissions(plan),
        "limits": _limits(plan),
        "over": _period(plan),
        "caps": _caps(plan),
        "links": [(year, links[year], _about(plan.stages[year])) for year in plan.stages],
        "failures": [
            f"{name}: {check}" for name, audit in plan.audits.items() for check in audit.failures
        ],
        "certificate": _certificate(plan),
    }
    return Page("stages.html", _SCRIPTS).render(context)


def write_page(plan: PathwayPlan, links: dict[int, str], path: Path) -> None:
    """Write the page; it appears at once or not at all."""
    save(render(plan, links), path)


# ---------------------------------------------------------------------------------------- words


def _span(plan: PathwayPlan) -> str:
    stages = plan.pathway.stages
    count = len(stages)
    return (
        f"{stages['year'].iloc[0]} to {stages['last_year'].iloc[-1]} in {count} "
        f"stage{'s' if count > 1 else ''}, {plan.pathway.foresight} foresight, "
        f"{format_percent(plan.pathway.discount_rate)} real"
    )


def _period(plan: PathwayPlan) -> str:
    horizon = plan.problem.first.horizon
    return "a year" if horizon.is_calendar_year else f"{format_number(horizon.total_hours)} h"


def _verdict(plan: PathwayPlan) -> list[Spec]:
    run = plan.pathway.run
    if plan.pathway.foresight == "myopic":
        text = "each stage was planned without knowing the later ones."
    elif run.is_optimal:
        text = "no pathway of this park costs less, within the gap of the solver."
    else:
        gap = format_percent(run.gap) if run.gap is not None else "an unknown share"
        text = f"the solver stopped ({run.status}), at most {gap} from the optimum."
    solved = {
        "tone": "good" if run.is_optimal else "warn",
        "word": "Optimal" if run.is_optimal else "Not proven",
        "text": text,
    }
    failed = [name for name, audit in plan.audits.items() if not audit.passed]
    checks = sum(len(audit.checks) for audit in plan.audits.values())
    if failed:
        words = f"of {', '.join(failed)}: do not use these results."
        return [solved, {"tone": "bad", "word": "Audit failed", "text": words}]
    words = f"{checks:,} figures were computed again, independently, and agree."
    return [solved, {"tone": "good", "word": "Audited", "text": words}]


def _cards(plan: PathwayPlan) -> list[Spec]:
    pathway, money = plan.pathway, plan.pathway.currency
    npv, spent = pathway.npv, math.fsum(pathway.stages["capex"])
    found = [
        (
            "Present value of all costs",
            pathway.present_value,
            money,
            "at the start of year one",
            "",
        ),
        (
            "Net present value",
            npv,
            money,
            "against the reference plans of all years",
            "" if math.isnan(npv) else "good" if npv >= 0 else "bad",
        ),
        ("Investment", spent, money, "over all stages, not discounted", ""),
        ("CO2", pathway.co2_kg, "kg", _against(pathway.co2_kg, pathway.reference_co2_kg), ""),
    ]
    return [
        {"title": title, "value": format_quantity(value, unit), "note": note, "tone": tone}
        for title, value, unit, note, tone in found
    ]


def _against(mine: float, theirs: float) -> str:
    if math.isnan(theirs) or not theirs:
        return "over all years"
    return f"over all years; {format_percent((mine - theirs) / theirs, sign=True)} of the reference"


def _about(stage: Plan) -> str:
    held, money = stage.results, stage.results.currency
    return (
        f"{format_quantity(math.fsum(held.sizes['capex']), money)} invested, "
        f"{format_quantity(yearly_co2(held), 'kg/year')} CO2."
    )


def _certificate(plan: PathwayPlan) -> list[tuple[str, str]]:
    run = plan.pathway.run
    rows = [
        ("Status", run.status),
        ("Gap", format_percent(run.gap) if run.gap is not None else MISSING),
        ("Model", f"{run.kind}, {run.columns:,} columns, {run.rows:,} rows"),
        ("Solver", f"{run.solver}, profile {run.profile}, {format_seconds(run.seconds)}"),
    ]
    for name, audit in plan.audits.items():
        words = "all agree" if audit.passed else f"{len(audit.failures)} failed"
        rows.append((f"Audit of the {name}", f"{len(audit.checks):,} checks, {words}"))
    return rows


# ---------------------------------------------------------------------------------------- tables


def _stages(plan: PathwayPlan) -> Table:
    table, money = plan.pathway.stages, plan.pathway.currency
    columns = [
        ("cost", Column("Cost", f"{money}/year")),
        ("reference_cost", Column("Reference", f"{money}/year")),
        ("co2_kg", Column("CO2", "kg/year")),
        ("reference_co2_kg", Column("Reference", "kg/year")),
        ("co2_t_per_tce", Column("Intensity", "t/tce")),
        ("capex", Column("Investment", money)),
        ("weight", Column("Weight", "year")),
    ]
    columns = [one for one in columns if table[one[0]].notna().any()]
    rows = [
        [f"{row['year']}–{row['last_year']}", *(row[name] for name, _ in columns)]
        for row in table.to_dict("records")
    ]
    return Table([Column("Years"), *(column for _, column in columns)], rows)


def _sizes(plan: PathwayPlan) -> Table:
    table, money = plan.pathway.sizes, plan.pathway.currency
    names = ("before", "built", "ended", "given_up", "total")
    columns = [
        Column("Asset"),
        Column("Size"),
        Column("Stage"),
        *(Column(humanised(name), "1") for name in names),
        Column("Unit"),
        Column("Investment", money),
    ]
    rows = [
        [
            _label(plan, row["asset"]),
            humanised(row["size"]),
            str(row["year"]),
            *(_shown(row[name]) for name in names),
            row["unit"],
            _shown(row["capex"]),
        ]
        for _, group in table.groupby(["member", "asset", "size"], sort=False)
        for row in group.to_dict("records")
        if group[["total", "built", "before"]].abs().to_numpy().max() > DUST
    ]
    return Table(columns, rows)


def _shown(value: float) -> float:
    return value if abs(value) > DUST else 0.0


def _costs(plan: PathwayPlan) -> Table:
    sums = _sums(plan, COST)
    keys = list(dict.fromkeys(key for part in sums.values() for key in part))
    unit = f"{plan.pathway.currency}/year"
    rows: list[list[Cell]] = [
        [humanised(key), *(sums[year].get(key, 0.0) for year in sums)] for key in keys
    ]
    total: list[Cell] = ["Total", *(math.fsum(part.values()) for part in sums.values())]
    return Table([Column("Category"), *(Column(str(year), unit) for year in sums)], rows, total)


def _limits(plan: PathwayPlan) -> Table | None:
    """Return the limits of every stage with what one more unit of a binding one is worth."""
    rows: list[list[Cell]] = []
    several = len(plan.problem.park.members) > 1
    held = limits_of({year: stage.results for year, stage in plan.stages.items()})
    for (_, member), limits in held.items():
        owner = f" ({_label(plan, member)})" if several and member else ""
        for limit in limits:
            sign, stated = "≤" if limit.sense == "<=" else "≥", math.isfinite(limit.limit)
            state = "binding" if limit.binding else "slack" if stated else "reported"
            worth = MISSING
            if limit.binding:
                known = math.isfinite(limit.worth)
                worth = f"{format_number(limit.worth)} {limit.worth_unit}" if known else "not known"
            rows.append(
                [
                    words_of(limits) + owner,
                    str(limit.year),
                    f"{sign} {format_quantity(limit.limit, limit.unit)}" if stated else MISSING,
                    format_quantity(limit.value, limit.unit),
                    state,
                    worth,
                ]
            )
    columns = [Column("Limit"), Column("Stage"), Column("Allowed", "1"), Column("Value", "1")]
    columns += [Column("State"), Column("Worth of one more unit", "1")]
    return Table(columns, rows) if rows else None


def _caps(plan: PathwayPlan) -> Table | None:
    rows = [
        [
            row["description"],
            row["limit"],
            row["value"],
            "binding" if row["binding"] else "slack",
            _worth(row["shadow_price"], plan) if row["binding"] else MISSING,
        ]
        for row in plan.pathway.caps.to_dict("records")
    ]
    columns = [Column("Limit"), Column("Most", "kg"), Column("Value", "kg"), Column("State")]
    return Table([*columns, Column("Worth of one more")], rows) if rows else None


def _worth(price: float, plan: PathwayPlan) -> str:
    return f"{format_number(price * KG_PER_T)} {plan.pathway.currency}/t, present value"


# ---------------------------------------------------------------------------------------- figures


def _label(plan: PathwayPlan, asset: str) -> str:
    for stage in plan.stages.values():
        if asset in stage.results.labels:
            return str(stage.results.labels[asset])
    return asset


def _sums(plan: PathwayPlan, effect: str) -> dict[int, dict[str, float]]:
    """Return an effect of a year by category, stage by stage."""
    found = {}
    for year, stage in plan.stages.items():
        share = stage.problem.park.finance.investment_share(stage.problem.horizon)
        if effect == CO2:
            share = stage.problem.horizon.year_share
        held = sums_of(
            with_bills(stage.results, connections([stage.results.bill])), effect, "category"
        )
        found[year] = {key: amount / share for key, amount in held.items()}
    return found


def _capacity(plan: PathwayPlan) -> list[Spec]:
    """Return one chart of capacity by stage for every unit of sizes."""
    table = _moving(plan.pathway.sizes)
    hues: dict[str, str] = {}
    for stage in sorted(plan.stages.values(), key=lambda one: -len(one.results.flows)):
        hues = {**View(stage).colours, **hues}
    years = [str(year) for year in plan.stages]
    figures = []
    for unit, rows in table.groupby("unit", sort=False):
        divisor, shown = scaled(rows["total"], str(unit), least=1.0)
        several = dict(rows.groupby("asset")["size"].nunique().items())
        traces = []
        for (asset, size), group in rows.groupby(["asset", "size"], sort=False):
            held = dict(zip(group["year"].astype(str), group["total"], strict=True))
            if max(abs(value) for value in held.values()) <= DUST:
                continue
            twice = several[asset] > 1
            name = _label(plan, str(asset)) + (f" ({humanised(str(size))})" if twice else "")
            traces.append(
                {
                    "type": "bar",
                    "name": plain(name),
                    "x": years,
                    "y": [rounded(held.get(year, 0.0) / divisor) for year in years],
                    "marker": {"color": hues.get(str(asset), "#8A939F")},
                    "hovertemplate": f"%{{fullData.name}}: %{{y:,.5~r}} {shown}<extra>%{{x}}</extra>",
                }
            )
        if traces:
            figures.append(_bars(f"Capacity by stage in {shown}", traces, shown, "stack"))
    return figures


def _moving(sizes: pd.DataFrame) -> pd.DataFrame:
    """Return the sizes that are bought in some stage, end or are given up: a grid is no plant."""
    parts = sizes[["built", "ended", "given_up"]].abs().max(axis=1)
    keys = [sizes[name] for name in ("member", "asset", "size")]
    return sizes[parts.groupby(keys).transform("max") > DUST]


def _bars(label: str, traces: list[Spec], unit: str, mode: str) -> Spec:
    layout = {
        "barmode": mode,
        "xaxis": {"type": "category"},
        "yaxis": {"title": {"text": unit}, "zeroline": True},
        "legend": {"orientation": "h"},
        "showlegend": True,
        "bargap": 0.4,
        "margin": {"l": 70, "r": 20, "t": 40, "b": 40},
    }
    height = 340 + 20 * (len(traces) // 4)
    return {"label": label, "data": traces, "layout": layout, "height": height}


def _by_category(plan: PathwayPlan) -> Spec | None:
    """Return cost of a year by stage and category, with the reference plan as a mark."""
    sums = _sums(plan, COST)
    gross = max((math.fsum(map(abs, part.values())) for part in sums.values()), default=0.0)
    if not gross:
        return None
    divisor, unit = scaled([gross], f"{plan.pathway.currency}/year", least=1.0)
    years = [str(year) for year in sums]
    hues = cycle(CATEGORIES)
    keys = list(dict.fromkeys(key for part in sums.values() for key in part))
    traces: list[Spec] = [
        {
            "type": "bar",
            "name": plain(humanised(key)),
            "x": years,
            "y": [rounded(part.get(key, 0.0) / divisor) for part in sums.values()],
            "marker": {"color": next(hues)},
            "hovertemplate": f"%{{fullData.name}}: %{{y:,.5~r}} {unit}<extra>%{{x}}</extra>",
        }
        for key in keys
        if any(abs(part.get(key, 0.0)) > _SMALL * gross for part in sums.values())
    ]
    traces += _mark("Total", list(plan.pathway.stages["cost"]), years, divisor, unit, "diamond")
    base = list(plan.pathway.stages["reference_cost"])
    if any(math.isfinite(value) for value in base):
        traces += _mark("Reference plan", base, years, divisor, unit, "square-open")
    return _bars("Cost of a year by stage and category", traces, unit, "relative")


def _mark(
    name: str, values: list[float], years: list[str], divisor: float, unit: str, symbol: str
) -> list[Spec]:
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "name": name,
            "x": years,
            "y": [rounded(value / divisor) for value in values],
            "marker": {"symbol": symbol, "size": 12, "color": "ink"},
            "hovertemplate": f"{name}: %{{y:,.5~r}} {unit}<extra>%{{x}}</extra>",
        }
    ]


def _emissions(plan: PathwayPlan) -> Spec | None:
    """Return CO2 of a year by stage, plan beside reference."""
    table = plan.pathway.stages
    held: dict[str, tuple[list[float], str]] = {"Plan": (list(table["co2_kg"]), PLAN)}
    if table["reference_co2_kg"].notna().any():
        held["Reference"] = (list(table["reference_co2_kg"]), REFERENCE)
    peak = [abs(value) for values, _ in held.values() for value in values if math.isfinite(value)]
    if not any(_has_co2(stage.results) for stage in plan.stages.values()):
        return None
    divisor, unit = scaled(peak, "kg/year", least=1.0)
    traces = [
        {
            "type": "bar",
            "name": name,
            "x": [str(year) for year in table["year"]],
            "y": [rounded(value / divisor) for value in values],
            "marker": {"color": colour},
            "hovertemplate": f"{name}: %{{y:,.5~r}} {unit}<extra>%{{x}}</extra>",
        }
        for name, (values, colour) in held.items()
    ]
    return _bars("CO2 of a year by stage", traces, unit, "group")


def _has_co2(results: Results) -> bool:
    return bool((results.ledger["effect"] == CO2).any())
