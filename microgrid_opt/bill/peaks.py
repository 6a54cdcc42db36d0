"""Peaks of months from a metered series: demand windows, hours that count, ratchets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from microgrid_opt.policies.tariffs.calendar import (
    demand_groups,
    hours_at,
    is_cyclic,
    valid_steps,
    window_steps,
)
from microgrid_opt.policies.tariffs.components import ContractDemand, DemandCharge

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from microgrid_opt.bill.facts import Meter
    from microgrid_opt.horizon import Horizon
    from microgrid_opt.policies.tariffs.spec import Contract

    Numbers = NDArray[np.float64]


def of_months(component: DemandCharge | ContractDemand, meter: Meter) -> Numbers:
    """Return the highest mean over a demand window in each month [kW], shape (months,)."""
    horizon = meter.horizon
    counted = valid_steps(component, horizon)
    if isinstance(component, DemandCharge):
        if component.at:
            counted &= hours_at(component.at, horizon, "at")
        else:
            counted &= window_steps(component.when, horizon)
    peaks = np.zeros(len(horizon.month_labels))
    steps = np.flatnonzero(counted)
    if not steps.size:
        return peaks
    groups = demand_groups(component.window_minutes, horizon)[steps]
    hours = horizon.step_hours[steps]
    _, first, number = np.unique(groups, return_index=True, return_inverse=True)
    energy = np.bincount(number, weights=meter.withdrawn[steps] * hours)
    means = energy / np.bincount(number, weights=hours)
    np.maximum.at(peaks, horizon.month[steps][first], means)
    return peaks


def ratcheted(
    component: DemandCharge, peaks: Numbers, horizon: Horizon, contract: Contract
) -> Numbers:
    """Return the demand that is billed with the ratchet [kW], shape (months,)."""
    billed = peaks.copy()
    if not component.ratchet_fraction:
        return billed
    history = contract.earlier_peaks_kw
    numbers = [_number(label) for label in horizon.month_labels]
    if component.ratchet_months is not None:
        known = [
            *(
                p
                for n, p in zip(numbers, peaks, strict=True)
                if n % 12 + 1 in component.ratchet_months
            ),
            *(
                p
                for label, p in history.items()
                if _number(label) % 12 + 1 in component.ratchet_months
            ),
        ]
        return np.maximum(billed, component.ratchet_fraction * max(known, default=0.0))
    back = component.ratchet_lookback_months or 0
    peak_of = {_number(label): peak for label, peak in history.items()}
    peak_of.update(zip(numbers, peaks, strict=True))
    if is_cyclic(horizon, history=bool(history)):
        peak_of.update({n - 12: peak for n, peak in zip(numbers, peaks, strict=True)})
    for m, number in enumerate(numbers):
        before = [peak_of.get(number - k, 0.0) for k in range(1, back + 1)]
        billed[m] = max(billed[m], component.ratchet_fraction * max(before))
    return billed


def _number(label: str) -> int:
    """Return a month ``YYYY-MM`` as months since year 0, January being a multiple of 12."""
    return int(label[:4]) * 12 + int(label[5:]) - 1
