r"""Points of a sweep as one table and as JSON, with what a tonne of CO2 costs to avoid.

The cost of the last tonne is the dual of the cap, $-\partial C / \partial \varepsilon$ (Boyd &
Vandenberghe, Convex Optimization, 2004, section 5.6, doi:10.1017/CBO9780511804441); that of all tonnes
between two points is
$$ a_{k} = \frac{C_k - C_{k-1}}{E_{k-1} - E_k} $$
with $k - 1$ the neighbour with the looser cap. Of a linear model the front is convex, and $a_k$ lies between
the duals of the two points.
"""

from __future__ import annotations

import json
import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pandas as pd

from microgrid_opt.ledger import KG_PER_T

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from microgrid_opt.sweep.points import Point, Sweep

SAME = 1e-6
"""Relative difference of a size below which it is the same in two plans."""
SMALL = 1e-9
"""Relative difference of CO2 below which two points have no quotient."""


def abatement_cost(sweep: Sweep) -> dict[int, float]:
    """Return the cost of a tonne avoided between each point and its looser neighbour [currency/t].

    By the number of the point; points without such a neighbour are left out.
    """
    found: dict[int, float] = {}
    if not sweep.has_front:
        return found
    for points in fronts(sweep).values():
        held = sorted((p for p in points if p.has_plan), key=lambda p: -float(p.values[-1]))
        for loose, tight in pairwise(held):
            avoided = loose.co2_kg - tight.co2_kg
            if avoided > SMALL * max(abs(loose.co2_kg), abs(tight.co2_kg)):
                found[tight.number] = (tight.cost - loose.cost) / avoided * KG_PER_T
    return found


def fronts(sweep: Sweep) -> dict[tuple[str | float, ...], list[Point]]:
    """Return the points by the values of all parameters but the last."""
    found: dict[tuple[str | float, ...], list[Point]] = {}
    for point in sweep.points:
        found.setdefault(point.values[:-1], []).append(point)
    return found


def table(sweep: Sweep) -> pd.DataFrame:
    """Return one row per point; the CSV file.

    Columns are ``point``, one per parameter, ``status``, ``cost``, ``bound``, ``gap``, ``co2_t`` over
    the horizon, ``co2_t_per_year``, with a cap ``shadow_price_per_t`` and ``abatement_cost_per_t``, one
    per size (``assets.pv.power [kW]``), ``seconds``, ``audit`` and ``why``.
    """
    quotients = abatement_cost(sweep)
    return pd.DataFrame([dict(_row(sweep, point, quotients)) for point in sweep.points])


def _row(
    sweep: Sweep, point: Point, quotients: Mapping[int, float]
) -> Iterator[tuple[str, str | float | None]]:
    run = point.run
    yield "point", point.number
    for axis, value in zip(sweep.axes, point.values, strict=True):
        yield axis.key, value
    yield "status", point.status
    yield "cost", point.cost
    yield "bound", None if run is None else run.bound
    yield "gap", None if run is None else run.gap
    yield "co2_t", point.co2_kg / KG_PER_T
    yield "co2_t_per_year", point.co2_kg / KG_PER_T / point.year_share
    if sweep.has_front:
        yield "shadow_price_per_t", point.price_per_t
        yield "abatement_cost_per_t", quotients.get(point.number, math.nan)
    for name, (amount, unit) in point.sizes.items():
        yield f"{name} [{unit}]", amount
    yield "seconds", point.seconds
    yield "audit", audit_word(point)
    yield "why", point.why


def changing_sizes(sweep: Sweep) -> list[tuple[str, str]]:
    """Return name and unit of the sizes that are not the same in all plans."""
    held = [point.sizes for point in sweep.points if point.has_plan]
    found: dict[str, str] = {}
    for name, (_, unit) in {k: v for sizes in held for k, v in sizes.items()}.items():
        values = [sizes.get(name, (0.0, unit))[0] for sizes in held]
        if max(values) - min(values) > SAME * max(1.0, *map(abs, values)):
            found[name] = unit
    return list(found.items())


def audit_word(point: Point) -> str:
    """Return whether a plan passed its audit; empty without a plan."""
    if point.audit is None:
        return ""
    return "passed" if point.audit.passed else "FAILED"


def to_json(sweep: Sweep) -> str:
    """Return everything of a sweep but the plans; without a number there is null."""
    quotients = abatement_cost(sweep)
    problem = sweep.problem
    content = {
        "schema": 1,
        "park": problem.title,
        "park_file": problem.origin.park_file,
        "park_sha256": problem.origin.park_sha256,
        "scenario": problem.origin.scenario,
        "currency": problem.park.currency,
        "parameters": [
            {"kind": axis.kind, "key": axis.key, "points": axis.points} for axis in sweep.axes
        ],
        "stopped": sweep.stopped,
        "seconds": sweep.seconds,
        "points": [_told(sweep, point, quotients) for point in sweep.points],
    }
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _told(sweep: Sweep, point: Point, quotients: Mapping[int, float]) -> dict[str, Any]:
    run = point.run
    found: dict[str, Any] = {
        "point": point.number,
        "values": dict(zip((axis.key for axis in sweep.axes), point.values, strict=True)),
        "set": list(point.sets),
        "status": point.status,
        "why": point.why,
        "cost": _number(point.cost),
        "bound": None if run is None else _number(run.bound),
        "gap": None if run is None else _number(run.gap),
        "co2_kg": _number(point.co2_kg),
        "co2_t_per_year": _number(point.co2_kg / KG_PER_T / point.year_share),
        "shadow_price_per_t": _number(point.price_per_t),
        "abatement_cost_per_t": _number(quotients.get(point.number)),
        "sizes": {
            name: {"value": value, "unit": unit} for name, (value, unit) in point.sizes.items()
        },
        "solved_by": "" if run is None else run.choice or run.profile,
        "audit": audit_word(point),
        "seconds": point.seconds,
    }
    return found


def _number(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
