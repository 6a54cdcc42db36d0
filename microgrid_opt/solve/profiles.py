"""Solver profiles: named sets of native HiGHS options, shipped or the user's own file.

The names and values of the options are HiGHS's own; they are checked by HiGHS when the model is
handed over (`microgrid_opt.solve.highs`), so that no list of options is kept twice.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import ValidationError

from microgrid_opt import yamlio
from microgrid_opt.errors import Finding, InputError
from microgrid_opt.fields import Frozen
from microgrid_opt.shipped import shipped
from microgrid_opt.yamlio.findings import findings_of
from microgrid_opt.yamlio.grammar import suggest

if TYPE_CHECKING:
    from collections.abc import Sequence

DEFAULT = "default"

Option = bool | int | float | str

LARGE = "hipo"
"""Profile of large linear models."""
LARGE_NONZEROS = 200_000
"""Size from which HiPO beats dual simplex on linear park models: a year of hours with 7 sized
assets (458,000 nonzeros) took 27 s against more than 150 s, one with two given assets (105,000)
took 1 s by simplex."""


class ProfileFile(Frozen):
    """The keys of a profile file."""

    solver: Literal["highs"]
    """Which solver the options are for."""
    purpose: str
    """When to use the profile, in one sentence."""
    options: dict[str, Option]
    """Native HiGHS option names and values."""
    accept: Literal["optimal", "feasible"]
    """Whether only a proven optimum is a result, or any plan with its gap."""


class Profile(ProfileFile):
    """A profile with its name, as the solver takes it."""

    name: str
    """Name of a shipped profile, or the path of the file."""


def profile_names() -> tuple[str, ...]:
    """Return the names of the shipped profiles."""
    return tuple(sorted(path.stem for path in shipped("solvers").glob("*.yaml")))


def load_profile(name: str | Path = DEFAULT, overrides: Sequence[str] = ()) -> Profile:
    """Return a profile by the name of a shipped one or the path of a file.

    Parameters
    ----------
    name
        ``default``, ``test``, … or a path that ends in ``.yaml`` or ``.yml``.
    overrides
        ``option=value`` strings, for instance ``mip_rel_gap=0.001``; ``accept=feasible`` sets the
        profile's own key.

    Raises
    ------
    InputError
        When there is no such profile, a key is unknown or an override is no ``option=value``.
    """
    path = _path(str(name))
    document = yamlio.load(path)
    if overrides:
        paths = [text if _is_accept(text) else f"options.{text}" for text in overrides]
        document = yamlio.apply_sets(document, paths)
    try:
        read = ProfileFile.model_validate(document.data)
    except ValidationError as error:
        raise InputError(findings_of(error, document, ProfileFile)) from None
    return Profile(name=str(name), **dict(read))


def _is_accept(override: str) -> bool:
    return override.partition("=")[0].strip() == "accept"


def _path(name: str) -> Path:
    if name.endswith((".yaml", ".yml")):
        return Path(name)
    names = profile_names()
    if name not in names:
        hint = suggest(name, names, "shipped are")
        message = f"there is no solver profile `{name}`{hint}; a file of your own must end in .yaml"
        raise InputError(Finding(message))
    return shipped("solvers") / f"{name}.yaml"
