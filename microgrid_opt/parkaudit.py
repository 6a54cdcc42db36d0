"""What the audit checks of every park: time, sizes and their cost, balances, rules, tables, ledger.

Independent of the model, as all of `microgrid_opt.audit`; that module has the tools.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from microgrid_opt.carriers import ELECTRICITY
from microgrid_opt.ledger import KG_PER_T
from microgrid_opt.moneyaudit import audit_incentives, worths_of_size
from microgrid_opt.trading.audit import audit_trades

if TYPE_CHECKING:
    from collections.abc import Mapping

    from microgrid_opt.audit import AssetAudit, Book
    from microgrid_opt.fields import Size
    from microgrid_opt.policies.intensity import Intensity
    from microgrid_opt.problem import Problem

RELATIVE = 1e-6
"""Tolerance of sums and bills, relative to the largest amount of the same kind [-]."""
FEASIBILITY = 1e-6
"""HiGHS's default primal feasibility tolerance, absolute per row in the row's own unit [-]; used
with the row's scale."""
KWH_PER_KGCE = 8.141
"""Heat of a kg of coal equivalent: 7000 kcal of 4.1868 kJ (GB/T 2589-2020), in kWh."""
CENT = 0.01
"""Money is compared to a hundredth of the currency or to `RELATIVE`, whichever is larger."""


def audit_park(book: Book, reference_co2_kg: float | None) -> None:
    """Check what does not belong to one technology; the technologies have been heard before.

    Parameters
    ----------
    book
        Results, problem and the checks so far.
    reference_co2_kg
        CO2 of the reference plan over the horizon [kg], for caps relative to it.
    """
    for key, asset in book.problem.park.assets.items():
        _audit_sizes(book.view(key), asset.sizes(), book)
    _audit_balances(book)
    if book.problem.park.trading is not None:
        audit_trades(book)
    _audit_carbon(book, reference_co2_kg)
    _audit_targets(book)
    _audit_areas(book)
    audit_incentives(book, _investment_share(book.problem))
    _audit_energy(book)
    _audit_leftovers(book)


def is_of_this_park(book: Book) -> bool:
    """Return whether the results have the steps and sizes of the problem; if not, that is a failure."""
    mine, theirs = book.results.horizon, book.problem.horizon
    axes = (h.stamps.as_unit("ns").asi8 for h in (mine, theirs))
    same = all(
        np.array_equal(one, other)
        for one, other in (
            tuple(axes),
            (mine.step_hours, theirs.step_hours),
            (mine.weight, theirs.weight),
        )
    )
    if not same:
        book.fail("park", "the steps of the results are those of the problem")
    assets = book.problem.park.assets
    sizes = {(key, name) for key, asset in assets.items() for name in asset.sizes()}
    table = book.results.sizes
    if len(table) != len(sizes) or set(zip(table["asset"], table["size"], strict=True)) != sizes:
        book.fail("park", "the table of sizes has the sizes of the park")
        same = False
    return same


# ---------------------------------------------------------------------------------------- sizes


def _audit_sizes(view: AssetAudit, specs: Mapping[str, Size], book: Book) -> None:
    """Check bounds of the asset's sizes and re-derive what they cost."""
    rows: dict[str, Any] = {
        row["size"]: row
        for row in book.results.sizes.to_dict("records")
        if row["asset"] == view.asset
    }
    invested = running = 0.0
    for name, spec in specs.items():
        _audit_bounds(view, name, spec, rows[name], book.problem)
        yearly, upkeep = _audit_size_costs(view, name, spec, rows[name], book.problem)
        invested += yearly
        running += upkeep
    share = _investment_share(book.problem)
    left = [lot for name in specs for lot in book.problem.standing.get((view.asset, name), ())]
    view.booked("investment", invested * share)
    view.booked("earlier_investment", sum(lot.annual for lot in left) * share)
    view.booked("fixed_om", running * share)


def _audit_bounds(
    view: AssetAudit, name: str, spec: Size, row: Mapping[str, Any], problem: Problem
) -> None:
    total, unit = float(row["total"]), type(spec).unit
    existing = problem.stands(view.asset, name, spec)
    new = float(row["new"])
    kept = total - new
    view.at_most(f"{name} new not negative", 0.0, new, unit=unit, scale=total)
    if spec.retirement == "none":
        view.at_most(f"{name} size at least", existing, total, unit=unit)
    else:
        view.at_most(f"{name} stays", kept, existing, unit=unit, scale=total)
        view.at_most(f"{name} stays at least", 0.0, kept, unit=unit, scale=total)
    # In a stage the audit of the pathway looks at each origin by itself.
    if spec.retirement == "whole" and not problem.standing:
        share = kept / spec.existing
        view.equal(f"{name} whole or gone", share, np.round(share), unit="1")
    if spec.fixed is not None:
        view.equal(f"{name} size given", total, spec.fixed, unit=unit)
        return
    view.at_most(f"{name} size least", spec.minimum, total, unit=unit)
    most = np.inf if spec.maximum is None else spec.maximum
    view.at_most(f"{name} size most", total, most, unit=unit)
    if spec.unit_size is not None:
        units = new / spec.unit_size
        view.equal(f"{name} whole units", units, np.round(units), unit="1")


def _audit_size_costs(
    view: AssetAudit, name: str, spec: Size, row: Mapping[str, Any], problem: Problem
) -> tuple[float, float]:
    """Return yearly cost of the investment and upkeep, having checked the table's."""
    finance = problem.park.finance_of(view.member)
    total = float(row["total"])
    existing = problem.stands(view.asset, name, spec)
    new = total - existing if spec.retirement == "none" else float(row["new"])
    room = 0.0 if spec.maximum is None else spec.maximum
    # A binary is whole to 1e-6 only, and its big-M is the room.
    bought = new > 2.0 * FEASIBILITY * max(1.0, total, room)
    variable = spec.capex_per_unit * new + _in_blocks(spec, new)
    paid = bool(spec.fixed_capex) and float(row["capex"]) > variable + 0.5 * spec.fixed_capex
    if paid and not bought and spec.fixed is None:
        view.note(
            f"pays the one-off cost of {name}, but adds nothing: a plan short of the optimum."
        )
    once = spec.fixed_capex if bought or (paid and spec.fixed is None) else 0.0
    capex = variable + once
    yearly = spec.annual_cost_per_unit * new
    if capex and spec.lifetime_years is not None:
        yearly += capex * worths_of_size(finance, spec).capex
    upkeep = spec.fixed_om_per_unit_year * total + spec.fixed_om_fraction * (
        spec.capex_per_unit * total + once
    )
    upkeep += sum(lot.upkeep for lot in problem.standing.get((view.asset, name), ()))
    view.equal(f"{name} new", row["new"], new, unit=type(spec).unit, scale=total)
    view.equal(f"{name} existing", row["existing"], existing, unit=type(spec).unit, scale=total)
    for what, amount in (("capex", capex), ("annual_cost", yearly), ("fixed_om", upkeep)):
        view.equal(f"{what} of {name}", row[what], amount, unit=problem.park.currency)
    return yearly, upkeep


def _in_blocks(spec: Size, new: float) -> float:
    """Return the price of new capacity that is bought in blocks."""
    cost = before = 0.0
    for end, price in spec.capex_blocks_per_unit:
        cost += price * (min(max(new, before), end) - before)
        before = end
    return cost


def _investment_share(problem: Problem) -> float:
    scaling = problem.park.finance.investment_scaling
    if scaling == "full":
        return 1.0
    if scaling != "auto":
        return float(scaling)
    horizon = problem.horizon
    hours = float(np.sum(horizon.step_hours * horizon.weight))
    leap = ((horizon.stamps.month == 2) & (horizon.stamps.day == 29)).any()
    year = 8784.0 if leap else 8760.0
    return 1.0 if abs(hours - year) < 1e-6 * year else hours / 8760.0


# ---------------------------------------------------------------------------------------- balances


def _audit_balances(book: Book) -> None:
    horizon = book.problem.horizon
    net: dict[tuple[str, str], Any] = {}
    gross: dict[tuple[str, str], Any] = {}
    for flow in book.flows:
        key = (flow.place, flow.carrier)
        net[key] = net.get(key, 0.0) + flow.sign * flow.values
        gross[key] = gross.get(key, 0.0) + np.abs(flow.values)
    for (place, carrier), values in net.items():
        book.compare(
            f"{place}.{carrier}",
            "what is supplied equals what is drawn",
            values,
            np.zeros(len(horizon)),
            book.problem.park.carrier(carrier).flow_unit,
            signed=False,
            scale=float(np.max(gross[place, carrier])),
        )
        _note_one_sided(book, place, carrier)


def _note_one_sided(book: Book, place: str, carrier: str) -> None:
    """Note converters and stores that a balance without the other side keeps from running."""
    flows = [flow for flow in book.flows if (flow.place, flow.carrier) == (place, carrier)]
    stuck = dict.fromkeys(flow.asset for flow in flows if flow.role in {"conversion", "storage"})
    verb = {1: "draws", -1: "supplies"}
    signs = {flow.sign for flow in flows}
    if len(signs) == 1 and stuck:
        (sign,) = signs
        remedy = "a demand or a `dump`" if sign > 0 else "a source or a `supply`"
        book.notes.append(
            f"{place}.{carrier}: nothing {verb[sign]} {carrier}, so {', '.join(stuck)} cannot run: "
            f"add {remedy} of it."
        )


def _audit_energy(book: Book) -> None:
    """Re-derive the table of energy from the flows."""
    park, hours = book.problem.park, book.problem.horizon.hours
    sums: dict[tuple[Any, ...], list[float]] = {}
    for flow in book.flows:
        key = (flow.place, flow.asset, flow.carrier, flow.role, bool(flow.renewable))
        both = sums.setdefault(key, [0.0, 0.0])
        both[0 if flow.sign > 0 else 1] += float(flow.values @ hours)
    names = ("place", "asset", "carrier", "role", "renewable")
    table = {
        tuple(row[name] for name in names): row for row in book.results.energy.to_dict("records")
    }
    if table.keys() != sums.keys():
        book.fail("park", "the table of energy has every flow once")
        return
    for key, row in table.items():
        carrier = park.carrier(key[2])
        scale = max(sums[key])
        for name, amount in zip(("supplied", "drawn"), sums[key], strict=True):
            what = f"energy {name}, {key[2]} ({key[3]})"
            subject = f"{key[0]}.{key[1]}"
            content = carrier.content_kwh_per_unit
            book.compare(subject, what, row[name], amount, carrier.unit, signed=False, scale=scale)
            book.compare(
                subject,
                f"{what} in kWh",
                row[f"{name}_kwh"],
                amount * content,
                "kWh",
                signed=False,
                scale=scale * content,
            )


# ---------------------------------------------------------------------------------------- rules


def _audit_carbon(book: Book, reference_co2_kg: float | None) -> None:
    view, carbon = book.policies(), book.problem.park.carbon
    emitted = sum(amount for key, amount in book.amounts.items() if key[3] == "co2")
    view.booked("co2_price", emitted / KG_PER_T * carbon.price_per_t)
    year_share = book.problem.horizon.year_share
    limit: float | None = None
    if carbon.cap_t_per_year is not None:
        limit = carbon.cap_t_per_year * KG_PER_T * year_share
    elif carbon.reduction_fraction is not None and reference_co2_kg is not None:
        limit = reference_co2_kg * (1.0 - carbon.reduction_fraction)
    if limit is not None:
        scale = book.gross.get("co2", 0.0)
        view.capped("co2_cap", emitted, "<=", limit, unit="kg", scale=scale)
    if carbon.intensity is not None:
        _audit_intensity(book, view, emitted, carbon.intensity)


def _audit_intensity(book: Book, view: AssetAudit, emitted: float, intensity: Intensity) -> None:
    """Re-derive the energy consumed from where it goes; the model counts where it comes from."""
    park, hours = book.problem.park, book.problem.horizon.hours
    carriers = {flow.carrier: park.carrier(flow.carrier) for flow in book.flows}
    kgce = {name: c.content_kwh_per_unit / KWH_PER_KGCE for name, c in carriers.items()}
    kgce |= intensity.kgce_per_unit
    drawing = {(f.asset, f.role, f.carrier) for f in book.flows if f.sign < 0}
    makers = {
        a for a, role, c in drawing if role == "conversion" and carriers[c].content_kwh_per_unit
    }
    used = dict.fromkeys(carriers, 0.0)
    gross = 0.0
    for flow in book.flows:
        taken = flow.role == "generation" and flow.asset not in makers
        passes = flow.role == "transfer"
        passes |= flow.role == "storage" and (flow.asset, "storage", flow.carrier) in drawing
        if taken or flow.role in {"import", "export", "dump"}:
            continue
        if not passes or intensity.losses == "counted":
            amount = float(flow.values @ hours)
            used[flow.carrier] -= flow.sign * amount
            gross += abs(amount) * kgce[flow.carrier]
    table = book.results.carriers.set_index("carrier")
    for name, amount in used.items():
        scale = gross / kgce[name] if kgce[name] else abs(amount)
        told, unit = table.loc[name, "consumed"], carriers[name].unit
        view.equal(f"{name} consumed", told, amount, unit=unit, scale=scale)
    consumed = sum(amount * kgce[name] for name, amount in used.items())
    scale = book.gross.get("co2", 0.0)
    figures = book.results.indicators()
    told = figures["energy_consumed"].value * KG_PER_T
    view.equal("energy consumed", told, consumed, unit="kgce", scale=gross)
    if consumed > FEASIBILITY * gross:
        ratio = figures["co2_intensity"].value
        view.equal(
            "CO2 of it", ratio * consumed, emitted, unit="kg", scale=max(scale, ratio * gross)
        )
    most = intensity.max_t_per_tce
    if most is not None:
        scale = max(scale, most * gross)
        view.capped("co2_intensity", emitted, "<=", most, unit="kg", whole=consumed, scale=scale)


def _audit_targets(book: Book) -> None:
    view, targets = book.policies(), book.problem.park.targets
    hours = book.problem.horizon.hours

    def energy(role: str, *, renewable: bool = False) -> float:
        return sum(
            float(flow.values @ hours)
            for flow in book.flows
            if flow.role == role
            and flow.carrier == ELECTRICITY
            and (flow.renewable or not renewable)
        )

    made, sold, bought = energy("generation"), energy("export"), energy("import")
    scale = made + sold + bought
    if targets.min_renewable_share is not None:
        green = energy("generation", renewable=True)
        green -= sold if targets.renewable_share_export == "deducted" else 0.0
        demand = targets.renewable_share_base == "demand"
        whole = energy("demand") if demand else made + bought - sold
        least = targets.min_renewable_share
        view.capped("renewable_share", green, ">=", least, unit="kWh", whole=whole, scale=scale)
    if targets.min_self_consumption is not None:
        available = targets.self_consumption_base == "available"
        whole = book.measures.get("available_generation", 0.0) if available else made
        least = targets.min_self_consumption
        view.capped(
            "self_consumption", made - sold, ">=", least, unit="kWh", whole=whole, scale=scale
        )
    if targets.max_export_share is not None:
        most = targets.max_export_share
        view.capped("export_share", sold, "<=", most, unit="kWh", whole=made, scale=scale)


def _audit_areas(book: Book) -> None:
    view = book.policies()
    for name, area in book.problem.park.areas.items():
        taken = book.measures.get(f"area.{name}")
        if taken is not None:
            view.capped(f"area_{name}", taken, "<=", area, unit="m2")


# ---------------------------------------------------------------------------------------- ledger


def _audit_leftovers(book: Book) -> None:
    """Fail for what nobody re-derived, and hold the ledger's sum against the objective."""
    for key in sorted(set(book.amounts) - book.proven):
        if book.amounts[key]:
            book.fail(".".join(key[:2]), f"{key[3]} {key[2]} re-derived")
    for name in sorted(set(book.caps) - book.proven_caps):
        book.fail("park", f"cap {name} re-derived")
    cost = sum(amount for key, amount in book.amounts.items() if key[3] == "cost")
    book.booked_sum(cost)
