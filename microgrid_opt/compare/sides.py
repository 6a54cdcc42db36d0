"""What one plan costs in a year, and what the extra money of a plan earns."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from microgrid_opt.finance import (
    CashFlows,
    InternalRate,
    Investment,
    cash_flows,
    irr,
    payback_years,
    present_cost,
    present_value_factor,
)
from microgrid_opt.finance.yearly import CO2_PRICE, Yearly
from microgrid_opt.ledger import CO2, COST, FIXED, KG_PER_T

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from microgrid_opt.results import Results


@dataclass(frozen=True)
class Worth:
    """What the extra money earns; the last four are ``None`` unless the project has whole years."""

    present_value_factor: float
    npv: float
    flows: CashFlows | None = None
    irr: InternalRate | None = None
    payback_years: float | None = None
    discounted_payback_years: float | None = None

    @classmethod
    def of(
        cls,
        saving: float,
        investments: Sequence[Investment],
        other: Sequence[Investment],
        rate: float,
        years: float,
    ) -> Worth:
        """Return the worth of a constant saving and of dated purchases at one rate."""
        if not math.isfinite(years):
            raise ValueError(f"project_years = {years!r}: must be finite.")
        bought, avoided = (
            math.fsum(
                present_cost(i.capex, i.lifetime_years, rate, years, i.replacement_fraction)
                for i in items
            )
            for items in (investments, other)
        )
        factor = present_value_factor(rate, years)
        npv = factor * saving - bought + avoided
        if years % 1:
            return cls(factor, npv)
        flows = cash_flows(investments, other, saving, int(years))
        simple, discounted = (payback_years(flows.net, at, flows.years) for at in (0.0, rate))
        return cls(factor, npv, flows, irr(flows.net, flows.years), simple, discounted)


def abatement_cost(mine: Side, theirs: Side) -> float | None:
    """Return what a tonne of CO2 less costs [currency/t]; ``None`` when it is not less."""
    reduction = theirs.co2 - mine.co2
    if reduction <= 1e-9 * max(abs(theirs.co2), abs(mine.co2)):
        return None
    extra = (mine.yearly - mine.co2_price) - (theirs.yearly - theirs.co2_price)
    return extra / (reduction / KG_PER_T)


@dataclass(frozen=True)
class Side:
    """Money [currency/year, capex in currency] and CO2 [kg/year] of one plan."""

    yearly: float
    operating: float
    capex: float
    co2: float
    co2_price: float

    @classmethod
    def of(cls, results: Results) -> Side:
        """Return one plan's side where money has one rate only."""
        ledger, sizes = results.ledger, results.sizes
        share = results.horizon.year_share
        cost = ledger[ledger["effect"] == COST]
        running = cost.loc[~cost["category"].isin(FIXED), "amount"]
        charged = cost.loc[cost["category"] == CO2_PRICE, "amount"]
        annual = math.fsum(sizes["annual_cost"])
        fixed = math.fsum(running) / share + math.fsum(sizes["fixed_om"])
        return cls(
            yearly=fixed + annual,
            operating=fixed + annual - math.fsum(bought(results)["annual_cost"]),
            capex=math.fsum(sizes["capex"]),
            co2=results.effect(CO2) / share,
            co2_price=math.fsum(charged) / share,
        )

    @classmethod
    def after(cls, held: Yearly) -> Side:
        """Return one plan's side where growth, taxes and incentives count."""
        return cls(held.total, held.total - held.capital, held.capex, held.co2_kg, held.co2_price)


def bought(results: Results) -> pd.DataFrame:
    """Return the sizes that are bought for money."""
    return results.sizes[results.sizes["capex"] != 0]
