"""Block with a given output profile: reactor, geothermal plant, waste incineration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from microgrid_opt.fields import CarrierName, CO2PerKWh, KWhPerKWh
from microgrid_opt.formulations.renewable import CARRIER, ProfiledSource
from microgrid_opt.ledger import CO2
from microgrid_opt.series import SeriesPerUnit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from microgrid_opt.audit import AssetAudit
    from microgrid_opt.builder import Builder
    from microgrid_opt.carriers import Carrier


class MustRun(ProfiledSource):
    r"""Power station whose output is given, with heat beside it; nothing is burnt in the balance.

    $$ g_t = f_t\,P \ \text{or, curtailable,}\ g_t \le f_t\,P, \qquad q_t = \sigma\,g_t, \qquad
       E = \sum_t h_t\,\epsilon\,g_t $$

    | symbol | name | unit |
    |---|---|---|
    | $g_t$ | ``generation`` | kW |
    | $f_t$ | ``output_per_kw`` | kW/kW |
    | $P$ | ``power_kw`` | kW |
    | $q_t, \sigma$ | heat, and ``heat_kwh_per_kwh`` | kW, – |
    | $\epsilon$ | ``co2_kg_per_kwh`` | kg/kWh |
    | $h_t$ | step length × weight | h |

    References: must-run and baseload blocks as in Stoft (2002), Power System Economics, IEEE Press
    and Wiley, part 1; costs and curtailment as in `microgrid_opt.formulations.renewable`.
    """

    type: Literal["must_run"]
    output_per_kw: SeriesPerUnit
    """Output per kW of `power_kw`: 1 is full power in every step."""
    curtailable: bool = False
    """Whether output may be cut; otherwise all of it must be used, exported or dumped."""
    renewable: bool = False
    """Whether its electricity counts as renewable."""
    co2_kg_per_kwh: CO2PerKWh = 0.0
    """CO2 of each kWh of electricity; nothing is bought for it elsewhere."""
    heat_kwh_per_kwh: KWhPerKWh = 0.0
    """Heat delivered with each kWh of electricity."""
    heat_carrier: CarrierName = "heat"
    """Balance that the heat serves."""

    @property
    def is_renewable(self) -> bool:
        """As declared."""
        return self.renewable

    def misfits(self, place: str, carrier: Callable[[str], Carrier]) -> Iterator[tuple[str, str]]:
        """Refuse heat on a carrier that is electricity or counted in kg."""
        del place
        if self.heat_carrier == CARRIER or carrier(self.heat_carrier).unit != "kWh":
            yield "heat_carrier", "is no heat: name a heat carrier, counted in kWh."

    def build(self, b: Builder) -> None:
        """Write generation, heat and CO2."""
        super().build(b)
        generation = b.written("generation")
        if self.heat_kwh_per_kwh:
            factor = self.heat_kwh_per_kwh
            b.supply(self.heat_carrier, generation, factor=factor, role="generation")
        if self.co2_kg_per_kwh:
            b.book("generation", b.total(generation, self.co2_kg_per_kwh), effect=CO2)

    def audit(self, a: AssetAudit) -> None:
        """Re-derive generation, heat and CO2."""
        super().audit(a)
        generation = a.series("generation")
        heat = generation * self.heat_kwh_per_kwh
        a.equal("heat supplied", a.supplied(self.heat_carrier), heat, unit="kW")
        energy = float(generation @ a.horizon.hours)
        a.booked("generation", energy * self.co2_kg_per_kwh, effect=CO2)
