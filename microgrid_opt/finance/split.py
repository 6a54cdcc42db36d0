r"""Who pays what under a contract with a third party: the account of the host and of the investor.

Until the last year $Y$ of the contract the investor owns the assets: it buys them, gets their grants,
tax credits and payments for production and capacity, and pays for their operation if it is said to
(``operated_by``). At the end of $Y$ they become the host's for ``handover_price``; a renewal due then
is the host's. Without $Y$ the investor keeps them and their residual value.

| contract | the host pays at the end of year $t \le Y$, in current money |
|---|---|
| ``ppa`` | $(p\,E + p_s\,E_s)(1+e)^{t-1}$ |
| ``lease`` | $L\,(1+e)^{t-1}$ |
| ``shared_savings`` | $\sigma_t\,S_t$ |

| symbol | meaning | unit |
|---|---|---|
| $E, E_s$ | electricity that the assets generate in a year for use in the park, and for export | kWh |
| $p, p_s$ | ``price_per_kwh``, ``surplus_price_per_kwh`` | currency/kWh |
| $e$ | ``escalation`` | 1/year |
| $L$ | ``payment_per_year`` | currency/year |
| $\sigma_t$ | share of the year, ``shares`` | - |
| $S_t$ | savings of the host in that year against the reference plan: all categories that the host pays itself, investments and incentives apart | currency |

In each step the export of the host's member is taken from all its generators in proportion to their
output, up to what they make. What is paid between the two cancels: before loans and taxes, host and
investor add up to the whole.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from microgrid_opt.finance.account import Account, Item, Once, Received, Share, Stream
from microgrid_opt.finance.contracts import Lease, Ppa, SharedSavings
from microgrid_opt.finance.statement import Statement, statement

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from microgrid_opt.finance.contracts import Contract
    from microgrid_opt.finance.spec import Finance
    from microgrid_opt.results import Results


@dataclass(frozen=True)
class Split:
    """One contract: what the investor earns, and at which price each side breaks even.

    Parameters
    ----------
    name, host
        Key of the contract; member that has the assets.
    unit
        Unit of the price: money per kWh or year, or `1` for a share of the savings.
    price
        What the contract says, in the first year.
    account, statement
        Of the investor.
    host_break_even, investor_break_even
        Price at which the net present value of the host (of the investor) is zero, the other terms
        as they are; nan where it does not depend on the price.
    """

    name: str
    host: str
    unit: str
    price: float
    account: Account
    statement: Statement
    host_break_even: float
    investor_break_even: float


def host_account(
    whole: Account, contracts: Mapping[str, Contract], energy: Mapping[str, tuple[float, float]]
) -> Account:
    """Return what is left to the host when investors own assets.

    Parameters
    ----------
    whole
        The account of host and investors together.
    contracts
        The host's.
    energy
        For every contract the electricity of its assets [kWh/year]: used in the park, exported.
    """
    left = whole
    for name, contract in contracts.items():
        left = _without(left, name, contract, energy[name])
    return left


def investor_account(
    whole: Account, host: Account, name: str, contract: Contract, finance: Finance
) -> Account:
    """Return what the investor of a contract buys, pays and gets.

    Parameters
    ----------
    finance
        Terms of the park.
    """
    own = finance.of(contract.investor)
    end = contract.term or whole.years
    assets = set(contract.assets)
    running = contract.operated_by == "investor"
    found = statement(host)
    rows = [row for row in found.rows if row.key == f"contract.{name}"]
    paid = dict(zip(found.years, rows[0].amounts, strict=True)) if rows else {}
    once = tuple(one for one in whole.payments if one.asset in assets)
    if contract.handover_price:
        title = f"Handover, {name}"
        price = contract.handover_price
        once += (Once("handover", name, title, "", float(end), price, taxed_at=float(end)),)
    return replace(
        whole,
        name=name,
        title=name,
        rate=own.nominal_rate,
        tax=own.tax,
        loan=own.loan,
        loan_end=end,
        items=tuple(
            replace(item, end=float(end), is_sold=contract.term is None)
            for item in whole.items
            if item.asset in assets
        ),
        streams=tuple(
            replace(stream, last=min(stream.last, end))
            for stream in whole.streams
            if stream.asset in assets and (running or stream.kind == "payment")
        ),
        payments=once,
        shares=(),
        received=(
            Received(name, f"Paid by {whole.title}", whole.name, {t: -a for t, a in paid.items()}),
        ),
    )


def _without(left: Account, name: str, contract: Contract, energy: tuple[float, float]) -> Account:
    """Return a host's account without what an investor takes over, and with what it is paid."""
    end = contract.term or left.years
    assets = set(contract.assets)
    items: list[Item] = [item for item in left.items if item.asset not in assets]
    if contract.term is not None:
        items += [
            replace(item, first=0.0, off_basis=0.0, start=float(end))
            for item in left.items
            if item.asset in assets
        ]
    if contract.handover_price:
        price, title = contract.handover_price, f"Handover, {name}"
        bought = Item(
            "", f"handover.{name}", title, price, 0.0, math.inf, 1.0, float(left.years), float(end)
        )
        items.append(bought)
    running = contract.operated_by == "investor"
    streams = []
    for stream in left.streams:
        if stream.asset not in assets or not (running or stream.kind == "payment"):
            streams.append(stream)
        elif stream.last > end:
            streams.append(replace(stream, first=end + 1))
    shares = left.shares
    title = f"Paid to {name}"
    if isinstance(contract, SharedSavings):
        shares += (Share(name, title, contract),)
    else:
        streams += _rent(name, title, contract, end, energy)
    return replace(
        left,
        items=tuple(items),
        streams=tuple(streams),
        payments=tuple(one for one in left.payments if one.asset not in assets),
        shares=shares,
    )


def _rent(
    name: str, title: str, contract: Ppa | Lease, end: int, energy: tuple[float, float]
) -> list[Stream]:
    used, sold = energy
    if isinstance(contract, Lease):
        yearly = contract.payment_per_year
    elif contract.surplus_price_per_kwh is None:
        yearly = contract.price_per_kwh * (used + sold)
    else:
        yearly = contract.price_per_kwh * used + contract.surplus_price_per_kwh * sold
    return [
        Stream(
            "contract", name, title, "", -yearly, end, contract.escalation, is_indexed=False, lag=1
        )
    ]


def split(
    whole: Account,
    contracts: Mapping[str, Contract],
    energy: Mapping[str, tuple[float, float]],
    finance: Finance,
    dates: tuple[float, ...],
) -> tuple[Account, tuple[Split, ...]]:
    """Return the host's account, and every contract with what its investor earns."""
    host = host_account(whole, contracts, energy)
    found = []
    for name, contract in contracts.items():
        investor = investor_account(whole, host, name, contract, finance)
        price, unit = _price(contract, whole.currency)
        at = {
            level: _worths(
                whole, {**contracts, name: _priced(contract, level)}, energy, finance, name
            )
            for level in (0.0, 1.0)
        }
        mine, theirs = (_zero(at[0.0][side], at[1.0][side]) for side in (0, 1))
        found.append(
            Split(name, whole.name, unit, price, investor, statement(investor, dates), mine, theirs)
        )
    return host, tuple(found)


def _worths(
    whole: Account,
    contracts: Mapping[str, Contract],
    energy: Mapping[str, tuple[float, float]],
    finance: Finance,
    name: str,
) -> tuple[float, float]:
    """Return the net present values of host and investor."""
    host = host_account(whole, contracts, energy)
    investor = investor_account(whole, host, name, contracts[name], finance)
    return statement(host).npv, statement(investor).npv


def _zero(at_zero: float, at_one: float) -> float:
    """Return where a straight line through (0, at_zero) and (1, at_one) is zero."""
    slope = at_one - at_zero
    if abs(slope) <= 1e-12 * max(abs(at_zero), abs(at_one)):
        return math.nan
    return -at_zero / slope


def _price(contract: Contract, currency: str) -> tuple[float, str]:
    if isinstance(contract, Ppa):
        return contract.price_per_kwh, f"{currency}/kWh"
    if isinstance(contract, Lease):
        return contract.payment_per_year, f"{currency}/year"
    return max(share for _, share in contract.shares), "1"


def _priced(contract: Contract, price: float) -> Contract:
    """Return the contract at another price; shares keep their proportion."""
    if isinstance(contract, Ppa):
        return contract.model_copy(update={"price_per_kwh": price})
    if isinstance(contract, Lease):
        return contract.model_copy(update={"payment_per_year": price})
    largest = max(share for _, share in contract.shares)
    shares = tuple((year, share * price / largest) for year, share in contract.shares)
    return contract.model_copy(update={"shares": shares})


def energy_of(results: Results, member: str, assets: Iterable[str]) -> tuple[float, float]:
    """Return the electricity that assets generate for use in the park and for export [kWh/year]."""
    chosen = set(assets)
    n = len(results.horizon)
    own, made, sold = np.zeros(n), np.zeros(n), np.zeros(n)
    for position, row in enumerate(results.flows.to_dict("records")):
        if row["member"] != member or row["carrier"] != "electricity":
            continue
        if row["role"] == "generation" and row["sign"] > 0:
            values = _values(results, position, row)
            made += values
            if row["asset"] in chosen:
                own += values
        elif row["role"] == "export":
            sold += _values(results, position, row)
    share = np.divide(np.minimum(sold, made), made, out=np.zeros(n), where=made > 0)
    hours, years = results.horizon.hours, results.horizon.year_share
    exported = float((own * share) @ hours) / years
    return float(own @ hours) / years - exported, exported


def _values(results: Results, position: int, row: Mapping[Any, Any]) -> NDArray[np.float64]:
    factor = row["factor"]
    if isinstance(factor, float) and math.isnan(factor):
        factor = results.factors[str(results.flows.index[position])].to_numpy()
    return np.asarray(factor * results.series[str(row["column"])].to_numpy(), dtype=float)
