"""Reading the manual: pages, fenced blocks, tables, links."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from tests.registry.catalogue import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DOCS = ROOT / "docs"
_FENCE = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, the file that it stands for, its text."""

    language: str
    title: str
    text: str


def pages() -> list[Path]:
    """Return every Markdown page, the folder of pictures left out."""
    return sorted(path for path in DOCS.rglob("*.md") if "images" not in path.parts)


@cache
def page(name: str) -> str:
    """Return the text of a page."""
    return (DOCS / name).read_text(encoding="utf-8")


def blocks(name: str, language: str) -> list[Block]:
    """Return the fenced blocks of a page in one language."""
    found = (Block(*match.groups(default="")) for match in _FENCE.finditer(page(name)))
    return [block for block in found if block.language == language]


def without_blocks(text: str) -> str:
    """Return a page without its fenced blocks."""
    return _FENCE.sub("", text)


def section(name: str, heading: str) -> str:
    """Return what stands under a heading of the second level."""
    match = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", page(name), re.M | re.S)
    assert match, f"{name} has no section {heading!r}"
    return match[1]


def first_cells(text: str) -> list[str]:
    """Return the first cell of every row of the tables in a text, backticks taken off."""
    rows = [line for line in text.splitlines() if line.startswith("|")]
    cells = [row.split("|")[1].strip() for row in rows]
    return [cell.strip("`") for cell in cells if cell.startswith("`")]


def links(text: str) -> Iterator[str]:
    """Yield the targets of all links that lead into the manual."""
    for target in re.findall(r"\]\(([^)\s]+)\)", without_blocks(text)):
        if "://" not in target:
            yield target


def headings(text: str) -> list[str]:
    """Return all headings of a page."""
    return re.findall(r"^#+ (.+)$", without_blocks(text), flags=re.MULTILINE)
