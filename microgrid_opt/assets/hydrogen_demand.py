"""Hydrogen demand: feedstock or fuel, by hour, by window or by day."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from microgrid_opt.fields import PricePerKg, refuse, require_one
from microgrid_opt.formulations.demand import FixedDemand
from microgrid_opt.formulations.filling import Filling
from microgrid_opt.series import SeriesKgPerHour


class HydrogenDemand(FixedDemand):
    r"""Hydrogen that must be delivered in every step, or filled into trucks within windows.

    $$ x_t = D_t \quad\text{or}\quad \sum_{t \in w} \Delta t\,x_t = A_w, \; x_t \le X_t, \qquad
       s_t + u_t = x_t, \quad 0 \le u_t \le x_t $$

    | symbol | name | unit |
    |---|---|---|
    | $x_t$ | ``demand`` | kg/h |
    | $D_t$ | ``flow_kg_per_hour`` | kg/h |
    | $A_w$ | ``kg_per_day``, or ``kg`` of each of the ``windows`` or ``deliveries`` | kg |
    | $X_t$ | ``max_kg_per_hour`` | kg/h |
    | $u_t$ | ``unserved`` | kg/h |
    | $s_t$ | served: drawn less what is unserved | kg/h |

    References: London Economics (2013), The Value of Lost Load for Electricity in Great Britain;
    equations in `microgrid_opt.formulations.demand` and `microgrid_opt.formulations.windows`.
    """

    type: Literal["hydrogen_demand"]
    flow_kg_per_hour: SeriesKgPerHour | None = None
    """Hydrogen drawn, by step."""
    filling: Filling | None = None
    """Hydrogen drawn by day or by window, instead of by step: the plan chooses the moment."""
    unserved_price_per_kg: PricePerKg | None = None
    """Price of what is not delivered (value of lost load); without it all must be delivered."""

    @model_validator(mode="after")
    def _by_step_or_window(self) -> Self:
        require_one(self, "flow_kg_per_hour", "filling")
        if self.filling is not None and self.filling.unit != "kg":
            raise refuse("filling", "is in kWh, hydrogen is counted in kg: use the `kg` keys.")
        return self

    @property
    def drawn_carrier(self) -> str:
        """Hydrogen."""
        return "hydrogen"

    @property
    def drawn_unit(self) -> str:
        """Unit of the flow."""
        return "kg/h"

    @property
    def drawn_key(self) -> str:
        """Flow by step, or filling by window."""
        return "flow_kg_per_hour" if self.filling is None else "filling"

    @property
    def unserved_price(self) -> float | None:
        """Price of unserved demand."""
        return self.unserved_price_per_kg
