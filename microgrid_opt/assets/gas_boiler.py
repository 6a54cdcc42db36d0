"""Gas boiler: fuel gas to heat; what most parks have today."""

from __future__ import annotations

from typing import Literal

from microgrid_opt.formulations.boiler import Boiler


class GasBoiler(Boiler):
    r"""Gas boiler on the heat balance; price and CO2 of the gas stand with its supply.

    $$ q_t = \eta\, i_t, \qquad q_t \le P \ \text{or}\ i_t \le P $$

    | symbol | name | unit |
    |---|---|---|
    | $i_t$ | ``input``, gas | kW |
    | $q_t$ | heat delivered | kW |
    | $\eta$ | ``efficiency`` | – |
    | $P$ | ``power_kw``, counted on the side of ``size_on`` | kW |

    References: efficiency on the lower heating value by the direct method, EN 12953-11:2003; equations in
    `microgrid_opt.formulations.converter`.
    """

    type: Literal["gas_boiler"]

    @property
    def source(self) -> str:
        """Carrier that is taken."""
        return "gas"
