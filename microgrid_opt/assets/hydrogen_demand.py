"""Hydrogen demand: feedstock or fuel that must be delivered."""

from __future__ import annotations

from typing import ClassVar, Literal

from microgrid_opt.fields import PricePerKg
from microgrid_opt.formulations.demand import FixedDemand
from microgrid_opt.series import SeriesKgPerHour


class HydrogenDemand(FixedDemand):
    r"""Hydrogen that must be delivered in every step.

    $$ s_t + u_t = D_t, \qquad 0 \le u_t \le D_t $$

    | symbol | name | unit |
    |---|---|---|
    | $D_t$ | ``flow_kg_per_hour`` | kg/h |
    | $u_t$ | ``unserved`` | kg/h |
    | $s_t$ | served: drawn less what is unserved | kg/h |

    References: London Economics (2013), The Value of Lost Load for Electricity in Great Britain;
    equations in `microgrid_opt.formulations.demand`.
    """

    carrier: ClassVar[str] = "hydrogen"
    key: ClassVar[str] = "flow_kg_per_hour"
    unit: ClassVar[str] = "kg/h"

    type: Literal["hydrogen_demand"]
    flow_kg_per_hour: SeriesKgPerHour
    """Hydrogen drawn."""
    unserved_price_per_kg: PricePerKg | None = None
    """Price of what is not delivered (value of lost load); without it all must be delivered."""

    @property
    def unserved_price(self) -> float | None:
        """Price of unserved demand."""
        return self.unserved_price_per_kg
