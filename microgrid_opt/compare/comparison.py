"""What `microgrid_opt.compare` finds: one plan beside another one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from microgrid_opt.results import Quantity

if TYPE_CHECKING:
    import pandas as pd

    from microgrid_opt.finance import CashFlows, InternalRate


@dataclass(frozen=True, eq=False)
class Comparison:
    """A plan against another one.

    Parameters
    ----------
    name, other_name, currency
        Of the two parks.
    discount_rate, project_years
        Rate [1/year] and length [years] of net present value, rate of return and payback.
    cost, other_cost
        Cost over the horizon [currency].
    yearly_cost, other_yearly_cost
        Cost of a year, capex annualised [currency/year].
    co2_kg, other_co2_kg
        CO2 over the horizon [kg].
    yearly_co2_reduction_kg
        CO2 of a year, other − plan [kg/year].
    extra_capex
        Money spent at the start, plan − other [currency].
    yearly_operating_saving
        Running cost of a year without any capital cost of purchases, other − plan [currency/year].
    npv
        Net present value of having the plan rather than the other [currency].
    irr
        Internal rate of return of the same; ``None`` without `flows`.
    payback_years, discounted_payback_years
        First date at which the payments so far add up to zero [years]; infinite when they never
        do, ``None`` without `flows`.
    abatement_cost_per_t
        Extra cost of a year, what is paid for CO2 itself left out, by the tonnes that the plan emits
        less [currency/t]; ``None`` when it does not emit less. Average, not marginal: to be held
        against a CO2 price (F. Kesicki, N. Strachan, Environ. Sci. Policy 14(8), 2011,
        doi:10.1016/j.envsci.2011.08.004).
    flows
        Dated payments, plan − other; ``None`` when the project does not last whole years.
    by_category
        ``effect, category, unit, plan, other, difference`` over the horizon.
    by_asset
        ``member, asset, effect, unit, plan, other, difference`` over the horizon.
    by_size
        ``member, asset, size, unit, plan, other, difference``: sizes in operation.
    notes
        What a reader of the numbers should know, as sentences.
    is_nominal, is_after_tax
        Whether `discount_rate`, `npv`, `irr`, paybacks and `flows` are in current money, and after
        tax on income.
    """

    name: str
    other_name: str
    currency: str
    discount_rate: float
    project_years: float
    cost: float
    other_cost: float
    yearly_cost: float
    other_yearly_cost: float
    co2_kg: float
    other_co2_kg: float
    yearly_co2_reduction_kg: float
    extra_capex: float
    yearly_operating_saving: float
    npv: float
    irr: InternalRate | None
    payback_years: float | None
    discounted_payback_years: float | None
    abatement_cost_per_t: float | None
    flows: CashFlows | None
    by_category: pd.DataFrame
    by_asset: pd.DataFrame
    by_size: pd.DataFrame
    notes: tuple[str, ...] = ()
    is_nominal: bool = False
    is_after_tax: bool = False

    @property
    def terms(self) -> str:
        """What kind of money rates and worths are in, for reading; empty where there is one kind."""
        words = ["nominal"] * self.is_nominal + ["after tax"] * self.is_after_tax
        return ", ".join(words)

    @property
    def saving(self) -> float:
        """Cost over the horizon, other − plan [currency]."""
        return self.other_cost - self.cost

    @property
    def yearly_saving(self) -> float:
        """Cost of a year, other − plan [currency/year]."""
        return self.other_yearly_cost - self.yearly_cost

    @property
    def co2_reduction_kg(self) -> float:
        """CO2 over the horizon, other − plan [kg]."""
        return self.other_co2_kg - self.co2_kg

    def quantities(self) -> dict[str, Quantity]:
        """Return every figure with its unit; those that do not exist are left out."""
        money, year = self.currency, f"{self.currency}/year"
        found = {
            "cost": Quantity(self.cost, money),
            "other_cost": Quantity(self.other_cost, money),
            "saving": Quantity(self.saving, money),
            "yearly_cost": Quantity(self.yearly_cost, year),
            "other_yearly_cost": Quantity(self.other_yearly_cost, year),
            "yearly_saving": Quantity(self.yearly_saving, year),
            "co2": Quantity(self.co2_kg, "kg"),
            "other_co2": Quantity(self.other_co2_kg, "kg"),
            "co2_reduction": Quantity(self.co2_reduction_kg, "kg"),
            "extra_capex": Quantity(self.extra_capex, money),
            "yearly_operating_saving": Quantity(self.yearly_operating_saving, year),
            "npv": Quantity(self.npv, money),
        }
        if self.other_cost > 0:
            found["saving_share"] = Quantity(self.saving / self.other_cost, "1")
        if self.other_co2_kg > 0:
            share = self.co2_reduction_kg / self.other_co2_kg
            found["co2_reduction_share"] = Quantity(share, "1")
        rate = None if self.irr is None else self.irr.rate
        for name, value, unit in (
            ("irr", rate, "1/year"),
            ("payback", self.payback_years, "year"),
            ("discounted_payback", self.discounted_payback_years, "year"),
            ("abatement_cost", self.abatement_cost_per_t, f"{money}/t"),
        ):
            if value is not None and math.isfinite(value):
                found[name] = Quantity(value, unit)
        return found
