"""A model by what its rules say in each step: families of rows over series and single variables.

A bridge reads a model here without knowing any technology: a family has one coefficient array for
every series and shift in time, and one for every single variable.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from microgrid_opt.draft import Given

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from microgrid_opt.draft import Draft
    from microgrid_opt.solve.matrix import Block, Matrix

    Floats = NDArray[np.float64]


@dataclass
class Family:
    """Rows of one rule: Σ coefficient · variable within [lower, upper].

    Parameters
    ----------
    name
        Dotted name of the rule.
    steps
        Step of each row; ``None`` for one row over the whole horizon.
    series
        Coefficients by the name of a series and its shift back in time [steps]: shape (rows,); for one
        row over the horizon the shift is 0 and the shape (n,).
    scalars
        Coefficients by the name of a single variable, shape (rows,).
    lower, upper
        Limits, shape (rows,).
    """

    name: str
    steps: NDArray[np.int64] | None
    series: dict[tuple[str, int], Floats] = field(default_factory=dict)
    scalars: dict[str, Floats] = field(default_factory=dict)
    lower: Floats = field(default_factory=lambda: np.zeros(0))
    upper: Floats = field(default_factory=lambda: np.zeros(0))

    @property
    def is_equality(self) -> bool:
        """Whether every row is an equation."""
        return bool(np.array_equal(self.lower, self.upper))

    def covers(self, n: int) -> bool:
        """Whether there is a row for each of n steps, in their order."""
        return self.steps is not None and np.array_equal(self.steps, np.arange(n))

    def spread(self, values: Floats, n: int, otherwise: float = 0.0) -> Floats:
        """Return values of rows as values of n steps."""
        found = np.full(n, otherwise)
        found[self.steps] = values
        return found


@dataclass(frozen=True)
class Variable:
    """A series (arrays of shape (n,)) or a single variable (shape (1,)): cost, bounds, integrality."""

    name: str
    cost: Floats
    lower: Floats
    upper: Floats
    integer: bool


class Families:
    """The rules and variables of a model.

    Parameters
    ----------
    draft, matrix
        The model and its arrays.
    """

    def __init__(self, draft: Draft, matrix: Matrix) -> None:
        self._matrix = matrix
        self.n = len(draft.horizon)
        stepwise = {
            column.key
            for column in draft.columns
            if column.every == "step" and not isinstance(column.source, Given)
        }
        self.series: dict[str, Variable] = {}
        self.scalars: dict[str, Variable] = {}
        self._is_series: list[bool] = []
        for block in matrix.columns:
            found = block.name in stepwise
            self._is_series.append(found)
            if found:
                self.series[block.name] = self._variable(block.name, block.slice)
                continue
            for place in range(block.count):
                number = block.start + place
                name = block.label(place)
                self.scalars[name] = self._variable(name, slice(number, number + 1))

    def _variable(self, name: str, where: slice) -> Variable:
        m = self._matrix
        whole = bool(m.integrality[where].any())
        return Variable(name, m.cost[where], m.col_lower[where], m.col_upper[where], whole)

    @cached_property
    def rules(self) -> list[Family]:
        """All rules; those without any term say nothing."""
        return [family for block in self._matrix.rows for family in self._family(block)]

    def _family(self, block: Block) -> Iterator[Family]:
        m = self._matrix
        begin, end = int(m.start[block.start]), int(m.start[block.start + block.count])
        if begin == end:
            return
        columns = m.index[begin:end].astype(np.int64)
        values = m.value[begin:end]
        rows = (m.entry_row[begin:end] - block.start).astype(np.int64)
        steps = None if block.keys is None else np.array(list(block.keys), np.int64)
        family = Family(
            block.name, steps, lower=m.row_lower[block.slice], upper=m.row_upper[block.slice]
        )
        starts = np.array([column.start for column in m.columns])
        owners = np.searchsorted(starts, columns, side="right") - 1
        for owner in np.unique(owners):
            chosen = owners == owner
            self._term(family, int(owner), columns[chosen], rows[chosen], values[chosen])
        yield family

    def _term(
        self,
        family: Family,
        owner: int,
        columns: NDArray[np.int64],
        rows: NDArray[np.int64],
        values: Floats,
    ) -> None:
        block, count = self._matrix.columns[owner], len(family.lower)
        places = columns - block.start
        if not self._is_series[owner]:
            for place in np.unique(places):
                at = places == place
                array = family.scalars.setdefault(block.label(int(place)), np.zeros(count))
                array[rows[at]] = values[at]
        elif family.steps is None:
            array = family.series.setdefault((block.name, 0), np.zeros(self.n))
            array[places] = values
        else:
            back = (family.steps[rows] - places) % self.n
            for shift in np.unique(back):
                at = back == shift
                array = family.series.setdefault((block.name, int(shift)), np.zeros(count))
                array[rows[at]] = values[at]
