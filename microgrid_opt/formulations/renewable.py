r"""Generation that a profile limits in every step: PV, wind and hydro plants, must-run blocks.

$$ g_t \le f_t\,P, \qquad \kappa_t = f_t\,P - g_t, \qquad
   C = \sum_t h_t\,(c_g\,g_t + c_\kappa\,\kappa_t) $$

| symbol | name | unit |
|---|---|---|
| $g_t$ | ``generation`` | kW |
| $f_t$ | ``output_per_kw`` | kW/kW |
| $P$ | ``power_kw`` | kW |
| $\kappa_t$ | curtailed power, not a variable of its own | kW |
| $c_g, c_\kappa$ | ``variable_om_per_kwh``, ``curtailment_cost_per_kwh`` | currency/kWh |
| $h_t$ | step length × weight | h |

With ``degradation_per_year`` $d$ the year that is planned is worth the years of the plant's life:

$$ f_t = f^0_t\,\frac{\sum_{y=1}^{n} (1-d)^{y-1} (1+r)^{-y}}{\sum_{y=1}^{n} (1+r)^{-y}} $$

with $f^0_t$ the output when new, $r$ the real discount rate and $n$ the life, or the project where that
is shorter.
"""

from __future__ import annotations

import math
import operator
from abc import abstractmethod
from itertools import accumulate
from typing import TYPE_CHECKING

from microgrid_opt.assets.base import Asset
from microgrid_opt.fields import FadePerYear, PricePerKWh, SizedKW
from microgrid_opt.policies.areas import Footing
from microgrid_opt.series import SeriesPerUnit

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from microgrid_opt.audit import AssetAudit
    from microgrid_opt.builder import Builder
    from microgrid_opt.finance.spec import Finance
    from microgrid_opt.problem import Surroundings
    from microgrid_opt.results import AssetResults, Quantity

CARRIER = "electricity"


class ProfiledSource(Asset):
    """Fields, equations and audit of a plant whose available output is a profile × its size."""

    power_kw: SizedKW
    """Rated power to which the output per kW refers."""
    output_per_kw: SeriesPerUnit | None = None
    """Available output per kW of `power_kw`, instead of deriving it from the weather."""
    curtailable: bool = True
    """Whether output may be cut; otherwise all of it must be used or exported."""
    variable_om_per_kwh: PricePerKWh = 0.0
    """Operating cost of each kWh generated; a premium paid to the owner is negative."""
    curtailment_cost_per_kwh: PricePerKWh = 0.0
    """Cost of each kWh cut."""
    area: Footing | None = None
    """Shared roof or plot that it stands on, and how much of it each kW takes."""

    @property
    @abstractmethod
    def is_renewable(self) -> bool:
        """Whether what it generates counts as renewable."""

    def build(self, b: Builder) -> None:
        """Write generation under its profile, curtailment and costs."""
        profile = b.data("output_per_kw")
        power = b.size("power", self.power_kw)
        generation = b.series("generation", unit="kW", upper=power, profile=profile)
        if not self.curtailable:
            share = b.param("output_per_kw", profile)
            b.require("uncurtailed", lambda t: generation[t] >= share[t] * power)
        b.supply(CARRIER, generation, role="generation", renewable=self.is_renewable)
        if self.area is not None:
            self.area.build(b, power)
        available = b.times(power, float(profile @ b.horizon.hours))
        b.measure("available_generation", available)
        if self.variable_om_per_kwh:
            b.book("variable_om", b.total(generation, self.variable_om_per_kwh))
        if self.curtailment_cost_per_kwh:
            cut = available - b.total(generation)
            b.book("curtailment", cut * self.curtailment_cost_per_kwh)

    def audit(self, a: AssetAudit) -> None:
        """Re-derive the limit of each step and the costs."""
        generation = a.series("generation")
        available = a.data("output_per_kw") * a.size("power")
        a.at_most("generation within the available", generation, available, unit="kW")
        a.at_most("generation not negative", 0.0, generation, unit="kW")
        if not self.curtailable:
            a.equal("must run", generation, available, unit="kW")
        a.equal("generation supplied", a.supplied(CARRIER), generation, unit="kW")
        if self.area is not None:
            self.area.audit(a, a.size("power"))
        hours = a.horizon.hours
        cut = float((available - generation) @ hours)
        a.booked("variable_om", float(generation @ hours) * self.variable_om_per_kwh)
        a.measure("available_generation", float(available @ hours))
        a.booked("curtailment", cut * self.curtailment_cost_per_kwh)

    def summary(self, r: AssetResults) -> Mapping[str, Quantity]:
        """Return yield, capacity factor and curtailment."""
        per_kw = float(r.data("output_per_kw") @ r.horizon.hours)
        return {
            "yield": r.quantity(per_kw, "kWh/kW"),
            "capacity_factor": r.quantity(per_kw / r.horizon.total_hours, "1"),
            "curtailed": r.quantity(per_kw * r.size("power") - r.energy("generation"), "kWh"),
        }


class RenewableSource(ProfiledSource):
    """A plant that sun, wind or water drives."""

    degradation_per_year: FadePerYear = 0.0
    """Output lost every year; the plan takes the mean of the plant's life, by present value."""

    @property
    def is_renewable(self) -> bool:
        """All of it is renewable."""
        return True

    def derived(self, surroundings: Surroundings) -> NDArray[np.float64] | None:
        """Return the output per kW that follows from the weather; ``None`` where it is given."""
        del surroundings
        return None

    def prepare(self, surroundings: Surroundings) -> Mapping[str, NDArray[np.float64]]:
        """Derive the output per kW, and wear it by the mean of the plant's life."""
        profile = self.derived(surroundings)
        if self.degradation_per_year:
            new = surroundings.data("output_per_kw") if profile is None else profile
            profile = new * self._worn(surroundings.finance)
        return {} if profile is None else {"output_per_kw": profile}

    def _worn(self, finance: Finance) -> float:
        years = min(self.power_kw.lifetime_years or finance.project_years, finance.project_years)
        rate = finance.rate_of(self.power_kw)
        worth = [(1.0 + rate) ** -year for year in range(1, max(1, round(years)) + 1)]
        kept = (1.0 - self.degradation_per_year for _ in worth)
        left = accumulate(kept, operator.mul, initial=1.0)
        return math.fsum(w * share for w, share in zip(worth, left, strict=False)) / math.fsum(
            worth
        )
