"""One page over a settlement: members, trades, gains, accounts, statements, green power."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from microgrid_opt.report import tradetables as tables
from microgrid_opt.report.page import Page, save
from microgrid_opt.report.tables import format_number, format_percent, format_quantity
from microgrid_opt.report.tradecharts import (
    accounts_chart,
    flow_chart,
    parts_chart,
    price_chart,
)
from microgrid_opt.trading.settleaudit import audit_settlement

if TYPE_CHECKING:
    from pathlib import Path

    from microgrid_opt.audit import Audit
    from microgrid_opt.trading.settlement import Settlement

    Spec = dict[str, Any]

_SCRIPTS = ("charts.js", "stages.js")
_CONTENTS = (
    ("overview", "Overview"),
    ("trades", "Who sells to whom"),
    ("gain", "Gain"),
    ("accounts", "Accounts"),
    ("statements", "Statements"),
    ("green", "Green power"),
    ("certificate", "Certificate"),
)
_MODES = {
    "joint": "Least cost of all members together.",
    "joint_ir": "Least cost of all members together, with nobody worse off.",
    "contract": "Contracts as given.",
    "clearing": "Prices that clear the trades.",
}


def write_trades_page(settlement: Settlement, path: Path) -> None:
    """Write the page of a settlement; it appears at once or not at all.

    Parameters
    ----------
    settlement
        What `microgrid_opt.trading.settlement.settle` returned.
    path
        File to write; its folder must exist.
    """
    save(render(settlement), path)


def render(settlement: Settlement) -> str:
    """Return the page's text."""
    plan, audit = settlement.plan, audit_settlement(settlement)
    statements, more = tables.statements(settlement)
    context = {
        "title": plan.problem.park.name,
        "changed": ", ".join(plan.problem.origin.changed),
        "description": plan.problem.park.description,
        "summary": _MODES.get(plan.mode, ""),
        "span": _span(settlement),
        "currency": settlement.currency,
        "contents": _CONTENTS,
        "verdict": _verdict(settlement, audit),
        "cards": _cards(settlement),
        "over": _over(settlement),
        "members": tables.members(settlement),
        "notes": settlement.notes,
        "flows": flow_chart(settlement),
        "contracts": tables.contracts(settlement),
        "losses": _losses(settlement),
        "prices": price_chart(settlement),
        "parts": parts_chart(settlement),
        "gains": tables.gains(settlement),
        "accounts_chart": accounts_chart(settlement),
        "accounts": tables.accounts(settlement),
        "missing": _missing(settlement),
        "statements": statements,
        "more": more,
        "green": tables.green(settlement),
        "buckets": tables.buckets(settlement),
        "failures": [str(check) for check in audit.failures],
        "certificate": _certificate(settlement, audit),
    }
    return Page("trades.html", _SCRIPTS).render(context)


# ---------------------------------------------------------------------------------------- words


def _over(s: Settlement) -> str:
    return "the year" if s.horizon.is_calendar_year else f"{format_number(s.horizon.total_hours)} h"


def _span(s: Settlement) -> str:
    months = s.horizon.month_labels
    span = months[0] if len(months) == 1 else f"{months[0]} to {months[-1]}"
    count = len(s.plan.problem.park.members)
    return f"{count} members, {span}, mode {s.plan.mode}"


def _verdict(s: Settlement, audit: Audit) -> list[Spec]:
    results = s.plan.results
    assert results is not None
    run = results.run
    gap = "within the gap of the solver" if run.is_optimal else f"the solver stopped: {run.status}"
    worse = s.members[s.members["gain"] < -1e-6 * s.members["cost_before"].abs()]
    names = ", ".join(worse["label"])
    checks = f"{len(audit.checks):,} sums were computed again from the plan"
    return [
        {
            "tone": "good" if run.is_optimal else "warn",
            "word": "Optimal" if run.is_optimal else "Not proven",
            "text": f"no plan of these members together costs less, {gap}."
            if run.is_optimal
            else gap,
        },
        {
            "tone": "good" if audit.passed else "bad",
            "word": "Audited" if audit.passed else "Audit failed",
            "text": f"{checks}, and agree." if audit.passed else "do not use these statements.",
        },
        {
            "tone": "good" if worse.empty else "warn",
            "word": "Nobody worse off" if worse.empty else "Worse off",
            "text": "every member gains or keeps what it had."
            if worse.empty
            else f"{names}: at these payments it would rather stay alone.",
        },
    ]


def _cards(s: Settlement) -> list[Spec]:
    gain = float(s.members["gain"].sum())
    base = float(s.members["cost_before"].abs().sum())
    energy = float(s.contracts["received_kwh"].sum())
    network = s.accounts.total("network")
    share = format_percent(gain / base, sign=True) if base and math.isfinite(base) else ""
    found = [
        ("Gain of all members", gain, s.currency, f"{share} of their costs alone", gain),
        ("Energy traded", energy, "kWh", "delivered", 0.0),
        ("Paid between members", _turnover(s), s.currency, "buyers to sellers", 0.0),
        ("Network's revenue", network, s.currency, "change, before losses it bears", 0.0),
    ]
    return [
        {
            "title": title,
            "value": format_quantity(value, unit, sign=title.startswith("Network")),
            "note": note,
            "tone": "good" if tone > 0 else "bad" if tone < 0 else "",
        }
        for title, value, unit, note, tone in found
    ]


def _turnover(s: Settlement) -> float:
    between = s.contracts[s.contracts["seller"] != s.contracts["buyer"]]
    return float(between["payment"].sum())


def _losses(s: Settlement) -> str:
    names = {"lost_buyer": "buyers", "lost_seller": "sellers", "lost_network": "the network"}
    sums = {who: float(s.contracts[f"{name}_kwh"].sum()) for name, who in names.items()}
    told = [f"{format_quantity(kwh, 'kWh')} by {who}" for who, kwh in sums.items() if kwh > 1e-6]
    return f"Losses on the way are borne: {', '.join(told)}." if told else ""


def _missing(s: Settlement) -> str:
    if not s.accounts.missing:
        return ""
    names = ", ".join(tables.label_of(s, member) for member in s.accounts.missing)
    return f"Before is without {names}, of which there is no plan alone."


def _certificate(s: Settlement, audit: Audit) -> list[tuple[str, str]]:
    results = s.plan.results
    assert results is not None
    run = results.run
    words = "all agree" if audit.passed else f"{len(audit.failures)} failed"
    rows = [
        ("Status", run.status),
        ("Model", f"{run.kind}, {run.columns:,} columns, {run.rows:,} rows"),
        ("Solver", f"{run.solver}, profile {run.profile}"),
        ("Audit of the statements", f"{len(audit.checks):,} checks, {words}"),
    ]
    if s.plan.audit is not None:
        plan = "all agree" if s.plan.audit.passed else f"{len(s.plan.audit.failures)} failed"
        rows.append(("Audit of the plan", f"{len(s.plan.audit.checks):,} checks, {plan}"))
    return rows
