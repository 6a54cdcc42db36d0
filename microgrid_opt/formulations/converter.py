r"""One input, one main output, one size: boilers, electrolysers, fuel cells, compressors.

$$ o_t = \eta\, i_t, \qquad o_t \le S \ \text{(size on output)} \quad\text{or}\quad
   i_t \le S \ \text{(size on input)}, \qquad C = \sum_t h_t\,(c_i\,i_t + c_o\,o_t) $$
$$ q_{j,t} = \alpha_j\,i_t + \beta_j\,o_t, \qquad r_{j,t} = \gamma_j\,o_t $$

| symbol | name | unit |
|---|---|---|
| $i_t$ | ``input`` | unit of the input carrier per hour |
| $o_t$ | main output; ``output`` with part load | unit of the output carrier per hour |
| $\eta$ | output per input, at full load | unit/unit |
| $S$ | size, counted on the input or on the output | kW or kg/h |
| $q_{j,t}, r_{j,t}$ | what is made and taken beside them (heat, water) | unit per hour |
| $\alpha_j, \beta_j, \gamma_j$ | their amounts per unit of input and of main output | unit/unit |
| $c_i, c_o$ | variable cost per unit of input and of output | currency/unit |
| $h_t$ | step length × weight | h |

With ``commitment`` the unit is on or off (`microgrid_opt.formulations.commitment`); with ``part_load``
the efficiency follows the load (`microgrid_opt.formulations.partload`), which takes a second variable.
Without it only the input is a variable and all else its multiples: one column a step.
Source: definition of efficiency, IEC 60050-351:2013, 351-48-10.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self

import numpy as np
from pydantic import model_validator

from microgrid_opt.assets.base import Asset
from microgrid_opt.fields import refuse
from microgrid_opt.formulations.commitment import Commitment, States
from microgrid_opt.formulations.partload import (
    Always,
    Curve,
    Flows,
    LoadPoint,
    audit_curve,
    curve_problems,
    write_curve,
)
from microgrid_opt.results import DUST

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

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
    """On/off operation with least load, up and down times, starts, standby and ramps."""
    part_load: tuple[LoadPoint, ...] | None = None
    """Efficiency at part load, by load, up to full load; left out: the same at every load."""
    part_load_exact: bool = False
    """Whether operation below the part-load curve is excluded, at the price of binaries."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for path, problem in self.problems():
            raise refuse("converter", problem, path=path)
        return self

    def problems(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield (keys below the asset, message) of what does not go together."""
        size, bound = self.size_spec, self.size_spec.key("maximum")
        if self.commitment is not None and size.upper is None:
            yield (), f"`commitment` needs a bound: give {bound}."
        points = self.load_points
        if points is None:
            if self.part_load_exact:
                yield ("part_load_exact",), "needs a part-load curve: give one, or remove it."
            return
        key, of_curve = self.load_points_key, self._curve_problem(points)
        if of_curve is not None:
            yield (key,), of_curve
        elif self.curve is not None and self.curve.needs_binaries and size.upper is None:
            yield (), f"`{key}` needs a bound, as this curve takes binaries: give {bound}."

    def _curve_problem(self, points: tuple[tuple[float, float], ...]) -> str | None:
        if type(self).build is not Converter.build and not self.has_own_part_load:
            return "is not offered by this type: leave it out."
        least = None if self.commitment is None else self.commitment.min_load_fraction
        return next(curve_problems(points, self.size_on, least), None)

    @property
    def has_own_part_load(self) -> bool:
        """Whether a technology with a `build` of its own minds `curve` there and in its audit."""
        return False

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

        With part load that of the main product is at full load; the others stay as they are.

        Parameters
        ----------
        given
            Gives the asset's resolved series, for ratios that vary; then shape (n,).
        """

    def made_per_product(self, given: InputSeries) -> Mapping[str, Ratio]:
        """Return the amount of further carriers that comes with each unit of main output."""
        del given
        return {}

    def taken_per_product(self, given: InputSeries) -> Mapping[str, Ratio]:
        """Return the amount of further carriers that each unit of main output takes."""
        del given
        return {}

    def availability(self, given: InputSeries) -> Ratio:
        """Return the share of the size that each step allows [-], a number or shape (n,)."""
        del given
        return 1.0

    @property
    @abstractmethod
    def variable_costs(self) -> tuple[float, float]:
        """Cost of each unit of input and of main output."""

    @property
    def operation(self) -> Commitment | None:
        """The on/off rules, with what the technology adds to their cost."""
        return self.commitment

    @property
    def load_points(self) -> tuple[tuple[float, float], ...] | None:
        """Points of the part-load curve: load, and efficiency relative to full load."""
        if self.part_load is None:
            return None
        return tuple((point.load_fraction, point.efficiency_factor) for point in self.part_load)

    @property
    def load_points_key(self) -> str:
        """Key from which the points come."""
        return "part_load"

    @property
    def curve(self) -> Curve | None:
        """The part-load curve; a unit that cannot be off goes down to nothing along it."""
        if self.load_points is None:
            return None
        return Curve.through(
            self.load_points,
            self.size_on,
            from_zero=self.commitment is None,
            is_exact=self.part_load_exact,
        )

    @property
    def size_name(self) -> str:
        """Name of the size: the field's without its unit."""
        spec = self.size_spec
        return next((name for name, size in self.sizes().items() if size is spec), "power")

    def _per_size(self, given: InputSeries) -> Ratio:
        """Return the input of each step at full load, per unit of size."""
        share = self.availability(given)
        return share if self.size_on == "input" else share / self.outputs(given)[self.product]

    # ------------------------------------------------------------------ model

    def build(self, b: Builder) -> None:
        """Write size, input, outputs and variable cost."""
        size = b.size(self.size_name, self.size_spec)
        outputs = self.outputs(b)
        if self.curve is None:
            per_size = self._per_size(b)
            taken = b.series("input", unit=b.flow_unit(self.source), upper=size, profile=per_size)
            made, per_made = taken, outputs[self.product]
            self._commit(b, taken, size, per_size)
        else:
            taken, made = self._write_part_load(b, self.curve, size, outputs[self.product])
            per_made = 1.0
        b.draw(self.source, taken, role="conversion")
        if np.any(per_made):
            b.supply(self.product, made, factor=per_made, role="conversion")
        for carrier, amount in outputs.items():
            if carrier != self.product and np.any(amount):
                b.supply(carrier, taken, factor=amount, role="conversion")
        for carrier, amount in self.made_per_product(b).items():
            b.supply(carrier, made, factor=amount * per_made, role="conversion")
        for carrier, amount in self.taken_per_product(b).items():
            b.draw(carrier, made, factor=amount * per_made, role="conversion")
        in_cost, out_cost = self.variable_costs
        for flow, cost in (
            [(taken, in_cost + out_cost * per_made)]
            if made is taken
            else [(taken, in_cost), (made, out_cost)]
        ):
            if np.any(cost):
                b.book("variable_om", b.total(flow, cost))

    def _commit(
        self, b: Builder, flow: Any, size: Any, per_size: Ratio, *, capacity: bool = False
    ) -> States | None:
        if self.operation is None:
            return None
        unit = type(self.size_spec).unit
        return self.operation.build(b, flow, size, per_size, capacity=capacity, size_unit=unit)

    def _write_part_load(
        self, b: Builder, curve: Curve, size: Any, ratio: Ratio
    ) -> tuple[Any, Any]:
        """Return input and output, both variables, tied by the curve."""
        share, by_input = self.availability(b), self.size_on == "input"
        limited: dict[str, Any] = {"upper": size, "profile": share}
        taken = b.series("input", unit=b.flow_unit(self.source), **(limited if by_input else {}))
        made = b.series("output", unit=b.flow_unit(self.product), **({} if by_input else limited))
        load, other = (taken, made) if by_input else (made, taken)
        states = self._commit(b, load, size, share, capacity=True)
        on: Any = Always(1.0) if states is None else states.on
        capacity: Any = Always(size) if states is None else states.capacity
        per_load = ratio if by_input else 1.0 / ratio
        unit = type(self.size_spec).unit
        write_curve(b, curve, Flows(load, other, per_load, size, unit, on, capacity))
        if self.commitment is not None:
            start = curve.loads[0]
            if np.any(share * self.commitment.min_load_fraction < start):
                b.require("part_load_start", lambda t: load[t] >= start * capacity[t])
        return taken, made

    # ------------------------------------------------------------------ audit

    def audit(self, a: AssetAudit) -> None:
        """Re-derive size, conversion and cost from the input series, and with part load the output."""
        taken, outputs, size = a.series("input"), self.outputs(a), a.size(self.size_name)
        ratio, unit = outputs[self.product], a.flow_unit(self.source)
        made = taken * ratio if self.curve is None else a.series("output")
        load = taken if self.size_on == "input" else made
        a.at_most("input not negative", 0.0, taken, unit=unit)
        a.at_most("output not negative", 0.0, made, unit=a.flow_unit(self.product))
        a.at_most("within size", load, size * self.availability(a), unit=unit)
        if self.curve is not None:
            self._audit_part_load(a, self.curve, load, taken, made, ratio, size)
        drawn = {self.source: taken}
        supplied = {self.product: made}
        for carrier, amount in outputs.items():
            if carrier != self.product:
                supplied[carrier] = supplied.get(carrier, 0.0) + taken * amount
        for carrier, amount in self.made_per_product(a).items():
            supplied[carrier] = supplied.get(carrier, 0.0) + made * amount
        for carrier, amount in self.taken_per_product(a).items():
            drawn[carrier] = drawn.get(carrier, 0.0) + made * amount
        if self.operation is not None:
            if self.curve is None:
                self.operation.audit(a, taken, size, self._per_size(a), unit)
            else:
                self.operation.audit(a, load, size, self.availability(a), unit)
            for carrier, amount in self.operation.standby_drawn(a, size).items():
                drawn[carrier] = drawn.get(carrier, 0.0) + amount
        for carrier, amount in drawn.items():
            name = "input" if carrier == self.source else carrier
            a.equal(f"{name} drawn", a.drawn(carrier), amount, unit=a.flow_unit(carrier))
        for carrier, amount in supplied.items():
            a.equal(f"{carrier} supplied", a.supplied(carrier), amount, unit=a.flow_unit(carrier))
        in_cost, out_cost = self.variable_costs
        hours = a.horizon.hours
        a.booked("variable_om", float(taken @ hours) * in_cost + float(made @ hours) * out_cost)

    def _audit_part_load(
        self,
        a: AssetAudit,
        curve: Curve,
        load: NDArray[np.float64],
        taken: NDArray[np.float64],
        made: NDArray[np.float64],
        ratio: Ratio,
        size: float,
    ) -> None:
        by_input = self.size_on == "input"
        other, per_load = (made, ratio) if by_input else (taken, 1.0 / ratio)
        unit = a.flow_unit(self.product if by_input else self.source)
        audit_curve(a, curve, load, other, per_load, size, unit=unit)
        if a.has_series("on"):
            least = curve.loads[0] * size * a.series("on")
            a.at_most("within the part-load curve", least, load, unit=unit)

    def summary(self, r: AssetResults) -> Mapping[str, Quantity]:
        """Return full-load hours on the side where the size is counted; hours on, and starts."""
        size = r.size(self.size_name)
        load = r.series("input") if self.size_on == "input" else self.made(r)
        hours = float(load @ r.horizon.hours) / size if size > DUST else 0.0
        figures = {"full_load_hours": r.quantity(hours, "h")}
        return figures | ({} if self.commitment is None else dict(self.commitment.summary(r)))

    def made(self, r: AssetResults) -> NDArray[np.float64]:
        """Return the main output, shape (n,)."""
        if self.curve is not None:
            return r.series("output")
        return np.asarray(r.series("input") * self.outputs(r)[self.product])
