"""Sale of a carrier: hydrogen by truck, steam to a neighbour, oxygen, captured CO2, a product."""

from __future__ import annotations

from typing import ClassVar, Literal

from microgrid_opt.formulations.trade import Trade


class Sale(Trade):
    r"""Sale of one carrier at a price, with limits per hour and per year.

    $$ m_t \le s_t \le \bar S_t, \qquad M\,y \le \sum_t h_t\,s_t \le A\,y, \qquad
       C = -\sum_t h_t\,c_t\,s_t, \qquad E = \sum_t h_t\,\epsilon_t\,s_t $$

    | symbol | name | unit |
    |---|---|---|
    | $s_t$ | ``sale`` | kW or kg/h |
    | $m_t$ | ``min_kw`` or ``min_kg_per_hour`` | kW or kg/h |
    | $\bar S_t$ | ``limit_kw`` or ``limit_kg_per_hour`` | kW or kg/h |
    | $M$ | ``yearly_min_kwh`` or ``yearly_min_kg`` (a contract) | kWh or kg |
    | $A$ | ``yearly_limit_kwh`` or ``yearly_limit_kg`` | kWh or kg |
    | $c_t$ | ``price_per_kwh`` or ``price_per_kg`` | currency per unit |
    | $\epsilon_t$ | ``co2_kg_per_kwh`` or ``co2_kg_per_kg`` | kg per unit |
    | $y$ | share of a year that the horizon stands for | – |

    A sale earns no CO2 credit. CO2 that is sold for a use which lets it go counts as emitted: then
    ``co2_kg_per_kg`` is 1. A negative price is a fee, such as that of a CO2 store with a limit.

    References: transferred CO2 in Commission Implementing Regulation (EU) 2018/2066, article 49;
    least amounts in `microgrid_opt.formulations.trade`.
    """

    flow_name: ClassVar[str] = "sale"
    role: ClassVar[Literal["import", "export"]] = "export"

    type: Literal["sale"]
