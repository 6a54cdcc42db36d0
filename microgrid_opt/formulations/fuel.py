r"""Units that burn one fuel or a blend: boilers, engines, turbines, back-pressure CHP.

$$ e_t = \sum_k \epsilon_k\,f_{k,t}, \qquad o_{j,t} = \eta_j\,e_t $$
$$ \ell_t \le a_t\,S, \qquad \ell_t = o_{s,t} \ \text{(size on output)} \quad\text{or}\quad
   \ell_t = \sum_k f_{k,t} \ \text{(size on input)} $$
$$ \underline{x}_k \sum_i f_{i,t} \le f_{k,t} \le \bar{x}_k \sum_i f_{i,t}, \qquad
   c_t = \sum_k \kappa_k\,f_{k,t} $$
$$ C = \sum_t h_t\,\Big(c_i \sum_k f_{k,t} + c_o\,o_{s,t}\Big) $$

| symbol | name | unit |
|---|---|---|
| $f_{k,t}$ | ``fuel_<carrier>``: fuel $k$ burnt, by its lower heating value | kW |
| $\epsilon_k$ | ``efficiency_factor`` | – |
| $e_t$ | effective fuel | kW |
| $o_{j,t}, \eta_j$ | each output, and what a kWh of effective fuel gives of it | kW, kWh/kWh |
| $\ell_t, S$ | load and size, counted on the main output $s$ or on the fuel | kW |
| $a_t$ | ``available_fraction`` | – |
| $\underline{x}_k, \bar{x}_k$ | ``min_share``, ``max_share`` | – |
| $c_t, \kappa_k$ | CO2 in the flue gas, and ``flue_co2_kg_per_kwh`` | kg/h, kg/kWh |
| $c_i, c_o$ | variable cost per kWh of fuel and of the main output | currency/kWh |
| $h_t$ | step length × weight | h |

The fuels are the only variables: what each of them gives is a multiple, so electricity is renewable to
the share of the fuels that are. With ``part_load`` the main output is a variable too, tied to the
effective fuel by the curve (`microgrid_opt.formulations.partload`), and renewable only when all fuels
are. With ``commitment`` the load is on or off (`microgrid_opt.formulations.commitment`). CO2 is booked
where a fuel is bought; the flue gas is a carrier only for units that capture from it, and what they
leave needs a `dump`.

References: co-firing by energy share and its effect on efficiency as in van Loo & Koppejan (2008), The
Handbook of Biomass Combustion and Co-firing, Earthscan, ISBN 978-1-84407-249-1.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from microgrid_opt.fields import CarrierName, CO2PerKWh, Factor, Fraction, Frozen
from microgrid_opt.formulations.converter import Converter
from microgrid_opt.formulations.partload import Always, Curve, Flows, write_curve
from microgrid_opt.results import DUST
from microgrid_opt.series import SeriesFraction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from microgrid_opt.audit import AssetAudit
    from microgrid_opt.builder import Builder
    from microgrid_opt.carriers import Carrier
    from microgrid_opt.draft import Role
    from microgrid_opt.formulations.converter import InputSeries, Ratio
    from microgrid_opt.results import AssetResults, Quantity

ELECTRICITY = "electricity"
LARGEST_YIELD = 1.18
"""Most energy per lower heating value [-]: that of hydrogen, whose higher heating value is 141.8 MJ/kg
against 120.0 MJ/kg (NIST Chemistry WebBook, 25 °C); with any other fuel condensing gains less."""
SAME = 1e-9


class BlendedFuel(Frozen):
    """One fuel of a blend."""

    efficiency_factor: Factor = 1.0
    """What a kWh of this fuel gives, as a multiple of the efficiency of the unit."""
    min_share: Fraction = 0.0
    """Least share in the fuel energy (lower heating value) of every step."""
    max_share: Fraction = 1.0
    """Largest share in the fuel energy (lower heating value) of every step."""
    renewable: bool = False
    """Whether electricity from it counts as renewable."""
    flue_co2_kg_per_kwh: CO2PerKWh = 0.0
    """CO2 that each kWh leaves in `flue_co2_carrier`."""

    def write_shares(self, b: Builder, name: str, flow: Any, total: Any) -> None:
        """Limit the share of this fuel in the energy of all fuels."""
        least, most = self.min_share, self.max_share
        if least > 0.0:
            b.require(f"min_share_{name}", lambda t: flow[t] >= least * total[t])
        if most < 1.0:
            b.require(f"max_share_{name}", lambda t: flow[t] <= most * total[t])


class WeightedSum:
    """Σ factor × flow, which a rule can index with a step as it does a flow."""

    def __init__(self, terms: Sequence[tuple[Any, Any]]) -> None:
        self.terms = terms

    def __getitem__(self, t: Any) -> Any:
        return sum(factor[t] * flow[t] for factor, flow in self.terms)


class FuelConverter(Converter):
    """Fields, equations and audit of a unit with one fuel or several, one size, fixed proportions."""

    fuel: CarrierName | None = None
    """Fuel, when it is one; counted in kWh of its lower heating value."""
    fuels: dict[CarrierName, BlendedFuel] = Field(default_factory=dict)
    """Fuels that may be blended in any step, instead of `fuel`."""
    heat_carrier: CarrierName = "heat"
    """Balance that the heat serves, by its temperature level."""
    flue_co2_carrier: CarrierName | None = None
    """Carrier, counted in kg, that takes the CO2 of the flue gas to a unit that captures it; left out:
    it leaves unseen, as the CO2 of the fuels bought says already."""
    available_fraction: SeriesFraction | None = None
    """Share of the size that each step allows, for outages or hot days; all of it when left out."""

    def problems(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield (keys below the asset, message) of what does not go together."""
        yield from super().problems()
        if bool(self.fuels) == (self.fuel is not None):
            problem = "are both given" if self.fuels else "are both missing"
            yield (), f"`fuel` and `fuels` {problem}: give exactly one."
            return
        best = max((factor for _, factor in self.load_points or ()), default=1.0)
        for name, fuel in self.mixture.items():
            if fuel.min_share > fuel.max_share:
                problem = f"lies above `max_share` {fuel.max_share:g}: correct one."
                yield ("fuels", name, "min_share"), problem
            if fuel.flue_co2_kg_per_kwh and self.flue_co2_carrier is None:
                problem = "needs `flue_co2_carrier`, the carrier that takes it."
                yield ("fuels", name, "flue_co2_kg_per_kwh"), problem
            most = self.total_yield * fuel.efficiency_factor * best
            if most > LARGEST_YIELD + SAME:
                yield (
                    (),
                    f"gives {most:.3g} kWh for each kWh of {name}: at most {LARGEST_YIELD:g} by the "
                    "lower heating value, with all vapour condensed. Correct an efficiency.",
                )
        least = sum(fuel.min_share for fuel in self.mixture.values())
        most = sum(fuel.max_share for fuel in self.mixture.values())
        if least > 1.0 + SAME:
            yield ("fuels",), f"have `min_share` that add up to {least:g}: at most 1 is possible."
        if most < 1.0 - SAME:
            yield ("fuels",), f"have `max_share` that add up to {most:g}: at least 1 is needed."
        factors = {fuel.efficiency_factor for fuel in self.mixture.values()}
        if self.part_load is not None and self.size_on == "input" and factors != {1.0}:
            problem = (
                "does not go with `efficiency_factor` and `size_on: input`: count on the output."
            )
            yield ("part_load",), problem
        flue = any(fuel.flue_co2_kg_per_kwh for fuel in self.mixture.values())
        if self.flue_co2_carrier is not None and not flue:
            problem = "takes nothing: give `fuels` with `flue_co2_kg_per_kwh`."
            yield ("flue_co2_carrier",), problem

    @property
    def mixture(self) -> Mapping[str, BlendedFuel]:
        """Every fuel by its carrier."""
        return self.fuels or {self.source: BlendedFuel()}

    @property
    def source(self) -> str:
        """Carrier that is burnt, or the first of a blend."""
        return self.fuel or next(iter(self.fuels))

    @property
    @abstractmethod
    def total_yield(self) -> float:
        """Most energy of all outputs for each kWh of effective fuel."""

    @property
    def has_own_part_load(self) -> bool:
        """The curve ties the effective fuel of a blend to the main output."""
        return True

    @property
    def all_renewable(self) -> bool:
        """Whether every fuel is renewable."""
        return all(fuel.renewable for fuel in self.mixture.values())

    def misfits(self, place: str, carrier: Callable[[str], Carrier]) -> Iterator[tuple[str, str]]:
        """Refuse fuels that are not counted in kWh or are made here, heat in kg, flue gas in kWh."""
        del place
        key = "fuel" if self.fuel else "fuels"
        made = {self.product, self.heat_carrier}
        for name in self.mixture:
            if carrier(name).unit != "kWh":
                yield (
                    key,
                    f"{name} is counted in {carrier(name).unit}: fuels are counted in kWh of their "
                    "lower heating value. Declare it as a carrier in kWh.",
                )
            if name in made:
                yield key, f"{name} is also what the unit makes: name another carrier."
        if self.heat_carrier == ELECTRICITY or carrier(self.heat_carrier).unit != "kWh":
            yield "heat_carrier", "is no heat: name a heat carrier, counted in kWh."
        flue = self.flue_co2_carrier
        if flue is not None and carrier(flue).unit != "kg":
            yield "flue_co2_carrier", "is not counted in kg: name a carrier of CO2, counted in kg."

    def availability(self, given: InputSeries) -> Ratio:
        """Return the share of the size that each step allows."""
        name = "available_fraction"
        return given.data(name) if given.has_data(name) else 1.0

    def _factors(self, ratio: Ratio = 1.0) -> dict[str, Ratio]:
        """Return effective fuel (times a ratio) for each kWh of every fuel."""
        return {name: ratio * fuel.efficiency_factor for name, fuel in self.mixture.items()}

    def effective(self, b: Builder, fuels: Mapping[str, Any], ratio: Ratio = 1.0) -> WeightedSum:
        """Return the effective fuel, times a ratio, as rules can index it."""
        return WeightedSum(
            [
                (b.param(f"of_{name}", per), fuels[name])
                for name, per in self._factors(ratio).items()
            ]
        )

    # ------------------------------------------------------------------ model

    def build(self, b: Builder) -> None:
        """Write size, fuels, what they give, and variable cost."""
        size = b.size(self.size_name, self.size_spec)
        fuels = self._write_fuels(b, size)
        made = None
        if self.curve is None:
            self._limit_load(b, fuels, size)
        else:
            made = self._write_curve(b, self.curve, fuels, size)
        self.deliver(b, fuels, made, size)
        in_cost, _ = self.variable_costs
        for name, flow in fuels.items():
            b.draw(name, flow, role="conversion")
            flue = self.mixture[name].flue_co2_kg_per_kwh
            if self.flue_co2_carrier is not None and flue:
                b.supply(self.flue_co2_carrier, flow, factor=flue, role="conversion")
            if in_cost:
                b.book("variable_om", b.total(flow, in_cost))

    def _write_fuels(self, b: Builder, size: Any) -> dict[str, Any]:
        """Return the flow of each fuel, within the shares; without a curve none exceeds the size."""
        ratio = 1.0 if self.size_on == "input" else self.outputs(b)[self.product]
        alone = len(self.mixture) == 1
        limited = self.curve is None and (alone or not b.is_choice(size))
        fuels = {}
        for name, fuel in self.mixture.items():
            per_fuel = ratio if self.size_on == "input" else ratio * fuel.efficiency_factor
            limit = {"upper": size, "profile": self.availability(b) / per_fuel}
            fuels[name] = b.series(f"fuel_{name}", unit="kW", **(limit if limited else {}))
        if not alone:
            total = _sum(b, fuels)
            for name, fuel in self.mixture.items():
                fuel.write_shares(b, name, fuels[name], total)
        return fuels

    def _limit_load(self, b: Builder, fuels: Mapping[str, Any], size: Any) -> None:
        """Keep all fuels together within the size, on or off."""
        share = self.availability(b)
        by_input = self.size_on == "input"
        load = _sum(b, fuels)
        if not by_input:
            load = self.effective(b, fuels, self.outputs(b)[self.product])
        if len(fuels) > 1:
            available = b.param("available", share)
            b.require("within_size", lambda t: load[t] <= available[t] * size)
        self._commit(b, load, size, share)

    def _write_curve(self, b: Builder, curve: Curve, fuels: Mapping[str, Any], size: Any) -> Any:
        """Return the main output, tied to the effective fuel by the part-load curve."""
        share, by_input = self.availability(b), self.size_on == "input"
        taken, made = self.effective(b, fuels), self.write_output(b, size)
        load, other = (taken, made) if by_input else (made, taken)
        available = b.param("available", share)
        b.require("within_size", lambda t: load[t] <= available[t] * size)
        states = self._commit(b, load, size, share, capacity=True)
        on: Any = Always(1.0) if states is None else states.on
        capacity: Any = Always(size) if states is None else states.capacity
        ratio = self.outputs(b)[self.product]
        per_load = ratio if by_input else 1.0 / ratio
        write_curve(b, curve, Flows(load, other, per_load, size, "kW", on, capacity))
        start = curve.loads[0]
        if self.commitment and np.any(share * self.commitment.min_load_fraction < start):
            b.require("part_load_start", lambda t: load[t] >= start * capacity[t])
        return made

    def write_output(self, b: Builder, size: Any) -> Any:
        """Return the main output with part load, as rules can index it."""
        del size
        return b.series("output", unit="kW")

    def deliver(self, b: Builder, fuels: Mapping[str, Any], made: Any, size: Any) -> None:
        """Write what the fuels give, and what that costs; ``made`` is there with part load only."""
        del size
        outputs = self.outputs(b)
        if made is None:
            per_fuel = self._factors(outputs[self.product])
            for name, flow in fuels.items():
                self._deliver_product(b, flow, per_fuel[name], green=self.mixture[name].renewable)
        else:
            self._deliver_product(b, made, 1.0, green=self.all_renewable)
        for carrier, amount in outputs.items():
            if carrier == self.product or not np.any(amount):
                continue
            for name, factor in self._factors(amount).items():
                b.supply(carrier, fuels[name], factor=factor, role="conversion")

    def _deliver_product(self, b: Builder, flow: Any, ratio: Ratio, *, green: bool) -> None:
        """Supply the main output, which is a multiple of a flow, and what comes with it."""
        electric = self.product == ELECTRICITY
        role: Role = "generation" if electric else "conversion"
        b.supply(self.product, flow, factor=ratio, role=role, renewable=electric and green)
        for carrier, amount in self.made_per_product(b).items():
            b.supply(carrier, flow, factor=amount * ratio, role="conversion")
        if electric:
            b.measure("available_generation", b.total(flow, ratio))
        _, out_cost = self.variable_costs
        if out_cost:
            b.book("variable_om", b.total(flow, out_cost * ratio))

    # ------------------------------------------------------------------ audit

    def audit(self, a: AssetAudit) -> None:
        """Re-derive limits, shares, outputs and cost from what is burnt, with part load and made."""
        fuels = {name: a.series(f"fuel_{name}") for name in self.mixture}
        total, effective = _total(fuels.values()), self._effective_of(a)
        made, share, size = self.made(a), self.availability(a), a.size(self.size_name)
        load = total if self.size_on == "input" else made
        a.at_most("within size", load, share * size, unit="kW")
        a.at_most("made not negative", 0.0, made, unit="kW")
        if self.curve is not None:
            ratio = self.outputs(a)[self.product]
            self._audit_part_load(a, self.curve, load, effective, made, ratio, size)
        drawn: dict[str, Any] = dict(fuels)
        if self.operation is not None:
            self.operation.audit(a, load, size, share, "kW")
            for carrier, amount in self.operation.standby_drawn(a, size).items():
                drawn[carrier] = drawn.get(carrier, 0.0) + amount
        for carrier, flow in drawn.items():
            a.equal(f"{carrier} drawn", a.drawn(carrier), flow, unit="kW")
        flue = np.zeros_like(total)
        for name, fuel in self.mixture.items():
            flow = fuels[name]
            a.at_most(f"{name} not negative", 0.0, flow, unit="kW")
            a.at_most(f"least share of {name}", fuel.min_share * total, flow, unit="kW")
            a.at_most(f"largest share of {name}", flow, fuel.max_share * total, unit="kW")
            flue = flue + flow * fuel.flue_co2_kg_per_kwh
        if self.flue_co2_carrier is not None:
            a.equal("flue CO2 supplied", a.supplied(self.flue_co2_carrier), flue, unit="kg/h")
        in_cost, out_cost = self.variable_costs
        product = self.audit_delivery(a, effective, made)
        hours = a.horizon.hours
        a.booked("variable_om", float(total @ hours) * in_cost + float(product @ hours) * out_cost)
        if self.product == ELECTRICITY:
            a.measure("available_generation", float(product @ hours))

    def audit_delivery(
        self, a: AssetAudit, effective: NDArray[np.float64], made: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Re-derive the outputs, and return the main one, shape (n,)."""
        supplied = {self.product: made}
        for carrier, amount in self.outputs(a).items():
            if carrier != self.product:
                supplied[carrier] = effective * amount
        for carrier, amount in self.made_per_product(a).items():
            supplied[carrier] = made * amount
        for carrier, flow in supplied.items():
            a.equal(f"{carrier} supplied", a.supplied(carrier), flow, unit="kW")
        return made

    # ------------------------------------------------------------------ results

    def _effective_of(self, r: AssetResults | AssetAudit) -> NDArray[np.float64]:
        return _total(r.series(f"fuel_{name}") * per for name, per in self._factors().items())

    def made(self, r: AssetResults | AssetAudit) -> NDArray[np.float64]:
        """Return the main output, shape (n,)."""
        if self.curve is not None:
            return r.series("output")
        return np.asarray(self._effective_of(r) * self.outputs(r)[self.product])

    def summary(self, r: AssetResults) -> Mapping[str, Quantity]:
        """Return full-load hours, the share of each fuel of a blend, hours on and starts."""
        size, hours = r.size(self.size_name), r.horizon.hours
        burnt = {name: r.energy(f"fuel_{name}") for name in self.mixture}
        total = sum(burnt.values())
        load = total if self.size_on == "input" else float(self.made(r) @ hours)
        figures = {"full_load_hours": r.quantity(load / size if size > DUST else 0.0, "h")}
        if len(burnt) > 1 and total > 0.0:
            for name, amount in burnt.items():
                figures[f"share_of_{name}"] = r.quantity(amount / total, "1")
        return figures | ({} if self.operation is None else dict(self.operation.summary(r)))


def _sum(b: Builder, flows: Mapping[str, Any]) -> WeightedSum:
    one = b.param("one", 1.0)
    return WeightedSum([(one, flow) for flow in flows.values()])


def _total(flows: Iterable[NDArray[np.float64]]) -> NDArray[np.float64]:
    return np.asarray(np.sum(list(flows), axis=0))
