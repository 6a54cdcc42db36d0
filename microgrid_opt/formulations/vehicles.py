"""Vehicles that are plugged in at certain hours: what they need, and when they are there.

Stays follow the wall clock (`microgrid_opt.formulations.windows`); the last function walks them once
more for the audit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Self

import numpy as np
from pydantic import Field, model_validator

from microgrid_opt.fields import KW, Efficiency, Fraction, Frozen, KWh, Unit, refuse
from microgrid_opt.formulations.wallclock import days_of, since_start, step_ends, unbroken
from microgrid_opt.formulations.windows import (
    ClockTime,
    TimeLine,
    Windows,
    clock_minutes,
    local_days,
    span_seconds,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from microgrid_opt.horizon import Horizon

    Floats = NDArray[np.float64]

DAY_MINUTES = 1440
SAME = 1e-9
CostPerKWh = Annotated[float, Unit("currency/kWh", ge=0)]


class Stay(Frozen):
    """When the vehicles of a group are plugged in, and what they need until they leave."""

    arrival: ClockTime
    """Time of day at which they arrive, such as ``17:30``."""
    departure: ClockTime
    """Time of day at which they leave; not later than `arrival` means the next day."""
    energy_kwh: KWh | None = None
    """Energy that the battery of each vehicle must gain in the stay."""
    arrival_fraction: Fraction | None = None
    """State of charge on arrival, instead of `energy_kwh`."""
    departure_fraction: Fraction = 1.0
    """State of charge on departure."""

    @model_validator(mode="after")
    def _one_need(self) -> Self:
        if (self.energy_kwh is None) == (self.arrival_fraction is None):
            raise refuse(
                "stay", "give what is needed as either `energy_kwh` or `arrival_fraction`."
            )
        if self.arrival_fraction is not None and self.arrival_fraction > self.departure_fraction:
            raise refuse(
                "stay",
                f"is more than `departure_fraction` {self.departure_fraction:g}: the vehicles would "
                "bring energy that nobody paid for.",
                path=("arrival_fraction",),
            )
        return self

    @property
    def minutes(self) -> tuple[int, int]:
        """Arrival and departure in minutes of the day of arrival; past midnight beyond 1440."""
        first, last = clock_minutes(self.arrival), clock_minutes(self.departure)
        return first, last if last > first else last + DAY_MINUTES

    def contents(self, battery_kwh: float) -> tuple[float, float]:
        """Return what the battery of a vehicle holds on arrival and on departure [kWh]."""
        full = battery_kwh * self.departure_fraction
        if self.arrival_fraction is not None:
            return battery_kwh * self.arrival_fraction, full
        return full - float(self.energy_kwh or 0.0), full


class VehicleToGrid(Frozen):
    """Discharging of plugged vehicles."""

    discharge_efficiency: Efficiency
    """Share of what leaves the battery that reaches the charger's terminals."""
    power_kw: KW | None = None
    """Most power that a vehicle gives; left out: `charger_kw`."""
    min_fraction: Fraction = 0.0
    """State of charge below which no vehicle is discharged."""
    cost_per_kwh: CostPerKWh = 0.0
    """Cost of each kWh given (wear, paid to the owner)."""


class VehicleGroup(Frozen):
    """Vehicles of one kind that come and go together; they are one battery while plugged in."""

    vehicles: Annotated[int, Field(ge=1)]
    """Number of vehicles."""
    battery_kwh: KWh
    """Battery of each vehicle."""
    charger_kw: KW
    """Power of each charger at its terminals."""
    chargers: Annotated[int, Field(ge=1)] | None = None
    """Number of chargers; left out: one for each vehicle. All vehicles take turns at fewer."""
    charge_efficiency: Efficiency
    """Share of what the chargers take that reaches the batteries."""
    weekday: Stay | None = None
    """Stay that begins on each Monday to Friday; left out: none."""
    weekend: Stay | None = None
    """Stay that begins on each Saturday and Sunday; left out: none."""
    holidays_as_weekend: bool = False
    """Whether holidays are like a weekend; otherwise like any other day of the week."""
    vehicle_to_grid: VehicleToGrid | None = None
    """Discharging; left out: none."""
    unserved_price_per_kwh: CostPerKWh | None = None
    """Price of each kWh that the batteries lack on departure; without it none may be lacking."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        stays = [(name, getattr(self, name)) for name in ("weekday", "weekend")]
        stays = [(name, stay) for name, stay in stays if stay is not None]
        if not stays:
            raise refuse("group", "is never plugged in: give `weekday` or `weekend`.")
        least = 0.0
        if self.vehicle_to_grid is not None:
            least = self.vehicle_to_grid.min_fraction * self.battery_kwh
            power = self.vehicle_to_grid.power_kw
            if power is not None and power > self.charger_kw:
                raise refuse(
                    "group",
                    f"is more than `charger_kw` {self.charger_kw:g}: correct one.",
                    path=("vehicle_to_grid", "power_kw"),
                )
        for name, stay in stays:
            arrives = stay.contents(self.battery_kwh)[0]
            if arrives < least - SAME:
                raise refuse(
                    "group",
                    f"arrives with {arrives:g} kWh in a battery of {self.battery_kwh:g} kWh, which may "
                    f"not hold less than {least:g} kWh: give a smaller need or a larger battery.",
                    path=(name,),
                )
        return self

    @property
    def charging_kw(self) -> float:
        """Power of all chargers that can be in use at once."""
        return self.charger_kw * min(self.vehicles, self.chargers or self.vehicles)

    @property
    def discharging_kw(self) -> float:
        """Power that all vehicles can give at once."""
        if self.vehicle_to_grid is None:
            return 0.0
        power = self.vehicle_to_grid.power_kw
        own = self.charger_kw if power is None else power
        return own * min(self.vehicles, self.chargers or self.vehicles)


@dataclass(frozen=True, eq=False)
class Stays:
    """Stays of a group, cut to the runs of the horizon.

    Parameters
    ----------
    windows
        When the vehicles are plugged in; a part is a stay, or what the horizon leaves of it.
    begins, ends
        Content of all batteries at the beginning and at the end of each part [kWh], shape (parts,).
    """

    windows: Windows
    begins: Floats
    ends: Floats

    @classmethod
    def of(cls, group: VehicleGroup, horizon: Horizon) -> Stays:
        """Return the stays; a cut one has its share of the need by length."""
        found = []
        split = group.holidays_as_weekend
        for stay, days in ((group.weekday, ("weekday",)), (group.weekend, ("weekend", "holiday"))):
            if stay is not None:
                dates = local_days(horizon, days, split_holidays=split)
                start, end = span_seconds(horizon, dates, stay.minutes)
                one, other = stay.contents(group.battery_kwh)
                full = np.ones(len(dates)) * group.vehicles
                found.append((start, end, one * full, other * full))
        begin, over, comes, goes = (np.concatenate(column) for column in zip(*found, strict=True))
        windows = Windows.cut(TimeLine.of(horizon), begin, over, np.arange(len(begin)))
        mine = windows.origin
        since, length = begin[mine], (over - begin)[mine]
        shares = ((moment - since) / length for moment in (windows.start, windows.end))
        begins, ends = (comes[mine] + (goes - comes)[mine] * share for share in shares)
        return cls(windows, begins, ends)

    def events(self, n: int) -> tuple[Floats, Floats, Floats]:
        """Return what arrives, what leaves [kWh], and whether vehicles stay at the end of a step."""
        arriving, leaving, open_ = np.zeros((3, n))
        first, last = self.windows.first_step, self.windows.last_step
        np.add.at(arriving, first, self.begins)
        np.add.at(leaving, last, self.ends)
        np.add.at(open_, first, 1.0)
        np.subtract.at(open_, last, 1.0)
        return arriving, leaving, np.cumsum(open_)

    def on_arrival(self, group: VehicleGroup) -> tuple[Floats, Floats]:
        """Return power when all charge at once on arrival [kW], and what lacks then [kWh]."""
        windows, power = self.windows, group.charging_kw
        needed = (self.ends - self.begins) / group.charge_efficiency
        given = np.minimum(needed, power * (windows.end - windows.start) / 3600.0)
        over = (
            windows.start
            + np.divide(given, power, out=np.zeros(len(given)), where=given > 0) * 3600
        )
        line = windows.line
        edges = np.stack([windows.start, over], axis=1).ravel()
        total = np.append(0.0, np.cumsum(given))
        sums = np.stack([total[:-1], total[1:]], axis=1).ravel()
        if not len(edges):
            return np.zeros(len(line.start)), np.zeros(len(line.start))
        taken = np.interp(line.end, edges, sums) - np.interp(line.start, edges, sums)
        lacking = np.zeros(len(line.start))
        np.add.at(lacking, windows.last_step, (needed - given) * group.charge_efficiency)
        return taken / ((line.end - line.start) / 3600.0), lacking


def replayed(group: VehicleGroup, horizon: Horizon) -> Iterator[tuple[float, float, float, float]]:
    """Yield begin and end [h since the first stamp] of each stay, and what all batteries hold [kWh].

    Stays are cut to unbroken steps.
    """
    import pandas as pd

    begin, over = step_ends(horizon)
    for midnight, kind in days_of(horizon, split_holidays=group.holidays_as_weekend):
        stay = group.weekday if kind == "weekday" else group.weekend
        if stay is None:
            continue
        first, last = (midnight + pd.Timedelta(minutes=m) for m in stay.minutes)
        start, end = since_start(horizon, first), since_start(horizon, last)
        comes, goes = (content * group.vehicles for content in stay.contents(group.battery_kwh))
        for run in unbroken(horizon):
            low, high = max(start, begin[run[0]]), min(end, over[run[-1]])
            if high > low + SAME:
                per_hour = (goes - comes) / (end - start)
                yield low, high, comes + per_hour * (low - start), goes - per_hour * (end - high)
