"""Electric load: a demand that must be served."""

from __future__ import annotations

from typing import Literal

from microgrid_opt.fields import PricePerKWh
from microgrid_opt.formulations.demand import FixedDemand
from microgrid_opt.series import SeriesKW


class Load(FixedDemand):
    r"""Electric load that must be served in every step.

    $$ s_t + u_t = D_t, \qquad 0 \le u_t \le D_t $$

    | symbol | name | unit |
    |---|---|---|
    | $D_t$ | ``power_kw`` | kW |
    | $u_t$ | ``unserved`` | kW |
    | $s_t$ | served: drawn less what is unserved | kW |

    References: London Economics (2013), The Value of Lost Load for Electricity in Great Britain;
    equations in `microgrid_opt.formulations.demand`.
    """

    type: Literal["load"]
    power_kw: SeriesKW
    """Power drawn."""
    unserved_price_per_kwh: PricePerKWh | None = None
    """Price of what is not delivered (value of lost load); without it all must be delivered."""

    @property
    def drawn_carrier(self) -> str:
        """Electricity."""
        return "electricity"

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
