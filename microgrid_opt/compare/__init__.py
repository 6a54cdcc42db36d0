r"""One plan against another: cost, CO2, and what the extra money earns.

Differences that are worth having are positive: a saving is other − plan, a reduction is other −
plan; extra capex and the columns ``difference`` are plan − other.

$$ A = \frac{C - C_{fix}}{y} + \sum_i (a_i + m_i), \qquad B = A - \sum_{i:\,K_i \ne 0} a_i $$
$$ \mathrm{NPV} = \mathrm{PVF}(r, N)\,(B' - B) - \sum_i \mathrm{PC}_i + \sum_j \mathrm{PC}'_j $$

| symbol | meaning | unit |
|---|---|---|
| $A, B$ | cost and operating cost of a year; with a prime those of the other plan | currency/year |
| $C, C_{fix}$ | cost over the horizon; its categories ``investment`` and ``fixed_om`` | currency |
| $y$ | share of a year that the horizon stands for | – |
| $a_i, m_i$ | ``annual_cost`` and ``fixed_om`` of size $i$ | currency/year |
| $K_i$ | ``capex`` of size $i$ | currency |
| $\mathrm{PVF}, \mathrm{PC}$ | `microgrid_opt.finance.present_value_factor`, `present_cost` | years, currency |
| $r, N$ | discount rate, length of the project | 1/year, years |

With inflation, growth of prices, taxes, loans, value-added tax or incentives the net present value is
that of the cash flow after tax in current money instead (`microgrid_opt.compare.aftertax`).

Source: W. Short, D. J. Packey, T. Holt, NREL/TP-462-5173, 1995, doi:10.2172/35391.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from microgrid_opt.compare.aftertax import Earned, earned, is_simple
from microgrid_opt.compare.comparison import Comparison
from microgrid_opt.compare.sides import Side, Worth, abatement_cost, bought
from microgrid_opt.errors import Finding, InputError
from microgrid_opt.finance import Investment, present_value_factor
from microgrid_opt.finance.yearly import yearly

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from microgrid_opt.horizon import Horizon
    from microgrid_opt.park import Park
    from microgrid_opt.problem import Problem
    from microgrid_opt.results import Results
    from microgrid_opt.store import StoredPlan

__all__ = ["Comparison", "compare", "compare_plans", "compare_stored", "investments_of"]

_OTHER_TERMS = "The two parks have other financial terms: each plan pays the taxes, loans and prices of its own."
_SAME = 1e-6  # relative; purchases and sizes are sums of the same numbers


def investments_of(results: Results, park: Park) -> tuple[Investment, ...]:
    """Return what a plan buys: a purchase for each row of its sizes that has capex, in order.

    Raises
    ------
    InputError
        The park does not know a size that was bought, or no lifetime for it.
    """
    found = []
    findings = []
    for row in bought(results).to_dict("records"):
        asset = park.assets.get(row["asset"])
        spec = None if asset is None else asset.sizes().get(row["size"])
        key = f"assets.{row['asset']}.{row['size']}"
        if spec is None:
            findings.append(Finding("was bought, but the park has no such size.", key=key))
        elif spec.lifetime_years is None:
            findings.append(
                Finding("was bought for money: give lifetime_years.", key=key, value=row["capex"])
            )
        else:
            found.append(Investment(row["capex"], spec.lifetime_years, spec.replacement_fraction))
    if findings:
        raise InputError(findings)
    return tuple(found)


def compare_plans(plan: Results, other: Results, problem: Problem) -> Comparison:
    """Compare two plans of one park, with the park's own rate and project life; see `compare`.

    With taxes, loans, growth, value-added tax or incentives the cash flow after tax is compared.
    """
    finance = problem.park.finance
    if not is_simple(problem.park):
        return _after_tax(plan, other, problem.park, problem.park)
    return compare(
        plan,
        other,
        discount_rate=finance.discount_rate,
        project_years=finance.project_years,
        investments=investments_of(plan, problem.park),
        other_investments=investments_of(other, problem.park),
    )


def compare_stored(plan: StoredPlan, other: StoredPlan) -> Comparison:
    """Compare two plans from their folders, with the rate and project life of the first.

    Where the second park has another rate or life, a note says so; see `compare`.
    """
    used = {name: plan.finance(name) for name in ("discount_rate", "project_years")}
    ignored = [
        f"{name} {other.finance(name):g} of {other.results.name}"
        for name, value in used.items()
        if other.finance(name) != value
    ]
    note = f"Not used: {' and '.join(ignored)}; the plan's own values hold for both."
    notes = (note,) if ignored else ()
    if not (plan.is_simple and other.is_simple):
        return _after_tax(plan.results, other.results, plan.described(), other.described(), notes)
    return compare(
        plan.results,
        other.results,
        discount_rate=used["discount_rate"],
        project_years=used["project_years"],
        investments=plan.investments,
        other_investments=other.investments,
        notes=notes,
    )


def compare(
    plan: Results,
    other: Results,
    *,
    discount_rate: float,
    project_years: float,
    investments: Sequence[Investment] = (),
    other_investments: Sequence[Investment] = (),
    notes: Sequence[str] = (),
) -> Comparison:
    r"""Compare a plan with another one, of the same park or of two parks.

    When all capex is annualised by the method ``project`` with this rate and this life, then

    $$ \mathrm{NPV} = -\,\frac{A - A'}{\mathrm{CRF}(r, N)} $$

    to rounding, for any $N$. Otherwise (method ``lifetime`` or ``straight_line``, or a size with a
    rate of its own) the net present value still follows from the dated payments: purchases,
    replacements, residual values and the operating saving, all at the one rate $r$; the yearly costs
    follow from the park's annuity rule, the two differ, and a note says by how much.

    Parameters
    ----------
    plan, other
        Two plans in the same currency over the same span of local time; steps may differ.
    discount_rate
        Real rate per year [-], > -1.
    project_years
        Length of the project [years], > 0. Rate of return and payback need a whole number.
    investments, other_investments
        What the two buy, from `investments_of`; together as much as the capex of their sizes.
    notes
        Sentences to go before those of the comparison.

    Raises
    ------
    InputError
        Currencies or horizons differ, investments are not those of the sizes, or a rate or a length
        is out of bounds.
    """
    _refuse_unlike(plan, other)
    _refuse_incomplete(plan, investments)
    _refuse_incomplete(other, other_investments)
    mine, theirs = Side.of(plan), Side.of(other)
    saving = theirs.operating - mine.operating
    try:
        worth = Worth.of(saving, investments, other_investments, discount_rate, project_years)
    except ValueError as error:
        raise InputError(str(error)) from error
    annuity_value = worth.present_value_factor * (theirs.yearly - mine.yearly)
    noted = (
        *notes,
        *_notes(plan, other, project_years, worth),
        *_annuity_note(worth.npv, annuity_value, plan.currency),
    )
    return _beside(plan, other, mine, theirs, worth, discount_rate, project_years, noted)


def _after_tax(
    plan: Results, other: Results, park: Park, other_park: Park, notes: Sequence[str] = ()
) -> Comparison:
    """Compare two plans by their cash flow in current money, each under the terms of its park."""
    _refuse_unlike(plan, other)
    for results, described in ((plan, park), (other, other_park)):
        investments_of(results, described)
    years = park.finance.project_years
    if years % 1:
        raise InputError(
            Finding("must be whole for a cash flow by year.", key="finance.project_years")
        )
    mine, theirs = Side.after(yearly(plan, park)), Side.after(yearly(other, other_park))
    found = earned(plan, other, park, other_park)
    same = park.finance == other_park.finance and park.members == other_park.members
    flow = found.flow
    worth = Worth(
        present_value_factor(park.finance.real_rate, years),
        flow.npv,
        flow.flows(),
        flow.irr,
        flow.payback_years,
        flow.discounted_payback_years,
    )
    noted = (
        *notes,
        *(() if same else (_OTHER_TERMS,)),
        *_notes(plan, other, years, worth),
        *_own_rates_note(found, plan.currency),
        *(_annuity_note(found.own_npv, found.annuity_npv, plan.currency) if same else ()),
    )
    made = _beside(plan, other, mine, theirs, worth, flow.rate, years, noted)
    taxed = any(park.finance_of(member).tax is not None for member in park.members)
    return replace(made, is_nominal=True, is_after_tax=taxed)


def _own_rates_note(found: Earned, currency: str) -> list[str]:
    if abs(found.flow.npv - found.own_npv) <= _SAME * max(abs(found.own_npv), 1.0):
        return []
    return [
        f"Members have discount rates of their own: at these the net present value is "
        f"{found.own_npv:,.0f} {currency}."
    ]


def _beside(
    plan: Results,
    other: Results,
    mine: Side,
    theirs: Side,
    worth: Worth,
    discount_rate: float,
    project_years: float,
    notes: Sequence[str],
) -> Comparison:
    return Comparison(
        name=plan.name,
        other_name=other.name,
        currency=plan.currency,
        discount_rate=discount_rate,
        project_years=project_years,
        cost=plan.cost,
        other_cost=other.cost,
        yearly_cost=mine.yearly,
        other_yearly_cost=theirs.yearly,
        co2_kg=plan.co2_kg,
        other_co2_kg=other.co2_kg,
        yearly_co2_reduction_kg=theirs.co2 - mine.co2,
        extra_capex=mine.capex - theirs.capex,
        yearly_operating_saving=theirs.operating - mine.operating,
        npv=worth.npv,
        irr=worth.irr,
        payback_years=worth.payback_years,
        discounted_payback_years=worth.discounted_payback_years,
        abatement_cost_per_t=abatement_cost(mine, theirs),
        flows=worth.flows,
        by_category=_differences(plan.ledger, other.ledger, ["effect", "category", "unit"]),
        by_asset=_differences(plan.ledger, other.ledger, ["member", "asset", "effect", "unit"]),
        by_size=_differences(plan.sizes, other.sizes, ["member", "asset", "size", "unit"], "total"),
        notes=tuple(notes),
    )


def _refuse_unlike(plan: Results, other: Results) -> None:
    findings = []
    if plan.currency != other.currency:
        findings.append(
            Finding(
                f"{plan.name} is in {plan.currency}, {other.name} in {other.currency}: money can "
                "only be compared in one currency, state both parks in the same."
            )
        )
    mine, theirs = _span(plan.horizon), _span(other.horizon)
    if mine[:2] != theirs[:2] or not math.isclose(mine[2], theirs[2], rel_tol=1e-9):
        shown = (f"{start} to {end} ({hours:g} h)" for start, end, hours in (mine, theirs))
        findings.append(
            Finding(
                "The horizons differ: {} and {}. Plan both over the same span of local time; the "
                "steps may differ.".format(*shown)
            )
        )
    if findings:
        raise InputError(findings)


def _span(horizon: Horizon) -> tuple[str, str, float]:
    """Return local start and end, and the hours that the horizon stands for."""
    import pandas as pd

    end = horizon.stamps[-1] + pd.Timedelta(hours=float(horizon.step_hours[-1]))
    first, last = (str(stamp.tz_localize(None)) for stamp in (horizon.stamps[0], end))
    return first, last, horizon.total_hours


def _refuse_incomplete(results: Results, investments: Sequence[Investment]) -> None:
    capex = math.fsum(results.sizes["capex"])
    given = math.fsum(item.capex for item in investments)
    scale = math.fsum(abs(value) for value in results.sizes["capex"])
    if abs(capex - given) > max(_SAME * scale, 1e-9):
        raise InputError(
            f"The investments given for {results.name} add up to {given:g} {results.currency}, the "
            f"capex of its sizes to {capex:g}: pass `investments_of(results, park)`."
        )


def _differences(
    plan: pd.DataFrame, other: pd.DataFrame, keys: list[str], value: str = "amount"
) -> pd.DataFrame:
    """Return sums of both by ``keys`` side by side, in order of appearance; absent means zero."""
    import pandas as pd

    sides = [table.groupby(keys, sort=False)[value].sum().to_dict() for table in (plan, other)]
    order = dict.fromkeys(key for side in sides for key in side)
    mine, theirs = ([float(side.get(key, 0.0)) for key in order] for side in sides)
    found = pd.DataFrame(list(order), columns=keys)
    return found.assign(
        plan=mine, other=theirs, difference=[a - b for a, b in zip(mine, theirs, strict=True)]
    )


def _notes(plan: Results, other: Results, project_years: float, worth: Worth) -> list[str]:
    found = [
        f"{results.name} ({role}) is not proven optimal: the solver stopped with "
        f"{results.run.status}."
        for role, results in (("plan", plan), ("other", other))
        if not results.run.is_optimal
    ]
    if worth.irr is None:
        found.append(
            "No rate of return and no payback: they need a project of whole years, not "
            f"{project_years:g}."
        )
    elif worth.irr.reason:
        found.append(f"No rate of return: {worth.irr.reason}")
    if worth.payback_years is not None and math.isinf(worth.payback_years):
        found.append(f"The extra money is not paid back within {project_years:g} years.")
    return found


def _annuity_note(npv: float, annuity_npv: float, currency: str) -> list[str]:
    if abs(npv - annuity_npv) <= _SAME * max(abs(npv), abs(annuity_npv), 1.0):
        return []
    return [
        f"The yearly costs rest on another annuity rule than the dated payments: the yearly saving "
        f"is worth {annuity_npv:,.0f} {currency} over the project, the net present value is "
        f"{npv:,.0f} {currency}."
    ]
