"""Levelised costs: what one unit of a product costs over the life of what makes it."""

from __future__ import annotations

from microgrid_opt.finance.limits import check_finite, check_years


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
