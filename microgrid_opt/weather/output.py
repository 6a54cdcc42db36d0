"""What every yield model returns: output per kW, step by step, and a small summary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, get_args

import numpy as np

from microgrid_opt.errors import Finding, InputError

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

_YEAR_HOURS: Final = 8760.0
NOTHING: Final = 1e-7
"""Output below this [kW/kW] is none: dawn leaves 1e-12 that would only strain the solver."""


@dataclass(frozen=True)
class Yield:
    """Summary of an output series, per kW installed.

    Parameters
    ----------
    energy_kwh_per_kw
        Energy over the given steps.
    kwh_per_kw_year
        The same at its mean power over 8760 hours.
    capacity_factor
        Mean output over rated output, both on the kW that the series counts.
    clipped_fraction
        Share of the energy that the inverter's limit cuts off; 0 for wind.
    """

    energy_kwh_per_kw: float
    kwh_per_kw_year: float
    capacity_factor: float
    clipped_fraction: float = 0.0


class Output(NamedTuple):
    """Output per kW installed, shape (steps,), kW/kW as mean over each step; and its summary."""

    per_unit: FloatArray
    summary: Yield


def output_of(per_unit: FloatArray, step_hours: float, clipped_fraction: float = 0.0) -> Output:
    """Put a series and its summary together; what is below `NOTHING` is written as zero."""
    per_unit = np.where(per_unit < NOTHING, 0.0, per_unit)
    mean = float(per_unit.mean())
    return Output(
        per_unit,
        Yield(
            energy_kwh_per_kw=mean * len(per_unit) * step_hours,
            kwh_per_kw_year=mean * _YEAR_HOURS,
            capacity_factor=mean,
            clipped_fraction=clipped_fraction,
        ),
    )


def check_options(**options: tuple[float, float, float] | tuple[str, object]) -> None:
    """Check options given as ``name=(value, lowest, highest)`` or ``name=(value, a Literal)``.

    Raises
    ------
    InputError
        Names all options that fail, with what is allowed.
    """
    findings = []
    for name, option in options.items():
        if len(option) == 3:
            value, low, high = option
            if not low <= value <= high:
                text = f"must lie between {low:g} and {high:g}"
                findings.append(Finding(text, key=name, value=value))
        elif option[0] not in get_args(option[1]):
            text = f"allowed: {', '.join(get_args(option[1]))}"
            findings.append(Finding(text, key=name, value=option[0]))
    if findings:
        raise InputError(findings)
