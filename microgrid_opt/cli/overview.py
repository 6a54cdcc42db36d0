"""What the command line says of a plan, and of two plans: tables that fit a terminal."""

from __future__ import annotations

import math
import shlex
from typing import TYPE_CHECKING, Any

from microgrid_opt.bill.beside import connections, is_levelised
from microgrid_opt.cli.console import aligned, amount, duration, percent, table
from microgrid_opt.ledger import CO2, COST, KG_PER_T

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from rich.console import Console
    from rich.table import Table

    from microgrid_opt.audit import Audit
    from microgrid_opt.bill.beside import Connection
    from microgrid_opt.compare.comparison import Comparison
    from microgrid_opt.horizon import Horizon
    from microgrid_opt.results import Results
    from microgrid_opt.study import Plan

    Rows = Sequence[tuple[str, list[float]]]

LARGE = 10_000.0
"""From this many kWh or kg on, tables count in MWh or t."""
MAX_FAILURES = 5
SAME = 1e-6
"""Costs and sizes closer than this are called the same [-]."""

_SHARES = {
    "self_sufficiency": "Self-sufficiency",
    "renewable_share": "Renewable share",
    "self_consumption": "Self-consumption",
    "export_share": "Export share of generation",
}
_SOURCES = {
    "import": "bought",
    "trade": "from members",
    "storage": "discharged",
    "unserved": "NOT SERVED",
}
_GIVEN = {"export": "sold", "trade": "to members"}


def show_plan(out: Console, plan: Plan, folder: Path | None, files: Sequence[str]) -> None:
    """Print what a planner asks first: verdict, sizes, money, energy, CO2, proof, files."""
    held = [one for one in (plan.reference, plan.results) if one is not None]
    out.print(plan.results.name, style="bold")
    if plan.problem.origin.changed:
        out.print(f"With {', '.join(plan.problem.origin.changed)}")
    for text, style in verdict(plan):
        out.print(text, style=style)
    parts = [
        _sizes(plan.results),
        cost_table(held),
        *_bills(held),
        *_energy(held),
        _figures(held),
        None if plan.comparison is None else _earnings(plan.comparison),
        _limits(plan.results),
        _details(plan.results),
    ]
    for part in parts:
        if part is not None:
            out.print()
            out.print(part)
    out.print()
    out.print(audit_line("Audit", plan.audit))
    if plan.reference_audit is not None and not plan.reference_audit.passed:
        out.print(audit_line("Audit of the reference plan", plan.reference_audit))
    out.print(_effort(plan.results))
    for note in _notes(plan):
        out.print(f"Note: {note}")
    if folder is not None:
        out.print(f"Saved in {folder}: {', '.join(files)}", soft_wrap=True)
        if not plan.results.bill.empty:
            out.print("The bill by month and component: tables/bill.parquet", soft_wrap=True)
        if plan.comparison is not None and plan.comparison.flows is not None:
            command = shlex.join(["microgrid-opt", "proforma", str(folder), "--out"])
            out.print(f"The cash flow: {command} cash.xlsx", soft_wrap=True)


def show_comparison(out: Console, held: Comparison, folders: tuple[Path, Path]) -> None:
    """Print two plans side by side."""
    for letter, folder, name in zip("AB", folders, (held.name, held.other_name), strict=True):
        out.print(f"{letter}: {name}, {folder}", style="bold", soft_wrap=True)
    made = table("Sizes", "A", "B", "A - B", "Unit")
    made.columns[4].justify = "left"
    several = held.by_size["member"].nunique() > 1
    for row in held.by_size.to_dict("records"):
        owner = f"{row['member']}." if several else ""
        cells = aligned([row["plan"], row["other"]])
        apart = aligned([row["difference"], row["plan"], row["other"]], sign=True)[0]
        made.add_row(f"{owner}{row['asset']} {row['size']}", *cells, apart, row["unit"])
    parts = [made]
    for effect, title in ((COST, "Cost"), (CO2, "CO2")):
        entries = held.by_category[held.by_category["effect"] == effect].to_dict("records")
        rows = [(_words(row["category"]), [row["plan"], row["other"]]) for row in entries]
        unit = held.currency if effect == COST else "kg"
        if effect == CO2 and rows:
            factor, unit = scaled(max(abs(held.co2_kg), abs(held.other_co2_kg)), unit)
            rows = [(name, [factor * value for value in values]) for name, values in rows]
        if rows:
            columns = zip(*(values for _, values in rows), strict=True)
            rows.append(("Total", [math.fsum(column) for column in columns]))
            parts.append(_beside(f"{title} over the horizon [{unit}]", rows, "A", "B", "A - B"))
    parts.append(_earnings(held, "A against B"))
    for part in parts:
        if part.row_count:
            out.print()
            out.print(part)
    if held.notes:
        out.print()
    for note in held.notes:
        out.print(f"Note: {note}")


def verdict(plan: Plan) -> Iterator[tuple[str, str]]:
    """Yield lines with their style: whether to trust the plan, how good it is, what it costs."""
    for name, audit in (("plan", plan.audit), ("reference plan", plan.reference_audit)):
        if audit is not None and not audit.passed:
            count = f"{len(audit.failures)} of {len(audit.checks)} checks of the {name} disagree"
            yield f"AUDIT FAILED: {count}. Do not use these results.", "bold red"
    results = plan.results
    proof, style = _proof(results)
    cost = amount(results.cost, results.currency)
    text = f"{proof}: {cost} {period(results.horizon)}"
    if plan.reference is not None:
        other = plan.reference.cost
        less = other - results.cost
        share = f" ({percent(abs(less / other))})" if other else ""
        if abs(less) <= SAME * max(abs(other), abs(results.cost)):
            text += ", the same as the reference plan"
        else:
            word = "less" if less > 0 else "more"
            text += f", {amount(abs(less), results.currency)}{share} {word} than the reference plan"
    yield f"{text}.", style


def _proof(results: Results) -> tuple[str, str]:
    run = results.run
    gap = run.gap if run.gap is not None and math.isfinite(run.gap) else None
    if run.is_optimal:
        tiny = gap is None or gap <= 1e-9
        return "Optimal plan" if tiny else f"Optimal plan (within {percent(gap)})", "green"
    how = (
        "how far from the optimum is not known"
        if gap is None
        else f"at most {percent(gap)} from the optimum"
    )
    return f"Best plan held when the solver stopped ({run.status}), {how}", "yellow"


def period(horizon: Horizon) -> str:
    """Return in words what amounts over the horizon are for."""
    return "a year" if horizon.is_calendar_year else f"over {horizon.total_hours:,.6g} h"


def audit_line(name: str, audit: Audit) -> str:
    """Return the audit in one sentence."""
    count = len(audit.checks)
    if not audit.passed:
        return f"{name}: {len(audit.failures):,} of {count:,} independent checks FAILED."
    if not count:
        return f"{name}: there was nothing to check."
    worst = audit.worst
    used = worst.error / worst.allowed if worst.allowed else 0.0
    share = percent(used) if used >= 1e-3 else "less than 0.1 %"
    return (
        f"{name}: {count:,} independent checks agree; the closest used {share} of its tolerance "
        f"({worst.subject}: {worst.what})."
    )


def failures(audit: Audit) -> list[str]:
    """Return a line for each of the first checks that failed."""
    lines = [str(check) for check in audit.failures[:MAX_FAILURES]]
    more = len(audit.failures) - len(lines)
    return [*lines, f"... and {more} more"] if more else lines


def scaled(most: float, unit: str) -> tuple[float, str]:
    """Return factor and name of the unit in which amounts up to `most` read well."""
    larger = {"kWh": "MWh", "kg": "t"}
    return (1.0 / 1000.0, larger[unit]) if unit in larger and most >= LARGE else (1.0, unit)


def _notes(plan: Plan) -> list[str]:
    found = [*plan.audit.notes, *(plan.comparison.notes if plan.comparison else ())]
    if plan.reference is None and plan.reference_note:
        found.append(f"there is no reference plan: {plan.reference_note}")
    if plan.comparison is not None and not plan.results.horizon.is_calendar_year:
        found.append("net present value and payback take the horizon as typical of the whole year.")
    return found


def _words(key: str) -> str:
    words = key.replace("_", " ").replace(" om", " O&M").replace("co2", "CO2")
    return words[:1].upper() + words[1:]


def _asset(results: Results, member: str, asset: str) -> str:
    label = results.labels.get(asset, asset)
    several = results.columns["member"].nunique() > 1
    return f"{label} ({results.labels.get(member, member)})" if several and member else label


def _sizes(results: Results) -> Table | None:
    rows = results.shown_sizes().to_dict("records")
    if not rows:
        return None
    capex = aligned([row["capex"] for row in rows] + [math.fsum(results.sizes["capex"])])
    money = f"Investment [{results.currency}]"
    made = table("What to build", "Size", "Existing", "Plan", "Unit", "", money, left=2)
    for column in (4, 5):
        made.columns[column].justify = "left"
    for row, cost in zip(rows, capex, strict=False):
        bought = row["new"] > SAME * max(1.0, row["total"])
        limit = row["maximum"]
        full = row["chosen"] and math.isfinite(limit)
        full = full and abs(row["total"] - limit) <= SAME * max(1.0, limit)
        made.add_row(
            _asset(results, row["member"], row["asset"]),
            row["size"],
            *aligned([row["existing"], row["total"]]),
            row["unit"],
            "max" if full else "",
            cost if row["capex"] else "-",
            style="bold" if bought else "",
        )
    if len(rows) > 1:
        made.add_row("Total", "", "", "", "", "", capex[-1])
    return made


def cost_table(held: Sequence[Results], *heads: str) -> Table:
    """Return the cost by purpose; what the tables of bills show in detail is one row for each bill.

    Parameters
    ----------
    held
        One or two plans.
    heads
        Titles of their columns and of the difference; left out: reference, plan, change.
    """
    billed = {
        (connection.asset, line.component): _bill_name(held[-1], connection)
        for connection in _under_tariff(held)
        for line in connection.components
    }
    found: dict[str, list[float]] = {}
    for number, one in enumerate(held):
        for row in one.ledger[one.ledger["effect"] == COST].to_dict("records"):
            category = row["category"]
            name = billed.get((row["asset"], category)) or _words(category)
            found.setdefault(name, [0.0] * len(held))[number] += row["amount"]
    rows = [*_sorted(found.items()), ("Total", [one.cost for one in held])]
    return _beside(f"Cost {period(held[-1].horizon)} [{held[-1].currency}]", rows, *heads)


def _sorted(rows: Iterable[tuple[str, list[float]]]) -> Rows:
    """Return the rows that are not zero, the largest first."""
    shown = [row for row in rows if max(map(abs, row[1])) > SAME]
    return sorted(shown, key=lambda row: -max(map(abs, row[1])))


def _under_tariff(held: Sequence[Results]) -> list[Connection]:
    return [found for found in connections([one.bill for one in held]) if found.has_tariff]


def _bill_name(results: Results, connection: Connection) -> str:
    return f"Bill, {_asset(results, connection.member, connection.asset)}"


def _bills(held: Sequence[Results]) -> Iterator[Table]:
    """Yield the bill of each connection under a tariff by component, at the prices of the year."""
    for connection in _under_tariff(held):
        lines = connection.components
        named = (
            (_words(line.label) if line.label == line.component else line.label, line.sums)
            for line in lines
        )
        total = [math.fsum(side) for side in zip(*(line.sums for line in lines), strict=True)]
        title = f"{_bill_name(held[-1], connection)} {period(held[-1].horizon)}"
        if is_levelised(held[-1].ledger, connection.asset):
            title += ", prices of the year"
        rows = [*_sorted(named), ("Total", total)]
        yield _beside(f"{title} [{held[-1].currency}]", rows)


def _beside(
    title: str, rows: Rows, first: str = "Reference", second: str = "Plan", last: str = "Change"
) -> Table:
    """Return a table with a column for each of one or two plans, and their difference.

    The second less the first is shown, of A and B the first less the second.
    """
    two = len(rows[0][1]) > 1
    made = table(title, *((first, second, last) if two else (second,)))
    shown = aligned([value for _, values in rows for value in values])
    sign = -1.0 if last == "A - B" else 1.0
    apart = aligned([sign * (v[-1] - v[0]) for _, v in rows] + [max(v) for _, v in rows], sign=True)
    for number, (name, values) in enumerate(rows):
        cells = shown[number * len(values) : (number + 1) * len(values)]
        moved = [apart[number]] if two else []
        made.add_row(name, *cells, *moved, style="bold" if name == "Total" else "")
    return made


def _energy(held: Sequence[Results]) -> Iterator[Table]:
    sides = [_supplied(one) for one in held]
    keys = list(dict.fromkeys(key for side in reversed(sides) for key in side))
    units = held[-1].carriers.set_index("carrier")["unit"]
    for carrier in dict.fromkeys(carrier for carrier, _ in keys):
        mine = [key for key in keys if key[0] == carrier]
        most = max(side.get(key, 0.0) for key in mine for side in sides)
        factor, unit = scaled(most, str(units.get(carrier, "kWh")))
        rows = [(key[1], [factor * side.get(key, 0.0) for side in sides]) for key in mine]
        rows = [row for row in rows if max(abs(value) for value in row[1]) > SAME]
        if rows:
            yield _beside(f"{_words(carrier)} {period(held[-1].horizon)} [{unit}]", rows)


def _supplied(results: Results) -> dict[tuple[str, str], float]:
    """Return what each asset supplies, and what is sold, by carrier and words."""
    found: dict[tuple[str, str], float] = {}
    for row in results.energy.to_dict("records"):
        name = _asset(results, row["member"], row["asset"])
        if row["supplied"] > 0 or not row["drawn"]:
            word = _SOURCES.get(row["role"], "")
            key = (row["carrier"], f"{name}, {word}" if word else name)
            found[key] = found.get(key, 0.0) + row["supplied"]
        if row["role"] in _GIVEN and (row["drawn"] or row["role"] == "export"):
            key = (row["carrier"], f"{name}, {_GIVEN[row['role']]}")
            found[key] = found.get(key, 0.0) - row["drawn"]
    return found


def _figures(held: Sequence[Results]) -> Table | None:
    two = len(held) > 1
    made = table("Key figures", *(("Reference", "Plan", "Change") if two else ("Plan",)))
    if any((one.ledger["effect"] == CO2).any() for one in held):
        factor, unit = scaled(max(abs(one.co2_kg) for one in held), "kg")
        cells = aligned([one.co2_kg * factor for one in held])
        before, after = held[0].co2_kg, held[-1].co2_kg
        moved = percent((after - before) / abs(before), sign=True) if before else "-"
        made.add_row(f"CO2 {period(held[-1].horizon)} [{unit}]", *cells, *([moved] if two else []))
    shares = [one.indicators() for one in held]
    for key, name in _SHARES.items():
        if any(key in side for side in shares):
            values = [side[key].value if key in side else math.nan for side in shares]
            made.add_row(name, *(percent(value) for value in values))
    if any("co2_intensity" in side for side in shares):
        ratios = [
            side["co2_intensity"].value if "co2_intensity" in side else math.nan for side in shares
        ]
        made.add_row("CO2 intensity [t/tce]", *aligned(ratios))
    return made if made.row_count else None


def _earnings(held: Comparison, title: str = "Against the reference plan") -> Table:
    currency = held.currency
    years = f"{held.project_years:g} years at {percent(held.discount_rate)}"
    years += f", {held.terms}" if held.terms else ""
    made = table(title, "")
    made.add_row("Extra investment", amount(held.extra_capex, currency))
    if math.isfinite(held.npv):
        made.add_row(f"Net present value, {years}", amount(held.npv, currency))
    payback, rate = held.payback_years, None if held.irr is None else held.irr.rate
    if payback is not None and held.extra_capex > 0:
        made.add_row("Payback", "never" if math.isinf(payback) else f"{payback:.1f} years")
    if rate is not None and math.isfinite(rate):
        made.add_row("Internal rate of return", percent(rate))
    if held.abatement_cost_per_t is not None:
        cost = amount(held.abatement_cost_per_t, f"{currency}/t")
        made.add_row("Cost of avoided CO2, mean", cost)
    return made


def _limits(results: Results) -> Table | None:
    rows = [row for row in results.caps.to_dict("records") if row["binding"]]
    fixed = ", integers fixed" if "fixed" in results.run.prices_from else ""
    made = table("Limits that bind", f"Worth of one more unit{fixed}")
    for row in rows:
        price, unit = row["shadow_price"], row["price_unit"]
        if unit.endswith("/kg"):
            price, unit = price * KG_PER_T, f"{unit.removesuffix('/kg')}/t"
        worth = amount(price, unit) if math.isfinite(price) else "not known"
        made.add_row(row["description"] or _words(row["name"]), worth)
    return made if rows else None


def _details(results: Results) -> Table | None:
    """Return the figures of each technology: yields, capacity factors, cycles."""
    owners = dict(zip(results.columns["asset"], results.columns["member"], strict=True))
    found: dict[str, list[str]] = {}
    for row in results.details.to_dict("records"):
        name = _asset(results, owners.get(row["asset"], ""), row["asset"])
        found.setdefault(name, []).append(_figure(row))
    made = table("In operation", "", left=2)
    for name, parts in found.items():
        made.add_row(name, ", ".join(part for part in parts if part))
    return made if any(any(parts) for parts in found.values()) else None


def _figure(row: Mapping[Any, Any]) -> str:
    value, unit, name = row["value"], row["unit"], row["name"].replace("_", " ")
    if abs(value) <= SAME:
        return ""
    if unit == "1" and name.endswith(("factor", "share", "fraction", "efficiency")):
        return f"{name} {percent(value)}"
    factor, unit = scaled(abs(value), unit)
    return f"{name} {amount(value * factor, unit)}"


def _effort(results: Results) -> str:
    run = results.run
    whole = f", {run.integers:,} integers" if run.integers else ""
    why = f" ({run.choice})" if run.choice else ""
    return (
        f"Solved in {duration(run.seconds)}: {run.kind} of {run.columns:,} columns and "
        f"{run.rows:,} rows{whole}; {run.solver}, profile {run.profile}{why}."
    )
