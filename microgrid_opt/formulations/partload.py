r"""Part load: input and output follow a piecewise linear curve, for a given and for a chosen size.

$$ x_t = \frac{\ell_t}{S}, \qquad g_t = c_t\,S\,F(x_t), \qquad F(x_k) = \ x_k\,\varphi_k
   \ \text{(size on input)} \quad\text{or}\quad x_k / \varphi_k \ \text{(size on output)} $$

Curved to the good side (output concave in the input, or input convex in the output), no binaries:

$$ g_t \le c_t\,(a_k\,\ell_t + b_k\,z_t) \quad\text{or}\quad
   g_t \ge c_t\,(a_k\,\ell_t + b_k\,z_t) \qquad \forall k $$

One segment is an equality. Otherwise, and where ``part_load_exact`` asks for it, one segment is
chosen in each step:

$$ \ell_t = \sum_k \ell_{k,t}, \qquad g_t = c_t \sum_k (a_k\,\ell_{k,t} + b_k\,z_{k,t}), \qquad
   x_{k-1}\,z_{k,t} \le \ell_{k,t} \le x_k\,z_{k,t} $$
$$ \sum_k y_{k,t} = u_t, \qquad \sum_k z_{k,t} = z_t, \qquad z_{k,t} \le \bar S\,y_{k,t}
   \quad (z_{k,t} = S\,y_{k,t} \ \text{for a given size}) $$

| symbol | name | unit |
|---|---|---|
| $\ell_t$ | load: ``input`` or ``output``, the side where the size is counted | kW or kg/h |
| $g_t$ | the other side | kW or kg/h |
| $S, \bar S$ | size, and its declared upper bound | same as $\ell$ |
| $c_t$ | the other side per unit of load, at full load | unit/unit |
| $x_k, \varphi_k$ | ``load_fraction``, ``efficiency_factor`` of the points | – |
| $a_k, b_k$ | slope and intercept of segment $k$ of $F$ | – |
| $z_t, u_t$ | capacity that is on, and on; $S$ and 1 without commitment | same as $\ell$, 0/1 |
| $\ell_{k,t}, z_{k,t}, y_{k,t}$ | ``segment_1_load``, ``segment_1_capacity``, ``segment_1``, … | same, same, 0/1 |

Between the points the flows are interpolated, not the efficiency. Without commitment the curve begins
at nothing taken and nothing made. Without binaries a unit may lie below its curve: it wastes input
where that pays, as at negative prices; the audit notes it, ``part_load_exact`` forbids it.

References: the multiple choice (disaggregated) formulation, which is sharp: every step's relaxation is
the convex hull of the curve; Vielma (2015), Mixed integer linear programming formulation techniques,
SIAM Review 57(1), doi:10.1137/130915303.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from microgrid_opt.fields import Factor, Frozen, PositiveFraction
from microgrid_opt.formulations.commitment import Times

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from microgrid_opt.audit import AssetAudit
    from microgrid_opt.builder import Builder
    from microgrid_opt.formulations.converter import Ratio

SAME = 1e-9


class LoadPoint(Frozen):
    """Efficiency at one load."""

    load_fraction: PositiveFraction
    """Load as a share of the size, on the side where the size is counted."""
    efficiency_factor: Factor
    """Efficiency at this load per efficiency at full load."""


class Segment(NamedTuple):
    """A straight piece of a curve, between two loads; all per unit of size."""

    start: float
    end: float
    slope: float
    intercept: float


@dataclass(frozen=True)
class Curve:
    """The other side over the load, both 1 at full load, and how to write it.

    Parameters
    ----------
    loads, flows
        Points of the curve, loads increasing to 1.
    load_side
        Side where the size is counted: the load is the input or the output.
    is_exact
        Whether being below the curve is forbidden even where it needs binaries.
    """

    loads: tuple[float, ...]
    flows: tuple[float, ...]
    load_side: Literal["input", "output"]
    is_exact: bool = False

    @classmethod
    def through(
        cls,
        points: Sequence[tuple[float, float]],
        load_side: Literal["input", "output"],
        *,
        from_zero: bool,
        is_exact: bool,
    ) -> Curve:
        """Return the curve through (load, efficiency factor); ``from_zero`` adds the origin."""
        ends = _flow_points(points, load_side)
        if from_zero:
            ends = [(0.0, 0.0), *ends]
        loads, flows = zip(*ends, strict=True)
        return cls(loads, flows, load_side, is_exact)

    @cached_property
    def segments(self) -> tuple[Segment, ...]:
        """Straight pieces; neighbours on one line are joined."""
        found: list[Segment] = []
        for (x, y), (end, top) in pairwise(zip(self.loads, self.flows, strict=True)):
            slope = (top - y) / (end - x)
            intercept = y - slope * x
            if found and abs(found[-1].slope - slope) < SAME:
                found[-1] = found[-1]._replace(end=end)
            else:
                found.append(Segment(x, end, slope, intercept))
        return tuple(found)

    @property
    def bends_well(self) -> bool:
        """Whether the good side of the curve is convex: all lines at once describe it."""
        slopes = np.array([segment.slope for segment in self.segments])
        steps = np.diff(slopes)
        return bool((steps < 0.0).all() if self.load_side == "input" else (steps > 0.0).all())

    @property
    def is_equality(self) -> bool:
        """Whether every plan lies on the curve."""
        return len(self.segments) == 1 or self.needs_binaries

    @property
    def needs_binaries(self) -> bool:
        """Whether one segment has to be chosen in each step."""
        return len(self.segments) > 1 and (self.is_exact or not self.bends_well)


def curve_problems(
    points: Sequence[tuple[float, float]],
    load_side: Literal["input", "output"],
    least_load: float | None,
) -> Iterator[str]:
    """Yield what is wrong with points (load, efficiency factor).

    Parameters
    ----------
    load_side
        Side where the size is counted.
    least_load
        Least load of a committed unit; ``None`` without commitment.
    """
    loads = [load for load, _ in points]
    if len(points) < 2:
        yield "has one point: give two or more, or leave it out for a constant efficiency."
        return
    if any(after <= load for load, after in pairwise(loads)):
        yield f"must have increasing loads, not {', '.join(f'{load:g}' for load in loads)}."
        return
    if abs(loads[-1] - 1.0) > SAME:
        yield f"ends at a load of {loads[-1]:g}: the last point must be at 1, full load."
    elif abs(points[-1][1] - 1.0) > SAME:
        yield (
            f"has the factor {points[-1][1]:g} at full load: factors are relative to full load, so "
            "the last one must be 1."
        )
    verb = "makes" if load_side == "input" else "takes"
    for (load, less), (after, more) in pairwise(_flow_points(points, load_side)):
        if more < less - SAME:
            yield f"{verb} less at a load of {after:g} than at {load:g}: correct an efficiency."
    if least_load is not None and loads[0] > least_load + SAME:
        yield (
            f"begins at a load of {loads[0]:g}, but the unit may run at `min_load_fraction` "
            f"{least_load:g}: add a point there, or raise it."
        )


def _flow_points(
    points: Sequence[tuple[float, float]], load_side: Literal["input", "output"]
) -> list[tuple[float, float]]:
    """Return (load, other side) of points (load, efficiency factor), per unit of size."""
    if load_side == "input":
        return [(load, load * factor) for load, factor in points]
    return [(load, load / factor) for load, factor in points]


class Always:
    """The same in every step, for rules that index by step."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __getitem__(self, _: Any) -> Any:
        return self.value


@dataclass(frozen=True)
class Flows:
    """What a curve ties together.

    Parameters
    ----------
    load, other
        Flows on the side where the size is counted and on the other one.
    ratio
        The other side per unit of load, at full load: a number or shape (n,).
    size, size_unit
        Number or variable, and its unit.
    on, capacity
        1 or on/off by step; size times that by step.
    """

    load: Any
    other: Any
    ratio: Ratio
    size: Any
    size_unit: str
    on: Any
    capacity: Any


def write_curve(b: Builder, curve: Curve, flows: Flows) -> None:
    """Tie the other side to the load."""
    if curve.needs_binaries:
        _write_segments(b, curve, flows)
        return
    for number, line in enumerate(curve.segments, start=1):
        _write_line(b, curve, f"part_load_{number}", line, flows)


def _write_line(b: Builder, curve: Curve, name: str, line: Segment, flows: Flows) -> None:
    load, other, capacity = flows.load, flows.other, flows.capacity
    slope = b.param(f"{name}_slope", line.slope * flows.ratio)
    base = b.param(f"{name}_base", line.intercept * flows.ratio)
    through_zero = abs(line.intercept) < SAME

    def along(t: Any) -> Any:
        return slope[t] * load[t] if through_zero else slope[t] * load[t] + base[t] * capacity[t]

    if curve.is_equality:
        b.require(name, lambda t: other[t] == along(t))
    elif curve.load_side == "input":
        b.require(name, lambda t: other[t] <= along(t))
    else:
        b.require(name, lambda t: other[t] >= along(t))


def _write_segments(b: Builder, curve: Curve, flows: Flows) -> None:
    load, other, on, whole = flows.load, flows.other, flows.on, flows.capacity
    parts = [
        _write_segment(b, f"segment_{number}", line, flows)
        for number, line in enumerate(curve.segments, start=1)
    ]
    ratio = b.param("part_load_ratio", flows.ratio)
    b.require("part_load_sum", lambda t: load[t] == sum(part.load[t] for part in parts))
    b.require(
        "part_load_curve",
        lambda t: (
            other[t]
            == ratio[t]
            * sum(
                part.line.slope * part.load[t] + part.line.intercept * part.capacity[t]
                for part in parts
            )
        ),
    )
    b.require("part_load_choice", lambda t: sum(part.chosen[t] for part in parts) == on[t])
    if b.is_choice(flows.size):
        b.require(
            "part_load_capacity", lambda t: sum(part.capacity[t] for part in parts) == whole[t]
        )


class Part(NamedTuple):
    """A segment in the model: its load and capacity in each step, and whether it is chosen."""

    line: Segment
    load: Any
    capacity: Any
    chosen: Any


def _write_segment(b: Builder, name: str, line: Segment, flows: Flows) -> Part:
    most = b.upper_bound(flows.size)
    if most is None:
        raise ValueError("a part-load curve with binaries needs a bounded size")
    chosen = b.series(name, unit="1", binary=True)
    load = b.series(f"{name}_load", unit=flows.size_unit)
    capacity: Any = Times(most, chosen)
    if b.is_choice(flows.size):
        capacity = b.series(f"{name}_capacity", unit=flows.size_unit)
        b.require(f"{name}_most", lambda t: capacity[t] <= most * chosen[t])
    if line.start > 0.0:
        b.require(f"{name}_from", lambda t: load[t] >= line.start * capacity[t])
    b.require(f"{name}_to", lambda t: load[t] <= line.end * capacity[t])
    return Part(line, load, capacity, chosen)


def audit_curve(
    a: AssetAudit,
    curve: Curve,
    load: NDArray[np.float64],
    other: NDArray[np.float64],
    ratio: Ratio,
    size: float,
    *,
    unit: str,
) -> None:
    """Check that the flows lie on the curve, or on the side of it that wastes input."""
    on = a.series("on") if a.has_series("on") else np.ones_like(load)
    loads, flows = np.array(curve.loads) * size, np.array(curve.flows) * size
    wanted = ratio * np.interp(load, loads, flows) * on
    if curve.is_equality:
        a.equal("part-load curve", other, wanted, unit=unit)
        return
    made, possible = (other, wanted) if curve.load_side == "input" else (wanted, other)
    a.at_most("part-load curve", made, possible, unit=unit)
    wasted = np.maximum(possible - made, 0.0)
    a.noted("makes less than its part-load curve allows", wasted, wasted, unit=unit)
