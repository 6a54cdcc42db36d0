"""Carbon capture: a share of the CO2 in a flue gas into a carrier, the rest into the air."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from microgrid_opt.fields import (
    CarrierName,
    Fraction,
    KWhPerTonne,
    MoneyPerTonne,
    PositiveFraction,
    SizedKgPerHour,
)
from microgrid_opt.formulations.recipe import Process
from microgrid_opt.ledger import CO2, KG_PER_T

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from microgrid_opt.audit import AssetAudit
    from microgrid_opt.carriers import Carrier
    from microgrid_opt.results import AssetResults, Quantity


class CarbonCapture(Process):
    r"""Capture unit: what it takes of the flue gas leaves as captured CO2 or into the air.

    $$ f_t = c_t/\eta, \qquad v_t = f_t - c_t, \qquad c_t \le S, \qquad
       p_t = w\,c_t/1000, \qquad q_t = \phi\,c_t/1000 $$
    $$ E = \sum_t h_t\,\bigl((1-\beta)\,v_t - \beta\,\gamma\,c_t\bigr) \ \text{(on release)}
       \quad\text{or}\quad
       E = -\sum_t h_t\,(1-\beta+\beta\,\gamma)\,c_t \ \text{(with fuel)} $$
    $$ C = \sum_t h_t\,k\,c_t/1000 $$

    | symbol | name | unit |
    |---|---|---|
    | $c_t$ | ``captured`` CO2, into ``co2_carrier`` | kg/h |
    | $f_t$ | CO2 of the flue gas treated, from ``flue_carrier`` | kg/h |
    | $v_t$ | CO2 of the treated gas that is not captured | kg/h |
    | $\eta$ | ``capture_fraction`` | – |
    | $S$ | ``flow_kg_per_hour`` | kg/h |
    | $p_t, w$ | electricity, ``electricity_kwh_per_t`` | kW, kWh/t |
    | $q_t, \phi$ | heat from ``heat_carrier``, ``heat_kwh_per_t`` | kW, kWh/t |
    | $\beta$ | ``biogenic_fraction`` | – |
    | $\gamma$ | ``count_removal`` | 0/1 |
    | $k$ | ``variable_om_per_t`` | currency/t |

    With ``counted`` on release, the flue gas holds CO2 that nobody has counted yet: the fuel is bought
    without CO2, the capture unit counts what it lets go, and a `dump` of the flue gas with 1 kg per kg
    counts what passes the unit by. With ``counted`` with fuel, the fuel is bought with its CO2, the
    capture unit takes off what it captures, and the `dump` counts nothing. Captured CO2 goes on to a
    store (at a fee), a buyer or a use.

    References: Rochelle (2009), Amine scrubbing for CO2 capture, doi:10.1126/science.1176731; IPCC
    (2005), Special Report on Carbon Dioxide Capture and Storage, chapter 3; Kemper (2015), Biomass
    and carbon dioxide capture and storage: a review, doi:10.1016/j.ijggc.2015.06.012 (removal).
    """

    activity_name: ClassVar[str] = "captured"
    activity_unit: ClassVar[str] = "kg/h"

    type: Literal["carbon_capture"]
    flue_carrier: CarrierName
    """CO2 in the flue gas, counted in kg."""
    co2_carrier: CarrierName = "co2"
    """Balance that the captured CO2 enters, counted in kg."""
    flow_kg_per_hour: SizedKgPerHour
    """CO2 captured at full load."""
    capture_fraction: PositiveFraction
    """Share of the CO2 in the gas treated that is captured."""
    electricity_kwh_per_t: KWhPerTonne
    """Electricity per tonne captured, compression included."""
    heat_kwh_per_t: KWhPerTonne = 0.0
    """Heat per tonne captured."""
    heat_carrier: CarrierName = "heat"
    """Balance that gives the heat, by its temperature level."""
    variable_om_per_t: MoneyPerTonne = 0.0
    """Operating cost of each tonne captured: solvent, water, waste."""
    biogenic_fraction: Fraction = 0.0
    """Share of the CO2 in the flue gas that comes from biomass: it counts as nothing in the air, and as
    removed when it is captured."""
    counted: Literal["on_release", "with_fuel"] = "on_release"
    """Where the CO2 of the flue gas counts: when it leaves into the air, or with the fuel bought."""
    count_removal: bool = True
    """Whether captured biogenic CO2 counts as negative emission."""

    def misfits(self, place: str, carrier: Callable[[str], Carrier]) -> Iterator[tuple[str, str]]:
        """Refuse carriers in the wrong unit, and CO2 that would run in a circle."""
        del place
        for field, name, unit in (
            ("flue_carrier", self.flue_carrier, "kg"),
            ("co2_carrier", self.co2_carrier, "kg"),
            ("heat_carrier", self.heat_carrier, "kWh"),
        ):
            found = carrier(name).unit
            if found != unit:
                yield field, f"is counted in {found}: name a carrier counted in {unit}."
        if self.flue_carrier == self.co2_carrier:
            yield (
                "flue_carrier",
                "is what the captured CO2 enters as well: declare a carrier of its own, such as "
                "`carriers: {flue_co2: {unit: kg}}`.",
            )

    @property
    def sized_carrier(self) -> str:
        """Captured CO2."""
        return self.co2_carrier

    @property
    def taken(self) -> Mapping[str, float]:
        """Flue gas, electricity and heat per kg captured."""
        inputs = {self.flue_carrier: 1.0 / self.capture_fraction}
        for name, per_t in (
            ("electricity", self.electricity_kwh_per_t),
            (self.heat_carrier, self.heat_kwh_per_t),
        ):
            if per_t:
                inputs[name] = inputs.get(name, 0.0) + per_t / KG_PER_T
        return inputs

    @property
    def made(self) -> Mapping[str, float]:
        """Captured CO2."""
        return {self.co2_carrier: 1.0}

    @property
    def activity_cost(self) -> float:
        """Operating cost per kg captured."""
        return self.variable_om_per_t / KG_PER_T

    @property
    def activity_co2(self) -> Mapping[str, float]:
        """CO2 let go, kept back and removed per kg captured."""
        fossil = 1.0 - self.biogenic_fraction
        removed = self.biogenic_fraction if self.count_removal else 0.0
        if self.counted == "with_fuel":
            return {"kept_back": -fossil, "removed": -removed}
        return {"vented": (1.0 / self.capture_fraction - 1.0) * fossil, "removed": -removed}

    def audit(self, a: AssetAudit) -> None:
        """Re-derive the process, and the balance of the CO2 from what went in and what came out."""
        super().audit(a)
        hours = a.horizon.hours
        treated = float(a.drawn(self.flue_carrier) @ hours)
        captured = float(a.supplied(self.co2_carrier) @ hours)
        a.equal("share captured", captured, treated * self.capture_fraction, unit="kg")
        biogenic = self.biogenic_fraction
        on_release = self.counted == "on_release"
        vented = (treated - captured) * (1.0 - biogenic)
        a.booked("vented", vented if on_release else 0.0, effect=CO2)
        kept_back = 0.0 if on_release else captured * (1.0 - biogenic)
        a.booked("kept_back", -kept_back, effect=CO2)
        a.booked("removed", -captured * biogenic * self.count_removal, effect=CO2)

    def summary(self, r: AssetResults) -> Mapping[str, Quantity]:
        """Return full-load hours, CO2 captured and CO2 that passed through."""
        captured = r.energy(self.activity_name)
        passed = captured / self.capture_fraction - captured
        return {
            **super().summary(r),
            "captured": r.quantity(captured / KG_PER_T, "t"),
            "passed_through": r.quantity(passed / KG_PER_T, "t"),
        }
