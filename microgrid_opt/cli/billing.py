"""The command `bill`: what a metered connection pays under one or more tariffs; and `tariffs`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from microgrid_opt.errors import Finding, InputError

if TYPE_CHECKING:
    from datetime import date

    from rich.console import Console

    from microgrid_opt.bill import Bill, Meter
    from microgrid_opt.policies.tariffs import Tariff


def bill(
    meter: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="CSV or Parquet: column `time`, and kW or kWh columns."
        ),
    ],
    *,
    tariff: Annotated[
        list[str],
        typer.Option(metavar="NAME|FILE", help="Tariff; see `tariffs`. Repeat to compare."),
    ],
    voltage: Annotated[
        str | None, typer.Option(metavar="LEVEL", help="Voltage level, such as 10kv.")
    ] = None,
    transformer_kva: Annotated[
        float | None, typer.Option(min=0.0, metavar="KVA", help="Transformer capacity.")
    ] = None,
    contract_kw: Annotated[
        float | None, typer.Option(min=0.0, metavar="KW", help="Contracted demand.")
    ] = None,
    standby_kw: Annotated[
        float, typer.Option(min=0.0, metavar="KW", help="Standby service agreed.")
    ] = 0.0,
    power_factor: Annotated[
        float | None,
        typer.Option(min=0.01, max=1.0, metavar="COS", help="Where kvarh are not metered."),
    ] = None,
    choose: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CHOICE=OPTION", help="Pick an option; the cheapest when left out. Repeat."
        ),
    ] = None,
    holiday: Annotated[
        list[str] | None, typer.Option(metavar="DATE", help="A holiday, 2026-01-01. Repeat.")
    ] = None,
    timezone: Annotated[
        str | None,
        typer.Option(metavar="ZONE", help="Time zone; the first tariff's when left out."),
    ] = None,
    column: Annotated[
        str | None, typer.Option(metavar="HEADER", help="Column of the import.")
    ] = None,
    export_column: Annotated[
        str | None, typer.Option(metavar="HEADER", help="Column of the export.")
    ] = None,
    reactive_column: Annotated[
        str | None, typer.Option(metavar="HEADER", help="Column of the reactive energy.")
    ] = None,
    time_column: Annotated[
        str, typer.Option(metavar="HEADER", help="Column of the time stamps.")
    ] = "time",
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a .csv or .json file as well.")
    ] = None,
) -> None:
    """Price a metered load under one or more tariffs, by month and component; nothing is optimised."""
    from microgrid_opt.bill import Facts, MeterFile, read_meter
    from microgrid_opt.bill import bill as priced
    from microgrid_opt.cli import all_of
    from microgrid_opt.cli.console import console
    from microgrid_opt.policies.tariffs import load_tariff, tariff_numbers
    from microgrid_opt.series import Reader

    if out is not None and out.suffix not in {".csv", ".json"}:
        raise InputError(Finding("must end in .csv or .json.", key="--out", value=str(out)))
    picks = _pairs(choose or ())
    days = _days(holiday or ())
    tariffs = dict(
        zip(
            tariff,
            all_of(*((lambda name=name: load_tariff(name, Path())) for name in tariff)),
            strict=True,
        )
    )
    zone = timezone or next((t.timezone for t in tariffs.values() if t.timezone), "UTC")
    what = MeterFile(
        str(meter.resolve()), column, export_column, reactive_column, time_column, zone
    )
    reader = Reader(Path())
    metered = read_meter(what, reader, holidays=days)
    _known_choices(picks, tariffs)
    bills: dict[str, Bill] = {}
    for name, one in tariffs.items():
        facts = Facts(
            _contract(one, voltage, picks, standby_kw, power_factor), transformer_kva, contract_kw
        )
        try:
            numbers = tariff_numbers(one, metered.horizon, Reader(_home(name)))
            bills[name] = priced(one, numbers, metered, facts)
        except InputError as error:
            raise InputError([_of(name, finding) for finding in error.findings]) from None
    screen = console()
    for name, found in bills.items():
        _show(screen, name, tariffs[name], found, metered)
    if len(bills) > 1:
        _compare(screen, bills)
    if out is not None:
        _write(out, bills)
        typer.echo(f"Wrote {out}.")


def tariffs() -> None:
    """List the tariffs that ship with the program."""
    from microgrid_opt.cli.console import console, table
    from microgrid_opt.policies.tariffs import load_tariff, tariff_names

    made = table("Tariff", "What", "Voltages", "Year", left=3)
    for name in tariff_names():
        one = load_tariff(name, Path())
        made.add_row(name, one.name, ", ".join(one.voltages) or "-", str(one.year or "-"))
        made.add_section()
    console().print(made)


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.command()(bill)
    app.command()(tariffs)


def _home(name: str) -> Path:
    path = Path(name)
    return path.parent if path.suffix in {".yaml", ".yml"} else Path()


def _of(name: str, finding: Finding) -> Finding:
    from dataclasses import replace

    return replace(finding, key=f"{name}: {finding.key}".rstrip(": "))


def _pairs(texts: Any) -> dict[str, str]:
    found = {}
    for text in texts:
        name, equals, option = text.partition("=")
        if not equals or not name or not option:
            raise InputError(Finding("write CHOICE=OPTION.", key="--choose", value=text))
        found[name.strip()] = option.strip()
    return found


def _known_choices(picks: dict[str, str], tariffs: dict[str, Tariff]) -> None:
    known = {name for tariff in tariffs.values() for name in tariff.choices}
    for name in picks:
        if name not in known:
            listed = ", ".join(sorted(known)) or "none"
            message = f"no tariff has this choice: there are {listed}."
            raise InputError(Finding(message, key="--choose", value=name))


def _days(texts: Any) -> frozenset[date]:
    from datetime import date

    found = set()
    for text in texts:
        try:
            found.add(date.fromisoformat(text))
        except ValueError:
            message = "must be a day such as 2026-01-01."
            raise InputError(Finding(message, key="--holiday", value=text)) from None
    return frozenset(found)


def _contract(
    tariff: Tariff,
    voltage: str | None,
    picks: dict[str, str],
    standby_kw: float,
    power_factor: float | None,
) -> Any:
    """Return a contract with what of the options concerns a tariff."""
    from microgrid_opt.policies.tariffs import Contract

    return Contract(
        voltage=voltage if tariff.voltages else None,
        choices={name: option for name, option in picks.items() if name in tariff.choices},
        standby_kw=standby_kw,
        power_factor=power_factor,
    )


def _show(screen: Console, name: str, tariff: Tariff, found: Bill, metered: Meter) -> None:
    from microgrid_opt.cli.console import table
    from microgrid_opt.policies.tariffs.calendar import beyond_validity

    screen.print(f"{name}: {tariff.name}" if tariff.name else name, style="bold", soft_wrap=True)
    for sentence in beyond_validity(tariff, metered.horizon):
        screen.print(f"Note: {sentence}")
    made = table(f"Component ({found.currency or 'money'})", "Billed", "Sum", left=1)
    for key, amounts in found.amounts.items():
        if tariff.components[key].option is not None and not amounts.any():
            continue
        label = tariff.components[key].label or key
        unit, values = found.billed.get(key, ("", None))
        shown = ""
        if values is not None:
            adds = unit in {"kWh", "kvarh"}
            shown = f"{values.sum() if adds else values.max():,.6g} {unit}"
        made.add_row(label, shown, f"{amounts.sum():,.2f}")
    made.add_row("total", "", f"{found.total:,.2f}")
    screen.print(made)
    if len(found.months) > 1:
        months = table("Month", f"{found.currency or 'money'}")
        for month, money in zip(found.months, found.monthly, strict=True):
            months.add_row(month, f"{money:,.2f}")
        screen.print(months)
    for choice, options in found.picked.items():
        told = ", ".join(dict.fromkeys(options)) if len(set(options)) == 1 else ", ".join(options)
        screen.print(f"Cheapest {choice}: {told}", soft_wrap=True)
    screen.print()


def _compare(screen: Console, bills: dict[str, Bill]) -> None:
    from microgrid_opt.cli.console import table

    if len({found.currency for found in bills.values()}) > 1:
        screen.print("The tariffs are in different currencies: they are not compared.")
        return
    best = min(bills, key=lambda name: bills[name].total)
    made = table("Tariff", "Sum", "More than the cheapest")
    for name, found in sorted(bills.items(), key=lambda item: item[1].total):
        more = found.total - bills[best].total
        made.add_row(name, f"{found.total:,.2f}", f"{more:,.2f}")
    screen.print(made)


def _write(out: Path, bills: dict[str, Bill]) -> None:
    if out.suffix == ".json":
        data = {
            name: {
                "currency": found.currency,
                "months": list(found.months),
                "components": {key: list(map(float, a)) for key, a in found.amounts.items()},
                "billed": {
                    key: {"unit": unit, "values": list(map(float, values))}
                    for key, (unit, values) in found.billed.items()
                },
                "picked": {key: list(options) for key, options in found.picked.items()},
                "total": found.total,
            }
            for name, found in bills.items()
        }
        text = json.dumps(data, indent=2, ensure_ascii=False) + "\n"
        out.write_text(text, encoding="utf-8", newline="\n")
        return
    import pandas as pd

    rows = [
        (name, month, key, found.currency, float(money))
        for name, found in bills.items()
        for key, amounts in found.amounts.items()
        for month, money in zip(found.months, amounts, strict=True)
    ]
    names = ["tariff", "month", "component", "currency", "amount"]
    pd.DataFrame(rows, columns=names).to_csv(out, index=False, lineterminator="\n")
