"""Recipe: a plant that turns any inputs into any outputs in fixed proportions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field

from microgrid_opt.fields import (
    CarrierName,
    CO2PerUnit,
    Factor,
    PricePerUnit,
    SizedKgPerHour,
    SizedKW,
    refuse,
)
from microgrid_opt.formulations.recipe import Choice, Process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from microgrid_opt.carriers import Carrier


def _name(name: str) -> str:
    if not (name.isascii() and name.isidentifier() and name.islower()):
        raise refuse(
            "identifier", "is no name for a choice: use small letters, digits and `_` only."
        )
    return name


class Recipe(Process):
    r"""Plant with a recipe: amounts of each input and output per unit of activity, one size.

    $$ x_{i,t} = \alpha_i\,a_t, \qquad y_{j,t} = \beta_j\,a_t, \qquad \beta_s\,a_t \le \phi_t\,S,
       \qquad C = \sum_t h_t\,c\,a_t, \qquad E = \sum_t h_t\,\epsilon\,a_t $$

    | symbol | name | unit |
    |---|---|---|
    | $a_t$ | ``activity`` | unit/h |
    | $\alpha_i$ | ``inputs``; those that may replace one another are ``choices`` | kWh or kg per unit |
    | $\beta_j$ | ``outputs`` | kWh or kg per unit |
    | $S$ | ``power_kw`` or ``flow_kg_per_hour``, counted on ``size_on`` | kW or kg/h |
    | $\phi_t$ | ``available_fraction`` | – |
    | $c$ | ``variable_om_per_unit`` | currency/unit |
    | $\epsilon$ | ``co2_kg_per_unit``: process CO2 that no choice of energy removes | kg/unit |

    A unit of activity is what the recipe says: write the amounts per tonne of product, per kWh of
    heat, per batch.

    References: Kondili, Pantelides & Sargent (1993), A general algorithm for short-term scheduling of
    batch operations I, doi:10.1016/0098-1354(93)80015-F; process CO2 as in the IPCC Guidelines for
    National Greenhouse Gas Inventories (2006), volume 3; equations of the choices in
    `microgrid_opt.formulations.recipe`.
    """

    type: Literal["recipe"]
    inputs: dict[CarrierName, Factor] = Field(default_factory=dict)
    """What a unit of activity takes, in kWh or kg as each carrier is counted."""
    outputs: dict[CarrierName, Factor]
    """What a unit of activity makes, in kWh or kg as each carrier is counted."""
    choices: dict[Annotated[str, AfterValidator(_name)], Choice] = Field(default_factory=dict)
    """Inputs that may replace one another, by a name such as `firing`."""
    size_on: CarrierName
    """Input or output on which the size is counted."""
    power_kw: SizedKW | None = None
    """Flow of `size_on` at full load, for a carrier counted in kWh."""
    flow_kg_per_hour: SizedKgPerHour | None = None
    """Flow of `size_on` at full load, for a carrier counted in kg."""
    variable_om_per_unit: PricePerUnit = 0.0
    """Operating cost of each unit of activity, beside the prices of the inputs."""
    co2_kg_per_unit: CO2PerUnit = 0.0
    """CO2 that each unit of activity lets go, beside that of the fuels bought; CO2 that can be captured
    is an output instead."""

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yield (key, message) of what does not go together."""
        sizes = [self.power_kw is not None, self.flow_kg_per_hour is not None]
        if sum(sizes) != 1:
            yield "size_on", "needs one size: give either `power_kw` or `flow_kg_per_hour`."
        if not (self.inputs or self.choices):
            yield "inputs", "takes nothing: name what the outputs are made of, or a choice."
        if not self.outputs:
            yield "outputs", "makes nothing: name at least one product."
        for carrier in self.outputs:
            if carrier in self.inputs:
                yield (
                    "outputs",
                    f"has {carrier}, which is an input as well: give the net amount on one side.",
                )
        if self.size_on not in {*self.inputs, *self.outputs}:
            known = ", ".join((*self.inputs, *self.outputs))
            yield "size_on", f"must be an input or output of the recipe: {known}."
        yield from super().problems()

    def misfits(self, place: str, carrier: Callable[[str], Carrier]) -> Iterator[tuple[str, str]]:
        """Refuse a size in another unit than that of the carrier on which it is counted."""
        del place
        unit = carrier(self.size_on).unit
        keys = ("flow_kg_per_hour", "power_kw")
        right, wrong = keys if unit == "kg" else reversed(keys)
        if getattr(self, right) is None:
            yield "size_on", f"is counted in {unit}: give `{right}` instead of `{wrong}`."

    @property
    def sized_carrier(self) -> str:
        """Carrier on which the size is counted."""
        return self.size_on

    @property
    def taken(self) -> Mapping[str, float]:
        """Inputs in fixed proportion."""
        return self.inputs

    @property
    def made(self) -> Mapping[str, float]:
        """Outputs."""
        return self.outputs

    @property
    def alternatives(self) -> Mapping[str, Choice]:
        """Inputs that may replace one another."""
        return self.choices

    @property
    def activity_cost(self) -> float:
        """Operating cost."""
        return self.variable_om_per_unit

    @property
    def activity_co2(self) -> Mapping[str, float]:
        """CO2 of the process itself."""
        return {"process": self.co2_kg_per_unit}
