r"""CO2 of a park for each tonne of coal equivalent of the energy that it consumes.

$$ \frac{\sum_i e_i}{T} \le \Theta, \qquad
   T = \sum_c \varphi_c \sum_t h_t\,(b_{ct} + g_{ct} - s_{ct} - d_{ct} - \ell_{ct}) $$

| symbol | name | unit |
|---|---|---|
| $e_i$ | CO2 entries of the ledger over the horizon, as a cap counts them | kg |
| $T$ | energy consumed | kgce |
| $\Theta$ | ``max_t_per_tce`` | t/tce = kg/kgce |
| $\varphi_c$ | ``kgce_per_unit`` of carrier $c$; left out: its energy content × 3.6/29.3076 | kgce/unit |
| $b_{ct}, s_{ct}$ | what is bought and sold of it | kW or kg/h |
| $g_{ct}$ | what the park takes from sun, wind, water, earth or its production | kW or kg/h |
| $d_{ct}$ | what a ``dump`` throws away | kW or kg/h |
| $\ell_{ct}$ | what stores take less what they give back, and what lines lose; 0 with ``losses`` `counted` | kW or kg/h |
| $h_t$ | step length × weight | h |

Energy counts where it enters the balances and never again: electricity and heat that a plant makes of
a carrier that it draws (a turbine, a boiler, a heat pump, a fuel cell) are none of $g$, and neither is the
ambient heat of a heat pump. The norm counts every loss as consumption. For a plan that must keep the
ratio that makes waste of clean energy worth something: a battery that charges and discharges at once would
lower it. So what is curtailed or dumped, and what is lost in stores and lines, is taken off, which makes the
ratio a little higher than that of the norm; losses of converters stay. The row is linear, and its dual is the
worth of one more kg of CO2 at the same consumption.

The ratio turns on $\varphi$ of electricity: 0.1229 kgce/kWh is its heat (GB/T 2589-2020, rounded from
860 kcal/7000 kcal), about 0.30 the coal that a power station burns for it. State the one that the
authority asks for.

References: 发改环资〔2025〕910号 (2025), the indicator of zero-carbon parks, at most 0.2 or 0.3 t/tce;
GB/T 2589-2020 (2020), General rules for calculation of the comprehensive energy consumption.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from microgrid_opt.errors import Finding, InputError
from microgrid_opt.fields import CarrierName, Frozen, KgcePerUnit, TonnesPerTce
from microgrid_opt.ledger import Linear
from microgrid_opt.yamlio.grammar import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from microgrid_opt.builder import Builder
    from microgrid_opt.carriers import Carrier
    from microgrid_opt.draft import Flow

MJ_PER_KWH = 3.6
MJ_PER_KGCE = 29.3076
"""Heat of a kg of coal equivalent: 7000 kcal of 4.1868 kJ (GB/T 2589-2020)."""
KGCE_PER_KWH = MJ_PER_KWH / MJ_PER_KGCE
MOST_PER_CONTENT = 5.0
"""Most coal equivalent for each kgce of energy content [-]: a power station that turns a fifth of its
coal into electricity."""
MOST_PER_KG = 5.0
"""Most coal equivalent of a kg of anything [kgce/kg]: hydrogen, the richest fuel, has 4.1."""
SIGNS = {("import", 1): 1.0, ("generation", 1): 1.0, ("export", -1): -1.0, ("dump", -1): -1.0}
"""How a flow of a role, into the balance (1) or out of it (-1), counts as energy consumed."""
CAP = "co2_intensity"


class Intensity(Frozen):
    """CO2 per energy consumed: a figure that is reported, and a limit where one is given."""

    max_t_per_tce: TonnesPerTce | None = None
    """Most CO2 for each tonne of coal equivalent consumed; without it the figure is only reported."""
    kgce_per_unit: dict[CarrierName, KgcePerUnit] = Field(default_factory=dict)
    """Coal equivalent of each kWh (or kg) of a carrier; a carrier that is left out counts by its energy
    content at 29.3076 MJ/kgce, which is 0.1228 kgce/kWh."""

    losses: Literal["deducted", "counted"] = "deducted"
    """Whether what stores and lines lose is taken off the energy consumed or counted as such; counted, a
    plan gains by cycling clean surplus through them."""

    def problems(self, carriers: Mapping[str, Carrier]) -> Iterator[Finding]:
        """Yield what does not fit the park: carriers that it lacks, factors of another unit."""
        for name, factor in self.kgce_per_unit.items():
            key = f"carbon.intensity.kgce_per_unit.{name}"
            if name not in carriers:
                near = nearest(name, carriers)
                hint = "" if near is None else f" (did you mean {near!r}?)"
                known = ", ".join(carriers)
                yield Finding(f"is no carrier of the park{hint}: known are {known}.", key=key)
                continue
            problem = _implausible(factor, carriers[name])
            if problem is not None:
                yield Finding(problem, key=key, value=factor)

    def factor(self, name: str, carrier: Carrier) -> float:
        """Return the coal equivalent of one unit of a carrier [kgce/unit]."""
        return self.kgce_per_unit.get(name, carrier.content_kwh_per_unit * KGCE_PER_KWH)

    def consumed(
        self, b: Builder, flows: Sequence[Flow], carriers: Mapping[str, Carrier]
    ) -> Linear:
        """Return the energy consumed [kgce]."""
        total = Linear()
        for flow, sign in zip(flows, self.signs(flows, carriers), strict=True):
            factor = sign * self.factor(flow.carrier, carriers[flow.carrier])
            if factor:
                total = total + b.total(flow.source, flow.factor) * factor
        return total

    def signs(self, flows: Sequence[Flow], carriers: Mapping[str, Carrier]) -> list[float]:
        """Return how each term of the balances counts as energy consumed: 1, -1 or 0."""
        makers = {
            flow.asset
            for flow in flows
            if (flow.role, flow.sign) == ("conversion", -1)
            and carriers[flow.carrier].content_kwh_per_unit
        }
        stores = {
            (flow.asset, flow.carrier)
            for flow in flows
            if (flow.role, flow.sign) == ("storage", -1)
        }
        found = []
        for flow in flows:
            counts = SIGNS.get((flow.role, flow.sign), 0.0)
            # What cars give back their own demand has taken: it does not pass through a store.
            passes = flow.role in {"transfer", "trade"} or (
                flow.role == "storage" and (flow.asset, flow.carrier) in stores
            )
            if flow.role == "generation" and flow.asset in makers:
                counts = 0.0
            elif passes and self.losses == "deducted":
                counts = float(flow.sign)
            found.append(counts)
        return found

    def build(
        self,
        b: Builder,
        emissions: Linear,
        flows: Sequence[Flow],
        carriers: Mapping[str, Carrier],
    ) -> None:
        """Limit the CO2 to a share of the energy consumed."""
        findings = list(self.problems(carriers))
        if findings:
            raise InputError(findings)
        if self.max_t_per_tce is None:
            return
        consumed = self.consumed(b, flows, carriers)
        if not consumed.terms and consumed.constant <= 0.0:
            raise InputError(
                Finding(
                    "limits CO2 per energy consumed, but the park consumes nothing that counts: "
                    "nothing is bought or taken from sun, wind or water, or `kgce_per_unit` is 0 "
                    "for all of it.",
                    key="carbon.intensity.max_t_per_tce",
                    value=self.max_t_per_tce,
                )
            )
        b.cap(
            CAP,
            emissions,
            "<=",
            self.max_t_per_tce,
            whole=consumed,
            unit="kg",
            description=f"CO2 intensity of at most {self.max_t_per_tce:g} t/tce",
        )


def _implausible(factor: float, carrier: Carrier) -> str | None:
    """Return what is wrong with a factor that no accounting uses, or ``None``."""
    unit, heat = carrier.unit, carrier.content_kwh_per_unit * KGCE_PER_KWH
    if not heat:
        if unit == "kWh" or factor <= MOST_PER_KG:
            return None
        return f"is more than any fuel has: hydrogen, the richest, has 4.1 kgce/{unit}."
    if factor > MOST_PER_CONTENT * heat:
        return (
            f"is {factor / heat:.3g} times its energy content, {heat:.4g} kgce/{unit}: give kgce for "
            f"each {unit}, not for each kg or m3 of a fuel, and not in g or t."
        )
    if abs(factor * MJ_PER_KWH / heat - 1.0) < 0.01:
        return f"is the factor of a MJ: for each {unit} it is {heat:.4g} kgce."
    return None
