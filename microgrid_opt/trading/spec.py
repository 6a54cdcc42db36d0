"""What a park says of trades between its members: the network, fees, rules, and agreed trades."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from microgrid_opt.fields import (
    KV,
    KW,
    AssetName,
    CostPerKWh,
    Fraction,
    Frozen,
    Kilometers,
    KWhPerYear,
    MoneyPerKWh,
    MoneyPerKWhKm,
    Rate,
    Reference,
    refuse,
)
from microgrid_opt.keys import Identifier
from microgrid_opt.series import SeriesFactor, SeriesKW, SeriesPrice
from microgrid_opt.trading.network import Graph

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from microgrid_opt.errors import Finding
    from microgrid_opt.park import Park

NetworkNodeName = Annotated[str, Reference("network node")]
Window = Literal["hour", "period", "day", "month", "year"]
Bearer = Literal["buyer", "seller", "split", "network"]
NETWORK, STATE = "network", "state"
"""Accounts outside the park to which fees go unless another is named."""


def _level(key: object) -> object:
    """Return a voltage level from the key of a table, such as "10" or "10 kV"."""
    text = str(key).removesuffix("kV").strip()
    try:
        level = float(text)
    except ValueError:
        level = 0.0
    if not 0.0 < level < 10000.0:
        raise refuse("voltage", 'is no voltage level: write kV in quotes, such as "10" or "110".')
    return level


VoltageLevel = Annotated[
    float,
    BeforeValidator(_level),
    WithJsonSchema({"type": "string", "pattern": r"^[0-9.]+( ?kV)?$"}),
]


class NetworkNode(Frozen):
    """A place of the network: a feeder, a busbar, a transformer station."""

    voltage_kv: KV | None = None
    """Voltage level; fees by voltage need it."""
    area: Identifier | None = None
    """Supply area, of one transformer station or one company."""
    label: str | None = None
    """Name for tables; the key when left out."""


class NetworkLine(Frozen):
    """A line, cable or transformer between two nodes of the network."""

    start: NetworkNodeName = Field(alias="from")
    """Node at one end."""
    end: NetworkNodeName = Field(alias="to")
    """Node at the other end."""
    capacity_kw: KW | None = None
    """Most power on the line, either way."""
    loss_fraction: Rate = 0.0
    """Share of what enters that is lost on the way."""
    length_km: Kilometers | None = None
    """Length; fees by distance need it."""
    price_per_kwh: SeriesPrice | None = None
    """What its owner takes for each kWh that arrives."""
    owner: Annotated[str | None, Reference("member")] = None
    """Member that owns it; left out: the network company. A line of a member serves only trades of
    groups that the member belongs to."""


class Network(Frozen):
    """The network over which members send power to each other."""

    nodes: dict[Identifier, NetworkNode] = Field(min_length=1)
    """Nodes by name."""
    lines: dict[Identifier, NetworkLine] = Field(default_factory=dict)
    """Lines by name; two nodes without a path between them do not trade. A network of one node needs
    none."""
    supply_node: NetworkNodeName | None = None
    """Node at which the suppliers' power enters. With it, a line's capacity is that of all that
    passes it, in a network without meshes; left out, it is that of the trades alone."""

    @property
    def graph(self) -> Graph:
        """Nodes and lines as a graph."""
        return Graph(self)


class _Fee(Frozen):
    """What all fees have in common."""

    between: Literal["any", "same_area", "areas"] = "any"
    """Trades that pay it: any, those inside one supply area, or those between two."""
    trades: tuple[Identifier, ...] | None = None
    """Trades that pay it, by name; all when left out."""
    paid_by: Literal["buyer", "seller"] = "buyer"
    """Who pays it."""
    paid_to: Identifier = NETWORK
    """Who gets it: `network`, `state`, a member, or another account by a name of your own."""
    label: str | None = None
    """Name for tables; the key when left out."""


class FormulaFee(_Fee):
    """The network's energy price at the user's voltage less that at the highest voltage on the way.

    As 发改能源〔2017〕1901号 has it: within one voltage level it is nothing.
    """

    method: Literal["formula"]
    energy_price_per_kwh: dict[VoltageLevel, MoneyPerKWh] = Field(min_length=1)
    """Network energy price by voltage level in kV."""


class TableFee(_Fee):
    """A price for each pair of the user's voltage and the highest voltage on the way."""

    method: Literal["table"]
    price_per_kwh: dict[VoltageLevel, dict[VoltageLevel, MoneyPerKWh]] = Field(min_length=1)
    """Price by the user's voltage, then by the highest voltage, in kV."""


class ValueFee(_Fee):
    """One price, constant or by the hour."""

    method: Literal["value"]
    price_per_kwh: SeriesPrice
    """Price of each kWh delivered."""


class DistanceFee(_Fee):
    """A price by the length of the lines on the way."""

    method: Literal["distance"]
    price_per_kwh_km: MoneyPerKWhKm
    """Price of each kWh delivered and km."""


Fee = Annotated[FormulaFee | TableFee | ValueFee | DistanceFee, Field(discriminator="method")]


class SizeLimit(Frozen):
    """Largest generator that may sell at a voltage level."""

    up_to_kv: KV
    """Highest voltage for which it holds; the lowest that fits is taken."""
    max_kw: KW
    """Most generation behind the meter."""


class Rules(Frozen):
    """Who may trade, and on which terms, unless a trade says otherwise."""

    pairs: Literal["all", "listed"] = "all"
    """Whether all meters may trade with each other, or only as `trades` lists."""
    within: Literal["anywhere", "area"] = "anywhere"
    """Whether trades may cross supply areas."""
    sellers: tuple[AssetName, ...] | None = None
    """Meters that may sell; all when left out."""
    buyers: tuple[AssetName, ...] | None = None
    """Meters that may buy; all when left out."""
    loss_fraction: Rate = 0.0
    """Share of what is sent that is lost before it enters a line; lines have their own losses."""
    loss_bearer: Bearer = "buyer"
    """Who bears losses: the buyer pays for what is sent, the seller is paid for what is delivered, both
    half of it, or the network delivers all that is sent."""
    window: Window = "hour"
    """Time within which what is sent and what is delivered must match."""
    periods: SeriesFactor | None = None
    """Calendar with the periods of window `period`: a time-of-use series; its values mean nothing."""
    bank_loss_fraction: Fraction = 0.0
    """Share of what is not delivered in the hour in which it is sent that the network keeps."""
    bank_fee_per_kwh: CostPerKWh = 0.0
    """Fee for each kWh that is delivered in another hour than it is sent."""
    max_generation: tuple[SizeLimit, ...] = ()
    """Largest generators that may sell, by voltage."""

    @model_validator(mode="after")
    def _banked(self) -> Self:
        if self.window == "period" and self.periods is None:
            raise refuse("rules", "window `period` needs the calendar of the `periods`.")
        if self.window == "hour" and (self.bank_loss_fraction or self.bank_fee_per_kwh):
            raise refuse(
                "rules",
                "`bank_loss_fraction` and `bank_fee_per_kwh` need a `window` longer than an hour.",
            )
        levels = [limit.up_to_kv for limit in self.max_generation]
        if levels != sorted(set(levels)):
            raise refuse("rules", "`max_generation` must name its voltages from low to high.")
        return self


class AgreedTrade(Frozen):
    """A trade with terms of its own: a contract between two meters."""

    seller: AssetName = Field(alias="from")
    """Meter that sends."""
    buyer: AssetName = Field(alias="to")
    """Meter that receives."""
    price_per_kwh: SeriesPrice | None = None
    """What the buyer pays the seller for each kWh, as the bearer of the losses says of which."""
    min_price_per_kwh: MoneyPerKWh | None = None
    """Least price that may be agreed, where it is to be found."""
    max_price_per_kwh: MoneyPerKWh | None = None
    """Highest price that may be agreed, where it is to be found."""
    profile_kw: SeriesKW | None = None
    """What is sent in every step; left out: the plan chooses."""
    max_kw: KW | None = None
    """Most that may be sent."""
    min_kwh_year: KWhPerYear | None = None
    """Least energy sent in a year; of a shorter horizon its share."""
    max_kwh_year: KWhPerYear | None = None
    """Most energy sent in a year; of a shorter horizon its share."""
    loss_fraction: Rate | None = None
    """Losses beside those of lines, instead of the rules'."""
    window: Window | None = None
    """Matching window, instead of the rules'."""
    certificates: bool = True
    """Whether the buyer gets the green attribute of what is sent."""
    label: str | None = None
    """Name for tables; the key when left out."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.seller == self.buyer:
            raise refuse("trade", "`from` and `to` are the same meter.")
        if self.profile_kw is not None and (
            self.max_kw is not None
            or self.min_kwh_year is not None
            or self.max_kwh_year is not None
        ):
            raise refuse("trade", "`profile_kw` says all of the volume: leave the limits out.")
        for low, high in (
            ("min_kwh_year", "max_kwh_year"),
            ("min_price_per_kwh", "max_price_per_kwh"),
        ):
            least, most = getattr(self, low), getattr(self, high)
            if least is not None and most is not None and least > most:
                raise refuse("trade", f"`{low}` = {least:g} exceeds `{high}` = {most:g}.")
        return self


class Trading(Frozen):
    """Trades between members over a network."""

    network: Network
    """Nodes and lines."""
    fees: dict[Identifier, Fee] = Field(default_factory=dict)
    """What the network, the state or others take for each kWh, by name; all that fit a trade add up."""
    rules: Rules = Rules()
    """Who may trade on which terms."""
    trades: dict[Identifier, AgreedTrade] = Field(default_factory=dict)
    """Trades with terms of their own."""
    form: Literal["auto", "pairs", "arcs"] = "auto"
    """How the model tells trades: a variable for each pair of meters, or flows on lines without
    telling who sells to whom (settled afterwards); auto takes what is smaller and says the same."""

    def of(self, assets: Collection[str], members: Collection[str]) -> Trading:
        """Return the trading of a group of members.

        Parameters
        ----------
        assets
            Keys of the assets that the group has.
        members
            Keys of its members; lines of others are gone.
        """
        kept = {
            key: trade
            for key, trade in self.trades.items()
            if trade.seller in assets and trade.buyer in assets
        }
        fees = {
            key: fee
            if fee.trades is None
            else fee.model_copy(update={"trades": tuple(t for t in fee.trades if t in kept)})
            for key, fee in self.fees.items()
        }
        lines = {
            key: line
            for key, line in self.network.lines.items()
            if line.owner is None or line.owner in members
        }
        sides = {
            side: None if named is None else tuple(name for name in named if name in assets)
            for side, named in (("sellers", self.rules.sellers), ("buyers", self.rules.buyers))
        }
        return self.model_copy(
            update={
                "trades": kept,
                "fees": fees,
                "network": self.network.model_copy(update={"lines": lines}),
                "rules": self.rules.model_copy(update=sides),
            }
        )

    def problems(self, park: Park) -> Iterator[Finding]:
        """Yield what does not fit the park."""
        from microgrid_opt.trading.checks import problems

        yield from problems(self, park)
