"""By-product: what the production gives off anyhow, to be used, stored or released."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self

from pydantic import model_validator

from microgrid_opt.assets.base import Asset
from microgrid_opt.carriers import ELECTRICITY
from microgrid_opt.fields import CarrierName, CO2PerUnit, PricePerUnit, refuse, require_one
from microgrid_opt.ledger import CO2, COST
from microgrid_opt.series import SeriesKgPerHour, SeriesKW

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from microgrid_opt.audit import AssetAudit
    from microgrid_opt.builder import Builder
    from microgrid_opt.carriers import Carrier
    from microgrid_opt.results import AssetResults, Quantity


class Byproduct(Asset):
    r"""Source that follows the production: off-gas, waste heat, power of an expansion turbine.

    $$ u_t + \ell_t = F_t, \qquad u_t, \ell_t \ge 0 $$
    $$ C = \sum_t h_t\,(c_u\,u_t + c_\ell\,\ell_t), \qquad
       E = \sum_t h_t\,(\epsilon_u\,u_t + \epsilon_\ell\,\ell_t) $$

    | symbol | name | unit |
    |---|---|---|
    | $F_t$ | ``power_kw`` or ``flow_kg_per_hour``, given | kW or kg/h |
    | $u_t$ | ``used``: what enters the balance | kW or kg/h |
    | $\ell_t$ | released (flare, stack, bypass); 0 unless ``releasable`` | kW or kg/h |
    | $c_u, c_\ell$ | ``use_cost_per_unit``, ``release_cost_per_unit`` | currency/unit |
    | $\epsilon_u, \epsilon_\ell$ | ``use_co2_kg_per_unit``, ``release_co2_kg_per_unit`` | kg/unit |

    References: accounting of off-gases burnt for use or in flares as in the GHG Protocol Corporate
    Standard (2004), chapter 4, and ISO 14064-1:2018.
    """

    type: Literal["byproduct"]
    carrier: CarrierName
    """What is given off, of any kind."""
    power_kw: SeriesKW | None = None
    """What is given off, for carriers counted in kWh."""
    flow_kg_per_hour: SeriesKgPerHour | None = None
    """What is given off, for carriers counted in kg."""
    releasable: bool = True
    """Whether any of it may be released unused; otherwise all must be used or stored."""
    renewable: bool = False
    """Whether it counts as renewable."""
    use_cost_per_unit: PricePerUnit = 0.0
    """Cost of each kWh (or kg) used, such as cleaning."""
    release_cost_per_unit: PricePerUnit = 0.0
    """Cost of each kWh (or kg) released, such as a fee."""
    use_co2_kg_per_unit: CO2PerUnit = 0.0
    """CO2 of each kWh (or kg) used, when it is burnt."""
    release_co2_kg_per_unit: CO2PerUnit = 0.0
    """CO2 of each kWh (or kg) released, when it is flared."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        require_one(self, "power_kw", "flow_kg_per_hour")
        for key in ("release_cost_per_unit", "release_co2_kg_per_unit"):
            if getattr(self, key) and not self.releasable:
                raise refuse(
                    "byproduct", "has no effect with `releasable: false`: remove it.", path=(key,)
                )
        return self

    def misfits(self, place: str, carrier: Callable[[str], Carrier]) -> Iterator[tuple[str, str]]:
        """Refuse a flow in another unit than the carrier's."""
        del place
        unit = carrier(self.carrier).unit
        if (unit == "kWh") != (self.power_kw is not None):
            right = "power_kw" if unit == "kWh" else "flow_kg_per_hour"
            yield "carrier", f"is counted in {unit}: give `{right}` instead of `{self._flow}`."

    @property
    def _flow(self) -> str:
        return "flow_kg_per_hour" if self.power_kw is None else "power_kw"

    def build(self, b: Builder) -> None:
        """Write what is used; what is released is the rest."""
        flow, unit = b.data(self._flow), b.flow_unit(self.carrier)
        if self.releasable:
            used = b.series("used", unit=unit, upper=flow)
        else:
            used = b.given("used", flow, unit=unit)
        b.supply(self.carrier, used, role="generation", renewable=self.renewable)
        total, given = b.total(used), b.times(float(flow @ b.horizon.hours))
        if self.carrier == ELECTRICITY:
            b.measure("available_generation", given)
        for effect, use, release in (
            (COST, self.use_cost_per_unit, self.release_cost_per_unit),
            (CO2, self.use_co2_kg_per_unit, self.release_co2_kg_per_unit),
        ):
            if use:
                b.book("use", total * use, effect=effect)
            if release:
                b.book("release", (given - total) * release, effect=effect)

    def audit(self, a: AssetAudit) -> None:
        """Re-derive the limit of what is used, cost and CO2."""
        used, flow, hours = a.series("used"), a.data(self._flow), a.horizon.hours
        unit = a.flow_unit(self.carrier)
        a.at_most("used not negative", 0.0, used, unit=unit)
        a.at_most("used within what is given off", used, flow, unit=unit)
        if not self.releasable:
            a.equal("all of it is used", used, flow, unit=unit)
        a.equal("used supplied", a.supplied(self.carrier), used, unit=unit)
        if self.carrier == ELECTRICITY:
            a.measure("available_generation", float(flow @ hours))
        kept, released = float(used @ hours), float((flow - used) @ hours)
        a.booked("use", kept * self.use_cost_per_unit)
        a.booked("release", released * self.release_cost_per_unit)
        a.booked("use", kept * self.use_co2_kg_per_unit, effect=CO2)
        a.booked("release", released * self.release_co2_kg_per_unit, effect=CO2)

    def summary(self, r: AssetResults) -> Mapping[str, Quantity]:
        """Return what is released, and the share that is used."""
        given = float(r.data(self._flow) @ r.horizon.hours)
        used = r.energy("used")
        figures = {
            "released": r.quantity(given - used, "kWh" if self.power_kw is not None else "kg")
        }
        if given > 0.0:
            figures["used_share"] = r.quantity(used / given, "1")
        return figures
