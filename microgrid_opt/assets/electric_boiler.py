"""Electric boiler: electricity to heat."""

from __future__ import annotations

from typing import Literal

from microgrid_opt.formulations.boiler import Boiler


class ElectricBoiler(Boiler):
    r"""Electric boiler on the heat balance.

    $$ q_t = \eta\, i_t, \qquad q_t \le P \ \text{or}\ i_t \le P $$

    | symbol | name | unit |
    |---|---|---|
    | $i_t$ | ``input``, electricity | kW |
    | $q_t$ | heat delivered | kW |
    | $\eta$ | ``efficiency`` | – |
    | $P$ | ``power_kw``, counted on the side of ``size_on`` | kW |

    References: efficiency by the direct method, EN 12953-11:2003; equations in
    `microgrid_opt.formulations.converter`.
    """

    type: Literal["electric_boiler"]

    @property
    def source(self) -> str:
        """Carrier that is taken."""
        return "electricity"
