"""Assets that a third party pays for and owns for some years: PPA, shared savings, lease.

The plan does not change, since what the two pay each other cancels; the cash flow is split.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator

from microgrid_opt.errors import Finding
from microgrid_opt.fields import (
    AssetName,
    CostPerKWh,
    Fraction,
    Frozen,
    Money,
    MoneyPerYear,
    SignedRate,
    refuse,
)
from microgrid_opt.finance.terms import OwnerFinance, WholeYears

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class ThirdParty(Frozen):
    """What all contracts have: who invests in what, and who pays for its operation."""

    assets: Annotated[tuple[AssetName, ...], Field(min_length=1)]
    """Assets that the investor buys, all of one member, which is the host."""
    investor: OwnerFinance = OwnerFinance()
    """Terms of the investor, where they are not those of the park."""
    handover_price: Money = 0.0
    """What the host pays in current money when the assets become its own, after the last year."""

    @property
    def term(self) -> int | None:
        """Years after which the assets become the host's; ``None`` if they never do."""
        return getattr(self, "years", None)


class Ppa(ThirdParty):
    """The host pays for each kWh of electricity that the assets generate (购电协议)."""

    type: Literal["ppa"]
    price_per_kwh: CostPerKWh
    """Price in the first year."""
    surplus_price_per_kwh: CostPerKWh | None = None
    """Price in the first year of what the host exports; the same as the rest when left out."""
    escalation: SignedRate = 0.0
    """Growth of the prices per year, in current money."""
    years: WholeYears | None = None
    """Length of the contract; the whole project, without handover, when left out."""
    operated_by: Literal["investor", "host"] = "investor"
    """Who pays what the assets cost to run (their own categories of the ledger)."""


class SharedSavings(ThirdParty):
    """The investor gets a share of what the host saves each year (合同能源管理, 节能效益分享型)."""

    type: Literal["shared_savings"]
    shares: Annotated[tuple[tuple[WholeYears, Fraction], ...], Field(min_length=1)]
    """Pairs of a last year and the investor's share of the savings up to it, such as
    ``[[5, 0.8], [8, 0.5]]``; then the assets are handed over."""
    operated_by: Literal["investor", "host"] = "investor"
    """Who pays what the assets cost to run (their own categories of the ledger)."""

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        years = [year for year, _ in self.shares]
        if any(later <= year for year, later in pairwise(years)):
            raise refuse("shares", "the years of `shares` must ascend: [[5, 0.8], [8, 0.5]].")
        if not any(share for _, share in self.shares):
            raise refuse("shares", "`shares` must have one above 0.")
        return self

    @property
    def term(self) -> int | None:
        """Last year of the shares."""
        return self.shares[-1][0]

    def share(self, year: float) -> float:
        """Return the investor's share of the savings of a year."""
        return next((share for last, share in self.shares if year <= last), 0.0)


class Lease(ThirdParty):
    """The host pays a fixed amount each year (租赁)."""

    type: Literal["lease"]
    payment_per_year: MoneyPerYear
    """Payment of the first year."""
    escalation: SignedRate = 0.0
    """Growth of the payment per year, in current money."""
    years: WholeYears | None = None
    """Length of the contract; the whole project, without handover, when left out."""
    operated_by: Literal["investor", "host"] = "host"
    """Who pays what the assets cost to run (their own categories of the ledger)."""


Contract = Annotated[Ppa | SharedSavings | Lease, Field(discriminator="type")]


def misnamed(
    contracts: Mapping[str, Contract], owners: Mapping[str, str], project_years: float
) -> Iterator[Finding]:
    """Yield what is wrong with the names and years of contracts.

    Parameters
    ----------
    owners
        Member of every asset of the park.
    project_years
        Length of the project [years].
    """
    from microgrid_opt.yamlio.grammar import nearest

    taken: dict[str, str] = {}
    sharing: dict[str, str] = {}
    for name, contract in contracts.items():
        key = f"finance.third_party.{name}"
        for number, asset in enumerate(contract.assets):
            place = f"{key}.assets.{number}"
            if asset not in owners:
                near = nearest(asset, owners)
                hint = "" if near is None else f" (did you mean {near!r}?)"
                text = f"is no asset of the park{hint}: known are {', '.join(owners)}."
                yield Finding(text, key=place, value=asset)
            elif asset in taken:
                text = f"is in contract {taken[asset]} already: an asset has one investor."
                yield Finding(text, key=place, value=asset)
            taken.setdefault(asset, name)
        hosts = {owners[asset] for asset in contract.assets if asset in owners}
        if len(hosts) > 1:
            text = f"are of several members ({', '.join(sorted(hosts))}): make a contract for each."
            yield Finding(text, key=f"{key}.assets")
        for host in hosts if isinstance(contract, SharedSavings) else ():
            if host in sharing:
                text = (
                    f"{host} shares its savings in {sharing[host]} already: they cannot be told "
                    "apart, so make one contract of both."
                )
                yield Finding(text, key=key)
            sharing.setdefault(host, name)
        if contract.term is not None and contract.term > project_years:
            text = (
                f"lasts {contract.term} years, the project {project_years:g}: give at most these."
            )
            yield Finding(text, key=key)
        if contract.term is None and contract.handover_price:
            text = "needs `years`: without them the assets are never handed over."
            yield Finding(text, key=f"{key}.handover_price", value=contract.handover_price)
