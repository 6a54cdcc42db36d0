"""What each section of the report says, as tables and sentences for the template."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from microgrid_opt.ledger import COST, EFFECTS, KG_PER_T
from microgrid_opt.report import figures
from microgrid_opt.report.sankey import materials, sankey
from microgrid_opt.report.tables import (
    MISSING,
    Cell,
    Column,
    Table,
    format_number,
    format_quantity,
    humanised,
)

if TYPE_CHECKING:
    import pandas as pd

    from microgrid_opt.report.view import View
    from microgrid_opt.results import Results

Context = dict[str, Any]


def span(view: View) -> str:
    """Return the horizon in words: first day to last, steps."""
    horizon = view.results.horizon
    first, last = horizon.stamps[0], horizon.stamps[-1]
    lengths = horizon.step_hours
    step = f"{format_number(float(lengths[0]) * 60)} min"
    if not np.allclose(lengths, lengths[0]):
        step = f"{format_number(float(lengths.min()))} to {format_number(float(lengths.max()))} h"
    elif lengths[0] >= 1:
        step = f"{format_number(float(lengths[0]))} h"
    days = (
        f"{first:%Y-%m-%d}"
        if first.date() == last.date()
        else f"{first:%Y-%m-%d} to {last:%Y-%m-%d}"
    )
    count = f"{len(horizon):,} step{'s' if len(horizon) != 1 else ''}"
    weighted = (
        ""
        if np.allclose(horizon.weight, 1.0)
        else (f", weighted to {format_number(horizon.total_hours)} h")
    )
    return f"{days}, {count} of {step}{weighted}"


def build(view: View) -> Context:
    """Return what to build: a table of sizes and bars of them."""
    results = view.results
    shown = results.shown_sizes()
    money, yearly = view.currency, f"{view.currency}/year"
    columns = [
        Column("Asset"),
        Column("Size"),
        Column("Existing", "1"),
        Column("New", "1"),
        Column("Total", "1"),
        Column("Most allowed", "1"),
        Column("Unit"),
        Column("Investment", money),
        Column("Capital cost", yearly),
        Column("Fixed O&M", yearly),
    ]
    rows: list[list[Cell]] = []
    for _, row in shown.iterrows():
        amounts = [_amount(row[name]) for name in ("existing", "new", "total", "maximum")]
        if "chosen" in row and not row["chosen"]:
            amounts[3] = "given"
        rows.append(
            [
                view.asset_label(row["member"], row["asset"]),
                humanised(row["size"]),
                *amounts,
                row["unit"],
                *(float(row[name]) for name in ("capex", "annual_cost", "fixed_om")),
            ]
        )
    marks = {n: "muted" for n, total in enumerate(shown["total"]) if not total}
    sums: list[Cell] = [float(shown[name].sum()) for name in ("capex", "annual_cost", "fixed_om")]
    total: list[Cell] = ["Total", "", "", "", "", "", "", *sums]
    return {
        "table": Table(columns, rows, total if rows else (), marks),
        "figures": figures.sizes(view),
        "nothing_new": not (shown["new"] > 0).any(),
    }


def _amount(value: float) -> str:
    if math.isnan(value) or math.isinf(value):
        return "no limit"
    return format_number(value)


def effect(view: View, name: str) -> Context:
    """Return an effect of the ledger by asset and category, plan beside reference."""
    unit = figures.ledger_unit(view.results, name)
    charts = [
        ("By purpose", figures.by_category(view, name) if name == COST else None),
        ("By asset", figures.by_asset(view, name)),
        ("By member", figures.members(view, name)),
    ]
    return {
        "name": name,
        "description": EFFECTS[name].description,
        "table": _ledger_table(view, name, unit),
        "figures": [(title, spec) for title, spec in charts if spec is not None],
        "empty": not (view.results.ledger["effect"] == name).any(),
        "note": "The grid bill stands by component and month in the section below."
        if name == COST and any(held.has_tariff for held in view.connections)
        else "",
    }


def _ledger_table(view: View, name: str, unit: str) -> Table:
    keys = ["member", "asset", "category"]

    def sums(held: Results | None) -> dict[tuple[str, ...], float]:
        if held is None:
            return {}
        ledger = view.ledger(held)
        rows = ledger[ledger["effect"] == name]
        grouped = rows.groupby(keys, sort=False)["amount"].sum()
        return {tuple(map(str, key)): float(v) for key, v in grouped.items()}  # type: ignore[call-overload]

    plan, reference = sums(view.results), sums(view.reference)
    both = view.reference is not None
    columns = [Column("Asset"), Column("Purpose"), Column("Plan", unit)]
    if both:
        columns += [Column("Reference", unit), Column("Difference", unit, sign=True)]
    rows: list[list[Cell]] = []
    for key in dict.fromkeys((*plan, *reference)):
        mine, theirs = plan.get(key, 0.0), reference.get(key, 0.0)
        if not mine and not theirs:
            continue
        cells: list[Cell] = [view.asset_label(key[0], key[1]), humanised(key[2]), mine]
        rows.append([*cells, theirs, mine - theirs] if both else cells)
    rows.sort(key=lambda row: -_gross(row))
    mine, theirs = sum(plan.values()), sum(reference.values())
    total: list[Cell] = ["Total", "", mine]
    return Table(columns, rows, [*total, theirs, mine - theirs] if both else total)


def _gross(row: list[Cell]) -> float:
    return max((abs(cell) for cell in row[2:4] if isinstance(cell, float)), default=0.0)


def energy(view: View) -> Context:
    """Return the energy graph and a table of supply and use for every carrier."""
    tables = []
    for (place, carrier), rows in view.results.energy.groupby(["place", "carrier"], sort=False):
        table = _energy_table(view, rows)
        if table is not None:
            title = view.balance_label(str(place), str(carrier))
            tables.append((title, table, _kwh_note(view, str(carrier))))
    return {"figure": sankey(view), "materials": materials(view), "tables": tables}


def _kwh_note(view: View, carrier: str) -> str:
    info = view.carriers[carrier]
    if info["unit"] == "kWh" or not info["energy_kwh_per_unit"]:
        return ""
    content = format_number(float(info["energy_kwh_per_unit"]))
    return f"1 {info['unit']} counts as {content} kWh (lower heating value) in the energy flows."


def _energy_table(view: View, rows: pd.DataFrame) -> Table | None:
    unit = str(rows["unit"].iloc[0])
    sides = {side: float(rows[side].sum()) for side in ("supplied", "drawn")}
    if not any(sides.values()):
        return None
    columns = [
        Column("Asset"),
        Column("Role"),
        Column("Supplied", unit),
        Column("Share", "%"),
        Column("Used", unit),
        Column("Share", "%"),
    ]
    found: list[list[Cell]] = []
    for _, row in rows.sort_values(["supplied", "drawn"], ascending=False).iterrows():
        if not row["supplied"] and not row["drawn"]:
            continue
        cells: list[Cell] = [view.label(row["asset"]), _role(row)]
        for side, whole in sides.items():
            value = float(row[side])
            cells += [value, value / whole] if value and whole else [None, None]
        found.append(cells)
    total: list[Cell] = ["Total", "", sides["supplied"], "", sides["drawn"], ""]
    return Table(columns, found, total)


def _role(row: pd.Series) -> str:
    green = " (renewable)" if row["renewable"] else ""
    return f"{humanised(row['role'])}{green}"


def caps(view: View) -> Table | None:
    """Return limits on sums with what they cost at the margin; ``None`` without limits."""
    table = view.results.caps
    if table.empty:
        return None
    rows: list[list[Cell]] = []
    for _, row in table.iterrows():
        price, unit = float(row["shadow_price"]), row["price_unit"]
        if unit.endswith("/kg"):
            price, unit = price * KG_PER_T, f"{unit.removesuffix('/kg')}/t"
        worth = MISSING if math.isnan(price) else f"{format_number(price)} {unit}"
        rows.append(
            [
                humanised(row["description"] or row["name"]),
                format_quantity(float(row["value"]), row["unit"]),
                f"{'≤' if row['sense'] == '<=' else '≥'} "
                f"{format_quantity(float(row['limit']), row['unit'])}",
                "binding" if row["binding"] else "slack",
                worth,
            ]
        )
    columns = [
        Column("Limit"),
        Column("Value", "1"),
        Column("Allowed", "1"),
        Column("State"),
        Column("Worth of one more unit", "1"),
    ]
    return Table(columns, rows)


def effects_beyond_cost() -> list[str]:
    """Return the ledger's effects other than money."""
    return [name for name in EFFECTS if name != COST]


def details(view: View) -> Table | None:
    """Return the figures that technologies add: yield, full cycles, hours at full load."""
    table = view.results.details
    if table.empty:
        return None
    park = view.plan.problem.park
    rows: list[list[Cell]] = [
        [
            view.asset_label(park.owner(row["asset"]), row["asset"]),
            humanised(row["name"]),
            format_quantity(float(row["value"]), row["unit"]),
        ]
        for _, row in table.iterrows()
    ]
    return Table([Column("Asset"), Column("Figure"), Column("Value", "1")], rows)
