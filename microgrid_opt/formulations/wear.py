"""Wear of a store by depth of cycle: in the model, stated again by the audit, and counted afterwards.

Equations and symbols stand in `microgrid_opt.formulations.ageing`. `replay` counts from the content
alone: a stack of depth segments is replayed, a fall takes the shallowest content first, a rise fills
the shallowest gap first. Where wear grows faster than depth this is rainflow counting (ASTM E1049-85)
with linear interpolation between the depths; each cycle counts once, with its fall.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from microgrid_opt.ledger import Linear

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from microgrid_opt.audit import AssetAudit
    from microgrid_opt.builder import Builder
    from microgrid_opt.formulations.content import Scaled
    from microgrid_opt.formulations.reservoir import Reservoir
    from microgrid_opt.results import AssetResults


class Depths(NamedTuple):
    """Segments of depth, shallow first.

    Parameters
    ----------
    widths
        Width of each segment, as a share of the capacity.
    slopes
        Share of the cycle life that each takes per capacity drawn from it.
    """

    widths: list[float]
    slopes: list[float]

    def start(self, store: Reservoir) -> list[float]:
        """Return what each holds before the first step, per capacity: shallow ones first."""
        rest = store.usable_fraction * ((store.initial_fraction or 0.0) - store.min_fraction)
        held = []
        for width in self.widths:
            held.append(min(rest, width))
            rest -= held[-1]
        return held


class Segment(NamedTuple):
    """Variables of one segment: its content [kWh], and what leaves it [kW]."""

    filled: Any
    fall: Any


def is_ring(store: Reservoir) -> bool:
    """Return whether the content returns to where it began."""
    return store.initial_fraction is None or store.final == "cyclic"


def _losses(
    store: Reservoir, hours: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what a step loses as shares of the content before it and of the capacity."""
    return 1.0 - store.kept_per_hour**hours, hours * store.standing_loss_per_hour


# ---------------------------------------------------------------------------------------- model


def write_throughput(
    b: Builder, store: Reservoir, capacity: Scaled, content: Any, slope: float
) -> Linear:
    """Return wear in proportion to what leaves the content [kWh]."""
    lost, standing = _losses(store, b.horizon.step_hours)
    weight = b.horizon.weight
    wear = b.total(b.written("discharge"), slope / store.discharge_efficiency)
    wear += b.times(capacity.base, capacity.share * slope * float(weight @ standing))
    # What is lost after a step is a share of its content; after the last one, in a ring, as well.
    later = np.roll(slope * weight * lost, -1)
    if not is_ring(store):
        start = (store.initial_fraction or 0.0) * store.usable_fraction * capacity.share
        wear += b.times(capacity.base, start * later[-1])
        later[-1] = 0.0
    return wear + Linear([(content, later)])


def write_segments(
    b: Builder, store: Reservoir, capacity: Scaled, content: Any, depths: Depths
) -> Linear:
    """Write the segments and return the wear [kWh]."""
    wear, segments = Linear(), []
    for number, (width, slope) in enumerate(zip(*depths, strict=True), 1):
        part = capacity.part(width)
        filled = b.series(f"segment_{number}", unit="kWh", upper=part.base, profile=part.share)
        fall = b.series(f"fall_{number}", unit="kW")
        wear += b.total(fall, slope)
        segments.append(Segment(filled, fall))
    floor = capacity.times(store.usable_fraction * store.min_fraction)
    if store.min_fraction:
        b.require("segments", lambda t: sum(s.filled[t] for s in segments) + floor == content[t])
    else:
        b.require("segments", lambda t: sum(s.filled[t] for s in segments) == content[t])
    _write_falls(b, store, capacity, content, segments)
    _write_rises(b, store, capacity, segments, depths.start(store))
    return wear


def _write_falls(
    b: Builder, store: Reservoir, capacity: Scaled, content: Any, segments: Sequence[Segment]
) -> None:
    """Let leave the segments what leaves the content: discharge and losses."""
    hours, before, discharge = b.horizon.step_hours, b.previous, b.written("discharge")
    lost, standing = _losses(store, hours)
    length = b.param("length", hours)
    out = b.param("fallen", hours / store.discharge_efficiency)
    from_content, from_capacity = b.param("lost", lost), b.param("stood", standing)

    def falls(t: Any, previous: Any) -> Any:
        left = out[t] * discharge[t]
        if lost.any():
            left += from_content[t] * previous
        if standing.any():
            left += from_capacity[t] * capacity.times(1.0)
        return sum(length[t] * segment.fall[t] for segment in segments) == left

    ring = is_ring(store)
    b.require("falls", lambda t: falls(t, content[before[t]]), over=None if ring else b.after_first)
    if not ring:
        first = (store.initial_fraction or 0.0) * store.usable_fraction
        b.require_once("first_falls", falls(0, capacity.times(first)))


def _write_rises(
    b: Builder,
    store: Reservoir,
    capacity: Scaled,
    segments: Sequence[Segment],
    start: Sequence[float],
) -> None:
    """Let no segment hold less than what it held and did not lose."""
    ring, before = is_ring(store), b.previous
    for number, ((filled, fall), share) in enumerate(zip(segments, start, strict=True), 1):
        length = b.param(f"length_{number}", b.horizon.step_hours)

        def rises(t: Any, e: Any = filled, x: Any = fall, length: Any = length) -> Any:
            return e[t] - e[before[t]] + length[t] * x[t] >= 0.0

        b.require(f"segment_{number}_rises", rises, over=None if ring else b.after_first)
        if not ring:
            held = filled[0] - capacity.times(share) + length[0] * fall[0]
            b.require_once(f"segment_{number}_first", held >= 0.0)


# ---------------------------------------------------------------------------------------- audit


def audited(
    a: AssetAudit, store: Reservoir, capacity: float, content: str, depths: Depths
) -> float:
    """Return the wear of the horizon [kWh], having checked the segments behind it."""
    weight, hours = a.horizon.weight, a.horizon.step_hours
    left = falls(a, store, capacity, content)
    if len(depths.widths) == 1:
        wear = depths.slopes[0] * float(weight @ left)
    else:
        fallen = _audited_segments(a, store, capacity, content, depths)
        total = np.asarray(sum(fallen))
        a.equal("segments fall with the content", total * hours, left, unit="kWh", scale=capacity)
        parts = zip(depths.slopes, fallen, strict=True)
        wear = sum(slope * float(part @ a.horizon.hours) for slope, part in parts)
    # With one weight for all steps no way of counting finds less than the replay.
    if (weight == weight[0]).all():
        least = float(weight @ replayed(a, store, capacity, content, depths))
        a.at_most("wear counted cycle by cycle", least, wear, unit="kWh")
    return wear


def _audited_segments(
    a: AssetAudit, store: Reservoir, capacity: float, content: str, depths: Depths
) -> list[NDArray[np.float64]]:
    """Check the segments; return what leaves each of them, each of shape (n,) [kW]."""
    hours, fallen = a.horizon.step_hours, []
    above = a.series(content) - store.min_fraction * store.usable_fraction * capacity
    whole = np.zeros_like(above)
    for number, (width, start) in enumerate(
        zip(depths.widths, depths.start(store), strict=True), 1
    ):
        filled, fall = a.series(f"segment_{number}"), a.series(f"fall_{number}")
        before = np.roll(filled, 1)
        if not is_ring(store):
            before[0] = start * capacity
        name = f"segment {number}"
        a.at_most(f"{name} not negative", 0.0, np.minimum(filled, fall), unit="kWh")
        a.at_most(f"{name} within its width", filled, width * capacity, unit="kWh")
        a.at_most(f"{name} falls", before - filled, hours * fall, unit="kWh", scale=capacity)
        whole += filled
        fallen.append(fall)
    a.equal("segments hold the content", whole, above, unit="kWh", scale=capacity)
    return fallen


# ---------------------------------------------------------------------------------------- counting


def falls(
    plan: AssetAudit | AssetResults, store: Reservoir, capacity: float, content: str
) -> NDArray[np.float64]:
    """Return what leaves the content in each step, losses included, shape (n,) [kWh]."""
    hours = plan.horizon.step_hours
    before = np.roll(plan.series(content), 1)
    if store.initial_fraction is not None:
        before[0] = store.initial_fraction * store.usable_fraction * capacity
    lost = before * (1.0 - np.power(store.kept_per_hour, hours))
    lost = lost + hours * store.standing_loss_per_hour * capacity
    return np.asarray(hours * plan.series("discharge") / store.discharge_efficiency + lost)


def replayed(
    plan: AssetAudit | AssetResults,
    store: Reservoir,
    capacity: float,
    content: str,
    depths: Depths,
) -> NDArray[np.float64]:
    """Return the wear of each step as cycle counting finds it, shape (n,) [kWh]."""
    rises = plan.horizon.step_hours * store.charge_efficiency * plan.series("charge")
    left = falls(plan, store, capacity, content)
    start = None if is_ring(store) else sum(depths.start(store)) * capacity
    widths = [width * capacity for width in depths.widths[:-1]]
    return replay(rises, left, [*widths, np.inf], depths.slopes, start)


def replay(
    rises: NDArray[np.float64],
    falls: NDArray[np.float64],
    widths: Sequence[float],
    slopes: Sequence[float],
    start: float | None = None,
) -> NDArray[np.float64]:
    """Return the wear of each step, in the unit of the flows times that of the slopes, shape (n,).

    Parameters
    ----------
    rises, falls
        What enters and what leaves the content in each step [kWh], each of shape (n,).
    widths
        Capacity of the segments [kWh], shallow first.
    slopes
        Wear per amount that leaves each segment, not falling.
    start
        Content before the first step, above the floor [kWh]; ``None`` when the content returns to
        where it began, so that the steps form a ring.
    """
    # What rises and falls in one step passes through the shallowest segment.
    through = np.minimum(rises, falls)
    net = rises - falls
    wear = through * slopes[0]
    first = 0
    stack = np.zeros(len(widths))
    if start is None:
        # At its lowest point the content of a ring lies deepest; how much it is does not matter.
        level = np.cumsum(net)
        first = (int(level.argmin()) + 1) % len(net)
    else:
        _move(stack, start, widths)
    for t in np.roll(np.arange(len(net)), -first):
        moved = _move(stack, float(net[t]), widths)
        wear[t] += float(np.maximum(-moved, 0.0) @ np.asarray(slopes))
    return wear


def _move(
    stack: NDArray[np.float64], amount: float, widths: Sequence[float]
) -> NDArray[np.float64]:
    """Fill the stack by an amount, or empty it, shallow segments first; return each one's change."""
    moved = np.zeros_like(stack)
    for number, width in enumerate(widths):
        room = width - stack[number] if amount > 0 else -stack[number]
        moved[number] = min(amount, room) if amount > 0 else max(amount, room)
        amount -= moved[number]
        if not amount:
            break
    # What rounding leaves lies deepest.
    moved[-1] += amount
    stack += moved
    return moved
