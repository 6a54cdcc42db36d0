"""What the command `trade` prints: modes side by side, contracts, prices, shares of the gain."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from microgrid_opt.cli.console import table
from microgrid_opt.ledger import KG_PER_T

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rich.console import Console
    from rich.table import Table

    from microgrid_opt.trading.contracts import Contracted
    from microgrid_opt.trading.overview import ModeFigures
    from microgrid_opt.trading.plans import TradePlan
    from microgrid_opt.trading.prices import Cleared
    from microgrid_opt.trading.sharing import Shared, Sharing


def show_study(
    out: Console,
    plans: Mapping[str, TradePlan],
    shared: Sharing | None,
    skipped: Mapping[str, str],
    found: Mapping[str, ModeFigures],
) -> None:
    """Print all modes in one table, then what each tells beyond it."""
    from microgrid_opt.trading.contracts import Contracted
    from microgrid_opt.trading.prices import Cleared

    parts: list[Table] = []
    if plans:
        first = next(iter(plans.values()))
        problem = first.problem
        out.print(problem.title, style="bold")
        hours = len(problem.horizon)
        out.print(
            f"Trade between {len(problem.park.members)} members, {hours} step{'s' * (hours != 1)}"
        )
        parts += _modes(found, problem.park.currency)
        for plan in plans.values():
            if isinstance(plan, Contracted):
                parts.append(_contracts(plan))
            if isinstance(plan, Cleared):
                parts.append(_prices(plan))
    if shared is not None:
        parts += _shares(shared)
    for part in parts:
        if part.row_count:
            out.print()
            out.print(part)
    notes = [*_notes(plans), *(f"{name}: left out: {why}" for name, why in skipped.items())]
    notes += [] if shared is None else _sharing_notes(shared)
    if notes:
        out.print()
    for note in notes:
        out.print(f"Note: {note}", soft_wrap=True)
    for name, plan in plans.items():
        if plan.audit is not None:
            verdict = "passed" if plan.audit.passed else "FAILED"
            out.print(f"Audit of {name}: {verdict}, {len(plan.audit.checks)} checks")


def money(value: float | None) -> str:
    """Return money to the hundredth; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return "-"
    text = f"{value:,.2f}"
    return "0.00" if text == "-0.00" else text


def _energy(kilowatt_hours: float) -> str:
    return f"{kilowatt_hours:,.3f}"


def _modes(found: Mapping[str, ModeFigures], currency: str) -> Iterator[Table]:
    """Yield who pays and who gains what in each mode, and what trade does to the rest."""
    members = list(next(iter(found.values())).cost)
    for title, by_mode in (
        (f"Bill after payments [{currency}]", {name: one.bill for name, one in found.items()}),
        (f"Gain against alone [{currency}]", {name: one.gain for name, one in found.items()}),
    ):
        made = table(title, *found)
        for member in members:
            made.add_row(member, *(money(column[member]) for column in by_mode.values()))
        made.add_section()
        made.add_row("all", *(money(sum(column.values())) for column in by_mode.values()))
        yield made
    made = table("Paid by the buyer", "mode", "sent [kWh]", currency, f"{currency}/kWh", left=2)
    for name, one in found.items():
        for key in dict.fromkeys((*one.sent_kwh, *one.payments)):
            price = one.price.get(key)
            made.add_row(
                key,
                name,
                _energy(one.sent_kwh.get(key, 0.0)),
                money(one.payments.get(key)),
                "-" if price is None else f"{price:.6f}",
            )
    yield made
    made = table("Beside it", *found)
    made.add_row("CO2 [t]", *(f"{sum(o.co2_kg.values()) / KG_PER_T:,.3f}" for o in found.values()))
    made.add_row("traded [kWh]", *(_energy(sum(o.sent_kwh.values())) for o in found.values()))
    accounts = dict.fromkeys(name for one in found.values() for name in one.accounts)
    for account in accounts:
        amounts = (money(one.accounts.get(account, 0.0)) for one in found.values())
        made.add_row(f"{account} gets [{currency}]", *amounts)
    yield made


def _contracts(plan: Contracted) -> Table:
    currency = plan.problem.park.currency
    hours = plan.problem.horizon.hours
    made = table(
        "Contract",
        "side",
        "would want [kWh]",
        "volume [kWh]",
        f"gain [{currency}]",
        "agreed",
        left=2,
    )
    for one in plan.tested:
        for word, side in (("seller", one.seller), ("buyer", one.buyer)):
            made.add_row(
                one.pair.key if word == "seller" else "",
                f"{word} {side.member}",
                "-" if math.isnan(side.wanted_kwh) else _energy(side.wanted_kwh),
                _energy(float(one.sent @ hours)),
                money(side.gain),
                ("yes" if one.agreed else "no") if word == "seller" else "",
            )
    return made


def _prices(plan: Cleared) -> Table:
    currency = plan.problem.park.currency
    made = table(
        f"Clearing price [{currency}/kWh sent]", "band from", "to", "lowest", "mean", "highest"
    )
    for key, one in plan.by_trade.items():
        known = ~np.isnan(one.clearing)
        # In steps in which no price suits both sides there is no band.
        suits = known & (one.reservation_low <= one.reservation_high)
        band = (
            (one.reservation_low[suits].min(), one.reservation_high[suits].max())
            if suits.any()
            else (math.nan, math.nan)
        )
        shown = (
            *band,
            one.low[known].min(),
            one.clearing[known].mean(),
            one.high[known].max(),
        )
        made.add_row(key, *map(_price, shown))
    return made


def _price(value: float) -> str:
    return "-" if math.isnan(value) else f"{value + 0.0:.6f}".replace("-0.000000", "0.000000")


def _shares(shared: Sharing) -> Iterator[Table]:
    rules = list(shared.by_rule)
    for first in range(0, len(rules), 4):
        some = rules[first : first + 4]
        yield from _some_shares(shared, some)


def _some_shares(shared: Sharing, rules: Sequence[str]) -> Iterator[Table]:
    by_rule = {rule: shared.by_rule[rule] for rule in rules}
    members = list(next(iter(by_rule.values())).received)
    made = table(f"Share of the gain [{shared.currency}]", *rules)
    for member in members:
        made.add_row(member, *(money(one.allocation.shares[member]) for one in by_rule.values()))
    made.add_section()
    words = {True: "yes", False: "no", None: "not known"}
    made.add_row("nobody worse off", *(words[_rational(one)] for one in by_rule.values()))
    made.add_row("in the core", *(words[one.allocation.in_core] for one in by_rule.values()))
    made.add_row(
        "largest excess", *(money(_clean(one.allocation.excess.amount)) for one in by_rule.values())
    )
    made.add_row(
        "of", *(" + ".join(sorted(one.allocation.excess.coalition)) for one in by_rule.values())
    )
    if any(one.allocation.epsilon is not None for one in by_rule.values()):
        made.add_row(
            "least core excess", *(money(one.allocation.epsilon) for one in by_rule.values())
        )
    yield made
    made = table(f"Received from others [{shared.currency}]", *rules)
    for member in members:
        made.add_row(member, *(money(one.received[member]) for one in by_rule.values()))
    yield made
    if any(years is not None for one in by_rule.values() for years in one.payback_years.values()):
        made = table("Payback [years]", *rules)
        for member in members:
            made.add_row(member, *(_years(one.payback_years[member]) for one in by_rule.values()))
        yield made


def _rational(one: Shared) -> bool:
    return all(one.allocation.rational.values())


def _clean(amount: float) -> float:
    return 0.0 if abs(amount) < 0.005 else amount


def _years(years: float | None) -> str:
    if years is None:
        return "-"
    return "never" if math.isinf(years) else f"{years:.1f}"


def _notes(plans: Mapping[str, TradePlan]) -> list[str]:
    notes = [f"{name}: {note}" for name, plan in plans.items() for note in plan.notes]
    if "joint" in plans:
        notes.append(
            "joint: nobody pays anybody here; joint_ir, clearing and --share say who could"
        )
    return notes


def _sharing_notes(shared: Sharing) -> list[str]:
    notes = [f"the game is `{shared.kind}`: " + _GAMES[shared.kind]]
    epsilon = next(
        (o.allocation.epsilon for o in shared.by_rule.values() if o.allocation.epsilon is not None),
        None,
    )
    tolerance = max(one.allocation.tolerance for one in shared.by_rule.values())
    if epsilon is not None:
        word = "empty" if epsilon > tolerance else "not empty"
        notes.append(f"the core is {word}: least-core excess {money(epsilon)} {shared.currency}")
    notes += [
        f"{rule}: {note}" for rule, one in shared.by_rule.items() for note in one.allocation.notes
    ]
    return notes


_GAMES = {
    "resized": "every coalition chooses its own sizes",
    "frozen": "every coalition has the sizes of the plan of all",
}
