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

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Sequence

Method = Literal["project", "lifetime", "straight_line"]

_SAME_DATE = 1e-9  # a renewal closer than this share of the project to its end is not bought
_SAME_MONEY = 1e-12  # a present value below this share of the payments in it counts as zero


def _rate(name: str, value: float) -> None:
    if not -1.0 < value < math.inf:
        raise ValueError(f"{name} = {value!r}: must be a finite number above -1 (0.06 is 6 %).")


def _years(name: str, value: float, *, finite: bool = False) -> None:
    if not value > 0 or (finite and math.isinf(value)):
        raise ValueError(f"{name} = {value!r}: must be > 0{' and finite' if finite else ''}.")


def _finite(name: str, value: float, *, minimum: float = -math.inf) -> None:
    if not math.isfinite(value) or value < minimum:
        least = "" if minimum == -math.inf else f" and >= {minimum:g}"
        raise ValueError(f"{name} = {value!r}: must be finite{least}.")


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
    _rate("rate", rate)
    _years("years", years)
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
    _rate("nominal", nominal)
    _rate("inflation", inflation)
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
    _years("lifetime_years", lifetime_years)
    _years("project_years", project_years, finite=True)
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
    _finite("capex", capex)
    _finite("replacement_fraction", replacement_fraction, minimum=0.0)
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
    _rate("rate", rate)
    residual = residual_value(capex, lifetime_years, project_years, replacement_fraction)
    price = replacement_fraction * capex
    payments = [capex]
    payments += [
        price * _discount(rate, t) for t in replacement_years(lifetime_years, project_years)
    ]
    if salvage:
        payments.append(-residual * _discount(rate, project_years))
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
    _finite("capex", capex)
    _years("lifetime_years", lifetime_years)
    _rate("rate", rate)
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
    _finite("annual_cost", annual_cost)
    _years("annual_energy_kwh", annual_energy_kwh, finite=True)
    return annual_cost / annual_energy_kwh


@dataclass(frozen=True)
class Investment:
    """One purchase with its renewals: capex [money], lifetime [years], replacement price [-]."""

    capex: float
    lifetime_years: float
    replacement_fraction: float = 1.0


@dataclass(frozen=True)
class CashFlows:
    """Dated payments of a plan against a reference; money that comes in is positive.

    All tuples have the length of `years`, the dates [years] in ascending order: every whole year
    from 0 to the end of the project and the dates of replacements between them.
    """

    years: tuple[float, ...]
    investment: tuple[float, ...]
    saving: tuple[float, ...]
    replacement: tuple[float, ...]
    residual: tuple[float, ...]

    @property
    def net(self) -> tuple[float, ...]:
        """Sum of the four kinds at every date [money]."""
        kinds = zip(self.investment, self.saving, self.replacement, self.residual, strict=True)
        return tuple(math.fsum(parts) for parts in kinds)

    @property
    def net_by_year(self) -> tuple[float, ...]:
        """Net payments of the years 0, 1, ..., each date moved to the end of its year [money]."""
        total = [0.0] * (math.ceil(self.years[-1]) + 1)
        for date, amount in zip(self.years, self.net, strict=True):
            total[math.ceil(date)] += amount
        return tuple(total)


def cash_flows(
    plan: Sequence[Investment],
    reference: Sequence[Investment],
    yearly_saving: float | Sequence[float],
    project_years: int,
    *,
    salvage: bool = True,
) -> CashFlows:
    r"""Payments of a plan minus those of a reference over the life of the project.

    With one rate $r$ and a constant saving these flows and `annual_cost` (method `project`, the
    same `salvage`) say the same thing, where $\Delta A$ is plan minus reference of all annual
    costs, investment and running:

    $$ \mathrm{NPV} = -\,\frac{\Delta A}{\mathrm{CRF}(r, N)} $$

    Parameters
    ----------
    plan, reference
        What each of the two buys in year 0; what both own already belongs in neither.
    yearly_saving
        Running cost of the reference minus that of the plan [money/year], without any capital
        cost: one number, or one for each year 1 to $N$.
    project_years
        $N$ [years], a whole number >= 1.
    salvage
        Whether the residual values come back in year $N$.
    """
    if not (project_years >= 1 and project_years % 1 == 0):
        raise ValueError(f"project_years = {project_years!r}: must be a whole number >= 1.")
    end = int(project_years)
    savings = (
        [float(yearly_saving)] * end if isinstance(yearly_saving, int | float) else yearly_saving
    )
    if len(savings) != end:
        raise ValueError(f"yearly_saving has {len(savings)} values: give one, or {end}.")
    for value in savings:
        _finite("yearly_saving", value)
    replaced: dict[float, float] = {}
    invested = residual = 0.0
    for sign, items in ((-1.0, plan), (1.0, reference)):
        for item in items:
            _finite("capex", item.capex)
            invested += sign * item.capex
            price = item.replacement_fraction * item.capex
            for date in replacement_years(item.lifetime_years, end):
                replaced[date] = replaced.get(date, 0.0) + sign * price
            residual -= sign * residual_value(
                item.capex, item.lifetime_years, end, item.replacement_fraction
            )
    dates = sorted({float(year) for year in range(end + 1)} | replaced.keys())
    saved = dict(enumerate(savings, start=1))
    return CashFlows(
        years=tuple(dates),
        investment=tuple(invested if date == 0 else 0.0 for date in dates),
        saving=tuple(saved.get(int(date), 0.0) if date == int(date) else 0.0 for date in dates),
        replacement=tuple(replaced.get(date, 0.0) for date in dates),
        residual=tuple(residual if salvage and date == end else 0.0 for date in dates),
    )


def npv(rate: float, cash_flows: Sequence[float], years: Sequence[float] | None = None) -> float:
    r"""Net present value: $\sum_j c_j (1+r)^{-t_j}$.

    Parameters
    ----------
    rate
        $r$ [1/year], > -1.
    cash_flows
        $c_j$ [money], at least one, all finite.
    years
        $t_j$ [years], >= 0, one for each payment; without it 0, 1, 2, ... Note that the function
        NPV of spreadsheets counts from 1.

    Notes
    -----
    Source: NREL/TP-462-5173, "net present value".
    """
    _rate("rate", rate)
    return math.fsum(amount * _discount(rate, date) for date, amount in _dated(cash_flows, years))


@dataclass(frozen=True)
class InternalRate:
    """Outcome of `irr`.

    `rate` [1/year] is nan when there is no rate to speak of, and `reason` then says why. `roots`
    holds every rate above -1 at which the net present value is zero, in ascending order; -1 and
    infinity stand for rates beyond the reach of floating point.
    """

    rate: float
    roots: tuple[float, ...]
    reason: str = ""


def irr(cash_flows: Sequence[float], years: Sequence[float] | None = None) -> InternalRate:
    r"""Find the internal rate of return, at which the net present value is zero.

    All roots above -1 are found, not one from a guess. The rate is the only root, or the only one
    that is >= 0: then the net present value changes its sign once for rates >= 0 and "worth it below
    this rate" holds as usual (the other roots come, for instance, from a dismantling cost in the
    last year). Otherwise it is nan. When the first payment comes in (a loan), the plan is worth it
    *above* the rate.

    Parameters
    ----------
    cash_flows, years
        As in `npv`.

    Notes
    -----
    In $u = \ln(1+r)$ the value is $f(u) = \sum_j c_j e^{-t_j u}$, which has at most as many zeros as
    the payments have changes of sign. With $s$ between the two dates of such a change, the
    derivative of $e^{s u} f$ has one change less, and between two of its zeros $f$ has one zero or
    none: the recursion ends at no change, no zero. Source: E. Laguerre, Mémoire sur la théorie des
    équations numériques, J. Math. Pures Appl. 9, 1883; NREL/TP-462-5173, "internal rate of return".
    """
    terms = _dated(cash_flows, years)
    if not (any(c > 0 for _, c in terms) and any(c < 0 for _, c in terms)):
        return InternalRate(math.nan, (), "All payments have one sign: nothing is paid back.")
    roots = tuple(math.expm1(u) if u < 700 else math.inf for u in _zeros(terms))
    useful = roots if len(roots) == 1 else tuple(root for root in roots if root >= 0)
    if len(useful) == 1:
        return InternalRate(useful[0], roots)
    if not roots:
        return InternalRate(math.nan, (), "The net present value is not zero at any rate above -1.")
    shown = ", ".join(f"{root:.4g}" for root in roots)
    return InternalRate(
        math.nan, roots, f"The net present value is zero at several rates: {shown}."
    )


def mirr(
    cash_flows: Sequence[float],
    finance_rate: float,
    reinvest_rate: float,
    years: Sequence[float] | None = None,
) -> float:
    r"""Find the modified internal rate of return; nan when nothing is paid or nothing comes in.

    $$ \mathrm{MIRR} = \left( \frac{\sum_{c_j > 0} c_j (1+r_\mathrm{re})^{T - t_j}}
       {-\sum_{c_j < 0} c_j (1+r_\mathrm{fin})^{-t_j}} \right)^{1/T} - 1 $$

    Parameters
    ----------
    cash_flows, years
        As in `npv`; the last date is $T$ > 0.
    finance_rate, reinvest_rate
        $r_\mathrm{fin}$ and $r_\mathrm{re}$ [1/year], > -1.

    Notes
    -----
    Source: S. A. Y. Lin, The Modified Internal Rate of Return and Investment Criterion, The
    Engineering Economist 21(4), 1976; same as MIRR of spreadsheets.
    """
    _rate("finance_rate", finance_rate)
    _rate("reinvest_rate", reinvest_rate)
    terms = _dated(cash_flows, years)
    last = terms[-1][0]
    received = math.fsum(c * _discount(reinvest_rate, t - last) for t, c in terms if c > 0)
    paid = math.fsum(-c * _discount(finance_rate, t) for t, c in terms if c < 0)
    if not (received and paid and last):
        return math.nan
    return float((received / paid) ** (1.0 / last)) - 1.0


def payback_years(
    cash_flows: Sequence[float], rate: float = 0.0, years: Sequence[float] | None = None
) -> float:
    r"""First date at which the payments so far, discounted with $r$, add up to zero or more.

    Simple payback with $r = 0$, discounted payback otherwise; linear between two dates. Infinity
    when it never happens. A later replacement can push the sum below zero again.

    Parameters
    ----------
    cash_flows, rate, years
        As in `npv`.

    Notes
    -----
    Source: NREL/TP-462-5173, "simple payback" and "discounted payback".
    """
    _rate("rate", rate)
    total = size = before = 0.0
    for index, (date, amount) in enumerate(_dated(cash_flows, years)):
        change = amount * _discount(rate, date)
        size += abs(change)
        if total + change >= -_SAME_MONEY * size:
            return before + (date - before) * min(1.0, -total / change) if index else date
        total, before = total + change, date
    return math.inf


def _discount(rate: float, years: float) -> float:
    return math.exp(-years * math.log1p(rate))


def _dated(amounts: Sequence[float], years: Sequence[float] | None) -> list[tuple[float, float]]:
    """Return (date, sum of the payments of that date), ascending; refuse what is not finite."""
    dates = range(len(amounts)) if years is None else years
    if not len(amounts) or len(dates) != len(amounts):
        raise ValueError(
            f"{len(amounts)} cash flows and {len(dates)} years: give at least one payment and a "
            "date for each."
        )
    found: dict[float, list[float]] = {}
    for date, amount in zip(dates, amounts, strict=True):
        _finite("years", date, minimum=0.0)
        _finite("cash_flows", amount)
        found.setdefault(float(date), []).append(amount)
    return [(date, math.fsum(found[date])) for date in sorted(found)]


def _value(terms: list[tuple[float, float]], u: float) -> float:
    """Return the sum of c exp(-t u) as a share of its terms' magnitudes, in [-1, 1]."""
    top = max(-t * u for t, _ in terms)
    parts = [c * math.exp(-t * u - top) for t, c in terms]
    return math.fsum(parts) / math.fsum(map(abs, parts))


def _zeros(terms: list[tuple[float, float]]) -> list[float]:
    """Return all real zeros of the sum of c exp(-t u), ascending; dates ascend."""
    terms = [term for term in terms if term[1] != 0.0]
    change = next((i for i, (a, b) in enumerate(pairwise(terms), 1) if (a[1] > 0) != (b[1] > 0)), 0)
    if not change:
        return []
    shift = 0.5 * (terms[change - 1][0] + terms[change][0])
    turning = _zeros([(t, c * (shift - t)) for t, c in terms])
    # Beyond these bounds the first (last) payment outweighs all others together.
    total = math.fsum(abs(c) for _, c in terms)
    high = (math.log(total / abs(terms[0][1])) + 1.0) / (terms[1][0] - terms[0][0])
    low = (math.log(abs(terms[-1][1]) / total) - 1.0) / (terms[-1][0] - terms[-2][0])
    points = [(u, _value(terms, u)) for u in (low, *(u for u in turning if low < u < high), high)]
    found = [u for u, value in points if abs(value) < _SAME_MONEY]
    for (a, left), (b, right) in pairwise(points):
        if left * right < 0.0 and min(abs(left), abs(right)) >= _SAME_MONEY:
            found.append(_bisect(terms, a, b))
    return sorted(found)


def _bisect(terms: list[tuple[float, float]], low: float, high: float) -> float:
    rising = _value(terms, high) > 0.0
    while low < (middle := 0.5 * (low + high)) < high:
        low, high = (low, middle) if (_value(terms, middle) > 0.0) == rising else (middle, high)
    return high
