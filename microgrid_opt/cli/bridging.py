"""The commands `export` and `import`: parks as files of other programs, and the other way."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from microgrid_opt.cli.options import ParkArgument, ScenarioOption, SetOption


def mps(
    park: ParkArgument,
    *,
    out: Annotated[Path, typer.Option(metavar="FILE.mps", help="File to write.")],
    scenario: ScenarioOption = None,
    sets: SetOption = None,
) -> None:
    """Write the model as an MPS file; names read member.asset.variable[t]."""
    _solver_file(park, out, ".mps", scenario, sets)


def lp(
    park: ParkArgument,
    *,
    out: Annotated[Path, typer.Option(metavar="FILE.lp", help="File to write.")],
    scenario: ScenarioOption = None,
    sets: SetOption = None,
) -> None:
    """Write the model as an LP file; names read member.asset.variable(t)."""
    _solver_file(park, out, ".lp", scenario, sets)


def _solver_file(
    park: str, out: Path, ending: str, scenario: str | None, sets: list[str] | None
) -> None:
    from microgrid_opt import study
    from microgrid_opt.bridges.solver_file import check_out, write
    from microgrid_opt.cli import all_of

    _, problem = all_of(
        lambda: check_out(out, ending),
        lambda: study.load(park, scenario=scenario, sets=sets or ()),
    )
    columns, rows = write(problem, out)
    typer.echo(f"Wrote {out}: {columns:,} columns, {rows:,} rows, to be minimised.")


def pypsa(
    park: ParkArgument,
    *,
    out: Annotated[
        Path,
        typer.Option(metavar="FILE.nc|DIR", help="netCDF file, by PyPSA, or a new folder of CSV."),
    ],
    scenario: ScenarioOption = None,
    sets: SetOption = None,
) -> None:
    """Write a PyPSA network with the same optimum; what PyPSA cannot say is refused."""
    from microgrid_opt import study
    from microgrid_opt.bridges.pypsa_export import export
    from microgrid_opt.bridges.pypsa_tables import check_out, write
    from microgrid_opt.cli import all_of

    _, problem = all_of(
        lambda: check_out(out),
        lambda: study.load(park, scenario=scenario, sets=sets or ()),
    )
    tables = export(problem)
    write(tables, out)
    counts = ", ".join(f"{len(rows)} {name}" for name, rows in tables.components.items())
    typer.echo(f"Wrote {out}: {len(tables.snapshots):,} snapshots; {counts}.")


def iamc(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Results of a plan.")],
    *,
    out: Annotated[Path, typer.Option(metavar="FILE.csv|FILE.xlsx", help="File to write.")],
    model: Annotated[
        str | None, typer.Option(metavar="NAME", help="Model; this program when left out.")
    ] = None,
    scenario: Annotated[
        str, typer.Option(metavar="NAME", help="Scenario; the plan's name when left out.")
    ] = "",
    series: Annotated[
        bool, typer.Option("--series", help="Series by time instead of amounts by year.")
    ] = False,
) -> None:
    """Write saved results as a long table of the IAMC, which pyam reads."""
    from microgrid_opt import open_plan
    from microgrid_opt.bridges.iamc import check_out, table, write
    from microgrid_opt.cli import all_of, program_version

    held, _ = all_of(lambda: open_plan(folder), lambda: check_out(out))
    named = model or f"microgrid_opt {program_version()}"
    found = table(held, model=named, scenario=scenario, series=series)
    write(found, out)
    typer.echo(f"Wrote {out}: {len(found):,} rows, {found['variable'].nunique():,} variables.")


def from_pypsa(
    network: Annotated[
        Path,
        typer.Argument(metavar="FILE.nc|DIR", help="netCDF file, by PyPSA, or a folder of CSV."),
    ],
    *,
    out: Annotated[Path, typer.Option(metavar="DIR", help="New folder for the park.")],
) -> None:
    """Write a PyPSA network as a park with the same optimum; what a park cannot say is refused."""
    from microgrid_opt import study
    from microgrid_opt.bridges.pypsa_import import convert

    park = convert(network, out)
    study.load(out)
    typer.echo(f"Wrote {out / 'park.yaml'}: {len(park['assets'])} assets.")


def from_reopt(
    scenario: Annotated[Path, typer.Argument(metavar="FILE.json", help="Scenario of REopt.jl.")],
    *,
    out: Annotated[Path, typer.Option(metavar="DIR", help="New folder for the park.")],
    allow_loss: Annotated[
        bool, typer.Option("--allow-loss", help="Leave out what a park cannot say, and tell it.")
    ] = False,
) -> None:
    """Write the offline part of a REopt scenario as a park; what a park cannot say is refused."""
    from microgrid_opt import study
    from microgrid_opt.bridges.reopt_import import convert

    park, told = convert(scenario, out, allow_loss=allow_loss)
    study.load(out)
    for finding in told.lost:
        typer.echo(f"left out: {finding}")
    for block, keys in told.taken.items():
        listed = ", ".join(f"{key} {value}" for key, value in keys.items())
        typer.echo(f"default taken: {block}: {listed}")
    for note in told.notes:
        typer.echo(f"note: {note}")
    typer.echo(f"Wrote {out / 'park.yaml'}: {len(park['assets'])} assets.")


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    export = typer.Typer(no_args_is_help=True, help="A park as a file of another program.")
    export.command()(mps)
    export.command()(lp)
    export.command()(pypsa)
    export.command()(iamc)
    app.add_typer(export, name="export")
    imports = typer.Typer(no_args_is_help=True, help="A file of another program as a park.")
    imports.command("pypsa")(from_pypsa)
    imports.command("reopt")(from_reopt)
    app.add_typer(imports, name="import")
