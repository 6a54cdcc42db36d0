"""The command `sweep`: a park at many values of a cap, a price, a size limit or a demand."""

from __future__ import annotations

import math
import shlex
import shutil
import sys
from contextlib import suppress
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
    StrategyOption,
    asked_of,
)
from microgrid_opt.errors import AuditError, InfeasibleError, NoPlanError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from microgrid_opt.study import Plan
    from microgrid_opt.sweep import Point, Sweep

CSV, JSON, PAGE, POINTS = "sweep.csv", "sweep.json", "sweep.html", "points"
MOST_SIZES = 6
"""Sizes that the terminal shows; the files have all."""


def sweep(
    park: ParkArgument,
    *,
    co2: Annotated[
        str | None,
        typer.Option(
            "--co2",
            metavar="N|T,T,...",
            help="N caps between the least-cost and the least-CO2 plan, or caps in t/year.",
        ),
    ] = None,
    vary: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUES",
            help="Values of a key: assets.pv.power_kw.max_kw=0,2000,4000. Repeat once.",
        ),
    ] = None,
    scale: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=FACTORS",
            help="Factors on a price, demand or other number: assets.load.power_kw=0.8:1.2:5.",
        ),
    ] = None,
    plans: Annotated[
        bool, typer.Option("--plans", help="Save the whole plan of each point as well.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder for the results; results/NAME-sweep if left out."),
    ] = None,
    scenario: ScenarioOption = None,
    sets: SetOption = None,
    stage: StageOption = None,
    profile: ProfileOption = "auto",
    solver_option: SolverOption = None,
    gap: GapOption = None,
    strategy: StrategyOption = "auto",
    time_limit: Annotated[
        float | None,
        typer.Option(
            min=0.0, metavar="SECONDS", help="Of all points together; then keep those so far."
        ),
    ] = None,
    no_report: Annotated[
        bool, typer.Option("--no-report", help="Do not write sweep.html.")
    ] = False,
    quiet: QuietOption = False,
) -> None:
    """Solve a park at many CO2 caps, prices, size limits or demands: fronts and sensitivities.

    One parameter or two; values are a list with commas, or from:to:count. Each point is a park of its
    own, and its plan is audited. Ctrl-C keeps the points so far.
    """
    from microgrid_opt.cli import all_of, default_name
    from microgrid_opt.cli.console import Watching, console
    from microgrid_opt.cli.trading import check_out
    from microgrid_opt.sweep import axes_of
    from microgrid_opt.sweep import sweep as run

    folder = out or Path("results") / f"{default_name(park, scenario, stage)}-sweep"
    with Watching(quiet=quiet) as watching:
        watching.phase("reading the park")
        axes, asked, _ = all_of(
            lambda: axes_of(co2, vary or (), scale or ()),
            lambda: asked_of(profile, solver_option, gap, time_limit, watching, strategy),
            lambda: check_out(folder),
        )

        def keep(found: Sweep, point: Point, plan: Plan | None) -> None:
            watching.currency = found.problem.park.currency
            if plans and plan is not None:
                _save_plan(plan, _place_of(folder, point))
            _save(found, folder, report=False)

        found = run(
            park,
            axes,
            scenario=scenario,
            sets=sets or (),
            stage=stage,
            asked=asked,
            on_point=keep,
            is_stopped=lambda: watching.interrupted,
        )
        watching.phase("saving")
        if any(point.has_plan for point in found.points):
            _drop_plans(folder, found.points if plans else ())
            _save(found, folder, report=not no_report)
    _require_plans(found)
    if not quiet:
        show(console(), found)
        files = [CSV, JSON, *([] if no_report else [PAGE]), *([f"{POINTS}/"] if plans else [])]
        console().print(f"Saved in {folder}: {', '.join(files)}", soft_wrap=True)
    _require_audits(found)


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command()(sweep)


def show(out: Console, found: Sweep) -> None:
    """Print the points side by side, and why some have no plan."""
    from microgrid_opt.cli.console import aligned, duration, percent
    from microgrid_opt.cli.console import table as new_table
    from microgrid_opt.ledger import KG_PER_T
    from microgrid_opt.sweep.tables import abatement_cost

    points, money = found.points, found.problem.park.currency
    quotients = abatement_cost(found)
    columns: list[tuple[str, list[str]]] = [
        (
            axis.title if axis.kind == "co2" else axis.title.replace(".", "\n"),
            [_word(point.values[n]) for point in points],
        )
        for n, axis in enumerate(found.axes)
    ]
    columns.append((f"cost [{money}]", aligned([point.cost for point in points])))
    tonnes = [point.co2_kg / KG_PER_T / point.year_share for point in points]
    columns.append(("CO2 [t/year]", aligned(tonnes)))
    if found.has_front:
        last = [point.price_per_t for point in points]
        mean = [quotients.get(point.number, math.nan) for point in points]
        columns.append((f"dual [{money}/t]", aligned(last)))
        columns.append((f"mean [{money}/t]", aligned(mean)))
    columns.append(
        ("gap", [percent(None if point.run is None else point.run.gap) for point in points])
    )
    columns.append(("time", [duration(point.seconds) for point in points]))
    marks = [_mark(point) for point in points]
    if any(marks):
        columns.append(("", marks))
    # A unit stands below its name: eight columns are to fit a terminal.
    made = new_table("Point", *(name.replace(" [", "\n[") for name, _ in columns))
    for n, point in enumerate(points):
        made.add_row(str(point.number), *(cells[n] for _, cells in columns))
    out.print(made)
    _show_sizes(out, found)
    if found.has_front:
        out.print(
            "dual: what the last tonne costs; mean: of all tonnes from the looser cap before.",
            soft_wrap=True,
        )
    for point in points:
        if point.why:
            out.print(f"Point {point.number}: {point.why}", soft_wrap=True)
    if found.stopped:
        done = sum(point.has_plan for point in points)
        out.print(f"Stopped ({found.stopped}): {done} of {len(points)} points have a plan.")


def _show_sizes(out: Console, found: Sweep) -> None:
    from microgrid_opt.cli.console import aligned
    from microgrid_opt.cli.console import table as new_table
    from microgrid_opt.sweep.tables import changing_sizes

    names = changing_sizes(found)
    if not names:
        return
    shown = names[:MOST_SIZES]
    made = new_table("Point", *(f"{name}\n[{unit}]".replace(".", "\n", 1) for name, unit in shown))
    cells = [
        aligned([point.sizes.get(name, (math.nan, ""))[0] for point in found.points])
        for name, _ in shown
    ]
    for n, point in enumerate(found.points):
        made.add_row(str(point.number), *(column[n] for column in cells))
    out.print()
    out.print(made)
    if len(names) > len(shown):
        more = ", ".join(name for name, _ in names[MOST_SIZES:])
        out.print(f"In the files as well: {more}.", soft_wrap=True)
    out.print()


def _word(value: str | float) -> str:
    from microgrid_opt.cli.console import amount

    return value if isinstance(value, str) else amount(value)


def _mark(point: Point) -> str:
    if point.audit is not None and not point.audit.passed:
        return "audit FAILED"
    return "" if point.status == "optimal" else point.status


def _save(found: Sweep, folder: Path, *, report: bool) -> None:
    from microgrid_opt.store.atomic import replace_file
    from microgrid_opt.sweep.tables import table, to_json

    place = folder.resolve()
    # A page of other points must not stay beside these.
    (place / PAGE).unlink(missing_ok=True)
    replace_file(place / CSV, table(found).to_csv(index=False).encode())
    replace_file(place / JSON, to_json(found).encode())
    if report:
        from microgrid_opt.report.sweeps import write_sweep_page

        with suppress(KeyboardInterrupt):
            write_sweep_page(found, place / PAGE)


def _place_of(folder: Path, point: Point) -> Path:
    return folder / POINTS / f"{point.number:03d}"


def _drop_plans(folder: Path, points: Sequence[Point]) -> None:
    """Remove the plans that an earlier sweep saved for points that have none here."""
    from microgrid_opt.store import MANIFEST

    mine = {_place_of(folder, point).name for point in points if point.has_plan}
    for old in (folder / POINTS).glob("[0-9][0-9][0-9]*"):
        if old.name not in mine and (old / MANIFEST).is_file():
            shutil.rmtree(old)


def _save_plan(plan: Plan, folder: Path) -> None:
    from microgrid_opt import store

    folder.parent.mkdir(parents=True, exist_ok=True)
    store.save(plan, folder, command=shlex.join(["microgrid-opt", *sys.argv[1:]]))


def _require_plans(found: Sweep) -> None:
    """Raise where no point has a plan.

    Raises
    ------
    InfeasibleError
        All points that were solved are infeasible.
    NoPlanError
        Stopped before any plan was held.
    """
    if any(point.has_plan for point in found.points):
        return
    lines = [f"Point {point.number}: {point.why}" for point in found.points if point.why]
    text = "\n".join(["No point has a plan.", *lines])
    if any(point.status == "infeasible" for point in found.points):
        raise InfeasibleError(text)
    raise NoPlanError(f"{text} Stopped: {found.stopped}." if found.stopped else text)


def _require_audits(found: Sweep) -> None:
    from microgrid_opt.cli.overview import failures

    lines = [
        f"point {point.number}: {line}"
        for point in found.points
        if point.audit is not None and not point.audit.passed
        for line in failures(point.audit)
    ]
    if lines:
        raise AuditError("\n".join(["The audit FAILED; do not use these results.", *lines]))
