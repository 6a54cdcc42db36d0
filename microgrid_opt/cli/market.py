"""The command `market`: a park under one set of rules of trade after another."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from microgrid_opt.cli.options import (
    GapOption,
    ParkArgument,
    ProfileOption,
    QuietOption,
    ScenarioOption,
    SetOption,
    SolverOption,
    asked_of,
)
from microgrid_opt.errors import AuditError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from microgrid_opt.trading.market import Outcome


def market(
    park: ParkArgument,
    rules: Annotated[Path, typer.Argument(metavar="RULES", help="A file of rule sets.")],
    *,
    prices: Annotated[
        bool,
        typer.Option("--prices", help="Tell the prices between which both sides of a trade gain."),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Folder for the results; results/NAME-market if left out."
        ),
    ] = None,
    scenario: ScenarioOption = None,
    sets: SetOption = None,
    profile: ProfileOption = "auto",
    solver_option: SolverOption = None,
    gap: GapOption = None,
    quiet: QuietOption = False,
) -> None:
    """Try rules of trade: fees, windows, who may trade, retained charges, any key of the park.

    Each set of rules is judged by the plan with the least cost of all members.
    """
    from microgrid_opt import study
    from microgrid_opt.cli import all_of, default_name
    from microgrid_opt.cli.console import SOLVING, Watching, console
    from microgrid_opt.cli.trading import check_out
    from microgrid_opt.trading.market import experiments, ranges_table, table, told
    from microgrid_opt.trading.rulesets import load_rules

    folder = out or Path("results") / f"{default_name(park, scenario)}-market"
    with Watching(quiet=quiet) as watching:
        watching.phase("reading")
        found, asked, *_ = all_of(
            lambda: load_rules(rules),
            lambda: asked_of(profile, solver_option, gap, None, watching),
            lambda: study.park_file(park),
            lambda: check_out(folder),
        )
        watching.phase(SOLVING)
        outcomes = experiments(
            park,
            found.all,
            scenario=scenario,
            sets=sets or (),
            asked=asked,
            ranges=prices,
            on_rules=lambda name: watching.phase(f"rules {name}"),
        )
        currency = next((o.plan.problem.park.currency for o in outcomes if o.plan), "")
        files = {"market.csv": table(outcomes)}
        if prices:
            files["prices.csv"] = ranges_table(outcomes)
        _save(folder, {name: frame.to_csv(index=False) for name, frame in files.items()})
        text = json.dumps(told(outcomes, currency), indent=2, ensure_ascii=False)
        _save(folder, {"market.json": text + "\n"})
    if not quiet:
        show(console(), outcomes, currency)
        names = ", ".join([*files, "market.json"])
        console().print(f"Saved in {folder}: {names}", soft_wrap=True)
    _require_audits(outcomes)


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command()(market)


def show(out: Console, outcomes: Sequence[Outcome], currency: str) -> None:
    """Print the rule sets side by side, and the price ranges of trades."""
    from microgrid_opt.cli.console import aligned, percent
    from microgrid_opt.cli.console import table as new_table
    from microgrid_opt.cli.trades import money
    from microgrid_opt.ledger import KG_PER_T

    money_of = ("welfare", "supplier", "network", "state")
    made = new_table(f"Rules [{currency}]", *money_of)
    for one in outcomes:
        made.add_row(one.label, *(money(one.values[name]) for name in money_of))
    out.print(made)
    out.print()
    made = new_table("Rules", "CO2 [t]", "self-sufficiency", "traded [MWh]")
    tonnes = aligned([one.values["co2_kg"] / KG_PER_T for one in outcomes])
    energy = aligned([one.values["sent_kwh"] / 1000.0 for one in outcomes])
    for one, emitted, sent in zip(outcomes, tonnes, energy, strict=True):
        made.add_row(one.label, emitted, percent(one.values["self_sufficiency"]), sent)
    out.print(made)
    if any(one.ranges for one in outcomes):
        made = new_table("Trade", "rules", f"from [{currency}/kWh sent]", "to", left=2)
        for one in outcomes:
            for found in one.ranges:
                ends = ("-" if math.isnan(v) else f"{v:.6f}" for v in (found.low, found.high))
                made.add_row(found.trade, one.label, *ends)
        out.print()
        out.print(made)
    for one in outcomes:
        for note in one.notes:
            out.print(f"Note: {one.label}: {note}", soft_wrap=True)


def _save(folder: Path, files: dict[str, str]) -> None:
    from microgrid_opt.store.atomic import replace_file

    for name, text in files.items():
        replace_file(folder.resolve() / name, text.encode())


def _require_audits(outcomes: Sequence[Outcome]) -> None:
    from microgrid_opt.cli.overview import failures

    lines = [
        f"{one.label}: {line}"
        for one in outcomes
        if one.plan is not None and one.plan.audit is not None and not one.plan.audit.passed
        for line in failures(one.plan.audit)
    ]
    if lines:
        raise AuditError("\n".join(["The audit FAILED; do not use these results.", *lines]))
