"""HiGHS options, set one by one and never silently refused."""

from __future__ import annotations

import math
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import highspy

from microgrid_opt.errors import Finding, InputError
from microgrid_opt.yamlio.grammar import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

_ENTRY = re.compile(
    r"# (?P<text>[^\n]*)\n# \[type: (?P<type>\w+), [^\n]*?"
    r"(?:range: (?P<range>[\[{][^\]}]*[\]}]), )?default: (?P<default>[^\n]*)\]\n(?P<name>\w+) ="
)


@dataclass(frozen=True)
class OptionHelp:
    """What HiGHS says of one of its options."""

    text: str
    type: str
    range: str | None
    default: str

    @property
    def allowed(self) -> str:
        """What the option takes, in words."""
        if self.type == "string":
            return self.text
        return f"{self.type} in {self.range}" if self.range else self.type


def option_help() -> dict[str, OptionHelp]:
    """Return HiGHS's own list of options, read from what it writes about itself."""
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "options.txt"
        highs.writeOptions(str(path))
        text = path.read_text(encoding="utf-8")
    return {
        entry["name"]: OptionHelp(
            entry["text"].strip(), entry["type"], entry["range"], entry["default"].strip('"')
        )
        for entry in _ENTRY.finditer(text)
    }


def set_options(highs: Any, options: Mapping[str, object]) -> None:
    """Set options on a HiGHS instance.

    Raises
    ------
    InputError
        With every option that HiGHS does not take: its near names, type and range.
    """
    refused = [(name, value) for name, value in options.items() if not _set(highs, name, value)]
    if refused:
        known = option_help()
        raise InputError([_finding(name, value, known) for name, value in refused])


def _set(highs: Any, name: str, value: object) -> bool:
    if isinstance(value, float) and math.isnan(value):
        return False
    taken: bool = highs.setOptionValue(name, value) == highspy.HighsStatus.kOk
    return taken


def _finding(name: str, value: object, known: Mapping[str, OptionHelp]) -> Finding:
    entry = known.get(name)
    if entry is None:
        near = nearest(name, known)
        hint = f"; did you mean `{near}`?" if near else "; its manual lists them under Options"
        message = f"HiGHS has no such option{hint}"
    else:
        message = f"HiGHS does not take this value: allowed is {entry.allowed}"
        message += f" (default {entry.default})" if entry.default else ""
    return Finding(message, key=f"options.{name}", value=value)


def check_options(options: Mapping[str, object]) -> None:
    """Refuse options that HiGHS does not take, before anything is solved.

    Raises
    ------
    InputError
        With a finding for each of them.
    """
    set_options(highspy.Highs(), {"log_to_console": False, **options})
