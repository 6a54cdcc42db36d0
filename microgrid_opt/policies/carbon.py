r"""Price and cap of CO2, on everything that the ledger counts as CO2.

$$ \sum_i e_i \le \bar E \cdot y, \qquad \bar E \in \{E_{cap},\; (1-\rho)\,E_{ref}\}, \qquad
   C = \frac{p}{1000} \sum_i e_i $$

| symbol | name | unit |
|---|---|---|
| $e_i$ | CO2 entries of the ledger over the horizon | kg |
| $\bar E$ | cap | kg/year |
| $E_{cap}$ | ``cap_t_per_year`` | t/year |
| $\rho$ | ``reduction_fraction`` below the reference plan | – |
| $E_{ref}$ | CO2 of the reference plan | kg over the horizon |
| $y$ | share of a year that the horizon stands for | – |
| $p$ | ``price_per_t`` | currency/t |

A member may have a cap of its own, $\sum_{i \in m} e_i \le \bar E_m\,y$; where members pool their
caps, $\sum_m \sum_{i \in m} e_i \le \sum_m \bar E_m\,y$.

The dual of the cap is the shadow price of CO2 (Boyd & Vandenberghe, Convex Optimization, 2004,
section 5.6, doi:10.1017/CBO9780511804441).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from pydantic import model_validator

from microgrid_opt.errors import InputError
from microgrid_opt.fields import Frozen, MoneyPerTonne, SignedFraction, Tonnes, refuse_both
from microgrid_opt.ledger import KG_PER_T, Linear
from microgrid_opt.policies.intensity import Intensity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from microgrid_opt.builder import Builder
    from microgrid_opt.carriers import Carrier
    from microgrid_opt.draft import Flow


class MemberCarbon(Frozen):
    """CO2 account of one member."""

    cap_t_per_year: Tonnes
    """Most CO2 that its own assets, and what it buys from suppliers, may emit."""


def limit_members(b: Builder, caps: Mapping[str, MemberCarbon], *, pooled: bool) -> None:
    """Limit what members emit, each by itself or all together.

    Parameters
    ----------
    caps
        Accounts by member.
    pooled
        Whether members may use what others leave of theirs.
    """
    for name, members, limit in account_limits(caps, pooled=pooled):
        emitted = sum((b.emissions(member) for member in members), Linear())
        b.cap(
            name,
            emitted,
            "<=",
            limit * b.horizon.year_share,
            unit="kg",
            description=f"CO2 cap of {', '.join(members)}",
        )


def account_limits(
    caps: Mapping[str, MemberCarbon], *, pooled: bool
) -> Iterator[tuple[str, tuple[str, ...], float]]:
    """Yield name, members and limit [kg/year] of each cap on members."""
    limits = {member: account.cap_t_per_year * KG_PER_T for member, account in caps.items()}
    if pooled and limits:
        yield "co2_cap_of_members", tuple(limits), sum(limits.values())
        return
    for member, limit in limits.items():
        yield f"co2_cap_of_{member}", (member,), limit


class Carbon(Frozen):
    """What CO2 costs and how much is allowed."""

    price_per_t: MoneyPerTonne = 0.0
    """Price of each tonne of CO2, tax or allowance."""
    price_in_reference: bool = True
    """Whether the reference plan pays the price as well."""
    cap_t_per_year: Tonnes | None = None
    """Most CO2 that the plan may emit."""
    reduction_fraction: SignedFraction | None = None
    """Cap as a reduction below the reference plan: 0.5 means half of its CO2."""
    intensity: Intensity | None = None
    """CO2 per energy consumed, in tonnes of coal equivalent: reported, and limited if told."""

    @model_validator(mode="after")
    def _one_cap(self) -> Self:
        refuse_both(self, "cap_t_per_year", "reduction_fraction")
        return self

    @property
    def needs_reference(self) -> bool:
        """Whether the cap can only be stated once the reference plan is known."""
        return self.reduction_fraction is not None

    def reference(self) -> Carbon:
        """Return what of this applies to the reference plan."""
        figure = self.intensity
        if figure is not None:
            figure = figure.model_copy(update={"max_t_per_tce": None})
        price = self.price_per_t if self.price_in_reference else 0.0
        return Carbon(price_per_t=price, intensity=figure)

    def build(
        self,
        b: Builder,
        reference_co2_kg: float | None,
        flows: Sequence[Flow],
        carriers: Mapping[str, Carrier],
    ) -> None:
        """Book the price, and limit the sum of all CO2 entries and what it is per energy consumed.

        Parameters
        ----------
        reference_co2_kg
            CO2 of the reference plan over the horizon [kg], for caps relative to it.
        flows
            All terms of the balances.
        carriers
            All carriers of the park by name.
        """
        emissions = b.emissions()
        if self.price_per_t:
            b.book("co2_price", emissions * (self.price_per_t / KG_PER_T))
        limit = self.limit_kg(b.horizon.year_share, reference_co2_kg)
        if limit is not None:
            b.cap("co2_cap", emissions, "<=", limit, unit="kg", description="CO2 cap")
        if self.intensity is not None:
            self.intensity.build(b, emissions, flows, carriers)

    def limit_kg(self, year_share: float, reference_co2_kg: float | None) -> float | None:
        """Return the cap over the horizon [kg], or ``None``."""
        if self.cap_t_per_year is not None:
            return self.cap_t_per_year * KG_PER_T * year_share
        if self.reduction_fraction is None:
            return None
        if reference_co2_kg is None:
            raise InputError(
                "carbon.reduction_fraction needs a reference plan, and the existing assets cannot "
                "serve the demand: give cap_t_per_year instead, or add what the park uses today."
            )
        return (1.0 - self.reduction_fraction) * reference_co2_kg
