r"""A process with fixed proportions: several inputs and outputs, one activity, one size.

$$ x_{i,t} = \alpha_i\,a_t, \qquad y_{j,t} = \beta_j\,a_t, \qquad \beta_s\,a_t \le \phi_t\,S
   \ \text{(or}\ \alpha_s\,a_t \le \phi_t\,S\text{)} $$
$$ \sum_{i \in K} w_i\,x_{i,t} = A_K\,a_t, \qquad
   \underline{s}_i\,A_K\,a_t \le w_i\,x_{i,t} \le \bar{s}_i\,A_K\,a_t \quad (i \in K) $$
$$ C = \sum_t h_t\,c\,a_t, \qquad E = \sum_t h_t\,\epsilon\,a_t $$

| symbol | name | unit |
|---|---|---|
| $a_t$ | activity | unit/h |
| $\alpha_i, \beta_j$ | amount of each input and output per unit of activity | kWh or kg per unit |
| $S$ | size, counted on one of the inputs or outputs $s$ | kW or kg/h |
| $\phi_t$ | ``available_fraction`` | – |
| $K$ | carriers of a choice, which may replace one another | – |
| $A_K$ | ``amount``: what they give together, per unit of activity | measure of ``worth_per_unit`` |
| $w_i$ | ``worth_per_unit`` | measure per kWh or kg |
| $\underline{s}_i, \bar{s}_i$ | ``min_share``, ``max_share`` | – |
| $c, \epsilon$ | variable cost, and CO2 that leaves to the air | currency/unit, kg/unit |
| $h_t$ | step length × weight | h |

With ``commitment`` the process is on or off (`microgrid_opt.formulations.commitment`).

References: Kondili, Pantelides & Sargent (1993), A general algorithm for short-term scheduling of
batch operations I, doi:10.1016/0098-1354(93)80015-F (tasks with fixed proportions between states);
Koopmans (1951), Activity Analysis of Production and Allocation, chapter III.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from pydantic import Field, model_validator

from microgrid_opt.assets.base import Asset
from microgrid_opt.fields import SAME, CarrierName, Factor, Fraction, Frozen, refuse
from microgrid_opt.formulations.commitment import Commitment
from microgrid_opt.ledger import CO2
from microgrid_opt.results import DUST
from microgrid_opt.series import SeriesFraction

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from microgrid_opt.audit import AssetAudit
    from microgrid_opt.builder import Builder
    from microgrid_opt.fields import Size
    from microgrid_opt.formulations.converter import InputSeries, Ratio
    from microgrid_opt.results import AssetResults, Quantity


class Choice(Frozen):
    """Carriers that may replace one another, such as the fuels of a furnace."""

    amount: Factor
    """What all of them give together for each unit of activity, in the measure of `worth_per_unit`."""
    worth_per_unit: dict[CarrierName, Factor]
    """What each kWh (or kg) of a carrier gives: its heating value times the burner's efficiency."""
    min_share: dict[CarrierName, Fraction] = Field(default_factory=dict)
    """Least share of a carrier in the amount, in every step."""
    max_share: dict[CarrierName, Fraction] = Field(default_factory=dict)
    """Largest share of a carrier in the amount, in every step."""
    byproducts: dict[CarrierName, dict[CarrierName, Factor]] = Field(default_factory=dict)
    """What each kWh (or kg) of a carrier leaves behind, such as CO2 in a flue that is captured."""

    @model_validator(mode="after")
    def _can_be_met(self) -> Self:
        for key, problem in self._problems():
            raise refuse("choice", problem, path=(key,))
        return self

    def _problems(self) -> Iterator[tuple[str, str]]:
        known = ", ".join(self.worth_per_unit)
        if len(self.worth_per_unit) < 2:
            yield "worth_per_unit", "leaves no choice: name two carriers, or write an input."
        for key in ("min_share", "max_share", "byproducts"):
            for carrier in getattr(self, key):
                if carrier not in self.worth_per_unit:
                    yield key, f"names {carrier}, which is no carrier of the choice: {known}."
        for carrier, least in self.min_share.items():
            if least > self.max_share.get(carrier, 1.0):
                yield "min_share", f"of {carrier} is more than its `max_share`: correct one."
        if sum(self.min_share.values()) > 1.0 + SAME:
            yield "min_share", "adds up to more than 1: lower a share."
        if sum(self.max_share.get(name, 1.0) for name in self.worth_per_unit) < 1.0 - SAME:
            yield "max_share", "adds up to less than 1: together they cannot give the amount."


class Process(Asset):
    """Equations and audit of a process; a technology names its proportions, size and cost."""

    activity_name: ClassVar[str] = "activity"
    activity_unit: ClassVar[str] = "unit/h"

    commitment: Commitment | None = None
    """On/off operation with least load, up and down times, start cost and ramps."""
    available_fraction: SeriesFraction | None = None
    """Share of the size that each step allows, for outages or a connection by hours; all of it when
    left out."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for key, problem in self.problems():
            raise refuse("process", problem, path=(key,))
        return self

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yield (key, message) of what does not go together."""
        if self.commitment is not None and self.size_spec.upper is None:
            yield "commitment", f"needs a bound: give {self.size_spec.key('maximum')}."

    @property
    def size_spec(self) -> Size:
        """The size, of which a process has one."""
        (size,) = self.sizes().values()
        return size

    @property
    def size_name(self) -> str:
        """Name of the size: the field's without its unit."""
        (name,) = self.sizes()
        return name

    @property
    @abstractmethod
    def sized_carrier(self) -> str:
        """Input or output on which the size is counted."""

    @property
    @abstractmethod
    def taken(self) -> Mapping[str, float]:
        """Amount of each input per unit of activity."""

    @property
    @abstractmethod
    def made(self) -> Mapping[str, float]:
        """Amount of each output per unit of activity."""

    @property
    def alternatives(self) -> Mapping[str, Choice]:
        """Choices between inputs, by name."""
        return {}

    @property
    @abstractmethod
    def activity_cost(self) -> float:
        """Variable cost of a unit of activity."""

    @property
    @abstractmethod
    def activity_co2(self) -> Mapping[str, float]:
        """CO2 of a unit of activity [kg], by category of the ledger."""

    @property
    def _size_per_activity(self) -> float:
        return {**self.taken, **self.made}[self.sized_carrier]

    def _availability(self, given: InputSeries) -> Ratio:
        name = "available_fraction"
        return given.data(name) if given.has_data(name) else 1.0

    def build(self, b: Builder) -> None:
        """Write size, activity, flows, choices, cost and CO2."""
        size = b.size(self.size_name, self.size_spec)
        per_size = self._availability(b) / self._size_per_activity
        activity = b.series(
            self.activity_name, unit=self.activity_unit, upper=size, profile=per_size
        )
        for carrier, amount in self.taken.items():
            b.draw(carrier, activity, factor=amount, role="conversion")
        for carrier, amount in self.made.items():
            b.supply(carrier, activity, factor=amount, role="conversion")
        for name, choice in self.alternatives.items():
            self._write_choice(b, name, choice, activity)
        if self.commitment is not None:
            unit = type(self.size_spec).unit
            self.commitment.build(b, activity, size, per_size, size_unit=unit)
        if self.activity_cost:
            b.book("variable_om", b.total(activity, self.activity_cost))
        for category, amount in self.activity_co2.items():
            if amount:
                b.book(category, b.total(activity, amount), effect=CO2)

    @staticmethod
    def _write_choice(b: Builder, name: str, choice: Choice, activity: Any) -> None:
        terms: list[tuple[float, Any]] = []
        for carrier, worth in choice.worth_per_unit.items():
            column = _column(carrier, name)
            flow = b.series(column, unit=b.flow_unit(carrier))
            terms.append((worth, flow))
            b.draw(carrier, flow, role="conversion")
            for left, amount in choice.byproducts.get(carrier, {}).items():
                b.supply(left, flow, factor=amount, role="conversion")
            for bound, sign, shares in (
                ("least", 1.0, choice.min_share),
                ("most", -1.0, choice.max_share),
            ):
                if carrier in shares:
                    share = shares[carrier] * choice.amount / worth
                    _write_share(b, f"{bound}_{column}", sign, flow, share, activity)
        b.require(
            f"all_for_{name}",
            lambda t: sum(worth * flow[t] for worth, flow in terms) == choice.amount * activity[t],
        )

    def audit(self, a: AssetAudit) -> None:
        """Re-derive size, flows, choices, cost and CO2 from the activity and the choices made."""
        activity = a.series(self.activity_name)
        unit, hours = self.activity_unit, a.horizon.hours
        a.at_most("activity not negative", 0.0, activity, unit=unit)
        size = a.size(self.size_name)
        share = self._availability(a)
        a.at_most("within size", activity * self._size_per_activity, size * share, unit=unit)
        drawn = {carrier: activity * amount for carrier, amount in self.taken.items()}
        given = {carrier: activity * amount for carrier, amount in self.made.items()}
        for name, choice in self.alternatives.items():
            self._audit_choice(a, name, choice, activity, drawn, given)
        if self.commitment is not None:
            self.commitment.audit(a, activity, size, share / self._size_per_activity, unit)
            for carrier, amount in self.commitment.standby_drawn(a, size).items():
                drawn[carrier] = drawn.get(carrier, 0.0) + amount
        for carrier, amount in drawn.items():
            a.equal(f"{carrier} drawn", a.drawn(carrier), amount, unit=a.flow_unit(carrier))
        for carrier, amount in given.items():
            a.equal(f"{carrier} supplied", a.supplied(carrier), amount, unit=a.flow_unit(carrier))
        total = float(activity @ hours)
        a.booked("variable_om", total * self.activity_cost)
        for category, co2 in self.activity_co2.items():
            a.booked(category, total * co2, effect=CO2)

    @staticmethod
    def _audit_choice(
        a: AssetAudit,
        name: str,
        choice: Choice,
        activity: NDArray[np.float64],
        drawn: dict[str, NDArray[np.float64]],
        given: dict[str, NDArray[np.float64]],
    ) -> None:
        """Check one choice, and add its flows to what should be drawn and supplied."""
        whole = activity * choice.amount
        worths = np.zeros_like(whole)
        for carrier, worth in choice.worth_per_unit.items():
            flow = a.series(_column(carrier, name))
            unit = a.flow_unit(carrier)
            a.at_most(f"{carrier} for {name} not negative", 0.0, flow, unit=unit)
            least = choice.min_share.get(carrier, 0.0) * whole
            most = choice.max_share.get(carrier, 1.0) * whole
            a.at_most(f"least share of {carrier} in {name}", least, flow * worth, unit="1")
            a.at_most(f"largest share of {carrier} in {name}", flow * worth, most, unit="1")
            worths += flow * worth
            drawn[carrier] = drawn.get(carrier, 0.0) + flow
            for left, amount in choice.byproducts.get(carrier, {}).items():
                given[left] = given.get(left, 0.0) + flow * amount
        a.equal(f"{name} adds up", worths, whole, unit="1")

    def summary(self, r: AssetResults) -> Mapping[str, Quantity]:
        """Return full-load hours, hours on, and what each carrier contributed to each choice."""
        size = r.size(self.size_name)
        total = r.energy(self.activity_name)
        hours = total * self._size_per_activity / size if size > DUST else 0.0
        found = {"full_load_hours": r.quantity(hours, "h")}
        if self.commitment is not None:
            found |= self.commitment.summary(r)
        for name, choice in self.alternatives.items() if total > DUST else ():
            for carrier, worth in choice.worth_per_unit.items():
                share = r.energy(_column(carrier, name)) * worth / (total * choice.amount)
                found[f"share_of_{_column(carrier, name)}"] = r.quantity(share, "1")
        return found


def _column(carrier: str, choice: str) -> str:
    return f"{carrier}_for_{choice}"


def _write_share(
    b: Builder, name: str, sign: float, flow: Any, share: float, activity: Any
) -> None:
    b.require(name, lambda t: sign * flow[t] - sign * share * activity[t] >= 0.0)
