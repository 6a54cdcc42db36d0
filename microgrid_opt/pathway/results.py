"""What a pathway gives back: plain tables over its stages, no Pyomo and no solver in them."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import pandas as pd

from microgrid_opt.ledger import KG_PER_T

if TYPE_CHECKING:
    from collections.abc import Mapping

    from microgrid_opt.pathway.problem import StagedProblem
    from microgrid_opt.pathway.standing import Kept
    from microgrid_opt.problem import Problem
    from microgrid_opt.results import Results, Run

EXISTING = "existing"
"""Origin of capacity that no stage bought."""


@dataclass(frozen=True, eq=False)
class Pathway:
    """A park over its stages.

    Parameters
    ----------
    name, currency
        From the park.
    foresight
        ``perfect`` or ``myopic``.
    discount_rate
        Real rate per year of the present values [-].
    run
        How the plan came about; the objective is a present value [currency]. Of a myopic pathway the
        sum of its stages, without a bound.
    stages
        A row for each stage: ``year, last_year, years, weight, cost, reference_cost, co2_kg,
        reference_co2_kg, co2_t_per_tce, capex``; cost and CO2 are those of one year, ``weight`` [years] is what a
        yearly cost is worth at the start of the first year, ``co2_t_per_tce`` is CO2 per energy
        consumed, where the park asks for it, and ``capex`` is what the stage spends; NaN is none.
    sizes
        How each size came about: ``year, member, asset, size, unit, before, built, ended, given_up,
        total, capex, annual_cost``; total = before + built − ended − given_up.
    lots
        What runs of each purchase: ``year, member, asset, size, unit, since, until, before, amount``;
        ``since`` is the year of the purchase or `existing`, ``until`` the year in which its life is
        over (NaN: never).
    caps
        Limits over all stages: ``name, description, sense, limit, value, unit, binding,
        shadow_price, price_unit``.
    """

    name: str
    currency: str
    foresight: str
    discount_rate: float
    run: Run
    stages: pd.DataFrame
    sizes: pd.DataFrame
    lots: pd.DataFrame
    caps: pd.DataFrame

    @property
    def present_value(self) -> float:
        """Present value of all costs at the start of the first year [currency]."""
        return math.fsum(self.stages["weight"] * self.stages["cost"])

    @property
    def reference_value(self) -> float:
        """Present value of the reference plans; NaN where a stage has none [currency]."""
        return float((self.stages["weight"] * self.stages["reference_cost"]).sum(skipna=False))

    @property
    def npv(self) -> float:
        """What the plan is worth against the reference plans; NaN where a stage has none."""
        return self.reference_value - self.present_value

    @property
    def co2_kg(self) -> float:
        """CO2 over all years [kg]."""
        return math.fsum(self.stages["years"] * self.stages["co2_kg"])

    @property
    def reference_co2_kg(self) -> float:
        """CO2 of the reference plans over all years; NaN where a stage has none [kg]."""
        return float((self.stages["years"] * self.stages["reference_co2_kg"]).sum(skipna=False))

    def size(self, year: int, asset: str, name: str | None = None) -> float:
        """Return a size in operation in a stage; the name may be left out when there is one."""
        rows = self.sizes[(self.sizes["year"] == year) & (self.sizes["asset"] == asset)]
        if name is not None:
            rows = rows[rows["size"] == name]
        if len(rows) != 1:
            message = f"No single size {asset}.{name or '*'} in {year}."
            raise KeyError(message)
        return float(rows["total"].iloc[0])

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return every table by its name."""
        held = {item.name: getattr(self, item.name) for item in fields(self)}
        return {name: value for name, value in held.items() if isinstance(value, pd.DataFrame)}


@dataclass(frozen=True, eq=False)
class Staged:
    """One stage solved: its problem with what stood before, results, and what it keeps."""

    problem: Problem
    results: Results
    kept: Kept


def pathway_of(
    problem: StagedProblem,
    stages: Mapping[int, Staged],
    references: Mapping[int, Results | None],
    run: Run,
    shadow_price: float,
) -> Pathway:
    """Return the tables of a solved pathway.

    Parameters
    ----------
    problem, stages
        What was solved, stage by stage.
    references
        Reference plans.
    run
        How it came about.
    shadow_price
        What one kg more of the CO2 budget would save [currency/kg]; NaN without.
    """
    park = problem.park
    table = _stages(problem, stages, references)
    return Pathway(
        name=park.name,
        currency=park.currency,
        foresight=problem.spec.foresight,
        discount_rate=park.finance.real_rate,
        run=run,
        stages=table,
        sizes=_sizes(stages),
        lots=_lots(stages),
        caps=_caps(problem, table, shadow_price),
    )


def yearly_cost(problem: Problem, results: Results) -> float:
    """Return the cost of a year: the ledger, at the share of a year's costs that it carries."""
    return results.cost / problem.park.finance.investment_share(problem.horizon)


def yearly_co2(results: Results) -> float:
    """Return the CO2 of a year [kg]."""
    return results.co2_kg / results.horizon.year_share


def _stages(
    problem: StagedProblem,
    stages: Mapping[int, Staged],
    references: Mapping[int, Results | None],
) -> pd.DataFrame:
    rows = []
    for year, years in problem.years.items():
        stage, base = stages[year], references.get(year)
        ratio = stage.results.indicators().get("co2_intensity")
        rows.append(
            {
                "year": year,
                "last_year": years[-1],
                "years": len(years),
                "weight": problem.weights[year],
                "cost": yearly_cost(stage.problem, stage.results),
                "reference_cost": math.nan if base is None else yearly_cost(stage.problem, base),
                "co2_kg": yearly_co2(stage.results),
                "reference_co2_kg": math.nan if base is None else yearly_co2(base),
                "co2_t_per_tce": math.nan if ratio is None else ratio.value,
                "capex": math.fsum(stage.results.sizes["capex"]),
            }
        )
    return pd.DataFrame(rows)


def _sizes(stages: Mapping[int, Staged]) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    before: dict[tuple[str, str], float] = {}
    for year, stage in stages.items():
        totals: dict[tuple[str, str], float] = {}
        for row in stage.results.sizes.to_dict("records"):
            key = (row["asset"], row["size"])
            was = before.get(key, row["existing"])
            totals[key] = row["total"]
            rows.append(
                {
                    "year": year,
                    **{name: row[name] for name in ("member", "asset", "size", "unit")},
                    "before": was,
                    "built": row["new"],
                    "ended": was - row["existing"],
                    "given_up": row["existing"] + row["new"] - row["total"],
                    "total": row["total"],
                    "capex": row["capex"],
                    "annual_cost": row["annual_cost"],
                }
            )
        before = totals
    names = ["year", "member", "asset", "size", "unit", "before", "built", "ended", "given_up"]
    return pd.DataFrame(rows, columns=[*names, "total", "capex", "annual_cost"])


def _lots(stages: Mapping[int, Staged]) -> pd.DataFrame:
    rows: list[tuple[Any, ...]] = []
    for year, stage in stages.items():
        table = stage.results.sizes
        for row in table.to_dict("records"):
            key = (row["asset"], row["size"])
            head = (year, row["member"], *key, row["unit"])
            spec = stage.problem.park.assets[row["asset"]].sizes()[row["size"]]
            lots = stage.problem.standing.get(key)
            if lots is None:
                kept = stage.kept[(*key, None)]
                rows.append((*head, EXISTING, math.nan, float(spec.existing), kept))
            for lot in lots or ():
                since = EXISTING if lot.since is None else str(lot.since)
                until = lot.until if math.isfinite(lot.until) else math.nan
                rows.append((*head, since, until, lot.amount, stage.kept[(*key, lot.since)]))
            # What is rented by the year is over when the stage is.
            years = math.nan if spec.lifetime_years is None else spec.lifetime_years
            rows.append((*head, str(year), year + years, 0.0, stage.kept[(*key, year)]))
    names = ["year", "member", "asset", "size", "unit", "since", "until", "before", "amount"]
    found = pd.DataFrame(rows, columns=names)
    return found[(found["before"] > 0) | (found["amount"] > 0)].reset_index(drop=True)


def _caps(problem: StagedProblem, stages: pd.DataFrame, shadow_price: float) -> pd.DataFrame:
    rows = []
    if problem.spec.co2_budget_t is not None:
        limit = problem.spec.co2_budget_t * KG_PER_T
        value = math.fsum(stages["years"] * stages["co2_kg"])
        rows.append(
            {
                "name": "co2_budget",
                "description": "CO2 budget over all years",
                "sense": "<=",
                "limit": limit,
                "value": value,
                "unit": "kg",
                "binding": bool(limit - value <= 1e-6 * max(1.0, limit)),
                "shadow_price": shadow_price,
                "price_unit": f"{problem.park.currency}/kg",
            }
        )
    names = ["name", "description", "sense", "limit", "value", "unit", "binding"]
    return pd.DataFrame(rows, columns=[*names, "shadow_price", "price_unit"])
