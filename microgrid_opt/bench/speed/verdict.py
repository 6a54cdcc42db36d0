"""Ratios beside their targets, from the records of one run."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any, Literal

from microgrid_opt.bench.speed.plan import BASE, EXACT, GAP, HOURS, MILP, OURS, PEERS, YEARS
from microgrid_opt.bench.speed.session import OK, TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

Record = dict[str, Any]
Measure = Literal["cpu_seconds", "wall_seconds"]
BUILDING = ("build", "handoff")


@dataclass(frozen=True)
class Figure:
    """Seconds or MB; ``more`` where a run was ended at the time limit, so that it is at least that."""

    value: float
    more: bool = False


@dataclass(frozen=True)
class Verdict:
    """One target.

    Parameters
    ----------
    target
        What is asked, in words.
    park
        On what.
    limit
        Largest ratio that meets it.
    cpu, wall
        Measured ratios; ``None`` where a figure is missing. ``more`` means at most this: the peer was
        ended at the time limit.
    against
        What it was held against.
    """

    target: str
    park: str
    limit: float
    cpu: Figure | None
    wall: Figure | None
    against: str = ""

    @property
    def met(self) -> bool | None:
        """Whether all ratios that are there meet the limit; ``None`` where none is."""
        found = [ratio for ratio in (self.cpu, self.wall) if ratio is not None]
        if not found:
            return None
        if any(ratio.value > self.limit and not ratio.more for ratio in found):
            return False
        return None if any(ratio.value > self.limit for ratio in found) else True


def verdicts(records: Sequence[Record]) -> list[Verdict]:
    """Return all targets, in the order of the numbers that they have."""
    found: list[Verdict] = []
    for park in YEARS:
        found += _year(records, park.name)
    found += _milp(records)
    found += _sweep(records)
    found += _growth(records)
    return found


def figure(records: Iterable[Record], measure: str, **wanted: str) -> Figure | None:
    """Return the median over the rounds of what fits; ``None`` where nothing counts.

    A run that was ended at the time limit counts with it, as a least value.
    """
    fits = [one for one in records if all(one[key] == value for key, value in wanted.items())]
    ended = [one for one in fits if one["status"] == TIMEOUT]
    if ended:
        return Figure(max(one["limit_seconds"] for one in ended), more=True)
    values = [one[measure] for one in fits if one["status"] == OK]
    return Figure(median(values)) if values else None


def ratio(mine: Figure | None, theirs: Figure | None) -> Figure | None:
    """Return mine / theirs; at most that where theirs is a least value, nothing where mine is."""
    if mine is None or theirs is None or mine.more or theirs.value <= 0.0:
        return None
    return Figure(mine.value / theirs.value, theirs.more)


def fastest(records: Sequence[Record], park: str, measure: str) -> tuple[Figure | None, str]:
    """Return the least time of all peers with all options, and whose it is."""
    found = _by_route(records, park, measure)
    ended = [(one, name) for name, one in found.items() if not one.more]
    if not ended:
        return next(((one, name) for name, one in found.items()), (None, ""))
    return min(ended, key=lambda one: one[0].value)


def middle(records: Sequence[Record], park: str, measure: str) -> Figure | None:
    """Return the median peer with its defaults; a least value where one that was ended decides it."""
    found = sorted(
        (
            one
            for name, one in _by_route(records, park, measure).items()
            if name.endswith("/default")
        ),
        key=lambda one: one.value,
    )
    if not found:
        return None
    half = len(found) // 2
    chosen = found[half : half + 1] if len(found) % 2 else found[half - 1 : half + 1]
    more = any(one.more for one in found[: half + 1])
    return Figure(sum(one.value for one in chosen) / len(chosen), more)


def exponent(times: Mapping[int, float]) -> float | None:
    """Return the power of the horizon with which a time grows, from least to largest."""
    if len(times) < 2 or min(times.values()) <= 0.0:
        return None
    few, many = min(times), max(times)
    return math.log(times[many] / times[few]) / math.log(many / few)


# ---------------------------------------------------------------------- targets


def _both(
    target: str,
    park: str,
    limit: float,
    pairs: Mapping[Measure, tuple[Figure | None, Figure | None]],
) -> Verdict:
    cpu, wall = (ratio(*pairs[measure]) for measure in ("cpu_seconds", "wall_seconds"))
    return Verdict(target, park, limit, cpu, wall)


def _against_fastest(
    records: Sequence[Record], target: str, peers_on: str, limit: float, **mine: str
) -> Verdict:
    ratios: dict[str, Figure | None] = {}
    names: dict[str, None] = {}
    for key, measure in (("cpu", "cpu_seconds"), ("wall", "wall_seconds")):
        theirs, name = fastest(records, peers_on, measure)
        ratios[key] = ratio(figure(records, measure, tool=OURS, **mine), theirs)
        names |= {name: None} if name else {}
    return Verdict(target, mine["park"], limit, ratios["cpu"], ratios["wall"], " and ".join(names))


def _year(records: Sequence[Record], park: str) -> Iterator[Verdict]:
    exact = {"suite": "year", "park": park, "route": EXACT}
    yield _against_fastest(records, "1 exact optimum / fastest peer", park, 0.2, **exact)
    pairs: dict[Measure, tuple[Figure | None, Figure | None]] = {
        measure: (
            figure(records, measure, tool=OURS, **exact),
            middle(records, park, measure),
        )
        for measure in ("cpu_seconds", "wall_seconds")
    }
    yield _both("1 exact optimum / median peer, defaults", park, 0.06, pairs)
    gap = {**exact, "route": GAP}
    yield _against_fastest(records, "2 gap of 0.5 % / fastest peer", park, 0.1, **gap)
    built = [
        _phases(records, BUILDING, suite="year", park=park, tool=tool, route=route)
        for tool, route in ((OURS, EXACT), ("pypsa", "hipo"))
    ]
    yield Verdict(
        "4 build and hand-off / PyPSA", park, 0.25, None, ratio(*built), "linopy, no files"
    )
    held = [
        figure(records, "peak_mb", suite="year", park=park, tool=tool, route=route)
        for tool, route in ((OURS, EXACT), ("pypsa", "hipo"))
    ]
    theirs = None if held[1] is None or held[1].more else held[1]
    found = ratio(held[0], theirs)
    yield Verdict("memory: peak of ours / PyPSA", park, 1.0, None, found, "resident memory")


def _milp(records: Sequence[Record]) -> Iterator[Verdict]:
    for route, limit in ((GAP, 1.0), ("gap-0.1%", 4.0)):
        target = f"3 MILP to {route.removeprefix('gap-')} / fastest peer's LP"
        mine = {"suite": "milp", "park": MILP.name, "route": route}
        yield _against_fastest(records, target, YEARS[0].name, limit, **mine)


def _sweep(records: Sequence[Record]) -> Iterator[Verdict]:
    park = YEARS[0].name
    pairs: dict[Measure, tuple[Figure | None, Figure | None]] = {
        measure: (
            figure(records, measure, suite="sweep", park=park, tool=OURS),
            figure(records, measure, suite="year", park=park, tool=OURS, route=EXACT),
        )
        for measure in ("cpu_seconds", "wall_seconds")
    }
    yield _both("5 sweep of 20 caps / one exact solve", park, 4.0, pairs)


def _growth(records: Sequence[Record]) -> Iterator[Verdict]:
    parks = {hours: f"{hours}h-{BASE[1]}a-{BASE[2]}m" for hours in HOURS}
    mine = {"suite": "growth", "tool": OURS, "route": EXACT}
    build: dict[int, float] = {}
    solve: dict[int, float] = {}
    for hours, park in parks.items():
        for found, phases in ((build, BUILDING), (solve, ("solve",))):
            time = _phases(records, phases, park=park, **mine)
            if time is not None and not time.more:
                found[hours] = time.value
    grown = None
    few, many = min(HOURS), max(HOURS)
    if {few, many} <= build.keys() and build[few]:
        grown = Figure(build[many] / build[few] / (many / few))
    words = f"{few} to {many} h"
    yield Verdict("4 growth of build / that of the horizon", words, 1.3, None, grown)
    power = exponent(solve) if {few, many} <= solve.keys() else None
    yield Verdict(
        "4 growth of solve: power of the horizon",
        words,
        1.3,
        None,
        None if power is None else Figure(power),
    )


def _phases(records: Sequence[Record], phases: Sequence[str], **wanted: str) -> Figure | None:
    """Return the median wall time of some phases; nothing of runs that were ended."""
    values = [
        sum(one["phases"].get(phase, 0.0) for phase in phases)
        for one in records
        if one["status"] == OK and all(one[key] == value for key, value in wanted.items())
    ]
    return Figure(median(values)) if values else None


def _by_route(records: Sequence[Record], park: str, measure: str) -> dict[str, Figure]:
    names = dict.fromkeys(
        (one["tool"], one["route"])
        for one in records
        if one["suite"] == "year" and one["park"] == park and one["tool"] in PEERS
    )
    found = {
        f"{tool}/{route}": figure(records, measure, suite="year", park=park, tool=tool, route=route)
        for tool, route in names
    }
    return {name: one for name, one in found.items() if one is not None}
