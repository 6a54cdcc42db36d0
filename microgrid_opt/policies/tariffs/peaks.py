"""Billed demand in the model: peaks over demand windows, ratchets, floors, contracts, rebates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from microgrid_opt.ledger import Linear
from microgrid_opt.policies.tariffs.calendar import (
    demand_groups,
    hours_at,
    is_cyclic,
    valid_months,
    valid_steps,
    window_steps,
)
from microgrid_opt.policies.tariffs.components import ContractDemand, DemandCharge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from microgrid_opt.policies.tariffs.amounts import Amount
    from microgrid_opt.policies.tariffs.terms import Connection

    Numbers = NDArray[np.float64]


class Peaks:
    """The pen for demand of one connection."""

    def __init__(self, at: Connection) -> None:
        self.at = at

    def _counted(self, component: DemandCharge | ContractDemand) -> NDArray[np.bool_]:
        horizon = self.at.horizon
        counted = valid_steps(component, horizon)
        if isinstance(component, DemandCharge):
            if component.at:
                return counted & hours_at(component.at, horizon, "at")
            return counted & window_steps(component.when, horizon)
        return counted

    def _most(self, counted: NDArray[np.bool_]) -> Numbers:
        """Return the bound of the peak of each month [kW], shape (months,)."""
        at = self.at
        most = np.where(counted, at.most_bought, 0.0)
        return np.array([most[at.month == m].max(initial=0.0) for m in range(at.count)])

    def write_peak(
        self, component: DemandCharge | ContractDemand, name: str
    ) -> tuple[Any, Numbers]:
        """Return the peak of each month as a variable, and its bound."""
        at, b = self.at, self.at.b
        counted = self._counted(component)
        most = self._most(counted)
        so_far = at.contract.peaks_so_far_kw.get(name, 0.0)
        most[0] = max(most[0], so_far)
        peak = b.monthly(f"tariff_{name}_peak", unit="kW", upper=most)
        if so_far:
            known = at.month_sum([(peak, 0, 1.0)])
            b.require_sum(f"tariff_{name}_so_far", known, ">=", so_far)
        month = b.month
        self._above_means(name, component.window_minutes, counted, lambda t: peak[month[t]])
        return peak, most

    def _above_means(
        self, name: str, minutes: float | None, counted: NDArray[np.bool_], peak: Any
    ) -> None:
        """Require a peak to be at least the mean of every demand window; ``peak(t)`` is that of a step."""
        at, b = self.at, self.at.b
        withdrawn = at.withdrawn
        steps = np.flatnonzero(counted)
        if not steps.size:
            return
        groups = demand_groups(minutes, at.horizon)[steps]
        first = np.flatnonzero(np.append(True, groups[1:] != groups[:-1]))
        sizes = np.diff(np.append(first, len(steps)))
        if sizes.max() == 1:
            b.require(f"tariff_{name}_above", lambda t: withdrawn[t] <= peak(t), over=steps)
            return
        # One row a window, placed at its last step; shorter windows repeat that step with weight 0.
        n, longest = len(at.horizon), int(sizes.max())
        last = steps[first + sizes - 1]
        hours = at.horizon.step_hours[steps]
        whole = np.add.reduceat(hours, first)
        terms = []
        for k in range(longest):
            back = np.clip(sizes - 1 - k, 0, None)
            where = np.arange(n, dtype=np.int64)
            where[last] = steps[first + back]
            weight = np.zeros(n)
            weight[last] = np.where(k < sizes, hours[first + back] / whole, 0.0)
            at_k = b.param(f"tariff_{name}_step_{k}", where)
            terms.append((b.param(f"tariff_{name}_weight_{k}", weight), at_k))
        b.require(
            f"tariff_{name}_above",
            lambda t: sum(w[t] * withdrawn[s[t]] for w, s in terms) <= peak(t),
            over=last,
        )

    def write_demand(self, component: DemandCharge, name: str) -> Amount:
        """Return the charge for billed demand."""
        at, b = self.at, self.at.b
        if component.price_per_kw_year is not None:
            return self._write_year(component, name)
        peak, most = self.write_peak(component, name)
        billed = peak
        floors = list(self._floors(component, name, peak))
        if floors:
            most = np.maximum(most, max(limit for _, _, _, limit in floors))
            billed = b.monthly(f"tariff_{name}_billed", unit="kW", upper=most)
            for m in range(at.count):
                above = at.month_sum([(billed, m, 1.0), (peak, m, -1.0)])
                b.require_sum(f"tariff_{name}_billed_{m}", above, ">=", 0.0)
            for k, (m, form, constant, _) in enumerate(floors):
                rule = at.month_sum([(billed, m, 1.0)]) - form
                b.require_sum(f"tariff_{name}_floor_{k}", rule, ">=", constant)
        valid = valid_months(component, at.horizon).astype(float)
        if component.tiers is not None:
            used = [at.month_sum([(billed, m, float(valid[m]))]) for m in range(at.count)]
            ends = [tier.up_to_kw for tier in component.tiers]
            prices = [tier.price_per_kw_month for tier in component.tiers]
            return at.blocks.write(name, "kW", used, ends, prices, most)
        if component.bands is not None:
            return at.blocks.write_bands(name, billed, component.bands, most, valid)
        price = at.month_price(component, name, "price_per_kw_month")
        amount = at.of_months(billed, price)
        return amount + self._rebate(component, name, amount, price * most)

    def _floors(
        self, component: DemandCharge, name: str, peak: Any
    ) -> Iterator[tuple[int, Linear, float, float]]:
        """Yield month, form and constant that the billed demand must reach, and the form's bound."""
        at, b = self.at, self.at.b
        if component.at_least_kw:
            for m in range(at.count):
                yield m, Linear(), component.at_least_kw, component.at_least_kw
        if component.at_least_transformer_share:
            form = b.times(at.transformer, component.at_least_transformer_share)
            upper = b.upper_bound(at.transformer)
            limit = np.inf if upper is None else upper * component.at_least_transformer_share
            for m in range(at.count):
                yield m, form, 0.0, limit
        if component.ratchet_fraction:
            share = component.ratchet_fraction
            ups = [member.ub for member in peak.values()]
            top = max(np.inf if up is None else float(up) for up in ups)
            for m, k, known in self._earlier(component):
                form = Linear() if k is None else at.month_sum([(peak, k, share)])
                yield m, form, share * known, share * (top if k is not None else known)
        del name

    def _earlier(self, component: DemandCharge) -> Iterator[tuple[int, int | None, float]]:
        """Yield (month, month of the horizon or None, known peak) that a ratchet reaches."""
        at = self.at
        history = at.contract.earlier_peaks_kw
        labels = at.horizon.month_labels
        numbers = [int(text[:4]) * 12 + int(text[5:]) - 1 for text in labels]
        past = {int(text[:4]) * 12 + int(text[5:]) - 1: peak for text, peak in history.items()}
        cyclic = is_cyclic(at.horizon, history=bool(history))
        for m, number in enumerate(numbers):
            if component.ratchet_months is not None:
                for k, other in enumerate(numbers):
                    if other % 12 + 1 in component.ratchet_months:
                        yield m, k, 0.0
                for other, peak in past.items():
                    if other % 12 + 1 in component.ratchet_months:
                        yield m, None, peak
                continue
            for back in range(1, (component.ratchet_lookback_months or 0) + 1):
                wanted = number - back
                if wanted in numbers:
                    yield m, numbers.index(wanted), 0.0
                elif cyclic and wanted + 12 in numbers:
                    yield m, numbers.index(wanted + 12), 0.0
                elif wanted in past:
                    yield m, None, past[wanted]

    def _write_year(self, component: DemandCharge, name: str) -> Amount:
        at, b = self.at, self.at.b
        highest = b.scalar(f"tariff_{name}_highest", lower=component.at_least_kw)
        self._above_means(
            name, component.window_minutes, self._counted(component), lambda _: highest
        )
        so_far = at.contract.peaks_so_far_kw.get(name, 0.0)
        if so_far:
            b.require_once(f"tariff_{name}_so_far", highest >= so_far)
        if component.at_least_transformer_share:
            share = component.at_least_transformer_share
            b.require_once(f"tariff_{name}_floor", highest >= share * at.transformer)
        price = (component.price_per_kw_year or 0.0) * at.horizon.year_share / at.count
        return at.of_size(highest, price)

    def write_contract(self, component: ContractDemand, name: str) -> Amount:
        """Return the charge for contracted demand, and the dearer one for what lies beyond."""
        at, b = self.at, self.at.b
        price = at.month_price(component, name, "price_per_kw_month")
        share = component.at_least_transformer_share
        agreed: Any = at.contracted
        if b.is_choice(at.contracted):
            # Nobody agrees on less than is billed anyway.
            if share:
                b.require_once(f"tariff_{name}_floor", at.contracted >= share * at.transformer)
        elif share and b.is_choice(at.transformer):
            upper = b.upper_bound(at.transformer)
            most_agreed = None if upper is None else max(agreed, share * upper)
            agreed = b.scalar(f"tariff_{name}_agreed", lower=agreed, upper=most_agreed)
            b.require_once(f"tariff_{name}_floor", agreed >= share * at.transformer)
        elif share:
            agreed = max(float(at.contracted), share * float(at.transformer))
        amount = at.of_size(agreed, price)
        highest = b.upper_bound(agreed)
        most = price * (np.inf if highest is None else highest)
        if at.bought is not None:
            peak, top = self.write_peak(component, name)
            beyond = b.monthly(f"tariff_{name}_beyond", unit="kW", upper=top)
            for m in range(at.count):
                rule = at.month_sum([(beyond, m, 1.0), (peak, m, -1.0)])
                rule = rule + b.times(agreed, component.excess_from)
                b.require_sum(f"tariff_{name}_beyond_{m}", rule, ">=", 0.0)
            amount = amount + at.of_months(beyond, price * component.excess_factor)
            most = most + price * component.excess_factor * top
        return amount + self._rebate(component, name, amount, most)

    def _rebate(
        self,
        component: DemandCharge | ContractDemand,
        name: str,
        amount: Amount,
        most: Numbers,
    ) -> Amount:
        """Return what months of high use get back, as a negative amount."""
        at, b = self.at, self.at.b
        if component.rebate is None or at.bought is None:
            return at.nothing()
        share = 1.0 - component.rebate.factor
        per_kva = component.rebate.from_kwh_per_kva_month
        upper = b.upper_bound(at.transformer)
        needed = np.full(at.count, np.inf if upper is None else per_kva * upper)
        why = "a rebate for high use"
        needed, most = at.bounded(needed, name, why), at.bounded(most, name, why)
        back = b.monthly(f"tariff_{name}_rebate", unit="currency", upper=share * most)
        high = b.monthly(f"tariff_{name}_high", unit="1", binary=True)
        every = np.ones(len(at.horizon), dtype=bool)
        for m in range(at.count):
            # energy >= needed(size) - needed(largest size) (1 - high)
            used = at.month_energy(at.withdrawn, every, m) - b.times(at.transformer, per_kva)
            used = used - at.month_sum([(high, m, float(needed[m]))])
            b.require_sum(f"tariff_{name}_use_{m}", used, ">=", -float(needed[m]))
            part = at.month_sum([(back, m, 1.0)]) - amount.of_month(m) * share
            b.require_sum(f"tariff_{name}_part_{m}", part, "<=", 0.0)
            only = at.month_sum([(back, m, 1.0), (high, m, -float(share * most[m]))])
            b.require_sum(f"tariff_{name}_only_{m}", only, "<=", 0.0)
        return at.of_months(back, -1.0)
