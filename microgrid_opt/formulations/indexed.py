"""What rules can index with a step as they do a variable: the same everywhere, a multiple, a sum.

Not evaluated here; a rule that indexes one with a template's step gets the expression of any step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


class Always:
    """The same in every step: a number or a variable."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __getitem__(self, _: Any) -> Any:
        return self.value


class Times:
    """A number times a series."""

    __slots__ = ("factor", "series")

    def __init__(self, factor: float, series: Any) -> None:
        self.factor = factor
        self.series = series

    def __getitem__(self, t: Any) -> Any:
        return self.factor * self.series[t]


class WeightedSum:
    """Σ factor × series; the factors are parameters."""

    __slots__ = ("terms",)

    def __init__(self, terms: Sequence[tuple[Any, Any]]) -> None:
        self.terms = terms

    def __getitem__(self, t: Any) -> Any:
        return sum(factor[t] * series[t] for factor, series in self.terms)
