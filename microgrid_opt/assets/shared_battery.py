"""Shared battery: one battery for several users, each with an account of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from microgrid_opt.carriers import ELECTRICITY
from microgrid_opt.fields import (
    SAME,
    Efficiency,
    Frozen,
    PlaceName,
    PositiveFraction,
    PositiveHours,
    PricePerKWh,
    SizedKW,
    SizedKWh,
    refuse,
)
from microgrid_opt.formulations import content
from microgrid_opt.formulations.ageing import Ageing
from microgrid_opt.formulations.reservoir import CONTENT, Reservoir

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from numpy.typing import NDArray

    from microgrid_opt.audit import AssetAudit
    from microgrid_opt.builder import Builder
    from microgrid_opt.formulations.content import Scaled
    from microgrid_opt.results import AssetResults, Quantity


class User(Frozen):
    """What one user may use of a shared battery."""

    share_fraction: PositiveFraction | None = None
    """Part of the capacity that is held for this user alone; left out: those without one use together
    what the others' parts leave."""
    power_share_fraction: PositiveFraction = 1.0
    """Largest flow of this user, as a share of the power."""


class SharedBattery(Reservoir):
    r"""One battery, whose users charge and discharge at their own balances and accounts.

    $$ e_{u,t} = (1-\sigma)^{\Delta t} e_{u,t-1}
       + \Delta t\,\left(\eta_c c_{u,t} - \frac{d_{u,t}}{\eta_d}\right), \qquad
       0 \le e_{u,t} \le f_{max}\,s_u E, \qquad c_{u,t}, d_{u,t} \le q_u P $$
    $$ e_t = \sum_u e_{u,t}, \quad c_t = \sum_u c_{u,t}, \quad d_t = \sum_u d_{u,t}, \qquad
       f_{min} E \le e_t \le f_{max} E, \qquad |c_t - d_t| \le P $$

    | symbol | name | unit |
    |---|---|---|
    | $E, P$ | ``energy_kwh``, ``power_kw``; with ``hours`` $H$: $E = H P$ | kWh, kW |
    | $e_{u,t}$ | account of user $u$ in ``users``, series named after the user | kWh |
    | $c_{u,t}, d_{u,t}$ | charge and discharge at the balance of user $u$ | kW |
    | $e_t, c_t, d_t$ | ``state_of_charge``, ``charge``, ``discharge``: sums of the accounts | kWh, kW |
    | $s_u, q_u$ | ``share_fraction``, ``power_share_fraction`` | – |
    | $\eta_c, \eta_d$ | ``charge_efficiency``, ``discharge_efficiency`` | – |
    | $\sigma$ | ``self_discharge_per_hour`` | 1/h |

    No account falls below zero, so that nobody takes out what it did not put in. The power limits what
    is left of charge and discharge of all users (`netting`), which is linear: one user's charge may
    serve another's discharge without passing through the converter. Losses and wear are counted on the
    accounts, before netting, so that they are never too small. Without `netting` the sums of charge and
    of discharge stay within the power each.

    References: virtual partition of a shared store as in Zhao, Wang, Huang & Lin (2020), Virtual
    Energy Storage Sharing and Capacity Allocation, doi:10.1109/TSG.2019.2932057; physics as in
    `microgrid_opt.formulations.reservoir`.
    """

    type: Literal["shared_battery"]
    users: dict[PlaceName, User] = Field(min_length=1)
    """Members or nodes that use it, and their shares; `{}` for a user without any."""
    energy_kwh: SizedKWh | None = None
    """Energy capacity between empty and full; may be left out with `hours`."""
    power_kw: SizedKW
    """Power of the converter at its terminals."""
    hours: PositiveHours | None = None
    """Energy capacity per power: instead of `energy_kwh`, or as the fixed ratio of the two."""
    charge_efficiency: Efficiency
    """Share of what is charged that reaches the store, one way."""
    discharge_efficiency: Efficiency
    """Share of what leaves the store that reaches the terminals, one way."""
    netting: bool = True
    """Whether charge of some and discharge of others count against the power as their difference."""
    charge_cost_per_kwh: PricePerKWh = 0.0
    """Cost of each kWh charged."""
    discharge_cost_per_kwh: PricePerKWh = 0.0
    """Cost of each kWh discharged (throughput, wear)."""
    ageing: Ageing | None = None
    """Wear by depth of cycle and fade by age, instead of wear in `discharge_cost_per_kwh`."""

    @model_validator(mode="after")
    def _shared(self) -> Self:
        for key, problem in self._sharing_problems():
            raise refuse("shared_battery", problem, path=(key,))
        return self

    def _sharing_problems(self) -> Iterator[tuple[str, str]]:
        shares = [user.share_fraction for user in self.users.values()]
        total = sum(share or 0.0 for share in shares)
        if total > 1.0 + SAME:
            yield "users", f"hold shares that add up to {total:g}: they may not exceed 1."
        elif None in shares and total >= 1.0 - SAME:
            (first, *_) = self._unshared
            yield "users", f"hold all of it by their shares, nothing is left for `{first}`."
        whole = None not in shares and abs(total - 1.0) <= SAME
        for key in ("initial_fraction", "standing_loss_per_hour"):
            if getattr(self, key) and not whole:
                yield (
                    key,
                    "needs an owner for all of it: give every user a `share_fraction`, adding up to "
                    "1.",
                )
        for key in ("shared_power_limit", "exclusive"):
            if self.netting and getattr(self, key):
                yield key, "has no meaning with `netting`: set `netting: false`, or leave it out."

    @property
    def _unshared(self) -> list[str]:
        """Users without a part of their own."""
        return [place for place, user in self.users.items() if user.share_fraction is None]

    @property
    def _common_fraction(self) -> float:
        """Part of the capacity that nobody holds alone."""
        return 1.0 - sum(user.share_fraction or 0.0 for user in self.users.values())

    def _part(self, user: User) -> tuple[float, float | None]:
        """Return a user's largest part of the capacity, and its own floor if it has one."""
        if user.share_fraction is None:
            return self._common_fraction, 0.0
        return user.share_fraction, None

    def within(self, places: Collection[str]) -> Self | None:
        """Return the battery of a coalition that has its owner: its users, their parts in proportion.

        The parts of those who are left out fall to the others as theirs are to one another, so that the
        same share of the capacity is held as before: nothing of it lies idle for somebody who takes no
        part, and nobody has to build that. Without any user left there is no battery.
        """
        users = {place: user for place, user in self.users.items() if place in places}
        if not users or len(users) == len(self.users):
            return super().within(places)
        grown = self._held(self.users) / self._held(users)
        parts = {place: user.share_fraction for place, user in users.items()}
        kept = {
            place: users[place].model_copy(update={"share_fraction": min(part * grown, 1.0)})
            if part is not None
            else users[place]
            for place, part in parts.items()
        }
        return super(SharedBattery, self.model_copy(update={"users": kept})).within(places)

    def _held(self, users: Mapping[str, User]) -> float:
        """Return the part of the capacity that some of the users hold, alone or in common."""
        parts = [user.share_fraction for user in users.values()]
        own = sum(part for part in parts if part is not None)
        return own + (self._common_fraction if None in parts else 0.0)

    @property
    def carriers(self) -> tuple[str, str]:
        """Electricity both ways."""
        return ELECTRICITY, ELECTRICITY

    @property
    def wears(self) -> Ageing | None:
        """Wear by depth and fade by age."""
        return self.ageing

    # ------------------------------------------------------------------ model

    def write_flows(
        self, b: Builder, limits: tuple[Scaled | None, Scaled | None]
    ) -> tuple[Any, Any]:
        """Write the sums of all users, within the power after netting, and the users' flows."""
        limit = limits[0]
        if self.netting and limit is not None:
            charge, discharge = (b.series(name, unit="kW") for name in ("charge", "discharge"))
            most = limit.times(1.0)
            b.require("net_charge", lambda t: charge[t] - discharge[t] <= most)
            b.require("net_discharge", lambda t: discharge[t] - charge[t] <= most)
        else:
            charge, discharge = super().write_flows(b, limits)
        for place, user in self.users.items():
            part = None if limit is None else limit.part(user.power_share_fraction)
            for name in ("charge", "discharge"):
                b.series(
                    f"{name}_{place}",
                    unit="kW",
                    upper=None if part is None else part.base,
                    profile=None if part is None else part.share,
                )
        return charge, discharge

    def write_exchange(self, b: Builder, capacity: Scaled, charge: Any, discharge: Any) -> None:
        """Write the accounts: their balances, their terms at the users' places, their sums."""
        for place, user in self.users.items():
            into, out = (b.written(f"{name}_{place}") for name in ("charge", "discharge"))
            share, least = self._part(user)
            held = capacity.part(share)
            content.write(self, b, CONTENT, held, into, out, account=place, least=least)
            self.write_terms(b, into, out, place=place)
        self.write_costs(b, charge, discharge)
        for name in ("charge", "discharge", CONTENT):
            whole = b.written(name)
            parts = [b.written(f"{name}_{place}") for place in self.users]
            b.require(f"accounts_{name}", _sum_rule(whole, parts))
        if 1 < len(self._unshared) < len(self.users):
            common = [b.written(f"{CONTENT}_{place}") for place in self._unshared]
            most = capacity.times(self._common_fraction * self.usable_fraction * self.max_fraction)
            b.require("common_part", lambda t: sum(part[t] for part in common) <= most)

    # ------------------------------------------------------------------ audit

    def audit_power(
        self,
        a: AssetAudit,
        charge: NDArray[np.float64],
        discharge: NDArray[np.float64],
        limits: tuple[float, float],
    ) -> None:
        """Check what is left after netting, and each user's part of the power."""
        if self.netting:
            a.at_most("net power", np.abs(charge - discharge), limits[0], unit="kW")
        else:
            super().audit_power(a, charge, discharge, limits)
        for place, user in self.users.items():
            for name in ("charge", "discharge"):
                flow, most = a.series(f"{name}_{place}"), user.power_share_fraction * limits[0]
                a.at_most(f"{name} of {place} not negative", 0.0, flow, unit="kW")
                a.at_most(f"{name} of {place} within its part", flow, most, unit="kW")

    def audit_exchange(
        self,
        a: AssetAudit,
        capacity: float,
        charge: NDArray[np.float64],
        discharge: NDArray[np.float64],
        inflow: NDArray[np.float64],
    ) -> None:
        """Re-derive every account from its user's flows, and the sums of all accounts."""
        del inflow
        for place, user in self.users.items():
            into, out = (a.series(f"{name}_{place}") for name in ("charge", "discharge"))
            share, least = self._part(user)
            held = capacity * share
            content.audit(self, a, CONTENT, held, into, out, account=place, least=least)
            a.equal(f"charge drawn at {place}", a.drawn(ELECTRICITY, place=place), into, unit="kW")
            given = a.supplied(ELECTRICITY, place=place)
            a.equal(f"discharge supplied at {place}", given, out, unit="kW")
        for name in ("charge", "discharge", CONTENT):
            parts = np.sum([a.series(f"{name}_{place}") for place in self.users], axis=0)
            a.equal(f"accounts add up: {name}", a.series(name), parts, unit="kW")
        if self._unshared:
            common = np.sum([a.series(f"{CONTENT}_{place}") for place in self._unshared], axis=0)
            most = capacity * self._common_fraction * self.usable_fraction * self.max_fraction
            a.at_most("common part of the capacity", common, most, unit="kWh")
        a.equal("charge drawn", a.drawn(ELECTRICITY), charge, unit="kW")
        a.equal("discharge supplied", a.supplied(ELECTRICITY), discharge, unit="kW")
        self.audit_costs(a, charge, discharge)

    # ------------------------------------------------------------------ figures

    def summary(self, r: AssetResults) -> Mapping[str, Quantity]:
        """Return cycles and losses of the battery, and what each user took out."""
        taken = {f"discharged_{place}": r.energy(f"discharge_{place}") for place in self.users}
        figures = {name: r.quantity(amount, "kWh") for name, amount in taken.items()}
        return {**super().summary(r), **figures}


def _sum_rule(whole: Any, parts: list[Any]) -> Any:
    return lambda t: whole[t] == sum(part[t] for part in parts)
