r"""The cash flow of a plan: for every member, for the whole park, and for third parties.

With annuity ``project`` and one owner it says the same as the objective:

$$ \mathrm{NPV} = -\,(1-\tau)\,\frac{A - A'}{\mathrm{CRF}(r, N)} $$

| symbol | meaning | unit |
|---|---|---|
| $\mathrm{NPV}$ | net present value of the net cash flow at the nominal discount rate | currency |
| $A, A'$ | cost of a year of the plan and of the reference plan, as in the ledger | currency/year |
| $\tau$ | tax on income | - |
| $r, N$ | real discount rate, length of the project | 1/year, years |

The table of the whole park adds up those of its members; it is discounted at the rate of the park.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from microgrid_opt.errors import Finding, InputError
from microgrid_opt.finance.books import account
from microgrid_opt.finance.contracts import SharedSavings
from microgrid_opt.finance.levelised import abatement_cost
from microgrid_opt.finance.split import Split, energy_of, split
from microgrid_opt.finance.statement import Statement, statement, together
from microgrid_opt.finance.unitcosts import UnitCost, unit_costs
from microgrid_opt.finance.yearly import yearly

if TYPE_CHECKING:
    import pandas as pd

    from microgrid_opt.finance.account import Account
    from microgrid_opt.park import Park
    from microgrid_opt.results import Results

WHOLE = "park"


@dataclass(frozen=True, eq=False)
class Proforma:
    """The cash flow of a plan minus that of the reference plan, in current money.

    Parameters
    ----------
    name, currency
        Of the park.
    has_reference
        Whether a reference plan was taken off; else every cost of the plan is in it.
    inflation, is_taxed
        Growth of all prices [1/year]; whether any owner pays tax on income.
    whole
        All members and third parties together.
    members
        Each member's own, as if it owned all its assets itself.
    hosts
        Members that have contracts with third parties: what is left to them.
    contracts
        What the investors earn.
    unit_costs
        Levelised cost of what each new asset supplies.
    abatement_cost_per_t
        Extra cost of a year before tax, what is paid for CO2 left out, by the tonnes that the plan
        emits less than the reference [currency/t]; ``None`` for one member, without a reference, or
        when nothing is abated.
    accounts
        Rows behind each of the statements by member; `host_accounts` those of `hosts`.
    notes
        What a reader of the numbers should know, as sentences.
    """

    name: str
    currency: str
    has_reference: bool
    inflation: float
    is_taxed: bool
    whole: Statement
    members: dict[str, Statement]
    hosts: dict[str, Statement]
    contracts: tuple[Split, ...]
    unit_costs: tuple[UnitCost, ...]
    accounts: dict[str, Account]
    host_accounts: dict[str, Account]
    abatement_cost_per_t: float | None = None
    notes: tuple[str, ...] = ()

    @property
    def table(self) -> pd.DataFrame:
        """The whole park's rows by key, a column for each date [currency]."""
        return self.whole.table

    def named(self) -> dict[str, Statement]:
        """Return every cash flow by its name for reading: whole park, members, hosts, investors."""
        several = len(self.members) > 1
        found = {"Whole park" if several else self.whole.title: self.whole}
        if several:
            found |= {one.title: one for one in self.members.values()}
        found |= {f"{one.title} as host": one for one in self.hosts.values()}
        return found | {f"Investor {one.name}": one.statement for one in self.contracts}


def proforma(
    plan: Results, reference: Results | None, park: Park, member: str | None = None
) -> Proforma:
    """Return the cash flow of a plan against the reference plan.

    Parameters
    ----------
    plan, reference
        Tables of the plan and of what the park does without it; without a reference the cash flow
        holds all that the plan pays.
    park
        The park of the plan.
    member
        One member only; all when left out.

    Raises
    ------
    InputError
        The project does not last whole years, there is no such member, or a contract shares savings
        without a reference.
    """
    finance = park.finance
    _refuse(park, reference, member)
    names = list(park.members) if member is None else [member]
    accounts = {name: account(plan, reference, park, name) for name in names}
    dates = tuple(sorted({date for one in accounts.values() for date in one.dates()}))
    members = {name: statement(one, dates) for name, one in accounts.items()}
    hosts: dict[str, Statement] = {}
    host_accounts: dict[str, Account] = {}
    contracts: list[Split] = []
    for name, one in accounts.items():
        theirs = {
            key: contract
            for key, contract in finance.third_party.items()
            if park.owner(contract.assets[0]) == name
        }
        if not theirs:
            continue
        energy = {key: energy_of(plan, name, held.assets) for key, held in theirs.items()}
        host, found = split(one, theirs, energy, finance, dates)
        host_accounts[name], hosts[name] = host, statement(host, dates)
        contracts += found
    first = members[names[0]]
    whole = first
    if len(members) > 1:
        like = replace(first, name=WHOLE, title="Whole park", rate=finance.nominal_rate)
        whole = together(like, list(members.values()))
    return Proforma(
        name=plan.name,
        currency=plan.currency,
        has_reference=reference is not None,
        inflation=finance.inflation,
        is_taxed=any(one.tax is not None for one in accounts.values()),
        whole=whole,
        members=members,
        hosts=hosts,
        contracts=tuple(contracts),
        unit_costs=tuple(one for one in unit_costs(plan, park) if one.member in accounts),
        accounts=accounts,
        host_accounts=host_accounts,
        abatement_cost_per_t=None if member else _abatement(plan, reference, park),
        notes=tuple(_notes(park, members, reference)),
    )


def _abatement(plan: Results, reference: Results | None, park: Park) -> float | None:
    if reference is None:
        return None
    mine, theirs = yearly(plan, park), yearly(reference, park)
    cost, other = (one.total - one.co2_price for one in (mine, theirs))
    found = abatement_cost(cost, other, mine.co2_kg, theirs.co2_kg)
    return None if math.isnan(found) else found


def _refuse(park: Park, reference: Results | None, member: str | None) -> None:
    finance = park.finance
    if finance.project_years % 1:
        raise InputError(
            Finding(
                "must be whole for a cash flow by year.",
                key="finance.project_years",
                value=finance.project_years,
            )
        )
    if member is not None and member not in park.members:
        known = ", ".join(park.members)
        raise InputError(
            Finding(f"is no member of the park: known are {known}.", key="member", value=member)
        )
    for name, contract in finance.third_party.items():
        if reference is None and isinstance(contract, SharedSavings):
            raise InputError(
                Finding(
                    "shares savings, but there is no reference plan to save against: add what the "
                    "park uses today, or make it `ppa` or `lease`.",
                    key=f"finance.third_party.{name}",
                )
            )


def _notes(park: Park, members: dict[str, Statement], reference: Results | None) -> list[str]:
    found = []
    if reference is None:
        found.append("There is no reference plan: the cash flow holds all costs of the plan.")
    rates = {name: one.rate for name, one in members.items()}
    if len(set(rates.values())) > 1:
        shown = ", ".join(f"{one.title} {100 * one.rate:.3g} %" for one in members.values())
        found.append(
            f"Members have discount rates of their own ({shown}); the whole park is discounted at "
            f"{100 * park.finance.nominal_rate:.3g} %."
        )
    return found
