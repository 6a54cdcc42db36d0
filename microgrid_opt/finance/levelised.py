"""Levelised costs: what one unit of a product costs over the life of what makes it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from microgrid_opt.finance.annuity import capital_recovery_factor, present_value_factor, real_rate
from microgrid_opt.finance.limits import check_finite, check_rate, check_years
from microgrid_opt.finance.worth import npv

if TYPE_CHECKING:
    from collections.abc import Sequence

_SAME_CO2 = 1e-9  # a difference below this share of the emissions is rounding, not abatement


def lcoe(annual_cost: float, annual_energy_kwh: float) -> float:
    r"""Levelised cost of energy [money/kWh]: $A / E$.

    Parameters
    ----------
    annual_cost
        $A$ [money/year]: annualised investment plus running costs.
    annual_energy_kwh
        $E$ [kWh/year], > 0, the same in every year.

    Notes
    -----
    Source: NREL/TP-462-5173, $\mathrm{LCOE} = \mathrm{TLCC} \cdot \mathrm{UCRF} / Q$ for constant $Q$.
    """
    check_finite("annual_cost", annual_cost)
    check_years("annual_energy_kwh", annual_energy_kwh, finite=True)
    return annual_cost / annual_energy_kwh


def levelisation_factor(growth: float, rate: float, years: int) -> float:
    r"""Constant yearly amount that is worth one that grows, per unit of it in prices of year 0.

    $$ \mathrm{LF}(g, r, N) = \mathrm{CRF}(r, N) \sum_{t=1}^{N} \left(\frac{1+g}{1+r}\right)^{t}
       = \mathrm{CRF}(r, N)\,\mathrm{PVF}\!\left(\frac{r-g}{1+g}, N\right) $$

    | symbol | meaning | unit |
    |---|---|---|
    | $g$ | `growth` of the amount | 1/year |
    | $r$ | discount `rate` | 1/year |
    | $N$ | `years` | years |

    An amount of 1 in prices of year 0 is paid as $1+g$ in year 1, $(1+g)^2$ in year 2 and so on.

    Parameters
    ----------
    growth
        $g$ [1/year], > -1: escalation of a price, or degradation if negative. With 0 the factor
        is 1.
    rate
        $r$ [1/year], > -1. With 0 the factor is the mean of $(1+g)^t$.
    years
        $N$ [years], > 0 and finite.

    References
    ----------
    - W. Short, D. J. Packey, T. Holt, NREL/TP-462-5173, 1995, doi 10.2172/35391: levelization.
    - REopt, National Renewable Energy Laboratory: `annuity`, the present worth factor `pwf` with
      growth from the first year on; the factor is $\mathrm{pwf} \cdot \mathrm{CRF}$.
    """
    check_rate("growth", growth)
    check_rate("rate", rate)
    check_years("years", years, finite=True)
    worth = present_value_factor(real_rate(rate, growth), years)
    factor = capital_recovery_factor(rate, years) * worth
    if not math.isfinite(factor):
        raise ValueError(
            f"growth = {growth!r}, rate = {rate!r}: the worth of {years!r} years is beyond the "
            "reach of floating point; give rates closer to 0 or fewer years."
        )
    return factor


def levelised_cost(costs: Sequence[float], quantities: Sequence[float], rate: float) -> float:
    r"""Price at which all units of a product together just pay all costs [money/unit].

    $$ \mathrm{LC} = \frac{\sum_{t=0}^{N} C_t\,(1+r)^{-t}}{\sum_{t=0}^{N} Q_t\,(1+r)^{-t}} $$

    | symbol | meaning | unit |
    |---|---|---|
    | $C_t$ | `costs` of year $t$ | money |
    | $Q_t$ | `quantities` of year $t$ | kWh, kg, ... |
    | $r$ | discount `rate` | 1/year |

    | product | quantity | name |
    |---|---|---|
    | electricity | generated or served [kWh] | LCOE |
    | hydrogen | produced [kg] | LCOH |
    | storage | discharged [kWh] | LCOS |
    | heat, cold | delivered [kWh] | LCOHeat, LCOCold |

    The quantities are discounted because the money that they earn is: a sale of $Q_t$ at the price
    $\mathrm{LC}$ has the present value of the costs. With costs in real money and a real rate it is
    the real levelised cost, with both in nominal money the nominal one.

    Parameters
    ----------
    costs
        $C_t$ [money] of the years 0, 1, ..., N; proceeds of other products are negative.
    quantities
        $Q_t$ of the same years, >= 0, not all 0.
    rate
        $r$ [1/year], > -1.

    References
    ----------
    - W. Short, D. J. Packey, T. Holt, NREL/TP-462-5173, 1995, doi 10.2172/35391: levelized cost of
      energy, $\sum_n Q_n\,\mathrm{LCOE}\,(1+d)^{-n} = \mathrm{TLCC}$.
    """
    if not len(costs) or len(costs) != len(quantities):
        raise ValueError(
            f"{len(costs)} costs and {len(quantities)} quantities: give both for the same years, at "
            "least one."
        )
    for cost in costs:
        check_finite("costs", cost)
    for quantity in quantities:
        check_finite("quantities", quantity, minimum=0.0)
    amount = npv(rate, quantities)
    if amount <= 0.0:
        raise ValueError("quantities are all 0: nothing is made that could bear the costs.")
    return npv(rate, costs) / amount


def abatement_cost(
    cost: float, reference_cost: float, co2_kg: float, reference_co2_kg: float
) -> float:
    r"""Cost of avoiding one tonne of CO2 against a reference [money/t].

    $$ \mathrm{AC} = 1000\,\frac{C - C_\mathrm{ref}}{E_\mathrm{ref} - E} $$

    | symbol | meaning | unit |
    |---|---|---|
    | $C, C_\mathrm{ref}$ | `cost` and `reference_cost` of the same period | money |
    | $E, E_\mathrm{ref}$ | `co2_kg` and `reference_co2_kg` of that period | kg |

    Negative when the plan emits less and costs less; such figures do not rank plans, because
    emitting more makes them look better.

    Parameters
    ----------
    cost, reference_cost
        $C$ and $C_\mathrm{ref}$ [money], finite.
    co2_kg, reference_co2_kg
        $E$ and $E_\mathrm{ref}$ [kg], finite, negative where CO2 is taken from the air.

    Returns
    -------
    Money per tonne; nan when nothing is abated, which is $E \ge E_\mathrm{ref}$ to one part in 1e9.

    References
    ----------
    - F. Kesicki, P. Ekins: Marginal abatement cost curves: a call for caution, Climate Policy
      12(2), 2012, 219-236.
    """
    check_finite("cost", cost)
    check_finite("reference_cost", reference_cost)
    check_finite("co2_kg", co2_kg)
    check_finite("reference_co2_kg", reference_co2_kg)
    abated_kg = reference_co2_kg - co2_kg
    if abated_kg <= _SAME_CO2 * max(abs(co2_kg), abs(reference_co2_kg)):
        return math.nan
    return 1000.0 * (cost - reference_cost) / abated_kg
