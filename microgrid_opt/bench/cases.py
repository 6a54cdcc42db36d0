"""The reference cases that ship with the program: their names, files and expectations."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from microgrid_opt.bench.spec import Expectation
from microgrid_opt.errors import InputError
from microgrid_opt.shipped import shipped
from microgrid_opt.yamlio import load
from microgrid_opt.yamlio.findings import findings_of
from microgrid_opt.yamlio.grammar import suggest

if TYPE_CHECKING:
    from collections.abc import Iterator

PARK, EXPECTED, PEER, MAKER = "park.yaml", "expected.yaml", "peer.py", "make_inputs.py"


@dataclass(frozen=True)
class Case:
    """A reference case: name, folder, and what its ``expected.yaml`` says."""

    name: str
    folder: Path
    expected: Expectation

    @property
    def missing_inputs(self) -> tuple[str, ...]:
        """Inputs that are not in the folder."""
        return tuple(name for name in self.expected.inputs if not (self.folder / name).is_file())

    @contextmanager
    def copied(self) -> Iterator[Case]:
        """Give the case in a folder that may be written to, for as long as it is needed."""
        with tempfile.TemporaryDirectory(prefix="reference-") as temporary:
            folder = Path(temporary) / self.name
            shutil.copytree(self.folder, folder, ignore=shutil.ignore_patterns("__pycache__"))
            yield Case(self.name, folder, self.expected)


def reference_names() -> tuple[str, ...]:
    """Return the names of the reference cases."""
    return tuple(sorted(path.parent.name for path in shipped("reference").glob(f"*/{EXPECTED}")))


def reference_case(name: str) -> Case:
    """Return a reference case by name.

    Raises
    ------
    InputError
        There is no such case, or its ``expected.yaml`` is wrong.
    """
    if name not in reference_names():
        hint = suggest(name, reference_names(), "there are")
        raise InputError(f"There is no reference case {name!r}{hint}")
    return case_in(shipped("reference") / name)


def case_in(folder: Path) -> Case:
    """Return the case in a folder.

    Raises
    ------
    InputError
        Its ``expected.yaml`` is missing or wrong.
    """
    document = load(folder / EXPECTED)
    try:
        expected = Expectation.model_validate(document.data)
    except ValidationError as error:
        raise InputError(findings_of(error, document, Expectation)) from None
    return Case(folder.name, folder, expected)
