"""What the command line says of a park that was read, and of what ships with the program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from microgrid_opt.cli.console import aligned, amount, percent, table
from microgrid_opt.cli.overview import period, scaled
from microgrid_opt.fields import unit_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.console import Console

    from microgrid_opt.park import Park
    from microgrid_opt.problem import Problem

PER_KW = "output_per_kw"
_AMOUNTS = {"kW": "kWh", "kg/h": "kg"}


def show_problem(out: Console, problem: Problem, scenarios: Iterable[str]) -> None:
    """Print what was understood of a park: horizon, money, rules, assets, every series."""
    from rich.table import Table

    park = problem.park
    out.print(park.name, style="bold")
    facts = Table.grid(padding=(0, 2, 0, 0))
    for name, text in _facts(problem, list(scenarios)):
        facts.add_row(name, text)
    out.print(facts)
    assets = table("Assets", "Type", "Sizes", left=3)
    for key, asset in park.assets.items():
        owner = f"{park.owner(key)}." if len(park.members) > 1 else ""
        sizes = [f"{name} {_range(spec)}" for name, spec in asset.sizes().items()]
        words = [getattr(asset, "type", ""), *([asset.technology] if asset.technology else [])]
        assets.add_row(f"{owner}{key}", "\n".join(words), ", ".join(sizes) or "-")
    out.print()
    out.print(assets)
    series = table("Series", "Unit", "Mean", "Least", "Largest", f"Total {period(problem.horizon)}")
    series.columns[1].justify = "left"
    hours = problem.horizon.hours
    for key, values in problem.arrays.items():
        unit = _unit(problem, key)
        total = float(values @ hours)
        mean = total / problem.horizon.total_hours
        cells = aligned([mean, float(values.min()), float(values.max())])
        series.add_row(key.removeprefix("assets."), unit, *cells, _total(total, unit))
    if problem.arrays:
        out.print()
        out.print(series)


def show_cases(out: Console, cases: Iterable[tuple[str, Park]]) -> None:
    """Print the shipped cases: name, what each shows, hours, assets."""
    made = table("Case", "Shows", "Hours", "Assets", left=2)
    for name, park in cases:
        horizon = park.horizon.horizon(park.site.timezone)
        about = " ".join(park.description.split()) or park.name
        made.add_row(name, about, f"{horizon.total_hours:,.6g}", str(len(park.assets)))
        made.add_section()
    out.print(made)
    out.print()
    out.print("Solve one: microgrid-opt solve NAME. Its files: microgrid-opt cases copy NAME")


def show_profiles(out: Console, profiles: Iterable[tuple[str, str]]) -> None:
    """Print the solver profiles with their purpose."""
    made = table("Profile", "Purpose", left=2)
    for name, purpose in profiles:
        made.add_row(name, purpose)
    out.print(made)


def _facts(problem: Problem, scenarios: list[str]) -> Iterator[tuple[str, str]]:
    import pandas as pd

    park, horizon = problem.park, problem.horizon
    end = horizon.stamps[-1] + pd.Timedelta(hours=float(horizon.step_hours[-1]))
    lengths = {round(float(hours) * 60, 6) for hours in horizon.step_hours}
    length = f"{lengths.pop():g} min" if len(lengths) == 1 else "unequal length"
    share = percent(horizon.year_share)
    year = "a calendar year" if horizon.is_calendar_year else f"{share} of a year"
    yield (
        "Horizon",
        (f"{horizon.stamps[0]:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}, {park.site.timezone}"),
    )
    yield "Steps", f"{len(horizon):,} of {length}, for {horizon.total_hours:,.6g} h, {year}"
    yield "Finance", _money(park)
    if len(park.members) > 1:
        yield "Members", ", ".join(member.label or key for key, member in park.members.items())
    rules = {
        f"{name}.{key}": value
        for name, part in (("carbon", park.carbon), ("targets", park.targets))
        for key, value in part.model_dump(exclude_defaults=True).items()
    }
    if rules:
        yield "Rules", ", ".join(f"{key} {value}" for key, value in rules.items())
    if problem.files:
        yield "Files", ", ".join(problem.files)
    if scenarios:
        yield "Scenarios", ", ".join(scenarios)


def _money(park: Park) -> str:
    money = park.finance
    parts = [f"{park.currency}, {percent(money.discount_rate)} {money.rates}"]
    if money.inflation:
        parts.append(f"inflation {percent(money.inflation)}")
    parts += [f"{money.project_years:g} years", f"annuity by {money.annuity.replace('_', ' ')}"]
    if money.tax is not None:
        parts.append(f"tax {percent(money.tax.income_tax_fraction)}")
    if money.loan is not None:
        share, rate = percent(money.loan.share_fraction), percent(money.loan.interest)
        parts.append(f"loan of {share} at {rate}")
    if money.vat is not None:
        parts.append(f"VAT {percent(money.vat.fraction)}")
    for word, held in (("growth", money.escalation), ("incentives", money.incentives)):
        if held:
            parts.append(f"{word} {', '.join(held)}")
    if money.third_party:
        parts.append(f"third parties {', '.join(money.third_party)}")
    return ", ".join(parts)


def _range(spec: Any) -> str:
    unit = type(spec).unit
    if spec.fixed is not None:
        return amount(spec.fixed, unit)
    most = "no limit" if spec.upper is None else amount(spec.upper)
    return f"{amount(spec.lower)} to {most} {unit}"


def _unit(problem: Problem, key: str) -> str:
    """Return the unit of a resolved series by its dotted key."""
    owner: Any = problem.park
    *path, name = key.split(".")
    for part in path:
        owner = owner[part] if isinstance(owner, dict) else getattr(owner, part)
    unit = unit_of(type(owner), name) if name in type(owner).model_fields else None
    if name == PER_KW:
        return "kW/kW"
    return (unit or "1").replace("currency", problem.park.currency)


def _total(total: float, unit: str) -> str:
    """Return what a flow adds up to; nothing for prices and factors."""
    if unit in _AMOUNTS:
        factor, larger = scaled(total, _AMOUNTS[unit])
        return amount(total * factor, larger)
    return amount(total, "kWh/kW") if unit == "kW/kW" else ""
