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
from typing import TYPE_CHECKING, ClassVar, Literal, Self

from pydantic import model_validator

from microgrid_opt.assets.base import Asset
from microgrid_opt.fields import refuse
from microgrid_opt.formulations.commitment import Commitment
from microgrid_opt.results import DUST

if TYPE_CHECKING:
    from collections.abc import Mapping

    from microgrid_opt.audit import AssetAudit
    from microgrid_opt.builder import Builder
    from microgrid_opt.fields import Size
    from microgrid_opt.results import AssetResults, Quantity


class Converter(Asset):
    """Equations and audit of a converter; a technology names its carriers, size and ratios."""

    source: ClassVar[str]
    source_unit: ClassVar[str]
    product: ClassVar[str]

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
    def outputs(self) -> Mapping[str, float]:
        """Amount of each output carrier per unit of input; the main product included."""

    @property
    @abstractmethod
    def variable_costs(self) -> tuple[float, float]:
        """Cost of each unit of input and of main output."""

    @property
    def _per_size(self) -> float:
        return 1.0 if self.size_on == "input" else 1.0 / self.outputs[self.product]

    def build(self, b: Builder) -> None:
        """Write size, input, outputs and variable cost."""
        size = b.size("power", self.size_spec)
        taken = b.series("input", unit=self.source_unit, upper=size, profile=self._per_size)
        b.draw(self.source, taken, role="conversion")
        for carrier, amount in self.outputs.items():
            if amount:
                b.supply(carrier, taken, factor=amount, role="conversion")
        if self.commitment is not None:
            self.commitment.build(b, taken, size, self._per_size)
        in_cost, out_cost = self.variable_costs
        cost = in_cost + out_cost * self.outputs[self.product]
        if cost:
            b.book("variable_om", b.total(taken, cost))

    def audit(self, a: AssetAudit) -> None:
        """Re-derive size, conversion and cost from the input series alone."""
        taken, ratio = a.series("input"), self.outputs[self.product]
        measured = taken if self.size_on == "input" else taken * ratio
        a.at_most("input not negative", 0.0, taken, unit=self.source_unit)
        a.at_most("within size", measured, a.size("power"), unit=self.source_unit)
        a.equal("input drawn", a.drawn(self.source), taken, unit=self.source_unit)
        for carrier, amount in self.outputs.items():
            made = a.supplied(carrier)
            a.equal(f"{carrier} supplied", made, taken * amount, unit=self.source_unit)
        if self.commitment is not None:
            self.commitment.audit(a, taken, a.size("power"), self._per_size, self.source_unit)
        in_cost, out_cost = self.variable_costs
        hours = a.horizon.hours
        spent = float(taken @ hours) * in_cost + float((taken * ratio) @ hours) * out_cost
        a.booked("variable_om", spent)

    def summary(self, r: AssetResults) -> Mapping[str, Quantity]:
        """Return full-load hours on the side where the size is counted."""
        size = r.size("power") * self._per_size
        hours = r.energy("input") / size if size > DUST else 0.0
        return {"full_load_hours": r.quantity(hours, "h")}
