"""Pairs or arcs: which form of the trades a park can take, and which one is smaller."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from microgrid_opt.errors import Finding, InputError
from microgrid_opt.trading.pairs import meters
from microgrid_opt.trading.spec import DistanceFee, FormulaFee, TableFee, ValueFee

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from microgrid_opt.problem import Problem
    from microgrid_opt.trading.network import Leg
    from microgrid_opt.trading.pairs import Pair

    Numbers = NDArray[np.float64]

SAME_FEE = 1e-9
"""Fees closer than this [currency/kWh] are the same."""


def takes_arcs(problem: Problem, pairs: Sequence[Pair]) -> bool:
    """Return whether the trades are written as flows on lines.

    Raises
    ------
    InputError
        The park asks for arcs, and its terms cannot be told without pairs.
    """
    trading = problem.park.trading
    assert trading is not None
    if trading.form == "pairs" or not pairs:
        return False
    obstacle = _obstacle(problem, pairs)
    if trading.form == "arcs":
        if obstacle:
            message = f"`arcs` is not possible: {obstacle} Use `pairs`."
            raise problem.placed(InputError(Finding(message, key="trading.form")))
        return True
    arcs = 2 * len(trading.network.lines)
    return not obstacle and arcs < len(pairs)


def _obstacle(problem: Problem, pairs: Sequence[Pair]) -> str:
    """Return what cannot be told of flows on lines, empty when nothing."""
    trading = problem.park.trading
    assert trading is not None
    rules, network = trading.rules, trading.network
    if trading.trades or rules.pairs == "listed":
        return "`trades` have terms of their own."
    if rules.window != "hour":
        return "a `window` longer than an hour needs to know who delivers to whom."
    areas = {network.nodes[node].area for node in meters(problem.park).values()}
    if rules.within == "area" and len(areas) > 1:
        return "trades stay within areas."
    for name, fee in trading.fees.items():
        if fee.trades is not None or fee.between != "any" or fee.paid_by == "seller":
            return f"the fee {name!r} is due for some trades only, or paid by the seller."
        if isinstance(fee, TableFee):
            return f"the fee {name!r} is a table."
        if fee.paid_to in problem.park.members and not isinstance(fee, ValueFee):
            return f"the fee {name!r} goes to a member."
    for key, line in network.lines.items():
        if line.price_per_kwh and line.owner is not None:
            return f"the price of the line {key!r} goes to a member."
    lossy = rules.loss_bearer == "network" or rules.loss_fraction
    lossy = lossy or any(line.loss_fraction for line in network.lines.values())
    by_line = [f for f in trading.fees.values() if isinstance(f, FormulaFee | DistanceFee)]
    if lossy and (by_line or any(line.price_per_kwh for line in network.lines.values())):
        return "with losses a fee by lines or voltages depends on where the power goes."
    if rules.loss_bearer == "network" and any(li.loss_fraction for li in network.lines.values()):
        return "the network bears the losses of its lines."
    for pair in pairs:
        along = sum((leg_price(problem, leg) for leg in pair.way.legs), start=np.zeros(1))
        if (np.abs(along + flat_price(problem) - pair.fee) > SAME_FEE).any():
            return f"the fee of {pair.key} is not the sum of those of its lines."
    return ""


def leg_price(problem: Problem, leg: Leg) -> Numbers:
    """Return what each kWh pays that passes a line in one direction [currency/kWh], shape (n,)."""
    prices = leg_prices(problem, leg).values()
    return sum(prices, start=np.zeros(len(problem.horizon)))


def leg_prices(problem: Problem, leg: Leg) -> dict[str, Numbers]:
    """Return the parts of that price by fee, ``line_NAME`` for what the line's owner takes."""
    trading = problem.park.trading
    assert trading is not None
    line = trading.network.lines[leg.line]
    ends = (line.start, line.end) if leg.forward else (line.end, line.start)
    n = len(problem.horizon)
    found = {}
    for name, fee in trading.fees.items():
        if isinstance(fee, DistanceFee):
            found[name] = np.full(n, fee.price_per_kwh_km * (line.length_km or 0.0))
        elif isinstance(fee, FormulaFee):
            high, low = (trading.network.nodes[end].voltage_kv or 0.0 for end in ends)
            if low < high:
                prices = fee.energy_price_per_kwh
                found[name] = np.full(n, prices[low] - prices[high])
    key = f"trading.network.lines.{leg.line}.price_per_kwh"
    if key in problem.arrays:
        found[f"line_{leg.line}"] = problem.arrays[key]
    return found


def flat_price(problem: Problem) -> Numbers:
    """Return what each kWh delivered pays wherever it comes from [currency/kWh], shape (n,)."""
    trading = problem.park.trading
    assert trading is not None
    return sum(
        (
            problem.arrays[f"trading.fees.{name}.price_per_kwh"]
            for name, fee in trading.fees.items()
            if isinstance(fee, ValueFee)
        ),
        start=np.zeros(len(problem.horizon)),
    )


def window_groups(problem: Problem, window: str) -> NDArray[np.int64]:
    """Return the number of the matching window in which each step lies, shape (n,)."""
    horizon = problem.horizon
    if window == "day":
        return horizon.day
    if window == "month":
        return horizon.month
    if window == "period":
        periods = problem.periods["trading.rules.periods"]
        return np.unique(horizon.month * (periods.max() + 1) + periods, return_inverse=True)[1]
    return np.unique(np.asarray(horizon.stamps.year), return_inverse=True)[1]
