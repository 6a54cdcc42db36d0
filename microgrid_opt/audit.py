"""The audit: NumPy re-derives every balance, limit, bill and tonne from results and problem alone.

It shares no code with the model. Each technology states its own physics again, from its
description and the resolved input series; what is common (balances, sizes and their yearly cost,
the sum of the ledger, caps and shares) stands here. An entry of the ledger that nobody re-derived
fails the audit: nothing is booked without proof.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from microgrid_opt.errors import AuditError
from microgrid_opt.finance import annual_cost

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from microgrid_opt.fields import Size
    from microgrid_opt.horizon import Horizon
    from microgrid_opt.problem import Problem
    from microgrid_opt.results import Results

RELATIVE = 1e-6
"""Tolerance of sums and bills, relative to the largest amount of the same kind [-]."""
FEASIBILITY = 1e-6
"""HiGHS's default primal feasibility tolerance, absolute per row in the row's own unit [-]; used
with the row's scale."""
NOTABLE = 1e-4
"""Opposing flows at once are noted from this share of the larger flow's peak [-]; interior-point
plans leave less than that on both sides."""
CENT = 0.01
"""Money is compared to a hundredth of the currency or to `RELATIVE`, whichever is larger."""


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

    def __init__(self, book: _Book, member: str, asset: str) -> None:
        self._book = book
        self.member = member
        self.asset = asset
        self._prefix = f"{member}.{asset}."

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

    def size(self, name: str) -> float:
        """Return a size in operation."""
        return self._book.results.size(self.asset, name)

    def supplied(self, carrier: str, *, member: str | None = None) -> NDArray[np.float64]:
        """Return what this asset adds to a balance according to the flow table, shape (n,)."""
        return self._book.exchanged(self.asset, carrier, 1, member)

    def drawn(self, carrier: str, *, member: str | None = None) -> NDArray[np.float64]:
        """Return what this asset takes from a balance according to the flow table, shape (n,)."""
        return self._book.exchanged(self.asset, carrier, -1, member)

    def equal(self, what: str, left: Any, right: Any, *, unit: str) -> None:
        """Check that two series or numbers agree."""
        self._book.compare(f"{self.member}.{self.asset}", what, left, right, unit, signed=False)

    def at_most(self, what: str, left: Any, right: Any, *, unit: str) -> None:
        """Check that ``left`` nowhere exceeds ``right``."""
        self._book.compare(f"{self.member}.{self.asset}", what, left, right, unit, signed=True)

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

    def booked(self, category: str, amount: float, *, effect: str = "cost") -> None:
        """Check the ledger's sum for a category of this asset."""
        self._book.booked(self.member, self.asset, category, effect, amount)


class _Book:
    """Results, problem and the checks so far."""

    def __init__(self, results: Results, problem: Problem) -> None:
        self.results = results
        self.problem = problem
        self.checks: list[Check] = []
        self.notes: list[str] = []
        self.proven: set[tuple[str, str, str, str]] = set()
        ledger = results.ledger
        keys = ["member", "asset", "category", "effect"]
        self.amounts: dict[tuple[str, ...], float] = {
            tuple(row[:4]): float(row[4])
            for row in ledger.groupby(keys, sort=False)["amount"].sum().reset_index().to_numpy()
        }
        gross = ledger.assign(size=ledger["amount"].abs()).groupby("effect")["size"].sum()
        self.gross = {str(effect): float(value) for effect, value in gross.items()}

    def flow_values(self, row: pd.Series) -> NDArray[np.float64]:
        """Return factor × column of one row of the flow table, shape (n,)."""
        factor = row["factor"]
        if np.isnan(factor):
            factor = self.results.factors[str(row.name)].to_numpy()
        return np.asarray(factor * self.results.series[row["column"]].to_numpy())

    def exchanged(
        self, asset: str, carrier: str, sign: int, member: str | None
    ) -> NDArray[np.float64]:
        """Return the sum of an asset's terms in the balances of a carrier, shape (n,)."""
        flows = self.results.flows
        rows = flows[
            (flows["asset"] == asset) & (flows["carrier"] == carrier) & (flows["sign"] == sign)
        ]
        if member is not None:
            rows = rows[rows["member"] == member]
        total = np.zeros(len(self.problem.horizon))
        for _, row in rows.iterrows():
            total += self.flow_values(row)
        return total

    def compare(
        self, subject: str, what: str, left: Any, right: Any, unit: str, *, signed: bool
    ) -> None:
        """Add a check of two arrays or numbers; ``signed`` allows left to be smaller."""
        a, b = np.broadcast_arrays(np.asarray(left, float), np.asarray(right, float))
        finite = np.where(np.isfinite(b), b, 0.0)
        scale = max(1.0, float(np.abs(a).max(initial=0.0)), float(np.abs(finite).max(initial=0.0)))
        off = a - b if signed else np.abs(a - b)
        off = np.where(np.isnan(off), np.inf, off)
        worst = int(off.argmax()) if off.ndim else 0
        error = max(0.0, float(off.flat[worst]))
        where = ""
        if off.size == len(self.problem.horizon) and off.size > 1:
            where = str(self.problem.horizon.stamps[worst])
        self.checks.append(Check(subject, what, error, 10 * FEASIBILITY * scale, unit, where))

    def booked(self, member: str, asset: str, category: str, effect: str, amount: float) -> None:
        """Compare one sum of the ledger with its independent value."""
        key = (member, asset, category, effect)
        self.proven.add(key)
        found = self.amounts.get(key, 0.0)
        allowed = max(CENT, RELATIVE * max(abs(amount), 1e-3 * self.gross.get(effect, 0.0)))
        unit = self.results.currency if effect == "cost" else "kg"
        error = abs(found - amount)
        self.checks.append(
            Check(f"{member}.{asset}", f"ledger {effect} {category}", error, allowed, unit)
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
    book = _Book(results, problem)
    park = problem.park
    for key, asset in park.assets.items():
        view = AssetAudit(book, park.owner(key), key)
        asset.audit(view)
        _audit_sizes(book, view, asset)
    _audit_balances(book)
    _audit_policies(book, reference_co2_kg)
    _audit_ledger(book)
    return Audit(tuple(book.checks), tuple(book.notes))


def _audit_sizes(book: _Book, view: AssetAudit, asset: Any) -> None:
    """Check bounds of the asset's sizes and re-derive what they cost."""
    sizes = book.results.sizes
    rows = sizes[sizes["asset"] == view.asset]
    specs = asset.sizes()
    invested = running = 0.0
    for _, row in rows.iterrows():
        spec: Size = specs[row["size"]]
        total = float(row["total"])
        view.at_most(f"{row['size']} size at least", spec.existing, total, unit=row["unit"])
        if spec.fixed is not None:
            view.equal(f"{row['size']} size given", total, spec.fixed, unit=row["unit"])
        else:
            view.at_most(f"{row['size']} size least", spec.minimum, total, unit=row["unit"])
            most = np.inf if spec.maximum is None else spec.maximum
            view.at_most(f"{row['size']} size most", total, most, unit=row["unit"])
            if spec.unit_size is not None:
                units = (total - spec.existing) / spec.unit_size
                view.equal(f"{row['size']} whole units", units, np.round(units), unit="1")
        year = _yearly_cost(spec, total, book.problem)
        invested += year[0]
        running += year[1]
    share = _investment_share(book.problem)
    view.booked("investment", invested * share)
    view.booked("fixed_om", running * share)


def _yearly_cost(spec: Size, total: float, problem: Problem) -> tuple[float, float]:
    finance = problem.park.finance
    new = total - spec.existing
    bought = new > 1e-6 * max(1.0, total)
    capex = spec.capex_per_unit * new + (spec.fixed_capex if bought else 0.0)
    rate = finance.discount_rate if spec.discount_rate is None else spec.discount_rate
    yearly = spec.annual_cost_per_unit * new
    if capex and spec.lifetime_years is not None:
        yearly += annual_cost(
            capex,
            spec.lifetime_years,
            rate,
            finance.project_years,
            method=spec.annuity or finance.annuity,
            replacement_fraction=spec.replacement_fraction,
        )
    one_off = spec.fixed_capex if bought else 0.0
    upkeep = spec.fixed_om_per_unit_year * total + spec.fixed_om_fraction * (
        spec.capex_per_unit * total + one_off
    )
    return yearly, upkeep


def _investment_share(problem: Problem) -> float:
    scaling = problem.park.finance.investment_scaling
    if scaling == "full":
        return 1.0
    if scaling != "auto":
        return float(scaling)
    hours = float(np.sum(problem.horizon.step_hours * problem.horizon.weight))
    leap = ((problem.horizon.stamps.month == 2) & (problem.horizon.stamps.day == 29)).any()
    year = 8784.0 if leap else 8760.0
    return 1.0 if abs(hours - year) < 1e-6 * year else hours / 8760.0


def _audit_balances(book: _Book) -> None:
    flows = book.results.flows
    for (member, carrier), rows in flows.groupby(["member", "carrier"], sort=False):
        net = np.zeros(len(book.problem.horizon))
        gross = np.zeros(len(book.problem.horizon))
        for _, row in rows.iterrows():
            values = book.flow_values(row)
            net += row["sign"] * values
            gross += np.abs(values)
        scale = max(1.0, float(gross.max()))
        worst = int(np.abs(net).argmax())
        book.checks.append(
            Check(
                f"{member}.{carrier}",
                "what is supplied equals what is drawn",
                float(np.abs(net[worst])),
                10 * FEASIBILITY * scale,
                "kW",
                str(book.problem.horizon.stamps[worst]),
            )
        )


def _audit_policies(book: _Book, reference_co2_kg: float | None) -> None:
    park, results = book.problem.park, book.results
    member = next(iter(park.members))
    view = AssetAudit(book, member, "policies")
    emitted = sum(amount for (_, _, _, effect), amount in book.amounts.items() if effect == "co2")
    view.booked("co2_price", emitted / 1000.0 * park.carbon.price_per_t)
    limit = park.carbon.limit_kg(book.problem.horizon.year_share, reference_co2_kg)
    if limit is not None:
        view.at_most("CO2 cap", emitted, limit, unit="kg")
    _audit_targets(book, view)
    for _, cap in results.caps.iterrows():
        if np.isnan(cap["value"]):
            continue  # a share of nothing
        sign = 1.0 if cap["sense"] == "<=" else -1.0
        view.at_most(
            f"{cap['name']} within its limit",
            sign * cap["value"],
            sign * cap["limit"],
            unit=cap["unit"],
        )


def _audit_targets(book: _Book, view: AssetAudit) -> None:
    targets = book.problem.park.targets
    flows = book.results.flows
    hours = book.problem.horizon.hours

    def energy(role: str, *, renewable: bool = False) -> float:
        rows = flows[(flows["role"] == role) & (flows["carrier"] == "electricity")]
        if renewable:
            rows = rows[rows["renewable"]]
        return float(sum(book.flow_values(row) @ hours for _, row in rows.iterrows()))

    made, sold, bought = energy("generation"), energy("export"), energy("import")
    if targets.min_renewable_share is not None:
        green = energy("generation", renewable=True)
        green -= sold if targets.renewable_share_export == "deducted" else 0.0
        base = (
            energy("demand") if targets.renewable_share_base == "demand" else made + bought - sold
        )
        view.at_most("renewable share", targets.min_renewable_share * base, green, unit="kWh")
    if targets.min_self_consumption is not None:
        base = made
        if targets.self_consumption_base == "available":
            base = sum(
                float(book.problem.arrays[key] @ hours)
                * book.results.size(key.split(".")[1], "power")
                for key in book.problem.arrays
                if key.endswith(".output_per_kw") and key.split(".")[1] in book.problem.park.assets
            )
        view.at_most(
            "self-consumption", targets.min_self_consumption * base, made - sold, unit="kWh"
        )
    if targets.max_export_share is not None:
        view.at_most("export share", sold, targets.max_export_share * made, unit="kWh")


def _audit_ledger(book: _Book) -> None:
    unproven = set(book.amounts) - book.proven
    for key in sorted(unproven):
        if book.amounts[key]:
            book.checks.append(
                Check(".".join(key[:2]), f"{key[3]} {key[2]} re-derived", np.inf, 0.0, "")
            )
    cost = sum(amount for key, amount in book.amounts.items() if key[3] == "cost")
    allowed = max(CENT, RELATIVE * max(abs(cost), 1e-3 * book.gross.get("cost", 0.0)))
    error = abs(cost - book.results.run.objective)
    book.checks.append(Check("park", "ledger = objective", error, allowed, book.results.currency))
