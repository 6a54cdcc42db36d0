"""A park with stages as a problem: one ordinary problem per stage, and how they belong together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pydantic import ValidationError

from microgrid_opt import study
from microgrid_opt.errors import Finding, InputError
from microgrid_opt.fields import Frozen
from microgrid_opt.pathway.spec import PathwaySpec
from microgrid_opt.pathway.weights import present_weight, years_of
from microgrid_opt.yamlio.findings import findings_of
from microgrid_opt.yamlio.stages import SETTINGS, apply_stages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from microgrid_opt.assets.base import Asset
    from microgrid_opt.fields import Size
    from microgrid_opt.park import Park
    from microgrid_opt.problem import Origin, Problem
    from microgrid_opt.yamlio import Document

_SAME: tuple[tuple[str, str, Callable[[Park], object]], ...] = (
    ("the horizon", "horizon", lambda park: park.horizon),
    ("the currency", "currency", lambda park: park.currency),
    ("the time zone", "site.timezone", lambda park: park.site.timezone),
    ("the members", "members", lambda park: tuple(park.members)),
    ("the financial terms", "finance", lambda park: park.finance),
)
"""What all stages share: words, key, how to read it."""


@dataclass(frozen=True, eq=False)
class StagedProblem:
    """A park with stages, and its numbers.

    Parameters
    ----------
    stages
        The problem of each stage by its first year, ascending.
    spec
        Foresight, last year, budget.
    origin
        The park file, scenario and overrides.
    """

    stages: Mapping[int, Problem]
    spec: PathwaySpec
    origin: Origin

    @property
    def first(self) -> Problem:
        """The problem of the first stage."""
        return next(iter(self.stages.values()))

    @property
    def park(self) -> Park:
        """The park as it is in the first stage."""
        return self.first.park

    @property
    def years(self) -> dict[int, tuple[int, ...]]:
        """The calendar years that each stage stands for."""
        return years_of(tuple(self.stages), self.spec.end_year)

    @property
    def weights(self) -> dict[int, float]:
        """Present value of one unit of money a year in each stage [years]."""
        rate, first = self.park.finance.real_rate, next(iter(self.stages))
        return {stage: present_weight(years, first, rate) for stage, years in self.years.items()}


def staged_problem(
    document: Document, years: tuple[int, ...], origin: Origin, foresight: str | None = None
) -> StagedProblem:
    """Check and resolve every stage of a park.

    Parameters
    ----------
    document
        The park file, scenario and sets applied.
    years
        First years of its stages.
    origin
        Where it came from.
    foresight
        Instead of what the file says.

    Raises
    ------
    InputError
        With every problem of every stage; what all stages share is told once.
    """
    found: dict[str, Finding] = {}
    stages: dict[int, Problem] = {}
    spec: PathwaySpec | None = None
    try:
        spec = _spec(document, years, foresight)
    except InputError as error:
        found.update((str(finding), finding) for finding in error.findings)
    for year in years:
        try:
            problem = study.resolve(apply_stages(document, year), staged=True)
        except InputError as error:
            for finding in error.findings:
                told = finding
                if year != years[0] and str(finding) not in found:
                    told = replace(finding, message=f"in stage {year}: {finding.message}")
                if str(finding) not in found:
                    found[str(told)] = told
            continue
        stages[year] = replace(problem, origin=replace(origin, stage=year))
    if found or spec is None:
        raise InputError(found.values())
    for year, lasts in years_of(years, spec.end_year).items():
        told_of = replace(
            stages[year].origin, last_year=lasts[-1], stages=years, foresight=spec.foresight
        )
        stages[year] = replace(stages[year], origin=told_of)
    findings = list(_conflicts(stages))
    if findings:
        raise InputError(findings)
    return StagedProblem(stages, spec, origin)


def _spec(document: Document, years: tuple[int, ...], foresight: str | None) -> PathwaySpec:
    given = document.data.get(SETTINGS) or {}
    try:
        spec = PathwaySpec.model_validate(given)
        if foresight is not None:
            spec = PathwaySpec.model_validate({**spec.model_dump(), "foresight": foresight})
    except ValidationError as error:
        raise InputError(findings_of(error, document, PathwaySpec, prefix=(SETTINGS,))) from None
    findings = []
    if spec.end_year is not None and spec.end_year < years[-1]:
        findings.append(
            _finding(
                document,
                "end_year",
                f"must be {years[-1]} or later, the year of the last stage.",
                spec.end_year,
            )
        )
    if spec.co2_budget_t is not None and spec.foresight == "myopic":
        findings.append(
            _finding(
                document,
                "co2_budget_t",
                "a budget over all years needs perfect foresight: a plan that does not know the "
                "later stages cannot share it out. Give each stage a cap (`carbon`), or use "
                "`foresight: perfect`.",
                spec.co2_budget_t,
            )
        )
    if findings:
        raise InputError(findings)
    return spec


def _finding(document: Document, key: str, message: str, value: object) -> Finding:
    return Finding(message, document.where((SETTINGS, key)), f"{SETTINGS}.{key}", value)


def _conflicts(stages: Mapping[int, Problem]) -> Iterator[Finding]:
    """Yield what the stages of a pathway may not say together."""
    yield from _idle_terms(next(iter(stages.values())))
    yield from _annuities(next(iter(stages.values())), next(iter(stages)))
    before: dict[int, Problem] = {}
    for year, problem in stages.items():
        if before:
            yield from _changed(year, problem, next(iter(before.values())))
            yield from _annuities(problem, year, told=True)
            yield from _gone(year, problem, before)
            for asset, held in problem.park.assets.items():
                for name, spec in held.sizes().items():
                    for below, message in _chain((asset, name), spec, before, year):
                        key = f"{_key(asset, held, spec)}.{below}"
                        yield _at(problem, year, key, message)
        before[year] = problem


def _at(problem: Problem, year: int, key: str, message: str) -> Finding:
    where = problem.where(tuple(key.split(".")))
    return Finding(f"in stage {year}: {message}", where, key)


def _key(asset: str, held: Asset, spec: Size) -> str:
    """Return the key of a size in the file."""
    name = next(name for name in type(held).model_fields if getattr(held, name) is spec)
    return f"assets.{asset}.{name}"


def _changed(year: int, problem: Problem, first: Problem) -> Iterator[Finding]:
    for what, whole, read in _SAME:
        key = whole
        now, was = read(problem.park), read(first.park)
        if now != was:
            if isinstance(now, Frozen):
                names = type(now).model_fields
                below = next(name for name in names if getattr(now, name) != getattr(was, name))
                key = f"{key}.{below}"
            message = (
                f"{what} must be the same in all stages: a stage changes loads, prices, factors, "
                "limits, costs and technologies."
            )
            yield _at(problem, year, key, message)


def _annuities(problem: Problem, year: int, *, told: bool = False) -> Iterator[Finding]:
    """Yield sizes whose yearly cost would count replacements, which here are purchases."""
    finance, blamed = problem.park.finance, told
    hint = (
        "means nothing in a park with stages, where a replacement is a purchase of a later stage: "
        "write `annuity: lifetime` (each purchase is repaid over its own life) or `straight_line`."
    )
    for key, asset in problem.park.assets.items():
        for spec in asset.sizes().values():
            if not spec.is_invested or not _can_buy(spec):
                continue
            if spec.annuity == "project":
                place = f"{_key(key, asset, spec)}.annuity"
                yield _at(problem, year, place, f"`project` {hint}")
            elif spec.annuity is None and finance.annuity == "project" and not blamed:
                blamed = True
                key_of = "finance.annuity"
                yield Finding(f"`project` {hint}", problem.where(("finance", "annuity")), key_of)


def _idle_terms(problem: Problem) -> Iterator[Finding]:
    """Yield financial terms that stand for the years of one project, which stages spell out."""
    finance = problem.park.finance
    for name, hint in (
        ("escalation", "give the prices of each stage"),
        ("incentives", "take grants off the capex of a stage, payments off its running costs"),
        ("third_party", "plan a stage alone (`--stage`) for its cash flow"),
    ):
        if getattr(finance, name):
            yield Finding(
                f"means nothing in a park with stages: {hint}.",
                problem.where(("finance", name)),
                f"finance.{name}",
            )


def _can_buy(spec: Size) -> bool:
    return spec.buys or (spec.fixed_size is not None and spec.fixed_size > spec.existing)


def _last(before: Mapping[int, Problem], asset: str, name: str) -> tuple[int, Size] | None:
    """Return the latest earlier stage that has a size, with its description there."""
    for year in reversed(list(before)):
        held = before[year].park.assets.get(asset)
        if held is not None and name in held.sizes():
            return year, held.sizes()[name]
    return None


def _buyers(before: Mapping[int, Problem], asset: str, name: str, year: int) -> list[int]:
    """Return the earlier stages whose purchases may still live in a year."""
    found = []
    for then, problem in before.items():
        held = problem.park.assets.get(asset)
        spec = None if held is None else held.sizes().get(name)
        if spec is not None and _can_buy(spec) and spec.lifetime_years is not None:
            found += [then] if year < then + spec.lifetime_years else []
    return found


def _retirers(before: Mapping[int, Problem], asset: str, name: str) -> list[int]:
    """Return the earlier stages in which existing capacity may be given up."""
    found = []
    for then, problem in before.items():
        held = problem.park.assets.get(asset)
        spec = None if held is None else held.sizes().get(name)
        found += [then] if spec is not None and spec.retirement != "none" else []
    return found


def _chain(
    size: tuple[str, str], spec: Size, before: Mapping[int, Problem], year: int
) -> Iterator[tuple[str, str]]:
    """Yield key and message of how a size does not follow from the stages before it."""
    known = _last(before, *size)
    if known is None:
        return
    then, was = known
    key = spec.key
    if spec.existing > was.existing:
        yield (
            key("existing"),
            f"{key('existing')} grows from {was.existing:g} in {then} to {spec.existing:g}: what "
            f"comes later is bought, so give {key('fixed_size')} or {key('maximum')}.",
        )
    bought = _buyers(before, *size, year)
    if bought and not (spec.buys or spec.fixed_size is not None):
        yield (
            key("maximum"),
            f"nothing can be bought any more, but what {bought[-1]} buys may still stand: keep "
            f"{key('maximum')} (the total), and a price that nobody pays if need be.",
        )
    gone = _retirers(before, *size)
    forgets = spec.fixed_size is None and not spec.is_chosen
    shrinks = spec.existing < was.existing and spec.retirement == "none"
    if gone and spec.existing and (forgets or shrinks):
        yield (
            "retirement",
            f"part of {key('existing')} may be given up in {gone[-1]}, which this forgets: keep "
            "`retirement`.",
        )


def _gone(year: int, problem: Problem, before: Mapping[int, Problem]) -> Iterator[Finding]:
    """Yield assets that leave, or become others, while their purchases are still paid."""
    last = list(before.values())[-1]
    for key, asset in last.park.assets.items():
        now = problem.park.assets.get(key)
        if now is not None and type(now) is type(asset):
            continue
        for name in asset.sizes():
            bought = _buyers(before, key, name, year)
            if bought:
                word = "is removed" if now is None else "becomes another technology"
                message = (
                    f"{word}, but what {bought[-1]} buys still lives and is still paid: keep it "
                    "(`retirement: partial` lets the plan give it up), or end its "
                    "`lifetime_years` before."
                )
                yield _at(problem, year, f"assets.{key}", message)
                break
