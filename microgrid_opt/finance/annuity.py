"""Annuities: what money at one date is worth every year, and what keeping a component costs."""

from __future__ import annotations

import math
from typing import Literal, get_args

from microgrid_opt.finance.limits import check_finite, check_rate, check_years, discount

Method = Literal["project", "lifetime", "straight_line"]

_SAME_DATE = 1e-9  # a renewal closer than this share of the project to its end is not bought


def present_value_factor(rate: float, years: float) -> float:
    r"""Present value of one unit of money paid at the end of every year.

    $$ \mathrm{PVF}(r, n) = \sum_{t=1}^{n} (1+r)^{-t} = \frac{1-(1+r)^{-n}}{r} $$

    Parameters
    ----------
    rate
        $r$ [1/year], > -1. With 0 the factor is $n$.
    years
        $n$ [years], > 0, whole or not. With infinity the factor is $1/r$, and infinite for $r \le 0$.

    Notes
    -----
    Source: NREL/TP-462-5173, section on present value ("uniform series present value").
    """
    check_rate("rate", rate)
    check_years("years", years)
    if rate == 0:
        return years
    exponent = years * math.log1p(rate)
    if abs(exponent) < 1e-300:
        return years
    if exponent < -700:
        return math.inf
    return -math.expm1(-exponent) / rate


def capital_recovery_factor(rate: float, years: float) -> float:
    r"""Equal yearly payment that repays one unit of money with interest.

    $$ \mathrm{CRF}(r, n) = \frac{r\,(1+r)^n}{(1+r)^n - 1} = \frac{1}{\mathrm{PVF}(r, n)} $$

    Parameters
    ----------
    rate
        $r$ [1/year], > -1. With 0 the factor is $1/n$.
    years
        $n$ [years], > 0, whole or not. With infinity the factor is $r$, and 0 for $r \le 0$.

    Notes
    -----
    Source: NREL/TP-462-5173 ("uniform capital recovery factor"); HOMER, "Capital Recovery Factor".
    """
    return 1.0 / present_value_factor(rate, years)


def real_rate(nominal: float, inflation: float) -> float:
    r"""Rate in constant money for a rate in current money (Fisher).

    $$ r = \frac{1+i}{1+f} - 1 $$

    Parameters
    ----------
    nominal, inflation
        $i$ and $f$ [1/year], both > -1.

    Notes
    -----
    Source: I. Fisher, The Theory of Interest, 1930; HOMER, "Real Discount Rate".
    """
    check_rate("nominal", nominal)
    check_rate("inflation", inflation)
    return (nominal - inflation) / (1.0 + inflation)


def replacement_years(lifetime_years: float, project_years: float) -> tuple[float, ...]:
    r"""Dates at which a component is bought again: $k L < N$ for $k = 1, 2, \dots$.

    Parameters
    ----------
    lifetime_years
        $L$ [years], > 0; infinity means never replaced.
    project_years
        $N$ [years], > 0 and finite. A renewal due at $N$ (to one part in 1e9) is not bought.

    Returns
    -------
    Dates in years, ascending, not rounded (but a whole number missed by rounding is that number).
    """
    check_years("lifetime_years", lifetime_years)
    check_years("project_years", project_years, finite=True)
    last = math.ceil(project_years * (1.0 - _SAME_DATE) / lifetime_years)
    dates = (k * lifetime_years for k in range(1, last))
    near = _SAME_DATE * project_years
    return tuple(round(date) * 1.0 if abs(date - round(date)) < near else date for date in dates)


def residual_value(
    capex: float,
    lifetime_years: float,
    project_years: float,
    replacement_fraction: float = 1.0,
) -> float:
    r"""Worth of the unit in place at the end of the project, falling linearly with its age.

    $$ S = p\,\frac{(m+1) L - N}{L}, \qquad p = C \text{ if } m = 0 \text{ else } \rho\, C $$

    with $m$ the number of replacements. The value is at date $N$, not discounted.

    Parameters
    ----------
    capex
        $C$ [money], finite.
    lifetime_years, project_years
        $L$ and $N$ [years], as in `replacement_years`. With infinite $L$ the value is $C$.
    replacement_fraction
        $\rho$ [-], >= 0.

    Notes
    -----
    Source: HOMER, "Salvage Value". HOMER takes the replacement price for a unit that was never
    replaced, too; here every unit is worth a share of what was paid for it. NREL/TP-462-5173
    leaves the form of depreciation open.
    """
    check_finite("capex", capex)
    check_finite("replacement_fraction", replacement_fraction, minimum=0.0)
    replaced = replacement_years(lifetime_years, project_years)
    if math.isinf(lifetime_years):
        return capex
    price = capex * (replacement_fraction if replaced else 1.0)
    end = (len(replaced) + 1) * lifetime_years
    return price * max(0.0, end - project_years) / lifetime_years


def present_cost(
    capex: float,
    lifetime_years: float,
    rate: float,
    project_years: float,
    replacement_fraction: float = 1.0,
    *,
    salvage: bool = True,
) -> float:
    r"""Present value of buying a component and keeping it renewed for the whole project.

    $$ \mathrm{PC} = C + \sum_{k L < N} \rho\, C\, (1+r)^{-k L} - S\,(1+r)^{-N} $$

    Parameters
    ----------
    capex, lifetime_years, rate, project_years, replacement_fraction
        $C$, $L$, $r$, $N$, $\rho$, with the limits given in `residual_value`.
    salvage
        Whether the residual value $S$ comes back at $N$.

    Notes
    -----
    Source: HOMER, "Net Present Cost"; NREL/TP-462-5173, "total life-cycle cost".
    """
    check_rate("rate", rate)
    residual = residual_value(capex, lifetime_years, project_years, replacement_fraction)
    price = replacement_fraction * capex
    payments = [capex]
    payments += [
        price * discount(rate, t) for t in replacement_years(lifetime_years, project_years)
    ]
    if salvage:
        payments.append(-residual * discount(rate, project_years))
    return math.fsum(payments)


def annual_cost(
    capex: float,
    lifetime_years: float,
    rate: float,
    project_years: float,
    method: Method = "project",
    *,
    replacement_fraction: float = 1.0,
    salvage: bool = True,
) -> float:
    r"""Equivalent annual cost of a component.

    | method | cost per year | reads |
    |---|---|---|
    | `project` | $\mathrm{CRF}(r, N) \cdot \mathrm{PC}$ | purchase, renewals and residual over $N$ |
    | `lifetime` | $\mathrm{CRF}(r, L) \cdot C$ | repaid over its own life, renewed without end |
    | `straight_line` | $C / L$ | without interest |

    `project` equals `lifetime` when $N$ is a multiple of $L$ and $\rho = 1$.

    Parameters
    ----------
    capex
        $C$ [money], finite.
    lifetime_years
        $L$ [years], > 0, whole or not; infinity means that it never wears out.
    rate
        $r$ [1/year], > -1; not used by `straight_line`.
    project_years
        $N$ [years], > 0; finite for `project`, not used by the other two.
    method
        The convention, see the table.
    replacement_fraction
        $\rho$ [-], >= 0. Only `project` knows replacements: the other two take 1 and nothing else.
    salvage
        Whether `project` credits the residual value; without effect in the other two.

    Returns
    -------
    Money per year.

    Notes
    -----
    Source: as in `present_cost` and `capital_recovery_factor`.
    """
    check_finite("capex", capex)
    check_years("lifetime_years", lifetime_years)
    check_rate("rate", rate)
    if method not in get_args(Method):
        raise ValueError(f"method = {method!r}: must be one of {', '.join(get_args(Method))}.")
    if method == "project":
        cost = present_cost(
            capex, lifetime_years, rate, project_years, replacement_fraction, salvage=salvage
        )
        return capital_recovery_factor(rate, project_years) * cost
    if replacement_fraction != 1.0:
        raise ValueError(
            f"replacement_fraction = {replacement_fraction!r}: method {method!r} renews at full "
            "price, so it must be 1; use method 'project' for another price."
        )
    if method == "lifetime":
        return capital_recovery_factor(rate, lifetime_years) * capex
    return capex / lifetime_years
