"""A park file that is written from a REopt scenario: keys, series, sizes, money, what is left out."""

from __future__ import annotations

import calendar
import math
from typing import TYPE_CHECKING, Any

from microgrid_opt.bridges.folder import UNLIMITED, column
from microgrid_opt.bridges.pypsa_park import unique
from microgrid_opt.bridges.reopt_money import Price, Terms
from microgrid_opt.bridges.reopt_tariff import HOUR
from microgrid_opt.park import RESERVED_ASSETS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from microgrid_opt.bridges.reopt_scenario import Block, Scenario

    Floats = NDArray[np.float64]

LEAST_TURBINE_KW = 1500.0
"""Wind up to here needs no land in REopt [kW]."""
NO_LIMIT = 1e9
"""What REopt calls no limit [kW]."""


class ParkFile:
    """The park of a scenario while it is written.

    Parameters
    ----------
    scenario
        The scenario.
    """

    def __init__(self, scenario: Scenario) -> None:
        from microgrid_opt.park import HorizonSpec

        self.scenario, self.told = scenario, scenario.told
        self.words = scenario.known["technologies"]
        self.assets: dict[str, Any] = {}
        self.series: dict[str, Floats] = {}
        self.escalation: dict[str, float] = {}
        self.site = scenario.block("Site")
        money = self.money = scenario.block("Financial")
        self.terms = Terms(
            int(money.number("analysis_years")) or 1,
            money.number("offtaker_discount_rate_fraction"),
            min(money.number("offtaker_tax_rate_fraction"), 0.99),
        )
        self.growth = money.number("elec_cost_escalation_rate_fraction")
        self.om_growth = money.number("om_cost_escalation_rate_fraction")
        self.load = scenario.block("ElectricLoad")
        parts = scenario.block("Settings").number("time_steps_per_hour")
        year = int(self.load.number("year"))
        if calendar.isleap(year):
            self.load.wrong("year", "is a leap year, of which REopt drops a day: give another.")
            year += 1
        self.horizon: dict[str, Any] = {"year": year, "step_minutes": 60.0 / (parts or 1)}
        self.zone = self._zone()
        self.stamps = HorizonSpec(**self.horizon).horizon(self.zone).stamps
        self.sells = scenario.block("ElectricTariff").has("wholesale_rate")

    def _zone(self) -> str:
        if not self.site.has("longitude"):
            return "UTC"
        east = round(self.site.number("longitude") / 15.0)
        return f"Etc/GMT{-east:+d}" if east else "UTC"

    def asset(self, name: str, word: str, **keys: Any) -> str:
        """Add an asset under a key made of its name, without keys of no value."""
        key = unique(name, {*self.assets, *RESERVED_ASSETS})
        given = {k: v for k, v in keys.items() if v is not None}
        self.assets[key] = {"type": self.words[word]} | given
        return key

    def column(self, name: str, values: Any, unit: str) -> Any:
        """Return a number, or a column of the series file."""
        return column(self.series, name, values, unit)

    def profile(self, block: Block, key: str) -> Floats:
        """Return a series of a block by steps, shape (n,)."""
        n = len(self.stamps)
        return block.array(key, tuple(dict.fromkeys((HOUR, n))), n)

    def size(self, block: Block, unit: str, price: Price, most: float, om: float) -> Any:
        """Return a size; existing capacity comes on top of the limits, as in REopt."""
        existing = block.number("existing_kw") if "existing_kw" in block.spec["taken"] else 0.0
        capex = price.worth(self.terms) / (1.0 - self.terms.tax)
        least = block.number(f"min_{unit}")
        if least > most:
            block.wrong(f"min_{unit}", f"is more than the {most:g} that are possible.")
        found: dict[str, float] = {f"existing_{unit}": existing} if existing else {}
        if om:
            found[f"fixed_om_per_{unit}_year"] = om
            self.escalation["fixed_om"] = self.om_growth
        if most <= 0.0:
            return found | {f"existing_{unit}": existing}
        if least:
            found[f"min_{unit}"] = existing + least
        if most < NO_LIMIT or not capex:
            found[f"max_{unit}"] = min(existing + most, UNLIMITED)
        if capex:
            found |= {f"capex_per_{unit}": capex, "lifetime_years": float(self.terms.years)}
        return found

    def macrs(self, block: Block) -> dict[str, Any]:
        """Return how a price is depreciated; as in REopt a bonus needs a class."""
        years = int(block.number("macrs_option_years"))
        if not years:
            return {}
        if years not in self.scenario.known["macrs"]:
            block.lose("macrs_option_years", "must be 0, 5 or 7.")
            return {}
        own = "macrs_five_year" if years == 5 else "macrs_seven_year"
        shares = (
            self.money.array(own, (len(self.money.values[own]),), 0)
            if self.money.has(own)
            else self.scenario.known["macrs"][years]
        )
        return {
            "macrs": tuple(map(float, shares)),
            "bonus": block.number("macrs_bonus_fraction"),
            "basis_reduction": block.number("macrs_itc_reduction"),
        }

    def space(self, block: Block, word: str) -> float:
        """Return the largest new capacity for which there is space [kW]."""
        land = roof = math.inf
        if self.site.has("land_acres"):
            land = self.site.number("land_acres") / block.number("acres_per_kw")
        if word == "air":
            return max(land, LEAST_TURBINE_KW)
        if self.site.has("roof_squarefeet"):
            roof = self.site.number("roof_squarefeet") * block.number("kw_per_square_foot")
        most = {"ground": land, "roof": roof}.get(str(block.value("location")), land + roof)
        if math.isfinite(most) and len(self.scenario.blocks("PV")) > 1:
            self.site.lose("land_acres", "or the roof is shared by several plants of PV.")
        return most
