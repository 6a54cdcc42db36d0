"""Sets of market rules as a file: what each changes in a park, and which combinations are tried."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import numpy as np
from pydantic import Field, ValidationError, model_validator

from microgrid_opt.errors import InputError
from microgrid_opt.fields import Frozen, refuse
from microgrid_opt.keys import Identifier
from microgrid_opt.trading.pairs import meters
from microgrid_opt.trading.spec import DistanceFee, FormulaFee, TableFee, Window
from microgrid_opt.yamlio import load
from microgrid_opt.yamlio.findings import findings_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from microgrid_opt.problem import Problem
    from microgrid_opt.trading.spec import Fee

Factor = Annotated[float, Field(ge=0)]
RULES = "trading.rules"


class RuleSet(Frozen):
    """What one set of rules changes in the park."""

    label: str | None = None
    """Name for tables; the key when left out."""
    fee_factor: Factor | None = None
    """What all fees on trades are multiplied with; 0 is none."""
    window: Window | None = None
    """Matching window of the rules."""
    within: Literal["anywhere", "area"] | None = None
    """Whether trades may cross supply areas."""
    pairs: Literal["all", "listed"] | None = None
    """Whether all meters may trade, or only as listed."""
    sellers: tuple[str, ...] | None = None
    """Meters that may sell."""
    buyers: tuple[str, ...] | None = None
    """Meters that may buy."""
    retained: bool = True
    """Whether charges of the tariff stay due on what other members sent."""
    set: dict[str, Any] = Field(default_factory=dict)
    """Any keys of the park with their values, as `--set` takes them."""

    @property
    def sets(self) -> tuple[str, ...]:
        """Changes of the park file, as the command line takes them."""
        rules = {
            name: value
            for name in ("window", "within", "pairs", "sellers", "buyers")
            if (value := getattr(self, name)) is not None
        }
        changes = {f"{RULES}.{name}": value for name, value in rules.items()} | self.set
        return tuple(f"{key}={json.dumps(value)}" for key, value in changes.items())

    def applied(self, problem: Problem) -> Problem:
        """Return a problem with the fees and the retained charges of these rules."""
        found = problem if self.retained else _without_retained(problem)
        return found if self.fee_factor is None else _with_fees(found, self.fee_factor)


class Sweep(Frozen):
    """Values of which every combination is tried."""

    fee_factor: tuple[Factor, ...] = ()
    """Factors on all fees."""
    window: tuple[Window, ...] = ()
    """Matching windows."""
    within: tuple[Literal["anywhere", "area"], ...] = ()
    """Whether trades may cross supply areas."""
    retained: tuple[bool, ...] = ()
    """Whether charges of the tariff stay due."""
    set: dict[str, tuple[Any, ...]] = Field(default_factory=dict)
    """Values of keys of the park."""

    def combinations(self) -> dict[str, RuleSet]:
        """Return every combination by a name that tells it; none when nothing is swept."""
        axes: dict[str, tuple[Any, ...]] = {
            name: values
            for name in ("fee_factor", "window", "within", "retained")
            if (values := getattr(self, name))
        }
        axes |= {f"set.{key}": values for key, values in self.set.items()}
        found = {}
        for values in product(*axes.values()) if axes else ():
            chosen = dict(zip(axes, values, strict=True))
            keys = {name[4:]: v for name, v in chosen.items() if name.startswith("set.")}
            rules = {name: v for name, v in chosen.items() if not name.startswith("set.")}
            name = ", ".join(f"{n.removeprefix('set.')}={_word(v)}" for n, v in chosen.items())
            found[name] = RuleSet(**rules, set=keys)
        return found


class RuleSets(Frozen):
    """A file of market rules."""

    schema_: Annotated[Literal[1], Field(alias="schema")]
    """Version of the layout: 1."""
    rule_sets: dict[Identifier, RuleSet] = Field(default_factory=dict)
    """Sets of rules by name."""
    sweep: Sweep = Sweep()
    """Values of which every combination is one more set."""

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.all:
            raise refuse("rules", "give `rule_sets`, or values to `sweep`.")
        return self

    @property
    def all(self) -> dict[str, RuleSet]:
        """All sets by name."""
        return {**self.rule_sets, **self.sweep.combinations()}


def load_rules(path: Path) -> RuleSets:
    """Read a file of market rules.

    Raises
    ------
    InputError
        With every problem that was found, each with its place in the file.
    """
    document = load(path)
    try:
        return RuleSets.model_validate(document.data)
    except ValidationError as error:
        raise InputError(findings_of(error, document, RuleSets)) from None


def _word(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _with_fees(problem: Problem, factor: float) -> Problem:
    """Return a problem with all fees on trades multiplied."""
    trading = problem.park.trading
    assert trading is not None
    fees = {name: _scaled(fee, factor) for name, fee in trading.fees.items()}
    rules = trading.rules.model_copy(
        update={"bank_fee_per_kwh": trading.rules.bank_fee_per_kwh * factor}
    )
    arrays = {
        key: values * factor if key.startswith("trading.fees.") else values
        for key, values in problem.arrays.items()
    }
    changed = trading.model_copy(update={"fees": fees, "rules": rules})
    park = problem.park.model_copy(update={"trading": changed})
    return replace(problem, park=park, arrays=arrays)


def _scaled(fee: Fee, factor: float) -> Fee:
    """Return a fee with its prices multiplied; a price by the hour stands with the arrays."""
    changes: Mapping[str, Any] = {}
    if isinstance(fee, FormulaFee):
        prices = {kv: price * factor for kv, price in fee.energy_price_per_kwh.items()}
        changes = {"energy_price_per_kwh": prices}
    elif isinstance(fee, TableFee):
        changes = {
            "price_per_kwh": {
                kv: {high: price * factor for high, price in row.items()}
                for kv, row in fee.price_per_kwh.items()
            }
        }
    elif isinstance(fee, DistanceFee):
        changes = {"price_per_kwh_km": fee.price_per_kwh_km * factor}
    return fee.model_copy(update=changes)


def _without_retained(problem: Problem) -> Problem:
    """Return a problem whose tariffs keep nothing due on what other members sent."""
    assets = dict(problem.park.assets)
    arrays = dict(problem.arrays)
    for key in meters(problem.park):
        assets[key] = assets[key].retaining_nothing()
        kept = f"assets.{key}.retained_price_per_kwh"
        if kept in arrays:
            arrays[kept] = np.zeros_like(arrays[kept])
    park = problem.park.model_copy(update={"assets": assets})
    return replace(problem, park=park, arrays=arrays)
