r"""Amounts that are fixed by day or by window, while the plan chooses when within it.

Trucks and filling stations, coal deliveries, tanks: the schema of `microgrid_opt.formulations.windows`
and its replay. Equations and source stand there.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, Self

import numpy as np
from pydantic import BeforeValidator, Field, model_validator

from microgrid_opt.errors import Finding, InputError
from microgrid_opt.fields import Frozen, Kg, KWh, refuse
from microgrid_opt.formulations.wallclock import (
    hours_inside,
    since_met,
    since_start,
    spans_by_day,
    unbroken,
)
from microgrid_opt.formulations.windows import (
    ClockHours,
    Name,
    TimeLine,
    Windows,
    clock_spans,
    local_days,
    overlapping,
    seconds_at,
    span_seconds,
    write_corridor,
)
from microgrid_opt.series import SeriesField, SeriesKgPerHour, SeriesKW
from microgrid_opt.series.shapes import Series
from microgrid_opt.series.timeofuse import Days

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from microgrid_opt.audit import AssetAudit
    from microgrid_opt.builder import Builder
    from microgrid_opt.formulations.wallclock import Span
    from microgrid_opt.horizon import Horizon

DELIVERED = "delivered"


def _moment(value: Any) -> Any:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        moment = None
    if isinstance(moment, date) and not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day)  # noqa: DTZ001
    if not isinstance(moment, datetime) or moment.tzinfo is not None:
        raise refuse("moment", "must be a local time such as 2025-01-31T13:00, without offset.")
    return moment


Moment = Annotated[datetime, BeforeValidator(_moment)]
SeriesKgPerDay = Annotated[Series, SeriesField("kg/day", ge=0)]
SeriesKWhPerDay = Annotated[Series, SeriesField("kWh/day", ge=0)]


class _Amount(Frozen):
    """An amount of a window, in the unit of the carrier."""

    kg: Kg | None = None
    """Amount of each such window, for carriers counted in kg."""
    kwh: KWh | None = None
    """Amount of each such window, for carriers counted in kWh."""

    @model_validator(mode="after")
    def _one_amount(self) -> Self:
        if (self.kg is None) == (self.kwh is None):
            raise refuse("exclusive", "give the amount as either `kg` or `kwh`.")
        return self

    @property
    def unit(self) -> str:
        """Unit of the amount."""
        return "kWh" if self.kg is None else "kg"

    @property
    def amount(self) -> float:
        """Amount in its unit."""
        return float((self.kwh if self.kg is None else self.kg) or 0.0)


class ClockWindow(_Amount):
    """The same hours of every day, or of some days, with their amount."""

    hours: ClockHours
    """From–to on the wall clock such as ``6-22``; ``22-6`` runs past midnight."""
    days: Days = ("all",)
    """Days on which the window begins: weekday, weekend, holiday, a list of them, or all."""

    @model_validator(mode="after")
    def _one_span(self) -> Self:
        if len(clock_spans(self.hours)) > 1:
            raise refuse("window", "is one window: give one span of hours.", path=("hours",))
        return self


class Delivery(_Amount):
    """One window in time, with its amount."""

    start: Moment
    """Local begin."""
    end: Moment
    """Local end; a date means its 0:00."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.end <= self.start:
            raise refuse("window", "must be later than `start`.", path=("end",))
        return self


class Filling(Frozen):
    """Amounts that are fixed by day or by window, while the plan chooses when within it."""

    kg_per_day: SeriesKgPerDay | None = None
    """Amount of each day, for carriers counted in kg; a series counts by its mean over the hours."""
    kwh_per_day: SeriesKWhPerDay | None = None
    """Amount of each day, for carriers counted in kWh."""
    hours: ClockHours | None = None
    """Hours of the day in which its amount may flow, such as ``6-10, 14-22``; left out: all."""
    days: Days | None = None
    """Days that have the amount: weekday, weekend, holiday, or a list of them; left out: all."""
    windows: dict[Name, ClockWindow] = Field(default_factory=dict)
    """Windows on the clock by name, each with its own amount, instead of one per day."""
    deliveries: tuple[Delivery, ...] = ()
    """Windows by date, each with its own amount, instead of one per day."""
    max_kg_per_hour: SeriesKgPerHour | None = None
    """Largest flow, for carriers counted in kg."""
    max_kw: SeriesKW | None = None
    """Largest flow, for carriers counted in kWh."""

    @model_validator(mode="after")
    def _one_way_to_say_it(self) -> Self:
        daily = [name for name in ("kg_per_day", "kwh_per_day") if getattr(self, name) is not None]
        ways = [*daily, *(name for name in ("windows", "deliveries") if getattr(self, name))]
        if len(ways) != 1:
            listed = "`kg_per_day`, `kwh_per_day`, `windows`, `deliveries`"
            given = f"{' and '.join(ways)} are given" if ways else "no amount is given"
            raise refuse("filling", f"{given}: give exactly one of {listed}.")
        for name in ("hours", "days"):
            if not daily and getattr(self, name) is not None:
                raise refuse(
                    "filling", f"goes with an amount per day, not `{ways[0]}`.", path=(name,)
                )
        for name, unit in (("max_kg_per_hour", "kg"), ("max_kw", "kWh")):
            if getattr(self, name) is not None and unit != self.unit:
                right = "max_kw" if unit == "kg" else "max_kg_per_hour"
                raise refuse(
                    "filling",
                    f"does not go with an amount in {self.unit}: give `{right}`.",
                    path=(name,),
                )
        units = {window.unit for window in self._listed}
        if len(units) > 1:
            raise refuse(
                "filling", "mixes amounts in kg and in kWh: give all in the carrier's unit."
            )
        return self

    @property
    def _listed(self) -> tuple[_Amount, ...]:
        return (*self.windows.values(), *self.deliveries)

    @property
    def unit(self) -> str:
        """Unit of the amounts."""
        if self._listed:
            return self._listed[0].unit
        return "kWh" if self.kg_per_day is None else "kg"

    @property
    def _daily_key(self) -> str:
        return "kwh_per_day" if self.kg_per_day is None else "kg_per_day"

    @property
    def _limit_key(self) -> str | None:
        keys = ("max_kg_per_hour", "max_kw")
        return next((key for key in keys if getattr(self, key) is not None), None)

    def _rules(self) -> list[tuple[str, str, Days]]:
        """Return name, hours and days of what recurs on the clock."""
        if self.deliveries:
            return []
        if self.windows:
            return [(name, rule.hours, rule.days) for name, rule in self.windows.items()]
        return [(self._daily_key, self.hours or "0-24", self.days or ("all",))]

    def _spans(self, horizon: Horizon) -> tuple[Any, Any, Any, list[str]]:
        """Return start, end and window of every span, and what each window is called."""
        import pandas as pd

        rules = self._rules()
        split = any("holiday" in days for _, _, days in rules)
        starts, ends, numbers, names = [], [], [], list[str]()
        for name, hours, days in rules:
            dates = local_days(horizon, days, split_holidays=split)
            for span in clock_spans(hours):
                start, end = span_seconds(horizon, dates, span)
                starts.append(start)
                ends.append(end)
                numbers.append(len(names) + np.arange(len(dates)))
            names += [name] * len(dates)
        if self.deliveries:
            for found, key in ((starts, "start"), (ends, "end")):
                moments = [getattr(window, key) for window in self.deliveries]
                found.append(seconds_at(horizon, pd.DatetimeIndex(moments)))
            numbers.append(np.arange(len(self.deliveries)))
            names = [f"deliveries[{number}]" for number in range(len(self.deliveries))]
        start, end, number = (np.concatenate(column) for column in (starts, ends, numbers))
        return start, end, number, names

    def on(self, horizon: Horizon) -> tuple[Windows, list[str]]:
        """Return the parts of the windows that have steps, and the names of all windows."""
        start, end, number, names = self._spans(horizon)
        return Windows.cut(TimeLine.of(horizon), start, end, number), names

    def check(self, horizon: Horizon) -> None:
        """Refuse windows that overlap.

        Raises
        ------
        InputError
            Names the two windows.
        """
        start, end, number, names = self._spans(horizon)
        for one, other in overlapping(start, end):
            first, second = (names[number[i]] for i in (one, other))
            raise InputError(
                f"the windows {first} and {second} overlap: a moment belongs to one window."
            )

    def _amounts(self, given: Builder, windows: Windows, names: list[str], key: str) -> Any:
        if not self._listed:
            open_hours = windows.totals(1.0)
            return (
                windows.totals(given.data(f"{key}.{self._daily_key}")) / open_hours * windows.share
            )
        named = {name: window.amount for name, window in self.windows.items()}
        named |= {f"deliveries[{i}]": window.amount for i, window in enumerate(self.deliveries)}
        return np.array([named[names[i]] for i in windows.origin], dtype=float) * windows.share

    def build(self, b: Builder, key: str) -> Any:
        """Write the flow that fills the windows, and return its variable.

        Parameters
        ----------
        key
            Field of the asset under which this stands.

        Raises
        ------
        InputError
            When a window is too short for its amount.
        """
        windows, names = self.on(b.horizon)
        amounts = self._amounts(b, windows, names, key)
        corridor = windows.corridor(amounts)
        low, high = corridor
        open_fraction = windows.open_fraction()
        served = np.concatenate([[0.0], low[:-1]])
        most = np.where(open_fraction > 0.0, (high - served) / b.horizon.step_hours, 0.0)
        if self._limit_key is not None:
            limit = b.data(f"{key}.{self._limit_key}")
            self._refuse_short(b, windows, names, amounts, limit, key)
            most = np.minimum(most, limit * open_fraction)
        per_hour = b.series("demand", unit="kW" if self.unit == "kWh" else "kg/h", upper=most)
        write_corridor(b, DELIVERED, per_hour, corridor, unit=self.unit)
        return per_hour

    def _refuse_short(
        self, b: Builder, windows: Windows, names: list[str], amounts: Any, limit: Any, key: str
    ) -> None:
        room = windows.totals(limit)
        short = np.flatnonzero(room < amounts * (1 - 1e-9))
        if short.size:
            part = int(short[0])
            begin = b.horizon.stamps[int(windows.first_step[part])]
            raise InputError(
                Finding(
                    f"lets {room[part]:g} {self.unit} flow in the window {names[windows.origin[part]]} "
                    f"at {begin}, which has {amounts[part]:g} {self.unit}: give a higher limit, a "
                    "longer window or a smaller amount.",
                    key=f"assets.{b.asset}.{key}.{self._limit_key}",
                )
            )

    # -------------------------------------------------------------------------------- audit

    def audit(self, a: AssetAudit, flow: NDArray[np.float64], key: str) -> None:
        """Replay the clock window by window, and check that each got its amount, inside its hours."""
        hours = a.horizon.step_hours
        open_hours, low, high = np.zeros((3, len(hours)))
        for spans, amount in self._replayed(a, key):
            whole = sum(end - start for start, end in spans)
            inside = hours_inside(a.horizon, spans)
            open_hours += inside
            for steps in unbroken(a.horizon):
                touched = steps[inside[steps] > 0.0]
                if touched.size:
                    due = amount(touched, inside[touched]) * inside[touched].sum() / whole
                    high[touched[0] :] += due
                    low[touched[-1] :] += due
        self._audit_flow(a, flow, open_hours / hours, key)
        least, most, total = since_met(low, high, flow * hours)
        a.at_most("windows filled by their end", least, total, unit=self.unit)
        a.at_most("windows not filled before they begin", total, most, unit=self.unit)
        a.equal("delivered is the sum", a.series(DELIVERED), total, unit=self.unit)

    def _audit_flow(
        self, a: AssetAudit, flow: NDArray[np.float64], share: NDArray[np.float64], key: str
    ) -> None:
        unit = "kW" if self.unit == "kWh" else "kg/h"
        a.at_most("demand not negative", 0.0, flow, unit=unit)
        a.at_most("demand only in the windows", flow * (share == 0.0), 0.0, unit=unit)
        if self._limit_key is not None:
            limit = a.data(f"{key}.{self._limit_key}")
            a.at_most("demand within its limit", flow, limit * share, unit=unit)

    def _replayed(self, a: AssetAudit, key: str) -> Iterator[tuple[list[Span], Any]]:
        """Yield spans of each window [h since the first stamp], and its amount for some steps."""
        import pandas as pd

        for window in self.deliveries:
            moments = (pd.Timestamp(moment) for moment in (window.start, window.end))
            start, end = (since_start(a.horizon, moment) for moment in moments)
            yield [(start, end)], lambda *_, window=window: window.amount
        rules: list[tuple[str, Days, Any]] = [
            (rule.hours, rule.days, lambda *_, rule=rule: rule.amount)
            for rule in self.windows.values()
        ]
        if not self._listed:
            daily = a.data(f"{key}.{self._daily_key}")
            hours, days = self.hours or "0-24", self.days or ("all",)
            rules = [(hours, days, lambda t, h: daily[t] @ h / h.sum())]
        split = any("holiday" in days for _, days, _ in rules)
        for hours, days, amount in rules:
            for spans in spans_by_day(a.horizon, hours, days, split_holidays=split):
                yield spans, amount
