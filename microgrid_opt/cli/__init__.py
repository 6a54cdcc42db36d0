"""The command line: `microgrid-opt COMMAND`, or `python -m microgrid_opt COMMAND`.

Exit codes: 0 done; 1 a bug, a reference case that fails, or the system refused to write; 2 wrong input
or usage; 3 no plan can meet the limits; 4 stopped before any plan was held; 5 the audit failed (results
are saved, marked so). Heavy imports stand inside the commands: help must come at once.
"""

from __future__ import annotations

import gc
import os
import re
import shlex
import shutil
import sys
import threading
import traceback
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from microgrid_opt.cli import bench, billing, bridging, cashflow, dispatch, market, sweep, trading
from microgrid_opt.cli.console import exit_code, told
from microgrid_opt.cli.options import (
    ForesightOption,
    GapOption,
    ParkArgument,
    ProfileOption,
    QuietOption,
    ScenarioOption,
    SetOption,
    SolverOption,
    StageOption,
    StrategyOption,
    TypicalDaysOption,
)
from microgrid_opt.errors import AuditError, InputError, NoPlanError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from microgrid_opt.audit import Audit
    from microgrid_opt.errors import Finding
    from microgrid_opt.pathway.plan import PathwayPlan
    from microgrid_opt.study import Plan

DEBUG = "MICROGRID_OPT_DEBUG"
RESULTS = "results"


class Commands(TyperGroup):
    """The commands, with every error turned into plain text and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, Exception) as error:
            module = type(error).__module__.partition(".")[0]
            if isinstance(error, BrokenPipeError) or module in {"typer", "click"}:
                raise
            if ctx.params.get("debug"):
                traceback.print_exc()
            typer.echo(told(error), err=True)
            raise typer.Exit(exit_code(error)) from None


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
cases_app = typer.Typer(no_args_is_help=True, help="The parks that ship with the program.")
app.add_typer(cases_app, name="cases")
billing.register(app)
bench.register(app)
bridging.register(app)
cashflow.register(app)
dispatch.register(app)
trading.register(app)
market.register(app)
sweep.register(app)


def program_version() -> str:
    """Return the installed version."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("microgrid-opt")
    except PackageNotFoundError:
        return "(not installed)"


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"microgrid-opt {program_version()}")
        raise typer.Exit


@app.callback()
def start(
    *,
    debug: Annotated[
        bool, typer.Option("--debug", envvar=DEBUG, help="Show the traceback of every error.")
    ] = False,
    imports: Annotated[
        list[str] | None,
        typer.Option(
            "--import",
            metavar="MODULE|FILE.py",
            help="Module that brings technologies; before the command. Repeat.",
        ),
    ] = None,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Plan the energy system of a park: what to build, how to run it, what it costs and emits."""
    del debug, version
    if imports:
        from microgrid_opt.plugins import use

        use(imports)


@app.command()
def solve(
    park: ParkArgument,
    *,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder for the results; results/NAME when left out."),
    ] = None,
    scenario: ScenarioOption = None,
    sets: SetOption = None,
    stage: StageOption = None,
    foresight: ForesightOption = None,
    profile: ProfileOption = "auto",
    strategy: StrategyOption = "auto",
    typical_days: TypicalDaysOption = None,
    solver_option: SolverOption = None,
    gap: GapOption = None,
    time_limit: Annotated[
        float | None,
        typer.Option(
            min=0.0, metavar="SECONDS", help="Then give the best plan held, with its gap."
        ),
    ] = None,
    no_reference: Annotated[
        bool, typer.Option("--no-reference", help="Do not solve the reference plan.")
    ] = False,
    no_report: Annotated[
        bool, typer.Option("--no-report", help="Do not write report.html.")
    ] = False,
    quiet: QuietOption = False,
) -> None:
    """Find the least-cost plan, check it, and save it with a report.

    Ctrl-C stops the solver and gives the best plan that it holds.
    """
    from microgrid_opt import study
    from microgrid_opt.cli.console import SOLVING, Watching
    from microgrid_opt.solve.choice import check_strategy
    from microgrid_opt.solve.profiles import load_profile
    from microgrid_opt.store import check_folder

    options = list(solver_option or ())
    folder = out or Path(RESULTS) / default_name(park, scenario, stage)
    with Watching(quiet=quiet) as watching:
        watching.phase("reading the park")
        _, _, _, problem = all_of(
            lambda: check_folder(folder),
            lambda: load_profile("default" if profile == "auto" else profile, options),
            lambda: check_strategy(strategy),
            lambda: study.load(
                park, scenario=scenario, sets=sets or (), stage=stage, foresight=foresight
            ),
        )
        watching.currency = problem.park.currency
        watching.phase(SOLVING)
        plan = study.solve(
            problem,
            profile=profile,
            options=options,
            time_limit_seconds=time_limit,
            gap=gap,
            strategy=strategy,
            typical_days=typical_days,
            reference=not no_reference,
            on_progress=watching.on_progress,
        )
        watching.phase("saving")
        files = save_plan(plan, folder, report=not no_report)
    if not quiet:
        from microgrid_opt.cli.console import console
        from microgrid_opt.cli.overview import show_plan
        from microgrid_opt.cli.stages import show_pathway

        show = show_plan if isinstance(plan, study.Plan) else show_pathway
        show(console(), plan, folder, files)
    require_audit(_audits(plan))


def save_plan(plan: Plan | PathwayPlan, folder: Path, *, report: bool) -> list[str]:
    """Save a plan and its report; return the files worth opening."""
    from microgrid_opt import store
    from microgrid_opt.study import Plan

    command = shlex.join(["microgrid-opt", *sys.argv[1:]])
    store.save(plan, folder, command=command)
    if not isinstance(plan, Plan):
        from microgrid_opt.pathway.store import SUMMARY

        files = [SUMMARY, store.MANIFEST, "tables/", "stages/"]
        if report:
            from microgrid_opt.pathway.report import write_reports

            with suppress(KeyboardInterrupt):
                write_reports(plan, folder)
                files.insert(0, store.REPORT)
        return files
    files = [store.SUMMARY, store.MANIFEST, "tables/"]
    if report:
        from microgrid_opt.report.html import write_report

        # The plan is safe by now: an impatient Ctrl-C costs the report only.
        with suppress(KeyboardInterrupt):
            write_report(plan, folder / store.REPORT)
            files.insert(0, store.REPORT)
    return files


def _audits(plan: Plan | PathwayPlan) -> Mapping[str, Audit | None]:
    from microgrid_opt.study import Plan

    if isinstance(plan, Plan):
        return {"plan": plan.audit, "reference plan": plan.reference_audit}
    return dict(plan.audits)


def require_audit(audits: Mapping[str, Audit | None]) -> None:
    """Raise unless all audits passed.

    Raises
    ------
    AuditError
        With what disagrees, plan by plan.
    """
    from microgrid_opt.cli.overview import failures

    lines = [
        f"{name}: {line}"
        for name, audit in audits.items()
        if audit is not None and not audit.passed
        for line in failures(audit)
    ]
    if lines:
        raise AuditError("\n".join(["The audit FAILED; do not use these results.", *lines]))


def all_of(*steps: Callable[[], Any]) -> list[Any]:
    """Run every step and return what they return.

    Raises
    ------
    InputError
        With the findings of all steps that raised one, each once.
    """
    found: list[Any] = []
    findings: dict[str, Finding] = {}
    for step in steps:
        try:
            found.append(step())
        except InputError as error:
            findings.update((str(finding), finding) for finding in error.findings)
    if findings:
        raise InputError(findings.values())
    return found


def default_name(park: str, scenario: str | None = None, stage: int | None = None) -> str:
    """Return the name of the results' folder: that of the case, the file or its folder."""
    path = Path(park.removeprefix("case:")).resolve()
    if path.suffix.lower() in {".yaml", ".yml"}:
        path = path.parent if path.stem == "park" else path.with_suffix("")
    words = [str(word) for word in (path.name, scenario, stage) if word]
    return re.sub(r"[^\w.-]+", "_", "-".join(words)) or "park"


@app.command()
def validate(
    park: ParkArgument,
    *,
    scenario: ScenarioOption = None,
    sets: SetOption = None,
    stage: StageOption = None,
) -> None:
    """Check a park with all its series and weather, and show what was understood.

    Of a park with stages every stage is checked, and the first one shown; or that of `--stage`.
    """
    from microgrid_opt import study, yamlio
    from microgrid_opt.cli.console import console
    from microgrid_opt.cli.inventory import show_problem
    from microgrid_opt.problem import Problem

    document = yamlio.load(study.park_file(park))
    names = yamlio.scenario_names(document)
    problem = study.load(park, scenario=scenario, sets=sets or (), stage=stage)
    out = console()
    if isinstance(problem, Problem):
        show_problem(out, problem, names)
    else:
        from microgrid_opt.cli.stages import show_stages

        show_problem(out, problem.first, names)
        show_stages(out, problem)
    out.print()
    out.print(f"{document.name} is valid.", style="green", soft_wrap=True)


@app.command()
def compare(
    first: Annotated[Path, typer.Argument(metavar="DIR_A", help="Results of a plan.")],
    second: Annotated[Path, typer.Argument(metavar="DIR_B", help="Results to hold against it.")],
) -> None:
    """Show two saved plans side by side, and what A earns against B; or two pathways."""
    from microgrid_opt.cli.console import console
    from microgrid_opt.cli.overview import show_comparison
    from microgrid_opt.cli.stages import show_beside
    from microgrid_opt.compare import compare_stored
    from microgrid_opt.pathway.store import StoredPathway, alone
    from microgrid_opt.store import open_plan

    plan, other = all_of(lambda: open_plan(first), lambda: open_plan(second))
    if isinstance(plan, StoredPathway) and isinstance(other, StoredPathway):
        show_beside(console(), (plan, other), (first, second))
        return
    plan, other = all_of(lambda: alone(plan, first), lambda: alone(other, second))
    show_comparison(console(), compare_stored(plan, other), (first, second))


@app.command()
def new(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="A .yaml file to make, or a folder.")
    ],
) -> None:
    """Write a commented park file to start from."""
    from microgrid_opt.cli.starter import shown, write_starter

    target = write_starter(path)
    typer.echo(f"Wrote {target}. Change it, then: microgrid-opt solve {shown(target)}")


@app.command()
def schema(
    *,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="File to write instead of printing.")
    ] = None,
) -> None:
    """Give the JSON Schema of park files, for completion in editors."""
    import json

    from microgrid_opt.cli.schema import json_schema

    text = json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
    if out is None:
        sys.stdout.write(text)
        return
    out.write_text(text, encoding="utf-8", newline="\n")
    typer.echo(f"Wrote {out}.")


@app.command()
def profiles() -> None:
    """List the solver profiles."""
    from microgrid_opt.cli.console import console
    from microgrid_opt.cli.inventory import show_profiles
    from microgrid_opt.solve.profiles import load_profile, profile_names

    rows = [("auto", "Chooses one of these by the kind and size of the model.")]
    rows += [(name, load_profile(name).purpose) for name in profile_names()]
    show_profiles(console(), rows)


@app.command()
def technologies(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="An entry, a set, or a part of their names."),
    ] = None,
) -> None:
    """List the technology library: costs and performance with range, year and source."""
    from microgrid_opt.cli.console import console
    from microgrid_opt.cli.technologies import show

    show(console(), name or "")


@cases_app.command("list")
def cases_list() -> None:
    """List the shipped cases: what each shows, hours, assets."""
    from microgrid_opt import study, yamlio
    from microgrid_opt.cli.console import console
    from microgrid_opt.cli.inventory import show_cases

    def park_of(name: str) -> Any:
        document = yamlio.load(study.park_file(f"case:{name}"))
        return study.first_park(yamlio.apply_scenario(document, None))

    show_cases(console(), [(name, park_of(name)) for name in study.case_names()])


@cases_app.command("copy")
def cases_copy(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A case from `cases list`.")],
    destination: Annotated[
        Path | None,
        typer.Argument(metavar="DEST", help="Folder to make; ./NAME when left out."),
    ] = None,
) -> None:
    """Copy the files of a shipped case into a new folder, to change them there."""
    from microgrid_opt import study

    name = name.removeprefix(study.CASE)
    source = study.park_file(f"{study.CASE}{name}").parent
    target = destination or Path(name)
    if target.exists() or target.is_symlink():
        raise InputError(f"{target} exists already: nothing was copied, give another folder.")
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    typer.echo(f"Copied to {target}. Solve it with: microgrid-opt solve {shlex.quote(str(target))}")


def main() -> None:
    """Run the command line; the entry point of ``microgrid-opt``."""
    for stream in (sys.stdout, sys.stderr):
        # A log in an old encoding gets question marks, not a traceback.
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
    # No product of matrices here is large enough to repay the start of NumPy's and SciPy's threads.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Nearly all that start-up and a model make stays; searched at each 700 objects it costs 5 %.
    gc.set_threshold(400_000, 10, 1)
    code: Any = 0
    try:
        app(prog_name="microgrid-opt")
    except SystemExit as end:
        code = end.code
    except KeyboardInterrupt:
        code = NoPlanError.exit_code
    if any(thread.daemon and thread.is_alive() for thread in threading.enumerate()):
        # A solver that did not answer to Ctrl-C still runs: unloading it under its feet crashes.
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(code if isinstance(code, int) else 0)
    # All that is left goes with the process: to search it for cycles first takes half a second.
    gc.freeze()
    sys.exit(code)
