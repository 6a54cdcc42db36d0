"""The exceptions of microgrid_opt and the findings that they carry.

```
MicrogridError            exit code 1
├── InputError            2  the park, a series or an option is wrong: nothing was solved
├── InfeasibleError       3  no plan can meet the limits; the message names them
├── NoPlanError           4  the solver stopped before it held any plan
└── AuditError            5  the independent re-computation disagrees with the results
```
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, order=True)
class Location:
    """A place in an input file; line and column count from 1, 0 means unknown."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        """Return ``file:line:column`` with the unknown parts left out."""
        parts = [self.file]
        if self.line:
            parts.append(str(self.line))
            if self.column:
                parts.append(str(self.column))
        return ":".join(parts)


@dataclass(frozen=True)
class Finding:
    """One problem in the input: where, which key, which value, and what to do.

    Parameters
    ----------
    message
        What is wrong, what is allowed and what to do, as one or two sentences.
    where
        The place in the file, if the value came from one.
    key
        Dotted path of the key in the park, for instance ``assets.roof.power_kw``.
    value
        The offending value as the user wrote it; ``None`` when there is none to show.
    """

    message: str
    where: Location | None = None
    key: str = ""
    value: object = None

    def __str__(self) -> str:
        """Return ``file:line:column: key = value: message``."""
        text = f"{self.where}: " if self.where is not None else ""
        if self.key:
            text += self.key
            if self.value is not None:
                shown = repr(self.value)
                text += f" = {shown if len(shown) <= 80 else shown[:77] + '...'}"
            text += ": "
        return text + self.message


class MicrogridError(Exception):
    """Base of every error that a user of microgrid_opt can cause or meet."""

    exit_code: ClassVar[int] = 1


class InputError(MicrogridError):
    """The input is wrong; carries every problem that was found, not only the first."""

    exit_code: ClassVar[int] = 2

    def __init__(self, findings: Finding | str | Iterable[Finding]) -> None:
        if isinstance(findings, str):
            findings = Finding(findings)
        if isinstance(findings, Finding):
            findings = (findings,)
        self.findings: tuple[Finding, ...] = tuple(findings)
        count = len(self.findings)
        head = "" if count == 1 else f"{count} problems in the input:\n"
        bullet = "" if count == 1 else "- "
        super().__init__(head + "\n".join(f"{bullet}{finding}" for finding in self.findings))


class InfeasibleError(MicrogridError):
    """No plan can meet all limits; the message says which, where, when and by how much."""

    exit_code: ClassVar[int] = 3


class NoPlanError(MicrogridError):
    """The solver stopped (time, interrupt, trouble) before it held any plan."""

    exit_code: ClassVar[int] = 4


class AuditError(MicrogridError):
    """The audit's own arithmetic disagrees with the results."""

    exit_code: ClassVar[int] = 5
