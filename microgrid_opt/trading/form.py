"""Pairs or arcs: which form of the trades a park can take, and which one is smaller."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from microgrid_opt.errors import Finding, InputError
from microgrid_opt.trading.pairs import line_key, meters
from microgrid_opt.trading.spec import NETWORK, DistanceFee, FormulaFee, TableFee, ValueFee

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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
    obstacle = next(_obstacles(problem, pairs), "")
    if trading.form == "arcs":
        if obstacle:
            message = f"`arcs` is not possible: {obstacle} Use `pairs`."
            raise problem.placed(InputError(Finding(message, key="trading.form")))
        return True
    arcs = 2 * len(trading.network.lines)
    return not obstacle and arcs < len(pairs)


def _obstacles(problem: Problem, pairs: Sequence[Pair]) -> Iterator[str]:
    """Yield what cannot be told of flows on lines."""
    trading = problem.park.trading
    assert trading is not None
    rules, network = trading.rules, trading.network
    if trading.trades or rules.pairs == "listed":
        yield "`trades` have terms of their own."
    if not network.graph.is_forest:
        yield "in a network with meshes a flow may take another way than the fewest lines."
    if rules.window != "hour":
        yield "a `window` longer than an hour needs to know who delivers to whom."
    areas = {network.nodes[node].area for node in meters(problem.park).values()}
    if rules.within == "area" and len(areas) > 1:
        yield "trades stay within areas."
    for name, fee in trading.fees.items():
        if fee.trades is not None or fee.between != "any" or fee.paid_by == "seller":
            yield f"the fee {name!r} is due for some trades only, or paid by the seller."
        if isinstance(fee, TableFee):
            yield f"the fee {name!r} is a table."
    yield from _losses(problem)
    for pair in pairs:
        along = sum((leg_price(problem, leg) for leg in pair.way.legs), start=np.zeros(1))
        if (np.abs(along + flat_price(problem) - pair.fee) > SAME_FEE).any():
            yield f"the fee of {pair.key} is not the sum of those of its lines."


def _losses(problem: Problem) -> Iterator[str]:
    """Yield what losses make impossible to tell of flows."""
    trading = problem.park.trading
    assert trading is not None
    rules, lines = trading.rules, trading.network.lines.values()
    on_lines = any(line.loss_fraction for line in lines)
    lossy = rules.loss_bearer == "network" or bool(rules.loss_fraction) or on_lines
    by_line = [f for f in trading.fees.values() if isinstance(f, FormulaFee | DistanceFee)]
    if on_lines and (by_line or any(line.price_per_kwh is not None for line in lines)):
        yield "with losses of lines a fee by lines or voltages depends on where the power goes."
    if rules.loss_bearer == "network" and on_lines:
        yield "the network bears the losses of its lines."
    elif lossy and rules.loss_bearer != "network" and _below_zero(problem):
        yield "with losses and prices below zero, power that goes back and forth would burn."


def _below_zero(problem: Problem) -> bool:
    """Return whether any price at a meter is negative in some step."""
    owned = tuple(f"assets.{key}." for key in meters(problem.park))
    return any(
        key.startswith(owned) and "price" in key and values.min() < 0.0
        for key, values in problem.arrays.items()
    )


def leg_price(problem: Problem, leg: Leg) -> Numbers:
    """Return what each kWh pays that passes a line in one direction [currency/kWh], shape (n,)."""
    return sum(_leg_prices(problem, leg).values(), start=np.zeros(len(problem.horizon)))


def leg_cost(problem: Problem, leg: Leg) -> Numbers:
    """Return what of `leg_price` leaves the park: what members take from each other cancels."""
    members = problem.park.members
    prices = _leg_prices(problem, leg)
    leaving = [price for (_, account), price in prices.items() if account not in members]
    return sum(leaving, start=np.zeros(len(problem.horizon)))


def leg_prices(problem: Problem, leg: Leg) -> dict[str, Numbers]:
    """Return the parts of `leg_price` by fee, ``line_NAME`` for what the line's owner takes."""
    return {name: price for (name, _), price in _leg_prices(problem, leg).items() if price.any()}


def _leg_prices(problem: Problem, leg: Leg) -> dict[tuple[str, str], Numbers]:
    """Return price by fee and account of each kWh that passes a line in one direction."""
    trading = problem.park.trading
    assert trading is not None
    n = len(problem.horizon)
    line = trading.network.lines[leg.line]
    ends = (line.start, line.end) if leg.forward else (line.end, line.start)
    found = {}
    for name, fee in trading.fees.items():
        if isinstance(fee, DistanceFee):
            price = fee.price_per_kwh_km * (line.length_km or 0.0)
            found[name, fee.paid_to] = np.full(n, price)
        elif isinstance(fee, FormulaFee):
            high, low = (trading.network.nodes[end].voltage_kv or 0.0 for end in ends)
            prices = fee.energy_price_per_kwh
            price = prices[low] - prices[high] if low < high else 0.0
            found[name, fee.paid_to] = np.full(n, price)
    own = problem.arrays.get(f"trading.network.lines.{leg.line}.price_per_kwh")
    if own is not None:
        found[line_key(leg.line), line.owner or NETWORK] = own
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
