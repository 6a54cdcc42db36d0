"""Wind turbines: output per kW from the site's weather and a power curve, or a series."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self

from pydantic import model_validator

from microgrid_opt.fields import require_one
from microgrid_opt.formulations.renewable import RenewableSource
from microgrid_opt.weather.spec import WindTurbine

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from microgrid_opt.problem import Surroundings


class Wind(RenewableSource):
    r"""Wind plant, sized in kW of rated power (whole turbines with ``unit_kw``).

    $$ g_t \le f_t\,P, \qquad f_t = (1-\lambda)\,p\!\left(v_t\,
       \frac{\ln(h/z_0)}{\ln(h_0/z_0)}\left(\frac{\rho_t}{\rho_0}\right)^{1/3}\right) $$

    | symbol | name | unit |
    |---|---|---|
    | $g_t$ | ``generation`` | kW |
    | $f_t$ | ``output_per_kw``, given or from ``turbine`` and the site's weather | kW/kW |
    | $P$ | ``power_kw`` | kW |
    | $p(\cdot)$ | ``power_curve`` per kW rated | – |
    | $v_t, h_0$ | wind speed and the height at which it was measured | m/s, m |
    | $h, z_0$ | ``hub_height_m``, ``roughness_length_m`` | m |
    | $\rho_t, \rho_0$ | air density, 1.225 | kg/m³ |
    | $\lambda$ | ``losses_fraction`` | – |

    References: IEC 61400-12-1:2017, air-density normalisation of the wind speed; logarithmic
    profile, Burton et al. (2011), Wind Energy Handbook, eq. 2.9, doi:10.1002/9781119992714;
    costs and curtailment as in `microgrid_opt.formulations.renewable`.
    """

    type: Literal["wind"]
    turbine: WindTurbine | None = None
    """Power curve, hub height and losses, from which the output follows with the weather."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        require_one(self, "output_per_kw", "turbine")
        return self

    def derived(self, surroundings: Surroundings) -> NDArray[np.float64] | None:
        """Return the output per kW from the weather, where it is not given."""
        return None if self.turbine is None else self.turbine.output_per_kw(surroundings.weather)
