"""The command `proforma`: the cash flow of a saved plan, on the screen and as a spreadsheet."""

from __future__ import annotations

import math
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from microgrid_opt.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from microgrid_opt.finance.proforma import Proforma
    from microgrid_opt.finance.statement import Statement

COUNTED_IN_THOUSANDS = 1e6
"""From this much money on, tables count in thousands."""


def proforma(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Results of a plan.")],
    *,
    member: Annotated[
        str | None, typer.Option(metavar="NAME", help="One member; all when left out.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write .xlsx with live formulas, or .csv, with all rows."
        ),
    ] = None,
) -> None:
    """Show the cash flow of a saved plan against its reference plan: taxes, loans, third parties."""
    from microgrid_opt.cli import all_of
    from microgrid_opt.cli.console import console
    from microgrid_opt.finance.export import check_out, write
    from microgrid_opt.finance.proforma import proforma as cash_flow_of
    from microgrid_opt.pathway.store import single

    plan, _ = all_of(lambda: single(folder), lambda: None if out is None else check_out(out))
    if plan.shares_purchases:
        raise InputError(
            f"{folder} is a stage of several, whose purchases serve and are paid in other stages too: "
            "the pathway has their present value. For the cash flow of one year alone, plan it with "
            "`microgrid-opt solve PARK --stage YEAR`."
        )
    held = cash_flow_of(plan.results, plan.reference, plan.described(), member)
    show_proforma(console(), held)
    if out is not None:
        write(held, out)
        typer.echo(f"Wrote {out}.")


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command()(proforma)


def show_proforma(out: Console, held: Proforma) -> None:
    """Print the cash flow by year, what it is worth, third parties and unit costs."""
    against = "against the reference plan" if held.has_reference else "all costs"
    tax = "after tax" if held.is_taxed else "without taxes"
    out.print(held.name, style="bold")
    out.print(f"Cash flow {against}, in current money, {tax}")
    for part in (_years(held.whole), _worth(held), _contracts(held), _units(held)):
        if part is not None:
            out.print()
            out.print(part)
    if held.notes:
        out.print()
    for note in held.notes:
        out.print(f"Note: {note}")


def _years(held: Statement) -> Table:
    from microgrid_opt.cli.console import aligned, table

    flows = held.flows()
    parts = {
        "Investment": _added(flows.investment, flows.replacement, flows.residual),
        "Savings": flows.saving,
        "Incentives": flows.incentive,
        "Loan": flows.loan,
        "Tax": flows.tax,
    }
    parts = {name: held.by_year(values) for name, values in parts.items() if any(values)}
    net = held.by_year(held.net)
    parts |= {"Net": net, "Sum so far": tuple(accumulate(net))}
    most = max(abs(value) for values in parts.values() for value in values)
    factor, unit = (
        (1e-3, f"1000 {held.currency}") if most >= COUNTED_IN_THOUSANDS else (1.0, held.currency)
    )
    made = table("Year", *parts)
    made.title = f"Payments by year [{unit}]; what falls between two years stands in the later one"
    made.title_justify = "left"
    made.title_style = ""
    columns = [aligned([factor * value for value in values]) for values in parts.values()]
    for year, cells in enumerate(zip(*columns, strict=True)):
        made.add_row(str(year), *cells)
    return made


def _added(*parts: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(math.fsum(values) for values in zip(*parts, strict=True))


def _worth(held: Proforma) -> Table:
    from microgrid_opt.cli.console import amount, percent, table

    made = table("Cash flow of", "Present value", "at", "Rate of return", "Modified", "Payback")
    for title, one in held.named().items():
        rate = one.irr.rate
        made.add_row(
            title,
            amount(one.npv, one.currency),
            percent(one.rate),
            percent(rate) if math.isfinite(rate) else "-",
            percent(one.mirr) if math.isfinite(one.mirr) else "-",
            payback(one),
        )
    return made


def payback(one: Statement) -> str:
    """Return when what is paid first comes back; nothing where nothing is paid first."""
    first = next((value for value in one.net if value), 0.0)
    if first >= 0:
        return "-"
    years = one.payback_years
    return "never" if math.isinf(years) else f"{years:.1f} years"


def _contracts(held: Proforma) -> Table | None:
    from microgrid_opt.cli.console import amount, table

    if not held.contracts:
        return None
    made = table("Third party", "Price", "Investor's least", "Host's most")
    for one in held.contracts:
        prices = (one.price, one.investor_break_even, one.host_break_even)
        if one.unit == "1":
            made.add_row(f"{one.name}, share of savings", *map(_share, prices))
        else:
            made.add_row(f"{one.name} [{one.unit}]", *(amount(price) for price in prices))
    return made


def _share(value: float) -> str:
    from microgrid_opt.cli.console import percent

    return percent(value) if math.isfinite(value) else "-"


def _units(held: Proforma) -> Table | None:
    from microgrid_opt.cli.console import amount, table

    made = table("Levelised cost, own costs only, before tax", "")
    for one in held.unit_costs:
        drawn = ", without what it draws" if one.draws else ""
        made.add_row(f"{one.name}, {one.title}{drawn}", amount(one.value, one.unit))
    if held.abatement_cost_per_t is not None:
        unit = f"{held.currency}/t"
        made.add_row("Cost of avoided CO2, mean", amount(held.abatement_cost_per_t, unit))
    return made if made.row_count else None
