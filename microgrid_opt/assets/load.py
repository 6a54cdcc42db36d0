"""Electric load: a demand that must be served."""

from __future__ import annotations

from typing import ClassVar, Literal

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

    carrier: ClassVar[str] = "electricity"
    key: ClassVar[str] = "power_kw"
    unit: ClassVar[str] = "kW"

    type: Literal["load"]
    power_kw: SeriesKW
    """Power drawn."""
    unserved_price_per_kwh: PricePerKWh | None = None
    """Price of what is not delivered (value of lost load); without it all must be delivered."""

    @property
    def unserved_price(self) -> float | None:
        """Price of unserved demand."""
        return self.unserved_price_per_kwh
