"""Where what ships beside the package is: in a wheel, an editable install, a checkout."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from microgrid_opt.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

Kind = Literal["cases", "reference", "solvers", "speed"]
_IN_CHECKOUT = {"reference": "benchmarks/reference", "speed": "benchmarks/speed"}
"""Folders that stand elsewhere in a checkout than under their own name."""


def shipped(kind: Kind) -> Path:
    """Return the folder of the shipped cases, reference cases, solver profiles or scripts of peers.

    Raises
    ------
    InputError
        When the installation has no such folder.
    """
    package = Path(__file__).resolve().parent
    places = (package / "_shipped" / kind, package.parent / _IN_CHECKOUT.get(kind, kind))
    return first_folder(kind, places)


def first_folder(kind: Kind, places: Sequence[Path]) -> Path:
    """Return the first of `places` that is a folder; see `shipped`."""
    for place in places:
        if place.is_dir():
            return place
    looked = " or ".join(str(place) for place in places)
    raise InputError(
        f"The shipped {kind} are missing (looked in {looked}): install microgrid-opt again, or "
        "give the path of a file of your own."
    )
