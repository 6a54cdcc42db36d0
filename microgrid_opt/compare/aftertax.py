r"""Two plans compared by their cash flow, where money is more than one rate: taxes, loans, growth.

$$ \mathrm{NPV} = \sum_t n_t\,(1+i)^{-t}, \qquad
   \mathrm{NPV} = -\sum_m (1-\tau_m)\,\frac{A_m - A'_m}{\mathrm{CRF}(r_m, N)} $$

| symbol | meaning | unit |
|---|---|---|
| $n_t$ | net cash flow after tax, plan - other (`microgrid_opt.finance.statement`) | currency |
| $i, r_m$ | nominal rate of the park; real rate of member $m$ | 1/year |
| $A_m$ | cost of a year before tax, constant and worth the same; with a prime the other plan's | currency/year |
| $\tau_m, N$ | tax on income; length of the project | -, years |

The second equation holds for annuity ``project`` and one rate; elsewhere a note says what differs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from microgrid_opt.finance.annuity import present_value_factor
from microgrid_opt.finance.books import account
from microgrid_opt.finance.statement import Statement, statement, together
from microgrid_opt.finance.yearly import yearly

if TYPE_CHECKING:
    from microgrid_opt.park import Park
    from microgrid_opt.results import Results


def is_simple(park: Park) -> bool:
    """Return whether one discount rate is all that there is to the money of every member."""
    return all(park.finance_of(member).is_simple for member in park.members)


@dataclass(frozen=True)
class Earned:
    """What a plan earns against another one.

    Parameters
    ----------
    flow
        Cash flow of all members, at the park's rate.
    own_npv
        Net present value at the members' own rates [currency].
    annuity_npv
        The same by the yearly costs [currency].
    """

    flow: Statement
    own_npv: float
    annuity_npv: float


def earned(plan: Results, other: Results, park: Park, other_park: Park) -> Earned:
    """Return the cash flow of a plan minus that of another one, each under the terms of its park.

    The rates and the length of the project are those of `park` for both.
    """
    years = int(park.finance.project_years)
    held = {member: _flow(plan, other, park, other_park, member, years) for member in park.members}
    for member in other_park.members:
        if member not in held:
            alone = statement(account(other, None, other_park, member, years=years))
            zero = replace(alone, rows=tuple(row for row in alone.rows if row.of == "sum"))
            held[member] = zero.minus(alone)
    first = next(iter(held.values()))
    like = replace(first, rate=park.finance.nominal_rate)
    mine, theirs = yearly(plan, park), yearly(other, other_park)
    worth = []
    for member in held:
        known = park if member in park.members else other_park
        finance = known.finance_of(member)
        saved = theirs.cost.get(member, 0.0) - mine.cost.get(member, 0.0)
        factor = present_value_factor(finance.real_rate, years)
        worth.append((1.0 - finance.tax_rate) * saved * factor)
    return Earned(
        together(like, list(held.values())),
        math.fsum(one.npv for one in held.values()),
        math.fsum(worth),
    )


def _flow(
    plan: Results, other: Results, park: Park, other_park: Park, member: str, years: int
) -> Statement:
    if other_park == park:
        return statement(account(plan, other, park, member))
    mine = statement(account(plan, None, park, member))
    if member not in other_park.members:
        return mine
    return mine.minus(statement(account(other, None, other_park, member, years=years)))
