"""Process emissions: CO2 of the works itself, which no choice of energy removes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self

import numpy as np
from pydantic import model_validator

from microgrid_opt.assets.base import Asset
from microgrid_opt.fields import CarrierName, Tonnes, require_one
from microgrid_opt.ledger import CO2, KG_PER_T
from microgrid_opt.series import SeriesKgPerHour

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from microgrid_opt.audit import AssetAudit
    from microgrid_opt.builder import Builder
    from microgrid_opt.carriers import Carrier


class ProcessEmissions(Asset):
    r"""CO2 of a works that runs as given: lime that is burnt, anodes that are used up.

    $$ e_t = \dot e_t \quad\text{or}\quad e_t = \frac{1000\,A\,y}{\sum_k h_k}, \qquad
       E = \sum_t h_t\,e_t $$

    | symbol | name | unit |
    |---|---|---|
    | $e_t$ | ``emitted`` | kg/h |
    | $\dot e_t$ | ``co2_kg_per_hour`` | kg/h |
    | $A$ | ``co2_t_per_year``, spread evenly | t/year |
    | $y$ | share of a year that the horizon stands for | – |
    | $h_t$ | step length × weight | h |

    With ``flue_carrier`` the CO2 enters that balance, where it can be captured; it counts where it
    leaves into the air.

    References: IPCC (2006), Guidelines for National Greenhouse Gas Inventories, volume 3, Industrial
    Processes and Product Use, chapter 1.
    """

    type: Literal["process_emissions"]
    co2_t_per_year: Tonnes | None = None
    """CO2 of a year, spread evenly over it."""
    co2_kg_per_hour: SeriesKgPerHour | None = None
    """CO2 of each hour, instead of the amount of a year."""
    flue_carrier: CarrierName | None = None
    """Balance that the CO2 enters instead of the air, counted in kg."""

    @model_validator(mode="after")
    def _one_amount(self) -> Self:
        require_one(self, "co2_t_per_year", "co2_kg_per_hour")
        return self

    def misfits(self, place: str, carrier: Callable[[str], Carrier]) -> Iterator[tuple[str, str]]:
        """Refuse a flue carrier that is not counted in kg."""
        del place
        unit = "kg" if self.flue_carrier is None else carrier(self.flue_carrier).unit
        if unit != "kg":
            yield "flue_carrier", f"is counted in {unit}: name a carrier counted in kg."

    def build(self, b: Builder) -> None:
        """Book the CO2, or let it into the flue."""
        if self.co2_t_per_year is None:
            flow = b.data("co2_kg_per_hour")
        else:
            rate = self.co2_t_per_year * KG_PER_T * b.horizon.year_share / b.horizon.total_hours
            flow = np.full(len(b.horizon), rate)
        emitted = b.given("emitted", flow, unit="kg/h")
        if self.flue_carrier is None:
            b.book("process", b.total(emitted), effect=CO2)
        else:
            b.supply(self.flue_carrier, emitted, role="generation")

    def audit(self, a: AssetAudit) -> None:
        """Re-derive the amount and where it went."""
        emitted = a.series("emitted")
        total = self._total(a)
        a.equal("CO2 emitted", float(emitted @ a.horizon.hours), total, unit="kg")
        if self.co2_t_per_year is None:
            a.equal("CO2 of each hour", emitted, a.data("co2_kg_per_hour"), unit="kg/h")
        else:
            a.equal("spread evenly", emitted, emitted[:1], unit="kg/h")
        if self.flue_carrier is None:
            a.booked("process", total, effect=CO2)
        else:
            a.equal("CO2 in the flue", a.supplied(self.flue_carrier), emitted, unit="kg/h")

    def _total(self, a: AssetAudit) -> float:
        if self.co2_t_per_year is not None:
            return self.co2_t_per_year * KG_PER_T * a.horizon.year_share
        rates: NDArray[np.float64] = a.data("co2_kg_per_hour")
        return float(rates @ a.horizon.hours)
