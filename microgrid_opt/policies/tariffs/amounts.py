"""Money by month that is linear in the model's variables."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from microgrid_opt.ledger import Linear

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]
    Terms = tuple[tuple[Any, Numbers], ...]


@dataclass(frozen=True, eq=False)
class Amount:
    """Σ coefficient · variable + constant for each billing month.

    Parameters
    ----------
    constant
        What does not depend on a variable, shape (months,).
    month
        Billing month of each step, shape (n,).
    steps
        Containers with one variable a step, and (n,) coefficients, each counted in its step's month.
    months
        Containers with one variable a month, and (months,) coefficients.
    once
        Lone variables, and (months,) coefficients.
    """

    constant: Numbers
    month: NDArray[np.int64] = field(repr=False)
    steps: Terms = ()
    months: Terms = ()
    once: Terms = ()

    def __add__(self, other: Amount) -> Amount:
        return Amount(
            self.constant + other.constant,
            self.month,
            self.steps + other.steps,
            self.months + other.months,
            self.once + other.once,
        )

    def scaled(self, factor: float | Numbers) -> Amount:
        """Return the amount times a factor, one for all months or shape (months,)."""
        factors = np.broadcast_to(np.asarray(factor, float), len(self.constant))
        return Amount(
            self.constant * factors,
            self.month,
            tuple((c, a * factors[self.month]) for c, a in self.steps),
            tuple((c, a * factors) for c, a in self.months),
            tuple((c, a * factors) for c, a in self.once),
        )

    def of_month(self, m: int) -> Linear:
        """Return the amount of one month."""
        inside = self.month == m
        terms = [(c, np.where(inside, a, 0.0)) for c, a in self.steps]
        for container, values in self.months:
            lone = np.zeros(len(values))
            lone[m] = values[m]
            terms.append((container, lone))
        terms += [(c, a[[m]]) for c, a in self.once]
        return Linear(terms, float(self.constant[m]))

    def total(self) -> Linear:
        """Return the amount of all months."""
        terms = [*self.steps, *self.months]
        terms += [(c, np.array([a.sum()])) for c, a in self.once]
        return Linear(terms, float(self.constant.sum()))
