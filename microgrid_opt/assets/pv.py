"""Photovoltaics: output per kW from the site's weather or a series."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self

from pydantic import model_validator

from microgrid_opt.fields import require_one
from microgrid_opt.formulations.renewable import RenewableSource
from microgrid_opt.weather.spec import PvArray

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from microgrid_opt.problem import Surroundings


class Pv(RenewableSource):
    r"""PV plant, sized in kW of DC peak, feeding the electricity balance.

    $$ g_t \le f_t\,P, \qquad f_t = \min\{\eta_{inv}\,(1-\lambda)\,\frac{G_t}{G_0}\,
       [1 + \gamma\,(T_t - T_0)],\; 1/r\} $$

    | symbol | name | unit |
    |---|---|---|
    | $g_t$ | ``generation`` | kW |
    | $f_t$ | ``output_per_kw``, given or from ``array`` and the site's weather | kW/kW |
    | $P$ | ``power_kw``, DC peak | kW |
    | $G_t, G_0$ | irradiance on the array; 1000 | W/m² |
    | $T_t, T_0$ | cell temperature; 25 | °C |
    | $\gamma, \lambda$ | ``temperature_coefficient_per_degc``, ``losses_fraction`` | 1/K, – |
    | $\eta_{inv}, r$ | ``inverter_efficiency``, ``dc_ac_ratio`` | – |

    References: Dobos (2014), PVWatts Version 5 Manual, NREL/TP-6A20-62641, doi:10.2172/1158421;
    costs and curtailment as in `microgrid_opt.formulations.renewable`.
    """

    type: Literal["pv"]
    array: PvArray | None = None
    """Orientation and losses, from which the output follows with the site's weather."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        require_one(self, "output_per_kw", "array")
        return self

    def derived(self, surroundings: Surroundings) -> NDArray[np.float64] | None:
        """Return the output per kW from the weather, where it is not given."""
        return None if self.array is None else self.array.output_per_kw(surroundings.weather)
