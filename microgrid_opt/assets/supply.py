"""Purchase of a carrier: gas from the network, hydrogen by truck, heat from a neighbour."""

from __future__ import annotations

from typing import ClassVar, Literal

from microgrid_opt.formulations.trade import Trade


class Supply(Trade):
    r"""Purchase of one carrier at a price, with CO2, limits per hour and per year.

    $$ m_t \le s_t \le \bar S_t, \qquad M\,y \le \sum_t h_t\,s_t \le A\,y, \qquad
       C = \sum_t h_t\,c_t\,s_t, \qquad E = \sum_t h_t\,\epsilon_t\,s_t $$

    | symbol | name | unit |
    |---|---|---|
    | $s_t$ | ``purchase`` | kW or kg/h |
    | $m_t$ | ``min_kw`` or ``min_kg_per_hour`` | kW or kg/h |
    | $\bar S_t$ | ``limit_kw`` or ``limit_kg_per_hour`` | kW or kg/h |
    | $M$ | ``yearly_min_kwh`` or ``yearly_min_kg`` (take or pay) | kWh or kg |
    | $A$ | ``yearly_limit_kwh`` or ``yearly_limit_kg`` | kWh or kg |
    | $c_t$ | ``price_per_kwh`` or ``price_per_kg`` | currency per unit |
    | $\epsilon_t$ | ``co2_kg_per_kwh`` or ``co2_kg_per_kg`` | kg per unit |
    | $y$ | share of a year that the horizon stands for | – |

    References: scope-1 and scope-2 factors per unit of fuel as in the GHG Protocol Corporate
    Standard (2004), chapter 6; least amounts in `microgrid_opt.formulations.trade`.
    """

    flow_name: ClassVar[str] = "purchase"
    role: ClassVar[Literal["import", "export"]] = "import"

    type: Literal["supply"]
