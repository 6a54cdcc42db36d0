r"""Given and chosen sizes, in one formulation: everything else only sees ``x[t] <= size``.

$$ S = S_0 + N, \qquad N = u\,n \ \text{(whole units)}, \qquad
   N \le (S_{max} - S_0)\,z \ \text{(one-off cost)} $$
$$ S = K + N, \quad 0 \le K \le S_0 \ \text{(partial retirement)}, \quad
   K = S_0\,r \ \text{(whole retirement)} $$
$$ C_{year} = a\,(k\,N + K\,z) + m\,S + \mu\,(k\,S + K\,z) + g\,N $$
$$ N = \sum_j N_j, \quad 0 \le N_j \le w_j, \quad w_j\,f_j \le N_j, \quad N_{j+1} \le w_{j+1} f_j
   \;\text{where}\; k_{j+1} < k_j, \qquad k\,N \to \sum_j k_j N_j $$

| symbol | name | unit |
|---|---|---|
| $S$ | size in operation | kW, kWh, kg or kg/h |
| $S_0$ | ``existing_*`` | same |
| $N$ | new capacity | same |
| $u, n$ | ``unit_*`` and how many new units | same, – |
| $z$ | anything new is built | 0/1 |
| $K, r$ | existing capacity that stays; whether it does (``retirement``) | same, 0/1 |
| $k, K$ | ``capex_per_*``, ``fixed_capex`` | currency/unit, currency |
| $a$ | yearly cost of one unit of capex (`microgrid_opt.finance.annual_cost`) | 1/year |
| $m, \mu$ | ``fixed_om_per_*_year``, ``fixed_om_fraction`` | currency/unit/year, 1/year |
| $w_j, k_j, N_j, f_j$ | width and price of a block (``capex_blocks_per_*``), capacity in it, whether it is full | same, currency/unit, same, 0/1 |
| $g$ | ``annual_cost_per_*``, given instead of capex | currency/unit/year |

The big-M of the one-off cost is the declared ``max_*``, nothing looser.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from microgrid_opt.formulations import vintages
from microgrid_opt.ledger import EARLIER, Linear

if TYPE_CHECKING:
    from microgrid_opt.builder import Builder
    from microgrid_opt.fields import Size


@dataclass(frozen=True)
class SizeRecord:
    """A size in the model: a number or a variable, with the forms that price it.

    Parameters
    ----------
    total, new
        Number or variable: capacity in operation, and the part of it that is bought.
    capex
        Money spent at the start [currency].
    annual
        Yearly cost of that money [currency/year].
    stands
        In a stage of a pathway: what it has from before and buys, by origin.
    """

    member: str
    asset: str
    name: str
    spec: Size
    total: Any
    new: Linear
    capex: Linear
    annual: Linear
    fixed_om: Linear
    stands: tuple[vintages.Stand, ...] = ()


def write_size(b: Builder, name: str, spec: Size) -> SizeRecord:
    """Create the variables of a size, book its yearly costs, and return its record."""
    total: Any
    new: Linear
    built: Linear
    history = b.history
    stands: tuple[vintages.Stand, ...] = ()
    if history is not None:
        total, new, built, stands = vintages.write_staged(b, history, name, spec)
    elif spec.fixed is not None:
        total = spec.fixed
        new = Linear(constant=spec.fixed - spec.existing)
        built = Linear(constant=1.0 if spec.fixed > spec.existing else 0.0)
    else:
        total, new, built = _chosen(b, name, spec)
    capex = _capex(b, name, spec, new) + built * spec.fixed_capex
    annual = capex * b.finance.annual_cost_factor(spec) + new * spec.annual_cost_per_unit
    fixed_om = (
        b.times(total, spec.fixed_om_per_unit_year)
        + b.times(total, spec.capex_per_unit * spec.fixed_om_fraction)
        + built * (spec.fixed_capex * spec.fixed_om_fraction)
    )
    before = Linear()
    if history is not None:
        before, upkeep = vintages.earlier(history, b.asset, name)
        fixed_om = fixed_om + upkeep
        once = built * (spec.fixed_capex * spec.fixed_om_fraction)
        vintages.remember(b, history, name, spec, new, annual=annual, upkeep=once)
    share = b.finance.investment_share(b.horizon)
    for category, amount in (
        ("investment", annual),
        (EARLIER, before),
        ("fixed_om", fixed_om),
    ):
        priced = (amount * share).merged()
        if priced.constant or any(values.any() for _, values in priced.terms):
            b.book(category, priced)
    return SizeRecord(b.member, b.asset, name, spec, total, new, capex, annual, fixed_om, stands)


def _capex(b: Builder, name: str, spec: Size, new: Linear) -> Linear:
    """Return the price of new capacity; blocks of falling price need binaries that keep their order."""
    if not new.merged().terms:
        return Linear(constant=spec.capex_of(new.constant))
    if not spec.blocks:
        return new * spec.capex_per_unit
    filled = [
        b.scalar(f"{name}_block_{number}", upper=width)
        for number, (width, _) in enumerate(spec.blocks, start=1)
    ]
    whole = sum((b.times(block) for block in filled), Linear())
    b.require_sum(f"{name}_blocks", whole - new, "==", 0.0)
    for number, ((width, price), (after, next_price)) in enumerate(pairwise(spec.blocks), start=1):
        if next_price >= price:
            continue
        full = b.scalar(f"{name}_full_{number}", upper=1.0, integer=True)
        b.require_once(f"{name}_fills_{number}", filled[number - 1] >= width * full)
        b.require_once(f"{name}_opens_{number}", filled[number] <= after * full)
    return sum(
        (b.times(block, price) for block, (_, price) in zip(filled, spec.blocks, strict=True)),
        Linear(),
    )


def _chosen(b: Builder, name: str, spec: Size) -> tuple[Any, Linear, Linear]:
    total = b.scalar(f"{name}_size", lower=spec.lower, upper=spec.upper)
    kept: Any = spec.existing
    stays_at_least = spec.existing if spec.retirement == "none" else 0.0
    if spec.retirement != "none":
        kept = b.scalar(f"{name}_kept", upper=spec.existing)
        if spec.buys:
            b.require_once(f"{name}_total", total >= kept)
        else:
            b.require_once(f"{name}_total", total == kept)
    if spec.retirement == "whole":
        stays = b.scalar(f"{name}_stays", upper=1.0, integer=True)
        b.require_once(f"{name}_whole_or_gone", kept == spec.existing * stays)
    new = b.times(total) - b.times(kept)
    if spec.unit_size is not None and spec.maximum is not None:
        room = int((spec.maximum - stays_at_least) / spec.unit_size + 1e-9)
        units = b.scalar(f"{name}_units", upper=float(room), integer=True)
        b.require_once(f"{name}_whole", total == kept + spec.unit_size * units)
    if not spec.fixed_capex or spec.maximum is None:
        return total, new, Linear()
    z = b.scalar(f"{name}_built", upper=1.0, integer=True)
    b.require_once(f"{name}_purchase", total - kept <= (spec.maximum - stays_at_least) * z)
    return total, new, b.times(z)
