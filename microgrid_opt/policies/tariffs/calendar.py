"""When a component holds: validity, windows of hours, single hours, demand windows, choice periods.

Only calendars stand here, no money: the bill calculator and the model both read them.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from microgrid_opt.errors import Finding, InputError
from microgrid_opt.series.timeofuse import TimeOfUse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from microgrid_opt.horizon import Horizon
    from microgrid_opt.policies.tariffs.components import Component, DemandResponse, Window
    from microgrid_opt.policies.tariffs.spec import Tariff, TariffChoice

    Mask = NDArray[np.bool_]


def beyond_validity(tariff: Tariff, horizon: Horizon) -> list[str]:
    """Return a sentence for each end of a tariff's validity that the horizon goes beyond."""
    first, last = horizon.stamps[0].date(), horizon.stamps[-1].date()
    found = []
    if tariff.valid_from is not None and first < tariff.valid_from:
        found.append(
            f"the tariff is valid from {tariff.valid_from}; other days are priced with it."
        )
    if tariff.valid_to is not None and last > tariff.valid_to:
        found.append(f"the tariff is valid to {tariff.valid_to}; other days are priced with it.")
    return found


def valid_steps(component: Component, horizon: Horizon) -> Mask:
    """Return the steps that begin on a day on which a component holds, shape (n,)."""
    days = np.asarray(horizon.stamps.tz_localize(None).normalize(), dtype="datetime64[D]")
    valid = np.ones(len(horizon), dtype=bool)
    if component.valid_from is not None:
        valid &= days >= np.datetime64(component.valid_from)
    if component.valid_to is not None:
        valid &= days <= np.datetime64(component.valid_to)
    return valid


def valid_months(component: Component, horizon: Horizon) -> Mask:
    """Return the billing months in whose first step a component holds, shape (months,)."""
    first = np.unique(horizon.month, return_index=True)[1]
    return valid_steps(component, horizon)[first]


def window_steps(windows: Sequence[Window], horizon: Horizon) -> Mask:
    """Return the steps that lie in one of the windows, in part at least, shape (n,)."""
    if not windows:
        return np.ones(len(horizon), dtype=bool)
    inside = np.zeros(len(horizon), dtype=bool)
    for window in windows:
        whole = window.rule()
        periods = {"in": 1.0, "out": 0.0}
        covered = window.hours == "0-24" and "all" in window.days and len(window.months) == 12
        shape = TimeOfUse(
            periods={"in": 1.0} if covered else periods,
            calendar=(whole,),
            otherwise=None if covered else "out",
        )
        covers = shape.on(horizon).values > 0.0
        inside |= covers & ~horizon.is_holiday if window.except_holidays else covers
    return inside


def event_steps(component: DemandResponse, horizon: Horizon) -> Mask:
    """Return the steps that are events of demand response, shape (n,)."""
    if component.at:
        inside = hours_at(component.at, horizon, "at")
    else:
        inside = window_steps(component.when, horizon)
    return inside & valid_steps(component, horizon)


def hours_at(moments: Sequence[object], horizon: Horizon, key: str) -> Mask:
    """Return the steps that lie in an hour that begins at one of the local moments, shape (n,).

    Raises
    ------
    InputError
        A moment without time, or one that the clocks skip.
    """
    import pandas as pd

    zone = horizon.stamps.tz
    starts = horizon.stamps.as_unit("ns").asi8
    ends = starts + np.rint(horizon.step_hours * 3.6e12).astype(np.int64)
    inside = np.zeros(len(horizon), dtype=bool)
    for moment in moments:
        if not isinstance(moment, datetime):
            raise InputError(
                Finding("needs a time, such as 2025-07-01T17:00.", key=key, value=str(moment))
            )
        stamp = pd.Timestamp(moment)
        try:
            stamp = stamp.tz_localize(zone) if stamp.tzinfo is None else stamp.tz_convert(zone)
        except ValueError:
            raise InputError(
                Finding(
                    "is skipped or doubled by the clocks: give its offset.",
                    key=key,
                    value=f"{moment:%Y-%m-%dT%H:%M}",
                )
            ) from None
        first = stamp.as_unit("ns").value
        inside |= (starts < first + 3_600_000_000_000) & (ends > first)
    return inside


def demand_groups(minutes: float | None, horizon: Horizon) -> NDArray[np.int64]:
    """Return the demand window of each step, numbered in order, shape (n,).

    Steps as long as the window or longer stand alone. Windows are those of the local clock.
    """
    n = len(horizon)
    alone = np.arange(n, dtype=np.int64)
    if minutes is None or (horizon.step_hours * 60.0 >= minutes * (1 - 1e-9)).all():
        return alone
    utc = horizon.stamps.as_unit("ns").asi8
    local = horizon.stamps.tz_localize(None).as_unit("ns").asi8
    length = round(minutes * 60e9)
    number = local // length
    change = np.ones(n, dtype=bool)
    change[1:] = (
        (number[1:] != number[:-1])
        | ((local - utc)[1:] != (local - utc)[:-1])
        | (horizon.month[1:] != horizon.month[:-1])
        | (utc[1:] - utc[:-1] != np.rint(horizon.step_hours[:-1] * 3.6e12).astype(np.int64))
    )
    return np.cumsum(change) - 1


def periods_of(choice: TariffChoice, horizon: Horizon) -> NDArray[np.int64]:
    """Return the period of a choice of each billing month, numbered in order, shape (months,)."""
    months = len(horizon.month_labels)
    if choice.period == "month":
        return np.arange(months, dtype=np.int64)
    if choice.period == "year":
        return np.zeros(months, dtype=np.int64)
    quarter = [int(label[:4]) * 4 + (int(label[5:]) - 1) // 3 for label in horizon.month_labels]
    return np.unique(quarter, return_inverse=True)[1].astype(np.int64)


def is_cyclic(horizon: Horizon, *, history: bool) -> bool:
    """Return whether ratchets reach back from January to the same year's December."""
    return horizon.is_calendar_year and len(horizon.month_labels) == 12 and not history
