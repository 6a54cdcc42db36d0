"""A tariff as data, and what a customer has agreed under it."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, ValidationInfo, model_validator

from microgrid_opt.fields import KW, Frozen, PositiveFraction, currency_of, refuse
from microgrid_opt.keys import Currency, Day, Identifier
from microgrid_opt.policies.tariffs.components import (
    AnyComponent,
    Component,
    EnergyCharge,
    PowerFactorAdjustment,
    ReactiveCharge,
)
from microgrid_opt.series import SeriesFactor

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

CHEAPEST = "cheapest"
RESERVED = frozenset(
    ("investment", "fixed_om", "energy_import", "energy_export", "demand_charge", CHEAPEST)
)


class TariffChoice(Frozen):
    """Options of which the customer picks one for each period."""

    options: Annotated[tuple[Identifier, ...], Field(min_length=2)]
    """Names of the options; components name theirs under `option`."""
    period: Literal["month", "quarter", "year"] = "year"
    """How long a choice holds: calendar months, calendar quarters, or the whole horizon."""
    source: str = ""
    """Rule that gives the choice."""


class Tariff(Frozen):
    """Prices of grid power: components, a time-of-use multiplier, choices."""

    name: str = ""
    """Name of the tariff, for tables."""
    description: str = ""
    """Who pays it, and what to know of its numbers."""
    currency: Currency | None = None
    """ISO 4217 code of its money; that of the park when left out."""
    timezone: str | None = None
    """IANA time zone of its hours; the park's site has its own, which must fit."""
    source: str = ""
    """Where it comes from."""
    year: int | None = Field(default=None, ge=1900, le=2200, strict=True)
    """Year of the source."""
    valid_from: Day | None = None
    """First day on which it holds; earlier days are told, not refused."""
    valid_to: Day | None = None
    """Last day on which it holds."""
    voltages: tuple[str, ...] = ()
    """Voltage levels that the tariff tells apart, such as 10kv."""
    multiplier: SeriesFactor | None = None
    """Time-of-use multiplier of the components that float: a factor by period, season and day type."""
    choices: dict[Identifier, TariffChoice] = Field(default_factory=dict)
    """What the customer may choose."""
    components: dict[Identifier, Annotated[Component, AnyComponent()]] = Field(min_length=1)
    """Parts of the bill by key; each is a line of the bill and of the ledger."""

    @model_validator(mode="after")
    def _consistent(self, info: ValidationInfo) -> Self:
        findings = list(self._problems())
        known = currency_of(info)
        if self.currency is not None and known is not None and self.currency != known:
            findings.append(
                f"currency: the tariff is in {self.currency}, the park in {known}: convert one."
            )
        if findings:
            raise refuse("tariff", " ".join(findings))
        return self

    def _problems(self) -> Iterator[str]:
        options = [option for choice in self.choices.values() for option in choice.options]
        for option in {name for name in options if options.count(name) > 1}:
            yield f"choices: {option!r} is an option twice: use each name once."
        for key, component in self.components.items():
            where = f"components.{key}:"
            if key in RESERVED:
                yield f"{where} is a reserved name: choose another key."
            for level in component.voltages or ():
                if level not in self.voltages:
                    yield f"{where} voltage {level!r} {_unknown(level, self.voltages)}"
            if component.option is not None and component.option not in options:
                yield f"{where} option {component.option!r} {_unknown(component.option, options)}"
            for name, other in component.names():
                if other not in self.components:
                    yield f"{where} {name} {other!r} {_unknown(other, self.components)}"
            lone = isinstance(component, EnergyCharge) and component.multiplier is None
            if lone and getattr(component, "floats", False) and self.multiplier is None:
                yield f"{where} floats, but there is no `multiplier`: give the tariff one."
        used = {c.option for c in self.components.values()}
        for option in options:
            if option not in used and len(options) == len(set(options)):
                yield f"choices: no component has `option: {option}`: add one, or drop the option."

    def retaining(self, names: Collection[str]) -> Tariff:
        """Return the same tariff, with these components alone due on what other members sent."""
        kept = {
            key: component.model_copy(update={"retained_when_wheeled": key in names})
            for key, component in self.components.items()
        }
        return self.model_copy(update={"components": kept})

    def active(self, contract: Contract) -> dict[str, Component]:
        """Return the components of a customer's voltage and options; open choices keep all theirs."""
        dropped = {
            option
            for name, choice in self.choices.items()
            for option in choice.options
            if contract.choices.get(name, CHEAPEST) not in {CHEAPEST, option}
        }
        return {
            key: component
            for key, component in self.components.items()
            if (component.voltages is None or contract.voltage in component.voltages)
            and component.option not in dropped
        }

    def open_choices(self, contract: Contract) -> dict[str, TariffChoice]:
        """Return the choices that the plan or the calculator makes."""
        return {
            name: choice
            for name, choice in self.choices.items()
            if contract.choices.get(name, CHEAPEST) == CHEAPEST
        }


class Contract(Frozen):
    """What a customer has agreed with the grid company."""

    voltage: str | None = None
    """Voltage level of the connection, one of the tariff's `voltages`."""
    choices: dict[Identifier, Identifier] = Field(default_factory=dict)
    """Option picked for each of the tariff's choices, or `cheapest`, which is taken when left out."""
    standby_kw: KW = 0.0
    """Standby service that is agreed."""
    power_factor: PositiveFraction | None = None
    """Power factor of the energy bought, the same in all hours; for reactive charges, the power factor
    adjustment, and the kW that a kVA carries (1 when left out)."""
    peaks_so_far_kw: dict[Identifier, KW] = Field(default_factory=dict)
    """Highest import of the horizon's first month before the horizon begins, by demand component."""
    earlier_peaks_kw: dict[Annotated[str, Field(pattern=r"^\d{4}-\d{2}$")], KW] = Field(
        default_factory=dict
    )
    """Peaks of months before the horizon by month (2025-12), for ratchets."""

    def misfits(self, tariff: Tariff, *, metered: bool = False) -> Iterator[str]:
        """Yield what does not fit the tariff; ``metered`` when reactive power is measured."""
        if tariff.voltages and self.voltage not in tariff.voltages:
            told = "is missing" if self.voltage is None else f"{self.voltage!r} is not one of them"
            yield (
                f"contract.voltage {told}: the tariff has {', '.join(tariff.voltages)}; give one."
            )
        if self.voltage is not None and not tariff.voltages:
            yield "contract.voltage: the tariff does not tell voltage levels apart: leave it out."
        for name, option in self.choices.items():
            if name not in tariff.choices:
                yield f"contract.choices: {name!r} {_unknown(name, tariff.choices)}"
            elif option not in {*tariff.choices[name].options, CHEAPEST}:
                known = (*tariff.choices[name].options, CHEAPEST)
                yield f"contract.choices.{name}: {option!r} {_unknown(option, known)}"
        for name in self.peaks_so_far_kw:
            if name not in tariff.components:
                yield f"contract.peaks_so_far_kw: {name!r} {_unknown(name, tariff.components)}"
        if self.power_factor is None and not metered:
            needs = [
                key
                for key, component in tariff.active(self).items()
                if isinstance(component, ReactiveCharge | PowerFactorAdjustment)
            ]
            if needs:
                yield f"contract.power_factor is missing: {needs[0]} needs it."


def _unknown(name: str, known: Iterable[str] | Mapping[str, object]) -> str:
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1)
    hint = f": did you mean {near[0]!r}?" if near else ""
    listed = ", ".join(names) or "none"
    return f"is unknown{hint} The tariff has {listed}." if hint else f"is unknown: it has {listed}."
