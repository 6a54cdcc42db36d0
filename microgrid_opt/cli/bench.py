"""The commands `bench`: our optimum, and our speed, beside those of other tools and publications."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from microgrid_opt.bench import Comparison

WIDEST = 150
"""Characters of the widest table: numbers to ten digits stand side by side."""


PeerPythonOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PYTHON",
        envvar="MICROGRID_OPT_PEER_PYTHON",
        help="Python in which other tools are installed; this one too. Repeat.",
    ),
]


def reference(
    *,
    case: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Only this case; all when left out. Repeat."),
    ] = None,
    with_peers: Annotated[
        bool, typer.Option("--with-peers", help="Run the other tools as well, where installed.")
    ] = False,
    peer_python: PeerPythonOption = None,
    fast: Annotated[bool, typer.Option("--fast", help="Leave out runs of more than 5 s.")] = False,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Write reference.json and reference.html there."),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Hold our optimum against other tools and publications; exit code 1 when a case fails."""
    import sys

    from microgrid_opt.bench import Peer, compare, reference_case, reference_names
    from microgrid_opt.bench.page import summary, write
    from microgrid_opt.cli import all_of
    from microgrid_opt.cli.console import Watching, console

    names = case or reference_names()
    cases = all_of(*((lambda name=name: reference_case(name)) for name in names))
    peer = Peer((sys.executable, *(peer_python or ())))
    todo = [
        (one, name)
        for one in cases
        for name, wanted in one.expected.runs.items()
        if not (fast and wanted.slow)
    ]
    found: list[Comparison] = []
    with Watching(quiet=quiet) as watching:
        for number, (one, name) in enumerate(todo, 1):
            watching.phase(f"{number}/{len(todo)} {one.name} {name}")
            found.append(compare(one, name, peer, with_peer=with_peers))
    screen = console()
    screen.width = WIDEST if not screen.is_terminal else max(screen.width, WIDEST)
    screen.print(_table(found))
    for line in _remarks(found):
        screen.print(line, soft_wrap=True)
    screen.print(summary(found))
    if out is not None:
        write(found, out)
        screen.print(f"Wrote {out / 'reference.json'} and reference.html.", soft_wrap=True)
    if any(one.passed is False for one in found):
        raise typer.Exit(1)


def speed(
    *,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="Only runs with this in their name, * allowed; see --list. Repeat."
        ),
    ] = None,
    listed: Annotated[
        bool, typer.Option("--list", help="Show the runs and how long they take; run nothing.")
    ] = False,
    repeats: Annotated[
        int, typer.Option(min=1, metavar="N", help="Rounds of ours; slow peers run once.")
    ] = 3,
    time_limit: Annotated[
        float, typer.Option(min=1.0, metavar="SECONDS", help="Of each run; then it is ended.")
    ] = 300.0,
    peer_python: PeerPythonOption = None,
    out: Annotated[
        Path,
        typer.Option(
            metavar="FOLDER", help="Gets speed.json, .md and .html; what is there is added to."
        ),
    ] = Path("results/speed"),
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Time the same parks here and in other tools, from files on disk to saved results.

    Each run has a process of its own; rounds go forwards and backwards. A time counts only where the
    objectives agree to 1e-6. Exit code 1 when one does not.
    """
    import sys

    from microgrid_opt.bench.speed import page
    from microgrid_opt.bench.speed.plan import all_runs, chosen
    from microgrid_opt.bench.speed.session import DIFFERS, Session, opened
    from microgrid_opt.bench.speed.verdict import verdicts
    from microgrid_opt.cli.console import console, table

    runs = chosen(all_runs(repeats), only or ())
    screen = console()
    screen.width = WIDEST if not screen.is_terminal else max(screen.width, WIDEST)
    minutes = sum(min(run.expected_seconds, time_limit) * run.repeats for run in runs) / 60.0
    if listed:
        shown = table("Run", "Rounds", "About [s]")
        for run in runs:
            shown.add_row(run.name, str(run.repeats), f"{run.expected_seconds:.0f}")
        screen.print(shown)
        screen.print(f"{len(runs)} runs, about {minutes:.0f} minutes.")
        return
    report = opened(out)

    def say(text: str) -> None:
        if not quiet:
            typer.echo(text, err=True)

    say(f"{len(runs)} runs, about {minutes:.0f} minutes")
    session = Session((sys.executable, *(peer_python or ())), time_limit, say)
    session.run(runs, report, out)
    page.write(report, out)
    for heads, cells in (
        (page.HEADS, page.rows(report.records)),
        (page.VERDICT_HEADS, [page.verdict_row(one) for one in verdicts(report.records)]),
    ):
        shown = table(*heads, left=3)
        for row in cells:
            shown.add_row(*row)
        screen.print(shown)
    screen.print(f"Wrote {out / 'speed.json'}, speed.md and speed.html.", soft_wrap=True)
    if any(one["status"] == DIFFERS for one in report.records):
        raise typer.Exit(1)


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    group = typer.Typer(
        no_args_is_help=True, help="Other tools beside this one: optima, and speed."
    )
    group.command()(reference)
    group.command()(speed)
    app.add_typer(group, name="bench")


def _table(found: list[Comparison]) -> Table:
    from microgrid_opt.bench.page import HEADS, row
    from microgrid_opt.cli.console import table

    made = table(*HEADS, left=3)
    for column in made.columns[:2]:
        column.no_wrap = True
    case = ""
    for one in found:
        cells = row(one)
        if one.case == case:
            cells = ("", cells[1], "", *cells[3:])
        elif case:
            made.add_section()
        made.add_row(*cells, style="red" if one.passed is False else None)
        case = one.case
    return made


def _remarks(found: list[Comparison]) -> list[str]:
    lines = []
    for one in found:
        words = [*one.problems, *([one.left_out] if one.left_out else []), *one.notes]
        lines += [f"{one.case} {one.run}: {word}" for word in words]
    return lines
