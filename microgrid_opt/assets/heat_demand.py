"""Heat demand: process or space heat that must be delivered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from microgrid_opt.fields import CarrierName, PricePerKWh
from microgrid_opt.formulations.demand import FixedDemand, refuse_unit
from microgrid_opt.series import SeriesKW

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from microgrid_opt.carriers import Carrier


class HeatDemand(FixedDemand):
    r"""Heat that must be delivered in every step.

    $$ s_t + u_t = D_t, \qquad 0 \le u_t \le D_t $$

    | symbol | name | unit |
    |---|---|---|
    | $D_t$ | ``power_kw`` | kW |
    | $u_t$ | ``unserved`` | kW |
    | $s_t$ | served: drawn less what is unserved | kW |

    References: London Economics (2013), The Value of Lost Load for Electricity in Great Britain;
    equations in `microgrid_opt.formulations.demand`.
    """

    type: Literal["heat_demand"]
    heat_carrier: CarrierName = "heat"
    """Heat that is drawn, by its temperature level."""
    power_kw: SeriesKW
    """Heat drawn."""
    unserved_price_per_kwh: PricePerKWh | None = None
    """Price of what is not delivered (value of lost load); without it all must be delivered."""

    def misfits(self, place: str, carrier: Callable[[str], Carrier]) -> Iterator[tuple[str, str]]:
        """Refuse a carrier that is not counted in kWh."""
        del place
        yield from refuse_unit("heat_carrier", self.heat_carrier, "kWh", carrier)

    @property
    def drawn_carrier(self) -> str:
        """Heat."""
        return self.heat_carrier

    @property
    def drawn_unit(self) -> str:
        """Unit of the flow."""
        return "kW"

    @property
    def drawn_key(self) -> str:
        """Power."""
        return "power_kw"

    @property
    def unserved_price(self) -> float | None:
        """Price of unserved demand."""
        return self.unserved_price_per_kwh
