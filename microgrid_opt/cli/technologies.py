"""What the command line says of the technology library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from microgrid_opt.cli.console import table
from microgrid_opt.completion import KEY, unknown
from microgrid_opt.errors import Finding, InputError
from microgrid_opt.library import library
from microgrid_opt.yamlio.grammar import dotted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from microgrid_opt.library import Entry


def show(out: Console, name: str) -> None:
    """Print the entry of this name, else a list of those that have it in their names.

    Raises
    ------
    InputError
        No entry has it; with what may be meant.
    """
    known = library()
    found = [entry for key, entry in known.items() if name.casefold() in key]
    if not found:
        raise InputError(Finding(unknown(name), key=KEY, value=name))
    if name in known or len(found) == 1:
        show_entry(out, known.get(name, found[0]))
    else:
        show_entries(out, found)


def show_entries(out: Console, entries: Iterable[Entry]) -> None:
    """Print entries with the type that they fit."""
    made = table("Technology", "Type", "About", left=3)
    for column in made.columns[:2]:
        column.no_wrap = True
    for entry in entries:
        made.add_row(entry.name, entry.type, entry.about)
    out.print(made)
    out.print()
    out.print("Values and sources of one: microgrid-opt technologies SET/NAME")


def show_entry(out: Console, entry: Entry) -> None:
    """Print the values of one entry, each with range, year, source and what it holds for."""
    out.print(entry.name, style="bold")
    out.print(f"{entry.about} Type: {entry.type}.")
    out.print()
    sources = list(dict.fromkeys((value.source, value.year) for value in entry.values.values()))
    made = table("Key", "Unit", "Value", "Range", "Source")
    made.columns[1].justify = "left"
    notes = []
    for path, value in entry.values.items():
        number = f"[{sources.index((value.source, value.year)) + 1}]"
        limits = f"{value.low:g} to {value.high:g}"
        made.add_row(dotted(path), value.unit or "-", f"{value.value:g}", limits, number)
        if value.note:
            notes.append(f"{dotted(path)}: {value.note}")
    out.print(made)
    out.print()
    for place, (source, year) in enumerate(sources, 1):
        out.print(f"[{place}] {year}: {source}.")
    for note in notes:
        out.print(note)
