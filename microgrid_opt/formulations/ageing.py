r"""Ageing of a battery inside the plan: wear by depth of cycle, fade by age, what both cost.

$$ k_j = \frac{1/N(\delta_j) - 1/N(\delta_{j-1})}{\delta_j - \delta_{j-1}}, \qquad k_1 \le k_2 \le \dots $$
$$ \sum_j e_{j,t} = e_t - f_{min}\,\phi E, \qquad 0 \le e_{j,t} \le (\delta_j - \delta_{j-1})\,E, \qquad
   \Delta t \sum_j x_{j,t} = \Delta t\,\frac{d_t}{\eta_d} + \ell_t, \qquad
   e_{j,t} - e_{j,t-1} + \Delta t\,x_{j,t} \ge 0 $$
$$ W = \sum_t h_t \sum_j k_j\,x_{j,t}, \qquad F = 1 - f_{EOL} $$
$$ C = R \cdot \max\!\Big(0,\; W - y\,E \Big(\frac{1}{L} - \frac{\gamma}{F}\Big)\Big) \ \text{(replacement)}, \qquad
   C = R\,(F\,W + y\,\gamma\,E) \ \text{(augmentation)} $$

| symbol | name | unit |
|---|---|---|
| $N(\delta_j), \delta_j$ | ``cycles`` until end of life at ``depth_fraction`` | –, – |
| $k_j$ | share of the cycle life per capacity drawn from depth segment $j$ | – |
| $e_{j,t}, x_{j,t}$ | content of segment $j$, and what leaves it | kWh, kW |
| $E$ | capacity when new | kWh |
| $\ell_t$ | content lost by self-discharge and standing loss | kWh |
| $W$ | wear of the horizon, in kWh of capacity worn out | kWh |
| $f_{EOL}, F$ | ``end_of_life_fraction``; fade until then | – |
| $\gamma$ | ``calendar_fade_per_year`` | 1/year |
| $L$ | ``lifetime_years`` of the size that holds the capacity | years |
| $R$ | ``price_per_kwh`` | currency/kWh |
| $y$ | share of a year that the horizon stands for | – |
| $\phi$ | share of the capacity that the plan may use, by ``plan_capacity`` | – |

Wear is counted where content leaves, so a cycle counts once. A fall of the content takes the cheapest
segments that are filled, a rise fills the cheapest that are empty: with $k_j$ increasing this is
rainflow counting with linear interpolation of $1/N$ between the depths given, without binaries, and
also for a chosen $E$. One depth alone is linear wear by throughput.

Nothing is paid twice. Fade by cycling and by age add up, so a battery lasts
$1/(W/(yE) + \gamma/F)$ years. Its yearly cost pays for one battery in ``lifetime_years``; in
`replacement` mode only batteries beyond that are charged, and fade by age is never charged. Without
``lifetime_years`` (capacity that exists, or is rented) every wear is charged. In `augmentation` mode
new cells make up for all fade, year by year, on top of the yearly cost, and the plan uses the full
capacity.

References: Xu, Zhao, Zheng, Litvinov & Kirschen (2018), Factoring the Cycle Aging Cost of Batteries
Participating in Electricity Markets, IEEE Transactions on Power Systems 33(2),
doi:10.1109/TPWRS.2017.2733339 (segments of depth; here as wide as the steps of the table).
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from microgrid_opt.fields import (
    SAME,
    CostPerKWh,
    Cycles,
    FadePerYear,
    Frozen,
    PositiveFraction,
    Rate,
)
from microgrid_opt.formulations.wear import (
    Depths,
    audited,
    falls,
    replayed,
    write_segments,
    write_throughput,
)
from microgrid_opt.results import DUST

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from microgrid_opt.audit import AssetAudit
    from microgrid_opt.builder import Builder
    from microgrid_opt.fields import Size
    from microgrid_opt.formulations.content import Scaled
    from microgrid_opt.formulations.reservoir import Reservoir
    from microgrid_opt.results import AssetResults, Quantity

CATEGORY = "ageing"


class CycleLife(Frozen):
    """How many cycles of one depth a battery lasts."""

    depth_fraction: PositiveFraction
    """Depth of the cycle, as a share of the capacity when new."""
    cycles: Cycles
    """Cycles of this depth until end of life."""


class Ageing(Frozen):
    """Wear and fade of a battery, and what they cost."""

    cycle_life: tuple[CycleLife, ...] = Field(min_length=1)
    """Cycles until end of life by depth, shallow first; one entry alone means wear in proportion to
    throughput, whatever the depth."""
    end_of_life_fraction: Rate
    """Capacity at end of life as a share of that when new."""
    calendar_fade_per_year: FadePerYear = 0.0
    """Capacity that a year takes without cycling, as a share of that when new."""
    mode: Literal["replacement", "augmentation"] = "replacement"
    """Whether cells are replaced at end of life, or added year by year to make up for the fade."""
    price_per_kwh: CostPerKWh | None = None
    """Price of each kWh of cells replaced or added; left out: capex per kWh of the capacity, for a
    replacement times `replacement_fraction`."""
    plan_capacity: Literal["new", "mid_life", "end_of_life"] = "new"
    """Capacity that the plan may use: that when new, half-way to end of life, or at end of life."""

    @property
    def fade(self) -> float:
        """Fade until end of life, as a share of the capacity."""
        return 1.0 - self.end_of_life_fraction

    @property
    def usable_fraction(self) -> float:
        """Share of the capacity that the plan may use."""
        shares = {
            "new": 1.0,
            "mid_life": 1.0 - self.fade / 2.0,
            "end_of_life": self.end_of_life_fraction,
        }
        return shares[self.plan_capacity]

    @property
    def depths(self) -> Depths:
        """Segments between the depths of the table, and their wear."""
        deep = [0.0, *(point.depth_fraction for point in self.cycle_life)]
        worn = [0.0, *(1.0 / point.cycles for point in self.cycle_life)]
        widths = [high - low for low, high in pairwise(deep)]
        steps = zip(pairwise(worn), widths, strict=True)
        return Depths(widths, [(more - less) / (width or 1.0) for (less, more), width in steps])

    # ------------------------------------------------------------------ what contradicts itself

    def problems(self, store: Reservoir) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield (path, message) of what contradicts itself or the battery."""
        if store.flow_costs[1]:
            yield (
                ("discharge_cost_per_kwh",),
                "counts wear a second time: `ageing` has it. Leave it out; other cost of throughput "
                "may stand in `charge_cost_per_kwh`.",
            )
        yield from self._table_problems(store)
        size = _size(store)
        if self._price(store) is None:
            yield (
                (CATEGORY, "price_per_kwh"),
                "is missing: the capacity has no capex per kWh to take it from.",
            )
        if self.mode == "augmentation":
            if self.plan_capacity != "new":
                yield (
                    (CATEGORY, "plan_capacity"),
                    "must be `new` in mode `augmentation`: the fade is made up for.",
                )
        elif size is not None and size.lifetime_years is not None:
            longest = self._calendar_life
            if size.lifetime_years > longest * (1.0 + SAME):
                yield (
                    (CATEGORY, "calendar_fade_per_year"),
                    f"ends the life after {longest:g} years, before the `lifetime_years` "
                    f"{size.lifetime_years:g} of the capacity: shorten these, or correct the fade.",
                )

    def _table_problems(self, store: Reservoir) -> Iterator[tuple[tuple[str, ...], str]]:
        table = (CATEGORY, "cycle_life")
        widths, slopes = self.depths
        if min(widths) <= 0.0:
            yield table, "must go from shallow to deep: sort by `depth_fraction`, each depth once."
            return
        for number, (one, other) in enumerate(pairwise(slopes)):
            if other < one * (1.0 - SAME):
                shallow, deep = self.cycle_life[number : number + 2]
                yield (
                    table,
                    f"says that wear per depth falls from {shallow.depth_fraction:g} to "
                    f"{deep.depth_fraction:g}: deep cycles must wear at least in proportion. "
                    f"Correct it, or leave out the depth {shallow.depth_fraction:g}.",
                )
                return
        deepest = self.cycle_life[-1].depth_fraction
        swing = self.usable_fraction * (store.max_fraction - store.min_fraction)
        if len(self.cycle_life) > 1 and deepest < swing * (1.0 - SAME):
            yield (
                table,
                f"ends at a depth of {deepest:g}, the battery may cycle up to {swing:g}: add the "
                "cycles at that depth.",
            )

    # ------------------------------------------------------------------ amounts

    @property
    def _calendar_life(self) -> float:
        """Years until end of life without cycling."""
        fade = self.calendar_fade_per_year
        return self.fade / fade if fade else np.inf

    def _price(self, store: Reservoir) -> float | None:
        if self.price_per_kwh is not None:
            return self.price_per_kwh
        size = store.capacity_size
        if size is None or not size.capex_per_unit:
            return None
        replaced = size.replacement_fraction if self.mode == "replacement" else 1.0
        return float(size.capex_per_unit) * replaced

    def _paid_per_year(self, store: Reservoir) -> float:
        """Wear that the yearly cost of the capacity pays for, per capacity [1/year]."""
        size = _size(store)
        if self.mode == "augmentation" or size is None or size.lifetime_years is None:
            return 0.0
        return max(0.0, 1.0 / size.lifetime_years - 1.0 / self._calendar_life)

    # ------------------------------------------------------------------ model

    def build(self, b: Builder, store: Reservoir, capacity: Scaled, content: str) -> None:
        """Write the segments of a store and book its ageing.

        Parameters
        ----------
        b
            The pen.
        store
            Its losses, fillings, start and sizes.
        capacity
            Capacity when new.
        content
            Name of the series of its content.
        """
        held, depths = b.written(content), self.depths
        if len(depths.slopes) == 1:
            wear = write_throughput(b, store, capacity, held, depths.slopes[0])
        else:
            wear = write_segments(b, store, capacity, held, depths)
        price, share = self._price(store) or 0.0, b.horizon.year_share
        if self.mode == "augmentation":
            by_age = b.times(capacity.base, capacity.share * self.calendar_fade_per_year * share)
            b.book(CATEGORY, (wear * self.fade + by_age) * price)
            return
        paid = self._paid_per_year(store) * share
        if not paid:
            b.book(CATEGORY, wear * price)
            return
        charged = b.monthly("charged_wear", unit="kWh")
        beyond = b.times(charged) - wear + b.times(capacity.base, capacity.share * paid)
        b.require_sum("wear_beyond_lifetime", beyond, ">=", 0.0)
        b.book(CATEGORY, b.times(charged, price))

    # ------------------------------------------------------------------ audit

    def audit(self, a: AssetAudit, store: Reservoir, capacity: float, content: str) -> None:
        """Re-derive wear and what ageing costs from the flows alone."""
        wear = audited(a, store, capacity, content, self.depths)
        price, share = self._price(store) or 0.0, a.horizon.year_share
        if self.mode == "augmentation":
            by_age = self.calendar_fade_per_year * share * capacity
            a.booked(CATEGORY, price * (self.fade * wear + by_age))
            return
        paid = self._paid_per_year(store) * share * capacity
        if not self._paid_per_year(store):
            a.booked(CATEGORY, price * wear)
            return
        charged, beyond = float(a.monthly("charged_wear").sum()), max(0.0, wear - paid)
        a.at_most("wear beyond the lifetime is charged", beyond, charged, unit="kWh")
        # Only a plan short of the optimum charges more, and not more than it is short.
        a.at_most("wear charged", (charged - beyond) * price, a.slack, unit="currency")
        a.booked(CATEGORY, price * charged)

    # ------------------------------------------------------------------ figures

    def summary(
        self, r: AssetResults, store: Reservoir, capacity: float, content: str
    ) -> Mapping[str, Quantity]:
        """Return cycles and fade of a year, and the life that follows."""
        year = r.horizon.year_share * capacity
        if capacity <= DUST:
            return {}
        weight = r.horizon.weight
        cycles = float(weight @ falls(r, store, capacity, content)) / year
        wear = float(weight @ replayed(r, store, capacity, content, self.depths)) / year
        fade = self.fade * wear + self.calendar_fade_per_year
        figures = {
            "equivalent_full_cycles_per_year": r.quantity(cycles, "1/year"),
            "cycle_fade_per_year": r.quantity(self.fade * wear, "1/year"),
            "fade_per_year": r.quantity(fade, "1/year"),
        }
        size = _size(store)
        ends = [] if size is None or size.lifetime_years is None else [size.lifetime_years]
        ends += [self.fade / fade] if fade and self.mode == "replacement" else []
        return figures | ({"expected_life": r.quantity(min(ends), "year")} if ends else {})


def _size(store: Reservoir) -> Size | None:
    """Return the size whose yearly cost pays for the cells."""
    if store.capacity_size is not None:
        return store.capacity_size
    return store.power_size(store.power_keys[1])
