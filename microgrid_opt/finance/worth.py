"""Worth of dated payments: net present value, rates of return, payback."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from microgrid_opt.finance.annuity import replacement_years, residual_value
from microgrid_opt.finance.limits import check_finite, check_rate, check_whole, discount

if TYPE_CHECKING:
    from collections.abc import Sequence

_SAME_MONEY = 1e-12  # a present value below this share of the payments in it counts as zero


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
    from 0 to the end of the project and the dates of replacements between them. The last three stay
    empty where there are no incentives, loans and taxes.
    """

    years: tuple[float, ...]
    investment: tuple[float, ...]
    saving: tuple[float, ...]
    replacement: tuple[float, ...]
    residual: tuple[float, ...]
    incentive: tuple[float, ...] = ()
    loan: tuple[float, ...] = ()
    tax: tuple[float, ...] = ()

    @property
    def net(self) -> tuple[float, ...]:
        """Sum of all kinds at every date [money]."""
        kinds = [self.investment, self.saving, self.replacement, self.residual]
        kinds += [kind for kind in (self.incentive, self.loan, self.tax) if kind]
        return tuple(math.fsum(parts) for parts in zip(*kinds, strict=True))

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
    check_whole("project_years", project_years)
    end = int(project_years)
    savings = (
        [float(yearly_saving)] * end if isinstance(yearly_saving, int | float) else yearly_saving
    )
    if len(savings) != end:
        raise ValueError(f"yearly_saving has {len(savings)} values: give one, or {end}.")
    for value in savings:
        check_finite("yearly_saving", value)
    replaced: dict[float, float] = {}
    invested = residual = 0.0
    for sign, items in ((-1.0, plan), (1.0, reference)):
        for item in items:
            check_finite("capex", item.capex)
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
    check_rate("rate", rate)
    return math.fsum(amount * discount(rate, date) for date, amount in _dated(cash_flows, years))


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
    check_rate("finance_rate", finance_rate)
    check_rate("reinvest_rate", reinvest_rate)
    terms = _dated(cash_flows, years)
    last = terms[-1][0]
    received = math.fsum(c * discount(reinvest_rate, t - last) for t, c in terms if c > 0)
    paid = math.fsum(-c * discount(finance_rate, t) for t, c in terms if c < 0)
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
    check_rate("rate", rate)
    total = size = before = 0.0
    for index, (date, amount) in enumerate(_dated(cash_flows, years)):
        change = amount * discount(rate, date)
        size += abs(change)
        if total + change >= -_SAME_MONEY * size:
            return before + (date - before) * min(1.0, -total / change) if index else date
        total, before = total + change, date
    return math.inf


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
        check_finite("years", date, minimum=0.0)
        check_finite("cash_flows", amount)
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
