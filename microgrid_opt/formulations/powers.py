"""The sizes of a store: capacity and power of either direction, and the ratios between them.

Equations and symbols stand in `microgrid_opt.formulations.reservoir`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from microgrid_opt.fields import SAME, Size
from microgrid_opt.formulations.content import Scaled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from microgrid_opt.audit import AssetAudit
    from microgrid_opt.builder import Builder
    from microgrid_opt.formulations.reservoir import Reservoir


def name_of(key: str, size: Size) -> str:
    """Return the name of a size: its field without the unit."""
    return key.removesuffix(size.key("existing").removeprefix("existing"))


def keys(store: Reservoir, both: str, into: str, out: str) -> tuple[str, str]:
    """Return the fields of charge and discharge power: one for each where one of these is given."""
    apart = store.power_size(into) is not None or store.power_size(out) is not None
    return (into, out) if apart else (both, both)


def directions(store: Reservoir) -> dict[str, tuple[str, ...]]:
    """Return the directions that each power serves, by its field."""
    into, out = store.power_keys
    if into == out:
        return {into: ("charge", "discharge")}
    return {into: ("charge",), out: ("discharge",)}


def problems(store: Reservoir) -> Iterator[tuple[str, str]]:
    """Yield (field, message) of sizes and ratios that contradict each other."""
    used = {store.capacity_key, *store.power_keys}
    for key in type(store).model_fields:
        if key not in used and isinstance(getattr(store, key), Size):
            named = [name for name in dict.fromkeys(store.power_keys) if getattr(store, name)]
            given = named or [store.capacity_key]
            yield (
                key,
                f"does not go with `{'` and `'.join(given)}`: use keys of one unit, and either one "
                "power for both ways or one for each.",
            )
    yield from _hours_problems(store)
    yield from _limit_problems(store)
    for rate in _given_rates(store):
        for key, sign in (("min_c_rate_per_hour", 1.0), ("max_c_rate_per_hour", -1.0)):
            limit = getattr(store, key)
            if limit is not None and sign * (limit - rate) > SAME * limit:
                yield (
                    key,
                    f"does not fit the sizes given: their power per capacity is {rate:g}. Correct a "
                    "size or the rate, or let the plan choose a size.",
                )


def _hours_problems(store: Reservoir) -> Iterator[tuple[str, str]]:
    hours, capacity, key = store.hours_of_discharge, store.capacity_size, store.power_keys[1]
    power = store.power_size(key)
    if hours is None and capacity is None:
        yield (
            store.capacity_key,
            "is missing: give it, or the hours of discharge at full power.",
        )
    elif hours is not None and power is None:
        yield key, "is missing: the hours of discharge at full power refer to it."
    elif hours is not None and capacity is not None and power is not None:
        if capacity.fixed is None or power.fixed is None:
            return
        held = hours * power.fixed
        if abs(capacity.fixed - held) > SAME * held:
            yield (
                store.capacity_key,
                f"does not fit: {hours:g} h of discharge at {power.fixed:g} {store.flow_unit} are "
                f"{held:g} {store.unit}. Leave it out, or correct one.",
            )


def _limit_problems(store: Reservoir) -> Iterator[tuple[str, str]]:
    low, high = store.min_c_rate_per_hour, store.max_c_rate_per_hour
    machines = directions(store)
    given = [store.power_size(key) for key in machines]
    if low is not None and high is not None and low > high:
        yield "min_c_rate_per_hour", f"lies above `max_c_rate_per_hour` {high:g}: correct one."
    if low is not None and None in given:
        yield "min_c_rate_per_hour", "needs a power that it can bind: give one."
    if store.shared_power_limit and len(given) > 1:
        yield (
            "shared_power_limit",
            "is of one machine for both ways: leave it out, or give one power instead of "
            f"`{'` and `'.join(machines)}`.",
        )
    if store.shared_power_limit and given == [None] and high is None:
        yield "shared_power_limit", "needs a limit: give a power or `max_c_rate_per_hour`."
    if store.exclusive and None in [largest_power(store, key) for key in machines]:
        yield (
            "exclusive",
            "needs a bound: give the power (or the capacity and `max_c_rate_per_hour`) a maximum.",
        )


def _given_capacity(store: Reservoir) -> float | None:
    """Return the capacity where it is given."""
    if store.capacity_size is not None:
        return store.capacity_size.fixed
    power = store.power_size(store.power_keys[1])
    if power is None or power.fixed is None or store.hours_of_discharge is None:
        return None
    return power.fixed * store.hours_of_discharge


def _given_rates(store: Reservoir) -> Iterator[float]:
    """Yield power per capacity where both are given."""
    capacity = _given_capacity(store)
    for key in directions(store):
        power = store.power_size(key)
        if capacity and power is not None and power.fixed:
            yield power.fixed / capacity
        elif store.hours_of_discharge and key == store.power_keys[1]:
            yield 1.0 / store.hours_of_discharge


def largest_capacity(store: Reservoir) -> float | None:
    """Return the largest capacity that the plan can have, where that is declared."""
    if store.capacity_size is not None:
        return store.capacity_size.upper
    power = store.power_size(store.power_keys[1])
    if power is None or power.upper is None or store.hours_of_discharge is None:
        return None
    return power.upper * store.hours_of_discharge


def largest_power(store: Reservoir, key: str) -> float | None:
    """Return the largest flow through a power that the plan can have, where that is declared."""
    power, rate, capacity = (
        store.power_size(key),
        store.max_c_rate_per_hour,
        largest_capacity(store),
    )
    bounds = [] if power is None or power.upper is None else [power.upper]
    if rate is not None and capacity is not None:
        bounds.append(rate * capacity)
    return min(bounds, default=None)


def write(store: Reservoir, b: Builder) -> tuple[Scaled, tuple[Scaled | None, Scaled | None]]:
    """Write the sizes and their ratios; return the capacity and the limits of both flows."""
    size, hours = store.capacity_size, store.hours_of_discharge
    own = None if size is None else b.size(name_of(store.capacity_key, size), size)
    powers: dict[str, Any] = {
        key: None if power is None else b.size(name_of(key, power), power)
        for key in directions(store)
        for power in (store.power_size(key),)
    }
    into, out = store.power_keys
    capacity = Scaled(own) if own is not None or hours is None else Scaled(powers[out], hours)
    if own is not None and hours is not None and (b.is_choice(own) or b.is_choice(powers[out])):
        b.require_once("hours_of_discharge", own == hours * powers[out])
    limits = {key: _limit(store, b, key, power, capacity) for key, power in powers.items()}
    return capacity, (limits[into], limits[out])


def _limit(store: Reservoir, b: Builder, key: str, power: Any, capacity: Scaled) -> Scaled | None:
    """Return the largest flow through a power, having tied the power to the capacity."""
    low, high = store.min_c_rate_per_hour, store.max_c_rate_per_hour
    if power is None:
        return None if high is None else capacity.part(high)
    if not b.is_choice(power) and not b.is_choice(capacity.base):
        return Scaled(power if high is None else min(power, capacity.times(high)))
    suffix = "" if len(directions(store)) == 1 else f"_{key}"
    if high is not None:
        b.require_once(f"largest_c_rate{suffix}", power <= capacity.times(high))
    if low is not None:
        b.require_once(f"least_c_rate{suffix}", power >= capacity.times(low))
    return Scaled(power)


class SizesOfPlan(Protocol):
    """What gives a plan's sizes by their name: the audit and the results both do."""

    def size(self, name: str) -> float:
        """Return a size in operation."""


def capacity_of(store: Reservoir, plan: SizesOfPlan) -> float:
    """Return the capacity of a plan: its own size, or that of the discharge power × the hours."""
    size, key = store.capacity_size, store.power_keys[1]
    if size is not None:
        return plan.size(name_of(store.capacity_key, size))
    power, hours = store.power_size(key), store.hours_of_discharge
    return 0.0 if power is None or hours is None else hours * plan.size(name_of(key, power))


def audited_limits(store: Reservoir, a: AssetAudit, capacity: float) -> tuple[float, float]:
    """Return the largest flow of either direction, having checked the ratios of the sizes."""
    low, high = store.min_c_rate_per_hour, store.max_c_rate_per_hour
    given, unit = _given_capacity(store) is not None, store.flow_unit
    limits: dict[str, float] = {}
    for key in directions(store):
        limits[key] = np.inf if high is None else high * capacity
        spec = store.power_size(key)
        if spec is None:
            continue
        power = a.size(name_of(key, spec))
        if not (given and spec.fixed is not None):
            of = "" if len(directions(store)) == 1 else f" of {key}"
            a.at_most(f"least C-rate{of}", (low or 0.0) * capacity, power, unit=unit)
            a.at_most(f"largest C-rate{of}", power, limits[key], unit=unit)
            if key == store.power_keys[1] and store.hours_of_discharge is not None:
                held = power * store.hours_of_discharge
                a.equal("hours of discharge", capacity, held, unit=store.unit)
        limits[key] = min(power, limits[key])
    into, out = store.power_keys
    return limits[into], limits[out]
