"""The report as one HTML file that opens from a disk, without a network and without a server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from microgrid_opt.ledger import COST
from microgrid_opt.report import assumptions, bills, cashflow, headline, sections
from microgrid_opt.report.page import Page, save
from microgrid_opt.report.payload import payload
from microgrid_opt.report.view import View

if TYPE_CHECKING:
    from microgrid_opt.report.view import Planned

_SCRIPTS = ("charts.js", "dispatch.js", "patterns.js", "page.js")
_CONTENTS = (
    ("overview", "Overview"),
    ("build", "What to build"),
    ("cost", "Cost"),
    ("bill", "Bill"),
    ("cash", "Cash flow"),
    ("energy", "Energy"),
    ("dispatch", "Dispatch"),
    ("patterns", "Patterns"),
    ("co2", "CO2 and limits"),
    ("certificate", "Certificate"),
    ("assumptions", "Assumptions"),
)


def write_report(plan: Planned, path: Path) -> None:
    """Write the report of a plan.

    The file appears at once or not at all: it is written beside its place and then moved there.
    The same plan gives the same bytes.

    Parameters
    ----------
    plan
        What `microgrid_opt.study.solve` returned.
    path
        File to write, usually ``report.html``; its folder must exist.

    Raises
    ------
    OSError
        When the file cannot be written.
    """
    save(render(plan), Path(path))


def render(plan: Planned) -> str:
    """Return the report's text."""
    view = View(plan)
    park = plan.problem.park
    cash = cashflow.section(view)
    absent = {"bill"} if not view.connections else set()
    absent |= {"cash"} if cash is None else set()
    context = {
        "title": plan.results.name,
        "changed": ", ".join(plan.problem.origin.changed),
        "description": park.description,
        "span": sections.span(view),
        "currency": view.currency,
        "contents": [(id, text) for id, text in _CONTENTS if id not in absent],
        "view": view,
        "cards": headline.cards(view),
        "verdict": headline.verdict(view),
        "summary": headline.summary(view),
        "reference_note": ""
        if plan.reference is not None
        else _sentence(plan.reference_note or "none was made"),
        "build": sections.build(view),
        "cost": sections.effect(view, COST),
        "cash": cash,
        "bill": bills.section(view),
        "energy": sections.energy(view),
        "effects": [sections.effect(view, name) for name in sections.effects_beyond_cost()],
        "caps": sections.caps(view),
        "certificate": headline.certificate(view),
        "details": sections.details(view),
        "assumptions": list(assumptions.blocks(view)),
    }
    return Page("report.html", _SCRIPTS).render(context, payload(view))


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
