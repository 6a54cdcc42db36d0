"""Blocks of a month's energy or demand in the model: the price depends on how much came before."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from microgrid_opt.ledger import Linear

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from microgrid_opt.policies.tariffs.amounts import Amount
    from microgrid_opt.policies.tariffs.components import DemandBand, TieredExport
    from microgrid_opt.policies.tariffs.terms import Connection

    Numbers = NDArray[np.float64]


HAIR = 1e-7
"""Share of a block's end by which what is used may miss it, for the tolerance of a solver."""


def _full_blocks(widths: Sequence[Numbers], relaxed: Mapping[str, Numbers]) -> dict[str, Numbers]:
    """Return which blocks are full when what is used fills them in order."""
    used = sum((relaxed[f"part_{k}"] for k in range(len(widths))), start=0.0 * widths[0])
    ends = np.cumsum(widths, axis=0)
    return {
        f"full_{k}": np.asarray(used >= ends[k] * (1 - HAIR), dtype=float)
        for k in range(len(widths) - 1)
    }


def _lowest_band(ends: Sequence[Numbers], relaxed: Mapping[str, Numbers]) -> dict[str, Numbers]:
    """Return the lowest band that holds the billed demand, as 0 and 1 for each band."""
    inside = np.array([relaxed["billed"] <= end * (1 + HAIR) for end in ends])
    inside[-1] = True
    lowest = inside.argmax(axis=0)
    return {f"band_{k}": np.asarray(lowest == k, dtype=float) for k in range(len(ends))}


class Blocks:
    """The pen for blocks of one connection."""

    def __init__(self, at: Connection) -> None:
        self.at = at

    def write(
        self,
        name: str,
        unit: str,
        used: Sequence[Linear],
        ends: Sequence[float | None],
        prices: Sequence[float],
        most: Numbers,
    ) -> Amount:
        """Split what is used in each month into blocks and price them.

        Parameters
        ----------
        used
            What is used, by month.
        ends
            End of each block [unit]; the last has none.
        prices
            Price of each block; where they fall somewhere, binaries keep the order.
        most
            Bound of what is used by month; infinite without one.
        """
        at, b = self.at, self.at.b
        ordered = all(later >= earlier for earlier, later in pairwise(prices))
        if not ordered:
            most = at.bounded(most, name, "a price that falls from tier to tier")
        begins = [0.0, *(float(end) for end in ends[:-1] if end is not None)]
        parts = []
        amount = at.nothing()
        for k, price in enumerate(prices):
            end = ends[k]
            width = most - begins[k] if end is None else np.full(at.count, end - begins[k])
            upper = np.clip(np.minimum(width, most - begins[k]), 0.0, None)
            part = b.monthly(f"tariff_{name}_{k}", unit=unit, upper=upper)
            parts.append((part, upper))
            amount = amount + at.of_months(part, price)
        for m in range(at.count):
            split = at.month_sum([(part, m, -1.0) for part, _ in parts]) + used[m]
            b.require_sum(f"tariff_{name}_split_{m}", split, "==", 0.0)
        if not ordered:
            self._in_order(name, parts)
        return amount

    def _in_order(self, name: str, parts: Sequence[tuple[Any, Numbers]]) -> None:
        """Keep a block empty until the one before it is full."""
        at, b = self.at, self.at.b
        flags = {}
        for k, ((before, width), (after, room)) in enumerate(pairwise(parts)):
            full = flags[f"full_{k}"] = b.monthly(f"tariff_{name}_full_{k}", unit="1", binary=True)
            for m in range(at.count):
                filled = at.month_sum([(before, m, 1.0), (full, m, -float(width[m]))])
                b.require_sum(f"tariff_{name}_filled_{k}_{m}", filled, ">=", 0.0)
                begun = at.month_sum([(after, m, 1.0), (full, m, -float(room[m]))])
                b.require_sum(f"tariff_{name}_begun_{k}_{m}", begun, "<=", 0.0)
        b.round_by(
            partial(_full_blocks, [width for _, width in parts]),
            **flags,
            **{f"part_{k}": part for k, (part, _) in enumerate(parts)},
        )

    def write_bands(
        self, name: str, billed: Any, bands: Sequence[DemandBand], most: Numbers, valid: Numbers
    ) -> Amount:
        """Let the billed demand of each month lie in one band, whose price is due."""
        at, b = self.at, self.at.b
        most = at.bounded(most, name, "a band without end")
        amount = at.nothing()
        picks = []
        for k, band in enumerate(bands):
            pick = b.monthly(f"tariff_{name}_band_{k}", unit="1", binary=True)
            end = most if band.up_to_kw is None else np.full(at.count, band.up_to_kw)
            picks.append((pick, end))
            amount = amount + at.of_months(pick, band.price_per_month * valid)
        for m in range(at.count):
            one = at.month_sum([(pick, m, 1.0) for pick, _ in picks])
            b.require_sum(f"tariff_{name}_one_{m}", one, "==", 1.0)
            inside = at.month_sum([(billed, m, -1.0), *((p, m, float(e[m])) for p, e in picks)])
            b.require_sum(f"tariff_{name}_inside_{m}", inside, ">=", 0.0)
        b.round_by(
            partial(_lowest_band, [end for _, end in picks]),
            billed=billed,
            **{f"band_{k}": pick for k, (pick, _) in enumerate(picks)},
        )
        return amount

    def write_export(self, component: TieredExport, name: str, valid: NDArray[np.bool_]) -> Amount:
        """Split the export of each month into bins of falling price, each with its end."""
        at, b = self.at, self.at.b
        parts = [b.monthly(f"tariff_{name}_{k}", unit="kWh") for k in range(len(component.tiers))]
        amount = at.nothing()
        for part, tier in zip(parts, component.tiers, strict=True):
            amount = amount + at.of_months(part, -tier.price_per_kwh)
        for m in range(at.count):
            split = at.month_sum([(part, m, -1.0) for part in parts])
            split = split + at.month_energy(at.sold, valid, m)
            b.require_sum(f"tariff_{name}_split_{m}", split, "==", 0.0)
            for k, tier in enumerate(component.tiers[:-1] if not component.yearly else ()):
                filled = at.month_sum([(part, m, 1.0) for part in parts[: k + 1]])
                end = tier.up_to_kwh_month or 0.0
                if tier.up_to_import_share is not None:
                    bought = at.month_energy(at.bought, valid, m)
                    filled, end = filled - bought * tier.up_to_import_share, 0.0
                b.require_sum(f"tariff_{name}_end_{k}_{m}", filled, "<=", end)
        for k, tier in enumerate(component.tiers[:-1] if component.yearly else ()):
            year = sum((b.times(part) for part in parts[: k + 1]), Linear())
            end = (tier.up_to_kwh_year or 0.0) * at.horizon.year_share
            b.require_sum(f"tariff_{name}_end_{k}", year, "<=", end)
        return amount
