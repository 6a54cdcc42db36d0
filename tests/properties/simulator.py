"""A committed unit in plain Python: which schedules it can follow, and what switching costs.

Written from the words of the manual, step by step, without the model's variables or windows.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

OFF, STANDBY, ON = "off", "standby", "on"


@dataclass(frozen=True)
class Rules:
    """What a schedule must keep, and what it costs; money and hours."""

    up: float = 0.0
    down: float = 0.0
    start: float = 0.0
    hot: float | None = None
    within: float = 0.0
    stop: float = 0.0
    running: float = 0.0
    daily: int | None = None
    warm: float | None = None
    before: str = "off"
    complete: bool = False

    def in_yaml(self) -> str:
        """Return the rules as keys of `commitment`, without the least load."""
        keys: dict[str, object] = {
            "min_up_hours": self.up,
            "min_down_hours": self.down,
            "start_cost": self.start,
            "stop_cost": self.stop,
            "running_cost_per_hour": self.running,
            "before": self.before,
            "complete_runs": str(self.complete).lower(),
        }
        if self.hot is not None:
            keys |= {"hot_start_cost": self.hot, "hot_start_within_hours": self.within}
        if self.daily is not None:
            keys["max_starts_per_day"] = self.daily
        return ", ".join(f"{key}: {value}" for key, value in keys.items())


def schedules(steps: int, rules: Rules) -> Iterator[tuple[str, ...]]:
    """Yield every sequence of states."""
    states = (OFF, ON) if rules.warm is None else (OFF, STANDBY, ON)
    return product(states, repeat=steps)


def switching(
    states: Sequence[str], hours: Sequence[float], rules: Rules, days: Sequence[int] | None = None
) -> float | None:
    """Return what starts, stops and hours on cost; ``None`` where a rule is broken."""
    cost = sum(rules.running * h for state, h in zip(states, hours, strict=True) if state == ON)
    starts_of_day: dict[int, int] = {}
    for t, state in enumerate(states):
        was = _before(states, t, rules)
        if was is None:
            continue
        if (state == OFF) == (was == OFF):
            if was == STANDBY and state == ON:
                cost += rules.warm or 0.0
            continue
        least = rules.down if state == OFF else rules.up
        lasted = _lasts(states, hours, t, rules)
        if lasted is not None and lasted < least:
            return None
        if state == OFF:
            cost += rules.stop
            continue
        day = 0 if days is None else days[t]
        starts_of_day[day] = starts_of_day.get(day, 0) + 1
        cost += _start_cost(states, hours, t, rules)
    if rules.daily is not None and any(n > rules.daily for n in starts_of_day.values()):
        return None
    return cost


def _before(states: Sequence[str], t: int, rules: Rules) -> str | None:
    """Return the state of the step before; ``None`` where it is open."""
    if t > 0:
        return states[t - 1]
    return {"off": OFF, "on": ON, "cyclic": states[-1]}.get(rules.before)


def _lasts(states: Sequence[str], hours: Sequence[float], t: int, rules: Rules) -> float | None:
    """Return how long the unit stays off, or not off, from t; ``None`` where the end cuts it."""
    n, total, k = len(states), 0.0, t
    while (states[k % n] == OFF) == (states[t] == OFF):
        total += hours[k % n]
        k += 1
        if k == n and rules.before != "cyclic":
            return total if rules.complete else None
    return total


def _start_cost(states: Sequence[str], hours: Sequence[float], t: int, rules: Rules) -> float:
    """Return the cost of a start: hot after a short pause that the horizon shows."""
    if rules.hot is None:
        return rules.start
    n, off, k = len(states), 0.0, t - 1
    while _at(states, k, rules) == OFF:
        off += hours[k % n]
        k -= 1
    return rules.start if _at(states, k, rules) is None or off >= rules.within else rules.hot


def _at(states: Sequence[str], k: int, rules: Rules) -> str | None:
    """Return the state of a step; before the first one, ``None`` where its end was not seen."""
    if k >= 0:
        return states[k]
    return {"on": ON, "cyclic": states[k % len(states)]}.get(rules.before)
