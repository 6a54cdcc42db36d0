"""The command `dispatch`: operate given sizes window by window, beside perfect foresight."""

from __future__ import annotations

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
    StageOption,
    asked_of,
)
from microgrid_opt.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from microgrid_opt.dispatch import Dispatch
    from microgrid_opt.problem import Problem
    from microgrid_opt.store import StoredPlan

ROUNDING = 1e-9
"""Share of the cost below which both cost the same."""
MOST_NOTES = 3
"""Windows without a plan at first of which each is told."""


def dispatch(
    park: ParkArgument,
    *,
    plan: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Take the sizes of this plan, saved by `solve`."),
    ] = None,
    existing: Annotated[
        bool, typer.Option("--existing", help="Operate what the park has today.")
    ] = False,
    window_hours: Annotated[
        float, typer.Option(metavar="HOURS", help="What each window decides for good.")
    ] = 24.0,
    look_ahead_hours: Annotated[
        float, typer.Option(metavar="HOURS", help="What it sees beyond that.")
    ] = 24.0,
    guide: Annotated[
        str,
        typer.Option(
            metavar="plan|none",
            help="What is stored at the end of a window: worth what the plan with perfect "
            "foresight pays for it in that week, or nothing.",
        ),
    ] = "plan",
    forecast: Annotated[
        str,
        typer.Option(
            metavar="perfect|persistence",
            help="What the look-ahead sees: what comes, or the days before once more.",
        ),
    ] = "perfect",
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder for results and report.")
    ] = None,
    scenario: ScenarioOption = None,
    sets: SetOption = None,
    stage: StageOption = None,
    profile: ProfileOption = "auto",
    solver_option: SolverOption = None,
    gap: GapOption = None,
    time_limit: Annotated[
        float | None,
        typer.Option(
            min=0.0, metavar="SECONDS", help="Of the sizes, and of perfect foresight, each."
        ),
    ] = None,
    no_report: Annotated[
        bool, typer.Option("--no-report", help="Do not write report.html.")
    ] = False,
    quiet: QuietOption = False,
) -> None:
    """Operate a park window by window, and tell what perfect foresight would save.

    Sizes are those of a saved plan, of what stands today, or else of a plan that is solved first.
    """
    from microgrid_opt import dispatch as rolling
    from microgrid_opt.cli import all_of, require_audit, save_plan
    from microgrid_opt.cli.console import Watching, console
    from microgrid_opt.solve.rolling import Windows
    from microgrid_opt.store import check_folder

    with Watching(quiet=quiet) as watching:
        watching.phase("reading the park")
        spec, asked, problem, stored, _, _ = all_of(
            lambda: Windows(window_hours, look_ahead_hours, guide, forecast),  # type: ignore[arg-type]
            lambda: asked_of(profile, solver_option, gap, time_limit, watching),
            lambda: _problem(park, scenario, sets or (), stage, existing=existing),
            lambda: _stored(plan, existing=existing),
            lambda: None if out is None else check_folder(out),
            lambda: _check_apart(plan, out),
        )
        watching.currency = problem.park.currency
        found = rolling.dispatch(problem, spec, asked, stored=stored)
        watching.phase("saving")
        files = [] if out is None else save_plan(found.plan, out, report=not no_report)
    if not quiet:
        show_dispatch(console(), found)
        if out is not None:
            console().print(f"Saved in {out}: {', '.join(files)}", soft_wrap=True)
    require_audit({"rolled plan": found.plan.audit, "perfect foresight": found.foresight_audit})


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command()(dispatch)


def _problem(
    park: str, scenario: str | None, sets: Sequence[str], stage: int | None, *, existing: bool
) -> Problem:
    from microgrid_opt import study
    from microgrid_opt.problem import Problem

    problem = study.load(park, scenario=scenario, sets=sets, stage=stage)
    if not isinstance(problem, Problem):
        raise InputError("A park with `stages` is operated one stage at a time: give --stage YEAR.")
    return problem.reference() if existing else problem


def _stored(plan: Path | None, *, existing: bool) -> StoredPlan | None:
    from microgrid_opt.pathway.store import alone
    from microgrid_opt.store import open_plan

    if plan is None:
        return None
    if existing:
        raise InputError("--plan and --existing are two sets of sizes: give one of them.")
    return alone(open_plan(plan), plan)


def _check_apart(plan: Path | None, out: Path | None) -> None:
    if plan is not None and out is not None and plan.resolve() == out.resolve():
        raise InputError(f"--out {out} would replace the plan whose sizes are taken: give another.")


def show_dispatch(out: Console, found: Dispatch) -> None:
    """Print the cost of both, what perfect foresight saves, and how it was found."""
    from microgrid_opt.cli.console import percent
    from microgrid_opt.cli.overview import audit_line, cost_table

    rolled = found.plan.results
    out.print(rolled.name, style="bold")
    out.print(f"Operated in {rolled.run.choice}.", soft_wrap=True)
    out.print(_extra(found), style="green" if rolled.run.is_optimal else "yellow", soft_wrap=True)
    out.print()
    out.print(cost_table([found.foresight, rolled], "Perfect foresight", "Rolled", "Difference"))
    out.print()
    out.print(audit_line("Audit", found.plan.audit))
    if not found.foresight_audit.passed:
        out.print(audit_line("Audit of the plan with perfect foresight", found.foresight_audit))
    spent = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in found.cpu_seconds.items())
    many = "One window" if found.windows == 1 else f"{found.windows:,} windows"
    out.print(f"{many}; processor time: {spent}.", soft_wrap=True)
    proven = found.foresight.run.gap
    if proven is not None and proven > ROUNDING:
        out.print(
            f"Note: the plan with perfect foresight is proven to {percent(proven)}; no operation "
            f"of these sizes costs less than the rolled one by more than {percent(rolled.run.gap)}.",
            soft_wrap=True,
        )
    for note in found.notes[:MOST_NOTES]:
        out.print(f"Note: {note}", soft_wrap=True)
    if len(found.notes) > MOST_NOTES:
        more = len(found.notes) - MOST_NOTES
        out.print(f"Note: {more} more of {found.windows:,} windows had no plan at first.")


def _extra(found: Dispatch) -> str:
    """Return in words what perfect foresight would save."""
    from microgrid_opt.cli.console import amount, percent

    money = found.plan.results.currency
    saved = (found.extra, found.extra_fraction, found.extra_fraction_of_operation)
    if abs(found.extra_fraction) < ROUNDING:
        saved = (0.0, 0.0, 0.0)
    if saved[0] < 0.0:
        return (
            f"Rolled operation costs {amount(-saved[0], money)} less than the plan with perfect "
            "foresight, which is not solved to the end: give a smaller --gap or more time."
        )
    return (
        f"Perfect foresight would save {amount(saved[0], money)}: {percent(saved[1])} of all cost, "
        f"{percent(saved[2])} of what operation costs."
    )
