"""The first page: what the plan costs, saves and emits, whether it is proven, and how."""

from __future__ import annotations

import math
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from microgrid_opt.ledger import CO2
from microgrid_opt.report.tables import (
    MISSING,
    Cell,
    Column,
    Table,
    format_number,
    format_percent,
    format_quantity,
    format_seconds,
    is_number,
)

if TYPE_CHECKING:
    from microgrid_opt.audit import Check
    from microgrid_opt.report.view import View
    from microgrid_opt.results import Run

Context = dict[str, Any]
LEAST_GAP = 5e-5
"""Gap below which two digits of a percentage are zero."""
_SHARES = {
    "self_sufficiency": ("Self-sufficiency", "of the electricity used is made in the park"),
    "renewable_share": ("Renewable share", "of the electricity used, export deducted"),
    "self_consumption": ("Self-consumption", "of the generation is used in the park"),
}


def cards(view: View) -> list[Context]:
    """Return the headline figures, each with a note and a tone."""
    results, reference = view.results, view.reference
    period = "/year" if view.is_year else ""
    found = [
        _against(
            "Total cost" if view.is_year else "Cost over the horizon",
            results.cost,
            None if reference is None else reference.cost,
            view.currency + period,
        ),
        _against(
            "CO2",
            results.co2_kg,
            None if reference is None else reference.co2_kg,
            "kg" + period,
        )
        if (results.ledger["effect"] == CO2).any()
        else _card("CO2", MISSING, "no asset of the park carries a CO2 factor"),
        _card(
            "Investment",
            format_quantity(float(results.sizes["capex"].sum()), view.currency),
            "new capacity, paid at the start",
        ),
    ]
    return [*found, *_earnings(view), *_shares(view)]


def _card(title: str, value: str, note: str, tone: str = "") -> Context:
    counted = value[:1].isdigit() or value[:1] == "-"
    counted = counted and not value.endswith("%")
    number, _, unit = value.partition(" ") if counted else (value, "", "")
    return {"title": title, "value": number, "unit": unit, "note": note, "tone": tone}


def _against(title: str, mine: float, theirs: float | None, unit: str) -> Context:
    value = format_quantity(mine, unit)
    if theirs is None:
        return _card(title, value, "no reference plan to compare with")
    change = mine - theirs
    share = f" ({format_percent(change / abs(theirs), sign=True)})" if theirs else ""
    note = f"{format_quantity(change, unit, sign=True)}{share} against the reference plan"
    if _equal(mine, theirs):
        return _card(title, value, "the same as in the reference plan")
    return _card(title, value, note, "good" if change < 0 else "bad")


def _earnings(view: View) -> list[Context]:
    held = view.plan.comparison
    if held is None:
        why = view.plan.reference_note or "no comparison was made"
        return [_card("Net present value", MISSING, f"no reference plan: {why}")]
    if not is_number(held.npv):
        return []
    years = f"{format_number(held.project_years)} years at {format_percent(held.discount_rate)}"
    years += f", {held.terms}" if held.terms else ""
    rate = None if held.irr is None else held.irr.rate
    tone = "good" if held.npv > 0 else "bad" if held.npv < 0 else ""
    found = [
        _card(
            "Net present value",
            format_quantity(held.npv, view.currency),
            f"of the plan against the reference, {years}",
            tone,
        )
    ]
    if held.payback_years is not None:
        found.append(_payback(held.payback_years, rate, held.extra_capex))
    return found


def _payback(years: float, rate: float | None, extra_capex: float) -> Context:
    note = "simple, against the reference plan"
    if rate is not None and is_number(rate):
        note += f"; internal rate of return {format_percent(rate)}"
    if extra_capex <= 0:
        return _card("Payback", MISSING, "no extra investment that would have to pay back")
    if math.isinf(years):
        return _card("Payback", "never", note, "bad")
    return _card("Payback", f"{format_number(years, digits=3)} years", note)


def _shares(view: View) -> list[Context]:
    held = view.results.indicators()
    found = [
        _card(title, format_percent(held[name].value), note)
        for name, (title, note) in _SHARES.items()
        if name in held
    ]
    if found:
        return found
    return [_card("Self-sufficiency", MISSING, "the park has no electricity balance")]


def verdict(view: View) -> list[Context]:
    """Return the status of the solve and of the audit, each as a word with a sentence."""
    run, audit = view.results.run, view.plan.audit
    count = len(audit.checks)
    solved = {
        "tone": "good" if run.is_optimal else "warn",
        "word": _ended(run),
        "text": _proof(view),
    }
    if audit.passed:
        checked = {
            "tone": "good",
            "word": "Audit passed",
            "text": f"all {count:,} independent checks of balances, limits, bills and CO2 agree.",
        }
    else:
        failed = len(audit.failures)
        checked = {
            "tone": "bad",
            "word": "Audit FAILED",
            "text": f"{failed:,} of {count:,} checks disagree. Do not use this plan; see the "
            "certificate below.",
        }
    found = [solved, checked]
    other = view.plan.reference_audit
    if other is not None and not other.passed:
        found.append(
            {
                "tone": "bad",
                "word": "Reference audit FAILED",
                "text": f"{len(other.failures):,} of {len(other.checks):,} checks of the reference "
                "plan disagree: the savings are not to be trusted.",
            }
        )
    return found


def _ended(run: Run) -> str:
    """Return how the solve ended: optimal as far as two digits of a percentage tell, else how near."""
    if not run.is_optimal:
        return _stopped(run)
    if run.gap is None or not is_number(run.gap) or run.gap < LEAST_GAP:
        return "Proven optimal"
    return f"Proven within {format_percent(run.gap, digits=2)}"


def _stopped(run: Run) -> str:
    if run.strategy == "rolling":
        return "Window by window"
    return f"Stopped: {_status(run.status)}"


def _status(status: str) -> str:
    return status.replace("_", " ")


def _joint(view: View) -> bool:
    """Return whether the plan was found, and is proven, as a part of one model of several stages."""
    origin = view.plan.problem.origin
    return origin.shares_purchases and origin.foresight == "perfect"


def _proof(view: View) -> str:
    run = view.results.run
    if _joint(view):
        if not run.is_optimal:
            return "this stage is part of a pathway, which is not proven optimal as a whole."
        within = "" if run.gap is None or run.gap <= 1e-9 else ", within the gap of the solver"
        return (
            "this stage is part of a pathway that is proven as a whole: no other pathway costs less "
            f"in present value{within}."
        )
    if run.gap is None or run.bound is None or not is_number(run.gap):
        if run.is_optimal:
            return "no other plan within the given limits costs less."
        return "the plan meets all limits; how much cheaper another one could be is not known."
    if run.gap <= 1e-9:
        return "no other plan within the given limits costs less."
    other = "operation of the same sizes" if run.strategy == "rolling" else "plan"
    return (
        f"no other {other} can be cheaper by more than {format_percent(run.gap, digits=2)} "
        f"({format_quantity(run.objective - run.bound, view.currency, digits=3)})."
    )


def summary(view: View) -> str:
    """Return the plan in one sentence; empty without a comparison."""
    held, reference = view.plan.comparison, view.reference
    if held is None or reference is None:
        return ""
    extra, saving = held.extra_capex, held.yearly_saving
    more = " more" if (reference.sizes["capex"] > 0).any() else ""
    if not is_number(held.npv):
        subject = "In this stage the plan"
    elif extra > 0:
        subject = f"Investing {format_quantity(extra, view.currency)}{more}"
    elif extra < 0:
        subject = f"Investing {format_quantity(-extra, view.currency)} less"
    else:
        subject = "Without extra investment, the plan"
    if _equal(held.yearly_cost, held.other_yearly_cost):
        money = "leaves the total cost as it is"
    else:
        year = format_quantity(abs(saving), f"{view.currency}/year")
        money = (
            f"{'saves' if saving > 0 else 'costs'} {year}{'' if saving > 0 else ' more'} in total"
        )
        money += ", capital cost included"
    found = f"{subject} {money}{_co2_change(view.results.co2_kg, reference.co2_kg)}."
    if not is_number(held.npv):
        found += (
            " Net present value and payback are those of the pathway: purchases of all stages earn."
        )
    return found


def _co2_change(mine: float, theirs: float) -> str:
    if theirs <= 0:
        return ""
    if _equal(mine, theirs):
        return ", and leaves CO2 as it is"
    change = (mine - theirs) / theirs
    return f", and {'cuts' if change < 0 else 'raises'} CO2 by {format_percent(abs(change))}"


def _equal(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=1e-6)


def certificate(view: View) -> Context:
    """Return how the plan was found, what is proven, and what the audit re-derived."""
    run, money, origin = view.results.run, view.currency, view.plan.problem.origin
    options = ", ".join(f"{key} = {value}" for key, value in run.options.items())
    rows: list[tuple[str, str]] = [
        ("Status", _status(run.status)),
        ("Objective", f"{format_number(run.objective, digits=8)} {money} over the horizon"),
        ("Proven bound", _bound(view)),
        ("Gap", _whole_gap(view)),
        (
            "Kind",
            f"{run.kind}, {_count(run.columns, 'column')}, {_count(run.rows, 'row')}, "
            f"{_count(run.nonzeros, 'nonzero')}, {_count(run.integers, 'integer')}"
            + (f": the model of all {len(origin.stages)} stages" if _joint(view) else ""),
        ),
        ("Solver", f"{run.solver}, profile {run.profile}, strategy {run.strategy}"),
        ("Options", options or "those of the profile"),
        (
            "Prices",
            f"duals of the {run.prices_from}"
            if run.prices_from
            else "none: this kind of solve gives no duals",
        ),
        ("Solve time", format_seconds(run.seconds)),
    ]
    if view.plan.seconds:
        spent = ", ".join(f"{k} {format_seconds(v)}" for k, v in view.plan.seconds.items())
        rows.append(("Wall time by phase", spent))
    rows.append(("Report written by", f"microgrid-opt {_version()}".strip()))
    stages = [
        (s.name, format_seconds(s.seconds), _money(s.objective, money), _money(s.bound, money))
        for s in run.stages
    ]
    comparison = view.plan.comparison
    return {
        "rows": rows,
        "stages": stages,
        "stages_title": "Stages of the solve"
        + (" of the whole pathway, in present value" if _joint(view) else ""),
        "audit": audit_table(view.plan.audit.checks),
        "failures": audit_table(view.plan.audit.failures),
        "reference_failures": (
            audit_table(view.plan.reference_audit.failures) if view.plan.reference_audit else None
        ),
        "notes": [*view.plan.audit.notes, *(comparison.notes if comparison else ())],
        "files": sorted(view.plan.problem.files.items()),
    }


def _bound(view: View) -> str:
    run, origin = view.results.run, view.plan.problem.origin
    if _joint(view):
        years = ", ".join(map(str, origin.stages[:-1]))
        return (
            "none of this stage alone: it is part of the pathway of "
            f"{years} and {origin.stages[-1]}, which is solved and proven as a whole"
        )
    if run.bound is None or not is_number(run.bound):
        return "none"
    given = ", given what earlier stages bought" if origin.shares_purchases else ""
    return f"{format_number(run.bound, digits=8)} {view.currency}: no plan can cost less{given}"


def _whole_gap(view: View) -> str:
    gap = view.results.run.gap
    if gap is None or not is_number(gap):
        return "not known"
    return _gap(gap) + (", if all of the pathway's lay in this stage" if _joint(view) else "")


def _gap(gap: float) -> str:
    return "0 %" if gap <= 1e-12 else f"{100 * gap:.3g} %"


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def _money(value: float | None, currency: str) -> str:
    return MISSING if value is None else f"{format_number(value, digits=6)} {currency}"


def _version() -> str:
    try:
        return version("microgrid-opt")
    except PackageNotFoundError:
        return ""


def audit_table(checks: tuple[Check, ...]) -> Table | None:
    """Return checks, the closest to their tolerance or furthest beyond first; ``None`` if none."""
    if not checks:
        return None

    def severity(check: Check) -> float:
        return check.error / check.allowed if check.allowed else math.inf * (check.error > 0 or 0)

    ordered = sorted(checks, key=lambda c: (c.passed, -_finite(severity(c))))
    rows: list[list[Cell]] = [
        [
            "ok" if c.passed else "FAILED",
            c.subject,
            c.what,
            _tiny(c.error),
            _tiny(c.allowed),
            "" if c.unit == "1" else c.unit,
            c.where,
        ]
        for c in ordered
    ]
    columns = [
        Column("Verdict"),
        Column("Subject"),
        Column("What was re-derived"),
        Column("Off by", "1"),
        Column("Allowed", "1"),
        Column("Unit"),
        Column("Worst at"),
    ]
    marks = {n: "bad" for n, c in enumerate(ordered) if not c.passed}
    return Table(columns, rows, marks=marks)


def _finite(value: float) -> float:
    return 0.0 if math.isnan(value) else min(value, 1e300)


def _tiny(value: float) -> str:
    if not is_number(value):
        return "not re-derived"
    return "0" if value == 0 else f"{value:.2g}"
