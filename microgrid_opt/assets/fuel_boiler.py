"""Boiler for any fuel or a blend: coal, biomass, gas, waste; steam or hot water."""

from __future__ import annotations

from typing import Literal

from microgrid_opt.formulations.boiler import Boiler
from microgrid_opt.formulations.fuel import FuelConverter


class FuelBoiler(FuelConverter, Boiler):
    r"""Boiler for one fuel or several at once (co-firing), on any heat balance.

    $$ q_t = \eta \sum_k \epsilon_k f_{k,t}, \qquad q_t \le a_t\,P \ \text{or}\
       \sum_k f_{k,t} \le a_t\,P, \qquad
       \underline{x}_k \sum_i f_{i,t} \le f_{k,t} \le \bar{x}_k \sum_i f_{i,t} $$

    | symbol | name | unit |
    |---|---|---|
    | $f_{k,t}$ | ``fuel`` or each of ``fuels``, burnt | kW |
    | $\epsilon_k$ | ``efficiency_factor`` | – |
    | $\underline{x}_k, \bar{x}_k$ | ``min_share``, ``max_share`` | – |
    | $q_t$ | heat on ``heat_carrier`` | kW |
    | $\eta$ | ``efficiency`` | – |
    | $a_t$ | ``available_fraction`` | – |
    | $P$ | ``power_kw``, counted on the side of ``size_on`` | kW |

    References: efficiency by the direct method, EN 12953-11:2003; equations in
    `microgrid_opt.formulations.fuel`.
    """

    type: Literal["fuel_boiler"]

    @property
    def total_yield(self) -> float:
        """Heat."""
        return self.efficiency
