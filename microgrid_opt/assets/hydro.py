"""Run-of-river hydro power: output per kW from a series."""

from __future__ import annotations

from typing import Literal

from microgrid_opt.formulations.renewable import RenewableSource
from microgrid_opt.series import SeriesPerUnit


class Hydro(RenewableSource):
    r"""Run-of-river plant: the water of each step is used or spilled, none is stored.

    $$ g_t \le f_t\,P, \qquad f_t = \min\{Q_t / Q_0,\; 1\} $$

    | symbol | name | unit |
    |---|---|---|
    | $g_t$ | ``generation`` | kW |
    | $f_t$ | ``output_per_kw`` | kW/kW |
    | $P$ | ``power_kw`` | kW |
    | $Q_t, Q_0$ | flow of the river, less what must stay in it; design flow of the turbines | m³/s |

    References: flow duration and design flow of small plants, European Small Hydropower Association
    (2004), Guide on How to Develop a Small Hydropower Plant, chapter 3; costs and curtailment as in
    `microgrid_opt.formulations.renewable`.
    """

    type: Literal["hydro"]
    output_per_kw: SeriesPerUnit
    """Available output per kW of `power_kw`, from the flow of the river."""
