"""The linear model as arrays: what Pyomo hands over and what HiGHS takes.

The matrix is stored by rows (CSR). HiGHS takes it as it is, and a constraint family with the same
number of terms in every row is laid down without sorting.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from microgrid_opt.errors import Finding, InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Block:
    """The columns or rows of one Pyomo container.

    Parameters
    ----------
    name
        Full name of the container, for instance ``park.pv.generation``.
    start, count
        Its first column (row) number and how many it has.
    keys
        Its index keys in order; ``None`` for a container without index.
    stage
        The block of the model whose steps are its keys, for a stage of a pathway; else empty.
    """

    name: str
    start: int
    count: int
    keys: Sequence[object] | None
    stage: str = ""

    @property
    def slice(self) -> slice:
        """Columns (rows) of the block as a slice."""
        return slice(self.start, self.start + self.count)

    def label(self, position: int) -> str:
        """Return the name of the entry at ``position`` (0 is the block's first)."""
        if self.keys is None:
            return self.name
        key = self.keys[position]
        inner = ",".join(map(str, key)) if isinstance(key, tuple) else str(key)
        return f"{self.name}[{inner}]"

    def labels(self) -> list[str]:
        """Return the names of all entries in order."""
        return [self.label(position) for position in range(self.count)]


@dataclass(frozen=True, eq=False)
class Matrix:
    r"""A mixed-integer linear model, always as a minimisation.

    $$ \min\; c^\top x + c_0 \quad\text{s.t.}\quad L \le A x \le U,\; l \le x \le u,\;
    x_j \in \mathbb{Z}\ \text{where integrality}_j = 1 $$

    Parameters
    ----------
    cost
        Objective coefficients $c$, shape (columns,). Negated where the model maximises.
    offset
        Constant $c_0$ of the objective, negated likewise.
    maximize
        The model's own sense: reported objectives, bounds and duals are turned back by it.
    start, index, value
        $A$ by rows: row ``i`` holds ``index[start[i]:start[i+1]]``, each column at most once.
    row_lower, row_upper
        $L$ and $U$, shape (rows,), infinite where there is none.
    col_lower, col_upper
        $l$ and $u$, shape (columns,).
    integrality
        1 for an integer column, 0 for a continuous one.
    columns, rows
        The containers in order; they cover all columns and rows without gaps.
    """

    cost: Floats
    offset: float
    maximize: bool
    start: Ints
    index: Ints
    value: Floats
    row_lower: Floats
    row_upper: Floats
    col_lower: Floats
    col_upper: Floats
    integrality: npt.NDArray[np.uint8]
    columns: tuple[Block, ...]
    rows: tuple[Block, ...]

    @property
    def sign(self) -> float:
        """+1 for a minimisation, -1 for a maximisation."""
        return -1.0 if self.maximize else 1.0

    @property
    def column_count(self) -> int:
        """Number of columns."""
        return len(self.cost)

    @property
    def row_count(self) -> int:
        """Number of rows."""
        return len(self.row_lower)

    @property
    def nonzero_count(self) -> int:
        """Number of stored matrix entries."""
        return len(self.value)

    @property
    def is_mip(self) -> bool:
        """Whether any column is integer."""
        return bool(self.integrality.any())

    @cached_property
    def column_blocks(self) -> dict[str, Block]:
        """Column containers by name."""
        return {block.name: block for block in self.columns}

    @cached_property
    def row_blocks(self) -> dict[str, Block]:
        """Row containers by name."""
        return {block.name: block for block in self.rows}

    @cached_property
    def entry_row(self) -> Ints:
        """Row number of every stored entry, shape (nonzeros,)."""
        counts = np.diff(self.start)
        return np.repeat(np.arange(self.row_count, dtype=np.int32), counts)

    def column_name(self, column: int) -> str:
        """Return the name of a column, for instance ``park.pv.generation[17]``."""
        block = block_of(self.columns, column)
        return block.label(column - block.start)

    def row_name(self, row: int) -> str:
        """Return the name of a row."""
        block = block_of(self.rows, row)
        return block.label(row - block.start)

    def column_names(self) -> list[str]:
        """Return the names of all columns."""
        return [name for block in self.columns for name in block.labels()]

    def row_names(self) -> list[str]:
        """Return the names of all rows."""
        return [name for block in self.rows for name in block.labels()]

    def over_rows(
        self, combine: np.ufunc, values: npt.NDArray[Any], empty: Any
    ) -> npt.NDArray[Any]:
        """Return what values of the entries of each row combine to, shape (rows,).

        Parameters
        ----------
        combine
            `numpy.minimum`, `numpy.maximum` or another function of two numbers.
        values
            One for each entry, shape (nonzeros,).
        empty
            For rows without entries.
        """
        found = np.full(self.row_count, empty, dtype=values.dtype)
        some = np.flatnonzero(np.diff(self.start))
        if len(some):
            found[some] = combine.reduceat(values, self.start[some])
        return found

    def times(self, x: Floats) -> Floats:
        """Return the row activities $A x$, shape (rows,)."""
        products = self.value * x[self.index]
        return np.bincount(self.entry_row, products, self.row_count).astype(float)

    def transposed_times(self, y: Floats) -> Floats:
        """Return $A^T y$, shape (columns,)."""
        products = self.value * y[self.entry_row]
        return np.bincount(self.index, products, self.column_count).astype(float)

    def objective(self, x: Floats) -> float:
        """Return the objective at ``x`` in the model's own sense."""
        return self.sign * (float(self.cost @ x) + self.offset)


def block_of(blocks: tuple[Block, ...], number: int) -> Block:
    """Return the block that holds a column (row) number."""
    found = bisect_right(blocks, number, key=lambda block: block.start) - 1
    block = blocks[found] if found >= 0 else None
    if block is None or not block.start <= number < block.start + block.count:
        raise IndexError(f"no column or row {number}")
    return block


def check_numbers(matrix: Matrix) -> None:
    """Refuse numbers that no solver can take.

    Raises
    ------
    InputError
        For NaN anywhere, infinite coefficients, bounds on the wrong side of infinity, and
        lower bounds above upper bounds; the first three of each kind are named.
    """
    m = matrix
    findings = [
        Finding(
            f"The coefficient of {m.column_name(int(m.index[entry]))} is not a finite number; "
            "check the data of this rule for gaps and divisions by zero.",
            key=m.row_name(int(m.entry_row[entry])),
            value=float(m.value[entry]),
        )
        for entry in _first(~np.isfinite(m.value))
    ]
    for wrong, message, name in (
        (~np.isfinite(m.cost), "The objective coefficient is not a finite number", m.column_name),
        (_unusable(m.row_lower, m.row_upper), "A limit is not a usable number", m.row_name),
        (_unusable(m.col_lower, m.col_upper), "A bound is not a usable number", m.column_name),
    ):
        findings += [
            Finding(f"{message}; check its data for gaps and divisions by zero.", key=name(i))
            for i in _first(wrong)
        ]
    findings += [
        Finding(
            f"The lower bound {m.col_lower[i]:g} is above the upper bound {m.col_upper[i]:g}; "
            "no value is allowed.",
            key=m.column_name(i),
        )
        for i in _first(m.col_lower > m.col_upper)
    ]
    if not np.isfinite(m.offset):
        findings.append(Finding("The constant part of the objective is not a finite number."))
    if findings:
        raise InputError(findings)


def _first(wrong: npt.NDArray[np.bool_]) -> list[int]:
    found: list[int] = np.flatnonzero(wrong)[:3].tolist()
    return found


def _unusable(lower: Floats, upper: Floats) -> npt.NDArray[np.bool_]:
    """Return where a limit is NaN or infinite on the wrong side."""
    return ~((lower < np.inf) & (upper > -np.inf))


def entries_of(
    start: npt.NDArray[np.int64], rows: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the numbers of the entries of some rows, and the position of the row of each.

    Parameters
    ----------
    start
        First entry of each row of the matrix, then the number of entries, shape (rows + 1,).
    rows
        Those that are wanted, in any order, shape (wanted,).
    """
    lengths = start[rows + 1] - start[rows]
    owner = np.repeat(np.arange(len(rows)), lengths)
    within = np.arange(len(owner)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return start[rows][owner] + within, owner
