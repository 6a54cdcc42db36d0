"""Options that several commands have, each written once."""

from __future__ import annotations

from typing import Annotated

import typer

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
