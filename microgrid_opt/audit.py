"""The audit: NumPy re-derives every balance, limit, bill and tonne from results and problem alone.

It shares no code with the model. Each technology states its own physics again, from its
description and the resolved input series; what is common (balances, sizes and their yearly cost,
the sum of the ledger, caps and shares) stands here. An entry of the ledger that nobody re-derived
fails the audit: nothing is booked without proof.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from microgrid_opt import parkaudit
from microgrid_opt.errors import AuditError
from microgrid_opt.ledger import COST
from microgrid_opt.moneyaudit import worth_of_category
from microgrid_opt.parkaudit import CENT, FEASIBILITY, RELATIVE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from microgrid_opt.assets.base import Asset
    from microgrid_opt.horizon import Horizon
    from microgrid_opt.problem import Problem
    from microgrid_opt.results import Results

NOTABLE = 1e-4
"""Opposing flows at once are noted from this share of the larger flow's peak [-]; interior-point
plans leave less than that on both sides."""
POLICIES = "policies"
"""Stands for an asset where a rule of the whole park is checked."""


@dataclass(frozen=True)
class Check:
    """One thing that was re-derived.

    Parameters
    ----------
    subject
        ``member.asset`` or the part of the park.
    what
        What was compared.
    error, allowed
        Largest deviation found, and the tolerance [unit].
    where
        Step with the largest deviation, or empty.
    """

    subject: str
    what: str
    error: float
    allowed: float
    unit: str
    where: str = ""

    @property
    def passed(self) -> bool:
        """Whether the deviation is within the tolerance."""
        return bool(self.error <= self.allowed)

    def __str__(self) -> str:
        """Return a line for reading."""
        place = f" at {self.where}" if self.where else ""
        verdict = "ok" if self.passed else "FAILED"
        return (
            f"{verdict}: {self.subject}: {self.what}: off by {self.error:.3g} {self.unit}{place} "
            f"(allowed {self.allowed:.3g})"
        )


@dataclass(frozen=True)
class Audit:
    """All checks of one plan, and what is worth noting without being wrong."""

    checks: tuple[Check, ...]
    notes: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return all(check.passed for check in self.checks)

    @property
    def failures(self) -> tuple[Check, ...]:
        """Checks that failed."""
        return tuple(check for check in self.checks if not check.passed)

    @property
    def worst(self) -> Check:
        """The check that came closest to its tolerance, or went furthest beyond."""
        return max(self.checks, key=lambda c: c.error / c.allowed if c.allowed else c.error)

    def require(self) -> None:
        """Raise when a check failed.

        Raises
        ------
        AuditError
            With a line per failed check.
        """
        if not self.passed:
            lines = "\n".join(f"- {check}" for check in self.failures)
            raise AuditError(f"The audit failed in {len(self.failures)} checks:\n{lines}")


class AssetAudit:
    """What a technology sees of the results while it states its physics again."""

    def __init__(self, book: Book, member: str, asset: str) -> None:
        self._book = book
        self.member = member
        self.asset = asset
        self._prefix = f"{member}.{asset}."
        self.subject = f"{member}.{asset}"
        """What the checks are about."""

    @property
    def horizon(self) -> Horizon:
        """The time axis."""
        return self._book.problem.horizon

    def data(self, name: str) -> NDArray[np.float64]:
        """Return a resolved input series, shape (n,)."""
        return self._book.problem.arrays[f"assets.{self.asset}.{name}"]

    def has_data(self, name: str) -> bool:
        """Return whether the asset was given the optional input series."""
        return f"assets.{self.asset}.{name}" in self._book.problem.arrays

    def series(self, name: str) -> NDArray[np.float64]:
        """Return a result series, shape (n,)."""
        return self._book.results.series[self._prefix + name].to_numpy()

    def has_series(self, name: str) -> bool:
        """Return whether the asset has a result series of that name."""
        return self._prefix + name in self._book.results.series.columns

    def monthly(self, name: str) -> NDArray[np.float64]:
        """Return a result with a value for each billing month, shape (months,)."""
        return self._book.results.monthly[self._prefix + name].to_numpy()

    def data_below(self, prefix: str) -> dict[str, NDArray[np.float64]]:
        """Return the resolved input series below a key of the asset, by the rest of their keys."""
        start = f"assets.{self.asset}.{prefix}."
        arrays = self._book.problem.arrays
        return {key.removeprefix(start): arrays[key] for key in arrays if key.startswith(start)}

    def has_monthly(self, name: str) -> bool:
        """Return whether the asset has a result of that name for each billing month."""
        return self._prefix + name in self._book.results.monthly.columns

    @property
    def slack(self) -> float:
        """Money that a better plan could still save: cost less proven bound, and rounding."""
        run = self._book.results.run
        gap = 0.0 if run.bound is None else max(0.0, run.objective - run.bound)
        return gap + max(CENT, RELATIVE * abs(run.objective))

    def size(self, name: str) -> float:
        """Return a size in operation."""
        return self._book.results.size(self.asset, name)

    def flow_unit(self, carrier: str) -> str:
        """Return the unit of a carrier's flows: kW or kg/h."""
        return self._book.problem.park.carrier(carrier).flow_unit

    @property
    def trades(self) -> bool:
        """Whether members of the park trade with each other over a network."""
        return self._book.problem.park.trading is not None

    @property
    def place(self) -> str:
        """Where the asset's balances are held: a node, or its member."""
        return self._book.problem.park.place(self.asset)

    def supplied(self, carrier: str, *, place: str | None = None) -> NDArray[np.float64]:
        """Return what this asset adds to a balance according to the flow table, shape (n,)."""
        return self._book.exchanged(self.asset, carrier, 1, place)

    def drawn(self, carrier: str, *, place: str | None = None) -> NDArray[np.float64]:
        """Return what this asset takes from a balance according to the flow table, shape (n,)."""
        return self._book.exchanged(self.asset, carrier, -1, place)

    def neighbours(self) -> Mapping[str, Asset]:
        """Return all assets of the park by key."""
        return self._book.problem.park.assets

    def supplied_by(self, asset: str, carrier: str) -> NDArray[np.float64]:
        """Return what another asset adds to the balance where this one is, shape (n,)."""
        return self._book.exchanged(asset, carrier, 1, self.place)

    def drawn_by(self, asset: str, carrier: str) -> NDArray[np.float64]:
        """Return what another asset takes from the balance where this one is, shape (n,)."""
        return self._book.exchanged(asset, carrier, -1, self.place)

    def supplied_here(
        self, carrier: str, role: str, *, renewable: bool | None = None
    ) -> NDArray[np.float64]:
        """Return what all assets add with a role to the balance where this one is, shape (n,)."""
        total = np.zeros(len(self.horizon))
        for flow in self._book.flows:
            here = (flow.place, flow.carrier, flow.role, flow.sign)
            if here == (self.place, carrier, role, 1) and renewable in {None, bool(flow.renewable)}:
                total += flow.values
        return total

    def measure(self, name: str, amount: float) -> None:
        """Re-derive a sum that the asset declared to policies under ``name``."""
        self._book.measures[name] = self._book.measures.get(name, 0.0) + amount

    def equal(self, what: str, left: Any, right: Any, *, unit: str, scale: float = 1.0) -> None:
        """Check that two series or numbers agree; ``scale`` is that of the sums behind them."""
        self._book.compare(self.subject, what, left, right, unit, signed=False, scale=scale)

    def at_most(self, what: str, left: Any, right: Any, *, unit: str, scale: float = 1.0) -> None:
        """Check that ``left`` nowhere exceeds ``right``; ``scale`` as in `equal`."""
        self._book.compare(self.subject, what, left, right, unit, signed=True, scale=scale)

    def capped(
        self,
        name: str,
        value: float,
        sense: str,
        limit: float,
        *,
        unit: str,
        whole: float | None = None,
        scale: float = 1.0,
    ) -> None:
        """Check a limit on a sum, and what the table of caps says of it.

        Parameters
        ----------
        name, sense, limit
            As given to `Builder.cap`.
        value, whole
            The sum re-derived, and the sum of which the limit is a share.
        unit
            Unit of the sums.
        scale
            Size of the amounts that were added up.
        """
        bound = limit if whole is None else limit * whole
        low, high = (value, bound) if sense == "<=" else (bound, value)
        scale = max(scale, abs(whole or 0.0))
        self.at_most(f"{name} kept", low, high, unit=unit, scale=scale)
        row = self._book.cap(name if self.asset == POLICIES else f"{self.asset}.{name}")
        if row is None:
            self._book.fail(self.subject, f"{name} stands in the table of caps")
            return
        per = 1.0 if whole is None else whole
        self.equal(f"limit of {name}", row["limit"] * per, limit * per, unit=unit)
        # A share of nothing has no value.
        if per:
            self.equal(f"value of {name}", row["value"] * per, value, unit=unit, scale=scale)

    def noted(
        self,
        what: str,
        one: NDArray[np.float64],
        other: NDArray[np.float64],
        *,
        unit: str,
    ) -> None:
        """Note steps in which two flows that oppose each other run at once: legal, but odd."""
        both = np.minimum(one, other)
        scale = max(1.0, float(one.max(initial=0.0)), float(other.max(initial=0.0)))
        steps = np.flatnonzero(both > NOTABLE * scale)
        if steps.size:
            energy = float(both[steps] @ self.horizon.hours[steps])
            self._book.notes.append(
                f"{self.member}.{self.asset} {what} in {steps.size} steps "
                f"({energy:,.4g} {unit}·h), first at {self.horizon.stamps[steps[0]]}."
            )

    def note(self, text: str) -> None:
        """Note something that is legal, but worth reading."""
        self._book.notes.append(f"{self.subject} {text}")

    def booked(
        self,
        category: str,
        amount: float,
        *,
        effect: str = "cost",
        over: float = 0.0,
        under: float = 0.0,
    ) -> None:
        """Check the ledger's sum for a category of this asset.

        Parameters
        ----------
        over, under
            How far the ledger may lie above and below, where the optimum does not say or a plan is
            short of it.
        """
        self._book.booked(self.member, self.asset, category, effect, amount, (over, under))

    def ledger(self, category: str, *, effect: str = "cost") -> float:
        """Return the ledger's sum for a category of this asset; it still has to be re-derived.

        Money is at the prices of the year, before growth and value-added tax.
        """
        return self._book.at_prices_of_the_year((self.member, self.asset, category, effect))


class Flow(NamedTuple):
    """One row of the flow table with its values, shape (n,)."""

    place: str
    asset: str
    carrier: str
    sign: int
    values: NDArray[np.float64]
    role: str
    renewable: bool


class Book:
    """Results, problem and the checks so far."""

    def __init__(self, results: Results, problem: Problem) -> None:
        self.results = results
        self.problem = problem
        self.checks: list[Check] = []
        self.notes: list[str] = []
        self.proven: set[tuple[str, ...]] = set()
        self.amounts: dict[tuple[str, ...], float] = {}
        self.gross: dict[str, float] = {}
        for row in results.ledger.to_dict("records"):
            key = (row["member"], row["asset"], row["category"], row["effect"])
            self.amounts[key] = self.amounts.get(key, 0.0) + row["amount"]
            self.gross[key[3]] = self.gross.get(key[3], 0.0) + abs(row["amount"])
        self.caps: dict[str, Mapping[str, Any]] = {
            str(row["name"]): {str(key): value for key, value in row.items()}
            for row in results.caps.to_dict("records")
        }
        self.proven_caps: set[str] = set()
        self.measures: dict[str, float] = {}

    @cached_property
    def flows(self) -> tuple[Flow, ...]:
        """The flow table with the values of each row."""
        found = []
        series, factors = self.results.series, self.results.factors
        for number, row in zip(
            self.results.flows.index, self.results.flows.to_dict("records"), strict=True
        ):
            factor = row["factor"]
            if np.isnan(factor):
                factor = factors[str(number)].to_numpy()
            values = np.asarray(factor * series[row["column"]].to_numpy())
            place = (row["place"], row["asset"], row["carrier"], row["sign"])
            found.append(Flow(*place, values, row["role"], row["renewable"]))
        return tuple(found)

    def view(self, asset: str) -> AssetAudit:
        """Return what an asset sees."""
        return self.named(self.problem.park.owner(asset), asset)

    def named(self, member: str, name: str) -> AssetAudit:
        """Return the view of what stands in the results under a member and a name."""
        return AssetAudit(self, member, name)

    def policies(self) -> AssetAudit:
        """Return what the rules of the whole park see."""
        return self.named(next(iter(self.problem.park.members)), POLICIES)

    def cap(self, name: str) -> Mapping[str, Any] | None:
        """Return a row of the table of caps, and mark it as re-derived."""
        self.proven_caps.add(name)
        return self.caps.get(name)

    def exchanged(
        self, asset: str, carrier: str, sign: int, place: str | None
    ) -> NDArray[np.float64]:
        """Return the sum of an asset's terms in the balances of a carrier, shape (n,)."""
        total = np.zeros(len(self.problem.horizon))
        for flow in self.flows:
            if (flow.asset, flow.carrier, flow.sign) == (asset, carrier, sign) and place in {
                None,
                flow.place,
            }:
                total += flow.values
        return total

    def at_prices_of_the_year(self, key: tuple[str, ...]) -> float:
        """Return a sum of the ledger without what growth and value-added tax make of it."""
        member, asset, category, effect = key
        amount = self.amounts.get(key, 0.0)
        if effect != COST or not amount:
            return amount
        return amount / worth_of_category(self.problem.park.finance_of(member), asset, category)

    def fail(self, subject: str, what: str) -> None:
        """Add a check that failed outright."""
        self.checks.append(Check(subject, what, np.inf, 0.0, ""))

    def compare(
        self,
        subject: str,
        what: str,
        left: Any,
        right: Any,
        unit: str,
        *,
        signed: bool,
        scale: float = 1.0,
    ) -> None:
        """Add a check of two arrays or numbers; ``signed`` allows left to be smaller."""
        a, b = np.broadcast_arrays(np.asarray(left, float), np.asarray(right, float))
        finite = np.where(np.isfinite(b), b, 0.0)
        largest = (float(np.abs(values).max(initial=0.0)) for values in (a, finite))
        scale = max(1.0, scale, *largest)
        off = a - b if signed else np.abs(a - b)
        off = np.where(np.isnan(off), np.inf, off)
        worst = int(off.argmax()) if off.ndim else 0
        error = max(0.0, float(off.flat[worst]))
        where = ""
        if off.size == len(self.problem.horizon) and off.size > 1:
            where = str(self.problem.horizon.stamps[worst])
        self.checks.append(Check(subject, what, error, 10 * FEASIBILITY * scale, unit, where))

    def booked(
        self,
        member: str,
        asset: str,
        category: str,
        effect: str,
        amount: float,
        room: tuple[float, float] = (0.0, 0.0),
    ) -> None:
        """Compare one sum of the ledger with its independent value."""
        key = (member, asset, category, effect)
        self.proven.add(key)
        found = self.at_prices_of_the_year(key)
        allowed = max(CENT, RELATIVE * max(abs(amount), 1e-3 * self.gross.get(effect, 0.0)))
        unit = self.results.currency if effect == "cost" else "kg"
        over, under = room
        error = max(0.0, found - amount - over, amount - found - under)
        self.checks.append(
            Check(f"{member}.{asset}", f"ledger {effect} {category}", error, allowed, unit)
        )

    def booked_sum(self, cost: float) -> None:
        """Compare the sum of all costs with the objective that the solver reported."""
        allowed = max(CENT, RELATIVE * max(abs(cost), 1e-3 * self.gross.get("cost", 0.0)))
        error = abs(cost - self.results.run.objective)
        self.checks.append(
            Check("park", "ledger = objective", error, allowed, self.results.currency)
        )


def audit(results: Results, problem: Problem, *, reference_co2_kg: float | None = None) -> Audit:
    """Re-derive a plan.

    Parameters
    ----------
    results
        The plan.
    problem
        Park and resolved series from which it was made.
    reference_co2_kg
        CO2 of the reference plan over the horizon [kg], for caps relative to it.

    Returns
    -------
    Audit
        Every check with its deviation; call ``require()`` to raise on failure.
    """
    book = Book(results, problem)
    if parkaudit.is_of_this_park(book):
        for key, asset in problem.park.assets.items():
            asset.audit(book.view(key))
        parkaudit.audit_park(book, reference_co2_kg)
    return Audit(tuple(book.checks), tuple(book.notes))
