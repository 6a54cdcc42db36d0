"""Energy carriers: the unit in which each is counted, and its energy content."""

from __future__ import annotations

from microgrid_opt.fields import Frozen, KWhPerUnit


class Carrier(Frozen):
    """A carrier and the unit of its amounts; flows are per hour of that unit."""

    unit: str = "kWh"
    """Unit of an amount: kWh or kg."""
    energy_kwh_per_unit: KWhPerUnit = 1.0
    """Lower heating value per unit, for energy tables; 1 where the unit is kWh."""

    @property
    def flow_unit(self) -> str:
        """Unit of a flow: kW for kWh, kg/h for kg."""
        return "kW" if self.unit == "kWh" else f"{self.unit}/h"


HYDROGEN_LHV_KWH_PER_KG = 33.33
"""Lower heating value of hydrogen: 119.96 MJ/kg (NIST Chemistry WebBook, 25 °C) = 33.32 kWh/kg,
commonly rounded to 33.33 (ISO 14687 energy tables, IEA 2019 The Future of Hydrogen)."""

CARRIERS = {
    "electricity": Carrier(),
    "heat": Carrier(),
    "gas": Carrier(),
    "hydrogen": Carrier(unit="kg", energy_kwh_per_unit=HYDROGEN_LHV_KWH_PER_KG),
}
"""Carriers that every park knows; gas is counted by its lower heating value."""
