"""Demand of any carrier: steam, cold, coal, water, a product; by hour, by window or by day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self

from pydantic import model_validator

from microgrid_opt.fields import CarrierName, PricePerKg, PricePerKWh, refuse, require_one
from microgrid_opt.formulations.demand import FixedDemand
from microgrid_opt.formulations.filling import Filling
from microgrid_opt.series import SeriesKgPerHour, SeriesKW

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from microgrid_opt.carriers import Carrier


class Demand(FixedDemand):
    r"""Demand of one carrier that must be met in every step, or within windows.

    $$ x_t = D_t \quad\text{or}\quad \sum_{t \in w} \Delta t\,x_t = A_w, \; x_t \le X_t, \qquad
       s_t + u_t = x_t, \quad 0 \le u_t \le x_t $$

    | symbol | name | unit |
    |---|---|---|
    | $x_t$ | ``demand`` | kW or kg/h |
    | $D_t$ | ``power_kw`` or ``flow_kg_per_hour`` | kW or kg/h |
    | $A_w$ | ``kwh_per_day`` or ``kg_per_day``, or ``kwh`` or ``kg`` of each window | kWh or kg |
    | $X_t$ | ``max_kw`` or ``max_kg_per_hour`` | kW or kg/h |
    | $u_t$ | ``unserved`` | kW or kg/h |
    | $s_t$ | served: drawn less what is unserved | kW or kg/h |

    References: London Economics (2013), The Value of Lost Load for Electricity in Great Britain;
    equations in `microgrid_opt.formulations.demand` and `microgrid_opt.formulations.windows`.
    """

    type: Literal["demand"]
    carrier: CarrierName
    """What is drawn; carriers counted in kWh use `power_kw`, those in kg `flow_kg_per_hour`."""
    power_kw: SeriesKW | None = None
    """Flow by step, for carriers counted in kWh."""
    flow_kg_per_hour: SeriesKgPerHour | None = None
    """Flow by step, for carriers counted in kg."""
    filling: Filling | None = None
    """Amounts by day or by window, instead of by step: the plan chooses the moment."""
    unserved_price_per_kwh: PricePerKWh | None = None
    """Price of what is not delivered, for carriers counted in kWh; without it all must be."""
    unserved_price_per_kg: PricePerKg | None = None
    """Price of what is not delivered, for carriers counted in kg; without it all must be."""

    @model_validator(mode="after")
    def _one_unit(self) -> Self:
        require_one(self, "power_kw", "flow_kg_per_hour", "filling")
        prices = ["unserved_price_per_kwh", "unserved_price_per_kg"]
        right, wrong = prices if self.amount_unit == "kWh" else reversed(prices)
        if getattr(self, wrong) is not None:
            raise refuse(
                "demand",
                f"does not go with `{self.drawn_key}` in {self.amount_unit}: give `{right}`.",
                path=(wrong,),
            )
        return self

    def misfits(self, place: str, carrier: Callable[[str], Carrier]) -> Iterator[tuple[str, str]]:
        """Refuse a demand in another unit than the carrier's."""
        del place
        unit = carrier(self.carrier).unit
        if unit != self.amount_unit:
            right = "power_kw" if unit == "kWh" else "flow_kg_per_hour"
            yield (
                "carrier",
                f"is counted in {unit}, the demand in {self.amount_unit}: give `{right}`, or a "
                f"`filling` with amounts in {unit}.",
            )

    @property
    def amount_unit(self) -> str:
        """Unit in which the demand counts the carrier."""
        if self.filling is not None:
            return self.filling.unit
        return "kg" if self.power_kw is None else "kWh"

    @property
    def drawn_carrier(self) -> str:
        """Carrier that is drawn."""
        return self.carrier

    @property
    def drawn_unit(self) -> str:
        """Unit of the flow."""
        return "kW" if self.amount_unit == "kWh" else "kg/h"

    @property
    def drawn_key(self) -> str:
        """Flow by step, or filling by window."""
        keys = ("power_kw", "flow_kg_per_hour")
        return next((key for key in keys if getattr(self, key) is not None), "filling")

    @property
    def unserved_price(self) -> float | None:
        """Price of unserved demand."""
        if self.unserved_price_per_kg is not None:
            return self.unserved_price_per_kg
        return self.unserved_price_per_kwh
