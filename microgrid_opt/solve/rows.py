"""Rows of a matrix in compressed form: laying down, joining, reordering."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from microgrid_opt.solve.template import Relation, Term

    Floats = npt.NDArray[np.float64]
    Numbers = npt.NDArray[np.int64]


class Rows(NamedTuple):
    """Rows by CSR: entry counts of each row, columns, coefficients, and the limits."""

    counts: Numbers
    columns: Numbers
    coefficients: Floats
    lower: Floats
    upper: Floats


def no_rows(count: int = 0) -> Rows:
    """Return rows without entries and without limits."""
    none = np.empty(0)
    free = np.full(count, np.inf)
    return Rows(np.zeros(count, np.int64), np.empty(0, np.int64), none, -free, free)


def laid_down(relation: Relation, size: int) -> Rows:
    """Write the terms of all rows of a family as CSR, adding up doubled columns."""
    lower = np.broadcast_to(np.asarray(relation.lower, dtype=float), size)
    upper = np.broadcast_to(np.asarray(relation.upper, dtype=float), size)
    terms = relation.body.terms
    if any(term.rows is not None for term in terms):
        return _sorted(terms, size, lower, upper)
    width = len(terms)
    columns = np.empty((size, width), np.int64)
    coefficients = np.empty((size, width))
    for place, term in enumerate(terms):
        columns[:, place] = term.columns
        coefficients[:, place] = term.coefficients
    for second in range(1, width):
        for first in range(second):
            same = columns[:, first] == columns[:, second]
            if same.any():
                coefficients[same, first] += coefficients[same, second]
                coefficients[same, second] = 0.0
    used = coefficients != 0.0
    if used.all():
        counts = np.full(size, width, np.int64)
        return Rows(counts, columns.ravel(), coefficients.ravel(), lower, upper)
    return Rows(used.sum(axis=1), columns[used], coefficients[used], lower, upper)


def _sorted(terms: list[Term], size: int, lower: Floats, upper: Floats) -> Rows:
    """Write terms with any number of entries in a row."""
    everywhere = np.arange(size)
    rows = np.concatenate([everywhere if t.rows is None else t.rows for t in terms])
    lengths = [size if t.rows is None else len(t.rows) for t in terms]
    pairs = list(zip(terms, lengths, strict=True))
    columns = np.concatenate([np.broadcast_to(t.columns, length) for t, length in pairs])
    values = np.concatenate([np.broadcast_to(t.coefficients, length) for t, length in pairs])
    order = np.lexsort((columns, rows))
    rows, columns, values = rows[order], columns[order], values[order]
    first = np.ones(len(rows), bool)
    first[1:] = (np.diff(rows) != 0) | (np.diff(columns) != 0)
    starts = np.flatnonzero(first)
    values = np.add.reduceat(values, starts) if len(starts) else values
    rows, columns = rows[starts], columns[starts]
    used = values != 0.0
    counts = np.bincount(rows[used], minlength=size)
    return Rows(counts, columns[used], values[used], lower, upper)


def stacked(rows: list[Rows]) -> Rows:
    """Return several groups of rows, one below the other."""
    return Rows(*(np.concatenate(parts) for parts in zip(*rows, strict=True)))


def reordered(rows: Rows, order: Numbers) -> Rows:
    """Return the rows in another order."""
    starts = np.cumsum(rows.counts) - rows.counts
    counts = rows.counts[order]
    ends = np.cumsum(counts)
    entries = np.arange(int(ends[-1])) + np.repeat(starts[order] - (ends - counts), counts)
    return Rows(
        counts,
        rows.columns[entries],
        rows.coefficients[entries],
        rows.lower[order],
        rows.upper[order],
    )


def without_fixed(rows: Rows, fixed: npt.NDArray[np.bool_], values: Floats) -> Rows:
    """Move the terms of fixed columns to the limits."""
    held = fixed[rows.columns]
    if not held.any():
        return rows
    size = len(rows.lower)
    owner = np.repeat(np.arange(size), rows.counts)
    amounts = rows.coefficients[held] * values[rows.columns[held]]
    moved = np.bincount(owner[held], weights=amounts, minlength=size)
    free = ~held
    return Rows(
        np.bincount(owner[free], minlength=size),
        rows.columns[free],
        rows.coefficients[free],
        rows.lower - moved,
        rows.upper - moved,
    )
