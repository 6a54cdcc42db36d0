"""Fuel cell: hydrogen to electricity, with part load, and heat where it is recovered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from microgrid_opt.carriers import HYDROGEN_LHV_KWH_PER_KG
from microgrid_opt.fields import CarrierName, Efficiency, Fraction, PricePerKWh, SizedKW
from microgrid_opt.formulations.converter import Converter
from microgrid_opt.formulations.fuel import LARGEST_YIELD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from microgrid_opt.carriers import Carrier
    from microgrid_opt.fields import Size
    from microgrid_opt.formulations.converter import InputSeries, Ratio
    from microgrid_opt.results import AssetResults, Quantity


class FuelCell(Converter):
    r"""Fuel cell sized in kW of electricity delivered.

    $$ p_t = \eta\,H\,i_t, \qquad q_t = \phi\,H\,i_t, \qquad p_t \le P $$

    | symbol | name | unit |
    |---|---|---|
    | $i_t$ | ``input``, hydrogen | kg/h |
    | $p_t, q_t$ | electricity and heat delivered | kW |
    | $\eta$ | ``electric_efficiency`` on the lower heating value | – |
    | $\phi$ | ``heat_recovery_fraction`` on the lower heating value | – |
    | $H$ | lower heating value of hydrogen, 33.33 | kWh/kg |
    | $P$ | ``power_kw`` | kW |

    With ``part_load`` $\eta$ is that of full load; a fuel cell's rises towards part load, which takes no
    binaries. Heat stays the same share of the hydrogen at every load.

    References: efficiency on the lower heating value as in IEC 62282-3-200:2015; equations in
    `microgrid_opt.formulations.converter`.
    """

    type: Literal["fuel_cell"]
    power_kw: SizedKW
    """Electricity delivered at full load."""
    size_on: Literal["output"] = "output"
    """Side on which the size is counted."""
    electric_efficiency: Efficiency
    """Electricity per lower heating value of the hydrogen, at full load."""
    heat_recovery_fraction: Fraction = 0.0
    """Heat delivered per lower heating value of the hydrogen, at every load. What nobody needs has to
    go to a `dump`."""
    heat_carrier: CarrierName = "heat"
    """Balance that the recovered heat serves."""
    variable_om_per_kwh: PricePerKWh = 0.0
    """Operating cost of each kWh of electricity made."""

    def problems(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield what does not go together."""
        yield from super().problems()
        best = max((factor for _, factor in self.load_points or ()), default=1.0)
        total = self.electric_efficiency * best + self.heat_recovery_fraction
        if total > LARGEST_YIELD:
            yield (
                (),
                f"gives {total:.3g} kWh of electricity and heat for each kWh of hydrogen: at most "
                f"{LARGEST_YIELD:g} by the lower heating value, with all water condensed. Correct an "
                "efficiency.",
            )

    def misfits(self, place: str, carrier: Callable[[str], Carrier]) -> Iterator[tuple[str, str]]:
        """Refuse heat in kg."""
        del place
        if self.heat_recovery_fraction and carrier(self.heat_carrier).unit != "kWh":
            yield "heat_carrier", "is no heat: name a heat carrier, counted in kWh."

    @property
    def size_spec(self) -> Size:
        """Electric output."""
        return self.power_kw

    @property
    def source(self) -> str:
        """Carrier that is taken."""
        return "hydrogen"

    @property
    def product(self) -> str:
        """Carrier that is made."""
        return "electricity"

    def outputs(self, given: InputSeries) -> Mapping[str, Ratio]:
        """Return electricity and heat per kg of hydrogen."""
        del given
        return {
            "electricity": self.electric_efficiency * HYDROGEN_LHV_KWH_PER_KG,
            self.heat_carrier: self.heat_recovery_fraction * HYDROGEN_LHV_KWH_PER_KG,
        }

    @property
    def variable_costs(self) -> tuple[float, float]:
        """No cost per kg taken, and the cost per kWh made."""
        return 0.0, self.variable_om_per_kwh

    def summary(self, r: AssetResults) -> Mapping[str, Quantity]:
        """Return full-load hours, hours on, starts, and the mean electric efficiency."""
        figures = dict(super().summary(r))
        taken = r.energy("input") * HYDROGEN_LHV_KWH_PER_KG
        if taken > 0.0:
            made = float(self.made(r) @ r.horizon.hours)
            figures["mean_electric_efficiency"] = r.quantity(made / taken, "1")
        return figures
