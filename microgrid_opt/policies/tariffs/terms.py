r"""A tariff in the model: every component linear, or with binaries where it is not convex.

$$ p_m \ge \frac{\sum_{t \in w} h_t i_t}{\sum_{t \in w} h_t}\ \forall w \subset m, \qquad
   b_m \ge p_m,\; b_m \ge \rho\,p_k\ \forall k \in K(m), \qquad C^{demand} = \sum_m d_m b_m $$
$$ e_m = \sum_k q_{m,k},\; q_{m,k} \le w_k, \qquad
   C^{tiers} = \sum_{m,k} c_k q_{m,k} \quad (c_k \text{ falling: } w_k z_{m,k+1} \le q_{m,k},\;
   q_{m,k+1} \le w_{k+1} z_{m,k+1}) $$
$$ v_m \ge A_m - M_m (1 - u_{o,m}), \qquad \sum_o u_{o,m} = 1 \quad (\text{choice of an option } o) $$

Demand with falling tiers or bands, open choices, and rebates take binaries; all else is linear. Big-M
come from the bounds of the import and of the sizes.
"""

from __future__ import annotations

from functools import singledispatchmethod
from typing import TYPE_CHECKING, Any

import numpy as np

from microgrid_opt.errors import Finding, InputError
from microgrid_opt.ledger import Linear
from microgrid_opt.policies.tariffs.amounts import Amount
from microgrid_opt.policies.tariffs.blocks import Blocks
from microgrid_opt.policies.tariffs.calendar import (
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
from microgrid_opt.policies.tariffs.peaks import Peaks
from microgrid_opt.policies.tariffs.response import write_response

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from microgrid_opt.builder import Builder
    from microgrid_opt.policies.tariffs.spec import Contract, Tariff, TariffChoice

    Numbers = NDArray[np.float64]

MOST_CLASSES = 500
"""Most pairs of period and price that net metering may tell apart."""
SAME_PRICE = 1e-9


class Connection:
    """What a tariff is written on: the flows through the meter and the sizes.

    Parameters
    ----------
    b
        Builder of the asset whose tariff it is; the tariff's series stand under ``tariff``.
    tariff, contract
        Prices, and what is agreed.
    bought, sold
        Series of import and export; ``None`` where there is none.
    wheeled, withdrawn
        What other members sent, ``None`` where nothing can be traded, and all that the meter takes:
        peaks and reactive energy are of the latter.
    most_bought
        Bound of what the meter takes [kW], shape (n,); infinite without one.
    transformer, contracted
        Sizes [kVA, kW], each a number, a variable, or ``None``.
    """

    def __init__(
        self,
        b: Builder,
        tariff: Tariff,
        contract: Contract,
        *,
        bought: Any,
        sold: Any,
        wheeled: Any,
        withdrawn: Any,
        most_bought: Numbers,
        transformer: Any,
        contracted: Any,
    ) -> None:
        self.b = b
        self.tariff = tariff
        self.contract = contract
        self.bought = bought
        self.sold = sold
        self.wheeled = wheeled
        self.withdrawn = withdrawn
        self.most_bought = most_bought
        self.transformer = transformer
        self.contracted = contracted
        self.horizon = b.horizon
        self.hours = b.horizon.hours
        self.month = b.horizon.month
        self.count = len(b.horizon.month_labels)
        self.blocks = Blocks(self)
        self.peaks = Peaks(self)
        self.active = self._on_offer()
        self.amounts: dict[str, Amount] = {}

    def _on_offer(self) -> dict[str, Component]:
        """Return the components that apply, without the options for which a size is missing."""
        active = self.tariff.active(self.contract)
        choices = self.tariff.open_choices(self.contract)
        open_options = {option for choice in choices.values() for option in choice.options}
        lacking: dict[str, str] = {}
        for name, component in active.items():
            key = self._missing(component)
            if key is None:
                continue
            if component.option not in open_options:
                raise self.refused(name, f"needs `{key}`: give it.")
            lacking[str(component.option)] = f"needs `{key}`: give it."
        for choice in choices.values():
            if lacking.keys() >= set(choice.options):
                raise self.refused(choice.options[0], lacking[choice.options[0]])
        return {key: c for key, c in active.items() if c.option not in lacking}

    def _missing(self, component: Component) -> str | None:
        kva = isinstance(component, CapacityCharge)
        if isinstance(component, DemandCharge | ContractDemand):
            kva = bool(component.at_least_transformer_share) or component.rebate is not None
        if kva and self.transformer is None:
            return "transformer_kva"
        if isinstance(component, ContractDemand) and self.contracted is None:
            return "contract_kw"
        return None

    def refused(self, name: str, message: str) -> InputError:
        """Return the error that a component cannot be planned with."""
        key = f"assets.{self.b.asset}.tariff.components.{name}"
        return InputError(Finding(message, key=key))

    # ------------------------------------------------------------------ small parts

    def nothing(self, constant: float | Numbers = 0.0) -> Amount:
        """Return an amount without variables."""
        values = np.broadcast_to(np.asarray(constant, float), self.count)
        return Amount(values, self.month)

    def of_months(self, variable: Any, price: float | Numbers) -> Amount:
        """Return price × a monthly variable."""
        prices = np.broadcast_to(np.asarray(price, float), self.count)
        return Amount(np.zeros(self.count), self.month, months=((variable, prices),))

    def of_steps(self, flow: Any, per_kwh: Numbers) -> Amount:
        """Return Σ hours · price · flow."""
        if flow is None:
            return self.nothing()
        coefficients = self.hours * per_kwh
        return Amount(np.zeros(self.count), self.month, steps=((flow, coefficients),))

    def of_size(self, size: Any, price: float | Numbers) -> Amount:
        """Return price × a size, each month."""
        prices = np.broadcast_to(np.asarray(price, float), self.count)
        if not self.b.is_choice(size):
            return self.nothing(prices * float(size))
        return Amount(np.zeros(self.count), self.month, once=((size, prices),))

    def holds(self, component: Component) -> Numbers:
        """Return 1 for the months in which a component holds, else 0, shape (months,)."""
        return valid_months(component, self.horizon).astype(np.float64)

    def data(self, name: str, key: str) -> Numbers:
        """Return a series of a component, shape (n,)."""
        return self.b.data(f"tariff.components.{name}.{key}")

    def month_price(self, component: Component, name: str, key: str) -> Numbers:
        """Return the price of each month: that of its first step; 0 where it does not hold."""
        first = np.searchsorted(self.month, np.arange(self.count))
        return self.data(name, key)[first] * self.holds(component)

    def price_of(self, component: EnergyCharge, name: str) -> Numbers:
        """Return what each kWh costs, shape (n,)."""
        price = self.data(name, "price_per_kwh").copy()
        if component.floats:
            own = component.multiplier is not None
            price *= self.data(name, "multiplier") if own else self.b.data("tariff.multiplier")
        price[~valid_steps(component, self.horizon)] = 0.0
        return price

    def month_energy(self, flow: Any, counted: NDArray[np.bool_], m: int) -> Linear:
        """Return the kWh of a flow in the steps of a month that count."""
        if flow is None:
            return Linear()
        return Linear([(flow, self.hours * (counted & (self.month == m)))])

    def most_energy(self, counted: NDArray[np.bool_]) -> Numbers:
        """Return the bound of the energy bought in each month [kWh], shape (months,)."""
        most = np.where(counted, self.most_bought, 0.0) * self.hours
        return np.array([most[self.month == m].sum() for m in range(self.count)])

    def bounded(self, values: Numbers, name: str, why: str) -> Numbers:
        """Return bounds that must be finite."""
        if np.isfinite(values).all():
            return values
        raise self.refused(
            name,
            f"{why} needs a bound on the import: give `import_limit_kw`, or `connection_kw` or "
            "`transformer_kva` with a maximum.",
        )

    # ------------------------------------------------------------------ all components

    def write(self) -> None:
        """Write the rules of all components and book each under its own name."""
        for name, component in self.active.items():
            self.amounts[name] = self.amount(component, name)
        for name, choice in self.tariff.open_choices(self.contract).items():
            self._choose(name, choice)
        for kind in (NetMetering, PowerFactorAdjustment, Surcharge, MinimumBill):
            for name, component in self.active.items():
                if isinstance(component, kind):
                    self.amounts[name] = self.amount_on_others(component, name)
        for name, amount in self.amounts.items():
            self.b.book(name, amount.total().merged())

    @singledispatchmethod
    def amount(self, component: Any, name: str) -> Amount:
        """Return a component's money by month; what stands on other components comes later."""
        del component, name
        return self.nothing()

    @amount.register(EnergyCharge)
    def _(self, component: EnergyCharge, name: str) -> Amount:
        price = self.price_of(component, name)
        due = self.of_steps(self.bought, price)
        return due + self.of_steps(self.wheeled, price) if component.retained_when_wheeled else due

    @amount.register(TieredEnergy)
    def _(self, component: TieredEnergy, name: str) -> Amount:
        counted = window_steps(component.when, self.horizon) & valid_steps(component, self.horizon)
        due = [self.bought, *([self.wheeled] if component.retained_when_wheeled else [])]
        used = [
            sum((self.month_energy(flow, counted, m) for flow in due), Linear())
            for m in range(self.count)
        ]
        ends = [tier.up_to_kwh_month for tier in component.tiers]
        prices = [tier.price_per_kwh for tier in component.tiers]
        return self.blocks.write(name, "kWh", used, ends, prices, self.most_energy(counted))

    @amount.register(FixedCharge)
    def _(self, component: FixedCharge, name: str) -> Amount:
        del name
        valid = valid_steps(component, self.horizon)
        pairs = np.unique(np.stack([self.month[valid], self.horizon.day[valid]]), axis=1)
        days = np.bincount(pairs[0], minlength=self.count)
        months = self.holds(component)
        return self.nothing(component.price_per_month * months + component.price_per_day * days)

    @amount.register(ExportCredit)
    def _(self, component: ExportCredit, name: str) -> Amount:
        valid = valid_steps(component, self.horizon)
        return self.of_steps(self.sold, -self.data(name, "price_per_kwh") * valid)

    @amount.register(TieredExport)
    def _(self, component: TieredExport, name: str) -> Amount:
        if self.sold is None:
            return self.nothing()
        return self.blocks.write_export(component, name, valid_steps(component, self.horizon))

    @amount.register(ContractForDifference)
    def _(self, component: ContractForDifference, name: str) -> Amount:
        gap = component.strike_price_per_kwh - self.data(name, "reference_price_per_kwh")
        gap = np.clip(gap, 0.0, None) if component.one_sided else gap
        valid = valid_steps(component, self.horizon)
        return self.of_steps(self.sold, -component.share * gap * valid)

    @amount.register(DemandCharge)
    def _(self, component: DemandCharge, name: str) -> Amount:
        if self.bought is None:
            return self.nothing()
        return self.peaks.write_demand(component, name)

    @amount.register(ContractDemand)
    def _(self, component: ContractDemand, name: str) -> Amount:
        return self.peaks.write_contract(component, name)

    @amount.register(DemandResponse)
    def _(self, component: DemandResponse, name: str) -> Amount:
        return write_response(self, component, name) if self.bought is not None else self.nothing()

    @amount.register(CapacityCharge)
    def _(self, component: CapacityCharge, name: str) -> Amount:
        if component.price_per_kva_month is not None:
            price = self.month_price(component, name, "price_per_kva_month")
        else:
            energy = (component.energy_price_per_kwh or 0.0) * (component.load_factor or 0.0)
            price = energy * component.hours_per_month * self.holds(component)
        return self.of_size(self.transformer, price)

    @amount.register(StandbyCharge)
    def _(self, component: StandbyCharge, name: str) -> Amount:
        price = self.month_price(component, name, "price_per_kw_month")
        return self.nothing(price * self.contract.standby_kw)

    @amount.register(ReactiveCharge)
    def _(self, component: ReactiveCharge, name: str) -> Amount:
        del name
        factor = self.contract.power_factor or 1.0
        beyond = max(0.0, np.tan(np.arccos(factor)) - component.free_kvarh_per_kwh)
        price = component.price_per_kvarh * beyond
        months = self.holds(component)
        return self.of_steps(self.withdrawn, price * months[self.month])

    # ------------------------------------------------------------------ choices

    def _choose(self, name: str, choice: TariffChoice) -> None:
        """Let one option of each period be due, and the others not."""
        b = self.b
        options = [o for o in choice.options if o in {c.option for c in self.active.values()}]
        period = periods_of(choice, self.horizon)
        picks = {}
        for option in options:
            pick = b.monthly(f"tariff_{name}_{option}", unit="1", binary=True)
            picks[option] = pick
            for m in range(1, self.count):
                if period[m] == period[m - 1]:
                    self._month_rule(
                        f"tariff_{name}_{option}_same", m, [(pick, m, 1), (pick, m - 1, -1)]
                    )
        for m in range(self.count):
            one = [(pick, m, 1.0) for pick in picks.values()]
            self._month_rule(f"tariff_{name}_one", m, one, limit=1.0)
        for key, component in self.active.items():
            if component.option in picks:
                self.amounts[key] = self._gated(key, picks[component.option])

    def _month_rule(
        self,
        name: str,
        m: int,
        terms: Iterable[tuple[Any, int, float]],
        sense: Any = "==",
        limit: float = 0.0,
    ) -> None:
        """Require Σ coefficient · monthly variable of a month; the row is called after month ``m``."""
        self.b.require_sum(f"{name}_{m}", self.month_sum(terms), sense, limit)

    def month_sum(self, terms: Iterable[tuple[Any, int, float]]) -> Linear:
        """Return Σ coefficient · member m of monthly variables."""
        found = []
        for variable, m, factor in terms:
            values = np.zeros(self.count)
            values[m] = factor
            found.append((variable, values))
        return Linear(found)

    def _gated(self, name: str, pick: Any) -> Amount:
        amount = self.amounts[name]
        if any((values < 0.0).any() for _, values in amount.steps):
            raise self.refused(name, "an option of a choice cannot have negative prices.")
        most = self.bounded(self._most(amount), name, "a choice that is left to the plan")
        due = self.b.monthly(f"tariff_{name}_due", unit="currency", upper=most)
        for m in range(self.count):
            # Without the pick the amount may be due, up to its bound, or not.
            rule = self.month_sum([(due, m, 1.0), (pick, m, -float(most[m]))])
            rule = rule - amount.of_month(m)
            self.b.require_sum(f"tariff_{name}_due_{m}", rule, ">=", -float(most[m]))
        return self.of_months(due, 1.0)

    def _most(self, amount: Amount) -> Numbers:
        """Return an upper bound of an amount by month; infinite where there is none."""
        most = amount.constant.copy()
        for container, values in amount.steps:
            metered = (self.bought, self.wheeled, self.withdrawn)
            upper = self.most_bought if any(container is flow for flow in metered) else np.inf
            with np.errstate(invalid="ignore"):
                part = np.where(values > 0.0, values * upper, 0.0)
            most += [part[self.month == m].sum() for m in range(self.count)]
        for container, values in (*amount.months, *amount.once):
            ups = [member.ub for member in container.values()]
            upper = np.array([np.inf if up is None else float(up) for up in ups])
            with np.errstate(invalid="ignore"):
                most = most + np.where(values > 0.0, values * upper, 0.0)
        return most

    # ------------------------------------------------------------------ what stands on the others

    @singledispatchmethod
    def amount_on_others(self, component: Any, name: str) -> Amount:
        """Return the money by month of a component that depends on the others."""
        raise NotImplementedError(type(component).__name__, name)

    def _charges(self, named: Iterable[str] | None, *skip: type[Component]) -> Amount:
        total = self.nothing()
        for key, component in self.active.items():
            imports = component.direction in {"import", "none"} and not isinstance(component, skip)
            if key in named if named is not None else imports:
                total = total + self.amounts[key]
        return total

    @amount_on_others.register(PowerFactorAdjustment)
    def _(self, component: PowerFactorAdjustment, name: str) -> Amount:
        del name
        charges = self._charges(component.charges, PowerFactorAdjustment, Surcharge, MinimumBill)
        return charges.scaled(self._power_factor_rate(component) * self.holds(component))

    def _power_factor_rate(self, component: PowerFactorAdjustment) -> float:
        factor = round(self.contract.power_factor or 1.0, 2)
        return next(s.rate for s in component.steps if factor >= s.at_least - 1e-9)

    @amount_on_others.register(Surcharge)
    def _(self, component: Surcharge, name: str) -> Amount:
        del name
        charges = self._charges(component.charges, Surcharge, MinimumBill)
        return charges.scaled(component.rate * self.holds(component))

    @amount_on_others.register(MinimumBill)
    def _(self, component: MinimumBill, name: str) -> Amount:
        if component.charges is None:
            yearly = [
                key
                for key, other in self.active.items()
                if (isinstance(other, NetMetering) and other.period == "year")
                or (isinstance(other, TieredExport) and other.yearly)
            ]
            if yearly:
                raise self.refused(
                    name, f"a minimum bill needs months: {yearly[0]!r} is by the year."
                )
            counted = self.nothing()
            for key, amount in self.amounts.items():
                counted = counted if key == name else counted + amount
        else:
            counted = self._charges(component.charges)
        least = component.amount_per_month * self.holds(component)
        added = self.b.monthly(f"tariff_{name}_added", unit="currency")
        for m in range(self.count):
            rule = self.month_sum([(added, m, 1.0)]) + counted.of_month(m)
            self.b.require_sum(f"tariff_{name}_{m}", rule, ">=", float(least[m]))
        return self.of_months(added, 1.0)

    @amount_on_others.register(NetMetering)
    def _(self, component: NetMetering, name: str) -> Amount:
        if self.sold is None or self.bought is None:
            return self.nothing()
        price = self._netted_price(component)
        valid = valid_steps(component, self.horizon)
        levels = np.round(price / SAME_PRICE).astype(np.int64)
        period = self.month if component.period == "month" else np.zeros_like(self.month)
        classes, number = np.unique(np.stack([period, levels]), axis=1, return_inverse=True)
        number = number.ravel()
        if classes.shape[1] > MOST_CLASSES:
            raise self.refused(
                name,
                f"net metering would net {classes.shape[1]} pairs of period and price (at most "
                f"{MOST_CLASSES}): use an `export` component with prices that change by the hour.",
            )
        surplus = component.surplus_price_per_kwh
        amount = self.of_steps(self.sold, np.where(valid, -surplus, 0.0))
        for k in range(classes.shape[1]):
            level = float(price[number == k][0])
            if level < surplus:
                raise self.refused(name, "pays more for surplus than the energy costs: lower it.")
            steps = (number == k) & valid
            if not steps.any():
                continue
            netted = self.b.scalar(f"tariff_{name}_netted_{k}")
            for side, flow in (("bought", self.bought), ("sold", self.sold)):
                rule = Linear([(flow, self.hours * steps), (netted, np.array([-1.0]))])
                self.b.require_sum(f"tariff_{name}_{side}_{k}", rule, ">=", 0.0)
            at = np.zeros(self.count)
            at[self.month[steps][0]] = surplus - level
            amount = amount + Amount(np.zeros(self.count), self.month, once=((netted, at),))
        return amount

    def _netted_price(self, component: NetMetering) -> Numbers:
        """Return the price of the energy that net metering cancels, shape (n,)."""
        price = np.zeros(len(self.horizon))
        for key, other in self.active.items():
            named = component.charges is None or key in component.charges
            if isinstance(other, EnergyCharge) and named:
                price += self.price_of(other, key)
        return price

    def retained(self) -> Numbers:
        """Return what stays due on a kWh that another member sent [currency/kWh], shape (n,).

        The least that it can be: what an option or a minimum bill may make free does not count, nor
        what stands on other components.
        """
        least = np.zeros(len(self.horizon))
        if self._has(MinimumBill):
            return least
        optional = self._open_options()
        for name, component in self.active.items():
            if not component.retained_when_wheeled or component.option in optional:
                continue
            if isinstance(component, EnergyCharge):
                least += self.price_of(component, name)
            elif isinstance(component, TieredEnergy):
                least += min(t.price_per_kwh for t in component.tiers) * self._counted(component)
        return least

    def energy_prices(self) -> tuple[Numbers, Numbers]:
        """Return the least and the most that one more kWh bought costs, peaks left out, shape (n,)."""
        least, _ = self.marginal()
        most = np.zeros(len(self.horizon))
        rate = 1.0
        optional = self._open_options()
        for name, component in self.active.items():
            if isinstance(component, EnergyCharge):
                price = self.price_of(component, name)
                most += np.maximum(price, 0.0) if component.option in optional else price
            elif isinstance(component, TieredEnergy):
                most += max(t.price_per_kwh for t in component.tiers) * self._counted(component)
            elif isinstance(component, NetMetering):
                # What is bought may be netted against what was sold.
                surplus = component.surplus_price_per_kwh
                least -= np.maximum(self._netted_price(component) - surplus, 0.0)
            elif isinstance(component, Surcharge):
                rate += component.rate
            elif isinstance(component, PowerFactorAdjustment):
                rate += max(0.0, self._power_factor_rate(component))
        if self._has(MinimumBill):
            # Below it, energy is free.
            least = np.minimum(least, 0.0)
        return least, np.maximum(most, most * rate)

    def export_price(self) -> tuple[Numbers, bool]:
        """Return the most that one more kWh sold earns, shape (n,), and whether each kWh earns it."""
        _, gain = self.marginal()
        return gain, not self._has(TieredExport, NetMetering, MinimumBill)

    def _has(self, *kinds: type[Component]) -> bool:
        return any(isinstance(component, kinds) for component in self.active.values())

    def _open_options(self) -> set[str | None]:
        choices = self.tariff.open_choices(self.contract).values()
        return {option for choice in choices for option in choice.options}

    def _counted(self, component: TieredEnergy) -> NDArray[np.bool_]:
        valid = valid_steps(component, self.horizon)
        return np.asarray(window_steps(component.when, self.horizon) & valid)

    def marginal(self) -> tuple[Numbers, Numbers]:
        """Return the least that one more kWh costs and the most that it earns, shape (n,).

        Peaks are left out; the energy of an option that may not be due counts as free.
        """
        cost, gain = np.zeros(len(self.horizon)), np.zeros(len(self.horizon))
        for amount in self.amounts.values():
            for container, values in amount.steps:
                if container is self.bought:
                    cost += values / self.hours
                elif container is self.sold:
                    gain -= values / self.hours
        for component in self.active.values():
            if isinstance(component, NetMetering):
                # What is netted earns the price of what it cancels.
                gain += np.where(
                    valid_steps(component, self.horizon),
                    self._netted_price(component) - component.surplus_price_per_kwh,
                    0.0,
                )
            elif isinstance(component, TieredEnergy):
                cost += min(t.price_per_kwh for t in component.tiers) * self._counted(component)
            elif isinstance(component, TieredExport):
                gain += max(t.price_per_kwh for t in component.tiers) * valid_steps(
                    component, self.horizon
                )
        return cost, gain
