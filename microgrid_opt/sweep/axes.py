"""What changes from point to point, as the command line states it.

| option | meaning |
|---|---|
| ``--co2 20`` | 20 caps in equal steps, from the CO2 of the least-cost plan to the least CO2 |
| ``--co2 900,600,300`` | these caps [t/year] |
| ``--vary KEY=1000,2000`` | these values of a key of the park file |
| ``--scale KEY=0.8:1.2:5`` | a number or series times 0.8, 0.9, 1, 1.1, 1.2 |

Values are a list with commas, or ``from:to:count`` in equal steps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from microgrid_opt.errors import Finding, InputError, Location

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_AXES, MOST_POINTS = 2, 1000
CAP = "carbon.cap_t_per_year"
_FORM = "separate values with commas, or write from:to:count, as in 0.8:1.2:5"


@dataclass(frozen=True)
class Axis:
    """A parameter and its values.

    Parameters
    ----------
    kind
        A cap on CO2, a key of the park file, or a factor on one.
    key
        Of the park file.
    values
        Caps [t/year], values as written, or factors; empty for a front.
    count
        Points of a front, whose caps are found first; 0 otherwise.
    """

    kind: Literal["co2", "vary", "scale"]
    key: str
    values: tuple[str | float, ...] = ()
    count: int = 0

    @property
    def points(self) -> int:
        """How many values there are."""
        return self.count or len(self.values)

    @property
    def title(self) -> str:
        """The parameter for reading."""
        return {"co2": "CO2 cap [t/year]", "vary": self.key, "scale": f"{self.key} x"}[self.kind]


def axes_of(
    co2: str | None = None, vary: Sequence[str] = (), scale: Sequence[str] = ()
) -> tuple[Axis, ...]:
    """Return the parameters that options ask for; a cap on CO2 comes last.

    Raises
    ------
    InputError
        With everything that is wrong with the options.
    """
    found: list[Axis] = []
    findings: list[Finding] = []
    for make, option, texts in (
        (_vary, "--vary", vary),
        (_scale, "--scale", scale),
        (_co2, "--co2", () if co2 is None else (co2,)),
    ):
        for text in texts:
            try:
                found.append(make(text.strip()))
            except InputError as error:
                place = Location(f"{option} {text}")
                findings += [Finding(one.message, place) for one in error.findings]
    keys = [axis.key for axis in found]
    if not found and not findings:
        findings.append(
            Finding(
                "Nothing to sweep: give --co2 20 for a front of cost and CO2, --vary KEY=VALUES, or "
                "--scale KEY=FACTORS."
            )
        )
    if len(found) > MOST_AXES:
        findings.append(
            Finding(f"At most {MOST_AXES} parameters at a time; here are {len(found)}.")
        )
    if len(set(keys)) < len(keys):
        findings.append(Finding("A parameter is given twice: put all its values in one option."))
    count = math.prod(axis.points for axis in found)
    if count > MOST_POINTS:
        findings.append(Finding(f"These are {count:,} points; at most {MOST_POINTS:,} at a time."))
    if findings:
        raise InputError(findings)
    return tuple(found)


def _co2(text: str) -> Axis:
    if text.isdecimal():
        if int(text) < 2:
            raise InputError(
                "one point is no sweep: give the number of points, 2 or more, or caps in t/year, "
                f"two or more: {_FORM}."
            )
        return Axis("co2", CAP, count=int(text))
    values = _numbers(text)
    falls = [b < a for a, b in pairwise(values)]
    if any(falls) and not all(falls):
        raise InputError("caps must fall, or grow, from one to the next: put them in order.")
    return Axis("co2", CAP, tuple(values))


def _vary(text: str) -> Axis:
    key, values = _split(text)
    if _is_span(values):
        return Axis("vary", key, tuple(_numbers(values)))
    words = tuple(word.strip() for word in values.split(","))
    _check(words)
    return Axis("vary", key, words)


def _scale(text: str) -> Axis:
    key, values = _split(text)
    factors = tuple(_numbers(values))
    if min(factors) < 0.0:
        raise InputError("a factor is negative: factors are 0 or more.")
    return Axis("scale", key, factors)


def _split(text: str) -> tuple[str, str]:
    key, equals, values = text.partition("=")
    if not equals or not all(part.strip() for part in (*key.split("."), values)):
        raise InputError(f"write path.to.key=VALUES: {_FORM}.")
    return key.strip(), values


def _is_span(text: str) -> bool:
    return "," not in text and text.count(":") == 2


def _numbers(text: str) -> list[float]:
    if _is_span(text):
        first, last, count = text.split(":")
        if not count.strip().isdecimal() or int(count) < 2:
            raise InputError(f"{count.strip()!r} is no number of points: give 2 or more.")
        start, end, steps = _number(first), _number(last), int(count) - 1
        # Tidy decimals: 0.8:1.2:5 is 0.9 and not 0.9000000000000001.
        found = [float(f"{start + (end - start) * k / steps:.12g}") for k in range(steps + 1)]
        found[0], found[-1] = start, end
    else:
        found = [_number(word) for word in text.split(",")]
    _check(found)
    return found


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise InputError(f"{text.strip()!r} is not a number: {_FORM}.") from None
    if not math.isfinite(value):
        raise InputError(f"{text.strip()!r} is not a finite number.")
    return value


def _check(values: Sequence[object]) -> None:
    if "" in values:
        raise InputError(f"a value is missing: {_FORM}.")
    if len(values) < 2:
        raise InputError(f"one point is no sweep: give two values or more; {_FORM}.")
    if len(set(values)) < len(values):
        raise InputError("a value is given twice: drop one.")
