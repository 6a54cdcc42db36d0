r"""What a stage counts: its calendar years and their present value.

$$ w_s = \sum_{y = y_s}^{y_{s+1} - 1} (1 + r)^{-(y - y_1 + 1)} $$

Payments fall due at the end of each year; the reference date is the start of the first one.
"""

from __future__ import annotations

import math


def years_of(stages: tuple[int, ...], end_year: int | None) -> dict[int, tuple[int, ...]]:
    """Return the calendar years that each stage stands for.

    Parameters
    ----------
    stages
        First years of the stages, ascending.
    end_year
        Last year of the last stage; ``None``: it lasts as long as the one before it, else one year.
    """
    last = stages[-1]
    if end_year is None:
        end_year = last + (last - stages[-2] if len(stages) > 1 else 1) - 1
    ends = (*stages[1:], end_year + 1)
    return {first: tuple(range(first, end)) for first, end in zip(stages, ends, strict=True)}


def present_weight(years: tuple[int, ...], first: int, rate: float) -> float:
    """Return the present value of one unit of money a year in these years, at the start of `first`."""
    return math.fsum((1.0 + rate) ** -(year - first + 1) for year in years)
