"""Time-of-use series: named price periods and a calendar of month, day type and hour.

The calendar is turned into a table of month × day type × slot of the day, in which every overlap and
every gap is found when the park is read.
"""

from __future__ import annotations

import difflib
import math
import re
from typing import TYPE_CHECKING, Annotated, Literal, Self

import numpy as np
from pydantic import AfterValidator, BeforeValidator, model_validator

from microgrid_opt.fields import Frozen, refuse
from microgrid_opt.series.shapes import (
    DAY_MINUTES,
    DAY_TYPES,
    MONTH_NAMES,
    CalendarSeries,
    Months,
    Resolved,
    Some,
    Value,
    day_types,
    minute_of_day,
    some,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from microgrid_opt.horizon import Horizon

_SPAN = re.compile(r"(\d{1,2})(?::([0-5]\d))?\s*[-–]\s*(\d{1,2})(?::([0-5]\d))?")


def spans(hours: str) -> tuple[tuple[int, int], ...]:
    """Return the minutes of the day that a text such as ``"8:30-11, 22-6"`` covers.

    A span that ends before it begins goes on at 0:00 of the same day: ``22-6`` is 22:00 to 24:00 and
    0:00 to 6:00.

    Raises
    ------
    ValueError
        Not such a text, or a time beyond 24:00, or an empty span.
    """
    found: list[tuple[int, int]] = []
    for part in hours.split(","):
        match = _SPAN.fullmatch(part.strip())
        if match is None:
            raise ValueError(f"{part.strip()!r} is not a span of hours: write 8-11 or 8:30-11:00.")
        first, last = (int(match[i]) * 60 + int(match[i + 1] or 0) for i in (1, 3))
        if first >= DAY_MINUTES or last > DAY_MINUTES:
            raise ValueError(f"{part.strip()!r} goes beyond the day: hours run from 0 to 24.")
        if first == last:
            raise ValueError(f"{part.strip()!r} is empty: write 0-24 for the whole day.")
        if first < last:
            found.append((first, last))
        else:
            found += [(first, DAY_MINUTES), *([(0, last)] if last else [])]
    return tuple(found)


def _hours(text: str) -> str:
    try:
        spans(text)
    except ValueError as error:
        raise refuse("hours", str(error)) from None
    return text


def _as_tuple(days: object) -> object:
    return (days,) if isinstance(days, str) else days


DayWord = Literal["all", "weekday", "weekend", "holiday"]
Days = Annotated[
    tuple[DayWord, ...],
    *Some,
    BeforeValidator(_as_tuple, json_schema_input_type=DayWord | tuple[DayWord, ...]),
]


class Rule(Frozen):
    """When one price period holds."""

    period: str
    """Name of the period, one of `periods`."""
    months: Months = tuple(range(1, 13))
    """Months, 1 to 12; all when left out."""
    days: Days = ("all",)
    """Day types: weekday, weekend, holiday, a list of them, or all."""
    hours: Annotated[str, AfterValidator(_hours)] = "0-24"
    """Spans of local hours such as ``8:30-11, 22-6``; the whole day when left out."""

    def types(self) -> tuple[int, ...]:
        """Return the day types as indices into `DAY_TYPES`."""
        if "all" in self.days:
            return (0, 1, 2)
        return tuple(DAY_TYPES.index(name) for name in self.days)


class TimeOfUse(CalendarSeries):
    """Periods with a value each, and a calendar that says when each holds."""

    periods: Annotated[dict[str, Value], AfterValidator(some)]
    """Value of each period by name."""
    calendar: Annotated[tuple[Rule, ...], *Some]
    """When each period holds; rules may not overlap."""
    otherwise: str | None = None
    """Period of all hours that no rule covers; without it, the rules must cover every hour."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        named = [rule.period for rule in self.calendar]
        named += [] if self.otherwise is None else [self.otherwise]
        for name in named:
            if name not in self.periods:
                near = difflib.get_close_matches(name, self.periods, n=1)
                hint = (
                    f"did you mean {near[0]!r}?" if near else f"known: {', '.join(self.periods)}."
                )
                raise refuse("period", f"no period is called {name!r}: {hint}")
        unused = [name for name in self.periods if name not in named]
        if unused:
            raise refuse(
                "period", f"nothing uses the period {unused[0]!r}: add a rule or remove it."
            )
        self._table()
        return self

    @property
    def slot_minutes(self) -> int:
        """Length of the parts of a day in which the value is constant [min]."""
        edges = (minute for rule in self.calendar for span in spans(rule.hours) for minute in span)
        return math.gcd(DAY_MINUTES, *edges)

    @property
    def _split_holidays(self) -> bool:
        return any("holiday" in rule.days for rule in self.calendar)

    def _table(self) -> NDArray[np.int64]:
        """Return the period by month, day type and slot of the day.

        Raises
        ------
        PydanticCustomError
            Two rules cover the same slot, or none does and `otherwise` is not given.
        """
        slot = self.slot_minutes
        kinds = 3 if self._split_holidays else 2
        rule_of = np.full((12, kinds, DAY_MINUTES // slot), -1, dtype=np.int64)
        for number, rule in enumerate(self.calendar):
            covered = np.zeros(rule_of.shape[2], dtype=bool)
            for first, last in spans(rule.hours):
                if covered[first // slot : last // slot].any():
                    raise refuse(
                        "calendar", f"the hours {rule.hours!r} of rule {number + 1} overlap."
                    )
                covered[first // slot : last // slot] = True
            mask = np.zeros(rule_of.shape, dtype=bool)
            months = np.array(rule.months) - 1
            types = np.array([kind for kind in rule.types() if kind < kinds])
            mask[np.ix_(months, types, np.flatnonzero(covered))] = True
            clash = mask & (rule_of >= 0)
            if clash.any():
                raise self._overlap(number, rule_of, clash)
            rule_of[mask] = number
        names = list(self.periods)
        fallback = -1 if self.otherwise is None else names.index(self.otherwise)
        period_of = np.array([*(names.index(rule.period) for rule in self.calendar), fallback])
        table = np.asarray(period_of[rule_of])
        if (table < 0).any():
            place = self._place(table < 0)
            raise refuse("calendar", f"no rule covers {place}: add one, or give `otherwise`.")
        return table

    def _overlap(
        self, number: int, rule_of: NDArray[np.int64], clash: NDArray[np.bool_]
    ) -> Exception:
        other = int(rule_of[clash][0])
        hint = ""
        if self._split_holidays and "all" in self.calendar[number].days + self.calendar[other].days:
            hint = " (`days: all` includes holidays: write [weekday, weekend])"
        place = self._place(clash)
        return refuse("calendar", f"rules {other + 1} and {number + 1} both cover {place}{hint}.")

    def _place(self, mask: NDArray[np.bool_]) -> str:
        month, kind, slot = (int(index[0]) for index in np.nonzero(mask))
        minute = slot * self.slot_minutes
        return f"{MONTH_NAMES[month]}, {DAY_TYPES[kind]}, {minute // 60}:{minute % 60:02d}"

    def at_starts(self, horizon: Horizon) -> Resolved:
        """Return what holds at the start of each step."""
        table = self._table()
        types = day_types(horizon, split_holidays=table.shape[1] == 3)
        slot = minute_of_day(horizon) // self.slot_minutes
        periods = table[horizon.stamps.month.to_numpy() - 1, types, slot]
        return Resolved(
            np.array(list(self.periods.values()))[periods], periods, tuple(self.periods)
        )
