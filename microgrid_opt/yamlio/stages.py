"""Stages of a park: calendar years, each with what changes against the year before it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from microgrid_opt.errors import Finding, InputError
from microgrid_opt.yamlio import Document, overlay
from microgrid_opt.yamlio.grammar import Part, dotted, kind

if TYPE_CHECKING:
    from collections.abc import Iterator

STAGES, SETTINGS = "stages", "pathway"
FIRST, LAST = 1900, 2200
_YEAR = re.compile(r"[0-9]{4}")
_OUTSIDE = (STAGES, SETTINGS, "scenarios")
"""Sections that a stage cannot change: they say what stages there are."""


def stage_years(document: Document) -> tuple[int, ...]:
    """Return the years under ``stages:`` in order; empty for a park without that section.

    Parameters
    ----------
    document
        A park file, scenario and sets applied.

    Raises
    ------
    InputError
        The section is empty or no mapping, a key is no year, years are not in order, or a stage
        changes what only the whole file can say.
    """
    if STAGES not in document.data:
        if SETTINGS in document.data:
            raise InputError(
                Finding(
                    "is about `stages`, and the file has none: add them, or remove this.",
                    document.where((SETTINGS,)),
                    SETTINGS,
                )
            )
        return ()
    section = document.data[STAGES]
    if not isinstance(section, dict) or not section:
        given = "is empty" if not section else f"is {kind(section)}"
        raise InputError(
            Finding(
                f"{given}: it must be a mapping from calendar years to what changes in them, such "
                "as `2030: {carbon: {cap_t_per_year: 5000}}`; leave it out for a single year.",
                document.where((STAGES,)),
                STAGES,
            )
        )
    findings = list(_problems(document, section))
    if findings:
        raise InputError(findings)
    return tuple(int(key) for key in section)


def _problems(document: Document, section: dict[str, Any]) -> Iterator[Finding]:
    before: int | None = None
    for key, changes in section.items():
        path = (STAGES, key)
        place, name = document.where(path), dotted(path)
        if not _YEAR.fullmatch(key) or not FIRST <= int(key) <= LAST:
            yield Finding(f"must be a calendar year from {FIRST} to {LAST}.", place, name)
            continue
        if before is not None and int(key) <= before:
            yield Finding(
                f"comes after {before}: stages stand in the order of their years, because each "
                "says what changes against the one before it.",
                place,
                name,
            )
        before = int(key)
        if changes is not None and not isinstance(changes, dict):
            message = f"must be a mapping of the keys that it changes, not {kind(changes)}"
            yield Finding(message, place, name)
            continue
        for inner in _OUTSIDE:
            if inner in (changes or {}):
                message = f"a stage cannot change `{inner}`: it stands at the top of the file."
                yield Finding(message, document.where((*path, inner)), dotted((*path, inner)))


def apply_stages(document: Document, year: int | None) -> Document:
    """Return the park of one stage, the changes of all stages up to it merged in; ``None``: of none.

    A mapping merges, anything else replaces and null removes, as in scenarios; `Document.where`
    leads to the line of the stage that said it last.

    Raises
    ------
    InputError
        The section is malformed (see `stage_years`), there is no such stage, or a key to remove does
        not exist.
    """
    years = stage_years(document)
    if year is not None and year not in years:
        have = ", ".join(map(str, years)) or "none"
        where = document.where((STAGES,))
        raise InputError(Finding(f"there is no stage {year}; the file has {have}.", where, STAGES))
    data = {key: value for key, value in document.data.items() if key not in _OUTSIDE[:2]}
    spots = {key: spot for key, spot in document.spot.children.items() if key not in _OUTSIDE[:2]}
    part = Part(data, document.spot._replace(children=spots))
    findings: list[Finding] = []
    for key, changes in document.data.get(STAGES, {}).items():
        if year is None or int(key) > year:
            break
        spot = document.spot.children[STAGES].children[key]
        part = overlay(part, Part(changes or {}, spot), (), findings)
    if findings:
        raise InputError(findings)
    return replace(document, data=part.data, spot=part.spot)
