r"""Money over time: annuities, net present value, rates of return, payback, levelised cost.

Pure functions of plain numbers. All money is in one currency and in real or in nominal terms
throughout, with a rate of the same kind. Payments of a year fall at its end; year 0 is the
investment. Costs are positive where a function speaks of cost; in cash flows money that comes in is
positive.

| symbol | meaning | unit |
|---|---|---|
| $r$ | discount rate, $> -1$ | 1/year |
| $N$ | length of the project | years |
| $L$ | lifetime of a component | years |
| $C$ | price of the first unit (capex) | money |
| $\rho$ | price of a replacement as a share of $C$ | - |
| $c_j, t_j$ | payment $j$ and its date | money, years |

Every function raises `ValueError` with the name, the value and what is allowed when an argument is
outside the limits given for it.

References
----------
- W. Short, D. J. Packey, T. Holt: A Manual for the Economic Evaluation of Energy Efficiency and
  Renewable Energy Technologies, NREL/TP-462-5173, 1995, doi 10.2172/35391.
- HOMER Pro 3.14 manual, glossary: Capital Recovery Factor, Net Present Cost, Replacement Cost,
  Salvage Value, Real Discount Rate.
"""

from microgrid_opt.finance.annuity import (
    Method,
    annual_cost,
    capital_recovery_factor,
    present_cost,
    present_value_factor,
    real_rate,
    replacement_years,
    residual_value,
)
from microgrid_opt.finance.depreciation import Depreciation, deductions
from microgrid_opt.finance.levelised import (
    abatement_cost,
    lcoe,
    levelisation_factor,
    levelised_cost,
)
from microgrid_opt.finance.loan import Loan, Repayment, repayments
from microgrid_opt.finance.worth import (
    CashFlows,
    InternalRate,
    Investment,
    cash_flows,
    irr,
    mirr,
    npv,
    payback_years,
)

__all__ = [
    "CashFlows",
    "Depreciation",
    "InternalRate",
    "Investment",
    "Loan",
    "Method",
    "Repayment",
    "abatement_cost",
    "annual_cost",
    "capital_recovery_factor",
    "cash_flows",
    "deductions",
    "irr",
    "lcoe",
    "levelisation_factor",
    "levelised_cost",
    "mirr",
    "npv",
    "payback_years",
    "present_cost",
    "present_value_factor",
    "real_rate",
    "repayments",
    "replacement_years",
    "residual_value",
]
