"""What the functions of money accept: refused with the name, the value and what is allowed."""

from __future__ import annotations

import math


def check_rate(name: str, value: float) -> None:
    """Refuse a rate per year that is not finite and above -1."""
    if not -1.0 < value < math.inf:
        raise ValueError(f"{name} = {value!r}: must be a finite number above -1 (0.06 is 6 %).")


def check_years(name: str, value: float, *, finite: bool = False) -> None:
    """Refuse a duration that is not above 0."""
    if not value > 0 or (finite and math.isinf(value)):
        raise ValueError(f"{name} = {value!r}: must be > 0{' and finite' if finite else ''}.")


def check_finite(name: str, value: float, *, minimum: float = -math.inf) -> None:
    """Refuse a number that is not finite or is below `minimum`."""
    if not math.isfinite(value) or value < minimum:
        least = "" if minimum == -math.inf else f" and >= {minimum:g}"
        raise ValueError(f"{name} = {value!r}: must be finite{least}.")


def check_whole(name: str, value: float) -> None:
    """Refuse a number of years that is not whole and at least 1."""
    if not (value >= 1 and math.isfinite(value) and value % 1 == 0):
        raise ValueError(f"{name} = {value!r}: must be a whole number >= 1.")


def discount(rate: float, years: float) -> float:
    """Return the present value of one unit of money paid after `years`."""
    return math.exp(-years * math.log1p(rate))
