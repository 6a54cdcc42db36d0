"""Linear forms over model variables, and the ledger in which every yuan and every kilogram stands.

Nothing here imports Pyomo: a form only holds on to the variable containers that it was given, with
one coefficient array each, so it can become a Pyomo expression, a matrix row or a number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

COST = "cost"
CO2 = "co2"
KG_PER_T = 1000.0
FIXED = ("investment", "fixed_om")
"""Categories of sizes: they stand for the year's cost times the horizon's share of it."""
EARLIER = "earlier_investment"
"""Category of what the purchases of earlier stages of a pathway still cost."""


@dataclass(frozen=True)
class Effect:
    """What the ledger counts: its unit, and what a positive amount means."""

    name: str
    unit: str
    description: str


EFFECTS = {
    COST: Effect(COST, "currency", "money that the park pays; revenue is negative"),
    CO2: Effect(CO2, "kg", "CO2 inside the accounting boundary; credits are negative"),
}


class Linear:
    """Σ coefficient · variable + constant, over whole variable containers.

    Parameters
    ----------
    terms
        Pairs of a variable container and its coefficients, shape (len(container),).
    constant
        What remains when all variables are zero.
    """

    __slots__ = ("constant", "terms")

    def __init__(
        self, terms: Iterable[tuple[Any, NDArray[np.float64]]] = (), constant: float = 0.0
    ) -> None:
        self.terms: tuple[tuple[Any, NDArray[np.float64]], ...] = tuple(terms)
        self.constant = float(constant)

    def __add__(self, other: Linear | float) -> Linear:
        if not isinstance(other, Linear):
            return Linear(self.terms, self.constant + other)
        return Linear(self.terms + other.terms, self.constant + other.constant)

    __radd__ = __add__

    def __mul__(self, factor: float) -> Linear:
        return Linear(((c, a * factor) for c, a in self.terms), self.constant * factor)

    __rmul__ = __mul__

    def __neg__(self) -> Linear:
        return self * -1.0

    def __sub__(self, other: Linear | float) -> Linear:
        return self + (-other)

    def merged(self) -> Linear:
        """Return the same form with one term per container."""
        merged: dict[int, tuple[Any, NDArray[np.float64]]] = {}
        for container, coefficients in self.terms:
            known = merged.get(id(container))
            merged[id(container)] = (
                container,
                coefficients if known is None else known[1] + coefficients,
            )
        return Linear(merged.values(), self.constant)

    def value(self, values_of: Callable[[Any], NDArray[np.float64]]) -> float:
        """Return the form's value where ``values_of(container)`` gives the variables' values."""
        return self.constant + float(
            sum(float(np.dot(coefficients, values_of(c))) for c, coefficients in self.terms)
        )

    def gross(self, values_of: Callable[[Any], NDArray[np.float64]]) -> float:
        """Return the sum of the terms' absolute values: the scale of the form's rounding errors."""
        return abs(self.constant) + float(
            sum(np.abs(coefficients) @ np.abs(values_of(c)) for c, coefficients in self.terms)
        )


@dataclass(frozen=True)
class Entry:
    """One line of the ledger: who causes how much of which effect, and why.

    ``worth`` is the factor from the amount at the prices of the year to the amount here.
    """

    member: str
    asset: str
    category: str
    effect: str
    amount: Linear
    worth: float = 1.0
