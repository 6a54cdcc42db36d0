"""The command `trade`: members alone, together, by contract, at clearing prices; and sharing the gain."""

from __future__ import annotations

import json
import math
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
from microgrid_opt.errors import AuditError, Finding, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from microgrid_opt.cli.console import Watching
    from microgrid_opt.problem import Problem
    from microgrid_opt.trading.coalitions import CoalitionProgress
    from microgrid_opt.trading.modes import Study
    from microgrid_opt.trading.overview import ModeFigures
    from microgrid_opt.trading.payments import Band
    from microgrid_opt.trading.plans import TradePlan
    from microgrid_opt.trading.settlement import Settlement
    from microgrid_opt.trading.sharing import Sharing

ALL = "all"
COALITIONS = "coalitions"


def trade(
    park: ParkArgument,
    *,
    mode: Annotated[
        str,
        typer.Option(
            metavar="NAME,...",
            help="standalone, joint, joint_ir, contract, clearing; or all that apply.",
        ),
    ] = ALL,
    share: Annotated[
        str | None,
        typer.Option(
            metavar="RULE,...",
            help="Share the gain: shapley, nucleolus, least_core, fair_least_core, owen, nash, "
            "pro_rata, mid_market, pairs; or all.",
        ),
    ] = None,
    game: Annotated[
        str,
        typer.Option(
            metavar="resized|frozen", help="Whether coalitions choose sizes, or have those of all."
        ),
    ] = "resized",
    weight: Annotated[
        list[str] | None,
        typer.Option(metavar="MEMBER=NUMBER", help="Bargaining power, for nash. Repeat."),
    ] = None,
    price_band: Annotated[
        str | None,
        typer.Option(
            metavar="LOW:HIGH", help="Prices per kWh that may be agreed, where a trade says none."
        ),
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, metavar="N", help="Processes that solve coalitions.")
    ] = 1,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="A Dask scheduler that solves them.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder for the results; results/NAME-trade if left out."),
    ] = None,
    scenario: ScenarioOption = None,
    sets: SetOption = None,
    profile: ProfileOption = "auto",
    solver_option: SolverOption = None,
    gap: GapOption = None,
    time_limit: Annotated[
        float | None,
        typer.Option(min=0.0, metavar="SECONDS", help="Of each solve."),
    ] = None,
    no_report: Annotated[
        bool, typer.Option("--no-report", help="No workbooks and pages of the settlements.")
    ] = False,
    quiet: QuietOption = False,
) -> None:
    """Let the members of a park trade: who gains what, at which prices, and how to share it.

    Coalitions that are solved are kept in the folder of the results: a run that was stopped goes on
    from there.
    """
    from microgrid_opt.cli import all_of, default_name
    from microgrid_opt.cli.console import SOLVING, Watching
    from microgrid_opt.trading.overview import side_by_side
    from microgrid_opt.trading.settlement import settle

    folder = out or Path("results") / f"{default_name(park, scenario)}-trade"
    with Watching(quiet=quiet) as watching:
        watching.phase("reading the park")
        problem, asked, band, weights, _ = all_of(
            lambda: _problem(park, scenario, sets or ()),
            lambda: asked_of(profile, solver_option, gap, time_limit, watching),
            lambda: _band(price_band),
            lambda: _weights(weight or ()),
            lambda: check_out(folder),
        )
        study, modes, rules = _wanted(problem, (asked, band), (mode, share, game))
        watching.currency = problem.park.currency
        watching.phase(SOLVING)
        plans, skipped = _plans(study, modes, asked_for=mode != ALL)
        shared = None
        if rules:
            from microgrid_opt.trading.sharing import Parallel
            from microgrid_opt.trading.sharing import share as shared_by

            watching.phase(COALITIONS)
            how = Parallel(workers, scheduler, folder / COALITIONS, _listener(watching))
            shared = shared_by(study, rules, kind=game, weights=weights, how=how)  # type: ignore[arg-type]
        watching.phase("saving")
        settled = {name: settle(plan) for name, plan in plans.items() if plan.results is not None}
        found = side_by_side(plans, settled)
        files = _save_tables(plans, found, shared, folder, skipped)
        files += _save_plans(plans, settled, folder, report=not no_report)
    if not quiet:
        from microgrid_opt.cli.console import console
        from microgrid_opt.cli.trades import show_study

        show_study(console(), plans, shared, skipped, found)
        console().print(f"Saved in {folder}: {', '.join(files)}", soft_wrap=True)
    _require_audits(plans, settled)


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command()(trade)


# ------------------------------------------------------------------------------------ what is asked


def _problem(park: str, scenario: str | None, sets: Sequence[str]) -> Problem:
    from microgrid_opt import study
    from microgrid_opt.problem import Problem

    problem = study.load(park, scenario=scenario, sets=sets)
    if not isinstance(problem, Problem):
        raise InputError("A park with `stages` cannot be traded as a whole: leave them out.")
    return problem


def _band(text: str | None) -> Band:
    from microgrid_opt.trading.payments import Band

    if text is None:
        return Band()
    low, colon, high = text.partition(":")
    try:
        band = Band(float(low) if low else -math.inf, float(high) if high else math.inf)
    except ValueError:
        band = Band(math.nan)
    if not colon or not band.low <= band.high:
        raise InputError(
            Finding(
                "give two prices per kWh, LOW:HIGH, the lower first; one may be left out.",
                key="--price-band",
                value=text,
            )
        )
    return band


def _weights(texts: Sequence[str]) -> dict[str, float] | None:
    found = {}
    for text in texts:
        member, _, number = text.partition("=")
        try:
            found[member] = float(number)
        except ValueError:
            raise InputError(Finding("give MEMBER=NUMBER.", key="--weight", value=text)) from None
    return found or None


def check_out(folder: Path) -> None:
    """Raise for a folder of results that cannot be one.

    Raises
    ------
    InputError
        It is a file.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file: give a folder for the results.")


def _wanted(
    problem: Problem, how: tuple[Any, Band], words: tuple[str, str | None, str]
) -> tuple[Study, list[str], list[str]]:
    """Return the study, its modes and its sharing rules."""
    from microgrid_opt.trading.modes import MODES, Study
    from microgrid_opt.trading.sharing import RULES

    mode, share, game = words
    if game not in {"resized", "frozen"}:
        raise InputError(Finding("is no game: resized or frozen.", key="--game", value=game))
    study = Study(problem, how[0], band=how[1])
    return study, _listed("--mode", mode, MODES), _listed("--share", share or "", RULES)


def _listed(key: str, text: str, known: Sequence[str]) -> list[str]:
    names = list(dict.fromkeys(name for name in text.replace(" ", "").split(",") if name))
    if names == [ALL]:
        return list(known)
    for name in names:
        if name not in known:
            raise InputError(
                Finding(f"is not known: give {', '.join(known)}, or {ALL}.", key=key, value=name)
            )
    return names


def _plans(
    study: Study, modes: Sequence[str], *, asked_for: bool
) -> tuple[dict[str, TradePlan], dict[str, str]]:
    """Return the modes, and why some of them do not apply where nobody asked for them by name."""
    plans: dict[str, TradePlan] = {}
    skipped: dict[str, str] = {}
    for name in modes:
        try:
            plans |= study.run([name])
        except InputError as error:
            if asked_for:
                raise
            skipped[name] = str(error)
    return plans, skipped


def _listener(watching: Watching) -> Callable[[CoalitionProgress], None]:
    from microgrid_opt.cli.console import duration
    from microgrid_opt.solve.status import Progress

    def listen(news: CoalitionProgress) -> None:
        left = "" if news.eta_seconds is None else f", {duration(news.eta_seconds)} left"
        cached = f", {news.cached} known before" if news.cached else ""
        text = f"{COALITIONS}: {news.done} of {news.total}{cached}{left}"
        watching.on_progress(Progress(text, news.seconds))

    return listen


# ------------------------------------------------------------------------------------ what is left


def _save_tables(
    plans: Mapping[str, TradePlan],
    found: Mapping[str, ModeFigures],
    shared: Sharing | None,
    folder: Path,
    skipped: Mapping[str, str],
) -> list[str]:
    """Write tables and figures of all modes; return the files."""
    from microgrid_opt.store.atomic import replace_file
    from microgrid_opt.trading.overview import by_member, by_trade, hourly_prices, told

    tables = {"members.csv": by_member(found), "trades.csv": by_trade(found)}
    prices = hourly_prices(plans)
    if not prices.empty:
        tables["prices.csv"] = prices
    if shared is not None:
        tables |= {"sharing.csv": shared.table(), "coalitions.csv": shared.coalitions()}
    files = {
        name: table.to_csv(index=False, lineterminator="\n").encode()
        for name, table in tables.items()
    }
    text = json.dumps(told(plans, found, shared, skipped), indent=2, ensure_ascii=False)
    files["trade.json"] = (text + "\n").encode()
    for name, data in files.items():
        replace_file(folder.resolve() / name, data)
    return list(files)


def _save_plans(
    plans: Mapping[str, TradePlan],
    settled: Mapping[str, Settlement],
    folder: Path,
    *,
    report: bool,
) -> list[str]:
    """Write plans and statements; return folders and files."""
    from microgrid_opt import store
    from microgrid_opt.report.trades import write_trades_page
    from microgrid_opt.study import Plan
    from microgrid_opt.trading.statements import write_settlement

    command = shlex.join(["microgrid-opt", *sys.argv[1:]])
    written = []
    for name, statement in settled.items():
        plan = plans[name]
        assert plan.results is not None
        assert plan.audit is not None
        whole = Plan(plan.problem, plan.results, plan.audit, reference_note="not asked for")
        store.save(whole, folder / name, command=command)
        write_settlement(statement, folder / f"settlement_{name}")
        written += [f"{name}/", f"settlement_{name}/"]
        if report:
            write_settlement(statement, folder / f"settlement_{name}.xlsx")
            write_trades_page(statement, folder / f"settlement_{name}.html")
            written += [f"settlement_{name}.xlsx", f"settlement_{name}.html"]
    return written


def _require_audits(plans: Mapping[str, TradePlan], settled: Mapping[str, Settlement]) -> None:
    from microgrid_opt.cli.overview import failures
    from microgrid_opt.trading.settleaudit import audit_settlement

    audits = {name: plan.audit for name, plan in plans.items()}
    audits |= {f"settlement of {name}": audit_settlement(one) for name, one in settled.items()}
    for plan in plans.values():
        audits |= {f"{member} alone": alone.audit for member, alone in plan.alone.items()}
    lines = [
        f"{name}: {line}"
        for name, audit in audits.items()
        if audit is not None and not audit.passed
        for line in failures(audit)
    ]
    if lines:
        raise AuditError("\n".join(["The audit FAILED; do not use these results.", *lines]))
