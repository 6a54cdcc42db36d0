"""A page that opens from a disk, without a network and without a server: template, charts, scripts."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from microgrid_opt.report.tables import humanised

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jinja2 import Environment

    Spec = dict[str, Any]

_FOLDER = Path(__file__).resolve().parent
NO_TIME: Mapping[str, Any] = {
    "arrays": [],
    "time": {"n": 1, "start": 0, "step": 0, "lengths": 1, "hours": 1},
}
"""What the charts' script asks of every page; for pages that have no series."""


class Page:
    """A page in the making.

    Parameters
    ----------
    template
        File of the template, beside this one.
    scripts
        Files of its scripts, in order.
    """

    def __init__(self, template: str, scripts: tuple[str, ...]) -> None:
        self._template = template
        self._library, self._script = _library(), _script(scripts)
        self._specs: dict[str, Spec] = {}

    def figure(self, spec: Spec) -> Spec:
        """Take a chart into the page; return what its place in the template has to know."""
        name = f"figure-{len(self._specs)}"
        self._specs[name] = spec
        return {"id": name, "label": spec["label"], "height": spec["height"]}

    def render(self, context: Mapping[str, Any], data: Mapping[str, Any] = NO_TIME) -> str:
        """Return the page's text.

        Parameters
        ----------
        context
            What the template shows.
        data
            What the scripts draw over time.
        """
        page = (
            _environment()
            .get_template(self._template)
            .render(
                **context,
                figure=self.figure,
                css=asset("report.css"),
                policy=_policy(self._library, self._script),
            )
        )
        # The parts that carry megabytes are put together outside the template engine.
        parts = {
            "@@FIGURES@@": _json(self._specs),
            "@@DATA@@": _json(data),
            "@@LIBRARY@@": self._library,
            "@@SCRIPT@@": self._script,
        }
        return _filled(page, parts)


def save(text: str, path: Path) -> None:
    """Write a page; the file appears at once or not at all.

    It is written beside its place and then moved there.

    Raises
    ------
    OSError
        When the file cannot be written.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_text(text, encoding="utf-8", newline="\n")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _filled(page: str, parts: Mapping[str, str]) -> str:
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


def _typeset(text: str) -> str:
    """Return a number with a minus sign, and its unit bound to it."""
    return re.sub(r"(?<![\w.])-(?=\d)", "−", re.sub(r"(?<=\d) (?=%)", "\u00a0", text))


@lru_cache(maxsize=1)
def _library() -> str:
    """Return plotly.js as the plotly package ships it."""
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs()).replace("</script", "<\\/script")


@lru_cache(maxsize=4)
def _script(names: tuple[str, ...]) -> str:
    """Return a page's own scripts as one, in a scope of its own."""
    parts = "\n".join(asset(name) for name in names)
    return f'"use strict";\n(() => {{\n{parts}}})();\n'


def asset(name: str) -> str:
    """Return the text of a style sheet or script of the pages."""
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
