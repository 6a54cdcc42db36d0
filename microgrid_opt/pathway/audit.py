"""The audit of a pathway: lots, lives, annuities, weights and objective, from tables alone.

Each stage has the audit of a single year besides; this one follows what goes from stage to stage. It
shares no code with the model: annuities and weights are derived again in closed form.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from microgrid_opt.audit import Audit, Check
from microgrid_opt.finance import present_value_factor
from microgrid_opt.ledger import EARLIER, KG_PER_T
from microgrid_opt.parkaudit import CENT, FEASIBILITY, RELATIVE
from microgrid_opt.pathway.results import EXISTING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from microgrid_opt.fields import Size
    from microgrid_opt.pathway.problem import StagedProblem
    from microgrid_opt.pathway.results import Pathway
    from microgrid_opt.problem import Problem
    from microgrid_opt.results import Results

    Row = Mapping[Any, Any]


def audit_pathway(
    problem: StagedProblem,
    pathway: Pathway,
    results: Mapping[int, Results],
    references: Mapping[int, Results | None],
) -> Audit:
    """Re-derive a pathway.

    Parameters
    ----------
    problem
        The stages.
    pathway
        Its tables.
    results, references
        Plan and reference plan of every stage, which have audits of their own.
    """
    job = _Audit(problem, pathway, results, references)
    checks = [*job.years(), *job.sums(), *job.sizes(), *job.lots(), *job.annuities()]
    return Audit(tuple(checks), ())


class _Audit:
    def __init__(
        self,
        problem: StagedProblem,
        pathway: Pathway,
        results: Mapping[int, Results],
        references: Mapping[int, Results | None],
    ) -> None:
        self.problem, self.pathway = problem, pathway
        self.results, self.references = results, references
        self.rows = {row["year"]: row for row in pathway.stages.to_dict("records")}
        self.stages = list(problem.stages)
        self.lot_rows = {
            (row["year"], row["asset"], row["size"], row["since"]): row
            for row in pathway.lots.to_dict("records")
        }

    # ------------------------------------------------------------------------------------ money, CO2

    def years(self) -> Iterator[Check]:
        """Check years and weights of the stages: differences of annuities."""
        same = list(self.rows) == self.stages == list(self.results)
        yield _check("pathway", "a row for each stage", 0.0 if same else 1.0, 0.0, "1")
        rate, first = self.problem.park.finance.real_rate, self.stages[0]
        for number, year in enumerate(self.stages):
            row = self.rows[year]
            last = number + 1 == len(self.stages)
            end = self._end() if last else self.stages[number + 1]
            yield _equal(year, "years", row["years"], end - year, "year")
            yield _equal(year, "last year", row["last_year"], end - 1, "year")
            before = present_value_factor(rate, year - first) if year > first else 0.0
            weight = present_value_factor(rate, end - first) - before
            yield _equal(year, "weight", row["weight"], weight, "year")

    def _end(self) -> int:
        """Return the first year that does not count any more."""
        if self.problem.spec.end_year is not None:
            return self.problem.spec.end_year + 1
        alone = len(self.stages) == 1
        return self.stages[-1] + (1 if alone else self.stages[-1] - self.stages[-2])

    def sums(self) -> Iterator[Check]:
        """Check yearly sums, the present value against the solver's objective, and the budget."""
        money = self.pathway.currency
        total = carbon = 0.0
        for year, results in self.results.items():
            problem, row = self.problem.stages[year], self.rows[year]
            share = _share(problem)
            cost, co2 = results.cost / share, results.co2_kg / problem.horizon.year_share
            total += row["weight"] * cost
            carbon += row["years"] * co2
            spent = math.fsum(results.sizes["capex"])
            yield _equal(year, "cost of a year", row["cost"], cost, money)
            yield _equal(year, "CO2 of a year", row["co2_kg"], co2, "kg")
            yield _equal(year, "what the stage spends", row["capex"], spent, money)
            ratio = results.indicators().get("co2_intensity")
            if ratio is not None:
                yield _equal(year, "CO2 intensity", row["co2_t_per_tce"], ratio.value, "t/tce")
            base = self.references.get(year)
            if base is not None:
                name = "reference_cost"
                yield _equal(year, "cost of the reference", row[name], base.cost / share, money)
                co2 = base.co2_kg / problem.horizon.year_share
                yield _equal(year, "CO2 of the reference", row["reference_co2_kg"], co2, "kg")
        allowed = max(CENT, RELATIVE * abs(total))
        for what, amount in (
            ("present value = objective", self.pathway.run.objective),
            ("present value in the tables", self.pathway.present_value),
        ):
            yield _check("pathway", what, abs(total - amount), allowed, money)
        budget = self.problem.spec.co2_budget_t
        if budget is not None:
            limit = budget * KG_PER_T
            over = max(0.0, carbon - limit)
            allowed = FEASIBILITY * max(1.0, limit, abs(carbon))
            yield _check("pathway", "CO2 budget kept", over, allowed, "kg")
            told = {row["name"]: row for row in self.pathway.caps.to_dict("records")}
            row = told.get("co2_budget", {"limit": math.inf, "value": math.inf})
            for name, amount in (("limit", limit), ("value", carbon)):
                off = abs(row[name] - amount)
                yield _check("pathway", f"CO2 budget, {name}", off, allowed, "kg")

    # ------------------------------------------------------------------------------------ capacity

    def sizes(self) -> Iterator[Check]:
        """Check the chain of every size against the stages' own tables."""
        chain = {
            (row["year"], row["asset"], row["size"]): row
            for row in self.pathway.sizes.to_dict("records")
        }
        before: dict[tuple[str, str], float] = {}
        count = sum(len(results.sizes) for results in self.results.values())
        yield _check("pathway", "every size in every stage", abs(count - len(chain)), 0.0, "1")
        for year, results in self.results.items():
            now: dict[tuple[str, str], float] = {}
            for row in results.sizes.to_dict("records"):
                key = (row["asset"], row["size"])
                told, name = chain.get((year, *key)), ".".join(key)
                if told is None:
                    yield _check(name, f"{year}: in the table of sizes", 1.0, 0.0, "1")
                    continue
                now[key], unit = row["total"], row["unit"]
                left = told["before"] + told["built"] - told["ended"] - told["given_up"]
                scale = max(1.0, row["total"], told["before"])
                for what, one, other in (
                    ("total", told["total"], row["total"]),
                    ("built", told["built"], row["new"]),
                    ("before", told["before"], before.get(key, row["existing"])),
                    ("before + built - ended - given up", left, row["total"]),
                    ("lots", self._running(year, *key), row["total"]),
                    ("lot bought", self._amount(year, *key, str(year)), row["new"]),
                ):
                    yield _near(name, f"{year}: {what}", one, other, unit, scale)
                for what in ("ended", "given_up"):
                    yield _below(name, f"{year}: {what} >= 0", 0.0, told[what], unit, scale)
            before = now

    def _running(self, year: int, asset: str, size: str) -> float:
        found = (
            row["amount"] for key, row in self.lot_rows.items() if key[:3] == (year, asset, size)
        )
        return math.fsum(found)

    def _amount(self, year: int, asset: str, size: str, since: str) -> float:
        row = self.lot_rows.get((year, asset, size, since))
        return 0.0 if row is None else float(row["amount"])

    def lots(self) -> Iterator[Check]:
        """Check that nothing outlives its life, comes back, or goes where it must stay."""
        for (year, asset, size, since), row in self.lot_rows.items():
            spec = self.problem.stages[year].park.assets[asset].sizes()[size]
            name, unit = f"{asset}.{size}", row["unit"]
            amount, scale = float(row["amount"]), max(1.0, float(row["amount"]))
            yield _below(name, f"{year}: not negative, of {since}", 0.0, amount, unit, scale)
            if since == EXISTING:
                yield from self._existing(year, (asset, size), spec, amount, unit)
                continue
            life = self._life(int(since), asset, size)
            over = (
                1.0
                if int(since) > year or (life is not None and year >= int(since) + life)
                else 0.0
            )
            alone = life is None and int(since) != year
            yield _check(name, f"{year}: within its life, of {since}", over + alone, 0.0, "1")
            if life is not None:
                yield _near(
                    name, f"{year}: end of {since}", row["until"], int(since) + life, "year", 1.0
                )
            if int(since) < year:
                before = self._amount(self._previous(year), asset, size, since)
                yield _near(name, f"{year}: found of {since}", row["before"], before, unit, scale)
                yield _below(
                    name, f"{year}: comes not back, of {since}", amount, before, unit, scale
                )
                if spec.retirement != "partial":
                    yield _below(name, f"{year}: stays, of {since}", before, amount, unit, scale)
        yield from self._missing()

    def _existing(
        self, year: int, key: tuple[str, str], spec: Size, amount: float, unit: str
    ) -> Iterator[Check]:
        name, scale = ".".join(key), max(1.0, spec.existing)
        yield _below(name, f"{year}: what exists", amount, spec.existing, unit, scale)
        if spec.retirement == "whole" and spec.existing:
            share = amount / spec.existing
            yield _near(name, f"{year}: whole or gone", share, round(share), "1", 1.0)
        most = spec.existing
        if self._has(self._previous(year), key):
            before = self._amount(self._previous(year), *key, EXISTING)
            yield _below(name, f"{year}: comes not back", amount, before, unit, scale)
            most = min(before, most)
        if spec.retirement == "none":
            yield _below(name, f"{year}: existing stays", most, amount, unit, scale)

    def _missing(self) -> Iterator[Check]:
        """Check that no lot is forgotten while it lives, unless it may be given up."""
        for year in self.stages:
            previous = self._previous(year)
            for then, asset, size, since in self.lot_rows:
                if then != previous or (year, asset, size, since) in self.lot_rows:
                    continue
                held = self.problem.stages[year].park.assets.get(asset)
                spec = None if held is None else held.sizes().get(size)
                if spec is None or spec.retirement != "none":
                    continue
                if since == EXISTING:
                    alive = spec.existing > 0
                else:
                    life = self._life(int(since), asset, size)
                    alive = life is not None and year < int(since) + life
                lost = self._amount(then, asset, size, since) if alive else 0.0
                what = f"{year}: still there, of {since}"
                yield _near(f"{asset}.{size}", what, 0.0, lost, type(spec).unit, 1.0)

    def _previous(self, year: int) -> int:
        place = self.stages.index(year)
        return self.stages[place - 1] if place else 0

    def _has(self, year: int, key: tuple[str, str]) -> bool:
        problem = self.problem.stages.get(year)
        held = None if problem is None else problem.park.assets.get(key[0])
        return held is not None and key[1] in held.sizes()

    def _life(self, since: int, asset: str, size: str) -> float | None:
        held = self.problem.stages[since].park.assets.get(asset)
        spec = None if held is None else held.sizes().get(size)
        return None if spec is None else spec.lifetime_years

    def annuities(self) -> Iterator[Check]:
        """Check that every purchase is paid in every stage that begins within its life."""
        paid = {
            (row["year"], row["asset"], row["size"]): float(row["annual_cost"])
            for year in self.stages
            for row in self.results[year].sizes.assign(year=year).to_dict("records")
        }
        for year, results in self.results.items():
            due: dict[str, float] = {}
            for (since, asset, size), amount in paid.items():
                life = self._life(since, asset, size)
                if life is not None and since < year < since + life:
                    due[asset] = due.get(asset, 0.0) + amount
            share = _share(self.problem.stages[year])
            ledger = results.ledger[results.ledger["category"] == EARLIER]
            booked = {str(k): float(v) for k, v in ledger.groupby("asset")["amount"].sum().items()}
            for asset in due.keys() | booked.keys():
                one, other = booked.get(asset, 0.0), due.get(asset, 0.0) * share
                allowed = max(CENT, RELATIVE * abs(other))
                what = f"{year}: purchases of earlier stages are paid"
                yield _check(asset, what, abs(one - other), allowed, results.currency)


def _share(problem: Problem) -> float:
    return problem.park.finance.investment_share(problem.horizon)


def _check(subject: str, what: str, error: float, allowed: float, unit: str) -> Check:
    return Check(subject, what, math.inf if math.isnan(error) else float(error), allowed, unit)


def _equal(year: int, what: str, one: float, other: float, unit: str) -> Check:
    allowed = max(1e-9, RELATIVE * abs(other))
    return _check(f"stage {year}", what, abs(one - other), allowed, unit)


def _near(subject: str, what: str, one: float, other: float, unit: str, scale: float) -> Check:
    return _check(subject, what, abs(one - other), 2.0 * FEASIBILITY * max(1.0, scale), unit)


def _below(subject: str, what: str, low: float, high: float, unit: str, scale: float) -> Check:
    return _check(subject, what, max(0.0, low - high), 2.0 * FEASIBILITY * max(1.0, scale), unit)
