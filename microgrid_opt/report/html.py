"""The report as one HTML file that opens from a disk, without a network and without a server."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from microgrid_opt.ledger import COST
from microgrid_opt.report import assumptions, bills, cashflow, headline, sections
from microgrid_opt.report.payload import payload
from microgrid_opt.report.tables import humanised
from microgrid_opt.report.view import View

if TYPE_CHECKING:
    from jinja2 import Environment

    from microgrid_opt.report.view import Planned

_FOLDER = Path(__file__).resolve().parent
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
    text = render(plan)
    path = Path(path)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_text(text, encoding="utf-8", newline="\n")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def render(plan: Planned) -> str:
    """Return the report's text."""
    view = View(plan)
    park = plan.problem.park
    specs: dict[str, Any] = {}

    def figure(spec: dict[str, Any]) -> dict[str, Any]:
        name = f"figure-{len(specs)}"
        specs[name] = spec
        return {"id": name, "label": spec["label"], "height": spec["height"]}

    library, script = _library(), _script()
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
        "figure": figure,
        "css": _asset("report.css"),
        "policy": _policy(library, script),
    }
    # The parts that carry megabytes are put together outside the template engine.
    page = _environment().get_template("report.html").render(context)
    parts = {
        "@@FIGURES@@": _json(specs),
        "@@DATA@@": _json(payload(view)),
        "@@LIBRARY@@": library,
        "@@SCRIPT@@": script,
    }
    return _filled(page, parts)


def _filled(page: str, parts: dict[str, str]) -> str:
    """Put the large parts in their places, each of which stands once, at the end of the page."""
    filled = []
    for mark, part in parts.items():
        before, _, page = page.partition(f"<!--{mark}-->")
        filled += [before, part]
    return "".join([*filled, page])


@lru_cache(maxsize=1)
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["typeset"] = _typeset
    made.filters["words"] = humanised
    return made


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _typeset(text: str) -> str:
    """Return a number with a minus sign, and its unit bound to it."""
    return re.sub(r"(?<![\w.])-(?=\d)", "−", re.sub(r"(?<=\d) (?=%)", "\u00a0", text))


@lru_cache(maxsize=1)
def _library() -> str:
    """Return plotly.js as the plotly package ships it."""
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs()).replace("</script", "<\\/script")


@lru_cache(maxsize=1)
def _script() -> str:
    """Return the report's own scripts as one, in a scope of its own."""
    parts = "\n".join(_asset(name) for name in _SCRIPTS)
    return f'"use strict";\n(() => {{\n{parts}}})();\n'


def _asset(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _policy(*scripts: str) -> str:
    """Return the content security policy: these scripts only, and nothing from any network."""
    sources = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
        for text in scripts
    )
    return (
        f"default-src 'none'; script-src {sources}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


def _json(value: object) -> str:
    """Return JSON that can stand inside an HTML script element whatever texts it holds."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text
