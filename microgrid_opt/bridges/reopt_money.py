r"""REopt's money: present worth of growing costs, and of a purchase with its taxes and incentives.

$$ \mathrm{pwf}(e) = \sum_{y=1}^{N} \Bigl(\frac{1+e}{1+r}\Bigr)^{y}, \qquad
   \lambda = \frac{\sum_y \bigl(\frac{1+e}{1+r}\bigr)^{y} (1-d)^{y-1}}{\mathrm{pwf}(e)} $$

$$ C = B - \sum_y \frac{s_y}{(1+r)^y} + \frac{R\,(1-\tau)}{(1+r)^{Y}} - \rho, \qquad
   s_1 = \tau\,(b D + (1-b) D m_1) + iB, \quad s_y = \tau\,(1-b) D m_y, \quad
   D = B\,(1 - \kappa i) $$

| symbol | meaning | unit |
|---|---|---|
| $N, r$ | years of the analysis, nominal discount rate | years, 1/year |
| $e, d$ | escalation of a cost, degradation | 1/year |
| $\lambda$ | mean output of a plant that degrades, per output when new | – |
| $C$ | what one unit of capacity costs, as of today and after tax | currency/unit |
| $B$ | price less the incentives of utility and state | currency/unit |
| $\tau, i, \kappa$ | tax, investment tax credit, its share that lowers the basis | – |
| $D, b, m_y$ | depreciable basis, bonus in year 1, MACRS share of year $y$ | currency/unit, –, – |
| $R, Y$ | price and year of the one replacement | currency/unit, years |
| $\rho$ | rebate that is not taxed | currency/unit |

REopt rounds pwf to five digits, $C$ to four, and the price after the credit to whole units; nothing is
rounded here.

References
----------
- S. Mishra et al.: The ReOpt web tool user manual, NREL, section on the economic model: present worth
  factors, MACRS and tax credits in the effective capital cost.
- REopt.jl, src/core/utils.jl: `annuity`, `levelization_factor`, `effective_cost`; src/core/cost_curve.jl.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Terms:
    """Years, nominal discount rate [1/year] and tax on income [-] of the one who pays."""

    years: int
    rate: float
    tax: float

    def worth(self, escalation: float) -> float:
        """Return pwf of a cost that grows from the first year on [years]."""
        growth = (1.0 + escalation) / (1.0 + self.rate)
        return math.fsum(growth**year for year in range(1, self.years + 1))

    def mean_output(self, escalation: float, degradation: float) -> float:
        """Return what a plant gives in the mean of its years, by their worth, per output when new."""
        growth = (1.0 + escalation) / (1.0 + self.rate)
        years = range(1, self.years + 1)
        value = math.fsum(growth**y * (1.0 - degradation) ** (y - 1) for y in years)
        return value / self.worth(escalation)


@dataclass(frozen=True)
class Price:
    """What one unit of capacity costs.

    Parameters
    ----------
    installed
        Price [currency/unit].
    credit, basis_reduction
        Investment tax credit and its share that cannot be depreciated [-].
    macrs, bonus
        Shares of the basis deducted in year 1, 2, ... after the bonus, and the bonus [-].
    rebate
        Taken off at once, not taxed [currency/unit].
    replacement, replacement_year
        Price [currency/unit] and year of the one replacement; none from the last year on.
    """

    installed: float
    credit: float = 0.0
    basis_reduction: float = 0.0
    macrs: tuple[float, ...] = ()
    bonus: float = 0.0
    rebate: float = 0.0
    replacement: float = 0.0
    replacement_year: int = 0

    def worth(self, terms: Terms) -> float:
        """Return its present value after tax, not below 0 [currency/unit]."""
        basis = self.installed * (1.0 - self.basis_reduction * self.credit)
        saved = [terms.tax * share * basis * (1.0 - self.bonus) for share in self.macrs] or [0.0]
        saved[0] += terms.tax * basis * self.bonus + self.credit * self.installed
        cost = self.installed - math.fsum(
            amount / (1.0 + terms.rate) ** year for year, amount in enumerate(saved, start=1)
        )
        if self.replacement and self.replacement_year < terms.years:
            later = (1.0 + terms.rate) ** self.replacement_year
            cost += self.replacement * (1.0 - terms.tax) / later
        return max(0.0, cost - self.rebate)
