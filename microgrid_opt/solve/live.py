r"""A model that stays in HiGHS: change it by name and go on from the last basis.

What a change leaves of the last optimum decides the method. Limits and bounds do not enter the
reduced costs $c - A^T y$: the basis stays dual feasible, and the dual simplex goes on. Costs do not
enter $B^{-1} b$: it stays primal feasible, and the primal simplex goes on. (Bertsimas & Tsitsiklis,
Introduction to Linear Optimization, 1997, section 5.1.) After both, the dual simplex is used.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from microgrid_opt.errors import Finding, InputError
from microgrid_opt.ledger import COST
from microgrid_opt.solve import highs
from microgrid_opt.solve.changes import (
    CHANGEABLE,
    DUAL,
    PRIMAL,
    ChangedSession,
    same_coefficients,
)
from microgrid_opt.solve.profiles import DEFAULT, LARGE, LARGE_NONZEROS, load_profile
from microgrid_opt.solve.status import Status
from microgrid_opt.yamlio.grammar import nearest

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping

    import numpy.typing as npt

    from microgrid_opt.draft import Draft
    from microgrid_opt.ledger import Entry
    from microgrid_opt.problem import Problem
    from microgrid_opt.solve.bases import Basis
    from microgrid_opt.solve.matrix import Block, Matrix
    from microgrid_opt.solve.profiles import Profile
    from microgrid_opt.solve.status import Outcome, Progress, Solution

    Floats = npt.NDArray[np.float64]
    _How = Mapping[str, Any]

Method = Literal["", "fresh", "dual", "primal", "start"]
"""How the last optimum was found: from nothing, on from a basis, or on from a plan (integers)."""

_UNCLEAR = frozenset({Status.UNKNOWN, Status.ERROR, Status.INFEASIBLE_OR_UNBOUNDED})


class Live:
    """A model held by HiGHS, changed by name and solved again; use it in a ``with`` statement.

    Names are those of the model: a container (``park.pv.power_size``, ``park.balance.electricity``)
    or one of its entries (``park.balance.electricity[17]``). A value for a container is one number or
    one for each entry. Nothing is solved before `solve` is called.

    Parameters
    ----------
    matrix
        The model.
    profile
        Options of fresh solves; the default profile if None, and for large linear models an
        interior-point method that ends at a basis.
    draft
        What the model was made of, for changes in the words of a park (`set_cap`, `scale_booking`,
        `add_demand`).
    basis
        Where the first solve starts, for instance the basis of a neighbouring model.

    Raises
    ------
    InputError
        For options or numbers that HiGHS does not take.
    """

    def __init__(
        self,
        matrix: Matrix,
        profile: Profile | None = None,
        *,
        draft: Draft | None = None,
        basis: Basis | None = None,
    ) -> None:
        self._session = ChangedSession(matrix, profile or _profile(matrix))
        self._draft = draft
        self._columns, self._rows = matrix.column_blocks, matrix.row_blocks
        self._next = {name: getattr(matrix, name).copy() for name in CHANGEABLE}
        self._offset = matrix.offset
        self._scales: dict[int, float] = {}
        self._added: dict[tuple[str, str], Floats] = {}
        self._start = basis
        self._last: Solution | None = None
        self.method: Method = ""

    @classmethod
    def of(
        cls,
        problem: Problem,
        profile: Profile | None = None,
        *,
        reference_co2_kg: float | None = None,
    ) -> Self:
        """Build the model of a problem and hold it."""
        from microgrid_opt.model import build
        from microgrid_opt.solve.handoff import extract

        draft = build(problem, reference_co2_kg=reference_co2_kg)
        return cls(extract(draft.model), profile, draft=draft)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the memory of HiGHS."""
        self._session.close()

    @property
    def matrix(self) -> Matrix:
        """The model with all changes so far."""
        changed: dict[str, Any] = {name: values.copy() for name, values in self._next.items()}
        return replace(self._session.matrix, offset=self._offset, **changed)

    def follow(self, matrix: Matrix, draft: Draft | None = None) -> bool:
        """Take all numbers of another model; False for one that differs in more than these."""
        if not same_coefficients(self._session.matrix, matrix):
            return False
        self._next = {name: getattr(matrix, name).copy() for name in CHANGEABLE}
        self._offset, self._draft = matrix.offset, draft
        self._scales, self._added = {}, {}
        return True

    # ------------------------------------------------------------------ changes by model names

    def set_cost(self, column: str, cost: float | Floats) -> None:
        """Set objective coefficients, in the model's own sense.

        They include everything between a price and the objective: hours and weight of the step, and
        growth of prices.
        """
        where = _found(self._columns, column, "column")
        self._next["cost"][where] = self._session.matrix.sign * _numbers(column, cost, where)

    def set_row(
        self,
        row: str,
        *,
        lower: float | Floats | None = None,
        upper: float | Floats | None = None,
    ) -> None:
        """Set the limits of rows; what is None stays as it is."""
        self._set(row, _found(self._rows, row, "row"), "row", lower, upper)

    def set_column(
        self,
        column: str,
        *,
        lower: float | Floats | None = None,
        upper: float | Floats | None = None,
    ) -> None:
        """Set the bounds of columns (a size, a trade); what is None stays as it is."""
        self._set(column, _found(self._columns, column, "column"), "col", lower, upper)

    def _set(
        self,
        name: str,
        where: slice,
        kind: str,
        lower: float | Floats | None,
        upper: float | Floats | None,
    ) -> None:
        low, high = self._next[f"{kind}_lower"], self._next[f"{kind}_upper"]
        new_low = low[where] if lower is None else _numbers(name, lower, where)
        new_high = high[where] if upper is None else _numbers(name, upper, where)
        if (new_low > new_high).any():
            raise InputError(Finding("a lower limit lies above its upper limit.", key=name))
        low[where], high[where] = new_low, new_high

    # ------------------------------------------------------------------ changes in words of a park

    def set_cap(self, name: str, limit: float) -> None:
        """Set the limit of a cap (``co2_cap``, ``area_roof``, …) in its own unit [kg, m², …].

        Raises
        ------
        InputError
            For a cap that the model lacks or that is a share: that changes coefficients, and the
            model has to be built anew.
        """
        caps = {cap.name: cap for cap in self._known.caps}
        if name not in caps:
            raise InputError(f"The model has no cap {name!r}{_hint(name, caps)}.")
        cap = caps[name]
        if cap.whole is not None:
            raise InputError(
                f"{cap.description}: a share enters coefficients; build the model anew."
            )
        bound = limit - cap.amount.constant
        if cap.row in self._rows:
            side = {"<=": "upper", ">=": "lower"}[cap.sense]
            self.set_row(cap.row, **{side: bound})
        elif (bound < 0.0) if cap.sense == "<=" else (bound > 0.0):
            raise InputError(f"{cap.description}: nothing in the plan changes it.")

    def scale_booking(self, asset: str, category: str, factor: float) -> None:
        """Multiply what an asset books as a cost of a category by a factor on its first value.

        The price of CO2 is asset ``policies``, category ``co2_price``.

        Raises
        ------
        InputError
            For what the ledger does not have.
        """
        entries = self._known.entries
        chosen = {
            number: entry
            for number, entry in enumerate(entries)
            if (entry.asset, entry.category, entry.effect) == (asset, category, COST)
        }
        if not chosen:
            booked = sorted({f"{e.asset}.{e.category}" for e in entries if e.effect == COST})
            raise InputError(
                f"Nothing is booked as {asset}.{category}; there are {', '.join(booked)}."
            )
        for number, entry in chosen.items():
            self._scale(entry, factor - self._scales.get(number, 1.0))
            self._scales[number] = factor

    def _scale(self, entry: Entry, change: float) -> None:
        amount = entry.amount.merged()
        sign = self._session.matrix.sign
        for container, coefficients in amount.terms:
            where = self._columns[container.name].slice
            self._next["cost"][where] += sign * change * coefficients
        self._offset += sign * change * amount.constant

    def add_demand(self, place: str, carrier: str, extra: float | Floats) -> None:
        """Draw so much more from a balance than the park does [kW or kg/h], number or shape (n,).

        It is a change of the balance alone: shares and prices that are derived from the demands of
        assets stay as they are. A new amount replaces the one before.
        """
        if (place, carrier) not in self._known.balances:
            known = ", ".join(f"{p}.{c}" for p, c in self._known.balances)
            raise InputError(f"The model has no balance {place}.{carrier}; there are {known}.")
        where = self._rows[self._known.balances[place, carrier]].slice
        new = _numbers(f"{place}.{carrier}", extra, where)
        change = new - self._added.get((place, carrier), 0.0)
        self._next["row_lower"][where] += change
        self._next["row_upper"][where] += change
        self._added[place, carrier] = new

    @property
    def _known(self) -> Draft:
        if self._draft is None:
            raise InputError("This change needs the draft of the model: give `draft`.")
        return self._draft

    # ------------------------------------------------------------------ solving

    def solve(
        self,
        *,
        time_limit: float | None = None,
        on_progress: Callable[[Progress], None] | None = None,
        cancel: threading.Event | None = None,
    ) -> Outcome:
        """Solve the model as it is now, from where the last solve ended; see `Session.run`."""
        session = self._session
        costs, limits = session.take(self._next, self._offset)
        how = {"time_limit": time_limit, "on_progress": on_progress, "cancel": cancel}
        if session.matrix.is_mip:
            outcome = self._from_plan(how)
        elif self._has_basis():
            outcome = self._from_basis(costs_only=costs and not limits, how=how)
        else:
            outcome = self._fresh(how)
        self._last = outcome.solution if outcome.solution is not None else self._last
        return outcome

    def _has_basis(self) -> bool:
        start, self._start = self._start, None
        if start is not None:
            try:
                self._session.set_basis(start)
            except InputError:
                return False
            return True
        return self._session.has_basis()

    def _from_basis(self, *, costs_only: bool, how: _How) -> Outcome:
        self.method = "primal" if costs_only else "dual"
        strategy = PRIMAL if costs_only else DUAL
        self._session.set_options({"solver": "simplex", "simplex_strategy": strategy})
        outcome = self._session.run(**how)
        return self._fresh(how) if outcome.status in _UNCLEAR else outcome

    def _from_plan(self, how: _How) -> Outcome:
        """Solve an integer model; the integers of the last plan are tried first."""
        self.method = "fresh" if self._last is None else "start"
        if self._last is not None:
            whole = self._session.matrix.integrality == 1
            self._session.set_start(np.where(whole, np.rint(self._last.values), np.nan))
        outcome = self._session.run(**how)
        return self._second_look(outcome, how)

    def _fresh(self, how: _How) -> Outcome:
        self.method = "fresh"
        self._session.forget()
        outcome = self._session.run(**how)
        return self._second_look(outcome, how)

    def _second_look(self, outcome: Outcome, how: _How) -> Outcome:
        """Return the outcome, or that of another solve where it is not clear what it means."""
        if outcome.status not in _UNCLEAR and outcome.status is not Status.UNBOUNDED:
            return outcome
        profile = load_profile(DEFAULT)
        return highs.solve(self._session.matrix, profile, **how)

    def basis(self) -> Basis | None:
        """Return the basis of the last solve, for a neighbouring model; None when it has none."""
        return self._session.basis()

    # ------------------------------------------------------------------ reading the last plan

    def values(self, column: str) -> Floats:
        """Return the values of columns in the last plan, one for each entry."""
        return self._plan.values[_found(self._columns, column, "column")]

    def duals(self, row: str) -> Floats:
        """Return the change of the objective per unit of each row's limit in the last plan.

        An integer model is priced with its integers held at the last plan.
        """
        duals = self._plan.row_duals
        if duals is None:
            held = highs.fixed_lp_duals(self._session.matrix, self._plan, load_profile(DEFAULT))
            duals = held.accepted("optimal").row_duals
            self._last = replace(self._plan, row_duals=duals)
        assert duals is not None
        return duals[_found(self._rows, row, "row")]

    @property
    def _plan(self) -> Solution:
        if self._last is None:
            raise InputError("The model was not solved yet, or no plan was found: call `solve`.")
        return self._last


def _profile(matrix: Matrix) -> Profile:
    """Return the profile of a first solve: one that ends at a basis."""
    if matrix.is_mip or matrix.nonzero_count < LARGE_NONZEROS:
        return load_profile(DEFAULT)
    return load_profile(LARGE, ["run_crossover=on"])


def _found(blocks: Mapping[str, Block], name: str, kind: str) -> slice:
    """Return the entries that a name of the model stands for.

    Raises
    ------
    InputError
        The model has no such container, or the container no such entry.
    """
    if name in blocks:
        return blocks[name].slice
    container, bracket, _ = name.rpartition("[")
    block = blocks.get(container if bracket else "")
    if block is None:
        raise InputError(f"The model has no {kind} {name!r}{_hint(container or name, blocks)}.")
    labels = block.labels()
    if name not in labels:
        raise InputError(f"The model has no {kind} {name!r}: {container} goes up to {labels[-1]}.")
    position = block.start + labels.index(name)
    return slice(position, position + 1)


def _numbers(name: str, values: float | Floats, where: slice) -> Floats:
    numbers = np.asarray(values, float)
    count = where.stop - where.start
    if numbers.shape not in {(), (count,)}:
        raise InputError(Finding(f"takes one number or {count}.", key=name, value=numbers.shape))
    if np.isnan(numbers).any():
        raise InputError(Finding("a number is missing (NaN).", key=name))
    return np.broadcast_to(numbers, count)


def _hint(word: str, options: Mapping[str, object]) -> str:
    near = nearest(word, options)
    return "" if near is None else f" (did you mean {near!r}?)"
