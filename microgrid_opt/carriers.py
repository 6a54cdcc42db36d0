"""Energy carriers: the unit in which each is counted, and its energy content."""

from __future__ import annotations

from microgrid_opt.fields import DegreesCelsius, Frozen, KWhPerUnit


class Carrier(Frozen):
    """A carrier and the unit of its amounts; flows are per hour of that unit."""

    unit: str = "kWh"
    """Unit of an amount: kWh or kg."""
    energy_kwh_per_unit: KWhPerUnit | None = None
    """Lower heating value per unit, for energy tables; left out: 1 for kWh, and 0 for kg: a material
    that is no energy carrier."""
    temperature_degc: DegreesCelsius | None = None
    """Temperature of a heat or cold carrier, by which hot may serve cooler and never back."""

    @property
    def content_kwh_per_unit(self) -> float:
        """Energy per unit of amount [kWh/unit]."""
        if self.energy_kwh_per_unit is None:
            return 1.0 if self.unit == "kWh" else 0.0
        return self.energy_kwh_per_unit

    @property
    def flow_unit(self) -> str:
        """Unit of a flow: kW for kWh, kg/h for kg."""
        return "kW" if self.unit == "kWh" else f"{self.unit}/h"


ELECTRICITY = "electricity"
"""Carrier of what the grid and all electric machines exchange."""
HYDROGEN_LHV_KWH_PER_KG = 33.33
"""Lower heating value of hydrogen: 119.96 MJ/kg (NIST Chemistry WebBook, 25 °C) = 33.32 kWh/kg,
commonly rounded to 33.33 (ISO 14687 energy tables, IEA 2019 The Future of Hydrogen)."""

CARRIERS = {
    "electricity": Carrier(),
    "heat": Carrier(),
    "cold": Carrier(),
    "gas": Carrier(),
    "coal": Carrier(),
    "biomass": Carrier(),
    "hydrogen": Carrier(unit="kg", energy_kwh_per_unit=HYDROGEN_LHV_KWH_PER_KG),
    "co2": Carrier(unit="kg"),
}
"""Carriers that every park knows; fuels are counted by their lower heating value, CO2 is a gas that
is captured, moved and used, not an emission."""
