r"""From a metered series to a bill.

$$ B_m = \sum_c A_{c,m}, \qquad A^{energy}_{c,m} = \sum_{t \in m} h_t\,p_{c,t}\,f_t\,i_t, \qquad
   A^{demand}_{c,m} = p_{c,m}\,\max\bigl(P_{c,m},\; \rho \max_{k \in K(m)} P_{c,k},\; F_c\bigr) $$

with the import $i_t$, the price $p$, the multiplier $f$ of what floats, the peak $P$ of the means over
the demand window, the ratchet $\rho$ over the months $K(m)$, and the floor $F$.

A month that the series only touches is billed in full where a component is due by the month.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import singledispatchmethod
from typing import TYPE_CHECKING, Any

import numpy as np

from microgrid_opt.bill import peaks
from microgrid_opt.errors import InputError
from microgrid_opt.policies.tariffs.calendar import (
    event_steps,
    periods_of,
    valid_months,
    valid_steps,
    window_steps,
)
from microgrid_opt.policies.tariffs.components import (
    CapacityCharge,
    Component,
    ContractDemand,
    ContractForDifference,
    DemandCharge,
    DemandResponse,
    EnergyCharge,
    ExportCredit,
    FixedCharge,
    MinimumBill,
    NetMetering,
    PowerFactorAdjustment,
    ReactiveCharge,
    StandbyCharge,
    Surcharge,
    TieredEnergy,
    TieredExport,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd
    from numpy.typing import NDArray

    from microgrid_opt.bill.facts import Facts, Meter
    from microgrid_opt.policies.tariffs.spec import Tariff

    Numbers = NDArray[np.float64]

SAME_PRICE = 1e-9
"""Prices closer than this [currency/kWh] are one price for net metering."""
TIE = 1e-9
"""Weight of an option's own amounts where whole bills are equal [-]."""


@dataclass(frozen=True, eq=False)
class Bill:
    """A bill.

    Parameters
    ----------
    months
        Billing months, ``YYYY-MM``.
    amounts
        Money of each component by month [currency], shape (months,); revenue is negative.
    billed
        Quantities behind the amounts by component: billed kW, kWh or kvarh of each month.
    picked
        Option of each period of every choice.
    currency
        ISO 4217 code, or empty.
    """

    months: tuple[str, ...]
    amounts: Mapping[str, Numbers]
    billed: Mapping[str, tuple[str, Numbers]] = field(default_factory=dict)
    picked: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    currency: str = ""

    @property
    def monthly(self) -> Numbers:
        """Sum of all components by month [currency], shape (months,)."""
        return np.asarray(sum(self.amounts.values(), start=np.zeros(len(self.months))))

    @property
    def total(self) -> float:
        """Sum of the bill [currency]."""
        return float(self.monthly.sum())

    def component(self, name: str) -> float:
        """Return the sum of a component over all months [currency]."""
        return float(self.amounts[name].sum())

    def table(self) -> pd.DataFrame:
        """Return months as rows, components as columns, and their total [currency]."""
        import pandas as pd

        frame = pd.DataFrame(dict(self.amounts), index=pd.Index(self.months, name="month"))
        frame["total"] = self.monthly
        return frame


def bill(tariff: Tariff, numbers: Mapping[str, Numbers], meter: Meter, facts: Facts) -> Bill:
    """Return the bill of a metered connection.

    Parameters
    ----------
    tariff, numbers
        The tariff, and its series on the meter's steps (`tariff_numbers`).
    meter
        What passed the meter.
    facts
        Contract and sizes.

    Raises
    ------
    InputError
        Contract and tariff do not fit, or a component needs what is not known.
    """
    problems = list(facts.contract.misfits(tariff, metered=meter.reactive is not None))
    if problems:
        raise InputError(" ".join(problems))
    work = _Calculation(tariff, numbers, meter, facts)
    work.price_all()
    picked = work.pick()
    work.price_others()
    return Bill(
        meter.horizon.month_labels, work.amounts, work.billed, picked, tariff.currency or ""
    )


class _Calculation:
    """The amounts of one bill while they are worked out."""

    def __init__(
        self, tariff: Tariff, numbers: Mapping[str, Numbers], meter: Meter, facts: Facts
    ) -> None:
        self.tariff = tariff
        self.numbers = numbers
        self.meter = meter
        self.facts = facts
        self.active = tariff.active(facts.contract)
        self.horizon = meter.horizon
        self.month = meter.horizon.month
        self.count = len(meter.horizon.month_labels)
        self.amounts: dict[str, Numbers] = {}
        self.billed: dict[str, tuple[str, Numbers]] = {}
        self.withdrawn: frozenset[str] = frozenset()

    def price_all(self) -> None:
        """Price every component by itself.

        An option of an open choice whose facts are not known (no contracted demand, say) is not on
        offer.
        """
        choices = self.tariff.open_choices(self.facts.contract)
        offered = {option for choice in choices.values() for option in choice.options}
        unknown: dict[str, InputError] = {}
        for name, component in self.active.items():
            try:
                self.amounts[name] = self.amount(component, name)
            except InputError as error:
                if component.option not in offered:
                    raise
                unknown[component.option or ""] = error
        for choice in choices.values():
            if unknown.keys() >= set(choice.options):
                raise next(iter(unknown.values()))
        self.active = {key: c for key, c in self.active.items() if c.option not in unknown}
        self.amounts = {key: self.amounts[key] for key in self.active}
        self.withdrawn = frozenset(unknown)

    # ------------------------------------------------------------------ sums and prices

    def by_month(self, values: Numbers) -> Numbers:
        """Return Σ of (n,) values in each month."""
        return np.bincount(self.month, weights=values, minlength=self.count).astype(np.float64)

    def energy(self, power: Numbers) -> Numbers:
        """Return kWh of each month."""
        return self.by_month(power * self.horizon.hours)

    def data(self, name: str, key: str) -> Numbers:
        """Return a series of a component, shape (n,)."""
        return self.numbers[f"components.{name}.{key}"]

    def monthly_price(self, component: Component, name: str, key: str) -> Numbers:
        """Return the price that holds in the first step of each month, 0 where it is not valid."""
        first = np.unique(self.month, return_index=True)[1]
        return self.data(name, key)[first] * valid_months(component, self.horizon)

    def energy_price(self, component: EnergyCharge, name: str) -> Numbers:
        """Return the price of an energy charge in each step, shape (n,)."""
        price = self.data(name, "price_per_kwh")
        if component.floats:
            own = component.multiplier is not None
            key = f"components.{name}.multiplier" if own else "multiplier"
            price = price * self.numbers[key]
        return price * valid_steps(component, self.horizon)

    def due(self, component: Component) -> Numbers:
        """Return the power for which an energy charge is due [kW], shape (n,)."""
        power = self.meter.bought
        if component.retained_when_self_used and self.meter.self_used is not None:
            power = power + self.meter.self_used
        if component.retained_when_wheeled and self.meter.wheeled is not None:
            power = power + self.meter.wheeled
        return power

    def reactive(self) -> Numbers:
        """Return kvarh of each month, measured or from the contract's power factor."""
        if self.meter.reactive is not None:
            return self.energy(self.meter.reactive)
        factor = self.facts.contract.power_factor or 1.0
        return self.energy(self.meter.withdrawn) * float(np.sqrt(1.0 / factor**2 - 1.0))

    # ------------------------------------------------------------------ amounts of each kind

    @singledispatchmethod
    def amount(self, component: Any, name: str) -> Numbers:
        """Return a component's money by month; what stands on other components comes later."""
        del component, name
        return np.zeros(self.count)

    @amount.register(EnergyCharge)
    def _(self, component: EnergyCharge, name: str) -> Numbers:
        power = self.due(component)
        self.billed[name] = ("kWh", self.energy(power * valid_steps(component, self.horizon)))
        return self.energy(power * self.energy_price(component, name))

    @amount.register(TieredEnergy)
    def _(self, component: TieredEnergy, name: str) -> Numbers:
        counted = window_steps(component.when, self.horizon) & valid_steps(component, self.horizon)
        used = self.energy(self.due(component) * counted)
        self.billed[name] = ("kWh", used)
        ends = [np.inf if t.up_to_kwh_month is None else t.up_to_kwh_month for t in component.tiers]
        return blocks(used, ends, [tier.price_per_kwh for tier in component.tiers])

    @amount.register(FixedCharge)
    def _(self, component: FixedCharge, name: str) -> Numbers:
        del name
        valid = valid_steps(component, self.horizon)
        days = [
            len(np.unique(self.horizon.day[(self.month == m) & valid])) for m in range(self.count)
        ]
        months = valid_months(component, self.horizon)
        return component.price_per_month * months + component.price_per_day * np.array(days, float)

    @amount.register(ExportCredit)
    def _(self, component: ExportCredit, name: str) -> Numbers:
        valid = valid_steps(component, self.horizon)
        self.billed[name] = ("kWh", self.energy(self.meter.sold * valid))
        return -self.energy(self.meter.sold * self.data(name, "price_per_kwh") * valid)

    @amount.register(TieredExport)
    def _(self, component: TieredExport, name: str) -> Numbers:
        valid = valid_steps(component, self.horizon)
        sold, bought = (self.energy(p * valid) for p in (self.meter.sold, self.meter.bought))
        self.billed[name] = ("kWh", sold)
        amounts = np.zeros(self.count)
        prices = [tier.price_per_kwh for tier in component.tiers]
        if component.yearly:
            # A year's bins are filled in the order of the months.
            ends = [
                (tier.up_to_kwh_year or np.inf) * self.horizon.year_share
                for tier in component.tiers
            ]
            earned = blocks(
                np.cumsum(sold), np.minimum.accumulate(ends[::-1])[::-1].tolist(), prices
            )
            return -np.diff(earned, prepend=0.0)
        for m in range(self.count):
            ends = [
                tier.up_to_kwh_month or (tier.up_to_import_share or np.inf) * bought[m]
                for tier in component.tiers[:-1]
            ]
            # A bin ends where a later one does at the latest.
            ends = np.minimum.accumulate([*ends, np.inf][::-1])[::-1].tolist()
            amounts[m] = -blocks(sold[[m]], ends, prices)[0]
        return amounts

    @amount.register(ContractForDifference)
    def _(self, component: ContractForDifference, name: str) -> Numbers:
        gap = component.strike_price_per_kwh - self.data(name, "reference_price_per_kwh")
        if component.one_sided:
            gap = np.maximum(gap, 0.0)
        settled = component.share * self.meter.sold * valid_steps(component, self.horizon)
        self.billed[name] = ("kWh", self.energy(settled))
        return -self.energy(settled * gap)

    @amount.register(DemandCharge)
    def _(self, component: DemandCharge, name: str) -> Numbers:
        peak = peaks.of_months(component, self.meter)
        peak[0] = max(peak[0], self.facts.contract.peaks_so_far_kw.get(name, 0.0))
        if component.price_per_kw_year is not None:
            floor = max(component.at_least_kw, self._floor(component, name))
            highest = max(float(peak.max()), floor)
            self.billed[name] = ("kW", np.full(self.count, highest))
            yearly = component.price_per_kw_year * highest * self.horizon.year_share
            return np.full(self.count, yearly / self.count)
        billed = peaks.ratcheted(component, peak, self.horizon, self.facts.contract)
        billed = np.maximum(billed, max(component.at_least_kw, self._floor(component, name)))
        billed = billed * valid_months(component, self.horizon)
        self.billed[name] = ("kW", billed)
        if component.tiers is not None:
            ends = [np.inf if tier.up_to_kw is None else tier.up_to_kw for tier in component.tiers]
            return blocks(billed, ends, [tier.price_per_kw_month for tier in component.tiers])
        if component.bands is not None:
            ends = [np.inf if band.up_to_kw is None else band.up_to_kw for band in component.bands]
            prices = np.array([band.price_per_month for band in component.bands])
            # A peak that a solver leaves a hair above the band's end is still in the band.
            chosen = np.searchsorted(np.array(ends) * (1 + 1e-6), billed)
            return prices[chosen] * valid_months(component, self.horizon)
        price = self.monthly_price(component, name, "price_per_kw_month")
        return billed * price * self._rebate(component, name)

    def _floor(self, component: DemandCharge | ContractDemand, name: str) -> float:
        share = component.at_least_transformer_share
        return share * self.facts.transformers(name) if share else 0.0

    def _rebate(self, component: DemandCharge | ContractDemand, name: str) -> Numbers:
        """Return what is left of the price in each month, shape (months,)."""
        if component.rebate is None:
            return np.ones(self.count)
        needed = component.rebate.from_kwh_per_kva_month * self.facts.transformers(name)
        used = self.energy(self.meter.withdrawn)
        # The solver keeps the limit within its tolerance only.
        return np.where(used >= needed * (1 - 1e-6), component.rebate.factor, 1.0)

    @amount.register(ContractDemand)
    def _(self, component: ContractDemand, name: str) -> Numbers:
        agreed = max(self.facts.contracted(name), self._floor(component, name))
        peak = peaks.of_months(component, self.meter)
        peak[0] = max(peak[0], self.facts.contract.peaks_so_far_kw.get(name, 0.0))
        beyond = np.maximum(0.0, peak - component.excess_from * agreed)
        self.billed[name] = ("kW", np.full(self.count, agreed) + beyond)
        price = self.monthly_price(component, name, "price_per_kw_month")
        price = price * self._rebate(component, name)
        return price * (agreed + component.excess_factor * beyond)

    @amount.register(DemandResponse)
    def _(self, component: DemandResponse, name: str) -> Numbers:
        events = event_steps(component, self.horizon)
        cut = np.clip(self.data(name, "baseline_kw") - self.meter.withdrawn, 0.0, None) * events
        short = np.clip(component.committed_kw - cut, 0.0, None) * events
        self.billed[name] = ("kWh", self.energy(cut))
        called = self.by_month(events.astype(float)) > 0
        return (
            self.energy(short) * component.shortfall_price_per_kwh
            - self.energy(cut) * component.price_per_kwh
            - called * component.committed_kw * component.price_per_kw_month
        )

    @amount.register(CapacityCharge)
    def _(self, component: CapacityCharge, name: str) -> Numbers:
        capacity = self.facts.transformers(name)
        self.billed[name] = ("kVA", np.full(self.count, capacity))
        if component.energy_price_per_kwh is not None:
            share = (component.load_factor or 0.0) * component.hours_per_month
            price = component.energy_price_per_kwh * share * valid_months(component, self.horizon)
        else:
            price = self.monthly_price(component, name, "price_per_kva_month")
        return np.asarray(price * capacity, dtype=np.float64)

    @amount.register(StandbyCharge)
    def _(self, component: StandbyCharge, name: str) -> Numbers:
        price = self.monthly_price(component, name, "price_per_kw_month")
        agreed = self.facts.contract.standby_kw
        self.billed[name] = ("kW", np.full(self.count, agreed))
        return price * agreed

    @amount.register(ReactiveCharge)
    def _(self, component: ReactiveCharge, name: str) -> Numbers:
        free = component.free_kvarh_per_kwh * self.energy(self.meter.withdrawn)
        charged = np.maximum(0.0, self.reactive() - free)
        self.billed[name] = ("kvarh", charged)
        return charged * component.price_per_kvarh * valid_months(component, self.horizon)

    def price_others(self) -> None:
        """Price what stands on other components, once these are known."""
        for kind in (NetMetering, PowerFactorAdjustment, Surcharge, MinimumBill):
            for name, component in self.active.items():
                if isinstance(component, kind) and name in self.amounts:
                    self.amounts[name] = self.amount_on_others(component, name)

    # ------------------------------------------------------------------ choices

    def _monthly_without(self, dropped: set[str]) -> Numbers:
        """Return the whole bill of each month if some components were not due, shape (months,)."""
        amounts, billed = self.amounts, self.billed
        self.amounts = {
            key: np.zeros(self.count) if key in dropped else values
            for key, values in amounts.items()
        }
        self.billed = dict(billed)
        self.price_others()
        total = np.asarray(sum(self.amounts.values(), start=np.zeros(self.count)))
        self.amounts, self.billed = amounts, billed
        return total

    def pick(self) -> dict[str, tuple[str, ...]]:
        """Keep the options that are picked, or the cheapest of each period; return them.

        The cheapest is that with the lowest whole bill: below a minimum bill a dearer option may cost
        nothing. Of equal bills it is the one with the lower amounts of its own. Choices are made one
        after the other, each without those that come later.
        """
        pending = {
            option
            for choice in self.tariff.open_choices(self.facts.contract).values()
            for option in choice.options
        }
        found = {}
        for name, choice in self.tariff.open_choices(self.facts.contract).items():
            period = periods_of(choice, self.horizon)
            given = self.facts.picked.get(name)
            offered = [option for option in choice.options if option not in self.withdrawn]
            sums = np.zeros((len(offered), int(period.max()) + 1))
            for row, option in enumerate(offered):
                own = set(self._with_option(option))
                dropped = {key for other in pending for key in self._with_option(other)} - own
                due = sum((self.amounts[key] for key in own), start=np.zeros(self.count))
                np.add.at(sums[row], period, self._monthly_without(dropped) + TIE * due)
            pending -= set(choice.options)
            best = [offered[row] for row in sums.argmin(axis=0)] if given is None else given
            for option in offered:
                kept = np.array([best[p] == option for p in period])
                for key in self._with_option(option):
                    self.amounts[key] = self.amounts[key] * kept
                    if key in self.billed:
                        unit, quantity = self.billed[key]
                        self.billed[key] = (unit, quantity * kept)
            found[name] = tuple(best)
        return found

    def _with_option(self, option: str) -> list[str]:
        return [key for key, c in self.active.items() if c.option == option]

    # ------------------------------------------------------------------ what stands on the others

    @singledispatchmethod
    def amount_on_others(self, component: Any, name: str) -> Numbers:
        """Return the money by month of a component that depends on the others."""
        raise NotImplementedError(type(component).__name__, name)

    def _charges(self, named: Iterable[str] | None, *skip: type[Component]) -> Numbers:
        """Return the sum by month of the named components, or of all charges on import."""
        total = np.zeros(self.count)
        for key, component in self.active.items():
            chosen = (
                key in named
                if named is not None
                else component.direction in {"import", "none"} and not isinstance(component, skip)
            )
            if chosen:
                total = total + self.amounts[key]
        return total

    @amount_on_others.register(NetMetering)
    def _(self, component: NetMetering, name: str) -> Numbers:
        price = np.zeros(len(self.horizon))
        for key, other in self.active.items():
            if isinstance(other, EnergyCharge) and (
                component.charges is None or key in component.charges
            ):
                price = price + self.energy_price(other, key)
        levels = np.round(price / SAME_PRICE) * SAME_PRICE
        period = self.month if component.period == "month" else np.zeros_like(self.month)
        hours = self.horizon.hours
        amounts, netted = np.zeros(self.count), np.zeros(self.count)
        valid = valid_steps(component, self.horizon)
        for p, level in {(int(a), float(b)) for a, b in zip(period, levels, strict=True)}:
            steps = (period == p) & (levels == level) & valid
            bought = float((self.meter.bought * hours)[steps].sum())
            sold = float((self.meter.sold * hours)[steps].sum())
            both = min(bought, sold)
            credit = both * level + (sold - both) * component.surplus_price_per_kwh
            # A year's credit falls into the months by what they sold.
            share = self.by_month(self.meter.sold * hours * steps)
            share = share / share.sum() if share.sum() > 0 else share
            amounts -= credit * share
            netted += both * share
        self.billed[name] = ("kWh", netted)
        return amounts

    @amount_on_others.register(PowerFactorAdjustment)
    def _(self, component: PowerFactorAdjustment, name: str) -> Numbers:
        if self.meter.reactive is None:
            factor = np.full(self.count, self.facts.contract.power_factor or 1.0)
        else:
            active = self.energy(self.meter.withdrawn)
            size = np.hypot(active, self.reactive())
            factor = np.where(size > 0, active / np.where(size > 0, size, 1.0), 1.0)
        factor = np.round(factor, 2)
        self.billed[name] = ("cos φ", factor)
        rates = np.array([rate_of(component, float(value)) for value in factor])
        skip = (PowerFactorAdjustment, Surcharge, MinimumBill)
        rates = rates * valid_months(component, self.horizon)
        return rates * self._charges(component.charges, *skip)

    @amount_on_others.register(Surcharge)
    def _(self, component: Surcharge, name: str) -> Numbers:
        del name
        rate = component.rate * valid_months(component, self.horizon)
        return rate * self._charges(component.charges, Surcharge, MinimumBill)

    @amount_on_others.register(MinimumBill)
    def _(self, component: MinimumBill, name: str) -> Numbers:
        if component.charges is None:
            counted = sum(
                (a for k, a in self.amounts.items() if k != name), start=np.zeros(self.count)
            )
        else:
            counted = self._charges(component.charges)
        short = component.amount_per_month * valid_months(component, self.horizon) - counted
        return np.maximum(0.0, short)


def rate_of(component: PowerFactorAdjustment, factor: float) -> float:
    """Return the rate that holds for a power factor, rounded to two decimals."""
    factor = round(factor, 2)
    return next(step.rate for step in component.steps if factor >= step.at_least - 1e-9)


def blocks(amount: Numbers, ends: Iterable[float], prices: Iterable[float]) -> Numbers:
    """Return the price of amounts in blocks that follow one another, shape of ``amount``."""
    money = np.zeros_like(amount)
    begun = 0.0
    for end, price in zip(ends, prices, strict=True):
        money = money + price * np.clip(amount - begun, 0.0, end - begun)
        begun = end
    return money
