"""Options that several commands have, each written once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from microgrid_opt.cli.console import Watching

ParkArgument = Annotated[
    str,
    typer.Argument(
        metavar="PARK", help="A park file, a folder with park.yaml, or the name of a shipped case."
    ),
]
ScenarioOption = Annotated[
    str | None, typer.Option(metavar="NAME", help="One of the file's scenarios.")
]
StageOption = Annotated[
    int | None,
    typer.Option(metavar="YEAR", help="Plan this stage alone, of a park with stages."),
]
ForesightOption = Annotated[
    str | None,
    typer.Option(metavar="perfect|myopic", help="How a park with stages is planned."),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Change a key: assets.pv.power_kw.max_kw=2000. Repeat."
    ),
]
ProfileOption = Annotated[
    str,
    typer.Option(
        metavar="NAME|FILE", help="Solver profile; see `profiles`. By the model when left out."
    ),
]
StrategyOption = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="auto, direct (HiGHS alone), progressive, rounded, windows or parts.",
    ),
]
TypicalDaysOption = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Quick study of an LP: plan N typical days, then check on all days, to 1 % or --gap.",
    ),
]
SolverOption = Annotated[
    list[str] | None, typer.Option(metavar="NAME=VALUE", help="Native HiGHS option. Repeat.")
]
GapOption = Annotated[
    float | None,
    typer.Option(
        min=0.0, metavar="FRACTION", help="Stop at this gap (MILP, large LP): 0.01 is 1 %."
    ),
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]


def asked_of(
    profile: str,
    solver_option: Sequence[str] | None,
    gap: float | None,
    time_limit: float | None,
    watching: Watching,
    strategy: str = "auto",
) -> Any:
    """Return how to solve, with a listener; what is misspelt is told before anything is solved."""
    from microgrid_opt.solve.choice import AUTO, check_strategy
    from microgrid_opt.solve.options import check_options
    from microgrid_opt.solve.profiles import DEFAULT, load_profile
    from microgrid_opt.study import Asked

    options = [*(solver_option or ()), *([] if gap is None else [f"mip_rel_gap={gap}"])]
    check_options(load_profile(DEFAULT if profile == AUTO else profile, options).options)
    check_strategy(strategy)
    return Asked(profile, tuple(options), time_limit, watching.on_progress, strategy)
