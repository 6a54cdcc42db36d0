r"""A model over time in which a few days stand for all: fewer columns and rows, the same things.

Let day $d$ be represented by its medoid $k(d)$. The columns of the steps of $d$ take the values of
those of $k(d)$, except what a *store* holds: a family of columns $s$ whose rows
$p\,s_t + q\,s_{t-1} + \dots = b$ link one step to the next. With $\alpha_h = \prod_{i \le h} -q_i/p_i$,
the content at the end of step $h$ of day $d$ is
$$ s_{d,h} = \alpha_{k(d),h}\, S_d + z_{k(d),h}, \qquad S_{d+1} = s_{d,\text{last}} $$
with $S_d$ the content at the day's begin and $z$ what the medoid adds to it (Kotzur et al., 2018,
doi:10.1016/j.apenergy.2018.01.023; Gabrielli et al., 2018, doi:10.1016/j.apenergy.2017.07.142). So
$x = T w$, with few columns $w$:

- The objective is $c^\top T w$: each day has its own prices.
- Rows over many days (caps of the year, sums of a month) are $A T w$: all days are in them.
- Rows of one day are those of its medoid, and stand once. Where a day has other columns of months in
  them (its own month's peak), or columns of the day before (ramps, least times), they stand again.
- Rows with what a store holds, $\beta_i S_d + g_i \le U_i$, hold for all days of a medoid where
  $g_i - U_i \le G$ for all its steps and $\max_i \beta_i\, S_d + G \le 0$ for all days: the extremes of
  the medoid's profile. They may be a little stricter than the rows, never looser ($S_d \ge 0$).

A day that stands for itself alone keeps its columns and rows as they are, so that with as many
medoids as days the model is the full one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from microgrid_opt.solve.bases import Basis
from microgrid_opt.solve.cuts import sums

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from microgrid_opt.solve.days import Days

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]

ALONE = -1


@dataclass(frozen=True, eq=False)
class Stores:
    """Families of columns that one step hands to the next.

    Parameters
    ----------
    families
        Their numbers.
    ratio
        What is left at the end of a step of what was there before it, shape (stores, n).
    """

    families: Ints
    ratio: Floats


def stores_of(days: Days) -> Stores:
    """Return the stores of a model: continuous, not negative, linked by one row in each step."""
    m, n = days.matrix, len(days.day)
    width = len(m.columns)
    home, step = days.home[m.entry_row], days.step[m.index]
    timed = (home >= 0) & (step >= 0)
    other = np.flatnonzero(timed & (step != home))
    equal = m.row_lower == m.row_upper
    equal &= np.bincount(m.entry_row[other], minlength=m.row_count) == 1
    before = other[equal[m.entry_row[other]] & (step[other] == (home[other] - 1) % n)]
    linked = np.zeros(m.row_count, dtype=bool)
    linked[m.entry_row[before]] = True
    now = np.flatnonzero(timed & (step == home) & linked[m.entry_row])
    key = m.entry_row.astype(np.int64) * width + days.column_family[m.index]
    known, first, many = np.unique(key[now], return_index=True, return_counts=True)
    links = before[np.isin(key[before], known[many == 1])]
    own = now[first][np.searchsorted(known, key[links])]
    links, own = links[m.value[own] != 0.0], own[m.value[own] != 0.0]
    family, at = days.column_family[m.index[links]], home[links]
    ratio, count = np.zeros((width, n)), np.zeros((width, n), dtype=np.int64)
    ratio[family, at] = -m.value[links] / m.value[own]
    np.add.at(count, (family, at), 1)
    across = (count[:, days.first[:-1]] > 0).sum(axis=1)
    found = []
    for number in np.flatnonzero((2 * across > days.count) & (count.max(axis=1) == 1)):
        part = m.columns[number].slice
        whole = m.integrality[part].any()
        if not whole and (m.col_lower[part] >= 0.0).all() and (ratio[number] >= 0.0).all():
            found.append(number)
    families = np.array(found, dtype=np.int64)
    return Stores(families, ratio[families])


class Columns:
    """How the columns of a model follow from fewer, $x = T w$.

    Parameters
    ----------
    days
        The model.
    medoid
        Of each day, the day that stands for it, of the same pattern, shape (days,).
    """

    def __init__(self, days: Days, medoid: Ints) -> None:
        self.days, self.medoid = days, medoid
        self.size = np.bincount(medoid, minlength=days.count)
        self.stores = stores_of(days)
        self._columns()

    @property
    def shared(self) -> Flags:
        """Whether each day's medoid stands for other days too, shape (days,)."""
        return np.asarray(self.size[self.medoid] > 1)

    def _columns(self) -> None:
        """Lay out the columns: those without a step, those of medoids, stores at begins of days."""
        days, m = self.days, self.days.matrix
        day = np.where(days.step >= 0, days.day[days.step], ALONE)
        kept = (day == ALONE) | (self.medoid[day] == day)
        self.kept = np.flatnonzero(kept)
        number = np.cumsum(kept) - 1
        shift = (days.first[self.medoid] - days.first[:-1])[day]
        self.place = number[np.arange(m.column_count) + np.where(day == ALONE, 0, shift)]
        # Content at the begin of each day that shares its medoid.
        self.together = np.flatnonzero(self.shared)
        count, stores = len(self.together), len(self.stores.families)
        self.begin = np.full((stores, days.count), ALONE, dtype=np.int64)
        self.begin[:, self.together] = len(self.kept) + np.arange(stores * count).reshape(
            stores, count
        )
        self.count = len(self.kept) + stores * count
        self.content = np.full(m.column_count, ALONE, dtype=np.int64)
        self.factor = np.zeros(m.column_count)
        for store, family in enumerate(self.stores.families):
            columns = m.columns[family].slice
            ratio = self.stores.ratio[store]
            left = [np.cumprod(ratio[days.first[k] : days.first[k + 1]]) for k in range(days.count)]
            at = self.begin[store][days.day]
            self.content[columns] = at
            alpha = [
                left[k] if self.shared[d] else 0.0 * left[d] for d, k in enumerate(self.medoid)
            ]
            self.factor[columns] = np.concatenate(alpha)
        self.content[self.factor == 0.0] = ALONE

    def expand(self, values: Floats) -> Floats:
        """Return the values of all columns of the full model, $T w$."""
        found = values[self.place]
        some = self.content != ALONE
        found[some] += self.factor[some] * values[self.content[some]]
        return np.asarray(found)

    def repeated(self, basis: Basis) -> Basis:
        """Return statuses of all days, each as its medoid has them."""
        days = self.days
        columns, rows = basis.columns.copy(), basis.rows.copy()
        there = np.flatnonzero((days.step >= 0) & (self.place < len(self.kept)))
        columns[there] = basis.columns[self.kept[self.place[there]]]
        for number, k in enumerate(self.medoid):
            rows[days.rows[number]] = basis.rows[days.rows[k]]
        return Basis(columns, rows)

    def collect(self, values: Floats) -> Floats:
        """Return $T^T v$ for one number of each column of the full model."""
        some = self.content != ALONE
        found = sums(self.place, values, self.count)
        credit = self.factor[some] * values[some]
        return found + sums(self.content[some], credit, self.count)
