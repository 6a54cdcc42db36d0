"""Numbers and series of a park multiplied by factors, before anything is derived from them."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from microgrid_opt.errors import Finding, InputError, Location
from microgrid_opt.yamlio import apply_sets
from microgrid_opt.yamlio.grammar import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from microgrid_opt.yamlio import Document

    Floats = NDArray[np.float64]

_QUANTITY = re.compile(r"([+-]?\d[\d_]*(?:\.\d*)?(?:[eE][+-]?\d+)?)(\s*\D.*)?")
"""A number with or without a unit: ``12``, ``12 MW``, ``8 %``."""
SHOWN = 8


def scaled_numbers(
    document: Document, scales: Mapping[str, float]
) -> tuple[Document, dict[str, float]]:
    """Multiply the numbers that a file states.

    Parameters
    ----------
    document
        A park.
    scales
        Factors by dotted key.

    Returns
    -------
    tuple
        The park, and the factors of what is no single number in it: series.
    """
    series: dict[str, float] = {}
    for key, factor in scales.items():
        value = _at(document.data, key.split("."))
        text = _times(value, factor)
        if text is None:
            series[key] = factor
        else:
            document = apply_sets(document, [f"{key}={text}"])
    return document, series


def _at(data: Any, path: list[str]) -> Any:
    for word in path:
        if isinstance(data, dict) and word in data:
            data = data[word]
        elif isinstance(data, list) and word.isdecimal() and int(word) < len(data):
            data = data[int(word)]
        else:
            return None
    return data


def _times(value: Any, factor: float) -> str | None:
    """Return a number with its unit times a factor; ``None`` for what is no number."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return repr(value * factor)
    found = _QUANTITY.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        return None
    number = float(found[1].replace("_", "")) * factor
    return f"{number!r}{found[2] or ''}" if math.isfinite(number) else None


def scaled_series(arrays: dict[str, Floats], scales: Mapping[str, float]) -> None:
    """Multiply series in place of the mapping; a key may leave out the end if only one fits.

    Raises
    ------
    InputError
        For a key that is none of them.
    """
    findings = []
    for key, factor in scales.items():
        below = [name for name in arrays if name == key or name.startswith(f"{key}.")]
        if len(below) == 1:
            arrays[below[0]] = arrays[below[0]] * factor
            continue
        place = Location(f"--scale {key}")
        if below:
            several = ", ".join(below[:SHOWN])
            findings.append(Finding(f"stands for several series; name one: {several}.", place))
            continue
        near = nearest(key, arrays)
        hint = f" (did you mean {near!r}?)" if near else ""
        listed = ", ".join(list(arrays)[:SHOWN])
        more = ", …" if len(arrays) > SHOWN else ""
        findings.append(
            Finding(
                f"is neither a number in the park file nor a series{hint}; series are "
                f"{listed or 'none'}{more}.",
                place,
            )
        )
    if findings:
        raise InputError(findings)
