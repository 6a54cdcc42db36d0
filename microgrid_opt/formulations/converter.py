r"""One input, one main output, one size: boilers, electrolysers, fuel cells.

$$ o_t = \eta\, i_t, \qquad o_t \le S \ \text{(size on output)} \quad\text{or}\quad
   i_t \le S \ \text{(size on input)}, \qquad C = \sum_t h_t\,(c_i\,i_t + c_o\,o_t) $$

| symbol | name | unit |
|---|---|---|
| $i_t$ | ``input`` | unit of the input carrier per hour |
| $o_t$ | main output | unit of the output carrier per hour |
| $\eta$ | output per input | unit/unit |
| $S$ | size, counted on the input or on the output | kW or kg/h |
| $c_i, c_o$ | variable cost per unit of input and of output | currency/unit |
| $h_t$ | step length × weight | h |

With ``commitment`` the unit is on or off (`microgrid_opt.formulations.commitment`).
Only the input is a variable; the outputs are its multiples, so a converter costs one column a step.
Source: definition of efficiency, IEC 60050-351:2013, 351-48-10.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Literal, Protocol, Self

import numpy as np
from pydantic import model_validator

from microgrid_opt.assets.base import Asset
from microgrid_opt.fields import refuse
from microgrid_opt.formulations.commitment import Commitment
from microgrid_opt.results import DUST

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from microgrid_opt.audit import AssetAudit
    from microgrid_opt.builder import Builder
    from microgrid_opt.fields import Size
    from microgrid_opt.results import AssetResults, Quantity


if TYPE_CHECKING:
    Ratio = float | NDArray[np.float64]
    """Amount per amount: one number, or one for each step, shape (n,)."""


class InputSeries(Protocol):
    """What gives an asset its resolved series: the pen, the audit and the results all do."""

    def data(self, name: str) -> NDArray[np.float64]:
        """Return a resolved series, shape (n,)."""

    def has_data(self, name: str) -> bool:
        """Return whether an optional series was given."""


class Converter(Asset):
    """Equations and audit of a converter; a technology names its carriers, size and ratios."""

    size_on: Literal["input", "output"] = "output"
    """Side on which the size is counted."""
    commitment: Commitment | None = None
    """On/off operation with least load, up and down times, start cost and ramps."""

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.commitment is not None and self.size_spec.upper is None:
            size = self.size_spec
            raise refuse("commitment", f"`commitment` needs a bound: give {size.key('maximum')}.")
        return self

    @property
    @abstractmethod
    def size_spec(self) -> Size:
        """The size."""

    @property
    @abstractmethod
    def source(self) -> str:
        """Carrier that is taken."""

    @property
    @abstractmethod
    def product(self) -> str:
        """Carrier of the main output."""

    @abstractmethod
    def outputs(self, given: InputSeries) -> Mapping[str, Ratio]:
        """Return the amount of each output carrier per unit of input; the main product included.

        Parameters
        ----------
        given
            Gives the asset's resolved series, for ratios that vary; then shape (n,).
        """

    def availability(self, given: InputSeries) -> Ratio:
        """Return the share of the size that each step allows [-], a number or shape (n,)."""
        del given
        return 1.0

    @property
    @abstractmethod
    def variable_costs(self) -> tuple[float, float]:
        """Cost of each unit of input and of main output."""

    def _per_size(self, given: InputSeries) -> Ratio:
        """Return the input of each step at full load, per unit of size."""
        share = self.availability(given)
        return share if self.size_on == "input" else share / self.outputs(given)[self.product]

    def build(self, b: Builder) -> None:
        """Write size, input, outputs and variable cost."""
        size = b.size("power", self.size_spec)
        outputs, per_size = self.outputs(b), self._per_size(b)
        taken = b.series("input", unit=b.flow_unit(self.source), upper=size, profile=per_size)
        b.draw(self.source, taken, role="conversion")
        for carrier, amount in outputs.items():
            if np.any(amount):
                b.supply(carrier, taken, factor=amount, role="conversion")
        if self.commitment is not None:
            self.commitment.build(b, taken, size, per_size)
        in_cost, out_cost = self.variable_costs
        cost = in_cost + out_cost * outputs[self.product]
        if np.any(cost):
            b.book("variable_om", b.total(taken, cost))

    def audit(self, a: AssetAudit) -> None:
        """Re-derive size, conversion and cost from the input series alone."""
        taken, outputs = a.series("input"), self.outputs(a)
        ratio, unit = outputs[self.product], a.flow_unit(self.source)
        measured = taken if self.size_on == "input" else taken * ratio
        limit = a.size("power") * self.availability(a)
        a.at_most("input not negative", 0.0, taken, unit=unit)
        a.at_most("within size", measured, limit, unit=unit)
        a.equal("input drawn", a.drawn(self.source), taken, unit=unit)
        for carrier, amount in outputs.items():
            a.equal(f"{carrier} supplied", a.supplied(carrier), taken * amount, unit=unit)
        if self.commitment is not None:
            self.commitment.audit(a, taken, a.size("power"), self._per_size(a), unit)
        in_cost, out_cost = self.variable_costs
        hours = a.horizon.hours
        spent = float(taken @ hours) * in_cost + float((taken * ratio) @ hours) * out_cost
        a.booked("variable_om", spent)

    def summary(self, r: AssetResults) -> Mapping[str, Quantity]:
        """Return full-load hours on the side where the size is counted."""
        size = r.size("power")
        measured = r.series("input")
        if self.size_on == "output":
            measured = measured * self.outputs(r)[self.product]
        hours = float(measured @ r.horizon.hours) / size if size > DUST else 0.0
        return {"full_load_hours": r.quantity(hours, "h")}
