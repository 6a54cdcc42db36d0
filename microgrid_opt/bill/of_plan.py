"""The bill of a plan: what passes the meter of each connection, priced month by month.

Each technology that is billed gives its lines (`Asset.bill`); the calculator prices those of a tariff,
so nothing of the model stands behind a bill. Its sum by component is the ledger's category, where a
plan is optimal and no minimum bill makes other charges free.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
import pandas as pd

from microgrid_opt.bill.calculator import bill
from microgrid_opt.bill.facts import Meter
from microgrid_opt.formulations.access import IN
from microgrid_opt.policies.tariffs.calendar import periods_of
from microgrid_opt.results import AssetResults

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from microgrid_opt.bill.facts import Facts
    from microgrid_opt.horizon import Horizon
    from microgrid_opt.policies.tariffs.spec import Contract, Tariff
    from microgrid_opt.problem import Problem
    from microgrid_opt.results import Results

    Numbers = NDArray[np.float64]

METER = "meter"
"""Kind of the lines that say what was read or agreed; they cost nothing themselves."""
PLAIN = {
    "energy_import": ("Energy import", "energy", "supplier"),
    "energy_export": ("Energy export", "export", "supplier"),
    "demand_charge": ("Demand charge", "demand", "network"),
    "retained": ("Retained charges", "energy", "state"),
}
"""Components of a connection without a tariff, each with label, kind and the account to which it goes;
no tariff has these names."""
_PRICED = frozenset({"kWh", "kW", "kVA", "kvarh"})
"""Units of which an amount has a price."""
COLUMNS = (
    *("member", "asset", "component", "label", "kind", "month"),
    *("quantity", "unit", "price", "amount", "recipient"),
)


class Line(NamedTuple):
    """A line of a bill over all months.

    Parameters
    ----------
    component, label, kind
        Key, name for reading, and how it charges: the ``type`` of a tariff's component, or `METER`.
    amount
        Money [currency], shape (months,); revenue is negative.
    quantity, unit
        What the amount is charged for, shape (months,); ``None`` where it is charged for nothing
        that can be counted.
    recipient
        Account to which it goes; empty where nothing is paid.
    """

    component: str
    label: str
    kind: str
    amount: Numbers
    quantity: Numbers | None = None
    unit: str = ""
    recipient: str = ""


class Held(Protocol):
    """What an asset sees of a plan: `AssetResults`, or `AssetAudit`."""

    @property
    def horizon(self) -> Horizon:
        """The time axis."""

    def has_series(self, name: str) -> bool:
        """Return whether there is a result series of that name."""

    def series(self, name: str) -> Numbers:
        """Return a result series, shape (n,)."""

    def has_monthly(self, name: str) -> bool:
        """Return whether there is a result of that name by month."""

    def monthly(self, name: str) -> Numbers:
        """Return a result by month, shape (months,)."""


def bill_of_plan(results: Results, problem: Problem) -> pd.DataFrame:
    """Return the bill of every connection of a plan: one row for each component and month.

    Parameters
    ----------
    results
        The plan.
    problem
        What was solved.

    Returns
    -------
    DataFrame with `COLUMNS`; see ``docs/results.md``.
    """
    months = results.horizon.month_labels
    rows = []
    for key, asset in problem.park.assets.items():
        owner = problem.park.owner(key)
        for line in asset.bill(AssetResults(results, owner, key, problem.arrays)):
            named = (owner, key, line.component, line.label, line.kind)
            for month, *numbers in zip(months, *_numbers(line), strict=True):
                quantity, price, amount = map(float, numbers)
                rows.append((*named, month, quantity, line.unit, price, amount, line.recipient))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _numbers(line: Line) -> tuple[Numbers, Numbers, Numbers]:
    """Return quantity, price and amount by month; NaN where there is none."""
    nothing = np.full(len(line.amount), np.nan)
    amount = line.amount + 0.0  # no revenue of -0
    if line.quantity is None:
        return nothing, nothing, amount
    priced = (line.quantity > 0.0) & (line.kind != METER) & (line.unit in _PRICED)
    price = np.divide(amount, line.quantity, out=nothing, where=priced)
    return line.quantity, price, amount


def meter_of(held: Held) -> Meter:
    """Return what passed the meter of a connection whose series are ``import`` and ``export``.

    What other members sent is ``wheeled_in``, where the park trades.
    """
    zero = np.zeros(len(held.horizon))
    # What a solver leaves beyond zero would be a negative peak or block.
    bought, sold = (
        np.maximum(held.series(side), 0.0) if held.has_series(side) else zero
        for side in ("import", "export")
    )
    wheeled = np.maximum(held.series(IN), 0.0) if held.has_series(IN) else None
    return Meter(held.horizon, bought, sold, wheeled=wheeled)


def options_of(tariff: Tariff, contract: Contract, held: Held) -> dict[str, tuple[str, ...]]:
    """Return the option that a plan takes in each period of every open choice."""
    picked = {}
    for name, choice in tariff.open_choices(contract).items():
        offered = [o for o in choice.options if held.has_monthly(f"tariff_{name}_{o}")]
        taken = np.array([held.monthly(f"tariff_{name}_{o}") for o in offered])
        first = np.unique(periods_of(choice, held.horizon), return_index=True)[1]
        picked[name] = tuple(offered[row] for row in taken.argmax(axis=0)[first])
    return picked


def meter_lines(meter: Meter, *, exports: bool, contract_kw: float | None = None) -> Iterator[Line]:
    """Yield what a meter reads by month, and the demand that is contracted."""
    horizon = meter.horizon
    nothing = np.zeros(len(horizon.month_labels))
    yield Line("bought", "Energy bought", METER, nothing, _by_month(meter.bought, horizon), "kWh")
    if exports:
        yield Line("sold", "Energy sold", METER, nothing, _by_month(meter.sold, horizon), "kWh")
    if meter.wheeled is not None:
        received = _by_month(meter.wheeled, horizon)
        yield Line("wheeled", "Energy from other members", METER, nothing, received, "kWh")
    yield Line("highest_import", "Highest import", METER, nothing, _highest(meter), "kW")
    if contract_kw is not None:
        agreed = np.full(len(nothing), contract_kw)
        yield Line("contracted", "Contracted demand", METER, nothing, agreed, "kW")


def tariff_lines(
    tariff: Tariff, numbers: Mapping[str, Numbers], meter: Meter, facts: Facts
) -> Iterator[Line]:
    """Yield a tariff's components as the calculator prices them, but options that are never taken."""
    found = bill(tariff, numbers, meter, facts)
    offered = {o for c in tariff.open_choices(facts.contract).values() for o in c.options}
    idle = offered - {option for options in found.picked.values() for option in options}
    for key, amount in found.amounts.items():
        component = tariff.components[key]
        if component.option in idle:
            continue
        unit, quantity = found.billed.get(key, ("", None))
        kind = str(getattr(component, "type", ""))
        label = component.label or key
        yield Line(key, label, kind, amount, quantity, unit, component.paid_to)


def price_lines(
    meter: Meter,
    *,
    import_price: Numbers | None,
    export_price: Numbers | None,
    retained_price: Numbers | None,
    peak_price: float,
) -> Iterator[Line]:
    """Yield what plain prices cost by month.

    Parameters
    ----------
    meter
        What passed the meter.
    import_price, export_price, retained_price
        Price of each kWh bought and sold, and what stays due for each that other members sent
        [currency/kWh], shape (n,).
    peak_price
        Price of each kW of a month's highest import [currency/kW/month].
    """
    horizon = meter.horizon
    for key, sign, power, price in (
        ("energy_import", 1.0, meter.bought, import_price),
        ("energy_export", -1.0, meter.sold, export_price),
        ("retained", 1.0, meter.wheeled, retained_price),
    ):
        if price is not None and power is not None:
            amount = sign * _by_month(power * price, horizon)
            label, kind, paid_to = PLAIN[key]
            energy = _by_month(power, horizon)
            yield Line(key, label, kind, amount, energy, "kWh", paid_to)
    if peak_price:
        key, highest = "demand_charge", _highest(meter)
        label, kind, paid_to = PLAIN[key]
        yield Line(key, label, kind, peak_price * highest, highest, "kW", paid_to)


def _by_month(values: Numbers, horizon: Horizon) -> Numbers:
    count = len(horizon.month_labels)
    sums = np.bincount(horizon.month, weights=values * horizon.hours, minlength=count)
    return sums.astype(np.float64)


def _highest(meter: Meter) -> Numbers:
    highest = np.zeros(len(meter.horizon.month_labels))
    np.maximum.at(highest, meter.horizon.month, meter.withdrawn)
    return highest
