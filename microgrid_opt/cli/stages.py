"""What the command line says of a park with stages: the years, what is built when, what it costs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from microgrid_opt.cli.console import aligned, amount, duration, percent, table
from microgrid_opt.cli.overview import audit_line
from microgrid_opt.ledger import KG_PER_T
from microgrid_opt.results import DUST

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from rich.console import Console
    from rich.table import Table

    from microgrid_opt.pathway.plan import PathwayPlan
    from microgrid_opt.pathway.problem import StagedProblem
    from microgrid_opt.pathway.results import Pathway

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
    for part in (*_stages(pathway), *_sizes(plan), _limits(pathway)):
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
