"""What the command line says of a park with stages: the years, what is built when, what it costs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from microgrid_opt.cli.console import aligned, amount, duration, percent, table
from microgrid_opt.cli.overview import audit_line, period, scaled
from microgrid_opt.errors import InputError
from microgrid_opt.ledger import KG_PER_T
from microgrid_opt.pathway.limits import RATIO, limits_of, words_of
from microgrid_opt.results import DUST

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from rich.console import Console
    from rich.table import Table

    from microgrid_opt.pathway.limits import Limit
    from microgrid_opt.pathway.plan import PathwayPlan
    from microgrid_opt.pathway.problem import StagedProblem
    from microgrid_opt.pathway.results import Pathway
    from microgrid_opt.pathway.store import StoredPathway

SAME = 1e-6


def show_stages(out: Console, problem: StagedProblem) -> None:
    """Print the stages of a park: their years and what one unit of money a year is worth in them."""
    made = table("Stage", "Years", "Present value of 1 a year", "Assets", "Series")
    for year, years in problem.years.items():
        stage = problem.stages[year]
        made.add_row(
            str(year),
            _span(years[0], years[-1]),
            f"{problem.weights[year]:.3f}",
            str(len(stage.park.assets)),
            str(len(stage.arrays)),
        )
    out.print()
    out.print(made)
    out.print(f"Planned with {problem.spec.foresight} foresight. Shown above: the first stage.")


def show_pathway(
    out: Console, plan: PathwayPlan, folder: Path | None = None, files: Sequence[str] = ()
) -> None:
    """Print a pathway: verdict, stages, capacities, limits, proof, files."""
    pathway = plan.pathway
    out.print(pathway.name, style="bold")
    for text, style in _verdict(plan):
        out.print(text, style=style)
    for part in (*_stages(pathway), *_sizes(plan), _by_stage(plan), _limits(pathway)):
        if part is not None:
            out.print()
            out.print(part)
    out.print()
    for name, audit in plan.audits.items():
        if name == "pathway" or not audit.passed:
            out.print(audit_line(f"Audit of the {name}", audit))
    checks = sum(len(audit.checks) for audit in plan.audits.values())
    if all(audit.passed for audit in plan.audits.values()):
        out.print(f"Audits of all stages and reference plans: {checks:,} checks agree.")
    run = pathway.run
    whole = f", {run.integers:,} integers" if run.integers else ""
    out.print(
        f"Solved in {duration(run.seconds)}: {run.kind} of {run.columns:,} columns and "
        f"{run.rows:,} rows{whole}; {run.solver}, profile {run.profile}."
    )
    for note in _notes(plan):
        out.print(f"Note: {note}")
    if folder is not None:
        out.print(f"Saved in {folder}: {', '.join(files)}", soft_wrap=True)


def _span(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"


def _verdict(plan: PathwayPlan) -> Iterator[tuple[str, str]]:
    failed = [name for name, audit in plan.audits.items() if not audit.passed]
    if failed:
        yield f"AUDIT FAILED ({', '.join(failed)}). Do not use these results.", "bold red"
    pathway = plan.pathway
    first, last = pathway.stages["year"].iloc[0], pathway.stages["last_year"].iloc[-1]
    run = pathway.run
    if pathway.foresight == "myopic":
        proof = "Each stage planned without knowing the later ones"
        style = "green" if run.is_optimal else "yellow"
    elif run.is_optimal:
        tiny = run.gap is None or run.gap <= 1e-9
        proof = "Optimal pathway" if tiny else f"Optimal pathway (within {percent(run.gap)})"
        style = "green"
    else:
        proof, style = f"Best pathway held when the solver stopped ({run.status})", "yellow"
    money = pathway.currency
    text = f"{proof}: {amount(pathway.present_value, money)} present value, {first} to {last}"
    if math.isfinite(pathway.npv):
        other = pathway.reference_value
        word = "less" if pathway.npv >= 0 else "more"
        share = f" ({percent(abs(pathway.npv / other))})" if other else ""
        text += f", {amount(abs(pathway.npv), money)}{share} {word} than the reference plans"
    yield f"{text}.", style


def _stages(pathway: Pathway) -> Iterator[Table]:
    """Yield what each stage costs and spends, and what it emits."""
    money, tonnes = pathway.currency, 1.0 / KG_PER_T
    parts = (
        (
            f"Cost [{money}/year]",
            (
                ("Plan", "cost", 1.0),
                ("Reference", "reference_cost", 1.0),
                (f"Investment [{money}]", "capex", 1.0),
            ),
        ),
        (
            "CO2 [t/year]",
            (
                ("Plan", "co2_kg", tonnes),
                ("Reference", "reference_co2_kg", tonnes),
                ("Intensity [t/tce]", "co2_t_per_tce", 1.0),
            ),
        ),
    )
    rows = pathway.stages.to_dict("records")
    for title, columns in parts:
        shown = [one for one in columns if pathway.stages[one[1]].notna().any()]
        made = table(title, *(name for name, _, _ in shown))
        cells = [
            aligned(_without_dust([row[name] * factor for row in rows]))
            for _, name, factor in shown
        ]
        for row, *values in zip(rows, *cells, strict=True):
            made.add_row(_span(row["year"], row["last_year"]), *values)
        yield made


def _without_dust(values: list[float]) -> list[float]:
    """Return numbers without what an interior-point method leaves of zero."""
    most = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    return [0.0 if abs(value) < SAME * most else value for value in values]


def _sizes(plan: PathwayPlan) -> Iterator[Table | None]:
    """Yield capacity in operation by stage, and what is bought in each."""
    sizes = plan.pathway.sizes
    years = list(plan.stages)
    for title, column in (("In operation", "total"), ("Bought", "built")):
        made = table(title, "Size", *map(str, years), "Unit", left=2)
        made.columns[-1].justify = "left"
        keys = ["member", "asset", "size", "unit"]
        for key, rows in sizes.groupby(keys, sort=False):
            member, asset, size, unit = (str(word) for word in key)
            held = dict(zip(rows["year"], rows[column], strict=True))
            values = [float(held.get(year, math.nan)) for year in years]
            values = [0.0 if abs(value) < DUST else value for value in values]
            if column == "built" and not any(value > DUST for value in values):
                continue
            made.add_row(_name(plan, member, asset), size, *aligned(values), unit)
        yield made if made.row_count else None


def _name(plan: PathwayPlan, member: str, asset: str) -> str:
    labels: dict[str, Any] = {}
    for stage in plan.stages.values():
        labels = {**labels, **stage.results.labels}
    several = len(plan.problem.park.members) > 1
    label = str(labels.get(asset, asset))
    return f"{label} ({labels.get(member, member)})" if several else label


def _by_stage(plan: PathwayPlan) -> Table | None:
    """Return the limits that bind in some stage, and the CO2 intensity, stage by stage."""
    over = period(plan.problem.first.horizon)
    made = table(f"Limits {over}", "Stage", "Limit", "Value", "Worth of one more unit", left=2)
    several = len(plan.problem.park.members) > 1
    for (name, member), limits in limits_of(
        {year: stage.results for year, stage in plan.stages.items()}
    ).items():
        if name != RATIO and not any(limit.binding for limit in limits):
            continue
        owner = f" ({_name(plan, '', member)})" if several and member else ""
        for limit in limits:
            cells = _sized(limit)
            worth = "-"
            if limit.binding:
                known = math.isfinite(limit.worth)
                worth = amount(limit.worth, limit.worth_unit) if known else "not known"
            made.add_row(words_of(limits) + owner, str(limit.year), *cells, worth)
    return made if made.row_count else None


def _sized(limit: Limit) -> tuple[str, str]:
    """Return limit and value of a limit in one unit."""
    known = [abs(one) for one in (limit.limit, limit.value) if math.isfinite(one)]
    factor, unit = scaled(max(known, default=0.0), limit.unit)
    sign = "at most " if limit.sense == "<=" else "at least "
    most = sign + amount(limit.limit * factor, unit) if math.isfinite(limit.limit) else "-"
    return most, amount(limit.value * factor, unit)


def _limits(pathway: Pathway) -> Table | None:
    made = table("Limits over all years", "Limit [t]", "Value [t]", "Worth of one more t")
    for row in pathway.caps.to_dict("records"):
        price = row["shadow_price"] * KG_PER_T
        worth = amount(price, f"{pathway.currency}/t") if math.isfinite(price) else "not known"
        cells = aligned([row["limit"] / KG_PER_T, row["value"] / KG_PER_T])
        made.add_row(row["description"], *cells, worth if row["binding"] else "-")
    return made if made.row_count else None


def _notes(plan: PathwayPlan) -> list[str]:
    found: dict[str, None] = {}
    for year, stage in plan.stages.items():
        for note in stage.audit.notes:
            found[f"{year}: {note}"] = None
        if stage.reference is None and stage.reference_note:
            found[f"{year}: there is no reference plan: {stage.reference_note}"] = None
    return list(found)


# ---------------------------------------------------------------------------------- side by side


def show_beside(
    out: Console, held: tuple[StoredPathway, StoredPathway], folders: tuple[Path, Path]
) -> None:
    """Print two pathways side by side: present value, CO2, cost and capacities by stage.

    Raises
    ------
    InputError
        Their currencies differ.
    """
    sides = [one.pathway for one in held]
    if sides[0].currency != sides[1].currency:
        raise InputError(
            f"{folders[0]} is in {sides[0].currency}, {folders[1]} in {sides[1].currency}: money can "
            "only be compared in one currency, state both parks in the same."
        )
    for letter, folder, side in zip("AB", folders, sides, strict=True):
        out.print(
            f"{letter}: {side.name}, {side.foresight} foresight, {folder}",
            style="bold",
            soft_wrap=True,
        )
    for part in (_totals(sides), _yearly(sides), _installed(sides)):
        if part.row_count:
            out.print()
            out.print(part)
    notes = list(_unlike(sides))
    if notes:
        out.print()
    for note in notes:
        out.print(f"Note: {note}")


def _totals(sides: Sequence[Pathway]) -> Table:
    money = sides[0].currency
    made = table("Over all years", "A", "B", "A - B", "Unit")
    made.columns[-1].justify = "left"
    rows = [
        ("Present value of all costs", [side.present_value for side in sides], money),
        ("Net present value", [side.npv for side in sides], money),
        ("Investment, not discounted", [math.fsum(side.stages["capex"]) for side in sides], money),
        ("CO2", [side.co2_kg / KG_PER_T for side in sides], "t"),
    ]
    for name, values, unit in rows:
        _beside(made, name, values, unit)
    return made


def _yearly(sides: Sequence[Pathway]) -> Table:
    """Return cost and CO2 of a year of each stage."""
    made = table("A year of each stage", "A", "B", "A - B", "Unit")
    made.columns[-1].justify = "left"
    years = sorted({int(year) for side in sides for year in side.stages["year"]})
    for words, column, factor, unit in (
        ("Cost", "cost", 1.0, f"{sides[0].currency}/year"),
        ("CO2", "co2_kg", 1.0 / KG_PER_T, "t/year"),
    ):
        for year in years:
            held = [
                dict(zip(side.stages["year"], side.stages[column], strict=True)) for side in sides
            ]
            values = [float(side.get(year, math.nan)) * factor for side in held]
            _beside(made, f"{words} {year}", values, unit)
    return made


def _installed(sides: Sequence[Pathway]) -> Table:
    """Return the capacity in operation by stage, where the pathways buy or give up any."""
    made = table("In operation", "A", "B", "A - B", "Unit")
    made.columns[-1].justify = "left"
    held: list[dict[tuple[str, ...], dict[int, float]]] = []
    moved: set[tuple[str, ...]] = set()
    for side in sides:
        found: dict[tuple[str, ...], dict[int, float]] = {}
        for row in side.sizes.to_dict("records"):
            key = tuple(str(row[name]) for name in ("member", "asset", "size", "unit"))
            found.setdefault(key, {})[int(row["year"])] = float(row["total"])
            if max(abs(row[name]) for name in ("built", "ended", "given_up")) > DUST:
                moved.add(key)
        held.append(found)
    keys = dict.fromkeys(key for side in held for key in side)
    several = len({key[0] for key in keys}) > 1
    for key in keys:
        if key not in moved:
            continue
        owner = f"{key[0]}." if several else ""
        for year in sorted({year for side in held for year in side.get(key, {})}):
            values = [side.get(key, {}).get(year, math.nan) for side in held]
            values = [0.0 if abs(value) < DUST else value for value in values]
            _beside(made, f"{owner}{key[1]} {key[2]} {year}", values, key[3])
    return made


def _beside(made: Table, name: str, values: Sequence[float], unit: str) -> None:
    """Add a row of two values and their difference; what is not there is a dash."""
    apart = values[0] - values[1]
    most = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    apart = 0.0 if abs(apart) < SAME * most else apart
    made.add_row(name, *aligned(values), aligned([apart, *values], sign=True)[0], unit)


def _unlike(sides: Sequence[Pathway]) -> Iterator[str]:
    """Yield what keeps present values from being those of the same years at the same rate."""
    rates = [side.discount_rate for side in sides]
    if rates[0] != rates[1]:
        yield f"the discount rates differ: {percent(rates[0])} and {percent(rates[1])}."
    spans = [(side.stages["year"].iloc[0], side.stages["last_year"].iloc[-1]) for side in sides]
    if spans[0] != spans[1]:
        first, second = (_span(int(start), int(end)) for start, end in spans)
        yield f"the years differ: {first} and {second}. Present values are not of the same years."
    for letter, side in zip("AB", sides, strict=True):
        if not side.run.is_optimal:
            yield f"{letter} is not proven optimal: the solver stopped with {side.run.status}."
