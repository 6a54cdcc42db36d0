"""What a tariff is made of: one class for each way to charge, data only.

A component names its unit in its keys, the voltage levels and the days for which it holds, whether it
floats with time of use, and whether it stays due when power is wheeled or used behind the meter. How a
component becomes money stands twice and independently: in `microgrid_opt.bill` for a metered series,
in `microgrid_opt.policies.tariffs.terms` for a plan.
"""

from __future__ import annotations

from itertools import combinations, pairwise
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self, get_args

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import core_schema

from microgrid_opt.fields import (
    KW,
    CostPerKWh,
    Factor,
    Fraction,
    Frozen,
    Hours,
    KVArhPerKWh,
    KWhPerKVAMonth,
    KWhPerMonth,
    KWhPerYear,
    Minutes,
    MoneyPerDay,
    MoneyPerKVArh,
    MoneyPerKWh,
    MoneyPerKWMonth,
    MoneyPerMonth,
    PositiveFraction,
    Rate,
    Unit,
    refuse,
    refuse_both,
    require_one,
)
from microgrid_opt.keys import Day, Identifier, Moment
from microgrid_opt.series import (
    SeriesFactor,
    SeriesKW,
    SeriesPrice,
    SeriesPricePerKVAMonth,
    SeriesPricePerKWMonth,
)
from microgrid_opt.series.shapes import Months, Some
from microgrid_opt.series.timeofuse import Days, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pydantic import GetCoreSchemaHandler

ShareOfBill = Annotated[float, Unit("1", gt=-1, le=1)]
Direction = Literal["import", "export", "both", "none", "credit"]
"""Which energy a component prices; a credit is neither a charge on import nor needs an export."""

Recipient = Literal["supplier", "network", "state"]
"""Account to which what is paid goes."""

_REGISTRY: dict[str, type[Component]] = {}


class Window(Frozen):
    """Hours in which a component counts."""

    months: Months = tuple(range(1, 13))
    """Months, 1 to 12; all when left out."""
    days: Days = ("all",)
    """Day types: weekday, weekend, holiday, a list of them, or all."""
    hours: str = "0-24"
    """Spans of local hours such as ``8:30-11, 22-6``; the whole day when left out."""
    except_holidays: bool = False
    """Whether holidays are left out; otherwise a holiday is like any other day of the week."""

    @model_validator(mode="after")
    def _readable(self) -> Self:
        self.rule()
        return self

    def rule(self) -> Rule:
        """Return the window as a rule of a calendar."""
        return Rule(period="in", months=self.months, days=self.days, hours=self.hours)


class Component(Frozen):
    """Base of all components of a tariff; not usable itself."""

    direction: ClassVar[Direction] = "import"
    usual_recipient: ClassVar[Recipient] = "supplier"

    label: str | None = None
    """Name for tables; the key of the component when left out."""
    recipient: Recipient | None = None
    """Account to which it goes: the supplier of energy, the network's owner, or the state (funds and
    levies). Left out: the network for charges on demand, capacity, standby and reactive power, the
    state for a surcharge, the supplier for all else."""
    voltages: tuple[str, ...] | None = None
    """Voltage levels for which it holds, of the tariff's `voltages`; all when left out."""
    option: Identifier | None = None
    """Option of the tariff's `choices` with which it is charged; always when left out."""
    retained_when_wheeled: bool = False
    """Whether it is also due for energy that another member sends over the public network."""
    retained_when_self_used: bool = False
    """Whether it is also due for own generation that is used behind the meter."""
    valid_from: Day | None = None
    """First day on which it holds."""
    valid_to: Day | None = None
    """Last day on which it holds."""
    source: str = ""
    """Where the numbers come from."""
    year: int | None = Field(default=None, ge=1900, le=2200, strict=True)
    """Year of the source."""

    @property
    def paid_to(self) -> Recipient:
        """Account to which it goes."""
        return self.recipient or self.usual_recipient

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Register a component under the value of its ``type`` field."""
        super().__pydantic_init_subclass__(**kwargs)
        field = cls.model_fields.get("type")
        if field is not None:
            (name,) = get_args(field.annotation)
            _REGISTRY[name] = cls

    @model_validator(mode="after")
    def _validity(self) -> Self:
        if self.valid_from and self.valid_to and self.valid_to < self.valid_from:
            raise refuse("component", "`valid_to` lies before `valid_from`: exchange them.")
        if self.voltages is not None and not self.voltages:
            raise refuse("component", "`voltages` is empty: leave it out for all levels.")
        return self

    @property
    def retained(self) -> bool:
        """Whether it follows energy that does not pass the meter."""
        return self.retained_when_wheeled or self.retained_when_self_used

    def names(self) -> Iterator[tuple[str, str]]:
        """Yield (key, name) of the other components that this one names."""
        yield from ()


def component_types() -> Mapping[str, type[Component]]:
    """Return the kinds of components by ``type``."""
    return dict(sorted(_REGISTRY.items()))


class AnyComponent:
    """Pydantic metadata: a mapping whose ``type`` names one of the kinds of components."""

    discriminator = "type"

    @staticmethod
    def choices() -> Mapping[str, type[Component]]:
        """Return the classes that ``type`` may name."""
        return component_types()

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Return the tagged union of all kinds."""
        del source
        return core_schema.tagged_union_schema(
            {name: handler.generate_schema(cls) for name, cls in component_types().items()},
            discriminator=self.discriminator,
        )


# ------------------------------------------------------------------------------------------- energy


class EnergyCharge(Component):
    """Price of each kWh bought; with `floats` it follows the time-of-use multiplier."""

    type: Literal["energy"]
    price_per_kwh: SeriesPrice
    """Price of each kWh bought; may be negative."""
    floats: bool = False
    """Whether the price is multiplied by the time-of-use multiplier."""
    multiplier: SeriesFactor | None = None
    """Multiplier of this component, instead of the tariff's."""

    @model_validator(mode="after")
    def _floating(self) -> Self:
        if self.multiplier is not None and not self.floats:
            raise refuse("component", "`multiplier` needs `floats: true`.")
        return self


class EnergyTier(Frozen):
    """A block of the month's energy with a price."""

    up_to_kwh_month: KWhPerMonth | None = None
    """Energy of the month up to which the block reaches; none for the last one."""
    price_per_kwh: MoneyPerKWh
    """Price of each kWh in the block."""


def _blocks(tiers: Sequence[Any], key: str) -> None:
    """Refuse blocks that do not follow one another up to infinity."""
    ends = [getattr(tier, key) for tier in tiers]
    if ends[-1] is not None:
        raise refuse("tiers", f"the last tier has no end: remove its `{key}`, or add a tier.")
    if any(end is None for end in ends[:-1]):
        raise refuse("tiers", f"every tier but the last needs `{key}`.")
    if any(b <= a for a, b in pairwise(ends[:-1])):
        raise refuse("tiers", f"`{key}` must grow from tier to tier.")


class TieredEnergy(Component):
    """Energy of each month in blocks: the price depends on how much was bought before."""

    type: Literal["tiered_energy"]
    tiers: Annotated[tuple[EnergyTier, ...], *Some]
    """Blocks, the lowest first."""
    when: tuple[Window, ...] = ()
    """Hours whose energy counts; all when left out."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        _blocks(self.tiers, "up_to_kwh_month")
        return self


class FixedCharge(Component):
    """Price of each month or each day, whatever is used."""

    direction: ClassVar[Direction] = "none"
    type: Literal["fixed"]
    price_per_month: MoneyPerMonth = 0.0
    """Price of each calendar month that the horizon touches."""
    price_per_day: MoneyPerDay = 0.0
    """Price of each local day that the horizon touches."""


# ------------------------------------------------------------------------------------------- export


class ExportCredit(Component):
    """Revenue of each kWh sold: a wholesale or feed-in price, or a premium on top of another one."""

    direction: ClassVar[Direction] = "export"
    type: Literal["export"]
    price_per_kwh: SeriesPrice
    """Revenue of each kWh sold; may be negative."""


class ExportTier(Frozen):
    """A block of the month's export with a price."""

    up_to_kwh_month: KWhPerMonth | None = None
    """Export of the month up to which the block reaches."""
    up_to_kwh_year: KWhPerYear | None = None
    """Export of the year up to which the block reaches; of a shorter horizon its share."""
    up_to_import_share: PositiveFraction | None = None
    """End of the block as a share of the month's import, instead of a number of kWh."""
    price_per_kwh: MoneyPerKWh
    """Revenue of each kWh in the block."""

    @model_validator(mode="after")
    def _one_end(self) -> Self:
        ends = ("up_to_kwh_month", "up_to_kwh_year", "up_to_import_share")
        for one, other in combinations(ends, 2):
            refuse_both(self, one, other)
        return self

    @property
    def open(self) -> bool:
        """Whether the block has no end."""
        ends = (self.up_to_kwh_month, self.up_to_kwh_year, self.up_to_import_share)
        return ends == (None, None, None)


class TieredExport(Component):
    """Export of each month or year in bins, such as net metering up to the import, wholesale beyond."""

    direction: ClassVar[Direction] = "export"
    type: Literal["tiered_export"]
    tiers: Annotated[tuple[ExportTier, ...], *Some]
    """Bins in the order in which they are filled, the best price first; a bin ends where a later one
    does at the latest."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.tiers[-1].open or any(tier.open for tier in self.tiers[:-1]):
            raise refuse("tiers", "every tier but the last needs an end, and the last has none.")
        if any(b.price_per_kwh > a.price_per_kwh for a, b in pairwise(self.tiers)):
            raise refuse("tiers", "prices of exported energy must not rise from tier to tier.")
        yearly = [tier.up_to_kwh_year is not None for tier in self.tiers[:-1]]
        if any(yearly) and not all(yearly):
            raise refuse("tiers", "bins of the year and of the month cannot be mixed.")
        return self

    @property
    def yearly(self) -> bool:
        """Whether the bins are those of the year."""
        return any(tier.up_to_kwh_year is not None for tier in self.tiers)


class NetMetering(Component):
    """Exported energy cancels bought energy of the same price within a period."""

    direction: ClassVar[Direction] = "both"
    type: Literal["net_metering"]
    period: Literal["month", "year"] = "month"
    """Period within which energy is netted; a year is the whole horizon."""
    charges: tuple[str, ...] | None = None
    """Energy components that are netted; all of them when left out."""
    surplus_price_per_kwh: MoneyPerKWh = 0.0
    """Revenue of each kWh exported beyond the import of its period and price."""

    def names(self) -> Iterator[tuple[str, str]]:
        """Yield the components that are netted."""
        yield from (("charges", name) for name in self.charges or ())


class ContractForDifference(Component):
    """A share of the export is settled between a strike price and a reference price."""

    direction: ClassVar[Direction] = "export"
    type: Literal["contract_for_difference"]
    share: Fraction = 1.0
    """Share of the export that is settled."""
    strike_price_per_kwh: MoneyPerKWh
    """Price that is guaranteed."""
    reference_price_per_kwh: SeriesPrice
    """Mean market price of the month and technology, not the plant's own hours."""
    one_sided: bool = False
    """Whether only a reference below the strike is settled (a sliding premium)."""


# ------------------------------------------------------------------------------------------- demand


class DemandTier(Frozen):
    """A block of the billed demand with a price."""

    up_to_kw: Annotated[float, Unit("kW", gt=0)] | None = None
    """Demand up to which the block reaches; none for the last one."""
    price_per_kw_month: MoneyPerKWMonth
    """Price of each kW in the block."""


class DemandBand(Frozen):
    """A band of the billed demand with one price for the month."""

    up_to_kw: Annotated[float, Unit("kW", gt=0)] | None = None
    """Demand up to which the band reaches; none for the last one."""
    price_per_month: MoneyPerMonth
    """Price of the month with a demand in the band."""


class Rebate(Frozen):
    """A lower demand price for months of high use."""

    from_kwh_per_kva_month: KWhPerKVAMonth
    """Energy of the month per transformer capacity from which it holds."""
    factor: PositiveFraction
    """Share of the price that is left."""


class DemandCharge(Component):
    """Price of each kW of the highest import of a month or year, with floors and ratchets."""

    usual_recipient: ClassVar[Recipient] = "network"
    type: Literal["demand"]
    price_per_kw_month: SeriesPricePerKWMonth | None = None
    """Price of each kW of the month's billed demand; may differ by month."""
    price_per_kw_year: Annotated[float, Unit("currency/kW/year", ge=0)] | None = None
    """Price of each kW of the highest import of the horizon; charged for its share of a year."""
    tiers: tuple[DemandTier, ...] | None = None
    """Blocks of demand, the lowest first, instead of a price."""
    bands: tuple[DemandBand, ...] | None = None
    """Bands of demand, the lowest first, instead of a price."""
    when: tuple[Window, ...] = ()
    """Hours in which the peak counts; all when left out."""
    at: tuple[Moment, ...] = ()
    """Local hours that count alone, each from its start: peaks of the network (coincident peak)."""
    window_minutes: Minutes | None = None
    """Length of the means of which the highest counts, such as 15, 30 or 60; of the steps when left
    out, or when the steps are longer."""
    at_least_kw: KW = 0.0
    """Least demand that is billed."""
    at_least_transformer_share: Fraction = 0.0
    """Least demand that is billed, per kVA of the transformers."""
    ratchet_fraction: Fraction = 0.0
    """Share of an earlier month's peak that is billed at least."""
    ratchet_months: Months | None = None
    """Calendar months whose peaks count for the ratchet in all months."""
    ratchet_lookback_months: int | None = Field(default=None, ge=1, le=36, strict=True)
    """Number of months before that count for the ratchet, instead of `ratchet_months`."""
    rebate: Rebate | None = None
    """Lower price for months of high use."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        require_one(self, "price_per_kw_month", "price_per_kw_year", "tiers", "bands")
        for name in ("tiers", "bands"):
            blocks = getattr(self, name)
            if blocks is not None:
                if not blocks:
                    raise refuse("empty", f"`{name}` is empty: give one at least.")
                _blocks(blocks, "up_to_kw")
        if self.bands and any(
            b.price_per_month < a.price_per_month for a, b in pairwise(self.bands)
        ):
            raise refuse("bands", "the price of a higher band must not be lower.")
        refuse_both(self, "ratchet_months", "ratchet_lookback_months")
        reaches = self.ratchet_months or self.ratchet_lookback_months
        if bool(reaches) != bool(self.ratchet_fraction):
            raise refuse(
                "component",
                "a ratchet needs `ratchet_fraction` and one of `ratchet_months` and "
                "`ratchet_lookback_months`.",
            )
        if self.price_per_kw_year is not None and (self.ratchet_fraction or self.rebate):
            raise refuse("component", "a yearly demand has neither ratchet nor rebate.")
        if self.rebate is not None and self.price_per_kw_month is None:
            raise refuse("component", "`rebate` needs `price_per_kw_month`.")
        if self.when and self.at:
            raise refuse("component", "`when` and `at` contradict: give only one.")
        if self.window_minutes is not None and 1440 % self.window_minutes:
            raise refuse("component", "`window_minutes` must divide a day, such as 15, 30 or 60.")
        return self


class ContractDemand(Component):
    """Price of each kW of contracted demand, with a floor and a dearer price beyond it."""

    usual_recipient: ClassVar[Recipient] = "network"
    type: Literal["contract_demand"]
    price_per_kw_month: SeriesPricePerKWMonth
    """Price of each contracted kW."""
    at_least_transformer_share: Fraction = 0.0
    """Least demand that is billed, per kVA of the transformers; in China 0.4."""
    excess_from: Factor = 1.0
    """Multiple of the contract from which a peak costs more; in China 1.05."""
    excess_factor: Factor = 2.0
    """Multiple of the price for what lies beyond; in China 2."""
    window_minutes: Minutes | None = None
    """Length of the means of which the highest counts; of the steps when left out."""
    rebate: Rebate | None = None
    """Lower price for months of high use."""


class CapacityCharge(Component):
    """Price of transformer or access capacity, whatever is used."""

    usual_recipient: ClassVar[Recipient] = "network"
    type: Literal["capacity"]
    price_per_kva_month: SeriesPricePerKVAMonth | None = None
    """Price of each kVA of transformer or access capacity."""
    energy_price_per_kwh: MoneyPerKWh | None = None
    """Energy price that becomes a capacity price, with `load_factor` (发改价格〔2025〕1192号)."""
    load_factor: Fraction | None = None
    """Mean load factor of the region with which the energy price is multiplied."""
    hours_per_month: Hours = 730.0
    """Hours with which the energy price is multiplied."""

    @model_validator(mode="after")
    def _one_price(self) -> Self:
        require_one(self, "price_per_kva_month", "energy_price_per_kwh")
        if (self.energy_price_per_kwh is None) != (self.load_factor is None):
            raise refuse("component", "`energy_price_per_kwh` and `load_factor` go together.")
        return self


class StandbyCharge(Component):
    """Price of each kW of standby service that is agreed, such as for own generation."""

    direction: ClassVar[Direction] = "none"
    usual_recipient: ClassVar[Recipient] = "network"
    type: Literal["standby"]
    price_per_kw_month: SeriesPricePerKWMonth
    """Price of each kW of standby."""


# ---------------------------------------------------------------------------------- demand response


class DemandResponse(Component):
    """Payment for import below a baseline in events, and for power that is committed to it."""

    direction: ClassVar[Direction] = "credit"
    type: Literal["demand_response"]
    baseline_kw: SeriesKW
    """Import from which the cut is counted, as the programme measures it."""
    when: tuple[Window, ...] = ()
    """Hours that are events."""
    at: tuple[Moment, ...] = ()
    """Local hours that are events, each from its start, instead of `when`."""
    price_per_kwh: CostPerKWh = 0.0
    """Payment for each kWh of import below the baseline in events."""
    committed_kw: KW = 0.0
    """Power that is committed in every event."""
    price_per_kw_month: MoneyPerKWMonth = 0.0
    """Payment for each committed kW in each month with an event."""
    shortfall_price_per_kwh: CostPerKWh = 0.0
    """Penalty for each kWh by which the cut is less than what is committed."""

    @model_validator(mode="after")
    def _events(self) -> Self:
        if bool(self.when) == bool(self.at):
            raise refuse("component", "events are needed: give one of `when` and `at`.")
        if self.option is not None:
            raise refuse("component", "payments cannot be an option of a choice: drop `option`.")
        if not self.committed_kw and (self.price_per_kw_month or self.shortfall_price_per_kwh):
            raise refuse(
                "component",
                "`price_per_kw_month` and `shortfall_price_per_kwh` need `committed_kw`.",
            )
        return self


# ------------------------------------------------------------------------- reactive power, whole bill


class ReactiveCharge(Component):
    """Price of reactive energy beyond what is free."""

    usual_recipient: ClassVar[Recipient] = "network"
    type: Literal["reactive"]
    price_per_kvarh: MoneyPerKVArh
    """Price of each kvarh beyond the free part."""
    free_kvarh_per_kwh: KVArhPerKWh = 0.0
    """Reactive energy of a month that is free, per kWh bought."""


class PowerFactorStep(Frozen):
    """Adjustment from a power factor upwards."""

    at_least: Fraction
    """Power factor of the month, rounded to two decimals, from which the rate holds."""
    rate: ShareOfBill
    """What is added to the charges, as a share of them; a reward is negative."""


def _highest_first(steps: tuple[PowerFactorStep, ...]) -> tuple[PowerFactorStep, ...]:
    if any(b.at_least >= a.at_least for a, b in pairwise(steps)) or steps[-1].at_least > 0:
        raise refuse("steps", "begin with the highest `at_least`, and end with 0.")
    return steps


class PowerFactorAdjustment(Component):
    """A rate on the charges that follows from the month's power factor (力调电费)."""

    usual_recipient: ClassVar[Recipient] = "network"
    type: Literal["power_factor"]
    steps: Annotated[tuple[PowerFactorStep, ...], *Some, AfterValidator(_highest_first)]
    """Rates by power factor, the highest first."""
    charges: tuple[str, ...] | None = None
    """Components that are adjusted; all charges on import when left out."""

    def names(self) -> Iterator[tuple[str, str]]:
        """Yield the components that are adjusted."""
        yield from (("charges", name) for name in self.charges or ())


class Surcharge(Component):
    """A share of other components, such as a tax."""

    usual_recipient: ClassVar[Recipient] = "state"
    type: Literal["surcharge"]
    rate: Rate
    """What is added, as a share."""
    charges: tuple[str, ...] | None = None
    """Components that are surcharged; all charges on import when left out."""

    def names(self) -> Iterator[tuple[str, str]]:
        """Yield the components that are surcharged."""
        yield from (("charges", name) for name in self.charges or ())


class MinimumBill(Component):
    """What a month costs at least; the difference to the other components is added."""

    direction: ClassVar[Direction] = "none"
    type: Literal["minimum_bill"]
    amount_per_month: MoneyPerMonth
    """Least bill of a month."""
    charges: tuple[str, ...] | None = None
    """Components that count towards it; all others, credits included, when left out."""

    def names(self) -> Iterator[tuple[str, str]]:
        """Yield the components that count."""
        yield from (("charges", name) for name in self.charges or ())
