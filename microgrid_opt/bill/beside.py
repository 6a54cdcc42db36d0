"""Bills of several plans side by side: connection by connection, component by component."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from microgrid_opt.bill.of_plan import METER, PLAIN
from microgrid_opt.ledger import COST

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

_ADDED = frozenset({"kWh", "kvarh"})
"""Units whose months add up; of others the highest month is shown."""


@dataclass(frozen=True, eq=False)
class Beside:
    """A component, or a reading of the meter, in each of the plans.

    Parameters
    ----------
    component, label, kind, unit
        As in the bill.
    amounts, quantities
        By month, one array for each plan; a plan without the component has amounts of 0, and
        quantities of NaN.
    """

    component: str
    label: str
    kind: str
    unit: str
    amounts: tuple[Numbers, ...]
    quantities: tuple[Numbers, ...]

    @property
    def sums(self) -> list[float]:
        """Sum of the amounts in each plan [currency]."""
        return [float(amount.sum()) for amount in self.amounts]

    @property
    def counted(self) -> list[float]:
        """Sum of the energy, or highest power, in each plan [unit]; NaN where there is none."""
        found = []
        for quantity in self.quantities:
            known = quantity[~np.isnan(quantity)]
            total = known.sum() if self.unit in _ADDED else known.max(initial=0.0)
            found.append(float(total) if known.size else float("nan"))
        return found


@dataclass(frozen=True, eq=False)
class Connection:
    """What one connection is billed in each of the plans.

    Parameters
    ----------
    member, asset
        Whose, and which.
    months
        Billing months, ``YYYY-MM``.
    components, readings
        What costs, and what the meter reads.
    """

    member: str
    asset: str
    months: tuple[str, ...]
    components: tuple[Beside, ...]
    readings: tuple[Beside, ...]

    @property
    def has_tariff(self) -> bool:
        """Whether the components are those of a tariff, not plain prices alone."""
        return any(line.component not in PLAIN for line in self.components)

    @property
    def monthly(self) -> list[Numbers]:
        """Sum of all components by month in each plan [currency]."""
        return [
            np.sum(amounts, axis=0)
            for amounts in zip(*(line.amounts for line in self.components), strict=True)
        ]

    def reading(self, name: str) -> Beside | None:
        """Return what the meter reads under a name, such as ``bought``; ``None`` without it."""
        return next((line for line in self.readings if line.component == name), None)


def connections(bills: Sequence[pd.DataFrame]) -> list[Connection]:
    """Return every connection that costs or earns in one of the plans, in the first plan's order.

    Parameters
    ----------
    bills
        ``Results.bill`` of each plan, all of one horizon.
    """
    months: list[str] = list(dict.fromkeys(month for bill in bills for month in bill["month"]))
    found: dict[tuple[str, str], dict[tuple[str, str], Any]] = {}
    for number, bill in enumerate(bills):
        keys = ["member", "asset", "component", "kind"]
        for (member, asset, component, kind), rows in bill.groupby(keys, sort=False):
            lines = found.setdefault((str(member), str(asset)), {})
            line = lines.setdefault((str(component), str(kind)), {})
            line[number] = rows.set_index("month").reindex(months)
    made = []
    for (member, asset), lines in found.items():
        both = [_beside(key, tables, len(bills)) for key, tables in lines.items()]
        components = tuple(line for line in both if line.kind != METER)
        readings = tuple(line for line in both if line.kind == METER)
        if components:
            made.append(Connection(member, asset, tuple(months), components, readings))
    return made


def _beside(key: tuple[str, str], tables: dict[int, pd.DataFrame], plans: int) -> Beside:
    first = next(iter(tables.values()))
    amounts, quantities = [], []
    for number in range(plans):
        if number in tables:
            amounts.append(tables[number]["amount"].to_numpy(dtype=float))
            quantities.append(tables[number]["quantity"].to_numpy(dtype=float))
        else:
            amounts.append(np.zeros(len(first)))
            quantities.append(np.full(len(first), np.nan))
    component, kind = key
    label, unit = str(first["label"].iloc[0]), str(first["unit"].iloc[0])
    return Beside(component, label, kind, unit, tuple(amounts), tuple(quantities))


def is_levelised(ledger: pd.DataFrame, asset: str) -> bool:
    """Return whether a ledger holds costs of an asset with growth of prices or value-added tax."""
    mine = ledger[(ledger["asset"] == asset) & (ledger["effect"] == COST)]
    return "worth" in mine and bool((mine["worth"] != 1.0).any())
