r"""What one unit costs that an asset makes, after its own costs only.

$$ \mathrm{LC} = \frac{-\mathrm{NPV}_a}{(1-\tau)\,Q}\,\mathrm{CRF}(r, N) $$

| symbol | meaning | unit |
|---|---|---|
| $\mathrm{NPV}_a$ | net present value of all that the asset alone pays and gets: purchase, renewals, residual value, its categories of the ledger, its incentives, loan and taxes | currency |
| $Q$ | what it supplies in a year | kWh or kg |
| $\tau$ | tax on income of the owner | - |
| $r, N$ | real discount rate of the owner, length of the project | 1/year, years |

It is the price before tax, in prices of year 0 and growing with inflation, at which the asset pays for
itself. What an asset draws from the park is not paid by the asset and not in the figure: the
electricity of a heat pump, the charging of a store.

Only assets whose whole capacity is new and which supply one carrier are told: what exists has no price
in the plan, and joint products have no price each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from microgrid_opt.finance.annuity import capital_recovery_factor, real_rate
from microgrid_opt.finance.books import account, only
from microgrid_opt.finance.levelised import lcoe
from microgrid_opt.finance.statement import statement

if TYPE_CHECKING:
    from microgrid_opt.park import Park
    from microgrid_opt.results import Results

_MADE = ("generation", "conversion", "storage")
_LEAST = 1e-6  # share of the largest flow below which nothing is supplied


@dataclass(frozen=True)
class UnitCost:
    """Levelised cost of what one asset supplies.

    Parameters
    ----------
    name
        LCOE (electricity), LCOH (hydrogen), LCOS (a store), LCOHeat, LCOCold; else "Levelised cost".
    value, unit
        Cost of one unit, in prices of year 0, before tax.
    quantity
        What is supplied [unit of the carrier a year].
    draws
        Whether it uses carriers of the park, which are not in the figure.
    """

    member: str
    asset: str
    title: str
    name: str
    carrier: str
    value: float
    unit: str
    quantity: float
    draws: bool


def unit_costs(results: Results, park: Park) -> tuple[UnitCost, ...]:
    """Return the levelised cost of what each new asset supplies."""
    found = []
    accounts = {member: account(results, None, park, member) for member in park.members}
    units = dict(zip(results.carriers["carrier"], results.carriers["unit"], strict=True))
    for asset in dict.fromkeys(results.sizes["asset"]):
        if asset not in park.assets or not _is_new(results, asset):
            continue
        product = _product(results, asset)
        if product is None:
            continue
        role, carrier, quantity, draws = product
        member = park.owner(asset)
        held = accounts[member]
        rate = real_rate(held.rate, held.inflation)
        value = -statement(only(held, [asset])).npv / (1.0 - held.tax_rate)
        yearly = value * capital_recovery_factor(rate, held.years)
        found.append(
            UnitCost(
                member=member,
                asset=asset,
                title=results.labels.get(asset, asset),
                name=_name(role, carrier, park),
                carrier=carrier,
                value=lcoe(yearly, quantity),
                unit=f"{results.currency}/{units[carrier]}",
                quantity=quantity,
                draws=draws,
            )
        )
    return tuple(found)


def _is_new(results: Results, asset: str) -> bool:
    """Return whether an asset was bought, and nothing of it was there before."""
    rows = results.sizes[results.sizes["asset"] == asset]
    return bool((rows["capex"] > 0).any() and (rows["existing"] == 0).all())


def _product(results: Results, asset: str) -> tuple[str, str, float, bool] | None:
    """Return role, carrier and amount [unit/year] of the one thing an asset supplies, if it is one."""
    rows = results.energy[(results.energy["asset"] == asset) & results.energy["role"].isin(_MADE)]
    sums = rows.groupby(["role", "carrier"], sort=False)[["supplied", "drawn"]].sum()
    most = float(sums["supplied"].max()) if len(sums) else 0.0
    made = sums[sums["supplied"] > _LEAST * most]
    if most <= 0.0 or len(made) != 1:
        return None
    role, carrier = map(str, made.index[0])
    quantity = float(made["supplied"].iloc[0]) / results.horizon.year_share
    return role, carrier, quantity, bool(sums["drawn"].sum() > _LEAST * most)


def _name(role: str, carrier: str, park: Park) -> str:
    if role == "storage":
        return "LCOS"
    named = {"electricity": "LCOE", "hydrogen": "LCOH", "cold": "LCOCold"}
    if carrier in named:
        return named[carrier]
    warm = carrier == "heat" or park.carrier(carrier).temperature_degc is not None
    return "LCOHeat" if warm else "Levelised cost"
