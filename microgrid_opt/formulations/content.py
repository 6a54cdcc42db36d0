"""The content of a store: its balance from step to step, its limits, its start and its end.

Equations and symbols stand in `microgrid_opt.formulations.reservoir`; an account in a store that
several users share is written by the same code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from microgrid_opt.audit import AssetAudit
    from microgrid_opt.builder import Builder
    from microgrid_opt.formulations.reservoir import Reservoir


@dataclass(frozen=True)
class Scaled:
    """Share × base, the base a number or a variable: a capacity, a part of one, or a power."""

    base: Any
    share: float = 1.0

    def times(self, factor: float) -> Any:
        """Return factor × share × base, for rules."""
        return (factor * self.share) * self.base

    def part(self, factor: float) -> Scaled:
        """Return a part of it, or a multiple."""
        return Scaled(self.base, factor * self.share)


def problems(store: Reservoir) -> Iterator[tuple[str, str]]:
    """Yield (field, message) of fillings that contradict each other."""
    low, high, first = store.min_fraction, store.max_fraction, store.initial_fraction
    if low > high:
        yield "min_fraction", f"lies above `max_fraction` {high:g}: correct one."
    if first is None and store.final != "cyclic":
        yield (
            "final",
            "needs `initial_fraction`: with a free start the store would begin with content that "
            "nobody paid for.",
        )
    if first is not None and not low <= first <= high:
        yield (
            "initial_fraction",
            f"lies outside `min_fraction` {low:g} … `max_fraction` {high:g}: choose one inside.",
        )


def write(
    store: Reservoir,
    b: Builder,
    name: str,
    capacity: Scaled,
    charge: Any,
    discharge: Any,
    *,
    inflow: Any = None,
    account: str = "",
    least: float | None = None,
) -> Any:
    """Write the content of a store, or of one account in it, and return it.

    Parameters
    ----------
    store
        Its losses, fillings, start and end.
    b
        The pen.
    name
        Of the series.
    capacity
        Of the store or of the account.
    charge, discharge, inflow
        Flows of the store or of the account.
    account
        Whose content this is, where there are several; ends the names of its series and rules.
    least
        Least filling, where it is not ``min_fraction``.
    """
    usable = capacity.part(store.usable_fraction)
    suffix = f"_{account}" if account else ""
    content = b.series(
        f"{name}{suffix}",
        unit=store.unit,
        upper=usable.base,
        profile=usable.share * store.max_fraction,
    )
    least = store.min_fraction if least is None else least
    if least:
        floor = usable.times(least)
        b.require(f"depth_limit{suffix}", lambda t: content[t] >= floor)
    kept = b.param(f"kept{suffix}", store.kept_per_hour**b.horizon.step_hours)
    moved = _moved(store, b, capacity, charge, discharge, inflow, suffix)
    before, first = b.previous, store.initial_fraction
    b.require(
        f"state_of_charge_balance{suffix}",
        lambda t: content[t] == kept[t] * content[before[t]] + moved(t),
        over=None if first is None else b.after_first,
    )
    if first is None:
        return content
    start, last = usable.times(first), content[len(b.horizon) - 1]
    b.require_once(f"first_balance{suffix}", content[0] == kept[0] * start + moved(0))
    if store.final == "cyclic":
        b.require_once(f"final_state{suffix}", last == start)
    elif store.final == "at_least_initial":
        b.require_once(f"final_state{suffix}", last >= start)
    return content


def _moved(
    store: Reservoir,
    b: Builder,
    capacity: Scaled,
    charge: Any,
    discharge: Any,
    inflow: Any,
    suffix: str,
) -> Callable[[Any], Any]:
    """Return what a step adds to the content, as a rule."""
    hours = b.horizon.step_hours
    terms = [
        (b.param(f"inward{suffix}", hours * store.charge_efficiency), charge),
        (b.param(f"outward{suffix}", -hours / store.discharge_efficiency), discharge),
    ]
    if inflow is not None:
        terms.append((b.param(f"natural{suffix}", hours), inflow))
    standing = store.standing_loss_per_hour * capacity.share
    if not standing:
        return lambda t: sum(factor[t] * flow[t] for factor, flow in terms)
    loss = b.param(f"standing{suffix}", -hours * standing)
    return lambda t: sum(factor[t] * flow[t] for factor, flow in terms) + loss[t] * capacity.base


def audit(
    store: Reservoir,
    a: AssetAudit,
    name: str,
    capacity: float,
    charge: NDArray[np.float64],
    discharge: NDArray[np.float64],
    inflow: NDArray[np.float64] | float = 0.0,
    *,
    account: str = "",
    least: float | None = None,
) -> None:
    """Re-derive the content of a store, or of one account in it, step by step from its flows."""
    content = a.series(f"{name}_{account}" if account else name)
    usable = capacity * store.usable_fraction
    of = f" of {account}" if account else ""
    hours = a.horizon.step_hours
    before = np.roll(content, 1)
    if store.initial_fraction is not None:
        before[0] = store.initial_fraction * usable
    gained = charge * store.charge_efficiency - discharge / store.discharge_efficiency
    gained = gained + inflow - store.standing_loss_per_hour * capacity
    expected = before * np.power(store.kept_per_hour, hours) + hours * gained
    least = store.min_fraction if least is None else least
    unit = store.unit
    a.equal(f"state of charge follows the flows{of}", content, expected, unit=unit)
    a.at_most(f"content within capacity{of}", content, usable * store.max_fraction, unit=unit)
    a.at_most(f"depth of discharge{of}", usable * least, content, unit=unit)
    if store.initial_fraction is None:
        return
    start, last = usable * store.initial_fraction, content[-1:]
    if store.final == "cyclic":
        a.equal(f"final state{of}", last, start, unit=unit)
    elif store.final == "at_least_initial":
        a.at_most(f"final state{of}", start, last, unit=unit)
