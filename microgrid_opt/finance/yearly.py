"""What a plan costs and emits in a year, whatever share of a year its horizon is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from microgrid_opt.finance.spec import CapacityPayment, ProductionPayment
from microgrid_opt.ledger import CO2, COST, FIXED

if TYPE_CHECKING:
    from microgrid_opt.park import Park
    from microgrid_opt.results import Results

CO2_PRICE = "co2_price"
"""Ledger category of what CO2 costs."""


@dataclass(frozen=True)
class Yearly:
    """Cost of a year by member [currency/year], and what is not in a cash flow.

    Parameters
    ----------
    cost
        Constant yearly cost before tax that is worth the same.
    capital
        Part of it that purchases cause: capital cost, grants, tax credits.
    capex
        Money spent at the start, before value-added tax and grants [currency].
    co2_kg, co2_price
        CO2 [kg/year], and what is paid for it [currency/year].
    """

    cost: dict[str, float]
    capital: float
    capex: float
    co2_kg: float
    co2_price: float

    @property
    def total(self) -> float:
        """Cost of a year of all members [currency/year]."""
        return math.fsum(self.cost.values())


def yearly(results: Results, park: Park) -> Yearly:
    """Return the yearly cost of a plan, whatever share of a year its horizon is."""
    year = results.horizon.year_share
    once = park.finance.investment_share(results.horizon)
    cost: dict[str, list[float]] = {member: [] for member in park.members}
    capital: list[float] = []
    co2_price = 0.0
    for row in results.ledger[results.ledger["effect"] == COST].to_dict("records"):
        category, amount = row["category"], float(row["amount"])
        incentive = park.finance.incentives.get(category)
        if category in FIXED:
            continue
        if incentive is None or isinstance(incentive, ProductionPayment):
            amount /= year
        else:
            amount /= once
            if not isinstance(incentive, CapacityPayment):
                capital.append(amount)
        cost[row["member"]].append(amount)
        co2_price += amount if category == CO2_PRICE else 0.0
    for row in results.sizes.to_dict("records"):
        finance = park.finance_of(row["member"])
        upkeep = float(row["fixed_om"]) * finance.worth(row["asset"], "fixed_om")
        cost[row["member"]] += [float(row["annual_cost"]), upkeep]
        if row["capex"]:
            capital.append(float(row["annual_cost"]))
    return Yearly(
        cost={member: math.fsum(amounts) for member, amounts in cost.items()},
        capital=math.fsum(capital),
        capex=math.fsum(results.sizes["capex"]),
        co2_kg=results.effect(CO2) / year,
        co2_price=co2_price,
    )
