"""Strict reading of CSV and Parquet files: every cell knows its line, nothing is repaired.

A CSV file is UTF-8 with commas and one header line; a Parquet file is any flat table. `Reader` reads
each file once, keeps the parsed columns, and records the SHA-256 of what it read.
"""

from __future__ import annotations

import csv
import difflib
import hashlib
import io
import math
import re
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np

from microgrid_opt.errors import Finding, InputError, Location

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import pandas as pd
    from numpy.typing import NDArray

T = TypeVar("T")

MAX_FINDINGS = 20
_STAMP = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)?\s?(Z|[+-]\d\d(?::?\d\d)?)?"
)
_NUMBER = re.compile(r"\s*[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\s*")
_BLANK = {"", "na", "n/a", "nan", "null", "none", "-"}
_FAILED = object()
EXAMPLE = "2025-01-31 13:00 or 2025-01-31T13:00+08:00"


@dataclass(frozen=True, eq=False)
class Stamps:
    """A column of time stamps.

    Parameters
    ----------
    nanoseconds
        UTC where the stamps carry an offset, wall-clock time otherwise; both since 1970, shape (m,).
    zoned
        Whether the stamps carry an offset or zone.
    """

    nanoseconds: NDArray[np.int64]
    zoned: bool


@dataclass(frozen=True, eq=False)
class Table:
    """The cells of a file by column.

    Parameters
    ----------
    name
        The file as it stands in messages.
    columns
        Cells by header; text from CSV, arrays of any type from Parquet.
    doubled
        Headers that stand more than once.
    lines
        Whether row i stands in line i + 2 of the file.
    """

    name: str
    columns: Mapping[str, Any]
    doubled: frozenset[str] = frozenset()
    lines: bool = True
    _numbers: dict[str, NDArray[np.float64]] = field(default_factory=dict, repr=False)
    _stamps: dict[str, Stamps] = field(default_factory=dict, repr=False)

    @cached_property
    def rows(self) -> int:
        """Number of rows below the header."""
        return len(next(iter(self.columns.values())))

    def where(self, row: int) -> Location:
        """Return the place of a row."""
        return Location(self.name, row + 2 if self.lines else 0)

    def problem(self, row: int, message: str, value: object = None) -> Finding:
        """Return a finding in a row."""
        if not self.lines:
            message = f"row {row + 1}: {message}"
        shown = value if isinstance(value, (str, int, float)) or value is None else str(value)
        return Finding(message, self.where(row), value=shown)

    def column_problem(self, column: str) -> Finding | None:
        """Return why a column cannot be used, or ``None``."""
        at = Location(self.name, 1 if self.lines else 0)
        if column in self.doubled:
            return Finding(f"two columns are called {column!r}: rename one.", at)
        if column in self.columns:
            return None
        names = ", ".join(repr(name) for name in list(self.columns)[:12])
        return Finding(
            f"has no column {column!r}{_nearest(column, self.columns)} It has {names}.", at
        )

    def numbers(self, column: str) -> NDArray[np.float64]:
        """Return a column as numbers, NaN where a cell is not a finite one, shape (m,)."""
        if column not in self._numbers:
            values = _to_numbers(self.columns[column])
            values[~np.isfinite(values)] = np.nan
            self._numbers[column] = values
        return self._numbers[column]

    def number_problem(self, column: str, row: int) -> Finding:
        """Return what is wrong with a cell that is not a finite number."""
        cell = self.columns[column][row]
        text = "" if cell is None else str(cell).strip()
        if text.casefold() in _BLANK:
            message = f"column {column!r} is blank: a series may have no gaps."
        elif re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?|[+-]?\d+,\d+", text):
            message = f"column {column!r} has a comma in a number: write 1234.5."
        else:
            message = f"column {column!r} must be a finite number."
        return self.problem(row, message, cell if isinstance(cell, str) else None)

    def stamps(self, column: str) -> Stamps:
        """Return a column as time stamps.

        Raises
        ------
        InputError
            Cells that are not ISO 8601 time stamps, or only some of them with an offset.
        """
        if column not in self._stamps:
            self._stamps[column] = _to_stamps(self, column)
        return self._stamps[column]


class Reader:
    """Reads the files of a park, each once.

    Parameters
    ----------
    folder
        Where relative file names start.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.hashes: dict[str, str] = {}
        """SHA-256 of every file that was read, by its name as written in the park."""
        self._kept: dict[object, object] = {}

    def read(self, file: str) -> bytes:
        """Return the content of a file and record its hash.

        Raises
        ------
        InputError
            There is no such file, it is empty, or it cannot be read.
        """
        path = self.folder / file
        try:
            content = path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            raise InputError(Finding(_not_there(path), value=file)) from None
        except OSError as error:
            message = f"the file cannot be read: {error.strerror}."
            raise InputError(Finding(message, value=file)) from error
        if not content.strip():
            raise InputError(Finding("the file is empty.", Location(str(path))))
        self.hashes[file] = hashlib.sha256(content).hexdigest()
        return content

    def table(self, file: str) -> Table:
        """Return the parsed file.

        Raises
        ------
        InputError
            As `read`, or the file is not a clean CSV or Parquet table.
        """
        return self.once(("table", file), file, lambda: self._parse(file))

    def once(self, key: object, file: str, make: Callable[[], T]) -> T:
        """Return what ``make`` makes, the second time from memory.

        Raises
        ------
        InputError
            What ``make`` raised; from the second time on only a reminder of it.
        """
        if key not in self._kept:
            try:
                self._kept[key] = make()
            except InputError:
                self._kept[key] = _FAILED
                raise
        if self._kept[key] is _FAILED:
            raise InputError(Finding(f"cannot be read: see the problems of {file}.", value=file))
        return cast("T", self._kept[key])

    def _parse(self, file: str) -> Table:
        name = str(self.folder / file)
        suffix = Path(file).suffix.casefold()
        if suffix == ".csv":
            return parse_csv(self.read(file), name)
        if suffix == ".parquet":
            return parse_parquet(self.read(file), name)
        raise InputError(Finding("must be a .csv or a .parquet file: save it as one.", value=file))


def parse_csv(content: bytes, name: str) -> Table:
    """Return the cells of a CSV file.

    Raises
    ------
    InputError
        Not UTF-8, other separators than commas, rows of different length, blank lines, no rows.
    """
    text = _decode(content, name)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        rows = list(reader)
    except csv.Error as error:
        where = Location(name, reader.line_num)
        raise InputError(Finding(f"is not CSV: {error}.", where)) from None
    header = [cell.strip() for cell in rows[0]]
    if len(header) == 1 and re.search(r"[;\t|]", header[0]):
        raise InputError(Finding("the columns must be separated by commas.", Location(name, 1)))
    if reader.line_num != len(rows):
        raise InputError(Finding("a cell holds a line break: remove it.", Location(name)))
    if len(rows) == 1:
        raise InputError(Finding("the file has a header but no rows.", Location(name, 1)))
    width = len(header)
    raise_capped(
        Finding(
            f"has {len(row)} cells, the header has {width}." if row else "the line is blank.",
            Location(name, line),
        )
        for line, row in enumerate(rows[1:], 2)
        if len(row) != width
    )
    columns = dict(zip(header, zip(*rows[1:], strict=True), strict=True))
    return Table(name, columns, frozenset(cell for cell in header if header.count(cell) > 1))


def parse_parquet(content: bytes, name: str) -> Table:
    """Return the columns of a Parquet file, its index included.

    Raises
    ------
    InputError
        Not a Parquet file, or no rows.
    """
    import pandas as pd

    try:
        frame = pd.read_parquet(io.BytesIO(content))
    except (ValueError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(Finding(f"is not a Parquet file: {reason}", Location(name))) from None
    if frame.index.name is not None:
        frame = frame.reset_index()
    frame = frame.reset_index(drop=True)
    if frame.empty:
        raise InputError(Finding("the file has no rows.", Location(name)))
    return Table(name, {str(key): frame[key] for key in frame.columns}, lines=False)


def raise_capped(findings: Iterable[Finding]) -> None:
    """Raise the findings, if there are any; of many only the first, with the count of the rest."""
    found = list(findings)
    if len(found) > MAX_FINDINGS:
        where = found[0].where
        rest = f"{len(found) - MAX_FINDINGS} more problems like these."
        found = [*found[:MAX_FINDINGS], Finding(rest, where and Location(where.file))]
    if found:
        raise InputError(found)


def _decode(content: bytes, name: str) -> str:
    try:
        return content.decode("utf-8-sig").rstrip()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        message = (
            f"byte 0x{content[error.start]:02x} is not UTF-8: save the file as UTF-8 "
            "(perhaps it is GBK, UTF-16 or Latin-1)."
        )
        raise InputError(Finding(message, Location(name, line))) from None


def _not_there(path: Path) -> str:
    if not path.parent.is_dir():
        return f"there is no folder {str(path.parent)!r}."
    names = [item.name for item in path.parent.iterdir() if item.is_file()]
    return f"there is no such file in {str(path.parent)!r}{_nearest(path.name, names)}"


def _nearest(name: str, known: Iterable[str]) -> str:
    folded = {other.casefold(): other for other in known}
    close = difflib.get_close_matches(name.casefold(), folded, n=1)
    return f": did you mean {folded[close[0]]!r}?" if close else "."


def _to_numbers(cells: Any) -> NDArray[np.float64]:
    kind = getattr(getattr(cells, "dtype", None), "kind", "")
    if kind in {"i", "u", "f"}:
        return np.array(cells.to_numpy(dtype=float, na_value=np.nan))
    if not kind:
        joined = "".join(cells)
        # Python's float also takes 1_000 and digits of other scripts.
        if joined.isascii() and "_" not in joined:
            try:
                return np.array(list(map(float, cells)))
            except ValueError:
                pass
    return np.array([_to_number(cell) for cell in cells])


def _to_number(cell: object) -> float:
    if isinstance(cell, str):
        return float(cell) if _NUMBER.fullmatch(cell) else math.nan
    if isinstance(cell, (int, float, Decimal)) and not isinstance(cell, bool):
        return float(cell)
    return math.nan


def _to_stamps(table: Table, column: str) -> Stamps:
    import pandas as pd

    cells = table.columns[column]
    kind = getattr(getattr(cells, "dtype", None), "kind", "")
    if kind == "M":
        index = pd.DatetimeIndex(cells)
        zoned = index.tz is not None
        raise_capped(
            table.problem(int(row), f"column {column!r} has no time stamp.")
            for row in np.flatnonzero(index.isna())
        )
        return Stamps(_nanoseconds(index.tz_convert("UTC") if zoned else index), zoned)
    texts = [cell.strip() if isinstance(cell, str) else "" for cell in cells]
    matches = [_STAMP.fullmatch(text) for text in texts]
    index = pd.DatetimeIndex(pd.to_datetime(texts, format="ISO8601", utc=True, errors="coerce"))
    good = np.array([match is not None for match in matches]) & ~np.asarray(index.isna())
    raise_capped(
        table.problem(
            int(row), f"is not a time stamp: write {EXAMPLE} in column {column!r}.", cells[int(row)]
        )
        for row in np.flatnonzero(~good)
    )
    zoned_rows = np.array([match is not None and match[1] is not None for match in matches])
    if zoned_rows.any() and not zoned_rows.all():
        row = int(np.flatnonzero(zoned_rows != zoned_rows[0])[0])
        message = "either all time stamps have an offset such as +08:00, or none has."
        raise InputError(table.problem(row, message, texts[row]))
    return Stamps(_nanoseconds(index), bool(zoned_rows[0]))


def _nanoseconds(index: pd.DatetimeIndex) -> NDArray[np.int64]:
    return np.asarray(index.as_unit("ns").asi8)
