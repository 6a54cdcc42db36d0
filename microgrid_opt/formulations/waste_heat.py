r"""Heat that a machine gives off beside its product: part of it is put to use, the rest rejected.

$$ r_t \le \rho\,w_t, \qquad p_t = \beta\,w_t, \qquad C = \sum_t h_t\,c_z\,(w_t - r_t) $$

| symbol | name | unit |
|---|---|---|
| $w_t$ | heat given off | kW |
| $r_t$ | ``recovered`` heat; the rest is rejected | kW |
| $\rho$ | ``fraction`` that can be recovered | – |
| $p_t$ | electricity of the cooling tower | kW |
| $\beta, c_z$ | ``electricity_kwh_per_kwh``, ``cost_per_kwh`` of the cooling tower | kWh/kWh, currency/kWh |

Source: energy balance of the machine (first law), as in EN 14511-1:2022 for heat recovery.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from microgrid_opt.fields import CarrierName, Frozen, KWhPerKWh, PositiveFraction, PricePerKWh
from microgrid_opt.ledger import Linear

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from microgrid_opt.audit import AssetAudit
    from microgrid_opt.builder import Builder
    from microgrid_opt.formulations.converter import Ratio

    Array = NDArray[np.float64]
    GivenOff = Sequence[tuple[Any, Ratio]]
    """Flows of a model, and the heat given off with each unit of them."""


class HeatRecovery(Frozen):
    """Heat given off beside the product that can be put to use; what is not recovered is lost."""

    heat_carrier: CarrierName = "heat"
    """Balance that the recovered heat serves."""
    fraction: PositiveFraction
    """Share that can be recovered."""

    def build(self, b: Builder, given_off: GivenOff) -> Any:
        """Write and return the recovered heat."""
        recovered = b.series("recovered", unit="kW")
        terms = [
            (b.param(f"recoverable_{number}", self.fraction * np.asarray(heat)), flow)
            for number, (flow, heat) in enumerate(given_off)
        ]
        b.require(
            "recovered_limit",
            lambda t: recovered[t] <= sum(share[t] * flow[t] for share, flow in terms),
        )
        b.supply(self.heat_carrier, recovered, role="conversion")
        return recovered

    def audit(self, a: AssetAudit, given_off: Array) -> Array:
        """Re-derive and return the recovered heat."""
        recovered = a.series("recovered")
        a.at_most("recovered not negative", 0.0, recovered, unit="kW")
        a.at_most("recovered within share", recovered, self.fraction * given_off, unit="kW")
        a.equal("recovered supplied", a.supplied(self.heat_carrier), recovered, unit="kW")
        return recovered


class CoolingTower(Frozen):
    """Rejection of heat to air or water; only what its operation takes is counted."""

    cost_per_kwh: PricePerKWh = 0.0
    """Cost of each kWh of heat rejected (water, chemicals)."""
    electricity_kwh_per_kwh: KWhPerKWh = 0.0
    """Electricity of fans and pumps for each kWh of heat given off, recovered or not."""

    def build(self, b: Builder, given_off: GivenOff, recovered: Any = None) -> None:
        """Book the cost of what is given off and not recovered."""
        if not self.cost_per_kwh:
            return
        rejected = sum((b.total(flow, heat) for flow, heat in given_off), Linear())
        if recovered is not None:
            rejected = rejected - b.total(recovered)
        b.book("heat_rejection", rejected * self.cost_per_kwh)

    def audit(self, a: AssetAudit, rejected: Array) -> None:
        """Re-derive the cost of what is rejected."""
        a.booked("heat_rejection", float(rejected @ a.horizon.hours) * self.cost_per_kwh)
