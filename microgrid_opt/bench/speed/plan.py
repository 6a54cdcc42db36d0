"""What is run: parks, tools, and the routes that each tool takes."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Literal

import yaml

from microgrid_opt.errors import InputError
from microgrid_opt.shipped import shipped

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Suite = Literal["year", "milp", "sweep", "growth"]

PARKS = "parks.yaml"
OURS, BARE = "microgrid-opt", "matrix"
"""This program, and its finished matrix handed to highspy: the floor of build time."""

_HIPO: Mapping[str, object] = {
    "solver": "hipo",
    "run_crossover": "off",
    "hipo_system": "augmented",
    "hipo_ordering": "amd",
    "io_api": "direct",
}
ROUTES: Mapping[str, Mapping[str, object]] = {
    "default": {},
    "simplex": {"solver": "simplex", "io_api": "direct"},
    "ipm": {"solver": "ipm", "run_crossover": "off", "io_api": "direct"},
    "hipo": {**_HIPO, "threads": 1, "parallel": "off"},
    "hipo-threads": {**_HIPO, "parallel": "on"},
}
"""Options of HiGHS by route of a peer. ``io_api`` is linopy's: without files; others leave it out."""
EXACT, GAP = "exact", "gap-0.5%"
MILP_GAPS = {"gap-0.5%": 0.005, "gap-0.1%": 0.001}
OUR_ROUTES: Mapping[str, tuple[str, ...]] = {
    EXACT: (),
    GAP: ("--gap", "0.005"),
    "gap-0.1%": ("--gap", "0.001"),
}


@dataclass(frozen=True)
class Tool:
    """Another tool: the script that runs it, what it is installed as, and what it imports."""

    script: str
    distribution: str
    modules: tuple[str, ...]


PEERS: Mapping[str, Tool] = {
    "pypsa": Tool("pypsa_peer.py", "pypsa", ("pypsa", "highspy")),
    "flixopt": Tool("flixopt_peer.py", "flixopt", ("flixopt", "highspy")),
    "oemof": Tool("oemof_peer.py", "oemof.solph", ("oemof.solph", "highspy")),
    "calliope": Tool("calliope_peer.py", "calliope", ("calliope", "highspy")),
}


@dataclass(frozen=True)
class Park:
    """A park to plan: a shipped case with changes, or one that is generated.

    Parameters
    ----------
    name
        What runs and tables call it.
    case, scenario, sets
        As `microgrid-opt solve` takes them.
    grown
        Hours, assets of each member, and members of a park of ``growth.py``, instead of a case.
    expected_seconds
        CPU seconds of HiPO, to say how long a run will take.
    """

    name: str
    case: str = ""
    scenario: str = ""
    sets: tuple[str, ...] = ()
    grown: tuple[int, int, int] | None = None
    expected_seconds: float = 1.0


def _parks() -> tuple[tuple[Park, ...], Park]:
    """Return the parks of a year and the one with on/off decisions, as `PARKS` has them."""
    data = yaml.safe_load((shipped("speed") / PARKS).read_text(encoding="utf-8"))
    years, milp = (
        [Park(**{**one, "sets": tuple(one.get("sets", ()))}) for one in ones]
        for ones in (data["years"], [data["milp"]])
    )
    return tuple(years), milp[0]


YEARS, MILP = _parks()
HOURS, ASSETS, MEMBERS = (168, 1344, 8760), (5, 10, 20, 40), (1, 4, 16)
BASE = (1344, 10, 1)
"""Hours, assets and members of the park from which one is varied."""


def _grown(hours: int, assets: int, members: int) -> Park:
    scale = hours * assets * members / 87600.0
    return Park(
        f"{hours}h-{assets}a-{members}m",
        grown=(hours, assets, members),
        expected_seconds=max(1.0, 25.0 * scale),
    )


GROWTH: Mapping[str, tuple[Park, ...]] = {
    "horizon": tuple(_grown(hours, *BASE[1:]) for hours in HOURS),
    "assets": tuple(_grown(BASE[0], assets, BASE[2]) for assets in ASSETS),
    "members": tuple(_grown(*BASE[:2], members) for members in MEMBERS),
}
"""Parks by what varies among them; the base is in each."""


@dataclass(frozen=True)
class Run:
    """One thing to time.

    Parameters
    ----------
    suite
        What it is part of.
    park
        What is planned.
    tool, route
        By what, and with which options.
    repeats
        In how many rounds.
    expected_seconds
        How long one takes, roughly.
    """

    suite: Suite
    park: Park
    tool: str
    route: str
    repeats: int
    expected_seconds: float

    @property
    def name(self) -> str:
        """Suite, park, tool and route."""
        return f"{self.suite}/{self.park.name}/{self.tool}/{self.route}"


def all_runs(repeats: int = 3) -> tuple[Run, ...]:
    """Return all runs, the ones on which most depends first.

    Parameters
    ----------
    repeats
        Rounds of ours and of quick runs; slow peers run once.
    """
    runs: list[Run] = []
    for park in YEARS:
        base = park.expected_seconds
        large = base > 20
        runs.append(Run("year", park, OURS, EXACT, repeats, base))
        runs.append(Run("year", park, OURS, GAP, repeats, base / 3))
        runs.append(Run("year", park, BARE, "hipo", 1, base))
        routes = {"hipo": 1.3, "default": 4.5 if large else 3.0}
        runs += [
            Run("year", park, tool, route, 1, base * factor)
            for tool in PEERS
            for route, factor in routes.items()
        ]
        if large:
            more = {"ipm": 2.5, "hipo-threads": 1.2}
            runs += [
                Run("year", park, "pypsa", route, 1, base * factor)
                for route, factor in more.items()
            ]
    runs += [Run("milp", MILP, OURS, route, 1, MILP.expected_seconds) for route in MILP_GAPS]
    runs.append(Run("sweep", YEARS[0], OURS, "20-points", 1, 4 * YEARS[0].expected_seconds))
    parks = {park.name: park for parks in GROWTH.values() for park in parks}
    runs += [
        Run("growth", park, tool, route, 1, 3.0 + park.expected_seconds)
        for park in parks.values()
        for tool, route in ((OURS, EXACT), ("pypsa", "hipo"), (BARE, "hipo"))
    ]
    return tuple(runs)


def chosen(runs: Sequence[Run], only: Sequence[str]) -> tuple[Run, ...]:
    """Return the runs that fit one of the patterns; all without a pattern.

    A pattern is a part of the name, such as ``pypsa`` or ``year/yangzhou``, or has ``*`` in it.

    Raises
    ------
    InputError
        A pattern that fits no run.
    """
    found: dict[str, Run] = {}
    for pattern in only or ("",):
        fits = [run for run in runs if fnmatchcase(run.name, f"*{pattern}*")]
        if not fits:
            raise InputError(
                f"No run is called {pattern!r}: names are SUITE/PARK/TOOL/ROUTE, see `--list`."
            )
        found |= {run.name: run for run in fits}
    return tuple(run for run in runs if run.name in found)
