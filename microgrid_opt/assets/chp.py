"""Combined heat and power: back-pressure units, and extraction-condensing turbines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from microgrid_opt.carriers import ELECTRICITY
from microgrid_opt.fields import Efficiency, Factor, PricePerKWh, SizedKW
from microgrid_opt.formulations.fuel import FuelConverter
from microgrid_opt.formulations.indexed import WeightedSum

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from microgrid_opt.audit import AssetAudit
    from microgrid_opt.builder import Builder
    from microgrid_opt.fields import Size
    from microgrid_opt.formulations.converter import InputSeries, Ratio
    from microgrid_opt.results import AssetResults, Quantity


class Chp(FuelConverter):
    r"""CHP sized in kW of electricity: at a fixed ratio, or with steam taken out of a turbine.

    Back-pressure (no ``power_loss_index``):

    $$ p_t = \eta \sum_k \epsilon_k f_{k,t}, \qquad q_t = p_t / \sigma, \qquad p_t \le a_t\,P $$

    Extraction-condensing:

    $$ p_t + \beta\,q_t = \eta \sum_k \epsilon_k f_{k,t}, \qquad p_t + \beta\,q_t \le a_t\,P, \qquad
       p_t \ge \sigma\,q_t, \qquad q_t \le \chi\,a_t\,P $$

    | symbol | name | unit |
    |---|---|---|
    | $p_t, q_t$ | electricity and heat (extraction: ``electricity``, ``heat``) | kW |
    | $f_{k,t}$ | ``fuel`` or each of ``fuels``, burnt | kW |
    | $\epsilon_k$ | ``efficiency_factor`` | – |
    | $\eta$ | ``electric_efficiency``: in back-pressure, or fully condensing | – |
    | $\sigma$ | ``power_to_heat_ratio`` | – |
    | $\beta$ | ``power_loss_index`` | – |
    | $\chi$ | ``max_heat_per_kw`` | – |
    | $a_t$ | ``available_fraction`` | – |
    | $P$ | ``power_kw`` | kW |

    Extraction counts electricity from a blend as renewable only when all its fuels are: which of them
    made the electricity, and which the heat, nobody can tell. Least load, ramps and ``part_load`` are
    those of $p_t + \beta\,q_t$, the steam that enters the turbine.

    References: iso-fuel line, power-loss index and back-pressure line as in Mollenhauer, Christidis
    & Tsatsaronis (2016), Evaluation of an energy- and exergy-based generic modeling approach of
    combined heat and power plants, doi:10.1007/s40095-016-0204-6; shared equations in
    `microgrid_opt.formulations.fuel`.
    """

    type: Literal["chp"]
    power_kw: SizedKW
    """Electricity at full load, in back-pressure or (with extraction) fully condensing."""
    size_on: Literal["output"] = "output"
    """Side on which the size is counted."""
    electric_efficiency: Efficiency
    """Electricity per lower heating value of the fuel, in back-pressure or fully condensing."""
    power_to_heat_ratio: Factor
    """Electricity per heat: always in back-pressure, at least with extraction."""
    power_loss_index: Factor | None = None
    """Electricity lost for each kWh of heat that is extracted; left out for back-pressure."""
    max_heat_per_kw: Factor | None = None
    """Most heat for each kW of `power_kw`, by the extraction or the heat exchanger; with
    `power_loss_index` only."""
    variable_om_per_kwh: PricePerKWh = 0.0
    """Operating cost of each kWh of electricity."""

    def problems(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield (keys below the asset, message) of what does not go together."""
        if self.max_heat_per_kw is not None and self.power_loss_index is None:
            yield (
                ("max_heat_per_kw",),
                "needs `power_loss_index`: in back-pressure the heat follows from the electricity.",
            )
        yield from super().problems()

    @property
    def size_spec(self) -> Size:
        """Electricity at full load."""
        return self.power_kw

    @property
    def product(self) -> str:
        """Electricity."""
        return ELECTRICITY

    @property
    def total_yield(self) -> float:
        """Electricity and heat on the back-pressure line, or electricity alone if that is more."""
        ratio = self.power_to_heat_ratio
        heat = self.electric_efficiency / (ratio + (self.power_loss_index or 0.0))
        return max(self.electric_efficiency, (1.0 + ratio) * heat)

    def outputs(self, given: InputSeries) -> Mapping[str, Ratio]:
        """Return the electricity per kWh of effective fuel; with extraction, when condensing."""
        del given
        return {ELECTRICITY: self.electric_efficiency}

    def made_per_product(self, given: InputSeries) -> Mapping[str, Ratio]:
        """Return the heat per kWh of electricity, in back-pressure."""
        del given
        return {self.heat_carrier: 1.0 / self.power_to_heat_ratio}

    @property
    def variable_costs(self) -> tuple[float, float]:
        """No cost per kWh of fuel, and the cost per kWh of electricity."""
        return 0.0, self.variable_om_per_kwh

    def deliver(self, b: Builder, fuels: Mapping[str, Any], made: Any, size: Any) -> None:
        """Write what the fuels give: by the ratio, or within the field of operation."""
        if self.power_loss_index is None:
            super().deliver(b, fuels, made, size)
            return
        if made is None:
            made = self.write_output(b, size)
            full = self.effective(b, fuels, self.electric_efficiency)
            b.require("iso_fuel", lambda t: made[t] == full[t])
        electricity, heat = b.written("electricity"), b.written("heat")
        b.supply(ELECTRICITY, electricity, role="generation", renewable=self.all_renewable)
        b.supply(self.heat_carrier, heat, role="conversion")
        b.measure("available_generation", b.total(electricity))
        if self.variable_om_per_kwh:
            b.book("variable_om", b.total(electricity, self.variable_om_per_kwh))

    def write_output(self, b: Builder, size: Any) -> Any:
        """Return electricity, with extraction and what it loses to heat, as rules can index it."""
        if self.power_loss_index is None:
            return super().write_output(b, size)
        electricity = b.series("electricity", unit="kW")
        most = self.max_heat_per_kw
        limit = {} if most is None else {"upper": size, "profile": most * self.availability(b)}
        heat = b.series("heat", unit="kW", **limit)
        b.require("back_pressure", lambda t: electricity[t] >= self.power_to_heat_ratio * heat[t])
        lost = b.param("power_lost", self.power_loss_index)
        return WeightedSum([(b.param("one", 1.0), electricity), (lost, heat)])

    def made(self, r: AssetResults | AssetAudit) -> NDArray[np.float64]:
        """Return electricity, with extraction and what it loses to heat, shape (n,)."""
        if self.power_loss_index is None:
            return super().made(r)
        return r.series("electricity") + self.power_loss_index * r.series("heat")

    def audit_delivery(
        self, a: AssetAudit, effective: NDArray[np.float64], made: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Re-derive the ratio, or the field of operation; return the electricity, shape (n,)."""
        if self.power_loss_index is None:
            return super().audit_delivery(a, effective, made)
        electricity, heat = a.series("electricity"), a.series("heat")
        a.equal("electricity supplied", a.supplied(ELECTRICITY), electricity, unit="kW")
        a.equal("heat supplied", a.supplied(self.heat_carrier), heat, unit="kW")
        a.at_most("heat not negative", 0.0, heat, unit="kW")
        a.at_most("back-pressure line", self.power_to_heat_ratio * heat, electricity, unit="kW")
        if self.curve is None:
            full = self.electric_efficiency * effective
            a.equal("iso-fuel line", made, full, unit="kW")
        if self.max_heat_per_kw is not None:
            most = self.max_heat_per_kw * self.availability(a) * a.size("power")
            a.at_most("heat within its limit", heat, most, unit="kW")
        return electricity

    def summary(self, r: AssetResults) -> Mapping[str, Quantity]:
        """Return full-load hours, shares of the fuels, and the overall efficiency."""
        figures = dict(super().summary(r))
        fuel = sum(r.energy(f"fuel_{name}") for name in self.mixture)
        if self.power_loss_index is None:
            made = float(self.made(r) @ r.horizon.hours) * (1.0 + 1.0 / self.power_to_heat_ratio)
        else:
            made = r.energy("electricity") + r.energy("heat")
        if fuel > 0.0:
            figures["overall_efficiency"] = r.quantity(made / fuel, "1")
        return figures
